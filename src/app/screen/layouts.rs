//! How the repository is read: the layouts, and where they are guessed, what speaks for them.

use super::Screen;
use crate::{
    actions::Action,
    app::{
        command::Command,
        event::Epoch,
        layouts::{Edited, LayoutsBy, LayoutsTold},
        model::{Model, WriteMode},
        op_queue::Operation,
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
        self.look_at_layouts(out);
    }

    fn look_at_layouts(&mut self, out: &mut Vec<Command>) {
        let epoch = self.operations.supersede(Operation::Layouts);
        out.push(Command::ShowLayouts { epoch });
    }

    /// What it tells, once the files were looked at; says that they still are, before that.
    fn layouts_told(&mut self) -> Option<LayoutsTold> {
        let told = match self.screens.last() {
            Some(Screen::Layouts(LayoutsScreen {
                told: Some(told), ..
            })) => Some(told.as_deref().ok()?.clone()),
            _ => None,
        };
        if told.is_none() {
            self.say("the files are still looked at");
        }
        told
    }

    fn take_guess(&mut self, out: &mut Vec<Command>) {
        let Some(told) = self.layouts_told() else {
            return;
        };
        if let Some(offer) = told.offer {
            self.say("taking the better guess");
            return out.push(Command::TakeGuess(offer));
        }
        let words = match &self.setup.layouts {
            LayoutsBy::Written => "nothing is guessed here".to_owned(),
            LayoutsBy::Draft => "your draft is in use: no guess takes its place".to_owned(),
            LayoutsBy::Guessed(_) => {
                let nothing = "this guess is in use, and nothing better was found";
                match told.writes {
                    Ok(_) => {
                        let key = self.key(self.mode(), Action::SaveLayouts);
                        format!("{nothing}; {key} keeps it as tidegate.toml")
                    }
                    Err(_) => nothing.to_owned(),
                }
            }
        };
        self.say(words);
    }

    fn save_layouts(&mut self, out: &mut Vec<Command>) {
        let Some(told) = self.layouts_told() else {
            return;
        };
        match told.writes {
            Ok(text) => {
                if self.may_write() {
                    out.push(Command::SaveLayouts(text));
                }
            }
            Err(why) => self.say(why),
        }
    }

    fn edit_layouts(&mut self, out: &mut Vec<Command>) {
        let Some(told) = self.layouts_told() else {
            return;
        };
        match told.edits {
            // A draft is no file of the repository.
            Ok(Edited::File(path)) if self.setup.write == WriteMode::Locked => {
                let path = path.display();
                self.say(format!("started with --read-only: {path} stays as it is"));
            }
            Ok(edited) => out.push(Command::EditLayouts(edited)),
            Err(why) => self.say(why),
        }
    }

    /// Takes what was found out of the layouts to where it is read.
    pub(in crate::app) fn on_layouts(
        &mut self,
        epoch: Epoch,
        result: Result<Box<LayoutsTold>, Failure>,
    ) {
        if !self.operations.finish(Operation::Layouts, epoch) {
            return;
        }
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
    pub(in crate::app) fn on_offer(
        &mut self,
        epoch: Epoch,
        offer: Option<String>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.finish(Operation::Guess, epoch) {
            return;
        }
        let Some(words) = offer else { return };
        if self.offer.as_ref() == Some(&words) {
            return;
        }
        let text = format!("a better guess of the layouts: {words}; `:layouts` shows and takes it");
        self.log(Level::Info, text, Vec::new(), out);
        self.offer = Some(words);
    }

    /// The configuration was read again: what was offered was offered for the one before, and what was to be written is not
    /// what is in force any more.
    pub(in crate::app) fn layouts_changed(&mut self, out: &mut Vec<Command>) {
        self.offer = None;
        for operation in [Operation::Layouts, Operation::Guess] {
            if let Some(asked) = self.operations.current(operation) {
                self.operations.finish(operation, asked);
            }
        }
        let mut is_open = false;
        for screen in &mut self.screens {
            if let Screen::Layouts(screen) = screen {
                screen.told = None;
                is_open = true;
            }
        }
        if is_open {
            self.look_at_layouts(out);
        }
    }
}
