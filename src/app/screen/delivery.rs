//! A confirmed plan on its way: written or not, then followed.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{PlanState, Refusal, Screen, moved};
use crate::{
    actions::Action,
    app::{
        activity::Level,
        command::Command,
        event::{
            CellDelivery, DeliveryStep, Epoch, Failure, PlanView, PublishFailure, Published, Stage,
        },
        model::Model,
        op_queue::Operation,
    },
    domain::{ids::CellKey, topology::Deliver},
};

/// A delivery is looked at; its state is in the model, because it goes on unseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryScreen {
    /// The selected cell.
    pub cell: usize,
}

/// A delivery under way or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRun {
    /// Whose answers belong to it.
    pub epoch: Epoch,
    /// What is delivered.
    pub plan: Arc<PlanView>,
    /// When it was confirmed.
    pub started: Timestamp,
    /// Stages that began, in order.
    pub stages: Vec<StageRun>,
    /// Where it went.
    pub published: Option<Published>,
    /// Cells on their way.
    pub cells: BTreeMap<CellKey, CellDelivery>,
    /// How it ended, and when.
    pub ended: Option<(Timestamp, Result<String, Failure>)>,
}

/// A stage that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageRun {
    /// The stage that began.
    pub stage: Stage,
    /// When it began.
    pub began: Timestamp,
    /// When it ended well, and what it gave.
    pub done: Option<(Timestamp, String)>,
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let page = model.page();
    let (Some(run), Some(Screen::Delivery(screen))) = (&model.delivery, model.screens.last_mut())
    else {
        return false;
    };
    let published = run.published.as_ref();
    let commit = published.map(|published| published.commit);
    let link = published.and_then(|published| published.link.clone());
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => screen.cell = moved(screen.cell, motion, run.cells.len(), page),
        Action::Revert => {
            if let Some(cell) = run.cells.keys().nth(screen.cell).cloned() {
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
    /// Shows the delivery under way, or the last one.
    pub(in crate::app) fn show_delivery(&mut self) {
        if self.delivery.is_some() {
            self.open(Screen::Delivery(DeliveryScreen::default()));
        } else {
            self.say("nothing was delivered in this session");
        }
    }

    pub(in crate::app) fn on_published(
        &mut self,
        epoch: Epoch,
        result: Result<Published, PublishFailure>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.finish(Operation::Publish, epoch) {
            return;
        }
        match result {
            Ok(published) => self.is_published(published, out),
            Err(failure) => self.not_published(failure, out),
        }
    }

    fn is_published(&mut self, published: Published, out: &mut Vec<Command>) {
        let Some(run) = &mut self.delivery else {
            return;
        };
        let cells: Vec<CellKey> = run.cells.keys().cloned().collect();
        let text = published.elsewhere.clone().unwrap_or_else(|| {
            format!(
                "{} is on {}",
                published.commit.short(),
                published.target.branch
            )
        });
        let level = match &published.elsewhere {
            Some(_) => Level::Warn,
            None => Level::Done,
        };
        let notes = published.note.iter().chain(&published.link);
        let detail: Vec<String> = published.words.iter().chain(notes).cloned().collect();
        let moves_branch = published.target.deliver == Deliver::Push;
        run.published = Some(published);
        self.staging.delivered(&cells);
        self.screens
            .retain(|screen| !matches!(screen, Screen::Plan(_)));
        self.log(level, text, detail, out);
        out.push(Command::SaveStaged(self.staging.requests().to_vec()));
        if moves_branch {
            self.read_desired(out);
        }
    }

    /// Nothing is written: back to the plan, which says why; everything stays staged.
    fn not_published(&mut self, failure: PublishFailure, out: &mut Vec<Command>) {
        self.delivery = None;
        self.screens
            .retain(|screen| !matches!(screen, Screen::Delivery(_)));
        if self.plan_screen().is_none() {
            self.open_plan(None, out);
        }
        match failure {
            PublishFailure::Moved { fresh, changes } => {
                let branch = fresh.target.branch.clone();
                self.log(
                    Level::Warn,
                    format!("{branch} moved: the plan is not the same any more"),
                    changes.clone(),
                    out,
                );
                if let Some(screen) = self.plan_screen() {
                    screen.moved = changes;
                    screen.state = PlanState::Ready(fresh);
                    screen.change = 0;
                }
                // The fresh plan is what is shown: an older answer must not replace it.
                self.operations.supersede(Operation::Plan);
                self.read_desired(out);
            }
            PublishFailure::Rejected { words, protected } => {
                self.log(Level::Error, "the push was refused", words.clone(), out);
                if let Some(screen) = self.plan_screen() {
                    screen.refused = Some(Refusal { words, protected });
                }
            }
            PublishFailure::Failed(failure) => self.fail(failure, out),
        }
    }

    pub(in crate::app) fn on_delivery(
        &mut self,
        epoch: Epoch,
        at: Timestamp,
        step: DeliveryStep,
        out: &mut Vec<Command>,
    ) {
        let Some(run) = self.delivery.as_mut().filter(|run| run.epoch == epoch) else {
            return;
        };
        match step {
            DeliveryStep::Began(stage) => {
                if run.stages.iter().all(|known| known.stage != stage) {
                    run.stages.push(StageRun {
                        stage,
                        began: at,
                        done: None,
                    });
                }
            }
            DeliveryStep::Done(stage, text) => {
                let done = Some((at, text));
                match run.stages.iter_mut().find(|known| known.stage == stage) {
                    Some(known) => known.done = done,
                    None => run.stages.push(StageRun {
                        stage,
                        began: at,
                        done,
                    }),
                }
            }
            DeliveryStep::Cell(cell, state) => {
                let words = worth_logging(run, &cell, &state);
                run.cells.insert(cell, state);
                if let Some((level, text)) = words {
                    self.log(level, text, Vec::new(), out);
                }
            }
            DeliveryStep::Ended(result) => {
                run.ended = Some((at, result.clone()));
                match result {
                    Ok(text) => self.log(Level::Done, text, Vec::new(), out),
                    Err(failure) => self.fail(Failure { ..failure }, out),
                }
            }
        }
    }
}

/// A cell's end is a line of the log; its progress is not.
fn worth_logging(
    run: &DeliveryRun,
    cell: &CellKey,
    state: &CellDelivery,
) -> Option<(Level, String)> {
    if run.cells.get(cell) == Some(state) {
        return None;
    }
    match state {
        CellDelivery::Healthy => Some((Level::Done, format!("{cell}: healthy"))),
        CellDelivery::Failed(why) => Some((Level::Error, format!("{cell}: {why}"))),
        CellDelivery::Unwatched(why) => Some((Level::Info, format!("{cell}: {why}"))),
        CellDelivery::Waiting(_) | CellDelivery::Rolling { .. } => None,
    }
}
