use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::domain::{
    agent::{At, Hop},
    cell::{self, Delivering},
    history::{CommitInfo, ValueChange},
    ids::ObjectId,
    rollout::{Connection, Few, Health, LiveCell},
    said::Said,
    topology::{Environment, Require, Topology},
};

fn topology(edges: &[(&str, &[&str])], require: Require) -> Topology {
    let environment = |(name, from): &(&str, &[&str])| Environment {
        require,
        ..Environment::plain(name, from)
    };
    Topology {
        environments: edges.iter().map(environment).collect(),
        ..Topology::default()
    }
}

/// `staging=1.2 prod=1.1`
fn desired(cells: &str) -> Desired {
    let pairs = cells.split_whitespace().map(|pair| {
        let (environment, version) = pair.split_once('=').unwrap();
        let cell = DesiredCell {
            version: Some(version.into()),
            ..DesiredCell::default()
        };
        (CellKey::new("api", environment), cell)
    });
    let cells: BTreeMap<_, _> = pairs.collect();
    Desired {
        commit: ObjectId::new([1; 20]),
        tips: Vec::new(),
        services: vec!["api".into()],
        environments: cells.keys().map(|key| key.environment.clone()).collect(),
        cells,
        problems: Vec::new(),
        vetoes: crate::domain::policy::veto::Vetoes::default(),
    }
}

/// `2` bump, `~2` revert, `>2` promotion; newest first.
fn entries(values: &str) -> Vec<HistoryEntry> {
    let info = Arc::new(CommitInfo {
        commit: ObjectId::new([7; 20]),
        time: Timestamp::UNIX_EPOCH,
        author: "Jane".to_owned(),
        subject: String::new(),
        pull_request: None,
        said: Said::default(),
    });
    let entry = |text: &str| HistoryEntry {
        change: ValueChange {
            version: Some(text.trim_start_matches(['~', '>']).into()),
            previous: None,
            landed: info.clone(),
            authored: info.clone(),
            depth: 0,
            line: 0,
            moved: None,
        },
        kind: match text.chars().next() {
            Some('~') => ChangeKind::Revert,
            Some('>') => ChangeKind::Promotion {
                from: "staging".into(),
            },
            _ => ChangeKind::Bump,
        },
        stayed_seconds: None,
    };
    values.split_whitespace().map(entry).collect()
}

const AHEAD: Option<Skew> = Some(Skew::Ahead);
const DIFFERS: Option<Skew> = Some(Skew::Differs);

const fn behind(by: Option<usize>) -> Skew {
    Skew::Behind { by }
}

#[test]
fn a_cell_stands_to_its_upstream_by_order_or_by_what_that_had() {
    // (name, prod, staging, staging's history, expected)
    let cases = [
        ("the same", "1.2", "1.2", "1.2", None),
        (
            "older, one step",
            "1.1",
            "1.2",
            "1.2 1.1",
            Some(behind(Some(1))),
        ),
        (
            "older, steps between",
            "1.1",
            "1.4",
            "1.4 1.3 1.2 1.1",
            Some(behind(Some(3))),
        ),
        (
            "older, never there",
            "1.1.7",
            "1.2",
            "1.2 1.1",
            Some(behind(None)),
        ),
        (
            "older, history not known",
            "1.1",
            "1.2",
            "",
            Some(behind(None)),
        ),
        (
            "what was taken back is not missing",
            "1.1",
            "1.2",
            "~1.2 1.3 1.2 1.1",
            Some(behind(Some(1))),
        ),
        (
            "a version counts once",
            "1.1",
            "1.3",
            "1.3 1.2 1.3 1.2 1.1",
            Some(behind(Some(2))),
        ),
        (
            "with digests or without, a version counts once",
            "1.1@sha256:a",
            "1.3@sha256:a",
            "1.3@sha256:a 1.3 1.2 1.1",
            Some(behind(Some(2))),
        ),
        (
            "the same with its digest",
            "1.2@sha256:a",
            "1.2",
            "1.2",
            None,
        ),
        ("newer", "1.3", "1.2", "1.2 1.3", AHEAD),
        ("the same in other words", "v1.2", "1.2", "1.2", DIFFERS),
        (
            "no order, seen before",
            "a",
            "c",
            "c b a",
            Some(behind(Some(2))),
        ),
        ("no order, never there", "x", "c", "c b a", DIFFERS),
        ("no order, history not known", "a", "c", "", DIFFERS),
        (
            "the history is older than the matrix",
            "a",
            "c",
            "a",
            DIFFERS,
        ),
    ];
    let topology = topology(&[("staging", &[]), ("prod", &["staging"])], Require::Any);
    for (name, prod, staging, past, expected) in cases {
        let desired = desired(&format!("prod={prod} staging={staging}"));
        let past = entries(past);
        let found = skews(&desired, &topology, &|_| &past);
        let skewed = found.get(&CellKey::new("api", "prod"));
        assert_eq!(skewed.map(|it| it.skew), expected, "{name}");
        assert!(
            !found.contains_key(&CellKey::new("api", "staging")),
            "{name}"
        );
    }
}

