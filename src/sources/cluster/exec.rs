//! Credential plugins of a kubeconfig (`exec`), run by us where they can never reach our terminal, but for a login.
//!
//! kube would let them inherit standard input and error, and would block a thread on one that hangs. The protocol is that of
//! `client.authentication.k8s.io/v1` and `v1beta1`
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>).

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use super::convert::clean;
use crate::sources::children::{self, Keep, Kind, Limits, Stopped};

/// The longest output of a plugin: a token or a certificate with its key.
const LONGEST: usize = 1 << 20;

/// The group of the protocol, and the version that Kubernetes 1.24 removed.
const GROUP: &str = "client.authentication.k8s.io";
const REMOVED: &str = "v1alpha1";

/// What a plugin printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    api_version: Option<String>,
    status: Option<Status>,
}

#[derive(Clone, Deserialize)]
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
    let status = match kept(&exec) {
        Some(status) => status,
        None if exec.interactive_mode == Some(ExecInteractiveMode::Always) => {
            return Err(named(
                &exec,
                "it runs at a terminal only (interactiveMode: Always): `:login` in the console gives it one".to_owned(),
            ));
        }
        None => run(&exec, false, patience).await?,
    };
    let expires = status.expires();
    auth.token = status.token.map(Into::into);
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data)
    {
        auth.client_certificate_data = Some(base64(certificate));
        auth.client_key_data = Some(base64(key).into());
    }
    Ok(expires)
}

/// Runs a plugin with the terminal, so that it can ask, and keeps what it gives for [`resolve`].
///
/// Fails with a sentence.
pub(super) async fn log_in(exec: &ExecConfig, patience: Duration) -> Result<(), String> {
    let terminal = exec.interactive_mode != Some(ExecInteractiveMode::Never);
    let status = run(exec, terminal, patience).await?;
    logins().insert(key(exec), status);
    Ok(())
}

/// What logins gave, by what was run. Kept in memory alone, until it ends or a server does not take it.
static LOGINS: Mutex<BTreeMap<String, Status>> = Mutex::new(BTreeMap::new());

fn logins() -> MutexGuard<'static, BTreeMap<String, Status>> {
    LOGINS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program with all that it is told: what it gives for one cluster is not for another, where it is told which.
fn key(exec: &ExecConfig) -> String {
    let variables = exec.env.iter().flatten().map(|variable| {
        let mut sorted: Vec<_> = variable.iter().collect();
        sorted.sort_unstable();
        sorted
    });
    let cluster = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info);
    let variables: Vec<_> = variables.collect();
    json!([
        exec.api_version,
        exec.command,
        exec.args,
        variables,
        cluster
    ])
    .to_string()
}

/// A server did not take what a login gave.
pub(super) fn forget(exec: &ExecConfig) {
    logins().remove(&key(exec));
}

fn kept(exec: &ExecConfig) -> Option<Status> {
    let status = logins().get(&key(exec)).cloned()?;
    let over = status.expires().is_some_and(|end| end <= Timestamp::now());
    (!over).then_some(status)
}

impl Status {
    fn expires(&self) -> Option<Timestamp> {
        self.expiration_timestamp.as_ref()?.parse().ok()
    }
}

/// `why`, with the plugin's name before it.
fn named(exec: &ExecConfig, why: String) -> String {
    let name = exec.command.clone().unwrap_or_default();
    let name = clean(name.rsplit('/').next().unwrap_or(&name));
    format!("exec plugin `{name}`: {why}")
}

async fn run(exec: &ExecConfig, terminal: bool, patience: Duration) -> Result<Status, String> {
    let asked = exec.api_version.as_deref();
    let removed = asked.and_then(|asked| asked.strip_prefix(GROUP)?.strip_prefix('/'));
    if removed == Some(REMOVED) {
        let why = "its apiVersion v1alpha1 was removed in Kubernetes 1.24; write v1 or v1beta1 into the kubeconfig, as the plugin speaks it";
        return Err(named(exec, why.to_owned()));
    }
    let printed = print(exec, terminal, patience).await;
    let printed = printed.map_err(|why| named(exec, why))?;
    read(&printed, asked).map_err(|why| named(exec, why))
}

/// What it printed, checked as far as it can be.
fn read(printed: &[u8], asked: Option<&str>) -> Result<Status, String> {
    // Some plugins print YAML; JSON is YAML too.
    let credential: Credential = serde_yaml::from_slice(printed)
        .map_err(|_| "what it printed is no ExecCredential".to_owned())?;
    // Many leave it out, and no harm is done.
    if let (Some(given), Some(asked)) = (credential.api_version.as_deref(), asked)
        && given != asked
    {
        return Err(format!(
            "it answered as {}, and was asked as {}: write the one that it speaks into the kubeconfig",
            clean(given),
            clean(asked)
        ));
    }
    let status = (credential.status).ok_or("its ExecCredential has no status")?;
    let certificate = (&status.client_certificate_data, &status.client_key_data);
    if status.token.is_none() && !matches!(certificate, (Some(_), Some(_))) {
        return Err("it gave neither a token nor a certificate".to_owned());
    }
    if (status.token.as_deref()).is_some_and(|token| !is_sendable(token)) {
        return Err(
            "the token that it gave is empty, too long, or has characters (a line break, a space) that none has".to_owned(),
        );
    }
    Ok(status)
}

