//! A file's change as text that people and `git apply` read.

use similar::TextDiff;

use super::plan::FileEdit;

/// One file's exact change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The file.
    pub path: super::ids::RepoPath,
    /// Hunks of a unified diff with three lines of context, without the `---`/`+++` lines.
    pub text: String,
}

impl FileDiff {
    /// The change that an edit makes. Bytes that are not UTF-8 are shown as replacement characters.
    pub fn of(edit: &FileEdit) -> Self {
        let before = String::from_utf8_lossy(&edit.before);
        let after = String::from_utf8_lossy(&edit.after);
        let diff = TextDiff::from_lines(&*before, &*after);
        Self {
            path: edit.path.clone(),
            text: diff.unified_diff().context_radius(3).to_string(),
        }
    }

    /// With the `---`/`+++` lines of Git.
    pub fn with_header(&self) -> String {
        format!(
            "--- a/{path}\n+++ b/{path}\n{}",
            self.text,
            path = self.path
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_a_missing_line_end() {
        let edit = FileEdit {
            path: "a.yaml".into(),
            before: b"a: 1\nb: 2".to_vec(),
            after: b"a: 1\nb: 3".to_vec(),
        };
        assert_eq!(
            FileDiff::of(&edit).with_header(),
            "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 3\n\\ No newline at end of file\n"
        );
    }
}
