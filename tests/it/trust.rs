//! A stranger's repository: nothing of it runs, it leads nowhere unasked, and nothing secret is seen.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    io::Read,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    operator::Operator,
    repo::{Repository, Said, write},
    terminal::{SOON, Setup, key},
};

/// The main repository's file: prod stands in another one, named by `place`.
fn configuration(place: &str) -> String {
    format!(
        r#"[[repositories]]
name = "production"
{place}

[[environments]]
name = "dev"
[[environments]]
name = "prod"
from = ["dev"]

[[layouts]]
path = "envs/{{env:dev}}/{{service}}.yaml"
yaml = "image"
part = "tag"

[[layouts]]
repository = "production"
path = "envs/{{env:prod}}/{{service}}.yaml"
yaml = "image"
part = "tag"
"#
    )
}

fn image(version: &str) -> String {
    format!("image: registry.example.com/shop:{version}\n")
}

/// Two repositories, and the place where a program of the second would leave its mark.
struct Two {
    main: Repository,
    other: Repository,
}

impl Two {
    fn new() -> Self {
        let two = Self {
            main: Repository::empty(),
            other: Repository::empty(),
        };
        for (repository, environment) in [(&two.main, "dev"), (&two.other, "prod")] {
            repository.write(&format!("envs/{environment}/shop.yaml"), &image("1.0.0"));
            repository.publish("first");
            repository.pull();
        }
        two
    }

    /// The main repository's file, in its work tree.
    fn says(&self, place: &str) {
        let file = self.main.clone_path().join("tidegate.toml");
        write(&file, configuration(place).as_bytes());
    }

    fn mark(&self) -> PathBuf {
        self.main.remote().with_file_name("PWNED")
    }

