//! A pack's index, version 2: object name → offset in the pack.

use std::{io, path::Path};

use crate::domain::ids::ObjectId;

const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";
const FANOUT: usize = 8;
const NAMES: usize = FANOUT + 256 * 4;

/// So many of a name's first bits choose its drawer, at most and at least.
const BITS: std::ops::RangeInclusive<u32> = 8..=18;

/// The whole index in memory: 28 bytes for each object.
#[derive(Debug)]
pub(super) struct Index {
    data: Vec<u8>,
    count: usize,
    /// Where each drawer of names ends. The file's own table has 256 of them: with thousands of names in each, every
    /// look is a cache miss.
    drawers: Vec<u32>,
    bits: u32,
}

impl Index {
    /// Reads the file; `None` where it is of another version or cut short.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let data = std::fs::read(path)?;
        let mut index = Self {
            data,
            count: 0,
            drawers: Vec::new(),
            bits: *BITS.start(),
        };
        if index.data.starts_with(MAGIC) {
            index.count = index.number(FANOUT + 255 * 4).unwrap_or(0);
        }
        let whole = index.data.len() >= NAMES + index.count * 28 + 40;
        if index.count == 0 || !whole {
            return Ok(None);
        }
        index.fill_drawers();
        Ok(Some(index))
    }

    /// A few names in each.
    fn fill_drawers(&mut self) {
        let names = self.count.ilog2().saturating_sub(2);
        self.bits = names.clamp(*BITS.start(), *BITS.end());
        self.drawers = vec![0; 1 << self.bits];
        let names = &self.data[NAMES..NAMES + self.count * 20];
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
        let name = id.as_bytes();
        let drawer = drawer(name, self.bits);
        let end = |drawer: usize| Some(*self.drawers.get(drawer)? as usize);
        let mut low = match drawer {
            0 => 0,
            n => end(n - 1)?,
        };
        let mut high = end(drawer)?;
        while low < high {
            let middle = low.midpoint(high);
            match self.name(middle)?.cmp(name) {
                std::cmp::Ordering::Equal => return self.offset(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn name(&self, number: usize) -> Option<&[u8]> {
        let at = NAMES + number * 20;
        self.data.get(at..at + 20)
    }

    fn offset(&self, number: usize) -> Option<u64> {
        let offset = self.number(NAMES + self.count * 24 + number * 4)?;
        if offset & 0x8000_0000 == 0 {
            return u64::try_from(offset).ok();
        }
        let at = NAMES + self.count * 28 + (offset & 0x7fff_ffff) * 8;
        let bytes = self.data.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes))
    }

    fn number(&self, at: usize) -> Option<usize> {
        let bytes = self.data.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    }
}

fn drawer(name: &[u8; 20], bits: u32) -> usize {
    let digits = u32::from_be_bytes([name[0], name[1], name[2], name[3]]);
    (digits >> (32 - bits)) as usize
}
