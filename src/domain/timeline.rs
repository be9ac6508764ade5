//! What was done and said, as entries with their times: the activity log, on the screen and on disk.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was logged.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What happened, in one line.
    pub text: String,
    /// What to do next, or the server's message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
}

/// How much an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nothing is asked of anybody.
    Info,
    /// Something that was asked for is done.
    Done,
    /// Went on, with a word.
    Warn,
    /// Something that was asked for, or is needed, did not work.
    Error,
}
