//! What the configurations of earlier commits said, remembered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{config::Config, domain::ids::ObjectId};

/// So many configurations of earlier commits are remembered, and of so many bytes as files. A walk seldom meets more.
const MOST_KEPT: usize = 256;
const MOST_KEPT_BYTES: usize = 4 << 20;

/// What the configurations of earlier commits say, shared by all copies of a session: a commit never says anything else, so a
/// walk from a new tip reads only what is new. No more than [`MOST_KEPT`] of them, and of [`MOST_KEPT_BYTES`].
#[derive(Clone, Debug, Default)]
pub struct Configurations(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<ConfigurationSource, Known>,
    /// Of the files that they were read from.
    bytes: usize,
    /// How often something was asked for or kept.
    uses: u64,
}

#[derive(Debug)]
struct Known {
    said: Said,
    bytes: usize,
    /// When it was asked for last, in uses.
    used: u64,
}

/// What a configuration was made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ConfigurationSource {
    /// This blob says all of it.
    Blob(ObjectId),
    /// Its layout was guessed from the tree of this commit.
    Tree(ObjectId),
}

/// A configuration, or what is wrong with it.
pub(super) type Said = Result<Arc<Config>, String>;

impl Configurations {
    pub(super) fn get(&self, place: &ConfigurationSource) -> Option<Said> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let known = kept.of.get_mut(place)?;
        known.used = uses;
        Some(known.said.clone())
    }

    /// Keeps what a file of so many bytes says. What was not asked for longest makes room for it.
    pub(super) fn keep(&self, place: ConfigurationSource, said: Said, bytes: usize) {
        if bytes > MOST_KEPT_BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(&place);
        while kept.of.len() >= MOST_KEPT || kept.bytes + bytes > MOST_KEPT_BYTES {
            let oldest = kept.of.iter().min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(place, _)| place.clone()) else {
                break;
            };
            kept.forget(&oldest);
        }
        kept.uses += 1;
        kept.bytes += bytes;
        let used = kept.uses;
        kept.of.insert(place, Known { said, bytes, used });
    }
}

impl Kept {
    fn forget(&mut self, place: &ConfigurationSource) {
        if let Some(known) = self.of.remove(place) {
            self.bytes -= known.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: usize) -> ConfigurationSource {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&number.to_be_bytes());
        ConfigurationSource::Blob(ObjectId::new(id))
    }

    /// What is asked for stays, however much comes; and no more of it than there may be.
    #[test]
    fn what_is_remembered_of_configurations_has_bounds() {
        for (name, bytes) in [
            ("many small ones", 0),
            ("of a few kilobytes", 2_000),
            ("large ones", MOST_KEPT_BYTES / 3),
            ("as large as all may be", MOST_KEPT_BYTES),
            ("larger", MOST_KEPT_BYTES + 1),
        ] {
            let known = Configurations::default();
            for number in 0..3 * MOST_KEPT {
                known.get(&place(0));
                known.keep(place(number), Err(String::new()), bytes);
                // The same again is not counted twice.
                known.keep(place(number), Err(String::new()), bytes);
            }
            let kept = known.0.lock().unwrap();
            assert!(kept.of.len() <= MOST_KEPT, "{name}");
            assert!(kept.bytes <= MOST_KEPT_BYTES, "{name}");
            assert_eq!(kept.bytes, kept.of.len() * bytes, "{name}");
            let expected = MOST_KEPT.min(MOST_KEPT_BYTES.checked_div(bytes).unwrap_or(MOST_KEPT));
            assert_eq!(kept.of.len(), expected, "{name}");
            drop(kept);
            let stays = known.get(&place(0)).is_some();
            assert_eq!(stays, expected > 1, "{name}: asked for each time");
        }
    }
}
