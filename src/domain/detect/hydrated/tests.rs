//! What branches that a program renders are read as.

use super::*;

fn workload(name: &str, images: &[&str]) -> String {
    let each = images.iter();
    let each = each.map(|image| format!("      - name: c\n        image: {image}\n"));
    let containers = each.collect::<Vec<_>>().concat();
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n---\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  \
         template:\n    spec:\n      containers:\n{containers}"
    )
}

fn told(
    branches: &[&str],
    tree: &[(&str, &str)],
    files: &dyn Fn(&str) -> Vec<(String, String)>,
) -> Option<Guess> {
    let paths: Vec<&str> = tree.iter().map(|(path, _)| *path).collect();
    let read = |path: &str| {
        let found = tree.iter().find(|(known, _)| *known == path)?;
        Some(Rc::from(found.1.as_bytes()))
    };
    let branch = |name: &str| {
        let own = files(name).into_iter();
        own.map(|(path, text)| (path, Rc::from(text.as_bytes())))
            .collect()
    };
    crate::domain::detect::recognise(&Evidence {
        branches,
        branch: &branch,
        ..Evidence::new(&paths, &read)
    })
}

/// A strategy says which branches there are and in which order; what is proposed for one is no environment.
#[test]
fn branches_of_a_promotion_strategy() {
    const STRATEGY: &str = "kind: PromotionStrategy\nmetadata:\n  name: shop\nspec:\n  environments:\n  - branch: env/first\n  - branch: env/second\n";
    let branches = [
        "env/first",
        "env/first-next",
        "env/second",
        "env/second-next",
        "main",
    ];
    let guess = told(&branches, &[("promoter.yaml", STRATEGY)], &|name| {
        assert!(!name.ends_with("-next"), "{name}");
        vec![
            (
                "shop/manifest.yaml".into(),
                workload("web", &["r/x/web:1.0.0"]),
            ),
            ("shop/README.md".into(), "image: x/y:1".into()),
        ]
    });
    let guess = guess.unwrap();
    assert_eq!(guess.environments, ["first", "second"]);
    assert_eq!(guess.edges, [("first".to_owned(), "second".to_owned())]);
    let layout = &guess.layouts[0];
    assert_eq!(
        layout.refs.as_deref(),
        Some("refs/heads/env/{env:first|second}")
    );
    assert_eq!(layout.path.as_deref(), Some("{folder*}/manifest.yaml"));
    assert_eq!(
        (layout.row.as_deref(), layout.read_only),
        (Some("{name}"), true)
    );
    assert!(
        guess
            .explanation
            .contains("PromotionStrategy in promoter.yaml"),
        "{guess:?}"
    );
}

/// Without a strategy, names say which branches; one workload in several folders runs in each.
#[test]
fn branches_called_like_environments_with_clusters_below() {
    let guess = told(
        &["main", "stage/dev", "stage/prod"],
        &[("base/web.yaml", "kind: X\n")],
        &|name| {
            let folders: &[&str] = if name.ends_with("prod") {
                &["eu/", "us/"]
            } else {
                &["eu/"]
            };
            let text = workload("web", &["r/x/web:1.0.0", "r/x/proxy:2.0.0"]);
            folders
                .iter()
                .map(|folder| (format!("{folder}all.yaml"), text.clone()))
                .collect()
        },
    );
    let guess = guess.unwrap();
    assert_eq!(guess.environments, ["dev/eu", "prod/eu", "prod/us"]);
    assert_eq!(guess.layouts[0].row.as_deref(), Some("{name}/{image}"));
    assert_eq!(
        guess.layouts[0].env_name.as_deref(),
        Some("{env}/{cluster}")
    );
    assert_eq!(guess.explained, [6]);
}

/// What a hydrator writes is no one's to merge, though the branches hold files of the same names as the default branch and
/// are called like environments.
#[test]
fn branches_of_a_strategy_are_shown_alone() {
    const STRATEGY: &str = "kind: PromotionStrategy\nspec:\n  environments:\n  - branch: env/dev\n  - branch: env/staging\n  - branch: env/prod\n";
    let web = workload("web", &["r/x/web:1.0.0"]);
    let tree = [
        ("web/deployment.yaml", web.as_str()),
        ("api/deployment.yaml", &web),
        ("pay/deployment.yaml", &web),
        ("promoter/strategy.yaml", STRATEGY),
    ];
    let branches = ["env/dev", "env/prod", "env/staging", "main"];
    let rendered = |_: &str| {
        ["web", "api", "pay"]
            .map(|name| {
                let text = workload(name, &["r/x/web:1.0.0"]);
                (format!("{name}/deployment.yaml"), text)
            })
            .to_vec()
    };
    let guess = told(&branches, &tree, &rendered).unwrap();
    assert_eq!(guess.environments, ["dev", "staging", "prod"]);
    assert!(
        guess.layouts.iter().all(|it| it.read_only),
        "{:?}",
        guess.layouts
    );
    // Nor where what they hold is not understood.
    let guess = told(&branches, &tree, &|_| Vec::new()).unwrap();
    assert!(
        guess.layouts.iter().all(|it| it.read_only),
        "{:?}",
        guess.layouts
    );
    assert!(!guess.layouts.is_empty());
}

