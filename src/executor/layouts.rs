//! The layouts of a session: shown, guessed better, kept, edited.

mod edit;

use super::{Shared, lock};
use crate::{
    app::{
        event::Event,
        layouts::{Edited, LayoutsTold},
    },
    config::{self, SourceFile, TEAM_FILE, propose},
    domain::{detect::Part, failure::Failure},
    sources::{cluster::contexts, state::StateStore},
    workflow::{self, Project, Refined},
};
pub(super) use edit::edit;

/// The name of what the operator edits before it is saved.
const DRAFT: &str = "draft.toml";

/// What is known beside the configuration in force.
#[derive(Default)]
pub(super) struct Layouts {
    /// A guess that more evidence makes.
    offer: Option<Refined>,
    /// What the operator edited last and did not save: in force once it was read, unless it does not load.
    pub(super) draft: Option<SourceFile>,
}

/// What more evidence says otherwise than the guess in use. Blocking; some hundred milliseconds.
pub(super) fn refine(shared: &Shared) -> Option<String> {
    offer(shared, &shared.project()).unwrap_or_else(|failure| {
        // Nobody asked for it.
        tracing::warn!(why = failure.why, "no better guess was looked for");
        None
    })
}

fn offer(shared: &Shared, project: &Project) -> Result<Option<String>, Failure> {
    // What the operator writes is not guessed better.
    if project.at.is_some() || project.draft.is_some() {
        return Ok(None);
    }
    let refined = workflow::refined(project, shared.store.as_ref())?;
    let words = refined.as_ref().map(|it| it.words.clone());
    lock(&shared.layouts).offer = refined;
    Ok(words)
}

/// What there is to say of the layouts in force. Blocking.
pub(super) fn told(shared: &Shared) -> Result<Box<LayoutsTold>, Failure> {
    let project = shared.project();
    let edited = lock(&shared.layouts).draft.clone();
    let draft = Draft::of(&project, edited.as_ref(), shared.store.as_ref());
    let config = &project.config;
    let mut parts: Vec<Part> = draft.part().into_iter().collect();
    let mut guess = None;
    let mut offered = None;
    if let Some(guessed) = &config.guess {
        offered = offer(shared, &project)?;
        let mut guessed = (**guessed).clone();
        guessed.meet(&contexts(&project.kubeconfig));
        if let Some(file) = &config.team {
            let lacking = config::lacking(&guessed, config.environments_guessed);
            parts.push(Part {
                title: format!("{file} says no layouts; add these:"),
                lines: lacking.lines().map(str::to_owned).collect(),
            });
        }
        parts.extend(guessed.parts());
        guess = Some(guessed);
    } else {
        parts.push(Part {
            title: "What is read, and what is not".to_owned(),
            lines: workflow::layouts_said(&project)?,
        });
    }
    let from = match (&draft, &config.team) {
        (Draft::InForce(_), _) => "by your draft, which is not saved".to_owned(),
        (_, Some(_)) if project.draft.is_some() => {
            "by your draft as it was before you edited it last".to_owned()
        }
        (_, Some(file)) if guess.is_some() => format!("guessed, as {file} says no layouts"),
        (_, None) if guess.is_some() => format!("guessed, as no {TEAM_FILE} says it"),
        _ => format!("by {}", config.sources.join(", ")),
    };
    let proposal = guess.as_ref().map(propose);
    Ok(Box::new(LayoutsTold {
        from,
        parts,
        offer: offered,
        writes: writes(&project, &draft, proposal.clone()),
        edits: edits(&project, edited, proposal),
    }))
}

/// How what the operator edited stands.
enum Draft {
    /// There is none.
    No,
    /// The configuration is read by it.
    InForce(String),
    /// It is there, but not in force; where, and why.
    Aside { path: String, why: String },
    /// It is what was edited last, and does not load.
    Broken { path: String },
}

impl Draft {
    fn of(project: &Project, edited: Option<&SourceFile>, store: Option<&StateStore>) -> Self {
        let Some(edited) = edited else {
            let Some(store) = store else {
                return Self::No;
            };
            let why = match store.text(DRAFT) {
                Ok(None) => return Self::No,
                Ok(Some(_)) => "it is of before".to_owned(),
                Err(why) => why,
            };
            let path = store.folder().join(DRAFT).display().to_string();
            return Self::Aside { path, why };
        };
        let path = edited.name.clone();
        match (&project.draft, &project.config.team) {
            (Some(draft), _) if draft == edited => {
                Self::InForce(String::from_utf8_lossy(&edited.bytes).into_owned())
            }
            (None, Some(file)) => Self::Aside {
                path,
                why: format!("{file} is there by now, and goes before it"),
            },
            _ => Self::Broken { path },
        }
    }

