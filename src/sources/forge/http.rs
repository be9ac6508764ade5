//! One forge's API over HTTP: who asks, how fast, and what may be said of it.
//!
//! The token goes to the server that the API is on and nowhere else: no redirect to another one is followed. It is in no
//! argument, message or line of the log.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{
    domain::{
        failure::{Failure, FailureKind},
        text::sanitise,
    },
    sources::{
        waiting,
        web::{
            self, HeaderMap, HeaderName, HeaderValue, Method, Reply, Request, Url,
            header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, RETRY_AFTER},
        },
    },
};

/// A server that says nothing for so long is taken as not answering.
const PATIENCE: Duration = Duration::from_secs(30);
/// No answer that is read is larger, in bytes.
const LARGEST: usize = 16 << 20;
/// So many pages of a list are read.
const PAGES: usize = 20;
/// A pause that a server asks for is kept; a longer one is told instead.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// It is asked again after that, whatever pause it asks for.
const NO_LONGER: Duration = Duration::from_hours(24);
/// So often it is asked again after a pause that it asked for.
const TRIES: usize = 3;
/// It was asked too often.
const TOO_OFTEN: u16 = 429;
/// It is as it was.
const NOT_MODIFIED: u16 = 304;
/// So much of what a server says against a request is told.
const WORDS: usize = 300;

/// Who asks.
pub(super) struct Who {
    /// The header that says it; `None`: nobody.
    pub(super) header: Option<HeaderValue>,
    /// What must not be seen in anybody's words.
    pub(super) secrets: Vec<String>,
    /// Where the token comes from, for people: `the variable GITEA_TOKEN`.
    pub(super) from: String,
}

/// An API.
pub(super) struct Http {
    base: Url,
    who: Who,
    accept: HeaderValue,
    /// What was answered before, by path, with what tells whether it is still so.
    known: Mutex<HashMap<String, Known>>,
    /// The server wants nothing before this.
    not_before: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Known {
    tag: HeaderValue,
    value: Value,
    next: Option<String>,
}

struct Answer {
    value: Value,
    next: Option<String>,
}

/// What went wrong: as it is told, and the status where the server gave one.
pub(super) struct Refused {
    pub(super) status: Option<u16>,
    pub(super) failure: Failure,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.failure
    }
}

impl Refused {
    /// There is nothing of that name, or this identity may not see it.
    pub(super) fn is_hidden(&self) -> bool {
        matches!(self.status, Some(403 | 404))
    }
}

type Got<T> = Result<T, Refused>;

impl Http {
    /// The API at `base` (`https://api.github.com`).
    ///
    /// # Errors
    /// Where the address is none.
    pub(super) fn new(base: &str, who: Who, accept: &'static str) -> Result<Self, Failure> {
        let url = web::url(&format!("{base}/")).map_err(Failure::failed)?;
        Ok(Self {
            base: url,
            who,
            accept: HeaderValue::from_static(accept),
            known: Mutex::default(),
            not_before: Mutex::default(),
        })
    }

    /// What is at `path` below the API.
    pub(super) async fn get(&self, path: &str) -> Got<Value> {
        Ok(self.page(self.url(path)?).await?.value)
    }

    /// The same; `None` where there is nothing of that name, or this identity may not see it.
    pub(super) async fn look(&self, path: &str) -> Got<Option<Value>> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(refused) if refused.is_hidden() => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// A list, all of its pages; one that is longer than is read is refused. `inside`: the key that it stands at in each.
    pub(super) async fn list(&self, path: &str, inside: Option<&str>) -> Got<Vec<Value>> {
        self.first(path, inside, usize::MAX, |_| true).await
    }

