//! What a command said, and what is asked of it.

use std::{process::Output, time::Duration};

use serde_json::Value;

/// What a command said.
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub words: String,
    /// How long it took.
    pub took: Duration,
}

impl Said {
    /// What is left of a finished command.
    pub fn of(output: &Output, took: Duration) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            output: text(&output.stdout),
            words: text(&output.stderr),
            took,
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(code, self.code, "{}", self.all());
        self
    }

    /// Its output, which is JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}\n{}", self.all()))
    }

    /// Everything it said.
    pub fn all(&self) -> String {
        format!("exit {}\n{}\n{}", self.code, self.output, self.words)
    }

    /// Asserts that it said this, on either output.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.all().contains(text),
            "{text:?} is not in\n{}",
            self.all()
        );
        self
    }
}
