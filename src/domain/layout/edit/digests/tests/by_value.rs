//! Digests under any key: written along with the version, taken away with it, or told.

use super::*;
use crate::domain::layout::{edit::tests::restored, testing::lines};

#[test]
fn a_digest_under_any_key_goes_with_its_version() {
    // By key: the file, and what it is with a tag alone.
    let cases = [
        (
            "digits alone",
            IMAGE,
            "image: {tag: %V, sha256: %H}\n",
            "image: {tag: v2}\n",
        ),
        (
            "a hash",
            IMAGE,
            "image: {tag: %V, hash: '%D'}\n",
            "image: {tag: v2}\n",
        ),
        (
            "the image's name again",
            IMAGE,
            "image:\n  tag: %V\n  imageDigest: %D\n",
            "image:\n  tag: v2\n",
        ),
        (
            "the tag's",
            IMAGE,
            "image:\n  tag: %V\n  tagDigest: %D # pin\n",
            "image:\n  tag: v2\n",
        ),
        (
            "a key that says nothing",
            IMAGE,
            "image:\n  pin: %D\n  tag: %V\n",
            "image:\n  tag: v2\n",
        ),
        (
            "behind the name",
            IMAGE,
            "image:\n  tag: %V\n  repository: r/i@%D # r\n",
            "image:\n  tag: v2\n  repository: r/i # r\n",
        ),
        (
            "behind a name with a port",
            IMAGE,
            "image:\n  name: 'h:5000/r/i@%D'\n  tag: %V\n",
            "image:\n  name: 'h:5000/r/i'\n  tag: v2\n",
        ),
        (
            "around the image",
            IMAGE,
            "image:\n  tag: %V\nsha256: %D\n",
            "image:\n  tag: v2\n",
        ),
        (
            "around, by another word",
            IMAGE,
            "image:\n  tag: %V\nimageHash: %D\n",
            "image:\n  tag: v2\n",
        ),
        (
            "of one of several",
            FLAT,
            "webTag: %V\nwebHash: %D\napiTag: x\n",
            "webTag: v2\napiTag: x\n",
        ),
        (
            "of what holds both",
            HOLDER,
            "web: {tag: %V, webHash: '%D'}\n",
            "web: {tag: v2}\n",
        ),
        (
            "around what holds it",
            HOLDER,
            "web: {tag: %V}\nweb_hash: %D\n",
            "web: {tag: v2}\n",
        ),
        (
            "of a key that is no tag",
            VERSION,
            "image: {version: %V, digest: '%D'}\n",
            "image: {version: v2}\n",
        ),
        (
            "in a text inside the file",
            INSIDE,
            "values: |\n  image:\n    tag: %V\n    hash: %D\n",
            "values: |\n  image:\n    tag: v2\n",
        ),
        (
            "several copies",
            IMAGE,
            "image:\n  tag: %V\n  digest: %D\n  hash: %D\nsha256: %H\n",
            "image:\n  tag: v2\n",
        ),
        (
            "copies by value alone",
            IMAGE,
            "image:\n  tag: %V\n  pin: %D\n  repository: r/i@%D\n",
            "image:\n  tag: v2\n  repository: r/i\n",
        ),
        (
            "a checksum of the image",
            IMAGE,
            "image:\n  tag: %V\n  checksum: %D\n",
            "image:\n  tag: v2\n",
        ),
        (
            "the digest again under a key that says nothing",
            IMAGE,
            "image:\n  tag: %V\n  digest: %D\nchecksum: %D\n",
            "image:\n  tag: v2\n",
        ),
        (
            "JSON",
            IMAGE,
            "{\"image\": {\"tag\": \"%V\", \"hash\": \"%D\"}}\n",
            "{\"image\": {\"tag\": \"v2\"}}\n",
        ),
    ];
    let new = format!("v2@{}", digest('b'));
    for (name, layout, text, alone) in cases {
        let before = filled(text, "v1", 'a');
        let small = Small::new(layout, &["prod"], &[("prod/web.yaml", &before)]);
        let declared = lines(&small.desired());
        let shown = format!("web prod v1@{} ", digest('a'));
        assert!(declared[0].starts_with(&shown), "{name}: {declared:?}");
        let to = |version: &str| {
            edited(
                layout,
                &[("prod/web.yaml", &before)],
                &format!("web prod {version}"),
            )
        };
        assert_eq!(to(&new), filled(text, "v2", 'b'), "{name}: both");
        assert_eq!(to("v2"), alone, "{name}: a tag");
        assert_eq!(told(layout, &before), [""; 0], "{name}: nothing stays");
        // From an environment that has both.
        let dev = filled(text, "v2", 'b');
        let files = [("dev/web.yaml", dev.as_str()), ("prod/web.yaml", &before)];
        assert_eq!(
            edited(layout, &files, &format!("web prod {new}")),
            dev,
            "{name}: copied"
        );
    }
}

