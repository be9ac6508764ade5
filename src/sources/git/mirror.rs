//! A repository that is named by its address: a bare mirror of it in a folder of ours, kept up to date by the user's
//! own `git`.
//!
//! The mirror has the remote's branches as `refs/remotes/origin/*` and none of its own, so that reading from it and
//! publishing from it are what they are in any clone. It is whole: reading the history of versions needs the files of
//! every commit that changed one, and asking the remote for them afterwards takes longer than having them.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use jiff::Timestamp;

use super::{
    Child, Repo,
    transport::{PATIENCE, reported, silent, unreachable},
};

use crate::{
    domain::{
        address::Address,
        failure::{Failure, FailureKind},
    },
    sources::files,
};

/// A word on how far a clone is, this often.
const EVERY: Duration = Duration::from_secs(5);
/// Its name for the remote.
const REMOTE: &str = "origin";

/// A mirror that is there.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// The clone.
    pub repo: Repo,
    /// Whether it was made just now, and so has everything that the remote has.
    pub new: bool,
    folder: PathBuf,
    /// The address without credentials.
    shown: String,
}

impl Repo {
    /// The mirror of the repository at `address` below `folder`; cloned now if it is not there yet, which `tell` hears of
    /// in sentences. One that is there is given as it is: [`Mirror::fetch`] brings it up to date. Blocking. Two processes
    /// that want the same one wait for each other; a clone that was interrupted is begun again.
    ///
    /// # Errors
    /// `Network` with the server's words, `Refused` where the folder cannot be written, `Program` without `git`.
    pub fn mirror(
        address: &Address,
        folder: &Path,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Mirror, Failure> {
        let shown = address.to_string();
        let folder = folder.join(key(&shown)?);
        let place = folder.join(format!("{}.git", name(&shown)));
        let refused = |error: &io::Error| cannot_write(&folder, error);
        private(&folder).map_err(|error| refused(&error))?;
        let lock = lock(&folder, tell).map_err(|error| refused(&error))?;
        let there = place.exists();
        let new = !there || !is_whole(&place);
        if there && new {
            // Something tidied the cache folder half away: nothing in a mirror is anybody's work.
            tell(&format!(
                "the mirror of {shown} has lost its objects; it is made anew"
            ));
            fs::remove_dir_all(&place).map_err(|error| refused(&error))?;
        }
        if new {
            if let Some(all) = folder.parent() {
                sweep(all, &folder);
            }
            clone(address, &folder, &place, tell).inspect_err(|_| forget(&folder))?;
            let _ = lock.set_modified(SystemTime::now());
        }
        Ok(Mirror {
            repo: Self::of_mirror(&place, address)?,
            new,
            folder,
            shown,
        })
    }

    /// The mirror of the repository at `address` below `folder`, where there is one already. Reads no network.
    ///
    /// # Errors
    /// As [`Repo::discover`].
    pub fn known_mirror(address: &Address, folder: &Path) -> Result<Option<Self>, Failure> {
        let shown = address.to_string();
        let place = folder
            .join(key(&shown)?)
            .join(format!("{}.git", name(&shown)));
        place
            .exists()
            .then(|| Self::of_mirror(&place, address))
            .transpose()
    }

    /// A mirror has its address without credentials. Earlier releases wrote them into its configuration.
    fn of_mirror(place: &Path, address: &Address) -> Result<Self, Failure> {
        let repo = Self::named(place)?;
        let shown = address.to_string();
        let repository = repo.open()?;
        let failed =
            |error: &git2::Error| repo.error(error, "cannot set the address of the mirror");
        let written = || {
            repository
                .config()?
                .open_level(git2::ConfigLevel::Local)?
                .get_string("remote.origin.url")
        };
        if written().ok().as_deref() != Some(&shown) {
            repository
                .remote_set_url(REMOTE, &shown)
                .map_err(|error| failed(&error))?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let file = place.join("config");
                let _ = fs::set_permissions(file, fs::Permissions::from_mode(0o600));
            }
        }
        Ok(repo.with_address(address))
    }
}

