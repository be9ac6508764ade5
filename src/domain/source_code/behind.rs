//! What stands behind a change of a version: what lies between the two in the source code, and what the new one was built of.

use std::fmt::Write as _;

use super::{Changelog, Evidence, number_beside};
use crate::domain::{
    history::CommitInfo, ids::CellKey, plan::PlannedChange, text::clip, version::Version,
};

/// From one version to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionStep {
    /// The cell that takes it.
    pub cell: CellKey,
    /// What it had; `None`: nothing.
    pub from: Option<Version>,
    /// What it gets.
    pub to: Version,
}

/// What is known of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// What lies between; `None`: it had no version before.
    pub changelog: Option<Result<Changelog, String>>,
    /// What it was built of; `None` where nobody is asked that.
    pub evidence: Option<Result<Evidence, String>>,
}

impl VersionStep {
    /// What a planned change is; `None` where it ends with no version.
    pub fn of(change: &PlannedChange) -> Option<Self> {
        Some(Self {
            cell: change.cell.clone(),
            from: change.from.clone(),
            to: change.to.clone()?,
        })
    }
}

impl Behind {
    /// Nothing could be found out.
    pub fn unknown(why: &str) -> Self {
        Self {
            changelog: None,
            evidence: Some(Err(why.to_owned())),
        }
    }

    /// Whether all of it is known: what is not may be asked for again.
    pub fn is_known(&self) -> bool {
        let told = self.changelog.as_ref().is_none_or(Result::is_ok);
        let built = |it: &Result<Evidence, String>| it.as_ref().is_ok_and(|it| it.checks.is_ok());
        told && self.evidence.as_ref().is_none_or(built)
    }

    /// What it was built of, in a sentence.
    fn built_of(&self) -> Option<String> {
        Some(match self.evidence.as_ref()? {
            Ok(evidence) => evidence.words(),
            Err(why) => format!("its commit is not known: {why}"),
        })
    }

    /// In lines for people, `most` commits at most: what was built of which commit, then what lies between.
    pub fn lines(&self, step: &VersionStep, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = self.built_of().into_iter().collect();
        match &self.changelog {
            None => {}
            Some(Err(why)) => lines.push(format!("what it brings is not known: {why}")),
            Some(Ok(found)) => {
                let amount = found.amount();
                lines.extend(Some(amount).filter(|amount| !amount.is_empty()));
                let (commits, left) = found.lines(most);
                lines.extend(commits);
                if let (1.., Some(from)) = (left, &step.from) {
                    let (service, to) = (&step.cell.service, &step.to);
                    lines.push(format!(
                        "and {left} more: tidegate changelog {service} {from}..{to}"
                    ));
                }
            }
        }
        lines
    }

    /// As a part of a pull request's body, in Markdown; `plain`: text of others as it may stand there.
    pub fn markdown(&self, step: &VersionStep, plain: impl Fn(&str) -> String) -> String {
        /// More of them nobody reads there.
        const MOST: usize = 50;
        /// No line needs more columns.
        const LONGEST: usize = 160;
        let mut text = String::new();
        let (service, to) = (&step.cell.service, &step.to);
        let words = self.built_of().map(|words| format!(": {words}"));
        let _ = writeln!(
            text,
            "{} {}{}",
            plain(service.as_str()),
            plain(to.as_str()),
            plain(&words.unwrap_or_default())
        );
        let found = match &self.changelog {
            None => return text,
            Some(Err(why)) => {
                let _ = writeln!(text, "\nWhat it brings is not known: {}", plain(why));
                return text;
            }
            Some(Ok(found)) => found,
        };
        let line = |entry: &CommitInfo| {
            let number = number_beside(entry);
            let words = format!("{}{number}, {}", entry.subject, entry.author);
            let words = clip(&words, LONGEST, "…");
            format!("- {} {}\n", entry.commit.short(), plain(&words))
        };
        let amount = found.amount();
        if !amount.is_empty() {
            let _ = writeln!(text, "\n{}:\n", plain(&amount));
        }
        text.extend(found.comes.iter().take(MOST).map(line));
        if !found.goes.is_empty() {
            text.push_str("\nTaken back:\n\n");
            text.extend(found.goes.iter().take(MOST).map(line));
        }
        if !found.told.is_empty() {
            // Only behind an empty line it is text as it is, and not the paragraph's.
            text.push('\n');
        }
        let told = found.told.iter().take(MOST);
        text.extend(told.map(|line| format!("    {}\n", clip(line, LONGEST, "…"))));
        let all = [&found.comes, &found.goes].map(Vec::len);
        if all.iter().any(|count| *count > MOST) || found.told.len() > MOST {
            text.push_str("\nand more\n");
        }
        if let Some(url) = &found.url {
            let _ = writeln!(text, "\n{url}");
        }
        text
    }
}
