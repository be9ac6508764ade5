//! Who is told of a delivery: Slack, Teams, addresses and programs on this machine, which answer well, late, badly and never.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::support::{
    repo::{Repository, Said, write},
    web::{Asked, Web, reply},
};

const LAYOUT: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

/// `web` is 1.1.0 in staging and 1.0.0 in prod.
fn repository(team: &str, own: &str) -> Repository {
    let repository = Repository::empty();
    let text = format!(
        "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n{team}\n{LAYOUT}"
    );
    repository.write("tidegate.toml", &text);
    for (environment, version) in [("staging", "1.1.0"), ("prod", "1.0.0")] {
        let text = format!("image: {{tag: {version}}}\n");
        repository.write(&format!("{environment}/web.yaml"), &text);
    }
    repository.publish("Initial");
    repository.pull();
    let file = repository.home().join("config/tidegate/config.toml");
    write(&file, own.as_bytes());
    repository
}

fn promote(repository: &Repository, more: &[&str]) -> Said {
    let to = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    let token = [("SLACK_TOKEN", "xoxb-sesame"), ("HOOK", "")];
    repository.run(
        &repository.clone_path(),
        &[&to[..], more].concat(),
        "",
        &token,
    )
}

fn bodies(asked: &[Asked]) -> Vec<Value> {
    let parsed = asked
        .iter()
        .map(|it| serde_json::from_slice(&it.body).unwrap());
    parsed.collect()
}

/// One thread for each delivery, by a token that goes nowhere else and stands nowhere.
#[test]
fn slack_is_told_in_one_thread() {
    let slack = Web::serve(|asked, stream| {
        let body: Value = serde_json::from_slice(&asked.body)?;
        let thread = body["thread_ts"].as_str().is_some();
        let ts = if thread { "2.000" } else { "1.000" };
        reply(
            stream,
            200,
            &[],
            json!({ "ok": true, "ts": ts }).to_string().as_bytes(),
        )
    });
    let own = format!(
        "[[notify]]\non = [\"planned\", \"delivered\", \"overridden\", \"healthy\"]\nenvironments = [\"prod*\"]\n\
         slack = {{ channel = \"#releases\" }}\n\
         [[secrets]]\nname = \"slack\"\nvalue = {{ env = \"SLACK_TOKEN\" }}\nurl = \"{}\"\n",
        slack.url("/api")
    );
    let freeze = "[[windows]]\nname = \"<stocktaking>\"\nkind = \"deny\"\ncron = \"* * * * *\"\nduration = \"2h\"\n\
                  zone = \"UTC\"\nenvironments = [\"prod\"]\n";
    let repository = repository(freeze, &own);
    let lifted = ["--override", "window", "--reason", "Mends <the> outage"];
    let said = promote(&repository, &lifted);
    said.exits(0);
    let asked = slack.asked();
    let bodies = bodies(&asked);
    let texts: Vec<&str> = bodies
        .iter()
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    let commit = repository.tip();
    let subject = "promote web 1.0.0 → 1.1.0 to prod on origin/main";
    assert_eq!(texts[0], format!("planned: {subject}"));
    assert_eq!(texts[1], format!("delivered: {subject} ({})", &commit[..7]));
    assert!(
        texts[2].ends_with("window: Mends &lt;the&gt; outage"),
        "{}",
        texts[2]
    );
    for (at, asked) in asked.iter().enumerate() {
        assert_eq!(asked.target, "/api/chat.postMessage");
        assert_eq!(asked.headers["authorization"], "Bearer xoxb-sesame");
        assert_eq!(bodies[at]["channel"], "#releases");
        let thread = (at > 0).then_some("1.000");
        assert_eq!(bodies[at]["thread_ts"].as_str(), thread);
    }
}

