//! Files are files: of a regular kind and a fair size, and links lead to nothing that is emptied.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::support::repo::{Repository, write};

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
fn a_list_of_changes_is_a_regular_file_of_a_fair_size() {
    let repository = Repository::seeded();
    let said = repository.tidegate(&["set", "--changes", "/dev/zero", "--yes"]);
    said.exits(2).says("device");
    let said = repository.tidegate(&["set", "--changes", "nowhere.json", "--yes"]);
    said.exits(2).says("there is no such file");
}
