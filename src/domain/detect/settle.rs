//! From the layouts that were chosen to what is proposed: columns that are environments, shares, and where each one runs.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Destination, Evidence, Guess,
    agents::Agents,
    names::{Names, is_common},
    trial::assemble,
    words,
};
use crate::domain::{desired::Desired, layout::LayoutSpec};

/// One layout that was chosen.
pub(super) struct Choice {
    pub(super) spec: LayoutSpec,
    /// Cells that no earlier one explains.
    pub(super) cells: usize,
    pub(super) environments: BTreeSet<String>,
    pub(super) services: BTreeSet<String>,
}

/// What is proposed, from layouts in the order in which they were chosen.
pub(super) fn settle(
    mut choices: Vec<Choice>,
    evidence: &Evidence<'_>,
    names: &Names,
    agents: &Agents,
    refs: Option<&str>,
) -> Option<(Guess, Desired)> {
    retain(&mut choices, refs.is_some());
    let mut specs: Vec<LayoutSpec> = choices.iter().map(|choice| choice.spec.clone()).collect();
    one_kind_of_row(&mut specs);
    one_set_of_locators(&mut specs);
    // Narrow templates before wide ones: what the first reads, the others do not.
    specs.sort_by_key(|spec| spec.env_name.is_some());
    if specs.is_empty() {
        return None;
    }
    let candidates = choices.into_iter().flat_map(|choice| choice.environments);
    let candidates = words::in_order(&candidates.collect());
    let mut guess = Guess { ..Guess::default() };
    let read = |specs: &[LayoutSpec], environments: &[String]| {
        assemble(
            specs,
            environments,
            evidence.paths.iter().copied(),
            evidence,
        )
    };
    let mut desired = read(&specs, &candidates)?;
    if refs.is_some() || desired.services.is_empty() {
        // Other refs are not looked at; or nothing could be read.
        guess.environments = candidates;
        guess.explained = shares(&desired, specs.len());
    } else {
        let columns = Columns::of(&desired, names, &candidates);
        guess.left_out = columns.left_out();
        guess.environments = words::in_order(&columns.kept);
        guess.explained = shares(&desired, specs.len());
        if columns.restrict(&mut specs) {
            desired = read(&specs, &guess.environments)?;
            guess.explained = shares(&desired, specs.len());
        }
    }
    guess.layouts = specs;
    if refs.is_none() && !desired.services.is_empty() {
        // What gives no cell once all are read together is none.
        let kept: Vec<bool> = guess.explained.iter().map(|cells| *cells > 0).collect();
        guess.retain(&kept, &mut desired);
        guess.places = places(&guess.environments, &desired, agents);
    }
    guess.explanation = explanation(&paths(&guess.layouts, &guess.explained), refs);
    guess.edges = words::edges(&guess.environments);
    Some((guess, desired))
}

/// The paths of layouts, the one that explains most first.
pub(super) fn paths<'s>(specs: &'s [LayoutSpec], explained: &[usize]) -> Vec<&'s str> {
    let mut by_share: Vec<(usize, &LayoutSpec)> = explained.iter().copied().zip(specs).collect();
    by_share.sort_by_key(|(cells, _)| std::cmp::Reverse(*cells));
    let mut paths: Vec<&str> = Vec::new();
    for path in by_share.iter().filter_map(|(_, spec)| spec.path.as_deref()) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Drops what explains next to nothing beside the rest: that is chance more often than intent. What is written the same way
/// as something that explains much stays.
fn retain(choices: &mut Vec<Choice>, refs: bool) {
    let most = choices
        .iter()
        .map(|choice| choice.cells)
        .max()
        .unwrap_or_default();
    let all: usize = choices.iter().map(|choice| choice.cells).sum();
    let much = |choice: &&Choice| {
        // One service's own files are told from everyone's way of writing by how much they explain.
        let single = choice.services.len() < 2;
        let share = if refs || single { 4 } else { 10 };
        choice.cells * share >= most || (!refs && !single && choice.cells * 50 >= all)
    };
    let kinds: BTreeSet<Kind> = choices
        .iter()
        .filter(much)
        .map(|choice| kind(&choice.spec))
        .collect();
    let paths: BTreeSet<Option<String>> = choices
        .iter()
        .filter(much)
        .map(|choice| choice.spec.path.clone())
        .collect();
    choices.retain(|choice| {
        much(&choice) || kinds.contains(&kind(&choice.spec)) || paths.contains(&choice.spec.path)
    });
}

/// How versions are written: the file's name and the locator.
type Kind = (String, Option<String>, Option<String>);

