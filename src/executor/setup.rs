//! From a session and its options to what the screen starts with.

use std::{sync::Arc, time::Duration};

use crate::{
    actions::{Keymap, KeymapError},
    app::{
        layouts::LayoutsBy,
        model::{Setup, WriteMode},
        story::Story,
    },
    config::Config,
    look::{
        Look,
        colour::{self, Depth},
    },
    workflow::Project,
};

/// The remote is asked this often while the console is open.
const FETCH_EVERY: Duration = Duration::from_mins(1);

/// What the command line says about the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsoleOptions {
    /// Never writes, whatever is typed.
    pub read_only: bool,
    /// Glyphs and borders in ASCII, whatever the configuration says.
    pub ascii: bool,
    /// Wheel and click are used.
    pub mouse: bool,
    /// The repository and the clusters are the built-in demo's.
    pub demo: bool,
    /// What the demo begins with.
    pub story: Option<Story>,
}

/// How the screen may look: what the user chose, and what the terminal's variables promise.
fn look(config: &Config, options: ConsoleOptions) -> Look {
    let variable = |name| std::env::var(name).ok();
    let guessed = variable("COLORFGBG").and_then(|value| colour::light_by_variable(&value));
    Look {
        themes: Arc::clone(&config.themes),
        choice: config.user.theme.clone(),
        guessed_light: guessed.unwrap_or_default(),
        background: config.user.background,
        depth: Depth::of(
            variable("COLORTERM").as_deref(),
            variable("TERM").as_deref(),
        ),
        ascii: options.ascii || config.user.ascii,
        // https://no-color.org: present and not empty.
        no_colour: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
    }
}

/// What the screen starts with.
///
/// # Errors
/// A key of the user's configuration that cannot be what it is said to be.
pub fn setup(project: &Project, options: ConsoleOptions) -> Result<Setup, KeymapError> {
    let fetches = project.has_remote() && project.at.is_none();
    let mut setup = setup_of(&project.config, project.repo.name(), options)?;
    setup.fetch_every = fetches.then_some(FETCH_EVERY);
    if project.draft.is_some() {
        setup.layouts = LayoutsBy::Draft;
    }
    if project.at.is_some() {
        setup.write = WriteMode::Locked;
    }
    Ok(setup)
}

/// What the screen starts with before there is a repository of this name; nothing is fetched.
///
/// # Errors
/// A key of the user's configuration that cannot be what it is said to be.
pub fn setup_of(
    config: &Config,
    repository: String,
    options: ConsoleOptions,
) -> Result<Setup, KeymapError> {
    let write = if options.read_only {
        WriteMode::Locked
    } else if config.user.write || options.story.is_some() {
        // A story goes on with what is written to the demo's own repository.
        WriteMode::Write
    } else {
        WriteMode::ReadOnly
    };
    Ok(Setup {
        repository,
        topology: config.topology.clone(),
        sources: config.source_code.clone(),
        layouts: match &config.guessed {
            Some(guessed) => LayoutsBy::Guessed(guessed.clone()),
            None => LayoutsBy::Written,
        },
        write,
        look: look(config, options),
        bell: config.user.bell,
        keymap: Keymap::remapped(&config.user.keys)?.with_own(&config.user.commands)?,
        commands: config.user.commands.clone(),
        filter: config.user.filter.clone(),
        fetch_every: None,
        demo: options.demo,
        story: options.story,
    })
}
