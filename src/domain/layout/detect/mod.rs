//! Recognises common layouts of a repository: Kustomize overlays, `values-<env>.yaml`, one folder per environment.

mod contents;
mod shapes;
mod words;

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{Assembler, FallbackSpec, LayoutSet, LayoutSpec, Origin};
use crate::domain::{
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    template::Captures,
};
use shapes::Shape;

/// What a repository looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guess {
    /// Environments in promotion order.
    pub environments: Vec<String>,
    /// Promotion edges, `(from, to)`.
    pub edges: Vec<(String, String)>,
    /// Layouts, the one that explains most first.
    pub layouts: Vec<LayoutSpec>,
    /// How many cells each layout explains, in the same order; zero where no file could be read.
    pub explained: Vec<usize>,
    /// What was recognised, in a sentence for people.
    pub explanation: String,
}

/// What recognition may look at.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Every file's path.
    pub paths: &'a [&'a str],
    /// Branches by short name, for repositories with a branch per environment.
    pub branches: &'a [&'a str],
    /// Reads a file; `None` where it cannot be.
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// Most layouts that a guess proposes.
const LAYOUTS: usize = 12;
/// Templates that are tried.
const TRIED: usize = 60;
/// Files read per template.
const FILES: usize = 3000;
/// Files by which locators are compared.
const COMPARED: usize = 150;

/// Recognises the layout of a tree from its files' paths alone; `None` where nothing common is found.
pub fn detect(paths: &[&str]) -> Option<Guess> {
    recognise(&Evidence {
        paths,
        branches: &[],
        read: &|_| None,
    })
}

/// Recognises the layout of a repository; `None` where nothing common is found.
///
/// Templates come from paths; which locator suits one is told by the versions that it finds in the files. A template
/// that explains no cell that an earlier one does not is left out.
pub fn recognise(evidence: &Evidence<'_>) -> Option<Guess> {
    let known: RefCell<HashMap<String, Option<Vec<u8>>>> = RefCell::default();
    let read = |path: &str| {
        let mut known = known.borrow_mut();
        if let Some(bytes) = known.get(path) {
            return bytes.clone();
        }
        let bytes = (evidence.read)(path);
        known.insert(path.to_owned(), bytes.clone());
        bytes
    };
    let evidence = &Evidence {
        read: &read,
        ..*evidence
    };
    let mut chosen = Chosen::default();
    for (template, shape) in shapes::find(evidence.paths).into_iter().take(TRIED) {
        if chosen.layouts.len() < LAYOUTS {
            chosen.consider(&template, &shape, evidence, None);
        }
    }
    let branches: BTreeSet<String> = evidence
        .branches
        .iter()
        .filter(|name| words::known(name).is_some_and(|known| known.group.is_empty()))
        .map(|name| (*name).to_owned())
        .collect();
    if chosen.layouts.is_empty() && branches.len() > 1 {
        for (template, shape) in shapes::without_environment(evidence.paths)
            .into_iter()
            .take(TRIED)
        {
            if chosen.layouts.len() < 3 {
                chosen.consider(&template, &shape, evidence, Some(&branches));
            }
        }
    }
    chosen.into_guess()
}

/// The layouts chosen so far.
#[derive(Default)]
struct Chosen {
    layouts: Vec<Choice>,
    cells: BTreeSet<CellKey>,
    files: BTreeSet<String>,
}

/// One layout, what it explains, and where.
struct Choice {
    spec: LayoutSpec,
    cells: usize,
    environments: BTreeSet<String>,
}

/// One template while its locators are tried.
struct Trial<'t, 'p> {
    template: &'t str,
    shape: &'t Shape<'p>,
    files: Vec<&'p str>,
    environments: BTreeSet<String>,
    branches: Option<&'t BTreeSet<String>>,
    evidence: &'t Evidence<'t>,
}

