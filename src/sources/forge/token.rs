//! Where the token of a forge comes from. It is never printed.

use base64::{Engine, engine::general_purpose::STANDARD};
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
    let mut secrets = vec![secret.to_owned()];
    let text = match (kind, &token.user) {
        // It takes a password too, which a credential helper may have.
        (ForgeKind::Gitea, Some(user)) => {
            let both = STANDARD.encode(format!("{user}:{secret}"));
            secrets.push(both.clone());
            format!("Basic {both}")
        }
        (ForgeKind::Gitea, None) => format!("token {secret}"),
        _ => format!("Bearer {secret}"),
    };
    Ok(Who {
        header: Some(header(&text)?),
        secrets,
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
