//! Between Git and the pods: the first of a cell's four truths that is behind, and why.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AgentKind, AgentObject, Order, Pace, Phase};
use crate::domain::{age, rollout::same_version, version::Version};

/// Where a cell's version has not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// The agent has not applied it.
    Sync,
    /// It has, and the workload's controller serves another version, or there is no workload.
    Serve,
    /// The controller serves it, and pods do not run it, or not well.
    Run,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sync => "sync",
            Self::Serve => "serve",
            Self::Run => "run",
        })
    }
}

/// The hop at which a cell is stuck, or on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The first truth that is behind.
    pub at: At,
    /// Why, one line.
    pub reason: String,
    /// When the agent acts next by itself, where its status tells.
    #[serde(default)]
    pub next: Option<Timestamp>,
    /// What the cell's agent is told to move it now, where that is of use.
    #[serde(default)]
    pub order: Option<Order>,
    /// The agent, or the source that it takes from, tried and cannot.
    #[serde(default)]
    pub failing: bool,
}

impl Hop {
    /// Pods do not run it, or not well, for this reason.
    pub fn run(ails: Option<&str>) -> Self {
        Self {
            at: At::Run,
            reason: ails.unwrap_or("pods are being replaced").to_owned(),
            next: None,
            order: None,
            failing: false,
        }
    }

    /// Whether the agent has applied it is not known, for this reason.
    pub fn unknown(why: &str) -> Self {
        Self {
            at: At::Sync,
            reason: why.to_owned(),
            next: None,
            order: None,
            failing: false,
        }
    }

    /// The workload's controller has gone back to what was before, for this reason.
    pub fn refused(why: &str) -> Self {
        Self {
            at: At::Serve,
            reason: why.to_owned(),
            next: None,
            order: None,
            failing: false,
        }
    }

    /// Its words at `now`: `Flux has not applied it yet, next reconcile in 28m`.
    pub fn words(&self, now: Timestamp) -> String {
        match self.next.filter(|next| *next > now) {
            Some(next) => format!(
                "{}, next reconcile in {}",
                self.reason,
                age::between(now, next)
            ),
            None => self.reason.clone(),
        }
    }
}

/// The agent that brings a cell's version into its cluster, with what it depends on.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The object that manages the cell.
    pub agent: &'a AgentObject,
    /// The source that it takes from, where that is an object of its own.
    pub source: Option<&'a AgentObject>,
    /// What it waits for by `dependsOn`, where that is not ready.
    pub blocker: Option<&'a AgentObject>,
    /// The `ApplicationSet` that makes it.
    pub maker: Option<&'a AgentObject>,
}

/// What is known of a cell behind Git.
#[derive(Clone, Copy, Debug)]
pub struct Truths<'a> {
    /// What Git declares.
    pub desired: &'a Version,
    /// What Git declared at the revision that the agent has applied; `None` where that is not known.
    pub synced: Option<&'a Version>,
    /// What the workload's controller serves; `None` where there is no workload.
    pub serving: Option<&'a Version>,
    /// Why the workload's controller gave up what it was to serve, and serves what was before.
    pub refused: Option<&'a str>,
    /// Whether workloads can show what is declared.
    pub visible: bool,
    /// Whether all pods run what the controller serves, and well.
    pub settled: bool,
    /// What ails its workloads or pods.
    pub ails: Option<&'a str>,
}

/// The first truth that is behind; `None` where none is, or that is not known.
pub fn hop(chain: Chain<'_>, truths: Truths<'_>) -> Option<Hop> {
    if let Some(refused) = truths.refused.filter(|_| truths.visible) {
        return Some(Hop::refused(refused));
    }
    let is_declared = |version: &Version| same_version(version, truths.desired);
    let serves = truths.serving.is_some_and(is_declared);
    let maker = chain.maker.filter(|it| it.phase.is_failing());
    if let Some(maker) = maker
        && truths.visible
        && !serves
        && chain.agent.phase == Phase::Current
    {
        // It is as its maker last made it, which does so no more.
        return Some(
            Chain {
                agent: maker,
                ..chain
            }
            .behind(),
        );
    }
    let is_behind = match truths.synced {
        Some(synced) => !is_declared(synced),
        // What it has applied is not known: an agent that waits or fails is taken to be why another version is served.
        None => truths.visible && !serves && chain.agent.phase != Phase::Current,
    };
    if is_behind {
        return Some(chain.behind());
    }
    if !truths.visible {
        return None;
    }
    if !serves {
        // What was never known to be applied is not known to be lost behind that.
        return truths.synced.map(|_| chain.not_served(truths));
    }
    (!truths.settled).then(|| match truths.ails {
        None if chain.agent.phase.is_failing() => Hop {
            failing: true,
            ..Hop::run(Some(&chain.failing()))
        },
        ails => Hop::run(ails),
    })
}

