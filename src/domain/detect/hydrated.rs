//! Branches that a program renders, one per environment: which versions run is seen there, and changed in their source.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{Evidence, Guess, refs, shapes, words};
use crate::domain::{
    layout::LayoutSpec,
    manifest::{self, NodeRef},
};

/// Branches that are looked at.
const BRANCHES: usize = 40;
/// Kinds of objects that run a service, with where their containers are.
const WORKLOADS: [(&str, &str); 2] = [
    (
        "Deployment|StatefulSet|DaemonSet|Rollout",
        "spec.template.spec.containers",
    ),
    ("CronJob", "spec.jobTemplate.spec.template.spec.containers"),
];
/// What manifests are rendered from.
const SOURCES: [&str; 5] = [
    "kustomization.yaml",
    "kustomization.yml",
    "Kustomization",
    "Chart.yaml",
    "helmfile.yaml",
];
/// Environments without which a description of the tree says less than the branches.
const FEW: usize = 2;

/// The branches of environments.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Branches {
    /// What stands before the environments' names, with its slash.
    prefix: String,
    /// The environments, in promotion order.
    names: Vec<String>,
    /// What says so, where it is not only that they are called so.
    by: Option<String>,
}

/// A container's image in a rendered manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rendered {
    environment: usize,
    path: String,
    workload: String,
    /// Which of [`WORKLOADS`] it is.
    kind: usize,
    containers: usize,
}

/// Who writes what is in the branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Program,
    People,
    Unknown,
}

/// What rendered branches say, where the tree that was recognised says less.
///
/// Branches that a strategy lists are written by its hydrator, whatever they look like: nothing is promoted there by a
/// merge, not even where a layout over refs reads them well.
pub(super) fn better(by_tree: Option<Guess>, evidence: &Evidence<'_>) -> Option<Guess> {
    let by_refs = by_tree
        .as_ref()
        .is_some_and(|it| it.layouts.iter().any(|layout| layout.refs.is_some()));
    let several = by_tree
        .as_ref()
        .is_some_and(|it| it.environments.len() >= FEW);
    if several && !by_refs {
        return by_tree;
    }
    let strategy = Strategy::read(evidence);
    let declared = strategy.as_ref().and_then(Strategy::branches);
    if let Some(guess) = declared.and_then(|branches| guess(&branches, evidence)) {
        return Some(guess);
    }
    if !by_refs {
        let called = called(evidence).and_then(|branches| guess(&branches, evidence));
        return called.or(by_tree);
    }
    by_tree.map(|mut guess| {
        let layouts = guess.layouts.iter_mut();
        for layout in layouts.filter(|it| strategy.as_ref().is_some_and(|own| own.lists(it))) {
            layout.read_only = true;
        }
        guess
    })
}

/// A guess from rendered branches alone.
fn guess(branches: &Branches, evidence: &Evidence<'_>) -> Option<Guess> {
    let mut rendered = Vec::new();
    let own: BTreeSet<&str> = evidence.paths.iter().copied().collect();
    let (mut files, mut shared) = (0, 0);
    let (mut sources, mut marked) = (false, false);
    for (at, name) in branches.names.iter().enumerate() {
        let branch = format!("{}{name}", branches.prefix);
        for (path, bytes) in (evidence.branch)(&branch) {
            files += 1;
            shared += usize::from(own.contains(path.as_str()));
            sources |= is_source(&path);
            marked |= is_marked(&bytes);
            rendered.extend(workloads(at, &path, &bytes));
        }
    }
    let of_several: BTreeSet<usize> = rendered.iter().map(|it| it.environment).collect();
    let writer = if branches.by.is_some() || marked {
        Writer::Program
    } else if sources || shared * 3 > files {
        // What is written on the default branch too is no one's output, nor is what others are rendered from.
        Writer::People
    } else if evidence.paths.iter().any(|path| is_source(path)) {
        Writer::Program
    } else {
        Writer::Unknown
    };
    if of_several.len() < FEW || writer == Writer::People {
        return None;
    }
    Some(described(branches, &rendered, writer))
}

