//! Watching clusters: the real client against an API server in this process, over a loopback socket.

mod access;
mod agents;
mod argocd;
mod beside;
mod by_hand;
mod certificates;
mod connection;
pub mod fixture;
mod live;
pub mod progressive;
mod proxies;
mod workloads;
