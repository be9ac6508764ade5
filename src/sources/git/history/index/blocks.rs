//! A file in blocks with a checksum each: a question about one cell reads a few of them, not thirty megabytes.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    fs::File,
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
};

use flate2::Crc;

use crate::sources::files::{self, Links};

/// Bytes of a block: what is asked for stands far apart, and a page is what the system reads anyway.
const BLOCK: usize = 4096;
/// Bytes of a checksum.
const SUM: usize = 4;

/// What stands in the file, read and checked as it is asked for.
pub(super) struct Blocks {
    file: File,
    length: usize,
    sums: Vec<u8>,
    read: Vec<OnceCell<Option<Box<[u8]>>>>,
    /// What was read in one go, checked, and its first block's number.
    ahead: OnceCell<(usize, Vec<u8>)>,
    damaged: Cell<bool>,
}

impl Blocks {
    /// Opens a file that [`write`] made; `None` where its end does not fit the rest.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = files::open(path, Links::Refused)?.ok_or(io::ErrorKind::NotFound)?;
        let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        let Some(rest) = size.checked_sub(SUM) else {
            return Ok(None);
        };
        let count = rest.div_ceil(BLOCK + SUM);
        let Some(length) = rest.checked_sub(count * SUM) else {
            return Ok(None);
        };
        let mut sums = vec![0; size - length];
        file.read_exact_at(&mut sums, length as u64)?;
        let end = sums.split_off(count * SUM);
        let fits = length.div_ceil(BLOCK) == count && end == sum(&sums);
        Ok(fits.then(|| Self {
            file,
            length,
            sums,
            read: (0..count).map(|_| OnceCell::new()).collect(),
            ahead: OnceCell::new(),
            damaged: Cell::new(false),
        }))
    }

    /// How many bytes there are, checksums left aside.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// These bytes; `None` where they are not there, or not what was written: see [`Blocks::is_damaged`].
    pub(super) fn get(&self, range: Range<usize>) -> Option<Cow<'_, [u8]>> {
        if range.end > self.length || range.start > range.end {
            return None;
        }
        let (first, start) = (range.start / BLOCK, range.start % BLOCK);
        let length = range.len();
        if start + length <= BLOCK {
            if length == 0 {
                return Some(Cow::Borrowed(&[]));
            }
            let block = self.block(first)?;
            return block.get(start..start + length).map(Cow::Borrowed);
        }
        let mut bytes = Vec::with_capacity(length);
        for number in first..=(range.end - 1) / BLOCK {
            let block = self.block(number)?;
            let from = if number == first { start } else { 0 };
            let to = (range.end - number * BLOCK).min(block.len());
            bytes.extend_from_slice(block.get(from..to)?);
        }
        Some(Cow::Owned(bytes))
    }

    /// Reads these bytes in one go, because all of them will be asked for; the first time only.
    pub(super) fn prefetch(&self, range: Range<usize>) {
        if self.ahead.get().is_none()
            && let Some(ahead) = self.read_ahead(range)
        {
            let _ = self.ahead.set(ahead);
        }
    }

    /// `None` where some of it is not what was written: the blocks say so one by one.
    fn read_ahead(&self, range: Range<usize>) -> Option<(usize, Vec<u8>)> {
        let end = range.end.next_multiple_of(BLOCK).min(self.length);
        let first = range.start / BLOCK;
        let start = first * BLOCK;
        let mut all = vec![0; end.saturating_sub(start)];
        self.file.read_exact_at(&mut all, start as u64).ok()?;
        let mut blocks = (first..).zip(all.chunks(BLOCK));
        let sound = blocks.all(|(number, bytes)| sum(bytes) == self.sum_of(number));
        sound.then_some((first, all))
    }

    /// Whether a block that was asked for is not what was written: what was read so far is not all.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.get()
    }

    /// Reads and checks everything at once; whether all of it is what was written.
    pub(super) fn is_whole(&self) -> bool {
        let all = self.read_ahead(0..self.length);
        all.is_some_and(|all| {
            let _ = self.ahead.set(all);
            true
        })
    }

    fn block(&self, number: usize) -> Option<&[u8]> {
        if let Some((first, ahead)) = self.ahead.get()
            && let Some(before) = number.checked_sub(*first)
            && let Some(rest) = ahead.get(before * BLOCK..)
            && !rest.is_empty()
        {
            return Some(&rest[..rest.len().min(BLOCK)]);
        }
        let block = self.read.get(number)?.get_or_init(|| {
            let start = number * BLOCK;
            let mut bytes = vec![0; BLOCK.min(self.length - start)];
            let answer = self.file.read_exact_at(&mut bytes, start as u64);
            let sound = answer.is_ok() && sum(&bytes) == self.sum_of(number);
            if !sound {
                self.damaged.set(true);
            }
            sound.then(|| bytes.into())
        });
        block.as_deref()
    }

    fn sum_of(&self, number: usize) -> [u8; SUM] {
        let at = number * SUM;
        let bytes = self.sums.get(at..at + SUM);
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default()
    }
}

