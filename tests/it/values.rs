//! What is written is a version, and what belongs together moves together: over real repositories.

use std::fmt::Write as _;

use crate::support::repo::Repository;

const WRAPPED: &str = "ENC[AES256_GCM,data:MS4w,iv:aaaa,tag:bbbb,type:str]";

/// A repository of `dev` and `prod` with one layout.
fn repository(layout: &str, files: &[(&str, &str)]) -> Repository {
    let repository = Repository::empty();
    let mut config =
        "[[environments]]\nname = \"dev\"\n[[environments]]\nname = \"prod\"\nfrom = [\"dev\"]\n"
            .to_owned();
    let _ = write!(config, "[[layouts]]\n{layout}\n");
    repository.write("tidegate.toml", &config);
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.publish("Initial");
    repository.pull();
    repository
}

const HELM: &str = "preset = \"helm-values\"\npath = \"{env}/{service}.yaml\"";

#[test]
fn what_is_no_version_is_refused_with_the_rule() {
    let repository = repository(
        HELM,
        &[
            ("dev/web.yaml", "image: {tag: 1.1.0}\n"),
            ("prod/web.yaml", "image: {tag: 1.0.0}\n"),
        ],
    );
    let tip = repository.tip();
    let long = "a".repeat(129);
    for (version, rule) in [
        ("1.2.3 ", "white space stands around it"),
        (" 1.2.3", "white space stands around it"),
        ("", "an empty text is no version"),
        ("1\n2", "a character that nobody sees (U+000A)"),
        ("1.2.3\u{200b}", "a character that nobody sees (U+200B)"),
        ("1,2", "`,` cannot stand in one"),
        ("r/web:1.2.3", "write the tag alone"),
        ("it's", "`'` cannot stand in one"),
        ("v\u{430}", "no ASCII character"),
        (".1", "it begins with `.` or `-`"),
        (&long, "it has 129 characters, and 128 are the most"),
        ("1@sha256:abc", "only a tag can stand here"),
        ("${TAG}", "`$` cannot stand in one"),
    ] {
        repository
            .tidegate(&["set", "web", "dev", "--yes", "--", version])
            .exits(2)
            .says(rule);
        let changes =
            serde_json::json!([{ "service": "web", "environment": "dev", "version": version }]);
        let at = repository.clone_path();
        repository
            .run(
                &at,
                &["set", "--yes", "--changes", "-"],
                &changes.to_string(),
                &[],
            )
            .exits(2)
            .says(rule);
    }
    assert_eq!(repository.tip(), tip);
}

