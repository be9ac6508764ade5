//! One file, key by key: what stands in it, as written, with nothing filled in yet.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{
    CheckEntry, KeyPlace, UserSettings, agents,
    checks::{self, WrittenCheck, servers},
    commands::commands,
    commits, forges, healthy,
    layouts::layout,
    notify,
    policy::{self, WrittenWindow},
    reader::{Reader, Table},
    sources,
};
use crate::{
    actions::{Keymap, KeymapError},
    domain::{
        ids::RepoPath,
        layout::LayoutSpec,
        notify::Notify,
        policy::{Dependency, GatePolicy, HealthyQuery, VersionsFile},
        pull_request,
        source_code::SourceCode,
        topology::AgentPlace,
    },
    look::{
        bell::Bell,
        theme::{AUTO, Choice},
    },
};

/// Keys that either file may hold.
const SHARED: [&str; 11] = [
    "repository",
    "repositories",
    "defaults",
    "environments",
    "layouts",
    "windows",
    "dependencies",
    "vetoes",
    "versions",
    "notify",
    "sources",
];
/// Keys that the user's file alone may hold: they decide which programs run, where this machine connects to, and how its screen looks.
const USER_ONLY: [&str; 16] = [
    "theme",
    "background",
    "ascii",
    "mouse",
    "bell",
    "filter",
    "write",
    "kubeconfig",
    "clusters",
    "keys",
    "commands",
    "commit",
    "servers",
    "forges",
    "argocd",
    "secrets",
];

/// Keys of one `[[environments]]` table.
const ENVIRONMENT: [&str; 16] = [
    "name",
    "from",
    "require",
    "cluster",
    "agent",
    "namespace",
    "workload",
    "selector",
    "protected",
    "url",
    "deliver",
    "timeout",
    "gates",
    "verify",
    "healthy",
    "pull-request",
];

/// Keys of one `[[repositories]]` table.
const REPOSITORY: [&str; 4] = ["name", "path", "url", "branch"];

/// Which of the two places a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ConfigFile {
    /// `tidegate.toml`, the repository's.
    #[default]
    Team,
    /// `config.toml`, the user's.
    User,
}

/// What one file says.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub(super) place: ConfigFile,
    pub(super) branch: Option<String>,
    pub(super) repositories: Vec<WrittenRepository>,
    pub(super) defaults: Targeting,
    pub(super) environments: Vec<WrittenEnvironment>,
    pub(super) layouts: Vec<LayoutSpec>,
    pub(super) windows: Vec<WrittenWindow>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) vetoes: Option<RepoPath>,
    pub(super) versions: Option<VersionsFile>,
    pub(super) notify: Vec<(Notify, Option<CheckEntry>)>,
    pub(super) sources: Vec<(SourceCode, Option<CheckEntry>)>,
    pub(super) user: UserSettings,
}

/// Where a workload is: the keys that `[defaults]` and an environment share.
#[derive(Clone, Debug, Default)]
pub(super) struct Targeting {
    pub(super) namespace: Option<String>,
    pub(super) workload: Option<String>,
    pub(super) selector: Option<String>,
}

/// One `[[environments]]` table.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenEnvironment {
    /// Its path in the file, for errors: `environments[2]`.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) from: Option<Vec<String>>,
    pub(super) require: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) agent: Option<AgentPlace>,
    pub(super) targeting: Targeting,
    pub(super) protected: Option<bool>,
    pub(super) url: Option<String>,
    pub(super) deliver: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) gates: Option<GatePolicy>,
    /// `http`, `promql` and `command` of `gates`.
    pub(super) checks: Vec<WrittenCheck>,
    pub(super) verify: Option<Vec<WrittenCheck>>,
    pub(super) healthy: Option<HealthyQuery>,
    pub(super) pull_request: Option<pull_request::Settings>,
}

/// One `[[repositories]]` table.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenRepository {
    /// Whose file it is in.
    pub(super) by: ConfigFile,
    /// Its path in the file, for errors: `repositories[0]`.
    pub(super) at: String,
    pub(super) name: String,
    pub(super) path: Option<String>,
    pub(super) url: Option<String>,
    pub(super) branch: Option<String>,
}

