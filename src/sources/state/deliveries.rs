//! Deliveries that have not ended, kept so that they are taken up again when whoever followed them is gone.
//!
//! A file each, in a folder of their own, with a lock beside it that its follower holds: what is locked is followed by
//! somebody. What has ended is taken away, and so is what somebody left who was killed before it was kept or while it ended:
//! a lock, or a file that was being written, without a delivery. Whoever takes it away holds the lock.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    StateStore, UNFINISHED, hold, make_private, read_kept, remove, unfinished, write_kept,
};
use crate::{
    domain::{
        delivery::{Delivery, DeliveryId},
        plan::PlanFile,
    },
    sources::waiting,
};

/// No plan in waves is larger.
const LARGEST_PLAN: u64 = 64 << 20;

/// No delivery that is written is larger, in bytes.
const LARGEST: u64 = 16 << 20;

/// Who looks whether a new one was left behind has its lock for a moment.
const MOMENT: Duration = Duration::from_millis(200);

/// No more are taken up at once. Each holds a lock, and asks a remote.
const MOST: usize = 100;

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
        make_private(&folder)?;
        let path = folder.join(format!("{id}.json"));
        let lock = hold(&lock_of(&path), MOMENT)?.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Keeping { path, _lock: lock })
    }

    /// What nobody follows any more. It is this process's then.
    pub fn left_deliveries(&self) -> Left {
        let _waiting = waiting::reading(&self.folder);
        let mut left = Left::default();
        let entries = fs::read_dir(self.deliveries()).into_iter().flatten();
        let mut paths = BTreeSet::new();
        let mut others = BTreeSet::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => drop(paths.insert(path)),
                Some("lock" | "plan") => drop(others.insert(path.with_extension("json"))),
                Some(end) if UNFINISHED.ends_with(end) => {
                    others.insert(path.with_extension(""));
                }
                _ => {}
            }
        }
        for path in others.difference(&paths) {
            clean_up(path);
        }
        if paths.len() > MOST {
            left.problems.push(format!(
                "{} holds {} deliveries that have not ended; the first {MOST} are looked at",
                self.deliveries().display(),
                paths.len()
            ));
        }
        for path in paths.into_iter().take(MOST) {
            let lock = match hold(&lock_of(&path), Duration::ZERO) {
                Ok(Some(lock)) => lock,
                Ok(None) => continue,
                Err(why) => {
                    left.problems.push(not_taken_up(&path, &why.to_string()));
                    continue;
                }
            };
            let keeping = Keeping { path, _lock: lock };
            match keeping.read() {
                Ok(Some(delivery)) => left.deliveries.push((delivery, keeping)),
                // It ended while we looked.
                Ok(None) => keeping.end(),
                Err(why) => left.problems.push(not_taken_up(&keeping.path, &why)),
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
        write_kept(&self.path, delivery)
    }

    /// Keeps beside it the plan of which it is one wave of several.
    ///
    /// # Errors
    /// Of the disk.
    pub fn write_plan(&self, plan: &PlanFile) -> io::Result<()> {
        write_kept(&plan_of(&self.path), plan)
    }

    /// The plan of which it is a wave; `None`: it is no wave, or nobody is to go on with that plan.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    pub fn plan(&self) -> Result<Option<PlanFile>, String> {
        read_kept(&plan_of(&self.path), LARGEST_PLAN).map_err(String::from)
    }

    /// Whether there is such a plan.
    pub fn has_plan(&self) -> bool {
        fs::symlink_metadata(plan_of(&self.path)).is_ok()
    }

    /// Nobody goes on with its plan.
    pub fn forget_plan(&self) {
        let _ = remove(&plan_of(&self.path));
        let _ = remove(&unfinished(&plan_of(&self.path)));
    }

    /// Takes it away: it has ended.
    pub fn end(&self) {
        // What is left is taken up or away at the next start, and harms nobody. The lock goes last: without it, nobody is kept
        // from the rest.
        let _ = remove(&self.path);
        let _ = remove(&unfinished(&self.path));
        self.forget_plan();
        let _ = remove(&lock_of(&self.path));
    }

    fn read(&self) -> Result<Option<Delivery>, String> {
        read_kept(&self.path, LARGEST).map_err(String::from)
    }
}

fn not_taken_up(path: &Path, why: &str) -> String {
    format!(
        "{}: {why}; what it delivered is not followed: look with `tidegate status`, then remove the file",
        path.display()
    )
}

/// The plan of what is kept at `path`.
fn plan_of(path: &Path) -> PathBuf {
    path.with_extension("plan")
}

