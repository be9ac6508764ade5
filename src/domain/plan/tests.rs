use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::{Desired, DesiredCell},
    gate::testing::answered,
    ids::ServiceName,
    layout::{Assembler, Origin, testing::Small},
    rollout::Running,
    rollout::{Connection, Few, Health, LiveCell},
    subject::Subject,
    template::Template,
    topology::{Deliver, Environment, Require, Topology, WorkloadTemplate},
};

const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn environment(name: &str, from: &[&str], cluster: bool) -> Environment {
    Environment {
        name: name.into(),
        from: from.iter().map(|name| (*name).into()).collect(),
        require: Require::Any,
        agent: None,
        cluster: cluster.then(|| name.to_owned()),
        namespace: Template::literal("x"),
        workload: WorkloadTemplate::Name(Template::literal("x")),
        protected: name.starts_with("prod"),
        url: None,
        deliver: Deliver::Push,
        timeout: Duration::from_mins(1),
    }
}

/// `dev` has no cluster; `staging` follows it; `prod` follows staging and is protected; `late` follows it too, and is not.
pub(super) fn topology() -> Topology {
    Topology {
        environments: vec![
            environment("dev", &[], false),
            environment("staging", &["dev"], true),
            environment("prod", &["staging"], true),
            environment("late", &["staging"], true),
        ],
        ..Topology::default()
    }
}

/// One file per environment, a line `service version` each: what the test's editor edits.
pub(super) fn desired(cells: &[(&str, &str, &str)]) -> Desired {
    let cell = |version: &str| DesiredCell {
        version: (version != "-").then(|| version.into()),
        ..DesiredCell::default()
    };
    Desired {
        tips: Vec::new(),
        commit: ObjectId::new([1; 20]),
        services: vec![ServiceName::from("shop"), "mail".into()],
        environments: ["dev", "staging", "prod", "late"]
            .map(EnvironmentName::from)
            .to_vec(),
        cells: cells
            .iter()
            .map(|(service, env, version)| (CellKey::new(*service, *env), cell(version)))
            .collect(),
        problems: Vec::new(),
        vetoes: crate::domain::policy::veto::Vetoes::default(),
    }
}

pub(super) fn file(desired: &Desired, path: &RepoPath) -> Option<Vec<u8>> {
    let here = |key: &&CellKey| key.environment.as_str() == path.as_str();
    let lines: Vec<String> = desired
        .cells
        .keys()
        .filter(here)
        .filter_map(|key| Some(format!("{} {}\n", key.service, desired.version(key)?)))
        .collect();
    (!lines.is_empty()).then(|| lines.concat().into_bytes())
}

/// What reads those files.
pub(super) fn matrix(desired: &Desired) -> Assembler {
    let lines = r#"{ path = "{env}", regex = '(?P<service>\w+) (?P<v>\S+)' }"#;
    let files: Vec<(String, Vec<u8>)> = desired
        .environments
        .iter()
        .filter_map(|env| Some((env.to_string(), file(desired, &env.as_str().into())?)))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), str::from_utf8(text).unwrap()))
        .collect();
    Small::new(lines, &["dev", "staging", "prod", "late"], &files).assembler()
}

pub(super) fn edit(
    key: &CellKey,
    version: Option<&Version>,
    _: Option<ObjectId>,
    read: build::ReadFile<'_>,
) -> Result<Vec<FileEdit>, (SkipCause, String)> {
    let path = RepoPath::from(key.environment.as_str());
    let refused = || {
        (
            SkipCause::NotDeclared,
            format!("{path} has no {}", key.service),
        )
    };
    let before = read(&Origin::default(), &path).ok_or_else(refused)?;
    let text = String::from_utf8(before.clone()).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(key.service.as_str()))
        .ok_or_else(refused)?;
    let after = text.replace(line, &format!("{} {}", key.service, version.unwrap()));
    Ok(vec![FileEdit {
        path,
        before,
        after: after.into_bytes(),
    }])
}

