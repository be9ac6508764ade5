//! What the edit of one cell moves beside it: cells that were not asked for, and those that were, by another.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    super::{
        Action, Along, ChangeRequest, FileEdit, Intent, Plan, PlannedChange, Skip, SkipCause,
        Verdict,
        along::{self, Moved},
        judging::JudgedAs,
    },
    Draft, PlanInput, Refused, wanted,
};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    image,
    layout::Beside,
    version::Version,
};

impl Draft {
    /// A change that the edit of another cell makes, in place of a refusal; or a refusal that says what that edit does.
    pub(super) fn by_another(
        &mut self,
        request: &ChangeRequest,
        refused: Refused,
        input: &PlanInput<'_>,
    ) -> Result<Option<PlannedChange>, Refused> {
        let key = &request.cell;
        let Ok(Some(to)) = wanted(request, input) else {
            return Err(refused);
        };
        let pin = self.pins.of(key).cloned();
        let to = pin.as_ref().map_or(to, |pin| pin.written().clone());
        let Some(moved) = self.edited.movers(key, input) else {
            return Err(refused);
        };
        if moved.now.as_ref() != Some(&to) {
            return Err((SkipCause::Conflict, clash(key, &to, moved)));
        }
        let mut writes = self.writes.iter_mut();
        if let Some(write) = writes.find(|write| write.tip.name == moved.place) {
            write.cells.push(key.clone());
        }
        let from = input.desired.version(key).cloned();
        Ok(Some(PlannedChange {
            pins: pin.map(|pin| pin.tag),
            ..self.judged(request, from, Some(to.clone()), Some(to))
        }))
    }

    /// Changes that a later edit of the same plan takes back.
    pub(super) fn overruled(
        &self,
        plan: &Plan,
        requests: &[&ChangeRequest],
        input: &PlanInput<'_>,
    ) -> Vec<Skip> {
        let changes = plan.changes.iter().map(|change| (&change.cell, change));
        let changes: HashMap<&CellKey, &PlannedChange> = changes.collect();
        let written = self.written.iter().filter_map(|(cell, after)| {
            let to = changes.get(cell)?.to.as_ref()?;
            if self.edited.version(cell, input) == after.as_ref() {
                return None;
            }
            let request = requests.iter().find(|request| request.cell == *cell);
            let came = request.map(|request| request.came).unwrap_or_default();
            let detail = clash(cell, to, self.edited.movers(cell, input)?);
            Some(Skip::new(cell.clone(), came, (SkipCause::Conflict, detail)))
        });
        written.collect()
    }

    /// What the edits move beside what was asked for. It is judged like what moves it, and held until it is accepted.
    pub(super) fn move_along(
        &mut self,
        requests: &[&ChangeRequest],
        input: &PlanInput<'_>,
        plan: &mut Plan,
    ) {
        let named: BTreeSet<&CellKey> = plan.changes.iter().map(|change| &change.cell).collect();
        let mut changes = Vec::new();
        for (cell, moved) in self.edited.moved(input) {
            if named.contains(cell) {
                continue;
            }
            let mover = moved.by.last();
            let mover = mover.and_then(|mover| requests.iter().find(|it| it.cell == *mover));
            let (intent, judged_as) = intents(cell, moved.now.as_ref(), mover, input);
            let accepted = input
                .request
                .accepted
                .iter()
                .any(|accept| accept.covers(cell));
            let along = Along::Edit {
                of: moved.by.clone(),
            };
            let judged_as = JudgedAs {
                intent: judged_as,
                version: moved.now.clone(),
                covered: accepted,
                only_named: false,
            };
            self.judging.add(cell, judged_as);
            // Also where the request was overruled by the edit of another.
            let asked = input.request.changes.iter();
            let mut asked = asked.filter(|request| request.cell == *cell);
            let asked = asked.find_map(|request| wanted(request, input).ok().flatten());
            let verdict = along::verdict(&along, accepted, asked.as_ref());
            let verdicts = verdict.into_iter().collect();
            let mut writes = self.writes.iter_mut();
            if let Some(write) = writes.find(|write| write.tip.name == moved.place) {
                write.cells.push(cell.clone());
            }
            changes.push(PlannedChange {
                cell: cell.clone(),
                intent,
                from: input.desired.version(cell).cloned(),
                to: moved.now.clone(),
                inherits: None,
                pins: None,
                verdicts,
                along: Some(along),
            });
        }
        plan.changes.extend(changes);
    }

