//! What has been captured so far, in order, while a path, a document or a ref is matched.

use std::sync::Arc;

/// Captured texts by name. Few, so a list; names are shared with the layout that owns them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bindings(Vec<(Arc<str>, Box<str>)>);

impl Bindings {
    /// The text captured as `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, text)| &**text)
    }

    /// Captures `text` as `name`; `false` where `name` already stands for another text.
    pub(crate) fn bind(&mut self, name: &Arc<str>, text: &str) -> bool {
        if let Some(known) = self.get(name) {
            return known == text;
        }
        self.0.push((Arc::clone(name), text.into()));
        true
    }

    /// Both together, or `None` where they contradict each other.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        let mut joined = self.clone();
        other
            .iter()
            .all(|(name, text)| joined.bind(name, text))
            .then_some(joined)
    }

    /// Every capture, in the order it was made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        self.0.iter().map(|(name, text)| (name, &**text))
    }

    /// Gives back everything captured after the first `count`.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.0.truncate(count);
    }

    /// How many captures there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<N: Into<Arc<str>>, T: Into<Box<str>>> FromIterator<(N, T)> for Bindings {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }
}
