//! Logging a cluster's user in: the kubeconfig's exec plugin, run with the terminal on request only.

use std::time::Duration;

use kube::config::{ExecAuthCluster, ExecConfig, Kubeconfig};

use super::{Options, exec, kubeconfig};

/// How long somebody may take to log in: a second device may be asked for.
const PATIENCE: Duration = Duration::from_mins(10);

/// Runs the login program of a context's user with the terminal, which is the program's until it ends; what it gives is kept
/// in memory for the next connection. Dropping the future stops it.
///
/// # Errors
/// A sentence, where the context is not there, its user has no such program, or that fails.
pub async fn login(context: &str, options: &Options) -> Result<(), String> {
    let files = options.kubeconfig.clone();
    let kubeconfig = tokio::task::spawn_blocking(move || kubeconfig::read(&files))
        .await
        .map_err(|error| error.to_string())??;
    let exec = plugin(&kubeconfig, context)?;
    exec::log_in(&exec, PATIENCE).await
}

/// The exec plugin of a context's user, told of its cluster as it asks to be.
fn plugin(kubeconfig: &Kubeconfig, context: &str) -> Result<ExecConfig, String> {
    let named = kubeconfig.contexts.iter().find(|it| it.name == context);
    let named = named.and_then(|named| named.context.as_ref());
    let user = named
        .and_then(|named| named.user.clone())
        .ok_or_else(|| kubeconfig::without_user(kubeconfig, context))?;
    let mut infos = kubeconfig.auth_infos.iter();
    let mut exec = infos
        .find(|it| it.name == user)
        .and_then(|it| it.auth_info.as_ref()?.exec.clone())
        .ok_or_else(|| format!("user `{user}` of context `{context}` logs in without a program; mend its credentials in the kubeconfig"))?;
    if exec.provide_cluster_info {
        let mut clusters = kubeconfig.clusters.iter();
        let cluster = clusters.find(|it| named.is_some_and(|named| named.cluster == it.name));
        let cluster = cluster.and_then(|it| it.cluster.as_ref());
        exec.cluster = cluster.and_then(|it| ExecAuthCluster::try_from(it).ok());
    }
    Ok(exec)
}
