//! What a version was built of: the commit of its source code, and what its checks said there.

use std::fmt;

use crate::domain::{
    ids::ObjectId,
    pull_request::{CheckState, Checks},
    text::count,
};

/// What is known of the commit that a version was built of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The commit.
    pub commit: ObjectId,
    /// What says that it is that one.
    pub by: SaidBy,
    /// What its checks say, or why that is not known.
    pub checks: Result<Checks, String>,
    /// Its page.
    pub url: Option<String>,
}

/// What says which commit a version was built of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// The label `org.opencontainers.image.revision` of its image.
    Label,
    /// A tag of the source code.
    Tag(String),
    /// The version itself: it has the beginning of the commit in it.
    Version,
}

impl fmt::Display for SaidBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label => f.write_str("its image's label"),
            Self::Tag(name) => write!(f, "the tag {name}"),
            Self::Version => f.write_str("its name"),
        }
    }
}

impl SaidBy {
    /// In JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Tag(_) => "tag",
            Self::Version => "version",
        }
    }
}

impl Evidence {
    /// Whether the checks of these names passed (all that are there, where none is named), with a sentence; `None`: that is not
    /// known yet, or not at all.
    pub fn judge(&self, names: &[String]) -> (Option<bool>, String) {
        let at = format!("commit {}, by {}", self.commit.short(), self.by);
        let checks = match &self.checks {
            Ok(checks) => checks,
            Err(why) => return (None, format!("{at}: its checks are not known: {why}")),
        };
        let not = not_passed(checks, names);
        let failed = not.iter().filter(|name| checks.failed.contains(name));
        let failed: Vec<&str> = failed.map(String::as_str).collect();
        if !failed.is_empty() {
            return (Some(false), format!("{at}: failed: {}", failed.join(", ")));
        }
        let pending: Vec<&str> = not.iter().map(String::as_str).collect();
        match (pending.is_empty(), checks.unknown) {
            (false, true) => (
                None,
                format!(
                    "{at}: not all checks can be seen, and not {}",
                    pending.join(", ")
                ),
            ),
            (false, false) => (
                Some(false),
                format!("{at}: not passed: {}", pending.join(", ")),
            ),
            (true, true) if names.is_empty() => (None, format!("{at}: not all checks can be seen")),
            (true, _) if names.is_empty() && checks.state() == CheckState::None => {
                (Some(false), format!("{at}: it has no checks"))
            }
            (true, _) if names.is_empty() => {
                let passed = count(checks.passed, "check");
                (Some(true), format!("{at}: {passed} passed"))
            }
            (true, _) => (Some(true), format!("{at}: {} passed", names.join(", "))),
        }
    }

    /// The same of all its checks, as a fact that nobody asked for: that it has none is no fault.
    pub fn words(&self) -> String {
        match &self.checks {
            Ok(checks) if checks.state() == CheckState::None => {
                format!(
                    "commit {}, by {}; it has no checks",
                    self.commit.short(),
                    self.by
                )
            }
            _ => self.judge(&[]).1,
        }
    }
}

/// Which of the checks of these names did not pass; of all that are there, where none is named. One that is named was to run.
fn not_passed(checks: &Checks, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        let not = checks.failed.iter().chain(&checks.pending);
        return not.cloned().collect();
    }
    let mut not = checks.not_passed(names);
    let skipped = names.iter().filter(|name| checks.skipped.contains(name));
    not.extend(skipped.cloned());
    not
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|it| (*it).to_owned()).collect()
    }

    fn evidence(checks: Result<Checks, String>) -> Evidence {
        Evidence {
            commit: ObjectId::new([0xab; 20]),
            by: SaidBy::Tag("v1.1.0".to_owned()),
            checks,
            url: None,
        }
    }

    #[test]
    fn checks_that_passed_are_told_apart_from_those_that_are_not_known() {
        let good = Checks {
            passed: 2,
            good: names(&["build", "e2e"]),
            ..Checks::default()
        };
        let with = |change: fn(&mut Checks)| {
            let mut checks = good.clone();
            change(&mut checks);
            Ok(checks)
        };
        type Case = (
            &'static str,
            Result<Checks, String>,
            &'static [&'static str],
            Option<bool>,
            &'static str,
        );
        let cases: [Case; 11] = [
            (
                "all",
                Ok(good.clone()),
                &[],
                Some(true),
                ": 2 checks passed",
            ),
            (
                "one by name",
                Ok(good.clone()),
                &["e2e"],
                Some(true),
                ": e2e passed",
            ),
            (
                "one that is not there",
                Ok(good.clone()),
                &["load"],
                Some(false),
                ": not passed: load",
            ),
            (
                "one failed",
                with(|it| it.failed = names(&["lint"])),
                &[],
                Some(false),
                ": failed: lint",
            ),
            (
                "another failed",
                with(|it| it.failed = names(&["lint"])),
                &["e2e"],
                Some(true),
                ": e2e passed",
            ),
            (
                "one has not ended",
                with(|it| it.pending = names(&["lint"])),
                &[],
                Some(false),
                ": not passed: lint",
            ),
            (
                "not all is seen",
                with(|it| it.unknown = true),
                &[],
                None,
                ": not all checks can be seen",
            ),
            (
                "one was not run",
                with(|it| it.skipped = names(&["e2e"])),
                &["e2e"],
                Some(false),
                ": not passed: e2e",
            ),
            (
                "one runs again",
                with(|it| it.pending = names(&["e2e"])),
                &["e2e"],
                Some(false),
                ": not passed: e2e",
            ),
            (
                "none",
                Ok(Checks::default()),
                &[],
                Some(false),
                ": it has no checks",
            ),
            (
                "not known",
                Err("the forge is away".to_owned()),
                &[],
                None,
                ": its checks are not known: the forge is away",
            ),
        ];
        for (case, checks, asked, passed, words) in cases {
            let (found, said) = evidence(checks).judge(&names(asked));
            assert_eq!(found, passed, "{case}");
            assert_eq!(
                said,
                format!("commit abababa, by the tag v1.1.0{words}"),
                "{case}"
            );
        }
        let none = evidence(Ok(Checks::default())).words();
        assert_eq!(none, "commit abababa, by the tag v1.1.0; it has no checks");
    }
}
