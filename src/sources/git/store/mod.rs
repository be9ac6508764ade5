//! Reading objects, fast, and whatever they hold: loose ones and those of packs.
//!
//! A walk over a whole history reads most trees and commits of a repository once. This reader keeps little, remembers the
//! bases that the next delta will want, and hashes nothing, as `git` itself does when it walks; whoever needs to be sure of
//! an object's name hashes what came.
//!
//! A repository may be a stranger's, or what a power loss left of one. What a file announces is believed only as far as its
//! length allows, a chain of deltas ends, and each reading has a [`Budget`] of bytes and steps. libgit2 reads no objects: it
//! inflates some that are cut short without end, and follows deltas that go round until memory is gone.

mod delta;
mod file;
mod folders;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod index;
mod loose;
mod memory;
mod reader;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

#[cfg_attr(fuzzing, allow(unused_imports))]
pub(super) use folders::folders;
pub(super) use reader::Reader;

use self::index::Index;
use crate::domain::ids::ObjectId;

/// Indexes larger than this together are not held in memory; those beyond are read where they are looked into.
const LARGEST_INDEXES: u64 = 128 << 20;
/// So small, indexes are held for a matrix too.
const SMALL_INDEXES: u64 = 4 << 20;
/// Git makes no longer chains of deltas (`--depth` of `git pack-objects`).
const LONGEST_CHAIN: usize = 4095;
/// So many packs are open at a time.
const MOST_OPEN: usize = 32;
/// A folder that changed so lately may change again at what the file system takes for the same time.
const SAME_TIME: Duration = Duration::from_secs(2);

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Type {
    /// As objects and tags call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Commit, Self::Tree, Self::Blob, Self::Tag];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// As packs number it.
    fn numbered(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Commit,
            2 => Self::Tree,
            3 => Self::Blob,
            4 => Self::Tag,
            _ => return None,
        })
    }
}

/// An object that is there.
#[derive(Debug)]
pub(super) enum Found {
    /// What it is, and its bytes.
    Object(Type, Arc<Vec<u8>>),
    /// It has so many bytes, more than allowed.
    TooLarge(usize),
}

/// What is wrong with it, said of the file.
pub(super) type Why = &'static str;

/// Why an object that is there cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The file that it is in.
    pub(super) file: PathBuf,
    /// What is wrong with it, said of the file.
    pub(super) why: Why,
}

/// What reading one object may still cost, in bytes and steps.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    /// For an object of so many bytes: a chain of deltas makes each of its steps as large.
    fn of(limit: usize) -> Self {
        Self(
            limit
                .saturating_mul(256)
                .saturating_add(1 << 20)
                .min(4 << 30),
        )
    }

    /// What is left of it.
    #[cfg(any(test, fuzzing))]
    fn left(&self) -> usize {
        self.0
    }

    /// `None` where it costs too much.
    pub(super) fn take(&mut self, cost: usize) -> Option<()> {
        self.0 = self.0.checked_sub(cost)?;
        Some(())
    }
}

/// Which indexes are held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// None: a few objects are looked for.
    None,
    /// All, where together they are small: to read them takes no longer than to find a few hundred objects without.
    Small,
    /// As many as memory allows: a great many objects are looked for.
    Many,
}

/// Where a repository has its objects: what threads share.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The folder of the repository's own objects, then those it borrows from.
    folders: Vec<PathBuf>,
    packs: Vec<Arc<Pack>>,
    /// When packs last came or went, and when they were listed.
    listed: Option<(Vec<Option<SystemTime>>, SystemTime)>,
}

#[derive(Debug)]
struct Pack {
    index_file: PathBuf,
    file: PathBuf,
    hold: bool,
    /// Read when it is first looked into; `None` where it is no index, or gone.
    index: OnceLock<Option<Index>>,
}

impl Pack {
    fn new(index_file: PathBuf, hold: bool) -> Arc<Self> {
        Arc::new(Self {
            file: index_file.with_extension("pack"),
            index_file,
            hold,
            index: OnceLock::new(),
        })
    }

    fn index(&self) -> Option<&Index> {
        let read = || {
            if self.hold {
                Index::read(&self.index_file)
            } else {
                Index::open(&self.index_file)
            }
        };
        self.index.get_or_init(read).as_ref()
    }
}

