//! Arguments in, an exit code out. One file per subcommand; what is printed goes through [`output`], and whether it arrived is part of the exit code.

#![allow(missing_docs)] // the fields of the arguments are documented by their help

mod agent;
mod args;
mod ask;
mod canary;
mod change;
mod changelog;
mod check;
mod completions;
mod console;
mod deliver;
mod demo;
mod drift;
mod eligible;
mod fail;
mod history;
mod init;
mod interrupt;
mod json;
mod left;
mod logs;
mod man;
mod outcome;
mod output;
mod plan;
mod plan_file;
mod promote;
mod pull_request;
mod retag;
mod revert;
mod rollout;
mod schema;
mod set;
mod status;
mod table;
mod take_back;
mod text;
mod trace;
mod trust;
mod veto;
mod waves;
mod why;

use std::{
    ffi::OsString,
    panic::PanicHookInfo,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    time::Instant,
};

use clap::{Parser, error::ErrorKind};
use color_eyre::config::{HookBuilder, Theme};
use jiff::Zoned;

use self::{
    args::{Cli, Command, Common},
    fail::Exit,
    interrupt::Waits,
    output::{Output, clean},
};
use crate::{
    config::places,
    domain::{
        address::{Address, plain, shown},
        agent::Order,
        failure::Failure,
    },
    guardian, runtime,
    sources::{children, git::Repo, log, mistake},
    stdio::{self, Stream},
    workflow::{HEAD_PATIENCE, OpenError, OpenOptions, Project},
};

/// What every command works with.
pub(crate) struct Context {
    /// Options that every command takes.
    pub(crate) common: Common,
    /// Where text goes.
    pub(crate) output: Output,
    /// What is planned is to be applied later, and goes there.
    pub(crate) plans: Option<PlanPlace>,
}

/// Where a plan goes that can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlanPlace {
    /// To standard output alone.
    Printed,
    /// To this file, too.
    File(PathBuf),
}

/// Runs the command that `arguments` (the program's name first) ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments
        .get(1)
        .is_some_and(|first| first == guardian::ARGUMENT)
    {
        guardian::guard();
        return ExitCode::SUCCESS;
    }
    if completions::answer(&arguments) {
        return ExitCode::SUCCESS;
    }
    guardian::enable();
    mistake::listen(report());
    let began = Instant::now();
    let code = beside(|| mistake::caught(|| answer(arguments))).unwrap_or_else(|mistake| {
        say(&format!("{mistake}; please report it"));
        if let Some(report) = &mistake.report {
            stdio::document(Stream::Notes, report);
        }
        Exit::Failed.code()
    });
    let code = arrived(code);
    tracing::info!(exit = code, took = ?began.elapsed(), "ended");
    let _ = log::finish();
    ExitCode::from(code)
}

/// Does the work on a thread of its own, where there can be one: a signal goes to the first thread, and one that reads a
/// disk that hangs never gets it. That one says meanwhile what is waited for.
fn beside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let waiting = Mutex::new(Some(work));
    let take = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    };
    let done = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("command".to_owned());
        let (ends, ended) = mpsc::channel::<()>();
        let begun = builder.stack_size(STACK).spawn_scoped(scope, || {
            let _ends = ends;
            take().map(|work| work())
        });
        let begun = begun.ok()?;
        let mut waits = Waits::new();
        while ended.recv_timeout(Waits::LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            waits.look();
        }
        begun.join().ok()?
    });
    let done = done.or_else(|| take().map(|work| work()));
    done.unwrap_or_else(|| unreachable!("a panic of the work is caught in it"))
}

/// As much as a first thread usually has.
const STACK: usize = 8 << 20;

fn answer(arguments: Vec<OsString>) -> u8 {
    let line = typed(&arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if let Some(complaint) = log::start(cli.common.verbose) {
        say(&complaint);
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %line, "began");
    let context = Context {
        output: Output::new(cli.common.output, cli.common.ascii, cli.common.verbose > 0),
        common: cli.common,
        plans: None,
    };
    let screen = matches!(cli.command, None | Some(Command::Demo(_)));
    let ended = runtime::block_on(dispatch(&context, cli.command))
        .unwrap_or_else(|error| Err(Failure::failed(format!("cannot start: {error}"))));
    let code = ended.unwrap_or_else(|failure| {
        let (exit, message) = (Exit::of(failure.kind), failure.to_string());
        if exit == Exit::Interrupted {
            interrupt::say(&context.output, &message);
        } else {
            for line in message.lines() {
                context.output.note(format!("tidegate: {line}"));
            }
        }
        tracing::warn!(exit = exit.code(), why = %message, "failed");
        exit.code()
    });
    if let Some(why) = log::finish() {
        context
            .output
            .detail(format!("tidegate: there is no log: {}", clean(&why)));
    }
    // Whatever it came to, and said: it did not come to its end by itself.
    if children::interrupted() && !screen {
        Exit::Interrupted.code()
    } else {
        code
    }
}

/// The line as it was typed, without what is secret in it.
fn typed(arguments: &[OsString]) -> String {
    let shown = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        match argument.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                format!("{option}={}", plain(value))
            }
            _ => plain(&argument),
        }
    };
    let rest = arguments.iter().skip(1).map(shown);
    let words: Vec<String> = std::iter::once("tidegate".to_owned()).chain(rest).collect();
    words.join(" ")
}

