//! The name of an image: which registry has it, and where it stands beside a version.

use std::fmt;

use super::{
    manifest::{self, NodeRef},
    version::Version,
};

/// The registry of names that say none.
pub const DOCKER: &str = "docker.io";

/// An image without tag and digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    /// The registry, with its port: `docker.io`, `registry.example.com:5000`.
    pub registry: String,
    /// The repository there: `library/nginx`, `shop/checkout`.
    pub repository: String,
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}

impl ImageName {
    /// Of a reference, whatever tag and digest it has; `None`: it is none.
    pub fn parse(reference: &str) -> Option<Self> {
        let name = reference.split('@').next()?;
        // A colon behind the last slash begins the tag; one before it, a port.
        let end = name.rfind(':').filter(|at| !name[*at..].contains('/'));
        let name = &name[..end.unwrap_or(name.len())];
        let (first, rest) = name.split_once('/').unwrap_or(("", name));
        let is_host = first == "localhost" || first.contains(['.', ':']);
        let (registry, repository) = match (is_host, first) {
            (true, "index.docker.io" | "registry-1.docker.io") | (false, "") => {
                (DOCKER, rest.to_owned())
            }
            (true, host) => (host, rest.to_owned()),
            (false, _) => (DOCKER, name.to_owned()),
        };
        let repository = if registry == DOCKER && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository
        };
        let of_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._/".contains(c);
        let parts = repository.split('/');
        let is_name = repository.chars().all(of_name)
            && parts
                .into_iter()
                .all(|part| !matches!(part, "" | "." | ".."))
            && registry.chars().all(of_host);
        is_name.then(|| Self {
            registry: registry.to_owned(),
            repository,
        })
    }
}

/// The tag and the digest of a version: `1.2`, `sha256:…`, `1.2@sha256:…`.
pub fn tag_and_digest(version: &str) -> (Option<&str>, Option<&str>) {
    let (tag, digest) = match version.split_once('@') {
        Some((tag, digest)) => (Some(tag), Some(digest)),
        None if version.starts_with("sha256:") => (None, Some(version)),
        None => (Some(version), None),
    };
    (tag.filter(|tag| !tag.is_empty()), digest)
}

/// Whether what is written is this version, or pins it: is it with the digest that its tag is to mean (`1.2@sha256:…` pins `1.2`).
pub fn is_or_pins(written: &Version, version: &Version) -> bool {
    let pins = || matches!(tag_and_digest(written.as_str()), (Some(tag), Some(_)) if tag == version.as_str());
    written == version || pins()
}

/// Whether two values, each as it is written somewhere, are one version: one is or pins the other. Two digests of a tag are two
/// versions.
pub fn is_same(a: &Version, b: &Version) -> bool {
    is_or_pins(a, b) || is_or_pins(b, a)
}

/// Whether a text can be a tag.
pub fn is_tag(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= 128
        && chars
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// What a file says of an image's name beside the version on a line: the parts may stand in several files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    registry: Option<String>,
    name: Option<String>,
    /// The keys around the mapping that the version stands in, the outermost first, to be looked for in a fall-back.
    way: Vec<String>,
}

impl Beside {
    /// Its name, once enough is known.
    pub fn image(&self) -> Option<ImageName> {
        let name = self.name.as_deref()?;
        match &self.registry {
            Some(registry) if !name.starts_with(&format!("{registry}/")) => {
                ImageName::parse(&format!("{}/{name}", registry.trim_end_matches('/')))
            }
            _ => ImageName::parse(name),
        }
    }

    /// What stands beside the scalar on `line` (from 1) that says `version`.
    pub fn on(bytes: &[u8], line: u32, version: &str) -> Option<Self> {
        let yaml = manifest::parse(bytes).ok()?;
        yaml.documents
            .iter()
            .find_map(|document| find(document.root(), &mut Vec::new(), line, version))
    }

    /// With what a fall-back file has at the same keys, where this one does not say it.
    #[must_use]
    pub fn or_in(mut self, bytes: &[u8]) -> Self {
        let Ok(yaml) = manifest::parse(bytes) else {
            return self;
        };
        for document in &yaml.documents {
            let mut node = Some(document.root());
            for key in &self.way {
                node = node.and_then(|node| node.get(key)).map(|found| found.value);
            }
            if let Some(node) = node {
                self.take(node);
            }
        }
        self
    }

    fn take(&mut self, mapping: NodeRef<'_>) {
        let text = |key: &str| {
            let text = mapping.get(key)?.value.text()?;
            (!text.is_empty() && !text.contains(['{', '$'])).then(|| text.to_owned())
        };
        let first = |keys: &[&str]| keys.iter().find_map(|key| text(key));
        self.registry = self
            .registry
            .take()
            .or_else(|| first(&["registry", "imageRegistry"]));
        // A Kustomize item has a name and maybe a new one; Helm values say `repository`.
        let names = ["newName", "repository", "imageRepository", "name", "image"];
        self.name = self.name.take().or_else(|| first(&names));
    }
}

