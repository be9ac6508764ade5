//! What one file says: every place in it where a layout finds a version.

use std::{ops::Range, sync::Arc};

use super::{
    bindings::Bindings,
    containers::Own,
    level::{Finder, Level},
    locator::{Locator, Match},
    objects::{Object, objects},
    pair::{Pair, held},
    part::Part,
    preset,
};
use crate::domain::{
    grammar::Grammar,
    manifest::{self, ManifestError, NodeKind, NodePath, NodeRef, ScalarStyle, ScalarType, Yaml},
    subject::Subject,
    unread::{Unread, is_encrypted, masked, placeholders},
    version::Version,
};

/// One place in a file, with what it declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Everything captured on the way, of the path too.
    pub(crate) bindings: Bindings,
    /// What stands there; `None` for null and empty, and for what is no version.
    pub(crate) version: Option<Version>,
    /// Something stands there that is no version, and why it is none.
    pub(crate) unread: Option<(Unread, String)>,
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
        /// The document's index and the scalar whose text is the document that `document` and `path` are of, where the
        /// version stands in a text inside the file.
        within: Option<Box<(usize, NodePath)>>,
        /// The tag and the digest that stand side by side.
        pair: Option<Box<Pair>>,
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
        /// The digest that the same image policy marks.
        digest: Option<String>,
    },
}

impl Found {
    /// What it is among containers, if it is one's image.
    pub(super) fn container(&self) -> Option<Own<'_>> {
        let Place::Scalar {
            text, within: None, ..
        } = &self.place
        else {
            return None;
        };
        Some(Own {
            image: text,
            bindings: &self.bindings,
        })
    }
}

/// What a level finds in a file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The places, in file order.
    pub(crate) found: Vec<Found>,
    /// Places that a preset reads where something is written out, and that hold what is filled in later: they are the
    /// version's if nothing else of the preset is.
    pub(crate) aside: Vec<Found>,
    /// Texts inside the file that were to be read and cannot be.
    pub(crate) unreadable: Vec<ManifestError>,
    /// Whether the file is one of the level's at all: it has a document of the kind and name asked for.
    pub(crate) applies: bool,
}

/// A file that is read at most once, however many layouts look at it.
pub(crate) struct File<'b> {
    bytes: &'b [u8],
    yaml: Option<Result<Yaml<'b>, ManifestError>>,
    /// Whether to note which scalars are read.
    noted: bool,
    /// Whether it was read as text.
    as_text: bool,
}

