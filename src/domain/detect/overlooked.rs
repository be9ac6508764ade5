//! What looks like a version to a person and is read by no layout: told, so that a matrix that lacks it is not taken for whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    shapes,
    siblings::{Sort, siblings},
};
use crate::domain::{
    ids::RepoPath,
    layout::{LayoutSet, is_version},
    manifest::{self, NodeRef},
    version::{Version, VersionKind},
};

/// Files looked at, and the largest of them in bytes.
const FILES: usize = 1500;
const LARGEST: usize = 256 << 10;
/// Names that are told of each kind.
const NAMES: usize = 3;

/// Files with one kind of version that no layout reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlooked {
    /// What stands in them, in words: `Kustomize images`.
    pub what: String,
    /// How many files.
    pub files: usize,
    /// The first of them, `path:line`.
    pub first: Vec<String>,
}

/// What versions are written as.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Images,
    Components,
    Generators,
    Elements,
    Values,
    Manifests,
    Sources,
    Variables,
    Tagged,
    Labels,
    Beside(Sort),
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Images => "Kustomize images",
            Self::Components => "Kustomize components",
            Self::Generators => "literals of generators",
            Self::Elements => "elements of generators",
            Self::Values => "Helm values",
            Self::Manifests => "images of manifests and patches",
            Self::Sources => "tags and commits of Flux's sources",
            Self::Variables => "variables that Flux substitutes",
            Self::Tagged => "values with a YAML tag of their own",
            Self::Labels => "version labels of kustomizations",
            Self::Beside(Sort::Terraform) => "Terraform of environments",
            Self::Beside(Sort::Settings) => "settings of environments",
            Self::Beside(Sort::Jsonnet) => "Jsonnet of environments",
            Self::Beside(Sort::Text) => "lists of environments",
        }
    }
}

/// What `layouts` leave unread of a tree. Bounded: the first files in the order of their paths, and none that is large.
///
/// `read` gives a file; `None` where it cannot be read.
pub fn overlooked<B: AsRef<[u8]>>(
    paths: &[&str],
    read: &dyn Fn(&str) -> Option<B>,
    layouts: &LayoutSet,
) -> Vec<Overlooked> {
    let mut found: BTreeMap<Kind, (usize, Vec<String>)> = BTreeMap::new();
    let yaml = |path: &&&str| {
        let kind = path.rsplit_once('.').map_or("", |(_, kind)| kind);
        matches!(kind, "yaml" | "yml" | "json") && shapes::plausible(path)
    };
    for path in paths.iter().filter(yaml).take(FILES) {
        let Some(bytes) = read(path).filter(|bytes| bytes.as_ref().len() <= LARGEST) else {
            continue;
        };
        for (kind, line) in overlooked_in(path, bytes.as_ref(), layouts) {
            let (files, first) = found.entry(kind).or_default();
            *files += 1;
            if first.len() < NAMES {
                first.push(format!("{path}:{line}"));
            }
        }
    }
    for beside in siblings(paths, read, layouts) {
        let (files, first) = found.entry(Kind::Beside(beside.sort)).or_default();
        *files += beside.files;
        if first.len() < NAMES {
            first.push(beside.first);
        }
    }
    let each = found.into_iter().map(|(kind, (files, first))| Overlooked {
        what: kind.words().to_owned(),
        files,
        first,
    });
    each.collect()
}

