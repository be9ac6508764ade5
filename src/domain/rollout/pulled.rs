//! What nodes pulled: the digest behind the tag that a pod runs. A tag that was pushed again means one image to a node that
//! pulled it before, and another to the next.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    image,
    live::{LiveCell, PodState},
    object::PodObject,
    pods,
};
use crate::domain::version::Version;

/// An image as a node has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pulled {
    /// Its name, with registry and path, without tag and digest, as the pod has it.
    pub image: String,
    /// `sha256:…`: of its index, or of the manifest of the node's platform. Which of them is the node's affair.
    pub digest: String,
}

/// The digest that a node says it pulled (`imageID`), where it is one that a registry knows: a bare one is of the image's
/// configuration, or of an image that came to the node by another way.
pub fn digest_of(image_id: &str) -> Option<&str> {
    let (_, digest) = image_id.rsplit_once('@')?;
    let hex = digest.strip_prefix("sha256:")?;
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(digest)
}

/// What the container of a pod that is the cell's runs; `None` where its node does not say it, or nothing runs any more.
pub(super) fn of_pod(pod: &PodObject, names: &[String]) -> Option<Pulled> {
    let containers: Vec<_> = pod.containers.iter().filter(|it| !it.init).collect();
    let picked = image::pick(&containers, names, |it| (&it.name, &it.image))?;
    let digest = picked.digest.as_ref().filter(|_| pods::active(pod))?;
    Some(Pulled {
        image: image::without_version(&picked.image).to_owned(),
        digest: digest.to_string(),
    })
}

/// Pods of one version of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn<'a> {
    /// The version.
    pub version: &'a Version,
    /// By each digest that it means to them, how many run that.
    pub digests: BTreeMap<&'a str, u32>,
}

impl fmt::Display for Torn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (digest, pods)) in self.digests.iter().enumerate() {
            let between = if at == 0 { "" } else { ", " };
            write!(f, "{between}{} ×{pods}", short(digest))?;
        }
        Ok(())
    }
}

impl LiveCell {
    /// What its pods run that stay, by version.
    pub fn pulled(&self) -> impl Iterator<Item = (&Version, &Pulled)> {
        let pods = self.pods.iter().filter(|pod| !pod.terminating);
        pods.filter_map(|pod: &PodState| Some((pod.version.as_ref()?, pod.pulled.as_ref()?)))
    }

    /// Whether one version of one image means several digests to its pods. Never where pods cannot show what is declared.
    pub fn is_torn(&self) -> bool {
        !self.hidden && self.torn_at().is_some()
    }

    /// The version that means several, and to how many pods each; `None`: each means one.
    pub fn torn(&self) -> Option<Torn<'_>> {
        let (version, image) = self.torn_at()?;
        let mut digests = BTreeMap::new();
        let same = self.pulled();
        for (_, it) in same.filter(|(other, it)| *other == version && it.image == *image) {
            *digests.entry(it.digest.as_str()).or_default() += 1;
        }
        Some(Torn { version, digests })
    }

    fn torn_at(&self) -> Option<(&Version, &String)> {
        let mut all = self.pulled();
        let (version, found) = all.find(|(version, it)| {
            // The first of them stands for the others.
            let mut same = self.pulled();
            let first = same.find(|(other, first)| other == version && first.image == it.image);
            first.is_some_and(|(_, first)| first.digest != it.digest)
        })?;
        Some((version, &found.image))
    }
}

/// `sha256:9f3c1a2b3c4d`: as much of a digest as people compare.
pub fn short(digest: &str) -> &str {
    let begins = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..begins + 12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollout::Health;

    #[test]
    fn what_nodes_say_of_an_image() {
        let hex = "9f3c".repeat(16);
        let cases = [
            (format!("reg.example.com/shop/web@sha256:{hex}"), true),
            (format!("docker-pullable://shop/web@sha256:{hex}"), true),
            // Of its configuration.
            (format!("sha256:{hex}"), false),
            (format!("docker://sha256:{hex}"), false),
            ("reg.example.com/shop/web@sha256:9f3c".to_owned(), false),
            ("reg.example.com/shop/web:1.2".to_owned(), false),
            (String::new(), false),
        ];
        for (id, is_one) in cases {
            let expected = is_one.then(|| format!("sha256:{hex}"));
            assert_eq!(digest_of(&id), expected.as_deref(), "{id}");
        }
        assert_eq!(short(&format!("sha256:{hex}")), "sha256:9f3c9f3c9f3c");
        assert_eq!(short("odd"), "odd");
    }

    #[test]
    fn one_version_of_one_image_is_one_digest() {
        let pod = |version: &str, image: Option<(&str, &str)>, terminating| PodState {
            name: "web-1".to_owned(),
            version: Some(version.into()),
            pulled: image.map(|(name, digest)| Pulled {
                image: name.to_owned(),
                digest: digest.to_owned(),
            }),
            ready: true,
            reason: "Running".to_owned(),
            message: None,
            restarts: 0,
            terminating,
            created: None,
            node: None,
        };
        let (a, b) = (Some(("web", "a")), Some(("web", "b")));
        let cases = [
            (
                "the same",
                vec![pod("1", a, false), pod("1", a, false)],
                None,
            ),
            (
                "two of them",
                vec![pod("1", a, false), pod("1", b, false), pod("1", a, false)],
                Some(vec![("a", 2), ("b", 1)]),
            ),
            (
                "two versions",
                vec![pod("1", a, false), pod("2", b, false)],
                None,
            ),
            (
                "one goes away",
                vec![pod("1", a, false), pod("1", b, true)],
                None,
            ),
            (
                "one is not known",
                vec![pod("1", a, false), pod("1", None, false)],
                None,
            ),
            (
                "another image of that version",
                vec![pod("1", a, false), pod("1", Some(("worker", "b")), false)],
                None,
            ),
        ];
        for (name, pods, expected) in cases {
            let live = LiveCell {
                health: Health::Healthy,
                pods,
                ..LiveCell::unknown("", jiff::Timestamp::UNIX_EPOCH)
            };
            let torn = live.torn().map(|torn| torn.digests.into_iter().collect());
            assert_eq!(torn, expected, "{name}");
            assert_eq!(live.is_torn(), expected.is_some(), "{name}");
        }
    }
}
