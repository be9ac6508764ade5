//! One kubeconfig context, connected again and again for ever.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{
    Options,
    bounds::{Pace, backoff},
    connect::connect,
    error::ClusterError,
    session::{End, Events, Interest, Session},
};
use crate::{
    domain::rollout::ClusterEvent,
    sources::mistake::{self, caught_in},
};

/// [`keep`], begun again where it panics: a mistake of ours costs one cluster some time.
pub(super) async fn keep_always(
    context: String,
    mut interest: watch::Receiver<Interest>,
    retry: Arc<Notify>,
    events: Events,
    options: Options,
) {
    loop {
        let (wanted, again) = (interest.clone(), retry.clone());
        let kept = keep(
            context.clone(),
            wanted,
            again,
            events.clone(),
            options.clone(),
        );
        let Err(mistake) = caught_in(kept).await else {
            return;
        };
        let failure = ClusterError::Broken(mistake.to_string());
        let wait = options.longest_wait;
        if !pause(&context, &failure, wait, &mut interest, &retry, &events).await {
            return;
        }
    }
}

/// Connects, watches, and after each loss waits and connects again; ends when `interest` or `events` does.
async fn keep(
    context: String,
    mut interest: watch::Receiver<Interest>,
    retry: Arc<Notify>,
    events: Events,
    options: Options,
) {
    let mut failures = 0;
    let pace = Pace::new(&options);
    loop {
        mistake::if_asked("cluster");
        let failure = match connect(&context, &options, &pace).await {
            Err(failure) => failure,
            Ok(connected) => {
                tracing::info!(context, server = connected.server, "cluster connected");
                let began = Instant::now();
                let end =
                    Session::run(&context, connected, interest.clone(), &events, &options).await;
                // One that lasted for a while ends the backoff of the failures before it.
                let steady = began.elapsed() >= options.longest_wait / 3;
                if steady {
                    failures = 0;
                }
                match end {
                    End::Closed => return,
                    // Credentials that end at once are no good: that is a loss like another.
                    End::Renew(_) if steady => continue,
                    End::Renew(failure) | End::Lost(failure) => failure,
                }
            }
        };
        tracing::info!(context, reason = failure.message(), "cluster lost");
        let wait = backoff(failures, &options).max(pace.hold());
        failures = failures.saturating_add(1);
        if !pause(&context, &failure, wait, &mut interest, &retry, &events).await {
            return;
        }
    }
}

/// Tells of the loss and waits; `false` when nobody wants the connection any more.
async fn pause(
    context: &str,
    failure: &ClusterError,
    wait: Duration,
    interest: &mut watch::Receiver<Interest>,
    retry: &Notify,
    events: &Events,
) -> bool {
    let until = Instant::now() + wait;
    let next_try = Timestamp::now().checked_add(wait).ok();
    let event = ClusterEvent::Lost {
        reason: failure.message(),
        next_try,
    };
    if events.send((context.to_owned(), event)).await.is_err() {
        return false;
    }
    loop {
        tokio::select! {
            () = sleep_until(until) => return true,
            () = retry.notified() => return true,
            () = events.closed() => return false,
            // What is looked for changed: it is looked for once there is a connection.
            changed = interest.changed() => if changed.is_err() { return false },
        }
    }
}
