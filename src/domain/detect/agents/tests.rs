use std::rc::Rc;

use super::*;

/// What the agents' manifests among `files` say, as text.
fn told(files: &[(&str, &str)]) -> String {
    let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    let read = |path: &str| -> Option<Rc<[u8]>> {
        let found = files.iter().find(|(known, _)| *known == path)?;
        Some(found.1.as_bytes().into())
    };
    let agents = Agents::read(&paths, &read);
    let mut lines = vec![format!(
        "environments {}",
        agents.names().collect::<Vec<_>>().join(" ")
    )];
    if !agents.clusters.is_empty() {
        let clusters: Vec<&str> = agents.clusters.iter().map(String::as_str).collect();
        lines.push(format!("clusters {}", clusters.join(" ")));
    }
    for target in &agents.targets {
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        lines.push(format!(
            "{} {} {} {} {}",
            target.path,
            or(&target.environment),
            or(&target.cluster),
            or(&target.server),
            or(&target.namespace)
        ));
    }
    lines.join("\n")
}

/// An `ApplicationSet` called `name` with these generators and this template's source and destination.
fn set(name: &str, generators: &str, source: &str, destination: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: {name}}}\nspec:\n  generators:\n{generators}\n  \
         template:\n    spec:\n      source: {source}\n      destination: {destination}\n"
    )
}

#[test]
fn application_sets() {
    let list = "  - list:\n      elements:\n      - {cluster: amber, url: 'https://10.0.0.1', ns: web}\n      - {cluster: coral, url: 'https://10.0.0.2', ns: web}";
    let directories = "  - git:\n      directories:\n      - path: apps/*/envs/*\n      - {path: apps/old/envs/*, exclude: true}";
    let files = "  - git:\n      files: [{path: 'config/**/cluster.yaml'}]";
    let matrix = "  - matrix:\n      generators:\n      - git: {directories: [{path: 'apps/*'}]}\n      - list: {elements: [{env: blue}, {env: green}]}";
    let labels = "  - clusters: {selector: {matchLabels: {env: amber}}, values: {dir: apps/web}}";
    let merge = "  - merge:\n      mergeKeys: [name]\n      generators:\n      - clusters: {values: {environment: staging, clusterDir: base}}\n      - list: {elements: [{name: k1, values.clusterDir: k1}]}";
    let cases = [
        (
            "a list names clusters, which are the environments where nothing else is",
            vec![
                (
                    "a.yaml",
                    set(
                        "a",
                        list,
                        "{path: 'guestbook/{{cluster}}'}",
                        "{server: '{{url}}', namespace: '{{ns}}'}",
                    ),
                ),
                (
                    "b.yaml",
                    set(
                        "b",
                        list,
                        "{path: 'guestbook/{{.cluster}}'}",
                        "{name: '{{cluster}}'}",
                    ),
                ),
                ("guestbook/amber/k.yaml", String::new()),
                ("guestbook/coral/k.yaml", String::new()),
            ],
            "environments amber coral\n\
             guestbook/amber - - https://10.0.0.1 web\n\
             guestbook/coral - - https://10.0.0.2 web\n\
             guestbook/amber - amber - -\n\
             guestbook/coral - coral - -",
        ),
        (
            "folders of the repository, some excluded",
            vec![
                (
                    "a.yaml",
                    set(
                        "a",
                        directories,
                        "{path: '{{path}}'}",
                        "{namespace: '{{path[1]}}-{{path.basename}}'}",
                    ),
                ),
                ("apps/web/envs/dev/k.yaml", String::new()),
                ("apps/old/envs/dev/k.yaml", String::new()),
            ],
            "environments \napps/web/envs/dev - - - web-dev",
        ),
        (
            "files with parameters",
            vec![
                (
                    "a.yaml",
                    set(
                        "a",
                        files,
                        "{path: 'apps/{{env}}'}",
                        "{server: '{{ .cluster.address }}'}",
                    ),
                ),
                (
                    "config/x/cluster.yaml",
                    "env: dev\ncluster: {address: 'https://dev:6443'}".into(),
                ),
                ("apps/dev/k.yaml", String::new()),
            ],
            "environments \napps/dev dev - https://dev:6443 -",
        ),
        (
            "a matrix; values files of a chart",
            vec![
                (
                    "a.yaml",
                    set(
                        "a",
                        matrix,
                        "{path: '{{path}}', helm: {valueFiles: ['values-{{env}}.yaml']}}",
                        "{name: in-cluster}",
                    ),
                ),
                (
                    "b.yaml",
                    set("b", matrix, "{path: '{{path}}'}", "{name: in-cluster}"),
                ),
                ("apps/web/values-blue.yaml", String::new()),
            ],
            "environments blue green\n\
             apps/web blue in-cluster - -\n\
             apps/web/values-blue.yaml blue in-cluster - -\n\
             apps/web green in-cluster - -\n\
             apps/web blue in-cluster - -\n\
             apps/web green in-cluster - -",
        ),
        (
            "labels of clusters; what only a cluster knows is found in the tree",
            vec![
                (
                    "a.yaml",
                    set(
                        "a",
                        labels,
                        "{path: '{{values.dir}}/{{metadata.labels.env}}/{{name}}'}",
                        "{server: '{{server}}'}",
                    ),
                ),
                ("apps/web/amber/k1/k.yaml", String::new()),
                ("apps/web/amber/k2/k.yaml", String::new()),
            ],
            "environments \nclusters k1 k2\n\
             apps/web/amber/k1 amber k1 - -\n\
             apps/web/amber/k2 amber k2 - -",
        ),
        (
            "an element of a merge may be in another environment",
            vec![
                (
                    "a.yaml",
                    set(
                        "a",
                        merge,
                        "{path: 'apps/web/{{values.environment}}/{{values.clusterDir}}'}",
                        "{server: '{{server}}'}",
                    ),
                ),
                ("apps/web/staging/base/k.yaml", String::new()),
                ("apps/web/production/k1/k.yaml", String::new()),
            ],
            "environments \nclusters base k1\n\
             apps/web/staging/base staging base - -\n\
             apps/web/production/k1 production k1 - -",
        ),
    ];
    for (name, files, expected) in cases {
        let files: Vec<(&str, &str)> = files.iter().map(|(p, text)| (*p, text.as_str())).collect();
        assert_eq!(told(&files), expected, "{name}");
    }
}

