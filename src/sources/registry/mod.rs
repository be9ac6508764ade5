//! Registries by the distribution API: what a tag means, for which platforms, and what is attested of it; and a tag more for
//! what one means.
//!
//! A registry that is asked anonymously gets nothing but the name of an image; credentials of Docker's configuration go to
//! the host that they are kept for, and to where that one gives out its tokens. Only a registry on this machine is asked
//! without TLS.

mod attested;
mod docker;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::{
    attested::Looking,
    docker::{DockerConfig, Login},
};
use super::web::{self, Method, Reply, Request, Url, header};
use crate::domain::{
    gate::{AttestedOf, ImageThere},
    image::{self, ImageName},
    text::sanitise,
};

/// No manifest is larger.
const MOST_BYTES: usize = 4 << 20;
/// How long one answer may take.
const SOON: Duration = Duration::from_secs(15);
/// And all answers about one version.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kinds of manifests that are asked for.
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFESTS: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// A manifest as its registry has it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its digest, which its bytes have.
    pub digest: String,
    /// Its media type.
    pub kind: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What an image says of what it was built of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltOf {
    /// The commit, as it is written there.
    pub revision: String,
    /// The address of its repository, where that is said.
    pub source: Option<String>,
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// One image of one registry, and what was found to open it.
#[derive(Debug)]
pub struct Repository {
    name: ImageName,
    base: String,
    actions: &'static str,
    authorization: tokio::sync::Mutex<Option<SecretString>>,
}

#[derive(Deserialize, Default)]
struct Content {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(rename = "mediaType")]
    kind: Option<String>,
}

#[derive(Deserialize, Default)]
struct Descriptor {
    #[serde(default)]
    digest: String,
    #[serde(rename = "mediaType", default)]
    kind: String,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(rename = "artifactType")]
    artifact: Option<String>,
}

impl Descriptor {
    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}

#[derive(Deserialize)]
struct Platform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

impl Platform {
    fn name(&self) -> Option<String> {
        let (os, architecture) = (self.os.as_deref()?, self.architecture.as_deref()?);
        if os == "unknown" || os.is_empty() {
            return None;
        }
        Some(match self.variant.as_deref().filter(|it| !it.is_empty()) {
            // The one variant that there is is not written everywhere.
            Some("v8") if architecture == "arm64" => format!("{os}/{architecture}"),
            Some(variant) => format!("{os}/{architecture}/{variant}"),
            None => format!("{os}/{architecture}"),
        })
    }
}

impl Repository {
    /// To be read.
    pub fn to_read(name: ImageName) -> Self {
        Self::to(name, "pull")
    }

    /// To be written.
    pub fn to_write(name: ImageName) -> Self {
        Self::to(name, "pull,push")
    }

    fn to(name: ImageName, actions: &'static str) -> Self {
        let host = match name.registry.as_str() {
            image::DOCKER => "registry-1.docker.io",
            host => host,
        };
        let plain = web::url(&format!("http://{host}/"));
        let scheme = match plain {
            Ok(url) if web::is_local(&url) => "http",
            _ => "https",
        };
        Self {
            base: format!("{scheme}://{host}/v2/{}", name.repository),
            name,
            actions,
            authorization: tokio::sync::Mutex::default(),
        }
    }

    /// What a version is there; `None`: the registry has none of that name. `attestations`: of what of it these are
    /// asked too.
    ///
    /// # Errors
    /// Why that is not known, in a sentence.
    pub async fn look(
        &self,
        version: &str,
        attestations: Option<&AttestedOf>,
    ) -> Result<Option<ImageThere>, String> {
        let looked = tokio::time::timeout(PATIENCE, self.find(version, attestations)).await;
        looked.unwrap_or_else(|_| {
            let (host, seconds) = (&self.name.registry, PATIENCE.as_secs());
            Err(format!("{host} has not said all within {seconds} s"))
        })
    }

    async fn find(
        &self,
        version: &str,
        attestations: Option<&AttestedOf>,
    ) -> Result<Option<ImageThere>, String> {
        let (tag, digest) = image::tag_and_digest(version);
        let reference = tag.or(digest).ok_or("no tag and no digest is named")?;
        if tag.is_some_and(|tag| !image::is_tag(tag)) {
            return Err(format!("`{}` can be no tag", sanitise(reference)));
        }
        let mut manifest = self.manifest(reference).await?;
        if let (None, Some(_), Some(digest)) = (&manifest, tag, digest) {
            // A tag goes away, and what it was pinned to stays: that is what is pulled.
            manifest = self.manifest(digest).await?;
        }
        match manifest {
            Some(manifest) => self.describe(manifest, attestations).await.map(Some),
            None => Ok(None),
        }
    }

