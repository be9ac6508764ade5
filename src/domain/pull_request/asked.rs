//! What environments ask of a pull request (`approvals` of `[environments.gates]`), and how much of that is there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Checks, PullRequest, few};
use crate::domain::{ids::EnvironmentName, text::count};

/// `approvals` of `[environments.gates]`: what an environment asks of the pull request that changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    /// So many people have to approve its newest commit, its author left out.
    pub need: u32,
    /// They are of these, `alice` or `@org/team`; empty: anybody.
    pub from: Vec<String>,
    /// Checks that have to pass, by name.
    pub checks: Vec<String>,
}

/// What an environment asks, held against a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The environment.
    pub environment: EnvironmentName,
    /// What it asks.
    pub asks: Asks,
    /// An approval that is not known to count does not count; else it does.
    pub unknown_holds: bool,
    /// Who approved it so that it counts.
    pub by: Vec<String>,
    /// Who approved it, and nobody says whether that counts.
    pub unsure: Vec<String>,
    /// Why that is so.
    pub why: Option<String>,
}

/// Who is of a team, by its name without `@`; or why that is not known.
pub type Members = BTreeMap<String, Result<Vec<String>, String>>;

/// `alice, bob or @org/oncall`.
fn either(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn plain(name: &str) -> &str {
    name.trim_start_matches('@')
}

/// Whether a name of `from` is a team's.
fn is_team(name: &str) -> bool {
    name.contains('/')
}

impl Asks {
    /// `2 approvals of @org/oncall`.
    fn approvals(&self, number: usize) -> String {
        let words = count(number, "approval");
        match either(&self.from).as_str() {
            "" => words,
            of => format!("{words} of {of}"),
        }
    }

    fn need(&self) -> usize {
        usize::try_from(self.need).unwrap_or(usize::MAX)
    }

    /// `2 approvals of @org/oncall, and smoke to pass`.
    pub fn words(&self) -> String {
        let checks = format!("{} to pass", self.checks.join(", "));
        match (self.need(), self.checks.is_empty()) {
            (need, true) => self.approvals(need),
            (0, false) => checks,
            (need, false) => format!("{}, and {checks}", self.approvals(need)),
        }
    }

    /// Whether somebody is named in person.
    fn names(&self, who: &str) -> bool {
        let mut people = self.from.iter().filter(|name| !is_team(name));
        self.from.is_empty() || people.any(|name| plain(name).eq_ignore_ascii_case(who))
    }

    /// Whether somebody counts; where that is not known, why.
    fn counts(&self, who: &str, members: &Members) -> Result<bool, String> {
        if self.names(who) {
            return Ok(true);
        }
        let mut not_known = None;
        for team in self.from.iter().filter(|name| is_team(name)) {
            match members.get(plain(team)) {
                Some(Ok(people)) if people.iter().any(|it| it.eq_ignore_ascii_case(who)) => {
                    return Ok(true);
                }
                Some(Ok(_)) => {}
                Some(Err(why)) => not_known = Some(format!("who is of {team}: {why}")),
                None => not_known = Some(format!("who is of {team}: nobody was asked")),
            }
        }
        not_known.map_or(Ok(false), Err)
    }
}

impl Asked {
    /// What an environment asks; nothing is held against it yet.
    pub fn new(environment: EnvironmentName, asks: Asks, unknown_holds: bool) -> Self {
        Self {
            environment,
            asks,
            unknown_holds,
            by: Vec::new(),
            unsure: Vec::new(),
            why: None,
        }
    }

    /// How many approvals are missing.
    pub fn missing(&self) -> usize {
        let unsure = if self.unknown_holds {
            0
        } else {
            self.unsure.len()
        };
        let missing = self.asks.need().saturating_sub(self.by.len());
        missing.saturating_sub(unsure)
    }

    /// `1 approval of @org/oncall`; `None` where none is missing.
    pub(super) fn waits(&self) -> Option<String> {
        let missing = self.missing();
        (missing > 0).then(|| self.asks.approvals(missing))
    }

    /// Whose approval nobody can say of whether it counts, where that makes a difference.
    pub(super) fn not_known(&self) -> Option<String> {
        let short = self.by.len() < self.asks.need();
        let why = self.why.as_deref().filter(|_| short)?;
        Some(format!(
            "whether the approval of {} counts is not known: {why}",
            few(&self.unsure)
        ))
    }

    /// What a merged one does not have, and what of it is not known.
    fn lacks(&self, checks: &Checks) -> (Vec<String>, Vec<String>) {
        let (environment, need) = (&self.environment, self.asks.need());
        let (mut lacks, mut not_known) = (Vec::new(), Vec::new());
        let missing = need.saturating_sub(self.by.len());
        let part = match missing {
            all if all == need => String::new(),
            some => format!("{some} of "),
        };
        let approvals = format!(
            "{part}the {} that {environment} asks for",
            self.asks.approvals(need)
        );
        if missing > self.unsure.len() {
            lacks.push(approvals);
        } else if missing > 0 {
            not_known.extend(self.not_known());
        }
        let left = checks.not_passed(&self.asks.checks);
        let (unseen, left): (Vec<String>, Vec<String>) = left.into_iter().partition(|name| {
            checks.unknown && !checks.failed.contains(name) && !checks.pending.contains(name)
        });
        if !left.is_empty() {
            lacks.push(format!(
                "a pass of {}, which {environment} asks for",
                left.join(", ")
            ));
        }
        if !unseen.is_empty() {
            not_known.push(format!("whether {} passed is not known", unseen.join(", ")));
        }
        (lacks, not_known)
    }
}

impl PullRequest {
    /// Whose approvals are of its newest commit.
    fn fresh(&self) -> impl Iterator<Item = &String> {
        let approvals = &self.approvals;
        let by = approvals.by.iter();
        by.filter(|who| !approvals.stale.contains(who))
    }

    /// Teams that have to be known to tell whether an approval counts, without `@`.
    pub fn teams_not_known(&self, asked: &[Asked]) -> BTreeSet<String> {
        let mut teams = BTreeSet::new();
        for Asked { asks, .. } in asked {
            let named = self.fresh().filter(|who| asks.names(who)).count();
            if named < asks.need() && named < self.fresh().count() {
                let of = asks.from.iter().filter(|name| is_team(name));
                teams.extend(of.map(|name| plain(name).to_owned()));
            }
        }
        teams
    }

    /// Holds what environments ask against it: only approvals of its newest commit count, by people of whom each environment
    /// wants them, and checks that have not begun are pending.
    pub fn weigh(&mut self, asked: &[Asked], members: &Members) {
        let mut all = asked.to_vec();
        for one in &mut all {
            for who in self.fresh() {
                let undated = self.approvals.undated.contains(who);
                match one.asks.counts(who, members) {
                    Ok(true) if undated => {
                        one.unsure.push(who.clone());
                        let why = "the forge does not say of which commit it is";
                        one.why = Some(why.to_owned());
                    }
                    Ok(true) => one.by.push(who.clone()),
                    Ok(false) => {}
                    Err(why) => {
                        one.unsure.push(who.clone());
                        one.why = Some(why);
                    }
                }
            }
            for name in &one.asks.checks {
                let checks = &mut self.checks;
                let seen = [&checks.good, &checks.failed, &checks.pending];
                let open = self.state == super::PullState::Open;
                if open && !seen.iter().any(|names| names.contains(name)) {
                    checks.pending.push(name.clone());
                }
            }
        }
        self.asked = all;
    }

    /// How many approvals are missing, by what its branch asks for and by what the environments do.
    pub(super) fn missing(&self) -> usize {
        let asked = self.asked.iter().map(Asked::missing);
        asked.max().unwrap_or(0).max(self.approvals.missing())
    }

    /// How many approvals it has and needs; where environments ask for some, only what counts is counted.
    pub fn have_and_need(&self) -> (usize, Option<u32>) {
        let asked = self.asked.iter().map(|it| it.asks.need).max();
        let Some(asked) = asked.filter(|need| *need > 0) else {
            return (self.approvals.have(), self.approvals.need);
        };
        let need = asked.max(self.approvals.need.unwrap_or(0));
        let all = usize::try_from(need).unwrap_or(usize::MAX);
        (all.saturating_sub(self.missing()), Some(need))
    }

    /// What it was merged without, behind `merged`: ` without the 2 approvals that prod asks for`. `None` where it has all.
    pub fn merged_without(&self) -> Option<String> {
        let (mut lacks, mut not_known) = (Vec::new(), Vec::new());
        for one in &self.asked {
            let (lack, unknown) = one.lacks(&self.checks);
            lacks.extend(lack);
            not_known.extend(unknown);
        }
        let mut words = String::new();
        if !lacks.is_empty() {
            words = format!(" without {}", lacks.join(" and "));
        }
        for unknown in not_known {
            words.push_str("; ");
            words.push_str(&unknown);
        }
        (!words.is_empty()).then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Approvals, PullState},
        *,
    };

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn asked(need: u32, from: &[&str], checks: &[&str]) -> Asked {
        let asks = Asks {
            need,
            from: names(from),
            checks: names(checks),
        };
        Asked::new("prod".into(), asks, true)
    }

    fn members() -> Members {
        let oncall = Ok(names(&["alice", "Bob"]));
        Members::from([
            ("org/oncall".to_owned(), oncall),
            ("org/hidden".to_owned(), Err("403".to_owned())),
        ])
    }

    /// Approved by these, of whom `stale` approved an earlier commit.
    fn request(by: &[&str], stale: &[&str]) -> PullRequest {
        PullRequest {
            number: 12,
            approvals: Approvals {
                by: names(by),
                stale: names(stale),
                need: Some(1),
                ..Approvals::default()
            },
            checks: Checks {
                good: names(&["lint"]),
                passed: 1,
                ..Checks::default()
            },
            ..PullRequest::default()
        }
    }

    #[test]
    fn only_what_an_environment_asks_for_counts() {
        const ONCALL: &[&str] = &["@org/oncall"];
        // (asked for, approved by, of an earlier commit, what it waits for, have and need)
        type Case<'a> = (Asked, &'a [&'a str], &'a [&'a str], &'a str, (usize, u32));
        let cases: [Case<'_>; 12] = [
            (
                asked(2, ONCALL, &["smoke"]),
                &[],
                &[],
                "2 approvals of @org/oncall, smoke",
                (0, 2),
            ),
            (
                asked(2, ONCALL, &["smoke"]),
                &["alice"],
                &[],
                "1 approval of @org/oncall, smoke",
                (1, 2),
            ),
            (
                asked(2, ONCALL, &[]),
                &["alice", "bob"],
                &[],
                "its merge",
                (2, 2),
            ),
            (
                asked(2, ONCALL, &["lint"]),
                &["alice", "carol"],
                &[],
                "1 approval of @org/oncall",
                (1, 2),
            ),
            (
                asked(2, ONCALL, &[]),
                &["alice", "bob"],
                &["bob"],
                "1 approval of @org/oncall (bob approved an earlier commit)",
                (1, 2),
            ),
            (
                asked(1, &["carol", "dan", "@org/oncall"], &[]),
                &["erin"],
                &[],
                "1 approval of carol, dan or @org/oncall",
                (0, 1),
            ),
            (
                asked(1, &["@Carol"], &[]),
                &["carol"],
                &[],
                "its merge",
                (1, 1),
            ),
            (asked(2, &[], &[]), &["erin"], &[], "1 approval", (1, 2)),
            (
                asked(2, &[], &[]),
                &["erin", "dan"],
                &[],
                "its merge",
                (2, 2),
            ),
            (
                asked(1, &["@org/hidden"], &[]),
                &["erin"],
                &[],
                "1 approval of @org/hidden (whether the approval of erin counts is not known: who is of @org/hidden: 403)",
                (0, 1),
            ),
            (
                asked(1, &["@org/hidden", "erin"], &[]),
                &["erin"],
                &[],
                "its merge",
                (1, 1),
            ),
            // The branch asks for one.
            (asked(0, &[], &["lint"]), &[], &[], "1 approval", (0, 1)),
        ];
        for (asked, by, stale, waits, (have, need)) in cases {
            let mut request = request(by, stale);
            request.weigh(&[asked], &members());
            assert_eq!(request.waits().as_deref(), Some(waits), "{by:?}");
            assert_eq!(request.have_and_need(), (have, Some(need)), "{waits}");
            assert_eq!(request.is_approved(), have >= need as usize, "{waits}");
        }
    }

    #[test]
    fn the_branch_may_ask_for_more() {
        let mut request = request(&["alice"], &[]);
        request.approvals.need = Some(3);
        request.weigh(&[asked(2, &["@org/oncall"], &[])], &members());
        let waits = request.waits();
        assert_eq!(
            waits.as_deref(),
            Some("2 approvals, 1 approval of @org/oncall")
        );
        assert_eq!(request.have_and_need(), (1, Some(3)));
    }

    #[test]
    fn what_is_not_known_counts_where_it_does_not_hold() {
        let mut lax = asked(1, &["@org/hidden"], &[]);
        lax.unknown_holds = false;
        let mut request = request(&["erin"], &[]);
        request.weigh(&[lax], &members());
        let waits = request.waits().unwrap();
        assert!(request.is_approved());
        assert!(waits.starts_with("its merge (whether the approval of erin counts"));
        // Of which commit it is, not every forge says.
        let mut undated = request.clone();
        undated.approvals.undated = names(&["erin"]);
        undated.weigh(&[asked(1, &["erin"], &[])], &members());
        assert!(!undated.is_approved());
    }

    #[test]
    fn only_teams_that_decide_are_asked_for() {
        let team = asked(2, &["erin", "@org/oncall"], &[]);
        for (by, expected) in [
            (&[][..], 0),
            (&["erin"], 0),
            (&["erin", "dan"], 1),
            (&["dan"], 1),
        ] {
            let teams = request(by, &[]).teams_not_known(std::slice::from_ref(&team));
            assert_eq!(teams.len(), expected, "{by:?}");
        }
    }

    #[test]
    fn a_merge_without_what_was_asked_for_is_told() {
        const ONCALL: &[&str] = &["@org/oncall"];
        let cases = [
            (
                asked(2, &[], &[]),
                &[][..],
                Some(" without the 2 approvals that prod asks for"),
            ),
            (
                asked(2, ONCALL, &[]),
                &["alice"],
                Some(" without 1 of the 2 approvals of @org/oncall that prod asks for"),
            ),
            (asked(2, ONCALL, &["lint"]), &["alice", "bob"], None),
            (
                asked(0, &[], &["smoke"]),
                &[],
                Some(" without a pass of smoke, which prod asks for"),
            ),
            (
                asked(1, &["@org/hidden"], &[]),
                &["erin"],
                Some(
                    "; whether the approval of erin counts is not known: who is of @org/hidden: 403",
                ),
            ),
        ];
        for (asked, by, expected) in cases {
            let mut request = request(by, &[]);
            request.state = PullState::Merged;
            request.weigh(&[asked], &members());
            assert_eq!(request.merged_without().as_deref(), expected);
            let told = format!("#12 is merged{}", expected.unwrap_or_default());
            assert_eq!(request.describe(), told);
        }
    }
}
