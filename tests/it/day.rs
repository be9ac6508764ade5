//! A day at the console, key by key in a real terminal: what is looked at, undone, copied, clicked and gone back on.

#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{fmt::Write as _, fs, time::Duration};

use crate::support::{
    operator::Operator,
    repo::{CONFIGURATION, Repository, overlay},
    terminal::{SOON, Setup, Terminal, View, key},
};

/// How long the demo's agents, hurried, may take over one rollout on a busy machine.
const ROLLOUT: Duration = Duration::from_secs(45);

/// A file with so much around the version that a diff of it has something to hide.
fn long(service: &str, version: &str) -> String {
    let mut text = "resources:\n".to_owned();
    for part in 1..=30 {
        let _ = writeln!(text, "  - part-{part}.yaml");
    }
    let _ = writeln!(
        text,
        "images:\n  - name: registry.example.com/{service}\n    newTag: {version}\nlabels:"
    );
    for label in 1..=30 {
        let _ = writeln!(text, "  - label-{label}");
    }
    text
}

/// checkout: dev two ahead of staging, each of its changes with its own subject.
fn repository() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIGURATION);
    for service in ["checkout", "payments"] {
        for environment in ["dev", "staging", "prod"] {
            repository.write(&overlay(service, environment), &long(service, "1.0.0"));
        }
    }
    repository.publish("Initial versions");
    for version in ["1.1.0", "1.2.0"] {
        repository.write(&overlay("checkout", "dev"), &long("checkout", version));
        repository.publish(&format!("Build {version}"));
    }
    repository.pull();
    repository
}

fn console(repository: &Repository) -> Setup {
    let setup = Setup::tidegate(&[]).home(repository.home());
    setup.folder(repository.clone_path())
}

/// The user's own file.
fn configure(repository: &Repository, text: &str) {
    let folder = repository.home().join("config/tidegate");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
}

/// The lines of the file that a diff shows.
fn shown(view: &View) -> usize {
    let parts = (1..=30).map(|n| format!("  - part-{n}.yaml"));
    let labels = (1..=30).map(|n| format!("  - label-{n} "));
    parts.chain(labels).filter(|line| view.has(line)).count()
}

fn shows(terminal: &Terminal, what: &str, lines: usize) -> View {
    terminal.until(what, SOON, |view| shown(view) == lines && view.has(what))
}

#[test]
fn a_diff_shows_more_less_all_and_both_sides() {
    let repository = repository();
    let mut operator = Operator::sit_down(console(&repository).size(120, 60));
    operator.plan_promotion("checkout", "staging");
    let terminal = &mut operator.terminal;
    terminal.until("the diff", SOON, |view| {
        view.has("-    newTag: 1.0.0") && view.has("+    newTag: 1.2.0") && shown(view) == 3
    });
    for (keys, what, lines) in [
        ("}", "6 lines around each change", 9),
        ("{{", "1 line around each change", 0),
        ("m", "only lines that change", 0),
        ("m", "the whole file", 47),
        ("m", "1 line around each change", 0),
        ("}", "3 lines around each change", 3),
    ] {
        terminal.press(keys);
        if lines == 47 {
            // As much of it as there is room for, from its first line.
            terminal.until(what, SOON, |view| view.has(what) && shown(view) >= 30);
        } else {
            shows(terminal, what, lines);
        }
    }
    terminal.press("|");
    terminal.until("a refusal", SOON, |view| {
        view.has("side by side needs 160 columns, there are 120")
    });
    terminal.resize(200, 50);
    // The clock stands at the right end.
    terminal.until("the new size", SOON, |view| {
        view.lines()[0].trim_end().chars().count() > 190
    });
    terminal.press("|");
    let sides = |view: &View| view.line(&["newTag: 1.0.0", "newTag: 1.2.0"]).is_some();
    terminal.until("both sides", SOON, sides);
    terminal.press("|");
    terminal.until("one below the other", SOON, |view| {
        !sides(view) && view.has("+    newTag: 1.2.0")
    });
    terminal.press(key::ESC);
    // The same in the history of a cell.
    operator.back_to_the_matrix();
    operator.go_to("checkout", "dev");
    let terminal = &mut operator.terminal;
    terminal.press(key::ENTER);
    terminal.until("its newest change", SOON, |view| {
        view.has("Build 1.2.0") && view.has("-    newTag: 1.1.0") && shown(view) == 3
    });
    terminal.press("|");
    terminal.until("side by side", SOON, |view| {
        view.line(&["newTag: 1.1.0", "newTag: 1.2.0"]).is_some()
    });
    terminal.press("m");
    shows(terminal, "only lines that change", 0);
    operator.leave_one_staged();
}

