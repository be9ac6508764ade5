//! Pure: values in, values out. Nothing here reads a clock, a file or a network.

pub mod age;
pub mod alike;
pub mod delivery;
pub mod desired;
pub mod diff;
pub mod gate;
pub mod grammar;
pub mod history;
pub mod ids;
pub mod last_good;
pub mod layout;
pub mod manifest;
pub mod message;
pub mod plan;
pub mod problem;
pub mod rollout;
pub mod said;
pub mod subject;
pub mod suggest;
pub mod template;
pub mod text;
pub mod topology;
pub mod trace;
pub mod unread;
pub mod version;
pub mod version_range;
