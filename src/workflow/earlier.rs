//! Histories that go on by the layouts of an earlier configuration.
//!
//! ```text
//! o──o──C──o   C changed `prod/web.yaml` to `prod.yaml`, and `tidegate.toml` with it: by today's layouts every cell begins
//!              with C. What its parent declared, by the configuration that it had, is where the value came from
//! ```
//!
//! A cell whose oldest value did not replace any is looked for at the parent of the commit that brought it: by the
//! configuration of that parent, or by the one before where that reads as today's and the commit took files away. Found
//! there with the same value, it moved. Not found there by rules that could be read, it began; else nothing is known of what
//! was before, and that is said: what cannot be read, or lies further back than anybody looks, takes no history away and
//! makes no beginning.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Decided, Project, project, recognise::recognise};
use crate::{
    config::{self, Config, LoadRequest, SourceFile, TEAM_FILE},
    domain::{
        desired::{Desired, Tip},
        failure::Failure,
        history::{Moved, ValueChange},
        ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
        layout::{LayoutSet, Origin},
    },
    sources::git::{Another, Below, HistoryEvent, Repo, Trail, Want},
};

/// Why what was before a cell's oldest value is not known, by cell.
pub type UnknownBefore = BTreeMap<CellKey, String>;

/// So many configurations are gone back through.
const MOST_CONFIGURATIONS: usize = 32;
/// So many commits of a walk are looked at for a configuration that changed before the files did.
const MOST_COMMITS: usize = if cfg!(test) { 60 } else { 10_000 };
/// Between so many of them it is asked whether the walk is still wanted.
const COMMITS_AT_ONCE: usize = 256;
/// So many layouts are guessed in one walk: each takes a look at a whole tree.
const MOST_GUESSES: usize = if cfg!(test) { 4 } else { 24 };

/// So many configurations of earlier commits are remembered, and of so many bytes as files. A walk seldom meets more.
const MOST_KEPT: usize = 256;
const MOST_KEPT_BYTES: usize = 4 << 20;

/// What the configurations of earlier commits say, shared by all copies of a session: a commit never says anything else, so a
/// walk from a new tip reads only what is new. No more than [`MOST_KEPT`] of them, and of [`MOST_KEPT_BYTES`].
#[derive(Clone, Debug, Default)]
pub struct Configurations(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<Place, Known>,
    /// Of the files that they were read from.
    bytes: usize,
    /// How often something was asked for or kept.
    uses: u64,
}

#[derive(Debug)]
struct Known {
    said: Said,
    bytes: usize,
    /// When it was asked for last, in uses.
    used: u64,
}

/// What a configuration was made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// This blob says all of it.
    Blob(ObjectId),
    /// Its layout was guessed from the tree of this commit.
    Tree(ObjectId),
}

/// A configuration, or what is wrong with it.
type Said = Result<Arc<Config>, String>;

impl Configurations {
    fn get(&self, place: &Place) -> Option<Said> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let known = kept.of.get_mut(place)?;
        known.used = uses;
        Some(known.said.clone())
    }

    /// Keeps what a file of so many bytes says. What was not asked for longest makes room for it.
    fn keep(&self, place: Place, said: Said, bytes: usize) {
        if bytes > MOST_KEPT_BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(&place);
        while kept.of.len() >= MOST_KEPT || kept.bytes + bytes > MOST_KEPT_BYTES {
            let oldest = kept.of.iter().min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(place, _)| place.clone()) else {
                break;
            };
            kept.forget(&oldest);
        }
        kept.uses += 1;
        kept.bytes += bytes;
        let used = kept.uses;
        kept.of.insert(place, Known { said, bytes, used });
    }
}

impl Kept {
    fn forget(&mut self, place: &Place) {
        if let Some(known) = self.of.remove(place) {
            self.bytes -= known.bytes;
        }
    }
}

/// A ref, and what it is read by.
pub(super) struct Walked<'a> {
    pub(super) repo: &'a Repo,
    pub(super) line: &'a Tip,
    pub(super) view: &'a Arc<LayoutSet>,
    pub(super) names: &'a [EnvironmentName],
}

/// Who is told of a history.
type Sink<'a> = dyn FnMut(HistoryEvent) -> ControlFlow<()> + 'a;

/// The oldest value of each cell so far that replaced none: it is told once it is known whether it really did not.
#[derive(Debug, Default)]
struct Held(BTreeMap<CellKey, ValueChange>);

