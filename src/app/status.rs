//! What one cell is doing, from what Git declares, what the cluster says and how fresh that is.

use super::model::Model;
use crate::domain::{
    age,
    desired::DesiredCell,
    ids::{CellKey, EnvironmentName},
    plan::{ChangeRequest, Intent, is_ahead},
    rollout::{Connection, Health, LiveCell},
    version::Version,
};

/// The one thing a cell's glyph says. Loading, empty, denied, absent, failed and stale are different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Runs what Git declares, all of it ready.
    Healthy,
    /// On its way.
    Rolling,
    /// Waits at a step of its own strategy.
    Paused,
    /// Failed, or failing.
    Degraded,
    /// Healthy, on another version than Git declares.
    Drift,
    /// Told not to move.
    Suspended,
    /// The cluster does not answer; this is the last that was known.
    Stale,
    /// The cluster answers and nothing can be made of it, or it never answered.
    Unknown,
    /// The cluster refuses to tell (403).
    NoAccess,
    /// Git declares it, the cluster has no such workload (404).
    Missing,
    /// The cluster's first answer has not come yet.
    Loading,
    /// No cluster is configured, or pods cannot show what is declared: Git alone.
    GitOnly,
    /// The cell exists and declares no version.
    NotSet,
    /// There is no such cell.
    Absent,
}

/// A cell with everything that is shown of it.
#[derive(Clone, Debug)]
pub struct CellView<'a> {
    /// What its glyph says.
    pub state: State,
    /// What it was before the source was lost; else the same as `state`.
    pub was: State,
    /// What Git declares.
    pub declared: Option<&'a DesiredCell>,
    /// What the cluster says.
    pub live: Option<&'a LiveCell>,
    /// What is staged for it.
    pub staged: Option<&'a ChangeRequest>,
}

impl State {
    /// Every state with the word that `is:` and the summary use.
    pub const NAMED: [(&'static str, Self); 14] = [
        ("degraded", Self::Degraded),
        ("missing", Self::Missing),
        ("unknown", Self::Unknown),
        ("rolling", Self::Rolling),
        ("drift", Self::Drift),
        ("paused", Self::Paused),
        ("suspended", Self::Suspended),
        ("no access", Self::NoAccess),
        ("stale", Self::Stale),
        ("loading", Self::Loading),
        ("healthy", Self::Healthy),
        ("git only", Self::GitOnly),
        ("not set", Self::NotSet),
        ("absent", Self::Absent),
    ];

    /// Its word.
    pub fn name(self) -> &'static str {
        Self::NAMED
            .into_iter()
            .find_map(|(name, state)| (state == self).then_some(name))
            .unwrap_or_default()
    }

    /// How much it wants to be looked at; 0: not at all. What a whole column shares (stale, loading,
    /// no access) is told once for the column, so it does not raise its rows.
    pub fn trouble(self) -> u8 {
        match self {
            Self::Degraded => 90,
            Self::Missing => 80,
            Self::Unknown => 70,
            Self::Rolling => 60,
            Self::Drift => 50,
            Self::Paused => 40,
            Self::Suspended => 30,
            _ => 0,
        }
    }
}

/// How much a staged change wants to be looked at: below every trouble, above none.
pub const STAGED_TROUBLE: u8 = 20;

impl CellView<'_> {
    /// How much the cell wants to be looked at; what is stale counts a little less than it did.
    pub fn trouble(&self) -> u8 {
        let health = match self.state {
            State::Stale => self.was.trouble().saturating_sub(5),
            state => state.trouble(),
        };
        health.max(if self.staged.is_some() {
            STAGED_TROUBLE
        } else {
            0
        })
    }
}

/// What is known of `key`.
pub fn assess<'a>(model: &'a Model, key: &CellKey) -> CellView<'a> {
    let desired = model.git.desired.as_deref();
    assess_declared(model, key, desired.and_then(|d| d.cells.get(key)))
}

/// The same where the declared side is at hand.
pub fn assess_declared<'a>(
    model: &'a Model,
    key: &CellKey,
    declared: Option<&'a DesiredCell>,
) -> CellView<'a> {
    let connection = model.connection(&key.environment);
    let answering = matches!(connection, Connection::Live | Connection::Denied { .. });
    // What was never known cannot be stale: the cluster has yet to be reached.
    let known = |live: &&LiveCell| answering || live.health != Health::Unknown;
    let live = model.live.cells.get(key).filter(known);
    let version = declared.and_then(|cell| cell.version.as_ref());
    let delivering = model.is_delivering(key);
    let was = live.map_or(State::Unknown, |live| running(live, version, delivering));
    let hidden = declared.is_some_and(|cell| cell.subject.is_hidden())
        || live.is_some_and(|live| live.hidden);
    let was = without_pods(was, hidden);
    let state = match (declared, live, connection) {
        (None, ..) => State::Absent,
        (Some(_), None, _) if version.is_none() => State::NotSet,
        (Some(_), _, Connection::Unconfigured) => State::GitOnly,
        (Some(_), None, Connection::Connecting) => State::Loading,
        (Some(_), _, Connection::Denied { .. }) => State::NoAccess,
        (Some(_), None, _) => State::Unknown,
        (Some(_), Some(live), Connection::Live) if !live.stale => was,
        (Some(_), Some(_), _) if was == State::GitOnly => State::GitOnly,
        (Some(_), Some(_), _) => State::Stale,
    };
    let state = without_pods(state, hidden);
    CellView {
        state,
        was: if state == State::Stale { was } else { state },
        declared,
        live,
        staged: model.staging.get(key),
    }
}

