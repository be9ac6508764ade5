//! What answers the mouse: the places of lists, texts and keys, as they were drawn.

use ratatui::layout::{Position, Rect};

use super::Reach;
use crate::{
    actions::Press,
    app::{
        model::Model,
        screen::{CellPane, PlanPane},
    },
};

/// A place that answers the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Where it is.
    pub place: Rect,
    /// What is there.
    pub what: Spot,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Rows of a list through which keys move.
    Rows {
        /// The pane that it is in.
        pane: Option<Pane>,
        /// The first row that is seen.
        first: usize,
        /// How many there are.
        count: usize,
    },
    /// A text that is scrolled, or the name of its pane.
    Text {
        /// The pane that it is in.
        pane: Option<Pane>,
        /// How far it can be scrolled.
        reach: Reach,
    },
    /// The hint of a key.
    Key(Press),
    /// What the typed line may become, from the first on.
    Suggestions,
}

/// A pane of a screen that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Of a cell.
    Cell(CellPane),
    /// Of the plan.
    Plan(PlanPane),
}

impl Model {
    /// What is at a place of the terminal, and how many rows below its top that is.
    pub(in crate::app) fn spot(&self, column: u16, row: u16) -> Option<(Spot, usize)> {
        let place = Position::new(column, row);
        let mut zones = self.drawn.zones.iter().rev();
        let zone = zones.find(|zone| zone.place.contains(place))?;
        Some((zone.what, usize::from(row - zone.place.y)))
    }
}
