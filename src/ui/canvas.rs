//! Drawing lines and boxes; the only place that touches the buffer.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    glyphs::Glyphs,
    text::{clip, width, window},
    theme::Theme,
};
use crate::{
    actions::{Action, Mode, Motion},
    app::{
        areas::{self, Drawn, Pane, Reach, Spot, Zone, row},
        model::Model,
    },
};

/// What an area draws with.
pub struct Canvas<'a> {
    /// What is shown.
    pub model: &'a Model,
    /// Styles of what is drawn, by what it means.
    pub theme: Theme,
    /// Signs and borders, in Unicode or ASCII.
    pub glyphs: Glyphs,
    /// What was found out for the keys and the mouse.
    pub drawn: Drawn,
    /// The pane that is being drawn, and whether it has the keys.
    pane: Option<(Pane, bool)>,
    buffer: &'a mut Buffer,
}

impl<'a> Canvas<'a> {
    /// Draws `model` into `buffer`.
    pub fn new(model: &'a Model, buffer: &'a mut Buffer) -> Self {
        let theme = Theme::of(&model.setup.look, model.ground);
        let area = buffer.area;
        buffer.set_style(area, theme.base);
        Self {
            model,
            theme,
            glyphs: Glyphs::new(model.setup.look.ascii),
            drawn: Drawn::default(),
            pane: None,
            buffer,
        }
    }

    /// What is drawn from here on is in this pane, which has the keys or not; `None`: the screen has no panes.
    pub fn enter(&mut self, pane: Option<(Pane, bool)>) {
        self.pane = pane;
    }

    /// Says what answers the mouse in `place`.
    pub fn zone(&mut self, place: Rect, what: Spot) {
        if !place.is_empty() {
            self.drawn.zones.push(Zone { place, what });
        }
    }

    /// Says how far the text in `place` can be scrolled, by keys where its pane has them, and by the wheel.
    pub fn reaches(&mut self, place: Rect, reach: Reach) {
        if self.has_keys() {
            self.drawn.keys = reach;
        }
        let pane = self.pane.map(|(pane, _)| pane);
        self.zone(place, Spot::Text { pane, reach });
    }

    fn has_keys(&self) -> bool {
        self.pane.is_none_or(|(_, has_keys)| has_keys)
    }

