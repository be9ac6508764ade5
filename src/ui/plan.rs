//! The plan: what changes and what does not, with verdicts; the exact bytes; what will be done.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, diff, text};
use crate::{
    app::{
        event::{Failure, PlanView},
        geometry::WIDE,
        model::{Model, PlanPane, PlanScreen, PlanState, Scope},
    },
    domain::{
        plan::{Intent, Outcome, PlannedChange, Skip, Verdict},
        rollout::Connection,
        topology::Deliver,
        version::Version,
    },
};

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
    let done = done_lines(canvas, view, usize::from(area.width) - 4);
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
        changes(
            canvas,
            Rect {
                width: split - 3,
                ..upper
            },
            screen,
            view,
        );
        bytes(
            canvas,
            Rect {
                x: area.x + split + 2,
                y: area.y + 1,
                width: area.width - split - 4,
                height: divider - 1,
            },
            screen,
            view,
        );
    } else if screen.pane == PlanPane::Diff {
        bytes(canvas, upper, screen, view);
    } else {
        changes(canvas, upper, screen, view);
    }
}

/// `Plan  2 changes, 3 skipped, 1 held   only what was just asked for`
fn title(canvas: &Canvas<'_>, screen: &PlanScreen, view: &PlanView) -> Line<'static> {
    let theme = canvas.theme;
    let plan = &view.plan;
    let skipped = plan.skipped.len() + canvas.model.staging.set_aside.len();
    let held = plan.held().count();
    let mut spans = vec![
        Span::styled("Plan", theme.title),
        Span::raw(format!("  {}", text::count(plan.changes.len(), "change"))),
    ];
    if skipped > 0 {
        spans.push(Span::styled(format!(", {skipped} skipped"), theme.dim));
    }
    if held > 0 {
        spans.push(Span::styled(format!(", {held} held"), theme.warn));
    }
    spans.push(Span::styled(
        format!("  on {}", plan.base.short()),
        theme.dim,
    ));
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

fn changes(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen, view: &PlanView) {
    let plan = &view.plan;
    let aside = &canvas.model.staging.set_aside;
    let rows = plan.changes.len() + plan.skipped.len() + aside.len();
    let verdicts = plan
        .changes
        .get(screen.change)
        .map_or(0, |c| c.verdicts.len() * 2);
    let below = u16::try_from(verdicts + 3)
        .unwrap_or(8)
        .min(area.height / 2);
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX);
    let list = (area.height - below).min(wanted);
    let skipped = plan.skipped.iter().chain(aside);
    let cells = plan.changes.iter().map(|change| &change.cell);
    let cells = cells.chain(skipped.clone().map(|skip| &skip.cell));
    let (mut service, mut environment) = (8, 4);
    for cell in cells {
        service = service.max(text::width(cell.service.as_str()).min(24));
        environment = environment.max(text::width(cell.environment.as_str()).min(14));
    }
    let skipped: Vec<&Skip> = skipped.collect();
    let shown = text::window(screen.change, rows, usize::from(list));
    for (y, index) in (area.y..).zip(shown) {
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        let selected = index == screen.change;
        let line = match plan.changes.get(index) {
            Some(change) => change_line(canvas, change, (service, environment)),
            None => match skipped.get(index - plan.changes.len()) {
                Some(skip) => skip_line(canvas, skip, (service, environment)),
                None => continue,
            },
        };
        canvas.put(place, line);
        if selected {
            let style = match screen.pane {
                PlanPane::Changes => canvas.theme.cursor,
                PlanPane::Diff => canvas.theme.row,
            };
            canvas.tint(place, style);
        }
    }
    let detail = Rect {
        y: area.y + list,
        height: below,
        ..area
    };
    let after = screen.change.saturating_sub(plan.changes.len());
    if let Some(change) = plan.changes.get(screen.change) {
        verdicts_below(canvas, detail, change);
    } else if let Some(skip) = skipped.get(after) {
        skip_below(canvas, detail, skip);
    }
}

fn version(version: Option<&Version>) -> String {
    version.map_or("inherited".to_owned(), ToString::to_string)
}

/// `+ checkout  prod-eu  1.41.3→1.42.0  from staging  ✓✓`
fn change_line(
    canvas: &Canvas<'_>,
    change: &PlannedChange,
    widths: (usize, usize),
) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let from = version(change.from.as_ref());
    let to = version(change.to.as_ref());
    let (glyph, style) = if change.is_held() {
        ("=", theme.warn)
    } else {
        (glyphs.staged, theme.staged)
    };
    let kind = match &change.intent {
        Intent::Promote { from } => format!("from {from}"),
        Intent::Set { .. } => "set by hand".to_owned(),
        Intent::Revert { .. } => "revert".to_owned(),
    };
    let mut spans = vec![
        Span::styled(format!("{glyph} "), style),
        Span::raw(cut(change.cell.service.as_str(), widths.0)),
        Span::styled(
            format!("  {}  ", cut(change.cell.environment.as_str(), widths.1)),
            if canvas.model.is_protected(&change.cell.environment) {
                theme.warn
            } else {
                theme.dim
            },
        ),
        Span::styled(format!("{from}{}", glyphs.arrow), theme.dim),
        Span::styled(to, theme.staged),
        Span::styled(format!("  {kind}"), theme.dim),
    ];
    for verdict in &change.verdicts {
        let (word, style) = outcome(canvas, verdict);
        if verdict.outcome != Outcome::Pass {
            let words = format!("  {}: {word}", verdict.gate);
            spans.push(Span::styled(words, style));
        }
    }
    Line::from(spans)
}

