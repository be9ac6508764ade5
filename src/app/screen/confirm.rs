//! The last question before anything is written.

use std::sync::Arc;

use jiff::Timestamp;

use super::{PlanState, Screen};
use crate::{
    actions::{Action, Mode},
    app::{command::Command, event::Planned, line::LineInput, model::Model, op_queue::Operation},
    domain::{
        ids::EnvironmentName,
        plan::{PlannedChange, Skip, Standing},
        text::them,
    },
};

/// Keys that come sooner after the question than this were meant for what was there before.
pub(super) const TOO_SOON_MILLISECONDS: i64 = 300;

/// The last question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmScreen {
    /// What is confirmed.
    pub plan: Arc<Planned>,
    /// When it was opened: keys that come too soon after are dropped.
    pub opened: Timestamp,
    /// Protected environments whose names must be typed, in order.
    pub names: Vec<EnvironmentName>,
    /// How many of them are.
    pub typed: usize,
    /// The one being typed.
    pub input: LineInput,
    /// What was typed was another name.
    pub wrong: bool,
    /// The first change that is listed, where there is no room for all.
    pub first: usize,
    /// It goes when its gates pass, not now.
    pub waits: bool,
}

impl ConfirmScreen {
    /// A name is typed where one must be, else a key answers.
    pub(super) fn mode(&self) -> Mode {
        if self.names.is_empty() {
            Mode::Confirm
        } else {
            Mode::ConfirmName
        }
    }
}

pub(super) fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) -> bool {
    match action {
        Action::Move(motion) => {
            let reach = model.drawn.keys;
            if let Some(Screen::Confirm(screen)) = model.screens.last_mut() {
                screen.first = reach.scrolled(screen.first, motion);
            }
        }
        Action::Back | Action::No => {
            model.screens.pop();
            model.say("nothing is written; everything stays staged");
        }
        Action::Copy => {
            if let Some(Screen::Confirm(screen)) = model.screens.last() {
                out.push(Command::Copy {
                    what: "what will be done".to_owned(),
                    text: screen.plan.plan.commands().join("\n"),
                });
            }
        }
        Action::Yes | Action::Open if held || model.is_too_soon() => {}
        Action::Yes => model.publish(out),
        Action::Open => model.accept_name(out),
        _ => return false,
    }
    true
}

impl Model {
    /// Asks, if there is something to write, nothing holds it, and this session may write.
    pub(in crate::app) fn open_confirm(&mut self) {
        self.ask_to_confirm(false);
    }

    /// The same of what `waits` for its gates first.
    pub(in crate::app) fn ask_to_confirm(&mut self, waits: bool) {
        let Some(Screen::Plan(screen)) = self.screens.last() else {
            return;
        };
        let plan = match &screen.state {
            PlanState::Ready(plan) => plan.clone(),
            PlanState::Building => return self.say("the plan is still being made"),
            PlanState::Failed(_) => return self.say("there is no plan to apply"),
        };
        let key = |action| self.key(Mode::Plan, action);
        let leave = key(Action::LeaveOut);
        let (back, lift) = (key(Action::Unstage), key(Action::Override));
        let cannot = |skip: &Skip| skip.standing == Standing::Stops;
        if let Some(first) = plan.plan.skipped.iter().position(cannot) {
            let count = plan.plan.stopping().count();
            self.select_change(plan.plan.changes.len() + first);
            let it = them(count);
            let words =
                format!("{count} cannot change: {leave} leaves {it} out, {back} takes {it} back");
            return self.say(words);
        }
        if plan.plan.is_void() && !waits {
            return self.say("everything is skipped: there is nothing to write");
        }
        let held = plan.plan.held().count();
        let mut held_ones = plan.plan.changes.iter();
        let first_held = held_ones.position(PlannedChange::is_held);
        if let Some(first) = first_held.filter(|_| !waits) {
            self.select_change(first);
            let mut unaccepted = plan.plan.unaccepted();
            if let Some(along) = unaccepted.next() {
                let more = match unaccepted.count() {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                let was = if more.is_empty() { "was" } else { "were" };
                let words = format!(
                    "{}{more} would move with the edit and {was} not staged: {} accepts that, {leave} leaves out what moves it",
                    along.cell,
                    self.key(Mode::Plan, Action::AcceptAlong)
                );
                return self.say(words);
            }
            let it = them(held);
            let words = format!(
                "{held} held: {leave} leaves {it} out, {back} takes {it} back, {lift} lifts the hold with a reason"
            );
            return self.say(words);
        }
        if self.operations.is_running(Operation::Publish) {
            return self.say("another delivery is being written");
        }
        if !self.may_write() {
            return;
        }
        let mut names = Vec::new();
        for change in plan.plan.promised() {
            let name = &change.cell.environment;
            if self.is_protected(name) && !names.contains(name) {
                names.push(name.clone());
            }
        }
        self.screens.push(Screen::Confirm(ConfirmScreen {
            plan,
            opened: self.now,
            names,
            typed: 0,
            input: LineInput::default(),
            wrong: false,
            first: 0,
            waits,
        }));
    }

    /// Whether a key comes too soon after the question appeared to be an answer to it.
    pub(in crate::app) fn is_too_soon(&self) -> bool {
        match self.screens.last() {
            Some(Screen::Confirm(screen)) => self.is_within(screen.opened, TOO_SOON_MILLISECONDS),
            Some(Screen::Order(screen)) => self.is_within(screen.opened, TOO_SOON_MILLISECONDS),
            _ => false,
        }
    }

    fn accept_name(&mut self, out: &mut Vec<Command>) {
        let Some(Screen::Confirm(screen)) = self.screens.last_mut() else {
            return;
        };
        let Some(name) = screen.names.get(screen.typed) else {
            return;
        };
        if screen.input.text().trim() != name.as_str() {
            screen.wrong = !screen.input.text().is_empty();
            return;
        }
        screen.typed += 1;
        screen.wrong = false;
        screen.input = LineInput::default();
        if screen.typed == screen.names.len() {
            self.publish(out);
        }
    }

    fn publish(&mut self, out: &mut Vec<Command>) {
        if let Some(Screen::Confirm(screen)) = self.screens.last()
            && screen.waits
        {
            let plan = Arc::clone(&screen.plan);
            self.screens.pop();
            return self.begin_waiting(plan, out);
        }
        let Some(epoch) = self.operations.start(Operation::Publish) else {
            return self.say("another delivery is being written");
        };
        let Some(Screen::Confirm(screen)) = self.screens.pop() else {
            return;
        };
        let plan = screen.plan;
        if let Some(screen) = self.plan_screen() {
            screen.moved.clear();
            screen.reread = false;
        }
        // What it comes to is told anew.
        self.forget_refusal();
        self.deliver(&plan, epoch, out);
    }
}
