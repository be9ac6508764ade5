//! A pull request as its forge tells it (GitLab calls it a merge request), and what it waits for.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{desired::RefName, ids::ObjectId, text::count, version::Version};

mod asked;
mod draft;
mod guard;
mod merging;

pub use asked::{Asked, Asks, Members};
pub use draft::{Beside, Draft, Settings, Urgent, approvers, draft};
pub use guard::Guard;
pub use merging::{ForMerge, MergeBy, RequestDeed};

/// A pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Who opened it.
    pub author: String,
    /// The branch that it would merge.
    pub branch: String,
    /// The branch that it goes into.
    #[serde(default)]
    pub base: String,
    /// The branch's commit.
    pub head: Option<ObjectId>,
    /// How it stands.
    pub state: PullState,
    /// It is marked as not ready.
    pub draft: bool,
    /// It cannot be merged as it is.
    pub conflicts: bool,
    /// Whether the forge says that it has all that it requires itself; `None`: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<bool>,
    /// Whether the forge merges it by itself once it has that; `None`: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<bool>,
    /// What becomes of it once it has what it waits for, or what else keeps it from being merged; `None`: somebody merges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
    /// Who approved it, and how many have to.
    pub approvals: Approvals,
    /// Its checks.
    pub checks: Checks,
    /// What the environments that it changes ask of it, and how much of that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// What the branch that it goes to has, once it is merged; `None` before, and where that is not known.
    pub merged: Option<ObjectId>,
}

/// How a pull request stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullState {
    /// It waits.
    #[default]
    Open,
    /// It is merged.
    Merged,
    /// It was closed and not merged.
    Closed,
}

/// Who approved a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// People who approve it as their last word, its author left out.
    pub by: Vec<String>,
    /// Of these, the ones who approved an earlier commit than its newest.
    pub stale: Vec<String>,
    /// Of these, the ones of whom the forge does not say which commit they approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undated: Vec<String>,
    /// People who asked for changes as their last word.
    pub against: Vec<String>,
    /// How many the branch asks for; `None`: this identity may not know.
    pub need: Option<u32>,
}

/// What the checks of a pull request's newest commit say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Names of those that failed.
    pub failed: Vec<String>,
    /// Names of those that have not ended, or that are required and have not begun.
    pub pending: Vec<String>,
    /// How many passed.
    pub passed: usize,
    /// Names of those that passed, as far as they have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good: Vec<String>,
    /// Of those that passed, names of those that were not run: their forge counts them as passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Not all that there is could be seen: what is known is not all.
    #[serde(default)]
    pub unknown: bool,
}

/// All checks in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// All passed.
    Pass,
    /// Some have not ended.
    Pending,
    /// Some failed.
    Fail,
    /// There are none.
    None,
    /// What is known is good, and not all is known.
    Unknown,
}

/// A version that an open pull request would bring into a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The version.
    pub version: Version,
    /// The number of the pull request.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Who opened it.
    pub author: String,
    /// The branch that it would merge.
    pub branch: String,
    /// The ref that it goes into.
    pub into: RefName,
    /// Its newest commit, where its forge tells.
    pub head: Option<ObjectId>,
    /// What it waits for: `1 approval`; `None`: that is not known.
    pub waits: Option<String>,
}

impl Proposal {
    /// `+ 1.43.0 #812 waits for 1 approval`.
    pub fn words(&self) -> String {
        let (version, number) = (&self.version, self.number);
        match &self.waits {
            Some(waits) => format!("+ {version} #{number} waits for {waits}"),
            None => format!("+ {version} #{number}"),
        }
    }
}

impl PullState {
    /// In JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        }
    }
}

impl Approvals {
    /// How many approve it.
    pub fn have(&self) -> usize {
        self.by.len()
    }

    /// How many are missing.
    pub fn missing(&self) -> usize {
        let need = usize::try_from(self.need.unwrap_or(0)).unwrap_or(usize::MAX);
        need.saturating_sub(self.have())
    }
}

impl CheckState {
    /// In JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            // What cannot be seen is waited for.
            Self::Pending | Self::Unknown => "pending",
            Self::Fail => "fail",
            Self::None => "none",
        }
    }
}

impl Checks {
    /// One that its forge counts as passed; `ran`: it was run.
    pub fn pass(&mut self, name: String, ran: bool) {
        if !ran {
            self.skipped.push(name.clone());
        }
        self.good.push(name);
    }

    /// Of these, those that have not passed, as far as is known.
    pub fn not_passed(&self, names: &[String]) -> Vec<String> {
        let passed = |name: &&String| {
            self.good.contains(name) && !self.failed.contains(name) && !self.pending.contains(name)
        };
        names.iter().filter(|name| !passed(name)).cloned().collect()
    }

    /// All of them in a word.
    pub fn state(&self) -> CheckState {
        match self {
            _ if !self.failed.is_empty() => CheckState::Fail,
            _ if !self.pending.is_empty() => CheckState::Pending,
            _ if self.unknown => CheckState::Unknown,
            _ if self.passed > 0 => CheckState::Pass,
            _ => CheckState::None,
        }
    }
}

