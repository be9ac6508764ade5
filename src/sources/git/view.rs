//! A repository that is not the user's own choice, seen through a git directory of ours.
//!
//! The view has links to the other's objects and refs, and a configuration that holds only those of its keys that name
//! data: formats, remotes, branches, an identity. Whatever may name a program, a proxy or another file is not in it, whether
//! we know the key or not; nor are hooks and attributes. Neither libgit2 nor a child `git` ever reads the other's own
//! configuration.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{discover::Found, environment};
use crate::{
    domain::{
        address::Address,
        failure::{Failure, FailureKind},
        hash,
    },
    sources::{
        children::{self, Keep, Kind, Limits},
        files::{self, Links},
    },
};

/// A configuration lists no more than so many bytes, of which a word of Git's says what is wrong in fewer, and soon.
const ENTRIES: usize = 4 << 20;
const WORDS: usize = 16 << 10;
const DEADLINE: Duration = Duration::from_secs(30);

/// What of the other is linked to: data that Git reads and writes. Not `hooks`, not `info/attributes`, not `worktrees`.
const LINKED: [&str; 5] = ["objects", "refs", "packed-refs", "logs", "shallow"];

/// The keys that are taken over, by `section.name`; for those with a part in between, `section.*.name`.
const TAKEN: [&str; 38] = [
    "core.repositoryformatversion",
    "core.bare",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.sharedrepository",
    "core.logallrefupdates",
    "core.compression",
    "extensions.objectformat",
    "extensions.refstorage",
    "extensions.partialclone",
    "extensions.noop",
    "extensions.preciousobjects",
    "remote.*.url",
    "remote.*.pushurl",
    "remote.*.fetch",
    "remote.*.push",
    "remote.*.promisor",
    "remote.*.partialclonefilter",
    "remote.*.tagopt",
    "remote.*.prune",
    "branch.*.remote",
    "branch.*.merge",
    "branch.*.pushremote",
    "remote.pushdefault",
    "user.name",
    "user.email",
    "user.useconfigonly",
    "author.name",
    "author.email",
    "committer.name",
    "committer.email",
    "commit.gpgsign",
    "tag.gpgsign",
    "tag.forcesignannotated",
    "format.signoff",
    "fetch.prune",
    "http.*.extraheader",
];

/// What a repository says of itself, read once from two files: what is consented to is what is obeyed afterwards.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) found: Found,
    head: Vec<u8>,
    /// Of its configuration, what is taken over.
    config: String,
}

impl Seen {
    /// Reads `HEAD` and the configuration of `found` as text; nothing else of it is opened.
    ///
    /// # Errors
    /// `Other` where they cannot be read, `Program` without `git`.
    pub(super) fn of(found: Found) -> Result<Self, Failure> {
        let unreadable =
            |error: files::FileError| Failure::new(FailureKind::Other, error.to_string());
        let read = |path: PathBuf| {
            files::read(&path, Links::Refused, files::CONFIGURATION).map_err(unreadable)
        };
        let written = read(found.common.join("config"))?.unwrap_or_default();
        let head = read(found.git.join("HEAD"))?.unwrap_or_default();
        let config = text(&entries(&written)?, &found.root);
        Ok(Self {
            found,
            head,
            config,
        })
    }

    /// Makes its view below `folder`, or brings it up to date. The view's path.
    ///
    /// # Errors
    /// `Owner`, `Refused` where the view cannot be written.
    pub(super) fn keep(&self, folder: &Path) -> Result<PathBuf, Failure> {
        let view = folder.join(name(&self.found.git));
        let refused = |error: std::io::Error| refused(&view, &error);
        fs::create_dir_all(&view).map_err(refused)?;
        fs::set_permissions(&view, fs::Permissions::from_mode(0o700)).map_err(refused)?;
        owned(&self.found, &view)?;
        for name in LINKED {
            link(&self.found.common.join(name), &view.join(name)).map_err(refused)?;
        }
        self.put(&view)?;
        Ok(view)
    }

    /// Makes a git directory in `folder` that has its configuration and nothing to read: who asks it where remotes are, opens
    /// nothing of the repository.
    ///
    /// # Errors
    /// `Refused` where it cannot be written.
    pub(super) fn sketch(&self, folder: &Path) -> Result<(), Failure> {
        for name in ["objects", "refs"] {
            fs::create_dir_all(folder.join(name)).map_err(|error| refused(folder, &error))?;
        }
        self.put(folder)
    }

