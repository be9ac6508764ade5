//! Opening a repository with its configuration: what every command and the screen start from.

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
};

use jiff::Zoned;

use super::{
    Configurations, Decided, Lately, Project, SeenHealth, at as moments, others,
    reading::unread_repositories,
    recognise::{nothing_said, recognise, recognise_again},
    trust::{self, Once, Untrusted},
};
use crate::{
    config::{self, Config, LoadRequest, SourceFile, TEAM_FILE, places},
    domain::{
        address::Address,
        desired::{Desired, RefName, Tip},
        detect::Guess,
        failure::Failure,
        forge::ForgeEntry,
        glob, hash,
        ids::{EnvironmentName, ObjectId, ServiceName},
        layout::Origin,
        plan::Came,
        suggest,
    },
    sources::{
        files::{self, Links},
        git::Repo,
        state::StateStore,
        waiting,
    },
};

/// Nobody has more themes of their own than can be chosen from.
const MOST_THEMES: usize = 200;

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// A path in the repository, or of it.
    pub repo: PathBuf,
    /// The user named that path, rather than standing there.
    pub named: bool,
    /// The address that `repo` is the mirror of.
    pub address: Option<Address>,
    /// What the team's file names outside of the repository is allowed for this once.
    pub trust: bool,
    /// What that allowed when a session began that is opened again.
    pub once: Option<Once>,
    /// Objects that a partial clone left out are fetched when they are needed.
    pub fetch_missing: bool,
    /// A file that takes the place of `tidegate.toml`.
    pub config: Option<PathBuf>,
    /// What the operator edits and has not saved; in force where there is no file of the team's.
    pub draft: Option<SourceFile>,
    /// The commit whose `tidegate.toml` is in force, whatever the work tree and the branch's tip say.
    pub policy: Option<ObjectId>,
    /// A revision or a time to read instead of the tips; `ENV=REV` for environments that are refs of their own.
    pub at: Vec<String>,
    /// Kubeconfig files in place of the user's; the demo brings its own.
    pub kubeconfig: Vec<PathBuf>,
    /// Nobody is asked: no remote and no cluster.
    pub offline: bool,
    /// Forges beside those of the user's own file; the demo brings its own.
    pub forges: Vec<ForgeEntry>,
}

/// Why a repository was not opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// There is none, its configuration is wrong, or a name means nothing in it.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// The team's file names repositories that nobody has allowed yet.
    #[error("{0}")]
    Untrusted(#[from] Untrusted),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Failed(failure) => failure,
            OpenError::Untrusted(untrusted) => untrusted.into(),
        }
    }
}

impl Project {
    /// The configuration of a team's file with what the user's own files say, where there is no repository yet.
    ///
    /// # Errors
    /// When either is wrong.
    pub fn configured_by(team: SourceFile) -> Result<Config, Failure> {
        let config = config::load(&LoadRequest {
            team: Some(team),
            user: user_file()?,
            detect: &|| None,
        })?;
        Ok(config.with_themes(user_themes()?)?)
    }

