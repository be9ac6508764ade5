//! Objects with resource versions and a bounded log of what changed them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::discovery::Resource;

/// What a store holds, behind its lock.
#[derive(Debug)]
pub struct State {
    /// The newest version.
    pub version: u64,
    /// Changes up to and including this version are forgotten.
    pub forgotten: u64,
    /// Raised when running watches must be told that they have expired.
    pub epoch: u64,
    keep: usize,
    next_uid: u64,
    salt: u32,
    /// All of them.
    pub objects: BTreeMap<Key, Arc<Value>>,
    /// Changes, oldest first.
    pub log: VecDeque<Change>,
    /// What containers are said to have written, by namespace, pod and whether it is of the one before.
    pub written: BTreeMap<(String, String, bool), String>,
}

/// Plural, namespace, name.
pub type Key = (&'static str, String, String);

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

impl State {
    /// Nothing, at version 1000; `keep` changes are remembered, `salt` is part of every unique id.
    pub fn new(keep: usize, salt: u32) -> Self {
        Self {
            version: 1000,
            forgotten: 0,
            epoch: 0,
            keep,
            next_uid: 0,
            salt,
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            written: BTreeMap::new(),
        }
    }

    /// Objects of a resource from a namespace on.
    pub fn range(
        &self,
        plural: &'static str,
        namespace: &str,
    ) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects
            .range((plural, namespace.to_owned(), String::new())..)
            .take_while(move |((p, ..), _)| *p == plural)
    }

    /// What the object of that unique id owns.
    pub fn owned_by(&self, namespace: &str, uid: &str) -> Vec<Key> {
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

    /// Stores an object; the same object again makes no version.
    pub fn put(&mut self, resource: &Resource, mut object: Value, now: Timestamp) -> Arc<Value> {
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

    /// Takes an object out; the answer is its last state.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
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

/// Namespace and name of an object.
pub fn object_key(object: &Value) -> (String, String) {
    let text = |key: &str| {
        object["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}

/// Makes `key` of `target` what it is in `source`, absent included.
pub fn restore(target: &mut Value, source: &Value, key: &str) {
    match source.get(key) {
        Some(value) => target[key] = value.clone(),
        None => {
            if let Some(map) = target.as_object_mut() {
                map.shift_remove(key);
            }
        }
    }
}
