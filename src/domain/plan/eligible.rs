//! Whether a cell can be promoted at all, before gates are asked and bytes are looked at. The console's keys, batches and
//! commands all ask here.

use std::cmp::Ordering;

use super::SkipCause;
use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, EnvironmentName},
    subject::Subject,
    topology::Topology,
    version::Version,
};

type Refusal = (SkipCause, String);

/// The version that `key` gets when it is promoted from `from`.
///
/// # Errors
/// Why there is none.
pub fn incoming<'a>(
    desired: &'a Desired,
    key: &CellKey,
    from: &EnvironmentName,
) -> Result<&'a Version, Refusal> {
    let upstream = CellKey::new(key.service.clone(), from.clone());
    desired
        .version(&upstream)
        .ok_or_else(|| nothing_upstream(desired, &upstream))
}

/// Why a cell that declares `version` does not get it.
pub fn already_there(key: &CellKey, version: &Version) -> Refusal {
    let detail = format!("{} declares {version} already", key.environment);
    (SkipCause::AlreadyThere, detail)
}

/// The upstream that `key` is promoted from: the first one with another version that is not an older one.
///
/// # Errors
/// Why it has none.
pub fn upstream_for<'a>(
    desired: &Desired,
    topology: &'a Topology,
    key: &CellKey,
) -> Result<&'a EnvironmentName, Refusal> {
    let Some(cell) = desired.cells.get(key) else {
        let detail = format!(
            "not declared in {}; add its file, or a layout that names it",
            key.environment
        );
        return Err((SkipCause::NotDeclared, detail));
    };
    let environment = topology.get(&key.environment);
    let from = environment.map_or(&[][..], |environment| &environment.from);
    let mut refused = None;
    for upstream in from {
        let refusal = match (incoming(desired, key, upstream), &cell.version) {
            (Ok(theirs), Some(own)) if theirs == own => already_there(key, own),
            (Ok(theirs), Some(own)) if is_ahead(cell, theirs) => (
                SkipCause::Ahead,
                format!("{own} is newer than {theirs} in {upstream}"),
            ),
            (Ok(_), _) => return Ok(upstream),
            (Err(refusal), _) => refusal,
        };
        // The first that has a version says why, else the first.
        match &refused {
            Some((SkipCause::NotInUpstream | SkipCause::NotParseable, _)) | None => {
                refused = Some(refusal);
            }
            Some(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| {
        let detail = format!(
            "{} has no upstream (`from`) to promote from; set a version by hand",
            key.environment
        );
        (SkipCause::NotInUpstream, detail)
    }))
}

/// Whether what a cell declares orders above `other`. A setting has no order: more is not newer.
pub fn is_ahead(cell: &DesiredCell, other: &Version) -> bool {
    let own = cell.version.as_ref();
    cell.subject != Subject::Setting && own.is_some_and(|own| is_above(own, other))
}

/// Whether `own` orders above `other`: both are `SemVer`, else nothing is known by their text.
pub fn is_above(own: &Version, other: &Version) -> bool {
    own.compare(other) == Some(Ordering::Greater)
}

