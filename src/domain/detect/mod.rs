//! Recognises common layouts of a repository: Kustomize overlays, `values-<env>.yaml`, one folder per environment.

mod agents;
mod along;
mod contents;
mod evidence;
mod hydrated;
mod judge;
mod keep;
mod manifests;
mod names;
mod order;
mod overlooked;
mod overrides;
mod parameters;
mod quiet;
mod refs;
mod settle;
mod shapes;
mod shared;
mod siblings;
mod told;
mod trial;
mod words;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

pub use hydrated::BranchFile;
pub use order::{Sighting, by_history};
pub use overlooked::{Overlooked, overlooked, overlooked_words};
pub use quiet::Quiet;
use serde::{Deserialize, Serialize};
pub use told::Part;

use super::layout::{LayoutSet, LayoutSpec};
use crate::domain::desired::Desired;
use crate::domain::ids::{CellKey, EnvironmentName};
use agents::Agents;
use names::Names;
use refs::Refs;
use settle::Choice;
use shapes::Shape;
use trial::{FILES, Trial, enough};

/// What a repository looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    /// Environments in promotion order.
    pub environments: Vec<String>,
    /// Promotion edges, `(from, to)`.
    pub edges: Vec<(String, String)>,
    /// Where environments run, of those that the repository says something about.
    pub places: BTreeMap<String, Destination>,
    /// Layouts, the one that explains most first.
    pub layouts: Vec<LayoutSpec>,
    /// How many cells each layout explains, in the same order; zero where no file could be read.
    pub explained: Vec<usize>,
    /// Columns that the layouts would have found too, with their cells: they look like no environments.
    pub left_out: Vec<(String, usize)>,
    /// Files that hold versions which nobody promotes.
    #[serde(default)]
    pub quiet: Vec<Quiet>,
    /// Environments whose upstream only history tells.
    pub by_history: BTreeSet<String>,
    /// What was recognised, in a sentence for people.
    pub explanation: String,
    /// How many of the version changes of recent history are of places that each layout reads, in the same order; empty
    /// where no history was looked at.
    #[serde(default)]
    pub moved: Vec<usize>,
    /// Version changes of recent history, read or not.
    #[serde(default)]
    pub moves: usize,
    /// Places that no layout reads though they change, `path:line` with how often, those that change most first.
    #[serde(default)]
    pub unread: Vec<(String, usize)>,
    /// What could be environments, and what speaks for each.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    /// What looks like a version and is read by none of the layouts.
    #[serde(default)]
    pub overlooked: Vec<Overlooked>,
}

/// Names that stand in one coordinate of places that are alike otherwise, and what speaks for them being environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The coordinate, in words: `folder 3`.
    pub what: String,
    /// The first of the names.
    pub names: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// What speaks for it in all, in hundredths.
    pub score: u32,
    /// Places that are alike but for the name.
    pub rows: usize,
    /// How usual the names are, in hundredths.
    pub usual: u32,
    /// How often versions are the same along a row, in hundredths.
    pub equal: u32,
    /// In how many rows a version came to one name and later to another, in hundredths.
    pub copied: u32,
    /// In how many rows something changed of late, in hundredths.
    pub moving: u32,
    /// Whether it was taken.
    pub taken: bool,
}

/// Where an environment runs, as manifests in the repository say: those of Argo CD and Flux, else those of the workloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its cluster, as Argo CD calls it or as the kubeconfig's context with its address is called.
    pub cluster: Option<String>,
    /// How that is known, for people; also where `cluster` is not.
    pub note: Option<String>,
    /// The folder or secret that Flux names its cluster by.
    pub folder: Option<String>,
    /// The cluster's address.
    pub server: Option<String>,
    /// The namespace of its services, a template over `{service}`.
    pub namespace: Option<String>,
    /// How the namespace is known, for people, where no agent says it.
    #[serde(default)]
    pub namespace_note: Option<String>,
    /// What its services' workloads are called, a template over `{service}`.
    #[serde(default)]
    pub workload: Option<String>,
    /// How that is known, for people.
    #[serde(default)]
    pub workload_note: Option<String>,
}

