//! `tidegate init`: looks at the repository and writes a commented `tidegate.toml`.

use std::path::PathBuf;

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
        detect::{Candidate, Guess, overlooked_words},
        failure::Failure,
    },
    sources::{cluster::contexts, git::Repo},
    stdio::Tone,
    workflow::{
        Configurations, Decided, Lately, OpenOptions, Project, SeenHealth, closest, nothing_said,
        recognise, team_file, tell_order, write_new,
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
        if args.explain {
            // What was weighed is the more of use the less came of it.
            let candidates = closest(&repo, &base)?;
            explain(
                &context.output,
                &Guess {
                    candidates,
                    ..Guess::default()
                },
            );
        }
        return Err(Failure::failed(nothing_said(&repo, &base)?));
    };
    if args.explain {
        explain(&context.output, &guess);
        return Ok(Exit::Done);
    }
    tell_order(&repo, &base, &mut guess)?;
    let file_of = |text: &str| SourceFile {
        name: TEAM_FILE.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    // The user's own file may name another kubeconfig; what else is wrong in it is told by what reads it.
    let own = Project::configured_by(file_of(&config::propose(&guess)));
    let kubeconfig = own.ok().and_then(|own| own.user.kubeconfig);
    let kubeconfig: Vec<PathBuf> = kubeconfig.into_iter().collect();
    guess.meet(&contexts(&kubeconfig));
    let text = config::propose(&guess);

    // What was proposed is read back as any configuration is, so that what is shown is what it does.
    let config = config::load(&LoadRequest {
        team: Some(file_of(&text)),
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
        draft: None,
        at: None,
        others: Vec::new(),
        kubeconfig,
        opened: OpenOptions::default(),
        decided: Decided::default(),
        earlier: Configurations::default(),
        lately: Lately::default(),
        seen: SeenHealth::default(),
    };
    let desired = project.read()?.desired;

    let output = &context.output;
    if let Some(file) = &file {
        write_new(file, &text)?;
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
            "quiet": guess.quiet,
            "unread": guess.unread,
        }));
        return;
    }
    for line in guess.candidates.iter().flat_map(Candidate::words) {
        output.line(clean(&line));
    }
    for kind in &guess.quiet {
        output.line(format!(
            "left out, as hardly promoted: {}",
            clean(&kind.words())
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
    let file = team_file(repo);
    file.map(Some)
        .map_err(|failure| failure.hint("--stdout prints what init would propose"))
}
