//! A tag and a digest in two scalars that are one image: what says the one says the other, or contradicts it.
//!
//! | the tag stands in | its digest in |
//! | --- | --- |
//! | `newTag` of Kustomize's `images` | `digest` of the same item |
//! | `tag`, `imageTag`, `IMAGE_TAG`, `web.image-tag` | the same key with `digest` or `sha` for `tag`, spelled alike, beside it |
//! | `image.tag` | `imageDigest`, `image_digest`, `imageSha` around `image` |
//! | an item of Argo CD's `parameters` named `image.tag` | the item named `image.digest` |
//!
//! `sha` is a digest where it is empty or has 64 hexadecimal digits, as charts write it behind `@sha256:` themselves; a
//! commit is none. Where none of these is there, one digest that [`held`] knows by what it says is the tag's.

pub(crate) mod held;

use super::locator::{Locator, Match, Step};
use crate::domain::manifest::{self, NodePath, NodeRef};

/// How charts spell the end of a tag's key, and what takes its place in the digest's.
const ENDS: [(&str, [&str; 2]); 3] = [
    ("tag", ["digest", "sha"]),
    ("Tag", ["Digest", "Sha"]),
    ("TAG", ["DIGEST", "SHA"]),
];
/// What stands between the name of a mapping and the word in a key around it that means what is in the mapping.
const AROUND: [&str; 6] = ["Digest", "_digest", "-digest", "Sha", "_sha", "-sha"];
/// What a digest is called without its hexadecimal digits.
const ALGORITHM: &str = "sha256:";