#[test]
fn an_upstream_that_had_the_tag_had_the_version() {
    let cases = [("2@sha256:a", false), ("2", false), ("3", true)];
    for (version, expected) in cases {
        assert_eq!(
            never(&entries("2 1"), &version.into()),
            expected,
            "{version}"
        );
    }
}

#[test]
fn a_setting_has_no_order() {
    let mut desired = desired("prod=1 staging=2");
    for cell in desired.cells.values_mut() {
        cell.subject = Subject::Setting;
    }
    let topology = topology(&[("staging", &[]), ("prod", &["staging"])], Require::Any);
    let found = skews(&desired, &topology, &|_| &[]);
    assert_eq!(found[&CellKey::new("api", "prod")].skew, Skew::Differs);
}

#[test]
fn of_several_upstreams_the_one_that_a_promotion_takes() {
    // (name, cells, where one is enough, where all are required)
    let cases = [
        ("has what both have", "prod=2 a=2 b=2", None, None),
        (
            "has what one has, the other is older",
            "prod=2 a=1 b=2",
            None,
            Some(("a", Skew::Ahead)),
        ),
        (
            "has what one has, the other is newer",
            "prod=2 a=2 b=3",
            Some(("b", Skew::Behind { by: None })),
            Some(("b", Skew::Behind { by: None })),
        ),
        (
            "above both",
            "prod=4 a=2 b=3",
            Some(("a", Skew::Ahead)),
            Some(("a", Skew::Ahead)),
        ),
        ("one declares nothing", "prod=4 b=4", None, None),
        ("no upstream declares anything", "prod=4", None, None),
    ];
    let edges: &[(&str, &[&str])] = &[("a", &[]), ("b", &[]), ("prod", &["a", "b"])];
    for (name, cells, any, all) in cases {
        for (require, expected) in [(Require::Any, any), (Require::All, all)] {
            let found = skews(&desired(cells), &topology(edges, require), &|_| &[]);
            let skewed = found.get(&CellKey::new("api", "prod"));
            let skewed = skewed.map(|it| (it.upstream.as_str(), it.skew));
            assert_eq!(skewed, expected, "{name}, {require:?}");
        }
    }
}

fn live(health: Health, runs: &str, stale: bool) -> LiveCell {
    LiveCell {
        health,
        reason: (health == Health::Suspended).then(|| "paused by hand".to_owned()),
        versions: Few::from_iter([(runs.into(), 2)]),
        stale,
        ..LiveCell::unknown("", Timestamp::UNIX_EPOCH)
    }
}

