//! Errors of the sources in the words of the screen.

use crate::{
    app::event::Event,
    domain::failure::{Failure, FailureKind},
    sources::{git::RanCommand, mistake::Mistake},
};

/// A program that ran, for the line above the footer.
pub(super) fn ran(command: RanCommand) -> Event {
    Event::Ran {
        line: command.line,
        ok: command.ok,
        outcome: command.outcome,
        took: command.took,
    }
}

/// The remote's web address, where its Git address tells: `https://host/owner/name`.
pub(super) fn web_address(url: &str) -> Option<String> {
    // What is behind a `?` may be a token.
    let url = url.split(['?', '#']).next()?;
    let url = url.trim_end_matches('/').trim_end_matches(".git");
    let host_and_path = if let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    {
        // Credentials in an address never travel further.
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let scheme = if url.starts_with("https") {
            "https"
        } else {
            "http"
        };
        return Some(format!("{scheme}://{rest}"));
    } else if let Some(rest) = url.strip_prefix("ssh://") {
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let (host, path) = rest.split_once('/')?;
        format!("{}/{path}", host.split(':').next()?)
    } else {
        let (login, path) = url.split_once(':')?;
        let host = login.rsplit_once('@').map_or(login, |(_, host)| host);
        if host.contains('/') || path.starts_with('/') || host.len() < 2 {
            return None;
        }
        format!("{host}/{path}")
    };
    Some(format!("https://{host_and_path}"))
}

/// A panic of the work that `what` names.
pub(super) fn mistake(what: String, mistake: &Mistake) -> Failure {
    let next = "please report it; everything else goes on";
    Failure::told(what, mistake.to_string(), next).of(FailureKind::Mistake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_carry_no_credentials() {
        let cases = [
            (
                "https://user:token@github.com/shop/deploy.git",
                Some("https://github.com/shop/deploy"),
            ),
            (
                "git@github.com:shop/deploy.git",
                Some("https://github.com/shop/deploy"),
            ),
            (
                "ssh://git@git.shop.example:2222/team/deploy",
                Some("https://git.shop.example/team/deploy"),
            ),
            (
                "http://127.0.0.1:3000/rig/deploy.git",
                Some("http://127.0.0.1:3000/rig/deploy"),
            ),
            ("/srv/git/deploy.git", None),
            ("../deploy", None),
            ("C:\\deploy", None),
        ];
        for (url, expected) in cases {
            assert_eq!(web_address(url).as_deref(), expected, "{url}");
        }
    }
}
