//! What cannot be read is told apart: in the matrix, where it is gone back to, and where it is promoted from.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};

use crate::support::repo::{Repository, Said, write};

/// A row of prod of which no version can be read: its content, the kind and the word of it, its cause, and words of the
/// sentence. A link's content is what it points at.
type Kind = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const KINDS: [Kind; 9] = [
    (
        "broken",
        "image: [\n",
        "not-parseable",
        "unreadable",
        "not-parseable",
        &["prod/broken.yaml:1", "mend the file"],
    ),
    (
        "template",
        "image:\n  tag: {{ .Values.tag }}\n",
        "template",
        "template",
        "not-parseable",
        &["prod/template.yaml:2: a template's expression"],
    ),
    (
        "variable",
        "image:\n  tag: ${TAG}\n",
        "variable",
        "variable",
        "not-parseable",
        &["prod/variable.yaml:2", "${TAG}", "is a variable"],
    ),
    (
        "illegal",
        "image:\n  tag: 'a b'\n",
        "illegal",
        "unreadable",
        "not-parseable",
        &["prod/illegal.yaml:2", "can be no image's tag"],
    ),
    (
        "value",
        "image:\n  tag: ENC[AES256_GCM,data:MS4w,iv:aaaa,tag:bbbb,type:str]\n",
        "encrypted",
        "encrypted",
        "encrypted",
        &["prod/value.yaml:2: the value is encrypted"],
    ),
    (
        "file",
        "$ANSIBLE_VAULT;1.1;AES256\n6138\n",
        "encrypted",
        "encrypted",
        "encrypted",
        &["prod/file.yaml:1: this file is encrypted by Ansible Vault"],
    ),
    (
        "pointer",
        "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n",
        "pointer",
        "LFS pointer",
        "not-parseable",
        &["prod/pointer.yaml is kept in Git LFS"],
    ),
    (
        "link",
        "../staging/link.yaml",
        "link",
        "link",
        "not-parseable",
        &["prod/link.yaml is a symbolic link", "Point the layout at"],
    ),
    (
        "damaged",
        "image: {tag: 7.7.7}\n",
        "damaged",
        "unreadable",
        "not-parseable",
        &["prod/damaged.yaml cannot be read"],
    ),
];

const CONFIGURATION: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n\
                             [[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

/// Every kind in prod, beside rows that declare nothing (`empty`), are not there (`gone`) and have had one value (`one`).
fn repository() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIGURATION);
    publish_kinds(&repository);
    repository
}

/// The same where every kind declared 1.0.0 before.
fn broken_since() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIGURATION);
    for (name, ..) in KINDS {
        let text = format!("image: {{tag: 1.0.0}} # {name}\n");
        repository.write(&format!("prod/{name}.yaml"), &text);
    }
    repository.publish("Readable");
    fs::remove_file(repository.colleague().join("prod/link.yaml")).expect("a file");
    publish_kinds(&repository);
    repository
}

fn publish_kinds(repository: &Repository) {
    let names = KINDS.iter().map(|kind| kind.0);
    for name in names.chain(["empty", "gone", "one"]) {
        let text = format!("image: {{tag: 1.1.0}} # {name}\n");
        repository.write(&format!("staging/{name}.yaml"), &text);
    }
    for (name, content, ..) in KINDS {
        let path = format!("prod/{name}.yaml");
        if name == "link" {
            let link = repository.colleague().join(&path);
            symlink(content, link).expect("a link");
        } else {
            repository.write(&path, content);
        }
    }
    repository.write("prod/empty.yaml", "replicas: 1\n");
    repository.write("prod/one.yaml", "image: {tag: 1.0.0}\n");
    repository.publish("Initial");
    repository.pull();
    damage(repository, "prod/damaged.yaml");
}

/// Takes the content of a file of the tip out of the operator's clone.
fn damage(repository: &Repository, path: &str) {
    let clone = repository.clone_path();
    let id = repository.git_in(&clone, &["rev-parse", &format!("origin/main:{path}")]);
    let loose = clone.join(".git/objects").join(&id[..2]).join(&id[2..]);
    if !loose.exists() {
        let packs = clone.join(".git/objects/pack");
        let aside = clone.join("packs");
        fs::rename(&packs, &aside).expect("packs");
        fs::create_dir(&packs).expect("a folder");
        for file in fs::read_dir(&aside).expect("packs").flatten() {
            if file.path().extension().is_some_and(|it| it == "pack") {
                let bytes = fs::read(file.path()).expect("a pack");
                write(&clone.join("pack"), &bytes);
                let unpack = "git unpack-objects -q < pack";
                let mut shell = repository.command("sh");
                shell.current_dir(&clone).args(["-c", unpack]);
                assert!(shell.status().expect("a shell").success());
            }
        }
        fs::remove_dir_all(&aside).expect("packs");
    }
    fs::remove_file(&loose).expect("a loose object");
}

