//! What looks like a version to a reader and is not what is read: said, instead of taken for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Project, Reading};
use crate::domain::{
    desired::{Desired, DesiredCell, Tip},
    ids::{CellKey, EnvironmentName, RepoPath, ServiceName},
    layout::{Lookalike, lookalikes},
    problem::Problem,
};

/// So many rows are looked at, and so many places of a file are named.
const ROWS: usize = 20;
const NAMED: usize = 3;

impl Project {
    /// Rows of which no version is read in any environment, though a file of theirs has something that looks like one: a
    /// sentence each, with the place. Reads few files: such rows are rare.
    pub(super) fn rows_without_version(&self, desired: &Desired, tips: &[Tip]) -> Vec<Problem> {
        let mut rows: BTreeMap<&ServiceName, Vec<&DesiredCell>> = BTreeMap::new();
        for (key, cell) in &desired.cells {
            rows.entry(&key.service).or_default().push(cell);
        }
        let says = |cell: &&DesiredCell| cell.version.is_some() || cell.unread.is_some();
        let silent = rows
            .into_iter()
            .filter(|(_, cells)| !cells.iter().any(says));
        let sources = desired.cells.values().flat_map(|cell| &cell.sources);
        let read: BTreeSet<_> = sources.map(|it| (&it.path, it.line)).collect();
        let told = silent.take(ROWS).filter_map(|(service, cells)| {
            let mut files = cells.iter().filter_map(|cell| Some((cell, cell.files.first()?)));
            files.find_map(|(cell, path)| {
                let mut found = self.looks_like(tips, cell, path).into_iter();
                // What another row reads is its version.
                let found = found.find(|it| !read.contains(&(path, it.line)))?;
                let Lookalike { keys, line, text } = found;
                let words = format!(
                    "`{keys}` says {text}, which looks like the version of {service}, and no layout reads it: write a layout \
                     with these keys (`yaml = '{keys}'`), where it is"
                );
                Some(Problem::file(path.clone(), Some(line), words))
            })
        });
        told.collect()
    }

    /// Why a cell that declares what its upstream does is not the same all the same: the place that is read has never had
    /// another version, in either of them, while something else of the object that looks like one differs. Only where the
    /// layout has several places that may be the version, of which it reads one.
    pub(super) fn moves_elsewhere(
        &self,
        reading: &Reading,
        key: &CellKey,
        from: &EnvironmentName,
    ) -> Option<String> {
        let upstream = CellKey::new(key.service.clone(), from.clone());
        let cells = &reading.desired.cells;
        let (ours, theirs) = (cells.get(key)?, cells.get(&upstream)?);
        let same = ours.layout == theirs.layout && ours.version == theirs.version;
        if !same || !reading.layouts.contests().contains_key(&ours.layout) {
            return None;
        }
        let (path, other) = (ours.files.first()?, theirs.files.first()?);
        let of_upstream = self.looks_like(&reading.tips, theirs, other);
        let differ: Vec<(Lookalike, &Lookalike)> = self
            .looks_like(&reading.tips, ours, path)
            .into_iter()
            .filter_map(|our| {
                let their = of_upstream.iter().find(|their| their.keys == our.keys)?;
                (their.text != our.text).then_some((our, their))
            })
            .collect();
        if differ.is_empty() {
            return None;
        }
        // A place that has moved is the version, whatever else moves.
        let histories = super::cell_history(self, reading, &[key.clone(), upstream]).ok()?;
        if histories.iter().any(|history| history.entries.len() > 1) {
            return None;
        }
        let version = ours.version.as_ref()?;
        let places: Vec<String> = differ
            .iter()
            .take(NAMED)
            .map(|(our, their)| {
                format!(
                    "`{}` (line {}) is {} and {} in {from}",
                    our.keys, our.line, our.text, their.text
                )
            })
            .collect();
        Some(format!(
            "{path}: {} and {from} both have {version}, which never was another, while {}: which of them is the version cannot \
             be told. Write a layout with the keys of the one that is",
            key.environment,
            places.join(", ")
        ))
    }

    fn looks_like(&self, tips: &[Tip], cell: &DesiredCell, path: &RepoPath) -> Vec<Lookalike> {
        let bytes = self.file(tips, &cell.origin, path.as_str());
        let bytes = bytes.ok().flatten().unwrap_or_default();
        lookalikes(&bytes)
    }
}
