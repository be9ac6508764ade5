//! Command → task → event: the only place that sees the state machine and the sources together.
//!
//! Nothing here waits on the screen's thread: Git is read on blocking threads, programs and clusters run as tasks, and
//! every answer comes back as an event with the epoch it was asked for.

mod agent;
mod clusters;
mod deliver;
mod git;
mod layouts;
mod object;
mod outside;
mod own;
mod reload;
mod report;
mod setup;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    actions::OwnRun,
    app::{
        command::Command,
        event::{Epoch, Event, LogPart, OwnRan},
        filters::Filters,
        layouts::Edited,
        snapshot::Snapshot,
    },
    domain::{
        failure::Failure,
        ids::{CellKey, EnvironmentName},
        plan::ChangeRequest,
        source_code::Behind,
        timeline::LogEntry,
    },
    sources::{
        cluster::{self, Options},
        log,
        mistake::{caught, caught_in},
        state::{StateStore, Writer},
    },
    workflow::{Drops, Lender, Loan, Locks, Project, Reading},
};
use clusters::Clusters;
use layouts::Layouts;
use reload::Again;
pub use setup::{ConsoleOptions, setup, setup_of};

/// Name of the file that keeps the last matrix.
const SNAPSHOT: &str = "matrix.json";
/// Name of the file that keeps what was typed in the palette.
const RECENT: &str = "commands.json";
/// Name of the file that keeps filters with their names.
const FILTERS: &str = "filters.json";
/// Name of the file that keeps staged changes.
const STAGED: &str = "staged.json";

/// How long leaving waits for what is still to be kept.
const KEEPING: Duration = Duration::from_secs(2);

/// The state of the last run.
#[derive(Debug, Default)]
pub struct Remembered {
    /// The matrix, as it was last seen.
    pub snapshot: Option<Snapshot>,
    /// What was staged and not delivered.
    pub staged: Vec<ChangeRequest>,
    /// Lines that were run in the palette, the last one first.
    pub recent: Vec<String>,
    /// Filters that are kept under a name.
    pub filters: Filters,
    /// What of it cannot be taken up.
    pub problems: Vec<Failure>,
}

/// What only the terminal's owner can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalOrder {
    /// Send this to it.
    Ring(String),
    /// Put the process into the background.
    Suspend,
    /// Give the terminal to a login program, then look at the cluster again.
    Login(EnvironmentName),
    /// Give the terminal to a command of the user's own.
    Own(Epoch, OwnRun),
    /// Give the terminal to an editor for the layouts.
    Edit(Edited),
    /// Put this on the clipboard, through the terminal too.
    Copy {
        /// What it is, in words.
        what: String,
        /// The text.
        text: String,
    },
    /// Leave.
    Quit,
}

/// What the operator made and an earlier run kept. What cannot be read is put aside and told: the next that is kept would be
/// written over it.
fn take_up<T: DeserializeOwned + Default>(
    store: &StateStore,
    name: &str,
    what: &str,
    again: &str,
    problems: &mut Vec<Failure>,
) -> T {
    match store.load(name) {
        Ok(kept) => kept.unwrap_or_default(),
        Err(why) => {
            let next = match store.put_aside(name) {
                Ok(path) => format!("{again}; {} has it", path.display()),
                Err(error) => format!("{again}; it cannot be put aside: {error}"),
            };
            problems.push(Failure::told(what.to_owned(), why, next));
            T::default()
        }
    }
}

/// Runs commands for one session.
pub struct Executor {
    shared: Arc<Shared>,
    clusters: Clusters,
    /// The log that is followed.
    log: Option<tokio::task::AbortHandle>,
    /// The walk that is under way, to be stopped by the next.
    history: Option<git::Stop>,
    /// The plan that is being made, to be stopped by the next, and when nobody waits for it any more.
    planning: CancellationToken,
    /// Looks at the configuration files.
    reload: tokio::task::JoinHandle<()>,
    /// Who asks for the terminal in the middle of its work.
    loans: mpsc::UnboundedReceiver<Loan>,
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.reload.abort();
        self.stop_log();
    }
}

