//! What forges do not say: that is told, ends in time, and is never taken for a yes.

use super::*;

/// One that is open before anything goes wrong.
fn opened(dialect: Dialect) -> (Repository, Fake) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, None);
    fake.state().need = 1;
    let (code, _, words) = promote(&repository, &[]);
    assert_eq!(code, 0, "{words}");
    (repository, fake)
}

#[test]
fn a_token_that_is_revoked_ends_the_wait() {
    for dialect in ALL {
        let (repository, fake) = opened(dialect);
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 1 approval");
        // One that is renewed does not.
        fake.fault("GET /", Fault::Status(401, String::new()));
        fake.review(1, "alice", "APPROVED");
        promotion.says("#1 waits for its merge");
        fake.state().revoked = true;
        let (code, _, words) = promotion.end();
        assert_eq!(code, 1, "{dialect:?}: {words}");
        let said = "does not take the token of the variable FORGE_TOKEN";
        assert!(words.contains(said), "{dialect:?}: {words}");
    }
}

#[test]
fn a_pause_that_a_forge_asks_for_is_no_longer_than_the_timeout() {
    const LOOK: &str = "GET /repos/acme/deploy/pulls/1";
    let (repository, fake) = opened(Dialect::Github);
    // One that nobody waits for is kept as well.
    for seconds in ["600", "3600", "18446744073709551615"] {
        let mut promotion = Promotion::begin(&repository, &["--wait", "--timeout", "5s"]);
        promotion.says("#1 waits for 1 approval");
        let later = format!("Retry-After: {seconds}\r\n");
        fake.fault(LOOK, Fault::Status(429, later));
        fake.state().asked.clear();
        let (code, _, words) = promotion.end();
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("timed out after 5s"), "{words}");
        let state = fake.state();
        let looks = state.asked.iter().filter(|line| *line == LOOK).count();
        assert!(looks <= 1, "{seconds}: {:?}", state.asked);
    }
}

#[test]
fn one_that_is_open_is_said_to_be_open_whatever_is_not_known_of_it() {
    for (dialect, look) in [
        (Dialect::Github, "GET /repos/acme/deploy/pulls/1"),
        (Dialect::Gitea, "GET /repos/acme/deploy/pulls/1"),
        (
            Dialect::Gitlab,
            "GET /projects/acme%2Fdeploy/merge_requests/1",
        ),
    ] {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.fault(look, Fault::Status(500, String::new()));
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{dialect:?}: {words}");
        let request = &value["pull_request"];
        assert_eq!(request["number"], 1, "{value}");
        assert_eq!(request["checks"], "pending", "{value}");
        assert_eq!(request["checks_known"], false, "{value}");
        assert!(
            request["url"].as_str().unwrap().starts_with(&fake.url()),
            "{value}"
        );
        assert_eq!(fake.openings(), 1);
        fake.is_content();
    }
}

#[test]
fn what_is_not_said_of_those_that_are_open_is_not_that_there_are_none() {
    for (dialect, asks) in [
        (Dialect::Github, "GET /repos/acme/deploy/pulls?state=open"),
        (Dialect::Gitea, "GET /repos/acme/deploy/pulls?state=open"),
        (
            Dialect::Gitlab,
            "GET /projects/acme%2Fdeploy/merge_requests?state=opened",
        ),
    ] {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        for (status, said) in [(200, "is no list"), (500, "failed with 500")] {
            // The plan asks too, for what is open for its cells.
            fake.fault(asks, Fault::Status(status, String::new()));
            fake.fault(asks, Fault::Status(status, String::new()));
            let (code, _, words) = promote(&repository, &[]);
            assert_eq!(code, 1, "{dialect:?}: {words}");
            for part in [
                said,
                "is pushed, and whether its pull request is open is not known",
                "opens none twice",
            ] {
                assert!(words.contains(part), "{dialect:?}: {words}");
            }
            assert_eq!(fake.openings(), 0, "{dialect:?}");
        }
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{dialect:?}: {words}");
        assert_eq!(value["pull_request"]["number"], 1);
        fake.is_content();
    }
}

