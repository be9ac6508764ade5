//! Keys, pastes and the terminal's size.

use super::{
    super::{
        command::Command,
        event::Input,
        geometry, help,
        keymap::{Action, LastKey, Meaning, Motion, Press},
        line::LineInput,
        mode::Mode,
        model::{ActivityScreen, Model, Prompt, Screen, WriteMode},
    },
    prompt,
};

/// The same key again within this time is a held key, not a second press.
const HELD_MILLISECONDS: i64 = 300;

pub(super) fn input(model: &mut Model, input: Input, out: &mut Vec<Command>) {
    match input {
        Input::Key(event) => {
            let press = Press::of(&event);
            let held = Press::is_repeat(&event)
                || model.last_key.is_some_and(|last| {
                    let since = model.now.as_millisecond() - last.at.as_millisecond();
                    last.press == press && since < HELD_MILLISECONDS
                });
            model.last_key = Some(LastKey {
                press,
                at: model.now,
            });
            key(model, press, held, out);
        }
        Input::Paste(text) => prompt::paste(model, &text),
        Input::Resize { width, height } => model.size = (width, height),
        Input::Focus(focused) => model.focused = focused,
        Input::Wheel { up } => {
            let motion = if up { Motion::Up } else { Motion::Down };
            let mode = model.mode();
            act(model, mode, Action::Move(motion), false, out);
        }
        Input::Click { column, row } if model.mode() == Mode::Matrix => {
            if let Some((line, column)) = geometry::hit(model, column, row) {
                model.matrix.row = model.matrix.lines.get(line).map(|l| l.service.clone());
                model.matrix.column = column;
            }
        }
        Input::Click { .. } => {}
    }
}

fn key(model: &mut Model, press: Press, held: bool, out: &mut Vec<Command>) {
    model.word = None;
    model.matrix.pin();
    let mode = model.mode();
    match model.setup.keymap.meaning(mode, press) {
        None => {}
        Some(Meaning::Text(key)) => prompt::text(model, mode, key),
        Some(Meaning::Action(action)) => act(model, mode, action, held, out),
    }
}

fn act(model: &mut Model, mode: Mode, action: Action, held: bool, out: &mut Vec<Command>) {
    match action {
        Action::QuitNow => out.push(Command::Quit),
        Action::Suspend => out.push(Command::Suspend),
        Action::Quit => model.quit(out),
        Action::Help => model.open(Screen::Help(0)),
        Action::Activity => model.open(Screen::Activity(ActivityScreen::default())),
        Action::Delivery => model.show_delivery(),
        Action::Refresh => model.refresh(out),
        Action::Palette => {
            model.prompt = Some(Prompt::Palette {
                input: LineInput::default(),
                selected: 0,
            });
        }
        action => match mode {
            Mode::Matrix => model.on_matrix(action, out),
            Mode::Cell => model.on_cell(action, out),
            Mode::Plan => model.on_plan(action, out),
            Mode::Confirm | Mode::ConfirmName => model.on_confirm(action, held, out),
            Mode::Revert => model.on_revert(action, out),
            Mode::Trace => model.on_trace(action, out),
            Mode::Delivery => model.on_delivery_key(action, out),
            Mode::Activity => on_activity(model, action, out),
            Mode::Help => on_help(model, action, out),
            Mode::Filter | Mode::Palette | Mode::Reason | Mode::Question => {
                prompt::act(model, action, out);
            }
        },
    }
}

fn on_activity(model: &mut Model, action: Action, out: &mut Vec<Command>) {
    let count = model.activity.entries().len();
    let page = model.page();
    match (action, model.screens.last_mut()) {
        (Action::Back, _) => model.close(out),
        (Action::Move(motion), Some(Screen::Activity(screen))) => {
            screen.selected = moved(screen.selected, motion, count, page);
        }
        (Action::Dismiss, _) => dismiss(model),
        (Action::Copy, Some(Screen::Activity(screen))) => {
            let index = count.saturating_sub(screen.selected + 1);
            if let Some(entry) = model.activity.entries().get(index) {
                let lines = std::iter::once(&entry.text).chain(&entry.detail);
                let lines: Vec<&str> = lines.map(String::as_str).collect();
                out.push(Command::Copy(lines.join("\n")));
            }
        }
        _ => {}
    }
}

fn dismiss(model: &mut Model) {
    if !model.activity.dismiss() {
        model.say("no failure is on the screen");
    }
}

fn on_help(model: &mut Model, action: Action, out: &mut Vec<Command>) {
    let page = model.page();
    let hidden = help::hidden(model);
    match (action, model.screens.last_mut()) {
        (Action::Back, _) => model.close(out),
        (Action::Move(motion), Some(Screen::Help(line))) => {
            *line = moved(*line, motion, hidden + 1, page);
        }
        _ => {}
    }
}

impl Model {
    /// How many lines a page has on a screen that is one list.
    pub(super) fn page(&self) -> usize {
        usize::from(self.size.1).saturating_sub(6).max(1)
    }

    /// Asks the remote and lost clusters now.
    pub(super) fn refresh(&mut self, out: &mut Vec<Command>) {
        let no_remote = self
            .git
            .base
            .as_ref()
            .is_some_and(|base| base.remote.is_none());
        if no_remote {
            self.read_desired(out);
        } else if !self.fetch(out) {
            self.say("the remote is being asked already");
        }
        out.push(Command::Reconnect);
    }

    /// Whether this session may write; says why not.
    pub(super) fn may_write(&mut self) -> bool {
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

/// An index into a list of `count`, moved; stays inside.
pub(super) fn moved(index: usize, motion: Motion, count: usize, page: usize) -> usize {
    let half = (page / 2).max(1);
    let wanted = match motion {
        Motion::Up => index.saturating_sub(1),
        Motion::Down => index + 1,
        Motion::HalfUp => index.saturating_sub(half),
        Motion::HalfDown => index + half,
        Motion::PageUp => index.saturating_sub(page),
        Motion::PageDown => index + page,
        Motion::Top => 0,
        Motion::Bottom => usize::MAX,
        Motion::Left | Motion::Right => index,
    };
    wanted.min(count.saturating_sub(1))
}
