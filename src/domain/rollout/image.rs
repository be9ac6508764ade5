//! Image references: which container is the cell's, and which version it runs.

use crate::domain::version::Version;

/// The name of an image: the last part of its path, without tag and digest.
pub(super) fn name(image: &str) -> &str {
    let path = image.split('@').next().unwrap_or(image);
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split(':').next().unwrap_or(last)
}

/// An image without its tag and digest.
pub(super) fn without_version(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    // A colon behind the last slash begins the tag; one before it, a port.
    let tag = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    &name[..tag.unwrap_or(name.len())]
}

/// The version of an image: `tag`, `sha256:…` or `tag@sha256:…`; `latest` where it names none.
pub(super) fn version(image: &str) -> Version {
    let (path, digest) = match image.split_once('@') {
        Some((path, digest)) => (path, Some(digest)),
        None => (image, None),
    };
    let last = path.rsplit('/').next().unwrap_or(path);
    match (last.split_once(':').map(|(_, tag)| tag), digest) {
        (Some(tag), Some(digest)) => format!("{tag}@{digest}").into(),
        (Some(tag), None) => tag.into(),
        (None, Some(digest)) => digest.into(),
        (None, None) => "latest".into(),
    }
}

/// Whether two versions mean the same: by digest where both have one, else by tag where both have one.
pub fn same_version(a: &Version, b: &Version) -> bool {
    if a == b {
        return true;
    }
    let ((tag_a, digest_a), (tag_b, digest_b)) = (split(a.as_str()), split(b.as_str()));
    match (digest_a, digest_b) {
        (Some(a), Some(b)) => a == b,
        _ => tag_a.is_some() && tag_a == tag_b,
    }
}

/// The running version in the words of the desired one, where both mean the same.
pub(super) fn in_words_of(running: Version, desired: Option<&Version>) -> Version {
    match desired {
        Some(desired) if same_version(&running, desired) => desired.clone(),
        _ => running,
    }
}

/// The container that is the cell's: by the image's name, else by the container's own, else the first.
pub(super) fn pick<'a, C>(
    containers: &'a [C],
    names: &[String],
    parts: impl Fn(&C) -> (&str, &str),
) -> Option<&'a C> {
    let by = |matches: &dyn Fn(&C, &str) -> bool| {
        names
            .iter()
            .find_map(|wanted| containers.iter().find(|c| matches(c, wanted)))
    };
    by(&|container, wanted| name(parts(container).1) == wanted)
        .or_else(|| by(&|container, wanted| parts(container).0 == wanted))
        .or_else(|| containers.first())
}

fn split(version: &str) -> (Option<&str>, Option<&str>) {
    match version.split_once('@') {
        Some((tag, digest)) => ((!tag.is_empty()).then_some(tag), Some(digest)),
        None if version.starts_with("sha256:") || version.starts_with("sha512:") => {
            (None, Some(version))
        }
        None => (Some(version), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_references() {
        let cases = [
            ("checkout", "checkout", "latest"),
            ("checkout:1.2.3", "checkout", "1.2.3"),
            ("reg.example.com:5000/shop/checkout", "checkout", "latest"),
            ("reg.example.com:5000/shop/checkout:v1", "checkout", "v1"),
            ("shop/checkout@sha256:9f3c", "checkout", "sha256:9f3c"),
            (
                "shop/checkout:1.2@sha256:9f3c",
                "checkout",
                "1.2@sha256:9f3c",
            ),
        ];
        for (image, expected, tag) in cases {
            let bare = without_version(image);
            assert!(
                image.starts_with(bare) && bare.ends_with(expected),
                "{bare}"
            );
            assert_eq!(
                (name(image), version(image).as_str()),
                (expected, tag),
                "{image}"
            );
        }
    }

    #[test]
    fn compares_what_both_say() {
        let cases = [
            ("1.2", "1.2", true),
            ("1.2", "1.3", false),
            ("1.2", "v1.2", false),
            ("1.2@sha256:aa", "1.2", true),
            ("1.2@sha256:aa", "sha256:aa", true),
            ("1.2@sha256:aa", "@sha256:aa", true),
            ("1.2@sha256:aa", "1.2@sha256:bb", false),
            ("1.3@sha256:aa", "1.2@sha256:aa", true),
            ("1.2", "sha256:aa", false),
        ];
        for (a, b, same) in cases {
            assert_eq!(same_version(&a.into(), &b.into()), same, "{a} {b}");
            assert_eq!(same_version(&b.into(), &a.into()), same, "{b} {a}");
        }
    }

    #[test]
    fn picks_the_cells_container() {
        type Case = (
            &'static str,
            &'static [(&'static str, &'static str)],
            &'static [&'static str],
            &'static str,
        );
        let cases: [Case; 5] = [
            (
                "by the image's name",
                &[("proxy", "envoy:1"), ("app", "reg/checkout:2")],
                &["checkout"],
                "2",
            ),
            (
                "by the container's name",
                &[("proxy", "envoy:1"), ("checkout", "reg/shop:2")],
                &["checkout"],
                "2",
            ),
            (
                "the image's name beats the container's",
                &[("checkout", "envoy:1"), ("app", "reg/checkout:2")],
                &["checkout"],
                "2",
            ),
            (
                "else the first",
                &[("a", "x:1"), ("b", "y:2")],
                &["checkout"],
                "1",
            ),
            (
                "names in their order",
                &[("a", "x:1"), ("b", "y:2")],
                &["y", "x"],
                "2",
            ),
        ];
        for (case, containers, names, expected) in cases {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            let picked = pick(containers, &names, |c| (c.0, c.1)).unwrap();
            assert_eq!(version(picked.1).as_str(), expected, "{case}");
        }
    }
}