#[test]
fn applications() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web-prod}\nspec:\n  \
                sources:\n  - {path: charts/web, helm: {valueFiles: [$values/envs/prod/web.yaml, ../common.yaml]}}\n  - {ref: values}\n  \
                destination: {name: prod-eu, namespace: web}\n";
    let files = [
        ("apps/web.yaml", text),
        ("charts/web/Chart.yaml", ""),
        ("charts/common.yaml", ""),
        ("envs/prod/web.yaml", ""),
    ];
    assert_eq!(
        told(&files),
        "environments \n\
         charts/web - prod-eu - web\n\
         charts/common.yaml - prod-eu - web\n\
         envs/prod/web.yaml - prod-eu - web"
    );
}

#[test]
fn flux_kustomizations() {
    let sync = |path: &str, more: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: x}}\nspec:\n  path: {path}\n{more}"
        )
    };
    let files = [
        (
            "clusters/c3/flux-system/gotk-sync.yaml",
            sync("./clusters/c3", ""),
        ),
        (
            "clusters/c3/apps.yaml",
            sync("./apps/live", "  targetNamespace: shop\n"),
        ),
        (
            "clusters/dev/flux-system/gotk-sync.yaml",
            sync("./clusters/dev", ""),
        ),
        (
            "clusters/dev/apps.yaml",
            sync(
                "./apps/dev",
                "  kubeConfig: {secretRef: {name: dev-eu-kubeconfig}}\n",
            ),
        ),
        ("clusters/dev/vars.yaml", sync("./apps/${env}", "")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(p, text)| (*p, text.as_str())).collect();
    assert_eq!(
        told(&files),
        "environments c3 dev\n\
         clusters/c3 c3 c3 - -\n\
         clusters/dev dev dev - -\n\
         apps/live - c3 - shop\n\
         apps/dev - dev-eu - -"
    );
}

#[test]
fn a_target_is_of_the_most_special_environment() {
    let environments = ["prod", "prod/k1", "staging"].map(str::to_owned);
    let cases = [
        ("apps/web/prod", None, Some("prod")),
        ("apps/web/prod/k1", None, Some("prod/k1")),
        ("apps/web/prod/k1", Some("prod"), Some("prod/k1")),
        ("apps/web/values-staging.yaml", None, Some("staging")),
        ("apps/web/staging.yaml", None, Some("staging")),
        ("apps/web", Some("prod"), Some("prod")),
        ("apps/web", None, None),
        ("apps/production", None, None),
    ];
    for (path, said, expected) in cases {
        let target = Target {
            path: path.to_owned(),
            environment: said.map(str::to_owned),
            ..Target::default()
        };
        assert_eq!(target.of(&environments), expected, "{path} {said:?}");
    }
}