/// Reads the root table of a file.
pub(super) fn file(root: &Table<'_>, place: ConfigFile) -> Written {
    let mut known: Vec<&str> = SHARED.to_vec();
    if place == ConfigFile::User {
        known.extend(USER_ONLY);
    }
    root.refuse_others(&known, |key| {
        if USER_ONLY.contains(&key) {
            Some(format!(
                "only the user's own `config.toml` may hold `{key}`: a repository does not decide that; move it there"
            ))
        } else {
            None
        }
    });
    let branch = root.table("repository").and_then(|repository| {
        repository.refuse_others(&["branch"], |_| None);
        repository.string("branch")
    });
    let defaults = root.table("defaults").map(|defaults| {
        defaults.refuse_others(&["namespace", "workload", "selector"], |_| None);
        targeting(&defaults)
    });
    Written {
        place,
        branch,
        repositories: root
            .tables("repositories")
            .iter()
            .filter_map(|table| repository(table, place))
            .collect(),
        defaults: defaults.unwrap_or_default(),
        environments: root
            .tables("environments")
            .iter()
            .filter_map(environment)
            .collect(),
        layouts: root.tables("layouts").iter().map(layout).collect(),
        windows: root
            .tables("windows")
            .iter()
            .filter_map(policy::window)
            .collect(),
        dependencies: root
            .tables("dependencies")
            .iter()
            .filter_map(policy::dependency)
            .collect(),
        vetoes: root
            .table("vetoes")
            .and_then(|table| policy::vetoes(&table)),
        versions: root
            .table("versions")
            .and_then(|table| policy::versions(&table)),
        notify: notify::notify(root, place),
        sources: sources::sources(root, place),
        user: match place {
            ConfigFile::User => user(root),
            ConfigFile::Team => UserSettings::default(),
        },
    }
}

fn repository(table: &Table<'_>, by: ConfigFile) -> Option<WrittenRepository> {
    table.refuse_others(&REPOSITORY, |_| None);
    let read = WrittenRepository {
        by,
        at: table.path.clone(),
        name: table.string("name").unwrap_or_default(),
        path: table.string("path"),
        url: table.string("url"),
        branch: table.string("branch"),
    };
    if read.name.is_empty() {
        table.error_here(
            "has no `name`; give the repository one, and name it in `repository` of a layout",
        );
        return None;
    }
    if table.has("path") && table.has("url") {
        table.error("url", "stands beside `path`; keep one of the two");
    }
    Some(read)
}

fn targeting(table: &Table<'_>) -> Targeting {
    let read = Targeting {
        namespace: table.string("namespace"),
        workload: table.string("workload"),
        selector: table.string("selector"),
    };
    if table.has("workload") && table.has("selector") {
        table.error(
            "selector",
            "stands beside `workload`; keep one of the two: a workload is found by its name or by its labels",
        );
    }
    read
}

fn environment(table: &Table<'_>) -> Option<WrittenEnvironment> {
    table.refuse_others(&ENVIRONMENT, |_| None);
    let (gates, checks) = policy::gates(table).unzip();
    let read = WrittenEnvironment {
        path: table.path.clone(),
        name: table.string("name").unwrap_or_default(),
        from: table.strings("from"),
        require: table.string("require"),
        cluster: table.string("cluster"),
        agent: agents::place(table),
        targeting: targeting(table),
        protected: table.boolean("protected"),
        url: table.string("url"),
        deliver: table.string("deliver"),
        timeout: table.string("timeout"),
        gates,
        checks: checks.unwrap_or_default(),
        verify: checks::verify(table),
        healthy: healthy::healthy(table),
        pull_request: forges::pull_request(table),
    };
    if !table.has("name") {
        table.error_here("has no `name`; give the environment one, such as `name = \"prod\"`");
    }
    (!read.name.is_empty()).then_some(read)
}

fn user(root: &Table<'_>) -> UserSettings {
    let keys = keys(root).unwrap_or_default();
    // Keys that do not go are told already.
    let keymap = Keymap::remapped(&keys).unwrap_or_default();
    let (theme, themes_said) = theme(root).unwrap_or_default();
    UserSettings {
        theme,
        themes_said,
        background: root.boolean("background").unwrap_or_default(),
        ascii: root.boolean("ascii").unwrap_or_default(),
        mouse: root.boolean("mouse").unwrap_or_default(),
        bell: policy::one_of(root, "bell", &Bell::ALL).unwrap_or_default(),
        filter: root.string("filter").unwrap_or_default(),
        write: root.boolean("write").unwrap_or_default(),
        kubeconfig: root.string("kubeconfig").map(Into::into),
        clusters: root.string_map("clusters").unwrap_or_default(),
        commands: commands(root, &keymap),
        commit: commits::commit(root),
        servers: servers(root),
        forges: forges::forges(root),
        argocd: agents::servers(root),
        secrets: notify::secrets(root),
        keys,
    }
}

