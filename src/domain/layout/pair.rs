//! A tag and a digest in two scalars that are one image: what says the one says the other, or contradicts it.
//!
//! | the tag stands in | its digest in |
//! | --- | --- |
//! | `newTag` of Kustomize's `images` | `digest` of the same item |
//! | `tag`, `imageTag`, `IMAGE_TAG`, `web.image-tag` | the same key with `digest` or `sha` for `tag`, spelled alike, beside it |
//! | `image.tag` | `imageDigest`, `image_digest`, `imageSha` around `image` |
//! | nowhere, where a preset would read it beside a digest that stands alone | `image.digest` |
//! | an item of Argo CD's `parameters` named `image.tag` | the item named `image.digest` |
//!
//! `sha` is a digest where it is empty or has 64 hexadecimal digits, as charts write it behind `@sha256:` themselves; a
//! commit is none. Where none of these is there, one digest that [`held`] knows by what it says is the tag's.

pub(crate) mod held;
mod places;

use held::{Held, Known};
pub(crate) use places::{DigestAt, DigestPlace, Form, Stands};

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
    /// The tag's text, empty where its key says nothing; `None` where the mapping has no key of its own for it.
    pub(crate) tag: Option<String>,
    /// The digest's text with its algorithm, where it has one.
    pub(crate) digest: Option<String>,
    /// An `images` entry, of which the digest alone counts.
    pub(crate) kustomize: bool,
    /// Where the digest is: the place that is read first, then those where the same digest stands again.
    pub(crate) places: Vec<DigestAt>,
    /// Other digests that are of this tag, with their lines.
    pub(crate) others: Vec<(DigestAt, u32)>,
}

impl Pair {
    /// Whether its digest has a key that says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        let first = self.places.first();
        first.is_some_and(|first| first.stands == Stands::Empty)
    }

    /// Whether its digest stands beside the tag or around it, where a key is known to be missing.
    pub(crate) fn is_beside(&self) -> bool {
        let mut places = self.places.iter();
        places.all(|at| matches!(at.place, DigestPlace::Key { .. }))
    }

    /// Whether a digest has a key here, with or without one.
    pub(crate) fn has_key(&self) -> bool {
        let mut places = self.places.iter();
        places.any(|at| matches!(at.stands, Stands::Empty | Stands::Own | Stands::Merged))
    }

    /// The same pair above the file that it is of, in one that has at most the tag: `tag` is its text there. Whatever digest
    /// it has is in force there too.
    pub(crate) fn inherited(self, tag: Option<String>) -> Self {
        let in_force = self.digest.is_some();
        let of = |at: DigestAt, stands| DigestAt { stands, ..at };
        let stands = if in_force {
            Stands::Inherited
        } else {
            Stands::Absent
        };
        let used = self.places.into_iter().map(|at| of(at, stands));
        let others = self.others.into_iter();
        let unused = others.map(|(at, _)| of(at, Stands::Unused));
        Self {
            tag,
            digest: None,
            places: used.chain(unused).collect(),
            others: Vec::new(),
            ..self
        }
    }

    /// The same pair where another cell has it: a digest alone is taken from there, and no image's name before it; `None`
    /// where nothing else would be.
    pub(crate) fn elsewhere(self, tag: Option<String>) -> Option<Self> {
        let places = self.places.into_iter();
        let places = places.filter(|at| !matches!(at.form, Form::Behind(_)));
        let absent = |at| DigestAt {
            stands: Stands::Absent,
            ..at
        };
        let places: Vec<DigestAt> = places.map(absent).collect();
        (!places.is_empty()).then_some(Self {
            tag,
            digest: None,
            places,
            others: Vec::new(),
            ..self
        })
    }

    /// The same in the document of `root`, whose version is at `tag`: as far as that leaves room for it.
    pub(crate) fn fitted(mut self, root: NodeRef<'_>, tag: &[manifest::Step]) -> Option<Self> {
        let places = self.places.iter();
        self.places = places.filter_map(|at| at.fitted(root, tag)).collect();
        (!self.places.is_empty()).then_some(self)
    }

    /// The same with the places of `below` that it does not have: what stands there in a fall-back file is in force.
    pub(crate) fn over(mut self, below: Self) -> Self {
        for at in below.places {
            if !self.places.iter().any(|own| own.place == at.place) {
                self.places.push(at);
            }
        }
        self
    }

    /// The tag and digest that belong to what a locator found; `root` is of its document. `by_value` says whether a digest
    /// with any key is one of what was found: of an image's version it is. `tag_key` is the tag's, where a digest is what
    /// was found.
    pub(crate) fn of<'t>(
        locator: &Locator,
        matched: &Match<'t>,
        root: NodeRef<'t>,
        by_value: bool,
        known: &Known<'t>,
        tag_key: Option<&str>,
    ) -> Option<Self> {
        let Some(Step::Key(last)) = locator.steps().last() else {
            return None;
        };
        let parent = matched.parent?;
        let in_images = locator.source().starts_with("images[");
        if last == "newTag" || (in_images && last == "digest") {
            return Some(kustomize(parent));
        }
        if let Some(tag_key) = tag_key {
            return alone(tag_key, last, matched, parent, known);
        }
        // One that says nothing has its key all the same.
        let tag = matched.node.text();
        let tag = tag.or(matched.node.is_null().then_some(""));
        if let (Some((item, digest)), "value") = (parameter(matched, root), last.as_str()) {
            let digest = digest.text().filter(|text| !text.is_empty());
            return Some(Self {
                tag_key: last.clone(),
                tag: tag.map(str::to_owned),
                digest: digest.map(str::to_owned),
                kustomize: false,
                places: vec![DigestAt {
                    place: DigestPlace::Item(item),
                    form: Form::Whole,
                    stands: stands(digest.is_some(), true, false),
                }],
                others: Vec::new(),
            });
        }
        let held = if by_value {
            held::near(root, parent, &matched.path, known)
        } else {
            Vec::new()
        };
        let by_key = by_key(last, matched, parent, root, known);
        let own: Vec<&Held> = held.iter().filter(|held| held.own).collect();
        // Which of several is meant, nobody says. A key that says nothing hides no digest that stands elsewhere.
        let by_value = own.first().filter(|first| {
            let mut own = own.iter();
            own.all(|held| held.digest == first.digest)
        });
        let by_value = by_value.map(|held| (held.at(), Some(held.digest.clone())));
        let (first, digest) = match by_key {
            Some((at, Some(digest))) => (at, Some(digest)),
            by_key => by_value.or(by_key)?,
        };
        let (mut places, mut others) = (vec![first.clone()], Vec::new());
        for held in held.iter().filter(|held| held.place != first.place) {
            if digest.as_ref() == Some(&held.digest) {
                // The same digest is the same image's, unless its key says whose else it is.
                places.extend(held.is_ours().then(|| held.at()));
            } else if digest.is_some() && held.own {
                others.push((held.at(), held.line));
            }
        }
        let own = known.get(parent, last).is_some_and(|found| !found.merged);
        Some(Self {
            tag_key: last.clone(),
            tag: tag.filter(|_| own).map(str::to_owned),
            digest,
            kustomize: false,
            places,
            others,
        })
    }
}

