//! Everything that can reach the state machine: one closed enumeration.

use std::{sync::Arc, time::Duration};

use crossterm::event::{
    Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton,
    MouseEventKind,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::Setup;
use crate::actions::{Key, Press};
pub use crate::domain::{delivery::CellProgress as CellDelivery, diff::FileDiff};
use crate::domain::{
    desired::{Desired, Refs, Tip},
    history::HistoryEntry,
    ids::{CellKey, EnvironmentName, ObjectId},
    plan::Plan,
    rollout::{ClusterNote, Connection, LiveCell},
    topology::Deliver,
};

/// Which request an answer belongs to; larger is later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The operator did something, at this time.
    Input {
        /// When it was read from the terminal.
        at: Timestamp,
        /// The key, paste or click.
        input: Input,
    },
    /// The clock: about once a second, and before other events where time matters.
    Tick(Timestamp),
    /// Answer to [`Command::ReadDesired`](super::command::Command::ReadDesired).
    Desired {
        /// The request that is answered.
        epoch: Epoch,
        /// The matrix and what it was read from.
        result: Result<DesiredRead, Failure>,
    },
    /// Part of the answer to [`Command::LoadHistory`](super::command::Command::LoadHistory).
    History {
        /// The request that is answered.
        epoch: Epoch,
        /// What was found since the last part.
        result: Result<HistoryBatch, Failure>,
    },
    /// What is known of one environment's cluster now; only changed cells are listed.
    Live {
        /// The environment whose cluster it is.
        environment: EnvironmentName,
        /// How well its cluster is known.
        connection: Connection,
        /// Cells that changed; others keep what they had.
        cells: Vec<(CellKey, LiveCell)>,
    },
    /// Cluster events of the cell named by [`Command::WatchNotes`](super::command::Command::WatchNotes), newest first.
    Notes {
        /// The cell that was looked at when it was asked.
        cell: CellKey,
        /// The events, or one line that says why there are none.
        result: Result<Vec<ClusterNote>, String>,
    },
    /// Answer to [`Command::LoadDiff`](super::command::Command::LoadDiff).
    CommitDiff {
        /// The request that is answered.
        epoch: Epoch,
        /// The cell whose files it is limited to.
        cell: CellKey,
        /// The commit whose diff it is.
        commit: ObjectId,
        /// Unified diff.
        result: Result<String, Failure>,
    },
    /// Answer to [`Command::BuildPlan`](super::command::Command::BuildPlan).
    Planned {
        /// The request that is answered.
        epoch: Epoch,
        /// The plan with what is shown beside it.
        result: Result<Arc<PlanView>, Failure>,
    },
    /// Answer to [`Command::Publish`](super::command::Command::Publish): it is written, or nothing is.
    Published {
        /// The request that is answered.
        epoch: Epoch,
        /// Where it went, or why not.
        result: Result<Published, PublishFailure>,
    },
    /// A step of the delivery started by [`Command::Publish`](super::command::Command::Publish).
    Delivery {
        /// The request that is answered.
        epoch: Epoch,
        /// When it happened.
        at: Timestamp,
        /// What happened.
        step: DeliveryStep,
    },
    /// Answer to [`Command::Fetch`](super::command::Command::Fetch).
    Fetched {
        /// The request that is answered.
        epoch: Epoch,
        /// Where the remote branch is now.
        result: Result<Fetched, Failure>,
    },
    /// A program was run for the operator; shown as it would be typed.
    Ran {
        /// `git fetch origin main`.
        line: String,
        /// It ended well.
        ok: bool,
        /// `ok`, `exit 128`, …
        outcome: String,
        /// How long it took.
        took: Duration,
    },
    /// The configuration changed on disk: the new set-up, or why the old one is kept.
    ConfigReloaded(Result<Box<Setup>, Failure>),
    /// The configuration changed on disk, and names what nobody has allowed yet: the old one is kept until that is answered.
    TrustAsked {
        /// When.
        at: Timestamp,
        /// What it names, as it is shown.
        lines: Vec<String>,
    },
    /// Something failed that no other event answers for.
    Failure(Failure),
    /// What has been waited for so long that it is said, and since when: `reading /path`.
    Waits(Option<(String, Timestamp)>),
    /// Something worth a line, such as which way a copy went.
    Notice(String),
}

