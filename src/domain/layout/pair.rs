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
//! commit is none.

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
    /// The digest is written without its algorithm.
    pub(crate) bare: bool,
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
    /// The digest as it is written into its place.
    pub(crate) fn written(&self, digest: &str) -> String {
        let bare = digest.strip_prefix(ALGORITHM).filter(|_| self.bare);
        bare.unwrap_or(digest).to_owned()
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

    /// The tag and digest that belong to what a locator found; `root` is of its document.
    pub(crate) fn of(locator: &Locator, matched: &Match<'_>, root: NodeRef<'_>) -> Option<Self> {
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
                bare: false,
                digest: digest.map(str::to_owned),
                merged_digest: false,
                inherited_digest: false,
                kustomize: false,
            });
        }
        let end = |(tag, _): &&(&str, [&str; 2])| last.ends_with(tag) && !last.ends_with("stag");
        let (tag_end, ends) = ENDS.iter().find(end)?;
        let stem = &last[..last.len() - tag_end.len()];
        let mut beside = ends.iter().map(|end| format!("{stem}{end}"));
        let found = beside.find_map(|key| digest_at(parent, 0, key));
        let found = found.or_else(|| {
            let [way @ .., manifest::Step::Key(holder), _] = matched.path.as_slice() else {
                return None;
            };
            let around = root.find(way).filter(|_| stem.is_empty())?;
            let mut keys = AROUND.iter().map(|end| format!("{holder}{end}"));
            keys.find_map(|key| digest_at(around, 1, key))
        });
        let (place, digest, merged, bare) = found?;
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
            bare,
        })
    }
}

/// What a key says as a digest: its place, its text, whether a merge key brings it, whether it is without its algorithm.
fn digest_at(
    mapping: NodeRef<'_>,
    up: usize,
    key: String,
) -> Option<(DigestPlace, Option<String>, bool, bool)> {
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
    Some((DigestPlace::Key { up, key }, digest, found.merged, bare))
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
        bare: false,
    }
}
