//! Digests that another environment of the service has.

use super::*;

#[test]
fn from_another_environment_comes_a_digest_and_no_name() {
    let new = format!("v2@{}", digest('b'));
    let cases = [
        (
            "beside a name with it",
            "image:\n  tag: %V\n  digest: %D\n  repository: dev.io/web@%D\n",
            "image:\n  tag: v1\n",
            "image:\n  tag: v2\n  digest: %D\n",
        ),
        (
            "behind a name alone",
            "image:\n  tag: %V\n  repository: dev.io/web@%D\n",
            "image:\n  tag: v1\n",
            "image:\n  tag: v2@%D\n",
        ),
        (
            "a name of its own stays",
            "image:\n  tag: %V\n  pin: %D\n  repository: dev.io/web@%D\n",
            "image:\n  tag: v1\n  repository: prod.io/web\n",
            "image:\n  tag: v2\n  repository: prod.io/web\n  pin: %D\n",
        ),
        (
            "around the image, with a name",
            "image:\n  repository: dev.io/web@%D\n  tag: %V\nimageDigest: %D\n",
            "image: {tag: v1}\n",
            "image: {tag: v2}\nimageDigest: %D\n",
        ),
        (
            "one of two",
            "image:\n  tag: %V\n  digest: %D\n  hash: %C\n",
            "image:\n  tag: v1\n",
            "image:\n  tag: v2\n  digest: %D\n",
        ),
        (
            "its key says nothing yet",
            "image:\n  tag: %V\n  hash: %D\n",
            "image:\n  tag: v1\n  hash: \"\"\n",
            "image:\n  tag: v2\n  hash: \"%D\"\n",
        ),
    ];
    for (name, dev, prod, expected) in cases {
        let dev = filled(dev, "v2", 'b');
        let files = [("dev/web.yaml", dev.as_str()), ("prod/web.yaml", prod)];
        let found = edited(IMAGE, &files, &format!("web prod {new}"));
        assert_eq!(found, filled(expected, "v2", 'b'), "{name}");
    }
    // A tag alone says nothing of digests that another environment has.
    let dev = filled("image:\n  tag: %V\n  digest: %D\n  hash: %C\n", "v2", 'b');
    let files = [
        ("dev/web.yaml", dev.as_str()),
        ("prod/web.yaml", "image:\n  tag: v1\n"),
    ];
    assert_eq!(edited(IMAGE, &files, "web prod v3"), "image:\n  tag: v3\n");
}
