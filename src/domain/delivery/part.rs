//! One commit or tag that leaves the clone.

use serde::{Deserialize, Serialize};

use super::super::{desired::Tip, ids::ObjectId, pull_request::PullRequest};

/// What is to be pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The base it was built on; its commit is the expected old value of the branch.
    pub base: Tip,
    /// The commit, or the tag object.
    pub commit: ObjectId,
    /// Where to.
    pub destination: Destination,
}

/// Which ref of the remote is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// Fast-forward of the base's branch itself.
    Branch,
    /// A new branch on the same remote, from which a pull request can be opened.
    Own(String),
    /// A new tag of this name; `commit` is then the tag object.
    Tag(String),
}

/// A commit or tag that left the clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The ref that it is for, as it was built on.
    pub tip: Tip,
    /// The commit; of a tag, the one that it names.
    pub commit: ObjectId,
    /// Where it is: `main`, a tag, or the branch of its own.
    pub branch: String,
    /// The server's message, one line each.
    pub message: Vec<String>,
    /// What Tidegate has to say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where a pull request can be opened, from the server's message.
    pub link: Option<String>,
    /// It was pushed to other addresses than the one that is fetched, which does not have it yet.
    pub elsewhere: Option<Elsewhere>,
    /// The pull request that is to bring it into its ref, where it goes by one and that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<PullRequest>,
}

/// A push that is not seen where the remote is fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The addresses that have it, without credentials.
    pub addresses: Vec<String>,
    /// What was pushed.
    pub push: Push,
}

impl Push {
    /// The branch or tag that it is on then, without `refs/heads/`.
    pub fn branch(&self) -> &str {
        match &self.destination {
            Destination::Own(name) | Destination::Tag(name) => name,
            Destination::Branch => self.base.branch(),
        }
    }

    /// The full name of the ref that is written on the remote.
    pub fn target(&self) -> String {
        match self.destination {
            Destination::Branch | Destination::Own(_) => format!("refs/heads/{}", self.branch()),
            Destination::Tag(_) => format!("refs/tags/{}", self.branch()),
        }
    }

    /// The commit that the ref names then: of a new tag, what it was made of.
    pub fn landed(&self) -> ObjectId {
        match self.destination {
            Destination::Tag(_) => self.base.commit,
            Destination::Branch | Destination::Own(_) => self.commit,
        }
    }

    /// That it left the clone.
    pub fn published(&self, message: &str, link: Option<String>) -> Part {
        Part {
            tip: self.base.clone(),
            commit: self.landed(),
            branch: self.branch().to_owned(),
            message: message.lines().map(str::to_owned).collect(),
            note: None,
            link,
            elsewhere: None,
            request: None,
        }
    }
}

impl Part {
    /// The commit of its ref that has it: what merged its pull request, where it went by one.
    pub fn landed(&self) -> ObjectId {
        let merged = self.request.as_ref().and_then(|request| request.merged);
        merged.unwrap_or(self.commit)
    }

    /// All that was said of it, by the server and by Tidegate, one line each.
    pub fn words(&self) -> impl Iterator<Item = &String> {
        self.message.iter().chain(&self.note)
    }

    /// What became of it: `a1b2c3d is on origin/main`, or where it was pushed to and is not seen yet.
    pub fn describe(&self) -> String {
        let commit = self.commit.short();
        match &self.elsewhere {
            None => format!("{commit} is on {}", self.shown()),
            Some(elsewhere) => format!(
                "{commit} was pushed to {}; {} does not have it yet",
                elsewhere.addresses.join(" and "),
                self.shown()
            ),
        }
    }

    /// Where it is, as people say it: `origin/main`, `deploy: origin/main`.
    pub fn shown(&self) -> String {
        let place = match &self.tip.remote {
            Some(remote) => format!("{remote}/{}", self.branch),
            None => self.branch.clone(),
        };
        match &self.tip.name.repository {
            Some(repository) => format!("{repository}: {place}"),
            None => place,
        }
    }
}
