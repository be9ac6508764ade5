//! Credential plugins of a kubeconfig (`exec`), run where they can never reach our terminal.
//!
//! kube would let them inherit standard input and error, and would block a thread on one that hangs.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecConfig};
use serde::Deserialize;
use serde_json::json;

use super::convert::clean;
use crate::sources::children::{self, Keep, Kind, Limits, Stopped};

/// The longest output of a plugin: a token or a certificate with its key.
const LONGEST: usize = 1 << 20;

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
    // Taken in any case: kube would run it itself, unbounded.
    let exec = auth.exec.take();
    let basic = auth.username.is_some() && auth.password.is_some();
    let Some(exec) = exec.filter(|_| auth.token.is_none() && auth.token_file.is_none() && !basic)
    else {
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
    if token.as_deref().is_some_and(|token| !is_sendable(token)) {
        return Err(fail(
            "the token that it gave is empty, too long, or has characters (a line break, a space) that none has".to_owned(),
        ));
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
        .stderr(Stdio::piped());
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Whole(LONGEST),
        stderr: Keep::Ends(8 << 10),
        deadline: patience,
        patience: None,
    };
    let said = match children::run_beside(command, limits, None).await {
        Ok(said) => said,
        Err(Stopped::Late(after)) => {
            return Err(format!("no answer within {} s", after.as_secs()));
        }
        Err(Stopped::TooMuch(most)) => {
            let most = children::size(most as u64);
            return Err(format!(
                "it printed more than {most}, which is no credential"
            ));
        }
        Err(Stopped::Interrupted) => return Err("interrupted".to_owned()),
        Err(Stopped::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = exec.install_hint.as_deref().map(clean);
            return Err(hint.map_or("not installed".to_owned(), |hint| {
                format!("not installed: {hint}")
            }));
        }
        Err(Stopped::Io(error)) => return Err(clean(&error.to_string())),
    };
    if said.status.success() {
        return Ok(said.stdout);
    }
    let status = match said.status.code() {
        Some(code) => format!("exit {code}"),
        None => "killed".to_owned(),
    };
    let words = String::from_utf8_lossy(&said.stderr);
    let last = words.lines().rev().map(clean).find(|line| !line.is_empty());
    Err(last.map_or(status.clone(), |last| format!("{status}, {last}")))
}

/// Whether a token can be sent as `Authorization: Bearer TOKEN`: visible ASCII, and no more of it than a header may hold.
pub(super) fn is_sendable(token: &str) -> bool {
    !token.is_empty()
        && token.len() <= 64 << 10
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The form that kube wants certificates in.
fn base64(pem: String) -> String {
    match serde_json::to_value(ByteString(pem.into_bytes())) {
        Ok(serde_json::Value::String(text)) => text,
        // Bytes always serialise to text.
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_that_a_header_carries() {
        let long = "x".repeat(70_000);
        for (token, sendable) in [
            ("eyJhbGciOi.J-_~+/=", true),
            ("", false),
            ("a\nb", false),
            ("a\r\nX-Remote-User: root", false),
            ("a b", false),
            ("a\0", false),
            ("tökn", false),
            (&long, false),
        ] {
            assert_eq!(is_sendable(token), sendable, "{token:.20}");
        }
    }
}
