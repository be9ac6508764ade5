//! The watches of one session: which there are, and which there should be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kube::Client;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    Options,
    watcher::{self, WatchKey, Word},
};
use crate::domain::rollout::{EVERYWHERE, ObjectKind, Wanted};

/// Up to so many namespaces are watched one by one; more of them by watches across all namespaces.
///
/// Each watch holds a connection of its own, and each list across all namespaces carries what nobody
/// asked for: between the two this is the middle.
const ONE_BY_ONE: usize = 8;

/// The watches that run, by number; a watch that starts again gets another one, so that what the old
/// one may still be saying is not taken for the new one's word.
#[derive(Default)]
pub(super) struct Watches {
    running: BTreeMap<u32, Running>,
    last_id: u32,
    /// Kinds that may not be listed across all namespaces.
    narrow: BTreeSet<ObjectKind>,
    /// The one namespace in which agents are looked for; `None`: in all.
    agents_in: Option<String>,
    tasks: JoinSet<()>,
}

/// A watch that runs.
pub(super) struct Running {
    pub(super) key: WatchKey,
    /// The namespaces that it tells about.
    pub(super) namespaces: Arc<BTreeSet<String>>,
    task: AbortHandle,
}

impl Watches {
    /// The watch of that number, if it still runs.
    pub(super) fn get(&self, id: u32) -> Option<&Running> {
        self.running.get(&id)
    }

    /// For which kind and namespaces a watch answers.
    pub(super) fn answered(&self, id: u32) -> Option<(ObjectKind, Arc<BTreeSet<String>>)> {
        let running = self.running.get(&id)?;
        Some((running.key.kind, running.namespaces.clone()))
    }

    /// A kind may not be listed across all namespaces: from now on it is asked for in each.
    pub(super) fn narrow(&mut self, kind: ObjectKind) {
        self.narrow.insert(kind);
    }

    /// Agents are looked for in this namespace alone, or in all of them.
    pub(super) fn agents_in(&mut self, namespace: Option<String>) {
        self.agents_in = namespace;
    }

    /// Starts and ends watches so that they tell about `all`. What is `added` was not looked at before: a watch across all
    /// namespaces, which has already told about those that it knew of, lists again.
    pub(super) fn arrange(
        &mut self,
        all: &Wanted,
        added: &Wanted,
        (client, options): (&Client, &Options),
        message: &mpsc::Sender<(u32, Word)>,
    ) {
        let mut wanted = self.wanted(all);
        self.running.retain(|_, running| {
            let key = &running.key;
            let again = key.namespace.is_none() && added.contains_key(&key.kind);
            let keep = !again && wanted.remove(key);
            if !keep {
                running.task.abort();
            }
            keep
        });
        for key in wanted {
            self.last_id += 1;
            let namespaces = match &key.namespace {
                Some(namespace) if !key.kind.is_agent() => Arc::new([namespace.clone()].into()),
                // Those of agents stand for all, wherever they are looked for.
                _ => all.get(&key.kind).cloned().unwrap_or_default(),
            };
            let run = watcher::run(
                client.clone(),
                options.clone(),
                self.last_id,
                key.clone(),
                namespaces.clone(),
                message.clone(),
            );
            let (id, message) = (self.last_id, message.clone());
            let task = self.tasks.spawn(watcher::caught(id, message, run));
            let running = Running {
                key,
                namespaces,
                task,
            };
            self.running.insert(self.last_id, running);
        }
    }

    fn wanted(&self, all: &Wanted) -> BTreeSet<WatchKey> {
        let mut wanted = BTreeSet::new();
        for (&kind, namespaces) in all {
            // What most servers do not have is asked for once, not in each namespace.
            let many = namespaces.len() > ONE_BY_ONE || kind.is_custom();
            let many = many && !self.narrow.contains(&kind);
            if many || namespaces.contains(EVERYWHERE) {
                wanted.insert(WatchKey {
                    kind,
                    namespace: self.agents_in.clone().filter(|_| kind.is_agent()),
                });
            } else {
                wanted.extend(namespaces.iter().cloned().map(|namespace| WatchKey {
                    kind,
                    namespace: Some(namespace),
                }));
            }
        }
        wanted
    }
}
