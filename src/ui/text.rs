//! Widths, cutting, columns and times.

use jiff::{Timestamp, tz::TimeZone};
use ratatui::{style::Style, text::Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::text::sanitise;

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `limit` columns, the cut shown by `ellipsis`; safe to print.
pub fn clip(text: &str, limit: usize, ellipsis: &str) -> String {
    let clean = sanitise(text);
    if width(&clean) <= limit {
        return clean.into_owned();
    }
    let room = limit.saturating_sub(width(ellipsis));
    let mut out = String::new();
    let mut used = 0;
    for grapheme in Span::raw(clean.as_ref()).styled_graphemes(Style::new()) {
        let next = width(grapheme.symbol);
        if used + next > room {
            break;
        }
        used += next;
        out.push_str(grapheme.symbol);
    }
    if limit >= width(ellipsis) {
        out.push_str(ellipsis);
    }
    out
}

/// [`clip`], then filled with spaces to exactly `limit` columns.
pub fn column(text: &str, limit: usize, ellipsis: &str) -> String {
    let mut out = clip(text, limit, ellipsis);
    let rest = limit.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', rest));
    out
}

/// `text` as its last `limit` columns: of generated names the end tells them apart.
pub fn tail(text: &str, limit: usize, ellipsis: &str) -> String {
    let clean = sanitise(text);
    if width(&clean) <= limit {
        return column(&clean, limit, ellipsis);
    }
    let room = limit.saturating_sub(width(ellipsis));
    let mut start = clean.len();
    for (at, _) in clean.char_indices().rev() {
        if width(&clean[at..]) > room {
            break;
        }
        start = at;
    }
    column(&format!("{ellipsis}{}", &clean[start..]), limit, ellipsis)
}

/// `text` in lines of at most `limit` columns, broken between words where there are any.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines = vec![String::new()];
    for word in sanitise(text).split_whitespace() {
        let mut word = word.to_owned();
        loop {
            let used = lines.last().map_or(0, |line| width(line));
            let gap = usize::from(used > 0);
            if used + gap + width(&word) <= limit {
                if let Some(line) = lines.last_mut() {
                    line.extend(std::iter::repeat_n(' ', gap));
                    line.push_str(&word);
                }
                break;
            }
            if used > 0 {
                lines.push(String::new());
                continue;
            }
            // A word longer than a line: as much of it as fits, one character at the least.
            let mut cut = 0;
            for (at, c) in word.char_indices() {
                let end = at + c.len_utf8();
                if cut > 0 && width(&word[..end]) > limit {
                    break;
                }
                cut = end;
            }
            let rest = word.split_off(cut);
            if let Some(line) = lines.last_mut() {
                *line = word;
            }
            if rest.is_empty() {
                break;
            }
            word = rest;
            lines.push(String::new());
        }
    }
    lines
}

/// A time as near as it needs to be told: `14:02` today, `Nov 19` this year, `2025-11-19` else. In UTC.
pub fn when(time: Timestamp, today: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    let today = today.to_zoned(TimeZone::UTC);
    let format = if time.date() == today.date() {
        "%H:%M"
    } else if time.year() == today.year() {
        "%b %d"
    } else {
        "%Y-%m-%d"
    };
    time.strftime(format).to_string()
}

/// `2026-11-21 14:02`, in UTC.
pub fn full(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `14:02:11`, in UTC.
pub fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%H:%M:%S")
        .to_string()
}

/// The part of a list to show: as much as fits, the selected one in the middle where it can be.
pub fn window(selected: usize, count: usize, height: usize) -> std::ops::Range<usize> {
    let last_start = count.saturating_sub(height);
    let start = selected.saturating_sub(height / 2).min(last_start);
    start..(start + height).min(count)
}

/// `1 change`, `2 changes`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_by_columns() {
        let cases = [
            ("checkout", 8, "checkout"),
            ("checkout", 5, "chec…"),
            ("checkout", 1, "…"),
            ("checkout", 0, ""),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("a\x1b[31mb\nc", 8, "ab c"),
        ];
        for (text, limit, expected) in cases {
            let clipped = clip(text, limit, "…");
            assert_eq!(clipped, expected, "{text} {limit}");
            assert!(width(&clipped) <= limit);
            assert_eq!(width(&column(text, limit, "…")), limit);
        }
        assert_eq!(clip("checkout", 1, ".."), "");
        assert_eq!(tail("checkout-5d9f7-x0k2p", 8, "…"), "…7-x0k2p");
        assert_eq!(tail("short", 8, "…"), "short   ");
    }

    #[test]
    fn wraps_between_words_and_inside_long_ones() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a abcdefgh b", 4), ["a", "abcd", "efgh", "b"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("日本", 1), ["日", "本"], "never endless");
    }

    #[test]
    fn times_and_windows() {
        let today: Timestamp = "2026-11-21T14:02:11Z".parse().unwrap();
        let cases = [
            ("2026-11-21T09:05:00Z", "09:05"),
            ("2026-11-19T09:05:00Z", "Nov 19"),
            ("2025-11-21T09:05:00Z", "2025-11-21"),
        ];
        for (time, expected) in cases {
            assert_eq!(when(time.parse().unwrap(), today), expected);
        }
        assert_eq!(window(0, 10, 4), 0..4);
        assert_eq!(window(5, 10, 4), 3..7);
        assert_eq!(window(9, 10, 4), 6..10);
        assert_eq!(window(1, 2, 4), 0..2);
    }
}
