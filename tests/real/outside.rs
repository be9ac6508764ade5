//! What gates ask outside, of a real registry and a real Prometheus.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use reqwest::Client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::terminal::isolated;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The address of a service of the rig.
fn service(name: &str) -> String {
    let file =
        std::env::var("TIDEGATE_RIG").expect("TIDEGATE_RIG names what describes the systems");
    let rig: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let url = rig["services"][name]["url"].as_str();
    url.unwrap_or_else(|| panic!("there is no {name}: `rig up registry prometheus` has them"))
        .to_owned()
}

fn digest(bytes: &[u8]) -> String {
    let hex = Sha256::digest(bytes);
    let hex = hex
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("sha256:{hex}")
}

/// An image of one platform, as a builder pushes it.
async fn push(client: &Client, repository: &str, tag: &str) {
    let config = json!({ "os": "linux", "architecture": "amd64" }).to_string();
    let upload = client.post(format!("{repository}/blobs/uploads/"));
    let upload = upload.send().await.unwrap();
    let place = upload.headers()["location"].to_str().unwrap().to_owned();
    let of_config = digest(config.as_bytes());
    let place = upload.url().join(&place).unwrap();
    let put = client.put(place).query(&[("digest", &of_config)]);
    let put = put.body(config.clone()).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
    let content = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": of_config,
            "size": config.len(),
        },
        "layers": [],
    });
    let put = client.put(format!("{repository}/manifests/{tag}"));
    let put = put
        .header("Content-Type", MANIFEST)
        .body(content.to_string());
    let put = put.send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
}

fn run(home: &Path, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(isolated(home));
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "A")
            .env(format!("GIT_{who}_EMAIL"), "a@example.com");
    }
    command.current_dir(home.join("clone")).output().unwrap()
}

#[tokio::test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
async fn gates_ask_a_registry_and_a_prometheus() {
    let (registry, prometheus) = (service("registry"), service("prometheus"));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let name = format!("outside-{}", std::process::id());
    let repository = format!("{registry}/v2/{name}/web");
    push(&client, &repository, "1.1.0").await;

    let home = tempfile::tempdir().unwrap();
    let clone = home.path().join("clone");
    let host = registry.split_once("://").unwrap().1;
    for (environment, version) in [("staging", "1.1.0"), ("prod", "1.0.0")] {
        fs::create_dir_all(clone.join(environment)).unwrap();
        let text = format!("image:\n  repository: {host}/{name}/web\n  tag: {version}\n");
        fs::write(clone.join(environment).join("web.yaml"), text).unwrap();
    }
    let configuration = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n\
        [environments.gates]\nregistry = { platform = \"linux/amd64\" }\npromql = { server = \"main\", query = \"up\", above = 0 }\n\
        [[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";
    fs::write(clone.join("tidegate.toml"), configuration).unwrap();
    let own = home.path().join("config/tidegate");
    fs::create_dir_all(&own).unwrap();
    let servers = format!("[[servers]]\nname = \"main\"\nurl = \"{prometheus}\"\n");
    fs::write(own.join("config.toml"), servers).unwrap();
    for arguments in [
        &["init", "-q", "-b", "main"][..],
        &["add", "-A"],
        &["commit", "-qm", "Initial"],
    ] {
        assert!(
            run(home.path(), "git", arguments).status.success(),
            "{arguments:?}"
        );
    }
    let tidegate = |arguments: &[&str]| run(home.path(), env!("CARGO_BIN_EXE_tidegate"), arguments);
    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let before = said(&tidegate(&["why", "web", "--to", "prod"]));
    assert!(before.contains("before you have allowed it"), "{before}");
    let shown = said(&tidegate(&["trust"]));
    assert!(
        shown.contains(&format!("asks the registry {host}")),
        "{shown}"
    );
    let why = said(&tidegate(&["why", "web", "--to", "prod"]));
    for words in ["registry pass", "for linux/amd64", "promql pass"] {
        assert!(why.contains(words), "{why}");
    }
    let none = said(&tidegate(&[
        "why",
        "web",
        "--to",
        "prod",
        "--version",
        "9.9.9",
    ]));
    assert!(
        none.contains("registry hold: the registry has no 9.9.9"),
        "{none}"
    );
    let retag = tidegate(&["retag", "web", "1.1.0", "--as", "prod-1.1.0", "--yes"]);
    assert!(retag.status.success(), "{}", said(&retag));
    let tags = client
        .get(format!("{repository}/tags/list"))
        .send()
        .await
        .unwrap();
    let tags = tags.text().await.unwrap();
    assert!(tags.contains("prod-1.1.0"), "{tags}");
}
