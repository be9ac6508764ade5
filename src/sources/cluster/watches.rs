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
use crate::domain::rollout::ObjectKind;

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
    tasks: JoinSet<()>,
}

/// A watch that runs.
pub(super) struct Running {
    pub(super) key: WatchKey,
    /// The namespaces that it tells about.
    pub(super) namespaces: Arc<BTreeSet<String>>,
    /// It has told what there is, or that it may not.
    pub(super) answered: bool,
    task: AbortHandle,
}

impl Watches {
    /// The watch of that number, if it still runs.
    pub(super) fn get(&self, id: u32) -> Option<&Running> {
        self.running.get(&id)
    }

    /// Notes that a watch has answered: for which kind and namespaces.
    pub(super) fn answered(&mut self, id: u32) -> Option<(ObjectKind, Arc<BTreeSet<String>>)> {
        let running = self.running.get_mut(&id)?;
        running.answered = true;
        Some((running.key.kind, running.namespaces.clone()))
    }

    /// Whether every watch that tells about these namespaces has answered.
    pub(super) fn complete(&self, namespaces: &BTreeSet<String>) -> bool {
        self.running
            .values()
            .all(|running| running.answered || running.namespaces.is_disjoint(namespaces))
    }

    /// A kind may not be listed across all namespaces: from now on it is asked for in each.
    pub(super) fn narrow(&mut self, kind: ObjectKind) {
        self.narrow.insert(kind);
    }

    /// Starts and ends watches so that they tell about `all` namespaces. `added` ones are new to somebody:
    /// a watch that has already told about them lists again.
    pub(super) fn arrange(
        &mut self,
        all: &BTreeSet<String>,
        added: &BTreeSet<String>,
        (client, options): (&Client, &Options),
        words: &mpsc::Sender<(u32, Word)>,
    ) {
        let mut wanted = self.wanted(all);
        self.running.retain(|_, running| {
            let again = match &running.key.namespace {
                Some(_) => running.answered && !running.namespaces.is_disjoint(added),
                None => !added.is_empty(),
            };
            let keep = !again && wanted.remove(&running.key);
            if !keep {
                running.task.abort();
            }
            keep
        });
        for key in wanted {
            self.last_id += 1;
            let namespaces = Arc::new(match &key.namespace {
                Some(namespace) => [namespace.clone()].into(),
                None => all.clone(),
            });
            let run = watcher::run(
                client.clone(),
                options.clone(),
                self.last_id,
                key.clone(),
                namespaces.clone(),
                words.clone(),
            );
            let (id, words) = (self.last_id, words.clone());
            let task = self.tasks.spawn(watcher::caught(id, words, run));
            let running = Running {
                key,
                namespaces,
                answered: false,
                task,
            };
            self.running.insert(self.last_id, running);
        }
    }

    fn wanted(&self, all: &BTreeSet<String>) -> BTreeSet<WatchKey> {
        let mut wanted = BTreeSet::new();
        for kind in ObjectKind::ALL {
            if all.len() > ONE_BY_ONE && !self.narrow.contains(&kind) {
                wanted.insert(WatchKey {
                    kind,
                    namespace: None,
                });
            } else {
                wanted.extend(all.iter().cloned().map(|namespace| WatchKey {
                    kind,
                    namespace: Some(namespace),
                }));
            }
        }
        wanted
    }
}
