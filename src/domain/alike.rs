//! Many times the same sentence: told a few times, then counted.

use std::{collections::HashMap, hash::Hash};

/// So many of a kind are told one by one.
const EACH: usize = 3;

/// What is told in place of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// This one.
    One(T),
    /// As many more that say the same as the ones told before.
    More {
        /// The last of them that is told.
        like: T,
        /// How many more; never 0.
        count: usize,
    },
}

/// The items in their order; of those with the same `key` the first few, and how many more there are behind the last of them.
///
/// ```
/// use tidegate::domain::alike::{Told, tell};
/// let told = tell(["a1", "b1", "a2", "a3", "a4", "a5"], |item| item.as_bytes()[0]);
/// assert_eq!(told.len(), 5);
/// assert_eq!(told[4], Told::More { like: "a3", count: 2 });
/// ```
pub fn tell<T: Clone, K: Eq + Hash>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<Told<T>> {
    let mut seen: HashMap<K, usize> = HashMap::new();
    let mut shown = Vec::new();
    for item in items {
        let key = key(&item);
        let count = seen.entry(key).or_default();
        *count += 1;
        if *count <= EACH {
            shown.push((item, *count));
        }
    }
    let mut told = Vec::new();
    for (item, nth) in shown {
        let more = seen.get(&key(&item)).map_or(0, |all| all - EACH.min(*all));
        let last = nth == EACH && more > 0;
        told.push(Told::One(item.clone()));
        if last {
            told.push(Told::More {
                like: item,
                count: more,
            });
        }
    }
    told
}

/// What `text` says without these names and without numbers: sentences that differ in them alone say the same of different
/// places.
///
/// ```
/// let gist = tidegate::domain::alike::gist;
/// assert_eq!(gist("apps/web/prod.yaml:12: no tag", &["web", "prod"]), gist("apps/api/dev.yaml:7: no tag", &["api", "dev"]));
/// ```
pub fn gist(text: &str, names: &[&str]) -> String {
    let mut text = text.to_owned();
    for name in names.iter().filter(|name| !name.is_empty()) {
        text = text.replace(name, "\u{0}");
    }
    let mut gist = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_ascii_digit() { '0' } else { c };
        if c != '0' || !gist.ends_with('0') {
            gist.push(c);
        }
    }
    gist
}

/// Some of these texts in one sentence: all of them where they are few, else the first and how many more.
///
/// ```
/// let names: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
/// assert_eq!(tidegate::domain::alike::listed(&names[..2]), "1, 2");
/// assert_eq!(tidegate::domain::alike::listed(&names), "1, 2, 3 and 17 more");
/// ```
pub fn listed(names: &[String]) -> String {
    /// So many are named.
    const FEW: usize = 8;
    if names.len() <= FEW {
        return names.join(", ");
    }
    format!(
        "{} and {} more",
        names[..EACH].join(", "),
        names.len() - EACH
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_of_a_kind_are_counted_and_few_are_told() {
        let few = tell(["a", "b", "a", "a"], |item| *item);
        assert!(few.iter().all(|told| matches!(told, Told::One(_))));
        assert_eq!(few.len(), 4);

        let many = tell(0..20_000, |_| ());
        assert_eq!(many.len(), 4);
        assert_eq!(
            many[3],
            Told::More {
                like: 2,
                count: 19_997
            }
        );
    }
}
