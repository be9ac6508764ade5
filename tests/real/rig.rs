//! The systems: where they are, and how one of their processes is stopped and started again.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::{Value, json};

/// Names the JSON file that describes the systems.
const VARIABLE: &str = "TIDEGATE_RIG";

/// How often a condition outside this process is looked at.
pub const GLANCE: Duration = Duration::from_millis(100);

/// What the JSON file says.
#[derive(Deserialize)]
pub struct Rig {
    /// Holds a context for every cluster, and `NAME-viewer` and `NAME-nobody` beside it.
    pub kubeconfig: PathBuf,
    /// By name.
    pub clusters: BTreeMap<String, Cluster>,
    services: Services,
    #[serde(skip)]
    file: PathBuf,
}

/// One Kubernetes cluster.
#[derive(Deserialize)]
pub struct Cluster {
    /// Its administrator's context.
    pub context: String,
    /// The API server's URL.
    pub server: String,
    /// What runs in it beside Kubernetes: `argocd`, `rollouts`, `flux`, `flagger`.
    #[serde(default)]
    pub parts: Vec<String>,
    /// Argo CD's own API.
    pub argocd: Option<ArgoCd>,
}

/// Where Argo CD's own API is.
#[derive(Clone, Deserialize)]
pub struct ArgoCd {
    /// Its root.
    pub url: String,
    /// A token of its administrator.
    pub token: String,
}

#[derive(Deserialize)]
struct Services {
    gitea: Option<Gitea>,
}

/// Where the forge is.
#[derive(Clone, Deserialize)]
pub struct Gitea {
    /// Its root.
    pub url: String,
    /// API tokens by user.
    pub tokens: BTreeMap<String, String>,
}

/// How a process is started; the rest of its entry stays as it is.
#[derive(Deserialize)]
struct Process {
    pid: u32,
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<PathBuf>,
    log: PathBuf,
}

impl Rig {
    /// The systems. Without them there is nothing that a journey could show: it fails.
    pub fn from_env() -> Self {
        let file = std::env::var_os(VARIABLE).filter(|file| !file.is_empty());
        let file = file.unwrap_or_else(|| {
            panic!("{VARIABLE} is not set; it names the JSON file that describes the systems")
        });
        let file = PathBuf::from(file);
        let text = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", file.display()));
        let mut rig: Self = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", file.display()));
        rig.file = file;
        let missing = match (&rig.services.gitea, rig.hub()) {
            (None, _) => "no Gitea",
            (_, None) => "no cluster with Argo CD",
            _ => return rig,
        };
        panic!("there is {missing} in {}", rig.file.display());
    }

    /// The cluster that Argo CD runs in, by name.
    pub fn hub(&self) -> Option<(&str, &Cluster)> {
        self.find(|cluster| cluster.parts.iter().any(|part| part == "argocd"))
    }

    /// A cluster that Argo CD deploys to from outside.
    pub fn spoke(&self) -> Option<(&str, &Cluster)> {
        let hub = self.hub()?.0;
        self.clusters
            .iter()
            .find(|(name, _)| *name != hub)
            .map(|(name, cluster)| (name.as_str(), cluster))
    }

    /// The forge.
    pub fn gitea(&self) -> &Gitea {
        self.services.gitea.as_ref().expect("a Gitea")
    }

    /// Stops a process (`edge/kube-apiserver`) until the returned guard starts it again.
    pub fn stop(&self, name: &str) -> Stopped {
        let process = self.process(name);
        for signal in ["TERM", "KILL"] {
            send(signal, process.pid);
            if until(Duration::from_secs(5), || !alive(process.pid)) {
                return Stopped {
                    file: self.file.clone(),
                    name: name.into(),
                    process,
                    started: None,
                };
            }
        }
        panic!("{name} ({}) does not end", process.pid);
    }

    /// The line that started a process, where it has ended by itself.
    pub fn ended(&self, name: &str) -> Option<Vec<String>> {
        let process = self.process(name);
        // Its number may be another's by now.
        let line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        let runs = alive(process.pid) && line.starts_with(process.command[0].as_bytes());
        (!runs).then_some(process.command)
    }

    fn find(&self, wanted: impl Fn(&Cluster) -> bool) -> Option<(&str, &Cluster)> {
        self.clusters
            .iter()
            .find(|(_, cluster)| wanted(cluster))
            .map(|(name, cluster)| (name.as_str(), cluster))
    }

    fn process(&self, name: &str) -> Process {
        let entry = described(&self.file)["processes"][name].take();
        serde_json::from_value(entry)
            .unwrap_or_else(|error| panic!("process {name} in {}: {error}", self.file.display()))
    }
}

/// A process that is down. Dropped, it is started if it was not.
pub struct Stopped {
    file: PathBuf,
    name: String,
    process: Process,
    started: Option<Child>,
}

impl Stopped {
    /// Starts it as it was started before, and writes its new id down for whoever takes the systems down.
    pub fn start(&mut self) {
        if self.started.is_some() {
            return;
        }
        let log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.process.log)
            .expect("its log");
        let mut command = Command::new(&self.process.command[0]);
        command
            .args(&self.process.command[1..])
            .envs(&self.process.env)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("its log"))
            .stderr(log)
            .process_group(0);
        if let Some(folder) = &self.process.cwd {
            command.current_dir(folder);
        }
        let child = command.spawn().expect("the process");
        let mut description = described(&self.file);
        description["processes"][&self.name]["pid"] = json!(child.id());
        let fresh = self.file.with_extension("json.new");
        fs::write(&fresh, format!("{description:#}")).expect("its description");
        fs::rename(&fresh, &self.file).expect("its description");
        self.started = Some(child);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.start();
    }
}

fn described(file: &Path) -> Value {
    let text = fs::read_to_string(file).expect("the description of the systems");
    serde_json::from_str(&text).expect("JSON")
}

/// Not for a zombie: whoever started it reaps it, sooner or later.
fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().next())
            .is_some_and(|state| state != "Z")
    })
}

fn send(signal: &str, pid: u32) {
    let _ = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal])
        .arg(pid.to_string())
        .stderr(Stdio::null())
        .status();
}

/// Looks until `condition` holds; false where it does not `within` that time.
pub fn until(within: Duration, condition: impl Fn() -> bool) -> bool {
    let end = Instant::now() + within;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(GLANCE);
    }
}

/// A line that shows even where the test harness keeps the output of what passes.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "real: {line}");
}
