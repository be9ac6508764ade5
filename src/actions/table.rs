//! The one table: every action with its name, its words, its keys where they are in force, and what is typed for it.

use super::{
    Action::{self, CopyPart, Move, Tell},
    AgentOrder as Order, Copied, LogView, Mode, Motion,
};

/// One row of the table. An action that means different things in different modes has a row for each.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it asks for.
    pub action: Action,
    /// Its name in `[keys]` of the configuration.
    pub name: &'static str,
    /// A sentence for the help screen and the palette.
    pub words: &'static str,
    /// Its keys, the one that hints show first.
    pub keys: &'static [&'static str],
    /// Where its keys are in force; none: it is typed only.
    pub modes: &'static [Mode],
    /// A word or two for the footer; empty: not shown there.
    pub hint: &'static str,
    /// What is typed for it after `:`; `None`: it has keys only.
    pub typed: Option<Typed>,
}

/// How an action is typed.
#[derive(Clone, Copy, Debug)]
pub struct Typed {
    /// The word, and others that mean the same.
    pub words: &'static [&'static str],
    /// What follows it.
    pub argument: Argument,
}

/// What follows a typed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing may.
    Nothing,
    /// Something may.
    Optional(What),
    /// Something must.
    Needed(What),
}

/// What an argument is: how it is shown and what completes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A version.
    Version,
    /// An environment with a cluster.
    Environment,
    /// A service.
    Service,
    /// Words of a filter.
    Filter,
    /// A palette of colours.
    Theme,
    /// What rows are ordered by: a word or a column, `-` in front for the other way round.
    Order,
    /// The name of a filter that is kept.
    SavedFilter,
    /// A name that is given now.
    NewName,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Argument {
    /// As it is shown behind the word: `VERSION`, `[TEXT]`, `on|off`; empty where nothing follows.
    pub fn shown(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Optional(what) => format!("[{}]", what.shown()),
            Self::Needed(what) => what.shown(),
        }
    }

    /// What it is, where there is one.
    pub fn what(self) -> Option<What> {
        match self {
            Self::Nothing => None,
            Self::Optional(what) | Self::Needed(what) => Some(what),
        }
    }
}

impl What {
    /// Several of them may follow each other; else there is one.
    pub fn is_words(self) -> bool {
        self == Self::Filter
    }

    fn shown(self) -> String {
        match self {
            Self::Version => "VERSION".to_owned(),
            Self::Environment => "ENVIRONMENT".to_owned(),
            Self::Service => "SERVICE".to_owned(),
            Self::Filter => "TEXT".to_owned(),
            Self::Theme | Self::SavedFilter | Self::NewName => "NAME".to_owned(),
            Self::Order => "[-]NAME".to_owned(),
            Self::OneOf(words) => words.join("|"),
        }
    }
}

use Argument::{Needed, Nothing, Optional};
use Mode::{
    Activity, Agent, Cell, Confirm, ConfirmName, Copy, Delivery, Drift, Filter, Help, Layouts, Log,
    Matrix, Object, Palette, Plan, Question, Reason, Revert, Trace,
};

const SCREENS: &[Mode] = &[
    Matrix, Cell, Plan, Revert, Trace, Delivery, Drift, Activity, Help, Layouts, Log, Object,
];
const UNDER_ROOT: &[Mode] = &[
    Cell, Plan, Revert, Trace, Delivery, Drift, Activity, Help, Layouts, Log, Object,
];
const TYPED: &[Mode] = &[ConfirmName, Filter, Palette, Reason];
const EVERYWHERE: &[Mode] = &Mode::ALL;

/// An action with its name and its words.
const fn action(action: Action, name: &'static str, words: &'static str) -> Row {
    Row {
        action,
        name,
        words,
        keys: &[],
        modes: &[],
        hint: "",
        typed: None,
    }
}

impl Row {
    const fn keys(mut self, keys: &'static [&'static str], modes: &'static [Mode]) -> Self {
        self.keys = keys;
        self.modes = modes;
        self
    }

    const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    const fn typed(mut self, words: &'static [&'static str], argument: Argument) -> Self {
        self.typed = Some(Typed { words, argument });
        self
    }

    /// It has keys, which the configuration may change.
    pub fn has_keys(&self) -> bool {
        !self.modes.is_empty()
    }
}

