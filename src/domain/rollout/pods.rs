//! What pods say: the trouble of each, and one line for all of them.

use jiff::{SignedDuration, Timestamp};

use super::{
    health::Assessment,
    live::Health,
    object::{ContainerState, Ended, PodObject, Run},
};

/// How long a container may run without being ready before that is worth a word.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// How long a pod may be in the making before that is worth a word.
const MAKING: SignedDuration = SignedDuration::from_mins(2);
/// How long a restart counts as recent: the kubelet forgets its back-off after as long.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// What keeps a pod from serving, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Its container cannot be made at all.
    Config,
    /// Its image cannot be pulled.
    Pull,
    /// Killed for memory, again and again.
    Memory,
    /// Ends with an error, again and again.
    Crash,
    /// No node takes it.
    Schedule,
    /// Has been in the making for long: a volume, a network, an init container.
    Made,
    /// Ended once; the next start will show.
    Restarted,
    /// Runs, but its probes fail.
    Probe,
}

impl Class {
    /// It will not get well by waiting: the rollout has failed.
    pub(super) fn degrades(self) -> bool {
        matches!(self, Self::Config | Self::Pull | Self::Memory | Self::Crash)
    }
}

/// The trouble of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) class: Class,
    /// A word: `CrashLoopBackOff`.
    pub(super) label: String,
    pub(super) restarts: u32,
    pub(super) exit: Option<i32>,
    pub(super) message: Option<String>,
    pub(super) since: Option<Timestamp>,
}

/// Whether a pod still counts: evicted and completed ones are remains.
pub(super) fn active(pod: &PodObject) -> bool {
    pod.phase != "Succeeded" && pod.phase != "Failed"
}

/// What keeps a pod from serving, if anything. A pod that goes away or is over has no trouble.
pub(super) fn trouble(pod: &PodObject, now: Timestamp) -> Option<Trouble> {
    if pod.terminating || !active(pod) {
        return None;
    }
    let since = pod.ready_changed.or(pod.created);
    if let Some((message, when)) = pod.unschedulable.as_deref() {
        return Some(Trouble {
            class: Class::Schedule,
            label: "Unschedulable".to_owned(),
            restarts: 0,
            exit: None,
            message: Some(message.clone()),
            since: when.or(since),
        });
    }
    pod.containers
        .iter()
        .filter_map(|container| of_container(container, now))
        .map(|trouble| Trouble {
            since: trouble.since.or(since),
            ..trouble
        })
        .min_by_key(|trouble| (trouble.class, std::cmp::Reverse(trouble.restarts)))
        .or_else(|| in_the_making(pod, now))
}

fn in_the_making(pod: &PodObject, now: Timestamp) -> Option<Trouble> {
    let created = pod.created?;
    if pod.ready || now.duration_since(created) < MAKING {
        return None;
    }
    let label = pod
        .containers
        .iter()
        .find_map(|container| match &container.run {
            Run::Waiting { reason, .. } if reason.is_empty() => Some("Pending"),
            Run::Waiting { reason, .. } => Some(reason.as_str()),
            _ => None,
        })?;
    Some(Trouble {
        class: Class::Made,
        label: label.to_owned(),
        restarts: 0,
        exit: None,
        message: None,
        since: Some(created),
    })
}

/// Whether time alone has just made a word of a pod's silence: nothing but a later look will tell.
pub(super) fn matured(pod: &PodObject, now: Timestamp) -> bool {
    const JUST: SignedDuration = SignedDuration::from_secs(10);
    !pod.ready
        && pod.containers.iter().any(|container| match container.run {
            Run::Running { since: Some(since) } => {
                let running = now.duration_since(since);
                running >= PATIENCE && running < PATIENCE + JUST
            }
            _ => false,
        })
}

/// A word for what a pod does, as `kubectl get pods` would say it.
pub(super) fn word(pod: &PodObject, trouble: Option<&Trouble>) -> String {
    if pod.terminating {
        return "Terminating".to_owned();
    }
    if let Some(trouble) = trouble {
        return trouble.label.clone();
    }
    if !active(pod) {
        return match (&pod.reason, pod.phase.as_str()) {
            (Some(reason), _) => reason.clone(),
            (None, "Succeeded") => "Completed".to_owned(),
            (None, phase) => phase.to_owned(),
        };
    }
    let waiting = pod
        .containers
        .iter()
        .find_map(|container| match &container.run {
            Run::Waiting { reason, .. } if !reason.is_empty() => Some(reason.clone()),
            _ => None,
        });
    waiting.unwrap_or_else(|| pod.phase.clone())
}

