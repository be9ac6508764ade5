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
    ids::CellKey,
    subject::Subject,
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
    /// The names of its columns: a version that is one of them is mutable.
    pub environments: &'a [&'a str],
    /// How cells stand to their upstreams.
    pub skews: &'a Skews,
    /// What cells have been.
    pub past: &'a Past<'a>,
    /// What a cell is doing; of Git alone where no cluster was asked.
    pub status: &'a dyn Fn(&CellKey, &'a DesiredCell) -> CellStatus<'a>,
}

/// What a finding says, before it is put into words: those tell ages, and are only wanted of what is shown.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What it is about; a cell has one finding of a kind.
    pub kind: Kind,
    what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    /// What the cluster does beside Git.
    Running(CellStatus<'a>, &'a Version),
    Mutable(&'a Version),
    /// How the version stands to the upstream's, which comes last.
    Skewed(&'a Skewed, &'a Version, &'a Version),
    /// It went back to this version; the upstream declares the other.
    WentBack(&'a HistoryEntry, &'a Version, &'a Skewed, &'a Version),
    /// It came past the upstream.
    Past(&'a HistoryEntry, &'a Version, &'a Skewed),
}

/// Everything that drifts at `now`, by kind, then by cell.
pub fn findings(facts: &Facts<'_>, now: Timestamp) -> Vec<Finding> {
    let cells = facts.desired.cells.iter();
    let of = |(key, cell)| {
        let found = of_cell(facts, key, cell).into_iter();
        found.map(move |found| Finding {
            kind: found.kind,
            cell: key.clone(),
            detail: found.words(now),
        })
    };
    let mut found: Vec<Finding> = cells.flat_map(of).collect();
    found.sort_by(|a, b| (a.kind, &a.cell).cmp(&(b.kind, &b.cell)));
    found
}

/// What drifts in one cell.
pub fn of_cell<'a>(facts: &Facts<'a>, key: &CellKey, cell: &'a DesiredCell) -> Vec<Found<'a>> {
    let Some(version) = &cell.version else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut tell = |kind, what| all.push(Found { kind, what });
    let status = (facts.status)(key, cell);
    if let Some(kind) = running(&status) {
        tell(kind, What::Running(status, version));
    }
    if cell.subject != Subject::Setting && version.kind(facts.environments) == VersionKind::Mutable
    {
        tell(Kind::Mutable, What::Mutable(version));
    }
    let Some(skewed) = facts.skews.get(key) else {
        return all;
    };
    let upstream = skewed.upstream_of(key);
    let Some(theirs) = facts.desired.version(&upstream) else {
        return all;
    };
    let kind = match skewed.skew {
        Skew::Ahead => Kind::Ahead,
        Skew::Behind { .. } | Skew::Differs => Kind::Skew,
    };
    tell(kind, What::Skewed(skewed, version, theirs));
    let own = (facts.past)(key).first();
    let own = own.filter(|entry| entry.change.version.as_ref() == Some(version));
    match own.map(|entry| (entry, &entry.kind)) {
        Some((entry, ChangeKind::Revert)) => tell(
            Kind::Reverted,
            What::WentBack(entry, version, skewed, theirs),
        ),
        // What came past the upstream may be a fix that it lacks, whatever the two are called.
        Some((entry, ChangeKind::Bump))
            if kind == Kind::Skew
                && cell.subject != Subject::Setting
                && never((facts.past)(&upstream), version) =>
        {
            tell(Kind::Ahead, What::Past(entry, version, skewed));
        }
        _ => {}
    }
    all
}

impl Found<'_> {
    /// It in one line.
    pub fn words(&self, now: Timestamp) -> String {
        match self.what {
            What::Running(status, version) => runs(&status, version, now),
            What::Mutable(version) => {
                format!("{version} is mutable: it may mean another build tomorrow")
            }
            What::Skewed(skewed, version, theirs) => words(skewed, version, theirs),
            What::WentBack(entry, version, skewed, theirs) => format!(
                "went back to {version} {}; {} declares {theirs}",
                by(&entry.change, now),
                skewed.upstream
            ),
            What::Past(entry, version, skewed) => format!(
                "got {version} {}; {} never had it",
                by(&entry.change, now),
                skewed.upstream
            ),
        }
    }
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

/// What kind of thing the cluster does beside Git, if anything.
fn running(status: &CellStatus<'_>) -> Option<Kind> {
    match status.was {
        State::Drift | State::Missing => Some(Kind::Live),
        State::Suspended => Some(Kind::Suspended),
        _ => None,
    }
}

/// What the cluster does beside Git; of a lost one, what it last did.
fn runs(status: &CellStatus<'_>, version: &Version, now: Timestamp) -> String {
    // Where its agent says why, that is half of what is to be known.
    let hop = match status.why {
        Some(Why::Hop(hop)) => format!(": {}", hop.words(now)),
        _ => String::new(),
    };
    let detail = match (status.was, status.why) {
        (State::Missing, _) => {
            format!("Git declares {version}, the cluster has no such workload{hop}")
        }
        (State::Suspended, Some(Why::Reason(reason))) => match status.since {
            Some(since) => format!("{reason}, {}", age::between(since, now)),
            None => reason.to_owned(),
        },
        (State::Drift, Some(Why::Serves(running))) => {
            format!("Git declares {version}, the cluster would run {running}")
        }
        (State::Drift, Some(Why::Torn(live))) => {
            let digests = live
                .torn()
                .map_or_else(String::new, |torn| torn.to_string());
            format!("{version} means several images to its pods, by what nodes pulled: {digests}")
        }
        (State::Drift, _) => {
            let running = status.live.iter().flat_map(|live| &live.versions);
            let running = running.map(|(version, pods)| format!("{version} ×{pods}"));
            let running = running.collect::<Vec<_>>().join(", ");
            format!("Git declares {version}, the cluster runs {running}{hop}")
        }
        _ => "told not to move".to_owned(),
    };
    match status.live.filter(|_| status.state == State::Stale) {
        Some(live) => format!("{detail} (last seen {} ago)", age::between(live.as_of, now)),
        None => detail,
    }
}

/// Whether its history is known and has no such version.
fn never(upstream: &[HistoryEntry], version: &Version) -> bool {
    let had = |entry: &HistoryEntry| entry.change.brought(version);
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
