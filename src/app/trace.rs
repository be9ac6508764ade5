//! Rows of the trace screen: the stays of a version, environment by environment, and where it has not been.

use super::model::{Model, TraceScreen};
use crate::domain::{
    ids::CellKey,
    trace::{Histories, Place, Stay, Trace, trace},
};

/// A row: an environment of [`Trace::places`], and which of its stays; `None`: it has none.
pub type Row = (usize, Option<usize>);

/// Where the screen's version has been, as far as the history is known.
pub fn of(model: &Model, screen: &TraceScreen) -> Trace {
    let environments = model.environments();
    let histories: Histories<'_> = environments
        .iter()
        .map(|environment| CellKey::new(screen.service.clone(), environment.clone()))
        .map(|cell| {
            let values = model.values(&cell);
            (cell.environment, values)
        })
        .collect();
    let topology = &model.setup.topology;
    trace(&screen.version, &histories, &environments, topology)
}

/// One row per stay, oldest first in each environment, and one for each environment without.
pub fn rows(trace: &Trace) -> Vec<Row> {
    let of_place = |(index, place): (usize, &Place)| -> Vec<Row> {
        match place.stays.len() {
            0 => vec![(index, None)],
            stays => (0..stays).map(|stay| (index, Some(stay))).collect(),
        }
    };
    trace.places.iter().enumerate().flat_map(of_place).collect()
}

/// Which of `rows` is selected: the very stay, else the newest there, else the first.
pub fn selected(trace: &Trace, rows: &[Row], screen: &TraceScreen) -> usize {
    let (environment, commit) = &screen.selected;
    let is_there = |(place, _): &Row| trace.places[*place].environment == *environment;
    let is_it = |row: &Row| {
        let landed = stay(trace, *row).map(|stay| stay.entry.change.landed.commit);
        is_there(row) && landed == *commit
    };
    let exact = rows.iter().position(is_it);
    exact
        .or_else(|| rows.iter().rposition(is_there))
        .unwrap_or_default()
}

/// The stay of a row.
pub fn stay(trace: &Trace, (place, stay): Row) -> Option<&Stay> {
    trace.places.get(place)?.stays.get(stay?)
}

/// The cell of the selected row.
pub fn selected_cell(screen: &TraceScreen) -> CellKey {
    CellKey::new(screen.service.clone(), screen.selected.0.clone())
}

/// The selected stay.
pub fn selected_stay(model: &Model, screen: &TraceScreen) -> Option<Stay> {
    let trace = of(model, screen);
    let rows = rows(&trace);
    let row = rows.get(selected(&trace, &rows, screen))?;
    stay(&trace, *row).cloned()
}
