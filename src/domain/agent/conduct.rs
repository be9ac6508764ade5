//! What a progressive delivery can be told: the changes of a Rollout that the `kubectl` plugin of Argo Rollouts makes.
//!
//! Flagger takes no orders: it asks its webhooks, and follows the workload's template.

use std::fmt;

use serde_json::{Value, json};

use super::{
    progress::{Conductor, Progress, Stage},
    read::{list, number, text},
};

/// Something that a progressive delivery can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conduct {
    /// Go on: past the pause, or the step, at which it is.
    Promote,
    /// Take over at once, without the steps, pauses and analyses that are left.
    PromoteFull,
    /// Give up: the old version stays.
    Abort,
    /// Begin again after it was given up.
    Retry,
}

/// A change of a Rollout, as merge patches: Argo Rollouts up to 0.9 have no status of their own to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patches {
    /// Of the status, as its subresource.
    pub status: Option<Value>,
    /// Of the object.
    pub object: Option<Value>,
    /// Of the object in place of both, where there is no such subresource.
    pub whole: Option<Value>,
}

impl Conduct {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Promote, Self::PromoteFull, Self::Abort, Self::Retry];

    /// Its word, which is the command's.
    pub fn word(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::PromoteFull => "promote --full",
            Self::Abort => "abort",
            Self::Retry => "retry",
        }
    }

    /// What comes of it, in a sentence.
    pub fn effect(self) -> &'static str {
        match self {
            Self::Promote => "It goes on past the pause, or the step, at which it is",
            Self::PromoteFull => {
                "The new version takes over at once, without the steps, pauses and analyses that are left"
            }
            Self::Abort => "It gives up, and the old version stays; Git declares the new one still",
            Self::Retry => "It begins again with the version that was given up",
        }
    }

    /// Whether it brings the new version on: a freeze holds that. To give up is to go back.
    pub fn moves(self) -> bool {
        self != Self::Abort
    }

    /// The command of Argo Rollouts' own program that does the same; `object` is `NAMESPACE/NAME`.
    pub fn command(self, context: &str, object: &str) -> String {
        let (namespace, name) = object.split_once('/').unwrap_or(("", object));
        let told = match self {
            Self::Promote => format!("promote {name}"),
            Self::PromoteFull => format!("promote {name} --full"),
            Self::Abort => format!("abort {name}"),
            Self::Retry => format!("retry rollout {name}"),
        };
        format!("kubectl argo rollouts --context {context} -n {namespace} {told}")
    }

    /// Why it makes no sense now, and what to do instead; `None` where it does.
    pub fn objection(self, progress: &Progress) -> Option<String> {
        let of = format!("{} {}", progress.by.kind(), progress.object);
        if progress.by == Conductor::Flagger {
            return Some(match (self, progress.stage) {
                (Self::Promote | Self::PromoteFull, Stage::Approval) => {
                    let waits = progress.waits.as_deref().unwrap_or("its webhook");
                    format!(
                        "{of} takes no orders: Flagger asks for approval {waits}; open that gate where it is served"
                    )
                }
                (Self::Promote | Self::PromoteFull, _) => format!(
                    "{of} takes no orders: Flagger promotes by its analysis; to skip that, set `skipAnalysis` of the Canary in Git"
                ),
                (Self::Abort, _) => format!(
                    "{of} takes no orders: revert the version in Git, and Flagger goes back with it; or open the gate of a `rollback` webhook"
                ),
                (Self::Retry, _) => format!(
                    "{of} takes no orders: Flagger begins again with the next change of the workload's template"
                ),
            });
        }
        let is_change = progress.step.is_some();
        match (self, progress.stage) {
            // One that somebody paused goes on by a promotion.
            (Self::Retry, Stage::Aborted) | (Self::Promote, Stage::Suspended) => None,
            (Self::Retry, _) => Some(format!("{of} was not aborted: there is nothing to retry")),
            (Self::Promote | Self::PromoteFull, Stage::Aborted) => Some(format!(
                "{of} was aborted: `canary retry` begins again, or declare another version"
            )),
            (Self::Abort, Stage::Aborted) => Some(format!("{of} is aborted already")),
            (Self::Promote | Self::PromoteFull | Self::Abort, _) if !is_change => Some(format!(
                "{of} has nothing under way: its newest version has taken over"
            )),
            _ => None,
        }
    }

    /// The changes of a Rollout as it stands that tell it this, by the rules of the plugin's `promote`, `abort` and `retry`.
    pub fn patches(self, rollout: &Value) -> Patches {
        match self {
            Self::PromoteFull => Patches::of_status(json!({"promoteFull": true})),
            Self::Abort => Patches::of_status(json!({"abort": true})),
            Self::Retry => Patches::of_status(json!({"abort": false})),
            Self::Promote => promote(rollout),
        }
    }

    /// Whether the controller has done what it was told: `before` is its progress when it was, `now` as it is now.
    pub fn is_done(self, before: &Progress, now: &Progress) -> bool {
        if now.stage == Stage::Unseen {
            return false;
        }
        let is_over = matches!(now.stage, Stage::Done | Stage::Aborted | Stage::Failed);
        match self {
            // The next place at which it stands still, or its end.
            Self::Promote => {
                let moved = now.step != before.step || now.since != before.since;
                let rests = matches!(
                    now.stage,
                    Stage::Waiting | Stage::Approval | Stage::Suspended
                );
                is_over || (moved && rests)
            }
            Self::PromoteFull => is_over,
            Self::Abort => now.stage == Stage::Aborted || now.stage == Stage::Done,
            Self::Retry => !matches!(now.stage, Stage::Aborted),
        }
    }

    /// Whether that is an end that was asked for.
    pub fn is_well(self, now: &Progress) -> bool {
        match self {
            Self::Abort => now.stage == Stage::Aborted,
            _ => !matches!(now.stage, Stage::Aborted | Stage::Failed),
        }
    }
}