    async fn describe(
        &self,
        manifest: Manifest,
        attestations: Option<&AttestedOf>,
    ) -> Result<ImageThere, String> {
        let content: Content = parsed(&manifest.bytes)?;
        let mut there = ImageThere {
            digest: manifest.digest.clone(),
            ..ImageThere::default()
        };
        let platforms = content.manifests.iter();
        let platforms = platforms.filter_map(|it| it.platform.as_ref()?.name());
        there.platforms = platforms.collect();
        for entry in &content.manifests {
            let platform = entry.platform.as_ref();
            if INDEXES.contains(&entry.kind.as_str()) {
                there.nested = true;
            } else if attested::is_image(entry) {
                let name = platform.and_then(Platform::name);
                there.images.insert(entry.digest.clone(), name);
            }
        }
        if let (true, Some(config)) = (content.manifests.is_empty(), &content.config) {
            let platform: Option<Platform> = self.blob(&config.digest).await?;
            there.platforms.extend(platform.and_then(|it| it.name()));
        }
        if let Some(of) = attestations {
            let looking = Looking::through(self);
            there.attested = looking.at(&there.digest, &content, of).await?;
        }
        Ok(there)
    }

    /// What a version was built of, as its labels say it: of an index, those of the first of its images. `None`: it says
    /// nothing, or there is no such version.
    ///
    /// # Errors
    /// Why that is not known, in a sentence.
    pub async fn built_of(&self, version: &str) -> Result<Option<BuiltOf>, String> {
        let looked = tokio::time::timeout(PATIENCE, self.find_built_of(version)).await;
        looked.unwrap_or_else(|_| {
            let (host, seconds) = (&self.name.registry, PATIENCE.as_secs());
            Err(format!("{host} has not said all within {seconds} s"))
        })
    }

    async fn find_built_of(&self, version: &str) -> Result<Option<BuiltOf>, String> {
        // https://github.com/opencontainers/image-spec/blob/main/annotations.md
        const REVISION: &str = "org.opencontainers.image.revision";
        const SOURCE: &str = "org.opencontainers.image.source";
        #[derive(Deserialize)]
        struct Image {
            config: Option<Labels>,
        }
        #[derive(Deserialize)]
        struct Labels {
            #[serde(rename = "Labels")]
            labels: Option<BTreeMap<String, String>>,
        }
        let (tag, digest) = image::tag_and_digest(version);
        let reference = digest.or(tag).unwrap_or(version);
        if digest.is_none() && !image::is_tag(reference) {
            return Err(format!("`{}` can be no tag", sanitise(reference)));
        }
        let Some(manifest) = self.manifest(reference).await? else {
            return Ok(None);
        };
        let mut content: Content = parsed(&manifest.bytes)?;
        if let Some(first) = content.manifests.iter().find(|it| attested::is_image(it)) {
            if let Some(said) = first.annotation(REVISION) {
                return Ok(Some(BuiltOf {
                    revision: said.to_owned(),
                    source: first.annotation(SOURCE).map(str::to_owned),
                }));
            }
            let Some(manifest) = self.manifest(&first.digest).await? else {
                return Ok(None);
            };
            content = parsed(&manifest.bytes)?;
        }
        let Some(config) = &content.config else {
            return Ok(None);
        };
        let image: Option<Image> = self.blob(&config.digest).await?;
        let labels = image.and_then(|image| image.config?.labels);
        Ok(labels.and_then(|mut labels| {
            Some(BuiltOf {
                revision: labels.remove(REVISION)?,
                source: labels.remove(SOURCE),
            })
        }))
    }

    /// The manifest of a tag or a digest; `None`: there is none.
    ///
    /// # Errors
    /// Why that is not known, in a sentence.
    pub async fn manifest(&self, reference: &str) -> Result<Option<Manifest>, String> {
        let url = format!("{}/manifests/{reference}", self.base);
        let accept = [&INDEXES[..], &MANIFESTS].concat();
        let reply = self.ask(Method::GET, &url, &accept, None).await?;
        match reply.status {
            200 => {}
            404 => return Ok(None),
            status => return Err(self.refused(status)),
        }
        if reply.cut {
            return Err(self.garbled("its manifest is larger than any should be"));
        }
        let digest = digest_of(&reply.body);
        // It is what its digest says, whatever the registry calls it.
        let wanted = reference.starts_with("sha256:").then_some(reference);
        let told = wanted.or_else(|| reply.header("docker-content-digest"));
        if told.is_some_and(|told| told.starts_with("sha256:") && told != digest) {
            return Err(self.garbled("it gives a manifest that has another digest than it says"));
        }
        let content: Content = parsed(&reply.body).map_err(|why| self.garbled(&why))?;
        let kind = reply.header("content-type").map(str::to_owned);
        let kind = content.kind.or(kind).unwrap_or_default();
        Ok(Some(Manifest {
            digest,
            kind,
            bytes: reply.body,
        }))
    }

