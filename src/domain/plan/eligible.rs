//! Whether a cell can be promoted at all, before gates are asked and bytes are looked at. The console's keys, batches and
//! commands all ask here.

use std::cmp::Ordering;

use super::SkipCause;
use crate::domain::{
    desired::{Desired, DesiredCell, RefName, Tip},
    ids::{CellKey, EnvironmentName, ObjectId},
    image,
    problem::{Problem, Unreadable},
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
    let version = desired
        .version(&upstream)
        .ok_or_else(|| nothing_upstream(desired, &upstream))?;
    let cell = desired.cells.get(&upstream);
    match cell.and_then(|cell| cell.conflict.as_deref()) {
        None => Ok(version),
        Some(problem) => {
            let detail = format!("{}; neither of them is promoted", problem.sentence());
            Err((SkipCause::Conflict, detail))
        }
    }
}

/// Whether a cell declares `version`, and nothing else beside it.
pub fn declares(cell: &DesiredCell, version: &Version) -> bool {
    cell.version.as_ref() == Some(version) && cell.conflict.is_none()
}

/// The same, with or without a digest of it: a promotion takes none away.
pub fn declares_or_pins(cell: &DesiredCell, version: &Version) -> bool {
    let own = cell.version.as_ref();
    cell.conflict.is_none() && own.is_some_and(|own| image::is_or_pins(own, version))
}

/// Why a cell that declares `version` does not get it.
pub fn already_there(key: &CellKey, version: &Version) -> Refusal {
    let detail = format!("{} declares {version} already", key.environment);
    (SkipCause::AlreadyThere, detail)
}

/// That the tags of a cell and of its upstream say one version by their names, and name two commits: the version is there, what
/// it stands for upstream is not.
fn two_commits(desired: &Desired, key: &CellKey, upstream: &EnvironmentName) -> Option<Refusal> {
    let upstream = CellKey {
        service: key.service.clone(),
        environment: upstream.clone(),
    };
    let tip = |key: &CellKey| {
        let cell = desired.cells.get(key)?;
        let mut tips = desired.tips.iter();
        let tip = tips.find(|tip| tip.origin == cell.origin && tip.name.is_tag())?;
        cell.sources.is_empty().then_some(tip)
    };
    let theirs = tip(&upstream)?;
    one_version_of_two(tip(key)?, &theirs.name, theirs.commit)
}

