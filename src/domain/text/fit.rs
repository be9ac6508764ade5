//! Text in the columns of a terminal: measured, cut and wrapped by what is seen as one character, never inside it.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{is_plain, sanitise};

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    text.width()
}

/// `text` cut to `limit` columns, the cut shown by `ellipsis`; safe to print.
pub fn clip(text: &str, limit: usize, ellipsis: &str) -> String {
    let clean = sanitise(text);
    if width(&clean) <= limit {
        return clean.into_owned();
    }
    let end = fitting(&clean, limit.saturating_sub(width(ellipsis)));
    let mut out = clean[..end].to_owned();
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
    let ends = clean.grapheme_indices(true).rev().map(|(at, _)| at);
    let start = ends.take_while(|at| width(&clean[*at..]) <= room).last();
    let end = &clean[start.unwrap_or(clean.len())..];
    column(&format!("{ellipsis}{end}"), limit, ellipsis)
}

/// `text` in lines of at most `limit` columns, broken between words where there are any.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines = vec![String::new()];
    let clean = sanitise(text);
    for mut word in clean.split_whitespace() {
        let used = lines.last().map_or(0, |line| width(line));
        if used > 0 && used + 1 + width(word) > limit {
            lines.push(String::new());
        } else if used > 0
            && let Some(line) = lines.last_mut()
        {
            line.push(' ');
        }
        // A word longer than a line: as much of it as fits, one character at the least.
        while width(word) > limit {
            let first = word.graphemes(true).next().map_or(word.len(), str::len);
            let most = fitting(word, limit).max(first);
            // A path is broken between its folders, so that its line number stays whole.
            let folder = word[..most].rfind('/').map(|at| at + 1);
            let (fits, rest) = word.split_at(folder.filter(|at| 3 * at >= most).unwrap_or(most));
            if let Some(line) = lines.last_mut() {
                line.push_str(fits);
            }
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
            word = rest;
        }
        if width(word) <= limit
            && let Some(line) = lines.last_mut()
        {
            line.push_str(word);
        }
    }
    lines
}

/// [`wrap`], of which so many lines are left at most; what is cut is shown by `ellipsis`.
pub fn wrap_most(text: &str, limit: usize, most: usize, ellipsis: &str) -> Vec<String> {
    let mut lines = wrap(text, limit);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = clip(last, limit.saturating_sub(width(ellipsis)), "");
            last.push_str(ellipsis);
        }
    }
    lines
}

/// The widths of columns that want `wanted` and have `room` together, gaps not counted: the widest give way first, none below
/// `least` (or what it wants, where that is less). What is left over is not given out. They may still take more than `room`.
pub fn share(wanted: &[usize], least: usize, room: usize) -> Vec<usize> {
    let sum = |limit: usize| -> usize { wanted.iter().map(|wide| (*wide).min(limit)).sum() };
    let widest = wanted.iter().copied().max().unwrap_or(0);
    let least = least.min(widest);
    // The largest limit under which they fit; those that are widest share what it leaves.
    let limit = (least..=widest).rev().find(|limit| sum(*limit) <= room);
    let limit = limit.unwrap_or(least);
    let mut left = room.saturating_sub(sum(limit));
    let widen = |wide: &usize| {
        let more = usize::from(*wide > limit && left > 0);
        left -= more;
        (*wide).min(limit) + more
    };
    wanted.iter().map(widen).collect()
}

/// How many bytes of `text` stand in `room` columns.
fn fitting(text: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > room {
            return at;
        }
    }
    text.len()
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
            ("cafe\u{301}s", 5, "cafe\u{301}s"),
            ("cafe\u{301}s", 4, "caf…"),
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
        assert_eq!(tail("naïve-nai\u{308}ve", 5, "…"), "…ai\u{308}ve");
        assert_eq!(tail("short", 8, "…"), "short   ");
    }

    #[test]
    fn columns_share_their_room() {
        let cases: [(&[usize], usize, usize, &[usize]); 7] = [
            (&[10, 20, 5], 7, 40, &[10, 20, 5]),
            (&[10, 20, 5], 7, 30, &[10, 15, 5]),
            (&[10, 20, 5], 7, 20, &[8, 7, 5]),
            (&[10, 20, 5], 7, 10, &[7, 7, 5]),
            (&[20, 20, 20], 7, 50, &[17, 17, 16]),
            (&[3, 3], 7, 4, &[3, 3]),
            (&[], 7, 4, &[]),
        ];
        for (wanted, least, room, expected) in cases {
            assert_eq!(share(wanted, least, room), expected, "{wanted:?} {room}");
        }
    }

    #[test]
    fn what_is_cut_of_wrapped_text_is_marked() {
        let text = "one two three four";
        assert_eq!(wrap_most(text, 8, 9, "…"), ["one two", "three", "four"]);
        assert_eq!(wrap_most(text, 8, 3, "…"), ["one two", "three", "four"]);
        assert_eq!(wrap_most(text, 8, 2, "…"), ["one two", "three…"]);
        assert_eq!(wrap_most(text, 7, 1, "..."), ["one ..."]);
    }

    #[test]
    fn wraps_between_words_and_inside_long_ones() {
        let cases: [(&str, usize, &[&str]); 9] = [
            ("one two three", 7, &["one two", "three"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("a abcdefgh b", 4, &["a", "abcd", "efgh", "b"]),
            ("abcdefgh b", 6, &["abcdef", "gh b"]),
            ("apps/web/prod.yaml:34", 20, &["apps/web/", "prod.yaml:34"]),
            ("a/abcdefgh", 8, &["a/abcdef", "gh"]),
            ("", 4, &[""]),
            // Never endless.
            ("日本", 1, &["日", "本"]),
            ("ae\u{301}io", 2, &["ae\u{301}", "io"]),
        ];
        for (text, limit, expected) in cases {
            assert_eq!(wrap(text, limit), expected, "{text} {limit}");
        }
    }
}
