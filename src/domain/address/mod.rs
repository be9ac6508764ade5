//! The address of a repository: parsed once, and printed without what is secret in it.
//!
//! The forms are those of `git clone`, by allow-list: `https://`, `http://`, `ssh://`, `file://` and `[user@]host:path`.
//! Anything else can start a program (`ext::`, `fd::`, `git-remote-…`) and is refused.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod redact;
mod web;

use std::fmt;

pub use redact::{anonymous, redact, redact_all};
pub use web::{is_in_clear, is_plain_web, misread};

/// Where a repository is. [`fmt::Display`] gives what may be shown, written down and handed to Git: user information of
/// `http` and `https` is not in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Without credentials.
    bare: String,
    host: String,
    credentials: Option<Credentials>,
}

/// What an address says about who is asking.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name, as it is sent.
    pub user: String,
    /// The password or token; `None` where the address has a name only.
    pub password: Option<String>,
    /// User information as it stood in the address.
    written: String,
}

/// Why something is no address. Says nothing of what stood there: it may be a token in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// No address at all.
    NotOne,
    /// Of another kind: a transport that starts a program, or one that nobody needs.
    Kind,
    /// `https:/host`.
    Slashes,
    /// No host, or one that is none.
    Host,
    /// A port that is no number; often a `/` in a password.
    Port,
    /// A query or a fragment.
    Query,
    /// A password where ssh takes none.
    Password,
    /// Another address with user information in its path, as proxies of forges take it.
    Inner,
    /// A control character.
    Control,
    /// A part that begins with `-`, which a program would take for an option.
    Dash,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOne => "is no address of a repository; give one that begins with https://, ssh:// or file://, or user@host:path",
            Self::Kind => {
                "is an address of a kind that Tidegate does not use, as it may start a program; \
                 give one that begins with https://, http://, ssh:// or file://, or user@host:path"
            }
            Self::Slashes => "lacks a slash: an address begins with https://, ssh:// or file://",
            Self::Host => "has no host that is one; an address reads https://host/path or user@host:path",
            Self::Port => {
                "has a port that is no number; a `/`, `?` or `#` in a password is written %2F, %3F or %23"
            }
            Self::Query => {
                "has a query or a fragment, which Git's addresses have not; leave out what begins with `?` or `#`, \
                 and give a token as https://user:token@host/path or through a credential helper"
            }
            Self::Password => {
                "has a password, which ssh takes from no address; use a key or an agent, or https://"
            }
            Self::Inner => {
                "holds another address with user information in its path, which would be shown with it; \
                 give a token through a credential helper"
            }
            Self::Control => "holds a control character; write the address as one line of text",
            Self::Dash => "has a part that begins with `-`, which a program would take for an option",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Parses what `git clone` takes.
    ///
    /// # Errors
    /// Why it is none that is used.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.chars().any(char::is_control) {
            return Err(AddressError::Control);
        }
        if text.starts_with('-') {
            return Err(AddressError::Dash);
        }
        let (scheme, rest) = scheme_of(text);
        match scheme {
            Some(_) if rest.starts_with("::") => Err(AddressError::Kind),
            Some(scheme) if rest.starts_with("://") => url(text, scheme, &rest[3..]),
            Some("https" | "http" | "ssh" | "file") if rest.starts_with(":/") => {
                Err(AddressError::Slashes)
            }
            _ => scp(text),
        }
    }

    /// Whether somebody who typed `text` meant an address rather than a path. A bare `host:path` may be either, and is taken
    /// for a path.
    pub fn is_meant(text: &str) -> bool {
        let (scheme, rest) = scheme_of(text);
        let known = matches!(scheme, Some("https" | "http" | "ssh" | "file" | "git"));
        text.contains("://")
            || scheme.is_some() && rest.starts_with("::")
            || known && rest.starts_with(":/")
            || text.split_once('@').is_some_and(|(user, host)| {
                !user.contains('/') && (host.contains(':') || user.contains(':'))
            })
    }

    /// Who is asking, where the address says it.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The address of the server alone: `https://host:port`; empty where there is none.
    pub fn server(&self) -> &str {
        let Some(at) = self.bare.find("://") else {
            return "";
        };
        let rest = &self.bare[at + 3..];
        &self.bare[..at + 3 + rest.find('/').unwrap_or(rest.len())]
    }

    /// The folder on this machine that a `file://` address names.
    pub fn local(&self) -> Option<&str> {
        self.bare
            .strip_prefix("file://")
            .map(|path| path.strip_prefix("localhost").unwrap_or(path))
    }

    /// The host's name; empty for `file://`.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.bare)
    }
}

