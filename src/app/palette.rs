//! The commands that can be typed after `:`. Commands of Tidegate only, never of a shell.

use super::{
    filter::Filter,
    look::Theme,
    model::{Model, Order},
};
use crate::domain::suggest;

/// Suggestions beyond this many are not shown.
pub const SUGGESTIONS: usize = 8;

/// A command as it is listed.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Its argument, as shown; empty: it takes none.
    pub argument: &'static str,
    /// A sentence.
    pub help: &'static str,
    /// What it means.
    pub verb: Verb,
}

/// What a typed command means, before its argument is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Unlock writing.
    Write,
    /// Lock it again.
    ReadOnly,
    /// Leave.
    Quit,
    /// Ask the remote and lost clusters now.
    Refresh,
    /// Interactive login to a cluster.
    Login,
    /// Stage a promotion.
    Promote,
    /// Stage a version given by hand.
    Set,
    /// Go back.
    Revert,
    /// Show where a version has been.
    Trace,
    /// Open the plan.
    Plan,
    /// Choose how the plan is delivered.
    Deliver,
    /// Accept what moves with an edit and was not staged.
    AcceptAlong,
    /// Plan without what gates hold.
    LeaveOut,
    /// Undo the last staging.
    Undo,
    /// Take everything back.
    Drop,
    /// Filter rows.
    Filter,
    /// Order rows.
    Order,
    /// Show or fold healthy rows.
    All,
    /// Go to a service.
    Goto,
    /// Choose a palette.
    Theme,
    /// Letters and ASCII borders.
    Ascii,
    /// The log.
    Activity,
    /// What is read, and what is not.
    Layouts,
    /// The delivery.
    Delivery,
    /// The keys.
    Help,
}

/// A typed command with its argument checked as far as words go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// What it means.
    pub verb: Verb,
    /// The rest of the line, trimmed.
    pub argument: String,
    /// White space around the argument was cut, more than what parts it from the command.
    pub cut: bool,
}

const fn spec(name: &'static str, argument: &'static str, help: &'static str, verb: Verb) -> Spec {
    Spec {
        name,
        argument,
        help,
        verb,
    }
}

/// Every command, in the order of suggestions.
#[rustfmt::skip]
pub const COMMANDS: &[Spec] = &[
    spec("write", "", "unlock writing for this session", Verb::Write),
    spec("read-only", "", "lock writing again", Verb::ReadOnly),
    spec("q", "", "leave", Verb::Quit),
    spec("quit", "", "leave", Verb::Quit),
    spec("promote", "", "stage a promotion into the marked cells, or this one", Verb::Promote),
    spec("set", "VERSION", "stage this version for the marked cells, or this one", Verb::Set),
    spec("revert", "[VERSION]", "go back to an earlier version of this cell", Verb::Revert),
    spec("trace", "[VERSION]", "where this version, or that one, has been", Verb::Trace),
    spec("plan", "", "open the plan of what is staged", Verb::Plan),
    spec("deliver", "push|branch", "how the plan is delivered: to the branch, or to one of its own", Verb::Deliver),
    spec("accept-along", "", "accept the cells that move with an edit though they were not staged", Verb::AcceptAlong),
    spec("leave-out", "", "plan without what is held or cannot change, or with it again", Verb::LeaveOut),
    spec("undo", "", "undo the last staging", Verb::Undo),
    spec("drop", "", "take back everything staged", Verb::Drop),
    spec("refresh", "", "ask the remote, and try lost clusters, now", Verb::Refresh),
    spec("login", "[ENVIRONMENT]", "log in to a cluster; the screen makes way for it", Verb::Login),
    spec("filter", "[TEXT]", "show rows with this text, env:NAME, is:STATE", Verb::Filter),
    spec("order", "trouble|name|recent|behind", "order rows", Verb::Order),
    spec("all", "", "show the healthy rows too, or fold them", Verb::All),
    spec("goto", "SERVICE", "go to a service", Verb::Goto),
    spec("layouts", "", "what is read, and what looks like a version and is not", Verb::Layouts),
    spec("theme", "NAME", "choose colours", Verb::Theme),
    spec("ascii", "on|off", "letters and ASCII borders only", Verb::Ascii),
    spec("activity", "", "everything done and said", Verb::Activity),
    spec("delivery", "", "the delivery under way, or the last one", Verb::Delivery),
    spec("help", "", "the keys", Verb::Help),
];

/// Reads a command; the error says what would be right.
pub fn parse(line: &str) -> Result<Typed, String> {
    let line = line.trim_start();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = rest.trim().to_owned();
    let cut = rest.len() > argument.len();
    let spec = COMMANDS
        .iter()
        .find(|spec| spec.name == name)
        .ok_or_else(|| {
            let names = COMMANDS.iter().map(|spec| spec.name);
            format!("no command `{name}`{}", suggest::hint(name, names))
        })?;
    let needed = !spec.argument.is_empty() && !spec.argument.starts_with('[');
    if needed && argument.is_empty() {
        return Err(format!("`:{name}` needs {}", spec.argument));
    }
    if spec.argument.is_empty() && !argument.is_empty() {
        return Err(format!("`:{name}` takes nothing after it"));
    }
    Ok(Typed {
        verb: spec.verb,
        argument,
        cut,
    })
}

