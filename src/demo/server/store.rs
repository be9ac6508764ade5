//! The objects of one cluster, with resource versions and a bounded log of changes for watches.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{discovery::Resource, selector::Selector, status::ApiError};

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

#[derive(Debug)]
struct State {
    version: u64,
    /// Changes up to and including this version are forgotten.
    forgotten: u64,
    /// Raised when running watches must be told that they have expired.
    epoch: u64,
    keep: usize,
    next_uid: u64,
    salt: u32,
    objects: BTreeMap<Key, Arc<Value>>,
    log: VecDeque<Change>,
}

/// Plural, namespace, name.
type Key = (&'static str, String, String);

/// One change, as watches see it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// Plural of its resource.
    pub plural: &'static str,
    /// The object before, where there was one.
    pub before: Option<Arc<Value>>,
    /// The object after; of a deletion, its last state with the deletion's version.
    pub after: Arc<Value>,
    /// It is gone.
    pub deleted: bool,
}

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The version that the list is of.
    pub version: u64,
    /// The objects, by namespace and name.
    pub items: Vec<Arc<Value>>,
    /// Where the next page starts, if there is one.
    pub next: Option<(String, String)>,
    /// How many more there are.
    pub remaining: usize,
}

/// Which objects a list or watch is about.
#[derive(Clone, Debug)]
pub struct Query {
    /// Their resource.
    pub resource: Resource,
    /// Their namespace; `None`: all.
    pub namespace: Option<String>,
    /// Only this one.
    pub name: Option<String>,
    /// Only those that match.
    pub selector: Selector,
}

impl Query {
    /// Whether `object` is one of them.
    pub fn matches(&self, object: &Value) -> bool {
        let meta = &object["metadata"];
        self.namespace
            .as_ref()
            .is_none_or(|n| meta["namespace"] == **n)
            && self.name.as_ref().is_none_or(|n| meta["name"] == **n)
            && self.selector.matches(object)
    }
}

/// What a write through the API may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything except `status`, where the resource has a status subresource.
    Main,
    /// `status` only.
    Status,
}

