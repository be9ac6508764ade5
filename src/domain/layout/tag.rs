//! Promotion by tags: an environment follows the highest tag of its own, or of a range, so a promotion is a new tag.

use super::{LayoutSet, Origin, RefTemplate, compile::Layout};
use crate::domain::{
    desired::{Desired, DesiredCell, RefName, Tip},
    ids::{CellKey, ObjectId},
    plan::{Intent, NewTag, SkipCause},
    version::Version,
};

/// Why there is no tag to make, with a sentence.
type Refusal = (SkipCause, String);

/// The annotated tag that gives `key` its version, or why there can be none; `None` where the cell is no tag's.
/// `commit_of` says what a ref names, where it is there.
///
/// A promotion names the very commit that the upstream's tag names. Where environments follow ranges of shared tags, a
/// pre-release (`1.2.0-rc.3`) is promoted to its release (`1.2.0`). An environment follows its highest tag, so a revert
/// names the earlier commit by the next version: 1.0.0 comes back as 1.1.1.
pub fn new_tag(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    intent: &Intent,
    commit_of: &dyn Fn(&RefName) -> Option<ObjectId>,
) -> Option<Result<NewTag, Refusal>> {
    let cell = desired.cells.get(key);
    let upstream = match intent {
        Intent::Promote { from } => {
            let upstream = CellKey::new(key.service.clone(), from.clone());
            desired.cells.get(&upstream)
        }
        _ => None,
    };
    // An environment without a tag yet has no cell; its upstream tells how it would be tagged.
    let model = cell.or(upstream)?;
    let template = layouts.ref_templates().get(model.origin.refs?)?;
    if !template.is_tags() {
        return None;
    }
    let tagger = Tagger {
        layouts,
        desired,
        key,
        model,
        template,
        commit_of,
    };
    Some(match (intent, upstream) {
        (Intent::Promote { .. }, Some(upstream)) => tagger.promote(upstream),
        (Intent::Promote { from }, None) => Err((
            SkipCause::NotInUpstream,
            format!("{from} declares no version of {}", key.service),
        )),
        (Intent::Set { version }, _) => tagger.set(version),
        (
            Intent::Revert {
                to: Some(version), ..
            },
            _,
        ) => tagger.go_back(version),
        (Intent::Revert { to: None, .. }, _) => Err((
            SkipCause::NotDeclared,
            format!("{key} is a tag's, and inherits nothing"),
        )),
    })
}

struct Tagger<'a> {
    layouts: &'a LayoutSet,
    desired: &'a Desired,
    key: &'a CellKey,
    /// The cell itself, or its upstream where it has no tag yet.
    model: &'a DesiredCell,
    template: &'a RefTemplate,
    commit_of: &'a dyn Fn(&RefName) -> Option<ObjectId>,
}

