//! Promotion by tags: an environment follows the highest tag of its own, or of a range, so a promotion is a new tag.

use std::collections::BTreeSet;

use super::{LayoutSet, Origin, RefTemplate, compile::Layout};
use crate::domain::{
    desired::{Desired, DesiredCell, RefName, Tip},
    grammar::shown,
    ids::{CellKey, ObjectId},
    plan::{Intent, NewTag, SkipCause, one_version_of_two},
    template::Captures,
    version::Version,
};

/// Why there is no tag to make, with a sentence.
type Refusal = (SkipCause, String);

/// A cell that moves: (cell, before, after).
type Moves = (CellKey, Option<Version>, Option<Version>);

/// What tags name and declare.
#[derive(Clone, Copy)]
pub struct Tags<'a> {
    /// What a ref names, where it is there.
    pub commit_of: &'a dyn Fn(&RefName) -> Option<ObjectId>,
    /// What a tag declares, whether it is there or is to be made; `None` where its commit cannot be read.
    pub declared: &'a dyn Fn(&Tip) -> Option<Desired>,
}

/// The annotated tag that gives `key` its version, or why there can be none; `None` where the cell is no tag's.
///
/// A promotion names the very commit that the upstream's tag names. Where environments follow ranges of shared tags, a
/// pre-release (`1.2.0-rc.3`) is promoted to its release (`1.2.0`). An environment follows its highest tag, so a revert
/// names the earlier commit by the next version: 1.0.0 comes back as 1.1.1. Where files of the tag's commit say the versions,
/// the tag's own name says nothing of them: what it will declare is read from the commit, of every environment that will
/// follow it.
pub fn new_tag(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    intent: &Intent,
    tags: Tags<'_>,
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
        tags,
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
                to: Some(version),
                at,
            },
            _,
        ) => tagger.go_back(version, *at),
        (Intent::Revert { to: None, .. }, _) => Err((
            SkipCause::NotDeclared,
            format!("{key} is a tag's, and inherits nothing"),
        )),
    })
}

/// Why no tag can be called by `version` where tags alone say what `key` declares; `None` where one can, or where that is not
/// how it is declared.
pub fn no_name(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    version: &Version,
) -> Option<String> {
    let model = desired.cells.get(key)?;
    let template = layouts.ref_templates().get(model.origin.refs?)?;
    let tagger = Tagger {
        layouts,
        desired,
        key,
        model,
        template,
        tags: Tags {
            commit_of: &|_| None,
            declared: &|_| None,
        },
    };
    let is_named = template.is_tags() && tagger.names_version(model);
    (is_named && tagger.name(version).is_none()).then(|| {
        format!(
            "{} can be no version of a tag that is called like `{}`; write one as those of today are, such as {}",
            shown(version.as_str()),
            template.source(),
            model.version.as_ref().map_or("1.2.3", Version::as_str)
        )
    })
}

