//! Asking for changes: promote, set, take back, undo.

use super::super::{command::Command, model::Model, screen::Screen, status};
use crate::actions::{Action, Mode};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    plan::{self, Came, ChangeRequest, Intent, Skip, SkipCause},
    timeline::Level,
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
            let why = known.grammar.check(version).err()?;
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
        match self.staging.unstage(&cells) {
            0 => self.say("nothing is staged here"),
            count => {
                self.matrix.marks.clear();
                let undo = self.key(Mode::Matrix, Action::Undo);
                self.say(format!("{count} taken back; {undo} brings it back"));
                self.save_staged(out);
            }
        }
    }

    /// Goes back one step of staging; what is pushed stays pushed.
    pub(super) fn undo(&mut self, out: &mut Vec<Command>) {
        if self.staging.undo() {
            let count = self.staging.requests().len();
            self.say(format!("undone: {count} staged"));
            self.save_staged(out);
        } else {
            let revert = self.key(Mode::Matrix, Action::Revert);
            self.say(format!(
                "nothing to undo; to take back what is pushed, revert it ({revert})"
            ));
        }
    }

    /// Takes back everything staged, as one step.
    pub(super) fn drop_staged(&mut self, out: &mut Vec<Command>) {
        let requests = self.staging.requests();
        let cells: Vec<CellKey> = requests
            .iter()
            .map(|request| request.cell.clone())
            .collect();
        let count = self.staging.unstage(&cells);
        self.staging.set_aside.clear();
        let undo = self.key(Mode::Matrix, Action::Undo);
        self.say(format!("{count} taken back; {undo} brings them back"));
        self.save_staged(out);
    }

    /// Keeps what is staged for the next start, and plans it again where a plan is looked at.
    pub(in crate::app) fn save_staged(&mut self, out: &mut Vec<Command>) {
        out.push(Command::SaveStaged(self.staging.requests().to_vec()));
        if let Some(Screen::Plan(_)) = self.screens.last() {
            self.build_plan(out);
        }
    }
}
