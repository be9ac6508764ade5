//! Which of several places is the version of a service, where an object has more than one: an `Application` has its chart's
//! version, its Git revision, image parameters and values, a `HelmRelease` a chart and an image.
//!
//! What people change is what they promote, so the landed history is asked ([`past`](super::past)): how many commits changed
//! each place that every environment of the service has, since the service is there. A place that differed between
//! environments when the service came counts as changed twice. The place that was changed at least twice, and at least twice
//! as often as any other, is the version. A commit that gives two places the same, as an automation does with an image and the
//! chart of its release, tells nothing between them; of two that never parted it is the first. Where nothing differed and
//! nothing changed, it is the first in the order of the preset, of those that were there from the beginning; one change keeps
//! it, and one change of another makes it unclear. Of several places of one kind (images, charts), those that are called like
//! the service are the only ones that count.
//!
//! Counts grow by one at a time, so the version never goes from one place to another without being unclear between; and what
//! Tidegate writes is counted for the place that was the version already. Differences between environments of today, which
//! a promotion takes away, and other services say nothing.
//!
//! A digest that only says which image a tag is, as of two parameters `image.tag` and `image.digest`, is no place of its own.
//!
//! Where no place stands in every environment, nothing is the version, unless each environment has but one and all of these
//! hold a tag of the service's own image, as where one overrides a parameter and another an image of Kustomize.
//!
//! What this does not tell apart is not guessed: the cell declares nothing, and a problem names the places and the keys that
//! would decide. So it is where history ends before the service began, as in a shallow clone: a full one would count
//! otherwise, and both must write the same place.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    assemble::{Assembler, Contribution},
    bindings::Bindings,
    compile::Layout,
    level::{Finder, Level},
    matrix::fact,
    part::{Part, is_digest},
    past::{Cut, Past, Pasts, Unknown},
};
use crate::domain::{
    grammar::Grammar,
    ids::{EnvironmentName, ServiceName},
    subject::Subject,
    version::Version,
};

/// Captures that tell places of one kind apart, the preferred first.
const KINDS: [&str; 3] = ["parameter", "chart", "image"];
/// A place that was not the version from the beginning is it once it has changed so often.
const ENOUGH: usize = 2;
/// The same where older history is not looked at: with each commit that comes, an old one falls out of what is counted.
const ENOUGH_OF_A_WINDOW: usize = 3;

/// A service of a layout table.
pub type Row = (usize, ServiceName);

/// What was decided. A service that is not in it has one place, or none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<Row, Choice>);

/// Which place it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one.
    Field(Field),
    /// It cannot be told which of these.
    Unclear {
        /// Those that may be it.
        of: Vec<Field>,
        /// What history would say is not known; why.
        cut: Option<Unknown>,
    },
}

/// A place that an object of this kind may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Field {
    /// The preset's reading.
    variant: usize,
    /// Which of its places: the name of an image, a chart, a parameter.
    of: String,
}

/// What a field says, by environment.
pub(super) type Values = BTreeMap<EnvironmentName, BTreeSet<Version>>;

/// What the places of a service say.
pub(super) type Places = BTreeMap<Field, Values>;

/// What stands in the places of services that have several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub(super) rows: BTreeMap<Row, Places>,
    /// Those that hold a tag of the service's own image.
    own_images: BTreeSet<(Row, Field)>,
}

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

impl Standing {
    /// What the tree in `assembler` says.
    pub fn of(assembler: &Assembler) -> Self {
        let mut all = Self::default();
        for at in 0..assembler.cells.len() {
            all.add(assembler, at);
        }
        all
    }

    /// Adds what one cell says.
    pub(super) fn add(&mut self, assembler: &Assembler, cell: usize) {
        let cell = &assembler.cells[cell];
        for known in &cell.contributions {
            let Some(version) = &known.version else {
                continue;
            };
            let Some((layout, field)) = field(assembler, known) else {
                continue;
            };
            let row = (layout.spec, cell.key.service.clone());
            if field.is_own(&row.1) && is_image(assembler, known, layout) {
                self.own_images.insert((row.clone(), field.clone()));
            }
            let places = self.rows.entry(row).or_default();
            let values = places.entry(field).or_default();
            let environment = cell.key.environment.clone();
            values
                .entry(environment)
                .or_default()
                .insert(version.clone());
        }
    }

    /// Whether each environment of a service has but one place, and all of these hold a tag of its own image: a version goes
    /// from one to another as it is.
    fn has_one_image_each(&self, row: &Row, places: &Places) -> bool {
        let environments: BTreeSet<&EnvironmentName> =
            places.values().flat_map(BTreeMap::keys).collect();
        let all: usize = places.values().map(BTreeMap::len).sum();
        let is_own = |field: &Field| self.own_images.contains(&(row.clone(), field.clone()));
        all == environments.len() && places.keys().all(is_own)
    }

