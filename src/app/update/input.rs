//! Keys, pastes, the mouse and the terminal's size; what an action does.

use super::{
    super::{
        areas::{self, Pane, Spot},
        command::Command,
        event::{Input, ReadFrom},
        keymap::{LastKey, Meaning, meaning},
        line::LineInput,
        model::{Model, Prompt, WriteMode},
        screen::{Act, ActivityScreen, Screen, matrix},
    },
    prompt,
};
use crate::{
    actions::{Action, Mode, Motion, Press},
    domain::{pull_request::RequestDeed, timeline::Level},
};

/// The same key again within this time is a held key, not a second press.
const HELD_MILLISECONDS: i64 = 300;

pub(super) fn input(model: &mut Model, input: Input, out: &mut Vec<Command>) {
    match input {
        Input::Key { press, repeat } => {
            let held = repeat
                || model.last_key.is_some_and(|last| {
                    last.press == press && model.is_within(last.at, HELD_MILLISECONDS)
                });
            model.last_key = Some(LastKey {
                press,
                at: model.now,
            });
            key(model, press, held, out);
        }
        Input::Paste(text) => prompt::paste(model, &text),
        Input::Resize { width, height } => {
            model.keeping_the_place(|model| model.size = (width, height));
        }
        Input::Focus(focused) => model.focused = focused,
        Input::Wheel { up, column, row } => wheel(model, up, (column, row), out),
        Input::Click { column, row } => click(model, (column, row), out),
    }
}

/// Lines of a text that one turn of the wheel moves.
const TURN: usize = 3;

/// The wheel moves what is under the pointer, which has the keys from then on.
fn wheel(model: &mut Model, up: bool, (column, row): (u16, u16), out: &mut Vec<Command>) {
    let mut motion = if up { Motion::Up } else { Motion::Down };
    let turns = match model.spot(column, row) {
        Some((Spot::Text { pane, reach }, _)) if model.prompt.is_none() => {
            model.focus(pane);
            model.drawn.keys = reach;
            motion = if up {
                Motion::WheelUp
            } else {
                Motion::WheelDown
            };
            TURN
        }
        Some((Spot::Rows { pane, .. }, _)) if model.prompt.is_none() => {
            model.focus(pane);
            1
        }
        _ => 1,
    };
    for _ in 0..turns {
        act(model, Action::Move(motion), false, out);
    }
}

/// A click selects the row, chooses the pane, presses the key or completes the line that is under the pointer.
fn click(model: &mut Model, (column, row): (u16, u16), out: &mut Vec<Command>) {
    let typing = model.prompt.is_some();
    match model.spot(column, row) {
        Some((Spot::Key(press), _)) => {
            model.last_key = None;
            key(model, press, false, out);
        }
        Some((Spot::Suggestions, row)) => prompt::choose_and_complete(model, row),
        _ if typing => {}
        Some((Spot::Rows { pane, first, count }, row)) => {
            model.focus(pane);
            if first + row < count {
                act(model, Action::Move(Motion::To(first + row)), false, out);
            }
        }
        Some((Spot::Text { pane, .. }, _)) => model.focus(pane),
        None if model.mode() == Mode::Matrix => {
            if let Some((line, column)) = areas::hit(model, column, row) {
                model.matrix.row = model.matrix.lines.get(line).map(|l| l.service.clone());
                model.matrix.column = column;
                model.matrix.clicked = true;
            } else if let Some(order) = areas::head(model, column, row) {
                model.order_by_head(order);
            }
        }
        None => {}
    }
}

fn key(model: &mut Model, press: Press, held: bool, out: &mut Vec<Command>) {
    model.word = None;
    model.story = None;
    model.matrix.pin();
    let mode = model.mode();
    match meaning(&model.setup.keymap, mode, press) {
        None => {}
        Some(Meaning::Text(key)) => prompt::text(model, mode, key),
        // A key that is held would run it again and again.
        Some(Meaning::Action(Action::Own(_))) if held => {}
        Some(Meaning::Action(action)) => act(model, action, held, out),
    }
}

/// What an action does: what it means to the question or the screen that is visible, else what it means everywhere.
fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) {
    let own: Act = match (&model.prompt, model.screens.last()) {
        (Some(_), _) => prompt::act,
        (None, Some(screen)) => screen.about().act,
        (None, None) => matrix::act,
    };
    if !own(model, action, held, out) {
        everywhere(model, action, out);
    }
}

