//! The last question before something is done by hand, and what came of it.

use jiff::Timestamp;

use super::{Screen, confirm::TOO_SOON_MILLISECONDS, moved};
use crate::{
    actions::{Action, Mode, Motion},
    app::{
        command::Command,
        event::{ByHand, Ended, Epoch},
        line::LineInput,
        model::{Model, Prompt, Ran},
        op_queue::Operation,
    },
    domain::{
        by_hand::{Choice, Weighed},
        failure::Failure,
        gate,
        ids::EnvironmentName,
        plan::{self, Verdict},
        timeline::Level,
    },
};

/// The last question before something is done by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderScreen {
    /// What is done to whom.
    pub told: ByHand,
    /// When it was opened: keys that come too soon after are dropped.
    pub opened: Timestamp,
    /// When what it says last changed: an answer that comes too soon after is dropped.
    pub changed: Timestamp,
    /// The protected environment whose name must be typed.
    pub name: Option<EnvironmentName>,
    /// What is typed of it.
    pub input: LineInput,
    /// What was typed was another name.
    pub wrong: bool,
    /// What a freeze says that holds it.
    pub frozen: Option<Verdict>,
    /// What was found out before it is done; `None`: that is waited for.
    pub weighed: Option<Result<Weighed, String>>,
    /// Which of the choices is selected.
    pub choice: usize,
    /// The first line of what it says, where there is no room for all.
    pub first: usize,
}

impl OrderScreen {
    /// A name is typed where one must be, and nothing holds it; else a key answers.
    pub fn mode(&self) -> Mode {
        match self.name {
            Some(_) if !self.is_held() => Mode::ConfirmName,
            _ => Mode::Confirm,
        }
    }

    /// A freeze holds it still.
    pub fn is_held(&self) -> bool {
        self.frozen.is_some() && (self.told.lifted.is_none() || self.is_hard())
    }

    /// A freeze holds it that nothing lifts.
    pub fn is_hard(&self) -> bool {
        self.frozen.as_ref().and_then(hard).is_some()
    }

    /// What it can go back to.
    pub fn choices(&self) -> &[Choice] {
        match &self.weighed {
            Some(Ok(weighed)) => &weighed.choices,
            _ => &[],
        }
    }

    /// Whether a motion goes through what it says: pages do, and lines where there is nothing to choose.
    pub fn scrolls(&self, motion: Motion) -> bool {
        self.choices().len() < 2 || !matches!(motion, Motion::Up | Motion::Down)
    }

    /// Why it cannot be done; `None` where it can.
    pub fn refusal(&self) -> Option<&str> {
        match &self.weighed {
            Some(Ok(weighed)) => weighed.refusal.as_deref(),
            Some(Err(why)) => Some(why),
            None => None,
        }
    }

    /// Takes the selected choice.
    fn take(&mut self, choice: usize) {
        self.choice = choice;
        if let Some(number) = self.choices().get(choice).map(|it| it.number) {
            self.told.deed = self.told.deed.clone().back_to(number);
        }
    }
}

/// What is said of a freeze that nothing lifts; `None`: a written reason lifts it.
pub(super) fn hard(frozen: &Verdict) -> Option<String> {
    (frozen.level == plan::Level::Hard).then(|| {
        let detail = &frozen.detail;
        format!("{detail}; it is hard here, and no override lifts it")
    })
}

pub(super) fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) -> bool {
    let too_soon = held || model.is_too_soon();
    let (now, reach) = (model.now, model.drawn.keys);
    let Some(Screen::Order(screen)) = model.screens.last_mut() else {
        return false;
    };
    match (action, &screen.name) {
        (Action::Back | Action::No, _) => {
            model.screens.pop();
            model.say("nothing is told");
        }
        (Action::Copy, _) => {
            out.push(Command::copy_command(screen.told.deed.command()));
        }
        (Action::Move(motion), _) if screen.scrolls(motion) => {
            screen.first = reach.scrolled(screen.first, motion);
        }
        (Action::Move(motion), _) => {
            let count = screen.choices().len();
            let choice = moved(screen.choice, motion, count, count);
            if choice != screen.choice {
                screen.changed = now;
                screen.take(choice);
            }
        }
        (Action::Yes | Action::Open | Action::Override, _) if too_soon => {}
        (Action::Override, _) => model.ask_to_lift(),
        (Action::Yes | Action::Open, _) if screen.is_held() => model.ask_to_lift(),
        (Action::Open, Some(name)) if screen.input.text().trim() != name.as_str() => {
            screen.wrong = !screen.input.text().is_empty();
        }
        (Action::Open, Some(_)) | (Action::Yes, None) => model.do_it(out),
        (Action::Open | Action::Yes, _) => {}
        _ => return false,
    }
    true
}

impl Model {
    /// Asks for the reason with which the freeze is lifted that holds what is asked.
    fn ask_to_lift(&mut self) {
        let Some(Screen::Order(screen)) = self.screens.last() else {
            return;
        };
        let Some(frozen) = &screen.frozen else {
            return self.say("no freeze holds it");
        };
        if let Some(why) = hard(frozen) {
            return self.say(why);
        }
        let reason = screen.told.lifted.clone();
        self.prompt = Some(Prompt::Reason {
            gate: gate::WINDOW.to_owned(),
            input: reason.map_or_else(LineInput::default, LineInput::with),
        });
    }

