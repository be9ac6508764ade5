//! Two files joined, defaults filled in, and every reference checked.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;

use super::{
    checks::FileChecks,
    reader::Reader,
    schema::{ConfigFile, Targeting, WrittenEnvironment},
};
use crate::domain::{
    address,
    ids::EnvironmentName,
    policy::{GatePolicy, HealthyQuery},
    pull_request::Settings,
    rollout::Selector,
    suggest,
    template::{Captures, Template},
    topology::{AgentPlace, Deliver, Environment, Require, WorkloadTemplate},
};

/// A rollout that takes longer has failed, unless the environment says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_mins(15);
const SERVICE: &str = "{service}";

/// A value with the file (an index) and the path that it was read at.
#[derive(Clone, Debug)]
struct At<T> {
    file: usize,
    path: String,
    value: T,
}

/// The files' readers, in the order of the indices in [`At`]: errors are noted where their value stands.
pub(super) struct Files<'a>(pub(super) &'a [Reader]);

impl Files<'_> {
    fn error<T>(&self, at: &At<T>, message: impl Into<String>) {
        if let Some(reader) = self.0.get(at.file) {
            reader.error_at(&at.path, message);
        }
    }
}

/// One environment of both files, the later file's keys winning.
#[derive(Debug, Default)]
struct Merged {
    name: String,
    declared: Option<At<()>>,
    from: Option<At<Vec<String>>>,
    require: Option<At<String>>,
    cluster: Option<At<String>>,
    agent: Option<At<AgentPlace>>,
    targeting: MergedTargeting,
    protected: bool,
    url: Option<At<String>>,
    deliver: Option<At<String>>,
    timeout: Option<At<String>>,
}

#[derive(Clone, Debug, Default)]
struct MergedTargeting {
    namespace: Option<At<String>>,
    workload: Option<At<String>>,
    selector: Option<At<String>>,
}

/// What the files say about environments: `(defaults, path of them, environments)` per file, weakest first.
pub(super) fn environments(
    written: &[(Targeting, Vec<WrittenEnvironment>)],
    contexts: &BTreeMap<String, String>,
    files: &Files<'_>,
) -> Vec<Environment> {
    let mut defaults = MergedTargeting::default();
    let mut merged: Vec<Merged> = Vec::new();
    for (file, (targeting, environments)) in written.iter().enumerate() {
        defaults.merge(file, "defaults", targeting);
        let mut seen: Vec<&str> = Vec::new();
        for environment in environments {
            if seen.contains(&environment.name.as_str()) {
                let at = At {
                    file,
                    path: format!("{}.name", environment.path),
                    value: (),
                };
                files.error(
                    &at,
                    format!(
                        "`{}` stands in this file twice; merge the two or rename one",
                        environment.name
                    ),
                );
                continue;
            }
            seen.push(&environment.name);
            let known = merged
                .iter_mut()
                .position(|merged| merged.name == environment.name);
            if let Some(i) = known {
                merged[i].merge(file, environment);
            } else {
                let mut new = Merged {
                    name: environment.name.clone(),
                    ..Merged::default()
                };
                new.merge(file, environment);
                merged.push(new);
            }
        }
    }
    let names: Vec<&str> = merged.iter().map(|merged| merged.name.as_str()).collect();
    for environment in &merged {
        upstreams(environment, &names, files);
    }
    cycles(&merged, files);
    // Judged even where no environment falls back on them.
    template(defaults.namespace.as_ref(), files);
    defaults.workload(files);
    merged
        .iter()
        .map(|environment| environment.build(&defaults, contexts, files))
        .collect()
}

/// What the files say about gates, gate by gate, the later file's winning.
pub(super) fn gates(
    written: &[(Targeting, Vec<WrittenEnvironment>)],
) -> BTreeMap<EnvironmentName, GatePolicy> {
    let mut all: BTreeMap<EnvironmentName, GatePolicy> = BTreeMap::new();
    let environments = written.iter().flat_map(|(_, environments)| environments);
    for environment in environments {
        let Some(gates) = &environment.gates else {
            continue;
        };
        let own = all.entry(environment.name.as_str().into()).or_default();
        for (id, rule) in &gates.rules {
            own.rules.insert(id.clone(), *rule);
        }
        if gates.eligible.is_some() {
            own.eligible.clone_from(&gates.eligible);
        }
        own.soak = gates.soak.or(own.soak);
        own.together = gates.together.or(own.together);
        if gates.approvals.is_some() {
            own.approvals.clone_from(&gates.approvals);
        }
        if gates.evidence.is_some() {
            own.evidence.clone_from(&gates.evidence);
        }
        if gates.registry.is_some() {
            own.registry.clone_from(&gates.registry);
        }
        if gates.rules.contains_key("immutable") {
            (own.digest, own.pin) = (gates.digest, gates.pin);
        }
    }
    all
}

