//! Pull requests that are closed without a merge: dropped, or superseded by another; said once, whatever is killed when.

use super::*;

fn close(repository: &Repository, more: &[&str]) -> crate::support::repo::Said {
    let arguments = [&["pull-request", "close", "#1", "-o", "json"], more].concat();
    let clone = repository.clone_path();
    repository.run(&clone, &arguments, "", &[("FORGE_TOKEN", TOKEN)])
}

pub(super) fn by_command(dialect: Dialect, document: Option<Document>) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = 1;
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion.says("#1 waits for 1 approval");
    let value = close(&repository, &["--dry-run"]).exits(0).json();
    assert_eq!(value["outcome"], "dry-run");
    close(&repository, &[]).exits(2).says("--yes confirms");
    assert_eq!(fake.pull(1).state, "open");
    let said = close(&repository, &["--yes", "--reason", "the sale is off"]).exits(0);
    let value = said.json();
    assert_eq!(
        (&value["outcome"], &value["pull_request"]["state"]),
        (&"closed".into(), &"closed".into())
    );
    let (code, _, words) = promotion.end();
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("#1 was closed without a merge"), "{words}");
    let comments = fake.pull(1).comments;
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(
        comments[0].starts_with("Closed: the sale is off"),
        "{comments:?}"
    );
    let value = close(&repository, &["--yes"]).exits(0).json();
    assert_eq!(value["outcome"], "already-there");
    assert_eq!(fake.pull(1).comments.len(), 1);
    fake.is_content();
    keeps_no_token(&repository);
}

pub(super) fn superseded(dialect: Dialect, document: Option<Document>) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = 1;
    repository.pull();
    let older = bot(&repository, "prod", "1.0.5");
    let other = bot(&repository, "staging", "1.2.0");
    fake.open(&older, "renovate");
    fake.open(&other, "renovate");
    // It is named, and stays open where nobody asks for more.
    let (code, value, words) = promote(&repository, &["--dry-run"]);
    assert_eq!(code, 0, "{words}");
    let words = format!("{value}");
    let named = "#1 (renovate) is open for checkout / prod: + 1.0.5";
    assert!(
        words.contains(&format!("{named}; --supersede closes it")),
        "{words}"
    );
    assert!(!words.contains("#2"), "{words}");
    assert_eq!(fake.pull(1).state, "open");
    let (code, value, words) = promote(&repository, &["--supersede"]);
    assert_eq!(code, 0, "{words}");
    assert!(
        words.contains(&format!("{named}; it is closed once")),
        "{words}"
    );
    assert!(
        words.contains("#1 is closed: #3 takes its place"),
        "{words}"
    );
    let number = &value["pull_request"]["number"];
    assert_eq!(*number, 3);
    let (first, second) = (fake.pull(1), fake.pull(2));
    assert_eq!(
        (first.state.as_str(), second.state.as_str()),
        ("closed", "open")
    );
    assert_eq!(first.comments.len(), 1, "{first:?}");
    assert!(
        first.comments[0].starts_with("Superseded by [#3](http"),
        "{first:?}"
    );
    // Asked for again, its own is found, and is not what it takes the place of.
    let (code, value, words) = promote(&repository, &["--supersede"]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(value["pull_request"]["number"], 3);
    assert_eq!(fake.pull(3).state, "open", "{words}");
    assert_eq!(fake.pull(1).comments.len(), 1);
    fake.is_content();
    keeps_no_token(&repository);
}

#[test]
fn one_is_closed_by_command_and_told_why() {
    for dialect in ALL {
        by_command(dialect, None);
    }
}

#[test]
fn an_older_one_for_the_same_cell_is_named_and_superseded_on_request() {
    for dialect in ALL {
        superseded(dialect, None);
    }
}

