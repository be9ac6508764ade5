//! How a child reaches the remotes of a repository without an address that holds a secret in its arguments.
//!
//! Git hands a remote's address to `git-remote-https` as an argument, which everybody on the machine can read. Here it is
//! told, through its environment, to use the address without user information, and where to get that from.

use super::{Repo, environment::Told};
use crate::domain::address::{Address, Credentials};

/// Prints what two variables hold; Git hears it through a pipe.
const HELPER: &str = "!f() { test \"$1\" = get || exit 0; printf 'username=%s\\npassword=%s\\n' ";

/// What a child of `repo` with these arguments is told, and what must not be seen in its words.
pub(super) fn tell(repo: &Repo, arguments: &[String], told: &mut Told) -> Vec<String> {
    let does = |what: &str| arguments.iter().any(|argument| argument == what);
    // A question after an address is answered as it is configured.
    let (pushing, asking) = (does("push"), does("get-url"));
    let mut secrets = Vec::new();
    let mut servers = Vec::new();
    if let Some(address) = repo.address()
        && let Some(credentials) = address.credentials()
    {
        secrets.extend(credentials.secrets().map(str::to_owned));
        let bare = address.to_string();
        answer(&bare, address.server(), credentials, &mut servers, told);
    }
    let Ok(repository) = repo.open() else {
        return secrets;
    };
    let Ok(config) = repository.config() else {
        return secrets;
    };
    let rewrites = Rewrites::of(&config);
    for (for_push, written) in addresses(&config) {
        let (used, by) = rewrites.apply(&written, pushing && !for_push);
        let plain = Plain::of(&used);
        secrets.extend(plain.secrets.iter().cloned());
        let (Some(bare), true) = (plain.bare, !asking && (pushing || !for_push)) else {
            continue;
        };
        // The longest match wins, and nothing is longer than the whole.
        told.config.push((format!("url.{bare}.{by}"), written));
        if let Some(credentials) = plain.credentials {
            answer(&bare, &plain.server, &credentials, &mut servers, told);
        }
    }
    secrets
}

/// Tells a child an address of a remote by the key that holds it, and how to get there without its secrets.
pub(super) fn tell_address(key: &str, address: &str, told: &mut Told, secrets: &mut Vec<String>) {
    let plain = Plain::of(address);
    secrets.extend(plain.secrets);
    let bare = plain.bare.unwrap_or_else(|| address.to_owned());
    if let Some(credentials) = &plain.credentials {
        // By its path, behind what the whole server was told.
        answer_at(&bare, credentials, told);
    }
    told.config.push((key.to_owned(), bare));
}

/// Tells Git who is asking a server.
fn answer(
    bare: &str,
    server: &str,
    credentials: &Credentials,
    servers: &mut Vec<(String, Credentials)>,
    told: &mut Told,
) {
    // For the whole server, since it may lead to another path of it; others of the same server by their path.
    let known = servers.iter().find(|(known, _)| known == server);
    let place = match known {
        Some((_, same)) if same == credentials => return,
        Some(_) => bare,
        None => server,
    };
    servers.push((server.to_owned(), credentials.clone()));
    answer_at(place, credentials, told);
}

/// Tells Git who is asking a server, or one path of it.
fn answer_at(place: &str, credentials: &Credentials, told: &mut Told) {
    let at = told.variables.len();
    told.config.push((
        format!("credential.{place}.username"),
        credentials.user.clone(),
    ));
    let Some(password) = &credentials.password else {
        return;
    };
    let (user, secret) = (
        format!("TIDEGATE_GIT_USER_{at}"),
        format!("TIDEGATE_GIT_PASSWORD_{at}"),
    );
    told.variables
        .push((user.clone(), credentials.user.clone()));
    told.variables.push((secret.clone(), password.clone()));
    // Other helpers would be asked before it, and told to keep what it says.
    told.config
        .push((format!("credential.{place}.helper"), String::new()));
    told.config.push((
        format!("credential.{place}.helper"),
        format!("{HELPER}\"${user}\" \"${secret}\"; }}; f"),
    ));
}

/// An address as a remote has it, which Git understands even where we would not take it.
#[derive(Default)]
struct Plain {
    /// Without user information; `None` where it has none.
    bare: Option<String>,
    server: String,
    credentials: Option<Credentials>,
    secrets: Vec<String>,
}

impl Plain {
    fn of(text: &str) -> Self {
        // A query is part of a secret address as well: what is behind it is never shown.
        let query = text.find("://").and_then(|_| text.find(['?', '#']));
        let mut plain = Self::default();
        let whole = &text[..query.unwrap_or(text.len())];
        if let Some(at) = query
            && text.len() > at + 1
        {
            plain.secrets.push(text[at + 1..].to_owned());
        }
        if let Ok(address) = Address::parse(whole)
            && let Some(credentials) = address.credentials()
        {
            plain
                .secrets
                .extend(credentials.secrets().map(str::to_owned));
            plain.bare = Some(format!("{address}{}", &text[whole.len()..]));
            address.server().clone_into(&mut plain.server);
            plain.credentials = Some(credentials.clone());
        }
        plain
    }
}

