//! What a plan waits for, where somebody lets it wait until its gates pass.

use jiff::Timestamp;

use super::{
    ALONG, Action, Ending, FileEdit, Outcome, Plan, PlannedChange, Verdict, Wave, Write,
    digest::kind,
};
use crate::domain::{age, diff::FileDiff, gate, ids::CellKey};

/// A gate that a plan waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitsFor {
    /// The cell that it holds.
    pub cell: CellKey,
    /// Its name.
    pub gate: String,
    /// Why it holds, in a sentence.
    pub detail: String,
    /// When it can pass by waiting alone, where that is known.
    pub earliest: Option<Timestamp>,
}

impl WaitsFor {
    /// What it is, without words that change while nothing else does.
    pub fn key(&self) -> (&CellKey, &str, Option<Timestamp>) {
        (&self.cell, &self.gate, self.earliest)
    }

    /// `window of web / prod, until Mon 05:00 UTC (in 3h): the freeze …`
    pub fn told(&self, now: Timestamp) -> String {
        format!("{}: {}", self.short(now), self.detail)
    }

    /// The same without why.
    pub fn short(&self, now: Timestamp) -> String {
        let until = self.earliest.filter(|at| *at > now).map(|at| {
            format!(
                ", until {} (in {})",
                at.strftime("%a %Y-%m-%d %H:%M UTC"),
                age::between(now, at)
            )
        });
        let until = until.unwrap_or_default();
        format!("{} of {}{until}", self.gate, self.cell)
    }
}

impl Plan {
    /// The gates that hold it, in the plan's order. What came with a group and is held waits only where nothing of the group
    /// goes. That a cell comes along that nobody named is not waited for: no time accepts it.
    pub fn waits_for(&self) -> Vec<WaitsFor> {
        let own = self.changes.iter().flat_map(|change| {
            let holds = change.verdicts.iter().filter(|verdict| verdict.holds());
            holds.map(|verdict| WaitsFor {
                cell: change.cell.clone(),
                gate: verdict.gate.clone(),
                detail: verdict.detail.clone(),
                earliest: verdict.earliest,
            })
        });
        let own: Vec<WaitsFor> = own.collect();
        if !own.is_empty() || !self.is_void() || self.ending() != Ending::Held {
            return own;
        }
        let held = self.skipped.iter().filter(|skip| skip.cause.is_held());
        let held = held.map(|skip| WaitsFor {
            cell: skip.cell.clone(),
            gate: skip.gate.clone().unwrap_or_default(),
            detail: skip.detail.clone(),
            earliest: None,
        });
        held.collect()
    }

    /// Whether the same plan, judged `again`, lacks a digest that was confirmed, because its registry does not say it at the
    /// moment.
    pub fn lacks_digests(&self, again: &Self) -> bool {
        self.without_digests(again).next().is_some()
    }

    /// What of it would go without its digest: that is waited for, also where the gate lets it go like that.
    pub fn waits_for_digests(&self, again: &Self) -> Vec<WaitsFor> {
        let lost = self.without_digests(again).filter(|new| !new.is_held());
        let lost = lost.map(|new| {
            let mut verdicts = new.verdicts.iter();
            let gate = verdicts.find(|verdict| verdict.gate == gate::IMMUTABLE);
            WaitsFor {
                cell: new.cell.clone(),
                gate: gate::IMMUTABLE.to_owned(),
                detail: gate.map_or(String::new(), |gate| gate.detail.clone()),
                earliest: None,
            }
        });
        lost.collect()
    }

    fn without_digests<'a>(&'a self, again: &'a Self) -> impl Iterator<Item = &'a PlannedChange> {
        again.changes.iter().filter(|new| {
            let mut confirmed = self.promised().iter();
            let old = confirmed.find(|old| old.cell == new.cell);
            old.is_some_and(|old| new.to != old.to && new.is_unpinned())
        })
    }

    /// It is held, and may pass later: waiting is of use.
    pub fn may_pass_later(&self) -> bool {
        let waits = self.waits_for();
        !waits.is_empty()
            && waits.iter().all(|it| it.gate != ALONG)
            && self.stopping().next().is_none()
    }

