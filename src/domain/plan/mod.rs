//! Staged changes, the verdicts on them, and the plan they become when frozen against a base commit.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    desired::{RefName, Tip},
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    policy::veto::VetoChange,
    topology::Deliver,
    version::Version,
};

mod along;
mod build;
mod bytes;
mod commands;
mod digest;
mod eligible;
mod ending;
mod file;
mod footprints;
mod freeze;
mod judging;
mod leave_out;
mod older;
mod order;
mod pin;
mod target;
mod waits;
mod waves;

#[cfg(test)]
mod merging;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod pinning;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod two_refs;

pub use along::{ALONG, Accept, MatrixOf, written};
pub use build::{Ask, EditCell, MergeRefs, PlanInput, TagCell, veto_places};
pub use eligible::{
    is_above, is_ahead, nothing_before, one_version_of_two, unreadable, upstream_for,
};
pub use ending::Ending;
pub use file::{PlanFile, SCHEMA};
pub use leave_out::build;
pub use waits::WaitsFor;
pub use waves::After;

/// What the operator asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// The cell to change.
    pub cell: CellKey,
    /// What to do with it.
    pub intent: Intent,
    /// How it came to be asked for.
    #[serde(default, skip_serializing_if = "Came::is_named")]
    pub came: Came,
}

/// How a cell came to be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// By its name: where it cannot change, nothing is written.
    #[default]
    Named,
    /// With others, by a column, `--all` or a glob: where it cannot change, it is skipped.
    Group,
}

/// Why a cell gets its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// Copy the version one step forward.
    Promote {
        /// The upstream it is copied from.
        from: EnvironmentName,
    },
    /// A version given by hand.
    Set {
        /// The version, as it is to be written.
        version: Version,
    },
    /// Restore an earlier desired version.
    Revert {
        /// The version; `None` restores "inherited".
        to: Option<Version>,
        /// A commit that declared it: what goes with the version is restored from there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<ObjectId>,
    },
}

/// What the operator asks for, and how it is to leave the clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The changes, in order.
    pub changes: Vec<ChangeRequest>,
    /// In place of what the environments say.
    pub deliver: Option<Deliver>,
    /// Holds that are lifted, of cells that were named and of those that are accepted, with their reasons.
    pub overrides: Vec<Override>,
    /// Cells that may come along with an edit though they were not asked for.
    pub accepted: Vec<Accept>,
    /// What was named and is held, or cannot change, is left out; else nothing is written.
    pub leave_out: bool,
    /// Why, in the operator's words, whether it lifts a hold or not; kept in the commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Cells that were asked for and of which it is known already that they cannot change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Skip>,
    /// Vetoes that are written or lifted in the same commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vetoes: Vec<VetoChange>,
    /// Open pull requests that its own take the place of: they are closed once these are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<Older>,
    /// All of it is one wave, whatever needs what: of what is taken back after a failure, no part waits until another is
    /// healthy. Its gates judge it like any other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_once: bool,
}

/// An open pull request for a cell that is planned again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Older {
    /// The ref that it goes into.
    pub into: RefName,
    /// Its number.
    pub number: u64,
}

/// A hold that the operator lifts, with the reason that is kept in the commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The gate's name.
    pub gate: String,
    /// Why; never empty.
    pub reason: String,
}

/// Staged changes frozen against the commits that they were judged on. A value: what is shown, confirmed, delivered, kept and
/// compared is this, and its digest names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What was asked for.
    pub request: PlanRequest,
    /// Where every ref was that it was judged on, in the order in which they are read.
    pub base: Vec<Tip>,
    /// How it leaves the clone.
    pub deliver: Deliver,
    /// What will change, in the order asked for, then what comes along.
    pub changes: Vec<PlannedChange>,
    /// What is written, wave by wave: what a wave holds is healthy before the next begins. One where nothing of it needs
    /// anything else of it; none where nothing is written.
    pub waves: Vec<Wave>,
    /// What will not, and why.
    pub skipped: Vec<Skip>,
    /// Where gates hold all of what came with a group: what would change if they did not. It is what one agrees to who lets
    /// it wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<PlannedChange>,
    /// What else is to be known before confirming, a sentence each.
    pub notes: Vec<String>,
    /// Names what is written and what was judged: [`Plan::digest_of`].
    pub digest: String,
}

/// Writes that go together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// One per ref and repository, in order.
    pub writes: Vec<Write>,
    /// Why its cells are in no earlier wave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<After>,
}

/// One commit or tag: what changes on one ref of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The ref with its commit, which the bytes below are relative to; of a new tag, the commit that it names.
    pub tip: Tip,
    /// What is done.
    pub action: Action,
    /// The exact edits, one per file, in path order.
    pub edits: Vec<FileEdit>,
    /// The message of the commit or tag.
    pub message: String,
    /// The cells that change with it.
    pub cells: Vec<CellKey>,
    /// Vetoes that it writes or lifts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vetoes: Vec<VetoChange>,
    /// Of its edits, the file that says what cells declare. Other cells move in it meanwhile: what counts of it are the lines that
    /// change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_step: Option<RepoPath>,
}

