//! The plan of what is staged.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Screen, moved};
use crate::{
    actions::{Action, Mode, Motion},
    app::{
        command::Command,
        event::{Epoch, Planned},
        line::LineInput,
        model::{Model, Prompt},
        op_queue::Operation,
    },
    domain::{
        delivery::DeliveryId,
        desired::Desired,
        diff::DiffPosition,
        failure::Failure,
        ids::CellKey,
        plan::{Accept, ChangeRequest, Older, Override, Plan, PlanRequest, Skip, Verdict},
        text::count,
        timeline::Level,
        topology::Deliver,
    },
};

/// What is staged, as a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanScreen {
    /// Everything, or some cells.
    pub scope: Scope,
    /// The cells that were just asked for, where the plan was opened of them.
    pub asked: Vec<CellKey>,
    /// Overrides how it is delivered.
    pub deliver: Option<Deliver>,
    /// Holds that are lifted.
    pub overrides: Vec<Override>,
    /// Cells that may come along with an edit.
    pub accepted: Vec<Accept>,
    /// What is held or cannot change is left out instead of stopping the rest.
    pub leave_out: bool,
    /// Open pull requests that its own takes the place of.
    pub supersedes: Vec<Older>,
    /// The plan as it stands: being made, made or not possible.
    pub state: PlanState,
    /// What changed since the plan was confirmed, where it was evaluated again.
    pub moved: Vec<String>,
    /// The configuration was read again while it was open: what is shown is judged by the new one.
    pub reread: bool,
    /// The pane that keys act on.
    pub pane: PlanPane,
    /// The selected change.
    pub change: usize,
    /// Its cell, on which the cursor stays when the plan is made anew.
    pub at: Option<CellKey>,
    /// How far the diff is scrolled.
    pub diff_scroll: usize,
    /// How far what is said is scrolled, where it has a pane of its own.
    pub said_scroll: usize,
}

/// Which staged requests a plan is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that is staged.
    All,
    /// Those of these cells.
    Only(Vec<CellKey>),
}

/// The plan of a plan screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// Being made.
    Building,
    /// What would be written, as it was judged when it was made.
    Ready(Arc<Planned>),
    /// Not possible.
    Failed(Failure),
}

/// Panes of the plan screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanPane {
    /// Changes and skipped ones.
    #[default]
    Changes,
    /// The exact bytes.
    Diff,
    /// Everything that is said beside them, in all the room: what happened, gates, what will be done. It is there where some
    /// of that had no room.
    Said,
}

/// A push that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// The cells that it was of, which are staged still.
    pub cells: Vec<CellKey>,
    /// When the server's answer came.
    pub at: Timestamp,
    /// What the server said, one line each; or this side: see `here`.
    pub message: Vec<String>,
    /// No server said anything: the words are those of Git or of a hook of this clone.
    pub here: bool,
    /// The branch is protected: one of its own may be accepted.
    pub protected: bool,
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    match action {
        Action::Back => {
            // What its gates ask outside is for nobody any more.
            if model.operations.is_running(Operation::Plan) {
                out.push(Command::StopPlan);
            }
            model.close(out);
        }
        Action::Move(motion) => model.move_in_plan(motion),
        Action::NextPane => model.turn_to_other_pane(true),
        Action::PreviousPane => model.turn_to_other_pane(false),
        Action::Deliver => model.toggle_deliver(out),
        Action::Scope => model.widen(out),
        Action::Unstage => model.unstage_selected(out),
        Action::Override => model.ask_reason(),
        Action::Open => model.open_confirm(),
        Action::Dismiss => {
            if !model.forget_refusal() {
                model.say("no refusal is on the screen");
            }
        }
        _ => return false,
    }
    true
}

