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

/// Environments whose names tell no order; history does, and is looked at once the matrix is there.
fn unordered() -> Repository {
    let repository = Repository::empty();
    let overlay =
        |service: &str, env: &str| format!("apps/{service}/overlays/{env}/kustomization.yaml");
    let image = |service: &str, tag: &str| {
        format!("images:\n- name: registry.example/{service}\n  newTag: {tag}\n")
    };
    for service in ["cart", "web"] {
        repository.write(
            &format!("argocd/{service}.yaml"),
            &format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: {service}}}\nspec:\n  generators:\n  \
                 - list:\n      elements:\n      - {{env: amber}}\n      - {{env: coral}}\n  template:\n    spec:\n      source: \
                 {{path: 'apps/{service}/overlays/{{{{env}}}}'}}\n"
            ),
        );
        for env in ["amber", "coral"] {
            repository.write(&overlay(service, env), &image(service, "1.0.0"));
        }
    }
    repository.publish("Initial versions");
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        for env in ["coral", "amber"] {
            repository.write(&overlay("web", env), &image("web", version));
            repository.publish(&format!("web {version} in {env}"));
        }
    }
    repository.pull();
    fs::create_dir_all(repository.home()).expect("a home");
    repository
}

/// Whether the columns of the matrix stand so.
fn in_order(view: &View, first: &str, second: &str) -> bool {
    let text = view.to_string();
    let header = text.lines().find(|line| line.contains("SERVICE"));
    header.is_some_and(|line| {
        let line = line.to_lowercase();
        matches!((line.find(first), line.find(second)), (Some(a), Some(b)) if a < b)
    })
}

#[test]
fn a_better_guess_is_offered_and_changes_no_column_before_its_key() {
    let repository = unordered();
    let setup = Setup::tidegate(&[])
        .home(repository.home())
        .folder(repository.clone_path());
    let mut operator = Operator::sit_down(setup);
    // By names alone at first, and so it stays while history is looked at and when it says otherwise.
    let view = says(&operator, "1.3.0");
    assert!(in_order(&view, "amber", "coral"), "{view}");
    let view = operator.terminal.until("the offer", SOON, |view| {
        view.has("GUESSED, better one: :layouts")
    });
    assert!(in_order(&view, "amber", "coral"), "{view}");
    operator.command("layouts");
    let view = says(&operator, "A better guess, ");
    assert!(view.has("coral → amber"), "{view}");
    operator.terminal.press("q");
    let view = operator
        .terminal
        .until("the matrix", SOON, |view| view.has("SERVICE"));
    assert!(
        in_order(&view, "amber", "coral"),
        "nothing was taken: {view}"
    );
    operator.command("layouts");
    says(&operator, "A better guess, ");
    operator
        .terminal
        .press_until("a", "the guess is taken", SOON, |view| {
            !view.has("A better guess, ") && view.has("amber  from coral")
        });
    operator.terminal.press("q");
    let view = operator
        .terminal
        .until("the columns", SOON, |view| in_order(view, "coral", "amber"));
    assert!(view.has("1.3.0"), "{view}");
    operator.leave();
    // It is the one in use from now on.
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(
        status["environments"],
        serde_json::json!(["coral", "amber"])
    );
}
