//! A secret of the user's, fetched from where the user's own file says it is.

use std::{
    env,
    ffi::OsStr,
    process::{Command, Stdio},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    children::{self, Keep, Kind, Limits, Said},
    git,
};
use crate::domain::credential::Credential;

/// What a program prints that gives a secret.
const MOST_BYTES: usize = 64 << 10;
/// How long it may take; it may ask an agent that asks its user.
const DEADLINE: Duration = Duration::from_secs(30);

/// The secret. A program runs without a terminal.
///
/// # Errors
/// Why there is none, in words that name where it should be.
pub async fn read(from: &Credential) -> Result<SecretString, String> {
    let text = match from {
        Credential::Env(name) => match env::var(name) {
            Ok(value) => value,
            Err(_) => return Err(format!("the variable {name} is not set")),
        },
        Credential::Command(run) => printed(run).await?,
    };
    // Programs end what they print with a line end, and some print more behind the first line.
    let secret = text.lines().next().unwrap_or_default().trim();
    if secret.is_empty() {
        return Err(match from {
            Credential::Env(name) => format!("the variable {name} is empty"),
            Credential::Command(run) => format!("`{}` prints nothing", run.join(" ")),
        });
    }
    Ok(SecretString::from(secret))
}

async fn printed(run: &[String]) -> Result<String, String> {
    let [program, arguments @ ..] = run else {
        return Err("no program is named that prints the token".to_owned());
    };
    let said = asked(program, arguments, None).await?;
    if !said.status.success() {
        // What it says may hold what it was to keep.
        return Err(format!("`{program}` fails: {}", said.status));
    }
    Ok(String::from_utf8_lossy(&said.stdout).into_owned())
}

/// Runs a program that knows secrets, without a terminal; `input` goes to its standard input.
///
/// # Errors
/// Why it did not come to its end.
pub(super) async fn asked(
    program: &str,
    arguments: &[impl AsRef<OsStr>],
    input: Option<Vec<u8>>,
) -> Result<Said, String> {
    let mut command = Command::new(program);
    let stdin = match &input {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    };
    command
        .args(arguments)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    git::keep_to_itself(&mut command);
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Whole(MOST_BYTES),
        stderr: Keep::Ends(MOST_BYTES / 16),
        deadline: DEADLINE,
        patience: None,
        terminal: false,
    };
    let said = children::run_beside(command, limits, input).await;
    said.map_err(|stopped| format!("`{program}` {}", stopped.words()))
}
