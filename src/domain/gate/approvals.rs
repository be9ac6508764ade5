//! `approvals`: the pull request gets the approvals and checks that the environment asks for. What it has is seen once it is
//! open: the delivery waits for it there, so a plan that goes by one passes.

use jiff::Timestamp;

use super::{Answer, Change, Facts, Finding, Gate, Question, found};
use crate::domain::{
    plan::{Level, Outcome},
    pull_request::Asks,
    topology::Deliver,
};

pub(super) const GATE: Gate = Gate {
    id: "approvals",
    about: "the pull request has the approvals and checks that the environment asks for, author excluded",
    promotions_only: false,
    reverts: false,
    acts: |change| asks(change).is_some(),
    questions: |change| guard(change).into_iter().collect(),
    judge,
};

fn asks<'a>(change: &Change<'a>) -> Option<&'a Asks> {
    change.gates()?.approvals.as_ref()
}

/// Whether a pull request has to wait for it.
fn binds(change: &Change<'_>) -> bool {
    !change.may_go_back(GATE.id) && change.rule(GATE.id).level != Some(Level::Warn)
}

/// Who else lets it through, which only shows; asked where it goes by a pull request.
fn guard(change: &Change<'_>) -> Option<Question> {
    asks(change)?;
    let tip = change
        .desired
        .tip(change.cell)
        .or(change.desired.tips.first())?;
    (change.deliver == Deliver::PullRequest)
        .then(|| Question::Guard(change.cell.environment.clone(), tip.name.clone()))
}

/// `; on its forge alice lets it through`.
fn guarded(change: &Change<'_>, facts: &Facts) -> String {
    let answer = guard(change).and_then(|question| facts.answer(&question).cloned());
    match answer {
        Some(Answer::Guard(Ok(Some(guard)))) => format!(
            "; the forge's environment {} asks for more: {}",
            change.cell.environment,
            guard.words()
        ),
        _ => String::new(),
    }
}

fn judge(change: &Change<'_>, facts: &Facts, _: Timestamp) -> Finding {
    let Some(asks) = asks(change) else {
        return found(Outcome::Pass, "nothing is asked for");
    };
    let asked = format!("{} asks for {}", change.cell.environment, asks.words());
    let has_none = match change.deliver {
        Deliver::PullRequest if binds(change) => {
            let more = guarded(change, facts);
            let detail = format!("{asked}; the delivery waits for that at its pull request{more}");
            return found(Outcome::Pass, detail);
        }
        Deliver::PullRequest => {
            let more = guarded(change, facts);
            let detail = format!("{asked}; nothing waits for that here{more}");
            return Finding {
                level: Level::Warn,
                ..found(Outcome::Warn, detail)
            };
        }
        Deliver::Push => "a push has none",
        Deliver::Branch => "a branch alone has none",
    };
    let detail = format!("{asked}, and {has_none}: --deliver pull-request");
    found(Outcome::Hold, detail)
}
