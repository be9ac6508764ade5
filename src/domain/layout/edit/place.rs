//! Writing a version where one stands already.

use super::{Changes, Refusal, Spot, companions::Donor};
use crate::domain::{
    layout::{
        extract::Place,
        pair::{DigestPlace, Pair},
        part::is_digest,
    },
    manifest::{Edit, NodePath, Step},
    plan::SkipCause,
    version::Version,
};

/// The edits that give `spot` another version.
pub(super) fn set(
    spot: &Spot<'_>,
    version: &Version,
    donor: Option<&Donor>,
    changes: &mut Changes,
) -> Result<(), Refusal> {
    match &spot.found.place {
        Place::Scalar {
            document,
            path,
            pair: Some(pair),
            ..
        } => {
            if let (Some((_, line)), (Some(_), None)) = (pair.others.first(), halves(pair, version))
            {
                return Err(two_digests(spot, *line));
            }
            set_pair(spot, *document, path, pair, version, donor, changes);
            Ok(())
        }
        Place::Scalar {
            document,
            path,
            text,
            borrowed,
            ..
        } => {
            let value = spot.part().write(text, version.as_str());
            let value = value.ok_or_else(|| no_place(spot, text))?;
            let edit = if *borrowed {
                own_key(*document, path, value).ok_or_else(|| no_place(spot, text))?
            } else {
                Edit::Set {
                    document: *document,
                    path: path.clone(),
                    value,
                }
            };
            changes.at(spot, edit);
            Ok(())
        }
        Place::Text { range, text, .. } => {
            let value = spot.part().write(text, version.as_str());
            let value = value.ok_or_else(|| no_place(spot, text))?;
            let range = range.clone();
            changes.add(&spot.path, Edit::Replace { range, value });
            Ok(())
        }
    }
}

/// The edits that take a version out.
pub(super) fn remove(spot: &Spot<'_>, changes: &mut Changes) -> Result<(), Refusal> {
    let Place::Scalar {
        document,
        path,
        pair,
        ..
    } = &spot.found.place
    else {
        let reason = format!(
            "{}:{}: a version that is found by `regex` cannot be taken out; set the inherited one instead",
            spot.path, spot.found.line
        );
        return Err((SkipCause::NotParseable, reason));
    };
    let document = *document;
    let take_out = |path: NodePath| Edit::Remove {
        document,
        path,
        prune: true,
    };
    match pair {
        None => changes.at(spot, take_out(path.clone())),
        Some(pair) => {
            if pair.tag.is_some() {
                changes.at(spot, take_out(sibling(path, &pair.tag_key)));
            }
            for at in pair.places.iter().filter(|at| at.is_there()) {
                let DigestPlace::Key { .. } = at.place else {
                    continue;
                };
                let name = at.after(None, false).unwrap_or_default();
                let path = at.place.beside(path);
                let edit = if name.is_empty() {
                    take_out(path)
                } else {
                    // An image's name was there before its digest.
                    Edit::Set {
                        document,
                        path,
                        value: name,
                    }
                };
                changes.at(spot, edit);
            }
        }
    }
    Ok(())
}

/// A tag and a digest in two keys: together they say what `version` says, whichever of them were there.
///
/// A digest alone takes its tag from the environment it is copied from; where none is known, the tag goes, or is emptied
/// where a chart has it, because it would say something else. A tag alone takes the digest away, which would still pin what was there before. Where a chart
/// or a fall-back file could bring a digest of its own, it is emptied instead; behind an image's name it goes alone.
fn set_pair(
    spot: &Spot<'_>,
    document: usize,
    path: &NodePath,
    pair: &Pair,
    version: &Version,
    donor: Option<&Donor>,
    changes: &mut Changes,
) {
    let (tag, digest) = match donor.and_then(|donor| donor.tag.as_deref()) {
        // It stands in the tag alone where it comes from, and nothing here has a key for the digest.
        Some(tag) if pair.kustomize && !pair.has_key() && tag == version.as_str() => {
            (Some(tag.to_owned()), None)
        }
        _ => halves(pair, version),
    };
    let tag = tag.or_else(|| donor.and_then(|donor| donor.tag.clone()));
    let inherits = !pair.kustomize && spot.layout.levels.len() > 1;
    // It was there before it had anything to say.
    let was_empty = donor.is_some_and(|donor| donor.past && donor.empty_digest);
    // The key of a tag is what the layout reads: without anything to say it stays, and the digest counts.
    let emptied = || (!pair.kustomize && digest.is_some() && pair.tag.is_some()).then(String::new);
    let tag = tag.or_else(emptied);
    let mut keys = vec![(
        sibling(path, &pair.tag_key),
        pair.tag.clone(),
        tag,
        pair.tag.is_some(),
    )];
    for at in &pair.places {
        let keeps = inherits || was_empty || matches!(at.place, DigestPlace::Item(_));
        keys.push((
            at.place.beside(path),
            at.before(pair.digest.as_deref()),
            at.after(digest.as_deref(), keeps),
            at.is_there(),
        ));
    }
    let mut removals = Vec::new();
    for (path, before, after, is_there) in keys {
        match after {
            Some(after) if before.as_ref() == Some(&after) => {}
            Some(value) if is_there => changes.at(
                spot,
                Edit::Set {
                    document,
                    path,
                    value,
                },
            ),
            Some(value) => {
                if let Some(edit) = own_key(document, &path, value) {
                    changes.at(spot, edit);
                }
            }
            None if before.is_some() => removals.push(Edit::Remove {
                document,
                path,
                prune: false,
            }),
            None => {}
        }
    }
    for removal in removals {
        changes.at(spot, removal);
    }
}

/// What of a version belongs into the tag, and what into the digest.
pub(super) fn halves(pair: &Pair, version: &Version) -> (Option<String>, Option<String>) {
    let text = version.as_str();
    if is_digest(text) {
        return (None, Some(text.to_owned()));
    }
    match text.split_once('@') {
        Some((tag, digest)) if is_digest(digest) && splits(pair) => {
            (Some(tag.to_owned()), Some(digest.to_owned()))
        }
        _ => (Some(text.to_owned()), None),
    }
}

/// Whether a tag@digest belongs into two keys. One that stands in the tag alone stays there.
fn splits(pair: &Pair) -> bool {
    pair.has_key() || !pair.tag.as_deref().is_some_and(|tag| tag.contains('@'))
}

/// The key beside the one that `path` ends with.
pub(super) fn sibling(path: &[Step], key: &str) -> NodePath {
    let mut path = path.to_vec();
    path.pop();
    path.push(Step::Key(key.to_owned()));
    path
}

/// Writes a key into its own mapping, over what a merge key brings.
pub(super) fn own_key(document: usize, path: &[Step], value: String) -> Option<Edit> {
    let (Step::Key(key), parent) = path.split_last()? else {
        return None;
    };
    Some(Edit::Insert {
        document,
        parent: parent.to_vec(),
        key: key.clone(),
        value,
        typed: false,
    })
}

fn two_digests(spot: &Spot<'_>, line: u32) -> Refusal {
    let reason = format!(
        "{}:{line}: another digest stands here beside the same tag, on line {}, and one of the two would still pin the \
         image that was there before: take out the one that is not used",
        spot.path, spot.found.line
    );
    (SkipCause::Conflict, reason)
}

fn no_place(spot: &Spot<'_>, text: &str) -> Refusal {
    let reason = format!(
        "{}:{}: `{text}` has no place for a version; look at the layout's `part`",
        spot.path, spot.found.line
    );
    (SkipCause::NotParseable, reason)
}
