//! Writes as the API does them: what the client may change, and what the server owns.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{discovery::Resource, state::restore, status::ApiError, store::Store};

/// What a write through the API may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything except `status`, where the resource has a status subresource.
    Main,
    /// `status` only.
    Status,
}

impl Store {
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
        self.announce(&state);
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
        self.announce(&state);
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
        self.announce(&state);
        Ok(state.objects.get(&key).cloned().unwrap_or(before))
    }
}
