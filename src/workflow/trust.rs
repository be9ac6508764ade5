//! What a repository's own file names outside of it, and whether the user has allowed exactly that.
//!
//! Reading a stranger's repository must reach nothing else: another repository is opened, and an address connected to, only
//! after one consent. It is kept by its hash in the user's state, beside the repository's other things; whatever changes in
//! what is named asks again. What the user's own file names needs no consent.

mod registries;

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::Project;
use crate::{
    config::{CheckEntry, Config, KeyPlace, RepositoryPlace},
    domain::{failure::Failure, hash, ids::EnvironmentName, policy},
    sources::{
        git::{self, Contact, Repo},
        state::StateStore,
    },
};

/// Name of the file that keeps consents.
const FILE: &str = "trust.json";
/// Earlier consents of a repository that are remembered: going back and forth between branches asks nothing new.
const MOST: usize = 20;
/// And earlier checks.
const MOST_CHECKS: usize = 1_000;

/// A repository that the team's file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// What layouts call it.
    pub name: String,
    /// Where it is.
    pub place: OutsidePlace,
    /// Its branch, where one is said.
    pub branch: Option<String>,
    /// Where the team's file says it.
    pub at: KeyPlace,
}

/// Where a repository that the team's file names is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsidePlace {
    /// A folder.
    Path {
        /// As written.
        written: String,
        /// Where that leads on this machine.
        leads_to: PathBuf,
        /// The remotes of the clone there, or why it cannot be read; nothing of it is contacted then.
        contacts: Result<Vec<Contact>, String>,
    },
    /// An address, without credentials.
    Address(String),
}

/// Everything that the team's file of one repository names outside of it. As an error it is what nobody has allowed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    /// In the file's order.
    pub outside: Vec<Outside>,
    /// Checks that reach or run something.
    pub checks: Vec<CheckEntry>,
    /// The file's words were allowed before, and a clone that they name leads elsewhere now.
    pub moved: bool,
    /// What was allowed for the session alone, when it began.
    once: Option<Box<Once>>,
    /// Where consents are kept; `None` where the system has no place for them.
    folder: Option<PathBuf>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, outside) in self.outside.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            let what = match &outside.place {
                OutsidePlace::Path {
                    written, contacts, ..
                } => {
                    let contacts = contacts.iter().flatten().map(Contact::sentence);
                    let contacts: Vec<String> = contacts.collect();
                    let contacts = match &*contacts.join("; ") {
                        "" => String::new(),
                        all => format!(" ({all})"),
                    };
                    format!("`{written}` is another repository{contacts}, and is not opened")
                }
                OutsidePlace::Address(address) => format!("`{address}` is not connected to"),
            };
            write!(f, "{}: {what} before you have allowed it", outside.at)?;
        }
        if self.moved {
            f.write_str(
                "\nThe file says what you allowed; a clone that it names has other remotes now",
            )?;
        }
        f.write_str("\nLook at what the file names and allow exactly that: tidegate trust; in a pipeline: --trust")
    }
}

impl From<Untrusted> for Failure {
    fn from(untrusted: Untrusted) -> Self {
        Self::usage(untrusted.to_string())
    }
}

impl std::error::Error for Untrusted {}

impl Outside {
    /// What happens there, a line each: where it is, and where its remotes lead.
    pub fn lines(&self) -> Vec<String> {
        let branch = self.branch.as_deref();
        let branch = branch.map_or(String::new(), |branch| format!(", branch {branch}"));
        match &self.place {
            OutsidePlace::Path {
                leads_to, contacts, ..
            } => {
                let mut lines = vec![format!("opens {}{branch}", leads_to.display())];
                match contacts {
                    Ok(contacts) if contacts.is_empty() => {
                        lines.push("it has no remote: its own branch is read and moved".to_owned());
                    }
                    Ok(contacts) => lines.extend(contacts.iter().map(Contact::line)),
                    Err(why) => lines.push(format!(
                        "it cannot be read now, and is asked about again when it can: {why}"
                    )),
                }
                lines
            }
            OutsidePlace::Address(address) => {
                vec![format!(
                    "connects to {address} and keeps a mirror of it{branch}"
                )]
            }
        }
    }
}

