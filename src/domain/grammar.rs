//! What may be written where a version stands, by what it is a version of.
//!
//! | what it is | rule | source |
//! | --- | --- | --- |
//! | tag of an image | `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}` | OCI distribution specification, "Pulling manifests" |
//! | the same where a digest has another place, or none | the tag alone | |
//! | digest | `sha256:` and 64, `sha512:` and 128 lower-case hexadecimal digits | OCI image specification, "Digests" |
//! | chart that is looked for | `SemVer` with or without `v` and with parts missing, or a range | Helm's `dependencies[].version`, Flux's `spec.chart.spec.version` and Argo CD's `targetRevision` take ranges |
//! | a chart's own version | `SemVer` 2 to the letter | Helm, "The Chart.yaml File": `version` is a `SemVer` 2 version |
//! | Git ref | what `git check-ref-format` accepts | its manual |
//! | anything else | no line breaks, no characters that nobody sees, no white space around it | |
//!
//! Whoever writes a version asks here first: `set`, its `--changes`, the console, promotions, tags of environments.

use super::{version::Version, version_range::VersionRange};

/// The longest tag that a registry takes.
const LONGEST_TAG: usize = 128;
/// Signs that neither a chart's version nor a range of them has.
const NO_CHART: [char; 16] = [
    '(', ')', '{', '}', '[', ']', '%', '#', '$', '"', '\'', '`', '&', ';', '\\', '?',
];
/// How much of a text is shown in a sentence about it.
const SHOWN: usize = 60;

/// What a version's text must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// An image's tag, digest or tag@digest.
    Image,
    /// An image's tag, where no digest can stand.
    Tag,
    /// A whole image reference: name, then tag, digest or both.
    Reference,
    /// A digest alone.
    Digest,
    /// A chart to look for: a version or a range.
    Chart,
    /// A chart's own version.
    ChartOwn,
    /// A branch, tag or commit in Git.
    Ref,
    /// A commit.
    Commit,
    /// A Git ref as a parameter of a URL.
    Query,
    /// A Git ref, or a chart's version or range.
    Revision,
    /// Not known: any text that stands on one line.
    #[default]
    Text,
}

impl Grammar {
    /// Whether `text` can be written.
    ///
    /// # Errors
    /// A sentence with the rule that it breaks, and what would be right.
    pub fn check(self, text: &str) -> Result<(), String> {
        visible(text)?;
        let ends = match self {
            Self::Image => image(text),
            Self::Tag if text.contains('@') || is_digest(text) => Err(
                "no tag, and only a tag can stand here: write the tag alone. A digest has a key of its own (`digest`), or \
                 stands behind the tag where the chart takes it there and some value of the service shows it"
                    .to_owned(),
            ),
            Self::Tag => tag(text),
            Self::Reference => reference(text),
            Self::Digest => digest(text),
            Self::Chart if is_chart(text) || is_range(text) => Ok(()),
            Self::Chart => Err(
                "no chart version: write a SemVer version (1.2.3, v1.2.3-rc.1) or a range (^1.2)"
                    .to_owned(),
            ),
            Self::ChartOwn => semver::Version::parse(text).map(|_| ()).map_err(|error| {
                format!(
                    "no version of a chart's own, which is SemVer 2 to the letter: {error}. Write three numbers without \
                     `v` and without leading zeros (1.2.3, 1.2.3-rc.1)"
                )
            }),
            Self::Commit => commit(text),
            Self::Query => query(text),
            Self::Revision if is_range(text) => Ok(()),
            Self::Ref | Self::Revision => git_ref(text),
            Self::Text => Ok(()),
        };
        ends.map_err(|why| format!("{} is {why}", shown(text)))
    }

