//! What is to be done, by file.

use std::collections::{BTreeMap, HashSet};

use super::super::extract::Place;
use super::{Refusal, not_parseable, spots::Spot};
use crate::domain::{
    ids::RepoPath,
    manifest::{self, Edit, ScalarType},
    plan::FileEdit,
};

/// What is to be done, by file.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) edits: BTreeMap<RepoPath, Vec<Edit>>,
    /// The same, each once.
    known: HashSet<(RepoPath, Edit)>,
    /// Whole texts, where the editor of single nodes has no word for the change.
    pub(super) texts: BTreeMap<RepoPath, Vec<u8>>,
}

impl Changes {
    pub(super) fn add(&mut self, path: &RepoPath, edit: Edit) {
        if self.known.insert((path.clone(), edit.clone())) {
            self.edits.entry(path.clone()).or_default().push(edit);
        }
    }

    /// Takes an edit back that another one makes needless.
    pub(super) fn take_back(&mut self, path: &RepoPath, edit: &Edit) {
        if self.known.remove(&(path.clone(), edit.clone()))
            && let Some(edits) = self.edits.get_mut(path)
        {
            edits.retain(|known| known != edit);
        }
    }

    /// The same at a place that was found, which may be one of a text inside the file.
    pub(super) fn at(&mut self, spot: &Spot<'_>, edit: Edit) {
        let edit = match &spot.found.place {
            Place::Scalar {
                within: Some(within),
                ..
            } => {
                let (document, path) = &**within;
                Edit::Within {
                    document: *document,
                    path: path.clone(),
                    edit: Box::new(edit),
                }
            }
            _ => edit,
        };
        self.add(&spot.path, edit);
    }

    pub(super) fn carry_out(
        self,
        files: &dyn Fn(&RepoPath) -> Option<Vec<u8>>,
    ) -> Result<Vec<FileEdit>, Refusal> {
        let mut paths: Vec<RepoPath> = self
            .edits
            .keys()
            .chain(self.texts.keys())
            .cloned()
            .collect();
        paths.sort();
        paths.dedup();
        let mut all = Vec::new();
        for path in paths {
            let before = files(&path).unwrap_or_default();
            let base = self.texts.get(&path).unwrap_or(&before);
            let edits = self.edits.get(&path).map_or(&[][..], Vec::as_slice);
            let edits: Vec<Edit> = edits.iter().map(|edit| quoted(base, edit)).collect();
            let after =
                manifest::apply(base, &edits).map_err(|error| not_parseable(&path, &error))?;
            if after != before {
                manifest::refuse_sealed(path.as_str(), &before, &after)
                    .map_err(|error| not_parseable(&path, &error))?;
                all.push(FileEdit {
                    path,
                    before,
                    after,
                });
            }
        }
        Ok(all)
    }
}

/// A replacement of a whole plain scalar by text that a reader of YAML would take for something else (`1.10`) sets the
/// scalar instead, with the quotes that it needs.
fn quoted(bytes: &[u8], edit: &Edit) -> Edit {
    let set = || {
        let Edit::Replace { range, value } = edit else {
            return None;
        };
        if manifest::scalar_type(value) == ScalarType::Text {
            return None;
        }
        let yaml = manifest::parse(bytes).ok()?;
        let (document, path) = yaml.scalar_at(range)?;
        let value = value.clone();
        Some(Edit::Set {
            document,
            path,
            value,
        })
    };
    set().unwrap_or_else(|| edit.clone())
}
