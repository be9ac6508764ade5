//! What must hold of any bytes as an object, a pack or its index: for the fuzz targets `objects` and `pack`, and for a test
//! over their seeds. Reading ends, for no more than its budget, and gives nothing larger than was asked for.

use std::{fs, io::Write, path::Path, sync::Arc};

use flate2::{Compression, write::ZlibEncoder};

use super::{Budget, Found, Hold, Reader, Store};
use crate::domain::ids::ObjectId;

/// What is read is no larger than this.
const LIMIT: usize = 1 << 20;

/// Any bytes as a file of an object: as they are, or deflated where the first of them is odd.
pub(crate) fn check_loose(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let content = if first % 2 == 1 {
        deflated(rest)
    } else {
        rest.to_vec()
    };
    within(|folder| {
        let id = name(1);
        write_loose(folder, id, &content);
        check_all(folder, &[id], content.len());
    });
}

/// Any bytes as a pack of some objects, or as the index of one.
///
/// The first byte says what the others are: `0` the objects as they stand in the pack, `1` the index, else a list of
/// objects that are deflated here: a byte of what it is and how long, a byte of what it is a delta against, its bytes.
pub(crate) fn check_pack(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let mut pack = Pack::default();
    match first % 8 {
        0 => {
            // Where its objects begin: everywhere.
            let places = rest.len().min(16);
            for place in 0..places {
                pack.places
                    .push((name(u8::try_from(place).unwrap_or(0)), place));
            }
            pack.bytes.extend_from_slice(rest);
        }
        1 => pack.put_plain(name(0), 3, b"content"),
        _ => pack.put_list(rest),
    }
    within(|folder| {
        let names: Vec<ObjectId> = pack.places.iter().map(|(id, _)| *id).collect();
        let size = pack.bytes.len();
        pack.write(folder, "pack-a");
        if first % 8 == 1 {
            let _ = fs::write(folder.join("objects/pack/pack-a.idx"), rest);
        }
        check_all(folder, &names, size + rest.len());
    });
}

/// Reads the objects in every way.
fn check_all(folder: &Path, names: &[ObjectId], size: usize) {
    for hold in [Hold::None, Hold::Small, Hold::Many] {
        let store = Store::open(folder, hold);
        for digits in ["0000", "01", "ffffffffff"] {
            assert!(store.beginning_with(digits, 8).len() <= 8);
        }
        let mut reader = Reader::new(&store);
        for id in names {
            let spent = spent(&mut reader, id, LIMIT);
            // Each byte of a deflated stream makes some, each delta as many as are allowed, and steps are counted.
            let most = (size + 64) * 1100 + names.len() * (LIMIT + 64) + (4096 * 64);
            assert!(spent <= most, "{spent} spent on {size} bytes");
        }
    }
}

/// Reads an object, and says what that cost.
pub(super) fn spent(reader: &mut Reader, id: &ObjectId, limit: usize) -> usize {
    let mut budget = Budget::of(limit);
    let before = budget.left();
    if let Ok(Some(Found::Object(_, data))) = reader.read_within(id, limit, &mut budget) {
        assert!(data.len() <= limit);
    }
    before - budget.left()
}

/// A git directory for a moment.
fn within(work: impl FnOnce(&Path)) {
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    work(folder.path());
}

/// A name of an object, by number.
pub(super) fn name(number: u8) -> ObjectId {
    let mut bytes = [0; 20];
    bytes[0] = number;
    bytes[19] = 1;
    ObjectId::new(bytes)
}

pub(in super::super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Writes a file of an object into a git directory.
pub(in super::super) fn write_loose(folder: &Path, id: ObjectId, content: &[u8]) {
    let name = id.to_string();
    let place = folder.join("objects").join(&name[..2]);
    let _ = fs::create_dir_all(&place);
    let file = place.join(&name[2..]);
    let _ = fs::remove_file(&file);
    let _ = fs::write(file, content);
}

/// A pack that is being made.
#[derive(Default)]
pub(in super::super) struct Pack {
    /// What stands behind its header.
    pub(super) bytes: Vec<u8>,
    /// Where objects begin in `bytes`.
    pub(super) places: Vec<(ObjectId, usize)>,
}

impl Pack {
    /// An object that is no delta, of a kind by number.
    pub(in super::super) fn put_plain(&mut self, id: ObjectId, kind: u8, content: &[u8]) {
        self.put(id, kind, content.len(), &[], &deflated(content));
    }

    /// A delta against the object of that name.
    pub(super) fn put_delta(&mut self, id: ObjectId, base: ObjectId, delta: &[u8]) {
        self.put(id, 7, delta.len(), base.as_bytes(), &deflated(delta));
    }

    /// A delta against the object that begins so many bytes before.
    pub(super) fn put_delta_at(&mut self, id: ObjectId, back: usize, delta: &[u8]) {
        let mut digits = vec![u8::try_from(back & 0x7f).unwrap_or(0)];
        let mut rest = back >> 7;
        while rest > 0 {
            rest -= 1;
            digits.insert(0, u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
            rest >>= 7;
        }
        self.put(id, 6, delta.len(), &digits, &deflated(delta));
    }

    /// An object of a kind by number that announces this size, with what stands before its deflated bytes.
    pub(super) fn put(
        &mut self,
        id: ObjectId,
        kind: u8,
        size: usize,
        before: &[u8],
        deflated: &[u8],
    ) {
        self.places.push((id, self.bytes.len()));
        let mut byte = (kind << 4) | u8::try_from(size & 15).unwrap_or(0);
        let mut rest = size >> 4;
        while rest > 0 {
            self.bytes.push(byte | 0x80);
            byte = u8::try_from(rest & 0x7f).unwrap_or(0);
            rest >>= 7;
        }
        self.bytes.push(byte);
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(deflated);
    }

    fn put_list(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        let mut number = 0;
        while let [what, base, tail @ ..] = rest {
            let length = usize::from(what >> 3).min(tail.len());
            let (content, tail) = tail.split_at(length);
            rest = tail;
            let id = name(number);
            match what & 7 {
                6 => self.put_delta_at(id, usize::from(*base), content),
                7 => self.put_delta(id, name(*base), content),
                kind => self.put_plain(id, kind, content),
            }
            number = number.wrapping_add(1);
        }
    }

    /// Writes the pack and its index into a git directory.
    pub(in super::super) fn write(&self, folder: &Path, called: &str) {
        let place = folder.join("objects/pack");
        let _ = fs::create_dir_all(&place);
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend(number(self.places.len()));
        pack.extend_from_slice(&self.bytes);
        pack.extend([0; 20]);
        let mut places = self.places.clone();
        places.sort();
        places.dedup_by_key(|(id, _)| *id);
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for first in 0..=255 {
            let until = places.iter().filter(|(id, _)| id.as_bytes()[0] <= first);
            index.extend(number(until.count()));
        }
        for (id, _) in &places {
            index.extend_from_slice(id.as_bytes());
        }
        index.extend(vec![0; places.len() * 4]);
        for (_, place) in &places {
            index.extend(number(place + 12));
        }
        index.extend([0; 40]);
        let _ = fs::write(place.join(format!("{called}.pack")), pack);
        let _ = fs::write(place.join(format!("{called}.idx")), index);
    }
}

fn number(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()
}

/// The store of a git directory.
pub(super) fn store(folder: &Path) -> Arc<Store> {
    Store::open(folder, Hold::Small)
}
