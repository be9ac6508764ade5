//! A cell as the screen shows it: its status, what Git declares, and what is staged for it.

use super::model::Model;
use crate::{
    domain::{
        cell::{self, CellStatus, Delivering},
        desired::DesiredCell,
        drift::Skew,
        ids::CellKey,
        plan::{ChangeRequest, Intent},
        version::Version,
    },
    look,
};

/// A cell with everything that is shown of it.
#[derive(Clone, Debug)]
pub struct CellView<'a> {
    /// What it is doing.
    pub status: CellStatus<'a>,
    /// What Git declares.
    pub declared: Option<&'a DesiredCell>,
    /// What is staged for it.
    pub staged: Option<&'a ChangeRequest>,
    /// How its version stands to its upstream's, where that is another one.
    pub skew: Option<Skew>,
}

/// How much a staged change wants to be looked at: below every trouble, above none.
pub const STAGED_TROUBLE: u8 = 20;

impl CellView<'_> {
    /// How much the cell wants to be looked at.
    pub fn trouble(&self) -> u8 {
        match self.staged {
            Some(_) => self.status.trouble.max(STAGED_TROUBLE),
            None => self.status.trouble,
        }
    }
}

/// What is known of `key`.
pub fn assess<'a>(model: &'a Model, key: &CellKey) -> CellView<'a> {
    let desired = model.git.desired.as_deref();
    assess_declared(model, key, desired.and_then(|d| d.cells.get(key)))
}

/// The same where the declared side is at hand.
pub fn assess_declared<'a>(
    model: &'a Model,
    key: &CellKey,
    declared: Option<&'a DesiredCell>,
) -> CellView<'a> {
    let delivering = if model.deliveries.is_delivering(key) {
        Delivering::Underway
    } else {
        Delivering::No
    };
    let live = model.live.cells().get(key).map(|live| &**live);
    let connection = model.connection(&key.environment);
    CellView {
        status: cell::assess(declared, live, connection, delivering),
        declared,
        staged: model.staging.get(key),
        skew: model.skews.get(key).map(|skewed| skewed.skew),
    }
}

/// The version that a staged request would write, as far as it is known before planning.
pub fn staged_version(model: &Model, request: &ChangeRequest) -> Option<Version> {
    match &request.intent {
        Intent::Promote { from } => {
            let upstream = CellKey::new(request.cell.service.clone(), from.clone());
            model.git.desired.as_ref()?.version(&upstream).cloned()
        }
        Intent::Set { version } => Some(version.clone()),
        Intent::Revert { to, .. } => to.clone(),
    }
}

/// Why the cell is as it is, with its environment, in one line; `None` where there is nothing to say.
pub fn why(model: &Model, key: &CellKey, view: &CellView<'_>) -> Option<String> {
    Some(format!("{}: {}", key.environment, why_of(model, view)?))
}

/// The same where its environment is known.
pub fn why_of(model: &Model, view: &CellView<'_>) -> Option<String> {
    let why = look::why(&view.status, model.now);
    why.or_else(|| view.staged.map(|request| intent(&request.intent)))
}

/// What is staged, in words.
pub fn intent(intent: &Intent) -> String {
    match intent {
        Intent::Promote { from } => format!("staged: promotion from {from}"),
        Intent::Set { version } => format!("staged: set to {version}"),
        Intent::Revert {
            to: Some(version), ..
        } => format!("staged: revert to {version}"),
        Intent::Revert { to: None, .. } => "staged: back to inherited".to_owned(),
    }
}
