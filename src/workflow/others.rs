//! Repositories beside the main one, and bringing all of them up to date.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Zoned;

use super::{Project, at, project, trust::Looked};
use crate::{
    config::{Config, RepositoryPlace, places},
    domain::{
        address::Address,
        desired::RefName,
        failure::{Failure, FailureKind},
        layout::LayoutSet,
    },
    sources::{
        git::{self, RanCommand, Repo},
        state,
    },
};

/// What [`Project::fetch`] did.
#[derive(Clone, Debug, Default)]
pub struct Fetches {
    /// The programs that ran.
    pub ran: Vec<RanCommand>,
    /// Repositories beside the main one that could not be fetched: what is known of them is as old as before.
    pub failed: Vec<(String, Failure)>,
    /// What else there is to say, a sentence each: another default branch on a server.
    pub notes: Vec<String>,
}

/// A repository beside the main one.
#[derive(Clone, Debug)]
pub struct OtherRepository {
    /// The `[[repositories]]` entry.
    pub name: Arc<str>,
    /// It, or why it cannot be read.
    pub repo: Result<Repo, Failure>,
    /// Its configured branch.
    pub branch: Option<String>,
    /// Its address, where a mirror of it is kept.
    pub url: Option<Address>,
}

impl OtherRepository {
    /// A mirror that is not made yet.
    fn is_pending(&self) -> bool {
        self.url.is_some() && self.repo.is_err()
    }
}

impl Project {
    /// Clones the repositories that are named by their address and have no mirror yet, and, where `fetch` says so, fetches
    /// those that have one. `tell` hears of each in sentences. Blocking; does nothing without such repositories.
    ///
    /// # Errors
    /// `Usage` where `--at` means nothing. A repository that cannot be reached is a row in `problems`, and is told.
    pub fn mirror(
        &mut self,
        fetch: bool,
        now: &Zoned,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let offline = self.opened.offline;
        for other in self.others.iter_mut().filter(|_| !offline) {
            let Some(url) = &other.url else { continue };
            // Asking for one that is there waits for whoever fetches it.
            if !fetch && other.repo.is_ok() {
                continue;
            }
            let refused = url
                .local()
                .map_or(Ok(()), |local| Repo::refuse_embedded(Path::new(local)));
            let mirrored = refused
                .and_then(|()| mirrors(url))
                .and_then(|folder| Repo::mirror(url, &folder, tell));
            match mirrored {
                Ok(mirror) => {
                    if fetch
                        && !mirror.new
                        && let Err(error) = mirror.fetch()
                    {
                        tell(&error.to_string());
                    }
                    let repo = mirror.repo.fetching_missing(self.opened.fetch_missing);
                    other.repo = Ok(project::with_cache(repo));
                }
                Err(error) => {
                    tell(&error.to_string());
                    other.repo = Err(error);
                }
            }
        }
        if self.at.is_none() && !self.opened.at.is_empty() {
            self.at = Some(at::at(self, &self.opened.at, now)?);
        }
        Ok(())
    }

    /// Whether anything that is read has a remote.
    pub fn has_remote(&self) -> bool {
        let lines = self.lines().map(|(lines, _)| lines).unwrap_or_default();
        lines.iter().any(|line| line.remote.is_some())
    }

    /// Whether a repository has to be cloned before everything can be read.
    pub(super) fn is_pending(&self) -> bool {
        self.others.iter().any(OtherRepository::is_pending)
    }

