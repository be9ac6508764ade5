//! Everything that can reach the state machine: one closed enumeration.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crossterm::event::{
    Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton,
    MouseEventKind,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{layouts::LayoutsTold, model::Setup};
use crate::actions::{Key, Press};
use crate::domain::{
    by_hand::{Deed, Weighed},
    delivery::{Delivery, DeliveryId, Step},
    desired::{Desired, Refs, Tip},
    diff::{Diff, FileDiff},
    failure::Failure,
    history::HistoryEntry,
    ids::{CellKey, EnvironmentName, ObjectId},
    past_health::PastHealth,
    plan::Plan,
    pull_request::Proposal,
    rollout::{ClusterNote, Connection, LiveCell, LogLine},
    signature::Signature,
    source_code::{Behind, VersionStep},
};
use crate::look::colour::Rgb;

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
    /// The terminal said what its background is.
    Ground(Rgb),
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
    /// What is known of one environment's cluster now.
    Live {
        /// The environment whose cluster it is.
        environment: EnvironmentName,
        /// The kubeconfig context that was asked: the answer of one that is not the environment's any more comes too late.
        context: String,
        /// How well its cluster is known.
        connection: Connection,
        /// Cells that changed.
        cells: Vec<(CellKey, Arc<LiveCell>)>,
        /// These are all cells that are looked at there; else, others keep what they had.
        all: bool,
    },
    /// Cluster events of the cell named by [`Command::WatchNotes`](super::command::Command::WatchNotes), newest first.
    Notes {
        /// The cell that was looked at when it was asked.
        cell: CellKey,
        /// The events, or one line that says why there are none.
        result: Result<Vec<ClusterNote>, String>,
    },
    /// When the selected cell was healthy, as far as anybody knows.
    PastHealth {
        /// Which cell.
        cell: CellKey,
        /// What is known.
        past: Box<PastHealth>,
    },
    /// What stands behind a step from one version to another, in the source code.
    Behind {
        /// That of the request.
        epoch: Epoch,
        /// The step.
        step: VersionStep,
        /// What is known of it.
        behind: Arc<Behind>,
    },
    /// Answer to [`Command::LoadDiff`](super::command::Command::LoadDiff).
    CommitDiff {
        /// The request that is answered.
        epoch: Epoch,
        /// The cell whose files it is limited to.
        cell: CellKey,
        /// The commit whose diff it is.
        commit: ObjectId,
        /// What it changed.
        result: Result<Diff, Failure>,
    },
    /// Who signed commits that are looked at; those that could not be looked at are not there.
    Signatures(BTreeMap<ObjectId, Signature>),
    /// Answer to [`Command::BuildPlan`](super::command::Command::BuildPlan).
    Planned {
        /// The request that is answered.
        epoch: Epoch,
        /// The plan with what is shown beside it.
        result: Result<Arc<Planned>, Failure>,
    },
    /// Steps of a delivery: one that [`Command::Publish`](super::command::Command::Publish) began, or one that an earlier
    /// session left behind.
    Delivery {
        /// When they were made.
        at: Timestamp,
        /// As it stands behind them.
        delivery: Arc<Delivery>,
        /// What happened; nothing where it is taken up again.
        steps: Vec<Step>,
    },
    /// Whoever drove a delivery broke.
    DeliveryBroken {
        /// The delivery that it drove.
        id: DeliveryId,
        /// What broke, with what to do.
        failure: Failure,
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
    /// Answer to [`Command::Weigh`](super::command::Command::Weigh).
    Weighed {
        /// The request that is answered.
        epoch: Epoch,
        /// What was found out, or why that is not possible.
        result: Result<Weighed, String>,
    },
    /// First answer to [`Command::Tell`](super::command::Command::Tell).
    Told {
        /// The request that is answered.
        epoch: Epoch,
        /// What was told to whom.
        told: ByHand,
        /// That it was taken, or why not.
        result: Result<(), String>,
    },
    /// What came of it.
    ToldDone {
        /// What was told to whom.
        told: ByHand,
        /// How what it was done to is then; `None`: it has not done it in time; or why that is not known.
        result: Result<Option<Ended>, String>,
    },
    /// Part of the answer to [`Command::FollowLog`](super::command::Command::FollowLog).
    Log {
        /// The request that is answered.
        epoch: Epoch,
        /// The part.
        part: LogPart,
    },
    /// Answer to [`Command::ShowObject`](super::command::Command::ShowObject).
    ObjectShown {
        /// The request that is answered.
        epoch: Epoch,
        /// Lines to read, or why there are none.
        result: Result<Vec<String>, String>,
    },
    /// Answer to [`Command::RunOwn`](super::command::Command::RunOwn).
    OwnRan {
        /// The request that is answered.
        epoch: Epoch,
        /// How it ended.
        ran: OwnRan,
    },
    /// The configuration changed on disk: the new set-up, or why the old one is kept.
    ConfigReloaded(Result<Box<Setup>, Failure>),
    /// The configuration changed on disk, and names what nobody has allowed yet: the old one is kept until that is answered.
    TrustAsked {
        /// When the file was read, by the system's clock.
        at: Timestamp,
        /// What it names, as it is shown.
        lines: Vec<String>,
    },
    /// Something failed that no other event answers for.
    Failure(Failure),
    /// What has been waited for so long that it is said, and since when: `reading /path`.
    Waits(Option<(String, Timestamp)>),
    /// Something was done to a pull request on its forge: how it stands then.
    DoneOnForge(String),
    /// What open pull requests would bring into cells.
    Proposed(BTreeMap<CellKey, Vec<Proposal>>),
    /// How the repository is read.
    LayoutsTold {
        /// The request that is answered.
        epoch: Epoch,
        /// What there is to say.
        result: Result<Box<LayoutsTold>, Failure>,
    },
    /// Whether more evidence makes another guess than the one in use.
    GuessOffered {
        /// The request that is answered.
        epoch: Epoch,
        /// What it says otherwise.
        offer: Option<String>,
    },
    /// Something worth a line, such as which way a copy went.
    Notice(String),
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// Whose it is.
    Of {
        /// The container.
        container: String,
        /// The pod's containers.
        containers: Vec<String>,
        /// It is of the container before.
        previous: bool,
    },
    /// What came.
    Lines(Vec<LogLine>),
    /// Nothing more comes, and why, where that is no good end.
    End(Result<(), String>),
}

