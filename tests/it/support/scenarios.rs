//! Tables of scenarios, as data files in `tests/scenarios`.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{fs, path::Path};

use serde::de::DeserializeOwned;

/// Hands on every scenario of a folder below `tests/scenarios`, in the order of the files, each with the name of its file.
///
/// # Panics
/// Where there is none, or one cannot be read.
pub fn each<T: DeserializeOwned>(folder: &str, holds: impl Fn(&str, &T)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/scenarios")
        .join(folder);
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display().to_string();
        let scenarios: Vec<T> =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for scenario in &scenarios {
            holds(&name, scenario);
        }
    }
}