/// Writes `parts` one behind the other, with what [`Blocks::open`] checks them by.
pub(super) fn write(file: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
    let mut sums = Vec::new();
    let (mut open, mut filled) = (Crc::new(), 0);
    for part in parts {
        file.write_all(part)?;
        let mut rest = *part;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOCK - filled));
            open.update(now);
            filled += now.len();
            rest = later;
            if filled == BLOCK {
                sums.extend(open.sum().to_le_bytes());
                (open, filled) = (Crc::new(), 0);
            }
        }
    }
    if filled > 0 {
        sums.extend(open.sum().to_le_bytes());
    }
    file.write_all(&sums)?;
    file.write_all(&sum(&sums))
}

fn sum(bytes: &[u8]) -> [u8; SUM] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(length: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let (a, b) = bytes.split_at(length / 3);
        write(&mut file, &[a, &[], b]).unwrap();
        (file, bytes)
    }

    #[test]
    fn any_range_is_what_was_written() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7] {
            let (file, bytes) = written(length);
            let blocks = Blocks::open(file.path()).unwrap().unwrap();
            assert_eq!(blocks.len(), length);
            for start in [0, 1, BLOCK - 2, BLOCK, 2 * BLOCK - 1] {
                for size in [0, 1, 4, BLOCK, BLOCK + 3] {
                    let expected = bytes.get(start..start + size);
                    assert_eq!(
                        blocks.get(start..start + size).as_deref(),
                        expected,
                        "{length} {start} {size}"
                    );
                }
            }
            let fresh = Blocks::open(file.path()).unwrap().unwrap();
            fresh.prefetch(length / 2..length);
            assert_eq!(
                fresh.get(0..length).as_deref(),
                Some(&bytes[..]),
                "{length}"
            );
            assert!(blocks.is_whole() && !blocks.is_damaged(), "{length}");
        }
    }

    #[test]
    fn damage_is_seen_where_it_is_asked_for_and_by_a_look_at_all() {
        let (file, bytes) = written(3 * BLOCK);
        let mut stored = std::fs::read(file.path()).unwrap();
        stored[BLOCK + 5] ^= 1;
        std::fs::write(file.path(), &stored).unwrap();
        let blocks = Blocks::open(file.path()).unwrap().unwrap();
        assert_eq!(blocks.get(0..10).as_deref(), bytes.get(0..10));
        assert!(!blocks.is_damaged());
        assert_eq!(blocks.get(BLOCK..BLOCK + 4), None);
        assert!(blocks.is_damaged() && !blocks.is_whole());
        for cut in [stored.len() - 1, stored.len() - 5, 2 * BLOCK, 3, 0] {
            std::fs::write(file.path(), &stored[..cut]).unwrap();
            assert!(Blocks::open(file.path()).unwrap().is_none(), "{cut}");
        }
    }
}
