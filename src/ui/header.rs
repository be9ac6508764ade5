//! The first two rows: where we are and whether we may write; what is broken and what is not to be trusted.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    canvas::Canvas,
    text::{self, width},
};
use crate::{
    actions::{Action, Mode},
    app::{
        areas::WIDE,
        layouts::LayoutsBy,
        model::{Model, WriteMode},
        op_queue::Operation,
    },
    domain::{age, cell::State, rollout::Connection},
    look,
};

/// A part of the first row; larger importance stays longer when there is little room.
struct Part {
    importance: u8,
    spans: Vec<Span<'static>>,
}

/// How much longer than which parts the clock stays.
const CLOCK: u8 = 3;

/// Draws the first row.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect) {
    let theme = canvas.theme;
    let model = canvas.model;
    let wide = area.width >= WIDE;
    let clock = format!("{} ", text::clock(model.now));
    let mut parts = vec![
        Part {
            importance: 1,
            spans: vec![Span::styled("tidegate", theme.title)],
        },
        Part {
            importance: 5,
            spans: repository(canvas),
        },
    ];
    if let Some(clusters) = clusters(model, wide) {
        parts.push(Part {
            importance: 4,
            spans: vec![clusters.patch_style(theme.dim)],
        });
    }
    let (mode, style) = match model.setup.write {
        WriteMode::ReadOnly => ("READ-ONLY", theme.accent),
        WriteMode::Locked => ("READ-ONLY (locked)", theme.accent),
        WriteMode::Write => (" WRITE ", theme.write),
    };
    parts.push(Part {
        importance: 9,
        spans: vec![Span::styled(mode, style)],
    });
    let by = match &model.setup.layouts {
        LayoutsBy::Written => None,
        LayoutsBy::Draft => Some(("DRAFT", theme.warn)),
        LayoutsBy::Guessed(_) if model.offer.is_some() => {
            Some(("GUESSED, better one: :layouts", theme.staged))
        }
        LayoutsBy::Guessed(_) => Some(("GUESSED", theme.warn)),
    };
    if let Some((words, style)) = by {
        parts.push(Part {
            importance: 6,
            spans: vec![Span::styled(words, style)],
        });
    }
    let staged = model.staging.requests().len();
    if staged > 0 {
        parts.push(Part {
            importance: 8,
            spans: vec![Span::styled(format!("staged {staged}"), theme.staged)],
        });
    }
    if let Some(waits) = waiting(model) {
        parts.push(Part {
            importance: 7,
            spans: vec![Span::styled(waits, theme.staged)],
        });
    }
    if let Some(delivery) = delivery(model) {
        parts.push(Part {
            importance: 6,
            spans: vec![Span::styled(delivery, theme.moving)],
        });
    }
    if let Some(busy) = busy(model) {
        parts.push(Part {
            importance: 2,
            spans: vec![Span::styled(busy, theme.faint)],
        });
    }
    let gap = if wide { "   " } else { "  " };
    let mut clock = Some(clock);
    loop {
        let taken = clock.as_ref().map_or(0, |clock| width(clock));
        let room = usize::from(area.width).saturating_sub(taken + 1);
        if parts.len() <= 1 || total(&parts, gap) <= room {
            break;
        }
        let parts_left = (0..parts.len()).min_by_key(|index| parts[*index].importance);
        let least = parts_left.unwrap_or(0);
        if parts[least].importance > CLOCK && clock.is_some() {
            clock = None;
        } else {
            parts.remove(least);
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::raw(gap));
        }
        spans.extend(part.spans);
    }
    canvas.put(area, Line::from(spans));
    if let Some(clock) = clock {
        canvas.put_right(area, Line::styled(clock, theme.dim));
    }
}

fn total(parts: &[Part], gap: &str) -> usize {
    let spans = parts.iter().flat_map(|part| &part.spans);
    let words: usize = spans.map(Span::width).sum();
    words + 1 + width(gap) * parts.len().saturating_sub(1)
}

