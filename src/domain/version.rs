//! Versions as text: what kind they look like, and which of two is newer.

use std::{borrow::Cow, cmp::Ordering, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// From so many hexadecimal digits on, they are a hash and are abbreviated.
const LONG_HASH: usize = 20;
/// So many of them are shown.
const SHORT_HASH: usize = 8;

/// What a cell declares: an image tag, digest, tag@digest, chart version or Git ref, as written.
///
/// Only the text is kept: `1.10` never becomes `1.1`, nor `1234e56` a number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(Arc<str>);

/// What a version's text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// `1.2.3`, `v1.2`, `2.0.0-rc.1`.
    SemVer,
    /// 7 to 40 hexadecimal digits with at least one letter and one digit, or all 40.
    GitSha,
    /// A Git SHA followed by a build number: `abc123f-42`.
    GitShaBuild,
    /// `2026.08.1`.
    CalVer,
    /// `sha256:…`, with or without a tag before it.
    Digest,
    /// A date or a build number: digits only.
    Number,
    /// Means something else tomorrow: `latest`, `main`, a range, an environment's name, a pull request (`pr-12`).
    Mutable,
    /// None of these; compared as text only for equality.
    Other,
}

impl Version {
    /// Wraps `text` unchanged.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the text looks like. `environments` are names that make a version mutable.
    pub fn kind(&self, environments: &[&str]) -> VersionKind {
        let text = self.as_str();
        if text.contains("sha256:") || text.contains("sha512:") {
            VersionKind::Digest
        } else if is_mutable(text, environments) {
            VersionKind::Mutable
        } else if is_calver(text) {
            VersionKind::CalVer
        } else if text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit()) && text.len() < 40 {
            VersionKind::Number
        } else if is_sha(text) {
            VersionKind::GitSha
        } else if text.split_once('-').is_some_and(|(sha, build)| {
            is_sha(sha) && !build.is_empty() && build.bytes().all(|b| b.is_ascii_digit())
        }) {
            VersionKind::GitShaBuild
        } else if self.semver().is_some() {
            VersionKind::SemVer
        } else {
            VersionKind::Other
        }
    }

    /// Whether a text of which nothing is known but this reads as a version: it is of some kind, and not a word that only a
    /// key would make one (`DOCKER_TAG: "DOCKER_TAG"`).
    pub fn speaks_for_itself(&self) -> bool {
        let text = self.as_str();
        let is_word =
            is_word(text) && !CHANNELS.contains(&text) && !text.starts_with("refs/heads/");
        !is_word && self.kind(&[]) != VersionKind::Other
    }

    /// The `SemVer` it means, a leading `v` and missing parts accepted; of a tag with a digest, the tag's.
    pub fn semver(&self) -> Option<semver::Version> {
        let text = self.as_str();
        let text = text.split_once('@').map_or(text, |(tag, _)| tag);
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let core_end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(core_end);
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > 3
            || parts
                .iter()
                .any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit()))
        {
            return None;
        }
        let number = |i: usize| parts.get(i).map_or(Some(0), |p| p.parse::<u64>().ok());
        let mut version = semver::Version::new(number(0)?, number(1)?, number(2)?);
        let (pre, build) = match rest.split_once('+') {
            Some((pre, build)) => (pre, build),
            None => (rest, ""),
        };
        if let Some(pre) = pre.strip_prefix('-') {
            version.pre = semver::Prerelease::new(pre).ok()?;
        }
        version.build = semver::BuildMetadata::new(build).ok()?;
        Some(version)
    }

    /// The text with hashes abbreviated, for where there is little room: `sha256:730810ae`, `1.2@730810ae`, `f3d04985-42`.
    pub fn brief(&self) -> Cow<'_, str> {
        let text = self.as_str();
        if text.len() < LONG_HASH {
            return Cow::Borrowed(text);
        }
        let bare;
        let text = match text.split_once('@') {
            Some((tag, digest)) if !tag.is_empty() => {
                let hash = digest.split_once(':').map_or(digest, |(_, hash)| hash);
                bare = format!("{tag}@{hash}");
                Cow::Owned(bare)
            }
            _ => Cow::Borrowed(text),
        };
        let mut out = String::with_capacity(text.len());
        let mut rest = &*text;
        while !rest.is_empty() {
            let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
            if hex >= LONG_HASH {
                out.push_str(&rest[..SHORT_HASH]);
                rest = &rest[hex..];
                continue;
            }
            // What is no hash goes by words: one may begin with digits.
            let word = rest[hex..].find(|c: char| !c.is_alphanumeric());
            let separator = |at: usize| rest[hex + at..].chars().next().map_or(0, char::len_utf8);
            let end = word.map_or(rest.len(), |at| hex + at + separator(at));
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        if out.len() == self.as_str().len() {
            return Cow::Borrowed(self.as_str());
        }
        Cow::Owned(out)
    }

    /// Which is newer, where both are `SemVer` and one goes before the other; otherwise unknown and left to the upstream's
    /// history. Of `1.2` and `1.2.0`, or of two builds (`1.0.0+b9`, `1.0.0+b10`), `SemVer` knows no order.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        let order = self.semver()?.cmp_precedence(&other.semver()?);
        Some(order).filter(|order| order.is_ne())
    }
}

