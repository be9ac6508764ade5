//! Whether a scalar is a version: by its key, by what it says, and by what it is not.

use std::rc::Rc;

use super::lexicon;
use crate::domain::version::{Version, VersionKind};

/// What a scalar says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) class: Class,
    pub(super) strength: Strength,
    pub(super) part: Part,
    /// The version alone.
    pub(super) version: Rc<str>,
    /// The last part of the image's or repository's name, where the scalar names one.
    pub(super) of: Option<Rc<str>>,
}

/// How its place speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The value alone.
    Value,
    /// A key that ends like one of versions.
    Key,
    /// An image, a reference, or a key that holds nothing else.
    Image,
}

/// How its text speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// `latest`, `main`, a range.
    Floating,
    /// Two numbers, a date, a name of a release.
    Like,
    /// Three numbers, a commit, a digest.
    Fixed,
}

/// Which part of the scalar the version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// Behind an image's name.
    Tag,
    /// The `ref` of a URL's query.
    Reference,
    /// A segment of a URL's path.
    Segment,
}

/// Keys that hold a version and nothing else.
const STRONG: [&str; 9] = [
    "tag",
    "newtag",
    "imagetag",
    "image_tag",
    "targetrevision",
    "digest",
    "image-tag",
    "docker_tag",
    "image_version",
];
/// Ends of keys of versions.
const ENDS: [&str; 8] = [
    "version", "_sha", "sha", "revision", "ref", "tag", "commit", "release",
];
/// Keys that end so and are of something else.
const OTHER: [&str; 22] = [
    "api",
    "schema",
    "kube",
    "java",
    "scala",
    "protocol",
    "format",
    "terraform",
    "required",
    "min",
    "max",
    "tls",
    "http",
    "python",
    "node",
    "ruby",
    "secret",
    "php",
    "encryption",
    "ssl",
    "key",
    "plugin",
];
/// Maps of versions: what stands in them is one, whatever its key.
const MAPS: [&str; 6] = [
    "versions",
    "images",
    "tags",
    "revisions",
    "substitute",
    "image_tags",
];
/// Kinds of files that are read by lines.
const LINES: [&str; 9] = [
    "env",
    "properties",
    "tfvars",
    "tf",
    "hcl",
    "toml",
    "libsonnet",
    "jsonnet",
    "cue",
];

/// Whether files of this kind are read by lines.
pub(super) fn is_lines(kind: &str) -> bool {
    LINES.contains(&kind)
}