/// Servers that are busy are asked again as they say; who could not be told is said, and nothing else is different for that.
#[test]
fn who_could_not_be_told_is_said_and_the_delivery_is_done() {
    let times = std::sync::atomic::AtomicUsize::new(0);
    let busy = Web::serve(move |_, stream| {
        match times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => reply(stream, 429, &[("Retry-After", "1")], b""),
            1 => reply(stream, 500, &[], b"oops"),
            _ => reply(stream, 200, &[], b"ok"),
        }
    });
    let broken = Web::says(404, "no such hook");
    // It takes what comes, and never answers.
    let silent = Web::serve(|_, stream| std::io::Read::read(stream, &mut [0; 1]).map(drop));
    // Nobody is there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let own = format!(
        "[[notify]]\non = [\"delivered\"]\nteams = {{ webhook = \"oncall\" }}\n\
         [[notify]]\non = [\"delivered\"]\nwebhook = {{ url = \"{}\", template = '{{\"what\": \"{{event}}\", \"cells\": [\"{{services}}\"]}}' }}\n\
         [[notify]]\non = [\"delivered\"]\nslack = {{ webhook = \"missing\" }}\n\
         [[notify]]\non = [\"delivered\"]\nwebhook = {{ url = \"http://{gone}/hook\" }}\n\
         [[notify]]\non = [\"delivered\"]\nwebhook = {{ url = \"{}\" }}\n\
         [[secrets]]\nname = \"oncall\"\nvalue = {{ command = [\"echo\", \"{}\"] }}\n",
        broken.url("/broken"),
        silent.url("/silent"),
        busy.url("/teams/secret-path")
    );
    let repository = repository("", &own);
    promote(&repository, &[])
        .exits(0)
        .says("[[secrets]] with name = \"missing\"")
        .says("was not told: it answers 404: no such hook (delivered)")
        .says("was not told: cannot connect")
        .says("/silent was not told: no answer within 5 s (delivered)");
    assert!(repository.at_tip("prod/web.yaml").contains("1.1.0"));
    let asked = busy.asked();
    assert_eq!(asked.len(), 3);
    let card = &bodies(&asked)[2];
    let text = &card["attachments"][0]["content"]["body"][0]["text"];
    assert!(
        text.as_str().unwrap().starts_with("delivered: promote web"),
        "{card}"
    );
    assert_eq!(
        bodies(&broken.asked())[0],
        json!({ "what": "delivered", "cells": ["web"] })
    );
}

/// What a repository's file names is told nothing, and run by nobody, before exactly that is allowed.
#[test]
fn whom_a_repository_names_is_told_after_consent() {
    let web = Web::says(200, "");
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("said.json");
    let script = folder.path().join("tell");
    let text = format!(
        "#!/bin/sh\necho \"$TIDEGATE_EVENT\" >> {0}\ncat >> {0}\n",
        file.display()
    );
    write(&script, text.as_bytes());
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let team = format!(
        "[[notify]]\non = [\"delivered\", \"reverted\"]\nwebhook = {{ url = \"{}\" }}\n\
         [[notify]]\non = [\"reverted\"]\ncommand = [\"{}\"]\n",
        web.url("/hook"),
        script.display()
    );
    let repository = repository(&team, "");
    promote(&repository, &[])
        .exits(0)
        .says("the repository's file names it, and that is not allowed yet: tidegate trust");
    assert_eq!(web.asked().len(), 0);
    repository
        .tidegate(&["trust", "--yes"])
        .exits(0)
        .shows(&format!(
            "tells {} of what is delivered, reverted",
            web.url("/hook")
        ))
        .shows(&format!(
            "runs {} to tell of what is reverted",
            script.display()
        ));
    repository.pull();
    repository
        .tidegate(&["revert", "web", "prod", "--yes"])
        .exits(0);
    let told = bodies(&web.asked());
    let events: Vec<&Value> = told.iter().map(|it| &it["event"]).collect();
    assert_eq!(events, ["delivered", "reverted"]);
    assert_eq!(told[1]["schema"], "tidegate.notification/v1");
    assert_eq!(told[1]["cells"][0]["to"], "1.0.0");
    assert_eq!(told[1]["commit"], repository.tip());
    let said = fs::read_to_string(&file).unwrap();
    assert!(said.starts_with("reverted\n{"), "{said}");
    // Nobody is asked offline, and nobody of another file.
    for (text, why) in [
        (
            "on = [\"sometimes\"]\ncommand = [\"true\"]",
            "`sometimes` is none of `planned`",
        ),
        ("on = [\"failed\"]", "says who is told by one of"),
        (
            "on = [\"failed\"]\nslack = { channel = \"#a\", webhook = \"b\" }",
            "says where by `channel`",
        ),
        (
            "on = [\"failed\"]\nwebhook = { url = \"ftp://a\" }",
            "is no address",
        ),
        (
            "on = [\"failed\"]\nwebhook = { url = \"https://a\", template = \"{nobody}\" }",
            "there is no `{nobody}` here",
        ),
    ] {
        let wrong = self::repository(&format!("[[notify]]\n{text}\n"), "");
        wrong.tidegate(&["status"]).exits(2).says(why);
    }
}

