//! From the bytes of a file to what it says.

use std::sync::Arc;

use super::{
    super::{
        Origin, RefTemplate,
        bindings::Bindings,
        claims::{Claimant, Claims},
        containers::{self, Cells, Run},
        edit::automation::marked,
        extract::{File, Findings, Found, Place},
        pattern::Pattern,
    },
    LayoutSet,
    building::{Building, of_file},
    facts::{Fact, FileFacts, LayoutFacts, Placed, Role},
};
use crate::domain::{ids::RepoPath, problem::Problem, version::Version};

impl LayoutSet {
    /// Text that is the same for the same layouts and environments, and no others.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether any file below `directory` (no trailing slash; empty is the root) may matter. Prunes a tree walk.
    pub fn may_contain(&self, directory: &str) -> bool {
        self.paths().any(|path| path.may_contain(directory))
            || self.conditions().any(|path| {
                path.may_contain(directory) || above(directory).any(|it| path.is_match(it))
            })
    }

    /// Whether the file at `path` matters: a layout reads it, or asks whether it is there.
    pub fn wants(&self, path: &str) -> bool {
        self.opens(path)
            || self
                .conditions()
                .any(|it| above(path).any(|path| it.is_match(path)))
    }

    /// Whether any layout reads the file at `path`; of another one that matters it is enough that it is there.
    pub fn opens(&self, path: &str) -> bool {
        self.paths().any(|pattern| pattern.is_match(path))
    }

    /// What the file at `path` says. Never fails: what cannot be read is a problem in the facts.
    pub fn extract(&self, path: &RepoPath, bytes: &[u8]) -> FileFacts {
        self.extract_from(path, &mut File::new(bytes), None)
    }

    /// Whose the containers of the file at `path` are.
    pub(in crate::domain::layout) fn cells_of_containers(
        &self,
        path: &RepoPath,
        bytes: &[u8],
    ) -> Cells {
        let (_, runs) = self.read(path, &mut File::new(bytes), None);
        Cells::of(&runs)
    }

    /// The same of a file that may be read with notes; the `places` of what is found are told.
    pub(in crate::domain::layout) fn extract_from(
        &self,
        path: &RepoPath,
        file: &mut File<'_>,
        places: Option<&mut Vec<Placed>>,
    ) -> FileFacts {
        let (mut facts, runs) = self.read(path, file, places);
        if let Some(yaml) = file.tree().filter(|_| !runs.is_empty()) {
            containers::contradictions(yaml, &self.layouts, &runs, &mut facts.entries);
        }
        let policies = marked(file.bytes());
        if !policies.is_empty() {
            let all = facts.entries.iter_mut().flat_map(|entry| &mut entry.facts);
            for fact in all {
                if let Some(policy) = policies.get(&fact.line) {
                    Arc::make_mut(fact).policy = Some(Arc::clone(policy));
                }
            }
        }
        facts
    }

