//! From a cell and a version to the bytes of the files that declare it.
//!
//! Where the cell is declared, every copy is set. Where it is inherited, the override is inserted into its own file. The
//! version is copied and nothing else: of an image string the tag or digest alone, of a tag and a digest in two keys both.
//! What stands where is read from the bytes at hand, so that changes of one plan can follow each other, and the result is
//! read once more: it must declare the version that was asked for.

mod absent;
mod append;
pub(super) mod automation;
mod batch;
mod beside;
mod changes;
mod companions;
mod digests;
mod insert;
mod locks;
mod markers;
mod pages;
mod place;
mod pods;
mod shared;
mod spots;

pub use absent::unreadable;
pub use batch::{Together, edit_together};
pub use beside::{Left, left_beside};
pub use locks::stale_locks;
pub use shared::{Beside, moved_beside};

use std::collections::BTreeMap;

use super::{LayoutSet, Origin, choice::Choice, extract::Place};
use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, RepoPath},
    manifest::{self, ManifestError, Step},
    plan::{FileEdit, SkipCause, unreadable as refusal},
    version::Version,
};
use changes::Changes;
use pages::Looks;
use spots::{Spot, targets};

/// Why a cell is not changed, with a sentence that names the file and the line.
pub(super) type Refusal = (SkipCause, String);

/// The bytes of a file of the ref that a cell is read from; `None` where there is none.
pub type Files<'a> = &'a dyn Fn(&Origin, &RepoPath) -> Option<Vec<u8>>;

/// The edits that make `key` declare `version`; `None` removes the override, so that the cell is inherited again.
///
/// `files` may give bytes that earlier changes of the same plan have edited: what stands where is read again from them.
///
/// # Errors
/// Why the cell cannot be changed, with a sentence that names the file and the line.
pub fn edit_cell(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    version: Option<&Version>,
    files: Files<'_>,
) -> Result<Vec<FileEdit>, Refusal> {
    restore_cell(layouts, desired, key, version, files, &|_, _| None)
}

/// The same for a version that was declared before: what goes with it is taken from `then`, the files at a commit that
/// declared it. Where these say nothing of it, an environment that declares it now is the source, as it always is.
///
/// # Errors
/// Those of [`edit_cell`].
pub fn restore_cell(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    version: Option<&Version>,
    files: Files<'_>,
    then: Files<'_>,
) -> Result<Vec<FileEdit>, Refusal> {
    let made;
    let cell = if let Some(cell) = desired.cells.get(key) {
        if let Some(refusal) = absent::without_content(layouts, desired, key) {
            return Err(refusal);
        }
        cell
    } else {
        if let Some(refusal) = absent::own_unreadable(layouts, desired, key) {
            return Err(refusal);
        }
        made = version.and_then(|version| insert::cell_like(layouts, desired, key, version, files));
        made.as_ref().ok_or_else(|| {
            unreadable(layouts, desired, key).unwrap_or_else(|| {
                let reason = format!(
                    "no layout gives {key} a place; add its file, or a layout that names it"
                );
                (SkipCause::NotDeclared, reason)
            })
        })?
    };
    if let Some(refusal) = rendered(layouts, cell, key) {
        return Err(refusal);
    }
    if let Some(Choice::Unclear { .. }) = layouts.choice(cell.layout, &key.service)
        && let Some(problem) = desired.unread(key)
    {
        return Err(refusal(problem));
    }
    let editor = Editor {
        layouts,
        desired,
        key,
        cell,
        files,
        then,
        pages: None,
    };
    let own = editor.own_places()?;
    let mut changes = Changes::default();
    match version {
        Some(version) => match editor.taken_back(&own, version) {
            Some(texts) => changes.texts = texts,
            None => editor.set(&own, version, &mut changes)?,
        },
        None => editor.restore(&own, &mut changes)?,
    }
    let mut edits = changes.carry_out(&|path| files(&cell.origin, path))?;
    editor.check(version, &edits)?;
    if let Some(version) = version {
        editor.carry_locks(version, &mut edits);
    }
    Ok(edits)
}

/// Why a cell that is only shown is not edited; `None` where it may be.
fn rendered(layouts: &LayoutSet, cell: &DesiredCell, key: &CellKey) -> Option<Refusal> {
    let mut layouts = layouts.layouts.iter();
    let is_one = layouts.any(|layout| layout.spec == cell.layout && layout.read_only);
    let place = match (cell.sources.first(), cell.files.first()) {
        (Some(source), _) => format!("{}:{}", source.path, source.line),
        (None, Some(file)) => file.to_string(),
        (None, None) => format!("layouts[{}]", cell.layout),
    };
    let reason = format!(
        "{place}: what {key} declares is rendered from something else, or one of a list that grows (`read_only` of its \
         layout); an edit would be rendered over, or lose what stood there: change it at its source"
    );
    is_one.then_some((SkipCause::NotParseable, reason))
}

