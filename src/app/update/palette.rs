//! Actions typed after `:`, some with an argument.

use super::{
    super::{
        command::Command,
        model::Model,
        palette::{self, Asked},
        screen::matrix::Order,
    },
    input::everywhere,
};
use crate::{
    actions::Action,
    domain::{
        fuzzy,
        ids::{EnvironmentName, ServiceName},
        suggest,
        topology::Deliver,
        version::Version,
    },
    look::{colour::Rgb, theme::AUTO},
};

impl Model {
    pub(super) fn run_command(&mut self, line: &str, out: &mut Vec<Command>) {
        let typed = line.trim();
        let mut own = self.setup.commands.iter();
        if let Some(index) = own.position(|it| it.name == typed) {
            return everywhere(self, Action::Own(index), out);
        }
        let asked = match palette::parse(line) {
            Ok(asked) => asked,
            Err(sentence) => return self.say(sentence),
        };
        let Asked {
            action,
            argument,
            cut,
        } = asked;
        match action {
            Action::Set => self.set(&argument, cut, out),
            Action::Login => self.login(&argument, out),
            Action::Revert => self.revert_command(&argument, out),
            Action::Trace => self.trace_command(&argument),
            Action::Deliver => self.deliver_command(&argument, out),
            Action::Filter => {
                self.screens.clear();
                self.matrix.filter = self.spelled_out(&argument);
                self.say_unknown_filter_words();
            }
            Action::SaveFilter => self.save_filter(&argument, out),
            Action::ForgetFilter => self.forget_filter(&argument, out),
            Action::Order => self.order_command(&argument),
            Action::Goto => self.goto(&argument),
            Action::Theme => self.choose_theme(argument),
            Action::Ascii => match argument.as_str() {
                "on" => self.setup.look.ascii = true,
                "off" => self.setup.look.ascii = false,
                _ => self.say(unknown("choice", &argument, ["on", "off"])),
            },
            action => everywhere(self, action, out),
        }
    }

    /// Another theme from the next frame on; says what would keep it from being seen as it is meant.
    fn choose_theme(&mut self, name: String) {
        let look = &mut self.setup.look;
        if name == AUTO {
            look.choice.fixed = None;
            return;
        }
        let theme = match look.themes.get(&name) {
            Ok(theme) => theme.clone(),
            Err(why) => return self.say(why),
        };
        let here = self.ground.map(Rgb::is_light);
        let other = theme.is_for_light().zip(here);
        let painted = look.background;
        look.choice.fixed = Some(name.clone());
        if look.no_colour {
            self.say(format!(
                "NO_COLOR is set: {name} is not seen until it is not"
            ));
        } else if let Some((theirs, ours)) = other.filter(|(a, b)| a != b)
            && !painted
        {
            let word = |light| if light { "light" } else { "dark" };
            self.say(format!(
                "{name} is made for {} backgrounds, and this one is {}; `background = true` in your config.toml paints its own",
                word(theirs),
                word(ours)
            ));
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
                    .map(|entry| &entry.change)
                    .find(|change| change.brought(&wanted));
                if let Some((at, was)) = known.map(|it| (it.landed.commit, it.version.clone())) {
                    self.revert_to(cell, was, at, out);
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
            return self.open_the_plan_first();
        }
        match argument {
            "branch" => self.deliver_by(Some(Deliver::Branch), out),
            "pull-request" => self.deliver_by(Some(Deliver::PullRequest), out),
            "push" => self.deliver_by(None, out),
            _ => {
                let known = Deliver::NAMED.map(|(name, _)| name);
                self.say(unknown("delivery", argument, known));
            }
        }
    }

    /// `:order prod-eu`, `:order -name`: `-` for the other way round.
    fn order_command(&mut self, argument: &str) {
        let (reversed, name) = match argument.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, argument),
        };
        let named = Order::NAMED.into_iter().find(|(word, _)| *word == name);
        let column = || {
            let environments = self.environments().into_iter();
            let mut named = environments.filter(|environment| environment.as_str() == name);
            named.next().map(Order::Column)
        };
        match named.map(|(_, order)| order).or_else(column) {
            Some(order) => self.order_by(order, reversed),
            None => self.say(format!(
                "no order `{name}`: {}",
                palette::orders(self).join(", ")
            )),
        }
    }

    fn goto(&mut self, name: &str) {
        let desired = self.git.desired.clone();
        let services = desired
            .as_ref()
            .map_or(&[][..], |desired| &desired.services);
        let names = services.iter().collect();
        let found = fuzzy::nearest(name, names, |service| service.as_str());
        let found = found.first().copied();
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
