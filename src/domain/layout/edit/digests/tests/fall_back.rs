//! Digests of a fall-back file, which stay in force until something is written over them.

use super::*;

#[test]
fn no_digest_of_a_fall_back_stays_in_force_under_another_tag() {
    let helm = r#"{ path = "{service}/values-{env}.yaml", yaml = "image.tag", else = [{ path = "{service}/values.yaml" }] }"#;
    let (old, new) = (digest('a'), digest('b'));
    let base = format!("image:\n  tag: v0\n  digest: {old}\n");
    let hex = format!("image:\n  tag: v0\nimageSha: {}\n", &old[7..]);
    let empty = "image:\n  tag: v0\n  digest: \"\"\n".to_owned();
    let both = format!("v2@{new}");
    let own = "image:\n  tag: v1\n";
    let cases = [
        (
            "an override of the tag",
            &base,
            own,
            "v2",
            "image:\n  tag: v2\n  digest: \"\"\n".to_owned(),
        ),
        (
            "of both",
            &base,
            own,
            &both,
            format!("image:\n  tag: v2\n  digest: {new}\n"),
        ),
        (
            "a new override of the tag",
            &base,
            "replicas: 1\n",
            "v2",
            "replicas: 1\nimage:\n  tag: v2\n  digest: \"\"\n".into(),
        ),
        (
            "a new override of both",
            &base,
            "replicas: 1\n",
            &both,
            format!("replicas: 1\nimage:\n  tag: v2\n  digest: {new}\n"),
        ),
        (
            "around the image",
            &hex,
            own,
            "v2",
            "image:\n  tag: v2\nimageSha: \"\"\n".into(),
        ),
        (
            "around the image, both",
            &hex,
            "a: b\n",
            &both,
            format!("a: b\nimage:\n  tag: v2\nimageSha: {}\n", &new[7..]),
        ),
        (
            "one that says nothing",
            &empty,
            own,
            "v2",
            "image:\n  tag: v2\n".into(),
        ),
        (
            "one that says nothing, both",
            &empty,
            own,
            &both,
            format!("image:\n  tag: v2\n  digest: {new}\n"),
        ),
        (
            "an override that has its own",
            &base,
            "image:\n  tag: v1\n  digest: \"\"\n",
            "v2",
            "image:\n  tag: v2\n  digest: \"\"\n".into(),
        ),
    ];
    for (name, base, own, version, expected) in cases {
        let files = [
            ("web/values.yaml", base.as_str()),
            ("web/values-prod.yaml", own),
        ];
        let found = edited(helm, &files, &format!("web prod {version}"));
        assert_eq!(found, expected, "{name}");
    }
    // What was added goes again.
    let files = [
        ("web/values.yaml", base.as_str()),
        (
            "web/values-prod.yaml",
            "replicas: 1\nimage:\n  tag: v2\n  digest: \"\"\n",
        ),
    ];
    assert_eq!(edited(helm, &files, "web prod -"), "replicas: 1\n");

    // An overlay's tag takes the place of its base's digest: that is Kustomize's rule, and nothing is to be emptied.
    let kustomize = r#"{ preset = "kustomize", path = "{service}/{env}/kustomization.yaml", else = [{ path = "{service}/base/kustomization.yaml" }] }"#;
    let files = [
        (
            "web/base/kustomization.yaml",
            &*format!("images:\n- name: r/web\n  newTag: v0\n  digest: {old}\n"),
        ),
        (
            "web/prod/kustomization.yaml",
            "images:\n- name: r/web\n  newTag: v1\n",
        ),
    ];
    assert_eq!(
        edited(kustomize, &files, "web prod v2"),
        "images:\n- name: r/web\n  newTag: v2\n"
    );
}