    /// Cells whose version stays while the edits move what goes with it (`also`), because they share the place. No gate has
    /// a say in a version that stays: whether this is meant, the operator says.
    pub(super) fn move_beside(&mut self, input: &PlanInput<'_>, plan: &mut Plan) {
        for write in &mut self.writes {
            if write.action != Action::Edit {
                continue;
            }
            let edits: Vec<&FileEdit> = write.edits.values().collect();
            let tips = input.desired.tips.iter();
            let same =
                tips.filter(|tip| tip.name == write.tip.name && tip.origin != write.tip.origin);
            let origins = std::iter::once(&write.tip.origin).chain(same.map(|tip| &tip.origin));
            let moved: Vec<Beside> = origins
                .flat_map(|origin| (input.moved_beside)(origin, &edits))
                .collect();
            let listed: HashSet<&CellKey> = plan.changes.iter().map(|it| &it.cell).collect();
            let (named, others): (Vec<Beside>, Vec<Beside>) =
                moved.into_iter().partition(|it| listed.contains(&it.cell));
            for other in others {
                let Some(version) = input.desired.version(&other.cell).cloned() else {
                    continue;
                };
                let shares = |it: &&Beside| it.places.iter().any(|at| other.places.contains(at));
                let mut of: Vec<CellKey> = named
                    .iter()
                    .filter(shares)
                    .map(|it| it.cell.clone())
                    .collect();
                if of.is_empty() {
                    of.clone_from(&write.cells);
                }
                let mut accepts = input.request.accepted.iter();
                let accepted = accepts.any(|accept| accept.covers(&other.cell));
                let along = Along::Edit { of };
                let mut verdicts: Vec<Verdict> =
                    along::verdict(&along, accepted, None).into_iter().collect();
                verdicts.extend(other.places.iter().take(3).map(along::beside));
                write.cells.push(other.cell.clone());
                plan.changes.push(PlannedChange {
                    intent: Intent::Set {
                        version: version.clone(),
                    },
                    cell: other.cell,
                    from: Some(version.clone()),
                    to: Some(version),
                    inherits: None,
                    pins: None,
                    verdicts,
                    along: Some(along),
                });
            }
        }
    }
}

/// What a cell that moves with the edit of `mover` is said to do, and what it is judged as: a cell that moves with a
/// promotion is judged like one, into whichever environment, but is called one only where an upstream of its own has that
/// version of it.
fn intents(
    cell: &CellKey,
    to: Option<&Version>,
    mover: Option<&&ChangeRequest>,
    input: &PlanInput<'_>,
) -> (Intent, Intent) {
    let revert = Intent::Revert {
        to: to.cloned(),
        at: None,
    };
    let Some(to) = to else {
        return (revert.clone(), revert);
    };
    let set = Intent::Set {
        version: to.clone(),
    };
    match mover.map(|mover| (&mover.intent, &mover.cell.environment)) {
        Some((Intent::Revert { .. }, _)) => (revert.clone(), revert),
        Some((Intent::Promote { from }, environment)) => {
            let upstreams: Vec<&EnvironmentName> = if *environment == cell.environment {
                vec![from]
            } else {
                let own = input.topology.get(&cell.environment);
                own.into_iter().flat_map(|own| &own.from).collect()
            };
            let has = |upstream: &&EnvironmentName| {
                let key = CellKey::new(cell.service.clone(), (*upstream).clone());
                let theirs = input.desired.version(&key);
                theirs.is_some_and(|theirs| image::is_or_pins(to, theirs))
            };
            let promote = |from: &EnvironmentName| Intent::Promote { from: from.clone() };
            match upstreams.iter().copied().find(has) {
                Some(upstream) => (promote(upstream), promote(upstream)),
                None => (set, promote(upstreams.first().copied().unwrap_or(from))),
            }
        }
        _ => (set.clone(), set),
    }
}

fn clash(cell: &CellKey, to: &Version, moved: &Moved) -> String {
    let others: Vec<String> = moved.by.iter().map(ToString::to_string).collect();
    format!(
        "{to} was asked for, but the edit of {} makes it {}: they are read from the same place (an anchor, a merge key, a \
         file that others fall back to). Ask for one version of them, or give {cell} a place of its own in the file",
        others.join(", "),
        moved.now.as_ref().map_or("nothing", Version::as_str),
    )
}
