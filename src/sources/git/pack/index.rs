//! A pack's index, version 2: object name → offset in the pack.

use std::{io, path::Path};

use crate::domain::ids::ObjectId;

const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";
const FANOUT: usize = 8;
const NAMES: usize = FANOUT + 256 * 4;

/// The whole index in memory: 28 bytes for each object.
#[derive(Debug)]
pub(super) struct Index {
    data: Vec<u8>,
    count: usize,
}

impl Index {
    /// Reads the file; `None` where it is of another version or cut short.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let data = std::fs::read(path)?;
        let mut index = Self { data, count: 0 };
        if index.data.starts_with(MAGIC) {
            index.count = index.number(FANOUT + 255 * 4).unwrap_or(0);
        }
        let whole = index.data.len() >= NAMES + index.count * 28 + 40;
        Ok((index.count > 0 && whole).then_some(index))
    }

    /// Where an object begins in the pack.
    pub(super) fn find(&self, id: &ObjectId) -> Option<u64> {
        let name = id.as_bytes();
        let first = usize::from(name[0]);
        let mut low = match first {
            0 => 0,
            n => self.number(FANOUT + (n - 1) * 4)?,
        };
        let mut high = self.number(FANOUT + first * 4)?.min(self.count);
        // Names are evenly spread, and each look elsewhere is a cache miss: guess by the next digits,
        // and look around there.
        let digits = u32::from_be_bytes([name[1], name[2], name[3], name[4]]);
        let room = u64::try_from(high.checked_sub(low)?).ok()?;
        let mut middle = low + usize::try_from((u64::from(digits) * room) >> 32).ok()?;
        let mut stride = 4;
        while low < high {
            match self.name(middle)?.cmp(name) {
                std::cmp::Ordering::Equal => return self.offset(middle),
                std::cmp::Ordering::Less => {
                    low = middle + 1;
                    middle += stride;
                }
                std::cmp::Ordering::Greater => {
                    high = middle;
                    middle = middle.saturating_sub(stride);
                }
            }
            stride *= 2;
            if middle < low || middle >= high {
                middle = low.midpoint(high);
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