struct Tagger<'a> {
    layouts: &'a LayoutSet,
    desired: &'a Desired,
    key: &'a CellKey,
    /// The cell itself, or its upstream where it has no tag yet.
    model: &'a DesiredCell,
    template: &'a RefTemplate,
    tags: Tags<'a>,
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
        let declares = if self.names_version(upstream) {
            version.clone()
        } else {
            let Some(declared) = upstream.version.clone() else {
                let environment = &self.key.environment;
                return Err((
                    SkipCause::NotInUpstream,
                    format!("what is promoted to {environment} cannot be read"),
                ));
            };
            if self.declares(&declared) {
                return Err((
                    SkipCause::AlreadyThere,
                    format!("{} declares {declared} already", self.key.environment),
                ));
            }
            declared
        };
        let from = Some(tip.name.clone());
        self.tag(&version, &declares, tip.commit, from)
    }

    /// An earlier version again: its tag's commit, by a version above the one that is followed now. Where the tag's files say
    /// the version, it is the commit that declared it: a tag that is called the same may be another.
    fn go_back(&self, version: &Version, at: Option<ObjectId>) -> Result<NewTag, Refusal> {
        let environment = &self.key.environment;
        let refused = |why: String| Err((SkipCause::NotDeclared, why));
        let is_named = self.names_version(self.model);
        let earlier = if is_named {
            let name = self.name(version);
            name.and_then(|name| Some(((self.tags.commit_of)(&name)?, Some(name))))
        } else {
            at.map(|commit| {
                let mut tips = self.desired.tips.iter();
                let tip = tips.find(|tip| tip.commit == commit && tip.name.is_tag());
                (commit, tip.map(|tip| tip.name.clone()))
            })
        };
        let Some((commit, name)) = earlier else {
            return refused(if is_named {
                format!(
                    "no tag of {environment} is called {version}, so its commit is not known; tag it by hand (git tag -a)"
                )
            } else {
                format!(
                    "which commit declared {version} is not known; name it (--to COMMIT), or tag it by hand (git tag -a)"
                )
            });
        };
        let followed = self.model.origin.captures.get("version");
        let next = followed.and_then(|text| next_version(text));
        let Some(next) = next else {
            return refused(format!(
                "{environment} follows no version that has a next one; tag by hand (git tag -a)"
            ));
        };
        if !is_named && self.declares(version) {
            return Err((
                SkipCause::AlreadyThere,
                format!("{environment} declares {version} already"),
            ));
        }
        let declares = if is_named { &next } else { version };
        self.tag(&next, declares, commit, name)
    }

    /// The same version by hand: at the commit that a tag of this version names, the environment's own or another's.
    fn set(&self, version: &Version) -> Result<NewTag, Refusal> {
        let is_named = self.names_version(self.model);
        match self.tagged(version).filter(|_| is_named) {
            Some((_, true)) => Err((SkipCause::NotDeclared, self.has_been(version))),
            Some((commit, false)) => self.tag(version, version, commit, None),
            None if !is_named => Err((
                SkipCause::NotDeclared,
                format!(
                    "{} follows tags, and files of the tagged commit say the version; commit {version} where those are made from, and tag that",
                    self.key.environment
                ),
            )),
            None => Err((
                SkipCause::NotDeclared,
                format!(
                    "no environment's tag names {version}, so its commit is not known; tag it by hand: git tag -a {} COMMIT",
                    self.name(version)
                        .map_or("TAG".to_owned(), |name| name.short().to_owned())
                ),
            )),
        }
    }

    /// The commit that some environment's tag of this version names, and whether that is the cell's own tag, which is not the
    /// one that is followed.
    fn tagged(&self, version: &Version) -> Option<(ObjectId, bool)> {
        let followed = self.model.origin.captures.get("version");
        let is_followed = followed.map(String::as_str) == Some(version.as_str());
        let named = |environment: &str| {
            let name = self.name_of(environment, version)?;
            (self.tags.commit_of)(&name)
        };
        let own = self
            .desired
            .cells
            .contains_key(self.key)
            .then_some(self.spelling());
        if let Some(commit) = own.and_then(|own| named(&own)) {
            return Some((commit, !is_followed));
        }
        let layout = self.layout();
        let mut others = self.desired.environments.iter();
        let commit = others.find_map(|other| {
            named(layout.map_or(other.as_str(), |layout| layout.spelling(other)))
        });
        commit.map(|commit| (commit, false))
    }

    /// Why a version that the environment has a tag of already does not come again by that name.
    fn has_been(&self, version: &Version) -> String {
        let CellKey {
            service,
            environment,
        } = self.key;
        let followed = self.model.origin.captures.get("version");
        let tag = self.name(version);
        format!(
            "{environment} has the tag {} already, and follows its highest one, {}: `tidegate revert {service} {environment} \
             --to {version}` names its commit by the next version",
            tag.as_ref().map_or("of it", |name| name.short()),
            followed.map_or("another", String::as_str),
        )
    }

    /// The tag `version` of `commit`, by which the cell is to declare `declares`.
    fn tag(
        &self,
        version: &Version,
        declares: &Version,
        commit: ObjectId,
        from: Option<RefName>,
    ) -> Result<NewTag, Refusal> {
        let environment = &self.key.environment;
        let refused = |why: String| Err((SkipCause::NotDeclared, why));
        let current = self.desired.cells.get(self.key);
        let current_tag = current.and_then(|cell| cell.origin.captures.get("version"));
        if let Some(current_tag) = current_tag {
            let current_tag = Version::from(current_tag.as_str());
            if current_tag == *version && self.names_version(self.model) {
                let own = current.and_then(|cell| self.tip(&cell.origin));
                if let Some(refusal) = own
                    .zip(from.as_ref())
                    .and_then(|(own, from)| one_version_of_two(own, from, commit))
                {
                    return Err(refusal);
                }
                return Err((
                    SkipCause::AlreadyThere,
                    format!("{environment} declares {version} already"),
                ));
            }
            if current_tag == *version {
                return refused(format!(
                    "{environment} has a tag {version} already, of another commit; tag by hand (git tag -a), above it"
                ));
            }
            if current_tag.semver() >= version.semver() {
                return refused(format!(
                    "{environment} follows its highest tag, and {current_tag} is higher than {version}"
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
        let moves = self.moves(version, &place, commit)?;
        let (own, along): (Vec<Moves>, Vec<Moves>) =
            moves.into_iter().partition(|(cell, ..)| cell == self.key);
        let now = match own.into_iter().next() {
            Some((_, _, after)) => after,
            None => self.desired.version(self.key).cloned(),
        };
        if now.as_ref() != Some(declares) {
            let short = commit.short();
            return refused(match now {
                Some(now) => format!(
                    "the commit {short}, which would be tagged {}, declares {now} in {environment}, not {declares}; commit {declares} there first, and tag that",
                    place.short()
                ),
                None => format!(
                    "the commit {short}, which would be tagged {}, does not give {} {declares}; commit it there first, and tag that",
                    place.short(),
                    self.key
                ),
            });
        }
        Ok(NewTag {
            along,
            place,
            commit,
            from,
            version: declares.clone(),
        })
    }

    /// Whether the cell declares the version now.
    fn declares(&self, version: &Version) -> bool {
        self.desired.version(self.key) == Some(version)
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

    /// Every cell that declares something else by the tag `place`, `version`, of `commit`: those of the environment that it is
    /// made for, and of all that follow the same tags by a range and have no higher one.
    fn moves(
        &self,
        version: &Version,
        place: &RefName,
        commit: ObjectId,
    ) -> Result<Vec<Moves>, Refusal> {
        let new = version.semver();
        let followed: Vec<String> = match &new {
            Some(new) if self.template.is_shared() => {
                let all = self.template.followed_by(new);
                all.map(ToOwned::to_owned).collect()
            }
            _ => vec![self.spelling()],
        };
        let mut moves = Vec::new();
        for environment in followed {
            let mut captures = self.model.origin.captures.clone();
            captures.insert("env".to_owned(), environment);
            captures.remove("version");
            let today = self.follows(&captures);
            let followed = today.and_then(|tip| tip.origin.captures.get("version"));
            let old = followed.and_then(|old| Version::from(old.as_str()).semver());
            if old.is_some() && old >= new {
                continue;
            }
            captures.insert("version".to_owned(), version.to_string());
            let origin = Origin {
                captures,
                ..self.model.origin.clone()
            };
            let tip = Tip::new(place.clone(), origin, commit);
            let Some(then) = (self.tags.declared)(&tip) else {
                return Err((
                    SkipCause::NotParseable,
                    format!(
                        "what the commit {} declares cannot be read, so what {} would move is not known",
                        commit.short(),
                        place.short()
                    ),
                ));
            };
            let is_of = |cell: &DesiredCell| today.is_some_and(|tip| tip.origin == cell.origin);
            let cells = self.desired.cells.iter();
            let of_today = cells.filter(|(_, cell)| is_of(cell)).map(|(key, _)| key);
            // What another ref gives stays what it is.
            let new = then.cells.keys();
            let new = new.filter(|key| self.desired.cells.get(*key).is_none_or(is_of));
            let all: BTreeSet<&CellKey> = of_today.chain(new).collect();
            for key in all {
                let before = self.desired.version(key);
                let after = then.version(key);
                if before != after {
                    moves.push((key.clone(), before.cloned(), after.cloned()));
                }
            }
        }
        Ok(moves)
    }

    /// The tag that is followed today where a tag's name captures this; the version aside.
    fn follows(&self, captures: &Captures) -> Option<&Tip> {
        self.desired.tips.iter().find(|tip| {
            let mut identity = tip.origin.captures.clone();
            identity.remove("version");
            tip.origin.refs == self.model.origin.refs
                && tip.origin.repository == self.model.origin.repository
                && identity == *captures
        })
    }

    fn name(&self, version: &Version) -> Option<RefName> {
        self.name_of(&self.spelling(), version)
    }

    /// The tag by which an environment, as tags spell it, gets `version`.
    fn name_of(&self, environment: &str, version: &Version) -> Option<RefName> {
        let mut captures = self.model.origin.captures.clone();
        captures.insert("env".to_owned(), environment.to_owned());
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