impl<'b> File<'b> {
    /// A file of these bytes.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            yaml: None,
            noted: false,
            as_text: false,
        }
    }

    /// The same, noting which scalars are read.
    pub(crate) fn noted(bytes: &'b [u8]) -> Self {
        Self {
            noted: true,
            ..Self::new(bytes)
        }
    }

    /// Its tree, where it was looked into and is one.
    pub(crate) fn tree(&self) -> Option<&Yaml<'b>> {
        self.yaml.as_ref()?.as_ref().ok()
    }

    /// Its tree with what was read of it, where nothing else was looked at.
    pub(crate) fn tree_alone(&self) -> Option<&Yaml<'b>> {
        self.tree().filter(|_| !self.as_text)
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
        manifest::refuse_encrypted(self.bytes)?;
        match &level.finder {
            Finder::Text(regex) => {
                self.as_text = true;
                text(self.bytes, level, regex, bound)
            }
            Finder::Tree(locator) => {
                let yaml = self
                    .yaml
                    .get_or_insert_with(|| {
                        let mut yaml = manifest::parse(self.bytes)?;
                        if self.noted {
                            yaml.note_reads();
                        }
                        Ok(yaml)
                    })
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
) -> Vec<(Object<'t>, Bindings)> {
    let mut documents = Vec::new();
    for object in objects(yaml, level) {
        let root = object.root;
        let of_kind = level.kinds.is_empty() || {
            let kind = root.get("kind").and_then(|found| found.value.text());
            kind.is_some_and(|kind| level.is_of(kind))
        };
        if !of_kind {
            continue;
        }
        match &level.name {
            None => documents.push((object, bound.clone())),
            Some(name) => {
                for found in name.find(root, bound) {
                    let mut bound = found.bindings;
                    if let Some(text) = found.node.text()
                        && bound.bind(&Arc::from("name"), text)
                    {
                        documents.push((object.clone(), bound));
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
        };
        for matched in inside.find(part.root(), &outer.bindings) {
            let Some((mut found, counts)) = finder.found(matched) else {
                continue;
            };
            found.line = line(found.line);
            found.bytes = None;
            found.duplicate = found.duplicate.map(line);
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
}

impl Scalars<'_, '_> {
    /// What stands there, and whether it counts; one that does not is set aside.
    fn found(&self, matched: Match<'_>) -> Option<(Found, bool)> {
        let (node, level) = (matched.node, self.level);
        let is_template = node.is_template();
        let tagged = node.foreign_tag();
        let text = match node.text() {
            Some(text) => text,
            None if node.is_null() || is_template || tagged.is_some() => "",
            None => return None,
        };
        let mut bindings = matched.bindings.clone();
        let root = self.yaml.documents[self.document].root();
        let by_value = self.digests
            && matches!(level.part, Part::Whole)
            && level.subject(&bindings, None) == Subject::Image;
        let pair = Pair::of(self.locator, &matched, root, by_value);
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
            && version.is_some()
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
            } else if let Some(tag) = tag {
                version = Some(Version::from(format!("{tag}@{digest}")));
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
fn unnamed(part: &Part, text: &str) -> bool {
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

fn text(
    bytes: &[u8],
    level: &Level,
    regex: &regex::Regex,
    bound: &Bindings,
) -> Result<Findings, ManifestError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        ManifestError::at(
            line_of(before),
            "this line is not UTF-8; save the file as UTF-8",
        )
    })?;
    let digests = level.digests.as_ref();
    let digests: Vec<(Bindings, &str)> = digests
        .into_iter()
        .flat_map(|regex| captured(regex, text, bound))
        .map(|(bindings, group)| (bindings, group.as_str()))
        .collect();
    let mut found = Vec::new();
    let (mut line, mut counted) = (1, 0);
    // Markers stand behind scalars of YAML, in which a tag may be meant for another reader.
    let is_later = |group: &regex::Match<'_>| {
        let quoted = text[..group.start()].ends_with(['"', '\'']);
        level.marker().is_some() && !quoted && is_tagged(group.as_str())
    };
    for (mut bindings, group) in captured(regex, text, bound) {
        if is_later(&group) {
            line += line_of(&bytes[counted..group.start()]) - 1;
            counted = group.start();
            let said = group.as_str().replace(['"', '\''], "");
            found.push(Found {
                bindings,
                version: None,
                unread: Some((Unread::Variable, Unread::Variable.words(&said))),
                line,
                place: Place::Text {
                    range: group.range(),
                    text: group.as_str().to_owned(),
                    digest: None,
                },
                duplicate: None,
                scalar: None,
                bytes: None,
            });
            continue;
        }
        let digest = digests.iter().find(|(policy, _)| *policy == bindings);
        let digest = digest.map(|(_, digest)| *digest);
        let Some(part) = level.part.read(group.as_str(), &mut bindings) else {
            continue;
        };
        let range = group.start() + part.start..group.start() + part.end;
        let said = &text[range.clone()];
        let version = Some(said).filter(|version| !version.is_empty());
        let mut version = version.map(Version::from);
        if !level.accepts(version.as_ref()) {
            continue;
        }
        let unread = match &version {
            Some(_) => level.unread(&bindings, said),
            None => unnamed(&level.part, group.as_str()).then_some(Unread::Variable),
        };
        let of_digest = digest.and_then(|digest| {
            let tagged = is_tagged(digest).then_some(Unread::Variable);
            tagged.or_else(|| Unread::of(digest, Grammar::Digest))
        });
        let (unread, said) = match (unread, of_digest) {
            (None, Some(kind)) => (Some(kind), digest.unwrap_or_default()),
            (unread, _) => (unread, said),
        };
        if let (Some(tag), Some(digest)) = (&version, digest) {
            version = Some(Version::from(format!("{tag}@{digest}")));
        }
        if unread.is_some() {
            version = None;
        }
        line += line_of(&bytes[counted..range.start]) - 1;
        counted = range.start;
        found.push(Found {
            bindings,
            version,
            unread: unread.map(|kind| (kind, kind.words(said))),
            line,
            place: Place::Text {
                range: group.range(),
                text: group.as_str().to_owned(),
                digest: digest.map(str::to_owned),
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
        found,
        applies: true,
        ..Findings::default()
    })
}

/// Whether what is written for a scalar begins, behind its anchor, with a tag that only its own reader understands.
fn is_tagged(written: &str) -> bool {
    let mut words = written.split_whitespace();
    let first = words.find(|word| !word.starts_with('&'));
    first.is_some_and(|word| word.starts_with('!') && manifest::is_foreign(word))
}

/// Every match of an expression that agrees with what is bound: what it captures, and its group `v`.
fn captured<'t>(
    regex: &'t regex::Regex,
    text: &'t str,
    bound: &'t Bindings,
) -> impl Iterator<Item = (Bindings, regex::Match<'t>)> {
    regex.captures_iter(text).filter_map(|captures| {
        let group = captures.name("v")?;
        let mut bindings = bound.clone();
        let mut names = regex.capture_names().flatten().filter(|name| *name != "v");
        let agrees = names.all(|name| {
            let text = captures.name(name).map_or("", |group| group.as_str());
            bindings.bind(&Arc::from(name), text)
        });
        agrees.then_some((bindings, group))
    })
}

/// The line, from 1, on which the byte behind `before` stands.
fn line_of(before: &[u8]) -> u32 {
    let lines = before.split(|byte| *byte == b'\n').count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

impl Level {
    /// Why `text`, which stands in one of its places, is no version.
    pub(super) fn unread(&self, captured: &Bindings, text: &str) -> Option<Unread> {
        let subject = self.subject(captured, Some(&Version::from(text)));
        Unread::of(text, self.grammar(subject, captured, Some(text)))
    }

    /// Whether a preset wants what is written out here, and nothing that is filled in later.
    fn wants_literals(&self) -> bool {
        let matching = self.matching.as_ref();
        matching.is_some_and(|regex| preset::is_literal(regex.as_str()))
    }

    /// Whether a value counts as a version. Nothing at all does: the place is there.
    pub(super) fn accepts(&self, version: Option<&Version>) -> bool {
        match (&self.matching, version) {
            (Some(regex), Some(version)) => regex.is_match(version.as_str()),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}
