//! From the bytes of the files to a configuration, or to everything that is wrong with them.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    CheckEntry, Config, ConfigError, ConfigErrors, KeyPlace, RepositoryEntry, TEAM_FILE, checks,
    policy::{self, WrittenWindow},
    reader::Reader,
    repositories,
    schema::{self, ConfigFile, Written},
    themes,
    validate::{self, Files},
};
use crate::domain::{
    detect::Guess,
    ids::EnvironmentName,
    layout::{LayoutSet, LayoutSpec},
    notify::Notify,
    policy::{Dependency, Policy},
    source_code::SourceCode,
    template::Template,
    topology::{Deliver, Environment, Require, Topology, WorkloadTemplate},
};

/// A file's bytes and the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// `tidegate.toml`, `origin/main:tidegate.toml`, a path.
    pub name: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// What a configuration is read from.
pub struct LoadRequest<'a> {
    /// The team's file, where there is one.
    pub team: Option<SourceFile>,
    /// The user's file, where there is one.
    pub user: Option<SourceFile>,
    /// Recognises the repository's layout; asked only where no file says what it is.
    pub detect: &'a dyn Fn() -> Option<Guess>,
}

/// Reads, joins and validates.
///
/// # Errors
/// Everything that is wrong in both files, each with file, line, key and what would be right.
pub fn load(request: &LoadRequest<'_>) -> Result<Config, ConfigErrors> {
    let mut errors = Vec::new();
    let mut read = |file: &Option<SourceFile>, place| {
        let file = file.as_ref()?;
        match schema::parse(&file.name, &file.bytes, place) {
            Ok(parsed) => Some(parsed),
            Err(found) => {
                errors.extend(found);
                None
            }
        }
    };
    let team = read(&request.team, ConfigFile::Team);
    let user = read(&request.user, ConfigFile::User);
    if !errors.is_empty() {
        // A file that is no TOML says nothing; what the other one says would only mislead beside it.
        for reader in [team, user].into_iter().flatten().map(|(_, reader)| reader) {
            errors.extend(reader.into_errors());
        }
        return Err(ConfigErrors(errors));
    }
    let (written, readers): (Vec<Written>, Vec<Reader>) =
        [team, user].into_iter().flatten().unzip();
    let joined = join(written, &readers);

    let file_errors: Vec<ConfigError> = readers.into_iter().flat_map(Reader::into_errors).collect();
    if !file_errors.is_empty() {
        return Err(ConfigErrors(file_errors));
    }
    let sources = [&request.team, &request.user]
        .into_iter()
        .flatten()
        .map(|file| file.name.clone())
        .collect();
    complete(joined, sources, request)
}

/// The two files as one.
struct Joined {
    environments: Vec<Environment>,
    layouts: Vec<LayoutSpec>,
    branch: Option<String>,
    repositories: Vec<RepositoryEntry>,
    policy: Policy,
    checks: Vec<CheckEntry>,
    registries: BTreeMap<EnvironmentName, KeyPlace>,
    notify: Vec<Notify>,
    source_code: Vec<SourceCode>,
    user: super::UserSettings,
}

