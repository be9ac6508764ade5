//! What is wrong with a configuration: file, line, key, and what would be right.

use std::fmt;

use crate::domain::{
    alike::{self, Told},
    failure::Failure,
};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// The file as people know it: `tidegate.toml`, `origin/main:tidegate.toml`, a path.
    pub file: String,
    /// The line, from 1; `None` where the file as a whole is wrong.
    pub line: Option<u32>,
    /// The key as a path: `environments[2].from`; empty where there is none.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The same mistake in thousands of places is told once, with a count: keys differ by their numbers alone.
        let told = alike::tell(&self.0, |error| {
            (
                error.key.replace(|c: char| c.is_ascii_digit(), ""),
                &error.message,
            )
        });
        for (i, told) in told.into_iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match told {
                Told::One(error) => error.fmt(f)?,
                Told::More { like, count } => {
                    write!(f, "{}: and {count} more like the last one", like.file)?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::usage(errors.to_string())
    }
}