/// What the operator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down or repeats.
    Key {
        /// As the keymap knows it.
        press: Press,
        /// The terminal says that it is held; most terminals do not.
        repeat: bool,
    },
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize {
        /// In columns of text.
        width: u16,
        /// In rows of text.
        height: u16,
    },
    /// The terminal got (`true`) or lost the focus.
    Focus(bool),
    /// The wheel was turned, where the mouse is on.
    Wheel {
        /// Towards the first line.
        up: bool,
    },
    /// The left button went down at this place, where the mouse is on.
    Click {
        /// From the left edge, from 0.
        column: u16,
        /// From the top, from 0.
        row: u16,
    },
}

impl Input {
    /// The terminal's event as ours; `None` for what is not used (key releases, drags, other buttons).
    pub fn from_terminal(event: TerminalEvent) -> Option<Self> {
        match event {
            TerminalEvent::Key(key) if key.kind == KeyEventKind::Release => None,
            TerminalEvent::Key(key) => Some(Self::Key {
                press: press(key)?,
                repeat: key.kind == KeyEventKind::Repeat,
            }),
            TerminalEvent::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollUp => Some(Self::Wheel { up: true }),
                MouseEventKind::ScrollDown => Some(Self::Wheel { up: false }),
                MouseEventKind::Down(MouseButton::Left) => Some(Self::Click {
                    column: mouse.column,
                    row: mouse.row,
                }),
                _ => None,
            },
            TerminalEvent::Paste(text) => Some(Self::Paste(text)),
            TerminalEvent::Resize(width, height) => Some(Self::Resize { width, height }),
            TerminalEvent::FocusGained => Some(Self::Focus(true)),
            TerminalEvent::FocusLost => Some(Self::Focus(false)),
        }
    }
}

/// The press that the terminal reported; `None` for keys that can mean nothing.
fn press(event: KeyEvent) -> Option<Press> {
    let shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let key = match event.code {
        KeyCode::Tab if shift => Key::BackTab,
        KeyCode::Char(c) if shift => Key::Char(c.to_uppercase().next().unwrap_or(c)),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::F(n) => Key::F(n),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    };
    Some(Press {
        key,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
    })
}

/// A failure as it is told: what, why, and what to do next, each one line without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed: `fetch of origin/main`.
    pub what: String,
    /// Why, in the words of whoever refused.
    pub why: String,
    /// What to do next; empty where there is nothing.
    pub next: String,
}

/// The refs that everything shown was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFrom {
    /// Each with its commit, in the order in which they are read: one, or one for each environment.
    pub tips: Vec<Tip>,
    /// When the remote was last asked and answered; `None`: never in this session.
    pub fetched_at: Option<Timestamp>,
    /// The remote's web address without a trailing slash, where one can be guessed.
    pub web: Option<String>,
}

impl ReadFrom {
    /// Where they are.
    pub fn refs(&self) -> Refs {
        self.tips.iter().collect()
    }

    /// The one ref that holds every environment, where there is but one.
    pub fn only(&self) -> Option<&Tip> {
        match self.tips.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Nothing is fetched: the refs themselves are read.
    pub fn is_local(&self) -> bool {
        self.tips.first().is_none_or(|tip| tip.remote.is_none())
    }
}

/// The matrix as read from Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredRead {
    /// What it was read from.
    pub base: ReadFrom,
    /// Every cell that the layouts find there.
    pub desired: Arc<Desired>,
}

/// A part of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryBatch {
    /// Cells with all their values known so far, newest first: each list replaces the cell's earlier one.
    pub cells: Vec<(CellKey, Vec<HistoryEntry>)>,
    /// Commits walked so far.
    pub walked: u64,
    /// Nothing more comes.
    pub done: bool,
    /// The clone's history is cut: the oldest values are older than they look.
    pub shallow: bool,
}

/// Where the remote branch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where the refs are.
    pub refs: Refs,
    /// When the remote answered.
    pub at: Timestamp,
}

/// A plan with what is shown beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanView {
    /// What changes, what does not, and why.
    pub plan: Plan,
    /// One per edited file, in the plan's order.
    pub diffs: Vec<FileDiff>,
    /// What will be done, as it would be typed.
    pub commands: Vec<String>,
    /// Where it goes.
    pub target: Target,
    /// The commit's message.
    pub message: String,
}

