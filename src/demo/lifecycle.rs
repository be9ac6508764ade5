//! One running demo: a temporary folder, the servers, the agents; all gone when it is dropped.

use std::path::PathBuf;

use jiff::Timestamp;

/// How a demo is set up.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The moment that its history ends at.
    pub now: Timestamp,
    /// Seed of its pseudo-random history: the same `now` and seed make the same commits.
    pub seed: u64,
    /// How much faster than usual things happen in the clusters; 1 is usual, tests take more.
    pub speed: f64,
    /// Whether one production cluster goes away for a while, and comes back.
    pub outage: bool,
}

impl DemoOptions {
    /// The usual demo at that moment.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            seed: 7,
            speed: 1.0,
            outage: true,
        }
    }
}

/// A running demo. Dropping it stops the servers and removes its folder.
#[derive(Debug)]
pub struct Demo {
    /// The clone to open: a work tree whose `origin` is the demo's remote.
    pub clone: PathBuf,
    /// The bare repository that is pushed to.
    pub remote: PathBuf,
    /// A kubeconfig with one context per environment.
    pub kubeconfig: PathBuf,
    /// The contexts, in promotion order: `dev`, `staging`, `prod-eu`, `prod-us`.
    pub contexts: Vec<String>,
}

/// Why the demo could not start.
#[derive(Debug, thiserror::Error)]
#[error("the demo could not {what}: {why}")]
pub struct DemoError {
    /// What it tried to do.
    pub what: &'static str,
    /// What went wrong, and what to do next.
    pub why: String,
}

impl Demo {
    /// Starts a demo. Must run inside a Tokio runtime; takes a fraction of a second.
    ///
    /// # Errors
    /// Where the temporary folder, the repositories or the loopback ports cannot be made.
    pub async fn start(_options: DemoOptions) -> Result<Self, DemoError> {
        tokio::task::yield_now().await;
        Err(DemoError {
            what: "start",
            why: "it is not finished yet".to_owned(),
        })
    }
}