/// `platform-deploy main@a1b2c3d 12s`
fn repository(canvas: &Canvas<'_>) -> Vec<Span<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let name = model.setup.repository.clone();
    let mut spans = vec![Span::styled(name, theme.text)];
    let Some(base) = &model.git.base else {
        let word = match &model.git.failure {
            Some(_) => Span::styled(" cannot be read", theme.bad),
            None => Span::styled(" reading", theme.faint),
        };
        spans.push(word);
        return spans;
    };
    let place = if let Some(tip) = base.only() {
        format!(" {}@{}", tip.branch(), tip.commit.short())
    } else {
        let names: Vec<String> = base.tips.iter().map(|tip| tip.name.to_string()).collect();
        format!(" {}", names.join(", "))
    };
    spans.push(Span::styled(place, theme.accent));
    let (age, style) = match (model.git.remembered, base.fetched_at) {
        (Some(kept), _) => {
            let age = age::between(kept, model.now);
            (format!(" remembered {age} ago"), theme.warn)
        }
        (None, _) if base.is_local() => (" local".to_owned(), theme.dim),
        (None, Some(fetched)) => {
            let age = age::between(fetched, model.now);
            let late = model.git.fetch_failure.is_some();
            let style = if late { theme.warn } else { theme.dim };
            let word = if late { " not fetched for " } else { " " };
            (format!("{word}{age}"), style)
        }
        (None, None) => (" not fetched".to_owned(), theme.warn),
    };
    spans.push(Span::styled(age, style));
    spans
}

fn clusters(model: &Model, wide: bool) -> Option<Span<'static>> {
    let configured = model.live.connections.values();
    let configured = configured.filter(|c| **c != Connection::Unconfigured);
    let (mut live, mut all) = (0, 0);
    for connection in configured {
        all += 1;
        live += usize::from(*connection == Connection::Live);
    }
    let word = if wide { "clusters " } else { "" };
    (all > 0).then(|| Span::raw(format!("{word}{live}/{all} live")))
}

fn delivery(model: &Model) -> Option<String> {
    let counts = model.deliveries.under_way();
    let counts = counts.map(|delivery| (delivery.healthy(), delivery.cells.len()));
    let sum = counts.reduce(|(done, all), (more, others)| (done + more, all + others));
    sum.map(|(done, all)| format!("delivering {done}/{all}"))
}

/// `waits for window of web / prod, until Mon 05:00 UTC (in 3h)`
fn waiting(model: &Model) -> Option<String> {
    let waits = model.waiting.as_ref()?.waits_for();
    let first = waits.first()?.short(model.now);
    let more = match waits.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    Some(format!("waits for {first}{more}"))
}

fn busy(model: &Model) -> Option<String> {
    let running = |operation| model.operations.is_running(operation);
    if running(Operation::Fetch) {
        Some("fetching".to_owned())
    } else if running(Operation::History) && !model.history.done {
        Some(format!("history {}", model.history.walked))
    } else {
        None
    }
}