impl Store {
    /// The objects of a git directory and of those it borrows from.
    pub(super) fn open(common_dir: &Path, hold: Hold) -> Arc<Self> {
        let folders = folders(common_dir);
        let listed = Some((times(&folders), SystemTime::now()));
        let mut found = folders::indexes(&folders);
        // The largest first: it has most of what a walk asks for.
        found.sort_by(|a, b| b.cmp(a));
        let all: u64 = found.iter().map(|(size, _)| size).sum();
        let mut room = match hold {
            Hold::Small if all <= SMALL_INDEXES => SMALL_INDEXES,
            Hold::None | Hold::Small => 0,
            Hold::Many => LARGEST_INDEXES,
        };
        let mut packs = Vec::with_capacity(found.len());
        for (size, path) in found {
            let left = room.checked_sub(size).filter(|_| room > 0);
            room = left.unwrap_or(room);
            packs.push(Pack::new(path, left.is_some()));
        }
        Arc::new(Self {
            folders,
            packs,
            listed,
        })
    }

    /// The same with packs that came since; `None` where none did. What was known keeps its number.
    fn renewed(&self) -> Option<Arc<Self>> {
        let times = times(&self.folders);
        let (known, at) = self.listed.as_ref()?;
        let settled = |time: &Option<SystemTime>| {
            time.is_none_or(|time| at.duration_since(time).is_ok_and(|age| age > SAME_TIME))
        };
        if *known == times && times.iter().all(settled) {
            return None;
        }
        let now = SystemTime::now();
        let mut packs = self.packs.clone();
        for (_, path) in folders::indexes(&self.folders) {
            if !packs.iter().any(|pack| pack.index_file == path) {
                packs.push(Pack::new(path, false));
            }
        }
        (packs.len() > self.packs.len()).then(|| {
            Arc::new(Self {
                folders: self.folders.clone(),
                packs,
                listed: Some((times, now)),
            })
        })
    }

    /// An index that is none, or cut short: what its pack has is not found.
    pub(super) fn broken_index(&self) -> Option<Broken> {
        let mut packs = self.packs.iter();
        let broken = packs.find(|pack| pack.index().is_none() && pack.index_file.exists())?;
        Some(Broken {
            file: broken.index_file.clone(),
            why: "is no index of a pack, or cut short",
        })
    }

    /// Whether there is an object of this name, in whatever state.
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        let mut packs = self.packs.iter().filter_map(|pack| pack.index());
        packs.any(|index| index.find(id).is_some())
            || self.loose(id).any(|path| path.symlink_metadata().is_ok())
    }

    /// The names of objects that begin with these four to forty hexadecimal digits, each once; no more than `most`.
    pub(super) fn beginning_with(&self, digits: &str, most: usize) -> Vec<ObjectId> {
        let digits = digits.to_ascii_lowercase();
        let Ok(first) = format!("{digits:0<40}").parse::<ObjectId>() else {
            return Vec::new();
        };
        let mut found: Vec<ObjectId> = Vec::new();
        let mut take = |id: ObjectId| {
            if !id.to_string().starts_with(&digits) || found.len() >= most {
                return ControlFlow::Break(());
            }
            if !found.contains(&id) {
                found.push(id);
            }
            ControlFlow::Continue(())
        };
        for index in self.packs.iter().filter_map(|pack| pack.index()) {
            index.names_from(first.as_bytes(), &mut take);
        }
        for folder in &self.folders {
            let entries = std::fs::read_dir(folder.join(&digits[..2]));
            for entry in entries.into_iter().flatten().flatten() {
                let name = entry.file_name();
                let id = format!("{}{}", &digits[..2], name.to_string_lossy()).parse();
                if let Ok(id) = id {
                    let _ = take(id);
                }
            }
        }
        found
    }

    /// Where the object would be as a file of its own.
    fn loose(&self, id: &ObjectId) -> impl Iterator<Item = PathBuf> {
        let name = id.to_string();
        let folders = self.folders.iter();
        folders.map(move |folder| folder.join(&name[..2]).join(&name[2..]))
    }
}

/// When packs last came to these folders or went.
fn times(folders: &[PathBuf]) -> Vec<Option<SystemTime>> {
    let time = |folder: &PathBuf| std::fs::metadata(folder.join("pack")).ok()?.modified().ok();
    folders.iter().map(time).collect()
}

/// Opens a file of a repository to read it, and says how long it is. Not a pipe or a device, which would be waited for.
///
/// # Errors
/// The system's; `InvalidInput` for what is no regular file.
pub(super) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// Fills `bytes` from this place of the file.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> Option<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(bytes, at).ok()
}

/// Fills `bytes` from this place of the file.
#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> Option<()> {
    use std::os::windows::fs::FileExt;
    let mut filled = 0;
    while filled < bytes.len() {
        let place = at.checked_add(filled as u64)?;
        match file.seek_read(&mut bytes[filled..], place).ok()? {
            0 => return None,
            read => filled += read,
        }
    }
    Some(())
}
