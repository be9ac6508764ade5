//! Tests of plans in which branches are merged, or tags are made.

use std::{cell::Cell, collections::BTreeMap};

use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::{Desired, DesiredCell, Tip},
    gate::testing::nothing,
    layout::Origin,
    topology::{Environment, Topology},
};

const CELLS: [(&str, &str, &str); 6] = [
    ("mail", "staging", "2"),
    ("shop", "staging", "2"),
    ("web", "staging", "2"),
    ("mail", "prod", "1"),
    ("shop", "prod", "1"),
    ("web", "prod", "1"),
];

/// A branch for each environment.
fn desired() -> Desired {
    let origin = |environment: &str| Origin {
        refs: Some(0),
        captures: [("env".to_owned(), environment.to_owned())].into(),
        ..Origin::default()
    };
    let tip = |environment: &str| {
        let name = RefName {
            repository: None,
            reference: format!("refs/heads/{environment}"),
        };
        Tip::new(name, origin(environment), ObjectId::new([7; 20]))
    };
    let cells = CELLS.map(|(service, environment, version)| {
        let cell = DesiredCell {
            version: Some(version.into()),
            origin: origin(environment),
            ..DesiredCell::default()
        };
        (CellKey::new(service, environment), cell)
    });
    Desired {
        commit: ObjectId::new([7; 20]),
        tips: vec![tip("staging"), tip("prod")],
        services: ["mail", "shop", "web"].map(Into::into).to_vec(),
        environments: ["staging", "prod"].map(Into::into).to_vec(),
        cells: cells.into(),
        problems: Vec::new(),
        vetoes: crate::domain::policy::veto::Vetoes::default(),
    }
}

/// What promoting these services becomes, and how often the branches were merged for it.
fn promoted(services: &[&str], merge: &Result<Merge, String>) -> (Plan, u32) {
    let desired = desired();
    let merged = Cell::new(0);
    let requests: Vec<ChangeRequest> = services
        .iter()
        .map(|service| ChangeRequest {
            cell: CellKey::new(*service, "prod"),
            intent: Intent::Promote {
                from: "staging".into(),
            },
            came: Came::Named,
        })
        .collect();
    let plan = build(&PlanInput {
        request: &PlanRequest {
            changes: requests,
            ..PlanRequest::default()
        },
        desired: &desired,
        topology: &Topology::default(),
        ask: &nothing,
        matrix: &|_| panic!("nothing is edited"),
        files: &|_, _| None,
        together: &|_, _| Vec::new(),
        edit: &|_, _, _, _| Err((SkipCause::NotDeclared, "no edit was expected".to_owned())),
        absent: &|_| None,
        beside: &|_, _| Vec::new(),
        moved_beside: &|_, _| Vec::new(),
        merge: &|theirs, ours| {
            assert_eq!(
                (theirs.name.short(), ours.name.short()),
                ("staging", "prod")
            );
            merged.set(merged.get() + 1);
            Some(merge.clone())
        },
        tag: &|_, _, _| None,
        now: Timestamp::UNIX_EPOCH,
    });
    (plan, merged.get())
}

fn change(service: &str, after: &str) -> (CellKey, Option<Version>, Option<Version>) {
    let key = CellKey::new(service, "prod");
    (key, Some("1".into()), Some(after.into()))
}

#[test]
fn branches_are_merged_once_and_what_comes_along_is_marked() {
    let merge = Ok(Merge {
        fast_forward: true,
        edits: Vec::new(),
        cells: vec![change("mail", "2"), change("shop", "2"), change("web", "2")],
        unread: BTreeMap::new(),
    });
    let (plan, merged) = promoted(&["shop", "mail"], &merge);
    assert_eq!(merged, 1);
    assert_eq!(plan.writes().count(), 1);
    let changes: Vec<_> = plan
        .changes
        .iter()
        .map(|change| (change.cell.service.as_str(), change.along.clone()))
        .collect();
    assert_eq!(
        changes,
        [
            ("shop", None),
            ("mail", None),
            ("web", Some(Along::Belongs))
        ]
    );
    assert!(plan.skipped.is_empty());
}

#[test]
fn a_conflict_is_found_once_and_told_for_each_cell() {
    let (plan, merged) = promoted(&["shop", "mail"], &Err("they contradict".to_owned()));
    assert_eq!(merged, 1);
    assert!(plan.is_empty() && plan.changes.is_empty());
    let told: Vec<_> = plan
        .skipped
        .iter()
        .map(|skip| (skip.cause, skip.detail.as_str()))
        .collect();
    assert_eq!(told, [(SkipCause::Conflict, "they contradict"); 2]);
}

#[test]
fn a_version_that_the_merge_does_not_bring_is_told() {
    let merge = Ok(Merge {
        fast_forward: false,
        edits: Vec::new(),
        cells: vec![change("shop", "2")],
        unread: BTreeMap::new(),
    });
    let (plan, _) = promoted(&["shop", "mail"], &merge);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.skipped.len(), 1);
    assert!(
        plan.skipped[0]
            .detail
            .starts_with("merging staging does not bring 2 to prod"),
        "{}",
        plan.skipped[0].detail
    );
}