/// An answer that did not reach anybody is a failure, whatever the work behind it came to.
fn arrived(code: u8) -> u8 {
    let Some(why) = stdio::lost() else {
        return code;
    };
    let why = why.split(" (os error").next().unwrap_or_default();
    say(&format!(
        "the answer could not be written to standard output: {why}; what was done is done, what was said is lost"
    ));
    if code == Exit::Interrupted.code() {
        code
    } else {
        Exit::Failed.code()
    }
}

fn say(words: &str) {
    stdio::line(Stream::Notes, &format!("tidegate: {words}").into(), false);
}

/// The whole report of a panic, where `RUST_BACKTRACE` asks for it.
fn report() -> impl Fn(&PanicHookInfo<'_>) -> Option<String> + Send + Sync + 'static {
    let hooks = HookBuilder::default().theme(Theme::new());
    let (hook, _) = hooks.display_env_section(false).into_hooks();
    move |info| {
        let asked = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        asked.then(|| format!("{}\n", hook.panic_report(info)))
    }
}

/// Help and version are results; everything else is wrong usage.
fn usage(error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        stdio::document(Stream::Answer, &text);
        return Exit::Done.code();
    }
    stdio::document(Stream::Notes, &text);
    Exit::Usage.code()
}

async fn dispatch(context: &Context, command: Option<Command>) -> Result<u8, Failure> {
    let tables = matches!(
        command,
        Some(
            Command::Status(_)
                | Command::History(_)
                | Command::Trace(_)
                | Command::Changelog(_)
                | Command::Drift(_)
                | Command::Check(_)
        )
    );
    if context.output.is_markdown() && !tables {
        return Err(Failure::usage(
            "`-o markdown` is for `status`, `history`, `trace`, `changelog`, `drift` and `check`; others answer with `table` or `json`",
        ));
    }
    if context.output.is_for_ci() && !matches!(command, Some(Command::Check(_))) {
        return Err(Failure::usage(
            "`-o github`, `-o gitlab` and `-o sarif` are for `check`; others answer with `table` or `json`",
        ));
    }
    mistake::if_asked("command");
    let screen = matches!(command, None | Some(Command::Demo(_)));
    if !screen {
        interrupt::listen(context.output.clone())
            .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    }
    let exit = match command {
        None => return console::run(context).await,
        Some(Command::Demo(args)) => return Box::pin(demo::run(context, &args)).await,
        Some(Command::Status(args)) => status::run(context, &args).await,
        Some(Command::History(args)) => history::run(context, &args).await,
        Some(Command::Promote(args)) => promote::run(context, &args).await,
        Some(Command::Set(args)) => set::run(context, &args).await,
        Some(Command::Revert(args)) => revert::run(context, &args).await,
        Some(Command::Plan(args)) => Box::pin(plan_file::plan(context, &args)).await,
        Some(Command::Check(args)) => check::run(context, &args),
        Some(Command::Apply(args)) => Box::pin(plan_file::apply(context, &args)).await,
        Some(Command::Init(args)) => init::run(context, &args),
        Some(Command::Drift(args)) => drift::run(context, &args).await,
        Some(Command::Trace(args)) => trace::run(context, &args).await,
        Some(Command::Changelog(args)) => changelog::run(context, &args).await,
        Some(Command::Why(args)) => why::run(context, &args),
        Some(Command::Veto(args)) => veto::run(context, &args).await,
        Some(Command::Reconcile(args)) => agent::run(context, &args, Order::Reconcile).await,
        Some(Command::Suspend(args)) => agent::run(context, &args, Order::Suspend).await,
        Some(Command::Resume(args)) => agent::run(context, &args, Order::Resume).await,
        Some(Command::Refresh(args)) => {
            let order = if args.hard {
                Order::HardRefresh
            } else {
                Order::Refresh
            };
            agent::run(context, &args.agent, order).await
        }
        Some(Command::Rollback(args)) => {
            agent::run(context, &args.agent, Order::Rollback(args.to)).await
        }
        Some(Command::Terminate(args)) => agent::run(context, &args, Order::Terminate).await,
        Some(Command::Sync(args)) => agent::run(context, &args, Order::Sync).await,
        Some(Command::Canary(command)) => canary::run(context, &command).await,
        Some(Command::Rollout(args)) => rollout::run(context, &args.command).await,
        Some(Command::Logs(args)) => logs::run(context, &args).await,
        Some(Command::Trust(args)) => trust::run(context, &args),
        Some(Command::PullRequest(args)) => Box::pin(pull_request::run(context, &args)).await,
        Some(Command::Retag(args)) => Box::pin(retag::run(context, &args)).await,
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Schema(args)) => Ok(schema::run(&args)),
    };
    exit.map(Exit::code)
}

