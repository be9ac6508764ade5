//! What a repository looks like where no configuration says it: its tree and refs, and on request its recent history.

use std::{ops::ControlFlow, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Project;
use crate::domain::{desired::Tip, failure::Failure};
use crate::{
    domain::{
        detect::{self, Candidate, Evidence, Guess},
        ids::{EnvironmentName, ObjectId},
        layout::LayoutSet,
    },
    sources::{
        git::{HistoryEvent, Repo, Survey, Want},
        state::StateStore,
    },
};

/// Commits of the landed line that promotion order is taken from.
const COMMITS: u32 = 2000;

/// What the tree at a base looks like, by its paths, what some of the files say, and the names of branches and tags.
/// Blocking; tens of milliseconds, more where thousands of files look like versions.
///
/// # Errors
/// When the tree cannot be read.
pub fn recognise(repo: &Repo, base: &Tip) -> Result<Option<Guess>, Failure> {
    look(&repo.survey(base)?)
}

/// The same, from what was kept where files and refs are called as they were then: versions change far more often than
/// places. `store` is where it is kept; it can be lost without harm.
///
/// # Errors
/// When the tree cannot be read.
pub(super) fn recognise_again(
    repo: &Repo,
    base: &Tip,
    store: &StateStore,
) -> Result<Option<Guess>, Failure> {
    // What cannot be read is looked for again.
    let kept = kept(store);
    if let Some(kept) = kept.as_ref().filter(|kept| kept.commit == base.commit) {
        return Ok(kept.guess.clone());
    }
    let survey = repo.survey(base)?;
    let names = names_of(&survey);
    let (looked, guess) = match kept.filter(|kept| kept.names == names) {
        Some(kept) => (kept.looked, kept.guess),
        None => (base.commit, look(&survey)?),
    };
    let new = Kept {
        by: BY.to_owned(),
        commit: base.commit,
        looked,
        names,
        guess,
    };
    // Where it cannot be kept, the next start takes as long as this one.
    let _ = store.save(KEPT, &new);
    Ok(new.guess)
}

/// What was kept by this release.
fn kept(store: &StateStore) -> Option<Kept> {
    let kept: Option<Kept> = store.load(KEPT).unwrap_or_default();
    kept.filter(|kept| kept.by == BY)
}

/// A guess by more evidence than the one in force had, which says otherwise.
#[derive(Debug)]
pub struct Refined {
    /// What it says otherwise.
    pub words: String,
    kept: Kept,
}

impl Refined {
    /// Keeps it: from the next reading of the configuration on it is the one in force.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn take(self, store: Option<&StateStore>) -> Result<(), Failure> {
        let store = store.ok_or_else(|| {
            Failure::failed("there is no folder for it: neither XDG_STATE_HOME nor HOME is set")
        })?;
        let saved = store.save(KEPT, &self.kept);
        saved.map_err(|error| Failure::failed(format!("it cannot be kept: {error}")))
    }
}

/// Looks again where a guess is in force: at the tip as it is now, and at what recent history says of the order. Blocking;
/// some hundred milliseconds, up to seconds.
///
/// # Errors
/// When the tree or its history cannot be read.
pub fn refined(project: &Project, store: Option<&StateStore>) -> Result<Option<Refined>, Failure> {
    let Some(used) = &project.config.guess else {
        return Ok(None);
    };
    let base = project.repo.base(None)?;
    let survey = project.repo.survey(&base)?;
    let known = store.and_then(kept);
    let known = known.filter(|kept| kept.looked == base.commit);
    let fresh = match known.and_then(|kept| kept.guess) {
        Some(guess) => Some(guess),
        None => look(&survey)?,
    };
    let Some(mut fresh) = fresh else {
        return Ok(None);
    };
    tell_order(&project.repo, &base, &mut fresh)?;
    let words = used.otherwise(&fresh);
    let kept = Kept {
        by: BY.to_owned(),
        commit: base.commit,
        looked: base.commit,
        names: names_of(&survey),
        guess: Some(fresh),
    };
    let Some(words) = words else {
        // The next look at this commit costs less.
        if let Some(store) = store {
            let _ = store.save(KEPT, &kept);
        }
        return Ok(None);
    };
    Ok(Some(Refined { words, kept }))
}

/// What the last look said.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The release that looked: another may see more.
    by: String,
    commit: ObjectId,
    /// The commit that was looked at.
    looked: ObjectId,
    /// The names of everything, as [`names_of`] sums them up.
    names: ObjectId,
    guess: Option<Guess>,
}

const KEPT: &str = "recognised.json";
const BY: &str = concat!(env!("CARGO_PKG_VERSION"), "/11");

/// One name for all paths, branches and tags.
fn names_of(survey: &Survey) -> ObjectId {
    let all = [survey.paths(), survey.branches(), survey.tags()].map(|names| names.join("\n"));
    Repo::blob_id(all.join("\n\n").as_bytes())
}

