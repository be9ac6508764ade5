//! The layouts in the operator's own editor.

use std::{ffi::OsString, path::PathBuf, process::Command, sync::Arc, time::Duration};

use super::{DRAFT, Shared, failed, lock};
use crate::{
    app::{event::Event, layouts::Edited},
    config::SourceFile,
    domain::{failure::Failure, text::sanitise},
    sources::{
        children::{self, Keep, Kind, Limits},
        files::{self, Links},
        state::StateStore,
    },
    workflow::Project,
};

const WHAT: &str = "editing the layouts";
const UNCHANGED: &str = "nothing was changed";
/// An editor ends when its user leaves it.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// Gives the terminal to the operator's editor, and reads the configuration by what was saved in it. Where the repository has
/// no file, a draft is edited, which `save` writes there.
pub(in crate::executor) async fn edit(shared: &Arc<Shared>, edited: Edited) {
    let told = match go(shared, edited).await {
        Ok(Some(words)) => Event::Notice(words),
        Ok(None) => return,
        Err(failure) => Event::Failure(failure),
    };
    shared.tell(told);
}

async fn go(shared: &Arc<Shared>, edited: Edited) -> Result<Option<String>, Failure> {
    let project = shared.project();
    let before = Arc::clone(shared);
    let place = beside(move || Place::of(&before, edited)).await?;
    let ended = run(&project, place.path()).await;
    let after = Arc::clone(shared);
    beside(move || take_up(&after, place, ended)).await
}

/// A disk that does not come back holds nobody else up.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| failed(WHAT, error.to_string()))?
}

/// What is edited.
enum Place {
    /// The team's file.
    File(PathBuf),
    /// What is not saved yet.
    Draft {
        store: StateStore,
        path: PathBuf,
        /// What was written for the editor to begin with; `None`: it was there.
        begun: Option<String>,
    },
}

impl Place {
    /// Looks that it is a file that an editor may be opened on.
    fn of(shared: &Shared, edited: Edited) -> Result<Self, Failure> {
        let begin = match edited {
            Edited::File(path) => {
                // As it was read: a link only where the user named the file.
                let named = shared.project().opened.config.is_some();
                let links = if named {
                    Links::Followed
                } else {
                    Links::Refused
                };
                let there = files::open(&path, links);
                let there = there.map_err(|error| failed(WHAT, error.to_string()))?;
                return match there {
                    Some(_) => Ok(Self::File(path)),
                    None => Err(failed(
                        WHAT,
                        format!("{} is not there any more", path.display()),
                    )),
                };
            }
            Edited::Draft(begin) => begin,
        };
        let store = shared.store.clone().ok_or_else(|| {
            let why = "there is no folder for a draft: neither XDG_STATE_HOME nor HOME is set";
            failed(WHAT, why.to_owned())
        })?;
        let path = store.folder().join(DRAFT);
        let begun = store
            .begin_text(DRAFT, &begin)
            .map_err(|error| failed(WHAT, format!("cannot write {}: {error}", path.display())))?;
        // What is there is the operator's, of this session or of another: it is opened as it is.
        let there = store.text(DRAFT);
        there.map_err(|why| failed(WHAT, why))?;
        Ok(Self::Draft {
            store,
            path,
            begun: begun.then_some(begin),
        })
    }

    fn path(&self) -> &PathBuf {
        let (Self::File(path) | Self::Draft { path, .. }) = self;
        path
    }
}

/// Reads the configuration by what the editor left; a word where there is something to say.
fn take_up(
    shared: &Shared,
    place: Place,
    ended: Result<(), NotEdited>,
) -> Result<Option<String>, Failure> {
    let Place::Draft { store, path, begun } = place else {
        ended.map_err(|why| why.failure("what it saved is read"))?;
        shared.again.asked.notify_one();
        return Ok(None);
    };
    let shown = path.display();
    let text = store.text(DRAFT).map_err(|why| failed(WHAT, why))?;
    let has_one = lock(&shared.layouts).draft.is_some();
    let (text, nothing) = match text {
        Some(text) if !has_one && begun.as_ref() == Some(&text) => (text, UNCHANGED),
        Some(text) if text.trim().is_empty() => (text, "the draft says nothing any more"),
        None => (String::new(), "the draft is gone"),
        Some(text) => {
            ended.map_err(|why| {
                why.failure(&format!(
                    "{shown} is not read; `:edit-layouts` opens it as it is"
                ))
            })?;
            let went_on = begun.is_none() && !has_one;
            lock(&shared.layouts).draft = Some(SourceFile {
                name: shown.to_string(),
                bytes: text.into_bytes(),
            });
            shared.again.asked.notify_one();
            let words = format!("{shown} was there from before, and was opened as it was");
            return Ok(went_on.then_some(words));
        }
    };
    // Where it cannot be removed it is opened once more.
    let _ = store.end_text(DRAFT, &text);
    ended.map_err(|why| why.failure(nothing))?;
    if lock(&shared.layouts).draft.take().is_some() {
        shared.again.asked.notify_one();
    }
    let hint = match nothing {
        UNCHANGED => " (an editor that returns at once needs its option to wait, as `code --wait`)",
        _ => "",
    };
    Ok(Some(format!("there is no draft: {nothing}{hint}")))
}

/// Why an editor did not end well.
enum NotEdited {
    /// There is no such program, or it cannot be run.
    NotThere(String),
    /// It ended otherwise.
    Ended(String),
}

impl NotEdited {
    /// With what became of what it had open.
    fn failure(self, became: &str) -> Failure {
        let (why, next) = match self {
            Self::NotThere(why) => (why, "set EDITOR to a program that is there"),
            Self::Ended(why) => (why, "`:layouts` shows what is in force"),
        };
        Failure::told(WHAT, format!("{why}; {became}"), next)
    }
}

/// Runs it as Git does: by a shell, so that it may have arguments and quotes.
async fn run(project: &Project, path: &PathBuf) -> Result<(), NotEdited> {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(std::env::var_os);
    let mut named = named.filter(|text| !text.to_string_lossy().trim().is_empty());
    let editor = named.next().unwrap_or_else(|| "vi".into());
    let shown = sanitise(&editor.to_string_lossy()).into_owned();
    let mut line = OsString::from(&editor);
    line.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg(&editor).arg(path);
    command.current_dir(project.repo.place());
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Ends(0),
        stderr: Keep::Ends(0),
        deadline: FOR_EVER,
        patience: None,
        terminal: true,
    };
    let said = children::run_beside(command, limits, None).await;
    let said = said.map_err(|why| NotEdited::Ended(format!("{shown} {}", why.words())))?;
    match said.status.code() {
        Some(0) => Ok(()),
        // As a shell says it.
        Some(126 | 127) => Err(NotEdited::NotThere(format!("{shown} cannot be run"))),
        Some(code) => Err(NotEdited::Ended(format!("{shown} ended with exit {code}"))),
        None => Err(NotEdited::Ended(format!("{shown} was ended by a signal"))),
    }
}
