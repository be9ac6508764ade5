//! `completions`: what a shell is told once, and what it asks on every tab.
//!
//! The words come from the same table of arguments as `--help` does; services, environments and versions from the repository. This is
//! clap's own engine for it, whose script asks the program instead of repeating its arguments in five languages. The engine is
//! still marked as unstable, which is about its interface: `Cargo.lock` pins it, and script and answers are of one version. Only its
//! parts are used: its entry point prints by itself, and changes the environment in a way that needs `unsafe`.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use clap::{CommandFactory as _, Parser as _};
use clap_complete::{
    engine::CompletionCandidate,
    env::{EnvCompleter, Shells},
};
use jiff::Zoned;

use super::{
    Context,
    args::{Cli, CompletionsArgs, Format},
    fail::Exit,
    output::Output,
};
use crate::{
    domain::{
        drift::Kind,
        failure::Failure,
        gate,
        ids::{EnvironmentName, ServiceName},
        version::Version,
    },
    look::Quality,
    runtime, stdio,
    workflow::{OpenOptions, Project},
};

/// Which shell asks; set by the scripts. With `--` as the first argument nothing else begins that way.
pub(super) const VARIABLE: &str = "TIDEGATE_COMPLETE";

/// A key is answered within this time, with what is known by then.
const PATIENCE: Duration = Duration::from_millis(800);
/// Where nothing is known by then, it is worth a little more.
const AT_MOST: Duration = Duration::from_secs(4);

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let name = "tidegate";
    let shell = shell(args.shell.name());
    let written =
        shell.map(|shell| shell.write_registration(VARIABLE, name, name, name, &mut script));
    match written {
        Some(Ok(())) => {
            Output::raw(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
        _ => Err(Failure::failed("the script could not be written")),
    }
}

fn shell(name: &str) -> Option<&'static dyn EnvCompleter> {
    const ALL: Shells<'static> = Shells::builtins();
    ALL.0.iter().copied().find(|shell| shell.is(name))
}

/// Answers a shell that asks what could come next; `false`: none does. Whatever fails, nothing is said: it would land in the line
/// that is being typed.
pub(super) fn answer(arguments: &[OsString]) -> bool {
    let Some(name) = std::env::var_os(VARIABLE) else {
        return false;
    };
    let words = match arguments {
        [_, dashes, words @ ..] if dashes == "--" => words.to_vec(),
        _ => return false,
    };
    let name = name.to_string_lossy().into_owned();
    if let Some(shell) = shell(&name) {
        let mut answer = Vec::new();
        let folder = std::env::current_dir().ok();
        let mut command = Cli::command();
        command.build();
        if shell
            .write_complete(&mut command, words, folder.as_deref(), &mut answer)
            .is_ok()
        {
            stdio::to_shell(&answer);
        }
    }
    true
}

/// Rows of the repository.
pub(super) fn services() -> Vec<CompletionCandidate> {
    candidates(known().services)
}

/// Columns of the repository.
pub(super) fn environments() -> Vec<CompletionCandidate> {
    candidates(known().environments)
}

/// Versions that are declared anywhere, of the service that is named before.
pub(super) fn versions() -> Vec<CompletionCandidate> {
    let words = words();
    let known = known();
    let named = |(service, version): (ServiceName, Version)| {
        let named = words.iter().any(|word| word == service.as_str());
        named.then(|| version.to_string())
    };
    let found: BTreeSet<String> = known.versions.into_iter().filter_map(named).collect();
    candidates(found)
}

/// What `--only` of `status` knows.
pub(super) fn qualities() -> Vec<CompletionCandidate> {
    candidates(Quality::words())
}

/// Kinds of drift.
pub(super) fn kinds() -> Vec<CompletionCandidate> {
    candidates(Kind::ALL)
}

/// Names of gates, for `--override`.
pub(super) fn gates() -> Vec<CompletionCandidate> {
    candidates(gate::ALL.map(|gate| gate.id))
}

