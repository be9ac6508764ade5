//! What a cell's agent can be told, and the last question before it is, as boxes.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, prompt::name_asked, text};
use crate::{
    actions::{Action, AgentOrder, Mode},
    app::{
        areas::{Spot, below, centred, rows},
        screen::{AgentScreen, OrderScreen},
    },
    domain::agent::{AgentState, Order},
};

/// The widest that the boxes are.
const WIDTH: u16 = 92;

/// Draws the menu: the orders with their keys, and what comes of the selected one.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &AgentScreen) {
    let theme = canvas.theme;
    let width = area.width.saturating_sub(4).min(WIDTH);
    let inner_width = usize::from(width.saturating_sub(4));
    let head = state(canvas, &screen.agent, inner_width);
    let orders = screen.orders();
    let mut foot = vec![Line::default()];
    if let Some(order) = screen.order() {
        foot.extend(effect(canvas, &screen.agent, order, inner_width));
    }
    // What comes of it goes before air.
    let air = usize::from(head.len() + orders.len() + foot.len() + 3 <= usize::from(area.height));
    if air == 0 {
        foot.remove(0);
    }
    let height = rows(head.len() + air + orders.len() + foot.len() + 2);
    let place = centred(area, width, height);
    canvas.clear(place);
    let title = format!("Agent of {}", screen.cell);
    let inner = canvas.frame(place, Line::styled(title, theme.title));
    let top = rows(head.len() + air).min(inner.height);
    canvas.lines(inner, head);
    let list = below(inner, top, rows(orders.len()));
    let lines: Vec<Line<'static>> = orders.iter().map(|order| line(canvas, *order)).collect();
    let spot = Spot::Rows {
        pane: None,
        first: 0,
        count: orders.len(),
    };
    canvas.zone(list, spot);
    canvas.lines(list, lines);
    let selected = rows(screen.selected);
    if selected < list.height {
        canvas.tint(crate::app::areas::row(list, selected), theme.row);
    }
    let rest = top + rows(orders.len());
    canvas.lines(below(inner, rest, inner.height), foot);
}

/// `Kustomization flux-system/shop in edge  failing`, and its own words.
fn state(canvas: &Canvas<'_>, agent: &AgentState, width: usize) -> Vec<Line<'static>> {
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
    let words = text::wrap(reason, width).into_iter();
    let words = words.filter(|line| !line.is_empty()).take(3);
    lines.extend(words.map(|line| Line::styled(line, theme.dim)));
    lines
}

/// `<r> reconcile`
fn line(canvas: &Canvas<'_>, order: Order) -> Line<'static> {
    let action = match order {
        Order::Reconcile => AgentOrder::Reconcile,
        Order::Suspend => AgentOrder::Suspend,
        Order::Resume => AgentOrder::Resume,
        Order::Sync => AgentOrder::Sync,
        Order::Refresh => AgentOrder::Refresh,
        Order::HardRefresh => AgentOrder::HardRefresh,
        Order::Terminate => AgentOrder::Terminate,
        // It is no line of the menu: an entry has to be named.
        Order::Rollback(_) => AgentOrder::Now,
    };
    let word = order.word().replace('-', " ");
    Line::from(vec![
        canvas.key(Mode::Agent, Action::Tell(action)),
        Span::raw(format!(" {word}")),
    ])
}

/// What comes of an order, and the command that does the same.
fn effect(
    canvas: &Canvas<'_>,
    agent: &AgentState,
    order: Order,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    for line in text::wrap(order.effect(), width) {
        lines.push(Line::styled(line, theme.text));
    }
    let cells = canvas.model.live.cells().iter();
    let same = |other: &&AgentState| {
        (&other.cluster, &other.object, other.kind) == (&agent.cluster, &agent.object, agent.kind)
    };
    let mut all: Vec<String> = cells
        .filter(|(_, live)| live.agent.as_ref().is_some_and(|it| same(&it)))
        .map(|(cell, _)| cell.to_string())
        .collect();
    all.sort();
    if all.len() > 1 {
        let count = text::count(all.len(), "cell");
        for line in text::wrap(&format!("It brings {count}: {}", all.join(", ")), width)
            .into_iter()
            .take(3)
        {
            lines.push(Line::styled(line, theme.warn));
        }
    }
    let command = format!("$ {}", agent.command(order));
    for line in text::wrap(&command, width) {
        lines.push(Line::styled(line, theme.dim));
    }
    lines
}

/// Draws the last question.
pub fn draw_question(canvas: &mut Canvas<'_>, area: Rect, screen: &OrderScreen) {
    let theme = canvas.theme;
    let width = area.width.saturating_sub(4).min(WIDTH);
    let inner_width = usize::from(width.saturating_sub(4));
    let told = &screen.told;
    let mut lines = state(canvas, &told.agent, inner_width);
    lines.push(Line::default());
    lines.extend(effect(canvas, &told.agent, told.order, inner_width));
    lines.push(Line::default());
    let mode = match screen.name {
        None => Mode::Confirm,
        Some(_) => Mode::ConfirmName,
    };
    let copy = vec![
        canvas.key(mode, Action::Copy),
        Span::styled(" copies the command", theme.dim),
    ];
    match &screen.name {
        None => {
            let mut spans = vec![
                canvas.key(Mode::Confirm, Action::Yes),
                Span::raw(format!(" {}   ", told.order.word().replace('-', " "))),
                canvas.key(Mode::Confirm, Action::No),
                Span::raw(" go back   "),
            ];
            spans.extend(copy);
            lines.push(Line::from(spans));
        }
        Some(name) => {
            let (input, wrong) = (&screen.input, screen.wrong);
            lines.extend(name_asked(canvas, name, input, wrong, "", inner_width));
            lines.push(Line::from(copy));
        }
    }
    let place = centred(area, width, rows(lines.len() + 2));
    canvas.clear(place);
    let title = format!("{} {}?", capital(told.order.word()), told.cell);
    let inner = canvas.frame(place, Line::styled(title, theme.warn));
    canvas.lines(inner, lines);
}

/// `hard-refresh` → `Hard refresh`.
fn capital(word: &str) -> String {
    let word = word.replace('-', " ");
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