impl Chain<'_> {
    /// The agent has not applied it.
    fn behind(self) -> Hop {
        let agent = self.agent;
        let tool = agent.kind.tool();
        let fetches = |pace| match pace {
            Pace::Every { seconds, .. } => format!(": it fetches every {}", age::seconds(seconds)),
            _ => String::new(),
        };
        let (reason, next) = match (agent.phase, self.source) {
            (Phase::Suspended, _) => (format!("{tool} has not synced: {}", agent.asleep()), None),
            (_, Some(source)) if source.phase == Phase::Suspended => {
                let (kind, place) = (source.kind, source.place());
                (
                    format!("{tool} does not fetch: {kind} {place} is suspended"),
                    None,
                )
            }
            (_, Some(source)) if source.phase.is_failing() => {
                let (kind, place) = (source.kind, source.place());
                let words = source.words();
                let words = words.map_or(String::new(), |words| format!(": {words}"));
                (format!("{tool} cannot fetch {kind} {place}{words}"), None)
            }
            (phase, _) if phase.is_failing() => (self.failing(), None),
            (Phase::NotAutomated, _) => (format!("{tool} has not synced: no automated sync"), None),
            (Phase::Reconciling, _) => (format!("{tool} is syncing it"), None),
            (Phase::OutOfSync, _) => (format!("{tool} has not synced it yet"), agent.next()),
            (_, Some(source)) if source.known.is_some() && source.known == agent.applied => {
                let every = fetches(source.pace);
                (
                    format!("{tool} has not fetched it yet{every}"),
                    source.next(),
                )
            }
            _ => (format!("{tool} has not applied it yet"), agent.next()),
        };
        Hop {
            at: At::Sync,
            reason,
            next,
            order: self.order(),
            failing: self.is_failing(),
        }
    }

    /// Whether the agent or its source tried, and cannot.
    fn is_failing(self) -> bool {
        let source = self.source.is_some_and(|source| source.phase.is_failing());
        self.agent.phase.is_failing() || source
    }

    /// What the agent is told to go on now, where it waits for that, or would try again.
    fn order(self) -> Option<Order> {
        let agent = self.agent;
        let argocd = agent.kind.is_argocd();
        let asleep = |it: &AgentObject| it.phase == Phase::Suspended;
        let reason = agent.reason.as_deref().unwrap_or_default();
        match agent.phase {
            Phase::Suspended => (!argocd).then_some(Order::Resume),
            _ if self.source.is_some_and(asleep) => None,
            Phase::Reconciling => None,
            // It goes on by itself once the other is ready, and not before.
            _ if reason == "DependencyNotReady" => None,
            _ if agent.kind == AgentKind::ApplicationSet => None,
            _ if !argocd => Some(Order::Reconcile),
            Phase::OutOfSync | Phase::NotAutomated => Some(Order::Sync),
            phase if phase.is_failing() && reason.starts_with("Sync") => Some(Order::Sync),
            _ => Some(Order::Refresh),
        }
    }

    /// The agent has applied it, and it is not what the controller serves.
    fn not_served(self, truths: Truths<'_>) -> Hop {
        let agent = self.agent;
        let tool = agent.kind.tool();
        let reason = match (agent.phase, truths.serving) {
            (phase, _) if phase.is_failing() => self.failing(),
            (Phase::Reconciling, _) => format!("{tool} is syncing it"),
            (Phase::Suspended, Some(serving)) => {
                let asleep = agent.asleep();
                format!("{serving} was set in the cluster, and {tool} is {asleep}")
            }
            (Phase::OutOfSync | Phase::NotAutomated, Some(serving)) => {
                format!("{serving} was set in the cluster: {tool} says out of sync")
            }
            (_, Some(serving)) => format!("{tool} has applied it, and {serving} is served"),
            (_, None) => match truths.ails {
                Some(words) => format!("{tool} has applied it: {words}"),
                None => format!("{tool} has applied it, and there is no workload"),
            },
        };
        Hop {
            at: At::Serve,
            reason,
            next: agent.next().filter(|_| agent.phase == Phase::Current),
            order: match agent.phase {
                // That puts back what was changed in the cluster.
                Phase::Current if agent.kind.is_argocd() => Some(Order::Sync),
                _ => self.order(),
            },
            failing: self.is_failing(),
        }
    }

    /// What the agent cannot do, with its controller's sentence.
    fn failing(self) -> String {
        let agent = self.agent;
        let tool = agent.kind.tool();
        let said = agent.message.as_deref().unwrap_or_default();
        let what = match agent.reason.as_deref().unwrap_or_default() {
            "DependencyNotReady" => {
                if let Some(blocker) = self.blocker {
                    let (kind, place) = (blocker.kind, blocker.place());
                    let words = blocker.words();
                    let words = words.map_or(String::new(), |words| format!(": {words}"));
                    return format!("{tool} waits for {kind} {place}{words}");
                }
                "waits for what it depends on"
            }
            "ComparisonError" if said.contains("live state") => "cannot read what is there",
            "BuildFailed" | "ComparisonError" => "cannot build the manifests",
            "InvalidSpecError" => "refuses the Application",
            _ if agent.kind == AgentKind::ApplicationSet => {
                let (place, said) = (agent.place(), agent.words().unwrap_or_default());
                return format!("{tool} cannot generate from ApplicationSet {place}: {said}");
            }
            "ArtifactFailed" | "SourceNotReady" => "has nothing to apply",
            "HealthCheckFailed" => "has applied it, and finds it unhealthy",
            "InstallFailed" => "cannot install the chart",
            "UpgradeFailed" => "cannot upgrade the release",
            "RollbackSucceeded" => "has rolled the release back",
            _ => "cannot sync",
        };
        match (said, &agent.reason) {
            ("", None) => format!("{tool} {what}"),
            ("", Some(reason)) => format!("{tool} {what}: {reason}"),
            (said, _) => format!("{tool} {what}: {said}"),
        }
    }
}

impl AgentObject {
    /// Its controller's sentence, else its word.
    fn words(&self) -> Option<&str> {
        self.message.as_deref().or(self.reason.as_deref())
    }

    /// When it next acts by itself, where its status tells.
    fn next(&self) -> Option<Timestamp> {
        match self.pace {
            Pace::Every { next, .. } => next,
            _ => None,
        }
    }

    /// How it was told to do nothing.
    fn asleep(&self) -> &'static str {
        match self.kind {
            AgentKind::Application => "told to skip it (skip-reconcile)",
            _ => "suspended",
        }
    }
}
