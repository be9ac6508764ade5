//! Tests of tags that are written with their digests, or are not.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    tests::{desired, edit, file, matrix, promote, request, topology},
    *,
};
use crate::domain::{
    gate::{
        Answer, Facts, IMMUTABLE, ImageFacts, ImageThere, NOT_KNOWN, Question, testing::answered,
    },
    policy::{GatePolicy, Registry, Rule},
    rollout::Running,
};

const A: &str = "sha256:aa";
const B: &str = "sha256:bb";

/// What a registry says of `2`: the digest that it has, and one that it had; or nothing.
type Says<'a> = Result<(Option<&'a str>, Option<&'a str>), &'a str>;

/// `shop` is 2 in staging, and comes to `target` from there.
struct Case<'a> {
    target: &'a str,
    own: &'a str,
    gates: GatePolicy,
    pins: bool,
    says: Says<'a>,
    lifted: bool,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            target: "prod",
            own: "1",
            gates: GatePolicy::default(),
            pins: true,
            says: Ok((Some(A), None)),
            lifted: false,
        }
    }
}

impl Case<'_> {
    fn plan(&self) -> Plan {
        let mut topology = topology();
        let gates = GatePolicy {
            pin: self.pins,
            ..self.gates.clone()
        };
        let policies = &mut topology.policy.environments;
        policies.insert(self.target.into(), gates);
        for environment in &mut topology.environments {
            environment.cluster = None;
        }
        let desired = desired(&[("shop", "staging", "2"), ("shop", self.target, self.own)]);
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let image = |(there, before): (Option<&str>, Option<&str>)| ImageFacts {
            image: "r.example/shop".to_owned(),
            there: there.map(|digest| ImageThere {
                digest: digest.to_owned(),
                ..ImageThere::default()
            }),
            before: before.map(|digest| (digest.to_owned(), now)),
        };
        let ask = |questions: &std::collections::BTreeSet<Question>| -> Facts {
            let past = |_: &CellKey| Ok(Arc::default());
            let mut facts = answered(questions, &Running::default(), past, now);
            for question in questions {
                if matches!(question, Question::Image(_)) {
                    let says = self.says.map(image).map_err(str::to_owned);
                    facts.learn(question.clone(), now, Answer::Image(says));
                }
            }
            facts
        };
        let lifts = Override {
            gate: IMMUTABLE.to_owned(),
            reason: "outage".to_owned(),
        };
        build(&PlanInput {
            request: &PlanRequest {
                changes: vec![request("shop", self.target, promote("staging"))],
                overrides: self.lifted.then_some(lifts).into_iter().collect(),
                ..PlanRequest::default()
            },
            desired: &desired,
            topology: &topology,
            ask: &ask,
            matrix: &|_| matrix(&desired),
            files: &|_, path| file(&desired, path),
            absent: &|_| None,
            beside: &|_, _| Vec::new(),
            moved_beside: &|_, _| Vec::new(),
            merge: &|_, _| None,
            tag: &|_, _, _| None,
            together: &|_, _| Vec::new(),
            edit: &edit,
            now,
        })
    }
}

fn rules(gate: &str, unknown_holds: bool) -> GatePolicy {
    let rule = Rule {
        unknown_holds: Some(unknown_holds),
        ..Rule::default()
    };
    GatePolicy {
        rules: BTreeMap::from([(gate.to_owned(), rule)]),
        ..GatePolicy::default()
    }
}

