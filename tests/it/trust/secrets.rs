//! Nothing secret of an address is seen, and addresses of other kinds are refused.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    io::Read,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    repo::{Repository, Said, write},
    two::Two,
};

#[test]
fn addresses_of_other_kinds_are_refused_and_not_repeated() {
    let two = Two::new(&["dev"]);
    let mark = two.mark().display().to_string();
    for address in [
        format!("ext::sh -c touch% {mark}"),
        "fd::7".to_owned(),
        "git-remote-x::y".to_owned(),
        "git://127.0.0.1:1/x".to_owned(),
        "ftp://u:s3cret@127.0.0.1/x".to_owned(),
        "ssh://-oProxyCommand=touch/x".to_owned(),
        "ssh://git:s3cret@127.0.0.1/x".to_owned(),
        "https:/u:s3cret@h/p".to_owned(),
        "http://u:s3c/s3cret@127.0.0.1:1/a".to_owned(),
        "http://127.0.0.1:1/a?private_token=s3cret".to_owned(),
        "https://127.0.0.1:1/a#s3cret".to_owned(),
        "u:s3cret@h:p".to_owned(),
    ] {
        let named = two.main.run(
            &two.main.clone_path(),
            &["--repo", &address, "status"],
            "",
            &[],
        );
        let named = named.exits(2).says("--repo ");
        two.says(&format!("url = \"{address}\""));
        let said = two
            .main
            .tidegate(&["status", "--trust"])
            .exits(2)
            .says("tidegate.toml:3: repositories[0].url");
        for said in [named, said] {
            assert!(!said.err.contains("s3cret"), "{address}: {}", said.err);
        }
        two.nothing_ran(&address);
    }
}

/// Every argument of every process, for as long as `busy` has not ended.
fn arguments_while(mut command: Command) -> (String, Said) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut seen = String::new();
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end && child.try_wait().ok().flatten().is_none() {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            if let Ok(line) = fs::read(process.path().join("cmdline")) {
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                if line.contains("git-remote-http") || line.contains("remote-http") {
                    seen.push_str(&line);
                    seen.push('\n');
                }
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let (mut out, mut err) = (String::new(), String::new());
    let code = child.wait().expect("its end").code();
    let _ = child
        .stdout
        .take()
        .map(|mut pipe| pipe.read_to_string(&mut out));
    let _ = child
        .stderr
        .take()
        .map(|mut pipe| pipe.read_to_string(&mut err));
    (seen, Said { code, out, err })
}

#[test]
fn no_process_has_a_token_in_its_arguments() {
    let repository = Repository::seeded();
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let address = format!("http://jane:t0kenARGV@127.0.0.1:{port}/x.git");
    let of = |arguments: &[&str]| {
        let mut command = repository.command(crate::support::terminal::TIDEGATE);
        command.args(arguments).current_dir(repository.clone_path());
        command
    };
    // An address that is named: a mirror of it.
    let (seen, said) = arguments_while(of(&["--repo", &address, "status", "--no-live"]));
    assert!(
        seen.contains(&format!("http://127.0.0.1:{port}/x.git")),
        "nothing was fetched: {said:?}"
    );
    assert!(!seen.contains("t0kenARGV"), "{seen}");
    // A clone whose remote has a token in its address, and one by `insteadOf`.
    let clone = repository.clone_path();
    let rewritten = format!("http://jane:t0kenARGV@127.0.0.1:{port}/");
    for settings in [
        vec![("remote.origin.url", address.clone())],
        vec![
            ("remote.origin.url", "work:x.git".to_owned()),
            (
                &*format!("url.{rewritten}.insteadOf").leak(),
                "work:".to_owned(),
            ),
        ],
    ] {
        for (key, value) in &settings {
            repository.git_in(&clone, &["config", key, value]);
        }
        let set = [
            "-v",
            "set",
            "checkout",
            "dev",
            "1.1.0",
            "--yes",
            "--no-live",
        ];
        let (seen, said) = arguments_while(of(&set));
        assert!(
            seen.contains(&format!("http://127.0.0.1:{port}/x.git")),
            "nothing was fetched: {said:?}"
        );
        assert!(!seen.contains("t0kenARGV"), "{seen}");
        assert!(
            !said.err.contains("t0kenARGV") && !said.out.contains("t0kenARGV"),
            "{said:?}"
        );
    }
}

#[test]
fn a_mirror_of_an_earlier_release_forgets_the_token_in_its_configuration() {
    let repository = Repository::seeded();
    let port = crate::support::http::serve(repository.remote().parent().expect("a folder"));
    let address = format!("http://user:sesame@127.0.0.1:{port}/remote");
    let status = |address: &str| {
        let arguments = ["--repo", address, "status", "--no-live"];
        fs::create_dir_all(repository.home()).expect("a home");
        repository.run(&repository.home(), &arguments, "", &[])
    };
    status(&address).exits(0);
    let mirrors = repository.home().join("cache/tidegate/mirrors");
    let folder = fs::read_dir(mirrors)
        .expect("mirrors")
        .flatten()
        .next()
        .expect("a mirror");
    let config = folder.path().join("remote.git/config");
    let text = || fs::read_to_string(&config).expect("a configuration");
    assert!(!text().contains("sesame"), "{}", text());
    let bare = format!("http://127.0.0.1:{port}/remote");
    write(&config, text().replace(&bare, &address).as_bytes());
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert!(text().contains("sesame"));
    status(&address).exits(0);
    assert!(!text().contains("sesame"), "{}", text());
    let mode = fs::metadata(&config).expect("a file").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    // Without the token it is asked for elsewhere, not taken from there.
    status(&bare).exits(0).says("its mirror is as of");
}
