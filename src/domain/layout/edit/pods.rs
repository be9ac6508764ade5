//! The same image in other containers of a pod: init containers, ephemeral containers, helpers.
//!
//! They run what the cell's container runs. Where one of them says the same version, it moves along; where it says another,
//! nothing moves, and the place is named.

use super::{Changes, Editor, Refusal, Spot, not_parseable, unread};
use crate::domain::{
    grammar::Grammar,
    ids::RepoPath,
    layout::{
        extract::Place,
        part::{Part, image_name},
    },
    manifest::{self, Edit, NodePath, NodeRef, Step},
    plan::SkipCause,
    unread::Unread,
    version::Version,
};

/// The lists of a pod's containers.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

impl Editor<'_> {
    /// Moves the containers that run the image of a target, in any document of its file. Another reading of the layout may
    /// have found them as places of the cell: that makes no difference.
    pub(super) fn move_containers(
        &self,
        targets: &[&Spot<'_>],
        version: &Version,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        for spot in targets {
            let Place::Scalar {
                document,
                path,
                text,
                ..
            } = &spot.found.place
            else {
                continue;
            };
            if !(matches!(spot.part(), Part::Tag(_)) && is_container(path)) {
                continue;
            }
            let Some(bytes) = self.file(&spot.path) else {
                continue;
            };
            let yaml =
                manifest::parse(&bytes).map_err(|error| not_parseable(&spot.path, &error))?;
            // Where an object's name makes the row, another object is another row.
            let named = spot.layout.levels[spot.level].name.is_some();
            let name = image_name(text);
            for (index, other) in yaml.documents.iter().enumerate() {
                if named && index != *document {
                    continue;
                }
                let mut containers = Vec::new();
                images(other.root(), &mut Vec::new(), &mut containers);
                for (at, node) in containers {
                    let image = node.text().unwrap_or_default();
                    let is_target = targets.iter().any(|spot| spot.is_at(index, &at));
                    if is_target || node.is_alias() || image_name(image) != name {
                        continue;
                    }
                    if let Some(value) = moved(&spot.path, spot, image, node.line(), version)? {
                        changes.add(
                            &spot.path,
                            Edit::Set {
                                document: index,
                                path: at,
                                value,
                            },
                        );
                    }
                }
            }
        }
        Ok(())
    }
}

impl Spot<'_> {
    fn is_at(&self, index: usize, at: &[Step]) -> bool {
        match &self.found.place {
            Place::Scalar { document, path, .. } => *document == index && path == at,
            Place::Text { .. } => false,
        }
    }
}

/// The new text of another container; `None` where it has the version already.
fn moved(
    path: &RepoPath,
    spot: &Spot<'_>,
    image: &str,
    line: u32,
    version: &Version,
) -> Result<Option<String>, Refusal> {
    let said = image[image_name(image).len()..].trim_start_matches([':', '@']);
    if said == version.as_str() {
        return Ok(None);
    }
    let mut found = spot.found.clone();
    found.line = line;
    let kind = Unread::of(said, Grammar::Image).filter(|_| !said.is_empty());
    found.unread = kind.map(|kind| (kind, kind.words(said)));
    unread(path, &found)?;
    let shown = spot.found.version.as_ref().map_or("", Version::as_str);
    if said != shown {
        let reason = format!(
            "{path}:{line}: another container runs the same image as {}, and the cell's, on line {}, as {}: one of them \
             alone is not changed; make them equal first",
            or_none(said),
            spot.found.line,
            or_none(shown)
        );
        return Err((SkipCause::Conflict, reason));
    }
    Ok(spot.part().write(image, version.as_str()))
}

fn or_none(version: &str) -> &str {
    if version.is_empty() {
        "no tag"
    } else {
        version
    }
}

/// Whether a path leads to a container's image.
fn is_container(path: &[Step]) -> bool {
    matches!(path, [.., Step::Key(list), Step::Index(_), Step::Key(key)]
        if key == "image" && LISTS.contains(&list.as_str()))
}

/// Every image of a container below a node, aliases not followed.
fn images<'t>(node: NodeRef<'t>, path: &mut NodePath, all: &mut Vec<(NodePath, NodeRef<'t>)>) {
    if is_container(path) {
        if node.text().is_some() {
            all.push((path.clone(), node));
        }
        return;
    }
    if node.is_alias() {
        return;
    }
    for (key, value) in node.own_entries() {
        path.push(Step::Key(key.text().unwrap_or_default().to_owned()));
        images(value, path, all);
        path.pop();
    }
    for (index, item) in node.items().enumerate() {
        path.push(Step::Index(index));
        images(item, path, all);
        path.pop();
    }
}