    /// Gives a manifest a tag more.
    ///
    /// # Errors
    /// Why it did not get it, in a sentence.
    pub async fn tag(&self, manifest: &Manifest, tag: &str) -> Result<(), String> {
        let url = format!("{}/manifests/{tag}", self.base);
        let reply = self.ask(Method::PUT, &url, &[], Some(manifest)).await?;
        match reply.status {
            200..300 => Ok(()),
            status => Err(self.refused(status)),
        }
    }

    async fn blob<T: serde::de::DeserializeOwned>(
        &self,
        digest: &str,
    ) -> Result<Option<T>, String> {
        let is_digest = digest.strip_prefix("sha256:");
        if !is_digest
            .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
        {
            return Ok(None);
        }
        let url = format!("{}/blobs/{digest}", self.base);
        let reply = self.ask(Method::GET, &url, &[], None).await?;
        match reply.status {
            200 if reply.cut => Err(self.garbled("a blob is larger than any should be")),
            200 if digest_of(&reply.body) != digest => {
                Err(self.garbled("it gives a blob that has another digest than it says"))
            }
            200 => Ok(serde_json::from_slice(&reply.body).ok()),
            404 => Ok(None),
            status => Err(self.refused(status)),
        }
    }

    fn refused(&self, status: u16) -> String {
        let host = &self.name.registry;
        match status {
            401 | 403 => format!(
                "{host} refuses {} ({status}): log in with `docker login {host}`",
                self.name.repository
            ),
            429 => format!("{host} has been asked too often (429); it answers again later"),
            _ => format!("{host} answers {status}"),
        }
    }

    fn garbled(&self, why: &str) -> String {
        format!(
            "{} is no registry that can be believed: {why}",
            self.name.registry
        )
    }

    /// Asks, and opens what is closed with what the user has for it.
    async fn ask(
        &self,
        method: Method,
        url: &str,
        accept: &[&str],
        manifest: Option<&Manifest>,
    ) -> Result<Reply, String> {
        let url = web::url(url)?;
        let mut known = self.authorization.lock().await;
        let mut opened = known.is_some();
        loop {
            let mut request = Request {
                method: method.clone(),
                elsewhere: true,
                ..Request::get(url.clone(), MOST_BYTES, SOON)
            };
            if !accept.is_empty() {
                request = request.with(header::ACCEPT, &accept.join(", "))?;
            }
            if let Some(manifest) = manifest {
                request = request.with(header::CONTENT_TYPE, &manifest.kind)?;
                request.body.clone_from(&manifest.bytes);
            }
            if let Some(secret) = &*known {
                request = request.with(header::AUTHORIZATION, secret.expose_secret())?;
            }
            let reply = web::send(request).await;
            let reply = reply.map_err(|why| format!("{}: {why}", self.name.registry))?;
            if reply.status != 401 || opened {
                return Ok(reply);
            }
            opened = true;
            match self.open(&reply).await? {
                Some(secret) => *known = Some(secret),
                None => return Ok(reply),
            }
        }
    }

    /// What opens the registry, as it asks for it.
    async fn open(&self, reply: &Reply) -> Result<Option<SecretString>, String> {
        let login = DockerConfig::read()?.login(&self.name.registry).await?;
        let challenges = reply.headers.get_all(header::WWW_AUTHENTICATE);
        let challenges = challenges.iter().filter_map(|it| it.to_str().ok());
        for challenge in challenges {
            let (scheme, rest) = challenge.split_once(' ').unwrap_or((challenge, ""));
            if scheme.eq_ignore_ascii_case("basic") {
                return Ok(login.as_ref().and_then(basic));
            }
            if scheme.eq_ignore_ascii_case("bearer") {
                return self
                    .token(&parameters(rest), login.as_ref())
                    .await
                    .map(Some);
            }
        }
        Ok(None)
    }

