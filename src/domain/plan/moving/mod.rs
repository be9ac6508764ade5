//! Tests of plans over files from which an edit moves more cells than it was asked to.

mod cases;
mod property;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cases::{CASES, STAGING};
use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::{Desired, Tip},
    gate::testing::nothing,
    layout::{self, LayoutSet, Origin, testing::Small},
    topology::Topology,
};

/// A file for each environment, a mapping of services in it.
const FILES: &str = r#"{ path = "{env:$envs}.yaml", yaml = "{service}.image.tag" }"#;
/// One file, a mapping of environments in it.
const KEYS: &str = r#"{ path = "versions.yaml", yaml = "{env:$envs}.{service}" }"#;
/// A default file that dev has as its own.
const DEFAULTS: &str = r#"{ path = "{service}/values.yaml", env_name = "dev", yaml = "tag" },
    { path = "{service}/values-{env}.yaml", yaml = "tag", else = [{ path = "{service}/values.yaml", yaml = "tag" }] }"#;
/// One line for every column that has no file of its own; staging has it as its own.
const ONE_LINE: &str = r#"{ path = "all/{service}", env_name = "staging", regex = 'v=(?P<v>\S+)' },
    { path = "own/{service}/{env:dev|prod}", regex = 'v=(?P<v>\S+)', service = "all/{service}", else = [{ path = "all/{service}", regex = 'v=(?P<v>\S+)' }] }"#;
/// One file that is two environments' own, and an image string that is two rows'.
const SHARED: &str = r#"{ path = "shared/{service}.yaml", yaml = "tag", env_name = "staging" },
    { path = "shared/{service}.yaml", yaml = "tag", env_name = "prod" },
    { path = "shared/{service}.yaml", yaml = "image", part = "tag", env_name = "dev" },
    { path = "shared/{service}.yaml", yaml = "image", part = '/-(?P<v>\d+)$/', env_name = "dev", row = "{service}-chart" }"#;
/// A row for each list, the item shared by an anchor.
const LISTS: &str = r#"{ path = "{env:$envs}.yaml", yaml = "{service}.images[*].tag" }"#;
/// The text that is edited is part of another row's name.
const NAMED_BY_VERSION: &str = r#"{ path = "{env}.yaml", yaml = "tag", row = "web" },
    { path = "{env}.yaml", yaml = "chart", name = "tag", row = "chart-{name}" }"#;
/// Items of one name, which are one cell.
const TWICE: &str = r#"{ path = "{env:$envs}.yaml", yaml = "images[*]{n={service}}.t" }"#;
const MANIFEST: &str = r#"{ preset = "manifest", path = "{env:$envs}/{service}.yaml" }"#;
const POD: &str = "kind: Pod\nspec: {containers: [{name: web, image: r/web:1}]}\n";
const KUSTOMIZE: &str = r#"{ preset = "kustomize", path = "{env:$envs}.yaml" }"#;

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// What is asked for: `web/prod < staging` promotes, `web/prod = 2` sets, `web/prod ~ 1` reverts, `web/prod ~` restores what
/// is inherited.
fn request(text: &str) -> ChangeRequest {
    let (cell, rest) = text.split_once(' ').unwrap();
    let (service, environment) = cell.split_once('/').unwrap();
    let (sign, value) = rest.split_at(1);
    let value = value.trim();
    let intent = match sign {
        "<" => Intent::Promote { from: value.into() },
        "=" => Intent::Set {
            version: value.into(),
        },
        _ => Intent::Revert {
            to: (!value.is_empty()).then(|| value.into()),
            at: None,
        },
    };
    ChangeRequest {
        cell: CellKey::new(service, environment),
        intent,
        came: Came::Named,
    }
}

fn planned(
    small: &Small,
    requests: &[ChangeRequest],
    accepted: &[Accept],
    leave_out: bool,
) -> Plan {
    let request = PlanRequest {
        changes: requests.to_vec(),
        accepted: accepted.to_vec(),
        leave_out,
        ..PlanRequest::default()
    };
    let (desired, topology) = (small.desired(), Topology::default());
    plan_of(small, &desired, &topology, &request, &|_| small.assembler())
}

