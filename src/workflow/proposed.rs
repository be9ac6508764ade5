//! What open pull requests would bring into cells: those of colleagues, bots and our own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::{
    domain::{
        desired::{Desired, RefName, Tip},
        failure::{Failure, FailureKind},
        forge::ForgeKind,
        ids::{CellKey, ObjectId},
        problem::Problem,
        pull_request::{Proposal, PullRequest},
        rollout::Declared,
        topology::Deliver,
        version::Version,
    },
    sources::{forge::Forge, git},
    workflow::{Project, Reading},
};

/// How long forges may take, all of it together.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many pull requests of a branch are looked at, the newest first.
const MOST: usize = 50;

/// What open pull requests would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposed {
    /// By cell, newest first. A cell that is not here has none, where its ref was asked about.
    pub cells: BTreeMap<CellKey, Vec<Proposal>>,
    /// The refs whose forge answered.
    pub asked: BTreeSet<RefName>,
    /// Forges that did not answer.
    pub problems: Vec<Problem>,
}

/// A pull request, and the versions that it would bring.
type Brings = (PullRequest, BTreeMap<CellKey, Version>);

/// Asks the forges of what is read for open pull requests, where the user's own file names them or an environment is delivered
/// to by pull requests; two seconds at most, and nobody where it is offline or another moment is looked at.
pub async fn proposed(project: &Project, reading: &Reading) -> Proposed {
    let mut all = Proposed::default();
    if project.opened.offline || project.at.is_some() {
        return all;
    }
    let until = Instant::now() + PATIENCE;
    let tips: Vec<&Tip> = reading
        .tips
        .iter()
        .filter(|tip| asks(project, tip))
        .collect();
    let asked = tips
        .iter()
        .map(|tip| of(project, tip, &reading.desired, until));
    let answers = join_all(asked).await;
    for (tip, answer) in tips.into_iter().zip(answers) {
        match answer {
            Ok(proposals) => {
                all.asked.insert(tip.name.clone());
                for (cell, proposal) in proposals {
                    all.cells.entry(cell).or_default().push(proposal);
                }
            }
            Err(error) => {
                let why = format!("{}: open pull requests are not known: {error}", tip.shown);
                all.problems.push(Problem::general(why));
            }
        }
    }
    for proposals in all.cells.values_mut() {
        proposals.sort_by_key(|proposal| std::cmp::Reverse(proposal.number));
    }
    all
}

/// Whether the forge of a ref is asked at all.
fn asks(project: &Project, tip: &Tip) -> bool {
    let environments = &project.config.topology.environments;
    let by_request = |deliver: Deliver| deliver == Deliver::PullRequest;
    let Ok(place) = project.forge_place(tip) else {
        return false;
    };
    tip.name.reference.starts_with("refs/heads/")
        && place.kind.is_none_or(ForgeKind::is_asked)
        && (place.entry.is_some() || environments.iter().any(|it| by_request(it.deliver)))
}

async fn of(
    project: &Project,
    tip: &Tip,
    desired: &Desired,
    until: Instant,
) -> Result<Vec<(CellKey, Proposal)>, Failure> {
    let late = |_| {
        let seconds = PATIENCE.as_secs();
        let why = format!("the forge did not answer within {seconds} s");
        Failure::new(FailureKind::Network, why)
    };
    let listed = timeout_at(until, open(project, tip)).await;
    let (forge, requests) = listed.map_err(late)??;
    let brings = {
        let (project, tip, desired) = (project.clone(), tip.clone(), desired.clone());
        let read = move || brings(&project, &tip, &desired, (requests, until.into_std()));
        timeout_at(until, tokio::task::spawn_blocking(read)).await
    };
    let brings = brings
        .map_err(late)?
        .map_err(|error| Failure::failed(error.to_string()))?;
    // What they wait for is not worth more time than there is.
    let looks = brings
        .iter()
        .map(|(request, _)| timeout_at(until, forge.look(request.number, &[])));
    let looked = join_all(looks).await;
    let mut proposals = Vec::new();
    for ((request, cells), looked) in brings.into_iter().zip(looked) {
        let waits = looked.ok().and_then(Result::ok).and_then(|it| it.waits());
        for (cell, version) in cells {
            let proposal = Proposal {
                version,
                number: request.number,
                url: request.url.clone(),
                author: request.author.clone(),
                branch: request.branch.clone(),
                into: tip.name.clone(),
                head: request.head,
                waits: waits.clone(),
            };
            proposals.push((cell, proposal));
        }
    }
    Ok(proposals)
}

