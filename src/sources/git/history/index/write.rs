//! Gathers changes as they are told, and writes them.

use std::collections::HashMap;

use super::{CacheFile, MAGIC, blocks};
use crate::domain::{
    history::{CommitInfo, Moved, ValueChange},
    ids::{CellKey, ObjectId, RepoPath},
    version::Version,
};

/// So many indexes are kept in a folder: each ref has its own.
const KEPT: usize = 64;
/// Bytes of a piece.
const PIECE: usize = 1 << 20;

/// An index in the making: already in the bytes that will be written.
#[derive(Default)]
pub(in super::super) struct Builder {
    /// Texts and people.
    texts: Pile,
    strings: HashMap<Box<str>, u32>,
    cells: Vec<u8>,
    cell_numbers: HashMap<CellKey, u32>,
    paths: Vec<u8>,
    /// The last two commits pushed: a landed commit comes with several cells.
    last: [Option<(ObjectId, i64, u32)>; 2],
    changes: Pile,
    line: Pile,
}

/// Many bytes to be written, in pieces: one that grows would be moved, and take twice the room meanwhile.
#[derive(Default)]
struct Pile {
    pieces: Vec<Vec<u8>>,
    length: usize,
}

impl Pile {
    fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        match self.pieces.last_mut() {
            Some(last) if last.len() + bytes.len() <= PIECE => last.extend_from_slice(bytes),
            _ => {
                let mut piece = Vec::with_capacity(PIECE.max(bytes.len()));
                piece.extend_from_slice(bytes);
                self.pieces.push(piece);
            }
        }
    }

    fn put(&mut self, number: u32) {
        self.push(&number.to_le_bytes());
    }

    /// How many things of this size there are.
    fn count(&self, size: usize) -> u32 {
        u32::try_from(self.length / size).unwrap_or(u32::MAX)
    }
}

impl Builder {
    /// A cell of the tip and the files that decide it; before its changes.
    pub(in super::super) fn cell(&mut self, key: &CellKey, paths: &[RepoPath]) -> u32 {
        if let Some(known) = self.cell_numbers.get(key) {
            return *known;
        }
        let first = count(&self.paths, 4);
        for path in paths {
            let path = self.string(path.as_str());
            put(&mut self.paths, path);
        }
        let service = self.string(key.service.as_str());
        let environment = self.string(key.environment.as_str());
        let number = count(&self.cells, super::CELL);
        let length = u32::try_from(paths.len()).unwrap_or(0);
        for part in [service, environment, first, length] {
            put(&mut self.cells, part);
        }
        self.cell_numbers.insert(key.clone(), number);
        number
    }

    /// The next change, newest first.
    pub(in super::super) fn change(&mut self, key: &CellKey, change: &ValueChange) {
        let cell = self.cell(key, &[]);
        let version = self.optional(change.version.as_ref().map(Version::as_str));
        let previous = self.optional(change.previous.as_ref().map(Version::as_str));
        let landed = self.person(0, &change.landed);
        let authored = self.person(1, &change.authored);
        let moved = change
            .moved
            .as_ref()
            .map_or(0, |moved| self.moved(moved) + 1);
        for part in [
            cell,
            version,
            previous,
            landed,
            authored,
            change.depth,
            moved,
        ] {
            self.changes.put(part);
        }
    }

    fn moved(&mut self, moved: &Moved) -> u32 {
        let from = self.string(moved.from.as_str());
        let landed = self.person(0, &moved.landed);
        let authored = self.person(1, &moved.authored);
        let number = self.texts.count(1);
        for part in [from, landed, authored, moved.depth] {
            self.texts.put(part);
        }
        number
    }

    /// The next commit of the landed line.
    pub(in super::super) fn on_line(&mut self, commit: ObjectId) {
        self.line.push(commit.as_bytes());
    }

    /// Writes the file whole, or not at all. A cache that cannot be written is no failure of anything.
    pub(in super::super) fn write(&self, place: &CacheFile, tip: ObjectId, shallow: bool) {
        if let Err(error) = self.try_write(place, tip, shallow) {
            tracing::debug!(%error, file = %place.file.display(), "no history index");
        }
    }

    fn try_write(&self, place: &CacheFile, tip: ObjectId, shallow: bool) -> std::io::Result<()> {
        let mut header = Vec::with_capacity(super::HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&place.fingerprint);
        header.extend_from_slice(tip.as_bytes());
        for number in [
            self.line.count(super::ID),
            u32::from(shallow),
            self.texts.count(1),
            count(&self.cells, super::CELL),
            count(&self.paths, 4),
            self.changes.count(super::CHANGE),
        ] {
            put(&mut header, number);
        }
        let mut parts: Vec<&[u8]> = vec![&header];
        parts.extend(self.texts.pieces.iter().map(Vec::as_slice));
        parts.extend([&self.cells[..], &self.paths]);
        for pile in [&self.changes, &self.line] {
            parts.extend(pile.pieces.iter().map(Vec::as_slice));
        }
        place.write(KEPT, |file| blocks::write(file, &parts))
    }

    fn person(&mut self, role: usize, info: &CommitInfo) -> u32 {
        let key = (info.commit, info.time.as_second());
        if let Some((commit, time, number)) = self.last[role]
            && (commit, time) == key
        {
            return number;
        }
        let author = self.string(&info.author);
        // Subjects are hardly ever the same: not worth remembering.
        let subject = self.append(&info.subject);
        let said = (!info.said.is_nothing()).then(|| info.said.to_text());
        let said = self.optional(said.as_deref());
        let number = self.texts.count(1);
        self.texts.push(info.commit.as_bytes());
        self.texts.push(&key.1.to_le_bytes());
        for part in [author, subject, info.pull_request.unwrap_or(0), said] {
            self.texts.put(part);
        }
        self.last[role] = Some((key.0, key.1, number));
        number
    }

    /// 0 is none.
    fn optional(&mut self, text: Option<&str>) -> u32 {
        text.map_or(0, |text| self.string(text) + 1)
    }

    fn string(&mut self, text: &str) -> u32 {
        if let Some(known) = self.strings.get(text) {
            return *known;
        }
        let number = self.append(text);
        self.strings.insert(text.into(), number);
        number
    }

    fn append(&mut self, text: &str) -> u32 {
        let number = self.texts.count(1);
        self.texts.put(count(text.as_bytes(), 1));
        self.texts.push(text.as_bytes());
        number
    }
}

fn put(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn count(bytes: &[u8], size: usize) -> u32 {
    u32::try_from(bytes.len() / size).unwrap_or(u32::MAX)
}
