//! What is done by hand to a workload, and what is found out before: the same for commands and the screen.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::{
        agent::{AgentState, Order},
        by_hand::{Deed, Weighed, WorkloadAt},
        rollout::{Change, Health, ObjectKind, Revision, RolloutAct, Verdict, back_to, revisions},
    },
    sources::cluster::{Control, Kind, Objects, Of, Options, Place, judge, until},
};

/// How often a workload that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A workload as it stands in its cluster, with what it can go back to.
pub struct Workload {
    objects: Objects,
    place: Place,
    kind: ObjectKind,
    object: Value,
    revisions: Result<Vec<Revision>, String>,
}

impl Workload {
    /// Reads it, and its revisions as far as that is allowed.
    ///
    /// # Errors
    /// A sentence, where its cluster cannot be reached, or it is not there or may not be read.
    pub async fn read(options: &Options, at: &WorkloadAt) -> Result<Self, String> {
        let place = Place {
            kind: Kind::Watched(at.kind),
            namespace: at.namespace.clone(),
            name: at.name.clone(),
        };
        let objects = Objects::connect(&at.context, options).await?;
        let object = objects.get(&place).await?;
        let made = match at.kind {
            ObjectKind::Deployment => Kind::Watched(ObjectKind::ReplicaSet),
            _ => Kind::ControllerRevision,
        };
        let made = objects
            .list(made, &at.namespace, &Of::workload(&object))
            .await;
        Ok(Self {
            revisions: made.map(|made| revisions(&object, &made)),
            kind: at.kind,
            objects,
            place,
            object,
        })
    }

    /// What it can go back to, newest first.
    ///
    /// # Errors
    /// Why that may not be read.
    pub fn revisions(&self) -> Result<&[Revision], String> {
        match &self.revisions {
            Ok(all) => Ok(all),
            Err(why) => Err(why.clone()),
        }
    }

    /// What has to be changed; `to`: the revision that is gone back to, where it is not the one before.
    ///
    /// # Errors
    /// A sentence, where `kubectl` would refuse it, too.
    pub fn change(
        &self,
        act: RolloutAct,
        to: Option<u64>,
        now: Timestamp,
    ) -> Result<Change, String> {
        let to = match act {
            RolloutAct::Undo => Some(back_to(self.revisions()?, to)?),
            _ => None,
        };
        act.change(self.kind, &self.object, to, now)
    }

    /// Changes it.
    ///
    /// # Errors
    /// The server's words, where it refuses.
    pub async fn apply(&self, (content, patch): &Change) -> Result<(), String> {
        let patched = self.objects.patch(&self.place, content, patch).await;
        patched.map(drop)
    }

    /// Who would undo it, and when, as far as that can be read; `agent` is what brings it.
    pub async fn who_undoes(
        &self,
        options: &Options,
        agent: Option<&AgentState>,
        act: RolloutAct,
        now: Timestamp,
    ) -> Vec<String> {
        let of = agent.and_then(|agent| Some((agent, agent.reference()?)));
        let mut unread = None;
        let mut known = None;
        if let Some((agent, of)) = of {
            let object = match Control::connect(&agent.cluster, of, options).await {
                Ok(control) => control.as_it_stands().await,
                Err(why) => Err(why),
            };
            match object {
                Ok(object) => known = Some(object),
                Err(why) => {
                    unread = Some(format!(
                        "whether {} {} undoes this is not known: {why}",
                        agent.kind, agent.object
                    ));
                }
            }
        }
        let namespace = &self.place.namespace;
        let kind = Kind::HorizontalPodAutoscaler;
        let scalers = self.objects.list(kind, namespace, &Of::All).await;
        let not_known = |why: &String| {
            format!(
                "whether something keeps its replicas, whatever happens here, is not known: {why}"
            )
        };
        let scaling_unread = scalers.as_ref().err().map(not_known);
        let scalers = scalers.unwrap_or_default();
        let scales = |it: &&Value| {
            let of = |name: &str| it.pointer(&format!("/spec/scaleTargetRef/{name}"));
            let text = |name: &str| of(name).and_then(Value::as_str).unwrap_or_default();
            (text("kind"), text("name")) == (self.kind.as_str(), self.place.name.as_str())
        };
        let agent = known.as_ref().map(|(agent, object)| (agent, object));
        let mut all = act.undone(agent, scalers.iter().find(scales), now);
        if let Some(unread) = unread.filter(|_| act == RolloutAct::Undo) {
            // It is not said that there is none.
            all.remove(0);
            all.insert(0, unread);
        }
        all.extend(scaling_unread);
        all
    }

    /// Waits until it has rolled out or cannot, `timeout` at most. Returns how it is then; `None`: neither. A server that does
    /// not answer for a while is asked again: what was changed goes on meanwhile.
    ///
    /// # Errors
    /// A sentence, where it is not there any more or may not be looked at, or was not seen again in all that time.
    pub async fn until_rolled(&self, timeout: Duration) -> Result<Option<Verdict>, String> {
        let ended = |it: &Verdict| matches!(it.0, Health::Healthy | Health::Degraded);
        until(timeout, LOOK_EVERY, || async move {
            let object = self.objects.look(&self.place).await?;
            Ok(judge(&object, Timestamp::now()).filter(ended))
        })
        .await
    }
}

/// What is to be known before something is done by hand: whether it would be refused, what can be gone back to, and who would
/// undo it; `agent` is what brings the cell.
///
/// # Errors
/// A sentence, where what it is done to cannot be read.
pub async fn weigh(
    options: &Options,
    deed: &Deed,
    agent: Option<&AgentState>,
    now: Timestamp,
) -> Result<Weighed, String> {
    match deed {
        Deed::Workload { at, act, .. } => {
            let workload = Workload::read(options, at).await?;
            let undone = workload.who_undoes(options, agent, *act, now).await;
            let (object, revisions) = (&workload.object, workload.revisions());
            let what = (workload.kind, *act);
            Ok(Weighed::workload(what, object, revisions, undone, now))
        }
        Deed::Agent {
            agent,
            order: Order::Rollback(to),
        } => {
            let of = agent.reference();
            let of = of.ok_or_else(|| format!("{} names no object", agent.object))?;
            let control = Control::connect(&agent.cluster, of, options).await?;
            let (agent, object) = control.as_it_stands().await?;
            Ok(Weighed::rollback(*to, &agent, &object, now))
        }
        Deed::Agent { .. } | Deed::Delivery { .. } => Ok(Weighed::default()),
    }
}
