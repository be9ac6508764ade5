//! What has to be known before confirming, beside the changes and their verdicts.

use super::{Project, owners::owners};
use crate::{
    domain::{
        failure::Failure,
        plan::{Action, Plan, Write},
        pull_request::MergeBy,
        topology::Deliver,
    },
    sources::git::{self, Repo},
};

/// A sentence each, in the plan's order: where a remote is pushed elsewhere than it is fetched from, which of the clone's hooks
/// run and which do not, how it is signed, who owns what is to be reviewed, and who merges it.
///
/// # Errors
/// Where Git does not say where it pushes.
pub(super) fn notes(project: &Project, plan: &Plan) -> Result<Vec<String>, Failure> {
    let mut notes: Vec<String> = Vec::new();
    for write in plan.writes() {
        let Ok(repo) = project.repository(&write.tip.name) else {
            continue;
        };
        let mut said = Vec::new();
        if let Some(remote) = &write.tip.remote
            && let Some(addresses) = repo.addresses_apart(remote)?
        {
            said.push(addresses.sentence());
        }
        if commits(plan, write) {
            said.extend(hooks(project, repo));
            said.extend(signed(repo, write));
        } else if matches!(write.action, Action::Tag { .. }) {
            said.extend(signed(repo, write));
        }
        if plan.deliver.is_own_branch() {
            said.extend(owners(project, write));
            said.extend(merged(project, plan, write));
        }
        let said = said
            .into_iter()
            .map(|note| match &write.tip.name.repository {
                Some(repository) => format!("{repository}: {note}"),
                None => note,
            });
        for note in said {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    Ok(notes)
}

/// Who merges its pull request, where its environments do not leave that to somebody.
fn merged(project: &Project, plan: &Plan, write: &Write) -> Option<String> {
    if plan.deliver != Deliver::PullRequest {
        return None;
    }
    let environments = || plan.changes_of(write).map(|it| &it.cell.environment);
    let policy = &project.config.topology.policy;
    if plan.is_emergency() && !policy.says_who_merges(environments()) {
        return Some("it goes back: its pull request is marked as urgent, and the forge is asked to merge it".to_owned());
    }
    let by = match policy.merge_by(environments()) {
        MergeBy::Hand => return None,
        MergeBy::WhenReady => "Tidegate merges it",
        MergeBy::Auto => "the forge is asked to merge it",
    };
    let branch = write.tip.branch();
    Some(format!(
        "{by} into {branch} once everything required is there (`merge` of `[environments.pull-request]`)"
    ))
}

/// Whether a commit is made for it, for which `git commit` would have run hooks.
pub(super) fn commits(plan: &Plan, write: &Write) -> bool {
    match write.action {
        Action::Edit => true,
        Action::Merge { .. } => !plan.moves_on(write),
        Action::Tag { .. } => false,
    }
}

/// Which hooks of the clone do not run, and which do.
fn hooks(project: &Project, repo: &Repo) -> impl Iterator<Item = String> {
    let wanted = &project.config.user.commit.hooks;
    let is_wanted =
        |name: &&str| repo.has_own_hooks() && wanted.iter().any(|hook| hook.name() == *name);
    // Where they are not found for a mistake of Git's, no commit is made either.
    let found = repo.commit_hooks().unwrap_or_default();
    let (run, left): (Vec<&str>, Vec<&str>) = found.into_iter().partition(is_wanted);
    let named = |hooks: &[&str]| match hooks {
        [] => None,
        [one] => Some((format!("the hook {one}"), false)),
        several => Some((format!("the hooks {}", several.join(" and ")), true)),
    };
    let run = named(&run).map(|(what, several)| {
        let runs = if several { "run" } else { "runs" };
        format!("{what} of this clone {runs} over a copy of the message, as your config.toml says")
    });
    let may = left.iter().all(|name| name.contains("commit-msg")) && repo.has_own_hooks();
    let left = named(&left).map(|(what, several)| {
        let them = if several { "they add or check" } else { "it adds or checks" };
        let how = if may {
            "; `hooks` of [commit] in your config.toml lets it run over the message"
        } else {
            ""
        };
        format!(
            "{what} of this clone will not run, as Tidegate writes the commit without a work tree: what {them} is missing{how}"
        )
    });
    run.into_iter().chain(left)
}

/// That it is signed, and how.
fn signed(repo: &Repo, write: &Write) -> Option<String> {
    let is_tag = matches!(write.action, Action::Tag { .. });
    let what = if is_tag { "tag" } else { "commit" };
    match git::signs(repo, is_tag) {
        Ok(how) => Some(format!(
            "the {what} is signed by {}, as Git is configured",
            how?
        )),
        // Publishing stops there.
        Err(error) => Some(format!("the {what} cannot be made: {}", error.why)),
    }
}
