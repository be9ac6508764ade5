//! Text that the user edits by a program of their own: kept as it is, without a form around it.

use std::{fs, io};

use super::{StateStore, remove, replace};
use crate::sources::{
    files::{self, Links},
    waiting,
};

impl StateStore {
    /// Reads the text `name`; `None` where there is none.
    ///
    /// # Errors
    /// A sentence where something else than text of a fair size is there.
    pub fn text(&self, name: &str) -> Result<Option<String>, String> {
        let _waiting = waiting::reading(&self.folder);
        let path = self.folder.join(name);
        let bytes = files::read(&path, Links::Refused, files::CONFIGURATION)
            .map_err(|error| error.to_string())?;
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| format!("{} is not UTF-8: mend it, or remove it", path.display()))
    }

    /// Writes the text `name` where nothing is there: what is there stays as it is. Whether it was written.
    ///
    /// # Errors
    /// Of the disk.
    pub fn begin_text(&self, name: &str, text: &str) -> io::Result<bool> {
        let _waiting = self.writing();
        let _lock = self.lock()?;
        let path = self.folder.join(name);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                replace(&path, text.as_bytes()).map(|()| true)
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the text `name` where it still says `text`: what somebody else wrote meanwhile stays. Whether nothing is left.
    ///
    /// # Errors
    /// Of the disk.
    pub fn end_text(&self, name: &str, text: &str) -> io::Result<bool> {
        let _waiting = self.writing();
        let _lock = self.lock()?;
        match self.text(name) {
            Ok(Some(there)) if there == text => remove(&self.folder.join(name)).map(|()| true),
            Ok(there) => Ok(there.is_none()),
            Err(_) => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_text_begins_once_and_ends_as_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path().join("deep"));
        assert_eq!(store.text("draft"), Ok(None));
        assert!(store.end_text("draft", "one").unwrap(), "nothing is left");
        assert!(store.begin_text("draft", "one").unwrap());
        assert!(!store.begin_text("draft", "two").unwrap(), "it is there");
        assert_eq!(store.text("draft"), Ok(Some("one".to_owned())));
        assert!(!store.end_text("draft", "two").unwrap(), "another one");
        assert!(store.end_text("draft", "one").unwrap());
        assert_eq!(store.text("draft"), Ok(None));
    }

    #[test]
    fn what_is_no_text_is_neither_read_nor_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::in_folder(folder.path());
        let at = |name: &str| folder.path().join(name);
        fs::write(at("precious"), "precious").unwrap();
        symlink(at("precious"), at("link")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        fs::write(at("bytes"), b"\xff").unwrap();
        let large = usize::try_from(files::CONFIGURATION).unwrap() + 1;
        fs::write(at("large"), vec![b' '; large]).unwrap();
        for (name, why) in [
            ("link", "is a symbolic link"),
            ("dangling", "is a symbolic link"),
            ("bytes", "is not UTF-8"),
            ("large", "is larger than 4 MB"),
        ] {
            assert!(!store.begin_text(name, "mine").unwrap(), "{name}");
            let said = store.text(name).unwrap_err();
            assert!(said.contains(why), "{name}: {said}");
            assert!(!store.end_text(name, "precious").unwrap(), "{name}");
            assert!(fs::symlink_metadata(at(name)).is_ok(), "{name} stays");
        }
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");
        assert!(!at("nowhere").exists());
    }
}
