//! What goes with a version: second copies elsewhere (`also`), the comment behind it (`carry`), the tag of a digest.
//!
//! Where such a place says the old version, it gets the new one. Where it says something of its own (a chart version, a
//! commit), that is copied from where the new version stands already, the donor: for a version that is restored, the cell
//! itself as it was then, else an environment of the same service that declares it.

use super::{
    Changes, Editor, Refusal, Spot, automation::POLICY_MARK, not_parseable, place, spots::unread,
};
use crate::domain::{
    ids::{CellKey, RepoPath},
    image,
    layout::{
        extract::{File, Found, Place},
        level::{Finder, Level},
        pair::Pair,
    },
    manifest::Edit,
    plan::SkipCause,
    version::Version,
};

/// What stands beside the version where it is declared already.
pub(super) struct Donor {
    /// The tag beside the digest.
    pub(super) tag: Option<String>,
    /// The digest's place says nothing.
    pub(super) empty_digest: bool,
    /// The comment behind the version.
    comment: Option<String>,
    /// By `also` entry: what stands in its places.
    also: Vec<Vec<Option<Version>>>,
    /// It is the cell itself, as it was.
    pub(super) past: bool,
}

/// Whether what is declared somewhere is what comes, which may have its digest only now.
pub(super) fn is_of(declared: Option<&Version>, version: &Version) -> bool {
    declared.is_some_and(|declared| image::is_or_pins(version, declared))
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
            pages: None,
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
                if !is_of(cell.version.as_ref(), version) {
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

    /// The fields of the item that holds `version` where another environment declares it.
    pub(super) fn donor_siblings(&self, version: &Version) -> Vec<(String, String)> {
        let mut row = self.desired.row(&self.key.service);
        let found = row.find_map(|(key, cell)| {
            let same = is_of(cell.version.as_ref(), version) && cell.layout == self.cell.layout;
            let other = Editor { key, cell, ..*self };
            let own = if same {
                other.own_places().ok()?
            } else {
                Vec::new()
            };
            own.into_iter().find_map(|spot| match spot.found.place {
                Place::Scalar { siblings, .. } if !siblings.is_empty() => Some(siblings),
                _ => None,
            })
        });
        found.unwrap_or_default()
    }

    fn as_donor(&self, version: &Version) -> Option<Donor> {
        let own = self.own_places().ok()?;
        let spot = own
            .iter()
            .find(|spot| is_of(spot.found.version.as_ref(), version))?;
        let (pair, comment) = match &spot.found.place {
            Place::Scalar { pair, comment, .. } => (pair.as_deref(), comment.clone()),
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
            tag: pair.and_then(|pair| pair.tag.clone()),
            empty_digest: pair.is_some_and(Pair::is_empty),
            comment,
            also,
            past: false,
        })
    }

    /// The places of an `also` entry that belong to a spot.
    pub(super) fn also_places(
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
        let (at, bound) = ((&self.cell.origin, &path), &spot.found.bindings);
        let known = self.pages.and_then(|pages| pages.look(at, level, bound));
        let look = || {
            let bytes = self.file(&path)?;
            Some(File::new(&bytes).look(level, bound))
        };
        let Some(findings) = known.or_else(look) else {
            return Ok(Vec::new());
        };
        let findings = findings.map_err(|error| not_parseable(&path, &error))?;
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
                let places = self.also_places(spot, level)?;
                let given = donor.and_then(|donor| donor.also.get(index));
                if index >= spot.layout.moved {
                    carry_texts(spot, index, places, given, changes)?;
                    continue;
                }
                let copies = places
                    .iter()
                    .any(|(_, found)| found.version == spot.found.version);
                if places.is_empty() && self.is_missed(spot, level, index, given) {
                    return Err(absent(spot, level, index));
                }
                for (at, (path, found)) in places.into_iter().enumerate() {
                    unread(&path, &found)?;
                    let copied = given.and_then(|given| given.get(at)?.clone());
                    let is_copy = found.version == spot.found.version;
                    let new = match copied {
                        // A place that says the same by chance said something else then.
                        Some(copied) if !is_copy || donor.is_some_and(|donor| donor.past) => {
                            Some(copied)
                        }
                        _ => is_copy.then(|| version.clone()),
                    };
                    let told = new.is_some() || copies || found.version.as_ref() == Some(version);
                    if !told && self.is_copy_elsewhere(index) {
                        return Err(differs(&path, &found, spot));
                    }
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

    /// Whether an `also` entry that leads nowhere should lead somewhere: it does where the version comes from, or it means
    /// one place that no environment of the service is without.
    fn is_missed(
        &self,
        spot: &Spot<'a>,
        level: &Level,
        index: usize,
        given: Option<&Vec<Option<Version>>>,
    ) -> bool {
        if let Some(given) = given {
            return given.iter().any(Option::is_some);
        }
        let one = match &level.finder {
            Finder::Tree(locator) => locator.concrete(&spot.found.bindings).is_some(),
            Finder::Text(_) => true,
        };
        one && self.elsewhere(index).all(|(_, places)| !places.is_empty())
    }

    /// Whether an `also` entry repeats the version as far as is known: in some other environment, or there is no other.
    fn is_copy_elsewhere(&self, index: usize) -> bool {
        let mut others = self.elsewhere(index).peekable();
        others.peek().is_none() || others.any(|(version, places)| places.contains(&version))
    }

    /// What other environments of the service declare, and what an `also` entry says there.
    pub(super) fn elsewhere(
        &self,
        index: usize,
    ) -> impl Iterator<Item = (Option<Version>, Vec<Option<Version>>)> {
        let row = self.desired.row(&self.key.service);
        row.filter(|(key, cell)| **key != *self.key && cell.layout == self.cell.layout)
            .filter_map(move |(key, cell)| {
                let other = Editor { key, cell, ..*self };
                let own = other.own_places().ok()?;
                let spot = own.iter().find(|spot| spot.found.version.is_some())?;
                let level = spot.layout.also.get(index)?;
                let places = other.also_places(spot, level).ok()?.into_iter();
                let places = places.map(|(_, found)| found.version).collect();
                Some((spot.found.version.clone(), places))
            })
    }
}

fn differs(path: &RepoPath, found: &Found, spot: &Spot<'_>) -> Refusal {
    let text = |version: &Option<Version>| {
        version
            .as_ref()
            .map_or("nothing", Version::as_str)
            .to_owned()
    };
    let reason = format!(
        "{path}:{}: {} stands here, which moves with {} at {}:{} (`also`) and says something else: one of them alone is not \
         changed; make them equal, or promote from an environment that has both",
        found.line,
        text(&found.version),
        text(&spot.found.version),
        spot.path,
        spot.found.line
    );
    (SkipCause::Conflict, reason)
}

fn absent(spot: &Spot<'_>, level: &Level, index: usize) -> Refusal {
    let path = level
        .path
        .as_ref()
        .map(|path| path.fill(&spot.found.bindings));
    let path = path.flatten().unwrap_or_else(|| spot.path.to_string());
    let place = match &level.finder {
        Finder::Tree(locator) => format!("`{}`", locator.source()),
        Finder::Text(_) => "a match of its `regex`".to_owned(),
    };
    let reason = format!(
        "{path}: {place} is not there, and moves with {}:{} (`also[{index}]`): add it, or take it out of the layout",
        spot.path, spot.found.line
    );
    (SkipCause::NotDeclared, reason)
}

/// Copies what is carried along from where the version comes from, where both have it.
fn carry_texts(
    spot: &Spot<'_>,
    index: usize,
    places: Vec<(RepoPath, Found)>,
    given: Option<&Vec<Option<Version>>>,
    changes: &mut Changes,
) -> Result<(), Refusal> {
    for (at, (path, found)) in places.into_iter().enumerate() {
        let new = given.and_then(|given| given.get(at)?.clone());
        // The version itself is set already.
        let is_itself = path == spot.path && found.line == spot.found.line;
        let Some(new) = new.filter(|new| !is_itself && found.version.as_ref() != Some(new)) else {
            continue;
        };
        unread(&path, &found)?;
        let other = Spot {
            layout: spot.layout,
            level: Spot::ALSO + index,
            path,
            found,
        };
        place::set(&other, &new, None, changes)?;
    }
    Ok(())
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
    // Whose policy an image automation follows in a place is the place's own.
    let is_marker = |comment: &&str| comment.contains(POLICY_MARK);
    let wanted: Vec<&str> = donor
        .and_then(|donor| donor.comment.as_deref())
        .filter(|wanted| !is_marker(wanted) && !is_marker(&comment.as_str()))
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
