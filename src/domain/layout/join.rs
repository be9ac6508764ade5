//! Which fall-back files belong to which cells: those that agree on every capture they share.

use std::{collections::HashMap, sync::Arc};

use super::{bindings::Bindings, compile::Layout, set::LayoutFacts};

/// Why a cell exists: a file of its own path, or a proof of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Presence {
    /// The file.
    pub(super) file: usize,
    /// Its entry.
    pub(super) entry: usize,
    /// Index of the compiled layout.
    pub(super) layout: usize,
    /// The declared environment, where a proof makes one cell in each.
    pub(super) environment: Option<usize>,
}

/// Order of preference between contributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rank {
    spec: usize,
    level: u8,
    variant: usize,
    entry: usize,
    fact: usize,
}

impl Rank {
    pub(super) fn new(layout: &Layout, level: u8, entry: usize, fact: usize) -> Self {
        Self {
            spec: layout.spec,
            level,
            variant: layout.variant,
            entry,
            fact,
        }
    }

    /// The layout, how far it falls back, and the preset's reading.
    pub(super) fn layout(self) -> (usize, u8, usize) {
        (self.spec, self.level, self.variant)
    }

    /// The place inside the file.
    pub(super) fn place(self) -> (usize, usize) {
        (self.entry, self.fact)
    }

    /// The layout and how far it falls back: copies of one version agree in both.
    pub(super) fn copies(self) -> (usize, u8) {
        (self.spec, self.level)
    }

    /// How far it falls back; 0 is the cell's own place.
    pub(super) fn level(self) -> u8 {
        self.level
    }
}

/// Presences and fall-back facts by the captures they must agree on.
#[derive(Debug)]
pub(super) struct Joins {
    /// By layout and level: the shared names, for cells of own files and for proven ones.
    shared: Vec<Vec<[Vec<Arc<str>>; 2]>>,
    meetings: HashMap<Key, Meeting>,
    presences: HashMap<Presence, Bindings>,
    /// Where each file stands, to take it out again.
    members: HashMap<usize, Vec<Key>>,
}

/// Layout, level, own or proven, origin, and the texts of the shared names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key(usize, u8, usize, usize, Vec<Box<str>>);

#[derive(Debug, Default)]
struct Meeting {
    presences: Vec<Presence>,
    /// File, entry, fact.
    facts: Vec<(usize, usize, Option<usize>)>,
}

impl Joins {
    pub(super) fn new(layouts: &[Layout]) -> Self {
        let shared = layouts.iter().map(|layout| {
            let own = layout
                .levels
                .first()
                .and_then(|level| level.path.as_ref())
                .map(super::pattern::Pattern::names)
                .unwrap_or_default();
            let mut proven = layout
                .proof
                .as_ref()
                .map(super::pattern::Pattern::names)
                .unwrap_or_default();
            proven.push("env".into());
            let levels = layout.levels.iter().map(|level| {
                let names = level.names();
                [&own, &proven].map(|side| {
                    let mut both: Vec<Arc<str>> = side
                        .iter()
                        .filter(|name| names.contains(name))
                        .cloned()
                        .collect();
                    both.sort();
                    both.dedup();
                    both
                })
            });
            levels.collect()
        });
        Self {
            shared: shared.collect(),
            meetings: HashMap::new(),
            presences: HashMap::new(),
            members: HashMap::new(),
        }
    }

    /// What is captured of a presence.
    pub(super) fn presence(&self, presence: Presence) -> Option<&Bindings> {
        self.presences.get(&presence)
    }

    /// Adds a presence; gives the fall-back facts it meets: level, file, entry, fact.
    pub(super) fn add_presence(
        &mut self,
        layout: &Layout,
        presence: Presence,
        origin: usize,
        own: &Bindings,
    ) -> Vec<(u8, usize, usize, Option<usize>)> {
        if layout.levels.len() < 2 && presence.environment.is_none() {
            return Vec::new();
        }
        self.presences.insert(presence, own.clone());
        let side = usize::from(presence.environment.is_some());
        let mut met = Vec::new();
        for level in 1..layout.levels.len() {
            let Some(key) = self.key(presence.layout, level, side, origin, own) else {
                continue;
            };
            let depth = key.1;
            self.members
                .entry(presence.file)
                .or_default()
                .push(key.clone());
            let meeting = self.meetings.entry(key).or_default();
            meeting.presences.push(presence);
            met.extend(
                meeting
                    .facts
                    .iter()
                    .map(|(file, entry, fact)| (depth, *file, *entry, *fact)),
            );
        }
        met
    }

    /// Adds the facts of a fall-back file; gives the presences each meets.
    #[allow(clippy::too_many_arguments)] // Where the entry stands, each part of which is a key.
    pub(super) fn add_facts(
        &mut self,
        layout: &Layout,
        level: u8,
        origin: usize,
        file: usize,
        index: usize,
        entry: &LayoutFacts,
        ref_bindings: &Bindings,
    ) -> Vec<(Presence, Option<usize>)> {
        let mut met = Vec::new();
        let broken = entry.broken.then_some((None, &entry.path));
        let facts = entry.facts.iter().enumerate();
        let all = facts
            .map(|(at, fact)| (Some(at), &fact.bindings))
            .chain(broken);
        let sides = if layout.proof.is_some() { 2 } else { 1 };
        for (at, bindings) in all {
            let Some(bindings) = ref_bindings.join(bindings) else {
                continue;
            };
            for side in 0..sides {
                let depth = usize::from(level);
                let layout = usize::from(entry.layout);
                let Some(key) = self.key(layout, depth, side, origin, &bindings) else {
                    continue;
                };
                self.members.entry(file).or_default().push(key.clone());
                let meeting = self.meetings.entry(key).or_default();
                meeting.facts.push((file, index, at));
                met.extend(meeting.presences.iter().map(|presence| (*presence, at)));
            }
        }
        met
    }

    /// Takes out everything of a file.
    pub(super) fn forget(&mut self, file: usize) {
        for key in self.members.remove(&file).unwrap_or_default() {
            if let Some(meeting) = self.meetings.get_mut(&key) {
                meeting.facts.retain(|(known, _, _)| *known != file);
                for presence in &meeting.presences {
                    if presence.file == file {
                        self.presences.remove(presence);
                    }
                }
                meeting.presences.retain(|presence| presence.file != file);
            }
        }
    }

    fn key(
        &self,
        layout: usize,
        level: usize,
        side: usize,
        origin: usize,
        bindings: &Bindings,
    ) -> Option<Key> {
        let names = &self.shared[layout][level][side];
        let texts = names
            .iter()
            .map(|name| bindings.get(name).map(Into::into))
            .collect::<Option<_>>()?;
        let depth = u8::try_from(level).ok()?;
        Some(Key(layout, depth, side, origin, texts))
    }
}
