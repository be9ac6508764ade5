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
//! was before, and that is said.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use super::{Decided, Project, project, recognise::recognise};
use crate::{
    config::{self, Config, LoadRequest, SourceFile, TEAM_FILE},
    domain::{
        desired::{Desired, Tip},
        history::{Moved, ValueChange},
        ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
        layout::{LayoutSet, Origin},
    },
    sources::git::{Below, Failure, HistoryEvent, Repo, Want},
};

/// Why what was before a cell's oldest value is not known, by cell.
pub type UnknownBefore = BTreeMap<CellKey, String>;

/// So many configurations are gone back through.
const MOST_CONFIGURATIONS: usize = 32;
/// So many commits before one that took files away, a configuration is looked for that changed before the files did.
const MOST_COMMITS: usize = 400;

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
        repo.history(line.commit, view, names, want, &mut |event| {
            let event = match event {
                HistoryEvent::Changes(changes) => HistoryEvent::Changes(held.sift(changes)),
                other => other,
            };
            let flow = sink(event);
            stopped = flow.is_break();
            flow
        })?;
        let mut unknown = UnknownBefore::new();
        if !stopped {
            let below = repo.below()?;
            let mut back = Back {
                same: BTreeSet::new(),
                today: self,
                below: &below,
                repo,
                unknown: &mut unknown,
                sink,
            };
            let _ = back.go_on(self, line, view, held, MOST_CONFIGURATIONS)?;
        }
        Ok(unknown)
    }
}

/// Goes back through the configurations of a ref.
struct Back<'a, 's> {
    /// Configurations (blobs) known to read as these layouts (a fingerprint) do.
    same: BTreeSet<(String, ObjectId)>,
    today: &'a Project,
    below: &'a Below,
    repo: &'a Repo,
    unknown: &'a mut UnknownBefore,
    sink: &'a mut Sink<'s>,
}

