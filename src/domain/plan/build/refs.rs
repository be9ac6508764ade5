//! What goes as a merge or a tag, and what that brings along.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    super::{
        Action, Along, Came, ChangeRequest, Intent, Merge, NewTag, Plan, PlannedChange, SkipCause,
        along, judging::JudgedAs,
    },
    Draft, Drafted, Merging, PlanInput, Refused, judged,
};
use crate::domain::{
    desired::{Desired, Tip},
    ids::CellKey,
    version::Version,
};

impl Draft {
    pub(super) fn merge(&mut self, theirs: &Tip, ours: &Tip, input: &PlanInput<'_>) -> Merging {
        let pair = (theirs.name.clone(), ours.name.clone());
        let known = self.merges.entry(pair);
        known
            .or_insert_with(|| (input.merge)(theirs, ours).map(Rc::new))
            .clone()
    }

    pub(super) fn add_merge(
        &mut self,
        key: &CellKey,
        to: Option<&Version>,
        (theirs, ours): (&Tip, &Tip),
        merge: &Result<Merge, String>,
    ) -> Result<(), Refused> {
        let refused = |detail: String| Err((SkipCause::Conflict, detail));
        let known = self
            .writes
            .iter_mut()
            .find(|write| write.tip.name == ours.name);
        if let Some(write) = known {
            match &write.action {
                Action::Merge { from, .. } if *from == theirs.name => {}
                _ => {
                    return refused(format!(
                        "{} gets other changes in the same plan; merge {} in a plan of its own",
                        ours.name, theirs.name
                    ));
                }
            }
            if !write
                .all
                .iter()
                .any(|(cell, _, after)| cell == key && after.as_ref() == to)
            {
                return refused(left_behind(key, to, theirs, ours));
            }
            write.cells.push(key.clone());
            return Ok(());
        }
        let merge = match merge {
            Ok(merge) => merge,
            Err(detail) => return refused(detail.clone()),
        };
        if !merge
            .cells
            .iter()
            .any(|(cell, _, after)| cell == key && after.as_ref() == to)
        {
            return refused(left_behind(key, to, theirs, ours));
        }
        self.writes.push(Drafted {
            tip: ours.clone(),
            action: Action::Merge {
                from: theirs.name.clone(),
                commit: theirs.commit,
                fast_forward: merge.fast_forward,
            },
            edits: merge
                .edits
                .iter()
                .map(|edit| (edit.path.clone(), edit.clone()))
                .collect(),
            cells: vec![key.clone()],
            all: merge.cells.clone(),
            unread: merge.unread.clone(),
            vetoes: Vec::new(),
            in_step: None,
        });
        Ok(())
    }

    pub(super) fn add_tag(
        &mut self,
        request: &ChangeRequest,
        from: Option<Version>,
        tag: NewTag,
        input: &PlanInput<'_>,
    ) -> Result<PlannedChange, Refused> {
        let mut others = self.writes.iter();
        let other = others.find(|write| write.tip.name == tag.place);
        if other.is_some_and(|write| write.tip.commit != tag.commit) {
            return Err((
                SkipCause::Conflict,
                format!(
                    "{} would name two commits, of which another change of this plan has one; go on with it in a plan of its own",
                    tag.place
                ),
            ));
        }
        let upstream = match &request.intent {
            Intent::Promote { from } => {
                let upstream = CellKey::new(request.cell.service.clone(), from.clone());
                input.desired.version(&upstream).cloned()
            }
            _ => None,
        };
        // A release is the very commit of its candidate: what runs upstream is judged by the candidate's name.
        let judged_as = upstream.or_else(|| Some(tag.version.clone()));
        let change = self.judged(request, from, Some(tag.version.clone()), judged_as);
        let known = self
            .writes
            .iter_mut()
            .find(|write| write.tip.name == tag.place);
        if let Some(write) = known {
            write.cells.push(request.cell.clone());
        } else {
            self.writes.push(Drafted {
                tip: new_tag(&tag, input.desired),
                action: Action::Tag { from: tag.from },
                edits: BTreeMap::new(),
                cells: vec![request.cell.clone()],
                all: tag.along,
                unread: BTreeMap::new(),
                vetoes: Vec::new(),
                in_step: None,
            });
        }
        Ok(change)
    }

