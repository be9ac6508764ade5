//! What one cell is doing: what Git declares, what the cluster says, how well that is known, and a delivery on its way, made
//! into one status. Nobody else judges a cell; [`crate::look`] has the glyph, the word and the tone of each state.

use jiff::Timestamp;

use super::{
    agent::{At, Hop},
    desired::DesiredCell,
    rollout::{Connection, Few, Health, LiveCell, PodState},
    version::Version,
};

/// The one thing that a cell's glyph says, worst first. Loading, empty, denied, absent, failed and stale are different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Failed, or failing.
    Degraded,
    /// Git declares it, the cluster has no such workload.
    Missing,
    /// The cluster answers and nothing can be made of it, or it never answered.
    Unknown,
    /// On its way.
    Rolling,
    /// Healthy, on another version than Git declares.
    Drift,
    /// Waits at a step of its own strategy.
    Paused,
    /// Told not to move.
    Suspended,
    /// The cluster refuses to tell (403).
    NoAccess,
    /// The cluster does not answer; this is the last that was known.
    Stale,
    /// The cluster's first answer has not come yet.
    Loading,
    /// Runs what Git declares, all of it ready.
    Healthy,
    /// No cluster is configured or asked, or pods cannot show what is declared: Git alone.
    GitOnly,
    /// Something that cannot be read stands in the version's place: a template, something encrypted, a link.
    Unread,
    /// The cell exists and declares no version.
    NotSet,
    /// There is no such cell.
    Absent,
}

/// Whether a delivery is bringing the cell forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivering {
    /// No: nothing was delivered, or that is over.
    #[default]
    No,
    /// Yes: that pods do not run yet what Git declares is on its way.
    Underway,
}

/// What a cell is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellStatus<'a> {
    /// What its glyph says.
    pub state: State,
    /// What it was before its source was lost; else the same as `state`.
    pub was: State,
    /// Why it is so, or was; `None` where there is nothing to say.
    pub why: Option<Why<'a>>,
    /// Since when that holds, where the cluster says so.
    pub since: Option<Timestamp>,
    /// How much it wants to be looked at; 0: not at all.
    pub trouble: u8,
    /// What the cluster says, where that counts: none where no cluster is configured, or before it was first reached.
    pub live: Option<&'a LiveCell>,
}

