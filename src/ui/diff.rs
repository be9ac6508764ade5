//! Unified diffs, read by people: a file's name once, then its hunks.

use ratatui::{style::Modifier, text::Line};

use super::theme::Theme;

/// The lines of a diff as they are shown: of a file's header only its name stays.
pub fn lines<'a>(theme: &Theme, diff: &'a str) -> impl Iterator<Item = Line<'a>> {
    let theme = *theme;
    let mut header = true;
    let mut deleted = false;
    diff.lines().filter_map(move |text| {
        // Inside a hunk no line begins with a `d`; so this can only be the next file.
        header = (header || text.starts_with("diff --git ")) && !text.starts_with("@@");
        if !header {
            deleted = false;
            return Some(line(&theme, text));
        }
        // A deleted file has no new name: the old one is said, with what became of it.
        deleted |= text.starts_with("deleted file");
        let old = text.strip_prefix("--- a/").filter(|_| deleted);
        let path = text.strip_prefix("+++ b/").or(old)?;
        Some(Line::styled(path, theme.title))
    })
}

/// One line of a hunk, coloured by what it is; its first character says so too.
pub fn line<'a>(theme: &Theme, text: &'a str) -> Line<'a> {
    let style = match text.as_bytes().first() {
        Some(b'+') => theme.good,
        Some(b'-') => theme.bad.remove_modifier(Modifier::BOLD),
        Some(b'@') => theme.accent,
        Some(b'\\') => theme.faint,
        _ => theme.dim,
    };
    Line::styled(text, style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;

    #[test]
    fn of_a_header_the_name_stays_and_hunks_stay_whole() {
        let diff = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n\
                    --- was a list\n+++ is a list\ndiff --git a/y b/y\n--- /dev/null\n+++ b/y\n@@ @@\n+1\n\
                    diff --git a/z b/z\ndeleted file mode 100644\n--- a/z\n+++ /dev/null\n@@ @@\n-1\n";
        let theme = Theme::of(&Look::default(), None);
        let shown: Vec<String> = lines(&theme, diff).map(|line| line.to_string()).collect();
        let expected = [
            "x",
            "@@ -1 +1 @@",
            "--- was a list",
            "+++ is a list",
            "y",
            "@@ @@",
            "+1",
            "z",
            "@@ @@",
            "-1",
        ];
        assert_eq!(shown, expected);
    }
}
