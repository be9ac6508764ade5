//! Argo CD that is asked by its own API, by whoever has no access to the cluster that it is in.

use super::AgentKind;
use crate::domain::{address, credential::Credential};

/// One `[[argocd]]` entry of the user's own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgoServer {
    /// Its address, without a `/` at its end. It stands in place of a kubeconfig context wherever that of its objects is told.
    pub url: String,
    /// Where the token is that opens it; `None`: it is asked without.
    pub token: Option<Credential>,
}

impl ArgoServer {
    /// What it is asked for.
    pub const KINDS: [AgentKind; 3] = [
        AgentKind::Application,
        AgentKind::ApplicationSet,
        AgentKind::AppProject,
    ];

    /// Whether what stands in place of a context is the address of one.
    pub fn is_meant(context: &str) -> bool {
        address::is_plain_web(context)
    }
}
