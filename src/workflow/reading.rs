//! What everything starts from: where each ref is, and the matrix that they declare together.

use std::{collections::BTreeMap, ops::ControlFlow, path::PathBuf, sync::Arc};

use jiff::{Timestamp, Zoned};

use super::{OpenError, Session};
use crate::{
    config::{Config, RepositoryPlace, places},
    domain::{
        desired::{Desired, RefName},
        ids::{CellKey, ObjectId},
        layout::LayoutSet,
        problem::Problem,
    },
    sources::git::{
        self, Base, Files, GitError, GitErrorKind, HistoryEvent, Line, LinesOf, RanCommand, Repo,
        Want,
    },
};

/// The matrix, and the refs that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Every ref, in the order of the layouts; never empty.
    pub lines: Vec<Line>,
    /// What they declare together.
    pub desired: Arc<Desired>,
}

/// Another moment than now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The commit of the ref that holds every environment.
    main: Option<ObjectId>,
    /// Refs of single environments, as they were.
    refs: Vec<Line>,
    /// Every ref as it was at this time.
    until: Option<Timestamp>,
}

/// What [`Session::fetch`] did.
#[derive(Clone, Debug, Default)]
pub struct Fetches {
    /// The programs that ran.
    pub ran: Vec<RanCommand>,
    /// Repositories beside the main one that could not be fetched: what is known of them is as old as before.
    pub failed: Vec<(String, GitError)>,
}

/// A repository beside the main one.
#[derive(Clone, Debug)]
pub struct OtherRepository {
    /// The `[[repositories]]` entry.
    pub name: Arc<str>,
    /// It, or why it cannot be read.
    pub repo: Result<Repo, GitError>,
    /// Its configured branch.
    pub branch: Option<String>,
    /// Its address, where a mirror of it is kept.
    pub url: Option<String>,
}

impl OtherRepository {
    /// A mirror that is not made yet.
    fn is_pending(&self) -> bool {
        self.url.is_some() && self.repo.is_err()
    }
}

impl Reading {
    /// The first ref: what is named where one name must do.
    pub fn base(&self) -> &Base {
        // The constructor refuses a reading of nothing.
        &self.lines[0].base
    }

    /// The ref called so.
    pub fn line(&self, name: &RefName) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == *name)
    }

    /// One name for where all refs are: the commit itself where there is one ref.
    pub fn state(&self) -> ObjectId {
        state(&self.lines)
    }
}

fn state(lines: &[Line]) -> ObjectId {
    if let [only] = lines {
        return only.base.commit;
    }
    let text: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}\n", line.name, line.base.commit))
        .collect();
    Repo::blob_id(text.concat().as_bytes())
}

impl Session {
    /// Clones the repositories that are named by their address and have no mirror yet, and, where `fetch` says so, fetches
    /// those that have one. `tell` hears of each in sentences. Blocking; does nothing without such repositories.
    ///
    /// # Errors
    /// `Usage` where `--at` means nothing. A repository that cannot be reached is a row in `problems`, and is told.
    pub fn mirror(
        &mut self,
        fetch: bool,
        now: &Zoned,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), OpenError> {
        for other in &mut self.others {
            let Some(url) = &other.url else { continue };
            let mirrored = mirrors(url).and_then(|folder| Repo::mirror(url, &folder, tell));
            match mirrored {
                Ok(mirror) => {
                    if fetch
                        && !mirror.new
                        && let Err(error) = mirror.fetch()
                    {
                        tell(&error.to_string());
                    }
                    other.repo = Ok(super::project::with_cache(mirror.repo));
                }
                Err(error) => {
                    tell(&error.to_string());
                    other.repo = Err(error);
                }
            }
        }
        if self.at.is_none() && !self.opened.at.is_empty() {
            self.at = Some(at(self, &self.opened.at, now)?);
        }
        Ok(())
    }

    /// Whether anything that is read has a remote.
    pub fn has_remote(&self) -> bool {
        let lines = self.lines().map(|(lines, _)| lines).unwrap_or_default();
        lines.iter().any(|line| line.base.remote.is_some())
    }

    /// Whether a repository has to be cloned before everything can be read.
    pub(super) fn is_pending(&self) -> bool {
        self.others.iter().any(OtherRepository::is_pending)
    }

