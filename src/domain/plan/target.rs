//! Where a plan goes, as people say it.

use super::{Action, Intent, Plan, Write};
use crate::domain::topology::Deliver;

impl Plan {
    /// The first write of each ref that it writes, in their order: several waves write one ref again.
    pub fn refs(&self) -> Vec<&Write> {
        let mut refs: Vec<&Write> = Vec::new();
        for write in self.writes() {
            if refs.iter().all(|known| known.tip.name != write.tip.name) {
                refs.push(write);
            }
        }
        refs
    }

    /// `origin/main`; of several refs, all in their order: `origin/main, then deploy: origin/main`.
    pub fn target(&self) -> String {
        let places: Vec<String> = self
            .refs()
            .into_iter()
            .map(|write| {
                let place = place(self.deliver, write);
                match &write.tip.name.repository {
                    Some(repository) => format!("{repository}: {place}"),
                    None => place,
                }
            })
            .collect();
        places.join(", then ")
    }

    /// It goes back, and nothing of it can be pushed: whoever may let it through is called.
    pub fn is_emergency(&self) -> bool {
        let mut named = self
            .changes
            .iter()
            .filter(|it| it.along.is_none())
            .peekable();
        let by_request = self.deliver == Deliver::PullRequest && named.peek().is_some();
        by_request && named.all(|it| matches!(it.intent, Intent::Revert { .. }))
    }

    /// What the first commit or tag says of itself, in its first line.
    pub fn subject(&self) -> &str {
        let first = self.writes().next();
        let line = first.and_then(|write| write.message.lines().next());
        line.unwrap_or_default()
    }
}

fn place(deliver: Deliver, write: &Write) -> String {
    let tip = &write.tip;
    if let Action::Tag { .. } = write.action {
        return format!("the new tag {}", tip.branch());
    }
    match (deliver, &tip.remote) {
        (Deliver::Push, Some(remote)) => format!("{remote}/{}", tip.branch()),
        (Deliver::Push, None) => tip.branch().to_owned(),
        (Deliver::Branch, Some(remote)) => format!("a branch of its own on {remote}"),
        (Deliver::PullRequest, Some(remote)) => {
            format!("a pull request into {remote}/{}", tip.branch())
        }
        (Deliver::Branch | Deliver::PullRequest, None) => "a branch of its own".to_owned(),
    }
}
