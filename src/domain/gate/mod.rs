//! Gates: a registry of rules, a file each. A gate asks questions about a change, and judges it by their answers.
//!
//! The rules and their defaults are those of the model: without any configuration `upstream`, `ahead`, `reverted`,
//! `immutable` and `veto` act, and `window` where windows are configured; the others act in environments whose policy names
//! them. Unknown is not pass, and a revert is stopped by `veto` alone, unless the policy says of others that they judge it too.
//!
//! Adding one adds its file and its line in [`ALL`]. What a question asks is found out by whoever can, with its time; a gate
//! is a pure function of the change, the facts and the moment.

use jiff::Timestamp;

use super::{
    desired::Desired,
    ids::{CellKey, EnvironmentName},
    plan::{FileEdit, Input, Intent, Level, Outcome, Verdict},
    policy::{GatePolicy, Policy, Rule, sync::SyncWindows},
    topology::{Deliver, Environment, Topology},
    version::Version,
};

mod ahead;
mod approvals;
mod check;
mod dependency;
mod digests;
mod eligible;
mod evidence;
mod facts;
mod health;
mod immutable;
#[cfg(test)]
mod lasting;
mod planned;
#[cfg(test)]
mod policies;
mod registry;
mod reverted;
mod soak;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod together;
mod upstream;
mod upstreams;
mod veto;
mod window;

pub use check::{Checked, Verified, verified, verify_questions};
pub use digests::follow_ups;
pub use facts::{
    Answer, CommandQuestion, Facts, HealthyQuestion, HttpQuestion, HttpReply, PromqlQuestion,
    Question, Ran, Sample,
};
pub use immutable::{pin_question, pinned};
pub use planned::Planned;
pub use registry::{Attested, AttestedOf, ImageFacts, ImageQuestion, ImageThere};

