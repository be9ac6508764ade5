//! Gaps in a history: whether a value was taken away, or something came in its place that cannot be read.

use std::sync::Arc;

use super::{Project, Reading};
use crate::domain::{
    history::{ChangeKind, HistoryEntry},
    ids::{CellKey, ObjectId},
    layout::Assembler,
};

impl Project {
    /// Looks at what stood in the place of values that went, newest first, at `most` of them: a variable, a template or an
    /// encrypted value there says that nothing was removed. Gives how many were looked at. Blocking; reads the cell's files of
    /// today at these commits.
    pub fn tell_gaps(
        &self,
        reading: &Reading,
        key: &CellKey,
        entries: &mut [HistoryEntry],
        most: usize,
    ) -> usize {
        let gone = entries
            .iter_mut()
            .filter(|entry| entry.kind == ChangeKind::Removed);
        let mut looked = 0;
        for entry in gone.take(most) {
            looked += 1;
            if self.was_unread(reading, key, entry.change.landed.commit) == Some(true) {
                entry.kind = ChangeKind::Unread;
            }
        }
        looked
    }

    /// Whether a cell had something at a commit that could not be read; `None` where that is not known.
    fn was_unread(&self, reading: &Reading, key: &CellKey, commit: ObjectId) -> Option<bool> {
        let cell = reading.desired.cells.get(key)?;
        let tip = reading.tips.iter().find(|tip| tip.origin == cell.origin)?;
        let repo = self.repository(&tip.name).ok()?;
        let view = Arc::new(reading.layouts.view(&cell.origin));
        let matrix = Assembler::new(Arc::clone(&view), &self.environments());
        let mut matrix = matrix.unconditional();
        for path in &cell.files {
            let bytes = repo.file(commit, path.as_str()).ok()?;
            let facts = bytes.map(|bytes| Arc::new(view.extract(path, &bytes)));
            matrix.update_at(&cell.origin, path.clone(), facts);
        }
        Some(matrix.desired(commit).unread(key).is_some())
    }
}
