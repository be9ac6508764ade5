//! `registry`: the registry has the version, for the platform, attested, and its tag still means what it meant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Answer, Change, Facts, Finding, Gate, NOT_KNOWN, Question,
    digests::{self, Against},
    found,
};
use crate::domain::{
    age,
    ids::{CellKey, EnvironmentName},
    image::tag_and_digest,
    plan::Outcome,
    policy::{Attestation, Registry},
    rollout::short_digest,
    version::Version,
};

pub(super) const GATE: Gate = Gate {
    id: "registry",
    about: "the registry has the version, for the platform, and its tag means what it meant",
    promotions_only: false,
    reverts: false,
    acts: |change| change.asks_for(GATE.id) && change.to.is_some() && is_image(change),
    questions: |change| {
        let runs = change
            .to
            .filter(|_| !change.may_go_back(GATE.id))
            .map(|version| digests::questions(change, version));
        let mut all = vec![question(change)];
        all.extend(runs.into_iter().flatten());
        all
    },
    judge,
};

/// An image whose registry is to be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageQuestion {
    /// The cell in whose files the image's name stands.
    pub cell: CellKey,
    /// The version that it would get.
    pub version: Version,
    /// Its attestations are asked for too.
    pub attestations: Option<AttestedOf>,
}

/// What of an image has to be attested.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttestedOf {
    /// Whatever it is for.
    Each,
    /// What is for this platform.
    Platform(String),
}

/// What a registry says of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// The image, with its registry.
    pub image: String,
    /// What it has; `None`: nothing of that name.
    pub there: Option<ImageThere>,
    /// Another digest that the same tag was seen with before, and until when.
    pub before: Option<(String, Timestamp)>,
}

/// An image that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageThere {
    /// The digest that the tag, or the digest, means now.
    pub digest: String,
    /// The platforms that it is for: `linux/amd64`, `linux/arm/v7`. Empty: it does not say.
    pub platforms: BTreeSet<String>,
    /// Where it is an index: the images that it holds, by digest, with their platforms where it says them.
    pub images: BTreeMap<String, Option<String>>,
    /// It is an index that holds another one, whose images are not here.
    pub nested: bool,
    /// What is attested of it.
    pub attested: Attested,
}

/// What is attested of an image, as predicate types; `signature` where there is one. That it is there was seen; who signed it was
/// not verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attested {
    /// Of all of it.
    pub whole: BTreeSet<String>,
    /// Of each image of an index, by its platform or, where it says none, by its digest.
    pub parts: BTreeMap<String, BTreeSet<String>>,
    /// There is more than was looked at: what is not here may be attested.
    pub is_part: bool,
}

fn is_image(change: &Change<'_>) -> bool {
    let cell = change.desired.cells.get(change.cell);
    cell.is_none_or(|cell| !cell.subject.is_hidden())
}

fn policy<'a>(change: &Change<'a>) -> Option<&'a Registry> {
    change.gates()?.registry.as_ref()
}

fn question(change: &Change<'_>) -> Question {
    Question::Image(ImageQuestion {
        cell: change.cell.clone(),
        version: change.to.cloned().unwrap_or_else(|| Version::from("")),
        attestations: policy(change).and_then(|asked| {
            asked.attestation.as_ref()?;
            let platform = asked.platform.clone();
            Some(platform.map_or(AttestedOf::Each, AttestedOf::Platform))
        }),
    })
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    let not_known = |why: &str| found(change.unknown(GATE.id), format!("{NOT_KNOWN}{why}"));
    let (Some(asked), Some(version)) = (policy(change), change.to) else {
        return not_known("nothing is asked");
    };
    let image = match facts.answer(&question(change)) {
        Some(Answer::Image(Ok(image))) => image,
        Some(Answer::Image(Err(why))) => return not_known(why),
        _ => return not_known("nobody asked the registry"),
    };
    let name = format!("{}:{version}", image.image);
    let Some(there) = &image.there else {
        let words = format!("the registry has no {version} of {}", image.image);
        return found(Outcome::Hold, words);
    };
    let short = short_digest(&there.digest);
    let (_, pinned) = tag_and_digest(version.as_str());
    if let Some(pinned) = pinned.filter(|pinned| *pinned != there.digest) {
        let words = format!(
            "the tag of {name} means {short} now, and the version is pinned to {}",
            short_digest(pinned)
        );
        return found(Outcome::Hold, words);
    }
    let platform = asked.platform.as_deref();
    let runs = digests::compare(change, version, (image, there), platform, facts);
    if let Against::Differs(words) = runs {
        return found(Outcome::Hold, words);
    }
    if let Some(words) = moved(image, version, now) {
        return found(Outcome::Hold, words);
    }
    let asked_at = facts.at(&question(change));
    let age = asked_at.map_or_else(String::new, |at| {
        format!(" ({} ago)", age::between(at, now))
    });
    let mut said = format!("{name} is {short}");
    if let Some(platform) = &asked.platform {
        if there.platforms.is_empty() {
            return not_known(&format!("{name} does not say for which platform it is"));
        }
        if !there.platforms.contains(platform) {
            let have: Vec<&str> = there.platforms.iter().map(String::as_str).collect();
            let words = format!(
                "{name} is not for {platform}: it is for {}",
                have.join(", ")
            );
            return found(Outcome::Hold, words);
        }
        said.extend([", for ", platform]);
    }
    if let Some(wanted) = &asked.attestation {
        if let Some(why) = lacks(wanted, platform, &there.attested, &name) {
            if there.attested.is_part {
                return not_known(&format!("{why}, of what was looked at: there is more"));
            }
            return found(Outcome::Hold, why);
        }
        let what = match wanted {
            Attestation::Any => there.attested.all(platform),
            Attestation::Predicate(predicate) => predicate.clone(),
        };
        said.extend([
            ", attested: ",
            &what,
            " (it is there; its signature is not verified)",
        ]);
    }
    match runs {
        Against::NotKnown(words) => return not_known(&words),
        Against::Same(environments) => {
            let names: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
            said.extend([", as ", &names.join(" and "), " runs it"]);
        }
        Against::Elsewhere(environments) => {
            let names: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
            said.extend([
                ", which cannot be compared with what ",
                &names.join(" and "),
                " runs from another registry or path",
            ]);
        }
        Against::Differs(_) | Against::Unsaid => {}
    }
    found(Outcome::Pass, said + &age)
}

