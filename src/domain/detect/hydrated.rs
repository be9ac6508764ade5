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
/// Kinds of objects that run a service.
const WORKLOADS: [&str; 5] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Rollout",
    "CronJob",
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
    containers: usize,
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
    for (at, name) in branches.names.iter().enumerate() {
        let branch = format!("{}{name}", branches.prefix);
        for (path, bytes) in (evidence.branch)(&branch) {
            files += 1;
            shared += usize::from(own.contains(path.as_str()));
            rendered.extend(workloads(at, &path, &bytes));
        }
    }
    // What is written on the default branch too is no one's output, where nothing says that it is.
    let of_several: BTreeSet<usize> = rendered.iter().map(|it| it.environment).collect();
    if of_several.len() < FEW || branches.by.is_none() && shared * 3 > files {
        return None;
    }
    Some(described(branches, &rendered))
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
        let containers = at(root, &["spec", "template", "spec", "containers"])?;
        let images = containers.items().filter(|it| it.get("image").is_some());
        let found = Rendered {
            environment,
            path: path.to_owned(),
            workload: at(root, &["metadata", "name"])?.text()?.to_owned(),
            containers: images.count(),
        };
        (WORKLOADS.contains(&kind) && found.containers > 0).then_some(found)
    });
    each.collect()
}

