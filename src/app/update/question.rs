//! A question that a key answers.

use jiff::Timestamp;

use crate::{actions::Action, app::model::Model};

/// Keys that come sooner after a question than this are those of whoever pressed for longer what it was asked by.
pub(super) const TOO_SOON_MILLISECONDS: i64 = 300;

/// What a key says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// It answers nothing, and does nothing else while the question is there.
    Nothing,
    /// It is none of the question's keys.
    Other,
}

/// What an action says to a question that was put at `put`; `held`: by a key that was never let go.
pub(super) fn answer(model: &Model, put: Timestamp, action: Action, held: bool) -> Answer {
    let too_soon = model.is_within(put, TOO_SOON_MILLISECONDS);
    match action {
        Action::Yes if held || too_soon => Answer::Nothing,
        Action::Yes => Answer::Yes,
        Action::No | Action::Back => Answer::No,
        Action::Open | Action::Complete | Action::Move(_) => Answer::Nothing,
        _ => Answer::Other,
    }
}
