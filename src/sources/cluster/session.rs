//! A connection that lives: who is told what its watches see.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::Client;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    Options,
    connect::Connected,
    error::ClusterError,
    heartbeat, held, notes,
    watcher::{Word, caught},
    watches::Watches,
};
use crate::domain::rollout::{ClusterEvent, ClusterObject, Held, NotesTarget, ObjectKind, Wanted};

/// Credentials are renewed so long before they end.
const BEFORE_EXPIRY: Duration = Duration::from_secs(30);

/// What is to be watched over one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// What is looked for, and where.
    pub(super) wanted: Wanted,
    /// The one namespace in which agents are looked for; `None`: in all.
    pub(super) agents_in: Option<String>,
    /// The cell whose notes are wanted.
    pub(super) notes: Option<NotesTarget>,
    /// What is asked for by its name.
    pub(super) held: BTreeSet<Held>,
}

/// Where events go, with the context that they are of.
pub(super) type Events = mpsc::Sender<(String, ClusterEvent)>;

/// Why a session ended.
pub(super) enum End {
    /// Nobody listens, or nothing is to be watched any more.
    Closed,
    /// New credentials are needed; nothing is lost yet.
    Renew(ClusterError),
    /// The server is gone.
    Lost(ClusterError),
}

/// How long credentials are used that end at `expires`, where that is known. The clock on the wall is asked once, so that one
/// that is set meanwhile moves nothing; what it got wrong a 401 tells, and so it does where no end is known.
fn renewed_after(expires: Option<Timestamp>, now: Timestamp) -> Duration {
    /// A clock that is far ahead of the server's is no reason to ask without a pause.
    const LEAST: Duration = Duration::from_secs(10);
    /// Nor one that is far behind to wait for years.
    const MOST: Duration = Duration::from_hours(24);
    expires.map_or(MOST, |expires| {
        Duration::try_from(expires.duration_since(now))
            .unwrap_or_default()
            .saturating_sub(BEFORE_EXPIRY)
            .clamp(LEAST, MOST)
    })
}

/// One living connection.
pub(super) struct Session<'a> {
    context: &'a str,
    client: Client,
    server: String,
    expires: Option<Timestamp>,
    interest: watch::Receiver<Interest>,
    events: &'a Events,
    options: &'a Options,
    /// What is being watched; follows `interest`.
    wanted: Wanted,
    watches: Watches,
    notes: Option<(NotesTarget, AbortHandle)>,
    held: watch::Sender<BTreeSet<Held>>,
    tasks: JoinSet<()>,
    message: mpsc::Sender<(u32, Word)>,
}

