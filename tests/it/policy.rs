//! What a repository's policy asks of changes: freezes, levels, ranges, what services need.

use serde_json::{Value, json};

use crate::support::{
    repo::{Repository, Said},
    schema::assert_described,
};

const LAYOUT: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";
/// Active at every instant.
const FREEZE: &str = "[[windows]]\nname = \"stocktaking\"\nkind = \"deny\"\ncron = \"* * * * *\"\nduration = \"2h\"\n\
                      zone = \"UTC\"\nenvironments = [\"prod\"]\n";

/// `web` and `pay` are 1.1.0 in staging and 1.0.0 in prod; `gates` stands in prod's table, `more` behind it.
fn repository(gates: &str, more: &str) -> Repository {
    let repository = Repository::empty();
    let configuration = format!(
        "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n{gates}\n{more}{LAYOUT}"
    );
    repository.write("tidegate.toml", &configuration);
    for (environment, version) in [("staging", "1.0.0"), ("prod", "1.0.0")] {
        for service in ["web", "pay"] {
            let path = format!("{environment}/{service}.yaml");
            repository.write(&path, &format!("image: {{tag: {version}}}\n"));
        }
    }
    repository.publish("Initial");
    for service in ["web", "pay"] {
        repository.write(&format!("staging/{service}.yaml"), "image: {tag: 1.1.0}\n");
    }
    repository.publish("Bump");
    repository.pull();
    repository
}

fn promote(repository: &Repository, services: &[&str], more: &[&str]) -> Said {
    let to = ["--from", "staging", "--to", "prod", "--yes"];
    repository.tidegate(&[&["promote"], services, &to, more].concat())
}

fn verdict<'a>(said: &'a Value, gate: &str) -> &'a Value {
    let mut verdicts = said["verdicts"].as_array().into_iter().flatten();
    let found = verdicts.find(|verdict| verdict["gate"] == gate);
    found.unwrap_or_else(|| panic!("no {gate} in {said}"))
}

#[test]
fn a_freeze_holds_until_it_is_lifted_with_a_reason_and_lets_go_back() {
    let repository = repository("", FREEZE);
    let tip = repository.tip();
    promote(&repository, &["web"], &[])
        .exits(3)
        .shows("window hold: the freeze `stocktaking` holds");
    assert_eq!(repository.tip(), tip);
    promote(&repository, &["web"], &["--override", "window"]).exits(2);
    let reason = ["--override", "window", "--reason", "Mends the outage"];
    promote(&repository, &["web"], &reason).exits(0);
    let message = repository.message();
    assert!(message.contains("Mends the outage"), "{message}");
    // Nothing stops going back.
    repository
        .tidegate(&["revert", "web", "prod", "--yes"])
        .exits(0)
        .shows("window warn");
    assert!(repository.at_tip("prod/web.yaml").contains("1.0.0"));
}

#[test]
fn what_is_hard_cannot_be_lifted() {
    let repository = repository(
        "[environments.gates]\nwindow = { level = \"hard\" }\n",
        FREEZE,
    );
    let tip = repository.tip();
    let reason = ["--override", "window", "--reason", "Please"];
    promote(&repository, &["web"], &reason)
        .exits(3)
        .shows("no override lifts it");
    assert_eq!(repository.tip(), tip);
}

#[test]
fn what_a_service_needs_goes_before_it_or_with_it() {
    let needs = "[[dependencies]]\nservice = \"web\"\nneeds = \"pay\"\nversion = \">=1.1\"\n";
    let repository = repository("", needs);
    promote(&repository, &["web"], &[])
        .exits(3)
        .shows("it needs pay >=1.1, and pay / prod is 1.0.0");
    promote(&repository, &["web", "pay"], &[])
        .exits(0)
        .shows("pay 1.1.0 comes with it");
}