    /// The repository that a ref is in.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn repository(&self, name: &RefName) -> Result<&Repo, Failure> {
        let Some(wanted) = &name.repository else {
            return Ok(&self.repo);
        };
        let other = self.others.iter().find(|other| other.name == *wanted);
        match other.map(|other| &other.repo) {
            Some(Ok(repo)) => Ok(repo),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Failure::new(
                FailureKind::NotFound,
                format!("no repository is called `{wanted}`"),
            )),
        }
    }

    /// Fetches everything that is read, once per repository; says what ran, and which of the repositories beside the main
    /// one could not be fetched. Where there is no remote, nothing runs.
    ///
    /// # Errors
    /// Where the main repository cannot be fetched; the others are fetched all the same.
    pub async fn fetch(&self) -> Result<Fetches, Failure> {
        let mut fetches = Fetches::default();
        if self.opened.offline {
            return Err(Failure::new(
                FailureKind::Network,
                "--offline asks nobody: what is shown is as of the last fetch",
            ));
        }
        let mut failed = None;
        let main = (None, &self.repo, self.config.branch.as_deref());
        let others = self.others.iter().filter_map(|other| {
            let repo = other.repo.as_ref().ok()?;
            Some((Some(&*other.name), repo, other.branch.as_deref()))
        });
        for (name, repo, branch) in std::iter::once(main).chain(others) {
            match (
                fetch_one(&self.config.layouts, name, repo, branch).await,
                name,
            ) {
                (Ok(commands), _) => {
                    fetches.ran.extend(commands);
                    // It was reached a moment ago: where it is silent now, the next fetch says so.
                    let notes = self.notes_of(repo, name).await.unwrap_or_default();
                    fetches.notes.extend(notes);
                }
                (Err(error), Some(name)) => fetches.failed.push((name.to_owned(), error)),
                (Err(error), None) => failed = Some(error),
            }
        }
        failed.map_or(Ok(fetches), Err)
    }
}

async fn fetch_one(
    layouts: &LayoutSet,
    name: Option<&str>,
    repo: &Repo,
    branch: Option<&str>,
) -> Result<Vec<RanCommand>, Failure> {
    let mut ran = Vec::new();
    let refspecs = repo.refspecs(layouts, name, branch)?;
    if let Some((remote, refspecs)) = refspecs {
        ran.extend(git::fetch_refs(repo, &remote, &refspecs).await?);
    } else if layouts.reads(name, None) {
        let fetched = git::fetch(repo, &repo.base(branch)?).await?;
        ran.extend(fetched.ran);
    }
    Ok(ran)
}

/// Opens the repositories beside the main one.
pub(super) fn others(
    config: &Config,
    looked: Vec<Looked>,
    fetch_missing: bool,
) -> Vec<OtherRepository> {
    let entries = config.repositories.iter().zip(looked);
    let ready = |repo: Repo| project::with_cache(repo.fetching_missing(fetch_missing));
    entries
        .map(|(entry, looked)| OtherRepository {
            name: entry.name.as_str().into(),
            repo: open(&entry.place, looked).map(ready),
            branch: entry.branch.clone(),
            url: match &entry.place {
                RepositoryPlace::Url(url) => Some(url.clone()),
                RepositoryPlace::Path(_) => None,
            },
        })
        .collect()
}

fn open(place: &RepositoryPlace, looked: Looked) -> Result<Repo, Failure> {
    match place {
        RepositoryPlace::Path(path) => {
            let outside = looked.ok_or_else(|| {
                Failure::new(FailureKind::NotFound, format!("{path} was not looked for"))
            })??;
            let views = state::state_root().ok_or_else(|| {
                Failure::new(
                    FailureKind::NotFound,
                    format!("this system has no folder for the state of {path}"),
                )
                .hint(format!("Set {} to one", state::STATE_DIR_VARIABLE))
            })?;
            Repo::other(&outside, &views.join("views"))
        }
        RepositoryPlace::Url(url) => {
            if let Some(local) = url.local() {
                Repo::refuse_embedded(Path::new(local))?;
            }
            let known = Repo::known_mirror(url, &mirrors(url)?)?;
            known.ok_or_else(|| {
                Failure::new(
                    FailureKind::NotFound,
                    format!("there is no mirror of {url} yet"),
                )
                .hint("Start again where it can be reached: it is cloned then")
            })
        }
    }
}

/// Where mirrors are kept.
fn mirrors(url: &Address) -> Result<PathBuf, Failure> {
    places::mirrors().ok_or_else(|| {
        Failure::new(
            FailureKind::NotFound,
            format!("this system has no cache folder to mirror {url} in"),
        )
        .hint(format!(
            "Set {} to one, or give the `path` of a clone",
            places::CACHE_VARIABLE
        ))
    })
}
