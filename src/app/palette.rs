//! What can be typed after `:`: the table of actions by the words of its rows. Actions of Tidegate only, never of a shell.

use super::{command::Command, filter::Filter, model::Model, screen::matrix::Order};
use crate::{
    actions::{Action, Argument, Row, TABLE, Typed, What},
    domain::{fuzzy, suggest},
};

/// Suggestions beyond this many are not shown.
pub const SUGGESTIONS: usize = 8;

/// A typed action with its argument checked as far as words go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What it asks for.
    pub action: Action,
    /// The rest of the line, trimmed.
    pub argument: String,
    /// White space around the argument was cut, more than what parts it from the word.
    pub cut: bool,
}

/// Rows that can be typed.
fn typed() -> impl Iterator<Item = (&'static Row, Typed)> {
    TABLE.iter().filter_map(|row| Some((row, row.typed?)))
}

fn named(word: &str) -> Option<(&'static Row, Typed)> {
    typed().find(|(_, typed)| typed.words.contains(&word))
}

/// Reads a line; the error says what would be right.
pub fn parse(line: &str) -> Result<Asked, String> {
    let line = line.trim_start();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = rest.trim().to_owned();
    let cut = rest.len() > argument.len();
    let (row, typed) = named(name).ok_or_else(|| {
        let names = typed().flat_map(|(_, typed)| typed.words.iter().copied());
        format!("no command `{name}`{}", suggest::hint(name, names))
    })?;
    match typed.argument {
        Argument::Needed(_) if argument.is_empty() => {
            Err(format!("`:{name}` needs {}", typed.argument.shown()))
        }
        Argument::Nothing if !argument.is_empty() => {
            Err(format!("`:{name}` takes nothing after it"))
        }
        _ => Ok(Asked {
            action: row.action,
            argument,
            cut,
        }),
    }
}

/// One line of the suggestions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The whole line it completes to.
    pub line: String,
    /// What is shown after it.
    pub help: String,
    /// Something follows it.
    pub goes_on: bool,
}

impl Suggestion {
    /// The line, ready for what follows it, where something does.
    pub fn completed(&self) -> String {
        let gap = if self.goes_on { " " } else { "" };
        format!("{}{gap}", self.line)
    }
}

/// So many lines that were run are offered again where nothing is typed.
const AGAIN: usize = 4;
/// So many are kept.
const KEPT: usize = 50;

impl Model {
    /// Keeps a line that is run.
    pub(super) fn remember(&mut self, line: &str, out: &mut Vec<Command>) {
        self.recent.retain(|other| other != line);
        self.recent.insert(0, line.to_owned());
        self.recent.truncate(KEPT);
        out.push(Command::KeepRecent(self.recent.clone()));
    }
}

/// What the line may become: what was run before and begins like it, then commands, the nearest first.
pub fn suggestions(model: &Model, line: &str) -> Vec<Suggestion> {
    let begun = line.trim_start();
    let again = model.recent.iter().filter(|recent| {
        recent.starts_with(begun)
            && recent.as_str() != begun
            && (begun.is_empty() || recent.contains(' '))
    });
    let mut found: Vec<Suggestion> = again
        .take(AGAIN)
        .map(|recent| Suggestion {
            line: recent.clone(),
            help: "again".to_owned(),
            goes_on: false,
        })
        .collect();
    let rest = match begun.split_once(' ') {
        None => commands(model, begun),
        Some((name, argument)) => arguments(model, name, argument.trim_start()),
    };
    for suggestion in rest {
        if found.iter().all(|known| known.line != suggestion.line) {
            found.push(suggestion);
        }
    }
    found
}

/// What a line means whose first word is no command: the suggestion that is selected. `None`: it is one, or means nothing.
pub fn meant(model: &Model, line: &str, selected: usize) -> Option<String> {
    let begun = line.trim();
    let name = begun.split_whitespace().next().unwrap_or_default();
    let mut own = model.setup.commands.iter();
    if begun.contains(' ') || named(name).is_some() || own.any(|it| it.name == name) {
        return None;
    }
    let found = suggestions(model, begun)
        .into_iter()
        .take(SUGGESTIONS)
        .nth(selected)?;
    Some(found.completed())
}

fn commands(model: &Model, begun: &str) -> Vec<Suggestion> {
    // The user's own first: there are few of them.
    let own = model.setup.commands.iter().map(|command| Suggestion {
        line: command.name.clone(),
        help: command.description.clone(),
        goes_on: false,
    });
    let words = typed().flat_map(|(row, typed)| typed.words.iter().map(move |w| (row, typed, *w)));
    let words = words.map(|(row, typed, word)| Suggestion {
        line: word.to_owned(),
        help: match typed.argument {
            Argument::Nothing => row.words.to_owned(),
            argument => format!("{}  {}", argument.shown(), row.words),
        },
        goes_on: typed.argument != Argument::Nothing,
    });
    let all: Vec<Suggestion> = own.chain(words).collect();
    let mut found = fuzzy::nearest(begun, all.clone(), |suggestion| &suggestion.line);
    // What is not called so but does so: `:rollback` is no word of ours, `earlier` is one of `:revert`.
    if begun.len() >= LEAST_WORD {
        let begun = begun.to_lowercase();
        let says = |suggestion: &Suggestion| {
            let mut words = suggestion.help.split(|c: char| !c.is_alphanumeric());
            words.any(|word| word.to_lowercase().starts_with(&begun))
        };
        let others = all.into_iter().filter(says);
        for other in others {
            if !found.contains(&other) {
                found.push(other);
            }
        }
    }
    found
}

