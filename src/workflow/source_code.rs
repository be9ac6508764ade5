//! The source code of services: what lies between two versions, and what one was built of. Told by a program of the user's,
//! read in a clone, or asked of the forge that it is on.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use tokio::time::Instant;

use super::{Project, Reading, checks::not_allowed, forges::Forges, registry, trust::Allowed};
use crate::{
    domain::{
        address,
        failure::{Failure, FailureKind},
        forge,
        ids::{CellKey, ServiceName},
        plan::PlannedChange,
        source_code::{Behind, Changelog, Evidence, SaidBy, SourceCode, VersionStep},
        template::{Captures, Template, TemplateError},
        text::sanitise,
        version::Version,
    },
    sources::{
        children::{self, Keep, Kind, Limits},
        forge::connect,
        git::{Repo, keep_to_itself},
    },
};

/// How long a program may take that tells it.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is looked at beside something else is waited for so long.
pub(super) const BEHIND: Duration = Duration::from_secs(20);
/// So long where something goes back.
pub(super) const URGENT: Duration = Duration::from_secs(4);
/// So many changes of one pull request are looked behind.
const MOST_BEHIND: usize = 20;
/// How much of what it writes is read, in bytes.
const MOST_TOLD: usize = 256 * 1024;
/// So many lines of that are kept.
const MOST_LINES: usize = 500;

impl Project {
    /// What lies between two versions of a service; `offline`: no forge is asked.
    ///
    /// # Errors
    /// Where nobody says where its source code is, or that does not know a version.
    pub async fn changelog(
        &self,
        service: &ServiceName,
        (from, to): (&Version, &Version),
        offline: bool,
    ) -> Result<Changelog, Failure> {
        let Some(source) = SourceCode::of(&self.config.source_code, service) else {
            return Err(nowhere(service));
        };
        if let Some(words) = &source.command {
            return told(words, service, (from, to)).await;
        }
        let names = |version| source.names(service, version).map_err(unfilled);
        let (old, new) = (names(from)?, names(to)?);
        let place = self.place_of(source, service)?;
        if let Some(clone) = &source.clone {
            let path = source.path.as_ref();
            let path = path.map(|path| SourceCode::fill(path, service, None));
            let path = path.transpose().map_err(unfilled)?;
            let (from, to) = (from.to_string(), to.to_string());
            let look =
                move |repo: Repo| repo.changelog((&from, &old), (&to, &new), path.as_deref());
            let (mut found, [old, new]) = self.in_clone(clone, service, look).await?;
            found.url = place.and_then(|place| place.compare_url(&old, &new));
            return Ok(found);
        }
        let place = self.source_place(source, service, place)?;
        if offline {
            return Err(Failure::usage(format!(
                "--offline asks nobody, and the commits of {service} are on {}",
                place.web
            )));
        }
        let forge = connect(&self.repo, &place, &self.config.user.forges).await?;
        let mut found = forge.changelog(&old, &new).await?;
        found.whole = source.path.is_some();
        Ok(found)
    }

    /// Whether somebody says where the source code of a service is.
    pub fn has_source_code(&self, service: &ServiceName) -> bool {
        SourceCode::of(&self.config.source_code, service).is_some()
    }

