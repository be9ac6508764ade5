//! What Argo CD's and Flux's manifests in the repository say: which environments there are, and where each one runs.

mod argo;
mod flux;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use super::shapes;
use crate::domain::manifest;
use tree::Tree;

/// Files looked at for manifests of agents.
const FILES: usize = 6000;
/// Fewest applications that must name an environment whose name says nothing.
const SUPPORT: usize = 2;

/// What the agents' manifests say together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Agents {
    /// Names that stand where a parameter such as `env` does, each with the applications that say so.
    pub(super) environments: BTreeMap<String, BTreeSet<String>>,
    /// Names that stand where a parameter such as `cluster` does, below an environment.
    pub(super) clusters: BTreeSet<String>,
    /// What is deployed where.
    pub(super) targets: Vec<Target>,
}

/// A folder or file, and where an agent deploys it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// In the repository.
    pub(super) path: String,
    /// The environment, where a parameter says so.
    pub(super) environment: Option<String>,
    /// The cluster's name, as the agent knows it.
    pub(super) cluster: Option<String>,
    /// The cluster's address.
    pub(super) server: Option<String>,
    /// The namespace.
    pub(super) namespace: Option<String>,
    /// Whether the name of the cluster is only that of a folder.
    pub(super) folder: bool,
}

impl Agents {
    /// Reads every manifest of an agent among `paths`.
    pub(super) fn read(paths: &[&str], read: &dyn Fn(&str) -> Option<std::rc::Rc<[u8]>>) -> Self {
        let tree = Tree::of(paths);
        let mut agents = Self::default();
        let mut flux = flux::Kustomizations::default();
        let yaml = paths.iter().filter(|path| is_manifest(path));
        for path in yaml.take(FILES) {
            let Some(bytes) = read(path) else { continue };
            let Ok(text) = std::str::from_utf8(&bytes) else {
                continue;
            };
            let argo = text.contains("argoproj.io/v1alpha1");
            if !argo && !text.contains("kustomize.toolkit.fluxcd.io/v1") {
                continue;
            }
            let Ok(yaml) = manifest::parse(&bytes) else {
                continue;
            };
            for document in &yaml.documents {
                let root = document.root();
                match root.get("kind").and_then(|found| found.value.text()) {
                    Some("ApplicationSet") if argo => argo::set(root, &tree, read, &mut agents),
                    Some("Application") if argo => argo::application(root, &tree, &mut agents),
                    Some("Kustomization") => flux.add(path, root),
                    _ => {}
                }
            }
        }
        flux.tell(&mut agents);
        agents
    }

    /// The environments that enough speaks for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let enough = |(_, by): &(&String, &BTreeSet<String>)| by.len() >= SUPPORT;
        let names = self.environments.iter().filter(enough);
        names.map(|(name, _)| name.as_str())
    }

    /// The names of clusters that stand in the paths of what is deployed there, where several are deployed so.
    pub(super) fn said(&self) -> BTreeSet<String> {
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for target in &self.targets {
            let named = target.cluster.as_deref().filter(|it| is_name(it));
            let own = |cluster: &&str| target.path.split('/').any(|part| part == *cluster);
            if let Some(cluster) = named.filter(own) {
                found.entry(cluster).or_default().insert(&target.path);
            }
        }
        let enough = found
            .into_iter()
            .filter(|(_, paths)| paths.len() >= SUPPORT);
        let clusters = enough.map(|(name, _)| name.to_owned());
        clusters.chain(self.names().map(str::to_owned)).collect()
    }

    fn environment(&mut self, name: &str, by: &str) {
        if !name.is_empty() && !name.contains(['/', '{', '*', ' ']) {
            self.environments
                .entry(name.to_owned())
                .or_default()
                .insert(by.to_owned());
        }
    }
}

impl Target {
    /// Which of `environments` it is of: the one said, else the one that its path names, the most special.
    pub(super) fn of<'e>(&self, environments: &'e [String]) -> Option<&'e str> {
        let path = format!("/{}/", self.path);
        let file = self.path.rsplit('/').next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or("", |(stem, _)| stem);
        let by_path = |name: &&String| {
            let marked = ["-", ".", "_"].iter().any(|mark| {
                stem.strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with(mark))
            });
            path.contains(&format!("/{name}/")) || stem == name.as_str() || marked
        };
        let longest = |name: &&String| name.len();
        let named = environments.iter().filter(by_path).max_by_key(longest);
        let said = environments
            .iter()
            .find(|name| self.environment.as_ref() == Some(*name));
        let special = named.filter(|name| name.contains('/'));
        special.or(said).or(named).map(String::as_str)
    }
}

/// Whether it tells a cluster from others: the one that an agent runs in has the same name everywhere.
fn is_name(cluster: &str) -> bool {
    cluster.len() > 2 && !matches!(cluster, "in-cluster" | "local" | "apps" | "base")
}

/// A YAML file that is no Helm template.
fn is_manifest(path: &str) -> bool {
    let yaml = matches!(path.rsplit_once('.'), Some((_, "yaml" | "yml")));
    // Flux's own definitions are large and say nothing of the repository.
    yaml && shapes::plausible(path) && !path.ends_with("/gotk-components.yaml")
}

#[cfg(test)]
mod tests;