    #[track_caller]
    fn nothing_ran(&self, what: &str) {
        assert!(!self.mark().exists(), "{what}: a program ran");
    }
}

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
    let two = Two::new();
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
        (
            format!("path = \"{}\"", two.other.clone_path().display()),
            "repositories[0].path",
        ),
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
    let two = Two::new();
    let path = format!("path = \"{}\"", two.other.clone_path().display());
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
fn what_names_nothing_and_what_the_user_names_needs_no_consent() {
    let two = Two::new();
    let plain = configuration("").replace("[[repositories]]\nname = \"production\"\n", "");
    let file = two.main.clone_path().join("tidegate.toml");
    write(
        &file,
        plain
            .replace("repository = \"production\"\n", "")
            .as_bytes(),
    );
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

/// A bare repository as a stranger would track it: whatever Git does there runs a program.
fn trap(two: &Two, at: &Path) {
    let mark = two.mark().display().to_string();
    let git = |arguments: &[&str]| two.main.git_in(at.parent().expect("a folder"), arguments);
    git(&[
        "clone",
        "-q",
        "--bare",
        &two.other.remote().display().to_string(),
        &at.display().to_string(),
    ]);
    let lost = two.other.git_in(
        &two.other.remote(),
        &["rev-parse", "main:envs/prod/shop.yaml"],
    );
    let objects = at.join("objects");
    let pack = fs::read_dir(objects.join("pack")).expect("packs").flatten();
    for file in pack {
        let _ = fs::remove_file(file.path());
    }
    let _ = fs::remove_file(objects.join(&lost[..2]).join(&lost[2..]));
    for (key, value) in [
        ("remote.origin.promisor", "true".to_owned()),
        ("remote.origin.partialclonefilter", "blob:none".to_owned()),
        ("remote.origin.uploadpack", format!("touch {mark}; false")),
        ("core.fsmonitor", format!("touch {mark}; false")),
        ("core.sshCommand", format!("touch {mark}; false")),
    ] {
        two.main.git_in(at, &["config", key, &value]);
    }
    let hook = at.join("hooks/reference-transaction");
    write(&hook, format!("#!/bin/sh\ntouch {mark}\n").as_bytes());
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a hook");
}

#[test]
fn a_repository_inside_the_work_tree_is_refused_however_it_is_named() {
    let two = Two::new();
    let clone = two.main.clone_path();
    let bare = clone.join("x.git");
    trap(&two, &bare);
    fs::create_dir_all(clone.join("sub")).expect("a folder");
    symlink("x.git", clone.join("link")).expect("a link");
    let beside = clone.with_file_name("beside");
    symlink(&bare, &beside).expect("a link");
    let pointing = clone.with_file_name("pointing");
    write(&pointing.join(".git"), b"gitdir: ../clone/x.git\n");
    let inside = clone.join("inside");
    write(&inside.join(".git"), b"gitdir: ../x.git\n");
    for place in [
        "path = \"x.git\"".to_owned(),
        "path = \"./sub/../x.git\"".to_owned(),
        "path = \"x.git/refs/heads\"".to_owned(),
        "path = \"link\"".to_owned(),
        "path = \"../beside\"".to_owned(),
        "path = \"../pointing\"".to_owned(),
        "path = \"inside\"".to_owned(),
        format!("path = \"{}\"", bare.display()),
        format!("url = \"file://{}\"", bare.display()),
        format!("url = \"file://localhost{}/link\"", clone.display()),
    ] {
        two.says(&place);
        for arguments in [
            &["status", "--no-live", "--trust"][..],
            &["status", "--no-live", "--trust", "--fetch-missing"],
            &[
                "set",
                "shop",
                "prod",
                "2.0.0",
                "--yes",
                "--no-live",
                "--trust",
                "--fetch-missing",
            ],
        ] {
            let said = two.main.tidegate(arguments);
            two.nothing_ran(&place);
            let both = format!("{}{}", said.out, said.err);
            assert!(
                arguments[0] == "set"
                    || both.contains("is a bare repository inside the work tree of"),
                "{place}: {both}"
            );
        }
    }
}

#[test]
fn standing_in_a_repository_inside_a_work_tree_is_not_naming_it() {
    let two = Two::new();
    let bare = two.main.clone_path().join("x.git");
    trap(&two, &bare);
    let at = |folder: &Path, arguments: &[&str]| two.main.run(folder, arguments, "", &[]);
    for folder in [bare.clone(), bare.join("objects"), bare.join("refs/heads")] {
        for command in [
            &["status", "--no-live"][..],
            &["init", "--stdout"],
            &["history", "shop"],
            &["trust"],
        ] {
            at(&folder, command)
                .exits(2)
                .says("is a bare repository inside the work tree of")
                .says("--repo");
            two.nothing_ran("standing there");
        }
    }
    at(&bare, &["--repo", "objects", "status"]).exits(2);
    // The user's word: it is opened, and told that it lacks an object.
    let named = at(
        &two.main.clone_path(),
        &["--repo", "x.git", "init", "--stdout"],
    );
    assert!(!named.err.contains("inside the work tree"), "{named:?}");
    two.nothing_ran("named, but nothing fetched unasked");
}

/// Keys of a repository's own configuration that make Git run a program, with a value that would, and a remote to see it.
const PROGRAMS: [(&str, &str, Option<&str>); 22] = [
    (
        "core.sshCommand",
        "touch MARK; false",
        Some("ssh://git@127.0.0.1:1/x"),
    ),
    ("core.fsmonitor", "touch MARK; false", None),
    ("core.gitProxy", "touch MARK; false", None),
    (
        "core.askPass",
        "touch MARK; false",
        Some("http://127.0.0.1:1/x"),
    ),
    ("core.hooksPath", "HOOKS", None),
    ("core.alternateRefsCommand", "touch MARK; false", None),
    (
        "credential.helper",
        "!touch MARK; false",
        Some("http://127.0.0.1:1/x"),
    ),
    ("remote.origin.uploadpack", "touch MARK; false", None),
    ("remote.origin.receivepack", "touch MARK; false", None),
    ("remote.origin.vcs", "ext", None),
    ("remote.origin.proxy", "http://127.0.0.1:1", None),
    ("url.ext::sh -c touch% MARK .insteadOf", "REMOTE", None),
    ("url.ext::sh -c touch% MARK .pushInsteadOf", "REMOTE", None),
    ("gpg.program", "touch MARK; false", None),
    ("gpg.ssh.program", "touch MARK; false", None),
    ("gpg.ssh.defaultKeyCommand", "touch MARK; false", None),
    ("protocol.allow", "never", None),
    ("include.path", "INCLUDED", None),
    ("includeIf.gitdir:/.path", "INCLUDED", None),
    ("filter.x.process", "touch MARK; false", None),
    ("uploadpack.packObjectsHook", "touch MARK; false", None),
    ("core.editor", "touch MARK; false", None),
];

#[test]
fn programs_that_another_repository_names_do_not_run() {
    let two = Two::new();
    let other = two.other.clone_path();
    let harmless = fs::read_to_string(other.join(".git/config")).expect("a configuration");
    two.says(&format!("path = \"{}\"", other.display()));
    two.main.tidegate(&["trust"]).exits(0);
    for (at, (key, value, remote)) in PROGRAMS.into_iter().enumerate() {
        let mark = two.mark().display().to_string();
        let included = two.mark().with_file_name("included");
        write(
            &included,
            format!("[core]\n\tsshCommand = touch {mark}; false\n\tfsmonitor = touch {mark}\n")
                .as_bytes(),
        );
        let hooks = two.mark().with_file_name("hooks");
        for name in ["reference-transaction", "pre-push", "post-checkout"] {
            for folder in [&hooks, &other.join(".git/hooks")] {
                let hook = folder.join(name);
                write(
                    &hook,
                    format!("#!/bin/sh\ntouch {mark}\nexit 1\n").as_bytes(),
                );
                fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a hook");
            }
        }
        let fill = |text: &str| {
            text.replace("MARK", &mark)
                .replace("HOOKS", &hooks.display().to_string())
                .replace("INCLUDED", &included.display().to_string())
                .replace("REMOTE", &two.other.remote().display().to_string())
        };
        let config = other.join(".git/config");
        let mut text = harmless.clone();
        text.push_str("[protocol \"ext\"]\n\tallow = always\n[commit]\n\tgpgsign = false\n");
        write(&config, text.as_bytes());
        two.other
            .git_in(&other, &["config", &fill(key), &fill(value)]);
        if let Some(remote) = remote {
            two.other
                .git_in(&other, &["config", "remote.origin.url", remote]);
        }
        write(&other.join(".gitattributes"), b"* filter=x\n");
        let read = two.main.tidegate(&["status", "--no-live"]);
        two.nothing_ran(key);
        read.exits(0);
        let version = format!("2.{at}.0");
        let set = [
            "set",
            "shop",
            "prod",
            &version,
            "--yes",
            "--no-live",
            "--override",
            "upstream",
            "--reason",
            "a test",
        ];
        let written = two.main.tidegate(&set);
        two.nothing_ran(key);
        if remote.is_none() {
            // It is not only unharmed, it works.
            written.exits(0);
            assert_eq!(
                two.other.at_tip("envs/prod/shop.yaml"),
                image(&version).trim(),
                "{key}"
            );
        }
    }
}

#[test]
fn variables_that_would_lead_git_elsewhere_are_not_followed() {
    let two = Two::new();
    two.says(&format!("path = \"{}\"", two.other.clone_path().display()));
    let mark = format!("touch {}; false", two.mark().display());
    let elsewhere = two.mark().with_file_name("elsewhere").display().to_string();
    for (name, value) in [
        ("GIT_DIR", elsewhere.as_str()),
        ("GIT_COMMON_DIR", &elsewhere),
        ("GIT_WORK_TREE", &elsewhere),
        ("GIT_INDEX_FILE", &elsewhere),
        ("GIT_OBJECT_DIRECTORY", &elsewhere),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", &elsewhere),
        ("GIT_NAMESPACE", "x"),
        ("GIT_CONFIG", &elsewhere),
        ("GIT_EXEC_PATH", &elsewhere),
        ("GIT_EXTERNAL_DIFF", &mark),
        ("GIT_PROXY_COMMAND", &mark),
        ("GIT_SHALLOW_FILE", &elsewhere),
        ("GIT_TRACE", "1"),
        ("GIT_QUARANTINE_PATH", &elsewhere),
    ] {
        let run = |arguments: &[&str]| {
            two.main
                .run(&two.main.clone_path(), arguments, "", &[(name, value)])
        };
        let status = run(&["status", "--no-live", "--trust", "-o", "json"]);
        assert_eq!(status.code, Some(0), "{name}: {}", status.err);
        let next = two
            .main
            .git_in(&two.main.remote(), &["rev-list", "--count", "main"]);
        let set = run(&[
            "set",
            "shop",
            "dev",
            &format!("1.{next}.0"),
            "--yes",
            "--no-live",
            "--trust",
        ]);
        assert_eq!(set.code, Some(0), "{name}: {}", set.err);
        two.nothing_ran(name);
    }
}

#[test]
fn configuration_that_is_no_regular_file_gets_a_sentence() {
    let repository = Repository::seeded();
    let file = repository.clone_path().join("tidegate.toml");
    let own = repository.home().join("config/tidegate/config.toml");
    write(&own, b"");
    let target = repository.clone_path().with_file_name("target");
    write(&target, b"ascii = true\n");
    let large = repository.clone_path().with_file_name("large");
    write(&large, &vec![b'#'; 5 << 20]);
    type Make<'a> = Box<dyn Fn(&Path) + 'a>;
    let make: [(&str, Make<'_>, &str, Option<&str>); 7] = [
        (
            "/dev/zero",
            Box::new(|at| symlink("/dev/zero", at).expect("a link")),
            "is a symbolic link",
            Some("is a device"),
        ),
        (
            "a pipe",
            Box::new(|at| {
                Command::new("mkfifo").arg(at).status().expect("mkfifo");
            }),
            "is a named pipe",
            Some("is a named pipe"),
        ),
        (
            "a folder",
            Box::new(|at| fs::create_dir(at).expect("a folder")),
            "is a folder",
            Some("is a folder"),
        ),
        (
            "dangling",
            Box::new(|at| symlink("nowhere", at).expect("a link")),
            "is a symbolic link",
            Some("does not exist"),
        ),
        (
            "large",
            Box::new(|at| {
                fs::copy(&large, at).expect("a copy");
            }),
            "larger than 4 MB",
            Some("larger than 4 MB"),
        ),
        (
            "link to large",
            Box::new(|at| symlink(&large, at).expect("a link")),
            "is a symbolic link",
            Some("larger than 4 MB"),
        ),
        (
            "link to a file",
            Box::new(|at| symlink(&target, at).expect("a link")),
            "is a symbolic link",
            None,
        ),
    ];
    for (what, make, team, user) in make {
        for (place, expected) in [(&file, Some(team)), (&own, user)] {
            let kept = fs::read(place).expect("a file");
            fs::remove_file(place).expect("a file");
            make(place);
            let said = repository.tidegate(&["status", "--no-live"]);
            match expected {
                Some(words) => {
                    said.exits(2).says(words);
                }
                // Many keep their own files elsewhere, behind a link.
                None => {
                    said.exits(0);
                }
            }
            fs::remove_file(place)
                .or_else(|_| fs::remove_dir(place))
                .unwrap_or_else(|_| panic!("{what}"));
            write(place, &kept);
        }
    }
    assert_eq!(fs::read(&target).expect("a file"), b"ascii = true\n");
}

#[test]
fn a_lock_that_is_a_link_empties_nothing() {
    let repository = Repository::seeded();
    let precious = repository.clone_path().with_file_name("precious");
    let set = ["set", "checkout", "dev", "1.1.0", "--yes", "--no-live"];
    for (at, folder) in [("publish.lock", false), ("", true)] {
        write(&precious, b"precious");
        let place = repository.clone_path().join(".git/tidegate");
        let _ = fs::remove_dir_all(&place);
        if folder {
            symlink(precious.parent().expect("a folder"), &place).expect("a link");
        } else {
            fs::create_dir_all(&place).expect("a folder");
            symlink(&precious, place.join(at)).expect("a link");
        }
        repository
            .tidegate(&set)
            .exits(1)
            .says("is a symbolic link");
        assert_eq!(fs::read(&precious).expect("a file"), b"precious");
        assert!(!precious.with_file_name("publish.lock").exists());
        let _ = fs::remove_file(&place);
    }
}

#[test]
fn addresses_of_other_kinds_are_refused_and_not_repeated() {
    let two = Two::new();
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
fn the_console_asks_once() {
    let two = Two::new();
    two.says(&format!("path = \"{}\"", two.other.clone_path().display()));
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

#[test]
fn what_cannot_be_seen_is_not_allowed() {
    let two = Two::new();
    for place in [
        r#"url = "https://h/a\u2066b""#,
        r#"url = "https://h/\u202eabc""#,
        r#"path = "good\u200b/../other""#,
    ] {
        two.main.write("tidegate.toml", &configuration(place));
        two.main.publish("Elsewhere");
        two.main.pull();
        let said = two.main.tidegate(&["trust", "--yes"]).exits(2);
        said.says("characters that cannot be seen");
    }
    // A consent whose text nobody saw is none.
    let path = two.other.clone_path().display().to_string();
    let place = format!("path = \"{path}\"");
    two.main.write("tidegate.toml", &configuration(&place));
    two.main.publish("There");
    two.main.pull();
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
fn a_list_of_changes_is_a_regular_file_of_a_fair_size() {
    let repository = Repository::seeded();
    let said = repository.tidegate(&["set", "--changes", "/dev/zero", "--yes"]);
    said.exits(2).says("device");
    let said = repository.tidegate(&["set", "--changes", "nowhere.json", "--yes"]);
    said.exits(2).says("there is no such file");
}
