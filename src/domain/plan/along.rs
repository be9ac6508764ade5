//! What moves with an edit though nobody named it.
//!
//! An edit changes bytes, and more cells than one may be read from them: an anchor and its aliases, a merge key, a file that
//! others fall back to, one line for several environments. So the matrix is kept up to date edit by edit, and every cell
//! that it declares otherwise in the end is in the plan: by its name, or as coming along, which holds until it is accepted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Along, FileEdit, Outcome, PlanInput, Verdict};
use crate::domain::{
    desired::RefName,
    glob,
    ids::{CellKey, RepoPath},
    layout::{Assembler, Origin},
    version::Version,
};

/// What the verdict is called on a cell that moves with an edit and was not named. No gate: no override lifts it.
pub const ALONG: &str = "along";
/// What a plan says of a cell that a merge brings along and that nobody can read afterwards.
pub(super) const UNREAD: &str = "unread";

/// Gives the matrix of one ref at its base, to be edited.
pub type MatrixOf<'a> = &'a dyn Fn(&Origin) -> Assembler;

/// Cells that the operator lets come along with an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accept {
    /// Whatever comes.
    All,
    /// This one.
    Cell(CellKey),
    /// Those whose `SERVICE/ENVIRONMENT` is like this pattern, of `*` and `?`.
    Like(String),
}

impl Accept {
    /// `all`, or a cell or pattern as `SERVICE/ENVIRONMENT`; `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "all" => Some(Self::All),
            text => text.contains('/').then(|| Self::Like(text.to_owned())),
        }
    }

    /// Whether it speaks of this cell.
    pub fn covers(&self, cell: &CellKey) -> bool {
        match self {
            Self::All => true,
            Self::Cell(accepted) => accepted == cell,
            Self::Like(pattern) => glob::is_match(pattern, &written(cell)),
        }
    }
}

/// `web/prod`: a cell as it is typed.
pub fn written(cell: &CellKey) -> String {
    format!("{}/{}", cell.service, cell.environment)
}

/// The verdict on a cell that moves with the edit of others; none where it belongs to what was asked for. `asked` is what the
/// operator asked for of it, which is something else.
pub(super) fn verdict(along: &Along, accepted: bool, asked: Option<&Version>) -> Option<Verdict> {
    let Along::Edit { of } = along else {
        return None;
    };
    let others: Vec<String> = of.iter().take(3).map(ToString::to_string).collect();
    let more = match of.len() - others.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let edit = format!("it moves with the edit of {}{more}", others.join(", "));
    let (outcome, detail) = match asked {
        _ if accepted => (Outcome::Pass, format!("accepted: {edit}")),
        Some(version) => (
            Outcome::Hold,
            format!("{version} was asked for here, and {edit}"),
        ),
        None => (Outcome::Hold, format!("nobody named it: {edit}")),
    };
    Some(Verdict::beside(ALONG, outcome, detail))
}

/// A cell that a merge makes unreadable: what is not known is no pass.
pub(super) fn unread(why: &str, protected: bool) -> Verdict {
    let outcome = if protected {
        Outcome::Hold
    } else {
        Outcome::Warn
    };
    let detail = format!(
        "what it declares cannot be read afterwards: {why}; mend it where it comes from, or promote the version alone"
    );
    Verdict::beside(UNREAD, outcome, detail)
}

/// What is said of a place that goes with a version (`also`) and moves while that stays.
pub(super) fn beside(
    (path, line, before, after): &(RepoPath, u32, Option<Version>, Option<Version>),
) -> Verdict {
    let text = |version: &Option<Version>| {
        let version = version.as_ref().map(Version::as_str);
        version.unwrap_or("nothing").to_owned()
    };
    let detail = format!(
        "{path}:{line}: {} becomes {} (`also`), and the version stays: the place is shared; tell the two apart in its \
         `path`, if it is not meant to be",
        text(before),
        text(after)
    );
    Verdict::beside("also", Outcome::Warn, detail)
}

/// The matrix with the edits of a plan so far.
#[derive(Default)]
pub(super) struct Edited {
    /// Refs that were edited, or had to be looked at.
    refs: Vec<(Origin, Assembler)>,
    /// Every cell that some edit moved.
    moved: BTreeMap<CellKey, Moved>,
}

/// A cell that an edit moved.
pub(super) struct Moved {
    /// What it declares now.
    pub(super) now: Option<Version>,
    /// Whose edits moved it, beside its own.
    pub(super) by: Vec<CellKey>,
    /// The ref of the last of them.
    pub(super) place: RefName,
}

