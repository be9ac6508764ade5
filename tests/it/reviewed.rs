//! Pull requests without a forge of one's own: the demo has one, with people who approve and refuse.

use std::time::Duration;

use crate::support::{
    operator::Operator,
    terminal::{SOON, Setup},
};

/// People look within seconds, rollouts take some.
const WITHIN: Duration = Duration::from_mins(2);

fn at_the_story() -> Operator {
    let story = ["demo", "--story", "review", "--speed", "8"];
    let operator = Operator {
        terminal: Setup::tidegate(&story).start(),
    };
    operator.terminal.until("the plan", WITHIN, |view| {
        view.has("Plan  1 change") && view.has("cart") && view.has("1.17.2→1.18.0")
    });
    operator
}

#[test]
fn the_demos_approver_approves_and_it_goes_on_to_healthy() {
    let mut operator = at_the_story();
    operator.terminal.until("where it goes", SOON, |view| {
        view.has("a pull request into origin/main") && view.has("Tidegate merges it into main")
    });
    operator.confirm(Some("prod-us"));
    operator
        .terminal
        .until("what it waits for", SOON, |view| view.has("#402"));
    operator.terminal.until("its approver", WITHIN, |view| {
        view.has("approved") && view.has("aiko")
    });
    operator.delivered(WITHIN);
    operator.leave();
}

#[test]
fn who_refuses_in_the_demo_is_named_and_the_delivery_can_be_dropped() {
    let mut operator = at_the_story();
    operator.back_to_the_matrix();
    // Its own plan is left aside.
    operator.command("drop");
    operator
        .terminal
        .until("nothing staged", SOON, |view| !view.has("staged 1"));
    operator.plan_promotion("ledger", "prod-us");
    operator.confirm(Some("prod-us"));
    operator
        .terminal
        .until("who refuses", WITHIN, |view| view.has("tomasz"));
    operator.terminal.press("x");
    operator
        .terminal
        .until("the question", SOON, |view| view.has("Close #402"));
    operator
        .terminal
        .press_until("y", "the answer", SOON, |view| !view.has("Close #402"));
    operator.terminal.until("that it is closed", SOON, |view| {
        view.has("dropped: #402") && !view.has("drops it")
    });
    operator.leave();
}

#[test]
fn what_a_bot_opened_is_approved_and_merged_by_keys() {
    let mut operator = at_the_story();
    operator.back_to_the_matrix();
    operator.command("drop");
    operator.go_to("catalog", "staging");
    // On a busy machine what it waits for may not be looked at within the time that a forge has: then it is asked again.
    operator
        .terminal
        .press_until("\u{12}", "what is open", SOON, |view| {
            view.has("4.4.1 #401 waits for 1 approval (shop-bot)")
        });
    operator
        .terminal
        .press_until("+", "the question", SOON, |view| {
            view.has("Approve #401 of shop-bot: 4.4.1 into catalog / staging?")
        });
    operator
        .terminal
        .press_until("y", "the answer", SOON, |view| !view.has("Approve #401"));
    operator
        .terminal
        .until("that it is approved", SOON, |view| {
            view.has("4.4.1 #401") && !view.has("waits for 1 approval")
        });
    operator
        .terminal
        .press_until("M", "the question", SOON, |view| {
            view.has("Merge #401 of shop-bot: 4.4.1 into catalog / staging?")
        });
    operator
        .terminal
        .press_until("y", "the answer", SOON, |view| !view.has("Merge #401"));
    operator
        .terminal
        .until("that it is merged and runs", WITHIN, |view| {
            view.has("✓ healthy") && view.has("runs 4.4.1 ×2") && !view.has("4.4.1 #401")
        });
    operator.leave();
}
