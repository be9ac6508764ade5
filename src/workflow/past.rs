//! When cells were healthy, by all that know: what was kept, what clusters say, and a Prometheus where one is configured.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Project, checks};
use crate::domain::{
    gate::{Answer, HealthyQuestion, Question},
    ids::CellKey,
    past_health::PastHealth,
    policy::check::About,
    rollout::Seen,
};

/// Whoever goes back waits no longer for what is only told.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a Prometheus is asked about a cell; an error where it cannot be. `None`: none is configured.
pub(super) fn question(project: &Project, cell: &CellKey) -> Option<Result<Question, String>> {
    let topology = &project.config.topology;
    let asked = topology.policy.healthy.get(&cell.environment)?;
    let about = About {
        cell,
        version: None,
        before: None,
        from: None,
        topology,
    };
    Some(about.query(&asked.query).map(|query| {
        Question::Healthy(HealthyQuestion {
            server: asked.server.clone(),
            query,
            back: asked.back,
            step: asked.step,
            timeout: asked.timeout,
        })
    }))
}

/// Takes what it answered.
pub(super) fn learn(
    past: &mut PastHealth,
    (project, cell): (&Project, &CellKey),
    answer: Option<&Answer>,
    now: Timestamp,
) {
    let Some(asked) = project
        .config
        .topology
        .policy
        .healthy
        .get(&cell.environment)
    else {
        return;
    };
    let stretches = match answer {
        Some(Answer::Healthy(Ok(series))) => asked.stretches(series, now),
        Some(Answer::Healthy(Err(why))) => Err(why.clone()),
        _ => Err("nobody asked it".to_owned()),
    };
    match stretches {
        Ok(stretches) => stretches.into_iter().for_each(|it| past.learn(it)),
        Err(why) => past.is_not_told(format!(
            "the Prometheus {} does not say it: {why}",
            asked.server
        )),
    }
}

impl Project {
    /// When a cell was healthy, by all that know, a Prometheus too, for which a moment is waited.
    pub async fn whole_past(&self, cell: &CellKey, seen: &Seen, now: Timestamp) -> PastHealth {
        let mut past = self.past_health(cell, seen, now);
        match question(self, cell) {
            None => {}
            Some(Err(why)) => past.is_not_told(why),
            Some(Ok(question)) => {
                let stop = CancellationToken::new();
                let asking = checks::ask((self, None), vec![question], &stop, true);
                let told = tokio::time::timeout(PATIENCE, asking).await;
                let told = told.unwrap_or_default().pop();
                let answer = told.as_ref().map(|(.., answer)| answer);
                learn(&mut past, (self, cell), answer, now);
            }
        }
        past
    }

    /// Whether a Prometheus is to be asked about a cell.
    pub fn has_prometheus(&self, cell: &CellKey) -> bool {
        let healthy = &self.config.topology.policy.healthy;
        healthy.contains_key(&cell.environment)
    }
}
