//! What was asked for and cannot be done is no success: exit codes, and what is written of the rest.

use serde_json::{Value, json};

use crate::support::repo::{Repository, Said};

/// Each reason that a cell of prod cannot get staging's 1.1.0: the row, its cause, and words of the sentence.
const REASONS: [(&str, &str, &[&str]); 10] = [
    (
        "broken",
        "not-parseable",
        &["prod/broken.yaml:1", "mend the file"],
    ),
    ("template", "not-parseable", &["prod/template.yaml:2"]),
    (
        "alias",
        "not-parseable",
        &["prod/alias.yaml:2", "write it out here first"],
    ),
    (
        "pointer",
        "not-parseable",
        &["prod/pointer.yaml", "kept in Git LFS"],
    ),
    (
        "sealed",
        "encrypted",
        &["prod/sealed.yaml:1", "the value is encrypted"],
    ),
    (
        "hidden",
        "encrypted",
        &["staging/hidden.yaml:1", "the value is encrypted"],
    ),
    (
        "only",
        "not-declared",
        &["no layout gives only / prod a place", "add its file"],
    ),
    (
        "late",
        "not-in-upstream",
        &[
            "staging/late.yaml",
            "staging declares no version of late",
            "set one by hand",
        ],
    ),
    (
        "unread",
        "not-parseable",
        &["staging/unread.yaml:1", "mend the file"],
    ),
    (
        "newer",
        "ahead",
        &["prod declares 2.0.0", "newer than 1.1.0"],
    ),
];

const CONFIGURATION: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n\
                             [[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

/// A row for each of [`REASONS`] named, `ok-1` and `ok-2` that can go, and `there` that is there.
fn repository(rows: &[&str]) -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIGURATION);
    let value = |version: &str| format!("image: {{tag: {version}}}\n");
    for row in rows.iter().chain(&["ok-1", "ok-2", "there"]) {
        let staging = match *row {
            "unread" => "image: [\n".to_owned(),
            "late" => "replicas: 1\n".to_owned(),
            "hidden" => value("'ENC[PKCS7,MIIB]'"),
            _ => value("1.1.0"),
        };
        repository.write(&format!("staging/{row}.yaml"), &staging);
        let prod = match *row {
            "only" => continue,
            "broken" => "image: [\n".to_owned(),
            "template" => "image:\n  tag: {{ .Values.tag }}\n".to_owned(),
            "alias" => "d: &d {tag: 1.0.0}\nimage: *d\n".to_owned(),
            "pointer" => format!(
                "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12\n",
                "a".repeat(64)
            ),
            "newer" => value("2.0.0"),
            "sealed" => value("'ENC[PKCS7,MIIB]'"),
            "there" => value("1.1.0"),
            _ => value("1.0.0"),
        };
        repository.write(&format!("prod/{row}.yaml"), &prod);
    }
    repository.publish("Initial");
    repository.pull();
    repository
}

/// `promote ROWS… --from staging --to prod MORE…`
fn promote(repository: &Repository, rows: &[&str], more: &[&str]) -> Said {
    let to = ["--from", "staging", "--to", "prod"];
    repository.tidegate(&[&["promote"], rows, &to, more].concat())
}

fn of<'a>(plan: &'a Value, list: &str, row: &str) -> Option<&'a Value> {
    let mut items = plan[list].as_array()?.iter();
    items.find(|item| item["service"] == row)
}

