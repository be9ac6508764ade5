//! Credentials for registries, where Docker keeps them: each belongs to its host alone.

use std::{collections::BTreeMap, env, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    domain::{image, text::sanitise},
    sources::{
        credential,
        files::{self, Links},
    },
};

/// What Docker Hub's credentials are kept by.
const HUB: &str = "https://index.docker.io/v1/";

/// What opens a registry.
#[derive(Clone, Debug)]
pub(super) enum Login {
    /// A name and a password.
    Password(String, SecretString),
    /// A token that others are had for.
    Identity(SecretString),
}

/// `config.json` of Docker's, as far as it is about credentials.
#[derive(Debug, Default, Deserialize)]
pub(super) struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
struct Helped {
    #[serde(rename = "Username")]
    name: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl DockerConfig {
    /// The user's own; none where there is none. Blocking, a small file.
    ///
    /// # Errors
    /// Where it cannot be read, in a sentence.
    pub(super) fn read() -> Result<Self, String> {
        let folder = match env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()) {
            Some(folder) => Some(PathBuf::from(folder)),
            None => directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".docker")),
        };
        let Some(path) = folder.map(|folder| folder.join("config.json")) else {
            return Ok(Self::default());
        };
        let bytes = files::read(&path, Links::Followed, files::CONFIGURATION)
            .map_err(|error| error.to_string())?;
        let Some(bytes) = bytes else {
            return Ok(Self::default());
        };
        serde_json::from_slice(&bytes)
            .map_err(|error| format!("{} is not what Docker writes: {error}", path.display()))
    }

    /// What it has for a registry.
    ///
    /// # Errors
    /// Where a helper fails, in a sentence.
    pub(super) async fn login(&self, registry: &str) -> Result<Option<Login>, String> {
        let host = |key: &str| -> String {
            let key = key.split_once("://").map_or(key, |(_, rest)| rest);
            key.split('/').next().unwrap_or(key).to_owned()
        };
        let names = match registry {
            image::DOCKER => vec!["docker.io", "index.docker.io", "registry-1.docker.io"],
            other => vec![other],
        };
        let is_it = |key: &String| names.contains(&host(key).as_str());
        let key = match registry {
            image::DOCKER => HUB,
            other => other,
        };
        if let Some((key, helper)) = self.helpers.iter().find(|(key, _)| is_it(key)) {
            return helped(helper, key).await;
        }
        let auth = self.auths.iter().find(|(key, _)| is_it(key));
        if let Some(login) = auth.and_then(|(_, auth)| auth.login()) {
            return Ok(Some(login));
        }
        match &self.store {
            Some(store) => helped(store, auth.map_or(key, |(key, _)| key)).await,
            None => Ok(None),
        }
    }
}

impl Entry {
    fn login(&self) -> Option<Login> {
        if let Some(token) = self.identitytoken.as_deref().filter(|it| !it.is_empty()) {
            return Some(Login::Identity(SecretString::from(token)));
        }
        let (name, password) = match self.auth.as_deref().filter(|it| !it.is_empty()) {
            Some(auth) => {
                let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
                let (name, password) = text.split_once(':')?;
                (name.to_owned(), password.trim_end_matches('\0').to_owned())
            }
            None => (self.username.clone()?, self.password.clone()?),
        };
        Some(Login::Password(name, SecretString::from(password)))
    }
}

/// What a helper has for a registry; none where it says so.
async fn helped(helper: &str, registry: &str) -> Result<Option<Login>, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !helper.chars().all(is_name) {
        return Err(format!(
            "`{}` is no name of a credential helper",
            sanitise(helper)
        ));
    }
    let program = format!("docker-credential-{helper}");
    let input = registry.as_bytes().to_vec();
    let said = credential::asked(&program, &["get"], Some(input)).await?;
    let out = String::from_utf8_lossy(&said.stdout);
    if !said.status.success() {
        // What helpers say of a registry that they do not know.
        if out.contains("credentials not found") {
            return Ok(None);
        }
        return Err(format!(
            "`{program} get` fails for {registry}: {}",
            said.status
        ));
    }
    let helped: Helped =
        serde_json::from_str(&out).map_err(|_| format!("`{program}` prints no credentials"))?;
    let secret = SecretString::from(helped.secret);
    Ok(match helped.name.as_str() {
        "" => None,
        "<token>" => Some(Login::Identity(secret)),
        _ => Some(Login::Password(helped.name, secret)),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn login(json: &str, registry: &str) -> Option<String> {
        let config: DockerConfig = serde_json::from_str(json).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let login = runtime.block_on(config.login(registry)).unwrap();
        login.map(|login| match login {
            Login::Password(name, password) => format!("{name}:{}", password.expose_secret()),
            Login::Identity(token) => token.expose_secret().to_owned(),
        })
    }

    #[test]
    fn a_credential_is_for_its_host_alone() {
        let config = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnB3"},
            "r.example.com:5000": {"auth": "YTpiOmM="},
            "https://ghcr.io": {"identitytoken": "t"},
            "empty.example.com": {}
        }}"#;
        for (registry, expected) in [
            ("docker.io", Some("hub:pw")),
            ("r.example.com:5000", Some("a:b:c")),
            ("r.example.com", None),
            ("r.example.com:5000.evil.example", None),
            ("ghcr.io", Some("t")),
            ("empty.example.com", None),
        ] {
            assert_eq!(login(config, registry).as_deref(), expected, "{registry}");
        }
    }
}
