//! Commits and tags signed as Git is configured, by the real gpg and ssh-keygen; who signed what; hooks over the message.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    operator::Operator,
    repo::{Repository, Said, write},
    terminal::{SOON, Setup, TIDEGATE, key},
};

pub(super) const SET: [&str; 6] = ["set", "checkout", "dev", "1.1.0", "--yes", "--no-live"];
pub(super) const WORD: &str = "open sesame";

/// Whether a program is there; a test that needs it says so.
#[allow(clippy::print_stdout)] // what is skipped is said
pub(super) fn has(program: &str) -> bool {
    let there = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        println!("skipped: no {program}");
    }
    there
}

/// The newest commit that was pushed has a signature of this kind, as it is headed.
pub(super) fn is_signed(repository: &Repository, kind: &str) {
    let raw = repository.git_in(&repository.remote(), &["cat-file", "commit", "main"]);
    assert!(raw.contains(&format!("-----BEGIN {kind}-----")), "{raw}");
}

pub(super) fn configure(repository: &Repository, entries: &[(&str, &str)]) {
    for (key, value) in entries {
        repository.git_in(&repository.clone_path(), &["config", key, value]);
    }
}

/// A key of `ssh-keygen`, with its passphrase.
pub(super) fn ssh_key(folder: &Path, word: &str) -> PathBuf {
    let key = folder.join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-C", "ola", "-N", word, "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    key
}

/// A configuration that signs by an SSH key.
pub(super) fn signs_by_ssh(repository: &Repository, key: &str) {
    configure(
        repository,
        &[
            ("commit.gpgsign", "true"),
            ("gpg.format", "ssh"),
            ("user.signingkey", key),
        ],
    );
}

/// The same by a new key with a passphrase, [`WORD`]: its folder, and where it is.
pub(super) fn locked_by_ssh(repository: &Repository) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), WORD);
    signs_by_ssh(repository, &key.display().to_string());
    (folder, key)
}

/// Who may sign: Ola, by this key.
pub(super) fn allow(repository: &Repository, folder: &Path, key: &Path) {
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = folder.join("allowed");
    fs::write(&allowed, format!("ola@example.com {public}")).unwrap();
    let allowed = allowed.display().to_string();
    configure(repository, &[("gpg.ssh.allowedSignersFile", &allowed)]);
}

/// What `history` says of who signed the last change of checkout in dev.
pub(super) fn last(repository: &Repository, environment: &[(&str, &str)]) -> serde_json::Value {
    let history = ["history", "checkout", "dev", "-o", "json"];
    let said = repository.run(&repository.clone_path(), &history, "", environment);
    let history = said.exits(0).json();
    history["values"][0]["landed"]["signature"].clone()
}

/// A key ring of its own; its agent ends with it.
pub(super) struct Ring(TempDir);

impl Ring {
    /// Without a key.
    pub(super) fn empty() -> Self {
        // An agent's socket needs a short path.
        let ring = Self(tempfile::Builder::new().prefix("g").tempdir().unwrap());
        let path = ring.0.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        let agent = "pinentry-program /usr/bin/pinentry-curses\n";
        fs::write(path.join("gpg-agent.conf"), agent).unwrap();
        ring
    }

    pub(super) fn new(word: &str) -> Self {
        let ring = Self::empty();
        let made = ring
            .gpg()
            .args(["--batch", "--quiet", "--pinentry-mode", "loopback"])
            .args(["--passphrase", word, "--quick-gen-key"])
            .args(["Ola Operator <ola@example.com>", "ed25519", "sign", "never"])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        // What it was made with is forgotten.
        ring.forget();
        ring
    }

    pub(super) fn gpg(&self) -> Command {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.0.path()).stdin(Stdio::null());
        command
    }

    pub(super) fn home(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Ends its agent, which knows passphrases.
    pub(super) fn forget(&self) {
        let _ = Command::new("gpgconf")
            .args(["--homedir", &self.home(), "--kill", "all"])
            .status();
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.forget();
    }
}

