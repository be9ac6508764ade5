//! Calls on resources: which verb on which objects, and the answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper::{Method, Request, body::Incoming, header::CONTENT_TYPE};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Shared, discovery,
    http::{self, Answer},
    log, patch,
    query::Query,
    selector::Selector,
    status::ApiError,
    view::View,
    watch,
    write::Part,
};

/// How long a watch without `timeoutSeconds` lasts.
const WATCH_TIMEOUT: Duration = Duration::from_mins(30);

/// The objects that a path names.
struct Target {
    resource: discovery::Resource,
    namespace: String,
    name: Option<String>,
    part: Part,
    log: bool,
}

impl Target {
    /// Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`; `None` where nothing is served there.
    fn parse(shared: &Shared, parts: &[&str]) -> Option<Self> {
        let (group, version, rest) = match parts {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        // `namespaces/NAME` and its subresources are the namespace itself, anything longer is inside it.
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if !matches!(rest, [] | ["status" | "finalize"]) =>
            {
                (*namespace, rest)
            }
            rest => ("", rest),
        };
        let log = matches!(rest, ["pods", _, "log"]);
        let rest = if log { &rest[..2] } else { rest };
        let (plural, name, part) = match rest {
            [plural] => (plural, None, Part::Main),
            [plural, name] => (plural, Some((*name).to_owned()), Part::Main),
            [plural, name, "status"] => (plural, Some((*name).to_owned()), Part::Status),
            _ => return None,
        };
        let resource = shared.served().into_iter().find(|r| {
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
            log,
        })
    }
}

/// One call on resources.
pub struct Call<'a> {
    shared: &'a Arc<Shared>,
    target: Target,
    parameters: BTreeMap<String, String>,
    view: View,
}

impl<'a> Call<'a> {
    /// The call that a path and its parameters mean.
    ///
    /// # Errors
    /// 404 where the path names no resource that is served.
    pub fn new(
        shared: &'a Arc<Shared>,
        path: &[&str],
        parameters: BTreeMap<String, String>,
        accept: &str,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            shared,
            target: Target::parse(shared, path).ok_or_else(ApiError::no_such_path)?,
            parameters,
            view: View::parse(accept),
        })
    }

    /// Answers it.
    pub async fn run(self, request: Request<Incoming>) -> Answer {
        let method = request.method().clone();
        let content_type = http::header(&request, CONTENT_TYPE).to_owned();
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
        let Target {
            resource,
            namespace,
            ..
        } = &self.target;
        if let Some(begins) = http::stalled(self.shared, verb, resource.plural, namespace) {
            return http::never(begins).await;
        }
        if self.target.log {
            return self.log();
        }
        match verb {
            "watch" => return self.watch(),
            "list" => return self.list(),
            "get" => return self.get(),
            _ => {}
        }
        let body = http::body(request).await?;
        if verb == "delete" {
            return self.delete(&body);
        }
        self.write(verb, &content_type, body)
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// Authorisation comes before anything else is looked at: a refusal must not tell what exists.
    fn authorize(&self, verb: &str) -> Result<(), ApiError> {
        let Target {
            resource,
            namespace,
            name,
            ..
        } = &self.target;
        if http::forbidden(self.shared, verb, resource.plural, namespace) {
            let name = name.as_deref().unwrap_or_default();
            let user = &self.shared.options.user;
            return Err(ApiError::forbidden(user, verb, resource, namespace, name));
        }
        if http::overloaded(self.shared, verb, resource.plural, namespace) {
            return Err(ApiError::too_many_requests());
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

    /// What a container has written, and goes on to write.
    fn log(&self) -> Answer {
        let target = &self.target;
        let name = target.name.as_deref().unwrap_or_default();
        let store = &self.shared.store;
        let (asked, lines, follow) =
            log::Asked::read(store, &target.namespace, name, &self.parameters)?;
        let body = asked.body(lines, follow);
        Ok(http::response(200, "text/plain", body.boxed_unsync()))
    }

    fn get(&self) -> Answer {
        let target = &self.target;
        let name = target.name.as_deref().unwrap_or_default();
        let found = self
            .shared
            .store
            .get(target.resource.plural, &target.namespace, name)
            .ok_or_else(|| ApiError::not_found(&target.resource, name))?;
        Ok(http::object(
            200,
            &self.view.object(&target.resource, &found),
        ))
    }

    /// A page. Later pages are of the first one's version, rebuilt from the log: a client that pages through never
    /// sees a mixture.
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
        Ok(http::object(
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

    /// A watch. A version that is too old is told inside the stream, as the real server's watch cache does.
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
            ending: self.shared.ending.subscribe(),
        });
        Ok(http::response(200, "application/json", body.boxed_unsync()))
    }

    /// Creates, replaces or patches.
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
        Ok(http::object(code, &self.view.object(resource, &stored)))
    }

    /// Deletes; the grace period is in the body or in the query.
    fn delete(&self, options: &Value) -> Answer {
        let target = &self.target;
        let grace = options["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| self.parameter("gracePeriodSeconds").parse().ok())
            .unwrap_or(30);
        let name = target.name.as_deref().unwrap_or_default();
        let (resource, namespace) = (&target.resource, &target.namespace);
        let store = &self.shared.store;
        let deleted = store.delete(resource, namespace, name, grace, Timestamp::now())?;
        Ok(http::object(200, &self.view.object(resource, &deleted)))
    }
}

/// `v1:VERSION:NAMESPACE/NAME`, as [`Call::list`] makes it; clients must not look inside.
fn read_token(token: &str) -> Result<(u64, (String, String)), ApiError> {
    let read = || {
        let (version, key) = token.strip_prefix("v1:")?.split_once(':')?;
        let (namespace, name) = key.split_once('/')?;
        let key = (namespace.to_owned(), name.to_owned());
        Some((version.parse().ok()?, key))
    };
    read().ok_or_else(|| ApiError::bad_request("continue key is not valid"))
}
