//! What follows from facts, as scenarios: facts in, steps out.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::domain::{
    agent::{AgentKind, AgentState, At, Hop, Order, Phase},
    desired::Tip,
    failure::FailureKind,
    layout::Origin,
    notify::About,
    plan::{Action, Intent, PlannedChange, Wave, Write},
    rollout::{Connection, Few, Health, LiveCell, Running},
    subject::Subject,
};

const THEN: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn cell(service: &str) -> CellKey {
    CellKey::new(service, "prod")
}

fn tip(branch: &str) -> Tip {
    let name = RefName {
        repository: None,
        reference: format!("refs/heads/{branch}"),
    };
    Tip {
        remote: Some("origin".to_owned()),
        shown: format!("origin/{branch}"),
        ..Tip::new(name, Origin::default(), ObjectId::new([1; 20]))
    }
}

/// A plan that writes these cells, each to a branch of its name.
fn plan(services: &[&str], deliver: Deliver) -> Plan {
    let change = |service: &&str| PlannedChange {
        cell: cell(service),
        intent: Intent::Set {
            version: "2".into(),
        },
        from: Some("1".into()),
        to: Some("2".into()),
        verdicts: Vec::new(),
        inherits: None,
        pins: None,
        along: None,
    };
    let write = |service: &&str| Write {
        vetoes: Vec::new(),
        in_step: None,
        tip: tip(service),
        action: Action::Edit,
        edits: Vec::new(),
        message: format!("set {service}\n\nService: {service}"),
        cells: vec![cell(service)],
    };
    Plan {
        deliver,
        changes: services.iter().map(change).collect(),
        waves: vec![Wave {
            after: Vec::new(),
            writes: services.iter().map(write).collect(),
        }],
        digest: "d1ge57".to_owned(),
        ..Plan::default()
    }
}

fn push(branch: &str, deliver: Deliver) -> Push {
    Push {
        base: tip(branch),
        commit: ObjectId::new([2; 20]),
        destination: match deliver {
            Deliver::Push => Destination::Branch,
            Deliver::Branch | Deliver::PullRequest => Destination::Own("tidegate/x".to_owned()),
        },
    }
}

fn facts(health: Health, version: &str) -> Running {
    let live = LiveCell {
        health,
        reason: Some("CrashLoop".to_owned()).filter(|_| health == Health::Degraded),
        serving: Some(version.into()),
        versions: Few::from_iter([(version.into(), 1)]),
        desired: 1,
        ..LiveCell::unknown("", THEN)
    };
    let mut facts = Running::default();
    facts.connections.insert("prod".into(), Connection::Live);
    for service in ["a", "b"] {
        facts.live.insert(cell(service), live.clone().into());
    }
    facts
}

fn expected(services: &[&str]) -> BTreeMap<CellKey, Expectation> {
    let expectation = Expectation {
        version: Some("2".into()),
        subject: Subject::Image,
        looked_for: true,
        timeout: Duration::from_mins(1),
        verifies: false,
        commit: None,
    };
    let cells = services.iter().map(|service| cell(service));
    cells.map(|cell| (cell, expectation.clone())).collect()
}

/// A name, facts with what follows from each, and how it ends.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Result<&'a str, &'a str>);

/// A step in a word or two.
fn word(step: &Step) -> String {
    match step {
        Step::Confirmed(_) => "confirmed".to_owned(),
        Step::Began(stage) => format!("{stage:?}…").to_lowercase(),
        Step::Done(stage, gave) => format!("{stage:?}({gave})").to_lowercase(),
        Step::Part(part) => part.describe(),
        Step::Published => "published".to_owned(),
        Step::Arrived(part) => format!("arrived: {}", part.describe()),
        Step::Cell(cell, progress) => format!("{}: {}", cell.service, progress.describe()),
        Step::Requested(part) => part.request.as_ref().unwrap().describe(),
        Step::Superseded(said) => said.clone(),
        Step::Merged => "all merged".to_owned(),
        Step::Ended(_) => "ended".to_owned(),
    }
}

