//! Plans that are written to files, and carried out later: what they are pinned to holds, or nothing is written.

#![allow(clippy::unwrap_used)] // helpers fail by panicking
use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::repo::{Repository, Said, overlay};
use tidegate::domain::plan::PlanFile;

/// `checkout` and `payments` are 1.1.0 in staging and 1.0.0 in prod.
fn repository() -> Repository {
    let repository = Repository::seeded();
    for service in ["checkout", "payments"] {
        repository.bump(service, "staging", "1.1.0");
    }
    repository.pull();
    repository
}

/// Plans the promotion of a service to prod; the file.
fn planned(repository: &Repository, service: &str) -> PathBuf {
    let file = repository.clone_path().join("../plan.json");
    let out = file.display().to_string();
    let tip = repository.tip();
    repository
        .tidegate(&[
            "plan", "promote", service, "--from", "staging", "--to", "prod", "--out", &out,
        ])
        .exits(0)
        .shows(&format!("promote {service} / prod: 1.0.0 → 1.1.0"))
        .says("tidegate apply");
    assert_eq!(repository.tip(), tip, "nothing is written");
    file
}

fn apply(repository: &Repository, more: &[&str]) -> Said {
    repository.tidegate(&[&["apply", "../plan.json", "--yes"], more].concat())
}

fn value(file: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_plan_is_applied_once_and_says_so_the_second_time() {
    let repository = repository();
    let file = planned(&repository, "checkout");
    let plan = value(&file);
    crate::support::schema::assert_described(&plan);
    assert_eq!(plan["schema"], "tidegate.plan/v1");
    assert_eq!(plan["base"], json!(repository.tip()));
    repository.tidegate(&["apply", "../plan.json"]).exits(2);
    let done = apply(&repository, &["-o", "json"]).exits(0).json();
    assert_eq!(
        (&done["outcome"], &done["digest"]),
        (&json!("pushed"), &plan["digest"])
    );
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("1.1.0")
    );
    let message = repository.message();
    let digest = plan["digest"].as_str().unwrap();
    assert!(message.contains(&format!("Plan: {digest}")), "{message}");
    let tip = repository.tip();
    let again = apply(&repository, &["-o", "json"])
        .exits(0)
        .says("applied already");
    assert_eq!(again.json()["outcome"], "already-applied");
    // Something else came on top of it since.
    repository.bump("payments", "dev", "9.9.9");
    apply(&repository, &[]).exits(0).says("applied already");
    assert_ne!(repository.tip(), tip);
    // Taken back since then, it is a plan like any other, and no longer the one that was judged.
    repository
        .tidegate(&["revert", "checkout", "prod", "--yes"])
        .exits(0);
    apply(&repository, &[])
        .exits(5)
        .says("it was applied (")
        .says("was changed again since")
        .says("reverted is hold now");
}

#[test]
fn what_was_taken_back_since_is_not_written_again() {
    let repository = repository();
    let plan = ["plan", "set", "checkout", "dev", "7.0.0"];
    repository
        .tidegate(&[&plan[..], &["--out", "../plan.json"]].concat())
        .exits(0);
    apply(&repository, &[]).exits(0);
    repository
        .tidegate(&["revert", "checkout", "dev", "--yes"])
        .exits(0);
    let tip = repository.tip();
    apply(&repository, &[])
        .exits(5)
        .says("and what it wrote was changed again since");
    assert_eq!(repository.tip(), tip);
    // Planned again, it is another one.
    repository
        .tidegate(&[&plan[..], &["--out", "../plan.json"]].concat())
        .exits(0);
    apply(&repository, &[]).exits(0);
    assert!(
        repository
            .at_tip(&overlay("checkout", "dev"))
            .contains("7.0.0")
    );
}

/// What a gate kept out of the plan is no part of it: that it may go by now leaves the plan applied.
#[test]
fn what_was_left_out_then_is_no_part_of_it_now() {
    const VETO: &str =
        "[[veto]]\nservice = \"payments\"\nversion = \"1.1.0\"\nreason = \"leaks\"\n";
    let repository = repository();
    repository.write("vetoes.toml", VETO);
    repository.publish("Veto");
    repository
        .tidegate(&[
            "plan",
            "promote",
            "*",
            "--from",
            "staging",
            "--to",
            "prod",
            "--out",
            "../plan.json",
        ])
        .exits(0)
        .shows("promote checkout / prod: 1.0.0 → 1.1.0");
    apply(&repository, &[]).exits(0);
    let at = repository.colleague();
    repository.git_in(&at, &["pull", "-q", "origin", "main"]);
    repository.write("vetoes.toml", "");
    repository.publish("No veto");
    apply(&repository, &[])
        .exits(0)
        .says("it is applied already: ");
    // What it wrote is another by now.
    repository.bump("checkout", "prod", "1.2.0");
    apply(&repository, &[])
        .exits(5)
        .says("what it wrote was changed again since");
}