fn kind(spec: &LayoutSpec) -> Kind {
    let path = spec.path.as_deref().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    (file.to_owned(), spec.preset.clone(), spec.yaml.clone())
}

pub(super) fn explanation(paths: &[&str], refs: Option<&str>) -> String {
    let more = match paths.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let paths: Vec<String> = paths
        .iter()
        .take(3)
        .map(|path| format!("`{path}`"))
        .collect();
    let refs = refs.map(|refs| format!("; {refs}")).unwrap_or_default();
    format!("versions are taken from {}{more}{refs}", paths.join(", "))
}

/// Where one of several similar layouts needs the image in its rows' names, all have it: a row is one thing in every
/// environment.
fn one_kind_of_row(specs: &mut [LayoutSpec]) {
    let by_image = "{service}/{image}";
    let kustomize = |spec: &LayoutSpec| {
        spec.preset.as_deref() == Some("kustomize")
            && spec
                .path
                .as_deref()
                .is_some_and(|path| path.contains("{service}"))
    };
    if specs
        .iter()
        .any(|spec| kustomize(spec) && spec.row.as_deref() == Some(by_image))
    {
        for spec in specs.iter_mut().filter(|spec| kustomize(spec)) {
            spec.row = Some(by_image.to_owned());
        }
    }
}

/// Files of one name are read the same way everywhere: where images and `?ref=` are found in some `kustomization.yaml`, both
/// are looked for in all. What finds nothing is dropped later.
fn one_set_of_locators(specs: &mut Vec<LayoutSpec>) {
    let known = specs.clone();
    for (at, path) in known
        .iter()
        .enumerate()
        .filter_map(|(at, spec)| Some((at, spec.path.as_ref()?)))
    {
        if known[..at]
            .iter()
            .any(|other| other.path.as_ref() == Some(path))
        {
            continue;
        }
        for other in &known {
            let here = |spec: &&LayoutSpec| spec.path.as_ref() == Some(path);
            let same_file = kind(other).0 == kind(&known[at]).0 && other.fallbacks.is_empty();
            let service = |path: &str| path.contains("{service}");
            let alike = service(path) == service(other.path.as_deref().unwrap_or_default());
            let missing = !specs
                .iter()
                .filter(here)
                .any(|spec| kind(spec) == kind(other));
            if same_file && alike && missing && kind(other).0.starts_with("kustomization.") {
                specs.push(LayoutSpec {
                    path: Some(path.clone()),
                    env_name: known[at].env_name.clone(),
                    ..other.clone()
                });
            }
        }
    }
    // Beside each other, as people would write them.
    let mut paths: Vec<Option<String>> = Vec::new();
    for spec in specs.iter() {
        if !paths.contains(&spec.path) {
            paths.push(spec.path.clone());
        }
    }
    specs.sort_by_key(|spec| paths.iter().position(|path| *path == spec.path));
}

/// How many cells each layout gives.
pub(super) fn shares(desired: &Desired, layouts: usize) -> Vec<usize> {
    let mut shares = vec![0; layouts];
    for cell in desired.cells.values().filter(|cell| cell.version.is_some()) {
        if let Some(share) = shares.get_mut(cell.layout) {
            *share += 1;
        }
    }
    shares
}

/// The columns that layouts find, told apart.
struct Columns {
    kept: BTreeSet<String>,
    /// With the number of cells each has.
    dropped: BTreeMap<String, usize>,
}

