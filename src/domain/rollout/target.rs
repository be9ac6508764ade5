//! Which workload, in which namespace of which cluster, a cell is.

use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, EnvironmentName},
    problem::Problem,
    subject::Subject,
    text::sanitise,
    topology::{Environment, Topology, WorkloadTemplate},
    version::Version,
};

use super::selector::Selector;

/// What is watched for one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterTarget {
    /// The environment.
    pub environment: EnvironmentName,
    /// Its kubeconfig context.
    pub context: String,
    /// Its cells.
    pub cells: Vec<CellTarget>,
}

/// How one cell is found in its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellTarget {
    /// The cell.
    pub cell: CellKey,
    /// Where its workload runs.
    pub namespace: String,
    /// Which workload it is.
    pub workload: WorkloadName,
    /// Names that its image may have (the last part of an image's path), best first.
    pub image_names: Vec<String>,
    /// What Git declares: a running image that means the same version is shown in these words.
    pub desired: Option<Version>,
    /// What that is a version of.
    pub subject: Subject,
}

/// Which workload a cell is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadName {
    /// The Deployment, `StatefulSet` or `DaemonSet` of this name.
    Name(String),
    /// Every one that carries these labels.
    Labels(Selector),
}

/// Whose notes (`v1` Event) are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotesTarget {
    /// The cell.
    pub cell: CellKey,
    /// Where its workload runs.
    pub namespace: String,
    /// Its workloads, as [`super::LiveCell::workloads`] writes them: `Deployment/checkout`.
    pub workloads: Vec<String>,
}

impl CellTarget {
    /// The cell's target, by the environment's templates. Fails with a sentence where a template
    /// cannot be filled or is no selector.
    pub fn new(
        environment: &Environment,
        key: &CellKey,
        cell: &DesiredCell,
    ) -> Result<Self, String> {
        let fill = |what: &str, template: &crate::domain::template::Template| {
            let text = template
                .fill(&cell.captures)
                .map_err(|error| format!("{what} `{}` of {key}: {error}", template.as_str()))?;
            Ok::<_, String>(text)
        };
        let workload = match &environment.workload {
            WorkloadTemplate::Name(template) => WorkloadName::Name(fill("workload", template)?),
            WorkloadTemplate::Selector(template) => WorkloadName::Labels(
                Selector::parse(&fill("selector", template)?)
                    .map_err(|error| format!("selector of {key}: {error}"))?,
            ),
        };
        let mut image_names = vec![key.service.as_str().to_owned()];
        for name in ["image", "service"] {
            if let Some(name) = cell.captures.get(name) {
                let last = name.rsplit('/').next().unwrap_or(name).to_owned();
                if !image_names.contains(&last) {
                    image_names.push(last);
                }
            }
        }
        let namespace = fill("namespace", &environment.namespace)?;
        let named = match &workload {
            WorkloadName::Name(name) => name.as_str(),
            WorkloadName::Labels(_) => "x",
        };
        for (what, name) in [("namespace", namespace.as_str()), ("workload", named)] {
            if !is_name(name) {
                return Err(format!(
                    "the {what} of {key} would be `{}`, which is no Kubernetes name; set `{what}` of {}",
                    sanitise(name),
                    environment.name
                ));
            }
        }
        Ok(Self {
            cell: key.clone(),
            namespace,
            workload,
            image_names,
            desired: cell.version.clone(),
            subject: cell.subject,
        })
    }
}

/// Whether Kubernetes would take it as a name. What is none must not get into a request's path either.
fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && !text.starts_with(['-', '.'])
        && !text.ends_with(['-', '.'])
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

/// Targets of every environment with a cluster, and what cannot be looked for.
///
/// Cells that declare no version are left out: nothing is expected to run for them.
pub fn targets(topology: &Topology, desired: &Desired) -> (Vec<ClusterTarget>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for environment in &topology.environments {
        let Some(context) = &environment.cluster else {
            continue;
        };
        let mut cells = Vec::new();
        for (key, cell) in &desired.cells {
            if key.environment != environment.name || cell.version.is_none() {
                continue;
            }
            match CellTarget::new(environment, key, cell) {
                Ok(target) => cells.push(target),
                // What pods cannot show needs no workload: one that cannot be named is none.
                Err(_) if cell.subject.is_hidden() => {}
                Err(message) => problems.push(Problem::cluster(context.clone(), message)),
            }
        }
        all.push(ClusterTarget {
            environment: environment.name.clone(),
            context: context.clone(),
            cells,
        });
    }
    (all, problems)
}
