//! Argo CD's own API, for whoever has no access to the cluster that it is in.
//!
//! To the rest of [`super`] it is a cluster that has nothing but Applications, `ApplicationSets` and `AppProjects`: [`Facade`]
//! stands between kube's client and the connection, and asks Argo CD what is asked of a Kubernetes server. So connections,
//! signs of life, pauses, limits and what becomes stale are the same for both.
//!
//! Its API is not Kubernetes' in two ways. A stream of Applications begins with what happens from now on, and the others have none:
//! a watch here opens the stream first, lists behind it, and tells what is new, changed and gone since the list before
//! ([`changes`]). And nothing is patched: an order is a request of its own ([`call`]).

mod call;
mod changes;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures::{FutureExt, future::BoxFuture};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Bytes};
use kube::client::Body;
use serde_json::{Value, json};
use tower::{BoxError, Layer, Service, ServiceExt, buffer::Buffer};

pub(super) use call::call;
use changes::Known;

/// The longest list of Applications, and the longest refusal.
const LIST: usize = 64 << 20;
const REFUSAL: usize = 64 << 10;
/// Requests that wait for their turn.
const QUEUE: usize = 64;

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// Asks Argo CD in place of a Kubernetes server; what it knows outlives no connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Facade {
    known: Arc<Mutex<BTreeMap<Kind, Known>>>,
}

/// What it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Application,
    ApplicationSet,
    AppProject,
}

/// What a request of kube's asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// A sign of life.
    Version,
    List(Kind),
    Watch(Kind),
    /// One object: kind, namespace and name.
    One(Kind, String, String),
    /// Argo CD's own, as it is written.
    Own,
    /// Nothing that it has.
    Other,
}

impl Kind {
    /// What stands behind `/api/v1/`.
    fn plural(self) -> &'static str {
        match self {
            Self::Application => "applications",
            Self::ApplicationSet => "applicationsets",
            Self::AppProject => "projects",
        }
    }

    fn of(plural: &str) -> Option<Self> {
        match plural {
            "applications" => Some(Self::Application),
            "applicationsets" => Some(Self::ApplicationSet),
            "appprojects" => Some(Self::AppProject),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::ApplicationSet => "ApplicationSet",
            Self::AppProject => "AppProject",
        }
    }
}

