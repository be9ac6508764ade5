//! The terminal and the loop: wait, drain, draw once.
//!
//! The first frame is drawn from remembered state before anything is read or connected. After that the loop sleeps until
//! a key, an answer, a signal or the clock wakes it, takes everything that has come meanwhile, and draws one frame.

mod answers;
mod opening;
mod signals;
pub mod terminal;

use std::{future::Future, io, time::Duration};

use crossterm::event::EventStream;
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at},
};

pub use self::opening::Opening;
use crate::{
    actions::{Action, OwnRun},
    app::{
        areas::Drawn,
        command::Command,
        deliveries::DeliveryRun,
        event::{Epoch, Event, Input},
        layouts::Edited,
        model::{Model, Setup},
        snapshot::Snapshot,
        update,
    },
    domain::{
        delivery::{Delivery, NotPublished, Part, Step},
        ids::EnvironmentName,
        timeline::{Level, LogEntry},
    },
    executor::{ConsoleOptions, Executor, Remembered, TerminalOrder},
    sources::{children, mistake, waiting},
    stdio, ui,
    workflow::{Loan, Project},
};
use answers::{Answers, Heard};
pub use signals::Signal;
use signals::Signals;
use terminal::Borrowed;

/// Answers that came together are taken together, for this long at most: then a frame is due.
const DRAIN: Duration = Duration::from_millis(6);
/// The matrix is kept for the next start this often, so that a killed session costs little.
const KEEP_EVERY: Duration = Duration::from_secs(30);
/// So often where nothing of it changed: that it is still so.
const KEEP_STILL: Duration = Duration::from_mins(5);

/// A thread that blocks for others and has nothing to do ends after so long: each keeps room of its own, and work that comes a
/// few times a second goes round all that are there.
const IDLE: Duration = Duration::from_millis(500);
/// How long the remote may take, at the end, to say what a push that was stopped has left behind.
const LOOK: Duration = Duration::from_secs(25);

/// How the session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The operator left.
    Quit,
    /// A signal asked for the end.
    Signalled(Signal),
}

/// What is left to say once the terminal is the shell's again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// How the session ended.
    pub ended: Ended,
    /// A push was under way, and was stopped.
    pub stopped: bool,
    /// What becomes of each delivery that was under way, and what is not saved, a sentence each.
    pub words: Vec<String>,
}

/// Runs the console until the operator leaves. Must be called inside a Tokio runtime, on the main thread.
///
/// # Errors
/// When the terminal cannot be taken or written.
pub async fn run(
    project: Project,
    setup: Setup,
    remembered: Remembered,
    options: ConsoleOptions,
    mut opening: Opening,
) -> io::Result<Parting> {
    let mut signals = Signals::listen()?;
    let mut borrowed = match opening.borrowed.take() {
        Some(borrowed) => borrowed,
        None => Borrowed::take(options.mouse)?,
    };
    let typed = std::mem::take(&mut opening.typed);
    let size = crossterm::terminal::size()?;
    let Remembered {
        snapshot,
        staged,
        recent,
        filters,
        problems,
    } = remembered;
    let mut model = match opening.model() {
        // It goes on with what it showed.
        Some(model) => Model { setup, ..model },
        None => Model::new(setup, Timestamp::now(), size, snapshot, staged),
    };
    model.recent = recent;
    model.take_up_filters(filters);
    draw(&mut borrowed, &mut model)?;
    mistake::if_asked("screen");

    let (sender, events) = mpsc::unbounded_channel();
    let executor = Executor::new(project, options, sender);
    let mut commands = update::start(&mut model);
    for failure in problems {
        commands.extend(update::update(&mut model, Event::Failure(failure)));
    }
    let mut console = Console {
        model,
        executor,
        borrowed,
        events,
        lent: None,
        waits: None,
        answers: Answers::default(),
    };
    console.ask_for_ground()?;
    for event in typed {
        let events = console.heard(event);
        commands.extend(update::update_all(&mut console.model, events));
    }
    let ended = match console.obey(commands)? {
        Some(ended) => ended,
        None => console.turn(&mut signals).await?,
    };
    let left = console.leave_deliveries();
    let stopped = console.stop_publishing(&mut signals, ended).await;
    if let Some(snapshot) = Snapshot::of(&console.model) {
        console.executor.remember(snapshot);
    }
    console.executor.kept();
    Ok(Parting {
        ended,
        stopped: stopped.is_some(),
        words: stopped
            .into_iter()
            .chain(left)
            .chain(console.executor.unsaved())
            .collect(),
    })
}

