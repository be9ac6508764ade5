//! Credentials in addresses never reach a screen, a log or a commit.

/// What may stand behind an address in a sentence.
const BEHIND: &[char] = &['/', '\'', '"', ')', '>', ',', '.', ':', ';'];

/// `text` with the user information and the query of every URL in it replaced: `https://user:token@host/a?key=x` becomes
/// `https://***@host/a?***`. A bare user name of `ssh://` (which is an address, not a secret) stays.
pub fn redact(text: &str) -> String {
    hide(text, true)
}

/// The same, but queries stay: what tells addresses apart, and is not shown.
pub fn anonymous(text: &str) -> String {
    hide(text, false)
}

fn hide(text: &str, queries: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (scheme, after) = rest.split_at(at + 3);
        out.push_str(scheme);
        let word = after
            .find(|c: char| c.is_whitespace() || c.is_control())
            .unwrap_or(after.len());
        let information = information(&after[..word]);
        let end = information.unwrap_or_else(|| authority(&after[..word]));
        if queries && information.is_some() && after[..end].contains(['?', '#']) {
            // A password with such a sign, or a query with an `@`: it cannot be told which.
            let hidden = after[..word].trim_end_matches(BEHIND).len();
            out.push_str("***");
            rest = &after[hidden.max(end)..];
            continue;
        }
        match after[..end].rsplit_once('@') {
            Some((user, host)) if scheme.ends_with("ssh://") && !user.contains(':') => {
                out.push_str(user);
                out.push('@');
                out.push_str(host);
            }
            Some((_, host)) => {
                out.push_str("***@");
                out.push_str(host);
            }
            None => out.push_str(&after[..end]),
        }
        rest = &after[end..];
        let (address, words) = after[end..].split_at(word - end);
        // A file's name may hold such a sign; what is fetched from a server has a query there.
        let query = address.find(['?', '#']);
        if let Some(query) = query.filter(|_| queries && !scheme.ends_with("file://")) {
            let quoted = address[query + 1..].trim_end_matches(BEHIND);
            if !quoted.is_empty() {
                out.push_str(&redact(&address[..query]));
                out.push_str(&address[query..=query]);
                out.push_str("***");
                out.push_str(&address[query + 1 + quoted.len()..]);
                rest = words;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where the authority ends: at the first sign that no host has.
fn authority(text: &str) -> usize {
    text.find(['/', '\'', '"', '<', '>', '?', '#'])
        .unwrap_or(text.len())
}

/// The end of an authority whose user information has signs that it should not have (`u:s3c/ret@host`, `u:s3c'ret@host`):
/// what stands before its last `@` begins like a name with a password, and not like a host with a port.
fn information(text: &str) -> Option<usize> {
    let at = text.rfind('@')?;
    let (user, password) = text[..at].split_once(':')?;
    let end = password.find(['/', '?', '#']).unwrap_or(password.len());
    let is_port = end > 0 && password[..end].chars().all(|c| c.is_ascii_digit());
    let is_user = !user.contains(['/', '\'', '"', '<', '>']) && (!is_port || end == password.len());
    is_user.then(|| at + 1 + authority(&text[at + 1..]))
}

/// The same, and none of `secrets` either, however it came there.
pub fn redact_all(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        // A word of one or two letters is no secret, and would make the text unreadable.
        if secret.len() > 2 {
            text = text.replace(secret.as_str(), "***");
        }
    }
    redact(&text)
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
            ("http://u:s3c'ret@h:1/a", "http://***@h:1/a"),
            ("http://u:s3c\"ret@h:1/a", "http://***@h:1/a"),
            ("http://u:s3c<ret@h:1/a", "http://***@h:1/a"),
            ("http://u:s3c/ret@h:1/a", "http://***@h:1/a"),
            ("http://u:1234@h:1/a", "http://***@h:1/a"),
            (
                "'http://u:s3cret@h:1/a/': refused",
                "'http://***@h:1/a/': refused",
            ),
            (
                "'https://h/a?token=s3c://ret@x/': refused, see https://h/b? or <https://h/c#x>",
                "'https://h/a?***/': refused, see https://h/b? or <https://h/c#***>",
            ),
            ("file:///srv/a#b", "file:///srv/a#b"),
            ("'http://u:s3c?ret@h:1/a/': no", "'http://***/': no"),
            ("https://https://h/a?t=x/y@s3cret", "https://***"),
            (
                "see http://h:8080/@scope/x@1",
                "see http://h:8080/@scope/x@1",
            ),
            (
                "'https://h/a' and 'https://u:p@h/b'",
                "'https://h/a' and 'https://***@h/b'",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
    }
}
