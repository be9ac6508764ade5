//! A guess in words: for the screen that shows it and for `init --explain`.

use std::collections::BTreeSet;

use super::{Candidate, Guess, Quiet, overlooked_words};
use crate::domain::text::count;

/// A part of what is said of a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its heading.
    pub title: String,
    /// Its lines; what belongs to the line before begins with blanks.
    pub lines: Vec<String>,
}

impl Part {
    fn new(title: &str, lines: Vec<String>) -> Self {
        Self {
            title: title.to_owned(),
            lines,
        }
    }
}

impl Candidate {
    /// What it is with its score, and what speaks for it.
    pub fn words(&self) -> [String; 2] {
        let taken = if self.taken { "taken" } else { "left" };
        let more = match self.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        [
            format!(
                "{}.{:02}  {taken:<5}  {}: {}{more}",
                self.score / 100,
                self.score % 100,
                self.what,
                self.names.join(", ")
            ),
            format!(
                "             {}; usual names {} %, equal versions {} %, copied {} %, moving {} %",
                count(self.rows, "row"),
                self.usual,
                self.equal,
                self.copied,
                self.moving
            ),
        ]
    }
}

impl Guess {
    /// All that speaks for it and against it, part by part.
    pub fn parts(&self) -> Vec<Part> {
        let unread = self.unread.iter();
        let unread = unread.map(|(place, moves)| format!("{place}, {}", count(*moves, "change")));
        let overlooked = overlooked_words(&self.overlooked);
        let left = self.left_out.iter();
        let left = left.map(|(name, cells)| format!("{name}, {}", count(*cells, "cell")));
        let candidates = self.candidates.iter().flat_map(Candidate::words);
        let parts = [
            Part::new("Environments", self.environment_lines()),
            Part::new("Layouts", self.layout_lines()),
            Part::new("What could be environments", candidates.collect()),
            Part::new(
                "Columns left out: few versions are written for them",
                left.collect(),
            ),
            Part::new(
                "Files left out: what stands in them is hardly promoted",
                self.quiet.iter().map(Quiet::words).collect(),
            ),
            Part::new("Read by no layout", unread.chain(overlooked).collect()),
        ];
        parts
            .into_iter()
            .filter(|part| !part.lines.is_empty())
            .collect()
    }

    fn environment_lines(&self) -> Vec<String> {
        let each = self.environments.iter().map(|name| {
            let from = self.edges.iter().filter(|(_, to)| to == name);
            let from: Vec<&str> = from.map(|(from, _)| from.as_str()).collect();
            let mut line = match from.as_slice() {
                [] => name.clone(),
                from => format!("{name}  from {}", from.join(", ")),
            };
            if self.by_history.contains(name) {
                line.push_str(", by recent history");
            }
            let place = self.places.get(name);
            if let Some(cluster) = place.and_then(|place| place.cluster.as_deref()) {
                line = format!("{line}; cluster {cluster}");
            }
            if let Some(namespace) = place.and_then(|place| place.namespace.as_deref()) {
                line = format!("{line}; namespace {namespace}");
            }
            line
        });
        each.collect()
    }

    fn layout_lines(&self) -> Vec<String> {
        let each = self.layouts.iter().enumerate().flat_map(|(at, layout)| {
            let path = layout.path.as_deref().or(layout.refs.as_deref());
            let keys = [&layout.yaml, &layout.json, &layout.regex, &layout.preset];
            let keys = keys.into_iter().flatten().next();
            let keys = keys.map_or_else(String::new, |keys| format!("  {keys}"));
            let line = format!("{}{keys}", path.unwrap_or_default());
            let evidence = self.evidence(at).join(", ");
            let evidence = (!evidence.is_empty()).then(|| format!("  {evidence}"));
            std::iter::once(line).chain(evidence)
        });
        each.collect()
    }

    /// How much of what there is a layout explains, each measure in words.
    pub fn evidence(&self, layout: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let all: usize = self.explained.iter().sum();
        if let Some(cells) = self.explained.get(layout).filter(|cells| **cells > 0) {
            let each = match self.layouts.get(layout).and_then(|it| it.refs.as_ref()) {
                Some(_) => " of each environment",
                None => "",
            };
            let share = (cells * 100 + all / 2) / all;
            lines.push(format!(
                "{cells} of {}{each}: {share} %",
                count(all, "cell")
            ));
        }
        if let Some(moved) = self.moved.get(layout).filter(|_| self.moves > 0) {
            let share = (moved * 100 + self.moves / 2) / self.moves;
            let all = count(self.moves, "version change");
            lines.push(format!("{moved} of {all} in recent history: {share} %"));
        }
        lines
    }

