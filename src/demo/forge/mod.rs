//! The demo's forge, on a loopback port: pull requests of its repository as Gitea's API tells them, with people who look at
//! each within seconds. One approves, one refuses; the bot's own waits for the operator.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use super::AGAIN;

mod api;
mod pulls;

use pulls::Pulls;

/// Where the repository is in it.
const PROJECT: &str = "shop/platform-deploy";
/// Who the operator is there, and by which token.
const OPERATOR: (&str, &str) = ("you", "demo");
/// Nobody sends more.
const LONGEST: usize = 1 << 20;

/// A running forge; it stops when dropped.
#[derive(Debug)]
pub struct Forge {
    address: SocketAddr,
    pulls: Shared,
    task: JoinHandle<()>,
}

/// What it has; nothing until its repository is there.
type Shared = Arc<OnceLock<Mutex<Pulls>>>;

impl Forge {
    /// Starts on a free loopback port. Must run inside a Tokio runtime.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let pulls = Shared::default();
        let shared = Arc::clone(&pulls);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                };
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let shared = Arc::clone(&shared);
                        async move { Ok::<_, Infallible>(answer(shared, request).await) }
                    });
                    let builder = hyper::server::conn::http1::Builder::new();
                    // The client went away, or never spoke HTTP: nothing to tell anybody.
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self {
            address,
            pulls,
            task,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the repository of the demo is on the forge at `url`, as its clone names it.
    pub fn repository(url: &str) -> String {
        format!("{url}/{PROJECT}.git")
    }

    /// What Git's configuration calls the way to the operator's token for the forge at `url`: keys with their values, in order.
    pub fn credential(url: &str) -> [(String, String); 2] {
        let key = format!("credential.{url}.helper");
        let (user, token) = OPERATOR;
        let says = format!("!f() {{ echo username={user}; echo password={token}; }}; f");
        // The user's own helpers are not asked, and are told nothing of a toy.
        [(key.clone(), String::new()), (key, says)]
    }

    /// Its repository is there: the bot opens its pull request. People look so much faster than usual.
    ///
    /// # Errors
    /// Where the repository cannot be written.
    pub fn serve(&self, remote: PathBuf, speed: f64) -> Result<(), git2::Error> {
        let pulls = Pulls::begin(self.url(), remote, speed)?;
        // Set once.
        let _ = self.pulls.set(Mutex::new(pulls));
        Ok(())
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(shared: Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    if head.headers.get(AUTHORIZATION).is_none() {
        return says(401, &Value::String("token required".to_owned()));
    }
    let body = http_body_util::Limited::new(body, LONGEST).collect().await;
    let Ok(body) = body.map(http_body_util::Collected::to_bytes) else {
        return says(413, &Value::String("too long".to_owned()));
    };
    let work = tokio::task::spawn_blocking(move || {
        let Some(pulls) = shared.get() else {
            return (503, Value::String("starting".to_owned()));
        };
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let mut pulls = pulls.lock().unwrap_or_else(PoisonError::into_inner);
        let path = head.uri.path();
        api::answer(&mut pulls, &head.method, path, &body).unwrap_or_else(|error| {
            let words = Value::String(error.message().to_owned());
            (500, words)
        })
    });
    match work.await {
        Ok((code, value)) => says(code, &value),
        Err(error) => says(500, &Value::String(error.to_string())),
    }
}

fn says(code: u16, value: &Value) -> Response<Full<Bytes>> {
    let value = match value {
        Value::String(message) => serde_json::json!({ "message": message }),
        other => other.clone(),
    };
    let mut response = Response::new(Full::new(value.to_string().into()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
