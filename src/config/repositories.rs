//! `[[repositories]]` of both files, joined by name.

use super::{
    KeyPlace, RepositoryEntry, RepositoryPlace,
    reader::Reader,
    schema::{ConfigFile, WrittenRepository},
};
use crate::domain::{address::Address, suggest, text};

/// The entries of all files, weakest first; what the later file says wins, key by key.
pub(super) fn join(written: &[Vec<WrittenRepository>], readers: &[Reader]) -> Vec<RepositoryEntry> {
    let mut merged: Vec<(usize, WrittenRepository)> = Vec::new();
    for (file, entries) in written.iter().enumerate() {
        for (at, entry) in entries.iter().enumerate() {
            let twice = entries[..at].iter().any(|other| other.name == entry.name);
            if twice && let Some(reader) = readers.get(file) {
                let message = format!("`{}` stands in this file twice; rename one", entry.name);
                reader.error_at(&format!("{}.name", entry.at), message);
                continue;
            }
            let known = merged
                .iter_mut()
                .find(|(_, known)| known.name == entry.name);
            let Some((said, known)) = known else {
                merged.push((file, entry.clone()));
                continue;
            };
            if entry.path.is_some() || entry.url.is_some() {
                known.path.clone_from(&entry.path);
                known.url.clone_from(&entry.url);
                known.at.clone_from(&entry.at);
                (*said, known.by) = (file, entry.by);
            }
            known.branch = entry.branch.clone().or(known.branch.take());
        }
    }
    let mut entries = Vec::new();
    for (file, entry) in merged {
        let key = if entry.path.is_some() { "path" } else { "url" };
        let key = format!("{}.{key}", entry.at);
        let team = (entry.by == ConfigFile::Team).then(|| {
            let (file, line) =
                (readers.get(file).map(|reader| reader.place(&key))).unwrap_or_default();
            KeyPlace {
                file,
                line,
                key: key.clone(),
            }
        });
        // What is consented to has to be seen as it is.
        let named = match (&entry.path, &entry.url) {
            (Some(path), _) => path.clone(),
            (None, url) => url.clone().unwrap_or_default(),
        };
        if text::sanitise(&named) != named {
            if let Some(reader) = readers.get(file) {
                reader.error_at(
                    &key,
                    "holds characters that cannot be seen (controls, changes of direction, or of no width); write it without them",
                );
            }
            continue;
        }
        let place = match (entry.path, entry.url) {
            (Some(path), _) => RepositoryPlace::Path(path),
            (None, Some(url)) => match Address::parse(&url) {
                Ok(address) => RepositoryPlace::Url(address),
                Err(error) => {
                    if let Some(reader) = readers.get(file) {
                        reader.error_at(
                            &key,
                            format!("{error}; a clone on this machine is named by `path`"),
                        );
                    }
                    continue;
                }
            },
            (None, None) => {
                if let Some(reader) = readers.get(file) {
                    reader.error_at(
                        &entry.at,
                        "has neither `path` nor `url`; say where its clone is, or its Git address",
                    );
                }
                continue;
            }
        };
        entries.push(RepositoryEntry {
            name: entry.name,
            place,
            branch: entry.branch,
            team,
        });
    }
    entries
}

/// Notes an error at `key` where no entry is called `name`.
pub(super) fn declared(entries: &[RepositoryEntry], name: &str, key: &str, reader: &Reader) {
    if entries.iter().any(|entry| entry.name == name) {
        return;
    }
    let names = entries.iter().map(|entry| entry.name.as_str());
    let hint = suggest::hint(name, names);
    reader.error_at(
        key,
        format!("`{name}` is no declared repository{hint}; add `[[repositories]]` with `name = \"{name}\"` and its `path` or `url`"),
    );
}