impl Asked {
    fn of(method: &Method, path: &str, query: &str) -> Self {
        const OWN: &str = "/api/v1/applications/";
        const GROUP: &str = "/apis/argoproj.io/v1alpha1/";
        if path == "/version" {
            return Self::Version;
        }
        if path.starts_with(OWN) {
            return Self::Own;
        }
        let Some(rest) = path.strip_prefix(GROUP).filter(|_| method == Method::GET) else {
            return Self::Other;
        };
        let parts: Vec<&str> = rest.split('/').collect();
        match parts[..] {
            [plural] => match Kind::of(plural) {
                Some(kind) if query.split('&').any(|it| it.starts_with("watch=")) => {
                    Self::Watch(kind)
                }
                Some(kind) => Self::List(kind),
                None => Self::Other,
            },
            ["namespaces", namespace, plural, name] => match Kind::of(plural) {
                Some(kind) => Self::One(kind, namespace.to_owned(), name.to_owned()),
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

impl<S, B> Layer<S> for Facade
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    type Service = Behind<S::Future>;

    fn layer(&self, inner: S) -> Self::Service {
        Behind {
            server: Server {
                inner: Buffer::new(inner, QUEUE),
            },
            facade: self.clone(),
        }
    }
}

/// The service in between.
pub(super) struct Behind<F> {
    server: Server<F>,
    facade: Facade,
}

/// Argo CD, as it is asked.
struct Server<F> {
    inner: Buffer<Request<Body>, F>,
}

impl<F, B> Clone for Server<F>
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
{
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<F, B> Server<F>
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    async fn get(&self, path: &str) -> Result<Response<B>, BoxError> {
        let request = Request::get(path).body(Body::empty())?;
        self.inner.clone().oneshot(request).await
    }

    /// All that there is of a kind.
    async fn list(&self, kind: Kind) -> Result<Result<Value, Answer>, BoxError> {
        let response = self.get(&format!("/api/v1/{}", kind.plural())).await?;
        if !response.status().is_success() {
            return Ok(Err(refused(response).await?));
        }
        let body = Limited::new(response.into_body(), LIST).collect().await?;
        let mut list: Value = serde_json::from_slice(&body.to_bytes())?;
        list["kind"] = json!(format!("{}List", kind.word()));
        list["apiVersion"] = json!("argoproj.io/v1alpha1");
        // A list of projects has none, and kube goes on from one.
        if list["metadata"]["resourceVersion"]
            .as_str()
            .is_none_or(str::is_empty)
        {
            list["metadata"]["resourceVersion"] = json!("1");
        }
        Ok(Ok(list))
    }
}

impl<F, B> Service<Request<Body>> for Behind<F>
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (server, facade) = (self.server.clone(), self.facade.clone());
        let uri = request.uri();
        let asked = Asked::of(
            request.method(),
            uri.path(),
            uri.query().unwrap_or_default(),
        );
        async move {
            match asked {
                Asked::Version => passed(server.get("/api/version").await?).await,
                Asked::One(kind, namespace, name) => {
                    passed(server.get(&one(kind, &namespace, &name)).await?).await
                }
                Asked::Own => passed(server.inner.oneshot(request).await?).await,
                Asked::List(kind) => Ok(match server.list(kind).await? {
                    Ok(list) => {
                        facade.know(kind, Known::of(&list));
                        whole(StatusCode::OK, list.to_string())
                    }
                    Err(refused) => refused,
                }),
                Asked::Watch(kind) => Ok(changes::watch(server, facade, kind)),
                Asked::Other => Ok(status(
                    StatusCode::NOT_FOUND,
                    "NotFound",
                    "Argo CD's own API does not have it",
                )),
            }
        }
        .boxed()
    }
}

impl Facade {
    fn know(&self, kind: Kind, known: Known) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(kind, known);
    }

    /// Has what is known of a kind told by `tell`, and changed.
    fn with<T>(&self, kind: Kind, tell: impl FnOnce(&mut Known) -> T) -> T {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        tell(all.entry(kind).or_default())
    }
}

/// Where one object is.
fn one(kind: Kind, namespace: &str, name: &str) -> String {
    match kind {
        Kind::Application => format!("/api/v1/applications/{name}?appNamespace={namespace}"),
        Kind::ApplicationSet => {
            format!("/api/v1/applicationsets/{name}?appsetNamespace={namespace}")
        }
        Kind::AppProject => format!("/api/v1/projects/{name}"),
    }
}

/// An answer as it is, but that a refusal is told as Kubernetes tells one.
async fn passed<B>(response: Response<B>) -> Result<Answer, BoxError>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    if response.status().is_success() {
        return Ok(response.map(BodyExt::boxed_unsync));
    }
    refused(response).await
}

/// A refusal, in Argo CD's words.
async fn refused<B>(response: Response<B>) -> Result<Answer, BoxError>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    let code = response.status();
    let said = Limited::new(response.into_body(), REFUSAL).collect().await;
    let said = said.map(http_body_util::Collected::to_bytes);
    let said: Value = said
        .ok()
        .and_then(|it| serde_json::from_slice(&it).ok())
        .unwrap_or_default();
    let words = said["message"].as_str().or(said["error"].as_str());
    let reason = match code {
        StatusCode::UNAUTHORIZED => "Unauthorized",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "NotFound",
        _ => "",
    };
    let words = words.or(code.canonical_reason()).unwrap_or("refused");
    Ok(status(code, reason, words))
}

/// What a Kubernetes server says where it refuses.
fn status(code: StatusCode, reason: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
        "message": message, "code": code.as_u16()});
    whole(code, status.to_string())
}

fn whole(code: StatusCode, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = code;
    answer
}

/// Whether `text` can stand in a path as one part of it.
fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && text.parse::<Uri>().is_ok()
}
