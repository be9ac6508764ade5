//! What was in effect before a commit, and what of it is a cell of today.

use std::sync::Arc;

use crate::{
    config::Config,
    domain::{
        desired::{Desired, Tip},
        history::{Moved, ValueChange},
        ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
        layout::{LayoutSet, Origin},
    },
    workflow::Project,
};

/// The configuration of an earlier commit.
pub(super) struct Earlier {
    /// The session as it would have been.
    pub(super) project: Project,
    /// The ref there, as the layouts of then read it.
    pub(super) line: Tip,
    pub(super) view: Arc<LayoutSet>,
    pub(super) names: Vec<EnvironmentName>,
    pub(super) desired: Desired,
}

/// What was in effect before a commit.
pub(super) enum Then {
    /// The same layouts: what they do not find was not there.
    Same,
    /// Other layouts, and what they read there.
    Other(Box<Earlier>),
    /// Nobody knows.
    Unknown(String),
    /// Nobody wants to know any more.
    Unwanted,
}

impl Earlier {
    /// What the layouts of then read beside this ref: other refs, other repositories.
    pub(super) fn elsewhere(&self) -> Option<String> {
        let layouts = &self.project.config.layouts;
        let own = &self.line.origin;
        let templates = layouts.ref_templates().iter().enumerate();
        let repositories = layouts.repositories();
        let of = |repository: &Option<Arc<str>>| {
            let named = repository.as_deref();
            let is_here = *repository == own.repository;
            let mut refs = templates.clone().filter(|(index, _)| {
                layouts.reads(named, Some(*index)) && !(is_here && own.refs == Some(*index))
            });
            let template = refs
                .next()
                .map(|(_, template)| format!("`{}`", template.source()));
            let base = || (!is_here).then(|| "files".to_owned());
            let of = named.map_or(String::new(), |name| format!(" of {name}"));
            Some(template.or_else(base)? + &of)
        };
        repositories.iter().find_map(of)
    }

    /// Why a cell that is not here may have been here under another name; `None` where it was not. `stays` says what the
    /// layouts of then declare after the commit: what is there still came under no other name, it was copied.
    pub(super) fn lost(
        &self,
        key: &CellKey,
        names: &[EnvironmentName],
        commit: ObjectId,
        stays: &dyn Fn() -> Option<Desired>,
    ) -> Option<String> {
        let at = commit.short();
        if let Some(problem) = self.desired.unread(key) {
            return Some(format!(
                "what stood there before {at} cannot be read: {}",
                problem.sentence()
            ));
        }
        if let Some(elsewhere) = self
            .elsewhere()
            .filter(|_| self.names.contains(&key.environment))
        {
            return Some(format!(
                "the layouts that were in effect before {at} read {elsewhere} too, and whether {key} stood there is not looked at"
            ));
        }
        let known = self.desired.cells.keys().map(|key| &key.service);
        let mut known = known.chain(&self.desired.services);
        if self.names.contains(&key.environment) || !known.any(|name| *name == key.service) {
            return None;
        }
        let cell = |name: &EnvironmentName| CellKey::new(key.service.clone(), name.clone());
        let had =
            |desired: &Desired, name: &EnvironmentName| desired.cells.contains_key(&cell(name));
        let gone = self.names.iter().filter(|name| !names.contains(name));
        let mut gone: Vec<&EnvironmentName> =
            gone.filter(|name| had(&self.desired, name)).collect();
        if !gone.is_empty()
            && let Some(after) = stays()
        {
            gone.retain(|name| !had(&after, name));
        }
        let gone: Vec<&str> = gone.into_iter().map(EnvironmentName::as_str).collect();
        (!gone.is_empty()).then(|| {
            format!(
                "{at} brought the environment {} and took {} away: whether it is the same under another name is not known",
                key.environment,
                gone.join(", ")
            )
        })
    }
}

/// Whether a configuration reads otherwise than a session does.
pub(super) fn is_other(config: &Config, project: &Project) -> bool {
    config.layouts.fingerprint() != project.config.layouts.fingerprint()
}

/// What a ref that is seen by `view` is for other layouts; `None` where they do not read it.
pub(super) fn origin_in(layouts: &LayoutSet, view: &LayoutSet, origin: &Origin) -> Option<Origin> {
    let template = origin
        .refs
        .and_then(|index| view.ref_templates().get(index));
    let same = template.and_then(|template| {
        let mut others = layouts.ref_templates().iter();
        let refs = others.position(|other| other.source() == template.source())?;
        Some(Origin {
            refs: Some(refs),
            ..origin.clone()
        })
    });
    same.or_else(|| layouts.reads(None, None).then(Origin::default))
}

/// The file that a cell's version stands in; `None` where it has none.
pub(super) fn place(desired: &Desired, key: &CellKey) -> Option<RepoPath> {
    let cell = desired.cells.get(key)?;
    cell.version.as_ref()?;
    let source = cell.sources.first().map(|source| &source.path);
    source.or(cell.files.first()).cloned()
}

/// A change of a walk that began so many commits below the tip.
pub(super) fn deepen(change: &mut ValueChange, by: u32) {
    change.depth += by;
    if let Some(moved) = &mut change.moved {
        Arc::make_mut(moved).depth += by;
    }
}

/// A cell's oldest value and what stood before it in the file `from`: the same value moved, and is told as one with the
/// older; another one was replaced.
pub(super) fn join(
    mut newer: ValueChange,
    mut older: ValueChange,
    from: RepoPath,
) -> (Option<ValueChange>, ValueChange) {
    let moved = newer.moved.take().unwrap_or_else(|| {
        Arc::new(Moved {
            from,
            landed: Arc::clone(&newer.landed),
            authored: Arc::clone(&newer.authored),
            depth: newer.depth,
        })
    });
    if newer.version == older.version {
        older.moved = Some(moved);
        return (None, older);
    }
    newer.moved = Some(moved);
    newer.previous.clone_from(&older.version);
    (Some(newer), older)
}
