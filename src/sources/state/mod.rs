//! What Tidegate remembers between runs: the last matrix, staged changes, the activity log.
//!
//! One folder per repository below the user's state folder. Everything here can be lost without harm to a repository;
//! what is kept says in which form, and what cannot be read is said, never guessed. Writers take a lock and replace whole files, so that two Tidegates never mix their bytes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    files::{self, Links, Why},
    waiting::{self, Waiting},
};
use crate::domain::text::escape_json;

mod deliveries;
mod text;
mod writer;

pub use deliveries::{Keeping, Left};
pub use writer::Writer;

/// Environment variable that replaces the user's state folder.
pub const STATE_DIR_VARIABLE: &str = "TIDEGATE_STATE_DIR";

/// The activity log is cut to its newer half when it grows beyond this many bytes.
const ACTIVITY_LIMIT: u64 = 4 << 20;

/// Whoever writes is done within milliseconds; one that was stopped meanwhile is not waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// How often a lock is tried.
const TRY_EVERY: Duration = Duration::from_millis(10);

/// One repository's folder of remembered things.
#[derive(Clone, Debug)]
pub struct StateStore {
    folder: PathBuf,
}

impl StateStore {
    /// The store of the repository whose Git directory is `git_dir`. Nothing is created yet.
    ///
    /// `None` where the user has no home to keep state in.
    pub fn of_repository(git_dir: &Path) -> Option<Self> {
        let canonical = git_dir
            .canonicalize()
            .unwrap_or_else(|_| git_dir.to_owned());
        let name = canonical
            .components()
            .rev()
            .filter_map(|part| part.as_os_str().to_str())
            .find(|part| *part != ".git")
            .unwrap_or("repository")
            .trim_end_matches(".git")
            .to_owned();
        let folder = state_root()?.join(format!(
            "{name}-{:016x}",
            fingerprint(canonical.as_os_str().as_encoded_bytes())
        ));
        Some(Self { folder })
    }

    /// A store in exactly this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Where it keeps its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads `name`; `None` where it is absent.
    ///
    /// # Errors
    /// A sentence where it cannot be read, or was written in another form than today's.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, String> {
        let _waiting = waiting::reading(&self.folder);
        read_kept(&self.folder.join(name), files::KEPT).map_err(String::from)
    }

    /// Reads `name`, or begins anew, with what is in the way in a sentence: what is damaged is put aside, and what another
    /// version keeps is left to it, so that [`StateStore::update`] keeps nothing here.
    pub fn load_or_begin<T: DeserializeOwned + Default>(&self, name: &str) -> (T, Option<String>) {
        let read = {
            let _waiting = waiting::reading(&self.folder);
            read_kept(&self.folder.join(name), files::KEPT)
        };
        let told = match read {
            Ok(kept) => return (kept.unwrap_or_default(), None),
            Err(Unread::Other(why)) => left_alone(&why),
            Err(Unread::Damaged(why)) => match self.put_aside(name) {
                Ok(path) => begins_anew(&why, &path),
                Err(error) => format!("{why}; it cannot be put aside: {error}"),
            },
        };
        (T::default(), Some(told))
    }

    /// Puts aside what cannot be read, so that nothing is written over it, nor over what was put aside before; its new path.
    ///
    /// # Errors
    /// Of the disk.
    pub fn put_aside(&self, name: &str) -> io::Result<PathBuf> {
        let _waiting = self.writing();
        let _lock = self.lock()?;
        self.aside(name)
    }

    /// The same, with the lock held.
    fn aside(&self, name: &str) -> io::Result<PathBuf> {
        let numbered = (2..MOST_ASIDE).map(|number| format!("{name}.unread.{number}"));
        let names = std::iter::once(format!("{name}.unread")).chain(numbered);
        let mut paths = names.map(|name| self.folder.join(name));
        let free = paths.find(|path| fs::symlink_metadata(path).is_err());
        // Whoever has so many has seen them told so often.
        let aside = free.unwrap_or_else(|| self.folder.join(format!("{name}.unread")));
        fs::rename(self.folder.join(name), &aside)?;
        Ok(aside)
    }

    /// Replaces `name` with `value` in one step.
    pub fn save<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let _waiting = self.writing();
        let _lock = self.lock()?;
        write_kept(&self.folder.join(name), value)
    }

    /// Changes `name` in one step, whoever else changes it: what `change` makes of what is kept is kept. What is damaged is put
    /// aside and begins anew; that is said in a sentence.
    ///
    /// # Errors
    /// Of the disk, and where another version keeps it: that is left alone.
    pub fn update<T: Serialize + DeserializeOwned + Default, R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut T) -> R,
    ) -> io::Result<(R, Option<String>)> {
        let _waiting = self.writing();
        let _lock = self.lock()?;
        let path = self.folder.join(name);
        let (mut kept, problem) = match read_kept(&path, files::KEPT) {
            Ok(kept) => (kept.unwrap_or_default(), None),
            Err(Unread::Other(why)) => return Err(io::Error::other(left_alone(&why))),
            Err(Unread::Damaged(why)) => {
                let aside = self.aside(name)?;
                (T::default(), Some(begins_anew(&why, &aside)))
            }
        };
        let answer = change(&mut kept);
        write_kept(&path, &kept)?;
        Ok((answer, problem))
    }

    /// Appends one line of JSON to the activity log.
    pub fn append_activity<T: Serialize>(&self, entry: &T) -> io::Result<()> {
        let _waiting = self.writing();
        let _lock = self.lock()?;
        let path = self.folder.join("activity.jsonl");
        if fs::symlink_metadata(&path).is_ok_and(|data| data.len() > ACTIVITY_LIMIT) {
            let text = match files::read(&path, Links::Refused, files::KEPT) {
                // Nothing of ours grew so large: what is in it is not worth reading.
                Err(error) if matches!(error.why, Why::TooLarge(_)) => Vec::new(),
                text => text?.unwrap_or_default(),
            };
            let half = text.len() / 2;
            let cut = text[half..]
                .iter()
                .position(|b| *b == b'\n')
                .map_or(text.len(), |i| half + i + 1);
            // As a whole: whoever is killed here has lost nothing.
            replace(&path, &text[cut..])?;
        }
        let line = serde_json::to_string(entry)?;
        let line = escape_json(&line);
        // What was cut off in the middle stays a line of its own.
        let begin = if ends_in_a_line(&path) { "" } else { "\n" };
        files::open_append(&path)?.write_all(format!("{begin}{line}\n").as_bytes())
    }

    /// Waits so long until nobody else has what is called `name`, which is held until it is dropped; `None` where somebody has
    /// it still. Blocking.
    ///
    /// # Errors
    /// Of the disk.
    pub fn alone(&self, name: &str, patience: Duration) -> io::Result<Option<File>> {
        make_private(&self.folder)?;
        hold(&self.folder.join(name), patience)
    }

    fn lock(&self) -> io::Result<File> {
        make_private(&self.folder)?;
        let path = self.folder.join("lock");
        hold(&path, LOCK_PATIENCE)?.ok_or_else(|| {
            let why = format!(
                "another process holds {}, and does not let go of it",
                path.display()
            );
            io::Error::new(io::ErrorKind::WouldBlock, why)
        })
    }

    fn writing(&self) -> Waiting {
        waiting::on(format!("writing to {}", self.folder.display()))
    }
}