#[test]
fn what_supersedes_nothing_is_told() {
    let repository = ready();
    let fake = Fake::serve(&repository, Dialect::Github, None);
    let clone = repository.clone_path();
    let promote = [
        "promote",
        "checkout",
        "--from",
        "staging",
        "--to",
        "prod",
        "--no-live",
        "--yes",
        "--supersede",
    ];
    repository
        .run(&clone, &promote, "", &[("FORGE_TOKEN", TOKEN)])
        .exits(2)
        .says("this plan opens none");
    fake.is_content();
}

/// Killed between the comment and the close: the next start goes on where it ended, and says nothing twice.
#[test]
fn what_was_killed_while_it_superseded_is_closed_and_told_once() {
    for (dialect, closes) in [
        (Dialect::Github, "PATCH /repos/acme/deploy/pulls/1"),
        (
            Dialect::Gitlab,
            "PUT /projects/acme%2Fdeploy/merge_requests/1",
        ),
        (Dialect::Gitea, "PATCH /repos/acme/deploy/pulls/1"),
    ] {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        repository.pull();
        let older = bot(&repository, "prod", "1.0.5");
        fake.open(&older, "renovate");
        fake.fault(closes, Fault::Silent);
        let promotion = Promotion::begin(&repository, &["--wait", "--supersede"]);
        until("it is asked to close it", || {
            let asked = fake.state().asked.iter().any(|line| line == closes);
            asked.then_some(())
        });
        promotion.kill();
        assert_eq!(fake.pull(1).state, "open");
        let mut operator = console(&repository);
        operator.command("write");
        until("it is closed", || {
            (fake.pull(1).state == "closed").then_some(())
        });
        fake.merge(&repository, 2);
        until("its end", || (kept(&repository) == 0).then_some(()));
        let over = |view: &crate::support::terminal::View| !view.has("delivering");
        operator.terminal.until("its end is shown", SOON, over);
        operator.leave();
        let first = fake.pull(1);
        assert_eq!(first.comments.len(), 1, "{dialect:?}: {first:?}");
        assert_eq!(fake.openings(), 1);
        fake.is_content();
    }
}

#[test]
fn a_delivery_that_waits_is_dropped_from_the_screen() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 1 approval");
        promotion.kill();
        let mut operator = console(&repository);
        operator
            .terminal
            .until("it is taken up", SOON, |view| view.has("delivering"));
        operator.terminal.press("d");
        operator.terminal.until("what it waits for", SOON, |view| {
            view.has("#1 waits for 1 approval")
        });
        operator.terminal.press("x");
        operator
            .terminal
            .until("that nothing may be written", SOON, |view| {
                view.has("read-only")
            });
        operator.command("write");
        let asks =
            |view: &crate::support::terminal::View| view.has("Close #1, which nobody has merged?");
        operator
            .terminal
            .press_until("x", "the question", SOON, asks);
        operator.terminal.press_until("y", "its end", SOON, |view| {
            view.has("dropped: #1 was closed without a merge")
        });
        operator.leave();
        let pull = fake.pull(1);
        assert_eq!(
            (pull.state.as_str(), pull.comments.len()),
            ("closed", 1),
            "{dialect:?}"
        );
        assert!(pull.comments[0].starts_with("Dropped:"), "{pull:?}");
        assert_eq!(kept(&repository), 0);
        fake.is_content();
    }
}

#[test]
fn a_body_of_ours_says_what_the_plan_of_today_does() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        promote(&repository, &[]);
        // As it was planned by another policy.
        let old = format!("old words\n\nPlan: `{}`\n", "0".repeat(64));
        fake.change(1, |pull| pull.body.clone_from(&old));
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{words}");
        assert_eq!(value["pull_request"]["number"], 1);
        let now = fake.pull(1).body;
        assert!(now.starts_with("## Changes"), "{dialect:?}: {now}");
        // What somebody wrote in its place stays.
        fake.change(1, |pull| "by hand".clone_into(&mut pull.body));
        promote(&repository, &[]);
        assert_eq!(fake.pull(1).body, "by hand");
        assert_eq!(fake.openings(), 1);
        fake.is_content();
    }
}