#[test]
fn commits_are_signed_by_openpgp_and_who_did_is_told() {
    if !has("gpg") {
        return;
    }
    let ring = Ring::new("");
    let repository = Repository::seeded();
    configure(&repository, &[("commit.gpgsign", "true")]);
    let home = ring.home();
    let environment = [("GNUPGHOME", home.as_str())];
    let clone = repository.clone_path();
    let run = |arguments: &[&str]| repository.run(&clone, arguments, "", &environment);
    run(&SET).exits(0).shows("the commit is signed by OpenPGP");
    is_signed(&repository, "PGP SIGNATURE");
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("good"), "{signature}");
    assert_eq!(signature["by"], json!("Ola Operator <ola@example.com>"));
    run(&["history", "checkout", "dev"])
        .exits(0)
        .shows("signed by Ola Operator <ola@example.com>");
    let trace = run(&["trace", "checkout", "1.1.0", "-o", "json"])
        .exits(0)
        .json();
    let stay = &trace["environments"][0]["stays"][0];
    assert_eq!(stay["authored"]["signature"]["state"], json!("good"));

    // Only the last change is looked at, unless all are asked for.
    let history = ["history", "checkout", "dev", "-o", "json"];
    let values = run(&history).exits(0).json()["values"].clone();
    assert_eq!(values[1]["landed"]["signature"], json!(null));
    let all = [&history[..], &["--signatures"]].concat();
    let values = run(&all).exits(0).json()["values"].clone();
    assert_eq!(values[1]["landed"]["signature"]["state"], json!("unsigned"));

    // Somebody who has not the key says nothing of it, and one that is not there at all is not asked.
    let other = tempfile::tempdir().unwrap();
    fs::set_permissions(other.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let elsewhere = other.path().display().to_string();
    let signature = last(&repository, &[("GNUPGHOME", &elsewhere)]);
    assert_eq!(signature["state"], json!("unknown-key"), "{signature}");
    configure(&repository, &[("gpg.program", "/nowhere/gpg")]);
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("unchecked"), "{signature}");
    let tip = repository.tip();
    let again = ["set", "checkout", "dev", "1.2.0", "--yes", "--no-live"];
    run(&again)
        .exits(1)
        .says("cannot sign the commit")
        .says("the program that signs is not there: /nowhere/gpg (gpg.program)");
    assert_eq!(repository.tip(), tip, "nothing is written without it");
}

#[test]
fn commits_and_tags_are_signed_by_ssh_and_who_did_is_told() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), "");
    let repository = Repository::seeded();
    signs_by_ssh(&repository, &key.display().to_string());
    repository
        .tidegate(&SET)
        .exits(0)
        .shows("the commit is signed by SSH");
    is_signed(&repository, "SSH SIGNATURE");

    // Who may sign is named nowhere; then somebody else; then Ola.
    let signature = last(&repository, &[]);
    assert_eq!(signature["state"], json!("unknown-key"), "{signature}");
    let others = tempfile::tempdir().unwrap();
    allow(&repository, folder.path(), &ssh_key(others.path(), ""));
    let signature = last(&repository, &[]);
    assert_eq!(signature["state"], json!("unknown-key"), "{signature}");
    allow(&repository, folder.path(), &key);
    let signature = last(&repository, &[]);
    assert_eq!(signature["state"], json!("good"), "{signature}");
    assert_eq!(signature["by"], json!("ola@example.com"));

    // What was signed is not what is there.
    let raw = repository.git_in(&repository.remote(), &["cat-file", "commit", "main"]);
    let forged = raw.replace("checkout", "chequers");
    let file = folder.path().join("forged");
    write(&file, forged.as_bytes());
    let clone = repository.clone_path();
    repository.git_in(&clone, &["fetch", "-q"]);
    let file = file.display().to_string();
    let forged = repository.git_in(&clone, &["hash-object", "-t", "commit", "-w", &file]);
    let to = format!("{forged}:refs/heads/main");
    repository.git_in(&clone, &["push", "-q", "-f", "origin", &to]);
    repository.git_in(&clone, &["fetch", "-q"]);
    let signature = last(&repository, &[]);
    assert_eq!(signature["state"], json!("bad"), "{signature}");
}

/// `ssh-agent`, ended when dropped.
pub(super) struct Agent(Child, PathBuf);

impl Agent {
    /// One with its socket in `folder`, whose path is short.
    pub(super) fn start(folder: &Path) -> Self {
        let socket = folder.join("s");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn();
        let agent = Self(child.unwrap(), socket);
        let until = std::time::Instant::now() + SOON;
        while !agent.1.exists() {
            assert!(std::time::Instant::now() < until, "no agent");
            std::thread::yield_now();
        }
        agent
    }

