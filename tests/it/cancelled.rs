//! The question of what signs, cancelled: the terminal is the screen's alone again.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;

use super::{
    signers::executable,
    signing::{ahead, at_the_plan, configure, has, locked_by_ssh},
};
use crate::support::terminal::{SOON, key};

#[test]
fn who_cancels_at_the_question_is_told_so() {
    if !has("ssh-keygen") {
        return;
    }
    let repository = ahead();
    let (_folder, _) = locked_by_ssh(&repository);
    let tip = repository.tip();
    let mut operator = at_the_plan(&repository, &[]);
    for (number, (keys, words)) in [("\x03", "it was cancelled"), ("\r", "or none was given")]
        .into_iter()
        .enumerate()
    {
        operator.confirm(None);
        operator.terminal.until("the question", SOON, |view| {
            let asked = view.lines().iter();
            let asked = asked.filter(|line| line.contains("Enter passphrase"));
            asked.count() == number + 1 && !view.is_full_screen()
        });
        operator.terminal.press(keys);
        operator
            .terminal
            .until("that it was cancelled", SOON, |view| {
                view.is_full_screen() && view.has(words)
            });
        operator.back_to_the_matrix();
        operator.terminal.press("s");
        operator
            .terminal
            .until("the plan", SOON, |view| view.has("Plan  1 change"));
    }
    assert_eq!(repository.tip(), tip, "nothing is written without it");
    operator.leave_one_staged();
}

/// As ssh-keygen does on a busy machine that hears `^c` after its question and before it reads.
#[test]
fn who_misses_the_cancel_does_not_go_on_to_read_the_screens_keys() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let program = format!(
        "#!/bin/sh\ntest -n \"$GPG_TTY\" || exit 1\ntrap 'missed=1' INT\n\
         echo $$ > {0}\necho 'who signs asks' > /dev/tty\n\
         until [ -n \"$missed\" ]; do sleep 0.05; done\ntrap - INT\nread -r line < /dev/tty\n",
        pid.display()
    );
    let program = executable(&folder.path().join("gpg"), &program);
    let repository = ahead();
    configure(
        &repository,
        &[("commit.gpgsign", "true"), ("gpg.program", &program)],
    );
    let mut operator = at_the_plan(&repository, &[]);
    operator.confirm(None);
    operator.terminal.until("the question", SOON, |view| {
        view.has("who signs asks") && !view.is_full_screen()
    });
    operator.terminal.press(key::CTRL_C);
    operator
        .terminal
        .until("that it was cancelled", SOON, |view| {
            view.is_full_screen() && view.has("it was cancelled")
        });
    let pid = fs::read_to_string(pid).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    let is_gone = stat.map_or(true, |stat| stat.contains(") Z "));
    assert!(
        is_gone,
        "it still reads the terminal, which is the screen's"
    );
    operator.leave_one_staged();
}
