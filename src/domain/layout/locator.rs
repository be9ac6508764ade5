//! Where in a document a version stands: `images[*]{name=**/{service}}.newTag`, parsed and looked up.

mod mistakes;
mod parse;

use std::sync::Arc;

use super::{
    bindings::Bindings,
    part::image_name_end,
    pattern::{Pattern, closing},
};
use crate::domain::manifest::{self, NodePath, NodeRef};

use parse::parse;

/// Says that the text found so far is a document of its own, and that the path goes on inside it.
const INSIDE: &str = "(yaml)";
/// Nodes that one look-up visits at most: nested aliases must not cost seconds.
const VISITS: u32 = 500_000;

/// A compiled path through a document.
#[derive(Clone, Debug)]
pub(crate) struct Locator {
    source: String,
    steps: Vec<Step>,
    /// The way on inside the text that the steps lead to, which is YAML or JSON itself: what stands behind `(yaml)`.
    inside: Option<Box<Locator>>,
}

/// One step of it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The value of this key.
    Key(String),
    /// The values of keys that match; what the pattern captures is bound.
    KeyLike(Pattern),
    /// Any key or item.
    Any,
    /// Any depth, none too; the keys on the way are bound, joined by dots.
    Deep(Option<Arc<str>>),
    /// The item at this index.
    Index(usize),
    /// The item that has so many behind it, itself counted: 1 is the last.
    FromEnd(usize),
    /// Each item.
    Each,
    /// Stays where it is if this field's text matches; of an `images` item its name counts without tag and digest too. Of a
    /// field that is a list, once for each of its texts, or names of things, that matches.
    Where(Vec<String>, Pattern),
    /// Stays where it is if this field is missing or says nothing: `{ref=}`.
    Without(Vec<String>),
}

/// A node that was found.
#[derive(Debug)]
pub(crate) struct Match<'t> {
    /// The node.
    pub(crate) node: NodeRef<'t>,
    /// The mapping or sequence it stands in.
    pub(crate) parent: Option<NodeRef<'t>>,
    /// The way there from the document's root.
    pub(crate) path: NodePath,
    /// Whether a merge key or an alias on the way brought it: writing to it changes other places too.
    pub(crate) borrowed: bool,
    /// A key on the way, or its own, that stands twice: readers disagree on which of them counts.
    pub(crate) duplicate: Option<Doubled>,
    /// What was captured.
    pub(crate) bindings: Bindings,
}

impl Locator {
    /// Compiles `source`; `environments` are the spellings that `$envs` stands for. The error is a sentence.
    pub(crate) fn compile(source: &str, environments: &[&str]) -> Result<Self, String> {
        let parses = |text: &str| Self::read(text, environments).is_ok();
        if let Some(wrong) = mistakes::mistake(source, &parses) {
            return Err(wrong);
        }
        let locator = Self::read(source, environments)?;
        let wrong = match locator.innermost().steps.last() {
            Some(Step::Where(..) | Step::Without(_)) => Some(mistakes::condition_last(source)),
            Some(Step::Index(_) | Step::FromEnd(_)) => mistakes::item_of_a_text(source),
            _ => None,
        };
        wrong.map_or(Ok(locator), Err)
    }

    fn read(source: &str, environments: &[&str]) -> Result<Self, String> {
        let (outer, inner) = match source.split_once(INSIDE) {
            Some((outer, inner)) => {
                // A list inside: its brackets stand right behind, as behind a key.
                let list = inner.starts_with('[').then_some(inner);
                let inner = inner.strip_prefix('.').or(list);
                let inner = inner.filter(|_| !outer.is_empty());
                let inner = inner.ok_or_else(|| {
                    format!(
                        "`{source}`: `{INSIDE}` stands between the path to a text and the path inside it, as in \
                         `helm.values.{INSIDE}.image.tag`"
                    )
                })?;
                if inner.contains(INSIDE) {
                    return Err(format!("`{source}`: `{INSIDE}` can stand once"));
                }
                let outer = outer.strip_suffix('.').unwrap_or(outer);
                (outer, Some(inner))
            }
            None => (source, None),
        };
        let inside = inner.map(|inner| Self::read(inner, environments));
        Ok(Self {
            source: source.to_owned(),
            steps: parse(outer, environments)?,
            inside: inside.transpose()?.map(Box::new),
        })
    }

