//! Fetching through the user's `git`, and looking at the remote.

use std::{collections::BTreeSet, time::Duration};

use super::{Child, RanCommand, Repo, child::Output, lines::is_kept};
use crate::domain::{
    desired::Tip,
    failure::{Failure, FailureKind},
};
use crate::{
    domain::{ids::ObjectId, text::sanitise_lines},
    sources::children,
};

/// A remote that says nothing for so long is taken as not answering.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// The same for an operator who waits for the end.
const IMPATIENCE: Duration = Duration::from_secs(10);

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The branch as it is now.
    pub base: Tip,
    /// Its commit before.
    pub before: ObjectId,
    /// What ran; `None` in a repository without remotes, where the branch was read again.
    pub ran: Option<RanCommand>,
}

/// Fetches `base`'s branch from its remote and reads it again. Only the remote-tracking ref moves.
///
/// # Errors
/// `Network` with the server's words, `Unknown` when the branch is gone, `Program` without `git`.
pub async fn fetch(repo: &Repo, base: &Tip) -> Result<Fetched, Failure> {
    fetch_for(repo, base, |child| child).await
}

/// The same, to see what a push has left behind: also when what works was stopped.
pub(super) async fn fetch_to_look(repo: &Repo, base: &Tip) -> Result<Fetched, Failure> {
    fetch_for(repo, base, Child::looking).await
}

async fn fetch_for(repo: &Repo, base: &Tip, kind: fn(Child) -> Child) -> Result<Fetched, Failure> {
    let ran = match &base.remote {
        Some(remote) => Some(fetch_branch(repo, remote, base.branch(), kind).await?),
        None => None,
    };
    Ok(Fetched {
        base: repo.base_on(base.remote.as_deref(), base.branch())?,
        before: base.commit,
        ran,
    })
}

async fn fetch_branch(
    repo: &Repo,
    remote: &str,
    branch: &str,
    kind: fn(Child) -> Child,
) -> Result<RanCommand, Failure> {
    let tracking = repo.tracking_ref(remote, branch)?;
    let refspec = format!("+refs/heads/{branch}:{tracking}");
    let arguments = [
        "-c",
        "gc.auto=0",
        "-c",
        "maintenance.auto=false",
        "fetch",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--",
        remote,
        &refspec,
    ];
    let child = Child::new(repo, arguments).shown(format!("git fetch {remote} {branch}"));
    let output = patiently(kind(child), remote).await?;
    if output.status.success() {
        return Ok(output.ran);
    }
    let message = reported(&output.stderr);
    if message.contains("couldn't find remote ref") {
        return Err(Failure::new(
            FailureKind::Unknown,
            format!("{remote} has no branch `{branch}` any more"),
        )
        .hint("Set repository.branch in tidegate.toml"));
    }
    Err(unreachable(remote, &message))
}

/// Fetches what `lines` of one repository are read from: by `refspecs` where environments are refs, else the one branch.
/// Only remote-tracking refs move, and tags that are not here yet are added, as `git fetch` does. What the remote's tags are
/// is kept apart from those of the clone, and what it has no more goes there.
///
/// # Errors
/// `Network` with the server's words, `Program` without `git`.
pub async fn fetch_refs(
    repo: &Repo,
    remote: &str,
    refspecs: &[String],
) -> Result<Vec<RanCommand>, Failure> {
    let (kept, usual): (Vec<String>, Vec<String>) =
        refspecs.iter().cloned().partition(|it| is_kept(it));
    let mut ran = Vec::new();
    if !usual.is_empty() {
        ran.push(fetch_some(repo, remote, &[], &usual).await?);
    }
    if !kept.is_empty() {
        // Pruned by themselves: nothing of the clone's own is ever taken away.
        ran.push(fetch_some(repo, remote, &["--prune", "--no-tags"], &kept).await?);
        repo.tags_are_fetched();
    }
    Ok(ran)
}

async fn fetch_some(
    repo: &Repo,
    remote: &str,
    options: &[&str],
    refspecs: &[String],
) -> Result<RanCommand, Failure> {
    let mut arguments: Vec<String> = ["-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch"]
        .map(str::to_owned)
        .to_vec();
    let usual: [&str; 2] = ["--no-write-fetch-head", "--no-recurse-submodules"];
    let options = usual.iter().chain(options).copied().chain(["--", remote]);
    arguments.extend(options.map(str::to_owned));
    arguments.extend(refspecs.iter().cloned());
    let shown = format!("git fetch {remote} {}", refspecs.join(" "));
    let output = patiently(Child::new(repo, arguments).shown(shown), remote).await?;
    let message = reported(&output.stderr);
    // A tag that is another one here keeps its place: the rest was fetched all the same.
    if output.status.success() || message.contains("would clobber existing tag") {
        return Ok(output.ran);
    }
    let mut lines = message.lines();
    let gone = lines.find_map(|line| line.split_once("couldn't find remote ref "));
    if let Some((_, name)) = gone {
        let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
        return Err(Failure::new(
            FailureKind::Unknown,
            format!("{remote} has no branch `{branch}` any more"),
        )
        .hint(format!(
            "`git fetch --prune {remote}` forgets it here too; where its environment goes on, push the branch again, or \
             look at `refs` of its layout"
        )));
    }
    Err(unreachable(remote, &message))
}

