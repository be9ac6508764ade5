//! What registries say of versions, over the distribution API; and a tag more for what is there.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use tidegate::demo::server::ApiServer;

use crate::{
    eligible::Waiting,
    soak::{World, deploy},
    support::{
        repo::{Repository, Said, write},
        schema::assert_described,
        web::{Web, reply},
    },
};

const LAYOUT: &str = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("sha256:{hex}")
}

/// Manifests and blobs by their names, and who may see them.
#[derive(Default)]
struct Shelf {
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
    referrers: BTreeMap<String, Value>,
    /// The status that questions for referrers are answered with instead.
    trouble: Option<u16>,
    /// It answers nothing of use.
    down: bool,
    /// `user:password` that is asked for, by `Basic` or by tokens.
    closed: Option<(&'static str, bool)>,
}

impl Shelf {
    fn put(&mut self, kind: &str, names: &[&str], content: &Value) -> String {
        let bytes = content.to_string().into_bytes();
        let digest = digest(&bytes);
        for name in names.iter().copied().chain([digest.as_str()]) {
            self.manifests
                .insert(name.to_owned(), (kind.to_owned(), bytes.clone()));
        }
        digest
    }

    /// An image for one platform.
    fn image(&mut self, names: &[&str], platform: &str, salt: &str) -> String {
        self.labelled(names, platform, salt, &json!({}))
    }

    /// One with labels.
    fn labelled(&mut self, names: &[&str], platform: &str, salt: &str, labels: &Value) -> String {
        let (os, architecture) = platform.split_once('/').unwrap();
        let config = json!({ "os": os, "architecture": architecture, "salt": salt, "config": { "Labels": labels } });
        let config = config.to_string();
        let of_config = digest(config.as_bytes());
        self.blobs.insert(of_config.clone(), config.into_bytes());
        let content = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": { "digest": of_config }, "layers": [] });
        self.put(MANIFEST, names, &content)
    }
}

struct Server {
    web: Web,
    shelf: Arc<Mutex<Shelf>>,
}

impl Server {
    fn start() -> Self {
        let shelf: Arc<Mutex<Shelf>> = Arc::default();
        let known = Arc::clone(&shelf);
        let web = Web::serve(move |asked, stream| {
            let mut shelf = known.lock().unwrap();
            let host = asked.headers.get("host").cloned().unwrap_or_default();
            let authorization = asked
                .headers
                .get("authorization")
                .map_or("", String::as_str);
            let (path, _) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
            if path == "/token" {
                let is_good = shelf
                    .closed
                    .is_none_or(|(secret, _)| authorization == format!("Basic {secret}"));
                return if is_good {
                    reply(stream, 200, &[], b"{\"token\": \"opened\"}")
                } else {
                    reply(stream, 401, &[], b"{}")
                };
            }
            if let Some((secret, by_token)) = shelf.closed {
                let wanted = if by_token {
                    "Bearer opened".to_owned()
                } else {
                    format!("Basic {secret}")
                };
                if authorization != wanted {
                    let challenge = if by_token {
                        format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"x\"")
                    } else {
                        "Basic realm=\"r\"".to_owned()
                    };
                    return reply(stream, 401, &[("WWW-Authenticate", &challenge)], b"{}");
                }
            }
            if shelf.down {
                return reply(stream, 503, &[], b"{}");
            }
            let Some(rest) = path.strip_prefix("/v2/shop/web/") else {
                return reply(stream, 404, &[], b"{}");
            };
            match rest.split_once('/') {
                Some(("manifests", name)) if asked.method == "PUT" => {
                    let kind = asked.headers["content-type"].clone();
                    let named = digest(&asked.body);
                    for name in [name, &named] {
                        shelf
                            .manifests
                            .insert(name.to_owned(), (kind.clone(), asked.body.clone()));
                    }
                    reply(stream, 201, &[], b"")
                }
                Some(("manifests", name)) => match shelf.manifests.get(name) {
                    Some((kind, bytes)) => {
                        let named = digest(bytes);
                        reply(
                            stream,
                            200,
                            &[("Content-Type", kind), ("Docker-Content-Digest", &named)],
                            bytes,
                        )
                    }
                    None => reply(
                        stream,
                        404,
                        &[],
                        b"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}",
                    ),
                },
                Some(("blobs", name)) => match shelf.blobs.get(name) {
                    Some(bytes) => reply(stream, 200, &[], bytes),
                    None => reply(stream, 404, &[], b"{}"),
                },
                Some(("referrers", name)) => match shelf.referrers.get(name) {
                    _ if shelf.trouble.is_some() => {
                        reply(stream, shelf.trouble.unwrap(), &[], b"{}")
                    }
                    Some(index) => reply(
                        stream,
                        200,
                        &[("Content-Type", INDEX)],
                        index.to_string().as_bytes(),
                    ),
                    None => reply(stream, 404, &[], b"404 page not found"),
                },
                _ => reply(stream, 404, &[], b"{}"),
            }
        });
        Self { web, shelf }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Shelf) -> T) -> T {
        change(&mut self.shelf.lock().unwrap())
    }

    /// `web` is 1.1.0 in staging and 1.0.0 in prod; what prod asks of its registry.
    fn repository(&self, asks: &str) -> Repository {
        let repository = Repository::empty();
        configure(&repository, asks);
        let image = format!("127.0.0.1:{}/shop/web", self.web.port);
        for environment in ["staging", "prod"] {
            let text = format!("image:\n  repository: {image}\n  tag: 1.0.0\n");
            repository.write(&format!("{environment}/web.yaml"), &text);
        }
        repository.publish("Initial");
        let text = format!("image:\n  repository: {image}\n  tag: 1.1.0\n");
        repository.write("staging/web.yaml", &text);
        repository.publish("Bump");
        repository.pull();
        repository
            .tidegate(&["trust"])
            .exits(0)
            .shows(&format!("asks the registry 127.0.0.1:{}", self.web.port));
        repository
    }
}