    /// When it can pass at the earliest by waiting alone, where all that holds it says so.
    pub fn earliest(&self) -> Option<Timestamp> {
        let waits = self.waits_for();
        let known: Option<Vec<Timestamp>> = waits.iter().map(|it| it.earliest).collect();
        known?.into_iter().max()
    }

    /// Whether another plan of the same request still does the same to the same cells: a line for each that it does not.
    pub fn other_changes(&self, again: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let shown = |version: Option<&crate::domain::version::Version>| {
            version.map_or("inherited".to_owned(), ToString::to_string)
        };
        let all_held = self.changes.is_empty();
        let theirs = if all_held {
            again.promised()
        } else {
            &again.changes
        };
        for old in self.promised() {
            let mut now = theirs.iter();
            let new = now.find(|change| change.cell == old.cell);
            match new {
                Some(new)
                    if new.from == old.from && (new.to == old.to || old.is_but_pinned(new)) => {}
                // Of what gates held, what they let go goes.
                None if all_held => {}
                Some(new) => lines.push(format!(
                    "{}: was {} → {}, is {} → {}",
                    old.cell,
                    shown(old.from.as_ref()),
                    shown(old.to.as_ref()),
                    shown(new.from.as_ref()),
                    shown(new.to.as_ref())
                )),
                None => {
                    let mut skipped = again.skipped.iter();
                    let why = skipped.find(|skip| skip.cell == old.cell);
                    let why = why.map_or("not in the plan any more", |skip| skip.detail.as_str());
                    lines.push(format!("{}: {why}", old.cell));
                }
            }
        }
        let known =
            |change: &&PlannedChange| self.promised().iter().all(|old| old.cell != change.cell);
        for new in theirs.iter().filter(known) {
            lines.push(format!("{}: changes now, and did not before", new.cell));
        }
        lines
    }

    /// Whether another plan writes the same bytes on the same refs, in the same way and the same waves.
    pub fn writes_as(&self, again: &Self) -> bool {
        let does_as = |(one, other): (&Wave, &Wave)| {
            let mut writes = one.writes.iter().zip(&other.writes);
            one.writes.len() == other.writes.len() && writes.all(|(one, other)| one.does_as(other))
        };
        let mut waves = self.waves.iter().zip(&again.waves);
        self.waves.len() == again.waves.len() && waves.all(does_as)
    }

    /// Whether another plan writes the same bytes, and every verdict is as it was or was waited for: what held holds no more.
    pub fn is_let_go_by(&self, again: &Self) -> bool {
        let cells = |plan: &Self| -> Vec<CellKey> {
            plan.changes
                .iter()
                .map(|change| change.cell.clone())
                .collect()
        };
        let same = |old: &Verdict, new: &Verdict| {
            old.gate == new.gate
                && (old.outcome == new.outcome || old.holds() && new.outcome != Outcome::Hold)
        };
        let judged = self.changes.iter().zip(&again.changes).all(|(old, new)| {
            old.verdicts.len() == new.verdicts.len()
                && old
                    .verdicts
                    .iter()
                    .zip(&new.verdicts)
                    .all(|(a, b)| same(a, b))
        });
        self.held().next().is_some()
            && self.deliver == again.deliver
            && cells(self) == cells(again)
            && self.other_changes(again).is_empty()
            && self.writes_as(again)
            && judged
    }
}

impl PlannedChange {
    /// Its environment pins what comes, and the registry did not say the digest.
    fn is_unpinned(&self) -> bool {
        self.pins.is_some() && self.to == self.pins
    }

    /// Whether another is the same but for the digest, which one of the two has and the other has not.
    fn is_but_pinned(&self, other: &Self) -> bool {
        self.pins == other.pins && self.is_unpinned() != other.is_unpinned()
    }
}

