//! What history says of the places of services that have several: how often each was changed since the service is there.
//!
//! A commit of the landed line changes a place where it gives an environment another value than before; or brings an
//! environment, with a value that no other has in that place. A place that came, or went, was not changed. Several refs are
//! counted together by the values that came, not by the commits: a merge brings what another branch has been counted for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Assembler, FileFacts,
    choice::{Field, Places, Row, Standing, Values, join},
    walked::Walked,
};
use crate::domain::{
    ids::{EnvironmentName, RepoPath, ServiceName},
    version::Version,
};

/// What the history of one ref says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    services: Vec<ServicePast>,
    /// Why services that have not begun have not.
    cut: Option<Cut>,
}

/// Why history was not read to where a service began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    /// It goes on for longer than anybody looks: the same in every clone.
    Window,
    /// What is older is not known here, and may be elsewhere.
    Unknown(Unknown),
}

/// Why a part of history is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Such as "history is cut off here".
    pub why: String,
    /// What to do about it, such as a command.
    pub next: String,
    /// What it takes to know it.
    pub takes: Takes,
}

/// What it takes to know what is not known of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Takes {
    /// A ref that is not here.
    Ref,
    /// What is below the commits at which a shallow clone is cut off.
    Depth,
    /// Objects that cannot be read here: they can come without any other sign of it.
    Objects,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServicePast {
    row: Row,
    /// What its places said when it came; `None`: history was not read so far.
    began: Option<Vec<(Field, Said)>>,
    changes: Vec<(Field, Changes)>,
}

/// What a place said, by environment.
pub(super) type Said = Vec<(EnvironmentName, BTreeSet<Version>)>;

/// How a place changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changes {
    commits: usize,
    /// The values that came.
    values: BTreeSet<Version>,
    /// In how many of the commits another place got the same.
    along: Vec<(Field, usize)>,
}

impl Changes {
    fn along(&self, field: &Field) -> usize {
        let known = self.along.iter().find(|(known, _)| known == field);
        known.map_or(0, |(_, commits)| *commits)
    }

    pub(super) fn add(&mut self, came: &Values) {
        self.commits += 1;
        self.values.extend(came.values().flatten().cloned());
    }

    pub(super) fn add_along(&mut self, field: &Field) {
        match self.along.iter_mut().find(|(known, _)| known == field) {
            Some((_, commits)) => *commits += 1,
            None => self.along.push((field.clone(), 1)),
        }
    }
}

impl ServicePast {
    /// Nothing of it was seen.
    pub(super) fn of(row: Row) -> Self {
        Self {
            row,
            began: None,
            changes: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, said: Vec<(Field, Said)>) {
        self.began = Some(said);
    }

    pub(super) fn change(&mut self, field: Field, changes: Changes) {
        self.changes.push((field, changes));
    }

    /// Whether history was not read to where it began.
    pub(super) fn is_open(&self) -> bool {
        self.began.is_none()
    }
}

impl Past {
    pub(super) fn of(services: Vec<ServicePast>, cut: Option<Cut>) -> Self {
        Self { services, cut }
    }

    /// Nothing is known of these services.
    pub fn unknown(rows: impl IntoIterator<Item = Row>, why: Unknown) -> Self {
        let services = rows.into_iter().map(ServicePast::of);
        Self {
            services: services.collect(),
            cut: Some(Cut::Unknown(why)),
        }
    }

    /// What it takes to know the rest of it; `None` where nothing is lacking here.
    pub fn takes(&self) -> Option<Takes> {
        match &self.cut {
            Some(Cut::Unknown(unknown)) => Some(unknown.takes),
            Some(Cut::Window) | None => None,
        }
    }
}

/// The histories of all refs, by service.
pub(super) struct Pasts<'a>(BTreeMap<&'a Row, Vec<(&'a ServicePast, Option<&'a Cut>)>>);

/// What all histories of a service say together.
pub(super) struct Together<'a> {
    of: &'a [(&'a ServicePast, Option<&'a Cut>)],
    /// What its places said when it came.
    pub(super) began: Places,
    /// Why that is not known.
    pub(super) cut: Option<&'a Cut>,
}

impl<'a> Pasts<'a> {
    pub(super) fn of(pasts: &'a [Past]) -> Self {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for past in pasts {
            for service in &past.services {
                let cut = past.cut.as_ref().filter(|_| service.began.is_none());
                all.entry(&service.row).or_default().push((service, cut));
            }
        }
        Self(all)
    }

    pub(super) fn get(&self, row: &Row) -> Option<Together<'_>> {
        let of = self.0.get(row)?;
        let mut began = Places::new();
        for (past, _) in of {
            for (field, values) in past.began.iter().flatten() {
                let values = values.iter().cloned().collect();
                join(&mut began, &Places::from([(field.clone(), values)]));
            }
        }
        let mut cuts = of.iter().filter_map(|(_, cut)| *cut);
        let unknown = cuts.clone().find(|cut| matches!(cut, Cut::Unknown(_)));
        Some(Together {
            of,
            began,
            cut: unknown.or_else(|| cuts.next()),
        })
    }
}

