//! The name of the repository that a reference to a remote base points to.
//!
//! The forms are those that Kustomize takes (a URL, `host/owner/repo/path`, what `git` takes for `ssh`, `git::` before any of
//! them) and those that forges give out. Where the path inside the repository begins is said, in this order, by
//!
//! | mark | as in |
//! | --- | --- |
//! | `_git/` | Azure: the segment behind it is the repository |
//! | a segment that ends in `.git` | any host, groups of any depth; a host that ends so is none |
//! | `//` | `git::` and Terraform's form |
//! | `/-/` | GitLab's pages |
//! | `repos/NAME` behind `projects/KEY`, `users/NAME` or `v1` | Bitbucket Server's pages, AWS `CodeCommit` |
//! | `v3/ORGANISATION/PROJECT/NAME` | Azure over `ssh` |
//! | none of them | the second segment behind the host, as forges have owner and repository |

use std::borrow::Cow;

/// The repository's name, as people say it: without `.git`, and decoded where the URL escapes something.
pub(super) fn repository(reference: &str) -> Cow<'_, str> {
    let address = reference.split(['?', '#']).next().unwrap_or_default();
    let address = strip(address, "git::").unwrap_or(address);
    let (local, path) = path_of(address);
    let (path, marked) = match path.find("//") {
        Some(at) => (&path[..at], true),
        None => (path, false),
    };
    let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let name = named(&segments)
        .or_else(|| {
            (marked || local)
                .then(|| segments.last().copied())
                .flatten()
        })
        .or_else(|| segments.get(1).or(segments.last()).copied())
        .unwrap_or(address);
    decoded(bare(name))
}

/// What stands behind the host, and whether it has none: then it is a path of this machine.
fn path_of(address: &str) -> (bool, &str) {
    if let Some((scheme, rest)) = address.split_once("://") {
        // User, password and port belong to the host, whatever characters are in them.
        let local = scheme.eq_ignore_ascii_case("file");
        return (local, rest.split_once('/').map_or("", |(_, path)| path));
    }
    if address.starts_with(['/', '.']) {
        return (true, address.trim_start_matches(['/', '.']));
    }
    if let Some(path) = strip(address, "gh:") {
        return (false, path);
    }
    let host = address.find([':', '/']).unwrap_or(address.len());
    let Some(path) = address.get(host + 1..) else {
        return (true, address);
    };
    // Kustomize and people write a port behind the host of `git@host:…` too.
    let port = path.split_once('/').filter(|(port, _)| {
        address[host..].starts_with(':')
            && !port.is_empty()
            && port.bytes().all(|b| b.is_ascii_digit())
    });
    (false, port.map_or(path, |(_, path)| path))
}

/// The segment that some mark tells.
fn named<'s>(segments: &[&'s str]) -> Option<&'s str> {
    let at = |wanted: &str| segments.iter().position(|segment| *segment == wanted);
    if let Some(name) = at("_git").and_then(|git| segments.get(git + 1)) {
        return Some(name);
    }
    if let Some(name) = segments.iter().find(|name| bare(name).len() < name.len()) {
        return Some(name);
    }
    if let Some(name) = at("-").and_then(|mark| segments.get(mark.checked_sub(1)?)) {
        return Some(name);
    }
    match segments {
        ["projects" | "users", _, "repos", name, ..]
        | ["v1", "repos", name, ..]
        | ["v3", _, _, name, ..] => Some(name),
        _ => None,
    }
}

/// Without the `.git` behind it.
fn bare(name: &str) -> &str {
    let end = name.len().saturating_sub(4);
    match name.get(end..) {
        Some(suffix) if end > 0 && suffix.eq_ignore_ascii_case(".git") => &name[..end],
        _ => name,
    }
}

