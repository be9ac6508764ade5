//! Commands over clusters: what runs, what the gates know of it, and following a rollout to its end.

#![allow(clippy::unwrap_used)] // helpers fail by panicking
use serde_json::json;

use crate::{
    asking::nowhere,
    support::{
        demo::{Operated, cell},
        repo::{CONFIGURATION, Repository, write},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_is_followed_until_it_is_healthy_or_fails() {
    let operated = Operated::start(20.0).await;

    let status = operated
        .tidegate(&["status", "-o", "json"])
        .await
        .exits(0)
        .json();
    assert_eq!(status["problems"], json!([]));
    let good = &cell(&status, "search", "prod-eu")["live"];
    let pods = &good["desired"];
    assert_eq!(
        (&good["health"], &good["reason"], &good["stale"]),
        (&json!("healthy"), &json!(null), &json!(false))
    );
    assert_eq!(good["versions"], json!({ "8.3.0": pods }), "{good}");
    assert_eq!(&good["ready"], pods);
    assert!(
        good["as_of"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z')),
        "{good}"
    );
    let bad = &cell(&status, "checkout", "prod-us")["live"];
    assert_eq!(bad["health"], "degraded");
    // Between two crashes all of its pods may run for a moment.
    let crashes = |why: &str| why.contains("CrashLoopBackOff") || why.contains("Restarting ×");
    assert!(bad["reason"].as_str().is_some_and(crashes), "{bad}");

    let promote = [
        "promote", "identity", "--from", "dev", "--to", "staging", "--yes", "--wait",
    ];
    operated
        .tidegate(&promote)
        .await
        .exits(0)
        .says("identity / staging: healthy");

    let crash = [
        "promote",
        "checkout",
        "--from",
        "staging",
        "--to",
        "prod-eu",
        "--override",
        "dependency",
        "--reason",
        "by hand",
        "--yes",
        "--wait",
        "-o",
        "json",
    ];
    let failed = operated.tidegate(&crash).await.exits(1);
    let delivery = failed.json();
    assert_eq!(
        (&delivery["outcome"], &delivery["cells"][0]["state"]),
        (&json!("pushed"), &json!("failed"))
    );
    let detail = delivery["cells"][0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("CrashLoopBackOff"), "{detail}");
    failed.says("go back with: tidegate revert checkout prod-eu");

    let revert = ["revert", "checkout", "prod-eu", "--yes", "--wait"];
    operated
        .tidegate(&revert)
        .await
        .exits(0)
        .says("back to 1.41.3")
        .says("checkout / prod-eu: healthy");

    // What its agent waits for, and who moves it.
    let suspended = [
        "set",
        "mailer",
        "staging",
        "2.0.2",
        "--override",
        "upstream",
        "--reason",
        "by hand",
        "--yes",
        "--wait",
        "--timeout",
        "6s",
    ];
    operated
        .tidegate(&suspended)
        .await
        .exits(1)
        .says("waiting: Flux has not synced: suspended; now: tidegate resume mailer staging")
        .says("timed out after 6s: Flux has not synced: suspended");
}

/// Replicas are no image: no pod shows them, so that neither the upstream gate nor `--wait` asks pods for them.
#[tokio::test(flavor = "multi_thread")]
async fn what_pods_cannot_show_is_promoted_by_git_alone() {
    let operated = Operated::start(20.0).await;
    let written = operated.configuration();
    let layout = r#"
[[layouts]]
path = "apps/{service}/overlays/{env}/kustomization.yaml"
yaml = "replicas[*]{name={service}}.count"
row = "{service}/replicas"
"#;
    let configuration = operated.file("settings.toml", &format!("{written}{layout}"));
    let config = configuration.display().to_string();
    let row = "catalog/replicas";

    let status = ["status", "-o", "json", "--config", &config];
    let status = operated.tidegate(&status).await.exits(0).json();
    assert_eq!(status["problems"], json!([]));
    let setting = cell(&status, row, "staging");
    assert_eq!(
        (&setting["subject"], &setting["live"]["visible"]),
        (&json!("setting"), &json!(false)),
        "{setting}"
    );
    let image = cell(&status, "catalog", "staging");
    assert_eq!(
        (&image["subject"], &image["live"]["visible"]),
        (&json!(null), &json!(null)),
        "{image}"
    );
    let table = ["status", "--config", &config];
    let table = operated.tidegate(&table).await.exits(0);
    let line = table.out.lines().find(|line| line.contains(row)).unwrap();
    assert!(
        !line.contains(['✓', '~']),
        "never green, never drift: {line}"
    );

    let promote = [
        "promote", row, "--from", "staging", "--to", "prod-eu", "--yes", "--wait", "--config",
        &config,
    ];
    let promoted = operated.tidegate(&promote).await.exits(0);
    let gate =
        "staging declares 2; what runs is not visible for a setting; its workload is healthy";
    assert!(promoted.out.contains(gate), "{}", promoted.out);
    promoted.says("prod-eu: done: pushed; nothing to watch for a setting; its workload is ");
}

#[test]
fn what_a_cluster_does_not_say_is_unknown_and_holds_where_it_is_protected() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.bump("checkout", "staging", "1.1.0");
    repository.pull();
    let kubeconfig = repository.home().join("kubeconfig");
    write(&kubeconfig, nowhere(&["east"]).as_bytes());
    let kubeconfig = kubeconfig.display().to_string();
    let configuration =
        CONFIGURATION.replace("from = [\"dev\"]", "from = [\"dev\"]\ncluster = \"east\"");
    write(
        &repository.clone_path().join("tidegate.toml"),
        configuration.as_bytes(),
    );
    let run = |arguments: &[&str]| {
        repository.run(
            &repository.clone_path(),
            arguments,
            "",
            &[("KUBECONFIG", kubeconfig.as_str())],
        )
    };

    let status = run(&["status", "--timeout", "1s", "-o", "json"])
        .exits(0)
        .json();
    let live = &cell(&status, "checkout", "staging")["live"];
    assert_eq!(
        (&live["health"], &live["versions"]),
        (&json!("unknown"), &json!({})),
        "{live}"
    );
    assert_eq!(cell(&status, "checkout", "dev")["live"], json!(null));
    let problem = &status["problems"][0];
    assert_eq!(
        (&problem["path"], &problem["context"]),
        (&json!(null), &json!("east")),
        "{problem}"
    );

    let to_prod = [
        "promote",
        "checkout",
        "--from",
        "staging",
        "--to",
        "prod",
        "--timeout",
        "1s",
    ];
    let plan = run(&[&to_prod[..], &["--dry-run", "-o", "json"]].concat())
        .exits(3)
        .json();
    let verdict = &plan["changes"][0]["verdicts"][0];
    assert_eq!(verdict["outcome"], "hold");
    assert!(
        verdict["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("not known:")),
        "{verdict}"
    );
    run(&[&to_prod[..], &["--yes"]].concat())
        .exits(3)
        .says("held: checkout / prod by upstream");
}
