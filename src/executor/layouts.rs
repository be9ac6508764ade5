//! The layouts of a session: shown, guessed better, kept, edited.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{Shared, lock, own};
use crate::{
    actions::OwnRun,
    app::event::{Event, LayoutsTold},
    config::{TEAM_FILE, propose},
    domain::{detect::Part, failure::Failure},
    sources::cluster::contexts,
    workflow::{self, Project, Refined},
};

/// The name of what the operator edits before it is saved.
const DRAFT: &str = "draft.toml";

/// What is known beside the configuration in force.
#[derive(Default)]
pub(super) struct Layouts {
    /// A guess that more evidence makes.
    offer: Option<Refined>,
    /// What the operator edited and did not save; the configuration in force, if there is one.
    pub(super) draft: Option<PathBuf>,
}

/// Looks whether more evidence says otherwise than the guess in use, and says so. Blocking; some hundred milliseconds.
pub(super) fn refine(shared: &Shared) {
    match offer(shared) {
        Ok(Some(words)) => shared.tell(Event::GuessOffered(words)),
        Ok(None) => {}
        // Nobody asked for it.
        Err(failure) => tracing::warn!(why = failure.why, "no better guess was looked for"),
    }
}

fn offer(shared: &Shared) -> Result<Option<String>, Failure> {
    let project = shared.project();
    if project.at.is_some() {
        return Ok(None);
    }
    let refined = workflow::refined(&project, shared.store.as_ref())?;
    let words = refined.as_ref().map(|it| it.words.clone());
    lock(&shared.layouts).offer = refined;
    Ok(words)
}

/// What there is to say of the layouts in force. Blocking.
pub(super) fn told(shared: &Shared) -> Result<Box<LayoutsTold>, Failure> {
    let project = shared.project();
    let Some(guess) = &project.config.guess else {
        let said = workflow::layouts_said(&project)?;
        let draft = lock(&shared.layouts).draft.clone();
        let draft = draft.and_then(|path| std::fs::read_to_string(path).ok());
        let from = match &draft {
            Some(_) => "by your draft, which is not saved".to_owned(),
            None => format!("by {}", project.config.sources.join(", ")),
        };
        return Ok(Box::new(LayoutsTold {
            from,
            parts: vec![Part {
                title: "What is read, and what is not".to_owned(),
                lines: said.split("; ").map(str::to_owned).collect(),
            }],
            offer: None,
            proposal: draft,
        }));
    };
    let offer = offer(shared)?;
    let mut guess = (**guess).clone();
    guess.meet(&contexts());
    Ok(Box::new(LayoutsTold {
        from: "guessed, as no tidegate.toml says it".to_owned(),
        parts: guess.parts(),
        offer,
        proposal: Some(propose(&guess)),
    }))
}

/// Takes the guess that was offered; the configuration is read by it then. Blocking.
pub(super) fn take(shared: &Shared) -> Result<(), Failure> {
    let Some(offer) = lock(&shared.layouts).offer.take() else {
        return Err(failed(
            "taking the better guess",
            "there is none any more".to_owned(),
        ));
    };
    offer.take(shared.store.as_ref())?;
    shared.again.asked.notify_one();
    Ok(())
}

/// Writes what is proposed as the repository's own file. Blocking.
pub(super) fn save(shared: &Shared, text: &str) -> Result<(), Failure> {
    let project = shared.project();
    let what = "saving tidegate.toml";
    let file = workflow::team_file(&project.repo).map_err(|error| failed(what, error.why))?;
    let draft = lock(&shared.layouts).draft.clone();
    let draft = draft.map(std::fs::read_to_string).transpose();
    let draft = draft.map_err(|error| failed(what, format!("cannot read the draft: {error}")))?;
    workflow::write_new(&file, draft.as_deref().unwrap_or(text))
        .map_err(|error| failed(what, error.why))?;
    lock(&shared.layouts).draft = None;
    shared.tell(Event::Notice(format!(
        "wrote {}: look at the order and at `from`, then commit it",
        file.display()
    )));
    shared.again.asked.notify_one();
    Ok(())
}

/// Gives the terminal to the operator's editor, and reads the configuration by what was saved in it. Where the repository has
/// no file, a draft is edited, which `save` writes there.
pub(super) async fn edit(shared: &Arc<Shared>, proposal: Option<String>) {
    let project = shared.project();
    let beside = Arc::clone(shared);
    let prepared = tokio::task::spawn_blocking(move || prepare(&beside, proposal)).await;
    let place = match prepared {
        Ok(Ok(place)) => place,
        Ok(Err(failure)) => return shared.tell(Event::Failure(failure)),
        Err(_) => return,
    };
    if let Err(failure) = run(&project, &place).await {
        return shared.tell(Event::Failure(failure));
    }
    if let Place::Draft(path) = place {
        lock(&shared.layouts).draft = Some(path);
    }
    shared.again.asked.notify_one();
}

/// What is edited.
enum Place {
    /// The repository's own file.
    Own(PathBuf),
    /// What is not saved yet.
    Draft(PathBuf),
}

fn prepare(shared: &Shared, proposal: Option<String>) -> Result<Place, Failure> {
    let what = "editing the layouts";
    let project = shared.project();
    let own = project.repo.work_dir().map(|root| root.join(TEAM_FILE));
    if let Some(own) = own.filter(|file| file.exists()) {
        return Ok(Place::Own(own));
    }
    let Some(text) = proposal else {
        let why = format!(
            "they are read from {}, which is no file of this work tree",
            project.config.sources.join(", ")
        );
        return Err(failed(what, why));
    };
    let store = shared.store.as_ref();
    let store = store.ok_or_else(|| {
        failed(
            what,
            "there is no folder for a draft: neither XDG_STATE_HOME nor HOME is set".to_owned(),
        )
    })?;
    let path = store.folder().join(DRAFT);
    // A draft that is in force goes on.
    if lock(&shared.layouts).draft.as_ref() != Some(&path) {
        std::fs::create_dir_all(store.folder())
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| failed(what, format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(Place::Draft(path))
}

async fn run(project: &Project, place: &Place) -> Result<(), Failure> {
    let (Place::Own(path) | Place::Draft(path)) = place;
    let named = ["VISUAL", "EDITOR"].into_iter();
    let named = named.filter_map(|name| std::env::var(name).ok());
    let editor = named.into_iter().find(|text| !text.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut arguments: Vec<String> = editor.split_whitespace().map(str::to_owned).collect();
    arguments.push(path.display().to_string());
    let run = OwnRun {
        name: "editor".to_owned(),
        arguments,
        instead: None,
        screen: true,
        timeout: Duration::ZERO,
    };
    let ran = own::run(project, &run).await;
    ran.result.map_err(|why| {
        Failure::told(
            "editing the layouts",
            format!("{}: {why}", ran.line),
            "set EDITOR to a program that is there; nothing was changed",
        )
    })
}

fn failed(what: &str, why: String) -> Failure {
    Failure::told(what.to_owned(), why, "`:layouts` shows what is in force")
}
