//! What everything starts from: where each ref is, and the matrix that they declare together.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use super::{
    At, Project,
    at::is_same,
    earlier::{UnknownBefore, Walked},
};
use crate::{
    domain::{
        address,
        desired::{Desired, RefName, Refs, Tip},
        failure::{Failure, FailureKind},
        ids::{CellKey, EnvironmentName, ObjectId},
        layout::{Assembler, LayoutSet, Origin, RefTemplate},
        policy::veto::Vetoes,
        problem::Problem,
        rollout::{ClusterTarget, Declared, targets},
    },
    sources::{
        git::{Files, HistoryEvent, LinesOf, Repo, TagReading, Want},
        waiting,
    },
};

/// The matrix, and the refs that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Every ref, in the order of the layouts; never empty.
    pub tips: Vec<Tip>,
    /// What they declare together.
    pub desired: Arc<Desired>,
    /// The layouts that it was read by, with what was decided of places.
    pub layouts: Arc<LayoutSet>,
}

impl Reading {
    /// The first ref: what is named where one name must do.
    pub fn base(&self) -> &Tip {
        // The constructor refuses a reading of nothing.
        &self.tips[0]
    }

    /// The ref called so.
    pub fn line(&self, name: &RefName) -> Option<&Tip> {
        self.tips.iter().find(|line| line.name == *name)
    }

    /// Where all refs are.
    pub fn refs(&self) -> Refs {
        self.tips.iter().collect()
    }
}

impl Project {
    /// Reads every ref that the layouts name, as last fetched. Blocking, milliseconds; where a layout has several places
    /// that may be the version and these tips are new, a part of the history is read too.
    ///
    /// # Errors
    /// When nothing can be read at all; a repository or an environment that is not there is a row in `problems`.
    pub fn read(&self) -> Result<Reading, Failure> {
        let (lines, problems) = self.lines()?;
        let now = self.now(&lines);
        self.read_lines(lines, problems, now)
    }

    /// Where refs are now, if that is what was looked at.
    fn now(&self, lines: &[Tip]) -> Option<Vec<Tip>> {
        self.at.is_none().then(|| lines.to_vec())
    }

    /// Where everything that is read is now. Blocking, milliseconds.
    ///
    /// # Errors
    /// As [`Project::read`].
    pub fn refs(&self) -> Result<Refs, Failure> {
        Ok(self.lines()?.0.iter().collect())
    }

    /// The same as [`Project::read`], with refs standing at these commits: what was just written, for one.
    pub fn read_with(&self, moved: &BTreeMap<RefName, ObjectId>) -> Result<Reading, Failure> {
        let (mut lines, problems) = self.lines()?;
        let now = self.now(&lines);
        for line in &mut lines {
            if let Some(commit) = moved.get(&line.name) {
                line.commit = *commit;
            }
        }
        self.read_lines(lines, problems, now)
    }

    /// What its cells are looked for by in their clusters, and what cannot be looked for.
    pub fn targets(&self, desired: &Desired) -> (Vec<ClusterTarget>, Vec<Problem>) {
        let mut addresses = BTreeMap::new();
        let mut known: BTreeMap<_, Option<String>> = BTreeMap::new();
        for tip in &desired.tips {
            let Some(remote) = &tip.remote else { continue };
            let repo = self.repository(&tip.name).ok();
            let address = known.entry((&tip.name.repository, remote));
            let address = address.or_insert_with(|| repo?.remote_url(remote));
            if let Some(address) = address {
                addresses.insert(tip.name.clone(), address::plain(address));
            }
        }
        let servers = &self.config.user.argocd;
        targets(&self.config.topology, desired, &addresses, servers)
    }

    /// What a ref declared at a commit; `None` where that cannot be read here.
    pub fn declared_at(&self, at: &(RefName, ObjectId)) -> Option<Declared> {
        let (name, commit) = at.clone();
        let reading = match self.read_with(&[(name, commit)].into()) {
            Ok(reading) => reading,
            Err(error) => {
                tracing::info!(commit = %at.1, why = error.why, "what an agent has applied is not known");
                return None;
            }
        };
        let cells = reading.desired.cells.iter();
        let declared = cells.filter_map(|(key, cell)| Some((key.clone(), cell.version.clone()?)));
        Some(declared.collect())
    }

