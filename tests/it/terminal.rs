//! The real binary in a terminal of its own.

use std::{fs, path::Path, time::Duration};

use crate::support::{
    operator::Operator,
    terminal::{SOON, Setup, Terminal, key},
};

/// How long the demo's agents, hurried, may take over one rollout on a busy machine.
const ROLLOUT: Duration = Duration::from_secs(45);

/// The demo in a hurry, without the cluster that goes away for a while.
fn demo() -> Setup {
    Setup::tidegate(&["demo", "--speed", "8", "--no-outage"])
}

/// Nothing of the demo is left in the folder for temporary files.
fn assert_empty(folder: &Path) {
    let left: Vec<_> = fs::read_dir(folder).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_promotes_to_healthy_and_reverts_what_crashes() {
    let temporary = tempfile::tempdir().expect("a folder");
    let mut operator = Operator::sit_down(demo().env("TMPDIR", temporary.path()));
    operator.terminal.until("live cells", SOON, |view| {
        view.has("4/4 live") && view.line(&["checkout", "✗ 1.42.0"]).is_some()
    });
    operator.unlock();

    let plan = operator.plan_promotion("catalog", "staging");
    assert!(plan.has("4.4.1") && plan.has("+    newTag:"), "{plan}");
    operator.confirm(None);
    let healthy = operator.delivered(ROLLOUT);
    assert!(healthy.has("catalog / staging"), "{healthy}");
    operator.back_to_the_matrix();
    let cell = operator.go_to("catalog", "staging");
    assert!(
        cell.line(&["✓ healthy"]).is_some() && cell.has("runs 4.4.1"),
        "{cell}"
    );

    let broken = operator.go_to("checkout", "prod-us");
    // Between two crashes all of its pods may run for a moment.
    let crashes = broken.has("CrashLoop") || broken.has("Restarting ×");
    assert!(broken.has("✗ degraded") && crashes, "{broken}");
    let plan = operator.plan_revert("checkout", "prod-us");
    assert!(plan.has("1.41.3"), "{plan}");
    operator.confirm(Some("prod-us"));
    operator.delivered(ROLLOUT);
    operator.back_to_the_matrix();
    let cell = operator.go_to("checkout", "prod-us");
    assert!(cell.has("✓ healthy") && cell.has("runs 1.41.3"), "{cell}");
    operator.leave();
    assert_empty(temporary.path());
}

/// The matrix is there with its versions before there is a repository; what is typed at it is answered by the console, and
/// leaving then leaves nothing behind.
#[test]
fn the_demo_s_first_frame_is_the_matrix_and_fills_in() {
    let temporary = tempfile::tempdir().expect("a folder");
    let setup = || demo().env("TMPDIR", temporary.path());
    let mut operator = Operator::sit_down(setup());
    operator.terminal.press("A");
    operator
        .terminal
        .until("what was typed at it", SOON, |view| view.has("Activity"));
    operator.terminal.press(key::ESC);
    operator.terminal.until("live cells", SOON, |view| {
        view.has("4/4 live") && view.has("main@")
    });
    operator.leave();
    assert_empty(temporary.path());
    let mut terminal = setup().start();
    terminal.until("the first frame", SOON, |view| {
        view.has("SERVICE") && view.line(&["checkout", "1.42.0", "1.41.3"]).is_some()
    });
    terminal.press("q");
    terminal.ended(SOON);
    assert_empty(temporary.path());
}

#[test]
fn the_demo_s_stories_begin_in_the_middle() {
    let begun = |story: &str| {
        let setup = Setup::tidegate(&["demo", "--speed", "8", "--story", story]);
        setup.start()
    };
    let mut incident = begun("incident");
    let view = incident.until("the way back", ROLLOUT, |view| {
        view.has("Revert checkout / prod-us") && view.has("1.41.3")
    });
    assert!(view.has("CrashLoop") || view.has("Restarting"), "{view}");
    assert!(view.has(" WRITE "), "{view}");
    incident.press(key::ENTER);
    incident.until("its plan", SOON, |view| {
        view.has("1 change") && view.has("checkout  prod-us")
    });

    let batch = begun("batch");
    batch.until("the plan", ROLLOUT, |view| {
        view.has("changes, ") && view.has(" skipped") && view.has("cart")
    });

    let drift = begun("drift");
    drift.until("what differs", ROLLOUT, |view| {
        view.has("Drift") && view.has("mailer") && view.has("<enter> detail")
    });
}

#[test]
fn a_version_is_traced_from_its_cell_through_all_environments() {
    let mut operator = Operator::sit_down(demo());
    operator.go_to("checkout", "prod-us");
    operator.terminal.press("t");
    let trace = operator.terminal.until("all of it", SOON, |view| {
        view.has("Trace checkout 1.42.0") && view.has("not reached") && view.has("<enter> cell")
    });
    assert!(trace.has("reached 3 of 4 environments"), "{trace}");
    let told = [
        ["dev", "+0s", "bump"],
        ["staging", "+5h", "promotion from dev"],
        ["prod-eu", "not reached", "declares 1.41.3"],
        ["prod-us", "+1d", "promotion from staging"],
    ];
    for row in told {
        assert!(trace.line(&row).is_some(), "{row:?}\n{trace}");
    }
    assert!(trace.has("├ checkout / prod-us ") && trace.has("go back to 1.41.3"));
    operator.terminal.press("k");
    operator.terminal.until("the row above", SOON, |view| {
        view.has("├ checkout / prod-eu ")
    });
    operator.terminal.press("k\r");
    let cell = operator.terminal.until("its cell", SOON, |view| {
        view.has("╭ checkout / staging") && view.has("+    newTag: 1.42.0")
    });
    assert!(cell.has("History"), "{cell}");
    operator.terminal.press(key::ESC);
    operator
        .terminal
        .until("the trace", SOON, |view| view.has("Trace checkout 1.42.0"));
    operator.terminal.press(key::ESC);
    // A key right behind Esc would be read as one with Alt.
    operator
        .terminal
        .until("the matrix", SOON, |view| view.has("SERVICE"));
    operator.command("trace 1.41.3");
    operator.terminal.until("the version before", SOON, |view| {
        view.has("Trace checkout 1.41.3") && view.has("reached 4 of 4 environments")
    });
    operator.leave();
}

#[test]
fn any_size_shows_something_and_the_usual_ones_show_the_matrix() {
    let operator = Operator::sit_down(demo());
    let terminal = &operator.terminal;
    terminal.until("live cells", SOON, |view| view.has("✗ 1.42.0"));
    for (columns, rows) in [(80, 24), (200, 60), (120, 40), (40, 10)] {
        terminal.resize(columns, rows);
        let view = terminal.until("the matrix in its new size", SOON, |view| {
            let last = view.lines().iter().rposition(|line| !line.is_empty());
            view.has("SERVICE") && last == Some(usize::from(rows) - 1)
        });
        assert!(
            view.has("checkout"),
            "what is broken stays in sight\n{view}"
        );
    }
    for (columns, rows) in [(30, 8), (12, 3), (1, 1)] {
        terminal.resize(columns, rows);
        if columns >= 12 {
            terminal.until("a word about the size", SOON, |view| view.has("too small"));
        }
    }
    terminal.resize(80, 24);
    terminal.until("the matrix again", SOON, |view| view.has("SERVICE"));
    operator.leave();
}

#[test]
fn a_key_that_comes_with_another_size_is_answered() {
    let mut operator = Operator::sit_down(demo());
    let terminal = &mut operator.terminal;
    terminal.until("live cells", SOON, |view| view.has("✗ 1.42.0"));
    for round in 0..30 {
        for (key, column) in [("h", "/ prod-eu ─"), ("l", "/ prod-us ─")] {
            terminal.resize(if key == "h" { 100 } else { 120 }, 40);
            terminal.press(key);
            terminal.until(&format!("an answer to {key} {round}"), SOON, |view| {
                view.has(column)
            });
        }
    }
    operator.leave();
}

#[test]
fn signals_end_it_and_the_terminal_is_as_it_was() {
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let temporary = tempfile::tempdir().expect("a folder");
        let mut operator = Operator::sit_down(demo().env("TMPDIR", temporary.path()));
        operator.terminal.signal(signal);
        let ended = operator.terminal.ended(SOON);
        assert_eq!(code, ended.exit.code, "SIG{signal}\n{}", ended.view);
        ended.assert_restored();
        assert_empty(temporary.path());
    }
}

