//! What counts is what the remote has, and what it asks for now: its tags, its commits, its policy.

use crate::support::repo::{Repository, Said};

const TAGS: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n\
                    [[layouts]]\nrefs = \"refs/tags/{env}-{version:semver}\"\nrow = \"app\"\n";
const FILES: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n";
const LAYOUT: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

/// Both environments at 1.0.0 by tags, staging at 1.1.0 on the next commit; the clone has all of it.
fn tagged() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", TAGS);
    repository.publish("Initial");
    tag(&repository, "staging-1.0.0");
    tag(&repository, "prod-1.0.0");
    repository.write("x", "2");
    repository.publish("Next");
    tag(&repository, "staging-1.1.0");
    repository.pull();
    repository.git_in(&repository.clone_path(), &["fetch", "-q", "--tags"]);
    repository
}

/// The colleague tags what they have, and pushes that.
fn tag(repository: &Repository, name: &str) {
    let at = repository.colleague();
    repository.git_in(&at, &["tag", name]);
    repository.git_in(&at, &["push", "-q", "origin", name]);
}

/// The commit of a tag on the remote; empty where there is none.
fn tagged_there(repository: &Repository, name: &str) -> String {
    let name = format!("refs/tags/{name}^{{commit}}");
    let at = repository.remote();
    repository.git_in(
        &at,
        &[
            "for-each-ref",
            "--format=%(objectname)",
            name.trim_end_matches("^{commit}"),
        ],
    )
}

fn promote(repository: &Repository) -> Said {
    repository.tidegate(&[
        "promote", "app", "--from", "staging", "--to", "prod", "--yes",
    ])
}

#[test]
fn a_tag_that_was_never_pushed_declares_nothing() {
    let repository = tagged();
    let clone = repository.clone_path();
    repository.git_in(&clone, &["commit", "-q", "--allow-empty", "-m", "private"]);
    repository.git_in(&clone, &["tag", "staging-2.0.0"]);
    promote(&repository).exits(0);
    assert_eq!(tagged_there(&repository, "prod-2.0.0"), "");
    assert_ne!(tagged_there(&repository, "prod-1.1.0"), "");
    // It stays where it is.
    repository.git_in(&clone, &["rev-parse", "refs/tags/staging-2.0.0"]);
    let all = repository.git_in(&repository.remote(), &["log", "--all", "--format=%s"]);
    assert!(!all.contains("private"), "{all}");
}

#[test]
fn a_tag_that_was_moved_or_withdrawn_is_read_as_the_remote_has_it() {
    let repository = tagged();
    let remote = repository.remote();
    let initial = repository.git_in(&remote, &["rev-parse", "main~1"]);
    repository.git_in(&remote, &["tag", "-f", "staging-1.1.0", "main~1"]);
    promote(&repository).exits(0);
    assert_eq!(tagged_there(&repository, "staging-1.1.0"), initial);
    let made = repository.git_in(&remote, &["rev-parse", "prod-1.1.0^{commit}"]);
    assert_eq!(made, initial);

    let repository = tagged();
    let remote = repository.remote();
    repository.git_in(&remote, &["tag", "-d", "staging-1.1.0"]);
    promote(&repository)
        .exits(0)
        .shows("prod declares 1.0.0 already");
    assert_eq!(tagged_there(&repository, "prod-1.1.0"), "");
    // The clone's own tags are its own.
    repository.git_in(
        &repository.clone_path(),
        &["rev-parse", "refs/tags/staging-1.1.0"],
    );
}

/// `web` at 1.0.0 everywhere, then 1.1.0 in staging; `more` stands before the layout.
fn files(more: &str) -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{FILES}{more}{LAYOUT}"));
    for environment in ["staging", "prod"] {
        repository.write(&format!("{environment}/web.yaml"), "image: {tag: 1.0.0}\n");
    }
    repository.publish("Initial");
    repository.write("staging/web.yaml", "image: {tag: 1.1.0}\n");
    repository.publish("Bump");
    repository.pull();
    repository
}

#[test]
fn a_revert_goes_to_no_commit_that_the_branch_does_not_have() {
    let repository = files("protected = true\n");
    let clone = repository.clone_path();
    repository.git_in(&clone, &["switch", "-q", "-c", "mine"]);
    std::fs::write(clone.join("prod/web.yaml"), "image: {tag: 7.7.7}\n").unwrap();
    repository.git_in(&clone, &["commit", "-q", "-a", "-m", "mine"]);
    let (tip, mine) = (
        repository.tip(),
        repository.git_in(&clone, &["rev-parse", "HEAD"]),
    );
    for to in ["mine", &mine] {
        repository
            .tidegate(&["revert", "web", "prod", "--to", to, "--yes"])
            .exits(2)
            .says("is no commit of origin/main");
    }
    assert_eq!(repository.tip(), tip);
}

#[test]
fn what_is_gone_for_a_while_was_reverted_all_the_same() {
    for gap in [
        None,
        Some("image: {tag: \"{{ x }}\"}\n"),
        Some("image: {tag: null}\n"),
    ] {
        let repository = files("protected = true\n");
        repository.write("prod/web.yaml", "image: {tag: 1.1.0}\n");
        repository.publish("Promote");
        match gap {
            Some(text) => repository.write("prod/web.yaml", text),
            None => std::fs::remove_file(repository.colleague().join("prod/web.yaml")).unwrap(),
        }
        repository.publish("Out of prod");
        repository.write("prod/web.yaml", "image: {tag: 1.0.0}\n");
        repository.publish("Back to 1.0.0");
        repository.pull();
        let tip = repository.tip();
        repository
            .tidegate(&[
                "promote", "--all", "--from", "staging", "--to", "prod", "--yes",
            ])
            .exits(3)
            .shows("reverted");
        assert_eq!(repository.tip(), tip, "{gap:?}");
    }
}

#[test]
fn what_is_delivered_is_judged_by_the_policy_of_now() {
    let repository = files("");
    // A bare clone has no file of its own: the branch's tip says the policy, and this clone is one fetch behind.
    let bare = repository.remote().with_file_name("bare");
    let remote = repository.remote().display().to_string();
    let name = bare.display().to_string();
    repository.git_in(
        &repository.remote(),
        &["clone", "-q", "--bare", &remote, &name],
    );
    repository.write(
        "tidegate.toml",
        &format!("{FILES}deliver = \"branch\"\n{LAYOUT}"),
    );
    let policy = repository.publish("Production by pull request only");
    let promote = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    repository.run(&bare, &promote, "", &[]).exits(0);
    assert_eq!(repository.tip(), policy);
}