/// The fact of this name: its kind, and the service that it is of.
fn fact<'a>(name: &str, services: &[&str], deliver: Deliver, known: &'a Running) -> Fact<'a> {
    let (kind, of) = name.split_once(' ').unwrap_or((name, services[0]));
    match kind {
        "confirmed" => Fact::Confirmed(vec!["git push".to_owned()]),
        "checked" => Fact::Checked {
            sentence: "still there".to_owned(),
            moved: false,
        },
        "moved" => Fact::Checked {
            sentence: "moved".to_owned(),
            moved: true,
        },
        "made" => Fact::Made(push(of, deliver)),
        "published" => Fact::Published(push(of, deliver).published("", None)),
        "elsewhere" => Fact::Published(Part {
            elsewhere: Some(Elsewhere {
                addresses: vec!["there".to_owned()],
                push: push(of, deliver),
            }),
            ..push(of, deliver).published("", None)
        }),
        "arrived" => Fact::Arrived(tip(of).name),
        "not-arrived" => Fact::NotArrived,
        "refused" => Fact::NotPublished(NotPublished::Rejected(Rejection {
            here: false,
            status: "hook declined".to_owned(),
            message: String::new(),
            protected: false,
            denied: false,
        })),
        "broken" => Fact::Broken(Failure::told("it", "broke", "")),
        "expected" => Fact::Expected(expected(services)),
        "declared" => Fact::Declared(BTreeMap::from([(cell(of), Some("3".into()))])),
        "seen" => Fact::Seen(known, Duration::ZERO),
        "late" => Fact::Seen(known, Duration::from_secs(61)),
        other => panic!("{other}"),
    }
}

/// Applies facts by their names, each with what follows from it.
fn run(services: &[&str], deliver: Deliver, scenario: &[(&str, &str)]) -> Delivery {
    let mut delivery = Delivery::new(&plan(services, deliver), THEN);
    for (name, expected_steps) in scenario {
        let known = match name.split_once(' ') {
            Some((_, "healthy")) => facts(Health::Healthy, "2"),
            Some((_, "old")) => facts(Health::Healthy, "1"),
            _ => facts(Health::Degraded, "2"),
        };
        let fact = fact(name, services, deliver, &known);
        let before = delivery.clone();
        let steps = delivery.apply(THEN, fact);
        let words: Vec<String> = steps.iter().map(word).collect();
        assert_eq!(words.join(" | "), *expected_steps, "{name} of {before:#?}");
    }
    delivery
}

const MADE: (&str, &str) = ("made", "committed(0202020) | pushed…");
const BEGUN: [(&str, &str); 3] = [
    ("confirmed", "confirmed | checked…"),
    ("checked", "checked(still there) | committed…"),
    MADE,
];

fn begun(rest: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    BEGUN.iter().chain(rest).copied().collect()
}

const PUBLISHED: (&str, &str) = (
    "published",
    "0202020 is on origin/a | published | pushed(a is at 0202020)",
);

