//! `evidence`: the commit that the version was built of has passed its checks.

use jiff::Timestamp;

use super::{Answer, Change, Facts, Finding, Gate, NOT_KNOWN, Question, found};
use crate::domain::plan::Outcome;

pub(super) const GATE: Gate = Gate {
    id: "evidence",
    about: "the commit that the version was built of has passed its checks",
    promotions_only: false,
    reverts: false,
    acts: |change| change.asks_for(GATE.id) && change.to.is_some(),
    questions: |change| question(change).into_iter().collect(),
    judge,
};

fn question(change: &Change<'_>) -> Option<Question> {
    Some(Question::Evidence(change.cell.clone(), change.to?.clone()))
}

fn judge(change: &Change<'_>, facts: &Facts, _: Timestamp) -> Finding {
    let asked = change.gates().and_then(|gates| gates.evidence.as_deref());
    let not_known = |why: &str| found(change.unknown(GATE.id), format!("{NOT_KNOWN}{why}"));
    let answer = question(change);
    let answer = answer.as_ref().and_then(|question| facts.answer(question));
    let evidence = match answer {
        Some(Answer::Evidence(Ok(evidence))) => evidence,
        Some(Answer::Evidence(Err(why))) => return not_known(why),
        _ => return not_known("nobody was asked"),
    };
    match evidence.judge(asked.unwrap_or_default()) {
        (Some(true), words) => found(Outcome::Pass, words),
        (Some(false), words) => found(Outcome::Hold, words),
        (None, words) => not_known(&words),
    }
}