    pub(super) fn read_lines(
        &self,
        lines: Vec<Tip>,
        mut problems: Vec<Problem>,
        now: Option<Vec<Tip>>,
    ) -> Result<Reading, Failure> {
        let names = self.environments();
        let layouts = self.decided(now)?;
        let several = lines.len() > 1 || !layouts.reads_default_ref();
        let mut parts = Vec::with_capacity(lines.len());
        for line in &lines {
            let repo = self.repository(&line.name)?;
            let _waiting = waiting::reading(repo.place());
            match desired_of(&layouts, &names, repo, line) {
                Ok(desired) => parts.push((line.clone(), desired)),
                // One ref that cannot be read never takes the rest of the matrix away.
                Err(error) if several => problems.push(problem(&line.name, &error)),
                Err(error) => return Err(error),
            }
        }
        let mut desired = Desired::join(parts, &names);
        if several {
            problems.extend(self.without_ref(&desired, &names, &lines));
        }
        problems.extend(self.rows_without_version(&desired, &lines));
        desired.judge_by(self.vetoes(&lines));
        let unread = desired.vetoes.unread.iter();
        problems.extend(unread.map(|problem| Problem::clone(problem)));
        desired.problems.append(&mut problems);
        desired.problems.sort();
        Ok(Reading {
            tips: lines,
            desired: Arc::new(desired),
            layouts,
        })
    }

    /// The vetoes, as every ref has them that is read: what one of them says counts for all.
    fn vetoes(&self, lines: &[Tip]) -> Vetoes {
        let path = self.config.topology.policy.veto_file();
        let mut vetoes = Vetoes::default();
        let mut seen = BTreeSet::new();
        for line in lines {
            if !seen.insert((&line.name.repository, line.commit)) {
                continue;
            }
            let repo = self.repository(&line.name);
            match repo.and_then(|repo| repo.file(line.commit, path.as_str())) {
                Ok(Some(bytes)) => vetoes.join(Vetoes::read(&path, &bytes)),
                Ok(None) => {}
                Err(error) => vetoes.unread.push(Arc::new(Problem {
                    path: Some(path.clone()),
                    message: format!("the vetoes cannot be read: {error}"),
                    ..Problem::general(String::new())
                })),
            }
        }
        vetoes
    }

    /// The refs that the layouts name, and what is wrong with those that cannot be looked at.
    pub(super) fn lines(&self) -> Result<(Vec<Tip>, Vec<Problem>), Failure> {
        self.lines_at(&self.at.clone().unwrap_or_default())
    }

    /// The same at a moment.
    pub(super) fn lines_at(&self, at: &At) -> Result<(Vec<Tip>, Vec<Problem>), Failure> {
        let layouts = &self.config.layouts;
        let here = waiting::reading(self.repo.place());
        let mut lines = self.repo.lines(
            layouts,
            &LinesOf {
                repository: None,
                branch: self.config.branch.as_deref(),
                until: at.until,
            },
        )?;
        drop(here);
        let mut problems = Vec::new();
        for other in &self.others {
            let there = other.repo.as_ref().ok().map(Repo::place);
            let _waiting = there.map(waiting::reading);
            let of = LinesOf {
                repository: Some(&other.name),
                branch: other.branch.as_deref(),
                until: at.until,
            };
            let found = other.repo.clone().and_then(|repo| repo.lines(layouts, &of));
            match found {
                Ok(found) => lines.extend(found),
                Err(error) => problems.push(Problem {
                    path: None,
                    line: None,
                    message: format!("{error}"),
                    context: Some(format!("{UNREAD}{}", other.name)),
                    hides: None,
                }),
            }
        }
        for line in &mut lines {
            if let (Some(commit), None, None) = (at.main, line.origin.refs, &line.origin.repository)
            {
                line.commit = commit;
            }
            if let Some(then) = at.refs.iter().find(|then| is_same(then, line)) {
                then.clone_into(line);
            }
        }
        // In the order of the columns: refs are named in many places.
        let names = self.environments();
        lines.sort_by_key(|line| {
            let column = layouts.environment_of(&line.origin);
            column.map(|column| {
                names
                    .iter()
                    .position(|name| *name == column)
                    .unwrap_or(names.len())
            })
        });
        if lines.is_empty() {
            return Err(self.nothing_to_read(&problems));
        }
        Ok((lines, problems))
    }

