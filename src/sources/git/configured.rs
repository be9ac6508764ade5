//! What the user's Git is configured to do with commits and tags.
//!
//! `git` is asked, not the library: it knows every place of a configuration (`git -c`, `includeIf.hasconfig:`).

use std::collections::BTreeMap;

use super::{Child, Repo, transport::reported};
use crate::domain::{
    failure::{Failure, FailureKind},
    text::sanitise,
};

/// Keys of Git's configuration that say how commits and tags are signed, and by whom.
const ASKED: &str = r"^(commit\.gpgsign|tag\.gpgsign|tag\.forcesignannotated|format\.signoff|gpg\..*|user\..*|committer\..*)$";

/// Those of them that say yes or no.
const SWITCHES: [&str; 4] = [
    "commit.gpgsign",
    "tag.gpgsign",
    "tag.forcesignannotated",
    "format.signoff",
];

/// Those keys with the values that count.
#[derive(Clone, Debug, Default)]
pub(super) struct Configured {
    values: BTreeMap<String, String>,
    /// What is on and what is off; why that cannot be told.
    switches: BTreeMap<&'static str, Result<bool, Failure>>,
}

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
        let values = read(&output.stdout);
        let mut switches = BTreeMap::new();
        for key in SWITCHES {
            let Some(value) = values.get(key) else {
                continue;
            };
            let is_on = match value.as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                // There are more ways to say it (`on`, `1k`) than are known here.
                _ => asked(repo, key, value)?,
            };
            switches.insert(key, is_on);
        }
        Ok(Self { values, switches })
    }

    /// Whether a key is on.
    ///
    /// # Errors
    /// `Refused` where its value is neither yes nor no.
    pub(super) fn is(&self, key: &str) -> Result<bool, Failure> {
        self.switches.get(key).cloned().unwrap_or(Ok(false))
    }

    /// Whether commits are signed.
    ///
    /// # Errors
    /// As [`Configured::is`].
    pub(super) fn signs_commits(&self) -> Result<bool, Failure> {
        self.is("commit.gpgsign")
    }

    /// Whether annotated tags are.
    ///
    /// # Errors
    /// As [`Configured::is`].
    pub(super) fn signs_tags(&self) -> Result<bool, Failure> {
        Ok(self.is("tag.gpgsign")? || self.is("tag.forcesignannotated")?)
    }

    /// `openpgp`, `ssh` or `x509`.
    pub(super) fn format(&self) -> &str {
        self.values
            .get("gpg.format")
            .map_or("openpgp", String::as_str)
    }

    /// The key that says who signs, and the program that is run for that: the keys' names, and the program's where it is known.
    pub(super) fn program(&self) -> (&'static str, String) {
        let (key, default) = match self.format() {
            "ssh" => ("gpg.ssh.program", "ssh-keygen"),
            "x509" => ("gpg.x509.program", "gpgsm"),
            _ => ("gpg.program", "gpg"),
        };
        let named = match key {
            "gpg.program" => self
                .values
                .get("gpg.openpgp.program")
                .or(self.values.get(key)),
            key => self.values.get(key),
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
        let entries = self.values.iter().filter(move |(key, _)| signing(key));
        entries.map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Whether a key with an unusual value is on, as Git takes it.
///
/// # Errors
/// `Program` without `git`.
fn asked(repo: &Repo, key: &str, value: &str) -> Result<Result<bool, Failure>, Failure> {
    let arguments = ["config", "--type=bool", "--get", key];
    let output = Child::new(repo, arguments).run_blocking()?;
    Ok(match (output.status.success(), output.stdout.trim()) {
        (true, "true") => Ok(true),
        (true, "false") => Ok(false),
        _ => Err(Failure::new(
            FailureKind::Refused,
            format!(
                "Git's configuration has {key} = {}, which is neither yes nor no",
                sanitise(value)
            ),
        )
        .hint(format!(
            "Write true or false there (git config --show-origin {key} says where it is); no commit is made before"
        ))),
    })
}

fn read(text: &str) -> BTreeMap<String, String> {
    let entries = text.split('\0').filter(|entry| !entry.is_empty());
    // The last one counts; a key without a value is a yes.
    let entries = entries.map(|entry| entry.split_once('\n').unwrap_or((entry, "true")));
    entries
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::support::{Scratch, git, open},
        *,
    };

    #[test]
    fn the_last_value_counts_and_a_key_alone_is_a_yes() {
        let text = "commit.gpgsign\nfalse\0user.name\nJane\0commit.gpgsign\0gpg.format\nssh\0";
        let read = Configured {
            values: read(text),
            ..Configured::default()
        };
        assert_eq!(read.values["commit.gpgsign"], "true");
        assert_eq!(read.format(), "ssh");
        assert_eq!(read.program(), ("gpg.ssh.program", "ssh-keygen".to_owned()));
        let signing: Vec<_> = read.signing().collect();
        assert_eq!(signing, [("gpg.format", "ssh"), ("user.name", "Jane")]);
    }

    #[test]
    fn what_git_takes_for_a_yes() {
        let scratch = Scratch::new();
        let path = scratch.init("one");
        let set = |key: &str, value: &str| git(&path, &["config", key, value]);
        set("tag.forceSignAnnotated", "no");
        let repo = open(&path);
        for (value, yes) in [
            ("true", Some(true)),
            ("Yes", Some(true)),
            ("on", Some(true)),
            ("1", Some(true)),
            ("-1", Some(true)),
            ("1k", Some(true)),
            ("0x10", Some(true)),
            ("0", Some(false)),
            ("0k", Some(false)),
            ("off", Some(false)),
            ("", Some(false)),
            ("no", Some(false)),
            ("ture", None),
            ("1 k", None),
        ] {
            set("tag.gpgSign", value);
            let configured = Configured::of(&repo).unwrap();
            assert_eq!(configured.signs_tags().ok(), yes, "{value}");
            // What is not asked about stops nothing.
            assert!(!configured.signs_commits().unwrap());
        }
        let said = Configured::of(&repo).unwrap().signs_tags().unwrap_err();
        assert!(said.why.contains("tag.gpgsign = 1 k"), "{said}");
    }
}
