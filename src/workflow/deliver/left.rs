//! Deliveries that were left behind: taken up again when nobody follows them any more.

use jiff::Timestamp;

use super::{Clusters, Told, Underway, longest_timeout};
use crate::{
    domain::{
        delivery::{Delivery, Fact, NotPublished},
        failure::{Failure, FailureKind},
    },
    sources::{
        git,
        state::{Keeping, StateStore},
    },
    workflow::Project,
};

/// What was left behind, and is this process's from now on.
#[derive(Debug)]
pub struct LeftBehind(Delivery, Keeping);

/// Everything that was left behind of this clone's deliveries, oldest first, and what of it cannot be taken up, a sentence
/// each. Nothing where nobody may be asked or another moment is looked at. Blocking.
pub fn left_behind(project: &Project) -> (Vec<LeftBehind>, Vec<String>) {
    if project.opened.offline || project.at.is_some() {
        return (Vec::new(), Vec::new());
    }
    let Some(store) = StateStore::of_repository(project.repo.common_dir()) else {
        return (Vec::new(), Vec::new());
    };
    let left = store.left_deliveries();
    let deliveries = left.deliveries.into_iter();
    let taken = deliveries.map(|(delivery, keeping)| LeftBehind(delivery, keeping));
    (taken.collect(), left.problems)
}

impl LeftBehind {
    /// As it stood.
    pub fn delivery(&self) -> &Delivery {
        &self.0
    }

    /// Goes on with it to its end: the remote is asked what became of a push that nobody saw the end of, and what is
    /// published is followed. Nothing is pushed.
    pub async fn take_up(
        self,
        project: &Project,
        now: fn() -> Timestamp,
        tell: &mut (dyn FnMut(Told<'_>) + Send),
        clusters: &mut impl Clusters,
    ) {
        let mut underway = Underway::again(project, (self.0, self.1), now, tell);
        underway.settle().await;
        let cells = underway.delivery.cells.iter().map(|run| &run.cell);
        let patience = longest_timeout(project, cells);
        underway.arrive(patience).await;
        underway.not_arrived();
        underway.follow_again(clusters).await;
    }
}

impl Underway<'_> {
    /// Says what became of what was being pushed when whoever pushed it went away.
    async fn settle(&mut self) {
        if self.delivery.is_published() {
            return;
        }
        let unseen = |why: String, next: &str| {
            NotPublished::Failed(
                Failure::told("a delivery that was left behind", why, next)
                    .of(FailureKind::Interrupted),
            )
        };
        let target = self.delivery.target.clone();
        let Some(push) = self.delivery.attempt.clone() else {
            let why = format!("it ended before it was pushed: nothing was written to {target}");
            return self.apply(Fact::NotPublished(unseen(why, "plan it again")));
        };
        let repo = match self.project.repository(&push.base.name) {
            Ok(repo) => repo,
            Err(error) => {
                let why = format!("whether it was pushed to {target} is not known: {error}");
                return self.apply(Fact::NotPublished(unseen(why, "look before you repeat")));
            }
        };
        let fact = match git::arrived(repo, &push).await {
            Ok((true, _)) => Fact::Published(push.published("", None)),
            Ok((false, _)) => {
                let why = format!(
                    "it ended while it was pushed, and {target} does not have {}: nothing was written",
                    push.commit.short()
                );
                Fact::NotPublished(unseen(why, "plan it again"))
            }
            Err(error) => {
                let why = format!(
                    "it ended while it was pushed, and {target} does not say whether it has {}: {error}",
                    push.commit.short()
                );
                let next = "look before you repeat: what is there already is skipped";
                Fact::NotPublished(unseen(why, next))
            }
        };
        self.apply(fact);
        if !self.delivery.is_published() {
            let why = "the rest of it was not pushed".to_owned();
            self.apply(Fact::NotPublished(unseen(
                why,
                "plan it again: what is there already is skipped",
            )));
        }
    }
}