pub(super) fn request(service: &str, environment: &str, intent: Intent) -> ChangeRequest {
    ChangeRequest {
        cell: CellKey::new(service, environment),
        intent,
        came: Came::Named,
    }
}

pub(super) fn promote(from: &str) -> Intent {
    Intent::Promote { from: from.into() }
}

fn set(version: &str) -> Intent {
    Intent::Set {
        version: version.into(),
    }
}

fn live(version: &str, pods: u32) -> LiveCell {
    LiveCell {
        health: Health::Healthy,
        versions: Few::from_iter([(version.into(), pods)]),
        serving: Some(version.into()),
        ready: pods,
        desired: pods,
        ..LiveCell::unknown("", at(-2))
    }
}

fn facts(staging: Connection, cell: Option<LiveCell>) -> Running {
    Running {
        live: cell
            .into_iter()
            .map(|cell| (CellKey::new("shop", "staging"), cell.into()))
            .collect(),
        connections: BTreeMap::from([("staging".into(), staging)]),
    }
}

pub(super) fn plan_with(
    topology: &Topology,
    desired: &Desired,
    facts: &Running,
    overrides: &[Override],
    requests: &[ChangeRequest],
) -> Plan {
    planned_by(false, topology, desired, facts, overrides, requests)
}

fn planned_by(
    leave_out: bool,
    topology: &Topology,
    desired: &Desired,
    facts: &Running,
    overrides: &[Override],
    requests: &[ChangeRequest],
) -> Plan {
    planned_with(
        &edit, leave_out, topology, desired, facts, overrides, requests,
    )
}

fn planned_with(
    edit: EditCell<'_>,
    leave_out: bool,
    topology: &Topology,
    desired: &Desired,
    facts: &Running,
    overrides: &[Override],
    requests: &[ChangeRequest],
) -> Plan {
    let request = PlanRequest {
        changes: requests.to_vec(),
        overrides: overrides.to_vec(),
        leave_out,
        ..PlanRequest::default()
    };
    planned_of(&request, edit, topology, desired, facts)
}

pub(super) fn planned_of(
    request: &PlanRequest,
    edit: EditCell<'_>,
    topology: &Topology,
    desired: &Desired,
    facts: &Running,
) -> Plan {
    build(&PlanInput {
        request,
        desired,
        topology,
        ask: &|questions| answered(questions, facts, |_| Ok(Arc::default()), at(0)),
        matrix: &|_| matrix(desired),
        files: &|_, path| file(desired, path),
        absent: &|_| None,
        beside: &|_, _| Vec::new(),
        moved_beside: &|_, _| Vec::new(),
        merge: &|_, _| None,
        tag: &|_, _, _| None,
        together: &|_, _| Vec::new(),
        edit,
        now: at(0),
    })
}

