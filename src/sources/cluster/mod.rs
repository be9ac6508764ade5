//! Kubernetes clusters: connect, watch, convert.
//!
//! [`watch`] keeps one task per kubeconfig context; each connects on its own and is retried for ever,
//! and environments that share a context share its watches and what is known of it. What they see arrives as [`ClusterEvent`](crate::domain::rollout::ClusterEvent)s.
//! [`snapshot`] is the same for a command that wants one answer.
//!
//! A server that is gone is noticed by the watches that break, and one that has fallen silent by a small
//! request every [`Options::heartbeat`], since neither a watch without changes nor TCP would tell.

mod argocd;
mod bounds;
mod conduct;
mod connect;
mod connection;
mod control;
mod convert;
mod custom;
mod error;
mod exec;
#[cfg(test)]
pub(crate) mod fuzzing;
mod heartbeat;
mod held;
mod judge;
mod kinds;
mod kubeconfig;
mod login;
mod notes;
mod objects;
mod session;
mod snapshot;
mod transport;
mod until;
mod watcher;
mod watches;

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch as channel},
    task::AbortHandle,
};

pub use conduct::Conductor;
pub use connect::install_crypto;
pub use control::{Control, Told};
pub use judge::judge;
pub use kubeconfig::contexts;
pub use login::login;
pub use objects::{Kind, Objects, Of, Place};
use session::{Events, Interest};
pub use snapshot::{Snapshot, snapshot};
pub use until::{Unseen, until};

use crate::domain::{
    agent::ArgoServer,
    rollout::{ClusterTarget, Held, NotesTarget},
};

/// Where credentials come from and how patient the tasks are.
#[derive(Clone, Debug)]
pub struct Options {
    /// Kubeconfig files, merged as kubectl merges `KUBECONFIG`. Empty: `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Vec<PathBuf>,
    /// Argo CD's that are asked by their own API: their addresses stand in place of contexts.
    pub argocd: Vec<ArgoServer>,
    /// How often a server is asked for a sign of life.
    pub heartbeat: Duration,
    /// How long such an answer, or a connection, may take.
    pub patience: Duration,
    /// How long the whole answer to what is asked by hand may take.
    pub answer: Duration,
    /// The wait after the first failure; it doubles with each that follows.
    pub first_wait: Duration,
    /// The longest wait between two tries.
    pub longest_wait: Duration,
    /// How long after a refusal (403), or a kind that a server does not have (404), the question is put again.
    pub ask_again: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kubeconfig: Vec::new(),
            argocd: Vec::new(),
            heartbeat: Duration::from_secs(3),
            patience: Duration::from_secs(3),
            answer: Duration::from_secs(15),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            ask_again: Duration::from_secs(30),
        }
    }
}

/// Running watches. Dropping it ends them.
#[derive(Debug)]
pub struct Watching {
    events: Events,
    options: Mutex<Options>,
    runtime: Handle,
    connections: Mutex<BTreeMap<String, Connection>>,
}

/// The task of one context; it ends with this.
#[derive(Debug)]
struct Connection {
    interest: channel::Sender<Interest>,
    retry: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts watching. Must be called inside a tokio runtime; returns at once.
///
/// Events of one context arrive in order. The tasks wait while `events` is full and end when
/// it is closed.
pub fn watch(targets: &[ClusterTarget], events: Events, options: Options) -> Watching {
    let watching = Watching {
        events,
        options: Mutex::new(options),
        runtime: Handle::current(),
        connections: Mutex::default(),
    };
    watching.retarget(targets);
    watching
}

impl Watching {
    /// Watches these targets from now on; connections that are still needed stay.
    pub fn retarget(&self, targets: &[ClusterTarget]) {
        let mut wanted: BTreeMap<String, Interest> = BTreeMap::new();
        for target in targets {
            for (context, kinds) in target.wanted() {
                let only = target.agents_in(context);
                let interest = wanted.entry(context.clone()).or_insert_with(|| Interest {
                    agents_in: only.map(str::to_owned),
                    ..Interest::default()
                });
                // Where two do not agree, agents are looked for in all namespaces.
                interest.agents_in.take_if(|it| Some(it.as_str()) != only);
                for (kind, namespaces) in kinds {
                    match interest.wanted.entry(*kind) {
                        Entry::Vacant(place) => {
                            place.insert(Arc::clone(namespaces));
                        }
                        Entry::Occupied(known) if known.get() == namespaces => {}
                        Entry::Occupied(mut known) => {
                            let known = Arc::make_mut(known.get_mut());
                            known.extend(namespaces.iter().cloned());
                        }
                    }
                }
            }
        }
        let mut connections = self.lock();
        connections.retain(|context, _| wanted.contains_key(context));
        for (context, mut interest) in wanted {
            if let Some(connection) = connections.get(&context) {
                connection.interest.send_if_modified(|now| {
                    interest.notes = now.notes.take();
                    interest.held = std::mem::take(&mut now.held);
                    let changed = *now != interest;
                    *now = interest;
                    changed
                });
            } else {
                let connection = self.connect(context.clone(), interest);
                connections.insert(context, connection);
            }
        }
    }

    /// Watches the notes (events) of this cell, and of no other. `None` ends that.
    pub fn select(&self, cell: Option<NotesTarget>) {
        for (context, connection) in self.lock().iter() {
            connection.interest.send_if_modified(|now| {
                let mine = cell.clone().filter(|target| target.context == *context);
                let changed = now.notes != mine;
                now.notes = mine;
                changed
            });
        }
    }

    /// Asks each context for this by its name, and for nothing else, until it is told otherwise.
    pub fn hold(&self, wanted: &BTreeMap<String, BTreeSet<Held>>) {
        for (context, connection) in self.lock().iter() {
            connection.interest.send_if_modified(|now| {
                let mine = wanted.get(context).cloned().unwrap_or_default();
                let changed = now.held != mine;
                now.held = mine;
                changed
            });
        }
    }

    /// These Argo CD's are asked by their own API from now on; those that are asked already, as before.
    pub fn learn(&self, servers: &[ArgoServer]) {
        let mut options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut options.argocd, servers.to_vec());
        drop(options);
        // One whose token is elsewhere now is connected anew with the next targets.
        let is_same = |context: &String| {
            let of = |all: &[ArgoServer]| all.iter().find(|it| it.url == *context).cloned();
            of(&before) == of(servers)
        };
        self.lock().retain(|context, _| is_same(context));
    }

    /// Tries lost connections again now instead of waiting.
    pub fn retry(&self) {
        for connection in self.lock().values() {
            connection.retry.notify_waiters();
        }
    }

    fn connect(&self, context: String, interest: Interest) -> Connection {
        let (sender, receiver) = channel::channel(interest);
        let retry = Arc::new(Notify::new());
        let task = self.runtime.spawn(connection::keep_always(
            context,
            receiver,
            retry.clone(),
            self.events.clone(),
            self.options
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        ));
        Connection {
            interest: sender,
            retry,
            task: task.abort_handle(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Connection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
