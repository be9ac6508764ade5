//! Configuration files are looked at while the console runs; an error keeps the old configuration.
//!
//! Their size and time are asked for every other second: that costs nothing, works on every file system, and sees a file
//! that an editor replaces, appears, or goes away. Where the team's file is read from the branch's tip, that is looked at.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use jiff::Zoned;
use tokio::sync::Notify;

use super::{ConsoleOptions, Shared, lock, report, setup};
use crate::{
    app::event::Event,
    config::{TEAM_FILE, places},
    domain::{failure::Failure, hash, ids::ObjectId},
    sources::{
        mistake::{self, caught},
        waiting,
    },
    workflow::{OpenError, OpenOptions, Project, Untrusted},
};

const EVERY: Duration = Duration::from_secs(2);

/// What a file is known by; `None` where there is none.
type Mark = Option<(u64, SystemTime)>;

/// Readings of a configuration that may have changed.
#[derive(Default)]
pub(super) struct Again {
    /// It is to be read, changed or not.
    pub(super) asked: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The reading that began last: what an earlier one finds out, which may wait for a clone, is not wanted any more.
    last: u64,
    /// What it names and nobody has allowed, as it was shown.
    untrusted: Option<(Vec<String>, Untrusted)>,
}

/// Watches until the session ends.
pub(super) async fn watch(shared: Arc<Shared>, options: ConsoleOptions) {
    let opened = shared.project().opened.clone();
    let files = files(&shared.project(), &opened);
    let mut known = marks(&files).await;
    let mut themes = own_themes().await;
    let mut tip = at_tip(&shared, &opened, None).await;
    mistake::if_asked("reload");
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            _ = clock.tick() => false,
            () = shared.again.asked.notified() => true,
        };
        let now = marks(&files).await;
        let before = std::mem::replace(&mut themes, own_themes().await);
        let then = tip.clone();
        tip = at_tip(&shared, &opened, tip).await;
        let same = |tip: &Option<Tip>| tip.as_ref().map(|tip| tip.hash.clone());
        if !asked && now == known && themes == before && same(&tip) == same(&then) {
            continue;
        }
        known = now;
        let number = {
            let mut state = lock(&shared.again.state);
            state.last += 1;
            state.last
        };
        let shared = Arc::clone(&shared);
        let mut opened = opened.clone();
        opened.draft.clone_from(&lock(&shared.layouts).draft);
        tokio::task::spawn_blocking(move || {
            if let Err(mistake) = caught(|| reload(&shared, &opened, options, number)) {
                let what = "reloading the configuration".to_owned();
                let failure = report::mistake(what, &mistake);
                shared.tell(Event::ConfigReloaded(Err(failure)));
            }
        });
    }
}

fn reload(shared: &Shared, opened: &OpenOptions, options: ConsoleOptions, number: u64) {
    let failure = |why: String| {
        Failure::told(
            "reloading the configuration",
            why,
            "mend the file: the old configuration is kept until then",
        )
    };
    // Held while it is told, so that no two readings tell in another order than they began.
    let state = || Some(lock(&shared.again.state)).filter(|state| state.last == number);
    let now = Zoned::now();
    let opened = match Project::open(opened, &now) {
        Err(OpenError::Untrusted(untrusted)) => {
            if let Some(mut state) = state() {
                let (at, lines) = (now.timestamp(), lines(&untrusted));
                state.untrusted = Some((lines.clone(), untrusted));
                shared.tell(Event::TrustAsked { at, lines });
            }
            return;
        }
        opened => opened,
    };
    let opened = opened
        .and_then(|mut project| {
            // Repositories that are new are cloned first.
            project.mirror(false, &now, &mut |message| {
                shared.tell(Event::Notice(message.to_owned()));
            })?;
            Ok(project)
        })
        .map_err(|error| failure(error.to_string()))
        .and_then(|project| {
            let setup = setup(&project, options).map_err(|error| failure(error.to_string()))?;
            Ok((project, setup))
        });
    let Some(mut state) = state() else { return };
    state.untrusted = None;
    match &opened {
        Ok((project, _)) => {
            tracing::info!(sources = ?project.config.sources, "the configuration is read anew");
        }
        Err(failure) => tracing::warn!(why = failure.why, "the old configuration is kept"),
    }
    shared.tell(Event::ConfigReloaded(opened.map(|(project, setup)| {
        let mut current = lock(&shared.project);
        *current = Arc::new(project);
        // Another layout reads the same commit differently.
        *lock(&shared.reading) = None;
        drop(current);
        Box::new(setup)
    })));
}

