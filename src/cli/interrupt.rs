//! Interrupted means stopped: what a command started is gone before it ends, and what it leaves behind is said.

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep_until},
};

use super::{
    deliver::PUBLISHING,
    fail::Exit,
    output::{Output, clean},
};
use crate::{
    sources::{children, log, waiting},
    workflow,
};

/// What runs is stopped within this time, or is left to the guardian.
const STOPPING: Duration = Duration::from_secs(6);
/// How long the remote may take to say what a push has left behind.
const LOOK: Duration = Duration::from_secs(25);

/// Whether it was said that the command was interrupted: two threads may come to it.
static SAID: AtomicBool = AtomicBool::new(false);

/// The output of a command that can be interrupted, once it can.
static LISTENING: OnceLock<Output> = OnceLock::new();

/// `^C`, SIGTERM and SIGHUP end a command, even one that waits for a slow disk or a child: at once, but for one that
/// publishes. That one stops its children and looks at the remote, so that its last words are true. Further signals make
/// it no less clean.
///
/// # Errors
/// Where signals cannot be listened to.
pub(super) fn listen(output: Output) -> io::Result<()> {
    let mut signals = Signals {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        hangup: signal(SignalKind::hangup())?,
    };
    let _ = LISTENING.set(output.clone());
    tokio::spawn(async move {
        let hung_up = signals.next().await;
        let publishing = output.unfinished() == PUBLISHING;
        if publishing {
            output.note(
                "tidegate: interrupted; the push is stopped, and the remote is asked what is there",
            );
        }
        let stopped = tokio::task::spawn_blocking(children::interrupt);
        if !publishing {
            // A program that cannot even be started (its disk is gone) keeps the list of those that run.
            let _ = tokio::time::timeout(STOPPING, stopped).await;
            if !hung_up {
                // It was told to stop: what is not begun of a batch is not begun by anybody later.
                workflow::forget_later_waves();
            }
            match output.unfinished() {
                "" => say(&output, "interrupted"),
                words => say(&output, &format!("interrupted {words}")),
            }
            end();
        }
        // The command itself tells how it ended.
        let until = Instant::now() + LOOK;
        loop {
            tokio::select! {
                _ = signals.next() => drop(tokio::task::spawn_blocking(children::interrupt)),
                () = sleep_until(until) => {
                    say(&output, &format!("interrupted {PUBLISHING}"));
                    end();
                }
            }
        }
    });
    Ok(())
}

/// Says what a command waits for that stands there without a word: the first time soon, then more and more seldom.
pub(super) struct Waits {
    last: Duration,
    due: Duration,
}

impl Waits {
    /// How often is looked what is waited for.
    pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

    pub(super) fn new() -> Self {
        Self {
            last: Duration::ZERO,
            due: waiting::LONG,
        }
    }

    pub(super) fn look(&mut self) {
        let Some((output, (what, age))) = LISTENING.get().zip(waiting::longest()) else {
            return;
        };
        if age < self.last {
            self.due = waiting::LONG;
        }
        self.last = age;
        if age >= self.due {
            self.due = age * 2;
            let what = clean(&what);
            output.note(format!(
                "tidegate: {what} … {} s; ^c ends it",
                age.as_secs()
            ));
        }
    }
}

/// Ends the program; what was logged is written first.
fn end() -> ! {
    tracing::info!(exit = Exit::Interrupted.code(), "interrupted");
    let _ = log::finish();
    std::process::exit(Exit::Interrupted.code().into())
}

/// Says once that the command was interrupted.
pub(super) fn say(output: &Output, words: &str) {
    if !SAID.swap(true, Ordering::SeqCst) {
        output.note(format!("tidegate: {words}"));
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Waits for one; whether it is that the terminal went away, which nobody wanted of the command.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => false,
            _ = self.hangup.recv() => true,
        }
    }
}
