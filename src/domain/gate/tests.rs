//! Gates that judge by the past, over stories: `environment=version` commits from the root up.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{testing::answered, *};
use crate::domain::{
    desired::{Desired, DesiredCell},
    history::{Changes, CommitInfo, History, ValueChange, classify},
    ids::ObjectId,
    layout::testing::Small,
    plan::{
        Came, ChangeRequest, FileEdit, Override, Plan, PlanInput, PlanRequest, SkipCause, Standing,
        build,
    },
    rollout::Running,
    said::Said,
    template::Template,
    topology::{Deliver, Require, Topology, WorkloadTemplate},
};

fn environment(name: &str, from: &[&str]) -> Environment {
    let template = || Template::literal("x");
    Environment {
        name: name.into(),
        from: from.iter().map(|name| (*name).into()).collect(),
        require: Require::Any,
        cluster: None,
        agent: None,
        namespace: template(),
        workload: WorkloadTemplate::Name(template()),
        protected: name == "prod",
        url: None,
        deliver: Deliver::Push,
        timeout: Duration::from_mins(1),
    }
}

/// `prod` is protected and `late` is not; both follow staging.
fn topology() -> Topology {
    Topology {
        environments: vec![
            environment("staging", &[]),
            environment("prod", &["staging"]),
            environment("late", &["staging"]),
        ],
        ..Topology::default()
    }
}

fn key(environment: &str) -> CellKey {
    CellKey::new("web", environment)
}

/// What the environments came to declare, and how. Commit n lands n hours after the epoch; `!revert` and
/// `!from:ENVIRONMENT` are what its message says.
fn changes(story: &[&str]) -> Changes {
    let mut all = Changes::new();
    let mut now: BTreeMap<CellKey, Version> = BTreeMap::new();
    for (number, commit) in (0_u8..).zip(story) {
        let mut message = String::from("subject\n\n");
        for word in commit.split(' ') {
            match word.split_once(':') {
                Some(("!from", from)) => message.extend(["Promoted-From: ", from, "\n"]),
                _ if word == "!revert" => message.push_str("This reverts commit abc.\n"),
                _ => {}
            }
        }
        let info = Arc::new(CommitInfo {
            commit: ObjectId::new([number; 20]),
            time: Timestamp::from_second(3600 * i64::from(number)).unwrap(),
            author: "Jane".into(),
            subject: "subject".into(),
            pull_request: None,
            said: Said::of(&message),
        });
        for (environment, version) in commit.split(' ').filter_map(|word| word.split_once('=')) {
            let version = Version::from(version);
            let previous = now.insert(key(environment), version.clone());
            let change = ValueChange {
                version: Some(version),
                previous,
                landed: Arc::clone(&info),
                authored: Arc::clone(&info),
                depth: u32::try_from(story.len()).unwrap() - u32::from(number),
                line: 0,
                moved: None,
            };
            all.entry(key(environment)).or_default().insert(0, change);
        }
    }
    all
}

/// What is planned of a request on what a story came to.
struct Asked<'a> {
    story: &'a [&'a str],
    /// History ends early.
    shallow: bool,
    /// It cannot be read at all.
    broken: bool,
    overrides: &'a [Override],
    request: ChangeRequest,
}

