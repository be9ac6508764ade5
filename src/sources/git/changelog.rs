//! What lies between two versions, in a clone of a service's source code.

use std::path::Path;

use jiff::Timestamp;

use super::Repo;
use crate::domain::{
    changelog::{Changelog, Entry, Names},
    failure::{Failure, FailureKind},
    ids::ObjectId,
    text::sanitise,
};

/// So many commits are told of a change at most, each way.
const MOST: usize = 500;
/// So many are looked at for those that touch a folder.
const LOOKED_AT: usize = 20_000;

impl Repo {
    /// The commits that lie between two versions, which are called so here; `path`: those that touch this folder alone. And what
    /// the two are called.
    ///
    /// # Errors
    /// Where a version has no tag and no commit here, or a commit cannot be read.
    pub fn changelog(
        &self,
        (from, from_names): (&str, &Names),
        (to, to_names): (&str, &Names),
        path: Option<&str>,
    ) -> Result<(Changelog, [String; 2]), Failure> {
        let repository = self.open()?;
        let found = |version: &str, names: &Names| {
            commit_of(&repository, names).ok_or_else(|| self.unknown(version, names))
        };
        let (old, old_name) = found(from, from_names)?;
        let (new, new_name) = found(to, to_names)?;
        let read = |has: git2::Oid, has_not: git2::Oid| {
            between(&repository, has, has_not, path)
                .map_err(|error| self.error(&error, "cannot read the source code's commits"))
        };
        let (comes, more) = read(new, old)?;
        let (goes, more_goes) = read(old, new)?;
        let found = Changelog {
            comes,
            goes,
            more: more || more_goes,
            ..Changelog::default()
        };
        Ok((found, [old_name, new_name]))
    }

    fn unknown(&self, version: &str, names: &Names) -> Failure {
        let tags: Vec<String> = names
            .tags
            .iter()
            .take(4)
            .map(|it| format!("`{it}`"))
            .collect();
        let commits = match names.commits.first() {
            Some(commit) => format!(", and no commit {commit}"),
            None => String::new(),
        };
        let place = self.place().display();
        Failure::new(
            FailureKind::Refused,
            format!(
                "{place} has no tag for {version} (looked for {}){commits}",
                tags.join(", ")
            ),
        )
        .hint(format!(
            "Fetch its tags (`git -C {place} fetch --tags`), or say in `tag` of [[sources]] what versions are called there"
        ))
    }
}

/// The commit of a version, and what it is called.
fn commit_of(repository: &git2::Repository, names: &Names) -> Option<(git2::Oid, String)> {
    let tagged = names.tags.iter().find_map(|tag| {
        let name = format!("refs/tags/{tag}");
        if !git2::Reference::is_valid_name(&name) {
            return None;
        }
        let reference = repository.find_reference(&name).ok()?;
        Some((reference.peel_to_commit().ok()?.id(), tag.clone()))
    });
    tagged.or_else(|| {
        let mut commits = names.commits.iter();
        commits.find_map(|prefix| {
            let found = repository.find_commit_by_prefix(prefix).ok()?;
            Some((found.id(), prefix.clone()))
        })
    })
}

/// What `has` has and `has_not` has not, newest first; and whether there is more.
fn between(
    repository: &git2::Repository,
    has: git2::Oid,
    has_not: git2::Oid,
    path: Option<&str>,
) -> Result<(Vec<Entry>, bool), git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(git2::Sort::TIME | git2::Sort::TOPOLOGICAL)?;
    walk.push(has)?;
    walk.hide(has_not)?;
    let mut entries: Vec<Entry> = Vec::new();
    for (count, id) in walk.enumerate() {
        if entries.len() >= MOST || count >= LOOKED_AT {
            return Ok((entries, true));
        }
        let commit = repository.find_commit(id?)?;
        if let Some(path) = path
            && !touches(repository, &commit, path)?
        {
            continue;
        }
        let entry = read(&commit);
        // A merge that says nothing of its own is told by what it brings.
        if commit.parent_count() < 2 || entry.pull_request.is_some() {
            entries.push(entry);
        }
    }
    Ok((entries, false))
}

fn read(commit: &git2::Commit<'_>) -> Entry {
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    let author = String::from_utf8_lossy(commit.author().name_bytes()).into_owned();
    let mut id = [0; 20];
    id.copy_from_slice(commit.id().as_bytes());
    Entry::new(
        ObjectId::new(id),
        &sanitise_lines(&message),
        sanitise(&author).into_owned(),
        Timestamp::from_second(commit.author().when().seconds()).ok(),
    )
}

/// Each line by itself: what is no text must not reach a terminal.
fn sanitise_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(sanitise).collect();
    lines.join("\n")
}

/// Whether a commit changes something below a folder, compared with its first parent.
fn touches(
    repository: &git2::Repository,
    commit: &git2::Commit<'_>,
    path: &str,
) -> Result<bool, git2::Error> {
    let at = |tree: git2::Tree<'_>| tree.get_path(Path::new(path)).ok().map(|it| it.id());
    let here = at(commit.tree()?);
    let before = match commit.parent_id(0) {
        Ok(parent) => at(repository.find_commit(parent)?.tree()?),
        Err(_) => None,
    };
    Ok(here != before)
}
