//! A change that anybody made, judged by the policy of its base: for CI.
//!
//! ```text
//! o──o──F──o──B   base: its configuration is in force, and its matrix is what the gates judge by
//!        ╲
//!         o──o──H   head: cells that differ between F, where it left the base, and H are what moved
//! ```

mod unrelated;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{AskRunning, Project, Reading, answers::answers, cell_history, project::at as tip_at};
use crate::{
    domain::{
        check::{
            Finding, Judged, Mention, SKIPPED_UPSTREAM, Severity, UNMENTIONED, UNREADABLE, Words,
            in_order, overrides, rule_of, weigh,
        },
        desired::{Desired, RefName, Tip},
        failure::{Failure, FailureKind},
        gate::{self, Change, Question},
        ids::{CellKey, EnvironmentName, ObjectId, RepoPath, ServiceName},
        image,
        layout::Origin,
        plan::{FileEdit, Intent, is_above},
        problem::Problem,
        rollout::Running,
        topology::Deliver,
        version::Version,
    },
    sources::git::{Made, Repo},
};

/// So many commits of a change are read one by one; of more, what they say is not judged.
const MOST_COMMITS: usize = 500;

/// The two ends of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// What it goes to.
    pub base: ObjectId,
    /// The same as it was named: `origin/main`.
    pub base_name: String,
    /// What is judged.
    pub head: ObjectId,
}

/// What policy says of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// So many commits.
    pub commits: usize,
    /// Cells that moved.
    pub moved: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be judged, in the form of findings.
    pub not_judged: Vec<Finding>,
    /// What holds and goes with a written reason, in the form of findings.
    pub overridden: Vec<Finding>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// The commit that `rev` names.
///
/// # Errors
/// With what to do where it is not here, as in a shallow clone or one of a single branch.
pub fn commit_of(repo: &Repo, option: &str, rev: &str) -> Result<ObjectId, Failure> {
    let nameless = Tip::new(
        RefName::default(),
        Origin::default(),
        ObjectId::new([0; 20]),
    );
    if let Some(commit) = repo.revision(rev, &nameless)? {
        return Ok(commit);
    }
    let kind = if repo.is_shallow() {
        "which is shallow"
    } else {
        "which may hold one branch alone"
    };
    let branch = rev.split_once('/').map_or(rev, |(_, branch)| branch);
    Err(Failure::new(
        FailureKind::Unknown,
        format!("{option} `{rev}` names no commit in this clone, {kind}"),
    )
    .hint(format!(
        "Fetch it first: git fetch origin {branch}:refs/remotes/origin/{branch} ({DEPTH})"
    )))
}

/// How CI is told to fetch all of it.
const DEPTH: &str = "in CI: `fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` of GitLab";

/// Judges what `ends.head` has that its base has not. `project` is opened with the policy of the base; `running` says what
/// runs, where clusters are asked. Blocking.
///
/// # Errors
/// Where the two have no commit in common here, or something cannot be read.
pub fn check(
    project: &Project,
    ends: &Ends,
    running: Option<AskRunning<'_>>,
    now: Timestamp,
) -> Result<Checked, Failure> {
    let repo = &project.repo;
    let between = repo.commits_between(ends.base, ends.head, MOST_COMMITS)?;
    let Some(fork) = between.fork else {
        return Err(apart(repo, ends));
    };
    let lines = Lines::of(project, ends)?;
    let change = Judging {
        project,
        base: lines.read(project, ends.base)?,
        fork: lines.read(project, fork)?,
        head: lines.read(project, ends.head)?,
        lines,
        ends,
        commits: if between.goes_on {
            Vec::new()
        } else {
            between.commits
        },
    };
    let mut checked = Checked {
        commits: change.commits.len(),
        ..Checked::default()
    };
    if between.goes_on {
        checked.notes.push(format!(
            "the change has more than {MOST_COMMITS} commits: what their messages name and what else they change is not judged"
        ));
    }
    if repo.is_shallow() {
        checked.notes.push(format!(
            "this clone is shallow: what was reverted or is newer may not be known ({DEPTH})"
        ));
    }
    let moved = change.moved();
    checked.moved = moved.len();
    change.gates(&moved, running, now, &mut checked)?;
    change.ahead_of_upstream(&moved, &mut checked);
    change.broken(&mut checked);
    change.commits(&moved, &mut checked)?;
    for found in [&mut checked.findings, &mut checked.not_judged] {
        *found = in_order(std::mem::take(found));
    }
    Ok(checked)
}

