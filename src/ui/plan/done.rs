//! What will be done, where it goes, and what it touches.

use ratatui::text::{Line, Span};

use crate::{
    app::{event::Planned, model::Model},
    domain::{plan::Plan, rollout::Connection, topology::Deliver},
    ui::{canvas::Canvas, text},
};

/// The commands as they would be typed, and what they touch.
pub fn lines(canvas: &Canvas<'_>, view: &Planned, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if view.plan.writes().next().is_none() {
        let nothing = "nothing: no change is in this plan";
        lines.push(Line::styled(nothing, theme.dim));
    } else {
        // What is cut where there is little room comes last: where it goes, and what it touches, is always seen.
        lines.push(Line::from(vec![
            Span::styled("target  ", theme.dim),
            Span::styled(target(&view.plan), theme.accent),
        ]));
        lines.push(Line::from(vec![
            Span::styled("message ", theme.dim),
            Span::styled(view.plan.subject().to_owned(), theme.text),
        ]));
        let radius = text::wrap(&radius(canvas.model, view), width).into_iter();
        lines.extend(radius.map(|line| Line::styled(line, theme.dim)));
    }
    lines.extend(waves(canvas, &view.plan, width));
    for note in &view.plan.notes {
        let note = text::wrap(note, width).into_iter();
        lines.extend(note.map(|line| Line::styled(line, theme.warn)));
    }
    let commands = view.plan.commands().into_iter();
    for command in commands {
        let room = width.saturating_sub(2);
        let fits = text::width(&command) <= room;
        let wrapped = if fits {
            vec![command]
        } else {
            text::wrap(&command, room)
        };
        let mut wrapped = wrapped.into_iter();
        let first = wrapped.next().unwrap_or_default();
        lines.push(Line::styled(format!("$ {first}"), theme.text));
        lines.extend(wrapped.map(|line| Line::styled(format!("  {line}"), theme.text)));
    }
    lines
}

/// Each wave with its cells, and what has to be healthy before it; nothing where all goes at once.
fn waves(canvas: &Canvas<'_>, plan: &Plan, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if plan.waves.len() < 2 {
        return lines;
    }
    for (number, wave) in (1..).zip(&plan.waves) {
        let cells: Vec<String> = wave.cells().map(ToString::to_string).collect();
        let after: Vec<String> = wave
            .waits_for()
            .into_iter()
            .map(ToString::to_string)
            .collect();
        let after = match after.len() {
            0 => String::new(),
            _ => format!(", when healthy: {}", after.join(", ")),
        };
        let text = format!("{}{after}", cells.join(", "));
        let head = format!("wave {number}  ");
        let room = width.saturating_sub(head.len());
        for (at, line) in text::wrap(&text, room).into_iter().enumerate() {
            let head = if at == 0 {
                head.clone()
            } else {
                " ".repeat(head.len())
            };
            lines.push(Line::from(vec![
                Span::styled(head, theme.accent),
                Span::styled(line, theme.text),
            ]));
        }
    }
    lines
}

/// `origin/main`, and what is special about it.
pub fn target(plan: &Plan) -> String {
    let place = plan.target();
    let mut tips = plan.writes().map(|write| &write.tip);
    match plan.deliver {
        Deliver::Branch => format!("{place}, for a pull request"),
        Deliver::Push if tips.any(|tip| tip.remote.is_none()) => {
            format!("{place} (no remote: the branch itself moves)")
        }
        Deliver::Push | Deliver::PullRequest => place,
    }
}

/// `touches 2 cells in 2 environments, 1 protected; about 12 pods restart`
fn radius(model: &Model, view: &Planned) -> String {
    let changes = &view.plan.changes;
    let mut environments: Vec<_> = changes.iter().map(|c| &c.cell.environment).collect();
    environments.sort();
    environments.dedup();
    let protected = environments.iter().filter(|name| model.is_protected(name));
    let protected = protected.count();
    let pods: u32 = changes
        .iter()
        .filter_map(|change| model.live.cells().get(&change.cell))
        .map(|live| live.desired)
        .sum();
    let unseen = environments
        .iter()
        .filter(|name| *model.connection(name) != Connection::Live);
    let unseen: Vec<&str> = unseen.map(|name| name.as_str()).collect();
    let cells = text::count(changes.len(), "cell");
    let places = text::count(environments.len(), "environment");
    let mut words = vec![format!("touches {cells} in {places}")];
    let along = changes.iter().filter(|c| c.along.is_some()).count();
    if along > 0 {
        words[0] = format!("{}, {along} not staged", words[0]);
    }
    if protected > 0 {
        words[0] = format!("{}, {protected} protected", words[0]);
    }
    if pods > 0 {
        let verb = if pods == 1 { "restarts" } else { "restart" };
        let pods = text::count(pods as usize, "pod");
        words.push(format!("about {pods} {verb}"));
    }
    if !unseen.is_empty() {
        words.push(format!("what runs in {} is not seen", unseen.join(", ")));
    }
    words.join("; ")
}