/// A delivery is one annotation, from its beginning to its end.
#[test]
fn grafana_has_a_region_of_each_delivery() {
    let grafana = Web::serve(|asked, stream| {
        let body = match (asked.method.as_str(), asked.target.as_str()) {
            ("POST", "/g/api/annotations") => json!({ "message": "Annotation added", "id": 17 }),
            ("PATCH", "/g/api/annotations/17") => json!({ "message": "Annotation patched" }),
            _ => return reply(stream, 404, &[], b"no such page"),
        };
        reply(stream, 200, &[], body.to_string().as_bytes())
    });
    let own = format!(
        "[[notify]]\non = [\"planned\", \"delivered\", \"healthy\"]\n\
         grafana = {{ url = \"{}\", secret = \"slack\", tags = [\"deploys\"], dashboard = \"d1\" }}\n\
         [[secrets]]\nname = \"slack\"\nvalue = {{ env = \"SLACK_TOKEN\" }}\n",
        grafana.url("/g/")
    );
    let repository = repository("", &own);
    promote(&repository, &[]).exits(0);
    let asked = grafana.asked();
    let bodies = bodies(&asked);
    let ways: Vec<&str> = asked.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(ways, ["POST", "PATCH"]);
    for asked in &asked {
        assert_eq!(asked.headers["authorization"], "Bearer xoxb-sesame");
    }
    assert_eq!(bodies[0]["dashboardUID"], "d1");
    assert_eq!(
        bodies[0]["tags"],
        json!(["deploys", "planned", "web", "prod"])
    );
    assert_eq!(
        bodies[1]["tags"],
        json!(["deploys", "delivered", "web", "prod"])
    );
    let text = bodies[1]["text"].as_str().unwrap();
    assert!(
        text.starts_with("delivered: promote web 1.0.0 → 1.1.0 to prod"),
        "{text}"
    );
    let at = |body: &Value, key: &str| body[key].as_i64();
    assert!(at(&bodies[1], "timeEnd") >= at(&bodies[0], "time"));
    assert_eq!(at(&bodies[1], "time"), None, "its beginning stays");
}

/// A token is not the repository's: the file of a team names its name alone, is asked about, and sends it to no server but the one
/// that the user's own file says it is of.
#[test]
fn a_grafana_of_the_teams_file_is_told_after_consent() {
    let grafana = Web::says(200, "{\"id\": 1}");
    let other = Web::says(200, "{\"id\": 1}");
    let team = format!(
        "[[notify]]\non = [\"delivered\"]\ngrafana = {{ url = \"{}\", dashboard = \"d1\" }}\n",
        grafana.url("/g")
    );
    let own = |url: &str| {
        format!("[[secrets]]\nname = \"grafana\"\nvalue = {{ env = \"SLACK_TOKEN\" }}\n{url}\n")
    };
    let of_it = own(&format!("url = \"{}\"", grafana.url("")));
    let repository = repository(&team, &of_it);
    promote(&repository, &[]).exits(0).says("tidegate trust");
    assert!(grafana.asked().is_empty());
    let shown = repository.run(&repository.clone_path(), &["trust", "--dry-run"], "", &[]);
    let words = format!("{}{}", shown.out, shown.err);
    let line = "with the secret `grafana`, tagged tidegate, on the dashboard d1";
    assert!(words.contains(line), "{words}");

    let repository = self::repository(&team, &of_it);
    let said = promote(&repository, &["--trust"]).exits(0);
    assert!(!said.err.contains("was not told"), "{}", said.err);
    let asked = grafana.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].target, "/g/api/annotations");
    assert_eq!(asked[0].headers["authorization"], "Bearer xoxb-sesame");

    // Another server's token, and one of which the user's file does not say whose it is.
    for url in [format!("url = \"{}\"", other.url("")), String::new()] {
        let repository = self::repository(&team, &own(&url));
        promote(&repository, &["--trust"])
            .exits(0)
            .says("your own config.toml does not say that it is of that server");
    }
    assert_eq!(grafana.asked().len(), 1);
    assert!(other.asked().is_empty());
}

