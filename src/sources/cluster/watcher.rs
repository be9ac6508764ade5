//! One watch: a kind in a namespace, or everywhere.

use std::{collections::BTreeSet, sync::Arc};

use futures::StreamExt;
use kube::{Client, runtime::watcher::Error};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use super::{
    Options,
    bounds::{STEADY, backoff},
    error::ClusterError,
    kinds::{self, Answer, Kind},
};
use crate::{
    domain::rollout::{ClusterObject, Held, ObjectKind, Presence},
    sources::mistake::caught_in,
};

/// Failures in a row after which a watch counts as broken although its server lives.
const TOO_MANY: u32 = 6;

/// How much less often than others a kind that only tells more is asked for that a server does not have.
const SELDOM: u32 = 10;

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
    Failed(ClusterError),
    /// The server gave a sign of life.
    Alive,
    /// Whether something is there that was asked for by its name.
    Held {
        held: Held,
        presence: Presence,
    },
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
        let failure = ClusterError::Broken(mistake.to_string());
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
    watch.run(client).await;
}

/// The receiver is gone: the session has ended.
struct Over;

/// How a watch that failed continues.
enum Next {
    /// Where it was.
    GoOn,
    /// With a list.
    List,
}

/// Whether the server itself said that it failed; else nothing came from it.
fn is_answer(error: &Error) -> bool {
    match error {
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => matches!(error, kube::Error::Api(_)),
        Error::WatchError(_) | Error::NoResourceVersion => true,
    }
}

struct Watch {
    options: Options,
    id: u32,
    key: WatchKey,
    wanted: Arc<BTreeSet<String>>,
    out: mpsc::Sender<(u32, Word)>,
}

impl Watch {
    async fn run(self, client: Client) {
        let row = kinds::of(self.key.kind);
        let watch = || {
            let namespace = self.key.namespace.as_deref();
            row.watch(client.clone(), namespace, self.wanted.clone())
        };
        let mut answers = watch();
        // A re-list becomes one answer: nothing of it shows before it is complete.
        let mut list = Vec::new();
        let mut failures = 0;
        let mut seen = 0;
        // Only a time without failures ends their row: a list that is answered between two of them does not.
        let mut quiet_since = Instant::now();
        // Whoever may list but not watch is refused again right behind a list: it is told once the watch has lasted.
        let mut doubted = false;
        let mut held = None;
        loop {
            let answer = match &held {
                None => answers.next().await,
                Some(_) => match timeout(self.options.patience, answers.next()).await {
                    Ok(answer) => answer,
                    Err(_) => Some(Ok(Answer::Elsewhere)),
                },
            };
            let Some(answer) = answer else { return };
            // Neither a failure nor a list from the beginning shows that a watch has lasted.
            if !matches!(answer, Err(_) | Ok(Answer::Begin))
                && let Some(objects) = held.take()
            {
                doubted = false;
                if self.say(Word::Listed(objects)).await.is_err() {
                    return;
                }
            }
            let told = match answer {
                Ok(Answer::Begin) => {
                    seen = 0;
                    list = Vec::new();
                    held = None;
                    Ok(())
                }
                Ok(Answer::Item(object)) => {
                    list.extend(object);
                    seen += 1;
                    if seen > MOST {
                        let message = format!("the list does not end: more than {MOST} objects");
                        let word = if self.key.kind.is_custom() {
                            Word::Denied(message)
                        } else {
                            Word::Failed(ClusterError::Broken(message))
                        };
                        let _ = self.say(word).await;
                        return;
                    }
                    Ok(())
                }
                Ok(Answer::End) => {
                    let objects = std::mem::take(&mut list);
                    if doubted {
                        held = Some(objects);
                        Ok(())
                    } else {
                        self.say(Word::Listed(objects)).await
                    }
                }
                Ok(Answer::Applied(object)) => self.say(Word::Applied(object)).await,
                Ok(Answer::Deleted { namespace, name }) => {
                    self.say(Word::Deleted { namespace, name }).await
                }
                Ok(Answer::Elsewhere) => Ok(()),
                Err(error) => {
                    // Pauses between watches are no time in which one lasted.
                    if quiet_since.elapsed() >= STEADY + self.options.longest_wait {
                        failures = 0;
                    }
                    failures += 1;
                    let told = self.failed(&row, &client, &error, failures).await;
                    quiet_since = Instant::now();
                    match told {
                        // What was known has been forgotten: it is listed again, not taken up where it was.
                        Ok(Next::List) => {
                            doubted = matches!(error, Error::WatchStartFailed(_));
                            // It answered, and is asked again only after a while: that is no row of failures.
                            failures = 0;
                            held = None;
                            answers = watch();
                            Ok(())
                        }
                        // It is taken up behind the list, which is not listed again: what is held stays so.
                        Ok(Next::GoOn) => Ok(()),
                        Err(over) => Err(over),
                    }
                }
            };
            if told.is_err() {
                return;
            }
        }
    }