/// The plan of a request on a repository of one ref, which may be read in several ways.
fn plan_of(
    small: &Small,
    desired: &Desired,
    topology: &Topology,
    request: &PlanRequest,
    matrix: MatrixOf<'_>,
) -> Plan {
    let file = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    build(&PlanInput {
        request,
        desired,
        topology,
        ask: &nothing,
        absent: &|_| None,
        beside: &|cells, after| layout::left_beside(&small.layouts, desired, cells, &file, after),
        moved_beside: &|origin, edits| {
            layout::moved_beside(&small.layouts, desired, origin, edits, &file)
        },
        files: &file,
        together: &|changes, read| layout::edit_together(&small.layouts, desired, changes, read),
        edit: &|key, version, _, read| {
            layout::edit_cell(&small.layouts, desired, key, version, read)
        },
        matrix,
        merge: &|_, _| None,
        tag: &|_, _, _| None,
        now: Timestamp::UNIX_EPOCH,
    })
}

/// The repository with the plan's bytes.
fn carried_out(small: &Small, plan: &Plan) -> Desired {
    let mut files = small.files.clone();
    for edit in plan.edits() {
        files.insert(edit.path.clone(), edit.after.clone());
    }
    Small {
        layouts: small.layouts.clone(),
        environments: small.environments.clone(),
        files,
    }
    .desired()
}

/// Says what a plan hides, or says and does not do.
fn lie(small: &Small, plan: &Plan) -> Option<String> {
    let (before, after) = (small.desired(), carried_out(small, plan));
    let listed: BTreeMap<&CellKey, &PlannedChange> =
        plan.changes.iter().map(|it| (&it.cell, it)).collect();
    if listed.len() != plan.changes.len() {
        return Some("a cell is listed twice".to_owned());
    }
    let keys: BTreeSet<&CellKey> = before.cells.keys().chain(after.cells.keys()).collect();
    for key in keys {
        let (from, to) = (before.version(key), after.version(key));
        match listed.get(key) {
            None if from != to => return Some(format!("{key} moves {from:?} → {to:?} unnamed")),
            Some(change) if change.from.as_ref() != from => {
                return Some(format!("{key} is said to come from {:?}", change.from));
            }
            Some(change) if change.to.as_ref() != to => {
                // A restored cell is said to be inherited, and what it inherits.
                let inherited = change.is_restored() && after.cells[key].inherited;
                if !inherited || change.inherits.as_ref() != to {
                    return Some(format!("{key} is {to:?}, said {:?}", change.to));
                }
            }
            _ => {}
        }
    }
    let written: BTreeSet<&CellKey> = plan.writes().flat_map(|it| &it.cells).collect();
    let unwritten = plan.changes.iter().find(|it| !written.contains(&it.cell));
    unwritten.map(|change| format!("{} is in no write", change.cell))
}

/// A plan in lines: `web/prod 1 2`, what comes along with a `+` and `held` or `accepted`, `- web/prod conflict` of what is
/// skipped.
fn lines(plan: &Plan) -> Vec<String> {
    let changes = plan.changes.iter().map(|change| {
        let from = change.from.as_ref().map_or("-", Version::as_str);
        let step = format!("{} {from} {}", written(&change.cell), change.after());
        match (&change.along, change.is_unaccepted()) {
            (None, _) => step,
            (Some(_), true) => format!("+ {step} held"),
            (Some(_), false) => format!("+ {step} accepted"),
        }
    });
    let skipped = plan.skipped.iter();
    let skipped = skipped.map(|skip| format!("- {} {}", written(&skip.cell), skip.cause.as_str()));
    changes.chain(skipped).collect()
}