impl Model {
    fn move_in_plan(&mut self, motion: Motion) {
        let (reach, page) = (self.drawn.keys, self.page());
        let aside = self.staging.set_aside.len();
        let Some(Screen::Plan(screen)) = self.screens.last_mut() else {
            return;
        };
        match (&screen.state, screen.pane) {
            (PlanState::Ready(plan), PlanPane::Changes) => {
                let rows = plan.plan.changes.len() + plan.plan.skipped.len() + aside;
                let change = moved(screen.change, motion, rows, page);
                self.select_change(change);
            }
            (PlanState::Ready(_), PlanPane::Diff) => {
                screen.diff_scroll = reach.scrolled(screen.diff_scroll, motion);
            }
            (PlanState::Ready(_), PlanPane::Said) => {
                screen.said_scroll = reach.scrolled(screen.said_scroll, motion);
            }
            _ => {}
        }
    }

    fn turn_to_other_pane(&mut self, forward: bool) {
        let is_cut = self.drawn.cut;
        self.keeping_the_place(|model| {
            if let Some(Screen::Plan(screen)) = model.screens.last_mut() {
                screen.said_scroll = 0;
                screen.pane = match screen.pane {
                    PlanPane::Changes if is_cut && !forward => PlanPane::Said,
                    PlanPane::Diff if is_cut && forward => PlanPane::Said,
                    PlanPane::Said if forward => PlanPane::Changes,
                    PlanPane::Changes | PlanPane::Said => PlanPane::Diff,
                    PlanPane::Diff => PlanPane::Changes,
                };
            }
        });
    }

    /// Selects a change of the plan, and shows what it changes in its file.
    pub(in crate::app) fn select_change(&mut self, change: usize) {
        let (desired, shape) = (self.git.desired.clone(), self.diff_shape());
        let Some(screen) = self.plan_screen() else {
            return;
        };
        screen.change = change;
        if let PlanState::Ready(view) = &screen.state {
            let position = position_of(view, change, desired.as_deref());
            screen.diff_scroll = view.diff.row_above_change(shape, position);
        }
    }

    /// The place in the plan's diff of what the selected change changes.
    pub fn selected_position(&self, screen: &PlanScreen, view: &Planned) -> DiffPosition {
        position_of(view, screen.change, self.git.desired.as_deref())
    }

    /// Opens the plan of everything staged, or of these cells only.
    pub(in crate::app) fn open_plan(&mut self, only: Option<Vec<CellKey>>, out: &mut Vec<Command>) {
        if self.staging.requests().is_empty() && self.staging.set_aside.is_empty() {
            let promote = self.key(Mode::Matrix, Action::Promote);
            let revert = self.key(Mode::Matrix, Action::Revert);
            return self.say(format!(
                "nothing is staged: {promote} promotes into the cell, {revert} goes back to an earlier version"
            ));
        }
        let asked = only.unwrap_or_default();
        let scope = if asked.is_empty() || asked.len() >= self.staging.requests().len() {
            Scope::All
        } else {
            Scope::Only(asked.clone())
        };
        // A plan that is open below is left: there is one plan at a time.
        self.screens
            .retain(|screen| !matches!(screen, Screen::Plan(_)));
        self.screens.push(Screen::Plan(PlanScreen {
            scope,
            at: asked.first().cloned(),
            asked,
            deliver: None,
            overrides: Vec::new(),
            accepted: Vec::new(),
            leave_out: false,
            supersedes: Vec::new(),
            state: PlanState::Building,
            moved: Vec::new(),
            reread: false,
            pane: PlanPane::Changes,
            change: 0,
            diff_scroll: 0,
            said_scroll: 0,
        }));
        self.build_plan(out);
    }

    /// Makes the plan of the open plan screen anew.
    pub(in crate::app) fn build_plan(&mut self, out: &mut Vec<Command>) {
        let staged = self.staging.requests().to_vec();
        let selected = self.planned_cell();
        let Some(screen) = self.plan_screen() else {
            return;
        };
        if selected.is_some() {
            screen.at = selected;
        }
        let wanted = |request: &ChangeRequest| match &screen.scope {
            Scope::All => true,
            Scope::Only(cells) => cells.contains(&request.cell),
        };
        let requests: Vec<_> = staged.into_iter().filter(wanted).collect();
        let request = PlanRequest {
            changes: requests,
            deliver: screen.deliver,
            overrides: screen.overrides.clone(),
            accepted: screen.accepted.clone(),
            leave_out: screen.leave_out,
            supersedes: screen.supersedes.clone(),
            ..PlanRequest::default()
        };
        screen.state = PlanState::Building;
        let epoch = self.operations.supersede(Operation::Plan);
        out.push(Command::BuildPlan { epoch, request });
    }

