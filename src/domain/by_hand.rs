//! What somebody does by hand, past Git: to what brings a cell, to its progressive delivery, or to its workload. And what is
//! found out before that is done.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    agent::{AgentObject, AgentState, Conduct, Order, Progress, deployed, undone_by},
    rollout::{ObjectKind, Revision, RolloutAct, back_to},
};

/// Something that is done by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// An agent is told something.
    Agent {
        /// The agent, as it was when that was chosen.
        agent: AgentState,
        /// What it is told.
        order: Order,
    },
    /// A progressive delivery is told something.
    Delivery {
        /// How far it was when that was chosen.
        progress: Box<Progress>,
        /// What it is told.
        conduct: Conduct,
    },
    /// A workload is changed where it runs.
    Workload {
        /// The workload.
        at: WorkloadAt,
        /// How it is changed.
        act: RolloutAct,
        /// The revision that is gone back to.
        to: Option<u64>,
    },
}

/// A workload in its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadAt {
    /// The kubeconfig context of its cluster.
    pub context: String,
    /// Its namespace.
    pub namespace: String,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

/// What is found out before something is done by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// Why it would be refused, or would change nothing.
    pub refusal: Option<String>,
    /// What can be gone back to, where that is what is done; the usual one first.
    pub choices: Vec<Choice>,
    /// Who undoes it, and when: a sentence each.
    pub undone: Vec<String>,
}

/// Something that can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The number by which it is named.
    pub number: u64,
    /// What it is: its images, or the commit that was applied.
    pub what: String,
    /// When it came.
    pub since: Option<Timestamp>,
}

impl WorkloadAt {
    /// `Deployment/web` of a cell's workloads; `None` for kinds of which no rollout is kept.
    pub fn new(context: String, namespace: String, workload: &str) -> Option<Self> {
        let (kind, name) = workload.split_once('/')?;
        Some(Self {
            context,
            namespace,
            kind: ObjectKind::parse(kind)?,
            name: name.to_owned(),
        })
    }

    /// `Deployment/web`.
    pub fn workload(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl Deed {
    /// To what it is done: `Kustomization flux-system/shop in edge`.
    pub fn whom(&self) -> String {
        match self {
            Self::Agent { agent, .. } => {
                format!("{} {} in {}", agent.kind, agent.object, agent.cluster)
            }
            Self::Delivery { progress, .. } => format!(
                "{} {} in {}",
                progress.by.kind(),
                progress.object,
                progress.cluster
            ),
            Self::Workload { at, .. } => {
                format!("{} {}/{} in {}", at.kind, at.namespace, at.name, at.context)
            }
        }
    }

    /// Its word, which is the command's.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Agent { order, .. } => order.word(),
            Self::Delivery { conduct, .. } => conduct.word(),
            Self::Workload { act, .. } => act.word(),
        }
    }

    /// What comes of it, in a sentence.
    pub fn effect(&self) -> &'static str {
        match self {
            Self::Agent { order, .. } => order.effect(),
            Self::Delivery { conduct, .. } => conduct.effect(),
            Self::Workload { act, .. } => act.effect(),
        }
    }

    /// The command of the tool's own program that does the same.
    pub fn command(&self) -> String {
        match self {
            Self::Agent { agent, order } => agent.command(*order),
            Self::Delivery { progress, conduct } => {
                conduct.command(&progress.cluster, &progress.object)
            }
            Self::Workload { at, act, to } => {
                act.command(&at.context, &at.namespace, &at.workload(), *to)
            }
        }
    }

    /// Why it makes no sense as things are known to be, and what to do instead.
    pub fn objection(&self) -> Option<String> {
        match self {
            Self::Agent { agent, order } => order.objection(agent.kind, &agent.object, agent.phase),
            Self::Delivery { progress, conduct } => conduct.objection(progress),
            Self::Workload { at, act, .. } => act.objection(at.kind),
        }
    }

    /// Whether a freeze holds it: what brings a change; never what stops one or goes back.
    pub fn moves(&self) -> bool {
        match self {
            Self::Agent { order, .. } => order.moves(),
            Self::Delivery { conduct, .. } => conduct.moves(),
            Self::Workload { act, .. } => act.moves(),
        }
    }

    /// Whether more is to be found out before it is asked about: what can be gone back to, and who would undo it.
    pub fn is_weighed(&self) -> bool {
        matches!(
            self,
            Self::Workload { .. }
                | Self::Agent {
                    order: Order::Rollback(_),
                    ..
                }
        )
    }

    /// The same, back to this number.
    #[must_use]
    pub fn back_to(mut self, number: u64) -> Self {
        match &mut self {
            Self::Agent { order, .. } => *order = Order::Rollback(Some(number)),
            Self::Workload { to, .. } => *to = Some(number),
            Self::Delivery { .. } => {}
        }
        self
    }
}

