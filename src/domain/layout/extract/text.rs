//! Versions in the text of a file, found by expressions.

use std::sync::Arc;

use super::super::{bindings::Bindings, level::Level};
use super::{Findings, Found, Place, scalars::unnamed};
use crate::domain::{
    grammar::Grammar,
    manifest::{self, ManifestError},
    unread::Unread,
    version::Version,
};

pub(super) fn text(
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