/// What recognition may look at.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Every file's path.
    pub paths: &'a [&'a str],
    /// Branches by short name, for repositories with a branch per environment.
    pub branches: &'a [&'a str],
    /// Tags by short name, for repositories with tags per environment.
    pub tags: &'a [&'a str],
    /// Reads a file; `None` where it cannot be.
    pub read: &'a dyn Fn(&str) -> Option<Rc<[u8]>>,
    /// Tells what the newest commits changed, newest first, of the files that are asked for.
    pub changes: &'a Changes<'a>,
    /// The manifests of a branch, by its short name; none where it cannot be read.
    pub branch: &'a dyn Fn(&str) -> Vec<BranchFile>,
}

/// Gives every change of the files that the first function wants to the second.
pub type Changes<'a> = dyn Fn(&dyn Fn(&str) -> bool, &mut dyn FnMut(&Change<'_>)) + 'a;

/// A file that a commit of the landed line changed.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// When the commit was made, in seconds since 1970.
    pub time: i64,
    /// The file's path.
    pub path: &'a str,
    /// What was in it before.
    pub before: &'a [u8],
    /// What was in it then.
    pub after: &'a [u8],
}

impl Guess {
    /// Whether an environment's name says that it is production.
    pub fn is_production(name: &str) -> bool {
        words::is_production(name)
    }

    /// What was recognised, and what is not read.
    pub fn said(&self) -> String {
        match overlooked_words(&self.overlooked) {
            Some(words) => format!("{}; {words}", self.explanation),
            None => self.explanation.clone(),
        }
    }

    /// Looks for what the layouts leave unread, where they read one ref: the files of others are not at hand.
    pub fn look_for_overlooked(&mut self, evidence: &Evidence<'_>) {
        let names = self.environments.iter();
        let names: Vec<EnvironmentName> = names.map(|name| name.as_str().into()).collect();
        let refs = self.layouts.iter().any(|layout| layout.refs.is_some());
        if let Ok(set) = LayoutSet::compile(&self.layouts, &names)
            && !refs
        {
            self.overlooked = overlooked(evidence.paths, evidence.read, &set);
        }
    }

    /// Names clusters by the contexts of a kubeconfig, `(name, address)`: by address, or by the same name. What Argo CD
    /// calls a cluster stays where no context is it.
    pub fn meet(&mut self, contexts: &[(String, String)]) {
        let bare = |address: &str| address.trim_end_matches('/').to_lowercase();
        for name in &self.environments {
            let place = self.places.entry(name.clone()).or_default();
            let by_address = contexts
                .iter()
                .find(|(_, address)| place.server.as_deref().map(bare) == Some(bare(address)));
            let short = name.rsplit('/').next().unwrap_or(name);
            let named = [
                place.cluster.as_deref(),
                place.folder.as_deref(),
                Some(short),
            ];
            let by_name = named
                .into_iter()
                .flatten()
                .find_map(|name| contexts.iter().find(|(context, _)| context == name));
            if let Some((context, _)) = by_address {
                place.cluster = Some(context.clone());
                place.note = Some(
                    "the context of your kubeconfig with the address that Argo CD deploys to"
                        .into(),
                );
            } else if let Some((context, _)) = by_name {
                place.cluster = Some(context.clone());
                place.note = Some("a context of your kubeconfig is called so".into());
            } else if place.cluster.is_some() {
                place.note = Some(
                    "as Argo CD calls it; your own config.toml may map it to a context".into(),
                );
            } else if let Some(server) = &place.server {
                place.note = Some(format!(
                    "Argo CD deploys to {server}: name the kubeconfig context with that address"
                ));
            } else if let Some(folder) = &place.folder {
                place.note = Some(format!(
                    "Flux calls it {folder}: name its kubeconfig context"
                ));
            }
        }
        self.places
            .retain(|_, place| *place != Destination::default());
    }
}

impl<'a> Evidence<'a> {
    /// A tree alone, without other refs.
    pub fn new(paths: &'a [&'a str], read: &'a dyn Fn(&str) -> Option<Rc<[u8]>>) -> Self {
        Self {
            paths,
            branches: &[],
            tags: &[],
            read,
            changes: &|_, _| {},
            branch: &|_| Vec::new(),
        }
    }
}

/// Most layouts that a guess proposes.
const LAYOUTS: usize = 20;
/// Templates that are tried.
const TRIED: usize = 120;

