//! `tidegate veto SERVICE VERSION --reason TEXT`, `--lift`: marks a version bad, in the repository.

use jiff::Timestamp;

use super::{Context, args::VetoArgs, change, fail::Exit, output::clean};
use crate::domain::{
    failure::Failure,
    glob,
    ids::ServiceName,
    policy::veto::{VetoAction, VetoChange},
    suggest,
};

pub(super) async fn run(context: &Context, args: &VetoArgs) -> Result<Exit, Failure> {
    let version = args.version.trim();
    if version.is_empty() || version.chars().any(char::is_whitespace) {
        return Err(Failure::usage(format!(
            "`{version}` is no version; give it as it stands in Git: `tidegate veto {} 1.42.0 --reason TEXT`",
            args.service
        )));
    }
    let start = change::start(context, &args.write).await?;
    let rows = start.desired().rows();
    // What is lifted may be of a row that is gone.
    if !args.lift
        && !rows
            .iter()
            .any(|row| glob::is_match(&args.service, row.as_str()))
    {
        let hint = suggest::hint(&args.service, rows.iter().map(ServiceName::as_str));
        return Err(Failure::usage(format!(
            "no row is called `{}`{hint}",
            args.service
        )));
    }
    let veto = if args.lift {
        VetoChange {
            service: args.service.clone(),
            version: version.into(),
            action: VetoAction::Lift,
        }
    } else {
        let reason = args.write.reason.clone().ok_or_else(|| {
            Failure::usage(
                "a veto needs --reason TEXT: whoever meets it reads why (--lift lifts one)",
            )
        })?;
        let service = args.service.clone();
        start
            .project
            .veto(service, version.into(), reason, Timestamp::now())
    };
    if !start.project.can_veto(&start.reading, &veto)? {
        // The plan is empty then, and is told and ends like any other.
        context.output.note(clean(&format!(
            "{} {} is vetoed already",
            veto.service, veto.version
        )));
    }
    change::veto(context, start, veto, &args.write).await
}
