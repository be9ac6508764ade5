//! Changes of a file's bytes.

use std::ops::Range;

use super::{
    ManifestError,
    insert::{Addition, insert},
    lines::breaks,
    locate::{document, locate},
    oracle::{Change, is_json, verify},
    parse::parse,
    remove::remove,
    set::{self, Wanted, touches},
    splice::{Splice, Splices},
    tree::{NodePath, Yaml},
    within,
};

/// One change. Several changes of one file are carried out in the order given, each seeing the
/// result of those before it; only `Replace` ranges always mean the bytes handed to [`apply`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// Gives an existing scalar another text. The token's style stays; quotes are added where a
    /// reader would take the new text for something else than the old one was. An alias is
    /// replaced by the text; an anchor stays, so that aliases of it change too.
    Set {
        /// The document's index, from 0.
        document: usize,
        /// The scalar.
        path: NodePath,
        /// Its new text.
        value: String,
    },
    /// Adds a key to a mapping, behind its last one. Parents that do not exist are created.
    Insert {
        /// The document's index, from 0; 0 also of a file without any.
        document: usize,
        /// The mapping.
        parent: NodePath,
        /// The key to add.
        key: String,
        /// Its text.
        value: String,
        /// Write the value as it stands, so that `true` is a boolean and `3` a number: for settings
        /// whose inherited value is one ([`super::NodeRef::scalar_type`]). Versions want `false`.
        typed: bool,
    },
    /// Takes a key out of its mapping: the inverse of `Insert`.
    Remove {
        /// The document's index, from 0.
        document: usize,
        /// The key's value.
        path: NodePath,
        /// Also take out the parents that become empty by it.
        prune: bool,
    },
    /// Replaces bytes that were located without the tree, by a regular expression. When there are no
    /// other edits the file need not be YAML.
    Replace {
        /// The bytes, in the file as handed to [`apply`].
        range: Range<usize>,
        /// What stands there instead.
        value: String,
    },
    /// Changes the document that the text of a scalar is: a block of Helm values inside an `Application`. Of a literal
    /// block only the lines that differ are written anew; of the other styles a word can change.
    Within {
        /// The document's index, from 0.
        document: usize,
        /// The scalar.
        path: NodePath,
        /// What is done to its text.
        edit: Box<Edit>,
    },
    /// Replaces a word in the comment behind a scalar.
    Comment {
        /// The document's index, from 0.
        document: usize,
        /// The scalar.
        path: NodePath,
        /// The word, which must stand there.
        from: String,
        /// What stands there instead.
        to: String,
    },
}

/// Carries out edits of one file and gives its new bytes.
///
/// # Errors
/// Says the line and the reason where an edit cannot be made without touching anything else; then
/// none of the edits is made.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, ManifestError> {
    let mut current = replace(bytes, edits)?;
    let mut pending: Vec<&Edit> = edits
        .iter()
        .filter(|edit| !matches!(edit, Edit::Replace { .. }))
        .collect();
    while !pending.is_empty() {
        let yaml = parse(&current)?;
        let batch = Batch::take(&yaml, &mut pending)?;
        if batch.splices.is_empty() && batch.changes.is_empty() {
            continue;
        }
        let splices = Splices::new(batch.splices, current.len())?;
        let new = splices.apply(&current);
        verify(&yaml, &splices, &new, &batch.changes)?;
        current = new;
    }
    Ok(current)
}

fn replace(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, ManifestError> {
    let mut splices = Vec::new();
    for edit in edits {
        if let Edit::Replace { range, value } = edit {
            if value.chars().any(char::is_control) {
                return Err(ManifestError::whole(
                    "a line break or control character cannot be written into this text",
                ));
            }
            splices.push(Splice::new(range.clone(), value.as_str()));
        }
    }
    Ok(Splices::new(splices, bytes.len())?.apply(bytes))
}

/// Edits that can be made at once, because none of them changes what another one means.
#[derive(Default)]
struct Batch {
    splices: Vec<Splice>,
    changes: Vec<(usize, Change)>,
}

impl Batch {
    /// Takes at least one of the pending edits.
    fn take(yaml: &Yaml<'_>, pending: &mut Vec<&Edit>) -> Result<Self, ManifestError> {
        let json = is_json(yaml.text);
        let mut batch = Self::default();
        let mut taken = 0;
        for edit in pending.iter() {
            let alone = matches!(edit, Edit::Insert { .. } | Edit::Remove { .. });
            if alone {
                refuse_lone_returns(yaml.text)?;
            }
            if taken > 0 && alone || !batch.add(yaml, edit, json)? {
                break;
            }
            taken += 1;
            if alone {
                break;
            }
        }
        pending.drain(..taken);
        Ok(batch)
    }

    /// Adds an edit, unless one before it concerns the same node.
    fn add(&mut self, yaml: &Yaml<'_>, edit: &Edit, json: bool) -> Result<bool, ManifestError> {
        match edit {
            Edit::Set {
                document: index,
                path,
                value,
            } => {
                let document = document(yaml, *index)?;
                let place = locate(document, path)?;
                if touches(&self.changes, *index, place.node) {
                    return Ok(false);
                }
                let wanted = Wanted {
                    value,
                    typed: false,
                    json,
                };
                if let Some((splice, change)) = set::set(yaml, document, place, path, wanted)? {
                    self.splices.push(splice);
                    self.changes.push((*index, change));
                }
            }
            Edit::Within {
                document: index,
                path,
                edit,
            } => {
                let document = document(yaml, *index)?;
                let place = locate(document, path)?;
                if touches(&self.changes, *index, place.node) {
                    return Ok(false);
                }
                let made = within::set(yaml, document, place, path, edit)?;
                if let Some((splice, change)) = made {
                    self.splices.push(splice);
                    self.changes.push((*index, change));
                }
            }
            Edit::Comment {
                document: index,
                path,
                from,
                to,
            } => {
                let document = document(yaml, *index)?;
                let node = document.node(locate(document, path)?.node);
                let splices = set::comment(yaml, node, from, to)?;
                if splices
                    .iter()
                    .any(|splice| self.splices.iter().any(|other| other.range == splice.range))
                {
                    return Ok(false);
                }
                self.splices.extend(splices);
            }
            Edit::Insert {
                document: index,
                parent,
                key,
                value,
                typed,
            } => {
                let document = if yaml.documents.is_empty() && *index == 0 {
                    None
                } else {
                    Some(document(yaml, *index)?)
                };
                let addition = Addition {
                    parent,
                    key,
                    value,
                    typed: *typed,
                    json,
                };
                if let Some((splices, change)) = insert(yaml, document, &addition)? {
                    self.splices.extend(splices);
                    self.changes.push((*index, change));
                }
            }
            Edit::Remove {
                document: index,
                path,
                prune,
            } => {
                let (splices, change) = remove(yaml, document(yaml, *index)?, path, *prune)?;
                self.splices.extend(splices);
                self.changes.push((*index, change));
            }
            Edit::Replace { .. } => {}
        }
        Ok(true)
    }
}

/// Lines are added and taken out by their line feeds.
fn refuse_lone_returns(text: &str) -> Result<(), ManifestError> {
    let lone = text
        .match_indices('\r')
        .find(|(at, _)| !text[at + 1..].starts_with('\n'));
    lone.map_or(Ok(()), |(at, _)| {
        Err(ManifestError::at(
            1 + breaks(&text[..at]),
            "a carriage return without a line feed ends a line here; save the file with line feeds",
        ))
    })
}
