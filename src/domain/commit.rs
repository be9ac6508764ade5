//! How commits are made beside what Git's own configuration says of it.

/// What the user's file says of commits that Tidegate makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitSettings {
    /// Hooks of the clone that run over a copy of the message, in the order in which Git runs them.
    pub hooks: Vec<MessageHook>,
    /// `Signed-off-by` of who commits, as Git's `format.signOff` asks for.
    pub sign_off: bool,
}

/// A hook that Git runs over a commit's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageHook {
    /// It writes what people would edit.
    Prepare,
    /// It adds to the message (Gerrit's `Change-Id`), or refuses it.
    Check,
}

impl MessageHook {
    /// Each with its name, in the order in which Git runs them.
    pub const NAMED: [(&'static str, Self); 2] = [
        ("prepare-commit-msg", Self::Prepare),
        ("commit-msg", Self::Check),
    ];

    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => Self::NAMED[0].0,
            Self::Check => Self::NAMED[1].0,
        }
    }
}
