//! What a row's value is a version of, and so whether pods can show it.
//!
//! Pods carry images: a row that is an image's tag or digest is compared with what runs. A chart's version, a Git ref or
//! a setting is seen in no pod, and what was never visible must neither hold a promotion nor turn green.

use serde::{Deserialize, Serialize};

use super::version::Version;

/// What a row's value is a version of, as its layout tells ([`crate::domain::layout`] has the rule).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An image: the value is its tag, digest or both.
    #[default]
    Image,
    /// The layout does not tell: compared only where some container's tag could be it.
    Unsure,
    /// A chart.
    Chart,
    /// A branch, tag or commit in Git.
    Git,
    /// An Argo CD `targetRevision`: a Git ref, or a chart's version.
    Revision,
    /// Nothing that is built: a flag, a number of replicas.
    Setting,
}

impl Subject {
    /// Pods never show such a value, whatever runs.
    pub fn is_hidden(self) -> bool {
        !matches!(self, Self::Image | Self::Unsure)
    }

    /// A digest can pin it.
    pub fn may_have_digest(self) -> bool {
        matches!(self, Self::Image | Self::Unsure)
    }

    /// What it is, for a sentence: `a chart version`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Unsure => "a value that no container carries",
            Self::Chart => "a chart version",
            Self::Git => "a Git ref",
            Self::Revision => "a Git or chart revision",
            Self::Setting => "a setting",
        }
    }
}

/// Whether a container that runs `running` could run `declared` instead: both look alike.
pub fn could_be(declared: &Version, running: &Version) -> bool {
    let tag = |version: &Version| {
        let text = version.as_str();
        match text.split_once('@') {
            Some((tag, _)) if !tag.is_empty() => tag.into(),
            _ => version.clone(),
        }
    };
    let (declared, running) = (tag(declared), tag(running));
    let digits = |version: &Version| version.as_str().bytes().all(|b| b.is_ascii_digit());
    let alike = digits(&declared) == digits(&running);
    declared == running || (alike && declared.kind(&[]) == running.kind(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_container_could_run_looks_like_what_it_runs() {
        let cases = [
            ("1.2.3", "1.2.0", true),
            ("1.2.3", "1.2.0@sha256:aa", true),
            ("sha256:bb", "sha256:aa", true),
            ("true", "1.2.0", false),
            ("20", "9f3c2ab", false),
            ("3", "1.2.0", false),
            ("412", "411", true),
            ("9f3c2ab", "77e01fa", true),
            ("9f3c2ab", "1.2.0", false),
            ("main", "latest", true),
        ];
        for (declared, running, expected) in cases {
            let found = could_be(&declared.into(), &running.into());
            assert_eq!(found, expected, "{declared} {running}");
        }
    }
}
