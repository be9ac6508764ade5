//! `tidegate demo`: the console over a seeded repository and simulated clusters.

use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::{Context, args::DemoArgs, console, fail::Exit, output::Output};
use crate::{
    demo::{Demo, DemoOptions},
    domain::failure::Failure,
    workflow::{OpenOptions, Project},
};

pub(super) async fn run(context: &Context, args: &DemoArgs) -> Result<u8, Failure> {
    let common = &context.common;
    if common.config.is_some() || !common.at.is_empty() || common.dry_run {
        return Err(Failure::usage(
            "the demo brings its own repository; --config, --at and --dry-run do not fit",
        ));
    }
    if !args.headless {
        console::needs_terminal(context)?;
    }
    let mut options = DemoOptions::new(Timestamp::now());
    options.seed = args.seed.unwrap_or(options.seed);
    options.speed = args
        .speed
        .filter(|speed| speed.is_finite() && *speed > 0.0)
        .unwrap_or(options.speed);
    options.outage &= !args.no_outage;
    let demo = Demo::start(options)
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    if args.headless {
        Output::json(&json!({
            "schema": "tidegate.demo/v1",
            "clone": demo.clone,
            "remote": demo.remote,
            "kubeconfig": demo.kubeconfig,
            "contexts": demo.contexts,
        }));
        let _ = tokio::signal::ctrl_c().await;
        drop(demo);
        return Ok(Exit::Interrupted.code());
    }
    let project = Project::open(
        &OpenOptions {
            repo: demo.clone.clone(),
            kubeconfig: vec![demo.kubeconfig.clone()],
            named: true,
            ..OpenOptions::default()
        },
        &Zoned::now(),
    )?;
    let ended = console::open(context, project, true).await;
    drop(demo);
    ended
}
