//! What lies between two versions: in a clone of the source code, on a forge, told by a program.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{fs, path::Path};

use crate::{
    stopping::ready,
    support::{
        operator::Operator,
        repo::{CONFIGURATION, Repository, write},
        schema::assert_described,
        terminal::{SOON, Setup, View, key},
    },
};

/// A clone of the source code of `checkout`, with two releases and what lies between them.
fn source(repository: &Repository, folder: &Path) {
    let git = |arguments: &[&str]| repository.git_in(folder, arguments);
    fs::create_dir_all(folder.join("services/checkout")).unwrap();
    git(&["init", "-q", "-b", "main"]);
    let commit = |file: &str, message: &str| {
        let path = folder.join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{before}{message}\n")).unwrap();
        git(&["add", "."]);
        git(&["commit", "-qm", message]);
    };
    commit("services/checkout/main", "Begin");
    git(&["tag", "v1.0.0"]);
    commit("services/checkout/main", "Round prices (#12)");
    commit("README", "Say what it is for");
    commit("services/checkout/main", "Escape \u{1b}[31m names");
    git(&["tag", "-a", "-m", "release", "v1.1.0"]);
}

#[test]
fn a_clone_tells_what_comes_and_what_goes() {
    let repository = Repository::seeded();
    let clone = repository.clone_path();
    let own = repository.home().join("config/tidegate/config.toml");
    let told = |mine: &str, arguments: &[&str]| {
        write(&own, mine.as_bytes());
        let line = [&["changelog", "checkout"], arguments].concat();
        repository.run(&clone, &line, "", &[])
    };
    let folder = tempfile::tempdir().unwrap();
    source(&repository, folder.path());
    let place = folder.path().display();
    let sources = format!("[[sources]]\nclone = \"{place}\"\n");

    let said = told(&sources, &["1.0.0..1.1.0", "-o", "json"])
        .exits(0)
        .json();
    assert_described(&said);
    assert_eq!(said["schema"], "tidegate.changelog/v1");
    let subjects = |key: &str| -> Vec<String> {
        let all = said[key].as_array().unwrap();
        all.iter()
            .map(|it| it["subject"].as_str().unwrap().to_owned())
            .collect()
    };
    let comes = subjects("comes");
    assert_eq!(comes.len(), 3, "{said:#}");
    assert_eq!(comes[1..], ["Say what it is for", "Round prices (#12)"]);
    assert_eq!(said["comes"][2]["pull_request"], 12);
    assert_eq!(subjects("goes"), Vec::<String>::new());

    // Back again, and of one folder alone.
    let folder_alone = format!(
        "{sources}path = \"services/{{service}}\"\nrepository = \"https://github.com/acme/{{service}}\"\n"
    );
    let said = told(&folder_alone, &["1.1.0..1.0.0", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(said["comes"].as_array().unwrap().len(), 0);
    assert_eq!(said["goes"].as_array().unwrap().len(), 2, "{said:#}");
    assert_eq!(
        said["url"],
        "https://github.com/acme/checkout/compare/v1.1.0...v1.0.0"
    );
    told(&folder_alone, &["1.0.0..1.1.0"])
        .exits(0)
        .shows("  Round prices (#12)  ")
        .shows("2 commits");

    // What is wrong is told, with what to do.
    told(&sources, &["1.0.0..9.9.9"])
        .exits(1)
        .says("has no tag for 9.9.9");
    told("[[sources]]\nclone = \"../nowhere\"\n", &["1..2"])
        .exits(2)
        .says("does not exist. It is `clone` of [[sources]]");
    told("", &["1.0.0..1.1.0"])
        .exits(2)
        .says("nobody says where the source code of checkout is");
    told(&sources, &["1.0.0"])
        .exits(2)
        .says("write them as A..B");
    told(
        "[[sources]]\nrepository = \"https://git.invalid/{service}\"\n",
        &["1..2"],
    )
    .exits(1)
    .says("on no forge that is known");
    told(
        "[[sources]]\nrepository = \"https://github.com/acme/{service}\"\n",
        &["1..2"],
    )
    .exits(1)
    .says("is asked of nothing");
    // What is of this machine, no repository names.
    let team = clone.join("tidegate.toml");
    for line in ["command = [\"true\"]", "clone = \"../checkout\""] {
        let text = format!("{CONFIGURATION}\n[[sources]]\n{line}\n");
        fs::write(&team, text).unwrap();
        told("", &["1..2"])
            .exits(2)
            .says("your own config.toml alone may name");
    }
    fs::write(&team, CONFIGURATION).unwrap();
    told("[[sources]]\nclone = \"../{what}\"\n", &["1..2"])
        .exits(2)
        .says("`{what}` is not known here");
}

#[test]
fn a_program_of_ones_own_tells_it_instead() {
    let repository = Repository::seeded();
    let clone = repository.clone_path();
    let folder = repository.home().join("config/tidegate");
    fs::create_dir_all(&folder).unwrap();
    let own = |command: &str| {
        let text = format!("[[sources]]\ncommand = [{command}]\n");
        fs::write(folder.join("config.toml"), text).unwrap();
        repository.run(&clone, &["changelog", "checkout", "1.0.0..1.1.0"], "", &[])
    };
    own("\"echo\", \"{service}: {from} to {to}\"")
        .exits(0)
        .shows("checkout: 1.0.0 to 1.1.0");
    own("\"sh\", \"-c\", \"echo no >&2; exit 3\"")
        .exits(1)
        .says("failed: no");
}

/// An operator sees on the plan and in the cell what a version brings, and which commit it was built of.
#[test]
fn the_plan_and_the_cell_tell_what_a_version_brings() {
    let repository = ready();
    let folder = tempfile::tempdir().unwrap();
    source(&repository, folder.path());
    let own = repository.home().join("config/tidegate/config.toml");
    let place = folder.path().display();
    write(
        &own,
        format!("[[sources]]\nclone = \"{place}\"\n").as_bytes(),
    );
    let commit = repository.git_in(
        folder.path(),
        &["rev-parse", "--short=7", "v1.1.0^{commit}"],
    );
    let by = format!("commit {}, by the tag v1.1.0", commit.trim());
    let setup = Setup::tidegate(&[]).home(repository.home()).size(140, 44);
    let mut operator = Operator::sit_down(setup.folder(repository.clone_path()));
    let told = |view: &View| {
        view.has("Source code of checkout 1.0.0")
            && view.has(&by)
            && view.has("3 commits")
            && view.has("Round prices (#12)")
    };
    operator.go_to("checkout", "staging");
    operator.terminal.press(key::ENTER);
    operator.terminal.until("the cell", SOON, told);
    operator.back_to_the_matrix();
    operator.unlock();
    operator.plan_promotion("checkout", "prod");
    let plan = operator.terminal.until("the plan", SOON, told);
    assert!(!plan.has("\u{1b}"), "{plan}");
    operator.back_to_the_matrix();
    operator.terminal.press(key::CTRL_C);
    // As a command.
    let clone = repository.clone_path();
    let said = repository.run(
        &clone,
        &["trace", "checkout", "1.1.0", "-o", "json"],
        "",
        &[],
    );
    let said = said.exits(0).json();
    assert_described(&said);
    assert_eq!(said["built_of"]["by"], "tag", "{said:#}");
    let words = said["built_of"]["says"].as_str().unwrap();
    assert!(
        words.starts_with(&by) && words.contains("its checks are not known"),
        "{words}"
    );
}