    /// Takes a key in.
    pub(super) fn add(&self, key: &Path) {
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.1)
            .status();
        assert!(added.unwrap().success());
    }

    pub(super) fn socket(&self) -> String {
        self.1.display().to_string()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_key_that_an_agent_holds_signs_named_by_a_literal_or_a_command() {
    if !has("ssh-agent") || !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::Builder::new().prefix("a").tempdir().unwrap();
    let agent = Agent::start(folder.path());
    let key = ssh_key(folder.path(), "");
    agent.add(&key);
    fs::remove_file(&key).unwrap();
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let socket = agent.socket();
    let environment = [("SSH_AUTH_SOCK", socket.as_str())];

    let repository = Repository::seeded();
    allow(&repository, folder.path(), &key);
    signs_by_ssh(&repository, &format!("key::{}", public.trim()));
    let clone = repository.clone_path();
    repository.run(&clone, &SET, "", &environment).exits(0);
    assert_eq!(last(&repository, &environment)["state"], json!("good"));

    repository.git_in(&clone, &["config", "--unset", "user.signingkey"]);
    let program = folder.path().join("which-key");
    write(
        &program,
        format!("#!/bin/sh\necho 'key::{}'\n", public.trim()).as_bytes(),
    );
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let program = program.display().to_string();
    configure(&repository, &[("gpg.ssh.defaultKeyCommand", &program)]);
    let again = ["set", "checkout", "dev", "1.2.0", "--yes", "--no-live"];
    repository.run(&clone, &again, "", &environment).exits(0);
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("good"), "{signature}");
}

const TAGS: &str = r#"
[[environments]]
name = "staging"
[[environments]]
name = "prod"
from = ["staging"]
[[layouts]]
path = "unused"
yaml = "unused"
refs = "refs/tags/{env}-{version:semver}"
row = "shop"
"#;

/// staging is at 1.1.0 and prod at 1.0.0, by tags.
pub(super) fn tagged() -> Repository {
    let repository = Repository::empty();
    let tags = TAGS.replace("path = \"unused\"\nyaml = \"unused\"\n", "");
    repository.write("tidegate.toml", &tags);
    repository.publish("one");
    let colleague = repository.colleague();
    for tag in ["staging-1.0.0", "prod-1.0.0"] {
        repository.git_in(&colleague, &["tag", tag]);
    }
    repository.write("two", "two");
    repository.publish("two");
    repository.git_in(&colleague, &["tag", "staging-1.1.0"]);
    repository.git_in(&colleague, &["push", "-q", "--tags", "origin"]);
    repository.pull();
    repository
}

#[test]
fn tags_are_signed_and_nothing_but_the_tag_is_made() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), "");
    let repository = tagged();
    let colleague = repository.colleague();
    allow(&repository, folder.path(), &key);
    let named = key.display().to_string();
    for (name, by) in [
        ("1.1.0", "tag.gpgsign"),
        ("1.2.0", "tag.forceSignAnnotated"),
    ] {
        configure(
            &repository,
            &[
                (by, "true"),
                ("gpg.format", "ssh"),
                ("user.signingkey", &named),
            ],
        );
        let staging = format!("staging-{name}");
        if name == "1.2.0" {
            repository.write("three", "three");
            repository.publish("three");
            repository.git_in(&colleague, &["tag", &staging]);
            repository.git_in(&colleague, &["push", "-q", "--tags", "origin"]);
        }
        let promote = [
            "promote", "shop", "--from", "staging", "--to", "prod", "--yes",
        ];
        repository
            .tidegate(&promote)
            .exits(0)
            .shows("the tag is signed by SSH");
        let tag = format!("prod-{name}");
        let clone = repository.clone_path();
        repository.git_in(&clone, &["verify-tag", &tag]);
        let text = repository.git_in(&repository.remote(), &["cat-file", "-p", &tag]);
        assert!(
            text.contains(&format!(
                "tag {tag}\ntagger Ola Operator <ola@example.com> "
            )) && text.contains("Promoted-From: staging"),
            "{text}"
        );
        repository.git_in(&clone, &["config", "--unset", by]);
    }
    // One that cannot be signed is not made.
    fs::write(&key, "no key").unwrap();
    configure(&repository, &[("tag.gpgsign", "true")]);
    let back = ["revert", "shop", "prod", "--yes", "--reason", "it leaks"];
    repository
        .tidegate(&back)
        .exits(1)
        .says("cannot sign the tag")
        .says("tag.gpgSign is on");
    let there = repository.git_in(&repository.remote(), &["tag", "--list", "prod-*"]);
    assert_eq!(there, "prod-1.0.0\nprod-1.1.0\nprod-1.2.0");
}

