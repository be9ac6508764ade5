//! What drifts: a line per finding, by kind, and the selected one in full.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    app::{areas, screen::DriftScreen},
    domain::{drift::Kind, ids::CellKey, version::Version},
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &DriftScreen) {
    let theme = canvas.theme;
    let mut title = vec![Span::styled("Drift", theme.title)];
    for (kind, count) in screen.counts() {
        title.push(Span::styled(
            format!("  {count} {kind}"),
            style(canvas, kind),
        ));
    }
    let marked = canvas.model.matrix.marks.len();
    if marked > 0 {
        title.push(Span::styled(format!("  {marked} marked"), theme.staged));
    }
    let inner = canvas.frame(area, Line::from(title));
    let Some(selected) = screen.findings.get(screen.selected) else {
        return nothing(canvas, inner);
    };
    let (kind, cell) = selected;
    let detail = canvas.model.how_it_drifts(*kind, cell);
    let full = text::wrap(&detail, usize::from(inner.width)).into_iter();
    let full: Vec<Line<'static>> = full.map(|line| Line::styled(line, theme.text)).collect();
    let (list, divider, foot) = areas::activity(area, full.len());
    let heading = Line::styled(cell.to_string(), theme.title);
    canvas.divide(area, divider, heading);
    let width = |of: fn(&CellKey) -> &str| {
        let names = screen.findings.iter();
        let names = names.map(|(_, cell)| text::width(of(cell)));
        names.max().unwrap_or(0).min(24)
    };
    let service = width(|cell| cell.service.as_str());
    let environment = width(|cell| cell.environment.as_str());
    let row = |canvas: &Canvas<'_>, index: usize| {
        line(canvas, &screen.findings[index], (service, environment))
    };
    canvas.counted_list(
        list,
        screen.selected,
        screen.findings.len(),
        theme.cursor,
        row,
    );
    canvas.lines(foot, full);
}

fn nothing(canvas: &mut Canvas<'_>, area: Rect) {
    let (model, theme) = (canvas.model, canvas.theme);
    let words = match (&model.git.desired, model.history.done) {
        (None, _) => "the matrix has not been read yet",
        (Some(_), false) => "nothing drifts so far; the history is still being read",
        (Some(_), true) => "nothing drifts: environments, clusters and Git agree",
    };
    canvas.put(area, Line::styled(words, theme.dim));
}

fn style(canvas: &Canvas<'_>, kind: Kind) -> Style {
    let theme = canvas.theme;
    match kind {
        Kind::Live | Kind::Ahead => theme.warn,
        Kind::Reverted | Kind::Suspended | Kind::Mutable => theme.unknown,
        Kind::Skew => theme.dim,
    }
}

/// `* live       mailer  prod-us  Git declares 2.0.3, the cluster runs 2.0.3-hot ×3`
fn line(
    canvas: &Canvas<'_>,
    (kind, cell): &(Kind, CellKey),
    widths: (usize, usize),
) -> Line<'static> {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    let mark = if model.matrix.marks.contains(cell) {
        glyphs.mark
    } else {
        " "
    };
    let staged = if model.staging.get(cell).is_some() {
        glyphs.staged
    } else {
        " "
    };
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let place = if model.is_protected(&cell.environment) {
        theme.warn
    } else {
        theme.dim
    };
    Line::from(vec![
        Span::styled(format!("{mark}{staged}"), theme.staged),
        Span::styled(format!("{:<11}", kind.as_str()), style(canvas, *kind)),
        Span::raw(cut(cell.service.as_str(), widths.0)),
        Span::styled(
            format!("  {}  ", cut(cell.environment.as_str(), widths.1)),
            place,
        ),
        // In full below.
        Span::styled(brief(&model.how_it_drifts(*kind, cell)), theme.text),
    ])
}

/// A sentence with its hashes abbreviated.
fn brief(sentence: &str) -> String {
    let words = sentence.split(' ').map(|word| {
        let bare = word.trim_end_matches([',', ';', ':']);
        let end = &word[bare.len()..];
        format!("{}{end}", Version::from(bare).brief())
    });
    words.collect::<Vec<_>>().join(" ")
}
