//! `[[forges]]` of the user's own file, and `[environments.pull-request]`.

use toml::de::DeValue;

use super::{checks::credential, reader::Table};
use crate::domain::{
    address,
    forge::{ForgeEntry, ForgeKind, TokenSource},
    pull_request::{MergeBy, Settings, Urgent},
    template::Template,
};

/// Keys of one `[[forges]]` table.
pub(super) const FORGE: [&str; 3] = ["url", "kind", "token"];
/// Keys of its `token`.
pub(super) const TOKEN: [&str; 3] = ["env", "command", "git-credential"];
/// Keys of `[environments.pull-request]`.
pub(super) const PULL_REQUEST: [&str; 7] = [
    "labels",
    "reviewers",
    "draft",
    "merge",
    "urgent",
    "title",
    "body",
];
/// Keys of its `urgent`.
pub(super) const URGENT: [&str; 2] = ["labels", "title"];

/// Reads the forges.
pub(super) fn forges(root: &Table<'_>) -> Vec<ForgeEntry> {
    let tables = root.tables("forges");
    tables.iter().filter_map(forge).collect()
}

fn forge(table: &Table<'_>) -> Option<ForgeEntry> {
    table.refuse_others(&FORGE, |_| None);
    if !table.has("url") {
        table.error_here(
            "has no `url`; name the forge, such as `url = \"https://git.example.com\"`",
        );
    }
    let url = table.string("url").filter(|url| {
        let good = address::is_plain_web(url);
        if !good {
            // It may hold a token: it is not repeated.
            table.error(
                "url",
                "is no address of a forge; write it like `https://git.example.com`, without a name, a token or a query",
            );
        }
        good
    });
    let kind = table.string("kind").and_then(|text| {
        let mut named = ForgeKind::NAMED.into_iter();
        let kind = named.find(|(name, _)| *name == text).map(|(_, kind)| kind);
        if kind.is_none() {
            let names = ForgeKind::NAMED.map(|(name, _)| format!("`{name}`"));
            table.error("kind", format!("`{text}` is none of {}", names.join(", ")));
        }
        kind
    });
    let token = token(table);
    Some(ForgeEntry {
        url: url?.trim_end_matches('/').to_owned(),
        kind,
        token: token.unwrap_or_default(),
    })
}

fn token(table: &Table<'_>) -> Option<TokenSource> {
    const BY_GIT: &str = "git-credential";
    let is_table = table.value("token").is_some_and(DeValue::is_table);
    let own = is_table.then(|| table.table("token")).flatten();
    let Some(own) = own.filter(|own| own.has(BY_GIT)) else {
        return credential(table, "token").map(TokenSource::Given);
    };
    own.refuse_others(&TOKEN, |_| None);
    let alone = !own.has("env") && !own.has("command");
    if alone && own.boolean(BY_GIT) == Some(true) {
        return Some(TokenSource::GitCredential);
    }
    own.error_here(
        "says where the token comes from by one of `env`, `command` and `git-credential = true`",
    );
    None
}

/// How pull requests of an environment are opened.
pub(super) fn pull_request(environment: &Table<'_>) -> Option<Settings> {
    let table = environment.table("pull-request")?;
    table.refuse_others(&PULL_REQUEST, |_| None);
    Some(Settings {
        labels: table.strings("labels").unwrap_or_default(),
        reviewers: table.strings("reviewers").unwrap_or_default(),
        draft: table.boolean("draft").unwrap_or_default(),
        merge: merge(&table),
        urgent: urgent(&table).unwrap_or_default(),
        title: template(&table, "title", &Settings::TITLE),
        body: template(&table, "body", &Settings::BODY),
    })
}

fn urgent(table: &Table<'_>) -> Option<Urgent> {
    let own = table.table("urgent")?;
    own.refuse_others(&URGENT, |_| None);
    Some(Urgent {
        labels: own.strings("labels").unwrap_or_default(),
        title: template(&own, "title", &Settings::TITLE),
    })
}

fn merge(table: &Table<'_>) -> Option<MergeBy> {
    let text = table.string("merge")?;
    let mut named = MergeBy::NAMED.into_iter();
    let by = named.find(|(name, _)| *name == text).map(|(_, by)| by);
    if by.is_none() {
        let names = MergeBy::NAMED.map(|(name, _)| format!("`{name}`"));
        table.error("merge", format!("`{text}` is none of {}", names.join(", ")));
    }
    by
}

fn template(table: &Table<'_>, key: &str, known: &[&str]) -> Option<Template> {
    let text = table.string(key)?;
    match Template::parse(&text) {
        Ok(template) => {
            let unknown = template.names().find(|name| !known.contains(name));
            if let Some(name) = unknown {
                let known: Vec<String> = known.iter().map(|it| format!("`{{{it}}}`")).collect();
                table.error(
                    key,
                    format!(
                        "there is no `{{{name}}}` here; there are {}",
                        known.join(", ")
                    ),
                );
                return None;
            }
            Some(template)
        }
        Err(error) => {
            table.error(key, error.to_string());
            None
        }
    }
}