    /// Finds the repository and reads its configuration: from `options.config`, else the work tree, else the branch's tip.
    /// `now` gives the present and the time zone of dates in `options.at`. Reads nothing from the network. Blocking,
    /// milliseconds.
    ///
    /// # Errors
    /// When there is no repository, no branch to read, or the configuration is wrong.
    pub fn open(options: &OpenOptions, now: &Zoned) -> Result<Self, OpenError> {
        let _waiting = waiting::reading(&options.repo);
        let mut repo = if options.named {
            Repo::named(&options.repo)?
        } else {
            Repo::discover(&options.repo)?
        };
        if let Some(address) = &options.address {
            repo = repo.with_address(address);
        }
        let repo = with_cache(repo.fetching_missing(options.fetch_missing));
        let user = user_file()?;
        let here = match &options.config {
            Some(path) => Some(read(path, Links::Followed)?.ok_or_else(|| {
                Failure::usage(format!(
                    "there is no configuration at {}; give --config a file that exists, or leave it out",
                    path.display()
                ))
            })?),
            None if options.policy.is_some() => None,
            None => in_work_tree(&repo)?,
        };
        let policy = options.policy.map(|commit| at(&repo, commit));
        let (team, team_at_tip) = if here.is_some() {
            (here, None)
        } else if let Some(tip) = &policy {
            (at_commit(&repo, tip)?, None)
        } else {
            let file = at_tip(&repo)?;
            let known = known_by(file.as_ref());
            (file, Some(known))
        };
        // What the team says is never put aside for it: not its policy either.
        let draft = options.draft.clone().filter(|_| team.is_none());
        let team = team.or_else(|| draft.clone());
        let lacking = RefCell::new(None);
        let nothing = Cell::new(false);
        let guessed = || {
            let guess = match &policy {
                Some(tip) => recognise(&repo, tip)?,
                None => guess(&repo)?,
            };
            nothing.set(guess.is_none());
            Ok(guess)
        };
        let is_configured = team.is_some();
        let config = config::load(&LoadRequest {
            team,
            user,
            detect: &|| guessed().unwrap_or_else(|error| lacking.replace(Some(error)).and(None)),
        })
        .map_err(|errors| match lacking.take() {
            // That nothing was recognised is no fault of the configuration then.
            Some(error) => error,
            // There is no file of which it could be a fault either.
            None if nothing.get() && !is_configured => {
                let base = repo.base(None).and_then(|base| nothing_said(&repo, &base));
                base.map_or_else(|_| errors.into(), Failure::usage)
            }
            None => errors.into(),
        })?;
        let mut config = config.with_themes(user_themes()?).map_err(Failure::from)?;
        config.user.forges.extend(options.forges.iter().cloned());
        let looked = trust::look(&repo, &config);
        let once = trust::check(
            &repo,
            &config,
            &looked,
            options.trust,
            options.once.as_ref(),
        )?;
        let kubeconfig = if options.kubeconfig.is_empty() {
            config.user.kubeconfig.iter().cloned().collect()
        } else {
            options.kubeconfig.clone()
        };
        let mut project = Self {
            // Opened again, it covers what it covered.
            opened: OpenOptions {
                trust: false,
                once,
                ..options.clone()
            },
            kubeconfig,
            others: others::others(&config, looked, options.fetch_missing),
            repo,
            config,
            team_at_tip,
            draft,
            at: None,
            decided: Decided::default(),
            earlier: Configurations::default(),
            lately: Lately::default(),
            seen: SeenHealth::default(),
        };
        // A ref of a repository that is still to be cloned cannot be looked up: `Project::mirror` does it then.
        if !options.at.is_empty() && !project.is_pending() {
            project.at = Some(moments::at(&project, &options.at, now)?);
        }
        Ok(project)
    }

    /// The declared environments, in order.
    pub fn environments(&self) -> Vec<EnvironmentName> {
        let environments = self.config.topology.environments.iter();
        environments
            .map(|environment| environment.name.clone())
            .collect()
    }

    /// The row called `name`.
    ///
    /// # Errors
    /// `Usage` with the nearest name that is there.
    pub fn service(desired: &Desired, name: &str) -> Result<ServiceName, Failure> {
        let services = Self::services(desired);
        if let Some(found) = services.iter().find(|service| service.as_str() == name) {
            return Ok(found.clone());
        }
        let names = services.iter().map(ServiceName::as_str);
        let unread = unread_repositories(desired).map_or(String::new(), |why| format!("; {why}"));
        Err(Failure::usage(format!(
            "no service is called `{name}`{}{unread}",
            suggest::hint(name, names)
        )))
    }

    /// Every row, in name order: also those whose files declare no version, or cannot be read.
    pub fn services(desired: &Desired) -> Vec<ServiceName> {
        let cells = desired.cells.keys().map(|key| &key.service);
        let mut services: Vec<_> = cells.chain(&desired.services).cloned().collect();
        services.sort();
        services.dedup();
        services
    }

    /// The row called `name`, or those that it is a pattern of.
    ///
    /// # Errors
    /// `Usage` where there is none.
    pub fn services_like(
        desired: &Desired,
        name: &str,
    ) -> Result<Vec<(ServiceName, Came)>, Failure> {
        let named = Self::service(desired, name);
        if named.is_ok() || !name.contains(['*', '?']) {
            return Ok(vec![(named?, Came::Named)]);
        }
        let services = Self::services(desired).into_iter();
        let found: Vec<_> = services
            .filter(|service| glob::is_match(name, service.as_str()))
            .map(|service| (service, Came::Group))
            .collect();
        if found.is_empty() {
            let unread =
                unread_repositories(desired).map_or(String::new(), |why| format!("; {why}"));
            return Err(Failure::usage(format!(
                "no service matches `{name}`; `tidegate status` lists them{unread}"
            )));
        }
        Ok(found)
    }

