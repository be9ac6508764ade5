//! What the user's Git is configured to do with commits and tags.
//!
//! `git` is asked, not the library: it knows every place of a configuration (`git -c`, `includeIf.hasconfig:`).

use std::collections::BTreeMap;

use super::{Child, Repo, transport::reported};
use crate::domain::failure::{Failure, FailureKind};

/// Keys of Git's configuration that say how commits and tags are signed, and by whom.
const ASKED: &str = r"^(commit\.gpgsign|tag\.gpgsign|tag\.forcesignannotated|format\.signoff|gpg\..*|user\..*|committer\..*)$";

/// Those keys with the values that count.
#[derive(Clone, Debug, Default)]
pub(super) struct Configured(BTreeMap<String, String>);

impl Configured {
    /// Asks `git` of `repo`. Blocking.
    ///
    /// # Errors
    /// `Program` without `git`, and where it cannot read its configuration.
    pub(super) fn of(repo: &Repo) -> Result<Self, Failure> {
        let arguments = ["config", "--null", "--get-regexp", ASKED];
        let output = Child::new(repo, arguments).run_blocking()?;
        // 1: there is none of them.
        if !output.status.success() && output.status.code() != Some(1) {
            let said = reported(&output.stderr);
            let why = format!("cannot read Git's configuration: {said}");
            return Err(Failure::new(FailureKind::Program, why));
        }
        Ok(Self::read(&output.stdout))
    }

    fn read(text: &str) -> Self {
        let entries = text.split('\0').filter(|entry| !entry.is_empty());
        // The last one counts; a key without a value is a yes.
        let entries = entries.map(|entry| entry.split_once('\n').unwrap_or((entry, "true")));
        Self(
            entries
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// Whether a key is on.
    pub(super) fn is(&self, key: &str) -> bool {
        let value = self.0.get(key).map(|value| value.to_lowercase());
        value.is_some_and(|value| match value.as_str() {
            "true" | "yes" | "on" => true,
            number => number.parse::<i64>().is_ok_and(|number| number != 0),
        })
    }

    /// Whether commits are signed.
    pub(super) fn signs_commits(&self) -> bool {
        self.is("commit.gpgsign")
    }

    /// Whether annotated tags are.
    pub(super) fn signs_tags(&self) -> bool {
        self.is("tag.gpgsign") || self.is("tag.forcesignannotated")
    }

    /// `openpgp`, `ssh` or `x509`.
    pub(super) fn format(&self) -> &str {
        self.0.get("gpg.format").map_or("openpgp", String::as_str)
    }

    /// The key that says who signs, and the program that is run for that: the keys' names, and the program's where it is known.
    pub(super) fn program(&self) -> (&'static str, String) {
        let (key, default) = match self.format() {
            "ssh" => ("gpg.ssh.program", "ssh-keygen"),
            "x509" => ("gpg.x509.program", "gpgsm"),
            _ => ("gpg.program", "gpg"),
        };
        let named = match key {
            "gpg.program" => self.0.get("gpg.openpgp.program").or(self.0.get(key)),
            key => self.0.get(key),
        };
        (key, named.map_or(default, String::as_str).to_owned())
    }

    /// How a signer is chosen and run, and who: for a `git` that does not see this repository's configuration.
    pub(super) fn signing(&self) -> impl Iterator<Item = (&str, &str)> {
        let signing = |key: &&String| {
            ["gpg.", "user.", "committer."]
                .iter()
                .any(|section| key.starts_with(section))
        };
        let entries = self.0.iter().filter(move |(key, _)| signing(key));
        entries.map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_a_key_alone_is_a_yes() {
        let text = "commit.gpgsign\nfalse\0user.name\nJane\0commit.gpgsign\0tag.gpgsign\n0\0gpg.format\nssh\0";
        let read = Configured::read(text);
        assert!(read.signs_commits());
        assert!(!read.signs_tags());
        assert_eq!(read.format(), "ssh");
        assert_eq!(read.program(), ("gpg.ssh.program", "ssh-keygen".to_owned()));
        let signing: Vec<_> = read.signing().collect();
        assert_eq!(signing, [("gpg.format", "ssh"), ("user.name", "Jane")]);
    }

    #[test]
    fn what_git_takes_for_a_yes() {
        for (value, yes) in [
            ("true", true),
            ("Yes", true),
            ("on", true),
            ("1", true),
            ("2", true),
            ("0", false),
            ("off", false),
            ("", false),
            ("no", false),
        ] {
            let read = Configured::read(&format!("tag.forcesignannotated\n{value}\0"));
            assert_eq!(read.signs_tags(), yes, "{value}");
        }
    }
}