    /// `<r>`: what is to be pressed for `action` in `mode`.
    pub fn key(&self, mode: Mode, action: Action) -> Span<'static> {
        let key = self.model.key(mode, action);
        Span::styled(format!("<{key}>"), self.theme.accent)
    }

    /// Draws one line into the first row of `area`; what does not fit is cut, and the cut is shown.
    pub fn put(&mut self, area: Rect, line: Line<'_>) {
        if area.height == 0 || area.width == 0 || !self.buffer.area.intersects(area) {
            return;
        }
        let limit = usize::from(area.width);
        let spans: Vec<(String, Style)> = line
            .spans
            .iter()
            .map(|span| {
                let text = self.glyphs.text(&span.content);
                let text = clip(&text, usize::MAX, self.glyphs.ellipsis);
                // Nothing of what was drawn there before shines through.
                let style = Style::reset().patch(self.theme.base);
                let style = style.patch(line.style).patch(span.style);
                (text, style)
            })
            .collect();
        let total: usize = spans.iter().map(|(text, _)| width(text)).sum();
        let mut left = limit;
        let mut x = area.x;
        for (index, (text, style)) in spans.iter().enumerate() {
            let wanted = width(text);
            let rest: usize = spans[index + 1..].iter().map(|(text, _)| width(text)).sum();
            // The line is cut in the first span that cannot stand whole with an ellipsis after it.
            let cut = total > limit
                && rest > 0
                && wanted + width(self.glyphs.ellipsis) > left
                && wanted + rest > left;
            let shown = if cut && wanted <= left {
                clip(
                    &format!("{text}{}", self.glyphs.ellipsis.repeat(2)),
                    left,
                    self.glyphs.ellipsis,
                )
            } else {
                clip(text, left, self.glyphs.ellipsis)
            };
            self.buffer.set_stringn(x, area.y, &shown, left, *style);
            let used = width(&shown);
            left -= used.min(left);
            x += u16::try_from(used).unwrap_or(u16::MAX);
            if cut || left == 0 {
                break;
            }
        }
    }

    /// Draws one line that ends at the right edge of `area`.
    pub fn put_right(&mut self, area: Rect, line: Line<'_>) {
        let wanted = u16::try_from(line.width()).unwrap_or(u16::MAX);
        let shown = wanted.min(area.width);
        self.put(
            Rect {
                x: area.x + area.width - shown,
                width: shown,
                ..area
            },
            line,
        );
    }

    /// Draws lines from the top of `area` as far as they fit.
    pub fn lines<'l>(&mut self, area: Rect, lines: impl IntoIterator<Item = Line<'l>>) {
        for (y, line) in (area.y..area.y + area.height).zip(lines) {
            self.put(
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                line,
            );
        }
    }

    /// Draws the rows of a list of `count` around the selected one, which is tinted. Keys move through it where its pane has
    /// them.
    pub fn list<'l>(
        &mut self,
        area: Rect,
        selected: usize,
        count: usize,
        style: Style,
        line: impl Fn(&Self, usize) -> Line<'l>,
    ) {
        if self.has_keys() {
            self.drawn.keys.page = usize::from(area.height);
        }
        let shown = window(selected, count, usize::from(area.height));
        let pane = self.pane.map(|(pane, _)| pane);
        let first = shown.start;
        self.zone(area, Spot::Rows { pane, first, count });
        for (offset, index) in (0..area.height).zip(shown) {
            let place = row(area, offset);
            let line = line(self, index);
            self.put(place, line);
            if index == selected {
                self.tint(place, style);
            }
        }
    }

    /// The same list where nothing may be hidden without a word: where not all fit, the last row says how many stand above and
    /// below.
    pub fn counted_list<'l>(
        &mut self,
        area: Rect,
        selected: usize,
        count: usize,
        style: Style,
        line: impl Fn(&Self, usize) -> Line<'l>,
    ) {
        if count <= usize::from(area.height) {
            return self.list(area, selected, count, style, line);
        }
        let rows = areas::below(area, 0, area.height.saturating_sub(1));
        self.list(rows, selected, count, style, line);
        let shown = window(selected, count, usize::from(rows.height));
        let words = self.beyond(shown.start, count - shown.end);
        self.put(areas::below(area, rows.height, 1), words);
    }

    /// `… 3 above, 12 below`
    pub fn beyond(&self, above: usize, below: usize) -> Line<'static> {
        let ellipsis = self.glyphs.ellipsis;
        let words = match (above, below) {
            (0, below) => format!("{ellipsis} {below} below"),
            (above, 0) => format!("{ellipsis} {above} above"),
            (above, below) => format!("{ellipsis} {above} above, {below} below"),
        };
        Line::styled(words, self.theme.warn)
    }

    /// As many lines as fit; where some do not, the last one says how many, and `how` to see them.
    pub fn cut_lines(&mut self, area: Rect, mut lines: Vec<Line<'_>>, how: &str) {
        let height = usize::from(area.height);
        if lines.len() > height && height > 0 {
            self.drawn.cut = true;
            let more = lines.len() - (height - 1);
            lines.truncate(height - 1);
            let words = format!("{} {more} more: {how}", self.glyphs.ellipsis);
            lines.push(Line::styled(words, self.theme.dim));
        } else if !lines.is_empty() && height == 0 {
            self.drawn.cut = true;
        }
        self.lines(area, lines);
    }

    /// Draws a text from its line `first` on, and says how far it can be scrolled: keys move through it where its pane has
    /// them.
    pub fn scrolled(&mut self, area: Rect, lines: Vec<Line<'_>>, first: usize) {
        let height = usize::from(area.height);
        let last = lines.len().saturating_sub(height);
        self.reaches(area, Reach { page: height, last });
        self.lines(area, lines.into_iter().skip(first.min(last)));
    }

    /// The same text where nothing may be hidden without a word: where not all of it fits, the last row says how many lines
    /// stand above and below, and which key goes there.
    pub fn counted_text(&mut self, area: Rect, lines: Vec<Line<'_>>, first: usize) {
        self.counted_text_by((Motion::Up, Motion::Down), area, lines, first);
    }

    /// The same where these motions go up and down.
    pub fn counted_text_by(
        &mut self,
        (up, down): (Motion, Motion),
        area: Rect,
        lines: Vec<Line<'_>>,
        first: usize,
    ) {
        let (count, height) = (lines.len(), usize::from(area.height));
        if count <= height {
            return self.lines(area, lines);
        }
        let shown = height.saturating_sub(1);
        let first = first.min(count - shown);
        self.scrolled(areas::below(area, 0, areas::rows(shown)), lines, first);
        let below = count - first - shown;
        let mut words = self.beyond(first, below);
        let way = if below > 0 { down } else { up };
        let key = self.model.key(self.model.mode(), Action::Move(way));
        words.push_span(Span::raw(format!(": {key}")));
        self.put(areas::below(area, areas::rows(shown), 1), words);
    }

    /// Adds a style to everything in `area`.
    pub fn tint(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area, style);
    }

    /// Empties `area`, for a box above others.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            self.buffer[position].reset();
            self.buffer[position].set_style(self.theme.base);
        }
    }

    /// Draws a box with a title; gives the room inside, one column of air at both sides.
    pub fn frame(&mut self, area: Rect, title: Line<'_>) -> Rect {
        let lines = self.glyphs.lines;
        let [top_left, top_right, bottom_right, bottom_left] = lines.corners;
        self.rule(area, 0, (top_left, top_right), title);
        let bottom = area.height.saturating_sub(1);
        self.rule(area, bottom, (bottom_left, bottom_right), Line::default());
        let style = self.theme.border;
        for y in area.y + 1..area.y + bottom {
            self.buffer.set_string(area.x, y, lines.vertical, style);
            let right = area.x + area.width - 1;
            self.buffer.set_string(right, y, lines.vertical, style);
        }
        areas::inside(area)
    }

    /// Draws a line with a title through a box, `offset` rows below its top.
    pub fn divide(&mut self, area: Rect, offset: u16, title: Line<'_>) {
        let [left, right, ..] = self.glyphs.lines.tees;
        self.rule(area, offset, (left, right), title);
    }

    /// Draws a vertical line through a box between two of its rows, joined to both; a title that reaches so far stays whole.
    pub fn split(&mut self, area: Rect, column: u16, rows: (u16, u16)) {
        let lines = self.glyphs.lines;
        let x = area.x + column;
        let (first, last) = rows;
        let style = self.theme.border;
        let top = area.y + first;
        let in_border = |canvas: &Self| {
            let cell = canvas.buffer.cell((x, top));
            cell.is_some_and(|cell| cell.symbol() == lines.horizontal)
        };
        if in_border(self) {
            self.buffer.set_string(x, top, lines.tees[2], style);
        }
        for y in area.y + first + 1..area.y + last {
            self.buffer.set_string(x, y, lines.vertical, style);
        }
        self.buffer
            .set_string(x, area.y + last, lines.tees[3], style);
    }

    fn rule(&mut self, area: Rect, offset: u16, ends: (&str, &str), title: Line<'_>) {
        if offset >= area.height || area.width < 4 {
            return;
        }
        let y = area.y + offset;
        let style = self.theme.border;
        let middle = self.glyphs.lines.horizontal;
        let inner = usize::from(area.width) - 2;
        let text = format!("{}{}{}", ends.0, middle.repeat(inner), ends.1);
        self.buffer.set_string(area.x, y, text, style);
        if title.width() > 0 {
            let mut spans = vec![Span::raw(" ")];
            spans.extend(title.spans);
            spans.push(Span::raw(" "));
            let place = Rect {
                x: area.x + 1,
                y,
                width: area.width - 2,
                height: 1,
            };
            self.put(place, Line::from(spans).style(title.style));
        }
    }
}
