//! What a child `git` may see of the environment, and what it is told through it.
//!
//! A variable that this table does not name does not reach the child: a new one of Git's may redirect it.

use std::{env, ffi::OsString, path::PathBuf, process::Command};

/// Variables of Git's that are the user's own word and stay, with the reason.
const KEPT: [(&str, &str); 26] = [
    ("GIT_SSH", "the user's ssh, as in any shell"),
    ("GIT_SSH_COMMAND", "the same, with options"),
    ("GIT_SSH_VARIANT", "how that ssh is called"),
    ("GIT_ASKPASS", "the user's own way to be asked"),
    ("GIT_AUTHOR_NAME", "identity"),
    ("GIT_AUTHOR_EMAIL", "identity"),
    ("GIT_AUTHOR_DATE", "identity"),
    ("GIT_COMMITTER_NAME", "identity"),
    ("GIT_COMMITTER_EMAIL", "identity"),
    ("GIT_COMMITTER_DATE", "identity"),
    (
        "GIT_CONFIG_GLOBAL",
        "which file is the user's configuration",
    ),
    ("GIT_CONFIG_SYSTEM", "which file is the machine's"),
    ("GIT_CONFIG_NOSYSTEM", "that the machine's is left out"),
    (
        "GIT_CONFIG_PARAMETERS",
        "what `git -c KEY=VALUE` was given, where a Git alias started this",
    ),
    ("GIT_SSL_CAINFO", "certificates"),
    ("GIT_SSL_CAPATH", "certificates"),
    ("GIT_SSL_CERT", "certificates"),
    ("GIT_SSL_KEY", "certificates"),
    ("GIT_SSL_NO_VERIFY", "the user's own risk"),
    ("GIT_SSL_VERSION", "TLS"),
    ("GIT_SSL_CIPHER_LIST", "TLS"),
    ("GIT_HTTP_LOW_SPEED_LIMIT", "patience"),
    ("GIT_HTTP_LOW_SPEED_TIME", "patience"),
    ("GIT_HTTP_USER_AGENT", "a proxy may ask for it"),
    ("GIT_HTTP_PROXY_AUTHMETHOD", "a proxy may ask for it"),
    ("GIT_PROXY_SSL_CAINFO", "certificates of a proxy"),
];

/// The transports that a child may use in the user's own clone. A helper of the user's own (`codecommit::`) is allowed by
/// `GIT_ALLOW_PROTOCOL`, which is then as it is.
const OWN_TRANSPORTS: &str = "file:git:http:https:ssh";
/// And in a repository that a file of the team's names.
const OTHER_TRANSPORTS: &str = "file:http:https:ssh";

/// What a child is told beside its arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Configuration, in order; as `git -c KEY=VALUE`, but not to be seen in a list of processes.
    pub(super) config: Vec<(String, String)>,
    /// Variables of its environment, beside those that every child has.
    pub(super) variables: Vec<(String, String)>,
    /// The repository is another's: its configuration is not obeyed.
    pub(super) other: bool,
    /// Objects that a partial clone left out may be fetched.
    pub(super) fetch_missing: bool,
    /// The terminal, where it may ask there; it asks nobody otherwise, but by a window.
    pub(super) terminal: Option<PathBuf>,
}

/// Takes from a program that is not Git's own what would lead a `git` that it runs elsewhere.
pub fn keep_to_itself(command: &mut Command) {
    for (name, value) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with("GIT_") && !is_kept(text, &value) {
            command.env_remove(&name);
        }
    }
}

/// Gives `command` the environment of a child of ours.
pub(super) fn settle(command: &mut Command, told: &Told) {
    let mut count = 0;
    keep_to_itself(command);
    // Configuration of the user's own in the environment, as pipelines give tokens: it stays, and ours comes after it.
    if let Some(own) = env::var("GIT_CONFIG_COUNT")
        .ok()
        .and_then(|count| count.parse::<usize>().ok())
    {
        count = own.min(1000);
        for at in 0..count {
            for name in [
                format!("GIT_CONFIG_KEY_{at}"),
                format!("GIT_CONFIG_VALUE_{at}"),
            ] {
                if let Some(value) = env::var_os(&name) {
                    command.env(&name, value);
                }
            }
        }
    }
    for (key, value) in &told.config {
        command.env(format!("GIT_CONFIG_KEY_{count}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
        count += 1;
    }
    if count > 0 {
        command.env("GIT_CONFIG_COUNT", count.to_string());
    }
    for (name, value) in &told.variables {
        command.env(name, value);
    }
    let own = env::var_os("GIT_ALLOW_PROTOCOL").filter(|_| !told.other);
    let transports = if told.other {
        OTHER_TRANSPORTS
    } else {
        OWN_TRANSPORTS
    };
    command.env(
        "GIT_ALLOW_PROTOCOL",
        own.unwrap_or_else(|| transports.into()),
    );
    // Git would fetch what a partial clone lacks from within any command, by programs that its configuration names.
    if !told.fetch_missing {
        command.env("GIT_NO_LAZY_FETCH", "1");
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C");
    if let Some(terminal) = &told.terminal {
        // The agent asks there, whoever started it and where.
        command.env("GPG_TTY", terminal);
        return;
    }
    command
        .env("SSH_ASKPASS_REQUIRE", "force")
        // A prompt would come onto our screen.
        .env_remove("GPG_TTY");
    if env::var_os("SSH_ASKPASS").is_none() {
        command.env("SSH_ASKPASS", "false");
    }
}

fn is_kept(name: &str, value: &OsString) -> bool {
    // A trace into a file of its own is no trouble; one on standard error is taken for the child's words.
    let file = || value.to_str().is_some_and(|value| value.starts_with('/'));
    KEPT.iter().any(|(kept, _)| *kept == name) || name.starts_with("GIT_TRACE") && file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redirects_git_is_not_kept() {
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_NAMESPACE",
            "GIT_COMMON_DIR",
            "GIT_CONFIG",
            "GIT_CONFIG_COUNT",
            "GIT_EXTERNAL_DIFF",
            "GIT_EXEC_PATH",
            "GIT_TEMPLATE_DIR",
            "GIT_SHALLOW_FILE",
            "GIT_GRAFT_FILE",
            "GIT_QUARANTINE_PATH",
            "GIT_REPLACE_REF_BASE",
            "GIT_PROXY_COMMAND",
            "GIT_PAGER",
            "GIT_EDITOR",
            "GIT_ATTR_SOURCE",
            "GIT_PROTOCOL",
            "GIT_CURL_VERBOSE",
            "GIT_SOMETHING_NEW",
        ] {
            assert!(!is_kept(name, &"x".into()), "{name}");
        }
        for (name, value, kept) in [
            ("GIT_CONFIG_GLOBAL", "/x", true),
            ("GIT_SSH_COMMAND", "ssh -i x", true),
            ("GIT_TRACE2_EVENT", "/tmp/x", true),
            ("GIT_TRACE", "1", false),
            ("GIT_TRACE_CURL", "true", false),
        ] {
            assert_eq!(is_kept(name, &value.into()), kept, "{name}");
        }
    }
}