impl Held {
    /// What to tell of these changes.
    fn sift(&mut self, changes: Vec<(CellKey, ValueChange)>) -> Vec<(CellKey, ValueChange)> {
        let mut told = Vec::with_capacity(changes.len());
        for (key, change) in changes {
            if let Some(before) = self.0.remove(&key) {
                told.push((key.clone(), before));
            }
            if change.previous.is_none() && change.version.is_some() {
                self.0.insert(key, change);
            } else {
                told.push((key, change));
            }
        }
        told
    }

    /// All of them, where nothing is to be found out of what was before.
    fn all(self) -> Vec<(CellKey, ValueChange)> {
        self.0.into_iter().collect()
    }

    /// Those that a commit brought, commit by commit.
    fn by_commit(self) -> BTreeMap<(u32, ObjectId), BTreeMap<CellKey, ValueChange>> {
        let mut groups: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (key, change) in self.0 {
            let at = (change.depth, change.landed.commit);
            groups.entry(at).or_default().insert(key, change);
        }
        groups
    }
}

/// The configuration of an earlier commit.
struct Earlier {
    /// The session as it would have been.
    project: Project,
    /// The ref there, as the layouts of then read it.
    line: Tip,
    view: Arc<LayoutSet>,
    names: Vec<EnvironmentName>,
    desired: Desired,
}

/// What was in effect before a commit.
enum Then {
    /// The same layouts: what they do not find was not there.
    Same,
    /// Others.
    Other(Box<Earlier>),
    /// Nobody knows.
    Unknown(String),
    /// Nobody wants to know any more.
    Unwanted,
}

impl Project {
    /// Walks the history of one ref, also past changes of the layouts where all values are wanted.
    pub(super) fn history_of(
        &self,
        walked: &Walked<'_>,
        want: &Want,
        sink: &mut Sink<'_>,
    ) -> Result<UnknownBefore, Failure> {
        let Walked {
            repo,
            line,
            view,
            names,
        } = *walked;
        // The files of another repository are read by a configuration that it does not hold.
        if want.last_only || line.origin.repository.is_some() {
            repo.history(line.commit, view, names, want, sink)?;
            return Ok(UnknownBefore::new());
        }
        let mut held = Held::default();
        let mut stopped = false;
        let walk = repo.history(line.commit, view, names, want, &mut |event| {
            let event = match event {
                HistoryEvent::Changes(changes) => HistoryEvent::Changes(held.sift(changes)),
                other => other,
            };
            let flow = sink(event);
            stopped = flow.is_break();
            flow
        });
        let mut unknown = UnknownBefore::new();
        if stopped {
            return walk.map(|()| unknown);
        }
        match walk.and_then(|()| repo.below()) {
            Ok(below) => {
                let mut back = Back {
                    same: BTreeSet::new(),
                    today: self,
                    below: &below,
                    trail: None,
                    commits: MOST_COMMITS,
                    guesses: Cell::new(MOST_GUESSES),
                    repo,
                    unknown: &mut unknown,
                    sink,
                };
                let _ = back.go_on(self, line, view, held, MOST_CONFIGURATIONS);
                Ok(unknown)
            }
            Err(error) => {
                // What was seen before it broke stands.
                let _ = sink(HistoryEvent::Changes(held.all()));
                Err(error)
            }
        }
    }
}

/// Goes back through the configurations of a ref.
struct Back<'a, 's> {
    /// Configurations (blobs) known to read as these layouts (a fingerprint) do.
    same: BTreeSet<(String, ObjectId)>,
    today: &'a Project,
    below: &'a Below,
    /// The configuration's file, commit by commit; begun at the first that was asked for, which is the newest.
    trail: Option<Trail<'a>>,
    /// So many commits of it may still be looked at.
    commits: usize,
    /// So many layouts may still be guessed.
    guesses: Cell<usize>,
    repo: &'a Repo,
    unknown: &'a mut UnknownBefore,
    sink: &'a mut Sink<'s>,
}

