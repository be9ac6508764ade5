//! Which refs the matrix is read from: the branch that holds every environment, a branch for each, or tags.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;

use super::{Repo, base::is_bare_clone, objects::Objects};
use crate::domain::{
    desired::{RefName, Tip},
    failure::{Failure, FailureKind},
    ids::ObjectId,
    layout::{LayoutSet, Origin, RefTemplate},
};

/// Where the remote's tags are kept, apart from the clone's own.
const TAGS: &str = "refs/tags/";

/// The name here of what is kept of a remote's tags; what follows is a tag's short name.
fn kept_tags(remote: &str) -> String {
    format!("refs/tidegate/tags/{remote}/")
}

/// What fetches a remote's tags that begin with `prefix`: those that are not here yet into the clone's own, which keep their
/// places, and all of them, as they are there, to where they are read.
pub fn tag_refspecs(remote: &str, prefix: &str) -> [String; 2] {
    let below = prefix.strip_prefix(TAGS).unwrap_or_default();
    [
        format!("{TAGS}{below}*:{TAGS}{below}*"),
        format!("+{TAGS}{below}*:{}{below}*", kept_tags(remote)),
    ]
}

/// Whether a refspec fetches what is kept apart.
pub(super) fn is_kept(refspec: &str) -> bool {
    refspec.contains(":refs/tidegate/")
}

/// What to look for in one repository.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinesOf<'a> {
    /// The `[[repositories]]` entry; `None` is the main repository.
    pub repository: Option<&'a Arc<str>>,
    /// The configured branch for layouts without `refs`; the remote's HEAD by default.
    pub branch: Option<&'a str>,
    /// As it was at this time: branches at the newest commit on first parents that is not younger, tags made by then.
    pub until: Option<Timestamp>,
}

impl Repo {
    /// The refs that `layouts` read here, the one that holds every environment first. Blocking, milliseconds.
    ///
    /// # Errors
    /// As [`Repo::base`] where layouts read the default branch; a template that no ref matches gives no line.
    pub fn lines(&self, layouts: &LayoutSet, of: &LinesOf<'_>) -> Result<Vec<Tip>, Failure> {
        let repository = of.repository.map(|name| &**name);
        let mut lines = Vec::new();
        if layouts.reads(repository, None) {
            let mut tip = self.base(of.branch)?;
            if let Some(until) = of.until {
                tip.commit = self.at_time(&tip, until)?;
            }
            tip.name.repository = of.repository.cloned();
            tip.origin.repository = of.repository.cloned();
            lines.push(tip);
        }
        for (index, template) in layouts.ref_templates().iter().enumerate() {
            if layouts.reads(repository, Some(index)) {
                lines.extend(self.matching(index, template, of)?);
            }
        }
        Ok(lines)
    }

    fn matching(
        &self,
        index: usize,
        template: &RefTemplate,
        of: &LinesOf<'_>,
    ) -> Result<Vec<Tip>, Failure> {
        self.close_stale();
        let repository = self.open()?;
        let remote = self.remote_of(&repository, of.branch)?;
        let mut found = self.refs_below(&repository, remote.as_deref(), template.prefix())?;
        let objects = Objects::open(self)?;
        if let (true, Some(until)) = (template.is_tags(), of.until) {
            let mut then = Vec::new();
            for (name, full) in found {
                if template.matches(&full).is_none() {
                    continue;
                }
                let made = match self.target(&repository, &full)? {
                    Some(tag) => tag_time(&objects, tag)?,
                    None => None,
                };
                if made.is_some_and(|made| made <= until) {
                    then.push((name, full));
                }
            }
            found = then;
        }
        let names = found.iter().map(|(name, _)| name.as_str());
        let mut lines = Vec::new();
        for selected in template.select(index, names) {
            let Some((name, full)) = found.iter().find(|(name, _)| *name == selected.reference)
            else {
                continue;
            };
            // A tag of something that is no commit declares nothing.
            let target = self.target(&repository, full)?;
            let commit = target.map(|target| objects.peel(target)).transpose()?;
            let Some(commit) = commit.flatten() else {
                continue;
            };
            let name = RefName {
                repository: of.repository.cloned(),
                reference: name.clone(),
            };
            let shown = full.strip_prefix("refs/remotes/");
            let mut tip = Tip {
                shown: shown.unwrap_or(name.short()).to_owned(),
                name,
                origin: Origin {
                    repository: of.repository.cloned(),
                    ..selected.origin
                },
                remote: remote.clone(),
                read: full.clone(),
                commit,
            };
            if let (false, Some(until)) = (template.is_tags(), of.until) {
                match self.at_time(&tip, until) {
                    Ok(commit) => tip.commit = commit,
                    // The environment did not exist then.
                    Err(error) if error.kind == FailureKind::Unknown => continue,
                    Err(error) => return Err(error),
                }
            }
            lines.push(tip);
        }
        Ok(lines)
    }

