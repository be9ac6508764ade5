//! The user's own commands, run.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    actions::OwnRun,
    app::event::OwnRan,
    domain::text::sanitise,
    sources::children::{self, Keep, Kind, Limits},
    workflow::Project,
};

/// What is kept of each of its streams, from the beginning and from the end.
const KEPT: usize = 4 << 10;
/// More lines than these are not shown.
const LINES: usize = 40;
/// One that has the terminal ends when its user leaves it.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// Runs it, in the repository's folder. Nothing that it says reaches the screen, unless that is its own.
pub(super) async fn run(project: &Project, run: &OwnRun) -> OwnRan {
    let began = Instant::now();
    let [program, arguments @ ..] = run.arguments.as_slice() else {
        return ran(
            run,
            began,
            Err("it names no program".to_owned()),
            Vec::new(),
        );
    };
    let command = |program: &String, arguments: &[String]| {
        let mut command = Command::new(program);
        command.args(arguments);
        command.current_dir(project.repo.place());
        // A context is looked for where this program has found it.
        if !project.kubeconfig.is_empty()
            && let Ok(files) = std::env::join_paths(&project.kubeconfig)
        {
            command.env("KUBECONFIG", files);
        }
        command
    };
    let mut command = match &run.instead {
        Some(instead) if !is_there(program) => match instead.as_slice() {
            [program, arguments @ ..] => command(program, arguments),
            [] => command(program, arguments),
        },
        _ => command(program, arguments),
    };
    if !run.screen {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Ends(KEPT),
        stderr: Keep::Ends(KEPT),
        deadline: if run.screen { FOR_EVER } else { run.timeout },
        patience: None,
        terminal: run.screen,
    };
    let (result, output) = match children::run_beside(command, limits, None).await {
        Ok(said) => {
            let result = if said.status.success() {
                Ok(())
            } else {
                Err(said.status.code().map_or_else(
                    || "ended by a signal".to_owned(),
                    |code| format!("exit {code}"),
                ))
            };
            (result, lines(&[&said.stdout, &said.stderr]))
        }
        Err(stopped) => (Err(stopped.words()), Vec::new()),
    };
    ran(run, began, result, output)
}

/// Whether there is a program of this name where programs are looked for.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn ran(run: &OwnRun, began: Instant, result: Result<(), String>, output: Vec<String>) -> OwnRan {
    OwnRan {
        line: sanitise(&run.line()).into_owned(),
        result,
        output,
        took: began.elapsed(),
    }
}

/// What it said, as lines that may be shown, and no more than can be read.
fn lines(streams: &[&[u8]]) -> Vec<String> {
    let mut lines = Vec::new();
    for stream in streams {
        let text = String::from_utf8_lossy(stream);
        let clean = text
            .lines()
            .map(|line| sanitise(line).trim_end().to_owned());
        lines.extend(clean.filter(|line| !line.is_empty()));
    }
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(format!("… {more} more lines"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_said_is_bounded_and_harmless() {
        let out = "one\x1b[2J\r\n\n two \n".as_bytes();
        assert_eq!(lines(&[out, b"bad \xff"]), ["one", " two", "bad \u{fffd}"]);
        let many = "x\n".repeat(500);
        let shown = lines(&[many.as_bytes()]);
        assert_eq!(shown.len(), LINES + 1);
        assert_eq!(shown[LINES], "… 460 more lines");
    }
}
