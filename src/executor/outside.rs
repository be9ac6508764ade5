//! The clipboard and the browser: programs and terminals outside of us, tried in order, and said which way it went.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crossterm::{clipboard::CopyToClipboard, execute};

use crate::{
    sources::children::{self, Keep, Kind, Limits},
    stdio,
};

/// A clipboard program takes its text and ends, or leaves something behind that answers whoever pastes, which stays.
const CLIPBOARD: Duration = Duration::from_secs(5);
/// An opener that still runs then has become the browser itself, which is the user's.
const OPENER: Duration = Duration::from_secs(3);

/// Puts `text` on the clipboard by OSC 52, which works over SSH; whether the terminal was told, which says nothing of what it
/// did. To be called by the terminal's owner.
pub fn tell_terminal(text: &str) -> bool {
    execute!(stdio::screen(), CopyToClipboard::to_clipboard_from(text)).is_ok()
}

/// Puts `text` on the clipboard by a local program as well, where there is one: not every terminal answers. Returns a sentence
/// that says what was copied and which way it went. Blocking.
pub fn copy(what: &str, text: &str, told: bool) -> String {
    let local = clipboard_programs()
        .into_iter()
        .find(|program| feed(program, text));
    match (local, told) {
        (Some([name, ..]), true) => format!("copied {what}: with {name} and by OSC 52"),
        (Some([name, ..]), false) => format!("copied {what}: with {name}"),
        (None, true) => {
            format!(
                "copied {what}: by OSC 52, if the terminal allows it (tmux: set -g set-clipboard on)"
            )
        }
        (None, false) => {
            format!("could not copy {what}: no clipboard program, and the terminal took no OSC 52")
        }
    }
}

/// Opens a web address; returns a sentence. Blocking.
pub fn open(address: &str) -> String {
    if !(address.starts_with("https://") || address.starts_with("http://")) {
        return format!("not a web address: {address}");
    }
    let mut failed = None;
    for program in ["xdg-open", "open"] {
        match children::run_or_let_go(quiet(program).arg(address), OPENER) {
            Ok(status) if status.is_none_or(|status| status.success()) => {
                return format!("opened {address} with {program}");
            }
            Ok(_) => failed = failed.or(Some(program)),
            Err(_) => {}
        }
    }
    match failed {
        Some(program) => format!("{program} could not open {address}; y copies it"),
        None => format!("no program to open {address}; y copies it"),
    }
}

fn clipboard_programs() -> Vec<&'static [&'static str; 3]> {
    const WAYLAND: [&str; 3] = ["wl-copy", "--type", "text/plain"];
    const X11: [&str; 3] = ["xclip", "-selection", "clipboard"];
    const MAC: [&str; 3] = ["pbcopy", "", ""];
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    // Over SSH the local programs would fill the clipboard of the wrong machine.
    if set("SSH_CONNECTION") {
        return Vec::new();
    }
    let mut programs = Vec::new();
    if set("WAYLAND_DISPLAY") {
        programs.push(&WAYLAND);
    }
    if set("DISPLAY") {
        programs.push(&X11);
    }
    if cfg!(target_os = "macos") {
        programs.push(&MAC);
    }
    programs
}

fn feed(program: &[&str; 3], text: &str) -> bool {
    let arguments = program[1..].iter().filter(|argument| !argument.is_empty());
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Ends(0),
        stderr: Keep::Ends(0),
        deadline: CLIPBOARD,
        patience: None,
        terminal: false,
    };
    let mut command = quiet(program[0]);
    command.args(arguments).stdin(Stdio::piped());
    let input = Some(text.as_bytes().to_vec());
    children::run(&mut command, &limits, input, &mut |_| {}).is_ok_and(|said| said.status.success())
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
