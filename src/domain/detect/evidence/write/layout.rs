//! What the places of one layout agree in, what varies, and what their rows are called.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    super::{
        Place,
        axes::Axis,
        claim::Claim,
        classify::Part,
        lexicon::{self, Echo},
        scan::Step,
    },
    Name, Shape,
};

/// Keys that say nothing of what a version is of.
const GENERIC: [&str; 22] = [
    "spec",
    "values",
    "image",
    "images",
    "tag",
    "newtag",
    "version",
    "versions",
    "template",
    "containers",
    "initcontainers",
    "data",
    "chart",
    "sources",
    "source",
    "targetrevision",
    "dependencies",
    "releases",
    "resources",
    "global",
    "services",
    "parameters",
];
/// Where a capture is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    Folder(usize),
    /// What stands beside the environment in its folder.
    Beside,
    Stem,
    Key(usize),
    Item(usize),
    Image,
}

pub(super) struct Capture {
    pub(super) place: Where,
    pub(super) values: Vec<Rc<str>>,
    pub(super) name: String,
}

pub(super) struct Layout<'a> {
    pub(super) shape: &'a Shape,
    pub(super) group: &'a [usize],
    pub(super) places: &'a [Place],
    pub(super) claims: &'a [Claim],
    pub(super) captures: Vec<Capture>,
    /// Those that tell rows apart.
    pub(super) rows: Vec<usize>,
    /// Rows are told from those of other layouts by what is written out: keys, the file.
    pub(super) by_keys: bool,
    pub(super) by_file: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(
        shape: &'a Shape,
        group: &'a [usize],
        places: &'a [Place],
        claims: &'a [Claim],
    ) -> Self {
        let mut layout = Self {
            shape,
            group,
            places,
            claims,
            captures: Vec::new(),
            rows: Vec::new(),
            by_keys: false,
            by_file: false,
        };
        layout.capture();
        layout.tell_rows();
        layout.call();
        layout
    }

    pub(super) fn own(&self) -> impl Iterator<Item = (&'a Place, &'a Claim)> {
        let (places, claims) = (self.places, self.claims);
        self.group
            .iter()
            .map(move |at| (&places[claims[*at].place], &claims[*at]))
    }

    /// How the folder, or behind them the file's name, says the environment again.
    pub(super) fn echo(&self, at: usize) -> Option<Echo> {
        let mut echoes = self.shape.echoes.iter();
        echoes.find(|(own, _)| *own == at).map(|(_, echo)| *echo)
    }

    /// A folder, or behind them the file's name, without the environment that it says again.
    pub(super) fn bare(&self, place: &Place, claim: &Claim, at: usize) -> Rc<str> {
        let name = place.path.folders.get(at).unwrap_or(&place.path.stem);
        let said =
            lexicon::echo(name, &claim.environment.token).filter(|_| self.echo(at).is_some());
        said.map_or_else(|| Rc::clone(name), |(_, rest, _)| rest.into())
    }

    pub(super) fn value(&self, place: &Place, claim: &Claim, at: Where) -> Rc<str> {
        match at {
            Where::Folder(at) => self.bare(place, claim, at),
            Where::Beside => Rc::clone(&claim.environment.rest),
            Where::Stem => self.bare(place, claim, self.shape.depth),
            Where::Key(at) => match &place.scalar.steps[at] {
                Step::Key(key) => Rc::clone(key),
                _ => "".into(),
            },
            Where::Item(at) => match &place.scalar.steps[at] {
                Step::Item(Some(label), _) => label.rsplit('/').next().unwrap_or(label).into(),
                Step::Item(None, index) => index.to_string().into(),
                _ => "".into(),
            },
            Where::Image => place.scalar.sign.of.clone().unwrap_or_else(|| "".into()),
        }
    }

    /// Whether every item at this step is called something, which can be captured.
    pub(super) fn labelled(&self, at: usize) -> bool {
        let named =
            |place: &Place| matches!(place.scalar.steps.get(at), Some(Step::Item(Some(_), _)));
        at + 1 < self.shape.keys.len() && self.own().all(|(place, _)| named(place))
    }

    /// Whether the step is an item of a generator's literals, which is called by what the regular expression finds.
    pub(super) fn is_literal(&self, at: usize) -> bool {
        self.shape.literal && at + 2 == self.shape.keys.len()
    }

    pub(super) fn capture(&mut self) {
        let axis = self.shape.axis;
        let mut all: Vec<Where> = Vec::new();
        for at in 0..self.shape.depth {
            match axis {
                Axis::Folder(own) if own == at => {}
                Axis::FolderTail(own) | Axis::FolderHead(own) if own == at => {
                    all.push(Where::Beside);
                }
                _ => all.push(Where::Folder(at)),
            }
        }
        match axis {
            Axis::Stem => {}
            Axis::StemTail | Axis::StemHead => all.push(Where::Beside),
            _ => all.push(Where::Stem),
        }
        for (at, name) in self.shape.keys.iter().enumerate() {
            match name {
                Name::Open => all.push(Where::Key(at)),
                Name::Environment if matches!(axis, Axis::KeyHead(_) | Axis::KeyTail(_)) => {
                    all.push(Where::Beside);
                }
                Name::Item
                    if axis != Axis::Item(at) && !self.is_literal(at) && self.labelled(at) =>
                {
                    all.push(Where::Item(at));
                }
                _ => {}
            }
        }
        let names = matches!(self.shape.part, Part::Tag | Part::Reference);
        if names && !self.shape.keys.contains(&Name::Open) {
            all.push(Where::Image);
        }
        for place in all {
            let values: Vec<Rc<str>> = self
                .own()
                .map(|(it, claim)| self.value(it, claim, place))
                .collect();
            let varies = values.iter().any(|it| *it != values[0]);
            // Items are always captured: another may come.
            if varies {
                self.captures.push(Capture {
                    place,
                    values,
                    name: String::new(),
                });
            }
        }
    }

    /// The fewest captures that tell places of one environment apart.
    pub(super) fn tell_rows(&mut self) {
        let environments: Vec<String> = self
            .own()
            .map(|(place, claim)| self.environment(place, claim))
            .collect();
        let tells = |chosen: &[usize]| {
            let mut seen: BTreeSet<(Vec<&Rc<str>>, &str)> = BTreeSet::new();
            let mut double = 0;
            for (at, environment) in environments.iter().enumerate() {
                let row = chosen
                    .iter()
                    .map(|it| &self.captures[*it].values[at])
                    .collect();
                double += usize::from(!seen.insert((row, environment)));
            }
            double
        };
        let mut chosen: Vec<usize> = Vec::new();
        let mut left = tells(&chosen);
        while left > 0 {
            let best = (0..self.captures.len())
                .filter(|it| !chosen.contains(it))
                .map(|it| {
                    let more: Vec<usize> = chosen.iter().copied().chain([it]).collect();
                    (tells(&more), it)
                })
                .min();
            let Some((double, it)) = best.filter(|(double, _)| *double < left) else {
                break;
            };
            left = double;
            chosen.push(it);
        }
        chosen.sort_unstable();
        self.rows = chosen;
    }

    /// Two coordinates are the environment where the folder below its name is a number.
    pub(super) fn nested(&self) -> Option<usize> {
        let Axis::Folder(at) = self.shape.axis else {
            return None;
        };
        let below = at + 1;
        let numbers = |place: &Place| {
            place
                .path
                .folders
                .get(below)
                .is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()))
        };
        (below < self.shape.depth && self.own().all(|(place, _)| numbers(place))).then_some(below)
    }

    pub(super) fn environment(&self, place: &Place, claim: &Claim) -> String {
        match self.nested() {
            Some(below) => format!("{}/{}", claim.environment.token, place.path.folders[below]),
            None => claim.environment.token.to_string(),
        }
    }

    /// Gives captures their names: the one that has most values is the service's.
    pub(super) fn call(&mut self) {
        let distinct = |capture: &Capture| capture.values.iter().collect::<BTreeSet<_>>().len();
        let most = self
            .rows
            .iter()
            .copied()
            .filter(|at| !matches!(self.captures[*at].place, Where::Image | Where::Item(_)))
            .max_by_key(|at| (distinct(&self.captures[*at]), std::cmp::Reverse(*at)))
            .or_else(|| self.rows.first().copied());
        for at in 0..self.captures.len() {
            let same = (0..at).find(|other| {
                self.captures[*other].values == self.captures[at].values
                    && !matches!(self.captures[at].place, Where::Image)
            });
            let free = |name: &str| {
                let used = |name: &str| self.captures[..at].iter().any(|it| it.name == name);
                let numbered = (2..).map(|number| format!("{name}{number}"));
                [name.to_owned()]
                    .into_iter()
                    .chain(numbered)
                    .find(|name| !used(name))
                    .unwrap_or_default()
            };
            let name = match self.captures[at].place {
                Where::Image if self.shape.part == Part::Reference => "repo".to_owned(),
                Where::Image => "image".to_owned(),
                _ if Some(at) == most => "service".to_owned(),
                _ if same.is_some() => self.captures[same.unwrap_or_default()].name.clone(),
                Where::Folder(_) => free("group"),
                Where::Beside => free("name"),
                Where::Stem => free("file"),
                Where::Key(_) => free("key"),
                Where::Item(_) => free("item"),
            };
            self.captures[at].name = name;
        }
        // The same text twice is one capture.
        for at in 0..self.captures.len() {
            let later = (at + 1..self.captures.len()).find(|other| {
                self.captures[*other].values == self.captures[at].values
                    && self.captures[*other].name == "service"
            });
            if later.is_some() && !matches!(self.captures[at].place, Where::Image | Where::Item(_))
            {
                "service".clone_into(&mut self.captures[at].name);
            }
        }
    }

    pub(super) fn captured(&self, place: Where) -> Option<&Capture> {
        self.captures.iter().find(|capture| capture.place == place)
    }

    /// The keys that say what it is of, as they are written out.
    pub(super) fn keys(&self) -> Vec<&str> {
        let words = self.shape.keys.iter().filter_map(|name| match name {
            Name::Written(key) if !GENERIC.contains(&&*key.to_ascii_lowercase()) => Some(&**key),
            _ => None,
        });
        words.collect()
    }

    pub(super) fn row(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for at in &self.rows {
            let name = format!("{{{}}}", self.captures[*at].name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let keys = self.keys();
        if self.by_keys || names.is_empty() {
            // In front of what the keys below them capture, behind what the path does.
            let inner = |it: &&usize| {
                matches!(
                    self.captures[**it].place,
                    Where::Key(_) | Where::Item(_) | Where::Image
                )
            };
            let at = names.len() - self.rows.iter().filter(inner).count().min(names.len());
            for (more, key) in keys.iter().enumerate() {
                names.insert(at + more, (*key).to_owned());
            }
        }
        if names.is_empty() {
            names.push(self.called());
        } else if self.by_file {
            match self.kept_in() {
                Some(folder) => names.insert(0, folder.to_string()),
                None => names.push(self.called()),
            }
        }
        names.join("/")
    }

    /// The folder that all its places are in, which says what kind they are: `argocd` of `argocd/{env}/{service}.yaml`.
    fn kept_in(&self) -> Option<Rc<str>> {
        let (place, claim) = self.own().next()?;
        let same = |at: &usize| {
            let folders = |it: &Place| it.path.folders.get(*at).cloned();
            self.own().all(|(it, _)| folders(it) == folders(place))
        };
        let usable = |name: &Rc<str>| {
            lexicon::weight(name) == 0
                && !lexicon::is_common(&name.to_ascii_lowercase())
                && *name != claim.environment.token
        };
        let folders = place.path.folders.iter().enumerate().rev();
        let mut kept = folders.filter(|(at, name)| same(at) && usable(name));
        kept.next().map(|(_, name)| Rc::clone(name))
    }

    /// What one row is called where neither captures nor keys say it.
    pub(super) fn called(&self) -> String {
        let Some((place, claim)) = self.own().next() else {
            return String::new();
        };
        let stem = &self.bare(place, claim, self.shape.depth);
        let usable = |name: &Rc<str>| {
            lexicon::weight(name) == 0
                && !lexicon::is_common(name)
                && *name != claim.environment.token
        };
        let of = place
            .scalar
            .sign
            .of
            .clone()
            .filter(|_| self.shape.part == Part::Tag);
        let folders = place.path.folders.iter().rev();
        let mut all = of
            .into_iter()
            .chain([Rc::clone(stem)])
            .chain(folders.cloned());
        all.find(usable)
            .unwrap_or_else(|| Rc::clone(stem))
            .to_string()
    }

    /// The cells that its places are.
    pub(super) fn cells(&self) -> Vec<(String, String)> {
        let row = self.row();
        let mut cells = Vec::new();
        for (at, (place, claim)) in self.own().enumerate() {
            let mut row = row.clone();
            for capture in &self.captures {
                row = row.replace(&format!("{{{}}}", capture.name), &capture.values[at]);
            }
            cells.push((row, self.environment(place, claim)));
        }
        cells
    }
}
