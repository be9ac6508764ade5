//! What became of a push that was stopped: said only when it cannot change any more, or with the word that it can.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{PushOutcome, apart, resolve};
use crate::{
    domain::{
        delivery::Push,
        failure::{Failure, FailureKind},
    },
    sources::git::{Addresses, RanCommand, Repo},
};

/// How long a server that may have begun is watched.
pub(super) const WATCHED: Duration = Duration::from_secs(5);
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(700);

/// Looks at the remote after the child that pushed was stopped, with its hooks and whatever else it had started.
///
/// On this machine that is all there was: what is not there now does not come. A server elsewhere may have taken everything
/// before the connection ended, and may still be running its hooks: it is watched for a moment, and told as not known.
///
/// # Errors
/// `Interrupted`: nothing was pushed.
pub(super) async fn settle(
    repo: &Repo,
    request: &Push,
    remote: &str,
    apart: Option<&Addresses>,
) -> Result<(PushOutcome, Vec<RanCommand>), Failure> {
    let target = request.target();
    let message = "interrupted";
    let local = apart.is_none()
        && repo
            .remote_url(remote)
            .is_some_and(|address| is_local(&address));
    let until = Instant::now() + WATCHED;
    loop {
        let (outcome, ran) = match apart {
            Some(addresses) => apart::settle(repo, request, addresses, &[], message).await,
            None => resolve(repo, request, remote, &target, message).await,
        };
        let name = target
            .strip_prefix("refs/heads/")
            .or_else(|| target.strip_prefix("refs/tags/"))
            .unwrap_or(&target);
        match outcome {
            PushOutcome::Rejected(_) | PushOutcome::Moved { .. } if local => {
                return Err(Failure::new(
                    FailureKind::Interrupted,
                    format!("interrupted: nothing was pushed to {remote}/{name}"),
                ));
            }
            PushOutcome::Rejected(_) | PushOutcome::Moved { .. } if Instant::now() < until => {
                sleep(LOOK_EVERY).await;
            }
            PushOutcome::Rejected(_) | PushOutcome::Moved { .. } => {
                let message = format!(
                    "interrupted; {} is not on {remote}/{name} now, but a server that had begun may still bring it there: \
                     its hooks are not ours to stop",
                    request.commit.short()
                );
                return Ok((PushOutcome::Unclear { message }, ran));
            }
            outcome => return Ok((outcome, ran)),
        }
    }
}

/// Whether a push to this address is done by programs of this machine that we started: a path, or `file://`.
pub(super) fn is_local(address: &str) -> bool {
    if let Some((scheme, _)) = address.split_once("://") {
        return scheme == "file";
    }
    let before = address.split('/').next().unwrap_or_default();
    !before.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_here_is_told_from_servers() {
        for (address, local) in [
            ("/srv/a.git", true),
            ("../a:b", true),
            ("a", true),
            ("file:///srv/a", true),
            ("https://h/a", false),
            ("ssh://h/a", false),
            ("git@h:a", false),
            ("h:/srv/a", false),
            ("ext::sh", false),
        ] {
            assert_eq!(is_local(address), local, "{address}");
        }
    }
}