impl Tagger<'_> {
    fn promote(&self, upstream: &DesiredCell) -> Result<NewTag, Refusal> {
        let named = upstream.origin.captures.get("version");
        let same_kind = upstream.origin.refs == self.model.origin.refs
            && upstream.origin.repository == self.model.origin.repository;
        let (Some(named), true, Some(tip)) = (named, same_kind, self.tip(&upstream.origin)) else {
            return Err((
                SkipCause::NotInUpstream,
                format!(
                    "{} follows tags, and what it is promoted from does not; tag the commit by hand",
                    self.key.environment
                ),
            ));
        };
        let named = Version::from(named.as_str());
        let version = if self.template.is_shared() {
            self.release(&named)?
        } else {
            named.clone()
        };
        let declared = if self.names_version(upstream) {
            Some(version.clone())
        } else {
            upstream.version.clone()
        };
        self.tag(&version, declared, tip, Some(&upstream.origin))
    }

    /// An earlier version again: its tag's commit, by a version above the one that is followed now.
    fn go_back(&self, version: &Version) -> Result<NewTag, Refusal> {
        let environment = &self.key.environment;
        let refused = |why: String| Err((SkipCause::NotDeclared, why));
        let earlier = self.name(version).and_then(|name| {
            let commit = (self.commit_of)(&name)?;
            Some((name, commit))
        });
        let Some((name, commit)) = earlier else {
            return refused(format!(
                "no tag of {environment} is called {version}, so its commit is not known; tag it by hand (git tag -a)"
            ));
        };
        let followed = self.model.origin.captures.get("version");
        let next = followed.and_then(|text| next_version(text));
        let Some(next) = next else {
            return refused(format!(
                "{environment} follows no version that has a next one; tag by hand (git tag -a)"
            ));
        };
        let from = Tip::new(name, Origin::default(), commit);
        let declared = (!self.names_version(self.model)).then(|| version.clone());
        let mut tag = self.tag(&next, declared, &from, None)?;
        tag.from = Some(from.name);
        Ok(tag)
    }

    /// The same version by hand: at the commit that another environment's tag of this version names.
    fn set(&self, version: &Version) -> Result<NewTag, Refusal> {
        let same = self.desired.tips.iter().find(|tip| {
            tip.origin.refs == self.model.origin.refs
                && tip.origin.repository == self.model.origin.repository
                && tip.origin.captures.get("version").map(String::as_str) == Some(version.as_str())
        });
        match same {
            Some(tip) if self.names_version(self.model) => {
                self.tag(version, Some(version.clone()), tip, None)
            }
            _ => Err((
                SkipCause::NotDeclared,
                format!(
                    "no environment's tag names {version}, so its commit is not known; tag it by hand: git tag -a {} COMMIT",
                    self.name(version)
                        .map_or("TAG".to_owned(), |name| name.short().to_owned())
                ),
            )),
        }
    }

    fn tag(
        &self,
        version: &Version,
        declared: Option<Version>,
        from: &Tip,
        upstream: Option<&Origin>,
    ) -> Result<NewTag, Refusal> {
        let environment = &self.key.environment;
        let current = self.desired.cells.get(self.key);
        let current_tag = current.and_then(|cell| cell.origin.captures.get("version"));
        if let Some(current_tag) = current_tag {
            let current_tag = Version::from(current_tag.as_str());
            if current_tag == *version {
                return Err((
                    SkipCause::AlreadyThere,
                    format!("{environment} declares {version} already"),
                ));
            }
            if current_tag.semver() >= version.semver() {
                return Err((
                    SkipCause::NotDeclared,
                    format!(
                        "{environment} follows its highest tag, and {current_tag} is higher than {version}"
                    ),
                ));
            }
        }
        let place = self.name(version).ok_or_else(|| {
            (
                SkipCause::NotDeclared,
                format!(
                    "`{}` gives no name for {version} in {environment}",
                    self.template.source()
                ),
            )
        })?;
        let along = match upstream {
            _ if self.template.is_shared() => self.followers(version),
            Some(upstream) => self.beside(upstream),
            None => Vec::new(),
        };
        Ok(NewTag {
            along: along
                .into_iter()
                .filter(|(cell, before, after)| cell != self.key && before != after)
                .collect(),
            place,
            commit: from.commit,
            from: upstream.map(|_| from.name.clone()),
            version: declared.unwrap_or_else(|| version.clone()),
        })
    }

    /// The release that a candidate becomes, in the target's range.
    fn release(&self, candidate: &Version) -> Result<Version, Refusal> {
        let text = candidate.as_str();
        let text = &text[..text.find(['-', '+']).unwrap_or(text.len())];
        let release = Version::from(text);
        let follows = release.semver().is_some_and(|version| {
            let spelling = self.spelling();
            self.template
                .followed_by(&version)
                .any(|name| name == spelling)
        });
        if follows {
            return Ok(release);
        }
        Err((
            SkipCause::NotDeclared,
            format!(
                "{release} is not in the range that {} follows; look at `range` of the layout",
                self.key.environment
            ),
        ))
    }

    /// Cells that follow the same tags and would be served by the new one.
    fn followers(&self, version: &Version) -> Vec<(CellKey, Option<Version>, Option<Version>)> {
        let Some(new) = version.semver() else {
            return Vec::new();
        };
        let following: Vec<&str> = self.template.followed_by(&new).collect();
        let cells = self.desired.cells.iter().filter(|(key, cell)| {
            let captures = &cell.origin.captures;
            cell.origin.refs == self.model.origin.refs
                && cell.origin.repository == self.model.origin.repository
                && key.service == self.key.service
                && captures
                    .get("env")
                    .is_some_and(|env| following.contains(&env.as_str()))
                && captures
                    .get("version")
                    .and_then(|old| Version::from(old.as_str()).semver())
                    .is_none_or(|old| old < new)
        });
        cells
            .filter(|(_, cell)| self.names_version(cell))
            .map(|(key, cell)| (key.clone(), cell.version.clone(), Some(version.clone())))
            .collect()
    }

    /// Cells that the same tag of the upstream declares: the new tag declares them too.
    fn beside(&self, upstream: &Origin) -> Vec<(CellKey, Option<Version>, Option<Version>)> {
        let cells = self.desired.cells.iter();
        cells
            .filter(|(_, cell)| cell.origin == *upstream)
            .map(|(key, cell)| {
                let target = CellKey::new(key.service.clone(), self.key.environment.clone());
                let before = self.desired.version(&target).cloned();
                (target, before, cell.version.clone())
            })
            .collect()
    }

    fn name(&self, version: &Version) -> Option<RefName> {
        let mut captures = self.model.origin.captures.clone();
        captures.insert("env".to_owned(), self.spelling());
        captures.insert("version".to_owned(), version.to_string());
        Some(RefName {
            repository: self.model.origin.repository.clone(),
            reference: self.template.fill(&captures)?,
        })
    }

    fn tip(&self, origin: &Origin) -> Option<&Tip> {
        self.desired.tips.iter().find(|tip| tip.origin == *origin)
    }

    fn layout(&self) -> Option<&Layout> {
        self.layouts.layouts.iter().find(|layout| {
            layout.spec == self.model.layout
                && layout.refs == self.model.origin.refs
                && layout.repository == self.model.origin.repository
        })
    }

    /// Whether the tag's name alone says the version.
    fn names_version(&self, cell: &DesiredCell) -> bool {
        let mut layouts = self.layouts.layouts.iter();
        layouts.any(|layout| layout.spec == cell.layout && layout.levels.is_empty())
    }

    /// The environment as the tags spell it.
    fn spelling(&self) -> String {
        let spelling = self
            .layout()
            .map(|layout| layout.spelling(&self.key.environment));
        spelling.map_or_else(|| self.key.environment.to_string(), ToOwned::to_owned)
    }
}

/// The version after `text`: the last number of a pre-release, else the patch; written as `text` is.
fn next_version(text: &str) -> Option<Version> {
    Version::from(text).semver()?;
    let text = &text[..text.find('+').unwrap_or(text.len())];
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, number) = text.split_at(text.len() - digits);
    let Ok(number) = number.parse::<u64>() else {
        return Some(Version::from(format!("{text}.1")));
    };
    Some(Version::from(format!("{head}{}", number.checked_add(1)?)))
}

#[cfg(test)]
mod tests;