#[test]
fn checks_that_cannot_be_seen_have_not_passed() {
    for (dialect, path) in [
        (Dialect::Github, "check-runs"),
        (Dialect::Github, "status"),
        (Dialect::Gitea, "status"),
    ] {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().checks = vec![("smoke".to_owned(), "success".to_owned())];
        let tip = |fake: &Fake| fake::head(&repository.remote(), &fake.pull(1).branch);
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{words}");
        assert_eq!(value["pull_request"]["checks"], "pass");
        let begins = format!("GET /repos/acme/deploy/commits/{}/{path}", tip(&fake));
        // The plan asks too, for what is open for its cells.
        fake.fault(&begins, Fault::Status(403, String::new()));
        fake.fault(&begins, Fault::Status(403, String::new()));
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{words}");
        let request = &value["pull_request"];
        assert_eq!(request["checks"], "pending", "{dialect:?} {path}");
        assert_eq!(request["checks_known"], false, "{dialect:?} {path}");
        assert_eq!(request["waits"], "its checks, which cannot be seen");
    }
}

#[test]
fn checks_of_every_page_count_and_those_of_no_page_are_not_known() {
    let some = |count: usize, last: &str| {
        let each = (0..count).map(|at| if at + 1 < count { "success" } else { last });
        let named = each.enumerate();
        named
            .map(|(at, says)| (format!("check {at}"), says.to_owned()))
            .collect::<Vec<_>>()
    };
    for (dialect, page, checks, statuses, word) in [
        (
            Dialect::Github,
            2,
            some(3, "success"),
            some(5, "success"),
            "pass",
        ),
        (
            Dialect::Github,
            2,
            some(2, "success"),
            some(5, "failure"),
            "fail",
        ),
        (
            Dialect::Github,
            2,
            some(5, "failure"),
            some(2, "success"),
            "fail",
        ),
        (
            Dialect::Github,
            100,
            Vec::new(),
            some(100, "success"),
            "pass",
        ),
        // No next page is named, and one may be there.
        (
            Dialect::Gitea,
            50,
            some(50, "success"),
            Vec::new(),
            "pending",
        ),
        (
            Dialect::Gitea,
            50,
            some(51, "failure"),
            Vec::new(),
            "pending",
        ),
        (Dialect::Gitea, 50, some(49, "success"), Vec::new(), "pass"),
    ] {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        let case = format!("{dialect:?}: {} and {}", checks.len(), statuses.len());
        {
            let mut state = fake.state();
            (state.page, state.checks, state.statuses) = (page, checks, statuses);
        }
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{case}: {words}");
        assert_eq!(value["pull_request"]["checks"], word, "{case}");
        fake.is_content();
    }
}

#[test]
fn what_goes_beside_a_pull_request_does_not_stop_it() {
    for (dialect, asks) in [
        (Dialect::Gitlab, "GET /users"),
        (Dialect::Gitea, "GET /repos/acme/deploy/labels"),
    ] {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        let own = repository.home().join("config/tidegate/config.toml");
        let text = fs::read_to_string(&own).unwrap();
        let more = "[[environments]]\nname = \"prod\"\npull-request = { labels = [\"promotion\"], reviewers = [\"alice\"] }\n";
        crate::support::repo::write(&own, format!("{text}{more}").as_bytes());
        fake.fault(asks, Fault::Status(500, String::new()));
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{dialect:?}: {words}");
        assert_eq!(value["pull_request"]["number"], 1);
        let said = match dialect {
            Dialect::Gitlab => "`alice` was not asked to review it",
            _ => "it has no labels",
        };
        assert!(words.contains(said), "{dialect:?}: {words}");
        fake.is_content();
    }
}

#[test]
fn no_page_is_read_behind_what_is_looked_at() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        repository.pull();
        let branch = bot(&repository, "prod", "1.2.0");
        for _ in 0..51 {
            fake.open(&branch, "renovate");
        }
        fake.state().page = 25;
        let clone = repository.clone_path();
        let status = ["status", "--no-live", "-o", "json"];
        repository
            .run(&clone, &status, "", &[("FORGE_TOKEN", TOKEN)])
            .exits(0);
        let state = fake.state();
        let lists = state
            .asked
            .iter()
            .filter(|line| line.contains("state=open"));
        let lists: Vec<&String> = lists.collect();
        assert!(lists.len() <= 2, "{dialect:?}: {lists:?}");
    }
}
