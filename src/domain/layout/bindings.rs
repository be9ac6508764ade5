//! What has been captured so far, in order, while a path, a document or a ref is matched.

use std::sync::Arc;

use crate::domain::template::Texts;

/// Captured texts by name. Few, so a list; names are shared with the layout that owns them, texts between all that
/// were captured together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bindings(Vec<(Arc<str>, Arc<str>)>);

impl Bindings {
    /// The text captured as `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
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

    /// The same for a text that is shared already.
    fn bind_shared(&mut self, name: &Arc<str>, text: &Arc<str>) -> bool {
        if let Some(known) = self.get(name) {
            return known == &**text;
        }
        self.0.push((Arc::clone(name), Arc::clone(text)));
        true
    }

    /// Changes the text of `name`, if it is captured.
    pub(crate) fn set(&mut self, name: &str, text: &str) {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| &**known == name) {
            *known = text.into();
        }
    }

    /// Both together, or `None` where they contradict each other.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        if self.0.is_empty() {
            return Some(other.clone());
        }
        // A matrix keeps one of each cell: it has the room that it needs.
        let more = other.0.iter().filter(|(name, _)| self.get(name).is_none());
        let mut joined = Self(Vec::with_capacity(self.len() + more.count()));
        joined.0.extend_from_slice(&self.0);
        other
            .0
            .iter()
            .all(|(name, text)| joined.bind_shared(name, text))
            .then_some(joined)
    }

    /// Every capture, in the order it was made.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
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

impl Texts for Bindings {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| &**name).collect()
    }
}

impl<N: Into<Arc<str>>, T: Into<Arc<str>>> FromIterator<(N, T)> for Bindings {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }
}
