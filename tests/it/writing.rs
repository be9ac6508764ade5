//! Commands that write: plans without writing, and commits that arrive.

use serde_json::{Value, json};

use crate::support::repo::{Repository, kustomization, overlay, write};

const PROMOTE: [&str; 6] = ["promote", "checkout", "--from", "dev", "--to", "staging"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[test]
fn a_dry_run_shows_exact_bytes_and_writes_nothing() {
    let repository = Repository::seeded();
    let tip = repository.bump("checkout", "dev", "1.1.0");
    let plan = repository
        .tidegate(&with(&PROMOTE, &["--dry-run", "-o", "json"]))
        .exits(0)
        .json();
    let blob = |text: &str| {
        let file = repository.clone_path().join("blob");
        write(&file, text.as_bytes());
        repository.git_in(&repository.clone_path(), &["hash-object", "blob"])
    };
    let verdict = |at: usize, gate: &str, detail: &str, inputs: &[&str]| {
        let known = &plan["changes"][0]["verdicts"][at]["inputs"];
        let inputs = inputs.iter().enumerate();
        let inputs = inputs.map(|(at, what)| json!({ "what": what, "at": known[at]["at"] }));
        json!({
            "gate": gate,
            "level": "hold",
            "outcome": "pass",
            "detail": detail,
            "inputs": inputs.collect::<Vec<_>>(),
            "earliest": null,
        })
    };
    let own = "the history of checkout / staging";
    assert_eq!(
        plan,
        json!({
            "schema": "tidegate.plan/v1",
            "base": tip,
            "changes": [{
                "service": "checkout",
                "environment": "staging",
                "from": "1.0.0",
                "to": "1.1.0",
                "intent": "promote",
                "along": false,
                "held": false,
                "verdicts": [
                    verdict(
                        0,
                        "upstream",
                        "dev declares 1.1.0; it has no cluster, nothing about what runs there is judged",
                        &[],
                    ),
                    verdict(
                        1,
                        "ahead",
                        "staging declares 1.0.0, which is older than 1.1.0",
                        &[own, "the history of checkout / dev"],
                    ),
                    verdict(2, "reverted", "1.1.0 was not reverted here", &[own]),
                    verdict(3, "immutable", "1.1.0 names one build", &[]),
                    verdict(4, "veto", "1.1.0 is not vetoed", &[]),
                ],
            }],
            "writes": [{
                "reference": "refs/heads/main",
                "base": tip,
                "action": "commit",
                "files": [overlay("checkout", "staging")],
            }],
            "edits": [{
                "path": overlay("checkout", "staging"),
                "before": blob(&kustomization("checkout", "1.0.0")),
                "after": blob(&kustomization("checkout", "1.1.0")),
                "diff": plan["edits"][0]["diff"],
            }],
            "skipped": [],
            "notes": [],
            "digest": plan["digest"],
        })
    );
    let digest = plan["digest"].as_str().unwrap();
    assert!(digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()));
    let patch = repository.clone_path().join("change.patch");
    write(
        &patch,
        plan["edits"][0]["diff"]
            .as_str()
            .unwrap_or_default()
            .as_bytes(),
    );
    repository.git_in(
        &repository.clone_path(),
        &["apply", "--check", "change.patch"],
    );
    assert_eq!(repository.tip(), tip);

    let table = repository
        .tidegate(&with(&PROMOTE, &["--dry-run"]))
        .exits(0);
    assert!(
        table
            .out
            .contains("promote checkout / staging: 1.0.0 → 1.1.0"),
        "{}",
        table.out
    );
    assert!(
        table
            .out
            .contains("-  newTag: 1.0.0 # by the pipeline\n+  newTag: 1.1.0"),
        "{}",
        table.out
    );
    let ascii = repository
        .tidegate(&with(&PROMOTE, &["--dry-run", "--ascii"]))
        .exits(0);
    assert!(ascii.out.is_ascii(), "{}", ascii.out);
}

