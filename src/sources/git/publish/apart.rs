//! Pushing where the remote is not fetched from: a fork, a primary behind a replica, several places at once.
//!
//! What counts is what the fetch address shows: everybody reads there, Tidegate too.

use super::{PushOutcome, done, is_ancestor};
use crate::{
    domain::{
        delivery::{Destination, Push, Rejection},
        failure::{Failure, FailureKind},
        ids::ObjectId,
    },
    sources::git::{
        Addresses, RanCommand, Repo,
        report::RefStatus,
        theirs,
        transport::{self, is_unreached, look, reported},
    },
};

/// Says what became of a push to other addresses than the one that is fetched. `statuses`: those of the ref, one per address
/// that answered.
pub(super) async fn settle(
    repo: &Repo,
    request: &Push,
    addresses: &Addresses,
    statuses: &[&RefStatus],
    stderr: &str,
) -> (PushOutcome, Vec<RanCommand>) {
    put_back(repo, request, &addresses.remote);
    let mut ran = Vec::new();
    let (accepted, refused): (Vec<&RefStatus>, Vec<&RefStatus>) = statuses
        .iter()
        .copied()
        .partition(|status| status.flag != '!');
    let refusals: Vec<String> = refused
        .iter()
        .map(|status| format!("{} refused it ({})", status.address, status.cause()))
        .collect();
    let mut said = reported(stderr);
    let mut answers = true;
    let there = match arrived(repo, request).await {
        Ok((there, looked)) => {
            ran.extend(looked);
            there
        }
        Err(error) => {
            said = format!("{said}\n{}", error.why);
            answers = false;
            false
        }
    };
    if there {
        let lines: Vec<String> = said.lines().map(str::to_owned).chain(refusals).collect();
        return (done(request, lines.join("\n")), ran);
    }
    if !accepted.is_empty() {
        let addresses = accepted.iter().map(|status| status.address.clone());
        return (
            PushOutcome::Elsewhere {
                addresses: addresses.collect(),
                message: said.lines().map(str::to_owned).chain(refusals).collect(),
            },
            ran,
        );
    }
    // Git pushes to one address after the other, and ends with the first that it cannot reach.
    if statuses.is_empty() && answers && is_unreached(&said) {
        let status = "the connection failed: nothing arrived";
        return (PushOutcome::Rejected(Rejection::read(status, stderr)), ran);
    }
    let unclear = refused.is_empty() || refused.iter().any(|status| status.is_unclear());
    if unclear {
        return (PushOutcome::Unclear { message: said }, ran);
    }
    let mut status = refusals.join("; ");
    if refused.iter().any(|status| status.is_stale())
        && let Some(sentence) = where_else(repo, request, addresses).await
    {
        status = sentence;
    }
    (PushOutcome::Rejected(Rejection::read(&status, stderr)), ran)
}

/// Git notes a push to anywhere as the remote's own state; until the fetch address says so, it is not.
fn put_back(repo: &Repo, request: &Push, remote: &str) {
    let Destination::Branch = request.destination else {
        return;
    };
    let tracking = repo.tracking_ref(remote, request.base.branch());
    if let (Ok(tracking), Ok(repository)) = (tracking, repo.open()) {
        let (new, old) = (theirs(request.base.commit), theirs(request.commit));
        // Where it is not at the pushed commit, a fetch knows better.
        let _ = repository.reference_matching(&tracking, new, true, old, "tidegate");
    }
}

/// Whether the fetch address has what was pushed, asked now.
///
/// # Errors
/// `Network` when it does not answer.
pub async fn arrived(repo: &Repo, request: &Push) -> Result<(bool, Option<RanCommand>), Failure> {
    let Some(remote) = &request.base.remote else {
        let now = repo.ref_commit(&request.target());
        let there = |now| is_ancestor(repo, request.landed(), now).unwrap_or(false);
        return Ok((now.is_some_and(there), None));
    };
    // What was kept names it, and a file can be changed: nothing is reached but what this clone knows.
    if repo.remote_url(remote).is_none() {
        return Err(Failure::new(
            FailureKind::Unknown,
            format!("this clone has no remote `{remote}`"),
        ));
    }
    if let Destination::Branch = request.destination {
        let fetched = transport::fetch(repo, &request.base).await?;
        let there = is_ancestor(repo, request.commit, fetched.base.commit)?;
        return Ok((there, fetched.ran));
    }
    let (now, looked) = look(repo, remote, &request.target()).await?;
    Ok((now == Some(request.commit), Some(looked)))
}

/// Where the ref is at the address that did not expect ours, and who moved it.
async fn where_else(repo: &Repo, request: &Push, addresses: &Addresses) -> Option<String> {
    let target = request.target();
    for place in &addresses.push {
        let now = place.look(repo, &target).await.ok().flatten();
        if let Some(now) = now.filter(|now| *now != request.base.commit) {
            if is_ancestor(repo, now, request.base.commit).unwrap_or(false) {
                return Some(format!(
                    "{} is at {} at {}, which lacks what {remote} has since where it is fetched ({}): bring it up to date there, \
                     or look at `git remote -v`",
                    request.base.branch(),
                    who(repo, now),
                    place.shown,
                    request.base.commit.short(),
                    remote = addresses.remote,
                ));
            }
            return Some(format!(
                "{} is at {} at {}, and at {} where {remote} is fetched: something was pushed there that {remote} does not have",
                request.base.branch(),
                who(repo, now),
                place.shown,
                request.base.commit.short(),
                remote = addresses.remote,
            ));
        }
    }
    None
}

/// `a1b2c3d (Jane, 2026-11-28 14:01 UTC: promote web …)`; the commit alone where it cannot be read.
pub fn who(repo: &Repo, commit: ObjectId) -> String {
    match repo.commit_info(commit) {
        Ok(info) => format!(
            "{} ({}, {}: {})",
            commit.short(),
            info.author,
            info.time.strftime("%Y-%m-%d %H:%M UTC"),
            info.subject
        ),
        Err(_) => commit.short(),
    }
}
