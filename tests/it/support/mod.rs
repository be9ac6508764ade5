//! Helpers of the journeys.

pub mod demo;
pub mod http;
pub mod operator;
pub mod repo;
pub mod scenarios;
pub mod schema;
pub mod terminal;
pub mod tls;
pub mod two;
pub mod view;
pub mod web;
