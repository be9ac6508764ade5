//! The matrix, kept up to date file by file.
//!
//! A file of a layout's own path is a *presence*: a cell exists. Versions contribute to cells from it, or from a fall-back
//! file that agrees with it on every capture they share. A cell's contributions stand in order of preference; the first
//! that declares something is its version. A file that changes takes its contributions away and brings new ones, so that
//! only the cells it touches are looked at again.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    FileFacts, LayoutSet,
    bindings::Bindings,
    choice::field,
    compile::Layout,
    conditions::{Conditions, Side},
    join::{Joins, Presence, Rank},
    set::{LayoutFacts, Role},
};
use crate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath, ServiceName},
    template::Captures,
    version::Version,
};

/// Which ref a file was read from, where environments are refs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The `[[repositories]]` entry; `None` is the main repository.
    pub repository: Option<Arc<str>>,
    /// Index into [`LayoutSet::ref_templates`]; `None` is the one ref that holds every environment.
    pub refs: Option<usize>,
    /// What the ref's name captured.
    pub captures: Captures,
}

/// The matrix, kept up to date file by file: for reading a commit and for walking a history.
#[derive(Debug)]
pub struct Assembler {
    pub(super) layouts: Arc<LayoutSet>,
    pub(super) environments: Vec<EnvironmentName>,
    pub(super) origins: Vec<(Origin, Bindings)>,
    pub(super) files: Vec<FileSlot>,
    file_index: HashMap<(usize, RepoPath), usize>,
    pub(super) cells: Vec<Cell>,
    cell_index: HashMap<CellKey, usize>,
    /// Names of rows and columns, each once: many cells share them.
    names: HashSet<Arc<str>>,
    /// Room for the names that are made of what a file captured.
    scratch: (String, String),
    joins: Joins,
    conditions: Conditions,
    /// Cells whose version changed since last asked.
    changed: Vec<usize>,
}

/// One file that was seen.
#[derive(Debug)]
pub(super) struct FileSlot {
    pub(super) origin: usize,
    pub(super) path: RepoPath,
    pub(super) facts: Option<Arc<FileFacts>>,
    /// The cells that have a contribution from it or through it.
    cells: BTreeSet<usize>,
}

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) key: CellKey,
    /// In order of preference.
    pub(super) contributions: Vec<Contribution>,
    version: Option<Version>,
    /// Whether the version changed since last asked.
    changed: bool,
    /// What it was then.
    before: Option<Version>,
}

/// One place that may declare a cell's version.
#[derive(Clone, Debug)]
pub(super) struct Contribution {
    pub(super) rank: Rank,
    /// Why the cell exists.
    pub(super) presence: Presence,
    /// Where the version stands.
    pub(super) source: usize,
    /// Which fact of the source; `None` where it only says that the cell exists.
    pub(super) fact: Option<usize>,
    pub(super) version: Option<Version>,
    pub(super) line: u32,
    /// The source cannot be read.
    pub(super) broken: bool,
    /// Another place is the service's version.
    pub(super) passed_over: bool,
}

impl Assembler {
    /// An empty matrix. `environments` are the declared columns, in order.
    pub fn new(layouts: Arc<LayoutSet>, environments: &[EnvironmentName]) -> Self {
        Self {
            joins: Joins::new(&layouts.layouts),
            layouts,
            environments: environments.to_vec(),
            origins: Vec::new(),
            files: Vec::new(),
            file_index: HashMap::new(),
            cells: Vec::new(),
            cell_index: HashMap::new(),
            names: HashSet::new(),
            scratch: (String::new(), String::new()),
            conditions: Conditions::default(),
            changed: Vec::new(),
        }
    }

    /// The file at `path` appeared, changed, or (`None`) went away. Costs what depends on that file, no more.
    pub fn update(&mut self, path: RepoPath, facts: Option<Arc<FileFacts>>) {
        let origin = self.layouts.origin();
        self.update_at(&origin, path, facts);
    }