/// Where nothing is recognised: what was looked at and what comes closest, in a sentence for people. Blocking, as
/// [`recognise`].
///
/// # Errors
/// When the tree cannot be read.
pub fn nothing_said(repo: &Repo, base: &Tip) -> Result<String, Failure> {
    let survey = repo.survey(base)?;
    let paths = borrowed(survey.paths());
    let candidates = closest_of(&survey, &paths);
    let mut folders: Vec<&str> = paths
        .iter()
        .filter_map(|path| Some(path.split_once('/')?.0))
        .filter(|folder| !folder.starts_with('.'))
        .collect();
    folders.dedup();
    let more = match folders.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    folders.truncate(SHOWN);
    let looked = match folders.as_slice() {
        [] => "its files".to_owned(),
        folders => format!("its folders {}{more}", folders.join(", ")),
    };
    let closest = match candidates.first() {
        Some(it) => format!(
            "what comes closest to environments is the {} with {}",
            it.what,
            it.names.join(", ")
        ),
        None => "no two places with versions are alike but for one name".to_owned(),
    };
    Ok(format!(
        "no versions per environment were recognised at {}: looked at {looked}; {closest}. \
         Say where versions are written in a tidegate.toml, such as `[[layouts]]` with `path = \"apps/{{service}}/{{env}}/values.yaml\"` and `yaml = \"image.tag\"`; \
         config.example.toml of the project describes every key",
        base.shown
    ))
}

/// Where nothing is recognised: what could be environments, the best first. Blocking, as [`recognise`].
///
/// # Errors
/// When the tree cannot be read.
pub fn closest(repo: &Repo, base: &Tip) -> Result<Vec<Candidate>, Failure> {
    let survey = repo.survey(base)?;
    let paths = borrowed(survey.paths());
    Ok(closest_of(&survey, &paths))
}

fn closest_of(survey: &Survey, paths: &[&str]) -> Vec<Candidate> {
    detect::closest(&Evidence {
        read: &|path| survey.read(path),
        changes: &|wants, tell| survey.changes(wants, tell),
        ..Evidence::new(paths, &|_| None)
    })
}

/// Folders that are named.
const SHOWN: usize = 8;

/// What was not there to be looked at may say something else: that is no guess.
fn look(survey: &Survey) -> Result<Option<Guess>, Failure> {
    let paths = borrowed(survey.paths());
    let branches = borrowed(survey.branches());
    let tags = borrowed(survey.tags());
    let evidence = Evidence {
        paths: &paths,
        branches: &branches,
        tags: &tags,
        read: &|path| survey.read(path),
        changes: &|wants, tell| survey.changes(wants, tell),
        branch: &|name| survey.manifests_of(name),
    };
    let mut guess = detect::recognise(&evidence);
    if let Some(error) = survey.lacking() {
        return Err(error);
    }
    if let Some(guess) = &mut guess {
        guess.look_for_overlooked(&evidence);
    }
    Ok(guess)
}

/// What the layouts of a session read and what they leave unread, a line for people each. Blocking; reads some hundreds of
/// files.
///
/// # Errors
/// When the tree cannot be read.
pub fn layouts_said(project: &Project) -> Result<Vec<String>, Failure> {
    let config = &project.config;
    let base = project.repo.base(config.branch.as_deref())?;
    let survey = project.repo.survey(&base)?;
    let paths = borrowed(survey.paths());
    let left = detect::overlooked(&paths, &|path| survey.read(path), &config.layouts);
    let mut read: Vec<String> = Vec::new();
    for path in config
        .layout_specs
        .iter()
        .filter_map(|spec| spec.path.as_deref())
    {
        let path = format!("`{path}`");
        if !read.contains(&path) {
            read.push(path);
        }
    }
    let more = match read.len().saturating_sub(4) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    read.truncate(4);
    let left = detect::overlooked_words(&left)
        .unwrap_or_else(|| "nothing else looks like a version".to_owned());
    let read = format!("versions are read from {}{more}", read.join(", "));
    Ok(vec![read, left])
}

/// Gives environments whose names tell no order the one that recent history shows. Bounded in commits, not in time: the same
/// commit has the same order on every machine, whatever else runs there.
///
/// # Errors
/// When history cannot be read.
pub fn tell_order(repo: &Repo, base: &Tip, guess: &mut Guess) -> Result<(), Failure> {
    if guess.layouts.iter().any(|layout| layout.refs.is_some()) {
        return Ok(());
    }
    let environments = guess.environments.iter().map(|name| name.as_str().into());
    let environments: Vec<EnvironmentName> = environments.collect();
    let Ok(layouts) = LayoutSet::compile(&guess.layouts, &environments) else {
        return Ok(());
    };
    let mut sightings = Vec::new();
    let mut sink = |event: HistoryEvent| {
        if let HistoryEvent::Changes(changes) = event {
            sightings.extend(changes.into_iter().filter_map(|(key, change)| {
                Some(detect::Sighting {
                    service: key.service,
                    environment: key.environment,
                    version: change.version?,
                    at: change.landed.time.as_second(),
                })
            }));
        }
        ControlFlow::Continue(())
    };
    let want = Want {
        newest: Some(COMMITS),
        ..Want::default()
    };
    repo.history(
        base.commit,
        &Arc::new(layouts),
        &environments,
        &want,
        &mut sink,
    )?;
    detect::by_history(guess, &sightings);
    Ok(())
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
