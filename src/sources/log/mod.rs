//! The log: what was done and what went wrong, in a file of the state folder, for whoever looks into it afterwards.
//!
//! Nobody waits for it. Whoever logs hands a line over; a thread of its own opens the file when the first one comes, takes
//! out what must not be in it, and writes. A file that cannot be opened costs the log and nothing else. Nothing of it is
//! ever printed.

mod filter;
mod written;

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

pub use self::filter::FILTER_VARIABLE;
use self::written::Files;
use super::state::{STATE_DIR_VARIABLE, state_root};
use crate::domain::text::count;

/// The newest file; older ones have a number behind that.
pub const FILE: &str = "tidegate.log";
/// No file of the log grows beyond this many bytes, but for its last line.
const LIMIT: u64 = 1 << 20;
/// So many lines wait to be written; those that come then are counted and left out.
const WAITING: usize = 8_192;
/// So long the end of the program waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

static LOG: OnceLock<Log> = OnceLock::new();

/// What there is to know of the log of this process.
struct Log {
    /// What is written, in the words of the filter.
    filter: String,
    /// Nothing is to be written.
    off: bool,
    lines: Option<Lines>,
    /// Why nothing is written, where something stands in the way.
    broken: Broken,
}

/// Why nothing is written; shared with the thread that writes.
type Broken = Arc<Mutex<Option<String>>>;

/// Where the log is, whether it is there or not; `None` where the system has no place for it.
pub fn file() -> Option<PathBuf> {
    Some(state_root()?.join(FILE))
}

/// Begins the log of this process; later calls do nothing. `verbosity` counts the `-v`. A sentence where `TIDEGATE_LOG` is
/// no filter: the log is then as without it.
pub fn start(verbosity: u8) -> Option<String> {
    let asked = std::env::var_os(FILTER_VARIABLE);
    let asked = asked.as_ref().map(|text| text.to_string_lossy());
    let (filter, complaint) = filter::of(asked.as_deref(), verbosity);
    let mut log = Log {
        filter: filter.shown,
        off: filter.off,
        lines: None,
        broken: Broken::default(),
    };
    if !log.off {
        let broken = Arc::clone(&log.broken);
        match file() {
            None => set(
                &broken,
                format!("this system has no state folder; set {STATE_DIR_VARIABLE} to one"),
            ),
            Some(path) => match Lines::to(Files::new(path, LIMIT), broken) {
                Ok(lines) => log.lines = Some(lines),
                Err(error) => set(&log.broken, format!("no thread can be started: {error}")),
            },
        }
    }
    let lines = log.lines.clone();
    if LOG.set(log).is_ok()
        && let Some(lines) = lines
    {
        listen(lines, filter.targets);
    }
    complaint
}