/// What was allowed by `--trust`: for one session, and exactly that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    consent: Consent,
    checks: BTreeSet<String>,
}

/// The checks that the user has allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed {
    checks: BTreeSet<String>,
    /// Whatever registry an image names.
    all_registries: bool,
}

impl Allowed {
    /// As it is kept now, and by `--trust`. Blocking, a small file.
    pub(super) fn of(project: &Project) -> Self {
        if project.config.checks.is_empty() && project.config.registries.is_empty() {
            return Self::default();
        }
        let store = StateStore::of_repository(project.repo.common_dir());
        let kept = store.and_then(|store| store.load::<Kept>(FILE).ok().flatten());
        let kept = kept.unwrap_or_default().checks.into_iter();
        let once = project.opened.once.iter().flat_map(|once| &once.checks);
        Self {
            checks: kept.chain(once.cloned()).collect(),
            all_registries: project.opened.once.is_some(),
        }
    }

    /// Whether exactly this may be asked or run.
    pub(super) fn covers(&self, consent: &policy::check::Consent) -> bool {
        self.checks.contains(consent.as_str())
    }

    /// Whether a registry may be asked for an environment, whose gate the team's file says.
    pub(super) fn covers_registry(&self, environment: &EnvironmentName, host: &str) -> bool {
        self.all_registries || self.covers(&registries::consent(environment, host))
    }
}

/// Consents of one repository, the newest last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    allowed: Vec<Consent>,
    /// Checks, by what stands for exactly what each reaches or runs.
    #[serde(default)]
    checks: Vec<String>,
}

/// What was allowed once, by hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Consent {
    /// What the file says, and where its paths lead.
    places: String,
    /// Of each repository, the remotes of the clone there; `None` where there was none to ask.
    contacts: Vec<Option<String>>,
}

impl Consent {
    fn of(all: &[Outside]) -> Self {
        Self {
            places: places(all),
            contacts: all.iter().map(contacts).collect(),
        }
    }

    /// Whether it covers `now`. A clone that cannot be read now contacts nobody, and is told when it is read.
    fn covers(&self, now: &Self) -> bool {
        let mut both = self.contacts.iter().zip(&now.contacts);
        self.places == now.places
            && self.contacts.len() == now.contacts.len()
            && both.all(|(then, now)| now.is_none() || then == now)
    }
}

/// Where a path of the file leads, all links followed as far as there is something.
fn leads_to(repo: &Repo, path: &str) -> PathBuf {
    let root = repo.work_dir().unwrap_or(repo.git_dir());
    let path = root.join(Path::new(path));
    path.canonicalize().unwrap_or(path)
}

impl Untrusted {
    /// What `config`, read in `repo`, names. Blocking: looks at each clone from outside.
    pub fn of(repo: &Repo, config: &Config) -> Self {
        Self::seen(repo, config, &look(repo, config))
    }

    /// The same of clones that were looked at.
    fn seen(repo: &Repo, config: &Config, looked: &[Looked]) -> Self {
        let entries = config.repositories.iter().zip(looked);
        let outside = entries.filter_map(|(entry, looked)| {
            let at = entry.team.clone()?;
            Some(Outside {
                name: entry.name.clone(),
                place: match &entry.place {
                    RepositoryPlace::Path(path) => OutsidePlace::Path {
                        written: path.clone(),
                        leads_to: leads_to(repo, path),
                        contacts: asked(looked, entry.branch.as_deref()),
                    },
                    RepositoryPlace::Url(address) => OutsidePlace::Address(address.to_string()),
                },
                branch: entry.branch.clone(),
                at,
            })
        });
        Self {
            outside: outside.collect(),
            checks: config.checks.clone(),
            moved: false,
            once: None,
            folder: StateStore::of_repository(repo.common_dir())
                .map(|store| store.folder().to_owned()),
        }
    }

