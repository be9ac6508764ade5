//! `--when-eligible`: a confirmed plan waits for its gates, and then goes.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Context,
    args::WriteArgs,
    change::{self, Start, Writing},
    fail::Exit,
    outcome::{nothing, report, stopped},
    output::{Output, clean},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        plan::{Ending, Plan, PlanRequest, WaitsFor},
        rollout::Running,
    },
    stdio::{self, Stream},
};

/// The first look again comes after this, and each later one after twice as long, up to [`SLOWEST`].
const FIRST: Duration = Duration::from_secs(1);
/// Facts are asked for this often at least, and when a gate can pass.
const SLOWEST: Duration = Duration::from_secs(30);
/// How often the line of a terminal is written anew.
const TICK: Duration = Duration::from_secs(1);
const WAITING: &str = "while it waited for its gates: nothing was written";

/// How the wait ended.
pub(super) enum Waited {
    /// Nothing holds it any more: it goes.
    Goes(Box<(Start, Plan, Writing)>),
    /// It is over.
    Ended(Exit),
}

/// Waits until nothing holds `plan` any more. Each look fetches and judges anew; what would become of other versions than
/// those that were confirmed ends it.
pub(super) async fn wait(
    context: &Context,
    begun: (Start, Plan, Writing),
    args: &WriteArgs,
) -> Result<Waited, Failure> {
    let output = &context.output;
    let (start, confirmed, writing) = begun;
    let request = confirmed.request.clone();
    let policy = start.project.config.policy_hash();
    let until = args
        .clusters
        .timeout
        .map(|timeout| Instant::now() + timeout);
    let mut line = Line::new(output);
    let mut state = (start, confirmed.clone(), writing);
    let mut pause = FIRST;
    output.leaves(WAITING);
    loop {
        let plan = &state.1;
        if plan.stopping().next().is_some() {
            line.end();
            return Ok(Waited::Ended(stopped(output, plan)));
        }
        let mut lines = confirmed.other_changes(plan);
        let mut waits = plan.waits_for();
        waits.extend(confirmed.waits_for_digests(plan));
        if state.2.pinned && lines.is_empty() {
            let passes = waits.is_empty() && confirmed.held().next().is_some();
            if state.0.project.config.policy_hash() != policy {
                lines.push("the policy is another one than it was judged by".to_owned());
            } else if !confirmed.lacks_digests(plan) && !confirmed.writes_as(plan) {
                lines.push("other bytes than those of the file".to_owned());
            } else if passes && !confirmed.is_let_go_by(plan) {
                lines.push("other verdicts than those of the file".to_owned());
            }
        }
        if !lines.is_empty() {
            line.end();
            if plan.is_void() && plan.ending() == Ending::Done {
                return Ok(Waited::Ended(nothing(output, plan)));
            }
            output.note("what was confirmed is another change by now; nothing was written:");
            for line in &lines {
                output.note(format!("  {}", clean(line)));
            }
            report(output, plan, "moved", json!({ "differences": lines }));
            return Ok(Waited::Ended(Exit::Moved));
        }
        if waits.is_empty() {
            line.end();
            output.note("its gates pass: it goes");
            output.leaves("");
            return Ok(Waited::Goes(Box::new(state)));
        }
        let next = next_look(plan, pause, until);
        line.show(&waits, until, next).await;
        if until.is_some_and(|until| Instant::now() >= until) {
            line.end();
            output.note("it was not eligible in time (--timeout); nothing was written");
            report(output, plan, "timed-out", json!({}));
            return Ok(Waited::Ended(Exit::Failed));
        }
        pause = (pause * 2).min(SLOWEST);
        match again(context, &request, args).await {
            Ok((start, plan, running)) => {
                let pinned = state.2.pinned;
                state = (
                    start,
                    plan,
                    Writing {
                        running,
                        pinned,
                        consented: true,
                    },
                );
            }
            // A server that does not answer now may do so at the next look.
            Err(error) if error.kind == FailureKind::Network => {
                line.note(&format!("asked again later: {error}"));
            }
            Err(error) => {
                line.end();
                return Err(error);
            }
        }
    }
}

async fn again(
    context: &Context,
    request: &PlanRequest,
    args: &WriteArgs,
) -> Result<(Start, Plan, Running), Failure> {
    let start = change::start(context, args).await?;
    let (plan, running) = change::judge(context, &start, request, args)?;
    Ok((start, plan, running))
}

/// When it is looked at again: after a pause, or as soon as all gates can pass.
fn next_look(plan: &Plan, pause: Duration, until: Option<Instant>) -> Instant {
    let now = Instant::now();
    let earliest = plan
        .earliest()
        .map(|at| Timestamp::now().duration_until(at));
    let earliest = earliest.and_then(|left| Duration::try_from(left).ok());
    // A moment behind it: a gate that passes at a time does not pass before.
    let left = earliest.map(|left| left + Duration::from_millis(50));
    let pause = left.map_or(pause, |left| {
        left.min(pause).max(Duration::from_millis(100))
    });
    let next = now + pause;
    until.map_or(next, |until| next.min(until))
}

/// What is told while it waits: on a terminal one line that is kept up to date, else a line for each change.
struct Line<'a> {
    output: &'a Output,
    terminal: bool,
    told: Vec<String>,
}

impl<'a> Line<'a> {
    fn new(output: &'a Output) -> Self {
        Self {
            output,
            terminal: stdio::is_terminal(Stream::Notes),
            told: Vec::new(),
        }
    }

    /// Tells it until then.
    async fn show(&mut self, waits: &[WaitsFor], until: Option<Instant>, next: Instant) {
        let keys: Vec<String> = waits.iter().map(|it| format!("{:?}", it.key())).collect();
        if keys != self.told {
            self.end();
            let now = Timestamp::now();
            for one in waits {
                self.output
                    .note(clean(&format!("waits for {}", one.told(now))));
            }
            self.told = keys;
        }
        if !self.terminal {
            sleep_until(next).await;
            return;
        }
        while Instant::now() < next {
            let now = Timestamp::now();
            let first = waits.first().map(|it| it.short(now)).unwrap_or_default();
            let more = match waits.len() {
                0 | 1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.map_or(String::new(), |left| {
                format!("; {} s are left", left.as_secs())
            });
            stdio::status(&clean(&format!(
                "waits for {first}{more}{left}; ^c ends it"
            )));
            sleep(TICK.min(next.saturating_duration_since(Instant::now()))).await;
        }
    }

    fn note(&self, words: &str) {
        self.end();
        self.output.note(clean(words));
    }

    /// Takes the line away.
    fn end(&self) {
        if self.terminal {
            stdio::status("");
        }
    }
}
