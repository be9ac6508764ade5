//! Where environments differ from each other, and clusters from Git: what has been forgotten, or was done beside.
//!
//! ```text
//!  staging 1.42.0 ──► prod-us 1.41.3 ↑2    skew: behind by two of staging's versions
//!                 └─► prod-eu 1.42.1 ↓     ahead: runs what staging does not
//! ```
//!
//! Pure, and used by the matrix, by the screen and by the command alike: they word nothing and decide nothing of their own.

use std::fmt;

use jiff::Timestamp;

use super::{
    age,
    cell::{CellStatus, State, Why},
    desired::{Desired, DesiredCell},
    history::{ChangeKind, HistoryEntry, ValueChange},
    ids::{CellKey, EnvironmentName},
    subject::Subject,
    topology::Topology,
    version::{Version, VersionKind},
};

mod skew;
#[cfg(test)]
mod tests;

pub use skew::{Skew, Skewed, Skews, skews, skews_of};

/// A cell's values, newest first; none where they are not known.
pub type Past<'p> = dyn Fn(&CellKey) -> &'p [HistoryEntry] + 'p;

/// What a finding is about, those that hurt most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The cluster runs something else than Git declares, or nothing, while nothing is rolling out.
    Live,
    /// A version that the upstream does not have, and that orders above its own or came past it.
    Ahead,
    /// Went back to an earlier version, while the upstream has another one still.
    Reverted,
    /// Told not to move.
    Suspended,
    /// The version may mean another build tomorrow.
    Mutable,
    /// Another version than the upstream's.
    Skew,
}

impl Kind {
    /// All of them, in the order in which findings are told.
    pub const ALL: [Self; 6] = [
        Self::Live,
        Self::Ahead,
        Self::Reverted,
        Self::Suspended,
        Self::Mutable,
        Self::Skew,
    ];

    /// Its word, on the screen and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ahead => "ahead",
            Self::Reverted => "reverted",
            Self::Suspended => "suspended",
            Self::Mutable => "mutable",
            Self::Skew => "skew",
        }
    }

    /// The kind called so.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that is not as it would be if everything went its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// The cell that it was found in.
    pub cell: CellKey,
    /// In one line.
    pub detail: String,
}

/// What is judged.
pub struct Facts<'a> {
    /// What Git declares.
    pub desired: &'a Desired,
    /// Environments and their upstreams.
    pub topology: &'a Topology,
    /// How cells stand to their upstreams.
    pub skews: &'a Skews,
    /// What cells have been.
    pub past: &'a Past<'a>,
    /// What a cell is doing; of Git alone where no cluster was asked.
    pub status: &'a dyn Fn(&CellKey, &'a DesiredCell) -> CellStatus<'a>,
}

/// Everything that drifts at `now`, by kind, then by cell.
pub fn findings(facts: &Facts<'_>, now: Timestamp) -> Vec<Finding> {
    let environments: Vec<&str> = facts
        .desired
        .environments
        .iter()
        .map(EnvironmentName::as_str)
        .collect();
    let mut found = Vec::new();
    for (key, cell) in &facts.desired.cells {
        let Some(version) = &cell.version else {
            continue;
        };
        let mut tell = |kind, detail: String| {
            found.push(Finding {
                kind,
                cell: key.clone(),
                detail,
            });
        };
        let status = (facts.status)(key, cell);
        if let Some((kind, detail)) = running(&status, version, now) {
            tell(kind, detail);
        }
        if cell.subject != Subject::Setting && version.kind(&environments) == VersionKind::Mutable {
            tell(
                Kind::Mutable,
                format!("{version} is mutable: it may mean another build tomorrow"),
            );
        }
        let Some(skewed) = facts.skews.get(key) else {
            continue;
        };
        let upstream = skewed.upstream_of(key);
        let Some(theirs) = facts.desired.version(&upstream) else {
            continue;
        };
        let kind = match skewed.skew {
            Skew::Ahead => Kind::Ahead,
            Skew::Behind { .. } | Skew::Differs => Kind::Skew,
        };
        tell(kind, words(skewed, version, theirs));
        let own = (facts.past)(key).first();
        let own = own.filter(|entry| entry.change.version.as_ref() == Some(version));
        match own.map(|entry| (entry, &entry.kind)) {
            Some((entry, ChangeKind::Revert)) => tell(
                Kind::Reverted,
                format!(
                    "went back to {version} {}; {} declares {theirs}",
                    by(&entry.change, now),
                    skewed.upstream
                ),
            ),
            // What came past the upstream may be a fix that it lacks, whatever the two are called.
            Some((entry, ChangeKind::Bump))
                if kind == Kind::Skew
                    && cell.subject != Subject::Setting
                    && never((facts.past)(&upstream), version) =>
            {
                let detail = format!(
                    "got {version} {}; {} never had it",
                    by(&entry.change, now),
                    skewed.upstream
                );
                tell(Kind::Ahead, detail);
            }
            _ => {}
        }
    }
    found.sort_by(|a, b| (a.kind, &a.cell).cmp(&(b.kind, &b.cell)));
    found
}

/// How a cell stands to its upstream, in words: `2 behind staging: 1.41.3, staging declares 1.42.0`.
pub fn words(skewed: &Skewed, own: &Version, theirs: &Version) -> String {
    let upstream = &skewed.upstream;
    let how = match skewed.skew {
        Skew::Behind { by: Some(by) } => format!("{by} behind {upstream}"),
        Skew::Behind { by: None } => format!("behind {upstream}"),
        Skew::Ahead => format!("ahead of {upstream}"),
        Skew::Differs => format!("differs from {upstream}"),
    };
    format!("{how}: {own}, {upstream} declares {theirs}")
}

/// What the cluster does beside Git; of a lost one, what it last did.
fn running(status: &CellStatus<'_>, version: &Version, now: Timestamp) -> Option<(Kind, String)> {
    let (kind, detail) = match (status.was, status.why) {
        (State::Drift, Some(Why::Runs(running))) => {
            let running: Vec<String> = running
                .iter()
                .map(|(version, pods)| format!("{version} ×{pods}"))
                .collect();
            let running = running.join(", ");
            (
                Kind::Live,
                format!("Git declares {version}, the cluster runs {running}"),
            )
        }
        (State::Missing, _) => (
            Kind::Live,
            format!("Git declares {version}, the cluster has no such workload"),
        ),
        (State::Suspended, Some(Why::Reason(reason))) => (
            Kind::Suspended,
            match status.since {
                Some(since) => format!("{reason}, {}", age::between(since, now)),
                None => reason.to_owned(),
            },
        ),
        (State::Suspended, _) => (Kind::Suspended, "told not to move".to_owned()),
        _ => return None,
    };
    let live = status.live.filter(|_| status.state == State::Stale);
    Some((
        kind,
        match live {
            Some(live) => format!("{detail} (last seen {} ago)", age::between(live.as_of, now)),
            None => detail,
        },
    ))
}

/// Whether its history is known and has no such version.
fn never(upstream: &[HistoryEntry], version: &Version) -> bool {
    let had = |entry: &HistoryEntry| entry.change.version.as_ref() == Some(version);
    !upstream.is_empty() && !upstream.iter().any(had)
}

/// `2h ago by Jane, in 1a2b3c4`
fn by(change: &ValueChange, now: Timestamp) -> String {
    format!(
        "{} ago by {}, in {}",
        age::between(change.landed.time, now),
        change.authored.author,
        change.landed.commit.short()
    )
}
