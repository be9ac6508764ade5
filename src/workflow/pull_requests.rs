//! One pull request of what is read, named by its number.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    domain::{
        desired::Tip,
        failure::{Failure, FailureKind},
        forge::ForgeKind,
        gate,
        ids::{CellKey, EnvironmentName},
        plan::{Level, Outcome},
        pull_request::{Asked, PullRequest, PullState, RequestDeed},
        version::Version,
    },
    sources::forge::Forge,
    workflow::{Project, Reading, proposed::brought},
};

/// A pull request as its forge tells it, ready for something to be done to it.
#[derive(Debug)]
pub struct Seen {
    /// The forge that has it.
    pub forge: Forge,
    /// The ref that it goes into.
    pub into: Tip,
    /// As it stands.
    pub request: PullRequest,
}

/// What the operator may do to one, and what it would bring.
#[derive(Debug)]
pub struct Weighed {
    /// As it stands, held against what the environments ask that it changes.
    pub request: PullRequest,
    /// The versions that it would bring.
    pub cells: BTreeMap<CellKey, Version>,
    /// It is done already, in a sentence.
    pub is_done: Option<String>,
    /// A freeze or a veto holds it, in a sentence.
    pub held: Option<String>,
}

impl Seen {
    /// The versions that it would bring, as it was seen.
    ///
    /// # Errors
    /// Where its commit cannot be had.
    pub async fn brings(
        &self,
        project: &Project,
        reading: &Reading,
    ) -> Result<BTreeMap<CellKey, Version>, Failure> {
        let of = (&self.forge, &self.request);
        brought(project, &self.into, &reading.desired, of).await
    }

    /// Weighs what the operator wants to do to it.
    ///
    /// # Errors
    /// Why that is not done: in a sentence of ours, or in the forge's words.
    pub async fn weigh(
        &self,
        project: &Project,
        reading: &Reading,
        deed: RequestDeed,
    ) -> Result<Weighed, Failure> {
        let (number, forge) = (self.request.number, &self.forge);
        let refused = |why: String| Failure::new(FailureKind::Refused, why);
        let cells = self.brings(project, reading).await?;
        let request = forge.look(number, &asks(project, cells.keys())).await?;
        if request.head != self.request.head {
            let why = format!("#{number} got another commit while it was looked at");
            return Err(Failure::new(FailureKind::Moved, why).hint("Ask again"));
        }
        let mut weighed = Weighed {
            request,
            cells,
            is_done: None,
            held: None,
        };
        let request = &weighed.request;
        match request.state {
            PullState::Merged if deed == RequestDeed::Merge => {
                weighed.is_done = Some(request.describe());
                return Ok(weighed);
            }
            PullState::Merged | PullState::Closed => return Err(refused(request.describe())),
            PullState::Open => {}
        }
        let who = forge.who().await?;
        let who = who.as_deref();
        if deed == RequestDeed::Approve {
            if who == Some(request.author.as_str()) {
                let (name, author) = (forge.name(), &request.author);
                let why = format!(
                    "#{number} was opened by {author}, whose token this is: {name} counts no approval of its author"
                );
                return Err(refused(why).hint("Somebody else has to approve it"));
            }
            let has = |names: &[String]| names.iter().any(|it| who == Some(it.as_str()));
            let approvals = &request.approvals;
            if has(&approvals.by) && !has(&approvals.stale) && !has(&approvals.undated) {
                weighed.is_done = Some(format!("you have approved #{number} already"));
            }
            return Ok(weighed);
        }
        if let Some(why) = request.keeps_from_merging(who) {
            return Err(refused(why));
        }
        let (topology, now) = (&project.config.topology, Timestamp::now());
        for (cell, version) in &weighed.cells {
            let frozen = gate::window_by_hand(topology, cell, None, now);
            let frozen = frozen.filter(|it| it.outcome == Outcome::Hold);
            let veto = reading.desired.vetoes.of(&cell.service, version);
            let why = match (frozen, veto) {
                (Some(verdict), _) => format!("{cell}: {}", verdict.detail),
                (None, Some(veto)) => format!("{version} is vetoed: {}", veto.told(now)),
                (None, None) => continue,
            };
            weighed.held = Some(format!("#{number} is not merged: {why}"));
            break;
        }
        Ok(weighed)
    }

