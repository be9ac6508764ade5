//! What runs in a cell: the rollout, its pods, what the cluster noted, and the version elsewhere.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, detail, progress, text};
use crate::{
    actions::Mode,
    app::{
        areas::WIDE,
        screen::{CellPane, CellScreen, object},
        status::{self, CellView},
    },
    domain::{
        age,
        cell::{self, State},
        desired::DesiredCell,
        ids::CellKey,
        rollout::{ClusterNote, CompanionKind, Health, LiveCell, PodState},
        version::Version,
    },
    look,
};

/// Draws the left side of the cell screen; `others`: the same service elsewhere, where it has no pane of its own.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen, others: Vec<Line<'static>>) {
    let model = canvas.model;
    let view = status::assess(model, &screen.cell);
    let width = usize::from(area.width);
    let mut lines = vec![Line::from(detail::state(canvas, &screen.cell, &view))];
    let mut objects = Vec::new();
    summary(canvas, &view, width, (&mut lines, &mut objects));
    pods(canvas, &view, width, screen, (&mut lines, &mut objects));
    if let Some(live) = view.status.live
        && let Some(selected) = object::selected(live, screen.object)
        && let Some(line) = objects.get(selected).and_then(|at| lines.get_mut(*at))
    {
        let style = if screen.pane == CellPane::Rollout {
            canvas.theme.cursor
        } else {
            canvas.theme.row
        };
        line.style = line.style.patch(style);
        // Else what has a colour of its own would not be seen on that of the cursor.
        if screen.pane == CellPane::Rollout {
            for span in &mut line.spans {
                span.style = style;
            }
        }
    }
    canvas.drawn.objects = objects;
    notes(canvas, width, screen, &mut lines);
    if canvas.model.size.0 < WIDE {
        section(canvas, "Elsewhere", false, &mut lines);
        lines.extend(others);
    }
    canvas.scrolled(area, lines, screen.rollout_scroll);
}

/// Columns that a label takes before its words.
const LABEL: usize = 10;

/// A label, and its words.
pub fn labelled(canvas: &Canvas<'_>, label: &str, value: Vec<Span<'static>>) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{label:<LABEL$}"), canvas.theme.dim)];
    spans.extend(value);
    Line::from(spans)
}

