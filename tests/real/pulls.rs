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