    /// Adds what another ref says.
    pub fn join(&mut self, other: Self) {
        for (row, places) in other.rows {
            join(self.rows.entry(row).or_default(), &places);
        }
        self.own_images.extend(other.own_images);
    }

    /// All services in it.
    pub fn rows(&self) -> BTreeSet<Row> {
        self.rows.keys().cloned().collect()
    }

    /// The services whose history decides.
    pub fn open(&self) -> BTreeSet<Row> {
        let open = self.rows.iter().filter(|((_, service), places)| {
            let candidates = candidates(service, places);
            candidates.len() > 1
                || candidates.first().is_some_and(|only| {
                    let mut partly = partly(service, places, only);
                    partly.next().is_some()
                })
        });
        open.map(|(row, _)| row.clone()).collect()
    }
}

/// Adds what another part of the places says.
pub(super) fn join(places: &mut Places, other: &Places) {
    for (field, values) in other {
        let known = places.entry(field.clone()).or_default();
        for (environment, versions) in values {
            let known = known.entry(environment.clone()).or_default();
            known.extend(versions.iter().cloned());
        }
    }
}

/// Whether two places say the same in the same environments; an image's `v1.2.3` is a chart's `1.2.3`.
pub(super) fn is_same(one: &Values, other: &Values) -> bool {
    fn bare(version: &Version) -> &str {
        let text = version.as_str();
        let rest = text.strip_prefix('v');
        rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(text)
    }
    let equal = |one: &BTreeSet<Version>, other: &BTreeSet<Version>| {
        let [one, other] = [one, other].map(|it| it.iter().map(bare).collect::<BTreeSet<_>>());
        one == other
    };
    let mut both = one.iter().zip(other);
    one.len() == other.len() && both.all(|(one, other)| one.0 == other.0 && equal(one.1, other.1))
}

/// Whether a place is not the same in all environments that have it.
fn differs(values: &Values) -> bool {
    let mut each = values.values();
    let first = each.next();
    each.any(|versions| Some(versions) != first)
}

impl Choices {
    /// What follows from what stands there and from what the history of each ref says. A service that is in no history
    /// counts as new: it began with what stands there.
    pub fn of(standing: &Standing, pasts: &[Past]) -> Self {
        let pasts = Pasts::of(pasts);
        let chosen = standing.rows.iter().filter_map(|(row, places)| {
            let choice = choose(row, places, standing, &pasts)?;
            Some((row.clone(), choice))
        });
        Self(chosen.collect())
    }

    /// What may be so, before any history was asked: where that would have to tell, the first of those that may be it.
    pub(super) fn at_a_glance(standing: &Standing) -> Self {
        let mut all = Self::of(standing, &[]);
        for choice in all.0.values_mut() {
            if let Choice::Unclear { of, .. } = choice
                && let Some(first) = of.iter().min()
            {
                *choice = Choice::Field(first.clone());
            }
        }
        all
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
            Self::Unclear { .. } => true,
        }
    }
}

/// The place of one service, as the module's head says.
fn choose(row: &Row, places: &Places, standing: &Standing, pasts: &Pasts<'_>) -> Option<Choice> {
    if places.len() < 2 {
        return None;
    }
    let service = &row.1;
    let candidates = candidates(service, places);
    if candidates.is_empty() {
        if standing.has_one_image_each(row, places) {
            return None;
        }
        // Read each in its own place, one environment's version would be promoted into another kind of place.
        let of = places.keys().cloned().collect();
        return Some(Choice::Unclear { of, cut: None });
    }
    let of = || candidates.iter().map(|field| (*field).clone()).collect();
    let unclear = |cut: Option<Unknown>| Some(Choice::Unclear { of: of(), cut });
    let past = pasts.get(row);
    let is_window = match past.as_ref().and_then(|past| past.cut) {
        None => false,
        Some(Cut::Window) => true,
        // The only one that every environment has is it, whatever was.
        Some(Cut::Unknown(_)) if candidates.len() == 1 => {
            return Some(Choice::Field(candidates[0].clone()));
        }
        Some(Cut::Unknown(why)) => return unclear(Some(why.clone())),
    };
    let began = past.as_ref().map_or(places, |past| &past.began);
    let first = first(service, began).filter(|_| !is_window);
    let count = |field: &Field| {
        let changes = past.as_ref().map_or(0, |past| past.changes(field));
        // Where history is not looked at whole, what it began with is not known.
        let differed = !is_window && began.get(field).is_some_and(differs);
        changes + if differed { ENOUGH } else { 0 }
    };
    let enough = |field: &Field| {
        if Some(field) == first {
            0
        } else if is_window {
            ENOUGH_OF_A_WINDOW
        } else {
            ENOUGH
        }
    };
    // How often one was changed without the other.
    let apart = |one: &Field, other: &Field| {
        if one.variant == other.variant {
            // Several images, or charts, are never one and the same version.
            return count(one);
        }
        let changes = past.as_ref().map_or(0, |past| past.apart(one, other));
        let differed = |field| began.get(field).filter(|it| !is_window && differs(it));
        let alone = match (differed(one), differed(other)) {
            (Some(one), Some(other)) => !is_same(one, other),
            (one, _) => one.is_some(),
        };
        changes + if alone { ENOUGH } else { 0 }
    };
    let leads = |one: &Field, other: &Field| {
        let (mine, theirs) = (apart(one, other), apart(other, one));
        // Where they always said the same, it is the first.
        let is_before = Some(one) == first || (Some(other) != first && one < other);
        let least = if is_before && !(is_window && theirs > 0) {
            0
        } else if is_window {
            ENOUGH_OF_A_WINDOW
        } else {
            ENOUGH
        };
        mine >= least.max(2 * theirs)
    };
    let wins = |field: &Field| {
        let mut others = candidates.iter().filter(|other| **other != field);
        count(field) >= enough(field) && others.all(|other| leads(field, other))
    };
    let found = match candidates.as_slice() {
        [only] => only,
        several => match several.iter().find(|field| wins(field)) {
            Some(found) => found,
            None => return unclear(None),
        },
    };
    // What was the version until an environment came without it, or lost it.
    let was_it = |field: &&Field| count(field) >= enough(field) && leads(field, found);
    let left = partly(service, places, found).filter(was_it);
    let mut of: Vec<Field> = left.cloned().collect();
    if of.is_empty() {
        return Some(Choice::Field((*found).clone()));
    }
    of.push((*found).clone());
    Some(Choice::Unclear { of, cut: None })
}

