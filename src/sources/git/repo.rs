//! A handle to one repository, cheap to clone and to send between threads.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    child::Child,
    discover::{self, Found},
    environment::Told,
    facts::FactsCache,
    outside::Outside,
    publish, regular,
    transport::reported,
};
use crate::domain::{
    address::{Address, shown},
    failure::{Failure, FailureKind},
};

/// A work tree, a linked worktree, a bare repository or a git directory, found once.
///
/// Holds paths, and for a moment what was opened to read objects, which are used again; every other use opens the repository
/// afresh, so that it may be used from any thread and always sees what `git` wrote meanwhile.
#[derive(Clone, Debug)]
pub struct Repo {
    inner: Arc<Inner>,
    cache: Option<Arc<Path>>,
    address: Option<Arc<Address>>,
    fetch_missing: bool,
}

#[derive(Debug)]
struct Inner {
    git: PathBuf,
    common: PathBuf,
    work: Option<PathBuf>,
    /// Where it really is, of one that is seen through a view.
    other: Option<Found>,
    facts: Mutex<FactsCache>,
    idle: Idle,
    /// The remote's tags were fetched in this run, to a place of their own.
    tags_fetched: AtomicBool,
    /// When its files were last seen to be files.
    looked: Mutex<Option<Instant>>,
}

/// A repository that is opened, for one thread at a time.
pub(super) type Opened = Arc<Mutex<git2::Repository>>;

/// Repositories that were opened a moment ago, and when.
#[derive(Default)]
struct Idle(Mutex<Vec<(Instant, Opened)>>);

impl Idle {
    /// Nothing is left half-done in it, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Opened)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idle")
    }
}

/// So long one is used again: reading a matrix and its history opens the repository many times, and each time maps the
/// packs anew.
const LENT_FOR: Duration = Duration::from_secs(1);

impl Repo {
    /// Whether the remote's tags were fetched in this run: then these are read, not those of the clone, which may have tags
    /// that were never pushed, or are another commit on the remote by now.
    pub(super) fn knows_tags(&self) -> bool {
        self.inner.tags_fetched.load(Ordering::Acquire)
    }

    /// The remote's tags are there.
    pub(super) fn tags_are_fetched(&self) {
        self.inner.tags_fetched.store(true, Ordering::Release);
    }

    /// Finds the repository that `path` is in, or is: a work tree or any folder in it, a linked
    /// worktree, a bare repository, a git directory (even one without a `config` file). A bare repository inside the work
    /// tree of another one is refused.
    ///
    /// # Errors
    /// `NotFound`, `Embedded`, `Owner` (with the safe.directory advice), `Unsupported` (SHA-256, reftable).
    pub fn discover(path: &Path) -> Result<Self, Failure> {
        Self::find(path, None)
    }

    /// The same for a path that the user gave: where it is a bare repository's own, that is opened wherever it lies.
    ///
    /// # Errors
    /// As [`Repo::discover`].
    pub fn named(path: &Path) -> Result<Self, Failure> {
        Self::find(path, Some(path))
    }

    fn find(path: &Path, named: Option<&Path>) -> Result<Self, Failure> {
        regular::check_pointers(path)?;
        // Before anything of it is read.
        let place = discover::find(path);
        if let Some(place) = &place {
            regular::check(&place.git, &place.common)?;
            place.refuse_embedded(named)?;
        }
        let found =
            git2::Repository::discover(path).map_err(|error| match (&place, error.code()) {
                (_, git2::ErrorCode::NotFound) => not_found(path),
                (Some(place), git2::ErrorCode::Owner) => Failure::owner(&place.root),
                _ => Failure::from_git2(&error, "cannot open the repository", path),
            })?;
        Ok(Self::of(
            found.path().to_owned(),
            found.commondir().to_owned(),
            found.workdir().map(Path::to_owned),
            None,
        ))
    }

    /// A repository that a configuration names rather than the user's own place: nothing that its own configuration or
    /// hooks say is obeyed. It is seen through a view, which is kept below `folder`.
    ///
    /// # Errors
    /// As [`Repo::discover`]; `Refused` where the view cannot be written.
    pub fn other(outside: &Outside, folder: &Path) -> Result<Self, Failure> {
        let view = outside.seen().keep(folder)?;
        let place = outside.seen().found.clone();
        let failed = |error: &git2::Error| {
            Failure::from_git2(error, "cannot open the repository", &place.root)
        };
        git2::Repository::open(&view).map_err(|error| failed(&error))?;
        let work =
            (place.root != place.git && place.root != place.common).then(|| place.root.clone());
        Ok(Self::of(view.clone(), view, work, Some(place)))
    }

    /// Of what is looked at from outside, a git directory that only its configuration is in.
    pub(super) fn sketched(folder: &Path, place: &Found) -> Self {
        Self::of(
            folder.to_owned(),
            folder.to_owned(),
            None,
            Some(place.clone()),
        )
    }

