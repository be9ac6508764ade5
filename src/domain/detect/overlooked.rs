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
mod tests {
    use super::*;
    use crate::domain::layout::testing::Small;

    type Files = &'static [(&'static str, &'static str)];

    #[test]
    fn what_no_layout_reads_is_told_with_a_count_and_names() {
        const READ: &str = "images: [{name: r/web, newTag: v1.2.3}]\n";
        const BESIDE: &str = "images:\n- name: r/web\n  newTag: v1.2.3\nconfigMapGenerator:\n- name: c\n  literals:\n  - API_VERSION=2.3.4\n  - MODE=fast\n";
        const COMPONENT: &str = "kind: Component\nimages:\n- name: r/proxy\n  newTag: 1.2.3\n";
        const PATCH: &str = "kind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: 'r/a:1.2.3'}]}}}\n";
        const INLINE: &str = "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: replace\n      image: r/a:1.2.3\n";
        const DIGEST: &str = "images:\n- name: x\n  newName: r/y@sha256:aaaa\n";
        const DIGEST_ALONE: &str = "global:\n  image:\n    repository: r/web\n    digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\n";
        const DIGEST_OF_TAG: &str = "image: {tag: 1.2.3, digest: 'sha256:1111111111111111111111111111111111111111111111111111111111111111'}\n";
        const ELEMENTS: &str = "kind: ApplicationSet\nspec:\n  generators:\n  - list:\n      elements:\n      - {cluster: dev, url: 'https://1.2.3', tag: v2}\n      - {cluster: prod, tag: 1.2.3}\n";
        const IN_A_MATRIX: &str = "kind: ApplicationSet\nspec:\n  generators:\n  - matrix:\n      generators:\n      - list:\n          elements: [{cluster: dev, values: {a: b}, targetRevision: 9f3c2ab}]\n";
        const NO_VERSIONS: &str = "kind: ApplicationSet\nspec:\n  generators:\n  - list:\n      elements:\n      - {cluster: dev, tag: main, version: '{{v}}', replicas: '3', stage: v2}\n";
        let layout =
            r#"{ preset = "kustomize", path = "apps/{service}/{env}/kustomization.yaml" }"#;
        const OPERATION: &str =
            "- {op: replace, path: /spec/template/spec/containers/0/image, value: 'r/a:1.2.3'}\n";
        const INLINE_OPERATION: &str = "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/image\n      value: r/a:1.2.3\n";
        const MERGES: &str = "patchesStrategicMerge:\n- |-\n  kind: Deployment\n  spec: {containers: [{name: a, image: \"r/a:1.2.3\"}]}\n- more.yaml\n";
        const BOTH: &str = "images:\n- name: r/web\n  newTag: v1.2.3\n  digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\n";
        const SOURCE: &str = "kind: OCIRepository\nspec:\n  ref: {tag: 1.2.3}\n---\nkind: GitRepository\nspec:\n  ref: {branch: main}\n";
        const VARIABLES: &str = "kind: Kustomization\nspec:\n  postBuild:\n    substitute:\n      size: large\n      web_tag: 1.2.3\n";
        let cases: [(&str, Files, &str); 25] = [
            (
                "all is read",
                &[("apps/web/dev/kustomization.yaml", READ)],
                "",
            ),
            (
                "a literal of a generator, beside an image that is read",
                &[("apps/web/dev/kustomization.yaml", BESIDE)],
                "1 file looks as if it held versions that no layout reads: literals of generators (apps/web/dev/kustomization.yaml:7)",
            ),
            (
                "a component",
                &[("components/p/kustomization.yaml", COMPONENT)],
                "1 file looks as if it held versions that no layout reads: Kustomize components (components/p/kustomization.yaml:4)",
            ),
            (
                "a patch",
                &[("apps/web/dev/patch.yaml", PATCH)],
                "1 file looks as if it held versions that no layout reads: images of manifests and patches (apps/web/dev/patch.yaml:2)",
            ),
            (
                "a patch in a text",
                &[("base/kustomization.yaml", INLINE)],
                "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/kustomization.yaml:4)",
            ),
            (
                "an operation of a patch",
                &[("base/patch.json", OPERATION)],
                "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/patch.json:1)",
            ),
            (
                "an operation in a text",
                &[("base/kustomization.yaml", INLINE_OPERATION)],
                "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/kustomization.yaml:4)",
            ),
            (
                "objects that are merged, in a text",
                &[("base/kustomization.yaml", MERGES)],
                "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/kustomization.yaml:3)",
            ),
            (
                "a tag beside the digest that is read",
                &[("apps/web/dev/kustomization.yaml", BOTH)],
                "",
            ),
            (
                "a source of Flux",
                &[("base/source.yaml", SOURCE)],
                "1 file looks as if it held versions that no layout reads: tags and commits of Flux's sources (base/source.yaml:3)",
            ),
            (
                "variables of Flux",
                &[("base/ks.yaml", VARIABLES)],
                "1 file looks as if it held versions that no layout reads: variables that Flux substitutes (base/ks.yaml:6)",
            ),
            (
                "a digest in a new name",
                &[("base/kustomization.yaml", DIGEST)],
                "1 file looks as if it held versions that no layout reads: Kustomize images (base/kustomization.yaml:3)",
            ),
            (
                "a tag of its own",
                &[("c/x.yaml", "a: !version 1.2.3\nb: !!str 1.2.3\n")],
                "1 file looks as if it held versions that no layout reads: values with a YAML tag of their own (c/x.yaml:1)",
            ),
            (
                "values",
                &[("charts/web/values-prod.yaml", "image: {tag: 1.2.3}\n")],
                "1 file looks as if it held versions that no layout reads: Helm values (charts/web/values-prod.yaml:1)",
            ),
            (
                "a digest alone in values",
                &[("charts/web/values-prod.yaml", DIGEST_ALONE)],
                "1 file looks as if it held versions that no layout reads: Helm values (charts/web/values-prod.yaml:4)",
            ),
            (
                "a digest beside its tag",
                &[("charts/web/values-prod.yaml", DIGEST_OF_TAG)],
                "1 file looks as if it held versions that no layout reads: Helm values (charts/web/values-prod.yaml:1)",
            ),
            (
                "a tag of a generator's list",
                &[("sets/web.yaml", ELEMENTS)],
                "1 file looks as if it held versions that no layout reads: elements of generators (sets/web.yaml:6)",
            ),
            (
                "in a matrix of generators too",
                &[("sets/web.yaml", IN_A_MATRIX)],
                "1 file looks as if it held versions that no layout reads: elements of generators (sets/web.yaml:7)",
            ),
            (
                "elements without a version",
                &[("sets/web.yaml", NO_VERSIONS)],
                "",
            ),
            (
                "many",
                &[
                    ("a/values.yaml", "image: {tag: 1.2.3}"),
                    ("b/values.yaml", "image: {tag: 1.2.3}"),
                    ("c/values.yaml", "image: {tag: 1.2.3}"),
                    ("d/values.yaml", "image: {tag: 1.2.3}"),
                    ("e/patch.yaml", PATCH),
                ],
                "5 files look as if they held versions that no layout reads: Helm values (a/values.yaml:1, b/values.yaml:1, c/values.yaml:1 and 1 more); images of manifests and patches (e/patch.yaml:2)",
            ),
            (
                "what moves by itself, templates, schemas, tests and broken files",
                &[
                    ("a/values.yaml", "image: {tag: latest}"),
                    ("c/templates/d.yaml", PATCH),
                    (
                        "crd.yaml",
                        "kind: CustomResourceDefinition\nspec: {image: 'r/a:1.2.3'}",
                    ),
                    ("x/y.yaml", "image: ["),
                    ("x/z.yaml", "image: r/a:$TAG"),
                ],
                "",
            ),
            (
                "what differs by environment, in files of other kinds",
                &[
                    ("dev.tfvars", "image_tag = \"1.2.0\"\n"),
                    ("prod.tfvars", "# now\nimage_tag = \"1.1.0\"\n"),
                    ("env/dev/.env", "TAG=1.2.0\n"),
                    ("env/prod/.env", "TAG=1.1.0\n"),
                    ("versions/dev.txt", "web=1.2.0\n"),
                    ("versions/prod.txt", "web=1.1.0\n"),
                    ("jsonnet/dev.libsonnet", "{ image: 'r/j:1.2.0' }\n"),
                    ("jsonnet/prod.libsonnet", "{ image: 'r/j:1.1.0' }\n"),
                    ("same/dev/main.tf", "required_version = \"1.9.0\"\n"),
                    ("same/prod/main.tf", "required_version = \"1.9.0\"\n"),
                    ("notes/dev.md", "1.2.0"),
                    ("notes/prod.md", "1.1.0"),
                ],
                "8 files look as if they held versions that no layout reads: Terraform of environments (dev.tfvars:1 and 1 more); settings of environments (env/dev/.env:1 and 1 more); Jsonnet of environments (jsonnet/dev.libsonnet:1 and 1 more); lists of environments (versions/dev.txt:1 and 1 more)",
            ),
            (
                "version labels of a kustomization",
                &[(
                    "apps/web/dev/kustomization.yaml",
                    "labels: [{pairs: {app.kubernetes.io/version: \"1.2.0\"}}]\n",
                )],
                "1 file looks as if it held versions that no layout reads: version labels of kustomizations (apps/web/dev/kustomization.yaml:1)",
            ),
            (
                "other files",
                &[("a.txt", "tag: 1.2.3"), ("b.toml", "tag = 1")],
                "",
            ),
            ("nothing", &[], ""),
        ];
        for (name, files, expected) in cases {
            let small = Small::new(layout, &["dev", "prod"], files);
            let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
            let read = |path: &str| small.files.get(&RepoPath::from(path)).cloned();
            let found = overlooked_words(&overlooked(&paths, &read, &small.layouts));
            assert_eq!(found.unwrap_or_default(), expected, "{name}");
        }
    }
}
