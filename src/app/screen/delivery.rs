//! Deliveries: confirmed plans on their way, and how they ended.

use std::sync::Arc;

use jiff::Timestamp;

use super::{PlanState, Refusal, Screen, moved};
use crate::{
    actions::Action,
    app::{
        command::Command,
        event::{Epoch, Planned},
        forge::OnForge,
        model::{Model, Prompt},
        op_queue::Operation,
    },
    domain::{
        age,
        delivery::{Delivery, DeliveryId, Fact, NotPublished, Step, entry},
        failure::Failure,
        ids::CellKey,
        pull_request::PullState,
        timeline::Level,
        topology::Deliver,
    },
};

/// A delivery is looked at; its state is in the model, because it goes on unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryScreen {
    /// The delivery that is looked at.
    pub id: DeliveryId,
    /// The selected cell; `None`: none was chosen, it is the first that failed.
    pub cell: Option<usize>,
}

impl DeliveryScreen {
    fn new(id: DeliveryId) -> Self {
        Self { id, cell: None }
    }

    /// The place of the selected cell among those of its delivery.
    pub fn selected(&self, delivery: &Delivery) -> usize {
        let mut to_revert = delivery.to_revert();
        let first = || {
            let first = to_revert.next()?;
            delivery.cells.iter().position(|run| run.cell == *first)
        };
        self.cell.or_else(first).unwrap_or(0)
    }

    /// What a revert is of: the selected cell where it failed, else the first that did; where nothing did, the selected one.
    fn to_revert<'a>(&self, delivery: &'a Delivery) -> Option<&'a CellKey> {
        let selected = delivery.cells.get(self.selected(delivery));
        let selected = selected.map(|run| &run.cell);
        let failed = |cell: &&CellKey| delivery.to_revert().any(|other| other == *cell);
        selected
            .filter(failed)
            .or_else(|| delivery.to_revert().next())
            .or(selected)
    }
}