    fn nothing_to_read(&self, problems: &[Problem]) -> Failure {
        if let Some(problem) = problems.first() {
            return Failure::new(FailureKind::Unknown, problem.message.clone());
        }
        let layouts = &self.config.layouts;
        let templates = layouts.ref_words();
        let mut fetches = Vec::new();
        if layouts.ref_templates().iter().any(RefTemplate::is_tags) {
            fetches.push("git fetch --tags".to_owned());
        }
        if !layouts.ref_templates().iter().all(RefTemplate::is_tags) {
            // A clone of one branch fetches that one alone, until it is told to fetch all.
            let remote = self.repo.default_remote();
            fetches.push(match remote {
                Some(remote) => format!(
                    "git remote set-branches {remote} '*' && git fetch {remote}, where the clone is of one branch"
                ),
                None => "git fetch".to_owned(),
            });
        }
        Failure::new(
            FailureKind::Unknown,
            format!("no branch or tag matches {templates}"),
        )
        .hint(format!(
            "Fetch first ({}), or look at `refs` of the layouts and the names of the environments",
            fetches.join("; ")
        ))
    }

    /// Environments of refs that have none: said, because an empty column says nothing.
    fn without_ref(
        &self,
        desired: &Desired,
        names: &[EnvironmentName],
        lines: &[Tip],
    ) -> Vec<Problem> {
        let layouts = &self.config.layouts;
        if layouts.ref_templates().is_empty() {
            return Vec::new();
        }
        let columns = layouts.columns(lines);
        let filled = desired.cells.keys().map(|key| &key.environment);
        let filled: BTreeSet<_> = filled.chain(&columns).collect();
        let templates = layouts.ref_words();
        let missing = names.iter().filter(|name| !filled.contains(name));
        missing
            .map(|name| Problem {
                path: None,
                line: None,
                message: format!(
                    "no ref of {name} is here: nothing matches {templates}; fetch it, or look at `refs` of the layout"
                ),
                context: Some(name.to_string()),
                hides: None,
            })
            .collect()
    }

    /// A file of the ref `origin`, where it was read; [`Project::files`] for more than one.
    ///
    /// # Errors
    /// As [`Repo::file`].
    pub(super) fn file(
        &self,
        lines: &[Tip],
        origin: &Origin,
        path: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let files = self.files(lines, origin)?;
        files.map_or(Ok(None), |files| files.get(path))
    }

    /// The files of the ref `origin`; `None` where it was not read.
    ///
    /// # Errors
    /// As [`Repo::files`].
    pub(super) fn files(&self, lines: &[Tip], origin: &Origin) -> Result<Option<Files>, Failure> {
        let Some(line) = lines.iter().find(|line| line.origin == *origin) else {
            return Ok(None);
        };
        let files = self.repository(&line.name)?.files(line.commit)?;
        Ok(Some(files))
    }

    /// The matrix of the ref `origin`, to be edited; that of no file where it was not read.
    ///
    /// # Errors
    /// As [`Repo::matrix`].
    pub(super) fn matrix(&self, reading: &Reading, origin: &Origin) -> Result<Assembler, Failure> {
        let view = Arc::new(reading.layouts.view(origin));
        let names = self.environments();
        let Some(line) = reading.tips.iter().find(|line| line.origin == *origin) else {
            return Ok(Assembler::new(view, &names));
        };
        let repo = self.repository(&line.name)?;
        let mut matrix = repo.matrix(line.commit, &view, &names)?;
        if line.name.is_tag() {
            name_facts(&mut matrix, &view, line);
        }
        Ok(matrix)
    }

