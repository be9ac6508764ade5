//! The same image in other containers, which moves along: see [`containers`].

use super::{Changes, Editor, Refusal, Spot, not_parseable, unread};
use crate::domain::{
    grammar::Grammar,
    ids::RepoPath,
    layout::{
        containers::{self, Container, or_none},
        extract::Place,
    },
    manifest::{self, Edit, Step},
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
        for spot in targets {
            let level = &spot.layout.levels[spot.level];
            let Place::Scalar { path, .. } = &spot.found.place else {
                continue;
            };
            if !level.is_container(path) {
                continue;
            }
            let Some(bytes) = self.file(&spot.path) else {
                continue;
            };
            let yaml =
                manifest::parse(&bytes).map_err(|error| not_parseable(&spot.path, &error))?;
            let all = containers::all(&yaml, level);
            let own = spot.found.container();
            let others = own.map_or_else(Vec::new, |own| own.others(level, &all));
            let is_target = |it: &Container<'_>| {
                let mut targets = targets.iter();
                targets.any(|spot| spot.is_at(it.document, &it.path))
            };
            let others = others.into_iter().filter(|it| !is_target(it));
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
