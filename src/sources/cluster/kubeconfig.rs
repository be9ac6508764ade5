//! Kubeconfig files: which, merged how, and what a context in them says.

use std::{
    env,
    path::{Path, PathBuf},
};

use hyper_util::client::proxy::matcher::Matcher;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use secrecy::ExposeSecret;

use super::{convert::clean, error::cause, exec::is_sendable};
use crate::sources::files::{self, Links};

/// The longest file that a kubeconfig refers to.
const LONGEST: u64 = 1 << 20;

/// Reads and merges the files that are there, as kubectl does: the first to say something wins.
///
/// `explicit` files must exist; of those in `KUBECONFIG` some may be missing, but not all.
/// Fails with a sentence.
pub(super) fn read(explicit: &[PathBuf]) -> Result<Kubeconfig, String> {
    let files = if explicit.is_empty() {
        usual_files()?
    } else {
        explicit.to_vec()
    };
    let mut merged: Option<Kubeconfig> = None;
    for file in &files {
        if explicit.is_empty() && !file.exists() {
            continue;
        }
        let say = |error: &(dyn std::error::Error + 'static)| {
            format!("kubeconfig {}: {}", file.display(), cause(error))
        };
        // Checked first: reading a pipe or a device would never end. Many keep this file elsewhere, behind a link.
        match files::read(file, Links::Followed, files::CONFIGURATION) {
            Ok(_) => {}
            Err(error) => return Err(format!("kubeconfig: {error}")),
        }
        let one = Kubeconfig::read_from(file).map_err(|error| say(&error))?;
        merged = Some(match merged {
            None => one,
            Some(first) => first.merge(one).map_err(|error| say(&error))?,
        });
    }
    merged.ok_or_else(|| {
        let looked: Vec<_> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        format!(
            "no kubeconfig: {} does not exist; set KUBECONFIG or create one",
            looked.join(", ")
        )
    })
}

/// The contexts of these kubeconfig files, or of the user's where there are none, with the addresses of their clusters; none
/// where they cannot be read.
pub fn contexts(files: &[PathBuf]) -> Vec<(String, String)> {
    let Ok(kubeconfig) = read(files) else {
        return Vec::new();
    };
    let address = |cluster: &str| {
        let named = kubeconfig.clusters.iter().find(|it| it.name == cluster)?;
        let server = named.cluster.as_ref()?.server.as_deref()?;
        // One that is no address has nothing to compare.
        Some(shown(&server.parse().ok()?))
    };
    let contexts = kubeconfig.contexts.iter();
    contexts
        .filter_map(|named| {
            let server = address(&named.context.as_ref()?.cluster)?;
            Some((named.name.clone(), server))
        })
        .collect()
}

/// What a context says about server, authority and user.
///
/// Fails with a sentence, which for an unknown context lists those there are.
pub(super) async fn context(kubeconfig: Kubeconfig, name: &str) -> Result<Config, String> {
    if !kubeconfig
        .contexts
        .iter()
        .any(|context| context.name == name)
    {
        return Err(unknown_context(&kubeconfig, name));
    }
    usable(&kubeconfig, name)?;
    let own_proxy = own_proxy(&kubeconfig, name);
    let options = KubeConfigOptions {
        context: Some(name.to_owned()),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| format!("context `{name}`: {}", cause(&error)))?;
    if !own_proxy && !through_proxy(&config.cluster_url) {
        config.proxy_url = None;
    }
    Ok(config)
}

/// A server's address as it may be shown: without user information and query.
pub(super) fn shown(server: &http::Uri) -> String {
    let scheme = server.scheme_str().unwrap_or("https");
    let host = server.host().unwrap_or_default();
    let port = server
        .port_u16()
        .map_or(String::new(), |port| format!(":{port}"));
    format!(
        "{scheme}://{host}{port}{}",
        server.path().trim_end_matches('/')
    )
}

/// Whether what a context refers to can be used: its files are there, its token can be sent.
///
/// Fails with a sentence that names the file, and whose it is.
fn usable(kubeconfig: &Kubeconfig, name: &str) -> Result<(), String> {
    let mut contexts = kubeconfig.contexts.iter();
    let context = contexts.find(|context| context.name == name);
    let Some(context) = context.and_then(|context| context.context.as_ref()) else {
        return Ok(());
    };
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|it| it.name == context.cluster);
    let cluster = cluster.and_then(|it| it.cluster.as_ref());
    let user = context.user.as_deref().unwrap_or_default();
    let auth = kubeconfig.auth_infos.iter().find(|it| it.name == user);
    let auth = auth.and_then(|it| it.auth_info.as_ref());
    let at_user = format!("user `{}`", clean(user));
    let at_cluster = format!("cluster `{}`", clean(&context.cluster));
    // What stands in the kubeconfig itself goes before a file.
    let files = [
        (
            "certificate authority",
            &at_cluster,
            cluster
                .filter(|it| it.certificate_authority_data.is_none())
                .and_then(|it| it.certificate_authority.as_ref()),
        ),
        (
            "client certificate",
            &at_user,
            auth.filter(|it| it.client_certificate_data.is_none())
                .and_then(|it| it.client_certificate.as_ref()),
        ),
        (
            "client key",
            &at_user,
            auth.filter(|it| it.client_key_data.is_none())
                .and_then(|it| it.client_key.as_ref()),
        ),
        (
            "token file",
            &at_user,
            auth.filter(|it| it.token.is_none())
                .and_then(|it| it.token_file.as_ref()),
        ),
    ];
    for (what, of, file) in files {
        let Some(file) = file.filter(|file| !file.is_empty()) else {
            continue;
        };
        let why = match std::fs::metadata(file) {
            Ok(data) if !data.is_file() => "it is no file".to_owned(),
            Ok(data) if data.len() > LONGEST => "it is longer than 1 MB".to_owned(),
            Ok(_) => match std::fs::File::open(file) {
                Ok(_) => continue,
                Err(error) => io_words(&error),
            },
            Err(error) => io_words(&error),
        };
        return Err(format!(
            "context `{}`: the {what} {} of {of} cannot be read: {why}",
            clean(name),
            clean(file)
        ));
    }
    let token = auth.and_then(|it| it.token.as_ref());
    if token.is_some_and(|token| !is_sendable(token.expose_secret())) {
        return Err(format!(
            "context `{}`: the token of {at_user} is empty, too long, or has characters (a line break, a space) that none has",
            clean(name)
        ));
    }
    let provider = auth.and_then(|it| it.auth_provider.as_ref());
    if provider.is_some_and(|provider| provider.config.contains_key("cmd-path")) {
        return Err(format!(
            "context `{}`: {at_user} logs in by an auth provider with a command, which Kubernetes 1.26 removed; \
             use an exec plugin",
            clean(name)
        ));
    }
    Ok(())
}

fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it is not there".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => clean(&error.to_string()),
    }
}

fn usual_files() -> Result<Vec<PathBuf>, String> {
    if let Some(list) = env::var_os("KUBECONFIG") {
        let files: Vec<_> = env::split_paths(&list)
            .filter(|path| path != Path::new(""))
            .collect();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    let home = env::home_dir().ok_or("no kubeconfig: neither KUBECONFIG nor a home is set")?;
    Ok(vec![home.join(".kube").join("config")])
}

/// A server that no kubeconfig names, by the way that the environment's proxy leads to it.
pub(super) fn plain(server: http::Uri) -> Config {
    let intercepted = Matcher::from_env().intercept(&server);
    let proxy = intercepted.map(|it| it.uri().clone());
    let mut config = Config::new(server);
    config.proxy_url = proxy.filter(|_| through_proxy(&config.cluster_url));
    config
}

/// Says that a context is not there, or has no user.
pub(super) fn without_user(kubeconfig: &Kubeconfig, name: &str) -> String {
    if kubeconfig
        .contexts
        .iter()
        .any(|context| context.name == name)
    {
        return format!("context `{name}` names no user");
    }
    unknown_context(kubeconfig, name)
}

fn unknown_context(kubeconfig: &Kubeconfig, name: &str) -> String {
    let mut known: Vec<_> = kubeconfig
        .contexts
        .iter()
        .map(|context| format!("`{}`", clean(&context.name)))
        .collect();
    known.sort();
    if known.is_empty() {
        return format!("no context `{name}`: the kubeconfig has none");
    }
    format!(
        "no context `{name}` in the kubeconfig; it has {}",
        known.join(", ")
    )
}

/// Whether the context's cluster names a proxy of its own.
fn own_proxy(kubeconfig: &Kubeconfig, name: &str) -> bool {
    let context = kubeconfig
        .contexts
        .iter()
        .find(|context| context.name == name)
        .and_then(|context| context.context.as_ref());
    kubeconfig
        .clusters
        .iter()
        .filter(|cluster| context.is_some_and(|context| context.cluster == cluster.name))
        .filter_map(|cluster| cluster.cluster.as_ref())
        .any(|cluster| {
            cluster
                .proxy_url
                .as_ref()
                .is_some_and(|url| !url.is_empty())
        })
}

/// Whether the environment's proxy is for this server: not for this machine, nor for `NO_PROXY`.
fn through_proxy(server: &http::Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    !loopback && Matcher::from_env().intercept(server).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_shown_without_what_is_secret() {
        for (server, expected) in [
            ("https://h:6443", "https://h:6443"),
            ("https://h/k8s/clusters/c-1/", "https://h/k8s/clusters/c-1"),
            ("http://u:s3cret@127.0.0.1:1", "http://127.0.0.1:1"),
            ("https://t0ken@h:6443/x?token=s3cret", "https://h:6443/x"),
            ("https://[::1]:6443", "https://[::1]:6443"),
        ] {
            assert_eq!(shown(&server.parse().unwrap()), expected);
        }
    }

    #[test]
    fn a_kubeconfig_is_a_regular_file_or_a_link_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(
            at("real"),
            "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n",
        )
        .unwrap();
        for (name, to) in [
            ("link", "real"),
            ("zero", "/dev/zero"),
            ("dangling", "nowhere"),
        ] {
            std::os::unix::fs::symlink(to, at(name)).unwrap();
        }
        assert!(
            std::process::Command::new("mkfifo")
                .arg(at("pipe"))
                .status()
                .unwrap()
                .success()
        );
        for (name, expected) in [
            ("link", None),
            ("zero", Some("is a device")),
            ("pipe", Some("is a named pipe")),
            ("dangling", Some("to a file that does not exist")),
        ] {
            let said = read(&[at(name)]).err();
            match expected {
                None => assert_eq!(said, None, "{name}"),
                Some(part) => assert!(
                    said.as_ref().is_some_and(|said| said.contains(part)),
                    "{name}: {said:?}"
                ),
            }
        }
    }
}
