//! Plays what stands between Git and running pods: an agent that applies what the remote's branch declares, and the
//! controllers and kubelets of each cluster.

mod canary;
mod cluster;
mod conditions;
mod events;
mod manifests;
mod manual;
mod objects;
mod pods;
mod replicas;
mod reports;
mod rollout;
mod secrets;
mod sets;

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use git2::{Oid, Repository};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use self::{cluster::Cluster, manifests::Declared, reports::resources};
use super::{seed::Seeded, server::Store};

/// What happened less than this before the demo began, the agent has not seen yet.
const UNSEEN: SignedDuration = SignedDuration::from_secs(90);
/// What happened less than this before is lived through, with its events; what is older is only remembered.
const RECENT: SignedDuration = SignedDuration::from_mins(30);

/// One environment's agent with its cluster.
pub struct Agent {
    environment: String,
    remote: Repository,
    cluster: Cluster,
    applied: Option<Oid>,
    declared: BTreeMap<String, Declared>,
    /// The commit that was last applied of each service.
    commits: BTreeMap<String, Oid>,
    /// The store's version when what agents are told was last looked at.
    looked: u64,
    /// A new commit that is applied when its time has come: agents do not see a push at once.
    waiting: Option<(Oid, Timestamp)>,
    /// What the Application that waits for somebody has applied.
    manual: manual::Manual,
    speed: f64,
}

impl Agent {
    /// An agent for `environment` that rolls out what `main` of the bare repository `remote` declares to `store`.
    /// `images` can be pulled; empty: all.
    ///
    /// # Errors
    /// Where the remote cannot be opened.
    pub fn new(
        remote: &Path,
        environment: &str,
        store: Store,
        speed: f64,
        images: HashSet<String>,
    ) -> Result<Self, git2::Error> {
        Ok(Self {
            cluster: Cluster::new(store, environment, speed, images),
            environment: environment.to_owned(),
            remote: Repository::open_bare(remote)?,
            applied: None,
            declared: BTreeMap::new(),
            commits: BTreeMap::new(),
            looked: 0,
            waiting: None,
            manual: manual::Manual::default(),
            speed,
        })
    }

    /// Gives the cluster the past that the seeded history tells, up to `now`.
    ///
    /// # Errors
    /// Where the seeded repository cannot be read.
    pub fn remember(&mut self, seeded: &Seeded, now: Timestamp) -> Result<(), git2::Error> {
        self.declared = manifests::read(
            &self.remote,
            seeded.tip,
            &self.environment,
            &BTreeMap::new(),
        )?;
        let all = self.declared.len();
        let seen = now.saturating_sub(UNSEEN).unwrap_or(now);
        let recent = now.saturating_sub(RECENT).unwrap_or(now);
        let mut late = Vec::new();
        for cell in seeded
            .cells
            .iter()
            .filter(|c| c.environment == self.environment)
        {
            let Some(object) = self.declared.get(cell.service).map(|d| d.object.clone()) else {
                continue;
            };
            let declare = |version: &str| with_version(&object, version);
            let mut old = cell
                .values
                .partition_point(|(_, time)| *time < recent)
                .max(1);
            if self.is_paused(cell.service) || self.is_waiting(cell.service) {
                old = cell.values.len() - 1;
            }
            let first = old.saturating_sub(4);
            self.cluster.remember(&declare, &cell.values[first..old]);
            for (version, time) in &cell.values[old..] {
                if *time < seen {
                    late.push((*time, declare(version)));
                } else {
                    self.declared.remove(cell.service);
                }
            }
        }
        self.surprises(&seeded.outside, now);
        late.sort_by_key(|(time, _)| *time);
        let mut from = recent;
        for (time, object) in late {
            self.cluster.pass(from, time);
            self.cluster.apply(&object, time);
            from = time.max(from);
        }
        self.cluster.pass(from, now);
        if self.declared.len() == all {
            self.applied = Some(seeded.tip);
        }
        for service in self.declared.keys() {
            self.commits.insert(service.clone(), seeded.tip);
            if manual::is_manual(&self.environment, service) {
                let cell = (self.environment.as_str(), service.as_str());
                self.manual = manual::Manual::remember(&self.remote, seeded.tip, cell)?;
            }
        }
        reports::source(self.cluster.store(), &self.environment, seeded.tip, now);
        self.report(now);
        Ok(())
    }

    /// Somebody paused this rollout by hand, before the last version came.
    fn is_paused(&self, service: &str) -> bool {
        self.environment == "staging" && service == "mailer"
    }

    /// The last version of this one came as a canary, and waits since.
    fn is_waiting(&self, service: &str) -> bool {
        self.environment == "prod-us" && service == "storefront"
    }

