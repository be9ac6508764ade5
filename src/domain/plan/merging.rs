//! Tests of plans in which branches are merged.

use std::{cell::Cell, rc::Rc};

use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::{Desired, DesiredCell, Tip},
    layout::Origin,
    topology::Topology,
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
    let plan = build(
        &requests,
        &PlanInput {
            base: desired.commit,
            desired: &desired,
            topology: &Topology::default(),
            facts: &Facts::default(),
            history: &|_| Ok(Rc::default()),
            overrides: &[],
            accepted: &[],
            matrix: &|_| panic!("nothing is edited"),
            leave_out: false,
            files: &|_, _| None,
            edit: &|_, _, _, _| Err((SkipCause::NotDeclared, "no edit was expected".to_owned())),
            absent: &|_| None,
            beside: &|_, _| Vec::new(),
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
        },
    );
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
    });
    let (plan, merged) = promoted(&["shop", "mail"], &merge);
    assert_eq!(merged, 1);
    assert_eq!(plan.writes.len(), 1);
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
