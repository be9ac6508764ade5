//! Commands that only read: `status`, `history`, and what they refuse.

use serde_json::json;

use crate::support::repo::{Repository, overlay, write};

#[test]
fn status_is_the_matrix_of_the_remotes_branch() {
    let repository = Repository::seeded();
    let tip = repository.bump("checkout", "dev", "1.1.0");
    // Neither what is not fetched yet nor what stands in the work tree counts.
    write(
        &repository.clone_path().join(overlay("payments", "dev")),
        b"images:\n- name: payments\n  newTag: dirty\n",
    );
    let before = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(before["services"][0]["cells"]["dev"]["version"], "1.0.0");

    repository.git_in(&repository.clone_path(), &["fetch", "-q"]);
    let status = repository
        .tidegate(&["status", "--changed", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["schema"], "tidegate.status/v1");
    assert_eq!(status["commit"], tip);
    assert_eq!(status["environments"], json!(["dev", "staging", "prod"]));
    assert_eq!(status["problems"], json!([]));
    assert_eq!(status["services"][1]["name"], "payments");
    assert_eq!(status["services"][1]["cells"]["dev"]["version"], "1.0.0");
    assert_eq!(
        status["services"][0]["cells"]["dev"],
        json!({
            "version": "1.1.0",
            "inherited": false,
            "path": overlay("checkout", "dev"),
            "line": 5,
            "live": null,
            "changed": {
                "authored": tip,
                "landed": tip,
                "time": status["services"][0]["cells"]["dev"]["changed"]["time"],
                "author": "Ola Operator",
                "subject": "Update checkout to 1.1.0 in dev",
                "pull_request": null,
            },
            "behind": null,
            "skew": null,
            "proposed": null,
        })
    );
    let table = repository.tidegate(&["status", "--no-live"]).exits(0);
    assert_eq!(
        table.out,
        format!(
            "SERVICE   dev    staging   prod\ncheckout  1.1.0  1.0.0 ↑1  1.0.0\npayments  1.0.0  1.0.0     1.0.0\n\norigin/main {}\n",
            &tip[..7]
        )
    );
}

#[test]
fn status_reads_any_commit_a_bare_repository_and_another_configuration() {
    let repository = Repository::seeded();
    let first = repository.tip();
    repository.bump("checkout", "dev", "1.1.0");
    repository.pull();
    let dev = |arguments: &[&str], at: &std::path::Path| {
        let mut all = vec!["status", "--no-live", "-o", "json"];
        all.extend(arguments);
        let status = repository.run(at, &all, "", &[]).exits(0).json();
        status["services"][0]["cells"]["dev"]["version"].clone()
    };
    let clone = repository.clone_path();
    assert_eq!(dev(&[], &clone), "1.1.0");
    assert_eq!(dev(&["--at", &first], &clone), "1.0.0");
    assert_eq!(dev(&["--at", "origin/main~1"], &clone), "1.0.0");
    assert_eq!(
        dev(&[], &repository.remote()),
        "1.1.0",
        "bare: the configuration is read from the tip"
    );
    assert_eq!(
        dev(&[], &clone.join("apps")),
        "1.1.0",
        "from a folder inside"
    );

    let other = clone.join("other.toml");
    write(
        &other,
        b"[[layouts]]\npath = \"apps/{env}/overlays/{service}/kustomization.yaml\"\nyaml = \"images[0].newTag\"\n",
    );
    let status = repository
        .tidegate(&[
            "status",
            "--no-live",
            "-o",
            "json",
            "--config",
            "other.toml",
        ])
        .exits(0)
        .json();
    assert_eq!(status["services"][0]["name"], "dev", "{status}");
}

#[test]
fn history_knows_promotions_bumps_and_reverts() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.bump("checkout", "staging", "1.1.0");
    repository.bump("checkout", "staging", "1.1.1-hotfix");
    let last = repository.bump("checkout", "staging", "1.1.0");
    repository.pull();
    let history = repository
        .tidegate(&["history", "checkout", "staging", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(history["schema"], "tidegate.history/v1");
    assert_eq!(
        (&history["service"], &history["environment"]),
        (&json!("checkout"), &json!("staging"))
    );
    let values: Vec<_> = history["values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|value| {
            (
                value["version"].clone(),
                value["kind"].clone(),
                value["from"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!("1.1.0"), json!("promotion"), json!("dev")),
        (json!("1.1.1-hotfix"), json!("bump"), json!(null)),
        (json!("1.1.0"), json!("promotion"), json!("dev")),
        (json!("1.0.0"), json!("initial"), json!(null)),
    ];
    assert_eq!(values, expected);
    let newest = &history["values"][0];
    assert_eq!(newest["stayed_seconds"], json!(null));
    assert_eq!(newest["authored"]["commit"], last);
    assert_eq!(
        newest["landed"]["subject"],
        "Update checkout to 1.1.0 in staging"
    );
    assert!(
        newest["authored"]["time"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z')),
        "{newest}"
    );
    assert!(
        history["values"][1]["stayed_seconds"]
            .as_i64()
            .is_some_and(|stayed| stayed > 0)
    );

    let all = repository
        .tidegate(&["history", "checkout", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(all["environments"][0]["environment"], "dev");
    let table = repository
        .tidegate(&["history", "checkout", "staging"])
        .exits(0);
    assert!(table.out.contains("promotion from dev"), "{}", table.out);
}

#[test]
fn trace_follows_a_version_through_all_environments() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.bump("checkout", "staging", "1.1.0");
    repository.bump("checkout", "staging", "1.2.0");
    repository.pull();
    let traced = |version: &str| {
        repository
            .tidegate(&["trace", "checkout", version, "-o", "json"])
            .exits(0)
            .json()
    };
    let trace = traced("1.1.0");
    assert_eq!(trace["schema"], "tidegate.trace/v1");
    let places = trace["environments"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let told: Vec<_> = places
        .iter()
        .map(|place| {
            let stay = &place["stays"][0];
            (
                place["environment"].as_str().unwrap_or_default(),
                stay["arrival"].as_str().unwrap_or("never"),
                stay["lead_from"]["environment"]
                    .as_str()
                    .unwrap_or_default(),
                stay["replaced"].as_str().unwrap_or_default(),
                stay["replaced_by"].as_str().unwrap_or_default(),
                place["go_back"]["version"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        ("dev", "bump", "", "1.0.0", "", "1.0.0"),
        ("staging", "promotion", "dev", "1.0.0", "1.2.0", ""),
        ("prod", "never", "", "", "", ""),
    ];
    assert_eq!(told, expected);
    assert_eq!(places[2]["current"], "1.0.0", "not reached, and told");
    let past = traced("1.2.0");
    let stay = &past["environments"][1]["stays"][0];
    assert_eq!(
        (&stay["arrival"], &stay["past"]),
        (&json!("fast-track"), &json!(["dev"]))
    );

    let table = repository
        .tidegate(&["trace", "checkout", "1.1.0"])
        .exits(0);
    for words in [
        "promotion from dev",
        "replaced by 1.2.0",
        "so far",
        "never",
        "declares 1.0.0",
    ] {
        assert!(table.out.contains(words), "{words}\n{}", table.out);
    }
    let pasted = repository
        .tidegate(&["trace", "checkout", "1.2.0", "-o", "markdown"])
        .exits(0);
    let lines: Vec<&str> = pasted.out.lines().collect();
    assert!(
        lines[0].starts_with("| ENVIRONMENT | SINCE |"),
        "{}",
        pasted.out
    );
    let bars = |line: &str| line.matches('|').count();
    assert!(
        lines.iter().all(|line| bars(line) == bars(lines[0])),
        "{}",
        pasted.out
    );
    assert!(
        pasted.out.contains("| fast track past dev | 1.1.0 |"),
        "{}",
        pasted.out
    );
    repository
        .tidegate(&["trace", "checkout", "1.1"])
        .exits(2)
        .says("checkout has never been at 1.1; did you mean");
}

#[test]
fn wrong_usage_is_said_and_exits_2() {
    let repository = Repository::seeded();
    let cases: &[(&[&str], &str)] = &[
        (
            &["history", "chekout"],
            "no service is called `chekout`; did you mean `checkout`?",
        ),
        (
            &["history", "checkout", "stagin"],
            "no environment is called `stagin`; did you mean `staging`",
        ),
        (
            &[
                "promote",
                "checkout",
                "--from",
                "dev",
                "--to",
                "qa",
                "--dry-run",
            ],
            "there are: dev, staging, prod",
        ),
        (
            &[
                "promote",
                "checkout",
                "--from",
                "dev",
                "--to",
                "dev",
                "--dry-run",
            ],
            "name two environments",
        ),
        (&["set", "checkout", "dev"], "<VERSION>"),
        (
            &["init", "-o", "markdown"],
            "`-o markdown` is for `status`, `history`, `trace`, `changelog`, `drift` and `check`",
        ),
        (
            &["status", "--at", "nowhere"],
            "`nowhere` is neither a revision of this repository nor a time",
        ),
        (
            &["status", "--repo", "ext://example.com/x.git"],
            "is an address of a kind that Tidegate does not use",
        ),
        (
            &["status", "--config", "nowhere.toml"],
            "there is no configuration at nowhere.toml",
        ),
        (
            &["set", "checkout", "dev", "2", "--at", "HEAD"],
            "add --dry-run",
        ),
        (
            &["set", "checkout", "dev", "2", "--read-only"],
            "--read-only writes nothing",
        ),
        (
            &["set", "checkout", "dev", "2", "--deliver", "merge"],
            "no such way to deliver (there are: push, branch, pull-request)",
        ),
        (
            &[
                "set",
                "checkout",
                "dev",
                "2",
                "--override",
                "upstrem",
                "--reason",
                "x",
            ],
            "did you mean `upstream`",
        ),
        (
            &["set", "checkout", "dev", "2", "--override", "upstream"],
            "--reason",
        ),
        (&["status", "--bogus"], "--bogus"),
        (&[], "the console needs a terminal"),
    ];
    for (arguments, message) in cases {
        let said = repository.tidegate(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.err);
        assert!(
            said.err.contains(message),
            "{arguments:?}: `{message}` is not in {}",
            said.err
        );
        assert_eq!(said.out, "", "{arguments:?}");
    }
}

#[test]
fn a_wrong_configuration_names_every_mistake() {
    let repository = Repository::seeded();
    write(
        &repository.clone_path().join("tidegate.toml"),
        b"theme = \"light\"\n[[environments]]\nname = \"prod\"\nfrom = [\"prd\"]\n[[fences]]\nname = \"x\"\n",
    );
    repository
        .tidegate(&["status", "--no-live"])
        .exits(2)
        .says("tidegate.toml:1: theme: only the user's own `config.toml` may hold `theme`")
        .says("tidegate.toml:4: environments[0].from[0]: `prd` is no declared environment; did you mean `prod`?")
        .says("tidegate.toml:5: fences: unknown key; known here: `repository`");

    repository.pull();
    let folder = repository.clone_path().join("mine");
    write(&folder.join("config.toml"), b"ascii = 3\n");
    let folder = folder.display().to_string();
    let said = repository.run(
        &repository.clone_path(),
        &["status", "--no-live"],
        "",
        &[("TIDEGATE_CONFIG_DIR", &folder)],
    );
    said.exits(2)
        .says("config.toml:1: ascii: is a number; expected `true` or `false`");
}

#[test]
fn outside_a_repository_it_says_what_to_do() {
    let repository = Repository::empty();
    let outside = tempfile::TempDir::new().expect("a folder");
    repository
        .run(outside.path(), &["status"], "", &[])
        .exits(2)
        .says("is not in a Git repository")
        .says("--repo PATH");
    repository
        .run(outside.path(), &["--version"], "", &[])
        .exits(0);
    let help = repository
        .run(outside.path(), &["--help"], "", &[])
        .exits(0);
    assert!(
        help.out.contains("promote") && help.out.contains("veto"),
        "{}",
        help.out
    );
}
