//! What the keyboard means right now.

/// Which part of the keymap is in force; follows from the model, is never set beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The matrix of services and environments.
    Matrix,
    /// One cell.
    Cell,
    /// The staged plan.
    Plan,
    /// The last question before anything is written, answered with a key.
    Confirm,
    /// The same where a protected environment's name must be typed.
    ConfirmName,
    /// The list of versions to go back to.
    Revert,
    /// Where a version has been.
    Trace,
    /// A delivery under way or ended.
    Delivery,
    /// What drifts.
    Drift,
    /// Everything done and said.
    Activity,
    /// The keys.
    Help,
    /// How the repository is read.
    Layouts,
    /// A filter is being typed.
    Filter,
    /// A command is being typed.
    Palette,
    /// A reason is being typed.
    Reason,
    /// What is to be copied is chosen.
    Copy,
    /// The log of a pod.
    Log,
    /// An object of a cluster.
    Object,
    /// What can be done by hand to a cell.
    Agent,
    /// A yes-or-no question.
    Question,
}

impl Mode {
    /// All of them, in the order of the help screen.
    pub const ALL: [Self; 20] = [
        Self::Matrix,
        Self::Cell,
        Self::Plan,
        Self::Confirm,
        Self::ConfirmName,
        Self::Revert,
        Self::Trace,
        Self::Delivery,
        Self::Drift,
        Self::Activity,
        Self::Help,
        Self::Layouts,
        Self::Filter,
        Self::Palette,
        Self::Reason,
        Self::Copy,
        Self::Log,
        Self::Object,
        Self::Agent,
        Self::Question,
    ];

    /// Its heading in the help screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Matrix => "Matrix",
            Self::Cell => "Cell",
            Self::Plan => "Staged plan",
            Self::Confirm => "Confirmation",
            Self::ConfirmName => "Confirmation by name",
            Self::Revert => "Revert",
            Self::Trace => "Trace",
            Self::Delivery => "Delivery",
            Self::Drift => "Drift",
            Self::Activity => "Activity",
            Self::Help => "Help",
            Self::Layouts => "Layouts",
            Self::Filter => "Filter",
            Self::Palette => "Command",
            Self::Reason => "Reason",
            Self::Copy => "Copy",
            Self::Log => "Log",
            Self::Object => "Object",
            Self::Agent => "By hand",
            Self::Question => "Question",
        }
    }

    /// Letters are text here, not commands.
    pub fn types_text(self) -> bool {
        matches!(
            self,
            Self::ConfirmName | Self::Filter | Self::Palette | Self::Reason
        )
    }
}
