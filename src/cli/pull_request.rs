//! `tidegate pull-request show|approve|merge|close`: what is done to a pull request on its forge.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::{CloseArgs, PullRequestArgs, PullRequestCommand, PullRequestGroup, ShowArgs},
    ask,
    fail::Exit,
    json as shapes,
    output::{Output, clean},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::CellKey,
        plan::Plan,
        pull_request::{PullRequest, PullState, RequestDeed},
        topology::Deliver,
        version::Version,
    },
    workflow::{self, Project, Reading, SeenRequest},
};

pub(super) async fn run(context: &Context, group: &PullRequestGroup) -> Result<Exit, Failure> {
    match &group.command {
        PullRequestCommand::Show(args) => show(context, args).await,
        PullRequestCommand::Approve(which) => carry_out(context, which, RequestDeed::Approve).await,
        PullRequestCommand::Merge(which) => carry_out(context, which, RequestDeed::Merge).await,
        PullRequestCommand::Close(args) => close(context, args).await,
    }
}

async fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let (project, reading) = read(context)?;
    let seen = found(&project, &reading, args.number, args.repository.as_deref()).await?;
    let request = &seen.request;
    let told = Report { context };
    told.say(format!(
        "{} ({}: {})",
        request.describe(),
        request.author,
        request.title
    ));
    let cells = seen.brings(&project, &reading).await;
    told.brings(
        request,
        &cells.map_err(|failure| failure.during(format!("pull request #{}", args.number)))?,
    );
    told.say(request.url.clone());
    told.json("shown", request);
    Ok(Exit::Done)
}

/// Approves or merges one.
async fn carry_out(
    context: &Context,
    which: &PullRequestArgs,
    deed: RequestDeed,
) -> Result<Exit, Failure> {
    may_change(context)?;
    let (project, reading) = read(context)?;
    let seen = found(
        &project,
        &reading,
        which.number,
        which.repository.as_deref(),
    )
    .await?;
    let during = || format!("pull request #{}", which.number);
    let weighed = seen.weigh(&project, &reading, deed).await;
    let weighed = weighed.map_err(|failure| failure.during(during()))?;
    let told = Report { context };
    let request = &weighed.request;
    told.brings(request, &weighed.cells);
    if let Some(why) = &weighed.held {
        told.say(why.clone());
        told.json("held", request);
        return Ok(Exit::Held);
    }
    if let Some(done) = &weighed.is_done {
        told.say(done.clone());
        told.json("already-there", request);
        return Ok(Exit::Done);
    }
    let what = format!(
        "{} #{} of {} ({})",
        deed.word(),
        request.number,
        request.author,
        request.title
    );
    // Whoever merges it changes what its environments declare.
    let moved = weighed.cells.keys().map(|cell| &cell.environment);
    let protected = match deed {
        RequestDeed::Merge => ask::protected(&project, moved),
        RequestDeed::Approve => Vec::new(),
    };
    if !told.goes(which, request, &what, &protected)? {
        return Ok(told.exit());
    }
    let done = seen.carry_out(&weighed, deed).await;
    let done = done.map_err(|failure| failure.during(during()))?;
    let outcome = match deed {
        RequestDeed::Approve => "approved",
        RequestDeed::Merge => "merged",
    };
    told.say(match deed {
        RequestDeed::Approve => format!("approved; {}", done.describe()),
        RequestDeed::Merge => done.describe(),
    });
    told.json(outcome, &done);
    Ok(Exit::Done)
}

async fn close(context: &Context, args: &CloseArgs) -> Result<Exit, Failure> {
    may_change(context)?;
    let (project, reading) = read(context)?;
    let (number, repository) = (args.which.number, args.which.repository.as_deref());
    let seen = found(&project, &reading, number, repository).await?;
    let told = Report { context };
    let (number, title) = (seen.request.number, &seen.request.title);
    match seen.request.state {
        PullState::Closed => {
            told.say(format!("#{number} is closed already"));
            told.json("already-there", &seen.request);
            return Ok(Exit::Done);
        }
        PullState::Merged => return Err(merged(&seen.request)),
        PullState::Open => {}
    }
    if !told.goes(
        &args.which,
        &seen.request,
        &format!("close #{number} ({title})"),
        &[],
    )? {
        return Ok(told.exit());
    }
    let reason = args.reason.as_deref().map(str::trim).unwrap_or_default();
    let why = match reason {
        "" => "Closed: it is not wanted any more.".to_owned(),
        reason => format!("Closed: {reason}"),
    };
    // Whoever is interrupted and asks again says it once; who closes it another day says it again.
    let mark = format!("closed {}", Timestamp::now().strftime("%Y-%m-%d"));
    seen.forge.close(number, &why, &mark).await?;
    let request = seen.forge.look(number, &[]).await?;
    told.say(request.describe());
    told.json("closed", &request);
    Ok(Exit::Done)
}