impl fmt::Display for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Patches {
    /// The same change where the status is a part of the object.
    fn of_status(status: Value) -> Self {
        let status = json!({ "status": status });
        Self {
            whole: Some(status.clone()),
            status: Some(status),
            object: None,
        }
    }
}

/// A pause is lifted; where there is none, the step is passed, and never both: but where an analysis could not decide.
fn promote(rollout: &Value) -> Patches {
    let flag = |pointer: &str| rollout.pointer(pointer).and_then(Value::as_bool) == Some(true);
    let is_canary = rollout
        .pointer("/spec/strategy/canary")
        .is_some_and(Value::is_object);
    let steps = list(rollout, "/spec/strategy/canary/steps").count();
    let steps = i64::try_from(steps).unwrap_or(i64::MAX);
    let next = (is_canary && steps > 0).then(|| {
        let index = number(rollout, "/status/currentStepIndex").unwrap_or_default();
        (index + 1).min(steps)
    });
    let pauses = list(rollout, "/status/pauseConditions").next().is_some();
    let inconclusive = text(
        rollout,
        "/status/canary/currentStepAnalysisRunStatus/status",
    ) == Some("Inconclusive");
    let mut status = json!({"pauseConditions": null});
    if inconclusive && is_canary && pauses && flag("/status/controllerPause") {
        if let Some(next) = next {
            status["controllerPause"] = json!(false);
            status["currentStepIndex"] = json!(next);
        }
    } else if !pauses && let Some(next) = next {
        status["currentStepIndex"] = json!(next);
    }
    let changes_status = pauses || next.is_some();
    Patches {
        object: flag("/spec/paused").then(|| json!({"spec": {"paused": false}})),
        whole: Some(json!({"spec": {"paused": false}, "status": status})),
        status: changes_status.then(|| json!({ "status": status })),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{canary, rollout};
    use super::*;

    /// A canary of four steps from `a` to `b`, with what its status says beside that.
    fn object(more: Value) -> Value {
        let mut object = json!({
            "metadata": {"name": "web", "namespace": "shop", "generation": 1},
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]}}},
            "status": {"observedGeneration": "1", "stableRS": "a", "currentPodHash": "b"},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            object["status"][key] = value.clone();
        }
        object
    }

    fn paused() -> Value {
        object(
            json!({"phase": "Paused", "currentStepIndex": 1, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-29T11:30:00Z"}]}),
        )
    }

    #[test]
    fn an_order_is_what_the_plugin_writes() {
        let analysing = object(json!({"phase": "Progressing", "currentStepIndex": 2}));
        let last = object(json!({"phase": "Progressing", "currentStepIndex": 4}));
        let mut undecided = paused();
        undecided["status"]["canary"] =
            json!({"currentStepAnalysisRunStatus": {"name": "web-b-2", "status": "Inconclusive"}});
        let mut by_hand = object(json!({"phase": "Paused", "currentStepIndex": 0}));
        by_hand["spec"]["paused"] = json!(true);
        let mut green = object(json!({"phase": "Paused",
            "pauseConditions": [{"reason": "BlueGreenPause"}]}));
        green["spec"]["strategy"] = json!({"blueGreen": {"activeService": "web"}});
        let lifted = json!({"status": {"pauseConditions": null}});
        let moved =
            |index: i64| json!({"status": {"pauseConditions": null, "currentStepIndex": index}});
        let cases = [
            (
                "at a pause",
                Conduct::Promote,
                &paused(),
                Some(lifted.clone()),
                None,
            ),
            (
                "at an analysis",
                Conduct::Promote,
                &analysing,
                Some(moved(3)),
                None,
            ),
            (
                "behind the last step",
                Conduct::Promote,
                &last,
                Some(moved(4)),
                None,
            ),
            (
                "undecided",
                Conduct::Promote,
                &undecided,
                Some(
                    json!({"status": {"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2}}),
                ),
                None,
            ),
            (
                "paused by hand",
                Conduct::Promote,
                &by_hand,
                Some(moved(1)),
                Some(json!({"spec": {"paused": false}})),
            ),
            ("a preview", Conduct::Promote, &green, Some(lifted), None),
            (
                "at once",
                Conduct::PromoteFull,
                &paused(),
                Some(json!({"status": {"promoteFull": true}})),
                None,
            ),
            (
                "given up",
                Conduct::Abort,
                &paused(),
                Some(json!({"status": {"abort": true}})),
                None,
            ),
            (
                "begun again",
                Conduct::Retry,
                &paused(),
                Some(json!({"status": {"abort": false}})),
                None,
            ),
        ];
        for (name, conduct, object, status, own) in cases {
            let patches = conduct.patches(object);
            assert_eq!((patches.status, patches.object), (status, own), "{name}");
            assert!(patches.whole.is_some(), "{name}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_not_told() {
        let aborted = object(json!({"phase": "Degraded", "abort": true}));
        let done = object(json!({"phase": "Healthy", "stableRS": "b"}));
        let gate = json!({
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"analysis": {"webhooks": [{"name": "gate", "type": "confirm-rollout"}]}},
            "status": {"phase": "Waiting"},
        });
        let cases = [
            (Conduct::Promote, rollout(&paused()), None),
            (Conduct::Abort, rollout(&paused()), None),
            (Conduct::Retry, rollout(&paused()), Some("was not aborted")),
            (Conduct::Retry, rollout(&aborted), None),
            (
                Conduct::Promote,
                rollout(&aborted),
                Some("`canary retry` begins again"),
            ),
            (
                Conduct::Abort,
                rollout(&aborted),
                Some("is aborted already"),
            ),
            (
                Conduct::PromoteFull,
                rollout(&done),
                Some("has nothing under way"),
            ),
            (
                Conduct::Promote,
                canary(&gate),
                Some("webhook gate (confirm-rollout); open that gate"),
            ),
            (
                Conduct::Abort,
                canary(&gate),
                Some("revert the version in Git"),
            ),
            (Conduct::Retry, canary(&gate), Some("takes no orders")),
        ];
        for (conduct, progress, expected) in cases {
            let progress = progress.unwrap();
            let said = conduct.objection(&progress);
            match expected {
                None => assert_eq!(said, None, "{conduct} {:?}", progress.stage),
                Some(words) => assert!(
                    said.as_ref().is_some_and(|said| said.contains(words)),
                    "{conduct} {:?}: {said:?}",
                    progress.stage
                ),
            }
        }
    }

    #[test]
    fn an_order_is_done_where_the_controller_rests_again() {
        let at = |status: Value| rollout(&object(status)).unwrap();
        let before = rollout(&paused()).unwrap();
        let second = json!({"phase": "Paused", "currentStepIndex": 3, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-29T11:40:00Z"}]});
        let under_way = json!({"phase": "Progressing", "currentStepIndex": 2});
        let aborted = json!({"phase": "Degraded", "abort": true, "currentStepIndex": 0});
        let done = json!({"phase": "Healthy", "stableRS": "b", "currentStepIndex": 4});
        let cases = [
            (Conduct::Promote, before.clone(), false, true),
            (Conduct::Promote, at(under_way.clone()), false, true),
            (Conduct::Promote, at(second), true, true),
            (Conduct::Promote, at(done.clone()), true, true),
            (Conduct::Promote, at(aborted.clone()), true, false),
            (Conduct::PromoteFull, at(under_way.clone()), false, true),
            (Conduct::PromoteFull, at(done), true, true),
            (Conduct::Abort, before.clone(), false, false),
            (Conduct::Abort, at(aborted.clone()), true, true),
            (Conduct::Retry, at(aborted), false, false),
            (Conduct::Retry, at(under_way), true, true),
        ];
        for (conduct, now, done, well) in cases {
            let stage = now.stage;
            assert_eq!(conduct.is_done(&before, &now), done, "{conduct} {stage:?}");
            assert_eq!(conduct.is_well(&now), well, "{conduct} {stage:?}");
        }
    }

    #[test]
    fn the_same_is_done_by_a_command_of_its_own() {
        let cases = [
            (Conduct::Promote, "promote web"),
            (Conduct::PromoteFull, "promote web --full"),
            (Conduct::Abort, "abort web"),
            (Conduct::Retry, "retry rollout web"),
        ];
        for (conduct, words) in cases {
            let expected = format!("kubectl argo rollouts --context prod -n shop {words}");
            assert_eq!(conduct.command("prod", "shop/web"), expected);
        }
    }
}