/// Branches that hold what the default branch holds are written by people.
#[test]
fn branches_of_the_same_files_are_not_rendered() {
    let text = workload("web", &["r/x/web:1.0.0"]);
    let guess = told(&["main", "dev", "prod"], &[("web.yaml", &text)], &|_| {
        vec![("web.yaml".into(), text.clone())]
    });
    assert!(guess.is_none_or(|it| it.layouts.iter().all(|layout| !layout.read_only)));
}

/// Clusters are folders among others; a job that runs by the clock is read too.
#[test]
fn clusters_are_the_folder_that_differs() {
    const JOB: &str = "---\nkind: CronJob\nmetadata:\n  name: report\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n          - image: r/x/report:3.0.0\n";
    let guess = told(
        &["main", "stage/dev", "stage/prod"],
        &[("base/kustomization.yaml", "resources: []\n")],
        &|_| {
            let file = |cluster: &str, name: &str| {
                let text = workload(name, &["r/x/it:1.0.0"]) + JOB;
                (format!("out/{cluster}/{name}/all.yaml"), text)
            };
            vec![
                file("eu", "web"),
                file("us", "web"),
                file("eu", "api"),
                file("us", "api"),
            ]
        },
    );
    let guess = guess.unwrap();
    assert_eq!(
        guess.environments,
        ["dev/eu", "dev/us", "prod/eu", "prod/us"]
    );
    let ways: Vec<_> = guess
        .layouts
        .iter()
        .map(|it| (it.path.as_deref(), it.yaml.as_deref()))
        .collect();
    let path = Some("{folder0}/{cluster}/{folder2}/all.yaml");
    assert_eq!(
        ways,
        [
            (path, Some("spec.template.spec.containers[*].image")),
            (
                path,
                Some("spec.jobTemplate.spec.template.spec.containers[*].image")
            ),
        ]
    );
    assert!(guess.explanation.contains("a program renders"), "{guess:?}");
}

/// One thing that two services each have is no cluster: rows say whose it is.
#[test]
fn what_is_called_alike_in_two_folders_is_two_things() {
    let guess = told(
        &["main", "stage/dev", "stage/prod"],
        &[("base/Chart.yaml", "name: x\n")],
        &|_| {
            let file = |name: &str| {
                let own = workload(name, &["r/x/it:1.0.0"]);
                (
                    format!("{name}/all.yaml"),
                    own + "---\n" + &workload("redis", &["redis:7.0.0"]),
                )
            };
            vec![file("web"), file("api")]
        },
    );
    let guess = guess.unwrap();
    assert_eq!(guess.environments, ["dev", "prod"]);
    assert_eq!(guess.layouts[0].row.as_deref(), Some("{folder}/{name}"));
    assert_eq!(guess.layouts[0].env_name, None);
}

/// Who writes a branch is told by what is in it; where nothing says so, it is not claimed.
#[test]
fn who_writes_the_branches_is_not_claimed_without_a_sign() {
    let branches = ["main", "stage/dev", "stage/prod"];
    let plain = |_: &str| vec![("web.yaml".to_owned(), workload("web", &["r/x/web:1.0.0"]))];
    let guess = told(&branches, &[("README.md", "")], &plain).unwrap();
    assert!(guess.layouts[0].read_only);
    assert!(
        !guess.explanation.contains("that a program renders"),
        "{guess:?}"
    );
    // What others are rendered from is written by people.
    let overlays = |_: &str| {
        let mut files = plain("");
        files.push((
            "kustomization.yaml".into(),
            "resources: [web.yaml]\n".into(),
        ));
        files
    };
    let guess = told(&branches, &[("README.md", "")], &overlays);
    assert!(guess.is_none_or(|it| it.layouts.iter().all(|layout| !layout.read_only)));
}
