//! Tags that come into an environment which pins them (`immutable = { pin = true }`): each is written with the digest that it
//! means at its registry when the plan is made. Where the registry does not say, it is the gate's to judge the tag alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ChangeRequest, Intent, PlanInput,
    build::wanted,
    eligible::{declares, declares_or_pins},
};
use crate::domain::{
    desired::{DesiredCell, RefName},
    gate::{Facts, Question, pin_question, pinned},
    ids::CellKey,
    version::Version,
};

/// What is written in place of tags, by cell.
#[derive(Debug, Default)]
pub(super) struct Pins(BTreeMap<CellKey, Pin>);

/// A tag that is written with its digest.
#[derive(Clone, Debug)]
pub(super) struct Pin {
    /// The tag.
    pub(super) tag: Version,
    /// The same with the digest; `None`: the registry did not say it.
    pinned: Option<Version>,
}

impl Pin {
    /// What is written: where the digest is not known, the tag alone.
    pub(super) fn written(&self) -> &Version {
        self.pinned.as_ref().unwrap_or(&self.tag)
    }

    /// Whether a cell declares it. With any digest of the tag, where nobody knows which it would be: none is taken away.
    pub(super) fn is_in(&self, cell: &DesiredCell) -> bool {
        match &self.pinned {
            Some(pinned) => declares(cell, pinned),
            None => declares_or_pins(cell, &self.tag),
        }
    }
}

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
        let pins = asked.into_iter().map(|(cell, tag, question)| {
            let pinned = pinned(&tag, facts.answer(&question));
            (cell.clone(), Pin { tag, pinned })
        });
        Self(pins.collect())
    }

    /// What is written of the tag that comes into a cell; `None`: what comes is written as it is.
    pub(super) fn of(&self, cell: &CellKey) -> Option<&Pin> {
        self.0.get(cell)
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
