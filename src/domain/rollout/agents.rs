//! Which agent's object brings a cell's version into its cluster: by what it lists, by what its workloads carry, or by the
//! repository and path that it takes from. And how far it has got with that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    live::{Health, LiveCell},
    object::{ObjectKind, WorkloadState},
    target::{CellTarget, EVERYWHERE, Which},
    view::ClusterView,
};
use crate::domain::{
    address,
    agent::{
        AgentKind, AgentObject, AgentState, ArgoServer, At, Chain, From, Hop, Pace, Part, Phase,
        Reference, Stage, Truths, commit, hop,
    },
    desired::RefName,
    ids::{CellKey, ObjectId},
    past_health::{Since, Source, runs},
    policy::sync::{self, SyncWindows, Syncs},
    rollout::same_version,
    subject::Subject,
    version::Version,
};

/// What a ref declares where it stands at a commit.
pub type Declared = BTreeMap<CellKey, Version>;

/// What was read of commits that agents have applied; `None` where one cannot be read here.
pub(super) type Commits = BTreeMap<(RefName, ObjectId), Option<Arc<Declared>>>;

/// The agents' objects of one cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Agents {
    all: BTreeMap<Reference, AgentObject>,
    by_part: BTreeMap<Part, BTreeSet<Reference>>,
}

impl Agents {
    pub(super) fn insert(&mut self, agent: AgentObject) {
        let key = agent.key();
        self.forget(&key);
        for part in &agent.inventory {
            let keys = self.by_part.entry(part.clone()).or_default();
            keys.insert(key.clone());
        }
        self.all.insert(key, agent);
    }

    /// `name` is `NAMESPACE/NAME`.
    pub(super) fn remove(&mut self, kind: AgentKind, name: &str) {
        if let Some((namespace, name)) = name.split_once('/') {
            self.forget(&(kind, namespace.to_owned(), name.to_owned()));
        }
    }

    pub(super) fn clear(&mut self, kind: AgentKind) {
        let keys: Vec<_> = self
            .all
            .keys()
            .filter(|key| key.0 == kind)
            .cloned()
            .collect();
        for key in keys {
            self.forget(&key);
        }
    }

    pub(super) fn get(&self, key: &Reference) -> Option<&AgentObject> {
        self.all.get(key)
    }

    /// All of a kind.
    pub(super) fn of_kind(&self, kind: AgentKind) -> impl Iterator<Item = &AgentObject> {
        let from = self.all.range((kind, String::new(), String::new())..);
        from.map(|(_, agent)| agent)
            .take_while(move |agent| agent.kind == kind)
    }

    fn forget(&mut self, key: &Reference) {
        let Some(agent) = self.all.remove(key) else {
            return;
        };
        for part in &agent.inventory {
            if let Some(keys) = self.by_part.get_mut(part) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_part.remove(part);
                }
            }
        }
    }

    /// Those that list it.
    fn listing(&self, part: &Part) -> impl Iterator<Item = &AgentObject> {
        let keys = self.by_part.get(part).into_iter().flatten();
        keys.filter_map(|key| self.all.get(key))
    }

    /// Applications of this name, whatever namespace they are in.
    fn applications(&self, name: &str) -> impl Iterator<Item = &AgentObject> {
        let all = self.of_kind(AgentKind::Application);
        all.filter(move |agent| agent.name == name)
    }

    /// The project of this name, that of this namespace first.
    fn project(&self, namespace: &str, name: &str) -> Option<&AgentObject> {
        let own = (AgentKind::AppProject, namespace.to_owned(), name.to_owned());
        self.get(&own).or_else(|| {
            self.of_kind(AgentKind::AppProject)
                .find(|it| it.name == name)
        })
    }

    /// What an agent takes from, where that is an object of its own.
    fn source(&self, agent: &AgentObject) -> Option<&AgentObject> {
        let sources = agent.sources.iter();
        let all = sources.filter_map(|from| self.get(from.object.as_ref()?));
        // Of a chart and where it comes from, the one that keeps it.
        let keeps = |it: &&AgentObject| it.phase == Phase::Suspended || it.phase.is_failing();
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|it| !keeps(it));
        all.into_iter().next()
    }

    /// The `ApplicationSet` that makes an Application.
    fn maker(&self, agent: &AgentObject) -> Option<&AgentObject> {
        self.get(agent.made_by.as_ref()?)
    }

    /// What it waits for and what is not ready.
    fn blocker(&self, agent: &AgentObject) -> Option<&AgentObject> {
        let mut all = agent.depends_on.iter().filter_map(|key| self.get(key));
        all.find(|other| other.phase != Phase::Current)
    }

    /// The agent that applies this agent's object.
    fn parent(&self, agent: &AgentObject) -> Option<&AgentObject> {
        let part = Part {
            kind: agent.kind.to_string(),
            namespace: agent.namespace.clone(),
            name: agent.name.clone(),
        };
        let mut all = self.listing(&part);
        all.find(|it| it.kind.applies() && it.key() != agent.key())
    }

    fn chain<'a>(&'a self, agent: &'a AgentObject) -> Chain<'a> {
        Chain {
            agent,
            source: self.source(agent),
            blocker: self.blocker(agent),
            maker: self.maker(agent),
        }
    }
}

