//! Requests to answers: who asks, for what path, with which verb.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use futures::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Frame, Incoming},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{Mode, Shared, Stall, call::Call, discovery, lock, review, status::ApiError};

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(super) type Answer = Result<Response<Body>, ApiError>;

/// Kubernetes version that the server says it is.
const VERSION: &str = "v1.34.0";

/// Answers one request; errors become `Status` objects.
pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    note(&shared, &request);
    let mut mode = shared.mode.subscribe();
    if mode.wait_for(|m| *m != Mode::Hanging).await.is_err() {
        return Ok(failure(&ApiError::new(
            503,
            "ServiceUnavailable",
            "shutting down",
        )));
    }
    let mode = *shared.mode.borrow();
    let answer = match mode {
        Mode::Garbage => Ok(text(
            200,
            "text/html",
            "<!doctype html><title>Sign in</title>",
        )),
        Mode::Endless => {
            let piece = Bytes::from(vec![b' '; 64 << 10]);
            let pieces = futures::stream::repeat_with(move || Ok(Frame::data(piece.clone())));
            let body = StreamBody::new(pieces).boxed_unsync();
            Ok(response(200, "application/json", body))
        }
        Mode::Failing(401) => Err(ApiError::unauthorized()),
        Mode::Failing(code) => Err(ApiError::new(
            code,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        )),
        mode => {
            if let Mode::Slow(wait) = mode {
                tokio::time::sleep(wait).await;
            }
            route(&shared, request).await
        }
    };
    Ok(answer.unwrap_or_else(|error| failure(&error)))
}

fn note(shared: &Shared, request: &Request<Incoming>) {
    let mut requests = lock(&shared.requests);
    if requests.len() >= 1000 {
        requests.remove(0);
    }
    requests.push(format!("{} {}", request.method(), request.uri()));
}

async fn route(shared: &Arc<Shared>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    if let ["healthz" | "livez" | "readyz", ..] = parts[..] {
        return Ok(text(200, "text/plain", "ok"));
    }
    authenticate(shared, &request)?;
    if request.method() == Method::GET
        && let Some(answer) = discovery::answer(&shared.served(), &parts, VERSION)
    {
        return Ok(object(200, &answer));
    }
    if let [
        "apis",
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
    ] = parts[..]
        && request.method() == Method::POST
    {
        return review(shared, request).await;
    }
    let parameters = parameters(request.uri().query().unwrap_or_default());
    Call::new(shared, &parts, parameters, header(&request, ACCEPT))?
        .run(request)
        .await
}

fn authenticate(shared: &Shared, request: &Request<Incoming>) -> Result<(), ApiError> {
    let Some(token) = lock(&shared.token).clone() else {
        return Ok(());
    };
    match header(request, AUTHORIZATION).strip_prefix("Bearer ") {
        Some(given) if given == token => Ok(()),
        _ => Err(ApiError::unauthorized()),
    }
}

/// May I? By the same rules that answer the request itself.
async fn review(shared: &Shared, request: Request<Incoming>) -> Answer {
    let mut review = if is_protobuf(&request) {
        review::read(&bytes(request).await?)
            .ok_or_else(|| ApiError::bad_request("the body is no review of access"))?
    } else {
        body(request).await?
    };
    let asked = &review["spec"]["resourceAttributes"];
    let word = |key: &str| asked[key].as_str().unwrap_or_default();
    let (verb, resource, namespace) = (word("verb"), word("resource"), word("namespace"));
    let allowed = !forbidden(shared, verb, resource, namespace);
    review["status"] = json!({"allowed": allowed});
    Ok(object(201, &review))
}

/// Whether a rule forbids it.
pub(super) fn forbidden(shared: &Shared, verb: &str, resource: &str, namespace: &str) -> bool {
    let rules = lock(&shared.forbidden);
    rules
        .iter()
        .any(|rule| rule.covers(verb, resource, namespace))
}

/// Whether there is no time for it now, which is counted.
pub(super) fn overloaded(shared: &Shared, verb: &str, resource: &str, namespace: &str) -> bool {
    let mut overloaded = lock(&shared.overloaded);
    match &mut *overloaded {
        Some((rule, times)) if *times > 0 && rule.covers(verb, resource, namespace) => {
            *times -= 1;
            true
        }
        _ => false,
    }
}

/// Whether it is never answered to the end, and then whether an answer begins.
pub(super) fn stalled(
    shared: &Shared,
    verb: &str,
    resource: &str,
    namespace: &str,
) -> Option<bool> {
    let stalled = lock(&shared.stalled);
    let covers = |it: &&Stall| it.rule.covers(verb, resource, namespace);
    stalled.as_ref().filter(covers).map(|it| it.begins)
}

/// An answer that does not end, or does not even begin.
pub(super) async fn never(begins: bool) -> Answer {
    if !begins {
        std::future::pending::<()>().await;
    }
    let piece = futures::stream::iter([Ok(Frame::data(Bytes::from_static(b"{")))]);
    let body = StreamBody::new(piece.chain(futures::stream::pending()));
    Ok(response(200, "application/json", body.boxed_unsync()))
}

/// A request's body, JSON or YAML.
pub(super) async fn body(request: Request<Incoming>) -> Result<Value, ApiError> {
    if is_protobuf(&request) {
        return Err(ApiError::unsupported(
            "the server takes JSON only: application/json",
        ));
    }
    let body = bytes(request).await?;
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_yaml::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))
}

fn is_protobuf(request: &Request<Incoming>) -> bool {
    header(request, CONTENT_TYPE).starts_with("application/vnd.kubernetes.protobuf")
}

async fn bytes(request: Request<Incoming>) -> Result<Bytes, ApiError> {
    let body = request.into_body().collect().await.map_err(|error| {
        ApiError::bad_request(format!("the request's body could not be read: {error}"))
    })?;
    Ok(body.to_bytes())
}

/// A header's text, empty where there is none.
pub(super) fn header(request: &Request<Incoming>, name: hyper::header::HeaderName) -> &str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Percent-decoding of a query's part; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn failure(error: &ApiError) -> Response<Body> {
    object(error.code, &error.body())
}

/// An answer in JSON.
pub(super) fn object(code: u16, value: &Value) -> Response<Body> {
    text(code, "application/json", &value.to_string())
}

fn text(code: u16, content_type: &'static str, body: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    response(code, content_type, body.boxed_unsync())
}

/// An answer with any body.
pub(super) fn response(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        hyper::StatusCode::from_u16(code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let value = hyper::header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}