impl Back<'_, '_> {
    /// Tells what was held back, and what was before it; `session` and `view` are what it was read by.
    fn go_on(
        &mut self,
        project: &Project,
        line: &Tip,
        view: &Arc<LayoutSet>,
        held: Held,
        left: usize,
    ) -> Result<ControlFlow<()>, Failure> {
        for ((depth, commit), group) in held.by_commit() {
            let then = match self.below.parent(commit)? {
                Some(parent) if left > 0 => self.then(project, line, view, commit, parent)?,
                _ => Then::Same,
            };
            let flow = match then {
                Then::Same => (self.sink)(HistoryEvent::Changes(group.into_iter().collect())),
                Then::Unknown(why) => {
                    let cells = group.keys().cloned();
                    self.unknown.extend(cells.map(|cell| (cell, why.clone())));
                    (self.sink)(HistoryEvent::Changes(group.into_iter().collect()))
                }
                Then::Other(earlier) => {
                    self.go_on_by(project, &earlier, group, (depth, commit), left - 1)?
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The same by the configuration `earlier`, of the cells that a commit brought.
    fn go_on_by(
        &mut self,
        project: &Project,
        earlier: &Earlier,
        group: BTreeMap<CellKey, ValueChange>,
        (depth, commit): (u32, ObjectId),
        left: usize,
    ) -> Result<ControlFlow<()>, Failure> {
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
        let flow = (self.sink)(HistoryEvent::Changes(began));
        if found.is_empty() || flow.is_break() {
            return Ok(flow);
        }
        let want = Want {
            cells: Some(found.keys().cloned().collect::<BTreeSet<_>>()),
            last_only: false,
        };
        let mut held = Held::default();
        let mut stopped = false;
        let sink = &mut *self.sink;
        self.repo.history(
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
        )?;
        if stopped {
            return Ok(ControlFlow::Break(()));
        }
        let rest = found.into_iter().map(|(key, (change, _))| (key, change));
        let flow = (self.sink)(HistoryEvent::Changes(rest.collect()));
        if flow.is_break() {
            return Ok(flow);
        }
        self.go_on(&earlier.project, &earlier.line, &earlier.view, held, left)
    }

    /// What was in effect at the parent of a commit.
    fn then(
        &mut self,
        project: &Project,
        line: &Tip,
        view: &Arc<LayoutSet>,
        commit: ObjectId,
        parent: ObjectId,
    ) -> Result<Then, Failure> {
        let takes_away = self.below.takes_away(commit, parent)?;
        let there = self.below.blob(parent, TEAM_FILE)?;
        // Files alone came: by a configuration that stays, and reads as today's or not at all.
        let is_suspect = takes_away || there != self.below.blob(commit, TEAM_FILE)?;
        let layouts = project.config.layouts.fingerprint();
        let known = there.map(|blob| (layouts.to_owned(), blob));
        let found = if known.as_ref().is_some_and(|it| self.same.contains(it)) {
            None
        } else {
            match self.configured(line, parent, is_suspect)? {
                Ok(Some(config)) if is_other(&config, project) => Some((config, parent)),
                Ok(config) => {
                    // What is guessed may be another guess elsewhere.
                    let is_said = config.is_some_and(|config| config.guessed.is_none());
                    self.same.extend(known.filter(|_| is_said));
                    None
                }
                Err(why) if is_suspect => return Ok(Then::Unknown(why)),
                Err(_) => None,
            }
        };
        let found = match found {
            None if takes_away && there.is_some() => {
                // The configuration may have changed before the files did.
                let before = self.below.another(parent, TEAM_FILE, MOST_COMMITS)?;
                let Some(before) = before else {
                    return Ok(Then::Same);
                };
                match self.configured(line, before, is_suspect)? {
                    Ok(Some(config)) if is_other(&config, project) => (config, before),
                    _ => return Ok(Then::Same),
                }
            }
            None => return Ok(Then::Same),
            Some(found) => found,
        };
        let (config, at) = found;
        let mut then = line.clone();
        then.commit = parent;
        then.origin = match origin_in(&config.layouts, view, &line.origin) {
            Some(origin) => origin,
            None if is_suspect => {
                let why = format!(
                    "the layouts of {} ({TEAM_FILE}) read other refs than {}, where its history ends at {}",
                    at.short(),
                    line.shown,
                    commit.short()
                );
                return Ok(Then::Unknown(why));
            }
            None => return Ok(Then::Same),
        };
        let project = Project {
            config,
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

    /// The configuration of a commit; `None` where nothing says one, or why it cannot be read. A layout is guessed only if
    /// `may_guess`: it takes long.
    fn configured(
        &self,
        line: &Tip,
        commit: ObjectId,
        may_guess: bool,
    ) -> Result<Result<Option<Config>, String>, Failure> {
        let bytes = self.repo.file(commit, TEAM_FILE)?;
        let team = bytes.map(|bytes| SourceFile {
            name: format!("{}:{TEAM_FILE}", commit.short()),
            bytes,
        });
        let mut then = line.clone();
        then.commit = commit;
        let is_there = team.is_some();
        let loaded = config::load(&LoadRequest {
            team,
            user: project::user_file().ok().flatten(),
            detect: &|| {
                let guess = may_guess.then(|| recognise(self.repo, &then));
                guess.and_then(|guess| guess.ok().flatten())
            },
        });
        Ok(match loaded {
            Ok(config) => Ok(Some(config)),
            Err(_) if !is_there || !may_guess => Ok(None),
            Err(errors) => {
                let first = errors.0.first().map(ToString::to_string);
                Err(format!(
                    "{TEAM_FILE} of {} cannot be read by this version, so what it declared is not known: {}",
                    commit.short(),
                    first.unwrap_or_default()
                ))
            }
        })
    }
}

impl Earlier {
    /// Why a cell that is not here may have been here under another name; `None` where it was not.
    fn lost(&self, key: &CellKey, names: &[EnvironmentName], commit: ObjectId) -> Option<String> {
        let at = commit.short();
        if let Some(problem) = self.desired.unread(key) {
            return Some(format!(
                "what stood there before {at} cannot be read: {}",
                problem.sentence()
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