/// Why a tag does not come to `commit`, which another tag of the same version names; `None` where both name the same one.
pub fn one_version_of_two(own: &Tip, other: &RefName, commit: ObjectId) -> Option<Refusal> {
    (own.commit != commit).then(|| {
        let (own_name, other) = (own.name.short(), other.short());
        let detail = format!(
            "{own_name} and {other} are one version by their names, and two commits, {} and {}; tag the commit of {other} by the \
             next version",
            own.commit.short(),
            commit.short(),
        );
        (SkipCause::Conflict, detail)
    })
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
            (Ok(theirs), Some(own)) if declares_or_pins(cell, theirs) => {
                two_commits(desired, key, upstream).unwrap_or_else(|| already_there(key, own))
            }
            (Ok(theirs), Some(own)) if is_ahead(cell, theirs) => (
                SkipCause::Ahead,
                format!("{own} is newer than {theirs} in {upstream}"),
            ),
            (Ok(_), _) => return Ok(upstream),
            (Err(refusal), _) => refusal,
        };
        // The first that has a version says why, else the first.
        match &refused {
            Some((
                SkipCause::NotInUpstream | SkipCause::NotParseable | SkipCause::Encrypted,
                _,
            ))
            | None => {
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

/// Why there is no version upstream: what hides it goes before its absence.
fn nothing_upstream(desired: &Desired, upstream: &CellKey) -> Refusal {
    let CellKey {
        service,
        environment,
    } = upstream;
    if let Some(problem) = desired.unread(upstream) {
        let (cause, why) = unreadable(problem);
        let detail =
            format!("{environment} declares no version of {service} that can be read: {why}");
        return (cause, detail);
    }
    let cell = desired.cells.get(upstream);
    let place = match cell.and_then(|cell| cell.files.first()) {
        Some(path) => format!("{path}: "),
        None => String::new(),
    };
    let detail = format!(
        "{place}{environment} declares no version of {service}; give it one there first, or set one by hand"
    );
    (SkipCause::NotInUpstream, detail)
}

/// Why a version that `problem` hides is neither copied nor written over.
pub fn unreadable(problem: &Problem) -> Refusal {
    let cause = match problem.hides.map(|hides| hides.why) {
        Some(Unreadable::Encrypted) => SkipCause::Encrypted,
        _ => SkipCause::NotParseable,
    };
    (cause, problem.sentence())
}

/// Why there is nothing to go back to in a cell whose past, as far as it is known, holds one version or none.
///
/// `absent` says what is wrong with the file of a cell that is not there; `only` is the version that it has had, if any;
/// `early` says why what was before that is not known ([`crate::domain::history::ends_early`]).
pub fn nothing_before(
    desired: &Desired,
    key: &CellKey,
    absent: Option<Refusal>,
    only: Option<&Version>,
    early: Option<&str>,
) -> Refusal {
    let CellKey {
        service,
        environment,
    } = key;
    let set = format!("`tidegate set {service} {environment} VERSION` writes any version");
    let cell = desired.cells.get(key);
    let hidden = cell.and_then(|cell| cell.unread.as_deref());
    if let Some((cause, why)) = hidden.map(unreadable).or(absent.filter(|_| cell.is_none())) {
        let none = "no version of it that could be read is known, so there is none to go back to";
        return (cause, format!("{why}; {none}"));
    }
    let place = cell.and_then(|cell| {
        let source = cell.sources.first();
        let source = source.map(|source| format!("{}:{}: ", source.path, source.line));
        source.or_else(|| Some(format!("{}: ", cell.files.first()?)))
    });
    let place = place.unwrap_or_default();
    let detail = match (cell, only, early) {
        (_, _, Some(why)) => format!("{place}{key} has no earlier value that is known: {why}"),
        (_, Some(version), None) => format!(
            "{place}{key} has no earlier value to go back to: it has had one value only, {version}; {set}"
        ),
        (Some(_), None, None) => format!(
            "{place}{key} declares no version and never did, so there is none to go back to; {set}"
        ),
        (None, None, None) => format!(
            "{key} is not declared and never was, so there is nothing to go back to; add its file, or a layout that names it"
        ),
    };
    (SkipCause::NotDeclared, detail)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{ids::ObjectId, topology::Environment};

    /// `environment=version …` of one service; `-` declares nothing, `!` cannot be read, `*` is encrypted, `1|2` says both. Each file has a
    /// problem of another row, which is nobody's reason.
    fn desired(cells: &str) -> Desired {
        let cells: Vec<(&str, &str)> = cells
            .split_whitespace()
            .filter_map(|cell| cell.split_once('='))
            .collect();
        let problem = |name: &str, version: &str| {
            let problem = Problem::file(format!("{name}.yaml"), Some(3), "is no YAML");
            match version {
                "!" => Some(Arc::new(problem.hiding_all(Unreadable::NotParseable))),
                "*" => Some(Arc::new(problem.hiding(Unreadable::Encrypted))),
                _ => None,
            }
        };
        let other = |name: &str| {
            Problem::file(format!("{name}.yaml"), Some(1), "another row's template")
                .hiding(Unreadable::Template)
        };
        Desired {
            vetoes: crate::domain::policy::veto::Vetoes::default(),
            commit: ObjectId::new([1; 20]),
            tips: Vec::new(),
            services: vec!["api".into()],
            environments: Vec::new(),
            problems: cells.iter().map(|(name, _)| other(name)).collect(),
            cells: cells
                .iter()
                .map(|(name, version)| {
                    let (version, other) = version.split_once('|').unwrap_or((version, ""));
                    let conflict = || Problem::file(format!("{name}.yaml"), Some(2), "differs");
                    let cell = DesiredCell {
                        conflict: (!other.is_empty()).then(|| Arc::new(conflict())),
                        version: (!"-!*".contains(version)).then(|| version.into()),
                        unread: problem(name, version),
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
                Environment::plain("dev", &[]),
                Environment::plain("stage", &["dev"]),
                Environment::plain("prod", &["stage", "hot"]),
            ],
            ..Topology::default()
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
                "dev=* stage=1",
                "stage",
                "encrypted: dev declares no version of api that can be read: dev.yaml:3: is no YAML",
            ),
            (
                "stage=* hot=1 prod=1",
                "prod",
                "already-there: prod declares 1 already",
            ),
            (
                "stage=1|2 prod=0",
                "prod",
                "conflict: stage.yaml:2: differs; neither of them is promoted",
            ),
            (
                "stage=1 prod=1@sha256:a",
                "prod",
                "already-there: prod declares 1@sha256:a already",
            ),
            ("stage=1@sha256:a prod=1", "prod", "stage"),
            ("stage=1|2 hot=1 prod=0", "prod", "hot"),
            ("stage=1 prod=1|2", "prod", "stage"),
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

    #[test]
    fn why_there_is_nothing_to_go_back_to() {
        let absent = (SkipCause::NotParseable, "prod.yaml is a link".to_owned());
        type Case<'a> = (&'a str, Option<&'a Refusal>, Option<&'a str>, bool, &'a str);
        let early = |cut: bool| cut.then_some("the layout changed");
        let cases: [Case<'_>; 8] = [
            (
                "prod=1",
                None,
                Some("1"),
                false,
                "not-declared: prod.yaml: api / prod has no earlier value to go back to: it has \
             had one value only, 1; `tidegate set api prod VERSION` writes any version",
            ),
            (
                "prod=1",
                Some(&absent),
                Some("1"),
                false,
                "not-declared: prod.yaml: api / prod has no earlier value to go back to: it has \
             had one value only, 1; `tidegate set api prod VERSION` writes any version",
            ),
            (
                "prod=1",
                None,
                Some("1"),
                true,
                "not-declared: prod.yaml: api / prod has no earlier value that is known: the \
             layout changed",
            ),
            (
                "prod=-",
                None,
                None,
                false,
                "not-declared: prod.yaml: api / prod declares no version and never did, so there is \
             none to go back to; `tidegate set api prod VERSION` writes any version",
            ),
            (
                "prod=!",
                None,
                None,
                false,
                "not-parseable: prod.yaml:3: is no YAML; no version of it that could be read is \
             known, so there is none to go back to",
            ),
            (
                "prod=*",
                None,
                None,
                true,
                "encrypted: prod.yaml:3: is no YAML; no version of it that could be read is known, so \
             there is none to go back to",
            ),
            (
                "dev=1",
                Some(&absent),
                None,
                false,
                "not-parseable: prod.yaml is a link; no version of it that could be read is \
             known, so there is none to go back to",
            ),
            (
                "dev=1",
                None,
                None,
                false,
                "not-declared: api / prod is not declared and never was, so there is nothing to go \
             back to; add its file, or a layout that names it",
            ),
        ];
        let key = CellKey::new("api", "prod");
        for (cells, absent, only, cut, expected) in cases {
            let only = only.map(Version::from);
            let (cause, detail) = nothing_before(
                &desired(cells),
                &key,
                absent.cloned(),
                only.as_ref(),
                early(cut),
            );
            assert_eq!(format!("{}: {detail}", cause.as_str()), expected, "{cells}");
        }
    }
}
