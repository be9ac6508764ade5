//! The kinds that are watched, as a table: where a server has them, what becomes of their objects, and what they are needed
//! for. A new one is a row here, a converter, and its name in the domain.

use std::{collections::BTreeSet, fmt, sync::Arc};

use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::Pod,
    },
};
use kube::{
    Api, Client, ResourceExt,
    core::{ApiResource, GroupVersionKind},
    runtime::watcher::{Config, Error, Event, watcher},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{convert, custom};
use crate::domain::{
    agent::AgentKind,
    rollout::{ClusterObject, CompanionKind, ObjectKind},
};

/// Objects of one page of a list: lists of several kinds and clusters come at once, and each is held as text and as objects.
const PAGE: u32 = 100;

/// A row of the table. It is written as access rules and `kubectl` name a resource: `deployments.v1.apps`.
pub(super) struct Kind {
    /// The API group; empty for the core group.
    group: &'static str,
    /// The version inside the group; `None`: the newest that a server has.
    version: Option<&'static str>,
    /// The resource, as it is written in paths.
    resource: &'static str,
    /// What is not known where it may not be seen, or a server does not have it.
    pub(super) needed_for: &'static str,
    watch: Watch,
}

/// How its objects are watched.
enum Watch {
    /// In a namespace or in all of them; those in the wanted ones count.
    Wanted(fn(Client, Option<&str>, Arc<BTreeSet<String>>) -> Answers),
    /// The same of a kind that a `CustomResourceDefinition` makes.
    Custom(fn(&Value) -> Option<ClusterObject>),
    /// The same of what stands beside workloads.
    Beside(CompanionKind),
    /// In all of them, and all of them count.
    All(AgentKind),
}

/// What a watch says, for as long as it is listened to; it starts again by itself.
pub(super) type Answers = BoxStream<'static, Result<Answer, Error>>;

/// One thing that a watch says. Of what is outside the wanted namespaces, no more than that there is something.
pub(super) enum Answer {
    /// A list begins.
    Begin,
    /// An object of the list.
    Item(Option<ClusterObject>),
    /// The list is complete.
    End,
    /// An object appeared or changed.
    Applied(ClusterObject),
    /// An object went away.
    Deleted { namespace: String, name: String },
    /// Something happened elsewhere.
    Elsewhere,
}

/// The table.
pub(super) fn of(kind: ObjectKind) -> Kind {
    match kind {
        ObjectKind::Deployment => row::<Deployment>("workloads"),
        ObjectKind::StatefulSet => row::<StatefulSet>("workloads"),
        ObjectKind::DaemonSet => row::<DaemonSet>("workloads"),
        ObjectKind::ReplicaSet => {
            row::<ReplicaSet>("which pods are of a Deployment's newest revision")
        }
        ObjectKind::Pod => row::<Pod>("what runs, and why it does not"),
        ObjectKind::Job => row::<Job>("workloads"),
        ObjectKind::CronJob => row::<CronJob>("workloads"),
        ObjectKind::Rollout => Kind {
            group: "argoproj.io",
            version: Some("v1alpha1"),
            resource: kind.plural(),
            needed_for: "workloads",
            watch: Watch::Custom(convert::rollout),
        },
        ObjectKind::Canary => Kind {
            group: "flagger.app",
            version: Some("v1beta1"),
            resource: kind.plural(),
            needed_for: "how far Flagger has got with a new version",
            watch: Watch::Custom(convert::canary),
        },
        ObjectKind::Companion(kind) => Kind {
            group: kind.group(),
            version: None,
            resource: kind.plural(),
            needed_for: "why what runs does not, or is scaled",
            watch: Watch::Beside(kind),
        },
        ObjectKind::Agent(kind) => Kind {
            group: kind.group(),
            version: None,
            resource: kind.plural(),
            needed_for: "which agent brings versions into the cluster, and how far it has got",
            watch: Watch::All(kind),
        },
    }
}

impl Kind {
    /// Lists and watches its objects in one namespace, or in all of them.
    pub(super) fn watch(
        &self,
        client: Client,
        namespace: Option<&str>,
        wanted: Arc<BTreeSet<String>>,
    ) -> Answers {
        match self.watch {
            Watch::Wanted(watch) => watch(client, namespace, wanted),
            Watch::Custom(read) => {
                custom::watch_wanted(client, self.resource(), namespace, wanted, read)
            }
            Watch::Beside(kind) => custom::watch_companions(client, kind, namespace, wanted),
            Watch::All(kind) => custom::watch_agents(client, kind, namespace),
        }
    }

    /// Whether a server says that it has the kind; `true` where it says nothing. Only for those of which there are several
    /// answers to tell apart: who may not list a kind is refused whether it is there or not.
    pub(super) async fn is_served(&self, client: &Client) -> bool {
        custom::is_served(client, &self.resource()).await
    }

    /// How it is asked for where nothing of this program knows its type.
    pub(super) fn resource(&self) -> ApiResource {
        let version = self.version.unwrap_or_default();
        let kind = GroupVersionKind::gvk(self.group, version, self.resource);
        ApiResource::from_gvk_with_plural(&kind, self.resource)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource)?;
        if let Some(version) = self.version {
            write!(f, ".{version}")?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// An API type with what it becomes.
trait Watched:
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + k8s_openapi::Resource
    + DeserializeOwned
    + Clone
    + fmt::Debug
    + Send
    + 'static
{
    fn convert(self) -> ClusterObject;
}

impl Watched for Deployment {
    fn convert(self) -> ClusterObject {
        convert::deployment(self)
    }
}

impl Watched for StatefulSet {
    fn convert(self) -> ClusterObject {
        convert::stateful_set(self)
    }
}

impl Watched for DaemonSet {
    fn convert(self) -> ClusterObject {
        convert::daemon_set(self)
    }
}

impl Watched for ReplicaSet {
    fn convert(self) -> ClusterObject {
        convert::replica_set(self)
    }
}

impl Watched for Job {
    fn convert(self) -> ClusterObject {
        convert::job(self)
    }
}

impl Watched for CronJob {
    fn convert(self) -> ClusterObject {
        convert::cron_job(self)
    }
}

impl Watched for Pod {
    fn convert(self) -> ClusterObject {
        convert::pod(self)
    }
}

fn row<K: Watched>(needed_for: &'static str) -> Kind {
    Kind {
        group: <K as k8s_openapi::Resource>::GROUP,
        version: Some(<K as k8s_openapi::Resource>::VERSION),
        resource: <K as k8s_openapi::Resource>::URL_PATH_SEGMENT,
        needed_for,
        watch: Watch::Wanted(watch::<K>),
    }
}

fn watch<K: Watched>(
    client: Client,
    namespace: Option<&str>,
    wanted: Arc<BTreeSet<String>>,
) -> Answers {
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let events = watcher(api, Config::default().page_size(PAGE));
    events
        .map(move |event| event.map(|event| answer(event, &wanted)))
        .boxed()
}

fn answer<K: Watched>(event: Event<K>, wanted: &BTreeSet<String>) -> Answer {
    let counts = |object: &K| {
        let namespace = &object.meta().namespace;
        namespace.as_ref().is_some_and(|name| wanted.contains(name))
    };
    match event {
        Event::Init => Answer::Begin,
        Event::InitApply(object) => Answer::Item(counts(&object).then(|| object.convert())),
        Event::InitDone => Answer::End,
        Event::Apply(object) if counts(&object) => Answer::Applied(object.convert()),
        Event::Delete(object) if counts(&object) => Answer::Deleted {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        },
        Event::Apply(_) | Event::Delete(_) => Answer::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_served_where_the_domains_words_say() {
        let expected = [
            "deployments.v1.apps",
            "statefulsets.v1.apps",
            "daemonsets.v1.apps",
            "replicasets.v1.apps",
            "pods.v1",
            "jobs.v1.batch",
            "cronjobs.v1.batch",
            "rollouts.v1alpha1.argoproj.io",
            "canaries.v1beta1.flagger.app",
        ];
        for (kind, expected) in ObjectKind::ALL.into_iter().zip(expected) {
            let row = of(kind);
            assert_eq!(row.to_string(), expected);
            assert_eq!(row.resource, kind.plural());
            let workload = ObjectKind::WORKLOADS.contains(&kind);
            assert_eq!(row.needed_for == "workloads", workload, "{kind}");
        }
    }
}