/// The console in the operator's clone, unlocked, with a version staged for checkout in staging and its plan shown.
pub(super) fn at_the_plan(repository: &Repository, environment: &[(&str, &str)]) -> Operator {
    let mut setup = Setup::tidegate(&[])
        .folder(repository.clone_path())
        .home(repository.home());
    for (name, value) in environment {
        setup = setup.env(name, value);
    }
    let mut operator = Operator::sit_down(setup);
    operator.unlock();
    operator.plan_promotion("checkout", "staging");
    operator
}

/// Dev is ahead of staging, so that there is something to promote.
pub(super) fn ahead() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.pull();
    repository
}

#[test]
fn a_passphrase_is_asked_for_in_place_of_the_screen_which_comes_back() {
    if !has("ssh-keygen") {
        return;
    }
    let repository = ahead();
    let (folder, key) = locked_by_ssh(&repository);
    let tip = repository.tip();
    let mut operator = at_the_plan(&repository, &[]);
    operator.terminal.until("how it is signed", SOON, |view| {
        view.has("the commit is signed by SSH")
    });
    operator.confirm(None);
    // What the first question left behind is on that screen still.
    let asks = |operator: &Operator, often: usize| {
        operator.terminal.until("the question", SOON, |view| {
            let asked = view.lines().iter();
            let asked = asked.filter(|line| line.contains("Enter passphrase"));
            asked.count() == often && !view.is_full_screen()
        });
    };
    asks(&operator, 1);
    operator.terminal.press("wrong\r");
    operator.terminal.until("why not", SOON, |view| {
        view.is_full_screen() && view.has("cannot sign the commit")
    });
    assert_eq!(repository.tip(), tip, "nothing is written without it");

    operator.back_to_the_matrix();
    operator.terminal.press("s");
    operator
        .terminal
        .until("the plan", SOON, |view| view.has("Plan  1 change"));
    operator.confirm(None);
    asks(&operator, 2);
    operator.terminal.press(&format!("{WORD}\r"));
    operator.delivered(SOON);
    is_signed(&repository, "SSH SIGNATURE");

    // The cell says who signed it.
    allow(&repository, folder.path(), &key);
    operator.back_to_the_matrix();
    operator.go_to("checkout", "staging");
    operator.terminal.press(key::ENTER);
    operator.terminal.until("who signed it", SOON, |view| {
        view.has("signed by ola@example.com")
    });
    operator.leave();
}

#[test]
fn a_window_of_pinentry_gets_the_terminal_and_gives_it_back() {
    if !has("gpg") || !Path::new("/usr/bin/pinentry-curses").exists() {
        println!("skipped: no gpg, or no pinentry-curses");
        return;
    }
    let ring = Ring::new(WORD);
    let home = ring.home();
    let repository = ahead();
    configure(&repository, &[("commit.gpgsign", "true")]);
    let tip = repository.tip();
    let mut operator = at_the_plan(&repository, &[("GNUPGHOME", &home)]);
    operator.confirm(None);
    let asks = |operator: &Operator| {
        operator.terminal.until("the window", SOON, |view| {
            view.has("Passphrase:") && view.has("<Cancel>")
        });
    };
    asks(&operator);
    operator.terminal.press("\t\t\r");
    operator
        .terminal
        .until("that it was not signed", SOON, |view| {
            view.is_full_screen() && view.has("cancelled")
        });
    assert_eq!(repository.tip(), tip);

    operator.back_to_the_matrix();
    operator.terminal.press("s");
    operator
        .terminal
        .until("the plan", SOON, |view| view.has("Plan  1 change"));
    operator.confirm(None);
    asks(&operator);
    operator.terminal.press(&format!("{WORD}\r"));
    operator.delivered(SOON);
    is_signed(&repository, "PGP SIGNATURE");
    operator.leave();
}

