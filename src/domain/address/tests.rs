//! What addresses are taken, and what is shown of them.

use super::*;

#[test]
fn prints_addresses_without_what_is_secret() {
    let cases = [
        ("https://h/a.git", "https://h/a.git", None),
        (
            "https://user:token@h/a",
            "https://h/a",
            Some(("user", Some("token"))),
        ),
        (
            "http://u:s3c'ret@127.0.0.1:1/a",
            "http://127.0.0.1:1/a",
            Some(("u", Some("s3c'ret"))),
        ),
        (
            "http://u:s3c\"r<et@127.0.0.1:1/a",
            "http://127.0.0.1:1/a",
            Some(("u", Some("s3c\"r<et"))),
        ),
        (
            "https://u:p@ss@h:8080/x",
            "https://h:8080/x",
            Some(("u", Some("p@ss"))),
        ),
        (
            "https://u:p%40%2Fss@h/x",
            "https://h/x",
            Some(("u", Some("p@/ss"))),
        ),
        (
            "https://ghp_token@h/x",
            "https://h/x",
            Some(("ghp_token", None)),
        ),
        (
            "https://:token@h/x",
            "https://h/x",
            Some(("", Some("token"))),
        ),
        (
            "https://token:@h/x",
            "https://h/x",
            Some(("token", Some(""))),
        ),
        ("HTTPS://u:p@h/x", "HTTPS://h/x", Some(("u", Some("p")))),
        ("https://[::1]:8080/x", "https://[::1]:8080/x", None),
        ("https://h/@scope/x@1", "https://h/@scope/x@1", None),
        ("ssh://git@h:22/x", "ssh://git@h:22/x", None),
        ("git@github.com:a/b.git", "git@github.com:a/b.git", None),
        ("host.example:a/b", "host.example:a/b", None),
        ("git@[::1]:a/b", "git@[::1]:a/b", None),
        ("file:///srv/a b.git", "file:///srv/a b.git", None),
    ];
    for (text, bare, who) in cases {
        let address = Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(address.to_string(), bare, "{text}");
        let found = address
            .credentials()
            .map(|it| (it.user.as_str(), it.password.as_deref()));
        assert_eq!(found, who, "{text}");
        assert!(!format!("{address:?}").contains("token"), "{text}");
    }
}

#[test]
fn refuses_all_but_the_known_forms() {
    use AddressError::{Control, Dash, Host, Inner, Kind, NotOne, Password, Port, Query, Slashes};
    let cases = [
        ("ext::sh -c touch% PWNED", Kind),
        ("fd::7", Kind),
        ("git-remote-x::y", Kind),
        ("codecommit::eu://repo", Kind),
        ("ext://h", Kind),
        ("git://h/a", Kind),
        ("ftp://h/a", Kind),
        ("ssh+git://h/a", Kind),
        ("-oProxyCommand=x", Dash),
        ("-x@h:a", Dash),
        ("u@-oProxyCommand=x:a", Dash),
        ("h.example:-a", Dash),
        ("ssh://-oProxyCommand=x/a", Dash),
        ("ssh://-u@h/a", Dash),
        ("https://-h/a", Dash),
        ("ssh://git:pw@h/x", Password),
        ("u:token@h:p", Password),
        ("u:token@h", Password),
        ("https:/u:token@h/p", Slashes),
        ("ssh:/h/p", Slashes),
        ("http://u:s3c/ret@127.0.0.1:1/a", Port),
        ("https://h:80a/x", Port),
        ("http://127.0.0.1:1/a?private_token=s3cret", Query),
        ("https://h?x", Query),
        ("https://h/a#token", Query),
        ("https://h/https://u:token@h/a", Inner),
        ("git@[::1]x:a", Host),
        ("https:///a", Host),
        ("https://a b/c", Host),
        ("file://server/share", Host),
        ("https://h/a\nb", Control),
        ("https://h/\u{1b}[2J", Control),
        ("https://u:p%0Apassword=x@h/a", Control),
        ("/srv/a.git", NotOne),
        ("./git@h:a", NotOne),
        ("a:b", NotOne),
        ("src", NotOne),
        ("", NotOne),
    ];
    for (text, expected) in cases {
        assert_eq!(Address::parse(text).err(), Some(expected), "{text}");
    }
}

#[test]
fn addresses_are_told_from_paths() {
    for text in [
        "https://h/a.git",
        "ssh://git@h:22/a",
        "git@h:a/b.git",
        "file:///srv/a",
        "me@h:a",
        "ext::sh",
        "https:/u:t@h/p",
        "u:t@h:p",
    ] {
        assert!(Address::is_meant(text), "{text}");
    }
    for text in [
        ".",
        "/srv/a.git",
        "a:b",
        "./git@h:a",
        "C:\\a",
        "src",
        "../me@home",
    ] {
        assert!(!Address::is_meant(text), "{text}");
    }
}

#[test]
fn knows_server_and_folder() {
    let parsed = |text: &str| Address::parse(text).unwrap();
    assert_eq!(parsed("https://u:t@h:1/a/b").server(), "https://h:1");
    assert_eq!(parsed("https://h").server(), "https://h");
    assert_eq!(parsed("git@h.example:a").server(), "");
    assert_eq!(parsed("file:///srv/a").local(), Some("/srv/a"));
    assert_eq!(parsed("file://localhost/srv/a").local(), Some("/srv/a"));
    assert_eq!(parsed("git@h.example:a").host(), "h.example");
    for (text, expected) in [
        ("https:/u:s3cret@h/p?token=x", "…@h/p"),
        ("https:/u:s3c?ret@h/p", "…"),
        ("https:/h/p?token=s3c@ret", "…"),
        ("https://h/p?token=x", "https://h/p"),
    ] {
        assert_eq!(shown(text), expected);
        assert_eq!(plain(text), expected);
    }
    for (text, expected) in [
        ("https://u:s3 cret@h/p", "https://h/p"),
        ("/srv/a@b?c", "/srv/a@b?c"),
        ("git@h:a", "git@h:a"),
    ] {
        assert_eq!(plain(text), expected);
    }
}
