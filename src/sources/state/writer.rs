//! A thread that writes to the state folder, so that nobody stands still where that does not come back.
//!
//! What is kept can be lost without harm; a screen that takes no keys, or a confirmed push that does not begin, is harm.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

type Job = Box<dyn FnOnce() + Send>;

/// So much waits to be written; what comes then is lost.
const WAITING: usize = 256;

/// Writes in the order in which it is asked to.
#[derive(Debug)]
pub struct Writer {
    jobs: SyncSender<Job>,
    /// It did not come back in time once: nobody waits for it any more.
    gone: AtomicBool,
}

impl Writer {
    /// Starts the thread. It ends with the last job, once this is dropped, and nobody joins it.
    pub fn start() -> Self {
        let (jobs, inbox) = sync_channel::<Job>(WAITING);
        let running = thread::Builder::new().name("state".to_owned());
        // Where there is no thread, nothing is kept.
        let gone = running.spawn(move || inbox.into_iter().for_each(|job| job()));
        Self {
            jobs,
            gone: AtomicBool::new(gone.is_err()),
        }
    }

    /// Writes beside everything else.
    pub fn later(&self, job: impl FnOnce() + Send + 'static) {
        if let Err(TrySendError::Full(_)) = self.jobs.try_send(Box::new(job)) {
            tracing::warn!("the state folder does not come back: something is not kept");
        }
    }

    /// Writes behind what was asked for before, and waits for it; `None` where that takes longer than `patience`, and from then
    /// on at once, though what comes is still written if it can be.
    pub fn now<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        self.later(move || drop(answer.send(job())));
        if self.gone.load(Ordering::Relaxed) {
            return answered.try_recv().ok();
        }
        let found = answered.recv_timeout(patience).ok();
        if found.is_none() {
            self.gone.store(true, Ordering::Relaxed);
            tracing::warn!("the state folder does not come back: it is not waited for any more");
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex, mpsc},
        time::Instant,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn it_writes_in_order_and_answers() {
        let writer = Writer::start();
        let told = Arc::new(Mutex::new(Vec::new()));
        for number in 0..WAITING {
            let told = Arc::clone(&told);
            writer.later(move || told.lock().unwrap().push(number));
        }
        let seen = Arc::clone(&told);
        let count = writer.now(LONG, move || seen.lock().unwrap().len());
        // The last one may have found no room.
        assert!(count.is_none() || count == Some(WAITING), "{count:?}");
        assert!(told.lock().unwrap().is_sorted());
    }

    #[test]
    fn one_that_hangs_is_waited_for_once_and_costs_no_memory() {
        let writer = Writer::start();
        let (let_go, held) = mpsc::channel::<()>();
        writer.later(move || held.recv().unwrap_or_default());
        assert_eq!(writer.now(Duration::from_millis(10), || 1), None);
        let began = Instant::now();
        for _ in 0..10 * WAITING {
            assert_eq!(writer.now(LONG, || 1), None);
        }
        assert!(began.elapsed() < LONG);
        drop(let_go);
    }
}
