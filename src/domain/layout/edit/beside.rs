//! What stands beside a version and was not moved with it, though it says something of its own (`also`, a digest, the
//! comment behind it): where nothing tells what goes with the new version, the plan names it; and who writes the version
//! again by itself.

use super::{
    Editor, Files, Spot,
    companions::is_of,
    pages::{Looks, Pages, Texts},
};
use crate::domain::{
    desired::Desired,
    ids::CellKey,
    layout::{
        LayoutSet,
        extract::{Found, Place},
        pair::held::{self, Held},
    },
    manifest,
    version::Version,
};

/// So many places of one kind are named.
const NAMED: usize = 3;
/// What a plan says of an `also` entry, beside its gates.
const ALSO: &str = "also";
/// What a plan says of a digest, beside its gates.
const DIGEST: &str = "digest";

/// What a plan says of a comment that is carried, beside its gates.
const CARRY: &str = "carry";

/// Something that stays as it is, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What it is, in a word.
    pub what: &'static str,
    /// A sentence with its place.
    pub words: String,
}

/// What the edits of cells leave as it was beside each one's version, place by place. `before` gives the files without the edits
/// of a plan, `after` with them.
pub fn left_beside(
    layouts: &LayoutSet,
    desired: &Desired,
    keys: &[CellKey],
    before: Files<'_>,
    after: Files<'_>,
) -> Vec<Vec<Left>> {
    let cells = || keys.iter().filter_map(|key| desired.cells.get(key));
    let (was, now) = (Texts::of(cells(), before), Texts::of(cells(), after));
    let (was, now) = (Pages::of(&was), Pages::of(&now));
    let left = keys.iter().map(|key| {
        let cell = desired.cells.get(key)?;
        let editor = |files, pages| Editor::looking((layouts, desired), (key, cell), files, pages);
        editor(after, &now as &dyn Looks).left_of(&editor(before, &was))
    });
    left.map(Option::unwrap_or_default).collect()
}

impl<'a> Editor<'a> {
    /// The same, of this editor's files against those of `before`.
    fn left_of(&self, before: &Self) -> Option<Vec<Left>> {
        // Nearly all cells have nothing beside them: nothing is parsed for these.
        let has_also = self
            .readings()
            .any(|layout| layout.carry || !layout.also.is_empty());
        let pages = self.pages?;
        let files = || self.cell.files.iter().map(|path| (&self.cell.origin, path));
        let has_digests = files().any(|at| pages.may_hold(at));
        let mut automations = files().filter_map(|at| pages.automation(at));
        let may_be_written = automations.any(|it| !it.is_none());
        if !has_also && !has_digests && !may_be_written {
            return None;
        }
        let declares = |spot: &&Spot<'_>| spot.found.version.is_some();
        let own = self.own_places().ok()?;
        let spot = own.iter().find(declares)?;
        let version = spot.found.version.as_ref()?;
        let old = before.own_places().ok()?;
        let was = old.iter().find(declares)?;
        if was.found.version.as_ref() == Some(version) {
            return None;
        }
        let mut left = self.also_left(before, spot, was, version);
        let moved = own.iter().filter_map(|spot| {
            let was = old.iter().find(|old| old.is_where(spot))?;
            (was.found.version != spot.found.version).then_some((spot, was))
        });
        let comments = moved.clone().filter_map(|(spot, was)| {
            let comment = comment_of(&spot.found).filter(|_| spot.layout.carry)?;
            self.comment_left(spot, comment, comment_of(&was.found)?)
        });
        left.extend(comments.take(NAMED));
        if has_digests {
            let digests = moved.flat_map(|(spot, was)| self.digests_left(before, spot, was));
            left.extend(digests.take(NAMED));
        }
        if may_be_written {
            let moved = own.iter().filter(|spot| {
                let same = |old: &&Spot<'_>| old.is_where(spot);
                let old = old.iter().find(same).map(|old| &old.found.version);
                old != Some(&spot.found.version)
            });
            let again = moved.filter_map(|spot| {
                let automation = pages.automation((&self.cell.origin, &spot.path))?;
                automation.again(spot)
            });
            left.extend(again.take(NAMED));
        }
        Some(left)
    }

    fn also_left(
        &self,
        before: &Self,
        spot: &Spot<'a>,
        was: &Spot<'a>,
        version: &Version,
    ) -> Vec<Left> {
        let mut left = Vec::new();
        let declares = |found: &Found| found.version.is_some();
        for (index, level) in spot.layout.also.iter().enumerate() {
            let Ok(places) = self.also_places(spot, level) else {
                continue;
            };
            let old = before.also_places(was, level).unwrap_or_default();
            // Of several places those that repeat the version are meant.
            let repeats = |found: &Found| found.version.as_ref() == Some(version);
            if places.iter().any(|(_, found)| repeats(found)) {
                continue;
            }
            let stays = places.iter().zip(&old).filter(|((_, new), (_, old))| {
                declares(new) && new.version == old.version && !self.belongs(index, version, new)
            });
            for ((path, found), _) in stays.take(NAMED) {
                let text = found.version.as_ref().map_or("", Version::as_str);
                let (what, key) = match index.checked_sub(spot.layout.moved) {
                    None => (ALSO, format!("also[{index}]")),
                    Some(_) => (CARRY, "carry".to_owned()),
                };
                let words = format!(
                    "{path}:{}: {text} stays as it is (`{key}`): nothing says what goes with {version}; where it \
                     should move too, change it by hand, or promote from an environment that has both",
                    found.line
                );
                left.push(Left { what, words });
            }
        }
        left
    }

