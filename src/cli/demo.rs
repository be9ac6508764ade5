//! `tidegate demo`: the console over a seeded repository and simulated clusters.

use std::collections::BTreeMap;

use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::{
    Context,
    args::{DemoArgs, StoryName},
    console,
    fail::Exit,
    output::Output,
};
use crate::{
    app::{model::Model, story::Story, update},
    config::{SourceFile, TEAM_FILE},
    demo::{Demo, DemoOptions, seed},
    domain::{
        desired::{Desired, DesiredCell},
        failure::Failure,
        forge::{ForgeEntry, ForgeKind, TokenSource},
        ids::{CellKey, ObjectId},
    },
    executor::{self, ConsoleOptions},
    runtime::{Ended, Opening},
    workflow::{OpenOptions, Project},
};

/// The clone's folder, which is how the repository is called.
const NAME: &str = "platform-deploy";

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
    // A story is about something else.
    options.outage &= !args.no_outage && args.story.is_none();
    options.forge = args.forge || args.story == Some(StoryName::Review);
    if args.headless {
        return headless(options).await;
    }
    let team = SourceFile {
        name: TEAM_FILE.to_owned(),
        // Where its gates ask is known when it has begun; nothing is asked before.
        bytes: seed::services::configuration(options.now, "127.0.0.1", options.forge).into_bytes(),
    };
    let config = Project::configured_by(team)?;
    let screen = ConsoleOptions {
        mouse: config.user.mouse,
        demo: true,
        story: args.story.map(|story| match story {
            StoryName::Incident => Story::Incident,
            StoryName::Batch => Story::Batch,
            StoryName::Drift => Story::Drift,
            StoryName::Review => Story::Review,
        }),
        ..console::options_of(context)
    };
    let setup = executor::setup_of(&config, NAME.to_owned(), screen)
        .map_err(|error| Failure::usage(format!("the keys of your configuration: {error}")))?;
    // All of it is known before there is a repository: the first frame has it, and waits for nothing.
    let mut model = Model::new(setup, options.now, (0, 0), None, Vec::new());
    update::foresee(&mut model, outline(&options));
    let mut opening = Opening::screen(model, screen.mouse);
    let mut work = tokio::spawn(async move {
        let demo = Demo::start(options)
            .await
            .map_err(|error| Failure::failed(error.to_string()))?;
        let options = OpenOptions {
            repo: demo.clone.clone(),
            kubeconfig: vec![demo.kubeconfig.clone()],
            named: true,
            // What its file names are parts of itself.
            trust: true,
            forges: demo.forge.iter().map(|url| entry(url)).collect(),
            ..OpenOptions::default()
        };
        let work = tokio::task::spawn_blocking(move || Project::open(&options, &Zoned::now()));
        let project = work
            .await
            .map_err(|error| Failure::failed(error.to_string()))??;
        Ok::<_, Failure>((demo, project))
    });
    let unusable = |error| Failure::failed(format!("the terminal cannot be used: {error}"));
    let (demo, project) = match opening.wait(&mut work).await.map_err(unusable)? {
        Ok(started) => started?,
        Err(ended) => {
            // What it was making is taken away, or its folder would stay until the next demo.
            let _ = work.await;
            return Ok(match ended {
                Ended::Quit => Exit::Done.code(),
                Ended::Signalled(signal) => signal.exit_code(),
            });
        }
    };
    let ended = console::open(context, project, screen, opening).await;
    drop(demo);
    ended
}

async fn headless(options: DemoOptions) -> Result<u8, Failure> {
    let demo = Demo::start(options)
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    Output::json(&json!({
        "schema": "tidegate.demo/v1",
        "clone": demo.clone,
        "remote": demo.remote,
        "kubeconfig": demo.kubeconfig,
        "contexts": demo.contexts,
        "forge": demo.forge,
    }));
    let _ = tokio::signal::ctrl_c().await;
    drop(demo);
    Ok(Exit::Interrupted.code())
}

/// Its forge, as the user's own file would name it.
fn entry(url: &str) -> ForgeEntry {
    ForgeEntry {
        url: url.to_owned(),
        kind: Some(ForgeKind::Gitea),
        token: TokenSource::GitCredential,
    }
}

/// The matrix that the demo's repository will have.
fn outline(options: &DemoOptions) -> Desired {
    let cells: BTreeMap<CellKey, DesiredCell> = seed::outline(options.now, options.seed)
        .into_iter()
        .map(|cell| {
            let declared = DesiredCell {
                version: cell
                    .values
                    .last()
                    .map(|(version, _)| version.as_str().into()),
                ..DesiredCell::default()
            };
            (CellKey::new(cell.service, cell.environment), declared)
        })
        .collect();
    let mut services: Vec<_> = cells.keys().map(|key| key.service.clone()).collect();
    services.dedup();
    Desired {
        tips: Vec::new(),
        commit: ObjectId::new([0; 20]),
        services,
        environments: seed::services::ENVIRONMENTS.map(Into::into).to_vec(),
        cells,
        problems: Vec::new(),
        vetoes: crate::domain::policy::veto::Vetoes::default(),
    }
}
