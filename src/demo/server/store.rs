//! The objects of one cluster, shared between its server and whoever plays its controllers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    discovery::Resource,
    state::{Change, Key, State, object_key, stamp},
    status::ApiError,
};

/// A handle to the objects of one cluster; clones share them.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    resources: Vec<Resource>,
    graceful_pods: bool,
}

impl Store {
    /// An empty store. `keep`: how many changes are remembered for watches. `graceful_pods`: deleting a pod only marks
    /// it, and somebody who plays the kubelet must [`Store::remove`] it. `salt` makes unique ids differ between stores.
    pub fn new(resources: Vec<Resource>, keep: usize, graceful_pods: bool, salt: u32) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State::new(keep, salt)),
            version: watch::Sender::new(1000),
            resources,
            graceful_pods,
        }))
    }

    /// What it holds, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells watches of the newest version.
    pub(super) fn announce(&self, state: &State) {
        self.0.version.send_replace(state.version);
    }

    /// The resource types.
    pub fn resources(&self) -> &[Resource] {
        &self.0.resources
    }

    /// The resource type of that plural.
    pub fn resource(&self, plural: &str) -> Option<Resource> {
        self.0
            .resources
            .iter()
            .find(|r| r.plural == plural)
            .copied()
    }

    fn resource_of(&self, object: &Value) -> Result<Resource, ApiError> {
        let (kind, version) = (&object["kind"], &object["apiVersion"]);
        self.0
            .resources
            .iter()
            .find(|r| *kind == *r.kind && *version == *r.api_version())
            .copied()
            .ok_or_else(|| ApiError::bad_request(format!("no kind {kind} in version {version}")))
    }

    /// The newest resource version.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// Tells when the newest resource version moves.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    /// Says what the container of a pod has written, or the one that ran `previous`ly.
    pub fn write_log(&self, namespace: &str, pod: &str, previous: bool, text: impl Into<String>) {
        let key = (namespace.to_owned(), pod.to_owned(), previous);
        self.state().written.insert(key, text.into());
    }

    /// What it was said to have written.
    pub(super) fn log(&self, namespace: &str, pod: &str, previous: bool) -> Option<String> {
        let key = (namespace.to_owned(), pod.to_owned(), previous);
        self.state().written.get(&key).cloned()
    }

    /// One object.
    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let plural = self.resource(plural)?.plural;
        let key = (plural, namespace.to_owned(), name.to_owned());
        self.state().objects.get(&key).cloned()
    }

    /// All objects of a resource, of one namespace or (`None`) of all, by namespace and name.
    pub fn list(&self, plural: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let Some(resource) = self.resource(plural) else {
            return Vec::new();
        };
        let state = self.state();
        let range = state.range(resource.plural, namespace.unwrap_or_default());
        range
            .take_while(|((_, ns, _), _)| namespace.is_none_or(|n| n == ns))
            .map(|(_, object)| object.clone())
            .collect()
    }

    /// Changes after `version`, oldest first, with the epoch.
    ///
    /// # Errors
    /// 410 where some of them are forgotten.
    pub fn since(&self, version: u64) -> Result<(u64, Vec<Change>), ApiError> {
        let state = self.state();
        if version < state.forgotten {
            return Err(ApiError::expired(version, state.forgotten));
        }
        let start = state.log.partition_point(|c| c.version <= version);
        Ok((state.epoch, state.log.range(start..).cloned().collect()))
    }

    /// The epoch: raised by [`Store::expire`].
    pub fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// Forgets the log: running watches end with 410, and so does every older resource version.
    pub fn expire(&self) {
        let mut state = self.state();
        state.version += 1;
        state.forgotten = state.version;
        state.epoch += 1;
        state.log.clear();
        self.announce(&state);
    }

    /// Puts an object as it is, status included, over the one of the same name; makes its namespace where that is
    /// missing. Fills in what the server owns: uid, creation time (`now`), generation, resource version.
    ///
    /// # Errors
    /// 400 where the object has no known kind or no name.
    pub fn apply(&self, object: Value, now: Timestamp) -> Result<Arc<Value>, ApiError> {
        let resource = self.resource_of(&object)?;
        let (namespace, name) = object_key(&object);
        if name.is_empty() {
            return Err(ApiError::bad_request("metadata.name is missing"));
        }
        let mut state = self.state();
        let home = ("namespaces", String::new(), namespace.clone());
        if resource.namespaced && !state.objects.contains_key(&home) {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
            if let Some(namespaces) = self.resource("namespaces") {
                state.put(&namespaces, body, now);
            }
        }
        let stored = state.put(&resource, object, now);
        self.announce(&state);
        Ok(stored)
    }

    /// Changes one object in place, as a controller would; `None` where it is not there.
    pub fn edit(
        &self,
        plural: &str,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Value>> {
        let resource = self.resource(plural)?;
        let key = (resource.plural, namespace.to_owned(), name.to_owned());
        let mut state = self.state();
        let mut object = Value::clone(state.objects.get(&key)?);
        change(&mut object);
        let stored = state.put(&resource, object, Timestamp::UNIX_EPOCH);
        self.announce(&state);
        Some(stored)
    }

    /// Takes an object away, and what it owns; pods are only marked where the store is graceful about them.
    pub fn remove(&self, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let plural = self.resource(plural)?.plural;
        let mut state = self.state();
        let removed = state.remove(&(plural, namespace.to_owned(), name.to_owned()))?;
        if let Some(uid) = removed["metadata"]["uid"].as_str() {
            for owned in state.owned_by(namespace, uid) {
                self.discard(&mut state, &owned, 30, Timestamp::now());
            }
        }
        self.announce(&state);
        Some(removed)
    }

    /// Removes, or marks a pod that ends gracefully; what it owned goes with it.
    pub(super) fn discard(&self, state: &mut State, key: &Key, grace: i64, now: Timestamp) {
        if self.0.graceful_pods && key.0 == "pods" && grace > 0 {
            let Some(mut object) = state.objects.get(key).map(|o| Value::clone(o)) else {
                return;
            };
            if object["metadata"]["deletionTimestamp"].is_null() {
                let ends = now.saturating_add(jiff::SignedDuration::from_secs(grace));
                object["metadata"]["deletionTimestamp"] = json!(stamp(ends.unwrap_or(now)));
                object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
                if let Some(resource) = self.resource(key.0) {
                    state.put(&resource, object, now);
                }
            }
            return;
        }
        let Some(removed) = state.remove(key) else {
            return;
        };
        if let Some(uid) = removed["metadata"]["uid"].as_str() {
            for owned in state.owned_by(&key.1, uid) {
                self.discard(state, &owned, 30, now);
            }
        }
    }
}
