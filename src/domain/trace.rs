//! Where a version has been: every stay in every environment, how it got there, and what to go back to.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    history::{ChangeKind, HistoryEntry},
    ids::EnvironmentName,
    last_good::last_good,
    topology::Topology,
    version::Version,
};

/// The path of one version of one service through the environments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// One per environment in which the service has a history, in promotion order.
    pub places: Vec<Place>,
    /// When it landed first, anywhere: lead times count from here.
    pub first: Option<Timestamp>,
}

/// One environment on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The environment.
    pub environment: EnvironmentName,
    /// Its stays, oldest first; empty: it has never been there.
    pub stays: Vec<Stay>,
    /// What is declared there now.
    pub now: Option<Version>,
    /// Where it is declared now: what a revert would restore.
    pub go_back: Option<HistoryEntry>,
}

/// One stay of the version in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The change that brought it.
    pub entry: HistoryEntry,
    /// How it got there.
    pub arrival: Arrival,
    /// When it was replaced; `None`: it is there still.
    pub until: Option<Timestamp>,
    /// What replaced it, where something did.
    pub replaced_by: Option<Version>,
    /// Seconds from its first landing anywhere to this one.
    pub lead_seconds: i64,
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

/// Traces `version` through the histories of a service's cells (each newest first).
pub fn trace(
    version: &Version,
    histories: &BTreeMap<EnvironmentName, Vec<HistoryEntry>>,
    order: &[EnvironmentName],
    topology: &Topology,
) -> Trace {
    let is_it = |entry: &HistoryEntry| entry.change.version.as_ref() == Some(version);
    let landings = histories.values().flatten().filter(|entry| is_it(entry));
    let first = landings.map(|entry| entry.change.landed.time).min();
    let places = order.iter().filter_map(|environment| {
        let history = histories.get(environment)?;
        let newest = history.first()?;
        let mut stays: Vec<Stay> = history
            .iter()
            .enumerate()
            .filter(|(_, entry)| is_it(entry))
            .map(|(index, entry)| {
                let next = index.checked_sub(1).and_then(|newer| history.get(newer));
                let landed = entry.change.landed.time;
                Stay {
                    arrival: arrival(version, entry, environment, histories, topology),
                    until: next.map(|next| next.change.landed.time),
                    replaced_by: next.and_then(|next| next.change.version.clone()),
                    lead_seconds: first.map_or(0, |first| landed.duration_since(first).as_secs()),
                    entry: entry.clone(),
                }
            })
            .collect();
        stays.reverse();
        let go_back = is_it(newest).then(|| last_good(history)).flatten();
        Some(Place {
            environment: environment.clone(),
            stays,
            now: newest.change.version.clone(),
            go_back: go_back.and_then(|index| history.get(index)).cloned(),
        })
    });
    Trace {
        places: places.collect(),
        first,
    }
}

fn arrival(
    version: &Version,
    entry: &HistoryEntry,
    environment: &EnvironmentName,
    histories: &BTreeMap<EnvironmentName, Vec<HistoryEntry>>,
    topology: &Topology,
) -> Arrival {
    match &entry.kind {
        ChangeKind::Promotion { from } => Arrival::Promotion(from.clone()),
        ChangeKind::Revert => Arrival::Revert,
        ChangeKind::Initial | ChangeKind::Removed => Arrival::Initial,
        ChangeKind::Bump => {
            let upstreams = topology
                .get(environment)
                .map_or(&[][..], |found| &found.from);
            let landed = entry.change.landed.time;
            let had = |upstream: &EnvironmentName| {
                let history = histories.get(upstream).map_or(&[][..], Vec::as_slice);
                history.iter().any(|theirs| {
                    theirs.change.version.as_ref() == Some(version)
                        && theirs.change.landed.time <= landed
                })
            };
            // Where an upstream had it earlier and has moved on, it came late, not past anybody.
            if upstreams.is_empty() {
                Arrival::Bump
            } else if let Some(from) = upstreams.iter().find(|upstream| had(upstream)) {
                Arrival::Promotion(from.clone())
            } else {
                Arrival::FastTrack(upstreams.to_vec())
            }
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
            namespace: template.clone(),
            workload: WorkloadTemplate::Name(template),
            protected: false,
            url: None,
            deliver: Deliver::Push,
            timeout: std::time::Duration::from_mins(15),
        }
    }

    /// `(environment, [(hour, version)])`, oldest first, as the histories of one service.
    fn traced(version: &str, stories: &[(&str, &[(i64, &str)])]) -> Trace {
        let topology = Topology {
            environments: vec![
                environment("dev", &[]),
                environment("staging", &["dev"]),
                environment("prod", &["staging"]),
            ],
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
                });
                let change = ValueChange {
                    version: Some((*version).into()),
                    previous: previous.replace((*version).into()),
                    landed: Arc::clone(&commit),
                    authored: commit,
                    depth: u32::try_from(100 - hour).unwrap(),
                    line: 0,
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
        let histories = order
            .iter()
            .map(|name| {
                (
                    name.clone(),
                    classify(&changes, &CellKey::new("shop", name.clone()), &topology),
                )
            })
            .collect();
        trace(&version.into(), &histories, &order, &topology)
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
                    stay.until.is_some(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("dev", "bump", 0, true),
                ("staging", "promotion", 2, false),
                ("prod", "promotion", 5, false)
            ]
        );
        let back = trace.places[2].go_back.as_ref().unwrap();
        assert_eq!(back.change.version, Some("1".into()));
        assert!(trace.places[0].go_back.is_none(), "dev has moved on");
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
        assert!(trace.places[0].stays.is_empty() && trace.places[1].stays.is_empty());
        assert_eq!(traced("9", &[("dev", &[(1, "1")])]).first, None);
    }
}