/// One theme, or one for dark and one for light backgrounds. Whether they are there is known when the user's own were read.
fn theme(root: &Table<'_>) -> Option<(Choice, Vec<(KeyPlace, String)>)> {
    let value = root.value("theme")?;
    let mut choice = Choice::default();
    let mut said = Vec::new();
    let mut named = |table: &Table<'_>, key: &str| {
        let name = table.string(key)?;
        said.push((table.place(key), name.clone()));
        Some(name)
    };
    match value {
        DeValue::String(_) => {
            choice.fixed = named(root, "theme").filter(|name| name != AUTO);
        }
        DeValue::Table(_) => {
            let table = root.table("theme")?;
            table.refuse_others(&["dark", "light"], |_| None);
            for (key, into) in [("dark", &mut choice.dark), ("light", &mut choice.light)] {
                let name = named(&table, key);
                if name.as_deref() == Some(AUTO) {
                    table.error(key, "`auto` chooses between two themes; name one here");
                }
                *into = name.unwrap_or_else(|| std::mem::take(into));
            }
        }
        _ => root.wrong_type(
            "theme",
            value,
            "a name such as `\"nord\"`, or `{ dark = \"nord\", light = \"light\" }`",
        ),
    }
    Some((choice, said))
}

fn keys(root: &Table<'_>) -> Option<BTreeMap<String, Vec<String>>> {
    let table = root.table("keys")?;
    let mut keys = BTreeMap::new();
    for (action, value) in table.entries() {
        let bound = match value.as_str() {
            Some(_) => table.string(action).map(|key| vec![key]),
            None => table.strings(action),
        };
        let Some(bound) = bound else {
            continue;
        };
        // One by one, so that each says what is wrong with it; conflicts show when all are known.
        match Keymap::remapped(&BTreeMap::from([(action.to_owned(), bound.clone())])) {
            Err(error @ (KeymapError::UnknownAction(..) | KeymapError::UnknownKey(_))) => {
                table.error(action, error.to_string());
            }
            _ => {
                keys.insert(action.to_owned(), bound);
            }
        }
    }
    if let Err(error @ KeymapError::Conflict { .. }) = Keymap::remapped(&keys) {
        root.error("keys", error.to_string());
    }
    Some(keys)
}

/// Parses `text` and reads it. The errors are collected in the reader, which is returned for those found later.
pub(super) fn parse(
    file_name: &str,
    bytes: &[u8],
    place: ConfigFile,
) -> Result<(Written, Reader), Vec<super::ConfigError>> {
    parse_with(file_name, bytes, |root| file(root, place))
}

/// The same for a file of any kind, whose root table `read` reads.
pub(super) fn parse_with<T>(
    file_name: &str,
    bytes: &[u8],
    read: impl FnOnce(&Table<'_>) -> T,
) -> Result<(T, Reader), Vec<super::ConfigError>> {
    let failed = |line, message: String| super::ConfigError {
        file: file_name.to_owned(),
        line,
        key: String::new(),
        message,
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let line = super::reader::line_of_offset(bytes, error.valid_up_to());
            return Err(vec![failed(
                Some(line),
                "is not UTF-8 text; save the file as UTF-8".to_owned(),
            )]);
        }
    };
    let (root, errors) = toml::de::DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let line = |span: Option<std::ops::Range<usize>>| {
            span.map(|span| super::reader::line_of_offset(text.as_bytes(), span.start))
        };
        return Err(errors
            .iter()
            .map(|error| {
                failed(
                    line(error.span()),
                    format!("is not TOML: {}", error.message()),
                )
            })
            .collect());
    }
    let reader = Reader::new(file_name, text, root.get_ref());
    let written = read(&reader.root(root.get_ref()));
    Ok((written, reader))
}

