//! A delivery with those who observe it.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    super::{Project, notify::Notifier},
    Drops, HandedOver, Lender, Permit,
    merging::Tried,
};
use crate::{
    domain::{
        delivery::{Delivery, Fact, Step, entry},
        desired::RefName,
        plan::Plan,
    },
    sources::{
        forge::Forge,
        git::RanCommand,
        state::{Keeping, StateStore, Writer},
    },
};

/// How long a delivery waits for the state folder; then it goes on without being kept.
const PATIENCE: Duration = Duration::from_secs(3);

/// What an observer hears.
#[derive(Debug)]
pub enum Told<'a> {
    /// A program ran.
    Ran(RanCommand),
    /// Somebody who is to be told of it could not be: who, and why.
    NotTold(String),
    /// Steps were made, at this time; the delivery is as it is behind them.
    Steps(&'a Delivery, Timestamp, &'a [Step]),
}

/// A delivery that is driven: facts go in, and its steps are written to disk and told.
///
/// While it lives, the delivery is kept on disk, for the case that this process does not live to its end; then it is taken
/// up by the next ([`left_behind`](super::left_behind)). What has ended, or is not to be followed, is taken away.
pub struct Underway<'a> {
    pub(super) project: &'a Project,
    /// As it stands.
    pub delivery: Delivery,
    writer: Writer,
    store: Option<StateStore>,
    pub(super) keeping: Option<Arc<Keeping>>,
    /// The plan that it is a wave of is kept beside it.
    pub(super) has_plan: bool,
    /// The place of the wave before it, until its own is kept.
    pub(super) before: HandedOver,
    now: fn() -> Timestamp,
    pub(super) tell: &'a mut (dyn FnMut(Told<'_>) + Send),
    /// Asked before each push.
    pub(super) permit: Permit,
    /// Lends the terminal to what signs.
    pub(super) lender: Lender,
    notifier: Notifier,
    /// Asked before a merge: what was confirmed may be merged days later.
    pub(super) merging: Permit,
    /// Asked whether it is to be dropped.
    pub(super) drops: Drops,
    /// What was tried for the merge of a pull request, by the ref that it goes into.
    pub(super) tried: BTreeMap<RefName, Tried>,
    /// The forges that it has asked, by the ref that its pull request goes into.
    pub(super) forges: BTreeMap<RefName, Arc<Forge>>,
}

