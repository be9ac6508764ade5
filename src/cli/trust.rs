//! `tidegate trust`: what the repository's own file names outside of it, and the user's consent to exactly that.

use jiff::Zoned;
use serde_json::{Value, json};

use super::{
    Context,
    args::TrustArgs,
    ask,
    fail::Exit,
    output::{Output, clean},
};
use crate::{
    config::{CheckEntry, TEAM_FILE},
    domain::failure::Failure,
    sources::git::PushAddress,
    stdio::{self, Tone},
    workflow::{OpenError, OpenOptions, OutsidePlace, Project, Untrusted},
};

pub(super) fn run(context: &Context, args: &TrustArgs) -> Result<Exit, Failure> {
    let mut options = context.repository(true)?;
    // What is allowed already is shown as well.
    options.trust = false;
    options.at.clear();
    let (named, is_all) = named(&options)?;
    let output = &context.output;
    let only_show = context.common.dry_run || context.common.read_only;
    let mut allowed = named.is_allowed();
    // At a terminal it is read first; anywhere else the command itself is the consent.
    let asks = !allowed && !only_show && !args.yes && ask::somebody_there();
    if asks || !output.is_json() {
        show(output, &named);
    }
    if !allowed && !only_show {
        if asks && !confirm(context)? {
            output.note("nothing was allowed");
            return Ok(Exit::Failed);
        }
        if let Some(why) = stdio::lost() {
            return Err(Failure::failed(format!(
                "nothing was allowed: what it is could not be shown on standard output ({why})"
            )));
        }
        named.allow().map_err(Failure::failed)?;
        allowed = true;
        output.line("allowed, as long as the file names exactly this and it leads there");
    } else if allowed && !named.is_empty() {
        output.line("allowed already");
    }
    if !is_all
        && allowed
        && !only_show
        && let Ok((all, _)) = self::named(&options)
        && !all.is_allowed()
    {
        output.note("now that these may be read, there is more to allow: tidegate trust again shows the registries that their images name");
    }
    if output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.trust/v1",
            "allowed": allowed,
            "repositories": named.outside.iter().map(one).collect::<Vec<Value>>(),
            "checks": named.checks.iter().map(check).collect::<Vec<Value>>(),
        }));
    }
    Ok(Exit::Done)
}

/// What the file names, and whether that is all: the registries that images name are not known before their repositories may be
/// opened.
fn named(options: &OpenOptions) -> Result<(Untrusted, bool), Failure> {
    let project = match Project::open(options, &Zoned::now()) {
        Err(OpenError::Untrusted(untrusted)) => return Ok((untrusted, false)),
        other => other?,
    };
    let named = Untrusted::of(&project.repo, &project.config);
    if project.config.registries.is_empty() {
        return Ok((named, true));
    }
    let reading = project.read()?;
    Ok((named.with_registries(&project, &reading), true))
}

/// Asks for the consent, where somebody is there to give it; keeps it.
///
/// # Errors
/// Wrong usage, with the keys, where nobody is there or the answer is no.
pub(super) fn ask(context: &Context, untrusted: &Untrusted) -> Result<(), Failure> {
    if !ask::somebody_there() {
        return Err(untrusted.clone().into());
    }
    show(&context.output, untrusted);
    if !confirm(context)? {
        return Err(untrusted.clone().into());
    }
    untrusted.allow().map_err(Failure::failed)
}

fn confirm(context: &Context) -> Result<bool, Failure> {
    context
        .output
        .ask("Open, ask and run these whenever this repository is read or judged, as long as the file names exactly this and it leads there? [y/N]");
    Ok(matches!(ask::answer()?.as_str(), "y" | "Y" | "yes"))
}

fn show(output: &Output, named: &Untrusted) {
    if named.is_empty() {
        output.line(format!(
            "{TEAM_FILE} names nothing outside of this repository: there is nothing to allow"
        ));
        return;
    }
    output.line("the repository's own file names these outside of it:");
    for outside in &named.outside {
        let name = output.paint(&clean(&outside.name), Tone::Strong);
        let mut lines = outside.lines().into_iter();
        let first = lines.next().unwrap_or_default();
        output.line(format!("  {name}  {}", clean(&first)));
        for line in lines {
            output.line(format!("    {}", clean(&line)));
        }
        let at = output.paint(&clean(&outside.at.to_string()), Tone::Dim);
        output.line(format!("    {at}"));
    }
    if !named.outside.is_empty() {
        output.line("what their own configurations and hooks name is not obeyed: no program of theirs is run");
    }
    for check in &named.checks {
        let name = output.paint(&clean(check.environment.as_str()), Tone::Strong);
        output.line(format!("  {name}  {}", clean(&check.line)));
        let at = output.paint(&clean(&check.at.to_string()), Tone::Dim);
        output.line(format!("    {at}"));
    }
}

fn check(check: &CheckEntry) -> Value {
    json!({
        "environment": check.environment,
        "does": check.line,
        "file": check.at.file,
        "line": check.at.line,
        "key": check.at.key,
    })
}

fn one(outside: &crate::workflow::Outside) -> Value {
    let shown = |places: &[PushAddress]| -> Vec<String> {
        places.iter().map(|place| place.shown.clone()).collect()
    };
    let (path, url, remotes) = match &outside.place {
        OutsidePlace::Path {
            leads_to, contacts, ..
        } => {
            let remotes = contacts.iter().flatten().map(|contact| {
                json!({
                    "name": contact.remote,
                    "fetch": shown(&contact.fetch),
                    "push": shown(&contact.push),
                })
            });
            let remotes: Vec<Value> = remotes.collect();
            (Some(leads_to.display().to_string()), None, Some(remotes))
        }
        OutsidePlace::Address(address) => (None, Some(address), None),
    };
    json!({
        "name": outside.name,
        "path": path,
        "url": url,
        "remotes": remotes,
        "branch": outside.branch,
        "file": outside.at.file,
        "line": outside.at.line,
        "key": outside.at.key,
    })
}
