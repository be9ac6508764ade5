//! Files that somebody else may have put there: opened only as what they should be.
//!
//! A repository can hold a link to `/dev/zero`, a pipe or a file of some gigabytes under any name that is looked for. What
//! is opened here is a regular file, no larger than was said, and nothing is written before that is known. Nothing waits:
//! a pipe without a writer is refused, not read.

use std::{
    fmt,
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// No configuration that people write is larger, in bytes.
pub const CONFIGURATION: u64 = 4 << 20;
/// No file that Tidegate keeps is larger, in bytes.
pub const KEPT: u64 = 256 << 20;

/// What becomes of a symbolic link in the place of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Refused: the place is a repository's, or one that others can write to.
    Refused,
    /// Followed, to a regular file: the place is the user's own, and many keep such files elsewhere.
    Followed,
}

/// Why a file is not opened: the path and a sentence.
#[derive(Debug)]
pub struct FileError {
    /// The path as it was given.
    pub path: PathBuf,
    /// What kept it from being read.
    pub why: Why,
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum Why {
    /// A symbolic link, where none is followed.
    Link,
    /// A symbolic link to nothing.
    Dangling,
    /// Something else than a regular file: a pipe, a device, a folder.
    Kind(&'static str),
    /// Larger than this many bytes.
    TooLarge(u64),
    /// What the system says.
    System(io::Error),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Link => write!(
                f,
                "{path} is a symbolic link, and links are not followed there; put a regular file in its place"
            ),
            Why::Dangling => write!(
                f,
                "{path} is a symbolic link to a file that does not exist; point it at one, or remove it"
            ),
            Why::Kind(kind) => write!(
                f,
                "{path} is {kind}, not a regular file, and is not read; put a regular file in its place, or remove it"
            ),
            Why::TooLarge(limit) => write!(
                f,
                "{path} is larger than {} MB and is not read; make it smaller, or remove it",
                limit >> 20
            ),
            Why::System(error) => write!(
                f,
                "cannot open {path}: {}; check its permissions",
                without_number(error)
            ),
        }
    }
}

impl std::error::Error for FileError {}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error.why {
            Why::System(error) => error,
            _ => Self::other(error.to_string()),
        }
    }
}

fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// The bytes of the regular file at `path`; `None` where nothing is there.
///
/// # Errors
/// Where something else is there, or it is larger than `limit` bytes.
pub fn read(path: &Path, links: Links, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    let Some(file) = open(path, links)? else {
        return Ok(None);
    };
    let failed = |why| FileError {
        path: path.to_owned(),
        why,
    };
    let size = file
        .metadata()
        .map_err(|error| failed(Why::System(error)))?
        .len();
    if size > limit {
        return Err(failed(Why::TooLarge(limit)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // It may grow while it is read.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| failed(Why::System(error)))?;
    if bytes.len() as u64 > limit {
        return Err(failed(Why::TooLarge(limit)));
    }
    Ok(Some(bytes))
}

/// Opens the regular file at `path` to read it; `None` where nothing is there.
///
/// # Errors
/// Where something else is there.
pub fn open(path: &Path, links: Links) -> Result<Option<File>, FileError> {
    match open_with(OpenOptions::new().read(true), path, links) {
        Ok(file) => Ok(Some(file)),
        Err(FileError {
            why: Why::System(error),
            ..
        }) if error.kind() == io::ErrorKind::NotFound
            || error.kind() == io::ErrorKind::NotADirectory =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Refuses what is no regular file, or a larger one, without opening it: for what somebody else opens. A link is followed, and
/// nothing, a folder, or a link to nothing passes.
///
/// # Errors
/// What is there.
pub fn look(path: &Path, limit: u64) -> Result<(), FileError> {
    let why = match fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() > limit => Why::TooLarge(limit),
        Ok(found) if found.is_file() || found.is_dir() => return Ok(()),
        Ok(found) => Why::Kind(words(found.file_type())),
        Err(_) => return Ok(()),
    };
    Err(FileError {
        path: path.to_owned(),
        why,
    })
}

/// Opens a file to lock it, made where there is none. What is in it stays: only who has the lock changes it.
///
/// # Errors
/// Where something else than a regular file is there, or it cannot be made.
pub fn open_lock(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    open_with(&mut options, path, Links::Refused)
}

/// Opens a file to add to its end, made where there is none, for its owner alone.
///
/// # Errors
/// Where something else than a regular file is there, or it cannot be made.
pub fn open_append(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    open_with(&mut options, path, Links::Refused)
}

/// Makes the folder `path` in a folder that is there; one that is a link is none.
///
/// # Errors
/// Where something else is there, or it cannot be made.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    let failed = |why| FileError {
        path: path.to_owned(),
        why,
    };
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(failed(Why::System(error)));
        }
        _ => {}
    }
    let data = fs::symlink_metadata(path).map_err(|error| failed(Why::System(error)))?;
    match data.file_type() {
        kind if kind.is_dir() => Ok(()),
        kind if kind.is_symlink() => Err(failed(Why::Link)),
        kind => Err(failed(Why::Kind(words(kind)))),
    }
}

