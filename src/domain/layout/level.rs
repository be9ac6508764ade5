//! One place of a layout: which files, and where in them; compiled from the keys that say so.

use std::sync::Arc;

use regex::Regex;

use super::{
    AlsoSpec, LayoutError, LayoutSpec,
    locator::{Locator, Step},
    part::Part,
    pattern::Pattern,
    subject::Rule,
};
use crate::domain::subject::Subject;

/// How the preset's expressions end for a tag and for a digest.
const TAG_MARK: &str = ":tag\"";
const DIGEST_MARK: &str = ":digest\"";

/// One place: files, and where in them.
#[derive(Debug)]
pub(crate) struct Level {
    /// Which files. `None` only for `also`: the file of the version itself.
    pub(crate) path: Option<Pattern>,
    /// The environment of all that it finds, where the layout says it.
    pub(crate) env: Option<Arc<str>>,
    /// Where in a file.
    pub(crate) finder: Finder,
    /// Which part of the scalar.
    pub(crate) part: Part,
    /// Kinds of documents; empty: all.
    pub(crate) kinds: Vec<String>,
    /// Where `{name}` stands.
    pub(crate) name: Option<Locator>,
    /// The first match only.
    pub(crate) first: bool,
    /// Values that are versions.
    pub(crate) matching: Option<Regex>,
    /// What its versions are versions of.
    pub(crate) subject: Rule,
    /// The same, where the layout says so (`version_of`).
    pub(crate) told: Option<Subject>,
    /// Finds the digests that Flux marks beside the tags that this level finds.
    pub(crate) digests: Option<Regex>,
    /// The key beside the digest that it finds, under which another reading of the same layout looks for the tag.
    pub(crate) tag_key: Option<String>,
}

/// What a marker of an image policy stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A tag (`…:tag`).
    Tag,
    /// A digest (`…:digest`).
    Digest,
    /// A whole image string.
    Image,
}

/// How a version is found in a file.
#[derive(Debug)]
pub(crate) enum Finder {
    /// In the tree of a YAML or JSON file.
    Tree(Locator),
    /// In its text, as the group `v`.
    Text(Regex),
}

impl Level {
    /// Whether `other` finds the tag of the digest that this one finds: the same way but for its last key.
    pub(crate) fn tag_key_of<'a>(&self, other: &'a Self) -> Option<&'a str> {
        let (Finder::Tree(own), Finder::Tree(tag)) = (&self.finder, &other.finder) else {
            return None;
        };
        let way = |locator: &Locator| {
            locator
                .source()
                .rsplit_once('.')
                .map(|(way, _)| way.to_owned())
        };
        match (own.steps().last(), tag.steps().last()) {
            (Some(Step::Key(digest)), Some(Step::Key(key)))
                if digest == "digest" && key == "tag" && way(own) == way(tag) =>
            {
                Some(key)
            }
            _ => None,
        }
    }

    /// Whether it looks at objects of this kind.
    pub(crate) fn is_of(&self, kind: &str) -> bool {
        self.kinds.iter().any(|wanted| wanted == kind)
    }

    /// What the markers stand behind that its expression looks for, if it looks for Flux's.
    pub(crate) fn marker(&self) -> Option<Marker> {
        let Finder::Text(regex) = &self.finder else {
            return None;
        };
        let source = regex.as_str();
        source.contains("imagepolicy").then(|| {
            if source.contains(TAG_MARK) {
                Marker::Tag
            } else if source.contains(DIGEST_MARK) {
                Marker::Digest
            } else {
                Marker::Image
            }
        })
    }

    /// Every name it can capture.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.path.as_ref().map(Pattern::names).unwrap_or_default();
        match &self.finder {
            Finder::Tree(locator) => names.extend(locator.names()),
            Finder::Text(regex) => names.extend(
                regex
                    .capture_names()
                    .flatten()
                    .filter(|name| *name != "v")
                    .map(Into::into),
            ),
        }
        names.extend(self.part.names());
        names.extend(self.env.is_some().then(|| "env".into()));
        if let Some(name) = &self.name {
            names.push("name".into());
            names.extend(name.names());
        }
        names
    }
}