fn of_container(container: &ContainerState, now: Timestamp) -> Option<Trouble> {
    let found = |class, label: &str, ended: Option<&Ended>, message: Option<&str>| Trouble {
        class,
        label: if container.init {
            format!("Init:{label}")
        } else {
            label.to_owned()
        },
        restarts: container.restarts,
        exit: ended.map(|ended| ended.exit),
        message: message.map(str::to_owned),
        since: None,
    };
    let last = container.last.as_deref();
    match &container.run {
        Run::Waiting { reason, message } => {
            let message = message.as_deref();
            match reason.as_str() {
                "CrashLoopBackOff" if last.is_some_and(out_of_memory) => {
                    Some(found(Class::Memory, "OOMKilled", last, None))
                }
                "CrashLoopBackOff" => {
                    let words = last.and_then(|ended| ended.message.as_deref());
                    Some(found(Class::Crash, "CrashLoopBackOff", last, words))
                }
                "ImagePullBackOff"
                | "ErrImagePull"
                | "InvalidImageName"
                | "ErrImageNeverPull"
                | "RegistryUnavailable"
                | "ImageInspectError"
                | "SignatureValidationFailed" => Some(found(Class::Pull, reason, None, message)),
                "CreateContainerConfigError"
                | "CreateContainerError"
                | "RunContainerError"
                | "PreStartHookError"
                | "PostStartHookError"
                | "CreatePodSandboxError" => Some(found(Class::Config, reason, None, message)),
                _ => None,
            }
        }
        Run::Ended(ended) if ended.exit == 0 => None,
        Run::Ended(ended) if out_of_memory(ended) => {
            Some(found(Class::Memory, "OOMKilled", Some(ended), None))
        }
        Run::Ended(ended) => {
            let class = if container.restarts > 1 {
                Class::Crash
            } else {
                Class::Restarted
            };
            Some(found(
                class,
                &ended.reason,
                Some(ended),
                ended.message.as_deref(),
            ))
        }
        Run::Running { .. } if container.ready || container.init => None,
        Run::Running { since } => match last.filter(|ended| is_recent(ended, now)) {
            Some(ended) if container.restarts > 1 && out_of_memory(ended) => {
                Some(found(Class::Memory, "OOMKilled", last, None))
            }
            Some(_) if container.restarts > 1 => {
                Some(found(Class::Crash, "Restarting", last, None))
            }
            Some(_) => Some(found(Class::Restarted, "Restarted", last, None)),
            None if since.is_none_or(|since| now.duration_since(since) < PATIENCE) => None,
            None => {
                let probe = if container.started == Some(false) {
                    "startup"
                } else {
                    "readiness"
                };
                let mut trouble = found(Class::Probe, "NotReady", None, None);
                trouble.message = Some(format!("{probe} probe fails"));
                Some(trouble)
            }
        },
    }
}

fn out_of_memory(ended: &Ended) -> bool {
    ended.reason == "OOMKilled"
}

fn is_recent(ended: &Ended, now: Timestamp) -> bool {
    ended.exit != 0 && ended.at.is_none_or(|at| now.duration_since(at) < RECENT)
}

/// One line for all the troubles of `total` pods: the worst class, with how many have it.
pub(super) fn sum_up(troubles: &[Trouble], total: usize) -> Option<(Class, Assessment)> {
    let class = troubles.iter().map(|trouble| trouble.class).min()?;
    let same: Vec<_> = troubles.iter().filter(|t| t.class == class).collect();
    // `ImagePullBackOff` and `ErrImagePull` take turns: one word for both, and a stable one.
    let worst = same.iter().max_by_key(|t| (t.restarts, &t.label))?;
    let restarts = match worst.restarts {
        0 => String::new(),
        restarts => format!(" ×{restarts}"),
    };
    let noun = if total == 1 { "pod" } else { "pods" };
    let exit = worst
        .exit
        .map_or(String::new(), |exit| format!(", last exit {exit}"));
    let words = worst
        .message
        .as_ref()
        .map_or(String::new(), |words| format!(": {words}"));
    let line = format!(
        "{}{restarts} ({} of {total} {noun}){exit}{words}",
        worst.label,
        same.len()
    );
    let verdict = Assessment {
        health: if class.degrades() {
            Health::Degraded
        } else {
            Health::Progressing
        },
        reason: Some(line),
        since: same.iter().filter_map(|trouble| trouble.since).min(),
    };
    Some((class, verdict))
}
