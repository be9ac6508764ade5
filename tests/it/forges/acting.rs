//! What others opened is approved and merged by command and from the screen, with a confirmation.

use super::*;

fn act(repository: &Repository, arguments: &[&str]) -> crate::support::repo::Said {
    let arguments = [&["pull-request"], arguments, &["-o", "json"]].concat();
    let clone = repository.clone_path();
    repository.run(&clone, &arguments, "", &[("FORGE_TOKEN", TOKEN)])
}

/// A change of a bot, which needs so many approvals.
fn of_a_bot(dialect: Dialect, document: Option<Document>, need: u64) -> (Repository, Fake) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = need;
    repository.pull();
    let branch = bot(&repository, "prod", "1.2.0");
    fake.open(&branch, "renovate");
    (repository, fake)
}

/// It is not merged for want of an approval, and is once alice has given it.
fn waits_for_alice(repository: &Repository, fake: &Fake) {
    act(repository, &["merge", "1", "--yes"])
        .exits(1)
        .says("#1 waits for 1 approval");
    fake.review(1, "alice", "APPROVED");
    act(repository, &["merge", "1", "--yes"]).exits(0);
    assert_eq!(fake.state().merges, 1);
    fake.is_content();
}

pub(super) fn by_command(dialect: Dialect, document: Option<Document>) {
    let (repository, fake) = of_a_bot(dialect, document, 1);
    let before = repository.tip();
    let said = act(&repository, &["show", "1"]).exits(0);
    assert_eq!(said.json()["pull_request"]["waits"], "1 approval");
    act(&repository, &["merge", "1", "--yes"])
        .exits(1)
        .says("#1 waits for 1 approval");
    let said = act(&repository, &["approve", "1", "--dry-run"]).exits(0);
    assert_eq!(said.json()["outcome"], "dry-run");
    act(&repository, &["approve", "1"])
        .exits(2)
        .says("--yes confirms");
    assert!(fake.pull(1).reviews.is_empty());
    let said = act(&repository, &["approve", "#1", "--yes"]).exits(0);
    let said = said.says("#1 brings 1.2.0 into checkout / prod");
    let value = said.json();
    assert_eq!(value["outcome"], "approved");
    assert_eq!(
        value["pull_request"]["approvals"]["by"],
        serde_json::json!(["ola"])
    );
    // Nothing twice.
    let value = act(&repository, &["approve", "1", "--yes"]).exits(0).json();
    assert_eq!(value["outcome"], "already-there");
    assert_eq!(fake.pull(1).reviews.len(), 1);
    assert_eq!(repository.tip(), before);
    let value = act(&repository, &["merge", "1", "--yes"]).exits(0).json();
    assert_eq!(
        (&value["outcome"], &value["pull_request"]["state"]),
        (&"merged".into(), &"merged".into())
    );
    let value = act(&repository, &["merge", "1", "--yes"]).exits(0).json();
    assert_eq!(value["outcome"], "already-there");
    assert_eq!(fake.state().merges, 1);
    act(&repository, &["approve", "1", "--yes"])
        .exits(1)
        .says("#1 is merged");
    fake.is_content();
    keeps_no_token(&repository);
}

#[test]
fn what_others_opened_is_approved_and_merged_by_command() {
    for dialect in ALL {
        by_command(dialect, None);
    }
}

#[test]
fn nobody_approves_their_own() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        promote(&repository, &[]);
        act(&repository, &["approve", "1", "--yes"])
            .exits(1)
            .says("#1 was opened by ola, whose token this is: ")
            .says("counts no approval of its author");
        waits_for_alice(&repository, &fake);
    }
}