/// Recognises the layout of a tree from its files' paths alone; `None` where nothing common is found.
pub fn detect(paths: &[&str]) -> Option<Guess> {
    recognise(&Evidence::new(paths, &|_| None))
}

/// Recognises the layout of a repository; `None` where nothing common is found.
///
/// Templates come from paths; which locator suits one is told by the versions that it finds in the files. A template
/// that explains no cell that an earlier one does not is left out. Names of environments are usual words, what manifests of
/// Argo CD and Flux say, and what folders such as `environments/` list.
pub fn recognise(evidence: &Evidence<'_>) -> Option<Guess> {
    let known: RefCell<HashMap<String, Option<Rc<[u8]>>>> = RefCell::default();
    let read = |path: &str| {
        let mut known = known.borrow_mut();
        if let Some(bytes) = known.get(path) {
            return bytes.clone();
        }
        let bytes = (evidence.read)(path);
        known.insert(path.to_owned(), bytes.clone());
        bytes
    };
    let paths = shapes::without_vendored(evidence.paths);
    let evidence = &Evidence {
        read: &read,
        paths: &paths,
        ..*evidence
    };
    let agents = Agents::read(evidence.paths, evidence.read);
    let names = Names::of(evidence, &agents);
    let by_shape = by_shape(evidence, &names, &agents);
    let guess = judge::better(by_shape, evidence::guess(evidence, &agents), evidence);
    let guess = hydrated::better(guess, evidence);
    let guess = guess.or_else(|| shared::find(evidence, &agents));
    guess.map(|mut guess| {
        for layout in &mut guess.layouts {
            layout.read_only |= layout.path.as_deref().is_some_and(shapes::is_rendered);
        }
        guess
    })
}

/// Where nothing is recognised: what comes closest to environments, the best first.
pub fn closest(evidence: &Evidence<'_>) -> Vec<Candidate> {
    evidence::candidates(evidence)
}

/// Recognises the usual shapes.
fn by_shape(
    evidence: &Evidence<'_>,
    names: &Names,
    agents: &Agents,
) -> Option<(Guess, Option<Desired>)> {
    let mut chosen = Chosen::default();
    let shapes = shapes::find(evidence.paths, names);
    let (most, rest) = shapes.split_at(shapes.len().min(TRIED));
    for (template, shape) in most {
        if chosen.layouts.len() < LAYOUTS {
            chosen.consider(template, shape, evidence, None);
        }
    }
    // Of those with few files, what is written in files of the same name as something found already.
    for (template, shape) in rest.iter().filter(|(_, shape)| shape.services().len() > 1) {
        if chosen.layouts.len() < LAYOUTS && chosen.reads_files_like(template) {
            chosen.consider(template, shape, evidence, None);
        }
    }
    let mut refs = None;
    if chosen.layouts.is_empty() {
        refs = refs::find(evidence.branches, evidence.tags);
        if let Some(refs) = &refs {
            chosen.consider_refs(evidence, refs);
        }
    }
    let refs = refs.map(|refs| refs.explanation);
    let settled = settle::settle(chosen.layouts, evidence, names, agents, refs.as_deref())?;
    let (mut guess, mut desired) = settled;
    overrides::add(&mut guess, &mut desired, evidence);
    // Other refs are not at hand.
    Some((guess, Some(desired).filter(|_| refs.is_none())))
}

/// One locator, and the cells that it finds by itself in some of the files.
struct Compared {
    spec: LayoutSpec,
    cells: BTreeSet<CellKey>,
}

/// The layouts chosen so far.
#[derive(Default)]
struct Chosen {
    layouts: Vec<Choice>,
    cells: BTreeSet<CellKey>,
    files: BTreeSet<String>,
}

impl Chosen {
    /// The same files in many folders, where the ref says the environment; with tags, their versions if nothing else.
    fn consider_refs(&mut self, evidence: &Evidence<'_>, refs: &Refs) {
        let shapes = shapes::without_environment(evidence.paths);
        for (template, shape) in shapes.into_iter().take(TRIED) {
            if self.layouts.len() < 3 {
                self.consider(&template, &shape, evidence, Some(refs));
            }
        }
    }

