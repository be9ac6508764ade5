//! Where a version has been: the stays of a version, environment by environment, and where it has not been. Opened from any
//! cell; each of its rows leads to the cell.

use super::{Screen, moved};
use crate::{
    actions::Action,
    app::{command::Command, model::Model},
    domain::{
        history::HistoryEntry,
        ids::{CellKey, EnvironmentName, ObjectId, ServiceName},
        suggest,
        trace::{self, Histories, Stay, Trace, TraceStop, trace},
        version::Version,
    },
};

/// Where a version has been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceScreen {
    /// The service whose version it is.
    pub service: ServiceName,
    /// The version.
    pub version: Version,
    /// The selected stay: its environment and the commit that landed it. Told by these, not by a number, because the
    /// history may still be coming in; `None`: the newest stay there, or that there is none.
    pub selected: (EnvironmentName, Option<ObjectId>),
}

impl TraceScreen {
    /// The cell of the selected row.
    pub fn selected_cell(&self) -> CellKey {
        CellKey::new(self.service.clone(), self.selected.0.clone())
    }
}

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
    let bad = |version: &Version| model.is_vetoed(&screen.service, version);
    trace(&screen.version, &histories, &environments, topology, &bad)
}

/// What is not known of what was before the oldest values of a service in any environment.
pub fn doubts(model: &Model, service: &ServiceName) -> Vec<String> {
    let cell = |environment: &EnvironmentName| CellKey::new(service.clone(), environment.clone());
    let environments = model.environments();
    let unknown = environments
        .iter()
        .filter_map(|environment| Some((environment, model.ends_early(&cell(environment))?)));
    trace::doubts(unknown)
}

/// One row per stay, oldest first in each environment, and one for each environment without.
pub fn rows(trace: &Trace) -> Vec<Row> {
    let of_place = |(index, place): (usize, &TraceStop)| -> Vec<Row> {
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

/// The selected stay.
pub fn selected_stay(model: &Model, screen: &TraceScreen) -> Option<Stay> {
    let trace = of(model, screen);
    let rows = rows(&trace);
    let row = rows.get(selected(&trace, &rows, screen))?;
    stay(&trace, *row).cloned()
}

/// The value that the selected stay is.
pub(super) fn value(model: &Model) -> Option<&HistoryEntry> {
    let Some(Screen::Trace(screen)) = model.screens.last() else {
        return None;
    };
    let stay = selected_stay(model, screen)?;
    model.values(&screen.selected_cell()).get(stay.index)
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let page = model.page();
    let Some(Screen::Trace(screen)) = model.screens.last() else {
        return false;
    };
    let found = of(model, screen);
    let rows = rows(&found);
    let row = selected(&found, &rows, screen);
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => {
            let Some(row) = rows.get(moved(row, motion, rows.len(), page)) else {
                return true;
            };
            let commit = stay(&found, *row).map(|stay| stay.entry.change.landed.commit);
            let environment = found.places[row.0].environment.clone();
            if let Some(Screen::Trace(screen)) = model.screens.last_mut() {
                screen.selected = (environment, commit);
            }
        }
        Action::Open => {
            let cell = screen.selected_cell();
            let stay = rows.get(row).and_then(|row| stay(&found, *row));
            let value = stay.map_or(0, |stay| stay.index);
            if model.declared(&cell).is_none() && stay.is_none() {
                model.say(format!(
                    "{} is not declared in {}",
                    cell.service, cell.environment
                ));
            } else {
                model.open_cell_at(cell, value, out);
            }
        }
        Action::Copy => model.ask_what_to_copy(),
        Action::Browse => model.browse_commit(out),
        _ => return false,
    }
    true
}

impl Model {
    /// Traces the selected version: of the selected history entry where there is one, else what the cell declares.
    pub(in crate::app) fn open_trace(&mut self) {
        let Some(cell) = self.selected() else {
            return self.say("no cell is selected");
        };
        let entry = self.selected_value();
        let commit = entry.map(|entry| entry.change.landed.commit);
        let version = match entry {
            Some(entry) => entry.change.version.clone(),
            None => self.declared(&cell),
        };
        match version {
            Some(version) => self.show_trace(cell, version, commit),
            None => self.say(format!("{cell} declares no version to trace")),
        }
    }

    pub(in crate::app) fn trace_command(&mut self, argument: &str) {
        let Some(cell) = self.selected().filter(|_| !argument.is_empty()) else {
            return self.open_trace();
        };
        let version = Version::from(argument);
        let known: Vec<Version> = self.known_versions(&cell);
        if known.contains(&version) || !self.history.done {
            return self.show_trace(cell, version, None);
        }
        let hint = suggest::hint(argument, known.iter().map(Version::as_str));
        let service = &cell.service;
        self.say(match doubts(self, service).as_slice() {
            [] => format!("{service} has never been at {argument}{hint}"),
            doubts => format!(
                "{service} is not known to have been at {argument}{hint}; {}",
                doubts.join("; ")
            ),
        });
    }

    fn show_trace(&mut self, cell: CellKey, version: Version, commit: Option<ObjectId>) {
        self.open(Screen::Trace(TraceScreen {
            service: cell.service,
            version,
            selected: (cell.environment, commit),
        }));
    }

    fn declared(&self, cell: &CellKey) -> Option<Version> {
        let desired = self.git.desired.as_deref()?;
        desired.version(cell).cloned()
    }

    /// Versions that the service is known to have had anywhere.
    fn known_versions(&self, cell: &CellKey) -> Vec<Version> {
        let environments = self.environments().into_iter();
        let cells = environments.map(|name| CellKey::new(cell.service.clone(), name));
        let mut known = Vec::new();
        for cell in cells {
            let past = self.values(&cell).iter();
            known.extend(past.filter_map(|entry| entry.change.version.clone()));
            known.extend(self.declared(&cell));
        }
        known
    }
}
