//! Pull requests of a delivery: opened once, found again, and followed to their merge.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Underway, failed};
use crate::{
    domain::{
        delivery::{Fact, NotPublished, Part},
        desired::{RefName, Tip},
        failure::{Failure, FailureKind},
        gate,
        plan::{Plan, Write},
        pull_request::{Asked, Beside, PullRequest, PullState, draft},
        topology::Deliver,
    },
    sources::{
        forge::{Forge, NotOpen},
        git, waiting,
    },
    workflow::{owners::owners, source_code},
};

/// The wait before the second look at a pull request; it grows to [`SLOWEST`].
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two looks: people take their time, and forges count what they are asked.
const SLOWEST: Duration = Duration::from_secs(15);

impl Underway<'_> {
    /// Looks whether the forges of a plan take its pull requests, before anything is pushed. Where one gives links alone, it
    /// goes as a branch of its own.
    pub(super) async fn before_requests(&mut self, confirmed: &Plan) -> Result<(), NotPublished> {
        if confirmed.deliver != Deliver::PullRequest {
            return Ok(());
        }
        for write in confirmed.writes() {
            if self.project.only_links(&write.tip).map_err(failed)? {
                self.delivery.deliver = Deliver::Branch;
                return Ok(());
            }
        }
        for write in confirmed.writes() {
            let forge = self.forge(&write.tip).await.map_err(failed)?;
            forge.check().await.map_err(failed)?;
        }
        Ok(())
    }

    /// The link that opens a pull request, where the server said none.
    pub(super) fn link(&self, write: &Write, part: &mut Part) {
        if part.link.is_some() || self.delivery.deliver == Deliver::Push {
            return;
        }
        if let Ok(place) = self.project.forge_place(&write.tip) {
            part.link = place.opens(&part.branch, write.tip.branch());
        }
    }

    /// What environments ask of the pull request into a ref.
    fn asked(&self, place: &RefName) -> Vec<Asked> {
        let topology = &self.project.config.topology;
        let asking = self.delivery.asking(place);
        let asked = asking.filter_map(|name| {
            let asks = topology.policy.of(name)?.approvals.clone()?;
            let rule = topology.policy.rule(name, gate::APPROVALS);
            let protected = || topology.get(name).is_some_and(|it| it.protected);
            let holds = rule.and_then(|rule| rule.unknown_holds);
            Some(Asked::new(
                name.clone(),
                asks,
                holds.unwrap_or_else(protected),
            ))
        });
        asked.collect()
    }

    /// Where what it asks for is not followed, says so.
    pub(super) fn not_asked(&self, write: &Write, part: &mut Part) {
        if self.delivery.deliver == Deliver::PullRequest {
            return;
        }
        for one in self.asked(&write.tip.name) {
            let (environment, asks) = (&one.environment, one.asks.words());
            let told = format!(
                "{environment} asks for {asks}, and pull requests there are not followed: look before you merge it"
            );
            part.note = Some(match part.note.take() {
                Some(before) => format!("{before}; {told}"),
                None => told,
            });
        }
    }

    /// Opens the pull requests of what is pushed, or finds those that are open.
    pub(super) async fn request_all(&mut self, confirmed: &Plan) -> Result<(), NotPublished> {
        let parts: Vec<Part> = self.delivery.to_request().cloned().collect();
        for part in parts {
            let mut writes = confirmed.writes();
            let Some(write) = writes.find(|write| write.tip.name == part.tip.name) else {
                continue;
            };
            if let Some(elsewhere) = &part.elsewhere {
                return Err(failed(
                    Failure::new(
                        FailureKind::Refused,
                        format!(
                            "{} is at {}, and no pull request is opened from another repository",
                            part.branch,
                            elsewhere.addresses.join(" and ")
                        ),
                    )
                    .hint("Open it there by hand"),
                ));
            }
            let topology = &self.project.config.topology;
            let patience = if confirmed.is_emergency() {
                source_code::URGENT
            } else {
                source_code::BEHIND
            };
            let changes = confirmed.changes_of(write);
            let behind_all = self.project.behind_all(changes, patience);
            let (behind, more) = Box::pin(behind_all).await;
            let beside = Beside {
                owners: owners(self.project, write),
                behind,
                more,
            };
            let draft = draft(confirmed, write, &part.branch, topology, &beside);
            let forge = self.forge(&part.tip).await.map_err(failed)?;
            let (request, notes) = forge
                .open(&draft, &self.asked(&part.tip.name))
                .await
                .map_err(|error| not_opened(&part, error))?;
            for note in notes {
                tracing::warn!(note, "the pull request is not all that was asked for");
                self.note(&part.tip.name, note);
            }
            let opened = request.clone();
            let request = match Box::pin(self.for_merge(&part, request)).await {
                Ok(request) => request,
                // It is open: how it is merged is seen by whoever follows it.
                Err(error) => {
                    self.note(&part.tip.name, format!("whether it is merged: {error}"));
                    opened
                }
            };
            self.requested(&part, request).await.map_err(failed)?;
        }
        Box::pin(self.supersede()).await;
        Ok(())
    }

    /// Says more of a part.
    fn note(&mut self, place: &RefName, note: String) {
        let mut parts = self.delivery.parts.iter_mut();
        if let Some(part) = parts.find(|part| part.tip.name == *place) {
            part.note = Some(match part.note.take() {
                Some(before) => format!("{before}; {note}"),
                None => note,
            });
        }
    }

    /// Looks for the pull requests of what was pushed when whoever pushed it went away. `false`: one of them is not there.
    ///
    /// # Errors
    /// Where a forge does not say.
    pub(super) async fn find_requests(&mut self) -> Result<bool, Failure> {
        let parts: Vec<Part> = self.delivery.to_request().cloned().collect();
        for part in parts {
            let forge = self.forge(&part.tip).await?;
            let asked = self.asked(&part.tip.name);
            match forge.find(&part.branch, part.tip.branch(), &asked).await? {
                Some(request) => self.requested(&part, request).await?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Follows the pull requests until all are merged or one is closed, `patience` at most where that is given. Does nothing
    /// where none is to be merged. Dropping the future ends it.
    pub async fn merge(&mut self, patience: Option<Duration>) {
        let until = patience.map(|patience| (Instant::now() + patience, patience));
        let mut pause = FIRST;
        // What it was asked in vain, for those who look what is waited for.
        let mut in_vain = None;
        while self.delivery.awaits_merge() && !self.delivery.is_over() {
            Box::pin(self.drop_if_asked()).await;
            Box::pin(self.supersede()).await;
            let requests = self.delivery.requests();
            let open: Vec<(Part, u64)> = requests
                .filter(|(_, request)| request.state == PullState::Open)
                .map(|(part, request)| (part.clone(), request.number))
                .collect();
            for (part, number) in open {
                // A forge may ask for a pause longer than anybody waits.
                let looked = Box::pin(async {
                    let request = self.request_again(&part, number).await?;
                    self.for_merge(&part, request).await
                });
                let looked = within(until, looked).await;
                let Some(looked) = looked else {
                    return self.not_merged(until);
                };
                let taken = match looked {
                    Ok(request) => {
                        let is_new = part.request.as_ref() != Some(&request);
                        self.requested(&part, request).await.map(|()| is_new)
                    }
                    Err(error) => Err(error),
                };
                match taken {
                    Ok(is_new) => {
                        pause = if is_new { FIRST } else { pause };
                        in_vain = None;
                    }
                    // Who does not answer now is asked again.
                    Err(error) if error.kind == FailureKind::Network => {
                        tracing::info!(%error, "the forge does not say how a pull request stands");
                        let what = || format!("waiting for how #{number} stands: {}", error.why);
                        in_vain.get_or_insert_with(|| waiting::on(what()));
                    }
                    Err(error) => {
                        self.apply(Fact::Broken(error.during("following the pull request")));
                        return;
                    }
                }
            }
            if !self.delivery.awaits_merge() || self.delivery.is_over() {
                return;
            }
            self.clock();
            let drops = self.drops.clone();
            let waited = drops.or(&self.delivery.id, tokio::time::sleep(pause));
            if within(until, waited).await.is_none() {
                return self.not_merged(until);
            }
            pause = (pause * 3 / 2).min(SLOWEST);
        }
    }

    fn not_merged(&mut self, until: Until) {
        if let Some((_, patience)) = until {
            self.apply(Fact::NotMerged(patience));
        }
    }

    /// Asks how one stands.
    async fn request_again(&mut self, part: &Part, number: u64) -> Result<PullRequest, Failure> {
        let looked = self.how_it_stands(part, number).await;
        if looked
            .as_ref()
            .is_err_and(|error| error.kind != FailureKind::Network)
        {
            // A token may have been renewed meanwhile.
            self.forges.remove(&part.tip.name);
            return self.how_it_stands(part, number).await;
        }
        looked
    }

    pub(super) async fn how_it_stands(
        &mut self,
        part: &Part,
        number: u64,
    ) -> Result<PullRequest, Failure> {
        let asked = self.asked(&part.tip.name);
        self.forge(&part.tip).await?.look(number, &asked).await
    }

    /// Takes how a pull request stands; of a merged one, what its branch has now is fetched.
    pub(super) async fn requested(
        &mut self,
        part: &Part,
        mut request: PullRequest,
    ) -> Result<(), Failure> {
        if request.state == PullState::Merged {
            let repo = self.project.repository(&part.tip.name)?;
            let fetched = git::fetch(repo, &part.tip).await?;
            let now = fetched.base.commit;
            if let Some(ran) = fetched.ran {
                self.ran(ran);
            }
            // The commit that the forge names, where the branch has it.
            let named = request.merged;
            let there = named.filter(|commit| repo.contains(now, *commit).unwrap_or(false));
            request.merged = Some(there.unwrap_or(now));
        }
        self.apply(Fact::Requested(part.tip.name.clone(), request));
        Ok(())
    }

    /// The forge of a ref; connected once.
    pub(super) async fn forge(&mut self, tip: &Tip) -> Result<Arc<Forge>, Failure> {
        if let Some(forge) = self.forges.get(&tip.name) {
            return Ok(Arc::clone(forge));
        }
        let forge = Arc::new(self.project.forge(tip).await?);
        self.forges.insert(tip.name.clone(), Arc::clone(&forge));
        Ok(forge)
    }
}

/// When somebody's patience is over, and how long it was; `None`: it has no end.
type Until = Option<(Instant, Duration)>;

/// What a future gives; `None`: not until then.
async fn within<T>(until: Until, future: impl Future<Output = T>) -> Option<T> {
    match until {
        Some((until, _)) => tokio::time::timeout_at(until, future).await.ok(),
        None => Some(future.await),
    }
}

/// The branch is there, and no pull request, as far as that is known.
fn not_opened(part: &Part, error: NotOpen) -> NotPublished {
    let NotOpen { is_known, failure } = error;
    let by_hand = match &part.link {
        Some(link) => format!(", or open it by hand: {link}"),
        None => String::new(),
    };
    let next = match failure.next.as_str() {
        "" => String::new(),
        next => format!("{next}. "),
    };
    let (is_open, again) = if is_known {
        (
            "and its pull request is not open",
            "finds the branch and opens it",
        )
    } else {
        (
            "and whether its pull request is open is not known",
            "finds the branch, asks for it first, and opens none twice",
        )
    };
    failed(
        Failure::new(
            failure.kind,
            format!("{} is pushed, {is_open}: {}", part.shown(), failure.why),
        )
        .hint(format!("{next}The same command again {again}{by_hand}")),
    )
}
