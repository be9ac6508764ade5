//! Everything that drifts: where environments differ from each other, and clusters from Git.

use super::{Screen, moved};
use crate::{
    actions::Action,
    app::{command::Command, model::Model, status},
    domain::{
        drift::{self, Facts, Kind},
        ids::{CellKey, EnvironmentName},
    },
};

/// The list of findings. The cursor is a finding, not a place: the list may change under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftScreen {
    /// What was found, kept in line with what is known: by kind, then by cell, which has one of a kind. What it says is worded
    /// where it is shown.
    pub findings: Vec<(Kind, CellKey)>,
    /// The selected one.
    pub selected: usize,
}

impl DriftScreen {
    /// The cell of the selected finding.
    pub(super) fn selected_cell(&self) -> Option<CellKey> {
        let (_, cell) = self.findings.get(self.selected)?;
        Some(cell.clone())
    }

    /// How many there are of each kind that there is.
    pub fn counts(&self) -> impl Iterator<Item = (Kind, usize)> + '_ {
        let count = |kind| self.findings.iter().filter(|it| it.0 == kind).count();
        let all = Kind::ALL.into_iter().map(move |kind| (kind, count(kind)));
        all.filter(|(_, count)| *count > 0)
    }

    /// Takes what is found now; the cursor stays on its finding, or on its cell where that has another one.
    fn take(&mut self, findings: Vec<(Kind, CellKey)>) {
        let place = self.findings.get(self.selected).and_then(|at| {
            let exact = findings.binary_search(at).ok();
            exact.or_else(|| findings.iter().position(|it| it.1 == at.1))
        });
        let last = findings.len().saturating_sub(1);
        self.selected = place.unwrap_or(self.selected.min(last));
        self.findings = findings;
    }
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let page = model.page();
    let Some(Screen::Drift(screen)) = model.screens.last_mut() else {
        return false;
    };
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => {
            screen.selected = moved(screen.selected, motion, screen.findings.len(), page);
        }
        Action::Open => match screen.selected_cell() {
            Some(cell) => model.open_cell(cell, out),
            None => model.say("nothing drifts"),
        },
        Action::Mark => {
            let Some(cell) = screen.selected_cell() else {
                return true;
            };
            // To the next cell: one that has several findings is marked once.
            let mut rest = screen.findings.iter().enumerate().skip(screen.selected);
            let next = rest.find(|(_, it)| it.1 != cell);
            screen.selected = next.map_or(screen.selected, |(index, _)| index);
            if !model.matrix.marks.remove(&cell) {
                model.matrix.marks.insert(cell);
            }
        }
        Action::Copy => {
            if let Some((kind, cell)) = screen.findings.get(screen.selected).cloned() {
                let detail = model.how_it_drifts(kind, &cell);
                out.push(Command::Copy {
                    what: "the line".to_owned(),
                    text: format!("{kind}: {cell}: {detail}"),
                });
            }
        }
        Action::Browse => model.browse_environment(out),
        _ => return false,
    }
    true
}

impl Model {
    /// Opens the list of what drifts.
    pub(in crate::app) fn open_drift(&mut self) {
        self.open(Screen::Drift(DriftScreen::default()));
        self.judge();
        self.find_drift();
    }

    /// Brings an open list in line with what is known.
    pub(in crate::app) fn find_drift(&mut self) {
        let open = |screen: &Screen| matches!(screen, Screen::Drift(_));
        let Some(index) = self.screens.iter().rposition(open) else {
            return;
        };
        let findings = self.drift();
        if let Some(Screen::Drift(screen)) = self.screens.get_mut(index) {
            screen.take(findings);
        }
    }

    fn drift(&self) -> Vec<(Kind, CellKey)> {
        let Some(desired) = &self.git.desired else {
            return Vec::new();
        };
        let of = |kind| {
            let rows = self.judged.rows().iter();
            let cells = rows.flat_map(|row| row.cells.iter().map(move |facts| (row, facts)));
            let cells = cells.filter(move |(_, facts)| facts.drifts.contains(&kind));
            cells.map(move |(row, facts)| {
                let environment = desired.environments[facts.column].clone();
                (kind, CellKey::new(row.service.clone(), environment))
            })
        };
        Kind::ALL.into_iter().flat_map(of).collect()
    }

    /// What a finding says now; empty where it is none any more.
    pub fn how_it_drifts(&self, kind: Kind, cell: &CellKey) -> String {
        let Some(desired) = self.git.desired.as_deref() else {
            return String::new();
        };
        let Some(declared) = desired.cells.get(cell) else {
            return String::new();
        };
        let names = desired.environments.iter().map(EnvironmentName::as_str);
        let facts = Facts {
            desired,
            environments: &names.collect::<Vec<_>>(),
            skews: self.skews.cells(),
            past: &|cell| self.values(cell),
            status: &|key, cell| status::assess_declared(self, key, Some(cell)).status,
        };
        let mut found = drift::of_cell(&facts, cell, declared).into_iter();
        let found = found.find(|found| found.kind == kind);
        found.map_or_else(String::new, |found| found.words(self.now))
    }
}