/// How a ref changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A commit with the edits.
    Edit,
    /// Another branch is merged, with everything on it.
    Merge {
        /// That branch.
        from: RefName,
        /// Its commit.
        commit: ObjectId,
        /// Nothing of its own is on the branch: it moves on to that commit, without a merge commit.
        fast_forward: bool,
    },
    /// A new annotated tag.
    Tag {
        /// The tag that it is promoted from, where it is.
        from: Option<RefName>,
    },
}

/// What merging one branch into another brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Nothing of its own is on the branch that gets it.
    pub fast_forward: bool,
    /// Every file that changes there, in path order.
    pub edits: Vec<FileEdit>,
    /// Cells of the branch whose version changes: (cell, before, after).
    pub cells: Vec<(CellKey, Option<Version>, Option<Version>)>,
    /// Why the version of those that declare none afterwards cannot be read.
    pub unread: BTreeMap<CellKey, String>,
}

/// A tag to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTag {
    /// Its ref.
    pub place: RefName,
    /// What it names.
    pub commit: ObjectId,
    /// The tag that it is promoted from.
    pub from: Option<RefName>,
    /// The version that the cell declares by it.
    pub version: Version,
    /// Other cells that follow the same tags and move with it: (cell, before, after).
    pub along: Vec<(CellKey, Option<Version>, Option<Version>)>,
}

/// One cell that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The cell.
    pub cell: CellKey,
    /// What was asked for, by which it changes.
    pub intent: Intent,
    /// Its version at the base.
    pub from: Option<Version>,
    /// Its version in the plan; `None` restores "inherited".
    pub to: Option<Version>,
    /// What it inherits then, where it is restored to that and it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherits: Option<Version>,
    /// The tag that its environment has written with its digest: `to` has that, or is the tag alone where the registry does
    /// not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pins: Option<Version>,
    /// What each gate says.
    pub verdicts: Vec<Verdict>,
    /// Nobody asked for it: how it comes along with what was asked for.
    pub along: Option<Along>,
}

/// How a cell comes along that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Along {
    /// It belongs to what was asked for: a merge of branches brings it, or a tag that cells share.
    Belongs,
    /// It is read from bytes that an edit of these cells changes. Holds until it is accepted.
    Edit {
        /// Cells that were asked for.
        of: Vec<CellKey>,
    },
}

/// One file's bytes before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// The file.
    pub path: RepoPath,
    /// Its bytes at the base.
    #[serde(with = "bytes")]
    pub before: Vec<u8>,
    /// Its bytes in the plan.
    #[serde(with = "bytes")]
    pub after: Vec<u8>,
}

/// A cell that was asked for and will not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The cell.
    pub cell: CellKey,
    /// Which kind of reason.
    pub cause: SkipCause,
    /// The sentence: file and line where there are some, why, and what to do.
    pub detail: String,
    /// What it means for the rest of the plan.
    #[serde(default)]
    pub standing: Standing,
    /// The gate that holds it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
}

/// What a skipped cell means for the rest of its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The rest goes on: it came with a group, or is there already.
    #[default]
    Aside,
    /// It was named, and the operator lets the rest go without it.
    LeftOut,
    /// It was named: nothing is written.
    Stops,
}

/// Why a change was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipCause {
    /// The target has it.
    AlreadyThere,
    /// What is there is newer than what would come, or may hold a fix that it lacks.
    Ahead,
    /// It was reverted here since it last came.
    Reverted,
    /// The upstream does not declare it.
    NotInUpstream,
    /// A gate holds it.
    Held,
    /// Its version was marked bad.
    Vetoed,
    /// The cell declares no version and has no place for one.
    NotDeclared,
    /// The file cannot be read or edited.
    NotParseable,
    /// The file or the value is encrypted, or a checksum covers it.
    Encrypted,
    /// Branches that it would merge contradict each other.
    Conflict,
}

/// Something that a gate's answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What was asked: `what runs in web / staging`.
    pub what: String,
    /// When that was answered; `None`: nobody could say.
    pub at: Option<Timestamp>,
}

/// How much a gate's no weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No override lifts it.
    Hard,
    /// It holds until it is overridden with a reason.
    #[default]
    Hold,
    /// It is said, and holds nothing.
    Warn,
}

/// What a gate says about a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// `upstream`, `immutable`, …
    pub gate: String,
    /// How much it weighs.
    #[serde(default)]
    pub level: Level,
    /// The answer.
    pub outcome: Outcome,
    /// Its inputs and their age, in a sentence.
    pub detail: String,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The earliest time at which it can pass by waiting alone; `None`: waiting does not help, or it passes.
    #[serde(default)]
    pub earliest: Option<Timestamp>,
    /// The written reason, where a hold was overridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
}

impl Plan {
    /// What is written, in order.
    pub fn writes(&self) -> impl Iterator<Item = &Write> + Clone {
        self.waves.iter().flat_map(|wave| &wave.writes)
    }

    /// The exact edits of every write, in order.
    pub fn edits(&self) -> impl Iterator<Item = &FileEdit> {
        self.writes().flat_map(|write| &write.edits)
    }