    /// A plan that is open was judged by gates and layouts that are no more: it is made anew. A question about it goes, as
    /// what it would confirm is no longer what is planned.
    pub(in crate::app) fn plan_by_configuration(&mut self, out: &mut Vec<Command>) {
        let Some(screen) = self.plan_screen() else {
            return;
        };
        screen.reread = true;
        let asked = self.screens.len();
        self.screens
            .retain(|screen| !matches!(screen, Screen::Confirm(_)));
        if self.screens.len() < asked {
            self.say(
                "nothing is written: the configuration was read again, look at the plan once more",
            );
        }
        self.build_plan(out);
    }

    /// Says that there is no plan open that this could change.
    pub(in crate::app) fn open_the_plan_first(&mut self) {
        let key = self.key(Mode::Matrix, Action::Plan);
        self.say(format!("open the plan first ({key})"));
    }

    /// The plan screen, visible or below another.
    pub(in crate::app) fn plan_screen(&mut self) -> Option<&mut PlanScreen> {
        self.screens
            .iter_mut()
            .rev()
            .find_map(|screen| match screen {
                Screen::Plan(screen) => Some(screen),
                _ => None,
            })
    }

    pub(in crate::app) fn on_planned(
        &mut self,
        epoch: Epoch,
        result: Result<Arc<Planned>, Failure>,
        out: &mut Vec<Command>,
    ) {
        if self.operations.finish(Operation::Waiting, epoch) {
            return self.on_waiting(result, out);
        }
        if !self.operations.finish(Operation::Plan, epoch) {
            return;
        }
        let aside = self.staging.set_aside.clone();
        let Some(screen) = self.plan_screen() else {
            return;
        };
        match result {
            Ok(plan) => {
                let at = screen.at.as_ref();
                let at = cells(&plan, &aside).position(|cell| Some(cell) == at);
                let rows = plan.plan.changes.len() + plan.plan.skipped.len() + aside.len();
                let change = at.unwrap_or(screen.change).min(rows.saturating_sub(1));
                screen.state = PlanState::Ready(plan);
                self.select_change(change);
                self.ask_behind(self.selected_step(), out);
            }
            Err(failure) => screen.state = PlanState::Failed(failure),
        }
    }

    fn toggle_deliver(&mut self, out: &mut Vec<Command>) {
        let Some(screen) = self.plan_screen() else {
            return;
        };
        let PlanState::Ready(plan) = &screen.state else {
            return;
        };
        let wanted = match (plan.plan.deliver, screen.deliver) {
            (Deliver::Push, _) => Some(Deliver::Branch),
            (Deliver::Branch | Deliver::PullRequest, Some(own)) if own.is_own_branch() => None,
            (Deliver::PullRequest, _) => {
                self.say("this environment is delivered to by pull requests only");
                return;
            }
            (Deliver::Branch, _) => {
                self.say("this environment is delivered to by a branch of its own only");
                return;
            }
        };
        self.deliver_by(wanted, out);
    }

    /// Plans again, delivered in another way; `None`: as the environments say.
    pub(in crate::app) fn deliver_by(&mut self, deliver: Option<Deliver>, out: &mut Vec<Command>) {
        if self.plan_screen().is_none() {
            return;
        }
        // It was offered in answer to the refusal.
        self.forget_refusal();
        if let Some(screen) = self.plan_screen() {
            screen.deliver = deliver;
            self.build_plan(out);
        }
    }

