//! What lies between two versions of a service: told by a program of the user's, read in a clone of its source code, or asked of
//! the forge that this is on.

use std::{path::Path, process::Command, process::Stdio, time::Duration};

use super::Project;
use crate::{
    domain::{
        changelog::{Changelog, SourceCode},
        failure::{Failure, FailureKind},
        forge,
        ids::ServiceName,
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
            return Err(Failure::new(
                FailureKind::Usage,
                format!("nobody says where the source code of {service} is"),
            )
            .hint(
                "Name it in [[sources]] of tidegate.toml, such as `repository = \"https://github.com/acme/{service}\"`, or of your own config.toml, which may name a `clone` and a `command` too",
            ));
        };
        if let Some(words) = &source.command {
            return told(words, service, (from, to)).await;
        }
        let names = |version| source.names(service, version).map_err(unfilled);
        let (old, new) = (names(from)?, names(to)?);
        let place = self.place_of(source, service)?;
        if let Some(clone) = &source.clone {
            let clone = SourceCode::fill(clone, service, None).map_err(unfilled)?;
            let path = source.path.as_ref();
            let path = path.map(|path| SourceCode::fill(path, service, None));
            let path = path.transpose().map_err(unfilled)?;
            let root = self.repo.work_dir().unwrap_or(self.repo.git_dir());
            let clone = root.join(Path::new(&clone));
            let (from, to) = (from.to_string(), to.to_string());
            let read = tokio::task::spawn_blocking(move || {
                let repo = Repo::named(&clone).map_err(|failure| {
                    failure.hint("It is `clone` of [[sources]] in your own config.toml")
                })?;
                repo.changelog((&from, &old), (&to, &new), path.as_deref())
            });
            let read = read.await;
            let (mut found, [old, new]) =
                read.map_err(|error| Failure::failed(error.to_string()))??;
            found.url = place.and_then(|place| place.compare_url(&old, &new));
            return Ok(found);
        }
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
