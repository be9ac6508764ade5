//! Telling agents what to do, and following what they make of it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Shared;
use crate::{
    app::event::{AgentTold, Epoch, Event},
    domain::agent::AgentState,
    sources::cluster::Control,
    workflow::cluster_options,
};

/// How long is waited where the environment does not say.
const PATIENCE: Duration = Duration::from_mins(15);

pub(super) async fn tell(shared: Arc<Shared>, epoch: Epoch, told: AgentTold) {
    let project = shared.project();
    let begun = async {
        let of = told.agent.reference();
        let of = of.ok_or_else(|| format!("{} names no object", told.agent.object))?;
        let control = Control::connect(&told.agent.cluster, of, &cluster_options(&project)).await?;
        let stamp = control.tell(told.order, Timestamp::now()).await?;
        Ok((control, stamp))
    };
    let begun = begun.await;
    let result = begun.as_ref().map(drop).map_err(String::clone);
    shared.tell(Event::AgentTold {
        epoch,
        told: told.clone(),
        result,
    });
    let Ok((control, stamp)) = begun else { return };
    let environment = project.config.topology.get(&told.cell.environment);
    let timeout = environment.map_or(PATIENCE, |it| it.timeout);
    let done = control.until_done(&stamp, timeout).await;
    let result = done.map(|object| {
        object.map(|object| AgentState {
            cluster: told.agent.cluster.clone(),
            ..object.state()
        })
    });
    shared.tell(Event::AgentDone { told, result });
}
