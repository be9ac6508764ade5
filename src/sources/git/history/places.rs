//! How often the places of services that have several changed: see [`Tally`]. What was seen from a tip is kept on disk; a
//! new tip above it costs the commits between.

use std::{collections::BTreeSet, io::Write as _, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    super::{Repo, kept::CacheFile, objects::Objects},
    pipeline::{Steps, There},
};
use crate::{
    domain::{
        failure::Failure,
        ids::{EnvironmentName, ObjectId},
        layout::{Assembler, Cut, LayoutSet, Past, Row, Takes, Tally, Unknown, Walked},
    },
    sources::files::{self, Links},
};

/// Commits of the landed line that are looked at. The same in every clone: what is decided by them is.
const MOST_COMMITS: usize = 4_000;
/// Files that differ between a commit and its parent, of all commits together.
const MOST_FILES: usize = 50_000;
/// So many are kept: each ref has its own.
const KEPT: usize = 64;

/// What was seen, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    tip: String,
    walked: Walked,
}

impl Repo {
    /// The matrix of `commit` before it is decided which places count; as [`Repo::matrix`].
    ///
    /// # Errors
    /// As [`Repo::matrix`].
    pub fn undecided(
        &self,
        commit: ObjectId,
        layouts: &LayoutSet,
        environments: &[EnvironmentName],
    ) -> Result<Assembler, Failure> {
        self.matrix(commit, &Arc::new(layouts.undecided()), environments)
    }

    /// What history says of the places of the services `rows`, which `matrix` has at `commit`: on the landed line down to
    /// where they began, or as far as anybody looks. What cannot be read is not known, and said so.
    pub fn past_of_places(
        &self,
        commit: ObjectId,
        layouts: &LayoutSet,
        matrix: Assembler,
        rows: &BTreeSet<Row>,
    ) -> Past {
        let layouts = Arc::new(layouts.contested());
        let place = CacheFile::of(self, &layouts, "places");
        let kept = place.as_ref().and_then(read);
        let kept = kept.and_then(|kept| Some((kept.tip.parse::<ObjectId>().ok()?, kept.walked)));
        if let Some((_, walked)) = kept
            .as_ref()
            .filter(|(tip, walked)| *tip == commit && walked.has(rows))
        {
            return walked.past();
        }
        match self.count(commit, &layouts, matrix, rows, kept.as_ref()) {
            Ok(walked) => {
                let past = walked.past();
                if let (Some(place), false) = (&place, walked.is_lacking()) {
                    let tip = commit.to_string();
                    write(place, &Kept { tip, walked });
                }
                past
            }
            Err(error) => {
                let next = match error.next.as_str() {
                    "" => "look at the clone (git fsck --full)",
                    hint => hint,
                };
                let why = Unknown {
                    why: format!("history cannot be read: {}", error.why),
                    next: next.to_owned(),
                    takes: Takes::Objects,
                };
                Past::unknown(rows.iter().cloned(), why)
            }
        }
    }

    fn count(
        &self,
        commit: ObjectId,
        layouts: &Arc<LayoutSet>,
        matrix: Assembler,
        rows: &BTreeSet<Row>,
        kept: Option<&(ObjectId, Walked)>,
    ) -> Result<Walked, Failure> {
        let objects = Objects::for_walks(self)?;
        let mut tally = Tally::new(matrix, rows);
        let mut left = MOST_FILES;
        let mut older = None;
        let cut = std::thread::scope(|scope| {
            for step in Steps::start(scope, &objects, layouts, commit, MOST_COMMITS, false) {
                let step = step?;
                // From here on down it is known what is seen.
                let known = kept.filter(|(tip, walked)| *tip == step.commit && tally.fits(walked));
                if let Some((_, walked)) = known {
                    older = Some(walked);
                    return Ok(None);
                }
                if objects.is_cut(step.commit) {
                    return Ok(Some(shallow()));
                }
                let Some(rest) = left.checked_sub(step.files.len()) else {
                    // As far as anybody looks: the same in every clone.
                    return Ok(Some(Cut::Window));
                };
                left = rest;
                let lost = |there: &There| matches!(there, There::Unread { facts: None, .. });
                if let Some(file) = step.files.iter().find(|file| lost(&file.there)) {
                    // Another clone may have it.
                    return Ok(Some(Cut::Unknown(Unknown {
                        why: format!("a version of {} cannot be read here", file.path),
                        next: "look at the clone (git fsck --full)".to_owned(),
                        takes: Takes::Objects,
                    })));
                }
                let differ = step.files.len();
                let files = step.files.into_iter().filter_map(|file| {
                    let facts = match file.there {
                        There::Absent => None,
                        There::Said(_, facts) => Some(facts),
                        // What cannot be read counts as what it said afterwards.
                        There::Unread { .. } => return None,
                    };
                    Some((file.path, facts))
                });
                tally.enter(files.collect(), differ);
                if tally.is_done() {
                    return Ok(None);
                }
            }
            Ok::<_, Failure>(Some(Cut::Window))
        })?;
        let walked = tally.end(cut);
        Ok(match older {
            Some(older) => walked.onto(older, MOST_COMMITS, MOST_FILES),
            None => walked,
        })
    }
}

fn shallow() -> Cut {
    Cut::Unknown(Unknown {
        why: "history is cut off here (a shallow clone)".to_owned(),
        next: "fetch the rest (git fetch --unshallow)".to_owned(),
        takes: Takes::Depth,
    })
}

/// What was kept; `None` where there is nothing, or nothing that can be read.
fn read(place: &CacheFile) -> Option<Kept> {
    let bytes = files::read(&place.file, Links::Refused, files::KEPT);
    serde_json::from_slice(&bytes.ok().flatten()?).ok()
}

/// Keeps it; the next start counts again where that fails.
fn write(place: &CacheFile, kept: &Kept) {
    let written = place.write(KEPT, |file| {
        let text = serde_json::to_vec(kept)?;
        file.write_all(&text)
    });
    if let Err(error) = written {
        tracing::debug!(%error, file = %place.file.display(), "what was counted is not kept");
    }
}
