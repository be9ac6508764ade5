//! `[environments.gates]`, `[[windows]]`, `[[dependencies]]`, `[vetoes]` and `[versions]`: what is asked of changes.

use std::{collections::BTreeSet, time::Duration};

use super::{
    checks::{self, WrittenCheck},
    reader::Table,
    validate::{self, Files},
};
use crate::domain::{
    gate, glob,
    ids::{EnvironmentName, RepoPath, ServiceName},
    plan::Level,
    policy::{
        Attestation, Dependency, Eligible, GatePolicy, Kind, Registry, Rule, VersionsFile, Window,
    },
    pull_request::Asks,
    suggest,
    version_range::VersionRange,
};

/// Keys of every gate's table.
pub(super) const RULE: [&str; 3] = ["level", "unknown", "reverts"];
/// Keys of `eligible` beside those.
pub(super) const ELIGIBLE: [&str; 2] = ["range", "prerelease"];
/// Keys of `immutable` beside those.
pub(super) const IMMUTABLE: [&str; 2] = ["digest", "pin"];
/// Keys of `soak` and `together` beside those.
pub(super) const LASTING: [&str; 1] = ["for"];
/// Keys of `approvals` beside those.
pub(super) const APPROVALS: [&str; 3] = ["need", "from", "checks"];
/// Keys of `evidence` beside those.
pub(super) const EVIDENCE: [&str; 1] = ["checks"];
/// Keys of `registry` beside those.
pub(super) const REGISTRY: [&str; 2] = ["platform", "attestation"];
/// Keys of one `[[windows]]` table.
pub(super) const WINDOW: [&str; 7] = [
    "name",
    "kind",
    "cron",
    "duration",
    "zone",
    "environments",
    "services",
];
/// Keys of one `[[dependencies]]` table.
pub(super) const DEPENDENCY: [&str; 3] = ["service", "needs", "version"];

/// Keys of `[vetoes]` and of `[versions]`.
pub(super) const OWN_FILE: [&str; 1] = ["file"];

/// A window with the path that it stands at.
#[derive(Clone, Debug)]
pub(super) struct WrittenWindow {
    pub(super) path: String,
    pub(super) window: Window,
}

/// What an environment's table says of gates; the checks among them are not settled yet.
pub(super) fn gates(table: &Table<'_>) -> Option<(GatePolicy, Vec<WrittenCheck>)> {
    let table = table.table("gates")?;
    let ids = gate::ALL.map(|gate| gate.id);
    table.refuse_others(&ids, |key| {
        let hint = suggest::hint(key, ids);
        let list: Vec<_> = ids.iter().map(|id| format!("`{id}`")).collect();
        Some(format!(
            "no such gate in this version{hint} (there are: {})",
            list.join(", ")
        ))
    });
    let mut policy = GatePolicy::default();
    let mut outside = Vec::new();
    for (id, _) in table.entries().filter(|(id, _)| ids.contains(id)) {
        if checks::CHECKS.contains(&id) {
            outside.extend(checks::checks(&table, id));
            continue;
        }
        let Some(own) = table.table(id) else {
            continue;
        };
        let beside: &[&str] = match id {
            "eligible" => &ELIGIBLE,
            "immutable" => &IMMUTABLE,
            "registry" => &REGISTRY,
            "evidence" => &EVIDENCE,
            "approvals" => &APPROVALS,
            "soak" | "together" => &LASTING,
            _ => &[],
        };
        own.refuse_others(&[&RULE[..], beside].concat(), |_| None);
        match id {
            "eligible" => policy.eligible = Some(eligible(&own)),
            "registry" => policy.registry = Some(registry(&own)),
            "approvals" => policy.approvals = approvals(&own),
            "evidence" => {
                policy.evidence = Some(named(&own, "checks", "all of them count"));
            }
            "immutable" => {
                policy.digest = own.boolean("digest").unwrap_or_default();
                policy.pin = own.boolean("pin").unwrap_or_default();
            }
            "soak" => policy.soak = lasting(&own, "24h"),
            "together" => policy.together = lasting(&own, "2h"),
            _ => {}
        }
        policy.rules.insert(id.to_owned(), rule(&own));
    }
    Some((policy, outside))
}

/// How long something has to have lasted.
fn lasting(table: &Table<'_>, example: &str) -> Option<Duration> {
    if !table.has("for") {
        table.error_here(format!(
            "does not say for how long; give it a time, such as `for = \"{example}\"`"
        ));
    }
    duration(table, "for", example)
}

fn duration(table: &Table<'_>, key: &str, example: &str) -> Option<Duration> {
    let text = table.string(key)?;
    let duration = validate::duration(&text);
    if duration.is_none() {
        table.error(
            key,
            format!("`{text}` is no length of time; write one like `{example}`, `90m` or `1h30m`"),
        );
    }
    duration
}