impl Mirror {
    /// Fetches every branch and tag, and forgets those that are gone. Blocking.
    ///
    /// # Errors
    /// `Network` with the server's words and the time of the last fetch: what is there is as old as that.
    pub fn fetch(&self) -> Result<(), Failure> {
        let lock =
            lock(&self.folder, &mut |_| {}).map_err(|error| cannot_write(&self.folder, &error))?;
        let before = lock.metadata().and_then(|data| data.modified()).ok();
        let fetched = fetch(&self.repo, &self.shown, &mut |_| {});
        fetched.map_err(|mut error| {
            if let Some(at) = before.and_then(|at| Timestamp::try_from(at).ok()) {
                let at = at.strftime("%Y-%m-%d %H:%M UTC");
                error.why = format!("{}; its mirror is as of {at}", error.why);
            }
            error
        })?;
        let _ = lock.set_modified(SystemTime::now());
        // Which branch is the server's default is the server's to say, each time; where it does not, the last answer holds.
        let followed = set_head(&self.repo, &self.shown);
        if self.repo.base(None).is_err() {
            followed?;
        }
        Ok(())
    }

    /// The address, without credentials.
    pub fn address(&self) -> &str {
        &self.shown
    }
}

/// What the folder of an address without credentials is called.
fn key(address: &str) -> Result<String, Failure> {
    let hash = git2::Oid::hash_object(
        git2::ObjectType::Blob,
        address.trim_end_matches('/').as_bytes(),
    );
    let hash = hash.map_err(|error| {
        Failure::new(
            FailureKind::Other,
            format!("cannot name the mirror: {error}"),
        )
    })?;
    Ok(hash.to_string()[..16].to_owned())
}

/// What people call the repository: the last part of its address.
fn name(address: &str) -> String {
    let path = address.trim_end_matches('/');
    let last = path.rsplit(['/', ':']).next().unwrap_or_default();
    let last = last.strip_suffix(".git").unwrap_or(last);
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = last.replace(|c| !safe(c), "-");
    match name.trim_start_matches('.') {
        "" => "repository".to_owned(),
        name => name.to_owned(),
    }
}

/// Makes the folder, for this user alone: what is mirrored may be nobody else's business.
fn private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// What a lock and the time of the last fetch are kept in.
const FETCHED: &str = "fetched";

/// Held while a mirror is cloned or fetched; its modification time is that of the last fetch.
fn lock(folder: &Path, tell: &mut dyn FnMut(&str)) -> io::Result<File> {
    loop {
        let file = files::open_lock(&folder.join(FETCHED))?;
        if file.try_lock().is_err() {
            tell("another Tidegate is fetching the same repository; waiting for it");
            file.lock()?;
        }
        // Who held it may have failed to clone, and have taken the folder away with it.
        if is_at(&file, &folder.join(FETCHED)) {
            return Ok(file);
        }
        private(folder)?;
    }
}

/// Whether an open file is still the one of that name.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        let named = fs::symlink_metadata(path);
        file.metadata()
            .is_ok_and(|open| named.is_ok_and(|named| same(open, named)))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Whether what stands there can be read: the commit of its branch, where it has one.
fn is_whole(place: &Path) -> bool {
    let Ok(repo) = Repo::named(place) else {
        return false;
    };
    match repo.base(None) {
        Ok(base) => repo.commit_info(base.commit).is_ok(),
        // A repository without branches, or with none that is read by default: fetching says more.
        Err(error) => error.kind == FailureKind::Unknown && place.join("objects").is_dir(),
    }
}

/// Takes away the folder of a mirror that could not be made: an address that was mistyped leaves nothing. Called under its
/// lock.
fn forget(folder: &Path) {
    let others = fs::read_dir(folder).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name() != FETCHED)
            .count()
    });
    if others == 0 {
        let _ = fs::remove_file(folder.join(FETCHED));
        let _ = fs::remove_dir(folder);
    }
}

/// Takes away what clones of other addresses left that did not come to their end. One that is under way holds its lock.
fn sweep(all: &Path, mine: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let folder = entry.path();
        if folder == mine || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let halves = || {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.path())
                .filter(|path| path.extension() == Some(OsStr::new("tmp")))
        };
        if halves().next().is_none() {
            continue;
        }
        let Ok(lock) = files::open_lock(&folder.join(FETCHED)) else {
            continue;
        };
        if lock.try_lock().is_err() {
            continue;
        }
        for half in halves() {
            let _ = fs::remove_dir_all(half);
        }
        forget(&folder);
    }
}