/// Whether what is added to a file begins a line.
fn ends_in_a_line(path: &Path) -> bool {
    use std::os::unix::fs::FileExt as _;
    let last = || {
        let file = files::open(path, Links::Refused).ok()??;
        let at = file.metadata().ok()?.len().checked_sub(1)?;
        let mut last = [0];
        file.read_exact_at(&mut last, at).ok()?;
        Some(last[0])
    };
    last().is_none_or(|last| last == b'\n')
}

/// Makes a folder, and those above it, for their owner alone where they are not there.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// So many files of one name are put aside, none over another.
const MOST_ASIDE: u32 = 10;

/// The form of what is kept here. One that reads another says so, and leaves it alone.
const FORM: u32 = 1;

/// A value as it is written.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    form: u32,
    kept: T,
}

fn write_kept<T: Serialize>(path: &Path, kept: T) -> io::Result<()> {
    let kept = Kept { form: FORM, kept };
    replace(path, &serde_json::to_vec(&kept)?)
}

/// Why something that is there is not read.
enum Unread {
    /// Another version of Tidegate keeps it in a form of its own.
    Other(String),
    /// Anything else.
    Damaged(String),
}

impl From<Unread> for String {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Other(why) | Unread::Damaged(why) => why,
        }
    }
}

fn left_alone(why: &str) -> String {
    format!("{why}; it is left alone, and nothing more is kept here")
}

fn begins_anew(why: &str, aside: &Path) -> String {
    format!("{why}; {} has it, and it begins anew", aside.display())
}

/// Reads what [`write_kept`] wrote; `None` where there is no such file.
fn read_kept<T: DeserializeOwned>(path: &Path, largest: u64) -> Result<Option<T>, Unread> {
    let bytes = files::read(path, Links::Refused, largest);
    let Some(bytes) = bytes.map_err(|error| Unread::Damaged(error.to_string()))? else {
        return Ok(None);
    };
    let form: Result<Kept<IgnoredAny>, _> = serde_json::from_slice(&bytes);
    match form {
        Ok(kept) if kept.form != FORM => Err(Unread::Other(format!(
            "kept by another version of Tidegate (form {}, this one reads form {FORM})",
            kept.form
        ))),
        _ => serde_json::from_slice(&bytes)
            .map(|kept: Kept<T>| Some(kept.kept))
            .map_err(|error| Unread::Damaged(format!("cannot be read: {error}"))),
    }
}

