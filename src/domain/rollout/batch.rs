//! Jobs and `CronJobs`: what they would run is their template's, and how they are is how their last run ended.
//!
//! By the rules of Argo CD for Jobs (failed, suspended, complete, else running). A `CronJob` is as its newest run is that was
//! made from today's template: what an older one did says nothing of what was rolled out since.

use jiff::Timestamp;

use super::{
    assess::{running, serving, state},
    health::Assessment,
    live::{Health, LiveCell},
    object::{ObjectKind, WorkloadState},
    pods::{self, Trouble},
    store::Namespace,
    target::CellTarget,
};

/// Judges a Job or a `CronJob` by its runs, and adds the pods of the one that counts to the cell.
pub(super) fn judge(
    namespace: &Namespace,
    target: &CellTarget,
    workload: &WorkloadState,
    cell: &mut LiveCell,
    now: Timestamp,
) -> Assessment {
    if workload.kind == ObjectKind::Job {
        let own = of_job(workload);
        return with_pods(own, namespace, target, workload, cell, now);
    }
    let runs = namespace.runs_of(workload);
    let serves = serving(target, &workload.containers);
    let current = runs
        .iter()
        .find(|run| serving(target, &run.containers) == serves);
    let judged = match current {
        Some(run) => with_pods(of_run(run), namespace, target, run, cell, now),
        None => without_run(workload, !runs.is_empty()),
    };
    // What is wrong with its last run is worth more than that there will be no other.
    if workload.paused && judged.health != Health::Degraded {
        return Assessment::new(Health::Suspended, "suspended (spec.suspend)");
    }
    judged
}

/// How a Job is.
pub(super) fn of_job(job: &WorkloadState) -> Assessment {
    let holds = |kind: &str| job.conditions.iter().find(|it| it.kind == kind && it.holds);
    if let Some(failed) = holds("Failed") {
        let because = match (failed.reason.as_str(), failed.message.as_str()) {
            ("", "") => String::new(),
            (reason, "") => format!(": {reason}"),
            (reason, message) => format!(": {reason}: {message}"),
        };
        return Assessment {
            since: failed.since,
            ..Assessment::new(Health::Degraded, format!("failed{because}"))
        };
    }
    if let Some(done) = holds("Complete") {
        return Assessment {
            since: done.since,
            ..Assessment::new(Health::Healthy, "ran to its end")
        };
    }
    if job.paused || holds("Suspended").is_some() {
        return Assessment::new(Health::Suspended, "suspended (spec.suspend)");
    }
    Assessment {
        since: job.created,
        ..Assessment::new(Health::Progressing, "runs now")
    }
}

/// How a `CronJob` is whose run this is: one that runs is no rollout that anybody waits for.
fn of_run(run: &WorkloadState) -> Assessment {
    let own = of_job(run);
    let said = own.reason.as_deref().unwrap_or_default();
    let words = match own.health {
        Health::Degraded => format!("the last run ({}) {said}", run.name),
        Health::Healthy => format!("the last run ({}) succeeded", run.name),
        Health::Suspended => format!("the last run ({}) is suspended", run.name),
        _ => format!("{} runs now", run.name),
    };
    Assessment {
        health: match own.health {
            Health::Progressing => Health::Healthy,
            other => other,
        },
        reason: Some(words),
        since: own.since,
    }
}

/// How a `CronJob` is of whose template no run is there: it has not come to one yet, or its Jobs were cleared away.
pub(super) fn without_run(cron_job: &WorkloadState, has_others: bool) -> Assessment {
    let healthy = |words: &str, since| Assessment {
        since,
        ..Assessment::new(Health::Healthy, words)
    };
    match (cron_job.last_begun, cron_job.last_succeeded) {
        _ if has_others => healthy("this version has not run yet", None),
        (None, None) => healthy("has not run yet", None),
        (begun, Some(succeeded)) if begun.is_none_or(|begun| begun <= succeeded) => {
            healthy("the last run succeeded", Some(succeeded))
        }
        (begun, _) => Assessment {
            since: begun,
            ..Assessment::new(
                Health::Unknown,
                "how the last run ended is not known: its Job is not there any more",
            )
        },
    }
}

/// With what ails the pods of a run, while it runs.
fn with_pods(
    own: Assessment,
    namespace: &Namespace,
    target: &CellTarget,
    run: &WorkloadState,
    cell: &mut LiveCell,
    now: Timestamp,
) -> Assessment {
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut total = 0;
    for pod in namespace.pods_of(run) {
        let trouble = pods::trouble(pod, now);
        total += usize::from(pods::active(pod) && !pod.terminating);
        cell.pods
            .push(state(target, pod, running(target, pod), trouble.as_ref()));
        troubles.extend(trouble);
    }
    match pods::sum_up(&troubles, total) {
        Some((class, from_pods)) if class.degrades() => Assessment {
            health: own.health.worst(from_pods.health),
            reason: from_pods.reason.or(own.reason),
            since: from_pods.since.or(own.since),
        },
        _ => own,
    }
}
