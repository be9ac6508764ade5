//! How a plan ends, as far as that is known before anything is written.

use super::{Plan, Skip, SkipCause, Standing};

/// How a plan ends. A dry run ends as the real one would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All that was asked for is done, or there already, or was left out as asked.
    Done,
    /// Something that was asked for cannot be done.
    Failed,
    /// A gate holds it.
    Held,
}

impl Plan {
    /// Named cells that cannot change: nothing is written while there is one.
    pub fn stopping(&self) -> impl Iterator<Item = &Skip> {
        let mut skipped = self.skipped.iter();
        std::iter::from_fn(move || skipped.find(|skip| skip.standing == Standing::Stops))
    }

    /// Something is written when it is confirmed: there is something to write, and nothing stops or holds it.
    pub fn may_go(&self) -> bool {
        !self.is_void() && self.stopping().next().is_none() && self.held().next().is_none()
    }

    /// How it ends; where the rest goes, after that. What cannot be done goes before what is held.
    ///
    /// Of a group, what is held or encrypted is skipped with its cause while others go. Where none goes, it is what stood in
    /// the way, and the end says so. What is not declared, or not upstream, stands in nobody's way.
    pub fn ending(&self) -> Ending {
        let skipped = |wanted: fn(&Skip) -> bool| self.skipped.iter().any(wanted);
        let broken = skipped(|skip| skip.standing == Standing::Aside && skip.cause.is_broken());
        if broken || self.stopping().next().is_some() {
            return Ending::Failed;
        }
        if self.held().next().is_some() {
            return Ending::Held;
        }
        let left_out = |skip: &Skip| skip.standing == Standing::LeftOut;
        let there = skipped(|skip| skip.cause == SkipCause::AlreadyThere);
        // What was left out as asked is no failure, unless it was all there was.
        let counts = |skip: &&Skip| !(left_out(skip) && there);
        let mut rest = self.skipped.iter().filter(counts);
        if !self.is_void() {
            Ending::Done
        } else if rest.clone().any(|skip| {
            skip.cause == SkipCause::Encrypted || left_out(skip) && !skip.cause.is_held()
        }) {
            Ending::Failed
        } else if rest.any(|skip| skip.cause.is_held()) {
            Ending::Held
        } else {
            Ending::Done
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::CellKey,
        plan::{Came, Intent, Outcome, PlanRequest, PlannedChange, Verdict},
        topology::Deliver,
    };

    const BROKEN: SkipCause = SkipCause::NotParseable;
    const THERE: SkipCause = SkipCause::AlreadyThere;

    /// A change that goes, or is held; and what is skipped.
    fn ending(changes: &[bool], skipped: &[(SkipCause, Came, bool)]) -> Ending {
        let key = |n: usize| CellKey::new(format!("s{n}"), "prod");
        let change = |(n, held): (usize, &bool)| PlannedChange {
            cell: key(n),
            intent: Intent::Set {
                version: "2".into(),
            },
            from: None,
            to: Some("2".into()),
            verdicts: vec![Verdict::beside(
                "upstream",
                if *held { Outcome::Hold } else { Outcome::Pass },
                String::new(),
            )],
            inherits: None,
            pins: None,
            along: None,
        };
        let skip = |(n, (cause, came, left_out)): (usize, &(SkipCause, Came, bool))| {
            let mut skip = Skip::new(key(90 + n), *came, (*cause, String::new()));
            if *left_out && skip.standing == Standing::Stops {
                skip.standing = Standing::LeftOut;
            }
            skip
        };
        let plan = Plan {
            request: PlanRequest::default(),
            base: Vec::new(),
            deliver: Deliver::Push,
            changes: changes.iter().enumerate().map(change).collect(),
            waves: Vec::new(),
            held_back: Vec::new(),
            skipped: skipped.iter().enumerate().map(skip).collect(),
            notes: Vec::new(),
            digest: String::new(),
        };
        plan.ending()
    }

    #[test]
    fn how_plans_end() {
        use Came::{Group, Named};
        use Ending::{Done, Failed, Held};
        use SkipCause::{Ahead, Encrypted, NotDeclared, NotInUpstream, Reverted};
        const HELD: SkipCause = SkipCause::Held;
        let (go, hold) = (false, true);
        type Case<'a> = (&'a str, &'a [bool], &'a [(SkipCause, Came, bool)], Ending);
        let cases: &[Case<'_>] = &[
            ("nothing asked for", &[], &[], Done),
            ("it goes", &[go], &[], Done),
            ("held", &[hold], &[], Held),
            ("one goes, one is held", &[go, hold], &[], Held),
            ("all there", &[], &[(THERE, Named, false)], Done),
            (
                "all of a group there",
                &[],
                &[(THERE, Group, false); 2],
                Done,
            ),
            ("named and broken", &[], &[(BROKEN, Named, false)], Failed),
            (
                "named and not declared",
                &[],
                &[(NotDeclared, Named, false)],
                Failed,
            ),
            (
                "named and not in upstream",
                &[],
                &[(NotInUpstream, Named, false)],
                Failed,
            ),
            (
                "named and encrypted",
                &[],
                &[(Encrypted, Named, false)],
                Failed,
            ),
            (
                "one named broken, the rest would go",
                &[go],
                &[(BROKEN, Named, false)],
                Failed,
            ),
            (
                "one named broken, one held",
                &[hold],
                &[(BROKEN, Named, false)],
                Failed,
            ),
            (
                "left out, the rest goes",
                &[go],
                &[(BROKEN, Named, true)],
                Done,
            ),
            (
                "held left out, the rest goes",
                &[go],
                &[(HELD, Named, true)],
                Done,
            ),
            (
                "left out, nothing remains",
                &[],
                &[(BROKEN, Named, true)],
                Failed,
            ),
            (
                "held left out, nothing remains",
                &[],
                &[(HELD, Named, true)],
                Held,
            ),
            (
                "both left out, nothing remains",
                &[],
                &[(HELD, Named, true), (BROKEN, Named, true)],
                Failed,
            ),
            (
                "left out, the rest is there",
                &[],
                &[(HELD, Named, true), (THERE, Named, true)],
                Done,
            ),
            (
                "broken in a group, the rest goes",
                &[go],
                &[(BROKEN, Group, false)],
                Failed,
            ),
            (
                "broken in a group, told to leave out",
                &[go],
                &[(BROKEN, Group, true)],
                Failed,
            ),
            (
                "held in a group, the rest goes",
                &[go],
                &[(HELD, Group, false)],
                Done,
            ),
            ("all of a group held", &[], &[(HELD, Group, false); 2], Held),
            (
                "held in one way or another",
                &[],
                &[(Ahead, Group, false), (Reverted, Group, false)],
                Held,
            ),
            (
                "held and broken in a group",
                &[],
                &[(HELD, Group, false), (BROKEN, Group, false)],
                Failed,
            ),
            (
                "not declared in a group",
                &[],
                &[(NotDeclared, Group, false)],
                Done,
            ),
            (
                "not in upstream in a group",
                &[go],
                &[(NotInUpstream, Group, false)],
                Done,
            ),
            (
                "encrypted in a group",
                &[go],
                &[(Encrypted, Group, false)],
                Done,
            ),
            (
                "all of a group encrypted",
                &[],
                &[(Encrypted, Group, false); 2],
                Failed,
            ),
            (
                "the rest of the group is there, one is encrypted",
                &[],
                &[(THERE, Group, false), (Encrypted, Group, false)],
                Failed,
            ),
            (
                "encrypted and held in a group",
                &[],
                &[(Encrypted, Group, false), (HELD, Group, false)],
                Failed,
            ),
            (
                "encrypted left out, the rest is there",
                &[],
                &[(THERE, Named, true), (Encrypted, Named, true)],
                Done,
            ),
            (
                "a named one held beside a group",
                &[hold],
                &[(THERE, Group, false)],
                Held,
            ),
        ];
        for (name, changes, skipped, expected) in cases {
            assert_eq!(ending(changes, skipped), *expected, "{name}");
        }
    }
}