/// The question after what the server has that is not known here, under way: its default branch, branches that are gone.
pub(crate) struct ServerNotes(Option<tokio::task::JoinHandle<Vec<String>>>);

impl ServerNotes {
    /// What is to be said, a sentence for each repository, [`HEAD_PATIENCE`] after it was asked at the latest.
    pub(crate) async fn answer(self) -> Vec<String> {
        match self.0 {
            Some(asked) => asked.await.unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

impl Context {
    /// The repository's place: that of its mirror, where `--repo` gives an address. A mirror that is there is fetched first,
    /// unless the caller does so later; where that fails, a word says how old it is.
    pub(crate) fn repository(&self, fetch: bool) -> Result<OpenOptions, Failure> {
        let mut options = OpenOptions {
            repo: PathBuf::from("."),
            config: self.common.config.clone(),
            at: self.common.at.clone(),
            trust: self.common.trust,
            fetch_missing: self.common.fetch_missing,
            offline: self.common.offline,
            ..OpenOptions::default()
        };
        let Some(repo) = &self.common.repo else {
            return Ok(options);
        };
        options.named = true;
        options.repo.clone_from(repo);
        let Some(text) = repo.to_str().filter(|text| Address::is_meant(text)) else {
            return Ok(options);
        };
        // Something that exists on this machine is a path, however it is called.
        if repo.exists() {
            return Ok(options);
        }
        let address = Address::parse(text)
            .map_err(|error| Failure::usage(format!("--repo {} {error}", clean(&shown(text)))))?;
        let folder = places::mirrors().ok_or_else(|| {
            Failure::usage(format!(
                "this system has no cache folder to mirror {address} in; set {} to one, or clone it and name the clone",
                places::CACHE_VARIABLE
            ))
        })?;
        if self.common.offline {
            let known = Repo::known_mirror(&address, &folder)?;
            let known = known.ok_or_else(|| {
                Failure::usage(format!(
                    "there is no mirror of {address} yet, and --offline asks nobody; leave --offline out once, and it is cloned"
                ))
            })?;
            known.git_dir().clone_into(&mut options.repo);
            options.address = Some(address);
            return Ok(options);
        }
        let mirror = Repo::mirror(&address, &folder, &mut |words| {
            self.output.note(clean(words));
        })?;
        if fetch
            && !mirror.new
            && let Err(error) = mirror.fetch()
        {
            self.output.note(clean(&error.to_string()));
        }
        mirror.repo.git_dir().clone_into(&mut options.repo);
        options.address = Some(address);
        Ok(options)
    }

    /// The repository with its configuration, and a word where that was guessed. Asks, where somebody is there, before
    /// anything that the repository's own file names is opened.
    pub(crate) fn open(&self) -> Result<Project, Failure> {
        let options = self.repository(true)?;
        let project = match Project::open(&options, &Zoned::now()) {
            Err(OpenError::Untrusted(untrusted)) => {
                trust::ask(self, &untrusted)?;
                Project::open(&options, &Zoned::now())?
            }
            other => other?,
        };
        self.opened(project, true)
    }

    /// Asks, beside everything else, what the server has that is not known here; see [`ServerNotes`].
    pub(crate) fn ask_server(&self, project: &Project) -> ServerNotes {
        // A mirror follows the server when it is fetched.
        if project.opened.address.is_some() || self.common.offline {
            return ServerNotes(None);
        }
        let project = project.clone();
        let asked = tokio::spawn(async move {
            let asked = tokio::time::timeout(HEAD_PATIENCE, project.server_notes());
            asked.await.unwrap_or_default()
        });
        ServerNotes(Some(asked))
    }

    /// Makes a session that was just opened ready, and says what there is to say about it.
    pub(crate) fn opened(&self, mut project: Project, fetch: bool) -> Result<Project, Failure> {
        project.mirror(fetch, &Zoned::now(), &mut |words| {
            self.output.note(clean(words));
        })?;
        if project.config.user.ascii {
            self.output.make_ascii();
        }
        if let Some(guessed) = &project.config.guessed {
            let text = clean(guessed);
            self.output.note(format!(
                "guessed, as there is no configuration that says it: {text} (`tidegate init` writes one)"
            ));
        }
        for source in &project.config.sources {
            self.output.detail(format!("configuration: {source}"));
        }
        Ok(project)
    }
}
