//! Commands of the user's own, in a real terminal.

use std::{fs, path::Path};

use crate::support::{
    operator::Operator,
    terminal::{SOON, Setup, key},
};

const COMMANDS: &str = r#"
[[commands]]
name = "say"
key = "D"
run = ["printf", 'said %s \033[31m\n', "{service}/{env}/{version}"]
read-only = true

[[commands]]
name = "fail"
run = ["sh", "-c", "echo the reason >&2; exit 3"]
read-only = true

[[commands]]
name = "ask"
key = "U"
run = ["sh", "-c", 'printf "your word for $1? "; read -r word; printf "%s" "$word" >"$2"', "sh", "{service}", "FILE"]
read-only = true
screen = true

[[commands]]
name = "slow"
run = ["sleep", "60"]
read-only = true
timeout = "1s"

[[commands]]
name = "wipe"
run = ["touch", "FILE"]
dangerous = true
"#;

#[allow(clippy::expect_used)] // as a harness does
fn configured(home: &Path, file: &Path) {
    let folder = home.join("config/tidegate");
    fs::create_dir_all(&folder).expect("a folder");
    let text = COMMANDS.replace("FILE", &file.display().to_string());
    fs::write(folder.join("config.toml"), text).expect("a file");
}

#[test]
fn a_program_is_run_with_the_cells_values_and_how_it_ended_is_told() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("written");
    configured(home.path(), &file);
    let setup = Setup::tidegate(&["demo", "--speed", "8", "--no-outage"]);
    let mut operator = Operator::sit_down(setup.home(home.path()));
    operator.go_to("catalog", "staging");

    // `D` is another key by itself; who was there first keeps it, and help says in place of what.
    operator.terminal.press("?");
    operator.terminal.press("/in place\r");
    operator.terminal.until("whose key it is", SOON, |view| {
        view.has("Help  /in place") && view.has(" D ") && view.has("`drift`")
    });
    operator.back_to_the_matrix();
    operator.terminal.press("D");
    let view = operator.terminal.until("how it ended", SOON, |view| {
        view.line(&["$ printf", "catalog/staging/4.4.0", "ok"])
            .is_some()
    });
    assert!(
        !view.has("said catalog"),
        "its words are no part of the screen: {view}"
    );
    operator.command("fail");
    operator
        .terminal
        .until("the failure", SOON, |view| view.has("exit 3: the reason"));
    operator.command("slow");
    operator
        .terminal
        .until("its end", SOON, |view| view.has("stopped after 1 s"));
    operator.terminal.press("A");
    operator
        .terminal
        .until("the activity", SOON, |view| view.has("Activity"));
    for said in ["the reason", "said catalog/staging/4.4.0"] {
        operator.terminal.press("j");
        operator.terminal.until(said, SOON, |view| view.has(said));
    }
    operator.terminal.press(key::ESC);
    operator
        .terminal
        .until("the matrix", SOON, |view| view.has("SERVICE"));

    // It gets the terminal, and gives it back.
    operator.terminal.press("U");
    operator.terminal.until("its own screen", SOON, |view| {
        view.has("your word for catalog?") && !view.has("SERVICE")
    });
    operator.terminal.press("tide\r");
    operator
        .terminal
        .until("the matrix again", SOON, |view| view.has("SERVICE"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "tide");
    fs::remove_file(&file).unwrap();

    // What says nothing of changing nothing waits for `:write`, and then for a yes.
    operator.command("wipe");
    operator.terminal.until("the refusal", SOON, |view| {
        view.has("read-only: type :write")
    });
    operator.unlock();
    operator.command("wipe");
    operator
        .terminal
        .until("the question", SOON, |view| view.has("Run it?"));
    assert!(!file.exists());
    operator
        .terminal
        .press_until("y", "how it ended", SOON, |view| {
            view.line(&["$ touch", "ok"]).is_some()
        });
    assert!(file.exists());
    operator.leave();
}

/// A program in k9s' place that says what it was given, and by which kubeconfig; where k9s is installed, it is the same for it.
#[test]
fn k9s_gets_the_terminal_at_the_selected_pod_with_the_clusters_that_are_shown() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let programs = home.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let k9s = programs.join("k9s");
    fs::write(
        &k9s,
        "#!/bin/sh\nprintf 'k9s was given %s\\n' \"$*\"\ngrep -c 'name: prod-us' \"$KUBECONFIG\"\nread -r line\n",
    )
    .unwrap();
    fs::set_permissions(&k9s, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::split_paths(&path);
    let path = std::env::join_paths(std::iter::once(programs.clone()).chain(path)).unwrap();
    let setup = Setup::tidegate(&["demo", "--speed", "8", "--no-outage"]).env("PATH", path);
    let mut operator = Operator::sit_down(setup.home(home.path()));
    operator.go_to("catalog", "prod-us");
    operator.terminal.press("\r");
    operator
        .terminal
        .until("its pods", SOON, |view| view.has("Pods 3"));
    operator.terminal.press("K");
    operator.terminal.until("what k9s was given", SOON, |view| {
        view.has("k9s was given --context prod-us -n shop-catalog -c pod /catalog-")
            && view.lines().iter().any(|line| line == "3")
    });
    operator.terminal.press("\r");
    operator.terminal.until("the cell again", SOON, |view| {
        view.has("Pods 3") && view.line(&["$ k9s --context prod-us", "ok"]).is_some()
    });
    operator.back_to_the_matrix();
    operator.leave();
}
