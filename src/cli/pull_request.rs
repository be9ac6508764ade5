//! `tidegate pull-request close`: what is done to a pull request on its forge.

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::{CloseArgs, PullRequestArgs, PullRequestCommand, PullRequestGroup},
    ask,
    fail::Exit,
    json as shapes,
    output::{Output, clean},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        pull_request::{PullRequest, PullState},
    },
    workflow::{self, SeenRequest},
};

pub(super) async fn run(context: &Context, group: &PullRequestGroup) -> Result<Exit, Failure> {
    match &group.command {
        PullRequestCommand::Close(args) => close(context, args).await,
    }
}

async fn close(context: &Context, args: &CloseArgs) -> Result<Exit, Failure> {
    let seen = look(context, &args.which).await?;
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

/// The pull request, as it stands now.
async fn look(context: &Context, which: &PullRequestArgs) -> Result<SeenRequest, Failure> {
    let common = &context.common;
    if common.read_only && !common.dry_run {
        return Err(Failure::usage(
            "--read-only changes nothing; add --dry-run to see what would be done",
        ));
    }
    if common.offline || !common.at.is_empty() {
        return Err(Failure::usage(
            "a pull request is on its forge, as it is now: leave out --offline and --at",
        ));
    }
    let project = context.open()?;
    let reading = project.read()?;
    workflow::pull_request(
        &project,
        &reading,
        which.number,
        which.repository.as_deref(),
    )
    .await
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
        self.context.output.ask(&format!("{}? [y/N]", clean(what)));
        if matches!(ask::answer()?.as_str(), "y" | "Y" | "yes") {
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