#[test]
fn what_is_staged_is_undone_and_that_leaves_a_trace() {
    let repository = repository();
    let mut operator = Operator::sit_down(console(&repository));
    operator.go_to("checkout", "staging");
    operator.terminal.press("p");
    operator.terminal.until("it is staged", SOON, |view| {
        view.has("staged 1") && view.line(&["checkout", "1.0.0→1.2.0"]).is_some()
    });
    operator.terminal.press("z");
    operator.terminal.until("it is undone", SOON, |view| {
        view.has("undone: 0 staged") && !view.has("1.0.0→1.2.0")
    });
    operator.terminal.press("z");
    operator
        .terminal
        .until("nothing is left", SOON, |view| view.has("nothing to undo"));
    operator.terminal.press("A");
    let told = operator.terminal.until("both", SOON, |view| {
        view.has("undone: checkout / staging is not staged any more")
            && view.has("checkout / staging: staged: promotion from dev")
    });
    assert!(told.has("Activity"), "{told}");
    operator.leave();
}

#[test]
fn goto_offers_one_service_and_goes_there() {
    let repository = repository();
    let mut operator = Operator::sit_down(console(&repository));
    operator.terminal.press(":goto ");
    operator.terminal.until("both", SOON, |view| {
        view.has("goto checkout") && view.has("goto payments")
    });
    operator.terminal.press("pay");
    operator.terminal.until("one", SOON, |view| {
        view.has("goto payments") && !view.has("goto checkout")
    });
    operator.terminal.press("\t ");
    let view = operator.terminal.until("the whole line", SOON, |view| {
        view.has(" :goto payments ") && !view.has("╭ Commands")
    });
    assert!(!view.has("goto checkout"), "no second service: {view}");
    operator.terminal.press(key::ENTER);
    operator
        .terminal
        .until("it is there", SOON, |view| view.has("├ payments / "));
    operator.leave();
}

#[test]
fn what_is_copied_is_chosen_and_said() {
    let repository = repository();
    let mut operator = Operator::sit_down(console(&repository));
    operator.go_to("checkout", "dev");
    let commit = repository.tip();
    for (keys, what) in [
        ("v", "copied version 1.2.0: by OSC 52".to_owned()),
        ("c", format!("copied commit {commit}: by OSC 52")),
        ("r", "copied row as Markdown".to_owned()),
    ] {
        operator.terminal.press("y");
        operator.terminal.until("the menu", SOON, |view| {
            view.has("╭ Copy")
                && view
                    .line(&["<r> row as Markdown", "| checkout | 1.2.0 |"])
                    .is_some()
        });
        operator.terminal.press(keys);
        operator
            .terminal
            .until(&what, SOON, |view| view.has(&what) && !view.has("╭ Copy"));
    }
    assert!(
        operator.terminal.written().contains("\x1b]52;c;MS4yLjA="),
        "the terminal was given 1.2.0"
    );
    operator.terminal.press("y");
    operator
        .terminal
        .until("the menu", SOON, |view| view.has("╭ Copy"));
    operator.terminal.press(key::ESC);
    operator
        .terminal
        .until("it is gone", SOON, |view| !view.has("╭ Copy"));
    operator.leave();
}

