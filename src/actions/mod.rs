//! What the operator can ask for: one vocabulary, of which keys, palette, help and hints are views.
//!
//! Pure, and imports nothing of ours: the configuration remaps keys with it, `app` acts on it, `ui` shows it.

mod keymap;
mod mode;
mod own;
mod press;
mod table;

pub use keymap::{Keymap, KeymapError, OWN};
pub use mode::Mode;
pub use own::{ArgumentTemplate, CellValue, OwnCommand, OwnRun, check_run};
pub use press::{Key, Press};
pub use table::{Argument, Row, TABLE, Typed, What};

/// An intention of the operator, independent of how it was expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Unlock writing.
    Unlock,
    /// Lock it again.
    Lock,
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
    /// Stage a version given by hand.
    Set,
    /// Go back to an earlier version, chosen or given.
    Revert,
    /// Go back on every cell of a delivery that failed.
    RevertFailed,
    /// Go back on every cell of a delivery.
    RevertBatch,
    /// Show where the selected version, or a given one, has been.
    Trace,
    /// Open the plan of what is staged.
    Plan,
    /// Take a cell out of what is staged.
    Unstage,
    /// Undo the last staging.
    Undo,
    /// Take back everything staged.
    Drop,
    /// Show or fold healthy rows.
    ShowAll,
    /// The next order of rows, or a given one.
    Order,
    /// Filter rows.
    Filter,
    /// Keep the filter in force under a name.
    SaveFilter,
    /// Forget a filter that was kept.
    ForgetFilter,
    /// To the next match.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// To a service.
    Goto,
    /// Type a command.
    Palette,
    /// Show the keys.
    Help,
    /// Show everything done and said.
    Activity,
    /// Show the delivery under way, or the last one.
    Delivery,
    /// Show what drifts.
    Drift,
    /// Show what is read, and what is not.
    Layouts,
    /// Take the better guess of the layouts.
    TakeGuess,
    /// Write the layouts as the repository's own file.
    SaveLayouts,
    /// Open the layouts in an editor.
    EditLayouts,
    /// Say where the log is.
    Log,
    /// Ask the remote and lost clusters now.
    Refresh,
    /// Log in to a cluster.
    Login,
    /// Answer what the changed configuration asks.
    Trust,
    /// Read the configuration again.
    Reload,
    /// Copy what is selected, or ask what of it.
    Copy,
    /// Copy this of what is selected.
    CopyPart(Copied),
    /// Open what is selected in the browser.
    Browse,
    /// To the next pane.
    NextPane,
    /// To the pane before.
    PreviousPane,
    /// Show more lines around each change of a diff.
    DiffMore,
    /// Show fewer of them.
    DiffLess,
    /// Show only lines that change, the whole file, or some lines around each change.
    DiffExtent,
    /// Show both sides of a diff beside each other, or one below the other.
    DiffBeside,
    /// Deliver to a branch of its own, or to the branch again.
    Deliver,
    /// Plan everything staged, or only the selected change.
    Scope,
    /// Lift a hold, with a reason.
    Override,
    /// Accept what moves with an edit and was not staged.
    AcceptAlong,
    /// Let the plan wait for its gates, and go then.
    WhenEligible,
    /// Close the open pull requests for the plan's cells once its own is open, or leave them open.
    Supersede,
    /// Approve the newest pull request that is open for the cell.
    ApproveRequest,
    /// Merge it.
    MergeRequest,
    /// Open it in the browser.
    BrowseRequest,
    /// Close the pull requests of a delivery that waits for their merge.
    DropDelivery,
    /// Plan without what gates hold, or with it.
    LeaveOut,
    /// Take the failure off the screen.
    Dismiss,
    /// Choose colours.
    Theme,
    /// Letters and ASCII borders only, or not.
    Ascii,
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
    /// Show the log of the selected pod.
    Logs,
    /// Show the selected object as YAML.
    Yaml,
    /// Describe the selected object.
    Describe,
    /// Give the terminal to k9s or kubectl.
    HandOver,
    /// Look at a log otherwise.
    ViewLog(LogView),
    /// Show what can be done by hand to the selected cell.
    Agent,
    /// Tell the agent of the selected cell, its progressive delivery or its workload this.
    Tell(AgentOrder),
    /// Run the user's own command at this place of the configuration.
    Own(usize),
}

/// How a log is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogView {
    /// Long lines go on in the next row, or are cut.
    Wrap,
    /// With times, or without.
    Times,
    /// The newest line stays in view, or what is looked at does.
    Follow,
    /// Of the container before, or of the one that runs.
    Previous,
    /// Of the pod's next container.
    Container,
}

/// What an agent, a progressive delivery or a workload is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentOrder {
    /// Whatever the cell waits for.
    Now,
    /// Flux: fetch and apply now.
    Reconcile,
    /// Flux: do nothing until it is resumed.
    Suspend,
    /// Flux: go on.
    Resume,
    /// Apply what Git has.
    Sync,
    /// Argo CD: compare now.
    Refresh,
    /// Argo CD: the same, with manifests that are made anew.
    HardRefresh,
    /// Argo CD: end the operation under way.
    Terminate,
    /// Argo CD: apply what it had applied before.
    Rollback,
    /// A progressive delivery: go on.
    Promote,
    /// The same, at once and to its end.
    PromoteFull,
    /// The same: give up.
    Abort,
    /// The same: begin again.
    Retry,
    /// A workload: have all pods made anew.
    Restart,
    /// The same: back to an earlier template.
    Undo,
    /// The same: let changes of its template wait.
    Pause,
    /// The same: go on.
    GoOn,
}

/// A part of what is selected that can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Copied {
    /// The version.
    Version,
    /// The commit.
    Commit,
    /// The environment's address.
    Address,
    /// The commit's page.
    Page,
    /// Why the cell is as it is.
    Why,
    /// The row as a table.
    Row,
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
    /// To the row of this index, by a click.
    To(usize),
    /// A line of a text up, by the wheel.
    WheelUp,
    /// A line of a text down, by the wheel.
    WheelDown,
}

#[cfg(test)]
mod tests;
