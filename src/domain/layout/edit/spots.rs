//! The places of a cell in the files of its ref.

use super::super::{
    bindings::Bindings,
    choice::{Choice, Field},
    compile::Layout,
    extract::{File, Found, Place},
    level::Marker,
    part::Part,
};
use super::{Editor, Refusal, not_parseable};
use crate::domain::{
    ids::{CellKey, RepoPath},
    manifest::NodePath,
    plan::SkipCause,
    unread::Unread,
    version::Version,
};

/// One place that declares the cell, or could.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    pub(super) layout: &'a Layout,
    pub(super) level: usize,
    pub(super) path: RepoPath,
    pub(super) found: Found,
}

impl Spot<'_> {
    /// Levels from here on are `also` entries.
    pub(super) const ALSO: usize = 1000;

    /// Which part of the scalar is meant.
    pub(super) fn part(&self) -> &Part {
        match self.level.checked_sub(Self::ALSO) {
            Some(index) => &self.layout.also[index].part,
            None => &self.layout.levels[self.level].part,
        }
    }

    /// What Flux's marker there stands behind.
    pub(super) fn marker(&self) -> Option<Marker> {
        self.layout.levels.get(self.level)?.marker()
    }
}

impl<'a> Editor<'a> {
    /// The layouts of the cell's `[[layouts]]` table, the preferred reading first.
    pub(super) fn readings(&self) -> impl Iterator<Item = &'a Layout> {
        let (spec, origin) = (self.cell.layout, &self.cell.origin);
        self.layouts.layouts.iter().filter(move |layout| {
            layout.spec == spec
                && layout.refs == origin.refs
                && layout.repository == origin.repository
        })
    }

    /// A file of the ref that the cell is read from.
    pub(super) fn file(&self, path: &RepoPath) -> Option<Vec<u8>> {
        (self.files)(&self.cell.origin, path)
    }

    /// What the ref's name captured.
    pub(super) fn ref_bindings(&self) -> Bindings {
        let captures = self.cell.origin.captures.iter();
        captures
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect()
    }

    /// What is captured of the cell without its version's place: by layout, with its own file.
    pub(super) fn presences(&self) -> Vec<(&'a Layout, RepoPath, Bindings)> {
        let ref_bindings = self.ref_bindings();
        let mut presences = Vec::new();
        for layout in self.readings() {
            for path in &self.cell.files {
                let bound = layout
                    .levels
                    .first()
                    .and_then(|level| level.matches(path.as_str()))
                    .and_then(|bound| ref_bindings.join(&bound));
                let Some(bound) = bound else { continue };
                // A file of the same shape that is another cell's own is none of this cell's.
                if layout.cell(&bound).is_none_or(|key| key == *self.key) {
                    presences.push((layout, path.clone(), bound));
                }
            }
        }
        presences
    }

    /// Places in the cell's own files, in order of preference.
    pub(super) fn own_places(&self) -> Result<Vec<Spot<'a>>, Refusal> {
        let mut spots = Vec::new();
        for (layout, path, bound) in self.presences() {
            let at = (&self.cell.origin, &path);
            if let Some(cells) = self.pages.and_then(|pages| pages.cells(at, layout, &bound)) {
                let cells = cells.map_err(|error| not_parseable(&path, &error))?;
                let (found, aside) = cells.get(self.key).cloned().unwrap_or_default();
                spots.extend(self.spots_of(layout, 0, &path, (found, aside)));
                continue;
            }
            let Some(bytes) = self.file(&path) else {
                continue;
            };
            spots.extend(self.spots(layout, 0, &path, &bytes, &bound)?);
        }
        let choice = self.layouts.choice(self.cell.layout, &self.key.service);
        spots.retain(|spot| {
            let field = Field::of(spot.layout, &spot.found.bindings);
            let passed = |choice: &Choice| field.as_ref().is_some_and(|it| choice.passes_over(it));
            !choice.is_some_and(passed)
        });
        spots.sort_by(|a, b| (a.layout.variant, &a.path).cmp(&(b.layout.variant, &b.path)));
        let says = |spot: &Spot<'_>| spot.found.version.is_some() || spot.found.unread.is_some();
        if !spots.iter().any(says)
            && let Some(other) = self.own_fallback()?
        {
            // What says nothing stays empty: the version is written where it stands.
            return Ok(vec![other]);
        }
        Ok(spots)
    }

    /// The place of a fall-back in a file that is this cell's alone by its name: another way to write the version there
    /// (`sha` where `version` is empty), and nothing that is inherited.
    fn own_fallback(&self) -> Result<Option<Spot<'a>>, Refusal> {
        for (layout, path, bound) in self.presences() {
            if layout.levels.len() < 2 || layout.cell(&bound).is_none_or(|key| key != *self.key) {
                continue;
            }
            let is_own = |at: &usize| {
                let place = layout.levels[*at].matches(path.as_str());
                place.is_some_and(|place| bound.join(&place).is_some())
            };
            let levels: Vec<usize> = (1..layout.levels.len()).filter(is_own).collect();
            if levels.is_empty() {
                continue;
            }
            let Some(bytes) = self.file(&path) else {
                continue;
            };
            for level in levels {
                let spots = self.spots(layout, level, &path, &bytes, &bound)?;
                let mut declared = spots.into_iter();
                if let Some(spot) = declared.find(|spot| spot.found.version.is_some()) {
                    return Ok(Some(spot));
                }
            }
        }
        Ok(None)
    }

    /// The place that the cell falls back to.
    pub(super) fn fallback(&self) -> Result<Option<Spot<'a>>, Refusal> {
        let presences = self.presences();
        let depth = self.readings().map(|layout| layout.levels.len()).max();
        for level in 1..depth.unwrap_or(0) {
            for (layout, _, own) in &presences {
                let Some(place) = layout.levels.get(level) else {
                    continue;
                };
                for path in &self.cell.files {
                    let Some(bound) = place.matches(path.as_str()).and_then(|it| own.join(&it))
                    else {
                        continue;
                    };
                    let Some(bytes) = self.file(path) else {
                        continue;
                    };
                    let spots = self.spots(layout, level, path, &bytes, &bound)?;
                    if let Some(spot) = spots.into_iter().find(|spot| spot.found.version.is_some())
                    {
                        return Ok(Some(spot));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The places of this cell in one file.
    pub(super) fn spots(
        &self,
        layout: &'a Layout,
        level: usize,
        path: &RepoPath,
        bytes: &[u8],
        bound: &Bindings,
    ) -> Result<Vec<Spot<'a>>, Refusal> {
        let findings = File::new(bytes)
            .look(&layout.levels[level], bound)
            .map_err(|error| not_parseable(path, &error))?;
        let own = |mut all: Vec<Found>| {
            let is_own = |key: CellKey| key == *self.key;
            all.retain(|found| layout.cell(&found.bindings).is_some_and(is_own));
            all
        };
        let found = (own(findings.found), own(findings.aside));
        Ok(self.spots_of(layout, level, path, found))
    }

    /// What was found of this cell in one file, and what counts where nothing of it could be read.
    fn spots_of(
        &self,
        layout: &'a Layout,
        level: usize,
        path: &RepoPath,
        (found, aside): (Vec<Found>, Vec<Found>),
    ) -> Vec<Spot<'a>> {
        let is_unread = self.desired.unread(self.key).is_some();
        let aside = aside.into_iter().filter(|_| is_unread);
        let spots = found.into_iter().chain(aside).map(|found| Spot {
            layout,
            level,
            path: path.clone(),
            found,
        });
        spots.collect()
    }
}

/// The places that move together: copies of the version that is shown, or the first empty one. What the same reading of
/// the layout finds elsewhere must say the same, or what is wanted: a half of a cell is not moved.
pub(super) fn targets<'s, 'a>(
    own: &'s [Spot<'a>],
    wanted: &Version,
) -> Result<Vec<&'s Spot<'a>>, Refusal> {
    let says = |spot: &&Spot<'_>| spot.found.version.is_some() || spot.found.unread.is_some();
    let Some(first) = own.iter().find(says) else {
        return Ok(own.first().into_iter().collect());
    };
    let mut targets = Vec::new();
    if first.marker().is_some() {
        // A marker says that its value belongs to the policy, whatever it is now.
        for spot in own.iter().filter(|spot| spot.marker().is_some()) {
            unread(&spot.path, &spot.found)?;
            targets.push(spot);
        }
        return Ok(targets);
    }
    // Of two values one may be wanted: then the places of the other are written. A third takes the place of neither.
    let mut other: Option<&Spot<'_>> = None;
    for spot in own {
        let beside = spot.layout.variant == first.layout.variant;
        if beside {
            unread(&spot.path, &spot.found)?;
        }
        let Some(said) = &spot.found.version else {
            continue;
        };
        let is_first = first.found.version.as_ref() == Some(said);
        if is_first {
            targets.push(spot);
        } else if beside && said != wanted {
            let is_third = other.is_some_and(|other| other.found.version != spot.found.version);
            if is_third || first.found.version.as_ref() != Some(wanted) {
                return Err(contradiction(first, spot, said));
            }
            other = Some(spot);
            targets.push(spot);
        }
    }
    if other.is_some() {
        targets.retain(|spot| spot.found.version.as_ref() != Some(wanted));
    }
    // The digest of a tag is written with it.
    let digests: Vec<(RepoPath, usize, NodePath)> = targets
        .iter()
        .flat_map(|spot| spot.digests_of_tag())
        .collect();
    targets.retain(|spot| match &spot.found.place {
        Place::Scalar {
            document,
            path,
            pair: None,
            within: None,
            ..
        } => !digests
            .iter()
            .any(|(of, at, digest)| *of == spot.path && at == document && digest == path),
        _ => true,
    });
    Ok(targets)
}

