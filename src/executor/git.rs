//! Reading Git for the screen: the matrix, the history, diffs, and what the remote has.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{Shared, clusters::Handle, lock, report};
use crate::{
    app::{
        event::{DesiredRead, Epoch, Event, Fetched, HistoryBatch, ReadFrom},
        forge::OneRequest,
    },
    domain::{
        desired::Refs,
        failure::{Failure, FailureKind},
        history::{self, Changes},
        ids::{CellKey, ObjectId},
        pull_request::RequestDeed,
        source_code::VersionStep,
    },
    sources::{
        git::{HistoryEvent, Want, signatures},
        mistake,
    },
    workflow::{self, Project, Reading, UnknownBefore},
};

/// The first rows of history show this soon; later batches come less and less often, because each costs a look at all.
const FIRST_BATCH: Duration = Duration::from_millis(25);
/// No batch waits longer.
const SLOWEST_BATCH: Duration = Duration::from_millis(1_500);

/// So long what a forge is asked about may take to be read; then it is asked behind the next fetch.
const READ: Duration = Duration::from_secs(30);
/// How often is looked whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Tells a walk that nobody wants it any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Finds out what stands behind a step.
pub(super) async fn behind(shared: Arc<Shared>, epoch: Epoch, step: VersionStep) {
    let reading = shared.current();
    let behind = shared.project().behind(reading.as_deref(), &step).await;
    let behind = Arc::new(behind);
    shared.tell(Event::Behind {
        epoch,
        step,
        behind,
    });
}

/// Asks the remote.
pub(super) async fn fetch(shared: Arc<Shared>, epoch: Epoch) {
    mistake::if_asked("fetch");
    let project = shared.project();
    let fetched = match project.fetch().await {
        Ok(fetches) => {
            for ran in fetches.ran {
                shared.tell(report::ran(ran));
            }
            let before = std::mem::replace(&mut *lock(&shared.noted), fetches.notes.clone());
            for note in fetches.notes {
                if !before.contains(&note) {
                    shared.tell(Event::Notice(note));
                }
            }
            for (name, error) in fetches.failed {
                shared.tell(Event::Ran {
                    line: format!("git fetch   # of {name}: {}", error.why),
                    ok: false,
                    outcome: "failed".to_owned(),
                    took: Duration::ZERO,
                });
            }
            project.refs()
        }
        Err(error) => Err(error),
    };
    let result = match fetched {
        Ok(refs) => {
            tracing::info!(?refs, "fetched");
            let at = Timestamp::now();
            *lock(&shared.fetched_at) = Some(at);
            Ok(Fetched { refs, at })
        }
        Err(error) => {
            let what = match shared.current() {
                Some(reading) => format!("fetch of {}", reading.base().shown),
                None => "fetch".to_owned(),
            };
            tracing::warn!(what, %error, "not fetched");
            Err(error.during(what))
        }
    };
    shared.tell(Event::Fetched { epoch, result });
    // Forges take their time: what is here is shown meanwhile. At the start a remote that is near answers before all is read.
    let until = Instant::now() + READ;
    while shared.current().is_none() && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if let Some(reading) = shared.current() {
        let found = workflow::proposed(&project, &reading).await;
        if !found.asked.is_empty() {
            shared.tell(Event::Proposed(found.cells));
        }
    }
}

/// Does something to a pull request on its forge.
pub(super) async fn on_forge(shared: Arc<Shared>, one: OneRequest) {
    let project = shared.project();
    let (deed, number) = (one.deed, one.number);
    let asked = async {
        let reading = match shared.current() {
            Some(current) => current,
            None => Arc::new(project.read()?),
        };
        let repository = one.into.repository.as_deref();
        let seen = workflow::pull_request(&project, &reading, number, repository).await?;
        if one.head.is_some() && seen.request.head != one.head {
            let why = format!("#{number} is at another commit than what was asked about");
            return Err(Failure::new(FailureKind::Moved, why)
                .hint("Look at what it brings now, and ask again"));
        }
        let weighed = seen.weigh(&project, &reading, deed).await?;
        if let Some(why) = &weighed.held {
            return Err(Failure::new(FailureKind::Refused, why.clone()));
        }
        if let Some(done) = &weighed.is_done {
            return Ok(done.clone());
        }
        let request = seen.carry_out(&weighed, deed).await?;
        Ok(match deed {
            RequestDeed::Approve => format!("approved; {}", request.describe()),
            RequestDeed::Merge => request.describe(),
        })
    };
    let answer: Result<String, Failure> = asked.await;
    shared.tell(match answer {
        Ok(words) => Event::DoneOnForge(words),
        Err(failure) => Event::Failure(failure.during(format!("{} #{number}", deed.word()))),
    });
}

/// Reads the matrix and turns the clusters' watches to its cells.
pub(super) fn read_desired(shared: &Shared, epoch: Epoch, clusters: &Handle) {
    let project = shared.project();
    let read = || -> Result<_, Failure> {
        match shared.current() {
            // The same commits declare the same: nothing to read.
            Some(known) if project.refs()? == known.refs() => Ok(known),
            _ => Ok(Arc::new(project.read()?)),
        }
    };
    let result = match read() {
        Ok(mut reading) => {
            let (targets, problems) = project.targets(&reading.desired);
            if problems
                .iter()
                .any(|problem| !reading.desired.problems.contains(problem))
            {
                let desired = &mut Arc::make_mut(&mut reading).desired;
                Arc::make_mut(desired).problems.extend(problems);
            }
            // A configuration that is in force no more decides neither what is watched nor what the next reading takes as known.
            let current = lock(&shared.project);
            if Arc::ptr_eq(&current, &project) {
                clusters.retarget(targets, Arc::clone(&project));
                *lock(&shared.reading) = Some(Arc::clone(&reading));
            }
            drop(current);
            Ok(DesiredRead {
                base: read_from(shared, &reading),
                desired: Arc::clone(&reading.desired),
            })
        }
        Err(error) => Err(error.during("reading the matrix")),
    };
    shared.tell(Event::Desired { epoch, result });
}