/// What reads like one server and leads to another is no address, and neither is one on which the token could be read.
#[test]
fn a_grafana_is_where_its_address_says() {
    for (url, why) in [
        (
            "http://127.0.0.1:1\\.grafana.example.com",
            "is no address of a Grafana",
        ),
        (
            "https://a@grafana.example.com",
            "is no address of a Grafana",
        ),
        ("http://grafana.example.com", "begins with `http://`"),
    ] {
        let team = format!("[[notify]]\non = [\"failed\"]\ngrafana = {{ url = '{url}' }}\n");
        let repository = repository(&team, "");
        repository.tidegate(&["status"]).exits(2).says(why);
    }
    // The user's own file sends no token there either.
    let own = "[[secrets]]\nname = \"slack\"\nvalue = { env = \"T\" }\nurl = \"http://slack.example.com\"\n";
    let repository = repository("", own);
    repository
        .tidegate(&["status"])
        .exits(2)
        .says("begins with `http://`");
}

/// What somebody else brought past the upstream is told once, for as long as it is there.
#[test]
fn what_others_brought_past_the_upstream_is_told_once() {
    let ours = Web::says(200, "ok");
    let own = format!(
        "[[notify]]\non = [\"skipped-upstream\"]\nenvironments = [\"prod\"]\nwebhook = {{ url = \"{}\" }}\n",
        ours.url("/hook")
    );
    let repository = repository("", &own);
    let drift = || {
        let drift = ["drift", "--no-live", "--notify"];
        repository.run(&repository.clone_path(), &drift, "", &[])
    };
    drift();
    assert!(
        ours.asked().is_empty(),
        "staging is ahead, which is as it should be"
    );
    repository.write("prod/web.yaml", "image: {tag: 1.2.0}\n");
    repository.publish("A hotfix by hand");
    repository.pull();
    for _ in 0..2 {
        drift().exits(4);
    }
    let told = bodies(&ours.asked());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["event"], "skipped-upstream");
    assert_eq!(told[0]["cells"][0]["to"], "1.2.0");
    let text = told[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("skipped-upstream: web 1.2.0 in prod: "),
        "{text}"
    );
    // It is as it should be, and then again not.
    repository.write("prod/web.yaml", "image: {tag: 1.0.0}\n");
    repository.publish("Back");
    repository.pull();
    drift();
    repository.write("prod/web.yaml", "image: {tag: 1.2.0}\n");
    repository.publish("Again");
    repository.pull();
    drift().exits(4);
    assert_eq!(ours.asked().len(), 2);
}

/// Who was not told does not make others hear it twice, and what is not looked at is not forgotten.
#[test]
fn each_is_told_once_whatever_becomes_of_the_others() {
    let (ours, broken) = (Web::says(200, "ok"), Web::says(404, "gone"));
    let hook = |url: String| {
        format!("[[notify]]\non = [\"skipped-upstream\"]\nwebhook = {{ url = \"{url}\" }}\n")
    };
    let own = format!("{}{}", hook(ours.url("/hook")), hook(broken.url("/hook")));
    let repository = repository("", &own);
    let drift = |more: &[&str]| {
        let drift = [&["drift", "--no-live", "--notify"][..], more].concat();
        repository.run(&repository.clone_path(), &drift, "", &[])
    };
    repository.write("prod/web.yaml", "image: {tag: 1.2.0}\n");
    repository.publish("A hotfix by hand");
    repository.pull();
    drift(&["--offline"])
        .exits(4)
        .says("nobody was told: --offline asks nobody");
    drift(&["--only", "skew"]);
    assert!(ours.asked().is_empty(), "nobody asked for it");
    drift(&[])
        .exits(4)
        .says("was not told of web 1.2.0 in prod");
    assert_eq!((ours.asked().len(), broken.asked().len()), (1, 1));
    drift(&["--only", "skew"]);
    drift(&["--offline"]);
    drift(&[]).exits(4);
    assert_eq!((ours.asked().len(), broken.asked().len()), (1, 2));
}