/// Every address of every remote: whether it is for pushing alone, and as it is written.
fn addresses(config: &git2::Config) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let Ok(entries) = config.entries(Some(r"^remote\..*\.(url|pushurl)$")) else {
        return found;
    };
    let _ = entries.for_each(|entry| {
        if let (Ok(name), Ok(value)) = (entry.name(), entry.value()) {
            found.push((name.ends_with(".pushurl"), value.to_owned()));
        }
    });
    found
}

/// `url.*.insteadOf` and `url.*.pushInsteadOf`.
struct Rewrites {
    /// (for pushing, what is replaced, by what)
    all: Vec<(bool, String, String)>,
}

impl Rewrites {
    fn of(config: &git2::Config) -> Self {
        let mut all = Vec::new();
        if let Ok(entries) = config.entries(Some(r"^url\..*\.(insteadof|pushinsteadof)$")) {
            let _ = entries.for_each(|entry| {
                let (Ok(name), Ok(value)) = (entry.name(), entry.value()) else {
                    return;
                };
                let name = name.strip_prefix("url.").unwrap_or(name);
                if let Some(by) = name.strip_suffix(".insteadof") {
                    all.push((false, value.to_owned(), by.to_owned()));
                } else if let Some(by) = name.strip_suffix(".pushinsteadof") {
                    all.push((true, value.to_owned(), by.to_owned()));
                }
            });
        }
        Self { all }
    }

    /// What Git uses in place of `address`, and the key that would have it use another.
    fn apply(&self, address: &str, push: bool) -> (String, &'static str) {
        let longest = |for_push: bool| {
            let all = self.all.iter();
            all.filter(|(push, from, _)| *push == for_push && address.starts_with(from.as_str()))
                .max_by_key(|(_, from, _)| from.len())
                .map(|(_, from, by)| format!("{by}{}", &address[from.len()..]))
        };
        if push && let Some(used) = longest(true) {
            return (used, "pushInsteadOf");
        }
        (
            longest(false).unwrap_or_else(|| address.to_owned()),
            "insteadOf",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::{Scratch, git, open};
    use super::*;

    #[test]
    fn secrets_of_remotes_go_through_the_environment() {
        let scratch = Scratch::new();
        let path = scratch.init("r");
        for (key, value) in [
            ("remote.origin.url", "https://jane:t0ken@h:1/a"),
            ("remote.origin.pushurl", "https://other:t1ken@h:1/a"),
            ("remote.named.url", "https://jane@dev.example/a"),
            ("remote.plain.url", "https://h/b"),
            ("remote.ssh.url", "ssh://git@h/b"),
            ("remote.short.url", "work:c"),
            ("url.https://x:t2ken@w/.insteadOf", "work:"),
            ("remote.pushed.url", "push:c"),
            ("url.https://y:t4ken@p/.pushInsteadOf", "push:"),
            ("remote.query.url", "https://q/a?private_token=t3ken"),
        ] {
            git(&path, &["config", key, value]);
        }
        let said = |pushing| {
            let mut told = Told::default();
            let arguments = [if pushing { "push" } else { "fetch" }.to_owned()];
            let secrets = tell(&open(&path), &arguments, &mut told);
            let config = told.config.into_iter();
            let said: Vec<String> = config
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            (said, secrets)
        };
        let (fetching, secrets) = said(false);
        for expected in [
            "url.https://h:1/a.insteadOf=https://jane:t0ken@h:1/a",
            "url.https://dev.example/a.insteadOf=https://jane@dev.example/a",
            "url.https://w/c.insteadOf=work:c",
            "credential.https://h:1.username=jane",
            "credential.https://dev.example.username=jane",
        ] {
            let mut lines = fetching.iter();
            assert!(
                lines.any(|line| line == expected),
                "{expected}\n{fetching:#?}"
            );
        }
        for secret in ["t0ken", "t1ken", "t2ken", "private_token=t3ken"] {
            assert!(
                secrets.iter().any(|known| known == secret),
                "{secret}: {secrets:?}"
            );
        }
        let (pushing, _) = said(true);
        for expected in [
            "url.https://h:1/a.insteadOf=https://other:t1ken@h:1/a",
            "url.https://p/c.pushInsteadOf=push:c",
            "credential.https://h:1/a.username=other",
            "credential.https://p.username=y",
        ] {
            let mut lines = pushing.iter();
            assert!(
                lines.any(|line| line == expected),
                "{expected}\n{pushing:#?}"
            );
        }
        for line in fetching.iter().chain(&pushing) {
            assert!(!line.contains("=https://h/b"), "nothing to hide: {line}");
            assert!(!line.contains("helper=") || !line.contains("ken"), "{line}");
        }
    }
}
