//! What can be done by hand to a cell, and the last question before it is, as boxes.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, prompt::name_asked, text};
use crate::{
    actions::{Action, Mode, Motion},
    app::{
        areas::{below, centred, rows},
        screen::{AgentScreen, Offer, OrderScreen},
    },
    domain::{
        age,
        agent::{AgentState, Progress},
        by_hand::{Choice, Deed},
        ids::CellKey,
    },
};

/// The widest that the boxes are.
const WIDTH: u16 = 92;
/// The most lines of what can be gone back to that are seen at once.
const CHOICES: usize = 5;
/// The most lines of one thing that the menu says: what is cut of it is marked, and the question has all.
const MOST: usize = 3;
/// All lines of it.
const WHOLE: usize = usize::MAX;
/// The width of a line's key and word, behind which stands of what it is.
const WORD: usize = 20;

/// Draws the menu: what it is about, the lines with their keys, and what comes of the selected one.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &AgentScreen) {
    let theme = canvas.theme;
    let width = area.width.saturating_sub(4).min(WIDTH);
    let inner_width = usize::from(width.saturating_sub(4));
    let offers = canvas.model.offers(&screen.cell, screen.workload);
    let selected = screen.selected.min(offers.len().saturating_sub(1));
    let mut head = states(canvas, &screen.cell, &offers, inner_width);
    let mut foot = vec![Line::default()];
    if let Some(offer) = offers.get(selected) {
        foot.extend(effect(canvas, &offer.deed, inner_width, MOST));
    }
    let workloads = canvas.model.workloads(&screen.cell).len();
    if workloads > 1 {
        let mut spans = vec![canvas.key(Mode::Agent, Action::NextPane)];
        let workload = screen.workload.min(workloads - 1);
        let words = format!(" next workload: {} of {workloads}", workload + 1);
        spans.push(Span::styled(words, theme.dim));
        foot.push(Line::from(spans));
    }
    let room = usize::from(area.height).saturating_sub(2);
    // What comes of it goes before air and before what the agents say at length.
    let mut air = 1;
    if head.len() + air + offers.len() + foot.len() > room {
        air = 0;
        foot.remove(0);
    }
    if head.len() + offers.len() + foot.len() > room {
        head.retain(|(short, _)| *short);
    }
    let fits = offers
        .len()
        .min(room.saturating_sub(head.len() + air + foot.len()).max(3));
    let height = rows(head.len() + air + fits + foot.len() + 2);
    let place = centred(area, width, height);
    canvas.clear(place);
    let title = format!("By hand: {}", screen.cell);
    let inner = canvas.frame(place, Line::styled(title, theme.title));
    let top = rows(head.len() + air).min(inner.height);
    canvas.lines(inner, head.into_iter().map(|(_, line)| line));
    let list = below(inner, top, rows(fits));
    canvas.counted_list(list, selected, offers.len(), theme.row, |canvas, index| {
        offers
            .get(index)
            .map_or_else(Line::default, |offer| line(canvas, offer, inner_width))
    });
    let rest = top + rows(fits);
    canvas.lines(below(inner, rest, inner.height), foot);
}

/// What the lines are about, once each: what brings it, its progressive delivery, its workload; `true`: it is said in any case.
fn states(
    canvas: &Canvas<'_>,
    cell: &CellKey,
    offers: &[Offer],
    width: usize,
) -> Vec<(bool, Line<'static>)> {
    let mut lines: Vec<(bool, Line<'static>)> = Vec::new();
    let mut before = String::new();
    for Offer { deed, .. } in offers {
        let whom = deed.whom();
        if whom != before {
            let said = state(canvas, cell, deed, width, MOST).into_iter();
            lines.extend(said.enumerate().map(|(index, line)| (index == 0, line)));
            before = whom;
        }
    }
    lines
}

/// How what something is done to is.
fn state(
    canvas: &Canvas<'_>,
    cell: &CellKey,
    deed: &Deed,
    width: usize,
    most: usize,
) -> Vec<Line<'static>> {
    match deed {
        Deed::Agent { agent, .. } => of_agent(canvas, agent, width, most),
        Deed::Delivery { progress, .. } => of_delivery(canvas, progress, width, most),
        Deed::Workload { at, .. } => {
            let live = canvas.model.live.cells().get(cell);
            let counts = live.and_then(|live| live.counts.get(&at.workload()));
            let ready = counts.map_or(String::new(), |counts| {
                format!("  {}/{} ready", counts.ready, counts.desired)
            });
            vec![Line::from(vec![
                Span::raw(deed.whom()),
                Span::styled(ready, canvas.theme.dim),
            ])]
        }
    }
}

