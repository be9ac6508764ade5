//! The band below the matrix: the selected cell's rollout, and its last change in Git.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, rollout, text};
use crate::{
    actions::{Action, AgentOrder, Mode},
    app::{
        areas::{WIDE, below, rows},
        model::Model,
        status::{self, CellView},
    },
    domain::{
        age,
        agent::{AgentState, Order},
        cell::State,
        desired::DesiredCell,
        drift,
        history::{ChangeKind, HistoryEntry},
        ids::CellKey,
        rollout::{Connection, Health, LiveCell},
        subject::Subject,
        version::Version,
    },
    look,
};

/// `<S> sync now  $ argocd app sync shop -N argocd`: what moves a cell that its agent has not brought.
pub fn moves_it(
    canvas: &Canvas<'_>,
    mode: Mode,
    order: Order,
    agent: &AgentState,
) -> Line<'static> {
    Line::from(vec![
        canvas.key(mode, Action::Tell(AgentOrder::Now)),
        Span::raw(format!(" {order} now  ")),
        Span::styled(format!("$ {}", agent.command(order)), canvas.theme.dim),
    ])
}

/// `checkout / prod-us`
pub fn title(canvas: &Canvas<'_>) -> Line<'static> {
    match canvas.model.selected() {
        Some(cell) => Line::styled(cell.to_string(), canvas.theme.title),
        None => Line::default(),
    }
}

/// Draws as many lines as there are; the first is what matters most.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(cell) = canvas.model.selected() else {
        return;
    };
    let view = status::assess(canvas.model, &cell);
    if area.height > 3 {
        return grown(canvas, area, &cell, &view);
    }
    let mut lines = rollout(canvas, &cell, &view, area);
    let git = Line::from(last_change(canvas, &cell));
    let good = Line::from(good(canvas, &cell));
    let left = usize::from(area.height).saturating_sub(lines.len());
    // On the last line what to go back to stands beside what changed it.
    let last = match left {
        0 => None,
        1 => Some(below(area, rows(lines.len()), 1)),
        _ => {
            let first = proposals(canvas, &cell).next();
            let first = first.map(|words| Line::styled(words, canvas.theme.accent));
            lines.push(git.clone());
            lines.push(first.unwrap_or_else(|| good.clone()));
            None
        }
    };
    canvas.lines(area, lines);
    let Some(last) = last else { return };
    let taken = u16::try_from(good.width()).unwrap_or(u16::MAX);
    let beside = Rect {
        width: last.width.saturating_sub(taken + 2),
        ..last
    };
    // Who it was gives way to what it was.
    let short = Line::from(change_alone(canvas, &cell));
    let room = usize::from(beside.width);
    let is_cut = git.width() > room && !short.spans.is_empty();
    canvas.put(beside, if is_cut { short } else { git });
    canvas.put_right(last, good);
}

/// Where there is room: the whole reason and the pods; beside or below them what changed it last, and what to go back to.
fn grown(canvas: &mut Canvas<'_>, area: Rect, cell: &CellKey, view: &CellView<'_>) {
    let how = format!("{} shows all", canvas.model.key(Mode::Matrix, Action::Open));
    if area.width + 4 < WIDE {
        let half = area.height / 2;
        let changes = changes(canvas, cell, usize::from(area.width));
        let last = rows(changes.len()).min(half);
        let first = below(area, 0, area.height - last);
        let left = running_lines(canvas, cell, view, usize::from(first.width));
        let taken = rows(left.len()).min(first.height);
        canvas.cut_lines(first, left, &how);
        return canvas.cut_lines(below(area, taken, area.height), changes, &how);
    }
    let left = Rect {
        width: area.width * 55 / 100,
        ..area
    };
    let right = Rect {
        x: left.x + left.width + 2,
        width: area.width - left.width - 2,
        ..area
    };
    let lines = running_lines(canvas, cell, view, usize::from(left.width));
    canvas.cut_lines(left, lines, &how);
    let lines = changes(canvas, cell, usize::from(right.width));
    canvas.cut_lines(right, lines, &how);
}