/// Words that are names of builds wherever they stand.
const CHANNELS: [&str; 11] = [
    "latest", "main", "master", "head", "HEAD", "edge", "nightly", "stable", "develop", "trunk",
    "canary",
];

fn is_mutable(text: &str, environments: &[&str]) -> bool {
    CHANNELS.contains(&text)
        || environments.contains(&text)
        || text.starts_with("refs/heads/")
        || is_range(text)
        || is_moved_on(text)
}

/// Whether it is mutable by being a word alone: any word may be a name of builds, and most are none.
fn is_word(text: &str) -> bool {
    is_moved_on(text) && !text.bytes().any(|byte| byte.is_ascii_digit())
}

/// A name that whoever builds gives to one build after another: a word without a digit (`dev`, `feature-login`), what a
/// branch or a pull request is called (`pr-12`, `feature/JIRA-7`), the last of a line (`1.2-latest`, `2.0.0-SNAPSHOT`).
/// One with a commit in it is of that commit.
fn is_moved_on(text: &str) -> bool {
    const LAST: [&str; 4] = ["latest", "snapshot", "nightly", "edge"];
    const REQUESTS: [&str; 6] = ["pr", "mr", "pull", "merge", "review", "preview"];
    const BRANCHES: [&str; 8] = [
        "feature",
        "feat",
        "bugfix",
        "fix",
        "hotfix",
        "branch",
        "dependabot",
        "renovate",
    ];
    if text.starts_with("refs/tags/") {
        return false;
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return text.chars().any(char::is_alphabetic);
    }
    let lower = text.to_ascii_lowercase();
    let separators = ['-', '_', '.', '/', '#', '+'];
    let parts: Vec<&str> = lower.split(separators).collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [.., last] if LAST.contains(last) => true,
        // What stands behind the number of a request is of one of its builds.
        [request] => REQUESTS
            .iter()
            .any(|word| request.strip_prefix(word).is_some_and(is_number)),
        [request, number] if REQUESTS.contains(request) => is_number(number),
        [branch, rest @ ..] if BRANCHES.contains(branch) => {
            let numbers = rest.iter().filter(|part| is_number(part)).count();
            !rest.iter().any(|part| is_sha(part)) && numbers < 2
        }
        _ => false,
    }
}

/// A range, as Helm, Flux and npm write them: `>=1.0`, `~1`, `^1.2`, `1.x`, `*`, `1.0 - 1.4`, `1 || 2`, `>=1,<2`.
fn is_range(text: &str) -> bool {
    let core = text.strip_prefix(['v', 'V', '=']).unwrap_or(text);
    let core = core.split(['-', '+']).next().unwrap_or(core);
    let mut parts = core.split('.');
    let wildcard = |part: &str| matches!(part, "x" | "X");
    let counts = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.starts_with(['>', '<', '=', '~', '^', '*', '!'])
        || text.contains(['*', ' ', '|', ','])
        || parts.next().is_some_and(|first| {
            wildcard(first) && core.len() == 1 || counts(first) && parts.take(2).any(wildcard)
        })
}

fn is_sha(text: &str) -> bool {
    let lower_hex = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    lower_hex
        && (7..=40).contains(&text.len())
        && (text.len() == 40
            || (text.bytes().any(|b| b.is_ascii_digit())
                && text.bytes().any(|b| b.is_ascii_alphabetic())))
}

