//! `http`, `promql` and `command` of `[environments.gates]` and `[environments.verify]`, and `[[servers]]`.

use std::{collections::BTreeMap, time::Duration};

use super::{
    CheckEntry, KeyPlace, Server,
    policy::{RULE, rule},
    reader::{Reader, Table},
    schema::{ConfigFile, Targeting, WrittenEnvironment},
    validate,
};
use crate::domain::{
    address,
    credential::Credential,
    ids::EnvironmentName,
    policy::{
        GatePolicy,
        check::{self, Ask, Check, Command, Consent, Http, Limit, Promql},
    },
    topology::Environment,
};

/// The gates that are lists of checks.
pub(super) const CHECKS: [&str; 3] = ["http", "promql", "command"];
/// Those that verify a rollout: a program reads what is to be written, which has been then.
pub(super) const VERIFY: [&str; 2] = ["http", "promql"];
/// Keys of one `http` check beside those of every gate.
pub(super) const HTTP: [&str; 4] = ["url", "status", "contains", "timeout"];
/// Keys of one `promql` check.
pub(super) const PROMQL: [&str; 5] = ["server", "query", "below", "above", "timeout"];
/// Keys of one `command` check.
pub(super) const COMMAND: [&str; 2] = ["run", "timeout"];
/// Keys of one `[[servers]]` table.
pub(super) const SERVER: [&str; 3] = ["name", "url", "token"];
/// Keys of a token.
pub(super) const TOKEN: [&str; 2] = ["env", "command"];

/// How long an address or a server may take, unless the check says otherwise.
pub(super) const SOON: Duration = Duration::from_secs(10);
/// How long a program may run.
const LATER: Duration = Duration::from_mins(1);

/// A check as it stands in a file.
#[derive(Clone, Debug)]
pub(super) struct WrittenCheck {
    pub(super) check: Check,
    /// Where it stands.
    pub(super) at: KeyPlace,
}

/// The checks of one key: a list of them, or one table.
pub(super) fn checks(table: &Table<'_>, gate: &str) -> Vec<WrittenCheck> {
    let read = table.one_or_more(gate);
    let read = read.iter().filter_map(|table| {
        let ask = match gate {
            "http" => Ask::Http(http(table)?),
            "promql" => Ask::Promql(promql(table)?),
            _ => Ask::Command(command(table)?),
        };
        let check = Check {
            ask,
            rule: rule(table),
            consent: None,
        };
        Some(WrittenCheck {
            check,
            at: table.here(),
        })
    });
    read.collect()
}

/// `[environments.verify]`.
pub(super) fn verify(table: &Table<'_>) -> Option<Vec<WrittenCheck>> {
    let table = table.table("verify")?;
    table.refuse_others(&VERIFY, |key| {
        (key == "command").then(|| {
            "a program judges the changed files before they are written; it stands in `gates`"
                .to_owned()
        })
    });
    let read = VERIFY.into_iter().filter(|gate| table.has(gate));
    Some(read.flat_map(|gate| checks(&table, gate)).collect())
}

fn http(table: &Table<'_>) -> Option<Http> {
    table.refuse_others(&[&RULE[..], &HTTP].concat(), |_| None);
    if !table.has("url") {
        table.error_here("has no `url`; name the address, such as `url = \"{url}/healthz\"`");
    }
    let url = table.string("url")?;
    let begins = ["https://", "http://", "{url}", "{from.url}"];
    if !begins.iter().any(|begin| url.starts_with(begin)) {
        let shown = address::shown(&url);
        table.error(
            "url",
            format!("`{shown}` is no address; it begins with `https://`, `http://`, `{{url}}` or `{{from.url}}`"),
        );
    }
    if let Some(why) = address::misread(&url) {
        table.error("url", why);
    }
    for key in ["url", "contains"].into_iter().filter(|key| table.has(key)) {
        let text = table.string(key).unwrap_or_default();
        if let (Some(name), "url") = (check::unknown_places(&text).first(), key) {
            let known: Vec<_> = check::PLACES
                .iter()
                .map(|it| format!("`{{{it}}}`"))
                .collect();
            table.error(
                key,
                format!(
                    "nothing is known for `{{{name}}}`; there are {}",
                    known.join(", ")
                ),
            );
        }
    }
    let status = table.number("status").and_then(|number| {
        let status = (100..600_u16).find(|status| f64::from(*status).to_bits() == number.to_bits());
        if status.is_none() {
            table.error(
                "status",
                "is no HTTP status; those are whole numbers from 100 to 599",
            );
        }
        status
    });
    Some(Http {
        url,
        status,
        contains: table.string("contains"),
        timeout: timeout(table, SOON),
    })
}