/// A tag and a digest in two scalars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The key of the tag: `newTag` in Kustomize, `tag` in Helm values.
    pub(crate) tag_key: String,
    /// Where the digest is, from the tag.
    pub(crate) place: DigestPlace,
    /// The tag's text, where it has one.
    pub(crate) tag: Option<String>,
    /// The digest's text with its algorithm, where it has one.
    pub(crate) digest: Option<String>,
    /// The digest's key is there and says nothing.
    pub(crate) empty_digest: bool,
    /// The digest comes through a merge key.
    pub(crate) merged_digest: bool,
    /// The digest stands in a fall-back file and is in force here as long as nothing is written over it.
    pub(crate) inherited_digest: bool,
    /// An `images` entry, of which the digest alone counts.
    pub(crate) kustomize: bool,
    /// How the digest is written.
    pub(crate) form: Form,
    /// Where the same digest stands again.
    pub(crate) copies: Vec<(DigestPlace, Form)>,
    /// The line of another digest that is of this tag.
    pub(crate) other: Option<u32>,
}

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
    fn written(&self, digest: &str) -> String {
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

impl Pair {
    /// Where the digest is, with what `digest` is as it is written there: copies too.
    pub(crate) fn written(&self, digest: &str) -> Vec<(DigestPlace, String)> {
        let first = std::iter::once((&self.place, &self.form));
        let copies = self.copies.iter().map(|(place, form)| (place, form));
        first
            .chain(copies)
            .map(|(place, form)| (place.clone(), form.written(digest)))
            .collect()
    }

    /// The same pair in another file that has neither of the two but the tag: `tag` is its text there.
    pub(crate) fn elsewhere(&self, tag: Option<String>) -> Self {
        Self {
            tag,
            inherited_digest: false,
            digest: None,
            empty_digest: false,
            merged_digest: false,
            ..self.clone()
        }
    }

    /// The tag and digest that belong to what a locator found; `root` is of its document. `by_value` says whether a digest
    /// with any key is one of what was found: of an image's version it is.
    pub(crate) fn of(
        locator: &Locator,
        matched: &Match<'_>,
        root: NodeRef<'_>,
        by_value: bool,
    ) -> Option<Self> {
        let Some(Step::Key(last)) = locator.steps().last() else {
            return None;
        };
        let parent = matched.parent?;
        let in_images = locator.source().starts_with("images[");
        if last == "newTag" || (in_images && last == "digest") {
            return Some(kustomize(parent));
        }
        let tag = matched.node.text().filter(|text| !text.is_empty());
        if let (Some((item, digest)), "value") = (parameter(matched, root), last.as_str()) {
            let digest = digest.text().filter(|text| !text.is_empty());
            return Some(Self {
                tag_key: last.clone(),
                place: DigestPlace::Item(item),
                tag: tag.map(str::to_owned),
                empty_digest: digest.is_none(),
                form: Form::Whole,
                copies: Vec::new(),
                other: None,
                digest: digest.map(str::to_owned),
                merged_digest: false,
                inherited_digest: false,
                kustomize: false,
            });
        }
        let mut held = if by_value {
            held::near(root, parent, &matched.path)
        } else {
            Vec::new()
        };
        held.retain(|held| held.own);
        let found = by_key(last, matched, parent, root);
        let found = found.or_else(|| {
            let first = held.first()?.clone();
            // Which of several is meant, nobody says.
            let same = held.iter().all(|held| held.digest == first.digest);
            same.then_some((first.place, Some(first.digest), first.merged, first.form))
        });
        let (place, digest, merged, form) = found?;
        held.retain(|held| held.place != place);
        let other = held
            .iter()
            .find(|held| digest.is_some() && digest.as_ref() != Some(&held.digest));
        let other = other.map(|held| held.line);
        held.retain(|held| !held.merged && digest.as_ref() == Some(&held.digest));
        let copies = held.into_iter().map(|held| (held.place, held.form));
        let own = parent.get(last).is_some_and(|found| !found.merged);
        Some(Self {
            tag_key: last.clone(),
            place,
            tag: tag.filter(|_| own).map(str::to_owned),
            empty_digest: digest.is_none() && !merged,
            merged_digest: digest.is_some() && merged,
            inherited_digest: false,
            digest,
            kustomize: false,
            form,
            copies: copies.collect(),
            other,
        })
    }
}

/// A digest's place, its text, whether a merge key brings it, and how it is written.
type At = (DigestPlace, Option<String>, bool, Form);

/// The digest that stands where charts keep it for a tag under the key `last`.
fn by_key(last: &str, matched: &Match<'_>, parent: NodeRef<'_>, root: NodeRef<'_>) -> Option<At> {
    let end = |(tag, _): &&(&str, [&str; 2])| last.ends_with(tag) && !last.ends_with("stag");
    let (tag_end, ends) = ENDS.iter().find(end)?;
    let stem = &last[..last.len() - tag_end.len()];
    let mut beside = ends.iter().map(|end| format!("{stem}{end}"));
    let found = beside.find_map(|key| digest_at(parent, 0, key));
    found.or_else(|| {
        let [way @ .., manifest::Step::Key(holder), _] = matched.path.as_slice() else {
            return None;
        };
        let around = root.find(way).filter(|_| stem.is_empty())?;
        let mut keys = AROUND.iter().map(|end| format!("{holder}{end}"));
        keys.find_map(|key| digest_at(around, 1, key))
    })
}

/// What a key says as a digest.
fn digest_at(mapping: NodeRef<'_>, up: usize, key: String) -> Option<At> {
    let found = mapping.get(&key)?;
    let is_sha = key.to_ascii_lowercase().ends_with("sha");
    let text = found.value.text().unwrap_or_default();
    let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A commit, or a mapping.
    let other = found.value.is_mapping() || found.value.is_sequence();
    if other || is_sha && !(text.is_empty() || hex || text.starts_with(ALGORITHM)) {
        return None;
    }
    let bare = is_sha && !text.starts_with(ALGORITHM);
    let digest = match text {
        "" => None,
        text if bare => Some(format!("{ALGORITHM}{text}")),
        text => Some(text.to_owned()),
    };
    let form = if bare { Form::Bare } else { Form::Whole };
    Some((DigestPlace::Key { up, key }, digest, found.merged, form))
}

/// The value of the parameter that is the digest of the one whose value was found.
fn parameter<'t>(matched: &Match<'_>, root: NodeRef<'t>) -> Option<(NodePath, NodeRef<'t>)> {
    let [list @ .., manifest::Step::Index(_), manifest::Step::Key(_)] = matched.path.as_slice()
    else {
        return None;
    };
    let name = matched.parent?.get("name")?.value.text()?;
    let (tag, [digest, _]) = ENDS.iter().find(|(tag, _)| name.ends_with(tag))?;
    let wanted = format!("{}{digest}", name.strip_suffix(tag)?);
    let items = root.find(list)?.items().enumerate();
    let mut named = items.filter_map(|(index, item)| {
        (item.get("name")?.value.text()? == wanted).then_some((index, item))
    });
    let (index, item) = named.next()?;
    let mut path = list.to_vec();
    path.extend([
        manifest::Step::Index(index),
        manifest::Step::Key("value".to_owned()),
    ]);
    Some((path, item.get("value")?.value))
}

/// The tag and digest of an `images` item.
fn kustomize(item: NodeRef<'_>) -> Pair {
    let text = |key: &str| {
        let found = item.get(key)?;
        let text = found.value.text()?;
        (!text.is_empty()).then(|| (text.to_owned(), found.merged))
    };
    let digest = text("digest");
    Pair {
        tag_key: "newTag".to_owned(),
        tag: text("newTag")
            .filter(|(_, merged)| !merged)
            .map(|(tag, _)| tag),
        empty_digest: digest.is_none() && item.get("digest").is_some_and(|found| !found.merged),
        merged_digest: digest.as_ref().is_some_and(|(_, merged)| *merged),
        inherited_digest: false,
        digest: digest.map(|(digest, _)| digest),
        place: DigestPlace::Key {
            up: 0,
            key: "digest".to_owned(),
        },
        kustomize: true,
        form: Form::Whole,
        copies: Vec::new(),
        other: None,
    }
}