    /// Nothing is written.
    pub fn is_empty(&self) -> bool {
        self.writes().next().is_none()
    }

    /// The changes that one write brings.
    pub fn changes_of<'a>(&'a self, write: &'a Write) -> impl Iterator<Item = &'a PlannedChange> {
        let cells: HashSet<&CellKey> = write.cells.iter().collect();
        let changes = self.changes.iter();
        changes.filter(move |change| cells.contains(&change.cell))
    }

    /// Nothing of what was asked for is left, neither changes, held or not, nor vetoes.
    pub fn is_void(&self) -> bool {
        self.changes.is_empty() && self.writes().all(|write| write.vetoes.is_empty())
    }

    /// Changes that nobody named and nobody accepted.
    pub fn unaccepted(&self) -> impl Iterator<Item = &PlannedChange> {
        self.changes.iter().filter(|change| change.is_unaccepted())
    }

    /// What is confirmed with it: what changes, or would as soon as gates let it.
    pub fn promised(&self) -> &[PlannedChange] {
        if self.changes.is_empty() {
            &self.held_back
        } else {
            &self.changes
        }
    }

    /// Changes that a gate holds; nothing is written while there is one.
    pub fn held(&self) -> impl Iterator<Item = &PlannedChange> {
        self.changes.iter().filter(|change| change.is_held())
    }
}

impl PlannedChange {
    /// `promote`, `set` or `revert`; `remove` where a cell that comes along loses its version.
    pub fn verb(&self) -> &'static str {
        match self.intent {
            _ if self.is_unreadable() => "change",
            _ if self.to.is_none() && self.along.is_some() => "remove",
            Intent::Promote { .. } => "promote",
            Intent::Set { .. } => "set",
            Intent::Revert { .. } => "revert",
        }
    }

    /// Its version in the plan, in a word: `inherited` where one is restored, `nothing` where a cell that comes along loses
    /// its version.
    pub fn after(&self) -> &str {
        match (&self.to, &self.along) {
            (Some(version), _) => version.as_str(),
            (None, None) => "inherited",
            (None, Some(_)) if self.is_unreadable() => "what cannot be read",
            (None, Some(_)) => "nothing",
        }
    }

    /// It gives its own version up for the one it inherits.
    pub fn is_restored(&self) -> bool {
        self.to.is_none() && self.along.is_none()
    }

    /// It comes along, and what it declares then cannot be read.
    pub fn is_unreadable(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        self.to.is_none() && verdicts.any(|verdict| verdict.gate == along::UNREAD)
    }

    /// Nobody named it, and nobody accepted that it comes along.
    pub fn is_unaccepted(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        verdicts.any(|verdict| verdict.gate == ALONG && verdict.holds())
    }

    /// A gate holds it, and nobody overrode that; or it comes along and nobody accepted that.
    pub fn is_held(&self) -> bool {
        self.verdicts.iter().any(Verdict::holds)
    }
}

impl Verdict {
    /// What is said of a change beside its gates.
    pub fn beside(gate: &str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            gate: gate.to_owned(),
            level: Level::Hold,
            outcome,
            detail: detail.into(),
            inputs: Vec::new(),
            earliest: None,
            overridden: None,
        }
    }

    /// Stops the change: a hold without an override.
    pub fn holds(&self) -> bool {
        self.outcome == Outcome::Hold && self.overridden.is_none()
    }
}

impl Came {
    /// By its name.
    pub fn is_named(&self) -> bool {
        *self == Self::Named
    }
}

impl Skip {
    /// A cell that was asked for like this, and cannot change.
    pub fn new(cell: CellKey, came: Came, (cause, detail): (SkipCause, String)) -> Self {
        let standing = match (cause, came) {
            (SkipCause::AlreadyThere, _) | (_, Came::Group) => Standing::Aside,
            (_, Came::Named) => Standing::Stops,
        };
        Self {
            cell,
            cause,
            detail,
            standing,
            gate: None,
        }
    }
}

impl SkipCause {
    /// A gate holds it: nothing is wrong with the cell.
    pub fn is_held(self) -> bool {
        matches!(
            self,
            Self::Ahead | Self::Reverted | Self::Held | Self::Vetoed
        )
    }

    /// Something is broken that had to be read or written. What is meant to be so (not declared, encrypted) is not.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::NotParseable | Self::Conflict)
    }

    /// The word of the command line's output, such as `already-there`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyThere => "already-there",
            Self::Ahead => "ahead",
            Self::Reverted => "reverted",
            Self::NotInUpstream => "not-in-upstream",
            Self::Held => "held",
            Self::Vetoed => "vetoed",
            Self::NotDeclared => "not-declared",
            Self::NotParseable => "not-parseable",
            Self::Encrypted => "encrypted",
            Self::Conflict => "conflict",
        }
    }
}

impl Outcome {
    /// The word of the command line's output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Hold => "hold",
            Self::Unknown => "unknown",
        }
    }
}

/// A gate's answer. Unknown is not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Goes on.
    Pass,
    /// Goes on, with a word.
    Warn,
    /// Does not go on without an override.
    Hold,
    /// Not known, and this environment lets unknown pass with a word.
    Unknown,
}
