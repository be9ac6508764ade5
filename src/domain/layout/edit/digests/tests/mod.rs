//! A tag and its digest, in two places: by the key that charts keep it under, by what it says whatever its key is, under a
//! fall-back, and where another environment has it.

mod by_key;
mod by_value;
mod elsewhere;
mod fall_back;

use crate::domain::layout::edit::{tests::edited, *};
use crate::domain::layout::testing::Small;

const IMAGE: &str = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#;
const FLAT: &str = r#"{ path = "{env}/{service}.yaml", yaml = "webTag" }"#;
const HOLDER: &str = r#"{ path = "{env}/{service}.yaml", yaml = "{service}.tag" }"#;
const VERSION: &str = r#"{ path = "{env}/{service}.yaml", yaml = "image.version" }"#;
const STRING: &str = r#"{ path = "{env}/{service}.yaml", yaml = "image", part = "tag" }"#;
const UNSURE: &str = r#"{ path = "{env}/{service}.yaml", yaml = "release.version" }"#;
const INSIDE: &str = r#"{ path = "{env}/{service}.yaml", yaml = "values.(yaml).image.tag" }"#;
const KUSTOMIZE: &str = r#"{ preset = "kustomize", path = "{env}/{service}.yaml" }"#;

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// `%D` stands for a digest, `%H` for its digits, `%C` for another digest, `%V` for a version.
fn filled(text: &str, version: &str, digit: char) -> String {
    let digest = digest(digit);
    text.replace("%V", version)
        .replace("%D", &digest)
        .replace("%H", &digest[7..])
        .replace("%C", &self::digest('c'))
}

/// What a plan says of what stays beside `web` in prod when it becomes `v2`.
pub(in crate::domain::layout::edit) fn told(layout: &str, before: &str) -> Vec<String> {
    let small = Small::new(layout, &["prod"], &[("prod/web.yaml", before)]);
    let (desired, key) = (small.desired(), CellKey::new("web", "prod"));
    let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    let version = Version::from("v2");
    let edits = edit_cell(&small.layouts, &desired, &key, Some(&version), &read).unwrap();
    let after = |_: &Origin, path: &RepoPath| {
        let edit = edits.iter().find(|edit| edit.path == *path);
        edit.map(|edit| edit.after.clone())
    };
    let left = left_beside(&small.layouts, &desired, &[key], &read, &after);
    left.into_iter()
        .flatten()
        .map(|left| format!("{} {}", left.what, left.words))
        .collect()
}

/// One file of `web` in prod; what becomes of it, or why nothing does.
fn alone(layout: &str, text: &str, version: &str) -> String {
    edited(
        layout,
        &[("prod/web.yaml", text)],
        &format!("web prod {version}"),
    )
}

/// However many versions a file holds, it is read once without the edits and once with them.
#[test]
fn what_stays_beside_many_versions_of_a_file_is_told_in_one_reading() {
    let count = 50;
    let services = || (0..count).map(|number| format!("s{number}"));
    let text = |version: &str| {
        let lines = services().map(|name| {
            format!(
                "{name}:\n  image:\n    tag: {version} # {{\"$imagepolicy\": \"flux-system:{name}:tag\"}}\n    \
                 sidecarDigest: {}\n  chart: 1.0\n",
                digest('a')
            )
        });
        lines.collect::<String>()
    };
    let layout = r#"{ path = "{env}.yaml", yaml = "{service}.image.tag", also = [{ yaml = "{service}.chart" }] }"#;
    let (before, after) = (text("v1"), text("v2"));
    let small = Small::new(layout, &["prod"], &[("prod.yaml", &before)]);
    let keys: Vec<CellKey> = services().map(|name| CellKey::new(name, "prod")).collect();
    let reads = std::cell::Cell::new(0);
    let read = |text: &str| {
        reads.set(reads.get() + 1);
        Some(text.as_bytes().to_vec())
    };
    let was = |_: &Origin, _: &RepoPath| read(&before);
    let now = |_: &Origin, _: &RepoPath| read(&after);
    let left = left_beside(&small.layouts, &small.desired(), &keys, &was, &now);
    assert_eq!(reads.get(), 2);
    assert_eq!(left.len(), count);
    for (number, left) in left.iter().enumerate() {
        let told = ["also", "digest", "automation"].into_iter().zip([5, 4, 3]);
        let told: Vec<(&str, String)> = told
            .map(|(what, line)| (what, format!("prod.yaml:{}", number * 5 + line)))
            .collect();
        let place = |words: &str| {
            words
                .split(": ")
                .next()
                .map(str::to_owned)
                .unwrap_or_default()
        };
        let found: Vec<(&str, String)> =
            left.iter().map(|it| (it.what, place(&it.words))).collect();
        assert_eq!(found, told);
    }
}
