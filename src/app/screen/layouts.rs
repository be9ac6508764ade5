//! How the repository is read: the layouts, and where they are guessed, what speaks for them.

use super::Screen;
use crate::{
    actions::Action,
    app::{
        command::Command,
        event::LayoutsTold,
        model::{Model, WriteMode},
    },
    domain::{failure::Failure, timeline::Level},
};

/// How the repository is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayoutsScreen {
    /// What there is to say; `None`: it is being looked at.
    pub told: Option<Result<Box<LayoutsTold>, String>>,
    /// The first line in view.
    pub first: usize,
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let reach = model.drawn.keys;
    let Some(Screen::Layouts(screen)) = model.screens.last_mut() else {
        return false;
    };
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => screen.first = reach.scrolled(screen.first, motion),
        Action::TakeGuess => model.take_guess(out),
        Action::SaveLayouts => model.save_layouts(out),
        Action::EditLayouts => model.edit_layouts(out),
        _ => return false,
    }
    true
}

impl Model {
    /// Opens it, and has the files looked at.
    pub(in crate::app) fn open_layouts(&mut self, out: &mut Vec<Command>) {
        self.open(Screen::Layouts(LayoutsScreen::default()));
        out.push(Command::ShowLayouts);
    }

    /// What it tells, once the files were looked at.
    fn layouts_told(&self) -> Option<&LayoutsTold> {
        match self.screens.last()? {
            Screen::Layouts(screen) => Some(screen.told.as_ref()?.as_deref().ok()?),
            _ => None,
        }
    }

    fn take_guess(&mut self, out: &mut Vec<Command>) {
        let Some(told) = self.layouts_told() else {
            return self.say("the files are still looked at");
        };
        if told.offer.is_some() {
            self.say("taking the better guess");
            out.push(Command::TakeGuess);
        } else if told.proposal.is_some() {
            let key = self.key(self.mode(), Action::SaveLayouts);
            self.say(format!(
                "this guess is in use, and nothing better was found; {key} keeps it as tidegate.toml"
            ));
        } else {
            self.say("nothing is guessed here");
        }
    }

    fn save_layouts(&mut self, out: &mut Vec<Command>) {
        if self.setup.write == WriteMode::Locked {
            return self.say("--read-only writes nothing, no tidegate.toml either");
        }
        let Some(told) = self.layouts_told() else {
            return self.say("the files are still looked at");
        };
        match &told.proposal {
            Some(text) => out.push(Command::SaveLayouts(text.clone())),
            None => self.say("it is written down already: nothing is guessed here"),
        }
    }

    fn edit_layouts(&mut self, out: &mut Vec<Command>) {
        match self.layouts_told() {
            Some(told) => out.push(Command::EditLayouts(told.proposal.clone())),
            None => self.say("the files are still looked at"),
        }
    }

    /// Takes what was found out of the layouts to where it is read.
    pub(in crate::app) fn on_layouts(&mut self, result: Result<Box<LayoutsTold>, Failure>) {
        if let Ok(told) = &result {
            self.offer.clone_from(&told.offer);
        }
        let told = result.map_err(|failure| format!("{}: {}", failure.what, failure.why));
        for screen in &mut self.screens {
            if let Screen::Layouts(screen) = screen {
                screen.told = Some(told.clone());
            }
        }
    }

    /// More evidence says otherwise than the guess that is in use, which stays until it is told to go.
    pub(in crate::app) fn on_offer(&mut self, words: String, out: &mut Vec<Command>) {
        if self.offer.as_ref() == Some(&words) || self.setup.guessed.is_none() {
            return;
        }
        let text = format!("a better guess of the layouts: {words}; `:layouts` shows and takes it");
        self.log(Level::Info, text, Vec::new(), out);
        self.offer = Some(words);
    }

    /// Another configuration is in force: what was offered was offered for the one before.
    pub(in crate::app) fn layouts_changed(&mut self, out: &mut Vec<Command>) {
        self.offer = None;
        for screen in &mut self.screens {
            if let Screen::Layouts(screen) = screen {
                // What was proposed before must not be written any more.
                screen.told = None;
                out.push(Command::ShowLayouts);
            }
        }
    }
}