fn promql(table: &Table<'_>) -> Option<Promql> {
    table.refuse_others(&[&RULE[..], &PROMQL].concat(), |_| None);
    for (key, example) in [("server", "main"), ("query", "up{job='{service}'}")] {
        if !table.has(key) {
            table.error_here(format!(
                "has no `{key}`; give it one, such as `{key} = \"{example}\"`"
            ));
        }
    }
    if !table.has("below") && !table.has("above") {
        table.error_here("says of no value that it is good: `below = 0.01`, `above = 0`, or both");
    }
    Some(Promql {
        server: table.string("server")?,
        query: table.string("query")?,
        below: table.number("below").map(Limit),
        above: table.number("above").map(Limit),
        timeout: timeout(table, SOON),
    })
}

fn command(table: &Table<'_>) -> Option<Command> {
    table.refuse_others(&[&RULE[..], &COMMAND].concat(), |_| None);
    if !table.has("run") {
        table.error_here(
            "has no `run`; name a program and its arguments, such as `run = [\"conftest\", \"test\", \"-\"]`",
        );
    }
    Some(Command {
        run: program(table, "run")?,
        timeout: timeout(table, LATER),
    })
}

/// A program and its arguments.
pub(super) fn program(table: &Table<'_>, key: &str) -> Option<Vec<String>> {
    let run = table.strings(key)?;
    if run.is_empty() {
        table.error(key, "names no program");
        return None;
    }
    Some(run)
}

pub(super) fn timeout(table: &Table<'_>, otherwise: Duration) -> Duration {
    let Some(text) = table.string("timeout") else {
        return otherwise;
    };
    validate::duration(&text).unwrap_or_else(|| {
        table.error(
            "timeout",
            format!("`{text}` is no length of time; write one like `5s`, `500ms` or `1m`"),
        );
        otherwise
    })
}

/// `[[servers]]` of the user's own file.
pub(super) fn servers(root: &Table<'_>) -> Vec<Server> {
    let mut read: Vec<Server> = Vec::new();
    for table in root.tables("servers") {
        table.refuse_others(&SERVER, |_| None);
        for (key, example) in [("name", "main"), ("url", "https://prometheus.example.com")] {
            if !table.has(key) {
                table.error_here(format!(
                    "has no `{key}`; give it one, such as `{key} = \"{example}\"`"
                ));
            }
        }
        let (Some(name), Some(url)) = (table.string("name"), table.string("url")) else {
            continue;
        };
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            let shown = address::shown(&url);
            table.error(
                "url",
                format!("`{shown}` is no address; it starts with `https://` or `http://`"),
            );
        }
        if read.iter().any(|other| other.name == name) {
            table.error("name", format!("`{name}` is there twice"));
        }
        read.push(Server {
            name,
            url,
            token: credential(&table, "token"),
        });
    }
    read
}

/// Where a secret comes from.
pub(super) fn credential(table: &Table<'_>, key: &str) -> Option<Credential> {
    if table.value(key)?.as_str().is_some() {
        // A secret in a file is one that will be read by others.
        table.error(
            key,
            "is the secret itself, which stands in no file; say where it is: `{ env = \"PROM_TOKEN\" }` or `{ command = [\"pass\", \"prometheus\"] }`",
        );
        return None;
    }
    let from = table.table(key)?;
    from.refuse_others(&TOKEN, |_| None);
    match (from.has("env"), from.has("command")) {
        (true, false) => from.string("env").map(Credential::Env),
        (false, true) => program(&from, "command").map(Credential::Command),
        _ => {
            from.error_here("says where the secret is by one of `env` and `command`");
            None
        }
    }
}

/// What an environment's files say of checks.
#[derive(Clone, Debug, Default)]
pub(super) struct FileChecks {
    /// By which file each is said, with the check.
    before: Vec<(ConfigFile, WrittenCheck)>,
    after: Vec<(ConfigFile, WrittenCheck)>,
}

impl FileChecks {
    /// Takes what a file says; a gate's checks there take the place of those of an earlier file.
    pub(super) fn take(
        &mut self,
        file: ConfigFile,
        before: &[WrittenCheck],
        after: Option<&[WrittenCheck]>,
    ) {
        let own = |checks: &[WrittenCheck]| -> Vec<(ConfigFile, WrittenCheck)> {
            checks.iter().map(|check| (file, check.clone())).collect()
        };
        let says = |known: &(ConfigFile, WrittenCheck)| {
            let gate = known.1.check.ask.gate();
            before.iter().any(|check| check.check.ask.gate() == gate)
        };
        self.before.retain(|known| !says(known));
        self.before.extend(own(before));
        if let Some(after) = after {
            self.after = own(after);
        }
    }
}