/// The state of the last run. Blocking.
pub fn remembered(project: &Project) -> Remembered {
    Executor::remembered(project)
}

/// Runs a future on a Tokio runtime of our size. What still runs in the background at the end is left behind: a hung
/// cluster or a slow remote never delays leaving.
///
/// # Errors
/// When the runtime cannot be made.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_keep_alive(IDLE)
        .worker_threads(2)
        .enable_all()
        .build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}

/// Who gets the terminal for a while.
enum Lent {
    /// The login of an environment's cluster.
    Login(EnvironmentName),
    /// A command of the user's own.
    Own(Epoch, OwnRun),
    /// An editor for the layouts.
    Edit(Edited),
    /// What signs a commit, and may ask for a passphrase.
    Signer(Loan),
}

struct Console {
    model: Model,
    executor: Executor,
    borrowed: Borrowed,
    events: mpsc::UnboundedReceiver<Event>,
    /// Who gets the terminal next.
    lent: Option<Lent>,
    /// What the screen was told that is waited for.
    waits: Option<(String, Timestamp)>,
    /// Tells what the terminal answers from keys.
    answers: Answers,
}

impl Console {
    /// Asks the terminal for its background. Nothing waits for the answer: the theme follows when it comes.
    fn ask_for_ground(&mut self) -> io::Result<()> {
        let asks = !self.model.setup.look.no_colour;
        if asks && answers::is_asked(std::env::var("TERM").ok().as_deref()) {
            self.borrowed.ask(answers::QUESTION)?;
            self.answers.asked(std::time::Instant::now());
        }
        Ok(())
    }

    /// What an event of the terminal means to the screen.
    fn heard(&mut self, event: crossterm::event::Event) -> Vec<Event> {
        let heard = self.answers.take(event, std::time::Instant::now());
        heard.into_iter().filter_map(meant).collect()
    }