    /// Does it, and gives how it stands then. What was weighed is what it is done to: another commit is refused.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn carry_out(
        &self,
        weighed: &Weighed,
        deed: RequestDeed,
    ) -> Result<PullRequest, Failure> {
        let request = &weighed.request;
        let number = request.number;
        if weighed.is_done.is_some() {
            return Ok(request.clone());
        }
        let head = request.head.ok_or_else(|| {
            Failure::failed(format!(
                "{} does not say at which commit #{number} is",
                self.forge.name()
            ))
        })?;
        match deed {
            RequestDeed::Approve => self.forge.approve(number, head).await?,
            RequestDeed::Merge => self.forge.merge(number, head).await?,
        }
        self.forge.look(number, &[]).await
    }
}

/// What the environments of these cells ask of a pull request, where they hold one for it.
fn asks<'a>(project: &Project, cells: impl Iterator<Item = &'a CellKey>) -> Vec<Asked> {
    let topology = &project.config.topology;
    let names: BTreeSet<&EnvironmentName> = cells.map(|cell| &cell.environment).collect();
    let asked = names.into_iter().filter_map(|name| {
        let asks = topology.policy.of(name)?.approvals.clone()?;
        let rule = topology
            .policy
            .rule(name, gate::APPROVALS)
            .unwrap_or_default();
        let protected = || topology.get(name).is_some_and(|it| it.protected);
        let unknown = rule.unknown_holds.unwrap_or_else(protected);
        (rule.level != Some(Level::Warn)).then(|| Asked::new(name.clone(), asks, unknown))
    });
    asked.collect()
}

/// Looks for the pull request of this number in the repository of this name (`None`: the only one that is read from a forge).
///
/// # Errors
/// Where there is none, where it goes into a branch that is not read, and in the forge's words.
pub async fn pull_request(
    project: &Project,
    reading: &Reading,
    number: u64,
    repository: Option<&str>,
) -> Result<Seen, Failure> {
    let tips: Vec<&Tip> = reading
        .tips
        .iter()
        .filter(|tip| tip.name.reference.starts_with("refs/heads/"))
        .filter(|tip| repository.is_none_or(|name| tip.name.repository.as_deref() == Some(name)))
        .collect();
    let known = |tip: &Tip| {
        let place = project.forge_place(tip);
        place.is_ok_and(|place| place.kind.is_none_or(ForgeKind::is_asked))
    };
    let Some(first) = tips.iter().copied().find(|tip| known(tip)) else {
        return Err(match (tips.first(), repository) {
            (Some(tip), _) => match project.forge_place(tip) {
                Err(failure) => failure,
                Ok(_) => Failure::new(
                    FailureKind::Refused,
                    format!("pull requests of {} are not asked for from here", tip.shown),
                ),
            },
            (None, Some(name)) => Failure::usage(format!(
                "no repository is called `{name}`; [[repositories]] names them"
            )),
            (None, None) => {
                Failure::usage("no branch is read, and so no pull request goes into one")
            }
        });
    };
    let other = tips
        .iter()
        .filter(|tip| known(tip))
        .find(|tip| tip.name.repository != first.name.repository);
    if let Some(other) = other {
        let name = |tip: &Tip| {
            tip.name
                .repository
                .as_deref()
                .unwrap_or("this one")
                .to_owned()
        };
        return Err(Failure::usage(format!(
            "#{number} may be in {} or in {}: say which with --repository",
            name(first),
            name(other)
        )));
    }
    let forge = project.forge(first).await?;
    let request = forge.look(number, &[]).await?;
    let into = tips
        .iter()
        .find(|tip| tip.name.repository == first.name.repository && tip.branch() == request.base);
    let Some(into) = into else {
        return Err(Failure::new(
            FailureKind::Refused,
            format!(
                "#{number} goes into {}, which is not read here",
                request.base
            ),
        ));
    };
    Ok(Seen {
        forge,
        into: (*into).clone(),
        request,
    })
}
