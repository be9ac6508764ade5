//! What the newest commits of the landed line changed, file by file: evidence for recognising a layout.

use std::collections::HashMap;

use super::{
    super::{objects::Objects, survey::Survey},
    tree::{Counted, Difference, Folder, Wanted},
};
use crate::domain::{detect::Change, failure::Failure};

/// Commits that are looked at.
const COMMITS: usize = 1500;
/// Changes that are told, of one file and in all, and their bytes.
const OF_A_FILE: usize = 60;
const CHANGES: usize = 6000;
const BYTES: usize = 64 << 20;
/// A file larger than this is not looked at.
const LARGEST: usize = 512 << 10;

/// The files that are asked for.
struct Asked<'a>(&'a dyn Fn(&str) -> bool);

impl Wanted for Asked<'_> {
    fn wants(&self, path: &str) -> bool {
        self.0(path)
    }

    fn may_contain(&self, _folder: &str) -> bool {
        true
    }
}

impl Survey {
    /// Tells what the newest commits changed of the files that `wants` asks for, newest first. Bounded in commits, changes
    /// and bytes. Where history ends early, in a shallow or partial clone, what is there is told.
    pub fn changes(&self, wants: &dyn Fn(&str) -> bool, tell: &mut dyn FnMut(&Change<'_>)) {
        // What cannot be read is no evidence.
        let _ = self.walk_back(wants, tell);
    }

    fn walk_back(
        &self,
        wants: &dyn Fn(&str) -> bool,
        tell: &mut dyn FnMut(&Change<'_>),
    ) -> Result<(), Failure> {
        let objects = Objects::for_walks(self.repo())?;
        if objects.is_partial() {
            return Ok(());
        }
        let asked = Asked(wants);
        let mut told: HashMap<String, usize> = HashMap::new();
        let (mut changes, mut bytes) = (0, 0);
        let mut tree = Folder::default();
        let mut header = objects.header(self.commit())?;
        tree.move_to(
            Some(header.tree),
            &mut Counted::new(&objects),
            &asked,
            &mut |_| {},
        )?;
        let mut commit = self.commit();
        for _ in 0..COMMITS {
            let Some(parent) = header.parents.first().copied() else {
                break;
            };
            let time = objects.committed(commit)?;
            let before = objects.header(parent)?;
            let mut found: Vec<Difference> = Vec::new();
            tree.move_to(
                Some(before.tree),
                &mut Counted::new(&objects),
                &asked,
                &mut |it| found.push(it),
            )?;
            for difference in found {
                let (Some(after), Some(before)) = (difference.left, difference.entered) else {
                    continue;
                };
                let count = told.entry(difference.path.as_str().to_owned()).or_default();
                if *count >= OF_A_FILE || changes >= CHANGES || bytes >= BYTES {
                    continue;
                }
                let (Ok(before), Ok(after)) = (
                    objects.blob_within(before, LARGEST)?,
                    objects.blob_within(after, LARGEST)?,
                ) else {
                    continue;
                };
                *count += 1;
                changes += 1;
                bytes += before.len() + after.len();
                tell(&Change {
                    time,
                    path: difference.path.as_str(),
                    before: &before,
                    after: &after,
                });
            }
            if changes >= CHANGES || bytes >= BYTES {
                break;
            }
            commit = parent;
            header = before;
        }
        Ok(())
    }
}
