//! Where a version has been: a row per stay, environment by environment; the selected one is told in full below.

use std::fmt::Write as _;

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, history, text};
use crate::{
    app::{
        areas::{TraceAreas, WIDE, below},
        model::Model,
        screen::{TraceScreen, trace},
        status,
    },
    domain::{
        age,
        ids::{CellKey, ServiceName},
        image,
        trace::{Arrival, Stay, Trace, TraceStop},
        version::Version,
    },
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &TraceScreen) {
    let theme = canvas.theme;
    let found = trace::of(canvas.model, screen);
    let rows = trace::rows(&found);
    let title = Line::from(vec![
        Span::styled("Trace ", theme.title),
        Span::styled(
            format!("{} {}", screen.service, screen.version),
            theme.title,
        ),
    ]);
    let inner = canvas.frame(area, title);
    let said = summary(canvas, &screen.service, &found, usize::from(inner.width));
    let above = said.len();
    canvas.lines(inner, said);

    let selected = trace::selected(&found, &rows, screen);
    let row = rows.get(selected).copied().unwrap_or_default();
    let Some(place) = found.places.get(row.0) else {
        return;
    };
    let width = usize::from(inner.width);
    let full = match trace::stay(&found, row) {
        Some(stay) => in_full(canvas, place, stay, width),
        None => not_there(canvas, screen, place, width),
    };
    let areas = TraceAreas::of(area, above, rows.len(), full.len());
    draw_list(canvas, areas.list, screen, &found, &rows, selected);
    let heading = format!("{} / {}", screen.service, place.environment);
    canvas.divide(area, areas.divider, Line::styled(heading, theme.title));
    canvas.lines(areas.full, full);
}

/// When and where it landed first, how far it has come, and what is not known of it.
fn summary(
    canvas: &Canvas<'_>,
    service: &ServiceName,
    found: &Trace,
    width: usize,
) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let reached = found.places.iter().filter(|place| !place.stays.is_empty());
    let stays = || found.places.iter().flat_map(|place| &place.stays);
    let mut lines = Vec::new();
    if let Some(first) = found.first {
        let is_first = |place: &&TraceStop| {
            let landed = place
                .stays
                .first()
                .map(|stay| stay.entry.change.landed.time);
            landed == Some(first)
        };
        let place = found.places.iter().find(is_first);
        let place = place.map_or("", |place| place.environment.as_str());
        let mut told = format!(
            "landed first {} in {place}; reached {} of {}",
            text::full(first),
            reached.count(),
            text::count(found.places.len(), "environment"),
        );
        let farthest = found.places.iter().rev().find_map(|place| {
            let stay = place.stays.first()?;
            (stay.lead_seconds > 0).then_some((place, stay.lead_seconds))
        });
        if let Some((place, seconds)) = farthest {
            let _ = write!(told, "; {} to {}", age::precise(seconds), place.environment);
        }
        lines.extend(text::wrap(&told, width).into_iter().map(Line::raw));
    }
    let doubts = match &model.history.failure {
        Some(failure) => vec![format!("the history could not be read: {}", failure.why)],
        None if !model.history.done => vec![reading(model)],
        None if model.history.shallow => vec![
            "this clone is shallow: what came before its oldest commit is not known (git fetch --unshallow)".to_owned(),
        ],
        None => trace::doubts(model, service),
    };
    let never = "no environment has ever declared it".to_owned();
    let is_nowhere = doubts.is_empty() && stays().next().is_none();
    let doubts = doubts.into_iter().chain(is_nowhere.then_some(never));
    let doubts = doubts.flat_map(|doubt| text::wrap(&doubt, width));
    lines.extend(doubts.map(|line| Line::styled(line, theme.warn)));
    lines.push(Line::default());
    lines
}

fn reading(model: &Model) -> String {
    match model.history.walked {
        0 => "the history is still being read: more may come".to_owned(),
        walked => {
            let walked = usize::try_from(walked).unwrap_or(usize::MAX);
            let walked = text::count(walked, "commit");
            format!("the history is still being read: {walked} so far, more may come")
        }
    }
}

/// Widths that all rows share.
struct Columns {
    environment: usize,
    arrived: usize,
    how: usize,
    /// 0: there is no room for it.
    who: usize,
    replaced: usize,
}

