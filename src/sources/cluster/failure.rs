//! What went wrong with a request, told apart by what to do about it, in one line.

use std::{error::Error as StdError, io};

use kube::{core::Status, runtime::watcher};

use super::convert::clean;
use crate::sources::git::redact;

/// A failed request or connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// 401: the credentials are no longer good; new ones may be.
    Unauthorized(String),
    /// 403: this identity may not.
    Denied(String),
    /// 404: the server does not know the kind.
    Absent,
    /// 410: the watch fell behind and lists again by itself.
    Gone,
    /// 429 and conflicts of the moment: again, later.
    Busy(String),
    /// The server is not reached, or not well.
    Broken(String),
}

impl Failure {
    /// One line for people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unauthorized(words)
            | Self::Denied(words)
            | Self::Busy(words)
            | Self::Broken(words) => words.clone(),
            Self::Absent => "404: the server does not know this kind".to_owned(),
            Self::Gone => "410: the watch fell behind".to_owned(),
        }
    }
}

impl From<&kube::Error> for Failure {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(&**status),
            other => Self::Broken(cause(other)),
        }
    }
}

impl From<&watcher::Error> for Failure {
    fn from(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::from(error),
            watcher::Error::WatchError(status) => Self::from(&**status),
            watcher::Error::NoResourceVersion => {
                Self::Broken("the server sent a list without a resource version".to_owned())
            }
        }
    }
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        let words = || format!("{}: {}", status.code, server_words(status));
        match status.code {
            401 => Self::Unauthorized(words()),
            403 => Self::Denied(words()),
            404 | 405 => Self::Absent,
            410 => Self::Gone,
            409 | 429 => Self::Busy(words()),
            _ => Self::Broken(words()),
        }
    }
}

/// `pods is forbidden: User "x" cannot …` without what every such sentence repeats.
fn server_words(status: &Status) -> String {
    let text = clean(&status.message);
    let text = text
        .split_once("is forbidden: ")
        .map_or(text.as_str(), |(_, rest)| rest);
    if text.is_empty() {
        return clean(&status.reason);
    }
    text.replace(" in API group \"\"", "")
        .replace(" in API group \"apps\"", "")
}

/// The innermost cause of an error, in words that people know.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    loop {
        if let Some(io) = innermost.downcast_ref::<io::Error>()
            && let Some(words) = io_words(io)
        {
            return words.to_owned();
        }
        let Some(source) = innermost.source() else {
            break;
        };
        innermost = source;
    }
    redact(&clean(&innermost.to_string()))
}

fn io_words(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => "connection reset",
        io::ErrorKind::TimedOut => "no answer in time",
        io::ErrorKind::HostUnreachable => "no route to host",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            "connection closed by the server"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_to_do_about_it() {
        type Case = (u16, &'static str, fn(&str) -> Failure, &'static str);
        let cases: [Case; 6] = [
            (
                403,
                "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"",
                |words| Failure::Denied(words.to_owned()),
                "403: User \"jane\" cannot list resource \"pods\" in the namespace \"shop\"",
            ),
            (
                401,
                "Unauthorized",
                |words| Failure::Unauthorized(words.to_owned()),
                "401: Unauthorized",
            ),
            (
                404,
                "the server could not find the requested resource",
                |_| Failure::Absent,
                "404: the server does not know this kind",
            ),
            (
                410,
                "too old resource version",
                |_| Failure::Gone,
                "410: the watch fell behind",
            ),
            (
                429,
                "too many requests",
                |words| Failure::Busy(words.to_owned()),
                "429: too many requests",
            ),
            (
                500,
                "etcdserver:\n leader \u{1b}[31mchanged",
                |words| Failure::Broken(words.to_owned()),
                "500: etcdserver: leader changed",
            ),
        ];
        for (code, message, expected, words) in cases {
            let status = Status {
                code,
                ..Status::failure(message, "")
            };
            let failure = Failure::from(&status);
            assert_eq!(failure, expected(words), "{code}");
            assert_eq!(failure.words(), words, "{code}");
        }
    }

    #[test]
    fn finds_the_innermost_cause() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = kube::Error::Service(Box::new(io::Error::other(refused)));
        assert_eq!(cause(&error), "connection refused");
        let error = kube::Error::Service("dns error".into());
        assert_eq!(cause(&error), "dns error");
    }
}
