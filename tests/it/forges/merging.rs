//! Who merges a pull request of ours: nobody but somebody where the environment does not say otherwise.

use super::*;

/// `prod` says this of its pull requests; more of the file behind it.
pub(super) fn saying(words: &str, more: &str) -> Repository {
    let repository = ready();
    let configuration = repository.at_tip("tidegate.toml");
    let own = format!("protected = true\n{words}\n");
    let with = configuration.replace("protected = true\n", &own) + more;
    assert_ne!(with, configuration);
    repository.write("tidegate.toml", &with);
    repository.publish("Policy");
    repository.pull();
    repository
}

const WHEN_READY: &str = "[environments.pull-request]\nmerge = \"when-ready\"";
const AUTO: &str = "[environments.pull-request]\nmerge = \"auto\"";

pub(super) fn when_ready(dialect: Dialect, document: Option<Document>) {
    let repository = saying(WHEN_READY, "");
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = 1;
    fake.state().checks = vec![("smoke".to_owned(), "pending".to_owned())];
    let before = repository.tip();
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion.says("#1 waits for 1 approval, ");
    fake.review(1, "alice", "APPROVED");
    let check = match dialect {
        Dialect::Gitlab => "pipeline",
        _ => "smoke",
    };
    promotion.says(&format!("#1 waits for {check}; it is merged then"));
    assert_eq!(repository.tip(), before, "not before everything is there");
    "success".clone_into(&mut fake.state().checks[0].1);
    let (code, value, words) = promotion.end();
    fake.is_content();
    assert_eq!(code, 0, "{dialect:?}: {words}");
    assert_eq!(value["pull_request"]["state"], "merged", "{words}");
    assert_eq!(value["pull_request"]["then"], Value::Null);
    assert_eq!(fake.state().merges, 1);
    assert_eq!(
        value["pull_request"]["merged"],
        repository.tip().as_str(),
        "{words}"
    );
    keeps_no_token(&repository);
}

pub(super) fn by_the_forge(dialect: Dialect, document: Option<Document>) {
    let repository = saying(AUTO, "");
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = 1;
    // Nobody waits for it: the forge merges it whenever that is.
    let (code, value, words) = promote(&repository, &[]);
    assert_eq!(code, 0, "{dialect:?}: {words}");
    let then = format!("{dialect:?} merges it then")
        .replace("lab", "Lab")
        .replace("hub", "Hub");
    assert_eq!(value["pull_request"]["then"], then.as_str(), "{words}");
    assert!(
        words.contains(&format!("#1 waits for 1 approval; {then}")),
        "{words}"
    );
    assert!(fake.pull(1).auto);
    // It is asked once.
    let asked = |fake: &Fake| {
        let state = fake.state();
        let asks = |line: &&String| line.ends_with("/graphql") || line.ends_with("/merge");
        state.asked.iter().filter(asks).count()
    };
    assert_eq!(asked(&fake), 1);
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion.says("#1 waits for 1 approval");
    fake.review(1, "alice", "APPROVED");
    let (code, value, words) = promotion.end();
    fake.is_content();
    assert_eq!(code, 0, "{dialect:?}: {words}");
    assert_eq!(value["pull_request"]["state"], "merged");
    assert_eq!(fake.state().merges, 1);
    // Gitea does not say that it was asked, and says so when it is asked again.
    let again = usize::from(dialect == Dialect::Gitea);
    assert_eq!(asked(&fake), 1 + again);
}

#[test]
fn it_is_merged_when_everything_that_is_required_is_there() {
    for dialect in ALL {
        when_ready(dialect, None);
    }
}

#[test]
fn the_forge_is_asked_to_merge_it_by_itself() {
    for dialect in ALL {
        by_the_forge(dialect, None);
    }
}

#[test]
fn where_the_forge_does_not_merge_by_itself_tidegate_does() {
    for dialect in ALL {
        let repository = saying(AUTO, "");
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        fake.state().no_auto = true;
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("does not merge it by itself");
        fake.review(1, "alice", "APPROVED");
        let (code, value, words) = promotion.end();
        fake.is_content();
        assert_eq!(code, 0, "{dialect:?}: {words}");
        assert_eq!(value["pull_request"]["state"], "merged");
        assert_eq!(fake.state().merges, 1);
    }
}

#[test]
fn what_the_environment_asks_beyond_the_branch_comes_before_the_forge_is_asked() {
    let asks = format!("[environments.gates]\napprovals = {{ need = 2 }}\n{AUTO}");
    for dialect in ALL {
        let repository = saying(&asks, "");
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 2 approvals; it is merged then");
        fake.review(1, "alice", "APPROVED");
        promotion.says("#1 waits for 1 approval; it is merged then");
        assert!(!fake.pull(1).auto, "{dialect:?}");
        fake.review(1, "bob", "APPROVED");
        let (code, _, words) = promotion.end();
        fake.is_content();
        assert_eq!(code, 0, "{dialect:?}: {words}");
        assert_eq!(fake.state().merges, 1);
    }
}