    /// What a merge or a tag changes beside what was asked for, judged as if it had been asked for.
    pub(super) fn come_along(
        &mut self,
        requests: &[&ChangeRequest],
        input: &PlanInput<'_>,
        plan: &mut Plan,
    ) {
        for write in &mut self.writes {
            if write.all.is_empty() {
                continue;
            }
            let mut asked = requests.iter().copied();
            let asked = asked.find(|request| write.cells.contains(&request.cell));
            let is_tag = matches!(write.action, Action::Tag { .. });
            for (cell, before, after) in std::mem::take(&mut write.all) {
                if write.cells.contains(&cell) {
                    continue;
                }
                let intent = brought(&cell, after.as_ref(), asked, input);
                let request = ChangeRequest {
                    cell: cell.clone(),
                    intent,
                    came: Came::Named,
                };
                // A release is judged by its candidate's name, which is what runs upstream.
                let candidate = match &request.intent {
                    Intent::Promote { from } if is_tag => {
                        let upstream = CellKey::new(cell.service.clone(), from.clone());
                        input.desired.version(&upstream).cloned()
                    }
                    _ => None,
                };
                // Files of the commit may say another version than the upstream's.
                let candidate = candidate.filter(|it| is_release(after.as_ref(), it));
                let judged_as = candidate.or_else(|| after.clone());
                let has_it = is_tag
                    && input.desired.tip(&cell).map(|tip| tip.commit) == Some(write.tip.commit);
                let mut change = judged(&request, before, after);
                let judged_as = JudgedAs {
                    only_named: has_it,
                    ..JudgedAs::of(&request, judged_as)
                };
                match write.unread.get(&cell) {
                    // No gate can judge what nobody can read.
                    Some(why) => {
                        let environment = input.topology.get(&cell.environment);
                        let protected = environment.is_some_and(|it| it.protected);
                        change.verdicts.push(along::unread(why, protected));
                    }
                    None => self.judging.add(&cell, judged_as),
                }
                change.along = Some(Along::Belongs);
                write.cells.push(cell);
                // A cell that a skipped request named is in the plan after all.
                plan.skipped.retain(|skip| skip.cell != change.cell);
                plan.changes.push(change);
            }
        }
    }
}

/// Whether a version is what a candidate becomes by being tagged: `1.2.0` of `1.2.0-rc.3`.
fn is_release(version: Option<&Version>, candidate: &Version) -> bool {
    let rest = version.and_then(|it| candidate.as_str().strip_prefix(it.as_str()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+']))
}

/// Where a tag will be: it goes where the tags beside it come from.
fn new_tag(tag: &NewTag, desired: &Desired) -> Tip {
    let mut tips = desired.tips.iter();
    let beside = tips.find(|tip| tip.name.repository == tag.place.repository);
    let (remote, origin) = beside.map_or_else(Default::default, |tip| {
        (tip.remote.clone(), tip.origin.clone())
    });
    Tip {
        remote,
        ..Tip::new(tag.place.clone(), origin, tag.commit)
    }
}

/// What a cell is said to do that a merge or a tag brings along with what was asked for: the same, where it has that
/// upstream too.
fn brought(
    cell: &CellKey,
    after: Option<&Version>,
    asked: Option<&ChangeRequest>,
    input: &PlanInput<'_>,
) -> Intent {
    let revert = |to: Option<&Version>| Intent::Revert {
        to: to.cloned(),
        at: None,
    };
    let set = || match after {
        Some(version) => Intent::Set {
            version: version.clone(),
        },
        None => revert(None),
    };
    match asked.map(|asked| (&asked.intent, &asked.cell.environment)) {
        Some((Intent::Promote { from }, environment)) => {
            let environments = input.topology.get(&cell.environment);
            let has = |from| environments.is_some_and(|it| it.from.contains(from));
            if *environment == cell.environment || has(from) {
                Intent::Promote { from: from.clone() }
            } else {
                set()
            }
        }
        Some((Intent::Revert { .. }, _)) => revert(after),
        _ => set(),
    }
}

fn left_behind(key: &CellKey, to: Option<&Version>, theirs: &Tip, ours: &Tip) -> String {
    format!(
        "merging {} does not bring {} to {}: commits of {}'s own changed it since; \
         `tidegate set` writes it, or merge by hand",
        theirs.name,
        to.map_or("its version", Version::as_str),
        key.environment,
        ours.name
    )
}