impl Store {
    /// An empty store. `keep`: how many changes are remembered for watches. `graceful_pods`: deleting a pod only marks
    /// it, and somebody who plays the kubelet must [`Store::remove`] it. `salt` makes unique ids differ between stores.
    pub fn new(resources: Vec<Resource>, keep: usize, graceful_pods: bool, salt: u32) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                version: 1000,
                forgotten: 0,
                epoch: 0,
                keep,
                next_uid: 0,
                salt,
                objects: BTreeMap::new(),
                log: VecDeque::new(),
            }),
            version: watch::Sender::new(1000),
            resources,
            graceful_pods,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// A page of a list: `limit` 0 is no limit, `after` the last key of the page before, `at` the version to list at.
    ///
    /// # Errors
    /// 410 where the state at that version is no longer known.
    pub fn page(
        &self,
        query: &Query,
        limit: usize,
        after: Option<&(String, String)>,
        at: Option<u64>,
    ) -> Result<Page, ApiError> {
        let state = self.state();
        let version = at.unwrap_or(state.version);
        if version < state.forgotten {
            return Err(ApiError::expired(version, state.forgotten));
        }
        let plural = query.resource.plural;
        let start = query.namespace.as_deref().unwrap_or_default();
        let mut objects: BTreeMap<_, _> = state
            .range(plural, start)
            .map(|((_, ns, name), object)| ((ns.clone(), name.clone()), object.clone()))
            .collect();
        for change in state.log.iter().rev() {
            if change.version <= version {
                break;
            }
            if change.plural == plural {
                let key = object_key(&change.after);
                match &change.before {
                    Some(before) => objects.insert(key, before.clone()),
                    None => objects.remove(&key),
                };
            }
        }
        let mut wanted = objects
            .into_iter()
            .filter(|(key, object)| after.is_none_or(|a| key > a) && query.matches(object));
        let mut page = Page {
            version,
            ..Page::default()
        };
        while limit == 0 || page.items.len() < limit {
            let Some((key, object)) = wanted.next() else {
                page.next = None;
                return Ok(page);
            };
            page.next = Some(key);
            page.items.push(object);
        }
        page.remaining = wanted.count();
        if page.remaining == 0 {
            page.next = None;
        }
        Ok(page)
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
        self.0.version.send_replace(state.version);
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
        self.0.version.send_replace(state.version);
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
        self.0.version.send_replace(state.version);
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
        self.0.version.send_replace(state.version);
        Some(removed)
    }

    /// Removes, or marks a pod that ends gracefully; what it owned goes with it.
    fn discard(&self, state: &mut State, key: &Key, grace: i64, now: Timestamp) {
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

    /// `POST`.
    ///
    /// # Errors
    /// 409 where it exists, 404 where its namespace does not, 400 where it has no name.
    pub fn create(
        &self,
        resource: &Resource,
        namespace: &str,
        mut body: Value,
        dry: bool,
        now: Timestamp,
    ) -> Result<Arc<Value>, ApiError> {
        let mut state = self.state();
        body["apiVersion"] = json!(resource.api_version());
        body["kind"] = json!(resource.kind);
        if resource.namespaced {
            body["metadata"]["namespace"] = json!(namespace);
        }
        let meta = &body["metadata"];
        let name = match (meta["name"].as_str(), meta["generateName"].as_str()) {
            (Some(name), _) => name.to_owned(),
            (None, Some(prefix)) => format!("{prefix}{:05x}", state.version),
            (None, None) => return Err(ApiError::bad_request("name or generateName is required")),
        };
        body["metadata"]["name"] = json!(name);
        let home = ("namespaces", String::new(), namespace.to_owned());
        if resource.namespaced && !state.objects.contains_key(&home) {
            let namespaces = self.resource("namespaces").unwrap_or(*resource);
            return Err(ApiError::not_found(&namespaces, namespace));
        }
        let key = (resource.plural, namespace.to_owned(), name.clone());
        if state.objects.contains_key(&key) {
            return Err(ApiError::already_exists(resource, &name));
        }
        for owned in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
            if let Some(meta) = body["metadata"].as_object_mut() {
                meta.shift_remove(owned);
            }
        }
        if dry {
            return Ok(Arc::new(body));
        }
        let stored = state.put(resource, body, now);
        self.0.version.send_replace(state.version);
        Ok(stored)
    }

    /// `PUT` and `PATCH`: `change` makes the new object from the stored one.
    ///
    /// # Errors
    /// 404 where it is not there, 409 where the new object carries another resource version, and what `change` says.
    pub fn update(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        part: Part,
        dry: bool,
        change: impl FnOnce(&Value) -> Result<Value, ApiError>,
    ) -> Result<Arc<Value>, ApiError> {
        let mut state = self.state();
        let key = (resource.plural, namespace.to_owned(), name.to_owned());
        let before = state
            .objects
            .get(&key)
            .cloned()
            .ok_or_else(|| ApiError::not_found(resource, name))?;
        let mut after = change(&before)?;
        let asked = &after["metadata"]["resourceVersion"];
        if !asked.is_null() && *asked != before["metadata"]["resourceVersion"] {
            return Err(ApiError::conflict(resource, name));
        }
        if part == Part::Status {
            let status = after["status"].take();
            after = Value::clone(&before);
            after["status"] = status;
        } else {
            for owned in [
                "name",
                "namespace",
                "uid",
                "creationTimestamp",
                "generation",
                "deletionTimestamp",
            ] {
                restore(&mut after["metadata"], &before["metadata"], owned);
            }
            for fixed in ["apiVersion", "kind"] {
                restore(&mut after, &before, fixed);
            }
            if resource.status {
                restore(&mut after, &before, "status");
            }
        }
        if dry {
            return Ok(Arc::new(after));
        }
        let stored = state.put(resource, after, Timestamp::UNIX_EPOCH);
        self.0.version.send_replace(state.version);
        Ok(stored)
    }

    /// `DELETE`. A pod is only marked where the store is graceful about them and `grace` (seconds) is not 0.
    ///
    /// # Errors
    /// 404 where it is not there.
    pub fn delete(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        grace: i64,
        now: Timestamp,
    ) -> Result<Arc<Value>, ApiError> {
        let mut state = self.state();
        let key = (resource.plural, namespace.to_owned(), name.to_owned());
        let before = state
            .objects
            .get(&key)
            .cloned()
            .ok_or_else(|| ApiError::not_found(resource, name))?;
        self.discard(&mut state, &key, grace, now);
        self.0.version.send_replace(state.version);
        Ok(state.objects.get(&key).cloned().unwrap_or(before))
    }
}

