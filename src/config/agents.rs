//! Where agents are asked: `agent` of an environment, and `[[argocd]]` of the user's own file.

use super::{checks::credential, reader::Table};
use crate::domain::{address, agent::ArgoServer, topology::AgentPlace};

/// Keys of an environment's `agent`.
pub(super) const PLACE: [&str; 2] = ["cluster", "namespace"];
/// Keys of one `[[argocd]]` table.
pub(super) const SERVER: [&str; 2] = ["url", "token"];

/// `agent = { cluster = "hub", namespace = "argocd" }` of an environment.
pub(super) fn place(environment: &Table<'_>) -> Option<AgentPlace> {
    let table = environment.table("agent")?;
    table.refuse_others(&PLACE, |_| None);
    let cluster = table.string("cluster").filter(|name| !name.is_empty());
    if cluster.is_none() {
        table.error_here(
            "has no `cluster`; name the kubeconfig context that the agent's objects are in, such as `cluster = \"hub\"`",
        );
    }
    Some(AgentPlace {
        cluster: cluster?,
        namespace: table.string("namespace"),
    })
}

/// Argo CD by its own API, where nobody has access to the cluster that it is in.
pub(super) fn servers(root: &Table<'_>) -> Vec<ArgoServer> {
    let mut read: Vec<ArgoServer> = Vec::new();
    for table in root.tables("argocd") {
        table.refuse_others(&SERVER, |_| None);
        if !table.has("url") {
            table.error_here(
                "has no `url`; give it Argo CD's address, such as `url = \"https://argocd.example.com\"`",
            );
        }
        let token = credential(&table, "token");
        let Some(url) = table.string("url") else {
            continue;
        };
        if !address::is_plain_web(&url) {
            // It may hold a token: it is not repeated.
            table.error(
                "url",
                "is no address of Argo CD; write it like `https://argocd.example.com`, without a name, a token or a query",
            );
            continue;
        }
        let url = url.trim_end_matches('/').to_owned();
        if read.iter().any(|other| other.url == url) {
            table.error("url", format!("`{url}` is there twice"));
            continue;
        }
        read.push(ArgoServer { url, token });
    }
    read
}
