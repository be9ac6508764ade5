//! The one table of keys: feeds the keyboard, the footer, the help screen and the palette.

use super::action::{
    Action::{self, Move},
    Motion,
};
use crate::app::mode::Mode;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it means.
    pub action: Action,
    /// Its name in the configuration.
    pub name: &'static str,
    /// Its keys, the one that hints show first.
    pub keys: &'static [&'static str],
    /// Where it is in force.
    pub modes: &'static [Mode],
    /// One word for the footer; empty: not shown there.
    pub hint: &'static str,
    /// A sentence for the help screen.
    pub help: &'static str,
}

use Mode::{
    Activity, Cell, Confirm, ConfirmName, Delivery, Filter, Help, Matrix, Palette, Plan, Question,
    Reason, Revert, Trace,
};

const SCREENS: &[Mode] = &[Matrix, Cell, Plan, Revert, Trace, Delivery, Activity, Help];
const UNDER_ROOT: &[Mode] = &[Cell, Plan, Revert, Trace, Delivery, Activity, Help];
const TYPED: &[Mode] = &[ConfirmName, Filter, Palette, Reason];
const EVERYWHERE: &[Mode] = &Mode::ALL;

const fn row(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    modes: &'static [Mode],
    hint: &'static str,
    help: &'static str,
) -> Row {
    Row {
        action,
        name,
        keys,
        modes,
        hint,
        help,
    }
}

