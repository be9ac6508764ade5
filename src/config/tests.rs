use super::*;
use crate::domain::{
    detect::Guess,
    ids::EnvironmentName,
    topology::{Deliver, Require, WorkloadTemplate},
};

const LAYOUT: &str = "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"image.tag\"\n";

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

fn load_text(team: &str, user: &str) -> Result<Config, ConfigErrors> {
    load(&LoadRequest {
        team: Some(file(TEAM_FILE, team)),
        user: Some(file("config.toml", user)),
        detect: &|| None,
    })
}

/// The messages for a team file that is wrong; a layout is added at its end.
fn wrong(team: &str) -> Vec<String> {
    let errors = load_text(&format!("{team}\n{LAYOUT}"), "").expect_err(team);
    errors.0.iter().map(ToString::to_string).collect()
}

#[test]
fn errors_name_file_line_key_and_what_would_be_right() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "unknown key at the root",
            "[repositry]\nbranch = \"main\"",
            &["tidegate.toml:1: repositry: unknown key; did you mean `repository`?"],
        ),
        (
            "unknown key without a near one",
            "[repository]\nsize = 3",
            &["tidegate.toml:2: repository.size: unknown key; known here: `branch`"],
        ),
        (
            "unknown key of an environment",
            "[[environments]]\nname = \"dev\"\ncluser = \"dev\"",
            &["tidegate.toml:3: environments[0].cluser: unknown key; did you mean `cluster`?"],
        ),
        (
            "what only the user may say",
            "kubeconfig = \"/tmp/x\"",
            &[
                "tidegate.toml:1: kubeconfig: only the user's own `config.toml` may hold `kubeconfig`: a repository does not \
               decide that; move it there",
            ],
        ),
        (
            "wrong types, all of them",
            "[[environments]]\nname = 3\nfrom = \"dev\"\nprotected = \"yes\"",
            &[
                "tidegate.toml:2: environments[0].name: is a number; expected a string in quotes",
                "tidegate.toml:3: environments[0].from: is a string; expected a list of strings, such as `[\"dev\"]`",
                "tidegate.toml:4: environments[0].protected: is a string; expected `true` or `false`, without quotes",
            ],
        ),
        (
            "no name",
            "[[environments]]\ncluster = \"dev\"",
            &[
                "tidegate.toml:1: environments[0]: has no `name`; give the environment one, such as `name = \"prod\"`",
            ],
        ),
        (
            "unknown upstream",
            "[[environments]]\nname = \"staging\"\n\n[[environments]]\nname = \"prod\"\nfrom = [\"stagin\"]",
            &[
                "tidegate.toml:6: environments[1].from[0]: `stagin` is no declared environment; did you mean `staging`? \
               (declared: `staging`, `prod`)",
            ],
        ),
        (
            "twice",
            "[[environments]]\nname = \"dev\"\n[[environments]]\nname = \"dev\"",
            &[
                "tidegate.toml:4: environments[1].name: `dev` stands in this file twice; merge the two or rename one",
            ],
        ),
        (
            "cycle",
            "[[environments]]\nname = \"a\"\nfrom = [\"c\"]\n[[environments]]\nname = \"b\"\nfrom = [\"a\"]\n[[environments]]\nname = \"c\"\nfrom = [\"b\"]",
            &[
                "tidegate.toml:3: environments[0].from: is a cycle: a → c → b → a; versions are promoted one way, take one of these out",
            ],
        ),
        (
            "own upstream",
            "[[environments]]\nname = \"a\"\nfrom = [\"a\"]",
            &[
                "tidegate.toml:3: environments[0].from: is a cycle: a → a; versions are promoted one way, take one of these out",
            ],
        ),
        (
            "bad templates",
            "[defaults]\nnamespace = \"shop-{service\"\n[[environments]]\nname = \"dev\"\nworkload = \"{my app}\"",
            &[
                "tidegate.toml:2: defaults.namespace: `{` at column 6 is never closed; a template looks like `shop-{service}`",
                "tidegate.toml:5: environments[0].workload: `{my app}` is not a name: letters, digits, `_` and `-` are; a template \
                 looks like `shop-{service}`",
            ],
        ),
        (
            "selector",
            "[defaults]\nselector = \"app={service},,\"",
            &[
                "tidegate.toml:2: defaults.selector: `app={service},,` is no label selector: there is nothing between two commas; \
               write it like `app={service}`",
            ],
        ),
        (
            "both ways to a workload",
            "[defaults]\nworkload = \"{service}\"\nselector = \"app={service}\"",
            &[
                "tidegate.toml:3: defaults.selector: stands beside `workload`; keep one of the two: a workload is found by its name or \
               by its labels",
            ],
        ),
        (
            "choices and lengths of time",
            "[[environments]]\nname = \"dev\"\nrequire = \"some\"\ntimeout = \"soon\"\nurl = \"shop.example.com\"",
            &[
                "tidegate.toml:3: environments[0].require: `some` is neither `any` nor `all`",
                "tidegate.toml:4: environments[0].timeout: `soon` is no length of time; write one like `15m`, `90s` or `1h30m`",
                "tidegate.toml:5: environments[0].url: `shop.example.com` is no address; it starts with `https://` or `http://`",
            ],
        ),
        (
            "unknown key of a layout",
            "[[layouts]]\npreset = \"kustomize\"\npath = \"a/{env}/{service}/kustomization.yaml\"\npaht = \"x\"",
            &["tidegate.toml:4: layouts[0].paht: unknown key; did you mean `path`?"],
        ),
        (
            "no TOML",
            "[repository\nbranch = \"main\"",
            &["tidegate.toml:1: is not TOML: unclosed table, expected `]`"],
        ),
    ];
    for (name, team, expected) in cases {
        assert_eq!(wrong(team), *expected, "{name}");
    }
}

