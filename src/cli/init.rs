//! `tidegate init`: looks at the repository and writes a commented `tidegate.toml`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    Context,
    args::InitArgs,
    fail::Exit,
    output::{Output, clean},
    status, text,
};
use crate::{
    config::{self, LoadRequest, SourceFile, TEAM_FILE},
    domain::{
        detect::{Guess, overlooked_words},
        failure::Failure,
    },
    sources::{cluster::contexts, git::Repo},
    stdio::Tone,
    workflow::{
        Configurations, Decided, Lately, OpenOptions, Project, SeenHealth, nothing_said, recognise,
        tell_order,
    },
};

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let common = &context.common;
    if common.config.is_some() || !common.at.is_empty() {
        return Err(Failure::usage(
            "init looks at the branch's tip and writes tidegate.toml; --config and --at do not fit",
        ));
    }
    let only_print = args.stdout || args.explain || common.dry_run;
    if common.read_only && !only_print {
        return Err(Failure::usage(
            "--read-only writes nothing; add --stdout to see the file",
        ));
    }
    let options = context.repository(true)?;
    let repo = if options.named {
        Repo::named(&options.repo)?
    } else {
        Repo::discover(&options.repo)?
    };
    let repo = repo.fetching_missing(options.fetch_missing);
    let file = place(&repo, only_print)?;
    let base = repo.base(None)?;
    let Some(mut guess) = recognise(&repo, &base)? else {
        return Err(Failure::failed(nothing_said(&repo, &base)?));
    };
    if args.explain {
        explain(&context.output, &guess);
        return Ok(Exit::Done);
    }
    tell_order(&repo, &base, &mut guess)?;
    guess.meet(&contexts());
    let text = config::propose(&guess);

    // What was proposed is read back as any configuration is, so that what is shown is what it does.
    let config = config::load(&LoadRequest {
        team: Some(SourceFile {
            name: TEAM_FILE.to_owned(),
            bytes: text.clone().into_bytes(),
        }),
        user: None,
        detect: &|| None,
    })
    .map_err(|errors| {
        Failure::failed(format!(
            "the proposal does not hold, which is our mistake: {errors}"
        ))
    })?;
    let project = Project {
        repo,
        config,
        team_at_tip: None,
        at: None,
        others: Vec::new(),
        kubeconfig: Vec::new(),
        opened: OpenOptions::default(),
        decided: Decided::default(),
        earlier: Configurations::default(),
        lately: Lately::default(),
        seen: SeenHealth::default(),
    };
    let desired = project.read()?.desired;

    let output = &context.output;
    if let Some(file) = &file {
        write(file, &text)?;
    } else if !output.is_json() {
        Output::raw(&text);
    }
    if output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.init/v1",
            "path": file,
            "toml": text,
            "explanation": guess.explanation,
            "overlooked": guess.overlooked,
            "environments": desired.environments,
            "services": desired.services,
            "cells": desired.cells.len(),
        }));
        return Ok(Exit::Done);
    }
    let explanation = clean(&guess.explanation);
    output.note(format!("recognised: {explanation}"));
    if let Some(message) = overlooked_words(&guess.overlooked) {
        output.note(format!("not read: {}", clean(&message)));
    }
    if let Some(file) = &file {
        status::print(output, &desired);
        output.line("");
        output.line(output.paint(
            &format!(
                "wrote {}: {} × {}, {}",
                file.display(),
                text::count(desired.services.len(), "service"),
                text::count(desired.environments.len(), "environment"),
                text::count(desired.cells.len(), "cell")
            ),
            Tone::Strong,
        ));
        output.line("look at the order of the environments and at `from`, name their clusters, then commit it");
    }
    Ok(Exit::Done)
}

/// What could be environments, and what speaks for each.
fn explain(output: &Output, guess: &Guess) {
    if output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.init-explain/v1",
            "candidates": guess.candidates,
            "unread": guess.unread,
        }));
        return;
    }
    for it in &guess.candidates {
        let taken = if it.taken { "taken" } else { "left" };
        let more = match it.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        output.line(format!(
            "{}.{:02}  {taken:<5}  {}: {}{more}",
            it.score / 100,
            it.score % 100,
            clean(&it.what),
            clean(&it.names.join(", "))
        ));
        output.line(format!(
            "             {}; usual names {} %, equal versions {} %, copied {} %, moving {} %",
            text::count(it.rows, "row"),
            it.usual,
            it.equal,
            it.copied,
            it.moving
        ));
    }
    for (place, moves) in &guess.unread {
        output.line(format!(
            "not read: {}, {}",
            clean(place),
            text::count(*moves, "change")
        ));
    }
}

/// Where the file goes; `None`: it is printed.
fn place(repo: &Repo, only_print: bool) -> Result<Option<PathBuf>, Failure> {
    if only_print {
        return Ok(None);
    }
    let Some(root) = repo.work_dir() else {
        return Err(Failure::usage(
            "a bare repository has no place for a file; --stdout prints it",
        ));
    };
    let file = root.join(TEAM_FILE);
    if file.exists() {
        return Err(Failure::usage(format!(
            "{} is there already and stays as it is; --stdout prints what init would propose",
            file.display()
        )));
    }
    Ok(Some(file))
}

/// Writes the file whole or not at all, and never over one that came meanwhile.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = || -> io::Result<()> {
        let mut half = tempfile::Builder::new();
        #[cfg(unix)]
        half.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut half = half.tempfile_in(folder)?;
        half.write_all(text.as_bytes())?;
        // A network's disk says only now that it is full.
        half.as_file().sync_all()?;
        half.persist_noclobber(file).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))
}
