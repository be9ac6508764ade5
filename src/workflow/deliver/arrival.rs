//! Waiting until what was pushed elsewhere is where it is read from.

use std::time::Duration;

use tokio::time::Instant;

use super::Delivered;
use crate::{domain::plan::Plan, sources::git, workflow::Session};

/// The wait before the first look again; it grows to [`SLOWEST`].
const FIRST: Duration = Duration::from_millis(200);
/// The longest wait between two looks.
const SLOWEST: Duration = Duration::from_secs(5);

/// Waits until the fetch addresses have what was pushed to others, `patience` at most, and strikes off what arrived. Does
/// nothing where everything is there.
pub async fn arrive(session: &Session, delivered: &mut Delivered, patience: Duration) {
    let until = Instant::now() + patience;
    let mut pause = FIRST;
    loop {
        for part in &mut delivered.parts {
            let Some(elsewhere) = &part.elsewhere else {
                continue;
            };
            let Ok(repo) = session.repository(&part.tip.name) else {
                continue;
            };
            // A fetch address that does not answer is asked again, as one that does not have it.
            if matches!(git::arrived(repo, &elsewhere.request).await, Ok((true, _))) {
                part.elsewhere = None;
            }
        }
        if !delivered.is_elsewhere() || Instant::now() + pause > until {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST);
    }
}

/// The longest that an environment of the plan is waited for.
pub fn longest_timeout(session: &Session, plan: &Plan) -> Duration {
    let environments = plan.changes.iter();
    environments
        .filter_map(|change| session.config.topology.get(&change.cell.environment))
        .map(|environment| environment.timeout)
        .max()
        .unwrap_or_default()
}
