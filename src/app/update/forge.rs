//! What is done on a forge: asked about first.

use jiff::Timestamp;

use super::own::TOO_SOON_MILLISECONDS;
use crate::{
    actions::Action,
    app::{
        command::Command,
        model::{Model, OnForge, Prompt},
    },
    domain::{
        ids::CellKey,
        pull_request::{Proposal, RequestDeed},
        timeline::Level,
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
    /// The newest pull request that is open for the selected cell; says where there is none.
    fn newest_request(&mut self) -> Option<(Proposal, CellKey)> {
        let Some(cell) = self.selected() else {
            self.say("no cell is selected");
            return None;
        };
        let newest = self.git.proposals(&cell).next().cloned();
        if newest.is_none() {
            self.say(format!("no pull request is open for {cell}"));
        }
        Some((newest?, cell))
    }

    /// Asks whether this is to be done to the newest pull request of the selected cell.
    pub(super) fn ask_on_forge(&mut self, deed: RequestDeed) {
        if !self.may_write() {
            return;
        }
        if let Some((proposal, cell)) = self.newest_request() {
            let what = OnForge::Request(deed, Box::new(proposal), cell);
            self.prompt = Some(Prompt::Forge(what, self.now));
        }
    }

    /// Opens the page of the newest pull request of the selected cell.
    pub(super) fn browse_request(&mut self, out: &mut Vec<Command>) {
        match self.newest_request() {
            Some((proposal, _)) if proposal.url.is_empty() => {
                self.say("its forge names no page of it");
            }
            Some((proposal, _)) => out.push(Command::OpenUrl(proposal.url)),
            None => {}
        }
    }

    /// Something was done on a forge: what came of it.
    pub(super) fn on_forge(&mut self, words: String, out: &mut Vec<Command>) {
        self.log(Level::Done, words.clone(), Vec::new(), out);
        self.say(words);
        self.refresh(out);
    }

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
            OnForge::Request(deed, proposal, _) => {
                let (into, number) = (proposal.into, proposal.number);
                self.say(format!("asking the forge to {} #{number}", deed.word()));
                out.push(Command::OnForge { deed, into, number });
            }
        }
    }
}