impl Edited {
    /// Takes the files that the change of `cell` edits on the ref `place`.
    pub(super) fn take(
        &mut self,
        cell: &CellKey,
        place: &RefName,
        edits: &[FileEdit],
        input: &PlanInput<'_>,
    ) {
        // A ref may be read in several ways: as the one of all environments and as one of its own.
        let tips = input.desired.tips.iter();
        let mut origins: Vec<Origin> = tips
            .filter(|tip| tip.name == *place)
            .map(|tip| tip.origin.clone())
            .collect();
        if origins.is_empty() {
            let known = input.desired.cells.get(cell);
            origins.push(known.map(|cell| cell.origin.clone()).unwrap_or_default());
        }
        for origin in origins {
            let matrix = self.matrix(&origin, input);
            for edit in edits {
                matrix.edit(&edit.path, &edit.after);
            }
            for (key, _, after) in matrix.take_changes() {
                let now = self.joined(&key, after, &origin, input);
                self.note(key, now, cell, place, input);
            }
        }
    }

    /// Takes the edits that give all these cells their versions, unless other cells move with them: then nothing is taken.
    pub(super) fn take_together(
        &mut self,
        cells: &BTreeSet<&CellKey>,
        place: &RefName,
        edits: &[FileEdit],
        input: &PlanInput<'_>,
    ) -> bool {
        let tips = input.desired.tips.iter();
        let origins: Vec<Origin> = tips
            .filter(|tip| tip.name == *place)
            .map(|tip| tip.origin.clone())
            .collect();
        let mut moved = Vec::new();
        for origin in &origins {
            let matrix = self.matrix(origin, input);
            for edit in edits {
                matrix.edit(&edit.path, &edit.after);
            }
            let changes = matrix.take_changes().into_iter();
            moved.extend(changes.map(|(key, _, after)| (key, after, origin)));
        }
        if origins.is_empty() || moved.iter().any(|(key, ..)| !cells.contains(key)) {
            for origin in &origins {
                let matrix = self.matrix(origin, input);
                for edit in edits {
                    matrix.edit(&edit.path, &edit.before);
                }
                matrix.take_changes();
            }
            return false;
        }
        for (key, after, origin) in moved {
            let now = self.joined(&key, after, origin, input);
            self.note(key.clone(), now, &key, place, input);
        }
        true
    }

    /// What a cell declares with the edits so far.
    pub(super) fn version<'a>(
        &'a self,
        cell: &CellKey,
        input: &PlanInput<'a>,
    ) -> Option<&'a Version> {
        match self.moved.get(cell) {
            Some(moved) => moved.now.as_ref(),
            None => input.desired.version(cell),
        }
    }

    /// Whose edits moved a cell that declares something else now, beside its own.
    pub(super) fn movers(&self, cell: &CellKey, input: &PlanInput<'_>) -> Option<&Moved> {
        let moved = self.moved.get(cell)?;
        let other = moved.now.as_ref() != input.desired.version(cell);
        (other && !moved.by.is_empty()).then_some(moved)
    }

    /// Every cell that declares something else now, in cell order.
    pub(super) fn moved<'s>(
        &'s self,
        input: &'s PlanInput<'_>,
    ) -> impl Iterator<Item = (&'s CellKey, &'s Moved)> {
        let all = self.moved.iter();
        all.filter(|(key, moved)| moved.now.as_ref() != input.desired.version(key))
    }

    fn note(
        &mut self,
        key: CellKey,
        now: Option<Version>,
        by: &CellKey,
        place: &RefName,
        input: &PlanInput<'_>,
    ) {
        let known = self.moved.entry(key);
        let own = known.key() == by;
        let before = input.desired.version(known.key());
        let moved = known.or_insert_with(|| Moved {
            now: before.cloned(),
            by: Vec::new(),
            place: place.clone(),
        });
        if moved.now == now {
            return;
        }
        moved.now = now;
        moved.place = place.clone();
        if !own && !moved.by.contains(by) {
            moved.by.push(by.clone());
        }
    }

    /// What the cell declares in the matrix of all refs, where the ref `origin` declares `after`.
    fn joined(
        &mut self,
        key: &CellKey,
        after: Option<Version>,
        origin: &Origin,
        input: &PlanInput<'_>,
    ) -> Option<Version> {
        let desired = input.desired;
        let elsewhere = desired.cells.get(key).map(|cell| &cell.origin);
        let only = desired.tips.len() <= 1;
        if only || after.is_some() && elsewhere.is_none_or(|other| other == origin) {
            return after;
        }
        // Several refs may give it: as `Desired::join` has it.
        let mut best: Option<(bool, usize)> = None;
        let mut version = None;
        for tip in &desired.tips {
            let matrix = self.matrix(&tip.origin, input);
            let Some((declared, layout)) = matrix.declared(key) else {
                continue;
            };
            let rank = (declared.is_none(), layout);
            if best.is_none_or(|best| rank < best) {
                best = Some(rank);
                version = declared.cloned();
            }
        }
        version
    }

    fn matrix(&mut self, origin: &Origin, input: &PlanInput<'_>) -> &mut Assembler {
        let known = self.refs.iter().position(|(known, _)| known == origin);
        let at = known.unwrap_or_else(|| {
            let mut matrix = (input.matrix)(origin);
            matrix.take_changes();
            self.refs.push((origin.clone(), matrix));
            self.refs.len() - 1
        });
        &mut self.refs[at].1
    }
}
