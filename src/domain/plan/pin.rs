//! Tags that come into an environment which pins them (`immutable = { pin = true }`): each is written with the digest that it
//! means at its registry when the plan is made. Where the registry does not say, nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChangeRequest, Intent, PlanInput, SkipCause, build::wanted, eligible::declares};
use crate::domain::{
    desired::{Desired, RefName},
    gate::{Answer, Facts, ImageQuestion, Question},
    ids::CellKey,
    image,
    subject::Subject,
    topology::Topology,
    version::Version,
};

type Refusal = (SkipCause, String);

/// What is written in place of tags, by cell, or why that is not known.
#[derive(Debug, Default)]
pub(super) struct Pins(BTreeMap<CellKey, Result<Version, String>>);

impl Pins {
    /// Asks for all that is to be pinned, side by side.
    pub(super) fn ask(
        requests: &[ChangeRequest],
        facts: &mut Facts,
        input: &PlanInput<'_>,
    ) -> Self {
        let mut merges = BTreeMap::new();
        let asked: Vec<(&CellKey, Version, Question)> = requests
            .iter()
            .filter_map(|request| {
                let version = comes(request, input)?;
                let question =
                    pin_question(&request.cell, &version, input.desired, input.topology)?;
                let own = input.desired.cells.get(&request.cell);
                let stays = own.is_some_and(|cell| declares(cell, &version));
                (!stays && !by_ref(request, &version, &mut merges, input)).then_some((
                    &request.cell,
                    version,
                    question,
                ))
            })
            .collect();
        let questions = asked.iter().map(|(.., question)| question);
        let unknown: BTreeSet<Question> = questions
            .filter(|question| !facts.knows(question))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            facts.extend((input.ask)(&unknown));
        }
        let pins = asked.into_iter().map(|(cell, version, question)| {
            let pinned = pinned(&version, facts.answer(&question));
            (cell.clone(), pinned)
        });
        Self(pins.collect())
    }

    /// What is written of the version that comes into a cell.
    pub(super) fn of(
        &self,
        cell: &CellKey,
        version: Option<Version>,
    ) -> Result<Option<Version>, Refusal> {
        match self.0.get(cell) {
            None => Ok(version),
            Some(Ok(pinned)) => Ok(Some(pinned.clone())),
            Some(Err(why)) => {
                let version = version.as_ref().map_or("it", Version::as_str);
                let why = format!(
                    "{} pins what comes by its digest (`immutable`), and the digest of {version} is not known: {why}",
                    cell.environment
                );
                Err((SkipCause::Held, why))
            }
        }
    }
}

/// The version that a promotion brings or a set writes.
fn comes(request: &ChangeRequest, input: &PlanInput<'_>) -> Option<Version> {
    match request.intent {
        Intent::Promote { .. } | Intent::Set { .. } => wanted(request, input).ok()?,
        Intent::Revert { .. } => None,
    }
}

/// Whether a cell changes by a tag or a merge of branches, which bring what they name.
fn by_ref(
    request: &ChangeRequest,
    version: &Version,
    merges: &mut BTreeMap<(RefName, RefName), bool>,
    input: &PlanInput<'_>,
) -> bool {
    let Intent::Promote { from } = &request.intent else {
        return (input.tag)(&request.cell, &request.intent, Some(version)).is_some();
    };
    let upstream = CellKey::new(request.cell.service.clone(), from.clone());
    let tips = input
        .desired
        .tip(&upstream)
        .zip(input.desired.tip(&request.cell));
    let merged = tips.is_some_and(|(theirs, ours)| {
        let pair = (theirs.name.clone(), ours.name.clone());
        *merges
            .entry(pair)
            .or_insert_with(|| (input.merge)(theirs, ours).is_some())
    });
    merged || (input.tag)(&request.cell, &request.intent, Some(version)).is_some()
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
    (is_image && is_tag).then(|| {
        Question::Image(ImageQuestion {
            cell: cell.clone(),
            version: version.clone(),
            attestations: None,
        })
    })
}

/// A tag with the digest that its registry says it means.
///
/// # Errors
/// Why that is not known, in a sentence.
pub fn pinned(version: &Version, answer: Option<&Answer>) -> Result<Version, String> {
    let image = match answer {
        Some(Answer::Image(image)) => image.as_ref().map_err(Clone::clone)?,
        _ => return Err("nobody asked the registry".to_owned()),
    };
    let there = image.there.as_ref();
    let there = there.ok_or_else(|| format!("the registry has no {version} of {}", image.image))?;
    Ok(Version::from(format!("{version}@{}", there.digest)))
}