    /// A comment that is to say what the version is, and says what it said of another one.
    fn comment_left(&self, spot: &Spot<'a>, comment: &str, was: &str) -> Option<Left> {
        let version = spot.found.version.as_ref()?;
        let says_so = comment
            .split_whitespace()
            .any(|word| word == version.as_str());
        if comment.is_empty() || comment != was || says_so {
            return None;
        }
        let mut row = self.desired.row(&self.key.service);
        let belongs = row.any(|(key, cell)| {
            let other = Editor { key, cell, ..*self };
            let same = key != self.key && is_of(cell.version.as_ref(), version);
            let own = same.then(|| other.own_places().ok()).flatten();
            let mut own = own.into_iter().flatten();
            own.any(|spot| comment_of(&spot.found) == Some(comment))
        });
        let words = format!(
            "{}:{}: the comment `# {comment}` stays as it is (`carry`): nothing says what it is with {version}; where it \
             says what the version was, change it by hand, or promote from an environment that has both",
            spot.path, spot.found.line
        );
        (!belongs).then_some(Left { what: CARRY, words })
    }

    /// Digests near a version that moved, which say what they said before: they are not written together with it.
    fn digests_left(&self, before: &Self, spot: &Spot<'a>, was: &Spot<'a>) -> Vec<Left> {
        let stays = before.held(was);
        let version = spot.found.version.as_ref().map_or("", Version::as_str);
        let left = self.held(spot).into_iter().filter(|held| {
            let same = |old: &Held| old.key == held.key && old.digest == held.digest;
            stays.iter().any(same)
        });
        let left = left.map(|held| Left {
            what: DIGEST,
            words: format!(
                "{}:{}: the digest in `{}` stays as it is: nothing says what goes with {version}, and what pins by it \
                 runs the image that was there before; change it by hand, or take it out",
                spot.path, held.line, held.key
            ),
        });
        left.collect()
    }

    /// The digests near a place that are not written together with what stands there.
    fn held(&self, spot: &Spot<'_>) -> Vec<Held> {
        let Place::Scalar {
            document,
            path,
            within,
            pair,
            ..
        } = &spot.found.place
        else {
            return Vec::new();
        };
        let at = (&self.cell.origin, &spot.path);
        let known = self
            .pages
            .and_then(|pages| pages.held(at, &spot.found.place));
        let near = |bytes: &[u8], document: usize| {
            let yaml = manifest::parse(bytes).ok()?;
            let root = yaml.documents.get(document)?.root();
            let parent = root.find(path.get(..path.len().checked_sub(1)?)?)?;
            Some(held::near(root, parent, path, &held::Known::default()))
        };
        let look = || {
            let bytes = self.file(&spot.path)?;
            if let Some(within) = within {
                let yaml = manifest::parse(&bytes).ok()?;
                let text = yaml.documents.get(within.0)?.root().find(&within.1)?;
                let mut found = near(text.text()?.as_bytes(), *document)?;
                for held in &mut found {
                    held.line = spot.found.line;
                }
                return Some(found);
            }
            near(&bytes, *document)
        };
        let mut found = known.or_else(look).unwrap_or_default();
        let written = pair.iter().flat_map(|pair| &pair.places);
        let written: Vec<_> = written.map(|at| at.place.beside(path)).collect();
        found.retain(|held| !written.contains(&held.path(path)));
        found
    }

    /// Whether another environment that declares the version has this beside it.
    fn belongs(&self, index: usize, version: &Version, found: &Found) -> bool {
        let mut others = self.elsewhere(index);
        others.any(|(other, places)| {
            is_of(other.as_ref(), version) && places.contains(&found.version)
        })
    }
}

/// The comment behind a version.
fn comment_of(found: &Found) -> Option<&str> {
    match &found.place {
        Place::Scalar { comment, .. } => comment.as_deref(),
        Place::Text { .. } => None,
    }
}

impl Spot<'_> {
    /// Whether both are the same place.
    fn is_where(&self, other: &Self) -> bool {
        let at = |spot: &Self| match &spot.found.place {
            Place::Scalar {
                document,
                path,
                within,
                ..
            } => Some((*document, path.clone(), within.clone())),
            Place::Text { .. } => None,
        };
        self.path == other.path && at(self).is_some() && at(self) == at(other)
    }
}
