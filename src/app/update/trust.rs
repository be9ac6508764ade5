//! A changed configuration names what nobody has allowed: asked once, answered, or left until `:trust`.

use jiff::Timestamp;

use crate::{
    actions::{Action, Mode},
    app::{
        command::Command,
        model::{Model, Prompt},
        trust::{Stage, TrustQuestion},
    },
    domain::timeline::Level,
};

/// Keys that come sooner after the question than this were meant for what was there before: nobody asked for it.
const TOO_SOON_MILLISECONDS: i64 = 1_000;

/// A key while the question is on the screen, which it is since `put`.
pub(super) fn act(
    model: &mut Model,
    put: Timestamp,
    action: Action,
    held: bool,
    out: &mut Vec<Command>,
) -> bool {
    let too_soon = model.is_within(put, TOO_SOON_MILLISECONDS);
    match action {
        Action::Yes | Action::No | Action::Back if held || too_soon => {}
        Action::Yes => model.allow(out),
        Action::No | Action::Back => model.refuse(out),
        Action::Open | Action::Complete | Action::Move(_) => {}
        _ => return false,
    }
    true
}

impl Model {
    /// The configuration on disk asks. What was refused is not asked twice.
    pub(super) fn on_trust(&mut self, lines: Vec<String>, out: &mut Vec<Command>) {
        if let Some(known) = self.trust.as_ref().filter(|known| known.lines == lines) {
            if known.stage == Stage::Refused {
                self.say("the configuration asks what was refused: :trust answers again");
            }
            return;
        }
        self.nothing_to_trust();
        let what = "the changed configuration names what nobody has allowed yet";
        self.log(Level::Warn, what, lines.clone(), out);
        self.trust = Some(TrustQuestion::new(lines));
    }

    /// There is nothing to ask any more.
    pub(super) fn nothing_to_trust(&mut self) {
        self.trust = None;
        if matches!(self.prompt, Some(Prompt::Trust(_))) {
            self.prompt = None;
        }
    }

    /// Puts a question that waits, where it takes no key that is meant for another one.
    pub(super) fn ask_to_trust(&mut self) {
        let busy =
            self.prompt.is_some() || matches!(self.mode(), Mode::Confirm | Mode::ConfirmName);
        let waiting = self.trust.as_mut().filter(|it| it.stage == Stage::Waiting);
        if let Some(question) = waiting.filter(|_| !busy) {
            question.stage = Stage::Asked;
            self.prompt = Some(Prompt::Trust(self.now));
        }
    }

    /// `:trust`.
    pub(super) fn ask_again(&mut self) {
        match &mut self.trust {
            Some(question) => question.stage = Stage::Waiting,
            None => self.say("the configuration asks for nothing; :reload reads it again"),
        }
    }

    fn allow(&mut self, out: &mut Vec<Command>) {
        if !self.shows_all_to_trust() {
            return;
        }
        let Some(question) = self.trust.take() else {
            return;
        };
        self.prompt = None;
        self.say("allowed; reading the configuration again");
        let what = "what the configuration names was allowed";
        self.log(Level::Info, what, question.lines.clone(), out);
        out.push(Command::Trust(question.lines));
    }

    fn refuse(&mut self, out: &mut Vec<Command>) {
        self.prompt = None;
        if let Some(question) = &mut self.trust {
            question.stage = Stage::Refused;
        }
        let words = "not allowed: the old configuration stays in force; :trust asks again";
        self.say(words);
        self.log(Level::Warn, words, Vec::new(), out);
    }
}
