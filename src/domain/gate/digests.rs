//! What pods of a version run, by the digests that nodes pulled, against what its tag means in the registry now.
//!
//! A node says the digest of an index, or of the manifest for its platform, whichever its runtime likes: both are the tag's.
//! One that is neither is asked of the registry too: it may be an index that holds the same images. Where it came from another
//! registry or path, which does not have to have the same digests, that this one does not know it says nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Change, Facts, ImageFacts, ImageQuestion, ImageThere, Question, upstreams};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    image::{self, ImageName},
    rollout::{same_version, short_digest as short},
    text::count,
    topology::Topology,
    version::Version,
};

/// How what runs stands to what the registry has.
pub(super) enum Against {
    /// Pods run what the tag means, in these environments.
    Same(Vec<EnvironmentName>),
    /// Some run another image, in a sentence with what to do.
    Differs(String),
    /// Some run what may be another image, in a sentence.
    NotKnown(String),
    /// What runs came from elsewhere, and cannot be compared, in these environments.
    Elsewhere(Vec<EnvironmentName>),
    /// No pod of it says what it runs.
    Unsaid,
}

/// The cells whose pods are looked at: those that declare the version and have a cluster.
pub(super) fn questions(change: &Change<'_>, version: &Version) -> Vec<Question> {
    let cells = cells(change.cell, change.topology).filter(|cell| {
        let declared = change.desired.cells.get(cell);
        let declared = declared.filter(|it| !it.subject.is_hidden());
        let declared = declared.and_then(|it| it.version.as_ref());
        declared.is_some_and(|it| image::is_same(it, version))
            && upstreams::has_cluster_in(change.topology, &cell.environment)
    });
    cells.map(Question::Running).collect()
}

/// What is to be asked once it is known what runs and what tags mean: the digests that are not what they mean.
pub fn follow_ups(
    questions: &BTreeSet<Question>,
    facts: &Facts,
    topology: &Topology,
) -> BTreeSet<Question> {
    let mut more = BTreeSet::new();
    for question in questions {
        let (Question::Image(asked), Some(Answer::Image(Ok(image)))) =
            (question, facts.answer(question))
        else {
            continue;
        };
        let Some(now) = &image.there else { continue };
        for cell in cells(&asked.cell, topology) {
            let runs = runs(&cell, &asked.version, image, facts);
            let others = runs.into_keys().map(|(digest, _)| digest);
            let others = others.filter(|digest| !now.has(digest));
            more.extend(others.map(|digest| of_digest(&asked.cell, &digest)));
        }
    }
    more.retain(|question| !facts.knows(question));
    more
}

/// Compares what the pods of a version run with what the registry says of it.
pub(super) fn compare(
    change: &Change<'_>,
    version: &Version,
    (image, now): (&ImageFacts, &ImageThere),
    platform: Option<&str>,
    facts: &Facts,
) -> Against {
    let (mut same, mut elsewhere, mut not_known) = (Vec::new(), Vec::new(), None);
    for cell in cells(change.cell, change.topology) {
        let runs = runs(&cell, version, image, facts);
        let all: u32 = runs.values().sum();
        let environment = &cell.environment;
        let mut is_same = !runs.is_empty();
        for ((digest, is_its), pods) in runs {
            let means = || {
                format!(
                    "{environment} runs {version} as {} in {pods} of {}, and it is {} in the registry now",
                    short(&digest),
                    count(all as usize, "pod"),
                    short(&now.digest)
                )
            };
            match stands(change.cell, &digest, now, platform, facts) {
                Ok(true) => continue,
                Ok(false) => {
                    let service = &cell.service;
                    return Against::Differs(format!(
                        "{}: what ran there is another image; release what is there now under a tag of its own, or give what ran \
                         one: tidegate retag {service} {digest} --as TAG",
                        means()
                    ));
                }
                Err(_) if !is_its => {
                    if elsewhere.last() != Some(environment) {
                        elsewhere.push(environment.clone());
                    }
                }
                Err(why) => {
                    let words = || {
                        format!(
                            "{}: whether that is another image is not known: {why}",
                            means()
                        )
                    };
                    not_known.get_or_insert_with(words);
                }
            }
            is_same = false;
        }
        if is_same {
            same.push(cell.environment);
        }
    }
    match not_known {
        Some(words) => Against::NotKnown(words),
        None if !elsewhere.is_empty() => Against::Elsewhere(elsewhere),
        None if same.is_empty() => Against::Unsaid,
        None => Against::Same(same),
    }
}

