//! Path templates that explain many files: where an environment's name stands, and what varies with it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    names::{Names, is_common},
    overrides::{self, is_override},
    words,
};

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
/// Folders of what Flux installs itself with: its versions are not promoted.
const BOOTSTRAP: &str = "/flux-system/gotk-";
/// Ends of names of Kustomize's generators of charts.
const GENERATOR: &str = "-helm-generator";
/// Folders in which nothing is declared.
const SKIPPED: [&str; 20] = [
    "templates",
    "node_modules",
    "vendor",
    "docs",
    "doc",
    "tests",
    "test-data",
    "testdata",
    "crds",
    "crd",
    ".github",
    ".tekton",
    "schemas",
    "examples",
    ".gitlab",
    "fixtures",
    "__fixtures__",
    "__tests__",
    "__snapshots__",
    "hack",
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

    /// Keeps only the files whose folder below the environment's is a cluster: an agent says so, or several services have it
    /// and its name is that of a region or in one environment alone.
    fn keep_clusters(&mut self, names: &Names) {
        let mut known: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
        for (service, env) in self.files.keys() {
            let (folder, cluster) = env.split_once('/').unwrap_or((env, ""));
            let entry = known.entry(cluster).or_default();
            entry.0.insert(service);
            entry.1.insert(folder);
        }
        let is_cluster =
            |(name, (services, folders)): &(&str, (BTreeSet<&str>, BTreeSet<&str>))| {
                let alike = words::is_region(name) || folders.len() == 1;
                names.is_cluster(name) || (services.len() > 1 && alike)
            };
        let clusters: BTreeSet<String> = known
            .into_iter()
            .filter(is_cluster)
            .map(|(name, _)| name.to_owned())
            .collect();
        let single = clusters.len() < 2;
        self.files.retain(|(_, env), _| {
            let cluster = env.split_once('/').map_or("", |(_, cluster)| cluster);
            !single && clusters.contains(cluster)
        });
    }

    /// Its environments.
    pub(super) fn environments(&self) -> BTreeSet<String> {
        self.files.keys().map(|(_, env)| env.clone()).collect()
    }
}

/// Every template that explains enough files to be one, the one that explains most first.
pub(super) fn find<'p>(paths: &[&'p str], names: &Names) -> Vec<(String, Shape<'p>)> {
    let mut shapes: BTreeMap<String, Shape<'p>> = BTreeMap::new();
    let own = |path: &&&str| plausible(path) && !path.contains(BOOTSTRAP);
    for path in paths.iter().filter(own) {
        let segments: Vec<&str> = path.split('/').collect();
        for (at, (replaced, env)) in environments(&segments, names) {
            let mut template: Vec<String> = segments.iter().map(|it| general(it)).collect();
            template[at] = replaced;
            add(
                &mut shapes,
                &segments,
                &mut template,
                at..at + 1,
                &env,
                path,
                names,
            );
            if let Some(cluster) = cluster(&segments, at, names) {
                "{cluster}".clone_into(&mut template[at + 1]);
                let env = format!("{env}/{cluster}");
                add(
                    &mut shapes,
                    &segments,
                    &mut template,
                    at..at + 2,
                    &env,
                    path,
                    names,
                );
            }
        }
    }
    for (template, shape) in &mut shapes {
        if template.contains("{cluster}") {
            shape.keep_clusters(names);
        }
    }
    let mut shapes: Vec<(String, Shape<'p>)> = shapes
        .into_iter()
        .filter(|(template, shape)| explains(template, shape, names))
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

/// Adds a path to the template that `template` is, and to those in which one more segment names the service.
fn add<'p>(
    shapes: &mut BTreeMap<String, Shape<'p>>,
    segments: &[&str],
    template: &mut [String],
    taken: std::ops::Range<usize>,
    env: &str,
    path: &'p str,
    names: &Names,
) {
    let mut add = |template: &[String], service: &str| {
        let shape = shapes.entry(template.join("/")).or_default();
        shape
            .files
            .entry((service.to_owned(), env.to_owned()))
            .or_insert(path);
    };
    add(template, "");
    for other in (0..segments.len()).filter(|other| !taken.contains(other)) {
        if let Some((placeholder, service)) = service(segments, other, &|text| names.is(text)) {
            let written = std::mem::replace(&mut template[other], placeholder);
            add(template, &service);
            template[other] = written;
        }
    }
}

/// The segment with what is the chart's own name in it left open.
fn general(segment: &str) -> String {
    if is_override(segment) {
        return overrides::ANY.to_owned();
    }
    let generator = segment
        .rsplit_once('.')
        .filter(|(stem, _)| stem.ends_with(GENERATOR));
    generator.map_or_else(
        || segment.to_owned(),
        |(_, kind)| format!("{{chart}}{GENERATOR}.{kind}"),
    )
}

/// The folder below an environment's that may be one of its clusters.
fn cluster<'s>(segments: &[&'s str], at: usize, names: &Names) -> Option<&'s str> {
    let below = segments.get(at + 1).filter(|_| at + 2 < segments.len())?;
    let other = FIXED.contains(below) || is_common(below) || words::is_bare(below);
    (!other || names.is_cluster(below)).then_some(*below)
}

