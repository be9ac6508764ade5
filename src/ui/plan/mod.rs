//! The plan: what changes and what does not, with verdicts; the exact bytes; what will be done.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, diff, text};
use crate::app::{
    event::{Failure, PlanView},
    geometry::WIDE,
    model::{PlanPane, PlanScreen, PlanState, Scope},
};

mod changes;
mod done;

pub use done::target;

/// Fewer lines of a diff than these say nothing.
const LEAST_BYTES: u16 = 3;

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen) {
    match &screen.state {
        PlanState::Building => {
            let inner = canvas.frame(area, Line::styled("Plan", canvas.theme.title));
            canvas.put(
                inner,
                Line::styled("reading the files and judging", canvas.theme.dim),
            );
        }
        PlanState::Failed(failure) => failed(canvas, area, failure),
        PlanState::Ready(view) => ready(canvas, area, screen, view),
    }
}

fn failed(canvas: &mut Canvas<'_>, area: Rect, failure: &Failure) {
    let theme = canvas.theme;
    let inner = canvas.frame(area, Line::styled("Plan", theme.title));
    let width = usize::from(inner.width);
    let mut lines = vec![Line::styled(failure.what.clone(), theme.bad)];
    let why = text::wrap(&failure.why, width).into_iter();
    lines.extend(why.map(|line| Line::styled(line, theme.text)));
    lines.push(Line::styled(failure.next.clone(), theme.dim));
    canvas.lines(inner, lines);
}

fn ready(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen, view: &PlanView) {
    let theme = canvas.theme;
    let title = title(canvas, screen, view);
    canvas.frame(area, title);
    let done = done::lines(canvas, view, usize::from(area.width) - 4);
    let done_height = u16::try_from(done.len()).unwrap_or(1).min(area.height / 3);
    let divider = area.height - done_height - 2;
    canvas.divide(area, divider, Line::styled("What will be done", theme.dim));
    let inside = Rect {
        x: area.x + 2,
        width: area.width - 4,
        ..area
    };
    canvas.lines(
        Rect {
            y: area.y + divider + 1,
            height: done_height,
            ..inside
        },
        done,
    );
    let upper = Rect {
        y: area.y + 1,
        height: divider.saturating_sub(1),
        ..inside
    };
    let upper = banners(canvas, upper, screen);
    if area.width >= WIDE {
        let split = area.width * 55 / 100;
        canvas.split(area, split, (0, divider));
        let left = Rect {
            width: split - 3,
            ..upper
        };
        changes::draw(canvas, left, screen, view);
        let right = Rect {
            x: area.x + split + 2,
            y: area.y + 1,
            width: area.width - split - 4,
            height: divider - 1,
        };
        bytes(canvas, right, screen, view);
    } else if screen.pane == PlanPane::Diff {
        bytes(canvas, upper, screen, view);
    } else {
        let taken = changes::draw(canvas, upper, screen, view) + 1;
        let left = upper.height.saturating_sub(taken);
        // A first look; the whole of it has a pane of its own (tab).
        if left >= LEAST_BYTES {
            let below = Rect {
                y: upper.y + taken,
                height: left,
                ..upper
            };
            changed_lines(canvas, below, view);
        }
    }
}

/// `Plan  2 changes, 3 skipped, 1 held   only what was just asked for`
fn title(canvas: &Canvas<'_>, screen: &PlanScreen, view: &PlanView) -> Line<'static> {
    let theme = canvas.theme;
    let plan = &view.plan;
    let skipped =
        plan.skipped.len() + canvas.model.staging.set_aside.len() - plan.stopping().count();
    let held = plan.held().count();
    let mut spans = vec![
        Span::styled("Plan", theme.title),
        Span::raw(format!("  {}", text::count(plan.changes.len(), "change"))),
    ];
    if skipped > 0 {
        spans.push(Span::styled(format!(", {skipped} skipped"), theme.dim));
    }
    let stopping = plan.stopping().count();
    if stopping > 0 {
        spans.push(Span::styled(
            format!(", {stopping} cannot change"),
            theme.bad,
        ));
    }
    if held > 0 {
        spans.push(Span::styled(format!(", {held} held"), theme.warn));
    }
    if held + stopping > 0 {
        let words = if canvas.model.waits_for_along() {
            " (l leaves out, c accepts what comes along)"
        } else {
            " (l leaves out)"
        };
        spans.push(Span::styled(words, theme.dim));
    }
    spans.push(Span::styled(
        match plan.writes.as_slice() {
            [] => String::new(),
            [only] => format!("  on {}", only.base.short()),
            several => format!("  on {} refs", several.len()),
        },
        theme.dim,
    ));
    if screen.leave_out_held {
        let words = "  left out: l plans all";
        spans.push(Span::styled(words, theme.staged));
    }
    if let Scope::Only(_) = screen.scope {
        let all = canvas.model.staging.requests().len();
        let words = format!("  of {all} staged: a plans all");
        spans.push(Span::styled(words, theme.staged));
    }
    Line::from(spans)
}

/// What happened since it was confirmed: the base moved, or the server refused. Gives the room below.
fn banners(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen) -> Rect {
    let theme = canvas.theme;
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    if !screen.moved.is_empty() {
        lines.push(Line::styled("The base moved. Judged again:", theme.warn));
        for change in &screen.moved {
            lines.push(Line::styled(format!("  {change}"), theme.text));
        }
    }
    if let Some((words, protected)) = &screen.refused {
        lines.push(Line::styled(
            "The push was refused; everything stays staged. The server says:",
            theme.bad,
        ));
        for word in words {
            let wrapped = text::wrap(word, width.saturating_sub(2)).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(format!("  {line}"), theme.text)));
        }
        if *protected {
            let key = Span::styled("<b>", theme.accent);
            lines.push(Line::from(vec![
                key,
                Span::styled(" delivers to a branch of its own instead", theme.text),
            ]));
        }
    }
    if lines.is_empty() {
        return area;
    }
    lines.push(Line::default());
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = wanted.min(area.height / 2);
    canvas.lines(Rect { height, ..area }, lines);
    Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    }
}

/// The lines that change, without those around them.
fn changed_lines(canvas: &mut Canvas<'_>, area: Rect, view: &PlanView) {
    let theme = canvas.theme;
    let all = view.diffs.iter().flat_map(|file| {
        let name = Line::styled(file.path.to_string(), theme.title);
        let changed = file
            .text
            .lines()
            .filter(|line| line.starts_with(['+', '-']));
        [name]
            .into_iter()
            .chain(changed.map(|line| diff::line(&theme, line)))
    });
    let lines: Vec<Line<'_>> = all.take(usize::from(area.height)).collect();
    canvas.lines(area, lines);
}

/// The exact change, file by file.
fn bytes(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen, view: &PlanView) {
    let theme = canvas.theme;
    if view.diffs.is_empty() {
        return canvas.put(area, Line::styled("no byte changes", theme.dim));
    }
    let all = view.diffs.iter().enumerate().flat_map(|(index, file)| {
        let gap = (index > 0).then(Line::default);
        let name = Line::styled(file.path.to_string(), theme.title);
        let lines = file.text.lines().map(|line| diff::line(&theme, line));
        gap.into_iter().chain([name]).chain(lines)
    });
    let shown = all.skip(screen.diff_scroll).take(usize::from(area.height));
    let lines: Vec<Line<'_>> = shown.collect();
    canvas.lines(area, lines);
}