/// Something that is done by hand to a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The cell.
    pub cell: CellKey,
    /// What is done to what of it.
    pub deed: Deed,
    /// The reason with which a freeze was lifted for it.
    pub lifted: Option<String>,
}

/// How what something was done to is, once it has taken it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// It cannot go on.
    pub failing: bool,
    /// The word for how it is.
    pub word: &'static str,
    /// Why, in its controller's words.
    pub reason: Option<String>,
}

/// How a command of the user's own ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRan {
    /// As it would be typed.
    pub line: String,
    /// That it ended well, or how it ended.
    pub result: Result<(), String>,
    /// What it said, as lines that may be shown.
    pub output: Vec<String>,
    /// How long it took.
    pub took: Duration,
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
        /// Where the pointer is, from the left edge, from 0.
        column: u16,
        /// From the top, from 0.
        row: u16,
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
                MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => Some(Self::Wheel {
                    up: mouse.kind == MouseEventKind::ScrollUp,
                    column: mouse.column,
                    row: mouse.row,
                }),
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
    /// Why what was before a cell's oldest value is not known, by cell; told with the last part.
    pub unknown_before: BTreeMap<CellKey, String>,
}

/// Where the remote branch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where the refs are.
    pub refs: Refs,
    /// When the remote answered.
    pub at: Timestamp,
}

impl Event {
    /// Whether what stands in the matrix may be another one behind it.
    pub fn changes_matrix(&self) -> bool {
        matches!(
            self,
            Self::Desired { .. } | Self::Live { .. } | Self::ConfigReloaded(_)
        )
    }
}

/// A plan with its diffs, which are made beside the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What changes, what does not, and why.
    pub plan: Arc<Plan>,
    /// One per edited file, in the plan's order.
    pub diff: Diff,
}

impl Planned {
    /// Makes the diffs.
    pub fn of(plan: Arc<Plan>) -> Self {
        Self {
            diff: Diff {
                files: plan.edits().map(FileDiff::of).collect(),
                goes_on: false,
            },
            plan,
        }
    }
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
