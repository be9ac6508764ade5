//! Nothing blocks input: not a cluster or a remote that never answers, nor a credential plugin that misbehaves.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    operator::Operator,
    repo::{CONFIGURATION, Repository},
    terminal::{SOON, Setup, TIDEGATE, View, key},
};

/// What an operator calls at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Takes connections and says nothing, for as long as the test runs.
fn silence() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let _held: Vec<TcpStream> = listener.incoming().flatten().collect();
    });
    port
}

/// The seeded repository with `staging` in a cluster of that name.
fn repository() -> Repository {
    let repository = Repository::seeded();
    let staging = "name = \"staging\"\ncluster = \"staging\"\n";
    let configuration = CONFIGURATION.replace("name = \"staging\"\n", staging);
    repository.write("tidegate.toml", &configuration);
    repository.publish("Clusters");
    repository.pull();
    repository
}

fn kubeconfig(folder: &Path, server: &str, user: &serde_json::Value) -> PathBuf {
    let file = folder.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "staging", "cluster": {"server": server}}],
        "users": [{"name": "staging", "user": user}],
        "contexts": [{"name": "staging", "context": {"cluster": "staging", "user": "staging"}}],
    });
    fs::write(&file, config.to_string()).expect("a kubeconfig");
    file
}

#[test]
fn a_silent_cluster_and_a_silent_remote_block_nothing() {
    let port = silence();
    let repository = repository();
    let clone = repository.clone_path();
    let remote = format!("http://127.0.0.1:{port}/deploy.git");
    repository.git_in(&clone, &["remote", "set-url", "origin", &remote]);
    let folder = tempfile::tempdir().expect("a folder");
    let server = format!("http://127.0.0.1:{port}");
    let kubeconfig = kubeconfig(folder.path(), &server, &json!({}));
    let setup = Setup::tidegate(&[]).env("KUBECONFIG", kubeconfig);
    let mut operator = Operator::sit_down(setup.folder(&clone));
    let cell = operator.go_to("payments", "staging");
    assert!(cell.has("fetching") && cell.has("0/1 live"), "{cell}");
    assert!(
        cell.has("◌2 loading") && cell.has("waiting for the cluster's first answer"),
        "{cell}"
    );
    operator.terminal.press("?");
    operator
        .terminal
        .until("help", AT_ONCE, |view| !view.has("SERVICE"));
    operator.back_to_the_matrix();
    operator.terminal.press("q");
    let ended = operator.terminal.ended(AT_ONCE);
    assert_eq!(0, ended.exit.code, "{}", ended.view);
    ended.assert_restored();
}

/// What is known is told all the same, and what did not answer by its name.
#[test]
fn a_command_waits_for_a_silent_cluster_as_long_as_it_is_told() {
    let port = silence();
    let repository = repository();
    let folder = tempfile::tempdir().expect("a folder");
    let server = format!("http://127.0.0.1:{port}");
    let kubeconfig = kubeconfig(folder.path(), &server, &json!({}));
    let environment = [("KUBECONFIG", kubeconfig.to_str().expect("a path"))];
    let status = |more: &[&str]| {
        let all = [&["status", "--timeout", "2s"], more].concat();
        repository.run(&repository.clone_path(), &all, "", &environment)
    };
    let said = "the cluster of staging did not answer within 2 s";
    let told = status(&[]).exits(0);
    told.shows("payments  1.0.0  ").says(said);
    let found = status(&["-o", "json"]).exits(0).json();
    let problems = &found["problems"];
    assert_eq!(problems[0]["message"], said, "{problems}");
    assert_eq!(problems[0]["context"], "staging", "{problems}");
    let cell = &found["services"][1]["cells"]["staging"];
    assert_ne!(cell["state"], "healthy", "unknown is not green: {cell}");
}

/// Where the history cannot be read, versions that differ are shown, and it is said that they were not counted.
#[test]
fn what_was_not_counted_is_told_and_the_rest_with_it() {
    let repository = Repository::seeded();
    let first = repository.tip();
    repository.bump("checkout", "dev", "1.1.0");
    repository.pull();
    let status = |more: &[&str]| {
        let all = [&["status", "--no-live", "--offline"], more].concat();
        repository.tidegate(&all)
    };
    status(&[]).exits(0).shows("1.0.0 ↑1");
    let lost = format!(".git/objects/{}/{}", &first[..2], &first[2..]);
    let lost = repository.clone_path().join(lost);
    fs::remove_file(&lost).expect("a loose object");
    fs::create_dir(&lost).expect("what is no object");
    let home = repository.home();
    fs::remove_dir_all(&home).ok();
    let told = status(&[]).exits(0);
    told.shows("1.0.0 ↑ ")
        .says("how far cells are behind was not counted (cannot read commit");
    let found = status(&["-o", "json"]).exits(0).json();
    assert_eq!(found["counted"], false);
    let cell = &found["services"][0]["cells"]["staging"];
    assert_eq!(
        (&cell["skew"], &cell["behind"]),
        (&json!("behind"), &json!(null))
    );
    // Whoever asks for the number hears why there is none.
    status(&["--only", "behind"])
        .exits(1)
        .says("cannot read commit");
}

