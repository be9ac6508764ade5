//! What `soak` and `together` say: of what was healthy upstream, by whom, and for how long.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::DesiredCell,
    ids::ObjectId,
    past_health::{Kept, PastHealth, Source, Stretch},
    rollout::{Connection, Health, LiveCell, Seen},
    subject::Subject,
    topology::Require,
};

/// Hours before noon of a Saturday; negative: after.
fn ago(hours: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
    noon - jiff::SignedDuration::from_hours(hours)
}

/// A version, from how many hours ago to how many; `by` whom, and whether its beginning was not seen.
type Was = (&'static str, i64, i64, Source, bool);

/// `prod` follows `staging` and `qa`; `web` and `pay` get 2.0.0.
struct Asked {
    soak: Option<u64>,
    together: Option<u64>,
    rule: Rule,
    require: Require,
    protected: bool,
    clusters: bool,
    intent: Intent,
    subject: Subject,
    services: Vec<&'static str>,
    /// By service and environment.
    past: Vec<(&'static str, &'static str, Vec<Was>)>,
    lost: bool,
}

impl Asked {
    fn new(past: Vec<(&'static str, &'static str, Vec<Was>)>) -> Self {
        Self {
            soak: Some(24),
            together: None,
            rule: Rule::default(),
            require: Require::Any,
            protected: true,
            clusters: true,
            intent: Intent::Promote {
                from: "staging".into(),
            },
            subject: Subject::Image,
            services: vec!["web"],
            past,
            lost: false,
        }
    }

    fn says(&self, gate: &str) -> Verdict {
        let of = |name: &str, from: &[&str]| {
            let mut environment = Environment::plain(name, from);
            environment.cluster = self.clusters.then(|| name.to_owned());
            environment
        };
        let mut prod = of("prod", &["staging", "qa"]);
        (prod.protected, prod.require) = (self.protected, self.require);
        let hours = |hours: Option<u64>| hours.map(|hours| Duration::from_secs(hours * 3600));
        let policy = GatePolicy {
            soak: hours(self.soak),
            together: hours(self.together),
            rules: [(gate.to_owned(), self.rule)].into(),
            ..GatePolicy::default()
        };
        let topology = Topology {
            environments: vec![of("staging", &[]), of("qa", &[]), prod],
            policy: Policy {
                environments: [("prod".into(), policy)].into(),
                ..Policy::default()
            },
        };
        let cell = || DesiredCell {
            version: Some("2.0.0".into()),
            subject: self.subject,
            ..DesiredCell::default()
        };
        let services = ["web", "pay"].iter();
        let cells = services.flat_map(|service| {
            ["staging", "qa"].map(|name| (CellKey::new(*service, name), cell()))
        });
        let desired = Desired {
            commit: ObjectId::new([1; 20]),
            tips: Vec::new(),
            services: vec!["web".into(), "pay".into()],
            environments: Vec::new(),
            cells: cells.collect(),
            problems: Vec::new(),
            vetoes: crate::domain::policy::veto::Vetoes::default(),
        };
        let planned = self.services.iter();
        let planned: Planned = planned
            .map(|service| (CellKey::new(*service, "prod"), "2.0.0".into()))
            .collect();
        let facts = self.facts();
        let (cell, to) = (CellKey::new("web", "prod"), Version::from("2.0.0"));
        let change = Change {
            cell: &cell,
            intent: &self.intent,
            to: Some(&to),
            pins: None,
            desired: &desired,
            topology: &topology,
            planned: &planned,
            edits: &[],
            deliver: Deliver::Push,
        };
        let mut verdicts = judge(&change, &facts, ago(0)).into_iter();
        verdicts.find(|verdict| verdict.gate == gate).unwrap()
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for (service, environment, stretches) in &self.past {
            let cell = CellKey::new(*service, *environment);
            let live = LiveCell {
                health: Health::Healthy,
                ..LiveCell::unknown("", ago(0))
            };
            let lost = Connection::Lost {
                reason: "no route to host".to_owned(),
                since: ago(1),
                next_try: None,
            };
            let seen = Seen {
                live: Some(live.into()).filter(|_| !self.lost),
                connection: Some(if self.lost { lost } else { Connection::Live }),
            };
            let kept = Kept {
                since: Some(ago(50)),
                ..Kept::default()
            };
            let mut past = PastHealth::of(&kept, ago(0));
            for (version, from, to, by, cut) in stretches {
                past.learn(Stretch {
                    version: (*version).into(),
                    from: ago(*from),
                    to: ago(*to),
                    by: *by,
                    cut: *cut,
                });
            }
            facts.learn(
                Question::Running(cell.clone()),
                ago(0),
                Answer::Running(Box::new(seen)),
            );
            let past = Answer::PastHealth(Box::new(past));
            facts.learn(Question::PastHealth(cell), ago(0), past);
        }
        facts
    }
}

const ARGO: Source = Source::ArgoCd;
const OWN: Source = Source::Tidegate;

#[test]
fn a_version_soaks_by_its_longest_stretch() {
    use Outcome::{Hold, Pass};
    type Case = (&'static str, Vec<Was>, Outcome, Option<i64>, &'static str);
    let cases: [Case; 9] = [
        (
            "long enough",
            vec![("2.0.0", 30, 0, ARGO, false)],
            Pass,
            None,
            "2.0.0 has been healthy in staging for 1d 6h, seen by Argo CD, since Fri 2026-11-27 06:00 UTC",
        ),
        (
            "exactly",
            vec![("2.0.0", 24, 0, ARGO, false)],
            Pass,
            None,
            "for 1d, seen by Argo CD",
        ),
        (
            "long enough, though its beginning was not seen",
            vec![("2.0.0", 30, 0, OWN, true)],
            Pass,
            None,
            "for at least 1d 6h, seen by Tidegate",
        ),
        (
            "long enough, before it was replaced",
            vec![("2.0.0", 40, 10, OWN, false), ("3.0.0", 10, 0, OWN, false)],
            Pass,
            None,
            "for 1d 6h, seen by Tidegate",
        ),
        (
            "not yet",
            vec![("2.0.0", 20, 0, ARGO, false)],
            Hold,
            Some(-4),
            "2.0.0 has been healthy in staging for 20h, seen by Argo CD; 1d are asked for",
        ),
        (
            "two halves are no whole",
            vec![("2.0.0", 40, 20, OWN, false), ("2.0.0", 6, 0, OWN, false)],
            Hold,
            Some(-18),
            "for 6h, seen by Tidegate; 1d are asked for",
        ),
        (
            "what was before is not known",
            vec![("2.0.0", 6, 0, OWN, true)],
            Hold,
            Some(-18),
            "not known: 2.0.0 has been healthy in staging for at least 6h, seen by Tidegate; 1d are asked for, and nobody \
             knows of before Sat 2026-11-28 06:00 UTC",
        ),
        (
            "not long enough, and not any more",
            vec![("2.0.0", 30, 20, OWN, false), ("3.0.0", 20, 0, OWN, false)],
            Hold,
            None,
            "2.0.0 was healthy in staging for 10h, seen by Tidegate and is not now",
        ),
        (
            "nobody saw it",
            vec![("3.0.0", 30, 0, OWN, false)],
            Hold,
            None,
            "not known: nobody saw 2.0.0 healthy in staging; it was first looked at Thu 2026-11-26 10:00 UTC",
        ),
    ];
    for (name, past, outcome, earliest, told) in cases {
        let said = Asked::new(vec![("web", "staging", past), ("web", "qa", vec![])]).says("soak");
        assert_eq!(said.outcome, outcome, "{name}: {}", said.detail);
        assert_eq!(said.earliest, earliest.map(ago), "{name}");
        assert!(said.detail.contains(told), "{name}: {}", said.detail);
        let inputs: Vec<&str> = said.inputs.iter().map(|input| &*input.what).collect();
        assert!(
            inputs.contains(&"when web / staging was healthy"),
            "{inputs:?}"
        );
    }
}

#[test]
fn any_upstream_is_enough_or_all_are_needed() {
    let short = || vec![("2.0.0", 20, 0, ARGO, false)];
    let shorter = || vec![("2.0.0", 10, 0, ARGO, false)];
    let long = || vec![("2.0.0", 30, 0, ARGO, false)];
    let cases = [
        (
            "one of them",
            Require::Any,
            short(),
            long(),
            Outcome::Pass,
            None,
        ),
        (
            "both",
            Require::All,
            short(),
            long(),
            Outcome::Hold,
            Some(-4),
        ),
        ("both do", Require::All, long(), long(), Outcome::Pass, None),
        (
            "the first that can",
            Require::Any,
            short(),
            shorter(),
            Outcome::Hold,
            Some(-4),
        ),
        (
            "the last that can",
            Require::All,
            short(),
            shorter(),
            Outcome::Hold,
            Some(-14),
        ),
    ];
    for (name, require, staging, qa, outcome, earliest) in cases {
        let asked = Asked {
            require,
            ..Asked::new(vec![("web", "staging", staging), ("web", "qa", qa)])
        };
        let said = asked.says("soak");
        assert_eq!(said.outcome, outcome, "{name}: {}", said.detail);
        assert_eq!(said.earliest, earliest.map(ago), "{name}");
    }
}

#[test]
fn unknown_weighs_as_the_policy_says_and_what_is_not_judged_passes() {
    let nothing = || Asked::new(vec![("web", "staging", vec![]), ("web", "qa", vec![])]);
    let rule = |unknown_holds| Rule {
        unknown_holds: Some(unknown_holds),
        ..Rule::default()
    };
    let lost = Asked {
        lost: true,
        ..nothing()
    };
    let told = lost.says("soak").detail;
    assert!(
        told.starts_with("not known: the cluster of staging does not answer: no route to host;"),
        "{told}"
    );
    let cases = [
        ("protected", nothing(), Outcome::Hold),
        (
            "not protected",
            Asked {
                protected: false,
                ..nothing()
            },
            Outcome::Unknown,
        ),
        (
            "protected, told to warn",
            Asked {
                rule: rule(false),
                ..nothing()
            },
            Outcome::Unknown,
        ),
        (
            "not protected, told to hold",
            Asked {
                protected: false,
                rule: rule(true),
                ..nothing()
            },
            Outcome::Hold,
        ),
        (
            "by Git alone",
            Asked {
                clusters: false,
                ..nothing()
            },
            Outcome::Pass,
        ),
        (
            "what pods cannot show",
            Asked {
                subject: Subject::Setting,
                ..nothing()
            },
            Outcome::Pass,
        ),
        (
            "back",
            Asked {
                intent: Intent::Revert { to: None, at: None },
                ..nothing()
            },
            Outcome::Pass,
        ),
        (
            "back, judged too",
            Asked {
                intent: Intent::Revert { to: None, at: None },
                rule: Rule {
                    reverts: true,
                    ..Rule::default()
                },
                ..nothing()
            },
            Outcome::Hold,
        ),
    ];
    for (name, asked, expected) in cases {
        let asked = Asked {
            together: Some(2),
            ..asked
        };
        for gate in ["soak", "together"] {
            let said = asked.says(gate);
            assert_eq!(said.outcome, expected, "{name} {gate}: {}", said.detail);
        }
    }
}

#[test]
fn the_set_that_goes_is_the_set_that_ran() {
    let both =
        |web: Vec<Was>, pay: Vec<Was>| vec![("web", "staging", web), ("pay", "staging", pay)];
    let cases = [
        (
            "side by side",
            both(
                vec![("2.0.0", 9, 0, ARGO, false)],
                vec![("2.0.0", 4, 0, OWN, false)],
            ),
            Outcome::Pass,
            None,
            "the 2 versions have run side by side, healthy, in staging for 4h",
        ),
        (
            "side by side, a while ago",
            both(
                vec![("2.0.0", 9, 0, ARGO, false)],
                vec![("2.0.0", 9, 5, OWN, false)],
            ),
            Outcome::Pass,
            None,
            "for 4h",
        ),
        (
            "the other came just now",
            both(
                vec![("2.0.0", 9, 0, ARGO, false)],
                vec![("2.0.0", 1, 0, OWN, false)],
            ),
            Outcome::Hold,
            Some(-1),
            "for 1h; 2h are asked for",
        ),
        (
            "the other was seen just now",
            both(
                vec![("2.0.0", 9, 0, ARGO, false)],
                vec![("2.0.0", 1, 0, OWN, true)],
            ),
            Outcome::Hold,
            Some(-1),
            "not known: the 2 versions have run side by side, healthy, in staging for 1h; 2h are asked for, and nobody knows",
        ),
        (
            "one after the other",
            both(
                vec![("2.0.0", 9, 5, ARGO, false)],
                vec![("2.0.0", 4, 0, OWN, false)],
            ),
            Outcome::Hold,
            None,
            "these versions have never run side by side in staging",
        ),
        (
            "for too short a time, and not any more",
            both(
                vec![("2.0.0", 9, 3, ARGO, false)],
                vec![("2.0.0", 4, 0, OWN, false)],
            ),
            Outcome::Hold,
            None,
            "for 1h and do not now",
        ),
        (
            "the other was tested in another version",
            both(
                vec![("2.0.0", 9, 0, ARGO, false)],
                vec![("1.9.0", 9, 0, OWN, false)],
            ),
            Outcome::Hold,
            None,
            "not known: pay: nobody saw 2.0.0 healthy in staging",
        ),
    ];
    for (name, mut past, outcome, earliest, told) in cases {
        past.extend([("web", "qa", vec![]), ("pay", "qa", vec![])]);
        let asked = Asked {
            soak: None,
            together: Some(2),
            services: vec!["web", "pay"],
            ..Asked::new(past)
        };
        let said = asked.says("together");
        assert_eq!(said.outcome, outcome, "{name}: {}", said.detail);
        assert_eq!(said.earliest, earliest.map(ago), "{name}");
        assert!(said.detail.contains(told), "{name}: {}", said.detail);
        // By itself the service has been there for long enough, or not.
        let alone = Asked {
            services: vec!["web"],
            ..asked
        };
        assert_eq!(
            alone.says("together").outcome,
            Outcome::Pass,
            "{name}, alone"
        );
    }
}

/// What goes back, and what a merge brings along, is asked nothing: the others of the set are judged without it.
#[test]
fn what_was_not_asked_is_of_no_set_that_was_tested() {
    let says = |past: Vec<(&'static str, &'static str, Vec<Was>)>| {
        let asked = Asked {
            together: Some(2),
            require: Require::Any,
            services: vec!["web", "pay"],
            ..Asked::new(past)
        };
        asked.says("together")
    };
    let web = ("web", "staging", vec![("2.0.0", 9, 0, ARGO, false)]);
    let said = says(vec![web]);
    assert_eq!(said.outcome, Outcome::Pass, "{}", said.detail);
    let said = says(vec![]);
    assert!(said.detail.contains("not known"), "{}", said.detail);
}