fn read_from(shared: &Shared, reading: &Reading) -> ReadFrom {
    let url = reading
        .base()
        .remote
        .as_deref()
        .and_then(|remote| shared.project().repo.remote_url(remote));
    ReadFrom {
        tips: reading.tips.clone(),
        fetched_at: *lock(&shared.fetched_at),
        web: url.as_deref().and_then(report::web_address),
    }
}

/// Walks the history of all cells, and tells what was found as it comes.
pub(super) fn history(shared: &Shared, epoch: Epoch, refs: &Refs, stop: &Stop) {
    let project = shared.project();
    let Some(reading) = shared.current().filter(|reading| reading.refs() == *refs) else {
        // The matrix was read anew meanwhile: its own walk is under way, or will be.
        return;
    };
    let want = Want {
        cells: None,
        last_only: false,
        newest: None,
    };
    let mut stream = Stream {
        shared,
        project: &project,
        reading: &reading,
        epoch,
        all: Changes::new(),
        fresh: BTreeSet::new(),
        walked: 0,
        shallow: false,
        unknown_before: UnknownBefore::new(),
        told: Instant::now(),
        pause: FIRST_BATCH,
    };
    let result = project.history(&reading, &want, &mut |event| {
        if stop.is_set() {
            return ControlFlow::Break(());
        }
        stream.take(event);
        ControlFlow::Continue(())
    });
    if stop.is_set() {
        return;
    }
    match result {
        Ok(unknown) => {
            stream.unknown_before = unknown;
            stream.tell(true);
        }
        Err(error) => {
            stream.tell(false);
            let failure = error.during("reading the history");
            shared.tell(Event::History {
                epoch,
                result: Err(failure),
            });
        }
    }
}

/// So many gaps are looked at, in all cells together, once all is read.
const MOST_GAPS: usize = 256;

/// What a walk has found, told in batches.
struct Stream<'a> {
    shared: &'a Shared,
    project: &'a Project,
    reading: &'a Reading,
    epoch: Epoch,
    all: Changes,
    fresh: BTreeSet<CellKey>,
    walked: u64,
    shallow: bool,
    unknown_before: UnknownBefore,
    told: Instant,
    pause: Duration,
}

impl Stream<'_> {
    fn take(&mut self, event: HistoryEvent) {
        match event {
            HistoryEvent::Changes(changes) => {
                for (key, change) in changes {
                    self.all.entry(key.clone()).or_default().push(change);
                    self.fresh.insert(key);
                }
            }
            HistoryEvent::Progress(walked) => self.walked = u64::from(walked),
            HistoryEvent::End { shallow } => self.shallow = shallow,
        }
        if self.told.elapsed() >= self.pause {
            self.tell(false);
            self.told = Instant::now();
            self.pause = (self.pause * 2).min(SLOWEST_BATCH);
        }
    }

    fn tell(&mut self, done: bool) {
        let topology = &self.project.config.topology;
        // At the end every cell is told again: what an upstream had at a time may have come after the cell's own changes.
        let keys: Vec<CellKey> = if done {
            self.all.keys().cloned().collect()
        } else {
            std::mem::take(&mut self.fresh).into_iter().collect()
        };
        let mut gaps = MOST_GAPS;
        let cells: BTreeMap<_, _> = keys
            .into_iter()
            .map(|key| {
                let unread = self.reading.desired.unread(&key).is_some();
                let mut entries = history::classify(&self.all, &key, topology, unread);
                if done && gaps > 0 {
                    let (project, reading) = (self.project, self.reading);
                    gaps -= project.tell_gaps(reading, &key, &mut entries, gaps);
                }
                (key, entries)
            })
            .collect();
        let batch = HistoryBatch {
            cells: cells.into_iter().collect(),
            walked: self.walked,
            done,
            shallow: self.shallow,
            unknown_before: std::mem::take(&mut self.unknown_before),
        };
        self.shared.tell(Event::History {
            epoch: self.epoch,
            result: Ok(batch),
        });
    }
}

/// What a commit changed in a cell's files.
pub(super) fn diff(
    shared: &Shared,
    epoch: Epoch,
    cell: &CellKey,
    (commit, authored): (ObjectId, ObjectId),
) {
    let files = shared.files_of(cell);
    let project = shared.project();
    let place = shared
        .current()
        .and_then(|reading| Some(reading.desired.tip(cell)?.name.clone()));
    let place = place.unwrap_or_default();
    let repo = project.repository(&place);
    let result = repo
        .clone()
        .and_then(|repo| repo.file_diff(commit, &files))
        .map_err(|error| error.during(format!("diff of {}", commit.short())));
    shared.tell(Event::CommitDiff {
        epoch,
        cell: cell.clone(),
        commit,
        result,
    });
    let commits: BTreeSet<ObjectId> = [commit, authored].into();
    let commits: Vec<ObjectId> = commits.into_iter().collect();
    match repo.and_then(|repo| signatures(repo, &commits)) {
        Ok(found) => shared.tell(Event::Signatures(found)),
        Err(error) => tracing::debug!(%error, "signatures were not looked at"),
    }
}