impl Asked<'_> {
    fn plan(&self) -> Plan {
        let topology = topology();
        let changes = changes(self.story);
        let newest = |key: &CellKey| changes[key].first().and_then(|it| it.version.clone());
        let cells = changes.keys().map(|key| {
            let cell = DesiredCell {
                version: newest(key),
                ..DesiredCell::default()
            };
            (key.clone(), cell)
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
        let now = Timestamp::from_second(3600 * 24).unwrap();
        build(&PlanInput {
            request: &PlanRequest {
                changes: vec![self.request.clone()],
                overrides: self.overrides.to_vec(),
                ..PlanRequest::default()
            },
            desired: &desired,
            topology: &topology,
            ask: &|questions| {
                let past = |key: &CellKey| {
                    if self.broken {
                        return Err("object 1234 is damaged".to_owned());
                    }
                    Ok(Arc::new(History {
                        entries: classify(&changes, key, &topology, false),
                        shallow: self.shallow,
                        unknown_before: None,
                    }))
                };
                answered(questions, &Running::default(), past, now)
            },
            matrix: &|_| {
                let lines = r#"{ path = "{env}", regex = '(?P<service>\w+) (?P<v>\S+)' }"#;
                Small::new(lines, &["staging", "prod", "late"], &[]).assembler()
            },
            files: &|_, _| None,
            // What it is, no gate asks.
            together: &|_, _| Vec::new(),
            edit: &|_, _, _, _| {
                Ok(vec![FileEdit {
                    path: "some/file".into(),
                    before: Vec::new(),
                    after: b"-".to_vec(),
                }])
            },
            absent: &|_| None,
            beside: &|_, _| Vec::new(),
            moved_beside: &|_, _| Vec::new(),
            merge: &|_, _| None,
            tag: &|_, _, _| None,
            now,
        })
    }
}

fn promotion(environment: &str, came: Came) -> ChangeRequest {
    ChangeRequest {
        cell: key(environment),
        intent: Intent::Promote {
            from: "staging".into(),
        },
        came,
    }
}

fn judged<'p>(plan: &'p Plan, gate: &str) -> &'p Verdict {
    let mut verdicts = plan.changes[0].verdicts.iter();
    verdicts.find(|verdict| verdict.gate == gate).unwrap()
}

#[test]
fn ahead_holds_what_is_newer_or_may_be_a_hotfix() {
    let shallow = true;
    type Case<'a> = (&'a str, &'a [&'a str], bool, Outcome, &'a str);
    let cases: &[Case<'_>] = &[
        (
            "older by its number",
            &["staging=1.0 prod=1.0", "staging=1.1"],
            false,
            Outcome::Pass,
            "prod declares 1.0, which is older than 1.1",
        ),
        (
            "newer by its number",
            &[
                "staging=1.0 prod=1.0",
                "staging=1.1",
                "prod=1.1",
                "staging=1.0",
            ],
            false,
            Outcome::Hold,
            "prod declares 1.1, which is newer than 1.0",
        ),
        (
            "the first value, newer by its number",
            &["prod=2.0.0", "staging=1.9.0"],
            false,
            Outcome::Hold,
            "newer than 1.9.0",
        ),
        (
            "a pre-release is older",
            &["staging=1.0.0 prod=1.0.0-rc.1"],
            false,
            Outcome::Pass,
            "older",
        ),
        (
            "a hotfix by hand",
            &["staging=1.0 prod=1.0", "staging=1.1", "prod=1.0.1"],
            false,
            Outcome::Hold,
            "prod got 1.0.1 by Jane, 22h ago (1970-01-01 02:00 UTC), in 0202020, after 1.1 landed in staging",
        ),
        (
            "a hotfix that upstream has built on since",
            &["staging=1.0 prod=1.0", "prod=1.0.1", "staging=1.1"],
            false,
            Outcome::Pass,
            "older",
        ),
        (
            "a hotfix of versions without an order",
            &["staging=a prod=a", "staging=b", "prod=fix"],
            false,
            Outcome::Hold,
            "after b landed in staging",
        ),
        (
            "the upstream landed the same version once more after the hotfix",
            &[
                "staging=a prod=a",
                "staging=b",
                "prod=fix",
                "staging=c",
                "staging=b",
            ],
            false,
            Outcome::Pass,
            "fix came to prod before b landed in staging",
        ),
        (
            "what came late from upstream is no hotfix",
            &["staging=a prod=a", "staging=b", "staging=c", "prod=b"],
            false,
            Outcome::Pass,
            "",
        ),
        (
            "what the commit says to be promoted is no hotfix",
            &["staging=a prod=a", "staging=c", "prod=b !from:dev"],
            false,
            Outcome::Pass,
            "",
        ),
        (
            "a revert is no hotfix",
            &[
                "staging=a prod=a",
                "staging=b prod=b",
                "staging=c",
                "prod=a",
            ],
            false,
            Outcome::Pass,
            "",
        ),
        (
            "the first value is no hotfix, however late",
            &["staging=b", "prod=a"],
            false,
            Outcome::Pass,
            "",
        ),
        (
            "the upstream went back: its order is that of its last coming",
            &["staging=a prod=a", "staging=b", "prod=b", "staging=a"],
            false,
            Outcome::Pass,
            "",
        ),
        (
            "what is there, with its digest",
            &["staging=1.0 prod=1.0", "staging=1.0@sha256:a"],
            false,
            Outcome::Pass,
            "prod declares 1.0 already",
        ),
        (
            "a digest for what is there is no hotfix",
            &["staging=a prod=a", "staging=b", "prod=a@sha256:a"],
            false,
            Outcome::Pass,
            "a@sha256:a came to prod before b landed in staging",
        ),
        (
            "history that ends early: how the first value came is not known",
            &["staging=b prod=a", "staging=c"],
            shallow,
            Outcome::Warn,
            "not known: how a came to prod; this clone is shallow",
        ),
        (
            "history that ends early, but not before what matters",
            &["staging=a prod=a", "staging=b", "prod=b", "staging=c"],
            shallow,
            Outcome::Pass,
            "",
        ),
        (
            "history that ends early shows a hotfix all the same",
            &["staging=a prod=a", "staging=b", "prod=fix"],
            shallow,
            Outcome::Hold,
            "after b landed",
        ),
    ];
    for (name, story, shallow, outcome, words) in cases {
        let asked = Asked {
            story,
            shallow: *shallow,
            broken: false,
            overrides: &[],
            request: promotion("prod", Came::Named),
        };
        let plan = asked.plan();
        let verdict = judged(&plan, AHEAD);
        assert_eq!(verdict.outcome, *outcome, "{name}: {}", verdict.detail);
        assert!(verdict.detail.contains(words), "{name}: {}", verdict.detail);
    }
}