fn selected_cell(screen: &DeliveryScreen, delivery: &Delivery) -> Option<CellKey> {
    let selected = delivery.cells.get(screen.selected(delivery));
    selected.map(|run| run.cell.clone())
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
    let request = delivery.requests().next();
    let request = request.map(|(_, request)| request.url.clone());
    let mut links = delivery.parts.iter().filter_map(|part| part.link.clone());
    let link = request.or_else(|| links.next());
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => {
            let selected = screen.selected(delivery);
            screen.cell = Some(moved(selected, motion, delivery.cells.len(), page));
        }
        Action::NextPane | Action::PreviousPane => {
            let count = runs.len();
            let step = match action {
                Action::NextPane => count - 1,
                _ => 1,
            };
            *screen = DeliveryScreen::new(runs[(index + step) % count].delivery.id.clone());
        }
        Action::DropDelivery => {
            let delivery = Arc::clone(delivery);
            model.ask_to_drop(&delivery);
        }
        Action::Revert => {
            if let Some(cell) = screen.to_revert(delivery).cloned() {
                model.open_revert_of(cell);
            }
        }
        Action::Agent => {
            let cell = selected_cell(screen, delivery);
            model.open_agent(cell);
        }
        Action::Tell(order) => {
            let cell = selected_cell(screen, delivery);
            model.ask_to_tell(cell, order, out);
        }
        Action::RevertFailed => {
            let cells: Vec<CellKey> = delivery.to_revert().cloned().collect();
            if cells.is_empty() {
                model.say("nothing that failed here is declared still");
            } else {
                model.revert_several(cells, out);
            }
        }
        Action::RevertBatch => {
            let cells = runs.batch_of(delivery);
            model.revert_several(cells, out);
        }
        Action::Copy => match (link, commit) {
            (Some(link), _) => out.push(Command::Copy {
                what: format!("address {link}"),
                text: link,
            }),
            (None, Some(commit)) => out.push(Command::Copy {
                what: format!("commit {commit}"),
                text: commit.to_string(),
            }),
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
        let delivery = Arc::new(Delivery::of_wave(&plan.plan, 0, self.now));
        // One that was looked at before is found again from this one.
        self.screens
            .retain(|screen| !matches!(screen, Screen::Delivery(_)));
        let screen = DeliveryScreen::new(delivery.id.clone());
        self.screens.push(Screen::Delivery(screen));
        self.deliveries.add(Arc::clone(&delivery), Some(epoch));
        out.push(Command::Publish {
            delivery,
            plan: Arc::clone(&plan.plan),
        });
    }

    /// Asks whether the pull requests of a delivery are to be closed.
    fn ask_to_drop(&mut self, delivery: &Delivery) {
        if !delivery.awaits_merge() || delivery.is_over() {
            return self.say("it waits for no merge: there is nothing to close");
        }
        if !self.may_write() {
            return;
        }
        let requests = delivery.requests().map(|(_, request)| request);
        let open = requests.filter(|request| request.state == PullState::Open);
        let open: Vec<String> = open.map(|request| format!("#{}", request.number)).collect();
        let what = OnForge::Drop(delivery.id.clone(), open.join(", "));
        self.prompt = Some(Prompt::Forge(what, self.now));
    }

    /// Whether a delivery that comes is the next wave of one of this session. Who looks at the one before sees it.
    fn is_next_wave(&mut self, delivery: &Delivery) -> bool {
        let plan = |other: &Delivery| other.wave.as_ref().map(|wave| wave.plan.clone());
        let own = plan(delivery);
        let mut before = self.deliveries.iter().rev();
        let before = before.find(|run| own.is_some() && plan(&run.delivery) == own);
        let Some(before) = before.map(|run| run.delivery.id.clone()) else {
            return false;
        };
        for screen in &mut self.screens {
            if let Screen::Delivery(screen) = screen
                && screen.id == before
            {
                *screen = DeliveryScreen::new(delivery.id.clone());
            }
        }
        true
    }

    /// Shows the newest delivery.
    pub(in crate::app) fn show_delivery(&mut self) {
        match self.deliveries.last() {
            Some(run) => {
                let screen = DeliveryScreen::new(run.delivery.id.clone());
                self.open(Screen::Delivery(screen));
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
            let text = match &delivery.wave {
                Some(wave) if self.is_next_wave(&delivery) => {
                    format!("wave {} of {}: {}", wave.number, wave.of, delivery.subject)
                }
                _ => format!("taken up again: {}", delivery.subject),
            };
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
                Step::Merged => self.read_desired(out),
                Step::Ended(_) => {
                    self.is_over(&delivery, out);
                    self.supersede_deliveries(out);
                }
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

    /// Marks what failed and is not declared any more, whoever went back on it.
    pub(in crate::app) fn supersede_deliveries(&mut self, out: &mut Vec<Command>) {
        let Some(desired) = self.git.desired.clone() else {
            return;
        };
        for (delivery, cells) in self.deliveries.supersede(self.now, &desired) {
            if delivery.is_superseded() {
                self.activity.supersede(&delivery.id, self.now);
            }
            let failed = delivery.ended.as_ref().map(|(at, _)| age::clock(*at));
            for (cell, since) in cells {
                let failed = failed.as_deref().unwrap_or_default();
                let text = format!("{cell}: its failure of {failed} is superseded: {since}");
                self.log(Level::Info, text, Vec::new(), out);
            }
        }
    }

    /// Whether the visible delivery has something to go back on.
    pub fn shows_what_failed(&self) -> bool {
        let Some(Screen::Delivery(screen)) = self.screens.last() else {
            return false;
        };
        let run = self.deliveries.position(&screen.id);
        run.is_some_and(|run| self.deliveries[run].delivery.to_revert().next().is_some())
    }

    /// Ends the operation that wrote it; `false`: another session did.
    fn written(&mut self, delivery: &Delivery) -> bool {
        match self.deliveries.take_epoch(&delivery.id) {
            Some(epoch) => self.operations.finish(Operation::Publish, epoch),
            None => false,
        }
    }

    fn is_published(&mut self, delivery: &Delivery, out: &mut Vec<Command>) {
        if self.written(delivery) || delivery.wave.is_some() {
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
        let verdict = match delivery.verdict() {
            Some(Ok(well)) => well,
            Some(Err(failure)) => failure.why,
            None => String::new(),
        };
        let words = format!("{}: {verdict}", delivery.subject);
        out.extend(self.setup.bell.sequence(&words).map(Command::Ring));
        match (delivery.not_published().cloned(), delivery.verdict()) {
            (Some(why), _) if self.written(delivery) => self.not_published(delivery, &why, out),
            (Some(why @ NotPublished::Locked), _) => self.say(why.describe()),
            (_, Some(Err(failure))) => {
                let at = delivery.ended.as_ref().map_or(self.now, |(at, _)| *at);
                let id = Some(delivery.id.clone());
                self.activity.raise(failure, at, id);
            }
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
            let cells = delivery.cells.iter().map(|run| run.cell.clone());
            self.refusal = Some(Refusal {
                delivery: delivery.id.clone(),
                cells: cells.collect(),
                at: self.now,
                message: rejection.lines(),
                here: rejection.here,
                protected: rejection.protected,
            });
            let (id, failure) = (delivery.id.clone(), why.failure(&delivery.parts));
            return self.activity.raise(failure, self.now, Some(id));
        }
        let Some((fresh, changes)) = why.fresh() else {
            let failure = why.failure(&delivery.parts);
            if *why == NotPublished::Locked {
                return self.say(format!("{}; {}", failure.why, failure.next));
            }
            return self.activity.raise(failure, self.now, None);
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
