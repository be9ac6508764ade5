//! Reading packs, fast.
//!
//! A walk over a whole history reads most trees and commits of a repository once. This reader keeps
//! little, remembers the bases that the next delta will want, and hashes nothing, as `git` itself
//! does when it walks. It knows nothing but packs with an index of version 2; whatever else an object
//! may be in, or any doubt, is left to libgit2.

mod delta;
mod file;
mod index;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::Decompress;

use self::{
    file::{Base, PackFile},
    index::Index,
};
use crate::domain::ids::ObjectId;

/// Indexes larger than this together are not held in memory; the packs beyond are left to libgit2.
const LARGEST_INDEXES: u64 = 128 << 20;
/// So small, indexes are read for a matrix too.
const SMALL_INDEXES: u64 = 4 << 20;
/// How much is remembered of what was read.
const REMEMBERED: usize = 6 << 20;
/// Larger objects are not remembered.
const LARGEST_REMEMBERED: usize = 128 << 10;
const SLOTS: usize = 4096;
/// So much room of what was forgotten is kept at hand.
const SPARE: usize = 16;

/// The packs of a repository: what threads share.
#[derive(Debug, Default)]
pub(super) struct Packs {
    packs: Vec<(PathBuf, Index)>,
}

/// An object read from a pack.
pub(super) enum Found {
    /// Its kind (1 commit, 2 tree, 3 blob, 4 tag) and bytes.
    Object(u8, Arc<Vec<u8>>),
    /// It has so many bytes, more than allowed.
    TooLarge(usize),
}

impl Packs {
    /// The packs of a git directory and of those it borrows objects from. What cannot be read is left out.
    pub(super) fn open(common_dir: &Path) -> Arc<Self> {
        Self::of(indexes(common_dir))
    }

    /// The same where all the indexes together are small: to read them takes no longer than to find a few hundred objects
    /// without. None otherwise.
    pub(super) fn open_small(common_dir: &Path) -> Arc<Self> {
        let found = indexes(common_dir);
        let size: u64 = found.iter().map(|(size, _)| size).sum();
        if size > SMALL_INDEXES {
            return Arc::default();
        }
        Self::of(found)
    }

    fn of(mut found: Vec<(u64, PathBuf)>) -> Arc<Self> {
        // The largest first: it has most of what a walk asks for.
        found.sort_by(|a, b| b.cmp(a));
        let mut room = LARGEST_INDEXES;
        let mut packs = Vec::new();
        for (size, path) in found {
            let Some(left) = room.checked_sub(size) else {
                continue;
            };
            if let Ok(Some(index)) = Index::read(&path) {
                packs.push((path.with_extension("pack"), index));
                room = left;
            }
        }
        Arc::new(Self { packs })
    }
}

/// The indexes of packs, with their sizes.
fn indexes(common_dir: &Path) -> Vec<(u64, PathBuf)> {
    let mut folders = vec![common_dir.join("objects")];
    let mut next = 0;
    while next < folders.len() && folders.len() < 8 {
        let alternates = folders[next].join("info/alternates");
        let text = std::fs::read_to_string(alternates).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with(['#', '"']));
        let borrowed: Vec<PathBuf> = lines.map(|line| folders[next].join(line)).collect();
        folders.extend(borrowed);
        next += 1;
    }
    let mut found = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(folder.join("pack"));
        found.extend(entries.into_iter().flatten().flatten().filter_map(|entry| {
            let path = entry.path();
            let index = path.extension().is_some_and(|extension| extension == "idx");
            Some((entry.metadata().ok()?.len(), path)).filter(|_| index)
        }));
    }
    found
}

/// Reads from packs on one thread.
pub(super) struct Reader {
    packs: Arc<Packs>,
    files: Vec<Option<PackFile>>,
    inflater: Decompress,
    /// What was inflated last, and room behind it.
    inflated: Vec<u8>,
    memory: Memory,
    /// Where the last object was found; the next is probably there, too.
    last: usize,
}

