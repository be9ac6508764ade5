//! The commits of a change: what a head has that a base has not.

use std::collections::{BTreeSet, VecDeque};

use super::{Repo, objects::Objects, parse};
use crate::domain::{failure::Failure, ids::ObjectId};

/// A commit of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The commit.
    pub commit: ObjectId,
    /// What it stands on; in a shallow clone, without those that were not fetched.
    pub parents: Vec<ObjectId>,
    /// All that it says.
    pub message: String,
}

/// What a head has that a base has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// Where the head left the base; `None` where they have no commit in common here.
    pub fork: Option<ObjectId>,
    /// The commits, newest first.
    pub commits: Vec<Made>,
    /// There are more commits than were read.
    pub goes_on: bool,
}

impl Repo {
    /// The commits that `head` has and `base` has not, `most` of them at most.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn commits_between(
        &self,
        base: ObjectId,
        head: ObjectId,
        most: usize,
    ) -> Result<Between, Failure> {
        let objects = Objects::open(self)?;
        let forks = objects.merge_bases(base, head)?;
        let mut commits = Vec::new();
        let mut queue = VecDeque::from([head]);
        let mut seen: BTreeSet<ObjectId> = forks.iter().copied().collect();
        let mut goes_on = false;
        while let Some(commit) = queue.pop_front() {
            // What a merge brought from the base is the base's.
            if !seen.insert(commit) || forks.is_empty() || objects.is_ancestor(commit, base)? {
                continue;
            }
            if commits.len() >= most {
                goes_on = true;
                break;
            }
            let (header, text) = objects.commit(commit)?;
            queue.extend(&header.parents);
            commits.push(Made {
                commit,
                parents: header.parents,
                message: String::from_utf8_lossy(parse::body(&text)).into_owned(),
            });
        }
        Ok(Between {
            fork: forks.first().copied(),
            commits,
            goes_on,
        })
    }
}
