//! From a request to exact bytes, verdicts and words. Reads Git, writes nothing.

use jiff::Timestamp;

use super::{PlanRequest, Prepared, Session};
use crate::{
    domain::{
        desired::Desired,
        diff::FileDiff,
        layout,
        message::{self, Details},
        plan::{self, Facts, Plan, PlanInput},
        topology::Deliver,
    },
    sources::git::{Base, GitError},
};

/// Freezes a request against `base`, whose matrix is `desired`. Blocking.
pub fn prepare(
    session: &Session,
    base: &Base,
    desired: &Desired,
    facts: &Facts,
    request: &PlanRequest,
    now: Timestamp,
) -> Result<Prepared, GitError> {
    // A file that cannot be read is kept, to be told as it is instead of as a file that is not there.
    let unreadable = std::cell::RefCell::new(None);
    let files = |path: &crate::domain::ids::RepoPath| {
        session
            .repo
            .file(base.commit, path.as_str())
            .unwrap_or_else(|error| {
                unreadable.borrow_mut().get_or_insert(error);
                None
            })
    };
    let layouts = &session.config.layouts;
    let plan = plan::build(
        &request.changes,
        &PlanInput {
            base: base.commit,
            desired,
            topology: &session.config.topology,
            facts,
            overrides: &request.overrides,
            files: &files,
            edit: &|key, version, read| layout::edit_cell(layouts, desired, key, version, read),
            now,
        },
    );
    if let Some(error) = unreadable.into_inner() {
        return Err(error);
    }
    let deliver = request.deliver.unwrap_or_else(|| asked_for(session, &plan));
    let message = if plan.changes.is_empty() {
        String::new()
    } else {
        message::compose(&plan.changes, &details(&plan))
    };
    Ok(Prepared {
        request: request.clone(),
        base: base.clone(),
        diffs: plan.edits.iter().map(FileDiff::of).collect(),
        commands: commands(base, &plan, deliver),
        message,
        deliver,
        plan,
    })
}

/// One commit goes one way: a branch of its own as soon as one of its environments asks for that.
fn asked_for(session: &Session, plan: &Plan) -> Deliver {
    let topology = &session.config.topology;
    let own = plan
        .changes
        .iter()
        .filter_map(|change| topology.get(&change.cell.environment))
        .any(|environment| environment.deliver == Deliver::Branch);
    if own { Deliver::Branch } else { Deliver::Push }
}

fn details(plan: &Plan) -> Details {
    let mut overrides = Vec::new();
    for change in &plan.changes {
        for verdict in &change.verdicts {
            if let Some(reason) = &verdict.overridden {
                overrides.push((change.cell.clone(), verdict.gate.clone(), reason.clone()));
            }
        }
    }
    Details {
        reason: overrides.first().map(|(_, _, reason)| reason.clone()),
        overrides,
        plan: None,
    }
}

fn commands(base: &Base, plan: &Plan, deliver: Deliver) -> Vec<String> {
    if plan.edits.is_empty() {
        return Vec::new();
    }
    let commit = format!(
        "git commit   # {} on {}, in the object database",
        plan.edits.len_words(),
        base.commit.short()
    );
    let Some(remote) = &base.remote else {
        return vec![
            commit,
            format!(
                "git update-ref refs/heads/{} COMMIT {}",
                base.branch,
                base.commit.short()
            ),
        ];
    };
    let push = match deliver {
        Deliver::Push => format!(
            "git push {remote} COMMIT:refs/heads/{}   # fast-forward of {} only",
            base.branch,
            base.commit.short()
        ),
        Deliver::Branch => {
            format!("git push {remote} COMMIT:refs/heads/tidegate/…   # a branch of its own")
        }
    };
    vec![format!("git fetch {remote} {}", base.branch), commit, push]
}

/// Counted with its word.
trait LenWords {
    fn len_words(&self) -> String;
}

impl<T> LenWords for Vec<T> {
    fn len_words(&self) -> String {
        match self.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        }
    }
}
