//! What went wrong with a request, told apart by what to do about it, in one line.

use std::{error::Error as StdError, io};

use kube::{core::Status, runtime::watcher};

use super::convert::clean;
use crate::domain::{address::redact, alike::listed};

/// A failed request or connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClusterError {
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

impl ClusterError {
    /// Whether new credentials may mend it.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized(_))
    }

    /// One line for people.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Unauthorized(message)
            | Self::Denied(message)
            | Self::Busy(message)
            | Self::Broken(message) => message.clone(),
            Self::Absent => "404: the server does not know this kind".to_owned(),
            Self::Gone => "410: the watch fell behind".to_owned(),
        }
    }
}

impl From<&kube::Error> for ClusterError {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(&**status),
            // What an API server sends is JSON, whatever else is wrong with it.
            kube::Error::SerdeError(error) if error.is_syntax() => Self::Broken(format!(
                "the answer is no JSON, as where a proxy or a page to sign in answers instead of the API server: {}",
                clean(&error.to_string())
            )),
            other => Self::Broken(cause(other)),
        }
    }
}

impl From<&watcher::Error> for ClusterError {
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

impl From<&Status> for ClusterError {
    fn from(status: &Status) -> Self {
        let message = || format!("{}: {}", status.code, server_words(status));
        match status.code {
            401 => Self::Unauthorized(message()),
            403 => Self::Denied(message()),
            404 | 405 => Self::Absent,
            410 => Self::Gone,
            409 | 429 => Self::Busy(message()),
            _ => Self::Broken(message()),
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
        let reason = clean(&status.reason);
        return if reason.is_empty() {
            "the server gives no reason".to_owned()
        } else {
            reason
        };
    }
    text.replace(" in API group \"\"", "")
        .replace(" in API group \"apps\"", "")
}

/// The innermost cause of an error, in words that people know.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    loop {
        let io = innermost.downcast_ref::<io::Error>();
        if let Some(message) = tls(innermost).and_then(certificate_words) {
            return clean(&message);
        }
        if let Some(io) = io
            && let Some(message) = io_words(io)
        {
            return message.to_owned();
        }
        let Some(source) = innermost.source() else {
            break;
        };
        innermost = source;
    }
    redact(&clean(&innermost.to_string()))
}

/// The error of TLS that this one is, or is made of: what an I/O error is made of is none of its sources.
fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut error = error;
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        error = error.downcast_ref::<io::Error>()?.get_ref()?;
    }
}

/// Why the server's certificate is not taken, and what to do; `None` for what is no matter of certificates.
fn certificate_words(error: &rustls::Error) -> Option<String> {
    use rustls::CertificateError as Why;
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    let at = |time: &rustls::pki_types::UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).map_or("another time".to_owned(), |it| it.to_string())
    };
    let renew = "have it renewed, or set this machine's clock";
    Some(match why {
        Why::UnknownIssuer => "its certificate is signed by nobody whom this machine or the kubeconfig knows, as when it signs \
             itself or another cluster answers; look at the context's certificate-authority"
            .to_owned(),
        Why::Expired => format!("its certificate has ended; {renew}"),
        Why::ExpiredContext { time, not_after } => format!(
            "its certificate ended at {}, and it is {} here; {renew}",
            at(not_after),
            at(time)
        ),
        Why::NotValidYet => format!("its certificate has not begun; {renew}"),
        Why::NotValidYetContext { time, not_before } => format!(
            "its certificate begins at {}, and it is {} here; {renew}",
            at(not_before),
            at(time)
        ),
        Why::NotValidForName => "its certificate is for another name; use that in the kubeconfig's `server`, or set \
             `tls-server-name`"
            .to_owned(),
        Why::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "its certificate is for {}, not for {}; use such a name in the kubeconfig's `server`, or set `tls-server-name`",
            match presented.as_slice() {
                [] => "no name".to_owned(),
                names => {
                    // `DnsName("a.example")`
                    let names = names.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
                    listed(&names.map(str::to_owned).collect::<Vec<_>>())
                }
            },
            expected.to_str()
        ),
        Why::Revoked => "its certificate was revoked; have it renewed".to_owned(),
        other => format!("its certificate is not taken: {other:?}; have it renewed"),
    })
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
        type Case = (u16, &'static str, fn(&str) -> ClusterError, &'static str);
        let cases: [Case; 7] = [
            (
                403,
                "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"",
                |message| ClusterError::Denied(message.to_owned()),
                "403: User \"jane\" cannot list resource \"pods\" in the namespace \"shop\"",
            ),
            (
                401,
                "Unauthorized",
                |message| ClusterError::Unauthorized(message.to_owned()),
                "401: Unauthorized",
            ),
            (
                404,
                "the server could not find the requested resource",
                |_| ClusterError::Absent,
                "404: the server does not know this kind",
            ),
            (
                410,
                "too old resource version",
                |_| ClusterError::Gone,
                "410: the watch fell behind",
            ),
            (
                429,
                "too many requests",
                |message| ClusterError::Busy(message.to_owned()),
                "429: too many requests",
            ),
            (
                500,
                "etcdserver:\n leader \u{1b}[31mchanged",
                |message| ClusterError::Broken(message.to_owned()),
                "500: etcdserver: leader changed",
            ),
            (
                0,
                "\u{1b}",
                |message| ClusterError::Broken(message.to_owned()),
                "0: the server gives no reason",
            ),
        ];
        for (code, message, expected, shown) in cases {
            let status = Status {
                code,
                ..Status::failure(message, "")
            };
            let failure = ClusterError::from(&status);
            assert_eq!(failure, expected(shown), "{code}");
            assert_eq!(failure.message(), shown, "{code}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_taken_is_told_with_what_to_do() {
        use rustls::{
            CertificateError as Why,
            pki_types::{ServerName, UnixTime},
        };
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let cases = [
            (Why::UnknownIssuer, "the context's certificate-authority"),
            (
                Why::ExpiredContext {
                    time: at(1_700_000_000),
                    not_after: at(1_600_000_000),
                },
                "ended at 2020-09-13T12:26:40Z, and it is 2023-11-14T22:13:20Z here; have it renewed",
            ),
            (
                Why::NotValidYetContext {
                    time: at(0),
                    not_before: at(1_600_000_000),
                },
                "begins at 2020-09-13T12:26:40Z, and it is 1970-01-01T00:00:00Z here; have it renewed",
            ),
            (
                Why::NotValidForNameContext {
                    expected: ServerName::try_from("one.example").unwrap(),
                    presented: vec!["DnsName(\"two.example\")".to_owned()],
                },
                "is for two.example, not for one.example; use such a name",
            ),
            (Why::BadSignature, "is not taken: BadSignature"),
        ];
        for (why, message) in cases {
            let tls = rustls::Error::InvalidCertificate(why);
            let nested = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls.clone()));
            for error in [
                kube::Error::Service(Box::new(tls)),
                kube::Error::Service(Box::new(nested)),
            ] {
                let said = cause(&error);
                assert!(said.contains(message), "{said}");
            }
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
