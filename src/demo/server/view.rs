//! The shapes in which objects are answered: whole, only their metadata, or as a table.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{discovery::Resource, table::table};

/// What the `Accept` header asked for, of what we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Objects as they are.
    Full,
    /// `PartialObjectMetadata`.
    Metadata,
    /// `Table`, for `kubectl get`.
    Table,
}

impl View {
    /// The first shape of an `Accept` header that is known; whole objects otherwise.
    pub fn parse(accept: &str) -> Self {
        accept
            .split(',')
            .find_map(|part| {
                let part: String = part.split_whitespace().collect();
                if part.contains("as=PartialObjectMetadata") {
                    Some(Self::Metadata)
                } else if part.contains("as=Table") {
                    Some(Self::Table)
                } else if part == "application/json" {
                    Some(Self::Full)
                } else {
                    None
                }
            })
            .unwrap_or(Self::Full)
    }

    /// `apiVersion` and `kind` of one object in this shape.
    pub fn types(self, resource: &Resource) -> (String, &'static str) {
        let meta = || "meta.k8s.io/v1".to_owned();
        match self {
            Self::Full => (resource.api_version(), resource.kind),
            Self::Metadata => (meta(), "PartialObjectMetadata"),
            Self::Table => (meta(), "Table"),
        }
    }

    /// One object in this shape: an answer, or part of a watch event.
    pub fn object(self, resource: &Resource, object: &Value) -> Value {
        match self {
            Self::Full => object.clone(),
            Self::Metadata => {
                let (api_version, kind) = self.types(resource);
                json!({"kind": kind, "apiVersion": api_version, "metadata": object["metadata"]})
            }
            Self::Table => {
                let version = &object["metadata"]["resourceVersion"];
                let meta = json!({"resourceVersion": version});
                table(resource, meta, [object], Timestamp::now())
            }
        }
    }

    /// A list of objects, with the list's own metadata.
    pub fn list(self, resource: &Resource, meta: Value, items: &[Arc<Value>]) -> Value {
        if self == Self::Table {
            let items = items.iter().map(AsRef::as_ref);
            return table(resource, meta, items, Timestamp::now());
        }
        let (api_version, kind) = self.types(resource);
        let items: Vec<Value> = items.iter().map(|o| self.object(resource, o)).collect();
        json!({
            "kind": format!("{kind}List"), "apiVersion": api_version,
            "metadata": meta, "items": items,
        })
    }
}
