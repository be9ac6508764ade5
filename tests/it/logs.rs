//! The log: what is in it, what is not, and what it costs where it cannot be written.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::Instant,
};

use crate::support::{
    operator::Operator,
    repo::Repository,
    terminal::{SOON, Setup},
};

/// Where the log is in a home of the tests.
fn log_in(home: &Path) -> PathBuf {
    home.join("state/tidegate/tidegate.log")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn what_a_command_did_is_in_the_log() {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    let log = log_in(&repository.home());
    repository.tidegate(&["status", "--no-live"]).exits(0);
    let promote = ["promote", "checkout", "--from", "staging", "--to", "prod"];
    let yes = [&promote[..], &["--yes"]].concat();
    repository.tidegate(&yes).exits(0);
    repository.tidegate(&["history", "nobody"]).exits(2);

    let text = read(&log);
    for said in [
        "INFO tidegate::cli: began version=",
        "line=tidegate status --no-live",
        "line=tidegate promote checkout --from staging --to prod --yes",
        "INFO tidegate::sources::git::child: ran line=\"git fetch ",
        "outcome=exit status: 0",
        "INFO tidegate::workflow::prepare: planned digest=",
        "INFO tidegate::workflow::deliver: delivering digest=",
        "INFO tidegate::workflow::deliver::underway: a part left the clone delivery=",
        " is on origin/main",
        "INFO tidegate::cli: ended exit=0 took=",
        "WARN tidegate::cli: failed exit=2 why=",
        "INFO tidegate::cli: ended exit=2 took=",
    ] {
        assert!(text.contains(said), "no {said:?} in\n{text}");
    }
    assert!(!text.contains("DEBUG"), "{text}");
    let data = fs::metadata(&log).expect("the log");
    assert_eq!(data.permissions().mode() & 0o777, 0o600);

    repository.tidegate(&["status", "--no-live", "-v"]).exits(0);
    let before = text.len();
    let more = [&promote[..], &["--dry-run", "-vv"]].concat();
    repository.tidegate(&more).exits(0);
    assert!(read(&log).len() > before);
    let help = repository.tidegate(&["--help"]).exits(0);
    assert!(
        help.out.contains(&log.display().to_string()),
        "{}",
        help.out
    );
    assert!(help.out.contains("TIDEGATE_LOG="), "{}", help.out);
}

#[test]
fn the_log_holds_no_secret_and_no_control_character() {
    let repository = Repository::seeded();
    let at = repository.clone_path();
    let commands: [&[&str]; 4] = [
        &["status", "--repo", "http://ola:s3cr3t@127.0.0.1:1/x.git"],
        &["status", "--repo=https://s3cr3t@127.0.0.1:1/x.git?t=s3cr3t"],
        &["history", "--repo", "ola:s3cr3t@host:x", "shop"],
        &[
            "set",
            "checkout",
            "pro\u{1b}[31md",
            "1\u{202e}2\n3",
            "--yes",
        ],
    ];
    for command in commands {
        let debug = [("TIDEGATE_LOG", "trace")];
        let said = repository.run(&at, command, "", &debug);
        assert_ne!(said.code, Some(0), "{command:?}");
    }
    let text = read(&log_in(&repository.home()));
    assert!(text.matches("began").count() == commands.len(), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
    let odd = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(odd), "{text:?}");
    assert!(text.contains("set checkout prod 12 3 --yes"), "{text}");
}

#[test]
fn a_log_that_cannot_be_written_is_no_error() {
    let repository = Repository::seeded();
    let at = repository.clone_path();
    let status = ["status", "--no-live"];
    let verbose = ["status", "--no-live", "-v"];
    let folder = repository.home().join("linked");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(repository.home().join("precious"), "precious").expect("a file");
    symlink("../precious", folder.join("tidegate.log")).expect("a link");
    for (state, why) in [
        (repository.home().join("precious/below"), "cannot be made"),
        (folder, "is a symbolic link"),
    ] {
        let state = state.display().to_string();
        let variables = [("TIDEGATE_STATE_DIR", state.as_str())];
        let said = repository.run(&at, &status, "", &variables).exits(0);
        assert_eq!(said.err, "", "nothing is said unasked");
        repository
            .run(&at, &verbose, "", &variables)
            .exits(0)
            .says("tidegate: there is no log: ")
            .says(why);
    }
    assert_eq!(read(&repository.home().join("precious")), "precious");
}

#[test]
fn the_filter_is_obeyed_and_a_bad_one_is_a_sentence() {
    let repository = Repository::seeded();
    let at = repository.clone_path();
    let log = log_in(&repository.home());
    let status = ["status", "--no-live"];
    let asked = |filter: &str| {
        let said = repository.run(&at, &status, "", &[("TIDEGATE_LOG", filter)]);
        said.exits(0).err
    };
    assert_eq!(asked("off"), "");
    assert!(!log.exists(), "{}", read(&log));
    assert_eq!(asked("tidegate::cli=error"), "");
    assert!(!read(&log).contains("tidegate::cli"), "{}", read(&log));
    let said = asked("verbos\u{1b}[1me");
    assert!(
        said.starts_with("tidegate: TIDEGATE_LOG: `verbose` is no level (there are: off, error"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(read(&log).contains("ended exit=0"), "as without it");
}

#[test]
fn the_screen_says_where_the_log_is() {
    let home = tempfile::tempdir().expect("a folder");
    let setup = Setup::tidegate(&["demo", "--speed", "8", "--no-outage"]).home(home.path());
    let mut operator = Operator::sit_down(setup);
    operator.command("log");
    operator.terminal.until("the log's place", SOON, |view| {
        view.has("the log is ") && view.has("tidegate.log")
    });
    operator.terminal.until("a cluster in the log", SOON, |_| {
        read(&log_in(home.path())).contains("cluster connected context=")
    });
    operator.leave();
    let text = read(&log_in(home.path()));
    assert!(text.contains("ended exit=0"), "{text}");
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_of_a_task_is_in_the_log_and_on_the_activity_screen() {
    for (work, told) in [
        ("fetch", "fetching: a mistake"),
        ("clusters", "following the clusters: a mistake"),
        (
            "reload",
            "looking whether the configuration changes: a mistake",
        ),
    ] {
        let home = tempfile::tempdir().expect("a folder");
        let setup = Setup::tidegate(&["demo", "--speed", "8", "--no-outage"])
            .home(home.path())
            .env("TIDEGATE_TEST_PANIC", work);
        let mut operator = Operator::sit_down(setup);
        let told = |view: &crate::support::view::View| view.has(told);
        operator.terminal.until(work, SOON, told);
        operator.terminal.press("A");
        operator
            .terminal
            .until("the activity screen", SOON, |view| {
                view.has("Activity") && told(view)
            });
        let began = Instant::now();
        let panicked = "ERROR tidegate::sources::mistake: a task panicked mistake=a mistake of Tidegate's own: \
                        TIDEGATE_TEST_PANIC asked for it (src/";
        while !read(&log_in(home.path())).contains(panicked) {
            assert!(began.elapsed() < SOON, "{}", read(&log_in(home.path())));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        operator.back_to_the_matrix();
        operator.leave();
    }
}