/// Whether a digest that runs is what the registry has now.
fn stands(
    cell: &CellKey,
    digest: &str,
    now: &ImageThere,
    platform: Option<&str>,
    facts: &Facts,
) -> Result<bool, String> {
    if now.has(digest) {
        return Ok(true);
    }
    let was = match facts.answer(&of_digest(cell, digest)) {
        Some(Answer::Image(Ok(image))) => image.there.as_ref(),
        Some(Answer::Image(Err(why))) => return Err(why.clone()),
        _ => return Err("nobody asked the registry for it".to_owned()),
    };
    let was = was.ok_or("the registry does not have it any more")?;
    if was.nested || now.nested {
        return Err("an index holds another one".to_owned());
    }
    let (was, now) = (was.of(platform), now.of(platform));
    match (was.is_subset(&now), was.is_disjoint(&now)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        (true, true) => Err("it says nothing of the platform".to_owned()),
        (false, false) => {
            Err("it is the same for some platforms (`platform` of the gate names one)".to_owned())
        }
    }
}

impl ImageThere {
    /// Whether a node that runs this digest may have got it by this version.
    fn has(&self, digest: &str) -> bool {
        self.digest == digest || self.images.contains_key(digest)
    }

    /// The images that it stands for: all, or those for a platform.
    fn of(&self, platform: Option<&str>) -> BTreeSet<&str> {
        if self.images.is_empty() {
            return [self.digest.as_str()].into();
        }
        let images = self
            .images
            .iter()
            .filter(|(_, it)| platform.is_none() || it.is_none() || it.as_deref() == platform);
        images.map(|(digest, _)| digest.as_str()).collect()
    }
}

/// What the pods of a cell run of a version of an image, by digest and whether they have it from the same place; nothing of
/// what was known before its cluster was lost.
fn runs(
    cell: &CellKey,
    version: &Version,
    image: &ImageFacts,
    facts: &Facts,
) -> BTreeMap<(String, bool), u32> {
    let mut runs = BTreeMap::new();
    let live = facts.running(cell).and_then(|seen| seen.cell());
    let Some(live) = live.filter(|live| !live.stale && !live.hidden) else {
        return runs;
    };
    // Registries and paths really differ between environments; the name tells it from the other images of a pod's service.
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let name = last(&image.image);
    for (running, pulled) in live.pulled() {
        if last(&pulled.image) == name && same_version(running, version) {
            let full = ImageName::parse(&pulled.image);
            let is_its = full.is_some_and(|full| full.to_string() == image.image);
            *runs.entry((pulled.digest.clone(), is_its)).or_default() += 1;
        }
    }
    runs
}

/// The cells upstream of one, and itself.
fn cells(cell: &CellKey, topology: &Topology) -> impl Iterator<Item = CellKey> {
    let upstream = topology.get(&cell.environment).into_iter();
    let names = upstream.flat_map(|environment| environment.from.clone());
    let names = names.chain([cell.environment.clone()]);
    let service = cell.service.clone();
    names.map(move |name| CellKey::new(service.clone(), name))
}

