//! What a workload's own numbers and conditions say, by the rules of `kubectl rollout status` and Argo CD.

use jiff::Timestamp;

use super::{
    live::Health,
    object::{Condition, ObjectKind, Strategy, WorkloadState},
    progressive,
};
use crate::domain::agent::{Progress, Stage};

/// A health with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assessment {
    pub(super) health: Health,
    pub(super) reason: Option<String>,
    pub(super) since: Option<Timestamp>,
}

impl Assessment {
    pub(super) fn new(health: Health, reason: impl Into<String>) -> Self {
        Self {
            health,
            reason: Some(reason.into()),
            since: None,
        }
    }

    /// Nothing is wanted, and nothing is wrong: that is said, for it serves nobody.
    fn at_zero(mut self, workload: &WorkloadState) -> Self {
        if self.health == Health::Healthy && workload.desired == 0 {
            let words = match workload.kind {
                ObjectKind::DaemonSet => "no node is to run it",
                _ => "scaled to zero",
            };
            self.reason.get_or_insert_with(|| words.to_owned());
        }
        self
    }

    fn healthy() -> Self {
        Self {
            health: Health::Healthy,
            reason: None,
            since: None,
        }
    }
}

/// Judges a workload without looking at its pods.
pub(super) fn judge(workload: &WorkloadState) -> Assessment {
    if workload.generation > workload.observed_generation {
        return Assessment::new(
            Health::Progressing,
            "its controller has not seen the newest change yet",
        );
    }
    match workload.kind {
        ObjectKind::Rollout if let Some(progress) = &workload.progress => {
            return by_steps(workload, progress);
        }
        ObjectKind::StatefulSet => stateful_set(workload),
        ObjectKind::DaemonSet => daemon_set(workload),
        _ => deployment(workload),
    }
    .at_zero(workload)
}

/// Judges a Rollout by how far it has got with its newest version; by its counts where no other version is on its way.
pub(super) fn by_steps(workload: &WorkloadState, progress: &Progress) -> Assessment {
    let counted = matches!(progress.stage, Stage::Advancing | Stage::Starting);
    if counted && progress.step.is_none() {
        let counts = deployment(workload);
        if counts.health != Health::Healthy {
            return counts;
        }
    }
    progressive::judge(progress).at_zero(workload)
}

/// Whether the newest change has been taken up: only then are its numbers about it.
pub(super) fn observed(workload: &WorkloadState) -> bool {
    workload.generation <= workload.observed_generation
}

fn deployment(workload: &WorkloadState) -> Assessment {
    let condition = |kind: &str| workload.conditions.iter().find(|c| c.kind == kind);
    if let Some(progressing) = condition("Progressing")
        && progressing.reason == "ProgressDeadlineExceeded"
    {
        return Assessment {
            health: Health::Degraded,
            reason: Some("progress deadline exceeded".to_owned()),
            since: progressing.since,
        };
    }
    if workload.paused {
        return Assessment::new(Health::Suspended, "paused (spec.paused)");
    }
    let failing = condition("ReplicaFailure").filter(|failure| failure.holds);
    let progressing = |reason: String| with_failure(reason, failing);
    let WorkloadState {
        desired,
        total,
        updated,
        available,
        ..
    } = *workload;
    if updated < desired {
        progressing(format!("{updated} of {desired} {} updated", pods(desired)))
    } else if total > updated {
        let old = total - updated;
        progressing(format!("{old} old {} still to go", pods(old)))
    } else if available < updated {
        progressing(format!(
            "{available} of {updated} {} available",
            pods(updated)
        ))
    } else {
        Assessment::healthy()
    }
}

fn stateful_set(workload: &WorkloadState) -> Assessment {
    let WorkloadState {
        desired,
        ready,
        updated,
        ..
    } = *workload;
    if ready < desired {
        return Assessment::new(
            Health::Progressing,
            format!("{ready} of {desired} {} ready", pods(desired)),
        );
    }
    match workload.strategy {
        Strategy::OnDelete => on_delete(updated, desired),
        Strategy::Rolling { partition } if partition > 0 => {
            let wanted = desired.saturating_sub(partition);
            if updated < wanted {
                return Assessment::new(
                    Health::Progressing,
                    format!(
                        "{updated} of {wanted} {} updated, partition {partition}",
                        pods(wanted)
                    ),
                );
            }
            let mut verdict = Assessment::healthy();
            if updated < desired {
                verdict.reason = Some(format!(
                    "held at partition {partition}: {updated} of {desired} {} updated",
                    pods(desired)
                ));
            }
            verdict
        }
        _ if workload.revision != workload.current_revision || updated < desired => {
            Assessment::new(
                Health::Progressing,
                format!("{updated} of {desired} {} updated", pods(desired)),
            )
        }
        _ => Assessment::healthy(),
    }
}

fn daemon_set(workload: &WorkloadState) -> Assessment {
    let WorkloadState {
        desired,
        available,
        updated,
        ..
    } = *workload;
    if workload.strategy != Strategy::OnDelete && updated < desired {
        return Assessment::new(
            Health::Progressing,
            format!("{updated} of {desired} {} updated", pods(desired)),
        );
    }
    if available < desired {
        return Assessment::new(
            Health::Progressing,
            format!("{available} of {desired} {} available", pods(desired)),
        );
    }
    if workload.strategy == Strategy::OnDelete {
        return on_delete(updated, desired);
    }
    Assessment::healthy()
}

/// Nothing more happens by itself, so this is as healthy as it gets; the reason tells what is left.
fn on_delete(updated: u32, desired: u32) -> Assessment {
    let mut verdict = Assessment::healthy();
    if updated < desired {
        verdict.reason = Some(format!(
            "{updated} of {desired} {} updated, the others when deleted (OnDelete)",
            pods(desired)
        ));
    }
    verdict
}

fn with_failure(reason: String, failure: Option<&Condition>) -> Assessment {
    let mut verdict = Assessment::new(Health::Progressing, reason);
    if let Some(failure) = failure {
        let Condition {
            reason,
            message,
            since,
            ..
        } = failure;
        verdict.reason = Some(format!("{reason}: {message}"));
        verdict.since = *since;
    }
    verdict
}

fn pods(count: u32) -> &'static str {
    if count == 1 { "pod" } else { "pods" }
}
