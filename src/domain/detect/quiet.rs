//! What is a version and nobody promotes: files in which hardly anything changes where much else does, and what is the same
//! for every service and never changes. It is told, and no cell.
//!
//! What rarely changes is often production. So files stay where they are all that an environment has, where the rest of
//! their rows stands elsewhere, and where what changed in them was somewhere else in its row before.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use serde::{Deserialize, Serialize};

use super::{Guess, settle};
use crate::domain::{
    desired::{Desired, DesiredCell},
    text::count,
};

/// Files of one kind that no layout reads though it could, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The template of their paths.
    pub path: String,
    /// How many cells they would be.
    pub cells: usize,
    /// How many version changes of recent history are of them.
    pub moved: usize,
    /// Whether every service has the same version there, which never changed; else hardly any of them changes.
    pub same: bool,
}

impl Quiet {
    /// What is left out and why, for people.
    pub fn words(&self) -> String {
        let why = if self.same {
            "every service has the same version there, which never changed".to_owned()
        } else {
            format!(
                "{} there in recent history, while others change often",
                count(self.moved, "version change")
            )
        };
        format!("{}, {}: {why}", self.path, count(self.cells, "cell"))
    }
}

/// When which version came to a place, by path and line.
pub(super) type Moves = HashMap<(String, u32), Vec<(i64, Rc<str>)>>;

/// Changes from which on what does not change says something.
const MUCH: usize = 100;
/// Cells from which on files are many: of a few nothing is said by their rest.
const MANY: usize = 20;
/// How many times less often than the others rare changes are.
const RARER: usize = 5;
/// Services from which on one version for all of them is none of theirs, and how many times more cells the rest has.
const SERVICES: usize = 5;
const SMALL: usize = 10;
/// The share of the rows that changed, one of so many, in which a version was seen to travel where people promote.
const TRAVELS: usize = 3;

/// A cell with its environment.
type Cell<'d> = (&'d str, &'d DesiredCell);

/// What the files of one kind hold.
#[derive(Default)]
struct Kind<'d> {
    cells: usize,
    moved: usize,
    /// By service.
    rows: BTreeMap<&'d str, Vec<Cell<'d>>>,
}

impl Kind<'_> {
    /// Whether hardly anything changes, of `moved` changes in `all` cells: not once for each cell, however often others do.
    fn is_rare(&self, all: usize, moved: usize) -> bool {
        let rarer = self.moved * all * RARER < moved * self.cells;
        self.cells >= MANY && self.moved < self.cells && rarer
    }

    /// Whether all of it is one version that never changed.
    fn is_same(&self, all: usize) -> bool {
        let versions = self.rows.values().flatten();
        let versions: BTreeSet<_> = versions.map(|(_, cell)| &cell.version).collect();
        let one = self.rows.len() >= SERVICES && versions.len() == 1;
        one && self.moved == 0 && self.cells * SMALL <= all
    }

    /// Whether versions go from one environment to another in it.
    fn travels(&self, moves: &Moves) -> bool {
        let (mut changed, mut travelled) = (0, 0);
        for row in self.rows.values() {
            let mut first: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
            let (mut own, mut came) = (0, false);
            for (environment, cell) in row {
                let sources = cell.sources.iter();
                let places = sources.map(|it| (it.path.as_str().to_owned(), it.line));
                for (time, version) in places.filter_map(|it| moves.get(&it)).flatten() {
                    own += 1;
                    let (other, at) = *first.entry(version).or_insert((environment, *time));
                    came |= other != *environment && at != *time;
                }
            }
            changed += usize::from(own > 0);
            travelled += usize::from(came);
        }
        travelled > 0 && travelled * TRAVELS >= changed
    }

    fn environments(&self) -> impl Iterator<Item = &str> {
        self.rows.values().flatten().map(|(name, _)| *name)
    }
}

