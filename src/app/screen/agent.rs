//! What can be done by hand to a cell: to what brings it, to its progressive delivery, to its workload. A menu of lines, each
//! with the command that does the same.

use super::{
    OrderScreen, Screen, moved,
    object::{self, CellObject},
    order::hard,
};
use crate::{
    actions::{Action, AgentOrder, CellValue, Mode},
    app::{command::Command, event::ByHand, line::LineInput, model::Model, op_queue::Operation},
    domain::{
        agent::{AgentState, Conduct, Order},
        by_hand::{Deed, Weighed, WorkloadAt},
        gate,
        ids::CellKey,
        plan::Verdict,
        rollout::{LiveCell, RolloutAct},
    },
};

/// What can be done by hand to a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentScreen {
    /// The cell.
    pub cell: CellKey,
    /// Which line is selected.
    pub selected: usize,
    /// Which of its workloads is offered, where there are several.
    pub workload: usize,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The action that asks for it.
    pub order: AgentOrder,
    /// What is done.
    pub deed: Deed,
}

pub(super) fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) -> bool {
    let Some(Screen::Agent(screen)) = model.screens.last() else {
        return false;
    };
    let (cell, workload) = (screen.cell.clone(), screen.workload);
    // The lists get shorter as clusters tell.
    let count = model.workloads(&cell).len();
    let workload = workload.min(count.saturating_sub(1));
    let offers = model.offers(&cell, workload);
    let selected = screen.selected.min(offers.len().saturating_sub(1));
    let offer = offers.get(selected);
    match (action, offer) {
        (Action::Move(motion), _) => {
            if let Some(Screen::Agent(screen)) = model.screens.last_mut() {
                screen.selected = moved(selected, motion, offers.len(), offers.len());
            }
        }
        (Action::NextPane, _) => {
            if let Some(Screen::Agent(screen)) = model.screens.last_mut() {
                screen.workload = (workload + 1) % count.max(1);
            }
        }
        (Action::Back, _) => model.close(out),
        (Action::Open, _) if held => {}
        (Action::Open, Some(offer)) => model.choose(cell, offer.deed.clone(), out),
        (Action::Tell(order), _) => match model.offered(&cell, order, Some(workload)) {
            Ok(deed) => model.choose(cell, deed, out),
            Err(why) => {
                model.screens.pop();
                model.say(why);
            }
        },
        (Action::Copy, Some(offer)) => out.push(Command::copy_command(offer.deed.command())),
        (Action::Open | Action::Copy, None) => {}
        _ => return false,
    }
    true
}

impl Model {
    /// The lines of the menu of a cell, with the workload at this place of its list, else the last.
    pub fn offers(&self, cell: &CellKey, workload: usize) -> Vec<Offer> {
        let Some(live) = self.live.cells().get(cell) else {
            return Vec::new();
        };
        let mut all = self.workloads(cell);
        all.truncate(workload.saturating_add(1));
        let at = all.pop();
        let brings = live.agent.iter().flat_map(|agent| {
            agent.orders().map(|order| Offer {
                order: action_of(order),
                deed: Deed::Agent {
                    agent: AgentState::clone(agent),
                    order,
                },
            })
        });
        let delivers = live.progress.iter().flat_map(|progress| {
            Conduct::ALL.into_iter().map(|conduct| Offer {
                order: match conduct {
                    Conduct::Promote => AgentOrder::Promote,
                    Conduct::PromoteFull => AgentOrder::PromoteFull,
                    Conduct::Abort => AgentOrder::Abort,
                    Conduct::Retry => AgentOrder::Retry,
                },
                deed: Deed::Delivery {
                    progress: progress.clone(),
                    conduct,
                },
            })
        });
        let runs = at.iter().flat_map(|at| {
            RolloutAct::ALL.into_iter().map(|act| Offer {
                order: match act {
                    RolloutAct::Restart => AgentOrder::Restart,
                    RolloutAct::Undo => AgentOrder::Undo,
                    RolloutAct::Pause => AgentOrder::Pause,
                    RolloutAct::Resume => AgentOrder::GoOn,
                },
                deed: Deed::Workload {
                    at: at.clone(),
                    act,
                    to: None,
                },
            })
        });
        brings.chain(delivers).chain(runs).collect()
    }