/// What an action does that means the same wherever it is asked for.
pub(in crate::app) fn everywhere(model: &mut Model, action: Action, out: &mut Vec<Command>) {
    match action {
        Action::QuitNow => out.push(Command::Quit),
        Action::Suspend => out.push(Command::Suspend),
        Action::Quit => model.quit(out),
        Action::Unlock => model.unlock(out),
        Action::Lock => model.lock(out),
        Action::Help => model.open_help(),
        Action::Activity => model.open(Screen::Activity(ActivityScreen::default())),
        Action::Delivery => model.show_delivery(),
        Action::Drift => model.open_drift(),
        Action::Refresh => model.refresh(out),
        Action::Palette => {
            model.prompt = Some(Prompt::Palette {
                input: LineInput::default(),
                selected: 0,
            });
        }
        Action::Promote => model.promote(out),
        Action::Revert => model.open_revert(),
        Action::Trace => model.open_trace(),
        Action::Plan => model.open_plan(None, out),
        Action::Unstage => model.unstage(out),
        Action::Undo => model.undo(out),
        Action::Drop => model.drop_staged(out),
        Action::AcceptAlong => model.accept_along(out),
        Action::LeaveOut => model.leave_out(out),
        Action::Supersede => model.supersede(out),
        Action::ApproveRequest => model.ask_on_forge(RequestDeed::Approve),
        Action::MergeRequest => model.ask_on_forge(RequestDeed::Merge),
        Action::BrowseRequest => model.browse_request(out),
        Action::WhenEligible => model.wait_for_gates(out),
        Action::ShowAll => model.fold_or_show(),
        Action::Order => {
            model.next_order();
        }
        Action::Layouts => model.open_layouts(out),
        Action::Trust => model.ask_again(),
        Action::Reload => {
            model.say("reading the configuration again");
            out.push(Command::Reload);
        }
        Action::Log => out.push(Command::ShowLog),
        Action::Own(index) => model.run_own(index, out),
        Action::Agent => model.open_agent(model.selected()),
        Action::Tell(order) => model.ask_to_tell(model.selected(), order, out),
        Action::DiffMore | Action::DiffLess | Action::DiffExtent | Action::DiffBeside => {
            model.read_diff_otherwise(action);
        }
        // They mean something to some screens, or with an argument, only.
        Action::Move(_)
        | Action::DropDelivery
        | Action::TakeGuess
        | Action::SaveLayouts
        | Action::EditLayouts
        | Action::Open
        | Action::Back
        | Action::Mark
        | Action::MarkRange
        | Action::MarkColumn
        | Action::Set
        | Action::RevertFailed
        | Action::RevertBatch
        | Action::Filter
        | Action::SaveFilter
        | Action::ForgetFilter
        | Action::NextMatch
        | Action::PreviousMatch
        | Action::Goto
        | Action::Login
        | Action::Copy
        | Action::CopyPart(_)
        | Action::Browse
        | Action::NextPane
        | Action::PreviousPane
        | Action::Deliver
        | Action::Scope
        | Action::Override
        | Action::Dismiss
        | Action::Theme
        | Action::Ascii
        | Action::Yes
        | Action::No
        | Action::Logs
        | Action::Yaml
        | Action::Describe
        | Action::HandOver
        | Action::ViewLog(_)
        | Action::Complete => {}
    }
}

impl Model {
    /// Gives the keys to a pane of the visible screen.
    fn focus(&mut self, pane: Option<Pane>) {
        self.keeping_the_place(|model| match (pane, model.screens.last_mut()) {
            (Some(Pane::Cell(pane)), Some(Screen::Cell(screen))) => screen.pane = pane,
            (Some(Pane::Plan(pane)), Some(Screen::Plan(screen))) => screen.pane = pane,
            _ => {}
        });
    }

    /// Asks the remote and lost clusters now.
    pub(super) fn refresh(&mut self, out: &mut Vec<Command>) {
        let no_remote = self.git.base.as_ref().is_some_and(ReadFrom::is_local);
        if no_remote {
            self.read_desired(out);
        } else if !self.fetch(out) {
            self.say("the remote is being asked already");
        }
        out.push(Command::Reconnect);
    }

    fn unlock(&mut self, out: &mut Vec<Command>) {
        match self.setup.write {
            WriteMode::Locked => {
                self.say("started with --read-only: start again without it to write");
            }
            WriteMode::Write => self.say("writing is unlocked already"),
            WriteMode::ReadOnly => {
                self.setup.write = WriteMode::Write;
                self.log(Level::Warn, "writing is unlocked", Vec::new(), out);
                self.say("writing is unlocked; each plan is still confirmed");
                out.push(Command::Unlock);
            }
        }
    }

    fn lock(&mut self, out: &mut Vec<Command>) {
        if self.setup.write == WriteMode::Write {
            self.setup.write = WriteMode::ReadOnly;
            self.log(Level::Info, "writing is locked", Vec::new(), out);
            // Whatever is known here of what is under way: the next word of it may not be read yet.
            out.push(Command::Lock);
            let under_way = self.deliveries.iter().map(|run| &run.delivery);
            let mut said = vec!["read-only".to_owned()];
            said.extend(under_way.filter_map(|delivery| delivery.once_locked()));
            if self.waiting.is_some() {
                let why = "what waited for its gates waits no longer, and stays staged";
                self.stop_waiting(why, out);
                said.push(why.to_owned());
            }
            return self.say(said.join("; "));
        }
        self.say("read-only");
    }

    /// Whether this session may write; says why not.
    pub(in crate::app) fn may_write(&mut self) -> bool {
        match self.setup.write {
            WriteMode::Write => true,
            WriteMode::ReadOnly => {
                self.say("read-only: type :write to unlock writing for this session");
                false
            }
            WriteMode::Locked => {
                self.say("started with --read-only: nothing can be written in this session");
                false
            }
        }
    }
}
