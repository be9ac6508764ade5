//! Credential plugins of a kubeconfig (`exec`), run where they can never reach our terminal.
//!
//! kube would let them inherit standard input and error, and would block a thread on one that hangs.

use std::{process::Stdio, time::Duration};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecConfig};
use serde::Deserialize;
use serde_json::json;
use tokio::{process::Command, time::timeout};

use super::convert::clean;

/// What a plugin printed.
#[derive(Deserialize)]
struct Credential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// Runs the user's plugin, if there is one that is needed, and puts what it gives in its place.
///
/// Answers when the credentials end, where the plugin says so. Fails with a sentence that ends in
/// the plugin's own last words.
pub(super) async fn resolve(
    auth: &mut AuthInfo,
    patience: Duration,
) -> Result<Option<Timestamp>, String> {
    if auth.token.is_some() || auth.token_file.is_some() || auth.username.is_some() {
        return Ok(None);
    }
    let Some(exec) = auth.exec.take() else {
        return Ok(None);
    };
    let name = exec.command.clone().unwrap_or_default();
    let name = clean(name.rsplit('/').next().unwrap_or(&name));
    let fail = |why: String| format!("exec plugin `{name}`: {why}");
    let printed = run(&exec, patience).await.map_err(fail)?;
    // Some plugins print YAML; JSON is YAML too.
    let credential: Credential = serde_yaml::from_slice(&printed)
        .map_err(|_| fail("what it printed is no ExecCredential".to_owned()))?;
    let status = credential
        .status
        .ok_or_else(|| fail("its ExecCredential has no status".to_owned()))?;
    let Status {
        token,
        client_certificate_data: certificate,
        client_key_data: key,
        expiration_timestamp: expires,
    } = status;
    if token.is_none() && (certificate.is_none() || key.is_none()) {
        return Err(fail("it gave neither a token nor a certificate".to_owned()));
    }
    auth.token = token.map(Into::into);
    if let (Some(certificate), Some(key)) = (certificate, key) {
        auth.client_certificate_data = Some(base64(certificate));
        auth.client_key_data = Some(base64(key).into());
    }
    Ok(expires.and_then(|time| time.parse().ok()))
}

async fn run(exec: &ExecConfig, patience: Duration) -> Result<Vec<u8>, String> {
    let program = exec.command.as_deref().ok_or("it names no command")?;
    let mut command = Command::new(program);
    command.args(exec.args.iter().flatten());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    let cluster = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info);
    let mut info = json!({
        "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": {"interactive": false},
    });
    if let Some(cluster) = cluster {
        info["spec"]["cluster"] = json!(cluster);
    }
    command
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // In a group of its own a prompt cannot read our terminal, and our ^C does not reach it.
    #[cfg(unix)]
    command.process_group(0);
    let output = match timeout(patience, command.output()).await {
        Err(_) => return Err(format!("no answer within {} s", patience.as_secs())),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = exec.install_hint.as_deref().map(clean);
            return Err(hint.map_or("not installed".to_owned(), |hint| {
                format!("not installed: {hint}")
            }));
        }
        Ok(Err(error)) => return Err(clean(&error.to_string())),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok(output.stdout);
    }
    let status = match output.status.code() {
        Some(code) => format!("exit {code}"),
        None => "killed".to_owned(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().map(clean).find(|line| !line.is_empty());
    Err(last.map_or(status.clone(), |last| format!("{status}, {last}")))
}

/// The form that kube wants certificates in.
fn base64(pem: String) -> String {
    match serde_json::to_value(ByteString(pem.into_bytes())) {
        Ok(serde_json::Value::String(text)) => text,
        // Bytes always serialise to text.
        _ => String::new(),
    }
}
