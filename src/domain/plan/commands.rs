//! A plan as the commands that a person would type.

use super::{Action, Plan, Write};
use crate::domain::{text::count, topology::Deliver};

impl Plan {
    /// What will be done, as it would be typed, one line each.
    pub fn commands(&self) -> Vec<String> {
        let writes = self.writes();
        let mut commands: Vec<String> = writes.flat_map(|write| of(write, self.deliver)).collect();
        let older = self.request.supersedes.iter();
        let older: Vec<String> = older.map(|it| format!("#{}", it.number)).collect();
        if !older.is_empty() && self.deliver == Deliver::PullRequest {
            let older = older.join(", ");
            commands.push(format!(
                "# closes {older} once that is open, with a comment that names it"
            ));
        }
        commands
    }
}

fn of(write: &Write, deliver: Deliver) -> Vec<String> {
    let tip = &write.tip;
    let at = tip.commit.short();
    let (branch, files) = (tip.branch(), count(write.edits.len(), "file"));
    let place = match &tip.name.repository {
        Some(name) => format!("   # in {name}"),
        None => String::new(),
    };
    let (made, what) = match &write.action {
        Action::Edit => (
            format!("git commit   # {files} on {at}, in the object database"),
            "COMMIT".to_owned(),
        ),
        Action::Merge {
            from,
            commit,
            fast_forward: true,
        } => (
            format!(
                "git merge --ff-only {}   # {files}; {branch} moves on to {}",
                from.short(),
                commit.short()
            ),
            commit.short(),
        ),
        Action::Merge { from, commit, .. } => (
            format!(
                "git merge {}   # {files}; {} into {at}, in the object database",
                from.short(),
                commit.short()
            ),
            "COMMIT".to_owned(),
        ),
        Action::Tag { .. } => (
            format!("git tag -a {branch} {at}   # an object; no tag here before it is pushed"),
            "TAG".to_owned(),
        ),
    };
    let Some(remote) = &tip.remote else {
        let target = &tip.name.reference;
        return vec![made, format!("git update-ref {target} {what}{place}")];
    };
    let push = match (&write.action, deliver) {
        (Action::Tag { .. }, _) => format!("git push {remote} {what}:refs/tags/{branch}{place}"),
        (_, Deliver::Push) => {
            format!("git push {remote} {what}:refs/heads/{branch}   # fast-forward of {at} only")
        }
        (_, Deliver::Branch | Deliver::PullRequest) => {
            format!("git push {remote} {what}:refs/heads/tidegate/…   # a branch of its own")
        }
    };
    let fetch = match &write.action {
        Action::Tag { .. } => format!("git fetch {remote} --tags{place}"),
        _ => format!("git fetch {remote} {branch}{place}"),
    };
    let mut commands = vec![fetch, made, push];
    if deliver == Deliver::PullRequest {
        commands.push(format!(
            "# a pull request into {branch}, found again where there is one"
        ));
    }
    commands
}
