//! What gates ask, and what is known.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::registry::{ImageFacts, ImageQuestion};
use super::upstreams;
use crate::domain::{
    address,
    desired::RefName,
    history::History,
    ids::{CellKey, EnvironmentName},
    past_health::PastHealth,
    policy::{check::Consent, healthy::Series},
    pull_request::Guard,
    rollout::Seen,
    source_code::Evidence,
    version::Version,
};

/// What a gate has to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// What the cluster of a cell says of it.
    Running(CellKey),
    /// What a cell has been.
    Past(CellKey),
    /// When a cell was healthy, and with what.
    PastHealth(CellKey),
    /// What an address answers.
    Http(HttpQuestion),
    /// What a query gives.
    Promql(PromqlQuestion),
    /// What a Prometheus says of when a cell was healthy.
    Healthy(HealthyQuestion),
    /// How a program ends.
    Command(CommandQuestion),
    /// What a registry says of a version.
    Image(ImageQuestion),
    /// What a version was built of, which a cell gets.
    Evidence(CellKey, Version),
    /// Who lets a deployment into the environment of a cell through, on its forge.
    Guard(EnvironmentName, RefName),
}

/// An address to ask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpQuestion {
    /// The address.
    pub url: String,
    /// Redirects on the same host are followed; else they are the answer.
    pub follow: bool,
    /// How long it may take.
    pub timeout: Duration,
    /// What the user has to have allowed.
    pub consent: Option<Consent>,
}

/// A Prometheus to ask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PromqlQuestion {
    /// The `[[servers]]` entry.
    pub server: String,
    /// The query.
    pub query: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// A Prometheus to ask about a time that ends now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HealthyQuestion {
    /// The `[[servers]]` entry.
    pub server: String,
    /// The query.
    pub query: String,
    /// So far back.
    pub back: Duration,
    /// And so often within that.
    pub step: Duration,
    /// How long it may take.
    pub timeout: Duration,
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandQuestion {
    /// The program and its arguments.
    pub run: Vec<String>,
    /// What it finds in its environment.
    pub variables: Vec<(&'static str, String)>,
    /// What it reads on its standard input.
    pub input: Arc<[u8]>,
    /// How long it may take.
    pub timeout: Duration,
    /// What the user has to have allowed.
    pub consent: Option<Consent>,
}

/// What an address answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// What it said, as much as was read.
    pub body: String,
    /// It said more than that.
    pub cut: bool,
}

/// One value of a query's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series, as Prometheus writes it; empty: it is a number without one.
    pub labels: String,
    /// The value.
    pub value: f64,
    /// When it was so.
    pub at: Timestamp,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<i32>,
    /// Its last words, as lines that may be shown.
    pub said: Vec<String>,
}

/// What was found out.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What its cluster says.
    Running(Box<Seen>),
    /// Its history, or why that cannot be read.
    Past(Result<Arc<History>, String>),
    /// What an address answered, or why that is not known.
    Http(Result<HttpReply, String>),
    /// What a query gives, or why that is not known.
    Samples(Result<Vec<Sample>, String>),
    /// What a Prometheus says of a time, or why that is not known.
    Healthy(Result<Vec<Series>, String>),
    /// How a program ended, or why it did not.
    Ran(Result<Ran, String>),
    /// What a registry says of a version, or why that is not known.
    Image(Result<ImageFacts, String>),
    /// What it was built of, or why that is not known.
    Evidence(Result<Evidence, String>),
    /// Who lets it through on its forge, where that has such a thing, or why that is not known.
    Guard(Result<Option<Guard>, String>),
    /// When it was healthy, as far as anybody knows.
    PastHealth(Box<PastHealth>),
}

/// Answers with their times. What is not here was not asked, or nobody could say.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    known: BTreeMap<Question, (Timestamp, Answer)>,
    worked_out: WorkedOut,
}

/// The target, its upstream, the moment, how long is asked for, and what goes together, as a hash.
pub(super) type Set = (
    EnvironmentName,
    EnvironmentName,
    Timestamp,
    SignedDuration,
    u64,
);