/// What manages a cell.
pub(super) struct Managed<'a> {
    /// The context of the cluster that its object is in.
    context: &'a str,
    agents: &'a Agents,
    agent: &'a AgentObject,
    /// Why the cluster that its object is in does not answer, where that is another one than the cell's.
    lost: Option<&'a str>,
    /// The server's words where projects may not be seen.
    projects_denied: Option<&'a str>,
}

/// How sure it is that an agent manages a cell; greater is surer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    evidence: Evidence,
    reach: Reach,
    /// How much of the path of the cell's files it is; 0: it takes from elsewhere.
    source: usize,
    /// Whether it applies to the cell's namespace.
    namespace: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// It takes from where the cell is written.
    Source,
    /// It lists a workload that the cell's would be called.
    Expected,
    /// It lists a workload of the cell.
    Listed,
    /// A workload of the cell names it.
    Named,
}

/// Whether what an agent applies goes to a cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    No,
    /// Its object names that cluster in a way that is not known here.
    Maybe,
    Yes,
}

/// The agent that manages a cell which has these workloads; `None` where none is known, or several could.
pub(super) fn find<'a>(
    views: &'a BTreeMap<String, ClusterView>,
    target: &CellTarget,
    workloads: &[&WorkloadState],
) -> Option<Managed<'a>> {
    let place = target.places.first()?;
    let own = &*place.context;
    let mut found: Vec<(Rank, Managed<'a>)> = Vec::new();
    let rank = |evidence, context: &'a str, agents: &'a Agents, agent: &'a AgentObject| {
        let rank = Rank {
            evidence,
            reach: reach(agent, context, own, views, target),
            source: source_of(agents, agent, target),
            namespace: agent.destination.namespace.as_deref() == Some(&*place.namespace),
        };
        let counts = rank.reach > Reach::No && (evidence > Evidence::Source || rank.source > 0);
        // One that fails may be why there is no Application.
        let fails = agent.kind == AgentKind::ApplicationSet && agent.phase.is_failing();
        ((agent.kind.applies() || fails) && counts).then_some((
            rank,
            Managed {
                context,
                agents,
                agent,
                lost: views
                    .get(context)
                    .filter(|_| context != own)
                    .and_then(ClusterView::trouble),
                projects_denied: views
                    .get(context)
                    .and_then(|view| view.namespace(EVERYWHERE))
                    .and_then(|it| it.denied(ObjectKind::Agent(AgentKind::AppProject))),
            },
        ))
    };
    let there = || {
        views
            .iter()
            .filter_map(|(context, view)| Some((context.as_str(), view.agents()?)))
    };
    for (context, agents) in there() {
        for workload in workloads {
            for agent in named(agents, workload) {
                found.extend(rank(Evidence::Named, context, agents, agent));
            }
            for agent in agents.listing(&part_of(workload)) {
                found.extend(rank(Evidence::Listed, context, agents, agent));
            }
        }
        if workloads.is_empty() {
            for part in expected(target) {
                for agent in agents.listing(&part) {
                    found.extend(rank(Evidence::Expected, context, agents, agent));
                }
            }
        }
    }
    if found.is_empty() {
        for (context, agents) in there() {
            for agent in agents.all.values().filter(|it| it.kind.applies()) {
                found.extend(rank(Evidence::Source, context, agents, agent));
            }
        }
    }
    if found.is_empty() {
        for (context, agents) in there() {
            for agent in agents.of_kind(AgentKind::ApplicationSet) {
                found.extend(rank(Evidence::Source, context, agents, agent));
            }
        }
    }
    let best = found.iter().map(|(rank, _)| *rank).max()?;
    let keys: BTreeSet<Reference> = found
        .iter()
        .filter(|(rank, _)| *rank == best)
        .map(|(_, it)| it.agent.key())
        .collect();
    let unsure = best.evidence == Evidence::Source || best.reach == Reach::Maybe;
    if unsure && keys.len() > 1 {
        return None;
    }
    found
        .into_iter()
        .find(|(rank, _)| *rank == best)
        .map(|(_, managed)| managed)
}

