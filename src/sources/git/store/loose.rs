//! An object in a file of its own: `kind SP size NUL content`, deflated.
//!
//! After a power loss or on a full disk such files are what is cut short or empty.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use flate2::{Decompress, FlushDecompress, Status};

use super::{Budget, Found, Type, Why, file::MOST_INFLATED, open_regular};

/// The longest header: the longest kind, twenty digits, a blank and the NUL are less.
const HEADER: usize = 32;
const BLOCK: usize = 16 << 10;

/// Reads the object; `None` where there is no such file.
pub(super) fn read(
    path: &Path,
    limit: usize,
    inflater: &mut Decompress,
    budget: &mut Budget,
) -> Result<Option<Found>, Why> {
    let (file, length) = match open_regular(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err("may not be read by this user");
        }
        Err(_) => return Err("is no file that can be read"),
    };
    if length == 0 {
        return Err("is empty, as after a power loss");
    }
    inflater.reset(true);
    let mut stream = Stream {
        file,
        inflater,
        input: Vec::new(),
        at: 0,
        is_over: false,
        budget,
    };
    let mut header = [0; HEADER];
    let filled = stream.fill(&mut header)?;
    let (kind, size, rest) = parse(&header[..filled]).ok_or("begins like no object")?;
    if size > limit {
        return Ok(Some(Found::TooLarge(size)));
    }
    if size as u64 > length.saturating_mul(MOST_INFLATED) {
        return Err("is too short for the size that it announces");
    }
    let mut data = Vec::new();
    data.try_reserve_exact(size).map_err(|_| "is too large")?;
    data.resize(size, 0);
    let rest = rest.get(..rest.len().min(size + 1)).unwrap_or_default();
    if rest.len() > size {
        return Err("is longer than it announces");
    }
    data[..rest.len()].copy_from_slice(rest);
    let filled = rest.len() + stream.fill(&mut data[rest.len()..])?;
    if filled < size {
        return Err("is shorter than it announces");
    }
    if stream.fill(&mut [0])? > 0 {
        return Err("is longer than it announces");
    }
    if stream.has_more()? {
        return Err("has something behind its end");
    }
    Ok(Some(Found::Object(kind, data.into())))
}

/// Kind and size, and what came with them of the content.
fn parse(bytes: &[u8]) -> Option<(Type, usize, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let (kind, size) = text.split_once(' ')?;
    if !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kind = Type::named(kind)?;
    Some((kind, size.parse().ok()?, &bytes[end + 1..]))
}

/// What comes out of a deflated file.
struct Stream<'a> {
    file: File,
    inflater: &'a mut Decompress,
    input: Vec<u8>,
    at: usize,
    is_over: bool,
    budget: &'a mut Budget,
}

impl Stream<'_> {
    /// Fills `out` as far as the stream goes; how far that is.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Why> {
        let mut filled = 0;
        while filled < out.len() && !self.is_over {
            if self.at == self.input.len() && !self.read()? {
                return Err("is cut short");
            }
            let (read, written) = (self.inflater.total_in(), self.inflater.total_out());
            let status = self.inflater.decompress(
                &self.input[self.at..],
                &mut out[filled..],
                FlushDecompress::None,
            );
            let status = status.map_err(|_| "is damaged: it cannot be inflated")?;
            let used = usize::try_from(self.inflater.total_in() - read).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflater.total_out() - written).unwrap_or(usize::MAX);
            self.at = self.at.saturating_add(used).min(self.input.len());
            filled += made;
            self.is_over = status == Status::StreamEnd;
            if used == 0 && made == 0 && !self.is_over {
                return Err("is damaged: it cannot be inflated");
            }
            let spent = self.budget.take(used.saturating_add(made));
            spent.ok_or("takes too long to inflate")?;
        }
        Ok(filled)
    }

    /// Whether anything stands behind the end of the stream.
    fn has_more(&mut self) -> Result<bool, Why> {
        Ok(self.at < self.input.len() || self.read()?)
    }

    fn read(&mut self) -> Result<bool, Why> {
        self.input.resize(BLOCK, 0);
        self.at = 0;
        let read = loop {
            match self.file.read(&mut self.input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.map_err(|_| "cannot be read from the disk")?;
        self.input.truncate(read);
        Ok(read > 0)
    }
}
