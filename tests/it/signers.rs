//! What signs may fail, take its time, or need nobody: what is pushed then, and what is asked where.
#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::print_stdout)] // what is skipped is said

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use super::signing::{
    Agent, Ring, SET, WORD, ahead, allow, at_the_plan, configure, has, is_signed, last,
    signs_by_ssh, ssh_key,
};
use crate::support::{
    repo::{Repository, write},
    terminal::{SOON, Setup, TIDEGATE},
    two::Two,
};

pub(super) fn executable(path: &Path, text: &str) -> String {
    write(path, text.as_bytes());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// What Git takes for yes is known to Git alone; what it does not take is neither.
#[test]
fn a_switch_of_gits_is_read_as_git_reads_it() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), "");
    let repository = Repository::seeded();
    signs_by_ssh(&repository, &key.display().to_string());
    configure(&repository, &[("commit.gpgsign", "ture")]);
    let tip = repository.tip();
    repository
        .tidegate(&SET)
        .exits(1)
        .says("commit.gpgsign = ture, which is neither yes nor no");
    assert_eq!(repository.tip(), tip, "nothing is written unsigned");
    configure(&repository, &[("commit.gpgsign", "1k")]);
    repository
        .tidegate(&SET)
        .exits(0)
        .shows("the commit is signed by SSH");
    is_signed(&repository, "SSH SIGNATURE");
}

#[test]
fn a_key_that_nobody_vouches_for_is_not_good() {
    if !has("gpg") {
        return;
    }
    let ring = Ring::new("");
    let repository = Repository::seeded();
    configure(&repository, &[("commit.gpgsign", "true")]);
    let home = ring.home();
    let clone = repository.clone_path();
    repository
        .run(&clone, &SET, "", &[("GNUPGHOME", &home)])
        .exits(0);
    let theirs = tempfile::tempdir().unwrap();
    fs::set_permissions(theirs.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let elsewhere = theirs.path().display().to_string();
    let key = ring.gpg().arg("--export").output().unwrap().stdout;
    let file = theirs.path().join("key");
    write(&file, &key);
    let mut import = ring.gpg();
    import.env("GNUPGHOME", theirs.path());
    let imported = import.args(["--quiet", "--import"]).arg(&file).status();
    assert!(imported.unwrap().success());
    let environment = [("GNUPGHOME", elsewhere.as_str())];
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("untrusted"), "{signature}");
    let history = ["history", "checkout", "dev"];
    repository
        .run(&clone, &history, "", &environment)
        .exits(0)
        .shows("signed by somebody who says to be Ola Operator <ola@example.com>, untrusted");
}

/// What is pushed cannot be taken back: all of it is signed before any of it goes.
#[test]
fn where_one_of_several_commits_is_not_signed_none_is_pushed() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), "").display().to_string();
    let signed = folder.path().join("signed");
    let once = format!(
        "#!/bin/sh\ntest -e {0} && {{ echo 'the card is gone' >&2; exit 1; }}\n: > {0}\nexec ssh-keygen \"$@\"\n",
        signed.display()
    );
    let once = executable(&folder.path().join("once"), &once);
    let two = Two::new(&["dev", "staging"]);
    two.publishes(&two.path());
    two.main.tidegate(&["trust"]).exits(0);
    let changes = two.main.clone_path().join("../changes.json");
    let all = ["staging", "prod"].map(
        |environment| json!({ "service": "shop", "environment": environment, "version": "1.1.0" }),
    );
    write(&changes, json!(all).to_string().as_bytes());
    let changes = changes.display().to_string();
    let set = [
        "set",
        "--changes",
        &changes,
        "--yes",
        "--no-live",
        "--override",
        "upstream",
        "--reason",
        "a test",
    ];
    let before = (two.main.tip(), two.other.tip());
    let environment = [
        ("GIT_CONFIG_COUNT", "4"),
        ("GIT_CONFIG_KEY_0", "commit.gpgsign"),
        ("GIT_CONFIG_VALUE_0", "true"),
        ("GIT_CONFIG_KEY_1", "gpg.format"),
        ("GIT_CONFIG_VALUE_1", "ssh"),
        ("GIT_CONFIG_KEY_2", "user.signingkey"),
        ("GIT_CONFIG_VALUE_2", &key),
        ("GIT_CONFIG_KEY_3", "gpg.ssh.program"),
        ("GIT_CONFIG_VALUE_3", &once),
    ];
    let clone = two.main.clone_path();
    let said = two.main.run(&clone, &set, "", &environment).exits(1);
    assert!(said.err.contains("the card is gone"), "{}", said.err);
    assert!(!said.err.contains("not done"), "{}", said.err);
    assert!(signed.exists(), "the first was signed");
    assert_eq!((two.main.tip(), two.other.tip()), before);
}

