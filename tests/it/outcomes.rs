//! What ended in failure is told as that, wherever it is looked for.

#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    stopping::ready,
    support::{
        operator::Operator,
        repo::{CONFIGURATION, Repository, ran, write},
        terminal::{SOON, Setup, TIDEGATE, View, key},
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
    operator.leave_one_staged();
}

/// A system that has hardly any memory for threads left is told as that, or is enough; nothing is broken off in the middle.
#[cfg(target_os = "linux")]
#[test]
fn a_plugin_that_does_not_end_on_a_system_without_room_is_a_sentence() {
    let repository = Repository::seeded();
    let plugin = repository.home().join("plugin");
    write(
        &plugin,
        b"#!/bin/sh\nyes aaaaaaaaaaaaaaa | head -c 200000000\n",
    );
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let kubeconfig = repository.home().join("kubeconfig");
    let user = format!(
        r#"{{apiVersion: client.authentication.k8s.io/v1, command: "{}", interactiveMode: Never}}"#,
        plugin.display()
    );
    write(
        &kubeconfig,
        format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:1\"}}}}]\nusers: [{{name: u, \
             user: {{exec: {user}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
        )
        .as_bytes(),
    );
    let configuration = CONFIGURATION.replace("protected = true", "cluster = \"c\"");
    repository.write("tidegate.toml", &configuration);
    repository.publish("A cluster");
    repository.pull();
    // Kilobytes of addresses, of which the allocator reserves a million at once, and each thread some ten thousand.
    for room in [1_700_000, 1_800_000, 1_900_000, 2_100_000, 2_400_000] {
        let mut command = repository.command("sh");
        command
            .args(["-c", &format!("ulimit -v {room}; exec \"$0\" status")])
            .arg(TIDEGATE)
            .env("KUBECONFIG", &kubeconfig)
            .current_dir(repository.clone_path());
        let said = ran(command, "").exits(0);
        let all = said.out + &said.err;
        assert!(all.contains("exec plugin `plugin`: "), "{room}: {all}");
        assert!(!all.contains("panic"), "{room}: {all}");
    }
}