/// What the cell is doing, why in full, how it stands to its upstream, its pods.
fn running_lines(
    canvas: &Canvas<'_>,
    cell: &CellKey,
    view: &CellView<'_>,
    width: usize,
) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let mut first = state(canvas, cell, view);
    let live = view.status.live;
    if let Some(live) = live {
        let ready = format!("   ready {}/{}", live.ready, live.desired);
        first.push(Span::styled(ready, theme.text));
        let runs = format!("   {}", runs(live));
        first.push(Span::styled(runs, theme.dim));
    }
    let mut lines = vec![Line::from(first)];
    let reason = live.and_then(|live| live.reason.as_ref());
    for line in reason
        .into_iter()
        .flat_map(|reason| text::wrap(reason, width))
    {
        lines.push(Line::styled(line, theme.text));
    }
    if let Some(request) = view.staged {
        lines.push(Line::styled(status::intent(&request.intent), theme.staged));
    }
    let desired = model.git.desired.as_deref();
    let versions = model.skews.get(cell).and_then(|skewed| {
        let theirs = desired?.version(&skewed.upstream_of(cell))?;
        Some((skewed, desired?.version(cell)?, theirs))
    });
    if let Some((skewed, own, theirs)) = versions {
        let words = drift::words(skewed, own, theirs);
        let words = text::wrap(&words, width).into_iter();
        lines.extend(words.map(|line| Line::styled(line, theme.moving)));
    }
    if let Some(live) = live {
        lines.extend(rollout::pod_lines(canvas, live, width));
    }
    lines
}

/// `+ 1.43.0 #812 waits for 1 approval (renovate)`: what open pull requests would bring.
fn proposals(canvas: &Canvas<'_>, cell: &CellKey) -> impl Iterator<Item = String> {
    let proposals = canvas.model.git.proposals(cell);
    proposals.map(|proposal| format!("{} ({})", proposal.words(), proposal.author))
}