    /// What a version was built of, and what its checks say. The label of its image counts first, where registries are asked
    /// for the cell's environment; one that is of another repository, as that of a base image, says nothing.
    ///
    /// # Errors
    /// Why the commit is not known.
    pub(super) async fn evidence(
        &self,
        reading: Option<&Reading>,
        (cell, version): (&CellKey, &Version),
        forges: &Forges,
    ) -> Result<Evidence, Failure> {
        let service = &cell.service;
        let label = match reading.filter(|_| !self.opened.offline) {
            Some(reading) => {
                let allowed = Allowed::of(self);
                registry::built_of(self, reading, (cell, version), &allowed).await
            }
            None => Ok(None),
        };
        let source = SourceCode::of(&self.config.source_code, service);
        // A registry that does not answer may say otherwise than a tag that was guessed, and not than what somebody says they are.
        let is_told = |it: &SourceCode| it.clone.is_some() || it.tag.is_some();
        let label = match label {
            Err(_) if source.is_some_and(is_told) => None,
            label => label.map_err(Failure::failed)?,
        };
        let Some(source) = source else {
            let (commit, _) = label.ok_or_else(|| nowhere(service))?;
            return Ok(Evidence {
                commit,
                by: SaidBy::Label,
                checks: Err("nobody says in [[sources]] on which forge they are".to_owned()),
                url: None,
            });
        };
        let place = self.place_of(source, service)?;
        let is_ours = |theirs: &Option<String>| match (theirs, &place) {
            (Some(theirs), Some(place)) => address::is_same_project(theirs, &place.project),
            _ => true,
        };
        let label = label.filter(|(_, theirs)| is_ours(theirs));
        let label = label.map(|(commit, _)| commit);
        let names = source.names(service, version).map_err(unfilled)?;
        let forge = match self.source_place(source, service, place.clone()) {
            Ok(_) if self.opened.offline => Err(Failure::usage("nobody is asked with --offline")),
            Ok(place) => forges.at(self, &self.repo, &place).await,
            Err(failure) => Err(failure),
        };
        let forge = forge.as_deref();
        // Looked for beside a label only where that is sure to cost little: names are guessed otherwise.
        let (said, is_sure) = match (&source.clone, forge) {
            (Some(clone), _) => {
                let version = version.to_string();
                let look = move |repo: Repo| repo.commit_of(&version, &names);
                (self.in_clone(clone, service, look).await, true)
            }
            (None, Ok(_)) if label.is_some() && source.tag.is_none() => {
                (Err(Failure::failed(String::new())), false)
            }
            (None, Ok(forge)) => {
                let found = forge.commit_of(&names).await?;
                let found = found.ok_or_else(|| {
                    let forge::Place { web, project, .. } = forge.place();
                    let words = format!("{project} on {web} knows no tag for {version}");
                    Failure::new(FailureKind::Refused, words)
                        .hint("Say in `tag` of [[sources]] what versions are called there")
                });
                (found, true)
            }
            (None, Err(failure)) => (Err(failure.clone()), false),
        };
        let (commit, by) = match (label, said) {
            (Some(label), Ok((commit, by))) if is_sure && commit != label => {
                return Err(Failure::failed(format!(
                    "the label of its image says commit {}, and {by} says {}",
                    label.short(),
                    commit.short()
                )));
            }
            (Some(label), _) => (label, SaidBy::Label),
            (None, said) => said?,
        };
        let checks = match forge {
            Ok(forge) => forge.checks_of(commit).await.map_err(|failure| failure.why),
            Err(_) if source.repository.is_none() => {
                Err("[[sources]] names no `repository` of it".to_owned())
            }
            Err(failure) => Err(failure.why.clone()),
        };
        Ok(Evidence {
            commit,
            by,
            checks,
            url: place.map(|place| place.commit_url(commit)),
        })
    }

    /// What stands behind a step: asked side by side, and told as not known where that takes long.
    pub async fn behind(&self, reading: Option<&Reading>, step: &VersionStep) -> Behind {
        let within = Instant::now() + BEHIND;
        self.behind_within(reading, step, &Forges::default(), within)
            .await
    }

    async fn behind_within(
        &self,
        reading: Option<&Reading>,
        step: &VersionStep,
        forges: &Forges,
        until: Instant,
    ) -> Behind {
        let (service, to) = (&step.cell.service, &step.to);
        let offline = self.opened.offline;
        let changelog = async {
            let from = step.from.as_ref()?;
            let told = self.changelog(service, (from, to), offline);
            Some(in_time(until, told).await)
        };
        // A program tells what lies between, and of which commit something was built is not asked of it.
        let source = SourceCode::of(&self.config.source_code, service);
        let by_program = source.is_some_and(|it| it.repository.is_none() && it.clone.is_none());
        let evidence = async {
            let asked = self.evidence(reading, (&step.cell, to), forges);
            let found = in_time(until, asked).await;
            (found.is_ok() || !by_program).then_some(found)
        };
        let (changelog, evidence) = futures::join!(changelog, evidence);
        Behind {
            changelog,
            evidence,
        }
    }