    /// The same for a file of another ref or repository.
    pub fn update_at(&mut self, origin: &Origin, path: RepoPath, facts: Option<Arc<FileFacts>>) {
        let Some(file) = self.slot(origin, path, facts.is_some()) else {
            return;
        };
        if self.update_in_place(file, facts.as_ref()) {
            return;
        }
        let layouts = Arc::clone(&self.layouts);
        let slot = self.files[file].origin;
        let (origin, captures) = &self.origins[slot];
        let entries = facts.iter().flat_map(|facts| &facts.entries);
        let met = entries.filter(|entry| {
            let layout = &layouts.layouts[usize::from(entry.layout)];
            entry.role == Role::Condition && is_of(layout, origin)
        });
        let met = met.map(|entry| (usize::from(entry.layout), captures.join(&entry.path)));
        let others = self.conditions.update(&layouts.layouts, slot, file, met);
        self.take_in(file, facts);
        for other in others {
            let facts = self.files[other].facts.clone();
            self.take_in(other, facts);
        }
    }

    /// From now on counts what counts in the tree that is here: a history is that of today's places, whatever stood beside
    /// them then.
    pub fn fix_conditions(&mut self) {
        self.conditions.fix();
    }

    /// The same for a matrix of some files of a tree, of which it is known that they count.
    #[must_use]
    pub fn unconditional(mut self) -> Self {
        self.conditions = Conditions::met();
        self
    }

