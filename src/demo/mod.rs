//! `tidegate demo`: a seeded Git remote, simulated clusters that speak the Kubernetes protocol, and the agents that
//! roll out what is pushed. It needs nothing but the binary (and the user's `git` to fetch and push).
//!
//! The same API server serves the tests over a loopback socket.

pub mod agent;
mod lifecycle;
pub mod seed;
pub mod server;

pub use lifecycle::{Demo, DemoError, DemoOptions};
