//! Path templates that explain many files: where an environment's name stands, and what varies with it.

use std::collections::{BTreeMap, BTreeSet};

use super::words;

/// Files that one template explains.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape<'p> {
    /// By service (empty where the path names none) and environment.
    pub(super) files: BTreeMap<(String, String), &'p str>,
}

/// Segments that never name a service.
const FIXED: [&str; 21] = [
    "apps",
    "applications",
    "app",
    "services",
    "service",
    "overlays",
    "overlay",
    "base",
    "bases",
    "env",
    "envs",
    "environments",
    "environment",
    "clusters",
    "cluster",
    "components",
    "deployments",
    "deploy",
    "charts",
    "helm",
    "values",
];
/// Folders in which nothing is declared.
const SKIPPED: [&str; 6] = [
    "templates",
    "node_modules",
    "vendor",
    "docs",
    "doc",
    "tests",
];

impl Shape<'_> {
    /// Its services, with how many environments each has.
    pub(super) fn services(&self) -> BTreeMap<&str, usize> {
        let mut services = BTreeMap::new();
        for (service, _) in self.files.keys() {
            *services.entry(service.as_str()).or_default() += 1;
        }
        services
    }

    /// Its environments.
    pub(super) fn environments(&self) -> BTreeSet<String> {
        self.files.keys().map(|(_, env)| env.clone()).collect()
    }
}