fn configure(repository: &Repository, asks: &str) {
    let text = format!(
        "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n[environments.gates]\nregistry = {{ {asks} }}\n{LAYOUT}"
    );
    repository.write("tidegate.toml", &text);
}

fn why(repository: &Repository, version: &str) -> Said {
    let arguments = [
        "why",
        "web",
        "--to",
        "prod",
        "--version",
        version,
        "-o",
        "json",
    ];
    repository.run(&repository.clone_path(), &arguments, "", &[])
}

#[track_caller]
fn assert_says(repository: &Repository, version: &str, outcome: &str, words: &str) {
    let said = why(repository, version).exits(0).json();
    assert_described(&said);
    let verdicts = said["verdicts"].as_array().unwrap();
    let verdict = verdicts
        .iter()
        .find(|verdict| verdict["gate"] == "registry")
        .unwrap();
    let detail = verdict["detail"].as_str().unwrap();
    assert!(
        verdict["outcome"] == outcome && detail.contains(words),
        "{verdict}, not {outcome}: {words}"
    );
}

/// Credentials where Docker keeps them.
fn docker(repository: &Repository, config: &str) {
    write(
        &repository.home().join(".docker/config.json"),
        config.as_bytes(),
    );
}

#[test]
fn a_registry_is_asked_once_it_was_allowed() {
    let (server, other) = (Server::start(), Server::start());
    other.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    let repository = server.repository("platform = \"linux/amd64\"");
    // The image is another's from now on: that one was not shown.
    let image = format!("127.0.0.1:{}/shop/web", other.web.port);
    let text = format!("image:\n  repository: {image}\n  tag: 1.0.0\n");
    repository.write("prod/web.yaml", &text);
    repository.publish("Another registry");
    repository.pull();
    assert_says(&repository, "1.1.0", "unknown", "tidegate trust");
    assert!(other.web.asked().is_empty());
    let shown = repository.tidegate(&["trust", "--dry-run", "-o", "json"]);
    let shown = shown.exits(0).json();
    assert_described(&shown);
    assert_eq!(shown["allowed"], false);
    assert_eq!(shown["checks"][0]["key"], "environments[1].gates.registry");
    assert!(other.web.asked().is_empty());
    repository
        .tidegate(&[
            "why",
            "web",
            "--to",
            "prod",
            "--version",
            "1.1.0",
            "--trust",
        ])
        .exits(0)
        .shows("for linux/amd64");
    assert_says(&repository, "1.1.0", "unknown", "tidegate trust");
    repository
        .tidegate(&["trust"])
        .exits(0)
        .shows(&format!("asks the registry 127.0.0.1:{}", other.web.port));
    assert_says(&repository, "1.1.0", "pass", "for linux/amd64");
    // What the operator's own file asks needs none.
    let own = repository.home().join("config/tidegate/config.toml");
    let asks = "[[environments]]\nname = \"prod\"\n[environments.gates]\nregistry = {}\n";
    let third = Server::start();
    third.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    let text = text.replace(&other.web.port.to_string(), &third.web.port.to_string());
    repository.write("prod/web.yaml", &text);
    repository.publish("A third");
    repository.pull();
    assert_says(&repository, "1.1.0", "unknown", "tidegate trust");
    write(&own, asks.as_bytes());
    assert_says(&repository, "1.1.0", "pass", "is sha256:");
}

