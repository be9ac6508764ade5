//! How far a progressive delivery has got: an Argo Rollouts Rollout or a Flagger Canary, in the same words for both, with
//! their controllers' own beside them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{age, rollout::Health, version::Version};

/// Whose controller delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conductor {
    /// Argo Rollouts: the workload itself is a Rollout.
    ArgoRollouts,
    /// Flagger: a Canary beside a Deployment or `DaemonSet`.
    Flagger,
}

impl Conductor {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "Argo Rollouts",
            Self::Flagger => "Flagger",
        }
    }

    /// The kind of its object.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ArgoRollouts => "Rollout",
            Self::Flagger => "Canary",
        }
    }
}

/// How the new version takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By growing shares.
    #[default]
    Canary,
    /// All at once, behind a preview.
    BlueGreen,
}

impl Way {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::BlueGreen => "blue-green",
        }
    }
}

/// What a progressive delivery is doing, in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its controller has not seen the newest change, or has never looked.
    Unseen,
    /// It is being set up: there is no earlier version to compare with.
    Starting,
    /// On its way.
    Advancing,
    /// At a step at which somebody, or the time, has to let it go on.
    Waiting,
    /// Before a step that somebody has to approve.
    Approval,
    /// All that was asked of the new version is done: it takes over.
    Promoting,
    /// The newest version has taken over.
    Done,
    /// Given up: the old version stays.
    Aborted,
    /// It cannot go on: its specification is invalid, or its time is over.
    Failed,
    /// Told to do nothing.
    Suspended,
    /// Its controller says something that is not known here.
    Unknown,
}

impl Stage {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Starting => "starting",
            Self::Advancing => "advancing",
            Self::Waiting => "waiting",
            Self::Approval => "awaiting approval",
            Self::Promoting => "promoting",
            Self::Done => "done",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
        }
    }

    /// The health of a workload that it says this of.
    pub fn health(self) -> Health {
        match self {
            Self::Unseen | Self::Starting | Self::Advancing | Self::Promoting => {
                Health::Progressing
            }
            Self::Waiting | Self::Approval => Health::Paused,
            Self::Done => Health::Healthy,
            Self::Aborted | Self::Failed => Health::Degraded,
            Self::Suspended => Health::Suspended,
            Self::Unknown => Health::Unknown,
        }
    }
}

/// A step of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Counted from 0, as `currentStepIndex` counts; as large as `of` where all of them are done.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// An analysis of the new version, under way or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// Its `AnalysisRun`.
    pub name: String,
    /// Its controller's word: `Running`, `Failed`, …
    pub phase: String,
    /// Its controller's sentence.
    pub message: Option<String>,
}

/// A part that a Service has in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// `active`, `preview`, `stable`, `canary`.
    pub role: String,
    /// The Service.
    pub service: String,
}

/// How far a progressive delivery has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whose it is.
    pub by: Conductor,
    /// `NAMESPACE/NAME` of the Rollout or Canary.
    pub object: String,
    /// The kubeconfig context of the cluster that its object is in.
    pub cluster: String,
    /// How the new version takes over.
    pub way: Way,
    /// What it is doing.
    pub stage: Stage,
    /// Its controller's own word for that.
    pub phase: Option<String>,
    /// Its controller's own sentence.
    pub message: Option<String>,
    /// The step; `None` where nothing is under way.
    pub step: Option<Step>,
    /// Percent of the traffic, or of the pods, that the new version gets; `None` where that is not how it takes over, or
    /// nothing is under way.
    pub weight: Option<u32>,
    /// What it waits for: `a promotion`.
    pub waits: Option<String>,
    /// Until when it waits, where that is known.
    pub until: Option<Timestamp>,
    /// Since when it waits, or is over.
    pub since: Option<Timestamp>,
    /// The metrics of its newest version that failed, each with what was measured and what was wanted, where that is known.
    #[serde(default)]
    pub measured: Option<String>,
    /// Its analyses.
    pub analyses: Vec<Analysis>,
    /// How many checks failed, and how many may.
    pub checks: Option<(u32, u32)>,
    /// The Services that it switches.
    pub services: Vec<Served>,
    /// What tells the pods of the old version and of the new one, as its controller writes it: pod template hashes.
    pub hashes: (Option<String>, Option<String>),
    /// The version that was there before, as far as it is known.
    pub from: Option<Version>,
    /// The version that is to take over.
    pub to: Option<Version>,
}

