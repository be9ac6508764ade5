//! What ended in failure is told as that, wherever it is looked for.

#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    stopping::ready,
    support::{
        operator::Operator,
        repo::write,
        terminal::{SOON, Setup, View, key},
    },
};

#[test]
fn a_refused_push_is_told_until_it_is_dismissed_and_never_as_ok() {
    let repository = ready();
    let tip = repository.tip();
    let hook = repository.remote().join("hooks/pre-receive");
    let said = "change freeze until Monday: ask in the channel of the release managers, who keep the list of exceptions and \
                may lift it for one service";
    write(
        &hook,
        format!("#!/bin/sh\necho '{said}' >&2\nexit 1\n").as_bytes(),
    );
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let setup = Setup::tidegate(&[]).home(repository.home());
    let mut operator = Operator::sit_down(setup.folder(repository.clone_path()));
    operator.unlock();
    operator.plan_promotion("checkout", "prod");
    operator.confirm(Some("prod"));
    // To its last word, however it is wrapped.
    let told = |view: &View| view.has("The push was refused at") && view.has("for one service");
    let plan = operator.terminal.until("the refusal", SOON, told);
    let pushed = plan.line(&["$ git push", ":main   "]).unwrap();
    assert!(
        pushed.contains("refused") && !pushed.contains(" ok "),
        "{plan}"
    );
    assert_eq!(repository.tip(), tip);

    let matrix = operator.back_to_the_matrix();
    let banner = matrix.line(&["delivery: refused: change freeze"]);
    assert!(
        banner.is_some() && matrix.has("for one service"),
        "{matrix}"
    );
    operator.terminal.press("s");
    operator.terminal.until("the refusal again", SOON, told);
    operator.terminal.press("A");
    let activity = operator.terminal.until("the activity", SOON, |view| {
        view.line(&["✗ $ git push origin", "refused"]).is_some()
            && view.line(&["✗ the push was refused"]).is_some()
    });
    assert!(activity.line(&["git push", " ok "]).is_none(), "{activity}");
    operator.terminal.press(key::ESC);
    operator.terminal.until("the plan", SOON, told);
    operator.terminal.press("X");
    operator
        .terminal
        .until("it is gone", SOON, |view| !view.has("refused at"));
    operator.back_to_the_matrix();
    // What stays staged is asked about.
    operator.terminal.press("q");
    operator.terminal.until("the question", SOON, |view| {
        view.has("1 change stays staged for the next start")
    });
    operator.terminal.press("y");
    operator.terminal.ended(SOON).assert_restored();
}