    /// The workloads of a cell that Kubernetes itself rolls out.
    pub fn workloads(&self, cell: &CellKey) -> Vec<WorkloadAt> {
        let live = self.live.cells().get(cell);
        let names = live.map_or(&[][..], |live| &live.workloads);
        let (Ok(context), Ok(namespace)) = (
            self.cell_value(cell, CellValue::Context),
            self.cell_value(cell, CellValue::Namespace),
        ) else {
            return Vec::new();
        };
        let at = |name: &String| WorkloadAt::new(context.clone(), namespace.clone(), name);
        let all = names.iter().filter_map(at);
        all.filter(|at| at.kind.has_rollout()).collect()
    }

    /// Shows what can be done to a cell by hand; what the cell waits for is selected.
    pub(in crate::app) fn open_agent(&mut self, cell: Option<CellKey>) {
        let Some(cell) = cell else {
            return self.say("no cell is selected");
        };
        let workload = self.selected_workload(&cell);
        let offers = self.offers(&cell, workload);
        if offers.is_empty() {
            return self.say(format!(
                "{cell}: no agent that brings it and no workload of it is seen in a cluster"
            ));
        }
        let live = self.live.cells().get(&cell);
        let hop = live.and_then(|live| live.hop.as_ref()?.order);
        let waits = |offer: &Offer| match &offer.deed {
            Deed::Agent { order, .. } => Some(*order) == hop,
            Deed::Delivery { progress, conduct } => {
                hop.is_none() && progress.waits.is_some() && *conduct == Conduct::Promote
            }
            Deed::Workload { .. } => false,
        };
        let selected = offers.iter().position(waits).unwrap_or(0);
        self.open(Screen::Agent(AgentScreen {
            cell,
            selected,
            workload,
        }));
    }

    /// The place among a cell's workloads of the one that is selected on its screen; the first, where none is.
    fn selected_workload(&self, cell: &CellKey) -> usize {
        let Some(Screen::Cell(screen)) = self.screens.last() else {
            return 0;
        };
        let live = self.live.cells().get(cell);
        let object = live.and_then(|live| {
            let index = object::selected(live, screen.object)?;
            object::objects(live).into_iter().nth(index)
        });
        let Some(CellObject::Workload(name)) = object else {
            return 0;
        };
        let all = self.workloads(cell);
        let place = all.iter().position(|at| at.workload() == name);
        place.unwrap_or(0)
    }

    /// What an action means to a cell; `workload`: the one whose line is seen, where the menu is open.
    ///
    /// # Errors
    /// A sentence that says why it means nothing there.
    fn offered(
        &self,
        cell: &CellKey,
        order: AgentOrder,
        workload: Option<usize>,
    ) -> Result<Deed, String> {
        let live = self.live.cells().get(cell);
        let agent = live.and_then(|live| live.agent.as_ref());
        let order = match order {
            AgentOrder::Now => {
                let waits = live.and_then(|live| live.hop.as_ref()?.order);
                let menu = self.key(Mode::Cell, Action::Agent);
                waits.map(action_of).ok_or_else(|| {
                    format!(
                        "{cell} waits for nothing that its agent could be told; {menu} shows all that it can be"
                    )
                })?
            }
            // What both do has one word.
            AgentOrder::Sync if agent.is_some_and(|it| !it.kind.is_argocd()) => {
                AgentOrder::Reconcile
            }
            order => order,
        };
        let acts = matches!(
            order,
            AgentOrder::Restart | AgentOrder::Undo | AgentOrder::Pause | AgentOrder::GoOn
        );
        let all = self.workloads(cell);
        if acts && workload.is_none() && all.len() > 1 {
            let all: Vec<String> = all.iter().map(WorkloadAt::workload).collect();
            return Err(format!(
                "{cell} has several workloads ({}): {} chooses one",
                all.join(", "),
                self.key(Mode::Cell, Action::Agent)
            ));
        }
        let offers = self.offers(cell, workload.unwrap_or(0)).into_iter();
        let mut meant = offers.filter(|offer| offer.order == order);
        meant.next().map(|offer| offer.deed).ok_or_else(|| {
            let delivers = matches!(
                order,
                AgentOrder::Promote
                    | AgentOrder::PromoteFull
                    | AgentOrder::Abort
                    | AgentOrder::Retry
            );
            not_offered(cell, live.map(|live| &**live), acts, delivers)
        })
    }