    /// Whether what stands there already could be a version at all: of images, what a registry or a cluster would take; of
    /// charts, what has no sign that versions and ranges never have.
    pub fn may_be(self, text: &str) -> bool {
        let is_digest = |text: &str| digest(&text.to_ascii_lowercase()).is_ok();
        match self {
            Self::Image | Self::Tag => {
                let (tag, digest) = match text.split_once('@') {
                    Some((tag, digest)) => (Some(tag), Some(digest)),
                    None if is_digest(text) => (None, Some(text)),
                    None => (Some(text), None),
                };
                let tag = tag.is_none_or(|it| it.is_empty() && digest.is_some() || tag_is(it));
                tag && digest.is_none_or(is_digest)
            }
            Self::Digest => is_digest(text),
            Self::Chart | Self::ChartOwn => !text.contains(NO_CHART),
            _ => true,
        }
    }
}

/// Nothing that a person does not see belongs into a version.
fn visible(text: &str) -> Result<(), String> {
    let fails = |why: String| Err(format!("{} is no version: {why}", shown(text)));
    if text.is_empty() {
        return Err("an empty text is no version: write one".to_owned());
    }
    if let Some(odd) = text.chars().find(|c| is_unseen(*c)) {
        return fails(format!(
            "it has a character that nobody sees (U+{:04X}); type it anew instead of pasting it",
            u32::from(odd)
        ));
    }
    if text.trim() != text {
        return fails("white space stands around it; take that out".to_owned());
    }
    Ok(())
}

/// Controls, and what is drawn as nothing, as another blank, or in another order.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_digest(text: &str) -> bool {
    text.starts_with("sha256:") || text.starts_with("sha512:")
}

fn tag_is(text: &str) -> bool {
    tag(text).is_ok()
}

/// `tag`, `digest`, `tag@digest`.
fn image(text: &str) -> Result<(), String> {
    if is_digest(text) {
        return digest(text);
    }
    match text.split_once('@') {
        Some((before, after)) => tag(before).and_then(|()| digest(after)),
        None => tag(text),
    }
}

fn tag(text: &str) -> Result<(), String> {
    let fails = |why: &str| {
        Err(format!(
            "no image tag: {why}. A tag begins with a letter, a digit or `_`, and goes on with those, `.` and `-`"
        ))
    };
    if text.is_empty() {
        return fails("nothing stands before the `@`");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if let Some(odd) = text.chars().find(|c| !allowed(*c)) {
        let name = matches!(odd, ':' | '/');
        return if name {
            fails("it names an image too; write the tag alone, the name stays as it is")
        } else if odd.is_ascii() {
            fails(&format!("`{odd}` cannot stand in one"))
        } else {
            fails(&format!(
                "`{odd}` (U+{:04X}) is no ASCII character, though it may look like one",
                u32::from(odd)
            ))
        };
    }
    if text.starts_with(['.', '-']) {
        return fails("it begins with `.` or `-`");
    }
    if text.len() > LONGEST_TAG {
        return fails(&format!(
            "it has {} characters, and {LONGEST_TAG} are the most",
            text.len()
        ));
    }
    Ok(())
}

fn digest(text: &str) -> Result<(), String> {
    let fails = |why: String| {
        Err(format!(
            "no digest: {why}. A digest is `sha256:` and 64 lower-case hexadecimal digits (`sha512:` and 128)"
        ))
    };
    let Some((algorithm, hex)) = text.split_once(':') else {
        return fails("it has no `sha256:`".to_owned());
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        other => return fails(format!("`{other}` is no algorithm of registries")),
    };
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if let Some(odd) = hex.chars().find(|c| !u8::try_from(*c).is_ok_and(lower)) {
        return fails(format!("`{odd}` is no lower-case hexadecimal digit"));
    }
    if hex.len() != length {
        return fails(format!("{} digits stand behind `{algorithm}:`", hex.len()));
    }
    Ok(())
}

/// `registry.example.com:5000/team/web:1.2.3@sha256:…`
fn reference(text: &str) -> Result<(), String> {
    let (rest, after) = match text.split_once('@') {
        Some((rest, after)) => (rest, Some(after)),
        None => (text, None),
    };
    if let Some(after) = after {
        digest(after)?;
    }
    let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    let name_end = rest[name_start..]
        .find(':')
        .map_or(rest.len(), |colon| name_start + colon);
    if let Some(version) = rest[name_end..].strip_prefix(':') {
        tag(version)?;
    }
    let (host, path) = match rest[..name_end].split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("", &rest[..name_end]),
    };
    let host_fits = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '[' | ']'));
    let part = |part: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        ends(part.chars().next())
            && ends(part.chars().next_back())
            && part.chars().all(|c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
            })
    };
    if host_fits && path.split('/').all(part) {
        Ok(())
    } else {
        Err(format!(
            "no image: `{}` is no name of one. Write `registry/name:tag`, the name in lower case",
            &rest[..name_end]
        ))
    }
}

