//! Gates that ask outside: an address, a Prometheus, a program; and that nothing is asked that nobody has allowed.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{fs, io::Write, sync::mpsc, thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    repo::{Repository, Said, write},
    schema::assert_described,
    web::{Web, reply},
};

mod consent;

const LAYOUT: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

/// `web` is 1.1.0 in staging and 1.0.0 in prod; `prod` stands in prod's table, behind its name and upstream.
fn repository(prod: &str) -> Repository {
    let repository = Repository::empty();
    configure(&repository, prod);
    for (environment, version) in [("staging", "1.0.0"), ("prod", "1.0.0")] {
        let text = format!("image: {{tag: {version}}}\n");
        repository.write(&format!("{environment}/web.yaml"), &text);
    }
    repository.publish("Initial");
    repository.write("staging/web.yaml", "image: {tag: 1.1.0}\n");
    repository.publish("Bump");
    repository.pull();
    repository
}

fn configure(repository: &Repository, prod: &str) {
    let text = format!(
        "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n{prod}\n{LAYOUT}"
    );
    repository.write("tidegate.toml", &text);
}

/// What the operator's own file says.
fn own(repository: &Repository, text: &str) {
    let file = repository.home().join("config/tidegate/config.toml");
    write(&file, text.as_bytes());
}

fn promote(repository: &Repository, more: &[&str]) -> Said {
    let to = ["promote", "web", "--from", "staging", "--to", "prod"];
    repository.tidegate(&[&to[..], more].concat())
}

fn why(repository: &Repository) -> Value {
    let said = repository.tidegate(&["why", "web", "--to", "prod", "-o", "json"]);
    let said = said.exits(0).json();
    assert_described(&said);
    said
}

fn verdict(said: &Value, gate: &str) -> Value {
    let verdicts = said["verdicts"].as_array().unwrap();
    let found = verdicts.iter().find(|verdict| verdict["gate"] == gate);
    found
        .unwrap_or_else(|| panic!("no {gate} in {said}"))
        .clone()
}

/// The outcome and the sentence of a gate.
fn says(repository: &Repository, gate: &str) -> (String, String) {
    let verdict = verdict(&why(repository), gate);
    let text = |key: &str| verdict[key].as_str().unwrap().to_owned();
    (text("outcome"), text("detail"))
}

#[track_caller]
fn assert_says(repository: &Repository, gate: &str, outcome: &str, words: &str) {
    let (said, detail) = says(repository, gate);
    assert!(
        said == outcome && detail.contains(words),
        "{said}: {detail}, not {outcome}: {words}"
    );
}

#[test]
fn what_the_repositorys_file_names_is_asked_once_it_was_allowed() {
    let web = Web::says(200, "all is ok");
    let gates = |path: &str| {
        format!(
            "url = \"{}\"\nprotected = true\n[environments.gates]\nhttp = [{{ url = \"{{url}}{path}?v={{version}}\", status = 200, contains = \"ok\" }}]",
            web.url("/")
        )
    };
    let repository = repository(&gates("/healthz"));
    // The matrix opens as ever, and nothing is asked.
    repository.tidegate(&["status", "--no-live"]).exits(0);
    let refused = promote(&repository, &["--yes"]).exits(3);
    assert!(
        refused.out.contains("http hold: not known: ") && refused.out.contains("tidegate trust"),
        "{}",
        refused.out
    );
    assert!(web.asked().is_empty());

    let shown = repository
        .tidegate(&["trust", "--dry-run", "-o", "json"])
        .exits(0)
        .json();
    assert_described(&shown);
    assert_eq!(shown["allowed"], false);
    assert_eq!(shown["checks"][0]["environment"], "prod");
    assert_eq!(shown["checks"][0]["key"], "environments[1].gates.http[0]");
    repository
        .tidegate(&["trust"])
        .exits(0)
        .shows(&format!("asks {}", web.url("/healthz?v={version}")));
    let verdict = verdict(&why(&repository), "http");
    assert_eq!(verdict["outcome"], "pass", "{verdict}");
    assert!(verdict["inputs"][0]["at"].is_string(), "{verdict}");
    promote(&repository, &["--dry-run"])
        .exits(0)
        .shows("http pass");
    assert_eq!(web.asked().len(), 2);
    assert_eq!(web.asked()[0].target, "/healthz?v=1.1.0");

    // One character more is another address.
    configure(&repository, &gates("/healthz2"));
    repository.publish("Another address");
    repository.pull();
    assert_says(&repository, "http", "hold", "tidegate trust");
    assert_eq!(web.asked().len(), 2);
    // A pipeline says so each time, and what is planned and written within a moment asks once.
    promote(&repository, &["--yes", "--trust"]).exits(0);
    assert_eq!(web.asked().len(), 3);
    assert!(repository.at_tip("prod/web.yaml").contains("1.1.0"));
}

