//! Commands typed after `:`.

use super::super::{
    activity::Level,
    command::Command,
    look::Theme,
    model::{ActivityScreen, Model, Order, Screen, WriteMode},
    palette::{self, Typed, Verb},
};
use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    suggest,
    topology::Deliver,
    version::Version,
};

impl Model {
    pub(super) fn run_command(&mut self, line: &str, out: &mut Vec<Command>) {
        let Typed {
            verb,
            argument,
            cut,
        } = match palette::parse(line) {
            Ok(typed) => typed,
            Err(sentence) => return self.say(sentence),
        };
        match verb {
            Verb::Write => self.unlock(out),
            Verb::ReadOnly => {
                if self.setup.write == WriteMode::Write {
                    self.setup.write = WriteMode::ReadOnly;
                    self.log(Level::Info, "writing is locked", Vec::new(), out);
                }
                self.say("read-only");
            }
            Verb::Quit => self.quit(out),
            Verb::Refresh => self.refresh(out),
            Verb::Login => self.login(&argument, out),
            Verb::Promote => self.promote(out),
            Verb::Set => self.set(&argument, cut, out),
            Verb::Revert => self.revert_command(&argument, out),
            Verb::Trace => self.trace_command(&argument),
            Verb::Plan => self.open_plan(None, out),
            Verb::Deliver => self.deliver_command(&argument, out),
            Verb::AcceptAlong => self.accept_along(out),
            Verb::LeaveOut => self.leave_out_held(out),
            Verb::Undo => self.undo(out),
            Verb::Drop => self.drop_staged(out),
            Verb::Filter => {
                self.screens.clear();
                self.matrix.filter = argument;
            }
            Verb::Order => match Order::NAMED.iter().find(|(name, _)| *name == argument) {
                Some((_, order)) => self.matrix.order = *order,
                None => self.say(unknown("order", &argument, Order::NAMED.map(|(n, _)| n))),
            },
            Verb::All => self.show_all(),
            Verb::Goto => self.goto(&argument),
            Verb::Theme => match Theme::named(&argument) {
                Some(theme) => self.setup.look.theme = theme,
                None => self.say(unknown("theme", &argument, Theme::NAMED.map(|(n, _)| n))),
            },
            Verb::Ascii => match argument.as_str() {
                "on" => self.setup.look.ascii = true,
                "off" => self.setup.look.ascii = false,
                _ => self.say(unknown("choice", &argument, ["on", "off"])),
            },
            Verb::Activity => self.open(Screen::Activity(ActivityScreen::default())),
            Verb::Layouts => {
                self.say("looking at the files");
                out.push(Command::ShowLayouts);
            }
            Verb::Delivery => self.show_delivery(),
            Verb::Help => self.open(Screen::Help(0)),
        }
    }

    fn unlock(&mut self, out: &mut Vec<Command>) {
        match self.setup.write {
            WriteMode::Locked => {
                self.say("started with --read-only: start again without it to write");
            }
            WriteMode::Write => self.say("writing is unlocked already"),
            WriteMode::ReadOnly => {
                self.setup.write = WriteMode::Write;
                self.log(Level::Warn, "writing is unlocked", Vec::new(), out);
                self.say("writing is unlocked; each plan is still confirmed");
            }
        }
    }

    fn login(&mut self, argument: &str, out: &mut Vec<Command>) {
        let wanted = if argument.is_empty() {
            self.selected().map(|cell| cell.environment)
        } else {
            Some(EnvironmentName::from(argument))
        };
        let Some(environment) = wanted else {
            return self.say("which environment? `:login NAME`");
        };
        match self.setup.topology.get(&environment) {
            Some(known) if known.cluster.is_some() => out.push(Command::Login { environment }),
            Some(_) => self.say(format!(
                "{environment} has no `cluster` in the configuration"
            )),
            None => {
                let environments = &self.setup.topology.environments;
                let names = environments.iter().map(|e| e.name.as_str());
                let hint = suggest::hint(environment.as_str(), names);
                self.say(format!("no environment `{environment}`{hint}"));
            }
        }
    }

    fn revert_command(&mut self, argument: &str, out: &mut Vec<Command>) {
        match (argument, self.selected()) {
            ("", _) => self.open_revert(),
            (_, None) => self.say("no cell is selected"),
            (version, Some(cell)) => {
                let wanted = Version::from(version);
                let values = self.values(&cell);
                let known = values
                    .iter()
                    .find(|e| e.change.version.as_ref() == Some(&wanted));
                if let Some(at) = known.map(|entry| entry.change.landed.commit) {
                    self.revert_to(cell, Some(wanted), at, out);
                } else {
                    self.say(format!(
                        "{cell} never declared {version}; :set writes any version"
                    ));
                }
            }
        }
    }

    fn deliver_command(&mut self, argument: &str, out: &mut Vec<Command>) {
        if self.plan_screen().is_none() {
            return self.say("open the plan first (s)");
        }
        match argument {
            "branch" => self.deliver_by(Some(Deliver::Branch), out),
            "push" => self.deliver_by(None, out),
            _ => self.say(unknown("delivery", argument, ["push", "branch"])),
        }
    }

    fn goto(&mut self, name: &str) {
        let desired = self.git.desired.clone();
        let services = desired
            .as_ref()
            .map_or(&[][..], |desired| &desired.services);
        let exact = services.iter().find(|service| service.as_str() == name);
        let found = exact.or_else(|| services.iter().find(|s| s.as_str().starts_with(name)));
        let Some(service) = found.cloned() else {
            let names = services.iter().map(ServiceName::as_str);
            let hint = suggest::hint(name, names);
            return self.say(format!("no service `{name}`{hint}"));
        };
        self.screens.clear();
        self.matrix.filter.clear();
        self.matrix.row = Some(service);
    }
}

fn unknown<const N: usize>(what: &str, given: &str, known: [&str; N]) -> String {
    format!("no {what} `{given}`: {}", known.join(", "))
}