/// What is asked, as it is shown: each place with where it is named and what happens there.
fn lines(untrusted: &Untrusted) -> Vec<String> {
    let lines = untrusted.outside.iter().flat_map(|outside| {
        let what = std::iter::once(format!("{}  ({})", outside.name, outside.at));
        let more = outside.lines().into_iter().map(|line| format!("  {line}"));
        what.chain(more)
    });
    lines.collect()
}

/// Keeps the consent to what was shown in `lines`, and reads the configuration again. Where something else is asked since,
/// that question is on its way, and nothing is allowed.
pub(super) fn allow(shared: &Shared, lines: &[String]) {
    let mut state = lock(&shared.again.state);
    let asked = state.untrusted.take_if(|(shown, _)| shown == lines);
    drop(state);
    match asked.map(|(_, untrusted)| untrusted.allow()) {
        None => {}
        Some(Ok(())) => shared.again.asked.notify_one(),
        Some(Err(why)) => shared.tell(Event::Failure(Failure::told(
            "keeping the consent",
            why,
            "`:reload` asks again; the old configuration is kept until then",
        ))),
    }
}

/// The team's file where it is read from the branch's tip.
#[derive(Clone, Debug)]
struct Tip {
    commit: ObjectId,
    /// Of what it says.
    hash: String,
}

/// It as it is now; `None` where it is read from a file.
async fn at_tip(shared: &Arc<Shared>, opened: &OpenOptions, known: Option<Tip>) -> Option<Tip> {
    let project = shared.project();
    let written = opened.config.is_some();
    let look = move || {
        let _waiting = waiting::reading(project.repo.place());
        let file = project.repo.work_dir().map(|root| root.join(TEAM_FILE));
        if written || file.is_some_and(|file| file.exists()) {
            return None;
        }
        let Ok(base) = project.repo.base(None) else {
            return known;
        };
        if known.as_ref().is_some_and(|tip| tip.commit == base.commit) {
            return known;
        }
        // What cannot be read is told by whoever reads the matrix.
        let Ok(text) = project.repo.file(base.commit, TEAM_FILE) else {
            return known;
        };
        Some(Tip {
            commit: base.commit,
            hash: hash::of(text.iter().map(Vec::as_slice)),
        })
    };
    tokio::task::spawn_blocking(look).await.ok().flatten()
}

fn files(project: &Project, opened: &OpenOptions) -> Vec<PathBuf> {
    let team = match &opened.config {
        Some(path) => Some(path.clone()),
        None => project.repo.work_dir().map(|folder| folder.join(TEAM_FILE)),
    };
    team.into_iter().chain(places::user_file()).collect()
}

/// The user's own themes, and what each is known by.
async fn own_themes() -> Vec<(PathBuf, Mark)> {
    let Some(folder) = places::themes() else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    if let Ok(mut entries) = tokio::fs::read_dir(folder).await {
        while let Ok(Some(entry)) = entries.next_entry().await {
            paths.push(entry.path());
        }
    }
    paths.sort();
    let known = marks(&paths).await;
    paths.into_iter().zip(known).collect()
}

async fn marks(files: &[PathBuf]) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(files.len());
    for file in files {
        let data = tokio::fs::metadata(file).await.ok();
        marks.push(data.and_then(|data| Some((data.len(), data.modified().ok()?))));
    }
    marks
}
