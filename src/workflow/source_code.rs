//! The source code of services: what lies between two versions, and what one was built of. Told by a program of the user's,
//! read in a clone, or asked of the forge that it is on.

use std::{path::Path, process::Command, process::Stdio, time::Duration};

use futures::{StreamExt as _, stream};

use super::{Project, Reading, registry, trust::Allowed};
use crate::{
    domain::{
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
const BEHIND: Duration = Duration::from_secs(20);
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
        let place = self.source_place(service, place)?;
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
    /// for the cell's environment.
    ///
    /// # Errors
    /// Why the commit is not known.
    pub async fn evidence(
        &self,
        reading: Option<&Reading>,
        cell: &CellKey,
        version: &Version,
    ) -> Result<Evidence, Failure> {
        let service = &cell.service;
        let allowed = Allowed::of(self);
        let label = match reading.filter(|_| !self.opened.offline) {
            Some(reading) => registry::revision(self, reading, (cell, version), &allowed).await,
            None => Ok(None),
        };
        let Some(source) = SourceCode::of(&self.config.source_code, service) else {
            let label = label.map_err(Failure::failed)?;
            return Ok(Evidence {
                commit: label.ok_or_else(|| nowhere(service))?,
                by: SaidBy::Label,
                checks: Err("nobody says in [[sources]] on which forge they are".to_owned()),
                url: None,
            });
        };
        let names = source.names(service, version).map_err(unfilled)?;
        let place = self.place_of(source, service)?;
        let url = |commit| place.as_ref().map(|place| place.commit_url(commit));
        let forge = match self.source_place(service, place.clone()) {
            Ok(_) if self.opened.offline => Err(Failure::usage("nobody is asked with --offline")),
            Ok(place) => connect(&self.repo, &place, &self.config.user.forges).await,
            Err(failure) => Err(failure),
        };
        let (commit, by) = match (label.ok().flatten(), &source.clone, &forge) {
            (Some(commit), ..) => (commit, SaidBy::Label),
            (None, Some(clone), _) => {
                let version = version.to_string();
                let look = move |repo: Repo| repo.commit_of(&version, &names);
                self.in_clone(clone, service, look).await?
            }
            (None, None, Ok(forge)) => {
                let found = forge.commit_of(&names).await?;
                found.ok_or_else(|| {
                    let forge::Place { web, project, .. } = forge.place();
                    let words = format!("{project} on {web} knows no tag for {version}");
                    Failure::new(FailureKind::Refused, words)
                        .hint("Say in `tag` of [[sources]] what versions are called there")
                })?
            }
            (None, None, Err(failure)) => return Err(failure.clone()),
        };
        let checks = match forge {
            Ok(forge) => forge.checks_of(commit).await.map_err(|failure| failure.why),
            Err(_) if source.repository.is_none() => {
                Err("[[sources]] names no `repository` of it".to_owned())
            }
            Err(failure) => Err(failure.why),
        };
        Ok(Evidence {
            commit,
            by,
            checks,
            url: url(commit),
        })
    }

    /// What stands behind a step: asked side by side, and told as not known where that takes long.
    pub async fn behind(&self, reading: Option<&Reading>, step: &VersionStep) -> Behind {
        let (service, to) = (&step.cell.service, &step.to);
        let offline = self.opened.offline;
        let changelog = async {
            let from = step.from.as_ref()?;
            let told = self.changelog(service, (from, to), offline);
            Some(in_time(told).await)
        };
        // A program tells what lies between, and of which commit something was built is not asked of it.
        let source = SourceCode::of(&self.config.source_code, service);
        let by_program = source.is_some_and(|it| it.repository.is_none() && it.clone.is_none());
        let evidence = async {
            let found = in_time(self.evidence(reading, &step.cell, to)).await;
            (found.is_ok() || !by_program).then_some(found)
        };
        let (changelog, evidence) = futures::join!(changelog, evidence);
        Behind {
            changelog,
            evidence,
        }
    }

    /// What stands behind planned changes, as far as somebody says where their source code is, and so many at most.
    pub(super) async fn behind_all<'a>(
        &self,
        changes: impl Iterator<Item = &'a PlannedChange>,
    ) -> Vec<(VersionStep, Behind)> {
        let steps = changes.filter_map(VersionStep::of);
        let steps = steps.filter(|step| self.has_source_code(&step.cell.service));
        let steps: Vec<VersionStep> = steps.take(MOST_BEHIND).collect();
        if steps.is_empty() {
            return Vec::new();
        }
        let project = self.clone();
        let reading = tokio::task::spawn_blocking(move || project.read()).await;
        let reading = reading.ok().and_then(Result::ok);
        let looks = steps.into_iter().map(|step| {
            let reading = reading.as_ref();
            async move {
                let behind = self.behind(reading, &step).await;
                (step, behind)
            }
        });
        stream::iter(looks).buffered(4).collect().await
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

async fn in_time<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, String> {
    match tokio::time::timeout(BEHIND, work).await {
        Ok(found) => found.map_err(|failure| failure.why),
        Err(_) => Err(format!("nobody said within {} s", BEHIND.as_secs())),
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
