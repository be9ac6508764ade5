//! `window`: nothing goes while a freeze holds.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, found};
use crate::domain::{
    plan::{Level, Outcome},
    policy::{Kind, Open, Window, state},
};

pub(super) const GATE: Gate = Gate {
    id: "window",
    about: "no freeze holds",
    promotions_only: false,
    reverts: false,
    acts: |change| {
        let mut windows = change.policy().windows.iter();
        windows.any(|window| window.is_about(change.cell))
    },
    questions: |_| Vec::new(),
    judge,
};

fn judge(change: &Change<'_>, _: &Facts, now: Timestamp) -> Finding {
    match state(&change.policy().windows, change.cell, now) {
        Open::Unsaid => found(Outcome::Pass, "no window is about it"),
        Open::Yes { by, until } => found(Outcome::Pass, open(by, until)),
        Open::No { by, until } => Finding {
            level: Level::Hold,
            outcome: Outcome::Hold,
            detail: closed(by, until),
            earliest: until,
        },
    }
}

fn open(by: Option<&Window>, until: Option<Timestamp>) -> String {
    let by = by.map_or("no freeze holds".to_owned(), |by| {
        format!("`{}` allows it", by.name)
    });
    match until {
        Some(until) => format!("{by} until {}", minute(until)),
        None => by,
    }
}

/// ``the freeze `weekends` holds until 2026-11-30 05:00 UTC``
pub(super) fn closed(by: &Window, until: Option<Timestamp>) -> String {
    let until = until.map_or(
        ", and does not end as far as can be seen".to_owned(),
        |until| format!(" until {}", minute(until)),
    );
    match by.kind {
        Kind::Deny => format!("the freeze `{}` holds{until}", by.name),
        Kind::Allow => format!(
            "outside of `{}`, in which alone something goes: closed{until}",
            by.name
        ),
    }
}

pub(super) fn minute(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%a %Y-%m-%d %H:%M UTC")
}