/// The layouts that read what was rendered.
fn described(branches: &Branches, rendered: &[Rendered]) -> Guess {
    // One workload in several folders of a branch runs in each of them: they are environments of their own.
    let mut places: BTreeMap<(usize, &str), BTreeSet<&str>> = BTreeMap::new();
    for it in rendered {
        let folder = it.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let known = places.entry((it.environment, &it.workload)).or_default();
        known.insert(folder);
    }
    let nested = places.values().any(|folders| folders.len() > 1);
    let several = rendered.iter().any(|it| it.containers > 1);
    let names: Vec<&str> = branches.names.iter().map(String::as_str).collect();
    // By how deep the file stands, and what it is called.
    let mut forms: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for it in rendered {
        let file = it.path.rsplit('/').next().unwrap_or_default();
        let depth = it.path.matches('/').count();
        *forms.entry((depth, file)).or_default() += it.containers;
    }
    let files: BTreeSet<&str> = forms.keys().map(|(_, file)| *file).collect();
    // Many files, each for itself.
    let open = files.len() > 3;
    let mut by_path: BTreeMap<String, usize> = BTreeMap::new();
    for ((depth, file), cells) in forms {
        let folders = if depth > 0 { "{folder*}/" } else { "" };
        let file = match file.rsplit_once('.') {
            Some((_, ending)) if open => format!("{{file}}.{ending}"),
            _ => file.to_owned(),
        };
        *by_path.entry(format!("{folders}{file}")).or_default() += cells;
    }
    let mut by_path: Vec<(String, usize)> = by_path.into_iter().collect();
    by_path.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    let row = if several { "{name}/{image}" } else { "{name}" };
    let spec = |path: &str| LayoutSpec {
        path: Some(path.to_owned()),
        refs: Some(format!(
            "refs/heads/{}{{env:{}}}",
            branches.prefix,
            names.join("|")
        )),
        yaml: Some("spec.template.spec.containers[*].image".into()),
        kind: Some(WORKLOADS.join("|")),
        part: Some("tag".into()),
        name: Some("metadata.name".into()),
        row: Some(row.into()),
        env_name: (nested && path.starts_with("{folder*}")).then(|| "{env}/{folder}".into()),
        read_only: true,
        ..LayoutSpec::default()
    };
    // Columns by branch, in its order.
    let mut columns: Vec<BTreeSet<String>> = vec![BTreeSet::new(); names.len()];
    for it in rendered {
        let name = names[it.environment];
        let folder = it.path.rsplit_once('/').map(|(folder, _)| folder);
        columns[it.environment].insert(match folder.filter(|_| nested) {
            Some(folder) => format!("{name}/{folder}"),
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
    let by = branches
        .by
        .as_ref()
        .map_or_else(String::new, |by| format!(", in the order of {by}"));
    Guess {
        environments,
        edges,
        layouts: by_path.iter().map(|(path, _)| spec(path)).collect(),
        explained: by_path.iter().map(|(_, cells)| *cells).collect(),
        explanation: format!(
            "each environment is a branch that a program renders: {}{by}; versions are shown from there, and changed in what \
             it renders",
            shown.join(", ")
        ),
        ..Guess::default()
    }
}

/// A file of a branch, and what is in it.
pub type BranchFile = (String, Rc<[u8]>);

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str, images: &[&str]) -> String {
        let each = images.iter();
        let each = each.map(|image| format!("      - name: c\n        image: {image}\n"));
        let containers = each.collect::<Vec<_>>().concat();
        format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n---\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  \
             template:\n    spec:\n      containers:\n{containers}"
        )
    }

    fn told(
        branches: &[&str],
        tree: &[(&str, &str)],
        files: &dyn Fn(&str) -> Vec<(String, String)>,
    ) -> Option<Guess> {
        let paths: Vec<&str> = tree.iter().map(|(path, _)| *path).collect();
        let read = |path: &str| {
            let found = tree.iter().find(|(known, _)| *known == path)?;
            Some(Rc::from(found.1.as_bytes()))
        };
        let branch = |name: &str| {
            let own = files(name).into_iter();
            own.map(|(path, text)| (path, Rc::from(text.as_bytes())))
                .collect()
        };
        super::super::recognise(&Evidence {
            branches,
            branch: &branch,
            ..Evidence::new(&paths, &read)
        })
    }

    /// A strategy says which branches there are and in which order; what is proposed for one is no environment.
    #[test]
    fn branches_of_a_promotion_strategy() {
        const STRATEGY: &str = "kind: PromotionStrategy\nmetadata:\n  name: shop\nspec:\n  environments:\n  - branch: env/first\n  - branch: env/second\n";
        let branches = [
            "env/first",
            "env/first-next",
            "env/second",
            "env/second-next",
            "main",
        ];
        let guess = told(&branches, &[("promoter.yaml", STRATEGY)], &|name| {
            assert!(!name.ends_with("-next"), "{name}");
            vec![
                (
                    "shop/manifest.yaml".into(),
                    workload("web", &["r/x/web:1.0.0"]),
                ),
                ("shop/README.md".into(), "image: x/y:1".into()),
            ]
        });
        let guess = guess.unwrap();
        assert_eq!(guess.environments, ["first", "second"]);
        assert_eq!(guess.edges, [("first".to_owned(), "second".to_owned())]);
        let layout = &guess.layouts[0];
        assert_eq!(
            layout.refs.as_deref(),
            Some("refs/heads/env/{env:first|second}")
        );
        assert_eq!(layout.path.as_deref(), Some("{folder*}/manifest.yaml"));
        assert_eq!(
            (layout.row.as_deref(), layout.read_only),
            (Some("{name}"), true)
        );
        assert!(
            guess
                .explanation
                .contains("PromotionStrategy in promoter.yaml"),
            "{guess:?}"
        );
    }

    /// Without a strategy, names say which branches; one workload in several folders runs in each.
    #[test]
    fn branches_called_like_environments_with_clusters_below() {
        let guess = told(
            &["main", "stage/dev", "stage/prod"],
            &[("base/web.yaml", "kind: X\n")],
            &|name| {
                let folders: &[&str] = if name.ends_with("prod") {
                    &["eu/", "us/"]
                } else {
                    &["eu/"]
                };
                let text = workload("web", &["r/x/web:1.0.0", "r/x/proxy:2.0.0"]);
                folders
                    .iter()
                    .map(|folder| (format!("{folder}all.yaml"), text.clone()))
                    .collect()
            },
        );
        let guess = guess.unwrap();
        assert_eq!(guess.environments, ["dev/eu", "prod/eu", "prod/us"]);
        assert_eq!(guess.layouts[0].row.as_deref(), Some("{name}/{image}"));
        assert_eq!(guess.layouts[0].env_name.as_deref(), Some("{env}/{folder}"));
        assert_eq!(guess.explained, [6]);
    }

    /// What a hydrator writes is no one's to merge, though the branches hold files of the same names as the default branch and
    /// are called like environments.
    #[test]
    fn branches_of_a_strategy_are_shown_alone() {
        const STRATEGY: &str = "kind: PromotionStrategy\nspec:\n  environments:\n  - branch: env/dev\n  - branch: env/staging\n  - branch: env/prod\n";
        let web = workload("web", &["r/x/web:1.0.0"]);
        let tree = [
            ("web/deployment.yaml", web.as_str()),
            ("api/deployment.yaml", &web),
            ("pay/deployment.yaml", &web),
            ("promoter/strategy.yaml", STRATEGY),
        ];
        let branches = ["env/dev", "env/prod", "env/staging", "main"];
        let rendered = |_: &str| {
            ["web", "api", "pay"]
                .map(|name| {
                    let text = workload(name, &["r/x/web:1.0.0"]);
                    (format!("{name}/deployment.yaml"), text)
                })
                .to_vec()
        };
        let guess = told(&branches, &tree, &rendered).unwrap();
        assert_eq!(guess.environments, ["dev", "staging", "prod"]);
        assert!(
            guess.layouts.iter().all(|it| it.read_only),
            "{:?}",
            guess.layouts
        );
        // Nor where what they hold is not understood.
        let guess = told(&branches, &tree, &|_| Vec::new()).unwrap();
        assert!(
            guess.layouts.iter().all(|it| it.read_only),
            "{:?}",
            guess.layouts
        );
        assert!(!guess.layouts.is_empty());
    }

    /// Branches that hold what the default branch holds are written by people.
    #[test]
    fn branches_of_the_same_files_are_not_rendered() {
        let text = workload("web", &["r/x/web:1.0.0"]);
        let guess = told(&["main", "dev", "prod"], &[("web.yaml", &text)], &|_| {
            vec![("web.yaml".into(), text.clone())]
        });
        assert!(guess.is_none_or(|it| it.layouts.iter().all(|layout| !layout.read_only)));
    }
}