#[test]
fn a_push_is_followed_to_its_end() {
    const HEALTHY: &str =
        "synced() | rolling… | a: healthy | rolling() | healthy… | healthy(1 of 1) | ended";
    let cases: [Case<'_>; 6] = [
        (
            "healthy",
            &[
                PUBLISHED,
                ("expected", "synced…"),
                ("seen old", "a: not synced yet: the cluster serves 1 still"),
                ("seen old", ""),
                ("seen healthy", HEALTHY),
                ("seen degraded", ""),
            ],
            Ok("healthy"),
        ),
        (
            "the base moves while it is pushed",
            &[
                ("moved", "checked(moved)"),
                ("made", "committed(0202020)"),
                PUBLISHED,
                ("expected", "synced…"),
                ("seen healthy", HEALTHY),
            ],
            Ok("healthy"),
        ),
        (
            "degraded",
            &[
                PUBLISHED,
                ("expected", "synced…"),
                (
                    "seen degraded",
                    "synced() | rolling… | a: CrashLoop | ended",
                ),
                ("seen healthy", ""),
            ],
            Err("a / prod: CrashLoop"),
        ),
        (
            "late",
            &[
                PUBLISHED,
                ("expected", "synced…"),
                (
                    "late old",
                    "a: timed out after 1m: not synced yet: the cluster serves 1 still | ended",
                ),
            ],
            Err("a / prod: timed out after 1m: not synced yet: the cluster serves 1 still"),
        ),
        (
            "changed by somebody else meanwhile",
            &[
                PUBLISHED,
                ("expected", "synced…"),
                ("declared", "a: 3 is declared since | ended"),
            ],
            Ok("what was delivered was changed before it was healthy"),
        ),
        (
            "whoever follows breaks",
            &[PUBLISHED, ("expected", "synced…"), ("broken", "ended")],
            Err("broke"),
        ),
    ];
    for (name, rest, outcome) in cases {
        let delivery = run(&["a"], Deliver::Push, &begun(rest));
        let verdict = delivery.verdict().map(|it| it.map_err(|it| it.why));
        let outcome = outcome.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(verdict, Some(outcome), "{name}");
        assert!(delivery.not_published().is_none(), "{name}");
    }
}

/// What the agent of a cell says of the commit that was delivered.
fn brought_by_argo(hop: Option<Hop>, phase: Phase, tried: &str, serving: &str) -> Running {
    let mut facts = facts(Health::Healthy, serving);
    for live in facts.live.values_mut().map(Arc::make_mut) {
        let agent = AgentState {
            kind: AgentKind::Application,
            object: "argocd/shop".to_owned(),
            cluster: "hub".to_owned(),
            revision: None,
            attempted: Some(tried.to_owned()),
            phase,
            reason: None,
            depends_on: Vec::new(),
            sync_wave: None,
        };
        live.agent = Some(agent.into());
        live.hop.clone_from(&hop);
    }
    facts
}

