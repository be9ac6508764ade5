//! What an environment asks of its pull requests: waited for live, counted by who may say it, and told where it is missing.

use serde_json::json;

use super::*;

const GATE: &str = "approvals = { need = 2, from = [\"@acme/oncall\"], checks = [\"smoke\"] }";

/// `prod` asks for this.
pub(super) fn asking(gate: &str) -> Repository {
    let repository = ready();
    let configuration = repository.at_tip("tidegate.toml");
    let gate = format!("protected = true\n[environments.gates]\n{gate}\n");
    let with = configuration.replace("protected = true\n", &gate);
    assert_ne!(with, configuration);
    repository.write("tidegate.toml", &with);
    repository.publish("Policy");
    repository.pull();
    repository
}

fn oncall(fake: &Fake) {
    let people = ["alice", "bob", "ola"].map(str::to_owned).to_vec();
    fake.state().teams = vec![("oncall".to_owned(), Some(people))];
}

/// GitHub's environments have people of their own.
pub(super) fn guarded(dialect: Dialect, document: Option<Document>) {
    let repository = asking("approvals = { need = 1 }");
    let fake = Fake::serve(&repository, dialect, document);
    let promote = [
        "promote",
        "checkout",
        "--from",
        "staging",
        "--to",
        "prod",
        "--deliver",
        "pull-request",
        "--dry-run",
        "--no-live",
        "-o",
        "json",
    ];
    let said = |fake: &Fake, guard: Value| {
        fake.state().guard = Some(guard);
        let token = [("FORGE_TOKEN", TOKEN)];
        let said = repository.run(&repository.clone_path(), &promote, "", &token);
        let plan = said.exits(0).json();
        let verdicts = plan["changes"][0]["verdicts"].as_array().cloned();
        let mut verdicts = verdicts.into_iter().flatten();
        let found = verdicts.find(|it| it["gate"] == "approvals").unwrap();
        found["detail"].as_str().unwrap_or_default().to_owned()
    };
    let nothing = said(&fake, json!([]));
    assert!(
        nothing.ends_with("waits for that at its pull request"),
        "{nothing}"
    );
    let rules = json!([
        { "id": 1, "node_id": "GA_1", "type": "required_reviewers", "prevent_self_review": true,
          "reviewers": [
            { "type": "User", "reviewer": { "login": "alice" } },
            { "type": "Team", "reviewer": { "slug": "oncall" } },
          ] },
        { "id": 2, "node_id": "GA_2", "type": "wait_timer", "wait_timer": 30 },
    ]);
    let more = said(&fake, rules);
    assert!(
        more.ends_with(
            "; the forge's environment prod asks for more: alice or @acme/oncall lets it through, not who began it; it waits \
             for 30 minutes"
        ),
        "{more}"
    );
    fake.is_content();
}

#[test]
fn who_else_lets_it_through_on_github_is_told() {
    guarded(Dialect::Github, None);
}

pub(super) fn whole_way(dialect: Dialect, document: Option<Document>) {
    let repository = asking(GATE);
    let fake = Fake::serve(&repository, dialect, document);
    // The branch asks for less.
    fake.state().need = 1;
    oncall(&fake);
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion
        .says("prod asks for 2 approvals of @acme/oncall, and smoke to pass; the delivery waits");
    promotion.says("#1 waits for 2 approvals of @acme/oncall, smoke");
    // Neither its author nor anybody else counts.
    fake.review(1, "ola", "APPROVED");
    fake.review(1, "carol", "APPROVED");
    fake.review(1, "alice", "APPROVED");
    promotion.says("#1 waits for 1 approval of @acme/oncall, smoke");
    fake.state().checks = vec![("smoke".to_owned(), "success".to_owned())];
    promotion.says("#1 waits for 1 approval of @acme/oncall");
    // What was approved is not what is there now.
    fake.push_to(&repository, 1);
    promotion
        .says("#1 waits for 2 approvals of @acme/oncall (alice, carol approved an earlier commit)");
    fake.review(1, "alice", "APPROVED");
    fake.review(1, "bob", "APPROVED");
    promotion.says("#1 waits for its merge");
    fake.merge(&repository, 1);
    let (code, value, words) = promotion.end();
    fake.is_content();
    assert_eq!(code, 0, "{words}");
    assert!(!words.contains("without"), "{words}");
    let request = &value["pull_request"];
    assert_eq!(request["merged_without"], Value::Null);
    let approvals = &request["approvals"];
    assert_eq!(
        (&approvals["have"], &approvals["need"]),
        (&2.into(), &2.into())
    );
    let asked = &approvals["asked"][0];
    assert_eq!(asked["environment"], "prod");
    assert_eq!(asked["by"], json!(["alice", "bob"]));
    keeps_no_token(&repository);
}

