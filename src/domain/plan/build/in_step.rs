//! The file of versions, in the commit that moves them.

use super::{Action, Draft, FileEdit, Plan, PlanInput, is_nothing};
use crate::domain::{ids::CellKey, policy::versions::Says, version::Version};

impl Draft {
    /// Keeps the file of versions in step on every ref that is edited. A new one stands in the main repository. Where it
    /// cannot be kept, that is said, and holds nothing: it is for readers, and reverts go through it too.
    pub(super) fn keep_in_step(&mut self, input: &PlanInput<'_>, plan: &mut Plan) {
        let Some(file) = &input.topology.policy.versions else {
            return;
        };
        for write in &mut self.writes {
            let is_edit = write.action == Action::Edit && !write.edits.is_empty();
            if !is_edit || write.cells.is_empty() {
                continue;
            }
            let before = (input.files)(&write.tip.origin, &file.path);
            if before.is_none() && write.tip.name.repository.is_some() {
                continue;
            }
            let known = input.desired.cells.keys();
            let here = |cell: &&CellKey| {
                let tip = input.desired.tip(cell);
                tip.is_some_and(|tip| tip.name == write.tip.name)
            };
            let mut all: Vec<&CellKey> = known.filter(here).collect();
            all.extend(&write.cells);
            let columns = &input.topology.environments;
            let column = |cell: &CellKey| columns.iter().position(|it| it.name == cell.environment);
            all.sort_by_key(|cell| (&cell.service, column(cell), *cell));
            all.dedup();
            let declared = |cell| self.edited.version(cell, input).map(Version::as_str);
            let says = Says {
                all: all.into_iter().map(|cell| (cell, declared(cell))).collect(),
                moved: write.cells.iter().collect(),
            };
            // A layout may read it too.
            let so_far = write.edits.get(&file.path).map(|edit| edit.after.clone());
            let so_far = so_far.or_else(|| before.clone());
            match file.in_step(so_far.as_deref(), &says) {
                Ok(after) => {
                    let edit = FileEdit {
                        path: file.path.clone(),
                        before: before.unwrap_or_default(),
                        after,
                    };
                    if !is_nothing(&edit) {
                        // One that a layout reads as well is an edit like any.
                        if !write.edits.contains_key(&file.path) {
                            write.in_step = Some(file.path.clone());
                        }
                        write.edits.insert(file.path.clone(), edit);
                    }
                }
                Err(why) => plan.notes.push(format!(
                    "the file of versions stays as it is on {}: {why}",
                    write.tip.shown
                )),
            }
        }
    }
}