/// Every key that some table may hold, for the test of the example.
#[cfg(test)]
pub(super) fn every_key() -> impl Iterator<Item = &'static str> {
    let nested = ["branch", "name", "path"];
    (SHARED.iter().chain(&USER_ONLY).chain(&ENVIRONMENT))
        .chain(&REPOSITORY)
        .chain(&super::layouts::KEYS)
        .chain(&super::commands::KEYS)
        .chain(&commits::KEYS)
        .chain(&policy::RULE)
        .chain(&policy::ELIGIBLE)
        .chain(&policy::IMMUTABLE)
        .chain(&policy::REGISTRY)
        .chain(&policy::LASTING)
        .chain(&policy::APPROVALS)
        .chain(&policy::WINDOW)
        .chain(&policy::DEPENDENCY)
        .chain(&policy::OWN_FILE)
        .chain(&checks::HTTP)
        .chain(&checks::PROMQL)
        .chain(&checks::COMMAND)
        .chain(&checks::SERVER)
        .chain(&checks::TOKEN)
        .chain(&notify::NOTIFY)
        .chain(&notify::SLACK)
        .chain(&notify::TEAMS)
        .chain(&notify::WEBHOOK)
        .chain(&notify::GRAFANA)
        .chain(&notify::SECRET)
        .copied()
        .chain(nested)
}

/// The keys of each table, by the file or by the name of its description in the schema.
#[cfg(test)]
pub fn tables() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("tidegate.toml", SHARED.to_vec()),
        ("config.toml", [&SHARED[..], &USER_ONLY].concat()),
        ("Environment", ENVIRONMENT.to_vec()),
        ("OtherRepository", REPOSITORY.to_vec()),
        ("Layout", super::layouts::KEYS.to_vec()),
        ("Fallback", super::layouts::FALLBACK.to_vec()),
        ("Place", super::layouts::PLACE.to_vec()),
        ("Repository", vec!["branch"]),
        ("Defaults", vec!["namespace", "workload", "selector"]),
        ("OwnCommand", super::commands::KEYS.to_vec()),
        ("Commits", commits::KEYS.to_vec()),
        ("Window", policy::WINDOW.to_vec()),
        ("Dependency", policy::DEPENDENCY.to_vec()),
        ("VetoFile", policy::OWN_FILE.to_vec()),
        ("VersionsFile", policy::OWN_FILE.to_vec()),
        ("Notify", notify::NOTIFY.to_vec()),
        ("NotifySlack", notify::SLACK.to_vec()),
        ("NotifyTeams", notify::TEAMS.to_vec()),
        ("NotifyWebhook", notify::WEBHOOK.to_vec()),
        ("NotifyGrafana", notify::GRAFANA.to_vec()),
        ("Secret", notify::SECRET.to_vec()),
        ("SourceCode", sources::SOURCE.to_vec()),
        (
            "Gates",
            crate::domain::gate::ALL.map(|gate| gate.id).to_vec(),
        ),
        ("Rule", policy::RULE.to_vec()),
        (
            "EligibleRule",
            [&policy::RULE[..], &policy::ELIGIBLE].concat(),
        ),
        (
            "ImmutableRule",
            [&policy::RULE[..], &policy::IMMUTABLE].concat(),
        ),
        ("Verify", checks::VERIFY.to_vec()),
        ("HttpCheck", [&policy::RULE[..], &checks::HTTP].concat()),
        ("PromqlCheck", [&policy::RULE[..], &checks::PROMQL].concat()),
        (
            "CommandCheck",
            [&policy::RULE[..], &checks::COMMAND].concat(),
        ),
        ("Server", checks::SERVER.to_vec()),
        ("Token", checks::TOKEN.to_vec()),
        (
            "LastingRule",
            [&policy::RULE[..], &policy::LASTING].concat(),
        ),
        (
            "ApprovalsRule",
            [&policy::RULE[..], &policy::APPROVALS].concat(),
        ),
        (
            "RegistryRule",
            [&policy::RULE[..], &policy::REGISTRY].concat(),
        ),
        ("ThemePair", vec!["dark", "light"]),
        ("AgentPlace", agents::PLACE.to_vec()),
        ("Argocd", agents::SERVER.to_vec()),
        ("Forge", forges::FORGE.to_vec()),
        ("ForgeToken", forges::TOKEN.to_vec()),
        ("PullRequest", forges::PULL_REQUEST.to_vec()),
        ("Urgent", forges::URGENT.to_vec()),
    ]
}