    /// The commit that a tag or branch (by its full name on the remote) means, as the remote has it where that was asked.
    pub fn remote_commit(&self, name: &str) -> Option<ObjectId> {
        let remote = self.remote_of(&self.open().ok()?, None).ok()?;
        match (remote, name.strip_prefix(TAGS)) {
            (Some(remote), Some(tag)) if self.knows_tags() => {
                self.ref_commit(&format!("{}{tag}", kept_tags(&remote)))
            }
            _ => self.ref_commit(name),
        }
    }

    /// The commit that a ref (by its full name here) means; `None` where it is not there, or means something else.
    pub fn ref_commit(&self, full: &str) -> Option<ObjectId> {
        let target = self.target(&self.open().ok()?, full).ok()??;
        Objects::open(self).ok()?.peel(target).ok()?
    }

    /// What to fetch so that every ref that `layouts` read here is fresh: the remote, and refspecs. `None` where one branch
    /// is all that is read, or there is no remote.
    ///
    /// # Errors
    /// When the default branch is read and is not known.
    pub fn refspecs(
        &self,
        layouts: &LayoutSet,
        repository: Option<&str>,
        branch: Option<&str>,
    ) -> Result<Option<(String, Vec<String>)>, Failure> {
        let opened = self.open()?;
        let templates = layouts.ref_templates().iter().enumerate();
        let templates: Vec<_> = templates
            .filter(|(index, _)| layouts.reads(repository, Some(*index)))
            .collect();
        let remote = self.remote_of(&opened, branch)?;
        let (Some(remote), false) = (remote, templates.is_empty()) else {
            return Ok(None);
        };
        let mut refspecs = Vec::new();
        if layouts.reads(repository, None) {
            let base = self.base(branch)?;
            let tracking = self.tracking_ref(&remote, base.branch())?;
            refspecs.push(format!("+refs/heads/{}:{tracking}", base.branch()));
        }
        for (_, template) in templates {
            let prefix = template.prefix();
            let own = match prefix.strip_prefix("refs/heads/") {
                Some(below) => vec![format!(
                    "+refs/heads/{below}*:refs/remotes/{remote}/{below}*"
                )],
                None => tag_refspecs(&remote, prefix).to_vec(),
            };
            for refspec in own {
                if !refspecs.contains(&refspec) {
                    refspecs.push(refspec);
                }
            }
        }
        Ok(Some((remote, refspecs)))
    }

    /// The names of all branches (the remote's, in a clone) or tags, as a template may match them.
    ///
    /// # Errors
    /// When the refs cannot be listed.
    pub fn ref_names(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let repository = self.open()?;
        let remote = self.remote_of(&repository, None)?;
        let found = self.refs_below(&repository, remote.as_deref(), prefix)?;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    /// Refs whose name on the remote begins with `prefix`: (that name, the name here), each name once.
    pub(super) fn refs_below(
        &self,
        repository: &git2::Repository,
        remote: Option<&str>,
        prefix: &str,
    ) -> Result<Vec<(String, String)>, Failure> {
        // (what stands before the name here, what in its place on the remote)
        let mut places = Vec::new();
        if prefix.starts_with("refs/heads/") {
            if let Some(remote) = remote {
                places.push((format!("refs/remotes/{remote}/"), "refs/heads/"));
            }
            // A bare clone keeps the remote's branches as its own, until it is fetched.
            if remote.is_none() || is_bare_clone(repository) {
                places.push(("refs/heads/".to_owned(), "refs/heads/"));
            }
        } else if let (Some(remote), true) = (remote, self.knows_tags()) {
            places.push((kept_tags(remote), TAGS));
        } else {
            places.push((String::new(), ""));
        }
        let mut found: Vec<(String, String)> = Vec::new();
        let mut seen = HashSet::new();
        for (here, there) in places {
            let below = format!("{here}{}*", prefix.strip_prefix(there).unwrap_or(prefix));
            // libgit2 passes over those that cannot be read, and an environment would be gone without a word.
            let prefix = below.trim_end_matches('*');
            if let Some((_, error)) = self.broken_refs(prefix).into_iter().next() {
                return Err(error);
            }
            let names = repository
                .references_glob(&below)
                .map_err(|error| self.error(&error, "cannot list the refs"))?;
            for reference in names.flatten() {
                let Ok(full) = reference.name() else { continue };
                let Some(name) = full.strip_prefix(&here).filter(|name| *name != "HEAD") else {
                    continue;
                };
                let name = format!("{there}{name}");
                if seen.insert(name.clone()) {
                    found.push((name, full.to_owned()));
                }
            }
        }
        Ok(found)
    }
}

/// When a tag was made: the tagger's time, or the commit's where the tag has no words of its own. `None`: it has no time, or
/// names something else than a commit.
///
/// # Errors
/// When an object on the way cannot be read.
pub(super) fn tag_time(objects: &Objects, tag: ObjectId) -> Result<Option<Timestamp>, Failure> {
    let seconds = match objects.tag(tag)? {
        Some(tag) => tag.tagger.map(|(_, time)| time),
        None => match objects.peel(tag)? {
            Some(commit) => Some(objects.committed(commit)?),
            None => None,
        },
    };
    Ok(seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()))
}