    /// Keeps the user's consent to exactly this.
    ///
    /// # Errors
    /// Where it cannot be kept, in a sentence.
    pub fn allow(&self) -> Result<(), String> {
        let folder = (self.folder.as_ref())
            .ok_or("this system has no folder for the user's state; use --trust each time")?;
        let store = StateStore::in_folder(folder);
        let checks = checks(&self.checks);
        let kept = store.update(FILE, |kept: &mut Kept| {
            if !self.outside.is_empty() {
                let consent = Consent::of(&self.outside);
                kept.allowed.retain(|known| *known != consent);
                kept.allowed.push(consent);
                let from = kept.allowed.len().saturating_sub(MOST);
                kept.allowed.drain(..from);
            }
            kept.checks.retain(|known| !checks.contains(known));
            kept.checks.extend(checks);
            let from = kept.checks.len().saturating_sub(MOST_CHECKS);
            kept.checks.drain(..from);
        });
        // What was damaged allowed nothing, and is asked for again.
        kept.map(drop).map_err(|error| {
            format!(
                "cannot keep the consent in {}: {error}; use --trust each time",
                folder.display()
            )
        })
    }

    /// Nothing is named.
    pub fn is_empty(&self) -> bool {
        self.outside.is_empty() && self.checks.is_empty()
    }

    /// Whether exactly this has been allowed, or there is nothing to allow.
    pub fn is_allowed(&self) -> bool {
        let mut checks = self.checks.iter();
        self.opens() && checks.all(|check| self.allows(check))
    }

    /// Whether this check has been allowed.
    pub fn allows(&self, check: &CheckEntry) -> bool {
        let consent = check.consent.as_str();
        let once = self.once.as_ref();
        once.is_some_and(|once| once.checks.contains(consent))
            || self.kept().checks.iter().any(|known| known == consent)
    }

    /// Whether the repositories have been allowed: nothing is opened before.
    fn opens(&self) -> bool {
        if self.outside.is_empty() {
            return true;
        }
        let now = Consent::of(&self.outside);
        let once = self.once.iter().map(|once| &once.consent);
        let kept = self.kept().allowed;
        kept.iter().chain(once).any(|kept| kept.covers(&now))
    }

    /// Consents that were given.
    fn kept(&self) -> Kept {
        let store = self.folder.as_ref().map(StateStore::in_folder);
        let kept = store.map(|store| store.load::<Kept>(FILE));
        let kept = kept.and_then(Result::ok).flatten();
        kept.unwrap_or_default()
    }
}

/// What is known of a clone that an entry names without opening it; `None` where an address is named.
pub(super) type Looked = Option<Result<git::Outside, Failure>>;

/// Looks at each clone that is named by its path, in the file's order.
pub(super) fn look(repo: &Repo, config: &Config) -> Vec<Looked> {
    let root = repo.work_dir().unwrap_or(repo.git_dir());
    let entries = config.repositories.iter();
    entries
        .map(|entry| match &entry.place {
            RepositoryPlace::Path(path) => Some(git::Outside::look(&root.join(path))),
            RepositoryPlace::Url(_) => None,
        })
        .collect()
}

fn asked(looked: &Looked, branch: Option<&str>) -> Result<Vec<Contact>, String> {
    match looked {
        Some(Ok(outside)) => outside.contacts(branch),
        Some(Err(error)) => Err(error.clone()),
        None => Ok(Vec::new()),
    }
    .map_err(|error| error.why)
}

/// Refuses what nobody has allowed. `trust`: the user allows what is there now by an option; `once`: what was so allowed when
/// the session began. What is allowed once from now on.
///
/// # Errors
/// [`Untrusted`], with every key that names something.
pub(super) fn check(
    repo: &Repo,
    config: &Config,
    looked: &[Looked],
    trust: bool,
    once: Option<&Once>,
) -> Result<Option<Once>, Untrusted> {
    let mut untrusted = Untrusted::seen(repo, config, looked);
    if trust {
        return Ok(Some(Once {
            consent: Consent::of(&untrusted.outside),
            checks: checks(&untrusted.checks).into_iter().collect(),
        }));
    }
    untrusted.once = once.cloned().map(Box::new);
    // A check that nobody has allowed is not known, and the rest goes on.
    if untrusted.opens() {
        return Ok(untrusted.once.map(|once| *once));
    }
    let places = places(&untrusted.outside);
    untrusted.moved = (untrusted.kept().allowed.iter()).any(|kept| kept.places == places);
    Err(untrusted)
}

