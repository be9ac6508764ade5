//! The last question, as a box above the plan.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, plan, prompt::name_asked, text};
use crate::actions::{Action, Mode};
use crate::{
    app::{
        areas::{below, centred, rows},
        screen::ConfirmScreen,
    },
    domain::{cell::State, plan::PlannedChange, version::Version},
};

/// Lines of what is listed above the question, where there is room for air around it.
const ROOMY: usize = 8;

/// Draws it. Every change is listed, and behind them what will be done; where there is no room for all, keys scroll through
/// them, and the question stays.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &ConfirmScreen) {
    let theme = canvas.theme;
    let width = area.width.saturating_sub(4).min(76);
    let inner_width = usize::from(width.saturating_sub(4));
    let changes = changes(canvas, screen);
    let count = changes.len();
    let mut list = changes;
    list.push(Line::default());
    // Where it goes is told below.
    let done = plan::what_will_be_done(canvas, &screen.plan, inner_width);
    list.extend(done.into_iter().skip(1));
    let mut foot = vec![Line::default()];
    // What gates hold back goes where that is planned when they pass.
    if !screen.plan.plan.is_empty() {
        let target = format!("One commit, written to {}", plan::target(&screen.plan.plan));
        for line in text::wrap(&target, inner_width) {
            foot.push(Line::styled(line, theme.title));
        }
    }
    if screen.waits {
        let now = canvas.model.now;
        let waits = screen.plan.plan.waits_for();
        let waits: Vec<String> = waits.iter().take(3).map(|it| it.short(now)).collect();
        let words = format!(
            "when its gates pass, as long as this runs: {}",
            waits.join("; ")
        );
        for line in text::wrap(&words, inner_width) {
            foot.push(Line::styled(line, theme.warn));
        }
    }
    if canvas.model.setup.demo {
        foot.push(Line::styled("in the demo's own repository", theme.dim));
    }
    foot.push(Line::default());
    question(canvas, screen, inner_width, &mut foot);
    if usize::from(area.height) < list.len().min(ROOMY) + foot.len() + 2 {
        // Words go before air.
        foot.retain(|line| line.width() > 0);
    }
    let height = rows(list.len() + foot.len() + 2);
    let place = centred(area, width, height);
    canvas.clear(place);
    let title = format!("Write {}?", text::count(count, "change"));
    let inner = canvas.frame(place, Line::styled(title, theme.warn));
    let room = inner.height.saturating_sub(rows(foot.len()));
    canvas.counted_text(below(inner, 0, room), list, screen.first);
    canvas.lines(below(inner, room, inner.height), foot);
}

/// `+ checkout  prod-eu  1.41.3→1.42.0`, a line each.
fn changes(canvas: &Canvas<'_>, screen: &ConfirmScreen) -> Vec<Line<'static>> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let changes = screen.plan.plan.promised();
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0).min(24);
    let cells = || changes.iter().map(|change| &change.cell);
    let services = widest(&mut cells().map(|cell| text::width(cell.service.as_str())));
    let columns = widest(&mut cells().map(|cell| text::width(cell.environment.as_str())));
    let version = |version: Option<&Version>| {
        version.map_or("inherited".to_owned(), |version| {
            version.brief().into_owned()
        })
    };
    let line = |change: &PlannedChange| {
        let environment = &change.cell.environment;
        let style = if canvas.model.is_protected(environment) {
            theme.warn
        } else {
            theme.dim
        };
        let from = version(change.from.as_ref());
        Line::from(vec![
            Span::styled(format!("{} ", glyphs.staged), theme.staged),
            Span::raw(cut(change.cell.service.as_str(), services)),
            Span::styled(format!("  {}  ", cut(environment.as_str(), columns)), style),
            Span::styled(format!("{from}{}", glyphs.arrow), theme.dim),
            Span::styled(version(change.to.as_ref()), theme.staged),
        ])
    };
    changes.iter().map(line).collect()
}

fn question(
    canvas: &Canvas<'_>,
    screen: &ConfirmScreen,
    width: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let Some(name) = screen.names.get(screen.typed) else {
        lines.push(Line::from(vec![
            canvas.key(Mode::Confirm, Action::Yes),
            Span::raw(if screen.waits {
                " let it wait   "
            } else {
                " write it   "
            }),
            canvas.key(Mode::Confirm, Action::No),
            Span::raw(" go back"),
        ]));
        return;
    };
    for done in &screen.names[..screen.typed] {
        let glyph = canvas.glyphs.state(State::Healthy);
        lines.push(Line::styled(format!("{glyph} {done}"), theme.good));
    }
    let left = screen.names.len() - screen.typed;
    let more = if left > 1 {
        format!(" (then {})", text::count(left - 1, "more name"))
    } else {
        String::new()
    };
    let (input, wrong) = (&screen.input, screen.wrong);
    lines.extend(name_asked(canvas, name, input, wrong, &more, width));
}
