//! What a terminal shows at one moment.
#![allow(dead_code)] // not every journey uses all of it

/// A screen at one moment.
#[derive(Clone)]
pub struct View {
    screen: Box<vt100::Screen>,
    lines: Vec<String>,
}

impl View {
    /// What an emulated screen shows now.
    pub fn of(screen: &vt100::Screen) -> Self {
        let screen = screen.clone();
        let (_, columns) = screen.size();
        let lines = screen.rows(0, columns.get()).collect();
        Self {
            screen: Box::new(screen),
            lines,
        }
    }

    /// Is this text somewhere on one line?
    pub fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }

    /// The first line with all of these texts.
    pub fn line(&self, texts: &[&str]) -> Option<&str> {
        self.lines
            .iter()
            .map(String::as_str)
            .find(|line| texts.iter().all(|text| line.contains(text)))
    }

    /// The column and the row of `text` on the first line that has it and all of these.
    pub fn place(&self, texts: &[&str], text: &str) -> Option<(usize, usize)> {
        let all = |line: &String| line.contains(text) && texts.iter().all(|it| line.contains(it));
        let row = self.lines.iter().position(all)?;
        let before = self.lines[row].split(text).next()?;
        Some((before.chars().count(), row))
    }

    /// Its lines, top down, without trailing space.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The whole emulated screen: attributes, cursor, modes.
    pub fn screen(&self) -> &vt100::Screen {
        &self.screen
    }

    /// Is a full-screen program showing?
    pub fn is_full_screen(&self) -> bool {
        self.screen.alternate_screen()
    }

    /// Asserts that the screen is as a shell expects it.
    ///
    /// # Panics
    /// With what is not.
    pub fn assert_restored(&self) {
        assert!(
            !self.screen.alternate_screen(),
            "alternate screen left\n{self}"
        );
        assert!(!self.screen.hide_cursor(), "cursor shown\n{self}");
        assert!(
            !self.screen.bracketed_paste(),
            "bracketed paste off\n{self}"
        );
        assert_eq!(
            vt100::MouseProtocolMode::None,
            self.screen.mouse_protocol_mode(),
            "mouse off\n{self}"
        );
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (_, columns) = self.screen.size();
        let rule = "─".repeat(columns.get().into());
        writeln!(f, "┌{rule}┐")?;
        for line in &self.lines {
            writeln!(f, "│{line:<width$}│", width = usize::from(columns.get()))?;
        }
        write!(f, "└{rule}┘")
    }
}
