//! Versions in the tree of a YAML file.

use std::ops::Range;

use super::super::{
    bindings::Bindings,
    level::Level,
    locator::{Doubled, Locator, Match, Step},
    pair::{Pair, held},
    part::Part,
};
use super::{Findings, Found, Place, documents};
use crate::domain::{
    grammar::Grammar,
    manifest::{self, ManifestError, NodeKind, NodeRef, ScalarStyle, Yaml},
    subject::Subject,
    unread::{Unread, is_encrypted, masked, placeholders},
    version::Version,
};

pub(super) fn tree(
    yaml: &Yaml<'_>,
    level: &Level,
    locator: &Locator,
    bound: &Bindings,
) -> Findings {
    let restricted = !level.kinds.is_empty() || level.name.is_some();
    let mut findings = Findings {
        applies: !restricted,
        ..Findings::default()
    };
    let digests = held::may_hold(yaml.text);
    for (object, bound) in documents(yaml, level, bound) {
        findings.applies = true;
        let document = object.document;
        let finder = Scalars {
            yaml,
            level,
            locator,
            document,
            sealed: is_sealed(object.root),
            digests,
            known: held::Known::default(),
        };
        for mut matched in locator.find(object.root, &bound) {
            object.complete(&mut matched);
            if let Some(inside) = locator.inside() {
                within(level, inside, document, &matched, &mut findings);
            } else {
                let node = matched.node.resolve().id();
                let reads = &yaml.documents[document].reads;
                let found = reads.evaluate(node, || {
                    let (found, counts) = finder.found(matched)?;
                    if counts {
                        return Some(found);
                    }
                    findings.aside.push(found);
                    None
                });
                findings.found.extend(found);
            }
            if level.first && !findings.found.is_empty() {
                findings.found.truncate(1);
                return findings;
            }
        }
    }
    findings
}

/// What `inside` finds in the document that the text of a scalar is.
fn within(
    level: &Level,
    inside: &Locator,
    document: usize,
    outer: &Match<'_>,
    findings: &mut Findings,
) {
    let Some(text) = outer.node.text() else {
        return;
    };
    let written = outer.node.resolve().node();
    // Behind its header a literal has the lines that its text has; other styles fold them.
    let line = |inner: u32| match &written.kind {
        NodeKind::Scalar {
            style: ScalarStyle::Literal,
            ..
        } => written.line + inner - 1,
        _ => written.line,
    };
    let yaml = match manifest::parse(text.as_bytes()) {
        Ok(yaml) => yaml,
        Err(error) => {
            findings.unreadable.push(ManifestError {
                line: Some(error.line.map_or(written.line, line)),
                message: format!(
                    "the text that stands here is read as YAML: {}",
                    error.message
                ),
                ..error
            });
            return;
        }
    };
    let digests = held::may_hold(text);
    for (index, part) in yaml.documents.iter().enumerate() {
        let finder = Scalars {
            yaml: &yaml,
            level,
            locator: inside,
            document: index,
            sealed: false,
            digests,
            known: held::Known::default(),
        };
        for matched in inside.find(part.root(), &outer.bindings) {
            let Some((mut found, counts)) = finder.found(matched) else {
                continue;
            };
            found.line = line(found.line);
            found.bytes = None;
            found.duplicate = found.duplicate.map(|double| Doubled {
                line: line(double.line),
                earlier: line(double.earlier),
            });
            if let Place::Scalar { within, .. } = &mut found.place {
                *within = Some(Box::new((document, outer.path.clone())));
            }
            if counts {
                findings.found.push(found);
            } else {
                findings.aside.push(found);
            }
        }
    }
}

/// Sealed Secrets keep what they hold encrypted below `spec.encryptedData`.
fn is_sealed(root: NodeRef<'_>) -> bool {
    let kind = root.get("kind").and_then(|found| found.value.text());
    kind == Some("SealedSecret")
}

/// Scalars of one document as places of a level.
struct Scalars<'t, 'b> {
    yaml: &'t Yaml<'b>,
    level: &'t Level,
    locator: &'t Locator,
    document: usize,
    sealed: bool,
    /// Whether a digest stands anywhere in the text.
    digests: bool,
    known: held::Known<'t>,
}