#[test]
fn no_write_is_planned_that_changes_no_byte() {
    let desired = desired(&[
        ("shop", "dev", "2"),
        ("mail", "dev", "5"),
        ("shop", "staging", "1"),
        ("mail", "staging", "4"),
    ]);
    let told = |edit: EditCell<'_>, services: &[&str]| {
        let requests: Vec<ChangeRequest> = services
            .iter()
            .map(|service| request(service, "staging", promote("dev")))
            .collect();
        let plan = planned_with(
            edit,
            false,
            &topology(),
            &desired,
            &Running::default(),
            &[],
            &requests,
        );
        assert!(plan.edits().all(|edit| edit.before != edit.after));
        assert_eq!(plan.changes.is_empty(), plan.waves.is_empty());
        let skipped = plan.skipped.iter();
        let skipped = skipped.map(|skip| format!("{} {}", skip.cell.service, skip.cause.as_str()));
        let changes = plan.changes.iter();
        let changes = changes.map(|it| it.cell.service.to_string());
        changes.chain(skipped).collect::<Vec<String>>()
    };
    let same = |path: &str| {
        let before = file(&desired, &path.into()).unwrap();
        FileEdit {
            path: path.into(),
            after: before.clone(),
            before,
        }
    };
    let both = ["shop", "mail"];
    let there = ["shop already-there", "mail already-there"];
    assert_eq!(told(&|_, _, _, _| Ok(Vec::new()), &both), there, "no edit");
    let nothing =
        |_: &CellKey, _: Option<&Version>, _: Option<ObjectId>, _: build::ReadFile<'_>| {
            Ok(vec![same("staging"), same("dev")])
        };
    assert_eq!(told(&nothing, &both), there, "edits of nothing");
    // A file that stays as it is beside one that does not.
    let one = |key: &CellKey, version: Option<&Version>, at, read: build::ReadFile<'_>| {
        let mut edits = edit(key, version, at, read)?;
        edits.push(same("dev"));
        Ok(edits)
    };
    assert_eq!(told(&one, &both), ["shop", "mail"], "one of two files");
    // One edit takes back what another has done.
    let swapped =
        |key: &CellKey, _: Option<&Version>, _: Option<ObjectId>, read: build::ReadFile<'_>| {
            let path = RepoPath::from("staging");
            let before = read(&Origin::default(), &path).unwrap();
            let text = String::from_utf8(before.clone()).unwrap();
            let (from, to) = if key.service.as_str() == "shop" {
                ("shop 1", "shop 2")
            } else {
                ("shop 2", "shop 1")
            };
            let after = text.replace(from, to).into_bytes();
            Ok(vec![FileEdit {
                path,
                before,
                after,
            }])
        };
    let told = told(&swapped, &both);
    assert!(told.iter().all(|it| it.contains(' ')), "{told:?}");
}

#[test]
fn changes_to_one_file_compose_and_skips_are_enumerated() {
    let desired = desired(&[
        ("shop", "dev", "2"),
        ("mail", "dev", "5"),
        ("gone", "dev", "-"),
        ("shop", "staging", "1"),
        ("mail", "staging", "4"),
        ("gone", "staging", "1"),
        ("same", "dev", "9"),
        ("same", "staging", "9"),
        ("new", "dev", "1"),
    ]);
    let requests = ["shop", "mail", "gone", "same", "new"]
        .map(|service| request(service, "staging", promote("dev")));
    let plan = plan_with(&topology(), &desired, &Running::default(), &[], &requests);
    let changed: Vec<_> = plan
        .changes
        .iter()
        .map(|change| change.cell.service.as_str())
        .collect();
    assert_eq!(changed, ["shop", "mail"]);
    let skipped: Vec<_> = plan
        .skipped
        .iter()
        .map(|skip| (skip.cell.service.as_str(), skip.cause, skip.detail.as_str()))
        .collect();
    assert_eq!(
        skipped,
        [
            (
                "gone",
                SkipCause::NotInUpstream,
                "dev declares no version of gone; give it one there first, or set one by hand"
            ),
            (
                "same",
                SkipCause::AlreadyThere,
                "staging declares 9 already"
            ),
            ("new", SkipCause::NotDeclared, "staging has no new"),
        ]
    );
    let edits: Vec<_> = plan.edits().collect();
    assert_eq!(edits.len(), 1, "one file, edited twice");
    assert_eq!(edits[0].before, b"gone 1\nmail 4\nsame 9\nshop 1\n");
    assert_eq!(edits[0].after, b"gone 1\nmail 5\nsame 9\nshop 2\n");
}

