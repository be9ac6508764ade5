//! Which part of a scalar is the version.

use std::{ops::Range, sync::Arc};

use regex::Regex;

use super::{bindings::Bindings, remote::repository};
use crate::domain::unread::masked;

/// Which part of a scalar is the version.
#[derive(Clone, Debug, Default)]
pub(crate) enum Part {
    /// All of it.
    #[default]
    Whole,
    /// The tag, digest, or tag@digest of an image string; captures the last part of its name, as `{image}` unless told.
    Tag(Arc<str>),
    /// A parameter of a URL's query; captures `{repo}`, the name of the repository it points to.
    Query(String),
    /// The group `v` of a regular expression; its other named groups are captures.
    Regex(Regex),
}

impl Part {
    /// Compiles `tag`, `query:ref` or `/regex/`. The error is a sentence.
    pub(crate) fn compile(source: &str) -> Result<Self, String> {
        if source == "tag" {
            return Ok(Self::Tag("image".into()));
        }
        if let Some(name) = source.strip_prefix("tag:").filter(|name| !name.is_empty()) {
            return Ok(Self::Tag(name.into()));
        }
        if let Some(name) = source
            .strip_prefix("query:")
            .filter(|name| !name.is_empty())
        {
            return Ok(Self::Query(name.to_owned()));
        }
        if let Some(text) = source
            .strip_prefix('/')
            .and_then(|text| text.strip_suffix('/'))
        {
            let regex = Regex::new(text)
                .map_err(|error| format!("`{source}` does not compile: {error}"))?;
            return if regex.capture_names().flatten().any(|name| name == "v") {
                Ok(Self::Regex(regex))
            } else {
                Err(format!(
                    "`{source}` has no group `v`; put `(?<v>…)` around the version"
                ))
            };
        }
        Err(format!(
            "`{source}` is none of `tag`, `query:NAME`, `/REGEX/`"
        ))
    }

    /// The names it captures.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        match self {
            Self::Whole => Vec::new(),
            Self::Tag(name) => vec![Arc::clone(name)],
            Self::Query(_) => vec!["repo".into()],
            Self::Regex(regex) => {
                let names = regex.capture_names().flatten();
                names.filter(|name| *name != "v").map(Into::into).collect()
            }
        }
    }

    /// Where the version stands in `text`, empty where it could stand but does not. `None`: this text holds none.
    pub(crate) fn read(&self, text: &str, bound: &mut Bindings) -> Option<Range<usize>> {
        match self {
            Self::Whole => Some(0..text.len()),
            Self::Tag(capture) => {
                let name_end = image_name_end(text);
                // Argo CD writes `name=image:tag` where Kustomize has a name and a new one.
                let (old, new) = text[..name_end]
                    .split_once('=')
                    .unwrap_or(("", &text[..name_end]));
                let last = |name| {
                    let masked = masked(name);
                    &name[masked.rfind('/').map_or(0, |slash| slash + 1)..]
                };
                let mut names = [old, new]
                    .map(last)
                    .into_iter()
                    .filter(|name| !name.is_empty());
                if !names.any(|name| bound.bind(capture, name)) {
                    return None;
                }
                Some((name_end + 1).min(text.len())..text.len())
            }
            Self::Query(parameter) => {
                let range = query(text, parameter).or_else(|| {
                    // Kustomize takes `version` where there is no `ref`.
                    query(text, "version").filter(|_| parameter == "ref")
                })?;
                bound
                    .bind(&"repo".into(), &repository(text))
                    .then_some(range)
            }
            Self::Regex(regex) => {
                let found = regex.captures(text)?;
                for name in regex.capture_names().flatten().filter(|name| *name != "v") {
                    let group = found.name(name).map_or("", |group| group.as_str());
                    if !bound.bind(&name.into(), group) {
                        return None;
                    }
                }
                found.name("v").map(|group| group.range())
            }
        }
    }

    /// `text` with `version` in place of the one it holds; `None` where there is no place.
    pub(crate) fn write(&self, text: &str, version: &str) -> Option<String> {
        if let Self::Tag(_) = self {
            let name = image_name(text);
            let mark = if is_digest(version) { '@' } else { ':' };
            return Some(format!("{name}{mark}{version}"));
        }
        let range = self.read(text, &mut Bindings::default())?;
        Some(format!(
            "{}{version}{}",
            &text[..range.start],
            &text[range.end..]
        ))
    }
}

/// Whether a version is a digest without a tag.
pub(crate) fn is_digest(version: &str) -> bool {
    version.starts_with("sha256:") || version.starts_with("sha512:")
}

/// Where an image's name ends: at its tag or digest. The colon of a registry's port comes before a slash, and signs inside
/// a variable (`${REGISTRY:-ghcr.io/o}/web`) are no part of it.
pub(crate) fn image_name_end(text: &str) -> usize {
    let masked = masked(text);
    let end = masked.find('@').unwrap_or(masked.len());
    let name_start = masked[..end].rfind('/').map_or(0, |slash| slash + 1);
    masked[name_start..end]
        .find(':')
        .map_or(end, |colon| name_start + colon)
}