/// What the files say about checks, and the environments whose `url` the repository's file says.
pub(super) fn checks(
    written: &[(Targeting, Vec<WrittenEnvironment>)],
    places: &[ConfigFile],
) -> (BTreeMap<EnvironmentName, FileChecks>, Vec<EnvironmentName>) {
    let mut all: BTreeMap<EnvironmentName, FileChecks> = BTreeMap::new();
    let mut urls: BTreeMap<EnvironmentName, ConfigFile> = BTreeMap::new();
    for ((_, environments), place) in written.iter().zip(places) {
        for environment in environments {
            let name = EnvironmentName::from(environment.name.as_str());
            if environment.url.is_some() {
                urls.insert(name.clone(), *place);
            }
            let (before, after) = (&environment.checks, environment.verify.as_deref());
            all.entry(name).or_default().take(*place, before, after);
        }
    }
    let by_team = urls.into_iter().filter(|(_, by)| *by == ConfigFile::Team);
    (all, by_team.map(|(name, _)| name).collect())
}

/// Who knows when cells were healthy, environment by environment, the later file's word winning.
pub(super) fn healthy(
    written: &[(Targeting, Vec<WrittenEnvironment>)],
) -> BTreeMap<EnvironmentName, HealthyQuery> {
    let environments = written.iter().flat_map(|(_, environments)| environments);
    environments
        .filter_map(|it| Some((it.name.as_str().into(), it.healthy.clone()?)))
        .collect()
}

/// How pull requests are opened, environment by environment, the later file's settings winning.
pub(super) fn pull_requests(
    written: &[(Targeting, Vec<WrittenEnvironment>)],
) -> BTreeMap<EnvironmentName, Settings> {
    let environments = written.iter().flat_map(|(_, environments)| environments);
    environments
        .filter_map(|it| Some((it.name.as_str().into(), it.pull_request.clone()?)))
        .collect()
}

impl Merged {
    fn merge(&mut self, file: usize, written: &WrittenEnvironment) {
        let path = |key: &str| format!("{}.{key}", written.path);
        self.declared.get_or_insert_with(|| At {
            file,
            path: path("name"),
            value: (),
        });
        put(&mut self.from, file, path("from"), written.from.as_ref());
        put(
            &mut self.require,
            file,
            path("require"),
            written.require.as_ref(),
        );
        put(
            &mut self.cluster,
            file,
            path("cluster"),
            written.cluster.as_ref(),
        );
        put(&mut self.agent, file, path("agent"), written.agent.as_ref());
        put(&mut self.url, file, path("url"), written.url.as_ref());
        put(
            &mut self.deliver,
            file,
            path("deliver"),
            written.deliver.as_ref(),
        );
        put(
            &mut self.timeout,
            file,
            path("timeout"),
            written.timeout.as_ref(),
        );
        self.targeting
            .merge(file, &written.path, &written.targeting);
        self.protected = written.protected.unwrap_or(self.protected);
    }

    fn build(
        &self,
        defaults: &MergedTargeting,
        contexts: &BTreeMap<String, String>,
        files: &Files<'_>,
    ) -> Environment {
        if let Some(at) = &self.declared
            && self
                .name
                .chars()
                .any(|c| c.is_whitespace() || c.is_control())
        {
            files.error(
                at,
                "has a space or a control character; use letters, digits, `-`, `_`, `.` and `/`",
            );
        }
        if let Some(at) = &self.url
            && !(at.value.starts_with("https://") || at.value.starts_with("http://"))
        {
            files.error(
                at,
                format!(
                    "`{}` is no address; it starts with `https://` or `http://`",
                    at.value
                ),
            );
        }
        if let Some(at) = &self.url
            && let Some(why) = address::misread(&at.value)
        {
            files.error(at, why);
        }
        let namespace = self
            .targeting
            .namespace
            .as_ref()
            .or(defaults.namespace.as_ref());
        let context = |name: &String| contexts.get(name).unwrap_or(name).clone();
        let require = choice(
            self.require.as_ref(),
            &[("any", Require::Any), ("all", Require::All)],
            files,
        );
        Environment {
            name: EnvironmentName::from(self.name.as_str()),
            from: self.from.as_ref().map_or_else(Vec::new, |from| {
                from.value
                    .iter()
                    .map(|name| EnvironmentName::from(name.as_str()))
                    .collect()
            }),
            require,
            cluster: self.cluster.as_ref().map(|at| context(&at.value)),
            agent: self.agent.as_ref().map(|at| AgentPlace {
                cluster: context(&at.value.cluster),
                namespace: at.value.namespace.clone(),
            }),
            namespace: template(namespace, files),
            workload: self
                .targeting
                .workload(files)
                .or_else(|| defaults.workload(files))
                .unwrap_or_else(|| WorkloadTemplate::Name(template(None, files))),
            protected: self.protected,
            url: self.url.as_ref().map(|at| at.value.clone()),
            deliver: self.deliver(files),
            timeout: self.timeout(files),
        }
    }

    fn deliver(&self, files: &Files<'_>) -> Deliver {
        choice(self.deliver.as_ref(), &Deliver::NAMED, files)
    }

    fn timeout(&self, files: &Files<'_>) -> Duration {
        let Some(at) = &self.timeout else {
            return TIMEOUT;
        };
        duration(&at.value).unwrap_or_else(|| {
            files.error(
                at,
                format!(
                    "`{}` is no length of time; write one like `15m`, `90s` or `1h30m`",
                    at.value
                ),
            );
            TIMEOUT
        })
    }
}

