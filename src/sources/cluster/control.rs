//! Telling agents what to do: by the annotations and fields that their own programs use, on their objects.

use std::time::Duration;

use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::Value;

use super::{
    Options, Unseen, argocd,
    connect::{is_argocd, reach},
    custom, until,
};
use crate::domain::agent::{self, AgentObject, Order, Reference};

/// How often an object is looked at while what it was told is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// An agent's object in its cluster.
pub struct Control {
    client: Client,
    of: Reference,
    /// It is told by Argo CD's own API, which shows what was so a moment ago.
    own: bool,
}

/// What an agent was told, by which it is told that it has done that.
#[derive(Clone, Debug)]
pub struct Told {
    order: Order,
    stamp: String,
    /// When the operation before it began, where it begins one and is told by Argo CD's own API.
    before: Option<Began>,
}

impl Control {
    /// Connects to the cluster of an agent's object.
    ///
    /// # Errors
    /// A sentence, where that cannot be reached.
    pub async fn connect(context: &str, of: Reference, options: &Options) -> Result<Self, String> {
        let client = reach(context, options).await?;
        let own = is_argocd(context, options);
        Ok(Self { client, of, own })
    }

    /// The object as it is now, read and whole.
    ///
    /// # Errors
    /// A sentence, where it is not there or may not be read.
    pub async fn as_it_stands(&self) -> Result<(AgentObject, Value), String> {
        Ok(self.read().await?)
    }

    /// Tells the agent to do something, its source first where it is to fetch.
    ///
    /// # Errors
    /// A sentence, where it may not be told, or is busy with another operation.
    pub async fn tell(&self, order: Order, now: Timestamp) -> Result<Told, String> {
        let (agent, object) = self.read().await?;
        if let Some(why) = order.refusal(&agent, &object) {
            return Err(why);
        }
        let stamp = now.to_string();
        if self.own {
            let request = argocd::call(order, &self.of, &object, &stamp)?;
            let told = self.client.request::<Value>(request).await;
            told.map_err(|error| Self::words(&self.of, &error))?;
            let begins = matches!(order, Order::Sync | Order::Rollback(_));
            return Ok(Told {
                order,
                stamp,
                before: begins.then(|| began(&object)),
            });
        }
        if order == Order::Reconcile {
            for source in agent.sources.iter().filter_map(|from| from.object.as_ref()) {
                self.patch(source, &order.patch(&stamp, &Value::Null))
                    .await?;
            }
        }
        self.patch(&self.of, &order.patch(&stamp, &object)).await?;
        Ok(Told {
            order,
            stamp,
            before: None,
        })
    }

    /// Waits until the agent has done what it was told, `timeout` at most. Returns how it is then; `None`: it has not.
    ///
    /// # Errors
    /// A sentence, where it cannot be looked at.
    pub async fn until_done(
        &self,
        told: &Told,
        timeout: Duration,
    ) -> Result<Option<AgentObject>, String> {
        until(timeout, LOOK_EVERY, || async move {
            let (agent, object) = self.read().await?;
            // An operation that has not begun there is not one that has ended.
            let began = told.before.as_ref().is_none_or(|it| *it != began(&object));
            let done = began && told.order.is_done(&told.stamp, &agent, &object);
            Ok(done.then_some(agent))
        })
        .await
    }

    async fn api(&self, of: &Reference) -> Api<DynamicObject> {
        let resource = custom::served(&self.client, of.0).await;
        Api::namespaced_with(self.client.clone(), &of.1, &resource)
    }

    async fn read(&self) -> Result<(AgentObject, Value), Unseen> {
        let found = self.api(&self.of).await.get(&self.of.2).await;
        let found = found.map_err(|error| Unseen::new(&Self::shown(&self.of), &error))?;
        let object = serde_json::to_value(found);
        let object = object.map_err(|error| Unseen::odd(error.to_string()))?;
        let agent = agent::read(self.of.0, &object);
        let agent = agent.ok_or_else(|| Unseen::odd("its object has no name"))?;
        Ok((agent, object))
    }

    async fn patch(&self, of: &Reference, patch: &Value) -> Result<(), String> {
        let api = self.api(of).await;
        let parameters = PatchParams::default();
        let patched = api.patch(&of.2, &parameters, &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| Self::words(of, &error))
    }

    fn shown((kind, namespace, name): &Reference) -> String {
        format!("{kind} {namespace}/{name}")
    }

    fn words(of: &Reference, error: &kube::Error) -> String {
        Unseen::new(&Self::shown(of), error).why
    }
}

/// When the last operation of an Application began; `None`: there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Began(Option<String>);

/// As its object says it.
fn began(object: &Value) -> Began {
    let began = object.pointer("/status/operationState/startedAt");
    Began(began.and_then(Value::as_str).map(str::to_owned))
}
