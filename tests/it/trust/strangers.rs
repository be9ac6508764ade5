//! What a stranger can put into a tree: submodules, links, attributes, names that differ by case. Nothing of it is fetched, run,
//! followed or written, and what it hides is told.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{fs, os::unix::fs::symlink};

use crate::support::repo::{Repository, kustomization, overlay, write};

const SET: [&str; 6] = ["set", "checkout", "dev", "2.0.0", "--yes", "--no-live"];

#[test]
fn a_submodule_is_neither_fetched_nor_run_and_is_told_where_a_layout_would_read_it() {
    let repository = Repository::seeded();
    let at = repository.colleague();
    let mark = repository.home().with_file_name("mark");
    let program = format!("touch {}", mark.display());
    let modules = format!(
        "[submodule \"x\"]\n\tpath = apps/orders/overlays\n\turl = ext::sh -c {}\n\tupdate = !{program}\n\
         \tfetchRecurseSubmodules = true\n[submodule \"../../x\"]\n\tpath = apps/up\n\turl = ./../..\n",
        program.replace(' ', "% ")
    );
    repository.write(".gitmodules", &modules);
    let tip = repository.tip();
    for path in ["apps/orders/overlays", "apps/up", "elsewhere"] {
        let entry = format!("160000,{tip},{path}");
        repository.git_in(&at, &["update-index", "--add", "--cacheinfo", &entry]);
    }
    repository.git_in(&at, &["add", ".gitmodules"]);
    repository.git_in(&at, &["commit", "-q", "-m", "Submodules"]);
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
    repository.pull();
    let clone = repository.clone_path();
    // Even where the user would want that in their own fetches.
    for (key, value) in [
        ("fetch.recurseSubmodules", "true"),
        ("push.recurseSubmodules", "on-demand"),
        ("submodule.recurse", "true"),
        ("submodule.x.active", "true"),
        ("protocol.ext.allow", "always"),
    ] {
        repository.git_in(&clone, &["config", key, value]);
    }
    let status = repository.tidegate(&["status", "--no-live"]).exits(0);
    let both = format!("{}{}", status.out, status.err);
    assert!(
        both.contains("apps/orders/overlays is a submodule"),
        "{both}"
    );
    assert!(!both.contains("elsewhere"), "no layout looks there: {both}");
    repository.tidegate(&["init", "--stdout"]);
    repository.tidegate(&SET).exits(0);
    assert!(
        repository
            .at_tip(&overlay("checkout", "dev"))
            .contains("2.0.0")
    );
    let kept = repository.git_in(&repository.remote(), &["ls-tree", "main", "apps/up"]);
    assert!(kept.starts_with("160000 commit "), "{kept}");
    assert!(!mark.exists(), "something ran");
    assert!(
        !clone.join(".git/modules").exists(),
        "something was fetched"
    );
}

#[test]
fn linked_overlays_are_told_and_never_followed() {
    let repository = Repository::seeded();
    let at = repository.colleague();
    let outside = repository.home().with_file_name("outside");
    write(
        &outside.join("dev/kustomization.yaml"),
        kustomization("stolen", "6.6.6").as_bytes(),
    );
    fs::create_dir_all(at.join("apps/orders")).expect("a folder");
    fs::create_dir_all(at.join("apps/away")).expect("a folder");
    fs::create_dir_all(at.join("apps/loop")).expect("a folder");
    for (to, link) in [
        ("../checkout/overlays", "apps/orders/overlays"),
        (&*outside.display().to_string(), "apps/away/overlays"),
        ("../../../outside", "apps/twice"),
        ("overlays", "apps/loop/overlays"),
        ("../README", "apps/README"),
    ] {
        symlink(to, at.join(link)).expect("a link");
    }
    repository.write("README", "text\n");
    repository.publish("Links");
    repository.pull();
    let status = repository.tidegate(&["status", "--no-live"]).exits(0);
    let both = format!("{}{}", status.out, status.err);
    assert!(
        !both.contains("6.6.6") && !both.contains("README"),
        "{both}"
    );
    for told in ["apps/orders/overlays", "apps/away/overlays"] {
        assert!(
            both.contains(&format!("{told} is a symbolic link")),
            "{told}: {both}"
        );
    }
    repository.tidegate(&SET).exits(0);
    for service in ["orders", "away", "loop"] {
        let said = repository.tidegate(&["set", service, "dev", "2.0.0", "--yes", "--no-live"]);
        assert_ne!(said.code, Some(0), "{service}: {said:?}");
    }
    let text = fs::read_to_string(outside.join("dev/kustomization.yaml")).expect("a file");
    assert!(text.contains("6.6.6"), "nothing is written there");
}

/// Git itself refuses to check such trees out; they can still be fetched.
#[test]
fn names_that_a_disk_may_take_for_others_are_not_taken_for_them() {
    let repository = Repository::seeded();
    let at = repository.colleague();
    let mark = repository.home().with_file_name("mark");
    let hostile = format!(
        "[core]\n\tfsmonitor = touch {0}\n\tsshCommand = touch {0}\n",
        mark.display()
    );
    let blob = |text: &str| {
        let file = at.with_file_name("blob");
        write(&file, text.as_bytes());
        let file = file.display().to_string();
        repository.git_in(&at, &["hash-object", "-w", "--no-filters", &file])
    };
    let tree = |lines: &str| {
        let file = at.with_file_name("tree");
        write(&file, lines.as_bytes());
        let script = format!("git mktree < '{}'", file.display());
        let made = repository
            .command("sh")
            .args(["-c", &script])
            .current_dir(&at)
            .output()
            .expect("a tree");
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    };
    let top = repository.git_in(&at, &["ls-tree", "HEAD"]);
    let git_folder = tree(&format!("100644 blob {}\tconfig\n", blob(&hostile)));
    let team = blob("[[environments]]\nname = \"stolen\"\n");
    let root = tree(&format!(
        "{top}\n040000 tree {git_folder}\t.GIT\n040000 tree {git_folder}\t.Git\n040000 tree {git_folder}\tgit~1\n\
         100644 blob {team}\tTidegate.toml\n100644 blob {team}\tTIDEGATE.TOML\n"
    ));
    assert_eq!(root.len(), 40, "a tree of such names");
    let commit = repository.git_in(&at, &["commit-tree", &root, "-p", "HEAD", "-m", "Names"]);
    repository.git_in(&at, &["push", "-q", "origin", &format!("{commit}:main")]);
    let clone = repository.clone_path();
    repository.git_in(&clone, &["fetch", "-q", "origin"]);
    for arguments in [
        &["status", "--no-live"][..],
        &["history", "checkout"],
        &["init", "--stdout"],
    ] {
        let said = repository.tidegate(arguments);
        let both = format!("{}{}", said.out, said.err);
        assert!(!both.contains("stolen"), "{arguments:?}: {both}");
    }
    repository.tidegate(&SET).exits(0);
    assert!(
        repository
            .at_tip(&overlay("checkout", "dev"))
            .contains("2.0.0")
    );
    let names = repository.git_in(&repository.remote(), &["ls-tree", "--name-only", "main"]);
    for name in [
        ".GIT",
        ".Git",
        "git~1",
        "Tidegate.toml",
        "TIDEGATE.TOML",
        "tidegate.toml",
    ] {
        assert!(
            names.lines().any(|line| line == name),
            "{name} is as it was: {names}"
        );
    }
    assert!(!mark.exists(), "something ran");
}
