//! What is read from what was read before is what is read afresh, whatever is edited.

use proptest::prelude::*;

use super::*;
use crate::domain::layout::testing::specs;

fn layouts(text: &str) -> LayoutSet {
    LayoutSet::compile(&specs(text), &["dev".into(), "prod".into()]).unwrap()
}

/// Reads the versions one after the other; how many of them were parsed.
fn read_all(layouts: &LayoutSet, path: &str, versions: &[String]) -> usize {
    let path = RepoPath::new(path);
    let mut reader = Successive::default();
    let mut parsed = 0;
    for (number, text) in versions.iter().enumerate() {
        let before = reader.parsed();
        let found = reader.read(layouts, &path, &Arc::new(text.clone().into_bytes()));
        parsed += usize::from(reader.parsed() > before);
        let afresh = layouts.extract(&path, text.as_bytes());
        assert_eq!(*found, afresh, "version {number}:\n{text}");
    }
    parsed
}

const WIDE: &str = r#"{ path = "{env}.json", json = "{service}.version" }"#;
type Edits = &'static [(&'static str, &'static str)];
const CASES: &[(&str, &str, &str, Edits, usize)] = &[
    // (name, layouts, first version, each next one by what is replaced, how many are parsed)
    (
        "a version among many",
        WIDE,
        r#"{"api": {"version": "1.0", "built": "monday"}, "web": {"version": "2.0", "built": "friday"}}"#,
        &[
            ("1.0", "1.0.1"),
            ("1.0.1", "v9"),
            ("2.0", "20"),
            ("20", "2"),
        ],
        1,
    ),
    (
        "with what nobody reads",
        WIDE,
        r#"{"api": {"version": "1.0", "built": "monday"}, "web": {"version": "2.0", "built": "friday"}}"#,
        &[
            (
                "\"1.0\", \"built\": \"monday\"",
                "\"1.1\", \"built\": \"tuesday, 10:00\"",
            ),
            ("friday", "a # b: {c}"),
        ],
        1,
    ),
    (
        "a service more",
        WIDE,
        r#"{"api": {"version": "1.0"}}"#,
        &[
            ("}}", "}, \"web\": {\"version\": \"2.0\"}}"),
            ("2.0", "2.1"),
        ],
        2,
    ),
    (
        "a key, a quote, an escape, a line break, another script",
        WIDE,
        "{\"api\": {\"version\": \"1.0\", \"note\": \"x\"}}",
        &[
            ("version", "verzion"),
            ("verzion", "version"),
            ("\"1.0\"", "1.0"),
            ("\"x\"", "\"\\n\""),
            ("\\n", "\u{e9}"),
        ],
        6,
    ),
    (
        "empty and back",
        WIDE,
        r#"{"api": {"version": "1.0"}}"#,
        &[("1.0", ""), ("\"\"", "\"1.0\""), ("\"1.0\"", "null")],
        4,
    ),
    (
        "plain scalars of blocks",
        r#"{ path = "{env}.yaml", yaml = "{service}.tag" }"#,
        "api:\n  tag: v1.0 # old\n  replicas: 2\nweb:\n  tag: v3\n",
        &[
            ("v1.0", "v1.10.0"),
            ("v3", "null"),
            ("null", "v3"),
            ("v3", "v4: 1"),
            ("v4: 1", "v5"),
            ("2\n", "3\n"),
            ("# old", "# new"),
        ],
        6,
    ),
    (
        "a plain scalar that becomes longer than its line",
        r#"{ path = "{env}.yaml", yaml = "{service}.tag" }"#,
        "api:\n  tag: v1\nweb:\n  tag: v3\n",
        &[("v1\n", "v1\n    more\n"), ("v3", "v4")],
        3,
    ),
    (
        "what names an item is not its version",
        r#"{ path = "{env}.yaml", yaml = "images[*]{name=**/{service}}.newTag" }"#,
        "images:\n- name: x/api\n  newTag: v1\n- name: x/web\n  newTag: v2\n",
        &[("v1", "v1.1"), ("x/web", "x/www"), ("v2", "v2.1")],
        2,
    ),
    (
        "containers of other images",
        r#"{ path = "{env}.yaml", kind = "Pod", name = "metadata.name", row = "{name}", yaml = "spec.containers[0].image", part = "tag" }"#,
        "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: r/web:v1}]}\n---\nkind: Pod\nmetadata: {name: api}\nspec: {containers: [{name: api, image: r/web:v1}]}\n",
        &[("r/web:v1}", "r/web:v2}"), ("r/web:v1}", "r/web:v2}")],
        1,
    ),
    (
        "containers of one image",
        r#"{ path = "{env}.yaml", kind = "Pod", name = "metadata.name", row = "{name}", yaml = "spec.containers[0].image", part = "tag" }"#,
        "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: r/web:v1}], initContainers: [{name: a, image: r/api:v1}]}\n",
        &[
            ("r/api:v1", "r/web:v1"),
            ("r/web:v1}], ", "r/web:v2}], "),
            ("r/web:v2", "r/web:v1"),
            ("a, image: r/web:v1", "a, image: r/web:v3"),
        ],
        5,
    ),
    (
        "a tag beside a digest",
        r#"{ path = "{env}.yaml", yaml = "images[*]{name=**/{service}}.newTag" }"#,
        "images:\n- name: x/api\n  newTag: v1\n  digest: sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
        &[
            ("v1", "v2"),
            (
                "sha256:0000000000000000000000000000000000000000000000000000000000000000",
                "sha256:0111111111111111111111111111111111111111111111111111111111111111",
            ),
        ],
        3,
    ),
    (
        "a part of an image",
        r#"{ path = "{env}.yaml", yaml = "{service}.image", part = "tag" }"#,
        "api:\n  image: registry:5000/x/api:1.0\nweb:\n  image: 'x/web:2.0'\n",
        &[
            ("1.0", "1.1"),
            ("2.0", "2.1-rc.1"),
            ("x/api", "y/api"),
            (
                ":1.1",
                "@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            ),
            ("'x/web", "'y/web"),
        ],
        4,
    ),
    (
        "values that are no versions",
        r#"{ path = "{env}.yaml", yaml = "{service}.tag", match = '^v\d' }"#,
        "api:\n  tag: v1\nweb:\n  tag: none\n",
        &[
            ("v1", "v2"),
            ("none", "v1"),
            ("v2", "latest"),
            ("latest", "v2"),
        ],
        4,
    ),
    (
        "an anchor's text is in two places",
        r#"{ path = "{env}.yaml", yaml = "{service}.tag" }"#,
        "api:\n  tag: &t v1\nweb:\n  tag: *t\n",
        &[("v1", "v2")],
        2,
    ),
    (
        "one place of two layouts",
        r#"{ path = "{env}.yaml", yaml = "api.tag", row = "api" }, { path = "{env}.yaml", yaml = "{service}.tag" }"#,
        "api:\n  tag: v1\nweb:\n  tag: v2\n",
        &[("v2", "v3"), ("v1", "v2")],
        2,
    ),
    (
        "by a regular expression",
        r#"{ path = "{env}.env", regex = '(?m)^(?<service>\w+)=(?<v>.*)$' }"#,
        "api=1\nweb=2\n",
        &[("1", "2"), ("web=2", "web=3")],
        3,
    ),
    (
        "a kind of document",
        r#"{ path = "{env}.yaml", kind = "A", name = "metadata.name", row = "{name}", yaml = "spec.tag" }"#,
        "kind: A\nmetadata: {name: api}\nspec: {tag: v1}\n---\nkind: B\nspec: {tag: v1}\n",
        &[
            ("v1}\n-", "v2}\n-"),
            ("kind: B", "kind: A"),
            ("name: api", "name: web"),
            ("{tag: v1}", "{tag: v7}"),
        ],
        3,
    ),
];

#[test]
fn reads_the_same_and_parses_as_little_as_can_be_proven() {
    let mut wrong = Vec::new();
    for (name, text, first, edits, parsed) in CASES {
        let layouts = layouts(text);
        let mut versions = vec![(*first).to_owned()];
        for (from, to) in *edits {
            let last = versions.last().unwrap();
            assert!(last.contains(from), "{name}: {from} in {last}");
            versions.push(last.replacen(from, to, 1));
        }
        let path = if text.contains("json\"") {
            "prod.json"
        } else if text.contains("env\"") {
            "prod.env"
        } else {
            "prod.yaml"
        };
        let found = read_all(&layouts, path, &versions);
        if found != *parsed {
            wrong.push(format!("{name}: {found} for {parsed}"));
        }
        // And back.
        versions.reverse();
        read_all(&layouts, path, &versions);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A file of forty services in which every version bumps one is parsed once.
#[test]
fn a_long_history_costs_what_changed() {
    let layouts = layouts(WIDE);
    let mut services: Vec<u32> = vec![0; 40];
    let mut versions = Vec::new();
    for n in 0..400_usize {
        services[n * 7 % 40] += 1;
        let rows = services.iter().enumerate().map(|(number, build)| {
            format!("  \"service-{number}\": {{\n    \"version\": \"1.{build}.0\",\n    \"sha\": \"{n:07x}\"\n  }}")
        });
        let rows: Vec<String> = rows.collect();
        versions.push(format!("{{\n{}\n}}\n", rows.join(",\n")));
    }
    assert_eq!(read_all(&layouts, "prod.json", &versions), 1);
}

const ANY: &str = r#"
    { path = "{env}.yaml", yaml = "images[*]{name=**/{service}}.newTag" },
    { path = "{env}.yaml", yaml = "{service}.image.tag" },
    { path = "{env}.yaml", yaml = "{service}.image", part = "tag", match = '^\w' },
    { path = "{env}.yaml", yaml = "**{service}.version", first = false }
"#;
const SEEDS: [&str; 4] = [
    "images:\n- name: x/api\n  newTag: v1\n- name: x/web\n  newTag: \"2\"\n  digest: sha256:1222222222222222222222222222222222222222222222222222222222222222\n",
    "api: {image: {tag: 'v1', note: \"a b\"}}\nweb:\n  image: x/web:1.0\n  version: 7\n",
    "{\"api\": {\"image\": {\"tag\": \"1\"}}, \"web\": {\"version\": \"2\", \"x\": [1, 2, \"3\"]}}",
    "a: &a v1\nb: {version: *a, c: {version: v2}}\n<<: {d: {version: v3}}\n# v4\ne: {version: v5} # v6\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_is_edited(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..4_usize, r#"[a-z0-9v.:@/ '"\\{}\[\],#&*\n-]{0,4}"#),
            1..12,
        ),
    ) {
        let mut versions = vec![SEEDS[seed].to_owned()];
        for (at, length, text) in edits {
            let mut bytes = versions.last().unwrap().clone().into_bytes();
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.into_bytes());
            versions.push(String::from_utf8(bytes).unwrap());
        }
        // Each beside the first, too, where one edit is small.
        let beside: Vec<String> = versions.iter().flat_map(|it| [versions[0].clone(), it.clone()]).collect();
        let layouts = layouts(ANY);
        read_all(&layouts, "prod.yaml", &versions);
        read_all(&layouts, "prod.yaml", &beside);
    }
}