#[test]
fn control_c_ends_it_from_anywhere() {
    let temporary = tempfile::tempdir().expect("a folder");
    let mut operator = Operator::sit_down(demo().env("TMPDIR", temporary.path()));
    operator.plan_promotion("catalog", "staging");
    operator.terminal.press(key::CTRL_C);
    let ended = operator.terminal.ended(SOON);
    assert_eq!(0, ended.exit.code, "{}", ended.view);
    ended.assert_restored();
    assert_empty(temporary.path());
}

#[test]
fn control_c_in_a_delivery_says_what_becomes_of_it() {
    let mut operator = Operator::sit_down(Setup::tidegate(&["demo", "--no-outage"]));
    operator.unlock();
    operator.plan_promotion("catalog", "staging");
    operator.confirm(None);
    operator.terminal.until("the rollout", SOON, |view| {
        view.has("✓ pushed") && view.has("▸ rolling")
    });
    operator.terminal.press(key::CTRL_C);
    let ended = operator.terminal.ended(SOON);
    assert_eq!(0, ended.exit.code, "{}", ended.view);
    let told = "the demo ends, and the delivery that was under way with it";
    assert!(ended.view.has(told), "{}", ended.view);
    ended.assert_restored();
}

#[test]
fn what_failed_in_a_batch_is_reverted_from_its_delivery() {
    let mut operator = Operator::sit_down(demo());
    operator.terminal.until("live cells", SOON, |view| {
        view.has("4/4 live") && view.line(&["checkout", "✗ 1.42.0"]).is_some()
    });
    operator.unlock();
    for service in ["cart", "identity"] {
        operator.go_to(service, "dev");
        operator.terminal.press(" ");
    }
    operator.command("set 9.9.9");
    operator
        .terminal
        .until("both staged", SOON, |view| view.has("staged 2"));
    operator.terminal.press("s");
    operator
        .terminal
        .until("the plan", SOON, |view| view.has("Plan  2 changes"));
    operator.apply(2);
    let failed = operator.terminal.until("two failures", ROLLOUT, |view| {
        view.has("goes back on all 2 that failed")
    });
    assert!(!failed.has("waits for the push"), "{failed}");
    // Elsewhere in the matrix, and behind a filter that hides what failed.
    operator.back_to_the_matrix();
    operator.terminal.press("/payments\r");
    operator
        .terminal
        .until("the filter", SOON, |view| view.has("Matrix  /payments"));
    operator.terminal.press("d");
    operator
        .terminal
        .until("the delivery", SOON, |view| view.has("✗ identity / dev"));
    operator.terminal.press("r");
    operator.terminal.until("what failed first", SOON, |view| {
        view.has("Revert cart / dev") && view.has("last good")
    });
    operator.terminal.press(key::ESC);
    operator
        .terminal
        .until("the delivery again", SOON, |view| !view.has("Revert cart"));
    operator.terminal.press("R");
    let plan = operator
        .terminal
        .until("the plan of both", SOON, |view| view.has("Plan  2 changes"));
    assert!(
        plan.has("9.9.9→1.18.0") && plan.has("9.9.9→5.2.0"),
        "{plan}"
    );
    operator.apply(2);
    operator.delivered(ROLLOUT);
    operator.terminal.press("\t");
    operator.terminal.until("the old failure", SOON, |view| {
        view.line(&["rollout failed at", "superseded at"]).is_some()
            && view
                .line(&["cart / dev", "superseded", "1.18.0 is declared since"])
                .is_some()
    });
    operator.leave();
}

