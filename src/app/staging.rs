//! What the operator has asked for and not yet delivered.

use std::collections::HashMap;

use crate::domain::{
    ids::CellKey,
    plan::{ChangeRequest, Skip},
};

/// Staged requests, one per cell, in the order asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staging {
    requests: Vec<ChangeRequest>,
    /// Where each cell's request stands: every cell of the matrix is looked up at each change.
    places: HashMap<CellKey, usize>,
    /// Cells of a marked group that had nothing to do, with the cause; shown with the plan.
    pub set_aside: Vec<Skip>,
    /// States to go back to, newest last.
    undo: Vec<Vec<ChangeRequest>>,
}

/// How many steps can be undone.
const UNDO: usize = 50;

impl Staging {
    /// Takes up what an earlier run had staged.
    pub fn restore(requests: Vec<ChangeRequest>) -> Self {
        let mut staging = Self {
            requests,
            ..Self::default()
        };
        staging.index();
        staging
    }

    /// The requests.
    pub fn requests(&self) -> &[ChangeRequest] {
        &self.requests
    }

    /// The cells that there is a request for.
    pub fn cells(&self) -> impl Iterator<Item = &CellKey> {
        self.requests.iter().map(|request| &request.cell)
    }

    /// The request for `cell`.
    pub fn get(&self, cell: &CellKey) -> Option<&ChangeRequest> {
        self.requests.get(*self.places.get(cell)?)
    }

    /// Adds requests as one step; a cell's earlier request is replaced in its place.
    pub fn stage(&mut self, requests: Vec<ChangeRequest>) {
        self.remember();
        for request in requests {
            if let Some(place) = self.places.get(&request.cell) {
                self.requests[*place] = request;
            } else {
                let place = self.requests.len();
                self.places.insert(request.cell.clone(), place);
                self.requests.push(request);
            }
        }
    }

    /// Takes cells back as one step; gives those that were staged.
    pub fn unstage(&mut self, cells: &[CellKey]) -> Vec<CellKey> {
        let staged = cells.iter().filter(|cell| self.get(cell).is_some());
        let staged: Vec<CellKey> = staged.cloned().collect();
        if !staged.is_empty() {
            self.remember();
            self.requests.retain(|r| !cells.contains(&r.cell));
            self.index();
        }
        self.set_aside.retain(|skip| !cells.contains(&skip.cell));
        staged
    }

    /// Cells that are delivered: gone for good, undo does not bring them back.
    pub fn delivered(&mut self, cells: &[CellKey]) {
        self.requests.retain(|r| !cells.contains(&r.cell));
        self.index();
        self.set_aside.clear();
        self.undo.clear();
    }

    /// Goes back one step; gives the cells for which something else is staged now, or nothing any more. `None`: there is no
    /// step to go back.
    pub fn undo(&mut self) -> Option<Vec<CellKey>> {
        let requests = self.undo.pop()?;
        let undone = std::mem::replace(&mut self.requests, requests);
        self.index();
        self.set_aside.clear();
        let other = |request: &&ChangeRequest| self.get(&request.cell) != Some(*request);
        let mut cells: Vec<CellKey> = undone
            .iter()
            .filter(other)
            .map(|r| r.cell.clone())
            .collect();
        let back = self.requests.iter().map(|request| &request.cell);
        let back = back.filter(|cell| !undone.iter().any(|was| was.cell == **cell));
        cells.extend(back.cloned());
        Some(cells)
    }

    fn index(&mut self) {
        let places = self.requests.iter().enumerate();
        self.places = places.map(|(place, r)| (r.cell.clone(), place)).collect();
    }

    fn remember(&mut self) {
        if self.undo.len() == UNDO {
            self.undo.remove(0);
        }
        self.undo.push(self.requests.clone());
    }
}