/// Every key, in the order of footer and help.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(Action::Open, "open", &["enter"], &[Matrix], "detail", "open the cell: rollout, pods and events beside its history"),
    row(Action::Open, "open-stay", &["enter"], &[Trace], "cell", "open the cell where the version arrived, at that change of its history"),
    row(Action::Open, "stage-revert", &["enter"], &[Revert], "stage and plan", "stage going back to this version, and open the plan of it"),
    row(Action::Open, "apply", &["enter"], &[Plan], "apply…", "go on to the confirmation; needs `:write`"),
    row(Action::Open, "accept-name", &["enter"], &[ConfirmName], "apply", "write it, once every protected environment's name is typed"),
    row(Action::Open, "accept", &["enter"], &[Filter, Palette, Reason], "accept", "accept what is typed"),
    row(Action::Yes, "yes", &["y"], &[Confirm, Question], "yes", "yes"),
    row(Action::No, "no", &["n", "q"], &[Confirm, Question], "no", "no"),
    row(Action::Mark, "mark", &["space"], &[Matrix], "mark", "mark the cell, or the range that `v` began"),
    row(Action::MarkRange, "mark-range", &["v"], &[Matrix], "", "begin a range of marks at the cursor; space ends it"),
    row(Action::MarkColumn, "mark-column", &["V"], &[Matrix], "", "mark every cell of the column that the filter leaves; again: unmark"),
    row(Action::Promote, "promote", &["p"], &[Matrix, Cell], "promote here", "stage a promotion INTO the marked cells, or this one: each gets its upstream's version"),
    row(Action::Revert, "revert", &["r"], &[Matrix, Cell, Trace, Delivery], "revert", "choose an earlier version of this cell to go back to; the last good one is selected"),
    row(Action::Plan, "plan", &["s"], &[Matrix, Cell], "staged plan", "open the plan of everything staged: bytes, gates, what will be done"),
    row(Action::Unstage, "unstage", &["x"], &[Matrix, Cell, Plan], "", "take the marked cells, or this one, out of what is staged"),
    row(Action::Undo, "undo", &["z"], &[Matrix, Cell, Plan], "", "undo the last staging; what is pushed stays pushed"),
    row(Action::Override, "override", &["o"], &[Plan], "override", "lift the hold on this change, with a reason that is kept in the commit"),
    row(Action::AcceptAlong, "accept-along", &["c"], &[Plan], "come along", "accept the cells that move with an edit though they were not staged; the plan is held until then"),
    row(Action::LeaveOut, "leave-out", &["l"], &[Plan], "", "plan without what is held or cannot change, or with it again; it stays staged"),
    row(Action::Deliver, "deliver", &["b"], &[Plan], "branch", "deliver to a branch of its own instead, or back to the branch"),
    row(Action::Scope, "scope", &["a"], &[Plan], "", "plan everything staged, or only what was just asked for"),
    row(Action::NextPane, "next-pane", &["tab"], &[Cell, Plan], "pane", "to the next pane or tab"),
    row(Action::PreviousPane, "previous-pane", &["s-tab"], &[Cell, Plan], "", "to the pane or tab before"),
    row(Action::Complete, "complete", &["tab"], &[Filter, Palette], "complete", "complete what is typed"),
    row(Action::Delivery, "delivery", &["d"], &[Matrix, Cell], "", "show the delivery under way, or the last one"),
    row(Action::Activity, "activity", &["A"], &[Matrix, Cell, Plan, Delivery], "activity", "everything done and said"),
    row(Action::Dismiss, "dismiss", &["x"], &[Activity], "dismiss", "take the failure off the screen; it stays in this list"),
    row(Action::Filter, "filter", &["/"], &[Matrix], "filter", "show rows with this text, env:NAME, is:STATE; a leading ! negates"),
    row(Action::NextMatch, "next-match", &["n"], &[Matrix], "", "to the next cell that matches, or is in trouble"),
    row(Action::PreviousMatch, "previous-match", &["N"], &[Matrix], "", "to the matching cell before"),
    row(Action::ShowAll, "show-all", &["!"], &[Matrix], "", "show the healthy rows too, or fold them"),
    row(Action::Order, "order", &["o"], &[Matrix], "", "order rows by trouble, name, last change, or what is behind its upstream"),
    row(Action::Palette, "palette", &[":"], SCREENS, "command", "type a command of Tidegate; tab completes"),
    row(Action::Trace, "trace", &["t"], &[Matrix, Cell, Revert], "trace", "where this version has been: every environment, when, by whom, how it got there, how long it took"),
    row(Action::Refresh, "refresh", &["^r"], SCREENS, "", "ask the remote, and try lost clusters, now"),
    row(Action::Copy, "copy", &["y"], &[Matrix, Cell, Revert, Trace, Delivery, Activity], "", "copy the version, commit or line that is selected"),
    row(Action::Browse, "browse", &["O"], &[Matrix, Cell, Revert, Trace, Delivery], "", "open the commit, or the environment's address, in the browser"),
    row(Move(Motion::Up), "up", &["k", "up"], SCREENS, "", "up"),
    row(Move(Motion::Down), "down", &["j", "down"], SCREENS, "", "down"),
    row(Move(Motion::Left), "left", &["h", "left"], &[Matrix, Cell], "", "environment to the left"),
    row(Move(Motion::Right), "right", &["l", "right"], &[Matrix, Cell], "", "environment to the right"),
    row(Move(Motion::Top), "top", &["g", "home"], SCREENS, "", "to the first"),
    row(Move(Motion::Bottom), "bottom", &["G", "end"], SCREENS, "", "to the last"),
    row(Move(Motion::HalfUp), "half-up", &["^u"], SCREENS, "", "half a page up"),
    row(Move(Motion::HalfDown), "half-down", &["^d"], SCREENS, "", "half a page down"),
    row(Move(Motion::PageUp), "page-up", &["^b", "pgup"], SCREENS, "", "a page up"),
    row(Move(Motion::PageDown), "page-down", &["^f", "pgdn"], SCREENS, "", "a page down"),
    row(Move(Motion::Up), "suggestion-up", &["up"], &[Palette], "", "to the suggestion above"),
    row(Move(Motion::Down), "suggestion-down", &["down"], &[Palette], "", "to the suggestion below"),
    row(Action::Help, "help", &["?"], SCREENS, "help", "these keys"),
    row(Action::Back, "back", &["esc"], &[Matrix], "", "dismiss the failure, else clear the filter, else the marks"),
    row(Action::Back, "back-screen", &["esc", "q"], UNDER_ROOT, "back", "back to the screen before"),
    row(Action::Back, "cancel", &["esc"], TYPED, "cancel", "cancel"),
    row(Action::Back, "cancel-question", &["esc"], &[Confirm, Question], "", "cancel"),
    row(Action::Quit, "quit", &["q"], &[Matrix], "quit", "leave; asks where something is staged or under way"),
    row(Action::Suspend, "suspend", &["^z"], EVERYWHERE, "", "put Tidegate into the background"),
    row(Action::QuitNow, "quit-now", &["^c"], EVERYWHERE, "", "leave at once, always"),
];
