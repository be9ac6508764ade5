//! The file that says which version every cell declares, for readers and programs beside Git: it moves in the commit that moves
//! the cells, and nothing is read from it.
//!
//! ```text
//! {                                   | service | dev   | prod  |
//!   "web": {                          | ---     | ---   | ---   |
//!     "dev": "1.43.0",                | web     | 1.43.0 | 1.42.0 |
//!     "prod": "1.42.0"
//!   }
//! }
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::domain::{
    ids::{CellKey, RepoPath},
    manifest::{self, Edit, ManifestError, Step},
};

/// `[versions]`: where it is, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsFile {
    /// The file, from the root of the repository.
    pub path: RepoPath,
    form: Form,
}

/// How versions stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Services with their environments, in JSON or YAML.
    Tree {
        /// It is YAML.
        yaml: bool,
    },
    /// A table of Markdown: services are rows, environments are columns.
    Table,
}

/// What a cell declares; `None`: nothing.
type Declared<'a> = Option<&'a str>;

/// What the file is to say.
#[derive(Debug, Default)]
pub struct Says<'a> {
    /// Every cell, in the order of rows and columns.
    pub all: Vec<(&'a CellKey, Declared<'a>)>,
    /// Of these, the ones that are to stand in it if they do not yet.
    pub moved: BTreeSet<&'a CellKey>,
}

impl VersionsFile {
    /// The file at `path`; `None` where its ending is of no form that is known: `.json`, `.yaml`, `.yml`, `.md`.
    pub fn new(path: RepoPath) -> Option<Self> {
        let (_, ending) = path.as_str().rsplit_once('.')?;
        let form = match ending.to_ascii_lowercase().as_str() {
            "json" => Form::Tree { yaml: false },
            "yaml" | "yml" => Form::Tree { yaml: true },
            "md" => Form::Table,
            _ => return None,
        };
        Some(Self { path, form })
    }

    /// The file's bytes once it says what cells declare. One that is not there yet names all of them; of one that is, versions
    /// that differ are set, what moved is added, and nothing else is touched.
    ///
    /// # Errors
    /// A sentence, with the line where there is one, where the file cannot say it.
    pub fn in_step(&self, before: Option<&[u8]>, says: &Says<'_>) -> Result<Vec<u8>, String> {
        match (self.form, before) {
            (Form::Tree { yaml }, None) => Ok(new_tree(says, yaml)),
            (Form::Table, None) => Ok(new_table(says).into_bytes()),
            (Form::Tree { .. }, Some(before)) => tree(before, says).map_err(|error| {
                let error = error.of(self.path.as_str());
                match error.line {
                    Some(line) => format!("{}:{line}: {error}", self.path),
                    None => format!("{}: {error}", self.path),
                }
            }),
            (Form::Table, Some(before)) => {
                let text = std::str::from_utf8(before)
                    .map_err(|_| format!("{} is no UTF-8 text", self.path))?;
                table(text, says)
                    .map(String::into_bytes)
                    .map_err(|why| format!("{}: {why}", self.path))
            }
        }
    }
}

fn tree(before: &[u8], says: &Says<'_>) -> Result<Vec<u8>, ManifestError> {
    let tree = manifest::parse(before)?;
    let root = tree.documents.first().map(manifest::Document::root);
    if let Some(root) = root.filter(|root| !root.is_mapping() && !root.is_null()) {
        let why = "has no services with their environments; it is to be {SERVICE: {ENV: VERSION}}";
        return Err(ManifestError::at(root.line(), why));
    }
    let mut edits = Vec::new();
    for (cell, declared) in &says.all {
        let (service, environment) = (cell.service.as_str(), cell.environment.as_str());
        let path = vec![
            Step::Key(service.to_owned()),
            Step::Key(environment.to_owned()),
        ];
        let there = root.and_then(|root| root.find(&path));
        match (there, declared) {
            (Some(node), Some(version)) => match node.text() {
                Some(text) if text == *version => {}
                Some(_) => edits.push(Edit::Set {
                    document: 0,
                    path,
                    value: (*version).to_owned(),
                }),
                None => {
                    let why = format!("{service} / {environment} is no version");
                    return Err(ManifestError::at(node.line(), why));
                }
            },
            (Some(_), None) => edits.push(Edit::Remove {
                document: 0,
                path,
                prune: false,
            }),
            (None, Some(version)) if says.moved.contains(cell) => edits.push(Edit::Insert {
                document: 0,
                parent: path[..1].to_vec(),
                key: environment.to_owned(),
                value: (*version).to_owned(),
                typed: false,
            }),
            (None, _) => {}
        }
    }
    manifest::apply(before, &edits)
}