/// Draws the second row: counts by glyph, and the columns that are in trouble.
pub fn draw_summary(canvas: &mut Canvas<'_>, area: Rect) {
    let theme = canvas.theme;
    let mut spans = vec![Span::raw(" ")];
    let counts = counts(canvas.model);
    let alone = canvas.model.matrix.counts.get(&State::GitOnly);
    if let (true, Some(cells)) = (counts.is_empty(), alone) {
        let words = format!("{}, Git alone ", text::count(*cells, "cell"));
        spans.push(Span::styled(words, theme.dim));
    }
    let skews = canvas.model.skews.counts();
    let skewed = skews
        .iter()
        .map(|(skew, count)| (look::skew_word(*skew), count));
    let words = counts
        .iter()
        .map(|(state, count)| (look::of(*state).word, count));
    let words = words.chain(skewed);
    let worded: usize = words
        .map(|(word, count)| format!("x{count} {word} ").len())
        .sum();
    let trouble = trouble(canvas);
    // In little room the worst keeps its word, and the troubled column gets the rest.
    let room = usize::from(area.width);
    let words = worded + 3 <= room && (area.width >= WIDE || trouble.is_none());
    for (index, (state, count)) in counts.into_iter().enumerate() {
        let glyph = canvas.glyphs.state(state);
        let quiet = state == State::Healthy;
        let text = if (words || index == 0) && !quiet {
            format!("{glyph}{count} {}", look::of(state).word)
        } else {
            format!("{glyph}{count}")
        };
        spans.push(Span::styled(
            text.trim_start().to_owned(),
            theme.state(state),
        ));
        spans.push(Span::raw(" "));
    }
    for (skew, count) in skews {
        let glyph = canvas.glyphs.skew_glyph(*skew);
        let text = if words {
            format!("{glyph}{count} {}", look::skew_word(*skew))
        } else {
            format!("{glyph}{count}")
        };
        spans.push(Span::styled(text, theme.moving));
        spans.push(Span::raw(" "));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    canvas.put(area, Line::from(spans));
    let rest = usize::from(area.width).saturating_sub(used + 3);
    if let Some((trouble, style)) = trouble
        && rest >= 12
    {
        let line = text::clip(&trouble, rest, canvas.glyphs.ellipsis);
        canvas.put_right(area, Line::styled(format!("{line} "), style));
    }
}

/// How many cells are in each state, worst first; what is only Git's is not counted.
fn counts(model: &Model) -> Vec<(State, usize)> {
    let of_git = [State::GitOnly, State::Unread, State::NotSet];
    let shown = State::ALL.into_iter();
    shown
        .filter(|state| !of_git.contains(state))
        .filter_map(|state| Some((state, *model.matrix.counts.get(&state)?)))
        .collect()
}

/// No server is left alone for longer, in seconds.
const LONGEST_WAIT: i64 = 300;

/// What is wrong with whole columns, or with what is read: the first, and how many more.
fn trouble(canvas: &Canvas<'_>) -> Option<(String, Style)> {
    let (model, theme) = (canvas.model, canvas.theme);
    let mut found = Vec::new();
    if let Some((what, since)) = &model.waits {
        let age = age::between(*since, model.now);
        found.push((
            format!("{what} {} {age}", canvas.glyphs.ellipsis),
            theme.warn,
        ));
    }
    if model.trust.is_some() {
        let words = "the changed configuration is not in force: :trust".to_owned();
        found.push((words, theme.warn));
    }
    for (environment, connection) in &model.live.connections {
        match connection {
            Connection::Lost {
                reason, next_try, ..
            } => {
                // No wait is longer than a minute or five; one that seems to be has been planned by another clock.
                let again = next_try.map(|at| match at.as_second() - model.now.as_second() {
                    wait @ 1..=LONGEST_WAIT => format!(", again in {}", age::seconds(wait)),
                    _ => ", trying again".to_owned(),
                });
                let again = again.unwrap_or_default();
                found.push((format!("{environment}: {reason}{again}"), theme.warn));
            }
            Connection::Denied { what } => {
                found.push((format!("{environment}: no access: {what}"), theme.unknown));
            }
            Connection::Unconfigured | Connection::Connecting | Connection::Live => {}
        }
    }
    if let Some(failure) = &model.git.fetch_failure {
        found.push((format!("{}: {}", failure.what, failure.why), theme.warn));
    }
    let problems = model.git.desired.as_ref().map_or(0, |d| d.problems.len());
    if problems > 0 {
        let key = model.key(Mode::Matrix, Action::Activity);
        let text = format!("{} in files: {key}", text::count(problems, "problem"));
        found.push((text, theme.warn));
    }
    if let Some(said) = model.setup.layouts.said() {
        found.push((said.to_owned(), theme.dim));
    }
    let more = found.len().saturating_sub(1);
    let (first, style) = found.into_iter().next()?;
    let text = if more > 0 {
        format!("{first}  +{more} more")
    } else {
        first
    };
    Some((text, style))
}
