//! What one file says: every place in it where a layout finds a version.

use std::{ops::Range, sync::Arc};

use super::{
    bindings::Bindings,
    level::{Finder, Level},
    locator::{Locator, Match, Step},
    part::is_digest,
};
use crate::domain::{
    manifest::{self, ManifestError, NodePath, NodeRef, ScalarType, Yaml},
    version::Version,
};

/// One place in a file, with what it declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Everything captured on the way, of the path too.
    pub(crate) bindings: Bindings,
    /// What stands there; `None` for null and empty.
    pub(crate) version: Option<Version>,
    /// The line, from 1.
    pub(crate) line: u32,
    /// Where exactly.
    pub(crate) place: Place,
    /// The line of an earlier key of the same name.
    pub(crate) duplicate: Option<u32>,
    /// What a reader of YAML takes the scalar for.
    pub(crate) scalar: Option<ScalarType>,
    /// The version's own bytes in the file; `None` where it is reached through an alias, or is not told apart there.
    pub(crate) bytes: Option<Range<usize>>,
}

/// Where exactly a version stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// In a scalar of the tree.
    Scalar {
        /// The document's index.
        document: usize,
        /// The scalar.
        path: NodePath,
        /// All of its text, of which the version may be a part.
        text: String,
        /// Whether it is reached through an alias or a merge key.
        borrowed: bool,
        /// The tag and the digest that stand side by side.
        pair: Option<Pair>,
        /// The comment behind it.
        comment: Option<String>,
        /// The other fields of the item, where it stands in a sequence.
        siblings: Vec<(String, String)>,
    },
    /// In the text.
    Text {
        /// The bytes of the group `v`.
        range: Range<usize>,
        /// What it matched, of which the version may be a part.
        text: String,
    },
}

/// A tag and a digest in two keys of one mapping: one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The key of the tag: `newTag` in Kustomize, `tag` in Helm values.
    pub(crate) tag_key: &'static str,
    /// Its text, where it has one.
    pub(crate) tag: Option<String>,
    /// The text of `digest`, where it has one.
    pub(crate) digest: Option<String>,
}

/// What a level finds in a file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The places, in file order.
    pub(crate) found: Vec<Found>,
    /// Lines where a template's expression stands in place of a version: there is nothing to read or to set.
    pub(crate) templates: Vec<u32>,
    /// Whether the file is one of the level's at all: it has a document of the kind and name asked for.
    pub(crate) applies: bool,
}

/// A file that is read at most once, however many layouts look at it.
pub(crate) struct File<'b> {
    bytes: &'b [u8],
    yaml: Option<Result<Yaml<'b>, ManifestError>>,
}

impl<'b> File<'b> {
    /// A file of these bytes.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, yaml: None }
    }

    /// What `level` finds in it; `bound` is what its path captured.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(crate) fn look(
        &mut self,
        level: &Level,
        bound: &Bindings,
    ) -> Result<Findings, ManifestError> {
        match &level.finder {
            Finder::Text(regex) => text(self.bytes, level, regex, bound),
            Finder::Tree(locator) => {
                let yaml = self
                    .yaml
                    .get_or_insert_with(|| manifest::parse(self.bytes))
                    .as_ref()
                    .map_err(Clone::clone)?;
                Ok(tree(yaml, level, locator, bound))
            }
        }
    }
}

/// The documents that `level` looks at, with what `{name}` captures in each.
pub(crate) fn documents<'t>(
    yaml: &'t Yaml<'_>,
    level: &Level,
    bound: &Bindings,
) -> Vec<(usize, NodeRef<'t>, Bindings)> {
    let mut documents = Vec::new();
    for (index, document) in yaml.documents.iter().enumerate() {
        let root = document.root();
        let of_kind = level.kinds.is_empty() || {
            let kind = root.get("kind").and_then(|found| found.value.text());
            kind.is_some_and(|kind| level.kinds.iter().any(|wanted| wanted == kind))
        };
        if !of_kind {
            continue;
        }
        match &level.name {
            None => documents.push((index, root, bound.clone())),
            Some(name) => {
                for found in name.find(root, bound) {
                    let mut bound = found.bindings;
                    if let Some(text) = found.node.text()
                        && bound.bind(&Arc::from("name"), text)
                    {
                        documents.push((index, root, bound));
                    }
                }
            }
        }
    }
    documents
}

fn tree(yaml: &Yaml<'_>, level: &Level, locator: &Locator, bound: &Bindings) -> Findings {
    let restricted = !level.kinds.is_empty() || level.name.is_some();
    let mut findings = Findings {
        applies: !restricted,
        ..Findings::default()
    };
    for (document, root, bound) in documents(yaml, level, bound) {
        findings.applies = true;
        for matched in locator.find(root, &bound) {
            if matched.node.is_template() {
                findings.templates.push(matched.node.line());
            }
            if let Some(found) = scalar(yaml, level, locator, document, matched) {
                findings.found.push(found);
                if level.first {
                    return findings;
                }
            }
        }
    }
    findings
}

