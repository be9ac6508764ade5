//! Asking for changes: promote, set, take back, undo.

use super::super::{command::Command, model::Model, screen::Screen, status};
use crate::actions::{Action, Mode};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    plan::{self, Came, ChangeRequest, Intent, Skip, SkipCause},
    text,
    timeline::Level,
    unread::writable,
    version::Version,
};

impl Model {
    /// Stages a promotion INTO the marked cells, or the selected one: each gets its upstream's version.
    ///
    /// Of a group, cells with nothing to do are set aside with their cause and shown beside the plan.
    pub(super) fn promote(&mut self, out: &mut Vec<Command>) {
        let targets = self.targets();
        let alone = targets.len() == 1;
        let came = if alone { Came::Named } else { Came::Group };
        let mut requests = Vec::new();
        let mut aside = Vec::new();
        for cell in targets {
            match self.promotion(&cell) {
                Ok(from) => requests.push(ChangeRequest {
                    cell,
                    intent: Intent::Promote { from },
                    came,
                }),
                Err(refusal) => aside.push(Skip::new(cell, came, refusal)),
            }
        }
        if let (true, [skip]) = (alone, aside.as_slice()) {
            let text = format!("{}: {}", skip.cell, skip.detail);
            self.say(text);
            self.matrix.marks.clear();
            return;
        }
        let (staged, left) = (requests.len(), aside.len());
        let plan = self.key(Mode::Matrix, Action::Plan);
        let words = match requests.as_slice() {
            [request] if alone => {
                let version = status::staged_version(self, request);
                let version = version.map_or(String::new(), |version| version.to_string());
                format!("{} gets {version}: {plan} opens the plan", request.cell)
            }
            _ => format!("{staged} staged, {left} with nothing to promote: {plan} opens the plan"),
        };
        if staged > 0 {
            self.stage(requests, out);
        }
        self.staging.set_aside = aside;
        self.matrix.marks.clear();
        self.matrix.anchor = None;
        self.say(words);
    }

    /// The upstream that `cell` can be promoted from, or why there is none.
    fn promotion(&self, cell: &CellKey) -> Result<EnvironmentName, (SkipCause, String)> {
        let Some(desired) = self.git.desired.as_deref() else {
            let detail = "the matrix has not been read yet".to_owned();
            return Err((SkipCause::NotDeclared, detail));
        };
        plan::upstream_for(desired, &self.setup.topology, cell).cloned()
    }

    /// Stages a version given by hand; `cut` says that white space around it was left out.
    pub(super) fn set(&mut self, version: &str, cut: bool, out: &mut Vec<Command>) {
        let targets = self.targets();
        let desired = self.git.desired.clone();
        let illegal = targets.iter().find_map(|cell| {
            let known = desired.as_ref()?.cells.get(cell)?;
            let why = writable(version, known.grammar).err()?;
            Some(format!("{cell}: {why}"))
        });
        if let Some(sentence) = illegal {
            return self.say(sentence);
        }
        let came = if targets.len() == 1 {
            Came::Named
        } else {
            Came::Group
        };
        let requests = targets.into_iter().map(|cell| ChangeRequest {
            cell,
            intent: Intent::Set {
                version: Version::from(version),
            },
            came,
        });
        let requests: Vec<_> = requests.collect();
        let plan = self.key(Mode::Matrix, Action::Plan);
        let words = match requests.as_slice() {
            [] => "no cell is selected".to_owned(),
            [request] => format!("{} gets {version}: {plan} opens the plan", request.cell),
            several => format!(
                "{} cells get {version}: {plan} opens the plan",
                several.len()
            ),
        };
        let words = if cut {
            format!("{words} (the white space around it is cut)")
        } else {
            words
        };
        self.stage(requests, out);
        self.matrix.marks.clear();
        self.say(words);
    }

    /// Adds requests as one step that can be undone.
    pub(in crate::app) fn stage(&mut self, requests: Vec<ChangeRequest>, out: &mut Vec<Command>) {
        if requests.is_empty() {
            return;
        }
        for request in &requests {
            let text = format!("{}: {}", request.cell, status::intent(&request.intent));
            self.log(Level::Info, text, Vec::new(), out);
        }
        self.staging.set_aside.clear();
        self.staging.stage(requests);
        self.save_staged(out);
    }

    /// Takes the marked cells, or the selected one, out of what is staged.
    pub(super) fn unstage(&mut self, out: &mut Vec<Command>) {
        let cells = self.targets();
        let taken = self.staging.unstage(&cells);
        if taken.is_empty() {
            return self.say("nothing is staged here");
        }
        self.matrix.marks.clear();
        self.taken_back(&taken, out);
        self.save_staged(out);
    }

    /// Says and logs what is not staged any more.
    pub(in crate::app) fn taken_back(&mut self, taken: &[CellKey], out: &mut Vec<Command>) {
        let undo = self.key(Mode::Matrix, Action::Undo);
        let what = match taken {
            [only] => only.to_string(),
            several => text::count(several.len(), "change"),
        };
        let it = text::them(taken.len());
        self.say(format!("{what} taken back; {undo} brings {it} back"));
        self.log_staging("taken back", taken, out);
    }

    /// Logs a step of staging with what is staged for each of its cells behind it.
    fn log_staging(&mut self, step: &str, cells: &[CellKey], out: &mut Vec<Command>) {
        let line = |cell: &CellKey| match self.staging.get(cell) {
            Some(request) => format!("{cell}: {}", status::intent(&request.intent)),
            None => format!("{cell} is not staged any more"),
        };
        let lines: Vec<String> = cells.iter().map(line).collect();
        let (text, detail) = match lines.as_slice() {
            [] => (format!("{step}: what is staged is the same"), Vec::new()),
            [only] => (format!("{step}: {only}"), Vec::new()),
            several => (
                format!("{step}: {}", text::count(several.len(), "change")),
                lines,
            ),
        };
        self.log(Level::Info, text, detail, out);
    }

    /// Goes back one step of staging; what is pushed stays pushed.
    pub(super) fn undo(&mut self, out: &mut Vec<Command>) {
        let Some(undone) = self.staging.undo() else {
            let revert = self.key(Mode::Matrix, Action::Revert);
            return self.say(format!(
                "nothing to undo; to take back what is pushed, revert it ({revert})"
            ));
        };
        let count = self.staging.requests().len();
        self.say(format!("undone: {count} staged"));
        self.log_staging("undone", &undone, out);
        self.save_staged(out);
    }

    /// Takes back everything staged, as one step.
    pub(super) fn drop_staged(&mut self, out: &mut Vec<Command>) {
        let requests = self.staging.requests();
        let cells: Vec<CellKey> = requests
            .iter()
            .map(|request| request.cell.clone())
            .collect();
        let taken = self.staging.unstage(&cells);
        self.staging.set_aside.clear();
        if taken.is_empty() {
            return self.say("nothing is staged");
        }
        self.taken_back(&taken, out);
        self.save_staged(out);
    }

    /// Keeps what is staged for the next start, and plans it again where a plan is looked at.
    pub(in crate::app) fn save_staged(&mut self, out: &mut Vec<Command>) {
        out.push(Command::SaveStaged(self.staging.requests().to_vec()));
        let staged = |cell: &CellKey| self.staging.get(cell).is_some();
        if let Some(refusal) = &self.refusal
            && !refusal.cells.iter().any(staged)
        {
            self.forget_refusal();
        }
        if let Some(Screen::Plan(_)) = self.screens.last() {
            if self.staging.requests().is_empty() && self.staging.set_aside.is_empty() {
                self.close(out);
            } else {
                self.build_plan(out);
            }
        }
    }
}
