//! Objects of kinds that others define, agents' among them: of what a server sends no more is kept than is read, and of
//! several versions of an agent's API the newest that it serves is asked.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIResourceList, ObjectMeta};
use kube::{
    Api, Client, Resource,
    core::{ApiResource, DynamicResourceScope, GroupVersionKind},
    runtime::watcher::{Config, Event, watcher},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{
    convert,
    error::ClusterError,
    kinds::{Answer, Answers},
};
use crate::domain::{
    agent::{self, AgentKind},
    rollout::{ClusterObject, CompanionKind, EVERYWHERE},
};

/// Objects of one page of a list: an Application's status may have many thousand lines.
const PAGE: u32 = 50;

/// An object as it came, without what is large and never read.
#[derive(Clone, Debug)]
struct Seen {
    metadata: ObjectMeta,
    object: Value,
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let metadata = object.get_mut("metadata").map(|metadata| {
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.remove("managedFields");
            }
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
            metadata.clone()
        });
        let metadata = metadata.map_or_else(|| Ok(ObjectMeta::default()), serde_json::from_value);
        Ok(Self {
            metadata: metadata.map_err(D::Error::custom)?,
            object,
        })
    }
}

impl Resource for Seen {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Lists and watches the objects of a kind in a namespace, or in all of them; those in the wanted ones count, as far as
/// `read` makes something of them.
pub(super) fn watch_wanted(
    client: Client,
    resource: ApiResource,
    namespace: Option<&str>,
    wanted: Arc<BTreeSet<String>>,
    read: impl Fn(&Value) -> Option<ClusterObject> + Send + 'static,
) -> Answers {
    let api: Api<Seen> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let events = watcher(api, Config::default().page_size(PAGE));
    let read = move |seen: Seen| {
        // What is in no namespace is looked for in what stands for all of them.
        let namespace = seen.metadata.namespace.as_deref();
        let counts = wanted.contains(namespace.unwrap_or(EVERYWHERE));
        counts.then(|| read(&seen.object)).flatten()
    };
    events
        .map(move |event| {
            event.map(|event| match event {
                Event::Init => Answer::Begin,
                Event::InitApply(seen) => Answer::Item(read(seen)),
                Event::InitDone => Answer::End,
                Event::Apply(seen) => read(seen).map_or(Answer::Elsewhere, Answer::Applied),
                Event::Delete(seen) => Answer::Deleted {
                    namespace: seen
                        .metadata
                        .namespace
                        .unwrap_or_else(|| EVERYWHERE.to_owned()),
                    name: seen.metadata.name.unwrap_or_default(),
                },
            })
        })
        .boxed()
}

/// Lists and watches what stands beside workloads, like [`watch_wanted`].
pub(super) fn watch_companions(
    client: Client,
    kind: CompanionKind,
    namespace: Option<&str>,
    wanted: Arc<BTreeSet<String>>,
) -> Answers {
    let namespace = namespace.map(str::to_owned);
    let events = async move {
        let resource = served_companion(&client, kind).await;
        let read = move |object: &Value| convert::companion(kind, object);
        watch_wanted(client, resource, namespace.as_deref(), wanted, read)
    };
    stream::once(events).flatten().boxed()
}

/// Whether a server says that it has a kind; `true` where it does not say.
pub(super) async fn is_served(client: &Client, resource: &ApiResource) -> bool {
    let there = client.list_api_group_resources(&resource.api_version).await;
    match there {
        Ok(list) => list.resources.iter().any(|it| it.name == resource.plural),
        Err(error) => ClusterError::from(&error) != ClusterError::Absent,
    }
}

/// Lists and watches the objects of an agent's kind in a namespace, or in all of them.
pub(super) fn watch_agents(client: Client, kind: AgentKind, namespace: Option<&str>) -> Answers {
    let namespace = namespace.map(str::to_owned);
    let events = async move {
        let resource = served(&client, kind).await;
        let api: Api<Seen> = match namespace {
            Some(namespace) => Api::namespaced_with(client, &namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        watcher(api, Config::default().page_size(PAGE))
    };
    let events = stream::once(events).flatten();
    events
        .map(move |event| event.map(|event| answer(kind, event)))
        .boxed()
}

/// The newest version that the server says it serves of a kind, else the newest there is: whether it does is told by its list.
pub(super) async fn served(client: &Client, kind: AgentKind) -> ApiResource {
    newest(
        client,
        (kind.group(), kind.as_str(), kind.plural()),
        kind.versions(),
    )
    .await
}

/// The same of what stands beside workloads.
pub(super) async fn served_companion(client: &Client, kind: CompanionKind) -> ApiResource {
    newest(
        client,
        (kind.group(), kind.as_str(), kind.plural()),
        kind.versions(),
    )
    .await
}

async fn newest(
    client: &Client,
    (group, kind, plural): (&str, &str, &str),
    versions: &[&str],
) -> ApiResource {
    let mut newest = versions.first().copied().unwrap_or_default();
    // There is nothing to choose of one.
    for version in versions.iter().filter(|_| versions.len() > 1) {
        let there: Result<APIResourceList, _> = client
            .list_api_group_resources(&format!("{group}/{version}"))
            .await;
        let mut all = there.into_iter().flat_map(|list| list.resources);
        if all.any(|it| it.name == plural) {
            newest = version;
            break;
        }
    }
    let newest = GroupVersionKind::gvk(group, newest, kind);
    ApiResource::from_gvk_with_plural(&newest, plural)
}

fn answer(kind: AgentKind, event: Event<Seen>) -> Answer {
    let read = |seen: Seen| {
        let agent = agent::read(kind, &seen.object)?;
        Some(ClusterObject::Agent(Box::new(agent)))
    };
    match event {
        Event::Init => Answer::Begin,
        Event::InitApply(seen) => Answer::Item(read(seen)),
        Event::InitDone => Answer::End,
        Event::Apply(seen) => read(seen).map_or(Answer::Elsewhere, Answer::Applied),
        Event::Delete(seen) => {
            let (namespace, name) = (seen.metadata.namespace, seen.metadata.name);
            Answer::Deleted {
                namespace: EVERYWHERE.to_owned(),
                name: format!(
                    "{}/{}",
                    namespace.unwrap_or_default(),
                    name.unwrap_or_default()
                ),
            }
        }
    }
}