#[test]
fn a_digest_under_any_key_of_a_fall_back_does_not_stay_in_force() {
    let layout = r#"{ path = "{service}/{env}.yaml", yaml = "image.tag", else = [{ path = "{service}/values.yaml" }] }"#;
    let cases = [
        (
            "image:\n  tag: v0\n  hash: %D\n",
            "image:\n  tag: v2\n  hash: \"\"\n",
        ),
        (
            "image:\n  tag: v0\n  repository: r/i@%D\n",
            "image:\n  tag: v2\n  repository: r/i\n",
        ),
    ];
    for (base, expected) in cases {
        let base = filled(base, "-", 'a');
        for own in ["image:\n  tag: v1\n", "r: 1\n"] {
            let files = [("web/values.yaml", base.as_str()), ("web/prod.yaml", own)];
            let found = edited(layout, &files, "web prod v2");
            let kept = own.strip_prefix("image:\n  tag: v1\n").unwrap_or(own);
            assert_eq!(found, format!("{kept}{expected}"), "{own}");
        }
    }
}

#[test]
fn what_a_fall_back_says_is_not_the_cells_own() {
    let layout = r#"{ path = "{service}/{env}.yaml", yaml = "image.tag", else = [{ path = "{service}/values.yaml" }] }"#;
    let two = "image:\n  tag: v0\n  digest: %D\n  hash: %C\n";
    let behind = "image:\n  tag: v0\n  repository: r/i@%D\n";
    let copies = "image:\n  tag: v0\n  digest: %D\n  hash: %D\n";
    // By fall-back and own file: with a tag alone, with a digest too.
    let cases = [
        (
            "two digests",
            two,
            "image:\n  tag: v1\n",
            "image:\n  tag: v2\n  digest: \"\"\n  hash: \"\"\n",
            "image:\n  tag: v2\n  digest: %N\n  hash: \"\"\n",
        ),
        (
            "two digests, added",
            two,
            "r: 1\n",
            "r: 1\nimage:\n  tag: v2\n  digest: \"\"\n  hash: \"\"\n",
            "r: 1\nimage:\n  tag: v2\n  digest: %N\n  hash: \"\"\n",
        ),
        (
            "two digests, of which one is written over",
            two,
            "image:\n  tag: v1\n  hash: \"\"\n",
            "image:\n  tag: v2\n  hash: \"\"\n  digest: \"\"\n",
            "image:\n  tag: v2\n  hash: \"\"\n  digest: %N\n",
        ),
        (
            "copies beside a digest of one's own",
            copies,
            "image:\n  tag: v1\n  digest: %C\n",
            "image:\n  tag: v2\n  digest: \"\"\n  hash: \"\"\n",
            "image:\n  tag: v2\n  digest: %N\n  hash: %N\n",
        ),
        (
            "behind a name that is written over",
            behind,
            "image:\n  repository: q/i\n  tag: v1\n",
            "image:\n  repository: q/i\n  tag: v2\n",
            "image:\n  repository: q/i@%N\n  tag: v2\n",
        ),
        (
            "behind a name that is written over, added",
            behind,
            "image:\n  repository: q/i\n",
            "image:\n  repository: q/i\n  tag: v2\n",
            "image:\n  repository: q/i@%N\n  tag: v2\n",
        ),
        (
            "behind a name in whose place something else stands",
            behind,
            "image:\n  repository: {host: q, name: i}\n  tag: v1\n",
            "image:\n  repository: {host: q, name: i}\n  tag: v2\n",
            "image:\n  repository: {host: q, name: i}\n  tag: v2@%N\n",
        ),
    ];
    for (name, base, own, alone, both) in cases {
        let base = filled(base, "-", 'a');
        let of = |text: &str| filled(text, "-", 'a').replace("%N", &digest('b'));
        let own = of(own);
        let files = [("web/values.yaml", base.as_str()), ("web/prod.yaml", &own)];
        assert_eq!(edited(layout, &files, "web prod v2"), of(alone), "{name}");
        let found = edited(layout, &files, &format!("web prod v2@{}", digest('b')));
        assert_eq!(found, of(both), "{name}: both");
    }
}
