//! What many namespaces have none of: there are thousands, and each of them has the room of what it has.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    agents::Agents,
    companion::{CompanionKind, CompanionObject},
    needs::{HeldKind, Presence},
    object::{CanaryObject, ObjectKind, WorkloadState},
    owned::Owned,
};

/// The objects of one namespace that are of kinds which many have none of.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    pub(super) jobs: Owned<WorkloadState>,
    pub(super) canaries: BTreeMap<String, CanaryObject>,
    companions: BTreeMap<(CompanionKind, String), CompanionObject>,
    /// The names of companions by what they are about.
    about: BTreeMap<(CompanionKind, String), BTreeSet<String>>,
    /// What was asked for by its name, and what was said of it.
    pub(super) held: BTreeMap<(HeldKind, String), Presence>,
    pub(super) agents: Agents,
}

impl Rare {
    /// Forgets every object of a kind.
    pub(super) fn clear(&mut self, kind: ObjectKind) {
        match kind {
            ObjectKind::Job => self.jobs = Owned::default(),
            ObjectKind::Canary => self.canaries.clear(),
            ObjectKind::Companion(kind) => {
                self.companions.retain(|(of, _), _| *of != kind);
                self.about.retain(|(of, _), _| *of != kind);
            }
            ObjectKind::Agent(kind) => self.agents.clear(kind),
            _ => {}
        }
    }

    /// Forgets one object.
    pub(super) fn remove(&mut self, kind: ObjectKind, name: &str) {
        match kind {
            ObjectKind::Job => self.jobs.remove(name),
            ObjectKind::Canary => {
                self.canaries.remove(name);
            }
            ObjectKind::Companion(kind) => self.forget_companion(kind, name),
            ObjectKind::Agent(kind) => self.agents.remove(kind, name),
            _ => {}
        }
    }

    /// This companion is so now.
    pub(super) fn insert_companion(&mut self, object: CompanionObject) {
        self.forget_companion(object.kind, &object.name);
        let about = (object.kind, object.about.clone());
        let names = self.about.entry(about).or_default();
        names.insert(object.name.clone());
        let key = (object.kind, object.name.clone());
        self.companions.insert(key, object);
    }

    fn forget_companion(&mut self, kind: CompanionKind, name: &str) {
        let Some(before) = self.companions.remove(&(kind, name.to_owned())) else {
            return;
        };
        let about = (kind, before.about);
        if let Some(names) = self.about.get_mut(&about) {
            names.remove(name);
            if names.is_empty() {
                self.about.remove(&about);
            }
        }
    }

    /// The companion of a kind and name.
    pub(super) fn companion(&self, kind: CompanionKind, name: &str) -> Option<&CompanionObject> {
        self.companions.get(&(kind, name.to_owned()))
    }

    /// The companions of a kind that are about this, in the order of their names.
    pub(super) fn companions_of(
        &self,
        kind: CompanionKind,
        about: &str,
    ) -> impl Iterator<Item = &CompanionObject> + use<'_> {
        let names = self.about.get(&(kind, about.to_owned()));
        let names = names.into_iter().flatten();
        names.filter_map(move |name| self.companion(kind, name))
    }
}