async fn print(exec: &ExecConfig, terminal: bool, patience: Duration) -> Result<Vec<u8>, String> {
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
        "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": {"interactive": terminal},
    });
    if let Some(cluster) = cluster {
        info["spec"]["cluster"] = json!(cluster);
    }
    command
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdout(Stdio::piped());
    if !terminal {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
    }
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Whole(LONGEST),
        stderr: Keep::Ends(8 << 10),
        deadline: patience,
        patience: None,
        terminal,
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
        None if terminal => "stopped".to_owned(),
        None => "killed".to_owned(),
    };
    let message = String::from_utf8_lossy(&said.stderr);
    let last = message
        .lines()
        .rev()
        .map(clean)
        .find(|line| !line.is_empty());
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
    fn what_a_plugin_printed_is_a_credential_or_a_sentence() {
        let v1 = Some("client.authentication.k8s.io/v1");
        let beta =
            r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}}"#;
        for (printed, asked, expected) in [
            (r#"{"status":{"token":"t"}}"#, v1, None),
            (beta, Some("client.authentication.k8s.io/v1beta1"), None),
            (beta, None, None),
            ("status: {token: t}", v1, None),
            (
                r#"{"status":{"clientCertificateData":"c","clientKeyData":"k"}}"#,
                v1,
                None,
            ),
            (
                beta,
                v1,
                Some("it answered as client.authentication.k8s.io/v1beta1"),
            ),
            ("{}", v1, Some("has no status")),
            ("[", v1, Some("is no ExecCredential")),
            (
                r#"{"status":{}}"#,
                v1,
                Some("neither a token nor a certificate"),
            ),
            (
                r#"{"status":{"clientKeyData":"k"}}"#,
                v1,
                Some("neither a token nor a certificate"),
            ),
            (r#"{"status":{"token":"a\nb"}}"#, v1, Some("characters")),
        ] {
            let said = read(printed.as_bytes(), asked).err();
            match expected {
                None => assert_eq!(said, None, "{printed}"),
                Some(part) => assert!(
                    said.as_ref().is_some_and(|said| said.contains(part)),
                    "{printed}: {said:?}"
                ),
            }
        }
    }

    fn plugin(script: &str, more: &serde_json::Value) -> ExecConfig {
        let mut exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "/bin/sh",
            "args": ["-c", script],
        });
        let fields = more.as_object().unwrap();
        exec.as_object_mut().unwrap().extend(fields.clone());
        serde_json::from_value(exec).unwrap()
    }

    #[tokio::test]
    async fn plugins_are_run_as_their_entry_says() {
        let ok = r#"echo '{"status":{"token":"t"}}'"#;
        let env = json!({"env": [{"name": "GIVEN", "value": "v"}]});
        for (script, more, expected) in [
            (ok, json!({}), None),
            (&*format!(r#"test "$GIVEN" = v && {ok}"#), env, None),
            (
                &format!(r#"case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) {ok};; esac"#),
                json!({}),
                None,
            ),
            (
                "echo no >&2; exit 3",
                json!({}),
                Some("exec plugin `sh`: exit 3, no"),
            ),
            (
                ok,
                json!({"command": "/nowhere/x", "installHint": "brew install x"}),
                Some("exec plugin `x`: not installed: brew install x"),
            ),
            (
                ok,
                json!({"interactiveMode": "Always"}),
                Some("interactiveMode: Always"),
            ),
            (
                ok,
                json!({"apiVersion": "client.authentication.k8s.io/v1alpha1"}),
                Some("v1alpha1 was removed"),
            ),
        ] {
            let mut auth = AuthInfo {
                exec: Some(plugin(script, &more)),
                ..AuthInfo::default()
            };
            let ended = resolve(&mut auth, Duration::from_secs(20)).await;
            match expected {
                None => assert!(ended.is_ok() && auth.token.is_some(), "{ended:?}"),
                Some(part) => {
                    let said = ended.unwrap_err();
                    assert!(said.contains(part), "{said}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_a_login_gave_is_used_until_it_ends() {
        let ends = |when: &str| {
            format!(r#"echo '{{"status":{{"token":"t","expirationTimestamp":"{when}"}}}}'"#)
        };
        let always = json!({"interactiveMode": "Always"});
        for (when, used) in [
            ("2000-01-01T00:00:00Z", false),
            ("9000-01-01T00:00:00Z", true),
        ] {
            let exec = plugin(&ends(when), &always);
            log_in(&exec, Duration::from_secs(20)).await.unwrap();
            let resolved = async || {
                let mut auth = AuthInfo {
                    exec: Some(exec.clone()),
                    ..AuthInfo::default()
                };
                resolve(&mut auth, Duration::from_secs(20)).await
            };
            assert_eq!(resolved().await.is_ok(), used, "{when}");
            forget(&exec);
            assert!(resolved().await.is_err());
        }
    }

    #[test]
    fn a_login_is_found_again_and_is_for_no_other_cluster() {
        let entry = |variable: &str| {
            plugin(
                "x",
                &json!({"env": [{"name": "A", "value": variable}, {"name": "B", "value": "b"}]}),
            )
        };
        // Read anew each time, as the order of their fields differs from one to the next.
        let keys: std::collections::BTreeSet<String> = (0..20).map(|_| key(&entry("a"))).collect();
        assert_eq!(keys.len(), 1);
        assert!(!keys.contains(&key(&entry("other"))));
        let of = |server: &str, told: bool| {
            let mut exec = plugin("x", &json!({"provideClusterInfo": told}));
            exec.cluster = serde_json::from_value(json!({"server": server})).ok();
            assert!(exec.cluster.is_some());
            key(&exec)
        };
        assert_ne!(of("https://a", true), of("https://b", true));
        assert_eq!(of("https://a", false), of("https://b", false));
    }

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
