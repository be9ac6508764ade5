//! Who owns the files that a plan changes, by the CODEOWNERS file of its base.

use super::Project;
use crate::domain::{
    owners::{CodeOwners, Reader},
    plan::Write,
    text::{count, sanitise},
};

/// No more rules than these are told.
const MOST: usize = 6;

/// A sentence for each rule by which somebody owns what a write changes; none where its forge reads no such file.
pub(super) fn owners(project: &Project, write: &Write) -> Vec<String> {
    let place = project.forge_place(&write.tip).ok();
    let reader = place.and_then(|place| place.kind).and_then(Reader::of);
    let (Some(reader), Ok(repo)) = (reader, project.repository(&write.tip.name)) else {
        return Vec::new();
    };
    let found = reader.places().into_iter().find_map(|place| {
        let bytes = repo.file(write.tip.commit, place).ok().flatten()?;
        Some((place, bytes))
    });
    let Some((place, bytes)) = found.filter(|(_, bytes)| bytes.len() <= reader.largest()) else {
        return Vec::new();
    };
    let file = CodeOwners::parse(reader, &String::from_utf8_lossy(&bytes));
    let owned = file.of_all(write.edits.iter().map(|edit| edit.path.as_str()));
    let branch = write.tip.branch();
    let told = owned.iter().take(MOST).map(|owned| {
        let sentence = format!(
            "{} where {branch} asks for its owners ({place})",
            owned.sentence()
        );
        sanitise(&sentence).into_owned()
    });
    let more = owned.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("{} more of {place} have owners", count(more, "rule")));
    told.chain(more).collect()
}
