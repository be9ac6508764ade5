//! What must hold of any text as an address: for the fuzz target `addresses`, and for a test over its seeds. No secret of
//! what came in is in anything that may be shown.

use super::{Address, decoded, plain, redact, redact_all, shown};

/// A secret that is found again wherever it gets to.
const SECRET: &str = "S3CR37";

/// Lines of text, as an address each; and put together, as the parts of addresses that hold a secret.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    any(&text);
    let mut parts = text.split('\n');
    let mut next = || parts.next().unwrap_or_default();
    let (user, before, behind, host, path) = (next(), next(), next(), next(), next());
    any(host);
    let secret = format!("{before}{SECRET}{behind}");
    // Parts that hold the secret themselves would only be found again.
    if text.contains(SECRET) || text.contains("***") {
        return;
    }
    for scheme in ["https", "HTTP", "ssh", "ext", "file", "git+x"] {
        for slashes in ["://", ":/", "::"] {
            planted(&format!("{scheme}{slashes}{user}:{secret}@{host}{path}"));
            planted(&format!("{scheme}{slashes}{secret}@{host}{path}"));
        }
    }
    planted(&format!("{user}:{secret}@{host}:{path}"));
    if !host.contains(['@', '?', '#', '/']) && !behind.contains('@') {
        planted(&format!("https://{host}/{path}?token={secret}"));
        planted(&format!("http://{host}/#{secret}"));
    }
    in_words(user, &secret, host, path);
}

/// What holds of every text.
fn any(text: &str) {
    let once = redact(text);
    assert_eq!(
        redact(&once),
        once,
        "{text:?} is redacted to what would be redacted again"
    );
    assert!(once.len() <= text.len() * 2 + 8);
    let _ = (Address::is_meant(text), shown(text), plain(text));
    let Ok(address) = Address::parse(text) else {
        return;
    };
    let bare = address.to_string();
    assert!(
        !bare.chars().any(char::is_control) && !bare.starts_with('-'),
        "{bare:?}"
    );
    assert!(!address.host().starts_with('-'), "{bare:?}");
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let scheme = bare
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let scheme = scheme.filter(|scheme| scheme.chars().all(letters));
    assert!(
        scheme.is_none_or(|it| matches!(&*it, "https" | "http" | "ssh" | "file")),
        "{bare:?}"
    );
    assert_eq!(
        address.local().is_some(),
        bare.starts_with("file://"),
        "{bare:?}"
    );
    let again = Address::parse(&bare).unwrap_or_else(|error| panic!("{bare:?} {error}"));
    assert_eq!(again.to_string(), bare);
    assert!(again.credentials().is_none(), "{bare:?}");
    assert_eq!(
        (again.host(), again.server()),
        (address.host(), address.server())
    );
    if let Some(credentials) = address.credentials() {
        let secrets: Vec<String> = credentials.secrets().map(str::to_owned).collect();
        let said = redact_all(&format!("cannot reach {text}: no"), &secrets);
        // As it stands in the address, it comes first; one of a few letters may be in any word.
        let whole = secrets.first().filter(|whole| whole.len() >= 8);
        assert!(
            whole.is_none_or(|whole| !said.contains(whole.as_str())),
            "{said:?}"
        );
    }
}

/// An address with a secret: whether it is one or not, what is shown has not got it.
fn planted(text: &str) {
    // It may come together from the parts as well.
    if text.matches(SECRET).count() != 1 || decoded(text).matches(SECRET).count() != 1 {
        return;
    }
    let hidden = |form: &str| assert!(!form.contains(SECRET), "{text:?} is shown as {form:?}");
    match Address::parse(text) {
        // As ssh takes it there is no secret: what stands before its `@` is a name, and behind its colon a path. Nor is
        // what stands behind the first slash of an address.
        Ok(address)
            if address
                .credentials()
                .is_some_and(|it| it.secrets().any(|secret| secret.contains(SECRET))) =>
        {
            hidden(&address.to_string());
            hidden(&format!("{address:?} {:?}", address.credentials()));
            hidden(address.server());
            hidden(address.host());
            hidden(&plain(text));
            if let Some(credentials) = address.credentials() {
                let secrets: Vec<String> = credentials.secrets().map(str::to_owned).collect();
                hidden(&redact_all(&format!("'{text}/': refused"), &secrets));
            }
        }
        Ok(_) => {}
        Err(error) => {
            hidden(&shown(text));
            hidden(&error.to_string());
            if Address::is_meant(text) {
                hidden(&plain(text));
            }
        }
    }
}

/// The same in the words of a program, which say nothing about where an address begins and ends. What is ambiguous there
/// (`http://host:80/s@x`, a token with a slash) is known by the address that the program was given.
fn in_words(user: &str, secret: &str, host: &str, path: &str) {
    let spaced = |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control());
    let name = |c: char| c.is_ascii_alphanumeric() || "-._%+".contains(c);
    if spaced(secret) || !user.chars().all(name) || host.is_empty() || !host.chars().all(name) {
        return;
    }
    let port = secret.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_port = port.len() < secret.len() && port.starts_with(['/', '?', '#']);
    let path: String = path.chars().filter(|c| name(*c) || *c == '/').collect();
    if [user, host, &path].iter().any(|part| part.contains(SECRET)) {
        return;
    }
    let mut texts = vec![format!("https://{host}/{path}?t={secret}")];
    if !is_port {
        texts.push(format!("https://{user}:{secret}@{host}/{path}"));
    }
    if !secret.contains(['/', '?', '#', '\'', '"', '<', '>', ':']) {
        texts.push(format!("https://{secret}@{host}"));
    }
    for text in texts {
        for words in [
            format!("fatal: unable to access '{text}/': refused"),
            format!("{text} and https://{text}"),
            format!("<{text}>, see https://example.com/a@b"),
        ] {
            let said = redact(&words);
            assert!(!said.contains(SECRET), "{words:?} is shown as {said:?}");
        }
    }
}
