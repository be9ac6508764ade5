//! Nothing blocks input: not a cluster or a remote that never answers, nor a credential plugin that misbehaves.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    operator::Operator,
    repo::{CONFIGURATION, Repository},
    terminal::{SOON, Setup},
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
