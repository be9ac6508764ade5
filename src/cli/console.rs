//! `tidegate` without a command: the console.

use super::{
    Context,
    args::Format,
    fail::{Exit, Failure},
};
use crate::workflow::Session;

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    if context.common.output != Format::Table {
        return Err(Failure::usage(
            "the console has no -o; `tidegate status -o json` prints the matrix",
        ));
    }
    if context.common.dry_run {
        return Err(Failure::usage(
            "the console has no --dry-run; it writes nothing before a plan is confirmed",
        ));
    }
    let session = context.open()?;
    open(context, session, false).await
}

/// Opens the screen over a session.
pub(super) async fn open(context: &Context, session: Session, demo: bool) -> Result<Exit, Failure> {
    let _ = (context, session, demo);
    tokio::task::yield_now().await;
    Err(Failure::failed(
        "the console is not there yet in this build; `tidegate status` prints the matrix",
    ))
}
