//! Pull requests: opened once, followed to their merge and beyond, on forges over sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a harness fails by panicking

mod acting;
mod approvals;
mod closing;
mod dialects;
mod fake;
mod merging;
mod openapi;
mod source_code;
mod unclear;
mod urgent;

use std::{
    fs,
    io::Read as _,
    process::{Child, Stdio},
    sync::mpsc::Receiver,
};

use serde_json::Value;

use self::{
    fake::{Dialect, Fake, Fault, TOKEN},
    openapi::Document,
};
use crate::{
    stopping::{end, ready, signal, until, words},
    support::{
        operator::Operator,
        repo::Repository,
        terminal::{SOON, Setup, TIDEGATE},
    },
};

const ALL: [Dialect; 3] = [Dialect::Github, Dialect::Gitlab, Dialect::Gitea];

/// A promotion by a pull request that is under way.
struct Promotion {
    child: Child,
    words: Receiver<String>,
    heard: Vec<String>,
}

impl Promotion {
    fn begin(repository: &Repository, more: &[&str]) -> Self {
        let mut child = repository
            .command(TIDEGATE)
            .args(["promote", "checkout", "--from", "staging", "--to", "prod"])
            .args([
                "--yes",
                "--no-live",
                "-o",
                "json",
                "--deliver",
                "pull-request",
            ])
            .args(more)
            .env("FORGE_TOKEN", TOKEN)
            .current_dir(repository.clone_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let words = words(&mut child);
        Self {
            child,
            words,
            heard: Vec::new(),
        }
    }

    /// Waits until it says so.
    #[track_caller]
    fn says(&mut self, part: &str) {
        loop {
            let Ok(line) = self.words.recv_timeout(SOON) else {
                panic!("`{part}` is not in:\n{}", self.heard.join("\n"));
            };
            self.heard.push(line);
            if self.heard.last().unwrap().contains(part) {
                return;
            }
        }
    }

    /// Its exit code, its output as JSON, and its words.
    #[track_caller]
    fn end(mut self) -> (i32, Value, String) {
        let code = end(&mut self.child).code().unwrap();
        let mut out = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut out).unwrap();
        self.heard.extend(self.words.iter());
        let words = self.heard.join("\n");
        assert!(
            !out.contains(TOKEN) && !words.contains(TOKEN),
            "{out}\n{words}"
        );
        let value = serde_json::from_str(&out).unwrap_or_default();
        crate::support::schema::assert_described(&value);
        (code, value, words)
    }

    fn kill(mut self) {
        signal(self.child.id(), "KILL");
        end(&mut self.child);
    }
}

fn promote(repository: &Repository, more: &[&str]) -> (i32, Value, String) {
    Promotion::begin(repository, more).end()
}

/// Nothing that is kept has the token.
fn keeps_no_token(repository: &Repository) {
    let mut folders = vec![repository.home(), repository.clone_path().join(".git")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    let text = fs::read(&path).unwrap_or_default();
                    let has = text.windows(TOKEN.len()).any(|it| it == TOKEN.as_bytes());
                    assert!(!has, "{} has the token", path.display());
                }
                _ => {}
            }
        }
    }
}

