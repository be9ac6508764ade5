//! The log: everything done and said.

use super::{Screen, moved};
use crate::{
    actions::Action,
    app::{command::Command, model::Model},
};

/// The log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivityScreen {
    /// The selected entry, counted from the newest.
    pub selected: usize,
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let count = model.activity.entries().len();
    let page = model.page();
    let Some(Screen::Activity(screen)) = model.screens.last_mut() else {
        return false;
    };
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => screen.selected = moved(screen.selected, motion, count, page),
        Action::Dismiss => {
            if !model.dismiss() {
                model.say("no failure is on the screen");
            }
        }
        Action::Copy => {
            let index = count.saturating_sub(screen.selected + 1);
            if let Some(entry) = model.activity.entries().get(index) {
                let lines = std::iter::once(&entry.text).chain(&entry.detail);
                let lines: Vec<&str> = lines.map(String::as_str).collect();
                out.push(Command::Copy {
                    what: "the entry".to_owned(),
                    text: lines.join("\n"),
                });
            }
        }
        _ => return false,
    }
    true
}