    /// Plans everything staged instead of some of it, or only the selected change; of those that were just asked for
    /// together, all.
    fn widen(&mut self, out: &mut Vec<Command>) {
        let all = self.staging.requests().len();
        let selected = self.selected_change();
        let Some(screen) = self.plan_screen() else {
            return;
        };
        let word = if let Scope::Only(_) = screen.scope {
            screen.scope = Scope::All;
            format!("everything staged is planned: {}", count(all, "change"))
        } else {
            let Some(cell) = selected else {
                return self.say("the plan is still being made");
            };
            let wanted = if screen.asked.contains(&cell) {
                screen.asked.clone()
            } else {
                vec![cell.clone()]
            };
            let wanted: Vec<CellKey> = wanted
                .into_iter()
                .filter(|cell| self.staging.get(cell).is_some())
                .collect();
            let word = match wanted.as_slice() {
                [] => {
                    return self.say(format!(
                        "{cell} is not staged itself: it cannot be planned alone"
                    ));
                }
                several if several.len() == all => return self.say("nothing else is staged"),
                [only] => format!("only {only} is planned"),
                several => format!("only {} are planned", count(several.len(), "change")),
            };
            if let Some(screen) = self.plan_screen() {
                screen.scope = Scope::Only(wanted);
            }
            word
        };
        self.say(word);
        self.build_plan(out);
    }

    /// The cell of the selected line of the plan: a change, or a skipped one.
    pub fn selected_change(&self) -> Option<CellKey> {
        match self.screens.last() {
            Some(Screen::Plan(_)) => self.planned_cell(),
            _ => None,
        }
    }

    /// The same, also where another screen is above the plan.
    fn planned_cell(&self) -> Option<CellKey> {
        let mut screens = self.screens.iter().rev();
        let screen = screens.find_map(|screen| match screen {
            Screen::Plan(screen) => Some(screen),
            _ => None,
        })?;
        let PlanState::Ready(view) = &screen.state else {
            return None;
        };
        let mut cells = cells(view, &self.staging.set_aside);
        cells.nth(screen.change).cloned()
    }

    fn unstage_selected(&mut self, out: &mut Vec<Command>) {
        let Some(cell) = self.selected_change() else {
            return;
        };
        let taken = self.staging.unstage(std::slice::from_ref(&cell));
        if taken.is_empty() {
            self.say(format!("{cell} is not staged itself"));
        } else {
            self.taken_back(&taken, out);
        }
        self.save_staged(out);
    }

    /// Plans again with the cells accepted that move with an edit though they were not staged: those that are shown, and
    /// no others.
    pub(in crate::app) fn accept_along(&mut self, out: &mut Vec<Command>) {
        let Some(screen) = self.plan_screen() else {
            return self.open_the_plan_first();
        };
        let PlanState::Ready(view) = &screen.state else {
            return;
        };
        let cells: Vec<CellKey> = view
            .plan
            .unaccepted()
            .map(|change| change.cell.clone())
            .collect();
        let word = match &cells[..] {
            [] => {
                return self.say("nothing waits to be accepted: no cell moves that was not staged");
            }
            [only] => format!("{only} may come along; it counts like what is staged"),
            more => format!(
                "{} may come along; they count like what is staged",
                count(more.len(), "cell")
            ),
        };
        screen.accepted.extend(cells.into_iter().map(Accept::Cell));
        self.say(word);
        self.build_plan(out);
    }

    /// Plans again without what is held or cannot change, or with it; it stays staged either way.
    pub(in crate::app) fn leave_out(&mut self, out: &mut Vec<Command>) {
        let Some(screen) = self.plan_screen() else {
            return self.open_the_plan_first();
        };
        let (held, stopping) = match &screen.state {
            PlanState::Ready(view) => (view.plan.held().count(), view.plan.stopping().count()),
            PlanState::Building | PlanState::Failed(_) => return,
        };
        let back = match held + stopping {
            1 => "it stays staged, and the same key brings it back",
            _ => "they stay staged, and the same key brings them back",
        };
        let word = match (held, stopping) {
            _ if screen.leave_out => "what was left out is planned again".to_owned(),
            (0, 0) => return self.say("nothing is held, and everything named can change"),
            (held, 0) => format!("{held} held left out; {back}"),
            (0, stopping) => format!("{stopping} that cannot change left out; {back}"),
            (held, stopping) => {
                format!("{held} held and {stopping} that cannot change left out; {back}")
            }
        };
        screen.leave_out = !screen.leave_out;
        self.say(word);
        self.build_plan(out);
    }

