//! The address of a repository: parsed once, and printed without what is secret in it.
//!
//! The forms are those of `git clone`, by allow-list: `https://`, `http://`, `ssh://`, `file://` and `[user@]host:path`.
//! Anything else can start a program (`ext::`, `fd::`, `git-remote-…`) and is refused.

use std::fmt;

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

/// What may be shown of something that was meant as an address and is none: what stands before the last `@` may be a token.
pub fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match text.rsplit_once('@') {
        Some((_, after)) => format!("…@{after}"),
        None => text.to_owned(),
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
        Some((name, port)) => (name, port.strip_prefix(':')),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_addresses_without_what_is_secret() {
        let cases = [
            ("https://h/a.git", "https://h/a.git", None),
            (
                "https://user:token@h/a",
                "https://h/a",
                Some(("user", Some("token"))),
            ),
            (
                "http://u:s3c'ret@127.0.0.1:1/a",
                "http://127.0.0.1:1/a",
                Some(("u", Some("s3c'ret"))),
            ),
            (
                "http://u:s3c\"r<et@127.0.0.1:1/a",
                "http://127.0.0.1:1/a",
                Some(("u", Some("s3c\"r<et"))),
            ),
            (
                "https://u:p@ss@h:8080/x",
                "https://h:8080/x",
                Some(("u", Some("p@ss"))),
            ),
            (
                "https://u:p%40%2Fss@h/x",
                "https://h/x",
                Some(("u", Some("p@/ss"))),
            ),
            (
                "https://ghp_token@h/x",
                "https://h/x",
                Some(("ghp_token", None)),
            ),
            (
                "https://:token@h/x",
                "https://h/x",
                Some(("", Some("token"))),
            ),
            (
                "https://token:@h/x",
                "https://h/x",
                Some(("token", Some(""))),
            ),
            ("HTTPS://u:p@h/x", "HTTPS://h/x", Some(("u", Some("p")))),
            ("https://[::1]:8080/x", "https://[::1]:8080/x", None),
            ("https://h/@scope/x@1", "https://h/@scope/x@1", None),
            ("ssh://git@h:22/x", "ssh://git@h:22/x", None),
            ("git@github.com:a/b.git", "git@github.com:a/b.git", None),
            ("host.example:a/b", "host.example:a/b", None),
            ("git@[::1]:a/b", "git@[::1]:a/b", None),
            ("file:///srv/a b.git", "file:///srv/a b.git", None),
        ];
        for (text, bare, who) in cases {
            let address = Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(address.to_string(), bare, "{text}");
            let found = address
                .credentials()
                .map(|it| (it.user.as_str(), it.password.as_deref()));
            assert_eq!(found, who, "{text}");
            assert!(!format!("{address:?}").contains("token"), "{text}");
        }
    }

    #[test]
    fn refuses_all_but_the_known_forms() {
        use AddressError::{Control, Dash, Host, Kind, NotOne, Password, Port, Query, Slashes};
        let cases = [
            ("ext::sh -c touch% PWNED", Kind),
            ("fd::7", Kind),
            ("git-remote-x::y", Kind),
            ("codecommit::eu://repo", Kind),
            ("ext://h", Kind),
            ("git://h/a", Kind),
            ("ftp://h/a", Kind),
            ("ssh+git://h/a", Kind),
            ("-oProxyCommand=x", Dash),
            ("-x@h:a", Dash),
            ("u@-oProxyCommand=x:a", Dash),
            ("h.example:-a", Dash),
            ("ssh://-oProxyCommand=x/a", Dash),
            ("ssh://-u@h/a", Dash),
            ("https://-h/a", Dash),
            ("ssh://git:pw@h/x", Password),
            ("u:token@h:p", Password),
            ("u:token@h", Password),
            ("https:/u:token@h/p", Slashes),
            ("ssh:/h/p", Slashes),
            ("http://u:s3c/ret@127.0.0.1:1/a", Port),
            ("https://h:80a/x", Port),
            ("http://127.0.0.1:1/a?private_token=s3cret", Query),
            ("https://h?x", Query),
            ("https://h/a#token", Query),
            ("https:///a", Host),
            ("https://a b/c", Host),
            ("file://server/share", Host),
            ("https://h/a\nb", Control),
            ("https://h/\u{1b}[2J", Control),
            ("https://u:p%0Apassword=x@h/a", Control),
            ("/srv/a.git", NotOne),
            ("./git@h:a", NotOne),
            ("a:b", NotOne),
            ("src", NotOne),
            ("", NotOne),
        ];
        for (text, expected) in cases {
            assert_eq!(Address::parse(text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn addresses_are_told_from_paths() {
        for text in [
            "https://h/a.git",
            "ssh://git@h:22/a",
            "git@h:a/b.git",
            "file:///srv/a",
            "me@h:a",
            "ext::sh",
            "https:/u:t@h/p",
            "u:t@h:p",
        ] {
            assert!(Address::is_meant(text), "{text}");
        }
        for text in [
            ".",
            "/srv/a.git",
            "a:b",
            "./git@h:a",
            "C:\\a",
            "src",
            "../me@home",
        ] {
            assert!(!Address::is_meant(text), "{text}");
        }
    }

    #[test]
    fn knows_server_and_folder() {
        let parsed = |text: &str| Address::parse(text).unwrap();
        assert_eq!(parsed("https://u:t@h:1/a/b").server(), "https://h:1");
        assert_eq!(parsed("https://h").server(), "https://h");
        assert_eq!(parsed("git@h.example:a").server(), "");
        assert_eq!(parsed("file:///srv/a").local(), Some("/srv/a"));
        assert_eq!(parsed("file://localhost/srv/a").local(), Some("/srv/a"));
        assert_eq!(parsed("git@h.example:a").host(), "h.example");
        assert_eq!(shown("https:/u:s3cret@h/p?token=x"), "…@h/p");
    }
}
