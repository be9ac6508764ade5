//! What the demo's gates ask outside of its clusters, on a loopback port: the shop's smoke tests, and the registry that its
//! images are in.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{AGAIN, seed::Cell};

/// Kind of the manifests that it has.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The service whose smoke tests fail.
const FAILING: &str = "log-agent";
/// The version that was built for one platform alone, which production has not.
const ELSEWHERE: (&str, &str) = ("recommendations", "e07f5aa-391");

/// A running server of both; it stops when dropped.
#[derive(Debug)]
pub struct Outside {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// The registry's manifests, by image and by tag or digest.
type Manifests = BTreeMap<(String, String), Bytes>;

impl Outside {
    /// Starts on a free loopback port with every version that a cell ever had. Must run inside a Tokio runtime.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(cells: &[Cell]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let manifests = Arc::new(manifests(cells));
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                };
                let manifests = manifests.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let answer = answer(&manifests, &request);
                        async move { Ok::<_, Infallible>(answer) }
                    });
                    let builder = hyper::server::conn::http1::Builder::new();
                    // The client went away, or never spoke HTTP: nothing to tell anybody.
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self { address, task })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn manifests(cells: &[Cell]) -> Manifests {
    let mut all = Manifests::new();
    for cell in cells {
        for (version, _) in &cell.values {
            let bytes = index(cell.service, version);
            let digest = digest(&bytes);
            all.insert((cell.service.to_owned(), digest), bytes.clone());
            all.insert((cell.service.to_owned(), version.clone()), bytes);
        }
    }
    all
}

/// What an image's tag means: an index of what it is for.
fn index(service: &str, version: &str) -> Bytes {
    let platforms: &[&str] = if (service, version) == ELSEWHERE {
        &["arm64"]
    } else {
        &["amd64", "arm64"]
    };
    let manifests = platforms.iter().map(|platform| {
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(format!("{service} {version} {platform}").as_bytes()),
            "size": 1024,
            "platform": {"os": "linux", "architecture": platform},
        })
    });
    let manifests: Vec<_> = manifests.collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    index.to_string().into()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

fn answer(manifests: &Manifests, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return says(405, "text/plain", "the demo's registry takes nothing");
    }
    let parts: Vec<&str> = request.uri().path().split('/').skip(1).collect();
    match parts[..] {
        ["v2", ""] => says(200, "application/json", "{}"),
        ["v2", image, "manifests", reference] => {
            match manifests.get(&(image.to_owned(), reference.to_owned())) {
                Some(manifest) => says(200, INDEX, manifest.clone()),
                None => says(
                    404,
                    "application/json",
                    r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#,
                ),
            }
        }
        ["smoke", _, FAILING] => says(503, "text/plain", "12 of 14 smoke tests passed\n"),
        ["smoke", ..] => says(200, "text/plain", "14 of 14 smoke tests passed\n"),
        _ => says(404, "text/plain", "there is nothing here"),
    }
}

fn says(code: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
