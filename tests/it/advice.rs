//! What is said where a push, a fetch or a tag does not go: who says it, of which repository, and what helps.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::os::unix::fs::PermissionsExt;

use crate::support::repo::{Repository, Said, write};

const ENVIRONMENTS: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n";
const VALUES: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

fn web() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{VALUES}"));
    repository.write("staging/web.yaml", "image: {tag: 1.1.0}\n");
    repository.write("prod/web.yaml", "image: {tag: 1.0.0}\n");
    repository.publish("Initial");
    repository.pull();
    repository
}

fn promote(repository: &Repository, more: &[&str]) -> Said {
    let to = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    repository.tidegate(&[&to[..], more].concat())
}

fn hook(at: &std::path::Path, text: &str) {
    write(at, text.as_bytes());
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_push_address_that_is_not_there_is_clear() {
    let repository = web();
    let clone = repository.clone_path();
    let tip = repository.tip();
    repository.git_in(
        &clone,
        &["remote", "set-url", "--push", "origin", "no_push"],
    );
    let clear = |said: Said| {
        let said = said
            .exits(1)
            .says("nothing arrived")
            .says("nothing was written");
        assert!(!said.err.contains("unclear"), "{}", said.err);
        assert!(!said.err.contains("remote:"), "{}", said.err);
    };
    clear(promote(&repository, &[]));
    let remote = repository.remote().display().to_string();
    repository.git_in(
        &clone,
        &["remote", "set-url", "--push", "origin", "../gone.git"],
    );
    repository.git_in(
        &clone,
        &["config", "--add", "remote.origin.pushurl", &remote],
    );
    clear(promote(&repository, &[]));
    assert_eq!(repository.tip(), tip);
}

#[test]
fn words_of_this_side_are_not_the_servers() {
    let repository = web();
    let hooks = repository.clone_path().join(".git/hooks");
    hook(
        &hooks.join("pre-push"),
        "#!/bin/sh\necho 'run make lint first' >&2\nexit 1\n",
    );
    let said = promote(&repository, &[])
        .exits(1)
        .says("here: run make lint first");
    assert!(!said.err.contains("remote: run"), "{}", said.err);
    std::fs::remove_file(hooks.join("pre-push")).unwrap();
    promote(&repository, &["--deliver", "branch"]).exits(0);
    let said = promote(&repository, &["--deliver", "branch"]).exits(0);
    let said = said.says("nothing was pushed: the same change is on");
    assert!(!said.err.contains("remote: nothing"), "{}", said.err);
}

#[test]
fn a_shallow_clone_does_not_know_what_was_before() {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{VALUES}"));
    for version in ["1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
        repository.write("prod/web.yaml", &format!("image: {{tag: {version}}}\n"));
        repository.publish(version);
    }
    let shallow = repository.clone_path().with_file_name("shallow");
    let remote = format!("file://{}", repository.remote().display());
    let shown = shallow.display().to_string();
    repository.git_in(
        &repository.colleague(),
        &["clone", "-q", "--depth", "2", &remote, &shown],
    );
    let arguments = ["revert", "web", "prod", "--to", "1.0.0", "--dry-run"];
    let said = repository.run(&shallow, &arguments, "", &[]).exits(2);
    let said = said.says("shallow").says("is not known").says("1.2.0");
    assert!(!said.err.contains("neither a version"), "{}", said.err);
}

#[test]
fn a_tag_that_is_there_is_not_told_to_be_made() {
    let repository = Repository::empty();
    let layout = "[[layouts]]\nrefs = \"refs/tags/{env}-{version:semver}\"\nrow = \"app\"\n";
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layout}"));
    let at = repository.colleague();
    for version in ["1.0.0", "1.1.0"] {
        repository.write("x", version);
        repository.publish(version);
        for environment in ["staging", "prod"] {
            repository.git_in(&at, &["tag", &format!("{environment}-{version}")]);
        }
    }
    repository.git_in(&at, &["push", "-q", "--tags", "origin"]);
    repository.pull();
    repository.git_in(&repository.clone_path(), &["fetch", "-q", "--tags"]);
    let set = |version: &str| repository.tidegate(&["set", "app", "prod", version, "--yes"]);
    let said = set("1.0.0").exits(1);
    assert!(
        said.out.contains("prod has the tag prod-1.0.0 already"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("tidegate revert app prod --to 1.0.0"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("COMMIT"), "{}", said.out);
    set("x").exits(2).says("refs/tags/{env}-{version:semver}");
    let said = set("1.5.0").exits(1);
    assert!(
        said.out.contains("no environment's tag names 1.5.0"),
        "{}",
        said.out
    );
}

const BRANCHES: &str = "[[layouts]]\nrefs = \"refs/heads/{env}\"\npath = \"deploy/{service}.yaml\"\nyaml = \"image.tag\"\n";

fn branches() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{BRANCHES}"));
    repository.write("deploy/a.yaml", "image: {tag: 1.0.0}\n");
    repository.publish("Initial");
    let at = repository.colleague();
    repository.git_in(&at, &["push", "-q", "origin", "main:prod"]);
    repository.write("deploy/a.yaml", "image: {tag: 1.1.0}\n");
    repository.git_in(&at, &["commit", "-qam", "staging"]);
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:staging"]);
    repository.pull();
    repository
}

#[test]
fn a_branch_that_is_gone_on_the_server_is_no_lost_connection() {
    let repository = branches();
    repository.git_in(&repository.remote(), &["branch", "-D", "staging"]);
    let to = ["promote", "a", "--from", "staging", "--to", "prod", "--yes"];
    let said = repository
        .tidegate(&to)
        .exits(2)
        .says("origin has no branch `staging` any more");
    assert!(!said.err.contains("Check the connection"), "{}", said.err);
}

#[test]
fn a_clone_of_one_branch_is_told_how_to_fetch_the_others() {
    let repository = branches();
    let one = repository.clone_path().with_file_name("one");
    let remote = format!("file://{}", repository.remote().display());
    let shown = one.display().to_string();
    let at = repository.colleague();
    repository.git_in(&at, &["clone", "-q", "--single-branch", &remote, &shown]);
    let said = repository
        .run(&one, &["status", "--no-live"], "", &[])
        .exits(2);
    let said = said.says("git remote set-branches origin '*' && git fetch origin");
    assert!(!said.err.contains("--tags"), "{}", said.err);
    repository.git_in(&one, &["remote", "set-branches", "origin", "*"]);
    repository.git_in(&one, &["fetch", "-q", "origin"]);
    repository
        .run(&one, &["status", "--no-live"], "", &[])
        .exits(0);
}

#[test]
fn another_default_branch_is_told_of_the_repository_that_has_it() {
    let repository = Repository::empty();
    let root = repository.clone_path().parent().unwrap().to_owned();
    repository.git_in(&root, &["init", "-q", "--bare", "-b", "main", "eu.git"]);
    let eu = root.join("eu");
    repository.git_in(&root, &["clone", "-q", "eu.git", "eu"]);
    repository.git_in(&eu, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    write(&eu.join("prod/web.yaml"), b"image: {tag: 1.0.0}\n");
    repository.git_in(&eu, &["add", "-A"]);
    repository.git_in(&eu, &["commit", "-qm", "Initial"]);
    repository.git_in(&eu, &["push", "-q", "origin", "HEAD:main"]);
    repository.git_in(&eu, &["fetch", "-q"]);
    repository.git_in(&eu, &["remote", "set-head", "origin", "main"]);
    let layout = "path = \"{env}/{service}.yaml\"\nyaml = \"image.tag\"\n";
    let configuration = format!(
        "{ENVIRONMENTS}[[repositories]]\nname = \"eu\"\npath = \"../eu\"\n[[layouts]]\n{layout}[[layouts]]\nrepository = \
         \"eu\"\n{layout}"
    );
    repository.write("tidegate.toml", &configuration);
    repository.write("staging/web.yaml", "image: {tag: 1.1.0}\n");
    repository.publish("Initial");
    repository.pull();
    let server = root.join("eu.git");
    repository.git_in(&server, &["branch", "trunk", "main"]);
    repository.git_in(&server, &["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    hook(&eu.join(".git/hooks/commit-msg"), "#!/bin/sh\nexit 1\n");
    let trunk = "eu: the default branch of origin is trunk on the server";
    let status = repository
        .tidegate(&["status", "--no-live", "--trust"])
        .exits(0);
    let told = format!("{}{}", status.out, status.err);
    assert!(told.contains(trunk), "{told}");
    let said = promote(&repository, &["--trust"]).exits(0);
    let told = format!("{}{}", said.out, said.err);
    assert!(told.contains(trunk), "{told}");
    assert!(
        told.contains("`branch` of eu under [[repositories]]"),
        "{told}"
    );
    assert!(told.contains("eu: the hook commit-msg"), "{told}");
}
