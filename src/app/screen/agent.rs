//! What the agent of a cell can be told: a menu of orders, each with the command that does the same.

use super::{OrderScreen, Screen, moved};
use crate::{
    actions::{Action, AgentOrder, Mode},
    app::{
        command::Command,
        event::{AgentTold, Epoch},
        line::LineInput,
        model::{Model, Ran},
        op_queue::Operation,
    },
    domain::{
        agent::{AgentState, Order},
        failure::Failure,
        gate,
        ids::CellKey,
        timeline::Level,
    },
};

/// What the agent of a cell can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentScreen {
    /// The cell.
    pub cell: CellKey,
    /// Its agent.
    pub agent: AgentState,
    /// Which order is selected.
    pub selected: usize,
}

impl AgentScreen {
    /// What it can be told.
    pub fn orders(&self) -> Vec<Order> {
        self.agent.orders().collect()
    }

    /// The selected one.
    pub fn order(&self) -> Option<Order> {
        self.orders().get(self.selected).copied()
    }
}

pub(super) fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) -> bool {
    let Some(Screen::Agent(screen)) = model.screens.last_mut() else {
        return false;
    };
    let (cell, order) = (screen.cell.clone(), screen.order());
    match action {
        Action::Move(motion) => {
            let count = screen.orders().len();
            screen.selected = moved(screen.selected, motion, count, count);
        }
        Action::Back => model.close(out),
        Action::Open if held => {}
        Action::Open => {
            model.screens.pop();
            if let Some(order) = order {
                model.ask_about(cell, order);
            }
        }
        Action::Tell(order) => {
            model.screens.pop();
            model.ask_to_tell(Some(cell), order);
        }
        Action::Copy => {
            if let Some(order) = order {
                out.push(Command::copy_command(screen.agent.command(order)));
            }
        }
        _ => return false,
    }
    true
}

impl Model {
    /// The agent of a cell; says why there is none.
    fn agent_of(&mut self, cell: Option<CellKey>) -> Option<(CellKey, AgentState)> {
        let Some(cell) = cell else {
            self.say("no cell is selected");
            return None;
        };
        let agent = self.live.cells().get(&cell);
        let agent = agent.and_then(|live| live.agent.clone());
        if agent.is_none() {
            self.say(format!(
                "{cell}: no Kustomization, HelmRelease or Application that brings it is seen"
            ));
        }
        Some((cell, agent?))
    }

    /// Shows what the agent of a cell can be told; what the cell waits for is selected.
    pub(in crate::app) fn open_agent(&mut self, cell: Option<CellKey>) {
        let Some((cell, agent)) = self.agent_of(cell) else {
            return;
        };
        let hop = self.live.cells().get(&cell);
        let hop = hop.and_then(|live| live.hop.as_ref()?.order);
        let selected = agent.orders().position(|order| Some(order) == hop);
        self.open(Screen::Agent(AgentScreen {
            cell,
            agent,
            selected: selected.unwrap_or(0),
        }));
    }

    /// Asks whether the agent of a cell is to be told this, or says why it cannot be.
    pub(in crate::app) fn ask_to_tell(&mut self, cell: Option<CellKey>, order: AgentOrder) {
        let Some((cell, agent)) = self.agent_of(cell) else {
            return;
        };
        let order = match order {
            AgentOrder::Now => {
                let hop = self.live.cells().get(&cell);
                let order = hop.and_then(|live| live.hop.as_ref()?.order);
                let Some(order) = order else {
                    let menu = self.key(Mode::Cell, Action::Agent);
                    return self.say(format!(
                        "{cell} waits for nothing that its agent could be told; {menu} shows all that it can be"
                    ));
                };
                order
            }
            AgentOrder::Reconcile => Order::Reconcile,
            AgentOrder::Suspend => Order::Suspend,
            AgentOrder::Resume => Order::Resume,
            // What both do has one word.
            AgentOrder::Sync if !agent.kind.is_argocd() => Order::Reconcile,
            AgentOrder::Sync => Order::Sync,
            AgentOrder::Refresh => Order::Refresh,
            AgentOrder::HardRefresh => Order::HardRefresh,
            AgentOrder::Terminate => Order::Terminate,
        };
        if order.is_argocd() != agent.kind.is_argocd() {
            let all: Vec<&str> = agent.orders().map(Order::word).collect();
            return self.say(format!(
                "{cell} is brought by {} {}, which can be told: {}",
                agent.kind,
                agent.object,
                all.join(", ")
            ));
        }
        self.ask_about(cell, order);
    }