    /// Walks the history of every ref of a reading; see [`Repo::history`]. Changes of one ref after those of another. Where
    /// other layouts were in effect before a cell's oldest value, it goes on by those. Says of which cells what was before
    /// the oldest value is not known, and why.
    ///
    /// # Errors
    /// When a ref's history cannot be read; what was told before stands.
    pub fn history(
        &self,
        reading: &Reading,
        want: &Want,
        sink: &mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
    ) -> Result<UnknownBefore, Failure> {
        let names = self.environments();
        let mut unknown = UnknownBefore::new();
        let mut walked_before = 0;
        let mut any_shallow = false;
        for (number, line) in (0..).zip(&reading.tips) {
            let Some(want) = wanted_of(reading, line, want) else {
                continue;
            };
            let repo = self.repository(&line.name)?;
            let waiting = waiting::reading(repo.place());
            let mut walked = 0;
            let mut stopped = false;
            let mut each = |event: HistoryEvent| {
                waiting.goes_on();
                let event = match event {
                    HistoryEvent::Changes(mut changes) => {
                        for (_, change) in &mut changes {
                            change.line = number;
                        }
                        HistoryEvent::Changes(changes)
                    }
                    HistoryEvent::Progress(depth) => {
                        walked = depth;
                        HistoryEvent::Progress(walked_before + depth)
                    }
                    HistoryEvent::End { shallow } => {
                        any_shallow |= shallow;
                        return ControlFlow::Continue(());
                    }
                };
                let flow = sink(event);
                stopped = flow.is_break();
                flow
            };
            if line.name.is_tag() {
                let read = |line: &Tip| desired_of(&reading.layouts, &names, repo, line);
                let cells = reading.desired.cells.iter();
                let unread =
                    cells.filter(|(_, cell)| cell.unread.is_some() && cell.origin == line.origin);
                let unread = unread.map(|(key, _)| key.clone()).collect();
                repo.tag_history(
                    &reading.layouts,
                    line,
                    &want,
                    &TagReading {
                        unread: &unread,
                        read: &read,
                    },
                    &mut each,
                )?;
            } else {
                let view = Arc::new(reading.layouts.view(&line.origin));
                let walked = Walked {
                    repo,
                    line,
                    view: &view,
                    names: &names,
                };
                unknown.extend(self.history_of(&walked, &want, &mut each)?);
            }
            if stopped {
                return Ok(unknown);
            }
            walked_before += walked;
        }
        let _ = sink(HistoryEvent::End {
            shallow: any_shallow,
        });
        Ok(unknown)
    }
}

/// What one ref declares.
pub(super) fn desired_of(
    layouts: &LayoutSet,
    names: &[EnvironmentName],
    repo: &Repo,
    line: &Tip,
) -> Result<Desired, Failure> {
    let view = Arc::new(layouts.view(&line.origin));
    let desired = repo.desired(line.commit, &view, names)?;
    if !line.name.is_tag() {
        return Ok(desired);
    }
    let mut named = Assembler::new(Arc::clone(&view), names);
    name_facts(&mut named, &view, line);
    let named = named.desired(line.commit);
    let parts = vec![(line.clone(), named), (line.clone(), desired)];
    Ok(Desired::join(parts, names))
}

/// Adds what a tag's own name declares.
fn name_facts(matrix: &mut Assembler, view: &LayoutSet, line: &Tip) {
    let facts = view.ref_facts(&line.origin);
    matrix.update(line.name.reference.as_str().into(), Some(Arc::new(facts)));
}

/// The part of what is wanted that this ref can tell; `None`: nothing.
fn wanted_of(reading: &Reading, line: &Tip, want: &Want) -> Option<Want> {
    let Some(cells) = &want.cells else {
        return Some(want.clone());
    };
    let column = reading.layouts.environment_of(&line.origin);
    let here = |key: &&CellKey| match reading.desired.cells.get(*key) {
        Some(cell) => cell.origin == line.origin,
        // A cell that is gone was in the ref of its column, or in one that holds many.
        None => column.as_ref().is_none_or(|name| *name == key.environment),
    };
    let cells: BTreeSet<CellKey> = cells.iter().filter(here).cloned().collect();
    (!cells.is_empty()).then_some(Want {
        cells: Some(cells),
        last_only: want.last_only,
        newest: want.newest,
    })
}

fn problem(name: &RefName, error: &Failure) -> Problem {
    Problem {
        path: None,
        line: None,
        message: error.to_string(),
        context: Some(match &name.repository {
            Some(repository) => format!("{UNREAD}{repository}"),
            None => name.to_string(),
        }),
        hides: None,
    }
}

/// What the context of a problem begins with that is of a whole repository, before its name.
const UNREAD: &str = "repository ";

/// The repositories that could not be read, and why, in a sentence; `None` where all could: what is not in the matrix may be
/// in one of them.
pub(super) fn unread_repositories(desired: &Desired) -> Option<String> {
    let of = |problem: &Problem| {
        let context = problem.context.as_deref()?;
        context
            .starts_with(UNREAD)
            .then(|| format!("{context} could not be read: {}", problem.message))
    };
    let all: Vec<String> = desired.problems.iter().filter_map(of).collect();
    (!all.is_empty()).then(|| all.join("; "))
}
