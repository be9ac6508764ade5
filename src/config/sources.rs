//! `[[sources]]`: where the source code of services is.

use super::{CheckEntry, reader::Table, schema::ConfigFile};
use crate::domain::{
    address, ids::EnvironmentName, policy::check::Consent, source_code::SourceCode,
    template::Template,
};

/// Keys of one `[[sources]]` table.
pub(super) const SOURCE: [&str; 6] = ["services", "repository", "clone", "tag", "path", "command"];

/// The entries of a file, with what of them the user has to allow.
pub(super) fn sources(root: &Table<'_>, file: ConfigFile) -> Vec<(SourceCode, Option<CheckEntry>)> {
    let tables = root.tables("sources");
    tables.iter().filter_map(|table| one(table, file)).collect()
}

fn one(table: &Table<'_>, file: ConfigFile) -> Option<(SourceCode, Option<CheckEntry>)> {
    table.refuse_others(&SOURCE, |_| None);
    if !["repository", "clone", "command"]
        .iter()
        .any(|key| table.has(key))
    {
        table.error_here(
            "says where the source code is by `repository` (its address), or in your own config.toml by `clone` (a path on this machine) or `command` (which tells what lies between two versions)",
        );
        return None;
    }
    let of = |key: &str, names: &[&str]| template(table, key, &table.string(key)?, names);
    // What is on this machine, or runs on it, is no repository's to say.
    for key in ["clone", "command"] {
        if file == ConfigFile::Team && table.has(key) {
            table.error(
                key,
                "is of one machine, and your own config.toml alone may name it; move the entry there, or give it a `repository`",
            );
        }
    }
    let command = table.strings("command").map(|words| {
        if words.is_empty() {
            table.error("command", "names no program");
        }
        let names = ["service", "from", "to"];
        let words = words.iter();
        words
            .filter_map(|word| template(table, "command", word, &names))
            .collect()
    });
    let mut source = SourceCode {
        services: table
            .strings("services")
            .unwrap_or_else(|| vec!["*".to_owned()]),
        repository: of("repository", &["service"]),
        clone: of("clone", &["service"]),
        tag: of("tag", &["service", "version"]),
        path: of("path", &["service"]),
        command,
        consent: None,
    };
    let entry = wants(&source, table).filter(|_| file == ConfigFile::Team);
    source.consent = entry.as_ref().map(|entry| entry.consent.clone());
    Some((source, entry))
}

/// What the user is asked to allow: whose commits are read with what opens that forge, and told wherever their versions go.
fn wants(source: &SourceCode, table: &Table<'_>) -> Option<CheckEntry> {
    let place = address::redact(source.repository.as_ref()?.as_str());
    let services = source.services.join(", ");
    let line = format!(
        "reads commits of {place} with your token for it, and tells them on plans and in pull requests of {services}"
    );
    Some(CheckEntry {
        consent: Consent::to(["sources", &services, &line]),
        environment: EnvironmentName::from("*"),
        line,
        at: table.here(),
    })
}

/// A template that asks for nothing but these names.
fn template(table: &Table<'_>, key: &str, text: &str, names: &[&str]) -> Option<Template> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            table.error(key, error.to_string());
            return None;
        }
    };
    if let Some(other) = template.names().find(|name| !names.contains(name)) {
        let known: Vec<String> = names.iter().map(|name| format!("`{{{name}}}`")).collect();
        table.error(
            key,
            format!(
                "`{{{other}}}` is not known here; there is {}",
                known.join(", ")
            ),
        );
        return None;
    }
    Some(template)
}
