//! Where services run and what their workloads are called, as the very manifests say that declare their versions:
//! `metadata.namespace`, the `namespace` of a kustomization, `metadata.name`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use super::{Destination, Guess, settle::agreed};
use crate::domain::{
    desired::Desired,
    manifest::{self, NodeRef},
};

/// Files that are looked at.
const FILES: usize = 600;
/// Kinds whose name is a workload's.
const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Rollout"];

/// What one document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Document {
    /// Its first line.
    line: u32,
    /// Where its namespace stands.
    key: &'static str,
    namespace: Option<String>,
    workload: Option<String>,
}

/// What is said of one environment, each as a template, with how often.
#[derive(Default)]
struct Votes {
    namespaces: BTreeMap<String, usize>,
    /// Where these stand.
    keys: BTreeSet<&'static str>,
    workloads: BTreeMap<String, usize>,
}

/// Adds to the places of a guess what its manifests say and no agent's does.
pub(super) fn tell(guess: &mut Guess, desired: &Desired, read: &dyn Fn(&str) -> Option<Rc<[u8]>>) {
    let mut known: HashMap<&str, Vec<Document>> = HashMap::new();
    let mut votes: BTreeMap<&str, Votes> = BTreeMap::new();
    // A document says it once, however many cells it declares.
    let mut counted: HashSet<(&str, u32, &str, String)> = HashSet::new();
    for (key, cell) in &desired.cells {
        let Some(source) = cell.sources.first() else {
            continue;
        };
        let path = source.path.as_str();
        if !known.contains_key(path) {
            if known.len() == FILES {
                break;
            }
            known.insert(path, documents(path, read));
        }
        let mut documents = known[path].iter();
        let Some(document) = documents.rfind(|document| document.line <= source.line) else {
            continue;
        };
        let environment = key.environment.as_str();
        let service = cell.captures.get("service");
        let service = service.unwrap_or(key.service.as_str());
        let own = votes.entry(environment).or_default();
        let template = |text: &String| templated(text, service, environment);
        let mut is_new = |template: &String| {
            counted.insert((path, document.line, environment, template.clone()))
        };
        let namespace = document.namespace.as_ref().map(template);
        if let Some(namespace) = namespace.filter(&mut is_new) {
            *own.namespaces.entry(namespace).or_default() += 1;
            own.keys.insert(document.key);
        }
        let workload = document.workload.as_ref().map(template);
        if let Some(workload) = workload.filter(is_new) {
            *own.workloads.entry(workload).or_default() += 1;
        }
    }
    for name in &guess.environments {
        let Some(votes) = votes.get(name.as_str()) else {
            continue;
        };
        let mut place = guess.places.remove(name).unwrap_or_default();
        // What is so anyway says nothing.
        let told = |votes: &BTreeMap<String, usize>, key: &str| {
            let all: usize = votes.values().sum();
            let winner = agreed(votes).filter(|it| it != "{service}")?;
            let note = format!("{key} of {} of {all} manifests", votes[&winner]);
            Some((winner, note))
        };
        let keys: Vec<String> = votes.keys.iter().map(|key| format!("`{key}`")).collect();
        if place.namespace.is_none()
            && let Some((namespace, note)) = told(&votes.namespaces, &keys.join(" or "))
        {
            place.namespace = Some(namespace);
            place.namespace_note = Some(note);
        }
        if let Some((workload, note)) = told(&votes.workloads, "`metadata.name`") {
            place.workload = Some(workload);
            place.workload_note = Some(note);
        }
        if place != Destination::default() {
            guess.places.insert(name.clone(), place);
        }
    }
}

/// What the documents of a file say, in their order; nothing where it is no YAML.
fn documents(path: &str, read: &dyn Fn(&str) -> Option<Rc<[u8]>>) -> Vec<Document> {
    let is_yaml = matches!(path.rsplit_once('.'), Some((_, "yaml" | "yml")));
    let Some(bytes) = read(path).filter(|_| is_yaml) else {
        return Vec::new();
    };
    let Ok(yaml) = manifest::parse(&bytes) else {
        return Vec::new();
    };
    let file = path.rsplit('/').next().unwrap_or_default();
    let is_kustomization = file.starts_with("kustomization.");
    let text = |root: NodeRef<'_>, way: &[&str]| {
        let node = way
            .iter()
            .try_fold(root, |node, key| Some(node.get(key)?.value));
        let text = node?.text()?;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (!text.is_empty() && text.bytes().all(is_name)).then(|| text.to_owned())
    };
    let each = yaml.documents.iter().map(|document| {
        let root = document.root();
        let kind = root.get("kind").and_then(|found| found.value.text());
        let is_workload = kind.is_some_and(|kind| WORKLOADS.contains(&kind));
        let key = if is_kustomization {
            "namespace"
        } else {
            "metadata.namespace"
        };
        let way: Vec<&str> = key.split('.').collect();
        let said = is_kustomization || is_workload;
        Document {
            line: root.line(),
            // What an agent's object is in is where the agent is.
            key,
            namespace: text(root, &way).filter(|_| said),
            workload: text(root, &["metadata", "name"]).filter(|_| is_workload),
        }
    });
    each.collect()
}