impl Chosen {
    fn consider(
        &mut self,
        template: &str,
        shape: &Shape<'_>,
        evidence: &Evidence<'_>,
        branches: Option<&BTreeSet<String>>,
    ) {
        let files: Vec<&str> = shape.files.values().copied().take(FILES).collect();
        if files.iter().all(|file| self.files.contains(*file)) {
            return;
        }
        let unread = files.iter().all(|file| (evidence.read)(file).is_none());
        let trial = Trial {
            template,
            shape,
            files,
            environments: branches.cloned().unwrap_or_else(|| shape.environments()),
            branches,
            evidence,
        };
        let specs = trial.specs();
        if unread {
            if let Some(spec) = specs.into_iter().next() {
                self.take(&trial, spec, 0);
            }
            return;
        }
        // A second locator may explain what the first does not: two shapes of one file, a `?ref=` beside images.
        let mut own: Vec<LayoutSpec> = Vec::new();
        for _ in 0..2 {
            let Some((count, spec)) = self.best(&trial, &specs, &mut own) else {
                return;
            };
            self.take(&trial, spec, count);
            if count * 10 >= trial.files.len() * 9 {
                return;
            }
        }
    }

    /// The locator that explains most cells that are not explained yet.
    fn best(
        &mut self,
        trial: &Trial<'_, '_>,
        specs: &[LayoutSpec],
        own: &mut Vec<LayoutSpec>,
    ) -> Option<(usize, LayoutSpec)> {
        let mut best: Option<(usize, &LayoutSpec)> = None;
        for spec in specs.iter().filter(|spec| !own.contains(spec)) {
            let mut together = own.clone();
            together.push(spec.clone());
            let Some(cells) = trial.cells(&together, COMPARED) else {
                continue;
            };
            let new = cells.difference(&self.cells).count();
            // A more general locator must be clearly better than a more special one before it.
            if new > best.as_ref().map_or(0, |(count, _)| count + count / 5) {
                best = Some((new, spec));
            }
        }
        let (_, spec) = best?;
        let together: Vec<LayoutSpec> = own.iter().chain([spec]).cloned().collect();
        let cells = trial.cells(&together, FILES)?;
        let count = cells.difference(&self.cells).count();
        if !enough(count, &trial.files, &cells) {
            return None;
        }
        own.push(spec.clone());
        self.cells.extend(cells);
        Some((count, spec.clone()))
    }

    fn take(&mut self, trial: &Trial<'_, '_>, spec: LayoutSpec, cells: usize) {
        self.files
            .extend(trial.files.iter().map(|file| (*file).to_owned()));
        self.layouts.push(Choice {
            spec,
            cells,
            environments: trial.environments.clone(),
        });
    }

    fn into_guess(mut self) -> Option<Guess> {
        let most = self.layouts.iter().map(|layout| layout.cells).max()?;
        // What explains next to nothing beside the rest is chance more often than intent.
        self.layouts.retain(|layout| layout.cells * 10 >= most);
        let names = self
            .layouts
            .iter()
            .flat_map(|layout| layout.environments.iter().cloned())
            .collect();
        let environments = words::in_order(&names);
        let edges = words::edges(&environments);
        let shown: BTreeSet<String> = self
            .layouts
            .iter()
            .filter_map(|layout| layout.spec.path.clone())
            .map(|path| format!("`{path}`"))
            .collect();
        let more = match shown.len().saturating_sub(3) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown: Vec<String> = shown.into_iter().take(3).collect();
        Some(Guess {
            environments,
            edges,
            explained: self.layouts.iter().map(|layout| layout.cells).collect(),
            layouts: self.layouts.into_iter().map(|layout| layout.spec).collect(),
            explanation: format!("versions are taken from {}{more}", shown.join(", ")),
        })
    }
}

impl Trial<'_, '_> {
    /// The layouts that may suit, complete.
    fn specs(&self) -> Vec<LayoutSpec> {
        contents::candidates(self.template, &self.files, self.evidence.read)
            .into_iter()
            .filter_map(|spec| self.complete(spec))
            .map(|spec| self.with_fallbacks(spec))
            .collect()
    }

