//! Labels of objects: few each, and kept for very many.

/// Labels, in the order of their names. In a tree, one label would take the room of eleven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    /// The value of the label of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.place(name).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// Whether there is one of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

impl Extend<(String, String)> for Labels {
    /// A label of a name that is there takes its place.
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, labels: I) {
        for (name, value) in labels {
            match self.place(&name) {
                Ok(at) => self.0[at].1 = value.into(),
                Err(at) => self.0.insert(at, (name.into(), value.into())),
            }
        }
        self.0.shrink_to_fit();
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Self {
        let mut all = Self::default();
        all.extend(labels);
        all
    }
}

impl<const N: usize> From<[(String, String); N]> for Labels {
    fn from(labels: [(String, String); N]) -> Self {
        labels.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_by_name_and_the_last_word_counts() {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut labels = Labels::from([label("b", "2"), label("a", "1"), label("b", "3")]);
        assert_eq!((labels.get("a"), labels.get("b")), (Some("1"), Some("3")));
        assert_eq!(labels.get("c"), None);
        labels.extend([label("c", "")]);
        assert!(labels.contains("c") && !labels.contains("d"));
    }
}