    /// Reads every ref that the layouts name, as last fetched. Blocking, milliseconds.
    ///
    /// # Errors
    /// When nothing can be read at all; a repository or an environment that is not there is a row in `problems`.
    pub fn read(&self) -> Result<Reading, GitError> {
        let (lines, problems) = self.lines()?;
        self.read_lines(lines, problems)
    }

    /// One name for where everything that is read is now, as [`Reading::state`] gives it. Blocking, milliseconds.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn state(&self) -> Result<ObjectId, GitError> {
        Ok(state(&self.lines()?.0))
    }

    /// The same as [`Session::read`], with refs standing at these commits: what was just written, for one.
    pub fn read_with(&self, moved: &BTreeMap<RefName, ObjectId>) -> Result<Reading, GitError> {
        let (mut lines, problems) = self.lines()?;
        for line in &mut lines {
            if let Some(commit) = moved.get(&line.name) {
                line.base.commit = *commit;
            }
        }
        self.read_lines(lines, problems)
    }

    fn read_lines(
        &self,
        lines: Vec<Line>,
        mut problems: Vec<Problem>,
    ) -> Result<Reading, GitError> {
        let names = self.environments();
        let several = lines.len() > 1 || !self.config.layouts.reads_default_ref();
        let mut parts = Vec::with_capacity(lines.len());
        for line in &lines {
            let repo = self.repository(&line.name)?;
            match self.desired_of(repo, line) {
                Ok(desired) => parts.push((line.tip(), desired)),
                // One ref that cannot be read never takes the rest of the matrix away.
                Err(error) if several => problems.push(problem(&line.name, &error)),
                Err(error) => return Err(error),
            }
        }
        let mut desired = Desired::join(parts, &names);
        if several {
            problems.extend(self.without_ref(&desired, &lines));
        }
        desired.problems.append(&mut problems);
        desired.problems.sort();
        Ok(Reading {
            lines,
            desired: Arc::new(desired),
        })
    }

    /// What one ref declares.
    pub(super) fn desired_of(&self, repo: &Repo, line: &Line) -> Result<Desired, GitError> {
        let names = self.environments();
        let view = Arc::new(self.config.layouts.view(&line.origin));
        let commit = line.base.commit;
        let mut desired = repo.desired(commit, &view, &names)?;
        if line.name.is_tag() {
            let named = named(&view, line, &names);
            let parts = vec![(line.tip(), named), (line.tip(), desired)];
            desired = Desired::join(parts, &names);
        }
        Ok(desired)
    }

    /// The refs that the layouts name, and what is wrong with those that cannot be looked at.
    fn lines(&self) -> Result<(Vec<Line>, Vec<Problem>), GitError> {
        let layouts = &self.config.layouts;
        let at = self.at.clone().unwrap_or_default();
        let mut lines = self.repo.lines(
            layouts,
            &LinesOf {
                repository: None,
                branch: self.config.branch.as_deref(),
                until: at.until,
            },
        )?;
        let mut problems = Vec::new();
        for other in &self.others {
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
                    context: Some(format!("repository {}", other.name)),
                }),
            }
        }
        for line in &mut lines {
            if let (Some(commit), None, None) = (at.main, line.origin.refs, &line.origin.repository)
            {
                line.base.commit = commit;
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

    fn nothing_to_read(&self, problems: &[Problem]) -> GitError {
        if let Some(problem) = problems.first() {
            return GitError::new(GitErrorKind::Unknown, problem.message.clone());
        }
        let templates: Vec<&str> = self
            .config
            .layouts
            .ref_templates()
            .iter()
            .map(crate::domain::layout::RefTemplate::source)
            .collect();
        GitError::new(
            GitErrorKind::Unknown,
            format!("no branch or tag matches `{}`", templates.join("`, `")),
        )
        .hint("Fetch first (git fetch --tags), or look at `refs` of the layouts and the names of the environments")
    }

    /// Environments of refs that have none: said, because an empty column says nothing.
    fn without_ref(&self, desired: &Desired, lines: &[Line]) -> Vec<Problem> {
        let layouts = &self.config.layouts;
        if layouts.ref_templates().is_empty() {
            return Vec::new();
        }
        let columns: Vec<_> = lines
            .iter()
            .filter_map(|line| layouts.environment_of(&line.origin))
            .collect();
        let empty = |name: &crate::domain::ids::EnvironmentName| {
            !columns.contains(name) && !desired.cells.keys().any(|key| key.environment == *name)
        };
        let names = self.environments();
        let templates: Vec<&str> = layouts
            .ref_templates()
            .iter()
            .map(crate::domain::layout::RefTemplate::source)
            .collect();
        let missing = names.iter().filter(|name| empty(name));
        missing
            .map(|name| Problem {
                path: None,
                line: None,
                message: format!(
                    "no ref of {name} is here: nothing matches `{}`; fetch it, or look at `refs` of the layout",
                    templates.join("`, `")
                ),
                context: Some(name.to_string()),
            })
            .collect()
    }

    /// The repository that a ref is in.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn repository(&self, name: &RefName) -> Result<&Repo, GitError> {
        let Some(wanted) = &name.repository else {
            return Ok(&self.repo);
        };
        let other = self.others.iter().find(|other| other.name == *wanted);
        match other.map(|other| &other.repo) {
            Some(Ok(repo)) => Ok(repo),
            Some(Err(error)) => Err(error.clone()),
            None => Err(GitError::new(
                GitErrorKind::NotFound,
                format!("no repository is called `{wanted}`"),
            )),
        }
    }

    /// A file of the ref `origin`, where it was read; [`Session::files`] for more than one.
    ///
    /// # Errors
    /// As [`Repo::file`].
    pub(super) fn file(
        &self,
        lines: &[Line],
        origin: &crate::domain::layout::Origin,
        path: &str,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let files = self.files(lines, origin)?;
        files.map_or(Ok(None), |files| files.get(path))
    }

    /// The files of the ref `origin`; `None` where it was not read.
    ///
    /// # Errors
    /// As [`Repo::files`].
    pub(super) fn files(
        &self,
        lines: &[Line],
        origin: &crate::domain::layout::Origin,
    ) -> Result<Option<Files>, GitError> {
        let Some(line) = lines.iter().find(|line| line.origin == *origin) else {
            return Ok(None);
        };
        let files = self.repository(&line.name)?.files(line.base.commit)?;
        Ok(Some(files))
    }

    /// Fetches everything that is read, once per repository; says what ran, and which of the repositories beside the main
    /// one could not be fetched. Where there is no remote, nothing runs.
    ///
    /// # Errors
    /// Where the main repository cannot be fetched; the others are fetched all the same.
    pub async fn fetch(&self) -> Result<Fetches, GitError> {
        let mut fetches = Fetches::default();
        let mut failed = None;
        let main = (None, &self.repo, self.config.branch.as_deref());
        let others = self.others.iter().filter_map(|other| {
            let repo = other.repo.as_ref().ok()?;
            Some((Some(&*other.name), repo, other.branch.as_deref()))
        });
        for (name, repo, branch) in std::iter::once(main).chain(others) {
            match (
                fetch_one(&self.config.layouts, name, repo, branch).await,
                name,
            ) {
                (Ok(commands), _) => fetches.ran.extend(commands),
                (Err(error), Some(name)) => fetches.failed.push((name.to_owned(), error)),
                (Err(error), None) => failed = Some(error),
            }
        }
        failed.map_or(Ok(fetches), Err)
    }

    /// Walks the history of every ref of a reading; see [`Repo::history`]. Changes of one ref after those of another.
    ///
    /// # Errors
    /// When a ref's history cannot be read; what was told before stands.
    pub fn history(
        &self,
        reading: &Reading,
        want: &Want,
        sink: &mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let names = self.environments();
        let mut walked_before = 0;
        let mut any_shallow = false;
        for (number, line) in (0..).zip(&reading.lines) {
            let Some(want) = wanted_of(&self.config.layouts, reading, line, want) else {
                continue;
            };
            let repo = self.repository(&line.name)?;
            let mut walked = 0;
            let mut stopped = false;
            let mut each = |event: HistoryEvent| {
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
                    HistoryEvent::End { shallow, .. } => {
                        any_shallow |= shallow;
                        return ControlFlow::Continue(());
                    }
                };
                let flow = sink(event);
                stopped = flow.is_break();
                flow
            };
            if line.name.is_tag() {
                let read = |line: &Line| self.desired_of(repo, line);
                repo.tag_history(&self.config.layouts, line, &want, &read, &mut each)?;
            } else {
                let view = Arc::new(self.config.layouts.view(&line.origin));
                repo.history(line.base.commit, &view, &names, &want, &mut each)?;
            }
            if stopped {
                return Ok(());
            }
            walked_before += walked;
        }
        let _ = sink(HistoryEvent::End {
            complete: true,
            shallow: any_shallow,
        });
        Ok(())
    }
}