pub(super) fn rule(table: &Table<'_>) -> Rule {
    let levels = [
        ("hard", Level::Hard),
        ("hold", Level::Hold),
        ("warn", Level::Warn),
    ];
    Rule {
        level: one_of(table, "level", &levels),
        unknown_holds: one_of(table, "unknown", &[("hold", true), ("warn", false)]),
        reverts: table.boolean("reverts").unwrap_or_default(),
    }
}

fn eligible(table: &Table<'_>) -> Eligible {
    let asked = Eligible {
        range: range(table, "range"),
        prerelease: table.boolean("prerelease"),
    };
    if !table.has("range") && asked.prerelease != Some(false) {
        table.error_here(
            "lets every version come; say which may: `range = \">=1.0.0\"`, or `prerelease = false`",
        );
    }
    asked
}

/// The names of a list; an empty one is told, as whoever writes it means something.
fn named(table: &Table<'_>, key: &str, what: &str) -> Vec<String> {
    let names = table.strings(key).unwrap_or_default();
    if table.has(key) && names.is_empty() {
        table.error(
            key,
            format!("names nothing; leave the key out where {what}"),
        );
    }
    for (index, name) in names.iter().enumerate() {
        if name.trim().is_empty() || name.trim() != name {
            table.error(&format!("{key}[{index}]"), format!("`{name}` is no name"));
        }
    }
    names
}

/// What a pull request has to have; where it says nothing that could be had, that is told.
fn approvals(table: &Table<'_>) -> Option<Asks> {
    /// Nobody finds more.
    const MOST: u32 = 20;
    let from = named(table, "from", "anybody may approve");
    let checks = named(table, "checks", "no check is asked for");
    for (index, name) in from.iter().enumerate() {
        let bare = name.trim_start_matches('@');
        let parts = bare.split('/');
        if bare.contains(char::is_whitespace) || parts.clone().any(str::is_empty) {
            table.error(
                &format!("from[{index}]"),
                format!("`{name}` is nobody; write a person as \"alice\", a team as \"@org/team\""),
            );
        }
    }
    if !table.has("need") && (checks.is_empty() || !from.is_empty()) {
        table.error_here("does not say how many have to approve; say it, such as `need = 2`");
    }
    let need = table.number("need").map_or(Some(0), |number| {
        let whole = (1..=MOST).find(|need| (f64::from(*need) - number).abs() < f64::EPSILON);
        if whole.is_none() {
            let why = format!("`{number}` is no number of people; write one from 1 to {MOST}");
            table.error("need", why);
        }
        whole
    })?;
    let people: BTreeSet<String> = from.iter().map(|name| name.to_ascii_lowercase()).collect();
    let all = people.len();
    if !from.is_empty()
        && !from.iter().any(|name| name.contains('/'))
        && usize::try_from(need).unwrap_or(usize::MAX) > all
    {
        let why = format!("`{need}` is more than the {all} that `from` names: nothing could pass");
        table.error("need", why);
    }
    Some(Asks { need, from, checks })
}

fn registry(table: &Table<'_>) -> Registry {
    let platform = table.string("platform");
    if let Some(text) = &platform {
        let parts: Vec<&str> = text.split('/').collect();
        if !(2..=3).contains(&parts.len()) || parts.iter().any(|part| part.is_empty()) {
            table.error(
                "platform",
                format!("`{text}` is no platform; write one like `linux/amd64` or `linux/arm/v7`"),
            );
        }
    }
    let attestation = table.value("attestation").and_then(|value| {
        if value.as_str().is_some() {
            return table.string("attestation").map(Attestation::Predicate);
        }
        if value.as_bool().is_none() {
            table.wrong_type(
                "attestation",
                value,
                "`true` for any, or a predicate type such as `\"https://slsa.dev/provenance/v1\"`",
            );
        }
        (value.as_bool() == Some(true)).then_some(Attestation::Any)
    });
    Registry {
        platform,
        attestation,
    }
}

fn range(table: &Table<'_>, key: &str) -> Option<VersionRange> {
    let text = table.string(key)?;
    let range = VersionRange::parse(&text);
    range.map_err(|message| table.error(key, message)).ok()
}

pub(super) fn one_of<T: Copy>(table: &Table<'_>, key: &str, choices: &[(&str, T)]) -> Option<T> {
    let text = table.string(key)?;
    let chosen = choices.iter().find(|(name, _)| *name == text);
    if chosen.is_none() {
        let names: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        table.error(key, format!("`{text}` is neither {}", names.join(" nor ")));
    }
    chosen.map(|(_, choice)| *choice)
}

/// `[vetoes]`: where they are, as a path in the repository.
pub(super) fn vetoes(table: &Table<'_>) -> Option<RepoPath> {
    own_file(table, "vetoes.toml")
}

/// `[versions]`: the file that is kept in step.
pub(super) fn versions(table: &Table<'_>) -> Option<VersionsFile> {
    if !table.has("file") {
        let why = "has no `file`; give it one, such as `file = \"versions.json\"`";
        table.error_here(why);
    }
    let path = own_file(table, "versions.json")?;
    let known = VersionsFile::new(path.clone());
    if known.is_none() {
        let why =
            format!("`{path}` is of no form that is kept in step; name a .json, .yaml or .md file");
        table.error("file", why);
    }
    known
}

