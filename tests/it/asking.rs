//! Confirmation at a terminal, and leaving with ^C.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use crate::support::{
    repo::{Repository, write},
    terminal::{SOON, Setup, TIDEGATE, Terminal},
};

const TO_PROD: [&str; 6] = ["promote", "checkout", "--from", "staging", "--to", "prod"];

fn ready() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    repository
}

fn terminal(repository: &Repository, arguments: &[&str]) -> Terminal {
    Setup::tidegate(arguments)
        .home(repository.home())
        .folder(repository.clone_path())
        .start()
}

#[test]
fn a_protected_environment_asks_for_its_name() {
    let repository = ready();
    let tip = repository.tip();
    let mut refused = terminal(&repository, &TO_PROD);
    refused.until("the question", SOON, |view| {
        view.has("prod is protected. To write this to origin/main, type its name:")
    });
    refused.press("y\r");
    assert_eq!(refused.ended(SOON).exit.code, 2);
    assert_eq!(repository.tip(), tip);

    let mut confirmed = terminal(&repository, &TO_PROD);
    confirmed.until("the question", SOON, |view| view.has("type its name:"));
    confirmed.press("prod\r");
    assert_eq!(confirmed.ended(SOON).exit.code, 0);
    assert!(
        repository
            .message()
            .starts_with("promote checkout 1.0.0 → 1.1.0 to prod\n"),
        "{}",
        repository.message()
    );
}

#[test]
fn another_environment_asks_yes_or_no() {
    let repository = Repository::seeded();
    let tip = repository.tip();
    for (answer, code, moved) in [("\r", 2, false), ("y\r", 0, true)] {
        let mut asked = terminal(&repository, &["set", "checkout", "dev", "1.1.0"]);
        asked.until("the question", SOON, |view| {
            view.has("Write this to origin/main? [y/N]")
        });
        asked.press(answer);
        assert_eq!(asked.ended(SOON).exit.code, code, "{answer:?}");
        assert_eq!(repository.tip() != tip, moved, "{answer:?}");
    }
}

/// What was confirmed before it waited is one plan; where the branch refuses it, the other one is asked about.
#[test]
fn a_plan_that_waited_is_asked_about_again_where_it_goes_another_way() {
    let repository = Repository::seeded();
    let hook = repository.remote().join("hooks/update");
    let text = "#!/bin/sh\ntest \"$1\" != refs/heads/main && exit 0\ngit diff --name-only \"$2\" \"$3\" | grep -q overlays/prod || exit 0\necho 'GH006: Protected branch update failed' >&2; exit 1\n";
    write(&hook, text.as_bytes());
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut asked = terminal(
        &repository,
        &["set", "checkout", "prod", "2.0.0", "--when-eligible"],
    );
    asked.until("the question", SOON, |view| view.has("type its name:"));
    asked.press("prod\r");
    asked.until("that it waits", SOON, |view| view.has("waits for upstream"));
    repository.bump("checkout", "staging", "2.0.0");
    asked.until("the second question", SOON, |view| {
        view.has("is protected: --deliver branch") && view.has("type its name:")
    });
    asked.press("no\r");
    assert_eq!(asked.ended(SOON).exit.code, 2);
    let branches = repository.git_in(&repository.remote(), &["branch", "--list"]);
    assert_eq!(branches.lines().count(), 1, "{branches}");
}

#[test]
fn an_interrupted_command_exits_130() {
    let repository = ready();
    let kubeconfig = repository.home().join("kubeconfig");
    write(&kubeconfig, nowhere(&["prod"]).as_bytes());
    let configuration = repository.home().join("live.toml");
    let text =
        crate::support::repo::CONFIGURATION.replace("protected = true", "cluster = \"prod\"");
    write(&configuration, text.as_bytes());
    let configuration = configuration.display().to_string();
    let mut child = promoting(&repository)
        .args(["--wait", "--config", &configuration])
        .env("KUBECONFIG", &kubeconfig)
        .spawn()
        .unwrap();
    let words = BufReader::new(child.stderr.take().unwrap());
    let mut words = words.lines().map_while(Result::ok);
    let waits = words.any(|line| line.contains("checkout / prod: waiting"));
    assert!(waits, "it waits for a cluster that is not there");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let said = words.any(|line| line.contains("interrupted while the rollout was followed"));
    assert!(said, "what was pushed is told");
}

#[test]
fn an_interrupted_push_to_this_machine_says_that_nothing_arrived() {
    let repository = ready();
    let tip = repository.tip();
    // The remote takes its time: it says that it has begun, and waits for a line.
    let at = repository.remote();
    let (begun, go) = (at.join("begun"), at.join("go"));
    for pipe in [&begun, &go] {
        let made = Command::new("mkfifo").arg(pipe).status().unwrap();
        assert!(made.success());
    }
    let hook = repository.remote().join("hooks/pre-receive");
    let (begun_at, go_at) = (begun.display(), go.display());
    write(
        &hook,
        format!("#!/bin/sh\necho begun > '{begun_at}'\nread line < '{go_at}'\nexit 1\n").as_bytes(),
    );
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = promoting(&repository).spawn().unwrap();
    assert_eq!(std::fs::read_to_string(&begun).unwrap(), "begun\n");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
    let said =
        words.any(|line| line.is_ok_and(|line| line.contains("nothing was pushed to origin/main")));
    assert!(said);
    assert_eq!(repository.tip(), tip);
}

/// A promotion that asks nobody, and whose words can be read.
fn promoting(repository: &Repository) -> Command {
    let mut command = repository.command(TIDEGATE);
    command
        .args(TO_PROD)
        .arg("--yes")
        .current_dir(repository.clone_path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn interrupt(child: &std::process::Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.is_ok_and(|sent| sent.success()));
}

/// A kubeconfig whose clusters refuse every connection.
pub fn nowhere(contexts: &[&str]) -> String {
    let each =
        |text: &dyn Fn(&str) -> String| contexts.iter().map(|name| text(name)).collect::<String>();
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n{}users:\n- name: me\n  user: {{}}\ncontexts:\n{}",
        each(&|name| format!("- name: {name}\n  cluster: {{ server: \"http://127.0.0.1:1\" }}\n")),
        each(&|name| format!("- name: {name}\n  context: {{ cluster: {name}, user: me }}\n")),
    )
}