    /// Finds what a configuration names, by the names of files alone.
    pub(super) fn find_outside(path: &Path) -> Result<Found, Failure> {
        regular::check_pointers(path)?;
        let place = discover::find(path).ok_or_else(|| not_found(path))?;
        regular::check(&place.git, &place.common)?;
        place.refuse_embedded(None)?;
        Ok(place)
    }

    /// Refuses a path that leads to a bare repository inside the work tree of another one. What is no repository passes.
    ///
    /// # Errors
    /// `Embedded`, with both places.
    pub fn refuse_embedded(path: &Path) -> Result<(), Failure> {
        discover::find(path).map_or(Ok(()), |found| found.refuse_embedded(None))
    }

    fn of(git: PathBuf, common: PathBuf, work: Option<PathBuf>, other: Option<Found>) -> Self {
        static TUNED: Once = Once::new();
        // libgit2 reads no object: not those that a new ref or tree names, either. Whoever makes one has read them.
        TUNED.call_once(|| git2::opts::strict_object_creation(false));
        Self {
            inner: Arc::new(Inner {
                git,
                common,
                work,
                other,
                facts: Mutex::default(),
                idle: Idle::default(),
                tags_fetched: AtomicBool::default(),
                looked: Mutex::default(),
            }),
            cache: None,
            address: None,
            fetch_missing: false,
        }
    }

    /// The address that it is a mirror of: who is asking is told to Git from there, and kept nowhere.
    #[must_use]
    pub fn with_address(mut self, address: &Address) -> Self {
        self.address = Some(Arc::new(address.clone()));
        self
    }

    /// Objects that a partial clone left out are fetched when they are needed; without this they are missing, and told so.
    #[must_use]
    pub fn fetching_missing(mut self, fetch: bool) -> Self {
        self.fetch_missing = fetch;
        self
    }

    /// The address of [`Repo::with_address`].
    pub(super) fn address(&self) -> Option<&Address> {
        self.address.as_deref()
    }

    /// Whether missing objects may be fetched.
    pub(super) fn fetches_missing(&self) -> bool {
        self.fetch_missing
    }

    /// What a child of it is told.
    pub(super) fn told(&self) -> Told {
        Told {
            other: self.inner.other.is_some(),
            fetch_missing: self.fetch_missing,
            ..Told::default()
        }
    }

    /// Where it really is, of one that is seen through a view.
    pub(super) fn elsewhere(&self) -> Option<&Found> {
        self.inner.other.as_ref()
    }

    /// Keeps what walks over history find, and what the files of a large matrix say, in files in `folder`, so that the next
    /// begins where they ended. Safe to delete at any time; without it every walk is whole.
    #[must_use]
    pub fn with_cache(mut self, folder: &Path) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// The folder of [`Repo::with_cache`].
    pub(super) fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The git directory of this work tree.
    pub fn git_dir(&self) -> &Path {
        &self.inner.git
    }

    /// The git directory that holds objects and refs; differs from `git_dir` in a linked worktree.
    pub fn common_dir(&self) -> &Path {
        &self.inner.common
    }

