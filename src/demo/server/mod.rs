//! A small Kubernetes API server in this process: HTTP/1.1 on a loopback port, objects in memory, the real protocol of
//! lists, watches, patches and errors. No controllers: those are in [`agent`](super::agent).

mod call;
mod discovery;
mod http;
mod log;
mod patch;
mod query;
mod review;
mod selector;
mod state;
mod status;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod view;
mod watch;
mod write;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch as channel,
    task::{JoinHandle, JoinSet},
};

pub use self::{
    discovery::Resource,
    query::{Page, Query},
    selector::Selector,
    state::{Change, stamp},
    status::ApiError,
    store::Store,
    write::Part,
};
use super::AGAIN;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Its name: the kubeconfig context, and part of its objects' unique ids.
    pub name: String,
    /// The bearer token that every request must carry; `None`: none is asked for.
    pub token: Option<String>,
    /// Who the token is, in refusals.
    pub user: String,
    /// How many changes are kept for watches; older resource versions are 410 Gone.
    pub keep: usize,
    /// How often watches that allow it get a bookmark.
    pub bookmark_every: Duration,
    /// Deleting a pod only marks it; who plays the kubelet removes it.
    pub graceful_pods: bool,
    /// Resource types beside the built-in ones.
    pub resources: Vec<Resource>,
    /// How it answers at first.
    pub mode: Mode,
}

impl ServerOptions {
    /// The usual set-up of a server of that name: no token, pods go at once.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            token: None,
            user: "demo".to_owned(),
            keep: 4096,
            bookmark_every: Duration::from_mins(1),
            graceful_pods: false,
            resources: Vec::new(),
            mode: Mode::Serving,
        }
    }
}

/// How a server answers, changed while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Serving,
    /// Not at all: connections are refused, open ones are cut. The port stays its own.
    Refusing,
    /// Takes requests and never answers; open watches fall silent.
    Hanging,
    /// Every request fails with this HTTP code (such as 503 or 401); open watches end.
    Failing(u16),
    /// As it should, but each answer begins only after this long; open watches go on.
    Slow(Duration),
    /// Every answer is a page for browsers, as where a proxy stands in between; open watches end.
    Garbage,
    /// Every answer begins and never ends; open watches do.
    Endless,
}

impl Mode {
    fn serves(self) -> bool {
        matches!(self, Self::Serving | Self::Hanging | Self::Slow(_))
    }
}

/// Something that the user may not do: 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbid {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`; `None`: all of them.
    pub verb: Option<&'static str>,
    /// Plural of the resource; `*`: every one.
    pub resource: String,
    /// The namespaces in which it is forbidden.
    pub scope: Scope,
}

/// What is taken and never answered to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Which requests.
    pub rule: Forbid,
    /// Whether an answer begins.
    pub begins: bool,
}

/// Where something is forbidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Everywhere,
    /// Across all namespaces; inside one it is allowed.
    ClusterWide,
    /// In this namespace; across all it is allowed.
    Namespace(String),
}

impl Forbid {
    /// Forbids every verb on a resource everywhere.
    pub fn all(resource: impl Into<String>) -> Self {
        Self {
            verb: None,
            resource: resource.into(),
            scope: Scope::Everywhere,
        }
    }

    fn covers(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        self.verb.is_none_or(|v| v == verb)
            && (self.resource == "*" || self.resource == resource)
            && match &self.scope {
                Scope::Everywhere => true,
                Scope::ClusterWide => namespace.is_empty(),
                Scope::Namespace(name) => name == namespace,
            }
    }
}

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct ApiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: ServerOptions,
    store: Store,
    mode: channel::Sender<Mode>,
    /// The bearer token that it takes now.
    token: Mutex<Option<String>>,
    /// Raised when running watches are to end.
    ending: channel::Sender<u64>,
    /// What the listener has made of the mode: `true` while connections are accepted.
    listening: channel::Sender<bool>,
    forbidden: Mutex<Vec<Forbid>>,
    /// What it has no time for, and how often still.
    overloaded: Mutex<Option<(Forbid, u32)>>,
    /// What it takes and never answers to the end.
    stalled: Mutex<Option<Stall>>,
    /// Plurals of resources that it does not have.
    lacking: Mutex<Vec<String>>,
    requests: Mutex<Vec<String>>,
}