fn merged(request: &PullRequest) -> Failure {
    Failure::new(
        FailureKind::Refused,
        format!(
            "{}: there is nothing to do to it any more",
            request.describe()
        ),
    )
    .hint("`tidegate revert` goes back on what it brought")
}

/// Whether anything may be changed, as the line is written.
fn may_change(context: &Context) -> Result<(), Failure> {
    let common = &context.common;
    if common.read_only && !common.dry_run {
        return Err(Failure::usage(
            "--read-only changes nothing; add --dry-run to see what would be done",
        ));
    }
    Ok(())
}

fn read(context: &Context) -> Result<(Project, Reading), Failure> {
    let common = &context.common;
    if common.offline || !common.at.is_empty() {
        return Err(Failure::usage(
            "a pull request is on its forge, as it is now: leave out --offline and --at",
        ));
    }
    let project = context.open()?;
    let reading = project.read()?;
    Ok((project, reading))
}

/// The pull request, as it stands now.
async fn found(
    project: &Project,
    reading: &Reading,
    number: u64,
    repository: Option<&str>,
) -> Result<SeenRequest, Failure> {
    let seen = workflow::pull_request(project, reading, number, repository).await;
    seen.map_err(|failure| failure.during(format!("pull request #{number}")))
}

/// Names the open pull requests for the same cells; where that is asked for, the plan's own takes their place.
pub(super) async fn supersede(
    (project, reading): (&Project, &Reading),
    plan: &mut Plan,
    asked: bool,
) -> Result<(), Failure> {
    if plan.deliver != Deliver::PullRequest {
        let why = "--supersede closes pull requests that this one takes the place of, and this plan opens none; add --deliver pull-request";
        return if asked {
            Err(Failure::usage(why))
        } else {
            Ok(())
        };
    }
    let open = workflow::proposed(project, reading).await;
    if let Some(problem) = open.problems.first().filter(|_| asked) {
        return Err(Failure::failed(format!(
            "which pull requests it takes the place of is not known: {}",
            problem.message
        )));
    }
    let older = plan.older(&open.cells);
    let mut notes = Vec::new();
    let mut supersedes = Vec::new();
    for (proposal, cell) in older {
        let open = proposal.open_for(&cell);
        if asked {
            supersedes.push(proposal.as_older());
            notes.push(format!("{open}; it is closed once this one is open"));
        } else {
            notes.push(format!(
                "{open}; --supersede closes it once this one is open"
            ));
        }
    }
    plan.notes.extend(notes);
    plan.request.supersedes = supersedes;
    Ok(())
}

/// What came of it, for people and programs.
struct Report<'a> {
    context: &'a Context,
}

impl Report<'_> {
    fn say(&self, words: String) {
        let output = &self.context.output;
        if output.is_json() {
            output.note(clean(&words));
        } else {
            output.line(clean(&words));
        }
    }

    fn brings(&self, request: &PullRequest, cells: &BTreeMap<CellKey, Version>) {
        for (cell, version) in cells {
            self.say(format!("#{} brings {version} into {cell}", request.number));
        }
    }

    fn json(&self, outcome: &str, request: &PullRequest) {
        if self.context.output.is_json() {
            Output::json(&json!({
                "schema": "tidegate.pull-request/v1",
                "outcome": outcome,
                "pull_request": shapes::pull_request(request),
            }));
        }
    }

    /// Whether it is to be done: not in a dry run, and not where somebody says no.
    fn goes(
        &self,
        which: &PullRequestArgs,
        request: &PullRequest,
        what: &str,
        protected: &[&str],
    ) -> Result<bool, Failure> {
        if self.context.common.dry_run {
            self.say(format!("would {what}"));
            self.json("dry-run", request);
            return Ok(false);
        }
        if which.yes {
            return Ok(true);
        }
        if !ask::somebody_there() {
            return Err(Failure::usage(
                "nothing was done: without a terminal to confirm at, --yes confirms (--dry-run shows what would be)",
            ));
        }
        let what = clean(what);
        if ask::agreed(&self.context.output, protected, &(what.clone(), what))? {
            return Ok(true);
        }
        self.context.output.note("nothing was done");
        self.json("declined", request);
        Ok(false)
    }

    /// Of what was not done.
    fn exit(&self) -> Exit {
        if self.context.common.dry_run {
            Exit::Done
        } else {
            Exit::Usage
        }
    }
}
