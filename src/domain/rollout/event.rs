//! What a cluster source tells about one cluster.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    live::ClusterNote,
    needs::{Held, Presence},
    object::{ClusterObject, ObjectKind},
    target::Wanted,
};
use crate::domain::ids::CellKey;

/// One message of a cluster source; a [`super::ClusterView`] applies them in order.
///
/// After each (re)connection the source says [`Self::Connected`] and lists every kind ([`Self::Reset`], [`Self::Denied`] or
/// [`Self::Absent`] for each); what was known of a kind stays stale until that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterEvent {
    /// Everything there is of one kind in these namespaces, in place of what was known of it.
    Reset {
        /// The kind that was listed.
        kind: ObjectKind,
        /// Where it was listed.
        namespaces: BTreeSet<String>,
        /// All of it.
        objects: Vec<ClusterObject>,
    },
    /// An object appeared or changed.
    Applied(ClusterObject),
    /// An object went away.
    Deleted {
        /// Its kind.
        kind: ObjectKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The server answers: the lists follow.
    Connected,
    /// The server's address, by which agents in other clusters may name it.
    Serves(String),
    /// The server answered a sign of life: what is known is still current.
    Alive,
    /// This identity may not list or watch a kind (403).
    Denied {
        /// The kind.
        kind: ObjectKind,
        /// The namespaces of which that was said.
        namespaces: BTreeSet<String>,
        /// One line: what is not allowed, and to whom.
        what: String,
    },
    /// The server does not know the kind (404).
    Absent {
        /// The kind.
        kind: ObjectKind,
        /// The namespaces of which that was said.
        namespaces: BTreeSet<String>,
    },
    /// The connection is gone, or could not be made.
    Lost {
        /// Why, one line.
        reason: String,
        /// When it is tried again.
        next_try: Option<Timestamp>,
    },
    /// What is said of something that was asked for by its name.
    Held {
        /// What that is.
        held: Held,
        /// Whether it is there.
        presence: Presence,
    },
    /// Notes (`v1` Event) about the selected cell, newest first; replaces earlier ones.
    Notes {
        /// The cell.
        cell: CellKey,
        /// The newest of them.
        notes: Vec<ClusterNote>,
        /// Why there are none to see, where that is so.
        problem: Option<String>,
    },
    /// The targets changed: nothing else than this is watched any more.
    Narrowed(Wanted),
}

/// What an applied event changed, so that a caller recomputes no more than it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Nothing that shows, the freshness aside.
    Nothing,
    /// Cells of these namespaces.
    Namespaces(BTreeSet<String>),
    /// The connection, and with it every cell.
    Everything,
    /// The notes of the selected cell.
    Notes,
}