    /// Tells what failed and waits before the watch goes on.
    async fn failed(
        &self,
        row: &Kind,
        client: &Client,
        error: &Error,
        times: u32,
    ) -> Result<Next, Over> {
        let mut failure = ClusterError::from(error);
        // Whoever may list nothing of a kind is told so where there is no such kind, too.
        let is_refused = matches!(failure, ClusterError::Denied(_));
        if is_refused && self.key.kind == ObjectKind::Rollout && !row.is_served(client).await {
            failure = ClusterError::Absent;
        }
        tracing::debug!(kind = %row, namespace = ?self.key.namespace, %error, times, "watch failed");
        match failure {
            ClusterError::Denied(what) => {
                tracing::info!(kind = %row, what, not_known = row.needed_for, "refused");
                self.say(Word::Denied(what)).await?;
                sleep(self.options.ask_again).await;
                return Ok(Next::List);
            }
            ClusterError::Absent => {
                tracing::info!(kind = %row, not_known = row.needed_for, "not served");
                self.say(Word::Absent).await?;
                // Most clusters have no agent, or one of several, and few of what stands beside workloads.
                let times = if self.key.kind.is_beside() { SELDOM } else { 1 };
                sleep(self.options.ask_again * times).await;
                return Ok(Next::List);
            }
            ClusterError::Gone | ClusterError::Busy(_) if times < TOO_MANY => {
                // There are many kinds that only tell more: together they are no storm either.
                let more = if self.key.kind.is_custom() { 2 } else { 0 };
                self.back_off(times + more).await;
            }
            // A stream that breaks is taken up where it was; a proxy may just have tired of it.
            ClusterError::Broken(_)
                if matches!(error, Error::WatchFailed(_)) && times < TOO_MANY =>
            {
                self.say(Word::Hiccup).await?;
                self.back_off(times).await;
            }
            // A server that is lost is told by what is watched beside: what was known of its agents stands as that of a lost one.
            ClusterError::Broken(_)
                if self.key.kind.is_custom() && !is_answer(error) && times < TOO_MANY =>
            {
                self.back_off(times).await;
            }
            failure if self.key.kind.is_custom() && !failure.is_unauthorized() => {
                // What others define and cannot be read, as where a webhook of theirs fails, take nothing of what runs away.
                tracing::info!(kind = %row, why = failure.message(), "not known");
                self.say(Word::Denied(failure.message())).await?;
                sleep(self.options.ask_again).await;
                return Ok(Next::List);
            }
            failure => {
                self.say(Word::Failed(failure)).await?;
                return Err(Over);
            }
        }
        Ok(Next::GoOn)
    }

    async fn back_off(&self, times: u32) {
        sleep(backoff(times.saturating_sub(1), &self.options)).await;
    }

    async fn say(&self, word: Word) -> Result<(), Over> {
        self.out.send((self.id, word)).await.map_err(|_| Over)
    }
}
