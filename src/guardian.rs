//! A small process that outlives this one by a moment: the same program, started in a mode of its own, that holds a pipe
//! to it. When the pipe closes it gives the terminal back, if that is still taken, and ends the process groups that still
//! run: after an abort, a stack overflow, a signal that nobody catches, and `kill -9` too.
//!
//! It sleeps until the pipe says something, and ends whenever its parent does. It is in a process group of its own, so that
//! no `^C`, no `^Z` and no hang-up of the terminal is for it, and lets no rule of job control keep it from setting the
//! terminal's modes. No session of its own: who leads a group can begin none, and to lead one from the first instruction on
//! is what no moment between can be missed by; and a session's number says nothing in a container that it began outside of.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use nix::sys::signal::{SigSet, Signal};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios,
    tcgetattr, tcsetattr,
};

use crate::{
    sources::children,
    stdio::{self, Stream},
};

/// The argument that starts the program as a guardian; nothing that anybody types.
pub const ARGUMENT: &str = "__guardian";

/// Puts everything of a screen back that a full-screen program may have changed: half a frame, mouse, bracketed paste, the
/// alternate screen, the cursor, colours.
pub const GIVE_BACK: &str = "\u{1b}[?2026l\u{1b}[?1006l\u{1b}[?1015l\u{1b}[?1003l\u{1b}[?1002l\u{1b}[?1000l\u{1b}[?2004l\u{1b}[?1049l\u{1b}[0m\u{1b}[?25h";

/// What what is left may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// What there is to guard, and the guardian once there is something.
struct Guarded {
    /// Only the program itself has one, not what uses the library.
    enabled: bool,
    pipe: Option<ChildStdin>,
    groups: Vec<i32>,
    /// The terminal's modes before it was taken, in words of the pipe.
    terminal: Option<String>,
}

static GUARDED: Mutex<Guarded> = Mutex::new(Guarded {
    enabled: false,
    pipe: None,
    groups: Vec::new(),
    terminal: None,
});

fn guarded() -> MutexGuard<'static, Guarded> {
    GUARDED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on there is a guardian whenever there is something to guard.
pub fn enable() {
    guarded().enabled = true;
}

/// The terminal is about to be taken; called before its modes change. Costs the start of a process the first time, which
/// is not waited for.
pub fn take_terminal() {
    let Ok(modes) = tcgetattr(io::stdin()) else {
        return;
    };
    let mut guarded = guarded();
    let words = words(&modes);
    guarded.terminal = Some(words.clone());
    guarded.tell(&words);
}

/// The terminal was given back.
pub fn release_terminal() {
    let mut guarded = guarded();
    if guarded.terminal.take().is_some() {
        guarded.tell("released");
    }
}

/// A process group runs that must not outlive us.
pub fn note_group(group: i32) {
    let mut guarded = guarded();
    guarded.groups.push(group);
    guarded.tell(&format!("group {group}"));
}

/// It has ended.
pub fn forget_group(group: i32) {
    let mut guarded = guarded();
    guarded.groups.retain(|other| *other != group);
    guarded.tell(&format!("ended {group}"));
}

impl Guarded {
    fn tell(&mut self, line: &str) {
        if !self.enabled {
            return;
        }
        if let Some(pipe) = &mut self.pipe {
            if pipe.write_all(format!("{line}\n").as_bytes()).is_ok() {
                return;
            }
            // It is gone: the next one is told everything anew.
            self.pipe = None;
        }
        if self.groups.is_empty() && self.terminal.is_none() {
            return;
        }
        // Without a guardian everything works, but for the worst of ends.
        self.pipe = start().ok();
        let groups = self.groups.iter().map(|group| format!("group {group}\n"));
        let terminal = self.terminal.iter().map(|words| format!("{words}\n"));
        let all: String = groups.chain(terminal).collect();
        if let Some(pipe) = &mut self.pipe
            && pipe.write_all(all.as_bytes()).is_err()
        {
            self.pipe = None;
        }
    }
}

fn start() -> io::Result<ChildStdin> {
    // Not the file's name: it may have been replaced since.
    let own = std::path::Path::new("/proc/self/exe");
    let program = if own.exists() {
        own.to_owned()
    } else {
        std::env::current_exe()?
    };
    // Only a terminal is held: whoever reads a pipe would wait for its end.
    let terminal = stdio::is_terminal(Stream::Answer);
    let mut child = Command::new(program)
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/")
        // From its first instruction on: where we are killed at once, the hang-up of the terminal is not for it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(if terminal {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .stderr(Stdio::null())
        .spawn()?;
    let pipe = child
        .stdin
        .take()
        .ok_or_else(|| io::Error::other("no pipe"))?;
    // One that stands still must not make us stand still.
    rustix::io::ioctl_fionbio(&pipe, true)?;
    // Reaped when it ends before us.
    thread::Builder::new()
        .stack_size(64 << 10)
        .spawn(move || child.wait())?;
    Ok(pipe)
}

/// Is the guardian: returns when the parent has ended and nothing of it is left.
pub fn guard() {
    // Who is not in front may set the modes only where this signal would not stop it for that. Threads inherit it.
    let mut stopped = SigSet::empty();
    stopped.add(Signal::SIGTTOU);
    let _ = stopped.thread_block();
    let mut groups: Vec<i32> = Vec::new();
    let mut terminal = None;
    for line in BufReader::new(io::stdin()).lines() {
        let Ok(line) = line else { break };
        match line.split_once(' ') {
            Some(("group", group)) => groups.extend(group.parse::<i32>().ok()),
            Some(("ended", group)) => groups.retain(|other| Ok(*other) != group.parse::<i32>()),
            Some(("taken", words)) => terminal = Some(words.to_owned()),
            _ => terminal = None,
        }
    }
    let ending = thread::spawn(move || children::stop(&groups, GRACE));
    if let Some(words) = terminal {
        // A terminal that takes nothing more is not waited for.
        let given = thread::spawn(move || give_back(&words));
        let until = std::time::Instant::now() + GRACE;
        while !given.is_finished() && std::time::Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let _ = ending.join();
}

fn give_back(words: &str) {
    let screen = stdio::screen();
    if let Ok(mut modes) = tcgetattr(screen.as_fd()) {
        read(words, &mut modes);
        let _ = tcsetattr(screen.as_fd(), OptionalActions::Now, &modes);
    }
    let mut screen = screen.lock();
    let _ = screen.write_all(GIVE_BACK.as_bytes());
    let _ = screen.flush();
}

/// `taken INPUT OUTPUT CONTROL LOCAL MIN TIME`.
fn words(modes: &Termios) -> String {
    format!(
        "taken {} {} {} {} {} {}",
        modes.input_modes.bits(),
        modes.output_modes.bits(),
        modes.control_modes.bits(),
        modes.local_modes.bits(),
        modes.special_codes[SpecialCodeIndex::VMIN],
        modes.special_codes[SpecialCodeIndex::VTIME],
    )
}

fn read(words: &str, modes: &mut Termios) {
    let numbers: Vec<u32> = words
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [input, output, control, local, min, time] = numbers[..] else {
        return;
    };
    modes.input_modes = InputModes::from_bits_retain(input);
    modes.output_modes = OutputModes::from_bits_retain(output);
    modes.control_modes = ControlModes::from_bits_retain(control);
    modes.local_modes = LocalModes::from_bits_retain(local);
    modes.special_codes[SpecialCodeIndex::VMIN] = u8::try_from(min).unwrap_or(1);
    modes.special_codes[SpecialCodeIndex::VTIME] = u8::try_from(time).unwrap_or(0);
}