/// A digest's place, and its text.
type At = (DigestAt, Option<String>);

/// What stands in a place that has a digest, or a key at least; `merged` says that a merge key brings it.
fn stands(has_digest: bool, has_key: bool, merged: bool) -> Stands {
    match (has_digest, has_key && !merged) {
        (true, _) if merged => Stands::Merged,
        (true, _) => Stands::Own,
        (false, true) => Stands::Empty,
        (false, false) => Stands::Absent,
    }
}

/// The digest that stands where charts keep it for a tag under the key `last`.
fn by_key<'t>(
    last: &str,
    matched: &Match<'t>,
    parent: NodeRef<'t>,
    root: NodeRef<'t>,
    known: &Known<'t>,
) -> Option<At> {
    let end = |(tag, _): &&(&str, [&str; 2])| last.ends_with(tag) && !last.ends_with("stag");
    let (tag_end, ends) = ENDS.iter().find(end)?;
    let stem = &last[..last.len() - tag_end.len()];
    let mut beside = ends.iter().map(|end| format!("{stem}{end}"));
    let found = beside.find_map(|key| digest_at(known, parent, 0, key));
    found.or_else(|| {
        let [way @ .., manifest::Step::Key(holder), _] = matched.path.as_slice() else {
            return None;
        };
        let around = root.find(way).filter(|_| stem.is_empty())?;
        let mut keys = AROUND.iter().map(|end| format!("{holder}{end}"));
        keys.find_map(|key| digest_at(known, around, 1, key))
    })
}

/// What a key says as a digest.
fn digest_at<'t>(known: &Known<'t>, mapping: NodeRef<'t>, up: usize, key: String) -> Option<At> {
    let found = known.get(mapping, &key)?;
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
    let at = DigestAt {
        place: DigestPlace::Key { up, key },
        form,
        stands: stands(digest.is_some(), true, found.merged),
    };
    Some((at, digest))
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

/// A digest under `last` without a tag beside it, which goes under `tag_key`.
fn alone<'t>(
    tag_key: &str,
    last: &str,
    matched: &Match<'t>,
    parent: NodeRef<'t>,
    known: &Known<'t>,
) -> Option<Pair> {
    let digest = matched.node.text().filter(|text| !text.is_empty())?;
    let found = known.get(parent, last)?;
    known.get(parent, tag_key).is_none().then(|| Pair {
        tag_key: tag_key.to_owned(),
        tag: None,
        digest: Some(digest.to_owned()),
        kustomize: false,
        places: vec![DigestAt {
            place: DigestPlace::Key {
                up: 0,
                key: last.to_owned(),
            },
            form: Form::Whole,
            stands: stands(true, true, found.merged),
        }],
        others: Vec::new(),
    })
}

/// The tag and digest of an `images` item.
fn kustomize(item: NodeRef<'_>) -> Pair {
    let text = |key: &str| {
        let found = item.get(key)?;
        let text = found.value.text()?;
        (!text.is_empty()).then(|| (text.to_owned(), found.merged))
    };
    let digest = text("digest");
    let merged = item.get("digest").map(|found| found.merged);
    Pair {
        tag_key: "newTag".to_owned(),
        tag: text("newTag")
            .filter(|(_, merged)| !merged)
            .map(|(tag, _)| tag),
        kustomize: true,
        places: vec![DigestAt {
            place: DigestPlace::Key {
                up: 0,
                key: "digest".to_owned(),
            },
            form: Form::Whole,
            stands: stands(digest.is_some(), merged.is_some(), merged == Some(true)),
        }],
        digest: digest.map(|(digest, _)| digest),
        others: Vec::new(),
    }
}
