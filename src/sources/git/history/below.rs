//! What stood below a commit of the landed line, and what the commit did to it.

use std::collections::HashMap;

use super::{
    super::{Repo, graph::FirstParents, objects::Objects, read::lookup},
    tree::{Counted, gone},
};
use crate::domain::{failure::Failure, ids::ObjectId};

/// A repository opened to ask what was before.
pub struct Below {
    objects: Objects,
}

impl Repo {
    /// Opens the repository to ask what was before.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn below(&self) -> Result<Below, Failure> {
        let objects = Objects::open(self)?;
        Ok(Below { objects })
    }
}

impl Below {
    /// The first parent of a commit; `None` of the first one, and where a shallow clone is cut off.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn parent(&self, commit: ObjectId) -> Result<Option<ObjectId>, Failure> {
        Ok(self.objects.header(commit)?.parents.first().copied())
    }

    /// Whether a commit takes files away that its first parent has, wherever they stand.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn takes_away(&self, commit: ObjectId, parent: ObjectId) -> Result<bool, Failure> {
        let (left, entered) = (self.tree(commit)?, self.tree(parent)?);
        let mut files = Vec::new();
        let mut folders = Counted::new(&self.objects);
        gone(Some(left), Some(entered), "", &mut folders, 1, &mut files)?;
        Ok(!files.is_empty())
    }

    /// The blob of the regular file at `path` of a commit.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn blob(&self, commit: ObjectId, path: &str) -> Result<Option<ObjectId>, Failure> {
        lookup(&self.objects, self.tree(commit)?, path)
    }

    /// The file at `path` from `commit` down first parents, looked at as far as it is asked for.
    pub fn trail<'a>(&'a self, commit: ObjectId, path: &'a str) -> Trail<'a> {
        Trail {
            objects: &self.objects,
            parents: self.objects.first_parents(commit),
            path,
            seen: Vec::new(),
            places: HashMap::new(),
            broken: None,
        }
    }

    fn tree(&self, commit: ObjectId) -> Result<ObjectId, Failure> {
        Ok(self.objects.header(commit)?.tree)
    }
}

/// What a file was, commit by commit down the landed line. No commit is looked at twice, however often it is asked.
pub struct Trail<'a> {
    objects: &'a Objects,
    parents: FirstParents<'a>,
    path: &'a str,
    /// Those looked at, newest first.
    seen: Vec<(ObjectId, Option<ObjectId>)>,
    /// Where they are in it.
    places: HashMap<ObjectId, usize>,
    /// Why it does not go on.
    broken: Option<Failure>,
}

/// What was found before a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Another {
    /// The file is another one in this commit, the newest such.
    At(ObjectId),
    /// In no commit before.
    Nowhere,
    /// It was not looked further.
    Limit,
}

impl Trail<'_> {
    /// The newest commit below `commit` whose file is there and is another. `most` commits are looked at anew; what is left
    /// of them stays there.
    ///
    /// # Errors
    /// When a commit or a folder cannot be read; asked again, it says the same.
    pub fn another(&mut self, commit: ObjectId, most: &mut usize) -> Result<Another, Failure> {
        let mut at = self.places.get(&commit).copied();
        let mut next = at.map_or(self.seen.len(), |at| at + 1);
        loop {
            if next == self.seen.len() {
                if *most == 0 {
                    return Ok(Another::Limit);
                }
                *most -= 1;
                if !self.look()? {
                    // A commit that is not on this line is known to nobody here.
                    return Ok(at.map_or(Another::Limit, |_| Another::Nowhere));
                }
            }
            let (here, there) = self.seen[next];
            match at {
                None if here == commit => at = Some(next),
                Some(at) if there.is_some() && there != self.seen[at].1 => {
                    return Ok(Another::At(here));
                }
                _ => {}
            }
            next += 1;
        }
    }

    /// Looks at one commit more; whether there is one.
    fn look(&mut self) -> Result<bool, Failure> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let Some(step) = self.parents.next() else {
            return Ok(false);
        };
        let read = step.and_then(|(commit, header)| {
            Ok((commit, lookup(self.objects, header.tree, self.path)?))
        });
        match read {
            Ok((commit, blob)) => {
                self.places.insert(commit, self.seen.len());
                self.seen.push((commit, blob));
                Ok(true)
            }
            Err(error) => {
                self.broken = Some(error.clone());
                Err(error)
            }
        }
    }
}