#[test]
fn what_is_held_is_left_out_with_its_reason() {
    let desired = desired(&[
        ("shop", "dev", "2"),
        ("shop", "staging", "1"),
        ("mail", "dev", "5"),
        ("mail", "staging", "4"),
        ("shop", "prod", "1"),
    ]);
    let requests = [
        request("shop", "staging", set("9")),
        request("mail", "staging", promote("dev")),
        request("shop", "prod", set("1")),
    ];
    let without = |overrides: &[Override]| {
        let facts = Running::default();
        planned_by(true, &topology(), &desired, &facts, overrides, &requests)
    };
    let plan = without(&[]);
    let changed: Vec<_> = plan.changes.iter().map(|c| c.cell.to_string()).collect();
    assert_eq!(changed, ["mail / staging"]);
    assert!(plan.held().next().is_none());
    let skipped: Vec<_> = plan
        .skipped
        .iter()
        .map(|skip| (skip.cell.to_string(), skip.cause, skip.detail.as_str()))
        .collect();
    assert_eq!(
        skipped,
        [
            (
                "shop / prod".to_owned(),
                SkipCause::AlreadyThere,
                "prod declares 1 already"
            ),
            (
                "shop / staging".to_owned(),
                SkipCause::Held,
                "upstream: dev declares 2, not 9"
            ),
        ]
    );
    let edits: Vec<_> = plan.edits().collect();
    assert_eq!(edits.len(), 1);
    assert_eq!(
        edits[0].after, b"mail 5\nshop 1\n",
        "no byte of what is left out"
    );

    let lifted = [Override {
        gate: "upstream".to_owned(),
        reason: "outage".to_owned(),
    }];
    assert_eq!(without(&lifted).changes.len(), 2, "what is lifted goes");
}

#[test]
fn what_pods_cannot_show_is_judged_by_git_alone() {
    let mut desired = desired(&[("shop", "staging", "2"), ("shop", "prod", "1")]);
    for cell in desired.cells.values_mut() {
        cell.subject = Subject::Chart;
    }
    let lost = Connection::Lost {
        reason: "connection refused".into(),
        since: at(-240),
        next_try: None,
    };
    let unseen = LiveCell {
        hidden: true,
        ..live("7.1", 3)
    };
    let gone = LiveCell {
        health: Health::Missing,
        ..unseen.clone()
    };
    let git = "staging declares 2; what runs is not visible for a chart version";
    let beside = format!("{git}; its workload is healthy, seen 2s ago");
    let cases = [
        (
            Subject::Chart,
            facts(Connection::Live, Some(unseen.clone())),
            beside.clone(),
        ),
        (
            Subject::Chart,
            facts(Connection::Live, Some(gone)),
            git.to_owned(),
        ),
        (Subject::Chart, facts(lost, None), git.to_owned()),
        (
            Subject::Unsure,
            facts(Connection::Live, Some(unseen)),
            beside.replace("a chart version", "a value that no container carries"),
        ),
    ];
    for (subject, facts, detail) in cases {
        for cell in desired.cells.values_mut() {
            cell.subject = subject;
        }
        let requests = [request("shop", "prod", promote("staging"))];
        let plan = plan_with(&topology(), &desired, &facts, &[], &requests);
        let verdict = &plan.changes[0].verdicts[0];
        assert_eq!((verdict.outcome, &verdict.detail), (Outcome::Pass, &detail));
    }
}

