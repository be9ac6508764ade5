//! A change that somebody made, judged by policy: what of it is a finding, and where.
//!
//! The cells that differ between the two ends are judged by the gates, as if they were planned; what commits say, and what
//! else they change, is judged beside that.

use std::collections::BTreeSet;

use super::{
    gate::{self, NOT_KNOWN},
    hash,
    ids::{CellKey, RepoPath},
    plan::{Intent, Level, Outcome, Verdict},
};

mod mention;

pub use mention::{Mention, Words, overrides};

/// A cell moved, and no commit that moved it says so.
pub const UNMENTIONED: &str = "unmentioned";
/// A commit changes a version and something else.
pub const UNRELATED: &str = "unrelated-lines";
/// A file could be read before, and cannot be now.
pub const UNREADABLE: &str = "unreadable";
/// What came is above what its upstream declares.
pub const SKIPPED_UPSTREAM: &str = "skipped-upstream";

/// Rules that are no gates, with what they say.
pub const RULES: [(&str, &str); 4] = [
    (UNMENTIONED, "a cell moves that no commit message names"),
    (UNRELATED, "a commit changes a version and unrelated lines"),
    (UNREADABLE, "a file of versions cannot be read any more"),
    (
        SKIPPED_UPSTREAM,
        "an environment declares a version above that of its upstream",
    ),
];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A gate holds it, or a file is broken.
    Error,
    /// To be looked at.
    Warning,
}

impl Severity {
    /// The word of the command line's output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that policy says of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A gate's name, or one of [`RULES`].
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The cell, where it is about one.
    pub cell: Option<CellKey>,
    /// The file, as it is called at the head.
    pub path: Option<RepoPath>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// In a sentence.
    pub message: String,
}

impl Finding {
    /// The same for the same finding, wherever it stands in the file by now and however old what it rests on is.
    pub fn fingerprint(&self) -> String {
        let cell = self.cell.as_ref();
        let parts = [
            self.rule,
            cell.map_or("", |cell| cell.service.as_str()),
            cell.map_or("", |cell| cell.environment.as_str()),
            self.path.as_ref().map_or("", RepoPath::as_str),
        ];
        hash::of(parts.map(str::as_bytes))
    }
}

/// What the verdict on a cell that moved comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It passes.
    Passes,
    /// It is a finding.
    Found(Severity),
    /// It could not be judged: not green, and no finding either.
    NotJudged,
    /// It holds, and a commit says why it goes all the same.
    Overridden(String),
}

/// Weighs a verdict. `live`: clusters were asked, so that what is not known is not known in earnest; `reason` is what a commit
/// says that lifts this gate.
pub fn weigh(verdict: &Verdict, intent: &Intent, live: bool, reason: Option<&str>) -> Judged {
    let not_known = verdict.detail.starts_with(NOT_KNOWN);
    let revert = matches!(intent, Intent::Revert { .. });
    match verdict.outcome {
        Outcome::Pass => Judged::Passes,
        Outcome::Unknown => Judged::NotJudged,
        Outcome::Hold | Outcome::Warn if not_known && !live => Judged::NotJudged,
        Outcome::Hold if verdict.level != Level::Hard && reason.is_some() => {
            Judged::Overridden(reason.unwrap_or_default().to_owned())
        }
        Outcome::Hold => Judged::Found(Severity::Error),
        // Nothing must ever stop someone from going back.
        Outcome::Warn if revert => Judged::Passes,
        // That nothing tells what a target lacks is no fault of the change.
        Outcome::Warn if not_known => Judged::NotJudged,
        Outcome::Warn => Judged::Found(Severity::Warning),
    }
}

/// Every rule that there is, with what it says, in the order of the gates, then of [`RULES`].
pub fn rules() -> Vec<(&'static str, &'static str)> {
    let gates = gate::ALL.iter().map(|gate| (gate.id, gate.about));
    gates.chain(RULES).collect()
}

