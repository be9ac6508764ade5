//! Forges: which one a remote's address names, and where in it the repository is.

use std::fmt::Write as _;

use super::{address::Address, credential::Credential, ids::ObjectId};

/// What a forge speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForgeKind {
    /// GitHub, and GitHub Enterprise.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
    /// Azure DevOps: a link alone.
    Azure,
    /// Bitbucket: a link alone.
    Bitbucket,
}

impl ForgeKind {
    /// Those that a configuration may name, as it writes them.
    pub const NAMED: [(&str, Self); 3] = [
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("gitea", Self::Gitea),
    ];

    /// As people call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
            Self::Gitea => "Gitea",
            Self::Azure => "Azure DevOps",
            Self::Bitbucket => "Bitbucket",
        }
    }

    /// Whether it has environments that people let deployments into.
    pub fn has_environments(self) -> bool {
        self == Self::Github
    }

    /// Whether Tidegate opens pull requests there by itself.
    pub fn is_asked(self) -> bool {
        !matches!(self, Self::Azure | Self::Bitbucket)
    }
}

/// Where a token comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenSource {
    /// A variable of the environment, or what a program prints.
    Given(Credential),
    /// `git credential fill`.
    #[default]
    GitCredential,
}

/// One `[[forges]]` entry of the user's own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeEntry {
    /// Its address without a `/` at the end: `https://git.example.com`, `https://example.com/gitlab`.
    pub url: String,
    /// What it speaks; `None`: as its name says, or it is asked.
    pub kind: Option<ForgeKind>,
    /// Where the token comes from.
    pub token: TokenSource,
}

/// A repository on a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the forge speaks; `None`: its name does not say it.
    pub kind: Option<ForgeKind>,
    /// The forge's own address, without a `/` at the end.
    pub web: String,
    /// The repository in it: `shop/deploy`, `group/sub/deploy`.
    pub project: String,
    /// The entry of the user's file that names the forge.
    pub entry: Option<usize>,
}

/// An address in parts.
struct Parts {
    /// `https://host:port`; `None` where it is reached by ssh.
    server: Option<String>,
    host: String,
    /// Without a `/` at either end, and without `.git`.
    path: String,
}

/// Finds the forge of a remote's address. `None` where it is none that is known: a path, or a server that neither its name
/// nor the user's file tells about.
pub fn place(address: &str, entries: &[ForgeEntry]) -> Option<Place> {
    let parts = Parts::of(address)?;
    for (at, entry) in entries.iter().enumerate() {
        if let Some(project) = parts.below(&entry.url) {
            let kind = entry.kind.or_else(|| named(host_of(&entry.url)));
            return Some(Place {
                kind,
                web: entry.url.clone(),
                project,
                entry: Some(at),
            });
        }
    }
    if let Some(place) = parts.azure() {
        return Some(place);
    }
    let host = match parts.host.as_str() {
        // Where these are reached through firewalls.
        "ssh.github.com" => "github.com",
        "altssh.gitlab.com" => "gitlab.com",
        "altssh.bitbucket.org" => "bitbucket.org",
        host => host,
    };
    let kind = named(host)?;
    Some(Place {
        kind: Some(kind),
        // A port of http is the forge's; one of ssh is not.
        web: match &parts.server {
            Some(server) if server.starts_with("https://") => server.clone(),
            _ => format!("https://{host}"),
        },
        project: parts.path,
        entry: None,
    })
}

/// What a host is by its name: `github.com`, `gitlab.example.com`, `code.forgejo.org`.
fn named(host: &str) -> Option<ForgeKind> {
    let host = host.to_ascii_lowercase();
    match host.as_str() {
        "codeberg.org" | "gitea.com" => return Some(ForgeKind::Gitea),
        "bitbucket.org" => return Some(ForgeKind::Bitbucket),
        _ if host.ends_with(".ghe.com") => return Some(ForgeKind::Github),
        _ => {}
    }
    let names = [
        ("github", ForgeKind::Github),
        ("gitlab", ForgeKind::Gitlab),
        ("gitea", ForgeKind::Gitea),
        ("forgejo", ForgeKind::Gitea),
    ];
    let mut words = host.split(['.', '-']);
    words
        .find_map(|word| names.iter().find(|(name, _)| *name == word))
        .map(|(_, kind)| *kind)
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = rest.split('/').next().unwrap_or_default();
    server.split(':').next().unwrap_or_default()
}

