//! `tidegate` without a command: the console.

use jiff::Zoned;

use super::{Context, args::Format, fail::Exit, output::clean, trust};
use crate::{
    domain::failure::Failure,
    executor::{self, ConsoleOptions},
    runtime::{self, Ended, Opening},
    stdio::{self, Stream},
    workflow::{OpenError, Project},
};

pub(super) async fn run(context: &Context) -> Result<u8, Failure> {
    if context.common.dry_run {
        return Err(Failure::usage(
            "the console has no --dry-run; it writes nothing before a plan is confirmed",
        ));
    }
    needs_terminal(context)?;
    // A mirror is fetched when the screen is there.
    let options = context.repository(false)?;
    let words = "looking at how this repository writes versions; a tidegate.toml would say it";
    let unusable = |error| Failure::failed(format!("the terminal cannot be used: {error}"));
    let mut opening = Opening::words(words);
    let project = loop {
        let options = options.clone();
        let mut work = tokio::task::spawn_blocking(move || Project::open(&options, &Zoned::now()));
        match opening.wait(&mut work).await.map_err(unusable)? {
            // Each is asked about once: what was allowed is kept, or this ends.
            Ok(Err(OpenError::Untrusted(untrusted))) => trust::ask(context, &untrusted)?,
            Ok(project) => break context.opened(project?, false)?,
            Err(Ended::Quit) => return Ok(Exit::Done.code()),
            Err(Ended::Signalled(signal)) => return Ok(signal.exit_code()),
        }
    };
    let options = ConsoleOptions {
        mouse: project.config.user.mouse,
        ..options_of(context)
    };
    let opening = Opening::words("looking at the repository's branches");
    open(context, project, options, opening).await
}

/// Refuses to open a screen where there is none to draw on.
pub(super) fn needs_terminal(context: &Context) -> Result<(), Failure> {
    use std::io::IsTerminal;
    if context.common.output != Format::Table {
        return Err(Failure::usage(
            "the console has no -o; `tidegate status -o json` prints the matrix",
        ));
    }
    if !std::io::stdin().is_terminal() || !stdio::is_terminal(Stream::Answer) {
        return Err(Failure::usage(
            "the console needs a terminal; `tidegate status` prints the matrix, `tidegate --help` lists the commands",
        ));
    }
    Ok(())
}

/// What the command line says of the screen.
pub(super) fn options_of(context: &Context) -> ConsoleOptions {
    ConsoleOptions {
        read_only: context.common.read_only,
        ascii: context.common.ascii,
        ..ConsoleOptions::default()
    }
}

/// Opens the screen over a session; the exit code, which a signal decides where one ended it.
pub(super) async fn open(
    context: &Context,
    project: Project,
    options: ConsoleOptions,
    mut opening: Opening,
) -> Result<u8, Failure> {
    let unusable = |error| Failure::failed(format!("the terminal cannot be used: {error}"));
    // Reads refs: on a mount that does not come back, leaving must still work.
    let mut work = tokio::task::spawn_blocking(move || {
        let setup = executor::setup(&project, options);
        let remembered = runtime::remembered(&project);
        (project, setup, remembered)
    });
    let (project, setup, remembered) = match opening.wait(&mut work).await.map_err(unusable)? {
        Ok(opened) => opened,
        Err(Ended::Quit) => return Ok(Exit::Done.code()),
        Err(Ended::Signalled(signal)) => return Ok(signal.exit_code()),
    };
    let setup = setup
        .map_err(|error| Failure::usage(format!("the keys of your configuration: {error}")))?;
    let parting = runtime::run(project, setup, remembered, options, opening)
        .await
        .map_err(unusable)?;
    for words in parting.words {
        context.output.note(format!("tidegate: {}", clean(&words)));
    }
    Ok(match parting.ended {
        Ended::Quit if parting.stopped => Exit::Interrupted.code(),
        Ended::Quit => Exit::Done.code(),
        Ended::Signalled(signal) => signal.exit_code(),
    })
}
