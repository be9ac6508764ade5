//! What gates say under a policy.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::DesiredCell,
    ids::ObjectId,
    policy::{Dependency, Eligible, Kind, Window},
    pull_request::Asks,
    rollout::{Connection, Health, LiveCell, Seen},
    version_range::VersionRange,
};

/// `prod` follows `staging`; both are used by Git alone.
struct Asked {
    policy: Policy,
    clusters: bool,
    protected: bool,
    intent: Intent,
    declared: Vec<(&'static str, &'static str, &'static str)>,
    planned: Vec<(&'static str, &'static str)>,
    health: Vec<(&'static str, Health)>,
    deliver: Deliver,
}

fn range(text: &str) -> VersionRange {
    VersionRange::parse(text).unwrap()
}

fn promote() -> Intent {
    Intent::Promote {
        from: "staging".into(),
    }
}

fn revert() -> Intent {
    Intent::Revert { to: None, at: None }
}

fn rules(id: &str, rule: Rule) -> GatePolicy {
    GatePolicy {
        rules: BTreeMap::from([(id.to_owned(), rule)]),
        ..GatePolicy::default()
    }
}

impl Asked {
    fn new(prod: GatePolicy) -> Self {
        Self {
            policy: Policy {
                environments: BTreeMap::from([("prod".into(), prod)]),
                ..Policy::default()
            },
            clusters: false,
            protected: false,
            intent: promote(),
            declared: vec![("web", "staging", "2.0.0"), ("web", "prod", "1.0.0")],
            planned: Vec::new(),
            health: Vec::new(),
            deliver: Deliver::Push,
        }
    }

    /// What `gate` says of `web` getting `to` in prod on a Saturday.
    fn says(&self, gate: &str, to: &str) -> Verdict {
        let mut verdicts = self.verdicts(to).into_iter();
        verdicts.find(|verdict| verdict.gate == gate).unwrap()
    }

    fn verdicts(&self, to: &str) -> Vec<Verdict> {
        let mut staging = Environment::plain("staging", &[]);
        let mut prod = Environment::plain("prod", &["staging"]);
        prod.protected = self.protected;
        if self.clusters {
            staging.cluster = Some("s".to_owned());
            prod.cluster = Some("p".to_owned());
        }
        let topology = Topology {
            environments: vec![staging, prod],
            policy: self.policy.clone(),
        };
        let cells = self.declared.iter().map(|(service, environment, version)| {
            let cell = DesiredCell {
                version: Some(Version::from(*version)),
                ..DesiredCell::default()
            };
            (CellKey::new(*service, *environment), cell)
        });
        let desired = Desired {
            commit: ObjectId::new([1; 20]),
            tips: Vec::new(),
            services: vec!["web".into()],
            environments: Vec::new(),
            cells: cells.collect(),
            problems: Vec::new(),
            vetoes: crate::domain::policy::veto::Vetoes::default(),
        };
        let planned = self.planned.iter();
        let planned = planned
            .map(|(service, version)| (CellKey::new(*service, "prod"), Version::from(*version)))
            .collect();
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let mut facts = Facts::default();
        for (environment, health) in &self.health {
            let live = LiveCell {
                health: *health,
                ..LiveCell::unknown("Deployment/web: 1 of 3 pods ready", now)
            };
            let seen = Seen {
                live: Some(live.into()),
                connection: Some(Connection::Live),
            };
            let cell = CellKey::new("web", *environment);
            facts.learn(
                Question::Running(cell),
                now,
                Answer::Running(Box::new(seen)),
            );
        }
        let (cell, to) = (CellKey::new("web", "prod"), Version::from(to));
        let change = Change {
            cell: &cell,
            intent: &self.intent,
            to: Some(&to),
            pins: None,
            desired: &desired,
            topology: &topology,
            planned: &planned,
            edits: &[],
            deliver: self.deliver,
        };
        judge(&change, &facts, now)
    }
}

#[test]
fn gates_that_nobody_configured_do_not_speak() {
    let asked = Asked::new(GatePolicy::default());
    let verdicts = asked.verdicts("2.0.0");
    let gates: Vec<&str> = verdicts.iter().map(|verdict| &*verdict.gate).collect();
    assert_eq!(
        gates,
        ["upstream", "ahead", "reverted", "immutable", "veto"]
    );
}

#[test]
fn a_level_says_how_much_a_no_weighs() {
    let level = |level| Rule {
        level: Some(level),
        ..Rule::default()
    };
    let reverts = Rule {
        reverts: true,
        ..Rule::default()
    };
    let cases = [
        (
            "by itself",
            "upstream",
            Rule::default(),
            promote(),
            "3.0.0",
            Outcome::Hold,
            Level::Hold,
        ),
        (
            "hard",
            "upstream",
            level(Level::Hard),
            promote(),
            "3.0.0",
            Outcome::Hold,
            Level::Hard,
        ),
        (
            "a word",
            "upstream",
            level(Level::Warn),
            promote(),
            "3.0.0",
            Outcome::Warn,
            Level::Warn,
        ),
        (
            "hard and good",
            "upstream",
            level(Level::Hard),
            promote(),
            "2.0.0",
            Outcome::Pass,
            Level::Hard,
        ),
        (
            "only said by itself",
            "immutable",
            Rule::default(),
            promote(),
            "latest",
            Outcome::Warn,
            Level::Warn,
        ),
        (
            "held though it is only said",
            "immutable",
            level(Level::Hold),
            promote(),
            "latest",
            Outcome::Hold,
            Level::Hold,
        ),
        (
            "hard, but back",
            "immutable",
            level(Level::Hard),
            revert(),
            "latest",
            Outcome::Warn,
            Level::Warn,
        ),
        (
            "back, judged too",
            "upstream",
            reverts,
            revert(),
            "3.0.0",
            Outcome::Hold,
            Level::Hold,
        ),
        (
            "back, by itself",
            "upstream",
            Rule::default(),
            revert(),
            "3.0.0",
            Outcome::Pass,
            Level::Hold,
        ),
    ];
    for (name, gate, rule, intent, to, outcome, level) in cases {
        let asked = Asked {
            intent,
            ..Asked::new(rules(gate, rule))
        };
        let said = asked.says(gate, to);
        assert_eq!((said.outcome, said.level), (outcome, level), "{name}");
    }
}

#[test]
fn what_is_not_known_weighs_as_the_policy_says() {
    let cases = [
        (None, true, Outcome::Hold),
        (None, false, Outcome::Unknown),
        (Some(true), false, Outcome::Hold),
        (Some(false), true, Outcome::Unknown),
    ];
    for (unknown_holds, protected, expected) in cases {
        let rule = Rule {
            unknown_holds,
            ..Rule::default()
        };
        for gate in ["upstream", "health"] {
            let asked = Asked {
                clusters: true,
                protected,
                ..Asked::new(rules(gate, rule))
            };
            let said = asked.says(gate, "2.0.0");
            assert_eq!(
                said.outcome, expected,
                "{gate} {unknown_holds:?} {protected}"
            );
            assert!(said.detail.starts_with(NOT_KNOWN), "{}", said.detail);
        }
    }
}

#[test]
fn only_eligible_versions_come() {
    let plain = range(">=1.0.0 <3");
    let cases = [
        ("in the range", Some(&plain), None, "2.0.0", Outcome::Pass),
        ("with a v", Some(&plain), None, "v2.0.0", Outcome::Pass),
        ("above it", Some(&plain), None, "3.1.0", Outcome::Hold),
        (
            "a pre-release",
            Some(&plain),
            None,
            "2.0.0-rc.1",
            Outcome::Hold,
        ),
        (
            "a pre-release that may",
            Some(&plain),
            Some(true),
            "2.0.0-rc.1",
            Outcome::Pass,
        ),
        (
            "a pre-release before it",
            Some(&plain),
            Some(true),
            "1.0.0-rc.1",
            Outcome::Hold,
        ),
        (
            "no version that has an order",
            Some(&plain),
            None,
            "a1b2c3d",
            Outcome::Hold,
        ),
        (
            "no pre-releases",
            None,
            Some(false),
            "2.0.0-rc.1",
            Outcome::Hold,
        ),
        ("any release", None, Some(false), "9.0.0", Outcome::Pass),
        (
            "a commit is no pre-release",
            None,
            Some(false),
            "a1b2c3d",
            Outcome::Pass,
        ),
    ];
    for (name, range, prerelease, to, expected) in cases {
        let eligible = Eligible {
            range: range.cloned(),
            prerelease,
        };
        let prod = GatePolicy {
            eligible: Some(eligible),
            ..GatePolicy::default()
        };
        assert_eq!(
            Asked::new(prod).says("eligible", to).outcome,
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_version_is_pinned_where_that_is_asked() {
    let prod = || GatePolicy {
        digest: true,
        ..rules("immutable", Rule::default())
    };
    let digest = format!("sha256:{}", "a".repeat(64));
    let cases = [
        ("2.0.0".to_owned(), Outcome::Hold),
        (digest.clone(), Outcome::Pass),
        (format!("2.0.0@{digest}"), Outcome::Pass),
    ];
    for (to, expected) in cases {
        let said = Asked::new(prod()).says("immutable", &to);
        assert_eq!(said.outcome, expected, "{to}: {}", said.detail);
    }
}

#[test]
fn nothing_broken_is_changed_but_what_goes_back() {
    let broken = |health| Asked {
        clusters: true,
        health,
        ..Asked::new(rules("health", Rule::default()))
    };
    let (good, bad) = (Health::Healthy, Health::Degraded);
    let cases = [
        (
            "both healthy",
            vec![("staging", good), ("prod", good)],
            Outcome::Pass,
        ),
        (
            "not there yet",
            vec![("staging", good), ("prod", Health::Missing)],
            Outcome::Pass,
        ),
        (
            "a broken upstream",
            vec![("staging", bad), ("prod", good)],
            Outcome::Hold,
        ),
        (
            "a broken target",
            vec![("staging", good), ("prod", bad)],
            Outcome::Hold,
        ),
        ("one broken, one silent", vec![("prod", bad)], Outcome::Hold),
        ("one silent", vec![("prod", good)], Outcome::Unknown),
    ];
    for (name, health, expected) in cases {
        assert_eq!(
            broken(health).says("health", "2.0.0").outcome,
            expected,
            "{name}"
        );
    }
    let back = Asked {
        intent: revert(),
        ..broken(vec![("prod", bad)])
    };
    assert_eq!(back.says("health", "1.0.0").outcome, Outcome::Warn);
}

#[test]
fn a_freeze_holds_what_goes_forward_until_it_ends() {
    let weekends = |intent| {
        let mut asked = Asked::new(GatePolicy::default());
        let day = Duration::from_hours(62);
        let window = Window::new("weekends", Kind::Deny, "0 16 * * FRI", day, "Europe/Berlin");
        asked.policy.windows = vec![window.unwrap()];
        asked.intent = intent;
        asked.says("window", "2.0.0")
    };
    let held = weekends(promote());
    assert_eq!(held.outcome, Outcome::Hold);
    assert_eq!(held.earliest, "2026-11-30T05:00:00Z".parse().ok());
    assert_eq!(
        held.detail,
        "the freeze `weekends` holds until Mon 2026-11-30 05:00 UTC"
    );
    let back = weekends(revert());
    assert_eq!((back.outcome, back.level), (Outcome::Warn, Level::Warn));
}

#[test]
fn what_a_service_needs_is_there_or_comes_with_it() {
    let needs = |declared: Option<&'static str>, planned: Option<&'static str>, intent: Intent| {
        let mut asked = Asked::new(GatePolicy::default());
        asked.intent = intent;
        asked.policy.dependencies = vec![Dependency {
            service: "web".into(),
            needs: "pay".into(),
            version: range(">=3.9"),
        }];
        let declared = declared.map(|version| ("pay", "prod", version));
        asked.declared.extend(declared);
        asked
            .planned
            .extend(planned.map(|version| ("pay", version)));
        asked.says("dependency", "2.0.0").outcome
    };
    let cases = [
        ("there", Some("4.0.0"), None, Outcome::Pass),
        ("too old", Some("3.8.1"), None, Outcome::Hold),
        ("comes with it", Some("3.8.1"), Some("3.9.0"), Outcome::Pass),
        (
            "goes away with it",
            Some("3.9.0"),
            Some("3.8.1"),
            Outcome::Hold,
        ),
        ("not there at all", None, None, Outcome::Hold),
        ("of no order", Some("a1b2c3d"), None, Outcome::Hold),
    ];
    for (name, declared, planned, expected) in cases {
        assert_eq!(needs(declared, planned, promote()), expected, "{name}");
    }
    // Going back, it goes first, while what it needs is there.
    let back = needs(Some("3.9.0"), Some("3.8.1"), revert());
    assert_eq!(back, Outcome::Pass);
}

#[test]
fn approvals_are_waited_for_at_a_pull_request_and_by_nothing_else() {
    let asks = |intent: Intent, deliver, level, reverts| {
        let rule = Rule {
            level,
            reverts,
            ..Rule::default()
        };
        let prod = GatePolicy {
            approvals: Some(Asks {
                need: 2,
                from: vec!["@org/oncall".to_owned()],
                checks: Vec::new(),
            }),
            ..rules("approvals", rule)
        };
        let asked = Asked {
            intent,
            deliver,
            ..Asked::new(prod)
        };
        asked.says("approvals", "2.0.0")
    };
    use Deliver::{Branch, PullRequest, Push};
    let (hard, warn) = (Some(Level::Hard), Some(Level::Warn));
    let cases = [
        ("a push", promote(), Push, None, false, Outcome::Hold),
        ("a branch", promote(), Branch, None, false, Outcome::Hold),
        (
            "a request",
            promote(),
            PullRequest,
            hard,
            false,
            Outcome::Pass,
        ),
        (
            "only told",
            promote(),
            PullRequest,
            warn,
            false,
            Outcome::Warn,
        ),
        (
            "only told of a push",
            promote(),
            Push,
            warn,
            false,
            Outcome::Warn,
        ),
        ("back", revert(), Push, hard, false, Outcome::Warn),
        (
            "back by a request",
            revert(),
            PullRequest,
            hard,
            false,
            Outcome::Warn,
        ),
        (
            "back, judged too",
            revert(),
            Push,
            None,
            true,
            Outcome::Hold,
        ),
        (
            "back, waited for",
            revert(),
            PullRequest,
            None,
            true,
            Outcome::Pass,
        ),
    ];
    for (name, intent, deliver, level, reverts, expected) in cases {
        let said = asks(intent, deliver, level, reverts);
        assert_eq!(said.outcome, expected, "{name}: {}", said.detail);
    }
    assert_eq!(
        asks(promote(), Push, None, false).detail,
        "prod asks for 2 approvals of @org/oncall, and a push has none: --deliver pull-request"
    );
    assert_eq!(
        asks(promote(), PullRequest, None, false).detail,
        "prod asks for 2 approvals of @org/oncall; the delivery waits for that at its pull request"
    );
}