impl Write {
    /// Whether another does the same: of a tag, what it names is all that it writes.
    fn does_as(&self, other: &Self) -> bool {
        let names = |write: &Self| {
            let tags = matches!(write.action, Action::Tag { .. });
            tags.then_some(write.tip.commit)
        };
        let same = |(one, theirs): (&FileEdit, &FileEdit)| {
            let in_step = self.is_in_step(one) && other.is_in_step(theirs);
            let changed = |edit| FileDiff::of(edit).changed_lines();
            one == theirs || in_step && changed(one) == changed(theirs)
        };
        self.tip.name == other.tip.name
            && kind(&self.action) == kind(&other.action)
            && names(self) == names(other)
            && self.edits.len() == other.edits.len()
            && self.edits.iter().zip(&other.edits).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::{Came, Intent, Skip, SkipCause};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn change(service: &str, to: &str, verdicts: Vec<Verdict>) -> PlannedChange {
        PlannedChange {
            cell: CellKey::new(service, "prod"),
            intent: Intent::Set { version: to.into() },
            from: Some("1".into()),
            to: Some(to.into()),
            inherits: None,
            pins: None,
            verdicts,
            along: None,
        }
    }

    fn holds(gate: &str, earliest: Option<i64>) -> Verdict {
        Verdict {
            earliest: earliest.map(at),
            ..Verdict::beside(gate, Outcome::Hold, "not yet")
        }
    }

    fn plan(changes: Vec<PlannedChange>) -> Plan {
        Plan {
            changes,
            ..Plan::default()
        }
    }

    #[test]
    fn what_is_waited_for_and_until_when() {
        let pass = Verdict::beside("upstream", Outcome::Pass, "");
        // (what, plan, gates, may pass later, earliest)
        let cases = [
            (
                "nothing",
                plan(vec![change("web", "2", vec![pass.clone()])]),
                vec![],
                false,
                None,
            ),
            (
                "one",
                plan(vec![change("web", "2", vec![holds("soak", Some(60))])]),
                vec!["soak"],
                true,
                Some(at(60)),
            ),
            (
                "the last of two",
                plan(vec![
                    change("web", "2", vec![holds("soak", Some(60))]),
                    change("pay", "2", vec![holds("window", Some(30))]),
                ]),
                vec!["soak", "window"],
                true,
                Some(at(60)),
            ),
            (
                "nobody knows when",
                plan(vec![change(
                    "web",
                    "2",
                    vec![holds("soak", Some(60)), holds("health", None)],
                )]),
                vec!["soak", "health"],
                true,
                None,
            ),
            (
                "what is to be accepted",
                plan(vec![change("web", "2", vec![holds(ALONG, None)])]),
                vec![ALONG],
                false,
                None,
            ),
        ];
        for (name, plan, gates, later, earliest) in cases {
            let waits: Vec<String> = plan.waits_for().into_iter().map(|it| it.gate).collect();
            assert_eq!(waits, gates, "{name}");
            assert_eq!(
                (plan.may_pass_later(), plan.earliest()),
                (later, earliest),
                "{name}"
            );
        }
        let mut group = Plan::default();
        let why = (SkipCause::Held, "soak: 3 h are left".to_owned());
        let mut skip = Skip::new(CellKey::new("web", "prod"), Came::Group, why);
        skip.gate = Some("soak".to_owned());
        group.skipped.push(skip);
        assert_eq!(
            group.waits_for()[0].gate,
            "soak",
            "nothing of the group goes"
        );
        assert!(group.may_pass_later());
        group.changes.push(change("pay", "2", vec![pass]));
        assert!(!group.may_pass_later(), "the rest goes");
        let said = plan(vec![change("web", "2", vec![holds("soak", Some(7200))])]).waits_for()[0]
            .told(at(0));
        assert_eq!(
            said,
            "soak of web / prod, until Mon 2026-09-21 16:13 UTC (in 2h): not yet"
        );
    }

    #[test]
    fn only_what_was_waited_for_may_be_otherwise() {
        use Outcome::{Hold, Pass, Warn};
        let pinned = plan(vec![change(
            "web",
            "2",
            vec![holds("soak", None), Verdict::beside("veto", Pass, "")],
        )]);
        let again = |to: &str, soak, veto| {
            let verdicts = vec![
                Verdict::beside("soak", soak, ""),
                Verdict::beside("veto", veto, ""),
            ];
            plan(vec![change("web", to, verdicts)])
        };
        let cases = [
            ("it passes", again("2", Pass, Pass), true),
            ("it warns", again("2", Warn, Pass), true),
            ("it holds", again("2", Hold, Pass), true),
            ("another holds", again("2", Pass, Hold), false),
            ("another warns", again("2", Pass, Warn), false),
            ("another version", again("3", Pass, Pass), false),
            ("another cell", plan(Vec::new()), false),
        ];
        for (name, again, expected) in cases {
            assert_eq!(pinned.is_let_go_by(&again), expected, "{name}");
        }
        assert!(
            !again("2", Pass, Pass).is_let_go_by(&again("2", Pass, Pass)),
            "nothing was waited for"
        );
        assert_eq!(
            pinned.other_changes(&again("3", Pass, Pass)),
            ["web / prod: was 1 → 2, is 1 → 3"]
        );
    }

    #[test]
    fn what_a_gate_holds_back_of_a_group_is_what_goes_then() {
        let held = |service: &str, to: &str| change(service, to, vec![holds("soak", None)]);
        let confirmed = Plan {
            held_back: vec![held("web", "2"), held("pay", "2")],
            ..Plan::default()
        };
        let goes = |changes: Vec<PlannedChange>| confirmed.other_changes(&plan(changes));
        let of = |service: &str, to: &str| change(service, to, Vec::new());
        assert!(goes(vec![of("web", "2"), of("pay", "2")]).is_empty());
        assert!(goes(vec![of("web", "2")]).is_empty(), "a part of it");
        assert_eq!(
            goes(vec![of("web", "9")]),
            ["web / prod: was 1 → 2, is 1 → 9"]
        );
        assert_eq!(
            goes(vec![of("mail", "2")]),
            ["mail / prod: changes now, and did not before"]
        );
        let still = Plan {
            held_back: vec![held("web", "9"), held("pay", "2")],
            ..Plan::default()
        };
        assert_eq!(
            confirmed.other_changes(&still),
            ["web / prod: was 1 → 2, is 1 → 9"],
            "while it is held too"
        );
        // What is held by now goes not, whatever it would be.
        let went = plan(vec![of("web", "2")]);
        let skip = (SkipCause::Held, "soak: 3 h are left".to_owned());
        let again = Plan {
            skipped: vec![Skip::new(CellKey::new("web", "prod"), Came::Group, skip)],
            held_back: vec![held("web", "2"), held("pay", "2")],
            ..Plan::default()
        };
        assert_eq!(
            went.other_changes(&again),
            ["web / prod: soak: 3 h are left"]
        );
    }

    #[test]
    fn a_tag_of_another_commit_is_another_write() {
        use crate::domain::{
            desired::{RefName, Tip},
            ids::ObjectId,
            layout::Origin,
        };
        let tagged = |reference: &str, commit: u8, action: Action| {
            let name = RefName {
                repository: None,
                reference: reference.to_owned(),
            };
            let write = Write {
                tip: Tip::new(name, Origin::default(), ObjectId::new([commit; 20])),
                action,
                edits: Vec::new(),
                message: String::new(),
                cells: Vec::new(),
                vetoes: Vec::new(),
                in_step: None,
            };
            let writes = vec![write];
            let after = Vec::new();
            Plan {
                waves: vec![Wave { writes, after }],
                ..plan(vec![change("web", "2", vec![holds("soak", None)])])
            }
        };
        let tag = || Action::Tag { from: None };
        let pinned = tagged("refs/tags/prod-2", 1, tag());
        let cases = [
            ("the same", tagged("refs/tags/prod-2", 1, tag()), true),
            (
                "another commit",
                tagged("refs/tags/prod-2", 2, tag()),
                false,
            ),
            ("another ref", tagged("refs/tags/prod-3", 1, tag()), false),
            ("no tag", tagged("refs/tags/prod-2", 1, Action::Edit), false),
        ];
        for (name, again, same) in cases {
            assert_eq!(pinned.writes_as(&again), same, "{name}");
            assert_eq!(pinned.is_let_go_by(&again), same, "{name}");
        }
        let mut apart = tagged("refs/tags/prod-2", 1, tag());
        apart.waves.push(Wave::default());
        assert!(!pinned.writes_as(&apart), "in other waves");
        let branch = |commit| tagged("refs/heads/main", commit, Action::Edit);
        assert!(branch(1).writes_as(&branch(2)), "a branch that moved");
    }
}
