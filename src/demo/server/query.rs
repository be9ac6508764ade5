//! Lists: which objects, as of which version, in which pages.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    discovery::Resource, selector::Selector, state::object_key, status::ApiError, store::Store,
};

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

impl Store {
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
}