/// The lock of what is kept at `path`.
fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Takes away what stands beside a delivery that is not at `path`, unless somebody has its lock: one is about to be kept there,
/// or ends there.
fn clean_up(path: &Path) {
    let is_gone = || {
        let there = fs::symlink_metadata(path);
        there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let Ok(Some(lock)) = hold(&lock_of(path), Duration::ZERO) else {
        return;
    };
    if is_gone() {
        let path = path.to_owned();
        Keeping { path, _lock: lock }.end();
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
        let left = left_by(&store, 1);
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

    /// Whoever was killed before the first writing, in it, in a later one, or while it ended.
    #[test]
    fn what_a_killed_process_left_beside_deliveries_is_taken_away() {
        type Case = (
            &'static str,
            &'static [&'static str],
            &'static [&'static str],
        );
        let cases: [Case; 7] = [
            ("before it was kept", &["1-a.lock"], &[]),
            ("in the first writing", &["1-a.lock", "1-a.json.tmp"], &[]),
            ("while it ended", &["1-a.json.tmp"], &[]),
            (
                "what is not ours stays",
                &["1-a.txt", "tmp", "lock", "a.tmp.bak"],
                &["1-a.txt", "a.tmp.bak", "lock", "tmp"],
            ),
            (
                "what may be kept stays",
                &["1-a.json", "1-a.json.tmp"],
                &["1-a.json", "1-a.json.tmp", "1-a.lock"],
            ),
            ("of several", &["1-a.lock", "2-b.lock", "3-c.json.tmp"], &[]),
            ("its plan", &["1-a.plan", "1-a.lock", "2-b.plan.tmp"], &[]),
        ];
        for (name, files, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            let store = StateStore::in_folder(folder.path());
            make_private(&store.deliveries()).unwrap();
            for file in files {
                fs::write(store.deliveries().join(file), "{").unwrap();
            }
            // One that somebody follows, who has not written it yet.
            let living = delivery(9);
            let keeping = store.keep_delivery(&living.id).unwrap();
            store.left_deliveries();
            keeping.write(&living).unwrap();
            fs::write(unfinished(&keeping.path), "{").unwrap();
            store.left_deliveries();
            let kept = fs::read(&keeping.path).unwrap();
            assert!(kept.starts_with(b"{\"form\":1"), "{name}: its own");
            assert!(unfinished(&keeping.path).exists(), "{name}: being written");
            assert!(lock_of(&keeping.path).exists(), "{name}: its lock");
            keeping.end();
            let entries = fs::read_dir(store.deliveries()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let left: BTreeSet<String> = names.collect();
            let left: Vec<&str> = left.iter().map(String::as_str).collect();
            assert_eq!(left, expected, "{name}");
        }
    }

    #[test]
    fn what_stands_in_the_place_of_a_delivery_is_said_and_left_alone() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        make_private(&store.deliveries()).unwrap();
        let at = |name: &str| store.deliveries().join(name);
        let good = delivery(7);
        drop({
            let keeping = store.keep_delivery(&good.id).unwrap();
            keeping.write(&good).unwrap();
            keeping
        });
        let precious = folder.path().join("precious");
        fs::rename(at(&format!("{}.json", good.id)), &precious).unwrap();
        let kept = fs::read(&precious).unwrap();
        symlink(&precious, at("1.json")).unwrap();
        fs::create_dir(at("2.json")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("3.json"))
            .status();
        assert!(made.unwrap().success());
        File::create(at("4.json"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        fs::write(at("5.json"), &kept).unwrap();
        symlink(&precious, at("5.lock")).unwrap();
        let deep = "[".repeat(1 << 20);
        fs::write(at("6.json"), format!(r#"{{"form":1,"kept":{deep}"#)).unwrap();
        let left = store.left_deliveries();
        assert!(left.deliveries.is_empty());
        let expected = [
            "1.json is a symbolic link",
            "2.json is a folder",
            "3.json is a named pipe",
            "4.json is larger than 16 MB",
            "5.lock is a symbolic link",
            "6.json: cannot be read",
        ];
        assert_eq!(left.problems.len(), expected.len(), "{:?}", left.problems);
        for (problem, expected) in left.problems.iter().zip(expected) {
            assert!(problem.contains(expected), "{problem}");
        }
        assert_eq!(fs::read(&precious).unwrap(), kept);
    }

    /// What is left when there are so many. A child that another test starts has our locks until it runs its program.
    fn left_by(store: &StateStore, count: usize) -> Left {
        let end = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            let left = store.left_deliveries();
            if left.deliveries.len() == count || std::time::Instant::now() > end {
                return left;
            }
            drop(left);
            std::thread::yield_now();
        }
    }

    #[test]
    fn so_many_that_files_would_run_out_are_taken_up_some_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        for number in 0..i64::try_from(MOST + 3).unwrap() {
            let one = delivery(number);
            store.keep_delivery(&one.id).unwrap().write(&one).unwrap();
        }
        let left = left_by(&store, MOST);
        assert_eq!(left.deliveries.len(), MOST);
        assert_eq!(left.problems.len(), 1);
        assert!(
            left.problems[0].contains("103 deliveries"),
            "{:?}",
            left.problems
        );
        left.deliveries
            .iter()
            .for_each(|(_, keeping)| keeping.end());
        drop(left);
        assert_eq!(left_by(&store, 3).deliveries.len(), 3);
    }

    #[test]
    fn another_form_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        fs::create_dir_all(store.deliveries()).unwrap();
        let cases = [
            (
                "1-a",
                r#"{"form":2,"kept":{"new":[]}}"#,
                "form 2, this one reads form 1",
            ),
            (
                "2-b",
                r#"{"form":1,"kept":{}}"#,
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