#[test]
fn an_encrypted_file_is_left_alone() {
    let plain = |tag: &str| {
        format!(
            "image:\n    tag: {tag}\npw: {WRAPPED}\nsops:\n    mac: {WRAPPED}\n    encrypted_regex: ^pw$\n"
        )
    };
    let (new, old) = (plain("1.1.0"), plain("1.0.0"));
    let secret = format!("image:\n    tag: {WRAPPED}\nsops:\n    mac: {WRAPPED}\n");
    let repository = repository(
        HELM,
        &[
            ("dev/web.yaml", &new),
            ("prod/web.yaml", &old),
            ("dev/db.yaml", &secret),
            ("prod/db.yaml", &secret),
        ],
    );
    let tip = repository.tip();
    let plan = [
        "promote",
        "web",
        "--from",
        "dev",
        "--to",
        "prod",
        "--dry-run",
        "-o",
        "json",
    ];
    let plan = repository.tidegate(&plan).json();
    assert_eq!(plan["skipped"][0]["cause"], "encrypted", "{plan}");
    let detail = plan["skipped"][0]["detail"].as_str().unwrap_or_default();
    assert!(
        detail.starts_with("prod/web.yaml:2: ") && detail.ends_with("`sops edit prod/web.yaml`"),
        "{detail}"
    );

    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    let problems = status["problems"].as_array().cloned().unwrap_or_default();
    for path in ["dev/db.yaml", "prod/db.yaml"] {
        let told = problems.iter().any(|problem| {
            problem["path"] == path
                && problem["line"] == 2
                && problem["message"]
                    .as_str()
                    .is_some_and(|it| it.contains("encrypted"))
        });
        assert!(told, "{path}: {problems:?}");
    }
    assert!(!status.to_string().contains("ENC["), "{status}");
    repository.tidegate(&["promote", "web", "--from", "dev", "--to", "prod", "--yes"]);
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_lock_comes_along_or_is_told() {
    let chart = |version: &str, other: &str| {
        format!(
            "name: x\nversion: 0.1.0\ndependencies:\n- {{name: a, version: {version}, repository: https://h/c}}\n- {{name: b, version: {other}, repository: https://h/c}}\n"
        )
    };
    let lock = |version: &str, digest: &str| {
        format!(
            "dependencies:\n- {{name: a, version: {version}, repository: https://h/c}}\n- {{name: b, version: 2.0.0, repository: https://h/c}}\ndigest: sha256:{digest}\n"
        )
    };
    let layout = "path = \"{env}/{service}/Chart.yaml\"\nyaml = \"dependencies[0].version\"";
    let repository = repository(
        layout,
        &[
            ("dev/web/Chart.yaml", &chart("1.1.0", "2.0.0")),
            ("dev/web/Chart.lock", &lock("1.1.0", "new")),
            ("prod/web/Chart.yaml", &chart("1.0.0", "2.0.0")),
            ("prod/web/Chart.lock", &lock("1.0.0", "old")),
        ],
    );
    let plan = repository
        .tidegate(&["set", "web", "prod", "1.2.0", "--dry-run", "-o", "json"])
        .json();
    let verdicts = plan["changes"][0]["verdicts"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let told = verdicts.iter().find(|verdict| verdict["gate"] == "lock");
    let told = told.unwrap_or_else(|| panic!("no lock in {verdicts:?}"));
    assert_eq!(told["outcome"], "warn");
    let words = told["detail"].as_str().unwrap_or_default();
    assert!(
        words.starts_with("prod/web/Chart.lock will not match prod/web/Chart.yaml"),
        "{words}"
    );
    repository
        .tidegate(&["promote", "web", "--from", "dev", "--to", "prod", "--yes"])
        .exits(0);
    assert_eq!(
        repository.at_tip("prod/web/Chart.lock"),
        lock("1.1.0", "new").trim_end()
    );
    assert!(
        repository
            .at_tip("prod/web/Chart.yaml")
            .contains("version: 1.1.0")
    );
}

/// One place of an object is the version; another that differs between the two ends and stays is said.
#[test]
fn what_else_differs_between_the_ends_of_a_promotion_is_told() {
    let release = |chart: &str, tag: &str| {
        format!(
            "kind: HelmRelease\nmetadata: {{name: web}}\nspec:\n  chart: {{spec: {{chart: generic, version: {chart}}}}}\n  values: {{image: {{tag: {tag}}}}}\n"
        )
    };
    let application = |chart: &str, tag: &str, digit: &str| {
        let digest = digit.repeat(64);
        format!(
            "kind: Application\nmetadata: {{name: web}}\nspec:\n  source:\n    repoURL: c\n    chart: generic\n    targetRevision: {chart}\n    helm:\n      parameters:\n      - {{name: image.tag, value: {tag}}}\n      - {{name: image.digest, value: 'sha256:{digest}'}}\n"
        )
    };
    let told = "1.0.0 stays as it is";
    // (name, preset, dev, prod, what is told)
    let cases = [
        (
            "a chart and a tag that are one",
            "helmrelease",
            release("1.1.0", "1.1.0"),
            release("1.0.0", "1.0.0"),
            Some(
                "prod/web.yaml:4: 1.0.0 stays as it is (`yaml = \"spec.chart.spec.version\"`), and dev has 1.1.0",
            ),
        ),
        (
            "a tag alone",
            "helmrelease",
            release("1.0.0", "1.1.0"),
            release("1.0.0", "1.0.0"),
            None,
        ),
        (
            "a tag with its digest",
            "argocd-application",
            application("1.0.0", "v2", "b"),
            application("1.0.0", "v1", "a"),
            None,
        ),
        (
            "a chart, the tag and digest of which stay",
            "argocd-application",
            application("1.1.0", "v1", "a"),
            application("1.0.0", "v1", "a"),
            None,
        ),
    ];
    for (name, preset, dev, prod, expected) in cases {
        let layout = format!("preset = \"{preset}\"\npath = \"{{env}}/{{service}}.yaml\"");
        let files = [
            ("dev/web.yaml", dev.as_str()),
            ("prod/web.yaml", prod.as_str()),
        ];
        let repository = repository(&layout, &files);
        let promote = [
            "promote",
            "web",
            "--from",
            "dev",
            "--to",
            "prod",
            "--no-live",
        ];
        let said = repository
            .tidegate(&[&promote[..], &["--yes"]].concat())
            .exits(0);
        if let Some(words) = expected {
            assert!(said.out.contains(words), "{name}: {}", said.out);
        } else {
            assert!(!said.out.contains(told), "{name}: {}", said.out);
            assert_eq!(repository.at_tip("prod/web.yaml"), dev.trim_end(), "{name}");
        }
    }
    // Once the tag was changed alone, it is the version, and the chart that went with it once is told.
    let repository = repository(
        "preset = \"helmrelease\"\npath = \"{env}/{service}.yaml\"",
        &[
            ("dev/web.yaml", &release("1.0.0", "v7")),
            ("prod/web.yaml", &release("1.0.0", "v7")),
        ],
    );
    for (chart, tag) in [
        ("1.0.0", "v8"),
        ("1.0.0", "v9"),
        ("1.0.0", "v10"),
        ("1.1.0", "v11"),
    ] {
        repository.write("dev/web.yaml", &release(chart, tag));
        repository.publish("Bump");
    }
    let said = repository
        .tidegate(&[
            "promote",
            "web",
            "--from",
            "dev",
            "--to",
            "prod",
            "--no-live",
            "--dry-run",
        ])
        .exits(0);
    assert!(
        said.out.contains("v7 → v11") && said.out.contains(told),
        "{}",
        said.out
    );
}

#[test]
fn a_digest_behind_a_kustomize_tag_stays_there_and_is_what_the_plan_names() {
    let digest = format!("sha256:{}", "2a".repeat(32));
    let pinned = format!("1.1.0@{digest}");
    let layout = "preset = \"kustomize\"\npath = \"apps/{service}/{env}/kustomization.yaml\"";
    let image = |tag: &str| format!("images: [{{name: r/web, newTag: \"{tag}\"}}]\n");
    let keyed = format!(
        "images: [{{name: r/api, newTag: 1.0.0, digest: sha256:{}}}]\n",
        "1b".repeat(32)
    );
    let (newer, older) = (image(&pinned), image("1.0.0"));
    let api = newer.replace("r/web", "r/api");
    let files = [
        ("apps/web/dev/kustomization.yaml", newer.as_str()),
        ("apps/web/prod/kustomization.yaml", older.as_str()),
        ("apps/api/dev/kustomization.yaml", api.as_str()),
        ("apps/api/prod/kustomization.yaml", keyed.as_str()),
    ];
    let repository = repository(layout, &files);
    // Where the digest has a key of its own, Kustomize pins by it, and so it is what the cell declares.
    for (name, declared) in [("web", &pinned), ("api", &digest)] {
        let arguments = [
            "promote", name, "--from", "dev", "--to", "prod", "--yes", "-o", "json",
        ];
        let plan = repository.tidegate(&arguments).exits(0).json();
        assert_eq!(plan["changes"][0]["to"], declared.as_str());
        repository.pull();
        let status = repository
            .tidegate(&["status", "--no-live", "-o", "json"])
            .exits(0)
            .json();
        let rows = status["services"].as_array().unwrap().iter();
        let row = rows.clone().find(|row| row["name"] == name).unwrap();
        assert_eq!(row["cells"]["prod"]["version"], declared.as_str(), "{name}");
    }
    let drift = repository.tidegate(&["drift", "web", "--no-live"]);
    drift.exits(0);
}

#[test]
fn a_key_that_said_nothing_says_nothing_again() {
    let layout = "path = \"{service}/values-{env}.yaml\"\nyaml = \"image.tag\"\nelse = [{ path = \"{service}/Chart.yaml\", yaml = \
                  \"appVersion\" }]";
    for empty in [
        "image:\n  tag: \"\"\n",
        "image:\n  tag: null\n",
        "image:\n  tag: ''  # the chart's\n",
        "image: {}\n",
    ] {
        let files = [
            ("web/Chart.yaml", "appVersion: \"1.0.0\"\n"),
            ("web/values-dev.yaml", "image: {tag: 1.1.0}\n"),
            ("web/values-prod.yaml", empty),
        ];
        let repository = repository(layout, &files);
        let promote = ["promote", "web", "--from", "dev", "--to", "prod", "--yes"];
        repository.tidegate(&promote).exits(0);
        assert!(repository.at_tip("web/values-prod.yaml").contains("1.1.0"));
        repository
            .tidegate(&["revert", "web", "prod", "--yes"])
            .exits(0);
        assert_eq!(
            repository.at_tip("web/values-prod.yaml"),
            empty.trim_end(),
            "{empty}"
        );
    }
}