/// The object of a ref (by its full name) on the remote itself, asked now; `None`: there is no such ref.
///
/// # Errors
/// `Network` when the remote does not answer.
pub(super) async fn look(
    repo: &Repo,
    remote: &str,
    name: &str,
) -> Result<(Option<ObjectId>, RanCommand), Failure> {
    let child = Child::new(repo, ["ls-remote", "--refs", "--", remote, name]).looking();
    let output = patiently(child, remote).await?;
    if !output.status.success() {
        return Err(unreachable(remote, &reported(&output.stderr)));
    }
    Ok((listed(&output.stdout, name), output.ran))
}

/// The object of a ref in what `git ls-remote` lists.
pub(super) fn listed(text: &str, name: &str) -> Option<ObjectId> {
    text.lines().find_map(|line| {
        let (id, found) = line.split_once('\t')?;
        (found == name).then(|| id.parse().ok())?
    })
}

/// What a remote has, asked now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnServer {
    /// The branch that its HEAD names; `None` where it names none (an empty or a detached one).
    pub default: Option<String>,
    /// Those of the refs that were asked for, by their full names, that it has.
    pub refs: BTreeSet<String>,
}

/// Asks a remote for its default branch and for refs, by their full names.
///
/// # Errors
/// `Network` when the remote does not answer.
pub async fn on_server(repo: &Repo, remote: &str, refs: &[&str]) -> Result<OnServer, Failure> {
    let asked = ["ls-remote", "--symref", "--", remote, "HEAD"];
    let child = Child::new(repo, asked.iter().chain(refs).copied());
    let output = patiently(child, remote).await?;
    if !output.status.success() {
        return Err(unreachable(remote, &reported(&output.stderr)));
    }
    let mut found = OnServer::default();
    for line in output.stdout.lines() {
        match line.split_once('\t') {
            Some((target, "HEAD")) => {
                let branch = target.strip_prefix("ref: refs/heads/");
                found.default = found.default.or(branch.map(str::to_owned));
            }
            // A pattern matches the end of other names too.
            Some((_, name)) if refs.contains(&name) => {
                found.refs.insert(name.to_owned());
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Makes `branch`, fetched, the one that is read by default.
///
/// # Errors
/// `Network` when the remote does not answer, `Program` without `git`.
pub async fn follow_default(repo: &Repo, remote: &str, branch: &str) -> Result<(), Failure> {
    fetch_branch(repo, remote, branch, |child| child).await?;
    let child = Child::new(repo, ["remote", "set-head", remote, branch]);
    let output = patiently(child, remote).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(unreachable(remote, &reported(&output.stderr)))
}

/// Runs a child that talks to `remote`, but not for ever.
pub(super) async fn patiently(child: Child, remote: &str) -> Result<Output, Failure> {
    let patience = if children::interrupted() {
        IMPATIENCE
    } else {
        PATIENCE
    };
    patiently_for(patience, child, remote).await
}

/// The same for as long as is said.
pub(super) async fn patiently_for(
    patience: Duration,
    child: Child,
    remote: &str,
) -> Result<Output, Failure> {
    match tokio::time::timeout(patience, child.run()).await {
        Ok(output) => output,
        Err(_) => Err(silent(remote, patience)),
    }
}

/// The error of a remote that said nothing for so long.
pub(super) fn silent(remote: &str, patience: Duration) -> Failure {
    Failure::new(
        FailureKind::Network,
        format!("{remote} did not answer within {} s", patience.as_secs()),
    )
    .hint("Check the connection, and that Git can reach the remote: git ls-remote")
}

/// What `git` and the server said, safe to show, without Git's own advice.
pub(super) fn reported(stderr: &str) -> String {
    let text = sanitise_lines(stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("remote:").unwrap_or(line).trim())
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    lines.join("\n")
}

/// What the server said in it, one line each: not Git on this side, and not a hook of this clone.
pub(super) fn heard(stderr: &str) -> String {
    let text = sanitise_lines(stderr);
    let server = |line: &str| line.starts_with("remote:");
    if !text.lines().any(server) {
        return String::new();
    }
    // How much of it was left out is said between its lines.
    let cut = |line: &&str| line.starts_with("… ") && line.ends_with(" left out …");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("remote:").or(Some(line).filter(cut)));
    let lines: Vec<&str> = lines
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// Words in one line; never empty, as a failure without a reason reads like one that was forgotten.
pub(super) fn in_a_line(message: &str) -> String {
    match message.trim() {
        "" => "Git ended without a word of why".to_owned(),
        message => message.replace('\n', "; "),
    }
}

/// The error of a remote that did not give what was asked for, with its words.
pub(super) fn unreachable(remote: &str, message: &str) -> Failure {
    let hint = if is_denied(message) {
        "Tidegate uses Git's own credentials: sign in so that `git fetch` works without asking \
         (an ssh agent, a credential helper)"
    } else if is_untrusted(message) {
        "Have the server's certificate renewed or mended, and look at this machine's clock. If an authority of your own signed \
         it, name that to Git: git config --global http.sslCAInfo FILE"
    } else {
        "Check the connection, and that Git can reach the remote: git ls-remote"
    };
    Failure::new(
        FailureKind::Network,
        format!("cannot fetch from {remote}: {}", in_a_line(message)),
    )
    .hint(hint)
}

/// Whether the words mean that this identity may not, rather than that nobody answered.
pub(super) fn is_denied(message: &str) -> bool {
    const MARKS: [&str; 11] = [
        "permission denied",
        "authentication failed",
        "could not read username",
        "could not read password",
        "access denied",
        "denied to",
        "not allowed to push code to this project",
        "permission denied for writing",
        "write access to repository not granted",
        "host key verification failed",
        "read-only",
    ];
    let message = message.to_ascii_lowercase();
    // `The requested URL returned error: 403`; a port or a commit may have these digits too.
    let mut words = message.split_whitespace();
    let forbidden = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()) == "403";
    words.any(forbidden) || MARKS.iter().any(|mark| message.contains(mark))
}

/// Whether the words of a push mean that nothing was sent: no repository answered where it leads.
pub(super) fn is_unreached(message: &str) -> bool {
    const MARKS: [&str; 9] = [
        "does not appear to be a git repository",
        "could not resolve host",
        "no such host",
        "name or service not known",
        "connection refused",
        "no route to host",
        "failed to connect",
        "couldn't connect to server",
        "repository not found",
    ];
    let message = message.to_ascii_lowercase();
    MARKS.iter().any(|mark| message.contains(mark))
        // `fatal: repository 'https://…' not found`
        || message.lines().any(|line| line.contains("repository '") && line.ends_with("not found"))
}

/// Whether the words mean that the server's certificate is not taken: curl's, over each library of TLS that it is built with.
fn is_untrusted(message: &str) -> bool {
    const MARKS: [&str; 4] = [
        // OpenSSL, Secure Transport.
        "ssl certificate problem",
        "ssl: no alternative certificate subject name",
        // GnuTLS.
        "certificate verification failed",
        "certificate subject name",
    ];
    let message = message.to_ascii_lowercase();
    MARKS.iter().any(|mark| message.contains(mark))
        // Schannel says which of its codes it is.
        || message.contains("schannel") && message.contains("cert")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_taken_is_told_from_a_server_that_is_away() {
        let cases = [
            ("SSL certificate problem: self-signed certificate", true),
            ("SSL certificate problem: certificate has expired", true),
            (
                "SSL: no alternative certificate subject name matches target host name 'h'",
                true,
            ),
            (
                "server certificate verification failed. CAfile: none CRLfile: none",
                true,
            ),
            (
                "SSL: certificate subject name (a) does not match target host name 'h'",
                true,
            ),
            (
                "schannel: SEC_E_UNTRUSTED_ROOT (0x80090325) - The certificate chain was issued by an authority that is not trusted.",
                true,
            ),
            ("Could not resolve host: h", false),
            ("Failed to connect to h port 443: Connection refused", false),
        ];
        for (message, expected) in cases {
            let error = unreachable(
                "origin",
                &format!("fatal: unable to access 'https://h/': {message}"),
            );
            let hinted = error.to_string().contains("http.sslCAInfo");
            assert_eq!(hinted, expected, "{error}");
        }
    }

    #[test]
    fn a_push_that_reached_nobody_is_told_from_one_that_was_cut_off() {
        let cases = [
            (
                "fatal: 'no_push' does not appear to be a git repository",
                true,
            ),
            ("fatal: repository 'https://h/x.git/' not found", true),
            (
                "ssh: Could not resolve hostname h: Name or service not known",
                true,
            ),
            (
                "fatal: unable to access 'https://h/': Failed to connect to h port 443",
                true,
            ),
            (
                "error: RPC failed; curl 56 Recv failure: Connection reset by peer",
                false,
            ),
            ("fatal: the remote end hung up unexpectedly", false),
            (
                "send-pack: unexpected disconnect while reading sideband packet",
                false,
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(is_unreached(message), expected, "{message}");
        }
    }

    #[test]
    fn digits_of_an_address_deny_nobody() {
        let cases = [
            (
                "fatal: unable to access 'https://127.0.0.1:40385/r/': certificate verification failed",
                false,
            ),
            (
                "fatal: unable to access 'https://h/r/': The requested URL returned error: 403",
                true,
            ),
            ("remote: HTTP 403, ask the owner", true),
            ("error: object 4034a17 is missing", false),
        ];
        for (message, expected) in cases {
            assert_eq!(is_denied(message), expected, "{message}");
        }
    }

    #[test]
    fn a_failure_without_words_says_so() {
        for message in ["", " \n"] {
            let error = unreachable("origin", message).to_string();
            assert!(error.contains("origin: Git ended without"), "{error}");
        }
        let error = unreachable("origin", "fatal: a\nfatal: b").to_string();
        assert!(error.contains("origin: fatal: a; fatal: b."), "{error}");
    }
}
