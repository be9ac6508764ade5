//! `healthy` of `[[environments]]`: the Prometheus that knows when its cells were healthy.

use std::time::Duration;

use super::{checks, reader::Table, validate};
use crate::domain::policy::{check::Limit, healthy::HealthyQuery};

/// Its keys.
const KEYS: [&str; 8] = [
    "server", "query", "label", "below", "above", "back", "step", "timeout",
];
/// How far back it is asked.
const BACK: Duration = Duration::from_hours(14 * 24);
/// How often it is looked at in that time.
const STEP: Duration = Duration::from_mins(5);
/// A Prometheus gives 11,000 moments of a series at once.
const MOST_STEPS: u128 = 10_000;

pub(super) fn healthy(table: &Table<'_>) -> Option<HealthyQuery> {
    let table = table.table("healthy")?;
    table.refuse_others(&KEYS, |_| None);
    let example = "min by (version) (up{job='{service}'})";
    for (key, example) in [("server", "main"), ("query", example)] {
        if !table.has(key) {
            table.error_here(format!(
                "has no `{key}`; give it one, such as `{key} = \"{example}\"`"
            ));
        }
    }
    if !table.has("below") && !table.has("above") {
        table.error_here("says of no value that it is good: `below = 0.01`, `above = 0`, or both");
    }
    let query = table.string("query")?;
    let of_a_change = ["{version}", "{from}", "{from.url}"];
    if let Some(place) = of_a_change.iter().find(|place| query.contains(**place)) {
        table.error(
            "query",
            format!("has `{place}`, and is about no change: one query tells of every version, by `label`"),
        );
    }
    let length = |key: &str, otherwise: Duration| {
        let Some(text) = table.string(key) else {
            return otherwise;
        };
        validate::duration(&text).unwrap_or_else(|| {
            let message =
                format!("`{text}` is no length of time; write one like `336h`, `12h` or `5m`");
            table.error(key, message);
            otherwise
        })
    };
    let (back, step) = (length("back", BACK), length("step", STEP));
    if back.as_millis() > step.as_millis() * MOST_STEPS || step >= back {
        table.error_here(format!(
            "asks for {} moments (`back` by `step`); a Prometheus gives {MOST_STEPS} at once, and one is none: take a longer or a shorter `step`",
            back.as_millis() / step.as_millis().max(1)
        ));
    }
    Some(HealthyQuery {
        server: table.string("server")?,
        query,
        label: table
            .string("label")
            .unwrap_or_else(|| "version".to_owned()),
        below: table.number("below").map(Limit),
        above: table.number("above").map(Limit),
        back,
        step,
        timeout: checks::timeout(&table, checks::SOON),
    })
}
