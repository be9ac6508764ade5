//! What `git push --porcelain` and the server behind it say, read without a network.

use super::transport::{heard, is_denied, reported};
use crate::domain::delivery::Rejection;

/// The status of one ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefStatus {
    /// The address it is of, as Git names it behind `To`, without credentials.
    pub(super) address: String,
    /// `!` refused, `=` there already, others done.
    pub(super) flag: char,
    /// The ref on the remote.
    pub(super) to: String,
    /// `[rejected]`, `[remote rejected]`, `[new branch]`, `a..b`.
    pub(super) summary: String,
    /// What stands in parentheses.
    pub(super) reason: String,
}

impl RefStatus {
    /// The statuses in a push's standard output: `FLAG TAB FROM:TO TAB SUMMARY (REASON)`.
    pub(super) fn read(stdout: &str) -> Vec<Self> {
        let mut address = String::new();
        stdout
            .lines()
            .filter_map(|line| {
                if let Some(to) = line.strip_prefix("To ") {
                    to.clone_into(&mut address);
                    return None;
                }
                let mut fields = line.splitn(3, '\t');
                let flag = fields.next()?;
                let flag = flag.chars().next().filter(|_| flag.chars().count() == 1)?;
                let to = fields.next()?.rsplit_once(':')?.1.to_owned();
                let rest = fields.next()?;
                let (summary, reason) = match rest.split_once(" (") {
                    Some((summary, reason)) => {
                        (summary, reason.strip_suffix(')').unwrap_or(reason))
                    }
                    None => (rest, ""),
                };
                Some(Self {
                    address: address.clone(),
                    flag,
                    to,
                    summary: summary.trim().to_owned(),
                    reason: reason.to_owned(),
                })
            })
            .collect()
    }

    /// Why it was refused, in Git's own words.
    pub(super) fn cause(&self) -> &str {
        if self.reason.is_empty() {
            &self.summary
        } else {
            &self.reason
        }
    }

    /// Whether it says that the remote's ref is not where it was expected.
    pub(super) fn is_stale(&self) -> bool {
        const MARKS: [&str; 9] = [
            "stale info",
            "fetch first",
            "non-fast-forward",
            "needs force",
            "cannot lock ref",
            "failed to update ref",
            "incorrect old value",
            "remote ref updated since checkout",
            "reference already exists",
        ];
        self.flag == '!' && MARKS.iter().any(|mark| self.reason.contains(mark))
    }

    /// Whether the remote took the objects and then fell silent.
    pub(super) fn is_unclear(&self) -> bool {
        self.flag == '!' && self.summary == "[remote failure]"
    }
}

impl Rejection {
    /// Reads a refusal with the per-ref `status` from a push's standard error.
    pub(super) fn read(status: &str, stderr: &str) -> Self {
        let all: String = reported(stderr)
            .lines()
            .filter(|line| {
                !line.starts_with("error: failed to push some refs")
                    && !line.starts_with("To ")
                    && *line != "Done"
            })
            .collect::<Vec<_>>()
            .join("\n");
        let server = heard(stderr);
        let here = server.is_empty();
        Self {
            status: status.to_owned(),
            protected: is_protected(status) || is_protected(&all),
            denied: is_denied(&all),
            message: if here { all } else { server },
            here,
        }
    }
}

/// The wordings of forges for a branch that takes no direct pushes.
fn is_protected(message: &str) -> bool {
    const MARKS: [&str; 11] = [
        "gh006",            // GitHub, protected branch
        "gh013",            // GitHub, ruleset
        "protected branch", // GitHub, GitLab, Gitea, Forgejo
        "changes must be made through a pull request",
        "modified through pull requests", // Bitbucket
        "must use a pull request",        // Azure DevOps
        "tf402455",                       // Azure DevOps
        "branch is protected",
        "prohibited by gerrit",
        "protected from direct push",
        "pushing to this branch is not allowed",
    ];
    let message = message.to_ascii_lowercase();
    MARKS.iter().any(|mark| message.contains(mark))
}

