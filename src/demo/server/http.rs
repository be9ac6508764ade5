//! Requests to answers: who asks, for what path, with which verb.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Mode, Shared, discovery, lock, patch,
    selector::Selector,
    status::ApiError,
    store::{Part, Query},
    view::View,
    watch,
};

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Answer = Result<Response<Body>, ApiError>;

/// Kubernetes version that the server says it is.
const VERSION: &str = "v1.34.0";
/// How long a watch without `timeoutSeconds` lasts.
const WATCH_TIMEOUT: Duration = Duration::from_mins(30);

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
        Mode::Failing(401) => Err(ApiError::unauthorized()),
        Mode::Failing(code) => Err(ApiError::new(
            code,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        )),
        _ => route(&shared, request).await,
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
        && let Some(answer) = discovery::answer(shared.store.resources(), &parts, VERSION)
    {
        return Ok(object(200, &answer));
    }
    let target = Target::parse(shared, &parts).ok_or_else(ApiError::no_such_path)?;
    let parameters = parameters(request.uri().query().unwrap_or_default());
    let call = Call {
        shared,
        target,
        parameters,
        view: View::parse(header(&request, ACCEPT)),
    };
    call.run(request).await
}

fn authenticate(shared: &Shared, request: &Request<Incoming>) -> Result<(), ApiError> {
    let Some(token) = &shared.options.token else {
        return Ok(());
    };
    match header(request, AUTHORIZATION).strip_prefix("Bearer ") {
        Some(given) if given == token => Ok(()),
        _ => Err(ApiError::unauthorized()),
    }
}

/// The objects that a path names.
struct Target {
    resource: discovery::Resource,
    namespace: String,
    name: Option<String>,
    part: Part,
}

impl Target {
    fn parse(shared: &Shared, parts: &[&str]) -> Option<Self> {
        let (group, version, rest) = match parts {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if !matches!(rest, [] | ["status" | "finalize"]) =>
            {
                (*namespace, rest)
            }
            rest => ("", rest),
        };
        let (plural, name, part) = match rest {
            [plural] => (plural, None, Part::Main),
            [plural, name] => (plural, Some((*name).to_owned()), Part::Main),
            [plural, name, "status"] => (plural, Some((*name).to_owned()), Part::Status),
            _ => return None,
        };
        let resource = shared.store.resources().iter().copied().find(|r| {
            r.plural == *plural
                && r.group == group
                && r.version == version
                && (r.namespaced || namespace.is_empty())
                && (r.status || part == Part::Main)
        })?;
        Some(Self {
            resource,
            namespace: namespace.to_owned(),
            name,
            part,
        })
    }
}

/// One call on resources.
struct Call<'a> {
    shared: &'a Arc<Shared>,
    target: Target,
    parameters: BTreeMap<String, String>,
    view: View,
}

