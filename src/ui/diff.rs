//! Lines of a unified diff.

use ratatui::text::Line;

use super::theme::Theme;

/// One line, coloured by what it is; its first character says so too.
pub fn line<'a>(theme: &Theme, text: &'a str) -> Line<'a> {
    let style = match text.as_bytes().first() {
        Some(b'+') if text.starts_with("+++ ") => theme.title,
        Some(b'-') if text.starts_with("--- ") => theme.title,
        Some(b'+') => theme.good,
        Some(b'-') => theme.bad.remove_modifier(ratatui::style::Modifier::BOLD),
        Some(b'@') => theme.accent,
        Some(b'\\') => theme.faint,
        Some(b' ') | None => theme.dim,
        Some(_) => theme.title,
    };
    Line::styled(text, style)
}
