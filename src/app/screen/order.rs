//! The last question before an agent is told something.

use jiff::Timestamp;

use super::Screen;
use crate::{
    actions::{Action, Mode},
    app::{command::Command, event::AgentTold, line::LineInput, model::Model},
    domain::ids::EnvironmentName,
};

/// The last question before an agent is told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderScreen {
    /// What is told to whom.
    pub told: AgentTold,
    /// When it was opened: keys that come too soon after are dropped.
    pub opened: Timestamp,
    /// The protected environment whose name must be typed.
    pub name: Option<EnvironmentName>,
    /// What is typed of it.
    pub input: LineInput,
    /// What was typed was another name.
    pub wrong: bool,
}

impl OrderScreen {
    /// A name is typed where one must be, else a key answers.
    pub(super) fn mode(&self) -> Mode {
        match self.name {
            None => Mode::Confirm,
            Some(_) => Mode::ConfirmName,
        }
    }
}

pub(super) fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) -> bool {
    let too_soon = held || model.is_too_soon();
    let Some(Screen::Order(screen)) = model.screens.last_mut() else {
        return false;
    };
    match (action, &screen.name) {
        (Action::Back | Action::No, _) => {
            model.screens.pop();
            model.say("nothing is told");
        }
        (Action::Copy, _) => {
            out.push(Command::copy_command(screen.told.command()));
        }
        (Action::Yes | Action::Open, _) if too_soon => {}
        (Action::Open, Some(name)) if screen.input.text().trim() != name.as_str() => {
            screen.wrong = !screen.input.text().is_empty();
        }
        (Action::Open, Some(_)) | (Action::Yes, None) => {
            let told = screen.told.clone();
            model.screens.pop();
            model.tell_agent(told, out);
        }
        (Action::Move(_) | Action::Open | Action::Yes, _) => {}
        _ => return false,
    }
    true
}