/// The agents that a workload names by what agents write on it.
fn named<'a>(
    agents: &'a Agents,
    workload: &WorkloadState,
) -> impl Iterator<Item = &'a AgentObject> + use<'a> {
    let label = |name: &str| workload.labels.get(name);
    let flux = |kind: AgentKind| {
        let (name, namespace) = (
            label(&format!("{}/name", kind.group()))?,
            label(&format!("{}/namespace", kind.group()))?,
        );
        agents.get(&(kind, namespace.to_owned(), name.to_owned()))
    };
    // `NAME:GROUP/KIND:NAMESPACE/NAME`; `ARGOCDNAMESPACE_NAME:…` where the Application is in another namespace.
    let tracked = workload
        .tracking
        .as_deref()
        .and_then(|it| it.split(':').next());
    let tracked = tracked.map(|it| it.split_once('_').map_or(it, |(_, name)| name));
    let argo = [
        tracked,
        label("argocd.argoproj.io/instance"),
        label("app.kubernetes.io/instance"),
    ];
    let namespace = &workload.namespace;
    let fits = |agent: &&AgentObject| {
        let destination = agent.destination.namespace.as_ref();
        destination.is_none_or(|it| it == namespace)
    };
    let applications = argo
        .into_iter()
        .flatten()
        .flat_map(|name| agents.applications(name).filter(fits).collect::<Vec<_>>());
    let flux = [AgentKind::HelmRelease, AgentKind::Kustomization].map(flux);
    let all: Vec<_> = flux.into_iter().flatten().chain(applications).collect();
    all.into_iter()
}

fn part_of(workload: &WorkloadState) -> Part {
    Part {
        kind: workload.kind.to_string(),
        namespace: workload.namespace.clone(),
        name: workload.name.clone(),
    }
}

/// What the workload of a cell that has none would be called.
fn expected(target: &CellTarget) -> impl Iterator<Item = Part> {
    let named = target
        .places
        .iter()
        .filter_map(|place| match &place.object {
            Which::Name(name) => Some((place, name)),
            Which::Labels(_) => None,
        });
    named.flat_map(|(place, name)| {
        place.kinds.iter().map(move |kind| Part {
            kind: kind.to_string(),
            namespace: place.namespace.to_string(),
            name: name.to_string(),
        })
    })
}

/// Whether an agent in `context` applies to the cluster of `own`, which is the cell's.
fn reach(
    agent: &AgentObject,
    context: &str,
    own: &str,
    views: &BTreeMap<String, ClusterView>,
    target: &CellTarget,
) -> Reach {
    let to = &agent.destination;
    if agent.kind == AgentKind::ApplicationSet {
        return Reach::Maybe;
    }
    if to.is_own_cluster() {
        return if context == own {
            Reach::Yes
        } else if ArgoServer::is_meant(context) {
            // Which one that is, its own API does not tell.
            Reach::Maybe
        } else {
            Reach::No
        };
    }
    let is_server = |address: &str, view: &ClusterView| {
        let plain = |address: &str| address.trim_end_matches('/').to_lowercase();
        view.server()
            .is_some_and(|server| plain(server) == plain(address))
    };
    if let Some(address) = &to.server {
        if views.get(own).is_some_and(|view| is_server(address, view)) {
            return Reach::Yes;
        }
        let mut others = views.iter().filter(|(name, _)| *name != own);
        if others.any(|(_, view)| is_server(address, view)) {
            return Reach::No;
        }
    }
    if let Some(name) = &to.cluster {
        if name == own || name == target.cell.environment.as_str() {
            return Reach::Yes;
        }
        if views.contains_key(name) {
            return Reach::No;
        }
    }
    // Of its own cluster a server knows that this is another one.
    if context == own {
        Reach::No
    } else {
        Reach::Maybe
    }
}