impl Spot<'_> {
    /// Where the digests of its tag stand.
    fn digests_of_tag(&self) -> Vec<(RepoPath, usize, NodePath)> {
        let Place::Scalar {
            document,
            path,
            pair: Some(pair),
            within: None,
            ..
        } = &self.found.place
        else {
            return Vec::new();
        };
        let places = pair.places.iter().map(|at| at.place.beside(path));
        places
            .map(|digest| (self.path.clone(), *document, digest))
            .collect()
    }
}

fn contradiction(first: &Spot<'_>, spot: &Spot<'_>, other: &Version) -> Refusal {
    let shown = first.found.version.as_ref().map_or("", Version::as_str);
    let reason = format!(
        "{}:{}: {other} stands here and {shown} at {}:{}, for the same cell: one of them alone is not changed; make them \
         equal, or tell them apart in `row`",
        spot.path, spot.found.line, first.path, first.found.line
    );
    (SkipCause::Conflict, reason)
}

/// Why a place that holds something else than a version is not written over.
pub(super) fn unread(path: &RepoPath, found: &Found) -> Result<(), Refusal> {
    let Some((kind, words)) = &found.unread else {
        return Ok(());
    };
    let cause = match kind {
        Unread::Encrypted => SkipCause::Encrypted,
        Unread::Variable | Unread::Template | Unread::Illegal => SkipCause::NotParseable,
    };
    Err((cause, format!("{path}:{}: {words}", found.line)))
}
