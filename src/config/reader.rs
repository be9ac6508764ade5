//! Walks a TOML document with its positions and collects what is wrong, instead of stopping at the first.

use std::{cell::RefCell, collections::BTreeMap, ops::Range};

use toml::de::{DeTable, DeValue};

use super::{KeyPlace, error::ConfigError};
use crate::domain::suggest;

/// One file's text, the line of every key in it, and the errors found so far.
pub(super) struct Reader {
    file: String,
    lines: BTreeMap<String, u32>,
    errors: RefCell<Vec<ConfigError>>,
}

/// A table of the file, with the path that leads to it.
#[derive(Clone)]
pub(super) struct Table<'a> {
    reader: &'a Reader,
    /// `environments[2]`; empty for the root.
    pub(super) path: String,
    keys: &'a DeTable<'a>,
}

/// The path of `key` below `parent`.
pub(super) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

impl Reader {
    /// Notes where everything stands in `root`, the parsed `text` of `file`.
    pub(super) fn new(file: &str, text: &str, root: &DeTable<'_>) -> Self {
        let mut lines = BTreeMap::new();
        note_table("", root, text, &mut lines);
        Self {
            file: file.to_owned(),
            lines,
            errors: RefCell::default(),
        }
    }

    /// The root table.
    pub(super) fn root<'a>(&'a self, root: &'a DeTable<'a>) -> Table<'a> {
        Table {
            reader: self,
            path: String::new(),
            keys: root,
        }
    }

    /// An error at `path`; its line is that of the nearest key that stands in the file.
    pub(super) fn error_at(&self, path: &str, message: impl Into<String>) {
        self.errors.borrow_mut().push(ConfigError {
            file: self.file.clone(),
            line: self.line(path),
            key: path.to_owned(),
            message: message.into(),
        });
    }

    /// The errors, in the order of their lines.
    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|error| error.line);
        errors.dedup();
        errors
    }

    /// The file and the line of what stands at `path`.
    pub(super) fn place(&self, path: &str) -> (String, Option<u32>) {
        (self.file.clone(), self.line(path))
    }

    fn line(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

fn note_table(path: &str, table: &DeTable<'_>, text: &str, lines: &mut BTreeMap<String, u32>) {
    for (key, value) in table {
        let path = join(path, key.get_ref());
        lines.insert(path.clone(), line_of(text, &key.span()));
        note_value(&path, value.get_ref(), text, lines);
    }
}

fn note_value(path: &str, value: &DeValue<'_>, text: &str, lines: &mut BTreeMap<String, u32>) {
    match value {
        DeValue::Table(table) => note_table(path, table, text, lines),
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let path = format!("{path}[{i}]");
                lines.insert(path.clone(), line_of(text, &item.span()));
                note_value(&path, item.get_ref(), text, lines);
            }
        }
        _ => {}
    }
}

/// The line, from 1, on which `span` starts.
fn line_of(text: &str, span: &Range<usize>) -> u32 {
    line_of_offset(text.as_bytes(), span.start)
}

/// The line, from 1, of the byte at `offset`.
pub(super) fn line_of_offset(bytes: &[u8], offset: usize) -> u32 {
    let before = &bytes[..offset.min(bytes.len())];
    let line = before.split(|byte| *byte == b'\n').count();
    u32::try_from(line).unwrap_or(u32::MAX)
}

impl<'a> Table<'a> {
    /// The path of one of its keys.
    pub(super) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// An error at one of its keys.
    pub(super) fn error(&self, key: &str, message: impl Into<String>) {
        self.reader.error_at(&self.at(key), message);
    }

    /// An error of the table as a whole.
    pub(super) fn error_here(&self, message: impl Into<String>) {
        self.reader.error_at(&self.path, message);
    }

    /// Where one of its keys is, for what is found out about it later.
    pub(super) fn place(&self, key: &str) -> KeyPlace {
        let key = self.at(key);
        let (file, line) = self.reader.place(&key);
        KeyPlace { file, line, key }
    }

    /// Where the table itself is.
    pub(super) fn here(&self) -> KeyPlace {
        let (file, line) = self.reader.place(&self.path);
        KeyPlace {
            file,
            line,
            key: self.path.clone(),
        }
    }

