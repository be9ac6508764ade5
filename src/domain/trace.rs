//! Where a version has been: every stay in every environment, how it got there, and what to go back to.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;

use super::{
    history::{ChangeKind, HistoryEntry, unknown_words},
    ids::EnvironmentName,
    last_good::last_good,
    topology::Topology,
    version::Version,
};

/// The path of one version of one service through the environments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// One per environment, in promotion order, those it has not reached too.
    pub places: Vec<TraceStop>,
    /// When it landed first, anywhere: lead times count from here.
    pub first: Option<Timestamp>,
}

/// One environment on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceStop {
    /// The environment.
    pub environment: EnvironmentName,
    /// Its stays, oldest first; empty: it is not known to have been there.
    pub stays: Vec<Stay>,
    /// What is declared there now.
    pub now: Option<Version>,
    /// When that landed; `None`: nothing is known of the service's history there.
    pub since: Option<Timestamp>,
    /// What is declared there now cannot be read.
    pub unread: bool,
    /// Where it is declared now: what a revert would restore.
    pub go_back: Option<HistoryEntry>,
}

/// One stay of the version in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The change that brought it; its `previous` is what it replaced.
    pub entry: HistoryEntry,
    /// Which value of the environment's history it is; 0 is the newest.
    pub index: usize,
    /// How it got there.
    pub arrival: Arrival,
    /// When it was replaced; `None`: it is there still.
    pub until: Option<Timestamp>,
    /// What replaced it, where something did.
    pub replaced_by: Option<Version>,
    /// What came after it cannot be read.
    pub unread: bool,
    /// Seconds from its first landing anywhere to this one.
    pub lead_seconds: i64,
    /// From the upstream before it; `None`: no upstream had it by then.
    pub lead_from: Option<Lead>,
}

/// How long a version took from one environment to the next, landed to landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The upstream.
    pub environment: EnvironmentName,
    /// Seconds since it first landed there.
    pub seconds: i64,
}

/// How a version got into an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first value known there.
    Initial,
    /// Written there directly; the environment has no upstream.
    Bump,
    /// Copied from this upstream.
    Promotion(EnvironmentName),
    /// It had been there before.
    Revert,
    /// No upstream had ever declared it by then: it came past these.
    FastTrack(Vec<EnvironmentName>),
}

impl Arrival {
    /// The word of the command line's output.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Bump => "bump",
            Self::Promotion(_) => "promotion",
            Self::Revert => "revert",
            Self::FastTrack(_) => "fast-track",
        }
    }
}

/// `promotion from dev`, `fast track past staging`.
impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promotion(from) => write!(f, "promotion from {from}"),
            Self::FastTrack(past) => {
                let past: Vec<&str> = past.iter().map(EnvironmentName::as_str).collect();
                write!(f, "fast track past {}", past.join(", "))
            }
            other => f.write_str(other.word()),
        }
    }
}

/// Histories of one service's cells, each newest first.
pub type Histories<'a> = BTreeMap<EnvironmentName, &'a [HistoryEntry]>;

/// What is not known of what was before the oldest values of a service, a sentence for each reason: `staging, prod: what was
/// before is not known: …`.
pub fn doubts<'a>(
    unknown: impl IntoIterator<Item = (&'a EnvironmentName, &'a str)>,
) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (environment, why) in unknown {
        let environment = environment.as_str();
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, environments)) => environments.push(environment),
            None => reasons.push((why, vec![environment])),
        }
    }
    let words = |(why, environments): (&str, Vec<&str>)| {
        format!("{}: {}", environments.join(", "), unknown_words(why))
    };
    reasons.into_iter().map(words).collect()
}

/// Traces `version` through the histories of a service's cells; what is `bad` is nothing to go back to.
pub fn trace(
    version: &Version,
    histories: &Histories<'_>,
    order: &[EnvironmentName],
    topology: &Topology,
    bad: &dyn Fn(&Version) -> bool,
) -> Trace {
    let path = Path {
        bad,
        version,
        histories,
        topology,
        first: histories.values().flat_map(|h| landings(h, version)).min(),
    };
    Trace {
        places: order.iter().map(|name| path.place(name)).collect(),
        first: path.first,
    }
}

