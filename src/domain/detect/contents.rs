//! What a few files of a template say: which locator finds their versions.

use std::{collections::BTreeMap, rc::Rc};

use super::{evidence, overrides};
use crate::domain::{
    layout::LayoutSpec,
    manifest::{self, NodeRef},
    version::Version,
};

/// Files looked at per template.
const SAMPLES: usize = 24;

/// The locators that may suit files of this name and content, as specs without a path; the most special first.
pub(super) fn candidates(
    template: &str,
    files: &[&str],
    read: &dyn Fn(&str) -> Option<Rc<[u8]>>,
) -> Vec<LayoutSpec> {
    let stride = files.len().div_ceil(SAMPLES).max(1);
    let samples: Vec<Rc<[u8]>> = files
        .iter()
        .step_by(stride)
        .filter_map(|path| read(path))
        .collect();
    let file = template.rsplit('/').next().unwrap_or_default();
    let preset = |name: &str| LayoutSpec {
        preset: Some(name.to_owned()),
        ..LayoutSpec::default()
    };
    let mut specs = Vec::new();
    if file.starts_with("kustomization.") {
        return kustomization(template, files, read);
    }
    if file == overrides::ANY {
        return vec![preset(overrides::PRESET)];
    }
    if file.starts_with("{chart}") {
        specs.push(LayoutSpec {
            yaml: Some("version".into()),
            kind: Some("HelmChartInflationGenerator".into()),
            row: Some(below_service(template, "helm:{chart}")),
            ..LayoutSpec::default()
        });
        return specs;
    }
    if file.contains("values") {
        specs.push(preset("helm-values"));
    }
    if samples.is_empty() {
        if specs.is_empty() && file.contains("{service}.y") {
            specs.push(preset("manifest"));
        }
        return specs;
    }
    let mut votes: BTreeMap<String, (usize, LayoutSpec)> = BTreeMap::new();
    // What describes machines has versions of its language alone.
    let machines = |bytes: &&Rc<[u8]>| {
        std::str::from_utf8(bytes).is_ok_and(|text| text.contains("kind: MachineConfig\n"))
    };
    for bytes in samples.iter().filter(|bytes| !machines(bytes)) {
        let mut own: Vec<LayoutSpec> = match manifest::parse(bytes) {
            Ok(yaml) => {
                let roots = yaml.documents.iter().map(manifest::Document::root);
                roots.flat_map(document).collect()
            }
            Err(_) => Vec::new(),
        };
        own.extend(keys(bytes));
        own.sort_by_key(|spec| format!("{spec:?}"));
        own.dedup();
        // A chart's own version, which nobody promotes.
        let wrapper =
            |spec: &LayoutSpec| file == "Chart.yaml" && spec.yaml.as_deref() == Some("version");
        own.retain(|spec| !wrapper(spec));
        for spec in own {
            votes.entry(format!("{spec:?}")).or_insert((0, spec)).0 += 1;
        }
    }
    let mut votes: Vec<(usize, LayoutSpec)> = votes.into_values().collect();
    votes.sort_by_key(|(count, spec)| (std::cmp::Reverse(*count), weight(spec)));
    specs.extend(votes.into_iter().map(|(_, spec)| spec).take(6));
    // A list may hold several images: then the image is part of every row's name.
    let lists = |spec: &LayoutSpec| {
        let list = spec
            .yaml
            .as_deref()
            .is_some_and(|yaml| yaml.contains("[*]"));
        list && spec.part.as_deref() == Some("tag")
    };
    if specs.iter().any(lists) {
        let images = specs.iter_mut().filter(|spec| spec.preset.is_none());
        for spec in images.filter(|spec| spec.part.as_deref() == Some("tag")) {
            spec.row = Some(below_service(template, "{image}"));
        }
    }
    specs
}

/// Images, references to other repositories and charts of a `kustomization.yaml`: those that some file has.
fn kustomization(
    template: &str,
    files: &[&str],
    read: &dyn Fn(&str) -> Option<Rc<[u8]>>,
) -> Vec<LayoutSpec> {
    let texts: Vec<Rc<[u8]>> = files.iter().filter_map(|path| read(path)).collect();
    let unread = texts.is_empty();
    let some = |words: &[&str]| {
        let texts = texts
            .iter()
            .filter_map(|bytes| std::str::from_utf8(bytes).ok());
        unread
            || texts
                .into_iter()
                .any(|text| words.iter().any(|word| text.contains(word)))
    };
    let images = LayoutSpec {
        preset: Some("kustomize".into()),
        ..LayoutSpec::default()
    };
    let mut specs = Vec::new();
    if some(&["newTag", "digest", "newName"]) {
        let by_image = template.contains("{service}").then(|| LayoutSpec {
            row: Some("{service}/{image}".into()),
            ..images.clone()
        });
        specs.push(images);
        specs.extend(by_image);
    }
    if some(&["ref="]) {
        specs.push(LayoutSpec {
            yaml: Some("resources[*]".into()),
            part: Some("query:ref".into()),
            row: Some(below_service(template, "ref:{repo}")),
            ..LayoutSpec::default()
        });
    }
    if some(&["helmCharts"]) {
        specs.push(LayoutSpec {
            yaml: Some("helmCharts[*]{name={chart}}.version".into()),
            row: Some(below_service(template, "helm:{chart}")),
            ..LayoutSpec::default()
        });
    }
    specs
}

/// A row's name: below its service's where the path names one.
fn below_service(template: &str, name: &str) -> String {
    if template.contains("{service}") {
        format!("{{service}}/{name}")
    } else {
        name.to_owned()
    }
}