impl<'t> Scalars<'t, '_> {
    /// What stands there, and whether it counts; one that does not is set aside.
    fn found(&self, matched: Match<'t>) -> Option<(Found, bool)> {
        let (node, level) = (matched.node, self.level);
        let is_template = node.is_template();
        let tagged = node.foreign_tag();
        let text = match node.text() {
            Some(text) => text,
            None if node.is_null() || is_template || tagged.is_some() => "",
            None if node.is_sequence() => return self.list(matched).map(|found| (found, true)),
            None => return None,
        };
        let mut bindings = matched.bindings.clone();
        let root = self.yaml.documents[self.document].root();
        let by_value = self.digests
            && matches!(level.part, Part::Whole)
            && level.subject(&bindings, None) == Subject::Image;
        let tag_key = level.tag_key.as_deref();
        let pair = Pair::of(self.locator, &matched, root, by_value, &self.known, tag_key);
        let (mut version, mut line) = (None, node.line());
        let mut unread = self.whole(&matched, text, is_template);
        if unread.is_none() && !text.is_empty() {
            match level.part.read(text, &mut bindings) {
                Some(range) => {
                    version = Some(&text[range]).filter(|it| !it.is_empty());
                    unread = match version {
                        None => unnamed(&level.part, text).then_some(Unread::Variable),
                        Some(version) => level.unread(&bindings, version),
                    };
                }
                // What the part finds nothing in would fall back, though something is meant to stand here.
                None if matches!(level.part, Part::Regex(_)) => {
                    let only = self.locator.concrete(&matched.bindings).is_some();
                    unread = Some(Unread::of(text, Grammar::Text).filter(|_| only)?);
                }
                None => return None,
            }
        }
        let mut said = match tagged {
            Some(tag) => format!("{tag} {text}").trim_end().to_owned(),
            None => version.unwrap_or(text).to_owned(),
        };
        let mut version = version.map(Version::from);
        if let Some(Pair {
            tag,
            digest: Some(digest),
            kustomize,
            ..
        }) = &pair
            && (version.is_some() || text.is_empty() && unread.is_none() && !kustomize)
        {
            if let Some(kind) = Unread::of(digest, Grammar::Digest) {
                unread = unread.or(Some(kind));
                said.clone_from(digest);
            }
            // One of the two that something else resolves leaves nothing known of both.
            let beside = tagged_beside(&matched, [tag.as_deref(), Some(digest)]);
            if let Some((tag, sibling)) = beside {
                unread = unread.or(Some(Unread::Variable));
                said = format!("{tag} {}", sibling.text().unwrap_or_default());
            }
            // Kustomize pins by the digest and keeps the tag for people; charts write both into the image.
            if *kustomize {
                version = Some(Version::from(digest.as_str()));
                let digest = matched.parent.and_then(|parent| parent.get("digest"));
                line = digest.map_or(line, |digest| digest.value.line());
                let tag = tag.as_deref().unwrap_or_default();
                if let Some(kind) = Unread::of(tag, Grammar::Text) {
                    unread = unread.or(Some(kind));
                    tag.clone_into(&mut said);
                }
            } else if let Some(tag) = tag.as_ref().filter(|tag| !tag.is_empty()) {
                version = Some(Version::from(format!("{tag}@{digest}")));
            } else if text.is_empty() {
                // A tag that says nothing leaves the image to its digest.
                version = Some(Version::from(digest.as_str()));
            }
            line = beside.map_or(line, |(_, sibling)| sibling.line());
        }
        let is_later = matches!(unread, Some(Unread::Variable | Unread::Template));
        let filtered = level.matching.is_some() && text.is_empty() && is_later;
        let counts = filtered || level.accepts(version.as_ref());
        if !(counts || is_later && level.wants_literals()) {
            return None;
        }
        if unread.is_some() {
            version = None;
        }
        let span = &node.node().span;
        let bytes = version.as_ref().filter(|_| !matched.borrowed);
        let source = self.yaml.source(span.clone());
        let bytes = bytes.and_then(|version| only(source, version.as_str()));
        let bytes = bytes.map(|range| span.start + range.start..span.start + range.end);
        let comment = self.yaml.trailing_comment(node.node());
        let comment = comment.map(|comment| self.yaml.comment_text(comment).to_owned());
        let found = Found {
            bindings,
            version,
            unread: unread.map(|kind| (kind, kind.words(&said))),
            line,
            duplicate: matched.duplicate,
            scalar: node.scalar_type(),
            bytes,
            place: Place::Scalar {
                document: self.document,
                // For edits alone.
                siblings: self.yaml.documents[self.document]
                    .reads
                    .aside(|| siblings(&matched.path, matched.parent)),
                path: matched.path,
                text: text.to_owned(),
                borrowed: matched.borrowed,
                within: None,
                pair: pair.map(Box::new),
                comment,
            },
        };
        Some((found, counts))
    }

    /// A list where one value is expected, by a path that means one place alone: nothing can be read of it.
    fn list(&self, matched: Match<'t>) -> Option<Found> {
        let by_key = matches!(self.locator.steps().last(), Some(Step::Key(_)));
        let whole = matches!(self.level.part, Part::Whole);
        if !by_key || !whole || self.locator.concrete(&matched.bindings).is_none() {
            return None;
        }
        let words = format!(
            "a list stands where the version is expected (`{}`): it is neither read nor written over; write one version, or \
             name the item in the layout (`{}[0]`)",
            self.locator.source(),
            self.locator.source()
        );
        Some(Found {
            bindings: matched.bindings,
            version: None,
            unread: Some((Unread::Illegal, words)),
            line: matched.node.line(),
            duplicate: matched.duplicate,
            scalar: None,
            bytes: None,
            place: Place::Scalar {
                document: self.document,
                siblings: Vec::new(),
                path: matched.path,
                text: String::new(),
                borrowed: matched.borrowed,
                within: None,
                pair: None,
                comment: None,
            },
        })
    }

    /// Why the whole scalar is no place of a version, whatever part of it would be asked for.
    fn whole(&self, matched: &Match<'_>, text: &str, is_template: bool) -> Option<Unread> {
        let comment = self.yaml.trailing_comment(matched.node.node());
        // ytt replaces the value by what the comment says.
        let computed =
            comment.is_some_and(|it| self.yaml.source(it.span.clone()).starts_with("#@ "));
        if is_template || computed {
            return Some(Unread::Template);
        }
        let below = |keys: [&str; 2]| {
            let keys = keys.map(|key| manifest::Step::Key(key.to_owned()));
            matched.path.windows(2).any(|path| path == keys)
        };
        let sealed = self.sealed && below(["spec", "encryptedData"]);
        if sealed || is_encrypted(text) {
            return Some(Unread::Encrypted);
        }
        let tagged = matched.node.foreign_tag();
        tagged.is_some().then_some(Unread::Variable)
    }
}

/// A sibling with one of these texts that has a tag which something else resolves, and the tag.
fn tagged_beside<'t>(
    matched: &Match<'t>,
    texts: [Option<&str>; 2],
) -> Option<(&'t str, NodeRef<'t>)> {
    let siblings = matched.parent?.own_entries();
    let mut tagged = siblings.filter_map(|(_, value)| Some((value.foreign_tag()?, value)));
    tagged.find(|(_, value)| texts.contains(&value.text()) && value.text().is_some())
}

/// Whether an image string without a tag is a variable that may bring one: `${IMAGE}`.
pub(super) fn unnamed(part: &Part, text: &str) -> bool {
    let Part::Tag(_) = part else { return false };
    let masked = masked(text);
    let name = masked.rfind('/').map_or(0, |slash| slash + 1);
    let last = &text[name..];
    !placeholders(last).is_empty() || Unread::of(last, Grammar::Text).is_some()
}

/// Where `part` stands in `text`, if in one place only.
fn only(text: &str, part: &str) -> Option<Range<usize>> {
    let mut places = text.match_indices(part);
    let (at, _) = places.next()?;
    places.next().is_none().then(|| at..at + part.len())
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
