//! The remote's default branch and the branches that are read, asked: what is known of them here is as old as the last fetch.

use std::time::Duration;

use super::Project;
use crate::{
    config::places,
    domain::{desired::Tip, failure::Failure},
    sources::git::{self, OnServer, Repo},
};

/// A command that only looks waits so long for the answer, from its start.
pub const PATIENCE: Duration = Duration::from_secs(2);

impl Project {
    /// Asks the remote of each repository for its default branch and the branches that are read, all at once: a sentence for
    /// each of which another default branch is read here, because the clone does not know yet, and for each branch that is
    /// gone there. None where the remote does not answer, with `--offline`, and of another time.
    pub async fn server_notes(&self) -> Vec<String> {
        if self.opened.offline || !self.opened.at.is_empty() {
            return Vec::new();
        }
        let main = (None, &self.repo);
        let others = self.others.iter().filter_map(|other| {
            let repo = other.repo.as_ref().ok()?;
            Some((Some(&*other.name), repo))
        });
        let asked = std::iter::once(main)
            .chain(others)
            .map(|(name, repo)| self.notes_of(repo, name));
        let answers = futures::future::join_all(asked).await;
        answers.into_iter().flatten().flatten().collect()
    }

    /// The same of one repository, `name` among `[[repositories]]`.
    ///
    /// # Errors
    /// Where the remote does not answer.
    pub(super) async fn notes_of(
        &self,
        repo: &Repo,
        name: Option<&str>,
    ) -> Result<Vec<String>, Failure> {
        let is_settled = match name {
            Some(name) => {
                let mut others = self.others.iter();
                others.any(|other| *other.name == *name && other.branch.is_some())
            }
            None => self.config.branch.is_some(),
        };
        let reads_default = !is_settled && self.config.layouts.reads(name, None);
        let base = reads_default.then(|| repo.base(None)).transpose()?;
        let lines = self.lines()?.0.into_iter();
        let lines: Vec<Tip> = lines
            .filter(|tip| tip.name.repository.as_deref() == name && !tip.name.is_tag())
            .filter(|tip| tip.remote.is_some() && tip.name.reference.starts_with("refs/heads/"))
            .collect();
        let remote = base.as_ref().and_then(|base| base.remote.as_ref());
        let remote = remote.or_else(|| lines.first()?.remote.as_ref());
        let Some(remote) = remote else {
            return Ok(Vec::new());
        };
        let refs: Vec<&str> = lines.iter().map(|tip| &*tip.name.reference).collect();
        let there = git::on_server(repo, remote, &refs).await?;
        let mut notes = Vec::new();
        if let (Some(base), Some(branch)) = (&base, &there.default)
            && branch != base.branch()
        {
            notes.push(another_default(repo, name, base, branch).await?);
            if is_mirror(repo) {
                return Ok(notes);
            }
        }
        notes.extend(gone(name, &lines, &there));
        Ok(notes)
    }
}

/// The branches that are read here and that their server has no more.
fn gone(name: Option<&str>, lines: &[Tip], there: &OnServer) -> Vec<String> {
    let place = name.map_or(String::new(), |name| format!("{name}: "));
    let mut gone: Vec<&Tip> = Vec::new();
    for tip in lines {
        if !there.refs.contains(&*tip.name.reference)
            && !gone.iter().any(|other| other.name == tip.name)
        {
            gone.push(tip);
        }
    }
    let gone = gone.into_iter().filter_map(|tip| {
        let remote = tip.remote.as_ref()?;
        Some(format!(
            "{place}{remote} has no branch {} any more, and what is shown of it is as old as the last fetch: \
             `git fetch --prune {remote}` forgets it here too; where its environment goes on, push the branch again",
            tip.branch()
        ))
    });
    gone.collect()
}

/// What is to be said of a repository whose remote has another default branch than is read; a mirror of ours follows it.
///
/// # Errors
/// Where the remote does not answer.
async fn another_default(
    repo: &Repo,
    name: Option<&str>,
    base: &Tip,
    branch: &str,
) -> Result<String, Failure> {
    let remote = base.remote.as_deref().unwrap_or_default();
    let (place, key) = match name {
        Some(name) => (
            format!("{name}: "),
            format!("`branch` of {name} under [[repositories]]"),
        ),
        None => (String::new(), "`branch` under [repository]".to_owned()),
    };
    let server = format!("{place}the default branch of {remote} is {branch} on the server");
    if is_mirror(repo) {
        git::follow_default(repo, remote, branch).await?;
        return Ok(format!(
            "{server} now, no longer {}; it is read from here on",
            base.branch()
        ));
    }
    Ok(format!(
        "{server}, and this clone reads {}, which it was when it was cloned: `git remote set-head {remote} --auto` follows the \
         server, {key} in tidegate.toml settles it",
        base.branch()
    ))
}

/// Whether it is a mirror that Tidegate keeps: nobody else decides which branch it reads.
fn is_mirror(repo: &Repo) -> bool {
    places::mirrors().is_some_and(|folder| repo.git_dir().starts_with(folder))
}