/// Shorter locators first among equals.
fn weight(spec: &LayoutSpec) -> usize {
    spec.yaml.as_deref().map_or(0, str::len)
}

/// What one document suggests.
fn document(root: NodeRef<'_>) -> Vec<LayoutSpec> {
    let kind = root.get("kind").and_then(|found| found.value.text());
    let preset = |name: &str| {
        vec![LayoutSpec {
            preset: Some(name.to_owned()),
            ..LayoutSpec::default()
        }]
    };
    match kind {
        Some("HelmRelease") => preset("helmrelease"),
        Some("Application" | "ApplicationSet") => preset("argocd-application"),
        Some("Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" | "Rollout") => {
            preset("manifest")
        }
        Some("Kustomization") => substitutions(root),
        _ => {
            let mut found = Vec::new();
            scalars(root, &mut String::new(), &mut found, 0);
            found
        }
    }
}

/// Versions among the variables of a Flux Kustomization.
fn substitutions(root: NodeRef<'_>) -> Vec<LayoutSpec> {
    let path = ["spec", "postBuild", "substitute"];
    let node = path
        .iter()
        .try_fold(root, |node, key| Some(node.get(key)?.value));
    let versions = node
        .into_iter()
        .flat_map(NodeRef::entries)
        .any(|found| found.value.text().is_some_and(is_number));
    if !versions {
        return Vec::new();
    }
    vec![LayoutSpec {
        yaml: Some("spec.postBuild.substitute.{var}".into()),
        matching: Some(r"^v?\d+(\.\d+)+".into()),
        row: Some("{service}/{var}".into()),
        ..LayoutSpec::default()
    }]
}

/// Keys named like versions with values that look like them, and image strings.
fn scalars(node: NodeRef<'_>, path: &mut String, found: &mut Vec<LayoutSpec>, depth: usize) {
    if depth > 6 || node.is_alias() {
        return;
    }
    for entry in node.entries() {
        let Some(key) = entry.key.text() else {
            continue;
        };
        // What `sops` adds to an encrypted file is not about the service.
        if key.is_empty() || key == "sops" || key.contains(['.', '/', '{', '*', '[', '"', '\'']) {
            continue;
        }
        let before = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        if let Some(text) = entry.value.text() {
            found.extend(scalar(key, text, path));
        } else if entry.value.is_sequence() {
            let items = entry.value.items().flat_map(NodeRef::entries);
            for item in items {
                if let (Some(key), Some(text)) = (item.key.text(), item.value.text())
                    && is_image(text)
                {
                    found.extend(scalar(key, text, &format!("{path}[*].{key}")));
                }
            }
        } else {
            scalars(entry.value, path, found, depth + 1);
        }
        path.truncate(before);
    }
}

fn scalar(key: &str, text: &str, path: &str) -> Option<LayoutSpec> {
    let lower = key.to_lowercase();
    if is_image(text) {
        return Some(LayoutSpec {
            yaml: Some(path.to_owned()),
            part: Some("tag".into()),
            ..LayoutSpec::default()
        });
    }
    let named = ["tag", "version", "revision", "digest", "sha"]
        .iter()
        .any(|word| lower.ends_with(word))
        && !evidence::is_other(key, text);
    (named && looks_like_version(text)).then(|| LayoutSpec {
        yaml: Some(path.to_owned()),
        ..LayoutSpec::default()
    })
}

/// Lines such as `API_DOCKER_TAG: "f3d0498"` in key files.
fn keys(bytes: &[u8]) -> Vec<LayoutSpec> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Vec::new();
    };
    let mut endings = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once([':', '=']) else {
            continue;
        };
        let value = value.trim().trim_matches(['"', '\'']);
        let upper = key
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let ending = [
            "_DOCKER_TAG",
            "_IMAGE_TAG",
            "_TAG",
            "_IMAGE_VERSION",
            "_VERSION",
        ]
        .iter()
        .find(|ending| key.ends_with(**ending) && key.len() > ending.len());
        if let Some(ending) = ending.filter(|_| upper && looks_like_version(value))
            && !endings.contains(ending)
        {
            endings.push(*ending);
        }
    }
    endings
        .into_iter()
        .map(|ending| LayoutSpec {
            regex: Some(format!(
                r#"(?m)^(?<service>[A-Z0-9_]+){ending}[ \t]*[:=][ \t]*["']?(?<v>[^"'\s#]+)"#
            )),
            lowercase: vec!["service".into()],
            ..LayoutSpec::default()
        })
        .collect()
}

fn is_image(text: &str) -> bool {
    let Some((name, tag)) = text.rsplit_once(['@', ':']) else {
        return false;
    };
    name.contains('/')
        && !text.contains("://")
        && !text.contains([' ', '{', '[', ',', '='])
        && !tag.contains('/')
        && !tag.is_empty()
}

fn looks_like_version(text: &str) -> bool {
    Version::from(text).speaks_for_itself() && text.len() < 100 && !text.contains(' ')
}

/// A version of numbers with dots.
fn is_number(text: &str) -> bool {
    let bare = text.strip_prefix('v').unwrap_or(text);
    bare.starts_with(|c: char| c.is_ascii_digit()) && bare.contains('.') && looks_like_version(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that names another key is no version, and does not make an ending of its key.
    #[test]
    fn keys_end_as_those_of_versions_do() {
        let text = b"ADMIN_DOCKER_TAG: \"latest\"\nAPI_DOCKER_TAG: \"f3d0498\"\nDOCKER_TAG: \"DOCKER_TAG\"\nAPP_TAG: \"API_DOCKER_TAG\"\n";
        let found: Vec<String> = keys(text).into_iter().filter_map(|it| it.regex).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("_DOCKER_TAG["), "{found:?}");
    }
}