/// What a tag's own name declares.
fn named(
    view: &Arc<LayoutSet>,
    line: &Line,
    names: &[crate::domain::ids::EnvironmentName],
) -> Desired {
    let mut assembler = crate::domain::layout::Assembler::new(Arc::clone(view), names);
    let facts = view.ref_facts(&line.origin);
    assembler.update(line.name.reference.as_str().into(), Some(Arc::new(facts)));
    assembler.desired(line.base.commit)
}

/// The part of what is wanted that this ref can tell; `None`: nothing.
fn wanted_of(layouts: &LayoutSet, reading: &Reading, line: &Line, want: &Want) -> Option<Want> {
    let Some(cells) = &want.cells else {
        return Some(want.clone());
    };
    let column = layouts.environment_of(&line.origin);
    let here = |key: &&CellKey| match reading.desired.cells.get(*key) {
        Some(cell) => cell.origin == line.origin,
        // A cell that is gone was in the ref of its column, or in one that holds many.
        None => column.as_ref().is_none_or(|name| *name == key.environment),
    };
    let cells: std::collections::BTreeSet<CellKey> = cells.iter().filter(here).cloned().collect();
    (!cells.is_empty()).then_some(Want {
        cells: Some(cells),
        last_only: want.last_only,
    })
}

async fn fetch_one(
    layouts: &LayoutSet,
    name: Option<&str>,
    repo: &Repo,
    branch: Option<&str>,
) -> Result<Vec<RanCommand>, GitError> {
    let mut ran = Vec::new();
    let refspecs = repo.refspecs(layouts, name, branch)?;
    if let Some((remote, refspecs)) = refspecs {
        ran.push(git::fetch_refs(repo, &remote, &refspecs).await?);
    } else if layouts.reads(name, None) {
        let fetched = git::fetch(repo, &repo.base(branch)?).await?;
        ran.extend(fetched.ran);
    }
    Ok(ran)
}