#[test]
fn without_a_terminal_only_yes_confirms() {
    let repository = Repository::seeded();
    let tip = repository.bump("checkout", "dev", "1.1.0");
    repository
        .tidegate(&PROMOTE)
        .exits(2)
        .says("--yes confirms");
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_promotion_arrives_and_touches_nothing_of_the_operators() {
    let repository = Repository::seeded();
    let clone = repository.clone_path();
    let base = repository.bump("checkout", "dev", "1.1.0");
    write(
        &clone.join(overlay("checkout", "staging")),
        b"work in progress\n",
    );
    write(&clone.join("new.txt"), b"mine\n");
    repository.git_in(&clone, &["add", "new.txt"]);
    let state = || {
        [
            "status --porcelain=v1 -b",
            "rev-parse HEAD",
            "for-each-ref refs/heads",
            "diff",
            "diff --cached",
        ]
        .map(|command| repository.git_in(&clone, &command.split(' ').collect::<Vec<_>>()))
        // What is ahead or behind follows the remote.
        .map(|text| {
            text.lines()
                .filter(|line| !line.starts_with("##"))
                .collect::<Vec<_>>()
                .join("\n")
        })
    };
    let before = state();
    let said = repository
        .tidegate(&with(&PROMOTE, &["--yes", "-o", "json"]))
        .exits(0);
    assert_eq!(state(), before);

    let delivery = said.json();
    assert_eq!(delivery["schema"], "tidegate.plan/v1");
    assert_eq!(delivery["outcome"], "pushed");
    assert_eq!(delivery["commit"], repository.tip());
    assert_eq!(delivery["reference"], "origin/main");
    assert_eq!(
        repository.git_in(&repository.remote(), &["rev-parse", "main~1"]),
        base
    );
    assert_eq!(
        repository.at_tip(&overlay("checkout", "staging")),
        kustomization("checkout", "1.1.0")
    );
    let digest = delivery["digest"].as_str().unwrap();
    assert_eq!(
        repository.message(),
        format!(
            "promote checkout 1.0.0 → 1.1.0 to staging\n\nService: checkout\nEnvironment: staging\nPromoted-From: dev\nPrevious-Version: 1.0.0\nPlan: {digest}"
        )
    );
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(
        status["services"][0]["cells"]["staging"]["version"],
        "1.1.0"
    );

    let again = repository
        .tidegate(&with(&PROMOTE, &["--yes"]))
        .exits(0)
        .says("nothing to change");
    assert!(
        again
            .out
            .contains("staging declares 1.1.0 already (already-there)"),
        "{}",
        again.out
    );
}

#[test]
fn a_gate_refuses_with_3_until_it_is_overridden_with_a_reason() {
    let repository = Repository::seeded();
    let tip = repository.bump("checkout", "dev", "2.0.0");
    let to_prod = ["promote", "checkout", "--from", "dev", "--to", "prod"];
    let plan = repository
        .tidegate(&with(&to_prod, &["--dry-run", "-o", "json"]))
        .exits(3)
        .json();
    assert_eq!(plan["changes"][0]["verdicts"][0]["outcome"], "hold");
    assert_eq!(
        plan["edits"].as_array().map(Vec::len),
        Some(1),
        "what is held stays in the plan"
    );
    let said = repository
        .tidegate(&with(&to_prod, &["--yes", "-o", "json"]))
        .exits(3);
    assert_eq!(said.json()["outcome"], "held");
    said.says("held: checkout / prod by upstream")
        .says("--override");
    assert_eq!(repository.tip(), tip);

    let lifted = [
        "--yes",
        "--override",
        "upstream",
        "--reason",
        "customer is down",
    ];
    repository.tidegate(&with(&to_prod, &lifted)).exits(0);
    let message = repository.message();
    assert!(
        message.contains("Gate-Override: upstream on checkout/prod: customer is down"),
        "{message}"
    );
    assert!(message.contains("Reason: customer is down"), "{message}");
}

/// A reason is kept whether it lifts a hold or not: beside an override that had nothing to lift, too.
#[test]
fn a_reason_is_kept_in_the_commit_without_any_override() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    let set = ["set", "payments", "dev", "3.0.0", "--yes"];
    let back = ["revert", "payments", "dev", "--yes"];
    let lifts_nothing = [
        "set",
        "payments",
        "dev",
        "4.0.0",
        "--yes",
        "--override",
        "immutable",
    ];
    let commands = [&PROMOTE[..], &set[..], &back[..], &lifts_nothing[..]];
    for command in commands {
        let why = ["--yes", "--reason", "customer is down\nsee incident 12"];
        let why = if command.contains(&"--yes") {
            &why[1..]
        } else {
            &why[..]
        };
        repository.tidegate(&with(command, why)).exits(0);
        let message = repository.message();
        assert!(
            message.contains("\n\ncustomer is down\nsee incident 12\n\n")
                && message.contains("\nReason: customer is down\n see incident 12\nPlan: ")
                && !message.contains("Gate-Override"),
            "{command:?}: {message}"
        );
    }
    let blank = [&set[..], &["--reason", "  "]].concat();
    repository.tidegate(&blank).exits(2).says("write why");
}

