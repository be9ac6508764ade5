//! What an agent can be told: by which change of its object, and how it is seen that it has done that.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AgentKind, AgentObject, Pace, Phase, Reference,
    read::{clean, list, text, time},
};
use crate::domain::by_hand::Choice;

/// By which Flux is asked to reconcile.
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";
/// By which Argo CD is asked to look.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// Something that an agent can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Flux: fetch and apply now.
    Reconcile,
    /// Flux: do nothing until it is resumed.
    Suspend,
    /// Flux: go on.
    Resume,
    /// Argo CD: compare with Git now.
    Refresh,
    /// Argo CD: the same, with manifests that are made anew.
    HardRefresh,
    /// Argo CD: apply what Git has.
    Sync,
    /// Argo CD: end the operation that is under way.
    Terminate,
    /// Argo CD: apply what this entry of its history had, the one before the last where none is named.
    Rollback(Option<u64>),
}

impl Order {
    /// Every one that needs nothing more to be said.
    pub const ALL: [Self; 7] = [
        Self::Reconcile,
        Self::Suspend,
        Self::Resume,
        Self::Sync,
        Self::Refresh,
        Self::HardRefresh,
        Self::Terminate,
    ];

    /// Its word, which is the command's.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Refresh => "refresh",
            Self::HardRefresh => "hard-refresh",
            Self::Sync => "sync",
            Self::Terminate => "terminate",
            Self::Rollback(_) => "rollback",
        }
    }

    /// What comes of it, in a sentence.
    pub fn effect(self) -> &'static str {
        match self {
            Self::Reconcile => {
                "Flux fetches its source and applies it now, and puts back what was changed by hand"
            }
            Self::Suspend => {
                "Flux applies nothing more of it until it is resumed; what runs stays as it is"
            }
            Self::Resume => "Flux goes on, and applies what Git has now",
            Self::Refresh => "Argo CD compares with Git now; where it syncs by itself, it may",
            Self::HardRefresh => {
                "Argo CD makes all manifests anew and compares; where it syncs by itself, it may"
            }
            Self::Sync => "Argo CD applies what Git has, to everything that it manages",
            Self::Terminate => {
                "Argo CD ends the operation under way; what it has applied stays applied"
            }
            Self::Rollback(_) => {
                "Argo CD applies what it had applied before; Git declares the other version still"
            }
        }
    }

    /// Whether it brings what Git has: a freeze holds that.
    pub fn moves(self) -> bool {
        matches!(self, Self::Sync | Self::Reconcile | Self::Resume)
    }

    /// Whether it is for Argo CD; else for Flux.
    pub fn is_argocd(self) -> bool {
        !matches!(self, Self::Reconcile | Self::Suspend | Self::Resume)
    }

    /// The command of the agent's own program that does the same.
    pub fn command(self, context: &str, (kind, namespace, name): &Reference) -> String {
        let what = kind.as_str().to_lowercase();
        match self {
            Self::Reconcile => format!(
                "flux --context {context} -n {namespace} reconcile {what} {name} --with-source"
            ),
            Self::Suspend | Self::Resume => format!(
                "flux --context {context} -n {namespace} {} {what} {name}",
                self.word()
            ),
            Self::Refresh => format!("argocd app get {name} -N {namespace} --refresh"),
            Self::HardRefresh => format!("argocd app get {name} -N {namespace} --hard-refresh"),
            Self::Sync => format!("argocd app sync {name} -N {namespace}"),
            Self::Terminate => format!("argocd app terminate-op {name} -N {namespace}"),
            Self::Rollback(id) => {
                let id = id.map_or(String::new(), |id| format!(" {id}"));
                format!("argocd app rollback {name}{id} -N {namespace}")
            }
        }
    }

    /// The merge patch for the object that is told; `object` is it as it stands. `stamp` is a text that no earlier order had.
    pub fn patch(self, stamp: &str, object: &Value) -> Value {
        match self {
            Self::Reconcile => json!({"metadata": {"annotations": {REQUESTED: stamp}}}),
            Self::Suspend => json!({"spec": {"suspend": true}}),
            // It is not enough to take the flag away where nothing else would have it look.
            Self::Resume => json!({
                "metadata": {"annotations": {REQUESTED: stamp}},
                "spec": {"suspend": false},
            }),
            Self::Refresh => json!({"metadata": {"annotations": {REFRESH: "normal"}}}),
            Self::HardRefresh => json!({"metadata": {"annotations": {REFRESH: "hard"}}}),
            Self::Terminate => json!({"status": {"operationState": {"phase": "Terminating"}}}),
            Self::Rollback(id) => {
                let to = entry(object, id);
                let part = |name: &str| to.and_then(|it| it.get(name)).cloned();
                let mut sync = json!({"syncStrategy": {"apply": {}}});
                for name in ["revision", "revisions", "source", "sources"] {
                    if let Some(value) = part(name) {
                        sync[name] = value;
                    }
                }
                json!({"operation": {
                    "initiatedBy": {"username": "tidegate"},
                    "info": [{"name": "requested at", "value": stamp}],
                    "sync": sync,
                }})
            }
            Self::Sync => {
                let policy = object.pointer("/spec/syncPolicy");
                let part = |pointer: &str| policy.and_then(|it| it.pointer(pointer)).cloned();
                let mut sync = json!({"syncStrategy": {"hook": {}}});
                if let Some(options) = part("/syncOptions") {
                    sync["syncOptions"] = options;
                }
                if let Some(prune) = part("/automated/prune") {
                    sync["prune"] = prune;
                }
                json!({"operation": {
                    "initiatedBy": {"username": "tidegate"},
                    "info": [{"name": "requested at", "value": stamp}],
                    "sync": sync,
                }})
            }
        }
    }

    /// Why an agent that does this would do nothing, and what to do instead; `place` is `NAMESPACE/NAME`.
    pub fn objection(self, kind: AgentKind, place: &str, phase: Phase) -> Option<String> {
        // It would not look, and be waited for in vain.
        (self == Self::Reconcile && phase == Phase::Suspended)
            .then(|| format!("{kind} {place} is suspended and would do nothing: resume it instead"))
    }

    /// Why the agent would refuse it, or do nothing, as its object stands; its own program says the same.
    pub fn refusal(self, agent: &AgentObject, object: &Value) -> Option<String> {
        let is_busy = object.get("operation").is_some_and(Value::is_object);
        let automated = agent.pace == Pace::Automatic;
        match self {
            Self::Reconcile => self.objection(agent.kind, &agent.place(), agent.phase),
            Self::Sync | Self::Rollback(_) if is_busy => {
                Some("another operation is in progress; wait for it, or terminate it".to_owned())
            }
            Self::Terminate if text(object, "/status/operationState/phase") != Some("Running") => {
                Some("no operation is in progress; there is nothing to terminate".to_owned())
            }
            Self::Rollback(_) if automated => Some(
                "it syncs by itself, and would undo it: Argo CD refuses that; revert in Git instead"
                    .to_owned(),
            ),
            Self::Rollback(id) if entry(object, id).is_none() => Some(match id {
                Some(id) => format!("its history has no entry {id}; it has: {}", entries(object)),
                None => "its history has no entry before the last".to_owned(),
            }),
            _ => None,
        }
    }

    /// Whether the agent has done what it was told at `stamp`, well or not.
    pub fn is_done(self, stamp: &str, agent: &AgentObject, object: &Value) -> bool {
        let handled = text(object, "/status/lastHandledReconcileAt") == Some(stamp);
        match self {
            Self::Reconcile | Self::Resume => handled && agent.phase != Phase::Reconciling,
            Self::Suspend => agent.phase == Phase::Suspended,
            Self::Refresh | Self::HardRefresh => object
                .pointer("/metadata/annotations")
                .and_then(|all| all.get(REFRESH))
                .is_none(),
            Self::Sync | Self::Terminate | Self::Rollback(_) => {
                let is_waiting = object.get("operation").is_some_and(Value::is_object);
                let phase = text(object, "/status/operationState/phase");
                let ended = !is_waiting && !matches!(phase, Some("Running" | "Terminating"));
                // Until it has compared again, it says of the cell what was so before.
                ended && (phase != Some("Succeeded") || has_compared(object))
            }
        }
    }
}

