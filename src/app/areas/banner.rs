//! The failure that stands until it is dismissed, wrapped.

use ratatui::layout::Rect;

use super::TALL;
use crate::{
    actions::{Action, Mode},
    app::{
        model::Model,
        screen::{PlanScreen, PlanState, Screen},
    },
    domain::{age, delivery::DeliveryId, text},
};

/// The words of the failure that stands, in its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// When, what, why and what to do next; cut where that is longer than there is room, with an ellipsis.
    pub lines: Vec<String>,
    /// What stands at the right end of the first line: the key that shows all of it or takes it away, and how many wait.
    pub hint: String,
    /// What failed is not declared any more.
    pub superseded: bool,
}

/// Columns before the words and between them and the hint.
const AIR: usize = 5;

impl Banner {
    /// The banner in a terminal of `area`; `None`: nothing stands, or the screen says it itself.
    pub fn of(model: &Model, area: Rect) -> Option<Self> {
        let (standing, waiting) = model.activity.standing()?;
        if standing.delivery.is_some() && shown(model).as_ref() == standing.delivery.as_ref() {
            return None;
        }
        let mode = model.mode();
        let mut hint = match mode {
            Mode::Matrix => format!("{} dismisses", model.key(mode, Action::Back)),
            Mode::Activity => format!("{} dismisses", model.key(mode, Action::Dismiss)),
            _ => format!("{} shows it", model.key(mode, Action::Activity)),
        };
        if waiting > 0 {
            hint = format!("{hint}  +{waiting} more");
        }
        let failure = &standing.failure;
        let mut words = format!("{}: {}", failure.what, failure.why);
        if let Some(at) = standing.superseded {
            words = format!("{words}; superseded {}", age::clock(at));
        } else if !failure.next.is_empty() {
            words = format!("{words}; {}", failure.next);
        }
        let words = format!("{} {words}", age::clock(standing.at));
        let most = match area.height {
            ..TALL => 1,
            height => usize::from(height / 6).min(4),
        };
        let room = usize::from(area.width).saturating_sub(text::width(&hint) + AIR);
        Some(Self {
            lines: wrapped(model, &words, room, most),
            hint,
            superseded: standing.superseded.is_some(),
        })
    }
}

/// The passing word in its lines in a terminal of `area`; none where nothing was said.
pub fn passing(model: &Model, area: Rect) -> Vec<String> {
    let Some((_, word)) = &model.word else {
        return Vec::new();
    };
    let most = usize::from(area.height / 6).clamp(1, 3);
    let room = usize::from(area.width).saturating_sub(2);
    wrapped(model, word, room, most)
}

/// Words in lines of `room` columns, at most so many: the last ends with an ellipsis where there were more.
fn wrapped(model: &Model, words: &str, room: usize, most: usize) -> Vec<String> {
    let mut lines = text::wrap(words, room.max(10));
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        let ellipsis = if model.setup.look.ascii { "..." } else { "…" };
        lines.push(text::clip(&rest, room, ellipsis));
    }
    lines
}

/// The delivery whose failure the visible screen tells in full: its own, or the plan that was refused.
fn shown(model: &Model) -> Option<DeliveryId> {
    match model.screens.iter().rfind(|screen| !screen.is_box())? {
        Screen::Delivery(screen) => Some(screen.id.clone()),
        Screen::Plan(PlanScreen {
            state: PlanState::Ready(view),
            ..
        }) => Some(model.refusal_of(&view.plan)?.delivery.clone()),
        _ => None,
    }
}