#[test]
fn an_address_of_the_repositorys_file_needs_consent_wherever_the_check_stands() {
    let web = Web::says(200, "");
    let repository = repository(&format!("url = \"{}\"", web.url("")));
    own(
        &repository,
        "[[environments]]\nname = \"prod\"\n[environments.gates]\nhttp = { url = \"{url}/x\" }\n",
    );
    assert_says(&repository, "http", "unknown", "tidegate trust");
    assert!(web.asked().is_empty());
    // What the operator's own file says all of needs none.
    let text = format!(
        "[[environments]]\nname = \"prod\"\n[environments.gates]\nhttp = {{ url = \"{}\" }}\n",
        web.url("/x")
    );
    own(&repository, &text);
    assert_says(&repository, "http", "pass", "answers 200");
}

#[test]
fn what_an_address_answers_is_judged_and_what_is_no_answer_is_not_known() {
    let elsewhere = Web::says(200, "ok");
    let (there, to) = (elsewhere.url("/ok"), elsewhere.url("/ok"));
    let web = Web::serve(move |asked, stream| match asked.target.as_str() {
        "/ok" => reply(stream, 200, &[], b"it is ok"),
        "/down" => reply(stream, 503, &[], b"no"),
        "/moved" => reply(stream, 302, &[("Location", "/ok")], b""),
        "/away" => reply(stream, 302, &[("Location", &there)], b""),
        "/round" => reply(stream, 302, &[("Location", "/round")], b""),
        "/garbled" => stream.write_all(b"what is this\r\n\r\n"),
        "/slow" => {
            thread::sleep(Duration::from_secs(20));
            Ok(())
        }
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 1 << 12])?;
            }
        }
        _ => reply(stream, 404, &[], b""),
    });
    let repository = repository("");
    let cases = [
        ("/ok", "", "pass", "answers 200"),
        ("/ok", "contains = \"is ok\"", "pass", "with `is ok`"),
        (
            "/ok",
            "contains = \"{version}\"",
            "hold",
            "without `1.1.0`: it says `it is ok`",
        ),
        ("/ok", "status = 204", "hold", "answers 200, not 204"),
        ("/down", "", "hold", "answers 503, not 2xx"),
        ("/down", "level = \"warn\"", "warn", "answers 503"),
        ("/down", "status = 503", "pass", "answers 503"),
        ("/moved", "", "pass", "answers 200"),
        ("/moved", "status = 302", "pass", "answers 302"),
        ("/away", "", "unknown", "redirects to"),
        ("/away", "unknown = \"hold\"", "hold", "redirects to"),
        ("/round", "", "unknown", "redirects more than"),
        ("/garbled", "", "unknown", "not known: "),
        (
            "/slow",
            "timeout = \"200ms\"",
            "unknown",
            "no answer within 200 ms",
        ),
        (
            "/endless",
            "contains = \"y\"",
            "unknown",
            "more than is read",
        ),
    ];
    for (path, more, outcome, words) in cases {
        let comma = if more.is_empty() { "" } else { ", " };
        let text = format!(
            "[[environments]]\nname = \"prod\"\n[environments.gates]\nhttp = [{{ url = \"{}\"{comma}{more} }}]\n",
            web.url(path)
        );
        own(&repository, &text);
        assert_says(&repository, "http", outcome, words);
    }
    assert!(elsewhere.asked().is_empty(), "{to} was asked");
    // The worst of several speaks, and a port at which nobody listens is not known.
    let text = format!(
        "[[environments]]\nname = \"prod\"\n[environments.gates]\nhttp = [{{ url = \"{}\" }}, {{ url = \"{}\", level = \"hard\" }}, {{ url = \"http://127.0.0.1:1/\" }}]\n",
        web.url("/ok"),
        web.url("/down"),
    );
    own(&repository, &text);
    let reason = ["--override", "http", "--reason", "x", "--yes"];
    promote(&repository, &reason)
        .exits(3)
        .shows("answers 503")
        .shows("cannot connect")
        .shows("no override lifts it");
}