/// Whether an Application was compared with Git since its last operation ended, as far as it says.
fn has_compared(object: &Value) -> bool {
    let finished = time(object, "/status/operationState/finishedAt");
    let compared = time(object, "/status/reconciledAt");
    finished
        .zip(compared)
        .is_none_or(|(finished, compared)| compared >= finished)
}

/// An entry of an Application's history: of this id, else the one before the last.
fn entry(object: &Value, id: Option<u64>) -> Option<&Value> {
    let all: Vec<&Value> = list(object, "/status/history").collect();
    match id {
        Some(id) => all
            .into_iter()
            .find(|it| it.get("id").and_then(Value::as_u64) == Some(id)),
        None => all.len().checked_sub(2).and_then(|at| all.get(at).copied()),
    }
}

/// What an Application has applied, newest first, which is what it applied last.
pub fn deployed(object: &Value) -> Vec<Choice> {
    let all = list(object, "/status/history").collect::<Vec<_>>();
    let shown = all.into_iter().rev().filter_map(|it| {
        let several = list(it, "/revisions").filter_map(Value::as_str);
        let one = text(it, "/revision").filter(|it| !it.is_empty());
        let revisions = several.chain(one);
        let short = revisions.map(|it| {
            let it = super::commit(it).unwrap_or(it);
            let hexadecimal = it.bytes().all(|b| b.is_ascii_hexdigit());
            let most = if hexadecimal { 7 } else { 40 };
            clean(&it.chars().take(most).collect::<String>())
        });
        Some(Choice {
            number: it.get("id")?.as_u64()?,
            what: short.collect::<Vec<_>>().join(", "),
            since: time(it, "/deployedAt"),
        })
    });
    shown.collect()
}

