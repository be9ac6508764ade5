//! Named situations, each reached as an operator would reach it.

pub(super) use delivery::delivery_that_waits;

use crate::app::fixture::Driver;

mod canary;
mod cell;
mod delivery;
mod matrix;
pub(super) mod plan;

type Build = fn((u16, u16)) -> Driver;

/// All of them.
pub(super) const ALL: &[(&str, Build)] = &[
    ("start", matrix::start),
    ("states", matrix::states),
    ("git_only", matrix::git_only),
    ("matrix", matrix::matrix),
    ("unseen", matrix::unseen),
    ("unseen_cell", matrix::unseen_cell),
    ("marks", matrix::marks),
    ("filter", matrix::filter),
    ("palette", matrix::palette),
    ("copy", matrix::copy),
    ("found", matrix::found),
    ("failure", matrix::failure),
    ("canary", canary::matrix),
    ("canary_cell", canary::cell_screen),
    ("cell", cell::cell_screen),
    ("log", cell::log),
    ("described", cell::described),
    ("cell_agent", cell::cell_agent),
    ("agent", cell::agent),
    ("agent_question", cell::agent_question),
    ("by_hand_menu", cell::by_hand_menu),
    ("by_hand_undo", cell::by_hand_undo),
    ("by_hand_long", cell::by_hand_long),
    ("by_hand_frozen", cell::by_hand_frozen),
    ("revert", cell::revert),
    ("trace", cell::trace),
    ("trace_reading", cell::trace_reading),
    ("plan", plan::plan_screen),
    ("plan_held", plan::plan_held),
    ("plan_left_out", plan::plan_left_out),
    ("plan_moved", plan::plan_moved),
    ("plan_refused", plan::plan_refused),
    ("confirm", delivery::confirm),
    ("delivery", delivery::delivery),
    ("delivery_failed", delivery::delivery_failed),
    ("drift", matrix::drift),
    ("filter_unknown", matrix::filter_unknown),
    ("activity", matrix::activity),
    ("help", matrix::help),
    ("layouts", matrix::layouts),
    ("quit", matrix::quit),
    ("trust", matrix::trust),
    ("trust_too_much", matrix::trust_too_much),
];

/// The scene of this name.
pub(super) fn build(name: &str) -> Build {
    let mut all = ALL.iter();
    all.find(|(known, _)| *known == name).unwrap().1
}