fn whole_way(dialect: Dialect, document: Option<Document>) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, document);
    fake.state().need = 2;
    fake.state().checks = vec![("smoke".to_owned(), "pending".to_owned())];
    let before = repository.tip();
    let mut promotion = Promotion::begin(&repository, &["--wait", "--reason", "cards fail"]);
    let check = match dialect {
        Dialect::Gitlab => "pipeline",
        _ => "smoke",
    };
    promotion.says(&format!("#1 waits for 2 approvals, {check}"));
    let pull = fake.pull(1);
    assert_eq!(pull.title, "promote checkout 1.0.0 → 1.1.0 to prod");
    assert_eq!(pull.base, "main");
    assert!(
        pull.branch.starts_with("tidegate/promote-checkout-1.0.0"),
        "{pull:?}"
    );
    for part in [
        "cards fail",
        "| `checkout` | `prod` | `1.0.0` | `1.1.0` | promote |",
        "upstream",
        "(protected)",
        "tidegate revert checkout prod --to 1.0.0",
    ] {
        assert!(pull.body.contains(part), "{part}: {}", pull.body);
    }
    // Its own author's word does not count.
    fake.review(1, "ola", "APPROVED");
    fake.review(1, "alice", "APPROVED");
    promotion.says(&format!("#1 waits for 1 approval, {check}"));
    "success".clone_into(&mut fake.state().checks[0].1);
    promotion.says("#1 waits for 1 approval");
    fake.review(1, "bob", "APPROVED");
    promotion.says("#1 waits for its merge");
    assert_eq!(repository.tip(), before, "nothing is merged by us");
    let merged = fake.merge(&repository, 1);
    let (code, value, words) = promotion.end();
    fake.is_content();
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("#1 is merged"), "{words}");
    assert_eq!(value["outcome"], "pull-request");
    let request = &value["pull_request"];
    assert_eq!(request["number"], 1);
    assert_eq!(request["state"], "merged");
    assert_eq!(request["branch"], pull.branch.as_str());
    assert_eq!(request["waits"], Value::Null);
    assert_eq!(
        request["approvals"]["by"],
        serde_json::json!(["alice", "bob"])
    );
    assert_eq!(
        (&request["approvals"]["need"], &request["checks"]),
        (&2.into(), &"pass".into())
    );
    assert_eq!(request["merged"], merged.as_str());
    let url = request["url"].as_str().unwrap();
    assert!(url.starts_with(&fake.url()), "{url}");
    assert_eq!(fake.openings(), 1);
    keeps_no_token(&repository);
}

#[test]
fn a_pull_request_is_opened_reviewed_merged_and_followed() {
    for dialect in ALL {
        whole_way(dialect, None);
    }
}

#[test]
#[ignore = "reads GitHub's document beside the repository, ../shared/forges"]
fn what_github_is_asked_and_answers_is_in_its_own_document() {
    whole_way(Dialect::Github, Some(Document::load()));
    with_all_that_is_configured(Dialect::Github, Some(Document::load()));
    approvals::whole_way(Dialect::Github, Some(Document::load()));
    approvals::guarded(Dialect::Github, Some(Document::load()));
    acting::by_command(Dialect::Github, Some(Document::load()));
    urgent::goes_back(Dialect::Github, Some(Document::load()));
    closing::by_command(Dialect::Github, Some(Document::load()));
    source_code::changelog(Dialect::Github, Some(Document::load()));
    source_code::evidence(Dialect::Github, Some(Document::load()));
    closing::superseded(Dialect::Github, Some(Document::load()));
    merging::when_ready(Dialect::Github, Some(Document::load()));
    merging::by_the_forge(Dialect::Github, Some(Document::load()));
}

#[test]
fn it_is_found_again_and_never_opened_twice() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        for _ in 0..2 {
            let (code, value, words) = promote(&repository, &[]);
            assert_eq!(code, 0, "{words}");
            let request = &value["pull_request"];
            assert_eq!(
                (&request["number"], &request["state"]),
                (&1.into(), &"open".into())
            );
            assert_eq!(request["waits"], "1 approval");
            assert_eq!(request["approvals"]["have"], 0);
            assert_eq!(request["approvals"]["need"], 1);
            assert_eq!(request["checks"], "none");
            assert_eq!(value["outcome"], "pull-request");
        }
        assert_eq!(fake.openings(), 1, "{dialect:?}");
        // Waiting has an end where one was given, and it stays open then.
        let (code, value, words) = promote(&repository, &["--wait", "--timeout", "1s"]);
        assert_eq!(code, 1, "{words}");
        assert!(
            words.contains("timed out after 1s: #1 waits for 1 approval"),
            "{words}"
        );
        assert_eq!(value["pull_request"]["state"], "open");
        // Somebody closes it while it is waited for.
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        promotion.says("#1 waits for 1 approval");
        fake.review(1, "bob", "CHANGES_REQUESTED");
        if dialect != Dialect::Gitlab {
            promotion.says("#1 waits for the changes that bob asked for, 1 approval");
        }
        fake.change(1, |pull| "closed".clone_into(&mut pull.state));
        let (code, value, words) = promotion.end();
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("#1 was closed without a merge"), "{words}");
        assert_eq!(value["pull_request"]["state"], "closed");
        assert_eq!(fake.openings(), 1);
        // Asked for again, it is another one, from the same branch.
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{words}");
        assert_eq!(value["pull_request"]["number"], 2);
        assert_eq!(fake.openings(), 2);
        fake.is_content();
    }
}