/// How something is written to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A regular file, or nothing yet: it is put there whole or not at all.
    File,
    /// A pipe or a device such as `/dev/null`, also by a link (`/dev/fd/63`): it is written into, and stays what it is.
    Stream,
}

/// How a path is written to that the user has named.
///
/// # Errors
/// Why it is not, in words behind it.
pub fn place(path: &Path) -> Result<Place, String> {
    let Ok(named) = fs::symlink_metadata(path) else {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        return match folder {
            Some(folder) if !folder.is_dir() => {
                Err(format!("there is no folder {}", folder.display()))
            }
            _ => Ok(Place::File),
        };
    };
    let found = match fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("it is a link to nothing".to_owned());
        }
        Err(error) => return Err(without_number(&error)),
    };
    // Where it leads may be somebody else's choice: a repository can track a link to a file of the user's.
    if found.is_file() && named.is_symlink() {
        return Err("it is a link to a file".to_owned());
    }
    // A disk would be written over from its beginning.
    if found.is_dir() || found.is_socket() || found.is_block_device() {
        return Err(format!("it is {}", words(found)));
    }
    Ok(if found.is_file() {
        Place::File
    } else {
        Place::Stream
    })
}

/// So long a pipe is waited for that nobody reads.
const READER: Duration = Duration::from_secs(5);

/// Opens what is no file to write into it. Nothing waits for ever: a pipe that nobody reads is said.
fn stream(path: &Path) -> io::Result<File> {
    let until = Instant::now() + READER;
    let mut options = OpenOptions::new();
    options.write(true);
    // No terminal becomes ours by that.
    options.custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
    let opened = loop {
        match options.open(path) {
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) && Instant::now() < until => {
                thread::sleep(READER / 200);
            }
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                return Err(io::Error::new(error.kind(), "nobody reads it"));
            }
            opened => break opened?,
        }
    };
    // It may have become one since it was looked at; nothing was written into it.
    if opened.metadata()?.is_file() {
        return Err(io::Error::other("it is a file now"));
    }
    let flags = fcntl_getfl(&opened)?;
    fcntl_setfl(&opened, flags - OFlags::NONBLOCK)?;
    Ok(opened)
}

/// Writes to a path that the user has named; see [`place`]. A pipe waits for somebody who reads it, but not for ever.
///
/// # Errors
/// Where it cannot be written.
pub fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if place(path).map_err(io::Error::other)? == Place::Stream {
        let mut stream = stream(path)?;
        stream.write_all(bytes)?;
        return stream.flush();
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let mut half = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    half.write_all(bytes)?;
    half.as_file().sync_all()?;
    half.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn open_with(options: &mut OpenOptions, path: &Path, links: Links) -> Result<File, FileError> {
    let failed = |why| FileError {
        path: path.to_owned(),
        why,
    };
    let system = |error| failed(Why::System(error));
    // Looked at first: opening a device may already do something.
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_symlink() && links == Links::Refused => return Err(failed(Why::Link)),
        Ok(data) if data.is_symlink() => match fs::metadata(path) {
            Ok(behind) => regular(behind.file_type()).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(failed(Why::Dangling));
            }
            Err(error) => return Err(system(error)),
        },
        Ok(data) => regular(data.file_type()).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(system(error)),
    }
    let mut flags = libc::O_NONBLOCK;
    if links == Links::Refused {
        flags |= libc::O_NOFOLLOW;
    }
    let file = options.custom_flags(flags).open(path).map_err(system)?;
    // And again, now that it cannot be changed for another any more.
    let data = file.metadata().map_err(system)?;
    regular(data.file_type()).map_err(failed)?;
    Ok(file)
}

fn regular(kind: FileType) -> Result<(), Why> {
    if kind.is_file() {
        Ok(())
    } else {
        Err(Why::Kind(words(kind)))
    }
}

