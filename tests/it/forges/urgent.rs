//! Going back where nothing can be pushed: marked, called, and merged by the forge as soon as it may.

use super::*;

pub(super) fn goes_back(dialect: Dialect, document: Option<Document>) {
    let repository = merging::saying(
        "deliver = \"pull-request\"\n[environments.gates]\napprovals = { need = 1, from = [\"alice\"] }\n\
         [environments.pull-request]\ndraft = true\nurgent = { labels = [\"promotion\"] }",
        "",
    );
    repository.bump("checkout", "prod", "1.1.0");
    repository.pull();
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = 1;
    let file = repository.home().join("config/tidegate/config.toml");
    let mut own = fs::read_to_string(&file).unwrap();
    let told = repository.home().join("told");
    let tell = format!(
        "[[notify]]\non = [\"urgent\"]\ncommand = [\"tee\", \"-a\", \"{}\"]\n",
        told.display()
    );
    own.push_str(&tell);
    fs::write(&file, own).unwrap();
    let clone = repository.clone_path();
    let revert = [
        "revert",
        "checkout",
        "prod",
        "--to",
        "1.0.0",
        "--yes",
        "--no-live",
        "-o",
        "json",
    ];
    let said = repository.run(&clone, &revert, "", &[("FORGE_TOKEN", TOKEN)]);
    let said = said.exits(0);
    let said = said.says("its pull request is marked as urgent");
    let value = said.json();
    let then = value["pull_request"]["then"].as_str().unwrap_or_default();
    assert!(then.ends_with("merges it then"), "{dialect:?}: {value}");
    let pull = fake.pull(1);
    assert!(pull.title.starts_with("Urgent: "), "{pull:?}");
    assert!(
        pull.body
            .starts_with("**Urgent: this goes back.** It can be let through by @alice."),
        "{pull:?}"
    );
    assert!(pull.auto && !pull.draft, "{pull:?}");
    assert_eq!(
        (pull.labels.len(), pull.reviewers.len()),
        (1, 1),
        "{pull:?}"
    );
    assert_eq!(fake.state().merges, 0);
    // Those who asked for it are told, with who may let it through.
    let told = fs::read_to_string(told).unwrap();
    let told: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!(told["event"], "urgent");
    assert_eq!(told["detail"], "it can be let through by alice", "{told}");
    fake.review(1, "alice", "APPROVED");
    fake.state().merge_by_itself(&repository.remote());
    assert_eq!(fake.state().merges, 1);
    fake.is_content();
}

#[test]
fn a_revert_that_cannot_be_pushed_is_urgent() {
    for dialect in ALL {
        goes_back(dialect, None);
    }
}
