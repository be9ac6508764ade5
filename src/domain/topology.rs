//! Environments in promotion order, and how a cell finds its workload.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ids::EnvironmentName, policy::Policy, template::Template};

/// The columns, in promotion order, left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Declared environments, in the order of the configuration.
    pub environments: Vec<Environment>,
    /// What is asked of changes.
    pub policy: Policy,
}

/// One declared environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name, the column's heading.
    pub name: EnvironmentName,
    /// Upstreams: where versions are promoted from. Empty: no upstream, nothing is assumed from the order.
    pub from: Vec<EnvironmentName>,
    /// Whether one upstream is enough.
    pub require: Require,
    /// The kubeconfig context; `None` means that Git alone is used.
    pub cluster: Option<String>,
    /// Where its agent's objects are, if not in the environment's own cluster.
    pub agent: Option<AgentPlace>,
    /// Where the workload runs.
    pub namespace: Template,
    /// Which workload it is.
    pub workload: WorkloadTemplate,
    /// Asks for the environment's name, typed, before anything is written.
    pub protected: bool,
    /// The environment's address, for people and checks.
    pub url: Option<String>,
    /// How a confirmed change leaves the clone.
    pub deliver: Deliver,
    /// A rollout that takes longer has failed.
    pub timeout: Duration,
}

/// Where the objects of agents are that bring versions into other clusters than their own: a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPlace {
    /// The kubeconfig context.
    pub cluster: String,
    /// The namespace that they are in; `None`: they are looked for in all.
    pub namespace: Option<String>,
}

#[cfg(test)]
impl Environment {
    /// For tests: an environment with these upstreams, used by Git alone, in which nothing else is said.
    pub(crate) fn plain(name: &str, from: &[&str]) -> Self {
        let template = || Template::parse("{service}").unwrap();
        Self {
            name: name.into(),
            from: from.iter().map(|name| (*name).into()).collect(),
            require: Require::Any,
            cluster: None,
            agent: None,
            namespace: template(),
            workload: WorkloadTemplate::Name(template()),
            protected: false,
            url: None,
            deliver: Deliver::Push,
            timeout: Duration::from_mins(15),
        }
    }
}

/// How many of an environment's upstreams must have a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Require {
    /// One is enough.
    #[default]
    Any,
    /// Each of them.
    All,
}

/// How a confirmed change leaves the clone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// Fast-forward push to the branch itself.
    #[default]
    Push,
    /// Push to a branch of its own, from which a pull request can be opened.
    Branch,
    /// The same, and the pull request is opened and followed.
    PullRequest,
}

impl Deliver {
    /// Every way, as it is written.
    pub const NAMED: [(&str, Self); 3] = [
        ("push", Self::Push),
        ("branch", Self::Branch),
        ("pull-request", Self::PullRequest),
    ];

    /// Whether it goes to a branch of its own, for somebody to merge.
    pub fn is_own_branch(self) -> bool {
        self != Self::Push
    }
}

/// How a cell's workload is found in its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadTemplate {
    /// A `Deployment`, `StatefulSet` or `DaemonSet` of this name.
    Name(Template),
    /// Every one that carries these labels (equality-based selector text).
    Selector(Template),
}

impl Topology {
    /// The declared environment called `name`.
    pub fn get(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.name == *name)
    }

    /// The kubeconfig context of an environment that has one.
    pub fn cluster(&self, name: &EnvironmentName) -> Option<&str> {
        self.get(name)?.cluster.as_deref()
    }
}