/// Every action, in the order of palette, footer and help.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    action(Action::Unlock, "write", "unlock writing for this session").typed(&["write"], Nothing),
    action(Action::Lock, "read-only", "lock writing again").typed(&["read-only"], Nothing),
    action(Action::Open, "open", "open the cell: rollout, pods and events beside its history").keys(&["enter"], &[Matrix, Drift]).hint("detail"),
    action(Action::Open, "open-stay", "open the cell where the version arrived, at that change of its history").keys(&["enter"], &[Trace]).hint("cell"),
    action(Action::Open, "stage-revert", "stage going back to this version, and open the plan of it").keys(&["enter"], &[Revert]).hint("stage and plan"),
    action(Action::Open, "apply", "go on to the confirmation; needs `:write`").keys(&["enter"], &[Plan]).hint("apply…"),
    action(Action::Open, "accept-name", "write it, once every protected environment's name is typed").keys(&["enter"], &[ConfirmName]).hint("apply"),
    action(Action::Open, "accept", "accept what is typed").keys(&["enter"], &[Filter, Palette, Reason]).hint("accept"),
    action(Action::Yes, "yes", "yes").keys(&["y"], &[Confirm, Question]).hint("yes"),
    action(Action::No, "no", "no").keys(&["n", "q"], &[Confirm, Question]).hint("no"),
    action(Action::Mark, "mark", "mark the cell, or the range that `v` began").keys(&["space"], &[Matrix, Drift]).hint("mark"),
    action(Action::MarkRange, "mark-range", "begin a range of marks at the cursor; space ends it").keys(&["v"], &[Matrix]),
    action(Action::MarkColumn, "mark-column", "mark every cell of the column that the filter leaves; again: unmark").keys(&["V"], &[Matrix]),
    action(Action::Promote, "promote", "stage a promotion INTO the marked cells, or this one: each gets its upstream's version").keys(&["p"], &[Matrix, Cell, Drift]).hint("promote").typed(&["promote"], Nothing),
    action(Action::Set, "set", "stage this version for the marked cells, or this one").typed(&["set"], Needed(What::Version)),
    action(Action::Revert, "revert", "go back to an earlier version of this cell, of what failed in a delivery: choose one, the last good one is selected").keys(&["r"], &[Matrix, Cell, Trace, Delivery, Drift]).hint("revert").typed(&["revert"], Optional(What::Version)),
    action(Action::RevertFailed, "revert-failed", "stage going back for every cell of this delivery that failed, and open the plan of it").keys(&["R"], &[Delivery]).hint("all failed"),
    action(Action::RevertBatch, "revert-batch", "stage going back for every cell of this delivery, and open the plan of it").keys(&["B"], &[Delivery]).hint("whole batch"),
    action(Action::Plan, "plan", "open the plan of everything staged: bytes, gates, what will be done").keys(&["s"], &[Matrix, Cell, Drift]).hint("staged plan").typed(&["plan"], Nothing),
    action(Action::Unstage, "unstage", "take the marked cells, or this one, out of what is staged").keys(&["x"], &[Matrix, Cell, Plan, Drift]),
    action(Action::Undo, "undo", "undo the last staging; what is pushed stays pushed").keys(&["z"], &[Matrix, Cell, Plan, Drift]).typed(&["undo"], Nothing),
    action(Action::Drop, "drop", "take back everything staged").typed(&["drop"], Nothing),
    action(Action::Override, "override", "lift the hold on this change, with a reason that is kept in the commit").keys(&["o"], &[Plan]).hint("override"),
    action(Action::Override, "lift-freeze", "where a freeze holds what is asked: lift it, with a reason that is kept in the activity").keys(&["o"], &[Confirm]),
    action(Action::AcceptAlong, "accept-along", "accept the cells that move with an edit though they were not staged; the plan is held until then").keys(&["c"], &[Plan]).hint("come along").typed(&["accept-along"], Nothing),
    action(Action::WhenEligible, "when-eligible", "let the plan wait for its gates, and write it when they pass, as long as this runs; again: wait no longer").keys(&["w"], &[Plan]).hint("when eligible").typed(&["when-eligible"], Nothing),
    action(Action::LeaveOut, "leave-out", "plan without what is held or cannot change, or with it again; it stays staged").keys(&["l"], &[Plan]).typed(&["leave-out"], Nothing),
    action(Action::Deliver, "deliver", "deliver to a branch of its own instead, or back to the branch").keys(&["b"], &[Plan]).hint("branch").typed(&["deliver"], Needed(What::OneOf(&["push", "branch", "pull-request"]))),
    action(Action::Supersede, "supersede", "close the open pull requests for the same cells once the plan's own is open, or leave them open").keys(&["u"], &[Plan]).typed(&["supersede"], Nothing),
    action(Action::ApproveRequest, "approve", "approve the newest pull request that is open for the cell, as the owner of the token; it is asked about first").keys(&["+"], &[Matrix, Cell]).typed(&["approve"], Nothing),
    action(Action::MergeRequest, "merge", "merge the newest pull request that is open for the cell, where it has what is required; it is asked about first").keys(&["M"], &[Matrix, Cell]).typed(&["merge"], Nothing),
    action(Action::BrowseRequest, "browse-request", "open the newest pull request that is open for the cell in the browser").keys(&["P"], &[Matrix, Cell]).typed(&["browse-request"], Nothing),
    action(Action::DropDelivery, "drop-delivery", "drop this delivery, which waits for its merge: its pull requests are closed; it is asked about first").keys(&["x"], &[Delivery]),
    action(Action::Scope, "scope", "plan everything staged, or only the selected change with what was asked for together with it").keys(&["a"], &[Plan]),
    action(Action::NextPane, "next-pane", "to the next pane or tab").keys(&["tab"], &[Cell, Plan, Delivery]).hint("pane"),
    action(Action::PreviousPane, "previous-pane", "to the pane or tab before").keys(&["s-tab"], &[Cell, Plan, Delivery]),
    action(Action::Complete, "complete", "complete what is typed").keys(&["tab"], &[Filter, Palette]).hint("complete"),
    action(Action::DiffExtent, "diff-lines", "in the diff: only lines that change, the whole file, or some lines around each change").keys(&["m"], &[Cell, Plan]).hint("more of the diff"),
    action(Action::DiffMore, "diff-more", "in the diff: more lines around each change").keys(&["}"], &[Cell, Plan]),
    action(Action::DiffLess, "diff-less", "in the diff: fewer lines around each change").keys(&["{"], &[Cell, Plan]),
    action(Action::DiffBeside, "diff-beside", "in the diff: both sides beside each other, from 160 columns on, or one below the other").keys(&["|"], &[Cell, Plan]),
    action(Action::Delivery, "delivery", "show the delivery under way, or the last one").keys(&["d"], &[Matrix, Cell]).typed(&["delivery"], Nothing),
    action(Action::Logs, "logs", "the log of the selected pod; of one that crashes, that of the container before").keys(&["L"], &[Cell]).hint("Logs"),
    action(Action::Yaml, "yaml", "the selected pod, workload or agent's object as YAML").keys(&["Y"], &[Cell]),
    action(Action::Describe, "describe", "what there is to know of the selected pod, workload or agent's object, with its events").keys(&["D"], &[Cell]).hint("Describe"),
    action(Action::HandOver, "k9s", "give the terminal to k9s, or kubectl where there is none, at the selected pod, workload or agent's object").keys(&["K"], &[Cell]),
    action(Action::ViewLog(LogView::Previous), "log-previous", "the log of the container before, or of the one that runs").keys(&["p"], &[Log]).hint("previous"),
    action(Action::ViewLog(LogView::Container), "log-container", "the log of the pod's next container").keys(&["c"], &[Log]).hint("container"),
    action(Action::ViewLog(LogView::Follow), "log-follow", "keep the newest line in view, or what is in view").keys(&["f"], &[Log]).hint("follow"),
    action(Action::ViewLog(LogView::Wrap), "log-wrap", "let long lines go on in the next row, or cut them").keys(&["w"], &[Log]).hint("wrap"),
    action(Action::ViewLog(LogView::Times), "log-times", "show when each line was written, or not").keys(&["t"], &[Log]).hint("times"),
    action(Tell(Order::Now), "agent-now", "have the agent do now what this cell waits for: sync, reconcile, resume, refresh").keys(&["S"], &[Cell, Delivery]),
    action(Action::Agent, "agent", "what can be done to the cell by hand: to its agent (reconcile, suspend, resume; sync, refresh, terminate, rollback), its canary (promote, abort, retry), its workload (restart, undo, pause, resume)").keys(&["a"], &[Matrix, Cell, Delivery]).typed(&["agent"], Nothing),
    action(Tell(Order::Reconcile), "agent-reconcile", "Flux: fetch and apply now").keys(&["r"], &[Agent]).typed(&["reconcile"], Nothing),
    action(Tell(Order::Suspend), "agent-suspend", "Flux: apply nothing more until it is resumed").keys(&["p"], &[Agent]).typed(&["suspend"], Nothing),
    action(Tell(Order::Resume), "agent-resume", "Flux: go on").keys(&["c"], &[Agent]).typed(&["resume"], Nothing),
    action(Tell(Order::Sync), "agent-sync", "Argo CD: apply what Git has; Flux: reconcile").keys(&["s"], &[Agent]).typed(&["sync"], Nothing),
    action(Tell(Order::Refresh), "agent-refresh", "Argo CD: compare with Git now").keys(&["f"], &[Agent]).typed(&["refresh-agent"], Nothing),
    action(Tell(Order::HardRefresh), "agent-hard-refresh", "Argo CD: make all manifests anew and compare").keys(&["F"], &[Agent]).typed(&["hard-refresh"], Nothing),
    action(Tell(Order::Terminate), "agent-terminate", "Argo CD: end the operation under way").keys(&["t"], &[Agent]).typed(&["terminate"], Nothing),
    action(Tell(Order::Rollback), "agent-rollback", "Argo CD: apply what it had applied before").keys(&["b"], &[Agent]).typed(&["rollback"], Nothing),
    action(Tell(Order::Promote), "canary-promote", "progressive delivery: go on past the pause or the step").keys(&["m"], &[Agent]).typed(&["canary-promote"], Nothing),
    action(Tell(Order::PromoteFull), "canary-full", "progressive delivery: take over at once").keys(&["M"], &[Agent]).typed(&["canary-full"], Nothing),
    action(Tell(Order::Abort), "canary-abort", "progressive delivery: give up, the old version stays").keys(&["x"], &[Agent]).typed(&["canary-abort"], Nothing),
    action(Tell(Order::Retry), "canary-retry", "progressive delivery: begin again with what was given up").keys(&["e"], &[Agent]).typed(&["canary-retry"], Nothing),
    action(Tell(Order::Restart), "rollout-restart", "workload, as break-glass: have all pods made anew").keys(&["R"], &[Agent]).typed(&["rollout-restart"], Nothing),
    action(Tell(Order::Undo), "rollout-undo", "workload, as break-glass: back to an earlier revision").keys(&["U"], &[Agent]).typed(&["rollout-undo"], Nothing),
    action(Tell(Order::Pause), "rollout-pause", "workload, as break-glass: let changes of its template wait").keys(&["P"], &[Agent]).typed(&["rollout-pause"], Nothing),
    action(Tell(Order::GoOn), "rollout-resume", "workload, as break-glass: go on").keys(&["C"], &[Agent]).typed(&["rollout-resume"], Nothing),
    action(Action::NextPane, "next-workload", "to the cell's next workload, where there are several").keys(&["tab"], &[Agent]),
    action(Action::Open, "tell-selected", "tell it the selected line; it is asked about first").keys(&["enter"], &[Agent]).hint("tell"),
    action(Action::Copy, "copy-command", "copy the command that does the same").keys(&["y"], &[Agent, Log, Object]).hint("copy command"),
    action(Action::Copy, "copy-commands", "copy the commands that do the same").keys(&["^y"], &[Confirm, ConfirmName]),
    action(Action::Drift, "drift", "what drifts: skew between environments, live against Git, ahead, suspended, mutable, reverted").keys(&["D"], &[Matrix]).hint("Drift").typed(&["drift"], Nothing),
    action(Action::Activity, "activity", "everything done and said").keys(&["A"], &[Matrix, Cell, Plan, Delivery, Drift]).hint("Activity").typed(&["activity"], Nothing),
    action(Action::Dismiss, "dismiss", "take the failure off the screen; it stays in this list").keys(&["x"], &[Activity]).hint("dismiss"),
    action(Action::Dismiss, "dismiss-refusal", "take the server's refusal off the plan; it stays in the activity").keys(&["X"], &[Plan]),
    action(Action::Filter, "filter", "show rows with this text, env:NAME, is:STATE, or of a kept filter (@NAME); a leading ! negates").keys(&["/"], &[Matrix]).hint("filter").typed(&["filter"], Optional(What::Filter)),
    action(Action::SaveFilter, "save-filter", "keep the filter in force under a name: `@NAME` in a filter stands for it").typed(&["save"], Needed(What::NewName)),
    action(Action::ForgetFilter, "forget-filter", "forget a filter that was kept").typed(&["forget"], Needed(What::SavedFilter)),
    action(Action::Filter, "find-lines", "show only lines with a text").keys(&["/"], &[Log, Object]).hint("filter"),
    action(Action::Filter, "find", "find in these keys").keys(&["/"], &[Help]).hint("find"),
    action(Action::NextMatch, "next-match", "to the next cell that matches, or is in trouble").keys(&["n"], &[Matrix]),
    action(Action::PreviousMatch, "previous-match", "to the matching cell before").keys(&["N"], &[Matrix]),
    action(Action::ShowAll, "show-all", "show the healthy rows too, or fold them").keys(&["!"], &[Matrix]).typed(&["all"], Nothing),
    action(Action::Order, "order", "order rows by trouble, name, last change, behind, this column, and that turned round; or click a head").keys(&["o"], &[Matrix]).typed(&["order"], Needed(What::Order)),
    action(Action::Goto, "goto", "go to a service").typed(&["goto"], Needed(What::Service)),
    action(Action::Palette, "palette", "type a command of Tidegate; tab completes").keys(&[":"], SCREENS).hint("command"),
    action(Action::Trace, "trace", "where this version has been: every environment, when, by whom, how it got there, how long it took").keys(&["t"], &[Matrix, Cell, Revert, Drift]).hint("trace").typed(&["trace"], Optional(What::Version)),
    action(Action::Refresh, "refresh", "ask the remote, and try lost clusters, now").keys(&["^r"], SCREENS).typed(&["refresh"], Nothing),
    action(Action::Login, "login", "log in to a cluster; the screen makes way for it").typed(&["login"], Optional(What::Environment)),
    action(Action::Layouts, "layouts", "how the repository is read, and what looks like a version and is not read").typed(&["layouts"], Nothing),
    action(Action::TakeGuess, "take-guess", "take the better guess of the layouts").keys(&["a"], &[Layouts]).hint("accept"),
    action(Action::SaveLayouts, "save-layouts", "write what is guessed, or your draft, as tidegate.toml").keys(&["w"], &[Layouts]).hint("write file"),
    action(Action::EditLayouts, "edit-layouts", "open it in $EDITOR; the matrix is read by it then").keys(&["e"], &[Layouts]).hint("edit"),
    action(Action::Trust, "trust", "answer what the changed configuration asks: may what it names be reached?").typed(&["trust"], Nothing),
    action(Action::Reload, "reload", "read the configuration again").typed(&["reload"], Nothing),
    action(Action::Log, "log", "where the log is, and what comes into it").typed(&["log"], Nothing),
    action(Action::Theme, "theme", "choose colours").typed(&["theme"], Needed(What::Theme)),
    action(Action::Ascii, "ascii", "letters and ASCII borders only").typed(&["ascii"], Needed(What::OneOf(&["on", "off"]))),
    action(Action::Copy, "copy", "copy: a menu of version, commit, addresses, why and the row as Markdown; a line where lines are listed").keys(&["y"], &[Matrix, Cell, Revert, Trace, Delivery, Drift, Activity]),
    action(Action::Open, "copy-selected", "copy what is selected in the menu; `yy` is quick").keys(&["enter", "y"], &[Copy]).hint("copy"),
    action(CopyPart(Copied::Version), "copy-version", "copy the version").keys(&["v"], &[Copy]),
    action(CopyPart(Copied::Commit), "copy-commit", "copy the commit").keys(&["c"], &[Copy]),
    action(CopyPart(Copied::Address), "copy-address", "copy the environment's address").keys(&["u"], &[Copy]),
    action(CopyPart(Copied::Page), "copy-page", "copy the address of the commit's page").keys(&["p"], &[Copy]),
    action(CopyPart(Copied::Why), "copy-why", "copy why the cell is as it is").keys(&["w"], &[Copy]),
    action(CopyPart(Copied::Row), "copy-row", "copy the row as a Markdown table").keys(&["r"], &[Copy]),
    action(Action::Browse, "browse", "open the commit, or the environment's address, in the browser").keys(&["O"], &[Matrix, Cell, Revert, Trace, Delivery, Drift]),
    action(Move(Motion::Up), "up", "up").keys(&["k", "up"], SCREENS),
    action(Move(Motion::Down), "down", "down").keys(&["j", "down"], SCREENS),
    action(Move(Motion::Left), "left", "environment to the left").keys(&["h", "left"], &[Matrix, Cell]),
    action(Move(Motion::Right), "right", "environment to the right").keys(&["l", "right"], &[Matrix, Cell]),
    action(Move(Motion::Top), "top", "to the first").keys(&["g", "home"], SCREENS),
    action(Move(Motion::Bottom), "bottom", "to the last").keys(&["G", "end"], SCREENS),
    action(Move(Motion::HalfUp), "half-up", "half a page up").keys(&["^u"], SCREENS),
    action(Move(Motion::HalfDown), "half-down", "half a page down").keys(&["^d"], SCREENS),
    action(Move(Motion::PageUp), "page-up", "a page up").keys(&["^b", "pgup"], SCREENS),
    action(Move(Motion::PageDown), "page-down", "a page down").keys(&["^f", "pgdn"], SCREENS),
    action(Move(Motion::Up), "suggestion-up", "to the suggestion above").keys(&["up"], &[Palette]),
    action(Move(Motion::Down), "suggestion-down", "to the suggestion below").keys(&["down"], &[Palette]),
    action(Move(Motion::Up), "changes-up", "to the changes above, where not all have room; to the revision above").keys(&["up"], &[Confirm, ConfirmName]),
    action(Move(Motion::Down), "changes-down", "to the changes below; to the revision below").keys(&["down"], &[Confirm, ConfirmName]),
    action(Move(Motion::PageUp), "changes-page-up", "a page of changes up").keys(&["pgup"], &[Confirm, ConfirmName]),
    action(Move(Motion::PageDown), "changes-page-down", "a page of changes down").keys(&["pgdn"], &[Confirm, ConfirmName]),
    action(Move(Motion::Up), "choice-up", "to the choice above").keys(&["k", "up"], &[Copy, Agent]),
    action(Move(Motion::Down), "choice-down", "to the choice below").keys(&["j", "down"], &[Copy, Agent]),
    action(Action::Help, "help", "these keys").keys(&["?"], SCREENS).hint("help").typed(&["help"], Nothing),
    action(Action::Back, "back", "dismiss the failure, else clear the filter, else the marks").keys(&["esc"], &[Matrix]),
    action(Action::Back, "back-screen", "back to the screen before").keys(&["esc", "q"], UNDER_ROOT).hint("back"),
    action(Action::Back, "cancel", "cancel").keys(&["esc"], TYPED).hint("cancel"),
    action(Action::Back, "cancel-question", "cancel").keys(&["esc"], &[Confirm, Question]),
    action(Action::Back, "cancel-copy", "copy nothing").keys(&["esc", "q"], &[Copy]).hint("cancel"),
    action(Action::Back, "cancel-agent", "tell it nothing").keys(&["esc", "q"], &[Agent]).hint("cancel"),
    action(Action::Quit, "quit", "leave; asks where something is staged or under way").keys(&["q"], &[Matrix]).hint("quit").typed(&["quit", "q"], Nothing),
    action(Action::Suspend, "suspend", "put Tidegate into the background").keys(&["^z"], EVERYWHERE),
    action(Action::QuitNow, "quit-now", "leave at once, always").keys(&["^c"], EVERYWHERE),
];