/// One sentence of it; `None` where nothing is overlooked.
pub fn overlooked_words(overlooked: &[Overlooked]) -> Option<String> {
    let each = overlooked.iter().map(|it| {
        let more = match it.files.saturating_sub(it.first.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{} ({}{more})", it.what, it.first.join(", "))
    });
    let each: Vec<String> = each.collect();
    let files: usize = overlooked.iter().map(|it| it.files).sum();
    let files = match files {
        0 => return None,
        1 => "1 file looks as if it held versions".to_owned(),
        files => format!("{files} files look as if they held versions"),
    };
    Some(format!("{files} that no layout reads: {}", each.join("; ")))
}

/// The kinds that one file has that are overlooked, each with its first line.
fn overlooked_in(path: &str, bytes: &[u8], layouts: &LayoutSet) -> BTreeMap<Kind, u32> {
    let mut kinds = BTreeMap::new();
    // Most files have no word that a version stands behind.
    let text = String::from_utf8_lossy(bytes);
    let words = [
        "ag",
        "mage",
        "igest",
        "newName",
        "literals",
        "ersion",
        "evision",
        "!",
        "ref:",
        "substitute",
    ];
    if !words.iter().any(|word| text.contains(word)) {
        return kinds;
    }
    let Ok(yaml) = manifest::parse(bytes) else {
        return kinds;
    };
    let lines: BTreeSet<u32> = if layouts.wants(path) {
        let facts = layouts.extract(&RepoPath::from(path), bytes);
        facts.lines().collect()
    } else {
        BTreeSet::new()
    };
    let file = path.rsplit('/').next().unwrap_or_default();
    for document in &yaml.documents {
        let root = document.root();
        let kind = root
            .get("kind")
            .and_then(|kind| kind.value.text())
            .unwrap_or_default();
        // A schema describes; it declares nothing.
        if kind == "CustomResourceDefinition" {
            continue;
        }
        let mut walk = Walk {
            component: kind == "Component",
            source: matches!(kind, "OCIRepository" | "GitRepository"),
            values: file.contains("values") || kind.is_empty(),
            labels: file.starts_with("kustomization."),
            found: Vec::new(),
        };
        walk.node(root, "", "", 0);
        for (kind, line) in walk.found {
            if !lines.contains(&line) {
                kinds.entry(kind).or_insert(line);
            }
        }
    }
    kinds
}

struct Walk {
    component: bool,
    source: bool,
    values: bool,
    labels: bool,
    found: Vec<(Kind, u32)>,
}

impl Walk {
    fn node(&mut self, node: NodeRef<'_>, list: &str, key: &str, depth: usize) {
        if depth > 40 || node.is_alias() {
            return;
        }
        if let Some(text) = node.text() {
            if let Some(kind) = self.scalar(node, list, key, text) {
                self.found.push((kind, node.line()));
            }
            return;
        }
        if let Some(line) = patched_image(node) {
            self.found.push((Kind::Manifests, line));
        }
        let has = |key: &str| {
            node.get(key)
                .is_some_and(|found| found.value.text().is_some())
        };
        // Kustomize takes the digest, and what writes it writes the tag beside it.
        let stands_for = list == "images" && has("digest");
        // Beside a tag the digest is its own.
        let tagged = has("tag");
        for (name, value) in node.own_entries() {
            let name = name.text().unwrap_or_default();
            if stands_for && name == "newTag" || tagged && name == "digest" {
                continue;
            }
            if key == "substitute" && value.text().is_some_and(is_version) {
                self.found.push((Kind::Variables, value.line()));
            }
            self.node(value, list, name, depth + 1);
        }
        for item in node.items() {
            self.node(item, key, key, depth + 1);
        }
    }

    /// What a scalar looks like, where it stands in `list` under `key`.
    fn scalar(&self, node: NodeRef<'_>, list: &str, key: &str, text: &str) -> Option<Kind> {
        let tagged = node.node().tag.is_some_and(|tag| !tag.starts_with("!!"));
        let of_kustomize = if self.component {
            Kind::Components
        } else {
            Kind::Images
        };
        if tagged {
            return (is_version(text) || image(text).is_some()).then_some(Kind::Tagged);
        }
        match (list, key) {
            ("images", "newTag" | "digest") => is_version(text).then_some(of_kustomize),
            ("images", "newName") => image(text).map(|_| of_kustomize),
            ("literals", _) => {
                let value = text.split_once('=').map_or("", |(_, value)| value);
                (is_version(value) || image(value).is_some()).then_some(Kind::Generators)
            }
            (_, "app.kubernetes.io/version") if self.labels => {
                is_version(text).then_some(Kind::Labels)
            }
            ("elements", key) => {
                let key = key.to_ascii_lowercase();
                let ends = ["tag", "version", "revision", "digest", "sha", "image"];
                let is_one = ends.iter().any(|end| key.ends_with(end));
                let says = is_version(text) || image(text).is_some() || is_release(text);
                (is_one && says).then_some(Kind::Elements)
            }
            (_, "image") => image(text).map(|_| {
                if self.values {
                    Kind::Values
                } else {
                    Kind::Manifests
                }
            }),
            (_, "tag") if self.values => is_version(text).then_some(Kind::Values),
            (_, "digest") if self.values && is_digest(text) => Some(Kind::Values),
            (_, "tag" | "commit" | "semver") if self.source => {
                is_version(text).then_some(Kind::Sources)
            }
            // A patch inside a kustomization is a text.
            (_, "patch" | "patchesStrategicMerge") | ("patchesStrategicMerge", _)
                if text.contains("image") =>
            {
                patches_an_image(text).then_some(Kind::Manifests)
            }
            _ => None,
        }
    }
}

/// Whether the text of a patch gives a container an image: by the object, or by what is to be done to it (RFC 6902).
fn patches_an_image(text: &str) -> bool {
    let Ok(yaml) = manifest::parse(text.as_bytes()) else {
        return false;
    };
    let mut walk = Walk {
        component: false,
        source: false,
        values: false,
        labels: false,
        found: Vec::new(),
    };
    for document in &yaml.documents {
        walk.node(document.root(), "", "", 0);
    }
    walk.found.iter().any(|(kind, _)| *kind == Kind::Manifests)
}

/// The line of the image that an operation of a patch gives: `{op: replace, path: …/image, value: r/web:1.2.3}`.
fn patched_image(node: NodeRef<'_>) -> Option<u32> {
    let path = node.get("path")?.value.text()?;
    let value = node.get("value")?.value;
    let is_image = node.get("op").is_some() && path.ends_with("/image");
    (is_image && image(value.text()?).is_some()).then(|| value.line())
}

/// `v2`, `v1.4`: what a person calls a release, where the key says so too.
fn is_release(text: &str) -> bool {
    let number = text.strip_prefix('v').unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit())
}

fn is_digest(text: &str) -> bool {
    Version::from(text).kind(&[]) == VersionKind::Digest
}

/// The tag or digest of an image string.
fn image(text: &str) -> Option<&str> {
    let end = crate::domain::layout::image_name_end(text);
    let tag = text.get(end + 1..)?;
    let plain = !text.contains("://") && !text.contains([' ', '{', '$', ',']);
    (plain && is_version(tag)).then_some(tag)
}

#[cfg(test)]
mod tests;
