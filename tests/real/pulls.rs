//! A pull request on a real forge: reviews, its merge by somebody else, and what Argo CD makes of it.

use std::{fs, thread, time::Duration};

use serde_json::json;

use crate::{rig::until, world::World};

/// How long the forge and a command that asks it may take.
const SOON: Duration = Duration::from_mins(1);

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_pull_request_is_approved_merged_and_followed_to_healthy() {
    let world = World::start("pulls");
    let forge = world.rig.gitea().url.clone();
    let file = world.home().join("config/tidegate/config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("the folder");
    fs::write(&file, format!("[[forges]]\nurl = \"{forge}\"\n")).expect("the file");
    world.bump("shop", "dev", "1.1.0");
    let arguments = [
        "promote",
        "shop",
        "--from",
        "dev",
        "--to",
        "staging",
        "--yes",
        "-o",
        "json",
        "--deliver",
        "pull-request",
    ];
    let tip = world.wait(world.repository.tip("main")).0;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| world.tidegate(&[&arguments[..], &["--wait"]].concat()));
        let opened = || !world.wait(world.repository.pulls()).is_empty();
        assert!(until(SOON, opened), "it is opened");
        let opened = &world.wait(world.repository.pulls())[0];
        assert_eq!("open", opened["state"], "{opened}");
        let number = opened["number"].as_u64().expect("a number");
        for user in ["alice", "bob"] {
            world.wait(world.repository.review(user, number, "APPROVED"));
        }
        assert_eq!(tip, world.wait(world.repository.tip("main")).0);
        world.wait(world.repository.merge(number));
        let said = waiting.join().expect("the command").exits(0);
        let value = said.json();
        let request = &value["pull_request"];
        assert_eq!("merged", request["state"], "{value}");
        assert_eq!(
            json!(["alice", "bob"]),
            request["approvals"]["by"],
            "{value}"
        );
        let merged = world.wait(world.repository.tip("main")).0;
        assert_eq!(merged, request["merged"], "{value}");
        assert_eq!("healthy", value["cells"][0]["state"], "{value}");
    });
    assert!(
        world.serves("shop", "staging", "1.1.0"),
        "it waits for that"
    );
    let all = world.wait(world.repository.pulls());
    assert_eq!(1, all.len(), "nothing is opened twice: {all:?}");

    // One that somebody closes has failed.
    world.bump("shop", "dev", "1.1.1");
    let second = world.tidegate(&arguments).exits(0).json();
    let number = second["pull_request"]["number"].as_u64().expect("a number");
    world.wait(world.repository.close(number));
    let closed = || {
        let all = world.wait(world.repository.pulls());
        all.iter()
            .any(|it| it["number"] == number && it["state"] == "closed")
    };
    assert!(until(SOON, closed), "it is closed");
    let third = world.tidegate(&arguments).exits(0).json();
    assert_ne!(
        second["pull_request"]["number"],
        third["pull_request"]["number"]
    );
}

/// Merged by Tidegate once it is approved; superseded, closed, and what a colleague opened approved and merged: nothing twice.
#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn pull_requests_are_merged_superseded_closed_and_approved() {
    let world = World::start("requests");
    let forge = world.rig.gitea().url.clone();
    let file = world.home().join("config/tidegate/config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("the folder");
    fs::write(&file, format!("[[forges]]\nurl = \"{forge}\"\n")).expect("the file");
    let merge = "timeout = \"2m\"\n[environments.pull-request]\nmerge = \"when-ready\"\n";
    world.change("tidegate.toml", "Tidegate merges", |text| {
        text.replacen("timeout = \"2m\"\n", merge, 1)
    });
    // The team's file is read from the work tree.
    world.git(&world.clone(), &["pull", "-q", "--ff-only"]);
    world.wait(world.repository.require("main", 1));
    for user in ["alice", "bob"] {
        world.wait(world.repository.invite(user));
    }
    let promote = |more: &[&str]| {
        let line = [
            "promote", "shop", "--from", "dev", "--to", "staging", "--yes", "-o", "json",
        ];
        let line = [&line[..], &["--deliver", "pull-request"], more].concat();
        world.tidegate(&line).exits(0).json()
    };
    let number = |value: &serde_json::Value| {
        let number = value["pull_request"]["number"].as_u64();
        number.unwrap_or_else(|| panic!("no number: {value:#}"))
    };
    let state = |wanted: u64| {
        let all = world.wait(world.repository.pulls());
        let one = all.into_iter().find(|it| it["number"] == wanted);
        one.map_or(String::new(), |it| {
            let merged = it["merged"] == true;
            let state = it["state"].as_str().unwrap_or_default();
            if merged {
                "merged".to_owned()
            } else {
                state.to_owned()
            }
        })
    };

    // An older one makes way for the next, which Tidegate merges when it is approved.
    world.bump("shop", "dev", "1.1.0");
    let first = number(&promote(&[]));
    world.bump("shop", "dev", "1.1.1");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| promote(&["--supersede", "--wait"]));
        assert!(
            until(SOON, || state(first) == "closed"),
            "the older one makes way"
        );
        let open = |it: &serde_json::Value| it["state"] == "open";
        let all = world.wait(world.repository.pulls());
        let second = all.iter().find(|it| open(it)).expect("the next");
        let second = second["number"].as_u64().expect("a number");
        world.wait(world.repository.review("alice", second, "APPROVED"));
        let value = waiting.join().expect("the command");
        assert_eq!(number(&value), second);
        assert_eq!("merged", value["pull_request"]["state"], "{value:#}");
        assert_eq!("healthy", value["cells"][0]["state"], "{value:#}");
    });
    assert!(world.serves("shop", "staging", "1.1.1"));

    // One that is not wanted is closed, and closed already when that is asked again.
    world.bump("shop", "dev", "1.1.2");
    let third = number(&promote(&[])).to_string();
    let close = ["pull-request", "close", &third, "--yes", "-o", "json"];
    for outcome in ["closed", "already-there"] {
        let value = world.tidegate(&close).exits(0).json();
        assert_eq!(outcome, value["outcome"], "{value:#}");
    }

    // What a colleague opened: it brings what is said, and waits for an approval, which is given once.
    let branch = world.propose("mail", "staging", "1.3.0");
    let theirs = world
        .wait(world.repository.open("bob", &branch))
        .to_string();
    let act = |deed: &str, code: i32| {
        let line = ["pull-request", deed, &theirs, "--yes", "-o", "json"];
        world.tidegate(&line).exits(code)
    };
    act("merge", 1).says("waits for 1 approval");
    let value = act("approve", 0)
        .says("brings 1.3.0 into mail / staging")
        .json();
    assert_eq!("approved", value["outcome"], "{value:#}");
    assert_eq!("already-there", act("approve", 0).json()["outcome"]);
    assert_eq!("merged", act("merge", 0).json()["outcome"]);
    assert_eq!("already-there", act("merge", 0).json()["outcome"]);
    world.until_served("mail", "staging", "1.3.0");
}
