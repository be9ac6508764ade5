//! Break-glass on a workload: its earlier templates, and the patches by which it goes back to one, begins anew, stops and
//! goes on, as `kubectl rollout` makes them. Who would undo that is told first.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::object::ObjectKind;
use crate::domain::{
    agent::{AgentObject, undone_by},
    text::sanitise,
};

/// By which `kubectl rollout restart` has pods made anew.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";
/// Annotations of a Deployment that are its own, whatever it goes back to.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// What is done to a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutAct {
    /// Back to an earlier template.
    Undo,
    /// All pods are made anew.
    Restart,
    /// Changes of its template change no pods until it is resumed.
    Pause,
    /// It goes on.
    Resume,
}

/// A template that a workload has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub number: u64,
    /// The images of its containers.
    pub images: Vec<String>,
    /// Why it came, where somebody wrote that.
    pub cause: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// It is the one that is served.
    pub current: bool,
    template: Value,
    annotations: Value,
}

/// A change of a workload: the content type of the patch, and the patch.
pub type Change = (&'static str, Value);

impl RolloutAct {
    /// Its word, which is the command's.
    pub fn word(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// Every one.
    pub const ALL: [Self; 4] = [Self::Restart, Self::Undo, Self::Pause, Self::Resume];

    /// What comes of it, in a sentence.
    pub fn effect(self) -> &'static str {
        match self {
            Self::Undo => {
                "Its pods go back to an earlier template; Git declares the other version still"
            }
            Self::Restart => "All its pods are made anew, of the same version",
            Self::Pause => "Changes of its template change no pods until it is resumed",
            Self::Resume => "It goes on, and its pods become what its template says now",
        }
    }

    /// Whether it brings a change: a freeze holds that, and never what goes back or stops.
    pub fn moves(self) -> bool {
        matches!(self, Self::Restart | Self::Resume)
    }

    /// Why it cannot be done to a workload of this kind, whatever its state.
    pub fn objection(self, kind: ObjectKind) -> Option<String> {
        let is_deployment = kind == ObjectKind::Deployment;
        match self {
            _ if kind == ObjectKind::Rollout => {
                Some("a Rollout is told by `tidegate canary`: promote, abort, retry".to_owned())
            }
            _ if !kind.has_rollout() => Some(format!("a {kind} has no rollout")),
            Self::Pause | Self::Resume if !is_deployment => {
                Some(format!("a {kind} cannot be paused; only a Deployment can"))
            }
            _ => None,
        }
    }

    /// The command of `kubectl` that does the same to `Deployment/web`.
    pub fn command(
        self,
        context: &str,
        namespace: &str,
        workload: &str,
        to: Option<u64>,
    ) -> String {
        let revision = to.map_or(String::new(), |to| format!(" --to-revision={to}"));
        let workload = workload.to_lowercase();
        let word = self.word();
        format!("kubectl --context {context} -n {namespace} rollout {word} {workload}{revision}")
    }

    /// What has to be changed for it; `to`: the revision that is gone back to.
    ///
    /// # Errors
    /// A sentence, where `kubectl` would refuse it, too.
    pub fn change(
        self,
        kind: ObjectKind,
        workload: &Value,
        to: Option<&Revision>,
        now: Timestamp,
    ) -> Result<Change, String> {
        const MERGE: &str = "application/merge-patch+json";
        let paused = workload.pointer("/spec/paused") == Some(&Value::Bool(true));
        let is_deployment = kind == ObjectKind::Deployment;
        if let Some(why) = self.objection(kind) {
            return Err(why);
        }
        match self {
            Self::Pause if paused => Err("it is paused already".to_owned()),
            Self::Pause => Ok((MERGE, json!({"spec": {"paused": true}}))),
            Self::Resume if !paused => Err("it is not paused".to_owned()),
            Self::Resume => Ok((MERGE, json!({"spec": {"paused": null}}))),
            Self::Restart | Self::Undo if paused => Err("it is paused: resume it first".to_owned()),
            Self::Restart => {
                let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let annotations = json!({RESTARTED: second.to_string()});
                let template = json!({"metadata": {"annotations": annotations}});
                Ok((MERGE, json!({"spec": {"template": template}})))
            }
            Self::Undo => {
                let to = to.ok_or("there is no earlier revision to go back to")?;
                if Some(&to.template) == workload.pointer("/spec/template") {
                    return Err(format!(
                        "it has the template of revision {} already",
                        to.number
                    ));
                }
                Ok((
                    "application/json-patch+json",
                    undo(workload, to, is_deployment),
                ))
            }
        }
    }

    /// Who undoes it, and when: a sentence each. `agent` is what brings the workload, with its object as it stands; `scaler`
    /// is the autoscaler of the workload.
    pub fn undone(
        self,
        agent: Option<(&AgentObject, &Value)>,
        scaler: Option<&Value>,
        now: Timestamp,
    ) -> Vec<String> {
        let mut all = Vec::new();
        // What a rollout's other commands change is not in Git, and agents leave alone what is not.
        if self == Self::Undo {
            all.push(match agent {
                None => "no agent is seen that would undo it; Git declares the other version still"
                    .to_owned(),
                Some((agent, object)) => undone_by(agent, object, now),
            });
        }
        if let Some(name) = scaler.and_then(|it| it.pointer("/metadata/name")?.as_str()) {
            let bound = |name: &str| {
                let bound = scaler.and_then(|it| it.pointer(name)?.as_i64());
                bound.map_or("?".to_owned(), |bound| bound.to_string())
            };
            all.push(format!(
                "HorizontalPodAutoscaler {} keeps its replicas, {} to {}, whatever happens here",
                sanitise(name),
                bound("/spec/minReplicas"),
                bound("/spec/maxReplicas")
            ));
        }
        all
    }
}

/// The template, and of a Deployment the annotations that came with it.
fn undo(workload: &Value, to: &Revision, is_deployment: bool) -> Value {
    let mut patch = vec![json!({"op": "replace", "path": "/spec/template", "value": to.template})];
    if is_deployment {
        let own = workload.pointer("/metadata/annotations");
        let own = own.and_then(Value::as_object).into_iter().flatten();
        let theirs = to.annotations.as_object().into_iter().flatten();
        let is_own = |(name, _): &(&String, &Value)| OWN.contains(&name.as_str());
        let kept = own.filter(is_own);
        let came = theirs.filter(|it| !is_own(it));
        let all: Map<String, Value> = kept
            .chain(came)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": all}));
    }
    Value::Array(patch)
}

/// What a workload can go back to, newest first: `made` are the `ReplicaSets` or `ControllerRevisions` of its namespace.
pub fn revisions(workload: &Value, made: &[Value]) -> Vec<Revision> {
    let owned = |object: &&Value| {
        let owners = object.pointer("/metadata/ownerReferences");
        let owners = owners.and_then(Value::as_array).into_iter().flatten();
        let uid = workload.pointer("/metadata/uid");
        owners
            .into_iter()
            .any(|it| it.get("uid") == uid && uid.is_some())
    };
    let mut all: Vec<Revision> = made.iter().filter(owned).filter_map(revision).collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.number));
    let at = |pointer: &str| workload.pointer(pointer).and_then(Value::as_str);
    let annotation = workload.pointer("/metadata/annotations");
    let annotation = annotation.and_then(|it| it.get(REVISION)?.as_str());
    let serves = annotation.and_then(|it| it.parse().ok()).or_else(|| {
        let name = at("/status/updateRevision")?;
        let named =
            |it: &&Value| it.pointer("/metadata/name").and_then(Value::as_str) == Some(name);
        revision(made.iter().find(named)?).map(|it| it.number)
    });
    let serves = serves.or(all.first().map(|it| it.number));
    for it in &mut all {
        it.current = Some(it.number) == serves;
    }
    all
}