/// Signing takes longer than a look at everything stays fresh, and a colleague does `meanwhile` in their work tree and pushes
/// that. How often it was signed, and how often something was pushed by tidegate, is counted in the folder.
fn slow(meanwhile: &str) -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), "");
    let repository = Repository::seeded();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let program = format!(
        "#!/bin/sh\necho >> {signed}\nif ! test -e {done}; then\n  : > {done}\n  (unset GIT_DIR; cd {colleague} && {meanwhile} && \
         git add -A && git commit -q -m Meanwhile && git push -q origin HEAD:main) >&2\n  sleep 2.2\nfi\nexec ssh-keygen \"$@\"\n",
        signed = at("signed"),
        done = at("done"),
        colleague = repository.colleague().display(),
    );
    let program = executable(&folder.path().join("slow"), &program);
    signs_by_ssh(&repository, &key.display().to_string());
    configure(&repository, &[("gpg.ssh.program", &program)]);
    let hook = repository.clone_path().join(".git/hooks/pre-push");
    executable(&hook, &format!("#!/bin/sh\necho >> {}\n", at("pushed")));
    (folder, repository)
}

/// How often something is noted there.
fn times(folder: &tempfile::TempDir, name: &str) -> usize {
    let text = fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    text.lines().count()
}

#[test]
fn what_took_long_to_sign_is_judged_again_before_it_is_pushed() {
    if !has("ssh-keygen") {
        return;
    }
    let veto = "printf '[[veto]]\\nservice = \"checkout\"\\nversion = \"1.1.0\"\\nreason = \"It leaks\"\\n' > vetoes.toml";
    let (folder, repository) = slow(veto);
    let said = repository.tidegate(&SET);
    let words = format!("{}{}", said.out, said.err);
    assert_ne!(said.code, Some(0), "{words}");
    assert!(words.contains("It leaks"), "{words}");
    assert!(repository.message().starts_with("Meanwhile"));
    let counted = ["signed", "pushed"].map(|name| times(&folder, name));
    assert_eq!(counted, [1, 0], "it was not even tried");
}

#[test]
fn what_moved_while_it_was_signed_is_signed_anew() {
    if !has("ssh-keygen") {
        return;
    }
    let (folder, repository) = slow("echo one > notes");
    repository.tidegate(&SET).exits(0);
    let before = ["log", "-1", "--format=%s", "main^"];
    let before = repository.git_in(&repository.remote(), &before);
    assert_eq!(before, "Meanwhile");
    is_signed(&repository, "SSH SIGNATURE");
    let counted = ["signed", "pushed"].map(|name| times(&folder, name));
    assert_eq!(counted, [2, 1], "once for each base, and pushed once");
}