#[test]
fn held_changes_are_left_out_when_that_is_asked_for() {
    let repository = Repository::seeded();
    repository.bump("payments", "dev", "1.1.0");
    repository.bump("payments", "staging", "1.1.0");
    repository.bump("checkout", "dev", "2.0.0");
    let promote = [
        "promote", "checkout", "payments", "--from", "dev", "--to", "prod", "--yes",
    ];
    let tip = repository.tip();
    repository
        .tidegate(&promote)
        .exits(3)
        .says("held: checkout / prod by upstream")
        .says("--leave-out");
    assert_eq!(repository.tip(), tip);

    let rest = repository
        .tidegate(&with(&promote, &["--leave-out", "-o", "json"]))
        .exits(0)
        .json();
    assert_eq!(rest["changes"].as_array().map(Vec::len), Some(1), "{rest}");
    let skipped = &rest["skipped"][0];
    assert_eq!(
        (&skipped["service"], &skipped["cause"]),
        (&json!("checkout"), &json!("held")),
        "{rest}"
    );
    assert!(
        skipped["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("upstream: staging declares 1.0.0")),
        "{skipped}"
    );
    let at_tip = |service| repository.at_tip(&overlay(service, "prod"));
    assert_eq!(at_tip("payments"), kustomization("payments", "1.1.0"));
    assert_eq!(at_tip("checkout"), kustomization("checkout", "1.0.0"));
    repository
        .tidegate(&with(&promote, &["--leave-out-held"]))
        .exits(0)
        .says("nothing to change");
}

#[test]
fn one_plan_of_many_changes_composes_edits_of_one_file() {
    let repository = Repository::empty();
    repository.write(
        "tidegate.toml",
        "[[layouts]]\npath = \"versions/{env}.yaml\"\nyaml = \"services.{service}.tag\"\n",
    );
    repository.write(
        "versions/dev.yaml",
        "services:\n  a: { tag: \"1\" }\n  b:\n    tag: '1' # b\n  c:\n    tag: 1.10\n",
    );
    repository.publish("versions");
    repository.pull();
    let changes = json!([
        { "service": "a", "environment": "dev", "version": "2" },
        { "service": "b", "environment": "dev", "version": "1.20" },
        { "service": "c", "environment": "dev", "version": "1.10" },
    ])
    .to_string();
    let clone = repository.clone_path();
    let plan = repository
        .run(
            &clone,
            &["set", "--changes", "-", "--dry-run", "-o", "json"],
            &changes,
            &[],
        )
        .exits(0)
        .json();
    assert_eq!(plan["changes"].as_array().map(Vec::len), Some(2), "{plan}");
    assert_eq!(plan["edits"].as_array().map(Vec::len), Some(1), "{plan}");
    assert_eq!(plan["skipped"][0]["cause"], "already-there");
    repository
        .run(&clone, &["set", "--changes", "-", "--yes"], &changes, &[])
        .exits(0);
    assert_eq!(
        repository.at_tip("versions/dev.yaml"),
        "services:\n  a: { tag: \"2\" }\n  b:\n    tag: '1.20' # b\n  c:\n    tag: 1.10"
    );
    assert!(
        repository.message().starts_with("set a, b in dev\n"),
        "{}",
        repository.message()
    );

    let wrong = repository.run(
        &clone,
        &["set", "--changes", "-", "--dry-run"],
        "[{\"service\": 1}]",
        &[],
    );
    wrong.exits(2).says("expected [{\"service\"");
}

#[test]
fn a_revert_goes_to_the_last_good_version_or_where_it_is_told() {
    let repository = Repository::seeded();
    let to = |arguments: &[&str]| -> Value {
        let all = with(
            &["revert", "checkout", "prod", "--dry-run", "-o", "json"],
            arguments,
        );
        repository.tidegate(&all).exits(0).json()["changes"][0]["to"].clone()
    };
    let first = repository.tip();
    let said = repository.tidegate(&["revert", "checkout", "prod", "--dry-run"]);
    let said = said.exits(1);
    assert!(said.out.contains("one value only, 1.0.0"), "{}", said.out);
    repository.bump("checkout", "prod", "1.1.0");
    let bad = repository.bump("checkout", "prod", "1.2.0-bad");
    repository.bump("checkout", "prod", "1.1.0");
    assert_eq!(to(&[]), "1.0.0", "not the one that was reverted");
    repository.bump("checkout", "prod", "1.3.0");
    assert_eq!(to(&[]), "1.1.0");
    assert_eq!(to(&["--to", "1.0.0"]), "1.0.0");
    assert_eq!(to(&["--to", &first]), "1.0.0");
    assert_eq!(to(&["--to", &bad[..10]]), "1.2.0-bad");
    repository
        .tidegate(&["revert", "checkout", "prod", "--to", "9.9.9", "--dry-run"])
        .exits(2)
        .says("`9.9.9` is neither a version that checkout / prod has had nor a commit; it has had: 1.1.0, 1.2.0-bad, 1.0.0");

    repository
        .tidegate(&["revert", "checkout", "prod", "--yes"])
        .exits(0);
    assert!(
        repository
            .message()
            .starts_with("revert checkout 1.3.0 → 1.1.0 in prod\n"),
        "{}",
        repository.message()
    );
    assert_eq!(
        repository.at_tip(&overlay("checkout", "prod")),
        kustomization("checkout", "1.1.0")
    );
}

#[test]
fn a_revert_to_an_inherited_version_takes_the_override_away() {
    let repository = Repository::empty();
    repository.write(
        "tidegate.toml",
        "[[environments]]\nname = \"dev\"\n[[layouts]]\npath = \"apps/{service}/values-{env}.yaml\"\nyaml = \"image.tag\"\n\
         else = [{ path = \"apps/{service}/values.yaml\", yaml = \"image.tag\" }]\n",
    );
    let own = "replicas: 2 # few\nimage:\n  pullPolicy: Always\n";
    repository.write("apps/web/values.yaml", "image:\n  tag: 1.0.0\n");
    repository.write("apps/web/values-dev.yaml", own);
    repository.publish("Initial");
    repository.pull();
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["services"][0]["cells"]["dev"]["inherited"], true);
    repository
        .tidegate(&["set", "web", "dev", "1.1.0", "--yes"])
        .exits(0);
    assert!(
        repository
            .at_tip("apps/web/values-dev.yaml")
            .contains("tag: 1.1.0")
    );
    let plan = repository
        .tidegate(&["revert", "web", "dev", "--dry-run", "-o", "json"])
        .exits(0)
        .json();
    let change = &plan["changes"][0];
    assert_eq!(
        (&change["from"], &change["to"], &change["inherited"]),
        (&json!("1.1.0"), &json!("1.0.0"), &json!(true)),
        "{plan}"
    );
    repository
        .tidegate(&["revert", "web", "dev", "--yes"])
        .exits(0);
    assert_eq!(
        repository.at_tip("apps/web/values-dev.yaml"),
        own.trim_end()
    );
}

