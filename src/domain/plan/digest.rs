//! What a plan is, in one name.

use super::{Action, FileEdit, Intent, Plan};
use crate::domain::{hash, topology::Deliver, version::Version};

impl Plan {
    /// SHA-256, in hexadecimal digits, of what the plan writes where and of what was judged: the refs, the bytes of every
    /// file before and after, each change with the outcome of each gate, and what was skipped. Two plans with one digest do
    /// the same for the same reasons; a plan that was evaluated again goes on without a question only then.
    ///
    /// The commits that it stands on are not in it: on a ref that moved, the same bytes and verdicts are the same plan.
    /// Sentences are not, either: they name ages.
    pub fn digest_of(&self) -> String {
        let mut parts = Parts::default();
        parts.text(match self.deliver {
            Deliver::Push => "push",
            Deliver::Branch => "branch",
        });
        for wave in &self.waves {
            parts.text("wave");
            for write in &wave.writes {
                parts.text("write");
                parts.text(write.tip.name.repository.as_deref().unwrap_or_default());
                parts.text(&write.tip.name.reference);
                parts.text(kind(&write.action));
                write.edits.iter().for_each(|edit| parts.edit(edit));
            }
        }
        for change in &self.changes {
            parts.text("change");
            parts.text(change.cell.service.as_str());
            parts.text(change.cell.environment.as_str());
            let (verb, from) = match &change.intent {
                Intent::Promote { from } => ("promote", from.as_str()),
                Intent::Set { .. } => ("set", ""),
                Intent::Revert { .. } => ("revert", ""),
            };
            parts.text(verb);
            parts.text(from);
            for version in [&change.from, &change.to] {
                let version = version.as_ref().map(Version::as_str);
                // No version is empty: none is told from any.
                parts.text(version.unwrap_or_default());
            }
            for verdict in &change.verdicts {
                parts.text(&verdict.gate);
                parts.text(verdict.outcome.as_str());
                parts.text(if verdict.overridden.is_some() {
                    "overridden"
                } else {
                    ""
                });
            }
        }
        for skip in &self.skipped {
            parts.text("skip");
            parts.text(skip.cell.service.as_str());
            parts.text(skip.cell.environment.as_str());
            parts.text(skip.cause.as_str());
        }
        hash::of(parts.0.iter().map(Vec::as_slice))
    }
}

#[derive(Default)]
struct Parts(Vec<Vec<u8>>);

impl Parts {
    fn text(&mut self, text: &str) {
        self.0.push(text.as_bytes().to_vec());
    }

    fn edit(&mut self, edit: &FileEdit) {
        self.text("edit");
        self.text(edit.path.as_str());
        for bytes in [&edit.before, &edit.after] {
            self.text(&hash::of([bytes.as_slice()]));
        }
    }
}

fn kind(action: &Action) -> &'static str {
    match action {
        Action::Edit => "edit",
        Action::Merge {
            fast_forward: false,
            ..
        } => "merge",
        Action::Merge {
            fast_forward: true, ..
        } => "fast-forward",
        Action::Tag { .. } => "tag",
    }
}
