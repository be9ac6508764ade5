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
    /// Asks the remote of each repository for its default branch, all at once; a sentence for each of which another one is
    /// read here, because the clone does not know yet. None where a branch is configured, where no default branch is read,
    /// where the remote does not answer, and with `--offline`.
    pub async fn other_defaults(&self) -> Vec<String> {
        if self.opened.offline || !self.opened.at.is_empty() {
            return Vec::new();
        }
        let main = (None, &self.repo, self.config.branch.is_some());
        let others = self.others.iter().filter_map(|other| {
            let repo = other.repo.as_ref().ok()?;
            Some((Some(&*other.name), repo, other.branch.is_some()))
        });
        let asked = std::iter::once(main)
            .chain(others)
            .filter(|(name, _, settled)| !settled && self.config.layouts.reads(*name, None))
            .map(|(name, repo, _)| other_default(repo, name));
        let answers = futures::future::join_all(asked).await;
        answers.into_iter().filter_map(|it| it.ok()?).collect()
    }
}

/// What is to be said of a repository, `name` among `[[repositories]]`, whose remote has another default branch than is read;
/// a mirror of ours follows it.
///
/// # Errors
/// Where the remote does not answer.
pub(super) async fn other_default(
    repo: &Repo,
    name: Option<&str>,
) -> Result<Option<String>, Failure> {
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
    let (place, key) = match name {
        Some(name) => (
            format!("{name}: "),
            format!("`branch` of {name} under [[repositories]]"),
        ),
        None => (String::new(), "`branch` under [repository]".to_owned()),
    };
    let server = format!("{place}the default branch of {remote} is {branch} on the server");
    if is_mirror(repo) {
        git::follow_default(repo, remote, &branch).await?;
        return Ok(Some(format!(
            "{server} now, no longer {}; it is read from here on",
            base.branch()
        )));
    }
    Ok(Some(format!(
        "{server}, and this clone reads {}, which it was when it was cloned: `git remote set-head {remote} --auto` follows the \
         server, {key} in tidegate.toml settles it",
        base.branch()
    )))
}

/// Whether it is a mirror that Tidegate keeps: nobody else decides which branch it reads.
fn is_mirror(repo: &Repo) -> bool {
    places::mirrors().is_some_and(|folder| repo.git_dir().starts_with(folder))
}