#[test]
fn findings_by_kind() {
    let now = Timestamp::from_second(7_200).unwrap();
    // (name, cells, prod's history, staging's, prod's live, expected)
    type Case = (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        Option<LiveCell>,
        &'static [&'static str],
    );
    let cases: [Case; 14] = [
        ("nothing", "prod=1.1 staging=1.1", "1.1", "1.1", None, &[]),
        (
            "behind",
            "prod=1.1 staging=1.2",
            ">1.1",
            "1.2 1.1",
            None,
            &["skew: 1 behind staging: 1.1, staging declares 1.2"],
        ),
        (
            "above",
            "prod=1.3 staging=1.2",
            "1.3",
            "1.2",
            None,
            &["ahead: ahead of staging: 1.3, staging declares 1.2"],
        ),
        (
            "a fix that came past the upstream",
            "prod=1.1.1 staging=1.2",
            "1.1.1 1.1",
            "1.2 1.1",
            None,
            &[
                "ahead: got 1.1.1 2h ago by Jane, in 0707070; staging never had it",
                "skew: behind staging: 1.1.1, staging declares 1.2",
            ],
        ),
        (
            "the same while nothing is known of the upstream's past",
            "prod=left1 staging=right1",
            "left1",
            "",
            None,
            &["skew: differs from staging: left1, staging declares right1"],
        ),
        (
            "went back",
            "prod=1.1 staging=1.2",
            "~1.1 1.2 1.1",
            "1.2 1.1",
            None,
            &[
                "reverted: went back to 1.1 2h ago by Jane, in 0707070; staging declares 1.2",
                "skew: 1 behind staging: 1.1, staging declares 1.2",
            ],
        ),
        (
            "both went back",
            "prod=1.1 staging=1.1",
            "~1.1 1.2 1.1",
            "~1.1 1.2 1.1",
            None,
            &[],
        ),
        (
            "mutable",
            "prod=latest staging=latest",
            "",
            "",
            None,
            &[
                "mutable: latest is mutable: it may mean another build tomorrow",
                "mutable: latest is mutable: it may mean another build tomorrow",
            ],
        ),
        (
            "the cluster runs another one",
            "prod=1.1 staging=1.1",
            "",
            "",
            Some(live(Health::Healthy, "1.0", false)),
            &["live: Git declares 1.1, the cluster runs 1.0 ×2"],
        ),
        (
            "the cluster runs another one, and its agent says why",
            "prod=1.1 staging=1.1",
            "",
            "",
            Some(LiveCell {
                hop: Some(Hop {
                    at: At::Sync,
                    reason: "Flux is suspended".to_owned(),
                    next: None,
                    order: None,
                    failing: false,
                }),
                ..live(Health::Healthy, "1.0", false)
            }),
            &["live: Git declares 1.1, the cluster runs 1.0 ×2: Flux is suspended"],
        ),
        (
            "nothing runs, and it would be another one",
            "prod=1.1 staging=1.1",
            "",
            "",
            Some(LiveCell {
                versions: Few::default(),
                serving: Some("1.0".into()),
                desired: 0,
                ..live(Health::Healthy, "1.0", false)
            }),
            &["live: Git declares 1.1, the cluster would run 1.0"],
        ),
        (
            "it did when it was last seen",
            "prod=1.1 staging=1.1",
            "",
            "",
            Some(live(Health::Healthy, "1.0", true)),
            &["live: Git declares 1.1, the cluster runs 1.0 ×2 (last seen 2h ago)"],
        ),
        (
            "while it is rolling out nothing drifts",
            "prod=1.1 staging=1.1",
            "",
            "",
            Some(live(Health::Progressing, "1.0", false)),
            &[],
        ),
        (
            "suspended",
            "prod=1.1 staging=1.1",
            "",
            "",
            Some(live(Health::Suspended, "1.1", false)),
            &["suspended: paused by hand"],
        ),
    ];
    let topology = topology(&[("staging", &[]), ("prod", &["staging"])], Require::Any);
    let environments = ["prod", "staging"];
    for (name, cells, own, theirs, seen, expected) in cases {
        let desired = desired(cells);
        let (own, theirs) = (entries(own), entries(theirs));
        let past: &Past<'_> = &|key| match key.environment.as_str() {
            "prod" => &own,
            _ => &theirs,
        };
        let skews = skews(&desired, &topology, past);
        let (up, lost) = (
            Connection::Live,
            Connection::Lost {
                reason: "gone".to_owned(),
                since: Timestamp::UNIX_EPOCH,
                next_try: None,
            },
        );
        let status = |key: &CellKey, cell| {
            let seen = seen.as_ref().filter(|_| key.environment.as_str() == "prod");
            let connection = match seen {
                None => &Connection::Unconfigured,
                Some(live) if live.stale => &lost,
                Some(_) => &up,
            };
            cell::assess(Some(cell), seen, connection, Delivering::No)
        };
        let facts = Facts {
            desired: &desired,
            environments: &environments,
            skews: &skews,
            past,
            status: &status,
        };
        let found: Vec<String> = findings(&facts, now)
            .into_iter()
            .map(|finding| format!("{}: {}", finding.kind, finding.detail))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn kinds_by_their_words() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(kind));
    }
    assert_eq!(Kind::named("purple"), None);
}