#[test]
fn what_others_pushed_to_its_branch_is_merged_by_them() {
    let repository = saying(WHEN_READY, "");
    let fake = Fake::serve(&repository, Dialect::Github, None);
    fake.state().need = 1;
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion.says("#1 waits for 1 approval; it is merged then");
    fake.push_to(&repository, 1);
    fake.review(1, "alice", "APPROVED");
    promotion.says("somebody else has to merge it");
    assert_eq!(fake.state().merges, 0);
    fake.merge(&repository, 1);
    let (code, _, words) = promotion.end();
    assert_eq!(code, 0, "{words}");
    assert_eq!(fake.state().merges, 0);
    fake.is_content();
}

#[test]
fn a_freeze_or_a_veto_that_came_since_keeps_it_open() {
    // One that is over when it is planned, and holds at any minute: it was lifted for this one, and not for that one.
    let freeze = "\n[[windows]]\nname = \"always\"\nkind = \"deny\"\ncron = \"* * * * *\"\nduration = \"2h\"\nzone = \"UTC\"\n";
    let repository = saying(WHEN_READY, freeze);
    let fake = Fake::serve(&repository, Dialect::Gitea, None);
    fake.state().need = 1;
    let (code, _, words) = promote(&repository, &[]);
    assert_eq!(code, 3, "{words}");
    let lifted = ["--wait", "--override", "window", "--reason", "cards fail"];
    let mut promotion = Promotion::begin(&repository, &lifted);
    promotion.says("#1 waits for 1 approval; it is merged then");
    fake.review(1, "alice", "APPROVED");
    let (code, _, words) = promotion.end();
    assert_eq!(code, 0, "{words}");
    assert_eq!(fake.state().merges, 1);

    let repository = saying(WHEN_READY, "");
    let fake = Fake::serve(&repository, Dialect::Gitea, None);
    fake.state().need = 1;
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion.says("#1 waits for 1 approval; it is merged then");
    let veto = "[[veto]]\nservice = \"checkout\"\nversion = \"1.1.0\"\nreason = \"loses orders\"\n";
    repository.git_in(&repository.colleague(), &["fetch", "-q", "origin"]);
    repository.git_in(
        &repository.colleague(),
        &["reset", "-q", "--hard", "origin/main"],
    );
    repository.write("vetoes.toml", veto);
    repository.publish("Veto");
    fake.review(1, "alice", "APPROVED");
    promotion.says("not merged: 1.1.0 is vetoed: loses orders");
    promotion.kill();
    assert_eq!(fake.state().merges, 0);
    fake.is_content();
}

/// Killed while it is merged, in both senses, then taken up: it is merged once.
#[test]
fn what_was_killed_while_it_merged_is_merged_once() {
    for (dialect, fault) in [
        (Dialect::Github, Fault::Unanswered),
        (Dialect::Gitlab, Fault::Silent),
        (Dialect::Gitea, Fault::Unanswered),
    ] {
        let repository = saying(WHEN_READY, "");
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 1 approval; it is merged then");
        let asks = match dialect {
            Dialect::Github => "PUT /repos/acme/deploy/pulls/1/merge",
            Dialect::Gitlab => "PUT /projects/acme%2Fdeploy/merge_requests/1/merge",
            Dialect::Gitea => "POST /repos/acme/deploy/pulls/1/merge",
        };
        let silent = matches!(fault, Fault::Silent);
        fake.fault(asks, fault);
        fake.review(1, "alice", "APPROVED");
        until("it is asked to merge it", || {
            let asked = fake.state().asked.iter().any(|line| line == asks);
            asked.then_some(())
        });
        promotion.kill();
        assert_eq!(kept(&repository), 1);
        // The console starts read-only: what others confirmed before is not merged by looking at it.
        let mut operator = console(&repository);
        operator.terminal.press("d");
        if silent {
            operator.terminal.until("what it waits for", SOON, |view| {
                view.has("it is merged when writing is unlocked")
            });
            assert_eq!(fake.state().merges, 0);
            operator.command("write");
        }
        until("its merge", || (fake.state().merges == 1).then_some(()));
        until("its end", || (kept(&repository) == 0).then_some(()));
        operator.leave();
        assert_eq!(fake.state().merges, 1, "{dialect:?}");
        fake.is_content();
    }
}
