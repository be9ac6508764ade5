//! Which commit everything is read from and written on: the remote's branch, not the local one.

use jiff::{Span, Timestamp, Zoned, civil};

use super::{Repo, objects::Objects};
use crate::domain::{
    desired::{RefName, Tip},
    failure::{Failure, FailureKind},
    ids::ObjectId,
    layout::Origin,
};

impl Repo {
    /// The branch to work on. `branch` is the configured one; by default the remote's HEAD, else
    /// `main` or `master`. Of several remotes: the branch's upstream remote, else `origin`, else
    /// the only one. Without remotes, the local branch.
    ///
    /// # Errors
    /// `Unknown` when no such branch is there, with those that are.
    pub fn base(&self, branch: Option<&str>) -> Result<Tip, Failure> {
        self.close_stale();
        let repository = self.open()?;
        let remote = self.remote_of(&repository, branch)?;
        let Some(branch) = branch
            .map(str::to_owned)
            .or_else(|| default_branch(&repository, remote.as_deref()))
        else {
            return Err(no_branch(&repository, remote.as_deref(), None));
        };
        self.read_base(&repository, remote.as_deref(), &branch)
    }

    /// The same branch again, as it is now.
    pub(super) fn base_on(&self, remote: Option<&str>, branch: &str) -> Result<Tip, Failure> {
        self.read_base(&self.open()?, remote, branch)
    }

    /// The ref that follows `branch` of `remote`, as the remote's fetch refspec says.
    ///
    /// # Errors
    /// When the repository cannot be opened.
    pub fn tracking_ref(&self, remote: &str, branch: &str) -> Result<String, Failure> {
        Ok(tracking_ref(&self.open()?, remote, branch))
    }

    fn read_base(
        &self,
        repository: &git2::Repository,
        remote: Option<&str>,
        branch: &str,
    ) -> Result<Tip, Failure> {
        let local = format!("refs/heads/{branch}");
        let candidates = match remote {
            Some(remote) => {
                let mut refs = vec![(
                    tracking_ref(repository, remote, branch),
                    format!("{remote}/{branch}"),
                )];
                // A bare clone keeps the remote's branches as its own, until it is fetched.
                if is_bare_clone(repository) {
                    refs.push((local, branch.to_owned()));
                }
                refs
            }
            None => vec![(local, branch.to_owned())],
        };
        for (full, short) in candidates {
            // A branch names a commit; whether it can be read shows when it is.
            if let Some(commit) = self.target(repository, &full)? {
                return Ok(Tip {
                    name: RefName {
                        repository: None,
                        reference: format!("refs/heads/{branch}"),
                    },
                    origin: Origin::default(),
                    remote: remote.map(str::to_owned),
                    read: full,
                    shown: short,
                    commit,
                });
            }
        }
        Err(no_branch(repository, remote, Some(branch)))
    }

    /// The commit that `rev` names: a revision (branch, tag, SHA, `main~3`) or a time (RFC 3339, a
    /// date, `2 days ago`), which means the newest commit on `base`'s first parents that was not
    /// committed later. `now` gives the present and the time zone of dates.
    ///
    /// # Errors
    /// `Unknown` when it is neither; `Shallow` when history ends before the time.
    pub fn resolve(&self, rev: &str, base: &Tip, now: &Zoned) -> Result<ObjectId, Failure> {
        if let Some(commit) = self.revision(rev, base)? {
            return Ok(commit);
        }
        let Some(moment) = moment(rev, now) else {
            return Err(Failure::new(
                FailureKind::Unknown,
                format!("`{rev}` is neither a revision of this repository nor a time"),
            )
            .hint("Give a branch, a tag, a commit, a date such as 2026-10-01 or a time such as 2026-10-01T14:00:00Z"));
        };
        self.at_time(base, moment)
    }

    pub(super) fn at_time(&self, base: &Tip, moment: Timestamp) -> Result<ObjectId, Failure> {
        let objects = Objects::open(self)?;
        let mut last = base.commit;
        for commit in objects.first_parents(base.commit) {
            let (commit, _) = commit?;
            if objects.committed(commit)? <= moment.as_second() {
                return Ok(commit);
            }
            last = commit;
        }
        Err(if objects.is_cut(last) {
            Failure::new(
                FailureKind::Shallow,
                format!(
                    "this shallow clone knows nothing of {moment}: it begins at {}",
                    last.short()
                ),
            )
            .hint("Fetch more: git fetch --unshallow")
        } else {
            Failure::new(
                FailureKind::Unknown,
                format!("{} has no commit as old as {moment}", base.shown),
            )
        })
    }

    /// The remote that is read where nothing says which; `None` where there is none.
    pub fn default_remote(&self) -> Option<String> {
        let repository = self.open().ok()?;
        self.remote_of(&repository, None).ok()?
    }

    pub(super) fn remote_of(
        &self,
        repository: &git2::Repository,
        branch: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        let remotes = repository
            .remotes()
            .map_err(|error| self.error(&error, "cannot list the remotes"))?;
        let remotes: Vec<String> = (&remotes)
            .into_iter()
            .filter_map(|name| name.ok().flatten().map(str::to_owned))
            .collect();
        let current = || {
            let head = repository.find_reference("HEAD").ok()?;
            let target = head.symbolic_target().ok()??;
            Some(target.strip_prefix("refs/heads/")?.to_owned())
        };
        let upstream = branch.map(str::to_owned).or_else(current).and_then(|name| {
            let config = repository.config().ok()?;
            config.get_string(&format!("branch.{name}.remote")).ok()
        });
        if let Some(remote) = upstream.filter(|name| remotes.contains(name)) {
            return Ok(Some(remote));
        }
        if remotes.iter().any(|name| name == "origin") {
            return Ok(Some("origin".to_owned()));
        }
        match remotes.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => Err(Failure::new(
                FailureKind::Unknown,
                format!("which remote holds the deployment branch? There are {}", several.join(", ")),
            )
            .hint("Name the branch's upstream: git branch --set-upstream-to=REMOTE/BRANCH, or rename one remote to origin")),
        }
    }
}