impl Columns {
    fn of(found: &Trace, width: u16) -> Self {
        let wide = width >= WIDE;
        let stays = || found.places.iter().flat_map(|place| &place.stays);
        let widest = |texts: &mut dyn Iterator<Item = usize>, least: usize, most: usize| {
            texts.max().unwrap_or(0).clamp(least, most)
        };
        let names = found.places.iter().map(|place| place.environment.as_str());
        let how = stays().map(|stay| stay.arrival.to_string());
        let who = stays().map(|stay| text::width(&stay.entry.change.authored.author));
        let replaced =
            stays().map(|stay| text::width(version(stay.entry.change.previous.as_ref())));
        Self {
            environment: widest(&mut names.map(text::width), 11, if wide { 20 } else { 12 }),
            arrived: if wide { 16 } else { 10 },
            how: widest(
                &mut how.map(|how| text::width(&how)),
                9,
                if wide { 32 } else { 24 },
            ),
            who: if wide { widest(&mut { who }, 3, 14) } else { 0 },
            replaced: if wide {
                widest(&mut { replaced }, 8, 18)
            } else {
                0
            },
        }
    }
}

fn version(version: Option<&Version>) -> &str {
    version.map_or("", Version::as_str)
}

fn draw_list(
    canvas: &mut Canvas<'_>,
    area: Rect,
    screen: &TraceScreen,
    found: &Trace,
    rows: &[trace::Row],
    selected: usize,
) {
    let columns = Columns::of(found, area.width.saturating_add(4));
    let mut heading = format!(
        "  {:environment$}  {:arrived$}  STAYED     LEAD  {:how$}",
        "ENVIRONMENT",
        "ARRIVED",
        "HOW",
        environment = columns.environment,
        arrived = columns.arrived,
        how = columns.how,
    );
    if columns.who > 0 {
        let _ = write!(
            heading,
            "  {:who$}  COMMIT   {:replaced$}  THEN",
            "WHO",
            "REPLACED",
            who = columns.who,
            replaced = columns.replaced,
        );
    }
    canvas.put(area, Line::styled(heading, canvas.theme.faint));
    let list = below(area, 1, area.height);
    let line = |canvas: &Canvas<'_>, index: usize| {
        let again = index > 0 && rows[index - 1].0 == rows[index].0;
        row_line(canvas, screen, found, rows[index], again, &columns)
    };
    canvas.list(list, selected, rows.len(), canvas.theme.cursor, line);
}

/// `✓ staging  2026-11-20 10:00  6d     +1d  promotion from dev  jane  77e01fa  1.41.3  is there`; `again`: of the
/// environment of the row above.
fn row_line(
    canvas: &Canvas<'_>,
    screen: &TraceScreen,
    found: &Trace,
    row: trace::Row,
    again: bool,
    columns: &Columns,
) -> Line<'static> {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    let place = &found.places[row.0];
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let stay = trace::stay(found, row);
    let name = if again {
        ""
    } else {
        place.environment.as_str()
    };
    let name = cut(name, columns.environment);
    let Some(stay) = stay else {
        return Line::from(vec![
            Span::raw("  "),
            Span::styled(name, theme.dim),
            Span::styled(format!("  {}", absence(model, screen, place)), theme.dim),
        ]);
    };
    let here = stay.until.is_none();
    let glyph = if here {
        let cell = CellKey::new(screen.service.clone(), place.environment.clone());
        let view = status::assess(model, &cell);
        Span::styled(
            format!("{:2}", glyphs.state(view.status.state)),
            theme.state(view.status.state),
        )
    } else {
        Span::raw("  ")
    };
    let landed = &stay.entry.change.landed;
    let arrived = if columns.who > 0 {
        text::full(landed.time)
    } else {
        text::when(landed.time, model.now)
    };
    let stayed = match stay.entry.stayed_seconds {
        Some(seconds) => age::seconds(seconds),
        None => "now".to_owned(),
    };
    let how_style = match &stay.arrival {
        Arrival::Promotion(_) => theme.moving,
        Arrival::Revert | Arrival::FastTrack(_) => theme.warn,
        Arrival::Bump | Arrival::Initial => theme.dim,
    };
    let mut spans = vec![
        glyph,
        Span::styled(name, if here { theme.good } else { theme.text }),
        Span::raw(format!("  {}", cut(&arrived, columns.arrived))),
        Span::styled(format!("  {stayed:>6}"), theme.dim),
        Span::raw(format!(
            "  {:>7}",
            format!("+{}", age::precise(stay.lead_seconds))
        )),
        Span::styled(
            format!("  {}", cut(&stay.arrival.to_string(), columns.how)),
            how_style,
        ),
    ];
    if columns.who > 0 {
        let author = &stay.entry.change.authored.author;
        let replaced = version(stay.entry.change.previous.as_ref());
        spans.extend([
            Span::styled(format!("  {}", cut(author, columns.who)), theme.dim),
            Span::styled(format!("  {}", landed.commit.short()), theme.accent),
            Span::styled(format!("  {}", cut(replaced, columns.replaced)), theme.dim),
        ]);
    }
    let then = match &stay.replaced_by {
        // In little room, that it stays now is said already.
        _ if here && columns.who == 0 => String::new(),
        Some(next) if columns.who == 0 => format!("  {}{next}", glyphs.arrow),
        _ => format!("  {}", then(stay)),
    };
    spans.push(Span::styled(then, theme.dim));
    Line::from(spans)
}

