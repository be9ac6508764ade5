//! What changes and what does not, and why.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{
        areas::{Pane, plan_list},
        event::Planned,
        screen::{PlanPane, PlanScreen},
    },
    domain::{
        plan::{Intent, Outcome, PlannedChange, Skip, Standing, Verdict},
        source_code::VersionStep,
        version::Version,
    },
    ui::{behind, canvas::Canvas, text},
};

/// Draws the list of changes and skipped ones, below it what is to be said of the selected one.
/// Gives the rows it took.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &PlanScreen, view: &Planned) -> u16 {
    let plan = &view.plan;
    let aside = &canvas.model.staging.set_aside;
    let rows = plan.changes.len() + plan.skipped.len() + aside.len();
    let skipped = plan.skipped.iter().chain(aside);
    let cells = plan.changes.iter().map(|change| &change.cell);
    let cells = cells.chain(skipped.clone().map(|skip| &skip.cell));
    let (mut service, mut environment) = (8, 4);
    for cell in cells {
        service = service.max(text::width(cell.service.as_str()).min(24));
        environment = environment.max(text::width(cell.environment.as_str()).min(14));
    }
    let steps = plan.changes.iter().map(|change| {
        let versions = [version(change.from.as_ref()), version(change.to.as_ref())];
        text::width(&versions.concat()) + text::width(canvas.glyphs.arrow)
    });
    let step = steps.max().unwrap_or(0).min(16);
    let skipped: Vec<&Skip> = skipped.collect();
    let mut detail = detail(canvas, usize::from(area.width), screen, view);
    if !detail.is_empty() {
        detail.insert(0, Line::default());
    }
    let (list, said) = plan_list(area, rows, detail.len());
    if usize::from(said.height) < detail.len() {
        // What is said goes before the air above it.
        detail.remove(0);
    }
    let style = match screen.pane {
        PlanPane::Changes => canvas.theme.cursor,
        PlanPane::Diff | PlanPane::Said => canvas.theme.row,
    };
    let line = |canvas: &Canvas<'_>, index: usize| match plan.changes.get(index) {
        Some(change) => change_line(canvas, change, (service, environment, step)),
        None => match skipped.get(index - plan.changes.len()) {
            Some(skip) => skip_line(canvas, skip, (service, environment)),
            None => Line::default(),
        },
    };
    let pane = Pane::Plan(PlanPane::Changes);
    canvas.enter(Some((pane, screen.pane == PlanPane::Changes)));
    canvas.counted_list(list, screen.change, rows, style, line);
    canvas.enter(None);
    let how = super::how_to_see(canvas, screen.pane);
    canvas.cut_lines(said, detail, &how);
    list.height + said.height
}

/// What is to be said of the selected row: the gates of a change, or why nothing changes.
pub fn detail(
    canvas: &Canvas<'_>,
    width: usize,
    screen: &PlanScreen,
    view: &Planned,
) -> Vec<Line<'static>> {
    let changes = &view.plan.changes;
    let after = screen.change.saturating_sub(changes.len());
    let mut skipped = (view.plan.skipped.iter()).chain(&canvas.model.staging.set_aside);
    match changes.get(screen.change) {
        Some(change) => {
            let mut lines = verdicts(canvas, width, change);
            let all = screen.pane == PlanPane::Said;
            let step = VersionStep::of(change);
            lines.extend(
                step.into_iter()
                    .flat_map(|step| behind::lines(canvas, width, &step, all)),
            );
            lines
        }
        None => match skipped.nth(after) {
            Some(skip) => why_not(canvas, width, skip),
            None => Vec::new(),
        },
    }
}

fn version(version: Option<&Version>) -> String {
    version.map_or("inherited".to_owned(), |version| {
        version.brief().into_owned()
    })
}

/// `+ checkout  prod-eu  1.41.3→1.42.0  from staging  ✓✓`
fn change_line(
    canvas: &Canvas<'_>,
    change: &PlannedChange,
    widths: (usize, usize, usize),
) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let from = version(change.from.as_ref());
    let to = Version::from(change.after()).brief().into_owned();
    let (glyph, style) = if change.is_held() {
        ("=", theme.warn)
    } else {
        (glyphs.staged, theme.staged)
    };
    let kind = match &change.intent {
        _ if change.along.is_some() => "comes along".to_owned(),
        Intent::Promote { from } => format!("from {from}"),
        Intent::Set { .. } => "set by hand".to_owned(),
        Intent::Revert { .. } => "revert".to_owned(),
    };
    let step = text::width(&from) + text::width(glyphs.arrow) + text::width(&to);
    let gap = " ".repeat(widths.2.saturating_sub(step));
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
        Span::raw(gap),
    ];
    for verdict in &change.verdicts {
        let (word, style) = outcome(canvas, verdict);
        if verdict.outcome != Outcome::Pass {
            let words = format!("  {word}: {}", verdict.gate);
            spans.push(Span::styled(words, style));
        }
    }
    spans.push(Span::styled(format!("  {kind}"), theme.dim));
    Line::from(spans)
}

fn skip_line(canvas: &Canvas<'_>, skip: &Skip, widths: (usize, usize)) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let cause = skip.cause.as_str().replace('-', " ");
    let (word, style) = match skip.standing {
        Standing::Stops => ("cannot change", theme.bad),
        Standing::LeftOut => ("left out", theme.dim),
        Standing::Aside => ("skipped", theme.dim),
    };
    Line::from(vec![
        Span::styled("- ", theme.faint),
        Span::styled(cut(skip.cell.service.as_str(), widths.0), theme.dim),
        Span::styled(
            format!("  {}  ", cut(skip.cell.environment.as_str(), widths.1)),
            theme.faint,
        ),
        Span::styled(format!("{word}: {cause}"), style),
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

fn verdicts(canvas: &Canvas<'_>, width: usize, change: &PlannedChange) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
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
    lines
}

fn why_not(canvas: &Canvas<'_>, width: usize, skip: &Skip) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    lines.push(Line::styled(format!("Why not {}", skip.cell), theme.dim));
    let words = text::wrap(&skip.detail, width.saturating_sub(2)).into_iter();
    lines.extend(words.map(|line| Line::styled(format!("  {line}"), theme.text)));
    lines
}
