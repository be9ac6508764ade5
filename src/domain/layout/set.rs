//! All layouts of a configuration, compiled.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::{Arc, OnceLock},
};

use super::{
    LayoutError, LayoutSpec, Origin, RefTemplate,
    assemble::Assembler,
    bindings::Bindings,
    choice::{Choice, Choices, Standing},
    claims::{Claimant, Claims},
    compile::{Context, Layout, aliases, spellings},
    containers::{self, Cells, Other, Run},
    extract::{File, Findings, Found, Place},
    level::Level,
    pattern::Pattern,
    preset,
};
use crate::domain::{
    desired::Tip,
    ids::{CellKey, EnvironmentName, RepoPath, ServiceName},
    manifest::ManifestError,
    problem::{Problem, Unreadable},
    version::Version,
};

/// All layouts of a configuration, compiled; or a [`view`](LayoutSet::view) of those that read one ref.
#[derive(Debug)]
pub struct LayoutSet {
    pub(super) layouts: Arc<Vec<Layout>>,
    refs: Arc<Vec<RefTemplate>>,
    fingerprint: String,
    /// The ref that it is limited to.
    view: Option<Origin>,
    /// Whether it tries layouts, as [`tried`](LayoutSet::tried) says.
    tried: bool,
    /// Which place is a service's version where there are several; the same for all views.
    choices: Arc<OnceLock<Choices>>,
    /// Only files in which several places may be a service's version are listed; they are read as ever.
    contested_only: bool,
}

/// What one file says. Small and shareable; a pure function of (path, bytes).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    pub(super) entries: Vec<Entry>,
    problems: Vec<Problem>,
}

/// What one layout reads from the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Index of the compiled layout.
    pub(super) layout: u16,
    /// As what.
    pub(super) role: Role,
    /// What the path captured.
    pub(super) path: Bindings,
    /// The file could not be read: what it would say is not known, so nothing is inherited in its place.
    pub(super) broken: bool,
    /// The versions, in file order; shared by the file's versions in a history that have the same.
    pub(super) facts: Vec<Arc<Fact>>,
}

/// Where in a file's bytes one of its facts stands.
pub(super) struct Placed {
    /// Which fact of which entry.
    pub(super) entry: usize,
    pub(super) fact: usize,
    /// The compiled layout that found it, and its level.
    pub(super) level: (usize, usize),
    /// The version's own bytes.
    pub(super) bytes: Range<usize>,
}

/// What a file is for a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The cell's own place (0) or a fall-back.
    Level(u8),
    /// Proof that the service exists.
    Proof,
}

/// One version in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// Everything captured, of the path too.
    pub(super) bindings: Bindings,
    /// The version; `None` for null and empty.
    pub(super) version: Option<Version>,
    /// Something stands there that is no version: nothing is inherited instead.
    pub(super) unread: bool,
    /// The line, from 1.
    pub(super) line: u32,
    /// A digest has a place of its own beside it.
    pub(super) paired: bool,
    /// Another container runs the same image as another version.
    pub(super) other: Option<Box<Other>>,
}

impl LayoutSet {
    /// Compiles `specs`, in their order. An error names the layout's index and what is wrong with it.
    pub fn compile(
        specs: &[LayoutSpec],
        environments: &[EnvironmentName],
    ) -> Result<Self, (usize, LayoutError)> {
        let mut compiler = Compiler::default();
        for (index, spec) in specs.iter().enumerate() {
            compiler
                .add(index, spec, environments)
                .map_err(|error| (index, error))?;
        }
        Ok(Self {
            layouts: Arc::new(compiler.layouts),
            refs: Arc::new(compiler.refs),
            fingerprint: format!("{specs:?}{environments:?}"),
            view: None,
            tried: false,
            choices: Arc::default(),
            contested_only: false,
        })
    }

    /// The same layouts while it is not decided yet which of them are meant: each place is the first one's that reads it,
    /// so that a second name for what is explained already explains nothing.
    #[must_use]
    pub(in crate::domain) fn tried(mut self) -> Self {
        self.fingerprint.push_str("tried");
        self.tried = true;
        self
    }

    /// The layouts that read the ref `origin`, with what its name captured filled in: one ref is then read, and its
    /// history walked, as if it were the only one. Layouts keep their indices.
    #[must_use]
    pub fn view(&self, origin: &Origin) -> Self {
        Self {
            layouts: Arc::clone(&self.layouts),
            refs: Arc::clone(&self.refs),
            fingerprint: format!("{}{origin:?}", self.fingerprint),
            view: Some(origin.clone()),
            tried: self.tried,
            choices: Arc::clone(&self.choices),
            contested_only: self.contested_only,
        }
    }