/// How much of the path of a cell's files an agent takes from; 0 where it takes from elsewhere.
fn source_of(agents: &Agents, agent: &AgentObject, target: &CellTarget) -> usize {
    let Some(written) = &target.written else {
        return 0;
    };
    let takes = |from: &From| {
        let by_object = from.object.as_ref().and_then(|key| agents.get(key));
        let by_object = by_object.and_then(|source| source.sources.first());
        let address = from.url.as_deref();
        let address = address.or(by_object.and_then(|it| it.url.as_deref()));
        if let Some((theirs, ours)) = address.zip(written.address.as_deref())
            && !address::is_same_project(theirs, ours)
        {
            return 0;
        }
        let under = |path: &str| {
            let under = path.is_empty()
                || written.paths.iter().any(|it| {
                    it.as_str()
                        .strip_prefix(path)
                        .is_some_and(|rest| rest.starts_with('/'))
                });
            if under { 1 + path.len() } else { 0 }
        };
        let mut files = from.files.iter();
        if files.any(|file| written.paths.iter().any(|it| it.as_str() == file)) {
            // A file that it names says more than any folder that the file is in.
            return 1 << 16;
        }
        from.path.as_deref().map_or(0, under)
    };
    agent.sources.iter().map(takes).max().unwrap_or_default()
}

impl Managed<'_> {
    /// Says of a cell which agent manages it and where its version is stuck. Returns the commit that has to be read for that
    /// and is not among `commits`, and since when the agent says that what the cell runs is healthy.
    pub(super) fn tell(
        &self,
        target: &CellTarget,
        cell: &mut LiveCell,
        commits: &Commits,
    ) -> (Option<(RefName, ObjectId)>, Option<Since>) {
        let agent = AgentState {
            cluster: self.context.to_owned(),
            ..self.agent.state()
        };
        cell.agent = Some(agent.into());
        cell.windows = self.windows();
        if let Some(why) = self.lost {
            self.tell_lost(why, target, cell);
            return (None, None);
        }
        // The version may be written in what makes this agent: a release's values, an Application's parameters.
        let parent = self.agents.parent(self.agent);
        let parent = parent.filter(|_| source_of(self.agents, self.agent, target) == 0);
        let Some(desired) = target.desired.as_ref() else {
            return (None, None);
        };
        let mut unread = None;
        let mut declared = |agent: &AgentObject| match declared(agent, target, commits) {
            Got::Known(version) => Some(version),
            Got::Unknown => None,
            Got::Unread(place) => {
                unread = Some(place);
                None
            }
        };
        let synced = declared(parent.unwrap_or(self.agent));
        let behind = parent.zip(synced.clone());
        let behind = behind.filter(|(_, synced)| !same_version(synced, desired));
        let runs = runs(cell);
        let is_synced = synced
            .as_ref()
            .zip(runs)
            .is_some_and(|(a, b)| same_version(a, b));
        let since = self.agent.healthy_since.filter(|_| is_synced);
        let since = since.map(|from| Since {
            by: if self.agent.kind.is_argocd() {
                Source::ArgoCd
            } else {
                Source::Flux
            },
            from,
        });
        let (agent, synced) = match (behind, parent) {
            (Some((parent, synced)), _) => (parent, Some(synced)),
            (None, None) => (self.agent, synced),
            // What its parent has applied is what it should do: it has, where it is current.
            (None, Some(_)) => {
                let current = self.agent.phase == Phase::Current;
                (self.agent, synced.filter(|_| current))
            }
        };
        cell.hop = hop(
            self.agents.chain(agent),
            truths(target, cell, desired, synced.as_ref()),
        );
        // What is told is the cell's own agent, and it is not that which is behind.
        if let Some(hop) = cell
            .hop
            .as_mut()
            .filter(|_| agent.key() != self.agent.key())
        {
            hop.order = None;
        }
        (unread, since)
    }
}

impl Managed<'_> {
    /// What was known of it is what was: where the version is stuck is not known.
    fn tell_lost(&self, why: &str, target: &CellTarget, cell: &mut LiveCell) {
        let words = format!("{} does not answer: {why}", self.context);
        if let Some(agent) = &mut cell.agent {
            let before = agent.phase.word();
            agent.reason = Some(format!("{words}; it was {before} before"));
            agent.phase = Phase::Unknown;
        }
        cell.hop = without(target, cell);
        let serves = |desired: &Version| {
            let serving = cell.serving.as_ref();
            serving.is_some_and(|it| same_version(it, desired))
        };
        let visible = !cell.hidden && !target.subject.is_hidden();
        let desired = target.desired.as_ref();
        if cell.hop.is_none() && visible && desired.is_some_and(|it| !serves(it)) {
            let by = if self.agent.kind.is_argocd() {
                "Argo CD"
            } else {
                "Flux"
            };
            cell.hop = Some(Hop::unknown(&format!(
                "whether {by} has synced is not known: {words}"
            )));
        }
    }

    /// The sync windows about its Application.
    fn windows(&self) -> Option<Box<SyncWindows>> {
        let name = self.agent.project.as_deref()?;
        let manual = self.agent.pace != Pace::Automatic;
        // A project is where its controller is, which need not be where its Applications are.
        let Some(project) = self.agents.project(&self.agent.namespace, name) else {
            let why = self.projects_denied?;
            return Some(Box::new(SyncWindows {
                manual,
                unknown: Some(why.to_owned()),
                ..SyncWindows::default()
            }));
        };
        let to = &self.agent.destination;
        let windows = sync::about(&project.windows, &self.agent.name, to);
        let windows: Vec<_> = windows.cloned().collect();
        (!windows.is_empty()).then(|| {
            Box::new(SyncWindows {
                windows,
                manual,
                unknown: None,
            })
        })
    }
}

