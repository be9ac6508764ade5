//! Steps as lines of the activity log.

use jiff::Timestamp;

use super::{CellProgress, Delivery, NotPublished, Outcome, Part, Stage, Step};
use crate::domain::{
    pull_request::PullState,
    timeline::{Level, LogEntry},
};

/// The line that a step is worth; progress on the way is none.
pub fn entry(delivery: &Delivery, at: Timestamp, step: &Step) -> Option<LogEntry> {
    let (level, text, detail) = match step {
        Step::Confirmed(commands) => confirmed(delivery, commands),
        Step::Part(part) => (
            if part.elsewhere.is_some() {
                Level::Warn
            } else {
                Level::Done
            },
            part.describe(),
            beside(delivery, part),
        ),
        Step::Arrived(part) => (Level::Done, part.describe(), Vec::new()),
        Step::Requested(part) => {
            let request = part.request.as_ref()?;
            let without = request.merged_without();
            let level = match request.state {
                PullState::Open => Level::Info,
                PullState::Merged if without.is_none() => Level::Done,
                PullState::Merged | PullState::Closed => Level::Warn,
            };
            let mut detail = vec![request.url.clone()];
            if !request.approvals.by.is_empty() {
                detail.push(format!("approved by {}", request.approvals.by.join(", ")));
            }
            (level, request.describe(), detail)
        }
        Step::Superseded(said) => (Level::Info, said.clone(), Vec::new()),
        Step::Cell(cell, progress) => {
            let level = match progress {
                CellProgress::Healthy => Level::Done,
                CellProgress::Failed(_) => Level::Error,
                CellProgress::Unverified(_) => Level::Warn,
                CellProgress::Unwatched(_) | CellProgress::Superseded(_) => Level::Info,
                CellProgress::Behind(hop) if hop.failing => Level::Warn,
                CellProgress::Waiting(_)
                | CellProgress::Verifying(_)
                | CellProgress::Behind(_)
                | CellProgress::Rolling { .. } => return None,
            };
            (
                level,
                format!("{cell}: {}", progress.describe()),
                Vec::new(),
            )
        }
        Step::Done(Stage::Verified, said) => (Level::Done, format!("verified: {said}"), Vec::new()),
        Step::Ended(outcome) => ended(delivery, outcome)?,
        Step::Began(_) | Step::Done(..) | Step::Published | Step::Merged => return None,
    };
    Some(LogEntry {
        at,
        level,
        text,
        detail,
    })
}

type Worded = (Level, String, Vec<String>);

fn confirmed(delivery: &Delivery, commands: &[String]) -> Worded {
    let (count, noun) = match delivery.cells.len() {
        1 => (1, "change"),
        count => (count, "changes"),
    };
    let text = format!("confirmed: {count} {noun} to {}", delivery.target);
    (Level::Info, text, commands.to_vec())
}

/// What there is to know beside where a part is.
fn beside(delivery: &Delivery, part: &Part) -> Vec<String> {
    let notes = delivery.moved.iter().chain(&part.link);
    part.words().chain(notes).cloned().collect()
}

fn ended(delivery: &Delivery, outcome: &Outcome) -> Option<Worded> {
    let told = match outcome {
        Outcome::NotPublished(why) if let Some((_, changes)) = why.fresh() => {
            let text = match why {
                NotPublished::Held(_) => "a gate holds it now: nothing was written".to_owned(),
                _ => format!(
                    "{} moved: the plan is not the same any more",
                    delivery.target
                ),
            };
            return Some((Level::Warn, text, changes));
        }
        Outcome::NotPublished(why @ NotPublished::Locked) => {
            let failure = why.failure(&delivery.parts);
            return Some((Level::Warn, failure.why, vec![failure.next]));
        }
        Outcome::NotPublished(NotPublished::Rejected(rejection)) => {
            let text = "the push was refused".to_owned();
            return Some((Level::Error, text, rejection.lines()));
        }
        _ => delivery.verdict()?,
    };
    Some(match told {
        Ok(text) => (Level::Done, text, Vec::new()),
        Err(failure) => (Level::Error, failure.what.clone(), failure.detail()),
    })
}
