//! The merge of a pull request of ours, where its environments do not leave that to somebody.

use std::time::{Duration, Instant};

use super::Underway;
use crate::{
    domain::{
        delivery::{CellRun, Part},
        desired::RefName,
        failure::{Failure, FailureKind},
        gate,
        plan::Outcome,
        pull_request::{ForMerge, MergeBy, PullRequest, PullState},
    },
    sources::git,
};

/// What was refused is asked for again after that, where nothing changed before.
const AGAIN: Duration = Duration::from_mins(1);

/// What was asked of a forge for the merge of a pull request, and what came of it.
pub(super) struct Tried {
    at: Instant,
    what: ForMerge,
    /// How it stood then.
    of: PullRequest,
    /// What is said of it.
    then: String,
}

impl Underway<'_> {
    /// Does what is to be done now for the merge of one that was just looked at. Gives it as it stands then, with what becomes
    /// of it. Nothing is merged but our own commit.
    ///
    /// # Errors
    /// Where the forge did not answer: it is looked at again first.
    pub(super) async fn for_merge(
        &mut self,
        part: &Part,
        mut request: PullRequest,
    ) -> Result<PullRequest, Failure> {
        let place = &part.tip.name;
        let (by, ours) = self.merge_by(place);
        if by == MergeBy::Hand || request.state != PullState::Open {
            return Ok(request);
        }
        if let Some(before) = part.request.as_ref().filter(|it| it.head == request.head) {
            // Not every forge says that it was asked.
            request.auto = request.auto.or(before.auto);
        }
        if request.head != Some(part.commit) {
            let then =
                "somebody else has to merge it: its branch is not at the commit that was planned";
            request.then = Some(then.to_owned());
            return Ok(request);
        }
        let forge = self.forge(&part.tip).await?;
        let what = request.for_merge(by, !self.may_freeze(place));
        if what == ForMerge::Nothing {
            request.then = Some(match request.auto {
                Some(true) => format!("{} merges it then", forge.name()),
                _ if !ours => "somebody merges it then".to_owned(),
                _ => "it is merged then".to_owned(),
            });
            return Ok(request);
        }
        if what == ForMerge::Merge && !ours {
            let then = "everything is there: somebody has to merge it";
            request.then = Some(then.to_owned());
            return Ok(request);
        }
        if !self.merging.holds() {
            let then = "it is merged when writing is unlocked (`:write`)";
            request.then = Some(then.to_owned());
            return Ok(request);
        }
        if let Some(tried) = self.tried.get(place)
            && tried.what == what
            && tried.of == request
            && tried.at.elapsed() < AGAIN
        {
            request.then = Some(tried.then.clone());
            return Ok(request);
        }
        let stood = request.clone();
        let kept = self.kept_from_merging(part).await?;
        let then = if let Some(why) = kept {
            format!("not merged: {why}")
        } else {
            self.ask(part, what, &mut request).await?
        };
        tracing::info!(number = request.number, then, "the merge of a pull request");
        let tried = Tried {
            at: Instant::now(),
            what,
            of: stood,
            then: then.clone(),
        };
        self.tried.insert(place.clone(), tried);
        if request.state == PullState::Open {
            request.then = Some(then);
        }
        Ok(request)
    }

    /// Asks the forge for it, and gives what becomes of it then.
    async fn ask(
        &mut self,
        part: &Part,
        what: ForMerge,
        request: &mut PullRequest,
    ) -> Result<String, Failure> {
        let forge = self.forge(&part.tip).await?;
        let (name, number) = (forge.name(), request.number);
        let asked = match what {
            ForMerge::Merge => forge.merge(number, part.commit).await,
            _ => forge.merge_later(number, part.commit).await,
        };
        match (what, asked) {
            (_, Err(failure)) if failure.kind == FailureKind::Network => return Err(failure),
            (ForMerge::Merge, Err(failure)) => {
                return Ok(format!("{name} refused to merge it: {}", failure.why));
            }
            (_, Err(failure)) => {
                return Ok(format!(
                    "{name} does not merge it by itself ({}); {} merges it then",
                    failure.why,
                    if self.merge_by(&part.tip.name).1 {
                        "Tidegate"
                    } else {
                        "somebody"
                    }
                ));
            }
            (_, Ok(())) => {}
        }
        *request = self.how_it_stands(part, number).await?;
        if what == ForMerge::AskForge {
            request.auto = Some(true);
            return Ok(format!("{name} merges it then"));
        }
        Ok(format!("it was merged, and {name} does not say so yet"))
    }

    /// Who merges the pull request into a ref, the most careful word of the environments that it changes, and whether Tidegate
    /// may. Of what goes back the forge is asked to, where no environment says who does.
    fn merge_by(&self, place: &RefName) -> (MergeBy, bool) {
        let cells = self.delivery.cells_of(place);
        let policy = &self.project.config.topology.policy;
        let environments: Vec<_> = cells.map(|run| &run.cell.environment).collect();
        let says = policy.says_who_merges(environments.iter().copied());
        if self.delivery.urgent && !says {
            return (MergeBy::Auto, false);
        }
        let by = policy.merge_by(environments);
        (by, by != MergeBy::Hand)
    }

    /// Whether a freeze may come, which no forge knows of.
    fn may_freeze(&self, place: &RefName) -> bool {
        let windows = &self.project.config.topology.policy.windows;
        let mut cells = self.freezable(place);
        cells.any(|run| windows.iter().any(|window| window.is_about(&run.cell)))
    }

    /// The cells of a ref that freezes hold.
    fn freezable<'a>(&'a self, place: &RefName) -> impl Iterator<Item = &'a CellRun> {
        let cells = self.delivery.cells_of(place);
        cells.filter(|run| !self.delivery.unfrozen.contains(&run.cell))
    }

    /// What came since it was planned that keeps it from being merged: a freeze, or a veto.
    async fn kept_from_merging(&mut self, part: &Part) -> Result<Option<String>, Failure> {
        let place = &part.tip.name;
        let topology = &self.project.config.topology;
        for run in self.freezable(place) {
            let verdict = gate::window_by_hand(topology, &run.cell, None, self.now());
            if let Some(verdict) = verdict.filter(|it| it.outcome == Outcome::Hold) {
                return Ok(Some(format!("{}: {}", run.cell, verdict.detail)));
            }
        }
        // The branch as it is now: a veto is a commit like any other.
        git::fetch(self.project.repository(place)?, &part.tip).await?;
        let Some(declared) = self.project.declared_at(&(place.clone(), part.commit)) else {
            return Ok(None);
        };
        let reading = self.project.read()?;
        let vetoes = &reading.desired.vetoes;
        for run in self.delivery.cells_of(place) {
            let Some(version) = declared.get(&run.cell) else {
                continue;
            };
            if let Some(veto) = vetoes.of(&run.cell.service, version) {
                let told = veto.told(self.now());
                return Ok(Some(format!("{version} is vetoed: {told}")));
            }
        }
        Ok(None)
    }
}
