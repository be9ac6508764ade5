//! What has to be known before confirming, beside the changes and their verdicts.

use super::{Project, owners::owners};
use crate::{
    domain::{
        failure::Failure,
        plan::{Action, Plan, Write},
    },
    sources::git::Repo,
};

/// A sentence each, in the plan's order: where a remote is pushed elsewhere than it is fetched from, which of the clone's hooks
/// are not run, and who owns what is to be reviewed.
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