#[test]
fn a_named_cell_that_cannot_change_stops_the_plan() {
    let rows: Vec<&str> = REASONS.iter().map(|(row, ..)| *row).collect();
    let repository = repository(&rows);
    let tip = repository.tip();
    for (row, cause, words) in REASONS {
        let code = if cause == "ahead" { 3 } else { 1 };
        for rows in [&[row][..], &["ok-1", row], &[row, "ok-1", "there"]] {
            // A dry run ends as the real one does.
            for how in ["--dry-run", "--yes"] {
                let said = promote(&repository, rows, &[how, "-o", "json"]).exits(code);
                let plan = said.json();
                if cause == "ahead" {
                    let change = of(&plan, "changes", row).expect("it stays in the plan");
                    assert_eq!(change["held"], true, "{change}");
                } else {
                    let skip = of(&plan, "skipped", row).expect("it is told");
                    assert_eq!(
                        (&skip["cause"], &skip["stops"]),
                        (&json!(cause), &json!(true))
                    );
                    let detail = skip["detail"].as_str().unwrap_or_default();
                    for word in words {
                        assert!(detail.contains(word), "{row}: `{word}` is not in {detail}");
                    }
                }
                if how == "--yes" {
                    let outcome = if code == 3 { "held" } else { "stopped" };
                    assert_eq!(plan["outcome"], outcome, "{row}");
                    said.says("nothing was written").says("--leave-out");
                }
            }
        }
        assert_eq!(repository.tip(), tip, "{row}");
    }
    // People read it too.
    let said = promote(&repository, &["broken", "newer"], &["--yes"]).exits(1);
    assert!(
        said.out
            .contains("cannot change broken / prod: prod/broken.yaml:1"),
        "{}",
        said.out
    );
    said.says("nothing was written: mend");
}

#[test]
fn leave_out_lets_the_rest_go() {
    for (row, cause, _) in REASONS {
        let repository = repository(&[row]);
        let tip = repository.tip();
        // Nothing else: what was asked for is not done.
        let alone = if cause == "ahead" { 3 } else { 1 };
        promote(&repository, &[row], &["--yes", "--leave-out"]).exits(alone);
        assert_eq!(repository.tip(), tip, "{row}");
        for flag in ["--leave-out", "--leave-out-held"] {
            let plan = promote(
                &repository,
                &["ok-1", row],
                &["--dry-run", flag, "-o", "json"],
            )
            .exits(0)
            .json();
            let skip = of(&plan, "skipped", row).expect("it is told");
            assert_eq!(
                (&skip["cause"], &skip["stops"]),
                (&json!(cause), &json!(false)),
                "{skip}"
            );
        }
        let said = promote(&repository, &["ok-1", row], &["--yes", "--leave-out"]).exits(0);
        assert!(
            said.out.contains(&format!("leave out {row} / prod")),
            "{}",
            said.out
        );
        assert_eq!(repository.at_tip("prod/ok-1.yaml"), "image: {tag: 1.1.0}");
        // Once more: the rest is there.
        promote(&repository, &["ok-1", row], &["--yes", "--leave-out"]).exits(0);
    }
}

#[test]
fn of_a_group_what_cannot_change_is_skipped_with_its_cause() {
    for (row, cause, words) in REASONS {
        let code = i32::from(cause == "not-parseable");
        for group in [&["--all"][..], &["*"], &["ok-*", row]] {
            let named = group.contains(&row);
            let repository = repository(&[row]);
            let how = ["--yes", "-o", "json"];
            if named {
                // What is named stops, whatever else came by a pattern.
                let code = if cause == "ahead" { 3 } else { 1 };
                promote(&repository, group, &how).exits(code);
                continue;
            }
            let dry = ["--dry-run", "-o", "json"];
            let plan = promote(&repository, group, &dry).exits(code).json();
            let skip = of(&plan, "skipped", row).expect("it is told");
            assert_eq!(
                (&skip["cause"], &skip["stops"]),
                (&json!(cause), &json!(false)),
                "{skip}"
            );
            let detail = skip["detail"].as_str().unwrap_or_default();
            for word in words {
                assert!(detail.contains(word), "{row}: `{word}` is not in {detail}");
            }
            let done = promote(&repository, group, &how).exits(code).json();
            assert_eq!(done["outcome"], "pushed", "{row}");
            for ok in ["ok-1", "ok-2"] {
                assert_eq!(
                    repository.at_tip(&format!("prod/{ok}.yaml")),
                    "image: {tag: 1.1.0}",
                    "{row}"
                );
            }
        }
    }
}

