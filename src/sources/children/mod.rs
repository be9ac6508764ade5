//! Every program that is started and waited for: in a process group of its own, with a deadline, its words bounded, and
//! stopped, with all that it started itself, when Tidegate is interrupted or ends in whatever way.
//!
//! What is known of them is process-wide, as signals are: whoever is interrupted stops them all, and from then on only
//! looks are started ([`Kind::Look`]), by which is told what a push that was stopped has left behind.

mod front;
mod heard;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, test_kill_process_group,
    waitid,
};

pub use self::front::terminal_to_ask_at;
use self::{front::Front, heard::listen};
use super::waiting::{self, Waiting};
use crate::guardian;

/// How long what is stopped may take to end by itself, before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How often something is looked at that tells nobody when it happens.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a child is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything. Not started any more, and stopped, once Tidegate is interrupted.
    Work,
    /// Only looks: it is started, and goes on, when the rest is stopped.
    Look,
}

/// How much is kept of what a child says on one stream.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// All of it, but more than so many bytes are an error.
    Whole(usize),
    /// So many bytes from its beginning and as many from its end, with a line between that says what is missing.
    Ends(usize),
}

/// What a child may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What it is for.
    pub kind: Kind,
    /// Of its standard output.
    pub stdout: Keep,
    /// Of its standard error.
    pub stderr: Keep,
    /// How long it may run.
    pub deadline: Duration,
    /// How long it may say nothing, where it is one that says something all the time.
    pub patience: Option<Duration>,
    /// It may ask at the terminal, which is its own while it runs: `^c` there is for it.
    pub terminal: bool,
}

/// What a child that ended said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Why a child did not come to its end.
#[derive(Debug)]
pub enum Stopped {
    /// It could not be started or heard.
    Io(io::Error),
    /// It was stopped after so long: by the deadline, or because it said nothing.
    Late(Duration),
    /// It was stopped because it said more than so many bytes.
    TooMuch(usize),
    /// Tidegate was interrupted: it was stopped, or not started any more.
    Interrupted,
}

impl Stopped {
    /// What became of a program, in words that follow its name.
    pub fn words(&self) -> String {
        match self {
            Self::Io(error) => format!("could not be run: {error}"),
            Self::Late(after) => format!("stopped after {} s", after.as_secs()),
            Self::TooMuch(most) => format!("stopped: it said more than {}", size(*most as u64)),
            Self::Interrupted => "stopped, as Tidegate was interrupted".to_owned(),
        }
    }
}

/// What runs.
struct Children {
    groups: BTreeMap<i32, Kind>,
    interrupted: bool,
}

static CHILDREN: Mutex<Children> = Mutex::new(Children {
    groups: BTreeMap::new(),
    interrupted: false,
});

fn children() -> MutexGuard<'static, Children> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether [`interrupt`] was called.
pub fn interrupted() -> bool {
    children().interrupted
}

/// Stops every child but looks, with all that they started, and starts no other; returns when they are gone. Blocking, for
/// a little more than two seconds at most; a second call kills at once what the first still waits for.
pub fn interrupt() {
    let (groups, again) = {
        let mut children = children();
        let again = std::mem::replace(&mut children.interrupted, true);
        let groups = children.groups.iter();
        let groups = groups.filter(|(_, kind)| **kind == Kind::Work);
        (groups.map(|(group, _)| *group).collect::<Vec<_>>(), again)
    };
    stop(&groups, if again { Duration::ZERO } else { GRACE });
}

/// Ends process groups: asked to first, and killed after `grace`.
pub(crate) fn stop(groups: &[i32], grace: Duration) {
    let mut groups: Vec<Pid> = groups.iter().copied().filter_map(Pid::from_raw).collect();
    for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, GRACE)] {
        for group in &groups {
            // Gone already is what is wanted.
            let _ = kill_process_group(*group, signal);
        }
        let until = Instant::now() + patience;
        loop {
            groups.retain(|group| test_kill_process_group(*group).is_ok());
            if groups.is_empty() {
                return;
            }
            if Instant::now() >= until {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// A child that runs. Dropped before its end was taken note of, it is stopped with all that it started, though it may have
/// ended itself; and then the terminal is taken back.
struct Running {
    child: Child,
    group: Group,
    front: Option<Front>,
    /// It came to its end, and was waited for: what it left behind is not ours.
    is_over: bool,
}

impl Running {
    /// Whether it has ended. It is not reaped, so that its group keeps its number while others are in it.
    fn has_ended(&mut self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(pid) = Pid::from_raw(self.group.0) else {
            return Ok(true);
        };
        let status = waitid(WaitId::Pid(pid), look)?;
        self.note_signal(status.as_ref().and_then(WaitIdStatus::terminating_signal));
        Ok(status.is_some())
    }

    fn note_signal(&mut self, signal: Option<i32>) {
        if let (Some(front), Some(signal)) = (&mut self.front, signal) {
            front.ended_by(signal);
        }
    }

    /// How it ended; `None` where it has not.
    fn end(&mut self) -> Result<Option<ExitStatus>, Stopped> {
        let status = self.child.try_wait().map_err(Stopped::Io)?;
        self.is_over |= status.is_some();
        self.note_signal(status.and_then(|status| status.signal()));
        Ok(status)
    }

    /// One that has the terminal and stands still goes on: `^z` there, or a key that it asked for too soon.
    fn go_on(&self) {
        if self.front.is_some() {
            front::go_on(self.group.0);
        }
    }

    /// It was ended at the terminal, and what it started there has not heard of it: that holds its output open.
    fn tell_the_rest(&self) {
        if let Some(front) = &self.front {
            front.tell_the_rest();
        }
    }

    /// Leaves it to itself.
    fn let_go(mut self) {
        self.is_over = true;
        children().groups.remove(&self.group.0);
        guardian::forget_group(self.group.0);
        // Reaped when it ends before us; where there is no thread for that, when we end.
        let _ = beside(move || {
            let _ = self.child.wait();
        });
    }
}

/// The entry of a child's process group.
struct Group(i32);

impl Drop for Group {
    fn drop(&mut self) {
        children().groups.remove(&self.0);
        guardian::forget_group(self.0);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            let group = self.group.0;
            let stopping = beside(move || stop(&[group], GRACE));
            if stopping.is_err() {
                stop(&[group], GRACE);
            }
            // Reaped, so that its group can be seen to be gone.
            let _ = self.child.wait();
            let _ = stopping.map(thread::JoinHandle::join);
        }
    }
}

/// As much as a thread needs that hands bytes on or waits.
const STACK: usize = 256 << 10;

/// Does something on a thread of its own. A system that has no more of them, or no memory for one, says so; it is no reason to
/// break off in the middle.
fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    let builder = thread::Builder::new().stack_size(STACK);
    builder.spawn(work).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("the system gives no thread to listen to it: {error}"),
        )
    })
}

