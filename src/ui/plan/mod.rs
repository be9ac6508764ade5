//! The plan: what changes and what does not, with verdicts; the exact bytes; what will be done.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, diff, text};
use crate::{
    actions::{Action, Mode},
    app::{
        areas::{Pane, PlanAreas, below},
        event::Planned,
        screen::{PlanPane, PlanScreen, PlanState, Scope},
    },
    domain::failure::Failure,
};

mod changes;
mod done;

pub use done::{lines as what_will_be_done, target};

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

fn ready(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen, view: &Planned) {
    let theme = canvas.theme;
    let title = title(canvas, screen, view);
    let inner = canvas.frame(area, title);
    let width = usize::from(inner.width);
    let done = done::lines(canvas, view, width);
    let mut happened = banners(canvas, screen, view, width);
    if screen.pane == PlanPane::Said {
        return said(canvas, inner, screen, view, (happened, done));
    }
    let one = canvas.model.diff_has_all_room();
    let areas = PlanAreas::of(area, done.len(), happened.len(), one);
    if happened.len() > usize::from(areas.banner.height) {
        // Words go before the air below them.
        happened.pop();
    }
    canvas.divide(
        area,
        areas.divider,
        Line::styled("What will be done", theme.dim),
    );
    let how = how_to_see(canvas, screen.pane);
    canvas.cut_lines(areas.done, done, &how);
    canvas.cut_lines(areas.banner, happened, &how);
    if let Some(split) = areas.split {
        // What happened has the whole width: both sides begin below it.
        let top = areas.banner.height;
        if top > 0 {
            canvas.divide(area, top, Line::default());
        }
        canvas.split(area, split, (top, areas.divider));
        changes::draw(canvas, areas.changes, screen, view);
        bytes(canvas, areas.bytes, screen, view);
    } else if screen.pane == PlanPane::Diff {
        bytes(canvas, areas.bytes, screen, view);
    } else {
        let taken = changes::draw(canvas, areas.changes, screen, view);
        let rest = below(areas.changes, taken + 1, areas.changes.height);
        // A first look; the whole of it has a pane of its own (tab).
        if rest.height >= LEAST_BYTES {
            let file = canvas.model.selected_position(screen, view).file;
            diff::draw_changed(canvas, rest, &view.diff, file);
        }
    }
}

/// What shows the lines that have no room.
fn how_to_see(canvas: &Canvas<'_>, pane: PlanPane) -> String {
    let action = match pane {
        PlanPane::Diff => Action::NextPane,
        PlanPane::Changes | PlanPane::Said => Action::PreviousPane,
    };
    let key = canvas.model.key(Mode::Plan, action);
    format!("{key} shows all")
}

/// Everything that is said beside changes and bytes, in all the room that there is.
fn said(
    canvas: &mut Canvas<'_>,
    area: Rect,
    screen: &PlanScreen,
    view: &Planned,
    (happened, done): (Vec<Line<'static>>, Vec<Line<'static>>),
) {
    let mut lines = happened;
    let detail = changes::detail(canvas, usize::from(area.width), screen, view);
    lines.extend(detail);
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.push(Line::styled("What will be done", canvas.theme.dim));
    lines.extend(done);
    canvas.enter(Some((Pane::Plan(PlanPane::Said), true)));
    canvas.counted_text(area, lines, screen.said_scroll);
    canvas.enter(None);
}

/// `Plan  2 changes, 3 skipped, 1 held   only what was just asked for`
fn title(canvas: &Canvas<'_>, screen: &PlanScreen, view: &Planned) -> Line<'static> {
    let theme = canvas.theme;
    let plan = &view.plan;
    let key = |action| canvas.model.key(Mode::Plan, action);
    let leave = key(Action::LeaveOut);
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
            let accept = key(Action::AcceptAlong);
            format!(" ({leave} leaves out, {accept} accepts what comes along)")
        } else {
            format!(" ({leave} leaves out)")
        };
        spans.push(Span::styled(words, theme.dim));
    }
    spans.push(Span::styled(
        match plan.refs().as_slice() {
            [] => String::new(),
            [only] => format!("  on {}", only.tip.commit.short()),
            several => format!("  on {} refs", several.len()),
        },
        theme.dim,
    ));
    if screen.leave_out {
        let words = format!("  left out: {leave} plans all");
        spans.push(Span::styled(words, theme.staged));
    }
    if let Scope::Only(_) = screen.scope {
        let all = canvas.model.staging.requests().len();
        let scope = key(Action::Scope);
        let words = format!("  of {all} staged: {scope} plans all");
        spans.push(Span::styled(words, theme.staged));
    }
    Line::from(spans)
}

/// What happened since it was confirmed: the base moved, or the server refused.
fn banners(
    canvas: &Canvas<'_>,
    screen: &PlanScreen,
    view: &Planned,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if let Some(waiting) = &canvas.model.waiting {
        let key = canvas.model.key(Mode::Plan, Action::WhenEligible);
        let since = text::clock(waiting.since);
        let words = format!("Confirmed at {since}, and waits for its gates ({key} ends that):");
        lines.push(Line::styled(words, theme.staged));
        for one in waiting.waits_for() {
            let told = text::wrap(&one.told(canvas.model.now), width.saturating_sub(2));
            let told = told.into_iter();
            lines.extend(told.map(|line| Line::styled(format!("  {line}"), theme.text)));
        }
    }
    let older = view.plan.older(&canvas.model.git.proposed);
    for (proposal, cell) in older {
        let key = canvas.model.key(Mode::Plan, Action::Supersede);
        let then = if view.plan.supersedes(proposal) {
            format!("it is closed once this one is open; {key} leaves it open")
        } else {
            format!("{key} closes it once this one is open")
        };
        let words = format!("{}; {then}", proposal.open_for(&cell));
        let wrapped = text::wrap(&words, width).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, theme.staged)));
    }
    if screen.reread {
        lines.push(Line::styled(
            "The configuration was read again. Judged by the new one.",
            theme.warn,
        ));
    }
    if !screen.moved.is_empty() {
        lines.push(Line::styled("The base moved. Judged again:", theme.warn));
        for change in &screen.moved {
            lines.push(Line::styled(format!("  {change}"), theme.text));
        }
    }
    if let Some(refusal) = canvas.model.refusal_of(&view.plan) {
        let words = format!(
            "The push was refused at {}; everything stays staged. {} dismisses this. {}:",
            text::clock(refusal.at),
            canvas.model.key(Mode::Plan, Action::Dismiss),
            if refusal.here {
                "This side says"
            } else {
                "The server says"
            }
        );
        let wrapped = text::wrap(&words, width).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, theme.bad)));
        for word in &refusal.message {
            let wrapped = text::wrap(word, width.saturating_sub(2)).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(format!("  {line}"), theme.text)));
        }
        if refusal.protected {
            let key = canvas.key(Mode::Plan, Action::Deliver);
            lines.push(Line::from(vec![
                key,
                Span::styled(" delivers to a branch of its own instead", theme.text),
            ]));
        }
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

/// The exact change, file by file.
fn bytes(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen, view: &Planned) {
    if view.diff.files.is_empty() {
        return canvas.put(area, Line::styled("no byte changes", canvas.theme.dim));
    }
    let pane = Pane::Plan(PlanPane::Diff);
    canvas.enter(Some((pane, screen.pane == PlanPane::Diff)));
    diff::draw(canvas, area, &view.diff, screen.diff_scroll);
    canvas.enter(None);
}
