//! The last rows: a failure until it is dismissed, the last command that ran, the keys.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    actions::{Action, Mode, Press},
    app::{
        areas::{self, Bands, Banner, Spot, WIDE},
        layouts::LayoutsBy,
        model::Prompt,
    },
    domain::cell::State,
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, bands: Bands) {
    if let Some(place) = bands.banner {
        banner(canvas, place);
    }
    if let Some(place) = bands.command {
        command(canvas, place);
    }
    match &canvas.model.prompt {
        Some(Prompt::Quit) => quit(canvas, bands.keys),
        Some(Prompt::Trust(_)) => trust(canvas, bands.keys),
        Some(Prompt::Forge(what, _)) => on_forge(canvas, bands.keys, &what.words()),
        Some(Prompt::Own(run, _)) => own(canvas, bands.keys, &run.line()),
        Some(Prompt::Copy { .. }) => hints(canvas, bands.keys, Mode::Copy),
        Some(_) => {}
        None => hints(canvas, bands.keys, canvas.model.mode()),
    }
}

/// `✗ 14:02:11 delivery: refused: the server's words   esc dismisses  +1`, in as many lines as it has.
fn banner(canvas: &mut Canvas<'_>, area: Rect) {
    let theme = canvas.theme;
    let Some(banner) = Banner::of(canvas.model, canvas.model.area()) else {
        return;
    };
    let style = if banner.superseded {
        theme.dim
    } else {
        theme.bad
    };
    let glyph = canvas.glyphs.state(State::Degraded);
    let starts = std::iter::once(format!(" {glyph} ")).chain(std::iter::repeat("   ".to_owned()));
    let lines = starts.zip(banner.lines);
    let lines = lines.map(|(start, words)| Line::styled(format!("{start}{words}"), style));
    canvas.lines(area, lines);
    canvas.put_right(area, Line::styled(format!("{} ", banner.hint), theme.dim));
}

/// A passing word, else `$ git fetch origin main   ok 0.4s   14:01:59`.
fn command(canvas: &mut Canvas<'_>, area: Rect) {
    let (model, theme) = (canvas.model, canvas.theme);
    let said = areas::passing(model, model.area());
    if !said.is_empty() {
        let lines = said.into_iter();
        canvas.lines(
            area,
            lines.map(|line| Line::styled(format!(" {line}"), theme.warn)),
        );
        return;
    }
    let Some(ran) = &model.ran else { return };
    let style = if ran.ok { theme.good } else { theme.bad };
    let end = vec![
        Span::styled(ran.outcome.clone(), style),
        Span::styled(
            format!(" {:.1}s   {} ", ran.took.as_secs_f64(), text::clock(ran.at)),
            theme.faint,
        ),
    ];
    let end = Line::from(end);
    let taken = u16::try_from(end.width() + 3).unwrap_or(u16::MAX);
    let shown = format!(" $ {}", ran.line);
    let line = Rect {
        width: area.width.saturating_sub(taken),
        ..area
    };
    let wanted = u16::try_from(text::width(&shown)).unwrap_or(u16::MAX);
    canvas.put(line, Line::styled(shown, theme.dim));
    let after = Rect {
        x: area.x + wanted.min(line.width) + 3,
        width: taken.min(area.width),
        ..area
    };
    canvas.put(after, end);
}

/// What leaving leaves behind that is no file of the repository's yet.
const UNSAVED: &str = "your draft of the layouts is not saved; it is kept";

fn quit(canvas: &mut Canvas<'_>, area: Rect) {
    let (model, theme) = (canvas.model, canvas.theme);
    let staged = model.staging.requests().len();
    let under_way = model.deliveries.under_way().next().is_some();
    let demo = model.setup.demo;
    let goes_on = if demo {
        "a delivery is under way; it ends with the demo"
    } else {
        "a delivery is under way; the next start takes it up again"
    };
    let changes = text::count(staged, "change");
    let what = match (staged, under_way) {
        (0, _) => goes_on.to_owned(),
        (_, true) => format!("a delivery is under way, {changes} staged"),
        (_, false) if demo => format!("{changes} staged: gone with the demo"),
        (1, false) => format!("{changes} stays staged for the next start"),
        (_, false) => format!("{changes} stay staged for the next start"),
    };
    let draft = model.setup.layouts == LayoutsBy::Draft;
    let what = match (staged, under_way) {
        (0, false) if draft => UNSAVED.to_owned(),
        _ if draft => format!("{what}; {UNSAVED}"),
        _ => what,
    };
    // The keys first: there may be room for nothing else.
    let spans = vec![
        Span::styled(" Leave? ", theme.warn),
        canvas.key(Mode::Question, Action::Yes),
        Span::raw(" leave "),
        canvas.key(Mode::Question, Action::No),
        Span::raw(" stay   "),
        Span::styled(what, theme.warn),
    ];
    canvas.put(area, Line::from(spans));
}