    fn consider(
        &mut self,
        template: &str,
        shape: &Shape<'_>,
        evidence: &Evidence<'_>,
        refs: Option<&Refs>,
    ) {
        let files: Vec<&str> = shape.files.values().copied().take(FILES).collect();
        if files.iter().all(|file| self.files.contains(*file)) || self.is_inside(template) {
            return;
        }
        let unread = files.iter().all(|file| (evidence.read)(file).is_none());
        let trial = Trial {
            template,
            shape,
            files,
            environments: refs.map_or_else(|| shape.environments(), |it| it.environments.clone()),
            refs: refs.map(|refs| refs.template.as_str()),
            evidence,
        };
        let specs = trial.specs();
        if unread {
            if let Some(spec) = specs.into_iter().next() {
                self.take(&trial, spec, 0);
            }
            return;
        }
        let mut compared: Vec<Compared> = specs
            .into_iter()
            .filter_map(|spec| {
                let cells = trial.cells(std::slice::from_ref(&spec), trial.compared(&spec))?;
                (!cells.is_empty()).then_some(Compared { spec, cells })
            })
            .collect();
        // Further locators may explain what the first does not: two shapes of one file, a `?ref=` beside images.
        let mut own: Vec<LayoutSpec> = Vec::new();
        for _ in 0..3 {
            let Some((count, spec)) = self.best(&trial, &mut compared, &own) else {
                return;
            };
            own.push(spec.clone());
            self.take(&trial, spec, count);
        }
    }

    /// Whether a layout already chosen reads files of the same name.
    fn reads_files_like(&self, template: &str) -> bool {
        let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let own = file(template);
        let paths = self
            .layouts
            .iter()
            .filter_map(|choice| choice.spec.path.as_deref());
        !own.contains("{service}") && paths.map(file).any(|known| known == own)
    }

    /// Whether a folder that names a service in a layout already chosen stands in `template` by its own name: what is below
    /// it belongs to that service, and its files are no services.
    fn is_inside(&self, template: &str) -> bool {
        self.layouts.iter().any(|choice| {
            let own = choice.spec.path.as_deref().unwrap_or_default();
            let pairs = own.split('/').zip(template.split('/'));
            let mut behind = pairs.skip_while(|(own, other)| own == other);
            matches!(behind.next(), Some(("{service}", other)) if choice.services.contains(other))
        })
    }

    /// The locator that explains most cells that are not explained yet; none where that is too little.
    fn best(
        &mut self,
        trial: &Trial<'_, '_>,
        compared: &mut Vec<Compared>,
        own: &[LayoutSpec],
    ) -> Option<(usize, LayoutSpec)> {
        // In thousandths of the files that were read for it.
        let share = |new: usize, it: &Compared| new * 1000 / trial.compared(&it.spec).max(1);
        loop {
            let mut best: Option<(usize, usize)> = None;
            for (at, it) in compared.iter().enumerate() {
                let new = share(it.cells.difference(&self.cells).count(), it);
                // A more general locator must be clearly better than a more special one before it.
                if new > best.map_or(0, |(count, _)| count + count / 5) {
                    best = Some((new, at));
                }
            }
            let (_, at) = best.filter(|(new, _)| *new >= 100)?;
            let Compared { spec, cells } = compared.remove(at);
            // What an earlier one reads already counts for it alone.
            let together: Vec<LayoutSpec> = own.iter().chain([&spec]).cloned().collect();
            let whole = own.is_empty() && trial.files.len() == trial.compared(&spec);
            let cells = if whole {
                cells
            } else {
                trial.cells(&together, FILES)?
            };
            let count = cells.difference(&self.cells).count();
            if enough(count, &trial.files, &cells) && !trial.names_files(&cells) {
                self.cells.extend(cells);
                return Some((count, spec));
            }
            if own.is_empty() {
                return None;
            }
        }
    }

    fn take(&mut self, trial: &Trial<'_, '_>, spec: LayoutSpec, cells: usize) {
        self.files
            .extend(trial.files.iter().map(|file| (*file).to_owned()));
        self.layouts.push(Choice {
            spec,
            cells,
            environments: trial.environments.clone(),
            services: trial
                .shape
                .services()
                .into_keys()
                .map(str::to_owned)
                .collect(),
        });
    }
}

#[cfg(test)]
mod tests;