impl Weighed {
    /// Of a workload, which has these revisions, read or not.
    pub fn workload(
        (kind, act): (ObjectKind, RolloutAct),
        object: &Value,
        revisions: Result<&[Revision], String>,
        undone: Vec<String>,
        now: Timestamp,
    ) -> Self {
        let mut weighed = Self {
            undone,
            ..Self::default()
        };
        if act != RolloutAct::Undo {
            weighed.refusal = act.change(kind, object, None, now).err();
            return weighed;
        }
        let all = match revisions {
            Ok(all) => all,
            Err(why) => {
                weighed.refusal = Some(why);
                return weighed;
            }
        };
        let can = |it: &&Revision| act.change(kind, object, Some(it), now).is_ok();
        let others = all.iter().filter(|it| !it.current).filter(can);
        weighed.choices = others
            .map(|it| Choice {
                number: it.number,
                what: it.images.join(", "),
                since: it.created,
            })
            .collect();
        if weighed.choices.is_empty() {
            let usual = back_to(all, None);
            let why = usual.and_then(|it| act.change(kind, object, Some(it), now).map(drop));
            weighed.refusal = why.err();
        }
        weighed
    }

    /// Of an Application that is to go back to what it had applied: to this entry, where it is not the one before the last.
    pub fn rollback(to: Option<u64>, agent: &AgentObject, object: &Value, now: Timestamp) -> Self {
        let refusal = Order::Rollback(to).refusal(agent, object);
        let mut choices = deployed(object);
        // What it applied last is what it would go back from.
        if !choices.is_empty() {
            choices.remove(0);
        }
        Self {
            undone: match refusal {
                Some(_) => Vec::new(),
                None => vec![undone_by(agent, object, now)],
            },
            refusal,
            choices,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::agent::{AgentKind, read};
    use super::*;

    fn noon() -> Timestamp {
        "2026-11-29T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_application_goes_back_to_what_it_applied_before() {
        let entry = |id: u64, digit: &str| json!({"id": id, "revision": digit.repeat(40)});
        let object = |policy: Value, history: Value| {
            json!({
                "metadata": {"name": "web", "namespace": "argocd"},
                "spec": {"syncPolicy": policy},
                "status": {"sync": {"status": "Synced"}, "history": history},
            })
        };
        let two = json!([entry(4, "a"), entry(5, "b")]);
        let manual = object(json!({}), two.clone());
        let heals = object(json!({"automated": {"selfHeal": true}}), two);
        let new = object(json!({}), json!([entry(1, "a")]));
        let cases = [
            (&manual, None, &[4][..], None),
            (
                &manual,
                Some(9),
                &[4],
                Some("its history has no entry 9; it has: 5 (bbbbbbb), 4 (aaaaaaa)"),
            ),
            (
                &heals,
                None,
                &[4],
                Some(
                    "it syncs by itself, and would undo it: Argo CD refuses that; revert in Git instead",
                ),
            ),
            (
                &new,
                None,
                &[],
                Some("its history has no entry before the last"),
            ),
        ];
        for (object, to, numbers, refusal) in cases {
            let agent = read(AgentKind::Application, object).unwrap();
            let found = Weighed::rollback(to, &agent, object, noon());
            let all: Vec<u64> = found.choices.iter().map(|it| it.number).collect();
            assert_eq!(
                (all.as_slice(), found.refusal.as_deref()),
                (numbers, refusal)
            );
            let undone = refusal
                .is_none()
                .then_some("undoes this when somebody syncs it");
            let said = found.undone.first();
            assert_eq!(said.is_some(), undone.is_some(), "{said:?}");
            assert!(said.is_none_or(|said| said.ends_with(undone.unwrap_or_default())));
        }
    }

    #[test]
    fn a_workload_says_what_it_goes_back_to_or_why_it_would_be_refused() {
        let template = |version: &str| json!({"spec": {"containers": [{"image": version}]}});
        let set = |number: &str, version: &str| {
            json!({
                "metadata": {"annotations": {"deployment.kubernetes.io/revision": number},
                    "ownerReferences": [{"uid": "1"}]},
                "spec": {"template": template(version)},
            })
        };
        let object = json!({
            "metadata": {"uid": "1", "annotations": {"deployment.kubernetes.io/revision": "3"}},
            "spec": {"template": template("web:3")},
        });
        // The second has what is served: to go back to it would change nothing.
        let sets = [set("1", "web:1"), set("2", "web:3"), set("3", "web:3")];
        let all = super::super::rollout::revisions(&object, &sets);
        let weigh = |act, all| {
            let what = (ObjectKind::Deployment, act);
            Weighed::workload(what, &object, all, Vec::new(), noon())
        };
        let undo = weigh(RolloutAct::Undo, Ok(&all));
        let choices: Vec<(u64, &str)> = undo
            .choices
            .iter()
            .map(|it| (it.number, it.what.as_str()))
            .collect();
        assert_eq!(
            (choices.as_slice(), undo.refusal),
            (&[(1, "web:1")][..], None)
        );
        let none = weigh(RolloutAct::Undo, Ok(&[]));
        let why = "there is no earlier revision to go back to";
        assert_eq!(none.refusal.as_deref(), Some(why));
        let denied = weigh(RolloutAct::Undo, Err("403".to_owned()));
        assert_eq!(denied.refusal.as_deref(), Some("403"));
        let resume = weigh(RolloutAct::Resume, Err("403".to_owned()));
        assert_eq!(resume.refusal.as_deref(), Some("it is not paused"));
        assert_eq!(weigh(RolloutAct::Restart, Ok(&all)).refusal, None);
    }
}
