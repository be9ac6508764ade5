use super::*;

const HEX: &str = "9f3c000000000000000000000000000000000000000000000000000000000abc";

#[test]
fn what_is_written_is_of_its_kind() {
    use Grammar::{
        Chart, ChartOwn, Commit, Digest, Image, Query, Ref, Reference, Revision, Tag, Text,
    };
    let digest = format!("sha256:{HEX}");
    let long = format!("sha512:{HEX}{HEX}");
    let (upper, short) = (digest.to_uppercase(), &digest[..20]);
    let both = |tag: &str| format!("{tag}@{digest}");
    let most = "a".repeat(128);
    let more = "a".repeat(129);
    let right: [(Grammar, &[&str]); 11] = [
        (
            Image,
            &[
                "1",
                "1.2.3",
                "v1",
                "_x",
                "latest",
                "A-b_c.d",
                "2026.08.1",
                &most,
                &digest,
                &long,
                &both("v1"),
                "1234e56",
                "w_2025_48",
                "pr-12",
                "1..2",
                "x.",
            ],
        ),
        (
            Reference,
            &[
                "r/web:1.2.3",
                "web",
                &format!("h:5000/a/b_c@{digest}"),
                "localhost/x",
                "H.example/x",
            ],
        ),
        (Digest, &[&digest, &long]),
        (
            Chart,
            &[
                "1.2.3",
                "v1.2.3",
                "1.2",
                "1",
                "1.2.3-rc.1+7",
                ">=1.0",
                "^1.2",
                "~1.4.0",
                "1.x",
                "*",
                ">=1 <2",
                "> 1.0, < 2",
                ">= 1.2",
                "^ 1",
                "1.2 || 2.1",
                "1.x <1.5",
                "1 - 2",
                "1.2.3 - 2.0 || 3",
                "2024.01.3",
            ],
        ),
        (ChartOwn, &["1.2.3", "1.2.3-rc.1", "1.2.3+7", "0.0.0-0a"]),
        (Tag, &["1", "v1.2.3", "_x", "latest", &most]),
        (
            Ref,
            &[
                "main",
                "v1.2.3",
                "release/1.2",
                "9f3c2ab",
                "refs/tags/v1",
                "feature/größe",
                "HEAD",
                "v1.0+meta",
            ],
        ),
        (Commit, &["9f3c2ab", &HEX[..40]]),
        (Query, &["main", "v1.2.3", "release/1.2", "9f3c2ab"]),
        (Revision, &["main", "1.2.*", ">=1.0.0", "v1.2.3", "HEAD"]),
        (
            Text,
            &[
                "true",
                "3",
                "a b",
                "it's",
                "$5",
                "größe",
                ">=1.0 <2.0",
                "a,b",
                "-x",
            ],
        ),
    ];
    for (grammar, texts) in right {
        for text in texts {
            assert_eq!(grammar.check(text), Ok(()), "{grammar:?}");
        }
    }
    let image: Vec<String> = [
        "",
        " ",
        "1.2.3 ",
        " 1.2.3",
        "1.2.3\t",
        "1.2.3\n",
        "1.2\r\n3",
        "a b",
        "1.2.3,",
        "1,2",
        "it's",
        "\"1\"",
        "`x`",
        "r/web:1.2.3",
        "web:1.2.3",
        "h:5000/web:1",
        "r/web",
        ".1",
        "-1",
        "--yes",
        "1+2",
        "v1~2",
        ">=1.0",
        "^1",
        "*",
        "${TAG}",
        "$TAG",
        "$(TAG)",
        "<TAG>",
        "%TAG%",
        "{{ .x }}",
        "ENC[AES256_GCM,data:x]",
        "1.2.3@",
        "@",
        "1@2",
        "1.2.3\u{200b}",
        "\u{feff}1.2.3",
        "1\u{a0}2",
        "1.2.3\u{a0}",
        "v\u{430}",
        "１.２",
        "1‐2",
        "1.2.3\u{202e}",
        "\u{7f}1",
        "a\0b",
        "1\u{2028}",
        "sha256:",
        "sha1:aa",
        "a#b",
        "1;2",
        "1=2",
        "1\\2",
        "1!",
        "1?",
        "(1)",
        "[1]",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        more,
        upper,
        short.to_owned(),
        format!("1@{short}"),
        format!("{digest}a"),
        format!("1@{digest} "),
        format!(" 1@{digest}"),
        format!("@{digest}"),
        format!("sha256:{}", HEX.to_uppercase()),
        format!("1@sha512:{HEX}"),
        format!("1 @{digest}"),
        format!("1:2@{digest}"),
        format!("{digest}@{digest}"),
    ])
    .collect();
    for text in &image {
        assert!(Image.check(text).is_err(), "{text:?}");
    }
    let wrong: [(Grammar, &[&str]); 10] = [
        (
            Reference,
            &[
                "R/Web:1",
                "r/web: 1",
                "r/web:",
                "r//web",
                "/web",
                "web/",
                "r/web@sha256:aa",
                "",
            ],
        ),
        (Digest, &["v1", "latest", "sha256:aa", &both("v1")]),
        (
            Chart,
            &[
                "latest",
                "main",
                "1.2.3.4",
                "1.2.3 ",
                "abc",
                "web-1.2.3",
                "1.2.3,",
                "6.0 0",
                "6. 0",
                "1 .2.3",
                "1.2 1.3",
                ">=1.0 0",
                "1.0 <2",
                "6,0",
                "1 || 6.0 0",
                "1 2 - 3",
                "> =1",
                "1.2.3 -rc.1",
                "v 1.2.3",
                "sha256:aa",
                "v1.2.x.y",
            ],
        ),
        (
            ChartOwn,
            &[
                "^1.2",
                "*",
                "1.x",
                "latest",
                "v1.2.3",
                "01.2.3",
                "1.02.3",
                "1.2.03",
                "1.2",
                "1",
                "1.2.3.4",
                "1.2.3-",
                "1.2.3-01",
                "1.2.3-rc_1",
                "2024.01.3",
            ],
        ),
        (
            Tag,
            &[&digest, &long, &both("v1"), "r/web:1", "1+2", "@", ""],
        ),
        (
            Ref,
            &[
                "a b",
                "a..b",
                "a~1",
                "a^",
                "a:b",
                "a?",
                "a*",
                "a[b",
                "a\\b",
                "/a",
                "a/",
                "a//b",
                ".a",
                "a/.b",
                "a.lock",
                "a.lock/b",
                "a.",
                "@",
                "a@{1}",
                "-a",
                "--force",
                "a\tb",
                "$(x)",
                "it's",
                "\u{200b}main",
                "",
            ],
        ),
        (Commit, &["main", "9f3c", "v1.2.3"]),
        (Query, &["a&b", "a#b", "a%20b", "a+b", "a b"]),
        (
            Revision,
            &["a b", "a..b", "-x", "1.2 3", "6.0 0", "main 1", "1 main"],
        ),
        (
            Text,
            &["", " a", "a ", "a\nb", "a\u{200b}", "\u{1b}[31m", "a\tb"],
        ),
    ];
    for (grammar, texts) in wrong {
        for text in texts {
            assert!(grammar.check(text).is_err(), "{grammar:?} {text:?}");
        }
    }
}

