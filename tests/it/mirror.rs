//! A repository that is named by its address: mirrored, read, promoted in, and still there when the remote is not.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{fs, path::PathBuf};

use crate::support::{
    http,
    operator::Operator,
    repo::{Repository, Said, kustomization, overlay},
    terminal::{SOON, Setup},
};

/// The binary from a folder that is no repository, on the repository at `address`.
fn at(repository: &Repository, address: &str, arguments: &[&str]) -> Said {
    let mut all = vec!["--repo", address];
    all.extend(arguments);
    fs::create_dir_all(repository.home()).expect("a home");
    repository.run(&repository.home(), &all, "", &[])
}

fn file_address(repository: &Repository) -> String {
    format!("file://{}", repository.remote().display())
}

fn dev(status: &Said) -> String {
    status.json()["services"][0]["cells"]["dev"]["version"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

const STATUS: [&str; 4] = ["status", "--no-live", "-o", "json"];
const PROMOTE: [&str; 7] = [
    "promote", "checkout", "--from", "dev", "--to", "staging", "--yes",
];

/// The only mirror in the cache, and the folder it is in.
fn mirror(repository: &Repository) -> (PathBuf, PathBuf) {
    let mirrors = repository.home().join("cache/tidegate/mirrors");
    let folders: Vec<_> = fs::read_dir(&mirrors).expect("mirrors").flatten().collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    let folder = folders[0].path();
    (folder.join("remote.git"), folder)
}

#[test]
fn an_address_is_mirrored_once_and_fetched_at_each_start() {
    let repository = Repository::seeded();
    let address = file_address(&repository);
    let first = at(&repository, &address, &STATUS)
        .exits(0)
        .says(&format!("cloning {address} into "))
        .says("cloned in ");
    assert_eq!(dev(&first), "1.0.0");

    repository.bump("checkout", "dev", "1.1.0");
    repository.git_in(&repository.remote(), &["branch", "short-lived", "main"]);
    let second = at(&repository, &address, &STATUS).exits(0);
    assert_eq!((dev(&second).as_str(), second.err.as_str()), ("1.1.0", ""));
    let history = at(&repository, &address, &["history", "checkout", "dev"]).exits(0);
    assert!(history.out.contains("1.1.0"), "{}", history.out);

    at(&repository, &address, &PROMOTE).exits(0);
    assert_eq!(
        repository.at_tip(&overlay("checkout", "staging")),
        kustomization("checkout", "1.1.0").trim()
    );
    let (bare, folder) = mirror(&repository);
    let refs = |bare: &PathBuf| repository.git_in(bare, &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(
        refs(&bare),
        "refs/remotes/origin/HEAD\nrefs/remotes/origin/main\nrefs/remotes/origin/short-lived"
    );
    repository.git_in(&repository.remote(), &["branch", "-D", "short-lived"]);
    repository.git_in(&repository.remote(), &["branch", "-m", "main", "trunk"]);
    let renamed = at(&repository, &address, &STATUS).exits(0);
    assert_eq!(
        dev(&renamed),
        "1.1.0",
        "the remote's HEAD is another branch"
    );
    assert_eq!(
        refs(&bare),
        "refs/remotes/origin/HEAD\nrefs/remotes/origin/trunk"
    );

    fs::rename(repository.remote(), folder.join("away")).expect("the remote goes away");
    let alone = at(&repository, &address, &STATUS)
        .exits(0)
        .says(&format!("cannot fetch from {address}: "))
        .says("its mirror is as of 20");
    assert_eq!(dev(&alone), "1.1.0");
}

#[test]
fn a_clone_that_did_not_come_to_its_end_is_begun_again() {
    let repository = Repository::seeded();
    let address = file_address(&repository);
    let missing = format!("{address}-not");
    at(&repository, &missing, &STATUS)
        .exits(1)
        .says(&format!("cannot fetch from {missing}: "));

    at(&repository, &address, &STATUS).exits(0);
    let (bare, folder) = mirror(&repository);
    fs::rename(&bare, folder.join("4711.tmp")).expect("half a clone");
    at(&repository, &address, &STATUS).exits(0).says("cloning");
    let names: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn over_http_with_a_token_that_is_never_shown() {
    let repository = Repository::seeded();
    let remote = repository.remote();
    repository.bump("checkout", "dev", "1.1.0");
    let port = http::serve(remote.parent().expect("a folder"));
    let address = |user: &str| format!("http://{user}127.0.0.1:{port}/remote");
    let hidden = |said: Said| {
        let both = format!("{}{}", said.out, said.err);
        assert!(
            !both.contains("sesame") && !both.contains("wrong"),
            "{both}"
        );
        said
    };
    let denied = hidden(at(&repository, &address("user:wrong@"), &STATUS).exits(1));
    denied.says("Tidegate uses Git's own credentials");
    let good = address("user:sesame@");
    let first = hidden(at(&repository, &good, &STATUS).exits(0));
    assert_eq!(dev(&first), "1.1.0");
    hidden(
        at(
            &repository,
            &good,
            &[
                "-v", "promote", "checkout", "--from", "dev", "--to", "staging", "--yes",
            ],
        )
        .exits(0),
    );
    assert_eq!(
        repository.at_tip(&overlay("checkout", "staging")),
        kustomization("checkout", "1.1.0").trim()
    );
    // Other credentials, the same mirror.
    let late = hidden(at(&repository, &address("user:wrong@"), &STATUS).exits(0));
    late.says("its mirror is as of 20");
    mirror(&repository);
}

#[test]
fn the_screen_opens_from_the_mirror_before_it_fetches() {
    let repository = Repository::seeded();
    let address = file_address(&repository);
    at(&repository, &address, &STATUS).exits(0);
    repository.bump("checkout", "dev", "1.1.0");
    let setup = Setup::tidegate(&["--repo", &address]).home(repository.home());
    let operator = Operator::sit_down(setup.folder(repository.home()));
    let view = operator.terminal.until("what was fetched", SOON, |view| {
        view.line(&["checkout", "1.1.0"]).is_some()
    });
    assert!(view.has("remote main@"), "{view}");
    operator.leave();
}

#[test]
fn a_mirror_that_lost_its_objects_is_made_anew() {
    let repository = Repository::seeded();
    let address = file_address(&repository);
    at(&repository, &address, &STATUS).exits(0);
    let (bare, _) = mirror(&repository);
    for lost in ["objects", "HEAD"] {
        let path = bare.join(lost);
        if path.is_dir() {
            fs::remove_dir_all(&path).expect("the folder goes");
            fs::create_dir_all(path.join("pack")).expect("an empty one");
        } else {
            fs::remove_file(&path).expect("the file goes");
        }
        let again = at(&repository, &address, &STATUS)
            .exits(0)
            .says("has lost its objects; it is made anew");
        assert_eq!(dev(&again), "1.0.0", "{lost}");
    }
}

#[test]
fn clones_that_failed_or_were_cut_off_leave_nothing() {
    let repository = Repository::seeded();
    let mirrors = repository.home().join("cache/tidegate/mirrors");
    let gone = format!("file://{}/nowhere.git", repository.remote().display());
    assert_ne!(at(&repository, &gone, &STATUS).code, Some(0));
    let left = || {
        let entries = fs::read_dir(&mirrors).expect("mirrors").flatten();
        entries.map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    assert_eq!(left(), Vec::<std::ffi::OsString>::new());

    // What another process left when it was killed goes with the next clone of any address.
    let cut = mirrors.join("0123456789abcdef/1234.tmp/objects");
    fs::create_dir_all(&cut).expect("a half of a clone");
    let address = file_address(&repository);
    at(&repository, &address, &STATUS).exits(0);
    assert_eq!(left().len(), 1);
}