    /// What people did to the clusters by hand: a hotfix that Git does not know, and a rollout that somebody paused.
    fn surprises(&self, registry: &str, now: Timestamp) {
        let store = self.cluster.store();
        secrets::plant(store, &self.environment, now);
        let image = "/spec/template/spec/containers/0/image";
        if self.environment == "prod-us" {
            let hotfix = format!("{registry}/mailer:2.0.3-hotfix.1");
            store.edit("deployments", "shop-mailer", "mailer", |object| {
                if let Some(image) = object.pointer_mut(image) {
                    *image = json!(hotfix);
                }
                object["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!(format!(
                    "kubectl set image deployment/mailer mailer={hotfix}"
                ));
            });
        }
        if self.is_paused("mailer") {
            store.edit("deployments", "mailer", "mailer", |object| {
                object["spec"]["paused"] = json!(true);
            });
        }
    }

    /// Looks at the branch, and lets the cluster do what is due; the answer is when something is due next.
    ///
    /// # Errors
    /// Where the remote cannot be read; it is tried again at the next call.
    pub fn step(&mut self, now: Timestamp) -> Result<Option<Timestamp>, git2::Error> {
        let tip = self.remote.refname_to_id("refs/heads/main")?;
        if self.applied != Some(tip) && self.waiting.is_none_or(|(commit, _)| commit != tip) {
            let delay = 600 + 250 * i64::from(tip.as_bytes()[0] % 4);
            self.waiting = Some((tip, pods::scaled(now, delay, self.speed)));
        }
        if let Some((commit, time)) = self.waiting.filter(|(_, time)| *time <= now) {
            self.waiting = None;
            self.sync(commit, time)?;
        }
        self.obey(now)?;
        let due = self.cluster.step(now);
        let waiting = self.waiting.map(|(_, time)| time);
        Ok([due, waiting].into_iter().flatten().min())
    }

    /// Applies what changed in Git since the last time; what people did to the cluster elsewhere stays.
    fn sync(&mut self, commit: Oid, now: Timestamp) -> Result<(), git2::Error> {
        let declared = manifests::read(&self.remote, commit, &self.environment, &self.declared)?;
        let store = self.cluster.store().clone();
        let mut applied = BTreeMap::new();
        for (service, new) in declared {
            let old = self.declared.remove(&service);
            if reports::is_suspended(&store, &self.environment, &service) {
                applied.extend(old.map(|old| (service, old)));
                continue;
            }
            if manual::is_manual(&self.environment, &service)
                && let Some(old) = old
            {
                // It is compared, and waits for somebody.
                self.manual.behind = old.object != new.object;
                if !self.manual.behind {
                    self.commits.insert(service.clone(), commit);
                }
                applied.insert(service, old);
                continue;
            }
            if old.is_none_or(|old| old.object != new.object) {
                self.cluster.apply(&new.object, now);
            }
            self.commits.insert(service.clone(), commit);
            applied.insert(service, new);
        }
        self.declared = applied;
        self.applied = Some(commit);
        reports::source(&store, &self.environment, commit, now);
        self.report(now);
        Ok(())
    }

    /// Does what somebody told an agent's object to do.
    fn obey(&mut self, now: Timestamp) -> Result<(), git2::Error> {
        let store = self.cluster.store().clone();
        if store.version() == self.looked {
            return Ok(());
        }
        // What is asked for while this is done is looked at the next time.
        self.looked = store.version();
        let Some(commit) = self.applied else {
            return Ok(());
        };
        let mut again = false;
        let mut asked = Vec::new();
        for (service, object) in reports::all(&store, &self.environment) {
            let is_asked = reports::is_asked(&object);
            if manual::is_manual(&self.environment, &service) {
                if object["operation"].is_object() {
                    self.sync_by_hand(&service, &object, commit, now);
                }
            } else {
                let suspended = object["spec"]["suspend"] == true;
                // One that was resumed is behind; one that is asked puts back what people changed.
                let behind = self.commits.get(&service).is_some_and(|it| *it != commit);
                if !suspended && (is_asked || behind) {
                    if is_asked {
                        self.declared.remove(&service);
                    }
                    again = true;
                }
            }
            asked.extend(is_asked.then_some(object));
        }
        if again {
            self.sync(commit, now)?;
        } else {
            self.report(now);
        }
        // Only then: whoever waits for its end reads what came of it.
        for object in asked {
            reports::done(&store, &self.environment, &object);
        }
        Ok(())
    }

    /// Applies what somebody asked for: a revision of the history, or what Git has at `commit`.
    fn sync_by_hand(&mut self, service: &str, object: &Value, commit: Oid, now: Timestamp) {
        let wanted = object.pointer("/operation/sync/revision");
        let wanted = wanted.and_then(|it| Oid::from_str(it.as_str()?).ok());
        let wanted = wanted.unwrap_or(commit);
        let at = |commit| {
            let all = manifests::read(&self.remote, commit, &self.environment, &BTreeMap::new());
            all.ok()?.remove(service)
        };
        // A revision that there is not changes nothing.
        let Some(new) = at(wanted) else { return };
        let newest = at(commit);
        self.manual.behind = newest.is_none_or(|newest| newest.object != new.object);
        self.manual.push(wanted, now);
        self.cluster.apply(&new.object, now);
        self.commits.insert(service.to_owned(), wanted);
        self.declared.insert(service.to_owned(), new);
    }

    /// Has each service's agent say how far it has got.
    fn report(&self, now: Timestamp) {
        let store = self.cluster.store();
        for (service, declared) in &self.declared {
            let meta = &declared.object["metadata"];
            let plural = format!(
                "{}s",
                objects::text(&declared.object["kind"]).to_lowercase()
            );
            let (namespace, name) = (
                objects::text(&meta["namespace"]),
                objects::text(&meta["name"]),
            );
            let image = "/spec/template/spec/containers/0/image";
            let there = store.get(&plural, namespace, name);
            let there = there.as_ref().and_then(|it| it.pointer(image));
            let seen = reports::Seen {
                service,
                environment: &self.environment,
                object: &declared.object,
                applied: self.commits.get(service).copied(),
                same: there == declared.object.pointer(image),
                tip: self.applied,
                manual: manual::is_manual(&self.environment, service).then_some(&self.manual),
            };
            reports::write(store, &seen, self.is_paused(service), now);
        }
    }
}

/// The object with another version of its one image.
fn with_version(object: &Value, version: &str) -> Value {
    let mut object = object.clone();
    if let Some(image) = object.pointer_mut("/spec/template/spec/containers/0/image") {
        let name = image
            .as_str()
            .and_then(|i| i.rsplit_once(':'))
            .map_or("", |(name, _)| name);
        *image = json!(format!("{name}:{version}"));
    }
    object
}

#[cfg(test)]
mod tests;
