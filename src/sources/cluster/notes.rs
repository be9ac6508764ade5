//! Notes (`v1` Event) about one cell: watched only while it is selected.

use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event as ApiEvent;
use kube::{
    Api, Client, ResourceExt,
    runtime::watcher::{Config, Event, watcher},
};
use tokio::{sync::mpsc, time::sleep};

use super::{convert::clean, error::ClusterError, watcher::Word};
use crate::domain::rollout::{ClusterNote, NotesTarget};

/// Newest notes that are told.
const TOLD: usize = 100;
/// Notes that are kept while watching; older ones go first.
const KEPT: usize = 400;
/// How long after a refusal or failure the question is put again.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// How long after falling behind (410) they are listed anew.
const AFTER_GONE: Duration = Duration::from_secs(2);

/// Notes about a cell.
pub(super) struct Found {
    pub(super) target: NotesTarget,
    pub(super) notes: Vec<ClusterNote>,
    pub(super) problem: Option<String>,
}

/// Watches the events of the cell's namespace and tells those about its objects, newest first.
pub(super) async fn run(client: Client, target: NotesTarget, out: mpsc::Sender<(u32, Word)>) {
    let api: Api<ApiEvent> = Api::namespaced(client, &target.namespace);
    let mut events = watcher(api, Config::default()).boxed();
    let mut notes: BTreeMap<String, ClusterNote> = BTreeMap::new();
    let mut listed = false;
    while let Some(event) = events.next().await {
        let mut problem = None;
        let changed = match event {
            Ok(Event::Init) => {
                notes.clear();
                listed = false;
                false
            }
            Ok(Event::InitApply(event) | Event::Apply(event)) => {
                let about = is_about(&event, &target);
                if about {
                    let name = event.name_any();
                    notes.insert(name, note(event));
                    shrink(&mut notes);
                }
                about && listed
            }
            Ok(Event::Delete(event)) => notes.remove(&event.name_any()).is_some(),
            Ok(Event::InitDone) => {
                listed = true;
                true
            }
            Err(error) => {
                problem = Some(ClusterError::from(&error));
                true
            }
        };
        if !changed {
            continue;
        }
        let failed = problem.is_some();
        let refused = problem
            .as_ref()
            .is_some_and(|failure| *failure != ClusterError::Gone);
        let found = Found {
            target: target.clone(),
            notes: newest(&notes),
            problem: problem.filter(|_| refused).map(|failure| failure.message()),
        };
        if out.send((0, Word::Notes(found))).await.is_err() {
            return;
        }
        if refused {
            sleep(ASK_AGAIN).await;
        } else if failed {
            sleep(AFTER_GONE).await;
        }
    }
}

/// Whether a note is about a workload of the cell, or about what that workload makes: names of
/// `ReplicaSets` and pods are the workload's with one or two parts more.
fn is_about(event: &ApiEvent, target: &NotesTarget) -> bool {
    let object = &event.involved_object;
    let (kind, name) = (
        object.kind.as_deref().unwrap_or_default(),
        object.name.as_deref().unwrap_or_default(),
    );
    let parts_more = |workload: &str| {
        let rest = name.strip_prefix(workload)?.strip_prefix('-')?;
        Some(rest.split('-').count())
    };
    if target.workloads.is_empty() {
        let service = target.cell.service.as_str();
        return name == service || parts_more(service).is_some_and(|parts| parts <= 2);
    }
    target.workloads.iter().any(|workload| {
        let (of, workload) = workload.split_once('/').unwrap_or(("Deployment", workload));
        let made = parts_more(workload);
        match (kind, of) {
            ("Pod", "Deployment" | "Rollout" | "CronJob") => made == Some(2),
            ("ReplicaSet", "Deployment" | "Rollout") | ("Job", "CronJob") | ("Pod", _) => {
                made == Some(1)
            }
            // An autoscaler is most often called like what it scales.
            _ => name == workload,
        }
    })
}

pub(super) fn note(event: ApiEvent) -> ClusterNote {
    let series = event.series.as_ref();
    let time: Option<Timestamp> = series
        .and_then(|series| series.last_observed_time.as_ref().map(|time| time.0))
        .or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
        .or_else(|| event.event_time.as_ref().map(|time| time.0))
        .or_else(|| event.first_timestamp.as_ref().map(|time| time.0));
    let count = series.and_then(|series| series.count).or(event.count);
    let object = &event.involved_object;
    ClusterNote {
        time,
        warning: event.type_.as_deref() == Some("Warning"),
        reason: clean(event.reason.as_deref().unwrap_or_default()),
        message: clean(event.message.as_deref().unwrap_or_default()),
        object: clean(&format!(
            "{}/{}",
            object.kind.as_deref().unwrap_or_default(),
            object.name.as_deref().unwrap_or_default()
        )),
        count: count
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1)
            .max(1),
    }
}

fn newest(notes: &BTreeMap<String, ClusterNote>) -> Vec<ClusterNote> {
    let mut all: Vec<_> = notes.values().cloned().collect();
    all.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.object.cmp(&b.object)));
    all.truncate(TOLD);
    all
}

fn shrink(notes: &mut BTreeMap<String, ClusterNote>) {
    if notes.len() > KEPT
        && let Some(oldest) = notes.iter().min_by_key(|(_, note)| note.time)
    {
        let oldest = oldest.0.clone();
        notes.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::CellKey;

    #[test]
    fn is_about_a_workload_and_what_it_makes() {
        let cases = [
            ("Deployment/web", "Deployment/web", true),
            ("Deployment/web", "Deployment/web-api", false),
            ("Deployment/web", "ReplicaSet/web-5d9f", true),
            ("Deployment/web", "ReplicaSet/web-api-5d9f", false),
            ("Deployment/web", "Pod/web-5d9f-x2x7z", true),
            ("Deployment/web", "Pod/web-api-5d9f-x2x7z", false),
            ("Deployment/web", "HorizontalPodAutoscaler/web", true),
            ("StatefulSet/db", "Pod/db-0", true),
            ("StatefulSet/db", "Pod/db-backup-0", false),
            ("StatefulSet/db", "Pod/dbx-0", false),
            ("CronJob/sweep", "Job/sweep-28391", true),
            ("CronJob/sweep", "Pod/sweep-28391-x2x7z", true),
            ("CronJob/sweep", "Job/sweep-all-28391", false),
            ("Job/migrate", "Pod/migrate-x2x7z", true),
            ("", "Pod/web-5d9f-x2x7z", true),
            ("", "Deployment/other", false),
        ];
        for (workload, object, expected) in cases {
            let (kind, name) = object.split_once('/').unwrap();
            let event: ApiEvent = serde_json::from_value(json!({
                "metadata": {"name": "e"}, "involvedObject": {"kind": kind, "name": name},
            }))
            .unwrap();
            let target = NotesTarget {
                cell: CellKey::new("web", "dev"),
                context: "dev".to_owned(),
                namespace: "shop".to_owned(),
                workloads: Some(workload.to_owned())
                    .into_iter()
                    .filter(|workload| !workload.is_empty())
                    .collect(),
            };
            assert_eq!(is_about(&event, &target), expected, "{workload} {object}");
        }
    }
}
