//! From the configuration of a commit to the one before it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use super::{
    COMMITS_AT_ONCE, Held, MOST_COMMITS, MOST_CONFIGURATIONS, MOST_GUESSES, Sink, UnknownBefore,
    kept::{ConfigurationSource, Said},
    then::{Earlier, Then, deepen, is_other, join, origin_in, place},
};
use crate::{
    config::{self, Config, LoadRequest, SourceFile, TEAM_FILE},
    domain::{
        desired::Tip,
        failure::Failure,
        history::ValueChange,
        ids::{CellKey, ObjectId},
        layout::LayoutSet,
    },
    sources::git::{Another, Below, HistoryEvent, Repo, Trail, Want},
    workflow::{Decided, Project, project, recognise::recognise},
};

/// Goes back through the configurations of a ref.
pub(super) struct Back<'a, 's> {
    /// Configurations (blobs) known to read as these layouts (a fingerprint) do.
    pub(super) same: BTreeSet<(String, ObjectId)>,
    pub(super) today: &'a Project,
    pub(super) below: &'a Below,
    /// The configuration's file, commit by commit; begun at the first that was asked for, which is the newest.
    pub(super) trail: Option<Trail<'a>>,
    /// So many commits of it may still be looked at.
    pub(super) commits: usize,
    /// So many layouts may still be guessed.
    pub(super) guesses: Cell<usize>,
    pub(super) repo: &'a Repo,
    pub(super) unknown: &'a mut UnknownBefore,
    pub(super) sink: &'a mut Sink<'s>,
}

impl<'a> Back<'a, '_> {
    /// Tells what was held back, and what was before it; `session` and `view` are what it was read by.
    pub(super) fn go_on(
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
                let stays = || {
                    let after = self.repo.desired(commit, &earlier.view, &earlier.names);
                    after.ok()
                };
                let why = earlier.lost(&key, &project.environments(), commit, &stays);
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
            newest: None,
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
        let by_blob = blob.and_then(|blob| known.get(&ConfigurationSource::Blob(blob)));
        let by_tree = || {
            known
                .get(&ConfigurationSource::Tree(commit))
                .filter(|_| may_guess)
        };
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
            _ if is_asked.get() => may_guess.then_some(ConfigurationSource::Tree(commit)),
            Some(blob) => Some(ConfigurationSource::Blob(blob)),
            None => None,
        };
        if let Some(place) = place {
            self.today.earlier.keep(place, said.clone(), size);
        }
        Ok(Ok(said))
    }
}
