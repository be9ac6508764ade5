//! Credentials in addresses never reach a screen, a log or a commit.

/// `text` with the user information of every URL in it replaced: `https://user:token@host` becomes
/// `https://***@host`. A bare user name of `ssh://` (which is an address, not a secret) stays.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (scheme, after) = rest.split_at(at + 3);
        out.push_str(scheme);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '<' | '>'))
            .unwrap_or(after.len());
        let authority = &after[..end];
        match authority.rsplit_once('@') {
            Some((user, host)) if scheme.ends_with("ssh://") && !user.contains(':') => {
                out.push_str(user);
                out.push('@');
                out.push_str(host);
            }
            Some((_, host)) => {
                out.push_str("***@");
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_credentials_and_nothing_else() {
        let cases = [
            (
                "https://oauth2:glpat-x@git.example.com/a/b.git",
                "https://***@git.example.com/a/b.git",
            ),
            (
                "https://tok@h/x and https://h/y",
                "https://***@h/x and https://h/y",
            ),
            ("fatal: '//u:p@h'", "fatal: '//u:p@h'"),
            ("https://u:p@ss@h:8080/x", "https://***@h:8080/x"),
            ("ssh://git@h:22/x", "ssh://git@h:22/x"),
            ("ssh://git:pw@h/x", "ssh://***@h/x"),
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
            ("no address", "no address"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
    }
}