impl Parts {
    fn of(address: &str) -> Option<Self> {
        let parsed = Address::parse(address).ok()?;
        if parsed.local().is_some() {
            return None;
        }
        let bare = parsed.to_string();
        let (server, path) = match bare.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/')?;
                let web = scheme.starts_with("http");
                (web.then(|| format!("{scheme}://{authority}")), path)
            }
            None => (None, bare.split_once(':')?.1),
        };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        (!path.is_empty()).then(|| Self {
            server,
            host: parsed.host().to_owned(),
            path: path.to_owned(),
        })
    }

    /// The repository in the forge at `url`, where it is in that one.
    fn below(&self, url: &str) -> Option<String> {
        let (_, rest) = url.split_once("://")?;
        let (server, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let here = match &self.server {
            Some(own) => own
                .split_once("://")
                .is_some_and(|(_, own)| own.eq_ignore_ascii_case(server)),
            // A port of ssh is another than that of http.
            None => self.host.eq_ignore_ascii_case(host_of(url)),
        };
        if !here {
            return None;
        }
        if folder.is_empty() {
            return Some(self.path.clone());
        }
        let below = self.path.strip_prefix(folder)?.strip_prefix('/');
        match below {
            Some(project) => Some(project.to_owned()),
            // By ssh there is no folder before it.
            None if self.server.is_none() => Some(self.path.clone()),
            None => None,
        }
    }

    /// `https://dev.azure.com/org/project/_git/repo`, `git@ssh.dev.azure.com:v3/org/project/repo`,
    /// `https://org.visualstudio.com/project/_git/repo`.
    fn azure(&self) -> Option<Place> {
        let place = |web: String, project: String| Place {
            kind: Some(ForgeKind::Azure),
            web,
            project,
            entry: None,
        };
        let host = self.host.to_ascii_lowercase();
        match host.as_str() {
            "dev.azure.com" => Some(place("https://dev.azure.com".to_owned(), self.path.clone())),
            "ssh.dev.azure.com" | "vs-ssh.visualstudio.com" => {
                let path = self.path.strip_prefix("v3/")?;
                let (project, repository) = path.rsplit_once('/')?;
                Some(place(
                    "https://dev.azure.com".to_owned(),
                    format!("{project}/_git/{repository}"),
                ))
            }
            _ if host.ends_with(".visualstudio.com") => {
                Some(place(format!("https://{host}"), self.path.clone()))
            }
            _ => None,
        }
    }
}

impl Place {
    /// The page that opens a pull request from `branch` into `base`; `None` where what the forge speaks is not known.
    pub fn opens(&self, branch: &str, base: &str) -> Option<String> {
        let (web, project) = (&self.web, &self.project);
        let (from, into) = (escaped(branch, true), escaped(base, true));
        let (plain, onto) = (escaped(branch, false), escaped(base, false));
        Some(match self.kind? {
            ForgeKind::Github => {
                format!("{web}/{project}/compare/{onto}...{plain}?expand=1")
            }
            ForgeKind::Gitlab => format!(
                "{web}/{project}/-/merge_requests/new?merge_request%5Bsource_branch%5D={from}&merge_request%5Btarget_branch%5D={into}"
            ),
            ForgeKind::Gitea => format!("{web}/{project}/compare/{onto}...{plain}"),
            ForgeKind::Azure => {
                format!("{web}/{project}/pullrequestcreate?sourceRef={from}&targetRef={into}")
            }
            ForgeKind::Bitbucket => {
                format!("{web}/{project}/pull-requests/new?source={from}&dest={into}")
            }
        })
    }
}

impl Place {
    /// Where a browser shows a commit.
    pub fn commit_url(&self, commit: ObjectId) -> String {
        let (web, project) = (&self.web, &self.project);
        match self.kind {
            Some(ForgeKind::Gitlab) => format!("{web}/{project}/-/commit/{commit}"),
            Some(ForgeKind::Bitbucket) => format!("{web}/{project}/commits/{commit}"),
            _ => format!("{web}/{project}/commit/{commit}"),
        }
    }

    /// Where a browser shows what lies between two commits, or tags.
    pub fn compare_url(&self, from: &str, to: &str) -> Option<String> {
        let (from, to) = (escaped(from, false), escaped(to, false));
        let (web, project) = (&self.web, &self.project);
        match self.kind? {
            ForgeKind::Github | ForgeKind::Gitea => {
                Some(format!("{web}/{project}/compare/{from}...{to}"))
            }
            ForgeKind::Gitlab => Some(format!("{web}/{project}/-/compare/{from}...{to}")),
            ForgeKind::Azure | ForgeKind::Bitbucket => None,
        }
    }
}

