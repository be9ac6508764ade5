//! Every program that is started and waited for: in a process group of its own, with a deadline, its words bounded, and
//! stopped, with all that it started itself, when Tidegate is interrupted or ends in whatever way.
//!
//! What is known of them is process-wide, as signals are: whoever is interrupted stops them all, and from then on only
//! looks are started ([`Kind::Look`]), by which is told what a push that was stopped has left behind.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, SyncSender, channel, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::guardian;

/// How long what is stopped may take to end by itself, before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How often something is looked at that tells nobody when it happens.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the words of a program are waited for that has ended: somebody else may hold its output open for ever.
const LINGER: Duration = Duration::from_millis(500);

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

/// A child that runs. Dropped, it is stopped.
struct Running {
    child: Child,
    group: Group,
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
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let group = self.group.0;
            let stopping = thread::spawn(move || stop(&[group], GRACE));
            // Reaped, so that its group can be seen to be gone.
            let _ = self.child.wait();
            let _ = stopping.join();
        }
    }
}

fn start(command: &mut Command, kind: Kind) -> Result<Running, Stopped> {
    let mut children = children();
    if children.interrupted && kind == Kind::Work {
        return Err(Stopped::Interrupted);
    }
    // A group of its own: a ^C in the terminal is ours to answer, and a prompt cannot read our keys.
    let child = command.process_group(0).spawn().map_err(Stopped::Io)?;
    let group = i32::try_from(child.id()).unwrap_or_default();
    children.groups.insert(group, kind);
    guardian::note_group(group);
    Ok(Running {
        child,
        group: Group(group),
    })
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
    let mut running = start(command, limits.kind)?;
    let said = listen(&mut running, limits, input, hear);
    its_own(said, limits.kind)
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
        let mut running = start(&mut command, limits.kind)?;
        // The future holds the other end: where it is dropped, the child has nobody to tell.
        let group = running.group.0;
        thread::spawn(move || {
            if gone.recv().is_err() && children().groups.contains_key(&group) {
                stop(&[group], GRACE);
            }
        });
        listen(&mut running, &limits, input, &mut |_| {})
    });
    let said = work
        .await
        .unwrap_or_else(|error| Err(Stopped::Io(io::Error::other(error))));
    let _ = stay.send(());
    its_own(said, limits.kind)
}

/// A piece of what a child says.
enum Piece {
    Output(Vec<u8>),
    Error(Vec<u8>),
}