/// What an image says of what it was built of, beside what its source code says.
#[test]
fn the_label_of_an_image_says_which_commit_it_was_built_of() {
    let server = Server::start();
    let repository = server.repository("");
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| repository.git_in(folder.path(), arguments);
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "Begin"]);
    git(&["tag", "v1.1.0"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let (commit, other) = (commit.trim(), "ab".repeat(20));
    let own = format!(
        "[[environments]]\nname = \"prod\"\n[environments.gates]\nevidence = {{}}\n[[sources]]\nclone = \"{}\"\n\
         repository = \"https://github.com/acme/web\"\n",
        folder.path().display()
    );
    write(
        &repository.home().join("config/tidegate/config.toml"),
        own.as_bytes(),
    );
    let short = &commit[..7];
    let revision = "org.opencontainers.image.revision";
    let source = "org.opencontainers.image.source";
    let cases = [
        (json!({}), format!("commit {short}, by the tag v1.1.0: ")),
        (
            json!({ "a": "b" }),
            format!("commit {short}, by the tag v1.1.0: "),
        ),
        (
            json!({ revision: "1.1" }),
            format!("commit {short}, by the tag v1.1.0: "),
        ),
        (
            json!({ revision: commit }),
            format!("commit {short}, by its image's label: "),
        ),
        (
            json!({ revision: other, source: "https://github.com/acme/web.git" }),
            format!("the label of its image says commit abababa, and the tag v1.1.0 says {short}"),
        ),
        (
            json!({ revision: other, source: "https://github.com/debian/base" }),
            format!("commit {short}, by the tag v1.1.0: "),
        ),
    ];
    for (labels, words) in cases {
        server.with(|shelf| shelf.labelled(&["1.1.0"], "linux/amd64", "a", &labels));
        let said = why(&repository, "1.1.0").exits(0).json();
        let verdicts = said["verdicts"].as_array().unwrap();
        let verdict = verdicts.iter().find(|it| it["gate"] == "evidence").unwrap();
        let detail = verdict["detail"].as_str().unwrap();
        assert!(
            verdict["outcome"] == "unknown" && detail.contains(&words),
            "{labels}: {verdict}, not {words}"
        );
    }
    // What a registry gives is what its digest says.
    server.with(|shelf| {
        shelf.labelled(&["1.1.0"], "linux/amd64", "a", &json!({ revision: commit }));
        for blob in shelf.blobs.values_mut() {
            blob.push(b' ');
        }
    });
    let said = why(&repository, "1.1.0").exits(0).json();
    let garbled = "it gives a blob that has another digest than it says";
    assert!(said.to_string().contains(garbled), "{said:#}");
}

#[test]
fn what_can_be_read_only_after_a_consent_is_shown_after_it() {
    let server = Server::start();
    let repository = server.repository("platform = \"linux/amd64\"");
    let before = fs::read_to_string(repository.clone_path().join("tidegate.toml")).unwrap();
    let other = repository.colleague();
    let more = format!(
        "[[repositories]]\nname = \"more\"\npath = \"{}\"\n",
        other.display()
    );
    repository.write("tidegate.toml", &format!("{more}{before}"));
    let image = "image:\n  repository: registry.invalid/shop/web\n  tag: 1.0.0\n";
    repository.write("prod/web.yaml", image);
    repository.publish("Another repository");
    repository.pull();
    let shown = repository.tidegate(&["trust"]);
    shown
        .exits(0)
        .says("tidegate trust again shows the registries");
    let shown = repository.tidegate(&["trust"]).exits(0);
    shown
        .shows("asks the registry registry.invalid")
        .shows("more");
    repository
        .tidegate(&["trust"])
        .exits(0)
        .shows("allowed already");
}

#[test]
fn the_registry_says_whether_it_is_there_and_for_which_platform() {
    let server = Server::start();
    let repository = server.repository("platform = \"linux/amd64\"");
    assert_says(&repository, "1.1.0", "hold", "has no 1.1.0 of 127.0.0.1:");
    let one = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    assert_says(
        &repository,
        "1.1.0",
        "pass",
        &format!("is {}, for linux/amd64", &one[..19]),
    );
    assert_says(&repository, &one, "pass", "for linux/amd64");
    server.with(|shelf| shelf.image(&["1.2.0"], "linux/arm64", "a"));
    assert_says(
        &repository,
        "1.2.0",
        "hold",
        "is not for linux/amd64: it is for linux/arm64",
    );
    let other = server.with(|shelf| {
        let arm = shelf.image(&[], "linux/arm64", "b");
        let amd = shelf.image(&[], "linux/amd64", "b");
        let of = |digest: &str, architecture: &str| json!({ "digest": digest, "platform": { "os": "linux", "architecture": architecture } });
        let index = json!({ "mediaType": INDEX, "manifests": [of(&arm, "arm64"), of(&amd, "amd64")] });
        shelf.put(INDEX, &["1.3.0"], &index)
    });
    assert_says(&repository, "1.3.0", "pass", "for linux/amd64");
    // A version that is pinned means what it is pinned to.
    assert_says(
        &repository,
        &format!("1.3.0@{other}"),
        "pass",
        "for linux/amd64",
    );
    assert_says(
        &repository,
        &format!("1.3.0@{one}"),
        "hold",
        "the version is pinned to",
    );
    // A tag that means something else than it did when it was seen is told.
    server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "changed"));
    assert_says(&repository, "1.1.0", "hold", "moved: it means");
    let promoted = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    repository
        .tidegate(&promoted)
        .exits(3)
        .shows("registry hold");
}

