//! What External Secrets says of the Secrets that services refer to: it made all but one of them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::text;
use crate::{
    demo::{
        seed::services::{NEEDS, namespace},
        server::{Resource, Store, stamp},
    },
    domain::rollout::CompanionKind,
};

/// Its kinds, as servers serve them.
pub const RESOURCES: [Resource; 2] = [
    resource(
        "externalsecrets",
        "externalsecret",
        "ExternalSecret",
        &["es"],
    ),
    resource("secretstores", "secretstore", "SecretStore", &["ss"]),
];

const fn resource(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource {
        group: "external-secrets.io",
        ..Resource::with_status(plural, singular, kind, short)
    }
}

/// The stores, what takes from them, and the Secrets that this made; in `dev` nobody has put one there.
pub(super) fn plant(store: &Store, environment: &str, now: Timestamp) {
    for (service, secret, key) in NEEDS {
        let namespace = namespace(service, environment);
        let path = format!("shop/{environment}/{service}");
        let is_there = environment != "dev";
        let ready = if is_there {
            json!({"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced"})
        } else {
            json!({"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message":
                format!("could not get secret data from provider: {path}: no such path in vault")})
        };
        let maker = CompanionKind::ExternalSecret;
        let mut objects = vec![
            json!({
                "apiVersion": "external-secrets.io/v1", "kind": CompanionKind::SecretStore.as_str(),
                "metadata": {"namespace": namespace, "name": "vault"},
                "spec": {"provider": {"vault": {"server": "https://vault.shop.example", "path": "kv", "version": "v2"}}},
                "status": {"conditions": [
                    {"type": "Ready", "status": "True", "reason": "Valid", "message": "store validated"}]},
            }),
            json!({
                "apiVersion": "external-secrets.io/v1", "kind": maker.as_str(),
                "metadata": {"namespace": namespace, "name": secret},
                "spec": {"refreshInterval": "1h", "secretStoreRef": {"kind": "SecretStore", "name": "vault"},
                    "target": {"name": secret}, "data": [{"secretKey": key, "remoteRef": {"key": path, "property": key}}]},
                "status": {"refreshTime": stamp(now), "conditions": [ready]},
            }),
        ];
        if is_there {
            objects.push(json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"namespace": namespace, "name": secret},
                "data": {key: "bm90aGluZyB0byBzZWUgaGVyZQ=="},
            }));
        }
        for object in objects {
            // Only a malformed object is refused, and none of these is.
            let _ = store.apply(object, now);
        }
    }
}

/// A Secret that a pod's container refers to and that is not there, as the kubelet says it.
pub(super) fn missing(store: &Store, pod: &Value) -> Option<String> {
    let namespace = text(&pod["metadata"]["namespace"]);
    let variables = pod["spec"]["containers"][0]["env"].as_array();
    let mut names = variables
        .into_iter()
        .flatten()
        .map(|it| &it["valueFrom"]["secretKeyRef"])
        .filter(|it| it["optional"] != true)
        .map(|it| text(&it["name"]))
        .filter(|name| !name.is_empty());
    let name = names.find(|name| store.get("secrets", namespace, name).is_none())?;
    Some(format!("secret \"{name}\" not found"))
}