    fn put(&self, folder: &Path) -> Result<(), Failure> {
        put(folder, "HEAD", &self.head)
            .and_then(|()| put(folder, "config", self.config.as_bytes()))
            .map_err(|error| refused(folder, &error))
    }
}

fn refused(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        FailureKind::Refused,
        format!("cannot write {}: {error}", folder.display()),
    )
    .hint("Other repositories are read through links that are kept there; set TIDEGATE_STATE_DIR to another folder")
}

/// The folder of one repository's view.
fn name(git: &Path) -> String {
    let hash = hash::of([git.as_os_str().as_encoded_bytes()]);
    let last = git.iter().rev().find(|part| *part != OsStr::new(".git"));
    let last = last.unwrap_or_default().to_string_lossy();
    format!("{}-{}", last.trim_end_matches(".git"), &hash[..16])
}

/// Refuses what belongs to another user, as Git does: `safe.directory` of the user's own configuration lifts it.
fn owned(found: &Found, view: &Path) -> Result<(), Failure> {
    let owner = |path: &Path| fs::metadata(path).map(|data| data.uid()).ok();
    // What was just made is this user's.
    let own = owner(view);
    let invoker = std::env::var("SUDO_UID")
        .ok()
        .and_then(|id| id.parse().ok());
    let good = |path: &Path| {
        let it = owner(path);
        it == own || own == Some(0) && it.is_some() && it == invoker
    };
    if [&found.git, &found.common, &found.root]
        .into_iter()
        .all(|path| good(path))
    {
        return Ok(());
    }
    let mut allowed = false;
    if let Ok(config) = git2::Config::open_default()
        && let Ok(entries) = config.multivar("safe.directory", None)
    {
        let _ = entries.for_each(|entry| match entry.value() {
            Ok("") => allowed = false,
            Ok("*") => allowed = true,
            Ok(value) => {
                let value = Path::new(value);
                allowed |= value == found.root || value == found.git;
                allowed |= value.file_name() == Some(OsStr::new("*"))
                    && value
                        .parent()
                        .is_some_and(|above| found.root.starts_with(above));
            }
            Err(_) => {}
        });
    }
    if allowed {
        Ok(())
    } else {
        Err(Failure::owner(&found.root))
    }
}