    /// The same, with the containers among what was found, before these are compared.
    fn read(
        &self,
        path: &RepoPath,
        file: &mut File<'_>,
        mut places: Option<&mut Vec<Placed>>,
    ) -> (FileFacts, Vec<Run>) {
        let mut facts = Building::default();
        let mut runs = Vec::new();
        let mut claims = Claims::default();
        let origin = self.view.as_ref().map(|origin| origin.captures.iter());
        let origin: Bindings = origin
            .into_iter()
            .flatten()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let mut aside: Vec<(usize, Bindings, Found)> = Vec::new();
        let mut matched: Option<(usize, &str, Option<Bindings>)> = None;
        for (index, layout) in self.layouts.iter().enumerate() {
            if !self.is_seen(layout) {
                continue;
            }
            let layout_index = u16::try_from(index).unwrap_or(u16::MAX);
            for (level_index, level) in layout.levels.iter().enumerate() {
                // A preset's readings have one path.
                let source = level.path.as_ref().map_or("", Pattern::source);
                let known = matched
                    .take()
                    .filter(|(spec, known, _)| *spec == layout.spec && *known == source);
                let (_, _, bound) =
                    matched
                        .insert(known.unwrap_or_else(|| {
                            (layout.spec, source, level.matches(path.as_str()))
                        }));
                let Some(bound) = bound else {
                    continue;
                };
                let role = Role::Level(u8::try_from(level_index).unwrap_or(u8::MAX));
                let (mut findings, broken) = match file.look(level, bound) {
                    Ok(mut findings) => {
                        if level_index == 0 {
                            let claimant = Claimant {
                                layouts: &self.layouts,
                                index,
                                origin: &origin,
                                entries: &facts.entries,
                                tried: self.tried,
                            };
                            claims.claim(&claimant, &mut findings);
                        }
                        // Where nothing but templates stands, nothing is inherited either: it would not be what is rendered.
                        let broken = !findings.found.is_empty()
                            && findings.found.iter().all(|found| found.unread.is_some());
                        (findings, broken)
                    }
                    Err(error) => {
                        facts.report(of_file(path, &error));
                        let findings = Findings {
                            applies: true,
                            ..Findings::default()
                        };
                        (findings, true)
                    }
                };
                let container = |found: &Found, fact: Option<(usize, usize)>| {
                    let Place::Scalar {
                        document,
                        path,
                        text,
                        borrowed,
                        within: None,
                        ..
                    } = &found.place
                    else {
                        return None;
                    };
                    level.is_container(path).then(|| Run {
                        fact,
                        level: (index, level_index),
                        document: *document,
                        path: path.clone(),
                        image: text.clone(),
                        borrowed: *borrowed,
                        cell: layout.owner(level_index, &origin, &found.bindings),
                    })
                };
                let entry = facts.entries.len();
                let found = findings.found.iter().enumerate();
                runs.extend(found.filter_map(|(at, found)| container(found, Some((entry, at)))));
                let found = findings.aside.iter();
                runs.extend(found.filter_map(|found| container(found, None)));
                let later = std::mem::take(&mut findings.aside).into_iter();
                aside.extend(later.map(|found| (index, bound.clone(), found)));
                if !findings.applies {
                    continue;
                }
                facts.report_duplicates(path, &findings);
                facts.report_unread(path, &findings);
                for error in &findings.unreadable {
                    facts.report(of_file(path, error));
                }
                if !broken
                    && findings.found.is_empty()
                    && layout.levels.len() == 1
                    && facts.has_presence(&self.layouts, layout.spec, bound)
                {
                    continue;
                }
                if let Some(places) = &mut places {
                    let found = findings.found.iter().enumerate();
                    places.extend(found.filter_map(|(fact, found)| {
                        Some(Placed {
                            entry: facts.entries.len(),
                            fact,
                            level: (index, level_index),
                            bytes: found.bytes.clone()?,
                        })
                    }));
                }
                let found = findings.found.into_iter();
                let mut told: Vec<_> = found.map(|found| Arc::new(Fact::from(found))).collect();
                // It took the room of what was found, which is many times as large, and is kept for each file.
                told.shrink_to_fit();
                facts.entries.push(LayoutFacts {
                    layout: layout_index,
                    role,
                    path: bound.clone(),
                    broken,
                    facts: told,
                });
            }
            if let Some(bound) = layout
                .proof
                .as_ref()
                .and_then(|proof| proof.matches(path.as_str()))
            {
                facts.entries.push(LayoutFacts {
                    layout: layout_index,
                    role: Role::Proof,
                    path: bound,
                    broken: false,
                    facts: Vec::new(),
                });
            }
        }
        facts.entries.extend(self.conditions_met(path.as_str()));
        for (index, bound, found) in aside {
            facts.add_aside(path, &self.layouts, &origin, (index, bound), found);
        }
        // Most files have one, and are kept by the thousand.
        facts.entries.shrink_to_fit();
        let facts = FileFacts {
            entries: facts.entries,
            problems: facts.problems,
        };
        (facts, runs)
    }

