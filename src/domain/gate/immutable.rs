//! `immutable`: the version will still mean the same tomorrow.

use jiff::Timestamp;

use super::{
    Answer, Change, Facts, Finding, Gate, ImageQuestion, NOT_KNOWN, Question,
    digests::{self, Against},
    found, registry,
};
use crate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName},
    image,
    plan::{Level, Outcome},
    subject::Subject,
    topology::Topology,
    version::{Version, VersionKind},
};

pub(super) const GATE: Gate = Gate {
    id: "immutable",
    about: "the version names one build, today and tomorrow",
    promotions_only: false,
    reverts: false,
    acts: |_| true,
    questions: |change| {
        let pins = change.pins.into_iter();
        pins.flat_map(|tag| {
            let runs = if change.may_go_back(GATE.id) || change.asks_for(registry::GATE.id) {
                Vec::new()
            } else {
                digests::questions(change, tag)
            };
            std::iter::once(question(change.cell, tag)).chain(runs)
        })
        .collect()
    },
    judge,
};

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    let Some(to) = change.to else {
        return found(Outcome::Pass, "no version is written");
    };
    let own = by_its_text(change, to);
    let pin = change
        .pins
        .and_then(|tag| unpinned(change, tag, facts, now));
    match (pin, own.outcome) {
        (None, _) => own,
        // Whatever the registry says later, this one is not written.
        (Some(pin), Outcome::Hold) => Finding {
            detail: format!("{}; {}", own.detail, pin.detail),
            ..own
        },
        (Some(pin), _) => pin,
    }
}

/// What the version itself says.
fn by_its_text(change: &Change<'_>, to: &Version) -> Finding {
    let names: Vec<&str> = change
        .desired
        .environments
        .iter()
        .map(EnvironmentName::as_str)
        .collect();
    let subject = change
        .desired
        .cells
        .get(change.cell)
        .map(|cell| cell.subject);
    if subject == Some(Subject::Setting) {
        return found(Outcome::Pass, "a setting names no build");
    }
    let wants_digest = change.gates().is_some_and(|gates| gates.digest);
    if wants_digest
        && subject.is_none_or(Subject::may_have_digest)
        && to.kind(&names) != VersionKind::Digest
    {
        let detail = format!(
            "{to} is not pinned by a digest, as {} asks",
            change.cell.environment
        );
        return found(Outcome::Hold, detail);
    }
    if to.kind(&names) != VersionKind::Mutable {
        return found(Outcome::Pass, format!("{to} names one build"));
    }
    // Nothing stops going back.
    let holds = change.is_protected() && !change.may_go_back(GATE.id);
    let (level, outcome) = if holds {
        (Level::Hold, Outcome::Hold)
    } else {
        (Level::Warn, Outcome::Warn)
    };
    Finding {
        level,
        outcome,
        detail: format!("{to} is mutable: it may mean another build tomorrow"),
        earliest: None,
    }
}

/// Why a tag is not written with its digest, or should not be with the one that it has now; `None`: it is.
fn unpinned(change: &Change<'_>, tag: &Version, facts: &Facts, now: Timestamp) -> Option<Finding> {
    let target = &change.cell.environment;
    let image = match facts.answer(&question(change.cell, tag)) {
        Some(Answer::Image(Ok(image))) => Ok(image),
        Some(Answer::Image(Err(why))) => Err(why.as_str()),
        _ => Err("nobody asked the registry"),
    };
    match image {
        Err(why) => {
            let words = format!("{NOT_KNOWN}the digest of {tag}, which {target} pins: {why}");
            Some(found(change.unknown(GATE.id), words))
        }
        Ok(image) if image.there.is_none() => {
            let words = format!(
                "{target} pins {tag} by its digest, and the registry has no {tag} of {}",
                image.image
            );
            Some(found(Outcome::Hold, words))
        }
        // Where the gate `registry` acts, it says so.
        Ok(_) if change.asks_for(registry::GATE.id) => None,
        Ok(image) => {
            let there = image.there.as_ref()?;
            match digests::compare(change, tag, (image, there), None, facts) {
                Against::Differs(words) => return Some(found(Outcome::Hold, words)),
                Against::NotKnown(words) if registry::moved(image, tag, now).is_none() => {
                    let words = format!("{NOT_KNOWN}{words}");
                    return Some(found(change.unknown(GATE.id), words));
                }
                _ => {}
            }
            let words = registry::moved(image, tag, now)?;
            Some(found(Outcome::Hold, words))
        }
    }
}

/// What the registry is asked before a version comes into a cell; `None` where it comes as it is: its environment does not
/// pin, it has a digest, or it is of no image.
pub fn pin_question(
    cell: &CellKey,
    version: &Version,
    desired: &Desired,
    topology: &Topology,
) -> Option<Question> {
    let gates = topology.policy.of(&cell.environment);
    gates.filter(|gates| gates.pin)?;
    let declared = desired.cells.get(cell);
    let is_image = declared.is_none_or(|cell| Subject::may_have_digest(cell.subject));
    let (tag, digest) = image::tag_and_digest(version.as_str());
    let is_tag = tag.is_some_and(image::is_tag) && digest.is_none();
    (is_image && is_tag).then(|| question(cell, version))
}

fn question(cell: &CellKey, tag: &Version) -> Question {
    Question::Image(ImageQuestion {
        cell: cell.clone(),
        version: tag.clone(),
        attestations: None,
    })
}

/// A tag with the digest that its registry says it means; `None`: that is not known.
pub fn pinned(tag: &Version, answer: Option<&Answer>) -> Option<Version> {
    let Some(Answer::Image(Ok(image))) = answer else {
        return None;
    };
    let there = image.there.as_ref()?;
    Some(Version::from(format!("{tag}@{}", there.digest)))
}
