//! Journeys: the real binary, real repositories, real sockets. One file per journey, helpers in `support`.

mod addresses;
mod along;
mod asking;
mod cells;
mod certificates;
mod cluster;
mod commands;
mod completions;
mod demo;
mod first_contact;
mod following;
mod hung;
mod kinds;
mod logs;
mod looks;
mod mirror;
mod mounts;
mod moved;
mod places;
mod printing;
mod reading;
mod refs;
mod refusals;
mod relayout;
mod repositories;
mod stopping;
mod support;
mod taken_up;
mod terminal;
mod trust;
mod unread;
mod values;
mod writing;
mod yaml_edit;

mod corpora;