impl Call<'_> {
    async fn run(self, request: Request<Incoming>) -> Answer {
        let method = request.method().clone();
        let content_type = header(&request, CONTENT_TYPE).to_owned();
        let watch = matches!(self.parameter("watch"), "true" | "1");
        let verb = match (&method, &self.target.name) {
            (&Method::GET, _) if watch => "watch",
            (&Method::GET, None) => "list",
            (&Method::GET, Some(_)) => "get",
            (&Method::POST, None) => "create",
            (&Method::PUT, Some(_)) => "update",
            (&Method::PATCH, Some(_)) => "patch",
            (&Method::DELETE, Some(_)) => "delete",
            _ => return Err(ApiError::method_not_allowed()),
        };
        self.authorize(verb)?;
        match verb {
            "watch" => return self.watch(),
            "list" => return self.list(),
            "get" => return self.get(),
            _ => {}
        }
        let body = request.into_body().collect().await.map_err(|error| {
            ApiError::bad_request(format!("the request's body could not be read: {error}"))
        })?;
        let body = body.to_bytes();
        if verb == "delete" {
            return self.delete(&body);
        }
        if content_type.starts_with("application/vnd.kubernetes.protobuf") {
            return Err(ApiError::unsupported(
                "the server takes JSON only: application/json",
            ));
        }
        let body: Value = serde_yaml::from_slice(&body)
            .map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))?;
        self.write(verb, &content_type, body)
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    fn authorize(&self, verb: &str) -> Result<(), ApiError> {
        let Target {
            resource,
            namespace,
            name,
            ..
        } = &self.target;
        let forbidden = lock(&self.shared.forbidden)
            .iter()
            .any(|rule| rule.covers(verb, resource.plural, namespace));
        if forbidden {
            let name = name.as_deref().unwrap_or_default();
            let user = &self.shared.options.user;
            return Err(ApiError::forbidden(user, verb, resource, namespace, name));
        }
        Ok(())
    }

    fn query(&self) -> Result<Query, ApiError> {
        let namespace = &self.target.namespace;
        Ok(Query {
            resource: self.target.resource,
            namespace: (!namespace.is_empty()).then(|| namespace.clone()),
            name: self.target.name.clone(),
            selector: Selector::parse(
                self.parameter("labelSelector"),
                self.parameter("fieldSelector"),
            )?,
        })
    }

    fn get(&self) -> Answer {
        let target = &self.target;
        let name = target.name.as_deref().unwrap_or_default();
        let found = self
            .shared
            .store
            .get(target.resource.plural, &target.namespace, name)
            .ok_or_else(|| ApiError::not_found(&target.resource, name))?;
        Ok(object(200, &self.view.single(&target.resource, &found)))
    }

    fn list(&self) -> Answer {
        let limit = match self.parameter("limit") {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| ApiError::bad_request("limit is not a number"))?,
        };
        let exact = self.parameter("resourceVersionMatch") == "Exact";
        let (at, after) = match self.parameter("continue") {
            "" if exact => (self.version()?, None),
            "" => {
                self.version()?;
                (None, None)
            }
            token => {
                let (at, key) = read_token(token)?;
                (Some(at), Some(key))
            }
        };
        let query = self.query()?;
        let page = self
            .shared
            .store
            .page(&query, limit, after.as_ref(), at)
            .map_err(|error| match at {
                Some(_) if after.is_some() => ApiError::new(
                    410,
                    "Expired",
                    "The provided continue parameter is too old to display a consistent list result. \
                     You must start a new list without the continue parameter.",
                ),
                _ => error,
            })?;
        let mut meta = json!({"resourceVersion": page.version.to_string()});
        if let Some((namespace, name)) = &page.next {
            meta["continue"] = json!(format!("v1:{}:{namespace}/{name}", page.version));
            if query.selector.is_empty() {
                meta["remainingItemCount"] = json!(page.remaining);
            }
        }
        Ok(object(
            200,
            &self.view.list(&query.resource, meta, &page.items),
        ))
    }

    /// The version asked for: `None` where any will do.
    fn version(&self) -> Result<Option<u64>, ApiError> {
        match self.parameter("resourceVersion") {
            "" | "0" => Ok(None),
            text => {
                let version = text.parse().map_err(|_| {
                    ApiError::bad_request(format!("invalid resource version: {text}"))
                })?;
                let newest = self.shared.store.version();
                if version > newest {
                    return Err(ApiError::new(
                        504,
                        "Timeout",
                        format!("Too large resource version: {version}, current: {newest}"),
                    ));
                }
                Ok(Some(version))
            }
        }
    }

    fn watch(&self) -> Answer {
        let bookmarks = matches!(self.parameter("allowWatchBookmarks"), "true" | "1");
        let initial = matches!(self.parameter("sendInitialEvents"), "true" | "1");
        if initial && (!bookmarks || self.parameter("resourceVersionMatch") != "NotOlderThan") {
            return Err(ApiError::invalid(
                "sendInitialEvents requires resourceVersionMatch=NotOlderThan and allowWatchBookmarks=true",
            ));
        }
        let version = self.version()?;
        let timeout = match self.parameter("timeoutSeconds") {
            "" | "0" => WATCH_TIMEOUT,
            text => Duration::from_secs(
                text.parse()
                    .map_err(|_| ApiError::bad_request("timeoutSeconds is not a number"))?,
            ),
        };
        let body = watch::body(watch::Watch {
            store: self.shared.store.clone(),
            query: self.query()?,
            view: self.view,
            from: if initial { None } else { version },
            initial_bookmark: initial,
            bookmarks: bookmarks.then_some(self.shared.options.bookmark_every),
            timeout,
            mode: self.shared.mode.subscribe(),
        });
        Ok(response(200, "application/json", body.boxed_unsync()))
    }

    fn write(&self, verb: &str, content_type: &str, body: Value) -> Answer {
        let target = &self.target;
        let (resource, namespace) = (&target.resource, &target.namespace);
        let store = &self.shared.store;
        let dry = self.parameter("dryRun") == "All";
        let name = target.name.as_deref().unwrap_or_default();
        let (code, stored) = match verb {
            "create" => (
                201,
                store.create(resource, namespace, body, dry, Timestamp::now())?,
            ),
            "update" => {
                let replaced =
                    store.update(resource, namespace, name, target.part, dry, |_| Ok(body))?;
                (200, replaced)
            }
            _ => {
                let patched =
                    store.update(resource, namespace, name, target.part, dry, |before| {
                        let mut after = before.clone();
                        patch::apply(content_type, &mut after, &body)?;
                        Ok(after)
                    })?;
                (200, patched)
            }
        };
        Ok(object(code, &self.view.single(resource, &stored)))
    }

    fn delete(&self, body: &[u8]) -> Answer {
        let target = &self.target;
        let options: Value = serde_json::from_slice(body).unwrap_or_default();
        let grace = options["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| self.parameter("gracePeriodSeconds").parse().ok())
            .unwrap_or(30);
        let name = target.name.as_deref().unwrap_or_default();
        let (resource, namespace) = (&target.resource, &target.namespace);
        let store = &self.shared.store;
        let deleted = store.delete(resource, namespace, name, grace, Timestamp::now())?;
        Ok(object(200, &self.view.single(resource, &deleted)))
    }
}

fn read_token(token: &str) -> Result<(u64, (String, String)), ApiError> {
    let read = || {
        let (version, key) = token.strip_prefix("v1:")?.split_once(':')?;
        let (namespace, name) = key.split_once('/')?;
        let key = (namespace.to_owned(), name.to_owned());
        Some((version.parse().ok()?, key))
    };
    read().ok_or_else(|| ApiError::bad_request("continue key is not valid"))
}

fn header(request: &Request<Incoming>, name: hyper::header::HeaderName) -> &str {
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

fn object(code: u16, value: &Value) -> Response<Body> {
    text(code, "application/json", &value.to_string())
}

fn text(code: u16, content_type: &'static str, body: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    response(code, content_type, body.boxed_unsync())
}

fn response(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        hyper::StatusCode::from_u16(code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let value = hyper::header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}
