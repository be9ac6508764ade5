//! Which workload, in which namespace of which cluster, a cell is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::domain::{
    agent::{AgentKind, ArgoServer},
    desired::{Desired, DesiredCell, RefName, Tip},
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    problem::Problem,
    subject::Subject,
    text::sanitise,
    topology::{Environment, Topology, WorkloadTemplate},
    version::Version,
};

use super::{object::ObjectKind, selector::Selector};

/// In place of a namespace: all of them. No namespace is called so.
pub const EVERYWHERE: &str = "*";

/// The namespaces in which objects of each kind are looked for: most often the same for all, and then there once.
pub type Wanted = BTreeMap<ObjectKind, Arc<BTreeSet<String>>>;

/// Where agents' objects are looked for beside a cell's own cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentsAt {
    /// The kubeconfig context, or the address of an Argo CD that is asked by its own API.
    pub context: String,
    /// The namespace; `None`: all.
    pub namespace: Option<String>,
    /// Which of them.
    pub kinds: &'static [AgentKind],
}

/// What is watched for one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterTarget {
    /// The environment.
    pub environment: EnvironmentName,
    /// Its kubeconfig context: how well this one is known is how well the environment is.
    pub context: String,
    cells: Vec<CellTarget>,
    /// By context: what its cells are judged by.
    wanted: BTreeMap<String, Wanted>,
    agents: Vec<AgentsAt>,
}

/// How one cell is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellTarget {
    /// The cell.
    pub cell: CellKey,
    /// Where its objects are, best first: one of them is enough.
    pub places: Vec<ObjectPlace>,
    /// Names that its image may have (the last part of an image's path), best first.
    pub image_names: Vec<String>,
    /// What Git declares: a running image that means the same version is shown in these words.
    pub desired: Option<Version>,
    /// What that is a version of.
    pub subject: Subject,
    /// Where that is written.
    pub written: Option<Written>,
    /// The `ImagePolicy` that is marked there, whose pick Flux's image automation writes: `NAMESPACE/NAME`.
    pub policy: Option<Arc<str>>,
}

/// Where a cell's version is written: which agent brings it is told by that, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The ref, and its commit: the same for all cells that are read from it.
    pub at: Arc<(RefName, ObjectId)>,
    /// The repository's address, where it has one.
    pub address: Option<Arc<str>>,
    /// The files.
    pub paths: Vec<RepoPath>,
}

/// Where an object of a cell may be. The objects of one cell need not be in one namespace, nor in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    /// The kubeconfig context.
    pub context: Arc<str>,
    /// What it may be, best first.
    pub kinds: &'static [ObjectKind],
    /// Where it is in there.
    pub namespace: Arc<str>,
    /// Which one of these it is.
    pub object: Which,
}

/// Which object of a kind and a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one of this name.
    Name(Arc<str>),
    /// Every one that carries these labels.
    Labels(Arc<Selector>),
}

/// Whose notes (`v1` Event) are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotesTarget {
    /// The cell.
    pub cell: CellKey,
    /// The kubeconfig context of its workload.
    pub context: String,
    /// Where its workload runs.
    pub namespace: String,
    /// Its workloads, as [`super::LiveCell::workloads`] writes them: `Deployment/checkout`.
    pub workloads: Vec<String>,
}

impl ClusterTarget {
    /// Watches these cells for an environment.
    pub fn new(environment: EnvironmentName, context: String, cells: Vec<CellTarget>) -> Self {
        let mut wanted: BTreeMap<String, BTreeMap<ObjectKind, BTreeSet<String>>> = BTreeMap::new();
        wanted.entry(context.clone()).or_default();
        for place in cells.iter().flat_map(|cell| &cell.places) {
            // A selector of two hundred cells names the same namespace two hundred times.
            let there = wanted.entry(place.context.to_string()).or_default();
            let beside = place.kinds.iter().flat_map(|kind| kind.beside());
            for kind in place.judged_by().chain(beside.copied()) {
                let namespaces = there.entry(kind).or_default();
                let namespace = if kind.is_everywhere() {
                    EVERYWHERE
                } else {
                    &*place.namespace
                };
                if !namespaces.contains(namespace) {
                    namespaces.insert(namespace.to_owned());
                }
            }
        }
        let everywhere: Arc<BTreeSet<String>> = Arc::new([EVERYWHERE.to_owned()].into());
        let shared = |there: BTreeMap<ObjectKind, BTreeSet<String>>| {
            let mut wanted = Wanted::new();
            for (kind, namespaces) in there {
                let known = wanted.values().find(|it| ***it == namespaces).cloned();
                wanted.insert(kind, known.unwrap_or_else(|| Arc::new(namespaces)));
            }
            if !wanted.is_empty() {
                let agents = AgentKind::WATCHED.map(ObjectKind::Agent);
                wanted.extend(agents.map(|kind| (kind, Arc::clone(&everywhere))));
            }
            wanted
        };
        let wanted = wanted.into_iter();
        let wanted = wanted
            .map(|(context, there)| (context, shared(there)))
            .collect();
        Self {
            environment,
            context,
            cells,
            wanted,
            agents: Vec::new(),
        }
    }

    /// Looks for agents there, too, where it looks for anything.
    #[must_use]
    pub fn with_agents(mut self, agents: Vec<AgentsAt>) -> Self {
        if self.cells.is_empty() {
            return self;
        }
        for at in &agents {
            let there = self.wanted.entry(at.context.clone()).or_default();
            for kind in at.kinds {
                let everywhere = Arc::new([EVERYWHERE.to_owned()].into());
                there.insert(ObjectKind::Agent(*kind), everywhere);
            }
        }
        self.agents = agents;
        self
    }

