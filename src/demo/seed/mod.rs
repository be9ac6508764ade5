//! The demo's Git side: a bare remote with months of history, and a clone of it.

pub mod services;
mod story;
mod writer;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use git2::{Oid, Repository, RepositoryInitOptions};
use jiff::Timestamp;

use self::{
    services::{ENVIRONMENTS, README, SERVICES},
    story::{Act, How, Step, Why},
    writer::{Signature, Writer},
};
use super::forge::Forge;
use crate::domain::{
    ids::{CellKey, RepoPath},
    message,
    plan::{Intent, PlannedChange},
    policy::veto::{self, VetoAction, VetoChange},
    version::Version,
};

/// What [`plant`] made.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The bare repository.
    pub remote: PathBuf,
    /// A clone of it with a work tree on `main`.
    pub clone: PathBuf,
    /// The newest commit.
    pub tip: Oid,
    /// Where the registry and the smoke tests are that its gates ask: `127.0.0.1:PORT`.
    pub outside: String,
    /// How many commits there are.
    pub commits: usize,
    /// Every value of every cell, oldest first.
    pub cells: Vec<Cell>,
}

/// The values that a cell has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The service.
    pub service: &'static str,
    /// The environment.
    pub environment: &'static str,
    /// Version, and when it landed, oldest first; never empty.
    pub values: Vec<(String, Timestamp)>,
}

/// What is beside the repositories.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The registry and the smoke tests: `127.0.0.1:PORT`.
    pub outside: String,
    /// The forge, where there is one: `http://127.0.0.1:PORT`.
    pub forge: Option<String>,
}

/// Why the repositories could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// libgit2's words.
    #[error(transparent)]
    Git(#[from] git2::Error),
    /// The operating system's.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Makes `remote.git` and a clone named `platform-deploy` in `folder`, with what is `beside` them. The same `now`, `seed` and
/// `beside` make the same commits.
///
/// # Errors
/// Where the folder cannot be written.
pub fn plant(
    folder: &Path,
    now: Timestamp,
    seed: u64,
    beside: &Beside,
) -> Result<Seeded, SeedError> {
    let remote = folder.join("remote.git");
    let clone = folder.join("platform-deploy");
    let bare = init(&remote, true)?;
    {
        // Nothing is small enough to be looked at for deltas: that costs more than the space is worth here.
        let mut config = bare.config()?;
        config.set_i32("core.bigFileThreshold", 1)?;
        config.set_i32("core.compression", 0)?;
        config.set_i32("gc.auto", 0)?;
        config.set_bool("receive.autogc", false)?;
        config.set_bool("receive.denyNonFastForwards", true)?;
    }
    let history = {
        let odb = bare.odb()?;
        let mut history = History::begin(Writer::new(&odb)?, now, beside)?;
        for step in story::steps(now.as_second(), seed) {
            history.take(&step)?;
        }
        history.finish(&bare)?
    };
    bare.config()?.remove("core.bigFileThreshold")?;
    bare.reference("refs/heads/main", history.tip, true, "seed")?;
    copy(
        &bare,
        (&remote, beside.forge.as_deref()),
        &clone,
        history.tip,
    )?;
    Ok(Seeded {
        remote,
        clone,
        ..history
    })
}

/// The values that [`plant`] gives every cell, without the repositories: for a screen that is there before they are.
pub fn outline(now: Timestamp, seed: u64) -> Vec<Cell> {
    let start = story::beginning(now.as_second());
    let mut cells = Vec::new();
    for (index, service) in SERVICES.iter().enumerate() {
        let version = story::beginnings(index);
        cells.extend(ENVIRONMENTS.iter().map(|environment| Cell {
            service: service.name,
            environment,
            values: vec![(version.clone(), at(start))],
        }));
    }
    for step in story::steps(now.as_second(), seed) {
        let (service, environment) = match &step.act {
            Act::Set {
                service,
                environment,
                ..
            }
            | Act::Revert {
                service,
                environment,
            } => (*service, *environment),
            Act::Scale { .. } | Act::Veto { .. } | Act::Note(_) => continue,
        };
        let values = &mut cells[service * ENVIRONMENTS.len() + environment].values;
        let version = match step.act {
            Act::Set { version, .. } => Some(version),
            _ => values
                .iter()
                .nth_back(1)
                .map(|(version, _)| version.clone()),
        };
        let last = values.last().map(|(version, _)| version);
        if let Some(version) = version.filter(|version| Some(version) != last) {
            values.push((version, at(step.time)));
        }
    }
    cells
}

fn init(path: &Path, bare: bool) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    // Without the user's template: its hooks are for their own repositories.
    options
        .bare(bare)
        .external_template(false)
        .initial_head("main");
    Repository::init_opts(path, &options)
}

