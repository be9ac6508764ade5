//! The same image in other containers, which moves along: see [`containers`](crate::domain::layout::containers).

use std::collections::{BTreeMap, HashSet};

use super::{Changes, Editor, Refusal, Spot, not_parseable, place::own_key, spots::unread};
use crate::domain::{
    grammar::Grammar,
    ids::RepoPath,
    layout::{
        containers::{Container, Containers, or_none},
        extract::Place,
        level::Level,
    },
    manifest::{self, Edit, NodeId, NodeRef, Step, Yaml},
    plan::SkipCause,
    unread::Unread,
    version::Version,
};

impl Editor<'_> {
    /// Moves the containers that run the image of a target, in any document of its file. Another reading of the layout may
    /// have found them as places of the cell: that makes no difference.
    pub(super) fn move_containers(
        &self,
        targets: &[&Spot<'_>],
        version: &Version,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        let mut files: BTreeMap<&RepoPath, Vec<&Spot<'_>>> = BTreeMap::new();
        for spot in targets {
            let level = &spot.layout.levels[spot.level];
            if matches!(&spot.found.place, Place::Scalar { path, .. } if level.is_container(path)) {
                files.entry(&spot.path).or_default().push(spot);
            }
        }
        for (path, spots) in files {
            let Some(bytes) = self.file(path) else {
                continue;
            };
            let cells = self.layouts.view(&self.cell.origin);
            let cells = cells.cells_of_containers(path, &bytes);
            let yaml = manifest::parse(&bytes).map_err(|error| not_parseable(path, &error))?;
            // What one level reads, and what was moved of it: places that say the same move the same others.
            let mut levels: Vec<(*const Level, Containers<'_>)> = Vec::new();
            let mut moved = HashSet::new();
            let mut written = Written::default();
            for spot in &spots {
                written.note(&yaml, spot);
            }
            let all_targets: HashSet<(usize, &[Step])> = targets
                .iter()
                .filter_map(|spot| spot.position(path))
                .collect();
            for spot in &spots {
                let level = &spot.layout.levels[spot.level];
                let Some(own) = spot.found.container() else {
                    continue;
                };
                let known = levels
                    .iter()
                    .position(|(known, _)| std::ptr::eq(*known, level));
                let at = known.unwrap_or_else(|| {
                    levels.push((level, Containers::of(&yaml, level)));
                    levels.len() - 1
                });
                if !moved.insert((at, own.group(level), &spot.found.version)) {
                    continue;
                }
                let others = levels[at].1.like(level, &own).into_iter();
                let others = others.filter(|other| {
                    !all_targets.contains(&other.position())
                        && !cells.is_of_another(other, self.key)
                });
                move_others(spot, others, version, changes, &mut written)?;
            }
            for spot in spots {
                written.take_back(&yaml, spot, version, changes);
            }
        }
        Ok(())
    }
}

/// The images of a file that are written: by the document's index, and what else stands for them moves with them.
#[derive(Default)]
struct Written(HashSet<(usize, NodeId)>);

impl Written {
    fn note(&mut self, yaml: &Yaml<'_>, spot: &Spot<'_>) {
        if let Some((document, node)) = image(yaml, spot)
            && !stands_for(spot, node)
        {
            self.0.insert((document, node.resolve().id()));
        }
    }

    /// What stands for an image that is written, an alias or a merge key, needs no value of its own: it stays as it is.
    fn take_back(
        &self,
        yaml: &Yaml<'_>,
        spot: &Spot<'_>,
        version: &Version,
        changes: &mut Changes,
    ) {
        let Some((document, node)) = image(yaml, spot) else {
            return;
        };
        let moves = self.0.contains(&(document, node.resolve().id()));
        if let Place::Scalar {
            path,
            text,
            borrowed,
            ..
        } = &spot.found.place
            && moves
            && stands_for(spot, node)
            && let Some(value) = spot.part().write(text, version.as_str())
        {
            let edit = if *borrowed {
                own_key(document, path, value)
            } else {
                Some(Edit::Set {
                    document,
                    path: path.clone(),
                    value,
                })
            };
            if let Some(edit) = edit {
                changes.take_back(&spot.path, &edit);
            }
        }
    }
}

/// Whether an image stands in its place for one that is written elsewhere.
fn stands_for(spot: &Spot<'_>, image: NodeRef<'_>) -> bool {
    image.is_alias() || matches!(spot.found.place, Place::Scalar { borrowed: true, .. })
}

/// The scalar that an image is read from, whatever stands for it.
fn image<'t>(yaml: &'t Yaml<'_>, spot: &Spot<'_>) -> Option<(usize, NodeRef<'t>)> {
    let (document, path) = spot.position(&spot.path)?;
    let node = yaml.documents.get(document)?.root().find(path)?;
    Some((document, node))
}

/// Moves the containers that run the image of a target.
fn move_others<'a, 't: 'a>(
    spot: &Spot<'_>,
    others: impl Iterator<Item = &'a Container<'t>>,
    version: &Version,
    changes: &mut Changes,
    all: &mut Written,
) -> Result<(), Refusal> {
    let mut written: Option<&str> = None;
    for other in others {
        if other.version == version.as_str() {
            continue;
        }
        may_move(&spot.path, spot, other)?;
        let shown = spot.found.version.as_ref();
        let is_copy = shown.is_some_and(|shown| shown.as_str() == other.version);
        // Of two values one may be wanted: then the places of the other are written. A third is written over neither.
        let is_wanted = shown == Some(version);
        let is_other = is_wanted && written.is_none_or(|it| it == other.version);
        if !(is_copy || is_other) {
            return Err(contradiction(&spot.path, spot, other));
        }
        written = Some(other.version);
        let image = other.node.text().unwrap_or_default();
        if let Some(value) = spot.part().write(image, version.as_str()) {
            all.0.insert((other.document, other.node.resolve().id()));
            changes.add(
                &spot.path,
                Edit::Set {
                    document: other.document,
                    path: other.path.clone(),
                    value,
                },
            );
        }
    }
    Ok(())
}

impl Spot<'_> {
    /// Where it stands in the file at `path`: the document's index, and the way there.
    pub(super) fn position(&self, path: &RepoPath) -> Option<(usize, &[Step])> {
        match &self.found.place {
            Place::Scalar {
                document,
                path: way,
                within: None,
                ..
            } if self.path == *path => Some((*document, way)),
            _ => None,
        }
    }
}

/// Why a container that holds something else than a version is not written over.
fn may_move(path: &RepoPath, spot: &Spot<'_>, other: &Container<'_>) -> Result<(), Refusal> {
    let said = other.version;
    let mut found = spot.found.clone();
    found.line = other.node.line();
    let kind = Unread::of(said, Grammar::Image).filter(|_| !said.is_empty());
    found.unread = kind.map(|kind| (kind, kind.words(said)));
    unread(path, &found)
}

fn contradiction(path: &RepoPath, spot: &Spot<'_>, other: &Container<'_>) -> Refusal {
    let shown = spot.found.version.as_ref().map_or("", Version::as_str);
    let reason = format!(
        "{path}:{}: another container runs the same image as {}, and the cell's, on line {}, as {}: one of them alone is not \
         changed; make them equal first",
        other.node.line(),
        or_none(other.version),
        spot.found.line,
        or_none(shown)
    );
    (SkipCause::Conflict, reason)
}