#[test]
fn only_what_the_environment_asks_for_counts() {
    for dialect in ALL {
        whole_way(dialect, None);
    }
}

#[test]
fn a_merge_without_what_was_asked_for_is_told_and_followed() {
    for dialect in ALL {
        let repository = asking(GATE);
        let fake = Fake::serve(&repository, dialect, None);
        oncall(&fake);
        fake.state().checks = vec![("smoke".to_owned(), "success".to_owned())];
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 2 approvals of @acme/oncall");
        fake.review(1, "bob", "APPROVED");
        promotion.says("#1 waits for 1 approval of @acme/oncall");
        fake.merge(&repository, 1);
        let (code, value, words) = promotion.end();
        fake.is_content();
        assert_eq!(code, 0, "{words}");
        let told = "without 1 of the 2 approvals of @acme/oncall that prod asks for";
        assert!(words.contains(&format!("#1 is merged {told}")), "{words}");
        let request = &value["pull_request"];
        assert_eq!(request["merged_without"], format!(" {told}").trim());
        assert_eq!(request["approvals"]["have"], 1);
    }
}

#[test]
fn who_is_of_a_team_that_nobody_may_see_is_not_known() {
    for dialect in ALL {
        let gate = "approvals = { need = 1, from = [\"carol\", \"@acme/oncall\"] }";
        let repository = asking(gate);
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().teams = vec![("oncall".to_owned(), None)];
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 1 approval of carol or @acme/oncall");
        fake.review(1, "alice", "APPROVED");
        promotion.says("whether the approval of alice counts is not known: who is of @acme/oncall: this identity may not see it");
        // Somebody who is named needs no team.
        fake.review(1, "carol", "APPROVED");
        promotion.says("#1 waits for its merge");
        fake.merge(&repository, 1);
        let (code, _, words) = promotion.end();
        fake.is_content();
        assert_eq!(code, 0, "{words}");
    }
}

#[test]
fn a_push_is_held_and_a_revert_is_not() {
    let repository = asking(GATE);
    let promote = |more: &[&str]| {
        let to = [
            "promote",
            "checkout",
            "--from",
            "staging",
            "--to",
            "prod",
            "--no-live",
            "--yes",
        ];
        repository.tidegate(&[&to[..], more].concat())
    };
    let tip = repository.tip();
    promote(&[])
        .exits(3)
        .shows("approvals hold: prod asks for 2 approvals of @acme/oncall, and smoke to pass, and a push has none: --deliver pull-request");
    assert_eq!(repository.tip(), tip);
    promote(&["--override", "approvals", "--reason", "Mends the outage"]).exits(0);
    assert!(repository.message().contains("Mends the outage"));
    repository
        .tidegate(&["revert", "checkout", "prod", "--yes", "--no-live"])
        .exits(0)
        .shows("approvals warn: prod asks for 2 approvals");
}

#[test]
fn whose_the_files_are_is_told_before_and_in_the_pull_request() {
    for (dialect, place, pattern) in [
        (Dialect::Github, ".github/CODEOWNERS", "/apps/**"),
        (Dialect::Gitlab, ".gitlab/CODEOWNERS", "/apps/"),
        (Dialect::Gitea, "CODEOWNERS", "apps/.*"),
    ] {
        let repository = ready();
        let text = format!("docs/.* @docs\n{pattern} @acme/web @alice\n");
        repository.write(place, &text);
        repository.publish("Owners");
        repository.pull();
        let fake = Fake::serve(&repository, dialect, None);
        let (code, _, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{words}");
        let told = format!(
            "{pattern} is owned by @acme/web, @alice: @acme/web or @alice has to approve where main asks for its owners ({place})"
        );
        assert!(words.contains(&told), "{dialect:?}: {words}");
        let body = fake.pull(1).body;
        // Nobody is called by it.
        for part in ["## Whose it is", "is owned by @<!-- -->acme/web"] {
            assert!(body.contains(part), "{part}: {body}");
        }
        fake.is_content();
    }
}