/// That a tag meant another digest not long ago; `None`: that is not known of it.
pub(super) fn moved(image: &ImageFacts, version: &Version, now: Timestamp) -> Option<String> {
    let (before, until) = image.before.as_ref()?;
    let there = image.there.as_ref()?;
    Some(format!(
        "the tag of {}:{version} moved: it means {} now and meant {} until {} ago; what soaked may be another image",
        image.image,
        short_digest(&there.digest),
        short_digest(before),
        age::between(*until, now)
    ))
}

/// Why what is attested does not do; `None`: it does.
fn lacks(
    wanted: &Attestation,
    platform: Option<&str>,
    attested: &Attested,
    name: &str,
) -> Option<String> {
    let does = |found: &BTreeSet<String>| match wanted {
        Attestation::Any => !found.is_empty(),
        Attestation::Predicate(predicate) => found.contains(predicate),
    };
    if does(&attested.whole) {
        return None;
    }
    let (good, bad): (Vec<_>, Vec<_>) = attested.of(platform).partition(|(_, found)| does(found));
    if bad.is_empty() && !good.is_empty() {
        return None;
    }
    let names: Vec<&str> = bad.iter().map(|(name, _)| name.as_str()).collect();
    let of = match names.join(", ") {
        none if none.is_empty() => name.to_owned(),
        names => format!("{name} for {names}"),
    };
    let Attestation::Predicate(predicate) = wanted else {
        return Some(format!("nothing is attested of {of}"));
    };
    let have = bad.iter().flat_map(|(_, found)| found.iter());
    let have: BTreeSet<&str> = have.chain(&attested.whole).map(String::as_str).collect();
    let have: Vec<&str> = have.into_iter().collect();
    let what = match have.join(", ") {
        none if none.is_empty() => "nothing is".to_owned(),
        have => format!("only {have} is"),
    };
    Some(format!("{predicate} is not attested of {of}: {what}"))
}

impl Attested {
    /// Of the images of an index: of all, or of what is for a platform.
    fn of<'a>(
        &'a self,
        platform: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a String, &'a BTreeSet<String>)> {
        self.parts
            .iter()
            .filter(move |(name, _)| platform.is_none_or(|platform| platform == name.as_str()))
    }

    /// Everything that is attested of what is asked for.
    fn all(&self, platform: Option<&str>) -> String {
        let parts = self.of(platform).flat_map(|(_, found)| found.iter());
        let all: BTreeSet<&str> = parts.chain(&self.whole).map(String::as_str).collect();
        let all: Vec<&str> = all.into_iter().collect();
        all.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attested_is_attested_of_what_would_run() {
        let set = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
        let attested = |whole: &[&str], parts: &[(&str, &[&str])]| Attested {
            whole: set(whole),
            parts: parts
                .iter()
                .map(|(name, found)| ((*name).to_owned(), set(found)))
                .collect(),
            is_part: false,
        };
        let slsa = Attestation::Predicate("slsa".to_owned());
        let (amd, arm) = ("linux/amd64", "linux/arm64");
        let one_only = attested(&[], &[(amd, &["slsa"]), (arm, &["sbom"])]);
        let cases = [
            (&slsa, None, attested(&["slsa"], &[]), None),
            (
                &slsa,
                None,
                attested(&["slsa"], &[(amd, &[]), (arm, &[])]),
                None,
            ),
            (&slsa, Some(amd), one_only.clone(), None),
            (
                &slsa,
                Some(arm),
                one_only.clone(),
                Some("slsa is not attested of x for linux/arm64: only sbom is"),
            ),
            (
                &slsa,
                None,
                one_only.clone(),
                Some("slsa is not attested of x for linux/arm64: only sbom is"),
            ),
            (&Attestation::Any, None, one_only, None),
            (
                &Attestation::Any,
                None,
                attested(&[], &[(amd, &["slsa"]), (arm, &[])]),
                Some("nothing is attested of x for linux/arm64"),
            ),
            (
                &slsa,
                Some(amd),
                attested(&["signature"], &[]),
                Some("slsa is not attested of x: only signature is"),
            ),
            (
                &slsa,
                None,
                Attested::default(),
                Some("slsa is not attested of x: nothing is"),
            ),
        ];
        for (wanted, platform, attested, expected) in cases {
            let said = lacks(wanted, platform, &attested, "x");
            assert_eq!(said.as_deref(), expected, "{platform:?} {attested:?}");
        }
    }
}
