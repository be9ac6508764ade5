//! Git: what a commit declares, how it came to that, and how a change gets there.
//!
//! Objects are read by [`store`], refs and configuration through libgit2, the network is reached through the user's own `git`.
//! Only `publish` writes: objects into the object database, and refs on the remote (or, in a
//! repository without remotes, the branch itself). The work tree, the index and, where there is a
//! remote, local branches are never touched.

mod addresses;
mod base;
mod between;
mod child;
mod compare;
mod configured;
mod credential;
mod diff;
mod discover;
mod environment;
mod error;
mod facts;
mod graph;
mod history;
mod inmemory;
mod kept;
mod lines;
mod mirror;
mod objects;
mod outside;
mod parse;
mod planned;
mod publish;
mod read;
mod refs;
mod regular;
mod remotes;
mod repo;
mod report;
mod revision;
mod signature;
mod source_code;
mod store;
mod survey;
mod transport;
mod view;

pub use addresses::{Addresses, PushAddress};
pub use base::moment;
pub use between::{Between, Made};
pub use child::RanCommand;
pub use credential::{Credential, credential};
pub use environment::keep_to_itself;
pub use history::{Another, Below, HistoryEvent, TagReading, Trail, Want};
pub use lines::{LinesOf, tag_refspecs};
pub use mirror::Mirror;
pub use outside::{Contact, Outside};
pub use publish::{
    Became, Making, Merged, OwnBranch, PublishLock, PushOutcome, arrived, author, became,
    build_commit, build_merge, build_tag, lock, may_ask, may_commit, may_move, may_tag, own_branch,
    push, settled, signs, who,
};
pub use read::Files;
pub use repo::Repo;
pub use signature::signatures;
pub use survey::Survey;
pub use transport::{Fetched, OnServer, fetch, fetch_refs, follow_default, on_server};

use self::child::Child;
use crate::domain::ids::ObjectId;

/// Our name of a libgit2 object.
fn ours(oid: git2::Oid) -> ObjectId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&oid.as_bytes()[..20]);
    ObjectId::new(bytes)
}

/// libgit2's name of an object of ours.
fn theirs(id: ObjectId) -> git2::Oid {
    git2::Oid::from_bytes(id.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}

#[cfg(test)]
mod tests;
