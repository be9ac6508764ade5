//! A stranger's repository: it leads nowhere unasked, and one consent is for exactly what was shown.
#![allow(clippy::expect_used)] // a harness fails by panicking

mod console;
mod files;
mod programs;
mod secrets;
mod strangers;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    operator::Operator,
    repo::write,
    terminal::{SOON, Setup, key},
    two::{Two, configuration, without_other},
};

/// A file that waits for whoever connects, on a port of its own.
fn listening() -> (u16, thread::JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    listener.set_nonblocking(true).expect("a socket");
    let waits = thread::spawn(move || {
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            if listener.accept().is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    });
    (port, waits)
}

#[test]
fn nothing_that_the_teams_file_names_is_reached_before_one_consent() {
    let two = Two::new(&["dev"]);
    let (port, connected) = listening();
    for (place, key) in [
        (
            format!("url = \"http://127.0.0.1:{port}/x.git\""),
            "repositories[0].url",
        ),
        (
            format!("url = \"ssh://git@127.0.0.1:{port}/x.git\""),
            "repositories[0].url",
        ),
        (
            format!("url = \"file://{}\"", two.other.remote().display()),
            "repositories[0].url",
        ),
        (two.path(), "repositories[0].path"),
    ] {
        two.says(&place);
        for command in [
            &["status", "--no-live"][..],
            &["history", "shop"],
            &["trace", "shop", "1.0.0"],
            &["set", "shop", "prod", "2.0.0", "--yes"],
            &[
                "promote",
                "shop",
                "--from",
                "dev",
                "--to",
                "prod",
                "--dry-run",
            ],
        ] {
            two.main
                .tidegate(command)
                .exits(2)
                .says(&format!("tidegate.toml:3: {key}: "))
                .says("tidegate trust");
        }
    }
    assert!(
        !connected.join().expect("a listener"),
        "connected before anybody agreed"
    );
    assert!(!two.main.home().join("cache/tidegate/mirrors").exists());
}

#[test]
fn consent_is_for_exactly_what_was_shown() {
    let two = Two::new(&["dev"]);
    let path = two.path();
    two.says(&path);
    let status = ["status", "--no-live"];
    // For this once, and only to be looked at.
    two.main
        .tidegate(&["status", "--no-live", "--trust"])
        .exits(0);
    let shown = two.main.tidegate(&["trust", "--dry-run"]).exits(0);
    assert!(
        shown
            .out
            .contains(&two.other.clone_path().display().to_string()),
        "{shown:?}"
    );
    two.main.tidegate(&status).exits(2);

    let said = two.main.tidegate(&["trust", "-o", "json"]).exits(0).json();
    assert_eq!(said["schema"], "tidegate.trust/v1");
    assert_eq!(said["allowed"], json!(true));
    assert_eq!(said["repositories"][0]["name"], "production");
    assert_eq!(said["repositories"][0]["line"], 3);
    two.main.tidegate(&status).exits(0);
    // What is beside it may change; what is named may not.
    let file = two.main.clone_path().join("tidegate.toml");
    let text = fs::read_to_string(&file).expect("a file");
    write(&file, format!("# more\n{text}").as_bytes());
    two.main.tidegate(&status).exits(0);
    for other in [
        format!("{path}\nbranch = \"other\""),
        format!("path = \"{}\"", two.other.colleague().display()),
        format!("url = \"file://{}\"", two.other.remote().display()),
        format!("{path}\n[[repositories]]\nname = \"more\"\npath = \"../x\""),
    ] {
        two.says(&other);
        two.main.tidegate(&status).exits(2);
    }
    two.says(&path);
    two.main.tidegate(&status).exits(0);
    // A path that leads elsewhere now is another one.
    let link = two.main.remote().with_file_name("link");
    symlink(two.other.clone_path(), &link).expect("a link");
    two.says("path = \"../link\"");
    two.main.tidegate(&["trust", "--yes"]).exits(0);
    two.main.tidegate(&status).exits(0);
    fs::remove_file(&link).expect("a link");
    symlink(two.other.colleague(), &link).expect("a link");
    two.main.tidegate(&status).exits(2);
}