/// One line of the suggestions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The whole line it completes to.
    pub line: String,
    /// What is shown after it.
    pub help: String,
}

/// What the line may become.
pub fn suggestions(model: &Model, line: &str) -> Vec<Suggestion> {
    match line.trim_start().split_once(' ') {
        None => commands(line.trim()),
        Some((name, argument)) => arguments(model, name, argument.trim_start()),
    }
}

fn commands(typed: &str) -> Vec<Suggestion> {
    COMMANDS
        .iter()
        .filter(|spec| spec.name.starts_with(typed))
        .map(|spec| Suggestion {
            line: spec.name.to_owned(),
            help: match spec.argument {
                "" => spec.help.to_owned(),
                argument => format!("{argument}  {}", spec.help),
            },
        })
        .collect()
}

fn arguments(model: &Model, name: &str, typed: &str) -> Vec<Suggestion> {
    let Some(spec) = COMMANDS.iter().find(|spec| spec.name == name) else {
        return Vec::new();
    };
    let word = typed.rsplit(' ').next().unwrap_or_default();
    let head = &typed[..typed.len() - word.len()];
    let candidates: Vec<String> = match spec.verb {
        Verb::Theme => Theme::NAMED.iter().map(|(n, _)| (*n).to_owned()).collect(),
        Verb::Order => Order::NAMED.iter().map(|(n, _)| (*n).to_owned()).collect(),
        Verb::Deliver => vec!["push".to_owned(), "branch".to_owned()],
        Verb::Ascii => vec!["on".to_owned(), "off".to_owned()],
        Verb::Login => with_cluster(model),
        Verb::Goto => services(model),
        Verb::Filter => filter_words(model),
        Verb::Set | Verb::Revert | Verb::Trace => versions(model),
        _ => Vec::new(),
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.starts_with(word))
        .map(|candidate| Suggestion {
            line: format!("{name} {head}{candidate}"),
            help: String::new(),
        })
        .collect()
}

/// Words that the last word of a filter can be completed with.
pub fn filter_words(model: &Model) -> Vec<String> {
    let environments = model.environments();
    let environments = environments.iter().map(|name| format!("env:{name}"));
    let states = Filter::words().map(|word| format!("is:{word}"));
    environments.chain(states).chain(services(model)).collect()
}

fn with_cluster(model: &Model) -> Vec<String> {
    let environments = &model.setup.topology.environments;
    let reachable = environments.iter().filter(|e| e.cluster.is_some());
    reachable.map(|e| e.name.to_string()).collect()
}

fn services(model: &Model) -> Vec<String> {
    let desired = model.git.desired.as_deref();
    let services = desired.map_or(&[][..], |desired| &desired.services);
    services.iter().map(ToString::to_string).collect()
}

/// Versions that the selected service has or had anywhere, newest of this cell first.
fn versions(model: &Model) -> Vec<String> {
    let Some(cell) = model.selected() else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    let past = model
        .values(&cell)
        .iter()
        .filter_map(|e| e.change.version.clone());
    let desired = model.git.desired.as_deref();
    let elsewhere = desired.into_iter().flat_map(|desired| {
        let row = desired
            .cells
            .iter()
            .filter(|(key, _)| key.service == cell.service);
        row.filter_map(|(_, cell)| cell.version.clone())
    });
    for version in past.chain(elsewhere) {
        if !found.iter().any(|known| known == version.as_str()) {
            found.push(version.to_string());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_or_refused_with_a_sentence() {
        let ok = |verb, argument: &str| {
            Ok(Typed {
                verb,
                argument: argument.trim().to_owned(),
                cut: argument.trim() != argument,
            })
        };
        let refused = |text: &str| Err(text.to_owned());
        let cases = [
            ("write", ok(Verb::Write, "")),
            (" theme  light ", ok(Verb::Theme, " light ")),
            ("set 1.2.3", ok(Verb::Set, "1.2.3")),
            ("set 1.2.3 ", ok(Verb::Set, "1.2.3 ")),
            ("set \u{a0}1.2.3", ok(Verb::Set, "\u{a0}1.2.3")),
            ("revert", ok(Verb::Revert, "")),
            ("set", refused("`:set` needs VERSION")),
            ("write now", refused("`:write` takes nothing after it")),
            (
                "wirte",
                refused("no command `wirte`; did you mean `write`?"),
            ),
            ("!ls", refused("no command `!ls`")),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line), expected, "{line}");
        }
    }
}