    /// The one namespace in which the agents of a context are looked for; `None`: in all.
    pub fn agents_in(&self, context: &str) -> Option<&str> {
        let mut named = self.agents.iter().filter(|at| at.context == context);
        let only = named.next()?.namespace.as_deref()?;
        let agreed = named.all(|at| at.namespace.as_deref() == Some(only));
        // Of the agents of its own cluster nobody said where they are.
        (agreed && self.context != context).then_some(only)
    }

    /// Contexts that are asked for agents alone.
    pub fn elsewhere(&self) -> impl Iterator<Item = &str> {
        let agents = self.agents.iter().map(|at| at.context.as_str());
        agents.filter(|context| *context != self.context)
    }

    /// Its cells.
    pub fn cells(&self) -> &[CellTarget] {
        &self.cells
    }

    /// What its cells are judged by, in each context; in its own at least that it answers.
    pub fn wanted(&self) -> &BTreeMap<String, Wanted> {
        &self.wanted
    }

    /// Watches no other cells than these; `None` where there are none left.
    #[must_use]
    pub fn only(self, is_wanted: impl Fn(&CellKey) -> bool) -> Option<Self> {
        let cells = self.cells.into_iter();
        let cells: Vec<_> = cells.filter(|it| is_wanted(&it.cell)).collect();
        (!cells.is_empty())
            .then(|| Self::new(self.environment, self.context, cells).with_agents(self.agents))
    }
}

impl ObjectPlace {
    /// The kinds that it takes to judge it: its own, and what these are made of; some of them several times.
    pub fn judged_by(&self) -> impl Iterator<Item = ObjectKind> + use<> {
        let kinds = self.kinds.iter();
        kinds.flat_map(|kind| std::iter::once(*kind).chain(kind.parts().iter().copied()))
    }
}

impl CellTarget {
    /// The cell's target, by the environment's templates. Fails with a sentence where a template
    /// cannot be filled or is no selector.
    pub fn new(
        environment: &Environment,
        context: &Arc<str>,
        key: &CellKey,
        cell: &DesiredCell,
    ) -> Result<Self, String> {
        let fill = |what: &str, template: &crate::domain::template::Template| {
            let text = template
                .fill(&cell.captures)
                .map_err(|error| format!("{what} `{}` of {key}: {error}", template.as_str()))?;
            Ok::<_, String>(text)
        };
        let object = match &environment.workload {
            WorkloadTemplate::Name(template) => Which::Name(fill("workload", template)?.into()),
            WorkloadTemplate::Selector(template) => {
                let selector = Selector::parse(&fill("selector", template)?);
                let selector = selector.map_err(|error| format!("selector of {key}: {error}"))?;
                Which::Labels(selector.into())
            }
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
        let named = match &object {
            Which::Name(name) => &**name,
            Which::Labels(_) => "x",
        };
        for (what, name) in [("namespace", &*namespace), ("workload", named)] {
            if !is_name(name) {
                return Err(format!(
                    "the {what} of {key} would be `{}`, which is no Kubernetes name; set `{what}` of {}",
                    sanitise(name),
                    environment.name
                ));
            }
        }
        let place = ObjectPlace {
            context: Arc::clone(context),
            kinds: &ObjectKind::WORKLOADS,
            namespace: namespace.into(),
            object,
        };
        Ok(Self {
            cell: key.clone(),
            places: vec![place],
            image_names,
            desired: cell.version.clone(),
            subject: cell.subject,
            written: None,
            policy: cell.policy.clone(),
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
/// Cells that declare no version are left out: nothing is expected to run for them. `addresses` has the address of the
/// repository that a ref is in, and `servers` are Argo CD's that are asked by their own API.
pub fn targets(
    topology: &Topology,
    desired: &Desired,
    addresses: &BTreeMap<RefName, String>,
    servers: &[ArgoServer],
) -> (Vec<ClusterTarget>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    let tips: Vec<(&Tip, Written)> = (desired.tips.iter())
        .map(|tip| {
            let written = Written {
                at: Arc::new((tip.name.clone(), tip.commit)),
                address: addresses.get(&tip.name).map(|it| it.as_str().into()),
                paths: Vec::new(),
            };
            (tip, written)
        })
        .collect();
    for environment in &topology.environments {
        let Some(context) = &environment.cluster else {
            continue;
        };
        let mut cells = Vec::new();
        let shared: Arc<str> = context.as_str().into();
        for (key, cell) in &desired.cells {
            if key.environment != environment.name || cell.version.is_none() {
                continue;
            }
            match CellTarget::new(environment, &shared, key, cell) {
                Ok(target) => cells.push(CellTarget {
                    written: (tips.iter().find(|(tip, _)| tip.origin == cell.origin)).map(
                        |(_, written)| Written {
                            paths: cell.sources.iter().map(|it| it.path.clone()).collect(),
                            ..written.clone()
                        },
                    ),
                    ..target
                }),
                // What pods cannot show needs no workload: one that cannot be named is none.
                Err(_) if cell.subject.is_hidden() => {}
                Err(message) => problems.push(Problem::cluster(context.clone(), message)),
            }
        }
        let hub = environment.agent.iter().map(|place| AgentsAt {
            context: place.cluster.clone(),
            namespace: place.namespace.clone(),
            kinds: &AgentKind::WATCHED,
        });
        let servers = servers.iter().map(|server| AgentsAt {
            context: server.url.clone(),
            namespace: None,
            kinds: &ArgoServer::KINDS,
        });
        let agents = hub.chain(servers).collect();
        let target = ClusterTarget::new(environment.name.clone(), context.clone(), cells);
        all.push(target.with_agents(agents));
    }
    (all, problems)
}