/// `Kustomization flux-system/shop in edge  failing`, and its own words.
fn of_agent(
    canvas: &Canvas<'_>,
    agent: &AgentState,
    width: usize,
    most: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let style = if agent.phase.is_failing() {
        theme.bad
    } else {
        theme.dim
    };
    let whom = format!("{} {} in {}  ", agent.kind, agent.object, agent.cluster);
    let mut lines = vec![Line::from(vec![
        Span::raw(whom),
        Span::styled(agent.phase.word(), style),
    ])];
    let reason = agent.own_words().unwrap_or_default();
    let words = text::wrap_most(reason, width, most, canvas.glyphs.ellipsis).into_iter();
    let words = words.filter(|line| !line.is_empty());
    lines.extend(words.map(|line| Line::styled(line, theme.dim)));
    lines
}

/// `Rollout shop/web in hub  waiting`, and why.
fn of_delivery(
    canvas: &Canvas<'_>,
    progress: &Progress,
    width: usize,
    most: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let (by, object, cluster) = (progress.by.kind(), &progress.object, &progress.cluster);
    let mut lines = vec![Line::from(vec![
        Span::raw(format!("{by} {object} in {cluster}  ")),
        Span::styled(progress.stage.word(), theme.dim),
    ])];
    let reason = progress.reason().unwrap_or_default();
    let words = text::wrap_most(&reason, width, most, canvas.glyphs.ellipsis).into_iter();
    let words = words.filter(|line| !line.is_empty());
    lines.extend(words.map(|line| Line::styled(line, theme.dim)));
    lines
}

/// `<r> reconcile        Kustomization`, or why that makes no sense now.
fn line(canvas: &Canvas<'_>, offer: &Offer, width: usize) -> Line<'static> {
    let theme = canvas.theme;
    let word = offer.deed.word().replace("--", "").replace('-', " ");
    let key = canvas.key(Mode::Agent, Action::Tell(offer.order));
    let room = WORD.saturating_sub(text::width(&key.content));
    let word = format!(" {}", text::column(&word, room, canvas.glyphs.ellipsis));
    // Whose it is stands above.
    let of = offer.deed.whom();
    let of = of.rsplit_once(" in ").map_or("", |(of, _)| of);
    let (style, said) = match (offer.deed.objection(), &offer.deed) {
        (Some(why), _) => {
            let why = why.strip_prefix(of).unwrap_or(&why).trim_start();
            (theme.faint, format!("not now: {why}"))
        }
        (None, Deed::Agent { agent, .. }) => (theme.text, agent.kind.tool().to_owned()),
        (None, Deed::Delivery { progress, .. }) => (theme.text, progress.by.name().to_owned()),
        (None, Deed::Workload { at, .. }) => (theme.text, at.workload()),
    };
    let rest = width.saturating_sub(WORD + 2);
    Line::from(vec![
        key,
        Span::styled(word, style),
        Span::styled(text::column(&said, rest, canvas.glyphs.ellipsis), theme.dim),
    ])
}

/// What comes of it, or why it makes no sense, and the command that does the same.
fn effect(canvas: &Canvas<'_>, deed: &Deed, width: usize, most: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    let mut say = |words: &str, style| {
        let words = text::wrap_most(words, width, most, canvas.glyphs.ellipsis).into_iter();
        lines.extend(words.map(|line| Line::styled(line, style)));
    };
    match deed.objection() {
        Some(why) => say(&why, theme.warn),
        None => say(deed.effect(), theme.text),
    }
    if let Deed::Agent { agent, .. } = deed {
        let all = canvas.model.live.brought_by(agent);
        let all: Vec<String> = all.map(ToString::to_string).collect();
        if all.len() > 1 {
            let count = text::count(all.len(), "cell");
            say(
                &format!("It brings {count}: {}", all.join(", ")),
                theme.warn,
            );
        }
    }
    say(&format!("$ {}", deed.command()), theme.dim);
    lines
}

/// Draws the last question.
pub fn draw_question(canvas: &mut Canvas<'_>, area: Rect, screen: &OrderScreen) {
    let theme = canvas.theme;
    let width = area.width.saturating_sub(4).min(WIDTH);
    let inner_width = usize::from(width.saturating_sub(4));
    let (cell, deed) = (&screen.told.cell, &screen.told.deed);
    let mut lines = state(canvas, cell, deed, inner_width, WHOLE);
    lines.push(Line::default());
    lines.extend(weighed(canvas, screen, inner_width));
    lines.extend(effect(canvas, deed, inner_width, WHOLE));
    lines.extend(freeze(canvas, screen, inner_width));
    let mut foot = vec![Line::default()];
    foot.extend(asked(canvas, screen, inner_width));
    if lines.len() + foot.len() + 2 > usize::from(area.height) {
        // Words go before air.
        lines.retain(|line| line.width() > 0);
        foot.retain(|line| line.width() > 0);
    }
    let place = centred(area, width, rows(lines.len() + foot.len() + 2));
    canvas.clear(place);
    let title = format!("{} {cell}?", capital(deed.word()));
    let inner = canvas.frame(place, Line::styled(title, theme.warn));
    // What is asked stays, however much is said: keys go through that.
    let room = inner.height.saturating_sub(rows(foot.len()));
    let keys = if screen.scrolls(Motion::Down) {
        (Motion::Up, Motion::Down)
    } else {
        (Motion::PageUp, Motion::PageDown)
    };
    canvas.counted_text_by(keys, below(inner, 0, room), lines, screen.first);
    canvas.lines(below(inner, room, inner.height), foot);
}