impl<'a> Underway<'a> {
    /// A delivery that begins; `tell` observes it.
    pub fn begin(
        project: &'a Project,
        delivery: Delivery,
        now: fn() -> Timestamp,
        tell: &'a mut (dyn FnMut(Told<'_>) + Send),
    ) -> Self {
        let store = StateStore::of_repository(project.repo.common_dir());
        let writer = Writer::start();
        let keeping = store.clone().and_then(|store| {
            let id = delivery.id.clone();
            let kept = writer.now(PATIENCE, move || store.keep_delivery(&id))?;
            not_kept(kept, "keeping a delivery")
        });
        Self {
            project,
            delivery,
            writer,
            store,
            keeping: keeping.map(Arc::new),
            has_plan: false,
            before: HandedOver::default(),
            now,
            tell,
            permit: Permit::default(),
            lender: Lender::default(),
            notifier: Notifier::of(project),
            merging: Permit::default(),
            drops: Drops::default(),
            tried: BTreeMap::new(),
            forges: BTreeMap::new(),
        }
    }

    /// Pushes as long as this permit holds.
    #[must_use]
    pub fn with(self, permit: Permit) -> Self {
        Self { permit, ..self }
    }

    /// Has the terminal lent by this one for what signs.
    #[must_use]
    pub fn lent_by(self, lender: Lender) -> Self {
        Self { lender, ..self }
    }

    /// Goes on from where another wave of its plan ended, whose place is given up once this one has its own.
    #[must_use]
    pub fn behind(self, before: HandedOver) -> Self {
        Self { before, ..self }
    }

    /// Looks here whether it is to be dropped.
    #[must_use]
    pub fn dropped_by(self, drops: Drops) -> Self {
        Self { drops, ..self }
    }

    /// Merges, where its environments leave that to Tidegate, while this permit holds.
    #[must_use]
    pub fn merging(self, merging: Permit) -> Self {
        Self { merging, ..self }
    }

    /// A delivery that goes on from where it was kept.
    pub(super) fn again(
        project: &'a Project,
        (delivery, keeping): (Delivery, Keeping),
        now: fn() -> Timestamp,
        tell: &'a mut (dyn FnMut(Told<'_>) + Send),
    ) -> Self {
        let notifier = Notifier::of(project);
        notifier.is_about_kept(project, &delivery);
        Self {
            project,
            delivery,
            writer: Writer::start(),
            store: StateStore::of_repository(project.repo.common_dir()),
            has_plan: keeping.has_plan(),
            keeping: Some(Arc::new(keeping)),
            before: HandedOver::default(),
            now,
            tell,
            permit: Permit::default(),
            lender: Lender::default(),
            notifier,
            merging: Permit::default(),
            drops: Drops::default(),
            tried: BTreeMap::new(),
            forges: BTreeMap::new(),
        }
    }

    /// Who tells others of it; whoever drives it to its end waits for that behind it.
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Whose repository it is of.
    pub fn project(&self) -> &'a Project {
        self.project
    }

    /// Takes what became known.
    pub(super) fn apply(&mut self, fact: Fact<'_>) {
        let at = (self.now)();
        let made = matches!(fact, Fact::Made(_) | Fact::Expected(_) | Fact::Dropped);
        let steps = self.delivery.apply(at, fact);
        if steps.is_empty() && !made {
            return;
        }
        for step in &steps {
            let line = entry(&self.delivery, at, step);
            let told = line.as_ref().map(|line| &line.text);
            tracing::info!(delivery = %self.delivery.id, told, "{}", step.name());
            if let (Some(store), Some(line)) = (self.store.clone(), line) {
                self.writer.later(move || {
                    not_kept(store.append_activity(&line), "writing the activity log");
                });
            }
        }
        if self.delivery.is_over() {
            // What hands over is the only word of the waves that are to come, until the next has its place.
            if !self.hands_over() {
                // Whoever hears of the end may be the last thing that this process does.
                self.leave();
            }
        } else if let Some(keeping) = self.keeping.clone() {
            // Before what follows is done: a push that nobody saw the end of is asked about.
            let delivery = self.delivery.clone();
            self.kept(move || keeping.write(&delivery), "keeping a delivery");
            self.before.end();
        }
        self.notifier.steps(&self.delivery, &steps);
        (self.tell)(Told::Steps(&self.delivery, at, &steps));
    }

    /// Tells of something urgent that waits still, and keeps that it did: the next process goes on from there.
    pub(super) fn clock(&mut self) {
        let Some(minutes) = self.notifier.clock(&self.delivery, self.now()) else {
            return;
        };
        self.delivery.clocked = minutes;
        if let Some(keeping) = self.keeping.clone() {
            let delivery = self.delivery.clone();
            self.kept(move || keeping.write(&delivery), "keeping a delivery");
        }
    }

    pub(super) fn ran(&mut self, ran: RanCommand) {
        (self.tell)(Told::Ran(ran));
    }

    /// Does something with the state folder that the next step stands on; whether that was done.
    pub(super) fn kept(
        &self,
        write: impl FnOnce() -> io::Result<()> + Send + 'static,
        what: &'static str,
    ) -> bool {
        let done = self.writer.now(PATIENCE, move || not_kept(write(), what));
        done.flatten().is_some()
    }

    /// Nobody goes on with it.
    pub fn leave(&mut self) {
        self.before.end();
        let keeping = self.keeping.take();
        self.writer.now(PATIENCE, move || {
            if let Some(keeping) = keeping {
                keeping.end();
            }
        });
    }

    /// What others are told that it is about.
    pub(super) fn is_about(&self, plan: &Plan) {
        self.notifier.is_about(self.project, plan);
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }
}

/// What was written, or nothing where the disk refuses: a delivery goes on without being kept.
fn not_kept<T>(result: io::Result<T>, what: &str) -> Option<T> {
    match result {
        Ok(kept) => Some(kept),
        Err(error) => {
            tracing::warn!(%error, "{what} failed");
            None
        }
    }
}