impl State {
    fn range(
        &self,
        plural: &'static str,
        namespace: &str,
    ) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects
            .range((plural, namespace.to_owned(), String::new())..)
            .take_while(move |((p, ..), _)| *p == plural)
    }

    fn owned_by(&self, namespace: &str, uid: &str) -> Vec<Key> {
        let owns = |object: &Value| {
            object["metadata"]["ownerReferences"]
                .as_array()
                .is_some_and(|refs| refs.iter().any(|r| r["uid"] == uid))
        };
        self.objects
            .iter()
            .filter(|((_, ns, _), object)| ns == namespace && owns(object))
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn put(&mut self, resource: &Resource, mut object: Value, now: Timestamp) -> Arc<Value> {
        let (namespace, name) = object_key(&object);
        let key = (resource.plural, namespace, name);
        let before = self.objects.get(&key).cloned();
        if let Some(before) = &before {
            for owned in ["uid", "creationTimestamp", "resourceVersion"] {
                restore(&mut object["metadata"], &before["metadata"], owned);
            }
            if resource.generation {
                restore(&mut object["metadata"], &before["metadata"], "generation");
                if object["spec"] != before["spec"] {
                    let generation = before["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
                    object["metadata"]["generation"] = json!(generation);
                }
            }
            if object == **before {
                return before.clone();
            }
        } else {
            self.next_uid += 1;
            let meta = &mut object["metadata"];
            meta["uid"] = json!(format!(
                "{:08x}-0000-4000-8000-{:012x}",
                self.salt, self.next_uid
            ));
            if meta["creationTimestamp"].is_null() {
                meta["creationTimestamp"] = json!(stamp(now));
            }
            if resource.generation && meta["generation"].is_null() {
                meta["generation"] = json!(1);
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let after = Arc::new(object);
        self.objects.insert(key, after.clone());
        self.record(resource.plural, before, after.clone(), false);
        after
    }

    fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.version += 1;
        let mut last = Value::clone(&before);
        last["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let last = Arc::new(last);
        self.record(key.0, Some(before), last.clone(), true);
        Some(last)
    }

    fn record(
        &mut self,
        plural: &'static str,
        before: Option<Arc<Value>>,
        after: Arc<Value>,
        deleted: bool,
    ) {
        self.log.push_back(Change {
            version: self.version,
            plural,
            before,
            after,
            deleted,
        });
        while self.log.len() > self.keep {
            if let Some(change) = self.log.pop_front() {
                self.forgotten = change.version;
            }
        }
    }
}

/// Time as Kubernetes writes it: whole seconds, UTC.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn object_key(object: &Value) -> (String, String) {
    let text = |key: &str| {
        object["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}

/// Makes `key` of `target` what it is in `source`, absent included.
fn restore(target: &mut Value, source: &Value, key: &str) {
    match source.get(key) {
        Some(value) => target[key] = value.clone(),
        None => {
            if let Some(map) = target.as_object_mut() {
                map.shift_remove(key);
            }
        }
    }
}
