//! The demo as its user meets it: our own configuration, Git and cluster layers over what it made.

#![allow(clippy::unwrap_used)] // helpers fail by panicking

use std::{path::Path, process::Command, time::Duration};

use jiff::{Timestamp, Zoned};
use tidegate::{
    demo::{Demo, DemoOptions, server::Mode},
    domain::{
        agent::{Phase, Stage},
        rollout::{ClusterTarget, Health},
    },
    workflow::{OpenOptions, Project},
};

use crate::{
    cluster::fixture::{Console, impatient},
    support::{
        schema::assert_described,
        terminal::{TIDEGATE, isolated},
    },
};

/// A demo in a folder of its own, ten times as fast as usual.
async fn demo(parent: &Path) -> Demo {
    let mut options = DemoOptions::new(Timestamp::now());
    options.speed = 10.0;
    options.outage = false;
    options.parent = Some(parent.to_owned());
    Demo::start(options).await.unwrap()
}

/// A console over everything that the demo's configuration names.
fn console(demo: &Demo) -> Console {
    let open = OpenOptions {
        repo: demo.clone.clone(),
        kubeconfig: vec![demo.kubeconfig.clone()],
        ..OpenOptions::default()
    };
    let project = Project::open(&open, &Zoned::now()).unwrap();
    let desired = project.read().unwrap().desired;
    assert_eq!(desired.cells.len(), 60);
    assert_eq!(desired.problems, []);
    let (targets, problems) = project.targets(&desired);
    assert_eq!(problems, []);
    Console::start(targets, impatient(vec![demo.kubeconfig.clone()]))
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {words}");
    assert_eq!(words, "", "{arguments:?}");
}