/// A rule.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Its name: in verdicts, in overrides, in the configuration.
    pub id: &'static str,
    /// What it asks, in a line.
    pub about: &'static str,
    /// Judges promotions only.
    pub promotions_only: bool,
    /// Judges reverts like all else, unless the policy says otherwise; else a revert is only warned.
    reverts: bool,
    /// Whether it has anything to judge here.
    acts: fn(&Change<'_>) -> bool,
    /// What it has to know to judge a change.
    questions: fn(&Change<'_>) -> Vec<Question>,
    /// The verdict, by what is known.
    judge: fn(&Change<'_>, &Facts, Timestamp) -> Finding,
}

/// Every gate of this version, in the order of their verdicts.
pub const ALL: [Gate; 17] = [
    upstream::GATE,
    ahead::GATE,
    reverted::GATE,
    eligible::GATE,
    soak::GATE,
    together::GATE,
    health::GATE,
    window::GATE,
    immutable::GATE,
    registry::GATE,
    evidence::GATE,
    veto::GATE,
    dependency::GATE,
    approvals::GATE,
    check::HTTP,
    check::PROMQL,
    check::COMMAND,
];

/// The gate that asks whether an upstream declares and runs the version.
pub const UPSTREAM: &str = upstream::GATE.id;
/// The gate that asks whether what is there is newer than what comes, or may hold a fix that it lacks.
pub const AHEAD: &str = ahead::GATE.id;
/// The gate that asks whether the version was reverted here since it last came.
pub const REVERTED: &str = reverted::GATE.id;
/// The gate that asks whether the version means one build.
pub const IMMUTABLE: &str = immutable::GATE.id;
/// The gate that asks whether a version was marked bad.
pub const VETO: &str = veto::GATE.id;
/// The gate that asks whether what goes together has run together.
pub const TOGETHER: &str = together::GATE.id;
/// The gate that asks whether the pull request has the approvals and checks that the environment asks for.
pub const APPROVALS: &str = approvals::GATE.id;
/// The gate that asks whether anything may go now.
pub const WINDOW: &str = window::GATE.id;

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
    /// The tag that its environment has written with the digest that it means: `to` has that, or is the tag alone where the
    /// registry does not say it. `None`: what comes is written as it is.
    pub pins: Option<&'a Version>,
    /// What Git declares now.
    pub desired: &'a Desired,
    /// Environments and their policy.
    pub topology: &'a Topology,
    /// What the plan writes, of all cells: what goes together.
    pub planned: &'a Planned,
    /// The files of the commit or tag that brings it, as far as they are known, in the order of their paths.
    pub edits: &'a [FileEdit],
    /// How it leaves the clone.
    pub deliver: Deliver,
}

/// What a gate finds.
struct Finding {
    level: Level,
    outcome: Outcome,
    detail: String,
    /// When it can pass by waiting alone.
    earliest: Option<Timestamp>,
}

/// What has to be known to judge a change, by all gates.
pub fn questions(change: &Change<'_>) -> Vec<Question> {
    let gates = acting(change);
    gates.flat_map(|gate| (gate.questions)(change)).collect()
}

/// The verdicts on a change, in the order of [`ALL`]. `ahead` and `reverted` judge promotions only.
pub fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Vec<Verdict> {
    let verdicts = acting(change).filter_map(|gate| {
        let found = weighed(gate, change, (gate.judge)(change, facts, now));
        // Where there is no window, nothing has to be read about it.
        if found.detail == window::NONE {
            return None;
        }
        let inputs = (gate.questions)(change).into_iter();
        Some(Verdict {
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
            earliest: found.earliest,
            overridden: None,
        })
    });
    verdicts.collect()
}

/// What freezes say of something that somebody does by hand to a cell, whose Application has these sync windows; `None`: they
/// let it.
pub fn window_by_hand(
    topology: &Topology,
    cell: &CellKey,
    argocd: Option<&SyncWindows>,
    now: Timestamp,
) -> Option<Verdict> {
    window::by_hand(topology, cell, argocd, now)
}

fn acting<'c>(change: &'c Change<'_>) -> impl Iterator<Item = Gate> + use<'c> {
    let promoted = matches!(change.intent, Intent::Promote { .. }) && change.to.is_some();
    let gates = ALL.into_iter();
    gates.filter(move |gate| (promoted || !gate.promotions_only) && (gate.acts)(change))
}

/// What a gate found, as much as the environment's policy lets it weigh.
fn weighed(gate: Gate, change: &Change<'_>, mut found: Finding) -> Finding {
    let rule = change.rule(gate.id);
    if change.is_revert() && !gate.reverts && !rule.reverts {
        // Nothing must ever stop someone from going back.
        if found.outcome == Outcome::Hold {
            found.outcome = Outcome::Warn;
            found.level = Level::Warn;
        }
        return found;
    }
    let Some(level) = rule.level else {
        return found;
    };
    found.outcome = match (level, found.level, found.outcome) {
        (Level::Warn, _, Outcome::Hold) => Outcome::Warn,
        // What a gate would only say, because the environment is not protected, holds where the policy wants it to.
        (Level::Hold | Level::Hard, Level::Warn, Outcome::Warn) => Outcome::Hold,
        (_, _, outcome) => outcome,
    };
    found.level = level;
    found
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

    /// Unknown is not pass: it holds where an environment is protected, and warns elsewhere, unless the policy says
    /// otherwise of the gate.
    fn unknown(&self, gate: &str) -> Outcome {
        self.unknown_by(self.rule(gate))
    }

    /// The same by a rule of its own.
    fn unknown_by(&self, rule: Rule) -> Outcome {
        if rule.unknown_holds.unwrap_or_else(|| self.is_protected()) {
            Outcome::Hold
        } else {
            Outcome::Unknown
        }
    }

    /// It goes back.
    fn is_revert(&self) -> bool {
        matches!(self.intent, Intent::Revert { .. })
    }

    /// It goes back, and the policy does not want a gate to judge that.
    fn may_go_back(&self, gate: &str) -> bool {
        self.is_revert() && !self.rule(gate).reverts
    }

    fn policy(&self) -> &'a Policy {
        &self.topology.policy
    }

    /// What its column's policy says.
    fn gates(&self) -> Option<&'a GatePolicy> {
        self.policy().of(&self.cell.environment)
    }

    /// What its column's policy says of a gate; where it says nothing, nothing is changed.
    fn rule(&self, gate: &str) -> Rule {
        let rule = self.policy().rule(&self.cell.environment, gate);
        rule.unwrap_or_default()
    }

    /// Its column's policy names a gate.
    fn asks_for(&self, gate: &str) -> bool {
        let rule = self.policy().rule(&self.cell.environment, gate);
        rule.is_some()
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
        earliest: None,
    }
}
