//! Journeys on real systems: Kubernetes control planes, Argo CD and a Gitea, as the JSON file that `TIDEGATE_RIG` names
//! describes them. They are ignored unless asked for (`cargo test --test real -- --ignored`), and fail without it.
//!
//! Each journey makes a deployment repository of its own in Gitea, with Argo CD Applications that follow it, drives the
//! real binary against it, and takes everything away again.
#![allow(clippy::expect_used)] // a harness fails by panicking

mod agents;
mod canary;
mod cluster;
mod commands;
mod flagger;
mod forge;
mod hands;
mod outside;
mod pulls;
mod rig;
mod said;
mod screen;
mod seed;
mod windows;
mod world;

#[path = "../it/support/operator.rs"]
mod operator;
#[path = "../it/support/terminal.rs"]
mod terminal;
#[path = "../it/support/view.rs"]
mod view;
