//! One running demo: a temporary folder, the servers, the agents; all gone when it is dropped.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    agent::{self, Agent},
    forge::Forge,
    outside::Outside,
    seed::{self, Seeded, services::ENVIRONMENTS},
    server::{ApiServer, Mode, ServerOptions, kubeconfig},
};

const PREFIX: &str = "tidegate-demo-";
const LOCK: &str = "lock";
/// Agents look at the branch at least this often.
const GLANCE: Duration = Duration::from_millis(250);

/// How a demo is set up.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The moment that its history ends at.
    pub now: Timestamp,
    /// Seed of its pseudo-random history: the same `now` and seed make the same commits.
    pub seed: u64,
    /// How much faster than usual things happen in the clusters; 1 is usual, tests take more.
    pub speed: f64,
    /// Whether one production cluster (`prod-eu`) goes away for a while, and comes back.
    pub outage: bool,
    /// Whether production in the US is delivered by pull requests, on a forge of its own.
    pub forge: bool,
    /// Where its folder is made; `None`: the system's temporary folder.
    pub parent: Option<PathBuf>,
}

impl DemoOptions {
    /// The usual demo at that moment.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            seed: 7,
            speed: 1.0,
            outage: true,
            forge: false,
            parent: None,
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
    servers: Vec<Arc<ApiServer>>,
    /// The address of its forge, where it has one.
    pub forge: Option<String>,
    /// The registry and the smoke tests that its gates ask.
    _outside: Outside,
    _forge: Option<Forge>,
    agents: Vec<(Sender<()>, JoinHandle<()>)>,
    /// Held while the demo lives: others see by it that the folder is in use.
    _lock: File,
    _folder: TempDir,
}

/// Why the demo could not start.
#[derive(Debug, thiserror::Error)]
#[error("the demo could not {what}: {why}")]
pub struct DemoError {
    /// What it tried to do.
    pub what: &'static str,
    /// What went wrong.
    pub why: String,
}

impl DemoError {
    fn of<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self {
            what,
            why: error.to_string(),
        }
    }
}

impl Demo {
    /// Starts a demo, and removes what earlier ones that were killed left behind. Must run inside a Tokio runtime.
    /// Returns as soon as the repositories are there and the servers listen; a cluster answers a moment later.
    ///
    /// # Errors
    /// Where the temporary folder, the repositories or the loopback ports cannot be made.
    pub async fn start(options: DemoOptions) -> Result<Self, DemoError> {
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let cells = seed::outline(options.now, options.seed);
        let outside = Outside::start(&cells)
            .await
            .map_err(DemoError::of("listen on the loopback interface"))?;
        let forge = if options.forge {
            let started = Forge::start().await;
            Some(started.map_err(DemoError::of("listen on the loopback interface"))?)
        } else {
            None
        };
        let prepare = {
            let options = options.clone();
            let beside = seed::Beside {
                outside: outside.address(),
                forge: forge.as_ref().map(Forge::url),
            };
            move || {
                sweep(&parent);
                let (folder, lock) = folder(&parent).map_err(DemoError::of("make its folder"))?;
                let seeded = seed::plant(folder.path(), options.now, options.seed, &beside)
                    .map_err(DemoError::of("make its repositories"))?;
                Ok((folder, lock, seeded))
            }
        };
        let (folder, lock, seeded) = tokio::task::spawn_blocking(prepare)
            .await
            .map_err(DemoError::of("make its repositories"))??;
        let seeded = Arc::new(seeded);
        if let Some(forge) = &forge {
            forge
                .serve(seeded.remote.clone(), options.speed)
                .map_err(DemoError::of("open a pull request"))?;
        }
        let images = Arc::new(images(&seeded));
        let mut servers = Vec::new();
        for environment in ENVIRONMENTS {
            let server = ApiServer::start(ServerOptions {
                // No token: `kubectl` sends none over plain HTTP, and there is nothing to guard.
                user: "you@shop.example".to_owned(),
                graceful_pods: true,
                // Asked before it has a past, a cluster would look empty.
                mode: Mode::Hanging,
                resources: agent::resources(environment),
                ..ServerOptions::new(environment)
            });
            servers.push(Arc::new(
                server
                    .await
                    .map_err(DemoError::of("listen on the loopback interface"))?,
            ));
        }
        let kubeconfig_path = folder.path().join("kubeconfig");
        fs::write(
            &kubeconfig_path,
            kubeconfig(servers.iter().map(AsRef::as_ref)),
        )
        .map_err(DemoError::of("write its kubeconfig"))?;
        let mut agents = Vec::new();
        for server in &servers {
            let (stop, stopped) = channel();
            let runner = Runner {
                server: server.clone(),
                seeded: seeded.clone(),
                images: images.clone(),
                options: options.clone(),
                stopped,
            };
            let thread = thread::Builder::new()
                .name(format!("demo-{}", server.name()))
                .spawn(move || runner.run())
                .map_err(DemoError::of("start its agents"))?;
            agents.push((stop, thread));
        }
        Ok(Self {
            clone: seeded.clone.clone(),
            remote: seeded.remote.clone(),
            kubeconfig: kubeconfig_path,
            contexts: ENVIRONMENTS.map(str::to_owned).to_vec(),
            servers,
            forge: forge.as_ref().map(Forge::url),
            _outside: outside,
            _forge: forge,
            agents,
            _lock: lock,
            _folder: folder,
        })
    }