impl ApiServer {
    /// Starts a server on a free loopback port. Must run inside a Tokio runtime.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(options: ServerOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut resources = discovery::BUILT_IN.to_vec();
        resources.extend(options.resources.iter().copied());
        let salt = options.name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let shared = Arc::new(Shared {
            store: Store::new(resources, options.keep, options.graceful_pods, salt),
            mode: channel::Sender::new(options.mode),
            token: Mutex::new(options.token.clone()),
            ending: channel::Sender::new(0),
            listening: channel::Sender::new(true),
            forbidden: Mutex::default(),
            overloaded: Mutex::default(),
            stalled: Mutex::default(),
            lacking: Mutex::default(),
            requests: Mutex::default(),
            options,
        });
        let task = tokio::spawn(accept(shared.clone(), listener, address));
        Ok(Self {
            shared,
            address,
            task,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.options.name
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its objects: what is changed here is seen by watches.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// How it answers now.
    pub fn mode(&self) -> Mode {
        *self.shared.mode.borrow()
    }

    /// Changes how it answers, soon.
    pub fn switch(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Changes how it answers, and returns when the listener has followed.
    pub async fn set_mode(&self, mode: Mode) {
        self.switch(mode);
        let want = mode != Mode::Refusing;
        let mut listening = self.shared.listening.subscribe();
        // The listener ends only with the server, and then nobody waits.
        let _ = listening.wait_for(|now| *now == want).await;
    }

    /// Replaces what is forbidden. Open watches go on.
    pub fn forbid(&self, rules: Vec<Forbid>) {
        *lock(&self.shared.forbidden) = rules;
    }

    /// Has no time for the next `times` requests that `rule` covers and nothing forbids: 429. Open watches go on.
    pub fn overload(&self, rule: Forbid, times: u32) {
        *lock(&self.shared.overloaded) = Some((rule, times));
    }

    /// Takes what this covers and never answers it to the end, until it is replaced.
    pub fn stall(&self, stall: Option<Stall>) {
        *lock(&self.shared.stalled) = stall;
    }

    /// Replaces which resources, by their plurals, it does not have: 404. Open watches go on.
    pub fn lack(&self, resources: &[&str]) {
        *lock(&self.shared.lacking) = resources.iter().map(ToString::to_string).collect();
    }

    /// Takes this bearer token from now on and no other. Open watches go on.
    pub fn require(&self, token: impl Into<String>) {
        *lock(&self.shared.token) = Some(token.into());
    }

    /// Open watches end as they do after their time.
    pub fn end_watches(&self) {
        self.shared.ending.send_modify(|count| *count += 1);
    }

    /// Open watches end with 410 Gone, and older resource versions are gone too.
    pub fn expire_watches(&self) {
        self.shared.store.expire();
    }

    /// The requests so far, as `GET /api/v1/pods?watch=true…`, oldest first; at most the last 1000.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }
}

impl Shared {
    /// The resources that it has.
    fn served(&self) -> Vec<Resource> {
        let lacking = lock(&self.lacking);
        let all = self.store.resources().iter().copied();
        all.filter(|resource| !lacking.iter().any(|name| name == resource.plural))
            .collect()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A kubeconfig with one context, cluster and user per server, named like it; the first is the current one.
pub fn kubeconfig<'a>(servers: impl IntoIterator<Item = &'a ApiServer>) -> String {
    let mut clusters = Vec::new();
    let mut contexts = Vec::new();
    let mut users = Vec::new();
    let mut current = Value::Null;
    for server in servers {
        let name = server.name();
        let token = lock(&server.shared.token).clone();
        if current.is_null() {
            current = json!(name);
        }
        clusters.push(json!({"name": name, "cluster": {"server": server.url()}}));
        contexts.push(json!({"name": name, "context": {"cluster": name, "user": name}}));
        users.push(
            json!({"name": name, "user": token.map_or_else(|| json!({}), |t| json!({"token": t}))}),
        );
    }
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": current,
        "clusters": clusters, "contexts": contexts, "users": users,
    });
    // A value made of maps, lists and text always has a YAML form; JSON is one too.
    serde_yaml::to_string(&config).unwrap_or_else(|_| config.to_string())
}

/// Accepts connections while the mode allows it. While it refuses, the port is held by a bound socket that does not
/// listen: clients see "connection refused", and nobody else can take the port.
async fn accept(shared: Arc<Shared>, listener: TcpListener, address: SocketAddr) {
    let mut mode = shared.mode.subscribe();
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let wanted = *mode.borrow_and_update();
        if wanted == Mode::Refusing {
            drop(listener.take());
            connections.shutdown().await;
            let held = hold(address);
            shared.listening.send_replace(false);
            if mode.wait_for(|m| *m != Mode::Refusing).await.is_err() {
                return;
            }
            listener = listen(held, address).await;
            shared.listening.send_replace(true);
            continue;
        }
        let Some(open) = &listener else { return };
        tokio::select! {
            changed = mode.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = open.accept() => {
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                };
                // Small writes must not wait for acknowledgements; a failure only makes it slower.
                let _ = stream.set_nodelay(true);
                let shared = shared.clone();
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        http::answer(shared.clone(), request)
                    });
                    let builder = hyper::server::conn::http1::Builder::new();
                    // The client went away, or never spoke HTTP: nothing to tell anybody.
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        }
    }
}

fn hold(address: SocketAddr) -> Option<TcpSocket> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(address).ok()?;
    Some(socket)
}

/// Listens on the held socket, or tries for a while to have the port back.
async fn listen(held: Option<TcpSocket>, address: SocketAddr) -> Option<TcpListener> {
    let mut socket = held;
    for _ in 0..100 {
        if let Some(listener) = socket.take().and_then(|s| s.listen(1024).ok()) {
            return Some(listener);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        socket = hold(address);
    }
    None
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