/// `+ approve  M merge  P page`: what can be done to the newest of them.
fn for_requests(canvas: &Canvas<'_>) -> Line<'static> {
    let keys = [
        (Action::ApproveRequest, " approve  "),
        (Action::MergeRequest, " merge  "),
        (Action::BrowseRequest, " page"),
    ];
    let spans = keys.into_iter().flat_map(|(action, word)| {
        let key = canvas.key(Mode::Matrix, action);
        [key, Span::styled(word, canvas.theme.dim)]
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// The last change in full, where it stands, what it replaced, and what to go back to.
fn changes(canvas: &Canvas<'_>, cell: &CellKey, width: usize) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let mut lines: Vec<Line<'static>> = proposals(canvas, cell)
        .flat_map(|words| text::wrap(&words, width))
        .map(|line| Line::styled(line, theme.accent))
        .collect();
    if !lines.is_empty() {
        lines.push(for_requests(canvas));
    }
    lines.push(Line::from(last_commit(canvas, cell)));
    if let [newest, ..] = model.values(cell) {
        lines.push(Line::from(values(canvas, model.values(cell))));
        let subject = subject(newest);
        let subject = text::wrap(&subject, width).into_iter();
        lines.extend(subject.map(|line| Line::styled(line, theme.text)));
    }
    let declared = model.git.desired.as_deref();
    let declared = declared.and_then(|desired| desired.cells.get(cell));
    if let Some(source) = declared.and_then(|cell| cell.sources.first()) {
        let place = format!("{}:{}", source.path, source.line);
        let place = text::wrap(&place, width).into_iter();
        lines.extend(place.map(|line| Line::styled(line, theme.faint)));
    }
    let good = good(canvas, cell);
    if !good.is_empty() {
        lines.push(Line::from(good));
    }
    lines
}

/// `runs 1.42.0 ×2, 1.41.3 ×4`; beside what pods cannot show, a tag is the image's alone.
fn runs(live: &LiveCell) -> String {
    let runs = running(live.versions.iter());
    match runs.strip_prefix("runs ") {
        Some(images) if live.hidden => format!("images {images}"),
        _ => runs,
    }
}

/// The least room that a reason is worth beginning in.
const LEAST_REASON: usize = 16;

/// `✗ degraded 3m   ready 2/6   progress deadline exceeded   runs 1.42.0 ×4`: in one line, or, where the reason is longer and
/// there is another line than the one for Git, in two.
fn rollout(
    canvas: &Canvas<'_>,
    cell: &CellKey,
    view: &CellView<'_>,
    area: Rect,
) -> Vec<Line<'static>> {
    let (theme, width) = (canvas.theme, usize::from(area.width));
    let mut spans = state(canvas, cell, view);
    let gap = || Span::raw("   ");
    if let Some(live) = view.status.live {
        spans.push(gap());
        let text = format!("ready {}/{}", live.ready, live.desired);
        spans.push(Span::styled(text, theme.text));
    }
    if let Some(request) = view.staged {
        spans.push(gap());
        spans.push(Span::styled(status::intent(&request.intent), theme.staged));
    }
    let Some(live) = view.status.live else {
        return vec![Line::from(spans)];
    };
    let used: usize = spans.iter().map(Span::width).sum();
    let reason = live.reason.as_deref().unwrap_or_default();
    let room = width.saturating_sub(used + 3);
    if area.height > 2 && text::width(reason) > room {
        let mut wrapped = text::wrap(reason, room.max(LEAST_REASON)).into_iter();
        // Beside much else it begins on a line of its own.
        if room >= LEAST_REASON {
            let first = wrapped.next().unwrap_or_default();
            spans.extend([gap(), Span::styled(first, theme.text)]);
        }
        let rest = wrapped.collect::<Vec<_>>().join(" ");
        return vec![Line::from(spans), Line::styled(rest, theme.text)];
    }
    if !reason.is_empty() {
        spans.push(gap());
        spans.push(Span::styled(reason.to_owned(), theme.text));
    }
    spans.push(gap());
    spans.push(Span::styled(runs(live), theme.dim));
    vec![Line::from(spans)]
}

/// The state in words, with since when, or why nothing is known.
pub fn state(canvas: &Canvas<'_>, cell: &CellKey, view: &CellView<'_>) -> Vec<Span<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let glyph = canvas.glyphs.state(view.status.state);
    let style = theme.state(view.status.state);
    let since = view
        .status
        .since
        .map(|since| format!(" {}", age::between(since, model.now)));
    let words = match (
        view.status.state,
        view.status.live,
        model.connection(&cell.environment),
    ) {
        (State::Stale, Some(live), connection) => {
            let age = age::between(live.as_of, model.now);
            let why = match connection {
                Connection::Lost { reason, .. } => format!(": {reason}"),
                Connection::Connecting => ": connecting".to_owned(),
                _ => String::new(),
            };
            format!(
                "stale, was {} {age} ago{why}",
                look::of(view.status.was).word
            )
        }
        (State::NoAccess, _, Connection::Denied { what }) => format!("no access: {what}"),
        (State::Unknown, None, Connection::Lost { reason, .. }) => {
            format!("unknown: never reached, {reason}")
        }
        (State::Loading, ..) => "waiting for the cluster's first answer".to_owned(),
        (State::GitOnly, _, Connection::Unconfigured) => {
            "no cluster configured: Git alone".to_owned()
        }
        (State::GitOnly, live, _) => git_alone(view, live),
        (State::Missing, ..) => {
            "missing: Git declares it, the cluster has no such workload".to_owned()
        }
        (State::Unread, ..) => {
            let word = view.declared.map_or("", DesiredCell::shown);
            format!("unread: {word} in the place of the version")
        }
        (State::NotSet, ..) => "declares no version".to_owned(),
        (State::Absent, ..) => "no such cell: nothing declares this service here".to_owned(),
        (State::Drift, ..) => {
            let version = view.declared.and_then(|cell| cell.version.as_ref());
            let version = version.map_or("", |version| version.as_str());
            format!("drift: Git declares {version}")
        }
        (state, ..) => format!("{}{}", look::of(state).word, since.unwrap_or_default()),
    };
    vec![
        Span::styled(format!("{glyph} ").trim_start().to_owned(), style),
        Span::styled(words, style),
    ]
}

/// `declared; what runs is not visible for a chart version; workload healthy`
fn git_alone(view: &CellView<'_>, live: Option<&LiveCell>) -> String {
    let subject = view.declared.map(|cell| cell.subject);
    let subject = subject.filter(|subject| subject.is_hidden());
    let words = subject.unwrap_or(Subject::Unsure).words();
    let beside = match live.filter(|live| !live.stale).map(|live| live.health) {
        Some(Health::Healthy) => "; workload healthy",
        Some(Health::Unknown) => "; workload not known",
        _ => "",
    };
    format!("declared; what runs is not visible for {words}{beside}")
}

/// `runs 1.42.0 ×2, 1.41.3 ×4`
pub fn running<'a>(versions: impl Iterator<Item = (&'a Version, &'a u32)>) -> String {
    let versions: Vec<String> = versions
        .map(|(version, pods)| format!("{version} ×{pods}"))
        .collect();
    if versions.is_empty() {
        "no pods".to_owned()
    } else {
        format!("runs {}", versions.join(", "))
    }
}

/// `1.41.3 → 1.42.0`: what the newest change of these values replaced, and by what.
fn values(canvas: &Canvas<'_>, values: &[HistoryEntry]) -> Vec<Span<'static>> {
    let (theme, arrow) = (canvas.theme, canvas.glyphs.arrow);
    let [newest, older @ ..] = values else {
        return Vec::new();
    };
    let before = newest.change.previous.as_ref();
    let before = before.or_else(|| older.first()?.change.version.as_ref());
    let before = before.map(|version| format!("{} {arrow} ", version.brief()));
    let (now, style) = match &newest.change.version {
        Some(version) => (version.brief().into_owned(), theme.staged),
        None => (kind(canvas, newest).0, theme.warn),
    };
    vec![
        Span::styled(before.unwrap_or_default(), theme.dim),
        Span::styled(now, style),
    ]
}

/// `git a1b2c3d 14:00 jane  1.41.3 → 1.42.0  promote checkout to prod-us (#812)`
fn last_change(canvas: &Canvas<'_>, cell: &CellKey) -> Vec<Span<'static>> {
    let mut spans = last_commit(canvas, cell);
    let of = canvas.model.values(cell);
    if let [newest, ..] = of {
        spans.push(Span::raw("  "));
        spans.extend(values(canvas, of));
        spans.push(Span::raw(format!("  {}", subject(newest))));
    }
    spans
}

/// `git a1b2c3d 14:00 1.41.3 → 1.42.0`, where there is little room; nothing where no commit is known.
fn change_alone(canvas: &Canvas<'_>, cell: &CellKey) -> Vec<Span<'static>> {
    let of = canvas.model.values(cell);
    if of.is_empty() {
        return Vec::new();
    }
    let mut spans = last_commit(canvas, cell);
    spans.pop();
    spans.extend(values(canvas, of));
    spans
}

/// `git a1b2c3d 14:00 jane`, or why no commit is known.
fn last_commit(canvas: &Canvas<'_>, cell: &CellKey) -> Vec<Span<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let Some(entry) = model.values(cell).first() else {
        return vec![Span::styled(history_words(model, cell), theme.dim)];
    };
    let landed = &entry.change.landed;
    let authored = &entry.change.authored;
    let merged = landed.commit != authored.commit;
    vec![
        Span::styled(if merged { "landed " } else { "git " }, theme.dim),
        Span::styled(landed.commit.short(), theme.accent),
        Span::raw(format!(" {} ", text::when(landed.time, model.now))),
        Span::styled(authored.author.clone(), theme.dim),
    ]
}

/// `promote checkout to prod-us (#812)`
fn subject(entry: &HistoryEntry) -> String {
    let said = &entry.change.authored.subject;
    let number = entry.change.pull_request();
    match number.filter(|number| !said.contains(&format!("#{number}"))) {
        Some(number) => format!("{said} (#{number})"),
        None => said.clone(),
    }
}

/// Why there is no history to show.
pub fn history_words(model: &Model, cell: &CellKey) -> String {
    let declared = model.git.desired.as_ref();
    let declared = declared.is_some_and(|desired| desired.cells.contains_key(cell));
    match &model.history.failure {
        _ if !declared => String::new(),
        Some(failure) => format!("history: {}", failure.why),
        None if model.history.done => "no commit changed it".to_owned(),
        None if model.history.walked > 0 => {
            let walked = usize::try_from(model.history.walked).unwrap_or(usize::MAX);
            format!(
                "reading the history: {} so far",
                text::count(walked, "commit")
            )
        }
        None => "reading the history".to_owned(),
    }
}

/// `last good: 1.41.3 77e01fa, ran 6d`
fn good(canvas: &Canvas<'_>, cell: &CellKey) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let values = canvas.model.values(cell);
    let good = canvas.model.last_good(cell);
    let Some(entry) = good.and_then(|index| values.get(index)) else {
        return Vec::new();
    };
    let version = entry.change.version.as_ref();
    let mut spans = vec![
        Span::styled("last good: ", theme.dim),
        Span::styled(
            version.map_or(String::new(), |version| version.brief().into_owned()),
            theme.good,
        ),
        Span::styled(
            format!(" {}", entry.change.landed.commit.short()),
            theme.dim,
        ),
    ];
    if let Some(stayed) = entry.stayed_seconds {
        spans.push(Span::styled(
            format!(", ran {}", age::seconds(stayed)),
            theme.dim,
        ));
    }
    spans
}

/// What kind of change it was, in a word or two.
pub fn kind(canvas: &Canvas<'_>, entry: &HistoryEntry) -> (String, Style) {
    let theme = canvas.theme;
    match &entry.kind {
        ChangeKind::Promotion { from } => (format!("from {from}"), theme.moving),
        ChangeKind::Revert => ("revert".to_owned(), theme.warn),
        ChangeKind::Bump => ("bump".to_owned(), theme.dim),
        ChangeKind::Initial => ("first".to_owned(), theme.dim),
        ChangeKind::Removed => ("removed".to_owned(), theme.warn),
        ChangeKind::Unread => ("unread".to_owned(), theme.warn),
    }
}