impl Reader {
    pub(super) fn new(packs: &Arc<Packs>) -> Self {
        Self {
            packs: Arc::clone(packs),
            files: packs.packs.iter().map(|_| None).collect(),
            inflater: Decompress::new(true),
            inflated: Vec::new(),
            memory: Memory::default(),
            last: 0,
        }
    }

    /// The object, if a pack has it and all is well with it.
    pub(super) fn read(&mut self, id: &ObjectId, limit: usize) -> Option<Found> {
        let (pack, at) = self.find(id)?;
        self.at(pack, at, limit)
    }

    fn find(&mut self, id: &ObjectId) -> Option<(usize, u64)> {
        let packs = &self.packs.packs;
        let last = self.last;
        let order = std::iter::once(last).chain((0..packs.len()).filter(|n| *n != last));
        for number in order {
            if let Some(at) = packs.get(number).and_then(|(_, index)| index.find(id)) {
                self.last = number;
                return Some((number, at));
            }
        }
        None
    }

    fn at(&mut self, pack: usize, at: u64, limit: usize) -> Option<Found> {
        let mut deltas = Vec::new();
        let mut next = at;
        let (kind, mut data) = loop {
            if let Some(known) = self.memory.get(pack, next) {
                break known;
            }
            let header = self.file(pack)?.header(next)?;
            if header.size > limit {
                return Some(Found::TooLarge(header.size));
            }
            match header.base {
                None => {
                    self.inflate(pack, header.data, header.size)?;
                    let inflated = self.inflated.get(..header.size)?;
                    if header.kind == 1 {
                        break (1, Arc::new(inflated.to_vec()));
                    }
                    let mut data = self.memory.room(header.size);
                    data.extend_from_slice(inflated);
                    let data = Arc::new(data);
                    self.memory.put(pack, next, header.kind, &data);
                    break (header.kind, data);
                }
                Some(base) => {
                    deltas.push((next, header));
                    next = match base {
                        Base::At(at) => at,
                        Base::Named(name) => {
                            let (_, index) = &self.packs.packs[pack];
                            index.find(&ObjectId::new(name))?
                        }
                    };
                }
            }
        };
        for (at, header) in deltas.into_iter().rev() {
            self.inflate(pack, header.data, header.size)?;
            let inflated = self.inflated.get(..header.size)?;
            let size = delta::size(inflated)?;
            if size > limit {
                return Some(Found::TooLarge(size));
            }
            let mut made = self.memory.room(size);
            delta::apply(&data, inflated, &mut made)?;
            data = Arc::new(made);
            self.memory.put(pack, at, kind, &data);
        }
        Some(Found::Object(kind, data))
    }

    /// Into `inflated`.
    fn inflate(&mut self, pack: usize, at: u64, size: usize) -> Option<()> {
        self.file(pack)?;
        let file = self.files[pack].as_mut()?;
        file.inflate(&mut self.inflater, at, size, &mut self.inflated)
    }

    fn file(&mut self, pack: usize) -> Option<&mut PackFile> {
        let slot = self.files.get_mut(pack)?;
        if slot.is_none() {
            *slot = PackFile::open(&self.packs.packs[pack].0).ok();
        }
        slot.as_mut()
    }
}

/// What was read lately, by place: the base of the next older tree is mostly the newer one.
#[derive(Default)]
struct Memory {
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
    kind: u8,
    data: Arc<Vec<u8>>,
}

impl Memory {
    fn get(&self, pack: usize, at: u64) -> Option<(u8, Arc<Vec<u8>>)> {
        let known = self.slots.get(slot(at))?.as_ref()?;
        (known.pack == pack && known.at == at).then(|| (known.kind, Arc::clone(&known.data)))
    }

    fn put(&mut self, pack: usize, at: u64, kind: u8, data: &Arc<Vec<u8>>) {
        // Commits are no bases of anything that a walk reads next.
        if data.len() > LARGEST_REMEMBERED || kind == 1 {
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
    fn room(&mut self, size: usize) -> Vec<u8> {
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