/// The open pull requests into a branch. No ref of this clone moves.
async fn open(project: &Project, tip: &Tip) -> Result<(Forge, Vec<PullRequest>), Failure> {
    let forge = project.forge(tip).await?;
    let requests = forge.open_into(tip.branch(), MOST).await?;
    bring(project, tip, &forge, &requests).await?;
    Ok((forge, requests))
}

/// Fetches the commits of pull requests that are not here.
async fn bring(
    project: &Project,
    tip: &Tip,
    forge: &Forge,
    requests: &[PullRequest],
) -> Result<(), Failure> {
    let repo = project.repository(&tip.name)?;
    let is_missing = |commit: ObjectId| repo.commit_info(commit).is_err();
    let missing = requests
        .iter()
        .filter(|request| request.head.is_some_and(is_missing));
    let missing: Vec<String> = missing.map(|it| forge.head(it.number)).collect();
    if let (Some(remote), false) = (&tip.remote, missing.is_empty()) {
        git::fetch_refs(repo, remote, &missing).await?;
    }
    Ok(())
}

/// The versions that one pull request would bring into which cells.
///
/// # Errors
/// Where its commit cannot be had.
pub(super) async fn brought(
    project: &Project,
    tip: &Tip,
    desired: &Desired,
    (forge, request): (&Forge, &PullRequest),
) -> Result<BTreeMap<CellKey, Version>, Failure> {
    let requests = vec![request.clone()];
    bring(project, tip, forge, &requests).await?;
    let (project, tip, desired) = (project.clone(), tip.clone(), desired.clone());
    // Whoever asks for it waits for it.
    let until = std::time::Instant::now() + Duration::from_mins(10);
    let read = move || brings(&project, &tip, &desired, (requests, until));
    let brings = tokio::task::spawn_blocking(read).await;
    let brings = brings.map_err(|error| Failure::failed(error.to_string()))?;
    let cells = brings.into_iter().next().map(|(_, cells)| cells);
    Ok(cells.unwrap_or_default())
}

/// What each would bring: the versions that its commit declares and the commit that it left the branch at does not. Nobody
/// waits for those that come too late. Blocking.
fn brings(
    project: &Project,
    tip: &Tip,
    desired: &Desired,
    (requests, until): (Vec<PullRequest>, std::time::Instant),
) -> Vec<Brings> {
    let mut forks: BTreeMap<ObjectId, Option<Declared>> = BTreeMap::new();
    let declared = |commit| project.declared_at(&(tip.name.clone(), commit));
    let mut all = Vec::new();
    for request in requests {
        if std::time::Instant::now() >= until {
            break;
        }
        let Some(head) = request.head else { continue };
        let repo = project.repository(&tip.name);
        let between = repo.and_then(|repo| repo.commits_between(tip.commit, head, 1));
        let Some(fork) = between.ok().and_then(|between| between.fork) else {
            continue;
        };
        let before = forks.entry(fork).or_insert_with(|| declared(fork));
        let (Some(before), Some(after)) = (before, declared(head)) else {
            continue;
        };
        let cells: BTreeMap<CellKey, Version> = after
            .into_iter()
            .filter(|(cell, version)| {
                before.get(cell) != Some(version) && desired.version(cell) != Some(version)
            })
            .collect();
        if !cells.is_empty() {
            all.push((request, cells));
        }
    }
    all
}
