//! The objects of one namespace, found by name and by who made them.

use std::collections::{BTreeMap, BTreeSet};

use super::object::{ClusterObject, ObjectKind, Owner, PodObject, ReplicaSetState, WorkloadState};

/// What the server answered when asked for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The list, perhaps empty.
    Listed,
    /// 403, with the server's words.
    Denied(String),
    /// 404: it does not know the kind.
    Absent,
}

/// The objects of one namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespace {
    pub(super) answers: BTreeMap<ObjectKind, Answer>,
    workloads: BTreeMap<(ObjectKind, String), WorkloadState>,
    sets: Owned<ReplicaSetState>,
    pods: Owned<PodObject>,
}

impl Namespace {
    /// Whether every kind has been answered for.
    pub(super) fn answered(&self) -> bool {
        self.answers.len() == ObjectKind::ALL.len()
    }

    /// The server's words where one of `kinds` may not be seen.
    pub(super) fn denied(&self, kinds: &[ObjectKind]) -> Option<&str> {
        kinds.iter().find_map(|kind| match self.answers.get(kind)? {
            Answer::Denied(what) => Some(what.as_str()),
            Answer::Listed | Answer::Absent => None,
        })
    }

    /// Forgets every object of a kind.
    pub(super) fn clear(&mut self, kind: ObjectKind) {
        match kind {
            ObjectKind::ReplicaSet => self.sets = Owned::default(),
            ObjectKind::Pod => self.pods = Owned::default(),
            _ => self.workloads.retain(|(of, _), _| *of != kind),
        }
    }

    pub(super) fn insert(&mut self, object: ClusterObject) {
        match object {
            ClusterObject::Workload(workload) => {
                let key = (workload.kind, workload.name.clone());
                self.workloads.insert(key, *workload);
            }
            ClusterObject::ReplicaSet(set) => {
                self.sets.insert(set.name.clone(), set.owner.clone(), *set);
            }
            ClusterObject::Pod(pod) => {
                self.pods.insert(pod.name.clone(), pod.owner.clone(), *pod);
            }
        }
    }

    pub(super) fn remove(&mut self, kind: ObjectKind, name: &str) {
        match kind {
            ObjectKind::ReplicaSet => self.sets.remove(name),
            ObjectKind::Pod => self.pods.remove(name),
            _ => {
                self.workloads.remove(&(kind, name.to_owned()));
            }
        }
    }

    /// Workloads in the order of kind and name.
    pub(super) fn workloads(&self) -> impl Iterator<Item = &WorkloadState> {
        self.workloads.values()
    }

    /// The workload of a kind and name.
    pub(super) fn workload(&self, kind: ObjectKind, name: &str) -> Option<&WorkloadState> {
        self.workloads.get(&(kind, name.to_owned()))
    }

    /// Every pod.
    pub(super) fn pods(&self) -> impl Iterator<Item = &PodObject> {
        self.pods.by_name.values().map(|(_, pod)| pod)
    }

    /// The `ReplicaSets` that a Deployment made.
    pub(super) fn sets_of<'a>(
        &'a self,
        workload: &WorkloadState,
    ) -> impl Iterator<Item = &'a ReplicaSetState> + use<'a> {
        self.sets.of(Some(&owner(workload.kind, &workload.name)))
    }

    /// The pods of a workload: by who made them; those that nobody made, by its selector.
    pub(super) fn pods_of(&self, workload: &WorkloadState) -> Vec<&PodObject> {
        let mut pods: Vec<&PodObject> = Vec::new();
        if workload.kind == ObjectKind::Deployment {
            for set in self.sets_of(workload) {
                let owner = owner(ObjectKind::ReplicaSet, &set.name);
                pods.extend(self.pods.of(Some(&owner)));
            }
            // Where ReplicaSets may not be listed, or one has not arrived yet, its name tells whose it is.
            let prefix = format!("{}-", workload.name);
            let first = Some(owner(ObjectKind::ReplicaSet, &prefix));
            for (owner, names) in self.pods.by_owner.range(first..) {
                let Some(hash) = owner
                    .as_ref()
                    .filter(|owner| owner.kind == "ReplicaSet")
                    .and_then(|owner| owner.name.strip_prefix(&prefix))
                else {
                    break;
                };
                if !hash.contains('-')
                    && !self.sets.by_name.contains_key(&format!("{prefix}{hash}"))
                {
                    pods.extend(names.iter().filter_map(|name| self.pods.get(name)));
                }
            }
        } else {
            pods.extend(self.pods.of(Some(&owner(workload.kind, &workload.name))));
        }
        pods.extend(
            self.pods
                .of(None)
                .filter(|pod| workload.selector.matches(&pod.labels)),
        );
        pods
    }
}

fn owner(kind: ObjectKind, name: &str) -> Owner {
    Owner {
        kind: kind.as_str().to_owned(),
        name: name.to_owned(),
    }
}

/// Objects by name, with an index by owner.
#[derive(Clone, Debug)]
struct Owned<T> {
    by_name: BTreeMap<String, (Option<Owner>, T)>,
    by_owner: BTreeMap<Option<Owner>, BTreeSet<String>>,
}

impl<T> Default for Owned<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_owner: BTreeMap::new(),
        }
    }
}

impl<T> Owned<T> {
    fn insert(&mut self, name: String, owner: Option<Owner>, object: T) {
        self.remove(&name);
        self.by_owner
            .entry(owner.clone())
            .or_default()
            .insert(name.clone());
        self.by_name.insert(name, (owner, object));
    }

    fn remove(&mut self, name: &str) {
        if let Some((owner, _)) = self.by_name.remove(name)
            && let Some(names) = self.by_owner.get_mut(&owner)
        {
            names.remove(name);
            if names.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
    }

    fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name).map(|(_, object)| object)
    }

    fn of(&self, owner: Option<&Owner>) -> impl Iterator<Item = &T> + use<'_, T> {
        let names = self.by_owner.get(&owner.cloned());
        names
            .into_iter()
            .flatten()
            .filter_map(|name| self.get(name))
    }
}
