//! Who the user is to a server, as Git's credential helpers say it.

use super::{Child, Repo};
use crate::domain::failure::Failure;

/// A name and a password or token. Never printed.
pub struct Credential {
    /// The name; empty where the helper says none.
    pub user: String,
    /// The password, or the token.
    pub password: String,
}

/// Asks `git credential fill` for `url` (`https://host/path`). `None`: no helper knows, and nobody is asked. Blocking, as long
/// as the helper takes.
///
/// # Errors
/// `Program` without `git`; `Interrupted`.
pub fn credential(repo: &Repo, url: &str) -> Result<Option<Credential>, Failure> {
    let child = Child::new(repo, ["credential", "fill"]).input(format!("url={url}\n\n"));
    let Some(lines) = child.secret_lines()? else {
        return Ok(None);
    };
    let value = |key: &str| {
        let mut lines = lines.iter();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let Some(password) = value("password").filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(Credential {
        user: value("username").unwrap_or_default().to_owned(),
        password: password.to_owned(),
    }))
}
