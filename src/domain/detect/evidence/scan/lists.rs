//! Lists of environments that a version stands beside: one line that is of all of them.

use std::rc::Rc;

use super::{super::lexicon, Listed, MOST, Open, Raw, Scan, raw};

/// Lists of environments that a version beside them is for.
const LISTS: [&str; 9] = [
    "environments",
    "environment",
    "envs",
    "targets",
    "stages",
    "clusters",
    "rings",
    "channels",
    "deploy_to",
];

impl Scan<'_> {
    /// Keeps an item of a list of environments.
    pub(super) fn list_item(&mut self, value: &str) {
        let way = match self.stack.as_slice() {
            [way @ .., (_, Open::Item(..))] => way,
            // A thing in the list, by its name.
            [way @ .., (_, Open::Item(..)), (_, Open::Key(key))] if &**key == "name" => way,
            _ => return,
        };
        if let Some((_, Open::Key(key))) = way.last()
            && LISTS.contains(&key.to_ascii_lowercase().as_str())
            && lexicon::weight(value) >= 80
            && self.lists.len() < MOST
        {
            self.lists.push((self.document, raw(way), value.into()));
        }
    }
}

/// The list of environments beside the scalar at `steps`, in the same mapping.
pub(super) fn listed(
    lists: &[(usize, Vec<Raw>, Rc<str>)],
    document: usize,
    steps: &[Raw],
) -> Option<Listed> {
    let (Raw::Key(_), above) = steps.split_last()? else {
        return None;
    };
    let beside = |(of, way, _): &&(usize, Vec<Raw>, Rc<str>)| {
        *of == document && way.len() == steps.len() && way.starts_with(above)
    };
    let mut beside = lists.iter().filter(beside).peekable();
    let (_, way, _) = beside.peek()?;
    let Some(Raw::Key(key)) = way.last() else {
        return None;
    };
    let own = beside.filter(|(_, it, _)| it == way);
    Some((
        Rc::clone(key),
        own.map(|(.., text)| Rc::clone(text)).collect(),
    ))
}