    /// What is to be known of one that is not in force.
    fn part(&self) -> Option<Part> {
        let lines = match self {
            Self::No | Self::InForce(_) => return None,
            Self::Aside { path, why } => [path.clone(), format!("  {why}")],
            Self::Broken { path } => [
                path.clone(),
                "  it does not load: `:activity` says why, `:edit-layouts` opens it again"
                    .to_owned(),
            ],
        };
        Some(Part {
            title: "A draft of yours is there, and not in use".to_owned(),
            lines: lines.into(),
        })
    }
}

/// What would be written: what is shown, and never over what the team says.
fn writes(project: &Project, draft: &Draft, proposal: Option<String>) -> Result<String, String> {
    let config = &project.config;
    if project.repo.work_dir().is_none() {
        return Err(format!(
            "there is no work tree to write {TEAM_FILE} to; `tidegate init --stdout` prints what is guessed"
        ));
    }
    match (draft, &config.team) {
        (Draft::InForce(text), _) => Ok(text.clone()),
        (Draft::Broken { .. }, _) => {
            Err("your draft does not load, and nothing is written before it does".to_owned())
        }
        (_, Some(file)) if proposal.is_some() => Err(format!(
            "{file} is there, and nothing is written over it: add to it what is shown"
        )),
        (_, None) => proposal.ok_or_else(|| "nothing is guessed here".to_owned()),
        (_, Some(file)) => Err(format!("{file} says it already: nothing is guessed here")),
    }
}

/// What would be edited: the file that is in force, and a draft where there is none.
fn edits(
    project: &Project,
    edited: Option<SourceFile>,
    proposal: Option<String>,
) -> Result<Edited, String> {
    let config = &project.config;
    let sources = || config.sources.join(", ");
    if config.team.is_some() && project.draft.is_none() {
        let file = match (&project.opened.config, project.repo.work_dir()) {
            // The editor stands elsewhere.
            (Some(path), _) => std::path::absolute(path).ok(),
            (None, Some(root)) if project.team_at_tip.is_none() => Some(root.join(TEAM_FILE)),
            (None, _) => None,
        };
        return file.map(Edited::File).ok_or_else(|| {
            format!(
                "{} is no file of this work tree: edit it where it is",
                sources()
            )
        });
    }
    let edited = edited.map(|it| String::from_utf8_lossy(&it.bytes).into_owned());
    let text = edited.or(proposal).map(Edited::Draft);
    text.ok_or_else(|| format!("nothing is guessed here: {} says it", sources()))
}

/// Takes the guess that was offered, which says what was shown; the configuration is read by it then. Blocking.
pub(super) fn take(shared: &Shared, shown: &str) -> Result<(), Failure> {
    let what = "taking the better guess";
    let is_shown = |it: &mut Refined| it.words == shown;
    if lock(&shared.layouts)
        .offer
        .as_mut()
        .is_none_or(|it| !is_shown(it))
    {
        // Another look came in between, which may have seen less.
        offer(shared, &shared.project())?;
    }
    let Some(offer) = lock(&shared.layouts).offer.take_if(is_shown) else {
        let why = "by what is there now it says something else than what was shown";
        return Err(failed(what, why.to_owned()));
    };
    offer
        .take(shared.store.as_ref())
        .map_err(|error| failed(what, error.why))?;
    shared.again.asked.notify_one();
    Ok(())
}

/// Writes exactly this, which was shown, as the repository's own file, if it loads. Blocking.
pub(super) fn save(shared: &Shared, text: &str) -> Result<(), Failure> {
    let what = "saving tidegate.toml";
    let project = shared.project();
    let edited = lock(&shared.layouts).draft.clone();
    if edited.is_some_and(|draft| draft.bytes != text.as_bytes()) {
        let why = "your draft is another one than what was shown";
        return Err(failed(what, why.to_owned()));
    }
    let written = || {
        let file = workflow::team_file(&project.repo)?;
        workflow::loads(&project, text)?;
        workflow::write_new(&file, text)?;
        Ok(file)
    };
    let file = written().map_err(|error: Failure| failed(what, error.why))?;
    lock(&shared.layouts).draft = None;
    let mut words = format!(
        "wrote {}: look at the order and at `from`, then commit it",
        file.display()
    );
    if let Some(store) = &shared.store
        && !store.end_text(DRAFT, text).unwrap_or_default()
    {
        let path = store.folder().join(DRAFT);
        words = format!("{words}; {} says otherwise, and stays", path.display());
    }
    shared.tell(Event::Notice(words));
    shared.again.asked.notify_one();
    Ok(())
}

/// What of the operator's is not saved, in a sentence for the end.
pub(super) fn unsaved(shared: &Shared) -> Option<String> {
    let draft = lock(&shared.layouts).draft.clone()?;
    Some(format!(
        "your draft of the layouts is not saved: {} has it, and `:edit-layouts` goes on with it",
        draft.name
    ))
}

fn failed(what: &str, why: String) -> Failure {
    Failure::told(what.to_owned(), why, "`:layouts` shows what is in force")
}
