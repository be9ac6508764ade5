//! What a file says, while it is read.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        bindings::Bindings,
        compile::Layout,
        extract::{Findings, Found},
        locator::Doubled,
    },
    facts::{Fact, LayoutFacts, Role},
};
use crate::domain::{
    ids::{CellKey, RepoPath},
    manifest::ManifestError,
    problem::{Problem, Unreadable},
};

/// What a file says, while it is read.
#[derive(Default)]
pub(super) struct Building {
    pub(super) entries: Vec<LayoutFacts>,
    pub(super) problems: Vec<Problem>,
    reported: HashSet<Problem>,
    /// The cells of which some reading of a table says something, by table: once something was set aside.
    said: HashMap<usize, HashSet<CellKey>>,
}

impl Building {
    /// Whether it is there already that a cell of the layout table `spec` exists whose path captures this: then another
    /// reading of the table that finds nothing adds nothing.
    pub(super) fn has_presence(&self, layouts: &[Layout], spec: usize, path: &Bindings) -> bool {
        self.entries.iter().any(|entry| {
            entry.role == Role::Level(0)
                && !entry.broken
                && layouts[usize::from(entry.layout)].spec == spec
                && entry.path == *path
        })
    }

    /// Adds a place that holds what is filled in later, if no other reading of the same table found the cell.
    pub(super) fn add_aside(
        &mut self,
        path: &RepoPath,
        layouts: &[Layout],
        origin: &Bindings,
        (index, bound): (usize, Bindings),
        found: Found,
    ) {
        let cell = |layout: &Layout, raw: &Bindings| layout.cell(&origin.join(raw)?);
        let own = &layouts[index];
        let Some(key) = cell(own, &found.bindings) else {
            return;
        };
        let entries = &self.entries;
        let said = self.said.entry(own.spec).or_insert_with(|| {
            let own_places = entries.iter().filter(|entry| {
                let other = &layouts[usize::from(entry.layout)];
                other.spec == own.spec && entry.role == Role::Level(0)
            });
            let cells = own_places.flat_map(|entry| {
                let other = &layouts[usize::from(entry.layout)];
                let says = |fact: &&Arc<Fact>| fact.version.is_some() || fact.unread;
                let facts = entry.facts.iter().filter(says);
                facts.filter_map(move |fact| cell(other, &fact.bindings))
            });
            cells.collect()
        });
        let says = found.version.is_some() || found.unread.is_some();
        if said.contains(&key) {
            return;
        }
        if says {
            said.insert(key);
        }
        let findings = Findings {
            found: vec![found],
            ..Findings::default()
        };
        self.report_unread(path, &findings);
        let facts = findings.found.into_iter();
        self.entries.push(LayoutFacts {
            layout: u16::try_from(index).unwrap_or(u16::MAX),
            role: Role::Level(0),
            path: bound,
            broken: true,
            facts: facts.map(|found| Arc::new(Fact::from(found))).collect(),
        });
    }

    pub(super) fn report(&mut self, problem: Problem) {
        if self.reported.insert(problem.clone()) {
            self.problems.push(problem);
        }
    }

    pub(super) fn report_unread(&mut self, path: &RepoPath, findings: &Findings) {
        for found in &findings.found {
            if let Some((kind, words)) = &found.unread {
                let problem = Problem::file(path.clone(), Some(found.line), words.as_str());
                self.report(problem.hiding((*kind).into()));
            }
        }
    }

    pub(super) fn report_duplicates(&mut self, path: &RepoPath, findings: &Findings) {
        for found in &findings.found {
            if let Some(Doubled { line, earlier }) = found.duplicate {
                let message = format!(
                    "the key stands here and on line {earlier}; this one is read, and neither is changed: delete one"
                );
                self.report(Problem::file(path.clone(), Some(line), message));
            }
        }
    }
}

/// What is told of a file, or of a text in it, that cannot be read.
pub(super) fn of_file(path: &RepoPath, error: &ManifestError) -> Problem {
    let why = if error.encrypted {
        Unreadable::Encrypted
    } else {
        Unreadable::NotParseable
    };
    let error = error.clone().of(path.as_str());
    Problem::file(path.clone(), error.line, error.message).hiding_all(why)
}