fn is_calver(text: &str) -> bool {
    let mut parts = text.split(['.', '-']);
    let year = parts.next().is_some_and(|y| {
        y.len() == 4
            && (y.starts_with("19") || y.starts_with("20"))
            && y.bytes().all(|b| b.is_ascii_digit())
    });
    let month = parts
        .next()
        .and_then(|m| (m.len() <= 2).then(|| m.parse::<u8>().ok()).flatten());
    year && month.is_some_and(|m| (1..=12).contains(&m))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl From<&str> for Version {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Version {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl std::borrow::Borrow<str> for Version {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let cases = [
            ("1.42.0", VersionKind::SemVer),
            ("v3187", VersionKind::SemVer),
            ("1.10", VersionKind::SemVer),
            ("2.0.0-rc.1+7", VersionKind::SemVer),
            ("f3d0498", VersionKind::GitSha),
            (
                "547914854b06c8725dc609a872b5c62e2b935663",
                VersionKind::GitSha,
            ),
            ("abc123f-42", VersionKind::GitShaBuild),
            ("2026.08.1", VersionKind::CalVer),
            ("20260801", VersionKind::Number),
            ("1.0@sha256:9f3c", VersionKind::Digest),
            ("latest", VersionKind::Mutable),
            (">=1.0.0-alpha", VersionKind::Mutable),
            (">=1.0", VersionKind::Mutable),
            (">= 1.0", VersionKind::Mutable),
            ("<2", VersionKind::Mutable),
            ("~1", VersionKind::Mutable),
            ("~> 1.2", VersionKind::Mutable),
            ("^1", VersionKind::Mutable),
            ("=1.2", VersionKind::Mutable),
            ("!=1.2.3", VersionKind::Mutable),
            ("*", VersionKind::Mutable),
            ("x", VersionKind::Mutable),
            ("1.x", VersionKind::Mutable),
            ("1.X", VersionKind::Mutable),
            ("v1.2.x", VersionKind::Mutable),
            ("1.x.x", VersionKind::Mutable),
            ("1.*", VersionKind::Mutable),
            ("1.2.*", VersionKind::Mutable),
            ("1.0 - 1.4", VersionKind::Mutable),
            ("1.0||2.0", VersionKind::Mutable),
            (">=1.0,<2.0", VersionKind::Mutable),
            ("1.2.3-x", VersionKind::SemVer),
            ("linux2.x", VersionKind::Other),
            ("dev", VersionKind::Mutable),
            ("Production", VersionKind::Mutable),
            ("feature-login", VersionKind::Mutable),
            ("bookworm", VersionKind::Mutable),
            ("pr-12", VersionKind::Mutable),
            ("PR12", VersionKind::Mutable),
            ("mr_7", VersionKind::Mutable),
            ("pull-1234", VersionKind::Mutable),
            ("feature-JIRA-12", VersionKind::Mutable),
            ("renovate/node-18.x", VersionKind::Mutable),
            ("1.2-latest", VersionKind::Mutable),
            ("2.0.0-SNAPSHOT", VersionKind::Mutable),
            ("1.2.3-nightly", VersionKind::Mutable),
            ("pr-12-9f3c2ab", VersionKind::Other),
            ("pr-12-4", VersionKind::Other),
            ("feature-login-9f3c2ab", VersionKind::Other),
            ("1.2.3-nightly.20260801", VersionKind::SemVer),
            ("refs/tags/stable", VersionKind::Other),
            ("release-1.2", VersionKind::Other),
            ("hotfix-1.2.3", VersionKind::Other),
            ("v2", VersionKind::SemVer),
            ("build_12", VersionKind::Other),
            ("precise7", VersionKind::Other),
            ("1.2.3-rc.1", VersionKind::SemVer),
            ("prod", VersionKind::Mutable),
            ("w_2025_48", VersionKind::Other),
        ];
        for (text, kind) in cases {
            assert_eq!(Version::from(text).kind(&["prod"]), kind, "{text}");
        }
    }

    #[test]
    fn words_need_a_key_that_makes_them_versions() {
        let cases = [
            ("latest", true),
            ("main", true),
            ("refs/heads/topic", true),
            ("1.2.3", true),
            ("f3d0498", true),
            ("1.2-latest", true),
            ("DOCKER_TAG", false),
            ("production", false),
            ("feature-login", false),
            ("w_2025_48", false),
        ];
        for (text, expected) in cases {
            assert_eq!(Version::from(text).speaks_for_itself(), expected, "{text}");
        }
    }

    #[test]
    fn hashes_are_abbreviated_and_nothing_else_is() {
        let hash = "730810aef3d0498547914854b06c8725dc609a872b5c62e2b9356637b1a2c3d4";
        let cases = [
            (format!("sha256:{hash}"), "sha256:730810ae"),
            (format!("1.2@sha256:{hash}"), "1.2@730810ae"),
            (format!("@sha256:{hash}"), "@sha256:730810ae"),
            (hash[..40].to_owned(), "730810ae"),
            (format!("{}-42", &hash[..40]), "730810ae-42"),
            (format!("release-{}", &hash[..40]), "release-730810ae"),
            (format!("v2_{}", &hash[..40]), "v2_730810ae"),
            ("f3d0498".to_owned(), "f3d0498"),
            (
                "1.42.0-rc.1+build.20261121".to_owned(),
                "1.42.0-rc.1+build.20261121",
            ),
            ("20261121140211".to_owned(), "20261121140211"),
            ("übung-1".to_owned(), "übung-1"),
            (String::new(), ""),
        ];
        for (text, expected) in cases {
            assert_eq!(Version::from(text.as_str()).brief(), expected, "{text}");
        }
    }

    #[test]
    fn orders_semver_only() {
        let order = |a: &str, b: &str| Version::from(a).compare(&b.into());
        assert_eq!(order("v1.10", "1.9.3"), Some(Ordering::Greater));
        assert_eq!(order("1.0.0-rc.1", "1.0.0"), Some(Ordering::Less));
        assert_eq!(order("f3d0498", "a000000"), None);
        assert_eq!(order("1.9@sha256:ab", "1.10"), Some(Ordering::Less));
        assert_eq!(order("x", "x"), Some(Ordering::Equal));
        for (a, b) in [
            ("1.2.0", "1.2"),
            ("v1.2.3", "1.2.3"),
            ("1", "v1.0.0"),
            ("1.0.0+b9", "1.0.0+b10"),
            ("1.0.0", "1.0.0+b1"),
            ("1.0.0@sha256:ab", "1.0.0@sha256:cd"),
        ] {
            assert_eq!(order(a, b), None, "{a} {b}");
            assert_eq!(order(b, a), None, "{b} {a}");
        }
    }
}