#[test]
fn what_an_environment_asks_and_freezes_and_vetoes_hold_what_others_opened_too() {
    let freeze = "\n[[windows]]\nname = \"always\"\nkind = \"deny\"\ncron = \"* * * * *\"\nduration = \"2h\"\nzone = \"UTC\"\n";
    for (words, more, said, code) in [
        (
            "[environments.gates]\napprovals = { need = 2 }",
            "",
            "#1 waits for 2 approvals",
            1,
        ),
        ("", freeze, "the freeze `always` holds", 3),
    ] {
        let repository = merging::saying(words, more);
        let fake = Fake::serve(&repository, Dialect::Gitea, None);
        let branch = bot(&repository, "prod", "1.2.0");
        fake.open(&branch, "renovate");
        act(&repository, &["merge", "1", "--yes"])
            .exits(code)
            .says(said);
        assert_eq!(fake.state().merges, 0);
        fake.is_content();
    }
}

#[test]
fn an_approval_of_somebody_whose_word_does_not_count_is_none() {
    let (repository, fake) = of_a_bot(Dialect::Gitea, None, 1);
    fake.review(1, "guest", "APPROVED");
    waits_for_alice(&repository, &fake);
}

/// Its name is typed, and what was looked at is what is merged: not another commit that came meanwhile.
#[test]
fn a_protected_environment_is_named_before_it_is_merged_into() {
    for moved in [false, true] {
        let repository = ready();
        let fake = Fake::serve(&repository, Dialect::Gitea, None);
        let branch = bot(&repository, "prod", "1.2.0");
        fake.open(&branch, "renovate");
        repository.pull();
        let mut operator = console(&repository);
        operator.go_to("checkout", "prod");
        operator
            .terminal
            .until("the proposal", SOON, |view| view.has("+ 1.2.0 #1"));
        operator.command("write");
        operator.command("merge");
        let asked = "prod is protected: type its name";
        operator
            .terminal
            .until("the question", SOON, |view| view.has(asked));
        operator.terminal.press("dev\r");
        operator
            .terminal
            .until("the refusal", SOON, |view| view.has("that is another name"));
        assert_eq!(fake.state().merges, 0);
        if moved {
            fake.push_to(&repository, 1);
        }
        operator.terminal.press("\x15prod\r");
        if moved {
            operator.terminal.until("the refusal", SOON, |view| {
                view.has("at another commit than what was asked about")
            });
        } else {
            until("the merge", || (fake.state().merges == 1).then_some(()));
        }
        operator.leave();
        assert_eq!(fake.state().merges, usize::from(!moved));
        fake.is_content();
    }
}

#[test]
fn what_others_opened_is_approved_and_merged_from_the_screen() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        let branch = bot(&repository, "dev", "1.2.0");
        fake.open(&branch, "renovate");
        repository.pull();
        let mut operator = console(&repository);
        operator.terminal.until("the proposal", SOON, |view| {
            view.has("+ 1.2.0 #1 waits for 1 approval (renovate)")
        });
        operator.command("approve");
        operator
            .terminal
            .until("that nothing may be written", SOON, |view| {
                view.has("read-only")
            });
        operator.command("write");
        operator.command("approve");
        operator.terminal.until("the question", SOON, |view| {
            view.has("Approve #1 of renovate: 1.2.0 into checkout / dev?")
        });
        operator.terminal.press("n");
        operator
            .terminal
            .until("that it was not", SOON, |view| view.has("nothing was done"));
        assert!(fake.pull(1).reviews.is_empty());
        operator.command("approve");
        operator
            .terminal
            .until("the question", SOON, |view| view.has("Approve #1"));
        operator
            .terminal
            .press_until("y", "that it goes", SOON, |view| !view.has("Approve #1"));
        until("the approval", || {
            (fake.pull(1).reviews.len() == 1).then_some(())
        });
        operator.terminal.until("that it is seen", SOON, |view| {
            view.has("#1 waits for its merge")
        });
        operator.command("merge");
        operator.terminal.until("the question", SOON, |view| {
            view.has("Merge #1 of renovate")
        });
        operator
            .terminal
            .press_until("y", "that it goes", SOON, |view| !view.has("Merge #1"));
        until("the merge", || (fake.state().merges == 1).then_some(()));
        operator.leave();
        assert_eq!(
            (fake.pull(1).reviews.len(), fake.state().merges),
            (1, 1),
            "{dialect:?}"
        );
        fake.is_content();
        keeps_no_token(&repository);
    }
}
