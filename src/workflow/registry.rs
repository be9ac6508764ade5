//! What registries say of versions: where an image's name stands, what its tag means, and what it meant when it was last seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Project, Reading, checks::not_allowed, trust::Allowed};
use crate::{
    domain::{
        desired::Source,
        failure::Failure,
        gate::{ImageFacts, ImageQuestion},
        ids::{CellKey, EnvironmentName, ObjectId, ServiceName},
        image::{Beside, ImageName, tag_and_digest},
        policy::GatePolicy,
        version::Version,
    },
    sources::{
        registry::{Manifest, Repository},
        state::StateStore,
    },
};

/// Name of the file that keeps what tags meant.
const FILE: &str = "digests.json";
/// A tag that moved longer ago is what it is.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24);
/// So many tags are remembered.
const MOST: usize = 5_000;

/// What each tag meant, and when that was last seen.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen(BTreeMap<String, Vec<(String, Timestamp)>>);

/// Asks the registry of a cell's image.
///
/// # Errors
/// Why that is not known, in a sentence.
pub(super) async fn image(
    project: &Project,
    reading: &Reading,
    asked: &ImageQuestion,
    allowed: &Allowed,
) -> Result<ImageFacts, String> {
    let name = name_of(project, reading, &asked.cell)?;
    let repository = to_read(project, &asked.cell.environment, name.clone(), allowed)?;
    let there = repository
        .look(asked.version.as_str(), asked.attestations.as_ref())
        .await?;
    let (tag, _) = tag_and_digest(asked.version.as_str());
    let before = match (tag, &there) {
        (Some(tag), Some(there)) => remember(
            project,
            &format!("{name}:{tag}"),
            &there.digest,
            Timestamp::now(),
        ),
        _ => None,
    };
    Ok(ImageFacts {
        image: name.to_string(),
        there,
        before,
    })
}

/// The commit that a version of a cell's image was built of, by its label, and the repository that it names; `None`: it says none,
/// or nobody has registries asked for its environment.
///
/// # Errors
/// Why that is not known, in a sentence.
pub(super) async fn built_of(
    project: &Project,
    reading: &Reading,
    (cell, version): (&CellKey, &Version),
    allowed: &Allowed,
) -> Result<Option<(ObjectId, Option<String>)>, String> {
    let policy = project.config.topology.policy.of(&cell.environment);
    let asks = |it: &GatePolicy| it.registry.is_some() || it.pin || it.evidence.is_some();
    let declared = reading.desired.cells.get(cell);
    let hidden = declared.is_some_and(|cell| cell.subject.is_hidden());
    if hidden || !policy.is_some_and(asks) {
        return Ok(None);
    }
    let name = name_of(project, reading, cell)?;
    let repository = to_read(project, &cell.environment, name, allowed)?;
    let built_of = repository.built_of(version.as_str()).await?;
    // What is no commit of Git's says nothing here.
    Ok(built_of.and_then(|said| Some((said.revision.parse().ok()?, said.source))))
}

/// The registry of an image, where it may be asked for this environment.
fn to_read(
    project: &Project,
    environment: &EnvironmentName,
    name: ImageName,
    allowed: &Allowed,
) -> Result<Repository, String> {
    // Where the user's own file has it asked, whatever the images name is the user's word.
    if project.config.registries.contains_key(environment)
        && !allowed.covers_registry(environment, &name.registry)
    {
        let named = format!("the registry {}", name.registry);
        return Err(not_allowed(&named, "it is not asked"));
    }
    Ok(Repository::to_read(name))
}

/// Keeps what a tag means now, and gives what else it meant not long ago. What cannot be kept is not.
fn remember(
    project: &Project,
    image: &str,
    digest: &str,
    now: Timestamp,
) -> Option<(String, Timestamp)> {
    let store = StateStore::of_repository(project.repo.common_dir())?;
    let kept = store.update(FILE, |seen: &mut Seen| seen.now_means(image, digest, now));
    match kept {
        Ok((before, problem)) => {
            if let Some(problem) = problem {
                tracing::warn!(problem, "what tags meant was forgotten");
            }
            before
        }
        Err(error) => {
            tracing::warn!(%error, "what a tag means was not kept");
            None
        }
    }
}

impl Seen {
    /// Takes what a tag means now, and gives what else it meant not long ago.
    fn now_means(
        &mut self,
        image: &str,
        digest: &str,
        now: Timestamp,
    ) -> Option<(String, Timestamp)> {
        let known = self.0.entry(image.to_owned()).or_default();
        known.retain(|(_, at)| now.duration_since(*at) < REMEMBERED);
        let mut others = known.iter().rev();
        let before = others.find(|(known, _)| known != digest).cloned();
        known.retain(|(known, _)| known != digest);
        known.push((digest.to_owned(), now));
        self.0.retain(|_, known| {
            let last = known.last();
            last.is_some_and(|(_, at)| now.duration_since(*at) < REMEMBERED)
        });
        while self.0.len() > MOST {
            self.0.pop_first();
        }
        before
    }
}

