//! `tidegate demo`: a seeded Git remote, simulated clusters that speak the Kubernetes protocol, and the agents that
//! roll out what is pushed; what its gates ask: a registry and smoke tests; and, where its story is about that, a forge with
//! people who look at pull requests. It needs nothing but the binary (and the
//! user's `git` to fetch and push), and reaches nothing but the loopback interface.
//!
//! The same API server serves the tests over a loopback socket.

pub mod agent;
mod forge;
mod lifecycle;
mod outside;
pub mod seed;
pub mod server;

pub use forge::Forge;
pub use lifecycle::{Demo, DemoError, DemoOptions};

/// Where a connection cannot be taken, as no file can be opened any more, it is tried again after so long.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
