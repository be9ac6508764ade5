//! Who writes a version by itself: Flux's image automation at the lines that its markers name, Argo CD's Image Updater into
//! the files that it keeps and by the annotations of an Application. What is written by hand there, they write over.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Place, Spot, beside::Left};
use crate::domain::{
    manifest::{self, NodeRef},
    text::sanitise,
};

/// What a plan says of it, beside its gates.
const AUTOMATION: &str = "automation";
/// What the comments of Flux's image automation hold.
pub(super) const POLICY_MARK: &str = "$imagepolicy";
/// How the Image Updater's files are called.
const KEPT: &str = ".argocd-source-";
/// Where its annotations begin, and the one that says which images it updates.
const UPDATER: &str = "argocd-image-updater.argoproj.io/";
const IMAGES: &str = "argocd-image-updater.argoproj.io/image-list";

/// Who writes the versions of a file by itself.
#[derive(Debug, Default)]
pub(super) struct Automation {
    /// It is one that the Image Updater keeps.
    kept: bool,
    /// The policies that Flux's markers name, by line from 1.
    policies: HashMap<u32, Arc<str>>,
    /// Documents that ask the Image Updater to change them.
    updated: HashSet<usize>,
}

impl Automation {
    /// What a file says of it. Nearly all say nothing, and are not parsed.
    pub(super) fn of(path: &str, bytes: &[u8]) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut found = Self {
            kept: name.starts_with(KEPT),
            ..Self::default()
        };
        found.policies = marked(bytes);
        let text = String::from_utf8_lossy(bytes);
        if text.contains(UPDATER) {
            found.updated = updated(bytes);
        }
        found
    }

    /// Nobody does.
    pub(super) fn is_none(&self) -> bool {
        !self.kept && self.policies.is_empty() && self.updated.is_empty()
    }

    /// Who writes the version at a place again, whatever a plan writes there.
    pub(super) fn again(&self, spot: &Spot<'_>) -> Option<Left> {
        let (path, line) = (&spot.path, spot.found.line);
        let version = spot.found.version.as_ref().map_or("it", |it| it.as_str());
        let words = if let Some(policy) = self.policies.get(&line) {
            let policy = sanitise(policy);
            format!(
                "{path}:{line}: Flux's image automation writes here what ImagePolicy {policy} picks, and does so again at its next \
                 run unless that is {version}: suspend the automation (`flux suspend image update`), or narrow the policy, first"
            )
        } else if self.kept {
            format!(
                "{path}:{line}: Argo CD Image Updater keeps this file, and writes what it picks again unless that is {version}: \
                 narrow what the Application allows it ({UPDATER}…), first"
            )
        } else if self.is_updated(spot) {
            format!(
                "{path}:{line}: Argo CD Image Updater updates this Application (`{IMAGES}`), and brings what it picks again \
                 unless that is {version}: narrow what it may pick, first"
            )
        } else {
            return None;
        };
        Some(Left {
            what: AUTOMATION,
            words,
        })
    }

    /// Whether the object that the version stands in asks the Image Updater to change it.
    fn is_updated(&self, spot: &Spot<'_>) -> bool {
        match &spot.found.place {
            Place::Scalar { document, .. } => self.updated.contains(document),
            Place::Text { .. } => false,
        }
    }
}

/// The policies that Flux's markers name in a file, as `NAMESPACE/NAME`, by line from 1. Nearly all files have none.
pub(in crate::domain::layout) fn marked(bytes: &[u8]) -> HashMap<u32, Arc<str>> {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains(POLICY_MARK) {
        return HashMap::new();
    }
    let policies = (1..).zip(text.lines());
    policies
        .filter_map(|(line, text)| Some((line, policy_of(text)?)))
        .collect()
}

/// The documents of a file that ask the Image Updater to change them.
fn updated(bytes: &[u8]) -> HashSet<usize> {
    let Ok(yaml) = manifest::parse(bytes) else {
        return HashSet::new();
    };
    let asks = |object: NodeRef<'_>| {
        let metadata = object.get("metadata");
        let annotations = metadata.and_then(|metadata| metadata.value.get("annotations"));
        annotations.is_some_and(|annotations| annotations.value.get(IMAGES).is_some())
    };
    let objects = yaml.documents.iter().enumerate();
    let updated = objects.filter(|(_, object)| asks(object.root()));
    updated.map(|(number, _)| number).collect()
}

/// `flux-system/web`, of a line that has `# {"$imagepolicy": "flux-system:web:tag"}` behind its value.
fn policy_of(line: &str) -> Option<Arc<str>> {
    let (_, after) = line.split_once(POLICY_MARK)?;
    let (_, value) = after.split_once(':')?;
    let mut parts = value.split('"').nth(1)?.split(':');
    let (namespace, name) = (parts.next()?, parts.next()?);
    Some(format!("{namespace}/{name}").into())
}

#[cfg(test)]
mod tests {
    use super::super::digests::tests::told;

    const IMAGE: &str = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#;
    const APPLICATION: &str = r#"{ preset = "argocd-application", path = "{env}/{service}.yaml" }"#;

    #[test]
    fn who_writes_a_version_again_is_told_with_the_plan() {
        let application = |annotations: &str| {
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: web\n{annotations}spec:\n  source:\n    \
                 kustomize:\n      images:\n      - r/web:v1\n"
            )
        };
        let list = "  annotations:\n    argocd-image-updater.argoproj.io/image-list: web=r/web\n";
        let cases = [
            (
                "a marked tag",
                IMAGE,
                "image:\n  tag: v1 # {\"$imagepolicy\": \"flux-system:web:tag\"}\n".to_owned(),
                Some(
                    "automation prod/web.yaml:2: Flux's image automation writes here what ImagePolicy flux-system/web picks, and \
                     does so again at its next run unless that is v2",
                ),
            ),
            (
                "a marked neighbour",
                IMAGE,
                "image:\n  tag: v1\nside: v9 # {\"$imagepolicy\": \"flux-system:side:tag\"}\n"
                    .to_owned(),
                None,
            ),
            (
                "an Application",
                APPLICATION,
                application(list),
                Some("automation prod/web.yaml:11: Argo CD Image Updater updates this Application"),
            ),
            (
                "one that nobody updates",
                APPLICATION,
                application(""),
                None,
            ),
            ("a plain tag", IMAGE, "image:\n  tag: v1\n".to_owned(), None),
        ];
        for (name, layout, text, expected) in cases {
            let found = told(layout, &text);
            match expected {
                Some(expected) => {
                    let mut all = found.iter();
                    assert!(all.any(|it| it.starts_with(expected)), "{name}: {found:?}");
                }
                None => assert!(
                    found.iter().all(|it| !it.starts_with("automation")),
                    "{name}: {found:?}"
                ),
            }
        }
    }
}