#[test]
fn a_delivery_follows_through_the_agent() {
    let hop = |reason: &str, failing| {
        Some(Hop {
            at: At::Sync,
            reason: reason.to_owned(),
            next: None,
            order: Some(Order::Sync),
            failing,
        })
    };
    let (ours, other) = ("02".repeat(20), "01".repeat(20));
    let manual = "Argo CD has not synced: no automated sync";
    let broken = "Argo CD cannot build the manifests: no such file";
    let begun = begun(&[PUBLISHED, ("expected", "synced…")]);
    // What is seen, one after the other, each with what follows.
    type Seen<'a> = (Running, u64, &'a str);
    let cases: [(&str, &[Seen<'_>]); 4] = [
        (
            "waits for somebody to sync, who does",
            &[
                (
                    brought_by_argo(hop(manual, false), Phase::NotAutomated, &other, "1"),
                    0,
                    "a: Argo CD has not synced: no automated sync",
                ),
                (
                    brought_by_argo(None, Phase::Current, &ours, "2"),
                    0,
                    "synced(by argo cd application argocd/shop) | rolling… | a: healthy | rolling() | healthy… \
                     | healthy(1 of 1) | ended",
                ),
            ],
        ),
        (
            "failed at another commit: this one may mend it",
            &[
                (
                    brought_by_argo(hop(broken, true), Phase::Failed, &other, "1"),
                    0,
                    "a: Argo CD cannot build the manifests: no such file",
                ),
                (
                    brought_by_argo(hop(broken, true), Phase::Failed, &other, "1"),
                    61,
                    "a: timed out after 1m: Argo CD cannot build the manifests: no such file | ended",
                ),
            ],
        ),
        (
            "failed at this one",
            &[(
                brought_by_argo(hop(broken, true), Phase::Failed, &ours, "1"),
                0,
                "a: Argo CD cannot build the manifests: no such file | ended",
            )],
        ),
        (
            "fails at this one, and tries again",
            &[(
                brought_by_argo(hop(broken, true), Phase::Retrying, &ours, "1"),
                0,
                "a: Argo CD cannot build the manifests: no such file",
            )],
        ),
    ];
    for (name, seen) in cases {
        let mut delivery = run(&["a"], Deliver::Push, &begun);
        let mut expected = expected(&["a"]);
        for it in expected.values_mut() {
            it.commit = Some(ObjectId::new([2; 20]));
        }
        delivery.cells[0].expected = expected.remove(&cell("a"));
        for (facts, seconds, follows) in seen {
            let steps = delivery.apply(THEN, Fact::Seen(facts, Duration::from_secs(*seconds)));
            let words: Vec<String> = steps.iter().map(word).collect();
            assert_eq!(words.join(" | "), *follows, "{name}");
        }
    }
}

#[test]
fn what_is_not_where_it_is_fetched_from_is_no_success() {
    let there = "0202020 was pushed to there; origin/a does not have it yet | published";
    let elsewhere = ("elsewhere", there);
    let arrived = (
        "arrived",
        "arrived: 0202020 is on origin/a | pushed(a is at 0202020)",
    );
    let delivery = run(&["a"], Deliver::Push, &begun(&[elsewhere, arrived]));
    assert!(!delivery.is_over() && !delivery.is_elsewhere());
    let delivery = run(
        &["a"],
        Deliver::Push,
        &begun(&[elsewhere, ("not-arrived", "ended")]),
    );
    let failure = delivery.verdict().unwrap().unwrap_err();
    assert!(failure.why.contains("does not have it yet"), "{failure:?}");
    assert!(delivery.is_published() && delivery.is_elsewhere());
}

#[test]
fn a_branch_of_its_own_waits_for_its_merge() {
    let published = (
        "published",
        "0202020 is on origin/tidegate/x | published | pushed(tidegate/x is at 0202020) | ended",
    );
    let delivery = run(&["a"], Deliver::Branch, &begun(&[published]));
    let verdict = delivery.verdict().unwrap().unwrap();
    assert_eq!(verdict, "waits for its merge: branch tidegate/x");
    let waits = CellProgress::Waiting("waits for its merge".to_owned());
    assert_eq!(delivery.cells[0].progress, waits);
}

#[test]
fn of_several_commits_what_is_done_stays_and_the_rest_is_named() {
    let first = ("published a", "0202020 is on origin/a");
    let delivery = run(
        &["a", "b"],
        Deliver::Push,
        &begun(&[first, ("refused", "ended")]),
    );
    assert!(!delivery.is_published());
    let Some(NotPublished::Partial { failed, left, .. }) = delivery.not_published() else {
        panic!("{delivery:?}");
    };
    assert_eq!((failed.short(), left.len()), ("b", 0));
    let failure = delivery.verdict().unwrap().unwrap_err();
    assert!(
        failure
            .why
            .contains("done: origin/a; not done: b: refused: hook declined"),
        "{}",
        failure.why
    );
    let both = [
        first,
        (
            "published b",
            "0202020 is on origin/b | published | pushed(a is at 0202020, b is at 0202020)",
        ),
        ("expected", "synced…"),
        ("declared b", "b: 3 is declared since"),
        (
            "seen healthy",
            "synced() | rolling… | a: healthy | rolling() | healthy… | healthy(1 of 2) | ended",
        ),
    ];
    let delivery = run(&["a", "b"], Deliver::Push, &begun(&both));
    let verdict = delivery.verdict().unwrap().unwrap();
    assert_eq!(verdict, "healthy, 1 of 2; 1 changed by somebody since");
}

#[test]
fn what_is_refused_or_breaks_before_the_push_is_not_published() {
    for (fact, kind) in [
        ("refused", FailureKind::Refused),
        ("broken", FailureKind::Other),
    ] {
        let delivery = run(&["a"], Deliver::Push, &begun(&[(fact, "ended")]));
        let failure = delivery.not_published().unwrap().failure(&[]);
        assert_eq!(failure.kind, kind);
        assert!(delivery.verdict().unwrap().is_err());
    }
}

#[test]
fn what_is_kept_comes_back_as_it_was() {
    let facts: [&[(&str, &str)]; 3] = [&[], &[PUBLISHED], &[PUBLISHED, ("expected", "synced…")]];
    for rest in facts {
        let delivery = run(&["a"], Deliver::Push, &begun(rest));
        let text = serde_json::to_string(&delivery).unwrap();
        let back: Delivery = serde_json::from_str(&text).unwrap();
        assert_eq!(back, delivery);
    }
    let waiting = run(&["a"], Deliver::Push, &BEGUN);
    assert_eq!(waiting.attempt, Some(push("a", Deliver::Push)));
}

#[test]
fn the_log_has_what_happened_and_not_what_was_on_the_way() {
    let mut delivery = Delivery::new(&plan(&["a"], Deliver::Push), THEN);
    let known = facts(Health::Degraded, "2");
    let facts = [
        Fact::Confirmed(vec!["git push".to_owned()]),
        Fact::Checked {
            sentence: "main moved".to_owned(),
            moved: true,
        },
        Fact::Made(push("a", Deliver::Push)),
        Fact::Published(push("a", Deliver::Push).published("hello", None)),
        Fact::Expected(expected(&["a"])),
        Fact::Seen(&known, Duration::ZERO),
    ];
    let mut lines = Vec::new();
    for fact in facts {
        let steps = delivery.apply(THEN, fact);
        for step in steps {
            lines.extend(entry(&delivery, THEN, &step));
        }
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("{:?} {} {:?}", line.level, line.text, line.detail))
        .collect();
    assert_eq!(
        lines,
        [
            r#"Info confirmed: 1 change to origin/a ["git push"]"#,
            r#"Done 0202020 is on origin/a ["hello", "main moved"]"#,
            "Error a / prod: CrashLoop []",
            r#"Error rollout ["a / prod: CrashLoop", "go back to an earlier version of it"]"#,
        ]
    );
}

#[test]
fn what_a_cell_waits_for_is_true_of_where_its_commit_is() {
    const ELSEWHERE: &str = "pushed; waits until it is where it is fetched from";
    // Facts, and what is said of `a` and of `b` behind them.
    let cases: [(&[&str], &str, &str); 8] = [
        (&[], "waits for the push", "waits for the push"),
        (
            &["published a"],
            "pushed; waits for the rest of the delivery",
            "waits for the push",
        ),
        (&["elsewhere a"], ELSEWHERE, "waits for the push"),
        (
            &["published a", "published b"],
            "pushed; its cluster is looked at next",
            "pushed; its cluster is looked at next",
        ),
        (&["refused"], "not pushed", "not pushed"),
        (
            &["published a", "refused"],
            "pushed; not followed",
            "not pushed",
        ),
        (
            &["elsewhere a", "published b", "not-arrived"],
            "pushed, and not where it is fetched from",
            "pushed, and not where it is fetched from",
        ),
        (
            &["published a", "published b", "expected", "broken"],
            "pushed; not followed any more",
            "pushed; not followed any more",
        ),
    ];
    for (names, a, b) in cases {
        let mut delivery = run(&["a", "b"], Deliver::Push, &BEGUN);
        for name in names {
            delivery.apply(
                THEN,
                fact(
                    name,
                    &["a", "b"],
                    Deliver::Push,
                    &facts(Health::Healthy, "1"),
                ),
            );
        }
        let said: Vec<String> = delivery
            .cells
            .iter()
            .map(|run| run.progress.describe())
            .collect();
        assert_eq!(said, [a, b], "{names:?}");
        let pushed = delivery
            .stage(Stage::Pushed)
            .is_some_and(|it| it.done.is_some());
        assert!(
            !pushed || !said.iter().any(|it| it == "waits for the push"),
            "{names:?}"
        );
    }
}

#[test]
fn whoever_leaves_says_what_becomes_of_it() {
    let followed = "0202020 is on origin/a; its rollout goes on and is not followed any more: the next start takes it up again (set a)";
    let followed_to = [PUBLISHED, ("expected", "synced…")];
    let failed = (
        "seen degraded",
        "synced() | rolling… | a: CrashLoop | ended",
    );
    let ended = [&followed_to[..], &[failed]].concat();
    let cases = [
        (&[][..], None),
        (&followed_to[..], Some(followed)),
        (&ended[..], None),
    ];
    for (rest, expected) in cases {
        let delivery = run(&["a"], Deliver::Push, &begun(rest));
        assert_eq!(delivery.left().as_deref(), expected, "{rest:?}");
    }
}

/// A cell that is healthy waits for its checks: good ends it well, bad and unknown are bad and unknown once it is late.
#[test]
fn a_rollout_is_followed_by_its_checks() {
    use crate::domain::gate::{Checked, Verified};

    let said = |checked, for_good| {
        let said = "h answers".to_owned();
        BTreeMap::from([(
            cell("a"),
            Verified {
                checked,
                said,
                for_good,
            },
        )])
    };
    let (early, late) = (Duration::from_secs(1), Duration::from_mins(1));
    let cases = [
        (Checked::Good, false, early, "healthy", true),
        (Checked::Good, false, late, "healthy", true),
        (Checked::Bad, false, early, "h answers", false),
        (Checked::Bad, false, late, "not verified: h answers", false),
        (Checked::NotKnown, false, early, "h answers", false),
        (
            Checked::NotKnown,
            true,
            early,
            "rolled out, and not verified: h answers",
            false,
        ),
        (
            Checked::NotKnown,
            false,
            late,
            "rolled out, and not verified: h answers",
            false,
        ),
    ];
    for (checked, for_good, waited, expected_progress, good) in cases {
        let mut delivery = Delivery::new(&plan(&["a"], Deliver::Push), THEN);
        for name in ["confirmed", "checked", "made", "published"] {
            let known = facts(Health::Healthy, "2");
            delivery.apply(THEN, fact(name, &["a"], Deliver::Push, &known));
        }
        let mut expected = expected(&["a"]);
        for expectation in expected.values_mut() {
            expectation.verifies = true;
        }
        delivery.apply(THEN, Fact::Expected(expected));
        let healthy = facts(Health::Healthy, "2");
        let steps = delivery.apply(THEN, Fact::Seen(&healthy, Duration::ZERO));
        assert!(steps.contains(&Step::Began(Stage::Verified)), "{steps:?}");
        assert!(!delivery.is_over());
        delivery.apply(THEN, Fact::Verified(said(checked, for_good), waited));
        delivery.apply(THEN, Fact::Seen(&healthy, waited));
        let name = format!("{checked:?} {for_good} {waited:?}");
        assert_eq!(
            delivery.cells[0].progress.describe(),
            expected_progress,
            "{name}"
        );
        let well = delivery.verdict().map(|verdict| verdict.is_ok());
        let over = good || for_good || waited == late;
        assert_eq!(well, over.then_some(good), "{name}");
        // What breaks while it is asked has failed, whatever the checks say.
        if !over {
            let broken = facts(Health::Degraded, "2");
            delivery.apply(THEN, Fact::Seen(&broken, early));
            assert_eq!(delivery.failed().count(), 1, "{name}");
        }
    }
}

/// A pull request as its forge tells it, by a word.
fn pull_request(word: &str) -> PullRequest {
    let mut request = PullRequest {
        number: 12,
        url: "https://h/12".to_owned(),
        ..PullRequest::default()
    };
    request.approvals.need = Some(1);
    match word {
        "approved" => request.approvals.by = vec!["alice".to_owned()],
        "merged" => {
            request.state = PullState::Merged;
            request.merged = Some(ObjectId::new([3; 20]));
        }
        "closed" => request.state = PullState::Closed,
        _ => {}
    }
    request
}

#[test]
fn a_pull_request_is_followed_through_its_merge() {
    const PUSHED: &str =
        "0202020 is on origin/tidegate/x | pushed(tidegate/x is at 0202020) | opened…";
    const OPENED: &str = "#12 waits for 1 approval | published | opened(#12) | approved…";
    const MERGED: &str = "#12 is merged | merged(0303030 on a) | all merged";
    // What becomes known, with what follows.
    type Seen<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Seen<'_>, &str); 4] = [
        (
            &[
                ("open", OPENED),
                ("open", ""),
                (
                    "approved",
                    "#12 waits for its merge | approved(by alice) | merged…",
                ),
                ("merged", MERGED),
            ],
            "",
        ),
        (
            &[
                ("open", OPENED),
                (
                    "merged",
                    "#12 is merged | approved(nobody has to) | merged… | merged(0303030 on a) | all merged",
                ),
            ],
            "",
        ),
        (
            &[
                ("open", OPENED),
                ("closed", "#12 was closed without a merge | ended"),
            ],
            "#12 was closed without a merge",
        ),
        (
            &[("open", OPENED), ("not merged", "ended")],
            "timed out after 1m: #12 waits for 1 approval",
        ),
    ];
    for (seen, failed) in cases {
        let mut delivery = run(
            &["a"],
            Deliver::PullRequest,
            &begun(&[("published", PUSHED)]),
        );
        assert!(!delivery.is_published() && delivery.is_pushed());
        let place = delivery.parts[0].tip.name.clone();
        for (name, follows) in seen {
            let fact = match *name {
                "not merged" => Fact::NotMerged(Duration::from_mins(1)),
                name => Fact::Requested(place.clone(), pull_request(name)),
            };
            let steps = delivery.apply(THEN, fact);
            let words: Vec<String> = steps.iter().map(word).collect();
            assert_eq!(words.join(" | "), *follows, "{name}");
        }
        assert!(delivery.is_published());
        let why = delivery.verdict().and_then(Result::err);
        let why = why.map(|failure| failure.why).unwrap_or_default();
        assert_eq!(why, failed);
        if failed.is_empty() {
            assert!(!delivery.awaits_merge());
            // What merged it is what is followed.
            let at = delivery.refs();
            assert_eq!(at.get(&place), Some(&ObjectId::new([3; 20])));
        }
        let text = serde_json::to_string(&delivery).unwrap();
        let mut back: Delivery = serde_json::from_str(&text).unwrap();
        back.ended.clone_from(&delivery.ended);
        assert_eq!(back, delivery);
    }
}