fn is_chart(text: &str) -> bool {
    Version::from(text).semver().is_some()
}

fn is_range(text: &str) -> bool {
    !text.ends_with(',')
        && !text.starts_with(',')
        && VersionRange::parse(text).is_ok()
        && !text.split("||").any(runs_into_another)
}

/// Whether a version without an operator stands among others, which nothing can be at once (`6.0 0`), or a blank stands
/// inside an operator.
fn runs_into_another(range: &str) -> bool {
    if range.contains(" - ") {
        return false;
    }
    let words = range.split([' ', ',']).filter(|word| !word.is_empty());
    let is_sign = |c: char| matches!(c, '<' | '>' | '=' | '~' | '^' | '!');
    let (mut versions, mut bare, mut operator) = (0, false, false);
    for word in words {
        let begins = word.starts_with(is_sign);
        if begins && operator {
            return true;
        }
        let before = std::mem::replace(&mut operator, word.chars().all(is_sign));
        if operator {
            continue;
        }
        versions += 1;
        bare |= !begins && !before && !word.contains(['x', 'X', '*']);
    }
    bare && versions > 1
}

fn commit(text: &str) -> Result<(), String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && (7..=64).contains(&text.len()) {
        Ok(())
    } else {
        Err("no commit: write its hash, 7 to 40 hexadecimal digits".to_owned())
    }
}

/// The rules of `git check-ref-format --allow-onelevel`, and no `-` in front, which Git would read as an option.
fn git_ref(text: &str) -> Result<(), String> {
    let fails = |why: &str| {
        Err(format!(
            "no Git ref: {why} (see `git help check-ref-format`)"
        ))
    };
    let odd = |c: &char| matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    if let Some(odd) = text.chars().find(odd) {
        return fails(&format!("`{odd}` cannot stand in one"));
    }
    if text.starts_with('-') {
        return fails("it begins with `-`");
    }
    if text.contains("..") || text.contains("@{") || text == "@" {
        return fails("`..`, `@{` and `@` alone mean something else");
    }
    if text.ends_with('.') {
        return fails("it ends with `.`");
    }
    let mut parts = text.split('/');
    if parts.any(|part| {
        let lock = std::path::Path::new(part).extension();
        part.is_empty() || part.starts_with('.') || lock.is_some_and(|end| end == "lock")
    }) {
        return fails("a part between `/` is empty, begins with `.` or ends with `.lock`");
    }
    if text
        .chars()
        .any(|c| matches!(c, '\'' | '"' | '`' | '$' | ';' | '|' | '<' | '>' | '('))
    {
        return fails("quotes, `$` and the signs of a shell are refused here");
    }
    Ok(())
}

fn query(text: &str) -> Result<(), String> {
    git_ref(text)?;
    match text.chars().find(|c| matches!(c, '&' | '#' | '%' | '+')) {
        None => Ok(()),
        Some(odd) => Err(format!(
            "nothing that can stand in a URL's query: `{odd}` means something else there"
        )),
    }
}

/// The text as a sentence names it: escaped, and not longer than a line.
pub fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!(
        "`{}`",
        short
            .escape_debug()
            .to_string()
            .replace("\\'", "'")
            .replace("\\\"", "\"")
    )
}

#[cfg(test)]
mod tests;
