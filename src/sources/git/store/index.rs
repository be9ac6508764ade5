//! A pack's index: object name → offset in the pack.
//!
//! ```text
//! version 2   magic, 256 ends of drawers, names, checksums of objects, offsets, far offsets
//! version 1   256 ends of drawers, (offset, name) of each object
//! ```

use std::{cmp::Ordering, fs::File, io::Read, ops::ControlFlow, path::Path};

use super::{open_regular, read_at};
use crate::domain::ids::ObjectId;

const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";
const FANOUT: usize = 8;
const NAMES: usize = FANOUT + 256 * 4;
const FANOUT_1: usize = 0;
const NAMES_1: usize = 256 * 4;

/// So many of a name's first bits choose its drawer, at most and at least.
const BITS: std::ops::RangeInclusive<u32> = 8..=18;

/// An index that is looked into.
#[derive(Debug)]
pub(super) struct Index {
    bytes: Bytes,
    count: usize,
    /// Where each drawer of names ends. The file's own table has 256 of them: with thousands of names in each, every
    /// look is a cache miss.
    drawers: Vec<u32>,
    bits: u32,
}

#[derive(Debug)]
enum Bytes {
    /// All of it: 28 bytes for each object.
    Held(Vec<u8>),
    /// Read where it is looked into: for a few objects.
    File(File),
    /// The same of version 1, which Git has not written since 2008.
    Old(File),
}

impl Index {
    /// Reads the file into memory, where it is of version 2; else as [`Index::open`].
    pub(super) fn read(path: &Path) -> Option<Self> {
        let (mut file, length) = open_regular(path).ok()?;
        let mut data = Vec::new();
        data.try_reserve_exact(usize::try_from(length).ok()?).ok()?;
        Read::by_ref(&mut file)
            .take(length)
            .read_to_end(&mut data)
            .ok()?;
        if !data.starts_with(MAGIC) {
            return Self::of_file(file, length);
        }
        let fanout = fanout(data.get(FANOUT..NAMES)?)?;
        let count = *fanout.last()? as usize;
        if (data.len() as u64) < least(NAMES, 28, count) {
            return None;
        }
        let mut index = Self {
            bytes: Bytes::Held(data),
            count,
            drawers: Vec::new(),
            bits: *BITS.start(),
        };
        index.fill_drawers();
        Some(index)
    }

