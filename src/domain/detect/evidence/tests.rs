//! A small repository of each kind, with a history in which versions go from one environment to the next.

mod decoys;
mod kinds;
mod promoted;
mod written;

use std::{collections::BTreeMap, rc::Rc};

use kinds::KINDS;

use super::super::{Change, Evidence, Guess, recognise, trial::assemble};

/// Files by path, and what changed of them, newest first.
#[derive(Default)]
struct Repository {
    files: BTreeMap<String, String>,
    changes: Vec<(i64, String, String, String)>,
}

impl Repository {
    fn write(&mut self, path: &str, text: &str) {
        let time = i64::try_from(self.changes.len()).unwrap();
        let before = self.files.insert(path.to_owned(), text.to_owned());
        if let Some(before) = before {
            self.changes
                .insert(0, (time, path.to_owned(), before, text.to_owned()));
        }
    }

    /// Tells of the changes of the files that are wanted.
    fn tell(&self, wants: &dyn Fn(&str) -> bool, tell: &mut dyn FnMut(&Change<'_>)) {
        for (time, path, before, after) in self.changes.iter().filter(|it| wants(&it.1)) {
            tell(&Change {
                time: *time,
                path,
                before: before.as_bytes(),
                after: after.as_bytes(),
            });
        }
    }

    fn guess(&self) -> Option<(Guess, Vec<(String, String)>)> {
        let paths: Vec<&str> = self.files.keys().map(String::as_str).collect();
        let read = |path: &str| Some(Rc::from(self.files.get(path)?.as_bytes()));
        let evidence = Evidence {
            changes: &|wants, tell| self.tell(wants, tell),
            ..Evidence::new(&paths, &read)
        };
        let guess = recognise(&evidence)?;
        let desired = assemble(
            &guess.layouts,
            &guess.environments,
            paths.iter().copied(),
            &evidence,
        )?;
        let cells = desired.cells.iter().filter_map(|(key, cell)| {
            let version = cell.version.as_ref()?;
            Some((
                key.environment.as_str().to_owned(),
                version.as_str().to_owned(),
            ))
        });
        Some((guess.clone(), cells.collect()))
    }
}

/// A digest that looks like one, another for each version.
fn digest(version: &str) -> String {
    let hex = version.bytes().map(|byte| format!("{byte:02x}"));
    hex.cycle()
        .flat_map(|it| it.chars().collect::<Vec<_>>())
        .take(64)
        .collect()
}

/// One file per service and environment, or one per environment or service where the path says so: versions come to the
/// first environment and go on from there.
fn kind(path: &str, text: &str, line: &str, environments: &[&str]) -> Repository {
    let services = ["web", "api", "cart"];
    let mut repository = Repository::default();
    for round in 0..8_usize {
        for (behind, _) in environments.iter().enumerate() {
            for (nth, service) in services.iter().enumerate() {
                for (at, environment) in environments.iter().enumerate() {
                    // What this environment has by now.
                    let version = |nth: usize, at: usize| {
                        let own = round.saturating_sub(usize::from(at > behind));
                        format!("{}.{}.{own}", nth + 1, nth + 3)
                    };
                    let fill =
                        |text: &str, nth: usize, service: &str, at: usize, environment: &str| {
                            let short = environment.replace("production", "prod");
                            let short = short.replace("development", "dev");
                            text.replace("ENV", environment)
                                .replace("SHORT", &short)
                                .replace("SERVICE", service)
                                .replace("UPPER", &service.to_uppercase())
                                .replace("VERSION", &version(nth, at))
                                .replace("DIGEST", &digest(&version(nth, at)))
                        };
                    let path = fill(path, nth, service, at, environment);
                    let own = if path.contains(service) {
                        // The environments may be inside of the file.
                        if text.contains("EACH") && !path.contains(environment) {
                            environments
                                .iter()
                                .enumerate()
                                .map(|(at, environment)| fill(line, nth, service, at, environment))
                                .collect::<String>()
                        } else {
                            fill(line, nth, service, at, environment)
                        }
                    } else {
                        let all = services.iter().enumerate();
                        all.map(|(nth, service)| fill(line, nth, service, at, environment))
                            .collect()
                    };
                    let text = fill(text, nth, service, at, environment).replace("EACH", &own);
                    // A list of all that it had so far.
                    let had = (0..=round.saturating_sub(usize::from(at > behind))).map(|own| {
                        line.replace("VERSION", &format!("{}.{}.{own}", nth + 1, nth + 3))
                    });
                    let text = text.replace("LIST", &had.collect::<String>());
                    if repository.files.get(&path) != Some(&text) {
                        repository.write(&path, &text);
                    }
                }
            }
        }
    }
    repository
}

const USUAL: [&str; 3] = ["dev", "staging", "prod"];
const HOSTS: [&str; 3] = ["data.shop.org", "staging.shop.org", "shop.example.com"];

#[test]
fn every_kind_is_recognised_whole() {
    for (name, path, text, line, environments) in KINDS {
        let repository = kind(path, text, line, &environments);
        let Some((guess, cells)) = repository.guess() else {
            panic!("{name}: nothing");
        };
        let of_digest = text.contains("DIGEST");
        let expected = ["1.3.7", "2.4.7", "3.5.7"].map(|it| {
            if of_digest {
                format!("sha256:{}", digest(it))
            } else {
                it.to_owned()
            }
        });
        for environment in environments {
            let own = cells.iter().filter(|(it, version)| {
                it.starts_with(environment) && version.contains(['.', ':']) && version != "9.9.9"
            });
            let mut own: Vec<&String> = own.map(|(_, version)| version).collect();
            own.sort();
            let mut expected: Vec<&String> = expected.iter().collect();
            expected.sort();
            assert_eq!(
                own, expected,
                "{name}: {environment} in {cells:?}\n{:?} {:?}",
                guess.environments, guess.layouts
            );
        }
        assert_eq!(
            guess.environments.len(),
            3,
            "{name}: {:?}",
            guess.environments
        );
    }
}

#[test]
fn folders_beside_those_of_an_early_environment_are_production() {
    let mut repository = Repository::default();
    for round in 0..4 {
        for service in ["web", "api", "cart", "wiki"] {
            for (end, behind) in [("-dev", 0), ("", 1)] {
                repository.write(
                    &format!("{service}{end}/deployment.yaml"),
                    &format!(
                        "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: {service}\n        image: ghcr.io/x/{service}:1.{}.0\n",
                        round + 1 - behind
                    ),
                );
            }
        }
    }
    repository.write("monitoring/deployment.yaml", "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: m\n        image: x/m:2.0.0\n");
    let (guess, cells) = repository.guess().unwrap();
    assert_eq!(guess.environments, ["dev", "prod"]);
    let of = |name: &str, version: &str| {
        cells
            .iter()
            .filter(|it| it.0 == name && it.1 == version)
            .count()
    };
    assert_eq!(
        (of("dev", "1.4.0"), of("prod", "1.3.0"), cells.len()),
        (4, 4, 8),
        "{cells:?} {:?}",
        guess.layouts
    );
}

#[test]
fn environments_inherit_what_their_own_files_do_not_say() {
    let mut repository = Repository::default();
    for service in ["web", "api", "cart"] {
        let base = |version: &str| {
            format!(
                "kind: HelmRelease\nspec:\n  values:\n    java:\n      image: r/x/{service}:{version}\n"
            )
        };
        for version in ["1.0.0", "1.1.0"] {
            repository.write(
                &format!("apps/shop/{service}/{service}.yaml"),
                &base(version),
            );
        }
        repository.write(
            &format!("apps/shop/{service}/stg.yaml"),
            "kind: HelmRelease\nspec:\n  values:\n    java:\n      replicas: 3\n",
        );
        for version in ["1.1.0", "1.2.0"] {
            repository.write(&format!("apps/shop/{service}/dev.yaml"), &base(version));
        }
    }
    let (guess, mut cells) = repository.guess().unwrap();
    cells.sort();
    let expected = [("dev", "1.2.0"), ("stg", "1.1.0")]
        .map(|(name, version)| vec![(name.to_owned(), version.to_owned()); 3]);
    assert_eq!(cells, expected.concat(), "{:?}", guess.layouts);
}

/// What changes every day in one environment is a version in the other too, where it has not changed for long.
#[test]
fn environments_that_rarely_change_have_the_same_versions() {
    let mut repository = Repository::default();
    let text = |web: &str, api: &str| format!("{{\n  web_app: '{web}',\n  api_app: '{api}',\n}}\n");
    repository.write(
        "ecs/prod/const.libsonnet",
        &text("release-v1.0.0", "release-v2.0.0"),
    );
    for round in 0..6 {
        let (web, api) = (format!("v1.1.{round}"), format!("v2.1.{round}"));
        repository.write("ecs/stg/const.libsonnet", &text(&web, &api));
    }
    let (guess, mut cells) = repository.guess().unwrap();
    cells.sort();
    let expected = [
        ("prod", "release-v1.0.0"),
        ("prod", "release-v2.0.0"),
        ("stg", "v1.1.5"),
        ("stg", "v2.1.5"),
    ];
    let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
    assert_eq!(cells, expected, "{:?}", guess.layouts);
}

/// Production is found where the same services are, though it is written in other folders than the rest.
#[test]
fn production_stands_elsewhere() {
    let mut repository = Repository::default();
    for round in 0..6 {
        for service in ["web", "api", "cart"] {
            let text = |own: usize| {
                format!(
                    "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: {service}\n        image: r/x/{service}:1.{own}.0\n"
                )
            };
            for environment in ["dev", "staging"] {
                let path = format!("envs/{environment}/{service}/deployment.yaml");
                repository.write(&path, &text(round));
            }
            let path = format!("production/apps/{service}/deployment.yaml");
            repository.write(&path, &text(round / 2));
        }
    }
    let (guess, mut cells) = repository.guess().unwrap();
    cells.sort();
    let expected = [
        ("dev", "1.5.0"),
        ("production", "1.2.0"),
        ("staging", "1.5.0"),
    ]
    .map(|(name, version)| vec![(name.to_owned(), version.to_owned()); 3]);
    assert_eq!(cells, expected.concat(), "{:?}", guess.layouts);
}

/// Defaults of an environment and what tenants override of them: two layouts, and what is overridden is its own column.
#[test]
fn defaults_and_overrides() {
    let mut repository = Repository::default();
    for round in 0..4 {
        for (environment, behind) in [("dev", 0), ("prod", 1)] {
            let text = |own: usize| {
                let services = ["web", "api", "cart"]
                    .map(|name| format!("  {name}:\n    tag: 1.{}.0\n", own + 1 - behind));
                format!("services:\n{}", services.concat())
            };
            let path = format!("apps/shop/versions/defaults/{environment}.yaml");
            repository.write(&path, &text(round));
        }
    }
    repository.write(
        "apps/shop/versions/overrides/prod/acme.yaml",
        "services:\n  web:\n    tag: 1.1.9\n",
    );
    let (guess, cells) = repository.guess().unwrap();
    for environment in ["dev", "prod"] {
        let own = cells
            .iter()
            .filter(|it| it.0 == environment && it.1 != "1.1.9");
        assert_eq!(own.count(), 3, "{cells:?} {:?}", guess.layouts);
    }
}

/// What a program renders is shown, and not edited; its source is.
#[test]
fn what_is_rendered_is_not_edited() {
    let (_, _, text, line, environments) = KINDS[2];
    let repository = kind(
        "apps/rendered/ENV/SERVICE/manifests.yaml",
        text,
        line,
        &environments,
    );
    let (guess, cells) = repository.guess().unwrap();
    assert_eq!(cells.len(), 9, "{cells:?}");
    assert!(
        guess.layouts.iter().all(|it| it.read_only),
        "{:?}",
        guess.layouts
    );
    let repository = kind("apps/ENV/SERVICE/manifests.yaml", text, line, &environments);
    let (guess, _) = repository.guess().unwrap();
    assert!(
        guess.layouts.iter().all(|it| !it.read_only),
        "{:?}",
        guess.layouts
    );
}

/// Helmfile's environments are there without a file, and what one of them alone declares says nothing.
#[test]
fn environments_that_a_helmfile_declares_inherit_without_a_file() {
    const HELMFILE: &str = "environments:\n  # all of them\n  staging:\n    values:\n    - other: {{ .Environment.Name }}\n  east: {}\n  \"west\":\n---\nreleases:\n- name: {{ .x }}\n";
    let mut repository = Repository::default();
    for service in ["web", "api", "cart", "shop", "pay"] {
        let file = |name: &str| format!("helmfile.d/{service}/{name}");
        let declares = if service == "pay" {
            HELMFILE.replace("east", "south")
        } else {
            HELMFILE.to_owned()
        };
        repository.write(&file("helmfile.yaml"), &declares);
        for version in ["1.0.0", "1.1.0"] {
            let text = format!("main_app:\n  version: {version}\n");
            repository.write(&file("values.yaml"), &text);
        }
        repository.write(&file("values-canary.yaml"), "main_app:\n  replicas: 1\n");
        if service != "web" {
            repository.write(
                &file("values-staging.yaml"),
                "main_app:\n  version: 1.2.0\n",
            );
        }
    }
    let (guess, mut cells) = repository.guess().unwrap();
    cells.retain(|(environment, _)| environment != "south");
    cells.sort();
    let many =
        |name: &str, version: &str, count| vec![(name.to_owned(), version.to_owned()); count];
    let expected = [
        many("east", "1.1.0", 5),
        many("staging", "1.1.0", 1),
        many("staging", "1.2.0", 4),
        many("west", "1.1.0", 5),
    ];
    assert_eq!(cells, expected.concat(), "{:?}", guess.layouts);
}

/// Material of tests is called so, and environments are not.
#[test]
fn names_of_tests_are_no_environments() {
    let cases = [
        ("test", 100),
        ("test-eu", 80),
        ("test_release", 0),
        ("web_test", 0),
    ];
    for (name, weight) in cases {
        assert_eq!(super::lexicon::weight(name), weight, "{name}");
    }
}

/// What moves in one document of a file is no move of the others that are written alike.
#[test]
fn documents_of_one_file_move_by_themselves() {
    let stream = |name: &str, tags: &[&str]| {
        let tags = tags.iter().map(|tag| {
            format!("  - from:\n      kind: DockerImage\n      name: r.example/{name}:{tag}\n    name: {tag}\n")
        });
        let tags: String = tags.collect();
        format!("kind: ImageStream\nmetadata:\n  name: {name}\nspec:\n  tags:\n{tags}---\n")
    };
    let single = |name: &str, version: &str| {
        format!(
            "kind: Deployment\nmetadata:\n  name: {name}\nspec:\n  image: r.example/x:{version}\n---\n"
        )
    };
    let mut repository = Repository::default();
    let all = ["v1.0.0", "v1.1.0", "v1.2.0"];
    for round in 1..=3 {
        let streams = ["web", "api", "cart"].map(|name| stream(name, &all[..round]));
        repository.write("images/streams.yaml", &streams.concat());
        let version = format!("1.0.{round}");
        let deployments =
            single("web", &version) + &single("api", "1.0.0") + &single("cart", "1.0.0");
        repository.write("apps/all.yaml", &deployments);
    }
    let paths: Vec<&str> = repository.files.keys().map(String::as_str).collect();
    let read = |path: &str| Some(Rc::from(repository.files.get(path)?.as_bytes()));
    let evidence = Evidence {
        changes: &|wants, tell| repository.tell(wants, tell),
        ..Evidence::new(&paths, &read)
    };
    let mut places = super::places(&paths, &read);
    super::moved(&mut places, &evidence);
    let moves = |file: &str| -> Vec<(String, usize)> {
        let own = places.iter().filter(|it| paths[it.file] == file);
        own.map(|it| {
            let name = it.scalar.name.as_deref().unwrap_or_default();
            (name.to_owned(), it.moves.len())
        })
        .collect()
    };
    let told = |each: &[(&str, usize)]| -> Vec<(String, usize)> {
        each.iter()
            .map(|(name, moves)| ((*name).to_owned(), *moves))
            .collect()
    };
    assert_eq!(
        moves("apps/all.yaml"),
        told(&[("web", 2), ("api", 0), ("cart", 0)])
    );
    let mut streams = moves("images/streams.yaml");
    streams.dedup();
    assert_eq!(streams, told(&[("web", 2), ("api", 2), ("cart", 2)]));
}
