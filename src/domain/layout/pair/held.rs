//! Digests that are known by what they say, whatever their key is called: `sha256:…`, the same behind an image's name, and
//! bare hexadecimal digits under a key that says so.
//!
//! Charts name the key of a digest as they like: `hash`, `tagDigest`, `imageDigest` inside `image`, `repository: r/web@…`.
//! Whose digest it is, the words of its key say once those are gone that any image has: `imageDigest` is of whatever
//! `image.tag` is of, `sidecarDigest` is not.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{ALGORITHM, DigestAt, DigestPlace, Form, stands};
use crate::domain::manifest::{Found, NodeId, NodePath, NodeRef, Step};

/// Words of a key that do not say whose version or digest it is.
const COMMON: [&str; 20] = [
    "digest",
    "sha",
    "sha256",
    "sha512",
    "hash",
    "checksum",
    "tag",
    "version",
    "image",
    "img",
    "container",
    "repository",
    "repo",
    "registry",
    "name",
    "ref",
    "reference",
    "full",
    "manifest",
    "pin",
];
/// Words of a key that say that it is about an image.
const OF_IMAGE: [&str; 8] = [
    "image",
    "img",
    "container",
    "tag",
    "digest",
    "repository",
    "repo",
    "registry",
];
/// Words of a key whose value is a digest, if it can be one.
const SAYS_SO: [&str; 4] = ["digest", "sha", "hash", "checksum"];

/// A digest near a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Where it is, from the version.
    pub(super) place: DigestPlace,
    /// Its key.
    pub(crate) key: String,
    /// The digest with its algorithm.
    pub(crate) digest: String,
    /// How it is written there.
    pub(super) form: Form,
    /// Whether a merge key brings it.
    pub(super) merged: bool,
    /// Its line.
    pub(crate) line: u32,
    /// Whether its key says that it is of this version.
    pub(crate) own: bool,
}

impl Held {
    /// Its place with what is there.
    pub(super) fn at(&self) -> DigestAt {
        DigestAt {
            place: self.place.clone(),
            form: self.form.clone(),
            stands: stands(true, true, self.merged),
        }
    }

    /// Whether its key says of nothing else that it is of it.
    pub(super) fn is_ours(&self) -> bool {
        self.own || whose(&self.key).is_empty()
    }

    /// Its own path, beside the version at `version`.
    pub(crate) fn path(&self, version: &[Step]) -> NodePath {
        self.place.beside(version)
    }
}

/// Whether a text may hold a digest anywhere: nothing is looked for where it does not.
pub(crate) fn may_hold(text: &str) -> bool {
    let mut run = 0;
    text.contains(ALGORITHM)
        || text.contains("sha512:")
        || text.bytes().any(|byte| {
            run = if byte.is_ascii_hexdigit() { run + 1 } else { 0 };
            run == 64
        })
}

/// The digest that `text` holds under `key`, and how it is written there.
pub(super) fn digest(key: &str, text: &str) -> Option<(String, Form)> {
    if is_whole(text) {
        return Some((text.to_owned(), Form::Whole));
    }
    if let Some((name, after)) = text.rsplit_once('@')
        && !name.is_empty()
        && is_whole(after)
    {
        return Some((after.to_owned(), Form::Behind(name.to_owned())));
    }
    let words = words(key);
    let says_so = words
        .iter()
        .any(|word| SAYS_SO.iter().any(|known| word.starts_with(known)));
    let bare = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (bare && says_so).then(|| (format!("{ALGORITHM}{text}"), Form::Bare))
}

/// The digests beside the version at `path` and around it that may be of it; `parent` holds the version.
///
/// What is read on the way decides nothing: a text that becomes a digest is told apart by [`may_hold`].
pub(crate) fn near<'t>(
    root: NodeRef<'t>,
    parent: NodeRef<'t>,
    path: &[Step],
    known: &Known<'t>,
) -> Vec<Held> {
    let reads = &root.document().reads;
    let found = reads.aside(|| {
        let Some((Step::Key(last), way)) = path.split_last() else {
            return Vec::new();
        };
        let holder = match way.last() {
            Some(Step::Key(holder)) => whose(holder),
            _ => Vec::new(),
        };
        let in_image = matches!(way.last(), Some(Step::Key(holder)) if says_image(holder));
        let of = whose(last);
        // One that says whose else it is, beside a version that says so too, is not meant.
        let mut found = known.digests(parent, 0, (!of.is_empty()).then_some(of.as_slice()));
        found.retain(|held| held.key != *last);
        found.retain_mut(|held| {
            let words = whose(&held.key);
            let same = words == of || of.is_empty() && words == holder;
            held.own = same && (is_of_image(&held.key, 0) || in_image);
            same || words.is_empty() || of.is_empty()
        });
        if let [around @ .., Step::Key(_)] = way
            && of.is_empty()
            && let Some(around) = root.find(around)
        {
            let of_holder = known.digests(around, 1, Some(&holder)).into_iter();
            let of_holder = of_holder.filter_map(|held| {
                let words = whose(&held.key);
                let same = words == holder;
                let own = same && is_of_image(&held.key, 1);
                (same || words.is_empty()).then_some(Held { own, ..held })
            });
            found.extend(of_holder);
        }
        found
    });
    // What counts is noted as read.
    for held in found.iter().filter(|held| held.own) {
        let _ = root.find(&held.path(path)).map(NodeRef::text);
    }
    found
}

