//! How a delivery goes, and how it ends.

use std::collections::BTreeMap;

use crate::{
    domain::{
        desired::{RefName, Tip},
        ids::ObjectId,
        plan::Plan,
        topology::Deliver,
    },
    sources::git::{GitError, PushRequest, RanCommand, Rejection},
};

/// A plan that left the clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Each commit or tag, in the plan's order; never empty.
    pub parts: Vec<DeliveredPart>,
    /// How it went.
    pub deliver: Deliver,
    /// A base had moved; bytes and verdicts were the same, so it went on.
    pub moved: Option<String>,
}

/// One commit or tag that left the clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredPart {
    /// The ref that it is for, as it was built on.
    pub tip: Tip,
    /// The commit; of a tag, the one that it names.
    pub commit: ObjectId,
    /// Where it is: `main`, a tag, or the branch of its own.
    pub branch: String,
    /// The server's words, one line each.
    pub words: Vec<String>,
    /// Where a pull request can be opened, from the server's words.
    pub link: Option<String>,
    /// It was pushed to other addresses than the one that is fetched, which does not have it yet.
    pub elsewhere: Option<Elsewhere>,
}

/// A push that is not seen where the remote is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The addresses that have it, without credentials.
    pub addresses: Vec<String>,
    /// What was pushed.
    pub request: PushRequest,
}

impl Delivered {
    /// Whether a part of it is not where it is read from: nothing is deployed from there before it is.
    pub fn is_elsewhere(&self) -> bool {
        self.parts.iter().any(|part| part.elsewhere.is_some())
    }

    /// Where each ref is now.
    pub fn moved_refs(&self) -> BTreeMap<RefName, ObjectId> {
        let parts = self.parts.iter();
        parts
            .map(|part| (part.tip.name.clone(), part.commit))
            .collect()
    }
}

impl DeliveredPart {
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

/// Why a plan did not leave the clone. The remotes are as they were, but for `Unclear` and `Partial`.
#[derive(Clone, Debug)]
pub enum DeliverFailure {
    /// Nothing in the plan changes anything.
    Empty,
    /// A gate holds at least one change.
    Held(Box<Plan>),
    /// The base moved, and the plan is not the same there.
    Moved {
        /// The plan on the new base.
        fresh: Box<Plan>,
        /// What is different, one line each.
        changes: Vec<String>,
    },
    /// The server refused.
    Rejected(Rejection),
    /// The connection failed and the remote could not be asked what happened.
    Unclear(String),
    /// Some of several commits are published, then one was not.
    Partial {
        /// Those that are.
        done: Vec<DeliveredPart>,
        /// The ref whose turn it was.
        failed: RefName,
        /// Why it is not published.
        cause: Box<DeliverFailure>,
        /// The refs after it, which were not tried.
        left: Vec<RefName>,
    },
    /// Anything else.
    Git(GitError),
}

impl DeliverFailure {
    /// Why, in a line.
    pub fn describe(&self) -> String {
        match self {
            Self::Empty => "the plan changes nothing".to_owned(),
            Self::Held(_) => "a gate holds it now".to_owned(),
            Self::Moved { changes, .. } => format!("it moved: {}", changes.join("; ")),
            Self::Rejected(rejection) => match rejection.words.trim() {
                "" => format!("refused: {}", rejection.status),
                words => format!("refused: {}", words.replace('\n', "; ")),
            },
            Self::Unclear(words) => format!(
                "the push ended unclear, and the remote does not say whether it arrived: {words}"
            ),
            Self::Partial { failed, cause, .. } => format!("{failed}: {}", cause.describe()),
            Self::Git(error) => error.to_string(),
        }
    }
}

/// Progress of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliverStep {
    /// A program ran.
    Ran(RanCommand),
    /// The base was fetched and the plan judged again; a sentence.
    Checked(String),
    /// The commit (or tag) is in the object database.
    Committed(ObjectId),
    /// One of several commits is published; a sentence.
    Published(String),
}

impl DeliverStep {
    pub(super) fn log(&self) {
        match self {
            // It was logged when it ran.
            Self::Ran(_) => {}
            Self::Checked(words) => tracing::info!(words, "judged again"),
            Self::Committed(commit) => tracing::info!(%commit, "committed"),
            Self::Published(words) => tracing::info!(words, "published"),
        }
    }
}