#[test]
fn what_nobody_heard_the_end_of_is_asked_about() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.fault("POST /", Fault::Unanswered);
        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{words}");
        assert_eq!(value["pull_request"]["number"], 1);
        assert_eq!(fake.openings(), 1);
        fake.is_content();
    }
}

#[test]
fn a_forge_that_refuses_is_said_and_the_branch_is_found_again() {
    let repository = ready();
    let fake = Fake::serve(&repository, Dialect::Github, None);
    fake.fault("POST /", Fault::Status(422, String::new()));
    let (code, _, words) = promote(&repository, &[]);
    assert_eq!(code, 1);
    assert!(
        words.contains("is pushed, and its pull request is not open"),
        "{words}"
    );
    assert!(
        words.contains("The same command again finds the branch"),
        "{words}"
    );
    let (code, value, words) = promote(&repository, &[]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(value["pull_request"]["number"], 1);
    fake.is_content();
}

#[test]
fn nothing_is_pushed_where_the_forge_does_not_take_the_token() {
    let repository = ready();
    let fake = Fake::serve(&repository, Dialect::Github, None);
    let branches = || {
        let listed = repository.git_in(
            &repository.remote(),
            &["for-each-ref", "refs/heads/tidegate"],
        );
        listed.lines().count()
    };
    let sso = "X-GitHub-SSO: required; url=https://github.com/orgs/acme/sso\r\n";
    let cases = [
        (
            401,
            "",
            "does not take the token of the variable FORGE_TOKEN",
        ),
        (403, sso, "https://github.com/orgs/acme/sso"),
        (404, "", "may not see it"),
        (
            302,
            "Location: https://evil.example/\r\n",
            "which is elsewhere and is not asked",
        ),
    ];
    for (status, headers, expected) in cases {
        // The plan asks what is open for its cells, and the delivery whether it may open one.
        for _ in 0..2 {
            fake.fault("GET /", Fault::Status(status, headers.to_owned()));
        }
        let (code, _, words) = promote(&repository, &[]);
        assert_eq!(code, 1, "{words}");
        assert!(words.contains(expected), "{expected}: {words}");
        assert_eq!(branches(), 0, "{status}");
    }
    fake.configure(&repository, "{ env = \"NOT_SET\" }");
    let (code, _, words) = promote(&repository, &[]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("NOT_SET"), "{words}");
    assert_eq!(branches(), 0);
    // One that wants to be left alone for a moment is.
    fake.configure(
        &repository,
        &format!("{{ command = [\"echo\", \"{TOKEN}\"] }}"),
    );
    fake.fault("GET /", Fault::Status(429, "Retry-After: 1\r\n".to_owned()));
    let (code, value, words) = promote(&repository, &[]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(value["pull_request"]["number"], 1);
    fake.is_content();
}

fn with_all_that_is_configured(dialect: Dialect, document: Option<Document>) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, document);
    let clone = repository.clone_path();
    let configuration = crate::support::repo::CONFIGURATION.replace(
        "protected = true\n",
        "protected = true\ndeliver = \"pull-request\"\n\
         [environments.pull-request]\nlabels = [\"promotion\"]\nreviewers = [\"alice\"]\n\
         draft = true\ntitle = \"[{environments}] {subject}\"\nbody = \"{changes}\\n{plan}\"\n",
    );
    fs::write(clone.join("tidegate.toml"), configuration).unwrap();
    let said = repository.run(
        &clone,
        &[
            "promote",
            "checkout",
            "--from",
            "staging",
            "--to",
            "prod",
            "--yes",
            "--no-live",
            "-o",
            "json",
        ],
        "",
        &[("FORGE_TOKEN", TOKEN)],
    );
    let said = said.exits(0);
    let value = said.json();
    assert_eq!(value["pull_request"]["draft"], true);
    assert_eq!(value["pull_request"]["waits"], "being marked as ready");
    let pull = fake.pull(1);
    assert!(
        pull.title
            .ends_with("[prod] promote checkout 1.0.0 → 1.1.0 to prod"),
        "{pull:?}"
    );
    assert!(pull.body.starts_with("| service |"), "{pull:?}");
    let (label, reviewer) = match dialect {
        Dialect::Github => ("promotion", "alice"),
        Dialect::Gitlab => ("promotion", "11"),
        Dialect::Gitea => ("7", "alice"),
    };
    assert_eq!(
        (&pull.labels[..], &pull.reviewers[..]),
        (&[label.to_owned()][..], &[reviewer.to_owned()][..])
    );
    fake.is_content();
}