/// A name, a story, where its newest version of staging is to go, and what `reverted` says of that.
type Story<'a> = (&'a str, &'a [&'a str], &'a str, Outcome, &'a str);

#[track_caller]
fn reverted_says(shallow: bool, cases: &[Story<'_>]) {
    for (name, story, target, outcome, words) in cases {
        let asked = Asked {
            story,
            shallow,
            broken: false,
            overrides: &[],
            request: promotion(target, Came::Named),
        };
        let plan = asked.plan();
        let verdict = judged(&plan, REVERTED);
        assert_eq!(verdict.outcome, *outcome, "{name}: {}", verdict.detail);
        assert!(verdict.detail.contains(words), "{name}: {}", verdict.detail);
    }
}

#[test]
fn reverted_holds_where_it_is_protected_and_warns_elsewhere() {
    let back = [
        "staging=1 prod=1 late=1",
        "staging=2",
        "prod=2 late=2",
        "prod=1 late=1",
    ];
    let again = [
        &back[..],
        &["prod=2 late=2", "staging=3", "prod=3 late=3", "staging=2"],
    ]
    .concat();
    let twice = [&back[..], &["prod=2 late=2", "prod=1 late=1"]].concat();
    let cases: &[Story<'_>] = &[
        (
            "reverted",
            &back,
            "prod",
            Outcome::Hold,
            "2 was reverted here by Jane, 21h ago (1970-01-01 03:00 UTC), in 0303030, back to 1",
        ),
        (
            "reverted, not protected",
            &back,
            "late",
            Outcome::Warn,
            "2 was reverted here",
        ),
        (
            "came again since",
            &again,
            "prod",
            Outcome::Pass,
            "2 was not reverted here",
        ),
        (
            "reverted twice",
            &twice,
            "prod",
            Outcome::Hold,
            "in 0505050",
        ),
        (
            "reverted before it had a digest",
            &[&back[..], &["staging=2@sha256:a"]].concat(),
            "prod",
            Outcome::Hold,
            "2 was reverted here by Jane",
        ),
        (
            "another build of it was reverted",
            &[
                "staging=1 prod=1",
                "staging=2@sha256:a",
                "prod=2@sha256:a",
                "prod=1",
                "staging=2@sha256:b",
            ],
            "prod",
            Outcome::Pass,
            "2@sha256:b was not reverted here",
        ),
        (
            "a build of it was reverted, and another came",
            &[
                "staging=1 late=1",
                "staging=2@sha256:a",
                "late=2@sha256:a",
                "late=1",
                "staging=2@sha256:b",
                "late=2@sha256:b",
                "staging=3",
                "late=3",
                "staging=2",
            ],
            "late",
            Outcome::Unknown,
            "not known: whether 2 was reverted here; a build of that tag was",
        ),
        (
            "another one was reverted",
            &[&back[..], &["staging=3"]].concat(),
            "prod",
            Outcome::Pass,
            "3 was not reverted here",
        ),
        (
            "replaced is not reverted",
            &[
                "staging=1 prod=1",
                "staging=2 prod=2",
                "staging=3 prod=3",
                "staging=2",
            ],
            "prod",
            Outcome::Pass,
            "",
        ),
        (
            "reverted by a commit that says so, with the upstream",
            &[
                "staging=1 prod=1",
                "staging=2 prod=2",
                "staging=1 prod=1 !revert",
                "staging=2",
            ],
            "prod",
            Outcome::Hold,
            "in 0202020",
        ),
        (
            "taken back with the upstream, by promotion, is not reverted here",
            &[
                "staging=1 prod=1",
                "staging=2 prod=2",
                "staging=1",
                "prod=1",
                "staging=2",
            ],
            "prod",
            Outcome::Pass,
            "",
        ),
    ];
    reverted_says(false, cases);
}

#[test]
fn a_history_that_ends_early_does_not_say_that_nothing_was_reverted() {
    let fetch = "fetch the rest (git fetch --unshallow)";
    let cases: &[Story<'_>] = &[
        (
            "never seen",
            &["staging=2 prod=1 late=1"],
            "prod",
            Outcome::Hold,
            fetch,
        ),
        (
            "never seen, not protected",
            &["staging=2 prod=1 late=1"],
            "late",
            Outcome::Unknown,
            "not known: whether 2 was reverted here",
        ),
        (
            "replaced by a value that may have been there before",
            &["staging=1 prod=2", "prod=0", "staging=2"],
            "prod",
            Outcome::Hold,
            fetch,
        ),
        (
            "replaced by a promotion since",
            &[
                "staging=1 prod=1",
                "staging=2 prod=2",
                "staging=3 prod=3",
                "staging=2",
            ],
            "prod",
            Outcome::Pass,
            "2 was not reverted here",
        ),
        (
            "a revert from before it had a digest",
            &[
                "staging=1 prod=1",
                "staging=2 prod=2",
                "prod=1",
                "staging=2@sha256:a",
            ],
            "prod",
            Outcome::Hold,
            "2 was reverted here by Jane",
        ),
        (
            "a revert that can be seen",
            &["staging=1 prod=1", "staging=2 prod=2", "prod=1"],
            "prod",
            Outcome::Hold,
            "2 was reverted here by Jane",
        ),
    ];
    reverted_says(true, cases);
}

#[test]
fn a_whole_history_does_not_say_that_it_is_shallow() {
    let mut history = History::default();
    assert_eq!(history.ends_early(), None);
    history.unknown_before = Some("the layout changed".to_owned());
    assert_eq!(history.ends_early(), Some("the layout changed"));
    let words = ahead::warn(&"prod".into(), &"1".into(), &history).detail;
    assert_eq!(words, "not known: how 1 came to prod; the layout changed");
    history.unknown_before = None;
    let words = ahead::warn(&"prod".into(), &"1".into(), &history).detail;
    assert!(!words.contains("shallow"), "{words}");
    history.shallow = true;
    let words = ahead::warn(&"prod".into(), &"1".into(), &history).detail;
    assert!(words.contains("git fetch --unshallow"), "{words}");
}

#[test]
fn of_a_group_they_are_skipped_with_their_cause() {
    let reverted = [
        "staging=1 prod=1 late=1",
        "staging=2",
        "prod=2 late=2",
        "prod=1 late=1",
    ];
    let ahead = ["staging=1 prod=2 late=2"];
    let lift = |gate: &str| {
        vec![Override {
            gate: gate.to_owned(),
            reason: "mended outside".to_owned(),
        }]
    };
    type Case<'a> = (&'a [&'a str], &'a str, Vec<Override>, Option<SkipCause>);
    let cases: Vec<Case<'_>> = vec![
        (&reverted, "prod", vec![], Some(SkipCause::Reverted)),
        (&reverted, "late", vec![], Some(SkipCause::Reverted)),
        (&reverted, "prod", lift(REVERTED), None),
        (&reverted, "prod", lift(AHEAD), Some(SkipCause::Reverted)),
        (&reverted, "late", lift(REVERTED), None),
        (&ahead, "prod", vec![], Some(SkipCause::Ahead)),
        (&ahead, "late", vec![], Some(SkipCause::Ahead)),
        (&ahead, "late", lift(AHEAD), None),
        (
            &["staging=latest prod=1"],
            "prod",
            vec![],
            Some(SkipCause::Held),
        ),
        (&["staging=latest late=1"], "late", vec![], None),
        (&["staging=2 prod=1"], "prod", vec![], None),
    ];
    for (story, target, overrides, cause) in cases {
        let asked = Asked {
            story,
            shallow: false,
            broken: false,
            overrides: &overrides,
            request: promotion(target, Came::Group),
        };
        let plan = asked.plan();
        let told = plan.skipped.first().map(|skip| skip.cause);
        assert_eq!(told, cause, "{story:?} {target}");
        assert_eq!(
            plan.changes.is_empty(),
            cause.is_some(),
            "{story:?} {target}"
        );
        assert!(plan.held().next().is_none() && plan.stopping().next().is_none());
        if let Some(skip) = plan.skipped.first() {
            assert_eq!(skip.standing, Standing::Aside);
            assert!(skip.gate.is_some(), "it can be lifted");
        }
    }
}

