//! Cells of one file that are edited together: what each edit by itself would come to, read and written once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, is_nothing};
use crate::domain::{
    ids::CellKey,
    layout::Together,
    plan::{
        Action, ChangeRequest, Intent, PlanInput,
        build::wanted,
        eligible::{declares, declares_or_pins},
    },
    version::Version,
};

/// So few are edited one by one as fast; in tests two are many.
const FEW: usize = if cfg!(test) { 1 } else { 4 };

/// Which cells are edited with which others.
#[derive(Default)]
pub(super) struct Groups {
    /// Each until its first cell is edited.
    waiting: Vec<Option<Together>>,
    of: BTreeMap<CellKey, usize>,
    /// Those whose edits are in the draft.
    come: BTreeSet<CellKey>,
}

impl Draft {
    /// Finds out which cells can be edited together.
    pub(super) fn group(&mut self, requests: &[&ChangeRequest], input: &PlanInput<'_>) {
        if requests.len() <= FEW {
            return;
        }
        let mut comes = Vec::new();
        let mut known = BTreeSet::new();
        for request in requests {
            // What is asked for twice is asked for in its order, and what is merged is no edit.
            if !known.insert(&request.cell) || self.merges(request, input) {
                return;
            }
            if let Some(version) = self.plainly(request, input) {
                comes.push((request.cell.clone(), version));
            }
        }
        if comes.len() <= FEW {
            return;
        }
        for together in (input.together)(&comes, input.files) {
            let at = self.groups.waiting.len();
            let cells = together.cells.iter().map(|cell| (cell.clone(), at));
            self.groups.of.extend(cells);
            self.groups.waiting.push(Some(together));
        }
    }

    /// The version that a change writes, where it is an edit of a cell that is there, and nothing else.
    fn plainly(&mut self, request: &ChangeRequest, input: &PlanInput<'_>) -> Option<Version> {
        let key = &request.cell;
        if matches!(request.intent, Intent::Revert { .. }) || self.pins.of(key).is_some() {
            return None;
        }
        let to = wanted(request, input).ok()??;
        let cell = input.desired.cells.get(key)?;
        let is_there = declares(cell, &to) || declares_or_pins(cell, &to);
        if is_there || (input.tag)(key, &request.intent, Some(&to)).is_some() {
            return None;
        }
        Some(to)
    }

    /// Whether it is brought by a merge of branches.
    fn merges(&mut self, request: &ChangeRequest, input: &PlanInput<'_>) -> bool {
        let Intent::Promote { from } = &request.intent else {
            return false;
        };
        let key = &request.cell;
        let upstream = CellKey::new(key.service.clone(), from.clone());
        let tips = input.desired.tip(&upstream).zip(input.desired.tip(key));
        tips.is_some_and(|(theirs, ours)| self.merge(theirs, ours, input).is_some())
    }

    /// Whether the edit of a cell is in the draft with those of others; the first of them brings it.
    pub(super) fn has_come(&mut self, key: &CellKey, input: &PlanInput<'_>) -> bool {
        if let Some(at) = self.groups.of.get(key)
            && let Some(together) = self.groups.waiting[*at].take()
        {
            self.bring(together, input);
        }
        if !self.groups.come.contains(key) {
            return false;
        }
        let Some(tip) = input.desired.tip(key).cloned() else {
            return false;
        };
        let at = self.write_on(tip);
        let write = &mut self.writes[at];
        let name = write.tip.name.clone();
        let cell = input.desired.cells.get(key);
        let files = cell.map_or(&[][..], |cell| &cell.files);
        let reads = files.iter().map(|path| (name.clone(), path.clone()));
        let sources = cell.map_or(&[][..], |cell| &cell.sources);
        let wrote = sources.first().map(|it| (name.clone(), it.path.clone()));
        write.cells.push(key.clone());
        self.footprints
            .add(key, reads.collect(), wrote.into_iter().collect());
        let after = self.edited.version(key, input).cloned();
        self.written.push((key.clone(), after));
        true
    }

    /// Puts edits into the draft, unless another one has to do with their files, or they move more than their cells.
    fn bring(&mut self, together: Together, input: &PlanInput<'_>) {
        let Together { cells, edits } = together;
        let tips: Option<Vec<_>> = cells.iter().map(|cell| input.desired.tip(cell)).collect();
        let Some([tip, others @ ..]) = tips.as_deref() else {
            return;
        };
        if others.iter().any(|other| other.name != tip.name) || edits.iter().any(is_nothing) {
            return;
        }
        let at = self.write_on((*tip).clone());
        let write = &self.writes[at];
        let is_known = edits
            .iter()
            .any(|edit| write.edits.contains_key(&edit.path));
        if write.action != Action::Edit || is_known {
            return;
        }
        let own: BTreeSet<&CellKey> = cells.iter().collect();
        let place = write.tip.name.clone();
        if !self.edited.take_together(&own, &place, &edits, input) {
            return;
        }
        let write = &mut self.writes[at];
        for edit in edits {
            write.edits.insert(edit.path.clone(), edit);
        }
        self.groups.come.extend(cells);
    }
}