#[test]
fn labels_reviewers_drafts_and_templates_are_as_the_environment_says() {
    for dialect in ALL {
        with_all_that_is_configured(dialect, None);
    }
}

/// Deliveries that are kept below a home.
fn kept(repository: &Repository) -> usize {
    let mut count = 0;
    let mut folders = vec![repository.home().join("state")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if folder.ends_with("deliveries")
                && path.extension().is_some_and(|it| it == "json")
            {
                count += 1;
            }
        }
    }
    count
}

fn console(repository: &Repository) -> Operator {
    let setup = Setup::tidegate(&[]).home(repository.home());
    let setup = setup.env("FORGE_TOKEN", TOKEN);
    Operator::sit_down(setup.folder(repository.clone_path()))
}

/// Killed before the forge has it, behind that, and while it waits; then the console, and the same command again.
#[test]
fn what_is_killed_is_taken_up_by_the_next_and_is_there_once() {
    for moment in ["before it is opened", "while it waits"] {
        let repository = ready();
        let fake = Fake::serve(&repository, Dialect::Gitea, None);
        fake.state().need = 1;
        let opens = moment == "while it waits";
        if !opens {
            fake.fault("POST /", Fault::Silent);
        }
        let mut promotion = Promotion::begin(&repository, &["--wait"]);
        if opens {
            promotion.says("#1 waits for 1 approval");
        } else {
            until("the forge is asked to open it", || {
                (fake.openings() == 1).then_some(())
            });
        }
        promotion.kill();
        assert_eq!(kept(&repository), 1, "{moment}");

        let mut operator = console(&repository);
        if opens {
            operator
                .terminal
                .until("it is taken up", SOON, |view| view.has("delivering"));
            operator.terminal.press("d");
            operator.terminal.until("what it waits for", SOON, |view| {
                view.has("#1 waits for 1 approval") && view.has("approved") && view.has("link")
            });
            fake.review(1, "alice", "APPROVED");
            operator
                .terminal
                .until("the approval", SOON, |view| view.has("by alice"));
            fake.merge(&repository, 1);
            operator
                .terminal
                .until("the merge", SOON, |view| view.has("#1 is merged"));
        }
        until("its end", || (kept(&repository) == 0).then_some(()));
        operator.leave();
        let openings = fake.openings();
        assert_eq!(openings, 1, "{moment}: the console opens nothing");

        let (code, value, words) = promote(&repository, &[]);
        assert_eq!(code, 0, "{moment}: {words}");
        if opens {
            assert_eq!(value["outcome"], "nothing", "{words}");
            assert_eq!(fake.openings(), 1);
        } else {
            assert_eq!(value["pull_request"]["number"], 1, "{words}");
        }
        assert_eq!(fake.state().pulls.len(), 1, "{moment}");
        fake.is_content();
        keeps_no_token(&repository);
    }
}

#[test]
fn where_there_is_no_forge_nothing_is_pushed() {
    let repository = ready();
    let (code, _, words) = promote(&repository, &[]);
    assert_eq!(code, 1);
    assert!(words.contains("is no forge that is known"), "{words}");
    let told = repository.tidegate(&[
        "promote",
        "checkout",
        "--from",
        "staging",
        "--to",
        "prod",
        "--dry-run",
        "--no-live",
        "--deliver",
        "pull-request",
    ]);
    told.exits(1).says("is no forge that is known");
}

