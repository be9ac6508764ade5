//! Values whose files moved: told, traced and gone back to.

use serde_json::{Value, json};

use crate::support::repo::{Repository, kustomization, overlay};

/// Two services whose folder `apps` became `deploy`, and the layout with it. The commits of `checkout` in prod at 1.1.0 and
/// of the move.
fn moved() -> (Repository, String, String) {
    let repository = Repository::seeded();
    let first = repository.bump("checkout", "prod", "1.1.0");
    repository.bump("checkout", "prod", "1.2.0");
    let at = repository.colleague();
    repository.git_in(&at, &["mv", "apps", "deploy"]);
    let configuration = repository.at_tip("tidegate.toml");
    repository.write("tidegate.toml", &configuration.replace("apps/", "deploy/"));
    let renamed = repository.publish("deploy, as everywhere");
    repository.write(&path("checkout"), &kustomization("checkout", "1.3.0"));
    repository.publish("Update checkout to 1.3.0 in prod");
    repository.pull();
    (repository, first, renamed)
}

fn path(service: &str) -> String {
    overlay(service, "prod").replacen("apps/", "deploy/", 1)
}

fn json_of(repository: &Repository, arguments: &[&str]) -> Value {
    let all = [arguments, &["-o", "json"]].concat();
    repository.tidegate(&all).exits(0).json()
}

#[test]
fn a_renamed_folder_does_not_end_a_history() {
    let (repository, first, renamed) = moved();
    for _ in ["cold", "warm"] {
        let told = json_of(&repository, &["history", "checkout", "prod"]);
        let values = told["values"].as_array().unwrap();
        let versions: Vec<&Value> = values.iter().map(|value| &value["version"]).collect();
        assert_eq!(versions, ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]);
        let moves: Vec<&Value> = values.iter().map(|value| &value["moved"]).collect();
        let from = json!({ "from": overlay("checkout", "prod"), "commit": renamed });
        assert_eq!(moves, [&Value::Null, &from, &Value::Null, &Value::Null]);
        assert_eq!(values[2]["landed"]["commit"], json!(first));
        // It has been there for longer than the folder has its name.
        let trace = json_of(&repository, &["trace", "checkout", "1.2.0"]);
        let places = trace["environments"].as_array().unwrap();
        let prod = places
            .iter()
            .find(|it| it["environment"] == "prod")
            .unwrap();
        assert_eq!(prod["stays"][0]["landed"], values[1]["landed"]);
        assert_eq!(prod["stays"][0]["moved"], from);
        // What changed last is judged where the files are today.
        let status = json_of(&repository, &["status", "--changed"]);
        let payments = &status["services"][1];
        assert_eq!(payments["name"], "payments");
        assert_eq!(
            payments["cells"]["prod"]["changed"]["landed"],
            json!(renamed)
        );
    }
    let said = repository
        .tidegate(&["history", "checkout", "prod"])
        .exits(0);
    let moved = format!(
        "(moved from {} by {})",
        overlay("checkout", "prod"),
        &renamed[..7]
    );
    assert!(said.out.contains(&moved), "{}", said.out);
}

#[test]
fn a_revert_reaches_what_was_before_a_move() {
    let (repository, first, _) = moved();
    let plan = |to: &[&str]| {
        let all = [&["revert", "checkout", "prod", "--dry-run"], to].concat();
        let plan = json_of(&repository, &all);
        assert_eq!(plan["edits"][0]["path"], json!(path("checkout")));
        plan["changes"][0]["to"].clone()
    };
    assert_eq!(plan(&[]), "1.2.0", "the last good");
    assert_eq!(plan(&["--to", "1.0.0"]), "1.0.0");
    assert_eq!(plan(&["--to", &first]), "1.1.0", "the commit that set it");
    let parent = format!("{first}~1");
    assert_eq!(plan(&["--to", &parent]), "1.0.0", "what it was then");
    repository
        .tidegate(&["revert", "checkout", "prod", "--to", "1.1.0", "--yes"])
        .exits(0);
    assert_eq!(
        repository.at_tip(&path("checkout")),
        kustomization("checkout", "1.1.0")
    );
}

#[test]
fn who_bumps_on_a_branch_did_not_move_what_the_commit_before_moved() {
    let repository = Repository::empty();
    let configuration = |folder: &str| {
        format!(
            "[[environments]]\nname = \"prod\"\n[[layouts]]\npreset = \"helm-values\"\npath = \"{folder}{{env}}/{{service}}.yaml\"\n"
        )
    };
    let body = |version: &str| {
        format!(
            "image: {{tag: \"{version}\"}}\nreplicas: 3\nenv: {{a: 1, b: 2, c: 3}}\n# enough to be alike\n"
        )
    };
    repository.write("tidegate.toml", &configuration(""));
    repository.write("prod/web.yaml", &body("1.0.0"));
    repository.publish("Initial");
    let at = repository.colleague();
    let git = |arguments: &[&str]| repository.git_in(&at, arguments);
    git(&["checkout", "-qb", "folder"]);
    std::fs::create_dir(at.join("x")).unwrap();
    git(&["mv", "prod", "x/prod"]);
    repository.write("tidegate.toml", &configuration("x/"));
    git(&["commit", "-qam", "only moves"]);
    repository.write("x/prod/web.yaml", &body("1.6.0"));
    git(&["commit", "-qam", "only bumps"]);
    let bumped = git(&["rev-parse", "HEAD"]);
    git(&["checkout", "-q", "main"]);
    repository.write("README", "more\n");
    repository.publish("beside");
    git(&["merge", "-q", "--no-ff", "-m", "merge", "folder"]);
    git(&["push", "-q", "origin", "HEAD:main"]);
    let merge = git(&["rev-parse", "HEAD"]);
    repository.pull();
    let told = json_of(&repository, &["history", "web", "prod"]);
    let newest = &told["values"][0];
    assert_eq!(newest["authored"]["commit"], json!(bumped));
    assert_eq!(newest["moved"]["commit"], json!(merge), "{newest}");
}