/// What could not be typed as it is, or would mean something to the shell's side of the protocol, is left out.
fn candidates(names: impl IntoIterator<Item = impl ToString>) -> Vec<CompletionCandidate> {
    let names = names.into_iter().map(|name| name.to_string());
    let plain = |name: &String| !name.chars().any(|c| c.is_control() || c.is_whitespace());
    names.filter(plain).map(CompletionCandidate::new).collect()
}

#[derive(Default)]
struct Known {
    services: Vec<ServiceName>,
    environments: Vec<EnvironmentName>,
    versions: Vec<(ServiceName, Version)>,
}

/// The words typed so far.
fn words() -> Vec<String> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// What is known of the repository that the line is about: what it says now, or, where that takes too long, what it said when it
/// was last looked at. Nobody is asked, and nothing that the repository's file names is opened without consent.
fn known() -> Known {
    let began = Instant::now();
    let (tell, told) = mpsc::channel();
    // Left behind where it takes too long.
    thread::spawn(move || {
        let Some(project) = open() else { return };
        let mut known = Known {
            environments: project.environments(),
            ..Known::default()
        };
        let snapshot = runtime::remembered(&project).snapshot;
        let mut fresh = false;
        if let Some(snapshot) = snapshot {
            let tip = project.repo.base(None).ok().map(|base| base.commit);
            fresh = snapshot.base.only().map(|tip| tip.commit) == tip && tip.is_some();
            known.take(
                snapshot.environments,
                snapshot
                    .cells
                    .into_iter()
                    .map(|cell| (cell.service, cell.version)),
            );
        }
        let _ = tell.send(known);
        if fresh {
            return;
        }
        let Ok(reading) = project.read() else { return };
        let desired = &reading.desired;
        let mut known = Known::default();
        let cells = desired.cells.iter();
        known.take(
            desired.environments.clone(),
            cells.map(|(key, cell)| (key.service.clone(), cell.version.clone())),
        );
        known.services = Project::services(desired);
        let _ = tell.send(known);
    });
    // The last that comes in time is the best; the thread ends its side when nothing better comes.
    let mut best = Known::default();
    loop {
        let patience = if best.services.is_empty() {
            AT_MOST
        } else {
            PATIENCE
        };
        match told.recv_timeout(patience.saturating_sub(began.elapsed())) {
            Ok(known) => best = known,
            Err(_) => return best,
        }
    }
}

impl Known {
    fn take(
        &mut self,
        environments: Vec<EnvironmentName>,
        cells: impl Iterator<Item = (ServiceName, Option<Version>)>,
    ) {
        self.environments = environments;
        for (service, version) in cells {
            if let Some(version) = version {
                self.versions.push((service.clone(), version));
            }
            self.services.push(service);
        }
        self.services.sort();
        self.services.dedup();
    }
}

/// The repository that the line is about, as far as it can be had without asking anybody.
fn open() -> Option<Project> {
    let mut line = vec!["tidegate".to_owned(), "--offline".to_owned()];
    let words = words();
    for option in ["--repo", "--config"] {
        let value = words.iter().enumerate().find_map(|(i, word)| {
            let value = word.strip_prefix(option)?;
            match value.strip_prefix('=') {
                Some(value) => Some(value),
                None if value.is_empty() => words.get(i + 1).map(String::as_str),
                None => None,
            }
        });
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            line.push(format!("{option}={}", home(value)));
        }
    }
    let common = Cli::try_parse_from(line).ok()?.common;
    let context = Context {
        output: Output::new(Format::Table, false, false),
        common,
        plans: None,
    };
    let options: OpenOptions = context.repository(false).ok()?;
    Project::open(&options, &Zoned::now()).ok()
}

/// The shell has not put the home folder in the place of `~` yet.
fn home(path: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match path.strip_prefix("~/") {
        Some(rest) if !home.is_empty() => Path::new(&home).join(rest).display().to_string(),
        _ => path.to_owned(),
    }
}
