//! One journey's own deployment repository, its clones, and what Argo CD makes of it in the clusters.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    cluster::Cluster,
    forge::Repository,
    rig::{GLANCE, Rig, note, until},
    said::Said,
    seed::{self, FIRST, SERVICES},
    terminal::{Setup, TIDEGATE, isolated},
};

/// How long Argo CD and a cluster may take over one change. It looks at Git every ten seconds.
pub const ROLLOUT: Duration = Duration::from_mins(2);

/// How long things may take to go away.
const REMOVAL: Duration = Duration::from_mins(1);

/// An environment that is deployed somewhere. There is `dev` before them, which nothing deploys.
pub struct Environment {
    /// The column.
    pub name: &'static str,
    /// The cluster's name in the description, which is also its context.
    pub cluster: String,
    client: Cluster,
    parts: Vec<String>,
    /// What Argo CD calls the cluster.
    destination: String,
}

impl Environment {
    /// Whether something runs in its cluster beside Kubernetes.
    pub fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|it| it == part)
    }
}

/// Everything of one journey.
pub struct World {
    /// The systems.
    pub rig: Rig,
    /// `staging`, on a spoke where there is one, and `prod`, on the hub.
    pub environments: [Environment; 2],
    /// The remote.
    pub repository: Repository,
    /// Part of every name that this journey makes outside.
    pub run: String,
    hub: Cluster,
    folder: TempDir,
    runtime: Runtime,
    journey: &'static str,
    began: Instant,
    _turn: Turn,
}

/// Journeys share the systems, but one that stops a process of theirs has them for itself.
enum Turn {
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

impl Turn {
    fn take(alone: bool) -> Self {
        static SYSTEMS: RwLock<()> = RwLock::new(());
        if alone {
            let guard = SYSTEMS.write().unwrap_or_else(PoisonError::into_inner);
            Self::Alone { _guard: guard }
        } else {
            let guard = SYSTEMS.read().unwrap_or_else(PoisonError::into_inner);
            Self::Shared { _guard: guard }
        }
    }
}

impl World {
    /// Makes the repository, has Argo CD follow it, and waits until all of it runs.
    pub fn start(journey: &'static str) -> Self {
        Self::begin(journey, false)
    }

    /// The same for a journey that stops a process of the systems.
    pub fn start_alone(journey: &'static str) -> Self {
        Self::begin(journey, true)
    }

    fn begin(journey: &'static str, alone: bool) -> Self {
        let rig = Rig::from_env();
        let turn = Turn::take(alone);
        // A second one is refused, and just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let began = Instant::now();
        let runtime = Runtime::new().expect("a runtime");
        let run = unique();
        let (hub, environments) = runtime.block_on(connect(&rig));
        let repository = runtime.block_on(Repository::create(rig.gitea(), &run));
        let world = Self {
            rig,
            environments,
            repository,
            run,
            hub,
            folder: tempfile::tempdir().expect("a temporary folder"),
            runtime,
            journey,
            began,
            _turn: turn,
        };
        world.seed();
        world.note(&format!("{} pushed", world.repository.url()));
        world.deploy();
        world
    }

    /// A fact, with the time since the journey began.
    pub fn note(&self, fact: &str) {
        note(&format!(
            "{:>6.1}s {}: {fact}",
            self.began.elapsed().as_secs_f32(),
            self.journey
        ));
    }

