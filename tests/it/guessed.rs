//! A repository that nobody has described, in the console: the guess is marked, shown, edited and kept.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::fs;

use crate::support::{
    operator::Operator,
    repo::Repository,
    terminal::{SOON, Setup, View},
};

fn says(operator: &Operator, what: &str) -> View {
    operator.terminal.until(what, SOON, |view| view.has(what))
}

/// Two services in two environments; history says which comes first, which their names do not.
fn undescribed() -> Repository {
    let repository = Repository::empty();
    let overlay = |service: &str, env: &str, tag: &str| {
        let path = format!("apps/{service}/overlays/{env}/kustomization.yaml");
        let image = format!("images:\n- name: registry.example/{service}\n  newTag: {tag}\n");
        (path, image)
    };
    for service in ["cart", "web"] {
        for env in ["dev", "prod"] {
            let (path, text) = overlay(service, env, "1.0.0");
            repository.write(&path, &text);
        }
    }
    repository.publish("Initial versions");
    for version in ["1.1.0", "1.2.0"] {
        for env in ["dev", "prod"] {
            let (path, text) = overlay("web", env, version);
            repository.write(&path, &text);
            repository.publish(&format!("web {version} in {env}"));
        }
    }
    repository.pull();
    fs::create_dir_all(repository.home()).expect("a home");
    repository
}

#[test]
fn a_guess_is_marked_shown_edited_and_kept() {
    let repository = undescribed();
    let setup = Setup::tidegate(&[])
        .home(repository.home())
        .folder(repository.clone_path())
        .env(
            "EDITOR",
            r#"sed -i 's|^name.*"prod"|&\nurl="https://prod.example"|'"#,
        );
    let mut operator = Operator::sit_down(setup);
    let view = says(&operator, "1.2.0");
    assert!(view.has("GUESSED"), "{view}");
    operator.command("layouts");
    let view = says(&operator, "Environments");
    for words in [
        "guessed, as no tidegate.toml says it",
        "prod  from dev",
        "apps/{service}/overlays/{env}/kustomization.yaml",
        "4 of 4 cells: 100 %",
        "4 of 4 version changes in recent history: 100 %",
    ] {
        assert!(view.has(words), "{words} in:\n{view}");
    }
    // What is edited is in force, and not saved.
    let file = repository.clone_path().join("tidegate.toml");
    operator
        .terminal
        .press_until("e", "the draft", SOON, |view| {
            view.has("Layouts  by your draft, which is not saved")
        });
    assert!(!file.exists(), "nothing was saved");
    operator.unlock();
    operator
        .terminal
        .press_until("w", "the file is written", SOON, |view| {
            !view.has("GUESSED") && view.has("by tidegate.toml")
        });
    let text = fs::read_to_string(&file).expect("a file");
    assert!(text.contains("url=\"https://prod.example\""), "{text}");
    operator.terminal.press("q");
    let view = says(&operator, "SERVICE");
    assert!(view.has("1.2.0"), "{view}");
    operator.leave();
    repository.tidegate(&["status", "--no-live"]).exits(0);
}