    /// The root of the work tree; `None` in a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.inner.work.as_deref()
    }

    /// The repository's name as people know it: the folder's, without `.git`.
    pub fn name(&self) -> String {
        let place = self.place();
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(".git").unwrap_or(&name).to_owned()
    }

    /// Where people know it to be.
    pub fn place(&self) -> &Path {
        let git = self
            .inner
            .other
            .as_ref()
            .map_or(self.git_dir(), |found| &found.git);
        self.work_dir().unwrap_or(git)
    }

    /// Opens it for one use on this thread.
    pub(super) fn open(&self) -> Result<git2::Repository, Failure> {
        self.fit_lately()?;
        git2::Repository::open(&self.inner.git)
            .map_err(|error| self.error(&error, "cannot open the repository"))
    }

    /// Refuses it where one of its files would be waited for: see [`regular`].
    ///
    /// # Errors
    /// `Damaged`, with the file.
    pub(super) fn fit(&self) -> Result<(), Failure> {
        regular::check(&self.inner.git, &self.inner.common)
    }

    /// The same, unless it was found good a moment ago.
    fn fit_lately(&self) -> Result<(), Failure> {
        let mut looked = self
            .inner
            .looked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if looked.is_some_and(|looked| looked.elapsed() < LENT_FOR) {
            return Ok(());
        }
        *looked = None;
        self.fit()?;
        *looked = Some(Instant::now());
        Ok(())
    }

    /// Opens it to read objects, or gives what was opened for that a moment ago and nobody uses any more.
    pub(super) fn lend(&self) -> Result<Opened, Failure> {
        let mut idle = self.inner.idle.lock();
        idle.retain(|(opened, _)| opened.elapsed() < LENT_FOR);
        // Nobody else can take it: it is taken under the lock only.
        let free = idle
            .iter()
            .find(|(_, opened)| Arc::strong_count(opened) == 1);
        if let Some((_, free)) = free {
            return Ok(Arc::clone(free));
        }
        let opened = Arc::new(Mutex::new(self.open()?));
        idle.push((Instant::now(), Arc::clone(&opened)));
        Ok(opened)
    }

    /// Closes what was opened to read objects some time ago: a console that waits for changes holds no deleted packs.
    pub(super) fn close_stale(&self) {
        let mut idle = self.inner.idle.lock();
        idle.retain(|(opened, _)| opened.elapsed() < LENT_FOR);
    }

    /// Closes what was opened to read objects and is not used now.
    pub(super) fn close_idle(&self) {
        let mut idle = self.inner.idle.lock();
        idle.retain(|(_, opened)| Arc::strong_count(opened) > 1);
    }

    /// libgit2's error met while doing `what`.
    pub(super) fn error(&self, error: &git2::Error, what: &str) -> Failure {
        Failure::from_git2(error, what, self.place())
    }

    /// The address of a remote, as configured and with `insteadOf` applied; it may hold credentials.
    pub fn remote_url(&self, remote: &str) -> Option<String> {
        let repository = self.open().ok()?;
        let found = repository.find_remote(remote).ok()?;
        found.url().ok().map(str::to_owned)
    }

    /// The address of a remote as its configuration writes it, before `insteadOf`; it may hold credentials.
    pub fn remote_called(&self, remote: &str) -> Option<String> {
        let config = self.open().ok()?.config().ok()?;
        config.get_string(&format!("remote.{remote}.url")).ok()
    }

    /// The addresses of all remotes, without what is secret in them.
    pub fn remote_urls(&self) -> Vec<String> {
        let Ok(repository) = self.open() else {
            return Vec::new();
        };
        let names = repository.remotes().ok();
        let names = names.iter().flat_map(git2::string_array::StringArray::iter);
        let urls = names
            .flatten()
            .flatten()
            .filter_map(|name| self.remote_url(name));
        urls.map(|url| crate::domain::address::plain(&url))
            .collect()
    }

    /// The hooks of this clone that `git commit` would run, by name, in the order in which it would. Blocking; asks `git`.
    ///
    /// # Errors
    /// `Program` where Git does not say where they are.
    pub fn commit_hooks(&self) -> Result<Vec<&'static str>, Failure> {
        const HOOKS: [&str; 4] = [
            "pre-commit",
            "prepare-commit-msg",
            "commit-msg",
            "post-commit",
        ];
        let folder = self.hooks_folder()?;
        let runs = |name: &&str| publish::runs(&folder.join(name));
        Ok(HOOKS.into_iter().filter(runs).collect())
    }

    /// Whether hooks of it may run at all: those of a repository that a configuration names never do.
    pub fn has_own_hooks(&self) -> bool {
        self.elsewhere().is_none()
    }

    /// Where Git looks for them, as it says itself: it knows every place of a configuration. Blocking; asks `git`.
    ///
    /// # Errors
    /// `Program` where it does not say.
    pub(super) fn hooks_folder(&self) -> Result<PathBuf, Failure> {
        // Through a view, which has none of its own.
        if let Some(found) = self.elsewhere() {
            return Ok(found.common.join("hooks"));
        }
        let asks = Child::new(self, ["rev-parse", "--git-path", "hooks"]).looking();
        let said = asks.run_blocking()?;
        let path = said.stdout.strip_suffix('\n').unwrap_or(&said.stdout);
        if !said.status.success() || path.is_empty() {
            let said = reported(&said.stderr);
            let why = format!("Git does not say where its hooks are: {said}");
            return Err(Failure::new(FailureKind::Program, why));
        }
        // A relative one is from where it was asked, at which hooks run too.
        Ok(self.work_dir().unwrap_or(self.git_dir()).join(path))
    }

    /// Whether history ends early here.
    pub fn is_shallow(&self) -> bool {
        self.inner.common.join("shallow").exists()
    }

    /// What files say, kept between commits. Nothing is left half-done in it, so a panic elsewhere does not spoil it.
    pub(super) fn facts(&self) -> MutexGuard<'_, FactsCache> {
        self.inner
            .facts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(path: &Path) -> Failure {
    let why = if path.exists() {
        "is not in a Git repository"
    } else {
        "does not exist"
    };
    let shown = match path.to_str() {
        Some(text) if Address::is_meant(text) => shown(text),
        _ => path.display().to_string(),
    };
    Failure::new(FailureKind::NotFound, format!("{shown} {why}")).hint(
        "Run tidegate inside a clone of the deployment repository, or name one with --repo PATH or --repo URL",
    )
}