    /// Waits on an asynchronous answer.
    pub fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// The operator's clone: Tidegate works on it.
    pub fn clone(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    /// The operator's home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// An environment by name.
    pub fn environment(&self, name: &str) -> &Environment {
        self.environments
            .iter()
            .find(|environment| environment.name == name)
            .expect("an environment that is deployed")
    }

    /// Where a cell is deployed.
    pub fn namespace(&self, service: &str, environment: &str) -> String {
        format!("{}-{service}-{environment}", self.run)
    }

    /// Runs Tidegate as a command in the operator's clone.
    pub fn tidegate(&self, arguments: &[&str]) -> Said {
        let began = Instant::now();
        let output = self
            .isolated(TIDEGATE)
            .env("KUBECONFIG", &self.rig.kubeconfig)
            .args(arguments)
            .current_dir(self.clone())
            .output()
            .expect("the binary");
        let said = Said::of(&output, began.elapsed());
        for text in [&said.output, &said.words] {
            assert!(
                !text.contains(self.repository.token()),
                "a token shows in {arguments:?}"
            );
        }
        said
    }

    /// Tidegate's screen in the operator's clone.
    pub fn screen(&self, arguments: &[&str]) -> Setup {
        Setup::tidegate(arguments)
            .env("KUBECONFIG", &self.rig.kubeconfig)
            .home(self.home())
            .folder(self.clone())
    }

    /// A colleague pushes a version by hand. The commit's id.
    pub fn bump(&self, service: &str, environment: &str, version: &str) -> String {
        let work = self.folder.path().join("colleague");
        self.git(&work, &["pull", "-q", "--ff-only"]);
        let path = seed::overlay(service, environment);
        let file = work.join(&path);
        let before = fs::read_to_string(&file).expect("an overlay");
        let after: String = before
            .lines()
            .map(|line| match line.split_once("newTag:") {
                Some((indent, _)) => format!("{indent}newTag: {version}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        fs::write(&file, after).expect("an overlay");
        self.git(
            &work,
            &[
                "commit",
                "-qam",
                &format!("Update {service} to {version} in {environment}"),
            ],
        );
        self.git(&work, &["push", "-q"]);
        self.git(&work, &["rev-parse", "HEAD"])
    }

    /// A colleague pushes a version to a branch of its own. The branch.
    pub fn propose(&self, service: &str, environment: &str, version: &str) -> String {
        let work = self.folder.path().join("colleague");
        self.git(&work, &["pull", "-q", "--ff-only"]);
        let file = work.join(seed::overlay(service, environment));
        let before = fs::read_to_string(&file).expect("an overlay");
        fs::write(&file, before.replace(FIRST, version)).expect("an overlay");
        let branch = format!("update-{service}-{environment}-{version}");
        self.git(&work, &["commit", "-qam", "Update by a colleague"]);
        self.git(
            &work,
            &["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")],
        );
        self.git(&work, &["reset", "-q", "--hard", "origin/main"]);
        branch
    }

    /// A colleague changes a file and pushes it.
    pub fn change(&self, path: &str, subject: &str, change: impl Fn(&str) -> String) {
        let work = self.folder.path().join("colleague");
        self.git(&work, &["pull", "-q", "--ff-only"]);
        let file = work.join(path);
        let before = fs::read_to_string(&file).expect("a file");
        fs::write(&file, change(&before)).expect("a file");
        self.git(&work, &["commit", "-qam", subject]);
        self.git(&work, &["push", "-q"]);
    }

    /// A colleague adds a file and pushes it.
    pub fn add(&self, path: &str, text: &str, subject: &str) {
        let work = self.folder.path().join("colleague");
        self.git(&work, &["pull", "-q", "--ff-only"]);
        fs::write(work.join(path), text).expect("a file");
        self.git(&work, &["add", path]);
        self.git(&work, &["commit", "-qm", subject]);
        self.git(&work, &["push", "-q"]);
    }

    /// Argo CD leaves a cell alone from now on; what it deployed stays.
    pub fn release(&self, service: &str, environment: &str) {
        let name = self.namespace(service, environment);
        let gone = self.wait(self.hub.unfollow(&name));
        assert_eq!(Ok(()), gone);
    }

    /// Argo CD syncs a cell by hand alone from now on.
    pub fn manual(&self, service: &str, environment: &str) {
        let name = self.namespace(service, environment);
        self.wait(self.hub.manual(&name));
        // A comparison that is under way still syncs by itself what comes next.
        let compared = || self.wait(self.hub.is_compared(&name));
        assert!(until(ROLLOUT, compared), "{name} is not compared");
    }

    /// Applies an object in an environment's cluster.
    pub fn apply(&self, environment: &str, object: &serde_json::Value) {
        self.wait(self.environment(environment).client.apply(object));
    }

    /// Applies an object in the cluster that Argo CD is in.
    pub fn apply_in_hub(&self, object: &serde_json::Value) {
        self.wait(self.hub.apply(object));
    }

    /// Applies an `ApplicationSet` of Argo CD's that cannot generate, and gives it the Application of a cell, as it was synced
    /// last.
    pub fn cannot_generate(&self, service: &str, environment: &str) {
        let application = self.namespace(service, environment);
        let set = format!("set-{application}");
        let template = serde_json::json!({
            "metadata": {"name": "{{.absent}}"},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.repository.url(), "path": "apps"},
                "destination": {"name": "in-cluster", "namespace": application},
            },
        });
        self.apply_in_hub(&serde_json::json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
            "metadata": {"name": set, "namespace": "argocd"},
            "spec": {
                "goTemplate": true, "goTemplateOptions": ["missingkey=error"],
                "generators": [{"list": {"elements": [{"name": "one"}]}}],
                "template": template,
            },
        }));
        let seen = || self.argo_cd(&format!("applicationsets/{set}"));
        let there = until(ROLLOUT, || seen()["metadata"]["uid"].is_string());
        assert!(there, "{set} is known: {:#}", seen());
        let maker = serde_json::json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
            "name": set, "uid": seen()["metadata"]["uid"]});
        let synced = self.argo_cd(&format!("applications/{application}"));
        let revision = &synced["status"]["operationState"]["syncResult"]["revision"];
        assert!(revision.is_string(), "{synced:#}");
        self.wait(self.hub.own(&application, &maker, revision));
    }

    /// What Argo CD's own API answers for a path; null where it does not.
    pub fn argo_cd(&self, path: &str) -> serde_json::Value {
        let api = self.rig.hub().and_then(|(_, hub)| hub.argocd.clone());
        let api = api.expect("Argo CD's own API");
        let asked = async {
            let client = reqwest::Client::new();
            let url = format!("{}/api/v1/{path}", api.url);
            let answer = client.get(url).bearer_auth(&api.token).send().await.ok()?;
            answer.json().await.ok()
        };
        self.wait(asked).unwrap_or_default()
    }

    /// Git, isolated, in a folder. Its output.
    pub fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        let mut command = self.isolated("git");
        for (name, value) in [("AUTHOR", "Alva Author"), ("COMMITTER", "Alva Author")] {
            command.env(format!("GIT_{name}_NAME"), value);
        }
        let output = command
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("git");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().into()
    }

    /// Waits until the cluster itself serves `version` in a cell, and nothing else.
    pub fn until_served(&self, service: &str, environment: &str, version: &str) -> Duration {
        let namespace = self.namespace(service, environment);
        let began = Instant::now();
        self.wait(async {
            loop {
                let running = self.environment(environment).client.running(&namespace, service).await;
                if running.as_ref().is_some_and(|running| running.serves(version)) {
                    return;
                }
                if began.elapsed() > ROLLOUT {
                    let argo = self.hub.application(&namespace).await;
                    panic!("{service}/{environment} does not serve {version} after {ROLLOUT:?}: {running:?}; Argo CD: {argo}");
                }
                tokio::time::sleep(GLANCE).await;
            }
        });
        began.elapsed()
    }

    /// Does the cluster itself serve `version` in a cell?
    pub fn serves(&self, service: &str, environment: &str, version: &str) -> bool {
        let namespace = self.namespace(service, environment);
        let client = &self.environment(environment).client;
        self.wait(client.running(&namespace, service))
            .is_some_and(|running| running.serves(version))
    }

    /// Does an environment's API server answer?
    pub fn answers(&self, environment: &str) -> bool {
        self.wait(self.environment(environment).client.answers())
    }

    /// `tidegate.toml` with the contexts that are asked for.
    pub fn configuration(&self, context: impl Fn(&Environment) -> String) -> String {
        let columns = self
            .environments
            .each_ref()
            .map(|environment| (environment.name, context(environment)));
        seed::configuration(&self.run, &columns)
    }

    fn isolated(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(isolated(&self.home()));
        command
    }

    fn seed(&self) {
        let root = self.folder.path();
        fs::create_dir_all(self.home()).expect("a home");
        let credentials = root.join("credentials");
        fs::write(&credentials, self.repository.credential()).expect("credentials");
        let helper = format!("credential.helper=store --file={}", credentials.display());
        let url = self.repository.url();
        self.git(root, &["clone", "-q", "-c", &helper, &url, "colleague"]);
        let work = root.join("colleague");
        self.git(&work, &["checkout", "-qB", "main"]);
        let configuration = self.configuration(|environment| environment.cluster.clone());
        seed::files(&work, &configuration);
        self.git(&work, &["add", "."]);
        self.git(&work, &["commit", "-qm", "Everything as it is"]);
        self.git(&work, &["push", "-q", "-u", "origin", "main"]);
        self.git(root, &["clone", "-q", "-c", &helper, &url, "clone"]);
    }

    fn deploy(&self) {
        for (service, _) in SERVICES {
            for environment in &self.environments {
                let namespace = self.namespace(service, environment.name);
                let path = format!("apps/{service}/overlays/{}", environment.name);
                let url = self.repository.url();
                self.wait(self.hub.follow(
                    &namespace,
                    &url,
                    &path,
                    &environment.destination,
                    &namespace,
                ));
            }
        }
        for (service, _) in SERVICES {
            for environment in &self.environments {
                self.until_served(service, environment.name, FIRST);
            }
        }
        self.note(&format!(
            "Argo CD has deployed {} cells",
            SERVICES.len() * self.environments.len()
        ));
    }

    /// Asks for everything to go until it has gone: an API server may only just be on its way back.
    async fn remove(&self) -> Vec<String> {
        let end = Instant::now() + REMOVAL;
        let mut failures = Vec::new();
        for (service, _) in SERVICES {
            for environment in &self.environments {
                let name = self.namespace(service, environment.name);
                failures.extend(self.hub.unfollow(&name).await.err());
            }
        }
        failures.extend(self.repository.delete().await.err());
        for (service, _) in SERVICES {
            for environment in &self.environments {
                let name = self.namespace(service, environment.name);
                let _ = environment.client.delete_namespace(&name).await;
            }
        }
        for (service, _) in SERVICES {
            for environment in &self.environments {
                let name = self.namespace(service, environment.name);
                while environment.client.has_namespace(&name).await {
                    let asked = environment.client.delete_namespace(&name).await;
                    if Instant::now() > end {
                        failures.push(format!("namespace {name} is still there: {asked:?}"));
                        break;
                    }
                    tokio::time::sleep(GLANCE).await;
                }
            }
        }
        failures
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let failures = self.runtime.block_on(self.remove());
        for failure in &failures {
            self.note(&format!("left behind: {failure}"));
        }
        if failures.is_empty() {
            self.note("everything taken away again");
        } else if !std::thread::panicking() {
            panic!("left behind: {failures:?}");
        }
    }
}

async fn connect(rig: &Rig) -> (Cluster, [Environment; 2]) {
    let (hub_name, hub) = rig.hub().expect("a hub");
    let (spoke_name, spoke) = rig.spoke().unwrap_or((hub_name, hub));
    let inside = "https://kubernetes.default.svc";
    let outside = if spoke_name == hub_name {
        inside
    } else {
        &spoke.server
    };
    let hub_client = Cluster::connect(&rig.kubeconfig, &hub.context).await;
    let environments = [
        Environment {
            name: "staging",
            cluster: spoke.context.clone(),
            client: Cluster::connect(&rig.kubeconfig, &spoke.context).await,
            parts: spoke.parts.clone(),
            destination: outside.into(),
        },
        Environment {
            name: "prod",
            cluster: hub.context.clone(),
            client: hub_client.clone(),
            parts: hub.parts.clone(),
            destination: inside.into(),
        },
    ];
    (hub_client, environments)
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("tg-{:x}-{count}", now.as_millis() & 0xffff_ffff)
}