#[test]
fn what_is_attested_is_found_where_tools_leave_it() {
    const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    let server = Server::start();
    let repository = server.repository(&format!("attestation = \"{PROVENANCE}\""));
    let plain = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    assert_says(&repository, "1.1.0", "hold", "is not attested of");
    // By the referrers API, as Sigstore's bundles are.
    server.with(|shelf| {
        let bundle = json!({ "digest": plain, "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "annotations": { "dev.sigstore.bundle.predicateType": PROVENANCE } });
        shelf.referrers.insert(plain.clone(), json!({ "manifests": [bundle] }));
    });
    assert_says(
        &repository,
        "1.1.0",
        "pass",
        "attested: https://slsa.dev/provenance/v1",
    );
    // By cosign's tags.
    server.with(|shelf| {
        let digest = shelf.image(&["1.2.0"], "linux/amd64", "b");
        let tag = format!("{}.att", digest.replace(':', "-"));
        let layer = json!({ "digest": "x", "annotations": { "predicateType": PROVENANCE } });
        shelf.put(MANIFEST, &[&tag], &json!({ "layers": [layer] }));
    });
    assert_says(&repository, "1.2.0", "pass", PROVENANCE);
    // By BuildKit, beside the image.
    server.with(|shelf| {
        let image = shelf.image(&[], "linux/amd64", "c");
        let layer = json!({ "digest": "x", "annotations": { "in-toto.io/predicate-type": PROVENANCE } });
        let attested = shelf.put(MANIFEST, &[], &json!({ "layers": [layer] }));
        let index = json!({ "mediaType": INDEX, "manifests": [
            { "digest": image, "platform": { "os": "linux", "architecture": "amd64" } },
            { "digest": attested, "platform": { "os": "unknown", "architecture": "unknown" },
              "annotations": { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image } },
        ] });
        shelf.put(INDEX, &["1.3.0"], &index);
    });
    assert_says(&repository, "1.3.0", "pass", PROVENANCE);
    // Any will do where any is asked for: a signature too.
    configure(&repository, "attestation = true");
    repository.publish("Any");
    repository.pull();
    let signed = server.with(|shelf| shelf.image(&["1.4.0"], "linux/amd64", "d"));
    assert_says(&repository, "1.4.0", "hold", "nothing is attested of");
    server.with(|shelf| {
        let tag = format!("{}.sig", signed.replace(':', "-"));
        shelf.put(MANIFEST, &[&tag], &json!({ "layers": [] }));
    });
    assert_says(&repository, "1.4.0", "pass", "attested: signature");
}

#[test]
fn what_is_attested_of_one_platform_is_not_of_another() {
    const SBOM: &str = "https://spdx.dev/Document";
    let server = Server::start();
    let repository = server.repository(&format!("attestation = \"{SBOM}\""));
    let (amd, arm, index) = server.with(|shelf| {
        let amd = shelf.image(&[], "linux/amd64", "a");
        let arm = shelf.image(&[], "linux/arm64", "a");
        let layer = json!({ "digest": "x", "annotations": { "in-toto.io/predicate-type": SBOM } });
        let attested = shelf.put(MANIFEST, &[], &json!({ "layers": [layer] }));
        let of = |digest: &str, architecture: &str| json!({ "digest": digest, "platform": { "os": "linux", "architecture": architecture } });
        let index = json!({ "mediaType": INDEX, "manifests": [
            of(&amd, "amd64"),
            of(&arm, "arm64"),
            { "digest": attested, "platform": { "os": "unknown", "architecture": "unknown" },
              "annotations": { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": &amd } },
        ] });
        let index = shelf.put(INDEX, &["1.1.0"], &index);
        (amd, arm, index)
    });
    let lacks = format!("{SBOM} is not attested of 127.0.0.1:");
    let arm_lacks = "for linux/arm64: nothing is";
    assert_says(&repository, "1.1.0", "hold", &lacks);
    assert_says(&repository, "1.1.0", "hold", arm_lacks);
    let asks = |platform: &str| {
        let asks = format!("attestation = \"{SBOM}\", platform = \"{platform}\"");
        configure(&repository, &asks);
        repository.publish(platform);
        repository.pull();
    };
    asks("linux/arm64");
    assert_says(&repository, "1.1.0", "hold", arm_lacks);
    asks("linux/amd64");
    let before = server.web.asked().len();
    assert_says(
        &repository,
        "1.1.0",
        "pass",
        "its signature is not verified",
    );
    let asked: Vec<String> = server
        .web
        .asked()
        .into_iter()
        .skip(before)
        .map(|it| it.target)
        .collect();
    assert!(asked.iter().any(|target| target.contains(&amd)));
    assert!(
        !asked.iter().any(|target| target.contains(&arm)),
        "{asked:?}"
    );
    // What is attested of the whole is attested of each.
    asks("linux/arm64");
    server.with(|shelf| {
        let bundle =
            json!({ "digest": "x", "annotations": { "dev.sigstore.bundle.predicateType": SBOM } });
        shelf
            .referrers
            .insert(index, json!({ "manifests": [bundle] }));
    });
    assert_says(&repository, "1.1.0", "pass", SBOM);
}

#[test]
fn a_registry_that_does_not_say_what_is_attested_has_not_said_that_nothing_is() {
    let server = Server::start();
    let repository = server.repository("attestation = true");
    server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    for (status, words) in [
        (500, "answers 500"),
        (429, "asked too often (429)"),
        (403, "docker login"),
    ] {
        server.with(|shelf| shelf.trouble = Some(status));
        assert_says(&repository, "1.1.0", "unknown", words);
    }
    // One that does not know the question has no referrers.
    for status in [404, 400] {
        server.with(|shelf| shelf.trouble = Some(status));
        assert_says(&repository, "1.1.0", "hold", "nothing is attested of");
    }
}

#[test]
fn what_is_closed_opens_with_the_credentials_of_its_host() {
    let server = Server::start();
    server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    // `user:sesame`.
    let secret = "dXNlcjpzZXNhbWU=";
    for by_token in [false, true] {
        server.with(|shelf| shelf.closed = Some((secret, by_token)));
        let repository = server.repository("platform = \"linux/amd64\"");
        assert_says(&repository, "1.1.0", "unknown", "docker login 127.0.0.1:");
        // What is another host's is not sent.
        docker(&repository, &json!({ "auths": { "127.0.0.1": { "auth": secret }, "r.example.com": { "auth": secret } } }).to_string());
        assert_says(&repository, "1.1.0", "unknown", "docker login");
        let sent = server.web.asked().iter().any(|asked| {
            asked
                .headers
                .get("authorization")
                .is_some_and(|it| it.contains(secret))
        });
        assert!(!sent || by_token);
        let host = format!("127.0.0.1:{}", server.web.port);
        docker(
            &repository,
            &json!({ "auths": { &host: { "auth": secret } } }).to_string(),
        );
        assert_says(&repository, "1.1.0", "pass", "for linux/amd64");
        // A helper has them, too.
        let programs = repository.home().join("programs");
        let helper = programs.join("docker-credential-vault");
        let script = format!(
            "#!/bin/sh\nread host\n[ \"$host\" = {host} ] || exit 1\necho '{{\"Username\":\"user\",\"Secret\":\"sesame\"}}'\n"
        );
        write(&helper, script.as_bytes());
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        docker(
            &repository,
            &json!({ "credHelpers": { &host: "vault" } }).to_string(),
        );
        let path = format!(
            "{}:{}",
            programs.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let arguments = ["why", "web", "--to", "prod", "--version", "1.1.0"];
        repository
            .run(&repository.clone_path(), &arguments, "", &[("PATH", &path)])
            .exits(0)
            .shows("for linux/amd64");
    }
}

#[test]
fn where_no_image_is_named_the_registry_is_not_known() {
    let server = Server::start();
    let repository = server.repository("platform = \"linux/amd64\"");
    repository.write("prod/web.yaml", "image:\n  tag: 1.0.0\n");
    repository.publish("No name");
    repository.pull();
    assert_says(
        &repository,
        "1.1.0",
        "unknown",
        "no image's name stands beside the version at prod/web.yaml:2",
    );
    repository
        .tidegate(&["why", "web", "--to", "prod", "--offline"])
        .exits(0)
        .shows("--offline");
}

#[test]
fn a_version_gets_a_tag_more_and_no_tag_is_taken_from_another() {
    let server = Server::start();
    let repository = server.repository("");
    let one = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    server.with(|shelf| shelf.image(&["taken"], "linux/amd64", "b"));
    let retag = |more: &[&str]| repository.tidegate(&[&["retag", "web"][..], more].concat());
    retag(&["1.1.0", "--as", "prod-1.1.0"])
        .exits(2)
        .says("--yes confirms");
    retag(&["1.1.0", "--as", "prod-1.1.0", "--dry-run"])
        .exits(0)
        .shows("→");
    retag(&["1.1.0", "--as", "prod-1.1.0", "--read-only"]).exits(2);
    retag(&["1.1.0", "--as", "no tag", "--yes"])
        .exits(2)
        .says("can be no tag");
    retag(&["9.9.9", "--as", "prod-1.1.0", "--yes"])
        .exits(1)
        .says("has no 9.9.9");
    assert!(server.with(|shelf| !shelf.manifests.contains_key("prod-1.1.0")));
    let said = retag(&["1.1.0", "--as", "prod-1.1.0", "--yes", "-o", "json"])
        .exits(0)
        .json();
    assert_described(&said);
    assert_eq!(
        (&said["outcome"], &said["digest"]),
        (&json!("tagged"), &json!(one))
    );
    let tagged = server.with(|shelf| digest(&shelf.manifests["prod-1.1.0"].1));
    assert_eq!(tagged, one);
    retag(&["1.1.0", "--as", "prod-1.1.0", "--yes"])
        .exits(0)
        .shows("already");
    retag(&["1.1.0", "--as", "taken", "--yes"])
        .exits(1)
        .says("--overwrite");
    retag(&["1.1.0", "--as", "taken", "--yes", "--overwrite"]).exits(0);
    assert_eq!(
        server.with(|shelf| digest(&shelf.manifests["taken"].1)),
        one
    );
}

/// What prod of `repository` asks of its registry from now on.
fn pins(repository: &Repository, asks: &str) {
    let text = fs::read_to_string(repository.clone_path().join("tidegate.toml")).unwrap();
    let text = text.replace("registry = { platform = \"linux/amd64\" }", asks);
    assert!(text.contains(asks), "{text}");
    repository.write("tidegate.toml", &text);
    repository.publish("Pin");
    repository.pull();
}

const PROMOTE: [&str; 7] = [
    "promote", "web", "--from", "staging", "--to", "prod", "--yes",
];

/// A tag is written with what it means when the plan is made, and what its registry does not say is not known.
#[test]
fn a_tag_is_written_with_its_digest_where_that_is_asked_for() {
    let server = Server::start();
    let repository = server.repository("platform = \"linux/amd64\"");
    pins(&repository, "immutable = { digest = true, pin = true }");
    // As if nobody had allowed anything yet.
    fs::remove_dir_all(repository.home().join("state")).unwrap();
    let promote = |more: &[&str]| repository.tidegate(&[&PROMOTE[..], more].concat());
    promote(&[])
        .exits(3)
        .shows("before you have allowed it: tidegate trust");
    assert!(server.web.asked().is_empty());
    repository
        .tidegate(&["trust"])
        .exits(0)
        .shows(&format!("asks the registry 127.0.0.1:{}", server.web.port));
    promote(&[])
        .exits(3)
        .shows("prod pins 1.1.0 by its digest, and the registry has no 1.1.0 of ");
    let at_tip = || repository.at_tip("prod/web.yaml");
    assert!(at_tip().contains("tag: 1.0.0"), "{}", at_tip());
    let one = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    let planned = promote(&["--dry-run", "-o", "json"]).exits(0).json();
    assert_described(&planned);
    assert_eq!(planned["changes"][0]["to"], format!("1.1.0@{one}"));
    promote(&[]).exits(0);
    assert!(at_tip().contains(&format!("1.1.0@{one}")), "{}", at_tip());
    // It is there, and is no skew; what the tag means by now is another thing, and nothing that soaked.
    promote(&[]).exits(0).shows("already");
    let status = repository
        .tidegate(&["status", "-o", "json"])
        .exits(0)
        .json();
    let cell = &status["services"][0]["cells"]["prod"];
    assert_eq!(cell["skew"], Value::Null, "{cell}");
    let immutable = || {
        let said = why(&repository, "1.1.0").exits(0).json();
        let mut verdicts = said["verdicts"].as_array().unwrap().iter();
        let found = verdicts.find(|it| it["gate"] == "immutable").unwrap();
        (found["outcome"].clone(), found["detail"].to_string())
    };
    assert_eq!(immutable().0, "pass");
    server.with(|shelf| shelf.down = true);
    let (outcome, said) = immutable();
    assert!(
        outcome == "hold" && said.contains("not known: the digest of 1.1.0"),
        "{said}"
    );
    promote(&[]).exits(0).shows("already");
    server.with(|shelf| shelf.down = false);
    let other = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "b"));
    promote(&[]).exits(3).shows("1.1.0 moved: it means ");
    let (outcome, said) = immutable();
    assert!(outcome == "hold" && said.contains("1.1.0 moved"), "{said}");
    promote(&["--override", "immutable", "--reason", "a mended build"]).exits(0);
    assert!(at_tip().contains(&format!("1.1.0@{other}")), "{}", at_tip());
}

/// A registry that does not answer is waited for like any gate, warns where that is asked for, and is overridden with a reason.
#[test]
fn a_registry_that_is_silent_holds_what_is_pinned_until_it_speaks() {
    let server = Server::start();
    let repository = server.repository("platform = \"linux/amd64\"");
    pins(
        &repository,
        "immutable = { pin = true, unknown = \"hold\" }",
    );
    repository.tidegate(&["trust"]).exits(0);
    let one = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "a"));
    server.with(|shelf| shelf.down = true);
    let promote = |more: &[&str]| repository.tidegate(&[&PROMOTE[..], more].concat());
    promote(&[])
        .exits(3)
        .shows("not known: the digest of 1.1.0, which prod pins");
    let lifted = [
        "--override",
        "immutable",
        "--reason",
        "the registry is down",
        "--dry-run",
    ];
    promote(&lifted).exits(0);
    let mut waiting = Waiting::begin(&repository, &[&PROMOTE[..], &["--when-eligible"]].concat());
    waiting.until("waits for immutable of web / prod: not known: the digest of 1.1.0");
    server.with(|shelf| shelf.down = false);
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("its gates pass: it goes"), "{said}");
    let at_tip = repository.at_tip("prod/web.yaml");
    assert!(at_tip.contains(&format!("1.1.0@{one}")), "{at_tip}");
}