/// Text as a part of an address; `all`: a `/` too.
pub fn escaped(text: &str, all: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if !all => out.push('/'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(url: &str, kind: Option<ForgeKind>) -> ForgeEntry {
        ForgeEntry {
            url: url.to_owned(),
            kind,
            token: TokenSource::default(),
        }
    }

    #[test]
    fn forges_are_found_from_addresses() {
        use ForgeKind::{Azure, Bitbucket, Gitea, Github, Gitlab};
        let entries = [
            entry("https://git.example.com", Some(Gitea)),
            entry("https://example.com/code/gitlab", None),
            entry("http://127.0.0.1:3000", Some(Gitea)),
            entry("https://own.example.com/git", Some(Gitlab)),
        ];
        type Case<'a> = (&'a str, Option<(Option<ForgeKind>, &'a str, &'a str)>);
        let cases: [Case<'_>; 22] = [
            (
                "git@github.com:shop/deploy.git",
                Some((Some(Github), "https://github.com", "shop/deploy")),
            ),
            (
                "https://github.com/shop/deploy",
                Some((Some(Github), "https://github.com", "shop/deploy")),
            ),
            (
                "https://user:t0ken@github.com/shop/deploy.git/",
                Some((Some(Github), "https://github.com", "shop/deploy")),
            ),
            (
                "ssh://git@ssh.github.com:443/shop/deploy.git",
                Some((Some(Github), "https://github.com", "shop/deploy")),
            ),
            (
                "https://github.example.com:8443/shop/deploy.git",
                Some((
                    Some(Github),
                    "https://github.example.com:8443",
                    "shop/deploy",
                )),
            ),
            (
                "git@gitlab.com:group/sub/deploy.git",
                Some((Some(Gitlab), "https://gitlab.com", "group/sub/deploy")),
            ),
            (
                "ssh://git@gitlab.example.com:2222/group/deploy.git",
                Some((Some(Gitlab), "https://gitlab.example.com", "group/deploy")),
            ),
            (
                "http://gitlab.example.com/group/deploy",
                Some((Some(Gitlab), "https://gitlab.example.com", "group/deploy")),
            ),
            (
                "https://codeberg.org/shop/deploy",
                Some((Some(Gitea), "https://codeberg.org", "shop/deploy")),
            ),
            (
                "git@code.forgejo.org:shop/deploy",
                Some((Some(Gitea), "https://code.forgejo.org", "shop/deploy")),
            ),
            (
                "ssh://git@git.example.com:222/shop/deploy.git",
                Some((Some(Gitea), "https://git.example.com", "shop/deploy")),
            ),
            (
                "http://127.0.0.1:3000/rig/deploy.git",
                Some((Some(Gitea), "http://127.0.0.1:3000", "rig/deploy")),
            ),
            ("http://127.0.0.1:3001/rig/deploy.git", None),
            (
                "https://own.example.com/git/shop/deploy.git",
                Some((Some(Gitlab), "https://own.example.com/git", "shop/deploy")),
            ),
            ("https://own.example.com/other/shop/deploy.git", None),
            (
                "git@own.example.com:git/shop/deploy.git",
                Some((Some(Gitlab), "https://own.example.com/git", "shop/deploy")),
            ),
            (
                "https://shop@dev.azure.com/shop/site/_git/deploy",
                Some((
                    Some(Azure),
                    "https://dev.azure.com",
                    "shop/site/_git/deploy",
                )),
            ),
            (
                "git@ssh.dev.azure.com:v3/shop/site/deploy",
                Some((
                    Some(Azure),
                    "https://dev.azure.com",
                    "shop/site/_git/deploy",
                )),
            ),
            (
                "git@bitbucket.org:shop/deploy.git",
                Some((Some(Bitbucket), "https://bitbucket.org", "shop/deploy")),
            ),
            ("/srv/git/deploy.git", None),
            ("file:///srv/git/github.com/deploy.git", None),
            ("git@mygithub.example.com:shop/deploy.git", None),
        ];
        for (address, expected) in cases {
            let found = place(address, &entries);
            let found = found.map(|it| (it.kind, it.web, it.project));
            let found = found
                .as_ref()
                .map(|(kind, web, project)| (*kind, web.as_str(), project.as_str()));
            assert_eq!(found, expected, "{address}");
        }
        let found = place("https://example.com/code/gitlab/a/b", &entries).unwrap();
        assert_eq!(
            (found.kind, found.entry, found.project.as_str()),
            (None, Some(1), "a/b")
        );
    }

    #[test]
    fn links_open_a_pull_request() {
        let cases = [
            (
                "git@github.com:a/b",
                "https://github.com/a/b/compare/main...tidegate/x-1?expand=1",
            ),
            (
                "git@gitlab.com:a/b",
                "https://gitlab.com/a/b/-/merge_requests/new?merge_request%5Bsource_branch%5D=tidegate%2Fx-1&merge_request%5Btarget_branch%5D=main",
            ),
            (
                "git@codeberg.org:a/b",
                "https://codeberg.org/a/b/compare/main...tidegate/x-1",
            ),
            (
                "git@ssh.dev.azure.com:v3/a/b/c",
                "https://dev.azure.com/a/b/_git/c/pullrequestcreate?sourceRef=tidegate%2Fx-1&targetRef=main",
            ),
            (
                "git@bitbucket.org:a/b",
                "https://bitbucket.org/a/b/pull-requests/new?source=tidegate%2Fx-1&dest=main",
            ),
        ];
        for (address, expected) in cases {
            let place = place(address, &[]).unwrap();
            assert_eq!(
                place.opens("tidegate/x-1", "main").as_deref(),
                Some(expected)
            );
        }
    }
}