    /// An empty matrix in which the same counts.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            conditions: self.conditions.fixed(),
            ..Self::new(Arc::clone(&self.layouts), &self.environments)
        }
    }

    /// Takes what a file said away, and brings what it says.
    fn take_in(&mut self, file: usize, facts: Option<Arc<FileFacts>>) {
        let mut touched = std::mem::take(&mut self.files[file].cells);
        for cell in &touched {
            self.cells[*cell]
                .contributions
                .retain(|known| known.presence.file != file && known.source != file);
        }
        self.joins.forget(file);
        self.conditions.forget(file);
        let layouts = Arc::clone(&self.layouts);
        // A file may be a fall-back of cells that it proves itself: what it says is looked up while it is attached.
        self.files[file].facts.clone_from(&facts);
        if let Some(facts) = &facts {
            for (index, entry) in facts.entries.iter().enumerate() {
                let layout = &layouts.layouts[usize::from(entry.layout)];
                let slot = &self.origins[self.files[file].origin].0;
                if is_of(layout, slot) {
                    self.attach(layout, file, index, entry);
                }
            }
        }
        touched.extend(&self.files[file].cells);
        for cell in touched {
            self.settle(cell);
        }
    }

    /// Most changes of a file are another version in the same place: then names and joins stay as they are.
    fn update_in_place(&mut self, file: usize, facts: Option<&Arc<FileFacts>>) -> bool {
        let slot = &mut self.files[file];
        let (Some(old), Some(new)) = (&slot.facts, facts) else {
            return false;
        };
        if !old.has_shape_of(new) {
            return false;
        }
        let old = Arc::clone(old);
        slot.facts = Some(Arc::clone(new));
        let cells = std::mem::take(&mut slot.cells);
        for cell in &cells {
            let mut differs = false;
            for known in &mut self.cells[*cell].contributions {
                if known.source == file
                    && let Some(at) = known.fact
                {
                    let (entry, _) = known.rank.place();
                    let fact = &new.entries[entry].facts[at];
                    let before = &old.entries[entry].facts[at];
                    if !Arc::ptr_eq(fact, before) && fact != before {
                        known.version.clone_from(&fact.version);
                        known.line = fact.line;
                        known.broken = fact.unread || new.entries[entry].broken;
                        differs = true;
                    }
                }
            }
            // One file may hold hundreds of versions, and most changes are of one.
            if differs {
                self.settle(*cell);
            }
        }
        self.files[file].cells = cells;
        true
    }

    /// The file at `path` of this matrix's own ref has these bytes now; nothing to do where no layout reads it.
    pub fn edit(&mut self, path: &RepoPath, bytes: &[u8]) {
        if self.layouts.wants(path.as_str()) {
            let facts = self.layouts.extract(path, bytes);
            self.update(path.clone(), Some(Arc::new(facts)));
        }
    }

    /// What a cell declares, and the index of the `[[layouts]]` table that gives it; `None` where there is no such cell.
    pub fn declared(&self, key: &CellKey) -> Option<(Option<&Version>, usize)> {
        let cell = &self.cells[*self.cell_index.get(key)?];
        let shown = &cell.contributions[cell.chosen().unwrap_or(0)..].first()?;
        let layout = self.layouts.layouts.get(shown.presence.layout)?;
        Some((cell.version.as_ref(), layout.spec))
    }

    /// Cells whose version changed since last asked: (cell, before, after), in cell order.
    pub fn take_changes(&mut self) -> Vec<(CellKey, Option<Version>, Option<Version>)> {
        let mut changes = Vec::new();
        for index in std::mem::take(&mut self.changed) {
            let cell = &mut self.cells[index];
            cell.changed = false;
            let before = cell.before.take();
            if before != cell.version {
                changes.push((cell.key.clone(), before, cell.version.clone()));
            }
        }
        changes.sort_by(|a, b| a.0.cmp(&b.0));
        changes
    }

    /// The whole matrix.
    pub fn desired(&self, commit: ObjectId) -> Desired {
        super::matrix::desired(self, commit)
    }

    /// The files that decide this cell, own first, then fall-backs, whether they exist or not.
    pub fn depends_on(&self, key: &CellKey) -> Vec<RepoPath> {
        self.cell_index
            .get(key)
            .map(|cell| super::matrix::files(self, &self.cells[*cell]))
            .unwrap_or_default()
    }

    /// The file that the version of this cell is read from.
    pub fn source(&self, key: &CellKey) -> Option<RepoPath> {
        let cell = &self.cells[*self.cell_index.get(key)?];
        let chosen = &cell.contributions[cell.chosen()?];
        Some(self.files[chosen.source].path.clone())
    }

    /// The services that the file at `path` of this matrix's own ref has a part in.
    pub(super) fn services_of(&self, path: &RepoPath) -> BTreeSet<ServiceName> {
        let origin = self.layouts.origin();
        let origin = self.origins.iter().position(|(known, _)| *known == origin);
        let file = origin.and_then(|origin| self.file_index.get(&(origin, path.clone())));
        let cells = file.into_iter().flat_map(|file| &self.files[*file].cells);
        cells
            .map(|cell| self.cells[*cell].key.service.clone())
            .collect()
    }

    fn slot(&mut self, origin: &Origin, path: RepoPath, create: bool) -> Option<usize> {
        let known = self.origins.iter().position(|(known, _)| known == origin);
        let origin = known.unwrap_or_else(|| {
            let captures = origin.captures.iter();
            let bindings = captures
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            self.origins.push((origin.clone(), bindings));
            self.origins.len() - 1
        });
        let key = (origin, path);
        if let Some(known) = self.file_index.get(&key) {
            return Some(*known);
        }
        if !create {
            return None;
        }
        self.files.push(FileSlot {
            origin,
            path: key.1.clone(),
            facts: None,
            cells: BTreeSet::new(),
        });
        self.file_index.insert(key, self.files.len() - 1);
        Some(self.files.len() - 1)
    }

    fn attach(&mut self, layout: &Layout, file: usize, index: usize, entry: &LayoutFacts) {
        let presence = |environment| Presence {
            file,
            entry: index,
            layout: usize::from(entry.layout),
            environment,
        };
        let origin = self.files[file].origin;
        let ref_bindings = self.origins[origin].1.clone();
        let number = usize::from(entry.layout);
        match entry.role {
            Role::Condition => {}
            Role::Level(0) => {
                let presence = presence(None);
                let Some(own) = ref_bindings.join(&entry.path) else {
                    return;
                };
                if !self
                    .conditions
                    .allow(layout, number, origin, file, (Side::Own, &own))
                {
                    return;
                }
                let own_key = self.key(layout, &own);
                let mut own_seen = false;
                for (at, fact) in entry.facts.iter().enumerate() {
                    let raw = ref_bindings.join(&fact.bindings);
                    let key = raw.and_then(|raw| self.key(layout, &raw));
                    let Some(key) = key else { continue };
                    own_seen |= own_key.as_ref() == Some(&key);
                    self.contribute(
                        key,
                        Contribution {
                            rank: Rank::new(layout, 0, index, at),
                            presence,
                            source: file,
                            fact: Some(at),
                            version: fact.version.clone(),
                            line: fact.line,
                            broken: fact.unread,
                            passed_over: false,
                        },
                    );
                }
                if let Some(key) = own_key.filter(|_| !own_seen) {
                    self.exists(key, layout, presence, entry.broken);
                }
                self.inherit(layout, presence, origin, &own);
            }
            Role::Level(level) => {
                let found =
                    self.joins
                        .add_facts(layout, level, origin, file, index, entry, &ref_bindings);
                for (presence, fact) in found {
                    self.connect(layout, level, presence, file, entry, index, fact);
                }
            }
            Role::Proof => {
                for at in 0..self.environments.len() {
                    let presence = presence(Some(at));
                    let Some(own) = self.proven(layout, &entry.path, &ref_bindings, at) else {
                        continue;
                    };
                    if !self
                        .conditions
                        .allow(layout, number, origin, file, (Side::Proven, &own))
                    {
                        continue;
                    }
                    if let Some(key) = self.key(layout, &own) {
                        self.exists(key, layout, presence, false);
                    }
                    self.inherit(layout, presence, origin, &own);
                }
            }
        }
    }

    /// What is captured of a cell that exists because its service is proven.
    pub(super) fn proven(
        &self,
        layout: &Layout,
        path: &Bindings,
        ref_bindings: &Bindings,
        environment: usize,
    ) -> Option<Bindings> {
        let mut own = ref_bindings.join(path)?;
        let spelling = layout.spelling(&self.environments[environment]);
        let path = layout.levels.first().and_then(|level| level.path.as_ref());
        if path.is_some_and(|path| !path.takes("env", spelling)) {
            return None;
        }
        own.bind(&Arc::from("env"), spelling).then_some(own)
    }

    /// The cell exists, whatever it declares.
    fn exists(&mut self, key: CellKey, layout: &Layout, presence: Presence, broken: bool) {
        self.contribute(
            key,
            Contribution {
                rank: Rank::new(layout, 0, presence.entry, usize::MAX),
                presence,
                source: presence.file,
                fact: None,
                version: None,
                line: 1,
                broken,
                passed_over: false,
            },
        );
    }

    /// Connects a new presence with the fall-backs that are there already.
    fn inherit(&mut self, layout: &Layout, presence: Presence, origin: usize, own: &Bindings) {
        for (level, file, index, fact) in self.joins.add_presence(layout, presence, origin, own) {
            let Some(facts) = self.files[file].facts.clone() else {
                continue;
            };
            self.connect(
                layout,
                level,
                presence,
                file,
                &facts.entries[index],
                index,
                fact,
            );
        }
    }

    /// One fall-back fact for one presence.
    #[allow(clippy::too_many_arguments)] // The two ends of one connection, each named by where it stands.
    fn connect(
        &mut self,
        layout: &Layout,
        level: u8,
        presence: Presence,
        file: usize,
        entry: &LayoutFacts,
        index: usize,
        fact: Option<usize>,
    ) {
        let Some(own) = self.joins.presence(presence).cloned() else {
            return;
        };
        let found = fact.map(|at| &entry.facts[at]);
        let bindings = found.map_or(&entry.path, |fact| &fact.bindings);
        let raw = own.join(bindings);
        let Some(key) = raw.and_then(|raw| self.key(layout, &raw)) else {
            return;
        };
        self.contribute(
            key,
            Contribution {
                rank: Rank::new(layout, level, index, fact.unwrap_or(usize::MAX)),
                presence,
                source: file,
                fact,
                version: found.and_then(|fact| fact.version.clone()),
                line: found.map_or(1, |fact| fact.line),
                broken: entry.broken || found.is_some_and(|fact| fact.unread),
                passed_over: false,
            },
        );
    }

    /// The cell that `raw` names, as [`Layout::cell`] gives it.
    fn key(&mut self, layout: &Layout, raw: &Bindings) -> Option<CellKey> {
        let (row, column) = &mut self.scratch;
        if !layout.name(raw, row, column) {
            return None;
        }
        let names = &mut self.names;
        let mut shared = |text: &str| {
            if let Some(known) = names.get(text) {
                return Arc::clone(known);
            }
            let name: Arc<str> = text.into();
            names.insert(Arc::clone(&name));
            name
        };
        Some(CellKey::new(
            ServiceName::new(shared(row)),
            EnvironmentName::new(shared(column)),
        ))
    }

    /// Decides which place is a service's version where there are several, by what is known now, unless that is decided
    /// already. To be asked once a tree is read whole.
    pub fn decide(&mut self) {
        self.layouts.decide(self);
        let chosen: Vec<Vec<bool>> = self
            .cells
            .iter()
            .map(|cell| {
                let known = cell.contributions.iter();
                known
                    .map(|known| self.is_passed_over(&cell.key.service, known))
                    .collect()
            })
            .collect();
        for (cell, passed) in chosen.into_iter().enumerate() {
            let known = self.cells[cell].contributions.iter_mut();
            let mut changed = false;
            for (known, passed) in known.zip(passed) {
                changed |= known.passed_over != passed;
                known.passed_over = passed;
            }
            if changed {
                self.settle(cell);
            }
        }
    }

    fn is_passed_over(&self, service: &ServiceName, known: &Contribution) -> bool {
        let layout = &self.layouts.layouts[known.presence.layout];
        if !layout.contested {
            return false;
        }
        let choice = self.layouts.choice(layout.spec, service);
        choice.is_some_and(|choice| {
            field(self, known).is_some_and(|(_, field)| choice.passes_over(&field))
        })
    }

    fn contribute(&mut self, key: CellKey, mut contribution: Contribution) {
        let known = self.cell_index.get(&key).copied();
        let cell = known.unwrap_or_else(|| {
            self.cells.push(Cell {
                key: key.clone(),
                contributions: Vec::new(),
                version: None,
                changed: false,
                before: None,
            });
            self.cell_index.insert(key, self.cells.len() - 1);
            self.cells.len() - 1
        });
        self.files[contribution.source].cells.insert(cell);
        if contribution.presence.file != contribution.source {
            self.files[contribution.presence.file].cells.insert(cell);
        }
        contribution.passed_over =
            self.is_passed_over(&self.cells[cell].key.service, &contribution);
        let files = &self.files;
        let order = |known: &Contribution| {
            (
                known.rank.layout(),
                files[known.source].path.as_str(),
                known.rank.place(),
            )
        };
        let contributions = &mut self.cells[cell].contributions;
        let new = order(&contribution);
        let at = contributions.partition_point(|known| order(known) <= new);
        contributions.insert(at, contribution);
    }

    /// Finds a cell's version again.
    fn settle(&mut self, cell: usize) {
        let cell_state = &mut self.cells[cell];
        let version = cell_state
            .chosen()
            .and_then(|at| cell_state.contributions[at].version.clone());
        if version != cell_state.version {
            let before = std::mem::replace(&mut cell_state.version, version);
            if !cell_state.changed {
                cell_state.changed = true;
                cell_state.before = before;
                self.changed.push(cell);
            }
        }
    }
}

impl Cell {
    /// The contribution that the version is read from. A file before it that cannot be read hides what follows.
    pub(super) fn chosen(&self) -> Option<usize> {
        let first = self
            .contributions
            .iter()
            .position(|known| !known.passed_over && (known.broken || known.version.is_some()))?;
        (!self.contributions[first].broken).then_some(first)
    }
}

/// Whether a layout reads this ref.
fn is_of(layout: &Layout, origin: &Origin) -> bool {
    layout.refs == origin.refs && layout.repository == origin.repository
}
