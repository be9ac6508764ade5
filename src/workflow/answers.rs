//! What gates ask, found out: what runs and what has been, side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    sync::Arc,
    thread,
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Project, Reading, cell_history, checks, past};
use crate::domain::{
    gate::{self, Answer, Facts, Question},
    history::History,
    ids::CellKey,
    rollout::Running,
};

/// Where a plan's questions go to that Git does not answer.
pub trait Asks: Send + Sync {
    /// What clusters know of these cells; may take as long as they take to answer.
    fn running(&self, cells: &BTreeSet<CellKey>) -> Running;

    /// Ends what is asked outside, once nobody waits for it any more.
    fn stop(&self) -> CancellationToken {
        CancellationToken::new()
    }
}

/// What was said already, when clusters are not to be asked again.
impl Asks for Running {
    fn running(&self, _: &BTreeSet<CellKey>) -> Running {
        self.clone()
    }
}

/// Who is asked.
pub type AskRunning<'a> = &'a dyn Asks;

/// Answers all questions at once. Blocking: as long as the history is, where no index knows it, and as the clusters take.
pub(super) fn answers(
    project: &Project,
    reading: &Reading,
    questions: &BTreeSet<Question>,
    running: AskRunning<'_>,
    now: Timestamp,
) -> Facts {
    let mut runs = BTreeSet::new();
    let (mut pasts, mut healths) = (Vec::new(), Vec::new());
    let outside = questions.iter().filter(|it| checks::is_outside(it));
    let mut outside: Vec<Question> = outside.cloned().collect();
    let stop = running.stop();
    for question in questions {
        match question {
            Question::Http(_)
            | Question::Promql(_)
            | Question::Healthy(_)
            | Question::Command(_)
            | Question::Image(_)
            | Question::Evidence(..)
            | Question::Guard(..) => {}
            Question::Running(cell) => drop(runs.insert(cell.clone())),
            Question::Past(cell) => pasts.push(cell.clone()),
            Question::PastHealth(cell) => {
                runs.insert(cell.clone());
                healths.push(cell.clone());
            }
        }
    }
    let mut asked: BTreeMap<&CellKey, Result<Question, String>> = BTreeMap::new();
    for cell in &healths {
        asked.extend(past::question(project, cell).map(|question| (cell, question)));
    }
    let of_past: BTreeSet<&Question> = asked.values().flatten().collect();
    outside.extend(of_past.into_iter().cloned());
    let mut facts = Facts::default();
    thread::scope(|scope| {
        let seen = (!runs.is_empty()).then(|| scope.spawn(|| running.running(&runs)));
        let told = (!outside.is_empty())
            .then(|| scope.spawn(|| checks::ask_blocking((project, reading), outside, &stop)));
        for (cell, past) in histories(project, reading, pasts) {
            facts.learn(Question::Past(cell), now, Answer::Past(past));
        }
        let told = told.map(|told| told.join().unwrap_or_else(|it| panic::resume_unwind(it)));
        for (question, at, answer) in told.into_iter().flatten() {
            facts.learn(question, at, answer);
        }
        let seen = seen.map(|seen| seen.join().unwrap_or_else(|it| panic::resume_unwind(it)));
        for cell in &healths {
            let seen = seen.as_ref().map(|seen| seen.seen(cell));
            let mut past = project.past_health(cell, &seen.unwrap_or_default(), now);
            match asked.get(cell) {
                None => {}
                Some(Err(why)) => past.is_not_told(why.clone()),
                Some(Ok(question)) => {
                    past::learn(&mut past, (project, cell), facts.answer(question), now);
                }
            }
            let answer = Answer::PastHealth(Box::new(past));
            facts.learn(Question::PastHealth(cell.clone()), now, answer);
        }
        for cell in &runs {
            let seen = seen.as_ref().map(|seen| seen.seen(cell));
            let seen = seen.unwrap_or_default();
            let at = seen.live.as_ref().map_or(now, |live| live.as_of);
            facts.learn(
                Question::Running(cell.clone()),
                at,
                Answer::Running(Box::new(seen)),
            );
        }
    });
    // What runs is compared with what the registry has, which is to be known first.
    let more = gate::follow_ups(questions, &facts, &project.config.topology);
    if !more.is_empty() {
        let more = more.into_iter().collect();
        // On a thread of its own: this one may be a runtime's.
        let ask = || checks::ask_blocking((project, reading), more, &stop);
        let told = thread::scope(|scope| scope.spawn(ask).join());
        let told = told.unwrap_or_else(|it| panic::resume_unwind(it));
        for (question, at, answer) in told {
            facts.learn(question, at, answer);
        }
    }
    facts
}

/// The past of each cell, by one walk, or why it cannot be read.
fn histories(
    project: &Project,
    reading: &Reading,
    cells: Vec<CellKey>,
) -> Vec<(CellKey, Result<Arc<History>, String>)> {
    if cells.is_empty() {
        return Vec::new();
    }
    match cell_history(project, reading, &cells) {
        Ok(histories) => {
            let histories = histories.into_iter().map(|history| Ok(Arc::new(history)));
            cells.into_iter().zip(histories).collect()
        }
        Err(error) => {
            let why = error.to_string();
            let cells = cells.into_iter();
            cells.map(|cell| (cell, Err(why.clone()))).collect()
        }
    }
}