fn skip_line(canvas: &Canvas<'_>, skip: &Skip, widths: (usize, usize)) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let cause = skip.cause.as_str().replace('-', " ");
    Line::from(vec![
        Span::styled("- ", theme.faint),
        Span::styled(cut(skip.cell.service.as_str(), widths.0), theme.dim),
        Span::styled(
            format!("  {}  ", cut(skip.cell.environment.as_str(), widths.1)),
            theme.faint,
        ),
        Span::styled(format!("skipped: {cause}"), theme.dim),
    ])
}

fn outcome(canvas: &Canvas<'_>, verdict: &Verdict) -> (&'static str, ratatui::style::Style) {
    let theme = canvas.theme;
    match verdict.outcome {
        _ if verdict.overridden.is_some() => ("lifted", theme.warn),
        Outcome::Pass => ("pass", theme.good),
        Outcome::Warn => ("warn", theme.warn),
        Outcome::Hold => ("hold", theme.bad),
        Outcome::Unknown => ("unknown", theme.unknown),
    }
}

fn verdicts_below(canvas: &mut Canvas<'_>, area: Rect, change: &PlannedChange) {
    let theme = canvas.theme;
    let width = usize::from(area.width);
    let mut lines = vec![Line::default()];
    lines.push(Line::styled(format!("Gates of {}", change.cell), theme.dim));
    for verdict in &change.verdicts {
        let (word, style) = outcome(canvas, verdict);
        let detail = match &verdict.overridden {
            Some(reason) => format!("{} (lifted: {reason})", verdict.detail),
            None => verdict.detail.clone(),
        };
        let mut words = text::wrap(&detail, width.saturating_sub(20)).into_iter();
        lines.push(Line::from(vec![
            Span::styled(format!("  {word:<8}"), style),
            Span::styled(format!("{:<10}", verdict.gate), theme.text),
            Span::styled(words.next().unwrap_or_default(), theme.dim),
        ]));
        lines.extend(words.map(|line| Line::styled(format!("{:20}{line}", ""), theme.dim)));
    }
    canvas.lines(area, lines);
}

fn skip_below(canvas: &mut Canvas<'_>, area: Rect, skip: &Skip) {
    let width = usize::from(area.width);
    let theme = canvas.theme;
    let mut lines = vec![Line::default()];
    lines.push(Line::styled(format!("Why not {}", skip.cell), theme.dim));
    let words = text::wrap(&skip.detail, width.saturating_sub(2)).into_iter();
    lines.extend(words.map(|line| Line::styled(format!("  {line}"), theme.text)));
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

/// The commands as they would be typed, and what they touch.
fn done_lines(canvas: &Canvas<'_>, view: &PlanView, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines: Vec<Line<'static>> = view
        .commands
        .iter()
        .map(|command| Line::styled(format!("$ {command}"), theme.text))
        .collect();
    for line in text::wrap(&radius(canvas.model, view), width) {
        lines.push(Line::styled(line, theme.dim));
    }
    let subject = view.message.lines().next().unwrap_or_default();
    lines.push(Line::from(vec![
        Span::styled("message ", theme.dim),
        Span::styled(subject.to_owned(), theme.text),
    ]));
    lines.push(Line::from(vec![
        Span::styled("target  ", theme.dim),
        Span::styled(target(view), theme.accent),
    ]));
    lines
}

/// `origin/main (fast-forward push)`
pub fn target(view: &PlanView) -> String {
    let place = match &view.target.remote {
        Some(remote) => format!("{remote}/{}", view.target.branch),
        None => format!(
            "{} (no remote: the branch itself moves)",
            view.target.branch
        ),
    };
    match view.target.deliver {
        Deliver::Push => place,
        Deliver::Branch => format!("{place} (a branch of its own, for a pull request)"),
    }
}

/// `touches 2 cells in 2 environments, 1 protected; about 12 pods restart`
fn radius(model: &Model, view: &PlanView) -> String {
    let changes = &view.plan.changes;
    let mut environments: Vec<_> = changes.iter().map(|c| &c.cell.environment).collect();
    environments.sort();
    environments.dedup();
    let protected = environments.iter().filter(|name| model.is_protected(name));
    let protected = protected.count();
    let pods: u32 = changes
        .iter()
        .filter_map(|change| model.live.cells.get(&change.cell))
        .map(|live| live.desired)
        .sum();
    let unseen = environments
        .iter()
        .filter(|name| *model.connection(name) != Connection::Live);
    let unseen: Vec<&str> = unseen.map(|name| name.as_str()).collect();
    let cells = text::count(changes.len(), "cell");
    let places = text::count(environments.len(), "environment");
    let mut words = vec![format!("touches {cells} in {places}")];
    if protected > 0 {
        words[0] = format!("{}, {protected} protected", words[0]);
    }
    if pods > 0 {
        let pods = text::count(pods as usize, "pod");
        words.push(format!("about {pods} restart"));
    }
    if !unseen.is_empty() {
        words.push(format!("what runs in {} is not seen", unseen.join(", ")));
    }
    words.join("; ")
}
