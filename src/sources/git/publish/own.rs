//! Branches of their own, from which pull requests are opened: one for a change, however often it is asked for.

use std::collections::BTreeSet;

use super::is_ancestor;
use crate::{
    domain::{desired::Tip, failure::Failure, ids::ObjectId},
    sources::git::{
        Repo,
        objects::Objects,
        transport::{fetch_refs, look},
    },
};

/// So many branches of one change that were merged and stayed there are passed over.
const MOST: usize = 50;

/// So far back the base is looked through for what a branch was squashed into.
const DEEPEST: usize = 20_000;

/// What there is for a change that goes to a branch of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnBranch {
    /// No branch of this name: it may be made.
    Free(String),
    /// The change is on this branch already, at this commit, and was not merged. Where that is not where it is fetched from,
    /// the addresses that have it, without credentials.
    Waits(String, ObjectId, Vec<String>),
}

/// Looks for the branch `name` where a change of `base` would make it. A branch that was merged, and not taken away, is no longer the
/// change's: then it is the next number's.
///
/// # Errors
/// `Network` when the remote does not answer.
pub async fn own_branch(repo: &Repo, base: &Tip, name: &str) -> Result<OwnBranch, Failure> {
    for number in 1..=MOST {
        let name = match number {
            1 => name.to_owned(),
            number => format!("{name}-{number}"),
        };
        let full = format!("refs/heads/{name}");
        let Some((there, addresses)) = at(repo, base, &full).await? else {
            return Ok(OwnBranch::Free(name));
        };
        if !was_merged(repo, there, base.commit) {
            return Ok(OwnBranch::Waits(name, there, addresses));
        }
    }
    Ok(OwnBranch::Free(format!("{name}-{}", base.commit.short())))
}

/// Where the branch is, and the addresses that have it where it is not fetched from.
async fn at(
    repo: &Repo,
    base: &Tip,
    full: &str,
) -> Result<Option<(ObjectId, Vec<String>)>, Failure> {
    let Some(remote) = &base.remote else {
        return Ok(repo.ref_commit(full).map(|there| (there, Vec::new())));
    };
    let (there, _) = look(repo, remote, full).await?;
    if let Some(there) = there {
        // To be looked at; no ref of this clone moves.
        fetch_refs(repo, remote, &[full.to_owned()]).await?;
        return Ok(Some((there, Vec::new())));
    }
    let mut found: Option<(ObjectId, Vec<String>)> = None;
    let apart = repo.addresses_apart(remote)?;
    for place in apart.iter().flat_map(|addresses| &addresses.push) {
        if let Some(there) = place.look(repo, full).await? {
            let (first, having) = found.get_or_insert((there, Vec::new()));
            if *first == there {
                having.push(place.shown.clone());
            }
        }
    }
    Ok(found)
}

/// Whether `base` has what the branch `tip` brings: its commits themselves, or one that has the name of their plan, as a
/// squash or a rebase leaves it. What cannot be read was not merged.
fn was_merged(repo: &Repo, tip: ObjectId, base: ObjectId) -> bool {
    is_ancestor(repo, tip, base).unwrap_or(false) || was_squashed(repo, tip, base).unwrap_or(false)
}

fn was_squashed(repo: &Repo, tip: ObjectId, base: ObjectId) -> Result<bool, Failure> {
    let objects = Objects::open(repo)?;
    let forks: BTreeSet<ObjectId> = objects.merge_bases(tip, base)?.into_iter().collect();
    let plans = |from: ObjectId| -> Result<BTreeSet<String>, Failure> {
        let mut plans = BTreeSet::new();
        for entry in objects.first_parents(from).take(DEEPEST) {
            let (commit, _) = entry?;
            if forks.contains(&commit) {
                break;
            }
            let (_, text) = objects.commit(commit)?;
            let text = String::from_utf8_lossy(&text);
            let lines = text.lines();
            // A squash may indent or list what it squashes.
            let trailers =
                lines.filter_map(|line| line.trim_start_matches([' ', '*']).strip_prefix("Plan: "));
            plans.extend(trailers.map(|plan| plan.trim().to_owned()));
        }
        Ok(plans)
    };
    let ours = plans(tip)?;
    Ok(!ours.is_empty() && !ours.is_disjoint(&plans(base)?))
}
