//! What a key can mean.

/// An intention of the operator, independent of the key that expressed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Move the cursor or scroll.
    Move(Motion),
    /// Open what is selected, or accept what was typed.
    Open,
    /// One step back.
    Back,
    /// Mark the cell under the cursor, or the range being drawn.
    Mark,
    /// Start drawing a range of marks.
    MarkRange,
    /// Mark the whole column.
    MarkColumn,
    /// Stage a promotion into the marked cells, or the one under the cursor.
    Promote,
    /// Choose a version to go back to.
    Revert,
    /// Show where the selected version has been.
    Trace,
    /// Open the plan of what is staged.
    Plan,
    /// Take a cell out of what is staged.
    Unstage,
    /// Undo the last staging.
    Undo,
    /// Show or fold healthy rows.
    ShowAll,
    /// Next order of rows.
    Order,
    /// Type a filter.
    Filter,
    /// To the next match.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// Type a command.
    Palette,
    /// Show the keys.
    Help,
    /// Show everything done and said.
    Activity,
    /// Show the delivery under way, or the last one.
    Delivery,
    /// Ask the remote and lost clusters now.
    Refresh,
    /// Copy what is selected.
    Copy,
    /// Open what is selected in the browser.
    Browse,
    /// To the next pane.
    NextPane,
    /// To the pane before.
    PreviousPane,
    /// Deliver to a branch of its own, or to the branch again.
    Deliver,
    /// Plan everything staged, or only what was just asked for.
    Scope,
    /// Lift a hold, with a reason.
    Override,
    /// Accept what moves with an edit and was not staged.
    AcceptAlong,
    /// Plan without what gates hold, or with it.
    LeaveOut,
    /// Take the failure off the screen.
    Dismiss,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Complete what is typed.
    Complete,
    /// Leave, asking where something would be left behind.
    Quit,
    /// Leave now.
    QuitNow,
    /// Put the process into the background.
    Suspend,
}

/// A movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Motion {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One column left.
    Left,
    /// One column right.
    Right,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
}