impl Progress {
    /// Nothing is known but whose it is.
    pub fn new(by: Conductor, object: String) -> Self {
        Self {
            by,
            object,
            cluster: String::new(),
            way: Way::Canary,
            stage: Stage::Unknown,
            phase: None,
            message: None,
            step: None,
            weight: None,
            waits: None,
            until: None,
            since: None,
            measured: None,
            analyses: Vec::new(),
            checks: None,
            services: Vec::new(),
            hashes: (None, None),
            from: None,
            to: None,
        }
    }

    /// Whether a new version is on its way, or waits.
    pub fn is_underway(&self) -> bool {
        self.step.is_some() && !matches!(self.stage, Stage::Aborted | Stage::Failed | Stage::Done)
    }

    /// How much of it is done, in percent: the weight, else the steps; `None` where nothing is under way.
    pub fn percent(&self) -> Option<u32> {
        let step = self.step.filter(|_| self.is_underway())?;
        match self.weight {
            Some(weight) => Some(weight.min(100)),
            // The preview of a blue-green delivery gets nothing until it gets all.
            None if self.way == Way::BlueGreen => None,
            None => (step.index.min(step.of) * 100).checked_div(step.of),
        }
    }

    /// `canary 60 %, step 3/5`; `canary` alone where nothing is under way.
    pub fn headline(&self) -> String {
        let mut words = self.way.word().to_owned();
        if let Some(weight) = self.weight {
            words = format!("{words} {weight} %");
        }
        if let Some(Step { index, of }) = self.step.filter(|_| self.is_underway())
            && of > 1
        {
            let (shown, noun) = if index < of {
                (index + 1, "step")
            } else {
                (of, "all steps")
            };
            words = if index < of {
                format!("{words}, {noun} {shown}/{of}")
            } else {
                format!("{words}, {noun} done")
            };
        }
        words
    }

    /// Why it is as it is, in one line; `None` where there is nothing to say.
    pub fn reason(&self) -> Option<String> {
        let head = self.headline();
        let said = self.message.as_deref().or(self.phase.as_deref());
        let with = |more: Option<&str>| match more {
            Some(more) => format!("{head}: {more}"),
            None => head.clone(),
        };
        Some(match self.stage {
            Stage::Unseen => "its controller has not seen the newest change yet".to_owned(),
            Stage::Starting => with(said),
            Stage::Advancing | Stage::Promoting => {
                let failed = self.failed_checks();
                let running = self.running_analysis();
                let words = failed.or(running).or_else(|| said.map(str::to_owned));
                with(words.as_deref())
            }
            Stage::Waiting => match &self.waits {
                Some(waits) => format!("{head}: waits for {waits}"),
                None => with(said),
            },
            Stage::Approval => match &self.waits {
                Some(waits) => format!("{head}: awaiting approval, {waits}"),
                None => format!("{head}: awaiting approval"),
            },
            Stage::Aborted => {
                let stays = match &self.from {
                    Some(from) => format!("; {from} stays"),
                    None => String::new(),
                };
                let head = format!("{} aborted{stays}", self.way.word());
                let why = [self.measured.as_deref(), said].into_iter().flatten();
                std::iter::once(head.as_str())
                    .chain(why)
                    .collect::<Vec<_>>()
                    .join(": ")
            }
            Stage::Failed => format!(
                "{} failed: {}",
                self.way.word(),
                said.unwrap_or("it does not say why")
            ),
            Stage::Suspended => format!("{head}: {}", self.asleep()),
            Stage::Unknown => match said {
                Some(said) => format!("{} says {said}, which is not known here", self.by.name()),
                None => format!("{} says nothing of it", self.by.name()),
            },
            Stage::Done => return None,
        })
    }

    /// What it waits for at `now`, with how long still: `a pause of 10m, 4m left`.
    pub fn waits(&self, now: Timestamp) -> Option<String> {
        let waits = self.waits.as_ref()?;
        Some(match self.until.filter(|until| *until > now) {
            Some(until) => format!("{waits}, {} left", age::between(now, until)),
            None => waits.clone(),
        })
    }

    /// How it was told to do nothing.
    fn asleep(&self) -> &'static str {
        match self.by {
            Conductor::ArgoRollouts => "paused (spec.paused)",
            Conductor::Flagger => "suspended (spec.suspend)",
        }
    }

    fn failed_checks(&self) -> Option<String> {
        let (failed, of) = self.checks.filter(|(failed, _)| *failed > 0)?;
        Some(format!("{failed} of {of} checks failed"))
    }

    fn running_analysis(&self) -> Option<String> {
        let mut all = self.analyses.iter();
        let running = all.find(|it| matches!(it.phase.as_str(), "Running" | "Pending"))?;
        Some(format!("analysis {} runs", running.name))
    }
}