/// Clones into a folder of another name first: what stands at `place` is always whole.
fn clone(
    address: &Address,
    folder: &Path,
    place: &Path,
    tell: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let shown = &address.to_string();
    let refused = |error: &io::Error| cannot_write(folder, error);
    for left in fs::read_dir(folder)
        .map_err(|error| refused(&error))?
        .flatten()
    {
        if left.path().extension() == Some(OsStr::new("tmp")) {
            // Of a clone that did not come to its end.
            let _ = fs::remove_dir_all(left.path());
        }
    }
    let started = Instant::now();
    tell(&format!("cloning {shown} into {}", place.display()));
    let half = folder.join(format!("{}.tmp", std::process::id()));
    let made = || -> Result<(), git2::Error> {
        // Not `git init`: the user's Git may be told to make repositories of a kind that we cannot read.
        let repository = git2::Repository::init_bare(&half)?;
        repository.remote(REMOTE, shown)?;
        let mut config = repository.config()?;
        let key = "remote.origin.fetch";
        config.set_str(key, "+refs/heads/*:refs/remotes/origin/*")?;
        config.set_multivar(key, "^$", "+refs/tags/*:refs/tags/*")
    };
    let cloned = made()
        .map_err(|error| Failure::from_git2(&error, "cannot make the mirror", &half))
        .and_then(|()| Repo::named(&half).map(|repo| repo.with_address(address)))
        .and_then(|repo| {
            let mut progress = Progress::new(tell);
            fetch(&repo, shown, &mut |message| progress.hear(message))?;
            set_head(&repo, shown)
        })
        .and_then(|()| fs::rename(&half, place).map_err(|error| refused(&error)));
    match cloned {
        Ok(()) => {
            tell(&format!(
                "cloned in {:.1} s",
                started.elapsed().as_secs_f64()
            ));
            Ok(())
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&half);
            Err(error)
        }
    }
}

fn fetch(repo: &Repo, shown: &str, hear: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    // Git tidies up by itself here, as it does in any clone: nobody else would.
    let arguments = [
        "fetch",
        "--progress",
        "--prune",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        REMOTE,
    ];
    run(repo, &arguments, shown, hear)
}

fn set_head(repo: &Repo, shown: &str) -> Result<(), Failure> {
    let ended = run(
        repo,
        &["remote", "set-head", REMOTE, "--auto"],
        shown,
        &mut |_| {},
    );
    match ended {
        // An empty repository, or one whose HEAD names no branch: which branch to read is then asked for where it is read.
        Err(error) if error.why.contains("determine remote HEAD") => Ok(()),
        other => other,
    }
}

fn run(
    repo: &Repo,
    arguments: &[&str],
    shown: &str,
    hear: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let child = Child::new(repo, arguments.iter().copied());
    let Some(output) = child.run_heard(PATIENCE, hear)? else {
        return Err(silent(shown, PATIENCE));
    };
    if output.status.success() {
        return Ok(());
    }
    let lines = output.stderr.split(['\r', '\n']);
    let lines: Vec<&str> = lines.filter(|line| !is_progress(line)).collect();
    Err(unreachable(shown, &reported(&lines.join("\n"))))
}

fn is_progress(line: &str) -> bool {
    line.contains("% (") || line.contains("Enumerating objects") || line.ends_with(", done.")
}

/// Says now and then how far a clone is, from what `git` says many times a second.
struct Progress<'a> {
    tell: &'a mut dyn FnMut(&str),
    told: Instant,
}

impl<'a> Progress<'a> {
    fn new(tell: &'a mut dyn FnMut(&str)) -> Self {
        Self {
            tell,
            told: Instant::now(),
        }
    }

    fn hear(&mut self, message: &str) {
        if self.told.elapsed() < EVERY {
            return;
        }
        let latest = message
            .split(['\r', '\n'])
            .rfind(|line| line.contains("% ("));
        if let Some(latest) = latest {
            let latest = latest.trim_start_matches("remote:").trim();
            (self.tell)(&latest.to_lowercase());
            self.told = Instant::now();
        }
    }
}

fn cannot_write(folder: &Path, error: &io::Error) -> Failure {
    Failure::new(
        FailureKind::Refused,
        format!("cannot write {}: {error}", folder.display()),
    )
    .hint("Mirrors of repositories that are named by an address are kept there; clone it yourself and name the clone otherwise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_named_like_its_repository_whatever_the_credentials() {
        let cases = [
            ("https://h/a/deploy.git", "deploy"),
            ("git@h:deploy.git/", "deploy"),
            ("https://h/..", "repository"),
            ("https://h/a b", "a-b"),
        ];
        for (address, expected) in cases {
            assert_eq!(name(address), expected, "{address}");
        }
        let same = key("https://h/a").unwrap();
        let again = Address::parse("https://user:token@h/a/").unwrap();
        assert_eq!(key(&again.to_string()).unwrap(), same);
        assert_ne!(key("https://h/b").unwrap(), same);
        assert_ne!(key("git@h:a").unwrap(), key("other@h:a").unwrap());
    }
}
