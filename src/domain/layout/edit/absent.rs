//! Why a cell is not there: a file that would give it cannot be read.

use super::Refusal;
use crate::domain::{
    desired::Desired,
    ids::{CellKey, RepoPath},
    layout::{LayoutSet, bindings::Bindings, compile::Layout},
    plan::unreadable as refusal,
    problem::Problem,
};

/// What is wrong with the file that would give `key` a place; `None` where there is no such file, or nothing wrong with it.
pub fn unreadable(layouts: &LayoutSet, desired: &Desired, key: &CellKey) -> Option<Refusal> {
    own_unreadable(layouts, desired, key).or_else(|| found(layouts, desired, key, may_name))
}

/// The same for a file that is this cell's own by its name.
pub(super) fn own_unreadable(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
) -> Option<Refusal> {
    found(layouts, desired, key, names)
}

/// Why a cell's own file has no content that could be edited: it is a link, a pointer, damaged, or another repository's.
pub(super) fn without_content(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
) -> Option<Refusal> {
    let problem = desired.unread(key)?;
    let is_without = problem
        .hides
        .is_some_and(|hides| hides.why.is_without_content());
    let path = problem.path.as_ref().filter(|_| is_without)?;
    let mut layouts = layouts.layouts.iter();
    layouts
        .any(|layout| would_give(layout, desired, path, key, |_, _, _| true))
        .then(|| refusal(problem))
}

/// Whether a layout would read a cell from a file of which its path says this.
type Names = fn(&Layout, &Bindings, &CellKey) -> bool;

fn found(layouts: &LayoutSet, desired: &Desired, key: &CellKey, names: Names) -> Option<Refusal> {
    let gives = |path: &RepoPath| {
        let mut layouts = layouts.layouts.iter();
        layouts.any(|layout| would_give(layout, desired, path, key, names))
    };
    // What hides one place hides no cell but its own, and that is there.
    let of_key =
        |problem: &&Problem| problem.hides_all() && problem.path.as_ref().is_some_and(gives);
    Some(refusal(desired.problems.iter().find(of_key)?))
}

/// Whether a layout would read the cell from this file, as far as its name says.
fn would_give(
    layout: &Layout,
    desired: &Desired,
    path: &RepoPath,
    key: &CellKey,
    names: Names,
) -> bool {
    let level = layout.levels.first();
    let Some(bound) = level.and_then(|level| level.matches(path.as_str())) else {
        return false;
    };
    if layout.refs.is_none() {
        return names(layout, &bound, key);
    }
    let mut tips = desired
        .tips
        .iter()
        .filter(|tip| tip.origin.refs == layout.refs && tip.origin.repository == layout.repository);
    tips.any(|tip| {
        let captures = tip.origin.captures.iter();
        let named: Bindings = captures
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let joined = named.join(&bound);
        joined.is_some_and(|bound| names(layout, &bound, key))
    })
}

fn names(layout: &Layout, bound: &Bindings, key: &CellKey) -> bool {
    layout.cell(bound).is_some_and(|named| named == *key)
}

/// Names that stand in the file alone are not known: it may be there.
fn may_name(layout: &Layout, bound: &Bindings, key: &CellKey) -> bool {
    if layout.cell(bound).is_some() {
        return false;
    }
    let fits = |name: &str, wanted: &str| bound.get(name).is_none_or(|text| text == wanted);
    fits("service", key.service.as_str()) && fits("env", key.environment.as_str())
}