impl PlanView {
    /// What the screen shows of a plan.
    pub fn of(plan: Plan) -> Self {
        let messages: Vec<&str> = plan.writes().map(|write| write.message.as_str()).collect();
        Self {
            diffs: plan.edits().map(FileDiff::of).collect(),
            commands: plan.commands(),
            target: Target::of(&plan),
            message: messages.join("\n"),
            plan,
        }
    }
}

/// Where a plan goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `origin`; `None` where the branch itself moves.
    pub remote: Option<String>,
    /// `main`, or the branch of its own.
    pub branch: String,
    /// Whether the branch moves, or one of its own is made.
    pub deliver: Deliver,
}

impl Target {
    /// Of several refs, all are named.
    pub fn of(plan: &Plan) -> Self {
        let branches = plan.writes().map(|write| {
            let branch = match plan.deliver {
                Deliver::Push => write.tip.branch(),
                Deliver::Branch => "tidegate/…",
            };
            match &write.tip.name.repository {
                Some(repository) => format!("{repository}:{branch}"),
                None => branch.to_owned(),
            }
        });
        let branches: Vec<String> = branches.collect();
        let first = plan.writes().map(|write| &write.tip).next();
        let first = first.or(plan.base.first());
        Self {
            remote: first.and_then(|tip| tip.remote.clone()),
            branch: match branches.as_slice() {
                [] => first.map_or_else(String::new, |tip| tip.branch().to_owned()),
                places => places.join(", "),
            },
            deliver: plan.deliver,
        }
    }
}

/// A plan that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The commit that was made.
    pub commit: ObjectId,
    /// Where it is.
    pub target: Target,
    /// The server's words, one line each.
    pub words: Vec<String>,
    /// Where a pull request can be opened, from the server's words.
    pub link: Option<String>,
    /// What happened on the way, such as "the base moved; same bytes and verdicts".
    pub note: Option<String>,
    /// Where it was pushed and is not seen yet where it is fetched from, in a sentence.
    pub elsewhere: Option<String>,
}

/// Why a plan was not written. Nothing has changed on the remote, unless it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishFailure {
    /// The base moved and the plan is not the same any more: here it is anew.
    Moved {
        /// The plan on the new base.
        fresh: Arc<PlanView>,
        /// What is different, one line each.
        changes: Vec<String>,
    },
    /// The server refused.
    Rejected {
        /// Its words, one line each.
        words: Vec<String>,
        /// It was a protected branch: a branch of its own may be accepted.
        protected: bool,
    },
    /// Something else.
    Failed(Failure),
}

/// The stages of a delivery, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The remote is asked where the branch is, and the plan judged again.
    Checked,
    /// The commit is in the object database.
    Committed,
    /// The remote has it.
    Pushed,
    /// The clusters run it.
    Rolling,
    /// All of it is healthy.
    Healthy,
}

/// A step of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStep {
    /// A stage began.
    Began(Stage),
    /// A stage ended well; what it gave, in a line.
    Done(Stage, String),
    /// One cell's progress.
    Cell(CellKey, CellDelivery),
    /// Nothing more comes: all healthy, or not.
    Ended(Result<String, Failure>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_terminals_report_them() {
        let cases = [
            (KeyCode::Char('g'), KeyModifiers::SHIFT, Some("G")),
            (KeyCode::Char('G'), KeyModifiers::SHIFT, Some("G")),
            (KeyCode::Char('d'), KeyModifiers::CONTROL, Some("^d")),
            (KeyCode::Tab, KeyModifiers::SHIFT, Some("s-tab")),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some("s-tab")),
            (KeyCode::Char(' '), KeyModifiers::NONE, Some("space")),
            (KeyCode::F(5), KeyModifiers::NONE, Some("f5")),
            (KeyCode::CapsLock, KeyModifiers::NONE, None),
        ];
        for (code, modifiers, expected) in cases {
            let found = press(KeyEvent::new(code, modifiers));
            assert_eq!(found, expected.and_then(Press::parse), "{code:?}");
        }
        let mut released = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        released.kind = KeyEventKind::Release;
        assert_eq!(Input::from_terminal(TerminalEvent::Key(released)), None);
    }
}