/// What is known of the mappings of a document: one may hold the versions of thousands of services, and is looked through once.
#[derive(Default)]
pub(crate) struct Known<'t> {
    keys: RefCell<HashMap<NodeId, Rc<Keys<'t>>>>,
    digests: RefCell<HashMap<NodeId, Rc<Digests>>>,
}

type Keys<'t> = HashMap<&'t str, Found<'t>>;

/// The digests of a mapping in its order, and which of them say that they are of the same.
#[derive(Default)]
struct Digests {
    all: Vec<Held>,
    by_words: HashMap<Vec<String>, Vec<usize>>,
}

/// A mapping of so many keys is looked through as it is.
const FEW: usize = 16;

impl<'t> Known<'t> {
    /// What a key of a mapping says, its own or through a merge key. The key itself was read on the way to the version.
    pub(super) fn get(&self, mapping: NodeRef<'t>, key: &str) -> Option<Found<'t>> {
        if mapping.own_entries().len() <= FEW {
            return mapping.get(key);
        }
        let id = mapping.resolve().id();
        let known = self.keys.borrow().get(&id).cloned();
        let keys = known.unwrap_or_else(|| {
            let reads = &mapping.document().reads;
            let keys = reads.aside(|| {
                let entries = mapping.entries().into_iter();
                entries
                    .filter_map(|found| Some((found.key.text()?, found)))
                    .collect()
            });
            let keys = Rc::new(keys);
            self.keys.borrow_mut().insert(id, Rc::clone(&keys));
            keys
        });
        keys.get(key).copied()
    }

    /// The digests of a mapping: all, or those that say that they are of `words`, or of nothing.
    fn digests(&self, mapping: NodeRef<'t>, up: usize, words: Option<&[String]>) -> Vec<Held> {
        let id = mapping.resolve().id();
        let known = self.digests.borrow().get(&id).cloned();
        let digests = known.unwrap_or_else(|| {
            let digests = Rc::new(Digests::of(mapping));
            self.digests.borrow_mut().insert(id, Rc::clone(&digests));
            digests
        });
        let at = |held: &Held| Held {
            place: DigestPlace::Key {
                up,
                key: held.key.clone(),
            },
            ..held.clone()
        };
        let Some(words) = words else {
            return digests.all.iter().map(at).collect();
        };
        let of = |words: &[String]| digests.by_words.get(words).map_or(&[][..], Vec::as_slice);
        let plain = if words.is_empty() { &[][..] } else { of(&[]) };
        let mut found: Vec<usize> = of(words).iter().chain(plain).copied().collect();
        found.sort_unstable();
        found
            .into_iter()
            .map(|index| at(&digests.all[index]))
            .collect()
    }
}

impl Digests {
    fn of(mapping: NodeRef<'_>) -> Self {
        let mut digests = Self::default();
        for found in mapping.entries() {
            let (Some(key), Some(text)) = (found.key.text(), found.value.text()) else {
                continue;
            };
            let Some((digest, form)) = digest(key, text) else {
                continue;
            };
            let known = digests.by_words.entry(whose(key)).or_default();
            known.push(digests.all.len());
            digests.all.push(Held {
                place: DigestPlace::Key {
                    up: 0,
                    key: key.to_owned(),
                },
                key: key.to_owned(),
                digest,
                form,
                merged: found.merged,
                line: found.value.line(),
                own: false,
            });
        }
        digests
    }
}

/// A digest with its algorithm, and nothing else.
fn is_whole(text: &str) -> bool {
    let digits = [(ALGORITHM, 64), ("sha512:", 128)];
    digits.iter().any(|(algorithm, count)| {
        let hex = text.strip_prefix(algorithm);
        hex.is_some_and(|hex| {
            hex.len() == *count && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    })
}

/// Whether a key so many mappings around a version may be about an image as far as its words tell. What a checksum is of,
/// it has to say: most are of a configuration. Around the mapping of an image any other key is about something else, unless
/// it says what it is, or whose.
fn is_of_image(key: &str, up: usize) -> bool {
    let words = words(key);
    let is_checksum = words.iter().any(|word| word.starts_with("checksum"));
    let is_sha = words.iter().any(|word| word.starts_with("sha"));
    let is_whose = !whose(key).is_empty();
    says_image(key) || !is_checksum && (up == 0 || is_sha || is_whose)
}

/// Whether a word of a key says that it is about an image.
fn says_image(key: &str) -> bool {
    let words = words(key);
    words.iter().any(|word| OF_IMAGE.contains(&word.as_str()))
}

/// Whose version or digest a key says it is.
fn whose(key: &str) -> Vec<String> {
    let mut words = words(key);
    words.retain(|word| !COMMON.contains(&word.as_str()));
    words
}

/// `webImageTag`, `web_image_tag`, `WEB-IMAGE-TAG`: web, image, tag.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower = false;
    for part in key.split(|c: char| !c.is_alphanumeric()) {
        words.push(String::new());
        for c in part.chars() {
            if c.is_uppercase() && lower {
                words.push(String::new());
            }
            lower = c.is_lowercase() || c.is_numeric();
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        lower = false;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_known_by_what_it_says() {
        let hex = "0123456789abcdef".repeat(4);
        let whole = format!("sha256:{hex}");
        let long = format!("sha512:{hex}{hex}");
        let behind = format!("h:5000/r/web@{whole}");
        let tagged = format!("r/web:v1@{whole}");
        let cases: [(&str, &str, &str); 16] = [
            ("digest", &whole, "whole"),
            ("anything", &whole, "whole"),
            ("x", &long, "whole"),
            ("repository", &behind, "h:5000/r/web"),
            ("image", &tagged, "r/web:v1"),
            ("sha256", &hex, "bare"),
            ("SHA_256", &hex, "bare"),
            ("imageSha", &hex, "bare"),
            ("hash", &hex, "bare"),
            ("tagDigest", &hex, "bare"),
            ("configChecksum", &hex, "bare"),
            ("secret", &hex, "-"),
            ("shape", &hex[1..], "-"),
            ("digest", &whole[..70], "-"),
            ("digest", &format!("@{whole}"), "-"),
            ("sha", "9f3c2ab", "-"),
        ];
        for (key, text, expected) in cases {
            let found = match digest(key, text) {
                None => "-".to_owned(),
                Some((digest, form)) => {
                    assert!(digest == whole || digest == long, "{key} {digest}");
                    match form {
                        Form::Whole => "whole".to_owned(),
                        Form::Bare => "bare".to_owned(),
                        Form::Behind(name) => name,
                    }
                }
            };
            assert_eq!(found, expected, "{key}: {text}");
            assert!(expected == "-" || may_hold(text), "{key}: {text}");
        }
        assert!(!may_hold("tag: v1\nsha: 9f3c2ab0123456789\n"));
    }

    #[test]
    fn the_words_of_a_key_say_whose_it_is() {
        let cases = [
            ("imageDigest", ""),
            ("tagDigest", ""),
            ("sha256", ""),
            ("image_sha", ""),
            ("repository", ""),
            ("IMAGE-TAG", ""),
            ("webImageTag", "web"),
            ("WEB_API_DIGEST", "web api"),
            ("sidecarDigest", "sidecar"),
        ];
        for (key, expected) in cases {
            assert_eq!(whose(key).join(" "), expected, "{key}");
        }
    }

    #[test]
    fn a_key_that_is_not_about_an_image_has_no_digest_of_one() {
        // By key: beside a version, around the mapping that holds it.
        let cases = [
            ("digest", true, true),
            ("imageChecksum", true, true),
            ("tagHash", true, true),
            ("sha256", true, true),
            ("webHash", true, true),
            ("hash", true, false),
            ("pin", true, false),
            ("name", true, false),
            ("checksum", false, false),
            ("checksum/config", false, false),
            ("webChecksum", false, false),
            ("checksumSha256", false, false),
        ];
        for (key, beside, around) in cases {
            let found = (is_of_image(key, 0), is_of_image(key, 1));
            assert_eq!(found, (beside, around), "{key}");
        }
    }
}
