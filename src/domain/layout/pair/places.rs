//! Where the digest of a tag stands, how it is written there, and what is there now.

use super::ALGORITHM;
use crate::domain::manifest::{self, NodePath, NodeRef};

/// How a digest is written in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// With its algorithm: `sha256:…`.
    Whole,
    /// Its hexadecimal digits alone.
    Bare,
    /// Behind an image's name, which is this: `r/web@sha256:…`. Without a digest the name stays.
    Behind(String),
}

impl Form {
    /// A digest, or none, as it is written so.
    pub(super) fn written(&self, digest: &str) -> String {
        match self {
            Self::Whole => digest.to_owned(),
            Self::Bare => digest.strip_prefix(ALGORITHM).unwrap_or(digest).to_owned(),
            Self::Behind(name) if digest.is_empty() => name.clone(),
            Self::Behind(name) => format!("{name}@{digest}"),
        }
    }
}

/// Where the digest is, from the tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DigestPlace {
    /// A key of the mapping that the tag stands in, or so many mappings around it.
    Key {
        /// How many mappings around.
        up: usize,
        /// The key.
        key: String,
    },
    /// Somewhere else in the document, where it may be emptied, but not taken out.
    Item(NodePath),
}

impl DigestPlace {
    /// The digest's own path, beside the tag at `tag`.
    pub(crate) fn beside(&self, tag: &[manifest::Step]) -> NodePath {
        match self {
            Self::Item(path) => path.clone(),
            Self::Key { up, key } => {
                let mut path = tag[..tag.len().saturating_sub(up + 1)].to_vec();
                path.push(manifest::Step::Key(key.clone()));
                path
            }
        }
    }
}

/// What is in a digest's place now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Nothing, and nothing is in force there.
    Absent,
    /// A key of its own that says no digest: nothing, or an image's name alone.
    Empty,
    /// The digest.
    Own,
    /// The digest, which a merge key brings: it is written over, not taken out.
    Merged,
    /// Nothing, and the digest of a fall-back file is in force as long as nothing is written over it.
    Inherited,
    /// The same with a digest of a fall-back file that is not the one which is used: it is written over with none.
    Unused,
}

/// One place of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DigestAt {
    /// Where it is.
    pub(crate) place: DigestPlace,
    /// How the digest is written there.
    pub(crate) form: Form,
    /// What is there.
    pub(crate) stands: Stands,
}

impl DigestAt {
    /// What is written there now as a key of the file's own or of a merge key, where the digest is `digest`.
    pub(crate) fn before(&self, digest: Option<&str>) -> Option<String> {
        match self.stands {
            Stands::Absent | Stands::Inherited | Stands::Unused => None,
            Stands::Empty => Some(self.form.written("")),
            Stands::Own | Stands::Merged => Some(self.form.written(digest?)),
        }
    }

    /// What is to be written there for `digest`; `None` where its key goes, or none is needed. `keeps` says that a place
    /// without a digest keeps its key.
    pub(crate) fn after(&self, digest: Option<&str>, keeps: bool) -> Option<String> {
        if self.stands == Stands::Unused {
            return Some(self.form.written(""));
        }
        if let Some(digest) = digest {
            return Some(self.form.written(digest));
        }
        let none = self.form.written("");
        let stays = match self.stands {
            Stands::Absent => false,
            Stands::Empty | Stands::Inherited | Stands::Unused | Stands::Merged => true,
            // The name before a digest is there without it.
            Stands::Own => keeps || !none.is_empty(),
        };
        stays.then_some(none)
    }

    /// Whether its key is one of the file's own mapping, which can be set.
    pub(crate) fn is_there(&self) -> bool {
        matches!(self.stands, Stands::Empty | Stands::Own)
    }

    /// The same place in a document that has a version at `tag`; `None` where something else is written there, over which
    /// no digest is in force. An image's name there is the one that a digest is written behind.
    pub(super) fn fitted(&self, root: NodeRef<'_>, tag: &[manifest::Step]) -> Option<Self> {
        let path = self.place.beside(tag);
        let (manifest::Step::Key(key), way) = path.split_last()? else {
            return Some(self.clone());
        };
        let Some(found) = root.find(way).and_then(|parent| parent.get(key)) else {
            return Some(self.clone());
        };
        if self.stands == Stands::Unused {
            return None;
        }
        let says_nothing = found.value.is_null() || found.value.text() == Some("");
        let form = match (&self.form, found.value.text()) {
            (form, _) if says_nothing => form.clone(),
            (Form::Behind(_), Some(name)) if is_name(name) => Form::Behind(name.to_owned()),
            _ => return None,
        };
        let stands = match (found.merged, &form) {
            (false, _) => Stands::Empty,
            (true, Form::Behind(_)) => return None,
            (true, _) => Stands::Absent,
        };
        Some(Self {
            place: self.place.clone(),
            form,
            stands,
        })
    }
}

/// Whether a text is an image's name with nothing behind it that a digest would contradict.
fn is_name(text: &str) -> bool {
    !text.contains(|c: char| c == '@' || c == '$' || c == '{' || c.is_whitespace())
}