/// A clone by hand: the packs are linked, so that it costs nothing.
fn copy(
    bare: &Repository,
    (remote, forge): (&Path, Option<&str>),
    path: &Path,
    tip: Oid,
) -> Result<(), SeedError> {
    let clone = init(path, false)?;
    let packs = Path::new("objects/pack");
    fs::create_dir_all(clone.path().join(packs))?;
    for entry in fs::read_dir(bare.path().join(packs))? {
        let from = entry?.path();
        if let Some(name) = from.file_name() {
            let to = clone.path().join(packs).join(name);
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop))?;
        }
    }
    let mut config = clone.config()?;
    let place = remote.to_string_lossy();
    match forge {
        // What it is called on the forge; Git goes to the folder.
        Some(forge) => {
            let called = Forge::repository(forge);
            config.set_str("remote.origin.url", &called)?;
            config.set_str(&format!("url.{place}.insteadOf"), &called)?;
            for (key, value) in Forge::credential(forge) {
                // A value beside what is there already.
                config.set_multivar(&key, "^$a", &value)?;
            }
        }
        None => config.set_str("remote.origin.url", &place)?,
    }
    config.set_str("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")?;
    config.set_str("branch.main.remote", "origin")?;
    config.set_str("branch.main.merge", "refs/heads/main")?;
    // The user's signing keys and hooks are not for a toy.
    config.set_bool("commit.gpgsign", false)?;
    config.set_str(
        "core.hooksPath",
        &clone.path().join("hooks").to_string_lossy(),
    )?;
    if clone.signature().is_err() {
        config.set_str("user.name", "You")?;
        config.set_str("user.email", "you@shop.example")?;
    }
    clone.reference("refs/remotes/origin/main", tip, true, "clone")?;
    clone.reference_symbolic(
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/main",
        true,
        "clone",
    )?;
    clone.reference("refs/heads/main", tip, true, "clone")?;
    let mut checkout = git2::build::CheckoutBuilder::new();
    clone.checkout_head(Some(checkout.force()))?;
    Ok(())
}

/// People: name, mail address, minutes east of UTC.
const PEOPLE: [(&str, &str, i32); 6] = [
    ("Jane Ortiz", "jane@shop.example", 60),
    ("Tomasz Wilk", "tomasz@shop.example", 60),
    ("Aiko Mori", "aiko@shop.example", 540),
    ("Samira Haddad", "samira@shop.example", 120),
    ("Ben Okafor", "ben@shop.example", -300),
    ("Lena Vogel", "lena@shop.example", 60),
];

/// The repository as it grows.
struct History<'odb> {
    writer: Writer<'odb>,
    outside: String,
    tip: Oid,
    commits: usize,
    pull_request: u32,
    cells: Vec<Cell>,
    replicas: Vec<u32>,
}

impl<'odb> History<'odb> {
    /// The first two commits: everything as it was, then the configuration.
    fn begin(
        mut writer: Writer<'odb>,
        now: Timestamp,
        beside: &Beside,
    ) -> Result<Self, git2::Error> {
        let outside = beside.outside.as_str();
        let start = story::beginning(now.as_second());
        let mut cells = Vec::new();
        let mut replicas = Vec::new();
        for (index, service) in SERVICES.iter().enumerate() {
            for (path, text) in services::base(service, outside) {
                writer.file(&path, text.as_bytes())?;
            }
            let version = story::beginnings(index);
            for (column, environment) in ENVIRONMENTS.iter().enumerate() {
                let count = service.replicas[column];
                let text = services::overlay(service, environment, (outside, &version), count);
                writer.file(
                    &services::overlay_path(service.name, environment),
                    text.as_bytes(),
                )?;
                replicas.push(count);
                cells.push(Cell {
                    service: service.name,
                    environment,
                    values: vec![(version.clone(), at(start))],
                });
            }
        }
        writer.file("README.md", README.as_bytes())?;
        let tip = writer.commit(
            &[],
            person(0, start),
            "import from the old deployment scripts",
        )?;
        let configuration = services::configuration(now, outside, beside.forge.is_some());
        writer.file("tidegate.toml", configuration.as_bytes())?;
        let tip = writer.commit(
            &[tip],
            person(0, start + 3600),
            "tell tidegate where things are",
        )?;
        Ok(Self {
            writer,
            outside: outside.to_owned(),
            tip,
            commits: 2,
            pull_request: 211,
            cells,
            replicas,
        })
    }

