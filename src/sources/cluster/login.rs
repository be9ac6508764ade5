//! The program that logs a cluster's user in: the kubeconfig's exec plugin, run with the terminal on request only.

use kube::config::Kubeconfig;

use super::Options;

/// A login program as the kubeconfig names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginCommand {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables that it gets on top of ours.
    pub environment: Vec<(String, String)>,
}

/// The login program of a context's user.
///
/// # Errors
/// A sentence, where the context is not there or its user has no such program.
pub fn login_command(context: &str, options: &Options) -> Result<LoginCommand, String> {
    let kubeconfig = read(options)?;
    let user = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context)
        .and_then(|named| named.context.as_ref()?.user.clone())
        .ok_or_else(|| format!("the kubeconfig has no context `{context}` with a user"))?;
    let exec = kubeconfig
        .auth_infos
        .into_iter()
        .find(|named| named.name == user)
        .and_then(|named| named.auth_info?.exec)
        .ok_or_else(|| format!("user `{user}` of context `{context}` logs in without a program; mend its credentials in the kubeconfig"))?;
    let program = exec
        .command
        .ok_or_else(|| format!("user `{user}` has an exec plugin without a command"))?;
    let environment = exec
        .env
        .unwrap_or_default()
        .into_iter()
        .filter_map(|pair| Some((pair.get("name")?.clone(), pair.get("value")?.clone())));
    Ok(LoginCommand {
        program,
        arguments: exec.args.unwrap_or_default(),
        environment: environment.collect(),
    })
}

fn read(options: &Options) -> Result<Kubeconfig, String> {
    let told =
        |error: kube::config::KubeconfigError| format!("the kubeconfig cannot be read: {error}");
    let mut files = options.kubeconfig.iter();
    let Some(first) = files.next() else {
        return Kubeconfig::read().map_err(told);
    };
    files.try_fold(
        Kubeconfig::read_from(first).map_err(told)?,
        |joined, file| {
            joined
                .merge(Kubeconfig::read_from(file).map_err(told)?)
                .map_err(told)
        },
    )
}