/// Every template that explains enough files to be one, the one that explains most first.
pub(super) fn find<'p>(paths: &[&'p str]) -> Vec<(String, Shape<'p>)> {
    let mut shapes: BTreeMap<String, Shape<'p>> = BTreeMap::new();
    for path in paths.iter().filter(|path| plausible(path)) {
        let segments: Vec<&str> = path.split('/').collect();
        for (at, (replaced, env)) in environments(&segments) {
            let mut template: Vec<String> = segments.iter().map(|it| (*it).to_owned()).collect();
            template[at] = replaced;
            let mut add = |template: &[String], service: &str| {
                let shape = shapes.entry(template.join("/")).or_default();
                shape
                    .files
                    .entry((service.to_owned(), env.clone()))
                    .or_insert(path);
            };
            add(&template, "");
            for (other, text) in segments.iter().enumerate() {
                if let Some((placeholder, service)) =
                    service(&segments, other).filter(|_| other != at)
                {
                    let written = std::mem::replace(&mut template[other], placeholder);
                    add(&template, &service);
                    template[other] = written;
                }
                debug_assert!(!text.is_empty());
            }
        }
    }
    let mut shapes: Vec<(String, Shape<'p>)> = shapes
        .into_iter()
        .filter(|(template, shape)| explains(template, shape))
        .collect();
    shapes.sort_by_key(|(template, shape)| {
        (
            std::cmp::Reverse(shape.files.len()),
            // A folder that is always the same names no service.
            shape.services().len() < 2 && template.contains("{service}"),
            !template.contains("{service}"),
            template.len(),
        )
    });
    shapes
}

/// Templates without an environment in the path, for branches per environment: the same file in many folders.
pub(super) fn without_environment<'p>(paths: &[&'p str]) -> Vec<(String, Shape<'p>)> {
    let mut shapes: BTreeMap<String, Shape<'p>> = BTreeMap::new();
    for path in paths.iter().filter(|path| plausible(path)) {
        let segments: Vec<&str> = path.split('/').collect();
        for at in 0..segments.len().saturating_sub(1) {
            if let Some((placeholder, service)) = service(&segments, at) {
                let mut template: Vec<String> =
                    segments.iter().map(|it| (*it).to_owned()).collect();
                template[at] = placeholder;
                let shape = shapes.entry(template.join("/")).or_default();
                shape.files.insert((service, String::new()), path);
            }
        }
    }
    let mut shapes: Vec<(String, Shape<'p>)> = shapes
        .into_iter()
        .filter(|(_, shape)| shape.files.len() >= 3)
        .collect();
    shapes.sort_by_key(|(_, shape)| std::cmp::Reverse(shape.files.len()));
    shapes
}

fn plausible(path: &str) -> bool {
    let mut segments: Vec<&str> = path.split('/').collect();
    let file = segments.pop().unwrap_or_default();
    let folder = |segment: &&str| segment.starts_with('.') || SKIPPED.contains(segment);
    let kind = match file.rsplit_once('.') {
        Some((_, kind)) => matches!(kind, "yaml" | "yml" | "json" | "env" | "properties"),
        None => !file.chars().all(|c| c.is_ascii_uppercase() || c == '_'),
    };
    kind && !segments.iter().any(folder) && !file.starts_with('.')
}

/// Each place where an environment's name may stand: the segment, what replaces it, and the name.
fn environments(segments: &[&str]) -> Vec<(usize, (String, String))> {
    let mut found = Vec::new();
    let Some((file, folders)) = segments.split_last() else {
        return found;
    };
    for (at, folder) in folders.iter().enumerate() {
        // A test of something is not an environment of it.
        if words::known(folder).is_some() {
            found.push((at, ("{env}".to_owned(), (*folder).to_owned())));
        }
    }
    let (stem, kind) = match file.rsplit_once('.') {
        Some((stem, kind)) => (stem, format!(".{kind}")),
        None => (*file, String::new()),
    };
    if kind.is_empty() {
        return found;
    }
    let last = folders.len();
    if words::known(stem).is_some_and(|known| known.group.is_empty()) {
        found.push((last, (format!("{{env}}{kind}"), stem.to_owned())));
    } else if let Some((prefix, mark, name)) = split_values(stem) {
        found.push((
            last,
            (format!("{prefix}{mark}{{env}}{kind}"), name.to_owned()),
        ));
    } else if let Some(name) = stem.strip_suffix("-values")
        && words::known(name).is_some()
    {
        found.push((last, (format!("{{env}}-values{kind}"), name.to_owned())));
    }
    found
}

/// `values-prod`, `values.prod`, `config_prod`.
fn split_values(stem: &str) -> Option<(&str, &str, &str)> {
    for mark in ["-", ".", "_"] {
        if let Some((prefix, name)) = stem.split_once(mark)
            && !name.is_empty()
            && (prefix == "values"
                || words::known(name).is_some_and(|known| known.group.is_empty()))
        {
            return Some((prefix, mark, name));
        }
    }
    None
}

/// What a segment becomes where it names the service.
fn service(segments: &[&str], at: usize) -> Option<(String, String)> {
    let text = segments[at];
    if at + 1 < segments.len() {
        return (!FIXED.contains(&text) && words::known(text).is_none())
            .then(|| ("{service}".to_owned(), text.to_owned()));
    }
    let (stem, kind) = match text.rsplit_once('.') {
        Some((stem, kind)) => (stem, format!(".{kind}")),
        None => (text, String::new()),
    };
    let generic = [
        "kustomization",
        "values",
        "Chart",
        "release",
        "namespace",
        "application",
        "deployment",
    ];
    let names =
        !generic.contains(&stem) && !stem.starts_with("values") && words::known(stem).is_none();
    names.then(|| (format!("{{service}}{kind}"), stem.to_owned()))
}

/// Whether enough speaks for a template: several services in several environments, or files of several environments.
fn explains(template: &str, shape: &Shape<'_>) -> bool {
    let environments = shape.environments();
    let understood = environments
        .iter()
        .filter(|name| words::known_loosely(name).is_some())
        .count();
    if environments.len() < 2 || understood < 2 {
        return false;
    }
    let promoted = shape
        .services()
        .values()
        .filter(|count| **count > 1)
        .count();
    !template.contains("{service}")
        || promoted >= 2
        || (promoted == 1 && shape.services().len() == 1)
}
