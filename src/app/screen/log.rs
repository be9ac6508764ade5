//! The log of a pod: a bounded number of lines, of the container that runs or of the one before.

use super::{Screen, moved};
use crate::{
    actions::{Action, LogView},
    app::{
        command::Command,
        event::{Epoch, LogPart},
        line::LineInput,
        model::{Model, Prompt},
        op_queue::Operation,
    },
    domain::{
        ids::CellKey,
        rollout::{LogLine, LogRequest, PodState, Ring},
    },
};

/// The log of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogScreen {
    /// The cell.
    pub cell: CellKey,
    /// What is asked for.
    pub request: LogRequest,
    /// The pod's containers, once they are known.
    pub containers: Vec<String>,
    /// What has come of it.
    pub lines: Ring,
    /// How it goes on.
    pub state: LogState,
    /// The newest line stays in view.
    pub follows: bool,
    /// Long lines go on in the next row; else they are cut.
    pub wraps: bool,
    /// Lines are shown with their times.
    pub times: bool,
    /// Only lines with this text are shown; empty: all.
    pub filter: String,
    /// The first line in view, of those that are shown, where the newest need not be.
    pub first: usize,
}

/// How a log goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogState {
    /// Its first answer has not come.
    Asked,
    /// More may come.
    Open,
    /// Nothing more comes.
    Ended,
    /// Nothing more comes, for this reason.
    Failed(String),
}

/// So many lines are asked for from the end.
const TAIL: u32 = 2_000;

impl LogScreen {
    /// The lines that the filter leaves, oldest first.
    pub fn shown(&self) -> Vec<&LogLine> {
        let filter = self.filter.to_lowercase();
        let all = self.lines.iter();
        let has = |line: &&LogLine| filter.is_empty() || line.text.to_lowercase().contains(&filter);
        all.filter(has).collect()
    }
}

/// Whether the log of the container before says more than that of the one that runs.
fn is_crashing(pod: &PodState) -> bool {
    pod.restarts > 0 && !pod.ready
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let reach = model.drawn.keys;
    let Some(Screen::Log(screen)) = model.screens.last_mut() else {
        return false;
    };
    match action {
        Action::Back if !screen.filter.is_empty() => screen.filter.clear(),
        Action::Back => {
            model.operations.supersede(Operation::Log);
            out.push(Command::StopLog);
            model.close(out);
        }
        Action::Move(motion) => {
            let from = if screen.follows {
                reach.last
            } else {
                screen.first.min(reach.last)
            };
            screen.first = moved(from, motion, reach.last + 1, reach.page.max(1));
            screen.follows = screen.first >= reach.last && screen.first >= from;
        }
        Action::Filter => {
            let before = screen.filter.clone();
            model.prompt = Some(Prompt::Find {
                input: LineInput::with(before.clone()),
                before,
            });
        }
        Action::ViewLog(LogView::Wrap) => screen.wraps = !screen.wraps,
        Action::ViewLog(LogView::Times) => screen.times = !screen.times,
        Action::ViewLog(LogView::Follow) => {
            screen.first = reach.last;
            screen.follows = !screen.follows;
        }
        Action::ViewLog(LogView::Previous) => {
            screen.request.previous = !screen.request.previous;
            model.ask_for_log(out);
        }
        Action::ViewLog(LogView::Container) => {
            let count = screen.containers.len();
            if count < 2 {
                model.say("the pod has no other container");
                return true;
            }
            let known = screen.request.container.as_ref();
            let at = screen.containers.iter().position(|it| Some(it) == known);
            let next = at.map_or(0, |at| (at + 1) % count);
            screen.request.container = screen.containers.get(next).cloned();
            model.ask_for_log(out);
        }
        Action::Copy => {
            out.push(Command::copy_command(screen.request.command()));
        }
        _ => return false,
    }
    true
}

impl Model {
    /// Opens the log of a pod: of the container before, where it is crashing.
    pub(in crate::app) fn open_log(
        &mut self,
        cell: CellKey,
        (context, namespace): (String, String),
        pod: &PodState,
        out: &mut Vec<Command>,
    ) {
        let previous = is_crashing(pod);
        self.open(Screen::Log(LogScreen {
            cell,
            request: LogRequest {
                context,
                namespace,
                pod: pod.name.clone(),
                container: None,
                previous,
                follow: !previous,
                tail: Some(TAIL),
                since_seconds: None,
            },
            containers: Vec::new(),
            lines: Ring::default(),
            state: LogState::Asked,
            follows: true,
            wraps: true,
            times: false,
            filter: String::new(),
            first: 0,
        }));
        self.ask_for_log(out);
    }

    /// Asks for what the visible screen wants, from the beginning.
    fn ask_for_log(&mut self, out: &mut Vec<Command>) {
        let epoch = self.operations.supersede(Operation::Log);
        let Some(Screen::Log(screen)) = self.screens.last_mut() else {
            return;
        };
        screen.request.follow = !screen.request.previous;
        screen.lines = Ring::default();
        screen.state = LogState::Asked;
        screen.follows = true;
        out.push(Command::FollowLog {
            epoch,
            request: screen.request.clone(),
        });
    }

    /// Takes a part of a log to where it is looked at.
    pub(in crate::app) fn on_log(&mut self, epoch: Epoch, part: LogPart) {
        if !self.operations.is_current(Operation::Log, epoch) {
            return;
        }
        let screens = self.screens.iter_mut().rev();
        let mut logs = screens.filter_map(|screen| match screen {
            Screen::Log(screen) => Some(screen),
            _ => None,
        });
        let Some(screen) = logs.next() else { return };
        match part {
            LogPart::Of {
                container,
                containers,
                previous,
            } => {
                screen.request.container = Some(container);
                screen.request.previous = previous;
                screen.containers = containers;
                screen.state = LogState::Open;
            }
            LogPart::Lines(lines) => {
                let dropped = screen.lines.dropped();
                screen.lines.extend(lines);
                // What is looked at stays where it is, as far as it is there.
                let gone = screen.lines.dropped() - dropped;
                screen.first = screen.first.saturating_sub(gone);
            }
            LogPart::End(result) => {
                screen.state = match result {
                    Ok(()) => LogState::Ended,
                    Err(why) => LogState::Failed(why),
                };
            }
        }
    }
}
