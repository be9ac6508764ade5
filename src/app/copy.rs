//! What can be copied of what is selected: a menu, of which each line says what it would copy.

use super::{
    command::Command,
    model::{Model, Prompt},
    status,
};
use crate::{
    actions::{Action, Copied, Motion},
    app::screen::moved,
    domain::{cell::State, ids::CellKey},
    look,
};

/// Something that can be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which part of what is selected.
    pub of: Copied,
    /// What it is, in words: `version`, `address of prod-eu`.
    pub what: String,
    /// The text.
    pub text: String,
}

impl Model {
    /// Asks what is to be copied; what was selected for itself on this screen is selected first.
    pub(super) fn ask_what_to_copy(&mut self) {
        let choices = self.copies();
        if choices.is_empty() {
            return self.say("nothing is selected that could be copied");
        }
        let commit = self.selected_commit().is_some();
        let first = choices
            .iter()
            .position(|choice| commit && choice.of == Copied::Commit);
        self.prompt = Some(Prompt::Copy {
            choices,
            selected: first.unwrap_or(0),
        });
    }

    /// All that can be copied of the selected cell, and of the commit that is selected in its history.
    fn copies(&self) -> Vec<Choice> {
        let Some(cell) = self.selected() else {
            return Vec::new();
        };
        let entry = self.selected_value();
        let newest = self.values(&cell).first();
        let desired = self.git.desired.as_deref();
        let declared = desired.and_then(|desired| desired.version(&cell));
        let version = match entry {
            Some(entry) => entry.change.version.as_ref(),
            None => declared,
        };
        let commit = entry.or(newest).map(|entry| entry.change.landed.commit);
        let environment = self.setup.topology.get(&cell.environment);
        let address = environment.and_then(|environment| environment.url.clone());
        let web = self.git.base.as_ref().and_then(|base| base.web.clone());
        let page = commit
            .zip(web)
            .map(|(commit, web)| format!("{web}/commit/{commit}"));
        let why = status::why(self, &cell, &status::assess(self, &cell));
        let all = [
            (
                Copied::Version,
                "version".to_owned(),
                version.map(ToString::to_string),
            ),
            (
                Copied::Commit,
                "commit".to_owned(),
                commit.map(|commit| commit.to_string()),
            ),
            (
                Copied::Address,
                format!("address of {}", cell.environment),
                address,
            ),
            (Copied::Page, "page of the commit".to_owned(), page),
            (
                Copied::Why,
                "why".to_owned(),
                why.map(|why| format!("{} / {why}", cell.service)),
            ),
            (
                Copied::Row,
                "row as Markdown".to_owned(),
                self.row_as_markdown(&cell),
            ),
        ];
        all.into_iter()
            .filter_map(|(of, what, text)| text.map(|text| Choice { of, what, text }))
            .collect()
    }

    /// The row of the selected cell as a table: versions, and how those do that are not as they should be.
    fn row_as_markdown(&self, cell: &CellKey) -> Option<String> {
        let desired = self.git.desired.as_ref()?;
        let cells = desired.environments.iter().map(|environment| {
            let key = CellKey::new(cell.service.clone(), environment.clone());
            let view = status::assess(self, &key);
            let version = view.declared.map_or("", |declared| declared.shown());
            let state = view.status.state;
            match state {
                State::Healthy | State::GitOnly | State::Absent => version.to_owned(),
                state => format!("{version} ({})", look::of(state).word),
            }
        });
        let row = |first: &str, cells: &mut dyn Iterator<Item = String>| {
            let cells = cells.map(|cell| format!(" {} |", cell.trim().replace('|', "\\|")));
            format!("| {first} |{}\n", cells.collect::<String>())
        };
        let environments = desired.environments.iter();
        Some(
            [
                row(
                    "service",
                    &mut environments.clone().map(ToString::to_string),
                ),
                row("---", &mut environments.map(|_| "---".to_owned())),
                row(cell.service.as_str(), &mut cells.into_iter()),
            ]
            .concat(),
        )
    }

    /// What an action does in the menu.
    pub(super) fn act_on_copies(&mut self, action: Action, out: &mut Vec<Command>) -> bool {
        let Some(Prompt::Copy { choices, selected }) = &mut self.prompt else {
            return false;
        };
        let wanted = match action {
            Action::Move(motion @ (Motion::Up | Motion::Down)) => {
                *selected = moved(*selected, motion, choices.len(), choices.len());
                return true;
            }
            Action::Open => Some(*selected),
            Action::CopyPart(of) => choices.iter().position(|choice| choice.of == of),
            Action::Back => {
                self.prompt = None;
                return true;
            }
            _ => return false,
        };
        match wanted.map(|index| choices.swap_remove(index)) {
            Some(Choice { what, text, .. }) => {
                self.prompt = None;
                // Short ones are told themselves.
                let what = match text.lines().count() {
                    1 if text.len() <= 64 => format!("{what} {text}"),
                    _ => what,
                };
                out.push(Command::Copy { what, text });
            }
            None => self.say("that is not known here"),
        }
        true
    }
}