fn skip<'a>(plan: &'a Value, row: &str) -> &'a Value {
    let mut skipped = plan["skipped"].as_array().into_iter().flatten();
    let found = skipped.find(|skip| skip["service"] == row);
    found.unwrap_or_else(|| panic!("{row} is not told: {plan}"))
}

fn is_told(skip: &Value, cause: &str, words: &[&str]) {
    assert_eq!(skip["cause"], cause, "{skip}");
    let detail = skip["detail"].as_str().unwrap_or_default();
    for word in words {
        assert!(detail.contains(word), "`{word}` is not in {detail}");
    }
}

#[test]
fn what_cannot_be_read_does_not_look_absent() {
    let repository = repository();
    let status = repository
        .tidegate(&["status", "-o", "json"])
        .exits(0)
        .json();
    let text = repository.tidegate(&["status"]).exits(0);
    let line = |row: &str| {
        let mut lines = text.out.lines();
        let line = lines.find(|line| line.split_whitespace().next() == Some(row));
        line.unwrap_or_else(|| panic!("{row} is not in {}", text.out))
            .trim_end()
            .to_owned()
    };
    let problems = status["problems"].as_array().unwrap();
    for (name, _, kind, word, _, words) in KINDS {
        let cell = &crate::refs::row(&status, name)["prod"];
        assert_eq!(
            (&cell["version"], &cell["unread"]["hides"]),
            (&Value::Null, &json!(kind)),
            "{name}: {cell}"
        );
        let path = json!(format!("prod/{name}.yaml"));
        assert_eq!(cell["path"], path);
        let shown = format!("? {word}");
        assert!(line(name).ends_with(&shown), "{name}: {}", line(name));
        let mut problems = problems.iter();
        let problem = problems.find(|problem| problem["path"] == path);
        let problem = problem.unwrap_or_else(|| panic!("{name} is no problem: {status}"));
        assert_eq!(problem["hides"], kind);
        let place = words[0].split_once(": ").map_or(words[0], |it| it.0);
        let place = place.split_once(' ').map_or(place, |it| it.0);
        assert!(text.err.contains(place), "{place} is not in {}", text.err);
    }
    // Nothing is hidden where nothing is.
    for row in ["empty", "gone"] {
        assert_eq!(crate::refs::row(&status, row)["prod"], Value::Null);
    }
    assert!(line("empty").ends_with("  - not set") && line("gone").ends_with("  -"));
    assert_eq!(crate::refs::row(&status, "one")["prod"]["version"], "1.0.0");
}

#[test]
fn what_cannot_be_read_any_more_was_not_removed() {
    let repository = broken_since();
    for (name, ..) in KINDS {
        let asked = ["history", name, "prod", "-o", "json"];
        // Read the second time from what was kept.
        for _ in 0..2 {
            let history = repository.tidegate(&asked).exits(0).json();
            let values = history["values"].as_array().unwrap();
            let told = |at: usize| (&values[at]["version"], &values[at]["kind"]);
            assert_eq!(values.len(), 2, "{name}: {history}");
            assert_eq!(told(0), (&Value::Null, &json!("unread")), "{name}");
            assert_eq!(values[0]["landed"]["subject"], "Initial", "{name}");
            assert_eq!(told(1), (&json!("1.0.0"), &json!("initial")), "{name}");
        }
        let trace = repository.tidegate(&["trace", name, "1.0.0"]).exits(0).out;
        assert!(trace.contains("unread since"), "{name}: {trace}");
    }
}

#[test]
fn a_revert_to_nothing_says_why_there_is_nothing() {
    let repository = repository();
    let tip = repository.tip();
    let others: [(&str, &str, &[&str]); 3] = [
        (
            "empty",
            "not-declared",
            &[
                "prod/empty.yaml: ",
                "declares no version and never did",
                "tidegate set",
            ],
        ),
        (
            "gone",
            "not-declared",
            &["gone / prod is not declared and never was", "add its file"],
        ),
        (
            "one",
            "not-declared",
            &["prod/one.yaml:1: ", "one value only, 1.0.0", "tidegate set"],
        ),
    ];
    let kinds = KINDS
        .iter()
        .map(|(name, _, _, _, cause, words)| (*name, *cause, *words));
    for (name, cause, words) in kinds.chain(others) {
        for to in [&[][..], &["--to", "9.9.9"]] {
            for how in ["--dry-run", "--yes"] {
                let arguments = ["revert", name, "prod", how, "-o", "json"];
                let said = repository.tidegate(&[&arguments, to].concat());
                if name == "one" && !to.is_empty() {
                    // A version that it never had is a slip of the pen.
                    said.exits(2).says("one value only, 1.0.0");
                    continue;
                }
                let said = said.exits(1);
                let plan = said.json();
                let skip = skip(&plan, name);
                is_told(skip, cause, words);
                assert_eq!(skip["stops"], true, "{skip}");
                if how == "--yes" {
                    assert_eq!(plan["outcome"], "stopped");
                    said.says("nothing was written");
                }
            }
        }
        let said = repository
            .tidegate(&["revert", name, "prod", "--yes"])
            .exits(1);
        let told = format!("cannot change {name} / prod: ");
        assert!(said.out.contains(&told), "{}", said.out);
    }
    assert_eq!(repository.tip(), tip);
    // A name that is neither a version nor a commit is a slip of the pen where there were others.
    repository.write("prod/one.yaml", "image: {tag: 1.2.0}\n");
    repository.publish("1.2.0");
    repository
        .tidegate(&["revert", "one", "prod", "--to", "9.9.9", "--dry-run"])
        .exits(2)
        .says("it has had: 1.0.0");
}

