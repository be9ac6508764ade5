//! Why a plan did not leave the clone.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        desired::RefName,
        failure::{Failure, FailureKind},
    },
    Fresh, Part,
};

/// Why a plan, or the rest of it, did not leave the clone. The remotes are as they were, but for `Unclear` and `Partial`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// Nothing in the plan changes anything.
    Empty,
    /// A gate holds at least one change of the plan on the refs as they are now.
    Held(Fresh),
    /// The base moved, and the plan is not the same there.
    Moved {
        /// The plan on the new base.
        fresh: Fresh,
        /// What is different, one line each.
        changes: Vec<String>,
    },
    /// Writing was locked before it was pushed.
    Locked,
    /// The server refused.
    Rejected(Rejection),
    /// The connection failed and the remote could not be asked what happened.
    Unclear(String),
    /// Some of several commits are published, then one was not.
    Partial {
        /// The ref whose turn it was.
        failed: RefName,
        /// Why it is not published.
        cause: Box<NotPublished>,
        /// The refs after it, which were not tried.
        left: Vec<RefName>,
    },
    /// Anything else.
    Failed(Failure),
}

/// A refusal, as the server put it, or this side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The per-ref status: `pre-receive hook declined`, `protected branch hook declined`, …
    pub status: String,
    /// The message of the server and its hooks, one line each, without `remote:`; where no server said anything, that of
    /// this side.
    pub message: String,
    /// No server said anything: the words are those of Git or of a hook of this clone.
    #[serde(default)]
    pub here: bool,
    /// The branch is protected: a branch of its own may be accepted.
    pub protected: bool,
    /// This identity may not push at all.
    pub denied: bool,
}

impl Rejection {
    /// What the server said, one line each; its status where it said nothing else.
    pub fn lines(&self) -> Vec<String> {
        match self.message.trim() {
            "" => vec![self.status.clone()],
            message => message.lines().map(str::to_owned).collect(),
        }
    }
}

impl NotPublished {
    /// The plan on the refs as they are now, where that is not what was confirmed, and what is different, one line each.
    pub fn fresh(&self) -> Option<(&Fresh, Vec<String>)> {
        match self {
            Self::Moved { fresh, changes } => Some((fresh, changes.clone())),
            Self::Held(fresh) => {
                let held = fresh.held();
                let held = held.map(|change| format!("{} is held by a gate", change.cell));
                Some((fresh, held.collect()))
            }
            _ => None,
        }
    }

    /// Why, in a line.
    pub fn describe(&self) -> String {
        match self {
            Self::Empty => "the plan changes nothing".to_owned(),
            Self::Held(_) => "a gate holds it now".to_owned(),
            Self::Moved { changes, .. } => format!("it moved: {}", changes.join("; ")),
            Self::Locked => "writing was locked before it was pushed".to_owned(),
            Self::Rejected(rejection) => format!("refused: {}", rejection.lines().join("; ")),
            Self::Unclear(message) => format!(
                "the push ended unclear, and the remote does not say whether it arrived: {message}"
            ),
            Self::Partial { failed, cause, .. } => format!("{failed}: {}", cause.describe()),
            Self::Failed(failure) if failure.next.is_empty() => failure.why.clone(),
            Self::Failed(failure) => format!("{}. {}", failure.why, failure.next),
        }
    }

    /// The same as a failure with what to do next; `done` left the clone before it.
    pub fn failure(&self, done: &[Part]) -> Failure {
        const STAGED: &str = "everything is still staged";
        let failure = |why: String, next: &str| Failure::told("delivery", why, next);
        match self {
            Self::Empty => failure(self.describe(), "stage something first"),
            Self::Held(_) => {
                failure(self.describe(), "look at the plan again").of(FailureKind::Refused)
            }
            Self::Moved { .. } => {
                failure(self.describe(), "look at the plan again").of(FailureKind::Moved)
            }
            Self::Locked | Self::Rejected(_) => {
                failure(self.describe(), STAGED).of(FailureKind::Refused)
            }
            Self::Unclear(message) => failure(
                message.clone(),
                "look at the remote branch before trying again; everything is still staged",
            )
            .of(FailureKind::Network),
            Self::Partial {
                failed,
                cause,
                left,
            } => {
                let done: Vec<String> = done.iter().map(Part::shown).collect();
                let left: Vec<String> = left.iter().map(ToString::to_string).collect();
                let after = match left.as_slice() {
                    [] => String::new(),
                    left => format!("; not tried: {}", left.join(", ")),
                };
                Failure::told(
                    "a part of the delivery",
                    format!(
                        "done: {}; not done: {failed}: {}{after}",
                        done.join(", "),
                        cause.describe()
                    ),
                    "what is done stays; refresh and plan again: what is there already is skipped",
                )
            }
            Self::Failed(failure) if failure.kind == FailureKind::Interrupted => Failure {
                why: self.interrupted(done).unwrap_or_default(),
                next: match failure.next.as_str() {
                    "" => STAGED.to_owned(),
                    next => next.to_owned(),
                },
                ..failure.clone()
            },
            Self::Failed(failure) => failure.clone(),
        }
    }

    /// What is there, where the operator stopped it after `done` left the clone.
    pub fn interrupted(&self, done: &[Part]) -> Option<String> {
        match self {
            Self::Failed(failure) if failure.kind == FailureKind::Interrupted => {
                Some(match failure.why.as_str() {
                    "interrupted" if done.is_empty() => {
                        "interrupted: nothing was pushed".to_owned()
                    }
                    "interrupted" => "interrupted: nothing more was pushed".to_owned(),
                    why => why.to_owned(),
                })
            }
            _ => None,
        }
    }
}
