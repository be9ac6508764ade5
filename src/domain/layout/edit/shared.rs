//! Places beside a version (`also`) that several cells have: whoever moves one of them moves it for all.

use std::collections::{HashMap, HashSet};

use super::{
    Editor, Files, Spot,
    pages::{Looks, Pages, Texts},
};
use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, RepoPath},
    layout::{LayoutSet, Origin, compile::Layout},
    plan::FileEdit,
    version::Version,
};

/// A cell beside whose version something else is said with the edits of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The cell.
    pub cell: CellKey,
    /// Where, with what was said there and what is.
    pub places: Vec<(RepoPath, u32, Option<Version>, Option<Version>)>,
}

/// The cells of the ref `origin` beside whose version `edits` change what is said (`also`), in cell order; `files` are those
/// without the edits.
pub fn moved_beside(
    layouts: &LayoutSet,
    desired: &Desired,
    origin: &Origin,
    edits: &[&FileEdit],
    files: Files<'_>,
) -> Vec<Beside> {
    let tables = layouts.layouts.iter().filter(|it| !it.also.is_empty());
    let tables: HashSet<usize> = tables.map(|layout| layout.spec).collect();
    if tables.is_empty() || edits.is_empty() {
        return Vec::new();
    }
    let paths: HashSet<&RepoPath> = edits.iter().map(|edit| &edit.path).collect();
    let edited: HashMap<&RepoPath, &[u8]> = edits
        .iter()
        .map(|edit| (&edit.path, edit.after.as_slice()))
        .collect();
    let after = |of: &Origin, path: &RepoPath| {
        let edited = edited.get(path).filter(|_| of == origin);
        edited.map_or_else(|| files(of, path), |after| Some(after.to_vec()))
    };
    let cells = desired.cells.iter().filter(|(key, cell)| {
        tables.contains(&cell.layout)
            && cell.origin == *origin
            && may_move(layouts, key, cell, &paths)
    });
    let cells: Vec<(&CellKey, &DesiredCell)> = cells.collect();
    let of_cells = || cells.iter().map(|(_, cell)| *cell);
    let (was, now) = (Texts::of(of_cells(), files), Texts::of(of_cells(), &after));
    let (was, now) = (Pages::of(&was), Pages::of(&now));
    let moved = cells.iter().filter_map(|(key, cell)| {
        let editor = |files, pages| Editor::looking((layouts, desired), (key, cell), files, pages);
        let before = editor(files, &was as &dyn Looks).beside()?;
        let after = editor(&after, &now).beside()?;
        let places = before.into_iter().zip(after);
        let places = places.filter(|(before, after)| before.2 != after.2);
        let places: Vec<_> = places
            .map(|(before, (path, line, now))| (path, line, before.2, now))
            .collect();
        (!places.is_empty()).then(|| Beside {
            cell: (*key).clone(),
            places,
        })
    });
    moved.collect()
}

/// Whether a place beside the version of a cell may be in one of these files: nothing is parsed for all others.
fn may_move(
    layouts: &LayoutSet,
    key: &CellKey,
    cell: &DesiredCell,
    paths: &HashSet<&RepoPath>,
) -> bool {
    if cell.files.iter().any(|path| paths.contains(path)) {
        return true;
    }
    let mut tables = layouts.layouts.iter();
    tables.any(|layout: &Layout| {
        let mut captures = cell.captures.clone();
        captures.set("env", layout.spelling(&key.environment));
        let mut also = layout.also.iter().filter_map(|level| level.path.as_ref());
        layout.spec == cell.layout
            && also.any(|pattern| {
                // What is captured may be spelled otherwise there.
                let path = pattern.fill(&captures).map(RepoPath::from);
                path.is_none_or(|path| paths.contains(&path)) || layout.folds()
            })
    })
}

impl Editor<'_> {
    /// What stands in each place beside the version.
    fn beside(&self) -> Option<Vec<(RepoPath, u32, Option<Version>)>> {
        let own = self.own_places().ok()?;
        let declares = |spot: &&Spot<'_>| spot.found.version.is_some();
        let spot = own.iter().find(declares).or(own.first())?;
        let levels = spot.layout.also.iter();
        let places = levels.flat_map(|level| self.also_places(spot, level).unwrap_or_default());
        let said = places.map(|(path, found)| (path, found.line, found.version));
        Some(said.collect())
    }
}
