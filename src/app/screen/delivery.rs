//! Deliveries: confirmed plans on their way, and how they ended.

use std::sync::Arc;

use jiff::Timestamp;

use super::{PlanState, Refusal, Screen, moved};
use crate::{
    actions::Action,
    app::{
        command::Command,
        event::{Epoch, Planned},
        model::Model,
        op_queue::Operation,
    },
    domain::{
        delivery::{Delivery, DeliveryId, Fact, NotPublished, Step, entry},
        failure::Failure,
        ids::CellKey,
        timeline::Level,
        topology::Deliver,
    },
};

/// A delivery is looked at; its state is in the model, because it goes on unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryScreen {
    /// Which.
    pub id: DeliveryId,
    /// The selected cell.
    pub cell: usize,
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let page = model.page();
    let Some(Screen::Delivery(screen)) = model.screens.last_mut() else {
        return false;
    };
    let runs = &model.deliveries;
    let Some(index) = runs.position(&screen.id) else {
        return false;
    };
    let delivery = &runs[index].delivery;
    let part = delivery.parts.first();
    let commit = part.map(|part| part.commit);
    let link = delivery.parts.iter().find_map(|part| part.link.clone());
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => {
            screen.cell = moved(screen.cell, motion, delivery.cells.len(), page);
        }
        Action::NextPane | Action::PreviousPane => {
            let count = runs.len();
            let step = match action {
                Action::NextPane => count - 1,
                _ => 1,
            };
            *screen = DeliveryScreen {
                id: runs[(index + step) % count].delivery.id.clone(),
                cell: 0,
            };
        }
        Action::Revert => {
            if let Some(cell) = delivery.cells.get(screen.cell) {
                let cell = cell.cell.clone();
                model.select(&cell);
                model.screens.clear();
                model.open_revert();
            }
        }
        Action::Copy => match (link, commit) {
            (Some(link), _) => out.push(Command::Copy(link)),
            (None, Some(commit)) => out.push(Command::Copy(commit.to_string())),
            (None, None) => model.say("no commit is written yet"),
        },
        Action::Browse => {
            let web = model.git.base.as_ref().and_then(|base| base.web.clone());
            let page = commit.and_then(|commit| Some(format!("{}/commit/{commit}", web?)));
            match link.or(page) {
                Some(url) => out.push(Command::OpenUrl(url)),
                None => model.say("there is no web address to open"),
            }
        }
        _ => return false,
    }
    true
}

impl Model {
    /// Begins the delivery of a confirmed plan.
    pub(in crate::app) fn deliver(&mut self, plan: &Planned, epoch: Epoch, out: &mut Vec<Command>) {
        let delivery = Arc::new(Delivery::new(&plan.plan, self.now));
        self.screens.push(Screen::Delivery(DeliveryScreen {
            id: delivery.id.clone(),
            cell: 0,
        }));
        self.deliveries.add(Arc::clone(&delivery), Some(epoch));
        out.push(Command::Publish {
            delivery,
            plan: Arc::clone(&plan.plan),
        });
    }

    /// Shows the newest delivery.
    pub(in crate::app) fn show_delivery(&mut self) {
        match self.deliveries.last() {
            Some(run) => {
                let id = run.delivery.id.clone();
                self.open(Screen::Delivery(DeliveryScreen { id, cell: 0 }));
            }
            None => self.say("nothing was delivered in this session"),
        }
    }

    pub(in crate::app) fn on_delivery(
        &mut self,
        at: Timestamp,
        delivery: Arc<Delivery>,
        steps: Vec<Step>,
        out: &mut Vec<Command>,
    ) {
        if !self.deliveries.take(&delivery) {
            let text = format!("taken up again: {}", delivery.subject);
            self.say(text.clone());
            self.log(Level::Info, text, Vec::new(), out);
            self.deliveries.add(Arc::clone(&delivery), None);
        }
        for step in steps {
            // On disk it is written by whoever drives the delivery.
            if let Some(entry) = entry(&delivery, at, &step) {
                self.activity.push(entry);
            }
            match step {
                Step::Published => self.is_published(&delivery, out),
                // It is read where it was not yet when it was published.
                Step::Arrived(_) if delivery.deliver == Deliver::Push => self.read_desired(out),
                Step::Ended(_) => self.is_over(&delivery, out),
                _ => {}
            }
        }
    }

    /// Whoever drove a delivery is gone: it ends here.
    pub(in crate::app) fn on_delivery_broken(
        &mut self,
        id: &DeliveryId,
        failure: Failure,
        out: &mut Vec<Command>,
    ) {
        let Some(at) = self.deliveries.position(id) else {
            return self.fail(failure, out);
        };
        let mut delivery = (*self.deliveries[at].delivery).clone();
        if delivery.is_over() {
            return self.fail(failure, out);
        }
        let steps = delivery.apply(self.now, Fact::Broken(failure));
        for entry in steps
            .iter()
            .filter_map(|step| entry(&delivery, self.now, step))
        {
            out.push(Command::WriteActivity(entry));
        }
        self.on_delivery(self.now, Arc::new(delivery), steps, out);
    }

    /// Ends the operation that wrote it; `false`: another session did.
    fn written(&mut self, delivery: &Delivery) -> bool {
        match self.deliveries.take_epoch(&delivery.id) {
            Some(epoch) => self.operations.finish(Operation::Publish, epoch),
            None => false,
        }
    }

    fn is_published(&mut self, delivery: &Delivery, out: &mut Vec<Command>) {
        if self.written(delivery) {
            let cells = delivery.cells.iter().map(|run| run.cell.clone());
            let cells: Vec<CellKey> = cells.collect();
            self.staging.delivered(&cells);
            self.screens
                .retain(|screen| !matches!(screen, Screen::Plan(_)));
            out.push(Command::SaveStaged(self.staging.requests().to_vec()));
        }
        if delivery.deliver == Deliver::Push {
            self.read_desired(out);
        }
    }

    fn is_over(&mut self, delivery: &Delivery, out: &mut Vec<Command>) {
        match (delivery.not_published().cloned(), delivery.verdict()) {
            (Some(why), _) if self.written(delivery) => self.not_published(delivery, &why, out),
            (_, Some(Err(failure))) => self.activity.raise(failure),
            _ => {}
        }
    }

    /// Nothing is written: back to the plan, which says why; everything stays staged.
    fn not_published(&mut self, delivery: &Delivery, why: &NotPublished, out: &mut Vec<Command>) {
        if delivery.parts.is_empty() {
            self.deliveries.remove(&delivery.id);
        }
        self.screens
            .retain(|screen| !matches!(screen, Screen::Delivery(_)));
        if self.plan_screen().is_none() {
            self.open_plan(None, out);
        }
        if let NotPublished::Rejected(rejection) = why {
            if let Some(screen) = self.plan_screen() {
                screen.refused = Some(Refusal {
                    message: rejection.lines(),
                    protected: rejection.protected,
                });
            }
            return;
        }
        let Some((fresh, changes)) = why.fresh() else {
            return self.activity.raise(why.failure(&delivery.parts));
        };
        let fresh = Arc::clone(fresh);
        if let Some(screen) = self.plan_screen() {
            screen.moved = changes;
            screen.state = PlanState::Ready(Arc::new(Planned::of(fresh)));
            screen.change = 0;
        }
        // The fresh plan is what is shown: an older answer must not replace it.
        self.operations.supersede(Operation::Plan);
        self.read_desired(out);
    }
}