/// What waits for a sync that a closed window keeps says so, and until when.
pub(super) fn shut(cell: &mut LiveCell, now: Timestamp) {
    let Some((windows, hop)) = cell.windows.as_deref().zip(cell.hop.as_mut()) else {
        return;
    };
    if hop.at != At::Sync || hop.failing {
        return;
    }
    if let Syncs::Closed { by, until, wrong } = windows.delivers(now) {
        let words = sync::shut(by, until, wrong.as_deref());
        hop.reason = if windows.manual {
            format!("{}, and {words}", hop.reason)
        } else {
            format!("Argo CD has not synced: {words}")
        };
        hop.next = None;
        // What is told to sync is refused all the same.
        if matches!(windows.lets(now), Syncs::Closed { .. }) {
            hop.order = None;
        }
    }
}

/// Where the version of a cell without an agent is stuck, as far as that can be told.
pub(super) fn without(target: &CellTarget, cell: &LiveCell) -> Option<Hop> {
    let desired = target.desired.as_ref()?;
    let truths = truths(target, cell, desired, None);
    if let Some(refused) = truths.refused.filter(|_| truths.visible) {
        return Some(Hop::refused(refused));
    }
    let serves = truths.serving.is_some_and(|it| same_version(it, desired));
    (truths.visible && serves && !truths.settled).then(|| Hop::run(truths.ails))
}

fn truths<'a>(
    target: &CellTarget,
    cell: &'a LiveCell,
    desired: &'a Version,
    synced: Option<&'a Version>,
) -> Truths<'a> {
    let moves = matches!(cell.health, Health::Progressing | Health::Degraded);
    Truths {
        desired,
        synced,
        serving: cell.serving.as_ref(),
        refused: refused(cell, desired),
        visible: !cell.hidden && !target.subject.is_hidden(),
        settled: !moves && !cell.runs_other_than(desired),
        ails: cell
            .reason
            .as_deref()
            .filter(|_| cell.health != Health::Healthy),
    }
}

/// Why what is declared was given up, though it came to its controller.
fn refused<'a>(cell: &'a LiveCell, desired: &Version) -> Option<&'a str> {
    let progress = cell.progress.as_deref()?;
    let to = progress.to.as_ref();
    let is_it = to.is_some_and(|to| same_version(to, desired));
    let is_aborted = progress.stage == Stage::Aborted && is_it;
    cell.reason.as_deref().filter(|_| is_aborted)
}

/// What Git declares of a cell where an agent has got to.
enum Got {
    Known(Version),
    Unknown,
    /// Nobody has read that yet.
    Unread((RefName, ObjectId)),
}

fn declared(agent: &AgentObject, target: &CellTarget, commits: &Commits) -> Got {
    let Some(applied) = agent.applied.as_deref() else {
        return Got::Unknown;
    };
    let Some(commit) = commit(applied) else {
        // A chart's version is the cell's where that is what the cell declares.
        return match target.subject {
            Subject::Chart | Subject::Revision => Got::Known(applied.into()),
            _ => Got::Unknown,
        };
    };
    let known = target.written.as_ref().zip(commit.parse::<ObjectId>().ok());
    let Some((written, commit)) = known else {
        return Got::Unknown;
    };
    if written.at.1 == commit {
        return target.desired.clone().map_or(Got::Unknown, Got::Known);
    }
    let place = (written.at.0.clone(), commit);
    match commits.get(&place) {
        None => Got::Unread(place),
        Some(None) => Got::Unknown,
        Some(Some(all)) => all
            .get(&target.cell)
            .cloned()
            .map_or(Got::Unknown, Got::Known),
    }
}