#[test]
fn a_whole_file_is_read() {
    let config = load_text(
        &format!(
            "[repository]\nbranch = \"release\"\n[defaults]\nnamespace = \"shop-{{service}}\"\n\
             [[environments]]\nname = \"dev\"\n[[environments]]\nname = \"qa\"\n\
             [[environments]]\nname = \"prod\"\nfrom = [\"dev\", \"qa\"]\nrequire = \"all\"\ncluster = \"p\"\nnamespace = \"p\"\n\
             selector = \"app={{service}}\"\nprotected = true\nurl = \"https://x\"\ndeliver = \"branch\"\ntimeout = \"90s\"\n{LAYOUT}"
        ),
        "theme = \"light\"\nascii = true\nmouse = true\nwrite = true\nkubeconfig = \"/k\"\n[clusters]\np = \"admin@p\"\n\
         [keys]\npromote = \"Z\"\nrevert = [\"U\", \"f5\"]\n",
    )
    .unwrap();
    assert_eq!(config.branch.as_deref(), Some("release"));
    assert_eq!(config.sources, ["tidegate.toml", "config.toml"]);
    assert_eq!(config.guessed, None);
    let prod = config.topology.get(&EnvironmentName::from("prod")).unwrap();
    assert_eq!(prod.from, ["dev".into(), "qa".into()]);
    assert_eq!(prod.require, Require::All);
    assert_eq!(
        prod.cluster.as_deref(),
        Some("admin@p"),
        "mapped by the user's file"
    );
    assert_eq!(prod.namespace.as_str(), "p");
    assert!(
        matches!(&prod.workload, WorkloadTemplate::Selector(t) if t.as_str() == "app={service}")
    );
    assert!(prod.protected);
    assert_eq!(prod.deliver, Deliver::Branch);
    assert_eq!(prod.timeout.as_secs(), 90);
    let dev = config.topology.get(&EnvironmentName::from("dev")).unwrap();
    assert_eq!(dev.namespace.as_str(), "shop-{service}");
    assert!(matches!(&dev.workload, WorkloadTemplate::Name(t) if t.as_str() == "{service}"));
    assert_eq!(dev.timeout.as_secs(), 900);
    assert_eq!(config.user.theme.fixed.as_deref(), Some("light"));
    assert_eq!(config.user.keys["revert"], ["U", "f5"]);
}