/// Staging has a candidate, which is tagged as the release of prod; prod-us follows the same tags from another upstream.
fn tagged(cells: &[(&str, &str)], intent: &Intent) -> Plan {
    let commit = |version: &str| {
        let release = version.split('-').next().unwrap_or_default();
        ObjectId::new([release.bytes().map(|byte| byte % 64).sum(); 20])
    };
    let origin = |environment: &str| Origin {
        refs: Some(0),
        captures: [("env".to_owned(), environment.to_owned())].into(),
        ..Origin::default()
    };
    let tips = cells.iter().map(|(environment, version)| {
        let name = RefName {
            repository: None,
            reference: format!("refs/tags/{version}"),
        };
        Tip::new(name, origin(environment), commit(version))
    });
    let desired = Desired {
        vetoes: crate::domain::policy::veto::Vetoes::default(),
        commit: ObjectId::new([7; 20]),
        tips: tips.collect(),
        services: vec!["web".into()],
        environments: cells.iter().map(|(name, _)| (*name).into()).collect(),
        cells: cells
            .iter()
            .map(|(environment, version)| {
                let cell = DesiredCell {
                    version: Some((*version).into()),
                    origin: origin(environment),
                    ..DesiredCell::default()
                };
                (CellKey::new("web", *environment), cell)
            })
            .collect(),
        problems: Vec::new(),
    };
    let version = "1.2.0";
    let along = cells
        .iter()
        .filter(|(name, _)| *name != "prod" && *name != "dev")
        .map(|(name, before)| {
            let key = CellKey::new("web", *name);
            (key, Some((*before).into()), Some(version.into()))
        });
    let along: Vec<_> = along.collect();
    let request = ChangeRequest {
        cell: CellKey::new("web", "prod"),
        intent: intent.clone(),
        came: Came::Named,
    };
    build(&PlanInput {
        request: &PlanRequest {
            changes: vec![request],
            ..PlanRequest::default()
        },
        desired: &desired,
        topology: &Topology {
            environments: vec![
                Environment::plain("dev", &[]),
                Environment::plain("staging", &["dev"]),
                Environment::plain("prod", &["staging"]),
                Environment::plain("prod-eu", &["staging"]),
                Environment::plain("prod-us", &["dev"]),
            ],
            ..Topology::default()
        },
        ask: &nothing,
        matrix: &|_| panic!("nothing is edited"),
        files: &|_, _| None,
        together: &|_, _| Vec::new(),
        edit: &|_, _, _, _| Err((SkipCause::NotDeclared, "no edit was expected".to_owned())),
        absent: &|_| None,
        beside: &|_, _| Vec::new(),
        moved_beside: &|_, _| Vec::new(),
        merge: &|_, _| None,
        tag: &|_, _, _| {
            Some(Ok(NewTag {
                place: RefName {
                    repository: None,
                    reference: format!("refs/tags/{version}"),
                },
                commit: commit("1.2.0-rc.3"),
                from: None,
                version: version.into(),
                along: along.clone(),
            }))
        },
        now: Timestamp::UNIX_EPOCH,
    })
}

#[test]
fn what_a_shared_tag_brings_along_is_judged() {
    let cells = [
        ("dev", "1.3.0-rc.0"),
        ("staging", "1.2.0-rc.3"),
        ("prod", "1.1.0"),
        ("prod-eu", "1.1.0"),
        ("prod-us", "1.1.0"),
    ];
    let promote = Intent::Promote {
        from: "staging".into(),
    };
    let upstream = |plan: &Plan, environment: &str| -> (String, &'static str, bool, String) {
        let mut changes = plan.changes.iter();
        let change = changes.find(|change| change.cell.environment.as_str() == environment);
        let change = change.unwrap();
        let verdict = change.verdicts.iter().find(|it| it.gate == "upstream");
        let verdict = verdict.unwrap();
        (
            change.verb().to_owned(),
            verdict.outcome.as_str(),
            change.is_held(),
            verdict.detail.clone(),
        )
    };
    let plan = tagged(&cells, &promote);
    let cases = [
        ("prod", "promote", "pass", "staging declares 1.2.0-rc.3"),
        ("prod-eu", "promote", "pass", "staging declares 1.2.0-rc.3"),
        (
            "prod-us",
            "set",
            "hold",
            "dev declares 1.3.0-rc.0, not 1.2.0",
        ),
        (
            "staging",
            "set",
            "pass",
            "1.2.0 names the very commit that staging has as 1.2.0-rc.3",
        ),
    ];
    for (environment, verb, outcome, detail) in cases {
        let found = upstream(&plan, environment);
        assert_eq!(
            (found.0.as_str(), found.1),
            (verb, outcome),
            "{environment}"
        );
        assert_eq!(found.2, outcome == "hold", "{environment}");
        assert!(found.3.starts_with(detail), "{environment}: {}", found.3);
    }
    // All of them belong to the tag: nobody has to accept them one by one.
    assert!(plan.unaccepted().next().is_none() && plan.held().count() == 1);
    // Going back is held by nothing, wherever it goes.
    let back = Intent::Revert {
        to: Some("1.0.0".into()),
        at: None,
    };
    let plan = tagged(&cells, &back);
    assert_eq!(plan.changes.len(), 4);
    assert!(plan.held().next().is_none());
    for environment in ["prod-eu", "prod-us"] {
        assert_eq!(upstream(&plan, environment).0, "revert", "{environment}");
    }
}