#[test]
fn a_digest_that_may_be_of_something_else_stays_and_is_told() {
    let cases = [
        (
            "of a part of it",
            IMAGE,
            "image: {tag: v1, sidecarDigest: '%D'}\n",
            "1: the digest in `sidecarDigest`",
        ),
        (
            "one of two",
            IMAGE,
            "image:\n  tag: v1\n  hash: %D\n  pin: %C\n",
            "3: the digest in `hash`",
        ),
        (
            "nobody's among several",
            FLAT,
            "webTag: v1\ndigest: %D\n",
            "2: the digest in `digest`",
        ),
        (
            "nobody's around",
            HOLDER,
            "web: {tag: v1}\nhash: %D\n",
            "2: the digest in `hash`",
        ),
        (
            "beside an image string",
            STRING,
            "image: r/web:v1\nimageDigest: %D\n",
            "2: the digest in `imageDigest`",
        ),
        (
            "of what may be no image",
            UNSURE,
            "release:\n  version: v1\n  sha256: %H\n",
            "3: the digest in `sha256`",
        ),
        (
            "of a configuration, around the image",
            IMAGE,
            "image: {tag: v1}\nchecksum: %D\n",
            "2: the digest in `checksum`",
        ),
        (
            "the same in digits",
            IMAGE,
            "checksum: %H\nimage: {tag: v1}\n",
            "1: the digest in `checksum`",
        ),
        (
            "of what is around the image",
            IMAGE,
            "image: {tag: v1}\nhash: %D\n",
            "2: the digest in `hash`",
        ),
        (
            "of a configuration beside a tag",
            FLAT,
            "webTag: v1\nwebChecksum: %D\n",
            "2: the digest in `webChecksum`",
        ),
        (
            "of a new name",
            KUSTOMIZE,
            "images:\n- name: r/web\n  newTag: v1\n  newName: q/web@%D\n",
            "4: the digest in `newName`",
        ),
    ];
    for (name, layout, text, expected) in cases {
        let text = filled(text, "-", 'a');
        let found = told(layout, &text);
        let expected = format!("digest prod/web.yaml:{expected} stays as it is");
        assert!(
            found.first().is_some_and(|it| it.starts_with(&expected)),
            "{name}: {found:?}"
        );
        let after = edited(layout, &[("prod/web.yaml", &text)], "web prod v2");
        assert!(after.contains(&digest('a')[7..]), "{name}: {after}");
    }
    let silent = [
        ("another's", FLAT, "webTag: v1\napiDigest: %D\n"),
        (
            "another's around",
            HOLDER,
            "web: {tag: v1}\napiDigest: %D\n",
        ),
        ("a secret", IMAGE, "image: {tag: v1, token: %H}\n"),
        ("a commit", IMAGE, "image: {tag: v1, sha: 9f3c2ab}\n"),
        ("none", IMAGE, "image: {tag: v1}\n"),
        (
            "far away",
            IMAGE,
            "image: {tag: v1}\nsidecar: {image: {digest: '%D'}}\n",
        ),
    ];
    for (name, layout, text) in silent {
        assert_eq!(told(layout, &filled(text, "-", 'a')), [""; 0], "{name}");
    }
}

