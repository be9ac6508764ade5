//! `registry`: the registry has the version, for the platform, attested, and its tag still means what it meant.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Answer, Change, Facts, Finding, Gate, NOT_KNOWN, Question, found};
use crate::domain::{
    age,
    ids::CellKey,
    image::tag_and_digest,
    plan::Outcome,
    policy::{Attestation, Registry},
    version::Version,
};

pub(super) const GATE: Gate = Gate {
    id: "registry",
    about: "the registry has the version, for the platform, and its tag means what it meant",
    promotions_only: false,
    reverts: false,
    acts: |change| change.asks_for(GATE.id) && change.to.is_some() && is_image(change),
    questions: |change| vec![question(change)],
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
    pub attestations: bool,
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
    /// What is attested of it, as predicate types; `signature` where there is one.
    pub attestations: BTreeSet<String>,
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
        attestations: policy(change).is_some_and(|asked| asked.attestation.is_some()),
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
    let short = short(&there.digest);
    let (_, pinned) = tag_and_digest(version.as_str());
    if let Some(pinned) = pinned.filter(|pinned| *pinned != there.digest) {
        let words = format!(
            "the tag of {name} means {short} now, and the version is pinned to {}",
            self::short(pinned)
        );
        return found(Outcome::Hold, words);
    }
    if let Some((before, until)) = &image.before {
        let words = format!(
            "the tag of {name} moved: it means {short} now and meant {} until {} ago; what soaked may be another image",
            self::short(before),
            age::between(*until, now)
        );
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
    let have: Vec<&str> = there.attestations.iter().map(String::as_str).collect();
    match &asked.attestation {
        None => {}
        Some(Attestation::Any) if have.is_empty() => {
            return found(Outcome::Hold, format!("nothing is attested of {name}"));
        }
        Some(Attestation::Any) => said.extend([", attested: ", &have.join(", ")]),
        Some(Attestation::Predicate(predicate)) if have.contains(&predicate.as_str()) => {
            said.extend([", attested: ", predicate]);
        }
        Some(Attestation::Predicate(predicate)) => {
            let what = match have.join(", ") {
                none if none.is_empty() => "nothing is".to_owned(),
                have => format!("only {have} is"),
            };
            return found(
                Outcome::Hold,
                format!("{predicate} is not attested of {name}: {what}"),
            );
        }
    }
    found(Outcome::Pass, said + &age)
}

/// `sha256:9f3c1a2b3c4d`.
fn short(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => format!("{algorithm}:{}", hex.get(..12).unwrap_or(hex)),
        None => digest.to_owned(),
    }
}
