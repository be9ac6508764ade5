//! How commands end: a dry run as the real one would, what is broken before what is held, no consent as wrong usage.

use serde_json::json;

use crate::support::{
    repo::{Repository, Said},
    terminal::{SOON, Setup},
};

const ENVIRONMENTS: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n";
const VALUES: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

/// A repository with this layout and these files.
fn repository(layouts: &str, files: &[(&str, &str)]) -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layouts}"));
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.publish("Initial");
    repository.pull();
    repository
}

/// web at 1.1.0 in staging, at 1.0.0 in prod.
fn web() -> Repository {
    let files = [
        ("staging/web.yaml", "image: {tag: 1.1.0}\n"),
        ("prod/web.yaml", "image: {tag: 1.0.0}\n"),
    ];
    repository(VALUES, &files)
}

fn promote(repository: &Repository, names: &[&str], more: &[&str]) -> Said {
    let to = ["--from", "staging", "--to", "prod"];
    repository.tidegate(&[&["promote"], names, &to, more].concat())
}

/// The dry run and the real one end alike, for this reason.
fn alike(repository: &Repository, code: i32, reason: &str) {
    for how in ["--dry-run", "--yes"] {
        promote(repository, &["web"], &[how])
            .exits(code)
            .says(reason);
    }
}

#[test]
fn a_dry_run_without_a_server_ends_as_the_real_one() {
    let repository = web();
    let remote = repository.remote();
    repository.git_in(&remote, &["branch", "-m", "main", "trunk"]);
    alike(&repository, 2, "has no branch `main` any more");
    std::fs::rename(&remote, remote.with_extension("away")).unwrap();
    alike(&repository, 1, "origin");
    // Who asks nobody gets the plan.
    promote(&repository, &["web"], &["--dry-run", "--offline"]).exits(0);
    repository.git_in(&repository.clone_path(), &["remote", "remove", "origin"]);
    alike(&repository, 1, "main is checked out in");
}

#[test]
fn a_dry_run_without_a_name_to_commit_by_ends_as_the_real_one() {
    let repository = web();
    let clone = repository.clone_path();
    repository.git_in(&clone, &["config", "user.useConfigOnly", "true"]);
    for how in ["--dry-run", "--yes"] {
        let arguments = ["promote", "web", "--from", "staging", "--to", "prod", how];
        let nobody = [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", ""),
            ("GIT_COMMITTER_NAME", ""),
        ];
        let said = repository.run(&clone, &arguments, "", &nobody);
        said.exits(1).says("Git does not know who you are");
    }
}

#[test]
fn what_is_broken_goes_before_what_is_held() {
    let mut files = Vec::new();
    for name in ["a", "ahead", "tpl"] {
        files.push((format!("staging/{name}.yaml"), "image: {tag: 1.1.0}\n"));
    }
    files.push(("prod/a.yaml".to_owned(), "image: {tag: 1.0.0}\n"));
    files.push(("prod/ahead.yaml".to_owned(), "image: {tag: 2.0.0}\n"));
    files.push(("prod/tpl.yaml".to_owned(), "image: {tag: [\n"));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let repository = repository(VALUES, &files);
    let tip = repository.tip();
    for names in [&["ah*", "t*"][..], &["a", "ahead", "t*"]] {
        for how in ["--dry-run", "--yes"] {
            promote(&repository, names, &[how]).exits(1);
        }
    }
    promote(&repository, &["a", "ahead"], &["--yes"]).exits(3);
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_no_at_the_terminal_is_no_consent() {
    let repository = web();
    let arguments = ["promote", "web", "--from", "staging", "--to", "prod"];
    let mut terminal = Setup::tidegate(&arguments)
        .folder(repository.clone_path())
        .home(repository.home())
        .start();
    terminal.until("the question", SOON, |view| view.has("[y/N]"));
    terminal.press("n\r");
    assert_eq!(terminal.ended(SOON).exit.code, 2);
}

#[test]
fn what_can_be_no_version_is_wrong_usage_whatever_the_key_is_called() {
    let files = [
        ("staging/web.yaml", "foo: 1.0.0\n"),
        ("prod/web.yaml", "foo: 1.0.0\n"),
    ];
    let repository = repository(
        "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"foo\"\n",
        &files,
    );
    let sealed = "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]";
    let cases = [
        ("${TAG}", "a variable"),
        ("((tag))", "a variable"),
        ("{{ x }}", "a template's expression"),
        (sealed, "an encrypted value"),
    ];
    for (text, what) in cases {
        repository
            .tidegate(&["set", "web", "staging", text, "--yes"])
            .exits(2)
            .says(what);
    }
    let revert = |to: &str| repository.tidegate(&["revert", "web", "staging", "--to", to, "--yes"]);
    revert("").exits(2).says("--to is empty");
    revert("deadbeef")
        .exits(2)
        .says("it has had one value only, 1.0.0");
}

#[test]
fn what_would_bring_others_along_is_told_with_what_accepts_them() {
    let files = [
        (
            "staging.yaml",
            "web: {image: {tag: 1.1.0}}\nworker: {image: {tag: 1.1.0}}\n",
        ),
        (
            "prod.yaml",
            "web: {image: {tag: &t 1.0.0}}\nworker: {image: {tag: *t}}\n",
        ),
    ];
    let repository = repository(
        "[[layouts]]\npath = \"{env}.yaml\"\nyaml = \"{service}.image.tag\"\n",
        &files,
    );
    let said = promote(&repository, &["we*"], &["--yes"]).exits(3);
    assert!(said.out.contains("--along worker/prod"), "{}", said.out);
    said.says("Accept each with --along");
    promote(&repository, &["we*"], &["--yes", "--along", "worker/prod"]).exits(0);
}

#[test]
fn a_cell_that_was_named_is_not_called_unnamed() {
    let line = |name: &str| {
        format!(
            "[[layouts]]\npath = \"x.env\"\nregex = 'TAG=(?<v>.*)'\nenv_name = \"{name}\"\nrow = \"x\"\n"
        )
    };
    let layouts = format!("{}{}", line("staging"), line("prod"));
    let repository = repository(&layouts, &[("x.env", "TAG=1.0.0\n")]);
    let changes = json!([
        { "service": "x", "environment": "staging", "version": "1.1.0" },
        { "service": "x", "environment": "prod", "version": "1.2.0" },
    ]);
    let arguments = ["set", "--changes", "-", "--yes"];
    let said = repository.run(
        &repository.clone_path(),
        &arguments,
        &changes.to_string(),
        &[],
    );
    let said = said.exits(1);
    assert!(!said.out.contains("nobody named it"), "{}", said.out);
    assert!(
        said.out.contains("1.1.0 was asked for here"),
        "{}",
        said.out
    );
}

#[test]
fn a_revert_that_goes_forward_says_so() {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{VALUES}"));
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        let text = format!("image: {{tag: {version}}}\n");
        for environment in ["staging", "prod"] {
            repository.write(&format!("{environment}/web.yaml"), &text);
            repository.publish(version);
        }
    }
    repository.pull();
    let revert = |how: &str| repository.tidegate(&["revert", "web", "prod", how]);
    revert("--yes").exits(0).says("back to 1.1.0");
    revert("--yes").exits(0).says("back to 1.0.0");
    let said = revert("--dry-run").exits(0);
    assert!(!said.err.contains("back to 1.1.0"), "{}", said.err);
    let told = format!("{}{}", said.out, said.err);
    assert!(told.contains("forward again to 1.1.0"), "{told}");
}