impl Together<'_> {
    /// How often a place was changed.
    pub(super) fn changes(&self, field: &Field) -> usize {
        let known = self.of.iter().flat_map(|(past, _)| &past.changes);
        let known = known.filter_map(|(known, changes)| (known == field).then_some(changes));
        if self.of.len() < 2 {
            return known.map(|changes| changes.commits).sum();
        }
        let values: BTreeSet<&Version> = known.flat_map(|changes| &changes.values).collect();
        values.len()
    }

    /// How often `one` was changed without `other` getting the same. Of several refs it is not known which changes were one.
    pub(super) fn apart(&self, one: &Field, other: &Field) -> usize {
        let along: usize = match self.of {
            [(past, _)] => {
                let known = past.changes.iter().filter(|(known, _)| known == one);
                known.map(|(_, changes)| changes.along(other)).sum()
            }
            _ => 0,
        };
        self.changes(one).saturating_sub(along)
    }
}

/// Counts, from tree to older tree.
pub struct Tally {
    assembler: Assembler,
    /// The cells of a service, of as many cells as were looked at.
    cells: HashMap<ServiceName, Vec<usize>>,
    looked_at: usize,
    services: BTreeMap<Row, Counted>,
    /// Those of `services` that a name is in.
    rows: HashMap<ServiceName, Vec<Row>>,
    /// How many have not begun.
    open: usize,
    walked: Walked,
}

/// A service that is followed.
struct Counted {
    /// What its places say at the tree where the count is.
    now: Places,
    has_begun: bool,
}

impl Tally {
    /// Begins at the tree in `assembler`, for the services of `rows` that are there.
    pub fn new(assembler: Assembler, rows: &BTreeSet<Row>) -> Self {
        let standing = Standing::of(&assembler).rows.into_iter();
        let services: BTreeMap<Row, Counted> = standing
            .filter(|(row, _)| rows.contains(row))
            .map(|(row, now)| {
                let counted = Counted {
                    now,
                    has_begun: false,
                };
                (row, counted)
            })
            .collect();
        let mut by_name: HashMap<ServiceName, Vec<Row>> = HashMap::new();
        for row in services.keys() {
            by_name.entry(row.1.clone()).or_default().push(row.clone());
        }
        Self {
            assembler,
            cells: HashMap::new(),
            looked_at: 0,
            open: services.len(),
            rows: by_name,
            walked: Walked::of(services.keys().cloned().collect()),
            services,
        }
    }

    /// Whether every service has been followed to where it began.
    pub fn is_done(&self) -> bool {
        self.open == 0
    }

    /// Whether an older walk followed every service that has not begun yet.
    pub fn fits(&self, older: &Walked) -> bool {
        let open = self.services.iter().filter(|(_, it)| !it.has_begun);
        older.has(&open.map(|(row, _)| row.clone()).collect())
    }

    /// Moves to the tree of a commit's first parent, in which these files, of `differ` that differ, say this (`None`: they
    /// are not there).
    pub fn enter(&mut self, files: Vec<(RepoPath, Option<Arc<FileFacts>>)>, differ: usize) {
        self.walked.next(differ);
        let mut touched = BTreeSet::new();
        for (path, facts) in files {
            touched.extend(self.assembler.services_of(&path));
            self.assembler.update(path.clone(), facts);
            touched.extend(self.assembler.services_of(&path));
        }
        for service in touched {
            let Some(rows) = self.rows.get(&service).cloned() else {
                continue;
            };
            let mut before = self.standing(&service);
            for row in rows {
                let before = before.rows.remove(&row).unwrap_or_default();
                let counted = self.services.get_mut(&row);
                if let Some(counted) = counted.filter(|counted| !counted.has_begun)
                    && counted.enter(&row, before, &mut self.walked)
                {
                    self.open -= 1;
                }
            }
        }
    }

    /// What the places of a service say where the count is.
    fn standing(&mut self, service: &ServiceName) -> Standing {
        for at in self.looked_at..self.assembler.cells.len() {
            let service = self.assembler.cells[at].key.service.clone();
            self.cells.entry(service).or_default().push(at);
        }
        self.looked_at = self.assembler.cells.len();
        let mut standing = Standing::default();
        for at in self.cells.get(service).into_iter().flatten() {
            standing.add(&self.assembler, *at);
        }
        standing
    }

    /// What was seen; `cut` says why services that have not begun have not.
    pub fn end(self, cut: Option<Cut>) -> Walked {
        self.walked.ended(cut.filter(|_| self.open > 0))
    }
}

impl Counted {
    /// Moves to an older tree in which its places say this; whether it began with the tree that was left.
    fn enter(&mut self, row: &Row, before: Places, walked: &mut Walked) -> bool {
        let after = std::mem::replace(&mut self.now, before);
        if self.now.is_empty() {
            self.has_begun = true;
            walked.began(row, after);
            return true;
        }
        let mut changed_now: Vec<(Field, Values)> = Vec::new();
        for (field, values) in after {
            let Some(before) = self.now.get(&field) else {
                continue;
            };
            let anywhere: BTreeSet<&Version> = before.values().flatten().collect();
            let mut came = Values::new();
            let mut changed = false;
            for (environment, versions) in values {
                let new: BTreeSet<Version> = match before.get(&environment) {
                    Some(before) if *before == versions => continue,
                    Some(before) => {
                        changed = true;
                        versions.difference(before).cloned().collect()
                    }
                    None => {
                        let mut new = versions;
                        new.retain(|it| !anywhere.contains(it));
                        new
                    }
                };
                if !new.is_empty() {
                    came.insert(environment, new);
                }
            }
            if changed || !came.is_empty() {
                changed_now.push((field, came));
            }
        }
        if !changed_now.is_empty() {
            walked.changed(row, changed_now);
        }
        false
    }
}