    /// The server of an environment: its objects, and how it answers.
    pub fn server(&self, environment: &str) -> Option<&ApiServer> {
        let mut servers = self.servers.iter();
        servers.find(|s| s.name() == environment).map(AsRef::as_ref)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        for (stop, thread) in std::mem::take(&mut self.agents) {
            drop(stop);
            // A thread that failed has nothing left to do.
            let _ = thread.join();
        }
    }
}

/// Lets one environment's agent run until it is stopped.
struct Runner {
    server: Arc<ApiServer>,
    seeded: Arc<Seeded>,
    images: Arc<HashSet<String>>,
    options: DemoOptions,
    stopped: Receiver<()>,
}

impl Runner {
    fn run(self) {
        let environment = self.server.name();
        if let Err(error) = self.live() {
            tracing::error!(environment, %error, "the demo's agent stopped");
            self.server.switch(Mode::Failing(503));
        }
    }

    fn live(&self) -> Result<(), git2::Error> {
        let (remote, speed) = (&self.seeded.remote, self.options.speed);
        let images = HashSet::clone(&self.images);
        let store = self.server.store().clone();
        let mut agent = Agent::new(remote, self.server.name(), store, speed, images)?;
        agent.remember(&self.seeded, self.options.now)?;
        self.server.switch(Mode::Serving);
        let start = Instant::now();
        let outage = self.options.outage && self.server.name() == "prod-eu";
        loop {
            let now = self
                .options
                .now
                .saturating_add(start.elapsed())
                .unwrap_or(self.options.now);
            if outage {
                let mode = outage_at(start.elapsed().mul_f64(speed));
                if mode != self.server.mode() {
                    self.server.switch(mode);
                }
            }
            // While a push is under way the branch may not be readable: the next look sees it.
            let due = agent.step(now).unwrap_or_default();
            let pause = due
                .and_then(|due| Duration::try_from(due.duration_since(now)).ok())
                .map_or(GLANCE, |pause| {
                    pause.clamp(Duration::from_millis(5), GLANCE)
                });
            match self.stopped.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return Ok(()),
            }
        }
    }
}

/// Gone 20 seconds after the start, back 25 seconds later; again every five minutes.
fn outage_at(elapsed: Duration) -> Mode {
    match elapsed.as_secs() % 300 {
        20..45 => Mode::Refusing,
        _ => Mode::Serving,
    }
}

/// Every image that was ever built, and the one that somebody built by hand.
fn images(seeded: &Seeded) -> HashSet<String> {
    let mut images: HashSet<String> = seeded
        .cells
        .iter()
        .flat_map(|cell| {
            let image = |version: &str| format!("{}/{}:{version}", seeded.outside, cell.service);
            cell.values.iter().map(move |(version, _)| image(version))
        })
        .collect();
    images.insert(format!("{}/mailer:2.0.3-hotfix.1", seeded.outside));
    images
}

/// A new folder that only this user can read, with a lock that lasts as long as the process.
fn folder(parent: &Path) -> io::Result<(TempDir, File)> {
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
    let lock = File::create(folder.path().join(LOCK))?;
    lock.lock()?;
    Ok((folder, lock))
}

/// Removes the folders of demos that were killed: their lock is free.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            // Somebody else's folder stays; so does one that another demo is just removing.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
