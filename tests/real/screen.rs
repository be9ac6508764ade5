//! Journeys in the screen, as an operator goes them: keys in, screen out.

use std::time::{Duration, Instant};

use crate::{
    operator::Operator,
    rig::until,
    terminal::{SOON, View, key},
    world::{ROLLOUT, World},
};

/// How soon a cluster that answers again shows in the screen: the wait between two tries, at most, and some.
const BACK_AGAIN: Duration = Duration::from_secs(90);

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn an_operator_promotes_sees_it_fail_and_reverts() {
    let world = World::start("screen");
    world.bump("shop", "dev", "1.1.0");
    let mut operator = Operator::sit_down(world.screen(&[]));
    operator
        .terminal
        .until("live cells", SOON, |view| view.has("2/2 live"));
    operator
        .terminal
        .until("the fetched version", SOON, |view| view.has("1.1.0"));
    operator.unlock();

    for (environment, protected) in [("staging", None), ("prod", Some("prod"))] {
        let plan = operator.plan_promotion("shop", environment);
        assert!(
            plan.has("-    newTag: 1.0.0") && plan.has("+    newTag: 1.1.0"),
            "{plan}"
        );
        operator.confirm(protected);
        let began = Instant::now();
        let rolling = rolling(&operator, environment);
        world.note(&format!(
            "{environment}, {:.1?} after the push: {rolling}",
            began.elapsed()
        ));
        let end = operator.delivered(ROLLOUT);
        assert!(world.serves("shop", environment, "1.1.0"), "{end}");
        world.note(&format!(
            "{environment}: {}",
            words(&end, "after the confirmation")
        ));
        operator.back_to_the_matrix();
        let cell = operator.go_to("shop", environment);
        assert!(cell.has("✓ healthy") && cell.has("runs 1.1.0 ×3"), "{cell}");
    }

    let bad = "1.2.0-crash.1";
    world.bump("shop", "dev", bad);
    operator.back_to_the_matrix();
    operator.terminal.press("\x12");
    operator
        .terminal
        .until("the bump", SOON, |view| view.line(&["shop", bad]).is_some());
    operator.plan_promotion("shop", "staging");
    operator.confirm(None);
    let failed = operator.failed(ROLLOUT);
    assert!(failed.has("CrashLoopBackOff"), "{failed}");
    world.note(&format!(
        "{bad} fails: {}",
        words(&failed, "CrashLoopBackOff")
    ));
    operator.back_to_the_matrix();
    let cell = operator.go_to("shop", "staging");
    assert!(
        cell.line(&["shop", &format!("✗ {bad}")]).is_some(),
        "{cell}"
    );
    assert!(
        cell.has("✗ degraded") && cell.has("CrashLoopBackOff"),
        "{cell}"
    );
    world.note(&format!("the matrix: {}", words(&cell, "✗ 1.2.0")));
    world.note(&format!("the cell: {}", words(&cell, "✗ degraded")));

    operator.plan_revert("shop", "staging");
    operator.confirm(None);
    let healed = operator.delivered(ROLLOUT);
    assert!(world.serves("shop", "staging", "1.1.0"), "{healed}");
    world.note(&format!(
        "reverted: {}",
        words(&healed, "after the confirmation")
    ));
    operator.back_to_the_matrix();
    let cell = operator.go_to("shop", "staging");
    assert!(cell.has("✓ healthy") && cell.has("runs 1.1.0 ×3"), "{cell}");
    operator.leave();
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_lost_cluster_goes_stale_and_comes_back() {
    let world = World::start_alone("lost");
    let process = format!("{}/kube-apiserver", world.environment("staging").cluster);
    let mut operator = Operator::sit_down(world.screen(&[]));
    operator
        .terminal
        .until("live cells", SOON, |view| view.has("2/2 live"));

    let mut stopped = world.rig.stop(&process);
    let began = Instant::now();
    let view = operator.terminal.until("stale cells", SOON, |view| {
        view.has("1/2 live") && view.has("∅3 stale")
    });
    world.note(&format!(
        "{process} stopped: stale after {:.1?}",
        began.elapsed()
    ));
    world.note(&format!("the summary: {}", words(&view, "∅3 stale")));
    let stale = operator.go_to("shop", "staging");
    assert!(
        stale.has("stale, was healthy") && stale.has(" ago"),
        "{stale}"
    );
    assert!(
        stale.line(&["shop", "∅ 1.0.0", "✓ 1.0.0"]).is_some(),
        "{stale}"
    );
    let row = stale.line(&["shop", "∅ 1.0.0"]).unwrap_or_default();
    world.note(&format!("the row: {}", trimmed(row)));
    world.note(&format!(
        "the cell: {}",
        words(&stale, "stale, was healthy")
    ));

    // What is still there stays live: a rollout in the other cluster shows while this one is away.
    world.bump("mail", "prod", "1.1.0");
    world.until_served("mail", "prod", "1.1.0");
    operator.back_to_the_matrix();
    operator.terminal.press("\x12");
    let live = operator.go_to("mail", "prod");
    if !live.has("runs 1.1.0") {
        operator
            .terminal
            .until("a rollout elsewhere", ROLLOUT, |view| {
                view.has("runs 1.1.0")
            });
    }

    stopped.start();
    assert!(
        until(ROLLOUT, || world.answers("staging")),
        "{process} is up"
    );
    let began = Instant::now();
    operator
        .terminal
        .until("all live again", BACK_AGAIN, |view| view.has("2/2 live"));
    world.note(&format!(
        "live again {:.1?} after the API server answered",
        began.elapsed()
    ));
    let back = operator.go_to("shop", "staging");
    assert!(back.has("✓ healthy"), "{back}");
    operator.leave();
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_refused_push_leaves_everything_staged_and_offers_a_branch() {
    let world = World::start("refused");
    world.bump("mail", "dev", "1.1.0");
    world.wait(world.repository.protect("main"));
    let tip = world.wait(world.repository.tip("main")).0;
    let mut operator = Operator::sit_down(world.screen(&[]));
    operator
        .terminal
        .until("the bump", SOON, |view| view.has("1.1.0"));
    operator.unlock();
    operator.plan_promotion("mail", "staging");
    operator.confirm(None);
    let is_refused =
        |view: &View| view.has("The push was refused at ") && view.has("; everything stays staged");
    let said = operator
        .terminal
        .until("what becomes of it", ROLLOUT, |view| {
            is_refused(view) || view.has("Judged again")
        });
    if !is_refused(&said) {
        // What an agent says of it came between the plan and its confirmation.
        world.note(&format!("judged again: {said}"));
        operator.confirm(None);
    }
    let refused = operator.terminal.until("the refusal", SOON, is_refused);
    let server = "Not allowed to push to protected branch main";
    assert!(refused.has(server) && refused.has("staged 1"), "{refused}");
    assert!(
        refused.has("<b> delivers to a branch of its own instead"),
        "{refused}"
    );
    assert_eq!(
        tip,
        world.wait(world.repository.tip("main")).0,
        "nothing was pushed"
    );
    world.note(&format!("refused: {}", words(&refused, server)));

    operator.terminal.press("b");
    operator
        .terminal
        .until("the other target", SOON, |view| view.has("tidegate/"));
    operator.confirm(None);
    let pushed = operator.terminal.until("the forge's link", SOON, |view| {
        view.has("link") && view.has(&world.rig.gitea().url)
    });
    let branches = world.wait(world.repository.branches());
    assert_eq!(2, branches.len(), "{branches:?}\n{pushed}");
    assert_eq!(
        tip,
        world.wait(world.repository.tip("main")).0,
        "main has not moved"
    );
    world.note(&format!("pushed: {}", words(&pushed, "link")));
    operator.terminal.press(key::CTRL_C);
    operator.terminal.ended(SOON).assert_restored();
}

/// Waits until a delivery shows pods on their way; the line that shows them.
fn rolling(operator: &Operator, environment: &str) -> String {
    let cell = format!("shop / {environment}");
    let line = |view: &View| view.line(&["▸ ", &cell, "/3"]).map(ToOwned::to_owned);
    let view = operator
        .terminal
        .until("a rollout under way", ROLLOUT, |view| line(view).is_some());
    trimmed(&line(&view).unwrap_or_default())
}

/// The line with `part` in it, without its frame.
fn words(view: &View, part: &str) -> String {
    trimmed(view.line(&[part]).unwrap_or_default())
}

fn trimmed(line: &str) -> String {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '│');
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
