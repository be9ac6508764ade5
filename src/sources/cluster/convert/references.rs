//! What a pod template refers to by its name.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, Volume};

use crate::domain::rollout::{HeldKind, Reference};

/// The Secrets and `ConfigMaps` that pods of a template cannot do without, in the order of their names.
pub(in crate::sources::cluster) fn references(
    template: Option<&PodTemplateSpec>,
) -> Box<[Reference]> {
    let Some(spec) = template.and_then(|template| template.spec.as_ref()) else {
        return Box::default();
    };
    let mut found = Found::default();
    found.of_spec(spec);
    let all = found.0.into_iter();
    all.map(|((kind, name), (mut keys, pulls))| {
        keys.sort();
        keys.dedup();
        Reference {
            kind,
            name,
            keys: keys.into(),
            pulls,
        }
    })
    .collect()
}

/// By kind and name: the keys, and whether images are pulled with it and nothing else.
#[derive(Default)]
struct Found(BTreeMap<(HeldKind, String), (Vec<String>, bool)>);

impl Found {
    fn of_spec(&mut self, spec: &PodSpec) {
        let init = spec.init_containers.iter().flatten();
        for container in init.chain(&spec.containers) {
            self.of_container(container);
        }
        for volume in spec.volumes.iter().flatten() {
            self.of_volume(volume);
        }
        for secret in spec.image_pull_secrets.iter().flatten() {
            if !secret.name.is_empty() {
                let key = (HeldKind::Secret, secret.name.clone());
                self.0.entry(key).or_insert_with(|| (Vec::new(), true));
            }
        }
    }

    fn of_container(&mut self, container: &Container) {
        for from in container.env_from.iter().flatten() {
            if let Some(it) = &from.secret_ref {
                self.add(HeldKind::Secret, Some(&it.name), [], it.optional);
            }
            if let Some(it) = &from.config_map_ref {
                self.add(HeldKind::ConfigMap, Some(&it.name), [], it.optional);
            }
        }
        let sources = container.env.iter().flatten();
        for from in sources.filter_map(|variable| variable.value_from.as_ref()) {
            if let Some(it) = &from.secret_key_ref {
                self.add(HeldKind::Secret, Some(&it.name), [&it.key], it.optional);
            }
            if let Some(it) = &from.config_map_key_ref {
                self.add(HeldKind::ConfigMap, Some(&it.name), [&it.key], it.optional);
            }
        }
    }

    fn of_volume(&mut self, volume: &Volume) {
        if let Some(it) = &volume.secret {
            let keys = it.items.iter().flatten().map(|item| &item.key);
            self.add(HeldKind::Secret, it.secret_name.as_ref(), keys, it.optional);
        }
        if let Some(it) = &volume.config_map {
            let keys = it.items.iter().flatten().map(|item| &item.key);
            self.add(HeldKind::ConfigMap, Some(&it.name), keys, it.optional);
        }
        let projected = volume.projected.iter();
        for source in projected.flat_map(|it| it.sources.iter().flatten()) {
            if let Some(it) = &source.secret {
                let keys = it.items.iter().flatten().map(|item| &item.key);
                self.add(HeldKind::Secret, Some(&it.name), keys, it.optional);
            }
            if let Some(it) = &source.config_map {
                let keys = it.items.iter().flatten().map(|item| &item.key);
                self.add(HeldKind::ConfigMap, Some(&it.name), keys, it.optional);
            }
        }
    }

    /// What is optional is done without.
    fn add<'a>(
        &mut self,
        kind: HeldKind,
        name: Option<&String>,
        keys: impl IntoIterator<Item = &'a String>,
        optional: Option<bool>,
    ) {
        let Some(name) = name.filter(|name| !name.is_empty() && optional != Some(true)) else {
            return;
        };
        let entry = self.0.entry((kind, name.clone())).or_default();
        entry.0.extend(keys.into_iter().cloned());
        entry.1 = false;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_pods_cannot_do_without_is_found_once() {
        let template: PodTemplateSpec = serde_json::from_value(json!({"spec": {
            "imagePullSecrets": [{"name": "registry"}, {"name": "tls"}, {}],
            "initContainers": [{"name": "init", "envFrom": [
                {"configMapRef": {"name": "common"}},
                {"secretRef": {"name": "maybe", "optional": true}}]}],
            "containers": [{"name": "app",
                "envFrom": [{"secretRef": {"name": "all"}}],
                "env": [
                    {"name": "A", "value": "plain"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "b"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "a"}}},
                    {"name": "D", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "z", "optional": true}}},
                    {"name": "E", "valueFrom": {"configMapKeyRef": {"name": "common", "key": "level"}}},
                    {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}],
            "volumes": [
                {"name": "v1", "secret": {"secretName": "tls", "items": [{"key": "tls.crt", "path": "crt"}]}},
                {"name": "v2", "configMap": {"name": "files"}},
                {"name": "v3", "emptyDir": {}},
                {"name": "v4", "projected": {"sources": [
                    {"secret": {"name": "inner", "items": [{"key": "k", "path": "k"}]}},
                    {"configMap": {"name": "inner", "optional": true}},
                    {"serviceAccountToken": {"path": "token"}}]}}],
        }}))
        .unwrap();
        let found = references(Some(&template));
        let found: Vec<String> = found
            .iter()
            .map(|it| format!("{} {} {:?} {}", it.kind, it.name, it.keys, it.pulls))
            .collect();
        assert_eq!(
            found,
            [
                "Secret all [] false",
                "Secret inner [\"k\"] false",
                "Secret registry [] true",
                "Secret tls [\"tls.crt\"] false",
                "Secret tokens [\"a\", \"b\"] false",
                "ConfigMap common [\"level\"] false",
                "ConfigMap files [] false",
            ]
        );
        assert!(references(None).is_empty());
    }
}
