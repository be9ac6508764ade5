//! A program that judges a change: it reads the changed files on its standard input, and its exit code is the verdict.

use std::process::{Command, Stdio};

use crate::{
    domain::{
        gate::{CommandQuestion, Ran},
        text::sanitise,
    },
    sources::{
        children::{self, Keep, Kind, Limits, Stopped},
        git,
    },
};

/// So much is kept of what it says, from each end.
const KEPT: usize = 8 << 10;
/// So many of its last lines stand in the verdict.
const LINES: usize = 6;

/// Runs it, in an empty folder of its own.
///
/// # Errors
/// Why it did not come to its end, in words.
pub async fn run(asked: &CommandQuestion) -> Result<Ran, String> {
    let [program, arguments @ ..] = &asked.run[..] else {
        return Err("no program is named".to_owned());
    };
    let folder = tempfile::Builder::new().prefix("tidegate-check-").tempdir();
    let folder = folder.map_err(|error| format!("no folder to run it in: {error}"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    git::keep_to_itself(&mut command);
    for (name, value) in &asked.variables {
        // What a file says may hold what no variable can.
        command.env(name, value.replace('\0', ""));
    }
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Ends(KEPT),
        stderr: Keep::Ends(KEPT),
        deadline: asked.timeout,
        patience: None,
        terminal: false,
    };
    let said = children::run_beside(command, limits, Some(asked.input.to_vec())).await;
    let said = said.map_err(|stopped| match &stopped {
        Stopped::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("there is no program `{}` here", sanitise(program))
        }
        _ => stopped.words(),
    })?;
    Ok(Ran {
        code: said.status.code(),
        said: last_words(&[&said.stdout, &said.stderr]),
    })
}

fn last_words(streams: &[&[u8]]) -> Vec<String> {
    let mut lines = Vec::new();
    for stream in streams {
        let text = String::from_utf8_lossy(stream);
        let own = text.lines().map(|line| sanitise(line).trim().to_owned());
        lines.extend(own.filter(|line| !line.is_empty()));
    }
    let from = lines.len().saturating_sub(LINES);
    lines.split_off(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_kept() {
        let out: String = (0..9).fold(String::new(), |out, i| format!("{out}line {i}\n\n"));
        let said = last_words(&[out.as_bytes(), b" FAIL - \x1b[1mno\r\n"]);
        assert_eq!(said.len(), LINES);
        assert_eq!(said[LINES - 1], "FAIL - no");
    }
}