#[test]
fn a_command_is_asked_for_the_passphrase_at_its_terminal() {
    if !has("ssh-keygen") {
        return;
    }
    let repository = Repository::seeded();
    let (_folder, _) = locked_by_ssh(&repository);
    // Also where its standard input is something else.
    for (version, input) in [("1.1.0", ""), ("1.2.0", "< /dev/null")] {
        let line = format!(
            "{TIDEGATE} set checkout dev {version} --yes --no-live {input}; echo \"it ended: $?\""
        );
        let mut terminal = Setup::program("/bin/sh", &["-c", &line])
            .folder(repository.clone_path())
            .home(repository.home())
            .start();
        terminal.until("the question", SOON, |view| view.has("Enter passphrase"));
        terminal.press(&format!("{WORD}\r"));
        terminal.until("the end", SOON, |view| view.has("it ended: 0"));
        is_signed(&repository, "SSH SIGNATURE");
        terminal.ended(SOON);
    }
}

/// Where nobody can be asked, it is not waited for.
#[test]
fn without_a_terminal_a_passphrase_is_not_waited_for() {
    if !has("ssh-keygen") {
        return;
    }
    let repository = Repository::seeded();
    let (_folder, _) = locked_by_ssh(&repository);
    let tip = repository.tip();
    let mut command = repository.command("setsid");
    command
        .args(["--wait", TIDEGATE])
        .args(SET)
        .current_dir(repository.clone_path());
    crate::support::repo::ran(command, "")
        .exits(1)
        .says("cannot sign the commit: the key has a passphrase, and nobody could be asked for it")
        .says("commit.gpgsign is on");
    assert_eq!(repository.tip(), tip);
}

/// As Gerrit's does: a trailer at the end, where there is none. It looks into the clone, and would change its index.
const GERRIT: &str = r#"#!/bin/sh
test -n "$1" || exit 9
id=$(git hash-object "$1")
echo hooked > scratch-by-hook && git add scratch-by-hook && rm scratch-by-hook
grep -q '^Change-Id: ' "$1" || printf 'Change-Id: I%s\n' "$id" >> "$1"
"#;

fn hook(repository: &Repository, name: &str, text: &str) {
    let path = repository.clone_path().join(".git/hooks").join(name);
    write(&path, text.as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn configured(repository: &Repository, text: &str) {
    let path = repository.home().join("config/tidegate/config.toml");
    write(&path, text.as_bytes());
}

#[test]
fn hooks_over_the_message_run_where_the_users_own_file_says_so() {
    let repository = Repository::seeded();
    hook(&repository, "commit-msg", GERRIT);
    hook(&repository, "prepare-commit-msg", "#!/bin/sh\nexit 1\n");
    let set = |version: &str| -> Said {
        let set = ["set", "checkout", "dev", version, "--yes", "--no-live"];
        repository.tidegate(&set)
    };
    set("1.1.0")
        .exits(0)
        .shows("the hooks prepare-commit-msg and commit-msg of this clone will not run")
        .shows("`hooks` of [commit] in your config.toml lets");
    assert!(!repository.message().contains("Change-Id"));

    configured(
        &repository,
        "[commit]\nhooks = [\"commit-msg\"]\nsign-off = true\n",
    );
    let index = repository.clone_path().join(".git/index");
    let before = fs::read(&index).unwrap();
    set("1.2.0")
        .exits(0)
        .shows("the hook commit-msg of this clone runs over a copy of the message")
        .shows("the hook prepare-commit-msg of this clone will not run");
    let message = repository.message();
    let last: Vec<&str> = message.lines().rev().take(2).collect();
    assert!(last[0].starts_with("Change-Id: I"), "{message}");
    assert_eq!(last[1], "Signed-off-by: Ola Operator <ola@example.com>");
    assert_eq!(fs::read(&index).unwrap(), before, "the index is as it was");
    // The same again is there already, whatever the hook added.
    set("1.2.0").exits(0).says("nothing to change");

    let tip = repository.tip();
    hook(
        &repository,
        "commit-msg",
        "#!/bin/sh\necho 'no ticket in the subject' >&2\nexit 7\n",
    );
    set("1.3.0")
        .exits(1)
        .says("the hook commit-msg of this clone does not let the commit pass: no ticket in the subject (exit 7)");
    hook(&repository, "commit-msg", "#!/bin/sh\n: > \"$1\"\n");
    set("1.3.0").exits(1).says("nothing is left of it");
    assert_eq!(repository.tip(), tip);

    // A team's file does not decide that, and other hooks are about a work tree.
    configured(&repository, "[commit]\nhooks = [\"pre-commit\"]\n");
    set("1.3.0")
        .exits(2)
        .says("`pre-commit` is none of `prepare-commit-msg` and `commit-msg`");
}