fn of_digest(cell: &CellKey, digest: &str) -> Question {
    Question::Image(ImageQuestion {
        cell: cell.clone(),
        version: Version::from(digest),
        attestations: None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const ARM: &str = "linux/arm64";
    const AMD: &str = "linux/amd64";

    /// An index, or a single manifest where it holds nothing.
    fn there(digest: &str, images: &[(&str, Option<&str>)]) -> ImageThere {
        ImageThere {
            digest: digest.to_owned(),
            images: images
                .iter()
                .map(|(digest, platform)| ((*digest).to_owned(), platform.map(str::to_owned)))
                .collect(),
            ..ImageThere::default()
        }
    }

    #[test]
    fn a_digest_is_of_the_tag_or_of_another_image_or_nobody_can_tell() {
        let index = || there("i", &[("amd", Some(AMD)), ("arm", Some(ARM))]);
        let nested = ImageThere {
            nested: true,
            ..index()
        };
        type Case = (
            &'static str,
            ImageThere,
            Result<Option<ImageThere>, &'static str>,
            Option<&'static str>,
            Result<bool, &'static str>,
        );
        let nobody = || Err("nobody answers");
        let cases: Vec<Case> = vec![
            ("the index", there("r", &[]), nobody(), None, Ok(true)),
            (
                "a manifest of it",
                there("i", &[("r", None)]),
                nobody(),
                None,
                Ok(true),
            ),
            (
                "nobody knows it",
                index(),
                nobody(),
                None,
                Err("nobody answers"),
            ),
            ("it is gone", index(), Ok(None), None, Err("any more")),
            (
                "another manifest",
                index(),
                Ok(Some(there("r", &[]))),
                None,
                Ok(false),
            ),
            (
                "one for one",
                there("m", &[]),
                Ok(Some(there("r", &[]))),
                None,
                Ok(false),
            ),
            (
                "another index of other images",
                index(),
                Ok(Some(there(
                    "r",
                    &[("old", Some(AMD)), ("older", Some(ARM))],
                ))),
                None,
                Ok(false),
            ),
            (
                "an index that was built again, of the same images",
                index(),
                Ok(Some(there("r", &[("amd", Some(AMD)), ("arm", Some(ARM))]))),
                None,
                Ok(true),
            ),
            (
                "the same for one platform",
                index(),
                Ok(Some(there("r", &[("amd", Some(AMD)), ("old", Some(ARM))]))),
                None,
                Err("some platforms"),
            ),
            (
                "the same for the one that counts",
                index(),
                Ok(Some(there("r", &[("amd", Some(AMD)), ("old", Some(ARM))]))),
                Some(AMD),
                Ok(true),
            ),
            (
                "another for the one that counts",
                index(),
                Ok(Some(there("r", &[("amd", Some(AMD)), ("old", Some(ARM))]))),
                Some(ARM),
                Ok(false),
            ),
            (
                "the index that a copy for one platform was made from",
                there("amd", &[]),
                Ok(Some(there("r", &[("amd", Some(AMD)), ("arm", Some(ARM))]))),
                Some(AMD),
                Ok(true),
            ),
            (
                "not for the platform that counts",
                index(),
                Ok(Some(there("r", &[("old", Some("linux/s390x"))]))),
                Some(AMD),
                Err("nothing of the platform"),
            ),
            (
                "an index in an index",
                nested,
                Ok(Some(there("r", &[]))),
                None,
                Err("holds another one"),
            ),
        ];
        let cell = CellKey::new("web", "prod");
        for (name, now, was, platform, expected) in cases {
            let mut facts = Facts::default();
            let was = was.map_err(str::to_owned).map(|there| ImageFacts {
                image: "r.example/web".to_owned(),
                there,
                before: None,
            });
            facts.learn(
                of_digest(&cell, "r"),
                Timestamp::UNIX_EPOCH,
                Answer::Image(was),
            );
            let said = stands(&cell, "r", &now, platform, &facts);
            match (said, expected) {
                (Ok(said), Ok(expected)) => assert_eq!(said, expected, "{name}"),
                (Err(said), Err(expected)) => assert!(said.contains(expected), "{name}: {said}"),
                (said, expected) => panic!("{name}: {said:?}, not {expected:?}"),
            }
        }
    }
}