fn scalar(
    yaml: &Yaml<'_>,
    level: &Level,
    locator: &Locator,
    document: usize,
    matched: Match<'_>,
) -> Option<Found> {
    let mut bindings = matched.bindings;
    let node = matched.node;
    let text = match node.text() {
        Some(text) => text,
        None if node.is_null() => "",
        None => return None,
    };
    let range = if text.is_empty() {
        // Null stands for nothing whatever part of it would be asked for.
        0..0
    } else {
        level.part.read(text, &mut bindings)?
    };
    let mut version = Some(&text[range])
        .filter(|version| !version.is_empty())
        .map(Version::from);
    let mut line = node.line();
    let pair = pair(locator, matched.parent);
    if let Some(Pair {
        tag_key,
        tag: Some(tag),
        digest: Some(digest),
    }) = &pair
    {
        // Kustomize pins by the digest and keeps the tag for people; charts write both into the image.
        if *tag_key == "newTag" {
            version = Some(Version::from(digest.as_str()));
            let digest = matched.parent.and_then(|parent| parent.get("digest"));
            line = digest.map_or(line, |digest| digest.value.line());
        } else {
            version = Some(Version::from(format!("{tag}@{digest}")));
        }
    }
    if !level.accepts(version.as_ref()) {
        return None;
    }
    let span = &node.node().span;
    let bytes = version.as_ref().filter(|_| !matched.borrowed);
    let bytes = bytes.and_then(|version| only(yaml.source(span.clone()), version.as_str()));
    let bytes = bytes.map(|range| span.start + range.start..span.start + range.end);
    let comment = yaml
        .trailing_comment(node.node())
        .map(|comment| yaml.comment_text(comment).to_owned());
    Some(Found {
        bindings,
        version,
        line,
        duplicate: matched.duplicate,
        scalar: node.scalar_type(),
        bytes,
        place: Place::Scalar {
            document,
            siblings: siblings(&matched.path, matched.parent),
            path: matched.path,
            text: text.to_owned(),
            borrowed: matched.borrowed,
            pair,
            comment,
        },
    })
}

/// Where `part` stands in `text`, if in one place only.
fn only(text: &str, part: &str) -> Option<Range<usize>> {
    let mut places = text.match_indices(part);
    let (at, _) = places.next()?;
    places.next().is_none().then(|| at..at + part.len())
}

/// The tag and digest of the mapping that the locator's last key stands in.
fn pair(locator: &Locator, parent: Option<NodeRef<'_>>) -> Option<Pair> {
    let (Some(Step::Key(last)), Some(parent)) = (locator.steps().last(), parent) else {
        return None;
    };
    let text = |key: &str| {
        let found = parent.get(key)?;
        let text = found.value.text()?;
        (!found.merged && !text.is_empty()).then(|| text.to_owned())
    };
    let in_images = locator.source().starts_with("images[");
    match last.as_str() {
        "newTag" => {}
        "digest" if in_images => {}
        "tag" => {
            let digest = text("digest").filter(|digest| is_digest(digest))?;
            return Some(Pair {
                tag_key: "tag",
                tag: text("tag"),
                digest: Some(digest),
            });
        }
        _ => return None,
    }
    Some(Pair {
        tag_key: "newTag",
        tag: text("newTag"),
        digest: text("digest"),
    })
}

/// The scalar fields of the item that a value stands in.
fn siblings(path: &[manifest::Step], parent: Option<NodeRef<'_>>) -> Vec<(String, String)> {
    let [.., manifest::Step::Index(_), manifest::Step::Key(_)] = path else {
        return Vec::new();
    };
    let entries = parent.into_iter().flat_map(NodeRef::entries);
    entries
        .filter_map(|found| {
            let (key, text) = (found.key.text()?, found.value.text()?);
            Some((key.to_owned(), text.to_owned()))
        })
        .collect()
}

fn text(
    bytes: &[u8],
    level: &Level,
    regex: &regex::Regex,
    bound: &Bindings,
) -> Result<Findings, ManifestError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        ManifestError {
            line: Some(line_of(before)),
            message: "this line is not UTF-8; save the file as UTF-8".into(),
        }
    })?;
    let mut found = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for captures in regex.captures_iter(text) {
        let Some(group) = captures.name("v") else {
            continue;
        };
        let mut bindings = bound.clone();
        let agrees = regex
            .capture_names()
            .flatten()
            .filter(|name| *name != "v")
            .all(|name| {
                let text = captures.name(name).map_or("", |group| group.as_str());
                bindings.bind(&Arc::from(name), text)
            });
        if !agrees {
            continue;
        }
        let Some(part) = level.part.read(group.as_str(), &mut bindings) else {
            continue;
        };
        let range = group.start() + part.start..group.start() + part.end;
        let version = Some(&text[range.clone()]).filter(|version| !version.is_empty());
        let version = version.map(Version::from);
        if !level.accepts(version.as_ref()) {
            continue;
        }
        line += line_of(&bytes[counted..range.start]) - 1;
        counted = range.start;
        found.push(Found {
            bindings,
            version,
            line,
            place: Place::Text {
                range: group.range(),
                text: group.as_str().to_owned(),
            },
            duplicate: None,
            scalar: None,
            bytes: Some(range),
        });
        if level.first {
            break;
        }
    }
    Ok(Findings {
        templates: Vec::new(),
        found,
        applies: true,
    })
}

/// The line, from 1, on which the byte behind `before` stands.
fn line_of(before: &[u8]) -> u32 {
    let lines = before.split(|byte| *byte == b'\n').count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

impl Level {
    /// Whether a value counts as a version. Nothing at all does: the place is there.
    fn accepts(&self, version: Option<&Version>) -> bool {
        match (&self.matching, version) {
            (Some(regex), Some(version)) => regex.is_match(version.as_str()),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}
