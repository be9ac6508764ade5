//! Telling a Rollout to go on, to give up, or to begin again: by the changes that Argo Rollouts' own program makes.

use std::time::Duration;

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::Value;

use super::{Options, Unseen, connect::reach, error::ClusterError, kinds, until};
use crate::domain::{
    agent::{self, Conduct, Patches, Progress},
    rollout::ObjectKind,
};

/// How often the object is looked at while what it was told is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A Rollout in its cluster.
pub struct Conductor {
    api: Api<DynamicObject>,
    namespace: String,
    name: String,
}

impl Conductor {
    /// Connects to the cluster of a Rollout, which is `NAMESPACE/NAME`.
    ///
    /// # Errors
    /// A sentence, where that cannot be reached.
    pub async fn connect(context: &str, object: &str, options: &Options) -> Result<Self, String> {
        let client = reach(context, options).await?;
        let (namespace, name) = object.split_once('/').unwrap_or(("", object));
        let resource = kinds::of(ObjectKind::Rollout).resource();
        Ok(Self {
            api: Api::namespaced_with(client, namespace, &resource),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Tells it something. Returns how far it was before.
    ///
    /// # Errors
    /// A sentence, where it may not be told, or that makes no sense any more.
    pub async fn tell(&self, conduct: Conduct) -> Result<Progress, String> {
        let (before, object) = self.read().await?;
        if let Some(why) = conduct.objection(&before) {
            return Err(why);
        }
        let Patches {
            status,
            object: own,
            whole,
        } = conduct.patches(&object);
        let parameters = PatchParams::default();
        if let Some(status) = status {
            let patch = Patch::Merge(&status);
            let patched = self.api.patch_status(&self.name, &parameters, &patch).await;
            match patched.map_err(|error| ClusterError::from(&error)) {
                Ok(_) => {}
                // One of before 0.10 has no subresource: its status is a part of it.
                Err(ClusterError::Absent) if whole.is_some() => {
                    let patch = Patch::Merge(&whole);
                    let patched = self.api.patch(&self.name, &parameters, &patch).await;
                    patched.map_err(|error| self.words(&error))?;
                    return Ok(before);
                }
                Err(error) => return Err(self.told(&error)),
            }
        }
        if let Some(own) = own {
            let patch = Patch::Merge(&own);
            let patched = self.api.patch(&self.name, &parameters, &patch).await;
            patched.map_err(|error| self.words(&error))?;
        }
        Ok(before)
    }

    /// Waits until it has done what it was told, `timeout` at most; `before` is how far it was then. Returns how far it is;
    /// `None`: it has not done it.
    ///
    /// # Errors
    /// A sentence, where it cannot be looked at.
    pub async fn until_done(
        &self,
        conduct: Conduct,
        before: &Progress,
        timeout: Duration,
    ) -> Result<Option<Progress>, String> {
        until(timeout, LOOK_EVERY, || async move {
            let (now, _) = self.read().await?;
            Ok(conduct.is_done(before, &now).then_some(now))
        })
        .await
    }

    async fn read(&self) -> Result<(Progress, Value), Unseen> {
        let found = self.api.get(&self.name).await;
        let found = found.map_err(|error| Unseen::new(&self.shown(), &error))?;
        let object = serde_json::to_value(found);
        let object = object.map_err(|error| Unseen::odd(error.to_string()))?;
        let progress = agent::rollout(&object);
        let progress = progress.ok_or_else(|| Unseen::odd("its object has no name"))?;
        Ok((progress, object))
    }

    fn shown(&self) -> String {
        format!("Rollout {}/{}", self.namespace, self.name)
    }

    fn words(&self, error: &kube::Error) -> String {
        self.told(&ClusterError::from(error))
    }

    fn told(&self, error: &ClusterError) -> String {
        Unseen::of(&self.shown(), error).why
    }
}