/// Takes the lock at `path`; `None` where another process does not let go of it for so long.
fn hold(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let until = Instant::now() + patience;
    loop {
        let file = files::open_lock(path)?;
        match file.try_lock() {
            // A file that was taken away meanwhile keeps nobody out: the next one there is another.
            Ok(()) if stands_at(&file, path)? => return Ok(Some(file)),
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(TRY_EVERY),
            Err(TryLockError::WouldBlock) => return Ok(None),
        }
    }
}

/// Whether an open file is the one at `path`.
fn stands_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file in one step. Who writes it holds its lock: what is in the place of the new one was left by somebody who is
/// gone, and makes room for it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = unfinished(path);
    remove(&new)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options
        .open(&new)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = remove(&new);
    }
    written
}

/// Where a file is written before it takes its place.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

/// How the names of files end that are being written.
const UNFINISHED: &str = ".tmp";

/// Removes a file that may not be there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// FNV-1a: the same folder name on every release of the compiler, which the standard hasher does not promise.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The user's state folder: `TIDEGATE_STATE_DIR`, or where the platform keeps such things.
pub fn state_root() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(STATE_DIR_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    let places = directories::ProjectDirs::from("", "", "tidegate")?;
    Some(
        places
            .state_dir()
            .unwrap_or_else(|| places.data_local_dir())
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_and_replaces_and_survives_damage() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path().join("deep/er"));
        assert_eq!(store.load::<Vec<u32>>("x.json"), Ok(None), "absent");
        store.save("x.json", &vec![1, 2]).unwrap();
        store.save("x.json", &vec![3]).unwrap();
        assert_eq!(store.load::<Vec<u32>>("x.json"), Ok(Some(vec![3])));
        for (name, bytes, why) in [
            (
                "cut off",
                "{\"form\":1,\"kept\":[3",
                "cannot be read: EOF while parsing a list at line 1 column 19",
            ),
            (
                "as before there were forms",
                "[3]",
                "cannot be read: invalid length 1, expected struct Kept with 2 elements at line 1 column 3",
            ),
            (
                "another form",
                "{\"form\":2,\"kept\":{\"numbers\":[3]}}",
                "kept by another version of Tidegate (form 2, this one reads form 1)",
            ),
        ] {
            fs::write(store.folder().join("x.json"), bytes).unwrap();
            let said = store.load::<Vec<u32>>("x.json").unwrap_err();
            assert_eq!(said, why, "{name}");
        }
    }

    #[test]
    fn several_change_one_file_and_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        store
                            .update("n.json", |count: &mut u32| *count += 1)
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(store.load("n.json"), Ok(Some(100)));
        fs::write(store.folder().join("n.json"), "{\"form\":1,\"kept\":\"x\"}").unwrap();
        let (count, problem) = store
            .update("n.json", |count: &mut u32| {
                *count += 1;
                *count
            })
            .unwrap();
        assert_eq!(count, 1, "it begins anew");
        let problem = problem.unwrap_or_default();
        assert!(problem.contains("cannot be read"), "{problem}");
        assert!(store.folder().join("n.json.unread").exists());
        fs::write(store.folder().join("n.json"), "again").unwrap();
        let (count, problem) = store.load_or_begin::<u32>("n.json");
        let problem = problem.unwrap_or_default();
        assert_eq!(count, 0);
        assert!(problem.contains("n.json.unread.2 has it"), "{problem}");
    }

    #[test]
    fn what_another_version_keeps_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        let theirs = "{\"form\":9,\"kept\":{\"n\":7}}";
        fs::write(store.folder().join("n.json"), theirs).unwrap();
        let (count, problem) = store.load_or_begin::<u32>("n.json");
        let problem = problem.unwrap_or_default();
        assert_eq!(count, 0);
        assert!(
            problem.ends_with("it is left alone, and nothing more is kept here"),
            "{problem}"
        );
        let error = store
            .update("n.json", |count: &mut u32| *count += 1)
            .unwrap_err();
        assert_eq!(error.to_string(), problem);
        let kept = fs::read_to_string(store.folder().join("n.json")).unwrap();
        assert_eq!(kept, theirs);
    }

    /// Links, pipes, folders and files of any size in the place of what is kept: nothing is followed, nothing waits, and what
    /// is not ours stays as it is.
    #[test]
    fn what_stands_in_the_place_of_kept_files_is_not_read_nor_written_through() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        type Put = fn(&Path, &Path);
        let puts: [(&str, Put); 6] = [
            ("a link", |at, precious| symlink(precious, at).unwrap()),
            ("a link to nothing", |at, _| symlink("nowhere", at).unwrap()),
            ("a link to itself", |at, _| {
                symlink(at.file_name().unwrap(), at).unwrap();
            }),
            ("a device", |at, _| symlink("/dev/zero", at).unwrap()),
            ("a folder", |at, _| fs::create_dir(at).unwrap()),
            ("a pipe", |at, _| {
                let made = std::process::Command::new("mkfifo").arg(at).status();
                assert!(made.unwrap().success());
            }),
        ];
        for (name, put) in puts {
            for file in ["lock", "activity.jsonl", "x.json"] {
                let scratch = tempfile::tempdir().unwrap();
                let precious = scratch.path().join("precious");
                fs::write(&precious, "[7]").unwrap();
                let folder = scratch.path().join("state");
                let store = StateStore::in_folder(&folder);
                make_private(&folder).unwrap();
                put(&folder.join(file), &precious);
                assert!(
                    !matches!(store.load::<Vec<u32>>("x.json"), Ok(Some(_))),
                    "{name} {file}"
                );
                let (saved, told) = (store.save("x.json", &[1]), store.append_activity(&"a"));
                assert_eq!(told.is_err(), file != "x.json", "{name} {file}: {told:?}");
                // A file that is replaced as a whole takes the place of anything but a folder.
                let in_the_way = file == "lock" || file == "x.json" && name == "a folder";
                assert_eq!(saved.is_err(), in_the_way, "{name} {file}: {saved:?}");
                assert_eq!(
                    fs::read_to_string(&precious).unwrap(),
                    "[7]",
                    "{name} {file}"
                );
                assert!(!folder.join("nowhere").exists(), "{name} {file}");
                let mode = fs::metadata(&folder).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "its owner's alone");
            }
        }
    }

    /// Who opened a lock before it was taken away, and locks it after that, does not have it.
    #[test]
    fn a_lock_that_was_taken_away_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let opened = files::open_lock(&path).unwrap();
        assert!(stands_at(&opened, &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!stands_at(&opened, &path).unwrap(), "nothing is there");
        let held = hold(&path, Duration::ZERO).unwrap().unwrap();
        assert!(!stands_at(&opened, &path).unwrap(), "another one is there");
        assert!(stands_at(&held, &path).unwrap());
        assert!(hold(&path, Duration::ZERO).unwrap().is_none());
    }

    #[test]
    fn a_lock_that_nobody_lets_go_of_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        let held = store.lock().unwrap();
        let error = store.append_activity(&"a").unwrap_err();
        assert!(
            error.to_string().contains("does not let go of it"),
            "{error}"
        );
        drop(held);
        store.append_activity(&"a").unwrap();
    }

    /// Whoever was killed while it wrote left a file of another name, or a line that has no end. The next writer's takes its
    /// place.
    #[test]
    fn what_a_killed_writer_left_harms_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        store.save("x.json", &[1]).unwrap();
        let unfinished = folder.path().join("x.json.tmp");
        fs::write(&unfinished, "[2").unwrap();
        assert_eq!(store.load::<Vec<u32>>("x.json"), Ok(Some(vec![1])));
        store.save("x.json", &[3]).unwrap();
        assert_eq!(store.load::<Vec<u32>>("x.json"), Ok(Some(vec![3])));
        assert!(!unfinished.exists());
        let precious = folder.path().join("precious");
        fs::write(&precious, "[7]").unwrap();
        std::os::unix::fs::symlink(&precious, &unfinished).unwrap();
        store.save("x.json", &[4]).unwrap();
        assert_eq!(store.load::<Vec<u32>>("x.json"), Ok(Some(vec![4])));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "[7]");
        let whole = serde_json::to_vec(&vec![12345_u32; 20]).unwrap();
        for cut in 0..whole.len() {
            fs::write(folder.path().join("x.json"), &whole[..cut]).unwrap();
            assert!(store.load::<Vec<u32>>("x.json").is_err(), "{cut}");
        }
        let path = folder.path().join("activity.jsonl");
        fs::write(&path, "\"cut o").unwrap();
        store.append_activity(&"next").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().last(),
            Some("\"next\""),
            "on a line of its own"
        );
    }

    #[test]
    fn the_activity_log_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        let path = folder.path().join("activity.jsonl");
        let line = format!("\"{}\"\n", "x".repeat(1 << 20));
        fs::write(&path, line.repeat(5)).unwrap();
        store.append_activity(&"last").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("\"last\"\n"));
        assert_eq!(text.lines().count(), 3, "the newer half and the new line");
        assert!(
            text.lines()
                .all(|line| line.starts_with('"') && line.ends_with('"'))
        );
    }
}