/// `file` of a table that has no other key: a path in the repository.
fn own_file(table: &Table<'_>, example: &str) -> Option<RepoPath> {
    table.refuse_others(&OWN_FILE, |_| None);
    let file = table.string("file")?;
    let is_inside = !file.is_empty()
        && !file.ends_with('/')
        && file.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_inside {
        table.error(
            "file",
            format!("`{file}` is no file of the repository; write its path from the root, such as `{example}`"),
        );
        return None;
    }
    Some(RepoPath::from(file.as_str()))
}

/// One `[[windows]]` table.
pub(super) fn window(table: &Table<'_>) -> Option<WrittenWindow> {
    table.refuse_others(&WINDOW, |_| None);
    let needed = |key: &str, example: &str| {
        if !table.has(key) {
            table.error_here(format!(
                "has no `{key}`; give it one, such as `{key} = \"{example}\"`"
            ));
        }
        table.string(key)
    };
    let name = needed("name", "no weekends");
    let kinds = [("deny", Kind::Deny), ("allow", Kind::Allow)];
    // A window of which nobody says what it does is no window.
    needed("kind", "deny");
    let kind = one_of(table, "kind", &kinds);
    let cron = needed("cron", "0 16 * * FRI");
    needed("duration", "62h");
    let duration = duration(table, "duration", "62h");
    let zone = needed("zone", "Europe/Berlin");
    let names = |key: &str| {
        let names = table.strings(key)?;
        if names.is_empty() {
            table.error(
                key,
                "names nothing; leave the key out where the window is about all of them",
            );
        }
        Some(names)
    };
    let (environments, services) = (names("environments"), names("services"));
    let (name, kind, cron, duration, zone) = (name?, kind?, cron?, duration?, zone?);
    let mut window = match Window::new(&name, kind, &cron, duration, &zone) {
        Ok(window) => window,
        Err(error) => {
            table.error(error.key, error.message);
            return None;
        }
    };
    window.environments = environments.unwrap_or(window.environments);
    window.services = services.unwrap_or(window.services);
    Some(WrittenWindow {
        path: table.path.clone(),
        window,
    })
}

/// One `[[dependencies]]` table.
pub(super) fn dependency(table: &Table<'_>) -> Option<Dependency> {
    table.refuse_others(&DEPENDENCY, |_| None);
    for key in DEPENDENCY.iter().filter(|key| !table.has(key)) {
        table.error_here(format!(
            "has no `{key}`; a dependency names `service`, `needs` and `version`"
        ));
    }
    let (service, needs) = (table.string("service")?, table.string("needs")?);
    if service == needs {
        table.error("needs", format!("`{needs}` cannot need itself"));
    }
    Some(Dependency {
        service: service.into(),
        needs: needs.into(),
        version: range(table, "version")?,
    })
}

/// A window that names environments of which none is declared would never hold: that is told.
pub(super) fn name_declared(
    windows: &[(usize, WrittenWindow)],
    environments: &[EnvironmentName],
    files: &Files<'_>,
) {
    if environments.is_empty() {
        return;
    }
    for (file, written) in windows {
        let Some(reader) = files.0.get(*file) else {
            continue;
        };
        for (index, pattern) in written.window.environments.iter().enumerate() {
            let mut names = environments.iter().map(EnvironmentName::as_str);
            if names.clone().any(|name| glob::is_match(pattern, name)) {
                continue;
            }
            let hint = suggest::hint(pattern, names.clone());
            let list: Vec<_> = names.by_ref().map(|name| format!("`{name}`")).collect();
            reader.error_at(
                &format!("{}.environments[{index}]", written.path),
                format!(
                    "`{pattern}` is no declared environment{hint} (declared: {})",
                    list.join(", ")
                ),
            );
        }
    }
}

/// Services that need each other in a circle, from the one that comes first back to it.
pub(super) fn cycle(dependencies: &[Dependency]) -> Option<String> {
    dependencies.iter().find_map(|first| {
        let mut way = vec![&first.service];
        let found = returns(dependencies, &mut way, &mut BTreeSet::new());
        let names: Vec<_> = way.iter().map(|name| name.as_str()).collect();
        found.then(|| format!("{} → {}", names.join(" → "), first.service))
    })
}

/// Whether what the last of `way` needs leads back to its first.
fn returns<'d>(
    dependencies: &'d [Dependency],
    way: &mut Vec<&'d ServiceName>,
    seen: &mut BTreeSet<&'d ServiceName>,
) -> bool {
    let last = way.last().copied();
    let needs = dependencies.iter();
    for next in needs.filter(|next| Some(&next.service) == last) {
        if way.first() == Some(&&next.needs) {
            return true;
        }
        if seen.insert(&next.needs) {
            way.push(&next.needs);
            if returns(dependencies, way, seen) {
                return true;
            }
            way.pop();
        }
    }
    false
}