/// What tasks share.
struct Shared {
    /// Replaced as a whole when the configuration changes.
    project: Mutex<Arc<Project>>,
    events: mpsc::UnboundedSender<Event>,
    store: Option<StateStore>,
    /// Writes there: the screen waits for no disk.
    writer: Writer,
    /// The last matrix read, so that plans and diffs need not read it again.
    reading: Mutex<Option<Arc<Reading>>>,
    /// What was said of a fetch, so that the next one does not say it again.
    noted: Mutex<Vec<String>>,
    /// When the remote last answered.
    fetched_at: Mutex<Option<Timestamp>>,
    /// How many plans are being published at this moment: one at most.
    publishing: AtomicUsize,
    /// What is under way asks them before each push.
    locks: Locks,
    /// Deliveries that are to be dropped.
    drops: Drops,
    /// Lends the terminal to what signs.
    lender: Lender,
    /// How often the configuration was read again, and what it asks.
    again: Again,
    /// What is known of the layouts beside what is in force.
    layouts: Mutex<Layouts>,
}

impl Executor {
    /// For `session`, answering through `events`. Must be made inside a Tokio runtime.
    pub fn new(
        project: Project,
        options: ConsoleOptions,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let clusters = Clusters::start(
            project.kubeconfig.clone(),
            project.opened.offline,
            events.clone(),
        );
        let store = StateStore::of_repository(project.repo.common_dir());
        let (lender, loans) = Lender::of_screen();
        let shared = Arc::new(Shared {
            project: Mutex::new(Arc::new(project)),
            events,
            store,
            writer: Writer::start(),
            reading: Mutex::default(),
            noted: Mutex::default(),
            fetched_at: Mutex::default(),
            publishing: AtomicUsize::new(0),
            locks: Locks::default(),
            drops: Drops::default(),
            lender,
            again: Again::default(),
            layouts: Mutex::default(),
        });
        let watch = reload::watch(Arc::clone(&shared), options);
        let telling = Arc::clone(&shared);
        let reload = tokio::spawn(async move {
            if let Err(mistake) = caught_in(watch).await {
                let what = "looking whether the configuration changes".to_owned();
                telling.tell(Event::Failure(report::mistake(what, &mistake)));
            }
        });
        Self {
            shared,
            clusters,
            log: None,
            history: None,
            planning: CancellationToken::new(),
            reload,
            loans,
        }
    }

    /// The next that asks for the terminal in the middle of its work; never one where nothing does.
    pub async fn loan(&mut self) -> Loan {
        match self.loans.recv().await {
            Some(loan) => loan,
            None => std::future::pending().await,
        }
    }

    /// Nobody gets the terminal any more, and who waits for it is told: the session ends.
    pub fn lend_no_more(&mut self) {
        self.loans.close();
        while self.loans.try_recv().is_ok() {}
    }

    /// The state of the last run. Blocking.
    pub fn remembered(project: &Project) -> Remembered {
        let Some(store) = StateStore::of_repository(project.repo.common_dir()) else {
            return Remembered::default();
        };
        // A matrix of another moment than the branch's tip is not what the next start begins with, and one that cannot be
        // read is read from Git in a moment.
        let snapshot = project.at.is_none().then(|| store.load(SNAPSHOT).ok());
        let mut problems = Vec::new();
        let staged = take_up(
            &store,
            STAGED,
            "taking up what was staged",
            "stage it again",
            &mut problems,
        );
        let filters = take_up(
            &store,
            FILTERS,
            "taking up the kept filters",
            "`:save` them again",
            &mut problems,
        );
        Remembered {
            snapshot: snapshot.flatten().flatten(),
            recent: store.load(RECENT).ok().flatten().unwrap_or_default(),
            filters,
            staged,
            problems,
        }
    }

    /// Keeps the matrix for the next start.
    pub fn remember(&self, snapshot: Snapshot) {
        if self.shared.project().at.is_none() {
            self.shared.keep(SNAPSHOT, snapshot);
        }
    }

    /// Whether a plan is on its way: what becomes of it has not been told yet.
    pub fn is_publishing(&self) -> bool {
        self.shared.publishing.load(Ordering::SeqCst) > 0
    }

    /// Writes an entry of the activity log.
    pub fn write_activity(&self, entry: LogEntry) {
        let Some(store) = self.shared.store.clone() else {
            return;
        };
        self.shared.writer.later(move || {
            if let Err(error) = store.append_activity(&entry) {
                tracing::warn!(%error, "the activity log was not written");
            }
        });
    }

