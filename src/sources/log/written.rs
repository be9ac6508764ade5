//! The log on the disk: a few files of bounded size, which several Tidegates may write at once, and what a line in them may
//! hold.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
};

use crate::{
    domain::{address::redact, text::sanitise},
    sources::files,
};

/// So many full files are kept beside the one that is written.
const OLDER: usize = 2;
/// A longer line is cut, in bytes.
const LINE: usize = 16 << 10;

/// What becomes of a line as it was formatted: one line, with the number of this process, without secrets and without what
/// a terminal obeys that it is shown on.
pub(super) fn line(formatted: &[u8]) -> String {
    let text = String::from_utf8_lossy(formatted);
    let clean = sanitise(text.trim_end_matches('\n'));
    let mut line = redact(&clean);
    if line.len() > LINE {
        let end = (0..=LINE).rev().find(|at| line.is_char_boundary(*at));
        line.truncate(end.unwrap_or_default());
        line.push('…');
    }
    let pid = std::process::id();
    match line.split_once(' ') {
        Some((time, rest)) => format!("{time} {pid} {rest}\n"),
        None => format!("{pid} {line}\n"),
    }
}

/// The files: the newest, and older ones with a number behind its name.
pub(super) struct Files {
    path: PathBuf,
    limit: u64,
    open: Option<File>,
}

impl Files {
    /// Nothing is opened yet.
    pub(super) fn new(path: PathBuf, limit: u64) -> Self {
        Self {
            path,
            limit,
            open: None,
        }
    }

    /// Appends a line; in a new file, where this one is full.
    ///
    /// # Errors
    /// Why it is not written, in a sentence.
    pub(super) fn write(&mut self, line: &str) -> Result<(), String> {
        let file = match self.open.take() {
            Some(file) => file,
            None => self.first()?,
        };
        // Whoever turned the files meanwhile has made this one an older one, and full.
        let mut file = if self.is_full(&file) {
            self.turn()?
        } else {
            file
        };
        // At once, so that lines of several processes do not mix.
        file.write_all(line.as_bytes())
            .map_err(|error| self.failed(&error))?;
        self.open = Some(file);
        Ok(())
    }

    fn first(&self) -> Result<File, String> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                let error = without_number(&error);
                format!("the folder {} cannot be made: {error}", folder.display())
            })?;
        }
        self.opened()
    }

    fn opened(&self) -> Result<File, String> {
        files::open_append(&self.path).map_err(|error| error.to_string())
    }

    fn is_full(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|data| data.len() >= self.limit)
    }

    /// Makes the newest file an older one, unless another process just did, and opens the next.
    fn turn(&self) -> Result<File, String> {
        let lock = files::open_lock(&self.path.with_extension("log.lock"))
            .map_err(|error| error.to_string())?;
        // One that holds it for long was stopped while it turned them: the lines are lost, not the bound.
        lock.try_lock()
            .map_err(|_| format!("another Tidegate is turning {}", self.path.display()))?;
        if !self.is_full(&self.opened()?) {
            return self.opened();
        }
        for age in (0..OLDER).rev() {
            match fs::rename(self.aged(age), self.aged(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.failed(&error));
                }
                _ => {}
            }
        }
        self.opened()
    }

    fn aged(&self, age: usize) -> PathBuf {
        match age {
            0 => self.path.clone(),
            age => self.path.with_extension(format!("log.{age}")),
        }
    }

    fn failed(&self, error: &io::Error) -> String {
        let error = without_number(error);
        format!("{} cannot be written: {error}", self.path.display())
    }
}

fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_line_is_one_line_without_secrets_and_controls() {
        let pid = std::process::id();
        for (formatted, written) in [
            ("T  INFO a: b\n", format!("T {pid}  INFO a: b\n")),
            ("T a\nb\r\nc\td\n", format!("T {pid} a b c d\n")),
            (
                "T \u{1b}[2J\u{1b}]0;x\u{7}\u{202e}at https://u:p@h/?t=x now\n",
                format!("T {pid} at https://***@h/?*** now\n"),
            ),
            (
                "T https://u:p\u{1b}[0m\u{0}q@h/a\n",
                format!("T {pid} https://***@h/a\n"),
            ),
            ("\n", format!("{pid} \n")),
        ] {
            assert_eq!(line(formatted.as_bytes()), written, "{formatted:?}");
        }
        assert!(line(b"T \xff\n").contains('\u{fffd}'));
        let long = line(format!("T {}\n", "é".repeat(LINE)).as_bytes());
        assert!(long.ends_with("…\n") && long.len() < LINE + 32);
    }

    #[test]
    fn the_files_are_few_small_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidegate.log");
        // Two processes at once.
        let mut both = [Files::new(path.clone(), 100), Files::new(path.clone(), 100)];
        for at in 0..100 {
            both[at % 2]
                .write(&format!("line number {at:02}\n"))
                .unwrap();
        }
        let mut kept = Vec::new();
        for name in ["tidegate.log.2", "tidegate.log.1", "tidegate.log"] {
            let file = folder.path().join(name);
            let data = fs::metadata(&file).unwrap();
            assert!(data.len() < 100 + 16, "{name}: {}", data.len());
            assert_eq!(data.permissions().mode() & 0o777, 0o600, "{name}");
            let text = fs::read_to_string(file).unwrap();
            kept.extend(text.lines().map(str::to_owned));
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            4,
            "and a lock"
        );
        let first = 100 - kept.len();
        let last: Vec<String> = (first..100)
            .map(|at| format!("line number {at:02}"))
            .collect();
        assert_eq!(kept, last, "none is lost in between");
    }

    #[test]
    fn nothing_but_a_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("precious"), "precious").unwrap();
        symlink("precious", at("link.log")).unwrap();
        fs::create_dir(at("folder.log")).unwrap();
        for (name, why) in [
            ("link.log", "is a symbolic link"),
            ("folder.log", "is a folder"),
            ("precious/x.log", "cannot be made"),
        ] {
            let said = Files::new(at(name), 100).write("line\n").unwrap_err();
            assert!(said.contains(why), "{name}: {said}");
        }
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");

        // Older ones that stand in the way: nothing grows without a bound.
        fs::create_dir(at("x.log.1")).unwrap();
        fs::create_dir(at("x.log.2")).unwrap();
        fs::write(at("x.log.2/kept"), "").unwrap();
        fs::write(at("x.log"), [b'x'; 100]).unwrap();
        let said = Files::new(at("x.log"), 100).write("line\n").unwrap_err();
        assert!(said.contains("cannot be written"), "{said}");
        assert_eq!(fs::metadata(at("x.log")).unwrap().len(), 100);
    }

    #[test]
    fn one_that_turns_the_files_and_does_not_end_costs_lines_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidegate.log");
        fs::write(&path, [b'x'; 100]).unwrap();
        let lock = files::open_lock(&folder.path().join("tidegate.log.lock")).unwrap();
        lock.lock().unwrap();
        let mut written = Files::new(path.clone(), 100);
        let said = written.write("line\n").unwrap_err();
        assert!(said.contains("another Tidegate"), "{said}");
        assert_eq!(fs::metadata(&path).unwrap().len(), 100);
        drop(lock);
        written.write("line\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "line\n");
    }
}
