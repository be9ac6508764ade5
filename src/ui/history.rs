//! A cell's values over time, newest first.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, detail, text};
use crate::{
    app::{
        areas::{self, WIDE},
        model::Model,
        screen::CellScreen,
    },
    domain::{
        age,
        history::{ChangeKind, CommitInfo, HistoryEntry, unknown_words},
        ids::CellKey,
        signature::Signed,
        text::share,
    },
};

/// The least room that a subject is worth showing in.
const LEAST_SUBJECT: usize = 18;

/// Draws the list with the selected value.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen) {
    let model = canvas.model;
    let values = model.values(&screen.cell);
    if values.is_empty() {
        let words = detail::history_words(model, &screen.cell);
        canvas.put(area, Line::styled(words, canvas.theme.dim));
        return;
    }
    let columns = Columns::of(values, usize::from(area.width), 0);
    let good = model.last_good(&screen.cell);
    let heading = heading(canvas, &columns);
    canvas.put(area, heading);
    let line = |canvas: &Canvas<'_>, index: usize| {
        let ended_by = index.checked_sub(1).and_then(|next| values.get(next));
        let is_good = good == Some(index);
        let mut spans = line(canvas, &values[index], ended_by, is_good, &columns);
        let used: usize = spans.iter().map(Span::width).sum();
        if usize::from(area.width) >= used + LEAST_SUBJECT {
            let subject = values[index].change.authored.subject.clone();
            spans.push(Span::styled(format!("  {subject}"), canvas.theme.dim));
        }
        Line::from(spans)
    };
    let before = before(model, &screen.cell, usize::from(area.width));
    let (list, said) = areas::values(area, values.len(), before.len());
    canvas.list(list, screen.value, values.len(), canvas.theme.cursor, line);
    let style = canvas.theme.warn;
    let before = before.into_iter().map(|line| Line::styled(line, style));
    canvas.lines(said, before);
}

/// What is said below a cell's oldest value: why nothing is known of what was before it. No line where something is.
pub fn before(model: &Model, cell: &CellKey, width: usize) -> Vec<String> {
    let why = model.ends_early(cell);
    why.map_or(Vec::new(), |why| text::wrap(&unknown_words(why), width))
}

/// Widths that all lines of a list share.
pub struct Columns {
    version: usize,
    kind: usize,
    author: usize,
}

impl Columns {
    /// As wide as the values need, in a list that is `width` columns wide; kinds and names give way where `beside` columns are to be
    /// left for what stands behind a line.
    pub fn of(values: &[HistoryEntry], width: usize, beside: usize) -> Self {
        let wide = width >= usize::from(WIDE) / 2;
        let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let versions = &mut values.iter().map(|entry| {
            let version = entry.change.version.as_ref();
            version.map_or(8, |version| text::width(&version.brief()))
        });
        let kinds = &mut values.iter().map(|entry| match &entry.kind {
            ChangeKind::Promotion { from } => 5 + text::width(from.as_str()),
            _ => 7,
        });
        let authors = &mut values
            .iter()
            .map(|entry| text::width(&entry.change.authored.author));
        // A version that is cut is none.
        let version = longest(versions).clamp(6, if wide { 24 } else { 14 });
        let wanted = [
            longest(kinds).clamp(7, 16),
            longest(authors).clamp(4, if wide { 14 } else { 9 }),
        ];
        let room = width.saturating_sub(FIXED + version + beside);
        let fitting = share(&wanted, 2, room);
        Self {
            version,
            kind: fitting.first().copied().unwrap_or_default(),
            author: fitting.get(1).copied().unwrap_or_default(),
        }
    }
}

/// What stands in every line beside what [`Columns`] measure: when, how long, the commit, and gaps.
const FIXED: usize = 27;

/// The heading above such lines.
pub fn heading(canvas: &Canvas<'_>, columns: &Columns) -> Line<'static> {
    let words = format!(
        "{:version$}   SINCE   RAN  {:kind$}  {:author$}  COMMIT",
        "VALUE",
        "HOW",
        "WHO",
        version = columns.version,
        kind = columns.kind,
        author = columns.author,
    );
    Line::styled(words, canvas.theme.faint)
}

/// `1.41.3  Nov 15  6d   from staging  jane  77e01fa`, with what is to be known of it.
pub fn line(
    canvas: &Canvas<'_>,
    entry: &HistoryEntry,
    ended_by: Option<&HistoryEntry>,
    is_good: bool,
    columns: &Columns,
) -> Vec<Span<'static>> {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    let version = entry.change.version.as_ref();
    let none = if entry.kind == ChangeKind::Unread {
        "unread"
    } else {
        "not set"
    };
    let version = version.map_or(none.into(), |version| version.brief());
    let stayed = match entry.stayed_seconds {
        Some(seconds) => age::seconds(seconds),
        None => "now".to_owned(),
    };
    let (kind, kind_style) = detail::kind(canvas, entry);
    let reverted = ended_by.is_some_and(|next| next.kind == ChangeKind::Revert);
    let version_style = match (is_good, reverted) {
        (true, _) => theme.good,
        (_, true) => theme.bad,
        _ => theme.text,
    };
    let landed = &entry.change.landed;
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    vec![
        Span::styled(cut(&version, columns.version), version_style),
        Span::raw(format!("  {:>6}", text::when(landed.time, model.now))),
        Span::styled(format!("  {stayed:>4}"), theme.dim),
        Span::styled(format!("  {}", cut(&kind, columns.kind)), kind_style),
        Span::styled(
            format!("  {}", cut(&entry.change.authored.author, columns.author)),
            theme.dim,
        ),
        Span::styled(format!("  {}", landed.commit.short()), theme.accent),
    ]
}

/// Who wrote it and what landed it, each with its time; the subject; air.
pub fn commit(canvas: &Canvas<'_>, entry: &HistoryEntry) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let landed = &entry.change.landed;
    let authored = &entry.change.authored;
    let who = |word: &str, info: &CommitInfo| {
        Line::from(vec![
            Span::styled(word.to_owned(), theme.dim),
            Span::styled(info.commit.short(), theme.accent),
            Span::raw(format!("  {}  ", text::full(info.time))),
            Span::styled(info.author.clone(), theme.dim),
        ])
    };
    // Nothing is said of one that is not signed: most are not.
    let signed = |word: &str, info: &CommitInfo| {
        let signature = canvas.model.signatures.get(&info.commit)?;
        let style = match signature.state {
            Signed::Unsigned => return None,
            Signed::Good => theme.good,
            Signed::Bad | Signed::Revoked => theme.bad,
            Signed::Untrusted | Signed::Expired | Signed::UnknownKey | Signed::Unchecked => {
                theme.warn
            }
        };
        let indent = " ".repeat(word.len());
        Some(Line::styled(
            format!("{indent}{}", signature.words()),
            style,
        ))
    };
    let mut lines = Vec::new();
    let both = [("authored ", authored), ("landed   ", landed)];
    let one = [("", landed)];
    let told = if landed.commit == authored.commit {
        &one[..]
    } else {
        &both[..]
    };
    for (word, info) in told {
        lines.push(who(word, info));
        lines.extend(signed(word, info));
    }
    lines.push(Line::styled(authored.subject.clone(), theme.title));
    if let Some(moved) = &entry.change.moved {
        lines.push(Line::from(vec![
            Span::styled("moved    ", theme.dim),
            Span::styled(moved.authored.commit.short(), theme.accent),
            Span::styled(format!("  from {}", moved.from), theme.dim),
        ]));
    }
    lines.push(Line::default());
    lines
}