#[test]
fn consent_is_for_where_the_remotes_of_a_named_clone_lead() {
    let two = Two::new(&["dev"]);
    let clone = two.other.clone_path();
    let remote = two.other.remote().display().to_string();
    two.says(&two.path());
    let shown = two.main.tidegate(&["trust"]).exits(0);
    let line = format!("origin fetches from and pushes to {remote}");
    assert!(shown.out.contains(&line), "{shown:?}");
    let status = ["status", "--no-live"];
    two.main.tidegate(&status).exits(0);
    // What a push would do unasked is not done: the address is another one.
    let elsewhere = two.mark().with_file_name("elsewhere");
    two.other.git_in(
        &two.other.remote(),
        &[
            "clone",
            "-q",
            "--bare",
            ".",
            &elsewhere.display().to_string(),
        ],
    );
    let elsewhere = elsewhere.display().to_string();
    let config = |arguments: &[&str]| {
        let arguments = [&["config"][..], arguments].concat();
        two.other.git_in(&clone, &arguments);
    };
    let before = two.other.git_in(elsewhere.as_ref(), &["rev-parse", "main"]);
    let set: Vec<&str> = "set shop prod 2.0.0 --yes --no-live --override upstream --reason x"
        .split(' ')
        .collect();
    let cases: [(&[&str], &[&str], &str); 4] = [
        (
            &["remote.origin.url", &elsewhere],
            &["remote.origin.url", &remote],
            "origin fetches from and pushes to ELSEWHERE",
        ),
        (
            &["remote.origin.pushurl", &elsewhere],
            &["--unset", "remote.origin.pushurl"],
            "origin fetches from REMOTE, pushes to ELSEWHERE",
        ),
        (
            &["--add", "remote.origin.url", &elsewhere],
            &["--replace-all", "remote.origin.url", &remote],
            "origin fetches from and pushes to REMOTE and ELSEWHERE",
        ),
        (
            &[
                "remote.origin.pushurl",
                "https://me:s3cret@127.0.0.1:1/a?key=s3cret",
            ],
            &["--unset", "remote.origin.pushurl"],
            "origin fetches from REMOTE, pushes to …@127.0.0.1:1/a",
        ),
    ];
    for (change, back, expected) in cases {
        config(change);
        for command in [&status[..], &set] {
            two.main
                .tidegate(command)
                .exits(2)
                .says("a clone that it names has other remotes now")
                .says("tidegate trust");
        }
        let shown = two.main.tidegate(&["trust", "--dry-run"]).exits(0);
        let line = expected
            .replace("ELSEWHERE", &elsewhere)
            .replace("REMOTE", &remote);
        assert!(shown.out.contains(&line), "{line}\n{}", shown.out);
        assert!(!format!("{shown:?}").contains("s3cret"), "{shown:?}");
        config(back);
        two.main.tidegate(&status).exits(0);
    }
    assert_eq!(
        before,
        two.other.git_in(elsewhere.as_ref(), &["rev-parse", "main"])
    );
    // The user's own rewrites are the user's word; what they lead to is shown, and asked about.
    let (key, value) = (format!("url.{elsewhere}.insteadOf"), remote.clone());
    let own = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", &*key),
        ("GIT_CONFIG_VALUE_0", &*value),
    ];
    let run = |arguments: &[&str]| two.main.run(&two.main.clone_path(), arguments, "", &own);
    run(&status).exits(2);
    let said = run(&["trust", "-o", "json"]).exits(0).json();
    assert_eq!(
        said["repositories"][0]["remotes"],
        json!([{ "name": "origin", "fetch": [elsewhere], "push": [elsewhere] }])
    );
    run(&status).exits(0);
    two.main.tidegate(&status).exits(0);
    // One that is not there contacts nobody; what comes in its place is asked about.
    let away = clone.with_file_name("away");
    fs::rename(&clone, &away).expect("a clone");
    two.main.tidegate(&status).exits(0);
    fs::rename(&away, &clone).expect("a clone");
    config(&["remote.origin.url", "https://127.0.0.1:1/x"]);
    two.main.tidegate(&status).exits(2);
}

#[test]
fn what_names_nothing_and_what_the_user_names_needs_no_consent() {
    let two = Two::new(&["dev"]);
    let plain = without_other(&configuration("", &["dev"]));
    let file = two.main.clone_path().join("tidegate.toml");
    write(&file, plain.as_bytes());
    let said = two.main.tidegate(&["trust"]).exits(0);
    assert!(said.out.contains("there is nothing to allow"), "{said:?}");
    two.main.tidegate(&["status", "--no-live"]).exits(0);

    let own = two.main.home().join("config/tidegate/config.toml");
    let place = two.other.clone_path();
    write(
        &own,
        format!(
            "[[repositories]]\nname = \"production\"\npath = \"{}\"\n",
            place.display()
        )
        .as_bytes(),
    );
    // The user's own place wins over the team's, and is the user's word.
    two.says("path = \"../nowhere\"");
    two.main.tidegate(&["status", "--no-live"]).exits(0);
}

#[test]
fn what_cannot_be_seen_is_not_allowed() {
    let two = Two::new(&["dev"]);
    for place in [
        r#"url = "https://h/a\u2066b""#,
        r#"url = "https://h/\u202eabc""#,
        r#"path = "good\u200b/../other""#,
    ] {
        two.publishes(place);
        let said = two.main.tidegate(&["trust", "--yes"]).exits(2);
        said.says("characters that cannot be seen");
    }
    // A consent whose text nobody saw is none.
    two.publishes(&two.path());
    let mut command = two.main.command(env!("CARGO_BIN_EXE_tidegate"));
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let ended = command
        .args(["trust", "--yes"])
        .current_dir(two.main.clone_path())
        .stdin(Stdio::null())
        .stdout(full.expect("a full disk"))
        .stderr(Stdio::null())
        .status();
    assert_eq!(ended.expect("it ends").code(), Some(1));
    two.main.tidegate(&["status", "--no-live"]).exits(2);
}

#[test]
fn the_console_asks_once() {
    let two = Two::new(&["dev"]);
    two.says(&two.path());
    fs::create_dir_all(two.main.home()).expect("a home");
    let setup = || {
        Setup::tidegate(&[])
            .home(two.main.home())
            .folder(two.main.clone_path())
    };
    let asked = |view: &crate::support::terminal::View| view.has("[y/N]");
    // No is the answer that was not given.
    let mut terminal = setup().start();
    let view = terminal.until("the question", SOON, asked);
    assert!(
        view.has("production") && view.has("tidegate.toml:3"),
        "{view}"
    );
    terminal.press(key::ENTER);
    let ended = terminal.ended(SOON);
    ended.assert_restored();

    let mut terminal = setup().start();
    terminal.until("the question again", SOON, asked);
    terminal.press("y\r");
    terminal.until("the matrix", SOON, |view| {
        view.has("SERVICE") && view.has("shop")
    });
    Operator { terminal }.leave();

    let operator = Operator::sit_down(setup());
    operator.leave();
    two.main.tidegate(&["status", "--no-live"]).exits(0);
}
