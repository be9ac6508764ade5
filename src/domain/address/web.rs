//! Addresses of the web as a configuration says them: what people would read otherwise than programs do.

use std::net::IpAddr;

use super::Address;

/// Why an address could lead elsewhere than whoever reads it takes it to, in words behind its key; `None`: it leads where it says.
/// It may begin with a place in braces, for which another address stands.
pub fn misread(text: &str) -> Option<&'static str> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some(
            "has a blank or a control character, which no address has; write a blank as `%20`",
        );
    }
    if text.contains('\\') {
        return Some(
            "has a `\\`, which programs read as a `/`; write `/`, or `%5C` where it is meant",
        );
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    server.contains('@').then_some(
        "has user information before an `@`: who asks stands in no address, and a host before it would be none",
    )
}

/// Whether it is the address of a server of the web and nothing else: without a name, a token, a query or a fragment, and none
/// that leads elsewhere than it reads.
pub fn is_plain_web(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    misread(text).is_none()
        && rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.contains(['@', '?', '#']) && !rest.starts_with('/')
        })
}

/// Whether what is sent there can be read on its way: it leaves this machine, and is not encrypted.
pub fn is_in_clear(text: &str) -> bool {
    let Ok(address) = Address::parse(text) else {
        return true;
    };
    let host = address.host().to_ascii_lowercase();
    let is_here = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    !text.starts_with("https://") && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_where_they_say() {
        for good in [
            "https://shop.example.com",
            "http://127.0.0.1:8080/a?b=c@d#e",
            "{url}/healthz?v={version}",
            "{from.url}",
            "https://{service}.example.com/@scope/x",
        ] {
            assert_eq!(misread(good), None, "{good}");
        }
        for bad in [
            "http://127.0.0.1:18092\\@good.example/x",
            "https://user:sesame@h/",
            "https://good.example@evil.example",
            "{url}@evil.example/x",
            "https://h@e?x",
            "https://h/a b",
            "https://h/\u{9}",
            "https://h/\u{202f}x",
            "https://h\u{1b}[2J/",
            "https:\\\\h/",
        ] {
            assert!(misread(bad).is_some(), "{bad}");
            assert!(!is_plain_web(bad), "{bad}");
        }
        assert!(!is_plain_web("http://127.0.0.1:80\\.grafana.example.com"));
        assert!(is_plain_web("https://example.com:8443/grafana"));
    }

    #[test]
    fn what_leaves_this_machine_unencrypted_is_in_clear() {
        for (url, clear) in [
            ("https://grafana.example.com", false),
            ("http://grafana.example.com", true),
            ("http://localhost.example.com", true),
            ("http://127.0.0.1.example.com:3000", true),
            ("http://127.0.0.1:3000/g", false),
            ("http://[::1]:3000", false),
            ("http://LOCALHOST", false),
            ("grafana", true),
        ] {
            assert_eq!(is_in_clear(url), clear, "{url}");
        }
    }
}