    /// The first of a list that are `wanted`, so many at most; no page is read behind them.
    pub(super) async fn first(
        &self,
        path: &str,
        inside: Option<&str>,
        most: usize,
        wanted: impl Fn(&Value) -> bool + Send,
    ) -> Got<Vec<Value>> {
        let mut all = Vec::new();
        let mut next = Some(self.url(path)?);
        for _ in 0..PAGES {
            let Some(url) = next.take().filter(|_| all.len() < most) else {
                break;
            };
            let Answer {
                mut value,
                next: more,
            } = self.page(url).await?;
            let list = match inside {
                Some(key) => match value.get_mut(key).map(Value::take) {
                    // As Gitea says that there are none.
                    Some(Value::Null) => Value::Array(Vec::new()),
                    list => list.unwrap_or_default(),
                },
                None => value,
            };
            // What is no list is not one without anything in it.
            let Value::Array(items) = list else {
                let why = format!("{}: {path} is no list, as it should be", self.server());
                return Err(refused(why, FailureKind::Other));
            };
            all.extend(items.into_iter().filter(|item| wanted(item)));
            next = match more {
                Some(more) => Some(self.beside(&more)?),
                None => None,
            };
        }
        if most == usize::MAX && next.is_some() {
            // What is not all of it must not be taken for that.
            let why = format!("{}: {path} has more than {PAGES} pages", self.server());
            return Err(refused(why, FailureKind::Other));
        }
        all.truncate(most);
        Ok(all)
    }