    async fn turn(&mut self, signals: &mut Signals) -> io::Result<Ended> {
        let mut keys = EventStream::new();
        // Begins on the second, so that the clock on the screen turns with the others.
        let into_second = u64::try_from(Timestamp::now().subsec_millisecond()).unwrap_or(0);
        let first = Instant::now() + Duration::from_millis(1_000 - into_second.min(999));
        let mut clock = interval_at(first, Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut kept, mut changed) = (Instant::now(), false);
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                // Keys first: nothing that comes from outside may delay an answer to the operator.
                biased;
                signal = signals.next() => match signal {
                    Signal::Stop => self.suspend()?,
                    signal => return Ok(Ended::Signalled(signal)),
                },
                key = keys.next() => match key {
                    Some(Ok(event)) => batch.extend(self.heard(event)),
                    Some(Err(error)) => return Err(error),
                    // The terminal is gone: the session has no one to talk to.
                    None => return Ok(Ended::Signalled(Signal::Hangup)),
                },
                () = until(self.answers.due()) => {
                    batch.extend(self.answers.release().and_then(meant));
                }
                event = self.events.recv() => batch.extend(event),
                loan = self.executor.loan(), if self.lent.is_none() => {
                    if loan.is_wanted() {
                        self.lent = Some(Lent::Signer(loan));
                        batch.push(Event::Tick(Timestamp::now()));
                    }
                }
                _ = clock.tick() => {
                    let now = Timestamp::now();
                    batch.push(Event::Tick(now));
                    batch.extend(self.waits(now));
                }
            }
            if batch.is_empty() {
                // A character of an answer: nothing to see, and the rest of it is there already.
                continue;
            }
            self.drain(&mut batch);
            changed |= batch.iter().any(Event::changes_matrix);
            let commands = update::update_all(&mut self.model, batch);
            if let Some(ended) = self.obey(commands)? {
                return Ok(ended);
            }
            if let Some(lent) = self.lent.take() {
                // Keys are the program's now. The other stream begins when the first has let go of them.
                drop(keys);
                drop(EventStream::new());
                if let Some(ended) = self.lend(lent, signals).await? {
                    return Ok(ended);
                }
                keys = EventStream::new();
            }
            self.draw()?;
            let due = if changed { KEEP_EVERY } else { KEEP_STILL };
            if kept.elapsed() >= due {
                (kept, changed) = (Instant::now(), false);
                if let Some(snapshot) = Snapshot::of(&self.model) {
                    self.executor.remember(snapshot);
                }
            }
        }
    }

    /// Gives the terminal to a program, and takes it back when that ends; a signal ends both.
    async fn lend(&mut self, lent: Lent, signals: &mut Signals) -> io::Result<Option<Ended>> {
        terminal::release();
        let mut ended = None;
        let login = match &lent {
            Lent::Login(environment) => Some(environment.clone()),
            _ => None,
        };
        let result = {
            let lending = async {
                match lent {
                    Lent::Login(environment) => return self.executor.login(&environment).await,
                    Lent::Own(epoch, run) => self.executor.lend(epoch, &run).await,
                    Lent::Edit(edited) => self.executor.edit(edited).await,
                    Lent::Signer(loan) => {
                        let words = format!(
                            "tidegate: whoever signs the {} asks for its passphrase here (^c cancels it)",
                            loan.what
                        );
                        stdio::line(stdio::Stream::Notes, &words.into(), false);
                        loan.give().await;
                    }
                }
                Ok(())
            };
            tokio::pin!(lending);
            loop {
                tokio::select! {
                    biased;
                    result = &mut lending => break result,
                    signal = signals.next() => if signal != Signal::Stop {
                        ended = ended.or(Some(Ended::Signalled(signal)));
                        tokio::task::spawn_blocking(children::interrupt);
                    },
                }
            }
        };
        if ended.is_some() {
            return Ok(ended);
        }
        self.borrowed.enter()?;
        if let Some(environment) = login {
            self.executor.logged_in(&environment, result);
        }
        Ok(None)
    }

    /// What becomes of the deliveries that are published and followed: told, and written down.
    fn leave_deliveries(&mut self) -> Vec<String> {
        let left = self.model.deliveries.under_way().filter_map(Delivery::left);
        let left: Vec<String> = if self.model.setup.demo {
            let end = |_| "the demo ends, and the delivery that was under way with it".to_owned();
            left.map(end).collect()
        } else {
            left.collect()
        };
        for text in &left {
            self.executor.write_activity(LogEntry {
                at: Timestamp::now(),
                level: Level::Info,
                text: format!("left: {text}"),
                detail: Vec::new(),
            });
        }
        left
    }

    /// Stops a push that is under way, waits for what the remote says of it, and gives it in a sentence. The terminal may be
    /// gone already; where it is not, the key that leaves at once ends the waiting.
    async fn stop_publishing(&mut self, signals: &mut Signals, ended: Ended) -> Option<String> {
        self.executor.lend_no_more();
        if !self.executor.is_publishing() {
            return None;
        }
        let mut keys = (ended == Ended::Quit).then(EventStream::new);
        let written = |run: &&DeliveryRun| run.epoch.is_some();
        let ours = self.model.deliveries.iter().find(written);
        let ours = ours.map(|run| run.delivery.id.clone());
        tokio::task::spawn_blocking(children::interrupt);
        let again = if keys.is_some() {
            "; ^c again leaves at once"
        } else {
            ""
        };
        let notice = format!("stopping the push, and asking the remote what is there{again}");
        self.take(Event::Notice(notice));
        let _ = self.draw();
        let until = Instant::now() + LOOK;
        loop {
            tokio::select! {
                event = self.events.recv() => {
                    let Some(event) = event else { break };
                    let told = match &event {
                        // What an earlier session left behind says nothing of this push.
                        Event::Delivery { delivery, steps, .. } if ours.as_ref() == Some(&delivery.id) => {
                            became(delivery, steps)
                        }
                        Event::DeliveryBroken { id, failure } if ours.as_ref() == Some(id) => {
                            Some(failure.why.clone())
                        }
                        _ => None,
                    };
                    self.take(event);
                    if told.is_some() {
                        return told;
                    }
                }
                _ = signals.next() => drop(tokio::task::spawn_blocking(children::interrupt)),
                key = pressed(&mut keys) => match key.and_then(input) {
                    Some(event) if self.is_leaving(&event) => break,
                    _ => {}
                },
                () = tokio::time::sleep_until(until) => break,
            }
        }
        Some(
            "interrupted while it was published, and the remote does not say in time what is there: look before you repeat \
             (git fetch, then tidegate status)"
                .to_owned(),
        )
    }

    /// Whether it is the key that leaves at once.
    fn is_leaving(&self, event: &Event) -> bool {
        let Event::Input {
            input: Input::Key { press, .. },
            ..
        } = event
        else {
            return false;
        };
        let action = self.model.setup.keymap.action(self.model.mode(), *press);
        action == Some(Action::QuitNow)
    }

    /// Takes an event of a session that ends: only what is kept of it matters.
    fn take(&mut self, event: Event) {
        for command in update::update_all(&mut self.model, [event]) {
            if let Command::WriteActivity(entry) = command {
                self.executor.write_activity(entry);
            }
        }
    }

    /// What has been waited for long, where that has changed since it was told.
    fn waits(&mut self, now: Timestamp) -> Option<Event> {
        let long = waiting::longest().map(|(what, age)| {
            let since = now.checked_sub(SignedDuration::try_from(age).unwrap_or_default());
            (what, since.unwrap_or(now))
        });
        let same = match (&self.waits, &long) {
            (None, None) => true,
            (Some((what, since)), Some((other, then))) => {
                what == other && (since.as_second() - then.as_second()).abs() <= 1
            }
            _ => false,
        };
        if same {
            return None;
        }
        self.waits.clone_from(&long);
        Some(Event::Waits(long))
    }

    /// Takes what has come meanwhile, so that it costs one frame.
    fn drain(&mut self, batch: &mut Vec<Event>) {
        let began = Instant::now();
        while began.elapsed() < DRAIN {
            match self.events.try_recv() {
                Ok(event) => batch.push(event),
                Err(_) => return,
            }
        }
    }

    fn obey(&mut self, commands: Vec<Command>) -> io::Result<Option<Ended>> {
        for command in commands {
            match self.executor.run(command) {
                None => {}
                Some(TerminalOrder::Copy { what, text }) => self.executor.copy(what, text),
                Some(TerminalOrder::Ring(sequence)) => self.borrowed.ask(&sequence)?,
                Some(TerminalOrder::Suspend) => self.suspend()?,
                Some(TerminalOrder::Login(environment)) => {
                    self.lent = Some(Lent::Login(environment));
                }
                Some(TerminalOrder::Own(epoch, run)) => {
                    self.lent = Some(Lent::Own(epoch, run));
                }
                Some(TerminalOrder::Edit(edited)) => {
                    self.lent = Some(Lent::Edit(edited));
                }
                Some(TerminalOrder::Quit) => return Ok(Some(Ended::Quit)),
            }
        }
        Ok(None)
    }

    fn draw(&mut self) -> io::Result<()> {
        draw(&mut self.borrowed, &mut self.model)
    }

    fn suspend(&mut self) -> io::Result<()> {
        terminal::suspend(&mut self.borrowed)?;
        let (width, height) = crossterm::terminal::size()?;
        let resized = Event::Input {
            at: Timestamp::now(),
            input: Input::Resize { width, height },
        };
        let commands =
            update::update_all(&mut self.model, [resized, Event::Tick(Timestamp::now())]);
        self.obey(commands)?;
        // It may be another one that goes on: a session is taken up again elsewhere.
        self.ask_for_ground()?;
        self.draw()
    }
}

