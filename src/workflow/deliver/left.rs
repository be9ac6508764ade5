//! Deliveries that were left behind: taken up again when nobody follows them any more.

use jiff::Timestamp;

use super::{
    Clusters, Drops, Permit, Rest, Told, Underway,
    arrival::{FIRST, SLOWEST},
    longest_timeout,
};
use crate::{
    domain::{
        delivery::{Delivery, Elsewhere, Fact, NotPublished, Part, Push},
        failure::{Failure, FailureKind},
    },
    sources::{
        git::{self, Became},
        state::{Keeping, StateStore},
    },
    workflow::{NOTIFY_PATIENCE, Project},
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
    let mut taken: Vec<LeftBehind> = Vec::new();
    for (delivery, keeping) in left.deliveries {
        // Whoever was killed between two waves left both: the later one is where its plan has got to.
        let same = |other: &LeftBehind| {
            let plan = |delivery: &Delivery| delivery.wave.as_ref().map(|it| it.plan.clone());
            plan(&delivery).is_some() && plan(&other.0) == plan(&delivery)
        };
        let number = |delivery: &Delivery| delivery.wave.as_ref().map_or(0, |it| it.number);
        let mut known = taken.iter().enumerate();
        match known.find(|(_, other)| same(other)).map(|(at, _)| at) {
            Some(at) if number(&taken[at].0) < number(&delivery) => {
                let before = std::mem::replace(&mut taken[at], LeftBehind(delivery, keeping));
                before.1.end();
            }
            Some(_) => keeping.end(),
            None => taken.push(LeftBehind(delivery, keeping)),
        }
    }
    (taken, left.problems)
}

impl LeftBehind {
    /// As it stood.
    pub fn delivery(&self) -> &Delivery {
        &self.0
    }

    /// Goes on with it to its end: the remote is asked what became of a push that nobody saw the end of, and what is
    /// published is followed. Nothing is pushed; what environments leave to Tidegate is merged while `merging` holds. As it
    /// stands then, and the waves of its plan that are not begun and may be.
    pub async fn take_up(
        self,
        project: &Project,
        now: fn() -> Timestamp,
        tell: &mut (dyn FnMut(Told<'_>) + Send),
        (merging, drops): (Permit, Drops),
        clusters: &mut impl Clusters,
    ) -> (Delivery, Option<Rest>) {
        let again = Underway::again(project, (self.0, self.1), now, tell);
        let mut underway = again.merging(merging).dropped_by(drops);
        if let Some(rest) = underway.unbegun() {
            underway.unfinished("it ended before any of it was pushed", "it is begun again");
            return (underway.delivery, Some(rest));
        }
        if !underway.settle().await {
            return (underway.delivery, None);
        }
        let cells = underway.delivery.cells.iter().map(|run| &run.cell);
        let patience = longest_timeout(project, cells);
        underway.arrive(patience).await;
        underway.not_arrived();
        underway.merge(None).await;
        underway.follow_again(clusters).await;
        for problem in underway.notifier().finish(NOTIFY_PATIENCE).await {
            (underway.tell)(Told::NotTold(problem));
        }
        let rest = underway.rest();
        (underway.delivery, rest)
    }
}

impl Underway<'_> {
    /// Says what became of what was being pushed when whoever pushed it went away; `false`: that is not known, because this
    /// session ends too, and it stays kept. A remote that does not answer is asked until it does.
    async fn settle(&mut self) -> bool {
        const AGAIN: &str = "plan it again: what is there already is skipped";
        const LOOK: &str = "look before you repeat: what is there already is skipped";
        if self.delivery.is_published() {
            return true;
        }
        if self.delivery.is_pushed() {
            return self.settle_requests().await;
        }
        let Some(push) = self.delivery.attempt.clone() else {
            self.unfinished("it ended before all of it was pushed", AGAIN);
            return true;
        };
        let what = format!(
            "it ended while it was pushed, and {} is",
            push.commit.short()
        );
        let place = push.published("", None).shown();
        let part = match became(self.project, &push).await {
            Ok(Became::There) => push.published("", None),
            Ok(Became::Elsewhere(addresses)) => Part {
                elsewhere: Some(Elsewhere {
                    addresses,
                    push: push.clone(),
                }),
                ..push.published("", None)
            },
            Ok(Became::NotThere) => {
                self.unfinished(&format!("{what} not on {place}: it was not written"), AGAIN);
                return true;
            }
            Ok(Became::NotNow) => {
                let why = format!(
                    "{what} not on {place} now; a server that had begun may still bring it there"
                );
                self.unfinished(&why, LOOK);
                return true;
            }
            Err(error) if error.kind == FailureKind::Interrupted => return false,
            Err(error) => {
                let why = format!("{what} on {place} or not, which is not known: {error}");
                self.unfinished(&why, LOOK);
                return true;
            }
        };
        self.apply(Fact::Published(part));
        if !self.delivery.is_pushed() {
            self.unfinished("it ended before all of it was pushed", AGAIN);
        } else if !self.delivery.is_published() {
            return self.settle_requests().await;
        }
        true
    }

    /// The same of its pull requests: who has the branch is asked until it answers. None is opened: whoever confirmed it is
    /// gone, and the same command again opens what is missing.
    async fn settle_requests(&mut self) -> bool {
        const OPENS: &str = "plan it again: its branch is found, and the pull request is opened";
        let mut pause = FIRST;
        loop {
            match self.find_requests().await {
                Ok(true) => return true,
                Ok(false) => {
                    let why = "it ended before its pull request was opened";
                    self.unfinished(why, OPENS);
                    return true;
                }
                Err(error) if error.kind == FailureKind::Interrupted => return false,
                Err(error) if error.kind == FailureKind::Network => {
                    tracing::info!(%error, "the forge does not say yet what it has");
                }
                Err(error) => {
                    let why = format!("whether its pull request is open is not known: {error}");
                    self.unfinished(&why, OPENS);
                    return true;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST);
        }
    }

    /// Nobody writes what is left of it.
    fn unfinished(&mut self, why: &str, next: &str) {
        let failure = Failure::told("a delivery that was left behind", why, next);
        self.apply(Fact::NotPublished(NotPublished::Failed(failure)));
    }
}

/// What became of a push; asked until the remote answers.
async fn became(project: &Project, push: &Push) -> Result<Became, Failure> {
    let repo = project.repository(&push.base.name)?;
    let mut pause = FIRST;
    loop {
        match git::became(repo, push).await {
            Err(error) if error.kind == FailureKind::Network => {
                tracing::info!(%error, "the remote does not say yet what it has");
            }
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST);
    }
}