/// The address in a forge's words that opens a pull request.
pub(super) fn link(message: &str) -> Option<String> {
    const MARKS: [&str; 5] = [
        "/pull/new/",
        "/merge_requests/new",
        "/compare/",
        "/pull-requests/new",
        "/pullrequestcreate",
    ];
    let links = || {
        message
            .split_whitespace()
            .filter(|word| word.starts_with("https://") || word.starts_with("http://"))
            .map(|word| word.trim_end_matches(['.', ',', ')', '\'', '"']))
    };
    links()
        .find(|link| MARKS.iter().any(|mark| link.contains(mark)))
        .or_else(|| links().next())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_per_ref_statuses() {
        let cases = [
            (" \tabc:refs/heads/main\t1234567..abcdef0", ' ', "", false),
            ("*\tabc:refs/heads/x\t[new branch]", '*', "", false),
            ("=\tabc:refs/heads/main\t[up to date]", '=', "", false),
            (
                "!\tabc:refs/heads/main\t[rejected] (stale info)",
                '!',
                "stale info",
                true,
            ),
            (
                "!\tabc:refs/heads/main\t[rejected] (fetch first)",
                '!',
                "fetch first",
                true,
            ),
            (
                "!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)",
                '!',
                "pre-receive hook declined",
                false,
            ),
            (
                "!\tabc:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)",
                '!',
                "cannot lock ref 'refs/heads/main': is at 1 but expected 2",
                true,
            ),
        ];
        for (line, flag, reason, stale) in cases {
            let text = format!("To https://example.com/x\n{line}\nDone\n");
            let found = RefStatus::read(&text);
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(
                (found[0].flag, found[0].reason.as_str()),
                (flag, reason),
                "{line}"
            );
            assert_eq!(found[0].is_stale(), stale, "{line}");
        }
        let two = RefStatus::read(
            "To ../a.git\n*\tx:refs/heads/m\t[new branch]\nTo ../b.git\n!\tx:refs/heads/m\t[rejected] (stale info)\nDone\n",
        );
        let two: Vec<_> = two.iter().map(|s| (&*s.address, s.cause())).collect();
        assert_eq!(
            two,
            [("../a.git", "[new branch]"), ("../b.git", "stale info")]
        );
        assert!(
            RefStatus::read("!\ta:refs/heads/m\t[remote failure] (remote failed to report status)")
                [0]
            .is_unclear()
        );
    }

    #[test]
    fn tells_a_protected_branch_from_a_hook_and_from_no_access() {
        let cases = [
            (
                "protected branch hook declined",
                "remote: error: GH006: Protected branch update failed for refs/heads/main.        \nremote: error: Changes must be made through a pull request.\n",
                (true, false),
            ),
            (
                "push declined due to repository rule violations",
                "remote: error: GH013: Repository rule violations found for refs/heads/main.\n",
                (true, false),
            ),
            (
                "pre-receive hook declined",
                "remote: GitLab: You are not allowed to push code to protected branches on this project.\n",
                (true, false),
            ),
            (
                "pre-receive hook declined",
                "remote: Gitea: Not allowed to push to protected branch main\n",
                (true, false),
            ),
            (
                "pre-receive hook declined",
                "remote: Branch refs/heads/main can only be modified through pull requests.\n",
                (true, false),
            ),
            (
                "pre-receive hook declined",
                "remote: policy: version 9 is not signed\n",
                (false, false),
            ),
            (
                "",
                "remote: Permission to acme/deploy.git denied to jane.\nfatal: unable to access 'https://x/': The requested URL returned error: 403\n",
                (false, true),
            ),
        ];
        for (status, stderr, expected) in cases {
            let found = Rejection::read(status, stderr);
            assert_eq!((found.protected, found.denied), expected, "{stderr}");
            assert!(!found.message.contains("remote:"), "{}", found.message);
            assert!(!found.here, "{stderr}");
        }
    }

    #[test]
    fn words_of_this_side_are_told_from_the_servers() {
        // (standard error, the words that are kept, whether they are this side's)
        let cases = [
            (
                "run make lint first\nerror: failed to push some refs to 'x'\n",
                "run make lint first",
                true,
            ),
            (
                "fatal: 'x' does not appear to be a git repository\n",
                "fatal: 'x' does not appear to be a git repository",
                true,
            ),
            (
                "lint: fine\nremote: no pushes today\nerror: failed to push some refs\n",
                "no pushes today",
                false,
            ),
            ("", "", true),
        ];
        for (stderr, words, here) in cases {
            let found = Rejection::read("refused", stderr);
            assert_eq!(
                (found.message.as_str(), found.here),
                (words, here),
                "{stderr}"
            );
        }
    }

    #[test]
    fn finds_the_link_that_opens_a_pull_request() {
        let cases = [
            (
                "Create a pull request for 'x' on GitHub by visiting:\n     https://github.com/a/b/pull/new/x",
                Some("https://github.com/a/b/pull/new/x"),
            ),
            (
                "See https://status.example.com.\nTo create a merge request for x, visit:\n  https://gitlab.com/a/b/-/merge_requests/new?merge_request%5Bsource_branch%5D=x",
                Some(
                    "https://gitlab.com/a/b/-/merge_requests/new?merge_request%5Bsource_branch%5D=x",
                ),
            ),
            (
                "Create a new pull request for 'x':\n  http://localhost:3000/a/b/compare/main...x",
                Some("http://localhost:3000/a/b/compare/main...x"),
            ),
            ("Processed 1 references in total", None),
        ];
        for (message, expected) in cases {
            assert_eq!(link(message).as_deref(), expected);
        }
    }
}