    fn ask_reason(&mut self) {
        let Some(Screen::Plan(screen)) = self.screens.last() else {
            return;
        };
        let PlanState::Ready(view) = &screen.state else {
            return;
        };
        let plan = &view.plan;
        let change = plan.changes.get(screen.change);
        if let Some(change) = change.filter(|change| change.is_unaccepted()) {
            let word = format!(
                "{} was not staged and moves with an edit: {} accepts that, and then a gate's hold can be lifted",
                change.cell,
                self.key(Mode::Plan, Action::AcceptAlong)
            );
            return self.say(word);
        }
        let held = if let Some(change) = change {
            let mut verdicts = change.verdicts.iter();
            verdicts.find(|verdict| verdict.holds()).map(|it| &it.gate)
        } else {
            // What came with a group is skipped where a gate holds it.
            let skip = plan.skipped.get(screen.change - plan.changes.len());
            skip.and_then(|skip| skip.gate.as_ref())
        };
        match held {
            Some(gate) => {
                self.prompt = Some(Prompt::Reason {
                    gate: gate.clone(),
                    input: LineInput::default(),
                });
            }
            None => self.say("no gate holds this change"),
        }
    }

    /// Whether the plan that is shown is held by cells that come along with an edit.
    pub fn waits_for_along(&self) -> bool {
        let plan = self.planned();
        plan.is_some_and(|plan| plan.unaccepted().next().is_some())
    }

    /// Whether a gate holds something of the plan that is shown, whose hold may be lifted.
    pub fn is_held(&self) -> bool {
        self.planned().is_some_and(|plan| {
            let mut verdicts = plan.changes.iter().flat_map(|change| &change.verdicts);
            let mut skipped = plan.skipped.iter();
            verdicts.any(Verdict::holds) || skipped.any(|skip| skip.gate.is_some())
        })
    }

    fn planned(&self) -> Option<&Plan> {
        match self.screens.last()? {
            Screen::Plan(PlanScreen {
                state: PlanState::Ready(view),
                ..
            }) => Some(&view.plan),
            _ => None,
        }
    }

    /// Lifts what a gate holds, and plans again.
    pub(in crate::app) fn lift(&mut self, gate: String, reason: String, out: &mut Vec<Command>) {
        let text = format!("the hold of {gate} is lifted in this plan: {reason}");
        self.log(Level::Warn, text, Vec::new(), out);
        if let Some(screen) = self.plan_screen() {
            screen.overrides.retain(|other| other.gate != gate);
            screen.overrides.push(Override { gate, reason });
            self.build_plan(out);
        }
    }
}

/// The cells of the lines of a plan: changes, those that are skipped, and those that were set aside.
fn cells<'a>(view: &'a Planned, aside: &'a [Skip]) -> impl Iterator<Item = &'a CellKey> {
    let changes = view.plan.changes.iter().map(|change| &change.cell);
    let skipped = view.plan.skipped.iter().chain(aside);
    changes.chain(skipped.map(|skip| &skip.cell))
}

/// What a change changes in the diff, on the ref that the change is written to: several refs may have the file. The start
/// where it has none.
fn position_of(view: &Planned, change: usize, desired: Option<&Desired>) -> DiffPosition {
    let cell = view.plan.changes.get(change).map(|change| &change.cell);
    let declared = cell.and_then(|cell| desired?.cells.get(cell));
    let source = declared.and_then(|declared| declared.sources.first());
    let path = source.map(|source| &source.path);
    // In the order of the diff.
    let mut edits = view.plan.writes().flat_map(|write| {
        let brings = cell.is_some_and(|cell| write.cells.contains(cell));
        write.edits.iter().map(move |edit| (brings, &edit.path))
    });
    let own = edits.position(|(brings, edited)| brings && Some(edited) == path);
    let mut files = view.diff.files.iter();
    let found = own.or_else(|| files.position(|file| Some(&file.path) == path));
    found.map_or(DiffPosition::default(), |file| DiffPosition {
        file,
        line: source.and_then(|source| usize::try_from(source.line).ok()?.checked_sub(1)),
    })
}