impl<'a> Session<'a> {
    /// Watches over `connected` until something ends it.
    pub(super) async fn run(
        context: &'a str,
        connected: Connected,
        interest: watch::Receiver<Interest>,
        events: &'a Events,
        options: &'a Options,
    ) -> End {
        let (message, mut heard) = mpsc::channel(256);
        let mut session = Self {
            context,
            client: connected.client,
            server: connected.server,
            expires: connected.expires,
            interest,
            events,
            options,
            wanted: Wanted::new(),
            watches: Watches::default(),
            notes: None,
            held: watch::Sender::default(),
            tasks: JoinSet::new(),
            message,
        };
        match session.serve(&mut heard).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn serve(
        &mut self,
        heard: &mut mpsc::Receiver<(u32, Word)>,
    ) -> Result<std::convert::Infallible, End> {
        let hiccup = Arc::new(Notify::new());
        let heartbeat = heartbeat::run(
            self.client.clone(),
            self.options.clone(),
            hiccup.clone(),
            self.message.clone(),
        );
        self.tasks.spawn(caught(0, self.message.clone(), heartbeat));
        let held = held::run(
            self.client.clone(),
            self.options.clone(),
            self.held.subscribe(),
            self.message.clone(),
        );
        self.tasks.spawn(caught(0, self.message.clone(), held));
        let renewal = self.renewal();
        self.send(ClusterEvent::Serves(self.server.clone())).await?;
        self.send(ClusterEvent::Connected).await?;
        self.follow_interest().await?;
        loop {
            tokio::select! {
                Some((from, word)) = heard.recv() => self.hear(from, word, &hiccup).await?,
                changed = self.interest.changed() => match changed {
                    Ok(()) => self.follow_interest().await?,
                    Err(_) => return Err(End::Closed),
                },
                () = sleep_until(renewal) => {
                    return Err(End::Renew(ClusterError::Unauthorized("credentials end".to_owned())));
                }
                () = self.events.closed() => return Err(End::Closed),
            }
        }
    }

    fn renewal(&self) -> Instant {
        Instant::now() + renewed_after(self.expires, Timestamp::now())
    }

    async fn hear(&mut self, from: u32, word: Word, hiccup: &Notify) -> Result<(), End> {
        // A watch that was ended may still have been saying something: it no longer counts.
        let about = self.watches.get(from).map(|running| running.key.kind);
        if about.is_none() && from != 0 {
            return Ok(());
        }
        match word {
            Word::Listed(objects) => self.listed(from, objects).await,
            Word::Applied(object) => {
                if !self.watches_in(object.kind(), object.namespace()) {
                    return Ok(());
                }
                self.send(ClusterEvent::Applied(object)).await
            }
            Word::Deleted { namespace, name } => {
                let Some(kind) = about.filter(|kind| self.watches_in(*kind, &namespace)) else {
                    return Ok(());
                };
                self.send(ClusterEvent::Deleted {
                    kind,
                    namespace,
                    name,
                })
                .await
            }
            Word::Denied(what) => self.denied(from, &what).await,
            Word::Absent => {
                self.answer(from, |kind, namespaces| ClusterEvent::Absent {
                    kind,
                    namespaces,
                })
                .await
            }
            Word::Hiccup => {
                hiccup.notify_one();
                Ok(())
            }
            Word::Alive => self.send(ClusterEvent::Alive).await,
            Word::Held { held, presence } => {
                if !self.held.borrow().contains(&held) {
                    return Ok(());
                }
                self.send(ClusterEvent::Held { held, presence }).await
            }
            Word::Notes(found) => {
                let current = self
                    .notes
                    .as_ref()
                    .is_some_and(|(of, _)| *of == found.target);
                if !current {
                    return Ok(());
                }
                self.send(ClusterEvent::Notes {
                    cell: found.target.cell,
                    notes: found.notes,
                    problem: found.problem,
                })
                .await
            }
            Word::Failed(failure @ ClusterError::Unauthorized(_)) => Err(End::Renew(failure)),
            Word::Failed(failure) => {
                let message = match about {
                    Some(kind) => format!("{}: {}", kind.plural(), failure.message()),
                    None => failure.message(),
                };
                Err(End::Lost(ClusterError::Broken(format!(
                    "{}: {message}",
                    self.server
                ))))
            }
        }
    }

    async fn listed(&mut self, from: u32, objects: Vec<ClusterObject>) -> Result<(), End> {
        self.answer(from, |kind, namespaces| ClusterEvent::Reset {
            objects: objects
                .into_iter()
                .filter(|object| namespaces.contains(object.namespace()))
                .collect(),
            kind,
            namespaces,
        })
        .await
    }

    /// What may not be seen across all namespaces may be seen in some.
    async fn denied(&mut self, from: u32, what: &str) -> Result<(), End> {
        if let Some(running) = self.watches.get(from)
            && running.key.namespace.is_none()
            && !running.key.kind.is_everywhere()
        {
            let kind = running.key.kind;
            self.watches.narrow(kind);
            self.arrange(&Wanted::new());
            return Ok(());
        }
        self.answer(from, |kind, namespaces| ClusterEvent::Denied {
            kind,
            namespaces,
            what: what.to_owned(),
        })
        .await
    }

    /// Tells a watch's answer, for the namespaces that are still looked at.
    async fn answer(
        &mut self,
        from: u32,
        event: impl FnOnce(ObjectKind, BTreeSet<String>) -> ClusterEvent,
    ) -> Result<(), End> {
        let Some((kind, namespaces)) = self.watches.answered(from) else {
            return Ok(());
        };
        let own = self.wanted.get(&kind).into_iter().flat_map(|it| it.iter());
        let shared: BTreeSet<_> = own
            .filter(|name| namespaces.contains(*name))
            .cloned()
            .collect();
        if shared.is_empty() {
            return Ok(());
        }
        self.send(event(kind, shared)).await
    }

    /// Starts and ends watches so that they fit what is wanted now.
    async fn follow_interest(&mut self) -> Result<(), End> {
        let interest = self.interest.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.wanted, interest.wanted);
        // At the beginning, too: what was looked for before the connection was lost may not be any more.
        if before.is_empty() || !minus(&before, &self.wanted).is_empty() {
            self.send(ClusterEvent::Narrowed(self.wanted.clone()))
                .await?;
        }
        self.watches.agents_in(interest.agents_in);
        self.arrange(&minus(&self.wanted, &before));
        self.select(interest.notes);
        self.held.send_if_modified(|now| {
            let changed = *now != interest.held;
            *now = interest.held;
            changed
        });
        Ok(())
    }