/// Draws a frame; what that found out is there for the next key.
fn draw(borrowed: &mut Borrowed, model: &mut Model) -> io::Result<()> {
    let mut drawn = Drawn::default();
    borrowed
        .screen
        .draw(|frame| drawn = ui::render(model, frame))?;
    update::drawn(model, drawn);
    Ok(())
}

/// The next key of a terminal, as long as there is one.
async fn pressed(keys: &mut Option<EventStream>) -> Option<crossterm::event::Event> {
    let Some(stream) = keys else {
        return std::future::pending().await;
    };
    let event = stream.next().await.and_then(Result::ok);
    if event.is_none() {
        *keys = None;
    }
    event
}

/// What a push that was stopped came to, once that is known.
fn became(delivery: &Delivery, steps: &[Step]) -> Option<String> {
    if steps.contains(&Step::Published) {
        let parts = delivery.parts.iter();
        let parts: Vec<String> = parts.map(Part::describe).collect();
        let there = parts.join("; ");
        return Some(format!("what was being published is there: {there}"));
    }
    let why = delivery.not_published()?;
    Some(match why {
        NotPublished::Moved { .. } => {
            "nothing was pushed: the base had moved, and the plan is another one now".to_owned()
        }
        NotPublished::Rejected(_) => format!("nothing was pushed: it was {}", why.describe()),
        _ => why.failure(&delivery.parts).why,
    })
}

/// Waits until `due`, or for ever.
async fn until(due: Option<std::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn meant(heard: Heard) -> Option<Event> {
    match heard {
        Heard::Done(event) => input(event),
        Heard::Ground(colour) => Some(Event::Ground(colour)),
    }
}

fn input(event: crossterm::event::Event) -> Option<Event> {
    let input = Input::from_terminal(event)?;
    Some(Event::Input {
        at: Timestamp::now(),
        input,
    })
}