/// Whether a text may be a key: a word.
pub(super) fn is_key(text: &str) -> bool {
    let text = text.strip_prefix("export ").unwrap_or(text);
    !text.is_empty()
        && text.len() < 80
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// What a scalar says; `above` are the keys above its own, nearest first.
pub(super) fn sign(file: &str, above: &[&str], key: &str, value: &str) -> Option<Sign> {
    if value.is_empty() || value.len() > 300 || value.contains(['{', '$', '<', '\n', '|']) {
        return None;
    }
    // Of the file itself: its schema. The version of a policy's language.
    if key.starts_with('$') {
        return None;
    }
    if key == "Version" && value.len() == 10 && value.matches('-').count() == 2 {
        return None;
    }
    // Labels say again what stands elsewhere; what a patch is for is named by its API's version.
    let beside = above.iter().any(|it| {
        matches!(
            *it,
            "labels" | "matchLabels" | "commonLabels" | "selector" | "annotations" | "target"
        )
    });
    if beside && !value.contains('/') || key.ends_with("/version") {
        return None;
    }
    let lower = key.to_ascii_lowercase();
    if ["sha256", "sha512", "sha1", "md5", "checksum"]
        .iter()
        .any(|it| lower.contains(it))
    {
        return None;
    }
    // A chart's own version, which nobody promotes.
    if file == "Chart.yaml" && key == "version" && above.is_empty() {
        return None;
    }
    // What Kustomize looks for, tag or no tag: what it puts there stands beside it.
    if file.starts_with("kustomization.") && above.first() == Some(&"images") && key == "name" {
        return None;
    }
    // Encrypted, by sops or Pulumi.
    if value.starts_with("ENC[")
        || matches!(key, "apiVersion" | "kind" | "secure")
        || above.contains(&"sops")
    {
        return None;
    }
    if let Some(at) = value.find("?ref=") {
        let version = value[at + 5..].split('&').next().unwrap_or_default();
        let repository = value[..at].split("//").take(2).last().unwrap_or_default();
        let of = value[..at].rsplit("//").next().unwrap_or(repository);
        let of = of
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        return (!version.is_empty()).then(|| Sign {
            class: Class::Image,
            strength: strength(version).unwrap_or(Strength::Floating),
            part: Part::Reference,
            version: version.into(),
            of: Some(of.trim_end_matches(".git").into()),
        });
    }
    if let Some((name, version)) = image(value) {
        let strength = strength(version).or_else(|| is_tag(version).then_some(Strength::Like));
        return strength.map(|strength| Sign {
            class: Class::Image,
            strength,
            part: Part::Tag,
            version: version.into(),
            of: Some(name.rsplit('/').next().unwrap_or(name).into()),
        });
    }
    if let Some(version) = of_address(value) {
        return Some(Sign {
            class: Class::Value,
            strength: Strength::Fixed,
            part: Part::Segment,
            version: version.into(),
            of: None,
        });
    }
    if value.contains([' ', '/', ',', '(']) && !value.starts_with("refs/") {
        return None;
    }
    let class = class(file, above, key);
    let found = strength(value);
    let strength = match (class, found) {
        (Class::Image, None) if is_tag(value) => Strength::Like,
        (Class::Key, None) if is_tag(value) && value.contains(|c: char| c.is_ascii_digit()) => {
            Strength::Like
        }
        (Class::Value, Some(Strength::Floating)) => return None,
        // When something was done, where no key says that it is called so.
        (Class::Value, _) if is_day(value) => return None,
        (_, found) => found?,
    };
    // A host is no version; `2.0.0.dev` is no host.
    let numbers = |it: &str| is_release(it) && three_parts(it);
    let host = lexicon::is_host(value) && !value.strip_suffix(".dev").is_some_and(numbers);
    if class != Class::Image && (host || is_other(key, value)) {
        return None;
    }
    Some(Sign {
        class,
        strength,
        part: Part::Whole,
        version: value.into(),
        of: None,
    })
}

fn class(file: &str, above: &[&str], key: &str) -> Class {
    let lower = key.to_ascii_lowercase();
    let chart = match lower.as_str() {
        "version" => {
            above.first() == Some(&"dependencies")
                || above.first() == Some(&"releases")
                || above.first() == Some(&"helmCharts")
                || (above.first() == Some(&"spec") && above.get(1) == Some(&"chart"))
        }
        _ => false,
    };
    if STRONG.contains(&lower.as_str())
        || chart
        || lower.ends_with("_tag")
        || key.ends_with("Tag")
        || key.ends_with("-tag")
    {
        return Class::Image;
    }
    if above.first().is_some_and(|above| MAPS.contains(above)) {
        return Class::Key;
    }
    if file == "Chart.yaml" && key == "appVersion" {
        return Class::Value;
    }
    if ENDS.iter().any(|end| lower.ends_with(end)) {
        return Class::Key;
    }
    Class::Value
}

/// Whether the key or the value is of something that nobody promotes.
pub(super) fn is_other(key: &str, value: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    if lower.starts_with("api") && strength(value) == Some(Strength::Fixed) {
        return false;
    }
    let camel = OTHER
        .iter()
        .any(|word| lower.starts_with(word) && lower.len() < word.len() + 9);
    camel
        || words.clone().any(|word| OTHER.contains(&word))
        || value.parse::<std::net::Ipv4Addr>().is_ok()
        || is_uuid(value)
        || is_checksum(value)
        || is_resource(value)
        || is_moment(value)
        || value.bytes().all(|b| b.is_ascii_digit())
}

/// As long as MD5, SHA-256 and SHA-512 write their sums, without a word before: commits are shorter or 40 long.
fn is_checksum(value: &str) -> bool {
    matches!(value.len(), 32 | 64 | 128) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a cloud calls one of its things: `vol-007f600752daee49c`. Images of machines are versions, and promoted.
fn is_resource(value: &str) -> bool {
    const KINDS: [&str; 14] = [
        "vol", "vpc", "subnet", "sg", "eni", "i", "fs", "fsap", "snap", "rtb", "igw", "nat",
        "eipalloc", "lt",
    ];
    value.split_once('-').is_some_and(|(kind, id)| {
        KINDS.contains(&kind)
            && matches!(id.len(), 8 | 17)
            && id.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// The one segment of an address's path that is a version of three numbers.
fn of_address(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let plain = !rest.contains([' ', ',', '(', '?']);
    let segments = || rest.split('/').skip(1).filter(|it| is_release(it));
    let version = segments().next().filter(|_| plain)?;
    (segments().count() == 1).then_some(version)
}

/// Three numbers, with or without a `v` before and more behind: what [`SEGMENT`] matches.
fn is_release(text: &str) -> bool {
    let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let both = numbers.by_ref().take(2).filter(|it| number(it)).count() == 2;
    let last = numbers.next().unwrap_or_default();
    both && last.starts_with(|c: char| c.is_ascii_digit()) && is_tag(text)
}

/// Whether what stands before a `-` or `+` has three parts.
fn three_parts(text: &str) -> bool {
    let before = text.split(['-', '+']).next().unwrap_or_default();
    before.matches('.').count() == 2
}

/// A version that is a segment of an address, in regular expressions.
pub(super) const SEGMENT: &str = r"v?\d+\.\d+\.\d+[\w.+-]*";

/// When something was done, to the second: `2026-08-23T02:47:09.956933`. A version may be a date, not a time of the day
/// with colons.
fn is_moment(value: &str) -> bool {
    value
        .split_once(['T', 't', '_'])
        .is_some_and(|(date, time)| {
            let hours = time.split_once(':').map_or("", |(hours, _)| hours);
            let is_hour = hours.len() == 2 && hours.bytes().all(|b| b.is_ascii_digit());
            is_day(date) && is_hour
        })
}

/// `2026-08-23`.
fn is_day(value: &str) -> bool {
    let mut parts = value.split('-');
    let mut is_number = |count| {
        let part = parts.next().unwrap_or_default();
        part.len() == count && part.bytes().all(|b| b.is_ascii_digit())
    };
    [4, 2, 2].into_iter().all(&mut is_number) && value.len() == 10
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36 && value.matches('-').count() == 4
}

/// A tag that says nothing of itself: `prod-68f7180-20260821151134`, `v749`, `dev`.
fn is_tag(value: &str) -> bool {
    value.len() < 129
        && value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && value.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+' | b'@' | b':')
        })
        && !matches!(
            value,
            "true" | "false" | "null" | "none" | "yes" | "no" | "IfNotPresent" | "Always" | "Never"
        )
}

/// How a text speaks for being a version; `None` where it does not.
pub(super) fn strength(text: &str) -> Option<Strength> {
    let kind = Version::from(text).kind(&[]);
    Some(match kind {
        VersionKind::SemVer if text.matches('.').count() >= 2 => Strength::Fixed,
        VersionKind::GitSha
        | VersionKind::GitShaBuild
        | VersionKind::Digest
        | VersionKind::CalVer => Strength::Fixed,
        VersionKind::SemVer if text.contains('.') => Strength::Like,
        VersionKind::Number if text.len() > 7 => Strength::Like,
        VersionKind::Mutable if Version::from(text).speaks_for_itself() => Strength::Floating,
        _ => {
            // `prod-68f7180-20260821151134`, `2025-11-10-034557-production`, `1.2.3.4`, `18.3.dev20260818`
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let marks = text
                .bytes()
                .filter(|b| matches!(b, b'.' | b'-' | b'_'))
                .count();
            let plain = text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+'));
            // `release-v4.20.0`, also with what it is a candidate of behind it: `release-v4.20.0-rc.1`
            let behind = |(at, _): (usize, &str)| {
                let rest = &text[at + 1..];
                three_parts(rest) && is_release(rest)
            };
            let release = text.len() < 60 && text.match_indices('-').any(behind);
            let many = digits >= 3 && marks >= 1 && digits * 3 >= text.len();
            if plain && (many || release) && is_tag(text) {
                Strength::Like
            } else {
                return None;
            }
        }
    })
}

/// An image's name and its tag, digest or both.
fn image(text: &str) -> Option<(&str, &str)> {
    if text.contains("://") && !text.starts_with("docker://") && !text.starts_with("oci://")
        || text.contains([' ', ',', '(', '=', '*'])
    {
        return None;
    }
    let slash = text.rfind('/').map_or(0, |at| at + 1);
    let digest = text.find("@sha256:").unwrap_or(text.len());
    let at = match text[slash.min(digest)..digest].find(':') {
        Some(at) => slash.min(digest) + at,
        None if digest < text.len() => digest,
        None => return None,
    };
    let (name, version) = (&text[..at], &text[at + 1..]);
    let named = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b':'))
        && name.bytes().any(|b| b.is_ascii_alphabetic())
        && !version.is_empty()
        && !version.contains('/');
    // Without a registry or a path, it may be a host and a port, or a pair of words.
    let path = name.contains('/') || strength(version).is_some_and(|it| it >= Strength::Like);
    let port =
        version.bytes().all(|b| b.is_ascii_digit()) && version.len() <= 5 && !name.contains('/');
    (named && path && !port).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_version() {
        let cases = [
            ("1.2.3", Some(Strength::Fixed)),
            ("release-v4.20.0", Some(Strength::Like)),
            ("release-v1.2.3-rc.1", Some(Strength::Like)),
            ("web-1.2.3+build.7", Some(Strength::Like)),
            ("2025-11-10-034557-production", Some(Strength::Fixed)),
            ("latest", Some(Strength::Floating)),
            ("eu-west-1", None),
        ];
        let host = "a9b2b535325d54-8d7aff11f725.elb.eu-central-1.example.com";
        assert_eq!(sign("values.yaml", &[], "hostname", host), None);
        assert_eq!(
            sign("values.yaml", &[], "hostname", "10.20.30.40.nip.io"),
            None
        );
        assert!(sign("a.env", &[], "version", "2.0.0.dev").is_some());
        for (text, expected) in cases {
            assert_eq!(strength(text), expected, "{text}");
        }
        let of =
            |value: &str| sign("a.hcl", &[], "package", value).map(|it| it.version.to_string());
        let address = "https://x.example/shop/v1.2.3/shop.zip";
        assert_eq!(of(address).as_deref(), Some("v1.2.3"));
        assert_eq!(of("https://x.example/1.2.3/schema/2.0.0/a.json"), None);
        assert_eq!(of("https://10.0.0.1/shop.zip"), None);
    }

    /// What somebody writes in a repository ends nobody's program.
    #[test]
    fn text_that_is_no_ascii_is_read_too() {
        let pieces = [
            "1.2.3", "€", "é", "ü", "T", "_", "-", ":", "@sha256:", "?ref=", "/", "vol-", "12",
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let value = format!("{a}{b}{c}");
                    let _ = sign("values.yaml", &["image"], "name_version", &value);
                    let _ = sign("values.yaml", &[], "tag", &value);
                    let _ = sign("values.yaml", &[], "image", &value);
                }
            }
        }
    }
}