/// A file that another release wrote goes on where it comes to the same, and is told as that where it does not.
#[test]
fn a_file_of_another_release_goes_on_or_is_told_as_that() {
    let repository = repository();
    let file = planned(&repository, "checkout");
    let mut other = value(&file);
    other["pinned"]["release"] = json!("0.0.9");
    fs::write(&file, other.to_string()).unwrap();
    apply(&repository, &[]).exits(5).says("`pinned` changed");
    // As that release would have sealed it.
    let fields = other.as_object_mut().unwrap();
    let pinned = fields.shift_remove("pinned").unwrap();
    fields.shift_remove("seal");
    let pinned: PlanFile = serde_json::from_value(pinned).unwrap();
    fs::write(&file, pinned.sealed(other).to_string()).unwrap();
    repository.bump("checkout", "staging", "1.2.0");
    apply(&repository, &[])
        .exits(5)
        .says("Tidegate 0.0.9 wrote it, and this is");
    repository.bump("checkout", "staging", "1.1.0");
    apply(&repository, &[]).exits(0);
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("1.1.0")
    );
}

#[test]
fn a_file_that_tells_another_plan_than_it_pins_is_refused() {
    let repository = repository();
    let file = planned(&repository, "checkout");
    let honest = value(&file);
    planned(&repository, "payments");
    let other = value(&file);
    let tip = repository.tip();
    for field in ["changes", "edits", "writes"] {
        let mut forged = other.clone();
        if forged[field] == honest[field] {
            continue;
        }
        forged[field] = honest[field].clone();
        forged["seal"][field] = honest["seal"][field].clone();
        fs::write(&file, forged.to_string()).unwrap();
        apply(&repository, &[])
            .exits(5)
            .says(&format!("`{field}` tells another plan than it pins"));
    }
    assert_eq!(repository.tip(), tip);
}

#[test]
fn it_goes_on_where_only_other_things_moved() {
    let repository = repository();
    planned(&repository, "checkout");
    repository.bump("payments", "dev", "2.0.0");
    apply(&repository, &["--dry-run"])
        .exits(0)
        .says("moved from");
    apply(&repository, &[])
        .exits(0)
        .says("same bytes and verdicts");
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("1.1.0")
    );
    assert!(
        repository
            .at_tip(&overlay("payments", "dev"))
            .contains("2.0.0")
    );
}