#[test]
fn a_revert_is_stopped_by_a_check_that_says_so_alone() {
    let web = Web::says(500, "");
    let repository = repository("");
    let gates = |more: &str| {
        format!(
            "[[environments]]\nname = \"prod\"\n[environments.gates]\nhttp = {{ url = \"{}\"{more} }}\n",
            web.url("/")
        )
    };
    let revert = |exit: i32, words: &str| {
        let arguments = [
            "set",
            "web",
            "prod",
            "1.1.0",
            "--yes",
            "--override",
            "http",
            "--reason",
            "x",
        ];
        let _ = repository.tidegate(&arguments);
        repository
            .tidegate(&["revert", "web", "prod", "--dry-run"])
            .exits(exit)
            .shows(words);
    };
    own(&repository, &gates(""));
    revert(0, "http warn");
    own(&repository, &gates(", reverts = true"));
    revert(3, "http hold");
}

/// A Prometheus that answers by the query.
fn prometheus() -> Web {
    Web::serve(|asked, stream| {
        if asked.headers.get("authorization").map(String::as_str) != Some("Bearer sesame") {
            return reply(stream, 401, &[], b"no");
        }
        let vector = |values: &[&str]| {
            let result: Vec<Value> = values
                .iter()
                .map(|value| json!({ "metric": { "pod": value }, "value": [1_780_000_000.5, value] }))
                .collect();
            json!({ "status": "success", "data": { "resultType": "vector", "result": result } })
        };
        let answer = match asked.target.as_str() {
            it if it.contains("low") => vector(&["0.001", "0.002"]),
            it if it.contains("mixed") => vector(&["0.001", "0.5"]),
            it if it.contains("none") => vector(&[]),
            it if it.contains("nan") => vector(&["0.001", "NaN"]),
            it if it.contains("number") => {
                json!({ "status": "success", "data": { "resultType": "scalar", "result": [1, "0.001"] } })
            }
            it if it.contains("over") => {
                json!({ "status": "success", "data": { "resultType": "matrix", "result": [] } })
            }
            it if it.contains("wrong") => {
                json!({ "status": "error", "errorType": "bad_data", "error": "parse error: unexpected" })
            }
            _ => json!("what"),
        };
        reply(stream, 200, &[], answer.to_string().as_bytes())
    })
}

#[test]
fn every_sample_of_a_query_is_held_against_the_limit() {
    let server = prometheus();
    let repository = repository("");
    let own_file = |query: &str, token: &str| {
        format!(
            "[[servers]]\nname = \"main\"\nurl = \"{}\"\ntoken = {token}\n[[environments]]\nname = \"prod\"\n[environments.gates]\npromql = [{{ server = \"main\", query = \"{query}{{service='{{service}}'}}\", below = 0.01 }}]\n",
            server.url("/")
        )
    };
    let cases = [
        ("low", "pass", "is below 0.01 in all 2 series"),
        (
            "mixed",
            "hold",
            "is 0.5 ({pod=\"0.5\"}), and has to be below 0.01; 1 of 2 series",
        ),
        ("none", "unknown", "gives nothing"),
        ("nan", "unknown", "no number"),
        ("number", "pass", "is 0.001"),
        ("over", "unknown", "gives a matrix"),
        ("wrong", "unknown", "refuses the query: parse error"),
        ("garbled", "unknown", "not what a Prometheus says"),
    ];
    let token = "{ command = [\"printf\", \"sesame\"] }";
    for (query, outcome, words) in cases {
        own(&repository, &own_file(query, token));
        assert_says(&repository, "promql", outcome, words);
    }
    let last = server.asked().pop().unwrap();
    assert_eq!((last.method.as_str(), last.body.len()), ("GET", 0));
    assert!(
        last.target.contains("service%3D%27web%27"),
        "{}",
        last.target
    );
    let no_token = own_file("low", "{ env = \"TIDEGATE_TEST_NO_TOKEN\" }");
    own(&repository, &no_token);
    assert_says(
        &repository,
        "promql",
        "unknown",
        "TIDEGATE_TEST_NO_TOKEN is not set",
    );
    own(
        &repository,
        &own_file("low", "{ command = [\"printf\", \"other\"] }"),
    );
    assert_says(&repository, "promql", "unknown", "answers 401");
    // A server is named in the operator's own file alone.
    configure(
        &repository,
        "[environments.gates]\npromql = { server = \"else\", query = \"up\", above = 0 }",
    );
    repository.publish("Asks another");
    repository.pull();
    own(&repository, "");
    assert_says(
        &repository,
        "promql",
        "unknown",
        "no server is called `else`",
    );
}

