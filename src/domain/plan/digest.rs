//! What a plan is, in one name.

use super::{Action, FileEdit, Intent, Plan, Write};
use crate::domain::{diff::FileDiff, hash, topology::Deliver, version::Version};

impl Plan {
    /// SHA-256, in hexadecimal digits, of what the plan writes where and of what was judged: the refs, the bytes of every
    /// file before and after (of the file of versions, in which every other plan moves something too, the lines that change), each change with the outcome of each gate, and what was skipped. Two plans with one digest do
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
                for edit in &write.edits {
                    parts.edit(edit, write.is_in_step(edit));
                }
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

impl Write {
    /// Whether an edit of it keeps the file of versions in step.
    pub fn is_in_step(&self, edit: &FileEdit) -> bool {
        self.in_step.as_ref() == Some(&edit.path)
    }
}

#[derive(Default)]
struct Parts(Vec<Vec<u8>>);

impl Parts {
    fn text(&mut self, text: &str) {
        self.0.push(text.as_bytes().to_vec());
    }

    fn edit(&mut self, edit: &FileEdit, in_step: bool) {
        if in_step {
            self.text("in step");
            self.text(edit.path.as_str());
            let changed = FileDiff::of(edit).changed_lines();
            return changed.iter().for_each(|line| self.text(line));
        }
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
        ids::{CellKey, ObjectId, RepoPath},
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
                    in_step: None,
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

    /// What every other plan moves as well counts by the lines that change; another file by all of its bytes.
    #[test]
    fn of_the_file_of_versions_the_lines_count_that_change() {
        let plan = |in_step: bool, others: &str, to: &str| {
            let text = |version| format!("{{\n\"a\": \"{others}\",\n\"b\": \"{version}\"\n}}\n");
            let mut plan = plan();
            let path = RepoPath::from("versions.json");
            let write = &mut plan.waves[0].writes[0];
            write.in_step = in_step.then(|| path.clone());
            write.edits.push(FileEdit {
                path,
                before: text("1").into_bytes(),
                after: text(to).into_bytes(),
            });
            plan
        };
        let known = plan(true, "1", "2");
        for (in_step, others, to, same) in [
            (true, "1", "2", true),
            (true, "9", "2", true),
            (true, "1", "3", false),
            (false, "1", "2", false),
        ] {
            let other = plan(in_step, others, to);
            assert_eq!(
                known.digest_of() == other.digest_of(),
                same,
                "{others} {to}"
            );
        }
        assert!(known.writes_as(&plan(true, "9", "2")));
        assert!(!known.writes_as(&plan(true, "1", "3")));
        assert_ne!(
            plan(false, "1", "2").digest_of(),
            plan(false, "9", "2").digest_of()
        );
    }
}
