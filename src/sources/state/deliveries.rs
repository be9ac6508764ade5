//! Deliveries that have not ended, kept so that they are taken up again when whoever followed them is gone.
//!
//! A file each, in a folder of their own, with a lock beside it that its follower holds: what is locked is followed by
//! somebody. What has ended is taken away.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{StateStore, replace};
use crate::{
    domain::delivery::{Delivery, DeliveryId},
    sources::files::{self, Links},
};

/// The form of what is written here. One that reads another says so, and leaves it alone.
const FORM: u32 = 1;

/// A delivery as it is written.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    form: u32,
    delivery: T,
}

/// The place of a delivery that this process follows: nobody else takes it up while this lives.
#[derive(Debug)]
pub struct Keeping {
    path: PathBuf,
    _lock: File,
}

/// What somebody left behind who is gone.
#[derive(Debug, Default)]
pub struct Left {
    /// Deliveries to go on with, oldest first, with their places.
    pub deliveries: Vec<(Delivery, Keeping)>,
    /// What cannot be taken up, a sentence each.
    pub problems: Vec<String>,
}

impl StateStore {
    fn deliveries(&self) -> PathBuf {
        self.folder.join("deliveries")
    }

    /// Makes the place of a delivery.
    ///
    /// # Errors
    /// Of the disk; `WouldBlock` where another process follows this very one.
    pub fn keep_delivery(&self, id: &DeliveryId) -> io::Result<Keeping> {
        let folder = self.deliveries();
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{id}.json"));
        let lock = locked(&path)?.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Keeping { path, _lock: lock })
    }

    /// What nobody follows any more. It is this process's then.
    pub fn left_deliveries(&self) -> Left {
        let mut left = Left::default();
        let entries = fs::read_dir(self.deliveries()).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<PathBuf> = paths
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .collect();
        paths.sort();
        for path in paths {
            let Ok(Some(lock)) = locked(&path) else {
                continue;
            };
            let keeping = Keeping { path, _lock: lock };
            match keeping.read() {
                Ok(Some(delivery)) => left.deliveries.push((delivery, keeping)),
                // It ended while we looked.
                Ok(None) => keeping.end(),
                Err(why) => left.problems.push(format!(
                    "{}: {why}; what it delivered is not followed: look with `tidegate status`, then remove the file",
                    keeping.path.display()
                )),
            }
        }
        left
    }
}

impl Keeping {
    /// Replaces what is kept.
    ///
    /// # Errors
    /// Of the disk.
    pub fn write(&self, delivery: &Delivery) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let kept = Kept {
            form: FORM,
            delivery,
        };
        replace(folder, &self.path, &kept)
    }

    /// Takes it away: it has ended.
    pub fn end(self) {
        // What is left is said at the next start, and harms nobody.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.path.with_extension("lock"));
    }

    fn read(&self) -> Result<Option<Delivery>, String> {
        let bytes = files::read(&self.path, Links::Refused, files::KEPT);
        let Some(bytes) = bytes.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let form: Result<Kept<serde::de::IgnoredAny>, _> = serde_json::from_slice(&bytes);
        match form {
            Ok(kept) if kept.form != FORM => Err(format!(
                "kept by another version of Tidegate (form {}, this one reads form {FORM})",
                kept.form
            )),
            _ => serde_json::from_slice(&bytes)
                .map(|kept: Kept<Delivery>| Some(kept.delivery))
                .map_err(|error| format!("cannot be read: {error}")),
        }
    }
}

/// The lock of what is kept at `path`, unless somebody holds it.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let lock = files::open_lock(&path.with_extension("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::plan::Plan;

    fn delivery(at: i64) -> Delivery {
        Delivery::new(&Plan::default(), Timestamp::from_second(at).unwrap())
    }

    #[test]
    fn what_is_followed_is_left_alone_and_what_is_left_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        assert!(store.left_deliveries().deliveries.is_empty(), "nothing yet");
        let (first, second) = (delivery(1), delivery(2));
        let keeping = store.keep_delivery(&first.id).unwrap();
        keeping.write(&first).unwrap();
        let other = store.keep_delivery(&second.id).unwrap();
        other.write(&second).unwrap();
        assert!(
            store.left_deliveries().deliveries.is_empty(),
            "both followed"
        );
        assert!(store.keep_delivery(&first.id).is_err(), "by one at a time");

        drop(keeping);
        let left = store.left_deliveries();
        let found: Vec<_> = left.deliveries.iter().map(|(found, _)| found).collect();
        assert_eq!(found, [&first]);
        assert!(store.left_deliveries().deliveries.is_empty(), "ours now");
        left.deliveries
            .into_iter()
            .for_each(|(_, keeping)| keeping.end());
        other.end();
        assert!(store.left_deliveries().deliveries.is_empty(), "all ended");
        let files = fs::read_dir(store.deliveries()).unwrap();
        assert_eq!(files.count(), 0, "nothing is left of them");
    }

    #[test]
    fn another_form_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        fs::create_dir_all(store.deliveries()).unwrap();
        let cases = [
            (
                "1-a",
                r#"{"form":2,"delivery":{"new":[]}}"#,
                "form 2, this one reads form 1",
            ),
            (
                "2-b",
                r#"{"form":1,"delivery":{}}"#,
                "cannot be read: missing field",
            ),
            ("3-c", "{", "cannot be read: EOF"),
        ];
        for (name, text, _) in cases {
            fs::write(store.deliveries().join(format!("{name}.json")), text).unwrap();
        }
        for _ in 0..2 {
            let left = store.left_deliveries();
            assert!(left.deliveries.is_empty());
            for ((name, _, expected), problem) in cases.iter().zip(&left.problems) {
                assert!(
                    problem.contains(name) && problem.contains(expected),
                    "{problem}"
                );
            }
            assert_eq!(left.problems.len(), cases.len());
        }
    }
}
