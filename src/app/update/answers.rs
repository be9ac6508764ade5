//! What comes back from Git, clusters and programs.

use std::{sync::Arc, time::Duration};

use super::super::{
    command::Command,
    event::{DesiredRead, Epoch, Fetched, HistoryBatch, ReadFrom},
    layouts::LayoutsBy,
    model::{History, Model, Ran, Setup, WriteMode},
    op_queue::Operation,
    screen::{PlanState, Screen},
};
use super::WORD_MILLISECONDS;
use crate::domain::{
    desired::{Desired, Tip},
    failure::Failure,
    ids::{CellKey, EnvironmentName},
    rollout::{Connection, LiveCell},
    timeline::Level,
    topology::Topology,
};

/// What is said of failures that settle by themselves.
const READING: &str = "reading the matrix";

impl Model {
    pub(super) fn on_desired(
        &mut self,
        epoch: Epoch,
        result: Result<DesiredRead, Failure>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.finish(Operation::Desired, epoch) {
            return;
        }
        let read = match result {
            Ok(read) => read,
            Err(failure) => {
                let failure = Failure {
                    what: READING.to_owned(),
                    why: format!("{}: {}", failure.what, failure.why),
                    ..failure
                };
                self.git.failure = Some(failure.clone());
                return self.fail(failure, out);
            }
        };
        self.activity.settle(READING);
        self.git.failure = None;
        let before = self.git.remembered.is_none();
        let before = before.then(|| self.git.base.take()).flatten();
        self.git.remembered = None;
        self.log_problems(&read.desired, out);
        // A reading knows less of the remote than a fetch that answered meanwhile.
        let mut base = read.base;
        let fetched = before.as_ref().and_then(|base| base.fetched_at);
        // A clock that was set back has no remote answer in the future.
        let fetched = fetched.filter(|at| *at <= self.now);
        base.fetched_at = base.fetched_at.max(fetched);
        if let Some(before) = before
            .as_ref()
            .filter(|before| before.refs() != base.refs())
        {
            let text = match (before.only(), base.only()) {
                (Some(before), Some(now)) => format!(
                    "{} moved {} to {}",
                    now.shown,
                    before.commit.short(),
                    now.commit.short()
                ),
                _ => moved_refs(&before.tips, &base.tips),
            };
            self.log(Level::Info, text, Vec::new(), out);
        }
        let refs = base.refs();
        self.git.base = Some(base);
        self.git.desired = Some(read.desired);
        self.supersede_deliveries(out);
        if self.history.refs.as_ref() != Some(&refs) {
            let epoch = self.operations.supersede(Operation::History);
            self.history = History {
                refs: Some(refs.clone()),
                // What is known stays until it is replaced: the new walk begins with what is new.
                cells: std::mem::take(&mut self.history.cells),
                ..History::default()
            };
            out.push(Command::LoadHistory { epoch, refs });
        }
        self.plan_again(out);
    }

    /// A plan that is looked at belongs to the base of before: it is made anew.
    fn plan_again(&mut self, out: &mut Vec<Command>) {
        let Some(Screen::Plan(screen)) = self.screens.last_mut() else {
            return;
        };
        if let PlanState::Ready(view) = &screen.state
            && !self
                .git
                .desired
                .as_ref()
                .is_some_and(|desired| desired.is_at(&view.plan.base))
        {
            let only = self.git.base.as_ref().and_then(ReadFrom::only);
            screen.moved = vec![match only {
                Some(tip) => format!("planned again on {}", tip.commit.short()),
                None => "planned again: a ref moved".to_owned(),
            }];
            self.build_plan(out);
        }
    }

    fn log_problems(&mut self, desired: &Desired, out: &mut Vec<Command>) {
        let known = self.git.desired.clone();
        for problem in &desired.problems {
            let old = known.as_ref().is_some_and(|k| k.problems.contains(problem));
            if !old {
                self.log(Level::Warn, problem.sentence(), Vec::new(), out);
            }
        }
    }

    pub(super) fn on_history(
        &mut self,
        epoch: Epoch,
        result: Result<HistoryBatch, Failure>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.is_current(Operation::History, epoch) {
            return;
        }
        match result {
            Ok(batch) => {
                for (cell, values) in batch.cells {
                    self.history.told.tell(&cell.service);
                    self.history.cells.insert(cell, values.into());
                }
                self.history.walked = self.history.walked.max(batch.walked);
                if batch.done {
                    self.history.done = true;
                    self.history.shallow = batch.shallow;
                    self.history.unknown_before = batch.unknown_before;
                    self.operations.finish(Operation::History, epoch);
                    if matches!(self.setup.layouts, LayoutsBy::Guessed(_)) {
                        let epoch = self.operations.supersede(Operation::Guess);
                        out.push(Command::RefineGuess { epoch });
                    }
                }
                self.refresh_cell(out);
            }
            Err(failure) => {
                self.operations.finish(Operation::History, epoch);
                self.history.failure = Some(failure.clone());
                self.fail(failure, out);
            }
        }
    }

