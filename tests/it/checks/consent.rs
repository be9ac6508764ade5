//! A consent covers what was shown, and what was shown is what is asked.

use super::*;
use crate::support::terminal::{SOON, Setup, key};

/// `staging` and `other` each say where they are; `prod` comes from `from`, and asks where that is.
fn upstreams(from: &str, staging: &Web, other: &Web) -> String {
    format!(
        "[[environments]]\nname = \"staging\"\nurl = \"{}\"\n[[environments]]\nname = \"other\"\nurl = \"{}\"\n[[environments]]\nname = \"prod\"\nfrom = [\"{from}\"]\n[environments.gates]\nhttp = {{ url = \"{{from.url}}/healthz\" }}\n{LAYOUT}",
        staging.url(""),
        other.url("")
    )
}

#[test]
fn a_consent_covers_no_address_that_was_not_shown() {
    let (staging, other) = (Web::says(200, ""), Web::says(200, ""));
    let repository = repository("");
    repository.write("tidegate.toml", &upstreams("staging", &staging, &other));
    repository.write("other/web.yaml", "image: {tag: 1.2.0}\n");
    repository.publish("Asks the upstream");
    repository.pull();
    let trust = |exit: i32| repository.tidegate(&["trust", "--dry-run"]).exits(exit);
    assert!(!trust(0).out.contains(&other.url("")));
    repository
        .tidegate(&["trust"])
        .exits(0)
        .shows(&format!("asks {}", staging.url("/healthz")));
    assert_says(&repository, "http", "pass", "answers 200");
    // From elsewhere than was shown, it is not asked there.
    let elsewhere = ["promote", "web", "--from", "other", "--to", "prod"];
    repository
        .tidegate(&[&elsewhere[..], &["--dry-run"]].concat())
        .shows("other is no upstream of prod");
    // Nor where the file names another upstream.
    repository.write("tidegate.toml", &upstreams("other", &staging, &other));
    repository.publish("Another upstream");
    repository.pull();
    assert_says(&repository, "http", "unknown", "tidegate trust");
    trust(0).shows(&format!("asks {}", other.url("/healthz")));
    assert!(other.asked().is_empty());
}

#[test]
fn an_address_that_reads_as_another_is_refused() {
    for (url, words) in [
        (
            r"'http://127.0.0.1:1\@good.example/x'",
            "which programs read as a `/`",
        ),
        (
            "\"http://good.example@127.0.0.1:1/x\"",
            "has user information",
        ),
        ("\"http://127.0.0.1:1/a b\"", "has a blank"),
        ("\"http://127.0.0.1:1/\\u0007\"", "has a blank"),
    ] {
        let repository = repository("");
        for gates in [
            format!("url = {url}"),
            format!("[environments.gates]\nhttp = {{ url = {url} }}"),
        ] {
            configure(&repository, &gates);
            repository.publish("Misleads");
            repository.pull();
            let said = repository.tidegate(&["trust", "--dry-run"]).exits(2);
            assert!(
                said.err.contains("tidegate.toml:") && said.err.contains(words),
                "{url}: {}",
                said.err
            );
        }
    }
}

#[test]
fn what_is_asked_at_a_terminal_is_shown_beside_json() {
    let repository =
        repository("[environments.gates]\ncommand = { run = [\"judge\", \"--strictly\"] }");
    let setup = Setup::tidegate(&["trust", "-o", "json"])
        .home(repository.home())
        .folder(repository.clone_path());
    let mut terminal = setup.start();
    let view = terminal.until("the question", SOON, |view| {
        view.has("Open, ask and run these")
    });
    assert!(view.has("runs judge --strictly"), "{view}");
    terminal.press("n");
    terminal.press(key::ENTER);
    terminal.ended(SOON);
    assert_says(&repository, "command", "unknown", "tidegate trust");
}