    /// Whether `key` stands here.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Its keys and values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>)> {
        self.keys
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), value.get_ref()))
    }

    /// Refuses keys that are neither `known` nor handled by `special`, which returns a message for keys it refuses itself.
    pub(super) fn refuse_others(&self, known: &[&str], special: impl Fn(&str) -> Option<String>) {
        for (key, _) in self.entries() {
            if known.contains(&key) {
                continue;
            }
            let message = special(key).unwrap_or_else(|| {
                let hint = suggest::hint(key, known.iter().copied());
                if hint.is_empty() {
                    let list: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
                    format!("unknown key; known here: {}", list.join(", "))
                } else {
                    format!("unknown key{hint}")
                }
            });
            self.error(key, message);
        }
    }

    /// A string that is not empty.
    pub(super) fn string(&self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        match value.as_str() {
            Some("") => {
                self.error(key, "is empty; leave the key out or give it a value");
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong_type(key, value, "a string in quotes");
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.wrong_type(key, value, "`true` or `false`, without quotes");
        }
        boolean
    }

    /// A list of strings, each with its path.
    pub(super) fn strings(&self, key: &str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let Some(items) = value.as_array() else {
            let example = value.as_str().unwrap_or("…");
            self.wrong_type(
                key,
                value,
                &format!("a list of strings, such as `[\"{example}\"]`"),
            );
            return None;
        };
        let mut texts = Vec::new();
        for (i, item) in items.iter().enumerate() {
            if let Some(text) = item.get_ref().as_str().filter(|text| !text.is_empty()) {
                texts.push(text.to_owned());
            } else {
                self.wrong_type(
                    &format!("{key}[{i}]"),
                    item.get_ref(),
                    "a string in quotes, not empty",
                );
            }
        }
        Some(texts)
    }

    /// A string, or a list of strings.
    pub(super) fn one_or_several(&self, key: &str) -> Vec<String> {
        let is_list = self
            .value(key)
            .is_some_and(|value| value.as_array().is_some());
        if is_list {
            self.strings(key).unwrap_or_default()
        } else {
            self.string(key).into_iter().collect()
        }
    }

    /// A table of strings, such as `{ prod = "production" }`.
    pub(super) fn string_map(&self, key: &str) -> Option<BTreeMap<String, String>> {
        let table = self.table(key)?;
        let entries = table.entries().map(|(key, _)| key);
        Some(
            entries
                .filter_map(|key| Some((key.to_owned(), table.string(key)?)))
                .collect(),
        )
    }

    /// A table.
    pub(super) fn table(&self, key: &str) -> Option<Table<'a>> {
        let value = self.value(key)?;
        let Some(table) = value.as_table() else {
            self.wrong_type(key, value, &format!("a table: `[{}]`", self.at(key)));
            return None;
        };
        Some(Table {
            reader: self.reader,
            path: self.at(key),
            keys: table,
        })
    }

    /// An array of tables; empty where the key is absent.
    pub(super) fn tables(&self, key: &str) -> Vec<Table<'a>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(items) = value.as_array() else {
            self.wrong_type(
                key,
                value,
                &format!("a list of tables: `[[{}]]`", self.at(key)),
            );
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let name = format!("{key}[{i}]");
            match item.get_ref().as_table() {
                Some(table) => tables.push(Table {
                    reader: self.reader,
                    path: self.at(&name),
                    keys: table,
                }),
                None => self.wrong_type(&name, item.get_ref(), "a table"),
            }
        }
        tables
    }

    /// A table, or several in a list; empty where the key is absent.
    pub(super) fn one_or_more(&self, key: &str) -> Vec<Table<'a>> {
        match self.value(key) {
            Some(DeValue::Table(_)) => self.table(key).into_iter().collect(),
            _ => self.tables(key),
        }
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let value = self.value(key)?;
        let text = match value {
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            DeValue::Float(number) => Some(number.as_str()),
            _ => None,
        };
        let number = text.and_then(|text| text.replace('_', "").parse().ok());
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.wrong_type(key, value, "a number such as `0.01`, without quotes");
        }
        number
    }

    /// Says what stands at `key` and what should.
    pub(super) fn wrong_type(&self, key: &str, value: &DeValue<'_>, expected: &str) {
        let found = match value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(key, format!("is {found}; expected {expected}"));
    }

    /// What stands at `key`, as it is.
    pub(super) fn value(&self, key: &str) -> Option<&'a DeValue<'a>> {
        Some(self.keys.get(key)?.get_ref())
    }
}
