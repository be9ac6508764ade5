//! What needs root to be made: file systems that hang in the middle of the user's own folders (state, cache, configuration,
//! kubeconfig), and a namespace of process numbers.
//!
//! A FUSE mount whose server never answers stands there as a lost network mount does. Who may not mount one cannot run these.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    stopping::{end, signal, words},
    support::{
        operator::Operator,
        repo::Repository,
        terminal::{SOON, Setup, TIDEGATE, View, key},
    },
};

/// What an operator calls at once, on a busy machine, with what leaving waits for.
const AT_ONCE: Duration = Duration::from_secs(8);

/// A mount that never answers, until it is dropped.
struct Hung {
    server: Child,
    place: PathBuf,
}

impl Hung {
    /// Mounted over `place`.
    fn over(place: &Path) -> Self {
        let script = r#"exec 3<>/dev/fuse || exit 1
mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 hung "$1" || exit 1
echo mounted
read -r _"#;
        let mut server = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut said = String::new();
        let _ = BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut said);
        let hung = Self {
            server,
            place: place.to_owned(),
        };
        assert_eq!(said.trim(), "mounted", "as root, with /dev/fuse");
        hung
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        // Whoever waits there gets an error once its server is gone.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let mut unmounting = Command::new("umount");
        unmounting.arg("-l").arg(&self.place).stderr(Stdio::null());
        let _ = unmounting.status();
    }
}

fn console(repository: &Repository) -> Setup {
    Setup::tidegate(&[])
        .home(repository.home())
        .folder(repository.clone_path())
}

#[test]
#[ignore = "mounts what hangs: needs root and /dev/fuse"]
fn a_console_beside_a_folder_of_the_users_that_hangs_takes_keys_and_leaves() {
    for (variable, below) in [
        ("TIDEGATE_STATE_DIR", "state"),
        ("XDG_CONFIG_HOME", "config"),
    ] {
        let repository = Repository::seeded();
        let place = tempfile::tempdir().expect("a folder");
        let hung = Hung::over(place.path());
        let mut terminal = console(&repository)
            .env(variable, place.path().join(below))
            .start();
        let waits = |view: &View| view.has("reading ") && view.has(" s") && view.has("^c leaves");
        terminal.until(variable, SOON, waits);
        terminal.press(key::CTRL_C);
        let ended = terminal.ended(AT_ONCE);
        assert_eq!(ended.exit.code, 0, "{variable}\n{}", ended.view);
        ended.assert_restored();
        drop(hung);
    }
}

/// A command that reads there is ended by `^C` all the same: the signal is not the reading thread's.
#[test]
#[ignore = "mounts what hangs: needs root and /dev/fuse"]
fn a_command_beside_a_folder_of_the_users_that_hangs_is_ended_by_control_c() {
    let promote: &[&str] = &[
        "promote",
        "checkout",
        "--from",
        "dev",
        "--to",
        "staging",
        "--dry-run",
    ];
    let commands = [
        &["status", "--no-live"][..],
        &["history", "checkout", "dev"],
        promote,
    ];
    for (variable, below) in [
        ("TIDEGATE_STATE_DIR", "state"),
        ("XDG_CONFIG_HOME", "config"),
    ] {
        for arguments in commands {
            let repository = Repository::seeded();
            let place = tempfile::tempdir().expect("a folder");
            let hung = Hung::over(place.path());
            let mut child = repository
                .command(TIDEGATE)
                .args(arguments)
                .env(variable, place.path().join(below))
                .current_dir(repository.clone_path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the binary");
            let waits = words(&mut child)
                .iter()
                .any(|line| line.contains("^c ends it"));
            assert!(waits, "{variable} {arguments:?}");
            signal(child.id(), "INT");
            let ended = end(&mut child);
            assert_eq!(ended.code(), Some(130), "{variable} {arguments:?}");
            drop(hung);
        }
    }
}

/// It went away while the console ran: the screen goes on, what is staged is staged, leaving leaves.
#[test]
#[ignore = "mounts what hangs: needs root and /dev/fuse"]
fn a_state_folder_that_goes_away_holds_neither_the_screen_nor_leaving() {
    let repository = Repository::seeded();
    let state = repository.home().join("state/tidegate");
    fs::create_dir_all(&state).expect("a folder");
    let mut operator = Operator::sit_down(console(&repository));
    operator.go_to("checkout", "staging");
    let _hung = Hung::over(&state);
    operator.command("set 9.9.9");
    operator
        .terminal
        .until("what is staged", SOON, |view| view.has("9.9.9"));
    operator.terminal.press("?");
    operator
        .terminal
        .until("help", AT_ONCE, |view| !view.has("SERVICE"));
    operator.back_to_the_matrix();
    operator.terminal.press("q");
    operator
        .terminal
        .until("the question", AT_ONCE, |view| view.has("Leave?"));
    operator.terminal.press("y");
    let ended = operator.terminal.ended(AT_ONCE);
    assert_eq!(ended.exit.code, 0, "{}", ended.view);
    ended.assert_restored();
}

/// The same where another process holds the lock there and was stopped.
#[test]
fn a_lock_of_the_state_that_nobody_lets_go_of_holds_neither_a_delivery_nor_leaving() {
    let repository = Repository::seeded();
    let first = Operator::sit_down(console(&repository));
    first.leave();
    let state = repository.home().join("state/tidegate");
    let mut locks = Vec::new();
    for entry in fs::read_dir(&state).expect("the state").flatten() {
        let path = entry.path().join("lock");
        if let Ok(file) = fs::File::open(&path) {
            file.lock().expect("a lock");
            locks.push(file);
        }
    }
    assert!(!locks.is_empty(), "the first console kept something");
    repository
        .tidegate(&["set", "checkout", "dev", "9.9.9", "--yes"])
        .exits(0);
    let tip = repository.git_in(
        &repository.remote(),
        &["show", "main:apps/checkout/overlays/dev/kustomization.yaml"],
    );
    assert!(tip.contains("9.9.9"), "{tip}");
    let mut operator = Operator::sit_down(console(&repository));
    operator.terminal.press("q");
    let ended = operator.terminal.ended(AT_ONCE);
    assert_eq!(ended.exit.code, 0, "{}", ended.view);
    ended.assert_restored();
}

/// As `docker exec` and many a CI start a command: its session began outside of the namespace, and has no number in it.
#[test]
#[ignore = "makes a namespace of process numbers: needs root"]
fn children_end_with_a_command_that_is_killed_where_its_session_has_no_number() {
    let tests = std::env::current_exe().expect("the tests' own file");
    let run = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc"])
        .arg(tests)
        .args([
            "--exact",
            "stopping::children_end_with_a_command_that_is_killed",
        ])
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