fn problem(name: &RefName, error: &GitError) -> Problem {
    Problem {
        path: None,
        line: None,
        message: error.to_string(),
        context: Some(name.to_string()),
    }
}

/// Opens the repositories beside the main one.
pub(super) fn others(config: &Config, main: &Repo) -> Vec<OtherRepository> {
    let entries = config.repositories.iter();
    entries
        .map(|entry| OtherRepository {
            name: entry.name.as_str().into(),
            repo: open(main, &entry.place).map(super::project::with_cache),
            branch: entry.branch.clone(),
            url: match &entry.place {
                RepositoryPlace::Url(url) => Some(url.clone()),
                RepositoryPlace::Path(_) => None,
            },
        })
        .collect()
}

fn open(main: &Repo, place: &RepositoryPlace) -> Result<Repo, GitError> {
    match place {
        RepositoryPlace::Path(path) => {
            let root = main.work_dir().unwrap_or(main.git_dir());
            let path: PathBuf = root.join(path);
            Repo::discover(&path)
        }
        RepositoryPlace::Url(url) => {
            let known = Repo::known_mirror(url, &mirrors(url)?)?;
            known.ok_or_else(|| {
                GitError::new(
                    GitErrorKind::NotFound,
                    format!("there is no mirror of {} yet", git::redact(url)),
                )
                .hint("Start again where it can be reached: it is cloned then")
            })
        }
    }
}

/// Where mirrors are kept.
fn mirrors(url: &str) -> Result<PathBuf, GitError> {
    places::mirrors().ok_or_else(|| {
        GitError::new(
            GitErrorKind::NotFound,
            format!(
                "this system has no cache folder to mirror {} in",
                git::redact(url)
            ),
        )
        .hint(format!(
            "Set {} to one, or give the `path` of a clone",
            places::CACHE_VARIABLE
        ))
    })
}

/// Whether both are the ref of the same environment (and service), whichever version it names.
fn is_same(a: &Line, b: &Line) -> bool {
    let captures = |line: &Line| {
        let mut captures = line.origin.captures.clone();
        captures.remove("version");
        captures
    };
    a.origin.refs == b.origin.refs
        && a.origin.repository == b.origin.repository
        && captures(a) == captures(b)
}

