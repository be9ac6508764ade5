//! What is left of a plan in waves whose process went away: kept beside the delivery of the wave that was under way, and gone on
//! with by whoever takes that up.
//!
//! ```text
//! 1-a.json   the delivery of wave 1, until the journal of wave 2 is there
//! 1-a.plan   the plan as it was confirmed, and the policy that it was judged by
//! ```
//!
//! A wave is written only as it was confirmed: judged again like any, under the same policy. Whoever stops a batch on purpose
//! is not surprised by it later: the plan is forgotten then.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{super::Reading, Project, Underway};
use crate::{
    domain::{
        alike,
        delivery::Delivery,
        ids::CellKey,
        plan::{Plan, PlanFile, Wave},
    },
    sources::state::Keeping,
};

/// Plans of which waves are still to come, in this process.
static TO_COME: Mutex<Vec<Weak<Keeping>>> = Mutex::new(Vec::new());

/// Later waves of what is under way here are not gone on with by anybody: whoever wanted them has said so.
pub fn forget_later_waves() {
    let known = TO_COME.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .iter()
        .filter_map(Weak::upgrade)
        .for_each(|keeping| keeping.forget_plan());
}

/// The place of a delivery that has ended, until that of the next wave is kept. Dropped, it stays.
#[derive(Debug, Default)]
pub struct HandedOver(Option<Arc<Keeping>>);

impl HandedOver {
    /// The next one is kept, or nobody goes on.
    pub fn end(&mut self) {
        if let Some(keeping) = self.0.take() {
            keeping.end();
        }
    }
}

/// The waves of a confirmed plan that are not begun.
#[derive(Debug)]
pub struct Rest {
    /// The plan, as it was confirmed.
    pub plan: Plan,
    /// The first of them, counted from 0.
    pub next: usize,
    /// The policy that it was judged by.
    policy: String,
    place: HandedOver,
}

/// How what is left stands to what Git declares now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it was confirmed.
    Open,
    /// All of it is there already.
    There,
    /// Otherwise: a line for each thing that is.
    Otherwise(Vec<String>),
}

impl Rest {
    fn of(
        delivery: &Delivery,
        keeping: &Arc<Keeping>,
        next: usize,
    ) -> Result<Option<Self>, String> {
        let Some(PlanFile { policy, plan, .. }) = keeping.plan()? else {
            return Ok(None);
        };
        let is_its = delivery.wave.as_ref().is_some_and(|wave| {
            wave.plan == plan.digest
                && plan.digest == plan.digest_of()
                && wave.of == plan.waves.len()
        });
        Ok(is_its.then(|| Self {
            plan,
            next,
            policy,
            place: HandedOver(Some(Arc::clone(keeping))),
        }))
    }

    /// `wave 2 of 3 (web / prod)`, with those behind it.
    pub fn told(&self) -> String {
        let of = self.plan.waves.len();
        let waves = self.plan.waves.iter().enumerate().skip(self.next);
        let words = waves.map(|(number, wave)| {
            let cells: Vec<String> = wave.cells().map(CellKey::to_string).collect();
            format!("wave {} of {of} ({})", number + 1, alike::listed(&cells))
        });
        words.collect::<Vec<_>>().join(", then ")
    }

    /// Whether it may still go as it was confirmed, as far as that can be seen without judging it: that is done before it is
    /// written, as for every wave.
    pub fn stands(&self, project: &Project, reading: &Reading) -> Standing {
        let to_come: Vec<&CellKey> = self.cells().collect();
        let changes = self.plan.changes.iter();
        let changes = changes.filter(|change| to_come.contains(&&change.cell));
        let mut lines = Vec::new();
        if project.config.policy_hash() != self.policy {
            lines.push("the policy is another one than it was confirmed by".to_owned());
        }
        let (mut there, mut all) = (0, 0);
        for change in changes {
            all += 1;
            let now = reading.desired.version(&change.cell);
            if now == change.to.as_ref() && now != change.from.as_ref() {
                there += 1;
            } else if now != change.from.as_ref() {
                let now = now.map_or("no version", |it| it.as_str());
                lines.push(format!("{} declares {now} by now", change.cell));
            }
        }
        match lines.is_empty() {
            _ if all > 0 && there == all => Standing::There,
            true if there == 0 => Standing::Open,
            true => Standing::Otherwise(vec!["a part of it is there already".to_owned()]),
            false => Standing::Otherwise(lines),
        }
    }

    /// The cells that are not written.
    pub fn cells(&self) -> impl Iterator<Item = &CellKey> {
        self.plan.waves.iter().skip(self.next).flat_map(Wave::cells)
    }

    /// Nobody goes on with it.
    pub fn end(mut self) {
        self.place.end();
    }

    /// The plan, its next wave and the place that is given up once that is kept.
    pub fn begin(self) -> (Plan, usize, HandedOver) {
        (self.plan, self.next, self.place)
    }
}

impl Underway<'_> {
    /// Gives its place to the next wave, where it ended so that one begins; else nothing.
    pub fn hand_over(&mut self) -> HandedOver {
        if self.hands_over() {
            HandedOver(self.keeping.take())
        } else {
            HandedOver::default()
        }
    }

    /// Keeps the plan that later waves are of, for the case that this process does not come to them.
    pub(super) fn keep_plan(&mut self, confirmed: &Plan) {
        let has_more = self.delivery.wave.as_ref().is_some_and(|wave| wave.of > 1);
        let Some(keeping) = self.keeping.clone().filter(|_| has_more) else {
            return;
        };
        let file = PlanFile::new(confirmed.clone(), self.project.config.policy_hash());
        self.has_plan = self.kept(move || keeping.write_plan(&file), "keeping a plan in waves");
        if let Some(keeping) = self.keeping.as_ref().filter(|_| self.has_plan) {
            let mut known = TO_COME.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|other| other.strong_count() > 0);
            known.push(Arc::downgrade(keeping));
        }
    }

    /// It has ended, and the next wave may begin: what is kept of it stays until that is.
    pub(super) fn hands_over(&self) -> bool {
        let rest = self.delivery.wave.as_ref();
        self.has_plan
            && self.delivery.lets_go_on()
            && rest.is_some_and(|wave| !wave.rest.is_empty())
    }

    /// What is not begun of its plan, now that it has ended well.
    pub(super) fn rest(&mut self) -> Option<Rest> {
        let next = self.delivery.wave.as_ref()?.number;
        if !self.hands_over() {
            return None;
        }
        self.rest_from(next)
    }

    /// It was kept and not begun, behind waves that are through: the same, with itself as the first.
    pub(super) fn unbegun(&mut self) -> Option<Rest> {
        let number = self.delivery.wave.as_ref()?.number;
        let begun = self.delivery.attempt.is_some() || !self.delivery.parts.is_empty();
        if begun || number < 2 {
            return None;
        }
        self.rest_from(number - 1)
    }

    fn rest_from(&mut self, next: usize) -> Option<Rest> {
        let keeping = self.keeping.clone()?;
        match Rest::of(&self.delivery, &keeping, next) {
            Ok(Some(rest)) => {
                self.keeping = None;
                return Some(rest);
            }
            Ok(None) => {}
            Err(why) => tracing::warn!(why, "the plan of a delivery that was left cannot be read"),
        }
        // The delivery says what is to be planned again.
        self.leave();
        None
    }
}