fn apart(repo: &Repo, ends: &Ends) -> Failure {
    let name = &ends.base_name;
    if repo.is_shallow() {
        return Failure::new(
            FailureKind::Shallow,
            format!("{name} and {} have no commit in common in this shallow clone, so what the change is cannot be told", ends.head.short()),
        )
        .hint(format!("Fetch more of it: git fetch --unshallow origin ({DEPTH})"));
    }
    Failure::usage(format!(
        "{name} and {} have no commit in common: they are no two ends of a change",
        ends.head.short()
    ))
}

/// The refs that the matrix is read from, and which of them the change is of.
struct Lines {
    all: Vec<Tip>,
    problems: Vec<Problem>,
    name: RefName,
}

impl Lines {
    fn of(project: &Project, ends: &Ends) -> Result<Self, Failure> {
        let layouts = &project.config.layouts;
        // A checkout of CI may have no branch at all.
        let (mut lines, problems) = project.lines().unwrap_or_default();
        let branches = || {
            let own = lines.iter().filter(|line| line.name.repository.is_none());
            own.filter(|line| !line.name.is_tag())
        };
        let called = |line: &&Tip| {
            let name = ends.base_name.as_str();
            [
                line.shown.as_str(),
                line.branch(),
                &line.read,
                &line.name.reference,
            ]
            .contains(&name)
        };
        let of_all = |line: &&Tip| line.origin.refs.is_none();
        let found = branches().find(called).or_else(|| branches().find(of_all));
        let name = match found {
            Some(line) => line.name.clone(),
            None if layouts.reads(None, None) || lines.is_empty() => {
                let made = tip_at(&project.repo, ends.base);
                let name = made.name.clone();
                lines.push(made);
                name
            }
            None => {
                let names: Vec<&str> = branches().map(|line| line.shown.as_str()).collect();
                return Err(Failure::usage(format!(
                    "each environment has a branch of its own here, and --base {} is none of them; name the one that the change goes to: {}",
                    ends.base_name,
                    names.join(", ")
                )));
            }
        };
        Ok(Self {
            all: lines,
            problems,
            name,
        })
    }

    /// The refs with the one that is judged at this commit.
    fn at(&self, commit: ObjectId) -> Vec<Tip> {
        let mut lines = self.all.clone();
        for line in lines.iter_mut().filter(|line| line.name == self.name) {
            line.commit = commit;
        }
        lines
    }

    fn read(&self, project: &Project, commit: ObjectId) -> Result<Reading, Failure> {
        let now = Some(self.all.clone());
        project.read_lines(self.at(commit), self.problems.clone(), now)
    }

    /// What the ref declares at a commit, by itself.
    fn desired(
        &self,
        project: &Project,
        reading: &Reading,
        commit: ObjectId,
    ) -> Result<Desired, Failure> {
        let names = project.environments();
        let own = self.all.iter().filter(|line| line.name == self.name);
        let mut parts = Vec::new();
        for line in own {
            let view = Arc::new(reading.layouts.view(&line.origin));
            let mut then = line.clone();
            then.commit = commit;
            parts.push((then, project.repo.desired(commit, &view, &names)?));
        }
        Ok(Desired::join(parts, &names))
    }

    fn is_of(&self, origin: &Origin) -> bool {
        let mut own = self.all.iter().filter(|line| line.name == self.name);
        own.any(|line| line.origin == *origin)
    }
}