/// By convention where no refspec says otherwise.
fn tracking_ref(repository: &git2::Repository, remote: &str, branch: &str) -> String {
    let source = format!("refs/heads/{branch}");
    repository
        .find_remote(remote)
        .ok()
        .and_then(|found| {
            found
                .refspecs()
                .filter(|spec| {
                    spec.direction() == git2::Direction::Fetch && spec.src_matches(&source)
                })
                .find_map(|spec| {
                    let buf = spec.transform(&source).ok()?;
                    Some(buf.as_str().ok()?.to_owned())
                })
        })
        .unwrap_or_else(|| format!("refs/remotes/{remote}/{branch}"))
}

/// Whether its branches are a bare clone's: the remote's as they were when it was cloned. A linked worktree of one too.
pub(super) fn is_bare_clone(repository: &git2::Repository) -> bool {
    repository.is_bare() || bare_parent(repository).is_some()
}

/// The bare repository that a linked worktree belongs to.
fn bare_parent(repository: &git2::Repository) -> Option<git2::Repository> {
    let parent = git2::Repository::open(repository.commondir()).ok()?;
    (repository.is_worktree() && parent.is_bare()).then_some(parent)
}

fn default_branch(repository: &git2::Repository, remote: Option<&str>) -> Option<String> {
    let symbolic = |name: &str, prefix: &str| -> Option<String> {
        let reference = repository.find_reference(name).ok()?;
        let target = reference.symbolic_target().ok()??;
        let branch = target.strip_prefix(prefix)?;
        repository.find_reference(target).ok()?;
        Some(branch.to_owned())
    };
    let exists = |full: String| repository.find_reference(&full).is_ok();
    if let Some(remote) = remote {
        let prefix = format!("refs/remotes/{remote}/");
        if let Some(branch) = symbolic(&format!("{prefix}HEAD"), &prefix) {
            return Some(branch);
        }
        for name in ["main", "master"] {
            if exists(format!("{prefix}{name}")) {
                return Some(name.to_owned());
            }
        }
    }
    // The HEAD of a bare clone is the remote's; that of a worktree beside it is the user's own.
    let bare = bare_parent(repository);
    let head = bare.as_ref().map_or_else(
        || symbolic("HEAD", "refs/heads/"),
        |bare| {
            let head = bare.find_reference("HEAD").ok()?;
            let target = head.symbolic_target().ok()??;
            Some(target.strip_prefix("refs/heads/")?.to_owned())
        },
    );
    head.or_else(|| {
        ["main", "master"]
            .into_iter()
            .find(|name| exists(format!("refs/heads/{name}")))
            .map(str::to_owned)
    })
}

fn no_branch(repository: &git2::Repository, remote: Option<&str>, branch: Option<&str>) -> Failure {
    let prefix = remote.map_or("refs/heads/".to_owned(), |r| format!("refs/remotes/{r}/"));
    let mut there: Vec<String> = repository
        .references_glob(&format!("{prefix}*"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|reference| Some(reference.name().ok()?.strip_prefix(&prefix)?.to_owned()))
        .filter(|name| name != "HEAD")
        .take(6)
        .collect();
    there.sort();
    let place = remote.map_or("this repository".to_owned(), |r| format!("remote {r}"));
    let message = match branch {
        Some(branch) => format!("{place} has no branch `{branch}` here"),
        None => format!("{place} has no main branch to read: no HEAD, main or master"),
    };
    let hint = match (there.is_empty(), remote) {
        (true, Some(remote)) => format!("Fetch first: git fetch {remote}"),
        (true, None) => "Make a first commit".to_owned(),
        (false, _) => format!(
            "Set repository.branch in tidegate.toml, or fetch; there are {}",
            there.join(", ")
        ),
    };
    Failure::new(FailureKind::Unknown, message).hint(hint)
}

/// The moment that `text` means: RFC 3339, a date (its first instant) or a date and time in the zone
/// of `now`, or a span of time ago. `None` where it is no time.
pub fn moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let zone = now.time_zone();
    let local = |civil: civil::DateTime| civil.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
    // A date and time first: a date alone would parse from its beginning.
    let is_date = text.len() == 10;
    if is_date && let Ok(date) = text.parse::<civil::Date>() {
        return local(date.to_datetime(civil::Time::midnight()));
    }
    if !is_date && let Ok(civil) = text.parse::<civil::DateTime>() {
        return local(civil);
    }
    let ago = text.strip_suffix("ago")?;
    let span: Span = ago.trim().parse().ok()?;
    now.checked_sub(span).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_in_the_zone_given() {
        let now: Zoned = "2026-11-21T10:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let cases = [
            ("2026-10-01T14:00:00Z", Some("2026-10-01T14:00:00Z")),
            ("2026-10-01T14:00:00+02:00", Some("2026-10-01T12:00:00Z")),
            ("2026-10-01", Some("2026-09-30T22:00:00Z")),
            ("2026-10-01 14:00", Some("2026-10-01T12:00:00Z")),
            ("2 days ago", Some("2026-11-19T09:00:00Z")),
            ("3h ago", Some("2026-11-21T06:00:00Z")),
            ("yesterday-ish", None),
            ("1234567", None),
        ];
        for (text, expected) in cases {
            let expected: Option<Timestamp> = expected.map(|t| t.parse().unwrap());
            assert_eq!(moment(text, &now), expected, "{text}");
        }
    }
}