/// Whether a file says what manifests are rendered from.
fn is_source(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    SOURCES.contains(&file)
}

/// Whether a file says itself that a program wrote it: Helm names the template of each object.
fn is_marked(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let says = |line: &str| {
        line.starts_with("# Source: ")
            || line.starts_with('#') && line.to_ascii_lowercase().contains("do not edit")
    };
    text.lines().any(says)
}

/// The branches that a `PromotionStrategy` lists and that are there, in its order.
struct Strategy {
    path: String,
    branches: Vec<String>,
}

impl Strategy {
    fn read(evidence: &Evidence<'_>) -> Option<Self> {
        let yaml = |path: &&&str| {
            matches!(path.rsplit_once('.'), Some((_, "yaml" | "yml"))) && shapes::plausible(path)
        };
        evidence.paths.iter().filter(yaml).find_map(|path| {
            let bytes = (evidence.read)(path)?;
            let text = std::str::from_utf8(&bytes).ok()?;
            if !text.contains("kind: PromotionStrategy") {
                return None;
            }
            let yaml = manifest::parse(&bytes).ok()?;
            yaml.documents.iter().find_map(|document| {
                let root = document.root();
                let kind = at(root, &["kind"])?.text()?;
                let list =
                    at(root, &["spec", "environments"]).filter(|_| kind == "PromotionStrategy");
                let branches: Vec<String> = list?
                    .items()
                    .filter_map(|item| at(item, &["branch"])?.text())
                    .filter(|branch| evidence.branches.contains(branch))
                    .map(str::to_owned)
                    .collect();
                (!branches.is_empty()).then(|| Self {
                    path: (*path).to_owned(),
                    branches,
                })
            })
        })
    }

    /// As environments, where they differ in their last part alone.
    fn branches(&self) -> Option<Branches> {
        let first = self.branches.first()?;
        let prefix = first.rfind('/').map_or("", |at| &first[..=at]);
        let names = self.branches.iter().map(|it| it.strip_prefix(prefix));
        let names: Vec<String> = names
            .map(|it| it.map(str::to_owned))
            .collect::<Option<_>>()?;
        let whole = names.len() >= FEW && names.len() <= BRANCHES;
        let plain = names.iter().all(|name| !name.contains('/'));
        (whole && plain).then(|| Branches {
            prefix: prefix.to_owned(),
            names,
            by: Some(format!("the PromotionStrategy in {}", self.path)),
        })
    }

    /// Whether one of them is among the refs that a layout reads.
    fn lists(&self, layout: &LayoutSpec) -> bool {
        let refs = layout.refs.as_deref();
        let Some(refs) = refs.and_then(|it| it.strip_prefix("refs/heads/")) else {
            return false;
        };
        let before = refs.split('{').next().unwrap_or(refs);
        self.branches.iter().any(|it| it.starts_with(before))
    }
}

/// Branches that are called like environments.
fn called(evidence: &Evidence<'_>) -> Option<Branches> {
    let refs = refs::find(evidence.branches, &[])?;
    let prefix = refs.template.strip_prefix("refs/heads/")?;
    let prefix = prefix.strip_suffix("{env:$envs}")?.to_owned();
    let mut names = words::in_order(&refs.environments);
    names.truncate(BRANCHES);
    Some(Branches {
        prefix,
        names,
        by: None,
    })
}

fn at<'t>(root: NodeRef<'t>, way: &[&str]) -> Option<NodeRef<'t>> {
    way.iter()
        .try_fold(root, |node, key| Some(node.get(key)?.value))
}