impl<'a> Back<'a, '_> {
    /// Tells what was held back, and what was before it; `session` and `view` are what it was read by.
    fn go_on(
        &mut self,
        project: &Project,
        line: &Tip,
        view: &Arc<LayoutSet>,
        held: Held,
        left: usize,
    ) -> ControlFlow<()> {
        for ((depth, commit), group) in held.by_commit() {
            self.ask()?;
            match self.then(project, line, view, commit) {
                Then::Unwanted => return ControlFlow::Break(()),
                Then::Same => self.tell(group)?,
                Then::Unknown(why) => self.tell_unknown(group, &why)?,
                Then::Other(_) if left == 0 => {
                    let why = format!(
                        "more than {MOST_CONFIGURATIONS} configurations were in effect since, the one before {} is not looked at",
                        commit.short()
                    );
                    self.tell_unknown(group, &why)?;
                }
                Then::Other(earlier) => {
                    self.go_on_by(project, &earlier, group, (depth, commit), left - 1)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether anybody still listens.
    fn ask(&mut self) -> ControlFlow<()> {
        (self.sink)(HistoryEvent::Changes(Vec::new()))
    }

    fn tell(
        &mut self,
        changes: impl IntoIterator<Item = (CellKey, ValueChange)>,
    ) -> ControlFlow<()> {
        (self.sink)(HistoryEvent::Changes(changes.into_iter().collect()))
    }

    fn tell_unknown(
        &mut self,
        group: BTreeMap<CellKey, ValueChange>,
        why: &str,
    ) -> ControlFlow<()> {
        self.not_known(group.keys().cloned(), why);
        self.tell(group)
    }

    fn not_known(&mut self, cells: impl IntoIterator<Item = CellKey>, why: &str) {
        let cells = cells.into_iter();
        self.unknown
            .extend(cells.map(|cell| (cell, why.to_owned())));
    }

    /// The same by the configuration `earlier`, of the cells that a commit brought.
    fn go_on_by(
        &mut self,
        project: &Project,
        earlier: &Earlier,
        group: BTreeMap<CellKey, ValueChange>,
        (depth, commit): (u32, ObjectId),
        left: usize,
    ) -> ControlFlow<()> {
        let mut found = BTreeMap::new();
        let mut began = Vec::new();
        for (key, change) in group {
            if let Some(from) = place(&earlier.desired, &key) {
                found.insert(key, (change, from));
            } else {
                let why = earlier.lost(&key, &project.environments(), commit);
                self.unknown.extend(why.map(|why| (key.clone(), why)));
                began.push((key, change));
            }
        }
        self.tell(began)?;
        if found.is_empty() {
            return ControlFlow::Continue(());
        }
        let cells: BTreeSet<CellKey> = found.keys().cloned().collect();
        let want = Want {
            cells: Some(cells.clone()),
            last_only: false,
        };
        let mut held = Held::default();
        let mut stopped = false;
        let sink = &mut *self.sink;
        let walk = self.repo.history(
            earlier.line.commit,
            &earlier.view,
            &earlier.names,
            &want,
            &mut |event| {
                let event = match event {
                    HistoryEvent::Changes(changes) => {
                        let mut told = Vec::new();
                        for (key, mut change) in changes {
                            deepen(&mut change, depth + 1);
                            match found.remove(&key) {
                                Some((newer, from)) => {
                                    let (newer, older) = join(newer, change, from);
                                    told.extend(newer.map(|newer| (key.clone(), newer)));
                                    told.extend(held.sift(vec![(key, older)]));
                                }
                                None => told.extend(held.sift(vec![(key, change)])),
                            }
                        }
                        HistoryEvent::Changes(told)
                    }
                    HistoryEvent::Progress(walked) => HistoryEvent::Progress(depth + 1 + walked),
                    end @ HistoryEvent::End { .. } => end,
                };
                let flow = sink(event);
                stopped = flow.is_break();
                flow
            },
        );
        if stopped {
            return ControlFlow::Break(());
        }
        self.tell(found.into_iter().map(|(key, (change, _))| (key, change)))?;
        if let Err(error) = walk {
            self.not_known(cells, &error.why);
            return self.tell(held.all());
        }
        self.go_on(&earlier.project, &earlier.line, &earlier.view, held, left)
    }

    /// What was in effect before a commit.
    fn then(
        &mut self,
        project: &Project,
        line: &Tip,
        view: &Arc<LayoutSet>,
        commit: ObjectId,
    ) -> Then {
        let looked = match self.below.parent(commit) {
            Ok(Some(parent)) => self.at_parent(project, line, view, (commit, parent)),
            // The first commit of all, or the last one that a shallow clone has, which is said of all cells.
            Ok(None) => Ok(Then::Same),
            Err(error) => Err(error),
        };
        looked.unwrap_or_else(|error| Then::Unknown(error.why))
    }

    fn at_parent(
        &mut self,
        project: &Project,
        line: &Tip,
        view: &Arc<LayoutSet>,
        (commit, parent): (ObjectId, ObjectId),
    ) -> Result<Then, Failure> {
        let takes_away = self.below.takes_away(commit, parent)?;
        let there = self.below.blob(parent, TEAM_FILE)?;
        // Files alone came: by a configuration that stays, and reads as today's or not at all.
        let here = self.below.blob(commit, TEAM_FILE)?;
        let is_held = here.is_some() || there.is_some();
        let is_suspect = takes_away || there != here;
        let mut at = parent;
        let config = loop {
            match self.other(project, line, at, is_suspect)? {
                Ok(Some(config)) => break config,
                Err(why) if is_suspect => return Ok(Then::Unknown(why)),
                Ok(None) | Err(_) => {}
            }
            if !takes_away || there.is_none() {
                // What is configured beside the repository, or on another branch, says nothing of what it was then.
                let is_elsewhere = takes_away && !is_held && project.config.guessed.is_none();
                if is_elsewhere {
                    return Ok(Then::Unknown(format!(
                        "{} took files away, and {} holds no {TEAM_FILE} that would say whether they were its cells'",
                        commit.short(),
                        line.shown
                    )));
                }
                return Ok(Then::Same);
            }
            // The configuration may have changed before the files did, and in something else after that.
            at = match self.another(at)? {
                ControlFlow::Break(()) => return Ok(Then::Unwanted),
                ControlFlow::Continue(Another::At(before)) => before,
                ControlFlow::Continue(Another::Nowhere) => return Ok(Then::Same),
                ControlFlow::Continue(Another::Limit) => {
                    let why = format!(
                        "{} took files away, and whether another {TEAM_FILE} was in effect before is further back than {MOST_COMMITS} commits",
                        commit.short()
                    );
                    return Ok(Then::Unknown(why));
                }
            };
        };
        let mut then = line.clone();
        then.commit = parent;
        // Whatever the commit did: what was in effect read its cells elsewhere.
        let Some(origin) = origin_in(&config.layouts, view, &line.origin) else {
            let why = format!(
                "the layouts of {} ({TEAM_FILE}) read other refs than {}, where its history ends at {}",
                at.short(),
                line.shown,
                commit.short()
            );
            return Ok(Then::Unknown(why));
        };
        then.origin = origin;
        let project = Project {
            config: Config::clone(&config),
            at: None,
            decided: Decided::default(),
            ..self.today.clone()
        };
        let layouts = project.decided_by(&then);
        let names = project.environments();
        let view = Arc::new(layouts.view(&then.origin));
        let desired = self.repo.desired(parent, &view, &names)?;
        Ok(Then::Other(Box::new(Earlier {
            project,
            line: then,
            view,
            names,
            desired,
        })))
    }

    /// The newest commit below one whose configuration is there and is another; `Break` where nobody wants to know any more.
    fn another(&mut self, commit: ObjectId) -> Result<ControlFlow<(), Another>, Failure> {
        loop {
            let mut now = self.commits.min(COMMITS_AT_ONCE);
            let begun = now;
            let below: &'a Below = self.below;
            let trail = &mut self.trail;
            let trail = trail.get_or_insert_with(|| below.trail(commit, TEAM_FILE));
            let found = trail.another(commit, &mut now)?;
            self.commits -= begun - now;
            if found != Another::Limit || now > 0 || self.commits == 0 {
                return Ok(ControlFlow::Continue(found));
            }
            if self.ask().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// The configuration of a commit, where it reads otherwise than a session does, or why nobody knows that.
    fn other(
        &mut self,
        project: &Project,
        line: &Tip,
        at: ObjectId,
        may_guess: bool,
    ) -> Result<Result<Option<Arc<Config>>, String>, Failure> {
        let blob = self.below.blob(at, TEAM_FILE)?;
        let layouts = project.config.layouts.fingerprint();
        let known = blob.map(|blob| (layouts.to_owned(), blob));
        if known.as_ref().is_some_and(|it| self.same.contains(it)) {
            return Ok(Ok(None));
        }
        let config = match self.configured(line, at, blob, may_guess)? {
            Ok(config) => config,
            Err(why) => return Ok(Err(why)),
        };
        if config.as_ref().is_some_and(|it| is_other(it, project)) {
            return Ok(Ok(config));
        }
        // What is guessed may be another guess elsewhere.
        let is_said = config.is_some_and(|config| config.guessed.is_none());
        self.same.extend(known.filter(|_| is_said));
        Ok(Ok(None))
    }

    /// The configuration of a commit, whose file is `blob`; `None` where nothing says one, or why it is not known. A layout is
    /// guessed only if `may_guess`: it takes long.
    fn configured(
        &self,
        line: &Tip,
        commit: ObjectId,
        blob: Option<ObjectId>,
        may_guess: bool,
    ) -> Result<Result<Option<Arc<Config>>, String>, Failure> {
        let known = &self.today.earlier;
        let by_blob = blob.and_then(|blob| known.get(&Place::Blob(blob)));
        let by_tree = || known.get(&Place::Tree(commit)).filter(|_| may_guess);
        let said = match by_blob.or_else(by_tree) {
            Some(said) => said,
            None => match self.load(line, commit, blob, may_guess)? {
                Ok(said) => said,
                Err(why) => return Ok(Err(why)),
            },
        };
        Ok(match said {
            Ok(config) => Ok(Some(config)),
            Err(_) if blob.is_none() || !may_guess => Ok(None),
            Err(first) => Err(format!(
                "{TEAM_FILE} of {} cannot be read by this version, so what it declared is not known: {first}",
                commit.short(),
            )),
        })
    }

    /// Reads it, and keeps what is found; or says why its layout could not be guessed.
    fn load(
        &self,
        line: &Tip,
        commit: ObjectId,
        blob: Option<ObjectId>,
        may_guess: bool,
    ) -> Result<Result<Said, String>, Failure> {
        let bytes = blob.map_or(Ok(None), |_| self.repo.file(commit, TEAM_FILE))?;
        let size = bytes.as_ref().map_or(0, Vec::len);
        let team = bytes.map(|bytes| SourceFile {
            name: format!("{}:{TEAM_FILE}", commit.short()),
            bytes,
        });
        let mut then = line.clone();
        then.commit = commit;
        let is_asked = Cell::new(false);
        let lacking = RefCell::new(None);
        let guess = || {
            is_asked.set(true);
            if !may_guess {
                return None;
            }
            let Some(left) = self.guesses.get().checked_sub(1) else {
                lacking.replace(Some(format!(
                    "what layout the files of {} had is not guessed: {MOST_GUESSES} commits were looked at before it",
                    commit.short()
                )));
                return None;
            };
            self.guesses.set(left);
            recognise(self.repo, &then).unwrap_or_else(|error| {
                lacking.replace(Some(error.why));
                None
            })
        };
        let loaded = config::load(&LoadRequest {
            team,
            user: project::user_file().ok().flatten(),
            detect: &guess,
        });
        if let Some(why) = lacking.into_inner() {
            return Ok(Err(why));
        }
        let said = loaded.map(Arc::new).map_err(|errors| {
            let first = errors.0.first().map(ToString::to_string);
            first.unwrap_or_default()
        });
        let place = match blob {
            _ if is_asked.get() => may_guess.then_some(Place::Tree(commit)),
            Some(blob) => Some(Place::Blob(blob)),
            None => None,
        };
        if let Some(place) = place {
            self.today.earlier.keep(place, said.clone(), size);
        }
        Ok(Ok(said))
    }
}

impl Earlier {
    /// What the layouts of then read beside this ref: other refs, other repositories.
    fn elsewhere(&self) -> Option<String> {
        let layouts = &self.project.config.layouts;
        let own = &self.line.origin;
        let templates = layouts.ref_templates().iter().enumerate();
        let repositories = layouts.repositories();
        let of = |repository: &Option<Arc<str>>| {
            let named = repository.as_deref();
            let is_here = *repository == own.repository;
            let mut refs = templates.clone().filter(|(index, _)| {
                layouts.reads(named, Some(*index)) && !(is_here && own.refs == Some(*index))
            });
            let template = refs
                .next()
                .map(|(_, template)| format!("`{}`", template.source()));
            let base = || (!is_here).then(|| "files".to_owned());
            let of = named.map_or(String::new(), |name| format!(" of {name}"));
            Some(template.or_else(base)? + &of)
        };
        repositories.iter().find_map(of)
    }

    /// Why a cell that is not here may have been here under another name; `None` where it was not.
    fn lost(&self, key: &CellKey, names: &[EnvironmentName], commit: ObjectId) -> Option<String> {
        let at = commit.short();
        if let Some(problem) = self.desired.unread(key) {
            return Some(format!(
                "what stood there before {at} cannot be read: {}",
                problem.sentence()
            ));
        }
        if let Some(elsewhere) = self
            .elsewhere()
            .filter(|_| self.names.contains(&key.environment))
        {
            return Some(format!(
                "the layouts that were in effect before {at} read {elsewhere} too, and whether {key} stood there is not looked at"
            ));
        }
        let known = self.desired.cells.keys().map(|key| &key.service);
        let mut known = known.chain(&self.desired.services);
        if self.names.contains(&key.environment) || !known.any(|name| *name == key.service) {
            return None;
        }
        let gone: Vec<&str> = self
            .names
            .iter()
            .filter(|name| !names.contains(name))
            .map(EnvironmentName::as_str)
            .collect();
        (!gone.is_empty()).then(|| {
            format!(
                "{at} brought the environment {} and took {} away: whether it is the same under another name is not known",
                key.environment,
                gone.join(", ")
            )
        })
    }
}

/// Whether a configuration reads otherwise than a session does.
fn is_other(config: &Config, project: &Project) -> bool {
    config.layouts.fingerprint() != project.config.layouts.fingerprint()
}

/// What a ref that is seen by `view` is for other layouts; `None` where they do not read it.
fn origin_in(layouts: &LayoutSet, view: &LayoutSet, origin: &Origin) -> Option<Origin> {
    let template = origin
        .refs
        .and_then(|index| view.ref_templates().get(index));
    let same = template.and_then(|template| {
        let mut others = layouts.ref_templates().iter();
        let refs = others.position(|other| other.source() == template.source())?;
        Some(Origin {
            refs: Some(refs),
            ..origin.clone()
        })
    });
    same.or_else(|| layouts.reads(None, None).then(Origin::default))
}

/// The file that a cell's version stands in; `None` where it has none.
fn place(desired: &Desired, key: &CellKey) -> Option<RepoPath> {
    let cell = desired.cells.get(key)?;
    cell.version.as_ref()?;
    let source = cell.sources.first().map(|source| &source.path);
    source.or(cell.files.first()).cloned()
}

/// A change of a walk that began so many commits below the tip.
fn deepen(change: &mut ValueChange, by: u32) {
    change.depth += by;
    if let Some(moved) = &mut change.moved {
        Arc::make_mut(moved).depth += by;
    }
}

/// A cell's oldest value and what stood before it in the file `from`: the same value moved, and is told as one with the
/// older; another one was replaced.
fn join(
    mut newer: ValueChange,
    mut older: ValueChange,
    from: RepoPath,
) -> (Option<ValueChange>, ValueChange) {
    let moved = newer.moved.take().unwrap_or_else(|| {
        Arc::new(Moved {
            from,
            landed: Arc::clone(&newer.landed),
            authored: Arc::clone(&newer.authored),
            depth: newer.depth,
        })
    });
    if newer.version == older.version {
        older.moved = Some(moved);
        return (None, older);
    }
    newer.moved = Some(moved);
    newer.previous.clone_from(&older.version);
    (Some(newer), older)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: usize) -> Place {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&number.to_be_bytes());
        Place::Blob(ObjectId::new(id))
    }

    /// What is asked for stays, however much comes; and no more of it than there may be.
    #[test]
    fn what_is_remembered_of_configurations_has_bounds() {
        for (name, bytes) in [
            ("many small ones", 0),
            ("of a few kilobytes", 2_000),
            ("large ones", MOST_KEPT_BYTES / 3),
            ("as large as all may be", MOST_KEPT_BYTES),
            ("larger", MOST_KEPT_BYTES + 1),
        ] {
            let known = Configurations::default();
            for number in 0..3 * MOST_KEPT {
                known.get(&place(0));
                known.keep(place(number), Err(String::new()), bytes);
                // The same again is not counted twice.
                known.keep(place(number), Err(String::new()), bytes);
            }
            let kept = known.0.lock().unwrap();
            assert!(kept.of.len() <= MOST_KEPT, "{name}");
            assert!(kept.bytes <= MOST_KEPT_BYTES, "{name}");
            assert_eq!(kept.bytes, kept.of.len() * bytes, "{name}");
            let expected = MOST_KEPT.min(MOST_KEPT_BYTES.checked_div(bytes).unwrap_or(MOST_KEPT));
            assert_eq!(kept.of.len(), expected, "{name}");
            drop(kept);
            let stays = known.get(&place(0)).is_some();
            assert_eq!(stays, expected > 1, "{name}: asked for each time");
        }
    }
}
