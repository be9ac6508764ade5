//! What Git declares, as objects: the little of Kustomize that the demo's repository uses.

use std::collections::BTreeMap;

use git2::{Oid, Repository, Tree};
use serde_json::{Value, json};

/// What one overlay declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// The service.
    pub service: String,
    /// The workload, ready to apply.
    pub object: Value,
    /// Changes with whatever the object is made of.
    made_of: (Oid, Oid),
}

/// Every overlay of an environment, by service, at a commit. What cannot be read is left out: an agent that cannot
/// build an application leaves it as it is.
pub fn read(
    repository: &Repository,
    commit: Oid,
    environment: &str,
    before: &BTreeMap<String, Declared>,
) -> Result<BTreeMap<String, Declared>, git2::Error> {
    let tree = repository.find_commit(commit)?.tree()?;
    let apps = subtree(repository, &tree, "apps")?;
    let mut all = BTreeMap::new();
    for entry in &apps {
        let Ok(service) = entry.name() else { continue };
        let path = |rest: &str| format!("{service}/{rest}");
        let overlay =
            apps.get_path(path(&format!("overlays/{environment}/kustomization.yaml")).as_ref());
        let base = apps.get_path(path("base").as_ref());
        let (Ok(overlay), Ok(base)) = (overlay, base) else {
            continue;
        };
        let made_of = (overlay.id(), base.id());
        // Unchanged files are not parsed again: the branch moves often, an overlay rarely.
        if let Some(same) = before.get(service).filter(|d| d.made_of == made_of) {
            all.insert(service.to_owned(), same.clone());
            continue;
        }
        let files = ["deployment", "statefulset", "daemonset", "rollout"];
        let workload = files.iter().find_map(|file| {
            apps.get_path(path(&format!("base/{file}.yaml")).as_ref())
                .ok()
        });
        let object = workload.and_then(|workload| {
            let overlay = yaml(repository, overlay.id())?;
            build(yaml(repository, workload.id())?, &overlay)
        });
        if let Some(object) = object {
            let service = service.to_owned();
            all.insert(
                service.clone(),
                Declared {
                    service,
                    object,
                    made_of,
                },
            );
        }
    }
    Ok(all)
}

/// The tree called `name` in another one.
fn subtree<'r>(
    repository: &'r Repository,
    tree: &Tree<'_>,
    name: &str,
) -> Result<Tree<'r>, git2::Error> {
    repository.find_tree(tree.get_path(name.as_ref())?.id())
}

/// A file's one document; `None` where it is none, for the caller to leave out.
fn yaml(repository: &Repository, blob: Oid) -> Option<Value> {
    let blob = repository.find_blob(blob).ok()?;
    serde_yaml::from_slice(blob.content()).ok()
}

/// The workload of the base with the overlay's namespace, images and replicas.
pub fn build(mut workload: Value, overlay: &Value) -> Option<Value> {
    let name = workload["metadata"]["name"].as_str()?.to_owned();
    workload["metadata"]["namespace"] = overlay
        .get("namespace")
        .cloned()
        .unwrap_or_else(|| json!("default"));
    for replicas in overlay["replicas"].as_array().into_iter().flatten() {
        if replicas["name"] == *name {
            workload["spec"]["replicas"] = replicas["count"].clone();
        }
    }
    let containers = workload
        .pointer_mut("/spec/template/spec/containers")?
        .as_array_mut()?;
    for container in containers {
        let image = container["image"].as_str()?.to_owned();
        for change in overlay["images"].as_array().into_iter().flatten() {
            if change["name"] == *image {
                let name = change["newName"].as_str().unwrap_or(&image);
                // A tag may look like a number; a digest wins over a tag.
                let tag = match &change["newTag"] {
                    Value::String(tag) => tag.clone(),
                    Value::Null => "latest".to_owned(),
                    other => other.to_string(),
                };
                container["image"] = match change["digest"].as_str() {
                    Some(digest) => json!(format!("{name}@{digest}")),
                    None => json!(format!("{name}:{tag}")),
                };
            }
        }
    }
    Some(workload)
}