/// The workloads in a file, each with how many containers it has.
fn workloads(environment: usize, path: &str, bytes: &[u8]) -> Vec<Rendered> {
    let Ok(yaml) = manifest::parse(bytes) else {
        return Vec::new();
    };
    let each = yaml.documents.iter().filter_map(|document| {
        let root = document.root();
        let kind = at(root, &["kind"])?.text()?;
        let is_one = |(kinds, _): &(&str, &str)| kinds.split('|').any(|it| it == kind);
        let kind = WORKLOADS.iter().position(is_one)?;
        let way: Vec<&str> = WORKLOADS[kind].1.split('.').collect();
        let containers = at(root, &way)?;
        let images = containers.items().filter(|it| it.get("image").is_some());
        let found = Rendered {
            environment,
            path: path.to_owned(),
            workload: at(root, &["metadata", "name"])?.text()?.to_owned(),
            kind,
            containers: images.count(),
        };
        (found.containers > 0).then_some(found)
    });
    each.collect()
}

/// The folders of a path.
fn folders(path: &str) -> Vec<&str> {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    folders
}

/// How deep the folders are, and which of them differs, where most workloads of a branch are in several: they run in each of
/// these, which are clusters. Where few are, two things are called alike.
fn clusters(rendered: &[Rendered]) -> Option<(usize, usize)> {
    let mut places: BTreeMap<(usize, &str), BTreeSet<Vec<&str>>> = BTreeMap::new();
    for it in rendered {
        let known = places.entry((it.environment, &it.workload)).or_default();
        known.insert(folders(&it.path));
    }
    let mut votes: BTreeMap<(usize, usize), BTreeMap<usize, usize>> = BTreeMap::new();
    let mut all: BTreeMap<usize, usize> = BTreeMap::new();
    for ((environment, _), places) in &places {
        *all.entry(*environment).or_default() += 1;
        let mut places = places.iter();
        let first = places.next()?;
        let differing: BTreeSet<Option<usize>> = places
            .map(|other| {
                let pairs = first.iter().zip(other).enumerate();
                let mut differ = pairs.filter(|(_, (a, b))| a != b).map(|(at, _)| at);
                let at = differ.next()?;
                (first.len() == other.len() && differ.next().is_none()).then_some(at)
            })
            .collect();
        if let [Some(at)] = differing.into_iter().collect::<Vec<_>>()[..] {
            let votes = votes.entry((first.len(), at)).or_default();
            *votes.entry(*environment).or_default() += 1;
        }
    }
    let most = |votes: &BTreeMap<usize, usize>| {
        votes
            .iter()
            .any(|(environment, count)| count * 2 > all[environment])
    };
    let mut votes = votes.into_iter().filter(|(_, votes)| most(votes));
    votes.next().map(|(found, _)| found)
}

/// The layouts that read what was rendered.
fn described(branches: &Branches, rendered: &[Rendered], writer: Writer) -> Guess {
    let clusters = clusters(rendered);
    let names: Vec<&str> = branches.names.iter().map(String::as_str).collect();
    let layouts = layouts(branches, rendered, clusters);
    // Columns by branch, in its order.
    let mut columns: Vec<BTreeSet<String>> = vec![BTreeSet::new(); names.len()];
    for it in rendered {
        let name = names[it.environment];
        let folders = folders(&it.path);
        let cluster = clusters.filter(|(depth, _)| folders.len() == *depth);
        columns[it.environment].insert(match cluster {
            Some((_, at)) => format!("{name}/{}", folders[at]),
            None => name.to_owned(),
        });
    }
    columns.retain(|own| !own.is_empty());
    let mut edges = Vec::new();
    if branches.by.is_some() {
        for (before, own) in columns.iter().zip(columns.iter().skip(1)) {
            let each = before
                .iter()
                .flat_map(|from| own.iter().map(move |to| (from, to)));
            edges.extend(each.map(|(from, to)| (from.clone(), to.clone())));
        }
    }
    let environments: Vec<String> = columns.into_iter().flatten().collect();
    if branches.by.is_none() {
        edges = words::edges(&environments);
    }
    let shown: Vec<String> = names
        .iter()
        .map(|name| format!("`{}{name}`", branches.prefix))
        .collect();
    let shown = shown.join(", ");
    let by = branches
        .by
        .as_ref()
        .map_or_else(String::new, |by| format!(", in the order of {by}"));
    let explanation = if writer == Writer::Unknown {
        format!(
            "each environment is a branch: {shown}{by}; versions are shown from there, and not changed, as a program may \
             render them: without `read_only` of their layouts they are"
        )
    } else {
        format!(
            "each environment is a branch that a program renders: {shown}{by}; versions are shown from there, and changed \
             in what it renders"
        )
    };
    Guess {
        environments,
        edges,
        explained: layouts.iter().map(|(_, cells)| *cells).collect(),
        layouts: layouts.into_iter().map(|(spec, _)| spec).collect(),
        explanation,
        ..Guess::default()
    }
}

