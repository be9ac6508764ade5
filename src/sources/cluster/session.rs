//! A connection that lives: who is told what its watches see.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

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
    failure::Failure,
    heartbeat, notes,
    watcher::{Word, caught},
    watches::Watches,
};
use crate::domain::{
    ids::EnvironmentName,
    rollout::{ClusterEvent, ClusterObject, NotesTarget, ObjectKind},
};

/// Credentials are renewed so long before they end.
const BEFORE_EXPIRY: Duration = Duration::from_secs(30);

/// What is to be watched over one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// Environments with the namespaces of their cells.
    pub(super) environments: BTreeMap<EnvironmentName, BTreeSet<String>>,
    /// The cell whose notes are wanted.
    pub(super) notes: Option<NotesTarget>,
}

/// Where events go.
pub(super) type Events = mpsc::Sender<(EnvironmentName, ClusterEvent)>;

/// Why a session ended.
pub(super) enum End {
    /// Nobody listens, or nothing is to be watched any more.
    Closed,
    /// New credentials are needed; nothing is lost yet.
    Renew(Failure),
    /// The server is gone.
    Lost(Failure),
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
    client: Client,
    server: String,
    expires: Option<Timestamp>,
    interest: watch::Receiver<Interest>,
    events: &'a Events,
    options: &'a Options,
    /// What is being watched for whom; follows `interest`.
    environments: BTreeMap<EnvironmentName, BTreeSet<String>>,
    watches: Watches,
    notes: Option<(NotesTarget, AbortHandle)>,
    /// Environments that know that they are connected.
    told: BTreeSet<EnvironmentName>,
    tasks: JoinSet<()>,
    words: mpsc::Sender<(u32, Word)>,
}