/// The places that every environment has, in the order of the preset; of a kind of which one is called like the service,
/// those that are.
fn candidates<'a>(service: &ServiceName, places: &'a Places) -> Vec<&'a Field> {
    let all: BTreeSet<&EnvironmentName> = places.values().flat_map(BTreeMap::keys).collect();
    let mut found: Vec<&Field> = places
        .iter()
        .filter_map(|(field, values)| (values.len() == all.len()).then_some(field))
        .collect();
    let digests = digests(places);
    found.retain(|field| !digests.contains(field));
    let own = found.iter().filter(|field| field.is_own(service));
    let own: BTreeSet<usize> = own.map(|field| field.variant).collect();
    found.retain(|field| field.is_own(service) || !own.contains(&field.variant));
    found
}

/// The places that hold nothing but the digest of the tag in another place: they are a part of it.
fn digests(places: &Places) -> BTreeSet<&Field> {
    // Without a tag, both are the same.
    let is_part = |digests: &BTreeSet<Version>, whole: &BTreeSet<Version>, is_after: bool| {
        let mut digests = digests.iter();
        digests.all(|digest| {
            let of = |whole: &Version| match whole.as_str().rsplit_once('@') {
                Some((_, of)) => of == digest.as_str(),
                None => is_after && whole == digest,
            };
            is_digest(digest.as_str()) && whole.iter().any(of)
        })
    };
    let found = places.iter().filter(|(field, values)| {
        let mut others = places.iter().filter(|(other, _)| other != field);
        others.any(|(other, others)| {
            let mut each = values.iter();
            each.all(|(name, digests)| {
                let whole = others.get(name);
                whole.is_some_and(|whole| is_part(digests, whole, other < *field))
            })
        })
    });
    found.map(|(field, _)| field).collect()
}

/// The places that not all environments have which `found` does, without those that a name beside it rules out.
fn partly<'a>(
    service: &'a ServiceName,
    places: &'a Places,
    found: &'a Field,
) -> impl Iterator<Item = &'a Field> {
    let all = places.get(found).map_or(0, BTreeMap::len);
    let digests = digests(places);
    let partly = places.iter().filter(move |(field, values)| {
        let beside =
            field.variant == found.variant && found.is_own(service) && !field.is_own(service);
        !beside && values.len() < all && !digests.contains(field)
    });
    partly.map(|(field, _)| field)
}

/// What is the version where nothing else tells: the first in the preset's order, where it is the only one of its kind.
fn first<'a>(service: &ServiceName, places: &'a Places) -> Option<&'a Field> {
    let candidates = candidates(service, places);
    let (first, others) = candidates.split_first()?;
    let alone = others.iter().all(|other| other.variant != first.variant);
    alone.then_some(*first)
}

/// Whether a contribution is the tag of an image.
fn is_image(assembler: &Assembler, known: &Contribution, layout: &Layout) -> bool {
    let fact = known.fact.and_then(|at| fact(assembler, known, at));
    let (Some(fact), Some(level)) = (fact, layout.levels.first()) else {
        return false;
    };
    let subject = level.subject(&fact.bindings, known.version.as_ref());
    let subject = layout.subject.unwrap_or(subject);
    let grammar = level.grammar(subject, &fact.bindings, None);
    subject == Subject::Image && matches!(grammar, Grammar::Tag | Grammar::Image)
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