/// The environments for which the repository's file has registries asked (`registry`, `evidence`, or `immutable` that pins), and where it
/// says so: the images that it names are its word too.
pub(super) fn registries(
    written: &[(Targeting, Vec<WrittenEnvironment>)],
    places: &[ConfigFile],
    readers: &[Reader],
) -> BTreeMap<EnvironmentName, KeyPlace> {
    let mut all = BTreeMap::new();
    for (((_, environments), place), reader) in written.iter().zip(places).zip(readers) {
        for environment in environments {
            let asks = |gates: &&GatePolicy| {
                gates.registry.is_some() || gates.pin || gates.evidence.is_some()
            };
            let Some(gates) = environment.gates.as_ref().filter(asks) else {
                continue;
            };
            let name = EnvironmentName::from(environment.name.as_str());
            let gate = match (&gates.registry, gates.pin) {
                (Some(_), _) => "registry",
                (None, true) => "immutable",
                (None, false) => "evidence",
            };
            let key = format!("{}.gates.{gate}", environment.path);
            let (file, line) = reader.place(&key);
            match place {
                ConfigFile::Team => all.insert(name, KeyPlace { file, line, key }),
                ConfigFile::User => all.remove(&name),
            };
        }
    }
    all
}

/// Puts the checks into the policy, each with the consent that it needs, and gives those that need one.
///
/// `by_team`: environments whose `url` the repository's file says.
pub(super) fn settle(
    all: BTreeMap<EnvironmentName, FileChecks>,
    environments: &[Environment],
    by_team: &[EnvironmentName],
    policies: &mut BTreeMap<EnvironmentName, GatePolicy>,
) -> Vec<CheckEntry> {
    let mut entries = Vec::new();
    for environment in environments {
        let Some(checks) = all.get(&environment.name) else {
            continue;
        };
        let mut settled = |checks: &[(ConfigFile, WrittenCheck)], when: &str| -> Vec<Check> {
            let checks = checks.iter().map(|(file, written)| {
                let mut check = written.check.clone();
                let addresses = addresses(&check.ask, environment, environments);
                let named = addresses.iter().any(|(name, _)| by_team.contains(name));
                if *file == ConfigFile::Team || named {
                    let (consent, line) = wants(&check.ask, environment, &addresses, when);
                    entries.extend(consent.clone().map(|consent| CheckEntry {
                        environment: environment.name.clone(),
                        line,
                        consent,
                        at: written.at.clone(),
                    }));
                    check.consent = consent;
                }
                check
            });
            checks.collect()
        };
        let before = settled(&checks.before, "before a change");
        let after = settled(&checks.after, "after a rollout");
        let policy = policies.entry(environment.name.clone()).or_default();
        (policy.checks, policy.verify) = (before, after);
    }
    entries
}

/// The environments whose addresses an address is made of: its own, and those that it may be asked about.
fn addresses(ask: &Ask, own: &Environment, all: &[Environment]) -> Vec<(EnvironmentName, String)> {
    let Ask::Http(http) = ask else {
        return Vec::new();
    };
    let upstreams = all
        .iter()
        .filter(|it| http.url.contains("{from.url}") && check::may_come_from(own, &it.name));
    let own = http.url.contains("{url}").then_some(own);
    let named = own.into_iter().chain(upstreams);
    let with_url = named.filter_map(|it| Some((it.name.clone(), it.url.clone()?)));
    with_url.collect()
}

/// Every address that a check may ask, as it stands in the configuration.
fn shown(url: &str, own: &Environment, addresses: &[(EnvironmentName, String)]) -> Vec<String> {
    let filled = |from| check::with_addresses(url, own.url.as_deref(), from);
    let upstreams = addresses.iter().filter(|(of, _)| *of != own.name);
    let shown: Vec<String> = upstreams.map(|(_, url)| filled(Some(url))).collect();
    if shown.is_empty() {
        return vec![filled(None)];
    }
    shown
}

/// The consent that a check needs, and what it wants in a line. A query goes to a server of the user's own, and needs none.
///
/// The consent is to what the line shows, and to nothing that it does not.
fn wants(
    ask: &Ask,
    environment: &Environment,
    addresses: &[(EnvironmentName, String)],
    when: &str,
) -> (Option<Consent>, String) {
    let name = environment.name.as_str();
    match ask {
        Ask::Http(http) => {
            let status = http
                .status
                .map_or(String::new(), |status| status.to_string());
            let timeout = http.timeout.as_millis().to_string();
            let contains = http.contains.as_deref().unwrap_or_default();
            let shown = shown(&http.url, environment, addresses);
            let count = shown.len().to_string();
            let mut parts = vec!["http", name, &http.url, &status, contains, &timeout, &count];
            parts.extend(shown.iter().map(String::as_str));
            parts.extend(environment.from.iter().map(EnvironmentName::as_str));
            let line = format!("asks {} {when}", shown.join(" or "));
            (Some(Consent::to(parts)), line)
        }
        Ask::Command(command) => {
            let timeout = command.timeout.as_millis().to_string();
            let mut parts = vec!["command", name, &timeout];
            parts.extend(command.run.iter().map(String::as_str));
            let run: Vec<String> = command.run.iter().map(|it| quoted(it)).collect();
            let line = format!("runs {} {when}", run.join(" "));
            (Some(Consent::to(parts)), line)
        }
        Ask::Promql(_) => (None, String::new()),
    }
}

/// An argument as a shell would need it: where one ends and the next begins is part of what is allowed.
pub(super) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}