/// The name of the image that a cell's version is a tag of, as its files say it.
///
/// # Errors
/// Why it is not known, in a sentence.
pub(super) fn name_of(
    project: &Project,
    reading: &Reading,
    key: &CellKey,
) -> Result<ImageName, String> {
    let cell = reading.desired.cells.get(key);
    let declared = cell.and_then(|cell| Some((cell, cell.version.as_ref()?)));
    let (cell, version) = declared.ok_or_else(|| {
        format!("{key} declares no version, beside which the image's name would stand")
    })?;
    let files = project.files(&reading.tips, &cell.origin);
    let files = files.map_err(|error| error.why)?;
    let files = files.ok_or_else(|| format!("the files of {key} cannot be read"))?;
    let read = |path: &str| files.get(path).ok().flatten();
    let (tag, digest) = tag_and_digest(version.as_str());
    let texts: Vec<&str> = [Some(version.as_str()), tag, digest]
        .into_iter()
        .flatten()
        .collect();
    let name = |source: &Source| {
        let bytes = read(source.path.as_str())?;
        let mut texts = texts.iter();
        let beside = texts.find_map(|text| Beside::on(&bytes, source.line, text))?;
        let others = cell.files.iter().filter(|path| **path != source.path);
        let beside = others
            .filter_map(|path| read(path.as_str()))
            .fold(beside, |beside, bytes| beside.or_in(&bytes));
        beside.image()
    };
    cell.sources.iter().find_map(name).ok_or_else(|| {
        let place = cell.sources.first();
        let place = place.map_or_else(|| key.to_string(), |at| format!("{}:{}", at.path, at.line));
        format!(
            "no image's name stands beside the version at {place}, so its registry is not known"
        )
    })
}

/// A version of an image that is to get a tag more.
#[derive(Debug)]
pub struct Retag {
    /// The image.
    pub image: ImageName,
    /// What it is.
    pub manifest: Manifest,
    /// What the tag means already, as a digest.
    pub before: Option<String>,
    /// Its tag.
    to: String,
    repository: Repository,
}

impl Retag {
    /// Looks what is there.
    ///
    /// # Errors
    /// Where the image is not known or not there, or the registry does not say.
    pub async fn look(
        (project, reading): (&Project, &Reading),
        (service, environment): (&ServiceName, Option<&EnvironmentName>),
        (version, to): (&str, &str),
        writes: bool,
    ) -> Result<Self, Failure> {
        let failed = |why: String| Failure::failed(why);
        let image = one_image(project, reading, service, environment)?;
        let repository = if writes {
            Repository::to_write(image.clone())
        } else {
            Repository::to_read(image.clone())
        };
        let (tag, digest) = tag_and_digest(version);
        let reference = digest.or(tag).unwrap_or(version);
        let manifest = repository.manifest(reference).await.map_err(failed)?;
        let manifest = manifest
            .ok_or_else(|| Failure::failed(format!("the registry has no {version} of {image}")))?;
        let before = repository.manifest(to).await.map_err(failed)?;
        Ok(Self {
            image,
            manifest,
            before: before.map(|before| before.digest),
            to: to.to_owned(),
            repository,
        })
    }

    /// The tag means this already.
    pub fn is_there(&self) -> bool {
        self.before.as_deref() == Some(&*self.manifest.digest)
    }

    /// Gives it the tag, and looks that it has it.
    ///
    /// # Errors
    /// Why it has it not.
    pub async fn carry_out(&self) -> Result<(), Failure> {
        let failed = |why: String| Failure::failed(why);
        self.repository
            .tag(&self.manifest, &self.to)
            .await
            .map_err(failed)?;
        let now = self.repository.manifest(&self.to).await.map_err(failed)?;
        match now {
            Some(now) if now.digest == self.manifest.digest => Ok(()),
            _ => Err(Failure::failed(format!(
                "the registry took {}:{} and does not have it: ask it again in a moment",
                self.image, self.to
            ))),
        }
    }
}

/// The one image of a service, in an environment or in all that declare it.
fn one_image(
    project: &Project,
    reading: &Reading,
    service: &ServiceName,
    environment: Option<&EnvironmentName>,
) -> Result<ImageName, Failure> {
    let cells = reading.desired.cells.iter();
    let cells = cells.filter(|(key, cell)| {
        key.service == *service
            && cell.version.is_some()
            && environment.is_none_or(|environment| key.environment == *environment)
    });
    let (mut found, mut why) = (BTreeSet::new(), None);
    for (key, _) in cells {
        match name_of(project, reading, key) {
            Ok(name) => drop(found.insert(name)),
            Err(reason) => why = Some(reason),
        }
    }
    let mut all = found.iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(one), Some(other)) => Err(Failure::usage(format!(
            "{service} has several images, {one} and {other} among them: name the environment whose image it is with --env"
        ))),
        (None, _) => {
            Err(Failure::failed(why.unwrap_or_else(|| {
                format!("{service} declares no version there")
            })))
        }
    }
}
