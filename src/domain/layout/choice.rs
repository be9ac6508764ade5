//! Which of several places is the version of a service, where an object has more than one: an `Application` has its chart's
//! version, its Git revision, image parameters and values, a `HelmRelease` a chart and an image.
//!
//! What people change is what they promote, so the tree is asked: of the places that every environment of the service has,
//! the first whose values differ between environments. Where nothing differs, what differs for the other services of the
//! same layout; where that says nothing either, the order of the preset. Of several places of one kind (images, charts) the
//! one that is called like the service comes first. What none of this tells apart is not guessed: the cell declares nothing,
//! and a problem names the places and the keys that would decide.
//!
//! It is decided once, by the first tree that is read, and the same for every environment and commit: a promotion that makes
//! two environments equal must not make another place the version.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    assemble::{Assembler, Contribution},
    bindings::Bindings,
    compile::Layout,
    level::{Finder, Level},
    matrix::fact,
    part::Part,
};
use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    version::Version,
};

/// Captures that tell places of one kind apart, the preferred first.
const KINDS: [&str; 3] = ["parameter", "chart", "image"];

/// What was decided, by layout table and service. A service that is not in it has one place, or none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choices(BTreeMap<(usize, ServiceName), Choice>);

/// Which place it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one.
    Field(Field),
    /// It cannot be told.
    Unclear,
}

/// A place that an object of this kind has in every environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Field {
    /// The preset's reading.
    variant: usize,
    /// Which of its places: the name of an image, a chart, a parameter.
    of: String,
}

/// What a field says, by environment.
type Values = BTreeMap<EnvironmentName, BTreeSet<Version>>;

impl Field {
    /// The field that a layout's reading found; `None` where the layout has but one.
    pub(super) fn of(layout: &Layout, bound: &Bindings) -> Option<Self> {
        let of = KINDS.iter().find_map(|name| bound.get(name));
        layout.contested.then(|| Self {
            variant: layout.variant,
            of: of.unwrap_or_default().to_owned(),
        })
    }

    /// Whether it is called like the service, or like nothing at all: `image.tag` is the chart's own.
    fn is_own(&self, service: &ServiceName) -> bool {
        let service = service.as_str().rsplit('/').next().unwrap_or_default();
        let of = self.of.as_str();
        // `web.image.tag` is a parameter of web.
        let first = of.split(['.', '_']).next().unwrap_or_default();
        of.is_empty() || of.eq_ignore_ascii_case(service) || first.eq_ignore_ascii_case(service)
    }
}

impl Choices {
    /// What the tree in `assembler` says.
    pub(super) fn of(assembler: &Assembler) -> Self {
        let mut seen: BTreeMap<(usize, ServiceName), BTreeMap<Field, Values>> = BTreeMap::new();
        for cell in &assembler.cells {
            for known in &cell.contributions {
                let Some((layout, field)) = field(assembler, known) else {
                    continue;
                };
                let Some(version) = &known.version else {
                    continue;
                };
                let key = (layout.spec, cell.key.service.clone());
                let values = seen.entry(key).or_default().entry(field).or_default();
                let environment = cell.key.environment.clone();
                values
                    .entry(environment)
                    .or_default()
                    .insert(version.clone());
            }
        }
        seen.retain(|_, fields| fields.len() > 1);
        // What moves for the services of a table, each with how many.
        let mut moving: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut choices = BTreeMap::new();
        let mut open = Vec::new();
        for (key, fields) in seen {
            let candidates = candidates(&key.1, &fields);
            match candidates.iter().find(|it| it.moves) {
                Some(found) => {
                    *moving.entry((key.0, found.variant)).or_default() += 1;
                    choices.insert(key, found.choice());
                }
                None => open.push((key, candidates)),
            }
        }
        for (key, candidates) in open {
            let count = |it: &&Candidate| moving.get(&(key.0, it.variant)).copied();
            let usual = candidates.iter().filter(|it| count(it).is_some());
            // The first of those that most services have.
            let usual = usual.rev().max_by_key(|it| count(it).unwrap_or_default());
            if let Some(found) = usual.or(candidates.first()) {
                choices.insert(key, found.choice());
            }
        }
        Self(choices)
    }

    /// What was decided for a service of a layout table.
    pub(super) fn get(&self, spec: usize, service: &ServiceName) -> Option<&Choice> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(spec, service.clone()))
    }
}

impl Choice {
    /// Whether it leaves this place alone.
    pub(super) fn passes_over(&self, field: &Field) -> bool {
        match self {
            Self::Field(chosen) => chosen != field,
            Self::Unclear => true,
        }
    }
}

/// A reading that every environment of a service has.
struct Candidate {
    variant: usize,
    /// Which of its places; `None` where several are as good.
    field: Option<Field>,
    /// Its values differ between environments.
    moves: bool,
}

impl Candidate {
    fn choice(&self) -> Choice {
        match &self.field {
            Some(field) => Choice::Field(field.clone()),
            None => Choice::Unclear,
        }
    }
}

/// The readings that every environment has, in the order of the preset.
fn candidates(service: &ServiceName, fields: &BTreeMap<Field, Values>) -> Vec<Candidate> {
    let all: BTreeSet<&EnvironmentName> = fields.values().flat_map(BTreeMap::keys).collect();
    let moves = |values: &Values| {
        let versions: BTreeSet<&Version> = values.values().flatten().collect();
        values.len() > 1 && versions.len() > 1
    };
    let mut best: BTreeMap<usize, ((bool, bool), Candidate)> = BTreeMap::new();
    for (field, values) in fields.iter().filter(|(_, it)| it.len() == all.len()) {
        let rank = (field.is_own(service), moves(values));
        let candidate = Candidate {
            variant: field.variant,
            field: Some(field.clone()),
            moves: rank.1,
        };
        match best.get_mut(&field.variant) {
            Some((known, best)) if *known == rank => {
                // What is called so is it, with or without a second of that name.
                best.field = None;
                best.moves |= candidate.moves;
            }
            Some((known, _)) if *known > rank => {}
            _ => {
                best.insert(field.variant, (rank, candidate));
            }
        }
    }
    best.into_values().map(|(_, candidate)| candidate).collect()
}

/// The layout and the field of a contribution, where there is a choice.
pub(super) fn field<'a>(
    assembler: &'a Assembler,
    known: &Contribution,
) -> Option<(&'a Layout, Field)> {
    let layout = &assembler.layouts.layouts[known.presence.layout];
    if !layout.contested || known.rank.level() != 0 {
        return None;
    }
    let fact = fact(assembler, known, known.fact?)?;
    Some((layout, Field::of(layout, &fact.bindings)?))
}

/// The keys of a layout that would mean this place alone, as a person would write them.
pub(super) fn written_out(level: &Level, bound: &Bindings) -> Option<String> {
    let Finder::Tree(locator) = &level.finder else {
        return None;
    };
    let yaml = format!("yaml = \"{}\"", locator.written(bound));
    let part = match &level.part {
        Part::Tag(capture) if locator.source().ends_with("[*]") => {
            let name = regex::escape(bound.get(capture).unwrap_or_default());
            format!(", part = '/(?:^|[/=]){name}[:@](?<v>.+)$/'")
        }
        Part::Tag(_) => ", part = \"tag\"".to_owned(),
        _ => String::new(),
    };
    Some(yaml + &part)
}