/// Keys and values of a configuration file's text, as Git reads it; files that it includes are not looked at.
fn entries(text: &[u8]) -> Result<Vec<(String, String)>, Failure> {
    let mut command = Command::new("git");
    environment::settle(
        &mut command,
        &environment::Told {
            other: true,
            ..Default::default()
        },
    );
    command
        .args(["config", "--file", "-", "--no-includes", "--null", "--list"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let limits = Limits {
        kind: Kind::Look,
        stdout: Keep::Whole(ENTRIES),
        stderr: Keep::Ends(WORDS),
        deadline: DEADLINE,
        patience: None,
        terminal: false,
    };
    let said = children::run(&mut command, &limits, Some(text.to_vec()), &mut |_| {});
    let output = said.map_err(super::child::stopped)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::new(
            FailureKind::Other,
            format!("its configuration cannot be read: {message}"),
        )
        .hint("Mend the file `config` of that repository"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let entries = text.split('\0').filter(|entry| !entry.is_empty());
    Ok(entries
        .map(|entry| {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            (key.to_owned(), value.to_owned())
        })
        .collect())
}

/// Whether a key names data alone. Section and last part are in lower case, as Git gives them.
fn is_taken(key: &str) -> bool {
    let (Some(first), Some(last)) = (key.find('.'), key.rfind('.')) else {
        return false;
    };
    let general = if first == last {
        key.to_owned()
    } else {
        format!("{}.*.{}", &key[..first], &key[last + 1..])
    };
    TAKEN.contains(&general.as_str())
}

/// The configuration of the view.
fn text(entries: &[(String, String)], root: &Path) -> String {
    let mut text = String::new();
    for (key, value) in entries.iter().filter(|(key, _)| is_taken(key)) {
        let (Some(first), Some(last)) = (key.find('.'), key.rfind('.')) else {
            continue;
        };
        let section = &key[..first];
        if first == last {
            text.extend(["[", section, "]\n"]);
        } else {
            let middle = key[first + 1..last]
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            text.extend(["[", section, " \"", &middle, "\"]\n"]);
        }
        let name = &key[last + 1..];
        let value = if section == "remote" && matches!(name, "url" | "pushurl") {
            from_root(value, root)
        } else {
            value.clone()
        };
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
            .replace('\t', "\\t");
        text.extend(["\t", name, " = \"", &value, "\"\n"]);
    }
    text
}

/// A remote that is a path is relative to the work tree; the view is elsewhere.
fn from_root(url: &str, root: &Path) -> String {
    if Address::is_meant(url)
        || Address::parse(url).is_ok()
        || url.starts_with('/')
        || url.contains("::")
    {
        return url.to_owned();
    }
    root.join(url).to_string_lossy().into_owned()
}

/// A link that leads to `to`, in place of anything else; none where there is nothing.
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    let there = fs::symlink_metadata(to).is_ok();
    if there && fs::read_link(at).is_ok_and(|known| known == to) {
        return Ok(());
    }
    if fs::symlink_metadata(at).is_ok() {
        fs::remove_file(at).or_else(|_| fs::remove_dir_all(at))?;
    }
    if !there {
        return Ok(());
    }
    match symlink(to, at) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Replaces a file where it says something else, for this user alone.
fn put(view: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = view.join(name);
    if files::read(&path, Links::Refused, files::CONFIGURATION)
        .is_ok_and(|known| known.as_deref() == Some(bytes))
    {
        return Ok(());
    }
    let mut file = tempfile::NamedTempFile::new_in(view)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_keeps_only_what_names_data() {
        let written = br#"
[core]
	repositoryformatversion = 0
	bare = true
	sshCommand = touch PWNED
	fsmonitor = touch PWNED
	hooksPath = hooks
	askPass = touch PWNED
	gitProxy = touch PWNED
	editor = touch PWNED
	pager = touch PWNED
	attributesFile = x
	worktree = /
	alternateRefsCommand = touch PWNED
[remote "origin"]
	url = ../up.git
	url = https://h/a
	fetch = +refs/heads/*:refs/remotes/origin/*
	uploadpack = touch PWNED
	receivepack = touch PWNED
	vcs = x
	proxy = http://127.0.0.1:1
	promisor = true
[remote "a \"b\" \\ c"]
	url = "with \"quotes\" # and \\"
[credential]
	helper = !touch PWNED
[credential "https://h"]
	helper = !touch PWNED
[url "ext::sh -c touch% PWNED"]
	insteadOf = https://
	pushInsteadOf = https://
[gpg]
	program = touch PWNED
[gpg "ssh"]
	program = touch PWNED
	defaultKeyCommand = touch PWNED
[protocol "ext"]
	allow = always
[protocol]
	allow = always
[include]
	path = /dev/zero
[includeIf "gitdir:/"]
	path = more
[filter "x"]
	clean = touch PWNED
	process = touch PWNED
[http]
	proxy = http://127.0.0.1:1
	sslVerify = false
	extraHeader = x
[http "https://h"]
	extraHeader = AUTHORIZATION: basic x
	sslCert = x
[uploadpack]
	packObjectsHook = touch PWNED
[alias]
	fetch = !touch PWNED
[extensions]
	worktreeConfig = true
	partialClone = origin
[user]
	name = Jane
	signingKey = x
[safe]
	directory = *
[something]
	new = touch PWNED
"#;
        let entries = entries(written).unwrap();
        let text = text(&entries, Path::new("/root"));
        for gone in [
            "PWNED",
            "include",
            "proxy",
            "sslVerify",
            "worktree",
            "hooks",
            "attributes",
            "safe",
            "vcs",
            "signing",
            "sslcert",
        ] {
            assert!(
                !text.to_lowercase().contains(&gone.to_lowercase()),
                "{gone}:\n{text}"
            );
        }
        let again = super::entries(text.as_bytes()).unwrap();
        let get = |key: &str| -> Vec<&str> {
            again
                .iter()
                .filter(|(known, _)| known == key)
                .map(|(_, value)| value.as_str())
                .collect()
        };
        assert_eq!(get("core.bare"), ["true"]);
        assert_eq!(get("remote.origin.url"), ["/root/../up.git", "https://h/a"]);
        assert_eq!(
            get("remote.a \"b\" \\ c.url"),
            ["/root/with \"quotes\" # and \\"]
        );
        assert_eq!(get("extensions.partialclone"), ["origin"]);
        assert_eq!(get("user.name"), ["Jane"]);
        assert_eq!(
            get("http.https://h.extraheader"),
            ["AUTHORIZATION: basic x"]
        );
        for (key, _) in &again {
            assert!(is_taken(key), "{key}");
        }
    }
}