/// A gate's own name, for as long as the program runs.
pub fn rule_of(gate: &str) -> &'static str {
    let mut rules = rules().into_iter();
    rules
        .find(|(rule, _)| *rule == gate)
        .map_or("policy", |(rule, _)| rule)
}

/// Findings in the order in which they are told: by file and line, each once.
pub fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        let key = |it: &Finding| {
            (
                it.path.clone(),
                it.line,
                it.severity,
                it.rule,
                it.cell.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    let mut seen = BTreeSet::new();
    findings.retain(|it| seen.insert((it.rule, it.cell.clone(), it.path.clone(), it.line)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verdicts_come_to() {
        use Judged::{Found, NotJudged, Passes};
        let set = Intent::Set {
            version: "2".into(),
        };
        let back = Intent::Revert { to: None, at: None };
        let verdict = |gate: &str, level, outcome, detail: &str| Verdict {
            level,
            ..Verdict::beside(gate, outcome, detail)
        };
        const LATER: &str = "not known: its cluster was not asked";
        let cases = [
            (
                "upstream",
                Level::Hold,
                Outcome::Pass,
                "",
                &set,
                false,
                None,
                Passes,
            ),
            (
                "upstream",
                Level::Hold,
                Outcome::Hold,
                "no",
                &set,
                false,
                None,
                Found(Severity::Error),
            ),
            (
                "upstream",
                Level::Hold,
                Outcome::Hold,
                LATER,
                &set,
                false,
                None,
                NotJudged,
            ),
            (
                "upstream",
                Level::Hold,
                Outcome::Hold,
                LATER,
                &set,
                true,
                None,
                Found(Severity::Error),
            ),
            (
                "upstream",
                Level::Hold,
                Outcome::Unknown,
                LATER,
                &set,
                true,
                None,
                NotJudged,
            ),
            (
                "immutable",
                Level::Warn,
                Outcome::Warn,
                "mutable",
                &set,
                false,
                None,
                Found(Severity::Warning),
            ),
            (
                "window",
                Level::Warn,
                Outcome::Warn,
                "closed",
                &back,
                false,
                None,
                Passes,
            ),
            (
                "veto",
                Level::Hold,
                Outcome::Hold,
                "bad",
                &back,
                false,
                None,
                Found(Severity::Error),
            ),
            (
                "ahead",
                Level::Hold,
                Outcome::Warn,
                "not known: whether it lacks a fix",
                &set,
                false,
                None,
                NotJudged,
            ),
            (
                "ahead",
                Level::Warn,
                Outcome::Warn,
                "prod declares 3, which is newer",
                &set,
                false,
                None,
                Found(Severity::Warning),
            ),
            (
                "window",
                Level::Hold,
                Outcome::Hold,
                "closed",
                &set,
                false,
                Some("fire"),
                Judged::Overridden("fire".into()),
            ),
            (
                "window",
                Level::Hard,
                Outcome::Hold,
                "closed",
                &set,
                false,
                Some("fire"),
                Found(Severity::Error),
            ),
        ];
        for (gate, level, outcome, detail, intent, live, reason, expected) in cases {
            let verdict = verdict(gate, level, outcome, detail);
            assert_eq!(
                weigh(&verdict, intent, live, reason),
                expected,
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn a_fingerprint_stays_where_lines_and_ages_move() {
        let finding = Finding {
            rule: "window",
            severity: Severity::Error,
            cell: Some(CellKey::new("web", "prod")),
            path: Some("prod/web.yaml".into()),
            line: Some(3),
            message: "closed for 3 h".to_owned(),
        };
        let later = Finding {
            line: Some(9),
            message: "closed for 2 h".to_owned(),
            ..finding.clone()
        };
        assert_eq!(finding.fingerprint(), later.fingerprint());
        let other = Finding {
            rule: "veto",
            ..finding.clone()
        };
        assert_ne!(finding.fingerprint(), other.fingerprint());
        let all = in_order(vec![later.clone(), finding.clone(), finding.clone()]);
        assert_eq!(all, [finding, later]);
    }
}
