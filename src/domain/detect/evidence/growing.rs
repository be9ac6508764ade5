//! Lists that grow: each release is another item, and the last of them is the one in force.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use super::{
    Place,
    classify::Class,
    scan::{self, LAST, Scalar, Step},
};

/// Items that were put behind the others, from which on a list is one that grows.
const ENOUGH: usize = 2;

/// A list in a file: the way to it, behind each item, and what its document is called.
type List = (Vec<Step>, Vec<Step>, Option<Rc<str>>);

/// When which version came.
type Move = (i64, Rc<str>);

/// What was put behind the other items of lists, newest first.
#[derive(Debug, Default)]
pub(super) struct Growing {
    grown: BTreeMap<(usize, List), Vec<Move>>,
}

impl Growing {
    /// Looks at what a change of a file put behind the items of its lists. `new` are the scalars that are there since.
    pub(super) fn look(&mut self, file: usize, path: &str, change: (i64, &str), new: &[Scalar]) {
        let (time, old) = change;
        let mut candidates = new.iter().filter(|scalar| is_release(scalar)).peekable();
        if candidates.peek().is_none() {
            return;
        }
        // The items that each list had.
        let mut before: HashMap<(List, Option<Rc<str>>), BTreeSet<u32>> = HashMap::new();
        for scalar in scan::scan(path, old) {
            if let Some((list, index)) = list_of(&scalar) {
                let own = before.entry((list, scalar.sign.of)).or_default();
                own.insert(index);
            }
        }
        for scalar in candidates {
            let Some((list, index)) = list_of(scalar) else {
                continue;
            };
            let of = (list, scalar.sign.of.clone());
            let own = before.get(&of).into_iter().flatten();
            let list = of.0;
            if index > 0 && own.copied().eq(0..index) {
                let version = Rc::clone(&scalar.sign.version);
                self.grown
                    .entry((file, list))
                    .or_default()
                    .push((time, version));
            }
        }
    }

    /// Leaves of each list that grows, and of those like it in other files, the last item.
    pub(super) fn tell(self, places: &mut Vec<Place>) {
        let family = |place: &Place| {
            let ((above, behind, _), index) = list_of(&place.scalar)?;
            let above: Vec<Step> = above.into_iter().map(unlabelled).collect();
            let depth = place.path.folders.len();
            let of = (depth, Rc::clone(&place.path.ending));
            is_release(&place.scalar).then_some(((of, above, behind), index))
        };
        // How often a family grew, and how often an item of it changed.
        let mut families: HashMap<_, (usize, usize)> = HashMap::new();
        let mut seen: BTreeSet<(usize, List)> = BTreeSet::new();
        for place in places.iter() {
            let (Some((family, _)), Some((list, _))) = (family(place), list_of(&place.scalar))
            else {
                continue;
            };
            let counts = families.entry(family).or_default();
            counts.1 += place.moves.len();
            let list = (place.file, list);
            let grown = self.grown.get(&list).map_or(0, Vec::len);
            if seen.insert(list) {
                counts.0 += grown;
            }
        }
        families.retain(|_, (grown, changed)| *grown >= ENOUGH && grown > changed);
        if families.is_empty() {
            return;
        }
        // What else stands in an item, and is no image, is said of a release: the day of it.
        let lists: HashSet<_> = families.keys().map(|(of, above, _)| (of, above)).collect();
        places.retain(|place| {
            let own = list_of(&place.scalar).map(|((above, behind, _), _)| {
                let above: Vec<Step> = above.into_iter().map(unlabelled).collect();
                let of = (place.path.folders.len(), Rc::clone(&place.path.ending));
                (of, above, behind)
            });
            let beside =
                |own: (_, _, _)| !families.contains_key(&own) && lists.contains(&(&own.0, &own.1));
            let image = place.scalar.sign.class == Class::Image;
            image || !own.is_some_and(beside)
        });
        let mut last: HashMap<(usize, List), u32> = HashMap::new();
        let grows = |place: &Place| {
            let (family, index) = family(place)?;
            let (list, _) = list_of(&place.scalar)?;
            families
                .contains_key(&family)
                .then_some(((place.file, list), index))
        };
        for (list, index) in places.iter().filter_map(grows) {
            let own = last.entry(list).or_default();
            *own = index.max(*own);
        }
        places.retain(|place| grows(place).is_none_or(|(list, index)| last[&list] == index));
        let grown = self.grown;
        for place in places.iter_mut() {
            if let Some((list, _)) = grows(place) {
                place.moves = grown.get(&list).cloned().unwrap_or_default();
                let at = place.scalar.steps.iter().rposition(is_item);
                place.scalar.steps[at.unwrap_or_default()] = Step::Item(None, LAST);
            }
        }
    }
}

/// Whether an item of a list is called by its version alone: others are things, of which one more came.
fn is_release(scalar: &Scalar) -> bool {
    let mut items = scalar.steps.iter().rev();
    match items.find(|step| is_item(step)) {
        Some(Step::Item(Some(label), _)) => label.ends_with(&*scalar.sign.version),
        Some(_) => true,
        None => false,
    }
}

fn is_item(step: &Step) -> bool {
    matches!(step, Step::Item(..))
}

fn unlabelled(step: Step) -> Step {
    match step {
        Step::Item(..) => Step::Item(None, 0),
        step => step,
    }
}

/// The innermost list that a scalar stands in, and the index of its item.
fn list_of(scalar: &Scalar) -> Option<(List, u32)> {
    let steps = &scalar.steps;
    let at = steps.iter().rposition(is_item)?;
    let Step::Item(_, index) = steps[at] else {
        return None;
    };
    let name = scalar.name.clone();
    let list = (steps[..at].to_vec(), steps[at + 1..].to_vec(), name);
    Some((list, index))
}
