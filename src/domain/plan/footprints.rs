//! What each edit of a plan read and wrote. Where no part of a plan touches what another part reads or writes, each is written
//! apart as it stands; else the parts have to be drafted by themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Action, FileEdit, Plan, Write};
use crate::domain::{
    desired::RefName,
    ids::{CellKey, RepoPath},
};

/// A file of a ref.
pub(super) type Place = (RefName, RepoPath);

/// What the edits of a plan's cells read and wrote.
#[derive(Debug, Default)]
pub(super) struct Footprints(BTreeMap<CellKey, Footprint>);

#[derive(Debug)]
struct Footprint {
    read: BTreeSet<Place>,
    wrote: Vec<Place>,
}

impl Footprints {
    /// The edit of a cell that read and wrote these.
    pub(super) fn add(&mut self, cell: &CellKey, read: BTreeSet<Place>, wrote: Vec<Place>) {
        self.0.insert(cell.clone(), Footprint { read, wrote });
    }

    /// What a plan writes by the level of its cells; `None` where that has to be drafted level by level: what is written
    /// together is no plain edit, or an edit has to do with what another level writes.
    pub(super) fn by_level(
        &self,
        plan: &Plan,
        levels: &BTreeMap<CellKey, usize>,
    ) -> Option<Vec<Vec<Write>>> {
        let mut owners: HashMap<&Place, usize> = HashMap::new();
        let mut all = Vec::new();
        for write in plan.writes() {
            if write.action != Action::Edit || !write.vetoes.is_empty() {
                return None;
            }
            for cell in &write.cells {
                let (footprint, level) = (self.0.get(cell)?, *levels.get(cell)?);
                for place in &footprint.wrote {
                    if *owners.entry(place).or_insert(level) != level {
                        return None;
                    }
                }
                all.push((footprint, level));
            }
        }
        let meets = |(footprint, level): &(&Footprint, usize)| {
            let mut owned = footprint.read.iter().filter_map(|place| owners.get(place));
            owned.any(|owner| owner != level)
        };
        if all.iter().any(meets) {
            return None;
        }
        let last = levels.values().max().copied().unwrap_or_default();
        let mut waves = vec![Vec::new(); last + 1];
        for write in plan.writes() {
            let mut parts: Vec<(Vec<FileEdit>, Vec<CellKey>)> = vec![Default::default(); last + 1];
            for edit in &write.edits {
                let place = (write.tip.name.clone(), edit.path.clone());
                parts[*owners.get(&place)?].0.push(edit.clone());
            }
            for cell in &write.cells {
                parts[*levels.get(cell)?].1.push(cell.clone());
            }
            for (wave, (edits, cells)) in waves.iter_mut().zip(parts) {
                match (edits.is_empty(), cells.is_empty()) {
                    (true, true) => {}
                    (false, false) => wave.push(Write {
                        tip: write.tip.clone(),
                        action: Action::Edit,
                        edits,
                        message: write.message.clone(),
                        cells,
                        vetoes: Vec::new(),
                        in_step: None,
                    }),
                    _ => return None,
                }
            }
        }
        Some(waves)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::domain::{
        layout::Origin,
        plan::{
            PlanRequest,
            build::ReadFile,
            tests::{desired, planned_of, promote, request, topology},
        },
        policy::Dependency,
        rollout::Running,
        version::Version,
        version_range::VersionRange,
    };

    /// `s0` to `s3`, of which the first needs the second, in files of their own; each edit reads what `reads` names too. The
    /// waves as files with their new content, and how many edits were asked for.
    fn waves(reads: &[&str]) -> (Vec<Vec<String>>, usize) {
        let cells: Vec<(&str, &str, &str)> = ["s0", "s1", "s2", "s3"]
            .iter()
            .flat_map(|name| [(*name, "dev", "2"), (*name, "staging", "1")])
            .collect();
        let mut topology = topology();
        topology.policy.dependencies = vec![Dependency {
            service: "s0".into(),
            needs: "s1".into(),
            version: VersionRange::parse(">=1").unwrap(),
        }];
        let asked = Cell::new(0);
        let edit = |key: &CellKey,
                    version: Option<&Version>,
                    _: Option<crate::domain::ids::ObjectId>,
                    read: ReadFile<'_>| {
            asked.set(asked.get() + 1);
            let path = |name: &str| RepoPath::from(format!("files/{name}"));
            let others = reads
                .iter()
                .filter_map(|name| read(&Origin::default(), &path(name)));
            let mut after = others.collect::<Vec<_>>().concat();
            after.extend_from_slice(version.map_or("", Version::as_str).as_bytes());
            Ok(vec![FileEdit {
                path: path(key.service.as_str()),
                before: Vec::new(),
                after,
            }])
        };
        let changes = ["s0", "s1", "s2", "s3"]
            .map(|name| request(name, "staging", promote("dev")))
            .to_vec();
        let request = PlanRequest {
            changes,
            ..PlanRequest::default()
        };
        let plan = planned_of(
            &request,
            &edit,
            &topology,
            &desired(&cells),
            &Running::default(),
        );
        let told = plan.waves.iter().map(|wave| {
            let edits = wave.writes.iter().flat_map(|write| &write.edits);
            let told = edits.map(|edit| {
                let after = String::from_utf8_lossy(&edit.after);
                format!("{} {after}", edit.path)
            });
            told.collect()
        });
        (told.collect(), asked.get())
    }

    /// What has nothing to do with each other is not planned once more for each wave, and what has is.
    #[test]
    fn parts_that_touch_nothing_of_each_other_are_written_as_they_are() {
        let first = ["files/s1 2", "files/s2 2", "files/s3 2"].map(str::to_owned);
        let apart = vec![first.to_vec(), vec!["files/s0 2".to_owned()]];
        assert_eq!(waves(&[]), (apart.clone(), 4));
        // Nobody writes that.
        assert_eq!(waves(&["shared"]), (apart, 4));
        // As the first wave is written, nothing of the second is there yet.
        let (found, asked) = waves(&["s0"]);
        assert_eq!((found.len(), asked), (2, 7));
        assert_eq!(
            (&found[0], found[1].len()),
            (&first.to_vec(), 4),
            "{found:?}"
        );
        let (found, asked) = waves(&["s1"]);
        assert_eq!((found.len(), asked), (2, 7));
        assert_eq!(found[1], ["files/s0 2"]);
    }
}
