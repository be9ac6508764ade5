//! Which names are environments' in this repository: usual words, what agents' manifests say, and what folders list.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, agents::Agents, shapes, words};

/// Folders whose entries are the environments.
const LISTS: [&str; 7] = [
    "environments",
    "environment",
    "envs",
    "env",
    "clusters",
    "stages",
    "rings",
];
/// Parts of names of what environments have in common.
pub(super) const COMMON: [&str; 14] = [
    "base",
    "bases",
    "common",
    "default",
    "defaults",
    "global",
    "shared",
    "all",
    "template",
    "templates",
    "example",
    "sample",
    "components",
    "generic",
];

/// Names of environments beyond the usual words.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// By an agent or a folder of environments; most are usual words too.
    said: BTreeSet<String>,
    /// Names of clusters below environments, by an agent.
    clusters: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(evidence: &Evidence<'_>, agents: &Agents) -> Self {
        let mut said = listed(evidence);
        said.extend(
            agents
                .names()
                .filter(|name| !is_common(name))
                .map(str::to_owned),
        );
        let clusters = agents.clusters.iter().filter(|name| !is_common(name));
        Self {
            said,
            clusters: clusters.cloned().collect(),
        }
    }

    /// Whether it names an environment.
    pub(super) fn is(&self, name: &str) -> bool {
        self.is_said(name) || words::known(name).is_some()
    }

    /// Whether an agent or a folder of environments says so.
    pub(super) fn is_said(&self, name: &str) -> bool {
        self.said.contains(name)
    }

    /// Whether it names an environment and nothing else: no region, no site.
    pub(super) fn is_whole(&self, name: &str) -> bool {
        self.is_said(name) || words::known(name).is_some_and(|known| known.group.is_empty())
    }

    /// Whether an agent's manifest uses it as a cluster's name below an environment.
    pub(super) fn is_cluster(&self, name: &str) -> bool {
        self.clusters.contains(name)
    }
}

/// Whether the name says that it is what several environments have in common.
pub(super) fn is_common(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower
        .split(['-', '_', '.'])
        .any(|part| COMMON.contains(&part))
}

/// Entries of folders such as `environments/`, where at least two of them have usual names.
fn listed(evidence: &Evidence<'_>) -> BTreeSet<String> {
    // By the folder and by how its entries are written: folders, `x.yaml` or `values-x.yaml`.
    let mut lists: BTreeMap<(&str, &str), BTreeMap<&str, &str>> = BTreeMap::new();
    for path in evidence.paths.iter().filter(|path| shapes::plausible(path)) {
        let mut end = 0;
        for folder in path.split('/') {
            let start = end;
            end += folder.len() + 1;
            if !LISTS.contains(&folder) || end > path.len() {
                continue;
            }
            let (list, rest) = (&path[..start + folder.len()], &path[end..]);
            let stem = rest.rsplit_once('.').map(|(stem, _)| stem);
            let (form, name) = match (rest.split_once('/'), stem) {
                (Some((name, _)), _) => ("/", name),
                (None, Some(stem)) => match stem.strip_prefix("values-") {
                    Some(name) => ("values-", name),
                    None => (".", stem),
                },
                (None, None) => continue,
            };
            lists.entry((list, form)).or_default().insert(name, path);
        }
    }
    let mut names = BTreeSet::new();
    for ((_, form), entries) in lists {
        let usual = entries
            .keys()
            .filter(|name| words::known_loosely(name).is_some());
        if usual.count() < 2 {
            continue;
        }
        for (name, path) in entries {
            // A file may say that it is no common base but an environment that is called so.
            if !is_common(name) || (form != "/" && calls_itself(evidence, path, name)) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// Whether a file begins with `name: NAME`.
fn calls_itself(evidence: &Evidence<'_>, path: &str, name: &str) -> bool {
    let Some(bytes) = (evidence.read)(path) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .filter_map(|line| line.strip_prefix("name:"))
        .any(|value| value.trim().trim_matches(['"', '\'']) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_environments_name_them() {
        let files = [
            ("clusters/prod/flux-system/sync.yaml", ""),
            ("clusters/staging/apps.yaml", ""),
            ("clusters/c3/apps.yaml", ""),
            ("clusters/base/apps.yaml", ""),
            ("environments/values-dev.yaml", ""),
            ("environments/values-prod.yaml", ""),
            ("environments/values-summit.yaml", ""),
            ("environments/values-base.yaml", "name: \"base\"\n"),
            ("environments/values-common.yaml", "name: shop\n"),
            ("web/env/one.yaml", ""),
            ("web/env/two.yaml", ""),
        ];
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let read = |path: &str| {
            let found = files.iter().find(|(known, _)| *known == path)?;
            Some(found.1.as_bytes().into())
        };
        let names = listed(&Evidence::new(&paths, &read));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(names, ["base", "c3", "dev", "prod", "staging", "summit"]);
    }
}