    /// What of the operator's is not saved when the session ends, in a sentence.
    pub fn unsaved(&self) -> Option<String> {
        layouts::unsaved(&self.shared)
    }

    /// Waits, for a moment at most, until what is to be kept is: the session ends.
    pub fn kept(&self) {
        let project = self.shared.project();
        let keep = move || project.keep_seen(Timestamp::now());
        self.shared.writer.now(KEEPING, keep);
    }

    /// Runs one command. What the terminal's owner has to do is returned instead.
    pub fn run(&mut self, command: Command) -> Option<TerminalOrder> {
        let shared = Arc::clone(&self.shared);
        match command {
            Command::Fetch { epoch } => self.task(
                "fetching",
                move |failure| Event::Fetched {
                    epoch,
                    result: Err(failure),
                },
                git::fetch(shared, epoch),
            ),
            Command::ReadDesired { epoch } => {
                let clusters = self.clusters.handle();
                self.blocking(
                    "reading the matrix",
                    move |failure| Event::Desired {
                        epoch,
                        result: Err(failure),
                    },
                    move || git::read_desired(&shared, epoch, &clusters),
                );
            }
            Command::LoadHistory { epoch, refs } => {
                let stop = git::Stop::default();
                if let Some(earlier) = self.history.replace(stop.clone()) {
                    earlier.set();
                }
                self.blocking(
                    "reading the history",
                    move |failure| Event::History {
                        epoch,
                        result: Err(failure),
                    },
                    move || git::history(&shared, epoch, &refs, &stop),
                );
            }
            Command::WatchNotes { cell } => self.clusters.select(cell),
            Command::StopPlan => self.planning.cancel(),
            Command::LoadDiff {
                epoch,
                cell,
                commit,
                authored,
            } => {
                let of = cell.clone();
                self.blocking(
                    "reading a diff",
                    move |failure| Event::CommitDiff {
                        epoch,
                        cell: of,
                        commit,
                        result: Err(failure),
                    },
                    move || git::diff(&shared, epoch, &cell, (commit, authored)),
                );
            }
            Command::LookBehind { epoch, step } => {
                let (what, failed) = ("looking into the source code", step.clone());
                self.task(
                    what,
                    move |failure| Event::Behind {
                        epoch,
                        step: failed,
                        behind: Arc::new(Behind::unknown(&failure.why)),
                    },
                    git::behind(shared, epoch, step),
                );
            }
            Command::BuildPlan { epoch, request } => {
                self.planning.cancel();
                self.planning = CancellationToken::new();
                let by = (self.clusters.handle(), self.planning.clone());
                self.blocking(
                    "making the plan",
                    move |failure| Event::Planned {
                        epoch,
                        result: Err(failure),
                    },
                    move || deliver::build(&shared, epoch, &request, by),
                );
            }
            Command::JudgeWaiting { epoch, request } => {
                let by = (self.clusters.handle(), CancellationToken::new());
                self.blocking(
                    "judging what waits",
                    move |failure| Event::Planned {
                        epoch,
                        result: Err(failure),
                    },
                    move || deliver::build(&shared, epoch, &request, by),
                );
            }
            Command::Publish { delivery, plan } => {
                let clusters = self.clusters.handle();
                let id = delivery.id.clone();
                // Counted from here on: the task begins a moment later, and leaving must not come between.
                let under_way = deliver::UnderWay::new(&shared);
                self.task(
                    "delivery",
                    move |failure| Event::DeliveryBroken { id, failure },
                    deliver::publish(shared, under_way, plan, delivery, clusters),
                );
            }
            Command::Lock => shared.locks.lock(),
            Command::OnForge(one) => {
                self.task("asking a forge", Event::Failure, git::on_forge(shared, one));
            }
            Command::DropDelivery(id) => shared.drops.ask(id),
            Command::Unlock => shared.locks.unlock(),
            Command::TakeUp => {
                let clusters = self.clusters.handle();
                self.task(
                    "going on with deliveries that were left behind",
                    Event::Failure,
                    deliver::take_up(shared, clusters),
                );
            }
            Command::SaveStaged(requests) => shared.keep(STAGED, requests),
            Command::WriteActivity(entry) => self.write_activity(entry),
            Command::OpenUrl(address) => {
                self.blocking("opening a browser", Event::Failure, move || {
                    shared.tell(Event::Notice(outside::open(&address)));
                });
            }
            Command::ShowLayouts { epoch } => {
                let told = move |result| Event::LayoutsTold { epoch, result };
                let failed = move |failure| told(Err(failure));
                self.blocking("looking at the layouts", failed, move || {
                    shared.tell(told(layouts::told(&shared)));
                });
            }
            Command::RefineGuess { epoch } => {
                self.blocking("looking for a better guess", Event::Failure, move || {
                    let offer = layouts::refine(&shared);
                    shared.tell(Event::GuessOffered { epoch, offer });
                });
            }
            Command::TakeGuess(shown) => {
                self.blocking("taking the better guess", Event::Failure, move || {
                    shared.tell_failure(layouts::take(&shared, &shown));
                });
            }
            Command::SaveLayouts(text) => {
                self.blocking("saving tidegate.toml", Event::Failure, move || {
                    shared.tell_failure(layouts::save(&shared, &text));
                });
            }
            Command::EditLayouts(edited) => return Some(TerminalOrder::Edit(edited)),
            Command::Trust(lines) => {
                self.blocking("keeping the consent", Event::Failure, move || {
                    reload::allow(&shared, &lines);
                });
            }
            Command::Reload => shared.again.asked.notify_one(),
            Command::ShowLog => shared.tell(Event::Notice(log::said())),
            Command::Reconnect => self.clusters.retry(),
            Command::FollowLog { epoch, request } => {
                self.stop_log();
                // It waits and reads nothing else: no thread of its own.
                let log = tokio::spawn(async move {
                    let following = object::follow(Arc::clone(&shared), epoch, request);
                    if let Err(mistake) = caught_in(following).await {
                        shared.tell(Event::Log {
                            epoch,
                            part: LogPart::End(Err(mistake.to_string())),
                        });
                    }
                });
                self.log = Some(log.abort_handle());
            }
            Command::StopLog => self.stop_log(),
            Command::ShowObject { epoch, at, look } => self.task(
                "reading an object",
                move |failure| Event::ObjectShown {
                    epoch,
                    result: Err(failure.why),
                },
                object::show(shared, epoch, at, look),
            ),
            Command::Weigh { epoch, deed, agent } => self.task(
                "finding out who would undo it",
                move |failure| Event::Weighed {
                    epoch,
                    result: Err(failure.why),
                },
                agent::weigh(shared, epoch, deed, agent),
            ),
            Command::Tell { epoch, told } => {
                let of = told.clone();
                self.task(
                    "telling an agent",
                    move |failure| Event::Told {
                        epoch,
                        told: of,
                        result: Err(failure.why),
                    },
                    agent::tell(shared, epoch, told),
                );
            }
            Command::RunOwn { epoch, run } if run.screen => {
                return Some(TerminalOrder::Own(epoch, run));
            }
            Command::RunOwn { epoch, run } => {
                let line = run.line();
                self.task(
                    "running a command",
                    move |failure| Event::OwnRan {
                        epoch,
                        ran: OwnRan {
                            line,
                            result: Err(failure.why),
                            output: Vec::new(),
                            took: Duration::ZERO,
                        },
                    },
                    async move {
                        let ran = own::run(&shared.project(), &run).await;
                        shared.tell(Event::OwnRan { epoch, ran });
                    },
                );
            }
            Command::Copy { what, text } => return Some(TerminalOrder::Copy { what, text }),
            Command::KeepRecent(lines) => shared.keep(RECENT, lines),
            Command::KeepFilters(filters) => shared.keep(FILTERS, filters),
            Command::Login { environment } => return Some(TerminalOrder::Login(environment)),
            Command::Ring(sequence) => return Some(TerminalOrder::Ring(sequence)),
            Command::Suspend => return Some(TerminalOrder::Suspend),
            Command::Quit => return Some(TerminalOrder::Quit),
        }
        None
    }

