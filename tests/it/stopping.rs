//! Interrupted means stopped: nothing that a command or the console started lives on or lands behind it, and its last words
//! are true.

#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    http,
    operator::Operator,
    repo::{Repository, write},
    terminal::{SOON, Setup, TIDEGATE, key},
};

pub fn ready() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    repository
}

/// A hook that says by a file that it runs, with its process id, and then does `what`.
pub fn hook(at: &Path, name: &str, what: &str) -> PathBuf {
    let begun = at.join(format!("{name}-begun"));
    let hook = at.join("hooks").join(name);
    let text = format!(
        "#!/bin/sh\nset -e\necho $$ > '{0}.half'\nmv '{0}.half' '{0}'\n{what}\n",
        begun.display()
    );
    write(&hook, text.as_bytes());
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    begun
}

/// Waits for something that nobody tells.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {SOON:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn pid(begun: &Path) -> String {
    until("the hook", || fs::read_to_string(begun).ok())
        .trim()
        .to_owned()
}

fn runs(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat"));
    state.is_ok_and(|state| !state.contains(") Z "))
}

pub fn promoting(repository: &Repository) -> Child {
    repository
        .command(TIDEGATE)
        .args(["promote", "checkout", "--from", "staging", "--to", "prod"])
        .args(["--yes", "--no-live"])
        .current_dir(repository.clone_path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Its words, line by line as they come.
pub fn words(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

/// How it ended: a test that waits for ever says nothing.
#[track_caller]
pub fn end(child: &mut Child) -> ExitStatus {
    until("the command's end", || child.try_wait().unwrap())
}

pub fn signal(pid: u32, name: &str) {
    let pid = pid.to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.is_ok_and(|sent| sent.success()), "SIG{name}");
}

#[test]
fn a_push_that_is_interrupted_is_over_when_the_command_is() {
    let stubborn = "trap '' TERM INT HUP\nsleep 600";
    let cases: [(&str, &[&str], &str); 5] = [
        ("pre-push", &["INT"], "sleep 600"),
        ("pre-push", &["TERM", "TERM"], "sleep 600 & wait"),
        ("pre-push", &["HUP"], stubborn),
        ("pre-push", &["INT", "INT", "TERM"], stubborn),
        ("pre-receive", &["INT"], "sleep 600"),
    ];
    for (name, signals, what) in cases {
        let repository = ready();
        let tip = repository.tip();
        let at = match name {
            "pre-push" => repository.clone_path().join(".git"),
            _ => repository.remote(),
        };
        let begun = hook(&at, name, what);
        let mut child = promoting(&repository);
        let hook = pid(&begun);
        for name in signals {
            signal(child.id(), name);
        }
        assert_eq!(end(&mut child).code(), Some(130), "{name} {signals:?}");
        assert!(!runs(&hook), "{name} {signals:?}: the hook runs on");
        let said: Vec<String> = words(&mut child).iter().collect();
        let last = said.last().map(String::as_str);
        assert_eq!(
            last,
            Some("tidegate: interrupted: nothing was pushed to origin/main"),
            "{said:?}"
        );
        assert_eq!(repository.tip(), tip);
        // Another one is not kept out by what was left behind.
        fs::remove_file(at.join("hooks").join(name)).unwrap();
        assert!(end(&mut promoting(&repository)).success());
    }
}

/// The clone pushes over HTTP, to a server whose hook waits until `go` is written.
fn slow_server(repository: &Repository) -> (PathBuf, PathBuf) {
    let port = http::serve(repository.remote().parent().unwrap());
    let address = format!("http://user:sesame@127.0.0.1:{port}/remote");
    let clone = repository.clone_path();
    repository.git_in(&clone, &["remote", "set-url", "origin", &address]);
    let go = repository.remote().join("go");
    // Not longer than the repository is there.
    let wait = format!(
        "while [ -d '{}/hooks' ] && [ ! -e '{}' ]; do sleep 0.05; done",
        repository.remote().display(),
        go.display()
    );
    (hook(&repository.remote(), "pre-receive", &wait), go)
}

#[test]
fn what_a_server_may_still_bring_is_not_called_done_or_undone() {
    let repository = ready();
    let tip = repository.tip();
    let (begun, go) = slow_server(&repository);
    let mut child = promoting(&repository);
    pid(&begun);
    signal(child.id(), "INT");
    assert_eq!(end(&mut child).code(), Some(130));
    let said: Vec<String> = words(&mut child).iter().collect();
    let said = said.join("\n");
    assert!(said.contains("may still bring it there"), "{said}");
    assert!(said.contains("look before you repeat"), "{said}");
    assert!(!said.contains("nothing was pushed"), "{said}");
    assert_eq!(repository.tip(), tip);
    fs::write(go, "").unwrap();
}

#[test]
fn what_a_server_brings_while_the_command_looks_is_told() {
    let repository = ready();
    let tip = repository.tip();
    let (begun, go) = slow_server(&repository);
    let mut child = promoting(&repository);
    let lines = words(&mut child);
    pid(&begun);
    signal(child.id(), "TERM");
    let told = lines
        .iter()
        .any(|line| line.contains("the push is stopped, and the remote is asked"));
    assert!(told);
    fs::write(go, "").unwrap();
    assert_eq!(end(&mut child).code(), Some(130));
    let said: Vec<String> = lines.iter().collect();
    assert_ne!(repository.tip(), tip, "{said:?}");
    assert!(
        said.iter().any(|line| line.contains(" is on origin/main")),
        "{said:?}"
    );
}

#[test]
fn children_end_with_a_command_that_is_killed() {
    for (signals, what) in [
        ("KILL", "sleep 600"),
        // Not QUIT: who starts the tests beside a script's other work has it ignored, and children inherit that.
        ("ABRT", "sleep 600 & wait"),
        ("KILL", "trap '' TERM\nsleep 600"),
    ] {
        let repository = ready();
        let tip = repository.tip();
        let begun = hook(&repository.clone_path().join(".git"), "pre-push", what);
        let mut child = promoting(&repository);
        let hook = pid(&begun);
        signal(child.id(), signals);
        assert_eq!(end(&mut child).code(), None);
        until("the hook's end", || (!runs(&hook)).then_some(()));
        assert_eq!(repository.tip(), tip);
    }
}

#[test]
fn leaving_the_console_stops_a_push_and_says_what_is_there() {
    for leave in [key::CTRL_C, "TERM"] {
        let repository = ready();
        let tip = repository.tip();
        let begun = hook(
            &repository.clone_path().join(".git"),
            "pre-push",
            "sleep 600",
        );
        let setup = Setup::tidegate(&[]).home(repository.home());
        let mut operator = Operator::sit_down(setup.folder(repository.clone_path()));
        operator.unlock();
        operator.plan_promotion("checkout", "prod");
        operator.confirm(Some("prod"));
        let hook = pid(&begun);
        if leave == key::CTRL_C {
            operator.terminal.press(leave);
        } else {
            operator.terminal.signal(leave);
        }
        let ended = operator.terminal.ended(SOON);
        ended.assert_restored();
        let code = if leave == key::CTRL_C { 130 } else { 143 };
        assert_eq!(ended.exit.code, code, "{}", ended.view);
        assert!(
            ended
                .view
                .has("interrupted: nothing was pushed to origin/main"),
            "{}",
            ended.view
        );
        assert!(!runs(&hook));
        assert_eq!(repository.tip(), tip);
    }
}

/// Locked while the remote is still asked, nothing is pushed; what is confirmed once writing is unlocked again is.
#[test]
fn locking_the_console_stops_what_is_not_pushed_yet() {
    let repository = ready();
    repository.pull();
    let tip = repository.tip();
    let folder = repository.remote();
    let (hold, begun) = (folder.join("hold"), folder.join("held"));
    let script = folder.join("upload-pack");
    let text = format!(
        "#!/bin/sh\nif [ -e '{0}' ]; then touch '{1}'; fi\n\
         while [ -e '{0}' ]; do sleep 0.05; done\nexec git-upload-pack \"$@\"\n",
        hold.display(),
        begun.display()
    );
    write(&script, text.as_bytes());
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let clone = repository.clone_path();
    let asked = script.display().to_string();
    repository.git_in(&clone, &["config", "remote.origin.uploadpack", &asked]);
    let setup = Setup::tidegate(&[]).home(repository.home());
    let mut operator = Operator::sit_down(setup.folder(&clone));
    operator.unlock();
    operator.plan_promotion("checkout", "prod");
    fs::write(&hold, "").unwrap();
    operator.confirm(Some("prod"));
    until("the remote is asked", || begun.exists().then_some(()));
    operator.command("read-only");
    operator.terminal.until("what that means", SOON, |view| {
        view.has("READ-ONLY") && view.has("is not pushed, and stays staged")
    });
    fs::remove_file(&hold).unwrap();
    operator.terminal.until("its end", SOON, |view| {
        view.has("writing was locked before it was pushed") && view.has("staged 1")
    });
    assert_eq!(repository.tip(), tip);
    operator.unlock();
    operator
        .terminal
        .until("the plan", SOON, |view| view.has("Plan  1 change"));
    operator.confirm(Some("prod"));
    operator.delivered(SOON);
    assert_ne!(repository.tip(), tip);
    operator.leave();
}

#[test]
fn a_second_control_c_leaves_while_the_remote_is_still_asked() {
    let repository = ready();
    let (begun, go) = slow_server(&repository);
    let setup = Setup::tidegate(&[]).home(repository.home());
    let mut operator = Operator::sit_down(setup.folder(repository.clone_path()));
    // What there is to promote comes with the fetch.
    operator
        .terminal
        .until("the new version", SOON, |view| view.has("1.1.0"));
    operator.unlock();
    operator.plan_promotion("checkout", "prod");
    operator.confirm(Some("prod"));
    pid(&begun);
    operator.terminal.press(key::CTRL_C);
    operator.terminal.until("what is waited for", SOON, |view| {
        view.has("^c again leaves at once")
    });
    operator.terminal.press(key::CTRL_C);
    // Sooner than the remote is given up.
    let ended = operator.terminal.ended(SOON);
    ended.assert_restored();
    assert_eq!(ended.exit.code, 130, "{}", ended.view);
    assert!(ended.view.has("look before you repeat"), "{}", ended.view);
    fs::write(go, "").unwrap();
}

#[test]
fn a_hook_that_says_too_much_is_cut_and_costs_little() {
    let repository = ready();
    let script = "#!/bin/sh\nyes \"$(printf '%055d' 0)\" | head -c 150000000 >&2\necho the end >&2\nexit 1\n";
    let at = repository.remote().join("hooks/pre-receive");
    write(&at, script.as_bytes());
    fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = promoting(&repository);
    let mut stderr = child.stderr.take().unwrap();
    let said = thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).map(|_| said)
    });
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let said = said.join().unwrap().unwrap();
    assert!(peak < 300_000, "{peak} kB");
    assert!(said.contains(" MB left out …"), "how much is said");
    assert!(said.contains("the end"), "the end is kept");
    assert!(said.len() < 100_000, "{}", said.len());
}

