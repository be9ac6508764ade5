//! The histories that gates judge a plan by: read when one is first asked for, and then those of all promotions at once.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::{Reading, Session, cell_history};
use crate::domain::{
    history::History,
    ids::{CellKey, EnvironmentName},
    plan::{ChangeRequest, Intent},
};

/// What has been read, and what will be.
pub(super) struct Pasts<'a> {
    session: &'a Session,
    reading: &'a Reading,
    /// The cells of the plan's promotions, until they are read.
    first: RefCell<Vec<CellKey>>,
    known: RefCell<BTreeMap<CellKey, Result<Rc<History>, String>>>,
}

impl<'a> Pasts<'a> {
    /// Of a plan that is asked for so; nothing is read yet.
    pub(super) fn new(
        session: &'a Session,
        reading: &'a Reading,
        requests: &[ChangeRequest],
    ) -> Self {
        let cells = requests.iter().filter_map(|request| {
            let Intent::Promote { from } = &request.intent else {
                return None;
            };
            let upstream = CellKey::new(request.cell.service.clone(), from.clone());
            Some([request.cell.clone(), upstream])
        });
        Self {
            session,
            reading,
            first: RefCell::new(cells.flatten().collect()),
            known: RefCell::default(),
        }
    }

    /// A cell's past, or why it cannot be read. Blocking; as long as the history is, where no index knows it.
    pub(super) fn of(&self, key: &CellKey) -> Result<Rc<History>, String> {
        let mut known = self.known.borrow_mut();
        let first = std::mem::take(&mut *self.first.borrow_mut());
        if !first.is_empty() {
            self.read(first, &mut known);
        }
        if !known.contains_key(key) {
            // It comes along with what was asked for, as others of its column may: one more walk for all of them.
            let columns = self.columns(&key.environment);
            let cells = self.reading.desired.cells.keys();
            let mut wanted: Vec<CellKey> = cells
                .filter(|cell| columns.contains(&&cell.environment) && !known.contains_key(cell))
                .cloned()
                .collect();
            if !wanted.contains(key) {
                wanted.push(key.clone());
            }
            self.read(wanted, &mut known);
        }
        known.get(key).cloned().unwrap_or_else(|| Ok(Rc::default()))
    }

    /// A column and its upstreams.
    fn columns<'b>(&'b self, environment: &'b EnvironmentName) -> Vec<&'b EnvironmentName> {
        let topology = &self.session.config.topology;
        let upstreams = topology.get(environment).map(|it| it.from.iter());
        std::iter::once(environment)
            .chain(upstreams.into_iter().flatten())
            .collect()
    }

    fn read(
        &self,
        mut cells: Vec<CellKey>,
        known: &mut BTreeMap<CellKey, Result<Rc<History>, String>>,
    ) {
        cells.sort();
        cells.dedup();
        match cell_history(self.session, self.reading, &cells) {
            Ok(histories) => {
                let histories = histories.into_iter().map(|history| Ok(Rc::new(history)));
                known.extend(cells.into_iter().zip(histories));
            }
            Err(error) => {
                let why = error.to_string();
                known.extend(cells.into_iter().map(|cell| (cell, Err(why.clone()))));
            }
        }
    }
}
