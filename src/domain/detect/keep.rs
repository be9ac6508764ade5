//! What is left of a guess, and of what its layouts read, when some of its layouts are taken out.

use std::collections::BTreeSet;

use super::{Guess, words};
use crate::domain::desired::Desired;

impl Guess {
    /// Takes out the layouts that are not `kept`, in every list that goes by them, with their cells in `desired`: there too
    /// a layout is known by its place. Environments that stood in those alone go with them.
    pub(super) fn retain(&mut self, kept: &[bool], desired: &mut Desired) {
        let before = columns(desired);
        only(&mut self.layouts, kept);
        only(&mut self.explained, kept);
        only(&mut self.moved, kept);
        let mut next = 0;
        let places = kept.iter().map(|kept| {
            next += usize::from(*kept);
            kept.then(|| next - 1)
        });
        let places: Vec<Option<usize>> = places.collect();
        desired.cells.retain(|_, cell| {
            let place = places.get(cell.layout).copied().flatten();
            cell.layout = place.unwrap_or(cell.layout);
            place.is_some()
        });
        let after = columns(desired);
        let lost = |name: &str| before.contains(name) && !after.contains(name);
        let all = self.environments.len();
        self.environments.retain(|name| !lost(name));
        if self.environments.len() < all {
            self.edges = words::edges(&self.environments);
            self.places.retain(|name, _| !lost(name));
        }
    }
}

/// The environments that something stands in.
fn columns(desired: &Desired) -> BTreeSet<String> {
    let cells = desired.cells.iter();
    let used = cells.filter(|(_, cell)| cell.version.is_some());
    used.map(|(key, _)| key.environment.as_str().to_owned())
        .collect()
}

/// Leaves what is `kept`; what is beyond it stays.
pub(super) fn only<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter().copied();
    items.retain(|_| kept.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::layout::testing::Small;

    /// The cells of the second layout are known by the first's place once that is gone.
    #[test]
    fn what_goes_by_layouts_is_taken_out_together() {
        let layouts = r#"{ preset = "kustomize", path = "a/{service}/{env}/kustomization.yaml" }, { yaml = "tag", path = "b/{env}/{service}.yaml" }"#;
        const IMAGE: &str = "images: [{name: r/web, newTag: v1.2.3}]\n";
        let small = Small::new(
            layouts,
            &["dev", "prod"],
            &[
                ("a/web/dev/kustomization.yaml", IMAGE),
                ("b/prod/api.yaml", "tag: 1.2.3\n"),
            ],
        );
        let mut desired = small.desired();
        let mut guess = Guess {
            environments: vec!["dev".into(), "prod".into()],
            edges: vec![("dev".into(), "prod".into())],
            layouts: crate::domain::layout::testing::specs(layouts),
            explained: vec![1, 1],
            moved: vec![3, 4],
            ..Guess::default()
        };
        guess.retain(&[false, true], &mut desired);
        assert_eq!(guess.layouts[0].yaml.as_deref(), Some("tag"));
        assert_eq!((guess.explained, guess.moved), (vec![1], vec![4]));
        assert_eq!((guess.environments.len(), guess.edges.len()), (1, 0));
        let left: Vec<_> = desired.cells.iter().collect();
        assert_eq!((left.len(), left[0].1.layout), (1, 0));
        assert_eq!(left[0].0.environment.as_str(), "prod");
    }
}