#[test]
fn a_group_that_cannot_go_at_all_ends_by_what_stops_it() {
    // (rows, exit code, outcome)
    let cases: [(&[&str], i32, &str); 10] = [
        (&["there"], 0, "nothing"),
        (&["newer"], 3, "held"),
        (&["newer", "there"], 3, "held"),
        (&["broken"], 1, "nothing"),
        (&["broken", "newer"], 1, "nothing"),
        (&["only", "late"], 0, "nothing"),
        (&["sealed"], 1, "nothing"),
        (&["sealed", "there"], 1, "nothing"),
        (&["hidden", "newer"], 1, "nothing"),
        (&["sealed", "only"], 1, "nothing"),
    ];
    for (rows, code, outcome) in cases {
        let repository = repository(rows);
        let others = ["ok-1", "ok-2", "there"].into_iter();
        let except = others.filter(|row| !rows.contains(row));
        let mut more: Vec<&str> = except.flat_map(|row| ["--except", row]).collect();
        more.extend(["--yes", "-o", "json"]);
        let said = promote(&repository, &["--all"], &more).exits(code);
        assert_eq!(said.json()["outcome"], outcome, "{rows:?}");
    }
}

#[test]
fn names_and_patterns_that_fit_nothing_are_wrong_usage() {
    let repository = repository(&[]);
    let cases: [(&[&str], &str); 5] = [
        (&["ok-3"], "no service is called `ok-3`; did you mean"),
        (&["nothing-*"], "no service matches `nothing-*`"),
        (
            &["--all", "--except", "ok-3"],
            "no service is called `ok-3`",
        ),
        (&["ok-1", "--except", "no*"], "no service matches `no*`"),
        (&["--all", "ok-1"], "cannot be used with"),
    ];
    for (rows, words) in cases {
        promote(&repository, rows, &["--yes"]).exits(2).says(words);
    }
    let elsewhere = [
        "promote", "ok-1", "--from", "staging", "--to", "live", "--yes",
    ];
    repository
        .tidegate(&elsewhere)
        .exits(2)
        .says("no environment is called `live`");
    // All of it, but not this.
    let plan = promote(
        &repository,
        &["--all", "--except", "*-2"],
        &["--dry-run", "-o", "json"],
    )
    .exits(0)
    .json();
    assert!(of(&plan, "changes", "ok-1").is_some() && of(&plan, "changes", "ok-2").is_none());
    assert!(of(&plan, "skipped", "there").is_some_and(|skip| skip["cause"] == "already-there"));
}

#[test]
fn set_and_revert_name_their_cells() {
    let repository = repository(&["template", "broken", "alias"]);
    for row in ["template", "broken", "alias"] {
        for how in ["--dry-run", "--yes"] {
            let said = repository
                .tidegate(&["set", row, "prod", "3.0.0", how, "-o", "json"])
                .exits(1);
            let plan = said.json();
            let detail = plan["skipped"][0]["detail"].as_str().unwrap_or_default();
            assert!(detail.contains(&format!("prod/{row}.yaml:")), "{detail}");
            assert!(!detail.contains("instead of adding it"), "{detail}");
        }
    }
    repository
        .tidegate(&["set", "there", "prod", "1.1.0", "--yes"])
        .exits(0)
        .says("nothing to change");
    let changes = json!([
        { "service": "ok-1", "environment": "prod", "version": "3.0.0" },
        { "service": "broken", "environment": "prod", "version": "3.0.0" },
    ])
    .to_string();
    let clone = repository.clone_path();
    let set = |more: &[&str]| {
        let lifted = ["--override", "upstream", "--reason", "customer is down"];
        let arguments = [&["set", "--changes", "-"], more, &lifted].concat();
        repository.run(&clone, &arguments, &changes, &[])
    };
    let tip = repository.tip();
    set(&["--yes"]).exits(1).says("nothing was written");
    assert_eq!(repository.tip(), tip);
    set(&["--yes", "--leave-out"]).exits(0);
    assert_eq!(repository.at_tip("prod/ok-1.yaml"), "image: {tag: 3.0.0}");
}

