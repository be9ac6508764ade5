//! The terminal, lent to a child that asks there: its group is in front, as a shell does it, and ours again afterwards.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStringExt, fs::OpenOptionsExt},
    },
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::{SigSet, Signal as Blocked};
use rustix::{
    process::{
        Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process_group, test_kill_process_group,
        waitid,
    },
    termios::{
        LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp, ttyname,
    },
};

/// What is left of a group that had the terminal has so long to let go of it.
const LAST: Duration = Duration::from_secs(1);
/// And is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// It is told again so often what ended the others.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// The terminal is somebody else's; dropped, it is given back to whom it was, with the modes that it had.
pub(super) struct Front {
    terminal: OwnedFd,
    group: Pid,
    own: Pid,
    modes: Termios,
    ended_by: Option<Signal>,
}

/// The terminal that this process was started from; also where its standard input is something else. It is lent, and nothing
/// is written to it from here.
fn terminal() -> io::Result<OwnedFd> {
    let opened = File::options()
        .read(true)
        .custom_flags(libc::O_NOCTTY)
        .open("/dev/tty")?;
    Ok(opened.into())
}

/// The terminal at which a program may ask, by its path: that from which this process was started, as long as it is in front
/// of it. `None` in a pipeline of a server, and in the background.
pub fn terminal_to_ask_at() -> Option<PathBuf> {
    let terminal = terminal().ok()?;
    (tcgetpgrp(&terminal).ok()? == getpgrp()).then_some(())?;
    // By the name of its own: `/dev/tty` is another one to a program of another session, such as an agent's pinentry.
    let names = [
        ttyname(io::stdin(), Vec::new()),
        ttyname(io::stderr(), Vec::new()),
        ttyname(io::stdout(), Vec::new()),
    ];
    let name = names.into_iter().flatten().next();
    let name = name.map(|name| OsString::from_vec(name.into_bytes()));
    Some(name.map_or_else(|| PathBuf::from("/dev/tty"), PathBuf::from))
}

impl Front {
    /// Puts `group` in front; `None` where there is no terminal to lend.
    pub(super) fn give(group: i32) -> Option<Self> {
        let terminal = terminal().ok()?;
        let own = tcgetpgrp(&terminal).ok()?;
        let modes = tcgetattr(&terminal).ok()?;
        let given = Pid::from_raw(group)?;
        let front = Self {
            terminal,
            group: given,
            own,
            modes,
            ended_by: None,
        };
        // A `^c` there empties what was written, after it has ended its reader: by then that may be the screen that is back.
        let mut lent = front.modes.clone();
        lent.local_modes |= LocalModes::NOFLSH;
        let _ = not_stopped(|| Ok(tcsetattr(&front.terminal, OptionalActions::Now, &lent)?));
        not_stopped(|| Ok(tcsetpgrp(&front.terminal, given)?)).ok()?;
        // It may have asked for a key before, and stand still since.
        go_on(group);
        Some(front)
    }

    /// Notes the signal that ended the first of the group: `^c`, as a rule.
    pub(super) fn ended_by(&mut self, signal: i32) {
        self.ended_by = Signal::from_named_raw(signal);
    }

    /// Tells the rest of the group what ended its first. ssh-keygen that hears `^c` between its question and its reading goes on to
    /// read, and nobody waits for it any more: it would take a key of whoever has the terminal next, and write there.
    pub(super) fn tell_the_rest(&self) {
        if let Some(signal) = self.ended_by {
            let _ = kill_process_group(self.group, signal);
        }
    }
}

/// Continues a child that stands still.
pub(super) fn go_on(group: i32) {
    let Some(group) = Pid::from_raw(group) else {
        return;
    };
    // Only looked at: how it ends is asked elsewhere.
    let look = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let stopped = waitid(WaitId::Pid(group), look);
    if stopped.is_ok_and(|it| it.is_some_and(|it| it.stopped())) {
        let _ = kill_process_group(group, Signal::CONT);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // `^c` ends it at once, while what it started (ssh-keygen at its question) puts the modes back first: not over those that
        // whoever gets the terminal next has set.
        let began = Instant::now();
        let mut told = began;
        while test_kill_process_group(self.group).is_ok() && began.elapsed() < LAST {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                self.tell_the_rest();
            }
            thread::sleep(LOOK_EVERY);
        }
        let _ = not_stopped(|| {
            tcsetpgrp(&self.terminal, self.own)?;
            // One that was stopped while it asked for a password has left the echo off.
            tcsetattr(&self.terminal, OptionalActions::Now, &self.modes)?;
            Ok(())
        });
    }
}

/// Who is not in front may say who is only while SIGTTOU does not stop it for that.
fn not_stopped(change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut blocked = SigSet::empty();
    blocked.add(Blocked::SIGTTOU);
    let before = SigSet::thread_get_mask()?;
    blocked.thread_block()?;
    let done = change();
    before.thread_set_mask()?;
    done
}
