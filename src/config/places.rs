//! Where the files are on this machine.

use std::path::PathBuf;

/// Overrides the folder of the user's file; for tests and for people who keep several.
pub const DIRECTORY_VARIABLE: &str = "TIDEGATE_CONFIG_DIR";

/// The user's file, whether it exists or not; `None` where the system has no place for one.
pub fn user_file() -> Option<PathBuf> {
    let folder = match std::env::var_os(DIRECTORY_VARIABLE) {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => directories::ProjectDirs::from("dev", "tidegate", "tidegate")?
            .config_dir()
            .to_path_buf(),
    };
    Some(folder.join("config.toml"))
}

/// The folder of the user's own themes, whether it exists or not.
pub fn themes() -> Option<PathBuf> {
    Some(user_file()?.with_file_name("themes"))
}

/// Overrides the folder of what can be had again: mirrors of repositories that are named by an address.
pub const CACHE_VARIABLE: &str = "TIDEGATE_CACHE_DIR";

/// Where mirrors are kept; `None` where the system has no place for them.
pub fn mirrors() -> Option<PathBuf> {
    let folder = match std::env::var_os(CACHE_VARIABLE) {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => directories::ProjectDirs::from("dev", "tidegate", "tidegate")?
            .cache_dir()
            .to_path_buf(),
    };
    Some(folder.join("mirrors"))
}
