//! The one place where the model changes: an event in, commands out.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    desired::Desired,
    failure::Failure,
    timeline::{Level, LogEntry},
};

use super::{
    areas::Drawn,
    command::Command,
    event::Event,
    layouts::LayoutsBy,
    model::{Model, Prompt},
    op_queue::Operation,
    screen::Refusal,
};

pub(super) use input::everywhere as act_everywhere;

mod answers;
mod forge;
mod input;
mod own;
mod palette;
mod prompt;
mod question;
mod staging;
#[cfg(test)]
mod tests;
mod trust;

/// A passing word stays this long, unless a key comes first.
const WORD_MILLISECONDS: i64 = 8_000;

/// What to do first: read what is known locally, and ask the remote beside it.
pub fn start(model: &mut Model) -> Vec<Command> {
    let mut out = Vec::new();
    model.read_desired(&mut out);
    model.fetch(&mut out);
    if model.setup.write == super::model::WriteMode::Write {
        out.push(Command::Unlock);
    }
    out.push(Command::TakeUp);
    if let Some(said) = model.setup.layouts.said().map(str::to_owned) {
        model.log(Level::Warn, said, Vec::new(), &mut out);
    }
    // The filter to start with is as it was written long before.
    if let Some(unknown) = model.unknown_in_filter() {
        let said = format!("the filter to start with: {unknown}");
        model.say(said.clone());
        model.log(Level::Warn, said, Vec::new(), &mut out);
    }
    model.arrange();
    out
}

/// Shows a matrix that is known before it can be read. It is not taken for what was read.
pub fn foresee(model: &mut Model, desired: Desired) {
    model.git.remembered = Some(model.now);
    model.git.desired = Some(Arc::new(desired));
    model.arrange();
}

/// Applies one event.
pub fn update(model: &mut Model, event: Event) -> Vec<Command> {
    update_all(model, [event])
}

/// Applies events that came together, and arranges the rows as rarely as that can be.
pub fn update_all(model: &mut Model, events: impl IntoIterator<Item = Event>) -> Vec<Command> {
    let mut out = Vec::new();
    let mut arranged = true;
    for event in events {
        let is_input = matches!(event, Event::Input { .. });
        if is_input && !arranged {
            model.arrange();
        }
        arranged = matches!(event, Event::Tick(_)) && arranged;
        let is_said = model.word.is_some();
        apply(model, event, &mut out);
        // A passing word takes lines, and gives them back when its time is over.
        arranged &= model.word.is_some() == is_said;
        // Rows that stayed where they were for a key's sake go where they belong.
        arranged &= !model.matrix.held || model.holds_rows();
    }
    if !arranged {
        model.arrange();
        // Keys acted on the list that was seen.
        model.find_drift();
    }
    if model.story.is_some() {
        model.tell_story(&mut out);
    }
    out
}

/// Takes what drawing the frame found out, before the next event.
pub fn drawn(model: &mut Model, drawn: Drawn) {
    model.drawn = drawn;
}

fn apply(model: &mut Model, event: Event, out: &mut Vec<Command>) {
    match event {
        Event::Input { at, input } => {
            model.turn_clock(at);
            input::input(model, input, out);
        }
        Event::Ground(colour) => model.ground = Some(colour),
        Event::Tick(now) => model.tick(now, out),
        Event::Desired { epoch, result } => model.on_desired(epoch, result, out),
        Event::History { epoch, result } => model.on_history(epoch, result, out),
        Event::Live {
            environment,
            context,
            connection,
            cells,
            all,
        } => {
            // What a cluster says that is not the environment's any more comes too late.
            if model.setup.topology.cluster(&environment) == Some(context.as_str()) {
                model.on_live(environment, connection, (cells, all), out);
            }
        }
        Event::Notes { cell, result } => model.on_notes(&cell, result),
        Event::PastHealth { cell, past } => model.past_health = Some((cell, past)),
        Event::Behind {
            epoch,
            step,
            behind,
        } => model.on_behind(epoch, step, behind),
        Event::CommitDiff {
            epoch,
            cell,
            commit,
            result,
        } => model.on_diff(epoch, &cell, commit, result),
        Event::Signatures(found) => model.signatures.extend(found),
        Event::Planned { epoch, result } => model.on_planned(epoch, result, out),
        Event::Delivery {
            at,
            delivery,
            steps,
        } => model.on_delivery(at, delivery, steps, out),
        Event::DeliveryBroken { id, failure } => model.on_delivery_broken(&id, failure, out),
        Event::Fetched { epoch, result } => model.on_fetched(epoch, result, out),
        Event::Ran {
            line,
            ok,
            outcome,
            took,
        } => model.on_ran(line, ok, outcome, took, out),
        Event::Log { epoch, part } => model.on_log(epoch, part),
        Event::ObjectShown { epoch, result } => model.on_object(epoch, result),
        Event::Weighed { epoch, result } => model.on_weighed(epoch, result),
        Event::Told {
            epoch,
            told,
            result,
        } => model.on_told(epoch, &told, result, out),
        Event::ToldDone { told, result } => model.on_told_done(&told, result, out),
        Event::OwnRan { epoch, ran } => model.on_own(epoch, ran, out),
        Event::ConfigReloaded(result) => model.on_configuration(result, out),
        Event::TrustAsked { at, lines } => {
            // It may have waited to be taken: the clock is told by keys and ticks.
            model.now = model.now.max(at);
            model.on_trust(lines, out);
        }
        Event::Failure(failure) => model.fail(failure, out),
        Event::Waits(waits) => model.waits = waits,
        Event::DoneOnForge(words) => model.on_forge(words, out),
        Event::Proposed(proposed) => model.git.proposed = proposed,
        Event::LayoutsTold { epoch, result } => model.on_layouts(epoch, result),
        Event::GuessOffered { epoch, offer } => model.on_offer(epoch, offer, out),
        Event::Notice(text) => {
            model.log(Level::Info, text.clone(), Vec::new(), out);
            model.say(text);
        }
    }
    model.ask_to_trust();
}

