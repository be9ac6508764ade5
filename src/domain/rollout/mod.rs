//! What runs: cluster objects in, the live state of cells out.
//!
//! A source turns API objects into the small structs of [`object`], sends them as [`ClusterEvent`]s,
//! a [`ClusterView`] per kubeconfig context keeps them, and [`ClusterViews`] answers for each [`CellTarget`] with a [`LiveCell`].
//! Times are passed in; a lost source makes what is known stale, never empty.

mod agents;
mod alone;
mod answers;
mod assess;
mod automation;
mod batch;
mod companion;
mod described;
mod event;
mod health;
mod image;
mod labels;
mod live;
mod log;
mod needs;
pub mod object;
mod owned;
mod pods;
mod progressive;
mod pulled;
mod rare;
mod revisions;
mod running;
mod selector;
mod since;
mod store;
mod target;
mod view;
mod views;

pub use agents::Declared;
pub use alone::{Verdict, judge as judge_alone, judge_other};
pub use automation::NextWrite;
pub use companion::{CompanionKind, CompanionObject, More, companion};
pub use described::{Look, ObjectAt, describe};
pub use event::{ClusterEvent, Touched};
pub use image::same_version;
pub use labels::Labels;
pub use live::{ClusterNote, Connection, Counts, Few, Health, LiveCell, PodState};
pub use log::{Lines, LogLine, LogRequest, Ring};
pub use needs::{Beside, Held, HeldKind, Presence, Reference};
pub use object::{
    CanaryObject, ClusterObject, ObjectKind, PodObject, ReplicaSetState, WorkloadState,
};
pub use pulled::{Pulled, Torn, digest_of, short as short_digest};
pub use revisions::{Change, Revision, RolloutAct, back_to, revisions};
pub use running::{Running, Seen};
pub use selector::{Selector, SelectorError, Term};
pub use target::{
    AgentsAt, CellTarget, ClusterTarget, EVERYWHERE, NotesTarget, ObjectPlace, Wanted, Which,
    Written, targets,
};
pub use view::ClusterView;
pub use views::ClusterViews;

#[cfg(test)]
mod tests;