    /// Adds path and refs, and names rows where the path does not name the service.
    fn complete(&self, mut spec: LayoutSpec) -> Option<LayoutSpec> {
        spec.path = Some(self.template.to_owned());
        spec.refs = self.branches.map(|_| "refs/heads/{env:$envs}".to_owned());
        let own = self.template.contains("{service}");
        if own && spec.regex.is_some() {
            if self.shape.services().len() < 2 {
                return None;
            }
            spec.regex = spec
                .regex
                .map(|regex| regex.replace("(?<service>", "(?<name>"));
            spec.lowercase = vec!["name".into()];
            spec.row = Some("{service}/{name}".into());
        }
        let named = own || spec.preset.is_some() || spec.regex.is_some();
        named.then_some(spec)
    }

    /// `values.yaml` behind `values-<env>.yaml`, and the chart's own version behind that.
    fn with_fallbacks(&self, mut spec: LayoutSpec) -> LayoutSpec {
        let Some((folder, file)) = self.template.rsplit_once('/') else {
            return spec;
        };
        if !file.starts_with("values") || !folder.contains("{service}") || folder.contains("{env}")
        {
            return spec;
        }
        let services = self.shape.services();
        let present = |name: &str| {
            let there = services.keys().filter(|service| {
                let path = format!("{}/{name}", folder.replace("{service}", service));
                self.evidence.paths.contains(&path.as_str())
            });
            there.count() * 2 > services.len()
        };
        let place = |name: &str, yaml: &str| FallbackSpec {
            path: format!("{folder}/{name}"),
            yaml: Some(yaml.to_owned()),
            ..FallbackSpec::default()
        };
        if present("values.yaml") {
            if spec.preset.as_deref() == Some("helm-values") {
                spec.preset = None;
                spec.yaml = Some("image.tag".into());
            }
            if let (Some(yaml), None) = (spec.yaml.clone(), &spec.part) {
                spec.fallbacks.push(place("values.yaml", &yaml));
                if present("Chart.yaml") && yaml == "image.tag" {
                    spec.fallbacks.push(place("Chart.yaml", "appVersion"));
                }
            }
        }
        spec
    }

    /// The cells that layouts find together; `None` where they do not compile.
    fn cells(&self, specs: &[LayoutSpec], limit: usize) -> Option<BTreeSet<CellKey>> {
        let names: Vec<EnvironmentName> = self
            .environments
            .iter()
            .map(|name| name.as_str().into())
            .collect();
        let set = Arc::new(LayoutSet::compile(specs, &names).ok()?);
        let mut assembler = Assembler::new(Arc::clone(&set), &names);
        let origin = Origin {
            refs: self.branches.map(|_| 0),
            captures: self
                .branches
                .and_then(|names| names.first())
                .map(|name| Captures::from([("env".to_owned(), name.clone())]))
                .unwrap_or_default(),
            ..Origin::default()
        };
        let inherits = specs.iter().any(|spec| !spec.fallbacks.is_empty());
        let others = self.evidence.paths.iter();
        let fallbacks = others.filter(|path| inherits && set.wants(path));
        for path in self.files.iter().take(limit).chain(fallbacks) {
            if let Some(bytes) = (self.evidence.read)(path) {
                let path = RepoPath::from(*path);
                let facts = set.extract(&path, &bytes);
                assembler.update_at(&origin, path, Some(Arc::new(facts)));
            }
        }
        let desired = assembler.desired(ObjectId::new([0; 20]));
        let cells = desired.cells.into_iter();
        let declared = cells.filter(|(_, cell)| cell.version.is_some());
        Some(declared.map(|(key, _)| key).collect())
    }
}

/// Whether the cells are worth a layout: a tenth of the files declare one, and some service stands in two environments.
fn enough(count: usize, files: &[&str], cells: &BTreeSet<CellKey>) -> bool {
    let single = cells
        .iter()
        .map(|key| &key.environment)
        .collect::<BTreeSet<_>>()
        .len()
        < 2;
    let promoted = cells
        .iter()
        .zip(cells.iter().skip(1))
        .any(|(a, b)| a.service == b.service);
    count * 10 >= files.len() && (promoted || single)
}

#[cfg(test)]
mod tests;
