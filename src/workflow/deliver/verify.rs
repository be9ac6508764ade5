//! After a rollout: what its environment's checks say, asked again and again until it is good or too late.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        delivery::Delivery,
        gate::{self, Facts, Question, Verified},
        ids::CellKey,
        policy::check::About,
        version::Version,
    },
    workflow::{Project, checks},
};

/// How long after an answer it is asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// What is being asked. Dropped, it asks no more.
#[derive(Default)]
pub(super) struct Verifying {
    asking: JoinSet<BTreeMap<CellKey, Verified>>,
    said: Option<BTreeMap<CellKey, Verified>>,
    /// When it was answered last.
    last: Option<Instant>,
}

impl Verifying {
    /// Asks about cells whose rollout is over, unless it does already or just did.
    pub(super) fn ask(&mut self, project: &Project, delivery: &Delivery) {
        let early = self.last.is_some_and(|last| last.elapsed() < AGAIN);
        if early || !self.asking.is_empty() {
            return;
        }
        let runs = delivery.verifying().filter(|run| run.verified.is_none());
        let cells: Vec<(CellKey, Option<Version>)> = runs
            .map(|run| {
                let expected = run.expected.as_ref();
                let version = expected.and_then(|expected| expected.version.clone());
                (run.cell.clone(), version)
            })
            .collect();
        if !cells.is_empty() {
            self.asking.spawn(verify(project.clone(), cells));
        }
    }

    /// Waits until something is answered.
    pub(super) async fn answered(&mut self) {
        match self.asking.join_next().await {
            Some(said) => {
                self.last = Some(Instant::now());
                // What panicked says nothing, and is asked again.
                self.said = said.ok();
            }
            None => std::future::pending().await,
        }
    }

    /// What was answered since it was asked for last.
    pub(super) fn said(&mut self) -> Option<BTreeMap<CellKey, Verified>> {
        self.said.take()
    }
}

async fn verify(
    project: Project,
    cells: Vec<(CellKey, Option<Version>)>,
) -> BTreeMap<CellKey, Verified> {
    let about = |(cell, version): &(CellKey, Option<Version>), take: &mut dyn FnMut(&About<'_>)| {
        take(&About {
            cell,
            version: version.as_ref(),
            before: None,
            from: None,
            topology: &project.config.topology,
        });
    };
    let mut questions: Vec<Question> = Vec::new();
    for one in &cells {
        about(one, &mut |about| {
            questions.extend(gate::verify_questions(about));
        });
    }
    questions.sort();
    questions.dedup();
    let allowed = checks::allowed(&project, &questions);
    let answers = checks::ask(
        (&project, None),
        questions,
        &CancellationToken::new(),
        false,
    )
    .await;
    let mut facts = Facts::default();
    for (question, at, answer) in answers {
        facts.learn(question, at, answer);
    }
    let mut said = BTreeMap::new();
    for one in &cells {
        about(one, &mut |about| {
            let asked = gate::verify_questions(about);
            if let Some(verified) = gate::verified(about, &facts) {
                let for_good = !asked.iter().all(|question| allowed.contains(question));
                said.insert(
                    one.0.clone(),
                    Verified {
                        for_good,
                        ..verified
                    },
                );
            }
        });
    }
    said
}