/// The ref of an environment as `rev` says.
fn line_at(session: &Session, line: &Line, rev: &str, now: &Zoned) -> Result<Line, OpenError> {
    let repo = session.repository(&line.name)?;
    if line.name.is_tag() {
        return tag_at(session, repo, line, rev, now);
    }
    let mut then = line.clone();
    then.base.commit = repo.resolve(rev, &line.base, now)?;
    Ok(then)
}

/// The tag of an environment that `rev` names, or that was followed at that time.
fn tag_at(
    session: &Session,
    repo: &Repo,
    line: &Line,
    rev: &str,
    now: &Zoned,
) -> Result<Line, OpenError> {
    let layouts = &session.config.layouts;
    let full = format!("refs/tags/{}", rev.trim_start_matches("refs/tags/"));
    let selected = line.origin.refs.and_then(|index| {
        let template = layouts.ref_templates().get(index)?;
        let mut selected = template.select(index, [full.as_str()]).into_iter();
        selected.find(|selected| {
            let mut same = line.clone();
            same.origin.captures.clone_from(&selected.origin.captures);
            is_same(&same, line)
        })
    });
    if let (Some(selected), Some(commit)) = (selected, repo.ref_commit(&full)) {
        let mut then = line.clone();
        then.name.reference = full;
        then.origin.captures = selected.origin.captures;
        then.base.commit = commit;
        rev.clone_into(&mut then.base.reference);
        return Ok(then);
    }
    let others = git::moment(rev, now).map(|until| {
        let of = LinesOf {
            repository: line.name.repository.as_ref(),
            branch: None,
            until: Some(until),
        };
        repo.lines(layouts, &of)
    });
    let column = layouts.environment_of(&line.origin);
    let mut then = others.transpose()?.into_iter().flatten();
    let then = then.find(|then| is_same(then, line));
    then.ok_or_else(|| {
        OpenError::Usage(format!(
            "`{rev}` is neither a tag of {} nor a time when it had one",
            column.map_or("the environment".to_owned(), |column| column.to_string())
        ))
    })
}

/// What `--at` means: a revision or a time, or `ENV=REV` for each environment that is a ref of its own.
///
/// # Errors
/// `Usage` where it means nothing in this configuration.
pub(super) fn at(session: &Session, texts: &[String], now: &Zoned) -> Result<At, OpenError> {
    let mut at = At::default();
    let layouts = &session.config.layouts;
    let (lines, _) = session.lines()?;
    for text in texts {
        let of_column = |name: &str| -> Vec<&Line> {
            let of = |line: &&Line| {
                let column = layouts.environment_of(&line.origin);
                column.is_some_and(|column| column.as_str() == name)
            };
            lines.iter().filter(of).collect()
        };
        let own = text
            .split_once('=')
            .map(|(name, rev)| (rev, of_column(name)))
            .filter(|(_, lines)| !lines.is_empty());
        if let Some((rev, lines)) = own {
            let then = lines
                .into_iter()
                .map(|line| line_at(session, line, rev, now));
            let (then, mut failed): (Vec<_>, Vec<_>) = then.partition(Result::is_ok);
            // One service's tag leaves the environment's other tags where they are.
            if then.is_empty()
                && let Some(Err(error)) = failed.pop()
            {
                return Err(error);
            }
            at.refs.extend(then.into_iter().flatten());
            continue;
        }
        if texts.len() > 1 {
            return Err(OpenError::Usage(format!(
                "--at {text}: given more than once, each is ENV=REV of an environment that has a ref of its own"
            )));
        }
        let time = git::moment(text, now);
        if layouts.ref_templates().is_empty() && session.others.is_empty() {
            at.main = Some(session.repo.resolve(text, &session.base()?, now)?);
        } else if let Some(time) = time {
            at.until = Some(time);
        } else if layouts.reads(None, None) {
            at.main = Some(session.repo.resolve(text, &session.base()?, now)?);
        } else {
            let names: Vec<_> = lines
                .iter()
                .filter_map(|line| layouts.environment_of(&line.origin))
                .map(|name| name.to_string())
                .collect();
            return Err(OpenError::Usage(format!(
                "--at {text} is no time, and each environment has a ref of its own here: give a time, or ENV=REV for ENV of {}",
                names.join(", ")
            )));
        }
    }
    Ok(at)
}
