//! What would keep a plan from leaving the clone, as far as that shows without writing.

use crate::{
    domain::{
        failure::Failure,
        plan::{Action, Plan},
        topology::Deliver,
    },
    sources::git,
    workflow::{Project, notes::commits},
};

/// Looks for what would stop the plan's writes: nobody to commit as, a branch that is checked
/// out and has no remote, and the repositories that could not be fetched just now (`unfetched`, by their names). What only
/// the server knows (a hook, a protected branch) is not known here. Blocking, milliseconds.
///
/// # Errors
/// The first thing that stands in the way, as publishing would say it.
pub fn rehearse(
    project: &Project,
    plan: &Plan,
    unfetched: &[(String, Failure)],
) -> Result<(), Failure> {
    for write in plan.writes() {
        let name = &write.tip.name;
        let mut unfetched = unfetched.iter();
        if let Some((_, error)) =
            unfetched.find(|(other, _)| name.repository.as_deref() == Some(other))
        {
            return Err(error.clone());
        }
        let repo = project.repository(name)?;
        if plan.deliver == Deliver::PullRequest {
            project.forge_place(&write.tip)?;
        }
        if write.action == Action::Edit || commits(plan, write) {
            git::may_commit(repo)?;
        }
        match &write.action {
            Action::Tag { .. } => git::may_tag(repo)?,
            _ if plan.deliver == Deliver::Push => git::may_move(repo, &write.tip)?,
            _ => {}
        }
    }
    Ok(())
}