#[test]
fn what_moves_with_an_edit_is_in_the_plan() {
    let mut wrong = Vec::new();
    for case in CASES {
        let small = Small::new(case.layouts, &ENVIRONMENTS, case.files);
        let requests: Vec<_> = case.asked.iter().map(|text| request(text)).collect();
        let plan = planned(&small, &requests, &[], false);
        if lines(&plan) != case.expected {
            wrong.push(format!("{}: {:#?}", case.name, lines(&plan)));
            continue;
        }
        assert_eq!(lie(&small, &plan), None, "{}", case.name);
        // Accepted, it is the same plan, and nothing holds it.
        let plan = planned(&small, &requests, &[Accept::All], false);
        let accepted: Vec<String> = case
            .expected
            .iter()
            .map(|line| line.replace("held", "accepted"))
            .collect();
        assert_eq!(lines(&plan), accepted, "{}", case.name);
        assert!(plan.held().next().is_none(), "{}", case.name);
        // Left out, nothing moves that was not asked for.
        let plan = planned(&small, &requests, &[], true);
        assert!(
            plan.changes.iter().all(|it| it.along.is_none()),
            "{}",
            case.name
        );
        assert_eq!(lie(&small, &plan), None, "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_two_values_the_other_place_is_written() {
    let prod = "images: [{n: web, t: 1}, {n: web, t: 2}, {n: web, t: 1}, {n: api, t: 2}]\n";
    for (wanted, expected) in [
        ("1", prod.replacen("web, t: 2", "web, t: 1", 1)),
        ("2", prod.replace("t: 1", "t: 2")),
    ] {
        let small = Small::new(TWICE, &ENVIRONMENTS, &[("prod.yaml", prod)]);
        let plan = planned(
            &small,
            &[request(&format!("web/prod = {wanted}"))],
            &[],
            false,
        );
        let edits: Vec<&FileEdit> = plan.edits().collect();
        assert_eq!(edits.len(), 1, "{wanted}");
        assert_eq!(
            String::from_utf8_lossy(&edits[0].after),
            expected,
            "{wanted}"
        );
    }
    let staging = "images: [{n: web, t: 1}, {n: web, t: 2}]\n";
    let files = [
        ("staging.yaml", staging),
        ("prod.yaml", "images: [{n: web, t: 0}]\n"),
    ];
    let small = Small::new(TWICE, &ENVIRONMENTS, &files);
    let plan = planned(&small, &[request("web/prod < staging")], &[], false);
    let detail = &plan.skipped[0].detail;
    assert!(
        detail.starts_with("staging.yaml:1: web / staging is 2 here and 1 at line 1"),
        "{detail}"
    );
}

#[test]
fn what_stands_beside_and_stays_is_named() {
    let layouts =
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web", also = [{ yaml = "chart" }] }"#;
    let told = |staging: &str, prod: &str, asked: &str| {
        let files = [("staging.yaml", staging), ("prod.yaml", prod)];
        let small = Small::new(layouts, &ENVIRONMENTS, &files);
        let plan = planned(&small, &[request(asked)], &[], false);
        assert_eq!(plan.changes.len(), 1, "{asked}: {:?}", plan.skipped);
        let verdicts = plan.changes[0].verdicts.iter();
        let also = verdicts.filter(|verdict| verdict.gate == "also");
        let also: Vec<String> = also.map(|verdict| verdict.detail.clone()).collect();
        also.join("\n")
    };
    let (differs, other) = ("tag: 1\nchart: 0.1.0\n", "tag: 2\nchart: 0.2.0\n");
    let said = told(other, differs, "web/prod = 3");
    assert!(
        said.starts_with(
            "prod.yaml:2: 0.1.0 stays as it is (`also[0]`): nothing says what goes with 3"
        ),
        "{said}"
    );
    let silent = [
        (
            "copied from where both stand",
            other,
            differs,
            "web/prod < staging",
        ),
        (
            "the same there",
            "tag: 2\nchart: 0.1.0\n",
            differs,
            "web/prod < staging",
        ),
        ("a copy moves", other, "tag: 1\nchart: 1\n", "web/prod = 3"),
        (
            "it has it already",
            other,
            "tag: 1\nchart: 3\n",
            "web/prod = 3",
        ),
    ];
    for (name, staging, prod, asked) in silent {
        assert_eq!(told(staging, prod, asked), "", "{name}");
    }
}

#[test]
fn a_comment_that_says_what_the_version_was_is_named() {
    let layouts =
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web", carry = "trailing-comment" }"#;
    let told = |staging: &str, prod: &str, asked: &str| {
        let files = [("staging.yaml", staging), ("prod.yaml", prod)];
        let small = Small::new(layouts, &ENVIRONMENTS, &files);
        let plan = planned(&small, &[request(asked)], &[], false);
        let verdicts = plan.changes[0].verdicts.iter();
        let carry = verdicts.filter(|verdict| verdict.gate == "carry");
        assert!(plan.held().next().is_none(), "{asked}");
        let edits = plan
            .edits()
            .map(|edit| String::from_utf8_lossy(&edit.after).into_owned());
        (
            carry.map(|it| it.detail.clone()).collect::<String>(),
            edits.collect::<String>(),
        )
    };
    let (says, after) = told("tag: b # v2\n", "tag: a # v1\n", "web/prod = c");
    assert!(
        says.starts_with("prod.yaml:1: the comment `# v1` stays as it is (`carry`): nothing says what it is with c"),
        "{says}"
    );
    assert_eq!(after, "tag: c # v1\n");
    let silent = [
        (
            "promoted with it",
            "tag: b # v2\n",
            "tag: a # v1\n",
            "web/prod < staging",
            "tag: b # v2\n",
        ),
        (
            "the same there",
            "tag: b # ours\n",
            "tag: a # ours\n",
            "web/prod < staging",
            "tag: b # ours\n",
        ),
        (
            "it repeats the version",
            "tag: b\n",
            "tag: a # a\n",
            "web/prod = c",
            "tag: c # c\n",
        ),
        (
            "it has it already",
            "tag: b\n",
            "tag: a # c\n",
            "web/prod = c",
            "tag: c # c\n",
        ),
        (
            "there is none",
            "tag: b # v2\n",
            "tag: a\n",
            "web/prod = c",
            "tag: c\n",
        ),
    ];
    for (name, staging, prod, asked, expected) in silent {
        assert_eq!(
            told(staging, prod, asked),
            (String::new(), expected.to_owned()),
            "{name}"
        );
    }
    // Without `carry` a comment is nobody's business.
    let small = Small::new(
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web" }"#,
        &ENVIRONMENTS,
        &[("prod.yaml", "tag: a # v1\n")],
    );
    let plan = planned(&small, &[request("web/prod = c")], &[], false);
    assert!(plan.changes[0].verdicts.iter().all(|it| it.gate != "carry"));
}

#[test]
fn the_sentences_name_the_cells() {
    let prod = "web: {image: &img {tag: 1}}\nworker: {image: *img}\n";
    let small = Small::new(FILES, &ENVIRONMENTS, &[STAGING, ("prod.yaml", prod)]);
    let requests = ["web/prod < staging", "worker/prod < staging"].map(request);
    let plan = planned(&small, &requests, &[], false);
    let along = &plan.changes[1];
    assert_eq!(
        along.verdicts.last().unwrap().detail,
        "9 was asked for here, and it moves with the edit of web / prod"
    );
    assert!(
        plan.skipped[0]
            .detail
            .starts_with("9 was asked for, but the edit of web / prod makes it 2: "),
        "{}",
        plan.skipped[0].detail
    );
    // It is called a promotion only where the upstream has that version.
    assert_eq!(along.verb(), "set");
    assert_eq!(plan.changes[0].verb(), "promote");
}

#[test]
fn what_is_left_out_takes_with_it_only_what_it_moves() {
    let prod =
        "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\ncron: {image: {tag: 1}}\n";
    let small = Small::new(FILES, &ENVIRONMENTS, &[STAGING, ("prod.yaml", prod)]);
    let requests = ["web/prod < staging", "cron/prod < staging"].map(request);
    let plan = planned(&small, &requests, &[], true);
    assert_eq!(lines(&plan), ["cron/prod 1 2", "- web/prod held"]);
    assert_eq!(
        plan.skipped[0].detail,
        "it would bring worker / prod along, which is held: along: nobody named it: it moves with the edit of web / prod; accept it with --along worker/prod"
    );
}

#[test]
fn cells_are_accepted_by_name_by_pattern_and_all() {
    let cell = CellKey::new("team/web", "prod-eu");
    let cases = [
        ("all", Some(true)),
        ("team/web/prod-eu", Some(true)),
        ("*/prod-*", Some(true)),
        ("*/prod", Some(false)),
        ("web/prod-eu", Some(false)),
        ("*", None),
        ("web", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let accept = Accept::parse(text);
        assert_eq!(accept.map(|it| it.covers(&cell)), expected, "{text}");
    }
    assert!(Accept::Cell(cell.clone()).covers(&cell));
    assert!(!Accept::Cell(cell).covers(&CellKey::new("*", "*")));
}

/// An override is for cells that were named, or accepted.
#[test]
fn an_override_lifts_nothing_of_what_only_came_along() {
    let prod = "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\n";
    let small = Small::new(FILES, &ENVIRONMENTS, &[("prod.yaml", prod)]);
    let desired = small.desired();
    let topology = tests::topology();
    let overrides = [
        Override {
            gate: "upstream".to_owned(),
            reason: "outage".to_owned(),
        },
        Override {
            gate: ALONG.to_owned(),
            reason: "outage".to_owned(),
        },
    ];
    let held = |accepted: &[Accept]| {
        let request = PlanRequest {
            changes: vec![request("web/prod = 2")],
            overrides: overrides.to_vec(),
            accepted: accepted.to_vec(),
            ..PlanRequest::default()
        };
        let plan = plan_of(&small, &desired, &topology, &request, &|_| {
            small.assembler()
        });
        let gates = plan.changes.iter().map(|change| {
            let held = change.verdicts.iter().filter(|verdict| verdict.holds());
            held.map(|verdict| verdict.gate.clone()).collect::<Vec<_>>()
        });
        gates.collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(
        held(&[]),
        [none.clone(), vec!["upstream".into(), "along".into()]]
    );
    let worker = Accept::Like("worker/*".to_owned());
    assert_eq!(held(&[worker]), [none.clone(), none]);
}

/// A ref that is read as the one of all environments, and as one of its own.
#[test]
fn a_ref_that_is_read_in_two_ways_moves_the_cells_of_both() {
    let layouts = r#"{ path = "shop.txt", env_name = "staging", regex = '(?P<service>\w+)=(?P<v>\S+)' },
        { refs = "refs/heads/{env}", path = "shop.txt", regex = '(?P<service>\w+)=(?P<v>\S+)' }"#;
    let small = Small::new(layouts, &["staging", "main"], &[("shop.txt", "web=1\n")]);
    let own = Origin {
        refs: Some(0),
        captures: [("env".to_owned(), "main".to_owned())].into(),
        ..Origin::default()
    };
    let of = |origin: &Origin| Small {
        layouts: Arc::new(small.layouts.view(origin)),
        environments: small.environments.clone(),
        files: small.files.clone(),
    };
    let tip = |origin: &Origin| {
        let name = RefName {
            repository: None,
            reference: "refs/heads/main".to_owned(),
        };
        Tip::new(name, origin.clone(), ObjectId::new([0; 20]))
    };
    let origins = [Origin::default(), own];
    let parts = origins.iter().map(|it| (tip(it), of(it).desired()));
    let desired = Desired::join(parts.collect(), &small.environments);
    let request = PlanRequest {
        changes: vec![request("web/staging = 2")],
        ..PlanRequest::default()
    };
    let matrix = |origin: &Origin| of(origin).assembler();
    let plan = plan_of(&small, &desired, &Topology::default(), &request, &matrix);
    assert_eq!(lines(&plan), ["web/staging 1 2", "+ web/main 1 2 held"]);
}