#[test]
fn the_mouse_answers_where_it_is_on() {
    let repository = repository();
    configure(&repository, "mouse = true\n");
    let mut operator = Operator::sit_down(console(&repository));
    let terminal = &mut operator.terminal;
    let matrix = terminal.until("the matrix", SOON, |view| {
        view.line(&["checkout", "1.2.0", "1.0.0"]).is_some()
    });
    assert!(
        terminal.written().contains("\x1b[?1006h"),
        "asked of the terminal"
    );
    // A cell, a head of a column, a hint.
    let (column, head) = matrix.place(&["SERVICE"], "staging").unwrap();
    let (_, row) = matrix.place(&["1.0.0"], "payments").unwrap();
    terminal.click((column + 2, row));
    terminal.until("the cell", SOON, |view| view.has("├ payments / staging ─"));
    terminal.click((column, head));
    terminal.until("its order", SOON, |view| view.has("staging ▾"));
    let (_, row) = terminal.view().place(&["1.2.0"], "checkout").unwrap();
    let (dev, _) = terminal.view().place(&["SERVICE"], "dev").unwrap();
    terminal.click((dev + 2, row));
    let view = terminal.until("another cell", SOON, |view| view.has("├ checkout / dev ─"));
    terminal.click(view.place(&[], "detail").unwrap());
    let cell = terminal.until("the cell's screen", SOON, |view| {
        view.has("╭ checkout / dev")
            && view.has("Build 1.2.0")
            && view.line(&["bump", "1.1.0"]).is_some()
    });
    // A value of the history, a turn of the wheel, a pane.
    let first = cell.place(&["bump"], "1.2.0").unwrap();
    terminal.wheel(false, first);
    terminal.until("the value below", SOON, |view| {
        view.has("Build 1.1.0") && view.has("-    newTag: 1.0.0")
    });
    terminal.wheel(true, first);
    terminal.until("the value above", SOON, |view| view.has("Build 1.2.0"));
    let second = cell.place(&["bump"], "1.1.0").unwrap();
    terminal.click(second);
    let view = terminal.until("what was clicked", SOON, |view| {
        view.has("Build 1.1.0") && view.has("+    newTag: 1.1.0")
    });
    let commit = view.place(&[], "newTag: 1.1.0").unwrap();
    terminal.click(commit);
    terminal.until("the pane", SOON, |view| view.has("▸ Commit"));
    terminal.press("mm");
    let view = terminal.until("the whole file", SOON, |view| {
        view.has("the whole file") && view.has("  - part-1.yaml")
    });
    terminal.wheel(false, view.place(&[], "  - part-9.yaml").unwrap());
    terminal.until("it is scrolled", SOON, |view| {
        !view.has("  - part-1.yaml") && view.has("  - part-9.yaml")
    });
    terminal.click(view.place(&["esc"], "back").unwrap());
    terminal.until("the matrix", SOON, |view| view.has("SERVICE"));
    operator.leave();
}

#[test]
fn a_whole_batch_is_gone_back_on_from_its_delivery() {
    let setup = Setup::tidegate(&["demo", "--speed", "8", "--no-outage"]);
    let mut operator = Operator::sit_down(setup);
    operator
        .terminal
        .until("live cells", SOON, |view| view.has("4/4 live"));
    operator.unlock();
    operator.go_to("catalog", "staging");
    operator.terminal.press("p");
    operator
        .terminal
        .until("the promotion", SOON, |view| view.has("staged 1"));
    operator.go_to("cart", "dev");
    operator.command("set 9.9.9");
    operator
        .terminal
        .until("both", SOON, |view| view.has("staged 2"));
    operator.terminal.press("s");
    operator
        .terminal
        .until("the plan", SOON, |view| view.has("Plan  2 changes"));
    operator.apply(2);
    operator.terminal.until("one failed", ROLLOUT, |view| {
        view.has("<B> whole batch") && view.line(&["✗ cart / dev"]).is_some()
    });
    operator.terminal.press("B");
    let plan = operator.terminal.until("the plan of both", SOON, |view| {
        view.has("Plan  2 changes") && view.has("9.9.9→1.18.0")
    });
    // Not to 4.4.0, which the demo's vetoes name.
    let catalog = plan.line(&["catalog", "staging", "4.4.1→4.3.1"]);
    assert!(catalog.is_some(), "what came well goes back too: {plan}");
    operator.apply(2);
    operator.delivered(ROLLOUT);
    operator.leave();
}

/// The demo's batch with its plan open.
fn batch(speed: &str) -> Operator {
    let setup = Setup::tidegate(&["demo", "--speed", speed, "--story", "batch", "--no-outage"]);
    let operator = Operator {
        terminal: setup.start(),
    };
    operator.terminal.until("the plan", ROLLOUT, |view| {
        view.has("Plan  3 changes, 12 skipped")
            && view.has("skipped: reverted")
            && view.line(&["identity", "skipped: ahead"]).is_some()
            && view.line(&["payments", "skipped: held"]).is_some()
            && view.line(&["invoices", "skipped: held"]).is_some()
            && view.line(&["recommendations", "skipped: held"]).is_some()
    });
    operator
}

