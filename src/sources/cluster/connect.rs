//! From a kubeconfig context to a client that has answered once.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::time::timeout;

use super::{
    Options,
    argocd::Facade,
    bounds::Pace,
    error::{ClusterError, cause},
    exec, kubeconfig, transport,
};
use crate::{
    domain::{address, agent::ArgoServer},
    sources::credential,
};

/// How long a credential plugin may take.
const PLUGIN_PATIENCE: Duration = Duration::from_secs(30);

/// A client whose server has answered.
pub(super) struct Connected {
    pub(super) client: Client,
    /// Its address, for people.
    pub(super) server: String,
    /// When its credentials end, where that is known.
    pub(super) expires: Option<Timestamp>,
}

/// Installs the cryptography that TLS uses everywhere in the program, once; later calls do nothing.
pub fn install_crypto() {
    // An error says that there is one already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Reads the kubeconfig anew, gets credentials and asks the server for a sign of life.
pub(super) async fn connect(
    context: &str,
    options: &Options,
    pace: &Pace,
) -> Result<Connected, ClusterError> {
    install_crypto();
    let mut servers = options.argocd.iter();
    if let Some(server) = servers.find(|it| it.url == context) {
        return argocd_at(server, options, pace).await;
    }
    let broken = ClusterError::Broken;
    let files = options.kubeconfig.clone();
    let kubeconfig = tokio::task::spawn_blocking(move || kubeconfig::read(&files))
        .await
        .map_err(|error| broken(cause(&error)))?
        .map_err(broken)?;
    let mut config = kubeconfig::context(kubeconfig, context)
        .await
        .map_err(broken)?;
    let plugin = config.auth_info.exec.clone();
    let expires = exec::resolve(&mut config.auth_info, PLUGIN_PATIENCE)
        .await
        .map_err(broken)?;
    config.connect_timeout = Some(options.patience);
    // Retries are ours: with a reason and a time that people can see.
    config.default_retry = false;
    let server = kubeconfig::shown(&config.cluster_url);
    let at_server = |message: String| format!("{server}: {message}");
    // Reads key files, and runs the commands of old auth providers.
    let pace = pace.clone();
    let build = move || transport::builder(&config).map(|it| it.with_layer(&pace).build());
    let client: Client = tokio::task::spawn_blocking(build)
        .await
        .map_err(|error| broken(cause(&error)))?
        .map_err(|error| broken(at_server(cause(&error))))?;
    match probe(&client, options.patience * 2).await {
        Ok(()) => Ok(Connected {
            client,
            server,
            expires,
        }),
        Err(ClusterError::Broken(message)) => Err(ClusterError::Broken(at_server(message))),
        Err(other) => {
            if let (ClusterError::Unauthorized(_), Some(plugin)) = (&other, &plugin) {
                exec::forget(plugin);
            }
            Err(other)
        }
    }
}

/// The same of an Argo CD that is asked by its own API.
async fn argocd_at(
    server: &ArgoServer,
    options: &Options,
    pace: &Pace,
) -> Result<Connected, ClusterError> {
    let broken = ClusterError::Broken;
    let at = address::shown(&server.url);
    let at_server = |message: String| format!("{at}: {message}");
    let url = server.url.parse();
    let url = url.map_err(|error: http::uri::InvalidUri| broken(at_server(error.to_string())))?;
    let mut config = kubeconfig::plain(url);
    if let Some(from) = &server.token {
        let token = credential::read(from).await;
        let token = token.map_err(|why| {
            broken(format!(
                "the token of `[[argocd]]` {at} cannot be had: {why}"
            ))
        })?;
        config.auth_info.token = Some(token);
    }
    config.connect_timeout = Some(options.patience);
    config.default_retry = false;
    let pace = pace.clone();
    let build = move || {
        let builder = transport::builder(&config);
        builder.map(|it| it.with_layer(&Facade::default()).with_layer(&pace).build())
    };
    let client: Client = tokio::task::spawn_blocking(build)
        .await
        .map_err(|error| broken(cause(&error)))?
        .map_err(|error| broken(at_server(cause(&error))))?;
    match probe(&client, options.patience * 2).await {
        Ok(()) => Ok(Connected {
            client,
            server: server.url.clone(),
            expires: None,
        }),
        Err(ClusterError::Broken(message)) => Err(broken(at_server(message))),
        Err(other) => Err(other),
    }
}

/// Connects for what is asked by hand: somebody waits for each answer, and hears which cluster gives none.
pub(super) async fn reach(context: &str, options: &Options) -> Result<Client, String> {
    let connected = connect(context, options, &Pace::by_hand(context, options)).await;
    let client = connected.map(|it| it.client);
    let what = if is_argocd(context, options) {
        "Argo CD"
    } else {
        "cluster"
    };
    client.map_err(|error| format!("{what} {context}: {}", error.message()))
}

/// Whether it is no context, but an Argo CD that is asked by its own API.
pub(super) fn is_argocd(context: &str, options: &Options) -> bool {
    options.argocd.iter().any(|it| it.url == context)
}

/// A sign of life: any answer counts that is not 401 or the server's own failure.
pub(super) async fn probe(client: &Client, patience: Duration) -> Result<(), ClusterError> {
    let request = http::Request::get("/version")
        .body(Vec::new())
        .map_err(|error| ClusterError::Broken(cause(&error)))?;
    let Ok(answer) = timeout(patience, client.request_text(request)).await else {
        return Err(ClusterError::Broken(format!(
            "no answer within {} s",
            patience.as_secs_f32()
        )));
    };
    match answer.as_ref().map_err(ClusterError::from) {
        Ok(_)
        | Err(
            ClusterError::Denied(_)
            | ClusterError::Absent
            | ClusterError::Gone
            | ClusterError::Busy(_),
        ) => Ok(()),
        Err(failure @ (ClusterError::Unauthorized(_) | ClusterError::Broken(_))) => Err(failure),
    }
}
