//! Changes that wait for their gates, and that are taken back by themselves.

#![allow(clippy::unwrap_used)] // helpers fail by panicking
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{
    demo::{Operated, cell},
    repo::{Repository, overlay},
    schema::assert_described,
    terminal::TIDEGATE,
};

/// Waits for what its gates hold of a group.
const PROMOTE_A_GROUP: [&str; 8] = [
    "promote",
    "check*",
    "--from",
    "staging",
    "--to",
    "prod",
    "--yes",
    "--when-eligible",
];

/// `checkout` is 1.1.0 in staging, and that is vetoed.
fn vetoed() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    let veto = "[[veto]]\nservice = \"checkout\"\nversion = \"1.1.0\"\nreason = \"leaks\"\n";
    repository.write("vetoes.toml", veto);
    repository.publish("Veto");
    repository
}

/// A command under way.
pub(crate) struct Waiting {
    child: Child,
    errors: BufReader<ChildStderr>,
    said: String,
}

impl Waiting {
    pub(crate) fn begin(repository: &Repository, arguments: &[&str]) -> Self {
        let mut command = repository.command(TIDEGATE);
        let command = command
            .args(arguments)
            .current_dir(repository.clone_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            errors,
            said: String::new(),
        }
    }

    /// Reads until it says this.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        while !self.said.contains(words) {
            let read = self.errors.read_line(&mut self.said).unwrap();
            assert!(
                read > 0,
                "it ended before it said `{words}`:\n{}",
                self.said
            );
        }
    }

    /// Its exit code, what it printed, and all that it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        self.errors.read_to_string(&mut self.said).unwrap();
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        (self.child.wait().unwrap().code(), out, self.said)
    }
}

const SET: [&str; 7] = [
    "set",
    "checkout",
    "prod",
    "2.0.0",
    "--yes",
    "--when-eligible",
    "-ojson",
];

#[test]
fn it_goes_as_soon_as_its_gates_pass() {
    let repository = Repository::seeded();
    let mut waiting = Waiting::begin(&repository, &SET);
    waiting.until("waits for upstream of checkout / prod: staging declares 1.0.0, not 2.0.0");
    repository.bump("checkout", "staging", "2.0.0");
    let (code, out, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("its gates pass: it goes"), "{said}");
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(plan["outcome"], "pushed");
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("2.0.0")
    );
}

#[test]
fn it_ends_in_time_or_when_interrupted_and_nothing_is_written() {
    let repository = Repository::seeded();
    let tip = repository.tip();
    let limited = [&SET[..], &["--timeout", "2s"]].concat();
    let (code, out, said) = Waiting::begin(&repository, &limited).end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not eligible in time"), "{said}");
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(plan["outcome"], "timed-out");
    let mut waiting = Waiting::begin(&repository, &SET);
    waiting.until("waits for upstream");
    let id = i32::try_from(waiting.child.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(repository.tip(), tip);
    // Nobody there to confirm, and no consent: it does not wait for that.
    let asked = ["set", "checkout", "prod", "2.0.0", "--when-eligible"];
    repository.tidegate(&asked).exits(2);
}

#[test]
fn what_was_confirmed_goes_and_nothing_else() {
    let repository = vetoed();
    let mut promote = PROMOTE_A_GROUP;
    promote[1] = "checkout";
    let mut waiting = Waiting::begin(&repository, &promote);
    waiting.until("waits for veto of checkout / prod");
    repository.bump("checkout", "staging", "1.2.0");
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("was 1.0.0 → 1.1.0, is 1.0.0 → 1.2.0"),
        "{said}"
    );
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("1.0.0")
    );
}