impl MergedTargeting {
    fn merge(&mut self, file: usize, parent: &str, written: &Targeting) {
        let path = |key: &str| format!("{parent}.{key}");
        put(
            &mut self.namespace,
            file,
            path("namespace"),
            written.namespace.as_ref(),
        );
        // The two are alternatives: what a stronger file says takes the other's place.
        if written.workload.is_some() {
            self.selector = None;
        }
        if written.selector.is_some() {
            self.workload = None;
        }
        put(
            &mut self.workload,
            file,
            path("workload"),
            written.workload.as_ref(),
        );
        put(
            &mut self.selector,
            file,
            path("selector"),
            written.selector.as_ref(),
        );
    }

    fn workload(&self, files: &Files<'_>) -> Option<WorkloadTemplate> {
        if let Some(at) = &self.selector {
            let template = template(Some(at), files);
            let sample: Captures = template
                .names()
                .map(|name| (name.to_owned(), "x".to_owned()))
                .collect();
            if let Ok(text) = template.fill(&sample)
                && let Err(error) = Selector::parse(&text)
            {
                files.error(
                    at,
                    format!(
                        "`{}` is no label selector: {}; write it like `app={{service}}`",
                        at.value, error.why
                    ),
                );
            }
            return Some(WorkloadTemplate::Selector(template));
        }
        let at = self.workload.as_ref()?;
        Some(WorkloadTemplate::Name(template(Some(at), files)))
    }
}

/// A positive length of time such as `15m`.
pub fn duration(text: &str) -> Option<Duration> {
    let parsed: SignedDuration = text.parse().ok()?;
    Duration::try_from(parsed)
        .ok()
        .filter(|duration| !duration.is_zero())
}

fn put<T: Clone>(slot: &mut Option<At<T>>, file: usize, path: String, value: Option<&T>) {
    if let Some(value) = value {
        *slot = Some(At {
            file,
            path,
            value: value.clone(),
        });
    }
}

fn choice<T: Copy + Default>(
    at: Option<&At<String>>,
    choices: &[(&str, T)],
    files: &Files<'_>,
) -> T {
    let Some(at) = at else {
        return T::default();
    };
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == at.value) {
        return *choice;
    }
    let names: Vec<_> = choices
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    files.error(
        at,
        format!("`{}` is neither {}", at.value, names.join(" nor ")),
    );
    T::default()
}

fn template(at: Option<&At<String>>, files: &Files<'_>) -> Template {
    let source = at.map_or(SERVICE, |at| at.value.as_str());
    match Template::parse(source) {
        Ok(template) => template,
        Err(error) => {
            if let Some(at) = at {
                files.error(
                    at,
                    format!("{error}; a template looks like `shop-{{service}}`"),
                );
            }
            Template::literal(source)
        }
    }
}

fn upstreams(environment: &Merged, names: &[&str], files: &Files<'_>) {
    let Some(from) = &environment.from else {
        return;
    };
    for (i, name) in from.value.iter().enumerate() {
        let at = At {
            file: from.file,
            path: format!("{}[{i}]", from.path),
            value: (),
        };
        if !names.contains(&name.as_str()) {
            let hint = suggest::hint(name, names.iter().copied());
            let list: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            files.error(
                &at,
                format!(
                    "`{name}` is no declared environment{hint} (declared: {})",
                    list.join(", ")
                ),
            );
        } else if from.value[..i].contains(name) {
            files.error(&at, format!("`{name}` stands here twice; once is enough"));
        }
    }
}

/// Each cycle in `from` is told once, at its environment that comes first.
fn cycles(environments: &[Merged], files: &Files<'_>) {
    let upstream = |i: usize| -> Vec<usize> {
        let names = environments[i].from.iter().flat_map(|from| &from.value);
        names
            .filter_map(|name| environments.iter().position(|other| other.name == *name))
            .collect()
    };
    for start in 0..environments.len() {
        let mut path = vec![start];
        if !returns(
            start,
            &upstream,
            &mut path,
            &mut vec![false; environments.len()],
        ) {
            continue;
        }
        let Some(from) = &environments[start].from else {
            continue;
        };
        let names: Vec<_> = path
            .iter()
            .map(|i| environments[*i].name.as_str())
            .collect();
        files.error(
            from,
            format!(
                "is a cycle: {} → {}; versions are promoted one way, take one of these out",
                names.join(" → "),
                environments[start].name
            ),
        );
    }
}

/// Whether a way over upstreams that come no earlier than `path[0]` leads back to it; `path` is then that way.
fn returns(
    at: usize,
    upstream: &dyn Fn(usize) -> Vec<usize>,
    path: &mut Vec<usize>,
    seen: &mut Vec<bool>,
) -> bool {
    for next in upstream(at) {
        if next == path[0] {
            return true;
        }
        if next < path[0] || std::mem::replace(&mut seen[next], true) {
            continue;
        }
        path.push(next);
        if returns(next, upstream, path, seen) {
            return true;
        }
        path.pop();
    }
    false
}