/// Why there is no version upstream: the file's own fault goes before its absence.
fn nothing_upstream(desired: &Desired, upstream: &CellKey) -> Refusal {
    let CellKey {
        service,
        environment,
    } = upstream;
    let cell = desired.cells.get(upstream);
    let files = cell.map_or(&[][..], |cell| &cell.files);
    let of_cell = |path: &Option<_>| path.as_ref().is_some_and(|path| files.contains(path));
    let problem = desired.problems.iter().find(|it| of_cell(&it.path));
    if let Some(problem) = problem {
        let path = problem.path.as_ref().map_or("", |path| path.as_str());
        let place = match problem.line {
            Some(line) => format!("{path}:{line}"),
            None => path.to_owned(),
        };
        let detail = format!(
            "{environment} declares no version of {service} that can be read: {place}: {}",
            problem.message
        );
        return (SkipCause::NotParseable, detail);
    }
    let place = match files.first() {
        Some(path) => format!("{path}: "),
        None => String::new(),
    };
    let detail = format!(
        "{place}{environment} declares no version of {service}; give it one there first, or set one by hand"
    );
    (SkipCause::NotInUpstream, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::ObjectId,
        problem::Problem,
        template::Template,
        topology::{Deliver, Environment, Require, WorkloadTemplate},
    };

    fn environment(name: &str, from: &[&str]) -> Environment {
        let template = || Template::literal("x");
        Environment {
            name: name.into(),
            from: from.iter().map(|name| (*name).into()).collect(),
            require: Require::Any,
            cluster: None,
            namespace: template(),
            workload: WorkloadTemplate::Name(template()),
            protected: false,
            url: None,
            deliver: Deliver::Push,
            timeout: std::time::Duration::from_mins(1),
        }
    }

    /// `environment=version …` of one service; `-` declares nothing, `!` cannot be read.
    fn desired(cells: &str) -> Desired {
        let cells: Vec<(&str, &str)> = cells
            .split_whitespace()
            .filter_map(|cell| cell.split_once('='))
            .collect();
        let broken = cells.iter().filter(|(_, version)| *version == "!");
        Desired {
            commit: ObjectId::new([1; 20]),
            tips: Vec::new(),
            services: vec!["api".into()],
            environments: Vec::new(),
            problems: broken
                .map(|(name, _)| Problem::file(format!("{name}.yaml"), Some(3), "is no YAML"))
                .collect(),
            cells: cells
                .iter()
                .map(|(name, version)| {
                    let cell = DesiredCell {
                        version: (!"-!".contains(*version)).then(|| (*version).into()),
                        files: vec![format!("{name}.yaml").into()],
                        ..DesiredCell::default()
                    };
                    (CellKey::new("api", *name), cell)
                })
                .collect(),
        }
    }

    #[test]
    fn which_upstream_or_why_none() {
        let topology = Topology {
            environments: vec![
                environment("dev", &[]),
                environment("stage", &["dev"]),
                environment("prod", &["stage", "hot"]),
            ],
        };
        let cases = [
            ("stage=2 prod=1", "prod", "stage"),
            ("stage=2 prod=-", "prod", "stage"),
            ("stage=b prod=a", "prod", "stage"),
            ("stage=1 hot=3 prod=1", "prod", "hot"),
            ("stage=1 hot=3 prod=2", "prod", "hot"),
            (
                "stage=1 prod=1",
                "prod",
                "already-there: prod declares 1 already",
            ),
            (
                "stage=1 prod=2",
                "prod",
                "ahead: 2 is newer than 1 in stage",
            ),
            (
                "stage=1 hot=2 prod=2",
                "prod",
                "ahead: 2 is newer than 1 in stage",
            ),
            (
                "stage=2",
                "prod",
                "not-declared: not declared in prod; add its file, or a layout that names it",
            ),
            (
                "dev=1",
                "dev",
                "not-in-upstream: dev has no upstream (`from`) to promote from; set a version by hand",
            ),
            (
                "prod=1",
                "prod",
                "not-in-upstream: hot declares no version of api; give it one there first, or set one by hand",
            ),
            (
                "dev=- stage=1",
                "stage",
                "not-in-upstream: dev.yaml: dev declares no version of api; give it one there first, or set one by hand",
            ),
            (
                "dev=! stage=1",
                "stage",
                "not-parseable: dev declares no version of api that can be read: dev.yaml:3: is no YAML",
            ),
            (
                "stage=! hot=1 prod=1",
                "prod",
                "already-there: prod declares 1 already",
            ),
        ];
        for (cells, environment, expected) in cases {
            let key = CellKey::new("api", environment);
            let found = match upstream_for(&desired(cells), &topology, &key) {
                Ok(upstream) => upstream.to_string(),
                Err((cause, detail)) => format!("{}: {detail}", cause.as_str()),
            };
            assert_eq!(found, expected, "{cells} {environment}");
        }
    }
}
