//! The remote's default branch, asked: what `origin/HEAD` says here is as old as the clone.

use std::time::Duration;

use super::Project;
use crate::{
    config::places,
    domain::failure::Failure,
    sources::git::{self, Repo},
};

/// A command that only looks waits so long for the answer, from its start.
pub const PATIENCE: Duration = Duration::from_secs(2);

impl Project {
    /// Asks the main repository's remote for its default branch; a sentence where another one is read here, because the clone
    /// does not know yet. `None` where a branch is configured, where no default branch is read, where the remote does not
    /// answer, and with `--offline`.
    pub async fn other_default(&self) -> Option<String> {
        if self.opened.offline || !self.opened.at.is_empty() || self.config.branch.is_some() {
            return None;
        }
        if !self.config.layouts.reads(None, None) {
            return None;
        }
        other_default(&self.repo).await.ok().flatten()
    }
}

/// What is to be said of a repository whose remote has another default branch than is read; a mirror of ours follows it.
///
/// # Errors
/// Where the remote does not answer.
pub(super) async fn other_default(repo: &Repo) -> Result<Option<String>, Failure> {
    let base = repo.base(None)?;
    let Some(remote) = &base.remote else {
        return Ok(None);
    };
    let Some(branch) = git::default_branch(repo, remote).await? else {
        return Ok(None);
    };
    if branch == base.branch() {
        return Ok(None);
    }
    let server = format!("the default branch of {remote} is {branch} on the server");
    if is_mirror(repo) {
        git::follow_default(repo, remote, &branch).await?;
        return Ok(Some(format!(
            "{server} now, no longer {}; it is read from here on",
            base.branch()
        )));
    }
    Ok(Some(format!(
        "{server}, and this clone reads {}, which it was when it was cloned: `git remote set-head {remote} --auto` follows the \
         server, `branch` under [repository] in tidegate.toml settles it",
        base.branch()
    )))
}

/// Whether it is a mirror that Tidegate keeps: nobody else decides which branch it reads.
fn is_mirror(repo: &Repo) -> bool {
    places::mirrors().is_some_and(|folder| repo.git_dir().starts_with(folder))
}