    /// The same layouts with nothing decided.
    #[must_use]
    pub fn undecided(&self) -> Self {
        Self {
            layouts: Arc::clone(&self.layouts),
            refs: Arc::clone(&self.refs),
            fingerprint: self.fingerprint.clone(),
            view: self.view.clone(),
            tried: self.tried,
            choices: Arc::default(),
            contested_only: false,
        }
    }

    /// The same; of files, those alone are listed in which several places may be a service's version. For walks: what was
    /// read of a tree would not be all of it.
    #[must_use]
    pub fn contested(&self) -> Self {
        Self {
            contested_only: true,
            ..self.undecided()
        }
    }

    /// The same layouts with this decided.
    #[must_use]
    pub fn decided(&self, choices: Choices) -> Self {
        Self {
            choices: Arc::new(OnceLock::from(choices)),
            ..self.undecided()
        }
    }

    /// The tables of which several places may be a service's version, with what they read: the repository, and the template
    /// of its refs.
    pub fn contests(&self) -> BTreeMap<usize, (Option<Arc<str>>, Option<usize>)> {
        let contested = self.layouts.iter().filter(|layout| layout.contested);
        contested
            .map(|layout| (layout.spec, (layout.repository.clone(), layout.refs)))
            .collect()
    }

    /// What files are read as: the ref of a view, the one that holds every environment otherwise.
    pub fn origin(&self) -> Origin {
        self.view.clone().unwrap_or_default()
    }

    /// Whether `other` is the same set, or another view of it.
    pub fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.layouts, &other.layouts)
    }

    /// The repositories that layouts name, each once; `None` is the main one.
    pub fn repositories(&self) -> Vec<Option<Arc<str>>> {
        let mut names: Vec<_> = self
            .layouts
            .iter()
            .map(|layout| layout.repository.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether some layout reads refs of `repository` by the template `refs` (an index; `None`: the default ref).
    pub fn reads(&self, repository: Option<&str>, refs: Option<usize>) -> bool {
        self.layouts
            .iter()
            .any(|layout| layout.repository.as_deref() == repository && layout.refs == refs)
    }

    /// Whether the cell of the layout table `spec` is promoted by merging the upstream's branch.
    pub fn merges(&self, spec: usize) -> bool {
        let mut layouts = self.layouts.iter();
        layouts.any(|layout| layout.spec == spec && layout.merges)
    }

    /// The column that a ref stands for, by what its name captured; `None` where the name does not tell.
    pub fn environment_of(&self, origin: &Origin) -> Option<EnvironmentName> {
        let spelling = origin.captures.get("env")?;
        let layout = self
            .layouts
            .iter()
            .find(|layout| layout.refs == origin.refs && layout.repository == origin.repository)?;
        Some(layout.column(spelling))
    }

    /// The columns that these refs stand for, in the order of the refs.
    pub fn columns<'a>(&self, refs: impl IntoIterator<Item = &'a Tip>) -> Vec<EnvironmentName> {
        let refs = refs.into_iter();
        refs.filter_map(|line| self.environment_of(&line.origin))
            .collect()
    }

    /// What refs are called that layouts read, for a sentence.
    pub fn ref_words(&self) -> String {
        let templates: Vec<&str> = self.refs.iter().map(RefTemplate::source).collect();
        format!("`{}`", templates.join("`, `"))
    }

    /// Decides the same so far as it can be by a part of a tree, for a layout that is tried: of what may be it, the first.
    pub(in crate::domain) fn decide_at_a_glance(&self, assembler: &Assembler) {
        if self.layouts.iter().any(|layout| layout.contested) {
            self.choices
                .get_or_init(|| Choices::at_a_glance(&Standing::of(assembler)));
        }
    }

    /// Decides which place is a service's version where there are several, by the tree in `assembler` as if it had no
    /// history, unless that is decided already.
    pub(super) fn decide(&self, assembler: &Assembler) {
        if self.layouts.iter().any(|layout| layout.contested) {
            self.choices
                .get_or_init(|| Choices::of(&Standing::of(assembler), &[]));
        }
    }

    /// What was decided for a service of the layout table `spec`.
    pub(super) fn choice(&self, spec: usize, service: &ServiceName) -> Option<&Choice> {
        self.choices.get()?.get(spec, service)
    }

    /// Text that is the same where the same was decided: what was read by other decisions is another history.
    pub fn decisions(&self) -> String {
        let decided = self.choices.get();
        decided.map_or_else(String::new, |choices| format!("{choices:?}"))
    }

    /// Whether it is read through this set.
    fn is_seen(&self, layout: &Layout) -> bool {
        self.view.as_ref().is_none_or(|origin| {
            layout.refs == origin.refs && layout.repository == origin.repository
        })
    }
}

