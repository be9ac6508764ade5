//! One kubeconfig context, connected again and again for ever.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{
    Options,
    bounds::Pace,
    connect::connect,
    failure::Failure,
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
        let failure = Failure::Broken(mistake.to_string());
        let wait = options.longest_wait;
        if !pause(&failure, wait, &mut interest, &retry, &events).await {
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
                let began = Instant::now();
                let end = Session::run(connected, interest.clone(), &events, &options).await;
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
        tracing::info!(context, reason = failure.words(), "cluster lost");
        let wait = backoff(failures, &options).max(pace.hold());
        failures = failures.saturating_add(1);
        if !pause(&failure, wait, &mut interest, &retry, &events).await {
            return;
        }
    }
}

/// Tells of the loss and waits; `false` when nobody wants the connection any more.
async fn pause(
    failure: &Failure,
    wait: Duration,
    interest: &mut watch::Receiver<Interest>,
    retry: &Notify,
    events: &Events,
) -> bool {
    let until = Instant::now() + wait;
    let next_try = Timestamp::now().checked_add(wait).ok();
    loop {
        let environments = interest.borrow_and_update().environments.clone();
        for environment in environments.into_keys() {
            let event = ClusterEvent::Lost {
                reason: failure.words(),
                next_try,
            };
            if events.send((environment, event)).await.is_err() {
                return false;
            }
        }
        tokio::select! {
            () = sleep_until(until) => return true,
            () = retry.notified() => return true,
            () = events.closed() => return false,
            // Environments that came just now want to know too.
            changed = interest.changed() => if changed.is_err() { return false },
        }
    }
}

/// Doubles from the first wait to the longest, up to a quarter more or less so that many do not come at once.
pub(super) fn backoff(failures: u32, options: &Options) -> Duration {
    let doubled = options
        .first_wait
        .saturating_mul(2_u32.saturating_pow(failures.min(16)))
        .min(options.longest_wait);
    // A hasher with a fresh key is random enough for this.
    let random = RandomState::new().hash_one(failures) % 500;
    let thousandths = u32::try_from(random).unwrap_or_default() + 750;
    (doubled * thousandths / 1000).min(options.longest_wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_no_further() {
        let options = Options::default();
        for (failures, low, high) in [
            (0, 375, 625),
            (1, 750, 1250),
            (3, 3000, 5000),
            (6, 22_500, 30_000),
            (4_000_000, 22_500, 30_000),
        ] {
            let wait = backoff(failures, &options).as_millis();
            assert!((low..=high).contains(&wait), "{failures}: {wait} ms");
        }
    }
}
