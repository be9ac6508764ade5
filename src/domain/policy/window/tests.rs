//! When windows close and open, over named instants.

use super::*;

const WEEKENDS: (&str, u64, &str) = ("0 16 * * FRI", 62, "Europe/Berlin");

fn window(name: &str, kind: Kind, (cron, hours, zone): (&str, u64, &str)) -> Window {
    Window::new(name, kind, cron, Duration::from_hours(hours), zone).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `open until T`, `closed by NAME until T`.
fn said(windows: &[Window], instant: &str) -> String {
    let time = |time: Option<Timestamp>| time.map_or("?".to_owned(), |time| time.to_string());
    match state(windows, &CellKey::new("web", "prod-eu"), at(instant)) {
        Open::Unsaid => "unsaid".to_owned(),
        Open::Yes { by: None, until } => format!("open until {}", time(until)),
        Open::Yes {
            by: Some(by),
            until,
        } => format!("open by {} until {}", by.name, time(until)),
        Open::No { by, until } => format!("closed by {} until {}", by.name, time(until)),
    }
}

#[test]
fn a_deny_closes_from_its_first_instant_until_its_last() {
    let windows = [window("weekends", Kind::Deny, WEEKENDS)];
    let cases = [
        (
            "before",
            "2026-11-27T14:59:59Z",
            "open until 2026-11-27T15:00:00Z",
        ),
        (
            "its first instant",
            "2026-11-27T15:00:00Z",
            "closed by weekends until 2026-11-30T05:00:00Z",
        ),
        (
            "in it",
            "2026-11-29T12:00:00Z",
            "closed by weekends until 2026-11-30T05:00:00Z",
        ),
        (
            "its last",
            "2026-11-30T04:59:59Z",
            "closed by weekends until 2026-11-30T05:00:00Z",
        ),
        (
            "behind it",
            "2026-11-30T05:00:00Z",
            "open until 2026-12-04T15:00:00Z",
        ),
        // The offset is that of the instant: summer time is an hour earlier.
        (
            "in summer",
            "2026-07-03T14:00:00Z",
            "closed by weekends until 2026-07-06T04:00:00Z",
        ),
        // The night of the change has an hour more; the window lasts as long as it says.
        (
            "over the change",
            "2026-10-24T12:00:00Z",
            "closed by weekends until 2026-10-26T04:00:00Z",
        ),
    ];
    for (name, instant, expected) in cases {
        assert_eq!(said(&windows, instant), expected, "{name}");
    }
}

#[test]
fn windows_together_close_as_argo_cds_do() {
    let office = ("0 9 * * MON-FRI", 8, "UTC");
    let noon = ("0 12 * * *", 1, "UTC");
    let evening = ("0 13 * * *", 2, "UTC");
    let always = ("* * * * *", 1, "UTC");
    let (allow, deny) = (Kind::Allow, Kind::Deny);
    let cases = [
        ("none", vec![], "2026-12-01T12:00:00Z", "unsaid"),
        (
            "an allow that is active",
            vec![(allow, office)],
            "2026-12-01T12:00:00Z",
            "open by 0 until 2026-12-01T17:00:00Z",
        ),
        (
            "an allow that is not",
            vec![(allow, office)],
            "2026-12-04T17:00:00Z",
            "closed by 0 until 2026-12-07T09:00:00Z",
        ),
        (
            "of two allows one",
            vec![(allow, noon), (allow, office)],
            "2026-12-01T09:30:00Z",
            "open by 1 until 2026-12-01T17:00:00Z",
        ),
        (
            "a deny over an allow",
            vec![(allow, office), (deny, noon)],
            "2026-12-01T12:30:00Z",
            "closed by 1 until 2026-12-01T13:00:00Z",
        ),
        (
            "a deny, and then no allow",
            vec![(allow, noon), (deny, noon)],
            "2026-12-01T12:30:00Z",
            "closed by 1 until ?",
        ),
        (
            "denies that follow each other",
            vec![(deny, noon), (deny, evening)],
            "2026-12-01T12:30:00Z",
            "closed by 0 until 2026-12-01T15:00:00Z",
        ),
        (
            "one that begins before it ends",
            vec![(deny, always)],
            "2026-12-01T12:30:00Z",
            "closed by 0 until ?",
        ),
        (
            "a day that never comes",
            vec![(deny, ("0 0 30 2 *", 1, "UTC"))],
            "2026-12-01T12:30:00Z",
            "open until ?",
        ),
    ];
    for (name, windows, instant, expected) in cases {
        let windows: Vec<Window> = windows
            .into_iter()
            .enumerate()
            .map(|(index, (kind, when))| window(&index.to_string(), kind, when))
            .collect();
        assert_eq!(said(&windows, instant), expected, "{name}");
    }
}

#[test]
fn a_window_is_about_the_cells_that_it_names() {
    let mut only = window("weekends", Kind::Deny, WEEKENDS);
    let saturday = "2026-11-28T12:00:00Z";
    only.environments = vec!["prod-*".to_owned()];
    assert!(said(&[only.clone()], saturday).starts_with("closed"));
    only.services = vec!["api".to_owned()];
    assert_eq!(said(&[only], saturday), "unsaid");
}

#[test]
fn what_is_no_window_says_why() {
    let hour = Duration::from_hours(1);
    let cases = [
        (
            "0 16 * * FRI",
            "Mars/Olympus",
            "zone: `Mars/Olympus` is no time zone",
        ),
        ("0 16 * *", "UTC", "cron: `0 16 * *` has not five fields"),
        ("0 25 * * *", "UTC", "cron: `0 25 * * *` is no schedule: "),
        (
            "0 16 * * FRO",
            "UTC",
            "cron: `0 16 * * FRO` is no schedule: ",
        ),
    ];
    for (cron, zone, expected) in cases {
        let error = Window::new("w", Kind::Deny, cron, hour, zone).unwrap_err();
        let said = format!("{}: {}", error.key, error.message);
        assert!(said.starts_with(expected), "{said}");
    }
}