/// What a registry does not say is what the gate does not know, and holds, warns, waits and is lifted like that.
#[test]
fn what_a_registry_says_or_not_is_judged() {
    use Outcome::{Hold, Pass, Unknown};
    let silent: Says<'_> = Err("r.example did not answer");
    let moved: Says<'_> = Ok((Some(B), Some(A)));
    let not_known = "not known: the digest of 2, which prod pins: r.example did not answer";
    let case = Case::default;
    // (what, case, version, outcome, how its words begin, goes)
    type Expected<'a> = (&'a str, Case<'a>, &'a str, Outcome, &'a str, bool);
    let digest = GatePolicy {
        digest: true,
        ..GatePolicy::default()
    };
    let registry = GatePolicy {
        registry: Some(Registry::default()),
        ..rules("registry", true)
    };
    let cases: [Expected<'_>; 10] = [
        (
            "it says",
            case(),
            "2@sha256:aa",
            Pass,
            "2@sha256:aa names one build",
            true,
        ),
        (
            "it is silent",
            Case {
                says: silent,
                ..case()
            },
            "2",
            Hold,
            not_known,
            false,
        ),
        (
            "that is lifted",
            Case {
                says: silent,
                lifted: true,
                ..case()
            },
            "2",
            Hold,
            not_known,
            true,
        ),
        (
            "what is not known warns",
            Case {
                says: silent,
                gates: rules(IMMUTABLE, false),
                ..case()
            },
            "2",
            Unknown,
            not_known,
            true,
        ),
        (
            "where nothing is protected",
            Case {
                says: silent,
                target: "late",
                ..case()
            },
            "2",
            Unknown,
            "not known: the digest of 2, which late pins",
            true,
        ),
        (
            "a digest is asked for",
            Case {
                says: silent,
                gates: GatePolicy {
                    digest: true,
                    ..rules(IMMUTABLE, false)
                },
                ..case()
            },
            "2",
            Hold,
            "2 is not pinned by a digest, as prod asks; not known: the digest of 2",
            false,
        ),
        (
            "it has none",
            Case {
                says: Ok((None, None)),
                target: "late",
                gates: digest,
                ..case()
            },
            "2",
            Hold,
            "2 is not pinned by a digest, as late asks; late pins 2 by its digest, and the registry has no 2 of r.example/shop",
            false,
        ),
        (
            "the tag moved",
            Case {
                says: moved,
                target: "late",
                ..case()
            },
            "2@sha256:bb",
            Hold,
            "the tag of r.example/shop:2 moved: it means sha256:bb now and meant sha256:aa until 0s ago; what soaked may be another image",
            false,
        ),
        (
            "that is lifted too",
            Case {
                says: moved,
                lifted: true,
                ..case()
            },
            "2@sha256:bb",
            Hold,
            "the tag of r.example/shop:2 moved",
            true,
        ),
        (
            "the gate of registries says it",
            Case {
                says: moved,
                gates: registry,
                ..case()
            },
            "2@sha256:bb",
            Pass,
            "2@sha256:bb names one build",
            false,
        ),
    ];
    for (name, case, version, outcome, words, goes) in cases {
        let plan = case.plan();
        assert!(plan.skipped.is_empty(), "{name}: {:?}", plan.skipped);
        let change = &plan.changes[0];
        assert_eq!(change.to.as_ref().unwrap(), &version.into(), "{name}");
        let mut verdicts = change.verdicts.iter();
        let verdict = verdicts.find(|it| it.gate == IMMUTABLE).unwrap();
        assert_eq!(verdict.outcome, outcome, "{name}: {verdict:?}");
        assert!(verdict.detail.starts_with(words), "{name}: {verdict:?}");
        assert_eq!(
            verdict.inputs[0].what,
            format!("what the registry of shop / {} says of 2", case.target),
            "{name}"
        );
        let gates = change.verdicts.iter().filter(|it| it.holds());
        let gates: Vec<&str> = gates.map(|it| &*it.gate).collect();
        assert_eq!(plan.may_go(), goes, "{name}: {gates:?}");
        let waits = verdict.detail.starts_with(NOT_KNOWN) && !goes;
        assert!(!waits || plan.may_pass_later(), "{name}");
    }
    let there = Case {
        own: "2@sha256:aa",
        says: silent,
        ..case()
    };
    let by_hand = Case {
        own: "2@sha256:aa",
        pins: false,
        ..case()
    };
    for (name, case) in [("known or not", there), ("nobody asks for it", by_hand)] {
        let skipped = case.plan().skipped;
        assert_eq!(skipped[0].cause, SkipCause::AlreadyThere, "{name}");
        let detail = "prod declares 2@sha256:aa already";
        assert_eq!(skipped[0].detail, detail, "{name}");
    }
}

/// A registry that is silent for a while ends no wait, and nothing goes without the digest that was confirmed.
#[test]
fn a_digest_is_waited_for() {
    let plan = |says: Says<'static>, holds: bool| {
        let gates = rules(IMMUTABLE, holds);
        let case = Case {
            gates,
            says,
            ..Case::default()
        };
        case.plan()
    };
    let silent = || Err("r.example did not answer");
    let (a, b) = (|| Ok((Some(A), None)), || Ok((Some(B), None)));
    let none: [&str; 0] = [];
    // (what, confirmed, again, differs, waits)
    let cases = [
        ("the same", plan(a(), true), plan(a(), true), false, false),
        (
            "silent by now",
            plan(a(), true),
            plan(silent(), true),
            false,
            true,
        ),
        (
            "which warns",
            plan(a(), false),
            plan(silent(), false),
            false,
            true,
        ),
        (
            "not silent any more",
            plan(silent(), true),
            plan(a(), true),
            false,
            false,
        ),
        (
            "silent all the time",
            plan(silent(), false),
            plan(silent(), false),
            false,
            false,
        ),
        (
            "another digest",
            plan(a(), true),
            plan(b(), true),
            true,
            false,
        ),
    ];
    for (name, confirmed, again, differs, waits) in cases {
        let lines = confirmed.other_changes(&again);
        assert_eq!(!lines.is_empty(), differs, "{name}: {lines:?}");
        let mut all = again.waits_for();
        all.extend(confirmed.waits_for_digests(&again));
        let all: Vec<&str> = all.iter().map(|it| &*it.gate).collect();
        let expected = if waits { &[IMMUTABLE][..] } else { &none[..] };
        assert_eq!(all, expected, "{name}");
        assert_eq!(confirmed.lacks_digests(&again), waits, "{name}");
    }
}
