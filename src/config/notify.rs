//! `[[notify]]`, and `[[secrets]]` of the user's own file.

use super::{
    CheckEntry,
    checks::{credential, program, quoted},
    reader::Table,
    schema::ConfigFile,
};
use crate::domain::{
    address,
    ids::EnvironmentName,
    notify::{Address, Event, Notify, PLACES, Secret, Target},
    policy::check::Consent,
};

/// Keys of one `[[notify]]` table.
pub(super) const NOTIFY: [&str; 7] = [
    "on",
    "environments",
    "slack",
    "teams",
    "webhook",
    "grafana",
    "command",
];
/// Of these, the ones that say who is told.
const TARGETS: [&str; 5] = ["slack", "teams", "webhook", "grafana", "command"];
/// Keys of its `slack`.
pub(super) const SLACK: [&str; 3] = ["channel", "secret", "webhook"];
/// Keys of its `teams`.
pub(super) const TEAMS: [&str; 1] = ["webhook"];
/// Keys of its `webhook`.
pub(super) const WEBHOOK: [&str; 3] = ["url", "secret", "template"];
/// Keys of its `grafana`.
pub(super) const GRAFANA: [&str; 4] = ["url", "secret", "tags", "dashboard"];
/// Keys of one `[[secrets]]` table.
pub(super) const SECRET: [&str; 3] = ["name", "value", "url"];

/// Who is told by a file, with what of it the user has to allow.
pub(super) fn notify(root: &Table<'_>, file: ConfigFile) -> Vec<(Notify, Option<CheckEntry>)> {
    let tables = root.tables("notify");
    tables.iter().filter_map(|table| one(table, file)).collect()
}

fn one(table: &Table<'_>, file: ConfigFile) -> Option<(Notify, Option<CheckEntry>)> {
    table.refuse_others(&NOTIFY, |_| None);
    let known: Vec<String> = Event::ALL
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !table.has("on") {
        table.error_here(format!(
            "has no `on`; say of what is told, such as `on = [\"delivered\", \"failed\"]`; there are {}",
            known.join(", ")
        ));
    }
    let mut on = Vec::new();
    for name in table.strings("on").unwrap_or_default() {
        match Event::ALL.iter().find(|(it, _)| *it == name) {
            Some((_, event)) => on.push(*event),
            None => table.error("on", format!("`{name}` is none of {}", known.join(", "))),
        }
    }
    let targets: Vec<&str> = TARGETS.into_iter().filter(|key| table.has(key)).collect();
    let [target] = targets[..] else {
        table.error_here(
            "says who is told by one of `slack`, `teams`, `webhook`, `grafana` and `command`",
        );
        return None;
    };
    let to = match target {
        "slack" => slack(&table.table(target)?),
        "teams" => {
            let own = table.table(target)?;
            own.refuse_others(&TEAMS, |_| None);
            needed(
                &own,
                "webhook",
                "the name of the secret that is its address",
            )
            .map(Target::Teams)
        }
        "webhook" => webhook(&table.table(target)?),
        "grafana" => grafana(&table.table(target)?),
        _ => program(table, target).map(Target::Command),
    }?;
    let environments = table.strings("environments").unwrap_or_default();
    let mut notify = Notify {
        on,
        environments,
        to,
        consent: None,
    };
    let entry = (file == ConfigFile::Team).then(|| wants(&notify, table));
    notify.consent = entry.as_ref().map(|entry| entry.consent.clone());
    Some((notify, entry))
}

/// What the user is asked to allow: exactly what the line shows.
fn wants(notify: &Notify, table: &Table<'_>) -> CheckEntry {
    let events: Vec<&str> = notify.on.iter().map(|it| it.as_str()).collect();
    let when = format!("of what is {}", events.join(", "));
    let line = match &notify.to {
        Target::Slack { channel, secret } => {
            format!("tells {channel} of Slack {when}, with the secret `{secret}`")
        }
        Target::SlackWebhook(name) | Target::Teams(name) => {
            let who = match &notify.to {
                Target::Teams(_) => "Teams",
                _ => "Slack",
            };
            format!("tells {who} {when}, at the address that is the secret `{name}`")
        }
        Target::Webhook { address, .. } => match address {
            Address::Plain(url) => format!("tells {url} {when}"),
            Address::Secret(name) => {
                format!("tells the address that is the secret `{name}` {when}")
            }
        },
        Target::Grafana {
            url,
            secret,
            tags,
            dashboard,
        } => {
            let tags: Vec<String> = tags.iter().map(|it| quoted(it)).collect();
            let tags = match &tags[..] {
                [] => String::new(),
                tags => format!(", tagged {}", tags.join(", ")),
            };
            let dashboard = dashboard.as_ref();
            let dashboard = dashboard.map(|it| format!(", on the dashboard {}", quoted(it)));
            let dashboard = dashboard.unwrap_or_default();
            format!("annotates {url} {when}, with the secret `{secret}`{tags}{dashboard}")
        }
        Target::Command(run) => {
            let run: Vec<String> = run.iter().map(|it| quoted(it)).collect();
            format!("runs {} to tell {when}", run.join(" "))
        }
    };
    let line = match &notify.to {
        Target::Webhook {
            template: Some(template),
            ..
        } => format!("{line}, as {}", quoted(template)),
        _ => line,
    };
    let environments = match &notify.environments[..] {
        [] => "*".to_owned(),
        all => all.join(", "),
    };
    CheckEntry {
        consent: Consent::to(["notify", &environments, &line]),
        environment: EnvironmentName::from(environments.as_str()),
        line,
        at: table.here(),
    }
}

