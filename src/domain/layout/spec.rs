//! A layout as the configuration writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One `[[layouts]]` table. [`LayoutSet::compile`](super::LayoutSet::compile) says what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayoutSpec {
    /// A well-known shape: `kustomize`, `helm-values`, …; the other keys refine it.
    pub preset: Option<String>,
    /// Path template of the files that hold versions.
    pub path: Option<String>,
    /// Ref template, where environments are branches or tags.
    pub refs: Option<String>,
    /// Locator in YAML documents.
    pub yaml: Option<String>,
    /// Locator in JSON documents.
    pub json: Option<String>,
    /// Locator by regular expression; the group `v` is the version.
    pub regex: Option<String>,
    /// Restricts to YAML documents of these kinds, `A|B`.
    pub kind: Option<String>,
    /// Captures `{name}` from elsewhere in the document, a path of keys.
    pub name: Option<String>,
    /// Takes the first match only.
    pub first: bool,
    /// Which part of the scalar is the version: `tag`, `query:ref`, `/regex/`.
    pub part: Option<String>,
    /// Values that do not match are not versions.
    #[serde(rename = "match")]
    pub matching: Option<String>,
    /// Builds the service's name from captures; `{service}` by default.
    pub row: Option<String>,
    /// Builds the environment's name from captures; `{env}` by default.
    pub env_name: Option<String>,
    /// The environment of everything that it reads, where no name says it; templates know it as `{env}`.
    pub env: Option<String>,
    /// Other spellings of environments: `alias = { prod = "production" }`. Of the two, the declared environment is the
    /// column and the other the spelling in the repository; where that does not decide, the right side is the column.
    pub alias: BTreeMap<String, String>,
    /// Captures that are folded to lower case.
    pub lowercase: Vec<String>,
    /// Ordered fall-backs; a cell read from one is inherited.
    #[serde(rename = "else")]
    pub fallbacks: Vec<FallbackSpec>,
    /// Other places that move together with the version.
    pub also: Vec<AlsoSpec>,
    /// What else is carried along from where the version comes from: `trailing-comment`, or a regular expression whose group
    /// `v` is a text of the same file. One of them, or a list.
    #[serde(deserialize_with = "one_or_several")]
    pub carry: Vec<String>,
    /// What the versions are of: `image`, `chart`, `git` or `setting`; told from where they stand where this is not given.
    pub version_of: Option<String>,
    /// A path that proves the service: it then exists in every declared environment that `{env}` of its path takes.
    pub service: Option<String>,
    /// A path that must be there, a file or a folder, for a place to count: a template over what `path` captures.
    pub only_if: Option<String>,
    /// Environments as ranges over shared tags.
    pub range: BTreeMap<String, String>,
    /// Its places are rendered from something else, or items of a list that grows: they are shown, and never edited.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The `[[repositories]]` entry it reads from.
    pub repository: Option<String>,
    /// How a branch per environment is promoted: `merge` (the default) brings the upstream's branch, `edit` the version alone.
    pub promote: Option<String>,
}

/// One fall-back of an `else` chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FallbackSpec {
    /// Path template over the captures of the first path.
    pub path: String,
    /// Locator in YAML documents; the layout's own locator where none of the three is given.
    pub yaml: Option<String>,
    /// Locator in JSON documents.
    pub json: Option<String>,
    /// Locator by regular expression.
    pub regex: Option<String>,
    /// Which part of the scalar is the version.
    pub part: Option<String>,
    /// Restricts to YAML documents of these kinds, `A|B`.
    pub kind: Option<String>,
}

/// One place that moves together with the version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlsoSpec {
    /// Path template; the same file by default.
    pub path: Option<String>,
    /// Locator in YAML documents.
    pub yaml: Option<String>,
    /// Locator in JSON documents.
    pub json: Option<String>,
    /// Locator by regular expression.
    pub regex: Option<String>,
    /// Which part of the scalar is the version.
    pub part: Option<String>,
}

/// A text, or a list of texts.
fn one_or_several<'d, D: serde::Deserializer<'d>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Written::deserialize(from)? {
        Written::One(text) => vec![text],
        Written::Several(texts) => texts,
    })
}