/// The own place and the fall-backs of a layout.
pub(super) fn levels(
    spec: &LayoutSpec,
    spellings: &[&str],
    tagged: bool,
) -> Result<Vec<Level>, LayoutError> {
    let matching = spec
        .matching
        .as_deref()
        .map(|text| regex("match", text))
        .transpose()?;
    let texts = [&spec.yaml, &spec.json, &spec.regex];
    let Some(path) = spec.path.as_deref() else {
        if tagged && texts.iter().all(|text| text.is_none()) {
            return Ok(Vec::new());
        }
        return Err(LayoutError::new(
            "path",
            "`path` is missing: the template of the files that hold versions, such as \
             `apps/{service}/overlays/{env}/kustomization.yaml`",
        ));
    };
    let own = Keys {
        at: "",
        yaml: spec.yaml.as_deref(),
        json: spec.json.as_deref(),
        regex: spec.regex.as_deref(),
        part: spec.part.as_deref(),
        kind: spec.kind.as_deref(),
    };
    if texts.iter().all(|text| text.is_none()) {
        return Err(LayoutError::new(
            "yaml",
            "the layout does not say where in the file the version stands: add `yaml = \"image.tag\"`, `json`, `regex` or a \
             `preset`",
        ));
    }
    let name = spec
        .name
        .as_deref()
        .map(|text| locator("name", text, spellings))
        .transpose()?;
    let mut levels = vec![Level {
        path: Some(pattern("path", path, spellings)?),
        name: name.clone(),
        first: spec.first,
        matching: matching.clone(),
        ..own.level(spellings)?
    }];
    for (index, fallback) in spec.fallbacks.iter().enumerate() {
        let at = format!("else[{index}].");
        let repeated =
            fallback.yaml.is_none() && fallback.json.is_none() && fallback.regex.is_none();
        let keys = Keys {
            at: &at,
            yaml: fallback.yaml.as_deref(),
            json: fallback.json.as_deref(),
            regex: fallback.regex.as_deref(),
            part: fallback.part.as_deref(),
            kind: fallback.kind.as_deref(),
        };
        let keys = if repeated {
            Keys {
                part: keys.part.or(own.part),
                kind: keys.kind.or(own.kind),
                at: &at,
                ..own
            }
        } else {
            keys
        };
        levels.push(Level {
            path: Some(pattern(&format!("{at}path"), &fallback.path, spellings)?),
            name: name.clone().filter(|_| repeated),
            first: spec.first,
            matching: matching.clone(),
            ..keys.level(spellings)?
        });
    }
    for level in &mut levels {
        level.env = spec.env.as_deref().map(Into::into);
        level.subject = Rule::of(level);
        if let (Some(Marker::Tag), Finder::Text(regex)) = (level.marker(), &level.finder) {
            let digests = regex.as_str().replace(TAG_MARK, DIGEST_MARK);
            level.digests = Regex::new(&digests).ok();
        }
    }
    Ok(levels)
}

pub(super) fn also_level(
    at: &str,
    also: &AlsoSpec,
    spellings: &[&str],
) -> Result<Level, LayoutError> {
    let keys = Keys {
        at,
        yaml: also.yaml.as_deref(),
        json: also.json.as_deref(),
        regex: also.regex.as_deref(),
        part: also.part.as_deref(),
        kind: None,
    };
    let path = also
        .path
        .as_deref()
        .map(|text| pattern(&format!("{at}path"), text, spellings))
        .transpose()?;
    Ok(Level {
        path,
        ..keys.level(spellings)?
    })
}

/// The keys that say where in a file something stands.
struct Keys<'a> {
    at: &'a str,
    yaml: Option<&'a str>,
    json: Option<&'a str>,
    regex: Option<&'a str>,
    part: Option<&'a str>,
    kind: Option<&'a str>,
}

impl Keys<'_> {
    fn level(&self, spellings: &[&str]) -> Result<Level, LayoutError> {
        let key = |name: &str| format!("{}{name}", self.at);
        let finder = match (self.yaml, self.json, self.regex) {
            (Some(text), None, None) => Finder::Tree(locator(&key("yaml"), text, spellings)?),
            (None, Some(text), None) => Finder::Tree(locator(&key("json"), text, spellings)?),
            (None, None, Some(text)) => {
                let compiled = regex(&key("regex"), text)?;
                if !compiled.capture_names().flatten().any(|name| name == "v") {
                    return Err(LayoutError::new(
                        key("regex"),
                        format!("`{text}` has no group `v`; put `(?<v>…)` around the version"),
                    ));
                }
                Finder::Text(compiled)
            }
            (None, None, None) => {
                return Err(LayoutError::new(
                    key("yaml"),
                    "it does not say where in the file: add `yaml`, `json` or `regex`",
                ));
            }
            _ => {
                return Err(LayoutError::new(
                    key("yaml"),
                    "only one of `yaml`, `json` and `regex` can say where the version stands",
                ));
            }
        };
        let part = self.part.map(Part::compile).transpose();
        Ok(Level {
            path: None,
            env: None,
            finder,
            part: part
                .map_err(|message| LayoutError::new(key("part"), message))?
                .unwrap_or_default(),
            kinds: self
                .kind
                .map(|kinds| {
                    kinds
                        .split('|')
                        .map(|kind| kind.trim().to_owned())
                        .collect()
                })
                .unwrap_or_default(),
            name: None,
            first: false,
            matching: None,
            subject: Rule::default(),
            told: None,
            digests: None,
            tag_key: None,
        })
    }
}

pub(super) fn pattern(key: &str, text: &str, spellings: &[&str]) -> Result<Pattern, LayoutError> {
    if text.contains(":$envs}") && spellings.is_empty() {
        return Err(LayoutError::new(
            key,
            "`$envs` stands for the declared environments, and none are declared; add [[environments]]",
        ));
    }
    Pattern::compile(text, spellings).map_err(|message| LayoutError::new(key, message))
}

fn locator(key: &str, text: &str, spellings: &[&str]) -> Result<Locator, LayoutError> {
    Locator::compile(text, spellings).map_err(|message| LayoutError::new(key, message))
}

fn regex(key: &str, text: &str) -> Result<Regex, LayoutError> {
    Regex::new(text)
        .map_err(|error| LayoutError::new(key, format!("`{text}` does not compile: {error}")))
}