#[test]
fn a_revert_restores_what_went_with_the_version() {
    let repository = Repository::empty();
    repository.write(
        "tidegate.toml",
        "[[environments]]\nname = \"dev\"\n[[environments]]\nname = \"prod\"\nfrom = [\"dev\"]\n\
         [[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"image.tag\"\ncarry = \"trailing-comment\"\n\
         also = [{ path = \"{env}/{service}.sha\", regex = \"(?<v>[0-9a-f]+)\" }]\n",
    );
    let release = |environment: &str, tag: &str, name: &str, sha: &str| {
        let text = format!("# {environment}\nimage:\n  tag: {tag} # release {name}\n");
        repository.write(&format!("{environment}/web.yaml"), &text);
        repository.write(&format!("{environment}/web.sha"), &format!("{sha}\n"));
    };
    release("dev", "abc1", "1.0", "cafe");
    release("prod", "abc1", "1.0", "cafe");
    let first = repository.publish("Initial");
    release("dev", "abc2", "2.0", "beef");
    repository.publish("Release 2.0 to dev");
    repository.pull();
    let files = || {
        let all = ["prod/web.yaml", "prod/web.sha"];
        all.map(|path| repository.at_tip(path)).join("\n")
    };
    let at_first = files();
    repository
        .tidegate(&["promote", "web", "--from", "dev", "--to", "prod", "--yes"])
        .exits(0);
    assert!(
        files().contains("release 2.0") && files().contains("beef"),
        "{}",
        files()
    );
    assert!(files() != at_first);

    for revert in [
        &["revert", "web", "prod", "--yes"][..],
        &["revert", "web", "prod", "--to", &first, "--yes"],
    ] {
        repository.tidegate(revert).exits(0);
        assert_eq!(files(), at_first, "no environment declares it: {revert:?}");
        repository
            .tidegate(&["promote", "web", "--from", "dev", "--to", "prod", "--yes"])
            .exits(0);
    }
}

