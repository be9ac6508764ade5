//! Flux: `Kustomization`, and the folders that its clusters are bootstrapped from.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agents, Target};
use crate::domain::manifest::NodeRef;

/// Every Kustomization of the repository, until all are read.
#[derive(Default)]
pub(super) struct Kustomizations {
    found: Vec<Kustomization>,
}

struct Kustomization {
    file: String,
    path: String,
    /// The kubeconfig's secret, where it deploys to another cluster than its own.
    secret: Option<String>,
    namespace: Option<String>,
}

impl Kustomizations {
    pub(super) fn add(&mut self, file: &str, root: NodeRef<'_>) {
        let is_flux = root
            .get("apiVersion")
            .and_then(|found| found.value.text())
            .is_some_and(|version| version.starts_with("kustomize.toolkit.fluxcd.io/"));
        let text = |path: &[&str]| {
            let node = path
                .iter()
                .try_fold(root, |node, key| Some(node.get(key)?.value));
            node?.text().map(str::to_owned)
        };
        let Some(path) = text(&["spec", "path"]).filter(|_| is_flux) else {
            return;
        };
        let path = path.trim_start_matches("./").trim_matches('/');
        if path.is_empty() || path.contains(['$', '{']) {
            return;
        }
        self.found.push(Kustomization {
            file: file.to_owned(),
            path: path.to_owned(),
            secret: text(&["spec", "kubeConfig", "secretRef", "name"]),
            namespace: text(&["spec", "targetNamespace"]),
        });
    }

    /// A folder that holds the Kustomization which reads it is where a cluster begins: `clusters/prod`, by
    /// `clusters/prod/flux-system/gotk-sync.yaml`. Several beside each other are the environments.
    pub(super) fn tell(self, agents: &mut Agents) {
        let roots: BTreeSet<&str> = self
            .found
            .iter()
            .filter(|it| is_below(&it.file, &it.path))
            .map(|it| it.path.as_str())
            .collect();
        let mut beside: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for root in &roots {
            let (parent, name) = root.rsplit_once('/').unwrap_or(("", root));
            beside.entry(parent).or_default().push(name);
        }
        for (parent, names) in beside.iter().filter(|(_, names)| names.len() > 1) {
            for name in names {
                // Said twice: by where it begins, and by what stands beside it.
                agents.environment(name, "flux");
                agents.environment(name, parent);
                agents.targets.push(Target {
                    path: format!("{parent}/{name}")
                        .trim_start_matches('/')
                        .to_owned(),
                    environment: Some((*name).to_owned()),
                    cluster: Some((*name).to_owned()),
                    folder: true,
                    ..Target::default()
                });
            }
        }
        for own in self
            .found
            .iter()
            .filter(|it| !roots.contains(it.path.as_str()))
        {
            let root = roots.iter().filter(|root| is_below(&own.file, root));
            let root = root.max_by_key(|root| root.len());
            let cluster = root.map(|root| root.rsplit_once('/').map_or(*root, |(_, name)| name));
            let remote = own.secret.as_deref().map(|secret| {
                let endings = ["-kubeconfig", "-config"];
                let bare = endings.iter().find_map(|it| secret.strip_suffix(it));
                bare.unwrap_or(secret)
            });
            agents.targets.push(Target {
                path: own.path.clone(),
                environment: None,
                cluster: remote.or(cluster).map(str::to_owned),
                server: None,
                namespace: own.namespace.clone(),
                folder: true,
            });
        }
    }
}

fn is_below(file: &str, folder: &str) -> bool {
    file.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}