/// Templates without an environment in the path, for branches per environment: the same file in many folders.
pub(super) fn without_environment<'p>(paths: &[&'p str]) -> Vec<(String, Shape<'p>)> {
    let mut shapes: BTreeMap<String, Shape<'p>> = BTreeMap::new();
    for path in paths.iter().filter(|path| plausible(path)) {
        let segments: Vec<&str> = path.split('/').collect();
        for at in 0..segments.len().saturating_sub(1) {
            // Here any name may be a service's: the ref says the environment.
            if let Some((placeholder, service)) = service(&segments, at, &|_| false) {
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
        .filter(|(template, shape)| shape.files.len() >= 3 && !template.ends_with("/Chart.yaml"))
        .collect();
    shapes.sort_by_key(|(_, shape)| std::cmp::Reverse(shape.files.len()));
    shapes
}

pub(super) fn plausible(path: &str) -> bool {
    let mut segments: Vec<&str> = path.split('/').collect();
    let file = segments.pop().unwrap_or_default();
    let folder = |segment: &&str| is_passed_over(segment);
    let kind = match file.rsplit_once('.') {
        Some((_, kind)) => matches!(kind, "yaml" | "yml" | "json" | "env" | "properties"),
        None => !file.chars().all(|c| c.is_ascii_uppercase() || c == '_'),
    };
    kind && !segments.iter().any(folder) && (!file.starts_with('.') || is_override(file))
}

/// Whether what is below a folder is not looked at: hidden ones, and those of tools and tests.
pub(super) fn is_passed_over(folder: &str) -> bool {
    folder.starts_with('.') || SKIPPED.contains(&folder)
}

/// Each place where an environment's name may stand: the segment, what replaces it, and the name.
fn environments(segments: &[&str], names: &Names) -> Vec<(usize, (String, String))> {
    let mut found = Vec::new();
    let Some((file, folders)) = segments.split_last() else {
        return found;
    };
    for (at, folder) in folders.iter().enumerate() {
        // A test of something is not an environment of it.
        if names.is(folder) {
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
    if names.is_whole(stem) {
        found.push((last, (format!("{{env}}{kind}"), stem.to_owned())));
    } else if let Some((prefix, mark, name)) = split_values(stem, names) {
        found.push((
            last,
            (format!("{prefix}{mark}{{env}}{kind}"), name.to_owned()),
        ));
    } else if let Some(name) = stem.strip_suffix("-values")
        && names.is(name)
    {
        found.push((last, (format!("{{env}}-values{kind}"), name.to_owned())));
    }
    found
}

/// `values-prod`, `values.prod`, `config_prod`.
fn split_values<'s>(stem: &'s str, names: &Names) -> Option<(&'s str, &'static str, &'s str)> {
    for mark in ["-", ".", "_"] {
        if let Some((prefix, name)) = stem.split_once(mark)
            && !name.is_empty()
            && (prefix == "values" || names.is_whole(name))
        {
            return Some((prefix, mark, name));
        }
    }
    None
}

/// What a segment becomes where it names the service.
fn service(
    segments: &[&str],
    at: usize,
    is_environment: &dyn Fn(&str) -> bool,
) -> Option<(String, String)> {
    let text = segments[at];
    if at + 1 < segments.len() {
        return (!FIXED.contains(&text) && !is_environment(text))
            .then(|| ("{service}".to_owned(), text.to_owned()));
    }
    if is_override(text) {
        return None;
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
    if let Some(name) = stem.strip_suffix("-values") {
        let placeholder = format!("{{service}}-values{kind}");
        return (!is_environment(name)).then(|| (placeholder, name.to_owned()));
    }
    let generator = stem.ends_with(GENERATOR);
    let other = generic.contains(&stem) || stem.starts_with("values") || generator;
    let names = !other && !is_environment(stem);
    names.then(|| (format!("{{service}}{kind}"), stem.to_owned()))
}

/// Whether enough speaks for a template: several services in several environments, or files of several environments.
fn explains(template: &str, shape: &Shape<'_>, names: &Names) -> bool {
    let environments = shape.environments();
    let understood = environments
        .iter()
        .filter(|name| names.is(name) || words::known_loosely(name).is_some())
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
/// Without charts that were copied into another one: `CHART/charts/…`.
pub(super) fn without_vendored<'p>(paths: &[&'p str]) -> Vec<&'p str> {
    let charts: BTreeSet<&str> = paths
        .iter()
        .filter_map(|path| path.strip_suffix("/Chart.yaml"))
        .collect();
    let is_inside = |path: &str| {
        let mut parts = path.match_indices("/charts/");
        parts.any(|(at, _)| charts.contains(&path[..at]))
    };
    let kept = paths.iter().copied();
    kept.filter(|path| !is_inside(path)).collect()
}

/// Whether a path leads to what a program renders: it is shown, and its source is what people edit.
pub(super) fn is_rendered(path: &str) -> bool {
    let mut folders = path.split('/');
    folders
        .any(|folder| ["rendered", "hydrated", "rendered-manifests", "generated"].contains(&folder))
}