/// Declared, serving, running: the truths in their order, each with where it comes from.
fn summary(
    canvas: &Canvas<'_>,
    view: &CellView<'_>,
    width: usize,
    (lines, objects): (&mut Vec<Line<'static>>, &mut Vec<usize>),
) {
    let (model, theme) = (canvas.model, canvas.theme);
    if let Some(reason) = view.status.live.and_then(|live| live.reason.as_ref()) {
        for line in text::wrap(reason, width) {
            lines.push(Line::styled(line, theme.text));
        }
    }
    lines.push(Line::default());
    if let Some(declared) = view.declared {
        // Whole, as nowhere else.
        let version = text::wrap(declared.shown(), width.saturating_sub(LABEL));
        for (index, line) in version.into_iter().enumerate() {
            let label = if index == 0 { "declared" } else { "" };
            lines.push(labelled(canvas, label, vec![Span::raw(line)]));
        }
        if declared.inherited
            && let Some(last) = lines.last_mut()
        {
            last.push_span(Span::styled(" inherited", theme.warn));
        }
        for source in &declared.sources {
            let place = format!("{}:{}", source.path, source.line);
            for line in text::wrap(&place, width.saturating_sub(LABEL)) {
                lines.push(labelled(canvas, "", vec![Span::styled(line, theme.faint)]));
            }
        }
        if let Some(problem) = &declared.unread {
            for line in text::wrap(&problem.sentence(), width) {
                lines.push(Line::styled(line, theme.warn));
            }
        }
    }
    if let Some(request) = view.staged {
        let words = status::intent(&request.intent);
        let value = vec![Span::styled(words, theme.staged)];
        lines.push(labelled(canvas, "", value));
    }
    let Some(live) = view.status.live else { return };
    if let Some(serving) = live.serving.as_ref().filter(|_| !live.hidden) {
        lines.push(labelled(
            canvas,
            "serving",
            vec![Span::raw(serving.to_string())],
        ));
    }
    let running = detail::running(live.versions.iter());
    let running = running.trim_start_matches("runs ").to_owned();
    // Beside what pods cannot show, a tag is the image's alone.
    let label = if live.hidden { "images" } else { "running" };
    lines.push(labelled(canvas, label, vec![Span::raw(running)]));
    let counts = format!("{}/{}, {} updated", live.ready, live.desired, live.updated);
    lines.push(labelled(canvas, "ready", vec![Span::raw(counts)]));
    for workload in &live.workloads {
        objects.push(lines.len());
        let workload = Span::styled(workload.clone(), theme.dim);
        lines.push(labelled(canvas, "workload", vec![workload]));
    }
    agent(canvas, live, width, (&mut *lines, objects));
    lines.extend(progress::lines(canvas, live, width));
    beside(canvas, live, width, (&mut *lines, objects));
    let age = format!("{} ago", age::between(live.as_of, model.now));
    let style = if view.status.state == State::Stale {
        theme.warn
    } else {
        theme.dim
    };
    lines.push(labelled(
        canvas,
        "confirmed",
        vec![Span::styled(age, style)],
    ));
}

/// What brings its version here, how far it has got, and its own words.
fn agent(
    canvas: &Canvas<'_>,
    live: &LiveCell,
    width: usize,
    (lines, objects): (&mut Vec<Line<'static>>, &mut Vec<usize>),
) {
    let (now, theme) = (canvas.model.now, canvas.theme);
    if let Some(hop) = &live.hop {
        let label = format!("stuck at {}", hop.at);
        // What ails the workload stands above already.
        let words = if live.reason.as_ref() == Some(&hop.reason) {
            label
        } else {
            format!("{label}: {}", hop.words(now))
        };
        for line in text::wrap(&words, width) {
            lines.push(Line::styled(line, theme.warn));
        }
    }
    if let Some(write) = &live.next_write {
        for line in text::wrap(&write.words(now), width) {
            lines.push(Line::styled(line, theme.warn));
        }
    }
    let order = live.hop.as_ref().and_then(|hop| hop.order);
    if let (Some(order), Some(agent)) = (order, &live.agent) {
        lines.push(detail::moves_it(canvas, Mode::Cell, order, agent));
    }
    let Some(agent) = &live.agent else { return };
    let whom = Span::raw(format!("{} {} ", agent.kind, agent.object));
    let phase = if agent.phase.is_failing() {
        theme.bad
    } else {
        theme.dim
    };
    let mut how = vec![Span::styled(agent.phase.word(), phase)];
    if let Some(revision) = &agent.revision {
        let short = Version::from(revision.as_str());
        how.push(Span::styled(format!(" at {}", short.brief()), theme.faint));
    }
    objects.push(lines.len());
    let taken: usize = how.iter().map(Span::width).sum();
    if LABEL + whom.width() + taken <= width {
        how.insert(0, whom);
        lines.push(labelled(canvas, "agent", how));
    } else {
        lines.push(labelled(canvas, "agent", vec![whom]));
        lines.push(labelled(canvas, "", how));
    }
    if let Some(reason) = agent.own_words() {
        for line in some(canvas, reason, width.saturating_sub(LABEL), 3) {
            let line = Span::styled(line, theme.dim);
            lines.push(labelled(canvas, "", vec![line]));
        }
    }
}

/// What its workloads refer to and lack, what scales them, what measures them.
fn beside(
    canvas: &Canvas<'_>,
    live: &LiveCell,
    width: usize,
    (lines, objects): (&mut Vec<Line<'static>>, &mut Vec<usize>),
) {
    let theme = canvas.theme;
    for it in &live.beside {
        let (label, style) = match (it.companion(), it.health) {
            (Some(CompanionKind::HorizontalPodAutoscaler), Health::Healthy) => {
                ("scaled by", theme.dim)
            }
            (Some(CompanionKind::HorizontalPodAutoscaler), _) => ("scaled by", theme.warn),
            (Some(CompanionKind::AnalysisRun), Health::Degraded) => ("analysis", theme.bad),
            (Some(CompanionKind::AnalysisRun), _) => ("analysis", theme.dim),
            (Some(CompanionKind::Experiment), Health::Degraded) => ("runs", theme.bad),
            (Some(CompanionKind::Experiment), _) => ("runs", theme.dim),
            (_, Health::Missing | Health::Degraded) => ("needs", theme.bad),
            _ => ("needs", theme.warn),
        };
        if it.companion().is_some() {
            objects.push(lines.len());
        }
        let sentence = some(canvas, &it.sentence(), width.saturating_sub(LABEL), 4);
        for (index, line) in sentence.into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(labelled(canvas, label, vec![Span::styled(line, style)]));
        }
    }
}

/// Words in at most so many lines; what was cut has an ellipsis.
fn some(canvas: &Canvas<'_>, words: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = text::wrap(words, width);
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        lines.push(text::clip(&rest, width, canvas.glyphs.ellipsis));
    }
    lines
}

fn section(canvas: &Canvas<'_>, name: &str, focused: bool, lines: &mut Vec<Line<'static>>) {
    let style = if focused {
        canvas.theme.title
    } else {
        canvas.theme.dim
    };
    lines.push(Line::default());
    lines.push(Line::styled(name.to_owned(), style));
}

fn pods(
    canvas: &Canvas<'_>,
    view: &CellView<'_>,
    width: usize,
    screen: &CellScreen,
    (lines, objects): (&mut Vec<Line<'static>>, &mut Vec<usize>),
) {
    let Some(live) = view.status.live else { return };
    let focused = screen.pane == CellPane::Rollout;
    let name = format!("Pods {}", live.pods.len());
    section(canvas, &name, focused, lines);
    if live.pods.is_empty() {
        lines.push(Line::styled("none", canvas.theme.faint));
    }
    let (pods, at) = listed(canvas, live, width);
    objects.extend(at.into_iter().map(|at| lines.len() + at));
    lines.extend(pods);
}

/// Each pod in a line, with what the cluster says of those that are not ready.
pub fn pod_lines(canvas: &Canvas<'_>, live: &LiveCell, width: usize) -> Vec<Line<'static>> {
    listed(canvas, live, width).0
}

/// The same, with the lines that pods begin in.
fn listed(canvas: &Canvas<'_>, live: &LiveCell, width: usize) -> (Vec<Line<'static>>, Vec<usize>) {
    let (mut lines, mut at) = (Vec::new(), Vec::new());
    let columns = PodColumns::of(live, width);
    let mut said: Option<&String> = None;
    for pod in &live.pods {
        at.push(lines.len());
        lines.push(pod_line(canvas, pod, &columns));
        // Pods of one revision fail alike: the words are said once.
        let message = pod.message.as_ref().filter(|_| !pod.ready);
        if let Some(words) = message.filter(|_| message != said) {
            let words = some(canvas, words, width.saturating_sub(4), 3).into_iter();
            let words = words.map(|line| Line::styled(format!("    {line}"), canvas.theme.dim));
            lines.extend(words);
        }
        said = message;
    }
    (lines, at)
}

/// Widths that all pods of a list share.
struct PodColumns {
    name: usize,
    version: usize,
    reason: usize,
    node: usize,
}

impl PodColumns {
    fn of(live: &LiveCell, width: usize) -> Self {
        let longest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
        let pods = || live.pods.iter();
        let versions = pods().filter_map(|pod| pod.version.as_ref());
        let version = longest(&mut versions.map(|v| text::width(v.as_str()))).min(14);
        let reason = longest(&mut pods().map(|pod| text::width(reason(pod)))).min(20);
        let name = longest(&mut pods().map(|pod| text::width(&pod.name)));
        // Glyph, gaps, restarts and age take the rest.
        let left = width.saturating_sub(2 + 2 + version + 2 + reason + 2 + 5 + 2 + 4);
        let name = name.min(left.max(8));
        Self {
            name,
            version,
            reason,
            node: left.saturating_sub(name + 2),
        }
    }
}

fn reason(pod: &PodState) -> &str {
    if pod.terminating {
        "Terminating"
    } else {
        &pod.reason
    }
}

/// `✗ …9f7c6b8-x0k2p  1.42.0  CrashLoopBackOff   14×  47m  node-2`
fn pod_line(canvas: &Canvas<'_>, pod: &PodState, columns: &PodColumns) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let state = cell::of_pod(pod);
    let reason_style = if look::of(state).is_urgent() {
        theme.state(state)
    } else {
        theme.dim
    };
    let restarts = match pod.restarts {
        0 => String::new(),
        many => format!("{many}×"),
    };
    let age = pod.created.map(|at| age::between(at, canvas.model.now));
    let version = pod.version.as_ref().map_or("", |v| v.as_str());
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let node = pod.node.as_deref().unwrap_or_default();
    let mut spans = vec![
        Span::styled(format!("{} ", glyphs.state(state)), theme.state(state)),
        Span::raw(text::tail(&pod.name, columns.name, glyphs.ellipsis)),
        Span::raw(format!("  {}", cut(version, columns.version))),
        Span::styled(
            format!("  {}", cut(reason(pod), columns.reason)),
            reason_style,
        ),
        Span::styled(format!("  {restarts:>5}"), theme.dim),
        Span::styled(format!("  {:>4}", age.unwrap_or_default()), theme.dim),
    ];
    if columns.node > 0 {
        let node = text::clip(node, columns.node, glyphs.ellipsis);
        spans.push(Span::styled(format!("  {node}"), theme.faint));
    }
    Line::from(spans)
}

fn notes(canvas: &Canvas<'_>, width: usize, screen: &CellScreen, lines: &mut Vec<Line<'static>>) {
    let theme = canvas.theme;
    let watched = canvas.model.setup.topology.get(&screen.cell.environment);
    if watched.is_none_or(|environment| environment.cluster.is_none()) {
        return;
    }
    section(canvas, "Events", screen.pane == CellPane::Rollout, lines);
    match &screen.notes {
        Some(Ok(notes)) if notes.is_empty() => lines.push(Line::styled("none", theme.faint)),
        Some(Ok(notes)) => {
            for note in notes {
                note_lines(canvas, note, width, lines);
            }
        }
        Some(Err(why)) => lines.push(Line::styled(why.clone(), theme.unknown)),
        None => lines.push(Line::styled("waiting for the cluster", theme.faint)),
    }
}

fn note_lines(
    canvas: &Canvas<'_>,
    note: &ClusterNote,
    width: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let style = if note.warning { theme.warn } else { theme.dim };
    let age = note.time.map(|at| age::between(at, canvas.model.now));
    let times = match note.count {
        0 | 1 => String::new(),
        many => format!(" ×{many}"),
    };
    lines.push(Line::from(vec![
        Span::styled(format!("{:>4}  ", age.unwrap_or_default()), theme.dim),
        Span::styled(format!("{}{times}", note.reason), style),
        Span::styled(format!("  {}", note.object), theme.faint),
    ]));
    for line in some(canvas, &note.message, width.saturating_sub(6), 3) {
        lines.push(Line::styled(format!("      {line}"), theme.text));
    }
}

/// The same service in the other environments: which version, and how it does there.
pub fn elsewhere(canvas: &Canvas<'_>, cell: &CellKey) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let mut lines = Vec::new();
    let desired = model.git.desired.as_deref();
    let own = desired.and_then(|desired| desired.version(cell));
    for environment in model.environments() {
        let key = CellKey::new(cell.service.clone(), environment.clone());
        let view = status::assess(model, &key);
        if key == *cell || view.status.state == State::Absent {
            continue;
        }
        let version = view.declared.and_then(|cell| cell.version.as_ref());
        let same = version.is_some() && version == own;
        let glyph = canvas.glyphs.state(view.status.state);
        let text = view.declared.map_or("not set", DesiredCell::shown);
        let mut spans = vec![
            Span::styled(format!("{glyph} "), theme.state(view.status.state)),
            Span::raw(format!("{environment:<14} ")),
            Span::styled(text.to_owned(), if same { theme.text } else { theme.dim }),
        ];
        if let Some(skew) = view.skew {
            let skew = format!(" {}", canvas.glyphs.skew(skew));
            spans.push(Span::styled(skew, theme.moving));
        }
        if same {
            spans.push(Span::styled("  same version", theme.dim));
        }
        // Where it is stands before it already.
        if let Some(why) = status::why_of(model, &view) {
            spans.push(Span::styled(format!("  {why}"), theme.dim));
        }
        lines.push(Line::from(spans));
    }
    lines
}