impl Columns {
    fn of(desired: &Desired, names: &Names, candidates: &[String]) -> Self {
        let mut rows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, cell) in &desired.cells {
            if cell.version.is_some() {
                let environment = rows.entry(key.environment.as_str()).or_default();
                environment.insert(key.service.as_str());
            }
        }
        let usual = |name: &str| names.is(name) || words::known_loosely(name).is_some();
        let promoted: BTreeSet<&str> = rows
            .iter()
            .filter(|(name, _)| usual(name))
            .flat_map(|(_, services)| services.iter().copied())
            .collect();
        let (mut kept, mut dropped) = (BTreeSet::new(), BTreeMap::new());
        for (name, services) in &rows {
            // An unusual name is an environment's where it has a good part of the rows that the others have.
            let shared = services.intersection(&promoted).count();
            let alike = shared >= 3 && shared * 4 >= promoted.len();
            // `production-downstream` of a few rows among many is a variant of theirs.
            let chance = !names.is_whole(name)
                && promoted.len() >= 20
                && services.len() * 10 < promoted.len();
            let (folder, below) = name.split_once('/').unwrap_or((name, ""));
            let environment = if below.is_empty() {
                usual(name) && !chance || alike && !is_common(name)
            } else {
                let found = candidates.iter().any(|it| it == name);
                usual(folder) && !is_common(below) && (found || names.is_cluster(below))
            };
            if environment {
                kept.insert((*name).to_owned());
            } else {
                dropped.insert((*name).to_owned(), services.len());
            }
        }
        Self { kept, dropped }
    }

    fn left_out(&self) -> Vec<(String, usize)> {
        let mut left_out: Vec<(String, usize)> = self.dropped.clone().into_iter().collect();
        left_out.sort_by_key(|(name, cells)| (std::cmp::Reverse(*cells), name.clone()));
        left_out
    }

    /// Keeps what is no environment from becoming a column, and reads clusters below environments by the columns' whole
    /// names; whether anything had to be done.
    fn restrict(&self, specs: &mut Vec<LayoutSpec>) -> bool {
        let nested = specs.iter().any(|spec| spec.env_name.is_some());
        if self.dropped.is_empty() && !nested {
            return false;
        }
        let mut seen = Vec::new();
        for mut spec in specs.drain(..) {
            spec.env_name = None;
            spec.path = spec.path.map(|path| {
                let path = path.replace("{env}/{cluster}", "{env}");
                path.replace("{env}", "{env:$envs}")
            });
            if !seen.contains(&spec) {
                seen.push(spec);
            }
        }
        *specs = seen;
        true
    }
}

/// Where each environment runs, as the agents say.
pub(super) fn places(
    environments: &[String],
    desired: &Desired,
    agents: &Agents,
) -> BTreeMap<String, Destination> {
    let services: BTreeSet<&str> = desired
        .cells
        .values()
        .filter_map(|cell| cell.captures.get("service"))
        .collect();
    let mut votes: BTreeMap<&str, Votes> = BTreeMap::new();
    for target in &agents.targets {
        if let Some(name) = target.of(environments) {
            votes.entry(name).or_default().add(target, name, &services);
        }
    }
    let places = votes
        .into_iter()
        .map(|(name, votes)| (name.to_owned(), votes.place()));
    places
        .filter(|(_, place)| *place != Destination::default())
        .collect()
}

/// What the targets of one environment say.
#[derive(Default)]
struct Votes {
    clusters: BTreeMap<(String, bool), usize>,
    servers: BTreeMap<String, usize>,
    namespaces: BTreeMap<String, usize>,
}

impl Votes {
    fn add(
        &mut self,
        target: &super::agents::Target,
        environment: &str,
        services: &BTreeSet<&str>,
    ) {
        if let Some(cluster) = &target.cluster {
            *self
                .clusters
                .entry((cluster.clone(), target.folder))
                .or_default() += 1;
        }
        if let Some(server) = &target.server {
            *self.servers.entry(server.clone()).or_default() += 1;
        }
        if let Some(namespace) = &target.namespace {
            // The longest service of its path, as `web-admin` has `web` in it.
            let service = target
                .path
                .split(['/', '.'])
                .filter(|part| services.contains(part) && *part != environment)
                .filter(|part| namespace.contains(*part))
                .max_by_key(|part| part.len());
            let template = match service {
                Some(service) => namespace.replacen(service, "{service}", 1),
                None => namespace.clone(),
            };
            let template = match template.split_once(environment) {
                Some((before, after)) => format!("{before}{{env}}{after}"),
                None => template,
            };
            *self.namespaces.entry(template).or_default() += 1;
        }
    }

    fn place(self) -> Destination {
        let cluster = agreed(&self.clusters);
        let (cluster, folder) = match cluster {
            // Where Argo CD itself runs has no name of its own.
            Some((name, _)) if name == "in-cluster" => (None, None),
            Some((name, false)) => (Some(name), None),
            Some((name, true)) => (None, Some(name)),
            None => (None, None),
        };
        let server = agreed(&self.servers).filter(|it| !it.contains("kubernetes.default.svc"));
        Destination {
            cluster,
            note: None,
            folder,
            server,
            namespace: agreed(&self.namespaces).filter(|it| it != "{service}" && is_name(it)),
            ..Destination::default()
        }
    }
}

/// Whether it is a namespace, or a template of one.
fn is_name(text: &str) -> bool {
    let letters = text.replace("{service}", "").replace("{env}", "");
    letters
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What four of five say.
pub(super) fn agreed<T: Clone + Ord>(votes: &BTreeMap<T, usize>) -> Option<T> {
    let all: usize = votes.values().sum();
    let (winner, count) = votes.iter().max_by_key(|(_, count)| **count)?;
    (count * 5 >= all * 4).then(|| winner.clone())
}