/// The ids of an Application's history, newest first, each with its revision.
fn entries(object: &Value) -> String {
    let shown = deployed(object).into_iter();
    let shown: Vec<String> = shown
        .map(|it| format!("{} ({})", it.number, it.what))
        .collect();
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AgentKind, read};
    use super::*;

    fn application(policy: Value, rest: Value) -> Value {
        let mut object = json!({"metadata": {"name": "web", "namespace": "argocd"}, "spec": {"syncPolicy": policy}});
        for (key, value) in rest.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        object
    }

    #[test]
    fn an_order_is_what_the_agents_own_program_writes() {
        let plain = application(Value::Null, json!({}));
        let policy = json!({"automated": {"prune": true}, "syncOptions": ["CreateNamespace=true"]});
        let with = application(policy, json!({}));
        let cases = [
            (
                Order::Reconcile,
                &plain,
                "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
                json!("now"),
            ),
            (Order::Suspend, &plain, "/spec", json!({"suspend": true})),
            (Order::Resume, &plain, "/spec", json!({"suspend": false})),
            (
                Order::Refresh,
                &plain,
                "/metadata/annotations",
                json!({"argocd.argoproj.io/refresh": "normal"}),
            ),
            (
                Order::HardRefresh,
                &plain,
                "/metadata/annotations",
                json!({"argocd.argoproj.io/refresh": "hard"}),
            ),
            (
                Order::Terminate,
                &plain,
                "/status/operationState",
                json!({"phase": "Terminating"}),
            ),
            (
                Order::Sync,
                &plain,
                "/operation/sync",
                json!({"syncStrategy": {"hook": {}}}),
            ),
            (
                Order::Sync,
                &with,
                "/operation/sync",
                json!({"syncStrategy": {"hook": {}},
                "syncOptions": ["CreateNamespace=true"], "prune": true}),
            ),
        ];
        for (order, object, pointer, expected) in cases {
            let patch = order.patch("now", object);
            assert_eq!(patch.pointer(pointer), Some(&expected), "{order}");
        }
    }

    #[test]
    fn a_rollback_is_to_an_entry_of_its_history() {
        let history = json!({"status": {"sync": {"status": "Synced"}, "history": [
            {"id": 3, "revision": "aaaaaaaaaa", "source": {"path": "web"}},
            {"id": 4, "revision": "bbbbbbbbbb", "source": {"path": "web"}}]}});
        let manual = application(Value::Null, history.clone());
        let automated = application(json!({"automated": {}}), history);
        let bare = application(Value::Null, json!({}));
        let cases = [
            (&manual, None, None),
            (&manual, Some(3), None),
            (
                &manual,
                Some(7),
                Some("its history has no entry 7; it has: 4 (bbbbbbb), 3 (aaaaaaa)"),
            ),
            (
                &bare,
                None,
                Some("its history has no entry before the last"),
            ),
            (
                &automated,
                None,
                Some(
                    "it syncs by itself, and would undo it: Argo CD refuses that; revert in Git instead",
                ),
            ),
        ];
        for (object, id, expected) in cases {
            let agent = read(AgentKind::Application, object).unwrap();
            let refusal = Order::Rollback(id).refusal(&agent, object);
            assert_eq!(refusal.as_deref(), expected, "{id:?}");
        }
        let patch = Order::Rollback(None).patch("now", &manual);
        assert_eq!(
            patch["operation"]["sync"],
            json!({"syncStrategy": {"apply": {}}, "revision": "aaaaaaaaaa", "source": {"path": "web"}})
        );
    }

    #[test]
    fn an_order_is_done_when_the_agent_says_so() {
        let flux = |handled: &str, suspend: bool, ready: &str| {
            json!({
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"suspend": suspend},
                "status": {"lastHandledReconcileAt": handled,
                    "conditions": [{"type": "Ready", "status": ready, "reason": "Succeeded"}]},
            })
        };
        let argo = |rest: Value| application(Value::Null, rest);
        let running = json!({"status": {"operationState": {"phase": "Running"}}});
        let failed = json!({"status": {"operationState": {"phase": "Failed"}}});
        let synced = |compared: &str| {
            json!({"status": {"reconciledAt": format!("2026-11-21T{compared}Z"),
                "operationState": {"phase": "Succeeded", "finishedAt": "2026-11-21T10:00:00Z"}}})
        };
        let asked = json!({"operation": {"sync": {}}, "status": {"operationState": {"phase": "Succeeded"}}});
        let mut refreshing = argo(json!({}));
        refreshing["metadata"]["annotations"] = json!({REFRESH: "normal"});
        let cases = [
            (
                "not seen",
                Order::Reconcile,
                flux("before", false, "True"),
                false,
            ),
            (
                "at work",
                Order::Reconcile,
                flux("now", false, "Unknown"),
                false,
            ),
            ("done", Order::Reconcile, flux("now", false, "True"), true),
            (
                "failed",
                Order::Reconcile,
                flux("now", false, "False"),
                true,
            ),
            (
                "suspended",
                Order::Suspend,
                flux("before", true, "True"),
                true,
            ),
            (
                "still suspended",
                Order::Resume,
                flux("before", false, "True"),
                false,
            ),
            ("asked", Order::Sync, argo(asked), false),
            ("running", Order::Sync, argo(running), false),
            ("sync failed", Order::Sync, argo(failed.clone()), true),
            (
                "not compared yet",
                Order::Sync,
                argo(synced("09:59:59")),
                false,
            ),
            ("compared", Order::Sync, argo(synced("10:00:01")), true),
            ("ended", Order::Terminate, argo(failed), true),
            (
                "ending",
                Order::Terminate,
                argo(json!({"status": {"operationState": {"phase": "Terminating"}}})),
                false,
            ),
            ("refreshing", Order::Refresh, refreshing, false),
            ("refreshed", Order::Refresh, argo(json!({})), true),
        ];
        for (name, order, object, expected) in cases {
            let kind = if order.is_argocd() {
                AgentKind::Application
            } else {
                AgentKind::Kustomization
            };
            let agent = read(kind, &object).unwrap();
            assert_eq!(order.is_done("now", &agent, &object), expected, "{name}");
        }
    }
}