#[test]
fn the_upstream_gate() {
    let desired = desired(&[
        ("shop", "dev", "2"),
        ("shop", "staging", "2"),
        ("shop", "prod", "1"),
        ("shop", "late", "1"),
    ]);
    let lost = || Connection::Lost {
        reason: "connection refused".into(),
        since: at(-240),
        next_try: None,
    };
    let unknown = LiveCell::unknown("403: list pods", at(0));
    let stale = LiveCell {
        stale: true,
        ..live("2", 3)
    };
    let cases = [
        (
            "declares and runs it",
            facts(Connection::Live, Some(live("2", 3))),
            request("shop", "prod", promote("staging")),
            Outcome::Pass,
            "staging declares 2 and runs it in 3 of 3 pods, seen 2s ago",
        ),
        (
            "declares it, runs another",
            facts(Connection::Live, Some(live("1", 3))),
            request("shop", "prod", promote("staging")),
            Outcome::Hold,
            "staging declares 2 but runs 1, seen 2s ago",
        ),
        (
            "does not declare it",
            facts(Connection::Live, Some(live("2", 3))),
            request("shop", "prod", set("3")),
            Outcome::Hold,
            "staging declares 2, not 3",
        ),
        (
            "one step is skipped: the real upstream decides",
            facts(Connection::Live, Some(live("2", 3))),
            request("shop", "prod", promote("dev")),
            Outcome::Pass,
            "staging declares 2 and runs it in 3 of 3 pods, seen 2s ago",
        ),
        (
            "no cluster upstream: Git alone",
            Running::default(),
            request("shop", "staging", set("2.0")),
            Outcome::Hold,
            "dev declares 2, not 2.0",
        ),
        (
            "no upstream",
            Running::default(),
            request("shop", "dev", set("3")),
            Outcome::Pass,
            "dev has no upstream (`from`)",
        ),
        (
            "unreachable holds where it is protected",
            facts(lost(), None),
            request("shop", "prod", promote("staging")),
            Outcome::Hold,
            "not known: staging declares 2; its cluster has not answered for 4m: connection refused",
        ),
        (
            "unreachable warns elsewhere",
            facts(lost(), None),
            request("shop", "late", promote("staging")),
            Outcome::Unknown,
            "not known: staging declares 2; its cluster has not answered for 4m: connection refused",
        ),
        (
            "not asked",
            Running::default(),
            request("shop", "late", promote("staging")),
            Outcome::Unknown,
            "not known: staging declares 2; its cluster was not asked",
        ),
        (
            "denied",
            facts(
                Connection::Denied {
                    what: "pods".into(),
                },
                Some(unknown),
            ),
            request("shop", "prod", promote("staging")),
            Outcome::Hold,
            "not known: staging declares 2; what runs there is not known: 403: list pods",
        ),
        (
            "stale",
            facts(Connection::Live, Some(stale)),
            request("shop", "late", promote("staging")),
            Outcome::Unknown,
            "not known: staging declares 2; what runs there was last seen 2s ago",
        ),
        (
            "going back is never stopped",
            Running::default(),
            request(
                "shop",
                "prod",
                Intent::Revert {
                    to: Some("0.9".into()),
                    at: None,
                },
            ),
            Outcome::Pass,
            "a revert: nothing stops going back",
        ),
    ];
    for (name, facts, request, outcome, detail) in cases {
        let plan = plan_with(&topology(), &desired, &facts, &[], &[request]);
        let verdict = &plan.changes[0].verdicts[0];
        assert_eq!(
            (verdict.outcome, verdict.detail.as_str()),
            (outcome, detail),
            "{name}"
        );
        assert_eq!(
            plan.held().count(),
            usize::from(outcome == Outcome::Hold),
            "{name}"
        );
        assert_eq!(
            plan.edits().count(),
            1,
            "{name}: what is held stays in the plan"
        );
    }
}

#[test]
fn any_or_all_upstreams() {
    let desired = desired(&[("shop", "a", "2"), ("shop", "b", "1"), ("shop", "c", "1")]);
    let mut topology = Topology {
        environments: vec![
            environment("a", &[], false),
            environment("b", &[], false),
            environment("c", &["a", "b"], false),
        ],
        ..Topology::default()
    };
    for (require, outcome) in [(Require::Any, Outcome::Pass), (Require::All, Outcome::Hold)] {
        topology.environments[2].require = require;
        let plan = plan_with(
            &topology,
            &desired,
            &Running::default(),
            &[],
            &[request("shop", "c", promote("a"))],
        );
        assert_eq!(plan.changes[0].verdicts[0].outcome, outcome, "{require:?}");
    }
}

#[test]
fn mutable_versions_hold_where_protected_and_an_override_lifts() {
    let desired = desired(&[("shop", "dev", "1"), ("shop", "prod", "1")]);
    let judged = |environment: &str, version: &str, overrides: &[Override]| {
        let topology = Topology {
            environments: vec![environment_named("dev"), environment_named("prod")],
            ..Topology::default()
        };
        let requests = [request("shop", environment, set(version))];
        let plan = plan_with(
            &topology,
            &desired,
            &Running::default(),
            overrides,
            &requests,
        );
        let verdict = plan.changes[0].verdicts[1].clone();
        (verdict.outcome, verdict.overridden, plan.held().count())
    };
    fn environment_named(name: &str) -> Environment {
        environment(name, &[], false)
    }
    assert_eq!(judged("dev", "2.0.1", &[]), (Outcome::Pass, None, 0));
    assert_eq!(judged("dev", "latest", &[]), (Outcome::Warn, None, 0));
    assert_eq!(
        judged("dev", "staging", &[]),
        (Outcome::Warn, None, 0),
        "an environment's name"
    );
    assert_eq!(judged("prod", "latest", &[]), (Outcome::Hold, None, 1));
    let lifted = Override {
        gate: "immutable".into(),
        reason: "vendor image".into(),
    };
    assert_eq!(
        judged("prod", "latest", &[lifted]),
        (Outcome::Hold, Some("vendor image".into()), 0)
    );
}