/// Everything that one change looks at.
pub(super) struct Editor<'a> {
    layouts: &'a LayoutSet,
    desired: &'a Desired,
    key: &'a CellKey,
    cell: &'a DesiredCell,
    files: Files<'a>,
    /// The same files where the version was declared before.
    then: Files<'a>,
    /// What `files` say, where many cells are looked at.
    pages: Option<&'a dyn Looks>,
}

impl<'a> Editor<'a> {
    /// One that looks at a cell as files say it, by what was read of them; what was before is nothing.
    fn looking(
        (layouts, desired): (&'a LayoutSet, &'a Desired),
        (key, cell): (&'a CellKey, &'a DesiredCell),
        files: Files<'a>,
        pages: &'a dyn Looks,
    ) -> Self {
        Self {
            layouts,
            desired,
            key,
            cell,
            files,
            then: &|_, _| None,
            pages: Some(pages),
        }
    }

    fn set(
        &self,
        own: &[Spot<'a>],
        version: &Version,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        let targets = targets(own, version)?;
        if targets.is_empty() {
            return self.insert(version, changes);
        }
        let donor = self.donor(version, &targets);
        let targets: Vec<Spot<'a>> = targets
            .into_iter()
            .map(|spot| self.paired(spot, version))
            .collect();
        let targets: Vec<&Spot<'a>> = targets.iter().collect();
        for spot in &targets {
            self.fits_name(spot, version)?;
        }
        if targets.iter().any(|spot| spot.marker().is_some()) {
            markers::set(&targets, version, changes)?;
            self.no_unmarked_digest(&targets)?;
        } else {
            for spot in &targets {
                place::set(spot, version, donor.as_ref(), changes)?;
            }
            self.move_containers(&targets, version, changes)?;
        }
        self.move_companions(&targets, version, donor.as_ref(), changes)
    }

    /// Refuses what makes no image with the name beside it: behind `repository: r/web@sha256` stand the digits of a digest.
    fn fits_name(&self, spot: &Spot<'a>, version: &Version) -> Result<(), Refusal> {
        let Place::Scalar {
            document,
            path,
            pair: None,
            ..
        } = &spot.found.place
        else {
            return Ok(());
        };
        let Some(bytes) = self.file(&spot.path) else {
            return Ok(());
        };
        // Most files have no such name, and are not read once more.
        let has_name = ["@sha256", "@sha512"].iter().any(|name| {
            let mut windows = bytes.windows(name.len() + 1);
            windows.any(|it| it.starts_with(name.as_bytes()) && it.last() != Some(&b':'))
        });
        let Some((Step::Key(_), around)) = path.split_last().filter(|_| has_name) else {
            return Ok(());
        };
        let Ok(yaml) = manifest::parse(&bytes) else {
            return Ok(());
        };
        let document = yaml.documents.get(*document);
        let Some(mapping) = document.and_then(|document| document.root().find(around)) else {
            return Ok(());
        };
        for entry in mapping.entries() {
            let digits = match entry.value.text().and_then(|text| text.rsplit_once('@')) {
                Some((_, "sha256")) => 64,
                Some((_, "sha512")) => 128,
                _ => continue,
            };
            let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            let text = version.as_str();
            if text.len() == digits && text.bytes().all(lower) {
                continue;
            }
            let key = entry.key.text().unwrap_or_default();
            let reason = format!(
                "{}:{}: the image's name beside it (`{key}`, line {}) ends in `{}`, so that only the {digits} lower-case \
                 hexadecimal digits of a digest can stand here, and {version} is none; write those alone, or take the \
                 algorithm out of the name",
                spot.path,
                spot.found.line,
                entry.value.line(),
                if digits == 64 { "@sha256" } else { "@sha512" },
            );
            return Err((SkipCause::NotParseable, reason));
        }
        Ok(())
    }

    fn restore(&self, own: &[Spot<'a>], changes: &mut Changes) -> Result<(), Refusal> {
        let declared: Vec<&Spot<'a>> = own
            .iter()
            .filter(|spot| spot.level == 0 && spot.found.version.is_some())
            .collect();
        if declared.is_empty() {
            let reason = format!("{} has no version of its own to take out", self.key);
            return Err((SkipCause::NotDeclared, reason));
        }
        if self.fallback()?.is_none() {
            let reason = format!(
                "{} would declare nothing: no fall-back (`else`) of its layout has a version; set one instead",
                self.key
            );
            return Err((SkipCause::NotDeclared, reason));
        }
        if let Some(undone) = self.undone(declared[0]) {
            changes.texts.extend(undone);
            return Ok(());
        }
        for spot in declared {
            place::remove(spot, changes)?;
        }
        Ok(())
    }

    /// The files as they were at a commit that declared `version`, where writing the version of today over them is all that
    /// has changed since: going back gives these bytes, whatever was added, emptied or quoted.
    fn taken_back(
        &self,
        own: &[Spot<'a>],
        version: &Version,
    ) -> Option<BTreeMap<RepoPath, Vec<u8>>> {
        let declared = |spots: &[Spot<'_>]| {
            let mut found = spots.iter();
            found.find_map(|spot| spot.found.version.clone())
        };
        let past = Editor {
            files: self.then,
            pages: None,
            ..*self
        };
        let was = past.own_places().ok()?;
        let now = declared(own)?;
        if declared(&was).as_ref() != Some(version) {
            return None;
        }
        let mut changes = Changes::default();
        past.set(&was, &now, &mut changes).ok()?;
        let written = changes.carry_out(&|path| past.file(path)).ok()?;
        let same = |edit: &FileEdit| self.file(&edit.path).as_ref() == Some(&edit.after);
        (!written.is_empty() && written.iter().all(same)).then(|| {
            let before = written.into_iter().map(|edit| (edit.path, edit.before));
            before.collect()
        })
    }

    /// The files as they were before the cell got a version of its own, where adding that to them is all that has changed
    /// since: taking it out gives these bytes, whatever they had in its place.
    fn undone(&self, declared: &Spot<'a>) -> Option<BTreeMap<RepoPath, Vec<u8>>> {
        let past = Editor {
            files: self.then,
            pages: None,
            ..*self
        };
        let none = |spot: &Spot<'_>| spot.found.version.is_none();
        let was = past.own_places().ok()?;
        if !was.iter().all(none) {
            return None;
        }
        let mut changes = Changes::default();
        let version = declared.found.version.as_ref()?;
        // A key that said nothing was written over, and says nothing again.
        past.set(&was, version, &mut changes).ok()?;
        let added = changes.carry_out(&|path| past.file(path)).ok()?;
        let same = |edit: &FileEdit| self.file(&edit.path).as_ref() == Some(&edit.after);
        (!added.is_empty() && added.iter().all(same)).then(|| {
            let before = added.into_iter().map(|edit| (edit.path, edit.before));
            before.collect()
        })
    }

    /// Reads the result once more.
    fn check(&self, wanted: Option<&Version>, edits: &[FileEdit]) -> Result<(), Refusal> {
        let files = |origin: &Origin, path: &RepoPath| {
            let edited = edits.iter().find(|edit| edit.path == *path);
            let edited = edited.filter(|_| *origin == self.cell.origin);
            edited.map_or_else(
                || (self.files)(origin, path),
                |edit| Some(edit.after.clone()),
            )
        };
        let after = Editor {
            files: &files,
            pages: None,
            ..*self
        };
        let own = after.own_places()?;
        let declared = own.iter().find_map(|spot| spot.found.version.as_ref());
        let agrees = match (wanted, declared) {
            (None, None) => true,
            (Some(wanted), Some(found)) => {
                wanted == found || wanted.as_str().ends_with(&format!("@{found}"))
            }
            _ => false,
        };
        if agrees {
            return Ok(());
        }
        let place = self.cell.files.first().map_or("its file", RepoPath::as_str);
        let reason = match (wanted, declared) {
            (Some(wanted), Some(found)) => {
                format!(
                    "{place}: {wanted} would be read back as {found}; look at the layout's `part` and `regex`"
                )
            }
            (Some(wanted), None) => {
                format!(
                    "{place}: {wanted} would not be read back at all; look at the layout's `match`, `part` and `regex`"
                )
            }
            _ => {
                format!("{place}: the version stands there in another way too; take it out by hand")
            }
        };
        Err((SkipCause::NotParseable, reason))
    }
}

fn not_parseable(path: &RepoPath, error: &ManifestError) -> Refusal {
    let error = error.clone().of(path.as_str());
    let reason = match error.line {
        Some(line) => format!("{path}:{line}: {}", error.message),
        None => format!("{path}: {}", error.message),
    };
    let cause = if error.encrypted {
        SkipCause::Encrypted
    } else {
        SkipCause::NotParseable
    };
    (cause, reason)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod together;
