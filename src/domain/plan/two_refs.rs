//! Tests of plans that edit files of the same path on several refs.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::*;
use crate::domain::{
    desired::{Desired, Tip},
    gate::testing::nothing,
    ids::EnvironmentName,
    layout::{self, Assembler, LayoutSet, Origin, testing::specs},
    topology::Topology,
};

const LAYOUTS: &str = r#"{ refs = "refs/heads/{env}", path = "web.yaml", yaml = "tag", row = "web", also = [{ yaml = "chart" }] }"#;

fn origin(environment: &str) -> Origin {
    Origin {
        refs: Some(0),
        captures: [("env".to_owned(), environment.to_owned())].into(),
        ..Origin::default()
    }
}

/// What is said beside of each change that sets these versions, each environment's `web.yaml` being on a branch of its own.
fn beside(branches: &[(&str, &str)], sets: &[(&str, &str)]) -> Vec<(String, String)> {
    let names: Vec<EnvironmentName> = branches.iter().map(|(name, _)| (*name).into()).collect();
    let layouts = Arc::new(LayoutSet::compile(&specs(LAYOUTS), &names).unwrap());
    let files: BTreeMap<Origin, Vec<u8>> = branches
        .iter()
        .map(|(name, text)| (origin(name), text.as_bytes().to_vec()))
        .collect();
    let matrix = |of: &Origin| {
        let view = Arc::new(layouts.view(of));
        let mut assembler = Assembler::new(Arc::clone(&view), &names);
        let path = RepoPath::from("web.yaml");
        let facts = files.get(of).map(|bytes| view.extract(&path, bytes));
        assembler.update(path, facts.map(Arc::new));
        assembler
    };
    let parts = branches.iter().map(|(name, _)| {
        let reference = RefName {
            repository: None,
            reference: format!("refs/heads/{name}"),
        };
        let commit = ObjectId::new([7; 20]);
        let desired = matrix(&origin(name)).desired(commit);
        (Tip::new(reference, origin(name), commit), desired)
    });
    let desired = Desired::join(parts.collect(), &names);
    let file = |of: &Origin, _: &RepoPath| files.get(of).cloned();
    let changes = sets.iter().map(|(environment, version)| ChangeRequest {
        cell: CellKey::new("web", *environment),
        intent: Intent::Set {
            version: (*version).into(),
        },
        came: Came::Named,
    });
    let plan = build(&PlanInput {
        request: &PlanRequest {
            changes: changes.collect(),
            ..PlanRequest::default()
        },
        desired: &desired,
        topology: &Topology::default(),
        ask: &nothing,
        absent: &|_| None,
        beside: &|cells, after| layout::left_beside(&layouts, &desired, cells, &file, after),
        moved_beside: &|origin, edits| {
            layout::moved_beside(&layouts, &desired, origin, edits, &file)
        },
        files: &file,
        together: &|changes, read| layout::edit_together(&layouts, &desired, changes, read),
        edit: &|key, version, _, read| layout::edit_cell(&layouts, &desired, key, version, read),
        matrix: &|of| matrix(of),
        merge: &|_, _| None,
        tag: &|_, _, _| None,
        now: Timestamp::UNIX_EPOCH,
    });
    assert_eq!(plan.changes.len(), sets.len(), "{:?}", plan.skipped);
    let told = plan.changes.iter().map(|change| {
        let also = change.verdicts.iter().filter(|it| it.gate == "also");
        let also: Vec<&str> = also.map(|verdict| verdict.detail.as_str()).collect();
        (change.cell.environment.to_string(), also.join("\n"))
    });
    told.collect()
}

#[test]
fn what_stays_beside_a_version_is_looked_for_on_its_own_ref() {
    let own = "tag: 1\nchart: 0.1.0\n";
    let other = "# staging\n\ntag: 2\nchart: 0.2.0\n";
    type Case<'a> = (
        &'a str,
        [(&'a str, &'a str); 2],
        &'a [(&'a str, &'a str)],
        &'a [(&'a str, &'a str)],
    );
    let cases: [Case<'_>; 3] = [
        (
            "one of them",
            [("staging", other), ("prod", own)],
            &[("prod", "3")],
            &[("prod", "web.yaml:2: 0.1.0 stays")],
        ),
        (
            "both, each its own",
            [("staging", other), ("prod", own)],
            &[("staging", "4"), ("prod", "3")],
            &[
                ("staging", "web.yaml:4: 0.2.0 stays"),
                ("prod", "web.yaml:2: 0.1.0 stays"),
            ],
        ),
        (
            "the other one",
            [("staging", other), ("prod", own)],
            &[("staging", "4")],
            &[("staging", "web.yaml:4: 0.2.0 stays")],
        ),
    ];
    for (name, branches, sets, expected) in cases {
        let mut told = beside(&branches, sets);
        let mut expected: Vec<_> = expected.to_vec();
        told.sort();
        expected.sort_unstable();
        assert_eq!(told.len(), expected.len(), "{name}: {told:?}");
        for ((environment, said), (of, words)) in told.iter().zip(&expected) {
            assert_eq!(environment, of, "{name}");
            assert!(said.starts_with(words), "{name}: {said}");
            assert_eq!(said.is_empty(), words.is_empty(), "{name}: {said}");
        }
    }
}