fn checks(all: &[CheckEntry]) -> Vec<String> {
    let all = all.iter().map(|check| check.consent.as_str().to_owned());
    all.collect()
}

/// The remotes of one clone.
fn contacts(outside: &Outside) -> Option<String> {
    let OutsidePlace::Path { contacts, .. } = &outside.place else {
        return None;
    };
    let each: Vec<String> = contacts.as_ref().ok()?.iter().map(Contact::hash).collect();
    Some(hash::of(each.iter().map(String::as_bytes)))
}

/// What the file says, and where that leads.
fn places(all: &[Outside]) -> String {
    let parts = all.iter().flat_map(|outside| {
        let place: [&[u8]; 3] = match &outside.place {
            OutsidePlace::Path {
                written, leads_to, ..
            } => [
                b"path",
                written.as_bytes(),
                leads_to.as_os_str().as_encoded_bytes(),
            ],
            OutsidePlace::Address(address) => [b"address", address.as_bytes(), b""],
        };
        let branch = outside.branch.as_deref().unwrap_or_default();
        [
            outside.name.as_bytes(),
            place[0],
            place[1],
            place[2],
            branch.as_bytes(),
        ]
    });
    hash::of(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_what_is_named_is_another_consent() {
        let one = |name: &str, place: OutsidePlace, branch: Option<&str>| {
            vec![Outside {
                name: name.to_owned(),
                place,
                branch: branch.map(str::to_owned),
                at: KeyPlace {
                    file: "tidegate.toml".to_owned(),
                    line: Some(2),
                    key: "repositories[0].path".to_owned(),
                },
            }]
        };
        let path = |text: &str, to: &str| OutsidePlace::Path {
            written: text.to_owned(),
            leads_to: to.into(),
            contacts: Ok(Vec::new()),
        };
        let address = |text: &str| OutsidePlace::Address(text.to_owned());
        let first = one("a", path("../b", "/x/b"), None);
        let all = [
            Vec::new(),
            first.clone(),
            one("b", path("../b", "/x/b"), None),
            one("a", path("../c", "/x/b"), None),
            one("a", path("../b", "/x/c"), None),
            one("a", path("../b", "/x/b"), Some("main")),
            one("a", address("../b"), None),
            one("a", address("https://h/b"), None),
            one("a", address("https://h/c"), None),
            [first.clone(), first.clone()].concat(),
        ];
        let hashes: BTreeSet<String> = all.iter().map(|all| places(all)).collect();
        assert_eq!(hashes.len(), all.len());
        // Where it stands in the file is no part of it.
        let mut moved = first.clone();
        moved[0].at.line = Some(9);
        assert_eq!(places(&moved), places(&first));
    }

    #[test]
    fn a_consent_covers_the_remotes_that_were_shown() {
        let consent = |contacts: &[Option<&str>]| Consent {
            places: "x".to_owned(),
            contacts: contacts.iter().map(|it| it.map(str::to_owned)).collect(),
        };
        for (then, now, covered) in [
            (&[Some("a"), None][..], &[Some("a"), None][..], true),
            (&[Some("a")], &[Some("b")], false),
            (&[Some("a")], &[None], true),
            (&[None], &[Some("a")], false),
            (&[Some("a"), Some("b")], &[Some("a"), Some("c")], false),
            (&[Some("a")], &[Some("a"), None], false),
        ] {
            let (then, now) = (consent(then), consent(now));
            assert_eq!(then.covers(&now), covered, "{then:?} {now:?}");
        }
    }

    #[test]
    fn says_the_key_and_what_to_do() {
        let outside = vec![Outside {
            name: "a".to_owned(),
            place: OutsidePlace::Address("https://h/b".to_owned()),
            branch: None,
            at: KeyPlace {
                file: "tidegate.toml".to_owned(),
                line: Some(2),
                key: "repositories[0].url".to_owned(),
            },
        }];
        let untrusted = Untrusted {
            outside,
            checks: Vec::new(),
            moved: false,
            once: None,
            folder: None,
        };
        let said = untrusted.to_string();
        assert!(
            said.starts_with(
                "tidegate.toml:2: repositories[0].url: `https://h/b` is not connected to"
            ),
            "{said}"
        );
        assert!(said.contains("tidegate trust"), "{said}");
    }
}