    fn stop_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.abort();
        }
    }

    /// Runs `work` beside the screen; a panic in it is the failure of that work and of nothing else. On a thread of its own:
    /// it reads between its waits, and a disk that does not come back must hold nobody else up.
    fn task(
        &self,
        what: &str,
        failed: impl FnOnce(Failure) -> Event + Send + 'static,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let (shared, what) = (Arc::clone(&self.shared), what.to_owned());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            if let Err(mistake) = runtime.block_on(caught_in(work)) {
                shared.tell(failed(report::mistake(what, &mistake)));
            }
        });
    }

    /// The same for work that blocks its thread.
    fn blocking(
        &self,
        what: &str,
        failed: impl FnOnce(Failure) -> Event + Send + 'static,
        work: impl FnOnce() + Send + 'static,
    ) {
        let (shared, what) = (Arc::clone(&self.shared), what.to_owned());
        tokio::task::spawn_blocking(move || {
            if let Err(mistake) = caught(work) {
                shared.tell(failed(report::mistake(what, &mistake)));
            }
        });
    }

    /// Copies `text`, which is `what`; to be called by the terminal's owner, between two frames.
    pub fn copy(&self, what: String, text: String) {
        let told = outside::tell_terminal(&text);
        let shared = Arc::clone(&self.shared);
        self.blocking("copying", Event::Failure, move || {
            shared.tell(Event::Notice(outside::copy(&what, &text, told)));
        });
    }

    /// Logs an environment's cluster in with the terminal: runs its kubeconfig user's exec plugin. Dropping the future stops
    /// it.
    pub async fn login(&self, environment: &EnvironmentName) -> Result<(), String> {
        let project = self.shared.project();
        let topology = &project.config.topology;
        let context = topology.get(environment).and_then(|e| e.cluster.clone());
        let context = context.ok_or_else(|| format!("{environment} has no cluster"))?;
        let options = Options {
            kubeconfig: project.kubeconfig.clone(),
            ..Options::default()
        };
        cluster::login(&context, &options).await
    }

    /// Runs a command of the user's own with the terminal, and tells how it ended. Dropping the future stops it.
    pub async fn lend(&self, epoch: Epoch, run: &OwnRun) {
        let ran = own::run(&self.shared.project(), run).await;
        self.shared.tell(Event::OwnRan { epoch, ran });
    }

    /// Gives the terminal to an editor for the layouts. Dropping the future stops it.
    pub async fn edit(&self, edited: Edited) {
        layouts::edit(&self.shared, edited).await;
    }

    /// Tells how a login ended, and tries the clusters again.
    pub fn logged_in(&self, environment: &EnvironmentName, result: Result<(), String>) {
        self.clusters.retry();
        self.shared.tell(match result {
            Ok(()) => Event::Notice(format!("logged in to the cluster of {environment}")),
            Err(why) => Event::Failure(Failure::told(
                format!("login to the cluster of {environment}"),
                why,
                "log in from a shell, then ^r",
            )),
        });
    }
}

