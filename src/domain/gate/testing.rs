//! Answers for tests.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Answer, Facts, Question};
use crate::domain::{history::History, ids::CellKey, past_health::PastHealth, rollout::Running};

/// What is asked, answered at `now` by what runs and by pasts.
pub(crate) fn answered(
    questions: &BTreeSet<Question>,
    running: &Running,
    past: impl Fn(&CellKey) -> Result<Arc<History>, String>,
    now: Timestamp,
) -> Facts {
    let mut facts = Facts::default();
    for question in questions {
        let answer = match question {
            Question::Running(cell) => Answer::Running(Box::new(running.seen(cell))),
            Question::Past(cell) => Answer::Past(past(cell)),
            Question::Image(_) => Answer::Image(Err("nobody asks it here".to_owned())),
            Question::Evidence(..) => Answer::Evidence(Err("nobody asks it here".to_owned())),
            Question::Guard(..) => Answer::Guard(Err("nobody asks it here".to_owned())),
            Question::Http(_) => Answer::Http(Err("nobody asks it here".to_owned())),
            Question::Promql(_) => Answer::Samples(Err("nobody asks it here".to_owned())),
            Question::Healthy(_) => Answer::Healthy(Err("nobody asks it here".to_owned())),
            Question::Command(_) => Answer::Ran(Err("nobody runs it here".to_owned())),
            Question::PastHealth(cell) => {
                let mut past = PastHealth::default();
                past.learn_seen(&running.seen(cell), now);
                Answer::PastHealth(Box::new(past))
            }
        };
        facts.learn(question.clone(), now, answer);
    }
    facts
}

/// Nothing runs, and nothing has been.
pub(crate) fn nothing(questions: &BTreeSet<Question>) -> Facts {
    let past = |_: &CellKey| Ok(Arc::default());
    answered(questions, &Running::default(), past, Timestamp::UNIX_EPOCH)
}