    pub(super) fn on_live(
        &mut self,
        environment: EnvironmentName,
        connection: Connection,
        (cells, all): (Vec<(CellKey, Arc<LiveCell>)>, bool),
        out: &mut Vec<Command>,
    ) {
        if all || cells.iter().any(|(_, live)| live.windows.is_some()) {
            self.freezes.forget();
        }
        self.live.take(all.then_some(&environment), cells);
        let text = match (self.connection(&environment), &connection) {
            (Connection::Lost { .. }, Connection::Lost { .. })
            | (Connection::Denied { .. }, Connection::Denied { .. }) => None,
            (_, Connection::Lost { reason, .. }) => {
                Some((Level::Warn, format!("{environment}: lost: {reason}")))
            }
            (_, Connection::Denied { what }) => {
                Some((Level::Warn, format!("{environment}: no access: {what}")))
            }
            (Connection::Lost { .. } | Connection::Denied { .. }, Connection::Live) => {
                Some((Level::Info, format!("{environment}: live again")))
            }
            _ => None,
        };
        self.live.connections.insert(environment, connection);
        if let Some((level, text)) = text {
            self.log(level, text, Vec::new(), out);
        }
    }

    pub(super) fn on_fetched(
        &mut self,
        epoch: Epoch,
        result: Result<Fetched, Failure>,
        out: &mut Vec<Command>,
    ) {
        if !self.operations.finish(Operation::Fetch, epoch) {
            return;
        }
        match result {
            Ok(fetched) => {
                self.git.fetch_failure = None;
                if let Some(base) = &mut self.git.base {
                    base.fetched_at = Some(fetched.at);
                }
                let known = self.git.base.as_ref().map(ReadFrom::refs);
                let reading = self.operations.is_running(Operation::Desired);
                if known != Some(fetched.refs) || self.git.desired.is_none() && !reading {
                    self.read_desired(out);
                }
            }
            Err(failure) => {
                // Told once: offline for an hour is one failure, not sixty.
                if self.git.fetch_failure.is_none() {
                    self.log(
                        Level::Warn,
                        format!("{}: {}", failure.what, failure.why),
                        vec![failure.next.clone()],
                        out,
                    );
                }
                self.git.fetch_failure = Some(failure);
            }
        }
    }

    pub(super) fn on_ran(
        &mut self,
        line: String,
        ok: bool,
        outcome: String,
        took: Duration,
        out: &mut Vec<Command>,
    ) {
        let level = if ok { Level::Done } else { Level::Error };
        let text = format!("$ {line}  {outcome} {:.1}s", took.as_secs_f64());
        self.log(level, text, Vec::new(), out);
        // What looks at the remote behind a push that was refused says nothing of that push: it does not take its place.
        let failed = self.ran.as_ref().filter(|ran| !ran.ok);
        if ok && failed.is_some_and(|ran| self.is_within(ran.at, WORD_MILLISECONDS)) {
            return;
        }
        self.ran = Some(Ran {
            line,
            ok,
            outcome,
            took,
            at: self.now,
        });
    }

    /// What is staged for an environment that is no more cannot be delivered any more.
    fn unstage_removed(&mut self, before: &Topology, out: &mut Vec<Command>) {
        let is_gone = |environment: &EnvironmentName| {
            before.get(environment).is_some() && self.setup.topology.get(environment).is_none()
        };
        let staged = self.staging.requests().iter().map(|request| &request.cell);
        let gone: Vec<CellKey> = staged
            .filter(|cell| is_gone(&cell.environment))
            .cloned()
            .collect();
        if gone.is_empty() {
            return;
        }
        self.staging.unstage(&gone);
        out.push(Command::SaveStaged(self.staging.requests().to_vec()));
        let cells = gone.iter().map(ToString::to_string).collect();
        let text = "unstaged: the configuration has these environments no more";
        self.log(Level::Warn, text, cells, out);
    }

    /// A good configuration replaces the one in force; a bad one is told, and the old one kept.
    pub(super) fn on_configuration(
        &mut self,
        result: Result<Box<Setup>, Failure>,
        out: &mut Vec<Command>,
    ) {
        self.nothing_to_trust();
        match result {
            Ok(setup) => {
                let write = match setup.write {
                    WriteMode::Locked => WriteMode::Locked,
                    WriteMode::ReadOnly | WriteMode::Write => self.setup.write,
                };
                let setup = Setup { write, ..*setup };
                let before = std::mem::replace(&mut self.setup, setup);
                self.freezes.forget();
                self.behind.forget();
                self.judge_freezes();
                self.live.follow(&before.topology, &self.setup.topology);
                self.unstage_removed(&before.topology, out);
                // Other layouts find other values in the same commits; the matrix that is read now asks for them.
                self.history = History::default();
                if let Some(walk) = self.operations.current(Operation::History) {
                    self.operations.finish(Operation::History, walk);
                }
                self.log(
                    Level::Done,
                    "the configuration was read again",
                    Vec::new(),
                    out,
                );
                self.say("the configuration was read again");
                self.plan_by_configuration(out);
                self.layouts_changed(out);
                self.read_desired(out);
            }
            Err(failure) => {
                self.fail(failure, out);
                self.layouts_changed(out);
            }
        }
    }
}

/// Which refs are elsewhere than before: `prod moved 048d846 to 6a6f956`.
fn moved_refs(known: &[Tip], now: &[Tip]) -> String {
    let moved = now.iter().filter_map(|tip| {
        let Some(old) = known.iter().find(|old| old.name == tip.name) else {
            return Some(format!("{} is at {}", tip.name, tip.commit.short()));
        };
        (old.commit != tip.commit).then(|| {
            format!(
                "{} moved {} to {}",
                tip.name,
                old.commit.short(),
                tip.commit.short()
            )
        })
    });
    moved.collect::<Vec<_>>().join(", ")
}