/// Why a cell is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'a> {
    /// In the cluster's words.
    Reason(&'a str),
    /// So many of its pods are ready.
    Ready {
        /// Ready pods.
        ready: u32,
        /// Wanted pods.
        desired: u32,
    },
    /// Pods run these versions, and not only the declared one.
    Runs(&'a Few<Version, u32>),
    /// The declared version means several images to its pods: it was pushed again, and nodes pulled it before and after.
    Torn(&'a LiveCell),
    /// No pods are wanted; they would run this version, which is not the declared one.
    Serves(&'a Version),
    /// Its version has not got through the agent or the controller.
    Hop(&'a Hop),
    /// The cluster has no such workload.
    NoWorkload,
    /// The cluster answers, and nothing can be made of that.
    NoHealth,
    /// The cluster refuses to tell, in its words.
    Denied(&'a str),
    /// The cluster has never been reached, for this reason.
    NeverReached(&'a str),
    /// The cluster is there and says nothing of the cell.
    NothingSaid,
    /// Its version was marked bad, for this reason, and nothing worse ails it.
    Vetoed(&'a str),
}

/// How much a vetoed version wants to be looked at: less than one that does not run as declared.
const VETOED: u8 = 45;

/// Judges one cell. `connection` is that of its environment's cluster: [`Connection::Unconfigured`] where there is none, and
/// where none is asked.
pub fn assess<'a>(
    declared: Option<&'a DesiredCell>,
    live: Option<&'a LiveCell>,
    connection: &'a Connection,
    delivering: Delivering,
) -> CellStatus<'a> {
    let live = live.filter(|live| counts(live, connection));
    let Some(cell) = declared else {
        return CellStatus::of(State::Absent);
    };
    let Some(version) = &cell.version else {
        // What runs there is not compared with what nobody can read, or with nothing.
        return CellStatus::of(match cell.unread {
            Some(_) => State::Unread,
            None => State::NotSet,
        });
    };
    let hidden = cell.subject.is_hidden() || live.is_some_and(|live| live.hidden);
    let known = live.map_or(State::Unknown, |live| running(live, version, delivering));
    let known = without_pods(known, hidden);
    let state = match (live, connection) {
        (_, Connection::Unconfigured) => State::GitOnly,
        (None, Connection::Connecting) => State::Loading,
        (None, Connection::Denied { .. }) => State::NoAccess,
        (None, Connection::Live | Connection::Lost { .. }) => State::Unknown,
        // What is denied may be another kind than the cell's own: the cell itself says so.
        (Some(live), Connection::Denied { .. }) if live.health == Health::Unknown => {
            State::NoAccess
        }
        (Some(live), Connection::Live | Connection::Denied { .. }) if !live.stale => known,
        (Some(_), _) if known == State::GitOnly => State::GitOnly,
        (Some(_), _) => State::Stale,
    };
    let state = without_pods(state, hidden);
    let was = if state == State::Stale { known } else { state };
    let why = why((was, version), live, connection);
    let trouble = match state {
        State::Stale => was.trouble().saturating_sub(5),
        state => state.trouble(),
    };
    let veto = cell.vetoed.as_deref().filter(|_| trouble < VETOED);
    CellStatus {
        state,
        was,
        why: veto.map(Why::Vetoed).or(why),
        since: live
            .filter(|_| was != State::GitOnly && (was != State::Healthy || why.is_some()))
            .and_then(|live| live.since),
        trouble: veto.map_or(trouble, |_| VETOED),
        live,
    }
}

/// How one pod is doing, in the words for cells.
pub fn of_pod(pod: &PodState) -> State {
    match (pod.ready, pod.reason.as_str()) {
        _ if pod.terminating => State::Suspended,
        // What is over as it should be is not ready, either.
        (true, _) | (false, "Completed") => State::Healthy,
        (false, "Running" | "Pending" | "ContainerCreating" | "PodInitializing") => State::Rolling,
        (false, _) => State::Degraded,
    }
}

impl State {
    /// Every state, worst first.
    pub const ALL: [Self; 15] = [
        Self::Degraded,
        Self::Missing,
        Self::Unknown,
        Self::Rolling,
        Self::Drift,
        Self::Paused,
        Self::Suspended,
        Self::NoAccess,
        Self::Stale,
        Self::Loading,
        Self::Healthy,
        Self::GitOnly,
        Self::Unread,
        Self::NotSet,
        Self::Absent,
    ];

    /// How much it wants to be looked at; 0: not at all. What a whole column shares (stale, loading, no access) is told once
    /// for the column, so it does not raise its rows.
    pub fn trouble(self) -> u8 {
        match self {
            Self::Degraded => 90,
            Self::Missing => 80,
            Self::Unknown => 70,
            Self::Rolling => 60,
            Self::Drift => 50,
            Self::Paused => 40,
            Self::Suspended => 30,
            Self::NoAccess
            | Self::Stale
            | Self::Loading
            | Self::Healthy
            | Self::GitOnly
            | Self::Unread
            | Self::NotSet
            | Self::Absent => 0,
        }
    }
}

impl CellStatus<'_> {
    /// A state with nothing to say about it.
    fn of(state: State) -> Self {
        Self {
            state,
            was: state,
            why: None,
            since: None,
            trouble: state.trouble(),
            live: None,
        }
    }

    /// How much of a progressive delivery is done, in percent, while one is under way.
    pub fn percent(&self) -> Option<u32> {
        let moves = matches!(
            self.state,
            State::Rolling | State::Paused | State::Suspended
        );
        let live = self.live.filter(|_| moves)?;
        live.progress.as_ref()?.percent()
    }

    /// Ready and wanted pods, while that is worth knowing.
    pub fn ready(&self) -> Option<(u32, u32)> {
        match self.state {
            State::Degraded | State::Rolling | State::Paused => {
                let live = self.live.filter(|live| !live.batch);
                live.map(|live| (live.ready, live.desired))
            }
            // What is scaled to zero serves nobody: no sign alone says that.
            State::Healthy => {
                let live = self.live.filter(|live| !live.batch && live.is_at_zero());
                live.map(|live| (live.ready, live.desired))
            }
            _ => None,
        }
    }
}

/// What was never known cannot be stale, and what a cluster said that is configured no more is nothing.
fn counts(live: &LiveCell, connection: &Connection) -> bool {
    match connection {
        Connection::Unconfigured => false,
        Connection::Live | Connection::Denied { .. } => true,
        Connection::Connecting | Connection::Lost { .. } => live.health != Health::Unknown,
    }
}

fn running(live: &LiveCell, version: &Version, delivering: Delivering) -> State {
    match live.health {
        Health::Progressing => State::Rolling,
        Health::Paused => State::Paused,
        Health::Suspended => State::Suspended,
        Health::Degraded => State::Degraded,
        Health::Missing => State::Missing,
        Health::Unknown => State::Unknown,
        Health::Healthy if live.runs_other_than(version) => match delivering {
            Delivering::Underway => State::Rolling,
            Delivering::No => State::Drift,
        },
        // A tag that means two images is drift inside the cell, whatever is delivered meanwhile.
        Health::Healthy if live.is_torn() => State::Drift,
        Health::Healthy => State::Healthy,
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

fn why<'a>(
    (state, version): (State, &Version),
    live: Option<&'a LiveCell>,
    connection: &'a Connection,
) -> Option<Why<'a>> {
    let reason = live.and_then(|live| live.reason.as_deref());
    let reason = reason.map(Why::Reason);
    // That pods do not run it is told by what ails them.
    let hop = live.and_then(|live| live.hop.as_ref());
    let hop = hop.filter(|hop| hop.at != At::Run).map(Why::Hop);
    match (state, live, connection) {
        (State::NoAccess, Some(live), _) if live.reason.is_some() => {
            live.reason.as_deref().map(Why::Denied)
        }
        (State::NoAccess, _, Connection::Denied { what }) => Some(Why::Denied(what)),
        (State::Missing | State::Drift, Some(_), _) if hop.is_some() => hop,
        // Nothing moves yet: it is on its way to the agent.
        (State::Rolling, Some(live), _) if hop.is_some() && live.health == Health::Healthy => hop,
        (State::Drift, Some(live), _) => match &live.serving {
            Some(serving) if live.is_at_zero() => Some(Why::Serves(serving)),
            _ if !live.runs_other_than(version) && live.is_torn() => Some(Why::Torn(live)),
            _ => Some(Why::Runs(&live.versions)),
        },
        (State::Healthy, Some(_), _) => reason,
        (State::Degraded | State::Rolling | State::Suspended, Some(live), _) if live.batch => {
            reason
        }
        (
            State::Rolling | State::Degraded | State::Paused | State::Suspended,
            Some(&LiveCell { ready, desired, .. }),
            _,
        ) => reason.or(Some(Why::Ready { ready, desired })),
        (State::Missing, Some(_), _) => reason.or(Some(Why::NoWorkload)),
        (State::Unknown, Some(_), _) => reason.or(Some(Why::NoHealth)),
        (State::Unknown, None, Connection::Lost { reason, .. }) => Some(Why::NeverReached(reason)),
        (State::Unknown, None, _) => Some(Why::NothingSaid),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