    /// Asks whether this is to be done to a cell, or says why it cannot be.
    pub(in crate::app) fn ask_to_tell(
        &mut self,
        cell: Option<CellKey>,
        order: AgentOrder,
        out: &mut Vec<Command>,
    ) {
        let Some(cell) = cell else {
            return self.say("no cell is selected");
        };
        match self.offered(&cell, order, None) {
            Ok(deed) => self.ask_about(cell, deed, out),
            Err(why) => self.say(why),
        }
    }

    /// A line of the menu was chosen: one that makes no sense says why, and stays.
    fn choose(&mut self, cell: CellKey, deed: Deed, out: &mut Vec<Command>) {
        if let Some(why) = deed.objection() {
            return self.say(why);
        }
        self.screens.pop();
        self.ask_about(cell, deed, out);
    }

    /// Asks, if this session may write and nothing is being told. What is to be known before is asked for now.
    fn ask_about(&mut self, cell: CellKey, deed: Deed, out: &mut Vec<Command>) {
        if let Some(why) = deed.objection() {
            return self.say(why);
        }
        if self.operations.is_running(Operation::Tell) {
            return self.say("an agent is being told something; ask again when that is over");
        }
        if !self.may_write() {
            return;
        }
        let frozen = self.frozen_by_hand(&cell, &deed);
        if let Some(why) = frozen.as_ref().and_then(hard) {
            return self.say(why);
        }
        let live = self.live.cells().get(&cell);
        let agent = live.and_then(|live| live.agent.as_deref().cloned());
        let weighed = if deed.is_weighed() {
            let epoch = self.operations.supersede(Operation::Weigh);
            out.push(Command::Weigh {
                epoch,
                deed: deed.clone(),
                agent,
            });
            None
        } else {
            Some(Ok(Weighed::default()))
        };
        let name = Some(&cell.environment).filter(|name| self.is_protected(name));
        let screen = OrderScreen {
            name: name.cloned(),
            opened: self.now,
            changed: self.now,
            input: LineInput::default(),
            wrong: false,
            frozen,
            weighed,
            choice: 0,
            first: 0,
            told: ByHand {
                cell,
                deed,
                lifted: None,
            },
        };
        self.open(Screen::Order(Box::new(screen)));
    }

    /// What a freeze holds that somebody would do to a cell by hand.
    pub(super) fn frozen_by_hand(&self, cell: &CellKey, deed: &Deed) -> Option<Verdict> {
        let live = self.live.cells().get(cell);
        let windows = live.and_then(|live| live.windows.as_deref());
        let verdict = gate::window_by_hand(&self.setup.topology, cell, windows, self.now)?;
        (deed.moves() && verdict.holds()).then_some(verdict)
    }
}

/// The action that asks for an order.
fn action_of(order: Order) -> AgentOrder {
    match order {
        Order::Reconcile => AgentOrder::Reconcile,
        Order::Suspend => AgentOrder::Suspend,
        Order::Resume => AgentOrder::Resume,
        Order::Sync => AgentOrder::Sync,
        Order::Refresh => AgentOrder::Refresh,
        Order::HardRefresh => AgentOrder::HardRefresh,
        Order::Terminate => AgentOrder::Terminate,
        Order::Rollback(_) => AgentOrder::Rollback,
    }
}

/// Why a cell has nothing that an action is for: one on its workload, on its progressive delivery, or on its agent.
fn not_offered(cell: &CellKey, live: Option<&LiveCell>, acts: bool, delivers: bool) -> String {
    let agent = live.and_then(|live| live.agent.as_ref());
    match agent {
        _ if acts => {
            format!("{cell} has no Deployment, StatefulSet or DaemonSet in its cluster")
        }
        _ if delivers => format!(
            "{cell} is not delivered step by step: no Rollout of Argo Rollouts and no Canary of Flagger is seen"
        ),
        Some(agent) => {
            let all: Vec<&str> = agent.orders().map(Order::word).collect();
            format!(
                "{cell} is brought by {} {}, which can be told: {}",
                agent.kind,
                agent.object,
                all.join(", ")
            )
        }
        None => {
            format!("{cell}: no Kustomization, HelmRelease or Application that brings it is seen")
        }
    }
}