    /// Makes the commit, or commits, of one step.
    fn take(&mut self, step: &Step) -> Result<(), git2::Error> {
        match &step.act {
            Act::Note(subject) => {
                let text = format!("{README}\n<!-- {subject}, {} -->\n", step.time);
                self.writer.file("README.md", text.as_bytes())?;
                self.commit(step, subject, "")
            }
            Act::Veto {
                service,
                version,
                reason,
            } => {
                let change = VetoChange {
                    service: SERVICES[*service].name.to_owned(),
                    version: (*version).into(),
                    action: VetoAction::Add {
                        reason: (*reason).to_owned(),
                        by: Some(PEOPLE[0].0.to_owned()),
                        at: at(step.time),
                    },
                };
                let path = RepoPath::from(veto::FILE);
                // An empty file takes any veto.
                let file = change.apply(&path, b"").ok().flatten();
                self.writer.file(veto::FILE, &file.unwrap_or_default())?;
                let message = message::compose(&[], &[change], &message::Details::default());
                let (subject, body) = message.split_once('\n').unwrap_or((&message, ""));
                self.commit(step, subject, body.trim())
            }
            Act::Scale {
                service,
                environment,
                replicas,
            } => {
                let (name, column) = (SERVICES[*service].name, ENVIRONMENTS[*environment]);
                if SERVICES[*service].kind == services::Kind::DaemonSet {
                    return Ok(());
                }
                self.replicas[service * ENVIRONMENTS.len() + environment] = *replicas;
                self.write(*service, *environment)?;
                self.commit(
                    step,
                    &format!("{name}: {replicas} replicas in {column}"),
                    "",
                )
            }
            Act::Set {
                service,
                environment,
                version,
                why,
            } => self.set(step, *service, *environment, version, Some(*why)),
            Act::Revert {
                service,
                environment,
            } => {
                let values = &self.cells[service * ENVIRONMENTS.len() + environment].values;
                let Some((version, _)) = values.iter().nth_back(1).cloned() else {
                    return Ok(());
                };
                self.set(step, *service, *environment, &version, None)
            }
        }
    }

    /// Sets a cell; `why` is `None` for a revert.
    fn set(
        &mut self,
        step: &Step,
        service: usize,
        environment: usize,
        version: &str,
        why: Option<Why>,
    ) -> Result<(), git2::Error> {
        let cell = &mut self.cells[service * ENVIRONMENTS.len() + environment];
        let (name, column) = (cell.service, cell.environment);
        let before = cell
            .values
            .last()
            .map(|(v, _)| v.clone())
            .unwrap_or_default();
        // A promotion of what is there already would be an empty commit.
        if before == version {
            return Ok(());
        }
        cell.values.push((version.to_owned(), at(step.time)));
        self.write(service, environment)?;
        // Both prod environments are promoted from staging.
        let upstream = ENVIRONMENTS[environment.saturating_sub(1).min(1)];
        if step.how == How::Tidegate {
            let intent = match why {
                None => Intent::Revert {
                    to: Some(version.into()),
                    at: None,
                },
                Some(_) => Intent::Promote {
                    from: upstream.into(),
                },
            };
            let message = message::compose(
                &[PlannedChange {
                    cell: CellKey::new(name, column),
                    intent,
                    from: Some(Version::from(before)),
                    to: Some(version.into()),
                    verdicts: Vec::new(),
                    inherits: None,
                    pins: None,
                    along: None,
                }],
                &[],
                &message::Details::default(),
            );
            let (subject, body) = message.split_once('\n').unwrap_or((&message, ""));
            return self.commit(step, subject, body.trim());
        }
        let build = step.dice & 0xffff_ffff;
        let (subject, body) = match why {
            None => (
                format!("Revert \"Promote {name} {before} to {column}\""),
                format!("{name} {before} does not behave in {column}."),
            ),
            Some(Why::Bump) => (
                format!("{column}: {name} {version}"),
                format!("Built from https://git.shop.example/{name}/commit/{build:08x}"),
            ),
            Some(Why::Fix(what)) => (
                format!("hotfix {name} {version} in {column}: {what}"),
                String::new(),
            ),
            Some(Why::Promote) if step.dice.is_multiple_of(3) => (
                format!("Promote {name} from {upstream} to {column}"),
                format!("{before} to {version}"),
            ),
            Some(Why::Promote) => (
                format!("Promote {name} {version} to {column}"),
                String::new(),
            ),
        };
        self.commit(step, &subject, &body)
    }