#[test]
fn control_z_gives_the_terminal_to_the_shell_and_takes_it_again() {
    let mut operator = Operator::sit_down(demo().in_a_shell());
    operator.terminal.press(key::CTRL_Z);
    operator
        .terminal
        .until("the shell", SOON, |view| view.has("job gave back 14"));
    operator.terminal.assert_restored();
    operator.terminal.press(key::ENTER);
    operator.terminal.until("the matrix again", SOON, |view| {
        view.is_full_screen() && view.has("SERVICE")
    });
    operator.go_to("checkout", "prod-us");
    operator.back_to_the_matrix();
    operator.terminal.press("q");
    let ended = operator.terminal.ended(SOON);
    assert!(ended.view.has("job gave back 0 at last"), "{}", ended.view);
    ended.assert_restored();
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_gives_the_terminal_back_and_says_what_happened() {
    let mut terminal = demo().env("TIDEGATE_TEST_PANIC", "screen").start();
    let ended = terminal.ended(SOON);
    assert_eq!(1, ended.exit.code);
    ended.assert_restored();
    assert!(
        terminal.written().contains("\x1b[?1049h"),
        "it had taken the terminal"
    );
    assert!(
        ended.view.has("a mistake of Tidegate's own"),
        "{}",
        ended.view
    );
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_of_a_task_is_a_message_and_everything_else_goes_on() {
    for (work, told) in [
        ("fetch", "fetching: a mistake of Tidegate's own"),
        ("cluster", "a mistake of Tidegate's own"),
    ] {
        let operator = Operator::sit_down(demo().env("TIDEGATE_TEST_PANIC", work));
        let view = operator
            .terminal
            .until("the message", SOON, |view| view.has(told));
        assert!(view.has("checkout"), "{view}");
        operator.leave();
    }
}

/// The console has ended, and what is left of it gives the terminal back.
fn assert_given_back(mut terminal: Terminal, what: &str) {
    terminal.until(what, SOON, |view| {
        !view.is_full_screen() && !view.screen().hide_cursor() && !view.screen().bracketed_paste()
    });
    // Nothing holds the terminal any more either: the guardian is gone too.
    terminal.ended(SOON).assert_restored();
}

#[test]
fn the_terminal_comes_back_whatever_kills_the_console() {
    // Not SEGV: one that is sent, not met, is let pass once by the runtime; the end of the stack is one that is met.
    for name in ["KILL", "ABRT", "QUIT", "USR1", "ALRM"] {
        let temporary = tempfile::tempdir().expect("a folder");
        let operator = Operator::sit_down(demo().env("TMPDIR", temporary.path()));
        operator.terminal.signal(name);
        assert_given_back(operator.terminal, name);
    }
}

#[test]
#[cfg(debug_assertions)]
fn the_terminal_comes_back_after_the_end_of_the_stack() {
    let temporary = tempfile::tempdir().expect("a folder");
    let terminal = demo()
        .env("TIDEGATE_TEST_PANIC", "overflow")
        .env("TMPDIR", temporary.path())
        .start();
    let until = std::time::Instant::now() + SOON;
    while terminal.exit().is_none() {
        assert!(std::time::Instant::now() < until, "{}", terminal.view());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        terminal.written().contains("\x1b[?1049h"),
        "it had taken it"
    );
    assert_given_back(terminal, "the end of the stack");
}

/// The harness itself: what it calls restored, and what not.
mod harness {
    use super::*;

    #[test]
    fn keys_go_in_and_the_screen_comes_out() {
        let mut terminal = Setup::program("/bin/sh", &["-c", "read -r a; echo \"got $a\""]).start();
        terminal.press("hello\r");
        terminal.until("the answer", SOON, |view| view.has("got hello"));
        let ended = terminal.ended(SOON);
        assert_eq!((0, None), (ended.exit.code, ended.exit.signal.clone()));
        ended.assert_restored();
    }

    #[test]
    #[should_panic(expected = "alternate screen left")]
    fn a_screen_left_open_is_noticed() {
        let mut terminal = Setup::program("/usr/bin/printf", &["\\033[?1049h"]).start();
        terminal.ended(SOON).assert_restored();
    }

    #[test]
    #[should_panic(expected = "terminal modes")]
    fn a_raw_terminal_is_noticed() {
        let mut terminal = Setup::program("/bin/sh", &["-c", "stty raw -echo"]).start();
        terminal.ended(SOON).assert_restored();
    }

    #[test]
    fn a_job_stops_and_goes_on() {
        let mut terminal = Setup::program("/bin/cat", &[]).in_a_shell().start();
        terminal.press_until("once\r", "it runs", SOON, |view| view.has("once"));
        terminal.press_until(key::CTRL_Z, "it stops", SOON, |view| {
            view.has("gave back 1")
        });
        terminal.assert_restored();
        terminal.press(key::ENTER);
        terminal.press_until("more\r", "it goes on", SOON, |view| view.has("more"));
        terminal.press(key::CTRL_D);
        terminal.until("it ends", SOON, |view| view.has("gave back 0 at last"));
        terminal.ended(SOON).assert_restored();
    }

    #[test]
    fn a_signal_is_told_apart_from_a_code() {
        let mut terminal = Setup::program("/bin/sh", &["-c", "echo up; read -r a"]).start();
        terminal.until("it runs", SOON, |view| view.has("up"));
        terminal.signal("TERM");
        assert!(terminal.ended(SOON).exit.signal.is_some());
        terminal.press(key::ENTER);
    }
}