    /// The way on inside the text that it leads to, where that is YAML itself.
    pub(crate) fn inside(&self) -> Option<&Self> {
        self.inside.as_deref()
    }

    /// The part of it that ends at the value.
    pub(crate) fn innermost(&self) -> &Self {
        self.inside().unwrap_or(self)
    }

    /// As a person would write it to mean one of the places that it finds: with what was captured there.
    pub(crate) fn written(&self, bound: &Bindings) -> String {
        let mut text = self.source.clone();
        for (name, value) in bound.iter() {
            let hole = format!("{{{name}");
            let mut from = 0;
            while let Some(at) = text[from..].find(&hole).map(|at| from + at) {
                from = at + hole.len();
                let behind = text[from..].chars().next();
                let end = closing(&text[at..], '{', '}').map(|end| at + end + 1);
                let (Some('}' | ':' | '*'), Some(end)) = (behind, end) else {
                    continue;
                };
                let start = if text[..at].ends_with("**") {
                    at - 2
                } else {
                    at
                };
                // An empty way takes its dot along.
                let dot = usize::from(value.is_empty() && text[end..].starts_with('.'));
                text.replace_range(start..end + dot, value);
                from = start + value.len();
            }
        }
        text
    }

    /// What it may have meant, where it finds nothing in files that are there.
    pub(crate) fn meant(&self) -> Option<String> {
        mistakes::behind_a_list(&self.source)
    }

    /// As it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Its steps, from the document's root.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same without its last step: where a key that is missing would stand.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, steps) = self.steps.split_last()?;
        Some(Self {
            source: self.source.clone(),
            steps: steps.to_vec(),
            inside: None,
        })
    }

    /// How many characters of its keys and conditions stand for themselves.
    pub(crate) fn written_out(&self) -> usize {
        let steps = self.steps.iter().map(|step| match step {
            Step::Key(key) => key.len(),
            Step::KeyLike(pattern) | Step::Where(_, pattern) => pattern.written_out(),
            _ => 0,
        });
        steps.sum::<usize>() + self.inside().map_or(0, Self::written_out)
    }

    /// The names it captures.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        for step in &self.steps {
            match step {
                Step::KeyLike(pattern) | Step::Where(_, pattern) => names.extend(pattern.names()),
                Step::Deep(Some(name)) => names.push(Arc::clone(name)),
                _ => {}
            }
        }
        names.extend(self.inside().into_iter().flat_map(Self::names));
        names
    }

    /// The path as it is written out where every capture is bound; `None` where some step means more than one place.
    pub(crate) fn concrete(&self, bound: &Bindings) -> Option<NodePath> {
        let mut path = Vec::new();
        for step in &self.steps {
            match step {
                Step::Key(key) => path.push(manifest::Step::Key(key.clone())),
                Step::Index(index) => path.push(manifest::Step::Index(*index)),
                Step::KeyLike(pattern) => path.push(manifest::Step::Key(pattern.fill(bound)?)),
                Step::Deep(Some(name)) => {
                    let keys = bound.get(name)?.split('.').filter(|key| !key.is_empty());
                    path.extend(keys.map(|key| manifest::Step::Key(key.to_owned())));
                }
                Step::Any
                | Step::Each
                | Step::FromEnd(_)
                | Step::Deep(None)
                | Step::Where(..)
                | Step::Without(_) => {
                    return None;
                }
            }
        }
        Some(path)
    }

    /// Every node of `root`'s document that it leads to, in document order.
    pub(crate) fn find<'t>(&self, root: NodeRef<'t>, bound: &Bindings) -> Vec<Match<'t>> {
        let mut search = Search {
            path: Vec::new(),
            bindings: bound.clone(),
            visits: VISITS,
            duplicate: None,
            found: Vec::new(),
        };
        search.walk(&self.steps, root, None, false);
        search.found
    }
}