fn then(stay: &Stay) -> String {
    match (stay.until, &stay.replaced_by) {
        (None, _) => "is there".to_owned(),
        (Some(_), Some(next)) => format!("then {next}"),
        (Some(_), None) if stay.unread => "then unread".to_owned(),
        (Some(_), None) => "then removed".to_owned(),
    }
}

/// Why there is no stay: never there, never declared, or not known.
fn absence(model: &Model, screen: &TraceScreen, place: &TraceStop) -> String {
    let cell = CellKey::new(screen.service.clone(), place.environment.clone());
    let desired = model.git.desired.as_deref();
    let declared = desired.and_then(|desired| desired.cells.get(&cell));
    let now = declared.and_then(|cell| cell.version.as_ref());
    if now.is_some_and(|now| image::is_same(now, &screen.version)) {
        return "is there; how it came is not known yet".to_owned();
    }
    let unsure = if !model.history.done {
        "not seen yet"
    } else if model.history.shallow {
        "not seen in this clone's history"
    } else if model.ends_early(&cell).is_some() {
        "not seen as far as its history is known"
    } else {
        "not reached"
    };
    match (now, place.since) {
        (Some(now), Some(since)) => {
            format!("{unsure}: declares {now} since {}", text::full(since))
        }
        (Some(now), None) => format!("{unsure}: declares {now}"),
        (None, _) if declared.is_some_and(|cell| cell.unread.is_some()) => {
            format!("{unsure}: what it declares cannot be read")
        }
        (None, _) if declared.is_some() => format!("{unsure}: declares no version"),
        (None, _) => format!("{unsure}: the service is not declared there"),
    }
}

fn not_there(
    canvas: &Canvas<'_>,
    screen: &TraceScreen,
    place: &TraceStop,
    width: usize,
) -> Vec<Line<'static>> {
    let words = absence(canvas.model, screen, place);
    let lines = text::wrap(&words, width).into_iter();
    lines
        .map(|line| Line::styled(line, canvas.theme.text))
        .collect()
}

/// How it got there, what it replaced, how long it stayed, what to go back to, and the commits.
fn in_full(
    canvas: &Canvas<'_>,
    place: &TraceStop,
    stay: &Stay,
    width: usize,
) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let change = &stay.entry.change;
    let mut how = match (&stay.arrival, &change.previous) {
        (arrival, Some(previous)) => format!("{arrival}, replaced {previous}"),
        (arrival, None) => arrival.to_string(),
    };
    if let Some(lead) = &stay.lead_from {
        let _ = write!(
            how,
            "; {} after it landed in {}",
            age::precise(lead.seconds),
            lead.environment
        );
    }
    let since = text::full(change.landed.time);
    let stayed = match (stay.until, &stay.replaced_by) {
        (None, _) => format!(
            "there since {since}, {} so far",
            age::between(change.landed.time, model.now)
        ),
        (Some(until), next) => {
            let end = match next {
                Some(next) => format!("{next} replaced it"),
                None if stay.unread => "what replaced it cannot be read".to_owned(),
                None => "it was removed".to_owned(),
            };
            format!(
                "there from {since} to {}, {}; then {end}",
                text::full(until),
                age::between(change.landed.time, until)
            )
        }
    };
    let wrapped = |text: &str| {
        let lines = text::wrap(text, width).into_iter();
        lines.map(Line::raw).collect::<Vec<_>>()
    };
    let mut lines = wrapped(&how);
    lines.extend(wrapped(&stayed));
    if let Some(back) = place.go_back.as_ref().filter(|_| stay.until.is_none()) {
        lines.push(Line::from(vec![
            Span::styled("go back to ", theme.dim),
            Span::styled(version(back.change.version.as_ref()).to_owned(), theme.good),
            Span::styled(format!(" {}", back.change.landed.commit.short()), theme.dim),
            Span::styled(
                back.stayed_seconds
                    .map_or(String::new(), |ran| format!(", ran {}", age::seconds(ran))),
                theme.dim,
            ),
        ]));
    }
    if let Some(number) = change.pull_request() {
        lines.push(Line::raw(format!("pull request #{number}")));
    }
    let mut commits = history::commit(canvas, &stay.entry);
    commits.pop();
    lines.extend(commits);
    lines
}