#[test]
fn of_two_digests_of_one_tag_none_is_left_to_pin() {
    let text = filled("image:\n  tag: v1\n  digest: %D\n  hash: %C\n", "-", 'a');
    let file = [("prod/web.yaml", text.as_str())];
    let found = edited(IMAGE, &file, "web prod v2");
    let expected =
        "Conflict: prod/web.yaml:4: another digest stands here beside the same tag, on line 2";
    assert!(found.starts_with(expected), "{found}");
    // One that is given too takes the place of the one that is used.
    let both = edited(IMAGE, &file, &format!("web prod v2@{}", digest('b')));
    assert_eq!(
        both,
        text.replace("v1", "v2").replace(&digest('a'), &digest('b'))
    );
}

#[test]
fn going_back_restores_the_place_as_it_was() {
    let pinned = format!("v2@{}", digest('b'));
    let cases = [
        (
            "an empty digest",
            IMAGE,
            "image:\n  tag: v1\n  digest: \"\" # none\n  x: 1\n",
            &*pinned,
        ),
        (
            "one that is null",
            IMAGE,
            "image:\n  tag: v1\n  digest: # none\n  x: 1\n",
            &pinned,
        ),
        (
            "no digest",
            IMAGE,
            "image:\n  tag: v1 # w\n  x: 1\n",
            &pinned,
        ),
        (
            "a digest with a comment",
            IMAGE,
            "image:\n  tag: v1\n  digest: %D # pin\n  x: 1\n",
            "v2",
        ),
        (
            "a digest in quotes",
            IMAGE,
            "image: {digest: '%D', tag: \"v1\"}\n",
            "v2",
        ),
        (
            "a digest under another key",
            IMAGE,
            "image:\n  hash: %D\n\n  # the tag\n  tag: v1\n",
            "v2",
        ),
        (
            "behind a name",
            IMAGE,
            "image:\n  tag: v1\n  repository: r/i@%D # r\n",
            "v2",
        ),
        (
            "of Kustomize",
            KUSTOMIZE,
            "images:\n- name: r/web\n  digest: \"\" # none\n  newTag: v1\n",
            &pinned,
        ),
        (
            "of Kustomize, pinned",
            KUSTOMIZE,
            "images:\n- digest: %D # pin\n  name: r/web\n",
            "v2",
        ),
        ("a number", IMAGE, "image: {tag: v1} # x\n", "1.10"),
        (
            "carriage returns",
            IMAGE,
            "image:\r\n  tag: v1\r\n  digest: %D # pin\r\n  x: 1\r\n",
            "v2",
        ),
    ];
    for (name, layout, text, to) in cases {
        let before = filled(text, "-", 'a');
        let now = edited(
            layout,
            &[("prod/web.yaml", &before)],
            &format!("web prod {to}"),
        );
        assert_ne!(now, before, "{name}");
        let small = Small::new(layout, &["prod"], &[("prod/web.yaml", &before)]);
        let was = small
            .desired()
            .version(&CellKey::new("web", "prod"))
            .cloned();
        let was = was.unwrap();
        let back = |now: &str| {
            let (now, then) = (
                [("prod/web.yaml", now)],
                [("prod/web.yaml", before.as_str())],
            );
            restored(layout, &now, &then, was.as_str())
        };
        assert_eq!(back(&now), before, "{name}: {now}");
    }
    // What else changed since stays, and so does what was there to say nothing.
    let then = [(
        "prod/web.yaml",
        "image:\n  tag: v1\n  digest: \"\" # none\n",
    )];
    let now = format!(
        "a: b\nimage:\n  tag: v2\n  digest: \"{}\" # none\n",
        digest('b')
    );
    assert_eq!(
        restored(IMAGE, &[("prod/web.yaml", &now)], &then, "v1"),
        "a: b\nimage:\n  tag: v1\n  digest: \"\" # none\n"
    );
}