    /// What `fresh`, which was found by more evidence, says otherwise; `None` where it says the same.
    pub fn otherwise(&self, fresh: &Self) -> Option<String> {
        let mut words = Vec::new();
        let sorted = |guess: &Self| {
            let mut names = guess.environments.clone();
            names.sort();
            names
        };
        let named = |guess: &Self| guess.environments.join(", ");
        if sorted(self) != sorted(fresh) {
            words.push(format!(
                "environments {} in place of {}",
                named(fresh),
                named(self)
            ));
        } else if self.environments != fresh.environments {
            words.push(format!("the order {}", fresh.environments.join(" → ")));
        }
        let edges = |guess: &Self| guess.edges.iter().cloned().collect::<BTreeSet<_>>();
        let (own, others) = (edges(self), edges(fresh));
        let told = |edges: &BTreeSet<_>, other| {
            let new = edges.difference(other);
            let new = new.map(|(from, to): &(String, String)| format!("{from} → {to}"));
            new.collect::<Vec<_>>().join(", ")
        };
        if others.is_subset(&own) && others != own {
            words.push(format!("no promotions {}", told(&own, &others)));
        } else if others != own {
            words.push(format!("promotions {}", told(&others, &own)));
        }
        if self.layouts != fresh.layouts {
            let what = |guess: &Self| {
                let cells = guess.explained.iter().sum::<usize>();
                let layouts = count(guess.layouts.len(), "layout");
                format!("{layouts} with {}", count(cells, "cell"))
            };
            words.push(if what(self) == what(fresh) {
                "other places for the same number of cells".to_owned()
            } else {
                format!("{} in place of {}", what(fresh), what(self))
            });
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::layout::LayoutSpec;

    fn guess() -> Guess {
        let layout = LayoutSpec {
            path: Some("apps/{service}/{env}.yaml".into()),
            yaml: Some("image.tag".into()),
            ..LayoutSpec::default()
        };
        Guess {
            environments: vec!["dev".into(), "prod".into()],
            edges: vec![("dev".into(), "prod".into())],
            layouts: vec![layout],
            explained: vec![4],
            moved: vec![9],
            moves: 12,
            unread: vec![("notes.yaml:3".into(), 1)],
            ..Guess::default()
        }
    }

    #[test]
    fn a_guess_is_told_part_by_part() {
        let told: Vec<String> = guess()
            .parts()
            .into_iter()
            .map(|part| format!("{}: {}", part.title, part.lines.join(" | ")))
            .collect();
        assert_eq!(
            told,
            [
                "Environments: dev | prod  from dev",
                "Layouts: apps/{service}/{env}.yaml  image.tag |   4 of 4 cells: 100 %, 9 of 12 version changes in recent history: 75 %",
                "Read by no layout: notes.yaml:3, 1 change",
            ]
        );
    }

    #[test]
    fn what_another_guess_says_otherwise() {
        type Change<'a> = &'a dyn Fn(&mut Guess);
        let own = guess();
        let with = |change: &dyn Fn(&mut Guess)| {
            let mut other = guess();
            change(&mut other);
            own.otherwise(&other)
        };
        assert_eq!(
            with(&|other| other.moves = 99),
            None,
            "more evidence for the same"
        );
        assert_eq!(with(&|it| it.edges.push(it.edges[0].clone())), None);
        let cases: [(Change<'_>, &str); 6] = [
            (&|it| it.edges.clear(), "no promotions dev → prod"),
            (
                &|it| it.layouts[0].yaml = Some("image".into()),
                "other places for the same number of cells",
            ),
            (
                &|it| it.environments = vec!["dev".into(), "qa".into(), "prod".into()],
                "environments dev, qa, prod in place of dev, prod",
            ),
            (&|it| it.environments.reverse(), "the order prod → dev"),
            (
                &|it| it.edges = vec![("prod".into(), "dev".into())],
                "promotions prod → dev",
            ),
            (
                &|it| {
                    it.layouts.push(LayoutSpec::default());
                    it.explained.push(3);
                },
                "2 layouts with 7 cells in place of 1 layout with 4 cells",
            ),
        ];
        for (change, words) in cases {
            assert_eq!(with(change).as_deref(), Some(words));
        }
    }
}
