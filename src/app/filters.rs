//! Filters that are kept under a name: `@NAME` in a filter stands for its words.

use std::collections::BTreeMap;

use super::{command::Command, filter::Filter, model::Model};
use crate::domain::suggest;

/// What stands in front of the name of a kept filter.
const SIGN: char = '@';

/// Kept filters: their words by their names.
pub type Filters = BTreeMap<String, String>;

impl Model {
    /// Takes up the filters that earlier runs kept; the one to start with may name one of them.
    pub fn take_up_filters(&mut self, filters: Filters) {
        self.filters = filters;
        self.matrix.filter = self.spelled_out(&self.matrix.filter);
    }

    /// The words of a filter, kept ones in the place of their names. A name is known by its first letters while it is typed; one
    /// that nobody kept stays as it is.
    pub(super) fn spelled_out(&self, text: &str) -> String {
        if !text.contains(SIGN) {
            return text.to_owned();
        }
        let words = text.split_whitespace().filter_map(|word| {
            let Some(name) = word.strip_prefix(SIGN) else {
                return Some(word);
            };
            match self.kept_filter(name) {
                Some(words) => Some(words),
                None if name.is_empty() => None,
                None => Some(word),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn kept_filter(&self, name: &str) -> Option<&str> {
        if name.is_empty() {
            return None;
        }
        let begins = |kept: &&String| kept.starts_with(name);
        let exact = self.filters.get(name);
        let found = exact.or_else(|| self.filters.get(self.filters.keys().find(begins)?));
        found.map(String::as_str)
    }

    /// Says which word of the filter in force is none, with those that there are.
    pub(super) fn say_unknown_filter_words(&mut self) {
        if let Some(unknown) = self.unknown_in_filter() {
            self.say(unknown);
        }
    }

    /// Which word of the filter in force is none, with those that there are.
    pub fn unknown_in_filter(&self) -> Option<String> {
        let text = &self.matrix.filter;
        let mut words = text.split_whitespace();
        let unknown = words.find_map(|word| match word.strip_prefix('!') {
            Some(turned) => {
                let name = turned.strip_prefix(SIGN)?;
                Some(format!("`!@{name}`: what is kept cannot be turned round; `@{name}` is the filter itself"))
            }
            None => word.strip_prefix(SIGN).map(|name| self.no_filter(name)),
        });
        unknown.or_else(|| Filter::parse(text).unknown())
    }

    fn no_filter(&self, name: &str) -> String {
        let known: Vec<&str> = self.filters.keys().map(String::as_str).collect();
        if known.is_empty() {
            return format!(
                "no filter `{name}`: none is kept; `:save NAME` keeps the one in force"
            );
        }
        let hint = suggest::hint(name, known.iter().copied());
        let hint = hint.trim_end_matches('?');
        format!("no filter `{name}`{hint}; there are: {}", known.join(", "))
    }

    /// Keeps the filter in force under a name.
    pub(super) fn save_filter(&mut self, name: &str, out: &mut Vec<Command>) {
        let name = name.trim_start_matches(SIGN);
        let words = self.matrix.filter.trim().to_owned();
        let is_name = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return self.say("a filter's name is one word of letters, digits, `-`, `_` and `.`");
        }
        if Filter::parse(&words).is_empty() {
            return self.say("no filter is in force: `/` types one, `:save NAME` keeps it");
        }
        if let Some(unknown) = self.unknown_in_filter() {
            return self.say(format!("not kept: {unknown}"));
        }
        let before = self.filters.insert(name.to_owned(), words.clone());
        self.say(match before {
            Some(before) if before != words => {
                format!("@{name} is `{words}` now, and was `{before}`")
            }
            _ => format!("kept: @{name} in a filter is `{words}`"),
        });
        out.push(Command::KeepFilters(self.filters.clone()));
    }

    /// Forgets a filter that was kept.
    pub(super) fn forget_filter(&mut self, name: &str, out: &mut Vec<Command>) {
        let name = name.trim_start_matches(SIGN);
        match self.filters.remove(name) {
            Some(words) => {
                self.say(format!("forgotten: @{name} was `{words}`"));
                out.push(Command::KeepFilters(self.filters.clone()));
            }
            None => self.say(self.no_filter(name)),
        }
    }
}