/// The console is gone between two moments, and has no word in it; what was staged is there at the next start.
#[test]
fn what_is_staged_outlives_a_crash() {
    let repository = ready();
    let console = || {
        let setup = Setup::tidegate(&[]).home(repository.home());
        Operator::sit_down(setup.folder(repository.clone_path()))
    };
    let mut operator = console();
    operator.go_to("checkout", "prod");
    operator.terminal.press("p");
    operator.terminal.until("it is staged", SOON, |view| {
        view.has("staged 1") && view.line(&["checkout", "1.0.0→1.1.0"]).is_some()
    });
    // Written beside everything else: the screen waits for no disk.
    let state = repository.home().join("state/tidegate");
    until("what is kept of it", || {
        let folders = fs::read_dir(&state).ok()?;
        let mut kept = folders.flatten().map(|it| it.path().join("staged.json"));
        kept.find_map(|kept| fs::read_to_string(kept).ok()?.find("checkout"))
    });
    operator.terminal.signal("KILL");
    let ended = operator.terminal.ended(SOON);
    assert_ne!(ended.exit.code, 0, "{}", ended.view);
    let mut operator = console();
    operator.terminal.until("it is staged still", SOON, |view| {
        view.has("staged 1") && view.line(&["checkout", "1.0.0→1.1.0"]).is_some()
    });
    operator.terminal.press("s");
    operator.terminal.until("its plan", SOON, |view| {
        view.has("Plan  1 change") && view.has("+  newTag: 1.1.0")
    });
}