/// What it can go back to, and who would undo it.
fn weighed(canvas: &Canvas<'_>, screen: &OrderScreen, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    let mut say = |words: &str, style| {
        let words = text::wrap(words, width).into_iter();
        lines.extend(words.map(|line| Line::styled(line, style)));
    };
    match &screen.weighed {
        None => say("asking who would undo it, and when", theme.dim),
        Some(Err(why)) => say(why, theme.bad),
        Some(Ok(weighed)) => {
            if let Some(why) = &weighed.refusal {
                say(why, theme.bad);
            }
            for undone in &weighed.undone {
                say(undone, theme.warn);
            }
        }
    }
    let choices = screen.choices();
    let first = screen.choice.saturating_sub(CHOICES - 1);
    let mut back: Vec<Line<'static>> = choices
        .iter()
        .enumerate()
        .skip(first)
        .take(CHOICES)
        .map(|(index, choice)| choice_line(canvas, choice, index == screen.choice, width))
        .collect();
    let more = choices.len().saturating_sub(CHOICES);
    if choices.len() > 1 {
        let up = canvas.key(screen.mode(), Action::Move(Motion::Up));
        let down = canvas.key(screen.mode(), Action::Move(Motion::Down));
        let words = match more {
            0 => " choose".to_owned(),
            more => format!(" choose, {more} more"),
        };
        back.push(Line::from(vec![up, down, Span::styled(words, theme.dim)]));
    }
    back.extend(lines);
    back
}

/// `> 3  registry.example.com/web:1.41.3  6d ago`
fn choice_line(
    canvas: &Canvas<'_>,
    choice: &Choice,
    selected: bool,
    width: usize,
) -> Line<'static> {
    let theme = canvas.theme;
    let since = choice.since.map(|at| age::between(at, canvas.model.now));
    let since = since.map_or(String::new(), |age| format!("  {age} ago"));
    let (mark, style) = if selected {
        ("back to ", theme.title)
    } else {
        ("        ", theme.dim)
    };
    let words = format!("{mark}{}  {}{since}", choice.number, choice.what);
    Line::styled(text::column(&words, width, canvas.glyphs.ellipsis), style)
}

/// What a freeze says, and with which reason it is lifted.
fn freeze(canvas: &Canvas<'_>, screen: &OrderScreen, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let Some(verdict) = &screen.frozen else {
        return Vec::new();
    };
    let mut lines = vec![Line::default()];
    let words = text::wrap(&verdict.detail, width).into_iter();
    lines.extend(words.map(|line| Line::styled(line, theme.bad)));
    if let Some(reason) = &screen.told.lifted {
        let words = text::wrap(&format!("lifted: {reason}"), width).into_iter();
        lines.extend(words.map(|line| Line::styled(line, theme.warn)));
    }
    lines
}

/// What is to be typed or pressed.
fn asked(canvas: &Canvas<'_>, screen: &OrderScreen, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mode = screen.mode();
    let copy = [
        canvas.key(mode, Action::Copy),
        Span::styled(" copies the command", theme.dim),
    ];
    let refused = screen.refusal().is_some();
    let mut lines = Vec::new();
    match &screen.name {
        Some(name) if mode == Mode::ConfirmName && !refused => {
            let (input, wrong) = (&screen.input, screen.wrong);
            lines.extend(name_asked(canvas, name, input, wrong, "", width));
            lines.push(Line::from(copy.to_vec()));
        }
        _ => {
            let mut spans = Vec::new();
            if screen.is_hard() {
                spans.push(Span::raw("nothing lifts it here   "));
            } else if screen.is_held() {
                spans.push(canvas.key(mode, Action::Override));
                spans.push(Span::raw(" lift it with a reason   "));
            } else if !refused {
                let word = screen.told.deed.word().replace('-', " ");
                spans.push(canvas.key(mode, Action::Yes));
                spans.push(Span::raw(format!(" {word}   ")));
            }
            let back = match mode {
                Mode::Confirm => Action::No,
                _ => Action::Back,
            };
            spans.push(canvas.key(mode, back));
            spans.push(Span::raw(" go back   "));
            spans.extend(copy);
            lines.push(Line::from(spans));
        }
    }
    lines
}

/// `hard-refresh` → `Hard refresh`.
fn capital(word: &str) -> String {
    let word = word.replace("--", "").replace('-', " ");
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
