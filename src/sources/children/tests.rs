//! Real children: what they may take, and that none is left.

use std::process::Stdio;

use super::*;

const LIMITS: Limits = Limits {
    kind: Kind::Work,
    stdout: Keep::Whole(1 << 16),
    stderr: Keep::Ends(1 << 10),
    deadline: Duration::from_secs(20),
    patience: None,
    terminal: false,
};

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(script: &str, limits: &Limits, input: Option<&str>) -> Result<Said, Stopped> {
    let input = input.map(|text| text.as_bytes().to_vec());
    run(&mut shell(script), limits, input, &mut |_| {})
}

#[test]
fn what_it_says_is_kept_in_bounds() {
    let all = said("cat; echo no >&2; exit 3", &LIMITS, Some("yes")).unwrap();
    assert_eq!(
        (all.stdout, all.stderr),
        (b"yes".to_vec(), b"no\n".to_vec())
    );
    assert_eq!(all.status.code(), Some(3));

    let much = said("seq 1 200000 >&2; echo end >&2", &LIMITS, None).unwrap();
    let words = String::from_utf8(much.stderr).unwrap();
    assert!(
        words.starts_with("1\n2\n") && words.ends_with("200000\nend\n"),
        "{words}"
    );
    assert!(words.contains("\n… 1.3 MB left out …\n"), "{words}");
    assert!(words.len() < 2_200, "{}", words.len());

    let over = said("yes; true", &LIMITS, None).unwrap_err();
    assert!(matches!(over, Stopped::TooMuch(65_536)), "{over:?}");
}

#[test]
fn nothing_is_waited_for_longer_than_it_may_take() {
    let short = Limits {
        deadline: Duration::from_millis(300),
        ..LIMITS
    };
    let patient = Limits {
        patience: Some(Duration::from_millis(300)),
        ..LIMITS
    };
    let cases = [
        ("sleep 600", short),
        ("exec >&- 2>&-; sleep 600", short),
        ("trap '' TERM; sleep 600", short),
        ("while echo x; do sleep 0.01; done", short),
        ("while echo x; do sleep 0.01; done & exit 0", short),
        ("(while echo x >&2; do sleep 0.01; done) & exit 3", short),
        ("echo x; sleep 600", patient),
    ];
    for (script, limits) in cases {
        let began = Instant::now();
        let ended = said(script, &limits, None).unwrap_err();
        assert!(matches!(ended, Stopped::Late(_)), "{script}: {ended:?}");
        assert!(began.elapsed() < Duration::from_secs(15), "{script}");
    }
}

#[test]
fn what_a_child_left_talking_behind_is_stopped_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let scripts = [
        (
            "too late",
            "while echo x; do sleep 0.01; done & echo $! > 'FILE'; exit 0",
        ),
        ("too much", "yes & echo $! > 'FILE'; exit 0"),
        (
            "deaf",
            "(trap '' TERM; while echo x; do sleep 0.01; done) & echo $! > 'FILE'; exit 0",
        ),
    ];
    for (name, script) in scripts {
        let limits = Limits {
            deadline: Duration::from_millis(300),
            ..LIMITS
        };
        let script = script.replace("FILE", &file.display().to_string());
        let ended = said(&script, &limits, None).unwrap_err();
        assert!(
            matches!(ended, Stopped::Late(_) | Stopped::TooMuch(_)),
            "{name}: {ended:?}"
        );
        let pid = std::fs::read_to_string(&file).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while runs(&pid) {
            assert!(Instant::now() < until, "{name}: {pid} still runs");
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Whether a process is there and has not ended.
fn runs(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    state.is_ok_and(|state| !state.contains(") Z "))
}

#[test]
fn who_holds_its_output_open_is_not_waited_for() {
    let began = Instant::now();
    let said = said("echo x; sleep 30 & exit 0", &LIMITS, None).unwrap();
    assert!(said.status.success() && said.stdout == b"x\n");
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_child_that_nobody_waits_for_is_stopped_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > '{}'; wait", file.display());
    let work = run_beside(shell(&script), LIMITS, None);
    let waiting = tokio::time::timeout(Duration::from_secs(20), async {
        while !std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    tokio::select! {
        _ = work => panic!("it ended"),
        written = waiting => written.unwrap(),
    }
    let pid = std::fs::read_to_string(&file).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while runs(&pid) {
        assert!(Instant::now() < until, "{pid} still runs");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[test]
fn what_is_there_to_stay_is_let_go_and_what_fails_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "echo $$ > '{0}.half'; mv '{0}.half' '{0}'; sleep 600",
        file.display()
    );
    let short = Duration::from_millis(300);
    let patience = Duration::from_secs(20);
    let ended = run_or_let_go(&mut shell("exit 3"), patience).unwrap();
    assert_eq!(ended.and_then(|status| status.code()), Some(3));
    assert_eq!(run_or_let_go(&mut shell(&script), short).unwrap(), None);
    let until = Instant::now() + patience;
    let pid = loop {
        if let Ok(pid) = std::fs::read_to_string(&file) {
            break pid;
        }
        assert!(Instant::now() < until);
        thread::sleep(LOOK_EVERY);
    };
    let pid: i32 = pid.trim().parse().unwrap();
    let group = Pid::from_raw(pid).unwrap();
    assert!(test_kill_process_group(group).is_ok(), "it was stopped");
    assert!(!children().groups.contains_key(&pid));
    stop(&[pid], GRACE);
}
