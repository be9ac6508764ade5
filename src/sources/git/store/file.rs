//! A pack file, read in blocks: where an object stands, what it is, and its bytes inflated.
//!
//! What it says of itself is believed only as far as its length allows.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use flate2::{Decompress, FlushDecompress, Status};

use super::{Budget, open_regular};

const BLOCK: usize = 32 << 10;
const BLOCKS: usize = 32;
/// With so much room behind what is inflated, all of it goes the fast way.
const SLACK: usize = 512;
/// What stands before the first object: `PACK`, the version and the number of objects.
const HEADER: u64 = 12;
/// A byte of a deflated stream makes no more bytes than this (RFC 1951: 258 bytes from two bits).
pub(super) const MOST_INFLATED: u64 = 1040;

/// One pack, read by one thread through a megabyte of blocks.
pub(super) struct PackFile {
    file: File,
    length: u64,
    blocks: Vec<Option<(u64, Rc<[u8]>)>>,
}

/// What stands at the beginning of an object in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// 1 commit, 2 tree, 3 blob, 4 tag, 6 delta by offset, 7 delta by name.
    pub(super) kind: u8,
    /// Of the inflated bytes.
    pub(super) size: usize,
    /// Where the deflated bytes begin.
    pub(super) data: u64,
    /// What a delta is against.
    pub(super) base: Option<Base>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    At(u64),
    Named([u8; 20]),
}

impl PackFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (file, length) = open_regular(path)?;
        Ok(Self {
            file,
            length,
            blocks: vec![None; BLOCKS],
        })
    }

    /// Reads an object's header; `None` where the pack is damaged or cannot be read.
    pub(super) fn header(&mut self, at: u64) -> Option<Header> {
        let mut bytes = Bytes {
            pack: self,
            at,
            block: None,
        };
        let first = bytes.next()?;
        let mut size = usize::from(first & 15);
        let mut shift = 4;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = bytes.next()?;
            size |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
        }
        let kind = (first >> 4) & 7;
        let base = match kind {
            6 => {
                let mut byte = bytes.next()?;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = bytes.next()?;
                    back = (back.checked_add(1)? << 7) | u64::from(byte & 0x7f);
                }
                // Not itself, and nothing before the pack's header.
                let base = at
                    .checked_sub(back)
                    .filter(|base| *base < at && *base >= HEADER);
                Some(Base::At(base?))
            }
            7 => {
                let mut name = [0; 20];
                for byte in &mut name {
                    *byte = bytes.next()?;
                }
                Some(Base::Named(name))
            }
            _ => None,
        };
        let data = bytes.at;
        // Nothing is deflated to less than a thousandth: no room is made for what cannot come.
        let most = self.length.checked_sub(data)?.saturating_mul(MOST_INFLATED);
        if u64::try_from(size).ok()? > most {
            return None;
        }
        Some(Header {
            kind,
            size,
            data,
            base,
        })
    }

    /// Inflates `size` bytes from the deflated ones at `at` to the beginning of `out`.
    pub(super) fn inflate(
        &mut self,
        inflater: &mut Decompress,
        at: u64,
        size: usize,
        out: &mut Vec<u8>,
        budget: &mut Budget,
    ) -> Option<()> {
        inflater.reset(true);
        budget.take(size)?;
        let room = size.checked_add(SLACK)?;
        if out.len() < room {
            out.try_reserve_exact(room - out.len()).ok()?;
            out.resize(room, 0);
        }
        let mut number = at / BLOCK as u64;
        let mut offset = usize::try_from(at % BLOCK as u64).ok()?;
        loop {
            let block = self.block(number)?;
            let input = block.get(offset..)?;
            let (read, written) = (inflater.total_in(), inflater.total_out());
            let room = out.get_mut(usize::try_from(written).ok()?..)?;
            let status = inflater
                .decompress(input, room, FlushDecompress::Finish)
                .ok()?;
            if status == Status::StreamEnd {
                return (inflater.total_out() == size as u64).then_some(());
            }
            let used = inflater.total_in() - read;
            let stuck = used == 0 && inflater.total_out() == written && !input.is_empty();
            if stuck || inflater.total_out() > size as u64 {
                return None;
            }
            let used = usize::try_from(used).ok()?;
            budget.take(used)?;
            offset += used;
            if offset >= block.len() {
                number += 1;
                offset = 0;
            }
        }
    }

    fn block(&mut self, number: u64) -> Option<Rc<[u8]>> {
        let slot = usize::try_from(number % BLOCKS as u64).ok()?;
        if let Some((known, block)) = &self.blocks[slot]
            && *known == number
        {
            return Some(Rc::clone(block));
        }
        let start = number.checked_mul(BLOCK as u64)?;
        let left = self.length.checked_sub(start).filter(|left| *left > 0)?;
        let mut bytes = vec![0; usize::try_from(left.min(BLOCK as u64)).ok()?];
        self.file.seek(SeekFrom::Start(start)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        let block: Rc<[u8]> = bytes.into();
        self.blocks[slot] = Some((number, Rc::clone(&block)));
        Some(block)
    }
}

/// The bytes from an offset on.
struct Bytes<'a> {
    pack: &'a mut PackFile,
    at: u64,
    block: Option<(u64, Rc<[u8]>)>,
}

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let number = self.at / BLOCK as u64;
        if self
            .block
            .as_ref()
            .is_none_or(|(known, _)| *known != number)
        {
            self.block = Some((number, self.pack.block(number)?));
        }
        let offset = usize::try_from(self.at % BLOCK as u64).ok()?;
        let byte = *self.block.as_ref()?.1.get(offset)?;
        self.at += 1;
        Some(byte)
    }
}
