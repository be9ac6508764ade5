//! Ref templates: branches per environment, tags per environment, tags shared by environments that each follow a range.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use super::{LayoutError, Origin, pattern::Pattern};
use crate::domain::{template::Captures, version::Version, version_range::VersionRange};

/// A compiled `refs = "refs/heads/{env}"`, with the ranges that environments follow.
#[derive(Debug)]
pub struct RefTemplate {
    pattern: Pattern,
    ranges: BTreeMap<String, VersionRange>,
    /// The only values of `{env}` that are read; empty: any. A feature branch is no environment.
    declared: Vec<String>,
}

/// A ref that environments are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedRef {
    /// Its full name.
    pub reference: String,
    /// What files and versions of it are read with.
    pub origin: Origin,
}

impl RefTemplate {
    /// Compiles `source`; `environments` are the spellings that `$envs` stands for.
    pub fn compile(source: &str, environments: &[&str]) -> Result<Self, LayoutError> {
        Self::with_ranges(source, environments, &BTreeMap::new())
    }

    /// The same with `range = { staging = ">=1.0.0-rc.0" }`: tags without an environment, shared by those that follow them.
    pub fn with_ranges(
        source: &str,
        environments: &[&str],
        ranges: &BTreeMap<String, String>,
    ) -> Result<Self, LayoutError> {
        if !source.starts_with("refs/") {
            let name = source
                .trim_start_matches("heads/")
                .trim_start_matches("tags/");
            return Err(LayoutError::new(
                "refs",
                format!(
                    "`{source}` is not a full name; write `refs/heads/{name}` for branches or `refs/tags/{name}` for tags"
                ),
            ));
        }
        let pattern = Pattern::compile(source, environments)
            .map_err(|message| LayoutError::new("refs", message))?;
        let names = pattern.names();
        let captures = |name: &str| names.iter().any(|known| &**known == name);
        if !ranges.is_empty() && (!captures("version") || captures("env")) {
            return Err(LayoutError::new(
                "range",
                "`range` needs tags that name a version and no environment: `refs = \"refs/tags/{version:semver}\"`",
            ));
        }
        let ranges = ranges
            .iter()
            .map(|(environment, text)| {
                let range = VersionRange::parse(text)
                    .map_err(|message| LayoutError::new(format!("range.{environment}"), message))?;
                Ok((environment.clone(), range))
            })
            .collect::<Result<_, LayoutError>>()?;
        Ok(Self {
            pattern,
            ranges,
            declared: Vec::new(),
        })
    }

    /// Reads refs of these environments only, by their spellings in the repository: a branch or tag of any other name is
    /// no column. Without any, each ref that matches is read.
    #[must_use]
    pub fn of_declared(mut self, spellings: &[&str]) -> Self {
        self.declared = spellings.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// As the configuration wrote it.
    pub fn source(&self) -> &str {
        self.pattern.source()
    }

    /// Whether it names tags rather than branches.
    pub fn is_tags(&self) -> bool {
        self.source().starts_with("refs/tags/")
    }

    /// The part before the first capture: `refs/heads/env/`. Every ref that matches begins so.
    pub fn prefix(&self) -> &str {
        let source = self.source();
        &source[..source.find('{').unwrap_or(source.len())]
    }

    /// The full name of the ref with these captures; `None` where one is missing or the name would be read otherwise.
    pub fn fill(&self, captures: &Captures) -> Option<String> {
        let bindings = captures
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let name = self.pattern.fill(&bindings)?;
        self.matches(&name).is_some().then_some(name)
    }

    /// The environments that follow a range of shared tags, and are served by `version`.
    pub fn followed_by(&self, version: &semver::Version) -> impl Iterator<Item = &str> {
        self.ranges
            .iter()
            .filter(|(_, range)| range.contains(version))
            .map(|(name, _)| name.as_str())
    }

    /// Whether its tags are shared by environments that each follow a range.
    pub fn is_shared(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// The captures of a full ref name (`refs/heads/prod`), or `None` where it does not match.
    pub fn matches(&self, reference: &str) -> Option<Captures> {
        let found = self.pattern.matches(reference)?;
        Some(
            found
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_owned()))
                .collect(),
        )
    }