/// Less than this of a word stands in every sentence.
const LEAST_WORD: usize = 4;

fn arguments(model: &Model, name: &str, begun: &str) -> Vec<Suggestion> {
    let Some(what) = named(name).and_then(|(_, typed)| typed.argument.what()) else {
        return Vec::new();
    };
    let word = begun.rsplit(' ').next().unwrap_or_default();
    let head = &begun[..begun.len() - word.len()];
    // A filter has any number of words; of everything else there is one, and behind it nothing fits.
    let goes_on = what.is_words();
    if !goes_on && !head.is_empty() {
        return Vec::new();
    }
    let candidates: Vec<String> = match what {
        What::Order => {
            let all = orders(model).into_iter();
            all.flat_map(|order| [order.clone(), format!("-{order}")])
                .collect()
        }
        What::SavedFilter => model.filters.keys().cloned().collect(),
        What::Theme => model.setup.look.themes.names().map(str::to_owned).collect(),
        What::OneOf(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        What::Environment => with_cluster(model),
        What::Service => services(model),
        What::Filter => filter_words(model),
        What::Version => versions(model),
        What::NewName => Vec::new(),
    };
    let found = fuzzy::nearest(word, candidates, String::as_str).into_iter();
    found
        // What is typed whole is complete.
        .filter(|candidate| candidate != word)
        .map(|candidate| Suggestion {
            line: format!("{name} {head}{candidate}"),
            help: String::new(),
            goes_on,
        })
        .collect()
}

/// Words that the last word of a filter can be completed with.
pub fn filter_words(model: &Model) -> Vec<String> {
    let environments = model.environments();
    let environments = environments.iter().map(|name| format!("env:{name}"));
    let states = Filter::words().map(|word| format!("is:{word}"));
    let named = model.filters.keys().map(|name| format!("@{name}"));
    named
        .chain(environments)
        .chain(states)
        .chain(services(model))
        .collect()
}

/// What rows can be ordered by: in ways of their own, and by each column.
pub fn orders(model: &Model) -> Vec<String> {
    let named = Order::NAMED.iter().map(|(name, _)| (*name).to_owned());
    let columns = model.environments();
    let columns = columns.iter().map(ToString::to_string);
    named.chain(columns).collect()
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
    use crate::app::fixture::Driver;

    #[test]
    fn commands_are_read_or_refused_with_a_sentence() {
        let ok = |action, argument: &str| {
            Ok(Asked {
                action,
                argument: argument.trim().to_owned(),
                cut: argument.trim() != argument,
            })
        };
        let refused = |text: &str| Err(text.to_owned());
        let cases = [
            ("write", ok(Action::Unlock, "")),
            (" theme  light ", ok(Action::Theme, " light ")),
            ("set 1.2.3", ok(Action::Set, "1.2.3")),
            ("set 1.2.3 ", ok(Action::Set, "1.2.3 ")),
            ("set \u{a0}1.2.3", ok(Action::Set, "\u{a0}1.2.3")),
            ("revert", ok(Action::Revert, "")),
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

    #[test]
    fn what_one_of_some_words_may_be_is_understood() {
        for (row, typed) in typed() {
            let Some(What::OneOf(words)) = typed.argument.what() else {
                continue;
            };
            for word in words {
                let mut driver = Driver::settled((80, 24));
                driver.keys(&format!(": \"{}_{word} enter", typed.words[0]));
                let said = driver.model.word.map(|(_, word)| word).unwrap_or_default();
                assert!(!said.starts_with("no "), "{} {word}: {said}", row.name);
            }
        }
    }

    #[test]
    fn nothing_is_offered_behind_an_argument_that_stands_alone() {
        let driver = Driver::settled((80, 24));
        let lines = |line: &str| {
            let found = suggestions(&driver.model, line).into_iter();
            found.map(|it| it.line).collect::<Vec<_>>()
        };
        assert_eq!(lines("goto che"), ["goto checkout"]);
        let alone = [
            "goto checkout ",
            "goto checkout c",
            "theme light ",
            "order name x",
            "login dev ",
        ];
        for line in alone {
            assert_eq!(lines(line), Vec::<String>::new(), "{line}");
        }
        assert!(
            lines("filter env:dev is:stale ")
                .contains(&"filter env:dev is:stale checkout".to_owned())
        );
    }

    #[test]
    fn tab_leaves_room_for_more_only_where_more_may_follow() {
        let cases = [
            ("got", "goto "),
            ("goto che", "goto checkout"),
            ("wri", "write"),
            ("filter env:d", "filter env:dev "),
        ];
        for (typed, completed) in cases {
            let mut driver = Driver::settled((80, 24));
            driver.keys(&format!(": \"{} tab", typed.replace(' ', "_")));
            let Some(crate::app::model::Prompt::Palette { input, .. }) = &driver.model.prompt
            else {
                panic!("still typing");
            };
            assert_eq!(input.text(), completed);
        }
    }
}
