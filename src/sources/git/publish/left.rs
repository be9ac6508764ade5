//! What became of a push whose end nobody saw.

use tokio::time::{Instant, sleep};

use super::{
    apart::arrived,
    stopped::{LOOK_EVERY, WATCHED, is_local},
};
use crate::{
    domain::{delivery::Push, failure::Failure},
    sources::git::Repo,
};

/// What is there of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is where it is fetched from.
    There,
    /// It is at these addresses, without credentials, and not where it is fetched from.
    Elsewhere(Vec<String>),
    /// It is not there, and nothing can bring it any more.
    NotThere,
    /// It is not there now. A server that had begun may still bring it: its hooks are not ours to stop.
    NotNow,
}

/// Looks at the addresses that it was on its way to, for a moment where a server may still be at work. Pushes nothing.
///
/// # Errors
/// `Network` when the remote does not answer; `Interrupted`.
pub async fn became(repo: &Repo, push: &Push) -> Result<Became, Failure> {
    let Some(remote) = &push.base.remote else {
        return Ok(match arrived(repo, push).await? {
            (true, _) => Became::There,
            (false, _) => Became::NotThere,
        });
    };
    let apart = repo.addresses_apart(remote)?;
    let local = apart.is_none()
        && repo
            .remote_url(remote)
            .is_some_and(|address| is_local(&address));
    let until = Instant::now() + WATCHED;
    loop {
        if arrived(repo, push).await?.0 {
            return Ok(Became::There);
        }
        let mut having = Vec::new();
        for place in apart.iter().flat_map(|addresses| &addresses.push) {
            if place.look(repo, &push.target()).await? == Some(push.commit) {
                having.push(place.shown.clone());
            }
        }
        if !having.is_empty() {
            return Ok(Became::Elsewhere(having));
        }
        if local {
            return Ok(Became::NotThere);
        }
        if Instant::now() >= until {
            return Ok(Became::NotNow);
        }
        sleep(LOOK_EVERY).await;
    }
}