impl<'a> Session<'a> {
    /// Watches over `connected` until something ends it.
    pub(super) async fn run(
        connected: Connected,
        interest: watch::Receiver<Interest>,
        events: &'a Events,
        options: &'a Options,
    ) -> End {
        let (words, mut heard) = mpsc::channel(256);
        let mut session = Self {
            client: connected.client,
            server: connected.server,
            expires: connected.expires,
            interest,
            events,
            options,
            environments: BTreeMap::new(),
            watches: Watches::default(),
            notes: None,
            told: BTreeSet::new(),
            tasks: JoinSet::new(),
            words,
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
            self.words.clone(),
        );
        self.tasks.spawn(caught(0, self.words.clone(), heartbeat));
        let renewal = self.renewal();
        self.follow_interest().await?;
        loop {
            tokio::select! {
                Some((from, word)) = heard.recv() => self.hear(from, word, &hiccup).await?,
                changed = self.interest.changed() => match changed {
                    Ok(()) => self.follow_interest().await?,
                    Err(_) => return Err(End::Closed),
                },
                () = sleep_until(renewal) => {
                    return Err(End::Renew(Failure::Unauthorized("credentials end".to_owned())));
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
            Word::Listed(objects) => self.listed(from, &objects).await,
            Word::Applied(object) => {
                for environment in self.concerned(object.namespace()) {
                    self.send(environment, ClusterEvent::Applied(object.clone()))
                        .await?;
                }
                Ok(())
            }
            Word::Deleted { namespace, name } => {
                for environment in self.concerned(&namespace) {
                    if let Some(kind) = about {
                        let (namespace, name) = (namespace.clone(), name.clone());
                        let event = ClusterEvent::Deleted {
                            kind,
                            namespace,
                            name,
                        };
                        self.send(environment, event).await?;
                    }
                }
                Ok(())
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
            Word::Alive => {
                for environment in self.told.clone() {
                    self.send(environment, ClusterEvent::Alive).await?;
                }
                Ok(())
            }
            Word::Notes(found) => {
                let current = self
                    .notes
                    .as_ref()
                    .is_some_and(|(of, _)| *of == found.target);
                if !current {
                    return Ok(());
                }
                let key = found.target.cell;
                let event = ClusterEvent::Notes {
                    service: key.service,
                    notes: found.notes,
                    problem: found.problem,
                };
                self.send(key.environment, event).await
            }
            Word::Failed(failure @ Failure::Unauthorized(_)) => Err(End::Renew(failure)),
            Word::Failed(failure) => {
                let words = match about {
                    Some(kind) => format!("{}: {}", kind.plural(), failure.words()),
                    None => failure.words(),
                };
                Err(End::Lost(Failure::Broken(format!(
                    "{}: {words}",
                    self.server
                ))))
            }
        }
    }

    async fn listed(&mut self, from: u32, objects: &[ClusterObject]) -> Result<(), End> {
        self.answer(from, |kind, namespaces| ClusterEvent::Reset {
            objects: objects
                .iter()
                .filter(|object| namespaces.contains(object.namespace()))
                .cloned()
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
        {
            let kind = running.key.kind;
            self.watches.narrow(kind);
            self.arrange(&BTreeSet::new());
            return Ok(());
        }
        self.answer(from, |kind, namespaces| ClusterEvent::Denied {
            kind,
            namespaces,
            what: what.to_owned(),
        })
        .await
    }

    /// Tells a watch's answer to every environment that it concerns, each with its own namespaces.
    async fn answer(
        &mut self,
        from: u32,
        event: impl Fn(ObjectKind, BTreeSet<String>) -> ClusterEvent,
    ) -> Result<(), End> {
        let Some((kind, namespaces)) = self.watches.answered(from) else {
            return Ok(());
        };
        for (environment, own) in self.environments.clone() {
            let shared: BTreeSet<_> = own.intersection(&namespaces).cloned().collect();
            if !shared.is_empty() {
                self.send(environment, event(kind, shared)).await?;
            }
        }
        self.tell_connected().await
    }

    /// Says `Connected` to every environment whose last answer has come.
    async fn tell_connected(&mut self) -> Result<(), End> {
        for (environment, own) in self.environments.clone() {
            let complete = self.watches.complete(&own);
            if complete && self.told.insert(environment.clone()) {
                self.send(environment, ClusterEvent::Connected).await?;
            }
        }
        Ok(())
    }

    /// Starts and ends watches so that they fit what is wanted now.
    async fn follow_interest(&mut self) -> Result<(), End> {
        let interest = self.interest.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.environments, interest.environments);
        let mut added = BTreeSet::new();
        for (environment, own) in self.environments.clone() {
            let had = before.get(&environment).cloned().unwrap_or_default();
            added.extend(own.difference(&had).cloned());
            if !had.is_subset(&own) {
                let event = ClusterEvent::Narrowed { namespaces: own };
                self.send(environment, event).await?;
            }
        }
        self.told
            .retain(|environment| self.environments.contains_key(environment));
        self.arrange(&added);
        self.select(interest.notes);
        self.tell_connected().await
    }

    fn arrange(&mut self, added: &BTreeSet<String>) {
        let all = self.environments.values().flatten().cloned().collect();
        let by = (&self.client, self.options);
        self.watches.arrange(&all, added, by, &self.words);
    }

    fn select(&mut self, target: Option<NotesTarget>) {
        if self.notes.as_ref().map(|(target, _)| target) == target.as_ref() {
            return;
        }
        if let Some((_, task)) = self.notes.take() {
            task.abort();
        }
        if let Some(target) = target {
            let run = notes::run(self.client.clone(), target.clone(), self.words.clone());
            let run = caught(0, self.words.clone(), run);
            self.notes = Some((target, self.tasks.spawn(run)));
        }
    }

    /// Environments with cells in a namespace.
    fn concerned(&self, namespace: &str) -> Vec<EnvironmentName> {
        self.environments
            .iter()
            .filter(|(_, own)| own.contains(namespace))
            .map(|(environment, _)| environment.clone())
            .collect()
    }

    async fn send(&self, environment: EnvironmentName, event: ClusterEvent) -> Result<(), End> {
        let sent = self.events.send((environment, event)).await;
        sent.map_err(|_| End::Closed)
    }
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