#[test]
fn what_differs_is_refused_and_said() {
    type Change = fn(&Repository);
    let cases: [(&str, Change, &[&str]); 6] = [
        (
            "the upstream went on",
            |it| drop(it.bump("checkout", "staging", "1.2.0")),
            &["was 1.0.0 → 1.1.0, is 1.0.0 → 1.2.0", "other bytes"],
        ),
        (
            "the same bytes by another way",
            |it| drop(it.bump("checkout", "prod", "1.1.0")),
            &["came there by another way"],
        ),
        (
            "other lines of the file",
            |it| {
                let path = overlay("checkout", "prod");
                it.write(&path, &(it.at_tip(&path) + "\nnameSuffix: -y"));
                it.publish("Suffix");
            },
            &["other bytes than confirmed"],
        ),
        (
            "a veto",
            |it| {
                it.write(
                    "vetoes.toml",
                    "[[veto]]\nservice = \"checkout\"\nversion = \"1.1.0\"\nreason = \"leaks\"\n",
                );
                it.publish("Veto");
            },
            &["veto is hold now", "leaks"],
        ),
        (
            "another policy of the same verdicts",
            |it| {
                let configuration = it.at_tip("tidegate.toml");
                it.write("tidegate.toml", &format!("{configuration}\n[[dependencies]]\nservice = \"payments\"\nneeds = \"checkout\"\nversion = \">=1\"\n"));
                it.publish("Policy");
                it.pull();
            },
            &["the policy is another one"],
        ),
        (
            "a gate more",
            |it| {
                let configuration = it.at_tip("tidegate.toml");
                let gates =
                    "protected = true\n[environments.gates]\neligible = { range = \">=1\" }\n";
                it.write(
                    "tidegate.toml",
                    &configuration.replace("protected = true\n", gates),
                );
                it.publish("Policy");
                it.pull();
            },
            &["the policy is another one", "eligible is pass now"],
        ),
    ];
    for (name, change, words) in cases {
        let repository = repository();
        planned(&repository, "checkout");
        change(&repository);
        let tip = repository.tip();
        let mut said = apply(&repository, &[]).exits(5).says("nothing was written");
        for words in words {
            said = said.says(words);
        }
        assert_eq!(repository.tip(), tip, "{name}");
        let json = apply(&repository, &["-o", "json"]).exits(5).json();
        assert!(
            !json["differences"].as_array().unwrap().is_empty(),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_plan_of_this_repository_is_a_sentence() {
    let repository = repository();
    let file = planned(&repository, "checkout");
    let text = fs::read_to_string(&file).unwrap();
    let tip = repository.tip();
    let put = |text: &str| fs::write(&file, text).unwrap();
    put(&text.replace("newTag: 1.1.0", "newTag: 6.6.6"));
    apply(&repository, &[])
        .exits(5)
        .says("is not as it was written");
    put(&text[..text.len() - 40]);
    apply(&repository, &[]).exits(2).says("it was cut off");
    put("hello");
    apply(&repository, &[]).exits(2).says("is no plan");
    fs::remove_file(&file).unwrap();
    apply(&repository, &[]).exits(2).says("there is no plan at");
    let made = repository.command("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    apply(&repository, &[]).exits(2).says("not a regular file");
    let arguments = [
        "plan", "promote", "checkout", "--from", "staging", "--to", "prod", "--out",
    ];
    for (out, words) in [("..", "is a folder"), ("no/a", "no folder no")] {
        repository
            .tidegate(&[&arguments[..], &[out]].concat())
            .exits(2)
            .says(words);
    }
    assert_eq!(repository.tip(), tip);
    // A clone of another repository that looks the same.
    let other = Repository::seeded();
    other.bump("checkout", "staging", "1.1.0");
    other.bump("payments", "staging", "1.1.0");
    other.pull();
    other.bump("checkout", "dev", "5.0.0");
    let said = other.run(&other.clone_path(), &["apply", "-", "--yes"], &text, &[]);
    // Its first commits are the same to the byte where clocks and words are.
    assert!(said.code == Some(2) || said.code == Some(0), "{said:?}");
}

#[test]
fn a_plan_goes_through_pipes_and_keeps_what_was_asked_for() {
    let repository = repository();
    let printed = repository
        .tidegate(&[
            "plan",
            "promote",
            "checkout",
            "payments",
            "--from",
            "staging",
            "--to",
            "prod",
            "--reason",
            "The release",
            "--out",
            "-",
        ])
        .exits(0);
    printed.json();
    let at = repository.clone_path();
    repository
        .run(&at, &["apply", "-", "--yes"], &printed.out, &[])
        .exits(0);
    let message = repository.message();
    assert!(message.contains("Reason: The release"), "{message}");
    // What is printed with -o json is the same file.
    let set = repository
        .tidegate(&["plan", "set", "checkout", "dev", "3.0.0", "-o", "json"])
        .exits(0);
    repository
        .run(&at, &["apply", "-", "--yes"], &set.out, &[])
        .exits(0);
    assert!(
        repository
            .at_tip(&overlay("checkout", "dev"))
            .contains("3.0.0")
    );
    let back = repository
        .tidegate(&[
            "plan", "revert", "checkout", "prod", "--veto", "--reason", "It leaks", "-o", "json",
        ])
        .exits(0);
    repository
        .run(&at, &["apply", "-", "--yes"], &back.out, &[])
        .exits(0);
    assert!(repository.at_tip("vetoes.toml").contains("It leaks"));
    assert!(
        repository
            .at_tip(&overlay("checkout", "prod"))
            .contains("1.0.0")
    );
    repository
        .run(&at, &["apply", "-", "--yes"], &back.out, &[])
        .exits(0)
        .says("applied already");
}

#[test]
fn what_a_gate_holds_is_in_the_file_and_stays_held() {
    let repository = repository();
    repository.bump("checkout", "dev", "2.0.0");
    let file = repository.clone_path().join("../plan.json");
    repository
        .tidegate(&[
            "plan",
            "set",
            "checkout",
            "prod",
            "2.0.0",
            "--out",
            "../plan.json",
        ])
        .exits(3);
    assert_eq!(value(&file)["changes"][0]["held"], true);
    apply(&repository, &[]).exits(3).says("nothing was written");
    // What would go now was judged otherwise.
    repository.bump("checkout", "staging", "2.0.0");
    apply(&repository, &[])
        .exits(5)
        .says("upstream is pass now");
}

/// What is named is written into where it is no file, and stays what it is.
#[test]
fn a_plan_goes_into_a_pipe_and_over_no_device() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.pull();
    let to = [
        "plan",
        "promote",
        "checkout",
        "--from",
        "dev",
        "--to",
        "staging",
        "--no-live",
        "--out",
    ];
    let plan = |out: &str| repository.tidegate(&[&to[..], &[out]].concat());
    let pipe = repository.clone_path().join("../pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let reads = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    plan("../pipe").exits(0);
    let text = reads.join().unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["schema"], "tidegate.plan/v1");
    let link = repository.clone_path().join("../null");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for device in ["/dev/null", "../null"] {
        plan(device).exits(0);
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let null = fs::symlink_metadata("/dev/null").unwrap();
    assert!(!null.is_file());
    // By whatever name, that is where a plan is printed.
    let [one, other] = ["/dev/stdout", "-"].map(|name| plan(name).exits(0).json());
    assert!(one["digest"].is_string() && one["digest"] == other["digest"]);
    plan("..").exits(2).says("it is a folder");
    plan("../pipe").exits(1).says("nobody reads it");
}