    /// Tells it something; what it answers.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Got<Value> {
        let url = self.url(path)?;
        let reply = self.ask(&method, &url, Some(body), None).await?;
        let reply = self.good(&method, path, reply)?;
        if reply.body.is_empty() {
            return Ok(Value::Null);
        }
        self.read(path, &reply)
    }

    fn url(&self, path: &str) -> Got<Url> {
        let url = self.base.join(path.trim_start_matches('/'));
        url.map_err(|error| refused(format!("{path}: {error}"), FailureKind::Other))
    }

    /// An address that the server named: it has to be its own.
    fn beside(&self, address: &str) -> Got<Url> {
        let url = self
            .base
            .join(address)
            .map_err(|error| refused(error.to_string(), FailureKind::Other))?;
        if url.origin() == self.base.origin() {
            return Ok(url);
        }
        let other = url.host_str().unwrap_or("another server");
        let failure = Failure::new(
            FailureKind::Refused,
            format!(
                "{} sends on to {}, which is another server: it gets no token of ours",
                self.server(),
                sanitise(other)
            ),
        )
        .hint("Where the forge has moved, say so in `url` of [[forges]] in your own config.toml, and in the remote's address");
        Err(Refused {
            status: None,
            failure,
        })
    }

    /// One page, as it was known where it is still so.
    async fn page(&self, url: Url) -> Got<Answer> {
        let path = url.path().to_owned();
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(url.as_str()).cloned()
        };
        let tag = known.as_ref().map(|known| &known.tag);
        let reply = self.ask(&Method::GET, &url, None, tag).await?;
        if let (NOT_MODIFIED, Some(known)) = (reply.status, known) {
            return Ok(Answer {
                value: known.value,
                next: known.next,
            });
        }
        let reply = self.good(&Method::GET, &path, reply)?;
        let tag = reply.headers.get(ETAG).cloned();
        let next = next_page(&reply.headers);
        let value = self.read(&path, &reply)?;
        if let Some(tag) = tag {
            let known = Known {
                tag,
                value: value.clone(),
                next: next.clone(),
            };
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(url.to_string(), known);
        }
        Ok(Answer { value, next })
    }

    /// Asks, behind the pauses that the server asked for.
    async fn ask(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&Value>,
        tag: Option<&HeaderValue>,
    ) -> Got<Reply> {
        let mut pauses = 0;
        loop {
            self.pause().await?;
            let reply = self.once(method, url, body, tag).await?;
            let status = reply.status;
            tracing::debug!(%method, path = url.path(), status, "a forge was asked");
            let Some(wait) = asks_for_a_pause(status, &reply.headers) else {
                return Ok(reply);
            };
            pauses += 1;
            let mut until = self
                .not_before
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *until = Some(Instant::now() + wait.min(NO_LONGER));
            if wait > LONGEST_PAUSE || pauses >= TRIES {
                return Err(self.too_often(status, wait));
            }
        }
    }

    async fn once(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&Value>,
        tag: Option<&HeaderValue>,
    ) -> Got<Reply> {
        let _waiting = waiting::on(format!("waiting for {}", self.server()));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, self.accept.clone());
        headers.extend(self.who.header.clone().map(|it| (AUTHORIZATION, it)));
        headers.extend(tag.cloned().map(|it| (IF_NONE_MATCH, it)));
        let mut request = Request {
            method: method.clone(),
            url: url.clone(),
            headers,
            body: Vec::new(),
            most: LARGEST,
            deadline: PATIENCE,
            follow: true,
            elsewhere: false,
        };
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(CONTENT_TYPE, json);
            request.body = body.to_string().into_bytes();
        }
        web::send(request).await.map_err(|words| {
            let why = format!("{}: {words}", self.server());
            refused(why, FailureKind::Network)
        })
    }

    /// Waits as long as it wants to be left alone; where nobody waits that long, it is not asked.
    async fn pause(&self) -> Got<()> {
        let until = *self
            .not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            let wait = until.saturating_duration_since(Instant::now());
            if wait > LONGEST_PAUSE {
                return Err(self.too_often(TOO_OFTEN, wait));
            }
            let _waiting = waiting::on(format!(
                "waiting as long as {} wants to be left alone",
                self.server()
            ));
            tokio::time::sleep_until(until.into()).await;
        }
        Ok(())
    }

    fn read(&self, path: &str, reply: &Reply) -> Got<Value> {
        if reply.cut {
            let why = format!("{}: {path} is larger than 16 MB", self.server());
            return Err(refused(why, FailureKind::Other));
        }
        serde_json::from_slice(&reply.body).map_err(|_| {
            let why = format!("{}: {path} is no JSON that is known", self.server());
            refused(why, FailureKind::Other)
        })
    }

    /// The answer, where it is a good one.
    fn good(&self, method: &Method, path: &str, reply: Reply) -> Got<Reply> {
        let status = reply.status;
        if (200..300).contains(&status) {
            return Ok(reply);
        }
        let words = self.words(&reply.body);
        let said = match words.as_str() {
            "" => String::new(),
            words => format!(": {words}"),
        };
        let (server, from) = (self.server(), &self.who.from);
        let sso = reply.header("x-github-sso");
        let (kind, why, next) = match status {
            // It is not asked again: nothing but another token changes that.
            401 => (
                FailureKind::Refused,
                format!("{server} does not take the token of {from}{said}"),
                "Give it a token that is valid, in `token` of [[forges]] in your own config.toml"
                    .to_owned(),
            ),
            403 if sso.is_some() => (
                FailureKind::Refused,
                format!(
                    "{server} wants the token of {from} allowed for single sign-on first{said}"
                ),
                match sso.and_then(|it| it.split_once("url=")) {
                    Some((_, url)) => format!("Open {}", sanitise(url)),
                    None => "Allow it in the settings of the token".to_owned(),
                },
            ),
            403 => (
                FailureKind::Refused,
                format!("{server}: the token of {from} may not do that ({method} {path}){said}"),
                "It has to read and write the repository and its pull requests".to_owned(),
            ),
            404 => (
                FailureKind::Refused,
                format!("{server} has no {path}, or the token of {from} may not see it{said}"),
                "Look at the remote's address, and at what the token may see".to_owned(),
            ),
            500.. => (
                FailureKind::Network,
                format!("{server} failed with {status}{said}"),
                String::new(),
            ),
            _ => (
                FailureKind::Refused,
                format!("{server} refused it ({status}){said}"),
                String::new(),
            ),
        };
        Err(Refused {
            status: Some(status),
            failure: Failure::new(kind, why).hint(next),
        })
    }

    /// What a server says against a request, safe to show.
    pub(super) fn words(&self, bytes: &[u8]) -> String {
        let said = match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => {
                let mut words = Vec::new();
                for key in ["message", "error", "error_description", "errors"] {
                    collect(&value[key], &mut words);
                }
                words.dedup();
                words.join("; ")
            }
            // A page of a proxy says less than its status.
            Err(_) => String::new(),
        };
        let mut said = sanitise(&said).into_owned();
        for secret in self.who.secrets.iter().filter(|it| it.len() > 3) {
            said = said.replace(secret.as_str(), "…");
        }
        if let Some((at, _)) = said.char_indices().nth(WORDS) {
            said.truncate(at);
            said.push('…');
        }
        said
    }

    fn server(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    fn too_often(&self, status: u16, wait: Duration) -> Refused {
        let why = format!(
            "{} was asked too often: it answers again in {} s",
            self.server(),
            wait.as_secs()
        );
        Refused {
            status: Some(status),
            failure: Failure::new(FailureKind::Network, why),
        }
    }
}