    /// The reason with which a freeze is lifted; `false`: nothing that is done by hand is asked about.
    pub(in crate::app) fn lift_freeze(&mut self, reason: &str) -> bool {
        let now = self.now;
        let Some(Screen::Order(screen)) = self.screens.last_mut() else {
            return false;
        };
        screen.told.lifted = Some(reason.to_owned());
        screen.changed = now;
        true
    }

    /// What was found out before something is done by hand.
    pub(in crate::app) fn on_weighed(&mut self, epoch: Epoch, result: Result<Weighed, String>) {
        if !self.operations.finish(Operation::Weigh, epoch) {
            return;
        }
        let now = self.now;
        for screen in &mut self.screens {
            if let Screen::Order(screen) = screen
                && screen.weighed.is_none()
            {
                screen.weighed = Some(result.clone());
                screen.changed = now;
                screen.take(0);
            }
        }
    }

    /// Does what is asked, unless something speaks against it by now.
    fn do_it(&mut self, out: &mut Vec<Command>) {
        let now = self.now;
        let Some(Screen::Order(screen)) = self.screens.last() else {
            return;
        };
        if screen.weighed.is_none() {
            return self.say("who would undo it is being asked still: wait for that");
        }
        if let Some(why) = screen.refusal() {
            let why = why.to_owned();
            return self.say(why);
        }
        if self.is_within(screen.changed, TOO_SOON_MILLISECONDS) {
            return;
        }
        let (mut told, asked) = (screen.told.clone(), screen.frozen.clone());
        let frozen = self.frozen_by_hand(&told.cell, &told.deed);
        // A reason is for the freeze that it was given for.
        let same = frozen.as_ref().map(|it| &it.detail) == asked.as_ref().map(|it| &it.detail);
        told.lifted = told.lifted.filter(|_| frozen.is_some() && same);
        if let Some(verdict) = frozen
            && (told.lifted.is_none() || hard(&verdict).is_some())
        {
            let began = if same { "" } else { "; it began meanwhile" };
            let why = hard(&verdict);
            self.say(why.unwrap_or_else(|| format!("{}{began}", verdict.detail)));
            if let Some(Screen::Order(screen)) = self.screens.last_mut() {
                screen.told.lifted = told.lifted;
                screen.frozen = Some(verdict);
                screen.changed = now;
            }
            return;
        }
        let Some(epoch) = self.operations.start(Operation::Tell) else {
            return self.say("an agent is being told something; ask again when that is over");
        };
        self.screens.pop();
        let (whom, word) = (told.deed.whom(), told.deed.word());
        self.say(format!("telling {whom} to {word}"));
        out.push(Command::Tell { epoch, told });
    }

    /// Something was told, or not.
    pub(in crate::app) fn on_told(
        &mut self,
        epoch: Epoch,
        told: &ByHand,
        result: Result<(), String>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.finish(Operation::Tell, epoch) {
            return;
        }
        self.word = None;
        let deed = &told.deed;
        let (whom, word, command) = (deed.whom(), deed.word(), deed.command());
        let outcome = match result {
            Ok(()) => {
                let text = format!("{}: told {whom} to {word}", told.cell);
                let mut detail = vec![command.clone()];
                let lifted = told.lifted.iter();
                detail.extend(lifted.map(|why| format!("a freeze was lifted for it: {why}")));
                let level = match told.lifted {
                    Some(_) => Level::Warn,
                    None => Level::Info,
                };
                self.log(level, text, detail, out);
                Ok("told")
            }
            Err(why) => {
                let failure = Failure::told(
                    format!("telling {whom} to {word}"),
                    why,
                    format!("the same from a shell: {command}"),
                );
                self.fail(failure, out);
                Err("refused")
            }
        };
        self.ran = Some(Ran {
            line: command,
            ok: outcome.is_ok(),
            outcome: outcome.unwrap_or_else(|it| it).to_owned(),
            took: std::time::Duration::ZERO,
            at: self.now,
        });
    }

    /// What was told is done, or is not.
    pub(in crate::app) fn on_told_done(
        &mut self,
        told: &ByHand,
        result: Result<Option<Ended>, String>,
        out: &mut Vec<Command>,
    ) {
        let (whom, order) = (told.deed.whom(), told.deed.word());
        match result {
            Ok(Some(ended)) if ended.failing => {
                let why = ended.reason.unwrap_or_else(|| ended.word.to_owned());
                let failure = Failure::told(
                    format!("{order} {whom}"),
                    why,
                    "mend what it says, then tell it again",
                );
                self.fail(failure, out);
            }
            Ok(Some(ended)) => {
                // What came of it comes first: names of objects may be longer than the line.
                let text = format!("{}: {order} is done: {} ({whom})", told.cell, ended.word);
                self.say(text.clone());
                self.log(Level::Done, text, ended.reason.into_iter().collect(), out);
            }
            Ok(None) => {
                let text = format!("{}: {order} is not done in time ({whom})", told.cell);
                self.say(text.clone());
                self.log(Level::Warn, text, Vec::new(), out);
            }
            Err(why) => {
                let text = format!("{}: what came of {order} is not known ({whom})", told.cell);
                self.log(Level::Warn, text, vec![why], out);
            }
        }
    }
}