#[test]
fn a_refused_push_shows_the_servers_words() {
    let repository = Repository::seeded();
    let tip = repository.bump("checkout", "dev", "1.1.0");
    hook(
        &repository.remote().join("hooks/pre-receive"),
        "#!/bin/sh\necho 'change freeze until Monday, ask #release' >&2\nexit 1\n",
    );
    let said = repository
        .tidegate(&with(&PROMOTE, &["--yes", "-o", "json"]))
        .exits(1);
    assert_eq!(said.json()["outcome"], "refused");
    said.says("change freeze until Monday, ask #release")
        .says("nothing was written");
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_branch_of_its_own_where_it_is_asked_for() {
    let repository = Repository::seeded();
    let tip = repository.bump("checkout", "dev", "1.1.0");
    let said = repository
        .tidegate(&with(
            &PROMOTE,
            &["--yes", "--wait", "--deliver", "branch", "-o", "json"],
        ))
        .exits(0);
    let delivery = said.json();
    assert_eq!(delivery["outcome"], "branch");
    let branch = delivery["branch"].as_str().unwrap_or_default().to_owned();
    assert!(
        branch.starts_with("tidegate/promote-checkout-1.0.0-1.1.0-to-staging-"),
        "{branch}"
    );
    assert_eq!(
        repository.git_in(&repository.remote(), &["rev-parse", &branch]),
        delivery["commit"]
    );
    assert_eq!(repository.tip(), tip, "main has not moved");
    said.says("not followed");
}

/// A branch that is not where it is fetched from is told as that, the second time too.
#[test]
fn the_branch_of_a_change_that_is_elsewhere_is_told_as_that() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    let clone = repository.clone_path();
    let fork = clone.join("../fork");
    let at = fork.display().to_string();
    let remote = repository.remote().display().to_string();
    repository.git_in(&clone, &["clone", "-q", "--bare", &remote, &at]);
    repository.git_in(&clone, &["config", "remote.origin.pushurl", &at]);
    let ask = with(&PROMOTE, &["--yes", "--deliver", "branch"]);
    for _ in 0..2 {
        let said = repository.tidegate(&ask).exits(1);
        let told = format!("{}{}", said.out, said.err);
        assert!(told.contains("does not have it yet"), "{told}");
        let branches = ["for-each-ref", "refs/heads/tidegate"];
        assert_eq!(repository.git_in(&fork, &branches).lines().count(), 1);
        assert_eq!(repository.git_in(&repository.remote(), &branches), "");
    }
}

