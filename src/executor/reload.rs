//! Configuration files are looked at while the console runs; an error keeps the old configuration.
//!
//! Their size and time are asked for every other second: that costs nothing, works on every file system, and sees a file
//! that an editor replaces, appears, or goes away.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jiff::Zoned;

use super::{ConsoleOptions, Shared, lock, setup, words};
use crate::{
    app::event::{Event, Failure},
    config::{TEAM_FILE, places},
    sources::mistake::caught,
    workflow::{OpenOptions, Session},
};

const EVERY: Duration = Duration::from_secs(2);

/// What a file is known by; `None` where there is none.
type Mark = Option<(u64, SystemTime)>;

/// Watches until the session ends.
pub(super) async fn watch(shared: Arc<Shared>, options: ConsoleOptions) {
    let opened = shared.session().opened.clone();
    let files = files(&shared.session(), &opened);
    let mut known = marks(&files).await;
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let now = marks(&files).await;
        if now == known {
            continue;
        }
        known = now;
        let shared = Arc::clone(&shared);
        let opened = opened.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(mistake) = caught(|| reload(&shared, &opened, options)) {
                let what = "reloading the configuration".to_owned();
                let failure = words::mistake(what, &mistake);
                shared.tell(Event::ConfigReloaded(Err(failure)));
            }
        });
    }
}

fn reload(shared: &Shared, opened: &OpenOptions, options: ConsoleOptions) {
    let failure = |why: String| Failure {
        what: "reloading the configuration".to_owned(),
        why,
        next: "mend the file: the old configuration is kept until then".to_owned(),
    };
    let opened = Session::open(opened, &Zoned::now())
        .map_err(|error| failure(error.to_string()))
        .and_then(|session| {
            let setup = setup(&session, options).map_err(|error| failure(error.to_string()))?;
            Ok((session, setup))
        });
    shared.tell(Event::ConfigReloaded(opened.map(|(session, setup)| {
        *lock(&shared.session) = Arc::new(session);
        // Another layout reads the same commit differently.
        *lock(&shared.reading) = None;
        Box::new(setup)
    })));
}

fn files(session: &Session, opened: &OpenOptions) -> Vec<PathBuf> {
    let team = match &opened.config {
        Some(path) => Some(path.clone()),
        None => session.repo.work_dir().map(|folder| folder.join(TEAM_FILE)),
    };
    team.into_iter().chain(places::user_file()).collect()
}

async fn marks(files: &[PathBuf]) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(files.len());
    for file in files {
        let data = tokio::fs::metadata(file).await.ok();
        marks.push(data.and_then(|data| Some((data.len(), data.modified().ok()?))));
    }
    marks
}
