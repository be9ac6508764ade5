//! The program that logs a cluster's user in: the kubeconfig's exec plugin, run with the terminal on request only.

use super::{Options, kubeconfig};

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
    let kubeconfig = kubeconfig::read(&options.kubeconfig)?;
    let user = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context)
        .and_then(|named| named.context.as_ref()?.user.clone())
        .ok_or_else(|| kubeconfig::without_user(&kubeconfig, context))?;
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