/// Nothing is applied twice: a change that waits on its branch is found there, whoever asks for it again.
#[test]
fn the_same_change_has_one_branch() {
    let ask = [
        &PROMOTE[..],
        &["--yes", "--deliver", "branch", "-o", "json"],
    ]
    .concat();
    let branches = |repository: &Repository| {
        let listed = repository.git_in(
            &repository.remote(),
            &[
                "for-each-ref",
                "--format=%(refname:short)",
                "refs/heads/tidegate",
            ],
        );
        listed.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    // What a colleague does between the first time and the second; (name, what, how many branches there are then).
    type Between = fn(&Repository, &str);
    let merge: Between = |repository, branch| {
        let at = repository.colleague();
        repository.git_in(&at, &["fetch", "-q", "origin"]);
        repository.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
        let from = format!("origin/{branch}");
        repository.git_in(&at, &["merge", "-q", "--no-ff", "-m", "Merge it", &from]);
        repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
        repository.bump("checkout", "staging", "1.0.0");
    };
    let squash: Between = |repository, branch| {
        let at = repository.colleague();
        repository.git_in(&at, &["fetch", "-q", "origin"]);
        repository.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
        let from = format!("origin/{branch}");
        let message = repository.git_in(&at, &["log", "-1", "--format=%B", &from]);
        repository.git_in(&at, &["merge", "-q", "--squash", &from]);
        repository.git_in(
            &at,
            &["commit", "-q", "-m", &format!("Squash (#1)\n\n* {message}")],
        );
        repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
        repository.bump("checkout", "staging", "1.0.0");
    };
    let cases: [(&str, Between, usize); 6] = [
        ("nothing", |_, _| {}, 1),
        (
            "the base moved",
            |repository, _| {
                repository.bump("payments", "staging", "2.0.0");
            },
            1,
        ),
        (
            "somebody works on the branch",
            |repository, branch| {
                let at = repository.colleague();
                repository.git_in(&at, &["fetch", "-q", "origin"]);
                repository.git_in(&at, &["reset", "-q", "--hard", &format!("origin/{branch}")]);
                repository.write("NOTES.md", "why\n");
                repository.git_in(&at, &["add", "-A"]);
                repository.git_in(&at, &["commit", "-q", "-m", "Notes"]);
                repository.git_in(&at, &["push", "-q", "origin", &format!("HEAD:{branch}")]);
            },
            1,
        ),
        ("it was merged, and taken back", merge, 2),
        ("it was squashed, and taken back", squash, 2),
        (
            "it was given up",
            |repository, branch| {
                repository.git_in(&repository.remote(), &["branch", "-q", "-D", branch]);
            },
            1,
        ),
    ];
    for (name, between, expected) in cases {
        let repository = Repository::seeded();
        repository.bump("checkout", "dev", "1.1.0");
        let first = repository.tidegate(&ask).exits(0).json();
        let branch = first["branch"].as_str().unwrap().to_owned();
        assert_eq!(branches(&repository), [branch.as_str()], "{name}");
        between(&repository, &branch);
        let tip = |branch: &str| repository.git_in(&repository.remote(), &["rev-parse", branch]);
        let waits = expected == 1 && name != "it was given up";
        let before = waits.then(|| tip(&branch));
        let again = repository.tidegate(&ask).exits(0).json();
        let there = branches(&repository);
        assert_eq!(there.len(), expected, "{name}: {there:?}");
        assert_eq!(again["outcome"], "branch", "{name}");
        let words = again["words"].to_string();
        assert_eq!(
            words.contains("nothing was pushed"),
            waits,
            "{name}: {again}"
        );
        let named = again["branch"].as_str().unwrap();
        assert_eq!(again["commit"], tip(named).as_str(), "{name}");
        assert_eq!(named == branch, expected == 1, "{name}");
        if let Some(before) = before {
            assert_eq!(tip(&branch), before, "{name}: the branch is as it was");
        }
    }
}

#[test]
fn init_proposes_what_is_there_and_overwrites_nothing() {
    let repository = Repository::seeded();
    let clone = repository.clone_path();
    let file = clone.join("tidegate.toml");
    repository
        .tidegate(&["init"])
        .exits(2)
        .says("is there already and stays as it is");

    std::fs::remove_file(repository.colleague().join("tidegate.toml")).unwrap();
    repository.publish("Without configuration");
    repository.pull();
    let guessed = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .says("guessed")
        .json();
    assert_eq!(
        guessed["services"][1]["cells"]["prod"]["version"], "1.0.0",
        "{guessed}"
    );
    assert!(guessed["guessed"].is_string());

    let printed = repository.tidegate(&["init", "--stdout"]).exits(0).out;
    assert!(!file.exists());
    let said = repository.tidegate(&["init"]).exits(0);
    assert!(
        said.out.contains("payments  1.0.0  1.0.0    1.0.0"),
        "{}",
        said.out
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), printed);
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["services"], guessed["services"]);
    assert_eq!(status["environments"], json!(["dev", "staging", "prod"]));
    assert_eq!(status["guessed"], json!(null));
    let plan = repository
        .tidegate(&[
            "set",
            "checkout",
            "prod",
            "2.0.0",
            "--dry-run",
            "-o",
            "json",
        ])
        .exits(3)
        .json();
    assert_eq!(
        plan["changes"][0]["verdicts"][0]["detail"], "staging declares 1.0.0, not 2.0.0",
        "{printed}"
    );
}