    /// What a file says that has no content: that its cells exist, as far as its path names them, and why nothing is known
    /// of them. `problem` names the file.
    pub fn without_content(&self, problem: Problem) -> FileFacts {
        let mut entries = Vec::new();
        let path = problem.path.as_ref().map_or("", RepoPath::as_str);
        for (index, layout) in self.layouts.iter().enumerate() {
            if !self.is_seen(layout) {
                continue;
            }
            let entry = |role, path| LayoutFacts {
                layout: u16::try_from(index).unwrap_or(u16::MAX),
                role,
                path,
                broken: matches!(role, Role::Level(_)),
                facts: Vec::new(),
            };
            for (level, place) in layout.levels.iter().enumerate() {
                let role = Role::Level(u8::try_from(level).unwrap_or(u8::MAX));
                entries.extend(place.matches(path).map(|bound| entry(role, bound)));
            }
            let proof = layout.proof.as_ref().and_then(|proof| proof.matches(path));
            entries.extend(proof.map(|bound| entry(Role::Proof, bound)));
        }
        entries.extend(self.conditions_met(path));
        FileFacts {
            entries,
            problems: vec![problem],
        }
    }

    /// What a ref's own name says, for layouts whose version is part of it (`refs/tags/{env}-{version:semver}` without a
    /// `path`). Give it to [`Assembler::update_at`](super::Assembler::update_at) with the ref's name as path.
    pub fn ref_facts(&self, origin: &Origin) -> FileFacts {
        let version = origin.captures.get("version");
        let version = version.map(|text| Version::from(text.as_str()));
        let named = self.layouts.iter().enumerate().filter(|(_, layout)| {
            layout.levels.is_empty()
                && layout.refs.is_some()
                && layout.refs == origin.refs
                && layout.repository == origin.repository
        });
        let entries = named.map(|(index, _)| LayoutFacts {
            layout: u16::try_from(index).unwrap_or(u16::MAX),
            role: Role::Level(0),
            path: Bindings::default(),
            broken: false,
            facts: vec![Arc::new(Fact {
                bindings: Bindings::default(),
                version: version.clone(),
                unread: false,
                line: 1,
                paired: false,
                other: None,
                policy: None,
            })],
        });
        FileFacts {
            entries: entries.collect(),
            problems: Vec::new(),
        }
    }

    /// The distinct ref templates of the layouts, in order; [`Origin::refs`](super::Origin) is an index into it.
    pub fn ref_templates(&self) -> &[RefTemplate] {
        &self.refs
    }

    /// Whether some layout reads the one ref that holds every environment.
    pub fn reads_default_ref(&self) -> bool {
        self.layouts.iter().any(|layout| layout.refs.is_none())
    }

    /// The paths that must be there for places of layouts to count.
    fn conditions(&self) -> impl Iterator<Item = &Pattern> {
        let seen = self.layouts.iter().filter(|layout| self.is_seen(layout));
        seen.filter_map(|layout| Some(&layout.only_if.as_ref()?.path))
    }

    /// What it says by being there that a file is at `path`.
    fn conditions_met(&self, path: &str) -> Vec<LayoutFacts> {
        let mut met: Vec<LayoutFacts> = Vec::new();
        for (index, layout) in self.layouts.iter().enumerate() {
            let Some(condition) = layout.only_if.as_ref().filter(|_| self.is_seen(layout)) else {
                continue;
            };
            let bound = above(path).filter_map(|path| condition.path.matches(path));
            met.extend(bound.map(|bound| LayoutFacts {
                layout: u16::try_from(index).unwrap_or(u16::MAX),
                role: Role::Condition,
                path: bound,
                broken: false,
                facts: Vec::new(),
            }));
        }
        met
    }

    /// Every template of files that are read.
    fn paths(&self) -> impl Iterator<Item = &Pattern> {
        let seen = self
            .layouts
            .iter()
            .filter(|layout| self.is_seen(layout) && (layout.contested || !self.contested_only));
        seen.flat_map(|layout| {
            let levels = layout.levels.iter().filter_map(|level| level.path.as_ref());
            levels.chain(layout.proof.as_ref())
        })
    }
}

/// The path itself and every folder that it is in.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    std::iter::once(path).chain(folders)
}
