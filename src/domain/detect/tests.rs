use super::*;

fn show(guess: Option<Guess>) -> String {
    let Some(guess) = guess else {
        return "nothing".into();
    };
    let layouts: Vec<String> = guess
        .layouts
        .iter()
        .map(|spec| {
            let locator = [&spec.preset, &spec.yaml, &spec.regex];
            let locator = locator
                .into_iter()
                .flatten()
                .next()
                .cloned()
                .unwrap_or_default();
            let others: Vec<String> = spec
                .fallbacks
                .iter()
                .map(|it| format!(" else {}", it.path))
                .collect();
            let others = others.concat();
            let row = spec.row.as_ref().map(|row| format!(" as {row}"));
            let row = row.unwrap_or_default();
            format!(
                "{} {locator}{others}{row}",
                spec.path.clone().unwrap_or_default()
            )
        })
        .collect();
    format!("{}: {}", guess.environments.join(" "), layouts.join("; "))
}

/// A repository of every service in every environment.
fn tree(template: &str, environments: &[&str], text: &str) -> Vec<(String, String)> {
    let mut files = vec![("README.md".to_owned(), String::new())];
    for env in environments {
        for service in ["web", "api", "cart"] {
            let path = template.replace("ENV", env).replace("SERVICE", service);
            files.push((path, text.replace("SERVICE", service)));
        }
    }
    files
}

#[test]
fn common_shapes() {
    let cases = [
        (
            tree(
                "apps/SERVICE/overlays/ENV/kustomization.yaml",
                &["prod", "dev", "staging"],
                "images: [{name: r/SERVICE, newTag: v1}]",
            ),
            "dev staging prod: apps/{service}/overlays/{env}/kustomization.yaml kustomize",
        ),
        (
            tree(
                "overlays/ENV/kustomization.yaml",
                &["prod", "dev"],
                "images: [{name: r/web, newTag: v1}]",
            ),
            "dev prod: overlays/{env}/kustomization.yaml kustomize",
        ),
        (
            tree(
                "charts/SERVICE/values-ENV.yaml",
                &["prod", "dev"],
                "image: {tag: v1.2}",
            ),
            "dev prod: charts/{service}/values-{env}.yaml helm-values",
        ),
        (
            tree(
                "ENV/SERVICE.yaml",
                &["prod", "test"],
                "kind: Deployment\nspec: {template: {spec: {containers: [{name: SERVICE, image: 'r/SERVICE:v1'}]}}}",
            ),
            "test prod: {env}/{service}.yaml manifest",
        ),
        (
            tree(
                "clusters/ENV/apps/SERVICE/release.yaml",
                &["production", "staging"],
                "kind: HelmRelease\nspec: {chart: {spec: {version: 1.2.3}}}",
            ),
            "staging production: clusters/{env}/apps/{service}/release.yaml helmrelease",
        ),
        (
            tree(
                "tags/ENV/SERVICE",
                &["production", "staging"],
                "deploy: true\nimage_tag: v12",
            ),
            "staging production: tags/{env}/{service} image_tag",
        ),
        (tree("src/SERVICE.rs", &["x"], ""), "nothing"),
        (
            tree("docs/ENV/SERVICE.yaml", &["dev", "prod"], "tag: v1.2"),
            "nothing",
        ),
    ];
    for (files, expected) in cases {
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let read = |path: &str| {
            let found = files.iter().find(|(known, _)| known == path)?;
            Some(found.1.as_bytes().into())
        };
        let guess = recognise(&Evidence::new(&paths, &read));
        assert_eq!(show(guess), expected);
    }
}

#[test]
fn paths_alone_are_enough_for_the_usual_names() {
    let files = tree(
        "apps/SERVICE/overlays/ENV/kustomization.yaml",
        &["prod-eu", "dev", "prod-us"],
        "",
    );
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let guess = detect(&paths).unwrap();
    assert_eq!(guess.environments, ["dev", "prod-eu", "prod-us"]);
    assert_eq!(guess.edges.len(), 2);
    assert_eq!(guess.layouts.len(), 1);
    assert_eq!(
        guess.explanation,
        "versions are taken from `apps/{service}/overlays/{env}/kustomization.yaml`"
    );
}

#[test]
fn values_behind_values() {
    let mut files = tree(
        "charts/SERVICE/values-ENV.yaml",
        &["prod", "dev"],
        "replicas: 1",
    );
    files.extend(tree(
        "charts/SERVICE/values.yaml",
        &["x"],
        "image: {tag: v1.0}",
    ));
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let read = |path: &str| {
        let found = files.iter().find(|(known, _)| known == path)?;
        Some(found.1.as_bytes().into())
    };
    let guess = recognise(&Evidence::new(&paths, &read));
    assert_eq!(
        show(guess),
        "dev prod: charts/{service}/values-{env}.yaml image.tag else charts/{service}/values.yaml"
    );
}