impl Shared {
    fn tell_failure(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.tell(Event::Failure(failure));
        }
    }

    fn tell(&self, event: Event) {
        if let Event::Failure(failure) = &event {
            tracing::warn!(what = failure.what, why = failure.why, "failed");
        }
        // A closed channel means that the program is ending: nobody is left to tell.
        let _ = self.events.send(event);
    }

    /// Keeps a value, in the order in which it is asked to.
    fn keep<T: serde::Serialize + Send + 'static>(self: &Arc<Self>, name: &'static str, value: T) {
        let (shared, Some(store)) = (Arc::downgrade(self), self.store.clone()) else {
            return;
        };
        self.writer.later(move || {
            if let Err(error) = store.save(name, &value)
                && let Some(shared) = shared.upgrade()
            {
                shared.tell(Event::Failure(Failure::told(
                    format!("keeping {name} for the next start"),
                    error.to_string(),
                    format!("check {}", store.folder().display()),
                )));
            }
        });
    }

    /// The session as configured now.
    fn project(&self) -> Arc<Project> {
        Arc::clone(&lock(&self.project))
    }

    /// The last matrix read, and what it was read from.
    fn current(&self) -> Option<Arc<Reading>> {
        lock(&self.reading).clone()
    }

    /// The files that decide a cell in the last matrix read.
    fn files_of(&self, cell: &CellKey) -> Vec<crate::domain::ids::RepoPath> {
        let Some(reading) = self.current() else {
            return Vec::new();
        };
        reading
            .desired
            .cells
            .get(cell)
            .map(|cell| cell.files.clone())
            .unwrap_or_default()
    }
}

/// A poisoned lock's value is whole: every writer replaces it in one assignment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
