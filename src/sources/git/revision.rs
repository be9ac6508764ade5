//! Revisions as people write them: `main`, `v1.2`, `4f2a9c1`, `main~3`, `HEAD^2`, `v1.2-4-g4f2a9c1`, `main@{1}`.
//!
//! libgit2 has the grammar too, and reads the objects on the way by itself: see [`store`](super::store).

use super::{Repo, objects::Objects, ours};
use crate::domain::ids::ObjectId;
use crate::domain::{
    desired::Tip,
    failure::{Failure, FailureKind},
};

/// So many objects whose names begin alike are looked at to find the one that is a commit.
const MOST_ALIKE: usize = 64;

/// One step down from a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// `^2`: to this parent, counted from one.
    Parent(usize),
    /// `~3`: so often to the first parent.
    Down(u64),
}

impl Repo {
    /// The commit that a revision names here, or on the base's remote; `None` where it names none.
    ///
    /// # Errors
    /// When the repository cannot be opened, or an object on the way is damaged.
    pub fn revision(&self, rev: &str, base: &Tip) -> Result<Option<ObjectId>, Failure> {
        let Some((name, steps)) = parse(rev) else {
            return Ok(None);
        };
        let repository = self.open()?;
        let objects = Objects::open(self)?;
        let remote = base.remote.as_deref().unwrap_or("origin");
        let found = match self.object_named(&repository, &objects, name)? {
            Some(found) => Some(found),
            None => self.target(&repository, &format!("refs/remotes/{remote}/{name}"))?,
        };
        let Some(found) = found else { return Ok(None) };
        let Some(mut commit) = objects.peel(found)? else {
            return Ok(None);
        };
        for step in steps {
            let Some(next) = descend(&objects, commit, step)? else {
                return Ok(None);
            };
            commit = next;
        }
        Ok(Some(commit))
    }