/// What the facts say of all changes that go together: worked out for the first of them, and the same for the others. It is
/// of these facts alone: a copy, to which others may come, begins anew.
#[derive(Debug, Default)]
struct WorkedOut(Mutex<BTreeMap<Set, upstreams::Answer>>);

impl Clone for WorkedOut {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Facts {
    /// Takes what became known at `at`.
    pub fn learn(&mut self, question: Question, at: Timestamp, answer: Answer) {
        self.known.insert(question, (at, answer));
        self.worked_out = WorkedOut::default();
    }

    /// What is the same for all changes of a set.
    pub(super) fn once(
        &self,
        set: Set,
        work: impl FnOnce() -> upstreams::Answer,
    ) -> upstreams::Answer {
        let known = || {
            self.worked_out
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(answer) = known().get(&set) {
            return answer.clone();
        }
        let answer = work();
        known().insert(set, answer.clone());
        answer
    }

    /// Takes what others know.
    pub fn extend(&mut self, more: Self) {
        self.known.extend(more.known);
        self.worked_out = WorkedOut::default();
    }

    /// Whether it was asked.
    pub fn knows(&self, question: &Question) -> bool {
        self.known.contains_key(question)
    }

    /// When it was answered; `None` also where nobody could say.
    pub fn at(&self, question: &Question) -> Option<Timestamp> {
        let (at, answer) = self.known.get(question)?;
        let known = !matches!(
            answer,
            Answer::Past(Err(_))
                | Answer::Http(Err(_))
                | Answer::Samples(Err(_))
                | Answer::Healthy(Err(_))
                | Answer::Ran(Err(_))
                | Answer::Image(Err(_))
                | Answer::Evidence(Err(_))
                | Answer::Guard(Err(_))
        );
        known.then_some(*at)
    }

    /// What was found out of a question.
    pub fn answer(&self, question: &Question) -> Option<&Answer> {
        self.known.get(question).map(|(_, answer)| answer)
    }

    /// What the cluster of a cell says of it.
    pub fn running(&self, cell: &CellKey) -> Option<&Seen> {
        match self.known.get(&Question::Running(cell.clone())) {
            Some((_, Answer::Running(seen))) => Some(seen),
            _ => None,
        }
    }

    /// What a cell has been.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn past(&self, cell: &CellKey) -> Result<&Arc<History>, String> {
        match self.known.get(&Question::Past(cell.clone())) {
            Some((_, Answer::Past(Ok(history)))) => Ok(history),
            Some((_, Answer::Past(Err(why)))) => Err(why.clone()),
            _ => Err("nobody asked for it".to_owned()),
        }
    }

    /// When a cell was healthy, with the moment at which that was asked for.
    pub fn past_health(&self, cell: &CellKey) -> Option<(Timestamp, &PastHealth)> {
        match self.known.get(&Question::PastHealth(cell.clone())) {
            Some((at, Answer::PastHealth(past))) => Some((*at, past)),
            _ => None,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(cell) => write!(f, "what runs in {cell}"),
            Self::Past(cell) => write!(f, "the history of {cell}"),
            Self::Http(asked) => write!(f, "what {} answers", address::redact(&asked.url)),
            Self::Promql(asked) => write!(f, "`{}` on {}", asked.query, asked.server),
            Self::Healthy(asked) => {
                write!(f, "when `{}` was good on {}", asked.query, asked.server)
            }
            Self::Image(asked) => {
                write!(
                    f,
                    "what the registry of {} says of {}",
                    asked.cell, asked.version
                )
            }
            Self::Evidence(cell, version) => {
                write!(f, "what {} {version} was built of", cell.service)
            }
            Self::Guard(environment, _) => {
                write!(
                    f,
                    "who lets a deployment to {environment} through on its forge"
                )
            }
            Self::Command(asked) => write!(f, "how `{}` ends", asked.run.join(" ")),
            Self::PastHealth(cell) => write!(f, "when {cell} was healthy"),
        }
    }
}
