//! `tidegate retag SERVICE VERSION --as VERSION`: what a version is, under a tag more, in its registry.

use serde_json::json;

use super::{
    Context,
    args::RetagArgs,
    ask,
    fail::Exit,
    output::{Output, clean},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        image,
    },
    workflow::{Project, Retag},
};

pub(super) async fn run(context: &Context, args: &RetagArgs) -> Result<Exit, Failure> {
    let common = &context.common;
    if common.read_only && !common.dry_run {
        return Err(Failure::usage(
            "--read-only writes nothing; add --dry-run to see what would be",
        ));
    }
    if common.offline {
        return Err(Failure::usage(
            "--offline asks nobody, and a tag is in a registry; leave it out",
        ));
    }
    if !image::is_tag(&args.new) {
        return Err(Failure::usage(format!(
            "--as {}: that can be no tag; letters, digits, `_`, `.` and `-` can, 128 of them",
            args.new
        )));
    }
    let project = context.open()?;
    let reading = project.read()?;
    let service = Project::service(&reading.desired, &args.service)?;
    let environment = args.env.as_deref();
    let environment = environment.map(|name| Project::environment(&reading.desired, name));
    let environment = environment.transpose()?;
    let retag = Retag::look(
        (&project, &reading),
        (&service, environment.as_ref()),
        (&args.version, &args.new),
        !common.dry_run,
    )
    .await?;
    let output = &context.output;
    let told = |outcome: &str| {
        if output.is_json() {
            Output::json(&json!({
                "schema": "tidegate.retag/v1",
                "service": service,
                "image": retag.image.to_string(),
                "from": args.version,
                "to": args.new,
                "digest": retag.manifest.digest,
                "before": retag.before,
                "outcome": outcome,
            }));
        }
    };
    let say = |words: String| {
        if output.is_json() {
            output.note(clean(&words));
        } else {
            output.line(clean(&words));
        }
    };
    let (image, digest) = (&retag.image, &retag.manifest.digest);
    if retag.is_there() {
        say(format!("{image}:{} is {digest} already", args.new));
        told("already-there");
        return Ok(Exit::Done);
    }
    if let Some(before) = retag.before.as_ref().filter(|_| !args.overwrite) {
        told("refused");
        return Err(Failure::new(
            FailureKind::Refused,
            format!(
                "nothing was tagged: {image}:{} is {before}, and {} is {digest}",
                args.new, args.version
            ),
        )
        .hint("Choose another tag, or let this one mean something else from now on: --overwrite"));
    }
    say(format!(
        "{image}:{} → {image}:{} ({digest})",
        args.version, args.new
    ));
    if let Some(before) = &retag.before {
        say(format!(
            "{image}:{} means something else then: it was {before}",
            args.new
        ));
    }
    if common.dry_run {
        told("dry-run");
        return Ok(Exit::Done);
    }
    if !args.yes {
        if !ask::somebody_there() {
            return Err(Failure::usage(
                "nothing was tagged: without a terminal to confirm at, --yes confirms (--dry-run shows what would be)",
            ));
        }
        output.ask("Give it the tag? [y/N]");
        if !matches!(ask::answer()?.as_str(), "y" | "Y" | "yes") {
            output.note("nothing was tagged");
            told("declined");
            return Ok(Exit::Usage);
        }
    }
    retag.carry_out().await?;
    say(format!("{image}:{} is {digest}", args.new));
    told("tagged");
    Ok(Exit::Done)
}
