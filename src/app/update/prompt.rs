//! Lines being typed, and the question on leaving.

use super::{forge, own, trust};
use crate::{
    actions::{Action, Mode, Motion},
    app::{
        command::Command,
        keymap::TextKey,
        line::LineInput,
        model::{Model, Prompt},
        palette::{self, SUGGESTIONS},
        screen::{Screen, moved},
    },
    domain::fuzzy,
};

/// A key that edits the line being typed.
pub(super) fn text(model: &mut Model, mode: Mode, key: TextKey) {
    if mode == Mode::ConfirmName {
        if model.is_too_soon() {
            return;
        }
        match model.screens.last_mut() {
            Some(Screen::Confirm(screen)) => {
                screen.input.apply(key);
                screen.wrong = false;
            }
            Some(Screen::Order(screen)) => {
                screen.input.apply(key);
                screen.wrong = false;
            }
            _ => {}
        }
        return;
    }
    edit(model, |line| line.apply(key));
}

/// Pasted text goes where a line is typed; a confirmation is typed, never pasted.
pub(super) fn paste(model: &mut Model, text: &str) {
    match model.mode() {
        _ if matches!(model.prompt, Some(Prompt::ForgeName { .. })) => {
            model.say("the name is typed, not pasted");
        }
        Mode::Filter | Mode::Palette | Mode::Reason => edit(model, |line| line.insert(text)),
        Mode::ConfirmName => model.say("the name is typed, not pasted"),
        _ => {}
    }
}

fn edit(model: &mut Model, change: impl FnOnce(&mut LineInput)) {
    match &mut model.prompt {
        Some(Prompt::Filter { input, .. }) => {
            change(input);
            let text = input.text().to_owned();
            model.matrix.filter = model.spelled_out(&text);
        }
        Some(Prompt::Palette { input, selected }) => {
            change(input);
            *selected = 0;
        }
        Some(Prompt::Find { input, .. }) => {
            change(input);
            let text = input.text().to_owned();
            model.find(text);
        }
        Some(Prompt::Reason { input, .. } | Prompt::ForgeName { input, .. }) => change(input),
        Some(
            Prompt::Copy { .. }
            | Prompt::Quit
            | Prompt::Trust(_)
            | Prompt::Own(..)
            | Prompt::Forge(..),
        )
        | None => {}
    }
}

pub(super) fn act(model: &mut Model, action: Action, held: bool, out: &mut Vec<Command>) -> bool {
    if let Some(Prompt::Trust(put)) = model.prompt {
        return trust::act(model, put, action, held, out);
    }
    if let Some(Prompt::Own(run, put)) = &model.prompt {
        let asked = (run.clone(), *put);
        return own::act(model, asked, action, held, out);
    }
    if let Some(Prompt::Forge(what, put)) = &model.prompt {
        let asked = (what.clone(), *put);
        return forge::act(model, asked, action, held, out);
    }
    if let Some(Prompt::Copy { .. }) = &model.prompt {
        return model.act_on_copies(action, out);
    }
    match action {
        Action::Back | Action::No => cancel(model),
        Action::Yes if model.prompt == Some(Prompt::Quit) => out.push(Command::Quit),
        Action::Open => accept(model, out),
        Action::Complete => complete(model),
        Action::Move(motion) => choose(model, motion),
        _ => return false,
    }
    true
}

/// Esc in a filter brings back the one that was in force before.
fn cancel(model: &mut Model) {
    match model.prompt.take() {
        Some(Prompt::Filter { before, .. }) => model.matrix.filter = before,
        Some(Prompt::Find { before, .. }) => model.find(before),
        _ => {}
    }
}

fn accept(model: &mut Model, out: &mut Vec<Command>) {
    match model.prompt.take() {
        Some(Prompt::Palette { input, selected }) => {
            let line = input.text();
            if line.trim().is_empty() {
            } else if let Some(meant) = palette::meant(model, line, selected) {
                // Nothing runs that was not read before.
                let key = model.key(Mode::Palette, Action::Open);
                model.say(format!("{key} again for :{}", meant.trim()));
                model.prompt = Some(Prompt::Palette {
                    input: LineInput::with(meant),
                    selected: 0,
                });
            } else {
                model.remember(line.trim(), out);
                model.run_command(line, out);
            }
        }
        Some(Prompt::Reason { gate, input }) => {
            let reason = input.text().trim().to_owned();
            if reason.is_empty() {
                model.say("a hold is lifted with a written reason only");
                model.prompt = Some(Prompt::Reason { gate, input });
            } else {
                // The question that is open takes it, else the plan.
                if !model.lift_freeze(&reason) {
                    model.lift(gate, reason, out);
                }
            }
        }
        Some(Prompt::ForgeName { what, names, input }) => {
            model.accept_forge_name(what, names, input, out);
        }
        Some(Prompt::Filter { .. }) => {
            model.say_unknown_filter_words();
        }
        Some(
            Prompt::Find { .. }
            | Prompt::Copy { .. }
            | Prompt::Quit
            | Prompt::Trust(_)
            | Prompt::Own(..)
            | Prompt::Forge(..),
        )
        | None => {}
    }
}

fn complete(model: &mut Model) {
    let completed = match &model.prompt {
        Some(Prompt::Palette { input, selected }) => {
            let found = palette::suggestions(model, input.text());
            let found = found.into_iter().take(SUGGESTIONS).nth(*selected);
            found.map(|suggestion| suggestion.completed())
        }
        Some(Prompt::Filter { input, .. }) => {
            let text = input.text();
            let word = text.rsplit(' ').next().unwrap_or_default();
            let (head, not) = (&text[..text.len() - word.len()], word.starts_with('!'));
            let bare = word.trim_start_matches('!');
            let words = palette::filter_words(model);
            let found = fuzzy::nearest(bare, words, String::as_str);
            found
                .first()
                .map(|known| format!("{head}{}{known}", if not { "!" } else { "" }))
        }
        _ => None,
    };
    if let Some(text) = completed {
        edit(model, |line| *line = LineInput::with(text));
    }
}

/// The suggestion of this row takes the place of what is typed.
pub(super) fn choose_and_complete(model: &mut Model, row: usize) {
    choose(model, Motion::To(row));
    complete(model);
}

fn choose(model: &mut Model, motion: Motion) {
    if let Some(Prompt::Palette { input, selected }) = &model.prompt {
        let count = palette::suggestions(model, input.text()).len();
        let place = moved(*selected, motion, count.min(SUGGESTIONS), SUGGESTIONS);
        if let Some(Prompt::Palette { selected, .. }) = &mut model.prompt {
            *selected = place;
        }
    }
}