fn join(written: Vec<Written>, readers: &[Reader]) -> Joined {
    let mut branch = None;
    let mut user = super::UserSettings::default();
    let mut layouts: Vec<(usize, usize, LayoutSpec)> = Vec::new();
    let mut environments = Vec::new();
    let mut others = Vec::new();
    let mut windows: Vec<(usize, WrittenWindow)> = Vec::new();
    let mut dependencies: Vec<Dependency> = Vec::new();
    let mut vetoes = None;
    let mut versions = None;
    let mut notify = Vec::new();
    let mut sources = Vec::new();
    let mut places = Vec::new();
    for (file, written) in written.into_iter().enumerate() {
        branch = written.branch.or(branch);
        user = written.user;
        others.push(written.repositories);
        let own = written.layouts.into_iter().enumerate();
        // What the user's file says wins: its layouts come first.
        let own: Vec<_> = own.map(|(i, layout)| (file, i, layout)).collect();
        layouts.splice(0..0, own);
        windows.extend(written.windows.into_iter().map(|window| (file, window)));
        dependencies.extend(written.dependencies);
        vetoes = written.vetoes.or(vetoes);
        versions = written.versions.or(versions);
        notify.extend(written.notify);
        // What the user's file says comes first.
        sources.splice(0..0, written.sources);
        places.push(written.place);
        environments.push((written.defaults, written.environments));
    }
    let mut gates = validate::gates(&environments);
    let (outside, by_team) = validate::checks(&environments, &places);
    let registries = checks::registries(&environments, &places, readers);
    let pull_requests = validate::pull_requests(&environments);
    let healthy = validate::healthy(&environments);
    let environments = validate::environments(&environments, &user.clusters, &Files(readers));
    let names: Vec<EnvironmentName> = environments.iter().map(|e| e.name.clone()).collect();
    let mut checks = checks::settle(outside, &environments, &by_team, &mut gates);
    checks.extend(notify.iter().filter_map(|(_, entry)| entry.clone()));
    checks.extend(sources.iter().filter_map(|(_, entry)| entry.clone()));
    let repositories = repositories::join(&others, readers);
    policy::name_declared(&windows, &names, &Files(readers));
    if let Some(cycle) = policy::cycle(&dependencies)
        && let Some(reader) = readers.last()
    {
        let message =
            format!("is a cycle: {cycle}; each would wait for the other, take one of these out");
        reader.error_at("dependencies", message);
    }
    for (file, i, layout) in &layouts {
        if let Some(name) = &layout.repository
            && let Some(reader) = readers.get(*file)
        {
            repositories::declared(
                &repositories,
                name,
                &format!("layouts[{i}].repository"),
                reader,
            );
        }
        // One by one, so that each says what is wrong with it.
        if let Err((_, error)) = LayoutSet::compile(std::slice::from_ref(layout), &names)
            && let Some(reader) = readers.get(*file)
        {
            let key = match error.key.as_str() {
                "" => format!("layouts[{i}]"),
                key => format!("layouts[{i}].{key}"),
            };
            reader.error_at(&key, error.message);
        }
    }
    Joined {
        environments,
        layouts: layouts.into_iter().map(|(_, _, layout)| layout).collect(),
        branch,
        repositories,
        policy: Policy {
            environments: gates,
            windows: windows
                .into_iter()
                .map(|(_, written)| written.window)
                .collect(),
            dependencies,
            vetoes,
            versions,
            pull_requests,
            healthy,
        },
        checks,
        registries,
        notify: notify.into_iter().map(|(notify, _)| notify).collect(),
        source_code: sources.into_iter().map(|(source, _)| source).collect(),
        user,
    }
}

/// Fills what no file says from what the repository looks like.
fn complete(
    joined: Joined,
    sources: Vec<String>,
    request: &LoadRequest<'_>,
) -> Result<Config, ConfigErrors> {
    let failed = |message: String| {
        let file = request.team.as_ref().map_or(TEAM_FILE, |file| &file.name);
        ConfigErrors(vec![ConfigError {
            file: file.to_owned(),
            line: None,
            key: "layouts".to_owned(),
            message,
        }])
    };
    let Joined {
        mut environments,
        mut layouts,
        branch,
        repositories,
        policy,
        checks,
        registries,
        notify,
        source_code,
        user,
    } = joined;
    let mut guessed = None;
    let mut guess_in_force = None;
    let environments_guessed = layouts.is_empty() && environments.is_empty();
    if layouts.is_empty() {
        let Some(guess) = (request.detect)() else {
            return Err(failed(
                "is not there, and no common layout was recognised in the repository; say where versions are written, \
                 such as `[[layouts]]` with `preset = \"kustomize\"` and \
                 `path = \"apps/{service}/overlays/{env}/kustomization.yaml\"`"
                    .to_owned(),
            ));
        };
        guessed = Some(guess.said());
        guess_in_force = Some(Arc::new(guess.clone()));
        if environments_guessed {
            environments = guess
                .environments
                .iter()
                .map(|name| guessed_environment(name, &guess))
                .collect();
        }
        layouts = guess.layouts;
    }
    let names: Vec<EnvironmentName> = environments.iter().map(|e| e.name.clone()).collect();
    let set = LayoutSet::compile(&layouts, &names).map_err(|(i, error)| {
        failed(format!(
            "layout {}: `{}`: {}",
            i + 1,
            error.key,
            error.message
        ))
    })?;
    Ok(Config {
        topology: Topology {
            environments,
            policy,
        },
        layouts: Arc::new(set),
        layout_specs: layouts,
        branch,
        repositories,
        guessed,
        guess: guess_in_force,
        environments_guessed,
        team: request.team.as_ref().map(|file| file.name.clone()),
        checks,
        registries,
        notify,
        source_code,
        user,
        themes: themes::bundled(),
        sources,
    })
}

fn guessed_environment(name: &str, guess: &Guess) -> Environment {
    let service = Template::parse("{service}").unwrap_or_else(|_| Template::literal(""));
    Environment {
        name: name.into(),
        from: guess
            .edges
            .iter()
            .filter(|(_, to)| to == name)
            .map(|(from, _)| from.as_str().into())
            .collect(),
        require: Require::Any,
        cluster: None,
        agent: None,
        namespace: service.clone(),
        workload: WorkloadTemplate::Name(service),
        protected: false,
        url: None,
        deliver: Deliver::Push,
        timeout: validate::TIMEOUT,
    }
}
