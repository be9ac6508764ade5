//! What lies between two versions, asked of the forge that their source code is on.

use super::*;

/// The commit that a version was built of, its checks, and what lies between: held by the gate, told in the pull request.
pub(super) fn evidence(dialect: Dialect, document: Option<Document>) {
    let repository = approvals::asking("evidence = { checks = [\"smoke\"] }");
    let fake = Fake::serve(&repository, dialect, document);
    let at = repository.colleague();
    let remote = repository.remote().display().to_string();
    let tag = |name: &str| {
        repository.git_in(&at, &["tag", name]);
        repository.git_in(&at, &["push", "-q", &remote, name]);
    };
    tag("v1.0.0");
    repository.write("README", "What it is for");
    repository.publish("Say what it is for, @alice (#7)");
    // A branch of a name that tags have is none of them.
    repository.git_in(
        &at,
        &["push", "-q", &remote, "HEAD:refs/heads/release-1.1.0"],
    );
    repository.pull();
    let own = repository.home().join("config/tidegate/config.toml");
    let text = fs::read_to_string(&own).unwrap();
    let source = format!(
        "[[sources]]\nrepository = \"{}/acme/deploy\"\ntag = \"v{{version}}\"\n",
        fake.url()
    );
    fs::write(&own, format!("{text}\n{source}")).unwrap();

    fake.state().checks = vec![("smoke".to_owned(), "success".to_owned())];
    let (code, value, _) = promote(&repository, &["--dry-run"]);
    assert_eq!(code, 3, "{dialect:?}");
    let none = "knows no tag for 1.1.0";
    assert!(value.to_string().contains(none), "{dialect:?}: {value:#}");
    tag("v1.1.0");
    fake.state().checks = Vec::new();
    let (code, value, words) = promote(&repository, &["--dry-run"]);
    assert_eq!(code, 3, "{dialect:?}: {words}");
    let verdicts = value["changes"][0]["verdicts"].as_array().unwrap().iter();
    let held: Vec<&Value> = verdicts.filter(|it| it["gate"] == "evidence").collect();
    let commit = repository.git_in(&at, &["rev-parse", "--short=7", "v1.1.0"]);
    let by = format!("commit {}, by the tag v1.1.0: ", commit.trim());
    assert_eq!(
        held[0]["detail"],
        format!("{by}not passed: smoke"),
        "{value:#}"
    );

    fake.state().checks = vec![("smoke".to_owned(), "failure".to_owned())];
    let (code, value, _) = promote(&repository, &["--dry-run"]);
    assert_eq!(code, 3, "{dialect:?}");
    assert!(
        value.to_string().contains(&format!("{by}failed: smoke")),
        "{value:#}"
    );

    fake.state().checks = vec![("smoke".to_owned(), "success".to_owned())];
    let mut promotion = Promotion::begin(&repository, &["--wait"]);
    promotion.says("#1 waits for");
    let body = fake.state().pulls[0].body.clone();
    let brings = format!(
        "## What it brings\n\ncheckout 1.1.0: {by}1 check passed\n\n1 commit:\n\n- {} Say what it is for, @<!-- -->alice (\\#7), ",
        commit.trim()
    );
    assert!(body.contains(&brings), "{dialect:?}: {body}");
    assert!(body.contains("/compare/v1.0.0...v1.1.0"), "{body}");
    fake.merge(&repository, 1);
    let (code, _, words) = promotion.end();
    fake.is_content();
    assert_eq!(code, 0, "{words}");
    keeps_no_token(&repository);
}

#[test]
fn a_version_whose_commit_has_not_passed_its_checks_is_held() {
    for dialect in ALL {
        evidence(dialect, None);
    }
}

pub(super) fn changelog(dialect: Dialect, document: Option<Document>) {
    let repository = ready();
    let fake = Fake::serve(&repository, dialect, document);
    let at = repository.colleague();
    let tag = |name: &str| {
        repository.git_in(&at, &["tag", name]);
        repository.git_in(
            &at,
            &["push", "-q", repository.remote().to_str().unwrap(), name],
        );
    };
    tag("v1.0.0");
    repository.write("README", "What it is for");
    repository.publish("Say what it is for (#7)");
    repository.write("README", "What it is for, in short");
    repository.publish("Say it shorter");
    tag("v1.1.0");
    let clone = repository.clone_path();
    let file = clone.join("tidegate.toml");
    let text = fs::read_to_string(&file).unwrap();
    let source = format!("[[sources]]\nrepository = \"{}/acme/deploy\"\n", fake.url());
    fs::write(&file, format!("{text}\n{source}")).unwrap();
    let config = file.display().to_string();
    let asked = |more: &[&str], span: &str| {
        let line = ["--config", &config, "changelog", "checkout", span];
        let line = [more, &line, &["-o", "json"]].concat();
        repository.run(&clone, &line, "", &[("FORGE_TOKEN", TOKEN)])
    };
    // Whose commits are told wherever its versions go is no repository's word.
    asked(&[], "1.0.0..1.1.0").exits(2).says("tidegate trust");
    let trust = ["--config", &config, "trust"];
    repository
        .run(&clone, &trust, "", &[("FORGE_TOKEN", TOKEN)])
        .exits(0)
        .shows("reads commits of http://127.0.0.1");
    let told = |span: &str| asked(&[], span);
    let said = told("1.0.0..1.1.0").exits(0).json();
    let subjects = |said: &Value, key: &str| -> Vec<String> {
        let all = said[key].as_array().unwrap();
        let mut all: Vec<String> = all
            .iter()
            .map(|it| it["subject"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    let both = ["Say it shorter", "Say what it is for (#7)"];
    assert_eq!(subjects(&said, "comes"), both, "{dialect:?}: {said:#}");
    let numbered = said["comes"].as_array().unwrap().iter();
    let numbered = numbered.filter(|it| it["pull_request"] == 7);
    assert_eq!(numbered.count(), 1, "{said:#}");
    let url = said["url"].as_str().unwrap();
    assert!(url.ends_with("/compare/v1.0.0...v1.1.0"), "{url}");
    let said = told("1.1.0..1.0.0").exits(0).json();
    assert_eq!(subjects(&said, "goes"), both, "{dialect:?}: {said:#}");
    told("1.0.0..3.0.0")
        .exits(1)
        .says("knows no tags for 1.0.0 and 3.0.0");
    // A forge does not tell folders apart, and is asked nothing where nobody is to be.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}path = \"services/checkout\"\n")).unwrap();
    let said = asked(&["--trust"], "1.0.0..1.1.0").exits(0);
    assert_eq!(said.json()["whole"], true);
    said.says("commits of other folders are among these");
    let asked = fake.state().asked.len();
    let line = [
        "--config",
        &config,
        "--offline",
        "changelog",
        "checkout",
        "1.0.0..1.1.0",
    ];
    repository
        .run(&clone, &line, "", &[("FORGE_TOKEN", TOKEN)])
        .exits(2)
        .says("--offline asks nobody");
    assert_eq!(fake.state().asked.len(), asked);
    fake.is_content();
    keeps_no_token(&repository);
}

#[test]
fn the_forge_of_the_source_code_tells_what_lies_between_two_versions() {
    for dialect in ALL {
        changelog(dialect, None);
    }
}
