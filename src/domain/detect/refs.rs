//! Environments that are branches or tags: which refs are named like environments.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{self, Known};

/// Refs that are environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refs {
    /// The template for the layouts.
    pub(super) template: String,
    /// The environments that it finds.
    pub(super) environments: BTreeSet<String>,
    /// As people would say it.
    pub(super) explanation: String,
}

/// Parts of a site's name are no longer.
const LONGEST_SITE: usize = 8;

/// Branches or tags of at least two environments; branches first.
pub(super) fn find(branches: &[&str], tags: &[&str]) -> Option<Refs> {
    by_branch(branches).or_else(|| by_tag(tags))
}

/// `staging` and `prod`, or `env/staging` and `env/prod`. One of them is past the first stages: `main` with `dev` beside it
/// is how people develop, not how they deploy.
fn by_branch(branches: &[&str]) -> Option<Refs> {
    let mut families: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for branch in branches {
        let (prefix, name) = branch.rsplit_once('/').unwrap_or(("", branch));
        if understood(name).is_some() {
            families.entry(prefix).or_default().insert(name.to_owned());
        }
    }
    for names in families.values_mut() {
        retain_environments(names);
    }
    let deployed = |names: &BTreeSet<String>| {
        let ranks: BTreeSet<usize> = names
            .iter()
            .filter_map(|name| understood(name))
            .map(|known| known.rank)
            .collect();
        ranks.len() > 1 && ranks.last().is_some_and(|last| *last >= words::STAGING)
    };
    let (prefix, environments) = families
        .into_iter()
        .filter(|(_, names)| deployed(names))
        .max_by_key(|(_, names)| names.len())?;
    let shown: Vec<String> = environments
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let slash = if prefix.is_empty() { "" } else { "/" };
    Some(Refs {
        template: format!("refs/heads/{prefix}{slash}{{env:$envs}}"),
        explanation: format!("each environment is a branch: {}", shown.join(", ")),
        environments,
    })
}

/// A name such as `prod-eu`; also one of a channel alone, such as `beta`.
fn understood(name: &str) -> Option<Known> {
    words::known(name).or_else(|| {
        let rank = words::less_usual(name)?;
        let channel = matches!(
            name,
            "alpha" | "beta" | "stable" | "candidate" | "edge" | "nightly"
        );
        channel.then_some(Known {
            rank,
            group: String::new(),
        })
    })
}

/// Takes out branches of somebody's work whose names speak of an environment (`fix-production-terraform`). One is an
/// environment by the stage alone, or where what else it says is said of several stages: the same of all of them
/// (`shop-app-staging`, `shop-app-prod`), or a site (`staging-eu`, `prod-eu`). A site of its own (`prod-us`) is one beside
/// another site of the same stage.
fn retain_environments(names: &mut BTreeSet<String>) {
    // What a hydrator proposes for a branch is called so and stands beside it.
    let all = names.clone();
    names.retain(|name| {
        let of = name
            .strip_suffix("-next")
            .or(name.strip_suffix("-proposed"));
        of.is_none_or(|of| !all.contains(of))
    });
    let mut stages: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for known in names.iter().filter_map(|name| understood(name)) {
        stages.entry(known.group).or_default().insert(known.rank);
    }
    let groups = stages.keys().filter(|group| !group.is_empty()).count();
    let stands = |group: &str| {
        let several = || stages.get(group).is_some_and(|stages| stages.len() > 1);
        group.is_empty() || (groups == 1 || is_site(group)) && several()
    };
    let known = names.iter().filter_map(|name| understood(name));
    let sites: BTreeSet<usize> = known
        .filter(|known| !known.group.is_empty() && stands(&known.group))
        .map(|known| known.rank)
        .collect();
    names.retain(|name| {
        understood(name).is_some_and(|known| {
            stands(&known.group) || is_site(&known.group) && sites.contains(&known.rank)
        })
    });
}

/// Whether it may be a region or a site: `eu`, `fra1`, `us-east-1`.
fn is_site(group: &str) -> bool {
    let parts: Vec<&str> = group.split('-').collect();
    let short = |part: &&str| part.len() <= LONGEST_SITE;
    let number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [one] => short(one),
        [first, middle @ .., last] => short(first) && middle.iter().all(short) && number(last),
        [] => false,
    }
}