#[test]
fn a_program_reads_what_changes_and_runs_once_it_was_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let script = format!(
        "cat > {0}; env | grep ^TIDEGATE_ | sort >> {0}; pwd >> {0}; grep -q 1.1.0 {0} && echo looks good",
        ran.display()
    );
    let gates = |script: &str| {
        format!(
            "url = \"https://shop.example.com\"\n[environments.gates]\ncommand = [{{ run = [\"sh\", \"-c\", '{script}'], timeout = \"20s\" }}]"
        )
    };
    let repository = repository(&gates(&script));
    assert_says(
        &repository,
        "command",
        "unknown",
        "it is not run before you have allowed it",
    );
    promote(&repository, &["--dry-run"])
        .exits(0)
        .shows("command unknown");
    assert!(!ran.exists());
    repository.tidegate(&["trust"]).exits(0).shows("runs sh -c");
    promote(&repository, &["--dry-run"])
        .exits(0)
        .shows("command pass")
        .shows("looks good");
    let seen = fs::read_to_string(&ran).unwrap();
    for line in [
        "image: {tag: 1.1.0}",
        "TIDEGATE_ENVIRONMENT=prod",
        "TIDEGATE_FROM_ENVIRONMENT=staging",
        "TIDEGATE_FROM_VERSION=1.0.0",
        "TIDEGATE_SERVICE=web",
        "TIDEGATE_URL=https://shop.example.com",
        "TIDEGATE_VERSION=1.1.0",
    ] {
        assert!(seen.lines().any(|it| it == line), "{line} is not in {seen}");
    }
    let clone = repository.clone_path().display().to_string();
    assert!(!seen.contains(&clone), "{seen}");

    for (script, outcome, words) in [
        (
            "echo FAIL - no limits; exit 1",
            "hold",
            "says no (exit 1): FAIL - no limits",
        ),
        (
            "tidegate-no-such-program",
            "unknown",
            "could not be run (exit 127)",
        ),
        ("kill -9 $$", "unknown", "ended by a signal"),
        ("while :; do echo x; done", "unknown", "stopped after"),
    ] {
        let gates = gates(script).replace("20s", "1s");
        configure(&repository, &gates);
        repository.publish("Another program");
        repository.pull();
        assert_says(&repository, "command", "unknown", "tidegate trust");
        repository.tidegate(&["trust"]).exits(0);
        assert_says(&repository, "command", outcome, words);
    }
}

