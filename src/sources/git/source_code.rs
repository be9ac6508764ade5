//! A clone of a service's source code: what lies between two versions, and which commit one was built of.

use super::{Repo, objects::Objects, read::entry_at, revision::abbreviated};
use crate::domain::{
    failure::{Failure, FailureKind},
    history::CommitInfo,
    ids::ObjectId,
    source_code::{Changelog, Names, SaidBy},
};

/// So many commits are looked at, each way.
const MOST: usize = 500;

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
        let objects = Objects::open(self)?;
        let found = |version: &str, names: &Names| match self.called(&objects, names)? {
            Some((commit, SaidBy::Tag(name))) => Ok((commit, name)),
            Some((commit, _)) => Ok((commit, commit.to_string())),
            None => Err(self.unknown(version, names)),
        };
        let (old, old_name) = found(from, from_names)?;
        let (new, new_name) = found(to, to_names)?;
        let (comes, more) = self.only_in(&objects, old, new, path)?;
        let (goes, more_goes) = self.only_in(&objects, new, old, path)?;
        let found = Changelog {
            comes,
            goes,
            more: more || more_goes,
            ..Changelog::default()
        };
        Ok((found, [old_name, new_name]))
    }

    /// The commit of a version, which is called so here, and what says that.
    ///
    /// # Errors
    /// Where it has no tag and no commit here, or a commit cannot be read.
    pub fn commit_of(&self, version: &str, names: &Names) -> Result<(ObjectId, SaidBy), Failure> {
        let objects = Objects::open(self)?;
        let found = self.called(&objects, names)?;
        found.ok_or_else(|| self.unknown(version, names))
    }

    /// The commit of a version, and what says so.
    fn called(
        &self,
        objects: &Objects,
        names: &Names,
    ) -> Result<Option<(ObjectId, SaidBy)>, Failure> {
        for tag in &names.tags {
            let full = format!("refs/tags/{tag}");
            if git2::Reference::is_valid_name(&full)
                && let Some(commit) = self.ref_commit(&full)
            {
                return Ok(Some((commit, SaidBy::Tag(tag.clone()))));
            }
        }
        for digits in &names.commits {
            if let Some(found) = abbreviated(objects, digits)?
                && let Some(commit) = objects.peel(found)?
            {
                return Ok(Some((commit, SaidBy::Version)));
            }
        }
        Ok(None)
    }

    /// What `head` has and `base` has not, newest first; and whether there is more.
    fn only_in(
        &self,
        objects: &Objects,
        base: ObjectId,
        head: ObjectId,
        path: Option<&str>,
    ) -> Result<(Vec<CommitInfo>, bool), Failure> {
        let between = self.commits_between(base, head, MOST)?;
        if between.fork.is_none() {
            let place = self.place().display();
            let words = format!(
                "{} and {} have no commit in common in {place}",
                base.short(),
                head.short()
            );
            return Err(Failure::new(FailureKind::Refused, words).hint(format!(
                "Where it is a shallow clone: git -C {place} fetch --unshallow"
            )));
        }
        let mut all = Vec::new();
        for made in &between.commits {
            if let Some(path) = path
                && !touches(objects, made.commit, made.parents.first(), path)?
            {
                continue;
            }
            let (authored, _) = objects.info(made.commit)?;
            // A merge that says nothing of its own is told by what it brings.
            if made.parents.len() < 2 || authored.pull_request.is_some() {
                all.push(authored);
            }
        }
        Ok((all, between.goes_on))
    }

    fn unknown(&self, version: &str, names: &Names) -> Failure {
        let tags = names.tags.iter().take(4);
        let tags: Vec<String> = tags.map(|it| format!("`{it}`")).collect();
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

/// Whether a commit changes something below a folder, compared with its first parent.
fn touches(
    objects: &Objects,
    commit: ObjectId,
    parent: Option<&ObjectId>,
    path: &str,
) -> Result<bool, Failure> {
    let at = |commit: ObjectId| {
        let tree = objects.header(commit)?.tree;
        entry_at(tree, path, |tree| objects.tree(tree))
    };
    let before = parent.map(|parent| at(*parent)).transpose()?.flatten();
    Ok(at(commit)? != before)
}
