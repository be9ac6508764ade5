//! What an operator does in the screen, key by key: the same in the demo and on real systems.
#![allow(dead_code)] // two test binaries share this file; neither uses all of it

use std::time::Duration;

use super::terminal::{Ended, SOON, Setup, Terminal, View, key};

/// Someone at the screen.
pub struct Operator {
    /// What they sit at.
    pub terminal: Terminal,
}

impl Operator {
    /// Starts the console and waits for the matrix with its first services.
    pub fn sit_down(setup: Setup) -> Self {
        let terminal = setup.start();
        terminal.until("the matrix", SOON, |view| {
            view.is_full_screen() && view.has("SERVICE") && view.has("├ ")
        });
        Self { terminal }
    }

    /// Types a command of the palette.
    pub fn command(&mut self, line: &str) {
        self.terminal.press(":");
        self.terminal
            .until("the palette", SOON, |view| view.has("tab completes"));
        self.terminal.press(line);
        let typed = format!(":{line}");
        self.terminal
            .until("the command", SOON, |view| view.has(&typed));
        self.terminal.press(key::ENTER);
    }

    /// Leaves with one change staged: asked about, kept for the next start.
    pub fn leave_one_staged(mut self) {
        self.back_to_the_matrix();
        self.terminal.press("q");
        self.terminal.until("the question", SOON, |view| {
            view.has("1 change stays staged for the next start")
        });
        self.terminal.press("y");
        self.terminal.ended(SOON).assert_restored();
    }

    /// Allows this session to write.
    pub fn unlock(&mut self) {
        self.terminal
            .until("it starts read-only", SOON, |view| view.has("READ-ONLY"));
        self.command("write");
        self.terminal.until("it may write", SOON, |view| {
            view.has(" WRITE ") && !view.has("READ-ONLY")
        });
    }

    /// Puts the cursor of the matrix on a cell.
    pub fn go_to(&mut self, service: &str, environment: &str) -> View {
        self.command(&format!("goto {service}"));
        let row = format!("├ {service} / ");
        self.terminal.until("the row", SOON, |view| view.has(&row));
        self.terminal.press("hhhhhhhhhhhhhhhh");
        self.terminal.press("h");
        // Each step to the right shows before the next: none is too many.
        let mut view = self.leftmost(&row);
        loop {
            let before = column_of(&view, &row).map(str::to_owned);
            if before.as_deref() == Some(environment) {
                return view;
            }
            self.terminal.press("l");
            view = self.terminal.until("a step to the right", SOON, |view| {
                let now = column_of(view, &row);
                now.is_some() && now != before.as_deref()
            });
        }
    }

    fn leftmost(&mut self, row: &str) -> View {
        // A key whose effect shows tells that the keys before it are through.
        self.terminal.press("?");
        self.terminal.until("help", SOON, |view| !view.has(row));
        self.terminal
            .press_until(key::ESC, "the matrix", SOON, |view| {
                column_of(view, row).is_some()
            })
    }

    /// Stages the promotion into a cell and opens the plan.
    pub fn plan_promotion(&mut self, service: &str, environment: &str) -> View {
        self.go_to(service, environment);
        self.terminal.press("p");
        self.terminal
            .until("something staged", SOON, |view| view.has("staged 1"));
        self.terminal.press("s");
        self.the_plan()
    }

    /// From a delivery or a cell: chooses what is preselected to go back to, and opens the plan of it.
    pub fn plan_revert(&mut self, service: &str, environment: &str) -> View {
        let title = format!("Revert {service} / {environment}");
        self.terminal.press("r");
        self.terminal.until("versions to go back to", SOON, |view| {
            view.has(&title) && view.has("last good")
        });
        self.terminal.press(key::ENTER);
        self.the_plan()
    }

    fn the_plan(&mut self) -> View {
        self.terminal
            .until("the plan", SOON, |view| view.has("Plan  1 change"))
    }

    /// From the plan: asks for the write and answers, by name where the environment is protected.
    pub fn confirm(&mut self, protected: Option<&str>) -> View {
        self.terminal.press(key::ENTER);
        self.terminal
            .until("the question", SOON, |view| view.has("Write 1 change?"));
        let Some(name) = protected else {
            return self.write("y");
        };
        self.named(name, "Write 1 change?")
    }

    /// From the plan of so many changes that no protected environment has: writes them.
    pub fn apply(&mut self, changes: usize) {
        let question = format!("Write {changes} changes?");
        self.terminal.press(key::ENTER);
        self.terminal
            .until("the question", SOON, |view| view.has(&question));
        self.terminal
            .press_until("y", "the write", SOON, |view| !view.has(&question));
    }

    /// Answers a question by the name of a protected environment.
    pub fn named(&mut self, name: &str, question: &str) -> View {
        let answer = format!("> {name}");
        let again = format!("{}{name}", key::BACKSPACE.repeat(2 * name.len()));
        self.terminal
            .press_until(&again, "the name", SOON, |view| view.has(&answer));
        self.terminal
            .press_until(key::ENTER, "the write", SOON, |view| !view.has(question))
    }

    fn write(&mut self, answer: &str) -> View {
        self.terminal
            .press_until(answer, "the write", SOON, |view| {
                !view.has("Write 1 change?")
            })
    }

    /// Waits until the delivery has ended well.
    pub fn delivered(&mut self, within: Duration) -> View {
        self.terminal.until("a delivery", within, |view| {
            view.has("Delivery") && view.has("after the confirmation")
        })
    }

    /// Waits until the delivery has failed, and offers the way back.
    pub fn failed(&mut self, within: Duration) -> View {
        self.terminal.until("a failure", within, |view| {
            view.has("Delivery") && view.has("goes back to an earlier version")
        })
    }

    /// Goes back to the matrix, whatever is open.
    pub fn back_to_the_matrix(&mut self) -> View {
        let matrix = |view: &View| view.has("SERVICE");
        let view = self.terminal.view();
        // An escape that nothing answers would make the next key another one.
        if matrix(&view) {
            return view;
        }
        self.terminal
            .press_until(key::ESC, "the matrix", SOON, matrix)
    }

    /// Leaves by `q` once nothing is under way, and asserts that the terminal is as it was.
    pub fn leave(mut self) -> Ended {
        self.back_to_the_matrix();
        // That a delivery has ended is on the disk before it is on the screen, which asks until then.
        self.terminal
            .until("that nothing is under way", SOON, |view| {
                !view.has("delivering")
            });
        self.terminal.press("q");
        let ended = self.terminal.ended(SOON);
        assert_eq!(
            (0, None),
            (ended.exit.code, ended.exit.signal.clone()),
            "{}",
            ended.view
        );
        ended.assert_restored();
        ended
    }
}

/// The column that the line `├ service / environment ─` names. A frame that is half drawn names none, or the one before.
fn column_of<'a>(view: &'a View, row: &str) -> Option<&'a str> {
    let (_, rest) = view.line(&[row])?.split_once(row)?;
    let name = rest.split_whitespace().next()?;
    let mut columns = view.line(&["SERVICE"])?.split_whitespace();
    columns.any(|column| column == name).then_some(name)
}
