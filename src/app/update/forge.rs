//! What is done on a forge: asked about first, and by its name where a protected environment moves.

use jiff::Timestamp;

use super::question::{Answer, answer};
use crate::{
    actions::Action,
    app::{
        command::Command,
        forge::{OnForge, OneRequest},
        line::LineInput,
        model::{Model, Prompt},
    },
    domain::{
        ids::{CellKey, EnvironmentName},
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
    match answer(model, put, action, held) {
        Answer::Yes => {
            model.prompt = None;
            model.do_on_forge(what, out);
        }
        Answer::No => {
            model.prompt = None;
            model.say("nothing was done on the forge");
        }
        Answer::Nothing => {}
        Answer::Other => return false,
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
        let Some((proposal, selected)) = self.newest_request() else {
            return;
        };
        let mut moves = self.git.brought_by(&proposal);
        moves.sort_by_key(|(cell, _)| *cell != selected);
        let what = OnForge::Request(OneRequest {
            deed,
            moves,
            into: proposal.into,
            number: proposal.number,
            head: proposal.head,
            author: proposal.author,
        });
        let names = what.names(&self.setup.topology);
        self.prompt = Some(if names.is_empty() {
            Prompt::Forge(what, self.now)
        } else {
            Prompt::ForgeName {
                what,
                names,
                input: LineInput::default(),
            }
        });
    }

    /// Takes what was typed for the first of the names; does it with the last of them.
    pub(super) fn accept_forge_name(
        &mut self,
        what: OnForge,
        mut names: Vec<EnvironmentName>,
        input: LineInput,
        out: &mut Vec<Command>,
    ) {
        let is_it = names
            .first()
            .is_none_or(|name| input.text().trim() == name.as_str());
        let input = if is_it {
            names.drain(..names.len().min(1));
            LineInput::default()
        } else {
            self.say("that is another name; nothing is done");
            input
        };
        if names.is_empty() {
            return self.do_on_forge(what, out);
        }
        self.prompt = Some(Prompt::ForgeName { what, names, input });
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
            OnForge::Request(one) => {
                self.say(format!(
                    "asking the forge to {} #{}",
                    one.deed.word(),
                    one.number
                ));
                out.push(Command::OnForge(one));
            }
        }
    }
}
