//! What goes with a version: second copies elsewhere (`also`), the comment behind it (`carry`), the tag of a digest.
//!
//! Where such a place says the old version, it gets the new one. Where it says something of its own (a chart version, a
//! commit), that is copied from where the new version stands already, the donor: for a version that is restored, the cell
//! itself as it was then, else an environment of the same service that declares it.

use super::{Changes, Editor, Refusal, Spot, not_parseable, place};
use crate::domain::{
    ids::{CellKey, RepoPath},
    layout::{
        extract::{File, Found, Place},
        level::Level,
    },
    manifest::Edit,
    version::Version,
};

/// What stands beside the version where it is declared already.
pub(super) struct Donor {
    /// The tag beside the digest.
    pub(super) tag: Option<String>,
    /// The comment behind the version.
    comment: Option<String>,
    /// By `also` entry: what stands in its places.
    also: Vec<Vec<Option<Version>>>,
    /// It is the cell itself, as it was.
    pub(super) past: bool,
}

impl<'a> Editor<'a> {
    /// Where `version` is copied from. Looked for only where something goes with the version.
    pub(super) fn donor(&self, version: &Version, targets: &[&Spot<'a>]) -> Option<Donor> {
        let needed = targets.iter().any(|spot| {
            spot.layout.carry
                || !spot.layout.also.is_empty()
                || matches!(&spot.found.place, Place::Scalar { pair: Some(_), .. })
        });
        if !needed {
            return None;
        }
        let past = Editor {
            files: self.then,
            ..*self
        };
        if let Some(donor) = past.as_donor(version) {
            return Some(Donor {
                past: true,
                ..donor
            });
        }
        let others = self.desired.environments.iter().rev();
        others
            .filter(|name| **name != self.key.environment)
            .find_map(|name| {
                let key = CellKey::new(self.key.service.clone(), name.clone());
                let cell = self.desired.cells.get(&key)?;
                if cell.version.as_ref() != Some(version) {
                    return None;
                }
                let other = Editor {
                    key: &key,
                    cell,
                    ..*self
                };
                other.as_donor(version)
            })
    }

    fn as_donor(&self, version: &Version) -> Option<Donor> {
        let own = self.own_places().ok()?;
        let spot = own
            .iter()
            .find(|spot| spot.found.version.as_ref() == Some(version))?;
        let (tag, comment) = match &spot.found.place {
            Place::Scalar { pair, comment, .. } => (
                pair.as_ref().and_then(|pair| pair.tag.clone()),
                comment.clone(),
            ),
            Place::Text { .. } => (None, None),
        };
        let also = spot
            .layout
            .also
            .iter()
            .map(|level| {
                let places = self.also_places(spot, level).unwrap_or_default();
                places.into_iter().map(|(_, found)| found.version).collect()
            })
            .collect();
        Some(Donor {
            tag,
            comment,
            also,
            past: false,
        })
    }

    /// The places of an `also` entry that belong to a spot.
    fn also_places(
        &self,
        spot: &Spot<'a>,
        level: &Level,
    ) -> Result<Vec<(RepoPath, Found)>, Refusal> {
        let path = match &level.path {
            None => spot.path.clone(),
            Some(pattern) => match pattern.fill(&spot.found.bindings) {
                Some(path) => path.into(),
                None => return Ok(Vec::new()),
            },
        };
        let Some(bytes) = self.file(&path) else {
            return Ok(Vec::new());
        };
        let findings = File::new(&bytes)
            .look(level, &spot.found.bindings)
            .map_err(|error| not_parseable(&path, &error))?;
        let found = findings.found.into_iter();
        Ok(found.map(|found| (path.clone(), found)).collect())
    }

    /// Moves everything that goes with the targets.
    pub(super) fn move_companions(
        &self,
        targets: &[&Spot<'a>],
        version: &Version,
        donor: Option<&Donor>,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        for spot in targets {
            if spot.layout.carry {
                carry_comment(spot, version, donor, changes);
            }
            for (index, level) in spot.layout.also.iter().enumerate() {
                for (at, (path, found)) in self.also_places(spot, level)?.into_iter().enumerate() {
                    let copied = donor.and_then(|donor| donor.also.get(index)?.get(at)?.clone());
                    let is_copy = found.version == spot.found.version;
                    let new = match copied {
                        // A place that says the same by chance said something else then.
                        Some(copied) if !is_copy || donor.is_some_and(|donor| donor.past) => {
                            Some(copied)
                        }
                        _ => is_copy.then(|| version.clone()),
                    };
                    let Some(new) = new.filter(|new| found.version.as_ref() != Some(new)) else {
                        continue;
                    };
                    let other = Spot {
                        layout: spot.layout,
                        level: Spot::ALSO + index,
                        path,
                        found,
                    };
                    place::set(&other, &new, None, changes)?;
                }
            }
        }
        Ok(())
    }
}

/// Replaces the words of the comment that differ from the donor's; the old version itself becomes the new one.
fn carry_comment(spot: &Spot<'_>, version: &Version, donor: Option<&Donor>, changes: &mut Changes) {
    let Place::Scalar {
        document,
        path,
        comment: Some(comment),
        ..
    } = &spot.found.place
    else {
        return;
    };
    if let Some(donor) = donor.filter(|donor| donor.past)
        && let Some(then) = donor.comment.as_deref().filter(|then| !then.is_empty())
    {
        if then != comment && !comment.is_empty() {
            changes.at(
                spot,
                Edit::Comment {
                    document: *document,
                    path: path.clone(),
                    from: comment.clone(),
                    to: then.to_owned(),
                },
            );
        }
        return;
    }
    let words: Vec<&str> = comment.split_whitespace().collect();
    let wanted: Vec<&str> = donor
        .and_then(|donor| donor.comment.as_deref())
        .map(|comment| comment.split_whitespace().collect())
        .filter(|wanted: &Vec<&str>| wanted.len() == words.len())
        .unwrap_or_else(|| words.clone());
    let old = spot.found.version.as_ref().map(Version::as_str);
    for (word, wanted) in words.into_iter().zip(wanted) {
        let to = if Some(word) == old {
            version.as_str()
        } else {
            wanted
        };
        if word != to {
            changes.at(
                spot,
                Edit::Comment {
                    document: *document,
                    path: path.clone(),
                    from: word.to_owned(),
                    to: to.to_owned(),
                },
            );
        }
    }
}