fn needed(table: &Table<'_>, key: &str, what: &str) -> Option<String> {
    if !table.has(key) {
        table.error_here(format!("has no `{key}`, {what}"));
    }
    table.string(key)
}

fn slack(table: &Table<'_>) -> Option<Target> {
    table.refuse_others(&SLACK, |_| None);
    match (table.has("channel"), table.has("webhook")) {
        (true, false) => Some(Target::Slack {
            channel: table.string("channel")?,
            secret: table.string("secret").unwrap_or_else(|| "slack".to_owned()),
        }),
        (false, true) if !table.has("secret") => table.string("webhook").map(Target::SlackWebhook),
        _ => {
            table.error_here(
                "says where by `channel`, with the token that is the secret `secret` (`slack`), or by `webhook`, the name of the secret that is its address",
            );
            None
        }
    }
}

fn webhook(table: &Table<'_>) -> Option<Target> {
    table.refuse_others(&WEBHOOK, |_| None);
    let template = table.string("template");
    if let Some(template) = &template {
        let wrong = unknown(template);
        if let Some(name) = wrong.first() {
            let places: Vec<String> = PLACES.iter().map(|it| format!("`{{{it}}}`")).collect();
            table.error(
                "template",
                format!(
                    "there is no `{{{name}}}` here; there are {}",
                    places.join(", ")
                ),
            );
        }
    }
    let address = match (table.has("url"), table.has("secret")) {
        (true, false) => {
            let url = table.string("url")?;
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                let shown = address::shown(&url);
                table.error(
                    "url",
                    format!("`{shown}` is no address; it starts with `https://` or `http://`"),
                );
            }
            if let Some(why) = address::misread(&url) {
                table.error("url", why);
            }
            Address::Plain(url)
        }
        (false, true) => Address::Secret(table.string("secret")?),
        _ => {
            table.error_here(
                "says where by one of `url` and `secret`, the name of the secret that is its address",
            );
            return None;
        }
    };
    Some(Target::Webhook { address, template })
}

fn grafana(table: &Table<'_>) -> Option<Target> {
    table.refuse_others(&GRAFANA, |_| None);
    let url = needed(
        table,
        "url",
        "where it is, such as `https://grafana.example.com`",
    )?;
    if !takes_a_token(table, &url, "a Grafana") {
        return None;
    }
    Some(Target::Grafana {
        url: url.trim_end_matches('/').to_owned(),
        secret: table
            .string("secret")
            .unwrap_or_else(|| "grafana".to_owned()),
        tags: table
            .strings("tags")
            .unwrap_or_else(|| vec!["tidegate".to_owned()]),
        dashboard: table.string("dashboard"),
    })
}

/// Whether an address is one that a token may be sent to: it leads where it reads, and nobody reads along. `what` it is said to be.
fn takes_a_token(table: &Table<'_>, url: &str, what: &str) -> bool {
    if !address::is_plain_web(url) {
        table.error(
            "url",
            format!("is no address of {what}; write it like `https://grafana.example.com`, without a name, a token or a query"),
        );
        return false;
    }
    if address::is_in_clear(url) {
        table.error(
            "url",
            "begins with `http://` and leads to another machine: the token could be read on its way; write `https://`",
        );
        return false;
    }
    true
}

/// Words in braces that look like places and are none.
fn unknown(template: &str) -> Vec<&str> {
    let parts = template.split('{').skip(1);
    let names = parts.filter_map(|part| part.split_once('}').map(|(name, _)| name));
    let is_word = |name: &&str| {
        let mut chars = name.chars();
        !name.is_empty() && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    names
        .filter(is_word)
        .filter(|name| !PLACES.contains(name))
        .collect()
}

/// `[[secrets]]`: what `[[notify]]` names.
pub(super) fn secrets(root: &Table<'_>) -> Vec<Secret> {
    let mut read: Vec<Secret> = Vec::new();
    for table in root.tables("secrets") {
        table.refuse_others(&SECRET, |_| None);
        let name = needed(&table, "name", "by which [[notify]] names it");
        if !table.has("value") {
            table.error_here(
                "has no `value`, which says where it is: `value = { env = \"SLACK_TOKEN\" }`",
            );
        }
        let (Some(name), Some(value)) = (name, credential(&table, "value")) else {
            continue;
        };
        if read.iter().any(|other| other.name == name) {
            table.error("name", format!("`{name}` is there twice"));
        }
        let url = table.string("url");
        if let Some(url) = &url {
            takes_a_token(&table, url, "an API");
        }
        read.push(Secret { name, value, url });
    }
    read
}