/// `text` without a prefix in upper or lower case.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// With `%20` and the like as what they stand for, where that is text that a name can have.
fn decoded(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return name.into();
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(value) = value.filter(|_| *first == b'%') {
            bytes.push(value);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found_on_every_host_and_in_every_form() {
        let cases = [
            ("two segments", "https://github.com/o/r?ref=v1", "r"),
            ("a path behind", "https://github.com/o/r/a/b?ref=v1", "r"),
            ("no scheme", "github.com/o/r/a?ref=v1", "r"),
            ("no scheme, marked", "github.com/o/r//a/b?ref=v1", "r"),
            ("no scheme, upper case", "gitHub.com/o/R/a?ref=v1", "R"),
            ("Kustomize's short host", "gh:o/r/a?ref=v1", "r"),
            ("its upper case", "GH:o/r?ref=v1", "r"),
            ("ssh without a user", "github.com:o/r/a?ref=v1", "r"),
            (
                "upper case",
                "HTTPS://GitHub.COM/Org/Repo.GIT?ref=v1",
                "Repo",
            ),
            (
                "nested groups",
                "https://gitlab.com/g/s/t/r.git?ref=v1",
                "r",
            ),
            (
                "nested, marked",
                "https://gitlab.com/g/s/t/r//x?ref=v1",
                "r",
            ),
            (
                "host with .git inside",
                "https://my.gitlab.corp/g/s/r.git?ref=v1",
                "r",
            ),
            (
                "host that ends in .git",
                "https://code.git/g/s/r.git?ref=v1",
                "r",
            ),
            (
                "the same without a suffix",
                "https://code.git/g/r/x?ref=v1",
                "r",
            ),
            (
                "group with .git inside",
                "https://h.example/my.gitops/s/r.git/x?ref=v1",
                "r",
            ),
            (
                "name with .git inside",
                "https://h.example/g/s/r.gitops.git/x?ref=v1",
                "r.gitops",
            ),
            (
                "name that begins so",
                "https://h.example/g/.github.git?ref=v1",
                ".github",
            ),
            (
                "a name with dots",
                "https://h.example/o/r.js/x?ref=v1",
                "r.js",
            ),
            (
                "ssh with a port",
                "ssh://git@ssh.example.com:443/U/r.git?ref=v1",
                "r",
            ),
            ("ssh with a port, bare", "ssh://git@h:7999/o/r?ref=v1", "r"),
            ("scp", "git@h.example:g/s/r.git//path?ref=v1", "r"),
            ("scp, bare", "git@github.com:o/r/a?ref=v1", "r"),
            (
                "scp with a port",
                "git@h.example:10022/infra/k8s/r.git?ref=v1",
                "r",
            ),
            (
                "scp with a port, bare",
                "git@h.example:10022/infra/r?ref=v1",
                "r",
            ),
            ("scp with a slash", "git@github.com/o/r.git?ref=v1", "r"),
            ("scp, another user", "org-12@github.com:o/r.git?ref=v1", "r"),
            ("git::", "git::https://h.example/g/s/r.git//dir?ref=v1", "r"),
            (
                "git::, no suffix",
                "git::https://h.example/g/s/r//dir?ref=v1",
                "r",
            ),
            (
                "git:: ssh",
                "git::ssh://git@h.example:22/g/s/r.git//dir?ref=v1",
                "r",
            ),
            ("git:: scp", "git::git@h.example:g/s/r.git//dir?ref=v1", "r"),
            (
                "Azure",
                "https://dev.azure.com/org/project/_git/r?ref=v1",
                "r",
            ),
            (
                "Azure, a path",
                "https://dev.azure.com/org/project/_git/r/a/b?ref=v1",
                "r",
            ),
            (
                "Azure, marked",
                "https://org@dev.azure.com/org/my%20project/_git/r//a?ref=v1",
                "r",
            ),
            (
                "Azure, the old host",
                "https://org.visualstudio.com/project/_git/r?ref=v1",
                "r",
            ),
            (
                "Azure, its first repository",
                "https://dev.azure.com/org/_git/r?ref=v1",
                "r",
            ),
            (
                "Azure over ssh",
                "git@ssh.dev.azure.com:v3/org/project/r?ref=v1",
                "r",
            ),
            (
                "Azure over ssh, URL",
                "ssh://git@ssh.dev.azure.com/v3/org/project/r//a?ref=v1",
                "r",
            ),
            (
                "on premises",
                "https://itfs.example.com/collection/project/_git/r/d?version=v1",
                "r",
            ),
            (
                "Bitbucket Server",
                "https://bitbucket.example.com/scm/proj/r.git?ref=v1",
                "r",
            ),
            (
                "Bitbucket Server's page",
                "https://b.example.com/projects/PRJ/repos/r/browse?ref=v1",
                "r",
            ),
            (
                "Bitbucket's person",
                "https://b.example.com/users/x/repos/r/browse?ref=v1",
                "r",
            ),
            (
                "CodeCommit",
                "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r?ref=v1",
                "r",
            ),
            (
                "GitLab's page",
                "https://gitlab.com/g/s/r/-/tree/main/x?ref=v1",
                "r",
            ),
            ("a slash behind", "https://github.com/o/r/?ref=v1", "r"),
            (
                "a slash behind .git",
                "https://h.example/g/s/r.git/?ref=v1",
                "r",
            ),
            (
                "more parameters",
                "https://h.example/g/s/r.git?timeout=90s&ref=v1&submodules=false",
                "r",
            ),
            (
                "escaped",
                "https://h.example/g/my%20repo.git?ref=v1",
                "my repo",
            ),
            (
                "escaped wrongly",
                "https://h.example/g/50%-off.git?ref=v1",
                "50%-off",
            ),
            (
                "escaped control",
                "https://h.example/g/a%0ab.git?ref=v1",
                "a%0ab",
            ),
            (
                "user and password",
                "https://me:p%40ss@h.example:8443/g/s/r.git?ref=v1",
                "r",
            ),
            (
                "a mark in the password",
                "https://me:a.git@h.example/o/r?ref=v1",
                "r",
            ),
            ("file", "file:///srv/git/r.git//x?ref=v1", "r"),
            ("file, bare", "file:///srv/git/r?ref=v1", "r"),
            ("a folder", "../../r?ref=v1", "r"),
            ("one segment", "https://h.example/r.git?ref=v1", "r"),
            ("one segment, bare", "https://h.example/r?ref=v1", "r"),
            ("a name alone", "r?ref=v1", "r"),
            ("nothing", "", ""),
            (
                "a host alone",
                "https://h.example?ref=v1",
                "https://h.example",
            ),
        ];
        for (name, reference, expected) in cases {
            assert_eq!(repository(reference), expected, "{name}: {reference}");
        }
    }
}