/// What Argo CD and its Image Updater keep beside a folder is read before it, as the same rows.
#[test]
fn overrides_beside_folders() {
    let kustomize = |path: &str| {
        tree(
            path,
            &["prod", "dev"],
            "images: [{name: r/SERVICE, newTag: v1}]",
        )
    };
    let images = |name: &str| {
        (
            name.to_owned(),
            "kustomize:\n  images:\n  - r/web:v2\n".to_owned(),
        )
    };
    let parameter = |name: &str| {
        let text = "helm:\n  parameters:\n  - {name: image.name, value: r/web}\n  - {name: image.tag, value: v2}\n";
        (name.to_owned(), text.to_owned())
    };
    let two = |names: [(String, String); 2]| names.to_vec();
    let cases = [
        (
            "an overlay of a service",
            kustomize("apps/SERVICE/overlays/ENV/kustomization.yaml"),
            two([
                images("apps/web/overlays/dev/.argocd-source-web-dev.yaml"),
                images("apps/web/overlays/prod/.argocd-source-anything.yaml"),
            ]),
            "dev prod: apps/{service}/overlays/{env}/.argocd-source-*.yaml argocd-application; apps/{service}/overlays/{env}/kustomization.yaml kustomize",
        ),
        (
            "in one environment alone",
            kustomize("apps/SERVICE/overlays/ENV/kustomization.yaml"),
            vec![images("apps/web/overlays/dev/.argocd-source-web-dev.yaml")],
            "dev prod: apps/{service}/overlays/{env}/.argocd-source-*.yaml argocd-application; apps/{service}/overlays/{env}/kustomization.yaml kustomize",
        ),
        (
            "several images of a folder",
            tree(
                "apps/SERVICE/overlays/ENV/kustomization.yaml",
                &["prod", "dev"],
                "images: [{name: r/SERVICE, newTag: v1}, {name: r/proxy, newTag: v7}]",
            ),
            vec![images("apps/web/overlays/dev/.argocd-source-web.yaml")],
            "dev prod: apps/{service}/overlays/{env}/.argocd-source-*.yaml argocd-application as {service}/{image}; apps/{service}/overlays/{env}/kustomization.yaml kustomize as {service}/{image}",
        ),
        (
            "images of an environment's folder",
            tree(
                "overlays/ENV/kustomization.yaml",
                &["prod", "dev"],
                "images: [{name: r/web, newTag: v1}, {name: r/api, newTag: v1}]",
            ),
            vec![images("overlays/dev/.argocd-source-shop-dev.yaml")],
            "dev prod: overlays/{env}/.argocd-source-*.yaml argocd-application as {image}; overlays/{env}/kustomization.yaml kustomize",
        ),
        (
            "a chart's folder",
            tree(
                "charts/SERVICE/values-ENV.yaml",
                &["prod", "dev"],
                "image: {tag: v1.2}",
            ),
            vec![parameter("charts/web/.argocd-source-web-dev.yaml")],
            "dev prod: charts/{service}/.argocd-source-{service}-{env}.yaml argocd-application; charts/{service}/values-{env}.yaml helm-values",
        ),
        (
            "a chart's folder, the environment first",
            tree(
                "charts/SERVICE/values-ENV.yaml",
                &["prod", "dev"],
                "image: {tag: v1.2}",
            ),
            vec![parameter("charts/web/.argocd-source-dev-web.yaml")],
            "dev prod: charts/{service}/.argocd-source-{env}-{service}.yaml argocd-application; charts/{service}/values-{env}.yaml helm-values",
        ),
        (
            "folders that declare nothing themselves",
            tree(
                "apps/SERVICE/overlays/ENV/kustomization.yaml",
                &["prod", "dev"],
                "resources: [../../base]",
            ),
            ["web", "api"]
                .iter()
                .flat_map(|service| {
                    ["dev", "prod"].map(|env| {
                        images(&format!(
                            "apps/{service}/overlays/{env}/.argocd-source-{service}-{env}.yaml"
                        ))
                    })
                })
                .collect(),
            "dev prod: apps/{service}/overlays/{env}/.argocd-source-*.yaml argocd-application",
        ),
        (
            "one of no service that is known",
            kustomize("apps/SERVICE/overlays/ENV/kustomization.yaml"),
            vec![images("other/dev/.argocd-source-x.yaml")],
            "dev prod: apps/{service}/overlays/{env}/kustomization.yaml kustomize",
        ),
    ];
    for (name, mut files, beside, expected) in cases {
        files.extend(beside);
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let read = |path: &str| {
            let found = files.iter().find(|(known, _)| known == path)?;
            Some(found.1.as_bytes().into())
        };
        let guess = recognise(&Evidence::new(&paths, &read));
        let counts = guess.as_ref().map_or(0, |guess| guess.explained.len());
        assert_eq!(
            counts,
            guess.as_ref().map_or(0, |guess| guess.layouts.len()),
            "{name}"
        );
        // A cell that is overridden is explained once.
        let (explained, cells) = guess.as_ref().map_or((0, 0), |guess| {
            let paths = paths.iter().copied();
            let evidence = Evidence::new(&[], &read);
            let desired = trial::assemble(&guess.layouts, &guess.environments, paths, &evidence);
            let declared = |it: Desired| {
                let mut cells = it.cells.into_values();
                cells.by_ref().filter(|cell| cell.version.is_some()).count()
            };
            (guess.explained.iter().sum(), desired.map_or(0, declared))
        });
        assert_eq!(explained, cells, "{name}");
        assert_eq!(show(guess), expected, "{name}");
    }
}

#[test]
fn branches_per_environment() {
    let files = tree(
        "deployments/SERVICE/config.yaml",
        &["x"],
        "image: 'r/SERVICE:v1'",
    );
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let read = |path: &str| {
        let found = files.iter().find(|(known, _)| known == path)?;
        Some(found.1.as_bytes().into())
    };
    let branches = ["main", "staging", "prod", "feature-x"];
    let guess = recognise(&Evidence {
        paths: &paths,
        branches: &branches,
        ..Evidence::new(&paths, &read)
    });
    assert_eq!(
        guess
            .as_ref()
            .and_then(|guess| guess.layouts[0].refs.as_deref()),
        Some("refs/heads/{env:$envs}")
    );
    assert_eq!(
        show(guess),
        "staging prod: deployments/{service}/config.yaml image"
    );
}