/// What the nodes of pods say that they pulled.
fn pulled(server: &ApiServer, digests: &[&str]) {
    pulled_from(server, "reg.example.com/web", digests);
}

/// The same of pods whose images have this name.
fn pulled_from(server: &ApiServer, image: &str, digests: &[&str]) {
    let store = server.store();
    let first = Value::clone(&store.get("pods", "shop", "web-110-0").unwrap());
    for (at, digest) in digests.iter().enumerate() {
        let mut pod = first.clone();
        pod["metadata"]["name"] = json!(format!("web-110-{at}"));
        pod["spec"]["containers"][0]["image"] = json!(format!("{image}:1.1.0"));
        pod["status"]["containerStatuses"][0]["imageID"] =
            json!(format!("mirror.example.com/shop/web@{digest}"));
        store.apply(pod, Timestamp::now()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pods_run_is_what_the_tag_means_or_it_is_held() {
    let server = Server::start();
    let gates = "[environments.gates]\nregistry = {}\n";
    let world = World::with(gates, Vec::new()).await;
    deploy(&world.staging, "web", "1.1.0", 30 * 60);
    let image = format!("127.0.0.1:{}/shop/web", server.web.port);
    for (environment, tag) in [("staging", "1.1.0"), ("prod", "1.0.0")] {
        let text = format!("image:\n  repository: {image}\n  tag: {tag}\n");
        let path = format!("{environment}/web.yaml");
        world.repository.write(&path, &text);
    }
    world.repository.publish("With its name");
    world.repository.pull();
    world.tidegate(&["trust"]).await.exits(0);
    let of = |digest: &str, architecture: &str| json!({ "digest": digest, "platform": { "os": "linux", "architecture": architecture } });
    let (amd, first) = server.with(|shelf| {
        let amd = shelf.image(&[], "linux/amd64", "a");
        let arm = shelf.image(&[], "linux/arm64", "a");
        let index =
            json!({ "mediaType": INDEX, "manifests": [of(&amd, "amd64"), of(&arm, "arm64")] });
        (amd, shelf.put(INDEX, &["1.1.0"], &index))
    });
    let says = async |outcome: &str, words: &str| {
        let verdict = world.verdict("registry").await;
        let detail = verdict["detail"].as_str().unwrap();
        assert!(
            verdict["outcome"] == outcome && detail.contains(words),
            "{verdict}, not {outcome}: {words}"
        );
        detail.to_owned()
    };
    // Where no node says what it pulled, nothing is compared; nodes say the digest of the index, or of their platform's.
    says("pass", "is sha256:").await;
    for digest in [&first, &amd] {
        pulled(&world.staging, &[digest]);
        says("pass", ", as staging runs it").await;
    }
    // A digest that this registry does not have: of its own image nobody can tell, and of another's it says nothing.
    let gone = format!("sha256:{}", "0".repeat(64));
    pulled(&world.staging, &[&gone]);
    says(
        "pass",
        "cannot be compared with what staging runs from another registry",
    )
    .await;
    pulled_from(&world.staging, &image, &[&gone]);
    says(
        "hold",
        "not known: staging runs 1.1.0 as sha256:000000000000 in 1 of 1 pod",
    )
    .await;
    // Pushed again with the same images and something beside them, as builders do.
    server.with(|shelf| {
        let index = json!({ "mediaType": INDEX, "manifests": [of(&amd, "amd64")], "annotations": { "again": "1" } });
        let arm = shelf.image(&[], "linux/arm64", "a");
        let mut index = index;
        index["manifests"].as_array_mut().unwrap().push(of(&arm, "arm64"));
        shelf.put(INDEX, &["1.1.0"], &index);
    });
    pulled(&world.staging, &[&first]);
    // That the tag moved is remembered still, and told of it.
    says("hold", "the tag of").await;
    // What runs is another image; nobody needs to have looked before that.
    let other = server.with(|shelf| shelf.image(&["1.1.0"], "linux/amd64", "pushed over it"));
    let detail = says("hold", "what ran there is another image").await;
    let told = format!(
        "staging runs 1.1.0 as {} in 1 of 1 pod, and it is {} in the registry now",
        &first[..19],
        &other[..19]
    );
    assert!(detail.starts_with(&told), "{detail}");
    let retag = format!("tidegate retag web {first} --as TAG");
    assert!(detail.ends_with(&retag), "{detail}");
    world
        .tidegate(&["retag", "web", &first, "--as", "1.1.0-soaked", "--yes"])
        .await
        .exits(0);
    // Two images under one tag: held, and drift inside the cell.
    pulled(&world.staging, &[&other, &other, &first]);
    says("hold", "in 1 of 3 pods").await;
    let drift = world.tidegate(&["drift"]).await.exits(4);
    drift
        .shows("1.1.0 means several images to its pods")
        .shows(&format!("{} ×2", &other[..19]));
    let status = world
        .tidegate(&["status", "-o", "json"])
        .await
        .exits(0)
        .json();
    assert_described(&status);
    let web = status["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "web")
        .unwrap();
    let digests = &web["cells"]["staging"]["live"]["digests"];
    assert_eq!(*digests, json!({ other: 2, first: 1 }));
    world
        .tidegate(&["status"])
        .await
        .exits(0)
        .shows("1.1.0 is 2 images here");
}
