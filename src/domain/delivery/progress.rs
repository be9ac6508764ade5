//! How far one cell is: what its cluster says about a version that was just declared.
//!
//! It has failed as soon as the new revision is degraded, with the pod's reason, not at the deadline; what the old
//! revision's pods do is of no concern.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{
    age,
    agent::{At, Hop, Phase, Stage},
    ids::ObjectId,
    rollout::{Connection, Health, LiveCell, PodState},
    subject::Subject,
    text::count,
    version::Version,
};

/// One cell on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellProgress {
    /// What it waits for: `the cluster serves 1.41.3 still`.
    Waiting(String),
    /// Its agent has not brought it, or what it brought is not served.
    Behind(Hop),
    /// Pods come up.
    Rolling {
        /// Ready pods of the new version.
        ready: u32,
        /// Wanted pods.
        desired: u32,
    },
    /// Its rollout is over, and its environment's checks are asked: what they say so far.
    Verifying(String),
    /// Runs the new version, only that, and is healthy.
    Healthy,
    /// Does not, and why.
    Failed(String),
    /// Its rollout is over, and nobody could say what its checks ask: why.
    Unverified(String),
    /// Somebody changed it meanwhile: what was delivered will not run.
    Superseded(String),
    /// Nothing is judged: an environment without a cluster.
    Unwatched(String),
}

/// What is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The version that Git declares now; `None`: nothing is declared any more, nothing is followed.
    pub version: Option<Version>,
    /// What it is a version of.
    pub subject: Subject,
    /// A cluster is asked about it.
    pub looked_for: bool,
    /// How long it may take.
    pub timeout: Duration,
    /// Its environment asks for checks once the rollout is over.
    #[serde(default)]
    pub verifies: bool,
    /// The commit that declares it; `None`: it was kept by a version that did not know.
    #[serde(default)]
    pub commit: Option<ObjectId>,
}

/// That a cell's version is in its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// The agent that brought it, where one is known: `Argo CD Application argocd/shop`.
    pub by: Option<String>,
}

impl Synced {
    /// What the cluster shows of it: its workload has it, or pods run it.
    pub(super) fn seen(expected: &Expectation, live: &LiveCell) -> Option<Self> {
        let version = expected.version.as_ref()?;
        let there = live.serving.as_ref() == Some(version) || live.pods.iter().any(of(version));
        let there = there && !live.hidden && !expected.subject.is_hidden();
        let by = live.agent.as_ref().map(|agent| {
            let (tool, kind, object) = (agent.kind.tool(), agent.kind, &agent.object);
            format!("{tool} {kind} {object}")
        });
        there.then_some(Self { by })
    }
}

/// Whether a pod is one of `version` that stays.
fn of(version: &Version) -> impl Fn(&PodState) -> bool {
    move |pod| pod.version.as_ref() == Some(version) && !pod.terminating
}

impl CellProgress {
    /// Nothing more is to come.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Healthy
                | Self::Failed(_)
                | Self::Unverified(_)
                | Self::Superseded(_)
                | Self::Unwatched(_)
        )
    }
}

/// Reasons of a pod that no waiting mends.
const FATAL: [&str; 9] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "OOMKilled",
];

/// Judges one cell that has been followed for as long as `waited`, by a clock that nobody sets. `connection` is `None` where
/// nothing was told of the environment's cluster yet.
pub fn judge(
    expected: &Expectation,
    connection: Option<&Connection>,
    live: Option<&LiveCell>,
    waited: Duration,
) -> CellProgress {
    let Some(version) = &expected.version else {
        return CellProgress::Unwatched("declares no version any more".to_owned());
    };
    let connection = match connection {
        _ if !expected.looked_for => None,
        // What is looked for and was not told yet is on its way.
        None => Some(&Connection::Connecting),
        known => known,
    };
    if expected.subject.is_hidden() {
        return nothing_to_watch(expected, connection, live, waited);
    }
    let Some(connection) = connection.filter(|connection| **connection != Connection::Unconfigured)
    else {
        return CellProgress::Unwatched(
            "no cluster configured: nothing about what runs is judged".to_owned(),
        );
    };
    let late = waited >= expected.timeout;
    let progress = of_connection(connection).unwrap_or_else(|| match live {
        Some(live) if live.hidden => {
            nothing_to_watch(expected, Some(connection), Some(live), waited)
        }
        Some(live) => of_cell(version, expected.commit, live),
        None => CellProgress::Waiting("the cluster has not answered for this cell yet".to_owned()),
    });
    match progress {
        CellProgress::Waiting(_) | CellProgress::Behind(_) | CellProgress::Rolling { .. }
            if late =>
        {
            let limit = age::seconds(i64::try_from(expected.timeout.as_secs()).unwrap_or(i64::MAX));
            CellProgress::Failed(format!("timed out after {limit}: {}", progress.describe()))
        }
        other => other,
    }
}

