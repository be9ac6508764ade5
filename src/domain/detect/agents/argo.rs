//! Argo CD: `Application` and `ApplicationSet`.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    super::parameters::{Means, Parameters, filled, flatten, means, of_path},
    Agents, Target,
    tree::Tree,
};
use crate::domain::manifest::{self, NodeRef};

/// Elements that one generator may make.
const ELEMENTS: usize = 2000;

type Read<'a> = &'a dyn Fn(&str) -> Option<Rc<[u8]>>;

/// An application by itself.
pub(super) fn application(root: NodeRef<'_>, tree: &Tree<'_>, agents: &mut Agents) {
    let Some(spec) = child(root, "spec") else {
        return;
    };
    let name = text_at(root, &["metadata", "name"]).unwrap_or_default();
    deployed(spec, name, &[Parameters::new()], tree, agents);
}

/// Every application of a set.
pub(super) fn set(root: NodeRef<'_>, tree: &Tree<'_>, read: Read<'_>, agents: &mut Agents) {
    let Some(spec) = child(root, "spec") else {
        return;
    };
    let name = text_at(root, &["metadata", "name"]).unwrap_or_default();
    let generators = child(spec, "generators").into_iter();
    let generators = generators.flat_map(NodeRef::items);
    let elements: Vec<Parameters> = generators
        .flat_map(|generator| elements(generator, tree, read, 0))
        .take(ELEMENTS)
        .collect();
    if let Some(template) = child(spec, "template").and_then(|template| child(template, "spec")) {
        deployed(template, name, &elements, tree, agents);
    }
    for element in &elements {
        for (parameter, value) in element {
            if means(parameter) == Means::Environment {
                agents.environment(value, name);
            }
        }
    }
}

/// What an application's spec deploys, for each set of parameters.
fn deployed(
    spec: NodeRef<'_>,
    name: &str,
    elements: &[Parameters],
    tree: &Tree<'_>,
    agents: &mut Agents,
) {
    let templates = templates(spec);
    let destination = |field: &str| text_at(spec, &["destination", field]);
    for element in elements {
        let fill = |field: &str| {
            let text = filled(destination(field)?, element)?;
            (!text.is_empty()).then_some(text)
        };
        let said = element
            .iter()
            .find(|(name, _)| means(name) == Means::Environment)
            .map(|(_, value)| value.clone());
        let (cluster, server, namespace) = (fill("name"), fill("server"), fill("namespace"));
        for template in &templates {
            for found in tree.resolve(template, element) {
                match (&found.environment, &found.cluster) {
                    (Some(environment), Some(cluster)) => {
                        agents.environment(environment, name);
                        agents.clusters.insert(cluster.clone());
                    }
                    // A cluster's name alone is what the folder is for: that cluster is the environment.
                    (Some(own), None) | (None, Some(own)) => agents.environment(own, name),
                    (None, None) => {}
                }
                // The cluster's own name where the destination does not give it away.
                let by_path = found.cluster.clone().filter(|_| server.is_none());
                agents.targets.push(Target {
                    path: found.path,
                    environment: found.environment.or_else(|| said.clone()),
                    cluster: cluster.clone().or(by_path),
                    server: server.clone(),
                    namespace: namespace.clone(),
                    folder: false,
                });
            }
        }
    }
}

/// The paths that an application is rendered from, as written: folders, and values files of charts.
fn templates(spec: NodeRef<'_>) -> BTreeSet<String> {
    let one = child(spec, "source").into_iter();
    let several = child(spec, "sources").into_iter();
    let sources = one.chain(several.flat_map(NodeRef::items));
    let mut templates = BTreeSet::new();
    for source in sources {
        let path = text_at(source, &["path"]).unwrap_or_default();
        if !path.is_empty() {
            templates.insert(path.to_owned());
        }
        let files = child(source, "helm").and_then(|helm| child(helm, "valueFiles"));
        for file in files.into_iter().flat_map(NodeRef::items) {
            let Some(file) = file.text() else { continue };
            let place = match (file.strip_prefix('$'), file.strip_prefix('/')) {
                // `$values/…`: from the root of the source that is called so.
                (Some(named), _) => named
                    .split_once('/')
                    .map_or("", |(_, rest)| rest)
                    .to_owned(),
                (None, Some(rooted)) => rooted.to_owned(),
                _ => format!("{path}/{file}"),
            };
            templates.insert(place);
        }
    }
    templates
}

