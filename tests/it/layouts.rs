//! Layouts over a real repository: what must be there for a place to count, and one line for several environments.

use serde_json::{Value, json};

use crate::support::repo::Repository;

const ENVIRONMENTS: &str =
    "[[environments]]\nname = \"dev\"\n[[environments]]\nname = \"prod\"\nfrom = [\"dev\"]\n";

#[test]
fn a_place_that_counts_since_yesterday_has_the_history_of_its_file() {
    let repository = Repository::empty();
    let layouts = "[[layouts]]\npath = \"{service}-dev/app.yaml\"\nyaml = \"tag\"\nenv = \"dev\"\n\
                   [[layouts]]\npath = \"{service}/app.yaml\"\nyaml = \"tag\"\nenv = \"prod\"\nonly_if = \"{service}-dev\"\n";
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layouts}"));
    for service in ["web", "api"] {
        for version in ["1", "2"] {
            repository.write(
                &format!("{service}/app.yaml"),
                &format!("tag: v1.{version}\n"),
            );
            repository.publish(&format!("{service} {version}"));
        }
    }
    repository.write("web-dev/app.yaml", "tag: v1.3\n");
    // What is beside it need only be there: nobody reads it.
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    repository.write("web-dev/model.bin", pointer);
    let link = repository.colleague().join("web-dev/latest");
    std::os::unix::fs::symlink("model.bin", link).unwrap();
    repository.publish("web goes to dev first");
    repository.pull();
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    let services = status["services"].as_array().unwrap();
    let names: Vec<&Value> = services.iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["web"], "nothing of api is promoted");
    assert_eq!(status["problems"], json!([]));
    let history = repository
        .tidegate(&["history", "web", "prod", "-o", "json"])
        .exits(0)
        .json();
    let subjects: Vec<&Value> = history["values"]
        .as_array()
        .unwrap_or_else(|| panic!("{history}"))
        .iter()
        .map(|entry| &entry["authored"]["subject"])
        .collect();
    assert_eq!(subjects, ["web 2", "web 1"]);
    // Where it does not count any more, it is not there, and its history with it.
    repository.git_in(&repository.colleague(), &["rm", "-rq", "web-dev"]);
    repository.publish("web is not promoted any more");
    repository.pull();
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["services"], json!([]));
}

#[test]
fn a_line_of_several_environments_moves_all_of_them_and_the_plan_says_so() {
    let repository = Repository::empty();
    let layouts = "[[layouts]]\npath = \"services.yaml\"\nyaml = \"services[*]{name={service}}{targets={env}}.hash\"\n";
    repository.write(
        "tidegate.toml",
        &format!("{}{layouts}", ENVIRONMENTS.replace("from", "#")),
    );
    repository.write(
        "services.yaml",
        "services:\n- name: web\n  hash: aaaaaaa # tested\n  targets: [dev, prod]\n- name: api\n  hash: ccccccc\n  targets: [dev]\n",
    );
    repository.publish("Initial versions");
    repository.pull();
    let set = ["set", "web", "dev", "bbbbbbb", "--yes", "--no-live"];
    repository.tidegate(&set).exits(3).says("--along");
    let all = [&set[..], &["--along", "web/prod"]].concat();
    repository.tidegate(&all).exits(0);
    assert_eq!(
        repository.at_tip("services.yaml"),
        "services:\n- name: web\n  hash: bbbbbbb # tested\n  targets: [dev, prod]\n- name: api\n  hash: ccccccc\n  targets: [dev]",
    );
}
