//! A confirmed plan that waits for its gates, as long as the console runs, and goes when they pass.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    command::Command,
    event::Planned,
    model::{Model, WriteMode},
    op_queue::Operation,
    screen::{PlanState, Screen},
};
use crate::{
    actions::{Action, Mode},
    domain::{
        delivery::Delivery,
        failure::Failure,
        plan::{Ending, WaitsFor},
        text::count,
        timeline::Level,
    },
};

/// It is looked at again after so many seconds at least, and as soon as all that holds it can pass.
const LOOK_EVERY: i64 = 30;

/// A plan that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// As it was confirmed: these changes go, or none.
    pub confirmed: Arc<Planned>,
    /// As it was judged last.
    pub judged: Arc<Planned>,
    /// When it was confirmed.
    pub since: Timestamp,
    /// When it was looked at last.
    pub looked: Timestamp,
}

impl Waiting {
    /// What holds it.
    pub fn waits_for(&self) -> Vec<WaitsFor> {
        let mut waits = self.judged.plan.waits_for();
        let digests = self.confirmed.plan.waits_for_digests(&self.judged.plan);
        waits.extend(digests);
        waits
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let passes = self.judged.plan.earliest();
        let can_pass = passes.is_some_and(|at| at <= now && at > self.looked);
        // A clock that was set back has nothing to wait for.
        let age = now.as_second() - self.looked.as_second();
        can_pass || !(0..LOOK_EVERY).contains(&age)
    }
}

impl Model {
    /// Asks whether the plan that is open shall wait for its gates; where one waits already, it waits no longer.
    pub(in crate::app) fn wait_for_gates(&mut self, out: &mut Vec<Command>) {
        if self.waiting.is_some() {
            return self.stop_waiting("it waits no longer; everything stays staged", out);
        }
        let Some(Screen::Plan(screen)) = self.screens.last() else {
            return self.open_the_plan_first();
        };
        let PlanState::Ready(view) = &screen.state else {
            return self.say("the plan is still being made");
        };
        if view.plan.may_pass_later() {
            return self.ask_to_confirm(true);
        }
        let apply = self.key(Mode::Plan, Action::Open);
        self.say(if view.plan.may_go() {
            format!("no gate holds it: {apply} applies it now")
        } else {
            "waiting does not help here: see what is said of each cell".to_owned()
        });
    }

    /// A plan was confirmed, and goes when its gates pass.
    pub(in crate::app) fn begin_waiting(&mut self, plan: Arc<Planned>, out: &mut Vec<Command>) {
        let text = format!(
            "waits for its gates: {}",
            count(plan.plan.promised().len(), "change")
        );
        self.log(Level::Info, text.clone(), Vec::new(), out);
        self.say(text);
        self.waiting = Some(Waiting {
            confirmed: Arc::clone(&plan),
            judged: plan,
            since: self.now,
            looked: self.now,
        });
    }

    pub(in crate::app) fn stop_waiting(&mut self, why: &str, out: &mut Vec<Command>) {
        if self.waiting.take().is_some() {
            self.operations.supersede(Operation::Waiting);
            self.log(Level::Info, why.to_owned(), Vec::new(), out);
            self.say(why);
        }
    }

    /// Has what waits judged again, where that is due.
    pub(in crate::app) fn look_at_waiting(&mut self, out: &mut Vec<Command>) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        let plan = &waiting.confirmed.plan;
        let mut asked = plan.promised().iter().filter(|it| it.along.is_none());
        if asked.any(|change| self.staging.get(&change.cell).is_none()) {
            let why = "it waits no longer: a part of it is not staged any more";
            return self.stop_waiting(why, out);
        }
        if !waiting.is_due(self.now) {
            return;
        }
        if let Some(epoch) = self.operations.start(Operation::Waiting) {
            waiting.looked = self.now;
            let request = waiting.confirmed.plan.request.clone();
            out.push(Command::JudgeWaiting { epoch, request });
        }
    }

    /// What waits was judged again: it goes, waits on, or is another change by now.
    pub(in crate::app) fn on_waiting(
        &mut self,
        result: Result<Arc<Planned>, Failure>,
        out: &mut Vec<Command>,
    ) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        let view = match result {
            Ok(view) => view,
            // What could not be read may be read at the next look.
            Err(failure) => return self.fail(failure, out),
        };
        let plan = &view.plan;
        let mut lines = waiting.confirmed.plan.other_changes(plan);
        if lines.is_empty() && plan.stopping().next().is_some() {
            lines.push("something of it cannot change any more".to_owned());
        }
        waiting.judged = Arc::clone(&view);
        if !lines.is_empty() {
            self.waiting = None;
            if plan.is_void() && plan.ending() == Ending::Done {
                let text = "what waited for its gates is there already".to_owned();
                self.log(Level::Info, text.clone(), Vec::new(), out);
                return self.say(text);
            }
            let failure = Failure::told(
                "waiting for gates",
                format!(
                    "what was confirmed is another change by now: {}",
                    lines.join("; ")
                ),
                "look at the plan, and confirm it again",
            );
            return self.fail(failure, out);
        }
        if !waiting.waits_for().is_empty() {
            return;
        }
        if self.setup.write != WriteMode::Write {
            let why =
                "writing is locked: what waited for its gates waits no longer, and stays staged";
            return self.stop_waiting(why, out);
        }
        let Some(epoch) = self.operations.start(Operation::Publish) else {
            // Another one is being written: the next look finds it done.
            return;
        };
        self.waiting = None;
        let delivery = Arc::new(Delivery::of_wave(plan, 0, self.now));
        let text = format!("its gates pass: {}", delivery.subject);
        self.log(Level::Info, text.clone(), Vec::new(), out);
        self.say(text);
        // Whoever works on goes on with that: it is in the header, and in the list of deliveries.
        self.deliveries.add(Arc::clone(&delivery), Some(epoch));
        out.push(Command::Publish {
            delivery,
            plan: Arc::clone(plan),
        });
    }
}