/// A name with what the service and the environment are called taken out, where these are whole words of it.
fn templated(text: &str, service: &str, environment: &str) -> String {
    let environment = environment.rsplit('/').next().unwrap_or(environment);
    let service = service.rsplit('/').next().unwrap_or(service);
    let with_service = word(text, service, "{service}");
    let text = with_service.unwrap_or_else(|| text.to_owned());
    word(&text, environment, "{env}").unwrap_or(text)
}

fn word(text: &str, word: &str, hole: &str) -> Option<String> {
    let mut places = text.match_indices(word).filter(|_| !word.is_empty());
    let (at, _) = places.find(|(at, _)| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        [before, after].iter().all(|it| it.is_none_or(|c| c == '-'))
    })?;
    Some(format!("{}{hole}{}", &text[..at], &text[at + word.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::detect::{Evidence, recognise};

    #[test]
    fn names_are_templates_of_whole_words() {
        let cases = [
            ("web", "web", "dev", "{service}"),
            ("shop-web-dev", "web", "dev", "shop-{service}-{env}"),
            ("webhooks", "web", "dev", "webhooks"),
            ("shop", "web", "dev", "shop"),
            ("dev-web", "group/web", "eu/dev", "{env}-{service}"),
        ];
        for (text, service, environment, expected) in cases {
            assert_eq!(templated(text, service, environment), expected, "{text}");
        }
    }

    #[test]
    fn manifests_say_where_they_run_and_what_they_are_called() {
        let mut files: Vec<(String, String)> = Vec::new();
        for env in ["dev", "prod"] {
            for service in ["web", "api", "cart"] {
                let text = format!(
                    "kind: Service\nmetadata: {{name: {service}, namespace: net}}\n---\nkind: Deployment\nmetadata:\n  \
                     name: {service}-server\n  namespace: shop-{env}\nspec:\n  template:\n    spec:\n      containers:\n      \
                     - name: {service}\n        image: registry.example/{service}:1.2.3\n"
                );
                files.push((format!("{env}/{service}/deployment.yaml"), text));
            }
        }
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let read = |path: &str| -> Option<Rc<[u8]>> {
            let found = files.iter().find(|(known, _)| known == path)?;
            Some(found.1.as_bytes().into())
        };
        let guess = recognise(&Evidence::new(&paths, &read)).unwrap();
        assert_eq!(guess.environments, ["dev", "prod"]);
        let place = &guess.places["prod"];
        assert_eq!(place.namespace.as_deref(), Some("shop-{env}"));
        assert_eq!(
            place.namespace_note.as_deref(),
            Some("`metadata.namespace` of 3 of 3 manifests")
        );
        assert_eq!(place.workload.as_deref(), Some("{service}-server"));
    }

    #[test]
    fn a_document_says_it_once_and_by_its_own_key() {
        let images = |version: &str| -> String {
            let image = |name: &str| format!("  - name: {name}\n    newTag: {version}\n");
            ["web", "api", "cart"].into_iter().map(image).collect()
        };
        let file = |env: &str| format!("namespace: shop-{env}\nimages:\n{}", images("1.2.3"));
        let files = ["dev", "prod"].map(|env| (format!("{env}/kustomization.yaml"), file(env)));
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let read = |path: &str| -> Option<Rc<[u8]>> {
            let found = files.iter().find(|(known, _)| known == path)?;
            Some(found.1.as_bytes().into())
        };
        let guess = recognise(&Evidence::new(&paths, &read)).unwrap();
        let place = &guess.places["prod"];
        assert_eq!(
            place.namespace_note.as_deref(),
            Some("`namespace` of 1 of 1 manifests")
        );
    }
}
