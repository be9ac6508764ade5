//! Doing by hand what the operator asked for, and following what comes of it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Shared;
use crate::{
    app::event::{ByHand, Ended, Epoch, Event},
    domain::{
        agent::{AgentObject, AgentState, Conduct, Order, Progress},
        by_hand::{Deed, WorkloadAt},
        rollout::{Health, RolloutAct, Verdict},
    },
    sources::cluster::{Conductor, Control, Options, Told},
    workflow::{Workload, cluster_options, weigh as find_out},
};

/// How long is waited where the environment does not say.
const PATIENCE: Duration = Duration::from_mins(15);

/// Finds out what is to be known before something is done.
pub(super) async fn weigh(
    shared: Arc<Shared>,
    epoch: Epoch,
    deed: Deed,
    agent: Option<AgentState>,
) {
    let options = cluster_options(&shared.project());
    let result = find_out(&options, &deed, agent.as_ref(), Timestamp::now()).await;
    shared.tell(Event::Weighed { epoch, result });
}

pub(super) async fn tell(shared: Arc<Shared>, epoch: Epoch, told: ByHand) {
    let project = shared.project();
    let begun = begin(&told.deed, &cluster_options(&project)).await;
    let result = begun.as_ref().map(drop).map_err(String::clone);
    shared.tell(Event::Told {
        epoch,
        told: told.clone(),
        result,
    });
    let Ok(begun) = begun else { return };
    let environment = project.config.topology.get(&told.cell.environment);
    let timeout = environment.map_or(PATIENCE, |it| it.timeout);
    let result = begun.end(timeout).await;
    shared.tell(Event::ToldDone { told, result });
}

/// What was told, and is followed.
enum Begun {
    Agent(Control, Told),
    Delivery(Conductor, Conduct, Box<Progress>),
    Workload(Box<Workload>, RolloutAct),
}

async fn begin(deed: &Deed, options: &Options) -> Result<Begun, String> {
    let now = Timestamp::now();
    match deed {
        Deed::Agent { agent, order } => told_agent(agent, *order, options, now).await,
        Deed::Delivery { progress, conduct } => {
            let conductor =
                Conductor::connect(&progress.cluster, &progress.object, options).await?;
            let before = conductor.tell(*conduct).await?;
            Ok(Begun::Delivery(conductor, *conduct, Box::new(before)))
        }
        Deed::Workload { at, act, to } => changed(at, *act, *to, options, now).await,
    }
}

async fn told_agent(
    agent: &AgentState,
    order: Order,
    options: &Options,
    now: Timestamp,
) -> Result<Begun, String> {
    let of = agent.reference();
    let of = of.ok_or_else(|| format!("{} names no object", agent.object))?;
    let control = Control::connect(&agent.cluster, of, options).await?;
    let stamp = control.tell(order, now).await?;
    Ok(Begun::Agent(control, stamp))
}

async fn changed(
    at: &WorkloadAt,
    act: RolloutAct,
    to: Option<u64>,
    options: &Options,
    now: Timestamp,
) -> Result<Begun, String> {
    let workload = Workload::read(options, at).await?;
    let change = workload.change(act, to, now)?;
    workload.apply(&change).await?;
    Ok(Begun::Workload(Box::new(workload), act))
}

impl Begun {
    /// How it is once that is done; `None`: it has not been done in time.
    async fn end(self, timeout: Duration) -> Result<Option<Ended>, String> {
        Ok(match self {
            Self::Agent(control, stamp) => {
                let done = control.until_done(&stamp, timeout).await?;
                done.map(|object| ended(&object))
            }
            Self::Delivery(conductor, conduct, before) => {
                let done = conductor.until_done(conduct, &before, timeout).await?;
                done.map(|now| Ended {
                    failing: !conduct.is_well(&now),
                    word: now.stage.word(),
                    reason: now.reason(),
                })
            }
            // Nothing moves until it is resumed.
            Self::Workload(_, RolloutAct::Pause) => Some(Ended {
                failing: false,
                word: "paused",
                reason: None,
            }),
            Self::Workload(workload, _) => workload.until_rolled(timeout).await?.map(rolled),
        })
    }
}

fn ended(object: &AgentObject) -> Ended {
    Ended {
        failing: object.phase.is_failing(),
        word: object.phase.word(),
        reason: object.state().reason,
    }
}

fn rolled((health, reason): Verdict) -> Ended {
    let failing = health == Health::Degraded;
    Ended {
        failing,
        word: if failing { "degraded" } else { "healthy" },
        reason,
    }
}