/// A value that pods cannot show is Git's alone; only what ails its workload is told. It is never green: that would say
/// that it runs.
fn without_pods(state: State, hidden: bool) -> State {
    match state {
        State::Healthy
        | State::Drift
        | State::Missing
        | State::Unknown
        | State::Loading
        | State::NoAccess
            if hidden =>
        {
            State::GitOnly
        }
        state => state,
    }
}

fn running(live: &LiveCell, version: Option<&Version>, delivering: bool) -> State {
    match live.health {
        Health::Progressing => State::Rolling,
        Health::Paused => State::Paused,
        Health::Suspended => State::Suspended,
        Health::Degraded => State::Degraded,
        Health::Missing => State::Missing,
        Health::Unknown => State::Unknown,
        Health::Healthy => match version {
            Some(version) if drifts(live, version) && delivering => State::Rolling,
            Some(version) if drifts(live, version) => State::Drift,
            _ => State::Healthy,
        },
    }
}

/// Whether pods run anything else than `version`.
fn drifts(live: &LiveCell, version: &Version) -> bool {
    live.runs_other_than(version)
}

/// The version that a staged request would write, as far as it is known before planning.
pub fn staged_version(model: &Model, request: &ChangeRequest) -> Option<Version> {
    match &request.intent {
        Intent::Promote { from } => {
            let upstream = CellKey::new(request.cell.service.clone(), from.clone());
            model.git.desired.as_ref()?.version(&upstream).cloned()
        }
        Intent::Set { version } => Some(version.clone()),
        Intent::Revert { to, .. } => to.clone(),
    }
}

/// The upstream whose version this cell could get: the first that declares another one, and not an older one.
pub fn behind(model: &Model, key: &CellKey) -> Option<EnvironmentName> {
    let desired = model.git.desired.as_deref()?;
    let cell = desired.cells.get(key)?;
    let environment = model.setup.topology.get(&key.environment)?;
    let upstream = environment.from.iter().find(|from| {
        let theirs = desired.version(&CellKey::new(key.service.clone(), (*from).clone()));
        theirs
            .is_some_and(|theirs| cell.version.as_ref() != Some(theirs) && !is_ahead(cell, theirs))
    });
    upstream.cloned()
}

/// Why the cell is as it is, in one line; `None` where there is nothing to say.
pub fn why(model: &Model, key: &CellKey, view: &CellView<'_>) -> Option<String> {
    let live_reason = |live: &LiveCell| {
        let since = live.since.map(|since| age::between(since, model.now));
        match (&live.reason, since) {
            (Some(reason), Some(age)) => Some(format!("{reason}, {age}")),
            (Some(reason), None) => Some(reason.clone()),
            (None, _) => None,
        }
    };
    let counted = |live: &LiveCell| format!("{}/{} ready", live.ready, live.desired);
    let state = match (view.state, view.live) {
        (State::NoAccess, _) => match model.connection(&key.environment) {
            Connection::Denied { what } => Some(format!("{}: {what}", key.environment)),
            _ => None,
        },
        (State::Stale, Some(live)) => match view.was.trouble() {
            0 => None,
            _ => Some(match live_reason(live) {
                Some(reason) => format!("was {}: {reason}", view.was.name()),
                None => format!("was {}", view.was.name()),
            }),
        },
        (State::Drift, Some(live)) => {
            let running: Vec<&str> = live.versions.keys().map(Version::as_str).collect();
            Some(format!("live {}", running.join(", ")))
        }
        (State::Rolling | State::Degraded | State::Paused | State::Suspended, Some(live)) => {
            live_reason(live).or_else(|| Some(counted(live)))
        }
        (State::Missing, Some(live)) => {
            live_reason(live).or_else(|| Some("not in the cluster".to_owned()))
        }
        (State::Unknown, Some(live)) => {
            live_reason(live).or_else(|| Some("the cluster's words make no health".to_owned()))
        }
        (State::Unknown, None) => match model.connection(&key.environment) {
            Connection::Lost { reason, .. } => Some(format!("never seen: {reason}")),
            _ => Some("the cluster says nothing of it".to_owned()),
        },
        _ => None,
    };
    state.or_else(|| view.staged.map(|request| intent(&request.intent)))
}

/// What is staged, in words.
pub fn intent(intent: &Intent) -> String {
    match intent {
        Intent::Promote { from } => format!("staged: promotion from {from}"),
        Intent::Set { version } => format!("staged: set to {version}"),
        Intent::Revert {
            to: Some(version), ..
        } => format!("staged: revert to {version}"),
        Intent::Revert { to: None, .. } => "staged: back to inherited".to_owned(),
    }
}
