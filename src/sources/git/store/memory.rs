//! What was read lately from packs.

use std::sync::Arc;

use super::Type;

/// How much is remembered of what was read.
const REMEMBERED: usize = 6 << 20;
/// Larger objects are not remembered.
const LARGEST_REMEMBERED: usize = 128 << 10;
const SLOTS: usize = 4096;
/// So much room of what was forgotten is kept at hand.
const SPARE: usize = 16;

/// What was read lately, by place: the base of the next older tree is mostly the newer one.
#[derive(Default)]
pub(super) struct Memory {
    slots: Vec<Option<Remembered>>,
    /// What all of them take.
    size: usize,
    /// The slot that is emptied next, when they take too much.
    hand: usize,
    /// Room of what was forgotten, to be filled again.
    spare: Vec<Vec<u8>>,
}

struct Remembered {
    pack: usize,
    at: u64,
    kind: Type,
    data: Arc<Vec<u8>>,
}

impl Memory {
    pub(super) fn get(&self, pack: usize, at: u64) -> Option<(Type, Arc<Vec<u8>>)> {
        let known = self.slots.get(slot(at))?.as_ref()?;
        (known.pack == pack && known.at == at).then(|| (known.kind, Arc::clone(&known.data)))
    }

    pub(super) fn put(&mut self, pack: usize, at: u64, kind: Type, data: &Arc<Vec<u8>>) {
        // Commits are no bases of anything that a walk reads next.
        if data.len() > LARGEST_REMEMBERED || kind == Type::Commit {
            return;
        }
        if self.slots.is_empty() {
            self.slots = std::iter::repeat_with(|| None).take(SLOTS).collect();
        }
        self.size += data.capacity();
        let left = self.slots[slot(at)].replace(Remembered {
            pack,
            at,
            kind,
            data: Arc::clone(data),
        });
        self.forget(left);
        while self.size > REMEMBERED {
            self.hand = (self.hand + 1) % SLOTS;
            let left = self.slots[self.hand].take();
            self.forget(left);
        }
    }

    fn forget(&mut self, left: Option<Remembered>) {
        let Some(left) = left else { return };
        self.size -= left.data.capacity();
        if self.spare.len() < SPARE
            && let Some(room) = Arc::into_inner(left.data)
        {
            self.spare.push(room);
        }
    }

    /// An empty buffer for so many bytes.
    pub(super) fn room(&mut self, size: usize) -> Vec<u8> {
        match self.spare.pop() {
            // Much more room than is needed would be kept for nothing.
            Some(mut room) if room.capacity() <= size.saturating_mul(2) => {
                room.clear();
                room
            }
            _ => Vec::with_capacity(size),
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // Twelve bits are left.
fn slot(at: u64) -> usize {
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
}
