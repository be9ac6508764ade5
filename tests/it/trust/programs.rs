//! Nothing that a stranger's repository names runs: traps that would leave a mark.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use crate::support::{
    repo::write,
    two::{Two, image},
};

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
    let two = Two::new(&["dev"]);
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
    let two = Two::new(&["dev"]);
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
    let two = Two::new(&["dev"]);
    let other = two.other.clone_path();
    let harmless = fs::read_to_string(other.join(".git/config")).expect("a configuration");
    two.says(&two.path());
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
        if remote.is_some() {
            // It leads elsewhere, which is asked about: that runs nothing either.
            two.main.tidegate(&["trust"]).exits(0);
        }
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
    let two = Two::new(&["dev"]);
    two.says(&two.path());
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
