//! What is printed: nothing of it is obeyed by a terminal, and an answer that does not arrive is a failure.

use std::{fs::File, io::Read, process::Stdio, thread};

use crate::support::{
    repo::{Repository, Said, ran, write},
    terminal::{SOON, Setup, TIDEGATE},
};

/// Every kind of thing that a terminal obeys or that turns text around, as a string of TOML writes it.
const HOSTILE: &str = "\\u001b]52;c;UFdO\\u0007\\u001b[31mX\\u009b2J\\u009d0;T\\u009c\\u202e\\u2066\\u200e\\u061c\\u2028\\u007f\\u0008";

/// What of `text` a terminal would obey; line ends and tabs lay it out.
fn obeyed(text: &str) -> Vec<char> {
    let direction = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let obeyed = |c: &char| (c.is_control() && *c != '\n' && *c != '\t') || direction(*c);
    text.chars().filter(obeyed).collect()
}

#[track_caller]
fn assert_harmless(what: &str, said: &Said) {
    for (stream, text) in [
        ("standard output", &said.out),
        ("standard error", &said.err),
    ] {
        assert!(obeyed(text).is_empty(), "{what}, {stream}:\n{text:?}");
        let obeyed = obeyed(text);
        assert!(
            obeyed.is_empty(),
            "{what}, {stream}: {obeyed:?} in\n{text:?}"
        );
    }
}

#[test]
fn no_configuration_makes_an_error_that_a_terminal_obeys() {
    let repository = Repository::seeded();
    let place = "path = \"apps/{service}/overlays/{env}/kustomization.yaml\"";
    let cases = [
        format!("[\"{HOSTILE}\"]\na = 1\n"),
        format!("[[environments]]\nname = \"{HOSTILE}\"\n"),
        format!("[[environments]]\nname = \"p\"\nfrom = [\"{HOSTILE}\"]\n"),
        format!("[[environments]]\nname = \"p\"\nurl = \"{HOSTILE}\"\n"),
        format!("[[environments]]\nname = \"p\"\ncluster = \"{HOSTILE}\"\n"),
        format!("[[environments]]\nname = \"p\"\n[[layouts]]\npreset = \"{HOSTILE}\"\n{place}\n"),
        format!("[[environments]]\nname = \"p\"\n[[layouts]]\npath = \"{HOSTILE}/{{service}}\"\n"),
        format!(
            "[[environments]]\nname = \"p\"\n[[layouts]]\npath = \"a/{{service}}/{{env}}\"\nregex = \"(?<v>{HOSTILE}(\"\n"
        ),
        format!("[repository]\nbranch = \"no{HOSTILE}\"\n"),
        format!(
            "[[repositories]]\nname = \"r\"\npath = \"x{HOSTILE}\"\n[[environments]]\nname = \"prod\"\n[[layouts]]\n\
             preset = \"kustomize\"\n{place}\nrepository = \"r\"\n"
        ),
        format!(
            "[[repositories]]\nname = \"r\"\nurl = \"file:///nope/{HOSTILE}\"\n[[environments]]\nname = \"prod\"\n\
             [[layouts]]\npreset = \"kustomize\"\n{place}\nrepository = \"r\"\n"
        ),
        // Not TOML at all, and bytes that are no text.
        "a = \"\u{1b}[31m\u{9b}1m\u{202e}".to_owned(),
    ];
    for text in cases {
        write(
            &repository.clone_path().join("tidegate.toml"),
            text.as_bytes(),
        );
        for arguments in [&["status", "--no-live"][..], &["status", "-o", "json"]] {
            assert_harmless(&text, &repository.tidegate(arguments));
        }
    }
    let no_text = b"[[environments]]\nname = \"\xff\x9b31m\"\n";
    write(&repository.clone_path().join("tidegate.toml"), no_text);
    assert_harmless("no text", &repository.tidegate(&["status"]).exits(2));
}

#[test]
fn what_the_arguments_say_is_not_obeyed_when_it_is_quoted() {
    let repository = Repository::seeded();
    let hostile = "x\u{1b}]0;T\u{7}\u{1b}[31m\u{9b}2J\u{202e}";
    let cases: [&[&str]; 9] = [
        &[hostile],
        &["status", hostile],
        &["status", "--at", hostile],
        &["status", "-o", hostile],
        &["history", hostile],
        &["history", "checkout", hostile],
        &["trace", "checkout", hostile],
        &["set", "checkout", "dev", hostile, "--dry-run"],
        &["status", "--repo", hostile],
    ];
    for arguments in cases {
        assert_harmless(&format!("{arguments:?}"), &repository.tidegate(arguments));
    }
}