/// A dangerous command is asked about: the keys first, as it may be long.
fn on_forge(canvas: &mut Canvas<'_>, area: Rect, words: &str) {
    let spans = vec![
        Span::styled(
            format!(" {}? ", crate::domain::text::sanitise(words)),
            canvas.theme.warn,
        ),
        canvas.key(Mode::Question, Action::Yes),
        Span::raw(" yes "),
        canvas.key(Mode::Question, Action::No),
        Span::raw(" no"),
    ];
    canvas.put(area, Line::from(spans));
}

fn own(canvas: &mut Canvas<'_>, area: Rect, line: &str) {
    let spans = vec![
        Span::styled(" Run it? ", canvas.theme.warn),
        canvas.key(Mode::Question, Action::Yes),
        Span::raw(" run "),
        canvas.key(Mode::Question, Action::No),
        Span::raw(" do not   "),
        Span::styled(
            format!("$ {}", crate::domain::text::sanitise(line)),
            canvas.theme.dim,
        ),
    ];
    canvas.put(area, Line::from(spans));
}

fn trust(canvas: &mut Canvas<'_>, area: Rect) {
    let (yes, no) = (Action::Yes, Action::No);
    let keeps = [
        canvas.key(Mode::Question, no),
        Span::raw(" keep the old one"),
    ];
    let spans: Vec<Span<'_>> = if canvas.model.shows_all_to_trust() {
        let allows = [
            Span::styled(" Allow exactly this?  ", canvas.theme.warn),
            canvas.key(Mode::Question, yes),
            Span::raw(" allow "),
        ];
        allows.into_iter().chain(keeps).collect()
    } else {
        // The key first: there may be room for nothing else.
        let words = "   Enlarge the screen to see all, or use `tidegate trust`";
        let words = Span::styled(words, canvas.theme.warn);
        let start = std::iter::once(Span::raw(" "));
        start.chain(keeps).chain([words]).collect()
    };
    canvas.put(area, Line::from(spans));
}

/// Keys worth knowing here, from the keymap; as many as fit, whole ones only, help always.
fn hints(canvas: &mut Canvas<'_>, area: Rect, mode: Mode) {
    let (model, theme) = (canvas.model, canvas.theme);
    let rows = model.setup.keymap.rows(mode);
    // A key that answers to a state of the plan, or of the delivery, is a hint only then.
    let (waits, held) = (model.waits_for_along(), model.is_held());
    let failed = model.shows_what_failed();
    let rows = rows.filter(|(row, _)| match row.action {
        Action::AcceptAlong => waits,
        Action::Override => held,
        Action::WhenEligible => held || model.waiting.is_some(),
        Action::RevertFailed | Action::RevertBatch => failed,
        _ => true,
    });
    let parts: Vec<(Line<'static>, bool, Option<Press>)> = rows
        .filter(|(row, keys)| !row.hint.is_empty() && !keys.is_empty())
        .map(|(row, keys)| {
            let keep = matches!(row.name, "help" | "quit" | "back-screen" | "cancel");
            let word = match area.width {
                WIDE.. => row.hint,
                _ => row.hint.split(' ').next().unwrap_or_default(),
            };
            // What writes is answered by a key alone.
            let clicked = (row.action != Action::Yes).then_some(keys[0]);
            (hint(canvas, word, keys[0]), keep, clicked)
        })
        .collect();
    let mut left = usize::from(area.width).saturating_sub(1);
    let kept = parts.iter().filter(|(_, keep, _)| *keep);
    left = left.saturating_sub(kept.map(|(line, ..)| line.width() + 1).sum());
    let mut spans = Vec::new();
    let mut x = area.x;
    for (line, keep, clicked) in parts {
        let wanted = line.width() + 1;
        if !keep && wanted > left {
            continue;
        }
        left -= if keep { 0 } else { wanted };
        let place = Rect {
            x: x + 1,
            width: areas::rows(line.width()),
            ..area
        };
        x = place.x + place.width;
        if let Some(press) = clicked {
            canvas.zone(place, Spot::Key(press));
        }
        spans.push(Span::raw(" "));
        spans.extend(line.spans);
    }
    canvas.put(area, Line::from(spans).style(theme.dim));
}

/// `<p>romote here` where the word begins with the key, else `<enter> detail`.
fn hint(canvas: &Canvas<'_>, word: &str, key: Press) -> Line<'static> {
    let key = key.to_string();
    let word = match word.strip_prefix(key.as_str()) {
        Some(rest) if key.chars().count() == 1 => rest.to_owned(),
        _ => format!(" {word}"),
    };
    let key = Span::styled(format!("<{key}>"), canvas.theme.accent);
    Line::from(vec![key, Span::raw(word)])
}