fn new_tree(says: &Says<'_>, yaml: bool) -> Vec<u8> {
    let mut services = Map::new();
    for (cell, declared) in &says.all {
        if let Some(version) = declared {
            let of = services
                .entry(cell.service.as_str())
                .or_insert_with(|| Value::Object(Map::new()));
            of[cell.environment.as_str()] = Value::from(*version);
        }
    }
    let text = if yaml {
        serde_yaml::to_string(&services).unwrap_or_default()
    } else {
        // A map of texts always can be.
        serde_json::to_string_pretty(&services).unwrap_or_default() + "\n"
    };
    text.into_bytes()
}

fn new_table(says: &Says<'_>) -> String {
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<(&str, BTreeMap<&str, &str>)> = Vec::new();
    for (cell, declared) in &says.all {
        let (service, environment) = (cell.service.as_str(), cell.environment.as_str());
        if !columns.contains(&environment) {
            columns.push(environment);
        }
        if rows.last().is_none_or(|(name, _)| *name != service) {
            rows.push((service, BTreeMap::new()));
        }
        if let (Some((_, row)), Some(version)) = (rows.last_mut(), declared) {
            row.insert(environment, version);
        }
    }
    let line = |cells: &mut dyn Iterator<Item = String>| -> String {
        let cells: Vec<String> = cells.collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let names = || std::iter::once("service").chain(columns.iter().copied());
    let mut text = line(&mut names().map(escaped));
    text += &line(&mut names().map(|_| "---".to_owned()));
    for (service, versions) in &rows {
        let own = columns
            .iter()
            .map(|it| versions.get(it).map_or(NONE, |it| it));
        text += &line(&mut std::iter::once(*service).chain(own).map(escaped));
    }
    text
}

/// What stands in a table where nothing is declared.
const NONE: &str = "-";

/// Text in a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

/// One line of a table: where its cells are in it, the blanks around them left out.
fn cells(line: &str) -> Option<Vec<std::ops::Range<usize>>> {
    let trimmed = line.trim();
    if !trimmed.contains('|') {
        return None;
    }
    let begin = line.len() - line.trim_start().len();
    let end = begin + trimmed.len();
    let mut borders = Vec::new();
    let mut is_escaped = false;
    for (at, c) in line.char_indices() {
        if c == '|' && !is_escaped {
            borders.push(at);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    // The outer ones may be left out.
    let first = (borders.first() != Some(&begin)).then_some(begin);
    let last = (borders.last().map(|at| at + 1) != Some(end)).then_some(end);
    let starts = first.into_iter().chain(borders.iter().map(|at| at + 1));
    let ends = borders
        .iter()
        .copied()
        .filter(|at| *at != begin)
        .chain(last);
    let within = |(start, end): (usize, usize)| {
        let text = &line[start..end];
        let blank = match text.trim_start() {
            "" => text.len().min(1),
            words => text.len() - words.len(),
        };
        let at = start + blank;
        at..at + text.trim().len()
    };
    Some(starts.zip(ends).map(within).collect())
}

/// A name or a version in a table, without what marks it up.
fn bare(text: &str) -> String {
    text.trim_matches(['`', '*']).trim().replace("\\|", "|")
}

fn table(text: &str, says: &Says<'_>) -> Result<String, String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let is_rule = |line: &String| {
        let mut marks = line.trim().chars();
        line.contains('-') && marks.all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
    };
    let of = |line: &String| -> Vec<String> {
        let found = cells(line).unwrap_or_default();
        found.into_iter().map(|at| bare(&line[at])).collect()
    };
    let rows_end = |head: usize| {
        let end = (head + 2..lines.len()).find(|at| cells(&lines[*at]).is_none());
        end.unwrap_or(lines.len())
    };
    let services = || says.all.iter().map(|(cell, _)| cell.service.as_str());
    let is_head = |at: &usize| {
        let names = of(&lines[*at]);
        let environments = says.all.iter().map(|(cell, _)| cell.environment.as_str());
        let mut known = environments.filter(|it| names.iter().skip(1).any(|name| name == it));
        if known.next().is_none() || !lines.get(at + 1).is_some_and(is_rule) {
            return false;
        }
        // Another table may have columns of these names.
        let mut rows = (at + 2..rows_end(*at)).map(|row| of(&lines[row]));
        let is_ours = |row: Vec<String>| services().any(|it| row.first().is_some_and(|n| n == it));
        names[0].eq_ignore_ascii_case("service") || rows.any(is_ours)
    };
    let head = (0..lines.len()).find(is_head);
    let head = head.ok_or("has no table of services with a column for an environment; its first line is to be | service | ENV | … |")?;
    let columns = of(&lines[head]);
    let mut end = rows_end(head);
    // Where each service stands; the first row of a name is its.
    let mut rows: HashMap<String, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate().take(end).skip(head + 2) {
        if let Some(name) = of(line).into_iter().next() {
            rows.entry(name).or_insert(at);
        }
    }
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for (cell, declared) in &says.all {
        let (service, environment) = (cell.service.as_str(), cell.environment.as_str());
        let is_moved = says.moved.contains(cell);
        let column = columns.iter().skip(1).position(|name| name == environment);
        let Some(column) = column.map(|at| at + 1) else {
            if is_moved {
                return Err(format!("its table has no column {environment}"));
            }
            continue;
        };
        let row = rows.get(service).copied();
        let Some(row) = row else {
            if let (true, Some(version)) = (is_moved, declared) {
                if let Some(last) = lines.get_mut(end - 1).filter(|it| !it.ends_with('\n')) {
                    last.push_str(ending);
                }
                let mut names: Vec<String> = vec![escaped(service)];
                let own = |at| if at == column { version } else { NONE };
                names.extend((1..columns.len()).map(own).map(escaped));
                lines.insert(end, format!("| {} |{ending}", names.join(" | ")));
                rows.insert(service.to_owned(), end);
                end += 1;
            }
            continue;
        };
        let line = &mut lines[row];
        let found = cells(line).unwrap_or_default();
        let Some(at) = found.get(column).cloned() else {
            return Err(format!(
                "line {} of its table has no column {environment}",
                row + 1
            ));
        };
        let old = line[at.clone()].to_owned();
        let is_none = matches!(old.as_str(), "" | "-" | "–" | "—");
        let version = declared.unwrap_or(NONE);
        if bare(&old) == version || (is_none && (declared.is_none() || !is_moved)) {
            continue;
        }
        // Marked up as it was, and as wide where there is room.
        let marked = match old.strip_prefix('`').and_then(|it| it.strip_suffix('`')) {
            Some(_) if declared.is_some() => format!("`{}`", escaped(version)),
            _ => escaped(version),
        };
        let (was, is) = (old.chars().count(), marked.chars().count());
        let blanks = line[at.end..].chars().take_while(|c| *c == ' ').count();
        let taken = is.saturating_sub(was).min(blanks.saturating_sub(1));
        let given = was.saturating_sub(is);
        let apart = usize::from(old.is_empty() && blanks == 0);
        let padded = format!("{marked}{}", " ".repeat(given + apart));
        line.replace_range(at.start..at.end + taken, &padded);
    }
    Ok(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file at `path` once `all` (service, environment, version or `-`) is declared, of which `moved` cells changed.
    fn kept(
        path: &str,
        before: Option<&str>,
        all: &[(&str, &str, &str)],
        moved: &[(&str, &str)],
    ) -> Result<String, String> {
        let keys: Vec<CellKey> = all.iter().map(|it| CellKey::new(it.0, it.1)).collect();
        let moved: Vec<CellKey> = moved.iter().map(|it| CellKey::new(it.0, it.1)).collect();
        let says = Says {
            all: keys
                .iter()
                .zip(all)
                .map(|(key, it)| (key, (it.2 != "-").then_some(it.2)))
                .collect(),
            moved: moved.iter().collect(),
        };
        let file = VersionsFile::new(RepoPath::from(path)).unwrap();
        let kept = file.in_step(before.map(str::as_bytes), &says)?;
        Ok(String::from_utf8(kept).unwrap())
    }

    const ALL: [(&str, &str, &str); 4] = [
        ("mail", "dev", "2.0"),
        ("mail", "prod", "-"),
        ("web", "dev", "1.43.0"),
        ("web", "prod", "1.43.0"),
    ];
    const MOVED: [(&str, &str); 1] = [("web", "prod")];

    #[test]
    fn a_file_that_is_not_there_names_all_cells() {
        let kept = |path| kept(path, None, &ALL, &MOVED).unwrap();
        assert_eq!(
            kept("versions.json"),
            "{\n  \"mail\": {\n    \"dev\": \"2.0\"\n  },\n  \"web\": {\n    \"dev\": \"1.43.0\",\n    \"prod\": \"1.43.0\"\n  }\n}\n"
        );
        assert_eq!(
            kept("versions.yaml"),
            "mail:\n  dev: '2.0'\nweb:\n  dev: 1.43.0\n  prod: 1.43.0\n"
        );
        assert_eq!(
            kept("VERSIONS.md"),
            "| service | dev | prod |\n| --- | --- | --- |\n| mail | 2.0 | - |\n| web | 1.43.0 | 1.43.0 |\n"
        );
    }

    #[test]
    fn versions_that_differ_are_set_what_moved_is_added_and_nothing_else_is_touched() {
        // (before, after): what moved is web / prod.
        let cases = [
            (
                "{\"web\": {\"dev\": \"1.43.0\", \"prod\":\"1.42.0\"}, \"note\": 1}",
                "{\"web\": {\"dev\": \"1.43.0\", \"prod\":\"1.43.0\"}, \"note\": 1}",
            ),
            // Also what somebody forgot; what is not named there is not added.
            (
                "{\r\n\t\"web\": {\r\n\t\t\"dev\": \"1.0\",\r\n\t\t\"prod\": \"1.42.0\"\r\n\t}\r\n}\r\n",
                "{\r\n\t\"web\": {\r\n\t\t\"dev\": \"1.43.0\",\r\n\t\t\"prod\": \"1.43.0\"\r\n\t}\r\n}\r\n",
            ),
            (
                "{\n  \"web\": {\n    \"dev\": \"1.43.0\"\n  }\n}\n",
                "{\n  \"web\": {\n    \"dev\": \"1.43.0\",\n    \"prod\": \"1.43.0\"\n  }\n}\n",
            ),
            (
                "{\n  \"old\": {\n    \"dev\": \"1\"\n  }\n}",
                "{\n  \"old\": {\n    \"dev\": \"1\"\n  },\n  \"web\": {\"prod\": \"1.43.0\"}\n}",
            ),
        ];
        for (before, after) in cases {
            assert_eq!(
                kept("v.json", Some(before), &ALL, &MOVED),
                Ok(after.to_owned())
            );
            // Nothing is done twice.
            assert_eq!(
                kept("v.json", Some(after), &ALL, &MOVED),
                Ok(after.to_owned())
            );
        }
        let empty = kept("v.json", Some("{}\n"), &ALL, &MOVED).unwrap();
        let value: Value = serde_json::from_str(&empty).unwrap();
        assert_eq!(value["web"]["prod"], "1.43.0");
        let gone = kept(
            "v.json",
            Some("{\"mail\": {\"dev\": \"2.0\", \"prod\": \"2.0\"}}"),
            &ALL,
            &[("mail", "prod")],
        );
        assert_eq!(gone, Ok("{\"mail\": {\"dev\": \"2.0\"}}".to_owned()));
    }

    #[test]
    fn a_table_keeps_its_looks() {
        let cases = [
            (
                "# What runs\n\nSee below.\n\n| Service | dev    | prod   |\n|---------|-------:|--------|\n| `web`   | 1.43.0 | 1.42.0 |\n| mail    | 1.9    |        |\n\nMore | text.\n",
                "# What runs\n\nSee below.\n\n| Service | dev    | prod   |\n|---------|-------:|--------|\n| `web`   | 1.43.0 | 1.43.0 |\n| mail    | 2.0    |        |\n\nMore | text.\n",
            ),
            (
                "service|dev|prod\n-|-|-\nweb|1|`1.42.0-rc.1`",
                "service|dev|prod\n-|-|-\nweb|1.43.0|`1.43.0`     ",
            ),
            (
                "| cluster | prod |\r\n|-|-|\r\n| eu | 1 |\r\n\r\n| service | prod |\r\n| --- | --- |\r\n| old | 1 |\r\n",
                "| cluster | prod |\r\n|-|-|\r\n| eu | 1 |\r\n\r\n| service | prod |\r\n| --- | --- |\r\n| old | 1 |\r\n| web | 1.43.0 |\r\n",
            ),
            (
                "| service | prod |\n| --- | --- |\n| web |   |\n",
                "| service | prod |\n| --- | --- |\n| web | 1.43.0 |\n",
            ),
        ];
        for (before, after) in cases {
            assert_eq!(
                kept("V.md", Some(before), &ALL, &MOVED),
                Ok(after.to_owned())
            );
            assert_eq!(
                kept("V.md", Some(after), &ALL, &MOVED),
                Ok(after.to_owned())
            );
        }
    }

    #[test]
    fn what_cannot_be_kept_is_a_sentence() {
        let cases = [
            ("v.json", "{\"web\": {", "v.json"),
            ("v.json", "[1]\n", "has no services with their environments"),
            (
                "v.json",
                "{\"web\": {\"prod\": {\"tag\": \"1\"}}}",
                "v.json:1: web / prod is no version",
            ),
            ("v.json", "{\"web\": \"1\"}", "v.json"),
            (
                "V.md",
                "nothing\n",
                "has no table of services with a column for an environment",
            ),
            (
                "V.md",
                "| service | dev |\n| --- | --- |\n| web | 1 |\n",
                "its table has no column prod",
            ),
            (
                "V.md",
                "| service | dev | prod |\n| --- | --- | --- |\n| web | 1 |\n",
                "line 3 of its table has no column prod",
            ),
        ];
        for (path, before, said) in cases {
            let why = kept(path, Some(before), &ALL, &MOVED).unwrap_err();
            assert!(why.contains(said), "{before}: {why}");
        }
        assert_eq!(VersionsFile::new(RepoPath::from("versions.toml")), None);
        assert_eq!(VersionsFile::new(RepoPath::from("versions")), None);
    }
}