/// How long the health of a workload is waited for, beside a value that no pod shows.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pods cannot show the value: the way ends with the push. How its workload is, where there is one, is said.
fn nothing_to_watch(
    expected: &Expectation,
    connection: Option<&Connection>,
    live: Option<&LiveCell>,
    waited: Duration,
) -> CellProgress {
    let words = if live.is_some_and(|live| live.hidden) && !expected.subject.is_hidden() {
        Subject::Unsure.words()
    } else {
        expected.subject.words()
    };
    let over = |beside: &str| {
        CellProgress::Unwatched(format!("pushed; nothing to watch for {words}{beside}"))
    };
    let answering = match connection {
        None | Some(Connection::Unconfigured) => return over(""),
        Some(Connection::Live | Connection::Denied { .. }) => true,
        Some(Connection::Connecting | Connection::Lost { .. }) => false,
    };
    match live.filter(|_| answering) {
        Some(live) if live.health == Health::Missing => over(""),
        Some(live) if live.health != Health::Unknown => {
            let reason = live
                .reason
                .as_ref()
                .filter(|_| live.health != Health::Healthy);
            let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
            over(&format!("; its workload is {}{reason}", live.health))
        }
        _ if waited < PATIENCE => {
            CellProgress::Waiting("the cluster has not told how the workload is yet".to_owned())
        }
        Some(_) | None => over("; how its workload is, is not known"),
    }
}

impl CellProgress {
    /// In a few words, for a line of its own.
    pub fn describe(&self) -> String {
        match self {
            Self::Waiting(what)
            | Self::Verifying(what)
            | Self::Failed(what)
            | Self::Unverified(what)
            | Self::Superseded(what)
            | Self::Unwatched(what) => what.clone(),
            Self::Behind(hop) => hop.reason.clone(),
            Self::Rolling { ready, desired } => {
                format!("{ready} of {} ready", count(*desired as usize, "pod"))
            }
            Self::Healthy => "healthy".to_owned(),
        }
    }
}

fn of_connection(connection: &Connection) -> Option<CellProgress> {
    match connection {
        Connection::Unconfigured | Connection::Connecting => Some(CellProgress::Waiting(
            "the cluster has not answered yet".to_owned(),
        )),
        // Denied may concern another kind than the cell's own: the cell itself says so.
        Connection::Live | Connection::Denied { .. } => None,
        Connection::Lost { reason, .. } => Some(CellProgress::Waiting(format!(
            "the cluster is lost: {reason}"
        ))),
    }
}

fn of_cell(version: &Version, commit: Option<ObjectId>, live: &LiveCell) -> CellProgress {
    let ours = of(version);
    if let Some(pod) = live
        .pods
        .iter()
        .filter(|pod| ours(pod))
        .find(|pod| FATAL.contains(&pod.reason.as_str()))
    {
        let detail = pod
            .message
            .as_deref()
            .map(|message| format!(": {message}"))
            .unwrap_or_default();
        return CellProgress::Failed(format!("{} of pod {}{detail}", pod.reason, pod.name));
    }
    if let Some(aborted) = live.progress.as_deref()
        && aborted.stage == Stage::Aborted
        && aborted.to.as_ref() == Some(version)
    {
        let why = live.reason.clone().or_else(|| aborted.reason());
        return CellProgress::Failed(why.unwrap_or_default());
    }
    let serves = live.serving.as_ref() == Some(version);
    let reason = || {
        live.reason
            .clone()
            .unwrap_or_else(|| live.health.to_string())
    };
    if !serves && live.pods.iter().any(ours) {
        return rolling(version, live);
    }
    if !serves {
        if let Some(hop) = live.hop.as_ref().filter(|hop| hop.at != At::Run) {
            return behind(hop, commit, live);
        }
        return CellProgress::Waiting(match &live.serving {
            Some(serving) => format!("not synced yet: the cluster serves {serving} still"),
            None => format!("not synced yet: {}", reason()),
        });
    }
    match live.health {
        Health::Healthy if live.versions.keys().all(|running| running == version) => {
            CellProgress::Healthy
        }
        Health::Degraded => CellProgress::Failed(reason()),
        // Its next run may be a month away.
        Health::Unknown if live.batch => {
            CellProgress::Unwatched(format!("its template has it; {}", reason()))
        }
        Health::Progressing if live.batch => CellProgress::Waiting(reason()),
        Health::Suspended | Health::Paused => {
            CellProgress::Waiting(format!("{}: {}", live.health, reason()))
        }
        Health::Unknown | Health::Missing => CellProgress::Waiting(reason()),
        Health::Healthy | Health::Progressing => rolling(version, live),
    }
}