fn words(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::{fs::symlink, net::UnixListener},
        process::Command,
    };

    use super::*;

    #[test]
    fn only_regular_files_of_a_fair_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        fs::write(at("large"), vec![b'x'; 2 << 20]).unwrap();
        fs::create_dir(at("folder")).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(at("pipe"))
                .status()
                .unwrap()
                .success()
        );
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for (name, to) in [
            ("link", "file"),
            ("link-to-large", "large"),
            ("link-to-pipe", "pipe"),
            ("link-to-zero", "/dev/zero"),
            ("link-to-folder", "folder"),
            ("link-to-link", "link"),
            ("dangling", "nowhere"),
            ("loop", "loop"),
        ] {
            symlink(to, at(name)).unwrap();
        }
        let said = |name: &str, links| match read(&at(name), links, 1 << 20) {
            Ok(Some(bytes)) => String::from_utf8(bytes).unwrap(),
            Ok(None) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        let link = "is a symbolic link, and links are not followed there";
        let cases = [
            ("file", "text", "text"),
            ("absent", "nothing", "nothing"),
            ("file/below", "nothing", "nothing"),
            ("folder", "is a folder, not", "is a folder, not"),
            ("pipe", "is a named pipe, not", "is a named pipe, not"),
            ("socket", "is a socket, not", "is a socket, not"),
            ("large", "larger than 1 MB", "larger than 1 MB"),
            ("link", link, "text"),
            ("link-to-link", link, "text"),
            ("link-to-large", link, "larger than 1 MB"),
            ("link-to-pipe", link, "is a named pipe, not"),
            ("link-to-zero", link, "is a device, not"),
            ("link-to-folder", link, "is a folder, not"),
            ("dangling", link, "to a file that does not exist"),
            ("loop", link, "symbolic link"),
        ];
        for (name, refused, followed) in cases {
            let (one, other) = (said(name, Links::Refused), said(name, Links::Followed));
            assert!(one.contains(refused), "{name}: {one}");
            assert!(other.contains(followed), "{name}, followed: {other}");
        }
    }

    #[test]
    fn what_is_no_file_is_written_into_and_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        save(&at("new"), b"one").unwrap();
        save(&at("new"), b"two").unwrap();
        assert_eq!(fs::read_to_string(at("new")).unwrap(), "two");

        let made = Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.unwrap().success());
        let path = at("pipe");
        let reads = thread::spawn(move || fs::read_to_string(path).unwrap());
        save(&at("pipe"), b"through").unwrap();
        assert_eq!(reads.join().unwrap(), "through");
        assert!(fs::metadata(at("pipe")).unwrap().file_type().is_fifo());

        symlink("/dev/null", at("null")).unwrap();
        symlink("new", at("link")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        save(&at("null"), b"away").unwrap();
        save(Path::new("/dev/null"), b"away").unwrap();
        let null = fs::symlink_metadata("/dev/null").unwrap().file_type();
        assert!(null.is_char_device());
        let there = fs::symlink_metadata(at("null")).unwrap();
        assert!(there.is_symlink());
        for (name, why) in [
            ("link", "a link to a file"),
            ("dangling", "a link to nothing"),
            ("folder", "a folder"),
            ("socket", "a socket"),
            ("none/file", "there is no folder"),
        ] {
            let refused = place(&at(name)).unwrap_err();
            assert!(refused.contains(why), "{name}: {refused}");
            assert!(save(&at(name), b"x").is_err(), "{name}");
        }
        assert_eq!(fs::read_to_string(at("new")).unwrap(), "two");
    }

    #[test]
    fn a_lock_and_a_log_are_never_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("precious"), "precious").unwrap();
        symlink("precious", at("link")).unwrap();
        symlink("not-yet", at("dangling")).unwrap();
        symlink(".", at("folder-link")).unwrap();
        for name in ["link", "dangling"] {
            assert!(open_lock(&at(name)).is_err(), "{name}");
            assert!(open_append(&at(name)).is_err(), "{name}");
            assert!(make_folder(&at(name)).is_err(), "{name}");
        }
        assert!(make_folder(&at("folder-link")).is_err());
        assert!(make_folder(&at("precious")).is_err());
        make_folder(&at("new")).unwrap();
        make_folder(&at("new")).unwrap();
        assert!(!at("not-yet").exists());
        open_lock(&at("lock")).unwrap();
        open_lock(&at("precious")).unwrap();
        open_append(&at("log")).unwrap();
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");
    }
}