/// One layout for each form of path and each way to containers, with how many cells it has, the one that has most first.
fn layouts(
    branches: &Branches,
    rendered: &[Rendered],
    clusters: Option<(usize, usize)>,
) -> Vec<(LayoutSpec, usize)> {
    let several = rendered.iter().any(|it| it.containers > 1);
    let file = |it: &Rendered| it.path.rsplit('/').next().unwrap_or_default().to_owned();
    let files: BTreeSet<String> = rendered.iter().map(file).collect();
    // Many files, each for itself.
    let open = files.len() > 3;
    // Two things of one name, in folders that are no clusters.
    let mut seen: BTreeSet<(usize, Vec<&str>, &str)> = BTreeSet::new();
    let mut called: BTreeMap<(usize, Option<&str>, &str), usize> = BTreeMap::new();
    for it in rendered {
        let folders = folders(&it.path);
        if seen.insert((it.environment, folders.clone(), &it.workload)) {
            let cluster = clusters.filter(|(depth, _)| folders.len() == *depth);
            let cluster = cluster.map(|(_, at)| folders[at]);
            let count = called.entry((it.environment, cluster, &it.workload));
            *count.or_default() += 1;
        }
    }
    let alike = called.values().any(|count| *count > 1);
    let mut forms: BTreeMap<(String, bool, usize), usize> = BTreeMap::new();
    for it in rendered {
        let depth = folders(&it.path).len();
        let nested = clusters.filter(|(own, _)| depth == *own);
        let above = match nested {
            Some((depth, cluster)) => (0..depth)
                .map(|at| {
                    if at == cluster {
                        "{cluster}/".to_owned()
                    } else {
                        format!("{{folder{at}}}/")
                    }
                })
                .collect(),
            None if depth > 0 => "{folder*}/".to_owned(),
            None => String::new(),
        };
        let file = match it.path.rsplit_once('.') {
            Some((_, ending)) if open => format!("{{file}}.{ending}"),
            _ => file(it),
        };
        let form = (format!("{above}{file}"), nested.is_some(), it.kind);
        *forms.entry(form).or_default() += it.containers;
    }
    let names = branches.names.join("|");
    let spec = |path: String, nested: bool, kind: usize| {
        let (kinds, way) = WORKLOADS[kind];
        let folder = path.contains("{folder*}") && alike;
        LayoutSpec {
            refs: Some(format!("refs/heads/{}{{env:{names}}}", branches.prefix)),
            yaml: Some(format!("{way}[*].image")),
            kind: Some(kinds.to_owned()),
            part: Some("tag".into()),
            name: Some("metadata.name".into()),
            row: Some(format!(
                "{}{{name}}{}",
                if folder { "{folder}/" } else { "" },
                if several { "/{image}" } else { "" }
            )),
            env_name: nested.then(|| "{env}/{cluster}".into()),
            read_only: true,
            path: Some(path),
            ..LayoutSpec::default()
        }
    };
    let forms = forms.into_iter();
    let mut layouts: Vec<(LayoutSpec, usize)> = forms
        .map(|((path, nested, kind), cells)| (spec(path, nested, kind), cells))
        .collect();
    layouts.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    layouts
}

/// A file of a branch, and what is in it.
pub type BranchFile = (String, Rc<[u8]>);

#[cfg(test)]
mod tests;
