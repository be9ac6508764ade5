//! Objects by name, with an index by who made them. A namespace mostly has one or two of a kind, and a fleet has thousands of
//! namespaces: no tree is kept for them, whose nodes have room for eleven.

use super::object::{ObjectKind, Owner, PodObject, ReplicaSetState, WorkloadState};

/// Up to so many take no more room than they need.
const FEW: usize = 4;

/// What something may have made.
pub(super) trait Made {
    fn name(&self) -> &str;
    fn owner(&self) -> Option<&Owner>;
}

impl Made for WorkloadState {
    fn name(&self) -> &str {
        &self.name
    }

    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

impl Made for ReplicaSetState {
    fn name(&self) -> &str {
        &self.name
    }

    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

impl Made for PodObject {
    fn name(&self) -> &str {
        &self.name
    }

    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

/// The objects of a kind, or of several, in the order of their names.
#[derive(Clone, Debug)]
pub(super) struct Owned<T> {
    by_name: Vec<Box<T>>,
    /// In the order of the owners, each with the names of what it made, in order.
    by_owner: Vec<(Option<Owner>, Vec<Box<str>>)>,
}

impl<T> Default for Owned<T> {
    fn default() -> Self {
        Self {
            by_name: Vec::new(),
            by_owner: Vec::new(),
        }
    }
}

impl<T: Made> Owned<T> {
    pub(super) fn insert(&mut self, object: Box<T>) {
        let name = object.name();
        match self.place(name) {
            Ok(at) if self.by_name[at].owner() == object.owner() => self.by_name[at] = object,
            Ok(_) => {
                let name = name.to_owned();
                self.remove(&name);
                self.insert(object);
            }
            Err(at) => {
                let of = self
                    .by_owner
                    .binary_search_by(|(of, _)| of.as_ref().cmp(&object.owner()));
                let of = of.unwrap_or_else(|at| {
                    add(
                        &mut self.by_owner,
                        at,
                        (object.owner().cloned(), Vec::new()),
                    );
                    at
                });
                let names = &mut self.by_owner[of].1;
                if let Err(at) = names.binary_search_by(|it| (**it).cmp(name)) {
                    add(names, at, name.into());
                }
                add(&mut self.by_name, at, object);
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        let Ok(at) = self.place(name) else {
            return;
        };
        let object = self.by_name.remove(at);
        let of = self.owners(object.owner());
        if let Ok(of) = of {
            let names = &mut self.by_owner[of].1;
            names.retain(|it| **it != *name);
            if names.is_empty() {
                self.by_owner.remove(of);
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        let at = self.place(name).ok()?;
        self.by_name.get(at).map(|it| &**it)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.by_name.iter().map(|it| &**it)
    }

    /// What this has made; `None`: what nothing has made.
    pub(super) fn of(&self, owner: Option<&Owner>) -> impl Iterator<Item = &T> + use<'_, T> {
        let of = self.owners(owner).ok();
        let names = of.and_then(|at| self.by_owner.get(at));
        let names = names.into_iter().flat_map(|(_, names)| names);
        names.filter_map(|name| self.get(name))
    }

    /// The `ReplicaSets` whose names begin like this, which have made something here, each with the names of that.
    pub(super) fn of_sets(&self, prefix: &str) -> impl Iterator<Item = (&str, &[Box<str>])> {
        let kind = ObjectKind::ReplicaSet.as_str();
        let is_before = |of: &Option<Owner>| {
            let of = of.as_ref().map(|of| (of.kind.as_str(), of.name.as_str()));
            of < Some((kind, prefix))
        };
        let first = self.by_owner.partition_point(|(of, _)| is_before(of));
        let rest = self.by_owner.get(first..).unwrap_or_default().iter();
        rest.map_while(move |(of, names)| {
            let of = of.as_ref().filter(|of| of.kind == kind)?;
            of.name
                .starts_with(prefix)
                .then_some((of.name.as_str(), &names[..]))
        })
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|it| it.name().cmp(name))
    }

    fn owners(&self, owner: Option<&Owner>) -> Result<usize, usize> {
        self.by_owner
            .binary_search_by(|(of, _)| of.as_ref().cmp(&owner))
    }
}

fn add<T>(all: &mut Vec<T>, at: usize, one: T) {
    if all.len() < FEW {
        all.reserve_exact(1);
    }
    all.insert(at, one);
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixtures::{owner, pod};
    use super::*;

    fn names<'a>(all: impl Iterator<Item = &'a PodObject>) -> Vec<&'a str> {
        all.map(|pod| pod.name.as_str()).collect()
    }

    #[test]
    fn objects_are_found_by_name_and_by_who_made_them() {
        let mut pods = Owned::default();
        for (name, set) in [
            ("c", "web-2"),
            ("a", "web-1"),
            ("b", "web-2"),
            ("d", "webhook-1"),
            ("e", "we-1"),
        ] {
            pods.insert(Box::new(pod(name, set, "1.0")));
        }
        let alone = PodObject {
            owner: None,
            ..pod("f", "", "1.0")
        };
        pods.insert(Box::new(alone));
        let of = |name: &str| owner("ReplicaSet", name);
        assert_eq!(names(pods.all()), ["a", "b", "c", "d", "e", "f"]);
        assert_eq!(names(pods.of(Some(&of("web-2")))), ["b", "c"]);
        assert_eq!(names(pods.of(None)), ["f"]);
        let sets: Vec<_> = pods.of_sets("web-").map(|(set, _)| set).collect();
        assert_eq!(sets, ["web-1", "web-2"]);

        // One that is made by another now, and one that changes.
        pods.insert(Box::new(pod("b", "web-1", "1.0")));
        pods.insert(Box::new(pod("b", "web-1", "2.0")));
        assert_eq!(names(pods.of(Some(&of("web-1")))), ["a", "b"]);
        assert_eq!(names(pods.of(Some(&of("web-2")))), ["c"]);
        pods.remove("c");
        pods.remove("c");
        assert_eq!(names(pods.of(Some(&of("web-2")))), Vec::<&str>::new());
        assert!(pods.get("c").is_none() && pods.get("b").is_some());
        assert_eq!(names(pods.all()), ["a", "b", "d", "e", "f"]);
    }
}