#[test]
fn what_is_hidden_is_neither_written_over_nor_copied() {
    let repository = repository();
    let tip = repository.tip();
    let run = |arguments: &[&str]| -> Said { repository.tidegate(arguments) };
    for (name, _, _, _, cause, words) in KINDS {
        let into = ["promote", name, "--from", "staging", "--to", "prod"];
        let out_of = ["promote", name, "--from", "prod", "--to", "staging"];
        let set = ["set", name, "prod", "3.0.0"];
        for arguments in [&into[..], &out_of, &set] {
            for how in ["--dry-run", "--yes"] {
                let said = run(&[arguments, &[how, "-o", "json"]].concat()).exits(1);
                is_told(skip(&said.json(), name), cause, words);
            }
        }
    }
    assert_eq!(repository.tip(), tip);
}

/// What stands beside the cell in its file is not its reason.
#[test]
fn another_row_of_the_file_is_not_blamed() {
    let repository = Repository::empty();
    let configuration = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n\
                         [[layouts]]\npath = \"{env}.yaml\"\nyaml = \"{service}.tag\"\n";
    repository.write("tidegate.toml", configuration);
    repository.write(
        "staging.yaml",
        "api:\n  tag: {{ x }}\nweb:\n  tag:\nshop:\n  tag: ENC[PKCS7,MIIB]\n",
    );
    repository.write(
        "prod.yaml",
        "api:\n  tag: 1\nweb:\n  tag: 1\nshop:\n  tag: 1\nmail:\n  tag: 1\n",
    );
    repository.publish("Initial");
    repository.pull();
    let cases: [(&str, &str, &[&str]); 4] = [
        ("api", "not-parseable", &["staging.yaml:2: a template's"]),
        (
            "web",
            "not-in-upstream",
            &["staging.yaml: staging declares no version of web"],
        ),
        (
            "shop",
            "encrypted",
            &["staging.yaml:6: the value is encrypted"],
        ),
        (
            "mail",
            "not-in-upstream",
            &["staging declares no version of mail"],
        ),
    ];
    for (name, cause, words) in cases {
        let promote = [
            "promote", name, "--from", "staging", "--to", "prod", "--yes", "-o", "json",
        ];
        let said = repository.tidegate(&promote).exits(1);
        is_told(skip(&said.json(), name), cause, words);
        assert_eq!(
            said.out.matches("staging.yaml:").count(),
            usize::from(name != "mail")
        );
    }
}

#[test]
fn a_configuration_that_is_a_link_is_said_to_be_one() {
    let repository = Repository::empty();
    repository.write("config/tidegate.toml", CONFIGURATION);
    repository.write("prod/web.yaml", "image: {tag: 1}\n");
    let link = repository.colleague().join("tidegate.toml");
    symlink("config/tidegate.toml", link).expect("a link");
    repository.publish("Initial");
    // Nobody has checked it out.
    let bare = repository.remote();
    let said = repository.run(&bare, &["status"], "", &[]).exits(2);
    said.says("tidegate.toml is a symbolic link, which is not followed");
}

#[test]
fn what_could_not_be_read_for_a_while_was_not_removed() {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIGURATION);
    for (tag, subject) in [
        ("1.0.0", "first"),
        ("\"{{ x }}\"", "template"),
        ("1.1.0", "version"),
        ("\"${TAG}\"", "variable"),
        ("1.2.0", "again"),
        ("", "gone"),
        ("1.3.0", "at last"),
    ] {
        repository.write("prod/web.yaml", &format!("image: {{tag: {tag}}}\n"));
        repository.publish(subject);
    }
    repository.pull();
    let history = repository
        .tidegate(&["history", "web", "prod", "-o", "json"])
        .exits(0)
        .json();
    let values = history["values"].as_array().unwrap().iter();
    let kinds: Vec<&str> = values
        .map(|value| value["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "bump", "removed", "bump", "unread", "bump", "unread", "initial"
        ]
    );
}