/// When `version`, with or without its digest, landed, each time.
fn landings(history: &[HistoryEntry], version: &Version) -> impl Iterator<Item = Timestamp> {
    let changes = history.iter().map(|entry| &entry.change);
    let its = changes.filter(|change| change.brought(version));
    its.map(|change| change.landed.time)
}

struct Path<'a> {
    bad: &'a dyn Fn(&Version) -> bool,
    version: &'a Version,
    histories: &'a Histories<'a>,
    topology: &'a Topology,
    first: Option<Timestamp>,
}

impl Path<'_> {
    fn history(&self, environment: &EnvironmentName) -> &[HistoryEntry] {
        self.histories
            .get(environment)
            .map_or(&[][..], |found| found)
    }

    fn place(&self, environment: &EnvironmentName) -> TraceStop {
        let history = self.history(environment);
        let newest = history.first().map(|entry| &entry.change);
        let now = newest.and_then(|change| change.version.clone());
        let stays = history.iter().enumerate().rev();
        let stays = stays.filter(|(_, entry)| entry.change.brought(self.version));
        let go_back = if newest.is_some_and(|change| change.brought(self.version)) {
            last_good(history, self.bad).and_then(|index| history.get(index))
        } else {
            None
        };
        TraceStop {
            environment: environment.clone(),
            stays: stays
                .map(|(index, _)| self.stay(environment, history, index))
                .collect(),
            since: newest.map(|change| change.landed.time),
            now,
            unread: history
                .first()
                .is_some_and(|entry| entry.kind == ChangeKind::Unread),
            go_back: go_back.cloned(),
        }
    }

    fn stay(&self, environment: &EnvironmentName, history: &[HistoryEntry], index: usize) -> Stay {
        let entry = &history[index];
        let next = index.checked_sub(1).map(|newer| &history[newer]);
        let landed = entry.change.landed.time;
        // Clocks of those who committed may differ: nothing lands before it is there.
        let since = |time: Timestamp| landed.duration_since(time).as_secs().max(0);
        let arrival = self.arrival(environment, entry);
        let upstream = match &arrival {
            Arrival::Promotion(from) => Some(from),
            _ => self.upstream(environment, landed),
        };
        let lead_from = upstream.and_then(|upstream| {
            let there = landings(self.history(upstream), self.version).min()?;
            Some(Lead {
                environment: upstream.clone(),
                seconds: since(there),
            })
        });
        Stay {
            arrival,
            index,
            until: next.map(|next| next.change.landed.time),
            replaced_by: next.and_then(|next| next.change.version.clone()),
            unread: next.is_some_and(|next| next.kind == ChangeKind::Unread),
            lead_seconds: self.first.map_or(0, since),
            lead_from,
            entry: entry.clone(),
        }
    }

    fn upstreams(&self, environment: &EnvironmentName) -> &[EnvironmentName] {
        let found = self.topology.get(environment);
        found.map_or(&[][..], |found| &found.from)
    }

    /// The first upstream that had declared the version by `time`, now or before.
    fn upstream(&self, environment: &EnvironmentName, time: Timestamp) -> Option<&EnvironmentName> {
        let had = |upstream: &&EnvironmentName| {
            landings(self.history(upstream), self.version).any(|landed| landed <= time)
        };
        self.upstreams(environment).iter().find(had)
    }

    fn arrival(&self, environment: &EnvironmentName, entry: &HistoryEntry) -> Arrival {
        match &entry.kind {
            ChangeKind::Promotion { from } => Arrival::Promotion(from.clone()),
            ChangeKind::Revert => Arrival::Revert,
            ChangeKind::Initial | ChangeKind::Removed | ChangeKind::Unread => Arrival::Initial,
            // Where an upstream had it earlier and has moved on, it came late, not past anybody.
            ChangeKind::Bump => match self.upstream(environment, entry.change.landed.time) {
                Some(from) => Arrival::Promotion(from.clone()),
                None if self.upstreams(environment).is_empty() => Arrival::Bump,
                None => Arrival::FastTrack(self.upstreams(environment).to_vec()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        history::{Changes, CommitInfo, ValueChange, classify},
        ids::{CellKey, ObjectId},
        said::Said,
        template::Template,
        topology::{Deliver, Environment, Require, WorkloadTemplate},
    };

    fn environment(name: &str, from: &[&str]) -> Environment {
        let template = Template::parse("{service}").unwrap();
        Environment {
            name: name.into(),
            from: from.iter().map(|name| (*name).into()).collect(),
            require: Require::Any,
            cluster: None,
            agent: None,
            namespace: template.clone(),
            workload: WorkloadTemplate::Name(template),
            protected: false,
            url: None,
            deliver: Deliver::Push,
            timeout: std::time::Duration::from_mins(15),
        }
    }

    #[test]
    fn what_is_not_known_is_said_once_for_each_reason() {
        type Case = (
            &'static [(&'static str, &'static str)],
            &'static [&'static str],
        );
        let cases: [Case; 3] = [
            (&[], &[]),
            (
                &[("prod", "cut off")],
                &["prod: what was before is not known: cut off"],
            ),
            (
                &[
                    ("dev", "cut off"),
                    ("staging", "unread"),
                    ("prod", "cut off"),
                ],
                &[
                    "dev, prod: what was before is not known: cut off",
                    "staging: what was before is not known: unread",
                ],
            ),
        ];
        for (unknown, expected) in cases {
            let names: Vec<(EnvironmentName, &str)> = unknown
                .iter()
                .map(|(name, why)| ((*name).into(), *why))
                .collect();
            let said = doubts(names.iter().map(|(name, why)| (name, *why)));
            assert_eq!(said, expected);
        }
    }

    /// `(environment, [(hour, version)])`, oldest first, as the histories of one service.
    fn traced(version: &str, stories: &[(&str, &[(i64, &str)])]) -> Trace {
        traced_saying("", version, stories)
    }

    /// The same, where every commit of staging says this.
    fn traced_saying(says: &str, version: &str, stories: &[(&str, &[(i64, &str)])]) -> Trace {
        let topology = Topology {
            environments: vec![
                environment("dev", &[]),
                environment("staging", &["dev"]),
                environment("prod", &["staging"]),
            ],
            ..Topology::default()
        };
        let mut changes = Changes::new();
        for (environment, story) in stories {
            let mut previous: Option<Version> = None;
            for (hour, version) in *story {
                let mut id = [0; 20];
                id[19] = u8::try_from(*hour).unwrap();
                let commit = Arc::new(CommitInfo {
                    commit: ObjectId::new(id),
                    time: Timestamp::from_second(hour * 3_600).unwrap(),
                    author: "jane".into(),
                    subject: "s".into(),
                    pull_request: None,
                    said: match *environment {
                        "staging" => Said::of(says),
                        _ => Said::default(),
                    },
                });
                let change = ValueChange {
                    version: Some((*version).into()),
                    previous: previous.replace((*version).into()),
                    landed: Arc::clone(&commit),
                    authored: commit,
                    depth: u32::try_from(100 - hour).unwrap(),
                    line: 0,
                    moved: None,
                };
                let key = CellKey::new("shop", *environment);
                changes.entry(key).or_default().insert(0, change);
            }
        }
        let order: Vec<EnvironmentName> = topology
            .environments
            .iter()
            .map(|e| e.name.clone())
            .collect();
        let told: Vec<_> = order
            .iter()
            .map(|name| {
                classify(
                    &changes,
                    &CellKey::new("shop", name.clone()),
                    &topology,
                    false,
                )
            })
            .collect();
        let told = order.iter().cloned().zip(told.iter().map(Vec::as_slice));
        let histories = told.collect();
        trace(&version.into(), &histories, &order, &topology, &|_| false)
    }

    #[test]
    fn a_version_is_traced_with_its_digest_and_without() {
        let stories: &[(&str, &[(i64, &str)])] = &[
            ("dev", &[(1, "1"), (10, "2")]),
            ("staging", &[(2, "1"), (12, "2")]),
            ("prod", &[(3, "1"), (15, "2@sha256:a")]),
        ];
        for version in ["2", "2@sha256:a"] {
            let trace = traced(version, stories);
            let prod = &trace.places[2].stays[0];
            assert_eq!(prod.arrival.word(), "promotion", "{version}");
            let lead = prod.lead_from.as_ref().unwrap();
            assert_eq!(lead.seconds, 3 * 3_600, "{version}");
            assert!(trace.places[2].go_back.is_some(), "{version}");
        }
    }

    #[test]
    fn the_usual_path_with_lead_times_and_a_way_back() {
        let trace = traced(
            "2",
            &[
                ("dev", &[(1, "1"), (10, "2"), (20, "3")]),
                ("staging", &[(2, "1"), (12, "2")]),
                ("prod", &[(3, "1"), (15, "2")]),
            ],
        );
        let told: Vec<_> = trace
            .places
            .iter()
            .map(|place| {
                let stay = &place.stays[0];
                (
                    place.environment.as_str(),
                    stay.arrival.word(),
                    stay.lead_seconds / 3_600,
                    stay.lead_from.as_ref().map(|lead| lead.seconds / 3_600),
                    stay.until.is_some(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("dev", "bump", 0, None, true),
                ("staging", "promotion", 2, Some(2), false),
                ("prod", "promotion", 5, Some(3), false)
            ]
        );
        let back = trace.places[2].go_back.as_ref().unwrap();
        assert_eq!(back.change.version, Some("1".into()));
        assert!(trace.places[0].go_back.is_none(), "dev has moved on");
        assert_eq!(
            trace.places[0].stays[0].index, 1,
            "as its history counts it"
        );
    }

    #[test]
    fn clocks_of_others_give_no_time_before_the_first() {
        let stories: &[(&str, &[(i64, &str)])] = &[
            ("dev", &[(1, "1"), (10, "2")]),
            ("staging", &[(2, "1"), (7, "2")]),
        ];
        let trace = traced_saying("s\n\nPromoted-From: dev\n", "2", stories);
        let stay = &trace.places[1].stays[0];
        assert_eq!(stay.arrival, Arrival::Promotion("dev".into()));
        let lead = stay.lead_from.as_ref().map(|lead| lead.seconds);
        assert_eq!((stay.lead_seconds, lead), (0, Some(0)));
    }

    #[test]
    fn past_everybody_back_again_and_never_there() {
        let trace = traced(
            "2-fix",
            &[
                ("dev", &[(1, "1")]),
                ("staging", &[(1, "1")]),
                ("prod", &[(1, "1"), (5, "2-fix"), (6, "1"), (8, "2-fix")]),
            ],
        );
        let stays: Vec<_> = trace.places[2]
            .stays
            .iter()
            .map(|stay| stay.arrival.word())
            .collect();
        assert_eq!(stays, ["fast-track", "revert"]);
        assert_eq!(trace.places[2].stays[0].lead_from, None);
        let how = trace.places[2].stays[0].arrival.to_string();
        assert_eq!(how, "fast track past staging");
        assert!(trace.places[0].stays.is_empty() && trace.places[1].stays.is_empty());
        let never = traced("9", &[("dev", &[(1, "1")])]);
        assert_eq!(never.first, None);
        let known: Vec<_> = never.places.iter().map(|p| p.since.is_some()).collect();
        assert_eq!(known, [true, false, false], "all are told");
    }
}