/// Takes out the layouts of files that hardly change, and those of what is the same for every service, with their cells.
pub(super) fn without_quiet(guess: &mut Guess, desired: &mut Desired, moves: &Moves) {
    if guess.moved.len() != guess.layouts.len() || guess.explained.len() != guess.layouts.len() {
        return;
    }
    let paths = guess.layouts.iter();
    let paths: Vec<String> = paths
        .map(|it| it.path.clone().unwrap_or_default())
        .collect();
    let mut kinds: BTreeMap<&str, Kind<'_>> = BTreeMap::new();
    for (at, path) in paths.iter().enumerate() {
        let kind = kinds.entry(path).or_default();
        kind.cells += guess.explained[at];
        kind.moved += guess.moved[at];
    }
    for (key, cell) in &desired.cells {
        let kind = paths.get(cell.layout).and_then(|it| kinds.get_mut(&**it));
        if let Some(kind) = kind.filter(|_| cell.version.is_some()) {
            let row = kind.rows.entry(key.service.as_str()).or_default();
            row.push((key.environment.as_str(), cell));
        }
    }
    let all: usize = kinds.values().map(|kind| kind.cells).sum();
    let moved: usize = kinds.values().map(|kind| kind.moved).sum();
    if moved < MUCH {
        return;
    }
    let (left, rest): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|(_, kind)| {
        let quiet = kind.is_rare(all, moved) || kind.is_same(all);
        quiet && !kind.travels(moves)
    });
    // What the others have stays whole.
    let rows = rest.iter().flat_map(|(_, kind)| kind.rows.keys());
    let rows: BTreeSet<&str> = rows.copied().collect();
    let columns = rest.iter().flat_map(|(_, kind)| kind.environments());
    let columns: BTreeSet<&str> = columns.collect();
    let alone = |kind: &Kind<'_>| {
        let mut environments = kind.environments();
        environments.all(|name| columns.contains(name))
            && !kind.rows.keys().any(|service| rows.contains(service))
    };
    let quiet = left.iter().filter(|(_, kind)| alone(kind));
    let quiet = quiet.map(|(path, kind)| Quiet {
        path: (*path).to_owned(),
        cells: kind.cells,
        moved: kind.moved,
        same: kind.is_same(all),
    });
    let quiet: Vec<Quiet> = quiet.collect();
    if quiet.is_empty() {
        return;
    }
    let known: BTreeSet<&str> = quiet.iter().map(|it| it.path.as_str()).collect();
    let kept = paths.iter().map(|path| !known.contains(path.as_str()));
    let kept: Vec<bool> = kept.collect();
    guess.retain(&kept, desired);
    guess.quiet = quiet;
    guess.explanation = settle::explanation(&settle::paths(&guess.layouts, &guess.explained), None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::layout::testing::{Small, specs};

    const LAYOUTS: &str = r#"{ yaml = "tag", path = "apps/{env}/{service}.yaml" }, { yaml = "tag", path = "other/{env}/{service}.yaml" }"#;

    /// Files of a folder: environments, a name with how many there are, their version; and how often all changed.
    type Files<'c> = (&'c [&'c str], &'c str, usize, &'c str, usize);

    /// A path, when something came there, and what.
    type Came = (&'static str, i64, &'static str);

    /// What is left out where `apps` change every day and `other` holds `files`; `moves` are the versions that came there.
    fn told(files: Files<'_>, moves: &[Came]) -> (Vec<Quiet>, usize, usize) {
        let (environments, name, many, version, moved) = files;
        let mut all: Vec<(String, String)> = Vec::new();
        for service in 0..60 {
            // Some have their production elsewhere.
            let own = if service < 30 { 1 } else { 2 };
            for environment in &["dev", "prod"][..own] {
                let path = format!("apps/{environment}/web{service}.yaml");
                all.push((path, format!("tag: 1.2.{service}\n")));
            }
        }
        for service in 0..many {
            for environment in environments {
                let path = format!("other/{environment}/{name}{service}.yaml");
                let version = version.replace('#', &service.to_string());
                all.push((path, format!("tag: {version}\n")));
            }
        }
        let own = many * environments.len();
        let each = all
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        let small = Small::new(LAYOUTS, &["dev", "prod", "live"], &each.collect::<Vec<_>>());
        let mut desired = small.desired();
        let mut guess = Guess {
            environments: ["dev", "prod", "live"].map(str::to_owned).to_vec(),
            layouts: specs(LAYOUTS),
            explained: vec![90, own],
            moved: vec![2000, moved],
            moves: 2000 + moved,
            ..Guess::default()
        };
        let mut known = Moves::new();
        for (path, time, version) in moves {
            let own = known.entry(((*path).to_owned(), 1)).or_default();
            own.push((*time, (*version).into()));
        }
        without_quiet(&mut guess, &mut desired, &known);
        (guess.quiet, guess.layouts.len(), desired.cells.len())
    }

    #[test]
    fn what_nobody_promotes_is_left_out_and_told() {
        let both = &["dev", "prod"][..];
        let (quiet, layouts, cells) = told((both, "tool", 15, "1.0.#", 2), &[]);
        assert_eq!((layouts, cells), (1, 90));
        assert_eq!(
            quiet[0].words(),
            "other/{env}/{service}.yaml, 30 cells: 2 version changes there in recent history, while others change often"
        );
        // One version for all of them.
        let (quiet, layouts, cells) = told((both, "tool", 5, "3.1.0", 0), &[]);
        assert_eq!((layouts, cells), (1, 90));
        assert!(quiet[0].same);
        assert_eq!(
            quiet[0].words(),
            "other/{env}/{service}.yaml, 10 cells: every service has the same version there, which never changed"
        );
    }

    #[test]
    fn production_is_not_left_out() {
        let both = &["dev", "prod"][..];
        let travelled = [
            ("other/dev/tool1.yaml", 10, "1.0.1"),
            ("other/prod/tool1.yaml", 20, "1.0.1"),
        ];
        let cases: [(&str, Files<'_>, &[Came]); 5] = [
            (
                "an environment of its own",
                (&["live"], "tool", 30, "1.0.#", 1),
                &[],
            ),
            (
                "rows of the others",
                (&["prod"], "web", 30, "1.0.#", 1),
                &[],
            ),
            ("what travels", (both, "tool", 15, "1.0.#", 2), &travelled),
            (
                "what changes now and then",
                (both, "tool", 15, "1.0.#", 30),
                &[],
            ),
            ("one version that came", (both, "tool", 5, "3.1.0", 12), &[]),
        ];
        for (name, files, moves) in cases {
            let (quiet, layouts, _) = told(files, moves);
            assert_eq!((quiet.len(), layouts), (0, 2), "{name}: {quiet:?}");
        }
    }
}
