//! The Application that syncs nothing by itself: it waits for somebody to tell it to sync, or to go back.

use std::path::Path;

use git2::{Commit, Oid, Repository};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::demo::server::stamp;

/// How many entries an Application's history has at most.
const KEPT: usize = 10;

/// What such an Application has applied.
#[derive(Debug, Default)]
pub(super) struct Manual {
    /// Git declares something else than what was applied.
    pub(super) behind: bool,
    applied: Vec<(u64, Oid, Timestamp)>,
}

/// Whether a service's Application waits for somebody.
pub(super) fn is_manual(environment: &str, service: &str) -> bool {
    environment == "prod-eu" && service == "pricing"
}

impl Manual {
    /// What the history of its file brought to a service, up to `tip`.
    ///
    /// # Errors
    /// Where the repository cannot be read.
    pub(super) fn remember(
        remote: &Repository,
        tip: Oid,
        (environment, service): (&str, &str),
    ) -> Result<Self, git2::Error> {
        let path = format!("apps/{service}/overlays/{environment}/kustomization.yaml");
        let file = |commit: &Commit<'_>| {
            let tree = commit.tree().ok()?;
            let entry = tree.get_path(Path::new(&path)).ok()?;
            Some(entry.id())
        };
        let mut found = Vec::new();
        let mut commit = remote.find_commit(tip)?;
        while found.len() < KEPT {
            let before = commit.parent(0).ok();
            let here = file(&commit);
            if here.is_some() && here != before.as_ref().and_then(file) {
                found.push((commit.id(), commit.time().seconds()));
            }
            let Some(before) = before else { break };
            commit = before;
        }
        let oldest_first = (0..).zip(found.into_iter().rev());
        let applied = oldest_first.filter_map(|(id, (commit, at))| {
            let at = Timestamp::from_second(at).ok()?;
            Some((id, commit, at))
        });
        Ok(Self {
            behind: false,
            applied: applied.collect(),
        })
    }

    /// It has applied this.
    pub(super) fn push(&mut self, commit: Oid, now: Timestamp) {
        let id = self.applied.last().map_or(0, |(id, ..)| id + 1);
        self.applied.push((id, commit, now));
        let more = self.applied.len().saturating_sub(KEPT);
        self.applied.drain(..more);
    }

    /// `status.history`, as Argo CD writes it.
    pub(super) fn history(&self, source: &Value) -> Value {
        let entries = self.applied.iter().map(|(id, commit, at)| {
            json!({"id": id, "revision": commit.to_string(), "deployedAt": stamp(*at), "source": source})
        });
        entries.collect()
    }
}