/// Sets that read the same in the same way.
impl PartialEq for LayoutSet {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
            && self.view == other.view
            && self.choices.get() == other.choices.get()
            && self.contested_only == other.contested_only
    }
}

impl Eq for LayoutSet {}

/// Layouts while they are compiled.
#[derive(Default)]
struct Compiler {
    layouts: Vec<Layout>,
    refs: Vec<RefTemplate>,
}

impl Compiler {
    fn add(
        &mut self,
        index: usize,
        spec: &LayoutSpec,
        environments: &[EnvironmentName],
    ) -> Result<(), LayoutError> {
        let refs = match spec.refs.as_deref() {
            None if !spec.range.is_empty() => {
                return Err(LayoutError::new(
                    "range",
                    "`range` is for tags that environments share: add `refs = \"refs/tags/{version:semver}\"`",
                ));
            }
            None => None,
            Some(source) => Some(self.add_refs(source, spec, environments)?),
        };
        let contested = preset::is_contested(spec);
        for (variant, spec) in preset::expand(spec)?.iter().enumerate() {
            let context = Context {
                environments,
                spec: index,
                variant,
                contested,
                refs: refs.map(|at| (at, self.refs[at].names())),
            };
            self.layouts.push(Layout::compile(spec, &context)?);
        }
        Ok(())
    }

    fn add_refs(
        &mut self,
        source: &str,
        spec: &LayoutSpec,
        environments: &[EnvironmentName],
    ) -> Result<usize, LayoutError> {
        if let Some(known) = self
            .refs
            .iter()
            .position(|known| known.is(source, &spec.range))
        {
            return Ok(known);
        }
        let spellings = spellings(environments, &aliases(&spec.alias, environments));
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        let mut template = RefTemplate::with_ranges(source, &spellings, &spec.range)?;
        // Where the column's name is built from more than `{env}`, what is declared does not tell which refs are meant.
        if spec.env_name.is_none() {
            template = template.of_declared(&spellings);
        }
        self.refs.push(template);
        Ok(self.refs.len() - 1)
    }
}

impl LayoutSet {
    /// Text that is the same for the same layouts and environments, and no others.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether any file below `directory` (no trailing slash; empty is the root) may matter. Prunes a tree walk.
    pub fn may_contain(&self, directory: &str) -> bool {
        self.paths().any(|path| path.may_contain(directory))
    }

    /// Whether any layout reads the file at `path`.
    pub fn wants(&self, path: &str) -> bool {
        self.paths().any(|pattern| pattern.is_match(path))
    }

    /// What the file at `path` says. Never fails: what cannot be read is a problem in the facts.
    pub fn extract(&self, path: &RepoPath, bytes: &[u8]) -> FileFacts {
        self.extract_from(path, &mut File::new(bytes), None)
    }

    /// Whose the containers of the file at `path` are.
    pub(super) fn cells_of_containers(&self, path: &RepoPath, bytes: &[u8]) -> Cells {
        let (_, runs) = self.read(path, &mut File::new(bytes), None);
        Cells::of(&runs)
    }