fn start(command: &mut Command, kind: Kind, terminal: bool) -> Result<Running, Stopped> {
    let mut children = children();
    if children.interrupted && kind == Kind::Work {
        return Err(Stopped::Interrupted);
    }
    // A group of its own: a ^C in the terminal is ours to answer, and a prompt cannot read our keys.
    let child = command.process_group(0).spawn().map_err(Stopped::Io)?;
    let group = i32::try_from(child.id()).unwrap_or_default();
    children.groups.insert(group, kind);
    guardian::note_group(group);
    let mut running = Running {
        child,
        group: Group(group),
        front: None,
        is_over: false,
    };
    drop(children);
    if terminal {
        running.front = Front::give(group);
    }
    Ok(running)
}

/// Runs a program to its end on this thread. `input` goes to its standard input where that is piped, and `hear` gets what
/// it says on its standard error as it comes. The caller sets where its streams go.
///
/// # Errors
/// Why it did not come to its end by itself; it and what it started are gone then.
pub fn run(
    command: &mut Command,
    limits: &Limits,
    input: Option<Vec<u8>>,
    hear: &mut dyn FnMut(&[u8]),
) -> Result<Said, Stopped> {
    let _waiting = waits(command, limits);
    let mut running = start(command, limits.kind, limits.terminal)?;
    let said = listen(&mut running, limits, input, hear);
    its_own(said, limits.kind)
}

/// Notes that a program is waited for, by its name and, of `git`, its command: the rest may say too much. One that has the
/// terminal speaks for itself.
fn waits(command: &Command, limits: &Limits) -> Option<Waiting> {
    let program = Path::new(command.get_program()).file_name()?;
    let mut name = program.to_string_lossy().into_owned();
    if name == "git" {
        let mut arguments = command.get_args().map(OsStr::to_string_lossy);
        while let Some(argument) = arguments.next() {
            if argument == "-c" {
                arguments.next();
            } else if !argument.starts_with('-') {
                name.extend([" ", &argument]);
                break;
            }
        }
    }
    (!limits.terminal).then(|| waiting::on(format!("waiting for {name}")))
}

/// A failure that comes of being stopped is not the program's own.
fn its_own(said: Result<Said, Stopped>, kind: Kind) -> Result<Said, Stopped> {
    match said {
        Ok(said) if !said.status.success() && kind == Kind::Work && interrupted() => {
            Err(Stopped::Interrupted)
        }
        other => other,
    }
}

/// The same beside the runtime; dropping the future stops the child.
///
/// # Errors
/// As [`run`].
pub async fn run_beside(
    mut command: Command,
    limits: Limits,
    input: Option<Vec<u8>>,
) -> Result<Said, Stopped> {
    let (stay, gone) = channel::<()>();
    let work = tokio::task::spawn_blocking(move || {
        let _waiting = waits(&command, &limits);
        let mut running = start(&mut command, limits.kind, limits.terminal)?;
        // The future holds the other end: where it is dropped, the child has nobody to tell.
        let group = running.group.0;
        beside(move || {
            if gone.recv().is_err() && children().groups.contains_key(&group) {
                stop(&[group], GRACE);
            }
        })
        .map_err(Stopped::Io)?;
        listen(&mut running, &limits, input, &mut |_| {})
    });
    let said = work
        .await
        .unwrap_or_else(|error| Err(Stopped::Io(io::Error::other(error))));
    let _ = stay.send(());
    its_own(said, limits.kind)
}

/// Starts a program that may be there to stay, such as the browser that an opener turned into, and waits for its end as long
/// as `patience`: what still runs then is left to itself, and `None`. Until then it ends with Tidegate.
///
/// # Errors
/// Why it could not be started or waited for.
pub fn run_or_let_go(
    command: &mut Command,
    patience: Duration,
) -> Result<Option<ExitStatus>, Stopped> {
    let mut running = start(command, Kind::Work, false)?;
    let began = Instant::now();
    loop {
        if let Some(status) = running.end()? {
            return Ok(Some(status));
        }
        if began.elapsed() > patience {
            running.let_go();
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// `150.0 MB`, `3.2 kB`, `17 bytes`.
#[allow(clippy::cast_precision_loss)] // one digit is shown
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