/// The parameters that a generator makes. What only a cluster or a forge knows is left open.
fn elements(
    generator: NodeRef<'_>,
    tree: &Tree<'_>,
    read: Read<'_>,
    depth: usize,
) -> Vec<Parameters> {
    if let Some(list) = child(generator, "list") {
        let items = child(list, "elements").into_iter();
        return items.flat_map(NodeRef::items).map(flat).collect();
    }
    if let Some(git) = child(generator, "git") {
        return git_elements(git, tree, read);
    }
    if let Some(clusters) = child(generator, "clusters") {
        let mut parameters = Parameters::new();
        if let Some(values) = child(clusters, "values") {
            flatten(values, "values", &mut parameters, 0);
        }
        let labels = ["selector", "matchLabels"];
        let labels = labels
            .iter()
            .try_fold(clusters, |node, key| child(node, key));
        if let Some(labels) = labels {
            flatten(labels, "metadata.labels", &mut parameters, 0);
        }
        return vec![parameters];
    }
    for (kind, product) in [("matrix", true), ("merge", false)] {
        let Some(own) = child(generator, kind).filter(|_| depth < 3) else {
            continue;
        };
        let inner: Vec<Vec<Parameters>> = child(own, "generators")
            .into_iter()
            .flat_map(NodeRef::items)
            .map(|inner| elements(inner, tree, read, depth + 1))
            .collect();
        let keys: Vec<&str> = child(own, "mergeKeys")
            .into_iter()
            .flat_map(NodeRef::items)
            .filter_map(NodeRef::text)
            .collect();
        return if product {
            self::product(&inner)
        } else {
            merged(&inner, &keys)
        };
    }
    vec![Parameters::new()]
}

/// Folders and files of the repository itself.
fn git_elements(git: NodeRef<'_>, tree: &Tree<'_>, read: Read<'_>) -> Vec<Parameters> {
    let patterns = |kind: &str, excluded: bool| -> Vec<String> {
        let items = child(git, kind).into_iter().flat_map(NodeRef::items);
        let wanted =
            items.filter(|item| (text_at(*item, &["exclude"]) == Some("true")) == excluded);
        wanted
            .filter_map(|item| text_at(item, &["path"]).map(str::to_owned))
            .collect()
    };
    let matching = |kind: &str, files: bool| -> Vec<String> {
        let expand = |excluded: bool| -> BTreeSet<String> {
            let patterns = patterns(kind, excluded);
            patterns
                .iter()
                .flat_map(|it| tree.glob(it, files))
                .collect()
        };
        let excluded = expand(true);
        expand(false).difference(&excluded).cloned().collect()
    };
    let mut elements: Vec<Parameters> = Vec::new();
    elements.extend(matching("directories", false).iter().map(|it| of_path(it)));
    for file in matching("files", true).into_iter().take(ELEMENTS) {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut parameters = of_path(folder);
        if let Some(bytes) = read(&file)
            && let Ok(yaml) = manifest::parse(&bytes)
            && let Some(document) = yaml.documents.first()
        {
            flatten(document.root(), "", &mut parameters, 0);
        }
        elements.push(parameters);
    }
    elements
}

/// Each of one with each of the others.
fn product(inner: &[Vec<Parameters>]) -> Vec<Parameters> {
    let mut all = vec![Parameters::new()];
    for generator in inner {
        let pairs = all.iter().flat_map(|left| {
            generator.iter().map(|right| {
                let mut both = left.clone();
                both.extend(right.clone());
                both
            })
        });
        all = pairs.take(ELEMENTS).collect();
    }
    all
}

/// Those of the first, each with what the others add to it; what only a cluster knows is left open, so that the elements of
/// the others count by themselves too.
fn merged(inner: &[Vec<Parameters>], keys: &[&str]) -> Vec<Parameters> {
    let Some((first, others)) = inner.split_first() else {
        return Vec::new();
    };
    let mut all = first.clone();
    for other in others.iter().flatten() {
        let same = |it: &&mut Parameters| {
            keys.iter()
                .all(|key| it.get(*key).is_some() && it.get(*key) == other.get(*key))
        };
        let mut matched = all.iter_mut().filter(same).peekable();
        if matched.peek().is_some() {
            matched.for_each(|it| it.extend(other.clone()));
        } else if let [only] = first.as_slice() {
            let mut both = only.clone();
            both.extend(other.clone());
            // A value that the element does not repeat may be another one on that cluster.
            both.retain(|name, _| other.contains_key(name) || means(name) != Means::Environment);
            all.push(both);
        }
    }
    all
}

fn flat(node: NodeRef<'_>) -> Parameters {
    let mut parameters = Parameters::new();
    flatten(node, "", &mut parameters, 0);
    parameters
}

fn child<'t>(node: NodeRef<'t>, key: &str) -> Option<NodeRef<'t>> {
    Some(node.get(key)?.value)
}

fn text_at<'t>(node: NodeRef<'t>, path: &[&str]) -> Option<&'t str> {
    path.iter()
        .try_fold(node, |node, key| child(node, key))?
        .text()
}
