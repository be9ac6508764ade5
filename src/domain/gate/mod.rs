//! Gates: a registry of rules, a file each. A gate asks questions about a change, and judges it by their answers.
//!
//! The rules and their defaults are those of the model: without any configuration `upstream`, `ahead`, `reverted` and
//! `immutable` act, unknown is not pass, and a revert is stopped by none of them.
//!
//! Adding one adds its file and its line in [`ALL`]. What a question asks is found out by whoever can, with its time; a gate
//! is a pure function of the change, the facts and the moment.

use jiff::Timestamp;

use super::{
    desired::Desired,
    ids::{CellKey, EnvironmentName},
    plan::{Input, Intent, Level, Outcome, Verdict},
    topology::{Environment, Topology},
    version::Version,
};

mod ahead;
mod facts;
mod immutable;
mod reverted;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod upstream;

pub use facts::{Answer, Facts, Question};

/// A rule.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Its name: in verdicts, in overrides, in the configuration.
    pub id: &'static str,
    /// What it asks, in a line.
    pub about: &'static str,
    /// Judges promotions only.
    pub promotions_only: bool,
    /// What it has to know to judge a change.
    questions: fn(&Change<'_>) -> Vec<Question>,
    /// The verdict, by what is known.
    judge: fn(&Change<'_>, &Facts, Timestamp) -> Finding,
}

/// Every gate that acts in this version, in the order of their verdicts.
pub const ALL: [Gate; 4] = [upstream::GATE, ahead::GATE, reverted::GATE, immutable::GATE];

/// The gate that asks whether an upstream declares and runs the version.
pub const UPSTREAM: &str = upstream::GATE.id;
/// The gate that asks whether what is there is newer than what comes, or may hold a fix that it lacks.
pub const AHEAD: &str = ahead::GATE.id;
/// The gate that asks whether the version was reverted here since it last came.
pub const REVERTED: &str = reverted::GATE.id;

/// What the detail of a verdict begins with where a gate could not find out.
pub const NOT_KNOWN: &str = "not known: ";

/// What is judged: a version on its way into a cell.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The cell.
    pub cell: &'a CellKey,
    /// Why it gets it.
    pub intent: &'a Intent,
    /// The version; `None` restores "inherited".
    pub to: Option<&'a Version>,
    /// What Git declares now.
    pub desired: &'a Desired,
    /// Environments and their policy.
    pub topology: &'a Topology,
}

/// What a gate finds.
struct Finding {
    level: Level,
    outcome: Outcome,
    detail: String,
}

/// What has to be known to judge a change, by all gates.
pub fn questions(change: &Change<'_>) -> Vec<Question> {
    let gates = acting(change);
    gates.flat_map(|gate| (gate.questions)(change)).collect()
}

/// The verdicts on a change, in the order of [`ALL`]. `ahead` and `reverted` judge promotions only.
pub fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Vec<Verdict> {
    let verdicts = acting(change).map(|gate| {
        let found = (gate.judge)(change, facts, now);
        let inputs = (gate.questions)(change).into_iter();
        Verdict {
            gate: gate.id.to_owned(),
            level: found.level,
            outcome: found.outcome,
            detail: found.detail,
            inputs: inputs
                .map(|question| Input {
                    at: facts.at(&question),
                    what: question.to_string(),
                })
                .collect(),
            earliest: None,
            overridden: None,
        }
    });
    verdicts.collect()
}

fn acting<'c>(change: &'c Change<'_>) -> impl Iterator<Item = Gate> + use<'c> {
    let promoted = matches!(change.intent, Intent::Promote { .. }) && change.to.is_some();
    let gates = ALL.into_iter();
    gates.filter(move |gate| promoted || !gate.promotions_only)
}

impl<'a> Change<'a> {
    /// The column that it goes to.
    fn environment(&self) -> Option<&'a Environment> {
        self.topology.get(&self.cell.environment)
    }

    /// Its column asks for its name before anything is written.
    fn is_protected(&self) -> bool {
        self.environment()
            .is_some_and(|environment| environment.protected)
    }

    /// Unknown is not pass: it holds where an environment is protected, and warns elsewhere.
    fn unknown(&self) -> Outcome {
        if self.is_protected() {
            Outcome::Hold
        } else {
            Outcome::Unknown
        }
    }

    /// The environment that it is promoted from.
    fn upstream(&self) -> Option<&'a EnvironmentName> {
        match self.intent {
            Intent::Promote { from } => Some(from),
            Intent::Set { .. } | Intent::Revert { .. } => None,
        }
    }
}

fn found(outcome: Outcome, detail: impl Into<String>) -> Finding {
    Finding {
        level: Level::Hold,
        outcome,
        detail: detail.into(),
    }
}