    /// Writes a cell's overlay as it is now.
    fn write(&mut self, service: usize, environment: usize) -> Result<(), git2::Error> {
        let index = service * ENVIRONMENTS.len() + environment;
        let cell = &self.cells[index];
        let version = cell.values.last().map_or("", |(v, _)| v);
        let text = services::overlay(
            &SERVICES[service],
            cell.environment,
            (&self.outside, version),
            self.replicas[index],
        );
        self.writer.file(
            &services::overlay_path(cell.service, cell.environment),
            text.as_bytes(),
        )
    }

    /// Commits what was written, in the way the step says.
    fn commit(&mut self, step: &Step, subject: &str, body: &str) -> Result<(), git2::Error> {
        let join = |subject: &str, body: &str| match body {
            "" => subject.to_owned(),
            body => format!("{subject}\n\n{body}"),
        };
        let author = match step.how {
            How::Bot => Signature {
                name: "shop-bot",
                email: "bot@shop.example",
                seconds: step.time,
                offset: 0,
            },
            _ => person(step.dice, step.time),
        };
        match step.how {
            How::Bot | How::Direct | How::Tidegate => {
                self.push(&[self.tip], author, &join(subject, body))
            }
            How::Squash => {
                let number = self.next_pull_request();
                self.push(
                    &[self.tip],
                    author,
                    &join(&format!("{subject} (#{number})"), body),
                )
            }
            How::Merge => {
                let number = self.next_pull_request();
                // The branch has one commit, made some minutes before it was merged.
                let main = self.tip;
                let minutes = 5 + i64::try_from(step.dice % 40).unwrap_or(0);
                let branch = Signature {
                    seconds: step.time - minutes * 60,
                    ..author
                };
                self.push(&[main], branch, &join(subject, body))?;
                let name: String = subject.split_whitespace().collect::<Vec<_>>().join("-");
                let message = format!(
                    "Merge pull request #{number} from shop/{}\n\n{subject}",
                    name.to_lowercase()
                );
                self.push(
                    &[main, self.tip],
                    person(step.dice >> 8, step.time),
                    &message,
                )
            }
        }
    }

    /// One commit on the tip.
    fn push(&mut self, parents: &[Oid], who: Signature, message: &str) -> Result<(), git2::Error> {
        self.tip = self.writer.commit(parents, who, message)?;
        self.commits += 1;
        Ok(())
    }

    fn next_pull_request(&mut self) -> u32 {
        self.pull_request += 1;
        self.pull_request
    }

    /// Writes the pack; the caller fills in the paths.
    fn finish(self, bare: &Repository) -> Result<Seeded, git2::Error> {
        self.writer.finish(bare)?;
        Ok(Seeded {
            remote: PathBuf::new(),
            clone: PathBuf::new(),
            outside: self.outside,
            tip: self.tip,
            commits: self.commits,
            cells: self.cells,
        })
    }
}

fn person(dice: u64, seconds: i64) -> Signature {
    let index = usize::try_from(dice % 6).unwrap_or(0);
    let (name, email, offset) = PEOPLE[index];
    Signature {
        name,
        email,
        seconds,
        offset,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