/// Pushes a branch that changes a version, as a bot does. Its name.
fn bot(repository: &Repository, environment: &str, version: &str) -> String {
    let at = repository.colleague();
    let branch = format!("bot/checkout-{environment}-{version}");
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.git_in(&at, &["checkout", "-q", "--detach", "origin/main"]);
    let path = crate::support::repo::overlay("checkout", environment);
    let text = crate::support::repo::kustomization("checkout", version);
    repository.write(&path, &text);
    repository.git_in(&at, &["commit", "-q", "-am", "Update checkout"]);
    let to = format!("HEAD:refs/heads/{branch}");
    repository.git_in(&at, &["push", "-q", "origin", &to]);
    branch
}

#[test]
fn what_open_pull_requests_would_bring_is_in_the_cells() {
    for dialect in ALL {
        let repository = ready();
        let fake = Fake::serve(&repository, dialect, None);
        fake.state().need = 1;
        repository.pull();
        let first = bot(&repository, "prod", "1.2.0");
        let second = bot(&repository, "prod", "1.3.0");
        let there = bot(&repository, "staging", "1.1.0-other");
        fake.open(&first, "renovate");
        fake.open(&second, "jane");
        fake.open(&there, "renovate");
        fake.review(2, "alice", "APPROVED");
        // The branch goes on: what is proposed is what each would change, not what it lacks.
        repository.bump("checkout", "staging", "1.1.0-other");
        repository.pull();
        let status = |more: &[&str]| {
            let arguments = [&["status", "--no-live"], more].concat();
            let clone = repository.clone_path();
            repository
                .run(&clone, &arguments, "", &[("FORGE_TOKEN", TOKEN)])
                .exits(0)
        };
        let cell = |value: &Value, environment: &str| {
            let rows = value["services"].as_array().unwrap();
            let row = rows.iter().find(|row| row["name"] == "checkout").unwrap();
            row["cells"][environment]["proposed"].clone()
        };
        let value = status(&["-o", "json"]).json();
        assert_eq!(value["problems"], serde_json::json!([]), "{dialect:?}");
        let proposed = cell(&value, "prod");
        let told: Vec<_> = proposed
            .as_array()
            .unwrap_or_else(|| panic!("{dialect:?}: {value:#}"))
            .iter()
            .map(|it| {
                (
                    it["version"].as_str(),
                    it["number"].as_u64(),
                    it["author"].as_str(),
                    it["waits"].as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("1.3.0"), Some(2), Some("jane"), Some("its merge")),
                (Some("1.2.0"), Some(1), Some("renovate"), Some("1 approval")),
            ],
            "{dialect:?}"
        );
        assert_eq!(
            cell(&value, "staging"),
            serde_json::json!([]),
            "it is there already"
        );
        status(&[]).shows("checkout / prod: + 1.2.0 #1 waits for 1 approval by renovate");
        // Nobody is asked offline, or of another moment.
        let asked = fake.state().asked.len();
        let value = status(&["-o", "json", "--offline"]).json();
        assert_eq!(cell(&value, "prod"), Value::Null);
        assert_eq!(fake.state().asked.len(), asked);
        // One that does not answer costs two seconds and is a problem.
        fake.fault("GET /", Fault::Silent);
        let value = status(&["-o", "json"]).json();
        assert_eq!(cell(&value, "prod"), Value::Null);
        let problem = value["problems"][0]["message"].as_str().unwrap();
        assert!(problem.contains("did not answer within 2 s"), "{problem}");
        fake.is_content();
        keeps_no_token(&repository);
    }
}

#[test]
fn the_console_shows_what_is_proposed() {
    let repository = ready();
    let fake = Fake::serve(&repository, Dialect::Gitlab, None);
    fake.state().need = 1;
    let branch = bot(&repository, "dev", "1.2.0");
    fake.open(&branch, "renovate");
    repository.pull();
    let operator = console(&repository);
    operator.terminal.until("the proposal", SOON, |view| {
        view.has("+ 1.2.0 #1 waits for 1 approval (renovate)")
    });
    operator.leave();
    fake.is_content();
}