/// Sets a version in the clone's work tree by hand, and pushes it.
fn push(demo: &Demo, service: &str, environment: &str, from: &str, to: &str) {
    let path = format!("apps/{service}/overlays/{environment}/kustomization.yaml");
    let file = demo.clone.join(&path);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    git(&demo.clone, &["commit", "-qam", "by hand"]);
    git(&demo.clone, &["push", "-q", "origin", "main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_an_incident_that_a_revert_heals_and_cleans_up() {
    let parent = tempfile::tempdir().unwrap();
    let demo = demo(parent.path()).await;
    let mut console = console(&demo);
    let health = |console: &Console, service: &str, environment: &str| {
        console.cell(environment, service).health
    };
    console
        .until("the incident, the paused rollout and the rest", |c| {
            // Between two crashes its containers run for a moment.
            let reason = c.cell("prod-us", "checkout").reason.unwrap_or_default();
            health(c, "checkout", "prod-us") == Health::Degraded
                && reason.contains("CrashLoopBackOff")
                && health(c, "mailer", "staging") == Health::Suspended
                && health(c, "payments", "staging") == Health::Healthy
                && health(c, "ledger", "prod-eu") == Health::Healthy
                && health(c, "log-agent", "dev") == Health::Healthy
        })
        .await;
    let checkout = console.cell("prod-us", "checkout");
    assert_eq!((checkout.ready, checkout.desired), (3, 6));
    let mailer = console.cell("prod-us", "mailer");
    assert_eq!(mailer.serving, Some("2.0.3-hotfix.1".into()), "drift");
    console
        .until("agents: one out of sync, one suspended", |c| {
            let phase = |environment: &str| c.cell(environment, "mailer").agent.map(|it| it.phase);
            phase("prod-us") == Some(Phase::OutOfSync) && phase("staging") == Some(Phase::Suspended)
        })
        .await;
    let hop = console.cell("prod-us", "mailer").hop.unwrap();
    assert_eq!(
        hop.reason,
        "2.0.3-hotfix.1 was set in the cluster: Argo CD says out of sync"
    );
    console
        .until("a Secret that nobody has made", |c| {
            let cell = c.cell("dev", "shipping");
            cell.health == Health::Degraded && cell.versions.len() == 2
        })
        .await;
    assert!(console.hold() > 0);
    console
        .until("that it is missing, and why", |c| {
            let reason = c.cell("dev", "shipping").reason.unwrap_or_default();
            reason.starts_with(
                "Secret shipping-carriers is missing; ExternalSecret shipping-carriers is not ready: SecretSyncedError: \
                 could not get secret data from provider",
            )
        })
        .await;

    push(&demo, "checkout", "prod-us", "1.42.0", "1.41.3");
    console
        .until("the reverted release heals", |c| {
            let cell = c.cell("prod-us", "checkout");
            cell.health == Health::Healthy && cell.versions.keys().eq([&"1.41.3".into()])
        })
        .await;
    push(&demo, "ledger", "prod-us", "1.9.2", "9.9.9");
    console
        .until("an image that was never built", |c| {
            let cell = c.cell("prod-us", "ledger");
            cell.reason
                .is_some_and(|r| r.contains("ImagePull") || r.contains("ErrImage"))
        })
        .await;

    drop(demo);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_an_outage_and_sweeps_up_after_the_killed() {
    let parent = tempfile::tempdir().unwrap();
    let killed = parent.path().join("tidegate-demo-killed");
    std::fs::create_dir(&killed).unwrap();
    std::fs::write(killed.join("lock"), "").unwrap();
    let other = parent.path().join("something-else");
    std::fs::create_dir(&other).unwrap();
    let first = demo(parent.path()).await;
    assert!(!killed.exists(), "nobody holds its lock");
    let second = demo(parent.path()).await;
    assert!(
        first.clone.exists() && other.exists(),
        "only what is dead goes"
    );
    drop(second);

    let mut console = console(&first);
    let is_healthy = |c: &Console| {
        let cell = c.cell("prod-eu", "cart");
        cell.health == Health::Healthy && !cell.stale
    };
    console
        .until("all answer", |c| is_healthy(c) && is_healthy_elsewhere(c))
        .await;
    let server = first.server("prod-eu").unwrap();
    server.set_mode(Mode::Refusing).await;
    console
        .until("it is gone", |c| c.cell("prod-eu", "cart").stale)
        .await;
    assert!(
        is_healthy_elsewhere(&console),
        "only its own column is stale"
    );
    push(&first, "cart", "prod-eu", "1.18.0", "1.17.2");
    let rolled = || {
        let object = server
            .store()
            .get("deployments", "shop-cart", "cart")
            .unwrap();
        let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().unwrap().ends_with(":1.17.2")
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !rolled() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "agents work on while nobody can ask"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.set_mode(Mode::Serving).await;
    console
        .until("it is back, with what happened meanwhile", |c| {
            is_healthy(c) && c.cell("prod-eu", "cart").versions.contains_key("1.17.2")
        })
        .await;
}

fn is_healthy_elsewhere(console: &Console) -> bool {
    ["dev", "staging", "prod-us"].iter().all(|environment| {
        let cell = console.cell(environment, "pricing");
        cell.health == Health::Healthy && !cell.stale
    })
}

/// The program over the demo's repository and clusters: its exit code, and what it said on both outputs.
fn run(demo: &Demo, home: &Path, line: &str) -> (i32, String) {
    let (exit, answer, notes) = ran(demo, home, line);
    (exit, answer + &notes)
}

/// The same, told apart: what is on standard output, and what is on standard error.
fn ran(demo: &Demo, home: &Path, line: &str) -> (i32, String, String) {
    let output = Command::new(TIDEGATE)
        .env_clear()
        .envs(isolated(home))
        .env("KUBECONFIG", &demo.kubeconfig)
        .args(line.split(' '))
        .current_dir(&demo.clone)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let exit = output.status.code().unwrap_or(-1);
    (exit, text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_told_by_commands() {
    let parent = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let demo = demo(parent.path()).await;
    let suspended = |service: &str| {
        let server = demo.server("staging").unwrap();
        let object = server.store().get("kustomizations", "flux-system", service);
        object.is_some_and(|it| it["spec"]["suspend"] == true)
    };
    let cases = [
        (
            "suspend cart staging --dry-run",
            0,
            "would suspend Kustomization flux-system/cart in staging",
        ),
        (
            "suspend cart staging --yes --read-only",
            2,
            "--read-only tells agents nothing",
        ),
        (
            "suspend cart staging --yes --offline",
            2,
            "--offline asks nobody",
        ),
        ("suspend cart staging", 2, "nobody is there to confirm"),
        ("suspend nothing staging --yes", 2, "nothing"),
        (
            "terminate cart staging --yes",
            2,
            "use `reconcile` (or `sync`), `suspend` or `resume`",
        ),
        (
            "reconcile mailer prod-us --yes",
            2,
            "use `refresh`, `sync`, `rollback` or `terminate`",
        ),
    ];
    for (line, code, words) in cases {
        let (exit, said) = run(&demo, home.path(), line);
        assert_eq!(exit, code, "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
        assert!(!suspended("cart"), "{line}");
    }
    let tell = |line: &str| {
        let (exit, said) = run(&demo, home.path(), &format!("{line} --yes --wait -o json"));
        assert_eq!(exit, 0, "{line}: {said}");
        let told: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_described(&told);
        assert_eq!(told["outcome"], "done", "{line}: {said}");
        told
    };
    let told = tell("suspend cart staging");
    assert_eq!(told["schema"], "tidegate.agent/v1");
    assert_eq!(told["agent"]["state"], "suspended");
    assert!(suspended("cart"));
    let (exit, said) = run(&demo, home.path(), "reconcile cart staging --yes --wait");
    assert_eq!(exit, 1, "{said}");
    assert!(
        said.contains("is suspended and would do nothing: resume it instead"),
        "{said}"
    );
    assert_eq!(tell("resume cart staging")["agent"]["state"], "synced");
    assert!(!suspended("cart"));
    tell("reconcile cart staging");
    assert_eq!(tell("sync cart staging")["action"], "reconcile");
    tell("refresh mailer prod-us");
    tell("refresh --hard mailer prod-us");
    let (exit, said) = run(&demo, home.path(), "terminate mailer prod-us --yes");
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("no operation is in progress"), "{said}");
    let (exit, said) = run(&demo, home.path(), "rollback cart staging --yes");
    assert_eq!(exit, 2, "{said}");
    let (exit, said) = run(&demo, home.path(), "rollback mailer prod-us --yes");
    assert_eq!(exit, 1, "{said}");
    assert!(
        said.contains("would undo it") || said.contains("has no entry"),
        "{said}"
    );
    // One that syncs nothing by itself goes back, and on again.
    let told = tell("rollback pricing prod-eu");
    let undone = told["undone_by"][0].as_str().unwrap_or_default();
    assert!(
        undone.contains("undoes this when somebody syncs it"),
        "{told}"
    );
    assert_eq!(told["agent"]["state"], "out-of-sync");
    assert_eq!(tell("sync pricing prod-eu")["agent"]["state"], "synced");
    // What a person set in the cluster goes with the sync.
    let told = tell("sync mailer prod-us");
    assert_eq!(told["command"], "argocd app sync mailer -N argocd");
    let mut console = console(&demo);
    console
        .until("that Git is what runs", |c| {
            let cell = c.cell("prod-us", "mailer");
            cell.serving
                .is_some_and(|it| it.as_str() != "2.0.3-hotfix.1")
        })
        .await;
}

/// What a cell says of its progress.
fn stage(console: &Console, environment: &str, service: &str) -> Option<Stage> {
    let progress = console.cell(environment, service).progress;
    progress.map(|progress| progress.stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_told_by_commands() {
    let parent = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let demo = demo(parent.path()).await;
    let mut console = console(&demo);
    console
        .until("the canary that waits", |c| {
            stage(c, "prod-us", "storefront") == Some(Stage::Waiting)
        })
        .await;
    let cases = [
        (
            "canary promote storefront prod-us --dry-run",
            0,
            "would promote Rollout shop-storefront/storefront in prod-us",
        ),
        (
            "canary abort storefront prod-us --yes --read-only",
            2,
            "--read-only tells agents nothing",
        ),
        (
            "canary promote storefront prod-us",
            2,
            "nobody is there to confirm",
        ),
        (
            "canary retry storefront prod-us --yes",
            1,
            "was not aborted: there is nothing to retry",
        ),
        (
            "canary abort storefront dev --yes",
            1,
            "has nothing under way",
        ),
        (
            "canary promote cart dev --yes",
            1,
            "is not delivered step by step",
        ),
    ];
    for (line, code, words) in cases {
        let (exit, said) = run(&demo, home.path(), line);
        assert_eq!(exit, code, "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
    }
    let (exit, said, notes) = ran(&demo, home.path(), "status -o json");
    assert_eq!(exit, 0, "{said}{notes}");
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_described(&status);
    let rows = status["services"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "storefront").unwrap();
    let live = &row["cells"]["prod-us"]["live"];
    let step = serde_json::json!({"index": 1, "of": 6, "weight": 20, "waits": "a promotion"});
    assert_eq!(live["step"], step, "{live:#}");
    assert_eq!(live["hop"]["at"], "run", "{live:#}");
    assert_eq!(row["cells"]["dev"]["live"]["step"], serde_json::Value::Null);

    let tell = |line: &str| {
        let line = format!("{line} --yes --wait -o json");
        let (exit, said, notes) = ran(&demo, home.path(), &line);
        assert_eq!(exit, 0, "{line}: {said}{notes}");
        let told: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_described(&told);
        assert_eq!(told["outcome"], "done", "{line}: {said}");
        told
    };
    let told = tell("canary abort storefront prod-us");
    assert_eq!(told["schema"], "tidegate.canary/v1");
    assert_eq!(told["progress"]["stage"], "aborted");
    console
        .until("what stays", |c| {
            let cell = c.cell("prod-us", "storefront");
            cell.health == Health::Degraded && cell.versions.len() == 1
        })
        .await;
    let cell = console.cell("prod-us", "storefront");
    assert_eq!(cell.serving, Some("2026.11.4".into()));
    let hop = cell.hop.unwrap();
    assert_eq!(hop.at.to_string(), "serve");
    assert!(
        hop.reason.contains("canary aborted; 2026.11.4 stays"),
        "{hop:?}"
    );
    tell("canary retry storefront prod-us");
    console
        .until("that it waits again", |c| {
            stage(c, "prod-us", "storefront") == Some(Stage::Waiting)
        })
        .await;
    let told = tell("canary promote storefront prod-us");
    assert_eq!(told["progress"]["step"]["weight"], 50, "{told:#}");
    let told = tell("canary promote --full storefront prod-us");
    assert_eq!(told["progress"]["stage"], "done", "{told:#}");
    console
        .until("that it has arrived", |c| {
            let cell = c.cell("prod-us", "storefront");
            cell.health == Health::Healthy && cell.versions.keys().eq([&"2026.11.5".into()])
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_read_and_harm_no_terminal() {
    let parent = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let demo = demo(parent.path()).await;
    let server = demo.server("staging").unwrap();
    let mut console = console(&demo);
    console
        .until("its pods", |c| {
            let cell = c.cell("staging", "cart");
            cell.health == Health::Healthy && !cell.pods.is_empty()
        })
        .await;
    let pods = console.cell("staging", "cart").pods;
    let namespace = console.targets.iter().flat_map(ClusterTarget::cells);
    let mut namespace = namespace.filter(|it| it.cell.service.as_str() == "cart");
    let namespace = namespace.find(|it| it.cell.environment.as_str() == "staging");
    let namespace = namespace.unwrap().places[0].namespace.clone();
    let pod = pods[0].name.clone();
    let long = "x".repeat(100_000);
    let bad = format!("one\x1b[2J\x1b]0;title\x07\r\ntwo \u{202e}back\n{long}\n");
    server.store().write_log(&namespace, &pod, false, bad);
    let only = format!("logs cart staging --pod {pod}");
    let (exit, said) = run(&demo, home.path(), &only);
    assert_eq!(exit, 0, "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(&lines[..2], ["one", "two back"]);
    // With the time before it, whose fraction may end sooner, it was as long as a line may be.
    let cut = lines[2].chars().count();
    let times = "2026-11-29T10:00:00Z ".len()..="2026-11-29T10:00:00.123456789Z ".len();
    assert!(times.contains(&((16 << 10) + 1 - cut)), "{cut}");

    let (exit, said) = run(&demo, home.path(), &format!("{only} --tail 1 -o json"));
    assert_eq!(exit, 0, "{said}");
    let line: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
    assert_described(&line);
    assert_eq!(line["pod"], pod);
    assert!(line["time"].is_string(), "{line}");

    let cases = [
        ("logs cart staging --tail 2", 0, "level=info"),
        ("logs cart staging -c no-such", 1, "is not valid for pod"),
        (
            "logs cart staging --pod no-such",
            1,
            "has no pod no-such; there are: ",
        ),
        (
            "logs cart staging --previous",
            1,
            "previous terminated container",
        ),
        ("logs cart staging --offline", 2, "--offline asks nobody"),
        ("logs cart staging -c a/b", 2, "is no name of a container"),
        ("logs no-such staging", 2, "no-such"),
    ];
    for (line, code, words) in cases {
        let (exit, said) = run(&demo, home.path(), line);
        assert_eq!(exit, code, "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workloads_are_rolled_by_commands() {
    let parent = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let demo = demo(parent.path()).await;
    let mut console = console(&demo);
    console
        .until("its pods", |c| {
            c.cell("staging", "cart").health == Health::Healthy
        })
        .await;
    let image = || {
        let server = demo.server("staging").unwrap();
        let object = server.store().get("deployments", "cart", "cart").unwrap();
        let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().unwrap().to_owned()
    };
    let before = image();
    let cases = [
        (
            "rollout undo cart staging --dry-run",
            0,
            "Flux (Kustomization flux-system/cart) undoes this at its next reconcile",
        ),
        (
            "rollout undo cart prod-us --dry-run",
            0,
            "Argo CD (Application argocd/cart) undoes this ",
        ),
        (
            "rollout undo cart staging --yes --read-only",
            2,
            "--read-only changes no cluster",
        ),
        ("rollout undo cart staging", 2, "nobody is there to confirm"),
        (
            "rollout undo cart staging --yes --to-revision 77",
            1,
            "there is no revision 77",
        ),
        ("rollout resume cart staging --yes", 1, "it is not paused"),
        (
            "rollout restart cart staging --yes --workload nothing",
            2,
            "has no workload nothing",
        ),
    ];
    for (line, code, words) in cases {
        let (exit, said) = run(&demo, home.path(), line);
        assert_eq!(exit, code, "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
        assert_eq!(image(), before, "{line}");
    }
    let tell = |line: &str, outcome: &str| {
        let (exit, said) = run(&demo, home.path(), &format!("rollout {line} -o json"));
        assert_eq!(exit, 0, "{line}: {said}");
        let told: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_described(&told);
        assert_eq!(
            told["outcome"].as_str().unwrap_or_default(),
            outcome,
            "{line}: {said}"
        );
        told
    };
    let history = tell("history cart staging", "");
    let revisions = history["revisions"].as_array().unwrap();
    assert!(revisions.len() > 1, "{history}");
    assert_eq!(revisions[0]["current"], true, "{history}");
    let told = tell("restart cart staging --yes --wait", "done");
    assert_eq!(
        told["command"],
        "kubectl --context staging -n cart rollout restart deployment/cart"
    );
    tell("pause cart staging --yes", "changed");
    tell("resume cart staging --yes", "changed");
    let told = tell("undo cart staging --yes --to-revision 1", "changed");
    assert_eq!(told["to"], 1);
    assert_ne!(image(), before);
}

/// What each gate says of what a column could take, and a batch in three waves, of which the second fails and goes back with
/// the first.
#[tokio::test(flavor = "multi_thread")]
async fn gates_hold_and_pass_and_a_batch_goes_back() {
    let parent = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let demo = demo(parent.path()).await;
    let mut console = console(&demo);
    console
        .until("that all that comes runs upstream", |c| {
            let healthy = |service: &str| c.cell("staging", service).health == Health::Healthy;
            healthy("payments") && healthy("ledger") && healthy("checkout")
        })
        .await;
    let all = "promote --all --from staging --to prod-eu --trust -o json";
    let (exit, said, notes) = ran(&demo, home.path(), &format!("{all} --dry-run"));
    assert_eq!(exit, 0, "{said}{notes}");
    let plan: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_described(&plan);
    let changes = plan["changes"].as_array().unwrap();
    let going: Vec<&str> = changes
        .iter()
        .map(|change| change["service"].as_str().unwrap())
        .collect();
    assert_eq!(going, ["checkout", "ledger", "storefront"]);
    for gate in ["soak", "together", "registry", "http", "veto"] {
        let passes = |change: &serde_json::Value| {
            let mut verdicts = change["verdicts"].as_array().unwrap().iter();
            verdicts.any(|it| it["gate"] == gate && it["outcome"] == "pass")
        };
        assert!(changes.iter().all(passes), "{gate}: {said}");
    }
    let skipped = plan["skipped"].as_array().unwrap();
    let cases = [
        ("payments", "held", "soak: "),
        (
            "invoices",
            "held",
            "the freeze `books are closed` holds until ",
        ),
        (
            "recommendations",
            "held",
            "is not for linux/amd64: it is for linux/arm64",
        ),
        (
            "catalog",
            "reverted",
            "4.4.0 is vetoed: search forgets its filters",
        ),
        (
            "identity",
            "ahead",
            "prod-eu declares 5.1.1, which is newer than 5.1.0",
        ),
    ];
    for (service, cause, words) in cases {
        let mut skips = skipped.iter();
        let skip = skips.find(|skip| skip["service"] == service).unwrap();
        assert_eq!(skip["cause"], cause, "{skip}");
        let detail = skip["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
        // They are held by themselves, whatever would go with them.
        assert!(!detail.contains("together: "), "{detail}");
    }
    let (exit, said) = run(&demo, home.path(), "why log-agent --to prod-us --trust");
    assert_eq!(exit, 0, "{said}");
    assert!(
        said.contains("/smoke/staging/log-agent answers 503"),
        "{said}"
    );
    let (_, said) = run(&demo, home.path(), "why log-agent --to prod-us");
    assert!(said.contains("before you have allowed it"), "{said}");

    let line = format!("{all} --yes --revert-on-failure");
    let (exit, said, notes) = ran(&demo, home.path(), &line);
    assert_eq!(exit, 1, "{said}{notes}");
    for words in [
        "wave 1 of 3: ledger / prod-eu",
        "wave 2 of 3 failed: checkout / prod-eu: ",
        "taken back, because its rollout failed: ",
    ] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    let (_, said, _) = ran(&demo, home.path(), "status --env prod-eu --no-live -o json");
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    for (service, version) in [
        ("ledger", "1.9.2"),
        ("checkout", "1.41.3"),
        ("storefront", "2026.11.4"),
    ] {
        let mut rows = status["services"].as_array().unwrap().iter();
        let row = rows.find(|row| row["name"] == service).unwrap();
        assert_eq!(row["cells"]["prod-eu"]["version"], version, "{service}");
    }
}
