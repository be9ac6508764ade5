//! The terminal, lent to a child that asks there: its group is in front, as a shell does it, and ours again afterwards.

use std::{io, os::fd::AsFd};

use nix::sys::signal::{SigSet, Signal as Blocked};
use rustix::{
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
    termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp},
};

/// The terminal is somebody else's; dropped, it is given back to whom it was, with the modes that it had.
pub(super) struct Front {
    own: Pid,
    modes: Termios,
}

impl Front {
    /// Puts `group` in front; `None` where there is no terminal to lend.
    pub(super) fn give(group: i32) -> Option<Self> {
        let own = tcgetpgrp(io::stdin()).ok()?;
        let modes = tcgetattr(io::stdin()).ok()?;
        let front = Self { own, modes };
        let given = Pid::from_raw(group)?;
        not_stopped(|| Ok(tcsetpgrp(io::stdin().as_fd(), given)?)).ok()?;
        // It may have asked for a key before, and stand still since.
        go_on(group);
        Some(front)
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
        let _ = not_stopped(|| {
            tcsetpgrp(io::stdin().as_fd(), self.own)?;
            // One that was stopped while it asked for a password has left the echo off.
            tcsetattr(io::stdin(), OptionalActions::Now, &self.modes)?;
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
