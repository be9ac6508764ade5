//! HTTP as Tidegate asks it: one request, one answer within a deadline and a limit of bytes, and never anywhere else than
//! where it was sent.
//!
//! A redirect is followed only to the same host and port, or from `http` to `https` on the same host: what goes along with a
//! request (a token, a consent to exactly this address) is for nobody else.

use std::{
    error::Error,
    net::IpAddr,
    sync::{LazyLock, Once},
    time::Duration,
};

pub use reqwest::{
    Method, Url,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

use crate::domain::address;

/// So many redirects are followed.
const REDIRECTS: usize = 5;

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` and its like.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// What goes along.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Vec<u8>,
    /// So many bytes of the answer are read, at most; what comes behind them is left out.
    pub most: usize,
    /// How long all of it may take.
    pub deadline: Duration,
    /// Redirects on the same host are followed; else they are the answer.
    pub follow: bool,
    /// Those to another host are too, by TLS and without what opens the first: registries keep blobs elsewhere.
    pub elsewhere: bool,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status, such as 200.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// What it said, as much as was to be read.
    pub body: Vec<u8>,
    /// It said more than that.
    pub cut: bool,
}

impl Request {
    /// A `GET` that follows redirects.
    pub fn get(url: Url, most: usize, deadline: Duration) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            most,
            deadline,
            follow: true,
            elsewhere: false,
        }
    }

    /// With a header more; a secret one is shown nowhere.
    ///
    /// # Errors
    /// Where the value cannot stand in a header.
    pub fn with(mut self, name: HeaderName, value: &str) -> Result<Self, String> {
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            format!("the value of `{name}` has a character that no header may have")
        })?;
        value.set_sensitive(name == header::AUTHORIZATION);
        self.headers.insert(name, value);
        Ok(self)
    }
}

impl Reply {
    /// What it said as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An address as it is written, if it is one that can be asked.
///
/// # Errors
/// Why it is none, in words without its secrets.
pub fn url(text: &str) -> Result<Url, String> {
    let shown = address::redact(text);
    let url = Url::parse(text).map_err(|error| format!("`{shown}` is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!(
            "`{shown}` is no address that can be asked: it begins with `https://` or `http://` and a host"
        ));
    }
    Ok(url)
}

/// Whether an address is on this machine.
pub fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_some_and(|address| address.is_loopback())
}

/// Sends a request and reads the answer. Dropping the future ends it.
///
/// # Errors
/// Why there is none, in words without secrets.
pub async fn send(request: Request) -> Result<Reply, String> {
    let deadline = request.deadline;
    let answer = tokio::time::timeout(deadline, ask(request));
    answer
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {}", seconds(deadline))))
}

async fn ask(request: Request) -> Result<Reply, String> {
    let Request {
        method,
        mut url,
        mut headers,
        body,
        most,
        follow,
        elsewhere,
        ..
    } = request;
    for _ in 0..=REDIRECTS {
        let client = if is_local(&url) { &*HERE } else { &*ANYWHERE };
        let client = client.as_ref().map_err(Clone::clone)?;
        let mut asked = client.request(method.clone(), url.clone());
        asked = asked.headers(headers.clone());
        if !body.is_empty() {
            asked = asked.body(body.clone());
        }
        let mut response = asked.send().await.map_err(why)?;
        let status = response.status();
        let location = response.headers().get(header::LOCATION);
        if follow
            && status.is_redirection()
            && let Some(location) = location
        {
            let next = location.to_str().ok().and_then(|to| url.join(to).ok());
            let next = next.ok_or_else(|| "it redirects to what is no address".to_owned())?;
            if elsewhere && leaves_safely(&url, &next) {
                headers.remove(header::AUTHORIZATION);
            } else if !stays(&url, &next) {
                let to = address::redact(next.as_str());
                return Err(format!(
                    "it redirects to {to}, which is elsewhere and is not asked; name that address itself"
                ));
            }
            url = next;
            continue;
        }
        let mut reply = Reply {
            status: status.as_u16(),
            headers: response.headers().clone(),
            body: Vec::new(),
            cut: false,
        };
        while let Some(piece) = response.chunk().await.map_err(why)? {
            let room = most - reply.body.len();
            reply
                .body
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room {
                reply.cut = true;
                break;
            }
        }
        return Ok(reply);
    }
    Err(format!("it redirects more than {REDIRECTS} times"))
}

/// Whether a redirect leads to who was asked.
fn stays(from: &Url, to: &Url) -> bool {
    let upgraded = from.scheme() == "http" && to.scheme() == "https";
    let default_ports = from.port().is_none() && to.port().is_none();
    from.host() == to.host()
        && to.username().is_empty()
        && (from.origin() == to.origin() || upgraded && default_ports)
}

/// Whether a redirect elsewhere leads to a named host on the net, by TLS.
fn leaves_safely(from: &Url, to: &Url) -> bool {
    let host = to.host_str().unwrap_or_default();
    let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    let other = from.origin() != to.origin();
    other && to.scheme() == "https" && to.username().is_empty() && !is_address && !is_local(to)
}

/// A proxy has nothing to do with what is on this machine.
static HERE: LazyLock<Result<reqwest::Client, String>> =
    LazyLock::new(|| client(reqwest::ClientBuilder::no_proxy));
static ANYWHERE: LazyLock<Result<reqwest::Client, String>> = LazyLock::new(|| client(|it| it));

fn client(
    settle: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, String> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Somebody else may have chosen it, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = || {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            // Each asking has a runtime of its own: no connection outlives it.
            .pool_max_idle_per_host(0);
        settle(builder)
    };
    // A machine without any certificate can ask what needs none; the rest fails with that reason.
    let client = builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build());
    client.map_err(why)
}

/// Why a request failed: the innermost reason, which is the one that helps, and of a certificate that it is one.
fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reasons = vec![error.to_string()];
    let mut inner: Option<&(dyn Error + 'static)> = error.source();
    while let Some(reason) = inner {
        reasons.push(reason.to_string());
        inner = reason.source();
    }
    let last = reasons.pop().unwrap_or_default();
    let words = last
        .split_once(" (os error")
        .map_or(&*last, |(words, _)| words);
    let words = address::redact(words);
    if error.is_connect() {
        format!("cannot connect: {words}")
    } else if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        words
    }
}

/// `5 s`, `500 ms`.
pub(super) fn seconds(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 1_000 == 0 => format!("{} s", millis / 1_000),
        millis => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_on_the_same_host_alone() {
        let cases = [
            ("http://h/a", "http://h/b", true),
            ("http://h/a", "https://h/a", true),
            ("https://h/a", "http://h/a", false),
            ("http://h/a", "http://h:8080/a", false),
            ("http://h:1/a", "https://h/a", false),
            ("https://h/a", "https://h.evil.example/a", false),
            ("https://h/a", "https://u:p@h/a", false),
        ];
        for (from, to, expected) in cases {
            let (from, to) = (url(from).unwrap(), url(to).unwrap());
            assert_eq!(stays(&from, &to), expected, "{from} → {to}");
        }
    }

    #[test]
    fn what_is_on_this_machine_is_known() {
        for (text, expected) in [
            ("http://localhost:1/", true),
            ("http://127.9.0.1/", true),
            ("http://[::1]:8/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_local(&url(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_told_without_its_secrets() {
        for text in [
            "file:///etc/passwd",
            "ftp://u:sesame@h/x",
            "https://u:sesame@[x/",
            "h/x",
        ] {
            let said = url(text).unwrap_err();
            assert!(!said.contains("sesame"), "{said}");
        }
    }
}
