//! What Tidegate remembers between runs: the last matrix, staged changes, the activity log.
//!
//! One folder per repository below the user's state folder. Everything here can be lost without harm: a file that cannot
//! be read counts as absent. Writers take a lock and replace whole files, so that two Tidegates never mix their bytes.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::files::{self, Links};
use crate::domain::text::escape_json;

mod deliveries;

pub use deliveries::{Keeping, Left};

/// Environment variable that replaces the user's state folder.
pub const STATE_DIR_VARIABLE: &str = "TIDEGATE_STATE_DIR";

/// The activity log is cut to its newer half when it grows beyond this many bytes.
const ACTIVITY_LIMIT: u64 = 4 << 20;

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

    /// Reads `name`; `None` where it is absent, unreadable, or of another form than today's.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let bytes = files::read(&self.folder.join(name), Links::Refused, files::KEPT).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Replaces `name` with `value` in one step.
    pub fn save<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let _lock = self.lock()?;
        replace(&self.folder, &self.folder.join(name), value)
    }

    /// Appends one line of JSON to the activity log.
    pub fn append_activity<T: Serialize>(&self, entry: &T) -> io::Result<()> {
        let _lock = self.lock()?;
        let path = self.folder.join("activity.jsonl");
        if fs::metadata(&path).is_ok_and(|data| data.len() > ACTIVITY_LIMIT) {
            let text = files::read(&path, Links::Refused, files::KEPT)?.unwrap_or_default();
            let half = text.len() / 2;
            let cut = text[half..]
                .iter()
                .position(|b| *b == b'\n')
                .map_or(text.len(), |i| half + i + 1);
            fs::write(&path, &text[cut..])?;
        }
        let line = serde_json::to_string(entry)?;
        let line = format!("{}\n", escape_json(&line));
        files::open_append(&path)?.write_all(line.as_bytes())
    }

    fn lock(&self) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let file = files::open_lock(&self.folder.join("lock"))?;
        file.lock()?;
        Ok(file)
    }
}

/// Writes a file of `folder` in one step.
fn replace<T: Serialize>(folder: &Path, path: &Path, value: &T) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut text = io::BufWriter::new(&mut file);
    serde_json::to_writer(&mut text, value)?;
    text.flush()?;
    drop(text);
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
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
        assert_eq!(store.load::<Vec<u32>>("x.json"), None, "absent");
        store.save("x.json", &vec![1, 2]).unwrap();
        store.save("x.json", &vec![3]).unwrap();
        assert_eq!(store.load::<Vec<u32>>("x.json"), Some(vec![3]));
        fs::write(store.folder().join("x.json"), b"[3").unwrap();
        assert_eq!(store.load::<Vec<u32>>("x.json"), None, "damaged");
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
