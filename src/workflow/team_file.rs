//! The team's file, written where there is none.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Project, project::user_file};
use crate::{
    config::{self, LoadRequest, SourceFile, TEAM_FILE},
    domain::failure::Failure,
    sources::git::Repo,
};

/// Where the repository's own file goes.
///
/// # Errors
/// Where it has no place, or is there already.
pub fn team_file(repo: &Repo) -> Result<PathBuf, Failure> {
    let Some(root) = repo.work_dir() else {
        return Err(Failure::usage("a bare repository has no place for a file"));
    };
    let file = root.join(TEAM_FILE);
    if file.exists() {
        return Err(Failure::usage(format!(
            "{} is there already and stays as it is",
            file.display()
        )));
    }
    Ok(file)
}

/// Looks that `text`, as the repository's own file, would be a configuration with what the user's own file says. What it does
/// not say is guessed as it is in `project`.
///
/// # Errors
/// What is wrong with it.
pub fn loads(project: &Project, text: &str) -> Result<(), Failure> {
    config::load(&LoadRequest {
        team: Some(SourceFile {
            name: TEAM_FILE.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }),
        user: user_file()?,
        detect: &|| project.config.guess.as_deref().cloned(),
    })?;
    Ok(())
}

/// Writes the file whole or not at all, and never over one that came meanwhile.
///
/// # Errors
/// When it cannot be written.
pub fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = || -> io::Result<()> {
        let mut half = tempfile::Builder::new();
        #[cfg(unix)]
        half.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut half = half.tempfile_in(folder)?;
        half.write_all(text.as_bytes())?;
        // A network's disk says only now that it is full.
        half.as_file().sync_all()?;
        half.persist_noclobber(file).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))
}