#[test]
fn a_key_that_says_nothing_hides_no_digest_that_is_held_elsewhere() {
    let cases = [
        (
            "an empty one",
            "image:\n  tag: %V\n  digest: \"\"\n  hash: %D\n",
            "image:\n  tag: v2\n  digest: \"\"\n",
        ),
        (
            "null",
            "image:\n  tag: %V\n  digest:\n  pin: %D\n",
            "image:\n  tag: v2\n  digest:\n",
        ),
        (
            "behind the name",
            "image:\n  digest: ''\n  repository: r/i@%D\n  tag: %V\n",
            "image:\n  digest: ''\n  repository: r/i\n  tag: v2\n",
        ),
        (
            "several copies",
            "image:\n  tag: %V\n  digest: ''\n  repository: r/i@%D\n  pin: %D\n",
            "image:\n  tag: v2\n  digest: ''\n  repository: r/i\n",
        ),
    ];
    for (name, text, alone) in cases {
        let before = filled(text, "v1", 'a');
        let files = [("prod/web.yaml", before.as_str())];
        let declared = lines(&Small::new(IMAGE, &["prod"], &files).desired());
        let shown = format!("web prod v1@{} ", digest('a'));
        assert!(declared[0].starts_with(&shown), "{name}: {declared:?}");
        assert_eq!(edited(IMAGE, &files, "web prod v2"), alone, "{name}");
        let both = edited(IMAGE, &files, &format!("web prod v2@{}", digest('b')));
        assert_eq!(both, filled(text, "v2", 'b'), "{name}: both");
    }
}

#[test]
fn a_merge_key_brings_one_place_of_a_digest_and_not_its_copies() {
    let base = "base: &base {digest: '%D'}\nimage:\n  <<: *base\n";
    let copy = "base: &base {hash: '%D'}\nimage:\n  <<: *base\n";
    let cases = [
        (
            "the one that is read",
            format!("{base}  tag: v1\n  hash: %D\n"),
            format!("{base}  tag: v2\n  digest: \"\"\n"),
            format!("{base}  tag: v2\n  hash: %N\n  digest: %N\n"),
        ),
        (
            "a name beside it",
            format!("{base}  tag: v1\n  repository: r/i@%D\n"),
            format!("{base}  tag: v2\n  repository: r/i\n  digest: \"\"\n"),
            format!("{base}  tag: v2\n  repository: r/i@%N\n  digest: %N\n"),
        ),
        (
            "a copy",
            format!("{copy}  tag: v1\n  digest: %D\n"),
            format!("{copy}  tag: v2\n  hash: \"\"\n"),
            format!("{copy}  tag: v2\n  digest: %N\n  hash: %N\n"),
        ),
    ];
    for (name, text, alone, both) in cases {
        let of = |text: &str| text.replace("%D", &digest('a')).replace("%N", &digest('b'));
        let before = of(&text);
        let to = |version: &str| {
            edited(
                IMAGE,
                &[("prod/web.yaml", &before)],
                &format!("web prod {version}"),
            )
        };
        assert_eq!(to("v2"), of(&alone), "{name}");
        assert_eq!(
            to(&format!("v2@{}", digest('b'))),
            of(&both),
            "{name}: both"
        );
    }
    // What is taken out is the file's own: the fall-back is in force again.
    let layout = r#"{ path = "{service}/{env}.yaml", yaml = "image.tag", else = [{ path = "{service}/values.yaml" }] }"#;
    let own = "image:\n  <<: &b {pullPolicy: Always}\n  tag: v1\n  digest: %D\n  hash: %D\nx: y\n";
    let own = filled(own, "-", 'a');
    let files = [
        ("web/values.yaml", "image: {tag: v0}\n"),
        ("web/prod.yaml", own.as_str()),
    ];
    assert_eq!(
        edited(layout, &files, "web prod -"),
        "image:\n  <<: &b {pullPolicy: Always}\nx: y\n"
    );
}