#[test]
fn what_came_with_a_group_goes_as_it_was_confirmed_and_no_other() {
    let promote = PROMOTE_A_GROUP;
    let repository = vetoed();
    let dry = [&promote[..6], &["--dry-run"]].concat();
    repository
        .tidegate(&dry)
        .exits(3)
        .shows("held back: promote checkout / prod: 1.0.0 → 1.1.0");
    let json = repository
        .tidegate(&[&dry[..], &["-o", "json"]].concat())
        .exits(3)
        .json();
    assert_described(&json);
    assert_eq!(
        json["skipped"][0]["would"],
        json!({ "from": "1.0.0", "to": "1.1.0" })
    );
    let mut waiting = Waiting::begin(&repository, &promote);
    waiting.until("waits for veto of checkout / prod");
    repository.bump("checkout", "staging", "9.9.9");
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("was 1.0.0 → 1.1.0, is 1.0.0 → 9.9.9"),
        "{said}"
    );
    let prod = overlay("checkout", "prod");
    assert!(repository.at_tip(&prod).contains("1.0.0"));
    // What was confirmed goes.
    let repository = vetoed();
    let mut waiting = Waiting::begin(&repository, &promote);
    waiting.until("waits for veto of checkout / prod");
    repository.write("vetoes.toml", "");
    repository.publish("No veto");
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(repository.at_tip(&prod).contains("1.1.0"));
    // A file of it holds no bytes that could go.
    let repository = vetoed();
    let plan = [&["plan"], &promote[..6], &["--out", "../plan.json"]].concat();
    repository.tidegate(&plan).exits(3);
    repository
        .tidegate(&["apply", "../plan.json", "--yes", "--when-eligible"])
        .exits(2)
        .says("pins no bytes");
}

/// A plan that its gates hold, as a file.
fn planned() -> Repository {
    let repository = Repository::seeded();
    let set = ["plan", "set", "checkout", "prod", "2.0.0"];
    repository
        .tidegate(&[&set[..], &["--out", "../plan.json"]].concat())
        .exits(3);
    repository
}

#[test]
fn a_plan_of_a_file_waits_for_its_gates_too() {
    let repository = planned();
    let apply = ["apply", "../plan.json", "--yes", "--when-eligible"];
    let mut waiting = Waiting::begin(&repository, &apply);
    waiting.until("waits for upstream of checkout / prod");
    repository.bump("checkout", "staging", "2.0.0");
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("2.0.0")
    );
    // Where it passes already, the file that was held goes at once.
    let repository = planned();
    repository.bump("checkout", "staging", "2.0.0");
    repository
        .tidegate(&["apply", "../plan.json", "--yes"])
        .exits(5);
    repository.tidegate(&apply).exits(0);
    // Another policy than the one that it pins lets nothing go.
    let repository = planned();
    let mut waiting = Waiting::begin(&repository, &apply);
    waiting.until("waits for upstream of checkout / prod");
    let policy = repository.at_tip("tidegate.toml").replace(
        "protected = true\n",
        "protected = true\n\n[environments.gates]\nupstream = { level = \"warn\" }\n",
    );
    // The one of the work tree is in force.
    std::fs::write(repository.clone_path().join("tidegate.toml"), policy).unwrap();
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("the policy is another one"), "{said}");
    let prod = repository.at_tip(&overlay("checkout", "prod"));
    assert!(prod.contains("1.0.0"), "{prod}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_become_healthy_is_taken_back() {
    let operated = Operated::start(20.0).await;
    let promote = [
        "promote",
        "checkout",
        "--from",
        "staging",
        "--to",
        "prod-eu",
        "--yes",
        "--revert-on-failure",
        "-o",
        "json",
        "--override",
        "dependency",
        "--reason",
        "By hand",
    ];
    let said = operated.tidegate(&promote).await;
    let said = said
        .exits(1)
        .says("taken back, because its rollout failed: checkout / prod-eu: ")
        .says("checkout / prod-eu: healthy");
    let plan = said.json();
    assert_eq!(plan["outcome"], json!("reverted"));
    let status = ["status", "--env", "prod-eu", "--no-live", "-o", "json"];
    let status = operated.tidegate(&status).await.exits(0).json();
    let cell = cell(&status, "checkout", "prod-eu");
    assert_eq!(cell["version"], "1.41.3");
}
