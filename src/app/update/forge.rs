//! What is done on a forge: asked about first.

use jiff::Timestamp;

use super::own::TOO_SOON_MILLISECONDS;
use crate::{
    actions::Action,
    app::{
        command::Command,
        model::{Model, OnForge},
    },
};

/// A key while something on a forge is asked about.
pub(super) fn act(
    model: &mut Model,
    (what, put): (OnForge, Timestamp),
    action: Action,
    held: bool,
    out: &mut Vec<Command>,
) -> bool {
    let too_soon = model.is_within(put, TOO_SOON_MILLISECONDS);
    match action {
        Action::Open | Action::Complete | Action::Move(_) => {}
        Action::Yes if held || too_soon => {}
        Action::Yes => {
            model.prompt = None;
            model.do_on_forge(what, out);
        }
        Action::No | Action::Back => {
            model.prompt = None;
            model.say("nothing was done on the forge");
        }
        _ => return false,
    }
    true
}

impl Model {
    fn do_on_forge(&mut self, what: OnForge, out: &mut Vec<Command>) {
        match what {
            OnForge::Drop(id, requests) => {
                let waits = self
                    .deliveries
                    .position(&id)
                    .is_some_and(|at| self.deliveries[at].delivery.awaits_merge());
                if !waits {
                    return self.say("it waits for no merge any more");
                }
                self.say(format!("closing {requests}"));
                out.push(Command::DropDelivery(id));
            }
        }
    }
}