    /// The refs to read: every branch that matches; of tags with a `{version}` the highest `SemVer` of each
    /// environment, or of each range. `index` is this template's place in
    /// [`LayoutSet::ref_templates`](super::LayoutSet::ref_templates).
    pub fn select<'r>(
        &self,
        index: usize,
        references: impl IntoIterator<Item = &'r str>,
    ) -> Vec<SelectedRef> {
        let mut best: BTreeMap<Captures, (Option<semver::Version>, SelectedRef)> = BTreeMap::new();
        for reference in references {
            let Some(captures) = self.matches(reference) else {
                continue;
            };
            let version = captures
                .get("version")
                .and_then(|text| Version::from(text.as_str()).semver());
            for captures in self.followers(captures, version.as_ref()) {
                if !self.is_declared(&captures) {
                    continue;
                }
                let mut identity = captures.clone();
                identity.remove("version");
                let selected = SelectedRef {
                    reference: reference.to_owned(),
                    origin: Origin {
                        refs: Some(index),
                        captures,
                        ..Origin::default()
                    },
                };
                match best.entry(identity) {
                    Entry::Vacant(free) => {
                        free.insert((version.clone(), selected));
                    }
                    Entry::Occupied(mut taken) if taken.get().0 < version => {
                        taken.insert((version.clone(), selected));
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
        best.into_values().map(|(_, selected)| selected).collect()
    }

    fn is_declared(&self, captures: &Captures) -> bool {
        let Some(environment) = captures.get("env") else {
            return true;
        };
        self.declared.is_empty() || self.declared.contains(environment)
    }

    /// The captures of each environment that a ref may decide: of its own, or of every range that it is in.
    fn followers(&self, captures: Captures, version: Option<&semver::Version>) -> Vec<Captures> {
        if self.ranges.is_empty() {
            return vec![captures];
        }
        let following = self
            .ranges
            .iter()
            .filter(|(_, range)| version.is_some_and(|version| range.contains(version)));
        following
            .map(|(environment, _)| {
                let mut captures = captures.clone();
                captures.insert("env".to_owned(), environment.clone());
                captures
            })
            .collect()
    }

    /// Whether another layout's `refs` and `range` mean the same.
    pub(super) fn is(&self, source: &str, ranges: &BTreeMap<String, String>) -> bool {
        self.source() == source
            && self.ranges.len() == ranges.len()
            && self
                .ranges
                .iter()
                .all(|(name, range)| ranges.get(name).is_some_and(|text| text == range.as_str()))
    }

    /// The names it captures.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.pattern.names();
        if !self.ranges.is_empty() {
            names.push("env".into());
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_matched_whole() {
        let cases = [
            ("refs/heads/{env}", "refs/heads/prod", Some("env=prod")),
            ("refs/heads/{env}", "refs/heads/feature/x", None),
            ("refs/heads/{env}", "refs/tags/prod", None),
            (
                "refs/heads/env/{env:$envs}",
                "refs/heads/env/dev",
                Some("env=dev"),
            ),
            (
                "refs/tags/{env:$envs}-{version:semver}",
                "refs/tags/prod-lon-0.0.111",
                None,
            ),
            (
                "refs/tags/{env:$envs}-{version:semver}",
                "refs/tags/prod-0.0.7",
                Some("env=prod version=0.0.7"),
            ),
            (
                "refs/tags/{version:semver}",
                "refs/tags/v1.2.0-rc.1",
                Some("version=v1.2.0-rc.1"),
            ),
            ("refs/tags/{version:semver}", "refs/tags/release", None),
        ];
        for (template, reference, expected) in cases {
            let template = RefTemplate::compile(template, &["dev", "prod"]).unwrap();
            let found = template.matches(reference).map(|captures| {
                let pairs: Vec<_> = captures.iter().map(|(k, v)| format!("{k}={v}")).collect();
                pairs.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{reference}");
        }
        assert!(RefTemplate::compile("{env}", &[]).is_err());
    }

    #[test]
    fn the_highest_version_is_read() {
        let ranges = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let none = ranges(&[]);
        let shared = ranges(&[("prod", ">=1.0.0"), ("staging", ">=1.0.0-rc.0")]);
        let cases = [
            (
                "refs/tags/{env}-{version:semver}",
                &none,
                "prod-0.0.9 prod-0.0.111 prod-lon-0.0.112 prod-x",
                "prod-0.0.111:prod prod-lon-0.0.112:prod-lon",
            ),
            (
                "refs/tags/{version:semver}",
                &shared,
                "v0.9.0 v1.0.0 v1.2.0-rc.1 v1.1.0 latest",
                "v1.1.0:prod v1.2.0-rc.1:staging",
            ),
        ];
        for (template, ranges, tags, expected) in cases {
            let template = RefTemplate::with_ranges(template, &[], ranges).unwrap();
            let tags: Vec<String> = tags
                .split(' ')
                .map(|tag| format!("refs/tags/{tag}"))
                .collect();
            let found: Vec<String> = template
                .select(0, tags.iter().map(String::as_str))
                .into_iter()
                .map(|selected| {
                    let tag = selected
                        .reference
                        .trim_start_matches("refs/tags/")
                        .to_owned();
                    format!("{tag}:{}", selected.origin.captures["env"])
                })
                .collect();
            assert_eq!(found.join(" "), expected);
        }
        let wrong = RefTemplate::with_ranges("refs/heads/{env}", &[], &shared).unwrap_err();
        assert_eq!(wrong.key, "range");
        let bad = ranges(&[("prod", "newest")]);
        let wrong = RefTemplate::with_ranges("refs/tags/{version:semver}", &[], &bad).unwrap_err();
        assert_eq!(wrong.key, "range.prod");
    }
}