    /// A token, from where the registry says that there are some.
    async fn token(
        &self,
        challenge: &BTreeMap<String, String>,
        login: Option<&Login>,
    ) -> Result<SecretString, String> {
        let realm = challenge.get("realm").map_or("", String::as_str);
        let mut url = web::url(realm).map_err(|why| self.garbled(&why))?;
        let registry = web::url(&self.base)?;
        let is_safe = if web::is_local(&registry) {
            web::is_local(&url)
        } else {
            url.scheme() == "https" && !is_address(&url)
        };
        if !is_safe {
            return Err(self.garbled("it sends for a token to where none is asked for"));
        }
        let scope = format!("repository:{}:{}", self.name.repository, self.actions);
        let service = challenge.get("service").map_or("", String::as_str);
        let request = if let Some(Login::Identity(token)) = login {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", "tidegate"),
                ("scope", &scope),
                ("refresh_token", token.expose_secret()),
            ];
            let mut encoded = Url::parse("http://h/").map_err(|error| error.to_string())?;
            encoded.query_pairs_mut().extend_pairs(form);
            let mut request = Request {
                method: Method::POST,
                ..Request::get(url, MOST_BYTES, SOON)
            };
            request.body = encoded.query().unwrap_or_default().as_bytes().to_vec();
            request.with(header::CONTENT_TYPE, "application/x-www-form-urlencoded")?
        } else {
            let mut pairs = url.query_pairs_mut();
            if !service.is_empty() {
                pairs.append_pair("service", service);
            }
            pairs.append_pair("scope", &scope);
            drop(pairs);
            let request = Request::get(url, MOST_BYTES, SOON);
            match login.and_then(basic) {
                Some(secret) => request.with(header::AUTHORIZATION, secret.expose_secret())?,
                None => request,
            }
        };
        let reply = web::send(request).await;
        let reply =
            reply.map_err(|why| format!("{}, asked for a token: {why}", self.name.registry))?;
        if reply.status != 200 {
            return Err(self.refused(reply.status));
        }
        #[derive(Deserialize)]
        struct Token {
            token: Option<String>,
            access_token: Option<String>,
        }
        let token: Token = parsed(&reply.body).map_err(|why| self.garbled(&why))?;
        let token = token.token.or(token.access_token);
        let token = token.ok_or_else(|| self.garbled("it gives no token"))?;
        Ok(SecretString::from(format!("Bearer {token}")))
    }
}

fn basic(login: &Login) -> Option<SecretString> {
    let Login::Password(name, password) = login else {
        return None;
    };
    let text = STANDARD.encode(format!("{name}:{}", password.expose_secret()));
    Some(SecretString::from(format!("Basic {text}")))
}

/// Whether a host is written as an address.
fn is_address(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

/// `realm="https://…",service="…"`.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        found.insert(name, value.to_owned());
        rest = behind;
    }
    found
}

fn predicates_of(bytes: &[u8], found: &mut BTreeSet<String>) -> Result<(), String> {
    let content: Content = parsed(bytes)?;
    for layer in content.layers {
        let keys = ["in-toto.io/predicate-type", "predicateType"];
        found.extend(
            keys.iter()
                .find_map(|key| layer.annotations.get(*key))
                .cloned(),
        );
    }
    Ok(())
}

fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|_| "what it says is not what a registry says".to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| {
        let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap_or('0');
        text + &[digit(byte >> 4), digit(byte & 15)]
            .iter()
            .collect::<String>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_as_it_is_written() {
        let read = parameters(
            r#"realm="https://auth.docker.io/token",service="registry.docker.io", scope="repository:a/b:pull,push",error=x"#,
        );
        assert_eq!(read["realm"], "https://auth.docker.io/token");
        assert_eq!(read["service"], "registry.docker.io");
        assert_eq!(read["scope"], "repository:a/b:pull,push");
        assert_eq!(read["error"], "x");
        assert!(parameters("").is_empty());
    }

    #[test]
    fn platforms_are_named_as_people_name_them() {
        let name = |json: &str| serde_json::from_str::<Platform>(json).unwrap().name();
        assert_eq!(
            name(r#"{"os":"linux","architecture":"amd64"}"#).as_deref(),
            Some("linux/amd64")
        );
        assert_eq!(
            name(r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#).as_deref(),
            Some("linux/arm64")
        );
        assert_eq!(
            name(r#"{"os":"linux","architecture":"arm","variant":"v7"}"#).as_deref(),
            Some("linux/arm/v7")
        );
        assert_eq!(name(r#"{"os":"unknown","architecture":"unknown"}"#), None);
    }
}