    /// What stands behind planned changes, as far as somebody says where their source code is: each step of a service once, so
    /// many at most, and within `patience`. And how many more there are.
    pub(super) async fn behind_all<'a>(
        &self,
        changes: impl Iterator<Item = &'a PlannedChange>,
        patience: Duration,
    ) -> (Vec<(VersionStep, Behind)>, usize) {
        let until = Instant::now() + patience;
        let mut told = BTreeSet::new();
        let steps = changes.filter_map(VersionStep::of);
        let steps = steps.filter(|step| {
            let VersionStep { cell, from, to } = step;
            self.has_source_code(&cell.service)
                && told.insert((cell.service.clone(), from.clone(), to.clone()))
        });
        let mut steps: Vec<VersionStep> = steps.collect();
        let more = steps.len().saturating_sub(MOST_BEHIND);
        steps.truncate(MOST_BEHIND);
        if steps.is_empty() {
            return (Vec::new(), 0);
        }
        let project = self.clone();
        let reading = tokio::task::spawn_blocking(move || project.read()).await;
        let reading = reading.ok().and_then(Result::ok);
        let forges = Forges::default();
        let looks = steps.into_iter().map(|step| {
            let (reading, forges) = (reading.as_ref(), &forges);
            async move {
                let behind = self.behind_within(reading, &step, forges, until).await;
                (step, behind)
            }
        });
        (stream::iter(looks).buffered(4).collect().await, more)
    }

    /// Looks into a clone of the source code of a service.
    async fn in_clone<T: Send + 'static>(
        &self,
        clone: &Template,
        service: &ServiceName,
        look: impl FnOnce(Repo) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let clone = SourceCode::fill(clone, service, None).map_err(unfilled)?;
        let root = self.repo.work_dir().unwrap_or(self.repo.git_dir());
        let clone = root.join(Path::new(&clone));
        let read = tokio::task::spawn_blocking(move || {
            let repo = Repo::named(&clone).map_err(|failure| {
                failure.hint("It is `clone` of [[sources]] in your own config.toml")
            })?;
            look(repo)
        });
        read.await
            .map_err(|error| Failure::failed(error.to_string()))?
    }

    /// The forge that the source code of a service is on, where that may be asked.
    fn source_place(
        &self,
        source: &SourceCode,
        service: &ServiceName,
        place: Option<forge::Place>,
    ) -> Result<forge::Place, Failure> {
        let Some(place) = place else {
            return Err(Failure::new(
                FailureKind::Refused,
                format!("the source code of {service} is on no forge that is known"),
            )
            .hint(
                "Name the forge in [[forges]] of your own config.toml, or there a `clone` in [[sources]]",
            ));
        };
        if let Some(consent) = &source.consent
            && !Allowed::of(self).covers(consent)
        {
            let named = format!("{}/{}", place.web, place.project);
            let why = not_allowed(&named, "it is not asked");
            return Err(Failure::new(FailureKind::Usage, why));
        }
        if place.entry.is_none() && !self.is_beside(&place) {
            return Err(Failure::new(
                FailureKind::Refused,
                format!(
                    "{} is asked of nothing: this repository is not on it, and your own file does not name it",
                    place.web
                ),
            )
            .hint("Name it in [[forges]] of your own config.toml with `url` and `kind`, or there a `clone` in [[sources]]"));
        }
        Ok(place)
    }

    /// Where the source code is on a forge, where its address says so.
    fn place_of(
        &self,
        source: &SourceCode,
        service: &ServiceName,
    ) -> Result<Option<forge::Place>, Failure> {
        let Some(address) = &source.repository else {
            return Ok(None);
        };
        let address = SourceCode::fill(address, service, None).map_err(unfilled)?;
        Ok(forge::place(&address, &self.config.user.forges))
    }

    /// Whether this repository itself is on the forge: it is asked as it is.
    fn is_beside(&self, place: &forge::Place) -> bool {
        self.repo.remote_urls().iter().any(|url| {
            let own = forge::place(url, &self.config.user.forges);
            own.is_some_and(|own| own.web == place.web)
        })
    }
}

async fn in_time<T>(
    until: Instant,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, String> {
    match tokio::time::timeout_at(until, work).await {
        Ok(found) => found.map_err(|failure| failure.why),
        Err(_) => Err("nobody said in time".to_owned()),
    }
}

fn nowhere(service: &ServiceName) -> Failure {
    Failure::new(
        FailureKind::Usage,
        format!("nobody says where the source code of {service} is"),
    )
    .hint(
        "Name it in [[sources]] of tidegate.toml, such as `repository = \"https://github.com/acme/{service}\"`, or of your own config.toml, which may name a `clone` and a `command` too",
    )
}

fn unfilled(error: TemplateError) -> Failure {
    Failure::usage(format!("[[sources]]: {error}"))
}

/// What a program of the user's own file tells.
async fn told(
    words: &[Template],
    service: &ServiceName,
    (from, to): (&Version, &Version),
) -> Result<Changelog, Failure> {
    let captures = [
        ("service", service.as_str()),
        ("from", from.as_str()),
        ("to", to.as_str()),
    ];
    let captures = captures.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let captures = Captures::from(captures);
    let filled: Result<Vec<String>, _> = words.iter().map(|word| word.fill(&captures)).collect();
    let filled = filled.map_err(unfilled)?;
    let [program, arguments @ ..] = &filled[..] else {
        return Err(Failure::usage("[[sources]]: `command` names no program"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    keep_to_itself(&mut command);
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Ends(MOST_TOLD),
        stderr: Keep::Ends(4096),
        deadline: PATIENCE,
        patience: None,
        terminal: false,
    };
    let shown = sanitise(program);
    let failed = |why: String| {
        Failure::failed(format!("`{shown}`, which tells the changelog, {why}"))
            .hint("It is `command` of [[sources]] in your own config.toml")
    };
    let said = children::run_beside(command, limits, None).await;
    let said = said.map_err(|stopped| failed(stopped.words()))?;
    if !said.status.success() {
        let why = String::from_utf8_lossy(&said.stderr);
        let why = why.lines().rev().find(|line| !line.trim().is_empty());
        return Err(failed(format!(
            "failed: {}",
            sanitise(why.unwrap_or("it says nothing"))
        )));
    }
    let text = String::from_utf8_lossy(&said.stdout);
    let lines = text
        .lines()
        .map(|line| sanitise(line.trim_end()).into_owned());
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len() > MOST_LINES;
    lines.truncate(MOST_LINES);
    Ok(Changelog {
        told: lines,
        more,
        ..Changelog::default()
    })
}