impl Credentials {
    /// What must not be seen anywhere, in each form that it may have.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let password = self.password.as_deref();
        // A name beside a password is an account; alone it may be the token.
        let user = password.is_none().then_some(self.user.as_str());
        let all = [Some(self.written.as_str()), password, user];
        all.into_iter()
            .flatten()
            .filter(|secret| !secret.is_empty())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What may be shown of something that was meant as an address and is none: what stands before the last `@` may be a token,
/// and what stands behind the first `?` or `#` too.
pub fn shown(text: &str) -> String {
    let query = text.find(['?', '#']).unwrap_or(text.len());
    match text.rfind('@') {
        // A password with such a sign, or a query with an `@`: it cannot be told which.
        Some(at) if at > query => "…".to_owned(),
        Some(at) => format!("…{}", &text[at..query]),
        None => text[..query].to_owned(),
    }
}

/// What may be shown of what a configuration has as an address, which may be a path as well.
pub fn plain(text: &str) -> String {
    match Address::parse(text) {
        Ok(address) => address.to_string(),
        Err(_) if Address::is_meant(text) => shown(text),
        Err(_) => text.to_owned(),
    }
}

/// The letters before a colon that can be a scheme or a remote helper, and the rest from the colon on.
fn scheme_of(text: &str) -> (Option<&str>, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .unwrap_or(text.len());
    if text[end..].starts_with(':') && end > 1 {
        (Some(&text[..end]), &text[end..])
    } else {
        (None, text)
    }
}

fn url(text: &str, scheme: &str, rest: &str) -> Result<Address, AddressError> {
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let ssh = scheme.eq_ignore_ascii_case("ssh");
    let file = scheme.eq_ignore_ascii_case("file");
    if !(web || ssh || file) {
        return Err(AddressError::Kind);
    }
    let ends: &[char] = if web { &['/', '?', '#'] } else { &['/'] };
    let (authority, path) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let name = host_name(host, file)?;
    if web && path.contains(['?', '#']) {
        return Err(AddressError::Query);
    }
    if web && path.contains("://") && path.contains('@') {
        return Err(AddressError::Inner);
    }
    if user.is_some_and(|user| user.starts_with('-')) || path.starts_with("/-") && !web && !file {
        return Err(AddressError::Dash);
    }
    if ssh && user.is_some_and(|user| user.contains(':')) {
        return Err(AddressError::Password);
    }
    let credentials = user.filter(|_| web).map(|written| {
        let (user, password) = match written.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password))),
            None => (written, None),
        };
        Credentials {
            user: decoded(user),
            password,
            written: written.to_owned(),
        }
    });
    let said = |text: &str| text.chars().any(char::is_control);
    if credentials
        .as_ref()
        .is_some_and(|it| said(&it.user) || it.password.as_deref().is_some_and(said))
    {
        return Err(AddressError::Control);
    }
    Ok(Address {
        bare: if web {
            format!("{scheme}://{host}{path}")
        } else {
            text.to_owned()
        },
        host: name,
        credentials,
    })
}

fn host_name(host: &str, file: bool) -> Result<String, AddressError> {
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((name, "")) => (name, None),
        Some((name, port)) => (
            name,
            Some(port.strip_prefix(':').ok_or(AddressError::Host)?),
        ),
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    if name.starts_with('-') {
        return Err(AddressError::Dash);
    }
    if file {
        return match host {
            "" | "localhost" => Ok(String::new()),
            _ => Err(AddressError::Host),
        };
    }
    if port.is_some_and(|port| !port.chars().all(|c| c.is_ascii_digit())) {
        return Err(AddressError::Port);
    }
    // A name of other letters than ASCII is one too.
    let good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if name.is_empty() || !name.chars().all(good) {
        return Err(AddressError::Host);
    }
    Ok(name.to_owned())
}

/// `[user@]host:path`, as ssh's `scp` writes it.
fn scp(text: &str) -> Result<Address, AddressError> {
    let bracket = text
        .find('[')
        .filter(|at| *at == 0 || text[..*at].ends_with('@'));
    let inner = bracket.and_then(|at| text[at..].find(']').map(|end| at + end));
    let from = inner.unwrap_or_default();
    let colon = text[from..].find(':').map(|at| from + at);
    let Some(colon) = colon.filter(|colon| text.find('/').is_none_or(|slash| *colon < slash))
    else {
        return Err(AddressError::NotOne);
    };
    let (server, path) = (&text[..colon], &text[colon + 1..]);
    let (user, host) = match server.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, server),
    };
    if path
        .split('/')
        .next()
        .is_some_and(|first| first.contains('@'))
        || user.is_some_and(|user| user.contains(':'))
    {
        return Err(AddressError::Password);
    }
    if path.starts_with('-') || user.is_some_and(|user| user.starts_with('-')) {
        return Err(AddressError::Dash);
    }
    if path.is_empty() || user.is_none() && host.len() < 2 {
        return Err(AddressError::NotOne);
    }
    let host = host_name(host, false)?;
    Ok(Address {
        bare: text.to_owned(),
        host,
        credentials: None,
    })
}

/// `%41` as the byte that it means; what is no such sign stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let digits = (*first == b'%').then(|| more.get(..2)).flatten();
        let byte = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether two addresses are of the same repository. One server has many names (inside a cluster, by SSH, through a proxy): the
/// last two parts of the path decide, or the last where there is no more.
pub fn is_same_project(a: &str, b: &str) -> bool {
    fn parts(address: &str) -> Vec<String> {
        let path = match address.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => address.rsplit_once(':').map_or(address, |(_, path)| path),
        };
        let path = path.trim_end_matches('/').trim_end_matches(".git");
        let parts = path.rsplit('/').filter(|part| !part.is_empty()).take(2);
        parts.map(str::to_lowercase).collect()
    }
    let (a, b) = (parts(a), parts(b));
    let compared = a.len().min(b.len());
    compared > 0 && a[..compared] == b[..compared]
}

#[cfg(test)]
mod tests;