    /// The columns that `names` name or are patterns of, in the order of the matrix; all of them where none is named.
    ///
    /// # Errors
    /// `Usage` with the names that are there.
    pub fn environments_like(
        desired: &Desired,
        names: &[String],
    ) -> Result<Vec<EnvironmentName>, Failure> {
        if names.is_empty() {
            return Ok(desired.environments.clone());
        }
        let mut wanted = Vec::new();
        for name in names {
            let known = Self::environment(desired, name);
            let all = desired.environments.iter();
            let like = all.filter(|env| glob::is_match(name, env.as_str()));
            let like: Vec<_> = like.cloned().collect();
            if known.is_err() && name.contains(['*', '?']) && !like.is_empty() {
                wanted.extend(like);
            } else {
                wanted.push(known?);
            }
        }
        let all = desired.environments.iter();
        Ok(all.filter(|env| wanted.contains(env)).cloned().collect())
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// `Usage` with the names that are there.
    pub fn environment(desired: &Desired, name: &str) -> Result<EnvironmentName, Failure> {
        let names = || desired.environments.iter().map(EnvironmentName::as_str);
        if let Some(found) = desired.environments.iter().find(|env| env.as_str() == name) {
            return Ok(found.clone());
        }
        let list: Vec<_> = names().collect();
        Err(Failure::usage(format!(
            "no environment is called `{name}`{}; there are: {}",
            suggest::hint(name, names()).trim_end_matches('?'),
            list.join(", ")
        )))
    }
}

/// What a team's file, or that there is none, is known by.
fn known_by(file: Option<&SourceFile>) -> String {
    hash::of(file.map(|file| file.bytes.as_slice()))
}

impl Project {
    /// Whether the configuration that was read from the branch's tip is another one there by now: what is planned by this
    /// one is judged by the policy of then. Blocking, milliseconds.
    ///
    /// # Errors
    /// When the tip cannot be read.
    pub fn policy_moved(&self) -> Result<bool, Failure> {
        let Some(known) = &self.team_at_tip else {
            return Ok(false);
        };
        let now = at_tip(&self.repo)?;
        Ok(known_by(now.as_ref()) != *known)
    }
}

/// Keeps what is found in the history where the user's state is.
pub(super) fn with_cache(repo: Repo) -> Repo {
    match StateStore::of_repository(repo.common_dir()) {
        Some(store) => repo.with_cache(&store.folder().join("history")),
        None => repo,
    }
}

fn read(path: &Path, links: Links) -> Result<Option<SourceFile>, Failure> {
    let bytes = files::read(path, links, files::CONFIGURATION)
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(bytes.map(|bytes| SourceFile {
        name: path.display().to_string(),
        bytes,
    }))
}

/// The user's own file, where there is one.
pub(super) fn user_file() -> Result<Option<SourceFile>, Failure> {
    places::user_file().map_or(Ok(None), |path| {
        let _waiting = waiting::reading(&path);
        read(&path, Links::Followed)
    })
}

/// The user's own themes, in the order of their names.
fn user_themes() -> Result<Vec<SourceFile>, Failure> {
    let Some(folder) = places::themes() else {
        return Ok(Vec::new());
    };
    let _waiting = waiting::reading(&folder);
    // No folder, no themes; one that cannot be read has none of which more could be said than that it is not there.
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .take(MOST_THEMES)
        .collect();
    paths.sort();
    let read = paths.iter().map(|path| read(path, Links::Followed));
    read.filter_map(Result::transpose).collect()
}

fn in_work_tree(repo: &Repo) -> Result<Option<SourceFile>, Failure> {
    let Some(root) = repo.work_dir() else {
        return Ok(None);
    };
    let file = read(&root.join(TEAM_FILE), Links::Refused)?;
    Ok(file.map(|file| SourceFile {
        name: TEAM_FILE.to_owned(),
        ..file
    }))
}

fn at_tip(repo: &Repo) -> Result<Option<SourceFile>, Failure> {
    at_commit(repo, &repo.base(None)?)
}

/// A commit that no ref need name, as something that can be read.
pub(super) fn at(repo: &Repo, commit: ObjectId) -> Tip {
    let base = repo.base(None).ok();
    let reference = base.map_or("HEAD".to_owned(), |base| base.name.reference);
    let name = RefName {
        repository: None,
        reference,
    };
    Tip {
        shown: commit.short(),
        ..Tip::new(name, Origin::default(), commit)
    }
}

fn at_commit(repo: &Repo, base: &Tip) -> Result<Option<SourceFile>, Failure> {
    let bytes = repo.file(base.commit, TEAM_FILE)?;
    if bytes.is_none()
        && let Some(what) = repo.instead_of_file(base.commit, TEAM_FILE)?
    {
        return Err(Failure::usage(format!(
            "{}:{TEAM_FILE} is {what}: commit the file itself in its place, or name another one by --config",
            base.shown
        )));
    }
    Ok(bytes.map(|bytes| SourceFile {
        name: format!("{}:{TEAM_FILE}", base.shown),
        bytes,
    }))
}

/// What the tree at the branch's tip looks like; nothing where there is no branch, which is told when it is needed.
fn guess(repo: &Repo) -> Result<Option<Guess>, Failure> {
    let Ok(base) = repo.base(None) else {
        return Ok(None);
    };
    match StateStore::of_repository(repo.common_dir()) {
        Some(store) => recognise_again(repo, &base, &store),
        None => recognise(repo, &base),
    }
}
