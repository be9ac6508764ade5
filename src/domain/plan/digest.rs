//! What a plan is, in one name.

use super::{Action, FileEdit, Intent, Plan};
use crate::domain::{hash, topology::Deliver, version::Version};

impl Plan {
    /// SHA-256, in hexadecimal digits, of what the plan writes where and of what was judged: the refs, the bytes of every
    /// file before and after, each change with the outcome of each gate, and what was skipped. Two plans with one digest do
    /// the same for the same reasons; a plan that was evaluated again goes on without a question only then.
    ///
    /// The commits that it stands on are not in it: on a ref that moved, the same bytes and verdicts are the same plan; but
    /// for a tag, which writes the commit that it names. Sentences are not, either: they name ages. Nor are the reasons of
    /// overrides, which are the operator's own.
    pub fn digest_of(&self) -> String {
        let mut parts = Parts::default();
        parts.text(match self.deliver {
            Deliver::Push => "push",
            Deliver::Branch => "branch",
            Deliver::PullRequest => "pull-request",
        });
        for wave in &self.waves {
            parts.text("wave");
            for write in &wave.writes {
                parts.text("write");
                parts.text(write.tip.name.repository.as_deref().unwrap_or_default());
                parts.text(&write.tip.name.reference);
                parts.text(kind(&write.action));
                if matches!(write.action, Action::Tag { .. }) {
                    // What a tag names is all that it writes.
                    parts.text(&write.tip.commit.to_string());
                }
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

pub(super) fn kind(action: &Action) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        desired::{RefName, Tip},
        ids::{CellKey, ObjectId},
        layout::Origin,
        plan::{Came, Outcome, PlanRequest, PlannedChange, Skip, SkipCause, Verdict, Wave, Write},
    };

    fn tip() -> Tip {
        let name = RefName {
            repository: None,
            reference: "refs/heads/main".to_owned(),
        };
        Tip::new(name, Origin::default(), ObjectId::new([1; 20]))
    }

    fn plan() -> Plan {
        let cell = CellKey::new("web", "prod");
        let skip = (SkipCause::Held, "soak: 3 h are left".to_owned());
        Plan {
            request: PlanRequest::default(),
            base: vec![tip()],
            deliver: Deliver::Push,
            changes: vec![PlannedChange {
                cell: cell.clone(),
                intent: Intent::Promote {
                    from: "staging".into(),
                },
                from: Some("1".into()),
                to: Some("2".into()),
                verdicts: vec![Verdict::beside(
                    "upstream",
                    Outcome::Hold,
                    "seen 2 s ago".to_owned(),
                )],
                inherits: None,
                pins: None,
                along: None,
            }],
            waves: vec![Wave {
                after: Vec::new(),
                writes: vec![Write {
                    tip: tip(),
                    action: Action::Edit,
                    edits: vec![FileEdit {
                        path: "a.yaml".into(),
                        before: b"1".to_vec(),
                        after: b"2".to_vec(),
                    }],
                    message: "promote".to_owned(),
                    cells: vec![cell],
                    vetoes: Vec::new(),
                }],
            }],
            skipped: vec![Skip::new(CellKey::new("api", "prod"), Came::Group, skip)],
            held_back: Vec::new(),
            notes: Vec::new(),
            digest: String::new(),
        }
    }

    #[test]
    fn what_is_written_and_judged_is_told_apart_and_nothing_else() {
        type Case = (&'static str, bool, fn(&mut Plan));
        let tagged = |plan: &mut Plan| plan.waves[0].writes[0].action = Action::Tag { from: None };
        let cases: [Case; 22] = [
            ("another way out", true, |it| it.deliver = Deliver::Branch),
            ("another repository", true, |it| {
                it.waves[0].writes[0].tip.name.repository = Some("deploy".into());
            }),
            ("another ref", true, |it| {
                it.waves[0].writes[0].tip.name.reference = "refs/heads/prod".to_owned();
            }),
            ("another kind of write", true, |it| {
                it.waves[0].writes[0].action = Action::Tag { from: None };
            }),
            ("another file", true, |it| {
                it.waves[0].writes[0].edits[0].path = "b.yaml".into();
            }),
            ("other bytes before", true, |it| {
                it.waves[0].writes[0].edits[0].before.push(b' ');
            }),
            ("other bytes after", true, |it| {
                it.waves[0].writes[0].edits[0].after.push(b' ');
            }),
            ("another wave", true, |it| it.waves.push(Wave::default())),
            ("another cell", true, |it| {
                it.changes[0].cell = CellKey::new("web", "prod-eu");
            }),
            ("another upstream", true, |it| {
                it.changes[0].intent = Intent::Promote { from: "qa".into() };
            }),
            ("another verb", true, |it| {
                it.changes[0].intent = Intent::Set {
                    version: "2".into(),
                };
            }),
            ("another version before", true, |it| {
                it.changes[0].from = None;
            }),
            ("another version after", true, |it| {
                it.changes[0].to = Some("3".into());
            }),
            ("another gate", true, |it| {
                it.changes[0].verdicts[0].gate = "soak".to_owned();
            }),
            ("another outcome", true, |it| {
                it.changes[0].verdicts[0].outcome = Outcome::Warn;
            }),
            ("an override", true, |it| {
                it.changes[0].verdicts[0].overridden = Some("outage".to_owned());
            }),
            ("a verdict less", true, |it| it.changes[0].verdicts.clear()),
            ("another cause", true, |it| {
                it.skipped[0].cause = SkipCause::Ahead;
            }),
            ("nothing skipped", true, |it| it.skipped.clear()),
            ("another commit below", false, |it| {
                it.waves[0].writes[0].tip.commit = ObjectId::new([2; 20]);
                it.base[0].commit = ObjectId::new([2; 20]);
            }),
            ("other sentences", false, |it| {
                it.changes[0].verdicts[0].detail = "seen 9 s ago".to_owned();
                it.skipped[0].detail = "soak: 2 h are left".to_owned();
            }),
            ("other words beside it", false, |it| {
                it.notes.push("a hook will not run".to_owned());
                it.waves[0].writes[0].message.push('!');
            }),
        ];
        let known = plan().digest_of();
        for (name, differs, change) in cases {
            let mut other = plan();
            change(&mut other);
            assert_eq!(other.digest_of() != known, differs, "{name}");
        }
        // A tag is nothing but the commit that it names.
        let (mut one, mut other) = (plan(), plan());
        tagged(&mut one);
        tagged(&mut other);
        other.waves[0].writes[0].tip.commit = ObjectId::new([2; 20]);
        assert_ne!(one.digest_of(), other.digest_of());
    }
}
