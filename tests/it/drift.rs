//! What differs between environments: `drift`, what `status` says of it, and the console's screen of it.

use std::cell::Cell;

use jiff::Zoned;
use serde_json::{Value, json};
use tidegate::{
    domain::{drift::Skew, ids::CellKey},
    workflow::{self, OpenOptions, Project, Whose},
};

use crate::support::{
    repo::{Repository, overlay},
    terminal::{SOON, Setup, key},
};

/// checkout: staging two behind dev, prod ahead of staging. payments: all the same.
fn apart() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.bump("checkout", "dev", "1.2.0");
    repository.bump("checkout", "prod", "1.0.1");
    repository.git_in(&repository.clone_path(), &["fetch", "-q"]);
    repository
}

fn kinds(found: &Value) -> Vec<String> {
    let rows = found["findings"].as_array().into_iter().flatten();
    rows.map(|row| {
        let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        format!(
            "{} {}/{}",
            word("kind"),
            word("service"),
            word("environment")
        )
    })
    .collect()
}

#[test]
fn where_all_is_the_same_nothing_drifts() {
    let repository = Repository::seeded();
    let found = repository
        .tidegate(&["drift", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(found["schema"], "tidegate.drift/v1");
    assert_eq!(found["findings"], json!([]));
    repository
        .tidegate(&["drift"])
        .exits(0)
        .shows("nothing drifts");
}

#[test]
fn findings_end_with_four_and_are_told_in_each_form() {
    let repository = apart();
    let found = repository
        .tidegate(&["drift", "-o", "json"])
        .exits(4)
        .json();
    assert_eq!(
        kinds(&found),
        ["ahead checkout/prod", "skew checkout/staging"]
    );
    assert_eq!(
        found["findings"][1]["detail"],
        "2 behind dev: 1.0.0, dev declares 1.2.0"
    );
    let table = repository.tidegate(&["drift"]).exits(4);
    let table = table.shows("KIND   SERVICE   ENVIRONMENT  DETAIL");
    table.shows("ahead  checkout  prod         ahead of staging: 1.0.1, staging declares 1.0.0");
    repository
        .tidegate(&["drift", "-o", "markdown"])
        .exits(4)
        .shows("| skew | checkout | staging |");

    // (arguments, exit code, what is found)
    let cases: [(&[&str], i32, &[&str]); 6] = [
        (&["--only", "skew"], 4, &["skew checkout/staging"]),
        (&["--only", "live,mutable"], 0, &[]),
        (&["--env", "prod"], 4, &["ahead checkout/prod"]),
        (&["--env", "dev"], 0, &[]),
        (&["payments"], 0, &[]),
        (&["check*", "--env", "st*"], 4, &["skew checkout/staging"]),
    ];
    for (more, code, expected) in cases {
        let all = [&["drift", "-o", "json"][..], more].concat();
        let found = repository.tidegate(&all).exits(code).json();
        assert_eq!(kinds(&found), expected, "{more:?}");
    }
    let refused = repository.tidegate(&["drift", "--only", "skwe"]).exits(2);
    refused
        .says("did you mean `skew` (there are: live, ahead, reverted, suspended, mutable, skew)");
    let refused = repository.tidegate(&["drift", "--env", "prd"]).exits(2);
    refused.says("did you mean `prod`; there are: dev, staging, prod");
}

#[test]
fn a_revert_that_the_upstream_did_not_follow_is_told() {
    let repository = Repository::seeded();
    for environment in ["dev", "staging", "prod"] {
        repository.bump("checkout", environment, "1.1.0");
    }
    repository.bump("checkout", "prod", "1.0.0");
    repository.git_in(&repository.clone_path(), &["fetch", "-q"]);
    let found = repository
        .tidegate(&["drift", "-o", "json"])
        .exits(4)
        .json();
    assert_eq!(
        kinds(&found),
        ["reverted checkout/prod", "skew checkout/prod"]
    );
    let detail = found["findings"][0]["detail"].as_str().expect("words");
    assert!(
        detail.starts_with("went back to 1.0.0") && detail.ends_with("staging declares 1.1.0"),
        "{detail}"
    );
}

/// `status` reads the history for so long only: what it has not counted by then is no number, and it says so.
#[test]
fn a_count_that_is_cut_short_is_never_a_wrong_number() {
    let repository = apart();
    let options = OpenOptions {
        repo: repository.clone_path(),
        offline: true,
        ..OpenOptions::default()
    };
    let project = Project::open(&options, &Zoned::now()).expect("a repository");
    let reading = project.read().expect("a matrix");
    let staging = CellKey::new("checkout", "staging");
    for allowed in 0_usize.. {
        let asked = Cell::new(0);
        let goes_on = || asked.replace(asked.get() + 1) < allowed;
        let judged = workflow::skews(&project, &reading, Whose::Upstreams, &goes_on);
        let judged = judged.expect("a history");
        let counted = Skew::Behind { by: Some(2) };
        let skew = judged.skews[&staging].skew;
        if !judged.cut_short {
            assert_eq!(skew, counted);
            assert!(allowed > 0, "what may not go on is cut short");
            break;
        }
        assert!(
            skew == counted || skew == Skew::Behind { by: None },
            "{allowed}: {skew:?}"
        );
    }
}

#[test]
fn status_says_how_cells_stand_and_keeps_what_is_asked_for() {
    let repository = apart();
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    let cells = &status["services"][0]["cells"];
    let stands = |name: &str| (cells[name]["skew"].clone(), cells[name]["behind"].clone());
    assert_eq!(stands("dev"), (json!(null), json!(null)));
    assert_eq!(stands("staging"), (json!("behind"), json!(2)));
    assert_eq!(stands("prod"), (json!("ahead"), json!(null)));
    let table = repository.tidegate(&["status", "--no-live"]).exits(0);
    table.shows("checkout  1.2.0  1.0.0 ↑2  1.0.1 ↓");
    let table = repository
        .tidegate(&["status", "--no-live", "--ascii"])
        .exits(0);
    table.shows("checkout  1.2.0  1.0.0 ^2  1.0.1 v");

    // (arguments, columns, rows)
    let cases: [(&[&str], &[&str], &[&str]); 6] = [
        (
            &["--only", "behind"],
            &["dev", "staging", "prod"],
            &["checkout"],
        ),
        (
            &["--only", "degraded,ahead"],
            &["dev", "staging", "prod"],
            &["checkout"],
        ),
        (&["--only", "degraded"], &["dev", "staging", "prod"], &[]),
        (
            &["--env", "prod,dev"],
            &["dev", "prod"],
            &["checkout", "payments"],
        ),
        (&["--env", "dev", "--only", "behind"], &["dev"], &[]),
        (
            &["--env", "st*", "--only", "skew"],
            &["staging"],
            &["checkout"],
        ),
    ];
    for (more, columns, rows) in cases {
        let all = [&["status", "--no-live", "-o", "json"][..], more].concat();
        let status = repository.tidegate(&all).exits(0).json();
        assert_eq!(status["environments"], json!(columns), "{more:?}");
        let services = status["services"].as_array().expect("a list").iter();
        let names: Vec<_> = services.map(|row| row["name"].clone()).collect();
        assert_eq!(json!(names), json!(rows), "{more:?}");
    }
    let refused = repository
        .tidegate(&["status", "--only", "behnid"])
        .exits(2);
    refused.says("did you mean `behind` (there are: degraded, ");
}

/// A version of 71 characters: all of it in a pipe and with `--wide`, as much as there is room on a terminal.
#[test]
fn status_fits_a_terminal_and_nothing_else_is_cut() {
    let repository = Repository::seeded();
    let long = format!("release-candidate-of-november-{}", "x".repeat(41));
    for environment in ["dev", "staging", "prod"] {
        repository.bump("checkout", environment, &long);
    }
    repository.git_in(&repository.clone_path(), &["fetch", "-q"]);
    let piped = repository.tidegate(&["status", "--no-live"]).exits(0);
    assert_eq!(piped.out.matches(&long).count(), 3, "{}", piped.out);
    let on_terminal = |arguments: &[&str]| {
        let setup = Setup::tidegate(arguments).home(repository.home());
        let terminal = setup.folder(repository.clone_path()).size(80, 24).start();
        terminal.until("the whole table", SOON, |view| view.has("origin/main"))
    };
    let fitted = on_terminal(&["status", "--no-live"]);
    assert!(
        fitted.has("cut to fit 80 columns: --wide shows all"),
        "{fitted}"
    );
    let row = fitted.line(&["checkout", "release-", "…"]);
    assert!(
        row.is_some_and(|row| row.matches('…').count() == 3),
        "{fitted}"
    );
    let wide = on_terminal(&["status", "--no-live", "--wide"]);
    assert!(!wide.has("cut to fit"), "{wide}");
}

#[test]
fn what_is_watched_is_shown_again_when_it_changes() {
    let repository = Repository::seeded();
    let setup = Setup::tidegate(&["status", "--no-live", "--offline", "--watch"]);
    let setup = setup
        .home(repository.home())
        .folder(repository.clone_path());
    let mut terminal = setup.start();
    terminal.until("the table", SOON, |view| {
        view.line(&["checkout", "1.0.0"]).is_some()
    });
    repository.bump("checkout", "dev", "1.1.0");
    repository.git_in(&repository.clone_path(), &["fetch", "-q"]);
    let view = terminal.until("the new version", SOON, |view| {
        view.line(&["checkout", "1.1.0", "1.0.0 ↑1"]).is_some()
    });
    let tables = view.lines().iter().filter(|line| line.contains("SERVICE"));
    assert_eq!(tables.count(), 1, "in the place of the one before\n{view}");
    terminal.signal("INT");
    assert_eq!(terminal.ended(SOON).exit.code, 130);
}

#[test]
fn the_screen_opens_the_cell_and_stages_what_is_marked() {
    let repository = apart();
    let setup = Setup::tidegate(&[]);
    let mut terminal = setup
        .home(repository.home())
        .folder(repository.clone_path())
        .start();
    terminal.until("the matrix", SOON, |view| {
        view.line(&["checkout", "1.0.0 ↑2", "1.0.1 ↓"]).is_some()
    });
    terminal.press("D");
    terminal.until("what drifts", SOON, |view| {
        view.has("Drift  1 ahead  1 skew") && view.line(&["skew", "checkout", "staging"]).is_some()
    });
    terminal.press("j");
    terminal.press(key::ENTER);
    let path = overlay("checkout", "staging");
    terminal.until("the cell", SOON, |view| {
        view.has("checkout / staging") && view.has(&path)
    });
    terminal.press(key::ESC);
    terminal.until("the list again", SOON, |view| view.has("1 ahead  1 skew"));
    terminal.press(" ");
    terminal.until("a mark", SOON, |view| view.has("1 marked"));
    terminal.press("p");
    terminal.until("it is staged", SOON, |view| {
        view.has("staged 1") && view.has("gets 1.2.0")
    });
}