fn find(node: NodeRef<'_>, way: &mut Vec<String>, line: u32, version: &str) -> Option<Beside> {
    if node.is_mapping() {
        for (key, value) in node.own_entries() {
            if let Some(text) = value.text() {
                let on_it = value.line() == line || key.line() == line;
                if on_it && (text == version || text.contains(version)) {
                    return Some(beside(node, text, version, way.clone()));
                }
                continue;
            }
            way.push(key.text().unwrap_or_default().to_owned());
            if let Some(found) = find(value, way, line, version) {
                return Some(found);
            }
            way.pop();
        }
        return None;
    }
    node.items().find_map(|item| match item.text() {
        Some(text) if item.line() == line && text.contains(version) => {
            Some(beside(item, text, version, Vec::new()))
        }
        Some(_) => None,
        None => find(item, way, line, version),
    })
}

fn beside(mapping: NodeRef<'_>, text: &str, version: &str, way: Vec<String>) -> Beside {
    let mut beside = Beside {
        way,
        ..Beside::default()
    };
    // The version may be the end of a whole reference.
    let reference = text
        .strip_suffix(version)
        .filter(|name| name.ends_with([':', '@']));
    match reference.map(|name| name.trim_end_matches([':', '@'])) {
        Some(name) if !name.is_empty() => {
            let name = name.split_once('=').map_or(name, |(_, new)| new);
            beside.name = Some(name.to_owned());
        }
        _ => beside.take(mapping),
    }
    beside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_with_its_digest_is_that_version() {
        // (written, version, it is that or pins it, they are one version)
        let cases = [
            ("1.2", "1.2", true, true),
            ("1.2@sha256:aa", "1.2", true, true),
            ("1.2", "1.2@sha256:aa", false, true),
            ("1.2@sha256:aa", "1.2@sha256:aa", true, true),
            ("1.2@sha256:aa", "1.2@sha256:bb", false, false),
            ("1.2@sha256:aa", "1.20", false, false),
            ("1.2@sha256:aa", "sha256:aa", false, false),
            ("@sha256:aa", "", false, false),
        ];
        for (written, version, pins, same) in cases {
            let (written, version) = (written.into(), version.into());
            assert_eq!(is_or_pins(&written, &version), pins, "{written} {version}");
            assert_eq!(is_same(&written, &version), same, "{written} {version}");
            assert_eq!(is_same(&version, &written), same, "{version} {written}");
        }
    }

    #[test]
    fn names_are_those_that_a_kubelet_would_pull() {
        let cases = [
            ("nginx", Some("docker.io/library/nginx")),
            ("nginx:1.27", Some("docker.io/library/nginx")),
            ("shop/web:1@sha256:aa", Some("docker.io/shop/web")),
            ("docker.io/nginx", Some("docker.io/library/nginx")),
            ("ghcr.io/o/a/web:v1", Some("ghcr.io/o/a/web")),
            ("localhost:5000/web:1", Some("localhost:5000/web")),
            ("localhost/web", Some("localhost/web")),
            (
                "r.example.com:5000/a/web@sha256:aa",
                Some("r.example.com:5000/a/web"),
            ),
            ("r.example.com/../x", None),
            ("r.example.com/A/x", None),
            ("r.example.com/a?x=", None),
            ("u:p@h/x", Some("docker.io/library/u")),
            ("", None),
        ];
        for (reference, expected) in cases {
            let name = ImageName::parse(reference).map(|name| name.to_string());
            assert_eq!(name.as_deref(), expected, "{reference}");
        }
    }

    #[test]
    fn the_name_stands_beside_the_version() {
        let cases = [
            (
                "kustomize",
                "images:\n- name: other\n  newTag: \"1.2\"\n- name: web\n  newName: r.example.com/shop/web\n  newTag: 1.2\n",
                6,
                Some("r.example.com/shop/web"),
            ),
            (
                "kustomize, named",
                "images:\n- name: r.example.com/web\n  newTag: 1.2\n",
                3,
                Some("r.example.com/web"),
            ),
            (
                "helm",
                "image:\n  registry: r.example.com\n  repository: shop/web\n  tag: 1.2\n",
                4,
                Some("r.example.com/shop/web"),
            ),
            (
                "flow",
                "image: {repository: r.example.com/web, tag: 1.2}\n",
                1,
                Some("r.example.com/web"),
            ),
            (
                "a manifest",
                "spec:\n  containers:\n  - name: web\n    image: r.example.com:5000/web:1.2\n",
                4,
                Some("r.example.com:5000/web"),
            ),
            (
                "argo",
                "kustomize:\n  images:\n  - web=r.example.com/web:1.2\n",
                3,
                Some("r.example.com/web"),
            ),
            ("nothing", "image:\n  tag: 1.2\n", 2, None),
            (
                "a template",
                "image:\n  repository: \"{{ x }}/web\"\n  tag: 1.2\n",
                3,
                None,
            ),
        ];
        for (name, text, line, expected) in cases {
            let beside = Beside::on(text.as_bytes(), line, "1.2");
            let image = beside.and_then(|beside| beside.image());
            assert_eq!(
                image.map(|image| image.to_string()).as_deref(),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_fall_back_says_what_is_missing() {
        let own = Beside::on(b"web:\n  image:\n    tag: 1.2\n", 3, "1.2").unwrap();
        assert_eq!(own.image(), None);
        let image = own
            .or_in(b"web:\n  image:\n    repository: r.example.com/web\n")
            .image();
        assert_eq!(image.unwrap().to_string(), "r.example.com/web");
    }
}