/// What one waits for that has everything else.
const ITS_MERGE: &str = "its merge";

/// No more names than these are written out.
const FEW: usize = 3;

fn few(names: &[String]) -> String {
    match names.len() {
        0..=FEW => names.join(", "),
        all => format!("{} and {} more", names[..FEW].join(", "), all - FEW),
    }
}

impl PullRequest {
    /// Everybody who has to has approved it, and nobody asks for changes.
    pub fn is_approved(&self) -> bool {
        self.missing() == 0 && self.approvals.against.is_empty() && !self.draft
    }

    /// What it waits for, behind `waits for`; `None` where it waits for nothing any more.
    pub fn waits(&self) -> Option<String> {
        if self.state != PullState::Open {
            return None;
        }
        let mut waits = Vec::new();
        if self.draft {
            waits.push("being marked as ready".to_owned());
        }
        let Approvals { against, stale, .. } = &self.approvals;
        if !against.is_empty() {
            waits.push(format!("the changes that {} asked for", few(against)));
        }
        // What the branch asks for beyond what environments do.
        let missing = self.approvals.missing();
        if missing > self.asked.iter().map(Asked::missing).max().unwrap_or(0) {
            waits.push(count(missing, "approval"));
        }
        waits.extend(self.asked.iter().filter_map(Asked::waits));
        match self.checks.state() {
            CheckState::Fail => {
                let failed = &self.checks.failed;
                waits.push(format!("{} to pass, which failed", few(failed)));
            }
            CheckState::Pending => waits.push(few(&self.checks.pending)),
            CheckState::Unknown => waits.push("its checks, which cannot be seen".to_owned()),
            CheckState::Pass | CheckState::None => {}
        }
        if self.conflicts {
            waits.push("its conflicts to be resolved".to_owned());
        }
        if waits.is_empty() {
            waits.push(ITS_MERGE.to_owned());
        }
        let mut words = waits.join(", ");
        if !stale.is_empty() {
            let _ = write!(words, " ({} approved an earlier commit)", few(stale));
        }
        for why in self.asked.iter().filter_map(Asked::not_known) {
            let _ = write!(words, " ({why})");
        }
        Some(words)
    }

    /// `#12 waits for 1 approval`, `#12 is merged`, `#12 is merged without the 2 approvals that prod asks for`.
    pub fn describe(&self) -> String {
        match (self.state, self.waits()) {
            (PullState::Merged, _) => {
                let without = self.merged_without().unwrap_or_default();
                format!("#{} is merged{without}", self.number)
            }
            (PullState::Closed, _) => {
                format!("#{} was closed without a merge", self.number)
            }
            (PullState::Open, waits) => {
                let mut words = format!("#{} waits for {}", self.number, waits.unwrap_or_default());
                if let Some(then) = &self.then {
                    let _ = write!(words, "; {then}");
                }
                words
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_it_waits_for() {
        let open = |change: &dyn Fn(&mut PullRequest)| {
            let mut request = PullRequest {
                number: 12,
                ..PullRequest::default()
            };
            request.approvals.need = Some(0);
            change(&mut request);
            request.describe()
        };
        type Case<'a> = (&'a dyn Fn(&mut PullRequest), &'a str);
        let cases: [Case<'_>; 12] = [
            (&|_| (), "#12 waits for its merge"),
            (
                &|it| {
                    it.approvals.need = Some(1);
                    it.then = Some("it is merged then".to_owned());
                },
                "#12 waits for 1 approval; it is merged then",
            ),
            (&|it| it.approvals.need = None, "#12 waits for its merge"),
            (
                &|it| it.approvals.need = Some(1),
                "#12 waits for 1 approval",
            ),
            (
                &|it| {
                    it.approvals.need = Some(2);
                    it.approvals.by = names(&["alice"]);
                    it.checks.pending = names(&["smoke"]);
                },
                "#12 waits for 1 approval, smoke",
            ),
            (
                &|it| {
                    it.approvals.by = names(&["alice"]);
                    it.approvals.stale = names(&["alice"]);
                },
                "#12 waits for its merge (alice approved an earlier commit)",
            ),
            (
                &|it| it.approvals.against = names(&["bob"]),
                "#12 waits for the changes that bob asked for",
            ),
            (
                &|it| it.checks.failed = names(&["a", "b", "c", "d"]),
                "#12 waits for a, b, c and 1 more to pass, which failed",
            ),
            (
                &|it| {
                    it.draft = true;
                    it.conflicts = true;
                },
                "#12 waits for being marked as ready, its conflicts to be resolved",
            ),
            (
                &|it| {
                    it.checks = Checks {
                        passed: 1,
                        unknown: true,
                        ..Checks::default()
                    }
                },
                "#12 waits for its checks, which cannot be seen",
            ),
            (&|it| it.state = PullState::Merged, "#12 is merged"),
            (
                &|it| it.state = PullState::Closed,
                "#12 was closed without a merge",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(open(change), expected);
        }
    }
}