#[test]
fn the_users_file_wins_key_by_key() {
    let config = load_text(
        &format!("[defaults]\nworkload = \"{{service}}\"\n[[environments]]\nname = \"dev\"\ncluster = \"a\"\nurl = \"http://x\"\n{LAYOUT}"),
        "[defaults]\nselector = \"app={service}\"\n[[environments]]\nname = \"dev\"\ncluster = \"b\"\n\
         [[layouts]]\npath = \"mine/{env}/{service}.yaml\"\nyaml = \"tag\"\n",
    )
    .unwrap();
    let dev = &config.topology.environments[0];
    assert_eq!(dev.cluster.as_deref(), Some("b"));
    assert_eq!(dev.url.as_deref(), Some("http://x"));
    assert!(matches!(dev.workload, WorkloadTemplate::Selector(_)));
    assert_eq!(
        config.layout_specs[0].path.as_deref(),
        Some("mine/{env}/{service}.yaml")
    );
    assert_eq!(config.layout_specs.len(), 2);
}

#[test]
fn errors_of_the_users_file_carry_its_name() {
    let errors = load_text(
        LAYOUT,
        "theme = true\ntypo = 1\n[keys]\npromte = \"P\"\nrevert = \"ctrl-r\"",
    )
    .unwrap_err();
    let short = |error: &ConfigError| match error.to_string().split_once("; actions are") {
        Some((start, _)) => start.to_owned(),
        None => error.to_string(),
    };
    let lines: Vec<_> = errors.0.iter().map(short).collect();
    assert_eq!(
        lines,
        [
            "config.toml:1: theme: is a boolean; expected a name such as `\"nord\"`, or `{ dark = \"nord\", light = \"light\" }`",
            "config.toml:2: typo: unknown key; known here: `repository`, `repositories`, `defaults`, `environments`, `layouts`, `windows`, \
             `dependencies`, `vetoes`, `versions`, `notify`, `sources`, `theme`, `background`, `ascii`, `mouse`, `bell`, `filter`, `write`, `kubeconfig`, `clusters`, `keys`, `commands`, `commit`, `servers`, `forges`, `argocd`, `secrets`",
            "config.toml:4: keys.promte: `promte` is no action",
            "config.toml:5: keys.revert: `ctrl-r` is no key; write `x`, `X`, `^x`, `f5`, `space`, `enter`, `pgdn` …",
        ]
    );
}

#[test]
fn without_configuration_the_layout_is_guessed_and_said() {
    let guess = Guess {
        environments: vec!["dev".into(), "prod".into()],
        edges: vec![("dev".into(), "prod".into())],
        layouts: load_text(LAYOUT, "").unwrap().layout_specs,
        explanation: "one folder per environment".into(),
        ..Guess::default()
    };
    let config = load(&LoadRequest {
        team: None,
        user: None,
        detect: &|| Some(guess.clone()),
    })
    .unwrap();
    assert_eq!(
        config.guessed.as_deref(),
        Some("one folder per environment")
    );
    assert_eq!(config.topology.environments[1].from, ["dev".into()]);

    let nothing = load(&LoadRequest {
        team: None,
        user: None,
        detect: &|| None,
    });
    let text = nothing.unwrap_err().to_string();
    assert!(
        text.starts_with("tidegate.toml: layouts: is not there, and no common layout"),
        "{text}"
    );
}

#[test]
fn the_example_documents_every_key_and_loads() {
    let example = include_str!("../../config.example.toml");
    load_text(example, "").expect("as the team's file");
    load_text("", example).expect("as the user's file");
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with([' ', '#', ':']) => rest,
            _ => line,
        })
        .collect();
    let config = load_text("", &uncommented.join("\n")).expect("every key of the user's file");
    assert_eq!(config.user.clusters.len(), 1);
    assert!(config.topology.environments.len() >= 3);
    for key in schema::every_key() {
        assert!(
            [format!("{key} ="), format!("[{key}]"), format!(".{key}]")]
                .iter()
                .any(|written| example.contains(written)),
            "`{key}` is not documented in config.example.toml"
        );
    }
}

#[test]
fn the_same_mistake_twenty_thousand_times_is_told_once_with_a_count() {
    let error = |line| ConfigError {
        file: "tidegate.toml".to_owned(),
        line: Some(line),
        key: format!("layouts[{line}].path"),
        message: "is empty".to_owned(),
    };
    let text = ConfigErrors((0..20_000).map(error).collect()).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[3], "tidegate.toml: and 19997 more like the last one");
}