/// The revision that is gone back to: of this number, else the newest before the one that is served.
///
/// # Errors
/// A sentence, where there is none.
pub fn back_to(all: &[Revision], number: Option<u64>) -> Result<&Revision, String> {
    match number {
        Some(number) => all
            .iter()
            .find(|it| it.number == number)
            .ok_or_else(|| format!("there is no revision {number}")),
        None => all
            .iter()
            .find(|it| !it.current)
            .ok_or_else(|| "there is no earlier revision to go back to".to_owned()),
    }
}

fn revision(object: &Value) -> Option<Revision> {
    let annotations = object.pointer("/metadata/annotations").cloned();
    let annotations = annotations.unwrap_or_default();
    let annotation = |name: &str| annotations.get(name).and_then(Value::as_str);
    // A ControllerRevision has its number beside its metadata, and the template as a patch.
    let (number, template) = match object.get("revision").and_then(Value::as_u64) {
        Some(number) => (number, object.pointer("/data/spec/template")?),
        None => (
            annotation(REVISION)?.parse().ok()?,
            object.pointer("/spec/template")?,
        ),
    };
    let mut template = template.clone();
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    if let Some(labels) = template.pointer_mut("/metadata/labels")
        && let Some(labels) = labels.as_object_mut()
    {
        labels.remove("pod-template-hash");
    }
    let containers = template.pointer("/spec/containers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    let images = containers.filter_map(|it| it.get("image")?.as_str());
    let created = object.pointer("/metadata/creationTimestamp");
    Some(Revision {
        number,
        images: images.map(|it| sanitise(it).into_owned()).collect(),
        cause: annotation(CAUSE).map(|it| sanitise(it).into_owned()),
        created: created.and_then(|it| it.as_str()?.parse().ok()),
        current: false,
        template,
        annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::AgentKind;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn deployment(image: &str, paused: bool) -> Value {
        json!({
            "metadata": {"name": "web", "uid": "u1",
                "annotations": {REVISION: "3", CAUSE: "by hand", "mine": "1"}},
            "spec": {"paused": paused, "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": image}]}}},
        })
    }

    fn replica_set(number: u32, image: &str, owner: &str) -> Value {
        json!({
            "metadata": {"name": format!("web-{number}"), "ownerReferences": [{"uid": owner}],
                "annotations": {REVISION: number.to_string(), CAUSE: format!("cause {number}")}},
            "spec": {"template": {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}},
                "spec": {"containers": [{"name": "app", "image": image}]}}},
        })
    }

    #[test]
    fn a_workload_goes_back_as_kubectl_has_it() {
        let made = [
            replica_set(2, "web:2", "u1"),
            replica_set(3, "web:3", "u1"),
            replica_set(9, "other:9", "u2"),
            replica_set(1, "web:1", "u1"),
        ];
        let web = deployment("web:3", false);
        let all = revisions(&web, &made);
        let told: Vec<_> = all
            .iter()
            .map(|it| (it.number, it.images.join(","), it.current))
            .collect();
        let expected = [
            (3, "web:3".to_owned(), true),
            (2, "web:2".to_owned(), false),
            (1, "web:1".to_owned(), false),
        ];
        assert_eq!(told, expected);
        assert_eq!(back_to(&all, None).unwrap().number, 2);
        assert_eq!(back_to(&all, Some(1)).unwrap().number, 1);
        assert_eq!(
            back_to(&all, Some(7)),
            Err("there is no revision 7".to_owned())
        );
        let to = back_to(&all, None).unwrap();
        let (content, patch) = RolloutAct::Undo
            .change(ObjectKind::Deployment, &web, Some(to), NOW)
            .unwrap();
        assert_eq!(content, "application/json-patch+json");
        assert_eq!(
            patch[0]["value"],
            json!({"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": "web:2"}]}})
        );
        assert_eq!(patch[1]["value"], json!({REVISION: "3", CAUSE: "cause 2"}));
    }

    #[test]
    fn a_stateful_set_goes_back_to_a_controller_revision() {
        let template =
            |image: &str| json!({"spec": {"containers": [{"name": "db", "image": image}]}});
        let made = |number: u64, image: &str| {
            let mut template = template(image);
            template["$patch"] = json!("replace");
            json!({"metadata": {"name": format!("db-{number}"), "ownerReferences": [{"uid": "s"}]},
                "revision": number, "data": {"spec": {"template": template}}})
        };
        let set = json!({"metadata": {"uid": "s"}, "spec": {"template": template("db:2")},
            "status": {"updateRevision": "db-2"}});
        let all = revisions(&set, &[made(1, "db:1"), made(2, "db:2")]);
        assert!(all[0].current && all[0].number == 2);
        let to = back_to(&all, None).unwrap();
        let change = RolloutAct::Undo.change(ObjectKind::StatefulSet, &set, Some(to), NOW);
        let (_, patch) = change.unwrap();
        assert_eq!(
            patch,
            json!([{"op": "replace", "path": "/spec/template", "value": template("db:1")}])
        );
    }

    #[test]
    fn what_kubectl_refuses_is_refused() {
        use RolloutAct::{Pause, Restart, Resume, Undo};
        let (runs, paused) = (deployment("web:3", false), deployment("web:3", true));
        let deployment = ObjectKind::Deployment;
        let cases = [
            (
                Pause,
                deployment,
                &runs,
                Ok(json!({"spec": {"paused": true}})),
            ),
            (Pause, deployment, &paused, Err("it is paused already")),
            (
                Resume,
                deployment,
                &paused,
                Ok(json!({"spec": {"paused": null}})),
            ),
            (Resume, deployment, &runs, Err("it is not paused")),
            (
                Restart,
                deployment,
                &paused,
                Err("it is paused: resume it first"),
            ),
            (
                Undo,
                deployment,
                &paused,
                Err("it is paused: resume it first"),
            ),
            (
                Undo,
                deployment,
                &runs,
                Err("there is no earlier revision to go back to"),
            ),
            (
                Pause,
                ObjectKind::DaemonSet,
                &runs,
                Err("a DaemonSet cannot be paused; only a Deployment can"),
            ),
            (
                Restart,
                ObjectKind::CronJob,
                &runs,
                Err("a CronJob has no rollout"),
            ),
            (
                Restart,
                ObjectKind::StatefulSet,
                &runs,
                Ok(json!({"spec": {"template": {"metadata": {"annotations":
                    {RESTARTED: "2026-09-21T14:13:20Z"}}}}})),
            ),
        ];
        for (act, kind, workload, expected) in cases {
            let change = act
                .change(kind, workload, None, NOW)
                .map(|(_, patch)| patch);
            assert_eq!(change, expected.map_err(str::to_owned), "{act:?} {kind}");
        }
    }

    #[test]
    fn who_undoes_it_is_told() {
        use crate::domain::agent::read;
        let application = |policy: Value| {
            json!({"metadata": {"name": "web", "namespace": "argocd"},
                "spec": {"syncPolicy": policy}, "status": {"sync": {"status": "Synced"}}})
        };
        let kustomization = |suspend: bool| {
            json!({"metadata": {"name": "web", "namespace": "flux-system"},
                "spec": {"interval": "10m", "suspend": suspend}, "status": {}})
        };
        let cases = [
            (
                AgentKind::Application,
                application(json!({"automated": {"selfHeal": true}})),
                "Argo CD (Application argocd/web) undoes this at once: it heals itself",
            ),
            (
                AgentKind::Application,
                application(json!({"automated": {}})),
                "Argo CD (Application argocd/web) undoes this with the next commit that it syncs",
            ),
            (
                AgentKind::Application,
                application(Value::Null),
                "Argo CD (Application argocd/web) undoes this when somebody syncs it",
            ),
            (
                AgentKind::Kustomization,
                kustomization(false),
                "Flux (Kustomization flux-system/web) undoes this at its next reconcile, within 10m",
            ),
            (
                AgentKind::Kustomization,
                kustomization(true),
                "Flux (Kustomization flux-system/web) is suspended: it undoes this once it is resumed",
            ),
        ];
        for (kind, object, expected) in cases {
            let agent = read(kind, &object).unwrap();
            let told = RolloutAct::Undo.undone(Some((&agent, &object)), None, NOW);
            assert_eq!(told, [expected]);
            assert!(
                RolloutAct::Restart
                    .undone(Some((&agent, &object)), None, NOW)
                    .is_empty()
            );
        }
        let scaler =
            json!({"metadata": {"name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 8}});
        let told = RolloutAct::Restart.undone(None, Some(&scaler), NOW);
        assert_eq!(
            told,
            ["HorizontalPodAutoscaler web keeps its replicas, 2 to 8, whatever happens here"]
        );
    }
}