    /// The object of a name without steps, as `gitrevisions` looks for it.
    fn object_named(
        &self,
        repository: &git2::Repository,
        objects: &Objects,
        name: &str,
    ) -> Result<Option<ObjectId>, Failure> {
        if let Some(id) = name.parse().ok().filter(|id| objects.has(*id)) {
            return Ok(Some(id));
        }
        if let Some((name, at)) = name
            .strip_suffix('}')
            .and_then(|name| name.split_once("@{"))
        {
            return self.before(repository, name, at);
        }
        if let Some(full) = self.full_name(repository, name)? {
            return self.target(repository, &full);
        }
        let described = name.rsplit_once("-g").map(|(_, digits)| digits);
        for digits in [Some(name), described].into_iter().flatten() {
            if let Some(found) = abbreviated(objects, digits)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The full name of a ref that is written short; `@` is HEAD.
    fn full_name(
        &self,
        repository: &git2::Repository,
        name: &str,
    ) -> Result<Option<String>, Failure> {
        let name = if name == "@" { "HEAD" } else { name };
        for (before, after) in [
            ("", ""),
            ("refs/", ""),
            ("refs/tags/", ""),
            ("refs/heads/", ""),
            ("refs/remotes/", ""),
            ("refs/remotes/", "/HEAD"),
        ] {
            let full = format!("{before}{name}{after}");
            // Outside of `refs` are files of other kinds, too.
            let outside = before.is_empty() && !full.starts_with("refs/");
            if outside && !full.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
                continue;
            }
            if git2::Reference::is_valid_name(&full) && self.target(repository, &full)?.is_some() {
                return Ok(Some(full));
            }
        }
        Ok(None)
    }

    /// `main@{1}`: where the ref was before; `main@{upstream}`: what it follows.
    fn before(
        &self,
        repository: &git2::Repository,
        name: &str,
        at: &str,
    ) -> Result<Option<ObjectId>, Failure> {
        let name = if name.is_empty() { "HEAD" } else { name };
        let Some(mut full) = self.full_name(repository, name)? else {
            return Ok(None);
        };
        if let Ok(number) = at.parse::<usize>() {
            let log = repository.reflog(&full).ok();
            let entry = log.as_ref().and_then(|log| log.get(number));
            return Ok(entry.map(|entry| ours(entry.id_new())));
        }
        if !["u", "upstream"].contains(&at.to_ascii_lowercase().as_str()) {
            return Ok(None);
        }
        let head = repository.find_reference(&full).ok();
        if let Some(Ok(Some(target))) = head.as_ref().map(git2::Reference::symbolic_target) {
            full = target.to_owned();
        }
        let upstream = repository.branch_upstream_name(&full).ok();
        match upstream.as_ref().and_then(|name| name.as_str().ok()) {
            Some(upstream) => self.target(repository, upstream),
            None => Ok(None),
        }
    }
}

/// The name, and the steps behind it; `None` where it is written in a way that names no commit here.
fn parse(rev: &str) -> Option<(&str, Vec<Step>)> {
    let end = rev.find(['~', '^']).unwrap_or(rev.len());
    let (name, mut rest) = rev.split_at(end);
    if name.is_empty() || name.contains([':', ' ', '*', '?', '[', '\\']) || name.contains("..") {
        return None;
    }
    let mut steps = Vec::new();
    while let Some(sign) = rest.chars().next() {
        rest = &rest[1..];
        if let Some(kind) = rest.strip_prefix('{').filter(|_| sign == '^') {
            let (kind, behind) = kind.split_once('}')?;
            // Whatever is named is taken as the commit that it means.
            if !matches!(kind, "" | "commit") {
                return None;
            }
            rest = behind;
            continue;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        rest = behind;
        match sign {
            '~' if number.is_empty() => steps.push(Step::Down(1)),
            '~' => steps.push(Step::Down(number.parse().ok()?)),
            '^' if number.is_empty() => steps.push(Step::Parent(1)),
            '^' if number == "0" => {}
            '^' => steps.push(Step::Parent(number.parse().ok()?)),
            _ => return None,
        }
    }
    Some((name, steps))
}

fn descend(objects: &Objects, commit: ObjectId, step: Step) -> Result<Option<ObjectId>, Failure> {
    match step {
        Step::Parent(number) => {
            let parents = objects.header(commit)?.parents;
            Ok(parents.get(number.saturating_sub(1)).copied())
        }
        Step::Down(count) => {
            for (walked, found) in (0..).zip(objects.first_parents(commit)) {
                let (found, _) = found?;
                if walked == count {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
    }
}

/// The commit, or what names one, whose name begins so.
pub(super) fn abbreviated(objects: &Objects, digits: &str) -> Result<Option<ObjectId>, Failure> {
    if !(4..=40).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let alike = objects.beginning_with(digits, MOST_ALIKE);
    if let [only] = alike[..] {
        return Ok(Some(only));
    }
    let is_commit = |id: &ObjectId| objects.peel(*id).is_ok_and(|commit| commit.is_some());
    let commits: Vec<ObjectId> = alike.into_iter().filter(is_commit).collect();
    match commits[..] {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        _ => Err(Failure::new(
            FailureKind::Unknown,
            format!(
                "`{digits}` is how the names of {} commits begin",
                commits.len()
            ),
        )
        .hint("Give more of its digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_revisions_as_people_write_them() {
        use Step::{Down, Parent};
        type Case = (&'static str, Option<(&'static str, &'static [Step])>);
        let cases: [Case; 16] = [
            ("main", Some(("main", &[]))),
            ("main~3", Some(("main", &[Down(3)]))),
            ("HEAD^", Some(("HEAD", &[Parent(1)]))),
            (
                "HEAD^2~1^",
                Some(("HEAD", &[Parent(2), Down(1), Parent(1)])),
            ),
            ("v1^{commit}", Some(("v1", &[]))),
            ("v1^{}", Some(("v1", &[]))),
            ("v1^0", Some(("v1", &[]))),
            ("main~~", Some(("main", &[Down(1), Down(1)]))),
            ("@{1}", Some(("@{1}", &[]))),
            ("HEAD^{tree}", None),
            ("HEAD^{/fix}", None),
            (":/fix", None),
            ("HEAD:a/b", None),
            ("a..b", None),
            ("~1", None),
            ("main~99999999999999999999999", None),
        ];
        for (rev, expected) in cases {
            let expected = expected.map(|(name, steps)| (name, steps.to_vec()));
            assert_eq!(parse(rev), expected, "{rev}");
        }
    }
}