/// `staging-1.4.0` and `prod-1.3.2`: a tag per environment and version; or a moving tag `staging`.
fn by_tag(tags: &[&str]) -> Option<Refs> {
    let mut forms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for tag in tags {
        if let Some((template, name)) = versioned(tag) {
            forms.entry(template).or_default().insert(name.to_owned());
        } else if words::known(tag).is_some_and(|known| known.group.is_empty()) {
            let form = "refs/tags/{env:$envs}".to_owned();
            forms.entry(form).or_default().insert((*tag).to_owned());
        }
    }
    let (template, environments) = forms
        .into_iter()
        .filter(|(_, names)| names.len() > 1)
        .max_by_key(|(template, names)| (names.len(), template.contains("{version")))?;
    let shown: Vec<String> = environments
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    Some(Refs {
        explanation: format!("each environment has tags of its own: {}", shown.join(", ")),
        template,
        environments,
    })
}

/// An environment's name with a version behind or before it.
fn versioned(tag: &str) -> Option<(String, &str)> {
    let is_version = |text: &str| {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let mut core = bare.split(['-', '+']).next().unwrap_or_default().split('.');
        let numbers = core.clone().count();
        (2..=3).contains(&numbers)
            && core.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    for (at, mark) in tag.match_indices(['-', '/', '_', '@']) {
        let (before, after) = (&tag[..at], &tag[at + 1..]);
        if is_version(after) && words::known(before).is_some() && !before.contains('/') {
            return Some((
                format!("refs/tags/{{env:$envs}}{mark}{{version:semver}}"),
                before,
            ));
        }
        if is_version(before) && words::known(after).is_some_and(|known| known.group.is_empty()) {
            return Some((
                format!("refs/tags/{{version:semver}}{mark}{{env:$envs}}"),
                after,
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_named_like_environments() {
        let cases: [(&[&str], &[&str], &str); 16] = [
            (
                &["staging", "prod", "gh-pages"],
                &[],
                "refs/heads/{env:$envs}: prod staging",
            ),
            (
                &["main", "env/dev", "env/prod"],
                &[],
                "refs/heads/env/{env:$envs}: dev prod",
            ),
            (
                &["staging-eu", "prod-eu", "prod-us"],
                &[],
                "refs/heads/{env:$envs}: prod-eu prod-us staging-eu",
            ),
            (&["main", "develop", "test"], &[], "none"),
            (&["main", "prod"], &[], "none"),
            (
                &[
                    "main",
                    "fix-production-terraform",
                    "rabbit-staging",
                    "staging-es-backup",
                    "test",
                ],
                &[],
                "none",
            ),
            (
                &[
                    "add-node-production",
                    "add-node-staging",
                    "new-kafka-production",
                    "new-kafka-staging",
                ],
                &[],
                "none",
            ),
            (
                &["main", "shop-app-prod", "shop-app-staging"],
                &[],
                "refs/heads/{env:$envs}: shop-app-prod shop-app-staging",
            ),
            (
                &["prod-us-east-1", "staging-us-east-1", "prod-eu-west-1"],
                &[],
                "refs/heads/{env:$envs}: prod-eu-west-1 prod-us-east-1 staging-us-east-1",
            ),
            (
                &[
                    "staging",
                    "production",
                    "fix-production-terraform",
                    "production-es",
                ],
                &[],
                "refs/heads/{env:$envs}: production staging",
            ),
            (
                &[
                    "main",
                    "environment/dev",
                    "environment/dev-next",
                    "environment/prod",
                    "environment/prod-next",
                ],
                &[],
                "refs/heads/environment/{env:$envs}: dev prod",
            ),
            (
                &["alpha", "beta", "stable", "fix-alpha", "master"],
                &[],
                "refs/heads/{env:$envs}: alpha beta stable",
            ),
            (
                &["main"],
                &["prod-1.0.0", "prod-1.0.1", "staging-1.1.0-rc.1", "v2"],
                "refs/tags/{env:$envs}-{version:semver}: prod staging",
            ),
            (
                &["main"],
                &["v1.2.0-dev", "v1.1.0-prod"],
                "refs/tags/{version:semver}-{env:$envs}: dev prod",
            ),
            (
                &["main"],
                &["dev", "prod"],
                "refs/tags/{env:$envs}: dev prod",
            ),
            (&["main"], &["v1.0.0", "v1.1.0"], "none"),
        ];
        for (branches, tags, expected) in cases {
            let found = find(branches, tags).map(|refs| {
                let names: Vec<String> = refs.environments.into_iter().collect();
                format!("{}: {}", refs.template, names.join(" "))
            });
            assert_eq!(found.as_deref().unwrap_or("none"), expected);
        }
    }
}