#[test]
fn a_plan_is_the_same_by_bytes_and_verdicts() {
    let before = desired(&[
        ("shop", "dev", "2"),
        ("shop", "staging", "1"),
        ("mail", "prod", "1"),
    ]);
    let requests = [request("shop", "staging", promote("dev"))];
    let plan =
        |desired: &Desired| plan_with(&topology(), desired, &Running::default(), &[], &requests);
    let confirmed = plan(&before);
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str, &'a str)], bool);
    let cases: [Case<'_>; 4] = [
        (
            "something else moved",
            &[
                ("shop", "dev", "2"),
                ("shop", "staging", "1"),
                ("mail", "prod", "7"),
            ],
            true,
        ),
        (
            "the upstream moved",
            &[
                ("shop", "dev", "3"),
                ("shop", "staging", "1"),
                ("mail", "prod", "1"),
            ],
            false,
        ),
        (
            "the file changed",
            &[
                ("shop", "dev", "2"),
                ("shop", "staging", "1"),
                ("mail", "staging", "1"),
            ],
            false,
        ),
        (
            "somebody did it already",
            &[
                ("shop", "dev", "2"),
                ("shop", "staging", "2"),
                ("mail", "prod", "1"),
            ],
            false,
        ),
    ];
    for (name, cells, expected) in cases {
        let mut moved = desired(cells);
        moved.commit = ObjectId::new([2; 20]);
        assert_eq!(confirmed.digest == plan(&moved).digest, expected, "{name}");
    }
}

#[test]
fn what_can_be_no_version_is_neither_set_nor_copied() {
    let mut desired = desired(&[
        ("shop", "staging", "1"),
        ("shop", "prod", "1"),
        ("mail", "staging", "1"),
    ]);
    let (staging, prod) = (
        CellKey::new("shop", "staging"),
        CellKey::new("shop", "prod"),
    );
    for key in [&staging, &prod] {
        let cell = desired.cells.get_mut(key).unwrap();
        cell.grammar = crate::domain::grammar::Grammar::Image;
        cell.sources = vec![crate::domain::desired::Source {
            path: "staging.yaml".into(),
            line: 7,
        }];
    }
    let skip = |desired: &Desired, request: ChangeRequest| {
        let plan = plan_with(&topology(), desired, &Running::default(), &[], &[request]);
        let skip = plan.skipped.first().cloned();
        skip.map_or_else(String::new, |skip| {
            format!("{}: {}", skip.cause.as_str(), skip.detail)
        })
    };
    let set = |text: &str| skip(&desired, request("shop", "prod", set(text)));
    assert_eq!(set("2"), "");
    assert!(
        set("r/shop:2").starts_with("not-parseable: `r/shop:2` is no image tag"),
        "{}",
        set("r/shop:2")
    );
    let going_back = Intent::Revert {
        to: Some("sha256:aa".into()),
        at: None,
    };
    assert_eq!(
        skip(&desired, request("shop", "prod", going_back)),
        "",
        "nothing stops going back"
    );
    let broken = ["sha256:aa", "1@sha256:aa"];
    for text in broken {
        let mut desired = desired.clone();
        desired.cells.get_mut(&staging).unwrap().version = Some(text.into());
        let found = skip(&desired, request("shop", "prod", promote("staging")));
        assert!(
            found.starts_with(&format!(
                "not-parseable: staging.yaml:7: `{text}` is no digest"
            )),
            "{found}"
        );
        assert!(
            found.ends_with("it is not copied. Mend it in staging"),
            "{found}"
        );
    }
}