/// A key that stands twice in its mapping, on the way to a version or its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubled {
    /// Where the one is that counts.
    pub(crate) line: u32,
    /// Where the other one is.
    pub(crate) earlier: u32,
}

struct Search<'t> {
    path: NodePath,
    bindings: Bindings,
    visits: u32,
    /// The last key on the way that stands twice.
    duplicate: Option<Doubled>,
    found: Vec<Match<'t>>,
}

impl<'t> Search<'t> {
    fn walk(
        &mut self,
        steps: &[Step],
        node: NodeRef<'t>,
        parent: Option<NodeRef<'t>>,
        borrowed: bool,
    ) {
        if self.visits == 0 {
            return;
        }
        self.visits -= 1;
        let Some((step, rest)) = steps.split_first() else {
            self.found.push(Match {
                node,
                parent,
                path: self.path.clone(),
                borrowed,
                duplicate: self.duplicate,
                bindings: self.bindings.clone(),
            });
            return;
        };
        let before = self.bindings.len();
        match step {
            Step::Key(key) => {
                if let Some(found) = node.get(key) {
                    let borrowed = borrowed || found.merged || node.is_alias();
                    let way = self.through(&found);
                    self.descend(rest, key, found.value, node, borrowed);
                    self.duplicate = way;
                }
            }
            Step::KeyLike(pattern) => {
                for found in node.entries() {
                    let key = found.key.text().unwrap_or_default();
                    if pattern.match_into(key, &mut self.bindings) {
                        let borrowed = borrowed || found.merged || node.is_alias();
                        let way = self.through(&found);
                        self.descend(rest, key, found.value, node, borrowed);
                        self.duplicate = way;
                        self.bindings.truncate(before);
                    }
                }
            }
            Step::Any => self.children(rest, node, borrowed),
            Step::Deep(name) => self.deep(rest, name.as_ref(), node, parent, borrowed, ""),
            Step::Index(index) => {
                if let Some(item) = node.items().nth(*index) {
                    self.enter(rest, *index, item, node, borrowed || node.is_alias());
                }
            }
            Step::FromEnd(behind) => {
                let index = node.items().count().checked_sub(*behind);
                if let Some((index, item)) = index.and_then(|at| Some((at, node.items().nth(at)?)))
                {
                    self.enter(rest, index, item, node, borrowed || node.is_alias());
                }
            }
            Step::Each => {
                for (index, item) in node.items().enumerate() {
                    self.enter(rest, index, item, node, borrowed || node.is_alias());
                }
            }
            Step::Where(field, pattern) => {
                let value = field
                    .iter()
                    .try_fold(node, |node, key| Some(node.get(key)?.value));
                let text = value.and_then(NodeRef::text).unwrap_or_default();
                let name = self.image_name(field, text);
                let matches = value.is_some_and(|value| value.text().is_some())
                    && (name.is_some_and(|name| pattern.match_into(name, &mut self.bindings))
                        || pattern.match_into(text, &mut self.bindings));
                if matches {
                    self.walk(rest, node, parent, borrowed);
                }
                let items = value.into_iter().flat_map(NodeRef::items);
                // A thing in a list is called by its name.
                let called = |item: NodeRef<'t>| {
                    let named = || item.get("name")?.value.text();
                    item.text().or_else(named)
                };
                for text in items.filter_map(called) {
                    let before = self.bindings.len();
                    if pattern.match_into(text, &mut self.bindings) {
                        self.walk(rest, node, parent, borrowed);
                    }
                    self.bindings.truncate(before);
                }
            }
            Step::Without(field) => {
                let value = field
                    .iter()
                    .try_fold(node, |node, key| Some(node.get(key)?.value));
                if value.is_none_or(|it| it.is_null() || it.text().is_some_and(str::is_empty)) {
                    self.walk(rest, node, parent, borrowed);
                }
            }
        }
        self.bindings.truncate(before);
    }

    /// The name of the image that a field of an `images` item has a tag or digest of: `postgres` of `name: postgres:11`.
    fn image_name<'a>(&self, field: &[String], text: &'a str) -> Option<&'a str> {
        let [.., manifest::Step::Key(list), manifest::Step::Index(_)] = self.path.as_slice() else {
            return None;
        };
        let field = field.first().filter(|_| field.len() == 1)?;
        let end = image_name_end(text);
        (list == "images" && matches!(field.as_str(), "name" | "newName") && end < text.len())
            .then(|| &text[..end])
    }

    /// Goes through a key: what is below it is below a double, if it is one. What was so before.
    fn through(&mut self, found: &manifest::Found<'t>) -> Option<Doubled> {
        let here = found.duplicate.map(|earlier| Doubled {
            line: found.key.line(),
            earlier,
        });
        let way = self.duplicate;
        self.duplicate = here.or(way);
        way
    }

    fn descend(
        &mut self,
        rest: &[Step],
        key: &str,
        value: NodeRef<'t>,
        parent: NodeRef<'t>,
        borrowed: bool,
    ) {
        self.path.push(manifest::Step::Key(key.to_owned()));
        self.walk(rest, value, Some(parent), borrowed);
        self.path.pop();
    }

    fn enter(
        &mut self,
        rest: &[Step],
        index: usize,
        item: NodeRef<'t>,
        parent: NodeRef<'t>,
        borrowed: bool,
    ) {
        self.path.push(manifest::Step::Index(index));
        self.walk(rest, item, Some(parent), borrowed);
        self.path.pop();
    }

    fn children(&mut self, rest: &[Step], node: NodeRef<'t>, borrowed: bool) {
        for found in node.entries() {
            let key = found.key.text().unwrap_or_default();
            let borrowed = borrowed || found.merged || node.is_alias();
            let way = self.through(&found);
            self.descend(rest, key, found.value, node, borrowed);
            self.duplicate = way;
        }
        for (index, item) in node.items().enumerate() {
            self.enter(rest, index, item, node, borrowed || node.is_alias());
        }
    }

    #[allow(clippy::too_many_arguments)] // The state of one recursion; a struct for it would be built at every node.
    fn deep(
        &mut self,
        rest: &[Step],
        name: Option<&Arc<str>>,
        node: NodeRef<'t>,
        parent: Option<NodeRef<'t>>,
        borrowed: bool,
        taken: &str,
    ) {
        if self.visits == 0 {
            return;
        }
        let before = self.bindings.len();
        if name.is_none_or(|name| self.bindings.bind(name, taken)) {
            self.walk(rest, node, parent, borrowed);
        }
        self.bindings.truncate(before);
        let join = |part: &str| match (name, taken) {
            (None, _) => String::new(),
            (_, "") => part.to_owned(),
            _ => format!("{taken}.{part}"),
        };
        for found in node.entries() {
            let key = found.key.text().unwrap_or_default();
            let borrowed = borrowed || found.merged || node.is_alias();
            let way = self.through(&found);
            self.path.push(manifest::Step::Key(key.to_owned()));
            self.deep(rest, name, found.value, Some(node), borrowed, &join(key));
            self.path.pop();
            self.duplicate = way;
        }
        for (index, item) in node.items().enumerate() {
            let borrowed = borrowed || node.is_alias();
            self.path.push(manifest::Step::Index(index));
            let part = index.to_string();
            self.deep(rest, name, item, Some(node), borrowed, &join(&part));
            self.path.pop();
        }
    }
}

#[cfg(test)]
mod tests;
