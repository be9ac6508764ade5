//! The log of a pod: only what is in view is laid out, however long it is.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    actions::{Action, LogView, Mode},
    app::{
        areas::{Reach, below},
        screen::{LogScreen, LogState},
    },
    domain::rollout::LogLine,
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &LogScreen) {
    let theme = canvas.theme;
    let request = &screen.request;
    let mut title = vec![Span::styled(format!("Log of {}", request.pod), theme.title)];
    if let Some(container) = &request.container {
        title.push(Span::styled(format!("  {container}"), theme.dim));
    }
    if request.previous {
        title.push(Span::styled("  the container before", theme.warn));
    }
    if !screen.filter.is_empty() {
        title.push(Span::styled(format!("  /{}", screen.filter), theme.accent));
    }
    let inner = canvas.frame(area, Line::from(title));
    let foot = foot(canvas, screen);
    let room = inner.height.saturating_sub(1);
    canvas.put(below(inner, room, 1), foot);
    let list = below(inner, 0, room);
    let lines = screen.shown();
    if lines.is_empty() {
        let words = match &screen.state {
            LogState::Asked => "waiting for the cluster".to_owned(),
            LogState::Failed(why) => why.clone(),
            _ if !screen.filter.is_empty() => "no line has this text".to_owned(),
            LogState::Ended => "it wrote nothing".to_owned(),
            LogState::Open => "nothing has come of it yet".to_owned(),
        };
        let wrapped = text::wrap(&words, usize::from(list.width));
        let wrapped = wrapped.into_iter().map(|it| Line::styled(it, theme.dim));
        canvas.reaches(list, Reach::default());
        return canvas.lines(list, wrapped);
    }
    let height = usize::from(list.height);
    let last = last_first(canvas, &lines, screen, list);
    canvas.reaches(list, Reach { page: height, last });
    let first = if screen.follows {
        last
    } else {
        screen.first.min(last)
    };
    let mut drawn = Vec::with_capacity(height);
    for line in lines.iter().skip(first) {
        drawn.extend(laid_out(canvas, line, screen, usize::from(list.width)));
        if drawn.len() >= height {
            break;
        }
    }
    // The end of the newest line is seen, however long that is.
    if first == last && drawn.len() > height {
        drawn.drain(..drawn.len() - height);
    }
    canvas.lines(list, drawn);
}

/// The line with which the last page begins.
fn last_first(canvas: &Canvas<'_>, lines: &[&LogLine], screen: &LogScreen, area: Rect) -> usize {
    let height = usize::from(area.height);
    let mut taken = 0;
    for (index, line) in lines.iter().enumerate().rev() {
        taken += if screen.wraps {
            laid_out(canvas, line, screen, usize::from(area.width)).len()
        } else {
            1
        };
        if taken > height {
            return (index + 1).min(lines.len() - 1);
        }
    }
    0
}

/// The rows of a line.
fn laid_out(
    canvas: &Canvas<'_>,
    line: &LogLine,
    screen: &LogScreen,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let time = line.time.filter(|_| screen.times).map(text::clock);
    let time = time.map_or(String::new(), |time| format!("{time} "));
    let room = width.saturating_sub(text::width(&time)).max(1);
    let parts = if screen.wraps {
        text::wrap(&line.text, room)
    } else {
        vec![text::clip(&line.text, room, canvas.glyphs.ellipsis)]
    };
    let mut starts =
        std::iter::once(time.clone()).chain(std::iter::repeat(" ".repeat(text::width(&time))));
    parts
        .into_iter()
        .map(|part| {
            Line::from(vec![
                Span::styled(starts.next().unwrap_or_default(), theme.faint),
                Span::styled(part, theme.text),
            ])
        })
        .collect()
}

/// How it goes on, and the command that does the same.
fn foot(canvas: &Canvas<'_>, screen: &LogScreen) -> Line<'static> {
    let theme = canvas.theme;
    let (style, words) = match &screen.state {
        LogState::Asked => (theme.dim, "asked".to_owned()),
        LogState::Open if screen.follows => (theme.good, "follows".to_owned()),
        LogState::Open => (theme.warn, "held".to_owned()),
        LogState::Ended => (theme.dim, "ended".to_owned()),
        LogState::Failed(why) => (theme.bad, format!("ended: {why}")),
    };
    let mut spans = vec![
        Span::styled(words, style),
        Span::styled(
            format!("  {}", text::count(screen.lines.len(), "line")),
            theme.dim,
        ),
    ];
    if screen.lines.dropped() > 0 {
        let words = format!(", {} older ones are not kept", screen.lines.dropped());
        spans.push(Span::styled(words, theme.dim));
    }
    spans.push(Span::raw("  "));
    spans.push(canvas.key(Mode::Log, Action::ViewLog(LogView::Previous)));
    let other = if screen.request.previous {
        " the one that runs  "
    } else {
        " the container before  "
    };
    spans.push(Span::styled(other, theme.dim));
    let command = format!("$ {}", screen.request.command());
    spans.push(Span::styled(command, theme.faint));
    Line::from(spans)
}