    fn arrange(&mut self, added: &Wanted) {
        let by = (&self.client, self.options);
        self.watches.arrange(&self.wanted, added, by, &self.message);
    }

    fn select(&mut self, target: Option<NotesTarget>) {
        if self.notes.as_ref().map(|(target, _)| target) == target.as_ref() {
            return;
        }
        if let Some((_, task)) = self.notes.take() {
            task.abort();
        }
        if let Some(target) = target {
            let run = notes::run(self.client.clone(), target.clone(), self.message.clone());
            let run = caught(0, self.message.clone(), run);
            self.notes = Some((target, self.tasks.spawn(run)));
        }
    }

    /// Whether objects of a kind are looked for in a namespace.
    fn watches_in(&self, kind: ObjectKind, namespace: &str) -> bool {
        let namespaces = self.wanted.get(&kind);
        namespaces.is_some_and(|namespaces| namespaces.contains(namespace))
    }

    async fn send(&self, event: ClusterEvent) -> Result<(), End> {
        let sent = self.events.send((self.context.to_owned(), event)).await;
        sent.map_err(|_| End::Closed)
    }
}

/// What is in `these` and not in `those`.
fn minus(these: &Wanted, those: &Wanted) -> Wanted {
    let more = these.iter().map(|(kind, names)| {
        let known = those.get(kind);
        let is_new = |name: &&String| known.is_none_or(|known| !known.contains(*name));
        let names: BTreeSet<String> = names.iter().filter(is_new).cloned().collect();
        (*kind, Arc::new(names))
    });
    more.filter(|(_, names)| !names.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_in_time_whatever_the_clock_says() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let day = 86_400;
        let cases = [
            ("an hour", Some("2026-11-28T13:00:00Z"), 3570),
            ("just before the end", Some("2026-11-28T12:00:35Z"), 10),
            (
                "ended: set ahead by a year",
                Some("2025-11-28T12:00:00Z"),
                10,
            ),
            ("set back by a year", Some("2027-11-28T12:00:00Z"), day),
            (
                "before there were credentials",
                Some("1970-01-01T00:00:00Z"),
                10,
            ),
            ("the end of time", Some("9999-12-30T22:00:00Z"), day),
            ("the beginning of time", Some("-009999-01-02T01:59:59Z"), 10),
            ("no known end", None, day),
        ];
        for (case, expires, seconds) in cases {
            let expires = expires.map(|it| it.parse().unwrap());
            let after = renewed_after(expires, now);
            assert_eq!(after, Duration::from_secs(seconds), "{case}");
        }
    }
}
