//! Where a remote is fetched from and where it is pushed to: not always one place.
//!
//! `remote.*.pushurl`, several `url`s and `url.*.pushInsteadOf` send a push to a fork, to a primary whose replica is
//! fetched, or to several places at once. What Git itself makes of them is asked of `git`, so that its rules need not be
//! repeated here; where nothing of the kind is configured, which is the rule, nothing runs.

use std::fmt;

use super::{
    Child, Repo,
    transport::{listed, patiently, reported, unreachable},
};
use crate::domain::{
    address::{anonymous, plain},
    failure::{Failure, FailureKind},
    ids::ObjectId,
};

/// The addresses of a remote that is not pushed where it is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The remote's name.
    pub remote: String,
    /// Where it is fetched from, without credentials.
    pub fetch: String,
    /// Where it is pushed to, in the order in which Git pushes; never empty.
    pub push: Vec<PushAddress>,
}

/// An address that is pushed to.
#[derive(Clone, PartialEq, Eq)]
pub struct PushAddress {
    /// As it is shown: without credentials.
    pub shown: String,
    /// As Git has it.
    address: String,
}

impl fmt::Debug for PushAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What a place that is asked by its address is called while it is.
const ASKED: &str = "tidegate-asked";

impl Addresses {
    /// What the operator has to know before confirming: `origin is fetched from A and pushed to B`.
    pub fn sentence(&self) -> String {
        let push: Vec<&str> = self.push.iter().map(|place| &*place.shown).collect();
        format!(
            "{remote} is fetched from {} and pushed to {}: it is done when {remote} has it where it is fetched",
            self.fetch,
            push.join(" and "),
            remote = self.remote,
        )
    }
}

impl Repo {
    /// The addresses of `remote` where a push goes elsewhere than a fetch, or to more than one place; `None` where both are
    /// one. Blocking; runs `git` only where the configuration has a key that could part them.
    ///
    /// # Errors
    /// `Program` without `git`; where it does not know the remote.
    pub fn addresses_apart(&self, remote: &str) -> Result<Option<Addresses>, Failure> {
        if !self.may_part(remote)? {
            return Ok(None);
        }
        let fetch = self.urls(remote, &["remote", "get-url", "--", remote])?;
        let push = self.push_urls(remote)?;
        if push == fetch || push.is_empty() {
            return Ok(None);
        }
        let fetch = fetch.into_iter().next().map(|place| place.shown);
        Ok(Some(Addresses {
            remote: remote.to_owned(),
            fetch: fetch.unwrap_or_default(),
            push,
        }))
    }

    /// Every address that `remote` is fetched from, as Git makes them of the configuration. Runs `git`.
    ///
    /// # Errors
    /// `Program` without `git`; where it does not know the remote.
    pub(super) fn fetch_urls(&self, remote: &str) -> Result<Vec<PushAddress>, Failure> {
        self.urls(remote, &["remote", "get-url", "--all", "--", remote])
    }

    /// Every address that it is pushed to.
    ///
    /// # Errors
    /// As [`Repo::fetch_urls`].
    pub(super) fn push_urls(&self, remote: &str) -> Result<Vec<PushAddress>, Failure> {
        self.urls(
            remote,
            &["remote", "get-url", "--push", "--all", "--", remote],
        )
    }

    fn urls(&self, remote: &str, arguments: &[&str]) -> Result<Vec<PushAddress>, Failure> {
        let lines = Child::new(self, arguments.iter().copied())
            .looking()
            .secret_lines()?;
        let lines = lines.ok_or_else(|| {
            Failure::new(
                FailureKind::Program,
                format!("Git does not say where {remote} leads"),
            )
            .hint("Look at `git remote -v`")
        })?;
        Ok(lines.into_iter().map(PushAddress::new).collect())
    }

    /// Whether a key is there by which pushes could go elsewhere.
    fn may_part(&self, remote: &str) -> Result<bool, Failure> {
        let failed = |error: &git2::Error| self.error(error, "cannot read the configuration");
        let config = self
            .open()?
            .config()
            .and_then(|mut config| config.snapshot())
            .map_err(|error| failed(&error))?;
        let mut urls = 0;
        let mut apart = false;
        let mut entries = config.entries(None).map_err(|error| failed(&error))?;
        while let Some(entry) = entries.next() {
            let Ok(name) = entry.map(|entry| entry.name().unwrap_or_default().to_owned()) else {
                continue;
            };
            // Git lower-cases the section and the key, never what stands between.
            if let Some(key) = name
                .strip_prefix("remote.")
                .and_then(|rest| rest.strip_prefix(remote))
            {
                urls += usize::from(key == ".url");
                apart |= key == ".pushurl";
            }
            apart |= name.starts_with("url.") && name.ends_with(".pushinsteadof");
        }
        Ok(apart || urls > 1)
    }
}

impl PushAddress {
    fn new(address: String) -> Self {
        Self {
            shown: plain(&address),
            address,
        }
    }

    /// What tells it from others: all of it but who is asking.
    pub(super) fn identity(&self) -> String {
        anonymous(&self.address)
    }

    /// What a ref is there, asked now, and its commit, which is brought into the object database without a ref.
    ///
    /// # Errors
    /// `Network` when it does not answer.
    pub(super) async fn look(&self, repo: &Repo, name: &str) -> Result<Option<ObjectId>, Failure> {
        let run = |arguments: &[&str], shown: &str| {
            Child::new(repo, arguments.iter().copied())
                .config(format!("remote.{ASKED}.url"), &*self.address)
                .shown(format!("git {shown} {} {name}", self.shown))
                .looking()
        };
        let asked = run(&["ls-remote", "--", ASKED, name], "ls-remote");
        let output = patiently(asked, &self.shown).await?;
        if !output.status.success() {
            return Err(unreachable(&self.shown, &reported(&output.stderr)));
        }
        let found = listed(&output.stdout, name);
        if found.is_some() {
            // For its author; without it, the commit's name has to do.
            let fetch = [
                "fetch",
                "--no-write-fetch-head",
                "--no-tags",
                "--",
                ASKED,
                name,
            ];
            let _ = patiently(run(&fetch, "fetch"), &self.shown).await;
        }
        Ok(found)
    }
}
