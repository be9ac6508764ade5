//! From what is asked for to exact bytes with verdicts: pure, composed change by change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ChangeRequest, FileEdit, Intent, Plan, PlannedChange, Skip, SkipCause, Verdict};
use crate::domain::{
    desired::Desired,
    gate,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    rollout::{Connection, LiveCell},
    topology::Topology,
    version::Version,
};

/// Reads a file: its bytes at the base, or with the earlier changes of the same plan.
pub type ReadFile<'a> = &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>;

/// Writes a version into a cell: the files that change, or why none can.
///
/// `None` restores "inherited". The function given reads files as the plan has them so far.
pub type EditCell<'a> = &'a dyn Fn(
    &CellKey,
    Option<&Version>,
    ReadFile<'_>,
) -> Result<Vec<FileEdit>, (SkipCause, String)>;

/// What is known of the running side, with its times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What clusters say about cells; a cell that is not here is not known.
    pub live: BTreeMap<CellKey, LiveCell>,
    /// How well each environment's cluster is known; one that is not here was not asked.
    pub connections: BTreeMap<EnvironmentName, Connection>,
}

/// A hold that the operator lifts, with the reason that is kept in the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The gate's name.
    pub gate: String,
    /// Why; never empty.
    pub reason: String,
}

/// Everything a plan depends on.
#[derive(Clone, Copy)]
pub struct PlanInput<'a> {
    /// The commit that edits are relative to.
    pub base: ObjectId,
    /// The matrix there.
    pub desired: &'a Desired,
    /// Environments and their policy.
    pub topology: &'a Topology,
    /// The running side.
    pub facts: &'a Facts,
    /// Holds that are lifted.
    pub overrides: &'a [Override],
    /// Bytes of files at the base.
    pub files: ReadFile<'a>,
    /// Writes a version into a cell.
    pub edit: EditCell<'a>,
    /// The moment that ages are counted to.
    pub now: Timestamp,
}

/// Freezes `requests` against a base. Pure: the same input gives the same plan.
///
/// A change that a gate holds stays in the plan with its verdict; see [`Plan::held`].
pub fn build(requests: &[ChangeRequest], input: &PlanInput<'_>) -> Plan {
    let mut plan = Plan {
        base: input.base,
        changes: Vec::new(),
        edits: Vec::new(),
        skipped: Vec::new(),
    };
    let mut edited: BTreeMap<RepoPath, FileEdit> = BTreeMap::new();
    for request in requests {
        match change(request, input, &mut edited) {
            Ok(change) => plan.changes.push(change),
            Err((cause, detail)) => plan.skipped.push(Skip {
                cell: request.cell.clone(),
                cause,
                detail,
            }),
        }
    }
    plan.edits = edited.into_values().collect();
    plan
}

fn change(
    request: &ChangeRequest,
    input: &PlanInput<'_>,
    edited: &mut BTreeMap<RepoPath, FileEdit>,
) -> Result<PlannedChange, (SkipCause, String)> {
    let key = &request.cell;
    let from = input.desired.version(key).cloned();
    let to = wanted(request, input.desired)?;
    let inherited = input
        .desired
        .cells
        .get(key)
        .is_some_and(|cell| cell.inherited);
    match &to {
        Some(version) if from.as_ref() == Some(version) => {
            return Err((
                SkipCause::AlreadyThere,
                format!("{} declares {version} already", key.environment),
            ));
        }
        None if inherited => {
            return Err((
                SkipCause::AlreadyThere,
                format!("{} inherits its version already", key.environment),
            ));
        }
        _ => {}
    }

    let read = |path: &RepoPath| match edited.get(path) {
        Some(edit) => Some(edit.after.clone()),
        None => (input.files)(path),
    };
    let edits = (input.edit)(key, to.as_ref(), &read)?;
    for edit in edits {
        match edited.get_mut(&edit.path) {
            Some(earlier) => earlier.after = edit.after,
            None => {
                edited.insert(edit.path.clone(), edit);
            }
        }
    }

    let mut verdicts = gate::judge(key, &request.intent, to.as_ref(), input);
    for verdict in &mut verdicts {
        lift(verdict, input.overrides);
    }
    Ok(PlannedChange {
        cell: key.clone(),
        intent: request.intent.clone(),
        from,
        to,
        verdicts,
    })
}

/// The version that the change writes; `None` restores "inherited".
fn wanted(
    request: &ChangeRequest,
    desired: &Desired,
) -> Result<Option<Version>, (SkipCause, String)> {
    let key = &request.cell;
    match &request.intent {
        Intent::Promote { from } => {
            let upstream = CellKey::new(key.service.clone(), from.clone());
            match desired.version(&upstream) {
                Some(version) => Ok(Some(version.clone())),
                None => Err((
                    SkipCause::NotInUpstream,
                    format!("{from} declares no version of {}", key.service),
                )),
            }
        }
        Intent::Set { version } => Ok(Some(version.clone())),
        Intent::Revert { to } => Ok(to.clone()),
    }
}

fn lift(verdict: &mut Verdict, overrides: &[Override]) {
    if !verdict.holds() {
        return;
    }
    if let Some(given) = overrides.iter().find(|given| given.gate == verdict.gate) {
        verdict.overridden = Some(given.reason.clone());
    }
}