/// Its agent has not brought it: a failure where it tried this very commit and does not try again by itself.
fn behind(hop: &Hop, commit: Option<ObjectId>, live: &LiveCell) -> CellProgress {
    let gave_up = live.agent.as_ref().is_some_and(|agent| {
        let tried = agent.attempted.as_deref();
        matches!(agent.phase, Phase::Failed | Phase::Stalled)
            && commit.is_some_and(|commit| tried == Some(commit.to_string().as_str()))
    });
    if hop.failing && gave_up {
        CellProgress::Failed(hop.reason.clone())
    } else {
        CellProgress::Behind(hop.clone())
    }
}

fn rolling(version: &Version, live: &LiveCell) -> CellProgress {
    let ready = live
        .pods
        .iter()
        .filter(|pod| pod.ready && !pod.terminating && pod.version.as_ref() == Some(version));
    CellProgress::Rolling {
        ready: u32::try_from(ready.count()).unwrap_or(u32::MAX),
        desired: live.desired,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::rollout::Few;

    const NEW: &str = "1.42.0";

    const THEN: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn pod(version: &str, reason: &str, ready: bool) -> PodState {
        PodState {
            name: format!("shop-{version}"),
            version: Some(version.into()),
            ready,
            reason: reason.into(),
            message: None,
            restarts: 0,
            terminating: false,
            created: None,
            pulled: None,
            node: None,
        }
    }

    fn live(health: Health, serving: &str, pods: Vec<PodState>) -> LiveCell {
        let mut versions = Few::default();
        for pod in &pods {
            *versions.entry(pod.version.clone().unwrap()).or_default() += 1;
        }
        LiveCell {
            health,
            versions,
            serving: Some(serving.into()),
            desired: 2,
            pods,
            ..LiveCell::unknown("", THEN)
        }
    }

    #[test]
    fn a_cron_job_is_never_waited_for() {
        use CellProgress::{Failed, Healthy, Unwatched, Waiting};
        let seen = |health, reason: &str, serving: &str| LiveCell {
            batch: true,
            desired: 0,
            reason: Some(reason.to_owned()),
            ..live(health, serving, Vec::new())
        };
        let cases = [
            (
                Health::Healthy,
                "this version has not run yet",
                "2",
                Healthy,
            ),
            (
                Health::Unknown,
                "its Job is gone",
                "2",
                Unwatched("its template has it; its Job is gone".to_owned()),
            ),
            (
                Health::Degraded,
                "the last run failed",
                "2",
                Failed("the last run failed".to_owned()),
            ),
            (
                Health::Progressing,
                "runs now",
                "2",
                Waiting("runs now".to_owned()),
            ),
            (
                Health::Healthy,
                "has not run yet",
                "1",
                Waiting("not synced yet: the cluster serves 1 still".to_owned()),
            ),
        ];
        for (health, reason, serving, expected) in cases {
            let progress = of_cell(&"2".into(), None, &seen(health, reason, serving));
            assert_eq!(progress, expected, "{reason}");
        }
    }

    #[test]
    fn what_pods_cannot_show_ends_with_the_push() {
        let seen = |health, reason: &str| LiveCell {
            hidden: true,
            reason: Some(reason.to_owned()),
            ..live(health, "9", Vec::new())
        };
        let chart = "pushed; nothing to watch for a chart version";
        let healthy = format!("{chart}; its workload is healthy");
        let degraded = format!("{chart}; its workload is degraded (CrashLoop)");
        let unknown = format!("{chart}; how its workload is, is not known");
        let unsure = "pushed; nothing to watch for a value that no container carries; its workload is healthy";
        let wait = "the cluster has not told how the workload is yet";
        let (live, connecting) = (Connection::Live, Connection::Connecting);
        let cases = [
            (Subject::Chart, None, None, 0, chart),
            (
                Subject::Chart,
                Some(&live),
                Some(seen(Health::Healthy, "")),
                0,
                &healthy,
            ),
            (
                Subject::Chart,
                Some(&live),
                Some(seen(Health::Degraded, "CrashLoop")),
                0,
                &degraded,
            ),
            (
                Subject::Chart,
                Some(&live),
                Some(seen(Health::Missing, "")),
                0,
                chart,
            ),
            (Subject::Chart, Some(&live), None, 9, wait),
            (Subject::Chart, Some(&live), None, 10, &unknown),
            (Subject::Chart, Some(&connecting), None, 9, wait),
            (
                Subject::Chart,
                Some(&connecting),
                Some(seen(Health::Healthy, "")),
                10,
                &unknown,
            ),
            (
                Subject::Unsure,
                Some(&live),
                Some(seen(Health::Healthy, "")),
                0,
                unsure,
            ),
        ];
        for (subject, connection, live, seconds, expected) in cases {
            let expectation = Expectation {
                version: Some("1.2.3".into()),
                subject,
                looked_for: connection.is_some(),
                timeout: Duration::from_mins(15),
                verifies: false,
                commit: None,
            };
            let progress = judge(
                &expectation,
                connection,
                live.as_ref(),
                Duration::from_secs(seconds),
            );
            assert_eq!(progress.describe(), expected);
            assert_ne!(progress, CellProgress::Healthy);
        }
    }

    #[test]
    fn cells_are_judged_by_the_new_revision_alone() {
        let crash = "CrashLoopBackOff";
        let lost = Connection::Lost {
            reason: "connection refused".into(),
            since: THEN,
            next_try: None,
        };
        let cases = [
            ("no cluster", None, None, 0, "unwatched"),
            (
                "connecting",
                Some(Connection::Connecting),
                None,
                0,
                "waiting",
            ),
            (
                "old still served",
                Some(Connection::Live),
                Some(live(Health::Healthy, "1.41.3", vec![])),
                0,
                "waiting",
            ),
            (
                "old crash-loops while the revert is on its way",
                Some(Connection::Live),
                Some(live(
                    Health::Degraded,
                    "1.41.3",
                    vec![pod("1.41.3", crash, false)],
                )),
                0,
                "waiting",
            ),
            (
                "new pods come up beside broken old ones",
                Some(Connection::Live),
                Some(live(
                    Health::Progressing,
                    NEW,
                    vec![pod("1.41.3", crash, false), pod(NEW, "Running", true)],
                )),
                0,
                "rolling 1/2",
            ),
            (
                "new pods crash",
                Some(Connection::Live),
                Some(live(
                    Health::Progressing,
                    NEW,
                    vec![pod("1.41.3", "Running", true), pod(NEW, crash, false)],
                )),
                0,
                "failed",
            ),
            (
                "all new and healthy",
                Some(Connection::Live),
                Some(live(Health::Healthy, NEW, vec![pod(NEW, "Running", true)])),
                0,
                "healthy",
            ),
            (
                "healthy, but an old pod is left",
                Some(Connection::Live),
                Some(live(
                    Health::Healthy,
                    NEW,
                    vec![pod(NEW, "Running", true), pod("1.41.3", "Running", true)],
                )),
                0,
                "rolling 1/2",
            ),
            (
                "lost on the way",
                Some(lost.clone()),
                Some(live(Health::Healthy, NEW, vec![])),
                0,
                "waiting",
            ),
            ("lost for too long", Some(lost), None, 901, "failed"),
        ];
        for (name, connection, live, seconds, expected) in cases {
            let expectation = Expectation {
                version: Some(NEW.into()),
                subject: Subject::Image,
                looked_for: connection.is_some(),
                timeout: Duration::from_mins(15),
                verifies: false,
                commit: None,
            };
            let progress = judge(
                &expectation,
                connection.as_ref(),
                live.as_ref(),
                Duration::from_secs(seconds),
            );
            let word = match &progress {
                CellProgress::Waiting(_) => "waiting".to_owned(),
                CellProgress::Behind(hop) => format!("behind: {}", hop.reason),
                CellProgress::Rolling { ready, desired } => format!("rolling {ready}/{desired}"),
                CellProgress::Healthy => "healthy".to_owned(),
                CellProgress::Failed(_) => "failed".to_owned(),
                CellProgress::Superseded(_) => "superseded".to_owned(),
                CellProgress::Unwatched(_) => "unwatched".to_owned(),
                CellProgress::Verifying(_) | CellProgress::Unverified(_) => "verified".to_owned(),
            };
            assert_eq!(word, expected, "{name}: {progress:?}");
        }
    }
}