    /// The same of a file that may be read with notes; the `places` of what is found are told.
    pub(super) fn extract_from(
        &self,
        path: &RepoPath,
        file: &mut File<'_>,
        places: Option<&mut Vec<Placed>>,
    ) -> FileFacts {
        let (mut facts, runs) = self.read(path, file, places);
        if let Some(yaml) = file.tree().filter(|_| !runs.is_empty()) {
            containers::contradictions(yaml, &self.layouts, &runs, &mut facts.entries);
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
                facts.entries.push(Entry {
                    layout: layout_index,
                    role,
                    path: bound.clone(),
                    broken,
                    facts: findings
                        .found
                        .into_iter()
                        .map(|found| Arc::new(Fact::from(found)))
                        .collect(),
                });
            }
            if let Some(bound) = layout
                .proof
                .as_ref()
                .and_then(|proof| proof.matches(path.as_str()))
            {
                facts.entries.push(Entry {
                    layout: layout_index,
                    role: Role::Proof,
                    path: bound,
                    broken: false,
                    facts: Vec::new(),
                });
            }
        }
        for (index, bound, found) in aside {
            facts.add_aside(path, &self.layouts, &origin, (index, bound), found);
        }
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
            let entry = |role, path| Entry {
                layout: u16::try_from(index).unwrap_or(u16::MAX),
                role,
                path,
                broken: role != Role::Proof,
                facts: Vec::new(),
            };
            for (level, place) in layout.levels.iter().enumerate() {
                let role = Role::Level(u8::try_from(level).unwrap_or(u8::MAX));
                entries.extend(place.matches(path).map(|bound| entry(role, bound)));
            }
            let proof = layout.proof.as_ref().and_then(|proof| proof.matches(path));
            entries.extend(proof.map(|bound| entry(Role::Proof, bound)));
        }
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
        let entries = named.map(|(index, _)| Entry {
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

impl FileFacts {
    /// What a file without problems says.
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            problems: Vec::new(),
        }
    }

    /// The lines, from 1, on which the place of a version was found.
    pub fn lines(&self) -> impl Iterator<Item = u32> {
        let facts = self.entries.iter().flat_map(|entry| &entry.facts);
        facts.map(|fact| fact.line)
    }

    /// The same with other facts in these places (entry, fact).
    pub(super) fn with(&self, other: Vec<(usize, usize, Fact)>) -> Self {
        let mut facts = Self {
            entries: self.entries.clone(),
            problems: self.problems.clone(),
        };
        for (entry, at, fact) in other {
            facts.entries[entry].facts[at] = Arc::new(fact);
        }
        facts
    }

    /// What could not be read in this file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether it could not be read as any layout would: then what it would say is not known.
    pub fn is_unreadable(&self) -> bool {
        let mut read = self
            .entries
            .iter()
            .filter(|e| e.role != Role::Proof)
            .peekable();
        read.peek().is_some() && read.all(|entry| entry.broken)
    }

    /// Whether it declares a version.
    pub fn declares(&self) -> bool {
        let facts = self.entries.iter().flat_map(|entry| &entry.facts);
        facts.into_iter().any(|fact| fact.version.is_some())
    }

    /// Whether the file says nothing at all, not even that a cell exists.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.problems.is_empty()
    }

    /// Whether `other` says the same of the same cells, up to versions and lines.
    pub(super) fn has_shape_of(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().zip(&other.entries).all(|(a, b)| {
                a.layout == b.layout
                    && a.role == b.role
                    && a.broken == b.broken
                    && a.path == b.path
                    && a.facts.len() == b.facts.len()
                    && a.facts
                        .iter()
                        .zip(&b.facts)
                        .all(|(a, b)| Arc::ptr_eq(a, b) || a.bindings == b.bindings)
            })
    }
}

/// What a file says, while it is read.
#[derive(Default)]
struct Building {
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    reported: HashSet<Problem>,
    /// The cells of which some reading of a table says something, by table: once something was set aside.
    said: HashMap<usize, HashSet<CellKey>>,
}

impl Building {
    /// Whether it is there already that a cell of the layout table `spec` exists whose path captures this: then another
    /// reading of the table that finds nothing adds nothing.
    fn has_presence(&self, layouts: &[Layout], spec: usize, path: &Bindings) -> bool {
        self.entries.iter().any(|entry| {
            entry.role == Role::Level(0)
                && !entry.broken
                && layouts[usize::from(entry.layout)].spec == spec
                && entry.path == *path
        })
    }

    /// Adds a place that holds what is filled in later, if no other reading of the same table found the cell.
    fn add_aside(
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
        self.entries.push(Entry {
            layout: u16::try_from(index).unwrap_or(u16::MAX),
            role: Role::Level(0),
            path: bound,
            broken: true,
            facts: facts.map(|found| Arc::new(Fact::from(found))).collect(),
        });
    }

    fn report(&mut self, problem: Problem) {
        if self.reported.insert(problem.clone()) {
            self.problems.push(problem);
        }
    }

    fn report_unread(&mut self, path: &RepoPath, findings: &Findings) {
        for found in &findings.found {
            if let Some((kind, words)) = &found.unread {
                let problem = Problem::file(path.clone(), Some(found.line), words.as_str());
                self.report(problem.hiding((*kind).into()));
            }
        }
    }

    fn report_duplicates(&mut self, path: &RepoPath, findings: &Findings) {
        for found in &findings.found {
            if let Some(earlier) = found.duplicate {
                let message = format!(
                    "the key stands here and on line {earlier}; this one is read, and neither is changed: delete one"
                );
                self.report(Problem::file(path.clone(), Some(found.line), message));
            }
        }
    }
}

/// What is told of a file, or of a text in it, that cannot be read.
fn of_file(path: &RepoPath, error: &ManifestError) -> Problem {
    let why = if error.encrypted {
        Unreadable::Encrypted
    } else {
        Unreadable::NotParseable
    };
    let error = error.clone().of(path.as_str());
    Problem::file(path.clone(), error.line, error.message).hiding_all(why)
}

impl Level {
    /// What its path captures of `path`.
    pub(super) fn matches(&self, path: &str) -> Option<Bindings> {
        self.path.as_ref()?.matches(path)
    }
}

impl From<Found> for Fact {
    fn from(found: Found) -> Self {
        Self {
            bindings: found.bindings,
            version: found.version,
            unread: found.unread.is_some(),
            line: found.line,
            paired: matches!(found.place, Place::Scalar { pair: Some(_), .. }),
            other: None,
        }
    }
}