/// The next process tells of what waits from where the last one was.
#[test]
fn the_clock_of_what_is_urgent_goes_on_where_it_is_taken_up() {
    let pushed = "0202020 is on origin/tidegate/x | pushed(tidegate/x is at 0202020) | opened…";
    let scenario = begun(&[("published", pushed)]);
    let mut delivery = run(&["a"], Deliver::PullRequest, &scenario);
    delivery.urgent = true;
    let place = delivery.parts[0].tip.name.clone();
    delivery.apply(THEN, Fact::Requested(place, pull_request("open")));
    delivery.clocked = 15;
    let text = serde_json::to_string(&delivery).unwrap();
    let back: Delivery = serde_json::from_str(&text).unwrap();
    for (minutes, expected) in [(14, None), (29, None), (31, Some(30)), (61, Some(60))] {
        let now = THEN + jiff::SignedDuration::from_mins(minutes);
        let told = About::kept(&back).clock(&back, now);
        assert_eq!(told.map(|(_, of)| of), expected, "{minutes}");
    }
    // One of a version that did not keep it begins anew.
    let text = text.replace("\"clocked\":15", "\"unknown\":0");
    let before: Delivery = serde_json::from_str(&text).unwrap();
    assert_eq!(before.clocked, 0);
}

#[test]
fn what_was_stopped_later_says_that_some_is_there() {
    let why = NotPublished::Failed(Failure::new(FailureKind::Interrupted, "interrupted"));
    let push = Push {
        base: tip("main"),
        commit: ObjectId::new([2; 20]),
        destination: Destination::Branch,
    };
    let done = [push.published("", None)];
    assert_eq!(
        [why.interrupted(&[]), why.interrupted(&done)].map(Option::unwrap),
        [
            "interrupted: nothing was pushed",
            "interrupted: nothing more was pushed"
        ]
    );
}
