//! Waiting until what was pushed elsewhere is where it is read from.

use std::time::Duration;

use tokio::time::Instant;

use super::Underway;
use crate::{
    domain::{delivery::Fact, ids::CellKey},
    sources::git,
    workflow::Project,
};

/// The wait before the first look again; it grows to [`SLOWEST`].
pub(super) const FIRST: Duration = Duration::from_millis(200);
/// The longest wait between two looks.
pub(super) const SLOWEST: Duration = Duration::from_secs(5);

impl Underway<'_> {
    /// Waits until the fetch addresses have what was pushed to others, `patience` at most. Does nothing where everything is
    /// there.
    pub async fn arrive(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut pause = FIRST;
        while self.delivery.is_elsewhere() && !self.delivery.is_over() {
            for part in self.delivery.parts.clone() {
                let Some(elsewhere) = &part.elsewhere else {
                    continue;
                };
                let Ok(repo) = self.project.repository(&part.tip.name) else {
                    continue;
                };
                // A fetch address that does not answer is asked again, as one that does not have it.
                if matches!(git::arrived(repo, &elsewhere.push).await, Ok((true, _))) {
                    self.apply(Fact::Arrived(part.tip.name));
                }
            }
            if !self.delivery.is_elsewhere() || Instant::now() + pause > until {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST);
        }
    }

    /// It was waited for long enough.
    pub fn not_arrived(&mut self) {
        if self.delivery.is_elsewhere() {
            self.apply(Fact::NotArrived);
        }
    }
}

/// The longest that an environment of these cells is waited for.
pub fn longest_timeout<'a>(
    project: &Project,
    cells: impl IntoIterator<Item = &'a CellKey>,
) -> Duration {
    let topology = &project.config.topology;
    let environments = cells.into_iter();
    environments
        .filter_map(|cell| topology.get(&cell.environment))
        .map(|environment| environment.timeout)
        .max()
        .unwrap_or_default()
}