    /// Opens the file to look for a few objects; `None` where it is no index, or cut short.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let (file, length) = open_regular(path).ok()?;
        Self::of_file(file, length)
    }

    fn of_file(file: File, length: u64) -> Option<Self> {
        let mut start = [0; NAMES];
        read_at(&file, &mut start[..NAMES_1], 0)?;
        let new = start.starts_with(MAGIC);
        if new {
            read_at(&file, &mut start, 0)?;
        }
        let (at, names, each) = if new {
            (FANOUT, NAMES, 28)
        } else {
            (FANOUT_1, NAMES_1, 24)
        };
        let drawers = fanout(start.get(at..names)?)?;
        let count = *drawers.last()? as usize;
        if length < least(names, each, count) {
            return None;
        }
        Some(Self {
            bytes: if new {
                Bytes::File(file)
            } else {
                Bytes::Old(file)
            },
            count,
            drawers,
            bits: *BITS.start(),
        })
    }

    /// A few names in each.
    fn fill_drawers(&mut self) {
        let Bytes::Held(data) = &self.bytes else {
            return;
        };
        let names = self.count.max(1).ilog2().saturating_sub(2);
        self.bits = names.clamp(*BITS.start(), *BITS.end());
        self.drawers = vec![0; 1 << self.bits];
        let names = &data[NAMES..NAMES + self.count * 20];
        let (mut open, mut end) = (0, 0);
        for name in names.as_chunks::<20>().0 {
            // Names that are out of order are not found, as in any search by halves.
            let drawer = drawer(name, self.bits).max(open);
            while open < drawer {
                self.drawers[open] = end;
                open += 1;
            }
            end += 1;
        }
        self.drawers[open..].fill(end);
    }

    /// Where an object begins in the pack.
    pub(super) fn find(&self, id: &ObjectId) -> Option<u64> {
        let at = match &self.bytes {
            Bytes::Held(data) => self.search(id.as_bytes(), |number| {
                let at = NAMES + number * 20;
                data.get(at..at + 20)?.try_into().ok()
            }),
            Bytes::File(_) | Bytes::Old(_) => {
                self.search(id.as_bytes(), |number| self.name(number))
            }
        };
        self.offset(at?.ok()?)
    }

    /// Tells `each` of the names that begin with these of its first bytes, until it breaks off.
    pub(super) fn names_from(
        &self,
        first: &[u8; 20],
        each: &mut dyn FnMut(ObjectId) -> ControlFlow<()>,
    ) {
        let found = self.search(first, |number| self.name(number));
        let Some(Ok(start) | Err(start)) = found else {
            return;
        };
        for number in start..self.count {
            let Some(name) = self.name(number) else {
                return;
            };
            if each(ObjectId::new(name)).is_break() {
                return;
            }
        }
    }

    /// The number of a name, or where it would stand; `None` where the index is damaged.
    fn search(
        &self,
        name: &[u8; 20],
        read: impl Fn(usize) -> Option<[u8; 20]>,
    ) -> Option<Result<usize, usize>> {
        let drawer = drawer(name, self.bits);
        let end = |drawer: usize| Some(*self.drawers.get(drawer)? as usize);
        let mut low = match drawer {
            0 => 0,
            n => end(n - 1)?,
        };
        let mut high = end(drawer)?;
        while low < high {
            let middle = low.midpoint(high);
            match read(middle)?.cmp(name) {
                Ordering::Equal => return Some(Ok(middle)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Some(Err(low))
    }

    fn name(&self, number: usize) -> Option<[u8; 20]> {
        self.read_bytes(match self.bytes {
            Bytes::Old(_) => NAMES_1 + number * 24 + 4,
            _ => NAMES + number * 20,
        })
    }

    fn offset(&self, number: usize) -> Option<u64> {
        if let Bytes::Old(_) = self.bytes {
            return self.number(NAMES_1 + number * 24).map(u64::from);
        }
        let offset = self.number(NAMES + self.count * 24 + number * 4)?;
        if offset & 0x8000_0000 == 0 {
            return Some(u64::from(offset));
        }
        let far = (offset & 0x7fff_ffff) as usize;
        let at = NAMES + self.count * 28 + far * 8;
        Some(u64::from_be_bytes(self.read_bytes(at)?))
    }

    fn number(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.read_bytes(at)?))
    }

    fn read_bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        match &self.bytes {
            Bytes::Held(data) => data.get(at..at.checked_add(N)?)?.try_into().ok(),
            Bytes::File(file) | Bytes::Old(file) => {
                let mut bytes = [0; N];
                read_at(file, &mut bytes, at as u64)?;
                Some(bytes)
            }
        }
    }
}

/// The ends of the 256 drawers; `None` where one ends before the one before it.
fn fanout(table: &[u8]) -> Option<Vec<u32>> {
    let ends = table.as_chunks::<4>().0.iter();
    let ends: Vec<u32> = ends.map(|end| u32::from_be_bytes(*end)).collect();
    (ends.len() == 256 && ends.is_sorted()).then_some(ends)
}

/// The length of an index of so many objects, at least: its two checksums stand behind.
fn least(names: usize, each: u64, count: usize) -> u64 {
    names as u64 + each * count as u64 + 40
}

fn drawer(name: &[u8; 20], bits: u32) -> usize {
    let digits = u32::from_be_bytes([name[0], name[1], name[2], name[3]]);
    (digits >> (32 - bits)) as usize
}
