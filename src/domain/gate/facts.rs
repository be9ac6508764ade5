//! What gates ask, and what is known.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;

use crate::domain::{history::History, ids::CellKey, rollout::Seen};

/// What a gate has to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// What the cluster of a cell says of it.
    Running(CellKey),
    /// What a cell has been.
    Past(CellKey),
}

/// What was found out.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What its cluster says.
    Running(Box<Seen>),
    /// Its history, or why that cannot be read.
    Past(Result<Arc<History>, String>),
}

/// Answers with their times. What is not here was not asked, or nobody could say.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<Question, (Timestamp, Answer)>);

impl Facts {
    /// Takes what became known at `at`.
    pub fn learn(&mut self, question: Question, at: Timestamp, answer: Answer) {
        self.0.insert(question, (at, answer));
    }

    /// Takes what others know.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Whether it was asked.
    pub fn knows(&self, question: &Question) -> bool {
        self.0.contains_key(question)
    }

    /// When it was answered.
    pub fn at(&self, question: &Question) -> Option<Timestamp> {
        self.0.get(question).map(|(at, _)| *at)
    }

    /// What the cluster of a cell says of it.
    pub fn running(&self, cell: &CellKey) -> Option<&Seen> {
        match self.0.get(&Question::Running(cell.clone())) {
            Some((_, Answer::Running(seen))) => Some(seen),
            _ => None,
        }
    }

    /// What a cell has been.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn past(&self, cell: &CellKey) -> Result<&Arc<History>, String> {
        match self.0.get(&Question::Past(cell.clone())) {
            Some((_, Answer::Past(Ok(history)))) => Ok(history),
            Some((_, Answer::Past(Err(why)))) => Err(why.clone()),
            _ => Err("nobody asked for it".to_owned()),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(cell) => write!(f, "what runs in {cell}"),
            Self::Past(cell) => write!(f, "the history of {cell}"),
        }
    }
}
