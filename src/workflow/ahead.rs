//! Who asked for it is told of what is ahead of its upstream, whoever brought it there: each of them of each once, for as long
//! as it is so. Who could not be told is told the next time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::{
    NOTIFY_PATIENCE, Project,
    notify::{Way, refused},
    trust::Allowed,
};
use crate::{
    domain::{
        ids::CellKey,
        notify::{Notification, Secret, Target},
        version::Version,
    },
    sources::state::StateStore,
};

/// Name of the file that keeps who was told of what.
const TOLD: &str = "told.json";
/// Of the lock of whoever tells.
const TELLING: &str = "told.lock";
/// So long somebody else may be at telling.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who was told of what: a version of a cell.
type Told = BTreeMap<String, BTreeMap<String, String>>;

/// A cell that is ahead of its upstream.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// The cell.
    pub cell: CellKey,
    /// What it is at.
    pub version: Version,
    /// Of what it is ahead, in words.
    pub detail: String,
    /// It is told of; otherwise it was only seen, and nothing of it is forgotten.
    pub is_asked_for: bool,
}

/// One who is told.
struct Listener {
    to: Target,
    /// Of what, now.
    of: Vec<Notification>,
}

/// Tells of all that is ahead; `known` are the cells whose version could be read. Who could not be told, a sentence each.
pub async fn tell_ahead(
    project: &Project,
    ahead: &[Ahead],
    known: &BTreeSet<CellKey>,
) -> Vec<String> {
    let notify = &project.config.notify;
    if notify.is_empty() {
        return Vec::new();
    }
    if project.opened.offline {
        return vec!["nobody was told: --offline asks nobody".to_owned()];
    }
    let Some(store) = StateStore::of_repository(project.repo.common_dir()) else {
        return vec![
            "nobody was told: there is no folder in which it could be kept who was (HOME is not set)"
                .to_owned(),
        ];
    };
    let alone = {
        let store = store.clone();
        tokio::task::spawn_blocking(move || store.alone(TELLING, PATIENCE)).await
    };
    let _alone = match alone {
        Ok(Ok(Some(lock))) => lock,
        Ok(Ok(None)) => {
            return vec!["nobody was told: another Tidegate is at it still".to_owned()];
        }
        Ok(Err(error)) => return vec![format!("nobody was told: {error}")],
        Err(error) => return vec![format!("nobody was told: {error}")],
    };
    let (before, problem) = store.load_or_begin::<Told>(TOLD);
    let mut problems: Vec<String> = problem.into_iter().collect();
    let listeners = listeners(project, ahead, &before, &mut problems);
    let until = Instant::now() + NOTIFY_PATIENCE;
    let secrets = &project.config.user.secrets;
    let telling = listeners
        .into_iter()
        .map(|(words, one)| tell(words, one, secrets.clone(), until));
    let mut now = still(before.clone(), ahead, known);
    for (words, told, problem) in join_all(telling).await {
        problems.extend(problem);
        now.entry(words).or_default().extend(told);
    }
    now.retain(|_, cells| !cells.is_empty());
    if now != before
        && let Err(error) = store.save(TOLD, &now)
    {
        problems.push(format!(
            "who was told cannot be kept, and is told again the next time: {error}"
        ));
    }
    problems
}

/// Who is to be told of what, by who it is in words: two tables may name the same one.
fn listeners(
    project: &Project,
    ahead: &[Ahead],
    before: &Told,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Listener> {
    let allowed = Allowed::of(project);
    let mut all: BTreeMap<String, Listener> = BTreeMap::new();
    for notify in &project.config.notify {
        let words = notify.to.words();
        let was_told = before.get(&words);
        let is_new = |it: &&Ahead| {
            let told = was_told.and_then(|cells| cells.get(&it.cell.to_string()));
            told.is_none_or(|version| version != it.version.as_str())
        };
        let new = ahead.iter().filter(|it| it.is_asked_for).filter(is_new);
        let new = new
            .map(|it| Notification::ahead(it.cell.clone(), it.version.clone(), it.detail.clone()));
        let new: Vec<Notification> = new.filter(|it| notify.wants(it)).collect();
        if new.is_empty() {
            continue;
        }
        if let Some(why) = refused(notify, &allowed, &project.config.user.secrets) {
            problems.push(why);
            continue;
        }
        let listener = all.entry(words).or_insert_with(|| Listener {
            to: notify.to.clone(),
            of: Vec::new(),
        });
        for one in new {
            if !listener.of.contains(&one) {
                listener.of.push(one);
            }
        }
    }
    all
}

/// Tells one; of which cells it is told then, at which versions, and why not of all.
async fn tell(
    words: String,
    listener: Listener,
    secrets: Vec<Secret>,
    until: Instant,
) -> (String, Vec<(String, String)>, Option<String>) {
    let mut way = Way::new(listener.to, secrets);
    let (mut told, mut problem) = (Vec::new(), None);
    for one in &listener.of {
        match timeout_at(until, way.tell(one)).await {
            Ok(Ok(())) => told.extend(one.cells().map(|(cell, version)| {
                let version = version.map_or_else(String::new, |it| it.as_str().to_owned());
                (cell.to_string(), version)
            })),
            Ok(Err(error)) => {
                problem = Some(format!(
                    "{words} was not told of {}: {}",
                    one.subject, error.why
                ));
            }
            Err(_) => {
                problem = Some(format!(
                    "whether {words} was told of {} is not known: no answer within {} s; it is told again the next time",
                    one.subject,
                    NOTIFY_PATIENCE.as_secs()
                ));
                break;
            }
        }
    }
    (words, told, problem)
}

/// What was told and is so still, or of which nothing is known now.
fn still(mut told: Told, ahead: &[Ahead], known: &BTreeSet<CellKey>) -> Told {
    let known: BTreeSet<String> = known.iter().map(CellKey::to_string).collect();
    let ahead: BTreeSet<(String, &str)> = ahead
        .iter()
        .map(|it| (it.cell.to_string(), it.version.as_str()))
        .collect();
    for cells in told.values_mut() {
        cells.retain(|cell, version| {
            !known.contains(cell) || ahead.contains(&(cell.clone(), version.as_str()))
        });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_forgotten_when_it_is_known_to_be_over() {
        let told = |cells: &[(&str, &str)]| -> Told {
            let cells = cells
                .iter()
                .map(|(cell, version)| ((*cell).to_owned(), (*version).to_owned()));
            [("somebody".to_owned(), cells.collect())].into()
        };
        let before = told(&[
            ("web / prod", "1"),
            ("api / prod", "1"),
            ("app / prod", "1"),
            ("gone / prod", "1"),
        ]);
        let ahead = |service: &str, version: &str, is_asked_for: bool| Ahead {
            cell: CellKey::new(service, "prod"),
            version: version.into(),
            detail: String::new(),
            is_asked_for,
        };
        let ahead = [
            ahead("web", "1", false),
            ahead("app", "2", true),
            ahead("new", "1", true),
        ];
        let known = ["web", "api", "app", "new"].map(|service| CellKey::new(service, "prod"));
        let now = still(before, &ahead, &known.into());
        assert_eq!(now, told(&[("web / prod", "1"), ("gone / prod", "1")]));
    }
}