#[test]
fn what_was_reverted_does_not_come_again_with_a_group() {
    let repository = repository(&[]);
    promote(&repository, &["ok-1"], &["--yes"]).exits(0);
    repository
        .tidegate(&["revert", "ok-1", "prod", "--yes"])
        .exits(0);
    let plan = promote(&repository, &["--all"], &["--yes", "-o", "json"])
        .exits(0)
        .json();
    let skip = of(&plan, "skipped", "ok-1").expect("it is told");
    assert_eq!(
        (&skip["cause"], &skip["gate"]),
        (&json!("reverted"), &json!("reverted"))
    );
    assert!(
        skip["detail"]
            .as_str()
            .is_some_and(|it| it.contains("1.1.0 was reverted here by ")),
        "{skip}"
    );
    assert_eq!(repository.at_tip("prod/ok-1.yaml"), "image: {tag: 1.0.0}");
    assert_eq!(repository.at_tip("prod/ok-2.yaml"), "image: {tag: 1.1.0}");
    let lifted = [
        "--yes",
        "--override",
        "reverted",
        "--reason",
        "mended outside",
    ];
    promote(&repository, &["ok-*"], &lifted).exits(0);
    assert_eq!(repository.at_tip("prod/ok-1.yaml"), "image: {tag: 1.1.0}");

    // Named, where nothing is protected, it warns and goes.
    repository
        .tidegate(&["revert", "ok-2", "prod", "--yes"])
        .exits(0);
    let said = promote(&repository, &["ok-2"], &["--yes"]).exits(0);
    assert!(
        said.out.contains("reverted warn: 1.1.0 was reverted here"),
        "{}",
        said.out
    );
    // It came again, so it is not reverted any more; and the history says what it was.
    let history = repository
        .tidegate(&["history", "ok-2", "prod", "-o", "json"])
        .exits(0)
        .json();
    let kinds: Vec<_> = history["values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| it["kind"].clone())
        .collect();
    assert_eq!(
        kinds,
        ["promotion", "revert", "promotion", "initial"],
        "{history}"
    );
}

#[test]
fn a_hotfix_is_not_overwritten_by_a_command() {
    let repository = repository(&[]);
    repository
        .tidegate(&[
            "set",
            "ok-1",
            "prod",
            "1.0.1",
            "--yes",
            "--override",
            "upstream",
            "--reason",
            "down",
        ])
        .exits(0);
    let tip = repository.tip();
    let said = promote(&repository, &["ok-1"], &["--yes"]).exits(3);
    assert!(said.out.contains("prod got 1.0.1 by "), "{}", said.out);
    said.says("held: ok-1 / prod by ahead");
    assert_eq!(repository.tip(), tip);
    let plan = promote(&repository, &["--all"], &["--yes", "-o", "json"])
        .exits(0)
        .json();
    assert!(
        of(&plan, "skipped", "ok-1").is_some_and(|skip| skip["cause"] == "ahead"),
        "{plan}"
    );
    promote(
        &repository,
        &["ok-1"],
        &["--yes", "--override", "ahead", "--reason", "1.1.0 has it"],
    )
    .exits(0);
    assert!(
        repository
            .message()
            .contains("Gate-Override: ahead on ok-1/prod: 1.1.0 has it")
    );
}

#[test]
fn many_equal_reasons_are_told_once_with_a_count() {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIGURATION);
    for row in 0..60 {
        repository.write(&format!("staging/s{row}.yaml"), "image: {tag: 1.1.0}\n");
        let prod = if row < 30 {
            "image: [\n"
        } else {
            "image: {tag: 1.0.0}\n"
        };
        repository.write(&format!("prod/s{row}.yaml"), prod);
    }
    repository.publish("Many");
    repository.pull();
    let all = [
        "promote",
        "--all",
        "--from",
        "staging",
        "--to",
        "prod",
        "--dry-run",
    ];
    let said = repository.tidegate(&all).exits(1);
    let out = format!("{}{}", said.out, said.err);
    let more = "skip 27 more with the same words (not-parseable): -o json lists all";
    assert!(out.contains(more), "{out}");
    assert_eq!(out.matches("skip s").count(), 3, "{out}");
    assert_eq!(out.matches("promote s").count(), 30, "{out}");
    assert!(
        out.contains("is the same for 27 more: -o json lists all"),
        "{out}"
    );
    let json = repository
        .tidegate(&[&all[..], &["-o", "json"]].concat())
        .exits(1)
        .json();
    assert_eq!(json["skipped"].as_array().map(Vec::len), Some(30));
    let changes = json["changes"].as_array().cloned().unwrap_or_default();
    assert_eq!(changes.len(), 30);
    let verdicts = |change: &Value| change["verdicts"].as_array().map(Vec::len);
    assert!(
        changes
            .iter()
            .all(|it| verdicts(it) == verdicts(&changes[0]))
    );
}
