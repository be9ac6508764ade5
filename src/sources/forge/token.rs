//! Where the token of a forge comes from. It is never printed.

use secrecy::{ExposeSecret, SecretString};

use super::http::{Who, header};
use crate::{
    domain::{
        credential::Credential,
        failure::{Failure, FailureKind},
        forge::{ForgeEntry, ForgeKind, Place, TokenSource},
    },
    sources::{
        credential,
        git::{self, Repo},
    },
};

/// A token, and the name that goes with it where there is one.
struct Token {
    user: Option<String>,
    secret: SecretString,
    from: String,
}

/// Who asks a forge.
///
/// # Errors
/// Where there is no token: what was looked for, and how to give one.
pub(super) async fn who(
    repo: &Repo,
    place: &Place,
    kind: ForgeKind,
    entry: Option<&ForgeEntry>,
) -> Result<Who, Failure> {
    let token = match entry.map(|entry| &entry.token) {
        Some(TokenSource::Given(from)) => given(from).await?,
        Some(TokenSource::GitCredential) => from_git(repo, place).await?,
        None => match from_usual_variables(&place.web).await {
            Some(token) => token,
            None => from_git(repo, place).await?,
        },
    };
    let secret = token.secret.expose_secret();
    let text = match (kind, &token.user) {
        // It takes a password too, which a credential helper may have.
        (ForgeKind::Gitea, Some(user)) => {
            format!("Basic {}", base64(format!("{user}:{secret}").as_bytes()))
        }
        (ForgeKind::Gitea, None) => format!("token {secret}"),
        _ => format!("Bearer {secret}"),
    };
    Ok(Who {
        header: Some(header(&text)?),
        secrets: vec![secret.to_owned()],
        from: token.from,
    })
}

async fn given(from: &Credential) -> Result<Token, Failure> {
    let words = match from {
        Credential::Env(name) => format!("the variable {name}"),
        Credential::Command(run) => format!("`{}`", run.first().map_or("", String::as_str)),
    };
    match credential::read(from).await {
        Ok(secret) => Ok(Token {
            user: None,
            secret,
            from: words,
        }),
        Err(why) => Err(Failure::new(
            FailureKind::Usage,
            format!("there is no token for the forge: {why}"),
        )
        .hint("Look at `token` of its [[forges]] in your own config.toml")),
    }
}

/// What programs of these two forges read: theirs are for these servers alone.
async fn from_usual_variables(web: &str) -> Option<Token> {
    let names: &[&str] = match web {
        "https://github.com" => &["GH_TOKEN", "GITHUB_TOKEN"],
        "https://gitlab.com" => &["GITLAB_TOKEN"],
        _ => &[],
    };
    for name in names {
        if let Ok(token) = given(&Credential::Env((*name).to_owned())).await {
            return Some(token);
        }
    }
    None
}

async fn from_git(repo: &Repo, place: &Place) -> Result<Token, Failure> {
    let (repo, url) = (repo.clone(), format!("{}/{}", place.web, place.project));
    let asked = tokio::task::spawn_blocking(move || git::credential(&repo, &url)).await;
    let found = asked.unwrap_or_else(|error| Err(Failure::failed(error.to_string())))?;
    let Some(found) = found else {
        let web = &place.web;
        return Err(Failure::new(
            FailureKind::Usage,
            format!("there is no token for {web}: `git credential fill` knows none"),
        )
        .hint(format!(
            "Give it one in your own config.toml: [[forges]] with url = \"{web}\" and token = {{ env = \"NAME\" }}"
        )));
    };
    Ok(Token {
        user: Some(found.user).filter(|user| !user.is_empty()),
        secret: SecretString::from(found.password),
        from: "`git credential fill`".to_owned(),
    })
}

/// Bytes in the letters that headers take.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let index = (group >> (18 - 6 * i)) & 63;
            match LETTERS.get(index as usize) {
                Some(letter) if i <= three.len() => text.push(char::from(*letter)),
                _ => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_headers() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("user:sesame", "dXNlcjpzZXNhbWU="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
