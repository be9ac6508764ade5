//! Files of the cache folder: what was learned of a repository by one configuration. None is needed; they save time.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::UNIX_EPOCH,
};

use super::Repo;
use crate::domain::layout::LayoutSet;

/// So many of a kind are kept however large they are; more only while all of them together have fewer bytes than this.
const KEPT_ALWAYS: usize = 4;
const MOST_BYTES: u64 = 512 << 20;

/// Where something that was learned of a repository by a configuration stands.
#[derive(Debug)]
pub(super) struct CacheFile {
    pub(super) file: PathBuf,
    /// Of the program's build, the repository and the configuration: stands in the file, too.
    pub(super) fingerprint: [u8; 20],
}

impl CacheFile {
    /// The file with this extension; `None` where the repository has no cache folder.
    pub(super) fn of(repo: &Repo, layouts: &LayoutSet, extension: &str) -> Option<Self> {
        let folder = repo.cache()?;
        // What files say does not depend on which place of several is the version; a history does.
        let decided = match extension {
            "history" | "last" | "tags" => layouts.decisions(),
            _ => String::new(),
        };
        let what = format!(
            "{}\0{}\0{}",
            build(),
            repo.common_dir().display(),
            layouts.fingerprint()
        ) + &decided;
        let fingerprint = Repo::blob_id(what.as_bytes());
        Some(Self {
            file: folder.join(format!("{fingerprint}.{extension}")),
            fingerprint: *fingerprint.as_bytes(),
        })
    }

    /// Writes the file whole, or not at all, and takes the oldest of its kind away beyond so many.
    pub(super) fn write(
        &self,
        kept: usize,
        write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut buffered = BufWriter::new(file.as_file_mut());
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        file.persist(&self.file)?;
        self.forget_old(folder, kept);
        Ok(())
    }

    /// A configuration that changed leaves its file behind: the newest few are kept.
    fn forget_old(&self, folder: &Path, kept: usize) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension() == self.file.extension())
            .filter_map(|path| {
                let about = path.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), path))
            })
            .collect();
        files.sort();
        let mut bytes = 0;
        for (number, (_, length, path)) in files.iter().rev().enumerate() {
            bytes += length;
            if number >= kept || (number >= KEPT_ALWAYS && bytes > MOST_BYTES) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Which build of the program this is: another one may read the same file otherwise, whatever its version says.
fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let program = std::env::current_exe().and_then(std::fs::metadata).ok();
        let made = program.as_ref().and_then(|it| it.modified().ok());
        let made = made.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        format!(
            "{} {} {}",
            env!("CARGO_PKG_VERSION"),
            program.map_or(0, |it| it.len()),
            made.unwrap_or_default().as_nanos()
        )
    })
}