#[test]
fn why_tells_every_gate_and_when_it_passes() {
    let gates =
        "[environments.gates]\neligible = { range = \">=2\" }\nupstream = { level = \"warn\" }\n";
    let repository = repository(gates, FREEZE);
    let said = repository
        .tidegate(&["why", "web", "--to", "prod", "-o", "json"])
        .exits(0)
        .json();
    assert_described(&said);
    assert_eq!(
        (
            &said["service"],
            &said["environment"],
            &said["from"],
            &said["version"]
        ),
        (
            &"web".into(),
            &"prod".into(),
            &"staging".into(),
            &"1.1.0".into()
        )
    );
    let outcome = |gate| verdict(&said, gate)["outcome"].as_str().unwrap_or_default();
    let gates = [
        "upstream",
        "ahead",
        "reverted",
        "eligible",
        "window",
        "immutable",
    ];
    assert_eq!(
        gates.map(outcome),
        ["pass", "pass", "pass", "hold", "hold", "pass"]
    );
    assert_eq!(verdict(&said, "upstream")["level"], "warn");
    // Another freeze begins before this one ends.
    assert_eq!(verdict(&said, "window")["earliest"], Value::Null);
    let told = repository.tidegate(&["why", "web", "--to", "prod", "--version", "2.0.0"]);
    told.exits(0)
        .shows("promote web / prod: 1.0.0 → 2.0.0 from staging")
        .shows("eligible pass: 2.0.0 is in >=2")
        .shows("the history of web / prod: ");
    // Where nobody configured one, too.
    let plain = self::repository("", "");
    let said = plain
        .tidegate(&["why", "pay", "--to", "prod", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(verdict(&said, "window")["outcome"], "pass");
    plain
        .tidegate(&["why", "pay", "--to", "staging"])
        .exits(2)
        .says("staging has no upstream");
}

#[test]
fn a_policy_that_cannot_be_meant_says_where_and_why() {
    let window = |line: &str| {
        let key = line.split_once(' ').unwrap_or_default().0;
        let lines = FREEZE.lines().map(|own| {
            if own.starts_with(&format!("{key} =")) {
                line
            } else {
                own
            }
        });
        let lines: Vec<&str> = lines.collect();
        format!("{}\n", lines.join("\n"))
    };
    let cases = [
        ("", window("zone = \"Mars/Base\""), "windows[0].zone: `Mars/Base` is no time zone"),
        ("", window("cron = \"61 * * * *\""), "windows[0].cron: `61 * * * *` is no schedule"),
        ("", window("kind = \"block\""), "windows[0].kind: `block` is neither `deny` nor `allow`"),
        ("", window("duration = \"long\""), "windows[0].duration: `long` is no length of time"),
        ("", window("environments = [\"prd\"]"), "windows[0].environments[0]: `prd` is no declared environment"),
        ("[environments.gates]\nsoaked = { for = \"1h\" }", String::new(), "environments[1].gates.soaked: no such gate in this version"),
        ("[environments.gates]\nupstream = { level = \"strict\" }", String::new(), "environments[1].gates.upstream.level: `strict` is neither `hard` nor `hold` nor `warn`"),
        ("[environments.gates]\neligible = { range = \"new\" }", String::new(), "environments[1].gates.eligible.range: "),
        ("[environments.gates]\nsoak = {}", String::new(), "environments[1].gates.soak: does not say for how long; give it a time, such as `for = \"24h\"`"),
        ("[environments.gates]\ntogether = { for = \"long\" }", String::new(), "environments[1].gates.together.for: `long` is no length of time; write one like `2h`"),
        ("[environments.gates]\nsoak = { four = \"1h\" }", String::new(), "environments[1].gates.soak.four: "),
        ("[environments.gates]\napprovals = {}", String::new(), "environments[1].gates.approvals: does not say how many have to approve; say it, such as `need = 2`"),
        ("[environments.gates]\napprovals = { need = 0 }", String::new(), "environments[1].gates.approvals.need: `0` is no number of people"),
        ("[environments.gates]\napprovals = { need = 2, from = [\"alice\"] }", String::new(), "environments[1].gates.approvals.need: `2` is more than the 1 that `from` names"),
        ("[environments.gates]\napprovals = { need = 1, from = [\"@org/\"] }", String::new(), "environments[1].gates.approvals.from[0]: `@org/` is nobody"),
        ("[environments.gates]\napprovals = { checks = [] }", String::new(), "environments[1].gates.approvals.checks: names nothing"),
        ("[environments.gates]\nevidence = { checks = [] }", String::new(), "environments[1].gates.evidence.checks: names nothing"),
        ("[environments.gates]\napprovals = { needs = 2 }", String::new(), "environments[1].gates.approvals.needs: "),
        ("[environments.gates]\neligible = {}", String::new(), "environments[1].gates.eligible: lets every version come"),
        (
            "",
            "[[dependencies]]\nservice = \"a\"\nneeds = \"b\"\nversion = \"*\"\n[[dependencies]]\nservice = \"b\"\nneeds = \"a\"\nversion = \"*\"\n".to_owned(),
            "dependencies: is a cycle: a → b → a",
        ),
    ];
    for (gates, more, words) in cases {
        let repository = repository(gates, &more);
        repository
            .tidegate(&["status", "--no-live"])
            .exits(2)
            .says(words);
    }
}

#[test]
fn a_version_that_came_past_its_upstream_is_an_alert() {
    let repository = repository("", "");
    let alerts = || {
        let said = repository.tidegate(&["status", "--no-live", "-o", "json"]);
        let said = said.exits(0).json();
        assert_described(&said);
        said["alerts"].clone()
    };
    assert_eq!(alerts(), serde_json::json!([]));
    repository.write("prod/web.yaml", "image: {tag: 1.2.0}\n");
    repository.publish("Hotfix");
    repository.pull();
    assert_eq!(
        alerts(),
        serde_json::json!([{
            "service": "web",
            "environment": "prod",
            "kind": "skipped-upstream",
            "message": "ahead of staging: 1.2.0, staging declares 1.1.0",
        }])
    );
}

#[test]
fn why_of_what_is_there_already_says_so() {
    let repository = Repository::seeded();
    repository
        .tidegate(&["why", "checkout", "--to", "prod"])
        .exits(0)
        .shows("promote checkout / prod: 1.0.0 from staging is there already")
        .shows("prod declares 1.0.0 already");
}

/// A veto is written like everything else, holds what goes forward and back, names who and why, and is lifted the same way.
#[test]
fn a_veto_holds_forward_and_back_until_it_is_lifted() {
    let repository = repository("", "");
    repository
        .tidegate(&["veto", "web", "1.1.0", "--yes"])
        .exits(2);
    repository
        .tidegate(&["veto", "webb", "1.1.0", "--yes", "--reason", "r"])
        .exits(2)
        .says("no row is called `webb`");
    let tip = repository.tip();
    let veto = ["veto", "web", "1.1.0", "--reason", "Loses carts"];
    let planned = [&veto[..], &["--dry-run", "-o", "json"]].concat();
    assert_described(&repository.tidegate(&planned).exits(0).json());
    repository
        .tidegate(&[&veto[..], &["--dry-run"]].concat())
        .exits(0)
        .shows("veto web 1.1.0\n")
        .shows("+version = \"1.1.0\"")
        .shows("1 change of vetoes in 1 file on origin/main");
    assert_eq!(repository.tip(), tip);
    repository
        .tidegate(&[&veto[..], &["--yes"]].concat())
        .exits(0);
    let file = repository.at_tip("vetoes.toml");
    assert!(file.contains("reason = \"Loses carts\""), "{file}");
    let message = repository.message();
    assert!(message.starts_with("veto web 1.1.0\n"), "{message}");
    assert!(message.contains("Vetoed: web 1.1.0\n"), "{message}");
    repository
        .tidegate(&[&veto[..], &["--yes"]].concat())
        .exits(0)
        .says("is vetoed already");
    let json = ["--yes", "-o", "json"];
    let again = repository
        .tidegate(&[&veto[..], &json].concat())
        .exits(0)
        .json();
    assert_described(&again);
    assert_eq!(again["outcome"], "nothing", "{again}");

    let tip = repository.tip();
    promote(&repository, &["web"], &[])
        .exits(3)
        .shows("veto hold: 1.1.0 is vetoed: Loses carts");
    let all = [
        "promote",
        "--all",
        "--from",
        "staging",
        "--to",
        "prod",
        "--dry-run",
        "-o",
        "json",
    ];
    let plan = repository.tidegate(&all).json();
    let mut skipped = plan["skipped"].as_array().into_iter().flatten();
    let web = skipped.find(|skip| skip["service"] == "web");
    assert_eq!(
        web.map(|skip| &skip["cause"]),
        Some(&Value::from("vetoed")),
        "{plan}"
    );
    let status = repository
        .tidegate(&["status", "-o", "json"])
        .exits(0)
        .json();
    assert_described(&status);
    let cells = &status["services"][1]["cells"];
    assert_eq!(cells["staging"]["vetoed"], "Loses carts", "{status}");
    assert!(cells["prod"].get("vetoed").is_none(), "{status}");
    repository.tidegate(&["status"]).exits(0).shows("vetoed");
    assert_eq!(repository.tip(), tip);

    repository
        .tidegate(&["veto", "web", "1.0.9", "--lift", "--yes"])
        .exits(1)
        .says("web 1.0.9 is not vetoed in vetoes.toml; vetoed are: web 1.1.0");
    repository
        .tidegate(&["veto", "web", "1.1.0", "--lift", "--yes"])
        .exits(0);
    let message = repository.message();
    assert!(
        message.starts_with("lift the veto of web 1.1.0\n"),
        "{message}"
    );
    promote(&repository, &["web"], &[]).exits(0);

    // Going back and marking what it goes back from is one commit, and then nothing goes forward to it.
    let back = [
        "revert",
        "web",
        "prod",
        "--yes",
        "--veto",
        "--reason",
        "Loses carts again",
    ];
    repository.tidegate(&back).exits(0);
    assert!(repository.at_tip("prod/web.yaml").contains("1.0.0"));
    assert!(
        repository
            .at_tip("vetoes.toml")
            .contains("Loses carts again")
    );
    let message = repository.message();
    assert!(message.contains("Vetoed: web 1.1.0\n"), "{message}");
    let again = ["--override", "reverted", "--reason", "Once more"];
    promote(&repository, &["web"], &again)
        .exits(3)
        .shows("veto hold");
    // What is bad is nothing to go back to either.
    repository
        .tidegate(&["revert", "web", "prod", "--to", "1.1.0", "--yes"])
        .exits(3)
        .shows("veto hold");
}

/// A file of vetoes that cannot be read may veto anything: it holds where an environment is protected, and says where.
#[test]
fn vetoes_that_cannot_be_read_are_not_known() {
    let repository = repository("protected = true\n", "");
    repository.write("vetoes.toml", "[[veto]]\nservice = \"web\"\n");
    repository.publish("Half a veto");
    promote(&repository, &["web"], &[])
        .exits(3)
        .shows("veto hold: not known: vetoes.toml:1: the vetoes cannot be read");
    repository
        .tidegate(&["status"])
        .exits(0)
        .says("vetoes.toml:1: the vetoes cannot be read");
    repository
        .tidegate(&["veto", "web", "1.1.0", "--reason", "r", "--yes"])
        .exits(1)
        .says("vetoes.toml:1");
}

/// The file's name is the configuration's; a path that leads out of the repository is refused with its line.
#[test]
fn the_file_of_the_vetoes_can_be_another_one() {
    let repository = repository("", "[vetoes]\nfile = \"policy/bad.toml\"\n");
    let veto = ["veto", "w*", "1.1.0", "--reason", "Loses carts", "--yes"];
    repository.tidegate(&veto).exits(0);
    assert!(
        repository
            .at_tip("policy/bad.toml")
            .contains("service = \"w*\"")
    );
    promote(&repository, &["web"], &[])
        .exits(3)
        .shows("is vetoed");
    promote(&repository, &["pay"], &[]).exits(0);
    let outside = self::repository("", "[vetoes]\nfile = \"../bad.toml\"\n");
    outside
        .tidegate(&["status"])
        .exits(2)
        .says("`../bad.toml` is no file of the repository");
}

/// The file of versions moves in the commit that moves the cells; where it cannot be kept, that is said and holds nothing.
#[test]
fn the_file_of_versions_is_kept_in_step_by_the_same_commit() {
    let repository = repository("", "[versions]\nfile = \"docs/versions.json\"\n");
    let base = repository.tip();
    promote(&repository, &["web"], &[])
        .exits(0)
        .shows("docs/versions.json");
    let versions =
        || -> Value { serde_json::from_str(&repository.at_tip("docs/versions.json")).unwrap() };
    let all = json!({
        "pay": { "staging": "1.1.0", "prod": "1.0.0" },
        "web": { "staging": "1.1.0", "prod": "1.1.0" },
    });
    assert_eq!(versions(), all);
    let between = format!("{base}..main");
    let count = repository.git_in(&repository.remote(), &["rev-list", "--count", &between]);
    assert_eq!(count, "1");
    // No change of its own to whoever judges it, and it goes back with the cells.
    repository.pull();
    repository.tidegate(&["check", "--base", &base]).exits(0);
    repository
        .tidegate(&["revert", "web", "prod", "--yes"])
        .exits(0);
    assert_eq!(versions()["web"]["prod"], "1.0.0");
    // Somebody's own text is not written over.
    repository.pull();
    repository.git_in(&repository.colleague(), &["pull", "-q", "origin", "main"]);
    repository.write("docs/versions.json", "{\n  \"web\": [\n");
    repository.publish("Half a file");
    promote(&repository, &["pay"], &[])
        .exits(0)
        .shows("the file of versions stays as it is on origin/main: docs/versions.json");
    assert!(repository.at_tip("prod/pay.yaml").contains("1.1.0"));
    assert_eq!(repository.at_tip("docs/versions.json"), "{\n  \"web\": [");
    for (text, said) in [
        (
            "file = \"versions.toml\"",
            "`versions.toml` is of no form that is kept in step",
        ),
        ("", "has no `file`"),
    ] {
        let wrong = self::repository("", &format!("[versions]\n{text}\n"));
        wrong.tidegate(&["status"]).exits(2).says(said);
    }
}

/// In waves each commit says what has gone by then.
#[test]
fn the_file_of_versions_goes_wave_by_wave() {
    let needs = "[[dependencies]]\nservice = \"web\"\nneeds = \"pay\"\nversion = \">=1.1.0\"\n";
    let file = "[versions]\nfile = \"VERSIONS.md\"\n";
    let repository = repository("", &format!("{needs}{file}"));
    promote(&repository, &["web", "pay"], &[]).exits(0);
    let at = |revision: &str| {
        let name = format!("{revision}:VERSIONS.md");
        repository.git_in(&repository.remote(), &["show", &name])
    };
    let head = "| service | staging | prod |\n| --- | --- | --- |\n";
    let said = |web: &str| format!("{head}| pay | 1.1.0 | 1.1.0 |\n| web | 1.1.0 | {web} |");
    assert_eq!(at("main~1"), said("1.0.0"));
    assert_eq!(at("main"), said("1.1.0"));
}

/// Two who promote other services at once both go: the file of versions is no reason to ask again.
#[test]
fn a_plan_file_goes_on_where_the_file_of_versions_moved_for_others() {
    let repository = repository("", "[versions]\nfile = \"versions.json\"\n");
    promote(&repository, &["web"], &[]).exits(0);
    repository
        .tidegate(&["revert", "web", "prod", "--yes"])
        .exits(0);
    repository.pull();
    let plan = [
        "plan",
        "promote",
        "pay",
        "--from",
        "staging",
        "--to",
        "prod",
        "--out",
        "plan.json",
    ];
    repository.tidegate(&plan).exits(0);
    let again = ["--override", "reverted", "--reason", "It was not it"];
    promote(&repository, &["web"], &again).exits(0);
    repository
        .tidegate(&["apply", "plan.json", "--yes"])
        .exits(0);
    let said: Value = serde_json::from_str(&repository.at_tip("versions.json")).unwrap();
    assert_eq!(said["pay"]["prod"], "1.1.0");
    assert_eq!(said["web"]["prod"], "1.1.0");
}