#[test]
fn no_blank_stands_inside_a_version() {
    use Grammar::{Chart, ChartOwn, Commit, Digest, Image, Query, Ref, Reference, Revision, Tag};
    let digest = format!("sha256:{HEX}");
    let both = format!("v1.2@{digest}");
    let reference = format!("h.example:5000/a/web:v1@{digest}");
    let cases: [(Grammar, &[&str]); 10] = [
        (Image, &["1.2.3", "v1-rc.1", &digest, &both]),
        (Tag, &["1.2.3", "latest"]),
        (Reference, &["r/web:1.2", &reference]),
        (Digest, &[&digest]),
        (Chart, &["1.2.3", "v1.2.3-rc.1+7", "10.20", "1.x"]),
        (ChartOwn, &["1.2.3", "1.2.3-rc.1+7"]),
        (Ref, &["main", "refs/tags/v1.2", "9f3c2ab"]),
        (Commit, &["9f3c2ab"]),
        (Query, &["v1.2.3", "main"]),
        (Revision, &["v1.2.3", "10.20", "main"]),
    ];
    for (grammar, texts) in cases {
        for text in texts {
            assert_eq!(grammar.check(text), Ok(()), "{grammar:?}");
            for at in 0..=text.len() {
                for blank in [" ", "  ", "\t", "\u{a0}"] {
                    let mut odd = (*text).to_owned();
                    odd.insert_str(at, blank);
                    assert!(grammar.check(&odd).is_err(), "{grammar:?} {odd:?}");
                }
            }
        }
    }
}

#[test]
fn the_rule_is_told() {
    let cases = [
        (
            "r/web:1.2.3",
            "`r/web:1.2.3` is no image tag: it names an image too; write the tag alone",
        ),
        (
            "1.2.3 ",
            "`1.2.3 ` is no version: white space stands around it",
        ),
        (
            "1.2.3\u{200b}",
            "`1.2.3\\u{200b}` is no version: it has a character that nobody sees (U+200B)",
        ),
        ("1,2", "`1,2` is no image tag: `,` cannot stand in one"),
        ("v\u{430}", "(U+0430) is no ASCII character"),
        ("1@sha256:aa", "no digest: 2 digits stand behind `sha256:`"),
        ("it's", "`it's` is no image tag: `'` cannot"),
    ];
    for (text, expected) in cases {
        let found = Grammar::Image.check(text).unwrap_err();
        assert!(found.contains(expected), "{found}");
    }
    let told = |grammar: Grammar, text: &str| grammar.check(text).unwrap_err();
    let pinned = told(Grammar::Tag, &format!("sha256:{HEX}"));
    assert!(pinned.contains("only a tag can stand here"), "{pinned}");
    let own = told(Grammar::ChartOwn, "01.2.3");
    assert!(own.contains("without leading zeros"), "{own}");
    let long = Grammar::Image.check(&"a".repeat(400)).unwrap_err();
    assert!(long.len() < 300, "{long}");
}