/// A change that is judged.
struct Judging<'a> {
    project: &'a Project,
    lines: Lines,
    ends: &'a Ends,
    base: Reading,
    fork: Reading,
    head: Reading,
    /// Newest first.
    commits: Vec<Made>,
}

/// A cell that moved: from, to.
type Moved = BTreeMap<CellKey, (Option<Version>, Option<Version>)>;

impl Judging<'_> {
    /// What the change brings to the base.
    fn moved(&self) -> Moved {
        let moved = differing(&self.fork.desired, &self.head.desired);
        let own = |key: &CellKey| {
            let cells = [&self.head, &self.fork].map(|it| it.desired.cells.get(key));
            let mut cells = cells.into_iter().flatten();
            cells.any(|cell| self.lines.is_of(&cell.origin))
        };
        let moved = moved.into_iter().filter(|(key, (_, to))| {
            // The base may have got it meanwhile.
            own(key) && (to.is_none() || self.base.desired.version(key) != to.as_ref())
        });
        moved.collect()
    }

    /// The file and line of a cell, at the head where it has one there.
    fn place(&self, key: &CellKey) -> (Option<RepoPath>, Option<u32>) {
        let source = |reading: &Reading| {
            let cell = reading.desired.cells.get(key)?;
            cell.sources.first().cloned()
        };
        match (source(&self.head), source(&self.fork)) {
            (Some(source), _) => (Some(source.path), Some(source.line)),
            (None, Some(source)) => (Some(source.path), None),
            (None, None) => (None, None),
        }
    }

    fn finding(
        &self,
        rule: &'static str,
        severity: Severity,
        key: &CellKey,
        message: String,
    ) -> Finding {
        let (path, line) = self.place(key);
        Finding {
            rule,
            severity,
            cell: Some(key.clone()),
            path,
            line,
            message,
        }
    }

    /// Each cell that gets a version, judged by the gates as the base has them.
    fn gates(
        &self,
        moved: &Moved,
        running: Option<AskRunning<'_>>,
        now: Timestamp,
        checked: &mut Checked,
    ) -> Result<(), Failure> {
        let desired = &self.base.desired;
        let topology = &self.project.config.topology;
        let coming = moved
            .iter()
            .filter_map(|(key, (_, to))| Some((key.clone(), to.clone()?)));
        let planned: BTreeMap<CellKey, Version> = coming.collect();
        let intents = self.intents(&planned)?;
        let edits = self.edits(&planned);
        let together = planned.clone().into_iter().collect();
        let changes: Vec<Change<'_>> = planned
            .iter()
            .filter_map(|(cell, to)| {
                Some(Change {
                    cell,
                    intent: intents.get(cell)?,
                    to: Some(to),
                    pins: None,
                    desired,
                    topology,
                    planned: &together,
                    edits: &edits,
                    // What is approved is the forge's to say, once it is all there.
                    deliver: Deliver::PullRequest,
                })
            })
            .collect();
        let mut questions: BTreeSet<Question> = changes.iter().flat_map(gate::questions).collect();
        if running.is_none() {
            questions.retain(|question| matches!(question, Question::Past(_)));
        }
        let nobody = Running::default();
        let asked = running.unwrap_or(&nobody);
        let facts = answers(self.project, &self.base, &questions, asked, now);
        for change in &changes {
            let lifted = self.lifted(change.cell);
            for verdict in gate::judge(change, &facts, now) {
                let mut lifts = lifted.iter().filter(|(gate, _)| *gate == verdict.gate);
                let reason = lifts.next().map(|(_, reason)| reason.as_str());
                let rule = rule_of(&verdict.gate);
                let message = format!("{}: {}", change.cell, verdict.detail);
                let found = |severity| self.finding(rule, severity, change.cell, message.clone());
                match weigh(&verdict, change.intent, running.is_some(), reason) {
                    Judged::Passes => {}
                    Judged::Found(severity) => checked.findings.push(found(severity)),
                    Judged::NotJudged => checked.not_judged.push(found(Severity::Warning)),
                    Judged::Overridden(reason) => {
                        let mut one = found(Severity::Warning);
                        one.message = format!("{message} (overridden: {reason})");
                        checked.overridden.push(one);
                    }
                }
            }
        }
        Ok(())
    }

    /// The files of the cells, as they were and as the head has them.
    fn edits(&self, planned: &BTreeMap<CellKey, Version>) -> Vec<FileEdit> {
        let repo = &self.project.repo;
        let read = |reading: &Reading, path: &RepoPath| {
            let tip = reading.line(&self.lines.name)?;
            repo.file(tip.commit, path.as_str()).ok().flatten()
        };
        let paths: BTreeSet<RepoPath> =
            planned.keys().filter_map(|key| self.place(key).0).collect();
        let edits = paths.into_iter().map(|path| FileEdit {
            before: read(&self.fork, &path).unwrap_or_default(),
            after: read(&self.head, &path).unwrap_or_default(),
            path,
        });
        edits.collect()
    }

    /// Why each cell gets its version: an upstream has it, it was there before, or somebody says so.
    fn intents(
        &self,
        planned: &BTreeMap<CellKey, Version>,
    ) -> Result<BTreeMap<CellKey, Intent>, Failure> {
        let mut intents = BTreeMap::new();
        let mut others = Vec::new();
        for (key, to) in planned {
            let environment = self.project.config.topology.get(&key.environment);
            let mut upstreams = environment.into_iter().flat_map(|it| &it.from);
            let has = |upstream: &&EnvironmentName| {
                let theirs = CellKey::new(key.service.clone(), (*upstream).clone());
                let theirs = self.base.desired.version(&theirs);
                theirs.is_some_and(|theirs| image::is_or_pins(to, theirs))
            };
            match upstreams.find(has) {
                Some(from) => {
                    let from = from.clone();
                    intents.insert(key.clone(), Intent::Promote { from });
                }
                None => others.push(key.clone()),
            }
        }
        if others.is_empty() {
            return Ok(intents);
        }
        let histories = cell_history(self.project, &self.base, &others)?;
        for (key, history) in others.into_iter().zip(histories) {
            let Some(to) = planned.get(&key) else {
                continue;
            };
            let mut entries = history.entries.iter();
            let intent = if entries.any(|entry| entry.change.version.as_ref() == Some(to)) {
                Intent::Revert {
                    to: Some(to.clone()),
                    at: None,
                }
            } else {
                Intent::Set {
                    version: to.clone(),
                }
            };
            intents.insert(key, intent);
        }
        Ok(intents)
    }

    /// Gates that the messages of the change lift for a cell, with the reasons.
    fn lifted(&self, key: &CellKey) -> Vec<(String, String)> {
        let messages = self.commits.iter().map(|made| &made.message);
        messages
            .flat_map(|message| overrides(message, key))
            .collect()
    }

    /// Versions that come past every upstream.
    fn ahead_of_upstream(&self, moved: &Moved, checked: &mut Checked) {
        for (key, (from, to)) in moved {
            let Some(to) = to else { continue };
            // Going back leaves nothing ahead that was not.
            if from.as_ref().is_some_and(|from| is_above(from, to)) {
                continue;
            }
            let environment = self.project.config.topology.get(&key.environment);
            let upstreams = environment.into_iter().flat_map(|it| &it.from);
            let theirs: Vec<(&EnvironmentName, &Version)> = upstreams
                .filter_map(|name| {
                    let theirs = CellKey::new(key.service.clone(), name.clone());
                    Some((name, self.head.desired.version(&theirs)?))
                })
                .collect();
            if !theirs.is_empty() && theirs.iter().all(|(_, theirs)| is_above(to, theirs)) {
                let said: Vec<String> = theirs
                    .iter()
                    .map(|(name, it)| format!("{name} {it}"))
                    .collect();
                let message = format!(
                    "{key} gets {to}, which is ahead of its upstream: {}",
                    said.join(", ")
                );
                checked.findings.push(self.finding(
                    SKIPPED_UPSTREAM,
                    Severity::Warning,
                    key,
                    message,
                ));
            }
        }
    }

    /// Files that could be read before.
    fn broken(&self, checked: &mut Checked) {
        let before: BTreeSet<(&Option<RepoPath>, &String)> = self
            .fork
            .desired
            .problems
            .iter()
            .map(|problem| (&problem.path, &problem.message))
            .collect();
        for problem in &self.head.desired.problems {
            if problem.path.is_none() || before.contains(&(&problem.path, &problem.message)) {
                continue;
            }
            checked.findings.push(Finding {
                rule: UNREADABLE,
                severity: Severity::Error,
                cell: None,
                path: problem.path.clone(),
                line: problem.line,
                message: problem.message.clone(),
            });
        }
    }

    /// What each commit says, and what else it changes.
    fn commits(&self, moved: &Moved, checked: &mut Checked) -> Result<(), Failure> {
        if moved.is_empty() || self.commits.is_empty() {
            return Ok(());
        }
        let mut movers: BTreeMap<&CellKey, Vec<&Made>> = BTreeMap::new();
        for made in &self.commits {
            let [parent] = made.parents[..] else { continue };
            let (before, after) = (
                self.lines.desired(self.project, &self.head, parent)?,
                self.lines.desired(self.project, &self.head, made.commit)?,
            );
            let here = differing(&before, &after);
            for (key, _) in moved.iter().filter(|(key, _)| here.contains_key(key)) {
                movers.entry(key).or_default().push(made);
            }
            if !here.is_empty() {
                let places = unrelated::places(self, made, parent, &here, &after)?;
                checked
                    .findings
                    .extend(unrelated::finding(self, made, &here, &places)?);
            }
        }
        let names = |reading: &Reading| reading.desired.rows();
        let mut services: BTreeSet<ServiceName> = names(&self.head).into_iter().collect();
        services.extend(names(&self.fork));
        let services: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
        let environments = &self.head.desired.environments;
        let environments: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
        let words = Words {
            services: &services,
            environments: &environments,
        };
        for (key, (from, to)) in moved {
            let all: Vec<&Made> = self.commits.iter().collect();
            let by = movers.get(key).unwrap_or(&all);
            let said = by
                .iter()
                .map(|made| (*made, Mention::of(&made.message, key, words)));
            let said: Vec<(&Made, Mention)> = said.collect();
            if said.iter().any(|(_, mention)| *mention == Mention::Yes) {
                continue;
            }
            let Some((made, mention)) = said.first() else {
                continue;
            };
            let shown = |version: &Option<Version>| {
                version
                    .as_ref()
                    .map_or("none".to_owned(), ToString::to_string)
            };
            let from = match self.fork.desired.unread(key) {
                Some(_) => "what could not be read".to_owned(),
                None => shown(from),
            };
            let message = format!(
                "{key} moves {from} → {} unmentioned: {} {}",
                shown(to),
                told(made),
                mention.why()
            );
            checked
                .findings
                .push(self.finding(UNMENTIONED, Severity::Warning, key, message));
        }
        Ok(())
    }
}

/// `1a2b3c4 (“Update images”)`
fn told(made: &Made) -> String {
    let subject = made
        .message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty());
    let subject = subject.unwrap_or_default();
    format!("{} (“{subject}”)", made.commit.short())
}

/// Cells whose version is another.
fn differing(before: &Desired, after: &Desired) -> Moved {
    let keys: BTreeSet<&CellKey> = before.cells.keys().chain(after.cells.keys()).collect();
    let moved = keys.into_iter().filter_map(|key| {
        let (from, to) = (before.version(key), after.version(key));
        // What cannot be read says nothing of what it is. What could not be read before moves from nothing that is known.
        let hidden = after.unread(key).is_some();
        (from != to && !hidden).then(|| (key.clone(), (from.cloned(), to.cloned())))
    });
    moved.collect()
}