/// A colleague pushes between our look and our push: played by a hook that runs before ours.
fn overtaken(repository: &Repository, service: &str, environment: &str) {
    let there = repository.colleague();
    let path = overlay(service, environment);
    let text = kustomization(service, "7.0.0");
    write(&there.join("next"), text.as_bytes());
    let script = format!(
        "#!/bin/sh\n[ -e '{done}' ] && exit 0\ntouch '{done}'\ncd '{there}' && unset GIT_DIR && git fetch -q origin && \
         git reset -q --hard origin/main && cp next '{path}' && git commit -qam overtaken && git push -q origin HEAD:main\n",
        done = there.join("done").display(),
        there = there.display(),
    );
    hook(
        &repository.clone_path().join(".git/hooks/pre-push"),
        &script,
    );
}

#[test]
fn a_moved_base_goes_on_where_bytes_and_verdicts_are_the_same() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    overtaken(&repository, "payments", "dev");
    repository
        .tidegate(&with(&PROMOTE, &["--yes"]))
        .exits(0)
        .says("same bytes and verdicts");
    assert_eq!(
        repository.at_tip(&overlay("checkout", "staging")),
        kustomization("checkout", "1.1.0")
    );
    assert_eq!(
        repository.at_tip(&overlay("payments", "dev")),
        kustomization("payments", "7.0.0"),
        "nothing is lost"
    );
}

#[test]
fn a_moved_base_that_changes_the_plan_exits_5() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    overtaken(&repository, "checkout", "staging");
    let said = repository
        .tidegate(&with(&PROMOTE, &["--yes", "-o", "json"]))
        .exits(5);
    assert_eq!(said.json()["outcome"], "moved");
    said.says("was 1.0.0 → 1.1.0, is 7.0.0 → 1.1.0");
    assert_eq!(
        repository.at_tip(&overlay("checkout", "staging")),
        kustomization("checkout", "7.0.0")
    );
}

fn hook(path: &std::path::Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    write(path, script.as_bytes());
    let executable = std::fs::Permissions::from_mode(0o755);
    assert!(
        std::fs::set_permissions(path, executable).is_ok(),
        "{}",
        path.display()
    );
}
