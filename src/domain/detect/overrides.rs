//! `.argocd-source-<application>.yaml`: where Argo CD and its Image Updater keep what they override of the folder that an
//! application is rendered from.
//!
//! Where such a file says the version of a cell, it is what is deployed, whatever the folder's own files say. So it is read
//! before them, under the same rows: a layout of its own in front of the one that reads the folder.

use std::collections::BTreeSet;

use super::{Evidence, Guess, settle::shares, trial::assemble};
use crate::domain::{
    desired::Desired,
    ids::{EnvironmentName, ServiceName},
    layout::LayoutSpec,
};

/// How the names of these files begin.
const BEGIN: &str = ".argocd-source-";
/// Any of them.
pub(super) const ANY: &str = ".argocd-source-*.yaml";
/// The preset that reads them.
pub(super) const PRESET: &str = "argocd-application";

/// Whether a file of this name holds overrides.
pub(super) fn is_override(file: &str) -> bool {
    let stem = file.strip_suffix(".yaml");
    stem.is_some_and(|stem| stem.starts_with(BEGIN))
}

/// Puts the overrides that stand beside what a guess reads in front of it; `desired` is what its layouts read.
pub(super) fn add(guess: &mut Guess, desired: &mut Desired, evidence: &Evidence<'_>) {
    let name = |path: &str| path.rsplit('/').next().is_some_and(is_override);
    let files: Vec<&str> = evidence
        .paths
        .iter()
        .copied()
        .filter(|path| name(path))
        .collect();
    if files.is_empty() {
        return;
    }
    let own: Vec<(LayoutSpec, usize)> = std::mem::take(&mut guess.layouts)
        .into_iter()
        .zip(std::mem::take(&mut guess.explained))
        .collect();
    let (by_themselves, own): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|(spec, _)| name(path(spec)));
    let mut found: Vec<(LayoutSpec, usize)> = Vec::new();
    for (base, _) in &own {
        let read = |spec: &LayoutSpec, files: &[&str]| {
            let (specs, files) = (std::slice::from_ref(spec), files.iter().copied());
            assemble(specs, &guess.environments, files, evidence)
        };
        let Some(known) = read(base, evidence.paths) else {
            continue;
        };
        let beside = beside(base).into_iter().find_map(|spec| {
            let cells = rows(&read(&spec, &files)?);
            let fits = |(service, environment): &(ServiceName, EnvironmentName)| {
                known.services.contains(service)
                    && guess
                        .environments
                        .iter()
                        .any(|it| *it == environment.as_str())
            };
            (!cells.is_empty() && cells.iter().all(fits)).then_some((spec, cells.len()))
        });
        if let Some(beside) = beside
            && !found.iter().any(|(spec, _)| *spec == beside.0)
        {
            found.push(beside);
        }
    }
    // Those of folders that declare nothing themselves.
    for other in by_themselves {
        let same = |(spec, _): &(LayoutSpec, usize)| path(spec) == path(&other.0);
        if !found.iter().any(same) {
            found.push(other);
        }
    }
    found.extend(own);
    (guess.layouts, guess.explained) = found.into_iter().unzip();
    // A cell that is overridden is the override's, and no longer the folder's.
    let paths = evidence.paths.iter().copied();
    if let Some(read) = assemble(&guess.layouts, &guess.environments, paths, evidence) {
        guess.explained = shares(&read, guess.layouts.len());
        *desired = read;
    }
}

/// The layouts that may read the overrides beside what `base` reads, the most special last.
fn beside(base: &LayoutSpec) -> Vec<LayoutSpec> {
    if !matches!(base.preset.as_deref(), Some("kustomize" | "helm-values"))
        && base.fallbacks.is_empty()
    {
        return Vec::new();
    }
    let (folder, _) = path(base)
        .rsplit_once('/')
        .map_or(("", path(base)), |it| it);
    let has = |text: &str, name: &str| {
        ["}", ":"]
            .iter()
            .any(|end| text.contains(&format!("{{{name}{end}")))
    };
    // The environment as the path names it, with its condition.
    let env = path(base).find("{env").and_then(|at| {
        let rest = &path(base)[at..];
        Some(&rest[..=rest.find('}')?])
    });
    let Some(env) = env else {
        return if base.refs.is_some() {
            vec![spec(base, folder, ANY)]
        } else {
            Vec::new()
        };
    };
    let service = has(path(base), "service");
    let names: Vec<String> = match (has(folder, "env"), has(folder, "service"), service) {
        (true, true, _) | (true, false, false) => vec![ANY.to_owned()],
        (true, false, true) => vec![
            format!("{BEGIN}{{service}}-{{env}}.yaml"),
            format!("{BEGIN}{{env}}-{{service}}.yaml"),
            format!("{BEGIN}{{service}}.yaml"),
        ],
        (false, _, true) => vec![
            format!("{BEGIN}{{service}}-{env}.yaml"),
            format!("{BEGIN}{env}-{{service}}.yaml"),
            format!("{BEGIN}{env}.yaml"),
        ],
        (false, _, false) => vec![
            format!("{BEGIN}*-{env}.yaml"),
            format!("{BEGIN}{env}-*.yaml"),
        ],
    };
    let has_own_folder = has(folder, "service");
    names
        .into_iter()
        .filter(|name| has_own_folder || !service || name.contains("{service}"))
        .map(|name| spec(base, folder, &name))
        .collect()
}

/// The layout of overrides called `name` in the folder of `base`, with its rows.
fn spec(base: &LayoutSpec, folder: &str, name: &str) -> LayoutSpec {
    let slash = if folder.is_empty() { "" } else { "/" };
    let path = format!("{folder}{slash}{name}");
    // Without a service in the path, images are the rows, by the last part of their names.
    let by_image = !path.contains("{service}") && base.preset.as_deref() == Some("kustomize");
    let row = match &base.row {
        Some(row) if by_image => Some(row.replace("{service}", "{image}")),
        None if by_image => Some("{image}".to_owned()),
        row => row.clone(),
    };
    LayoutSpec {
        preset: Some(PRESET.to_owned()),
        path: Some(path),
        row,
        refs: base.refs.clone(),
        env_name: base.env_name.clone(),
        alias: base.alias.clone(),
        lowercase: base.lowercase.clone(),
        ..LayoutSpec::default()
    }
}

fn path(spec: &LayoutSpec) -> &str {
    spec.path.as_deref().unwrap_or_default()
}

/// The cells that declare a version.
fn rows(desired: &Desired) -> BTreeSet<(ServiceName, EnvironmentName)> {
    let declared = desired
        .cells
        .iter()
        .filter(|(_, cell)| cell.version.is_some());
    declared
        .map(|(key, _)| (key.service.clone(), key.environment.clone()))
        .collect()
}