fn refused(why: String, kind: FailureKind) -> Refused {
    Refused {
        status: None,
        failure: Failure::new(kind, why),
    }
}

/// The header that says who asks. It is never printed.
pub(super) fn header(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Failure::usage("the token holds characters that no header may have; give it in one line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// How long a server wants to be left alone, where it says so.
fn asks_for_a_pause(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let number =
        |name: HeaderName| -> Option<u64> { headers.get(name)?.to_str().ok()?.trim().parse().ok() };
    let limited = status == TOO_OFTEN;
    let may_be = limited || status == 403;
    let busy = status == 503;
    if let (true, Some(seconds)) = (may_be || busy, number(RETRY_AFTER)) {
        return Some(Duration::from_secs(seconds));
    }
    let spent = number(HeaderName::from_static("x-ratelimit-remaining")) == Some(0)
        || number(HeaderName::from_static("ratelimit-remaining")) == Some(0);
    let reset = number(HeaderName::from_static("x-ratelimit-reset"))
        .or_else(|| number(HeaderName::from_static("ratelimit-reset")));
    match reset {
        Some(reset) if may_be && spent => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            // A moment more: clocks differ.
            let wait = Duration::from_secs(reset).saturating_sub(now);
            Some(wait + Duration::from_secs(1))
        }
        _ if limited => Some(Duration::from_mins(1)),
        _ => None,
    }
}

/// The address behind `rel="next"`.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(LINK)?.to_str().ok()?;
    links.split(',').find_map(|link| {
        let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
        rest.contains("rel=\"next\"").then(|| address.to_owned())
    })
}

fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => words.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| match &item["message"] {
            Value::String(text) => words.push(text.clone()),
            _ => collect(item, words),
        }),
        Value::Object(fields) => {
            for (name, value) in fields {
                let mut inner = Vec::new();
                collect(value, &mut inner);
                words.extend(inner.iter().map(|it| format!("{name}: {it}")));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_that_servers_ask_for() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect::<HeaderMap>()
        };
        let cases = [
            (200, headers(&[("retry-after", "3")]), None),
            (429, headers(&[("retry-after", "3")]), Some(3)),
            (503, headers(&[("retry-after", "2")]), Some(2)),
            (503, headers(&[]), None),
            (429, headers(&[]), Some(60)),
            (403, headers(&[]), None),
            (
                403,
                headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")]),
                Some(1),
            ),
            (
                403,
                headers(&[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1")]),
                None,
            ),
        ];
        for (status, headers, expected) in cases {
            let wait = asks_for_a_pause(status, &headers);
            assert_eq!(
                wait.map(|it| it.as_secs()),
                expected,
                "{status} {headers:?}"
            );
        }
    }

    #[test]
    fn pages_and_words() {
        let mut headers = HeaderMap::new();
        headers.insert(
            LINK,
            HeaderValue::from_static(
                r#"<https://h/a?page=1>; rel="prev", <https://h/a?page=3>; rel="next""#,
            ),
        );
        assert_eq!(next_page(&headers).as_deref(), Some("https://h/a?page=3"));
        let who = Who {
            header: None,
            secrets: vec!["s3cret".to_owned()],
            from: "nobody".to_owned(),
        };
        let http = Http::new("https://h/api", who, "application/json").unwrap();
        for (body, expected) in [
            (
                r#"{"message":"Validation Failed","errors":[{"message":"there is one"}]}"#,
                "Validation Failed; there is one",
            ),
            (r#"{"message":["a","b s3cret"]}"#, "a; b …"),
            (r#"{"message":{"base":["is wrong"]}}"#, "base: is wrong"),
            ("<html>", ""),
        ] {
            assert_eq!(http.words(body.as_bytes()), expected, "{body}");
        }
        assert!(http.beside("https://h/api/2").is_ok());
        for other in ["http://h/api", "https://h:8443/api", "https://evil/api"] {
            assert!(http.beside(other).is_err(), "{other}");
        }
    }
}