impl Operator {
    /// Confirms the batch.
    fn write_batch(&mut self) {
        self.terminal.press(key::ENTER);
        self.terminal.until("the question", SOON, |view| {
            let services = ["checkout", "ledger", "storefront"].iter();
            let mut listed = services.map(|it| view.line(&["│ + ", it, "prod-eu"]).is_some());
            view.has("Write 3 changes?") && listed.all(|it| it)
        });
        self.named("prod-eu", "Write 3 changes?");
    }
}

#[test]
fn the_batch_story_fails_in_its_second_wave_and_goes_back() {
    let mut operator = batch("8");
    operator.write_batch();
    let failed = operator
        .terminal
        .until("the second wave fails", ROLLOUT, |view| {
            view.has("wave 2 of 3")
                && view.has("<B> whole batch")
                && view.line(&["✗ checkout / prod-eu"]).is_some()
        });
    assert!(!failed.has("waits for the push"), "{failed}");
    operator.terminal.press("B");
    operator
        .terminal
        .until("the plan of both waves", SOON, |view| {
            view.has("Plan  2 changes")
                && view.line(&["checkout", "1.42.0→1.41.3"]).is_some()
                && view.line(&["ledger", "1.10.0→1.9.2"]).is_some()
        });
    operator.terminal.press(key::ENTER);
    operator
        .terminal
        .until("the question", SOON, |view| view.has("Write 2 changes?"));
    operator.named("prod-eu", "Write 2 changes?");
    operator
        .terminal
        .until("what was there is back", ROLLOUT, |view| {
            view.has("after the confirmation") && view.line(&["✓ ledger / prod-eu"]).is_some()
        });
    operator.terminal.press(key::CTRL_C);
    operator.terminal.ended(SOON).assert_restored();
}

/// The wave that is pushed is followed; the next is not written.
#[test]
fn a_batch_that_is_locked_on_its_way_begins_no_further_wave() {
    let mut operator = batch("2");
    operator.write_batch();
    operator.terminal.until("the first wave", ROLLOUT, |view| {
        view.has("wave 1 of 3") && view.has("✓ pushed")
    });
    operator.command("read-only");
    operator.terminal.until("what that means", SOON, |view| {
        view.has("wave 1 of 3 is followed, and the rest is not written")
    });
    let through = operator.terminal.until("its end", ROLLOUT, |view| {
        view.has("writing was locked: wave 1 of 3 is through")
    });
    assert!(through.has("wave 1 of 3"), "{through}");
    assert!(!through.has("wave 2 of 3"), "{through}");
    operator.terminal.press(key::CTRL_C);
    operator.terminal.ended(SOON).assert_restored();
}

#[test]
fn the_drift_story_opens_marks_and_stages() {
    let setup = Setup::tidegate(&["demo", "--speed", "8", "--story", "drift"]);
    let mut operator = Operator {
        terminal: setup.start(),
    };
    let terminal = &mut operator.terminal;
    terminal.until("what differs", ROLLOUT, |view| {
        view.has("Drift  1 live  2 ahead  1 reverted  1 suspended  23 skew")
    });
    terminal.press(key::ENTER);
    terminal.until("the cell", SOON, |view| {
        view.has("╭ mailer / prod-us") && view.has("~ drift: Git declares 2.0.3")
    });
    terminal.press(key::ESC);
    terminal.until("the list", SOON, |view| view.has("Drift  1 live"));
    // To the first that is behind, two of them.
    terminal.press("jjjjj j ");
    terminal.until("marks", SOON, |view| {
        view.has("2 marked")
            && view.line(&["* skew", "cart", "prod-us"]).is_some()
            && view.line(&["* skew", "catalog", "prod-us"]).is_some()
    });
    terminal.press("p");
    terminal.until("both are staged", SOON, |view| view.has("staged 2"));
    terminal.press("s");
    terminal.until("the plan", SOON, |view| {
        view.line(&["+ cart", "prod-us", "1.17.2→1.18.0"]).is_some()
            && view
                .line(&["catalog", "prod-us", "skipped: vetoed"])
                .is_some()
    });
    terminal.press(key::CTRL_C);
    terminal.ended(SOON).assert_restored();
}
