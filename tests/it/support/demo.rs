//! The demo's clusters behind the real binary, which runs in the demo's clone.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{path::PathBuf, process::Command};

use jiff::Timestamp;
use serde_json::Value;
use tidegate::demo::{Demo, DemoOptions};

use super::{
    repo::{Repository, Said, ran, write},
    terminal::TIDEGATE,
};

/// A demo without its outage.
pub async fn demo(speed: f64) -> Demo {
    let mut options = DemoOptions::new(Timestamp::now());
    options.speed = speed;
    options.outage = false;
    Demo::start(options).await.unwrap()
}

/// A demo, and a home for whoever works in its clone.
pub struct Operated {
    /// The demo.
    pub demo: Demo,
    /// Where the home is.
    pub home: Repository,
}

impl Operated {
    /// Starts one.
    pub async fn start(speed: f64) -> Self {
        let home = Repository::empty();
        let demo = demo(speed).await;
        Self { demo, home }
    }

    /// The binary in the demo's clone.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(TIDEGATE);
        command
            .args(arguments)
            .env("KUBECONFIG", &self.demo.kubeconfig)
            .current_dir(&self.demo.clone);
        command
    }

    /// Runs it, away from the threads that play the clusters.
    pub async fn tidegate(&self, arguments: &[&str]) -> Said {
        let command = self.command(arguments);
        tokio::task::spawn_blocking(move || ran(command, ""))
            .await
            .unwrap()
    }

    /// The configuration of the demo.
    pub fn configuration(&self) -> String {
        std::fs::read_to_string(self.demo.clone.join("tidegate.toml")).unwrap()
    }

    /// Puts a file where nobody else's is.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.home().join(name);
        write(&path, text.as_bytes());
        path
    }
}

/// The cell of a row of `status -o json`.
pub fn cell<'a>(status: &'a Value, service: &str, environment: &str) -> &'a Value {
    let rows = status["services"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == service).unwrap();
    &row["cells"][environment]
}