    /// Asks, if this session may write and nothing is being told.
    pub(super) fn ask_about(&mut self, cell: CellKey, order: Order) {
        let Some((cell, agent)) = self.agent_of(Some(cell)) else {
            return;
        };
        if self.operations.is_running(Operation::Tell) {
            return self.say("an agent is being told something; ask again when that is over");
        }
        if !self.may_write() {
            return;
        }
        let moves = matches!(order, Order::Sync | Order::Reconcile | Order::Resume);
        if let Some(frozen) = self.frozen_by_hand(&cell).filter(|_| moves) {
            return self.say(format!(
                "{frozen}; with a reason: tidegate {order} {} {} --override window --reason TEXT",
                cell.service, cell.environment
            ));
        }
        let name = Some(&cell.environment).filter(|name| self.is_protected(name));
        let screen = OrderScreen {
            name: name.cloned(),
            told: AgentTold { cell, agent, order },
            opened: self.now,
            input: LineInput::default(),
            wrong: false,
        };
        self.open(Screen::Order(screen));
    }

    /// What a freeze holds that somebody would do to a cell by hand.
    fn frozen_by_hand(&self, cell: &CellKey) -> Option<String> {
        let live = self.live.cells().get(cell);
        let windows = live.and_then(|live| live.windows.as_deref());
        let verdict = gate::window_by_hand(&self.setup.topology, cell, windows, self.now)?;
        verdict.holds().then_some(verdict.detail)
    }

    pub(super) fn tell_agent(&mut self, told: AgentTold, out: &mut Vec<Command>) {
        let Some(epoch) = self.operations.start(Operation::Tell) else {
            return self.say("an agent is being told something; ask again when that is over");
        };
        self.say(format!("telling {} to {}", told.whom(), told.order));
        out.push(Command::TellAgent { epoch, told });
    }

    /// An agent was told something, or not.
    pub(in crate::app) fn on_told(
        &mut self,
        epoch: Epoch,
        told: &AgentTold,
        result: Result<(), String>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.finish(Operation::Tell, epoch) {
            return;
        }
        self.word = None;
        let (whom, order, command) = (told.whom(), told.order, told.command());
        let outcome = match result {
            Ok(()) => {
                let text = format!("{}: told {whom} to {order}", told.cell);
                self.log(Level::Info, text, vec![command.clone()], out);
                Ok("told")
            }
            Err(why) => {
                let failure = Failure::told(
                    format!("telling {whom} to {order}"),
                    why,
                    format!("the same from a shell: {command}"),
                );
                self.fail(failure, out);
                Err("refused")
            }
        };
        self.ran = Some(Ran {
            line: command,
            ok: outcome.is_ok(),
            outcome: outcome.unwrap_or_else(|it| it).to_owned(),
            took: std::time::Duration::ZERO,
            at: self.now,
        });
    }

    /// What an agent was told is done, or is not.
    pub(in crate::app) fn on_agent_done(
        &mut self,
        told: &AgentTold,
        result: Result<Option<AgentState>, String>,
        out: &mut Vec<Command>,
    ) {
        let (whom, order) = (told.whom(), told.order);
        match result {
            Ok(Some(agent)) if agent.phase.is_failing() => {
                let why = agent
                    .reason
                    .unwrap_or_else(|| agent.phase.word().to_owned());
                let failure = Failure::told(
                    format!("{order} {whom}"),
                    why,
                    "mend what it says, then tell it again",
                );
                self.fail(failure, out);
            }
            Ok(Some(agent)) => {
                let text = format!(
                    "{}: {whom} has done it ({order}): {}",
                    told.cell,
                    agent.phase.word()
                );
                self.say(text.clone());
                self.log(Level::Done, text, agent.reason.into_iter().collect(), out);
            }
            Ok(None) => {
                let text = format!("{}: {whom} has not done it in time ({order})", told.cell);
                self.say(text.clone());
                self.log(Level::Warn, text, Vec::new(), out);
            }
            Err(why) => {
                let text = format!(
                    "{}: what came of it is not known ({order} {whom})",
                    told.cell
                );
                self.log(Level::Warn, text, vec![why], out);
            }
        }
    }
}