#[test]
fn a_lifted_reverted_gate_does_not_hold_and_keeps_its_reason() {
    let overrides = [Override {
        gate: REVERTED.to_owned(),
        reason: "mended outside".to_owned(),
    }];
    let asked = Asked {
        story: &["staging=1 prod=1", "staging=2 prod=2", "prod=1"],
        shallow: false,
        broken: false,
        overrides: &overrides,
        request: promotion("prod", Came::Named),
    };
    let plan = asked.plan();
    assert!(plan.may_go());
    let lifted = judged(&plan, REVERTED).overridden.as_deref();
    assert_eq!(lifted, Some("mended outside"));
}

#[test]
fn history_that_cannot_be_read_is_unknown_and_unknown_is_not_pass() {
    for (target, came, outcome) in [
        ("prod", Came::Named, Some(Outcome::Hold)),
        ("late", Came::Named, Some(Outcome::Unknown)),
        ("late", Came::Group, Some(Outcome::Unknown)),
        ("prod", Came::Group, None),
    ] {
        let asked = Asked {
            story: &["staging=2 prod=1 late=1"],
            shallow: false,
            broken: true,
            overrides: &[],
            request: promotion(target, came),
        };
        let plan = asked.plan();
        if let Some(outcome) = outcome {
            let verdict = judged(&plan, AHEAD);
            assert_eq!(verdict.outcome, outcome, "{target}");
            assert!(verdict.detail.contains("object 1234"), "{}", verdict.detail);
            assert_eq!(judged(&plan, REVERTED).outcome, outcome, "{target}");
        } else {
            assert_eq!(
                plan.skipped[0].cause,
                SkipCause::Held,
                "not known to be ahead"
            );
        }
    }
}

#[test]
fn only_promotions_are_judged_by_the_past_and_nothing_stops_going_back() {
    let story = ["staging=1 prod=2", "prod=latest", "prod=3"];
    let set = Intent::Set {
        version: "1".into(),
    };
    let revert = |to: &str| Intent::Revert {
        to: Some(to.into()),
        at: None,
    };
    for intent in [set, revert("2"), revert("latest")] {
        let asked = Asked {
            story: &story,
            shallow: false,
            broken: true,
            overrides: &[],
            request: ChangeRequest {
                cell: key("prod"),
                intent: intent.clone(),
                came: Came::Named,
            },
        };
        let plan = asked.plan();
        let gates: Vec<&str> = plan.changes[0]
            .verdicts
            .iter()
            .map(|verdict| verdict.gate.as_str())
            .collect();
        assert_eq!(gates, [UPSTREAM, "immutable", "veto"], "{intent:?}");
        assert_eq!(plan.held().count(), 0, "{intent:?}");
    }
}
