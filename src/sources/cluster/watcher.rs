//! One watch: a kind in a namespace, or everywhere.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, ResourceExt,
    runtime::watcher::{Config, Error, Event, watcher},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    Options,
    bounds::{STEADY, backoff},
    convert,
    failure::Failure,
};
use crate::{
    domain::rollout::{ClusterObject, ObjectKind},
    sources::mistake::caught_in,
};

/// How long after a refusal (403, 404) the question is put again.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Failures in a row after which a watch counts as broken although its server lives.
const TOO_MANY: u32 = 6;

/// Objects of one list; what is more is no cluster that anybody looks at in a terminal.
const MOST: usize = 200_000;

/// What is watched by one watch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WatchKey {
    pub(super) kind: ObjectKind,
    /// `None`: across all namespaces.
    pub(super) namespace: Option<String>,
}

/// What a watch says to its session; a number beside it tells which watch that is, 0 none.
pub(super) enum Word {
    /// A whole list.
    Listed(Vec<ClusterObject>),
    Applied(ClusterObject),
    Deleted {
        namespace: String,
        name: String,
    },
    /// 403, with the server's words.
    Denied(String),
    /// 404.
    Absent,
    /// A stream broke: is the server still there?
    Hiccup,
    /// The session cannot go on like this.
    Failed(Failure),
    /// The server gave a sign of life.
    Alive,
    /// Notes about the selected cell.
    Notes(super::notes::Found),
}

/// Runs one of a session's tasks; its panic is the end of the session, which is begun again.
pub(super) async fn caught(
    id: u32,
    out: mpsc::Sender<(u32, Word)>,
    task: impl Future<Output = ()>,
) {
    if let Err(mistake) = caught_in(task).await {
        let failure = Failure::Broken(mistake.to_string());
        // Nobody hears it where the session has ended.
        let _ = out.send((id, Word::Failed(failure))).await;
    }
}

/// Watches until the session ends. `wanted` are the namespaces whose objects count.
pub(super) async fn run(
    client: Client,
    options: Options,
    id: u32,
    key: WatchKey,
    wanted: Arc<BTreeSet<String>>,
    out: mpsc::Sender<(u32, Word)>,
) {
    let watch = Watch {
        options,
        id,
        key,
        wanted,
        out,
    };
    match watch.key.kind {
        ObjectKind::Deployment => watch.run(client, convert::deployment).await,
        ObjectKind::StatefulSet => watch.run(client, convert::stateful_set).await,
        ObjectKind::DaemonSet => watch.run(client, convert::daemon_set).await,
        ObjectKind::ReplicaSet => watch.run(client, convert::replica_set).await,
        ObjectKind::Pod => watch.run(client, convert::pod).await,
    }
}

/// The receiver is gone: the session has ended.
struct Over;

struct Watch {
    options: Options,
    id: u32,
    key: WatchKey,
    wanted: Arc<BTreeSet<String>>,
    out: mpsc::Sender<(u32, Word)>,
}

impl Watch {
    async fn run<K>(self, client: Client, convert: fn(K) -> ClusterObject)
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + k8s_openapi::Resource
            + DeserializeOwned
            + Clone
            + fmt::Debug
            + Send
            + 'static,
    {
        let api: Api<K> = match &self.key.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let mut events = watcher(api, Config::default()).boxed();
        // A re-list becomes one answer: nothing of it shows before it is complete.
        let mut list = Vec::new();
        let mut failures = 0;
        let mut seen = 0;
        // Only a time without failures ends their row: a list that is answered between two of them does not.
        let mut quiet_since = Instant::now();
        while let Some(event) = events.next().await {
            if let Ok(Event::Init) = event {
                seen = 0;
            }
            if let Ok(Event::InitApply(_)) = event {
                seen += 1;
                if seen > MOST {
                    let words = format!("the list does not end: more than {MOST} objects");
                    let _ = self.say(Word::Failed(Failure::Broken(words))).await;
                    return;
                }
            }
            let told = match event {
                Ok(Event::Init) => {
                    list = Vec::new();
                    Ok(())
                }
                Ok(Event::InitApply(object)) => {
                    if self.counts(&object) {
                        list.push(convert(object));
                    }
                    Ok(())
                }
                Ok(Event::InitDone) => {
                    let objects = std::mem::take(&mut list);
                    self.say(Word::Listed(objects)).await
                }
                Ok(Event::Apply(object)) if self.counts(&object) => {
                    self.say(Word::Applied(convert(object))).await
                }
                Ok(Event::Delete(object)) if self.counts(&object) => {
                    let namespace = object.namespace().unwrap_or_default();
                    let name = object.name_any();
                    self.say(Word::Deleted { namespace, name }).await
                }
                Ok(Event::Apply(_) | Event::Delete(_)) => Ok(()),
                Err(error) => {
                    // Pauses between watches are no time in which one lasted.
                    if quiet_since.elapsed() >= STEADY + self.options.longest_wait {
                        failures = 0;
                    }
                    failures += 1;
                    let told = self.failed(&error, failures).await;
                    quiet_since = Instant::now();
                    told
                }
            };
            if told.is_err() {
                return;
            }
        }
    }

    fn counts(&self, object: &impl ResourceExt) -> bool {
        let namespace = &object.meta().namespace;
        namespace
            .as_ref()
            .is_some_and(|name| self.wanted.contains(name))
    }

    /// Tells what failed and waits before the watch goes on.
    async fn failed(&self, error: &Error, times: u32) -> Result<(), Over> {
        let failure = Failure::from(error);
        tracing::debug!(kind = %self.key.kind, namespace = ?self.key.namespace, %error, times, "watch failed");
        match failure {
            Failure::Denied(what) => {
                self.say(Word::Denied(what)).await?;
                sleep(ASK_AGAIN).await;
            }
            Failure::Absent => {
                self.say(Word::Absent).await?;
                sleep(ASK_AGAIN).await;
            }
            Failure::Gone | Failure::Busy(_) if times < TOO_MANY => self.back_off(times).await,
            // A stream that breaks is taken up where it was; a proxy may just have tired of it.
            Failure::Broken(_) if matches!(error, Error::WatchFailed(_)) && times < TOO_MANY => {
                self.say(Word::Hiccup).await?;
                self.back_off(times).await;
            }
            failure => {
                self.say(Word::Failed(failure)).await?;
                return Err(Over);
            }
        }
        Ok(())
    }

    async fn back_off(&self, times: u32) {
        sleep(backoff(times.saturating_sub(1), &self.options)).await;
    }

    async fn say(&self, word: Word) -> Result<(), Over> {
        self.out.send((self.id, word)).await.map_err(|_| Over)
    }
}