fn listen(
    running: &mut Running,
    limits: &Limits,
    input: Option<Vec<u8>>,
    hear: &mut dyn FnMut(&[u8]),
) -> Result<Said, Stopped> {
    let began = Instant::now();
    if let (Some(mut pipe), Some(input)) = (running.child.stdin.take(), input) {
        // A child that ends without reading says why on its standard error.
        thread::spawn(move || pipe.write_all(&input));
    }
    let (sender, heard) = sync_channel(8);
    if let Some(pipe) = running.child.stdout.take() {
        forward(pipe, sender.clone(), Piece::Output);
    }
    if let Some(pipe) = running.child.stderr.take() {
        forward(pipe, sender.clone(), Piece::Error);
    }
    drop(sender);
    let (mut stdout, mut stderr) = (Kept::new(limits.stdout), Kept::new(limits.stderr));
    let (mut spoke, mut ended) = (began, None);
    loop {
        match heard.recv_timeout(LOOK_EVERY * 5) {
            Ok(Piece::Output(bytes)) => {
                spoke = Instant::now();
                stdout.take(&bytes)?;
            }
            Ok(Piece::Error(bytes)) => {
                spoke = Instant::now();
                hear(&bytes);
                stderr.take(&bytes)?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(patience) = limits
            .patience
            .filter(|patience| spoke.elapsed() > *patience)
        {
            return Err(Stopped::Late(patience));
        }
        if began.elapsed() > limits.deadline {
            return Err(Stopped::Late(limits.deadline));
        }
        if ended.is_none() && running.child.try_wait().map_err(Stopped::Io)?.is_some() {
            ended = Some(Instant::now());
        }
        if ended.is_some_and(|ended| ended.elapsed() > LINGER && spoke.elapsed() > LINGER) {
            break;
        }
    }
    let status = loop {
        // It may close its output and go on.
        if let Some(status) = running.child.try_wait().map_err(Stopped::Io)? {
            break status;
        }
        if began.elapsed() > limits.deadline {
            return Err(Stopped::Late(limits.deadline));
        }
        thread::sleep(LOOK_EVERY / 4);
    };
    // It may be gone while what it started goes on.
    if limits.kind == Kind::Work && interrupted() {
        stop(&[running.group.0], GRACE);
    }
    Ok(Said {
        status,
        stdout: stdout.whole(),
        stderr: stderr.whole(),
    })
}

fn forward(
    mut pipe: impl Read + Send + 'static,
    sender: SyncSender<Piece>,
    piece: fn(Vec<u8>) -> Piece,
) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if sender.send(piece(buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
}

/// What is kept of a stream.
struct Kept {
    keep: Keep,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    fn new(keep: Keep) -> Self {
        Self {
            keep,
            head: Vec::new(),
            tail: VecDeque::new(),
            left_out: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let most = match self.keep {
            Keep::Whole(most) if self.head.len() + bytes.len() > most => {
                return Err(Stopped::TooMuch(most));
            }
            Keep::Whole(most) | Keep::Ends(most) => most,
        };
        let (head, rest) = bytes.split_at(bytes.len().min(most - self.head.len()));
        self.head.extend_from_slice(head);
        // Of one piece, what comes before its last bytes would be pushed out at once.
        let (skipped, rest) = rest.split_at(rest.len().saturating_sub(most));
        self.left_out += skipped.len() as u64;
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(most);
        self.left_out += over as u64;
        self.tail.drain(..over);
        Ok(())
    }

    fn whole(self) -> Vec<u8> {
        let mut whole = self.head;
        if self.left_out > 0 {
            let words = format!("\n… {} left out …\n", size(self.left_out));
            whole.extend_from_slice(words.as_bytes());
        }
        whole.extend(self.tail);
        whole
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

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    const LIMITS: Limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Whole(1 << 16),
        stderr: Keep::Ends(1 << 10),
        deadline: Duration::from_secs(20),
        patience: None,
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn said(script: &str, limits: &Limits, input: Option<&str>) -> Result<Said, Stopped> {
        let input = input.map(|text| text.as_bytes().to_vec());
        run(&mut shell(script), limits, input, &mut |_| {})
    }

    #[test]
    fn what_it_says_is_kept_in_bounds() {
        let all = said("cat; echo no >&2; exit 3", &LIMITS, Some("yes")).unwrap();
        assert_eq!(
            (all.stdout, all.stderr),
            (b"yes".to_vec(), b"no\n".to_vec())
        );
        assert_eq!(all.status.code(), Some(3));

        let much = said("seq 1 200000 >&2; echo end >&2", &LIMITS, None).unwrap();
        let words = String::from_utf8(much.stderr).unwrap();
        assert!(
            words.starts_with("1\n2\n") && words.ends_with("200000\nend\n"),
            "{words}"
        );
        assert!(words.contains("\n… 1.3 MB left out …\n"), "{words}");
        assert!(words.len() < 2_200, "{}", words.len());

        let over = said("yes; true", &LIMITS, None).unwrap_err();
        assert!(matches!(over, Stopped::TooMuch(65_536)), "{over:?}");
    }

    #[test]
    fn nothing_is_waited_for_longer_than_it_may_take() {
        let short = Limits {
            deadline: Duration::from_millis(300),
            ..LIMITS
        };
        let patient = Limits {
            patience: Some(Duration::from_millis(300)),
            ..LIMITS
        };
        let cases = [
            ("sleep 600", short),
            ("exec >&- 2>&-; sleep 600", short),
            ("trap '' TERM; sleep 600", short),
            ("while echo x; do sleep 0.01; done", short),
            ("echo x; sleep 600", patient),
        ];
        for (script, limits) in cases {
            let began = Instant::now();
            let ended = said(script, &limits, None).unwrap_err();
            assert!(matches!(ended, Stopped::Late(_)), "{script}: {ended:?}");
            assert!(began.elapsed() < Duration::from_secs(15), "{script}");
        }
    }

    #[test]
    fn who_holds_its_output_open_is_not_waited_for() {
        let began = Instant::now();
        let said = said("echo x; sleep 30 & exit 0", &LIMITS, None).unwrap();
        assert!(said.status.success() && said.stdout == b"x\n");
        assert!(began.elapsed() < Duration::from_secs(15));
    }

    #[tokio::test]
    async fn a_child_that_nobody_waits_for_is_stopped_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > '{}'; wait", file.display());
        let work = run_beside(shell(&script), LIMITS, None);
        let waiting = tokio::time::timeout(Duration::from_secs(20), async {
            while !std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        tokio::select! {
            _ = work => panic!("it ended"),
            written = waiting => written.unwrap(),
        }
        let pid = std::fs::read_to_string(&file).unwrap();
        let runs = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            state.is_ok_and(|state| !state.contains(") Z "))
        };
        let until = Instant::now() + Duration::from_secs(20);
        while runs() {
            assert!(Instant::now() < until, "{pid} still runs");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