#[test]
fn commits_and_files_are_not_obeyed_as_table_or_json_and_json_keeps_them() {
    let repository = Repository::seeded();
    let author = "A\u{9b}31m\u{9d}0;T\u{9c}\u{202e}\u{2066}\u{200f}\u{7f}";
    let path = crate::support::repo::overlay("checkout", "prod");
    let text = crate::support::repo::kustomization("checkout", "1.0.0\u{202e}");
    repository.write(&path, &text);
    let colleague = repository.colleague();
    repository.git_in(&colleague, &["add", "-A"]);
    let mut git = repository.command("git");
    git.env("GIT_AUTHOR_NAME", author)
        .args(["commit", "-qm", "x\u{1b}[31m\u{85}y"])
        .current_dir(&colleague);
    ran(git, "").exits(0);
    repository.git_in(&colleague, &["push", "-q", "origin", "main"]);
    repository.pull();
    for arguments in [
        &["history", "checkout", "prod"][..],
        &["history", "checkout", "prod", "-o", "markdown"],
        &["status", "--no-live", "--changed"],
        &["trace", "checkout", "1.0.0"],
    ] {
        assert_harmless(&format!("{arguments:?}"), &repository.tidegate(arguments));
    }
    let said = repository
        .tidegate(&["history", "checkout", "prod", "-o", "json"])
        .exits(0);
    assert_harmless("history", &said);
    let newest = &said.json()["values"][0];
    assert_eq!(newest["authored"]["author"], author);
    // What no image's tag can be is no version: it is told as a problem, and never copied.
    assert!(newest["version"].is_null(), "{newest}");
}

#[test]
fn colours_are_there_on_a_terminal_and_nowhere_else() {
    let repository = Repository::seeded();
    let mut terminal = Setup::tidegate(&["status", "--no-live"])
        .home(repository.home())
        .folder(repository.clone_path())
        .start();
    assert_eq!(terminal.ended(SOON).exit.code, 0);
    assert!(terminal.written().contains("\x1b[1mSERVICE\x1b[0m"));
    let piped = repository.tidegate(&["status", "--no-live"]).exits(0);
    assert_harmless("piped", &piped);
}

/// Standard output is `/dev/full`.
fn on_a_full_disk(repository: &Repository, arguments: &[&str]) -> Said {
    let mut command = repository.command("/bin/sh");
    command
        .args(["-c", "exec \"$@\" >/dev/full", "sh", TIDEGATE])
        .args(arguments)
        .current_dir(repository.clone_path());
    ran(command, "")
}

#[test]
fn an_answer_that_a_full_disk_swallows_is_a_failure() {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    let cases: [&[&str]; 9] = [
        &["status", "--no-live"],
        &["status", "--no-live", "-o", "json"],
        &["status", "--no-live", "-o", "markdown"],
        &["history", "checkout"],
        &["trace", "checkout", "1.0.0", "-o", "json"],
        &[
            "promote",
            "checkout",
            "--from",
            "staging",
            "--to",
            "prod",
            "--dry-run",
        ],
        &["init", "--stdout"],
        &["--help"],
        &["--version"],
    ];
    for arguments in cases {
        let said = on_a_full_disk(&repository, arguments).exits(1);
        assert!(
            said.err
                .contains("could not be written to standard output: No space left"),
            "{arguments:?}: {}",
            said.err
        );
    }
    // Wrong usage says nothing on standard output.
    on_a_full_disk(&repository, &["--nonsense"]).exits(2);
}

#[test]
fn a_plan_that_nobody_could_read_is_not_written() {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    let tip = repository.tip();
    let arguments = [
        "promote", "checkout", "--from", "staging", "--to", "prod", "--yes",
    ];
    on_a_full_disk(&repository, &arguments)
        .exits(1)
        .says("nothing was written: the plan could not be shown");
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let repository = Repository::seeded();
    for arguments in [
        &["status", "--no-live"][..],
        &["status", "--no-live", "-o", "json"],
    ] {
        let mut child = repository
            .command(TIDEGATE)
            .args(arguments)
            .current_dir(repository.clone_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut words = String::new();
        let mut stderr = child.stderr.take().unwrap();
        let read = thread::spawn(move || stderr.read_to_string(&mut words).map(|_| words));
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(read.join().unwrap().unwrap(), "");
    }
}

#[test]
fn a_file_that_does_not_fit_is_not_left_half_written() {
    let repository = Repository::seeded();
    std::fs::remove_file(repository.clone_path().join("tidegate.toml")).unwrap();
    let mut command = repository.command("/bin/sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 0; exec \"$@\" 2>&1 | cat >&2",
            "sh",
            TIDEGATE,
            "init",
        ])
        .current_dir(repository.clone_path());
    let said = ran(command, "");
    assert!(said.err.contains("cannot write"), "{}", said.err);
    let left: Vec<_> = std::fs::read_dir(repository.clone_path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != ".git" && name != "apps")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    repository.tidegate(&["init"]).exits(0);
    let mode = File::open(repository.clone_path().join("tidegate.toml"))
        .and_then(|file| file.metadata())
        .map(|data| std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o777)
        .unwrap();
    assert_eq!(mode & 0o600, 0o600);
    assert_ne!(mode & 0o044, 0, "the team reads it too");
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_of_a_command_is_a_sentence() {
    let repository = Repository::seeded();
    let at = repository.clone_path();
    let panics = [("TIDEGATE_TEST_PANIC", "command")];
    let said = repository
        .run(&at, &["status", "--no-live"], "", &panics)
        .exits(1)
        .says("tidegate: a mistake of Tidegate's own: TIDEGATE_TEST_PANIC asked for it (src/");
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    let traced = [panics[0], ("RUST_BACKTRACE", "1")];
    let said = repository
        .run(&at, &["status", "--no-live"], "", &traced)
        .exits(1);
    assert!(said.err.lines().count() > 5, "{}", said.err);
    assert_harmless("the report", &said);
}
