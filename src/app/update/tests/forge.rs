//! What is done on a forge is asked about first.

use super::*;
use crate::{
    app::forge::{OnForge, OneRequest},
    domain::{
        desired::RefName,
        pull_request::{Proposal, RequestDeed},
    },
};

/// A pull request of a bot that brings `9.0` into these cells.
fn with_one(cells: &[CellKey]) -> Driver {
    let mut driver = Driver::settled((120, 40));
    driver.model.setup.write = WriteMode::Write;
    let one = Proposal {
        version: "9.0".into(),
        number: 12,
        url: String::new(),
        author: "renovate".to_owned(),
        branch: "bump".to_owned(),
        into: RefName::default(),
        head: Some(commit("abc")),
        waits: None,
    };
    let all = cells.iter().map(|cell| (cell.clone(), vec![one.clone()]));
    driver.send(Event::Proposed(all.collect()));
    driver.model.select(&cells[0]);
    driver.commands.clear();
    driver
}

fn asked(driver: &Driver) -> Vec<&OneRequest> {
    let all = driver.commands.iter();
    all.filter_map(|command| match command {
        Command::OnForge(one) => Some(one),
        _ => None,
    })
    .collect()
}

#[test]
fn all_that_it_moves_is_named_and_nothing_else_is_done_than_what_was_seen() {
    let cells = ["accounts", "basket", "catalog", "mailer", "search"].map(|it| cell(it, "dev"));
    let mut driver = with_one(&cells);
    driver.keys(": \"approve enter");
    let Some(Prompt::Forge(what, _)) = &driver.model.prompt else {
        panic!("{:?}", driver.model.prompt);
    };
    assert_eq!(
        what.words(),
        "Approve #12 of renovate: 9.0 into accounts / dev, 9.0 into basket / dev, 9.0 into catalog / dev, and 2 more cells"
    );
    driver.key("y", 100);
    assert!(asked(&driver).is_empty(), "too soon");
    driver.key("y", 1_000);
    let [one] = asked(&driver)[..] else {
        panic!("{:?}", driver.commands);
    };
    assert_eq!((one.number, one.head), (12, Some(commit("abc"))));
}

#[test]
fn every_protected_environment_that_is_merged_into_is_typed() {
    let cells = [
        cell("accounts", "dev"),
        cell("accounts", "prod-eu"),
        cell("accounts", "prod-us"),
    ];
    let mut driver = with_one(&cells);
    driver.keys(": \"merge enter");
    let OnForge::Request(_) = (match &driver.model.prompt {
        Some(Prompt::ForgeName { what, names, .. }) => {
            assert_eq!(names.len(), 2, "{names:?}");
            what
        }
        other => panic!("{other:?}"),
    }) else {
        panic!("another question");
    };
    driver.keys("\"prod-us enter");
    assert_eq!(driver.word(), "that is another name; nothing is done");
    driver.keys("esc");
    assert_eq!(driver.model.prompt, None);
    assert!(asked(&driver).is_empty());
    driver.keys(": \"merge enter \"prod-eu enter");
    assert!(asked(&driver).is_empty(), "one of two");
    driver.keys("\"prod-us enter");
    let [one] = asked(&driver)[..] else {
        panic!("{:?}", driver.commands);
    };
    assert_eq!(one.deed, RequestDeed::Merge);
}
