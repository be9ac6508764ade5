//! A repository that a configuration names, looked at from outside: where it leads, before anything of it is opened.

use std::path::Path;

use super::{Repo, addresses::PushAddress, view::Seen};
use crate::domain::{
    failure::{Failure, FailureKind},
    hash,
};

/// What is known of it without opening it. Its configuration was read once: what its [`Contact`]s were asked about is what
/// [`Repo::other`] obeys.
#[derive(Clone, Debug)]
pub struct Outside {
    seen: Seen,
}

/// A remote of a repository that stands outside, and where Git goes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The remote's name.
    pub remote: String,
    /// Where it is fetched from, after `insteadOf`.
    pub fetch: Vec<PushAddress>,
    /// Where it is pushed to, in Git's order.
    pub push: Vec<PushAddress>,
}

impl Outside {
    /// Looks at the repository that `path` is in, or is: its place, its `HEAD` and its configuration, as text.
    ///
    /// # Errors
    /// `NotFound`, `Embedded`, `Damaged`, `Program` without `git`.
    pub fn look(path: &Path) -> Result<Self, Failure> {
        let seen = Seen::of(Repo::find_outside(path)?)?;
        Ok(Self { seen })
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The remotes that reading and publishing `branch` may contact; none where it has none, and its own branch moves.
    /// Nothing is contacted and no ref or object read; Git's rules are Git's own, so that it runs.
    ///
    /// # Errors
    /// Where nothing of it could be read either: of several remotes, none is the branch's; `Unsupported`; `Program`.
    pub fn contacts(&self, branch: Option<&str>) -> Result<Vec<Contact>, Failure> {
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::new(
                FailureKind::Refused,
                format!("cannot make a temporary folder: {error}"),
            )
        })?;
        self.seen.sketch(folder.path())?;
        let repo = Repo::sketched(folder.path(), &self.seen.found);
        let opened = repo.open()?;
        let mut names: Vec<String> = Vec::new();
        // What environments that are refs are read from is asked without a branch.
        let without = branch.map(|_| repo.remote_of(&opened, None));
        for name in [Some(repo.remote_of(&opened, branch)), without]
            .into_iter()
            .flatten()
        {
            names.extend(name?.filter(|name| !names.contains(name)));
        }
        let contact = |remote: String| {
            Ok(Contact {
                fetch: repo.fetch_urls(&remote)?,
                push: repo.push_urls(&remote)?,
                remote,
            })
        };
        names.into_iter().map(contact).collect()
    }
}

impl Contact {
    /// `origin: fetched from A, pushed to B and C`, or `origin: A` where both are one.
    pub fn sentence(&self) -> String {
        let (fetch, push) = self.shown();
        if fetch == push {
            format!("{}: {fetch}", self.remote)
        } else {
            format!("{}: fetched from {fetch}, pushed to {push}", self.remote)
        }
    }

    /// The same in words: `origin fetches from A and pushes to B`.
    pub fn line(&self) -> String {
        let (fetch, push) = self.shown();
        if fetch == push {
            format!("{} fetches from and pushes to {fetch}", self.remote)
        } else {
            format!("{} fetches from {fetch}, pushes to {push}", self.remote)
        }
    }

    /// What it is fetched from and what it is pushed to, as they may be seen.
    fn shown(&self) -> (String, String) {
        let list = |places: &[PushAddress]| {
            let shown: Vec<&str> = places.iter().map(|place| &*place.shown).collect();
            shown.join(" and ")
        };
        (list(&self.fetch), list(&self.push))
    }

    /// A name for exactly this, in which no secret is.
    pub fn hash(&self) -> String {
        let of = |places: &[PushAddress]| {
            let parts: Vec<String> = places.iter().map(PushAddress::identity).collect();
            hash::of(parts.iter().map(String::as_bytes))
        };
        let (fetch, push) = (of(&self.fetch), of(&self.push));
        hash::of([self.remote.as_bytes(), fetch.as_bytes(), push.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::{Scratch, git};
    use super::*;

    #[test]
    fn says_where_git_goes_without_opening_anything() {
        let scratch = Scratch::new();
        let path = scratch.init("r");
        git(&path, &["commit", "-q", "--allow-empty", "-m", "x"]);
        let said = |branch: Option<&str>| -> Vec<String> {
            let contacts = Outside::look(&path).unwrap().contacts(branch).unwrap();
            contacts.iter().map(Contact::sentence).collect()
        };
        assert!(said(None).is_empty());
        let cases: [(&[&str], &str); 8] = [
            (
                &["remote", "add", "origin", "https://me:t0ken@h/a"],
                "origin: https://h/a",
            ),
            (
                &["config", "remote.origin.pushurl", "https://h/b?key=t0ken"],
                "origin: fetched from https://h/a, pushed to https://h/b",
            ),
            (
                &["config", "--add", "remote.origin.pushurl", "git@h:c"],
                "origin: fetched from https://h/a, pushed to https://h/b and git@h:c",
            ),
            // Its own rewrites are not obeyed.
            (
                &["config", "url.ext::sh.insteadOf", "https://"],
                "origin: fetched from https://h/a, pushed to https://h/b and git@h:c",
            ),
            (
                &["config", "url.https://evil/.pushInsteadOf", "git@h:"],
                "origin: fetched from https://h/a, pushed to https://h/b and git@h:c",
            ),
            (
                &["config", "--unset-all", "remote.origin.pushurl"],
                "origin: https://h/a",
            ),
            (
                &["remote", "add", "fork", "https://h/fork"],
                "origin: https://h/a",
            ),
            (
                &["config", "branch.main.remote", "fork"],
                "fork: https://h/fork",
            ),
        ];
        let mut hashes = Vec::new();
        for (arguments, expected) in cases {
            git(&path, arguments);
            assert_eq!(said(None), [expected], "{arguments:?}");
            let contacts = Outside::look(&path).unwrap().contacts(None).unwrap();
            hashes.push(contacts[0].hash());
        }
        assert_eq!(hashes[2], hashes[4]);
        assert_eq!(hashes[0], hashes[6]);
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 4);
        // A branch that is named has a remote of its own.
        assert_eq!(
            said(Some("other")),
            ["origin: https://h/a", "fork: https://h/fork"]
        );
    }
}
