//! Which scalars of a document were read while something was looked up in it.
//!
//! What a reader found depends on the texts that it read, and on no others: where another version of the file differs in
//! texts alone, this says which answers are the same.

use std::cell::Cell;

use super::tree::NodeId;

/// What the text of a node was read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// How often it was read as the value that was being evaluated.
    pub(crate) values: u8,
    /// Whether it decided anything else: which nodes there are, or what another value means.
    pub(crate) decides: bool,
}

/// The uses of a document's nodes; nothing is noted until [`Reads::begin`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    uses: Box<[Cell<Use>]>,
    /// The value that is being evaluated.
    evaluated: Cell<Option<NodeId>>,
    paused: Cell<bool>,
}

impl Reads {
    /// Notes the uses of `count` nodes from here on.
    pub(super) fn begin(&mut self, count: usize) {
        self.uses = vec![Cell::new(Use::default()); count].into();
    }

    /// The text of `node` was read.
    pub(super) fn note(&self, node: NodeId) {
        let Some(known) = self.uses.get(node).filter(|_| !self.paused.get()) else {
            return;
        };
        // Evaluating a value reads its text as often as it likes: it was counted when that began.
        if self.evaluated.get() != Some(node) {
            decide(known);
        }
    }

    /// Evaluates `node` as a value. Where that gives nothing, its text has decided so.
    pub(crate) fn evaluate<T>(
        &self,
        node: NodeId,
        evaluate: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let Some(known) = self.uses.get(node) else {
            return evaluate();
        };
        self.evaluated.set(Some(node));
        let found = evaluate();
        self.evaluated.set(None);
        let mut used = known.get();
        used.values = used.values.saturating_add(1);
        used.decides |= found.is_none();
        known.set(used);
        found
    }

    /// The text of `node` decides more than its own value.
    pub(crate) fn decides(&self, node: NodeId) {
        if let Some(known) = self.uses.get(node) {
            decide(known);
        }
    }

    /// Reads that nothing depends on.
    pub(crate) fn aside<T>(&self, read: impl FnOnce() -> T) -> T {
        let before = self.paused.replace(true);
        let read = read();
        self.paused.set(before);
        read
    }

    /// What a node was read for.
    pub(crate) fn of(&self, node: NodeId) -> Use {
        self.uses.get(node).map(Cell::get).unwrap_or_default()
    }
}

fn decide(known: &Cell<Use>) {
    known.set(Use {
        decides: true,
        ..known.get()
    });
}
