//! The user's own commands: filled from the selected cell, asked about where they are dangerous, run, and told how they ended.

use jiff::Timestamp;

use super::question::{Answer, answer};
use crate::{
    actions::{Action, CellValue, OwnRun},
    app::{
        command::Command,
        event::{Epoch, OwnRan},
        model::{Model, Prompt, Ran},
        op_queue::Operation,
    },
    domain::{failure::Failure, ids::CellKey, timeline::Level},
};

/// A key while a dangerous command is asked about.
pub(super) fn act(
    model: &mut Model,
    (run, put): (OwnRun, Timestamp),
    action: Action,
    held: bool,
    out: &mut Vec<Command>,
) -> bool {
    match answer(model, put, action, held) {
        Answer::Yes => {
            model.prompt = None;
            model.start_own(run, out);
        }
        Answer::No => {
            model.prompt = None;
            model.say(format!("{} was not run", run.name));
        }
        Answer::Nothing => {}
        Answer::Other => return false,
    }
    true
}

impl Model {
    /// Runs the command at this place of the configuration, or says why not.
    pub(super) fn run_own(&mut self, index: usize, out: &mut Vec<Command>) {
        let Some(command) = self.setup.commands.get(index).cloned() else {
            return;
        };
        // What does not say that it changes nothing is refused wherever a plan would be.
        if !command.read_only && !self.may_write() {
            return;
        }
        let cell = self.selected();
        let filled = command.fill(|value| match &cell {
            Some(cell) => self.cell_value(cell, value),
            None => Err("no cell is selected".to_owned()),
        });
        match filled {
            Err(why) => self.say(format!("{}: {why}", command.name)),
            Ok(run) if command.dangerous => self.prompt = Some(Prompt::Own(run, self.now)),
            Ok(run) => self.start_own(run, out),
        }
    }

    pub(in crate::app) fn start_own(&mut self, run: OwnRun, out: &mut Vec<Command>) {
        let Some(epoch) = self.operations.start(Operation::Own) else {
            return self.say(format!(
                "{} waits for nothing: another command runs; ask again when it has ended",
                run.name
            ));
        };
        self.say(format!("running {}", run.name));
        out.push(Command::RunOwn { epoch, run });
    }

    /// A value of a cell, as commands are filled with; the error says why there is none.
    pub(in crate::app) fn cell_value(
        &self,
        cell: &CellKey,
        value: CellValue,
    ) -> Result<String, String> {
        let declared = self.git.desired.as_ref().and_then(|it| it.cells.get(cell));
        let environment = self.setup.topology.get(&cell.environment);
        let found = match value {
            CellValue::Service => Some(cell.service.to_string()),
            CellValue::Environment => Some(cell.environment.to_string()),
            CellValue::Version => declared
                .and_then(|it| it.version.as_ref())
                .map(ToString::to_string),
            CellValue::Commit => {
                let newest = self.values(cell).first();
                newest.map(|it| it.change.landed.commit.to_string())
            }
            CellValue::Context => environment.and_then(|it| it.cluster.clone()),
            CellValue::Namespace => {
                let template = environment.map(|it| &it.namespace);
                let captures = declared.map(|it| &it.captures);
                let filled = template
                    .zip(captures)
                    .map(|(template, known)| template.fill(known));
                filled.and_then(Result::ok).filter(|name| !name.is_empty())
            }
        };
        found.ok_or_else(|| match value {
            CellValue::Service | CellValue::Environment => format!("{cell} is no cell"),
            CellValue::Version => format!("{cell} declares no version"),
            CellValue::Commit => format!("what brought the version of {cell} is not known (yet)"),
            CellValue::Context => {
                format!("{} has no `cluster` in the configuration", cell.environment)
            }
            CellValue::Namespace => format!(
                "the namespace of {cell} is not known: `namespace` of {} cannot be filled",
                cell.environment
            ),
        })
    }

    /// A command ended.
    pub(super) fn on_own(&mut self, epoch: Epoch, ran: OwnRan, out: &mut Vec<Command>) {
        if !self.operations.finish(Operation::Own, epoch) {
            return;
        }
        self.word = None;
        let ok = ran.result.is_ok();
        let outcome = ran.result.err().unwrap_or_else(|| "ok".to_owned());
        let level = if ok { Level::Done } else { Level::Error };
        let text = format!("$ {}  {outcome} {:.1}s", ran.line, ran.took.as_secs_f64());
        let last = ran.output.last().cloned();
        let said = last.is_some();
        self.log(level, text, ran.output, out);
        if !ok {
            let why = last.map_or(outcome.clone(), |last| format!("{outcome}: {last}"));
            let next = if said {
                let key = self.key(self.mode(), Action::Activity);
                format!("{key} shows all that it said")
            } else {
                String::new()
            };
            self.activity
                .raise(Failure::told(ran.line.clone(), why, next), self.now, None);
        }
        self.ran = Some(Ran {
            line: ran.line,
            ok,
            outcome,
            took: ran.took,
            at: self.now,
        });
    }
}