/// A certificate of gpgsm's own making that it trusts, its key under `word`.
fn certified(word: &str) -> (Ring, String) {
    let ring = Ring::empty();
    let home = PathBuf::from(ring.home());
    let gpgsm = |arguments: &[&str], input: &str| {
        let mut child = Command::new("gpgsm")
            .arg("--batch")
            .args(arguments)
            .env("GNUPGHOME", &home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        write!(child.stdin.take().unwrap(), "{input}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "gpgsm {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let offline = "disable-crl-checks\ndisable-policy-checks\n";
    write(&home.join("gpgsm.conf"), offline.as_bytes());
    let wanted = "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSerial: random\n\
         Name-DN: CN=Ola Operator,O=Example\nName-Email: ola@example.com\n\
         Not-Before: 2020-01-01\nNot-After: 2049-01-01\n";
    let [file, made] = ["wanted", "made.pem"].map(|name| home.join(name).display().to_string());
    write(Path::new(&file), wanted.as_bytes());
    let by_word = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"];
    let generate = ["--gen-key", "--output", &made, &file];
    gpgsm(&[&by_word[..], &generate].concat(), &format!("{word}\n"));
    gpgsm(&["--import", &made], "");
    let listed = gpgsm(&["--list-keys", "--with-colons"], "");
    let mut lines = listed.lines().map(|line| line.split(':'));
    let mut key = lines.find(|line| line.clone().next() == Some("fpr"));
    let key = key
        .as_mut()
        .and_then(|line| line.nth(9))
        .unwrap()
        .to_owned();
    write(
        &home.join("trustlist.txt"),
        format!("{key} S relax\n").as_bytes(),
    );
    // What it was made with is forgotten.
    ring.forget();
    (ring, key)
}

fn signs_by_x509(repository: &Repository, key: &str) {
    configure(
        repository,
        &[
            ("commit.gpgsign", "true"),
            ("tag.gpgsign", "true"),
            ("gpg.format", "x509"),
            ("user.signingkey", key),
        ],
    );
}

#[test]
fn commits_and_tags_are_signed_by_x509_and_who_did_is_told() {
    if !has("gpgsm") {
        return;
    }
    let (ring, key) = certified("");
    let home = ring.home();
    let environment = [("GNUPGHOME", home.as_str())];
    let repository = Repository::seeded();
    signs_by_x509(&repository, &key);
    let clone = repository.clone_path();
    repository
        .run(&clone, &SET, "", &environment)
        .exits(0)
        .shows("the commit is signed by X.509");
    is_signed(&repository, "SIGNED MESSAGE");
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("good"), "{signature}");
    assert_eq!(signature["by"], json!("/CN=Ola Operator/O=Example"));

    // Who has not the certificate, and who does not trust whoever made it.
    let theirs = Ring::empty();
    let elsewhere = theirs.home();
    let environment = [("GNUPGHOME", elsewhere.as_str())];
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("unknown-key"), "{signature}");
    let imported = Command::new("gpgsm")
        .args(["--batch", "--quiet", "--import"])
        .arg(PathBuf::from(&home).join("made.pem"))
        .env("GNUPGHOME", &elsewhere)
        .stderr(Stdio::null())
        .status();
    assert!(imported.unwrap().success());
    let signature = last(&repository, &environment);
    assert_eq!(signature["state"], json!("untrusted"), "{signature}");

    let repository = super::signing::tagged();
    signs_by_x509(&repository, &key);
    let promote = [
        "promote", "shop", "--from", "staging", "--to", "prod", "--yes",
    ];
    let environment = [("GNUPGHOME", home.as_str())];
    repository
        .run(&repository.clone_path(), &promote, "", &environment)
        .exits(0)
        .shows("the tag is signed by X.509");
    let tag = repository.git_in(&repository.remote(), &["cat-file", "-p", "prod-1.1.0"]);
    assert!(tag.contains("-----BEGIN SIGNED MESSAGE-----"), "{tag}");

    // A key that is not there is a sentence, with the program and its key.
    configure(&repository, &[("user.signingkey", "0xDEADBEEF")]);
    let back = ["revert", "shop", "prod", "--yes", "--reason", "it leaks"];
    repository
        .run(&repository.clone_path(), &back, "", &environment)
        .exits(1)
        .says("cannot sign the tag")
        .says("gpgsm signs (gpg.x509.program)");
}

#[test]
fn a_certificates_passphrase_is_asked_for_by_pinentry() {
    if !has("gpgsm") || !Path::new("/usr/bin/pinentry-curses").exists() {
        println!("skipped: no gpgsm, or no pinentry-curses");
        return;
    }
    let (ring, key) = certified(WORD);
    let home = ring.home();
    let repository = ahead();
    signs_by_x509(&repository, &key);
    let mut operator = at_the_plan(&repository, &[("GNUPGHOME", &home)]);
    operator.confirm(None);
    operator.terminal.until("the window", SOON, |view| {
        view.has("Passphrase:") && view.has("<Cancel>")
    });
    operator.terminal.press(&format!("{WORD}\r"));
    operator.delivered(SOON);
    is_signed(&repository, "SIGNED MESSAGE");
    operator.leave();
}

/// Whoever has the key asks nobody, and the screen stays.
#[test]
fn an_agent_that_has_the_key_leaves_the_screen_alone() {
    if !has("ssh-agent") || !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::Builder::new().prefix("a").tempdir().unwrap();
    let agent = Agent::start(folder.path());
    let key = ssh_key(folder.path(), "");
    agent.add(&key);
    fs::remove_file(&key).unwrap();
    let socket = agent.socket();
    let repository = ahead();
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    signs_by_ssh(&repository, &format!("key::{}", public.trim()));
    let mut operator = at_the_plan(&repository, &[("SSH_AUTH_SOCK", &socket)]);
    operator.confirm(None);
    operator.delivered(SOON);
    let written = operator.terminal.written();
    assert!(!written.contains("passphrase"), "the screen gave way");
    is_signed(&repository, "SSH SIGNATURE");
    operator.leave();
}

/// An agent's pinentry is of another session, in which `/dev/tty` is nobody's: it is told the terminal's own name.
#[test]
fn what_signs_is_told_the_terminals_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let program = format!(
        "#!/bin/sh\necho \"$GPG_TTY\" >> {}\nexit 1\n",
        told.display()
    );
    let program = executable(&folder.path().join("gpg"), &program);
    let repository = Repository::seeded();
    configure(
        &repository,
        &[("commit.gpgsign", "true"), ("gpg.program", &program)],
    );
    for elsewhere in ["", "< /dev/null", "< /dev/null 2> /dev/null"] {
        let line = format!(
            "{TIDEGATE} {} {elsewhere}; echo \"it ended: $?\"",
            SET.join(" ")
        );
        let mut terminal = Setup::program("/bin/sh", &["-c", &line])
            .folder(repository.clone_path())
            .home(repository.home())
            .start();
        terminal.until("the end", SOON, |view| view.has("it ended: 1"));
        terminal.ended(SOON);
        let said = fs::read_to_string(&told).unwrap();
        let [without, at] = said.lines().collect::<Vec<_>>()[..] else {
            panic!("it is asked twice: {said}");
        };
        assert_eq!(without, "", "first without the terminal: {elsewhere}");
        assert!(
            at.starts_with("/dev/") && at != "/dev/tty",
            "{elsewhere}: {at}"
        );
        fs::remove_file(&told).unwrap();
    }
}

/// The hooks that the user has everywhere are not those of the place in which a tag is made.
#[test]
fn hooks_of_everywhere_see_no_tag_before_it_is_pushed() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = ssh_key(folder.path(), "");
    let ran = folder.path().join("ran");
    let hook = format!(
        "#!/bin/sh\ncd \"$(git rev-parse --absolute-git-dir)\" && pwd -P >> {}\n",
        ran.display()
    );
    executable(&folder.path().join("hooks/reference-transaction"), &hook);
    let everywhere = folder.path().join("gitconfig");
    let text = format!(
        "[core]\n\thooksPath = {}\n",
        folder.path().join("hooks").display()
    );
    write(&everywhere, text.as_bytes());
    let repository = super::signing::tagged();
    allow(&repository, folder.path(), &key);
    configure(
        &repository,
        &[
            ("tag.gpgsign", "true"),
            ("gpg.format", "ssh"),
            ("user.signingkey", &key.display().to_string()),
        ],
    );
    let promote = [
        "promote", "shop", "--from", "staging", "--to", "prod", "--yes",
    ];
    let everywhere = everywhere.display().to_string();
    let environment = [("GIT_CONFIG_GLOBAL", everywhere.as_str())];
    repository
        .run(&repository.clone_path(), &promote, "", &environment)
        .exits(0)
        .shows("the tag is signed by SSH");
    let places = fs::read_to_string(&ran).unwrap();
    let ours = repository.clone_path().canonicalize().unwrap();
    let ours = ours.parent().unwrap();
    for place in places.lines() {
        assert!(Path::new(place).starts_with(ours), "{place}");
    }
}

/// A hook is where Git says that hooks are, also where that is said on the command line of an alias.
#[test]
fn hooks_are_looked_for_where_git_has_them() {
    let folder = tempfile::tempdir().unwrap();
    executable(
        &folder.path().join("commit-msg"),
        "#!/bin/sh\necho 'Ticket: 7' >> \"$1\"\n",
    );
    let repository = Repository::seeded();
    let own = repository.home().join("config/tidegate/config.toml");
    write(&own, b"[commit]\nhooks = [\"commit-msg\"]\n");
    let parameters = format!("'core.hooksPath'='{}'", folder.path().display());
    let environment = [("GIT_CONFIG_PARAMETERS", parameters.as_str())];
    repository
        .run(&repository.clone_path(), &SET, "", &environment)
        .exits(0)
        .shows("the hook commit-msg of this clone runs");
    assert!(repository.message().contains("Ticket: 7"));
}