#[test]
fn a_credential_plugin_neither_reads_keys_nor_writes_to_the_screen() {
    let repository = repository();
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = r"printf '\033[2Jsmear' >&2; read -r stolen && echo $stolen >&2; exit 255";
    let user = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/sh",
        "args": ["-c", plugin],
        "interactiveMode": "IfAvailable",
    }});
    let kubeconfig = kubeconfig(folder.path(), "http://127.0.0.1:9", &user);
    let setup = Setup::tidegate(&[]).env("KUBECONFIG", kubeconfig);
    let mut operator = Operator::sit_down(setup.folder(repository.clone_path()));
    let lost = operator.terminal.until("the reason", SOON, |view| {
        view.has("0/1 live") && view.has("255")
    });
    assert!(lost.has("?2 unknown"), "never known is not stale\n{lost}");
    let cell = operator.go_to("payments", "staging");
    assert!(cell.has("unknown: never reached, exec plugin"), "{cell}");
    assert!(
        !operator.terminal.written().contains("\x1b[2Jsmear"),
        "the plugin wrote to the terminal"
    );
    operator.leave();
}

/// Has the configuration include a pipe that nobody writes into: who reads it stands there, as on a mount that is gone.
fn lose(repository: &Repository) -> PathBuf {
    let pipe = repository.clone_path().join(".git/lost");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|made| made.success()));
    let config = repository.clone_path().join(".git/config");
    let text = fs::read_to_string(&config).expect("a configuration");
    fs::write(&config, format!("{text}[include]\n\tpath = lost\n")).expect("a file");
    pipe
}

#[test]
fn a_command_on_a_disk_that_does_not_come_back_says_so_and_can_be_ended() {
    let repository = Repository::seeded();
    lose(&repository);
    let mut child = repository
        .command(TIDEGATE)
        .args(["status", "--no-live", "--offline"])
        .current_dir(repository.clone_path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a command");
    let place = repository.clone_path().display().to_string();
    let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let said = lines
        .map_while(Result::ok)
        .find(|line| line.contains("; ^c ends it"))
        .expect("a word");
    assert!(
        said.starts_with(&format!("tidegate: reading {place}")) && said.contains(" … "),
        "{said}"
    );
    let sent = Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|sent| sent.success()));
    assert_eq!(child.wait().expect("an end").code(), Some(130));
}

#[test]
fn the_screen_on_a_disk_that_does_not_come_back_says_so_and_takes_keys() {
    let repository = Repository::seeded();
    let setup = || Setup::tidegate(&[]).folder(repository.clone_path());
    let mut operator = Operator::sit_down(setup());
    let pipe = lose(&repository);
    operator.command("reload");
    let place = repository.clone_path().display().to_string();
    let reading = format!("reading {}", &place[..20]);
    let waiting = |view: &View| view.has(&reading) || view.has("waiting for git");
    operator.terminal.until("what it waits for", SOON, waiting);
    operator.terminal.press("?");
    operator
        .terminal
        .until("help", AT_ONCE, |view| !view.has("SERVICE"));
    operator.back_to_the_matrix();
    operator.terminal.press("q");
    let ended = operator.terminal.ended(AT_ONCE);
    assert_eq!(0, ended.exit.code, "{}", ended.view);
    ended.assert_restored();

    // Before there is a matrix.
    assert!(pipe.exists());
    let mut terminal = setup().start();
    terminal.until("what it waits for", SOON, |view| {
        view.has(&reading) && view.has(" s") && view.has("^c leaves")
    });
    terminal.press(key::CTRL_C);
    terminal.ended(AT_ONCE).assert_restored();
}

#[test]
fn a_login_has_the_terminal_until_it_ends_and_the_screen_goes_on() {
    let repository = repository();
    let folder = tempfile::tempdir().expect("a folder");
    let given = folder.path().join("given");
    let plugin = format!(
        "test -t 0 || exit 7; stty -echo; printf 'the code? ' >&2; read -r code; echo \"$code\" > '{}'; \
         printf '{{\"status\":{{\"token\":\"%s\"}}}}' \"$code\"",
        given.display()
    );
    let user = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/sh",
        "args": ["-c", plugin],
        "interactiveMode": "Always",
    }});
    let kubeconfig = kubeconfig(folder.path(), "http://127.0.0.1:9", &user);
    let setup = Setup::tidegate(&[]).env("KUBECONFIG", kubeconfig);
    let mut operator = Operator::sit_down(setup.folder(repository.clone_path()));
    operator
        .terminal
        .until("why it is not asked", SOON, |view| {
            view.has("interactiveMode")
        });
    let asked = |view: &View| view.has("the code?");
    // What is typed there is the program's, ^c too.
    operator.command("login staging");
    operator.terminal.until("the question", SOON, asked);
    operator.terminal.press(key::CTRL_C);
    operator.terminal.until("the screen", SOON, |view| {
        view.has("SERVICE") && view.has("stopped")
    });
    assert!(!given.exists());
    operator.command("login staging");
    // The first question still stands there: what is typed before the second is nobody's.
    let again = |view: &View| view.has("the code? the code?");
    operator.terminal.until("the question", SOON, again);
    operator.terminal.press("q7q\r");
    operator
        .terminal
        .until("the screen", SOON, |view| view.has("logged in"));
    let code = fs::read_to_string(&given).expect("a code");
    assert_eq!(code, "q7q\n");
    // The token is used: the cluster itself is what does not answer.
    operator
        .terminal
        .until("the connection", SOON, |view| !view.has("interactiveMode"));
    // A signal ends both.
    operator.command("login staging");
    operator.terminal.until("the question", SOON, asked);
    operator.terminal.signal("TERM");
    let ended = operator.terminal.ended(SOON);
    assert_eq!(143, ended.exit.code, "{}", ended.view);
    // One that was stopped while it asked has left the echo off; nobody else finds it so.
    ended.assert_restored();
}