/// From now on, what is traced becomes lines.
fn listen(lines: Lines, targets: Targets) {
    let layer = fmt::layer()
        .with_ansi(false)
        // It would be said on standard error.
        .log_internal_errors(false)
        .with_writer(move || lines.clone())
        .with_filter(targets);
    // Another subscriber is there in tests only.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// Waits, not for long, until what was logged is written. Where nothing could be, why.
pub fn finish() -> Option<String> {
    let log = LOG.get()?;
    if let Some(lines) = &log.lines {
        lines.finish(PATIENCE);
    }
    get(&log.broken)
}

/// Where the log is and what comes into it, or why there is none; a sentence or two.
pub fn said() -> String {
    let Some(log) = LOG.get() else {
        return "nothing is logged here".to_owned();
    };
    if log.off {
        return format!(
            "nothing is logged, as {FILTER_VARIABLE} says; it would be in {}",
            place()
        );
    }
    match get(&log.broken) {
        Some(why) => format!("there is no log: {why}"),
        None => format!(
            "the log is {} ({}; {FILTER_VARIABLE}, -v and -vv change that)",
            place(),
            log.filter
        ),
    }
}

/// What `--help` says of the log.
pub fn help() -> String {
    format!(
        "Log: {} and the two before it; -v and -vv write more,\n     {FILTER_VARIABLE}=LEVEL or MODULE=LEVEL,… chooses (off, error, warn, info, debug, trace)",
        place()
    )
}

/// Where it is, for people.
fn place() -> String {
    match file() {
        Some(path) => path.display().to_string(),
        None => format!("{FILE} in the folder that {STATE_DIR_VARIABLE} names"),
    }
}

fn set(broken: &Broken, why: String) {
    *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
}

fn get(broken: &Broken) -> Option<String> {
    broken
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

enum Order {
    Line(Vec<u8>),
    /// Answer when everything before it is written.
    Answer(Sender<()>),
}

/// The way of a line to the thread that writes it.
#[derive(Clone)]
struct Lines {
    orders: Sender<Order>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
}

impl Lines {
    /// Starts the thread that writes to `files`.
    fn to(files: Files, broken: Broken) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let lines = Self {
            orders,
            waiting: Arc::default(),
            lost: Arc::default(),
        };
        let (waiting, lost) = (Arc::clone(&lines.waiting), Arc::clone(&lines.lost));
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&inbox, files, &broken, &waiting, &lost))?;
        Ok(lines)
    }

    fn finish(&self, patience: Duration) {
        let (answer, answered) = channel();
        if self.orders.send(Order::Answer(answer)).is_ok() {
            // Too late is as good as lost: the program ends.
            let _ = answered.recv_timeout(patience);
        }
    }
}

/// Writes what comes until nobody is left who sends.
fn write(
    inbox: &Receiver<Order>,
    mut files: Files,
    broken: &Broken,
    waiting: &AtomicUsize,
    lost: &AtomicUsize,
) {
    while let Ok(order) = inbox.recv() {
        let line = match order {
            Order::Answer(answer) => {
                let _ = answer.send(());
                continue;
            }
            Order::Line(line) => line,
        };
        waiting.fetch_sub(1, Ordering::Relaxed);
        let left_out = lost.swap(0, Ordering::Relaxed);
        let mut line = written::line(&line);
        if left_out > 0 {
            let lines = count(left_out, "line");
            let words = format!("({lines} came too fast before this one)\n");
            line.push_str(&words);
        }
        let why = files.write(&line).err();
        *broken.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// Takes a line as a whole: whoever formats one writes it at once.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.waiting.load(Ordering::Relaxed) >= WAITING {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Ok(line.len());
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // Where the thread is gone, so is the log.
        let _ = self.orders.send(Order::Line(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_in_order_and_a_folder_that_cannot_be_written_is_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/tidegate.log");
        let broken = Broken::default();
        let mut lines = Lines::to(Files::new(path.clone(), LIMIT), Arc::clone(&broken)).unwrap();
        assert!(!path.exists(), "nothing is opened before the first line");
        for at in 0..100 {
            let said =
                format!("2026-11-28T10:00:00Z  INFO x: https://u:s3cret@h/a \u{1b}[31m{at}\n");
            lines.write_all(said.as_bytes()).unwrap();
        }
        lines.finish(Duration::from_secs(20));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 100);
        let pid = std::process::id();
        let first = format!("2026-11-28T10:00:00Z {pid}  INFO x: https://***@h/a 0");
        assert_eq!(text.lines().next(), Some(first.as_str()));
        assert!(text.lines().nth(99).unwrap().ends_with(" 99"), "{text}");
        assert_eq!(get(&broken), None);

        std::fs::write(folder.path().join("file"), "").unwrap();
        let below = folder.path().join("file/below/tidegate.log");
        let mut lines = Lines::to(Files::new(below, LIMIT), Arc::clone(&broken)).unwrap();
        lines.write_all(b"lost\n").unwrap();
        lines.finish(Duration::from_secs(20));
        let why = get(&broken).unwrap();
        assert!(why.contains("file/below"), "{why}");
    }
}
