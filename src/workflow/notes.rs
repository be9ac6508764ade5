//! What has to be known before confirming, beside the changes and their verdicts.

use super::{Project, owners::owners};
use crate::{
    domain::{
        failure::Failure,
        plan::{Action, Plan, Write},
        pull_request::MergeBy,
        topology::Deliver,
    },
    sources::git::Repo,
};

/// A sentence each, in the plan's order: where a remote is pushed elsewhere than it is fetched from, which of the clone's hooks
/// are not run, who owns what is to be reviewed, and who merges it.
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
            said.extend(hooks(repo));
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

fn hooks(repo: &Repo) -> Option<String> {
    let hooks = repo.commit_hooks();
    let (what, them) = match hooks.as_slice() {
        [] => return None,
        [one] => (format!("the hook {one}"), "it adds or checks"),
        several => (
            format!("the hooks {}", several.join(" and ")),
            "they add or check",
        ),
    };
    Some(format!(
        "{what} of this clone will not run, as Tidegate writes the commit without a work tree: what {them} is missing"
    ))
}