#[test]
fn what_is_wrong_with_a_check_is_told_with_its_place() {
    let repository = repository("");
    for (gates, words) in [
        ("http = [{ status = 200 }]", "has no `url`"),
        ("http = { url = \"{servce}/x\" }", "is no address"),
        (
            "http = { url = \"http://h/{servce}\" }",
            "nothing is known for `{servce}`",
        ),
        (
            "http = { url = \"http://h/\", status = 20 }",
            "is no HTTP status",
        ),
        (
            "http = { url = \"http://h/\", timeout = \"soon\" }",
            "is no length of time",
        ),
        (
            "promql = { server = \"main\", query = \"up\" }",
            "says of no value that it is good",
        ),
        (
            "promql = { server = \"main\", query = \"up\", below = \"1\" }",
            "is a string; expected a number",
        ),
        ("command = { run = [] }", "names no program"),
        ("command = { run = \"make\" }", "expected a list of strings"),
    ] {
        configure(&repository, &format!("[environments.gates]\n{gates}"));
        repository.publish("Wrong");
        repository.pull();
        let said = repository.tidegate(&["status", "--no-live"]).exits(2);
        assert!(
            said.err.contains("tidegate.toml:7: ") && said.err.contains(words),
            "{}",
            said.err
        );
    }
    configure(
        &repository,
        "[[servers]]\nname = \"main\"\nurl = \"http://h\"",
    );
    repository.publish("A server");
    repository.pull();
    repository
        .tidegate(&["status", "--no-live"])
        .exits(2)
        .says("only the user's own `config.toml` may hold `servers`");
}

#[test]
fn an_interrupted_command_waits_for_no_answer() {
    let (held, waits) = mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let web = Web::serve(move |_, _| {
        // Until the test is over.
        let _ = waits.lock().map(|waits| waits.recv());
        Ok(())
    });
    let repository = repository("");
    let text = format!(
        "[[environments]]\nname = \"prod\"\n[environments.gates]\nhttp = {{ url = \"{}\", timeout = \"10m\" }}\n",
        web.url("/")
    );
    own(&repository, &text);
    let mut command = repository.command(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["why", "web", "--to", "prod"]);
    command.current_dir(repository.clone_path());
    let mut child = command.spawn().unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while web.asked().is_empty() {
        assert!(std::time::Instant::now() < until, "nobody asked");
        thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(held);
}

#[test]
fn a_rollout_is_done_when_its_checks_are_as_they_should_be() {
    let times = std::sync::atomic::AtomicUsize::new(0);
    let web = Web::serve(move |asked, stream| match asked.target.as_str() {
        "/late" if times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
            reply(stream, 503, &[], b"")
        }
        "/late" => reply(stream, 200, &[], b"this is 1.1.0"),
        _ => reply(stream, 200, &[], b"this is 1.0.0"),
    });
    let verify = |path: &str| {
        format!(
            "[[environments]]\nname = \"prod\"\ntimeout = \"3s\"\n[environments.verify]\nhttp = {{ url = \"{}\", contains = \"{{version}}\" }}\n",
            web.url(path)
        )
    };
    let delivered = |path: &str, version: &str| {
        let repository = repository("");
        own(&repository, &verify(path));
        repository.tidegate(&[
            "set", "web", "prod", version, "--yes", "--wait", "-o", "json",
        ])
    };
    let good = delivered("/late", "1.1.0").exits(0);
    assert!(good.err.contains("verified: "), "{}", good.err);
    let said = good.json();
    assert_described(&said);
    assert!(
        said["cells"][0]["verified"]
            .as_str()
            .unwrap()
            .contains("with `1.1.0`"),
        "{said}"
    );

    let bad = delivered("/wrong", "1.1.0").exits(1).says("not verified: ");
    assert_eq!(bad.json()["cells"][0]["state"], "failed");
    assert!(
        bad.err.contains("go back with: tidegate revert web prod"),
        "{}",
        bad.err
    );

    let unknown = repository("");
    own(&unknown, &verify("/x").replace(&web.port.to_string(), "1"));
    let set = [
        "set", "web", "prod", "1.1.0", "--yes", "--wait", "-o", "json",
    ];
    let said = unknown.tidegate(&set).exits(1).says("cannot connect");
    assert_eq!(said.json()["cells"][0]["state"], "not-verified");

    // What the repository's file asks and nobody has allowed is not asked, and not green.
    let asked = web.asked().len();
    let stranger = repository(&verify("/late").replace("[[environments]]\nname = \"prod\"\n", ""));
    let said = stranger.tidegate(&set).exits(1).says("tidegate trust");
    assert_eq!(said.json()["cells"][0]["state"], "not-verified");
    assert_eq!(web.asked().len(), asked);
}
