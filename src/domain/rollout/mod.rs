//! What runs: cluster objects in, the live state of cells out.
//!
//! A source turns API objects into the small structs of [`object`], sends them as [`ClusterEvent`]s,
//! and a [`ClusterView`] per environment answers for each [`CellTarget`] with a [`LiveCell`].
//! Times are passed in; a lost source makes what is known stale, never empty.

mod assess;
mod event;
mod health;
mod image;
mod live;
pub mod object;
mod pods;
mod running;
mod selector;
mod store;
mod target;
mod view;

pub use event::{ClusterEvent, Touched};
pub use image::same_version;
pub use live::{ClusterNote, Connection, Health, LiveCell, PodState};
pub use object::{ClusterObject, ObjectKind, PodObject, ReplicaSetState, WorkloadState};
pub use running::{Running, Seen};
pub use selector::{Selector, SelectorError, Term};
pub use target::{CellTarget, ClusterTarget, NotesTarget, WorkloadName, targets};
pub use view::ClusterView;

#[cfg(test)]
mod tests;