/// An image's name, with its registry.
pub(crate) fn image_name(text: &str) -> &str {
    &text[..image_name_end(text)]
}

fn query(text: &str, parameter: &str) -> Option<Range<usize>> {
    let mut start = text.find('?')? + 1;
    loop {
        let rest = &text[start..];
        let end = rest.find(['&', '#']).map_or(text.len(), |at| start + at);
        let value = text[start..end]
            .strip_prefix(parameter)
            .and_then(|pair| pair.strip_prefix('='));
        if let Some(value) = value {
            return Some(end - value.len()..end);
        }
        if text[end..].starts_with('&') {
            start = end + 1;
        } else {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:9f3c";

    #[test]
    fn reads_and_writes_the_part_alone() {
        let digest = format!("r/app@{DIGEST}");
        let both = format!("host:5000/r/app:v1@{DIGEST}");
        let cases = [
            ("tag", "r/app:v1", "v1 image=app", "r/app:NEW"),
            (
                "tag",
                "host:5000/app:v1",
                "v1 image=app",
                "host:5000/app:NEW",
            ),
            ("tag", "host:5000/app", " image=app", "host:5000/app:NEW"),
            ("tag", "app", " image=app", "app:NEW"),
            ("tag", digest.as_str(), "sha256:9f3c image=app", "r/app:NEW"),
            (
                "tag",
                both.as_str(),
                "v1@sha256:9f3c image=app",
                "host:5000/r/app:NEW",
            ),
            (
                "tag",
                "web=host:5000/r/app:v1",
                "v1 image=web",
                "web=host:5000/r/app:NEW",
            ),
            ("tag", "h:5000/r/a=b", " image=a", "h:5000/r/a=b:NEW"),
            (
                "tag:app",
                "x=r/y@sha256:9f3c",
                "sha256:9f3c app=x",
                "x=r/y:NEW",
            ),
            (
                "query:ref",
                "https://github.com/o/r/config?ref=abc",
                "abc repo=r",
                "https://github.com/o/r/config?ref=NEW",
            ),
            (
                "query:ref",
                "github.com/o/r?timeout=9s&ref=abc&x=1",
                "abc repo=r",
                "github.com/o/r?timeout=9s&ref=NEW&x=1",
            ),
            (
                "query:ref",
                "git@github.com:o/r.git//deploy?ref=v1",
                "v1 repo=r",
                "git@github.com:o/r.git//deploy?ref=NEW",
            ),
            (
                "query:ref",
                "https://gitlab.com/g/s/r.git/x?ref=v1",
                "v1 repo=r",
                "https://gitlab.com/g/s/r.git/x?ref=NEW",
            ),
            (
                "query:ref",
                "https://gitlab.com/g/s/r//x?ref=v1",
                "v1 repo=r",
                "https://gitlab.com/g/s/r//x?ref=NEW",
            ),
            (
                "query:ref",
                "ssh://git@h:22/o/r?ref=v1",
                "v1 repo=r",
                "ssh://git@h:22/o/r?ref=NEW",
            ),
            (
                "query:ref",
                "https://h/c/p/_git/r?version=v1",
                "v1 repo=r",
                "https://h/c/p/_git/r?version=NEW",
            ),
            (
                "query:ref",
                "https://h/o/r?version=v0&ref=v1",
                "v1 repo=r",
                "https://h/o/r?version=v0&ref=NEW",
            ),
            ("query:ref", "../base", "-", "-"),
            ("query:ref", "https://h/o/r?xref=1", "-", "-"),
            (
                "/^(?<chart>.+)-(?<v>[0-9.]+)$/",
                "app-1.2",
                "1.2 chart=app",
                "app-NEW",
            ),
            ("/^v(?<v>.*)$/", "x", "-", "-"),
        ];
        for (part, text, expected, written) in cases {
            let part = Part::compile(part).unwrap();
            let mut bound = Bindings::default();
            let read = part.read(text, &mut bound).map_or("-".to_owned(), |range| {
                let captures: Vec<String> = bound
                    .iter()
                    .map(|(name, text)| format!(" {name}={text}"))
                    .collect();
                format!("{}{}", &text[range], captures.concat())
            });
            assert_eq!(read, expected, "{text}");
            let new = part.write(text, "NEW").unwrap_or("-".into());
            assert_eq!(new, written, "{text}");
        }
        assert_eq!(
            Part::compile("tag")
                .unwrap()
                .write("r/app:v1", DIGEST)
                .as_deref(),
            Some("r/app@sha256:9f3c")
        );
    }

    #[test]
    fn says_what_is_wrong() {
        for (part, expected) in [
            ("", "none of"),
            ("query:", "none of"),
            ("/a(/", "does not compile"),
            ("/a/", "no group `v`"),
        ] {
            match Part::compile(part) {
                Err(error) => assert!(error.contains(expected), "{part}: {error}"),
                Ok(_) => panic!("{part} compiles"),
            }
        }
    }
}
