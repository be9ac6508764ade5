//! The clipboard and the browser: programs and terminals outside of us, tried in order, and said which way it went.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crossterm::{clipboard::CopyToClipboard, execute};

use crate::{
    sources::cluster::{self, Options},
    stdio,
};

/// Puts `text` on the clipboard; returns a sentence that says which way it went.
///
/// The terminal is asked by OSC 52, which works over SSH; a local clipboard program is used as well where there is one,
/// because not every terminal answers and none says whether it did.
pub fn copy(text: &str) -> String {
    let told = execute!(stdio::screen(), CopyToClipboard::to_clipboard_from(text)).is_ok();
    let local = clipboard_programs()
        .into_iter()
        .find(|program| feed(program, text));
    match (local, told) {
        (Some([name, ..]), _) => format!("copied with {name} and by OSC 52"),
        (None, true) => {
            "copied by OSC 52, if the terminal allows it (tmux: set -g set-clipboard on)".to_owned()
        }
        (None, false) => {
            "could not copy: no clipboard program, and the terminal took no OSC 52".to_owned()
        }
    }
}

/// Opens a web address; returns a sentence.
pub fn open(address: &str) -> String {
    if !(address.starts_with("https://") || address.starts_with("http://")) {
        return format!("not a web address: {address}");
    }
    let opened = ["xdg-open", "open"].into_iter().find(|program| {
        quiet(program).arg(address).spawn().is_ok_and(|mut child| {
            // Reaped elsewhere, so that a browser that stays in the foreground costs nothing here.
            std::thread::spawn(move || child.wait());
            true
        })
    });
    match opened {
        Some(program) => format!("opened {address} with {program}"),
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
    let Ok(mut child) = quiet(program[0])
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
    else {
        return false;
    };
    let written = child
        .stdin
        .take()
        .is_some_and(|mut input| input.write_all(text.as_bytes()).is_ok());
    written && child.wait().is_ok_and(|status| status.success())
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs the exec plugin of a context's user with the terminal, so that it can ask; its token goes nowhere.
pub fn login(context: &str, options: &Options) -> Result<(), String> {
    let plugin = cluster::login_command(context, options)?;
    let mut command = Command::new(&plugin.program);
    command
        .args(&plugin.arguments)
        .envs(plugin.environment)
        .stdout(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", plugin.program)),
        Err(error) => Err(format!("{} could not be started: {error}", plugin.program)),
    }
}