impl Model {
    /// Takes the time of an event. What comes in one batch is not in order, and moves nothing back; a clock that was set
    /// back is obeyed, as otherwise everything would be as old as it was wrong, and nothing fetched, until it has caught up.
    fn turn_clock(&mut self, at: Timestamp) {
        const IN_ONE_BATCH: SignedDuration = SignedDuration::from_secs(5);
        if at > self.now || self.now.duration_since(at) > IN_ONE_BATCH {
            self.now = at;
        }
        self.judge_freezes();
    }

    /// Whether `since` is less than so long ago. Where the clock was set back since then, that is not known, and counts as
    /// long ago once it is further ahead than that.
    pub(in crate::app) fn is_within(&self, since: Timestamp, milliseconds: i64) -> bool {
        (self.now.as_millisecond() - since.as_millisecond()).abs() < milliseconds
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Command>) {
        self.turn_clock(now);
        self.look_at_waiting(out);
        self.look_behind(out);
        let over = |said: Timestamp| !self.is_within(said, WORD_MILLISECONDS);
        if self.word.as_ref().is_some_and(|(said, _)| over(*said)) {
            self.word = None;
        }
        let due = match (self.setup.fetch_every, self.git.asked_at) {
            (Some(every), Some(asked)) => self.now.duration_since(asked).unsigned_abs() >= every,
            _ => false,
        };
        if due {
            self.fetch(out);
        }
    }

    /// Says a passing word.
    pub(in crate::app) fn say(&mut self, text: impl Into<String>) {
        self.word = Some((self.now, text.into()));
    }

    /// Writes a line into the log, on the screen and on disk.
    pub(in crate::app) fn log(
        &mut self,
        level: Level,
        text: impl Into<String>,
        detail: Vec<String>,
        out: &mut Vec<Command>,
    ) {
        let entry = LogEntry {
            at: self.now,
            level,
            text: text.into(),
            detail,
        };
        self.activity.push(entry.clone());
        out.push(Command::WriteActivity(entry));
    }

    /// Logs a failure and puts it on the screen until it is dismissed.
    pub(in crate::app) fn fail(&mut self, failure: Failure, out: &mut Vec<Command>) {
        self.log(Level::Error, failure.what.clone(), failure.detail(), out);
        self.activity.raise(failure, self.now, None);
    }

    /// Takes the failure off the screen, and a refusal off its plan; `false` where there was none.
    pub(in crate::app) fn dismiss(&mut self) -> bool {
        let Some(dismissed) = self.activity.dismiss() else {
            return false;
        };
        let of = |refusal: &Refusal| Some(&refusal.delivery) == dismissed.delivery.as_ref();
        self.refusal.take_if(|refusal| of(refusal));
        true
    }

    /// Takes what the server refused off its plan and off the screen; it stays in the log. `false` where there was nothing.
    pub(in crate::app) fn forget_refusal(&mut self) -> bool {
        let Some(refusal) = self.refusal.take() else {
            return false;
        };
        self.activity.forget(&refusal.delivery);
        true
    }

    /// Reads the matrix anew; what an earlier reading answers is not wanted any more.
    pub(in crate::app) fn read_desired(&mut self, out: &mut Vec<Command>) {
        let epoch = self.operations.supersede(Operation::Desired);
        out.push(Command::ReadDesired { epoch });
    }

    /// Asks the remote, unless it is being asked; `false`: refused for that.
    fn fetch(&mut self, out: &mut Vec<Command>) -> bool {
        self.git.asked_at = Some(self.now);
        let Some(epoch) = self.operations.start(Operation::Fetch) else {
            return false;
        };
        out.push(Command::Fetch { epoch });
        true
    }

    /// Leaves, after a question where something would be left behind.
    pub(in crate::app) fn quit(&mut self, out: &mut Vec<Command>) {
        let under_way = self.deliveries.under_way().next().is_some();
        let draft = self.setup.layouts == LayoutsBy::Draft;
        if self.staging.requests().is_empty() && !under_way && !draft {
            out.push(Command::Quit);
        } else {
            self.prompt = Some(Prompt::Quit);
        }
    }
}
